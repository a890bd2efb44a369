import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Extension from "fastmcp-effect/server/Extension"
import * as tools from "./tools.ts"
import * as wires from "./wires.ts"

interface Case {
  readonly what: string
  readonly frame: string | object
  readonly code: number
  readonly id: wires.Id | null
  /** What HTTP says. */
  readonly status: number
  readonly message?: RegExp
}

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`

/** A call of `any` with its arguments as text, so that they need not be something JSON.stringify would write. */
const raw = (era: wires.Era, id: wires.Id, args: string) =>
  JSON.stringify(wires.call(era, id, "any", { here: 0 })).replace("{\"here\":0}", args)

const notMessages: ReadonlyArray<Case> = [
  { what: "text", frame: "hello", code: -32700, id: null, status: 400 },
  {
    what: "half a message",
    frame: "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"pi",
    code: -32700,
    id: null,
    status: 400
  },
  { what: "a number", frame: "5", code: -32600, id: null, status: 400 },
  { what: "an object that is no message", frame: "{\"id\":5}", code: -32600, id: 5, status: 400 },
  {
    what: "another JSON-RPC",
    frame: "{\"jsonrpc\":\"1.0\",\"id\":\"x\",\"method\":\"ping\"}",
    code: -32600,
    id: "x",
    status: 400
  },
  {
    what: "an id of null",
    frame: "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}",
    code: -32600,
    id: null,
    status: 400
  },
  {
    what: "params in an array",
    frame: "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\",\"params\":[]}",
    code: -32600,
    id: 5,
    status: 400
  },
  { what: "an empty batch", frame: "[]", code: -32600, id: null, status: 400 }
]

const cases = (era: wires.Era): ReadonlyArray<Case> => [
  ...notMessages,
  {
    what: "a batch",
    frame: [wires.call(era, 5, "echo", { text: "a" }), wires.call(era, 6, "echo", { text: "b" })],
    code: -32600,
    id: null,
    status: 400
  },
  {
    what: "a lone surrogate",
    frame: raw(era, 5, "{\"a\":\"\\ud800\"}"),
    code: -32600,
    id: 5,
    status: 400,
    message: /surrogate/u
  },
  {
    what: "200-deep nesting",
    frame: raw(era, 5, `{"a":${nested(200)}}`),
    code: -32600,
    id: 5,
    status: 400,
    message: /128/u
  },
  {
    what: "a __proto__ key",
    frame: raw(era, 5, "{\"__proto__\":{\"a\":1}}"),
    code: -32600,
    id: 5,
    status: 400,
    message: /__proto__/u
  },
  {
    what: "an unknown method",
    frame: wires.request(era, 5, "no/such"),
    code: -32601,
    id: 5,
    status: era === "Stateless" ? 404 : 200,
    message: /no\/such/u
  },
  {
    what: "a method named like a property of every object",
    frame: wires.request(era, 5, "constructor"),
    code: -32601,
    id: 5,
    status: era === "Stateless" ? 404 : 200
  },
  {
    what: "a method of the other era",
    frame: wires.request(era, 5, era === "Stateless" ? "ping" : "server/discover"),
    code: -32601,
    id: 5,
    status: era === "Stateless" ? 404 : 200
  },
  {
    what: "an unknown tool",
    frame: wires.call(era, 5, "nobody"),
    code: -32602,
    id: 5,
    status: 200,
    message: /nobody/u
  },
  { what: "a tool named __proto__", frame: wires.call(era, 5, "__proto__"), code: -32602, id: 5, status: 200 },
  {
    what: "a call without a name",
    frame: wires.request(era, 5, "tools/call", {}),
    code: -32602,
    id: 5,
    status: 200,
    message: /name/u
  },
  {
    what: "a name that is a number",
    frame: wires.request(era, 5, "tools/call", { name: 1 }),
    code: -32602,
    id: 5,
    status: 200
  },
  {
    what: "arguments in an array",
    frame: wires.request(era, 5, "tools/call", { name: "any", arguments: [1] }),
    code: -32602,
    id: 5,
    status: 200,
    message: /arguments/u
  },
  {
    what: "somebody else's cursor",
    frame: wires.request(era, 5, "tools/list", { cursor: "x" }),
    code: -32602,
    id: 5,
    status: 200
  }
]

const version = "io.modelcontextprotocol/protocolVersion"
const capabilities = "io.modelcontextprotocol/clientCapabilities"

const envelope = (meta: object) => ({ jsonrpc: "2.0", id: 5, method: "tools/list", params: { _meta: meta } })

const statelessCases: ReadonlyArray<Case> = [
  {
    what: "an unknown revision",
    frame: envelope({ ...wires.envelope, [version]: "2099-01-01" }),
    code: -32022,
    id: 5,
    status: 400
  },
  {
    what: "a revision of the other era",
    frame: envelope({ ...wires.envelope, [version]: "2025-11-25" }),
    code: -32022,
    id: 5,
    status: 400
  },
  {
    what: "a revision that is no text",
    frame: envelope({ ...wires.envelope, [version]: 1 }),
    code: -32602,
    id: 5,
    status: 400
  },
  { what: "no capabilities", frame: envelope({ [version]: "2026-07-28" }), code: -32602, id: 5, status: 400 },
  {
    what: "capabilities that are no object",
    frame: envelope({ [version]: "2026-07-28", [capabilities]: true }),
    code: -32602,
    id: 5,
    status: 400
  },
  {
    what: "a malformed identity",
    frame: envelope({ ...wires.envelope, "io.modelcontextprotocol/clientInfo": { name: 1 } }),
    code: -32602,
    id: 5,
    status: 400
  },
  {
    what: "a log level nobody has",
    frame: envelope({ ...wires.envelope, "io.modelcontextprotocol/logLevel": "loud" }),
    code: -32602,
    id: 5,
    status: 400
  }
]

const statefulCases: ReadonlyArray<Case> = [
  {
    what: "a log level nobody has",
    frame: wires.request("Stateful", 5, "logging/setLevel", { level: "loud" }),
    code: -32602,
    id: 5,
    status: 200
  },
  {
    what: "a second handshake",
    frame: wires.request("Stateful", 5, "initialize", {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "x", version: "1" }
    }),
    code: -32600,
    id: 5,
    status: 400
  }
]

for (const name of wires.names) {
  for (const era of wires.eras) {
    describe(`bad input over ${name}, ${era.toLowerCase()} era`, () => {
      const open = (options?: wires.Options) => wires.open(name, era, tools.server(), options)

      const lives = Effect.fnUntraced(function*(wire: wires.Wire) {
        wire.send(wires.call(era, "after", "echo", { text: "still here" }))
        const { result } = yield* wires.answer(wire, "after")
        assert.strictEqual(result.content[0].text, "still here")
      })

      for (
        const { code, frame, id, message, status, what } of [
          ...cases(era),
          ...(era === "Stateless" ? statelessCases : statefulCases)
        ]
      ) {
        it.effect(`${what} is refused with ${code}, and the connection lives`, () =>
          Effect.gen(function*() {
            const wire = yield* open()
            wire.send(frame)
            const { error } = yield* wires.answer(wire, id)
            assert.strictEqual(error?.code, code)
            assert.isAbove(error!.message.length, 10)
            if (message !== undefined) assert.match(error!.message, message)
            yield* lives(wire)
            assert.lengthOf(wire.frames, 2, "one answer to each")
            if (name === "http") assert.deepStrictEqual(wire.statuses, [status, 200])
          }))
      }

      it.effect("a malformed response is not answered in the name of a request of the client's own", () =>
        Effect.gen(function*() {
          const wire = yield* open()
          wire.send({ jsonrpc: "2.0", id: "after", result: 1 })
          yield* wires.turns()
          assert.isEmpty(wires.answersTo(wire, "after"))
          yield* lives(wire)
        }))

      it.effect("a response to nothing and a notification nobody knows are passed over", () =>
        Effect.gen(function*() {
          const wire = yield* open()
          wire.send(wires.notification("notifications/nobody", { a: 1 }))
          wire.send(wires.notification("notifications/cancelled"))
          wire.send(wires.notification("notifications/progress", { progressToken: {} }))
          // There are no responses from clients in the stateless era, so HTTP refuses one.
          if (name !== "http" || era === "Stateful") wire.send({ jsonrpc: "2.0", id: 77, result: {} })
          yield* lives(wire)
          assert.lengthOf(wire.frames, 1)
        }))

      it.effect("wrong arguments are a tool error the model can read, not a protocol error", () =>
        Effect.gen(function*() {
          const wire = yield* open()
          wire.send(wires.call(era, 5, "echo", { text: 1 }))
          const { result } = yield* wires.answer(wire, 5)
          assert.isTrue(result.isError)
          assert.match(result.content[0].text, /text/u)
          yield* lives(wire)
        }))

      it.effect("1 and \"1\" are two ids", () =>
        Effect.gen(function*() {
          const wire = yield* open()
          wire.send(wires.call(era, 1, "echo", { text: "number" }))
          wire.send(wires.call(era, "1", "echo", { text: "text" }))
          assert.strictEqual((yield* wires.answer(wire, 1)).result.content[0].text, "number")
          assert.strictEqual((yield* wires.answer(wire, "1")).result.content[0].text, "text")
        }))

      it.effect("an id that was answered may be used again", () =>
        Effect.gen(function*() {
          const wire = yield* open()
          for (const text of ["a", "b", "c"]) {
            wire.send(wires.call(era, 1, "echo", { text }))
            yield* wires.until(() => wire.frames.at(-1)?.result?.content[0].text === text)
          }
        }))

      // A stateless POST is a connection of its own.
      if (name !== "http" || era === "Stateful") {
        it.effect("an id that is in flight is refused, and the first request still answered", () =>
          Effect.gen(function*() {
            const probe = tools.makeProbe()
            const wire = yield* wires.open(name, era, tools.server(probe))
            wire.send(wires.call(era, 5, "wait"))
            yield* wires.until(() => probe.events.length === 1)
            wire.send(wires.call(era, 5, "echo", { text: "x" }))
            const refused = yield* wires.answer(wire, 5)
            assert.strictEqual(refused.error?.code, -32600)
            assert.match(refused.error!.message, /5/u)
            yield* Deferred.succeed(probe.gate, undefined)
            yield* wires.until(() => wire.frames.length === 2)
            assert.strictEqual(wire.frames[1]!.result.content[0].text, "waited")
            yield* lives(wire)
          }))

        it.effect("more requests in flight than are allowed are refused with 503, and each is answered", () =>
          Effect.gen(function*() {
            const probe = tools.makeProbe()
            const wire = yield* wires.open(name, era, tools.server(probe, { maxInFlight: 3 }))
            for (const id of [1, 2, 3, 4, 5]) wire.send(wires.call(era, id, "wait"))
            yield* wires.until(() => wire.frames.length === 2)
            assert.deepStrictEqual(wire.frames.map(({ error, id }) => [id, error?.code]), [[4, 503], [5, 503]])
            yield* Deferred.succeed(probe.gate, undefined)
            yield* wires.until(() => wire.frames.length === 5)
            assert.sameMembers(wire.frames.slice(2).map(({ id }) => id), [1, 2, 3])
            yield* lives(wire)
          }))
      }

      it.effect("an extension that throws where nobody expects it takes only its own request down", () =>
        Effect.gen(function*() {
          const boom = () => {
            throw new Error(tools.secret)
          }
          const extension = Extension.make({
            id: "test/throws",
            methods: {
              "test/throws": { params: Schema.Struct({}), handle: boom },
              "test/mirrors": { params: Schema.Struct({}), handle: () => Effect.succeed({}), mirroredName: boom }
            },
            notifications: { "notifications/throws": { params: Schema.Struct({}), handle: boom } },
            wrap: (request, next) => (request.params as { name: string }).name === "any" ? boom() : next
          })
          const wire = yield* wires.open(name, era, tools.server(tools.makeProbe(), { extensions: [extension] }))
          wire.send(wires.request(era, 1, "test/throws"))
          wire.send(wires.notification("notifications/throws"))
          wire.send(wires.call(era, 2, "any"))
          if (name === "http" && era === "Stateless") {
            wire.send(wires.request(era, 3, "test/mirrors"))
            assert.strictEqual((yield* wires.answer(wire, 3)).error?.code, -32603)
          }
          assert.strictEqual((yield* wires.answer(wire, 1)).error?.code, -32603)
          assert.strictEqual((yield* wires.answer(wire, 2)).error?.code, -32603)
          yield* lives(wire)
          assert.notInclude(JSON.stringify(wire.frames), tools.secret)
        }))
    })
  }
}

describe("bad input, in detail", () => {
  for (const name of wires.names) {
    it.effect(`an unknown revision is told what there is instead, over ${name}`, () =>
      Effect.gen(function*() {
        const wire = yield* wires.open(name, "Stateless", tools.server())
        wire.send(envelope({ ...wires.envelope, [version]: "2099-01-01" }))
        assert.deepStrictEqual((yield* wires.answer(wire, 5)).error?.data, {
          requested: "2099-01-01",
          supported: Revisions.versions
        })
      }))

    it.effect(`a handshake for an unknown revision gets the newest this server speaks, over ${name}`, () =>
      Effect.gen(function*() {
        for (const protocolVersion of ["1999-01-01", "2026-07-28", ""]) {
          const wire = yield* wires.open(name, "Stateless", tools.server())
          wire.send(wires.request("Stateful", 1, "initialize", {
            protocolVersion,
            capabilities: {},
            clientInfo: { name: "x", version: "1" }
          }))
          assert.strictEqual((yield* wires.answer(wire, 1)).result.protocolVersion, "2025-11-25")
        }
      }))

    it.effect(`a request before the handshake is refused with a word of what to do, over ${name}`, () =>
      Effect.gen(function*() {
        const wire = yield* wires.open(name, "Stateless", tools.server())
        wire.send({ jsonrpc: "2.0", id: 5, method: "tools/list" })
        const { error } = yield* wires.answer(wire, 5)
        assert.strictEqual(error?.code, -32600)
        assert.match(error!.message, /initialize/u)
        if (name === "http") assert.deepStrictEqual(wire.statuses, [400])
      }))
  }

  for (const era of wires.eras) {
    it.effect(`a line over the limit is answered once, and the next line is fine, ${era.toLowerCase()} era`, () =>
      Effect.gen(function*() {
        const wire = yield* wires.open("stdio", era, tools.server(), { maxLineBytes: 2000 })
        wire.send(wires.call(era, 1, "echo", { text: "x".repeat(2000) }))
        wire.send(wires.call(era, 2, "echo", { text: "fine" }))
        assert.strictEqual((yield* wires.answer(wire, 2)).result.content[0].text, "fine")
        assert.lengthOf(wire.frames, 2)
        assert.deepInclude(wire.frames[0], { id: null })
        assert.strictEqual(wire.frames[0]!.error?.code, -32600)
        assert.match(wire.frames[0]!.error!.message, /2000/u)
      }))
  }
})
