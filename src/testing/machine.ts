/**
 * What the machine is asked for whose answer follows from the question: the lab waits for it while its clock stands
 * still, and answers come in the order of asking. What is random comes from the seed.
 */
import type * as WebCryptoService from "effect/crypto/WebCrypto"
import type * as Seeded from "./seeded.ts"

export type Crypto = (typeof WebCryptoService.WebCrypto)["Service"]

export interface Machine {
  readonly crypto: Crypto
  /** The answer comes after those of all that was asked before. */
  readonly inTurn: <A>(answer: Promise<A>) => Promise<A>
  /** How many answers have not come. */
  readonly pending: () => number
}

export const make = (real: Crypto, seeded: Seeded.Seeded): Machine => {
  let pending = 0
  let answered: Promise<unknown> = Promise.resolve()

  const inTurn = <A>(answer: Promise<A>): Promise<A> => {
    pending++
    const before = answered
    const mine = (async () => {
      try {
        return await answer
      } finally {
        await before
        pending--
      }
    })()
    answered = mine.then(ignore, ignore)
    return mine
  }

  const subtle = new Proxy(real.subtle, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      return typeof value !== "function"
        ? value
        : (...args: ReadonlyArray<unknown>) => inTurn(Reflect.apply(value, target, args) as Promise<unknown>)
    }
  })

  const crypto = new Proxy(real, {
    get: (target, name) => {
      if (name === "subtle") return subtle
      if (name === "getRandomValues") {
        return <A extends ArrayBufferView>(view: A): A => {
          new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(seeded.bytes(view.byteLength))
          return view
        }
      }
      if (name === "randomUUID") return () => uuid(seeded.bytes(16))
      const value: unknown = Reflect.get(target, name)
      return value
    }
  })

  return { crypto, inTurn, pending: () => pending }
}

const ignore = () => {}

const uuid = (bytes: Uint8Array): string => {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}
