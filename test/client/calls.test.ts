import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Outcome from "fastmcp-effect/core/Outcome"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as WireOutcome from "fastmcp-effect/protocol/WireOutcome"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as scripted from "./scripted.ts"

const eras = { "2026-07-28": scripted.stateless, "2025-11-25": scripted.stateful }

const connect = (server: scripted.Scripted, options?: McpClient.Options) =>
  Effect.provide(McpClient.make(options), server.layer)

const text = (text: string) => ({ content: [{ type: "text", text }] })

/** The reason of the client's error. */
const reasonOf = <A, E>(call: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(call), (error) => {
    const { _tag, reason } = error as unknown as McpClient.CallError
    assert.strictEqual(_tag, "McpClientError")
    return reason
  })

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

for (const [revision, era] of Object.entries(eras)) {
  describe(`a call, ${revision},`, () => {
    it.effect("to a server that stays silent ends at its time, and the server is told", () =>
      Effect.gen(function*() {
        const server = scripted.make({ hears: era({ "tools/call": scripted.silent })! })
        const client = yield* connect(server)
        const calling = yield* start(reasonOf(client.callTool("slow")))
        yield* TestClock.adjust("59999 millis")
        assert.isUndefined(calling.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        const reason = yield* Fiber.join(calling)
        assert.deepInclude(reason, { _tag: "Timeout", method: "tools/call", after: 60_000 })
        const wire = server.wire()
        assert.deepInclude(wire.sent.at(-1), { method: "notifications/cancelled" })
        assert.strictEqual(
          (wire.sent.at(-1) as unknown as { params: { requestId: number } }).params.requestId,
          scripted.last(wire, "tools/call").id
        )
        // What comes late is nobody's.
        wire.result(scripted.last(wire, "tools/call").id, text("late"))
      }))

    it.effect("may take longer while the server makes progress, and not for ever", () =>
      Effect.gen(function*() {
        const server = scripted.make({ hears: era({ "tools/call": scripted.silent })! })
        const client = yield* connect(server)
        const heard: Array<ClientHandlers.ProgressMessage> = []
        const calling = yield* start(reasonOf(client.callTool("slow", {}, {
          timeout: "10 seconds",
          maxTimeout: "25 seconds",
          onProgress: (progress) => heard.push(progress)
        })))
        const wire = server.wire()
        const { _meta } = scripted.last(wire, "tools/call").params as { _meta: { progressToken: number } }
        const progress = (progress: number) =>
          wire.say({
            jsonrpc: "2.0",
            method: "notifications/progress",
            params: { progressToken: _meta.progressToken, progress, message: `step ${progress}` }
          })
        yield* TestClock.adjust("9 seconds")
        progress(1)
        yield* TestClock.adjust("9 seconds")
        progress(2)
        yield* TestClock.adjust("6999 millis")
        assert.isUndefined(calling.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepInclude(yield* Fiber.join(calling), { _tag: "Timeout", after: 25_000 })
        assert.deepStrictEqual(heard, [1, 2].map((progress) => ({ progress, message: `step ${progress}` })))
      }))

    it.effect("that is interrupted reaches the server", () =>
      Effect.gen(function*() {
        const server = scripted.make({ hears: era({ "tools/call": scripted.silent })! })
        const client = yield* connect(server)
        const calling = yield* start(client.callTool("slow"))
        yield* Fiber.interrupt(calling)
        assert.strictEqual(scripted.methods(server.wire()).at(-1), "notifications/cancelled")
      }))

    it.effect("has one answer: a second, and one for a request nobody made, are nobody's", () =>
      Effect.gen(function*() {
        const server = scripted.make({
          hears: era({
            "tools/call": ({ id }, wire) => {
              wire.result("nobody", text("wrong"))
              wire.result(String(id), text("wrong kind of id"))
              wire.result(id, text("right"))
              wire.result(id, text("again"))
            }
          })!
        })
        const client = yield* connect(server)
        for (let count = 0; count < 3; count++) {
          assert.deepStrictEqual((yield* client.callTool("x")).content, [{ type: "text", text: "right" }])
        }
      }))

    const broken: { readonly [name: string]: object } = {
      "lacks what it must have": {},
      "has a member of the wrong type": { content: "text" },
      "has content of a kind that is unknown": { content: [{ type: "smell", data: "roses" }] },
      "is of a type nobody knows": { resultType: "surprise", content: [] }
    }
    for (const [name, result] of Object.entries(broken)) {
      it.effect(`is an InvalidResponse where its result ${name}`, () =>
        Effect.gen(function*() {
          const server = scripted.make({ hears: era({ "tools/call": ({ id }, wire) => wire.result(id, result) })! })
          const client = yield* connect(server)
          assert.strictEqual((yield* reasonOf(client.callTool("x")))._tag, "InvalidResponse")
        }))
    }

    it.effect("is an InvalidResponse where its answer is no message", () =>
      Effect.gen(function*() {
        const server = scripted.make({
          hears: era({ "tools/call": ({ id }, wire) => wire.say({ jsonrpc: "2.0", id, result: 1 }) })!
        })
        const client = yield* connect(server)
        assert.strictEqual((yield* reasonOf(client.callTool("x")))._tag, "InvalidResponse")
      }))

    it.effect("gets its result with every member the server put there", () =>
      Effect.gen(function*() {
        const result = { ...text("x"), unknown: { to: ["us"] } }
        const server = scripted.make({ hears: era({ "tools/call": ({ id }, wire) => wire.result(id, result) })! })
        const client = yield* connect(server)
        assert.deepInclude(yield* client.request("tools/call", { name: "x" }), result)
        assert.deepInclude(yield* client.callTool("x"), result as never)
      }))

    it.effect("ends as the server's own work did", () =>
      Effect.gen(function*() {
        const server = scripted.make({
          hears: era({
            "tools/call": ({ id }, wire) =>
              wire.error(id, 408, "Too late", WireOutcome.encode({ _tag: "Cancelled", reason: "Deadline" }))
          })!
        })
        const client = yield* connect(server)
        assert.deepStrictEqual(
          Outcome.fromExit(yield* Effect.exit(client.callTool("x"))),
          Outcome.cancelled("Deadline")
        )
      }))

    it.effect("whose connection is lost is not made again: nobody knows what the server did", () =>
      Effect.gen(function*() {
        let calls = 0
        const server = scripted.make({
          hears: era({
            "tools/call": (_, wire) => {
              calls++
              wire.close()
            }
          })!
        })
        const client = yield* connect(server)
        const calling = yield* start(reasonOf(client.callTool("pay")))
        yield* TestClock.adjust("1 second")
        assert.deepInclude(yield* Fiber.join(calling), { _tag: "OutcomeUnknown", method: "tools/call" })
        assert.strictEqual(calls, 1)
        assert.lengthOf(server.wires, 2)
      }))

    it.effect("is made again where the caller, or the tool, says that it does no harm; so is what only reads", () =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const once = (name: string, wire: scripted.Wire, answer: () => void) => {
          calls.push(name)
          if (calls.filter((call) => call === name).length === 1) wire.close()
          else answer()
        }
        const server = scripted.make({
          hears: era({
            "tools/list": ({ id }, wire) =>
              wire.result(id, {
                tools: [{ name: "look", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }]
              }),
            "tools/call": ({ id, params }, wire) => once(String(params!.name), wire, () => wire.result(id, text("ok"))),
            "prompts/get": ({ id }, wire) => once("prompt", wire, () => wire.result(id, { messages: [] }))
          })!
        })
        const client = yield* connect(server)
        yield* client.listTools()
        for (
          const call of [
            client.callTool("look"),
            client.callTool("pay", {}, { idempotent: true }),
            client.getPrompt("p")
          ] as ReadonlyArray<Effect.Effect<unknown, McpClient.CallError>>
        ) {
          const calling = yield* start(call)
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(calling)
        }
        assert.deepStrictEqual(calls, ["look", "look", "pay", "pay", "prompt", "prompt"])
      }))

    it.effect("waits for the next connection, and for it no longer than for an answer", () =>
      Effect.gen(function*() {
        const gone = TransportError.make(new TransportError.Unreachable({ address: "x", message: "refused" }))
        const server = scripted.make({
          connecting: (count) => count === 1 ? Effect.void : Effect.fail(gone),
          hears: era({ "tools/call": ({ id }, wire) => wire.result(id, text("ok")) })!
        })
        const client = yield* connect(server, { reconnect: Schedule.spaced("1 minute") })
        server.wire().close()
        const calling = yield* start(reasonOf(client.callTool("x", {}, { timeout: "5 seconds" })))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* Fiber.join(calling))._tag, "Timeout")
      }))

    it.effect("fails at once when the client has given up", () =>
      Effect.gen(function*() {
        const server = scripted.make({ hears: era()! })
        const client = yield* connect(server, { reconnect: false })
        server.wire().close()
        yield* Effect.yieldNow
        assert.strictEqual((yield* reasonOf(client.callTool("x")))._tag, "Transport")
      }))

    it.effect("fails once the client's scope has closed, and in flight it ends with it", () =>
      Effect.gen(function*() {
        const server = scripted.make({ hears: era({ "tools/call": scripted.silent })! })
        const [client, calling] = yield* Effect.scoped(Effect.gen(function*() {
          const client = yield* connect(server)
          return [client, yield* start(reasonOf(client.callTool("x")))] as const
        }))
        assert.strictEqual((yield* Fiber.join(calling))._tag, "Closed")
        assert.strictEqual((yield* reasonOf(client.callTool("x")))._tag, "Closed")
      }))

    it.effect("shows its progress as a stream, and last its result", () =>
      Effect.gen(function*() {
        const server = scripted.make({
          hears: era({
            "tools/call": ({ id, params }, wire) => {
              const { progressToken } = params!._meta as { progressToken: number }
              for (const progress of [1, 2]) {
                wire.say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress } })
              }
              wire.result(id, text("ok"))
            }
          })!
        })
        const client = yield* connect(server)
        const events = yield* Stream.runCollect(client.callToolStream("x"))
        assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Progress", "Progress", "Result"])
      }))
  })

  describe(`a list, ${revision},`, () => {
    const pages = (next: (cursor: string | undefined) => string | undefined) =>
      era({
        "tools/list": ({ id, params }, wire) => {
          const cursor = params?.cursor as string | undefined
          const nextCursor = next(cursor)
          wire.result(id, {
            tools: [{ name: `after ${cursor}`, inputSchema: { type: "object" } }],
            ...(nextCursor === undefined ? undefined : { nextCursor })
          })
        }
      })!

    it.effect("is read page after page; an empty cursor is one", () =>
      Effect.gen(function*() {
        const server = scripted.make({
          hears: pages((cursor) => cursor === undefined ? "" : cursor === "" ? "b" : undefined)
        })
        const client = yield* connect(server)
        assert.deepStrictEqual((yield* client.listTools()).map(({ name }) => name), [
          "after undefined",
          "after ",
          "after b"
        ])
      }))

    it.effect("that turns in a circle, or does not end, is an EndlessList", () =>
      Effect.gen(function*() {
        const circle = yield* connect(scripted.make({ hears: pages((cursor) => cursor === "a" ? "b" : "a") }))
        assert.strictEqual((yield* reasonOf(circle.listTools()))._tag, "EndlessList")
        let count = 0
        const endless = yield* connect(scripted.make({ hears: pages(() => String(++count)) }), { maxPages: 20 })
        assert.strictEqual((yield* reasonOf(endless.listTools()))._tag, "EndlessList")
        assert.strictEqual(count, 20)
      }))

    it.effect("of what the server does not claim to have is empty, and an error where it does", () =>
      Effect.gen(function*() {
        const none = yield* connect(scripted.make({ hears: era({}, {})! }))
        assert.deepStrictEqual([yield* none.listTools(), yield* none.listPrompts(), yield* none.listResources()], [
          [],
          [],
          []
        ])
        const liar = yield* connect(scripted.make({ hears: era()! }))
        assert.strictEqual((yield* Effect.flip(liar.listTools()))._tag, "McpError")
      }))
  })
}

