import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as Extension from "fastmcp-effect/client/Extension"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Ask from "fastmcp-effect/context/Ask"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Progress from "fastmcp-effect/context/Progress"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Memory from "fastmcp-effect/transport/Memory"
import * as scripted from "./scripted.ts"

const Trip = { to: Schema.String, nights: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(2))) }

const server = McpServer.layer({
  name: "asker",
  version: "1.0.0",
  tools: [
    Tool.make("form", {
      success: Schema.Unknown,
      handler: () => Elicitation.ask("trip", Trip, { message: "Where to?" })
    }),
    Tool.make("page", {
      success: Schema.String,
      handler: () => Effect.as(Ask.one("pay", Elicitation.url("https://pay.example/1", { message: "Pay" })), "agreed")
    }),
    Tool.make("model", {
      success: Schema.String,
      handler: () => Sampling.ask("joke", "Tell a joke", { maxTokens: 10 })
    }),
    Tool.make("roots", {
      success: Schema.Unknown,
      handler: () => Roots.ask("roots")
    }),
    Tool.make("two", {
      success: Schema.Unknown,
      handler: () =>
        Effect.flatMap(
          Ask.all({ trip: Elicitation.form(Trip, { message: "Where to?" }), roots: Roots.list }),
          ({ roots, trip }) => Effect.map(Sampling.ask("joke", "Tell", { maxTokens: 5 }), (joke) => [roots, trip, joke])
        )
    }),
    Tool.make("can", {
      success: Schema.Unknown,
      handler: () => RequestContext.RequestContext.use(({ client }) => Effect.succeed(client.capabilities))
    }),
    Tool.make("log", {
      handler: () => Effect.andThen(ClientLog.debug("quiet"), ClientLog.error({ loud: true }, { logger: "x" }))
    }),
    Tool.make("steps", {
      handler: () => Effect.forEach([1, 2, 3], (progress) => Progress.report(progress, { total: 3 }), { discard: true })
    })
  ]
})

const revisions = ["2026-07-28", "2025-11-25"] as const

const joke: McpSchema.CreateMessageResult = {
  role: "assistant",
  model: "m",
  content: [{ type: "text", text: "ha" }]
}

const all = Layer.mergeAll(
  ClientHandlers.elicitation({
    form: () => Effect.succeed(ClientHandlers.accept({ to: "Rome" })),
    url: ({ url }) => Effect.succeed(url.endsWith("/1") ? ClientHandlers.accept() : ClientHandlers.decline)
  }),
  ClientHandlers.sampling({ createMessage: () => Effect.succeed(joke) }),
  ClientHandlers.roots([{ uri: "file:///work" }])
)

/** None, one, or several. */
type Handlers = Layer.Layer<never> | Layer.Layer<any>

const connect = (handlers: Handlers, options?: McpClient.Options) =>
  Effect.provide(
    McpClient.make(options),
    Layer.merge(Memory.layer.pipe(Layer.provide(server)), handlers as Layer.Layer<never>)
  )

