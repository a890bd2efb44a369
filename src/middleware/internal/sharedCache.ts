/**
 * A cache that processes share, over a place that may not answer: then there is nothing in it, and nobody waits for it
 * long. What was to be forgotten meanwhile is forgotten as soon as it answers again, and until then this process has
 * nothing from it.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as StoredText from "../../storage/StoredText.ts"
import type * as CacheStore from "../CacheStore.ts"
import * as fingerprint from "./fingerprint.ts"

/** What is kept, under names that fit an index. */
export interface Kept extends CacheStore.Entry {
  /** Short, and not of this key alone. */
  readonly id: string
  readonly key: string
  /** Of the key and the text. */
  readonly size: number
}

/** Where it is kept. Of what has the same `id` there is one, and who gets it compares the key. */
export interface Place<E> {
  readonly get: (id: string, key: string) => Effect.Effect<CacheStore.Found, E>
  /** How many had to make room. */
  readonly put: (entry: Kept, epoch: number) => Effect.Effect<number, E>
  /** Forgets what has one of the tags, or all without any. */
  readonly invalidate: (tags: ReadonlyArray<string>) => Effect.Effect<void, E>
  readonly statistics: Effect.Effect<Pick<CacheStore.Statistics, "entries" | "bytes">, E>
}

/** How long it may take to answer. */
const patience = Duration.seconds(1)

/** Milliseconds in which nobody asks a place that has not answered. */
const rest = 1000

/** Milliseconds between two warnings. */
const warningMillis = 60_000

/** Tags that are owed; above it everything is. */
const mostOwed = 1000

/** In the place of a tag. */
const everything = "*"

export const make = <E>(
  name: string,
  { maxBytes, maxItemBytes }: Required<CacheStore.Options>,
  place: Place<E>
) =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const id = ids()
    let hits = 0
    let misses = 0
    let evicted = 0
    /** How often something was to be forgotten. */
    let forgotten = 0
    let restsUntil = -Infinity
    let warnedAt = -Infinity
    /** What it has not confirmed yet, each with the last time it was to be forgotten. */
    const owed = new Map<string, number>()
    let isPaying = false

    const failed = (cause: unknown): Effect.Effect<undefined> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        restsUntil = now + rest
        if (now - warnedAt < warningMillis) return Effect.undefined
        warnedAt = now
        return Effect.as(
          Effect.logWarning(`The cache ${name} does not answer, and nothing is taken from it.`, cause),
          undefined
        )
      })

    const inTime = <A>(effect: Effect.Effect<A, unknown>): Effect.Effect<A, unknown> =>
      Effect.interruptible(Effect.timeout(Effect.catchDefect(effect, Effect.fail), patience))

    /** Forgets what is owed. */
    const pay: Effect.Effect<void, unknown> = Effect.suspend(() => {
      const sent = [...owed]
      return Effect.map(inTime(place.invalidate(owed.has(everything) ? [] : [...owed.keys()])), () => {
        for (const [tag, time] of sent) if (owed.get(tag) === time) owed.delete(tag)
      })
    })

    /** Undefined where it does not answer. */
    const ask = <A>(effect: Effect.Effect<A, E>): Effect.Effect<A | undefined> =>
      Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A | undefined> => {
        if (now < restsUntil) return Effect.undefined
        const asked = inTime(effect)
        return Effect.catch(owed.size === 0 ? asked : Effect.andThen(pay, asked), failed)
      })

    /** The other processes have it until they are told. */
    const keepPaying: Effect.Effect<void> = Effect.suspend(() => {
      if (isPaying) return Effect.void
      isPaying = true
      const paid = Effect.repeat(
        Effect.andThen(Effect.sleep(rest), Effect.ignore(pay)),
        { while: () => owed.size > 0 }
      )
      return Effect.forkIn(
        Effect.ensuring(
          paid,
          Effect.sync(() => {
            isPaying = false
          })
        ),
        scope
      )
    })

    const forget = (tags: ReadonlyArray<string>): Effect.Effect<void> =>
      Effect.suspend(() => {
        forgotten++
        const isAll = owed.size + tags.length > mostOwed
        if (isAll) owed.clear()
        for (const tag of isAll ? [everything] : tags) owed.set(tag, forgotten)
        return Effect.catch(
          Effect.onInterrupt(pay, () => keepPaying),
          (cause) => Effect.andThen(failed(cause), keepPaying)
        )
      })

    return {
      maxItemBytes,
      get: (name) =>
        Effect.suspend(() => {
          const key = StoredText.of(name)
          return Effect.map(ask(place.get(id(key), key)), (found) => {
            if (found?.text === undefined) misses++
            else hits++
            return found ?? { text: undefined, age: 0, epoch: -1 - forgotten }
          })
        }),
      put: (name, entry, epoch) =>
        Effect.suspend(() => {
          const size = entry.bytes + name.length
          if (epoch < 0 || entry.bytes > maxItemBytes || size > maxBytes || entry.ttlMillis <= 0) return Effect.void
          const key = StoredText.of(name)
          const kept = { ...entry, id: id(key), key, size, tags: [...new Set(entry.tags.map(id))] }
          return Effect.map(ask(place.put(kept, epoch)), (count = 0) => {
            evicted += count
          })
        }),
      invalidate: (...tags) => tags.length === 0 ? Effect.void : forget(tags.map(id)),
      clear: forget([everything]),
      statistics: Effect.map(
        ask(place.statistics),
        (found = { entries: 0, bytes: 0 }): CacheStore.Statistics => ({ hits, misses, evicted, ...found })
      )
    } satisfies CacheStore.CacheStore["Service"]
  })

/** The same in every process. Nobody is given what stands under a key that falls together with his own. */
const ids = () => {
  const write = fingerprint.make(0x66617374, 0x6d637021)
  const print: fingerprint.Fingerprint = { low: 0, high: 0 }
  return (text: string): string => {
    write(text, print)
    return print.high.toString(36) + "." + print.low.toString(36)
  }
}
