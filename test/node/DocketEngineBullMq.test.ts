import { assert, describe, vi } from "@effect/vitest"
import { Job } from "bullmq"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"
import * as DocketEngineBullMq from "fastmcp-effect/node/DocketEngineBullMq"
import { connect, consumer, listening, live, type Place, ringNow, suite, until } from "../docket/engine.ts"
import { lease } from "../docket/engineAddress.ts"
import { keys } from "../session/places.ts"
import { door } from "../support/door.ts"
import { needing, redis } from "../support/services.ts"

/** BullMQ puts the colon after a prefix itself. */
const prefixOf = (prefix: string) => prefix.slice(0, -1)

const onKeys = Effect.gen(function*() {
  const { client, prefix } = yield* keys
  const { send } = Context.get(yield* Layer.build(client()), Redis.Redis)
  return { prefix: prefixOf(prefix), send }
})

/** What there is of a queue that is empty; the stream of events is short. */
const lasting = /:(events|id|marker|meta|pc|stalled-check)$/

const place: Effect.Effect<Place, unknown, Scope.Scope> = Effect.map(onKeys, ({ prefix, send }) => ({
  process: DocketEngineBullMq.layer({ url: redis.url, prefix, lease }),
  address: { kind: "redis", url: redis.url, prefix },
  left: Effect.gen(function*() {
    const found = yield* send<Array<string>>("KEYS", `${prefix}:*`)
    const events = yield* send<number>("XLEN", found.find((key) => key.endsWith(":events"))!)
    assert.isBelow(events, 500)
    return found.filter((key) => !lasting.test(key)).length
  })
}))

const behind = Effect.gen(function*() {
  const { prefix } = yield* onKeys
  const way = yield* door(redis.url)
  return {
    way,
    far: DocketEngineBullMq.layer({ url: way.url, prefix, lease }),
    near: DocketEngineBullMq.layer({ url: redis.url, prefix, lease })
  }
})

