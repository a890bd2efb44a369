/** One server on two nodes that share a cache. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as CacheStoreRedis from "fastmcp-effect/middleware/CacheStoreRedis"
import * as CacheStoreSql from "fastmcp-effect/middleware/CacheStoreSql"
import * as Caching from "fastmcp-effect/middleware/Caching"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { type Backend, keys, onDatabases, onRedis, onSql } from "../session/places.ts"
import { needing, redis } from "../support/services.ts"
import { info, logging } from "./serving.ts"

const hour = "1 hour"

/** A node, and the runs of its handlers. */
const node = <E>(store: Layer.Layer<CacheStore.CacheStore, E>, before: Effect.Effect<void> = Effect.void) =>
  Effect.gen(function*() {
    const runs = { tool: 0, resource: 0 }
    const echo = Tool.make("echo", {
      parameters: { text: Schema.String },
      success: Schema.String,
      tags: ["echoes"],
      cache: hour,
      handler: ({ text }) => Effect.as(Effect.andThen(Effect.sync(() => runs.tool++), before), text)
    })
    const clock = Resource.make("acme:///clock", { handler: Effect.sync(() => `${++runs.resource}`) })
    const context = yield* Layer.build(
      McpServer.layer({
        ...info,
        tools: [echo],
        resources: [clock],
        middleware: [Caching.make({ ttl: { "tools/list": hour, "resources/read": hour } })]
      }).pipe(Layer.provideMerge(store))
    )
    const connect = (subject: string) =>
      McpTest.client(Layer.succeedContext(context), { identity: Identity.make({ subject }) })
    return {
      runs,
      connect,
      client: yield* connect("ada"),
      server: Context.get(context, McpServer.McpServer),
      cache: Context.get(context, CacheStore.CacheStore)
    }
  })

const nodes = (name: string, { place }: Backend<CacheStore.CacheStore>) => {
  describe(`Two nodes ${name}`, () => {
    it.effect("answer with each other's results, to the same caller alone", () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const [one, two] = [yield* node(process()), yield* node(process())]
        yield* one.client.callTool("echo", { text: "a" })
        yield* two.client.callTool("echo", { text: "a" })
        assert.deepStrictEqual([one.runs.tool, two.runs.tool], [1, 0])
        const bob = yield* two.connect("bob")
        yield* bob.callTool("echo", { text: "a" })
        assert.deepStrictEqual([one.runs.tool, two.runs.tool], [1, 1])
        assert.deepInclude(yield* two.cache.statistics, { hits: 1, misses: 1, entries: 2 })
      })))

    it.effect("both forget a list that changes on one, a resource that is updated there, and what has a tag", () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const [one, two] = [yield* node(process()), yield* node(process())]
        // It tells its clients without waiting for the store.
        const eventually = (isSo: Effect.Effect<boolean, McpError.McpError>) =>
          Effect.gen(function*() {
            for (let tries = 0; tries < 400 && !(yield* isSo); tries++) yield* TestClock.withLive(Effect.sleep(5))
          })

        assert.lengthOf(yield* one.client.listTools, 1)
        assert.lengthOf(yield* two.client.listTools, 1)
        const entries = Effect.map(one.cache.statistics, ({ entries }) => entries)
        assert.strictEqual(yield* entries, 1)
        yield* two.server.add(Tool.make("another", { handler: () => Effect.void }))
        assert.lengthOf(yield* two.client.listTools, 2)
        yield* two.server.remove("tools", "another")
        yield* eventually(Effect.map(entries, (count) => count === 0))
        assert.strictEqual(yield* entries, 0)

        const read = (from: typeof one) =>
          Effect.map(
            from.client.readResource("acme:///clock"),
            ({ contents }) => (contents[0] as { readonly text: string }).text
          )
        /** Until it is kept: what is on its way to the store meanwhile has it not kept. */
        const kept = <A>(ask: Effect.Effect<A, McpError.McpError>, runs: () => number) =>
          eventually(Effect.suspend(() => {
            const before = runs()
            return Effect.map(ask, () => runs() === before)
          }))
        yield* kept(read(one), () => one.runs.resource)
        const text = yield* read(one)
        assert.strictEqual(yield* read(two), text)
        yield* two.server.resourceUpdated("acme:///other")
        assert.strictEqual(yield* read(two), text)
        assert.strictEqual(two.runs.resource, 0)
        yield* one.server.resourceUpdated("acme:///clock")
        yield* eventually(Effect.map(read(two), () => two.runs.resource > 0))
        assert.isAbove(two.runs.resource, 0)

        yield* kept(one.client.callTool("echo", { text: "a" }), () => one.runs.tool)
        yield* one.cache.invalidate("something else")
        yield* two.client.callTool("echo", { text: "a" })
        assert.strictEqual(two.runs.tool, 0)
        yield* one.cache.invalidate("echoes")
        yield* two.client.callTool("echo", { text: "a" })
        assert.strictEqual(two.runs.tool, 1)
      })))

    it.effect("keep nothing on one that began before it was forgotten on the other", () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const door = yield* Deferred.make<void>()
        const [one, two] = [yield* node(process(), Deferred.await(door)), yield* node(process())]
        const first = yield* Effect.forkChild(one.client.callTool("echo", { text: "a" }), { startImmediately: true })
        yield* TestClock.withLive(Effect.repeat(Effect.sleep(5), { until: () => one.runs.tool === 1 }))
        yield* two.cache.invalidate("echoes")
        yield* Deferred.succeed(door, undefined)
        yield* Fiber.join(first)
        assert.strictEqual((yield* two.cache.statistics).entries, 0)
        yield* two.client.callTool("echo", { text: "a" })
        assert.strictEqual(two.runs.tool, 1)
      })))
  })
}

