import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"
import * as Stream from "effect/Stream"
import type * as EventStore from "fastmcp-effect/session/EventStore"
import * as EventStoreRedis from "fastmcp-effect/session/EventStoreRedis"
import type * as SessionError from "fastmcp-effect/session/SessionError"
import { needing, redis } from "../support/services.ts"
import { connect, suite } from "./contract/EventStore.ts"
import { type Keys, keys, onRedis } from "./places.ts"

const key: EventStore.StreamKey = { session: "one", stream: "a" }

const start = (
  { client, prefix }: Keys,
  options: EventStoreRedis.Options = {},
  clientOptions?: Parameters<Keys["client"]>[0]
) => connect(Layer.provide(EventStoreRedis.layer({ prefix, ...options }), client(clientOptions)))

const sendOf = ({ client }: Keys) =>
  Effect.map(Layer.build(client()), (services) => Context.get(services, Redis.Redis).send)

needing(redis, () => {
  suite(
    "on Redis",
    onRedis((prefix, limits: EventStoreRedis.Options) =>
      EventStoreRedis.layer({ prefix, pollInterval: "200 millis", ...limits })
    )
  )

  describe("EventStoreRedis", () => {
    it.live("keeps nothing it has no use for, and nothing for ever", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* keys
        const send = yield* sendOf(place)
        const store = yield* start(place, { maxEvents: 5, maxSize: 20, idle: "1 minute", timeToLive: "10 seconds" })
        const lengthOf = send<number>("XLEN", `${place.prefix}events:3:one:a`)
        const all = Effect.map(send<Array<string>>("KEYS", `${place.prefix}*`), (all) => all.toSorted())
        yield* store.create(key)
        for (let count = 0; count < 10; count++) yield* store.append(key, "abc")
        assert.strictEqual(yield* lengthOf, 5)
        yield* store.append(key, "x".repeat(12))
        assert.strictEqual(yield* lengthOf, 3)
        yield* store.append(key, "x".repeat(21))
        assert.strictEqual(yield* lengthOf, 0)
        yield* store.append(key, "abc")
        const named = ["events:3:one:a", "stream:3:one:a", "streams-of:one"].map((name) => place.prefix + name)
        assert.deepStrictEqual(yield* all, named)
        const lives = Effect.forEach(named, (name) => send<number>("PTTL", name))
        for (const life of yield* lives) assert.isTrue(life > 50_000 && life <= 60_000, String(life))
        yield* store.end(key)
        const [events, stream, index] = yield* lives
        for (const life of [events!, stream!]) assert.isTrue(life > 5000 && life <= 10_000, String(life))
        assert.isAbove(index!, 10_000)
        yield* store.drop("one")
        assert.deepStrictEqual(yield* all, [])
      })))

    it.live("lets go of the names of streams that have had their time, though the session goes on", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* keys
        const send = yield* sendOf(place)
        const store = yield* start(place, { timeToLive: "50 millis" })
        for (let count = 0; count < 20; count++) {
          const each = { session: "one", stream: String(count) }
          yield* store.create(each)
          yield* store.end(each)
        }
        yield* Effect.sleep("100 millis")
        yield* store.create(key)
        assert.deepStrictEqual(yield* send("ZRANGE", `${place.prefix}streams-of:one`, "0", "-1"), ["3:one:a"])
      })))

    it.live("serves a thousand followers with two connections, at once", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* keys
        const send = yield* sendOf(place)
        const name = `${place.prefix}following`
        const [one, other] = [yield* start(place), yield* start(place, { pollInterval: "1 hour" }, { name })]
        const streams = Array.from({ length: 1000 }, (_, index) => ({ session: "one", stream: String(index) }))
        yield* Effect.forEach(streams, one.create, { concurrency: 50 })
        let told = 0
        const fibers = yield* Effect.forEach(streams, (key) =>
          Effect.forkChild(
            Stream.runForEach(other.follow(key, 0), ({ data }) =>
              Effect.sync(() => {
                assert.strictEqual(data, key.stream)
                told++
              })),
            { startImmediately: true }
          ))
        yield* Effect.sleep("200 millis")
        const list = (yield* send<string>("CLIENT", "LIST")).split("\n").filter((line) =>
          line.includes(` name=${name} `)
        )
        assert.strictEqual(list.length, 2)
        yield* Effect.forEach(streams, (key) => one.append(key, key.stream), { concurrency: 50 })
        while (told < 1000) yield* Effect.sleep("5 millis")
        yield* Effect.forEach(streams, one.end, { concurrency: 50 })
        yield* Effect.forEach(fibers, Fiber.join)
        assert.strictEqual(told, 1000)
      })))

    const cut = (send: Redis.Redis["Service"]["send"], name: string) =>
      Effect.gen(function*() {
        const all = (yield* send<string>("CLIENT", "LIST")).split("\n").filter((line) =>
          line.includes(` name=${name} `)
        )
        for (const line of all) yield* send("CLIENT", "KILL", "ID", /id=(\d+)/.exec(line)![1]!)
        return all.length
      })

    it.live("tells everything once and in order though its connections are cut again and again", () =>
      Effect.scoped(
        Effect.gen(function*() {
          const place = yield* keys
          const send = yield* sendOf(place)
          const name = `${place.prefix}following`
          const one = yield* start(place)
          const other = yield* start(place, { pollInterval: "50 millis" }, { name })
          yield* one.create(key)
          const texts = Array.from({ length: 90 }, (_, index) => String(index))
          const fiber = yield* Effect.forkChild(
            // A read that was under way when it was cut fails the stream, and who follows goes on from where it was.
            Effect.gen(function*() {
              const told: Array<string> = []
              const go: Effect.Effect<void, SessionError.SessionError> = Effect.suspend(() =>
                Stream.runForEach(other.follow(key, told.length), ({ data }) => Effect.sync(() => told.push(data)))
              ).pipe(Effect.catchIf(({ reason }) => reason._tag === "Unavailable", () => go))
              yield* go
              return told
            }),
            { startImmediately: true }
          )
          let count = 0
          for (const text of texts) {
            yield* one.append(key, text)
            if (Number(text) % 30 === 10) count += yield* cut(send, name)
          }
          yield* one.end(key)
          assert.deepStrictEqual(yield* Fiber.join(fiber), texts)
          assert.isAtLeast(count, 4)
        }).pipe(Effect.provide(Logger.layer([])))
      ))

    it.live("finds by looking what the channel has not told", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* keys
        const send = yield* sendOf(place)
        const store = yield* start(place, { pollInterval: "30 millis" })
        yield* store.create(key)
        const fiber = yield* Effect.forkChild(Stream.runCollect(store.follow(key, 0)), { startImmediately: true })
        yield* Effect.sleep("50 millis")
        // As another process would, were its word lost.
        yield* send("XADD", `${place.prefix}events:3:one:a`, "1-0", "data", "quiet", "before", "0")
        yield* send("HSET", `${place.prefix}stream:3:one:a`, "last", "1", "ended", "1")
        assert.deepStrictEqual(yield* Fiber.join(fiber), [{ position: 1, data: "quiet" }])
      })))

    it.live("does not take a stream begun anew for the one it follows", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* keys
        const send = yield* sendOf(place)
        const store = yield* start(place, { pollInterval: "30 millis" })
        yield* store.create(key)
        yield* store.append(key, "1")
        const fiber = yield* Effect.forkChild(Stream.runCollect(store.follow(key, 0)), { startImmediately: true })
        yield* Effect.sleep("50 millis")
        // As others would, before anybody looks.
        yield* send("XADD", `${place.prefix}events:3:one:a`, "2-0", "data", "new", "before", "0")
        yield* send("HSET", `${place.prefix}stream:3:one:a`, "id", "another", "last", "2")
        assert.deepStrictEqual(yield* Fiber.join(fiber), [{ position: 1, data: "1" }])
      })))

    it.live("works after Redis has forgotten its scripts", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* keys
        const send = yield* sendOf(place)
        const store = yield* start(place)
        yield* store.create(key)
        yield* store.append(key, "1")
        yield* send("SCRIPT", "FLUSH")
        assert.strictEqual(yield* store.append(key, "2"), 2)
        assert.strictEqual((yield* store.read(key, 0)).length, 2)
      })))

    it.live("is unavailable when Redis refuses", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* keys
        const send = yield* sendOf(place)
        yield* send("SET", `${place.prefix}stream:3:one:a`, "not a hash")
        yield* send("SET", `${place.prefix}streams-of:two`, "not an index")
        const store = yield* start(place)
        const calls = [
          store.append(key, "1"),
          store.last(key),
          store.read(key, 0),
          Stream.runCollect(store.follow(key, 0)),
          store.end(key),
          store.create({ session: "two", stream: "a" }),
          store.drop("two")
        ]
        for (const call of calls) {
          const { reason } = yield* Effect.flip(call as Effect.Effect<never, SessionError.SessionError>)
          assert.deepInclude(reason, { _tag: "Unavailable", store: "event store" } as const)
        }
      })))
  })
})
