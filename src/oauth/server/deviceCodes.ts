/** Two codes for one request: a device polls with the one, and a user types the other (RFC 8628). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Failure, Issuer } from "./issuer.ts"
import { type Device, devices, polls, userCodes } from "./records.ts"
import * as Refusal from "./Refusal.ts"

/** Nothing that reads like another, and no vowels, so that no words come of it. With 8 of them there are 2^34 codes. */
const alphabet = "BCDFGHJKLMNPQRSTVWXZ"
const length = 8

/** Seconds between two polls at first; as many are added whenever a device does not wait for so long. */
export const interval = 5

/** How long it is known that a code has expired, or was used. */
const afterwards = 600_000

export interface Codes {
  readonly deviceCode: string
  /** As it is shown. */
  readonly userCode: string
}

export const put = (
  issuer: Issuer,
  asked: Pick<Device, "clientId" | "resource" | "scopes">
): Effect.Effect<Codes, Failure> =>
  Effect.gen(function*() {
    const { lifetimes, secrets, store } = issuer
    const deviceCode = yield* secrets.make
    const id = yield* secrets.hash(deviceCode)
    const endsAt = (yield* Clock.currentTimeMillis) + lifetimes.deviceCode
    for (let tries = 0; tries < 5; tries++) {
      const letters = yield* secrets.makeCode(alphabet, length)
      const hash = yield* secrets.hash(letters)
      if (!(yield* store.putOnce(userCodes.key(hash), userCodes.entry({ device: id }, endsAt)))) continue
      const device: Device = { ...asked, state: "pending", userCode: hash, endsAt }
      yield* store.putOnce(devices.key(id), devices.entry(device, endsAt + afterwards))
      return { deviceCode, userCode: show(letters) }
    }
    return yield* Refusal.make("temporarily_unavailable", "There are too many codes; try again later.")
  })

const show = (letters: string): string => `${letters.slice(0, length / 2)}-${letters.slice(length / 2)}`

/** T10: as it is shown, however it was typed; undefined where it can be none. */
export const read = (typed: string): string | undefined => {
  const letters = typed.toUpperCase().replace(/[\s\p{Pd}]/gu, "")
  return letters.length === length && [...letters].every((letter) => alphabet.includes(letter))
    ? show(letters)
    : undefined
}

/** A device that waits for its user. */
export interface Waiting {
  readonly id: string
  readonly device: Device
}

/** The device that shows this; undefined where none does that still waits. */
export const find = (issuer: Issuer, userCode: string): Effect.Effect<Waiting | undefined, Failure> =>
  Effect.gen(function*() {
    const { secrets, store } = issuer
    const hash = yield* secrets.hash(userCode.replace("-", ""))
    const found = userCodes.read(yield* store.get(userCodes.key(hash)))
    if (found._tag !== "Live") return undefined
    const id = found.value.device
    const device = devices.read(yield* store.get(devices.key(id)))
    return device._tag === "Live" && device.value.state === "pending" ? { id, device: device.value } : undefined
  })

/** What the user has said, once; false for one who comes too late. A grant has to be there already. */
export const decide = (
  { store }: Issuer,
  id: string,
  decision: { readonly state: "denied" } | { readonly state: "allowed"; readonly grantId: string }
): Effect.Effect<boolean, Failure> =>
  Effect.gen(function*() {
    const key = devices.key(id)
    const found = devices.read(yield* store.get(key))
    if (found._tag !== "Live" || found.value.state !== "pending") return false
    if (found.value.endsAt <= (yield* Clock.currentTimeMillis)) return false
    const grantId = decision.state === "allowed" ? decision.grantId : undefined
    const entry = devices.entry({ ...found.value, state: decision.state }, found.entry.expiresAt, grantId)
    if (!(yield* store.replace(key, found.entry.data, entry))) return false
    yield* store.remove(userCodes.key(found.value.userCode))
    return true
  })

/** T10: that a device waits between two polls, and the longer the less it does. */
export const pace = ({ store }: Issuer, id: string, endsAt: number): Effect.Effect<void, Failure> =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const key = polls.key(id)
    const found = polls.read(yield* store.get(key))
    if (found._tag !== "Live") {
      return yield* (yield* store.putOnce(key, polls.entry({ at: now, interval }, endsAt))) ? Effect.void : slower
    }
    const { at, interval: seconds } = found.value
    const isEarly = now - at < seconds * 1000
    const next = { at: now, interval: isEarly ? seconds + interval : seconds }
    const isAlone = yield* store.replace(key, found.entry.data, polls.entry(next, endsAt))
    if (isEarly || !isAlone) return yield* slower
  })

const slower = Refusal.make("slow_down", "Wait five seconds longer from one request to the next.")
