import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as McpRequest from "fastmcp-effect/context/McpRequest"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Bulkhead from "fastmcp-effect/middleware/Bulkhead"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as Caching from "fastmcp-effect/middleware/Caching"
import * as ErrorHandling from "fastmcp-effect/middleware/ErrorHandling"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as Logging from "fastmcp-effect/middleware/Logging"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as RateLimit from "fastmcp-effect/middleware/RateLimit"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import * as ResponseLimit from "fastmcp-effect/middleware/ResponseLimit"
import * as Retry from "fastmcp-effect/middleware/Retry"
import * as Timeout from "fastmcp-effect/middleware/Timeout"
import * as Timing from "fastmcp-effect/middleware/Timing"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { info, shared } from "./serving.ts"

const ada = Identity.make({ subject: "ada" })
const bob = Identity.make({ subject: "bob" })

const hour = "1 hour"

/** Tools and a resource that count their runs. */
const counted = () => {
  const runs = { cached: 0, plain: 0, resource: 0 }
  const echo = (name: "cached" | "plain", cache?: "1 minute") =>
    Tool.make(name, {
      parameters: { text: Schema.String },
      success: Schema.String,
      failure: Schema.String,
      tags: ["echoes"],
      ...(cache === undefined ? undefined : { cache }),
      handler: ({ text }) =>
        Effect.suspend((): Effect.Effect<string, string | McpError.McpError> => {
          runs[name]++
          return text === "fails"
            ? Effect.fail("no")
            : text === "refused"
            ? Effect.fail(McpError.make(new McpError.Overloaded({ message: "busy" })))
            : Effect.succeed(`${text} ${runs[name]}`)
        })
    })
  const resource = Resource.make("acme:///r", {
    cache: { ttlMs: 60_000, cacheScope: "private" },
    handler: Effect.sync(() => `r ${++runs.resource}`)
  })
  const server = McpServer.layer({
    ...info,
    tools: [echo("cached", "1 minute"), echo("plain")],
    resources: [resource],
    middleware: [Caching.make({ ttl: { "resources/read": hour, "tools/list": hour } })]
  }).pipe(Layer.provideMerge(CacheStore.layerMemory()))
  return { runs, server }
}

const say = (client: McpTest.Client, name: string, text: string) =>
  Effect.map(client.callTool(name, { text }), ({ content }) => (content[0] as { readonly text: string }).text)

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("a tool that says so answers its caller again for as long as it says, and no other does", () =>
      Effect.gen(function*() {
        const { runs, server } = counted()
        const client = yield* McpTest.client(server, { revision })
        assert.strictEqual(yield* say(client, "cached", "a"), "a 1")
        assert.strictEqual(yield* say(client, "cached", "a"), "a 1")
        assert.strictEqual(yield* say(client, "cached", "b"), "b 2")
        yield* TestClock.adjust(59_999)
        assert.strictEqual(yield* say(client, "cached", "a"), "a 1")
        yield* TestClock.adjust(1)
        // A hit has not made it live longer.
        assert.strictEqual(yield* say(client, "cached", "a"), "a 3")
        yield* say(client, "plain", "a")
        yield* say(client, "plain", "a")
        assert.strictEqual(runs.plain, 2)
      }))

    it.effect("what failed or was refused is asked again", () =>
      Effect.gen(function*() {
        const { runs, server } = counted()
        const client = yield* McpTest.client(server, { revision })
        for (const text of ["fails", "refused"]) {
          yield* Effect.exit(client.callTool("cached", { text }))
          yield* Effect.exit(client.callTool("cached", { text }))
        }
        assert.strictEqual(runs.cached, 4)
      }))

    it.effect("clients are told how long it is good, and that it is theirs alone, where the revision has words for it", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            tools: [Tool.make("a", { handler: () => Effect.void })],
            resources: [
              Resource.make("acme:///r", { handler: Effect.succeed("r") }),
              Resource.make("acme:///own", {
                cache: { ttlMs: 9000, cacheScope: "public" },
                handler: Effect.succeed("own")
              }),
              Resource.make("acme:///ada", { visible: () => true, handler: Effect.succeed("r") })
            ],
            middleware: [Caching.make({
              ttl: { "tools/list": "1 minute", "resources/list": "Infinity", "resources/read": 30_000.5 },
              public: ["tools/list", "resources/list", "resources/read"]
            })]
          }).pipe(Layer.provide(CacheStore.layerMemory())),
          { revision }
        )
        const told = (method: string, params: JsonRpc.JsonObject = {}) =>
          Effect.map(client.request(method, params), (result) => {
            assert.notProperty(result, "cacheHints")
            return result.ttlMs === undefined && result.cacheScope === undefined
              ? undefined
              : `${result.ttlMs} ${result.cacheScope}`
          })
        const all = Effect.all([
          told("tools/list"),
          told("resources/list"),
          told("prompts/list"),
          told("resources/read", { uri: "acme:///r" }),
          told("resources/read", { uri: "acme:///own" }),
          told("resources/read", { uri: "acme:///ada" })
        ])
        const are = Effect.fnUntraced(function*(...expected: ReadonlyArray<string>) {
          const isNew = revision === "2026-07-28"
          assert.deepStrictEqual<ReadonlyArray<string | undefined>>(
            yield* all,
            isNew ? expected : expected.map(() => undefined)
          )
        })
        const year = 31_536_000_000
        yield* are("60000 public", `${year} private`, "0 private", "30000 public", "9000 public", "30000 private")
        yield* TestClock.adjust("4 seconds")
        yield* are(
          "56000 public",
          `${year - 4000} private`,
          "0 private",
          "26000 public",
          "5000 public",
          "26000 private"
        )
      }))
  })
}