describe("a session that the server has ended", () => {
  it.effect("begins again on its own, once for all who wait, and what was sent in it is sent again", () =>
    Effect.gen(function*() {
      let sessions = 0
      const refused: Array<string | number> = []
      const server = scripted.make({
        kind: "http",
        hears: scripted.stateful({
          initialize: ({ id }, wire) => {
            sessions++
            wire.result(id, {
              protocolVersion: "2025-11-25",
              capabilities: {},
              serverInfo: { name: "x", version: "1" }
            })
          },
          "tools/call": ({ id }, wire) => {
            if (sessions > 1) return wire.result(id, text("ok"))
            if (refused.push(id) < 3) return
            for (const each of refused) wire.fail(each, new TransportError.SessionEnded())
          }
        })!
      })
      const client = yield* connect(server)
      yield* Effect.all([client.callTool("a"), client.callTool("b"), client.callTool("c")], { concurrency: 3 })
      assert.deepStrictEqual([sessions, refused.length], [2, 3])
    }))
})

describe("over HTTP in 2026-07-28", () => {
  const region = {
    name: "query",
    inputSchema: {
      type: "object",
      properties: {
        region: { type: "string", "x-mcp-header": "Region" },
        limit: { type: "integer", "x-mcp-header": "Limit" }
      }
    }
  }
  const http = (answers: Parameters<typeof scripted.stateless>[0]) =>
    scripted.make({ kind: "http", hears: scripted.stateless(answers)! })

  it.effect("a request says for whom it is made, and what is in its _meta besides, each member once", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateless({ "tools/call": ({ id }, wire) => wire.result(id, text("done")) })!
      })
      const client = yield* connect(server, { info: { name: "proxy", version: "1.0.0" } })
      const caller = { info: { name: "far", version: "2.0.0" }, capabilities: { roots: {} } }
      const frameOf = (params: JsonRpc.JsonObject, options: McpClient.RequestOptions) =>
        Effect.map(client.request("tools/call", { name: "x", ...params }, options), () => {
          const { frame } = server.wire().outgoing.at(-1)!
          const { params } = JSON.parse(frame) as { readonly params: { readonly _meta: JsonRpc.JsonObject } }
          assert.strictEqual(frame.split(`"${Meta.protocolVersion}"`).length, 2)
          assert.strictEqual(frame.split(`"${Meta.clientInfo}"`).length, 2)
          return params._meta
        })
      const { [Meta.clientCapabilities]: own, ...plain } = yield* frameOf({}, {})
      assert.deepStrictEqual(plain[Meta.clientInfo], { name: "proxy", version: "1.0.0" })
      const far = {
        [Meta.protocolVersion]: "2026-07-28",
        [Meta.clientInfo]: caller.info,
        [Meta.clientCapabilities]: { ...own as JsonRpc.JsonObject, roots: {} }
      }
      assert.deepStrictEqual(yield* frameOf({}, { caller }), far)
      assert.deepStrictEqual(yield* frameOf({}, { caller, meta: { tag: "a" } }), { ...far, tag: "a" })
      assert.deepStrictEqual(yield* frameOf({ _meta: { kept: 1 } }, { caller, meta: { tag: "a" } }), {
        ...far,
        kept: 1,
        tag: "a"
      })
      const info = { name: "third", version: "3.0.0" }
      assert.deepStrictEqual(yield* frameOf({}, { caller, meta: { [Meta.clientInfo]: info } }), {
        ...far,
        [Meta.clientInfo]: info
      })
      assert.deepStrictEqual(yield* frameOf({}, {}), { ...plain, [Meta.clientCapabilities]: own })
    }))

  it.effect("a request says in headers what it is about, as plain as they allow", () =>
    Effect.gen(function*() {
      const server = http({
        "tools/list": ({ id }, wire) => wire.result(id, { tools: [region] }),
        "tools/call": ({ id }, wire) => wire.result(id, text("ok")),
        "resources/read": ({ id }, wire) => wire.result(id, { contents: [] })
      })
      const client = yield* connect(server)
      yield* client.listTools()
      yield* client.callTool("query", { region: "süd", limit: 3 })
      yield* client.readResource("file:///a b")
      const [call, read] = server.wire().outgoing.slice(-2)
      assert.deepStrictEqual(call!.headers, {
        "mcp-method": "tools/call",
        "mcp-name": "query",
        "mcp-param-region": "=?base64?c8O8ZA==?=",
        "mcp-param-limit": "3"
      })
      assert.deepStrictEqual(read!.headers, { "mcp-method": "resources/read", "mcp-name": "file:///a b" })
    }))

  it.effect("a server that misses a header has its tools looked at, and the call is made again, once", () =>
    Effect.gen(function*() {
      let lists = 0
      const server = http({
        "tools/list": ({ id }, wire) => {
          lists++
          wire.result(id, { tools: [region] })
        },
        "tools/call": ({ id, params }, wire) =>
          wire.outgoing.at(-1)!.headers!["mcp-param-region"] === (params!.arguments as { region: string }).region
            ? wire.result(id, text("ok"))
            : wire.error(id, -32020, "Mcp-Param-Region is missing")
      })
      const client = yield* connect(server)
      yield* client.callTool("query", { region: "eu" })
      assert.strictEqual(lists, 1)
      const stubborn = yield* connect(http({
        "tools/list": ({ id }, wire) => wire.result(id, { tools: [region] }),
        "tools/call": ({ id }, wire) => wire.error(id, -32020, "no")
      }))
      const error = yield* Effect.flip(stubborn.callTool("query", { region: "eu" }))
      assert.strictEqual(error.reason._tag, "HeaderMismatch")
    }))

  it.effect("tools that cannot be called are left out of the list", () =>
    Effect.gen(function*() {
      const bad = (type: string, header: string) => ({
        name: `${type} ${header}`,
        inputSchema: { type: "object", properties: { x: { type, "x-mcp-header": header } } }
      })
      const server = http({
        "tools/list": ({ id }, wire) =>
          wire.result(id, { tools: [bad("number", "A"), bad("string", "a b"), bad("string", ""), region] })
      })
      const client = yield* connect(server)
      assert.deepStrictEqual((yield* client.listTools()).map(({ name }) => name), ["query"])
    }))

  it.effect("an interrupted call closes its stream, and says nothing", () =>
    Effect.gen(function*() {
      const server = http({ "tools/call": scripted.silent })
      const client = yield* connect(server)
      const calling = yield* start(client.callTool("slow"))
      yield* Fiber.interrupt(calling)
      assert.deepStrictEqual(server.wire().forgotten, [scripted.last(server.wire(), "tools/call").id])
      assert.strictEqual(scripted.methods(server.wire()).at(-1), "tools/call")
    }))

  it.effect("a server that cannot be reached is tried again by the schedule", () =>
    Effect.gen(function*() {
      let tries = 0
      const server = http({
        "tools/call": ({ id }, wire) =>
          ++tries < 3
            ? wire.fail(id, new TransportError.Unreachable({ address: "x", message: "refused" }))
            : wire.result(id, text("ok"))
      })
      const client = yield* connect(server)
      const calling = yield* start(client.callTool("x"))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(calling)
      const never = yield* connect(
        http({
          "tools/call": ({ id }, wire) =>
            wire.fail(id, new TransportError.Unreachable({ address: "x", message: "refused" }))
        }),
        { reconnect: false }
      )
      assert.strictEqual((yield* reasonOf(never.callTool("x")))._tag, "Transport")
    }))
})