for (const revision of revisions) {
  describe(`a server's question, ${revision},`, () => {
    const structured = (client: McpClient.Client, name: string) =>
      Effect.map(client.callTool(name), (result) => {
        assert.isUndefined(result.isError, JSON.stringify(result))
        return result.structuredContent
      })

    it.effect("is answered by the handler for it, a form's defaults filled in", () =>
      Effect.gen(function*() {
        const client = yield* connect(all, { revision })
        assert.deepStrictEqual(yield* structured(client, "form"), { to: "Rome", nights: 2 })
        assert.deepInclude(yield* client.callTool("page"), { content: [{ type: "text", text: "agreed" }] })
        assert.deepInclude(yield* client.callTool("model"), { content: [{ type: "text", text: "ha" }] })
        assert.deepInclude(yield* client.callTool("roots"), {
          content: [{ type: "text", text: JSON.stringify([{ uri: "file:///work" }]) }]
        })
        assert.isUndefined((yield* client.callTool("two")).isError)
      }))

    it.effect("can be asked exactly where there is a handler for it", () =>
      Effect.gen(function*() {
        const can = (handlers: Handlers) =>
          Effect.flatMap(connect(handlers, { revision }), (client) => structured(client, "can"))
        assert.deepStrictEqual(yield* can(Layer.empty), {})
        assert.deepStrictEqual(yield* can(all), { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} })
        assert.deepStrictEqual(
          yield* can(Layer.mergeAll(
            ClientHandlers.elicitation({ form: () => Effect.succeed(ClientHandlers.decline) }),
            ClientHandlers.sampling({ createMessage: () => Effect.succeed(joke), tools: true, context: true }),
            ClientHandlers.roots({ list: Effect.succeed([]), changes: Stream.never })
          )),
          {
            elicitation: { form: {} },
            sampling: { tools: {}, context: {} },
            roots: { listChanged: true }
          }
        )
      }))

    it.effect("the user says no to is declined", () =>
      Effect.gen(function*() {
        const client = yield* connect(
          ClientHandlers.elicitation({ form: () => Effect.succeed(ClientHandlers.decline) }),
          { revision }
        )
        assert.isTrue((yield* client.callTool("form")).isError)
      }))

    it.effect("answered with what does not fit the form never reaches the server as an answer", () =>
      Effect.gen(function*() {
        const client = yield* connect(
          ClientHandlers.elicitation({ form: () => Effect.succeed(ClientHandlers.accept({ to: 5 })) }),
          { revision }
        )
        const exit = yield* Effect.result(client.callTool("form"))
        if (revision === "2025-11-25") assert.isTrue(exit._tag === "Success" && exit.success.isError)
        else {
          assert.strictEqual(
            exit._tag === "Failure" && exit.failure._tag === "McpClientError" && exit.failure.reason._tag,
            "Unanswered"
          )
        }
      }))

    it.effect("comes after what the server logs and how far it is, in order", () =>
      Effect.gen(function*() {
        const heard = yield* Queue.unbounded<unknown>()
        const client = yield* connect(
          Layer.mergeAll(
            ClientHandlers.log({
              level: "info",
              receive: ({ data, level, logger }) => Effect.asVoid(Queue.offer(heard, [level, data, logger]))
            }),
            ClientHandlers.progress({
              receive: ({ progress }, { method, params }) =>
                Effect.asVoid(Queue.offer(heard, [method, params.name, progress]))
            })
          ),
          { revision }
        )
        yield* client.callTool("log")
        yield* client.callTool("steps")
        assert.deepStrictEqual(yield* Queue.takeN(heard, 4), [
          ["error", { loud: true }, "x"],
          ...[1, 2, 3].map((progress) => ["tools/call", "steps", progress])
        ])
      }))
  })
}

