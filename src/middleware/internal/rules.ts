/** How a limit counts, for the stores that count by themselves. `RateLimitStoreRedis` has the same as a script. */
import type * as RateLimitStore from "../RateLimitStore.ts"

/** Parts of a sliding window. */
export const parts = 7

/** What is kept of one key. Nothing of it counts any more from `ends` on, in milliseconds of the clock. */
export interface Cell {
  ends: number
  readonly counts: Uint32Array
}

/** Numbers of a cell. */
export const width = parts + 1

export const makeCell = (): Cell => ({ ends: 0, counts: new Uint32Array(width) })

/** Of a bucket, the second number: what is there of a token, in this many. */
const fraction = 2 ** 32

/** How far a sum of fractions may be off. */
const tolerance = 1e-6

/** Milliseconds in a part of a sliding window. */
export const partOf = (windowMillis: number): number => Math.ceil(windowMillis / parts)

/** Milliseconds in which an empty bucket is full again. */
const fillOf = ({ burst, limit, windowMillis }: RateLimitStore.Rule): number => Math.ceil(burst * windowMillis / limit)

/** What is not taken may leave the cell changed, and must not be kept. */
export const take = (
  cell: Cell,
  rule: RateLimitStore.Rule,
  cost: number,
  now: number
): RateLimitStore.Verdict => {
  switch (rule.algorithm) {
    case "fixed-window":
      return takeFixed(cell, rule, cost, now)
    case "sliding-window":
      return takeSliding(cell, rule, cost, now)
    case "token-bucket":
      return takeTokens(cell, rule, cost, now)
  }
}

const taken = (remaining: number): RateLimitStore.Verdict => ({ isTaken: true, remaining, retryAfter: 0 })

const refused = (remaining: number, retryAfter: number): RateLimitStore.Verdict => ({
  isTaken: false,
  remaining: Math.max(0, remaining),
  retryAfter: Math.max(1, retryAfter)
})

const takeFixed = (
  cell: Cell,
  { limit, windowMillis }: RateLimitStore.Rule,
  cost: number,
  now: number
): RateLimitStore.Verdict => {
  const isOver = cell.ends <= now
  const count = isOver ? 0 : cell.counts[0]!
  if (count + cost > limit) return refused(limit - count, cell.ends - now)
  if (isOver) cell.ends = now + windowMillis
  cell.counts[0] = count + cost
  return taken(limit - count - cost)
}

/**
 * Counts what was taken in this part and in the seven before: no span as long as the window touches more. So none ever
 * has more than the limit, and what was taken counts for up to a part longer than it would have to.
 */
const takeSliding = (
  cell: Cell,
  { limit, windowMillis }: RateLimitStore.Rule,
  cost: number,
  now: number
): RateLimitStore.Verdict => {
  const { counts } = cell
  const part = partOf(windowMillis)
  // A part has the number of the one in which nothing of it counts any more.
  const last = cell.ends / part
  // Another process may be ahead of this one, and have begun a part that has not begun here.
  const current = Math.max(Math.floor(now / part) + width, last)
  for (let number = Math.max(last + 1, current - parts); number <= current; number++) counts[number % width] = 0
  let sum = 0
  for (const count of counts) sum += count
  if (sum + cost <= limit) {
    counts[current % width]! += cost
    cell.ends = current * part
    return taken(limit - sum - cost)
  }
  let left = sum
  let number = current - width
  while (left + cost > limit) left -= counts[++number % width]!
  return refused(limit - sum, number * part - now)
}

const takeTokens = (
  cell: Cell,
  rule: RateLimitStore.Rule,
  cost: number,
  now: number
): RateLimitStore.Verdict => {
  const { burst, limit, windowMillis } = rule
  const { counts } = cell
  const fill = fillOf(rule)
  const last = cell.ends - fill
  const at = Math.max(last, now)
  const before = cell.ends <= now ? 0 : counts[0]! + counts[1]! / fraction
  const used = Math.max(0, before - (at - last) * limit / windowMillis)
  if (used + cost > burst + tolerance) {
    return refused(Math.floor(burst - used + tolerance), Math.ceil((used + cost - burst) * windowMillis / limit))
  }
  const next = Math.min(burst, used + cost)
  counts[0] = Math.floor(next)
  counts[1] = Math.floor((next - counts[0]) * fraction)
  cell.ends = at + fill
  return taken(Math.floor(burst - next + tolerance))
}
