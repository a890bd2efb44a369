import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as Extension from "fastmcp-effect/client/Extension"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as scripted from "./scripted.ts"

/** None, one, or several. */
type Handlers = Layer.Layer<never> | Layer.Layer<any>

const connect = (server: scripted.Scripted, options?: McpClient.Options, handlers: Handlers = Layer.empty) =>
  Effect.provide(McpClient.make(options), Layer.merge(server.layer, handlers as Layer.Layer<never>))

const text = (text: string) => ({ content: [{ type: "text", text }] })

const reasonOf = <A, E>(call: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(call), (error) => (error as unknown as McpClient.CallError).reason)

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

const initialized = (protocolVersion: string, capabilities: object = { tools: {} }) => ({
  protocolVersion,
  capabilities,
  serverInfo: { name: "scripted", version: "1" }
})

const nobody = TransportError.make(new TransportError.Unreachable({ address: "x", message: "refused" }))

describe("a client finds its way back", () => {
  it.effect("where the connection ends while a session begins again", () =>
    Effect.gen(function*() {
      let sessions = 0
      const server = scripted.make({
        hears: scripted.stateful({
          initialize: ({ id }, wire) => {
            sessions++
            if (sessions === 2) wire.close()
            else wire.result(id, initialized("2025-11-25"))
          },
          "tools/call": ({ id }, wire) =>
            sessions === 1 ? wire.fail(id, new TransportError.SessionEnded()) : wire.result(id, text("ok"))
        })!
      })
      const client = yield* connect(server)
      const first = yield* start(client.callTool("a"))
      const second = yield* start(client.callTool("b"))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      assert.strictEqual(sessions, 3)
    }))

  it.effect("to a server that ends at the first question and speaks no more than the oldest revision", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateful({
          "server/discover": (_, wire) => wire.close(),
          initialize: ({ id }, wire) => wire.result(id, initialized("2024-11-05"))
        })!
      })
      assert.strictEqual((yield* connect(server)).server().revision, "2024-11-05")
    }))

  it.effect("in the era that it has settled on, where the server is lost before it has answered again", () =>
    Effect.gen(function*() {
      let asked = 0
      const server = scripted.make({
        hears: (message, wire) => {
          if (message._tag !== "Request") return
          if (message.method === "server/discover" && ++asked === 2) return wire.close()
          const hears = message.method === "initialize" ? scripted.stateful() : scripted.stateless()
          hears!(message, wire)
        }
      })
      const client = yield* connect(server)
      server.wire().close()
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(client.server().revision, "2026-07-28")
      assert.strictEqual(asked, 3)
    }))

  it.effect("to a server that was there and said nothing for a while", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: (message, wire) => {
          if (server.wires.length !== 2) scripted.stateless()!(message, wire)
        }
      })
      const client = yield* connect(server, { connectTimeout: "10 seconds" })
      server.wire().close()
      yield* TestClock.adjust("20 seconds")
      yield* client.ping()
      assert.lengthOf(server.wires, 3)
    }))

  it.effect("where the transport cannot close the connection that was lost", () =>
    Effect.gen(function*() {
      let closings = 0
      const server = scripted.make({
        hears: scripted.stateless()!,
        closing: Effect.suspend(() => ++closings === 1 ? Effect.die("cannot close") : Effect.void)
      })
      const client = yield* connect(server)
      server.wire().close()
      const pinging = yield* start(client.ping())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(pinging)
    }))

  it.effect("to a server without connections by the whole schedule", () =>
    Effect.gen(function*() {
      let tries = 0
      const server = scripted.make({
        kind: "http",
        hears: scripted.stateless({
          "tools/call": ({ id }, wire) => ++tries < 8 ? wire.fail(id, nobody.reason) : wire.result(id, text("ok"))
        })!
      })
      const client = yield* connect(server)
      const calling = yield* start(client.callTool("x"))
      yield* TestClock.adjust("59 seconds")
      yield* Fiber.join(calling)
      assert.strictEqual(tries, 8)
    }))
})

