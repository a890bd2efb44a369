/** Several messages in one frame, which only 2025-03-26 knows: their answers come together, when the last is there. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as tools from "./tools.ts"
import * as wires from "./wires.ts"

const batching = { revision: "2025-03-26" }

const request = (id: wires.Id, method: string, params: object = {}) => wires.request("Stateful", id, method, params)
const call = (id: wires.Id, name: string, args: object = {}, meta: object = {}) =>
  wires.call("Stateful", id, name, args, meta)
const echo = (id: wires.Id) => call(id, "echo", { text: `echo ${id}` })
const ping = (id: wires.Id) => request(id, "ping")

/** Frames that answer a batch: arrays. */
const batchesOf = (wire: wires.Wire): ReadonlyArray<ReadonlyArray<wires.Frame>> =>
  wire.frames.filter((frame) => Array.isArray(frame)) as unknown as ReadonlyArray<ReadonlyArray<wires.Frame>>

const nextBatch = (wire: wires.Wire, count = 1) =>
  Effect.map(
    wires.until(() => batchesOf(wire).length >= count, () => `a batch among ${JSON.stringify(wire.frames)}`),
    () => batchesOf(wire)[count - 1]!
  )

/** What is known of an answer whatever the order. */
const summary = (frames: ReadonlyArray<wires.Frame>) =>
  frames.map(({ error, id, result }) => [id, error?.code ?? result?.content?.[0]?.text ?? "ok"])
    .toSorted(([a], [b]) => String(a).localeCompare(String(b)))

