/** The laws of a `RateLimitStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import type { Backend } from "../../session/places.ts"

type Store = RateLimitStore.RateLimitStore["Service"]

const algorithms: ReadonlyArray<RateLimitStore.Algorithm> = ["fixed-window", "sliding-window", "token-bucket"]

const rule = (
  algorithm: RateLimitStore.Algorithm,
  limit: number,
  windowMillis: number,
  burst = limit
): RateLimitStore.Rule => ({ algorithm, limit, windowMillis, burst })

/** Of one that was taken: when it was asked for, and when that was known. */
interface Taken {
  readonly from: number
  readonly to: number
  readonly cost: number
}

/** That no span has more than it may; `most` says how much that is. Times of asking and knowing make it a sure judgement. */
const holds = (all: ReadonlyArray<Taken>, longest: number, most: (span: number) => number) => {
  const byStart = all.toSorted((a, b) => a.from - b.from)
  for (let first = 0; first < byStart.length; first++) {
    let sum = 0
    // Whatever began no earlier and was known within the span was taken in it.
    const rest = byStart.slice(first).toSorted((a, b) => a.to - b.to)
    for (const { cost, to } of rest) {
      const span = to - byStart[first]!.from
      if (span >= longest) break
      sum += cost
      assert.isAtMost(sum, most(span), `in ${span} ms`)
    }
  }
}

const checks: {
  readonly [algorithm in RateLimitStore.Algorithm]: (all: ReadonlyArray<Taken>, rule: RateLimitStore.Rule) => void
} = {
  // Of any two windows one after the other.
  "fixed-window": (all, { limit, windowMillis }) => holds(all, windowMillis, () => 2 * limit - 1),
  "sliding-window": (all, { limit, windowMillis }) => holds(all, windowMillis, () => limit),
  "token-bucket": (all, { burst, limit, windowMillis }) =>
    holds(all, Infinity, (span) => burst + (span + 1) * limit / windowMillis + 1e-6)
}