needing(redis, () => {
  suite("on BullMQ", { place, time: "real", ordersByPriority: true })

  describe("DocketEngineBullMq", () => {
    live(
      "hears of a ring of another process at once",
      Effect.gen(function*() {
        const { process } = yield* place
        const [one, other] = [yield* connect(process), yield* connect(process)]
        const { answered, times } = yield* consumer(one)
        yield* Effect.sleep("500 millis")
        const start = Date.now()
        yield* ringNow(other, "a")
        yield* until(() => answered.length === 1)
        assert.isBelow(times.get("a")! - start, 300)
      })
    )

    live(
      "has rings that Redis keeps in one piece each, where they are due and ids have at most 62 bytes",
      Effect.gen(function*() {
        const { prefix, send } = yield* onKeys
        const engine = yield* connect(DocketEngineBullMq.layer({ url: redis.url, prefix, lease }))
        yield* engine.ring({ id: "a", ring: `a#${"0123456789:".repeat(10)}`, at: 0, priority: 2 ** 30 })
        yield* engine.ring({ id: "a", ring: `a#${"0123456789:".repeat(10)}`, at: 0, priority: 0 })
        yield* engine.ring({ id: "b".repeat(62), ring: "1234", at: 0, priority: -(2 ** 30) })
        const jobs = (yield* send<Array<string>>("KEYS", `${prefix}:fastmcp-docket:r*`)).toSorted()
        assert.strictEqual(jobs.length, 2)
        for (const job of jobs) assert.strictEqual(yield* send("OBJECT", "ENCODING", job), "listpack")
      })
    )

    live(
      "fails to ring while Redis is away, goes on consuming when it is back, and complains once",
      Effect.gen(function*() {
        const { logged, logger } = listening()
        yield* Effect.gen(function*() {
          const { far, near, way } = yield* behind
          const [one, other] = [yield* connect(far), yield* connect(near)]
          const { answered } = yield* consumer(one)
          yield* ringNow(one, "before")
          yield* until(() => answered.length === 1)
          yield* way.shut
          const start = Date.now()
          const { reason } = yield* Effect.flip(ringNow(one, "meanwhile"))
          assert.strictEqual(reason._tag, "Unavailable")
          assert.isBelow(Date.now() - start, 6000)
          yield* ringNow(other, "after")
          yield* way.open
          yield* until(() => answered.length === 2)
          yield* ringNow(one, "again")
          yield* until(() => answered.length === 3)
          // What failed is not done later.
          assert.deepStrictEqual(answered, ["before", "after", "again"])
        }).pipe(Effect.provide(logger))
        assert.deepStrictEqual(logged, ["The engine of the docket is interrupted and tried again."])
      }),
      40_000
    )

    live(
      "begins to consume when Redis comes back, and ends if it does not",
      Effect.gen(function*() {
        const { far, near, way } = yield* behind
        const [one, other] = [yield* connect(far), yield* connect(near)]
        yield* way.shut
        const start = Date.now()
        const vain = yield* consumer(one)
        yield* Effect.sleep("500 millis")
        yield* vain.stop
        assert.isBelow(Date.now() - start, 8000)
        const { answered } = yield* consumer(one)
        yield* ringNow(other, "a")
        yield* way.open
        yield* until(() => answered.length === 1)
        assert.deepStrictEqual([answered, vain.answered], [["a"], []])
      }),
      40_000
    )

    live(
      "rides out an absence of a second",
      Effect.gen(function*() {
        const { far, way } = yield* behind
        const one = yield* connect(far)
        yield* way.shut
        yield* Effect.forkScoped(Effect.andThen(Effect.sleep("1 second"), way.open))
        yield* ringNow(one, "a")
        const { answered } = yield* consumer(one)
        yield* until(() => answered.length === 1)
      })
    )

    live(
      "is unavailable within 5 seconds when Redis falls silent, and ends",
      Effect.gen(function*() {
        const { far, way } = yield* behind
        let start = 0
        yield* Effect.scoped(Effect.gen(function*() {
          const one = yield* connect(far)
          yield* consumer(one)
          yield* Effect.sleep("300 millis")
          yield* way.freeze
          start = Date.now()
          const calls = [ringNow(one, "a"), one.stats, one.cancel({ id: "a", ring: "a:1" })]
          const failures = yield* Effect.forEach(calls, Effect.flip, { concurrency: 3 })
          for (const { reason } of failures) assert.strictEqual(reason._tag, "Unavailable")
          assert.isBelow(Date.now() - start, 6000)
          start = Date.now()
        }))
        assert.isBelow(Date.now() - start, 10_000)
      }),
      40_000
    )

    live(
      "ends while Redis is away, and what was being answered rings elsewhere after a lease",
      Effect.gen(function*() {
        const { far, near, way } = yield* behind
        const other = yield* connect(near)
        let start = 0
        yield* Effect.scoped(Effect.gen(function*() {
          const one = yield* connect(far)
          const { begun } = yield* consumer(one, { pass: Effect.never })
          yield* ringNow(one, "a")
          yield* until(() => begun.length === 1)
          yield* way.shut
          yield* Effect.sleep("300 millis")
          start = Date.now()
        }))
        assert.isBelow(Date.now() - start, 10_000)
        const { answered } = yield* consumer(other)
        yield* until(() => answered.length === 1)
        assert.deepStrictEqual(answered, ["a"])
      }),
      40_000
    )

    const unmoved = [
      { how: "was interrupted", move: "moveToWait", end: Effect.interrupt, first: [] },
      {
        how: "died",
        move: "moveToDelayed",
        end: Effect.die("a bug"),
        first: ["The answer to a ring of the docket died."]
      }
    ] as const
    for (const { end, first, how, move } of unmoved) {
      live(
        `rings again after a lease when an answer that ${how} cannot be put back`,
        Effect.gen(function*() {
          const { process } = yield* place
          const cut = new Error("The connection was cut on the way.")
          const moving = yield* Effect.acquireRelease(
            Effect.sync(() => vi.spyOn(Job.prototype, move).mockRejectedValueOnce(cut)),
            (spy) => Effect.sync(() => spy.mockRestore())
          )
          let isFirst = true
          const pass = Effect.suspend(() => {
            if (!isFirst) return Effect.void
            isFirst = false
            return end
          })
          const { logged, logger } = listening()
          yield* Effect.gen(function*() {
            const engine = yield* connect(process)
            const { answered, begun } = yield* consumer(engine, { pass })
            yield* ringNow(engine, "a")
            yield* until(() => answered.length === 1)
            assert.deepStrictEqual([begun, answered], [["a", "a"], ["a"]])
          }).pipe(Effect.provide(logger))
          assert.strictEqual(moving.mock.calls.length, 1)
          assert.deepStrictEqual(logged, [...first, "The engine of the docket is interrupted and tried again."])
        }),
        40_000
      )
    }

    live(
      "says so when Redis may throw rings away",
      Effect.gen(function*() {
        const { prefix } = yield* onKeys
        // The server is not ours to configure; what it says has to stay as long as it is.
        const { url } = yield* door(
          redis.url,
          (text) => text.replaceAll("maxmemory_policy:noeviction", "maxmemory_policy:allkeys-##")
        )
        const { logged, logger } = listening()
        yield* Effect.provide(connect(DocketEngineBullMq.layer({ url, prefix })), logger)
        assert.deepStrictEqual(logged, [
          "The Redis of the docket has the maxmemory-policy allkeys-##, and may lose rings; it should be noeviction."
        ])
      })
    )

    live(
      "does not begin where there is no Redis, and says so within 5 seconds",
      Effect.gen(function*() {
        const start = Date.now()
        const failure = yield* Effect.flip(connect(DocketEngineBullMq.layer({ url: "redis://127.0.0.1:1" })))
        assert.match(String(failure), /The engine of the docket cannot be opened/)
        assert.isBelow(Date.now() - start, 7000)
      })
    )
  })
})
