/**
 * Where rate limits count. In memory each process counts for itself; in Redis or a database (`RateLimitStoreRedis`,
 * `RateLimitStoreSql`) all that share it count together.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as fingerprint from "./internal/fingerprint.ts"
import * as rules from "./internal/rules.ts"

/**
 * - `fixed-window`: as many as the limit from the first one until the window is over, and then a new window. Up to one
 *   less than twice the limit may fall into a time as long as the window, around the end of one.
 * - `sliding-window`: never more than the limit in any time as long as the window. What was taken counts for up to a
 *   seventh of the window longer than it would have to.
 * - `token-bucket`: `burst` at once, and then as many as come in again: `limit` in each window, evenly.
 *
 * @category models
 * @since 0.1.0
 */
export type Algorithm = "fixed-window" | "sliding-window" | "token-bucket"

/** @category models @since 0.1.0 */
export interface Rule {
  readonly algorithm: Algorithm
  /** A whole number from 1 to 4,294,967,295. */
  readonly limit: number
  readonly windowMillis: number
  /** What a token bucket holds; the other algorithms do not look at it. */
  readonly burst: number
}

/** @category models @since 0.1.0 */
export interface Verdict {
  readonly isTaken: boolean
  /** What can still be taken now. */
  readonly remaining: number
  /** Milliseconds until the same can be taken if nobody else takes anything meanwhile; 0 where it was. */
  readonly retryAfter: number
}

/** The store does not answer. @category errors @since 0.1.0 */
export class RateLimitUnavailable
  extends Schema.TaggedError<RateLimitUnavailable>("fastmcp-effect/middleware/RateLimitStore/RateLimitUnavailable")(
    "RateLimitUnavailable",
    { cause: Schema.optionalKey(Schema.Defect()) }
  )
{
  override get message(): string {
    return "The store of the rate limits does not answer; try again later."
  }
}

/** @category services @since 0.1.0 */
export class RateLimitStore extends Context.Service<RateLimitStore, {
  /**
   * Takes all of the cost or nothing, in one step. The cost is a whole number from 1, and no more than the rule has at
   * most: its limit, or its burst. A key has one rule.
   */
  readonly take: (key: string, rule: Rule, cost: number) => Effect.Effect<Verdict, RateLimitUnavailable>
}>()("fastmcp-effect/middleware/RateLimitStore") {}

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * As many keys are never forgotten before their time, with 63 bytes each: 100,000 when left out. Beyond it the one
   * that would be forgotten next has to make room, and begins anew when it comes again.
   */
  readonly maxKeys?: number
}

/**
 * In the memory of this process, for as long as the layer lives. It grows with the keys in use, and keeps what it has
 * grown to.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: Options = {}): Layer.Layer<RateLimitStore> =>
  Layer.effect(
    RateLimitStore,
    Effect.gen(function*() {
      const { maxKeys = 100_000 } = options
      if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) throw new Error("maxKeys is not a whole number from 1.")
      const clock = yield* Clock.Clock
      const write = fingerprint.make(yield* Random.nextInt, yield* Random.nextInt)
      // Each page grows alone, so that growing never takes twice the memory.
      const pages = Array.from({ length: Math.ceil(maxKeys / keysOfPage) }, () => makePage(1))
      const mostSets = Math.ceil(Math.min(maxKeys, keysOfPage) * slack / waysOfSet)
      const cell = rules.makeCell()
      const print: fingerprint.Fingerprint = { low: 0, high: 0 }

      /** Where the key is, or can be. It has one of two sets, and in each any place. */
      const find = (now: number): { readonly page: Page; readonly place: number } => {
        const number = Math.floor(print.high / 2 ** 32 * pages.length)
        for (;;) {
          const page = pages[number]!
          let soonest = -1
          let free = -1
          let mostRoom = 0
          for (const half of [print.low & 0xffff, print.low >>> 16]) {
            const first = half % page.sets * waysOfSet
            let room = 0
            for (let place = first; place < first + waysOfSet; place++) {
              if (page.prints[2 * place] === print.low && page.prints[2 * place + 1] === print.high) {
                return { page, place }
              }
              if (page.ends[place]! <= now) {
                room++
                if (room > mostRoom) free = place
              } else if (soonest === -1 || page.ends[place]! < page.ends[soonest]!) soonest = place
            }
            mostRoom = Math.max(mostRoom, room)
          }
          if (free !== -1) return { page, place: free }
          if (page.sets >= mostSets) return { page, place: soonest }
          pages[number] = grown(page, Math.min(page.sets * 2, mostSets), now)
        }
      }

      return {
        take: (key, rule, cost) =>
          Effect.sync(() => {
            const now = clock.currentTimeMillisUnsafe()
            write(key, print)
            const { page, place } = find(now)
            if (page.prints[2 * place] === print.low && page.prints[2 * place + 1] === print.high) {
              cell.ends = page.ends[place]!
              for (let index = 0; index < rules.width; index++) {
                cell.counts[index] = page.counts[place * rules.width + index]!
              }
            } else {
              cell.ends = 0
              cell.counts.fill(0)
            }
            const verdict = rules.take(cell, rule, cost, now)
            if (verdict.isTaken) {
              page.prints[2 * place] = print.low
              page.prints[2 * place + 1] = print.high
              page.ends[place] = cell.ends
              page.counts.set(cell.counts, place * rules.width)
            }
            return verdict
          })
      }
    })
  )

const waysOfSet = 16

const keysOfPage = 2048

/** Places for each key: with two sets to choose from, one of them then has a place as good as always. */
const slack = 1.3

interface Page {
  readonly sets: number
  readonly prints: Uint32Array
  /** 0 where there is no key. */
  readonly ends: Float64Array
  readonly counts: Uint32Array
}

const makePage = (sets: number): Page => ({
  sets,
  prints: new Uint32Array(sets * waysOfSet * 2),
  ends: new Float64Array(sets * waysOfSet),
  counts: new Uint32Array(sets * waysOfSet * rules.width)
})

/** With what still counts of the old one. */
const grown = (old: Page, sets: number, now: number): Page => {
  const page = makePage(sets)
  for (let place = 0; place < old.ends.length; place++) {
    if (old.ends[place]! <= now) continue
    const low = old.prints[2 * place]!
    const free = [low & 0xffff, low >>> 16].map((half) => roomIn(page, half % sets)).sort((a, b) => b.room - a.room)[0]!
    page.prints[2 * free.place] = low
    page.prints[2 * free.place + 1] = old.prints[2 * place + 1]!
    page.ends[free.place] = old.ends[place]!
    page.counts.set(old.counts.subarray(place * rules.width, (place + 1) * rules.width), free.place * rules.width)
  }
  return page
}

const roomIn = (page: Page, set: number): { readonly room: number; readonly place: number } => {
  let room = 0
  let place = set * waysOfSet
  for (let index = set * waysOfSet; index < (set + 1) * waysOfSet; index++) {
    if (page.ends[index] !== 0) continue
    room++
    place = index
  }
  return { room, place }
}