export const suite = (name: string, { isShared, place, time }: Backend<RateLimitStore.RateLimitStore>): void => {
  const run = time === "virtual" ? it.effect : it.live
  const wait = time === "virtual" ? TestClock.adjust : Effect.sleep

  const connect = (process: Layer.Layer<RateLimitStore.RateLimitStore, unknown>) =>
    Effect.map(Layer.build(process), Context.get(RateLimitStore.RateLimitStore))

  const law = (title: string, body: (store: Store) => Effect.Effect<void, RateLimitStore.RateLimitUnavailable>) =>
    run(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        yield* body(yield* connect(process()))
      })))

  describe(`A RateLimitStore ${name}`, () => {
    for (const algorithm of algorithms) {
      law(
        `takes as much as the limit of a ${algorithm}, refuses what is more, and says how long`,
        (store) =>
          Effect.gen(function*() {
            const three = rule(algorithm, 3, 600)
            for (const remaining of [2, 1, 0]) {
              assert.deepStrictEqual(yield* store.take("a", three, 1), { isTaken: true, remaining, retryAfter: 0 })
            }
            const refused = yield* store.take("a", three, 1)
            assert.isFalse(refused.isTaken)
            assert.strictEqual(refused.remaining, 0)
            assert.isTrue(refused.retryAfter > 0 && refused.retryAfter <= 700, `${refused.retryAfter}`)
            assert.isTrue((yield* store.take("b", three, 1)).isTaken)
            yield* wait(refused.retryAfter + (time === "real" ? 5 : 0))
            assert.isTrue((yield* store.take("a", three, 1)).isTaken)
          })
      )

      law(`takes all of a cost from a ${algorithm} or nothing`, (store) =>
        Effect.gen(function*() {
          const ten = rule(algorithm, 10, 60_000)
          assert.strictEqual((yield* store.take("a", ten, 7)).remaining, 3)
          const refused = yield* store.take("a", ten, 4)
          assert.isFalse(refused.isTaken)
          assert.strictEqual(refused.remaining, 3)
          assert.strictEqual((yield* store.take("a", ten, 3)).remaining, 0)
        }))

      law(
        `never has more than a ${algorithm} may, whatever is asked for and when, and does not refuse too long`,
        (store) =>
          Effect.gen(function*() {
            const eight = time === "virtual" ? rule(algorithm, 8, 700, 8) : rule(algorithm, 8, 140, 8)
            const all: Array<Taken> = []
            let lastRefusal: { readonly at: number; readonly cost: number; readonly retryAfter: number } | undefined
            const end = (yield* Clock.currentTimeMillis) + (time === "virtual" ? 20_000 : 1000)
            for (;;) {
              const cost = yield* Random.nextIntBetween(1, 3)
              const from = yield* Clock.currentTimeMillis
              if (from > end) break
              const { isTaken, retryAfter } = yield* store.take("a", eight, cost)
              const to = yield* Clock.currentTimeMillis
              if (isTaken) {
                // Nobody else takes anything, so what it said was the earliest.
                if (time === "virtual" && lastRefusal !== undefined && cost >= lastRefusal.cost) {
                  assert.isAtLeast(from, lastRefusal.at + lastRefusal.retryAfter)
                }
                lastRefusal = undefined
                all.push({ from, to, cost })
              } else lastRefusal ??= { at: from, cost, retryAfter }
              yield* wait(yield* Random.nextIntBetween(0, time === "virtual" ? 120 : 8))
            }
            checks[algorithm](all, eight)
            // It would have allowed 8 in each 700 ms and a seventh.
            const sum = all.reduce((sum, { cost }) => sum + cost, 0)
            assert.isAtLeast(sum, (time === "virtual" ? 20_000 / 700 : 1000 / 140) * 8 * 0.6)
          }).pipe(Random.withSeed("rate limits"))
      )
    }

    law("refills a bucket evenly, up to its burst", (store) =>
      Effect.gen(function*() {
        const bucket = rule("token-bucket", 10, 1000, 4)
        assert.strictEqual((yield* store.take("a", bucket, 4)).remaining, 0)
        assert.isAtMost((yield* store.take("a", bucket, 1)).retryAfter, 100)
        yield* wait(time === "virtual" ? 250 : 270)
        const two = yield* store.take("a", bucket, 2)
        assert.isTrue(two.isTaken)
        yield* wait(2000)
        assert.strictEqual((yield* store.take("a", bucket, 1)).remaining, 3)
      }))

    law("takes any text for a key", (store) =>
      Effect.gen(function*() {
        const one = rule("fixed-window", 1, 60_000)
        const keys = [
          "",
          " ",
          "a b",
          "\u0000",
          "\ud800",
          "\ufffd",
          "ä😀",
          "'); DROP TABLE rates; --",
          "x".repeat(400),
          "\"\""
        ]
        for (const key of keys) assert.isTrue((yield* store.take(key, one, 1)).isTaken, key)
        for (const key of keys) assert.isFalse((yield* store.take(key, one, 1)).isTaken, key)
      }))

    if (!isShared) return

    for (const algorithm of algorithms) {
      run(`four processes at once take from one ${algorithm} what one may`, () =>
        Effect.scoped(Effect.gen(function*() {
          const process = yield* place
          const stores = yield* Effect.all([1, 2, 3, 4].map(() => connect(process())))
          const twenty = rule(algorithm, 20, 600_000)
          const verdicts = yield* Effect.all(
            stores.flatMap((store) => Array.from({ length: 15 }, () => store.take("a", twenty, 1))),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(verdicts.filter(({ isTaken }) => isTaken).length, 20)
        })), 30_000)

      if (time === "real") {
        run(
          `four processes never have more than one ${algorithm} may, over many windows`,
          () =>
            Effect.scoped(Effect.gen(function*() {
              const process = yield* place
              const stores = yield* Effect.all([1, 2, 3, 4].map(() => connect(process())))
              const fifty = rule(algorithm, 50, 210)
              const all: Array<Taken> = []
              const end = (yield* Clock.currentTimeMillis) + 2000
              yield* Effect.all(
                stores.flatMap((store) =>
                  Array.from({ length: 4 }, () =>
                    Effect.gen(function*() {
                      for (;;) {
                        const from = yield* Clock.currentTimeMillis
                        if (from > end) return
                        const { isTaken } = yield* store.take("a", fifty, 1)
                        if (isTaken) all.push({ from, to: yield* Clock.currentTimeMillis, cost: 1 })
                        else yield* Effect.sleep(yield* Random.nextIntBetween(0, 5))
                      }
                    }))
                ),
                { concurrency: "unbounded" }
              )
              checks[algorithm](all, fifty)
              assert.isAtLeast(all.length, 5 * 50)
            })),
          30_000
        )
      }
    }
  })
}
