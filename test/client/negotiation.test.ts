import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as KnownServers from "fastmcp-effect/client/KnownServers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as scripted from "./scripted.ts"

const connect = (server: scripted.Scripted, options?: McpClient.Options) =>
  Effect.provide(McpClient.make(options), server.layer)

const settlesOn = (
  revision: string,
  hears: NonNullable<scripted.Options["hears"]>,
  check: (server: scripted.Scripted) => void = () => {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const server = scripted.make({ hears })
    const client = yield* connect(server)
    assert.strictEqual(client.server().revision, revision)
    check(server)
  }))

/** Answers the first question in a way of its own, and `initialize` as it should. */
const oddly = (answer: (id: string | number, wire: scripted.Wire) => void) =>
  scripted.stateful({ "server/discover": ({ id }, wire) => answer(id, wire) })!

describe("a client finds out what a server speaks", () => {
  it.effect("2026-07-28, by one question", () =>
    settlesOn("2026-07-28", scripted.stateless()!, (server) => {
      assert.deepStrictEqual(scripted.methods(server.wire()), ["server/discover"])
    }))

  it.effect("2025-11-25, where the question is unknown", () =>
    settlesOn("2025-11-25", scripted.stateful()!, (server) => {
      assert.deepStrictEqual(scripted.methods(server.wire()), [
        "server/discover",
        "initialize",
        "notifications/initialized"
      ])
    }))

  const odd: { readonly [name: string]: (id: string | number, wire: scripted.Wire) => void } = {
    "invalid params": (id, wire) => wire.error(id, -32602, "Invalid request parameters"),
    "a server error": (id, wire) => wire.error(id, -32000, "Bad Request: Server not initialized"),
    "an error for nobody's request": (_, wire) => wire.error(null, -32600, "Invalid Request"),
    "a result that is none": (id, wire) => wire.result(id, { hello: "world" }),
    "garbage": (_, wire) => wire.say("<html>"),
    "an HTTP status": (id, wire) => wire.fail(id, new TransportError.HttpStatus({ status: 400, body: "no" })),
    "another HTTP status": (id, wire) => wire.fail(id, new TransportError.HttpStatus({ status: 404, body: "" })),
    "an end of its stream": (id, wire) => wire.fail(id, new TransportError.Lost({ message: "cut" }))
  }
  for (const [name, answer] of Object.entries(odd)) {
    it.effect(`2025-11-25, where the question is answered with ${name}`, () =>
      Effect.gen(function*() {
        const settled = yield* Effect.forkChild(settlesOn("2025-11-25", oddly(answer)))
        // Garbage names no request, so that only time tells.
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.join(settled)
      }))
  }

  it.effect("2025-11-25, where the question is not answered, after a while", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: oddly(scripted.silent) })
      const settling = yield* Effect.forkChild(connect(server), { startImmediately: true })
      yield* TestClock.adjust("2999 millis")
      assert.deepStrictEqual(scripted.methods(server.wire()), ["server/discover"])
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(settling)).server().revision, "2025-11-25")
    }))

  it.effect("2026-07-28, where a server over HTTP is slow, and is asked nothing else", () =>
    Effect.gen(function*() {
      const server = scripted.make({ kind: "http" })
      const settling = yield* Effect.forkChild(connect(server), { startImmediately: true })
      yield* TestClock.adjust("20 seconds")
      const wire = server.wire()
      assert.deepStrictEqual(scripted.methods(wire), ["server/discover"])
      scripted.stateless()!(scripted.last(wire, "server/discover"), wire)
      assert.strictEqual((yield* Fiber.join(settling)).server().revision, "2026-07-28")
    }))

  it.effect("2026-07-28, where a server that is slow to start answers the first question late", () =>
    Effect.gen(function*() {
      const server = scripted.make()
      const settling = yield* Effect.forkChild(connect(server), { startImmediately: true })
      yield* TestClock.adjust("4 seconds")
      const wire = server.wire()
      wire.error(scripted.last(wire, "initialize").id, -32022, "No", {
        supported: ["2026-07-28"],
        requested: "2025-11-25"
      })
      wire.result(scripted.last(wire, "server/discover").id, { supportedVersions: ["2026-07-28"], capabilities: {} })
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(settling)).server().revision, "2026-07-28")
    }))

  it.effect("2025-11-25, where the server ends at the question", () =>
    settlesOn(
      "2025-11-25",
      oddly((_, wire) => wire.close()),
      (server) =>
        assert.deepStrictEqual(server.wires.map(scripted.methods), [
          ["server/discover"],
          ["initialize", "notifications/initialized"]
        ])
    ))

  it.effect("an older revision that the server answers with", () =>
    settlesOn(
      "2024-11-05",
      scripted.stateful({
        initialize: ({ id }, wire) =>
          wire.result(id, {
            protocolVersion: "2024-11-05",
            capabilities: {},
            serverInfo: { name: "old", version: "0" }
          })
      })!
    ))

  it.effect("the stateful era, where a server of both names no other", () =>
    settlesOn(
      "2025-06-18",
      scripted.stateful({
        "server/discover": ({ id }, wire) =>
          wire.error(id, -32022, "No", { requested: "2026-07-28", supported: ["2025-06-18"] }),
        initialize: ({ id, params }, wire) => {
          assert.strictEqual(params!.protocolVersion, "2025-06-18")
          wire.result(id, {
            protocolVersion: "2025-06-18",
            capabilities: {},
            serverInfo: { name: "old", version: "0" }
          })
        }
      })!
    ))

  it.effect("asks again, once, where the server names the very version it refuses", () => {
    let asked = 0
    return settlesOn(
      "2026-07-28",
      scripted.stateless({
        "server/discover": ({ id }, wire) =>
          ++asked === 1
            ? wire.error(id, -32022, "No", { requested: "2026-07-28", supported: ["2026-07-28"] })
            : wire.result(id, { supportedVersions: ["2026-07-28"], capabilities: {} })
      })!
    )
  })

  it.effect("trusts a server of the stateless era that knows neither question", () =>
    settlesOn("2026-07-28", (message, wire) => {
      if (message._tag === "Request") wire.error(message.id, -32601, "Method not found")
    }))
})

