/**
 * Texts as 64 bits under a secret, so that nobody can choose texts that fall together: HalfSipHash-2-4 over their UTF-16
 * code units. For tables in memory, not for anything that is kept or shown.
 */

/** The last fingerprint made, in two halves. */
export interface Fingerprint {
  low: number
  high: number
}

/** Writes the fingerprint of a text into `target`. */
export const make = (key0: number, key1: number) => (text: string, target: Fingerprint): void => {
  let v0 = key0 | 0
  let v1 = key1 | 0
  let v2 = key0 ^ 0x6c796765
  let v3 = key1 ^ 0x74656462
  v1 ^= 0xee

  const rounds = (count: number) => {
    for (let round = 0; round < count; round++) {
      v0 = (v0 + v1) | 0
      v1 = (v1 << 5 | v1 >>> 27) ^ v0
      v0 = v0 << 16 | v0 >>> 16
      v2 = (v2 + v3) | 0
      v3 = (v3 << 8 | v3 >>> 24) ^ v2
      v0 = (v0 + v3) | 0
      v3 = (v3 << 7 | v3 >>> 25) ^ v0
      v2 = (v2 + v1) | 0
      v1 = (v1 << 13 | v1 >>> 19) ^ v2
      v2 = v2 << 16 | v2 >>> 16
    }
  }

  const { length } = text
  let index = 0
  for (; index + 1 < length; index += 2) {
    const word = text.charCodeAt(index) | text.charCodeAt(index + 1) << 16
    v3 ^= word
    rounds(2)
    v0 ^= word
  }
  const last = (length * 2 & 0xff) << 24 | (index < length ? text.charCodeAt(index) : 0)
  v3 ^= last
  rounds(2)
  v0 ^= last

  v2 ^= 0xee
  rounds(4)
  target.low = (v1 ^ v3) >>> 0
  v1 ^= 0xdd
  rounds(4)
  target.high = (v1 ^ v3) >>> 0
}