for (const name of wires.names) {
  describe(`a batch over ${name}`, () => {
    const setup = Effect.fnUntraced(function*(options: tools.Options = {}) {
      const probe = tools.makeProbe()
      const wire = yield* wires.open(name, "Stateful", tools.server(probe, options), batching)
      const saw = (event: string) => wires.until(() => probe.events.includes(event))
      const lives = Effect.gen(function*() {
        wire.send(echo("after"))
        assert.strictEqual((yield* wires.answer(wire, "after")).result.content[0].text, "echo after")
      })
      return { probe, wire, saw, lives }
    })

    it.effect("is answered by one batch, each request and each bad message by its own", () =>
      Effect.gen(function*() {
        const { lives, wire } = yield* setup()
        wire.send([
          echo("a"),
          wires.notification("notifications/initialized"),
          ping("b"),
          request("c", "no/such/method"),
          call("d", "nobody"),
          { jsonrpc: "2.0", id: "e" },
          { jsonrpc: "1.0", id: "f", method: "ping" },
          7,
          [ping("inner")],
          { jsonrpc: "2.0", id: 99, result: {} },
          call("g", "fail")
        ])
        const [frames] = [yield* nextBatch(wire)]
        assert.deepStrictEqual(
          summary(frames).map(([id, what]) => [id, id === "g" ? "failed" : what]),
          [
            ["a", "echo a"],
            ["b", "ok"],
            ["c", -32601],
            ["d", -32602],
            ["e", -32600],
            ["f", -32600],
            ["g", "failed"],
            [null, -32600],
            [null, -32600]
          ]
        )
        assert.isTrue(frames.find(({ id }) => id === "g")!.result.isError)
        assert.lengthOf(wire.frames, 1)
        yield* lives
      }))

    it.effect("is answered when the last of its requests is, with the others served meanwhile", () =>
      Effect.gen(function*() {
        const { lives, probe, saw, wire } = yield* setup()
        wire.send([echo("a"), call("b", "wait")])
        yield* saw("wait started")
        yield* wires.turns()
        assert.lengthOf(batchesOf(wire), 0)
        yield* lives
        yield* Deferred.succeed(probe.gate, undefined)
        assert.deepStrictEqual(summary(yield* nextBatch(wire)), [["a", "echo a"], ["b", "waited"]])
      }))

    it.effect("carries what its requests notify before its answer", () =>
      Effect.gen(function*() {
        const { wire } = yield* setup()
        wire.send([call("a", "talk", { count: 2 }, { progressToken: "p" }), ping("b")])
        yield* nextBatch(wire)
        assert.deepStrictEqual(
          wire.frames.map((frame) => Array.isArray(frame) ? "batch" : frame.params.progress),
          [1, 2, "batch"]
        )
      }))

    it.effect("may cancel one of its own requests, which then has no answer in it", () =>
      Effect.gen(function*() {
        const { lives, saw, wire } = yield* setup()
        wire.send([
          call("a", "never"),
          ping("b"),
          wires.notification("notifications/cancelled", { requestId: "a" }),
          echo("c")
        ])
        yield* saw("never Cancelled User")
        assert.deepStrictEqual(summary(yield* nextBatch(wire)), [["b", "ok"], ["c", "echo c"]])
        yield* lives
      }))

    it.effect("is answered with what is left when one of its requests is cancelled later", () =>
      Effect.gen(function*() {
        const { saw, wire } = yield* setup()
        wire.send([call("a", "never"), ping("b")])
        yield* saw("never started")
        wire.cancel("a")
        assert.deepStrictEqual(summary(yield* nextBatch(wire)), [["b", "ok"]])
      }))

    it.effect("is answered with nothing when all of its requests are cancelled", () =>
      Effect.gen(function*() {
        const { lives, saw, wire } = yield* setup()
        wire.send([call("a", "never"), wires.notification("notifications/cancelled", { requestId: "a" })])
        yield* saw("never Cancelled User")
        yield* wires.turns()
        assert.lengthOf(wire.frames, 0)
        yield* lives
      }))

    it.effect("of nothing but notifications and responses is answered with nothing", () =>
      Effect.gen(function*() {
        const { lives, saw, wire } = yield* setup()
        wire.send(call("a", "never"))
        yield* saw("never started")
        wire.send([
          wires.notification("notifications/cancelled", { requestId: "a" }),
          wires.notification("notifications/initialized"),
          { jsonrpc: "2.0", id: 1, result: {} }
        ])
        yield* saw("never Cancelled User")
        yield* wires.turns()
        assert.lengthOf(wire.frames, 0)
        if (name === "http") assert.include(wire.statuses, 202)
        yield* lives
      }))

    it.effect("refuses an initialize in it, and answers the rest", () =>
      Effect.gen(function*() {
        const { wire } = yield* setup()
        const handshake = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "x", version: "1" } }
        wire.send([ping("a"), request("b", "initialize", handshake), ping("c")])
        const frames = yield* nextBatch(wire)
        assert.deepStrictEqual(summary(frames), [["a", "ok"], ["b", -32600], ["c", "ok"]])
        assert.match(frames.find(({ id }) => id === "b")!.error!.message, /batch/u)
      }))

    it.effect("refuses the second of two requests with one id while the first is in flight", () =>
      Effect.gen(function*() {
        const { probe, saw, wire } = yield* setup()
        wire.send([call("a", "wait"), echo("a")])
        yield* saw("wait started")
        yield* Deferred.succeed(probe.gate, undefined)
        const frames = yield* nextBatch(wire)
        assert.deepStrictEqual(frames.map(({ error, id }) => [id, error?.code]), [["a", -32600], ["a", undefined]])
      }))

    it.effect("counts each of its requests, and refuses those that are too many", () =>
      Effect.gen(function*() {
        const { lives, wire } = yield* setup({ maxInFlight: 2 })
        wire.send([
          call("a", "never"),
          call("b", "never"),
          echo("c"),
          wires.notification("notifications/cancelled", {
            requestId: "a"
          }),
          wires.notification("notifications/cancelled", { requestId: "b" })
        ])
        const frames = yield* nextBatch(wire)
        assert.deepStrictEqual(summary(frames), [["c", 503]])
        yield* lives
      }))

    it.effect("that is empty is one error", () =>
      Effect.gen(function*() {
        const { lives, wire } = yield* setup()
        wire.send("[]")
        assert.strictEqual((yield* wires.answer(wire, null)).error?.code, -32600)
        yield* lives
      }))

    it.effect("answers each request past its deadline, in the one batch", () =>
      Effect.gen(function*() {
        const { saw, wire } = yield* setup({ requestTimeout: "5 seconds" })
        wire.send([call("a", "never"), ping("b")])
        yield* saw("never started")
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(summary(yield* nextBatch(wire)), [["a", 408], ["b", "ok"]])
      }))

    it.effect("may hold the answers to what the server asks", () =>
      Effect.gen(function*() {
        const ask = Tool.make("ask", {
          success: Schema.String,
          handler: () => Effect.orDie(Ask.one("q", Sampling.text("Say hi", { maxTokens: 10 })))
        })
        const wire = yield* wires.open(
          name,
          "Stateful",
          McpServer.layer({ name: "batches", version: "1", tools: [ask] }),
          { ...batching, capabilities: { sampling: {} } }
        )
        wire.send([call("a", "ask"), ping("b")])
        yield* wires.until(() => wire.frames.some(({ method }) => method === "sampling/createMessage"))
        const { id } = wire.frames.find(({ method }) => method === "sampling/createMessage")!
        wire.send([
          {
            jsonrpc: "2.0",
            id,
            result: { role: "assistant", model: "m", content: { type: "text", text: "hello" } }
          },
          ping("c")
        ])
        assert.deepStrictEqual(
          [summary(yield* nextBatch(wire)), summary(yield* nextBatch(wire, 2))].toSorted((a, b) => a.length - b.length),
          [[["c", "ok"]], [["a", "hello"], ["b", "ok"]]]
        )
      }))

    for (const revision of ["2024-11-05", "2025-06-18", "2025-11-25"]) {
      it.effect(`is one error in ${revision}, and nothing in it is done`, () =>
        Effect.gen(function*() {
          const probe = tools.makeProbe()
          const wire = yield* wires.open(name, "Stateful", tools.server(probe), { revision })
          wire.send([call("a", "never"), ping("b"), wires.notification("notifications/initialized")])
          const { error } = yield* wires.answer(wire, null)
          assert.strictEqual(error?.code, -32600)
          assert.match(error!.message, /batches/u)
          yield* wires.turns()
          assert.deepStrictEqual([wire.frames.length, probe.events], [1, []])
          if (name === "http") assert.deepStrictEqual(wire.statuses.at(-1), 400)
          wire.send([wires.notification("notifications/initialized")])
          yield* wires.until(() => wire.frames.length === 2)
          assert.strictEqual(wire.frames[1]!.error?.code, -32600)
        }))
    }

    it.effect("is one error in 2026-07-28, and before the handshake, with an initialize in it or without", () =>
      Effect.gen(function*() {
        const handshake = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name: "x", version: "1" } }
        for (
          const batch of [
            [wires.request("Stateless", "a", "tools/list")],
            [ping("a")],
            [request("a", "initialize", handshake), ping("b")]
          ]
        ) {
          const wire = yield* wires.open(name, "Stateless", tools.server())
          wire.send(batch)
          assert.strictEqual((yield* wires.answer(wire, null)).error?.code, -32600)
          assert.lengthOf(wire.frames, 1)
        }
      }))

    it.effect("of requests in flight is cut short when its client goes", () =>
      Effect.gen(function*() {
        const { probe, saw, wire } = yield* setup()
        wire.send([call("a", "never"), call("b", "wait"), ping("c")])
        yield* saw("never started")
        yield* saw("wait started")
        const gone = yield* Effect.forkChild(wire.hangUp, { startImmediately: true })
        yield* wires.turns()
        yield* TestClock.adjust("5 seconds")
        yield* wires.until(() => probe.events.length === 4)
        assert.deepStrictEqual(
          probe.events.slice(2).toSorted().map((event) => event.split(" ").slice(0, 2).join(" ")),
          ["never Cancelled", "wait Cancelled"]
        )
        yield* wires.until(() => gone.pollUnsafe() !== undefined)
      }))
  })
}

describe("a batch in 2025-03-26", () => {
  it.effect("cannot be a session's beginning over HTTP", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(tools.server())
      const http = yield* Effect.provideContext(wires.http(), context)
      const post = http.send([
        request(1, "initialize", {
          protocolVersion: "2025-03-26",
          capabilities: {},
          clientInfo: { name: "x", version: "1" }
        })
      ])
      assert.deepStrictEqual([post.status, JSON.parse(post.body).error.code], [400, -32600])
      assert.isUndefined(post.headers["mcp-session-id"])
    }))
})
