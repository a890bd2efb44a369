/** What chance is in a lab: a number makes all of it, so that the same number makes the same, on every machine. */

export interface Seeded {
  /** From 0, and less than 1. */
  readonly next: () => number
  /** A whole number from 0, and less than this. */
  readonly below: (limit: number) => number
  readonly bytes: (size: number) => Uint8Array
}

/** What is drawn of one name does not change what is drawn of another. The generator is `sfc32`. */
export const make = (seed: number, name: string): Seeded => {
  let a = hash(seed, name)
  let b = hash(a, name)
  let c = hash(b, name)
  let counter = 1
  const draw = () => {
    const drawn = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + drawn) | 0
    return drawn >>> 0
  }
  for (let round = 0; round < 12; round++) draw()
  const next = () => draw() / 2 ** 32
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    bytes: (size) => Uint8Array.from({ length: size }, () => draw() >>> 24)
  }
}

/** Always the same for the same seed and text, and between 0 and 1 as evenly as a draw: chance without an order. */
export const chance = (seed: number, text: string): number => hash(seed, text) / 2 ** 32

/** FNV-1a over the text, and the mixing of MurmurHash3. */
const hash = (seed: number, text: string): number => {
  let mixed = 2166136261 ^ seed
  for (let at = 0; at < text.length; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), 16777619)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
