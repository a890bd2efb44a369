/** What chance is here: a number makes all of it, so that the same number makes the same. */

export interface Random {
  /** From 0, and less than 1. */
  readonly next: () => number
  readonly chance: (probability: number) => boolean
  /** A whole number, both ends included. */
  readonly between: (minimum: number, maximum: number) => number
  readonly pick: <A>(of: readonly [A, ...ReadonlyArray<A>]) => A
  /** Another source, which draws nothing from this one: what is asked of the one does not change the other. */
  readonly fork: (name: string) => Random
}

/** The generator is `sfc32`. */
export const make = (seed: number, name = ""): Random => {
  const hash = (text: string, salt: number) => {
    let h = 2166136261 ^ salt
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
    return h >>> 0
  }
  let a = seed >>> 0
  let b = hash(name, 1)
  let c = hash(name, seed)
  let counter = 1
  const draw = () => {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t | 0
    return t >>> 0
  }
  for (let i = 0; i < 12; i++) draw()

  const next = () => draw() / 2 ** 32
  const between = (minimum: number, maximum: number) => minimum + Math.floor(next() * (maximum - minimum + 1))
  return {
    next,
    chance: (probability) => next() < probability,
    between,
    pick: (of) => of[between(0, of.length - 1)] ?? of[0],
    fork: (other) => make(seed, `${name}/${other}`)
  }
}