describe("a server that does not agree with itself", () => {
  it.effect("on its era is asked a few times, and given up", () =>
    Effect.gen(function*() {
      let asked = 0
      const server = scripted.make({
        hears: scripted.stateful({
          "server/discover": ({ id }, wire) => {
            if (++asked > 50) return
            wire.result(id, { supportedVersions: ["2025-11-25"], capabilities: {} })
          },
          initialize: ({ id }, wire) =>
            wire.error(id, -32022, "No", { supported: ["2026-07-28"], requested: "2025-11-25" })
        })!
      })
      const connecting = yield* start(Effect.exit(connect(server)))
      yield* TestClock.adjust("30 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(connecting)))
      assert.isAtMost(asked, 3)
    }))

  it.effect("on logging can be connected to", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateful({}, { logging: {} })! })
      yield* connect(server, {}, ClientHandlers.log({ level: "info", receive: () => Effect.void }))
      assert.strictEqual(scripted.methods(server.wire()).at(-1), "logging/setLevel")
    }))
})

describe("a call's time", () => {
  it.effect("is no longer than the client's longest", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateless({ "tools/call": scripted.silent })! })
      const client = yield* connect(server, { maxRequestTimeout: "10 seconds" })
      const calling = yield* start(reasonOf(client.callTool("x")))
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* Fiber.join(calling), { _tag: "Timeout", after: 10_000 })
    }))

  it.effect("goes by while nothing can be sent", () =>
    Effect.gen(function*() {
      let isCongested = false
      const server = scripted.make({
        hears: scripted.stateless()!,
        congested: () => isCongested,
        drained: Effect.never
      })
      const client = yield* connect(server)
      isCongested = true
      const calling = yield* start(reasonOf(client.callTool("x")))
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* Fiber.join(calling), { _tag: "Timeout", method: "tools/call", after: 60_000 })
    }))

  it.effect("is one for all attempts, and for what is waited for between them", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateless({ "tools/call": scripted.silent })! })
      const client = yield* connect(server, { reconnect: Schedule.spaced("2 seconds") })
      const calling = yield* start(reasonOf(client.callTool("x", {}, { timeout: "10 seconds", idempotent: true })))
      for (let lost = 0; lost < 2; lost++) {
        yield* TestClock.adjust("4 seconds")
        server.wire().close()
      }
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(calling.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(calling), { _tag: "Timeout", after: 10_000 })
    }))

  it.effect("is one for the wait for a connection and for the answer", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateless({ "tools/call": scripted.silent })! })
      const client = yield* connect(server, { reconnect: Schedule.spaced("6 seconds") })
      server.wire().close()
      const calling = yield* start(reasonOf(client.callTool("x", {}, { timeout: "10 seconds" })))
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* Fiber.join(calling), { _tag: "Timeout", after: 10_000 })
      assert.deepInclude(server.wire().sent.at(-1), { method: "notifications/cancelled" })
    }))
})

describe("what a program gets wrong", () => {
  it.effect("in a handler that throws is an error to the server, and no more", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateful()! })
      const thrown = () => {
        throw new Error("secret")
      }
      const client = yield* connect(
        server,
        {},
        Layer.mergeAll(
          ClientHandlers.raw({ request: thrown, notification: thrown }),
          ClientHandlers.log({ level: "info", receive: thrown })
        )
      )
      const wire = server.wire()
      wire.say({ jsonrpc: "2.0", id: "q", method: "acme/ask" })
      wire.say({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "x" } })
      yield* TestClock.adjust("1 millis")
      const answer = wire.sent.at(-1) as unknown as { id: string; error: { code: number } }
      assert.deepInclude(answer, { id: "q" })
      assert.strictEqual(answer.error.code, -32603)
      assert.notInclude(JSON.stringify(answer), "secret")
      assert.isDefined(client)
    }))

  it.effect("in arguments that are no JSON is a defect of the call, and the server hears nothing of it", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateless()! })
      const client = yield* connect(server)
      assert.isTrue(Exit.hasDies(yield* Effect.exit(client.callTool("x", { n: 1n }))))
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(scripted.methods(server.wire()), ["server/discover"])
    }))

  it.effect("in a handler of no questions declares none", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateful()! })
      yield* connect(server, {}, ClientHandlers.elicitation({}))
      assert.deepStrictEqual(scripted.last(server.wire(), "initialize").params!.capabilities, {})
    }))
})

