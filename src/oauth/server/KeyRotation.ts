/**
 * How a key ring goes on without anybody noticing: the next key is published at once and signs later, when everybody has
 * seen it; the one before it is withdrawn later still, when nobody has a token of it any more.
 */
import * as Duration from "effect/Duration"
import type { Ring, RingKey } from "./SigningKeys.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Unix milliseconds. */
  readonly now: number
  /** Until the next key signs: longer than public keys are kept by those who have fetched them, 10 minutes here. */
  readonly lead: Duration.Input
  /**
   * From then until the key before it is withdrawn: longer than any token lasts. A user who comes to log out has an ID
   * token from when they came, so with OpenID Connect it is as long as a session at least.
   */
  readonly overlap: Duration.Input
}

/**
 * With a next key of an algorithm. The first of a ring signs at once, for there is nobody who would have to know it.
 *
 * @category changing
 * @since 0.1.0
 */
export const rotate = (
  ring: Ring,
  { algorithm, jwk }: Pick<RingKey, "algorithm" | "jwk">,
  { lead, now, overlap }: Options
): Ring => {
  const signsFrom = ring.length === 0 ? now : now + millis(lead)
  const until = signsFrom + millis(overlap)
  const isBefore = (key: RingKey) => key.algorithm === algorithm
  const withdrawn = ring.map((key): RingKey =>
    isBefore(key) ? { ...key, publishedUntil: Math.min(key.publishedUntil ?? Infinity, until) } : key
  )
  // Beside those of its kind, so that the algorithm that comes first stays first when they are gone.
  const at = ring.findLastIndex(isBefore)
  return withdrawn.toSpliced(at === -1 ? ring.length : at + 1, 0, { algorithm, jwk, signsFrom })
}

/**
 * Without the keys that are withdrawn.
 *
 * @category changing
 * @since 0.1.0
 */
export const prune = (ring: Ring, now: number): Ring =>
  ring.filter(({ publishedUntil = Infinity }) => now < publishedUntil)

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))