describe("on the connection, up to 2025-11-25,", () => {
  const asks = (question: object, answers: Parameters<typeof scripted.stateful>[0] = {}) => {
    const server = scripted.make({
      hears: scripted.stateful({
        "tools/call": (_, wire) => wire.say({ jsonrpc: "2.0", id: "q", ...question }),
        ...answers
      })!
    })
    return server
  }
  const ask = (server: scripted.Scripted, handlers: Handlers) =>
    Effect.gen(function*() {
      const client = yield* Effect.provide(McpClient.make(), Layer.merge(server.layer, handlers as Layer.Layer<never>))
      const calling = yield* Effect.forkChild(client.callTool("x"), { startImmediately: true })
      yield* TestClock.adjust("1 millis")
      yield* Fiber.interrupt(calling)
      return server.wire().sent.filter(({ _tag }) => _tag === "Response")
    })

  it.effect("a question nobody answers is refused, and a ping is answered", () =>
    Effect.gen(function*() {
      const [unknown] = yield* ask(asks({ method: "roots/list" }), Layer.empty)
      assert.deepInclude((unknown as { error: object }).error, { code: -32601 })
      assert.deepInclude(yield* ask(asks({ method: "ping" }), Layer.empty), {
        _tag: "Response",
        id: "q",
        result: {},
        error: undefined
      })
    }))

  it.effect("a question with params of the wrong kind, or of a mode that is not declared, is refused", () =>
    Effect.gen(function*() {
      const form = ClientHandlers.elicitation({ form: () => Effect.succeed(ClientHandlers.accept({})) })
      for (
        const params of [
          { message: 1 },
          { mode: "url", message: "m", url: "https://x.example", elicitationId: "1" }
        ]
      ) {
        const [answer] = yield* ask(asks({ method: "elicitation/create", params }), form)
        assert.deepInclude((answer as { error: object }).error, { code: -32602 })
      }
    }))

  it.effect("a question whose params are null, as some servers write it, has none", () =>
    Effect.gen(function*() {
      const roots = ClientHandlers.roots([{ uri: "file:///home" }])
      const [answer] = yield* ask(asks({ method: "roots/list", params: null }), roots)
      assert.deepInclude(answer, { id: "q", result: { roots: [{ uri: "file:///home" }] } })
    }))

  it.effect("a question that is none is refused, so that the server need not wait", () =>
    Effect.gen(function*() {
      const [answer] = yield* ask(asks({ method: "roots/list", params: [] }), Layer.empty)
      assert.deepInclude(answer, { id: "q" })
      assert.deepInclude((answer as { error: object }).error, { code: -32600 })
    }))

  it.effect("a question that the server takes back is interrupted, and gets no answer", () =>
    Effect.gen(function*() {
      let wasInterrupted = false
      const server = scripted.make({
        hears: scripted.stateful({
          "tools/call": (_, wire) => {
            wire.say({ jsonrpc: "2.0", id: "q", method: "roots/list" })
            wire.say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "q" } })
          }
        })!
      })
      const sent = yield* ask(
        server,
        ClientHandlers.roots({
          list: Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => {
              wasInterrupted = true
            }))
        })
      )
      assert.deepStrictEqual(sent, [])
      assert.isTrue(wasInterrupted)
    }))

  it.effect("a handler that dies says no more than that, and one that refuses says why", () =>
    Effect.gen(function*() {
      const [died] = yield* ask(
        asks({ method: "roots/list" }),
        ClientHandlers.roots({ list: Effect.die(new Error("secret")) })
      )
      assert.notInclude(JSON.stringify(died), "secret")
      const [refused] = yield* ask(
        asks({ method: "roots/list" }),
        ClientHandlers.roots({ list: Effect.fail(McpError.invalidRequest("Not now.")) })
      )
      assert.deepInclude((refused as { error: object }).error, { message: "Not now." })
    }))

  it.effect("more questions than can be answered at one time are refused", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateful({
          "tools/call": (_, wire) => {
            for (let id = 0; id < 102; id++) wire.say({ jsonrpc: "2.0", id, method: "roots/list" })
          }
        })!
      })
      const sent = yield* ask(server, ClientHandlers.roots({ list: Effect.never }))
      assert.deepStrictEqual(
        sent.map((message) => (message as { id: number }).id),
        [100, 101]
      )
    }))

  it.effect("changed roots are told", () =>
    Effect.gen(function*() {
      const changes = yield* Queue.unbounded<void>()
      const server = scripted.make({ hears: scripted.stateful()! })
      yield* Effect.provide(
        McpClient.make(),
        Layer.merge(
          server.layer,
          ClientHandlers.roots({ list: Effect.succeed([]), changes: Stream.fromQueue(changes) })
        )
      )
      yield* Queue.offer(changes, undefined)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(scripted.methods(server.wire()).at(-1), "notifications/roots/list_changed")
    }))

  it.effect("messages nobody here knows pass to the raw handler, whole", () =>
    Effect.gen(function*() {
      const heard: Array<unknown> = []
      const server = asks({ method: "acme/ask", params: { deep: { er: 1 } } }, {})
      const sent = yield* ask(
        server,
        ClientHandlers.raw({
          request: (method, params) => Effect.succeed({ method, ...params }),
          notification: (notification) => Effect.sync(() => heard.push(notification.method))
        })
      )
      assert.deepStrictEqual((sent[0] as { result: unknown }).result, { method: "acme/ask", deep: { er: 1 } })
      server.wire().say({ jsonrpc: "2.0", method: "acme/told" })
    }))
})