describe("once a client has closed", () => {
  it.effect("nothing is sent any more, not even where it was connecting again and that takes its time to end", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: (message, wire) => {
          if (server.wires.length === 1) scripted.stateful()!(message, wire)
        },
        closing: Effect.sleep("5 seconds")
      })
      const scope = yield* Scope.make()
      const client = yield* Scope.provide(connect(server), scope)
      const seen = yield* start(Stream.runCollect(client.status))
      server.wire().close()
      yield* TestClock.adjust("6 seconds")
      assert.lengthOf(server.wires, 2)
      const closing = yield* start(Scope.close(scope, Exit.void))
      const wire = server.wire()
      const count = wire.sent.length
      scripted.stateful()!(scripted.last(wire, "server/discover"), wire)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closing)
      assert.lengthOf(wire.sent, count)
      assert.strictEqual((yield* Fiber.join(seen)).at(-1)!._tag, "Closed")
    }))

  it.effect("a connection that was being closed is closed whole", () =>
    Effect.gen(function*() {
      let wasClosed = false
      const closed = Effect.sync(() => {
        wasClosed = true
      })
      const server = scripted.make({
        hears: scripted.stateful()!,
        closing: Effect.andThen(Effect.sleep("5 seconds"), closed)
      })
      const scope = yield* Scope.make()
      yield* Scope.provide(connect(server), scope)
      server.wire().close()
      yield* TestClock.adjust("1 second")
      const closing = yield* start(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(closing)
      assert.isTrue(wasClosed)
    }))

  it.effect("a watched resource is given up within a second, though the server says nothing", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateful({
          "resources/subscribe": ({ id }, wire) => wire.result(id, {}),
          "resources/unsubscribe": scripted.silent
        })!
      })
      const client = yield* connect(server)
      const watching = yield* start(Stream.runDrain(client.changes({ uris: ["a"] })))
      yield* TestClock.adjust("1 millis")
      const ending = yield* start(Fiber.interrupt(watching))
      yield* TestClock.adjust("1 second")
      assert.isDefined(ending.pollUnsafe())
    }))
})

