/** Seeded choices, so that a run that failed can be had again from the seed its message names. */
export interface Random {
  readonly seed: number
  /** From 0 up to, not including, `limit`. */
  readonly below: (limit: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}

export const make = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    seed,
    below,
    chance: (probability) => next() < probability,
    pick: (from) => from[below(from.length)]!
  }
}

/** The seed to use: FUZZ_SEED, or one that differs from run to run. */
export const seed = (): number => Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