describe("a result that needs input, from 2026-07-28,", () => {
  const rounds = (answer: (round: number, params: Record<string, unknown>) => object) => {
    let round = 0
    return scripted.make({
      hears: scripted.stateless({
        "tools/call": ({ id, params }, wire) => wire.result(id, answer(++round, params as Record<string, unknown>))
      })!
    })
  }
  const open = (server: scripted.Scripted, handlers: Handlers = all, options?: McpClient.Options) =>
    Effect.provide(McpClient.make(options), Layer.merge(server.layer, handlers as Layer.Layer<never>))
  const roots = { dirs: { method: "roots/list", params: {} } }

  it.effect("is answered round after round, with the same params, a new id and the server's state", () =>
    Effect.gen(function*() {
      const seen: Array<Record<string, unknown>> = []
      const server = rounds((round, params) => {
        seen.push(params)
        return round < 3
          ? { resultType: "input_required", inputRequests: roots, requestState: `state ${round} "\u00e4"` }
          : { resultType: "complete", content: [] }
      })
      const client = yield* open(server)
      yield* client.callTool("x", { a: 1 })
      assert.deepStrictEqual(seen.map(({ requestState }) => requestState), [
        undefined,
        "state 1 \"\u00e4\"",
        "state 2 \"\u00e4\""
      ])
      for (const params of seen) assert.deepInclude(params, { name: "x", arguments: { a: 1 } })
      assert.deepStrictEqual(seen[1]!.inputResponses, { dirs: { roots: [{ uri: "file:///work" }] } })
      const ids = server.wire().sent.flatMap((message) => message._tag === "Request" ? [message.id] : [])
      assert.strictEqual(new Set(ids).size, ids.length)
    }))

  it.effect("invents no state, and takes one without a question for a word to come again", () =>
    Effect.gen(function*() {
      const seen: Array<Record<string, unknown>> = []
      const server = rounds((round, params) => {
        seen.push(params)
        return round === 1
          ? { resultType: "input_required", inputRequests: roots }
          : round === 2
          ? { resultType: "input_required", requestState: "s" }
          : { content: [] }
      })
      const client = yield* open(server)
      const calling = yield* Effect.forkChild(client.callTool("x"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(calling)
      assert.isFalse("requestState" in seen[1]!)
      assert.strictEqual(seen[2]!.requestState, "s")
      assert.isFalse("inputResponses" in seen[2]!)
    }))

  const fails = (server: scripted.Scripted, handlers?: Handlers, options?: McpClient.Options) =>
    Effect.gen(function*() {
      const client = yield* open(server, handlers, options)
      const error = yield* Effect.flip(client.callTool("x"))
      return error.reason._tag
    })

  it.effect("fails where it never ends, asks what nobody answers, or asks nothing at all", () =>
    Effect.gen(function*() {
      const endless = () => rounds(() => ({ resultType: "input_required", inputRequests: roots }))
      assert.strictEqual(yield* fails(endless()), "TooManyRounds")
      assert.strictEqual(yield* fails(endless(), Layer.empty), "Unanswered")
      assert.strictEqual(yield* fails(rounds(() => ({ resultType: "input_required" }))), "InvalidResponse")
      assert.strictEqual(
        yield* fails(rounds(() => ({ resultType: "input_required", inputRequests: { x: { method: "nonsense" } } }))),
        "Unanswered"
      )
    }))
})

describe("a result of another type", () => {
  const roots = { dirs: { method: "roots/list", params: {} } }
  const ticket = (make: (result: object) => object) =>
    Extension.make({
      id: "com.example/queue",
      results: { ticket: (result) => Effect.succeed(make(result) as never) }
    })
  const call = (last: object, extensions: ReadonlyArray<Extension.Extension>, asks = true) =>
    Effect.gen(function*() {
      let round = asks ? 0 : 1
      const server = scripted.make({
        hears: scripted.stateless({
          "tools/call": ({ id }, wire) =>
            wire.result(id, ++round === 1 ? { resultType: "input_required", inputRequests: roots } : last)
        })!
      })
      const client = yield* Effect.provide(
        McpClient.make({ extensions }),
        Layer.merge(server.layer, ClientHandlers.roots([]))
      )
      return yield* Effect.result(client.callTool("x"))
    })

  it.effect("after rounds of input goes to the extension that has it, and is refused where none has", () =>
    Effect.gen(function*() {
      const last = { resultType: "ticket", content: [] }
      const made = yield* call(last, [ticket(() => ({ content: [{ type: "text", text: "done" }] }))])
      assert.deepInclude(made._tag === "Success" ? made.success : {}, { content: [{ type: "text", text: "done" }] })
      const unknown = yield* call(last, [])
      assert.strictEqual(unknown._tag === "Failure" ? unknown.failure.reason._tag : unknown._tag, "InvalidResponse")
    }))

  it.effect("is an InvalidResponse where what the extension makes of it is no answer to the method", () =>
    Effect.gen(function*() {
      const made = yield* call({ resultType: "ticket" }, [ticket(() => ({ contents: 1 }))], false)
      assert.strictEqual(made._tag === "Failure" ? made.failure.reason._tag : made._tag, "InvalidResponse")
    }))
})

describe("an extension of the client", () => {
  it.effect("is declared, hears, answers, mirrors, and makes something of results of its own", () =>
    Effect.gen(function*() {
      const heard: Array<unknown> = []
      const extension = Extension.make({
        id: "com.example/queue",
        settings: { fast: true },
        notifications: {
          "queue/moved": {
            params: Schema.Struct({ place: Schema.Int }),
            handle: ({ place }) => Effect.sync(() => heard.push(place))
          }
        },
        mirroredName: (method, { ticket }) => method === "queue/get" ? String(ticket) : undefined,
        results: {
          ticket: (result, _, send) => send("queue/get", { ticket: result.ticket! })
        }
      })
      const server = scripted.make({
        kind: "http",
        hears: scripted.stateless({
          "tools/call": ({ id }, wire) => wire.result(id, { resultType: "ticket", ticket: "t1" }),
          "queue/get": ({ id, params }, wire) =>
            wire.result(id, { content: [{ type: "text", text: `done ${String(params!.ticket)}` }] })
        })!
      })
      const client = yield* Effect.provide(McpClient.make({ extensions: [extension] }), server.layer)
      assert.deepInclude(yield* client.callTool("x"), { content: [{ type: "text", text: "done t1" }] })
      const last = server.wire().outgoing.at(-1)!
      assert.deepStrictEqual(last.headers, { "mcp-method": "queue/get", "mcp-name": "t1" })
      assert.include(last.frame, "\"extensions\":{\"com.example/queue\":{\"fast\":true}}")
      server.wire().say({ jsonrpc: "2.0", method: "queue/moved", params: { place: 3 } })
      server.wire().say({ jsonrpc: "2.0", method: "queue/moved", params: { place: "wrong" } })
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(heard, [3])
    }))

  it.effect("stands around requests and around answers, the first outermost, and gets its client", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const say = (line: string) => Effect.sync(() => log.push(line))
      const around = (name: string) =>
        Extension.make({
          id: `com.example/${name}`,
          wrap: ({ method, params }, next) =>
            say(`${name} ${method}`).pipe(
              Effect.andThen(next({ ...params, [name]: true })),
              Effect.tap(() => say(`${name} is through`))
            ),
          wrapAnswer: ({ method, version }, next) =>
            Effect.andThen(say(`${name} is asked ${method} in ${version}`), next),
          attach: (client) => say(`${name} has ${client.server().revision}`)
        })
      const server = scripted.make({
        hears: scripted.stateful({
          "tools/call": ({ id, params }, wire) => wire.result(id, { content: [], _meta: params! }),
          "a/b": ({ id, params }, wire) => wire.result(id, { resultType: "odd", ...params })
        })
      })
      const client = yield* Effect.provide(
        McpClient.make({ revision: "2025-11-25", extensions: [around("one"), around("two")] }),
        Layer.merge(server.layer, ClientHandlers.roots([]))
      )
      assert.deepStrictEqual(log.splice(0), ["one has 2025-11-25", "two has 2025-11-25"])
      const { _meta } = yield* client.callTool("x")
      assert.deepStrictEqual(_meta, { name: "x", arguments: {}, one: true, two: true })
      assert.deepStrictEqual(log.splice(0), [
        "one tools/call",
        "two tools/call",
        "two is through",
        "one is through"
      ])
      // As it came: nobody stands around it, and nobody looks at its type.
      assert.deepStrictEqual(yield* client.request("a/b", { c: 1 }, { raw: true }), { resultType: "odd", c: 1 })
      assert.deepStrictEqual(log, [])
      const answer = Effect.sync(() => server.wire().sent.at(-1))
      server.wire().say({ jsonrpc: "2.0", id: "q", method: "roots/list" })
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* answer, { id: "q", result: { roots: [] } })
      assert.deepStrictEqual(log.splice(0), [
        "one is asked roots/list in 2025-11-25",
        "two is asked roots/list in 2025-11-25"
      ])
      assert.deepStrictEqual(yield* client.answer("roots/list", {}), { roots: [] })
      assert.deepStrictEqual(log, [])
    }))

  it.effect("is made for each client, and says of itself what belongs to the revision", () =>
    Effect.gen(function*() {
      let count = 0
      const made = Effect.sync(() =>
        Extension.make({
          id: `com.example/number${++count}`,
          eras: ["Stateless"],
          capabilities: (version, own) =>
            version === "2025-11-25" ? { experimental: { own: { roots: own.roots !== undefined } } } : {}
        })
      )
      const options: McpClient.Options = { extensions: [made] }
      const capabilities = (hears: scripted.Options["hears"], revision: "2025-06-18" | "2025-11-25" | "2026-07-28") =>
        Effect.gen(function*() {
          const server = scripted.make({ hears: hears! })
          yield* Effect.provide(
            McpClient.make({ ...options, revision }),
            Layer.merge(server.layer, ClientHandlers.roots([]))
          )
          const { capabilities, _meta } = (server.wire().sent[0] as JsonRpc.Request).params!
          return capabilities ?? (_meta as JsonRpc.JsonObject)["io.modelcontextprotocol/clientCapabilities"]
        })
      assert.deepStrictEqual(yield* capabilities(scripted.stateless(), "2026-07-28"), {
        roots: {},
        extensions: { "com.example/number1": {} }
      })
      assert.deepStrictEqual(yield* capabilities(scripted.stateful(), "2025-11-25"), {
        roots: {},
        experimental: { own: { roots: true } }
      })
      assert.strictEqual(count, 2)
    }))
})
