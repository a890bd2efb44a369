import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as RateLimit from "fastmcp-effect/middleware/RateLimit"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"

const info = { name: "limited", version: "1.0.0" }

const tool = (name: string) => Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(name) })

const serve = (...limits: ReadonlyArray<RateLimit.Options>) =>
  McpServer.layer({
    ...info,
    tools: [tool("a"), tool("b")],
    resources: [Resource.text("acme:///r", "r")],
    middleware: limits.map(RateLimit.make)
  }).pipe(Layer.provide(RateLimitStore.layerMemory()))

/** The server as several clients see it. */
const shared = <E>(server: Layer.Layer<Receiver.Receiver, E>) =>
  Effect.map(Layer.build(server), (context) => Layer.succeedContext(context))

const ada = Identity.make({ subject: "ada", issuer: "https://login.example" })
const bob = Identity.make({ subject: "bob", issuer: "https://login.example" })

/** Whether each of these calls was taken. */
const calls = (client: McpTest.Client, ...names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) =>
    Effect.match(client.callTool(name), {
      onSuccess: () => true,
      onFailure: ({ reason }) => {
        assert.strictEqual(reason._tag, "RateLimited")
        return false
      }
    }))

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    for (const algorithm of ["fixed-window", "sliding-window", "token-bucket"] as const) {
      it.effect(`a ${algorithm} refuses with 429 and says when it is worth trying again`, () =>
        Effect.gen(function*() {
          const client = yield* McpTest.client(serve({ algorithm, limit: 2, window: "1 minute" }), { revision })
          assert.deepStrictEqual(yield* calls(client, "a", "b"), [true, true])
          const { reason } = yield* Effect.flip(client.callTool("a"))
          assert.strictEqual(reason._tag, "RateLimited")
          const { error } = JSON.parse((yield* client.frames).at(-1)!)
          assert.strictEqual(error.code, 429)
          const { retryAfter } = error.data
          assert.strictEqual(
            retryAfter,
            // A part of a sliding window is 8572 ms, and what was taken in one counts until the eighth after it begins.
            { "fixed-window": 60_000, "sliding-window": 8 * 8572, "token-bucket": 30_000 }[algorithm]
          )
          yield* TestClock.adjust(retryAfter - 1)
          assert.deepStrictEqual(yield* calls(client, "a"), [false])
          yield* TestClock.adjust(1)
          assert.deepStrictEqual(yield* calls(client, "a"), [true])
        }))
    }

    it.effect("the handshake, lists and pings pass by, reads do not", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(serve({ limit: 1, window: "1 minute" }), { revision })
        yield* client.readResource("acme:///r")
        yield* client.listTools
        yield* client.listTools
        if (revision !== "2026-07-28") yield* client.request("ping")
        assert.strictEqual((yield* Effect.flip(client.readResource("acme:///r"))).reason._tag, "RateLimited")
      }))

    it.effect("it is for the methods that are named", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(serve({ limit: 1, window: "1 minute", methods: ["tools/list"] }), {
          revision
        })
        yield* client.listTools
        assert.strictEqual((yield* Effect.flip(client.listTools)).reason._tag, "RateLimited")
        assert.deepStrictEqual(yield* calls(client, "a", "a"), [true, true])
      }))
  })
}

