/**
 * Where the middleware `Caching` keeps results, as JSON: in the memory of one process, or in a database or Redis
 * (`CacheStoreSql`, `CacheStoreRedis`) for all that share it. A server that has one forgets in it what its own changes
 * make untrue; whoever changes something else tells it by a tag.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as limits from "./internal/limits.ts"

/** @category models @since 0.1.0 */
export interface Entry {
  /** The result as JSON. */
  readonly text: string
  /** Of the text in UTF-8. */
  readonly bytes: number
  readonly ttlMillis: number
  readonly tags: ReadonlyArray<string>
}

/** @category models @since 0.1.0 */
export interface Found {
  /** Undefined where there is nothing that is still good. */
  readonly text: string | undefined
  /** Milliseconds since it was kept. */
  readonly age: number
  /**
   * Another one each time something is forgotten. What was begun before such a time is not kept after it; below 0 nothing
   * is kept at all.
   */
  readonly epoch: number
}

/** @category models @since 0.1.0 */
export interface Statistics {
  readonly hits: number
  readonly misses: number
  readonly entries: number
  readonly bytes: number
  /** Entries that had to make room. */
  readonly evicted: number
}

/** A store that could not be made. One that does not answer later has nothing, and is no failure. @category errors @since 0.1.0 */
export class CacheUnavailable
  extends Schema.TaggedError<CacheUnavailable>("fastmcp-effect/middleware/CacheStore/CacheUnavailable")(
    "CacheUnavailable",
    { cause: Schema.optionalKey(Schema.Defect()) }
  )
{
  override get message(): string {
    return "The store of the cache cannot be made; see that its database answers and lets it have its tables."
  }
}

/** @category services @since 0.1.0 */
export class CacheStore extends Context.Service<CacheStore, {
  /** What is larger is not kept. */
  readonly maxItemBytes: number
  readonly get: (key: string) => Effect.Effect<Found>
  /** Keeps it, unless something was forgotten by a tag since `epoch`. Its time does not begin anew when it is read. */
  readonly put: (key: string, entry: Entry, epoch: number) => Effect.Effect<void>
  /** Forgets what has one of these tags. */
  readonly invalidate: (...tags: ReadonlyArray<string>) => Effect.Effect<void>
  readonly clear: Effect.Effect<void>
  readonly statistics: Effect.Effect<Statistics>
}>()("fastmcp-effect/middleware/CacheStore") {}

/** @category models @since 0.1.0 */
export interface Options {
  /** 1,000 when left out. */
  readonly maxEntries?: number
  /** Of all keys and results, in UTF-8 or a byte for each code unit of a key: 100 MiB when left out. */
  readonly maxBytes?: number
  /** Of one result: 1 MiB when left out. */
  readonly maxItemBytes?: number
}

interface Kept extends Entry {
  readonly size: number
  readonly keptAt: number
}

/**
 * In the memory of this process. The least recently used has to make room.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: Options = {}): Layer.Layer<CacheStore> =>
  Layer.effect(
    CacheStore,
    Effect.gen(function*() {
      const { maxBytes, maxEntries, maxItemBytes } = limits.of(options)
      const clock = yield* Clock.Clock
      // The least recently used first.
      const kept = new Map<string, Kept>()
      let bytes = 0
      let epoch = 0
      let hits = 0
      let misses = 0
      let evicted = 0

      const forget = (key: string, entry: Kept) => {
        kept.delete(key)
        bytes -= entry.size
      }

      const isOver = (entry: Kept, now: number) => now - entry.keptAt >= entry.ttlMillis

      return {
        maxItemBytes,
        get: (key) =>
          Effect.sync(() => {
            const entry = kept.get(key)
            const now = clock.currentTimeMillisUnsafe()
            if (entry === undefined || isOver(entry, now)) {
              misses++
              if (entry !== undefined) forget(key, entry)
              return { text: undefined, age: 0, epoch }
            }
            hits++
            kept.delete(key)
            kept.set(key, entry)
            return { text: entry.text, age: now - entry.keptAt, epoch }
          }),
        put: (key, entry, begun) =>
          Effect.sync(() => {
            const size = entry.bytes + key.length
            if (begun !== epoch || entry.bytes > maxItemBytes || size > maxBytes || entry.ttlMillis <= 0) return
            const before = kept.get(key)
            if (before !== undefined) forget(key, before)
            for (const [oldest, other] of kept) {
              if (kept.size < maxEntries && bytes + size <= maxBytes) break
              forget(oldest, other)
              evicted++
            }
            kept.set(key, { ...entry, size, keptAt: clock.currentTimeMillisUnsafe() })
            bytes += size
          }),
        invalidate: (...tags) =>
          Effect.sync(() => {
            epoch++
            for (const [key, entry] of kept) if (entry.tags.some((tag) => tags.includes(tag))) forget(key, entry)
          }),
        clear: Effect.sync(() => {
          epoch++
          kept.clear()
          bytes = 0
        }),
        statistics: Effect.sync(() => {
          const now = clock.currentTimeMillisUnsafe()
          for (const [key, entry] of kept) if (isOver(entry, now)) forget(key, entry)
          return { hits, misses, entries: kept.size, bytes, evicted }
        })
      }
    })
  )