/** A pair, in the words of either dialect. */
const positional = (items: "items" | "prefixItems") => ({
  type: "object",
  properties: { n: { type: "array", [items]: [{ type: "string" }, { type: "integer" }] } }
})

/** A client that has listed the tool `count` with this output schema. */
const counting = (outputSchema: object) =>
  Effect.gen(function*() {
    let structuredContent: unknown
    const server = scripted.make({
      hears: scripted.stateless({
        "tools/list": ({ id }, wire) =>
          wire.result(id, { tools: [{ name: "count", inputSchema: { type: "object" }, outputSchema }] }),
        "tools/call": ({ id }, wire) => wire.result(id, { content: [], structuredContent })
      })!
    })
    const client = yield* connect(server)
    yield* client.listTools()
    return {
      call: client.callTool("count"),
      say: (content: unknown) => {
        structuredContent = content
      }
    }
  })

describe("a log level", () => {
  it.effect("is set up to 2025-11-25; later each request says its own, and the caller is told so", () =>
    Effect.gen(function*() {
      const old = yield* connect(scripted.make({
        hears: scripted.stateful({ "logging/setLevel": ({ id }, wire) => wire.result(id, {}) })!
      }))
      yield* old.setLogLevel("info")
      const server = scripted.make({ hears: scripted.stateless()! })
      const client = yield* connect(server)
      assert.strictEqual((yield* reasonOf(client.setLogLevel("info")))._tag, "NotSupported")
      assert.deepStrictEqual(scripted.methods(server.wire()), ["server/discover"])
    }))
})