describe("what was asked for holds", () => {
  it.effect("as an extension beside those that a raw handler declares", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateful()! })
      yield* connect(
        server,
        { extensions: [Extension.make({ id: "com.example/a" })] },
        ClientHandlers.raw({ capabilities: { roots: {}, extensions: { "com.example/b": {} } } })
      )
      assert.deepStrictEqual(scripted.last(server.wire(), "initialize").params!.capabilities, {
        roots: {},
        extensions: { "com.example/a": {}, "com.example/b": {} }
      })
    }))

  it.effect("as a log level on the next connection, too", () =>
    Effect.gen(function*() {
      const levels: Array<unknown> = []
      const server = scripted.make({
        hears: scripted.stateful({
          "logging/setLevel": ({ id, params }, wire) => {
            levels.push(params!.level)
            wire.result(id, {})
          }
        }, { logging: {} })!
      })
      const client = yield* connect(server, {}, ClientHandlers.log({ level: "info", receive: () => Effect.void }))
      yield* client.setLogLevel("debug")
      server.wire().close()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(levels, ["info", "debug", "debug"])
    }))

  it.effect("as progress where the program's own meta brings a token", () =>
    Effect.gen(function*() {
      const heard: Array<number> = []
      const server = scripted.make({
        hears: scripted.stateless({
          "tools/call": ({ id, params }, wire) => {
            const { progressToken } = params!._meta as { progressToken: number }
            wire.say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress: 1 } })
            wire.result(id, text("ok"))
          }
        })!
      })
      const client = yield* connect(server)
      yield* client.callTool("x", {}, {
        meta: { progressToken: "another's" },
        onProgress: ({ progress }) => heard.push(progress)
      })
      assert.deepStrictEqual(heard, [1])
    }))

  it.effect("as a list, whose first page was kept longer than the server knows its cursor", () =>
    Effect.gen(function*() {
      let cursor = "a"
      const server = scripted.make({
        hears: scripted.stateless({
          "tools/list": ({ id, params }, wire) => {
            const hints = { cacheScope: "private" }
            if (params!.cursor === undefined) {
              return wire.result(id, { tools: [], nextCursor: cursor, ttlMs: 60_000, ...hints })
            }
            if (params!.cursor !== cursor) return wire.error(id, -32602, "Unknown cursor")
            wire.result(id, { tools: [], ttlMs: 0, ...hints })
          }
        })!
      })
      const client = yield* connect(server)
      yield* client.listTools()
      cursor = "b"
      yield* client.listTools()
    }))
})

describe("what is kept", () => {
  const reading = (answers: Parameters<typeof scripted.stateless>[0]) =>
    scripted.make({ origin: "https://a.example", hears: scripted.stateless(answers, { resources: {} })! })

  it.effect("is never what came of the user's answers", () =>
    Effect.gen(function*() {
      let reads = 0
      const server = reading({
        "resources/read": ({ id, params }, wire) => {
          if (params!.inputResponses === undefined) {
            reads++
            return wire.result(id, { resultType: "input_required", inputRequests: { q: { method: "roots/list" } } })
          }
          wire.result(id, { contents: [], ttlMs: 60_000, cacheScope: "public" })
        }
      })
      const client = yield* connect(server, {}, ClientHandlers.roots([{ uri: "file:///mine" }]))
      yield* client.readResource("a")
      yield* client.readResource("a")
      assert.strictEqual(reads, 2)
    }))

  it.effect("is not older than what came last, though that may not be kept, or is for others, too", () =>
    Effect.gen(function*() {
      const hints = [{ ttlMs: 60_000, cacheScope: "private" }, { ttlMs: 60_000, cacheScope: "public" }, { ttlMs: 0 }]
      let reads = 0
      const server = reading({
        "resources/read": ({ id }, wire) => wire.result(id, { contents: [], read: ++reads, ...hints[reads - 1] })
      })
      const client = yield* connect(server)
      yield* client.readResource("a")
      yield* client.readResource("a", { refresh: true })
      assert.deepInclude(yield* client.readResource("a"), { read: 2 } as never)
      yield* client.readResource("a", { refresh: true })
      assert.deepInclude(yield* client.readResource("a"), { read: 4 } as never)
    }))
})