describe("Caching", () => {
  it.effect("keeps a read for as long as its resource says, and tells clients what is left of it", () =>
    Effect.gen(function*() {
      const { runs, server } = counted()
      const client = yield* McpTest.client(server)
      const ttl = Effect.map(client.request("resources/read", { uri: "acme:///r" }), ({ ttlMs }) => ttlMs)
      assert.strictEqual(yield* ttl, 60_000)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* ttl, 40_000)
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(yield* ttl, 60_000)
      assert.strictEqual(runs.resource, 2)
    }))

  it.effect("lets the server's own hints stand, less the time a result has been kept", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(
        McpServer.layer({
          ...info,
          cacheHints: { ttlMs: 5000, cacheScope: "public" },
          tools: [Tool.make("a", { handler: () => Effect.void })],
          resources: [Resource.make("acme:///ada", { visible: () => true, handler: Effect.succeed("r") })],
          middleware: [Caching.make({ ttl: { "tools/list": hour, "resources/list": hour, "resources/read": hour } })]
        }).pipe(Layer.provide(CacheStore.layerMemory()))
      )
      const told = (method: string, params: JsonRpc.JsonObject = {}) =>
        Effect.map(client.request(method, params), ({ cacheScope, ttlMs }) => `${ttlMs} ${cacheScope}`)
      for (const left of [5000, 3000, 1000, 0, 0]) {
        assert.strictEqual(yield* told("tools/list"), `${left} public`)
        assert.strictEqual(yield* told("resources/list"), `${left} private`)
        assert.strictEqual(yield* told("resources/read", { uri: "acme:///ada" }), `${left} private`)
        // Nobody keeps these here.
        assert.strictEqual(yield* told("prompts/list"), "5000 public")
        assert.strictEqual(yield* told("server/discover"), "5000 public")
        yield* TestClock.adjust("2 seconds")
      }
    }))

  it.effect("tells who waited for another's result the same", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      let runs = 0
      const slow = Resource.make("acme:///slow", {
        handler: Effect.suspend(() => Effect.as(Deferred.await(door), `${++runs}`))
      })
      const large = Resource.make("acme:///large", { handler: Effect.succeed("x".repeat(200)) })
      const client = yield* McpTest.client(
        McpServer.layer({
          ...info,
          resources: [slow, large],
          middleware: [Caching.make({ ttl: { "resources/read": 7000 } })]
        }).pipe(Layer.provide(CacheStore.layerMemory({ maxItemBytes: 150 })))
      )
      const told = (uri: string) => Effect.map(client.request("resources/read", { uri }), ({ ttlMs }) => ttlMs)
      const fibers = yield* Effect.forEach([1, 2, 3], () =>
        Effect.forkChild(told("acme:///slow"), { startImmediately: true }))
      yield* McpTest.settle
      yield* Deferred.succeed(door, undefined)
      for (const fiber of fibers) {
        assert.strictEqual(yield* Fiber.join(fiber), 7000)
      }
      assert.strictEqual(runs, 1)
      // Too large to be kept here, and as good as any other.
      assert.strictEqual(yield* told("acme:///large"), 7000)
      yield* Effect.flip(told("acme:///missing"))
    }))

  it.effect("runs once for requests that come at once, and for each where there is nothing to share", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      let runs = 0
      const make = (name: string, end: Effect.Effect<string, string>) =>
        Tool.make(name, {
          success: Schema.String,
          failure: Schema.String,
          cache: hour,
          handler: () => Effect.andThen(Effect.sync(() => runs++), Effect.andThen(Deferred.await(door), end))
        })
      const client = yield* McpTest.client(
        McpServer.layer({
          ...info,
          tools: [make("fine", Effect.succeed("fine")), make("fails", Effect.fail("no"))],
          middleware: [Caching.make()]
        }).pipe(Layer.provide(CacheStore.layerMemory()))
      )
      const five = (name: string) =>
        Effect.gen(function*() {
          const fibers = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
            Effect.forkChild(client.callTool(name), { startImmediately: true }))
          yield* McpTest.settle
          return fibers
        })
      const fine = yield* five("fine")
      assert.strictEqual(runs, 1)
      // Who runs goes, and another one runs.
      yield* Fiber.interrupt(fine[0]!)
      yield* McpTest.settle
      yield* Deferred.succeed(door, undefined)
      for (const fiber of fine.slice(1)) yield* Fiber.join(fiber)
      assert.strictEqual(runs, 2)
      runs = 0
      for (const fiber of yield* five("fine")) yield* Fiber.join(fiber)
      assert.strictEqual(runs, 0)
      for (const fiber of yield* five("fails")) assert.isTrue((yield* Fiber.join(fiber)).isError)
      assert.strictEqual(runs, 5)
    }))

  it.effect("forgets lists that change, resources that are updated, and what has a tag", () =>
    Effect.gen(function*() {
      const { runs, server } = counted()
      const context = yield* Layer.build(server)
      const client = yield* McpTest.client(Layer.succeedContext(context))
      yield* Effect.gen(function*() {
        const live = yield* McpServer.McpServer
        const store = yield* CacheStore.CacheStore
        assert.lengthOf(yield* client.listTools, 2)
        yield* live.add(Tool.make("another", { handler: () => Effect.void }))
        assert.lengthOf(yield* client.listTools, 3)

        yield* client.readResource("acme:///r")
        yield* live.resourceUpdated("acme:///other")
        yield* client.readResource("acme:///r")
        assert.strictEqual(runs.resource, 1)
        yield* live.resourceUpdated("acme:///r")
        yield* client.readResource("acme:///r")
        assert.strictEqual(runs.resource, 2)

        yield* say(client, "cached", "a")
        yield* store.invalidate("something else")
        assert.strictEqual(yield* say(client, "cached", "a"), "a 1")
        yield* store.invalidate("echoes")
        assert.strictEqual(yield* say(client, "cached", "a"), "a 2")
        yield* store.clear
        assert.strictEqual(yield* say(client, "cached", "a"), "a 3")
      }).pipe(Effect.provideContext(context))
    }))

  it.effect("does not keep what began before it was forgotten", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      let value = "old"
      const slow = Tool.make("slow", {
        success: Schema.String,
        cache: hour,
        tags: ["value"],
        handler: () => Effect.suspend(() => Effect.as(Deferred.await(door), value))
      })
      const context = yield* Layer.build(
        McpServer.layer({ ...info, tools: [slow], middleware: [Caching.make()] }).pipe(
          Layer.provideMerge(CacheStore.layerMemory())
        )
      )
      const client = yield* McpTest.client(Layer.succeedContext(context))
      const first = yield* Effect.forkChild(client.call(slow, {}), { startImmediately: true })
      yield* McpTest.settle
      value = "new"
      yield* CacheStore.CacheStore.use(({ invalidate }) => invalidate("value")).pipe(Effect.provideContext(context))
      const second = yield* Effect.forkChild(client.call(slow, {}), { startImmediately: true })
      yield* McpTest.settle
      yield* Deferred.succeed(door, undefined)
      assert.strictEqual(yield* Fiber.join(first), "old")
      assert.strictEqual(yield* Fiber.join(second), "new")
      assert.strictEqual(yield* client.call(slow, {}), "new")
    }))

  it.effect("does not answer for what its caller may no longer see", () =>
    Effect.gen(function*() {
      let visible = true
      const secret = Resource.make("acme:///s", { visible: () => visible, handler: Effect.succeed("secret") })
      const client = yield* McpTest.client(
        McpServer.layer({
          ...info,
          resources: [secret],
          middleware: [Timing.make(), Caching.make({ ttl: { "resources/read": hour } }), Timing.make()]
        }).pipe(Layer.provide(CacheStore.layerMemory()))
      )
      yield* client.readResource("acme:///s")
      visible = false
      yield* Effect.flip(client.readResource("acme:///s"))
    }))

  it.effect("knows callers by all but the times of their tokens", () =>
    Effect.gen(function*() {
      const { runs, server } = counted()
      const one = yield* shared(server)
      const as = (identity: Identity.Identity) =>
        Effect.flatMap(McpTest.client(one, { identity }), (client) => say(client, "cached", "a"))
      yield* as({ ...ada, claims: { tenant: "x", exp: 1, iat: 1, jti: "1" } })
      yield* as({ ...ada, claims: { tenant: "x", exp: 2, iat: 2, jti: "2" } })
      assert.strictEqual(runs.cached, 1)
      for (
        const [index, other] of [
          { ...ada, claims: { tenant: "y" } },
          { ...ada, claims: { tenant: "x" }, scopes: ["admin"] },
          { ...ada, claims: { tenant: "x" }, clientId: "app" },
          { ...ada, claims: { tenant: "x" }, issuer: "https://other.example" },
          { ...bob, claims: { tenant: "x" } },
          Identity.anonymous
        ].entries()
      ) {
        yield* as(other)
        assert.strictEqual(runs.cached, index + 2)
      }
    }))

  it.effect("knows callers by whom another middleware says they are, on either side of it, and by what varies", () =>
    Effect.gen(function*() {
      class Tenant extends McpRequest.Service<Tenant, string>()("test/middleware/Caching/Tenant") {}
      const said = (request: Middleware.Request) => String(request.context.meta["acme/token"])
      const login = Middleware.provide(
        Identity.Required,
        (request) => Effect.succeed(Identity.make({ subject: said(request) }))
      )
      const whoami = Tool.make("whoami", {
        success: Schema.String,
        cache: hour,
        handler: () => Effect.map(Identity.Required, ({ subject }) => subject)
      })
      for (const order of [[login, Caching.make()], [Caching.make(), login]] as const) {
        const client = yield* McpTest.client(
          McpServer.layer({ ...info, tools: [whoami], middleware: order }).pipe(
            Layer.provide(CacheStore.layerMemory())
          )
        )
        for (const token of ["ada", "bob", "ada"]) {
          assert.strictEqual(yield* client.call(whoami, {}, { meta: { "acme/token": token } }), token)
        }
      }
      let tenant = "x"
      const provided = Middleware.provide(Tenant, () => Effect.succeed(tenant))
      const mine = Tool.make("mine", { success: Schema.String, cache: hour, handler: () => Tenant })
      const client = yield* McpTest.client(
        McpServer.layer({
          ...info,
          tools: [mine],
          middleware: [provided, Caching.make({ vary: () => Effect.succeed(tenant) })]
        }).pipe(Layer.provide(CacheStore.layerMemory()))
      )
      assert.strictEqual(yield* client.call(mine, {}), "x")
      tenant = "y"
      assert.strictEqual(yield* client.call(mine, {}), "y")
    }))

  /** Every middleware there is beside it, in an order of its own. */
  const others: ReadonlyArray<
    () => Middleware.Middleware<
      never,
      RateLimitStore.RateLimitStore | CacheStore.CacheStore | ReceiptStore.ReceiptStore
    >
  > = [
    () => RateLimit.make({ limit: 100_000, window: "1 minute" }),
    () => Retry.make(),
    () => Bulkhead.make({ concurrency: 3, queue: 100, per: "server" }),
    () => ResponseLimit.make(),
    () => Timing.make(),
    () => Logging.make({ payloads: true }),
    () => ErrorHandling.make({}),
    () => Timeout.make("10 seconds"),
    () => Idempotency.make(),
    () => Caching.make({ ttl: { "resources/read": hour, "tools/list": hour, "prompts/get": hour } })
  ]

  it.effect(
    "gives no byte of one caller's result to another, in whatever order with the others",
    () =>
      Effect.gen(function*() {
        for (let round = 0; round < 30; round++) {
          const middleware = yield* Random.shuffle([...others, ...others.slice(-1)].map((make) => make()))
          const whoami = (name: string, cache?: "1 hour") =>
            Tool.make(name, {
              parameters: { n: Schema.Int },
              success: Schema.String,
              ...(cache === undefined ? undefined : { cache }),
              annotations: { readOnlyHint: true },
              handler: () =>
                Effect.flatMap(Identity.CurrentIdentity, ({ subject }) => Effect.as(Effect.yieldNow, `for ${subject}`))
            })
          const keyed = Tool.make("keyed", {
            success: Schema.String,
            handler: () => Effect.map(Identity.CurrentIdentity, ({ subject }) => `for ${subject}`)
          })
          const mine = Resource.make("acme:///mine", {
            handler: Effect.map(Identity.CurrentIdentity, ({ subject }) => `for ${subject}`)
          })
          const onlyAda = Tool.make("for_ada", {
            visible: ({ identity }) => identity.subject === "ada",
            handler: () => Effect.void
          })
          const server = yield* shared(
            McpServer.layer({
              ...info,
              tools: [whoami("cached", hour), whoami("plain"), keyed, onlyAda],
              resources: [mine],
              middleware
            }).pipe(Layer.provide([CacheStore.layerMemory(), RateLimitStore.layerMemory(), ReceiptStore.layerMemory()]))
          )
          const revisions = Revisions.versions as ReadonlyArray<Revisions.Version>
          const callers = yield* Effect.forEach([ada, bob], (identity) =>
            Effect.map(
              Effect.flatMap(Random.choice(revisions), (revision) => McpTest.client(server, { identity, revision })),
              (client) => ({ client, other: identity === ada ? "bob" : "ada" })
            ))
          const asks = yield* Effect.forEach(Array.from({ length: 20 }), () =>
            Effect.gen(function*() {
              const { client } = yield* Random.choice(callers)
              const n = yield* Random.nextIntBetween(0, 2)
              return yield* Random.choice<ReadonlyArray<Effect.Effect<unknown, McpError.McpError>>>([
                client.callTool("cached", { n }),
                client.callTool("plain", { n }),
                client.callTool("keyed", {}, { meta: { [Meta.idempotencyKey]: `${n}` } }),
                client.readResource("acme:///mine"),
                client.listTools
              ])
            }))
          // Some one after another, some at once.
          yield* Effect.forEach(asks, (ask) => ask, { concurrency: yield* Random.nextIntBetween(1, 6) })
          let frames = 0
          for (const { client, other } of callers) {
            for (const frame of yield* client.frames) {
              frames++
              assert.notInclude(frame, `for ${other}`)
              assert.notInclude(frame, `for_${other}`)
            }
          }
          assert.isAtLeast(frames, 20)
        }
      }),
    60_000
  )
})