describe("a client gives up, and says why", () => {
  const fails = (server: scripted.Scripted, options?: McpClient.Options) =>
    Effect.map(Effect.flip(Effect.scoped(connect(server, options))), (error) => {
      assert.strictEqual(error._tag, "McpClientError")
      return error._tag === "McpClientError" ? error.reason : assert.fail()
    })

  it.effect("where nothing is in common", () =>
    Effect.gen(function*() {
      const reason = yield* fails(scripted.make({
        hears: scripted.stateless({
          "server/discover": ({ id }, wire) => wire.result(id, { supportedVersions: ["2099-01-01"], capabilities: {} })
        })!
      }))
      assert.strictEqual(reason._tag, "NegotiationFailed")
      if (reason._tag === "NegotiationFailed") assert.deepStrictEqual(reason.supported, ["2099-01-01"])
    }))

  it.effect("where the server does not speak the one revision that is asked for", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateful()! })
      assert.strictEqual((yield* fails(server, { revision: "2025-06-18" }))._tag, "NegotiationFailed")
    }))

  it.effect("where the server is silent, after the time for connecting", () =>
    Effect.gen(function*() {
      const server = scripted.make()
      const failing = yield* Effect.forkChild(fails(server))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* Fiber.join(failing))._tag, "Timeout")
      assert.isFalse(server.wire().isOpen())
    }))

  it.effect("where there is nobody", () =>
    Effect.gen(function*() {
      const nobody = TransportError.make(new TransportError.Unreachable({ address: "x", message: "refused" }))
      const server = scripted.make({ connecting: () => Effect.fail(nobody) })
      const reason = yield* fails(server)
      assert.deepStrictEqual(reason._tag === "Transport" ? reason.error : undefined, nobody)
    }))

  it.effect("where it must say who it is", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: oddly((id, wire) => wire.fail(id, new TransportError.Unauthorized({ status: 401 })))
      })
      const reason = yield* fails(server)
      assert.strictEqual(reason._tag === "Transport" ? reason.error.reason._tag : undefined, "Unauthorized")
      assert.deepStrictEqual(scripted.methods(server.wire()), ["server/discover"])
    }))

  it.effect("and leaves nothing when it is interrupted on the way", () =>
    Effect.gen(function*() {
      const server = scripted.make()
      const settling = yield* Effect.forkChild(Effect.scoped(connect(server)), { startImmediately: true })
      yield* Fiber.interrupt(settling)
      assert.isFalse(server.wire().isOpen())
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(settling)))
    }))
})

describe("what a server speaks is remembered", () => {
  it.effect("by its origin, and asked anew where it does not hold any more", () =>
    Effect.gen(function*() {
      const known = yield* Layer.build(KnownServers.layerMemory)
      const origin = "https://example.com"
      const open = (hears: scripted.Options["hears"]) =>
        Effect.scoped(
          Effect.gen(function*() {
            const server = scripted.make({ origin, hears: hears! })
            const client = yield* connect(server)
            return [client.server().revision, scripted.methods(server.wire())[0]]
          }).pipe(Effect.provideContext(known))
        )
      assert.deepStrictEqual(yield* open(scripted.stateful()), ["2025-11-25", "server/discover"])
      assert.deepStrictEqual(yield* open(scripted.stateful()), ["2025-11-25", "initialize"])
      assert.deepStrictEqual(yield* open(scripted.stateless()), ["2026-07-28", "initialize"])
      assert.deepStrictEqual(yield* open(scripted.stateless()), ["2026-07-28", "server/discover"])
    }))
})