describe("changes", () => {
  it.effect("of a server that ends their stream at once are asked for less and less often", () =>
    Effect.gen(function*() {
      let asked = 0
      const server = scripted.make({
        hears: scripted.stateless({
          "subscriptions/listen": ({ id }, wire) => {
            asked++
            const _meta = { "io.modelcontextprotocol/subscriptionId": id }
            const params = { notifications: {}, _meta }
            wire.say({ jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged", params })
            wire.result(id, {})
          }
        })!
      })
      const client = yield* connect(server)
      yield* Effect.forkScoped(Stream.runDrain(client.changes()), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.isAtMost(asked, 15)
    }))

  it.effect("go on where the connection is lost again and again while a resource is subscribed to", () =>
    Effect.gen(function*() {
      let subscribed = 0
      const server = scripted.make({
        hears: scripted.stateful({
          "resources/subscribe": ({ id }, wire) => {
            subscribed++
            if (subscribed === 1 || subscribed > 8) wire.result(id, {})
            else wire.close()
          }
        })!
      })
      const client = yield* connect(server, { reconnect: Schedule.spaced("1 second") })
      const seen: Array<McpClient.Change> = []
      yield* Effect.forkScoped(
        Stream.runForEach(client.changes({ uris: ["a"] }), (change) => Effect.sync(() => seen.push(change))),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 millis")
      server.wire().close()
      yield* TestClock.adjust("20 seconds")
      server.wire().say({ jsonrpc: "2.0", method: "notifications/resources/updated", params: { uri: "a" } })
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(seen.at(-1), { _tag: "ResourceUpdated", uri: "a" })
    }))
})

describe("a question within a result", () => {
  it.effect("is answered by an extension that knows its method", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateless({
          "tools/call": ({ id, params }, wire) =>
            params!.inputResponses === undefined
              ? wire.result(id, {
                resultType: "input_required",
                inputRequests: { q: { method: "acme/ask", params: { n: 1 } } }
              })
              : wire.result(id, text(JSON.stringify(params!.inputResponses)))
        })!
      })
      const extension = Extension.make({
        id: "com.example/ask",
        requests: {
          "acme/ask": { params: Schema.Struct({ n: Schema.Int }), handle: ({ n }) => Effect.succeed({ n: n + 1 }) }
        }
      })
      const client = yield* connect(server, { extensions: [extension] })
      assert.deepInclude(yield* client.callTool("x"), text("{\"q\":{\"n\":2}}") as never)
    }))

  it.effect("among very many waits for its turn", () =>
    Effect.gen(function*() {
      let now = 0
      let most = 0
      const inputRequests = Object.fromEntries(
        Array.from({ length: 1000 }, (_, i) => [`q${i}`, { method: "roots/list" }])
      )
      const server = scripted.make({
        hears: scripted.stateless({
          "tools/call": ({ id, params }, wire) =>
            params!.inputResponses === undefined
              ? wire.result(id, { resultType: "input_required", inputRequests })
              : wire.result(id, text("ok"))
        })!
      })
      const client = yield* connect(
        server,
        {},
        ClientHandlers.roots({
          list: Effect.gen(function*() {
            most = Math.max(most, ++now)
            yield* Effect.sleep("1 second")
            now--
            return []
          })
        })
      )
      const calling = yield* start(client.callTool("x"))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(calling)
      assert.isAtMost(most, 100)
    }))
})

describe("a flood", () => {
  it.effect("of questions from a server that reads no answers fills no memory", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateful()!, congested: () => isCongested, drained: Effect.never })
      let isCongested = false
      yield* connect(server)
      isCongested = true
      for (let id = 0; id < 10_000; id++) server.wire().say({ jsonrpc: "2.0", id, method: "ping" })
      yield* TestClock.adjust("1 millis")
      assert.isAtMost(server.wire().sent.length, 200)
    }))

  it.effect("of progress that nobody reads in time ends with the result", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateless({
          "tools/call": ({ id, params }, wire) => {
            const { progressToken } = params!._meta as { progressToken: number }
            for (let progress = 1; progress <= 5000; progress++) {
              wire.say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress } })
            }
            wire.result(id, text("ok"))
          }
        })!
      })
      const client = yield* connect(server)
      const events = yield* Stream.runCollect(client.callToolStream("x"))
      assert.isAtMost(events.length, 1024)
      assert.strictEqual(events.at(-1)!._tag, "Result")
    }))
})

describe("a method", () => {
  it.effect("by the name of what every object has is one like any other", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: (message, wire) => {
          if (message._tag !== "Request") return
          if (message.method === "toString") wire.result(message.id, { passes: true })
          else scripted.stateless()!(message, wire)
        }
      })
      const client = yield* connect(server)
      assert.deepInclude(yield* client.request("toString"), { passes: true })
    }))
})