onDatabases((name, database) => {
  nodes(`on ${name}`, onSql(database, (prefix) => CacheStoreSql.layer({ prefix })))
})

type State = "answers" | "refuses" | "hangs"

/** Redis with moods. */
const moody = Effect.gen(function*() {
  const { client, prefix } = yield* keys
  const redis = Context.get(yield* Layer.build(client()), Redis.Redis)
  const mood = { state: "answers" as State, asked: 0 }
  const gated = Redis.Redis.of({
    ...redis,
    eval: (script) => (...params) =>
      Effect.suspend(() => {
        mood.asked++
        return mood.state === "answers"
          ? redis.eval(script)(...params)
          : mood.state === "hangs"
          ? Effect.never
          : Effect.fail(new Redis.RedisError({ cause: new Error("no") }))
      })
  })
  const layer = () => CacheStoreRedis.layer({ prefix }).pipe(Layer.provide(Layer.succeed(Redis.Redis, gated)))
  return { mood, layer }
})

needing(redis, () => {
  nodes("on Redis", onRedis((prefix) => CacheStoreRedis.layer({ prefix })))

  describe("A cache whose Redis does not answer", () => {
    it.effect("has nothing, warns once, and is asked again after a second", () =>
      Effect.scoped(Effect.gen(function*() {
        const { layer: log, logged } = logging()
        const { layer, mood } = yield* moody
        const { client, runs } = yield* node(Layer.provideMerge(layer(), log))
        yield* client.callTool("echo", { text: "a" })
        mood.state = "refuses"
        mood.asked = 0
        for (let index = 0; index < 3; index++) yield* client.callTool("echo", { text: "a" })
        assert.strictEqual(runs.tool, 4)
        assert.strictEqual(mood.asked, 1)
        yield* TestClock.adjust("1 second")
        yield* client.callTool("echo", { text: "a" })
        assert.strictEqual(mood.asked, 2)
        const warnings = logged.filter(({ level }) => level === "Warn").map(({ text }) => text)
        assert.lengthOf(warnings, 1)
        assert.include(warnings[0], "The cache in Redis does not answer, and nothing is taken from it.")
        mood.state = "answers"
        yield* TestClock.adjust("1 second")
        // What was kept before is good still.
        yield* client.callTool("echo", { text: "a" })
        assert.strictEqual(runs.tool, 5)
      })))

    it.effect("has nothing where something else has been left", () =>
      Effect.scoped(Effect.gen(function*() {
        const { client: connection, prefix } = yield* keys
        const { send } = Context.get(yield* Layer.build(connection()), Redis.Redis)
        const { client, runs } = yield* node(CacheStoreRedis.layer({ prefix }).pipe(Layer.provide(connection())))
        yield* client.callTool("echo", { text: "a" })
        const [id] = yield* send<Array<string>>("HKEYS", `${prefix}cache:texts`)
        for (const [index, text] of ["{", "null", "1"].entries()) {
          yield* send("HSET", `${prefix}cache:texts`, id!, text)
          yield* client.callTool("echo", { text: "a" })
          assert.strictEqual(runs.tool, index + 2)
        }
        yield* client.callTool("echo", { text: "a" })
        assert.strictEqual(runs.tool, 4)
      })))

    it.effect("is waited for a second and no longer", () =>
      Effect.scoped(Effect.gen(function*() {
        const { layer, mood } = yield* moody
        const { client, runs } = yield* node(layer())
        mood.state = "hangs"
        const call = yield* Effect.forkChild(client.callTool("echo", { text: "a" }), { startImmediately: true })
        yield* TestClock.adjust(999)
        assert.strictEqual(runs.tool, 0)
        yield* TestClock.adjust(1)
        yield* Fiber.join(call)
        assert.strictEqual(runs.tool, 1)
        mood.state = "answers"
        yield* client.callTool("echo", { text: "a" })
        assert.strictEqual(runs.tool, 2)
      })))

    it.effect("gives out nothing that was to be forgotten meanwhile, and has it forgotten for all later", () =>
      Effect.scoped(Effect.gen(function*() {
        const { layer, mood } = yield* moody
        const [one, two] = [yield* node(layer()), yield* node(layer())]
        for (const { client } of [one, two]) yield* client.callTool("echo", { text: "a" })
        assert.deepStrictEqual([one.runs.tool, two.runs.tool], [1, 0])
        mood.state = "refuses"
        yield* one.cache.invalidate("echoes")
        mood.state = "answers"
        // Its own rest is over, and nobody has asked it for anything.
        yield* TestClock.adjust("1 second")
        yield* TestClock.withLive(Effect.repeat(Effect.sleep(5), {
          until: () => Effect.map(two.cache.statistics, ({ entries }) => entries === 0),
          times: 400
        }))
        yield* two.client.callTool("echo", { text: "a" })
        assert.strictEqual(two.runs.tool, 1)

        mood.state = "refuses"
        yield* one.cache.clear
        yield* one.cache.invalidate("echoes")
        mood.state = "answers"
        yield* TestClock.adjust("1 second")
        yield* one.client.callTool("echo", { text: "a" })
        assert.strictEqual(one.runs.tool, 2)
      })))
  })
})