describe("structured content", () => {
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] }
  const tool = { name: "count", inputSchema: { type: "object" }, outputSchema: schema }

  it.effect("that does not fit what the tool was listed with is an InvalidResponse", () =>
    Effect.gen(function*() {
      let structuredContent: unknown = { n: "one" }
      const server = scripted.make({
        hears: scripted.stateless({
          "tools/list": ({ id }, wire) => wire.result(id, { tools: [tool] }),
          "tools/call": ({ id }, wire) => wire.result(id, { content: [], structuredContent })
        })!
      })
      const client = yield* connect(server)
      assert.deepInclude(yield* client.callTool("count"), { structuredContent })
      yield* client.listTools()
      assert.strictEqual((yield* reasonOf(client.callTool("count")))._tag, "InvalidResponse")
      structuredContent = { n: 1 }
      assert.deepInclude(yield* client.callTool("count"), { structuredContent })
      const trusting = yield* connect(server, { validate: false })
      yield* trusting.listTools()
      structuredContent = "anything"
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(trusting.callTool("count"))))
    }))

  for (
    const [dialect, schema, fits, doesNotFit] of [
      // What the official servers of the first generation write.
      ["draft-07", { $schema: "http://json-schema.org/draft-07/schema#", ...positional("items") }, ["a", 1], [1, "a"]],
      ["2020-12", { $schema: "https://json-schema.org/draft/2020-12/schema", ...positional("prefixItems") }, ["a", 1], [
        1,
        "a"
      ]]
    ] as const
  ) {
    it.effect(`is checked in ${dialect}, where its schema says so`, () =>
      Effect.gen(function*() {
        const { call, say } = yield* counting(schema)
        say({ n: fits })
        assert.deepStrictEqual((yield* call).structuredContent, { n: fits })
        say({ n: doesNotFit })
        assert.strictEqual((yield* reasonOf(call))._tag, "InvalidResponse")
      }))
  }

  for (
    const [what, schema] of [
      ["in a dialect nobody here reads", { $schema: "https://example.com/dialect", type: "object" }],
      ["that refers to the network", { type: "object", properties: { n: { $ref: "https://example.com/n.json" } } }],
      ["that is none", { type: "object", properties: { n: { type: "number?" } } }]
    ] as const
  ) {
    it.effect(`is not checked by a schema ${what}, and one warning says why`, () =>
      Effect.gen(function*() {
        const warnings: Array<unknown> = []
        const logger = Logger.make(({ message }) => warnings.push(message))
        const { call, say } = yield* counting(schema)
        say({ n: "anything" })
        yield* Effect.andThen(call, call).pipe(Effect.provide(Logger.layer([logger])))
        assert.lengthOf(warnings, 1)
        assert.match(String(warnings[0]), /^What the tool count gives is not checked,.*(example\.com|number\?|type)/u)
      }))
  }
})