describe("a limit", () => {
  const clients = (
    limit: RateLimit.Options,
    ...options: ReadonlyArray<McpTest.Options>
  ) =>
    Effect.gen(function*() {
      const server = yield* shared(serve(limit))
      return yield* Effect.forEach(options, (each) => McpTest.client(server, each))
    })

  it.effect("per identity is each caller's own, whatever connection, and one for all nobody knows", () =>
    Effect.gen(function*() {
      const [a, a2, b, nobody, nobody2] = yield* clients(
        { limit: 1, window: "1 minute" },
        { identity: ada },
        { identity: ada },
        { identity: bob },
        {},
        {}
      )
      assert.deepStrictEqual(yield* calls(a!, "a"), [true])
      assert.deepStrictEqual(yield* calls(a2!, "b"), [false])
      assert.deepStrictEqual(yield* calls(b!, "a"), [true])
      assert.deepStrictEqual(yield* calls(nobody!, "a"), [true])
      assert.deepStrictEqual(yield* calls(nobody2!, "a"), [false])
    }))

  it.effect("per session is the caller's where there is no session", () =>
    Effect.gen(function*() {
      const [a, a2, b] = yield* clients(
        { limit: 1, window: "1 minute", per: "session" },
        { identity: ada },
        { identity: ada },
        { identity: bob }
      )
      assert.deepStrictEqual(yield* calls(a!, "a"), [true])
      assert.deepStrictEqual(yield* calls(a2!, "a"), [false])
      assert.deepStrictEqual(yield* calls(b!, "a"), [true])
    }))

  it.effect("per tool is the tool's, whoever calls it, and nothing to other requests", () =>
    Effect.gen(function*() {
      const [a, b] = yield* clients(
        { limit: 1, window: "1 minute", per: "tool" },
        { identity: ada },
        { identity: bob }
      )
      assert.deepStrictEqual(yield* calls(a!, "a", "b"), [true, true])
      assert.deepStrictEqual(yield* calls(b!, "a", "b"), [false, false])
      yield* b!.readResource("acme:///r")
      yield* b!.readResource("acme:///r")
    }))

  it.effect("of the server is one for all", () =>
    Effect.gen(function*() {
      const [a, b] = yield* clients(
        { limit: 1, window: "1 minute", per: "server" },
        { identity: ada },
        { identity: bob }
      )
      assert.deepStrictEqual(yield* calls(a!, "a"), [true])
      assert.deepStrictEqual(yield* calls(b!, "a"), [false])
    }))

  it.effect("per key of its own has the request and the caller, and passes by what has none", () =>
    Effect.gen(function*() {
      const [a, b] = yield* clients(
        {
          limit: 1,
          window: "1 minute",
          per: ({ tool }, { subject }) => tool?.name === "b" ? undefined : `${subject} ${tool?.name}`
        },
        { identity: ada },
        { identity: bob }
      )
      assert.deepStrictEqual(yield* calls(a!, "a", "a", "b", "b"), [true, false, true, true])
      assert.deepStrictEqual(yield* calls(b!, "a"), [true])
    }))

  it.effect("does not count by a key over 400 characters", () =>
    Effect.gen(function*() {
      for (const [length, tag] of [[400, "RateLimited"], [401, "InvalidRequest"]] as const) {
        const client = yield* McpTest.client(serve({ limit: 1, window: "1 minute", per: () => "x".repeat(length) }))
        yield* Effect.exit(client.callTool("a"))
        assert.strictEqual((yield* Effect.flip(client.callTool("a"))).reason._tag, tag)
      }
    }))

  it.effect("takes the cost of a request, nothing for 0, and never what is above it", () =>
    Effect.gen(function*() {
      const cost: { readonly [name: string]: number } = { a: 3, b: 0 }
      const client = yield* McpTest.client(
        serve({ limit: 4, window: "1 minute", cost: ({ tool }) => cost[tool?.name ?? ""] ?? 5 })
      )
      assert.deepStrictEqual(yield* calls(client, "b", "a", "a", "b"), [true, true, false, true])
      const { reason } = yield* Effect.flip(client.readResource("acme:///r"))
      assert.deepInclude(reason, { _tag: "RateLimited" } as const)
      assert.notProperty(reason, "retryAfter")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(client.readResource("acme:///r"))).reason._tag, "RateLimited")
    }))

  it.effect("counts apart from one with other numbers, and together with one of its name", () =>
    Effect.gen(function*() {
      const both = yield* McpTest.client(
        serve({ limit: 3, window: "1 minute" }, { limit: 2, window: "1 minute", methods: ["tools/call"] })
      )
      assert.deepStrictEqual(yield* calls(both, "a", "a", "a"), [true, true, false])
      const named = yield* McpTest.client(
        serve(
          { limit: 3, window: "1 minute", name: "all" },
          { limit: 3, window: "1 minute", methods: ["tools/call"], name: "all" }
        )
      )
      assert.deepStrictEqual(yield* calls(named, "a", "a"), [true, false])
    }))

  describe("whose store does not answer", () => {
    const broken = Layer.succeed(RateLimitStore.RateLimitStore, {
      take: () => Effect.fail(new RateLimitStore.RateLimitUnavailable({}))
    })
    const server = (options: Partial<RateLimit.Options>) =>
      McpServer.layer({
        ...info,
        tools: [tool("a")],
        middleware: [RateLimit.make({ limit: 1, window: "1 minute", ...options })]
      }).pipe(Layer.provide(broken))

    it.effect("refuses as overloaded", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(server({}))
        const error: McpError.McpError = yield* Effect.flip(client.callTool("a"))
        assert.strictEqual(error.reason._tag, "Overloaded")
        assert.isTrue(error.isRetryable)
        assert.strictEqual(JSON.parse((yield* client.frames).at(-1)!).error.code, 503)
      }))

    it.effect("or lets requests pass, and warns once a minute", () => {
      const logged: Array<string> = []
      return Effect.gen(function*() {
        const client = yield* McpTest.client(server({ onUnavailable: "allow" }))
        assert.deepStrictEqual(yield* calls(client, "a", "a", "a"), [true, true, true])
        assert.lengthOf(logged, 1)
        yield* TestClock.adjust("1 minute")
        yield* calls(client, "a", "a")
        assert.lengthOf(logged, 2)
        assert.include(logged[1], "without a rate limit")
      }).pipe(
        Effect.provide(Logger.layer([
          Logger.make(({ logLevel, message }) => void (logLevel === "Warn" && logged.push(String(message))))
        ]))
      )
    })
  })

  it("cannot be with options that make no sense", () => {
    const wrong: ReadonlyArray<Partial<RateLimit.Options>> = [
      { limit: 0 },
      { limit: 1.5 },
      { limit: NaN },
      { limit: 2 ** 32 },
      { window: 0 },
      { window: Infinity },
      { window: "4000 days" },
      { burst: 3 },
      { burst: 0, algorithm: "token-bucket" }
    ]
    for (const options of wrong) {
      assert.throws(() => RateLimit.make({ limit: 1, window: "1 minute", ...options }), /cannot be/)
    }
  })
})
