/** What a client keeps: of ten thousand requests that have ended, nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as ResponseCache from "fastmcp-effect/client/ResponseCache"
import * as Deadlines from "fastmcp-effect/core/Deadlines"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as conversation from "../../src/client/conversation.ts"
import type * as link from "../../src/client/link.ts"
import * as scripted from "./scripted.ts"

const call = (method: string): link.Call => ({
  method,
  params: {},
  target: undefined,
  meta: undefined,
  timeout: 1000,
  maxTimeout: 1000,
  onProgress: undefined
})

const open = (server: scripted.Scripted) =>
  Effect.gen(function*() {
    const deadlines = yield* Deadlines.make
    let lastId = 0
    const links: Array<link.Link> = []
    const transport = yield* ClientTransport.ClientTransport.pipe(Effect.provide(server.layer))
    const talk = yield* conversation.open({
      transport: {
        ...transport,
        connect: (listener) => {
          links.push(listener as link.Link)
          return transport.connect(listener)
        }
      },
      shared: {
        clock: yield* Clock.Clock,
        deadlines,
        spans: undefined,
        isTraced: false,
        isAskingUser: () => false,
        fork: yield* FiberSet.makeRuntime<never, void, never>(),
        nextId: () => ++lastId,
        answer: (method) => Effect.fail(McpError.methodNotFound(method)),
        tell: () => {}
      },
      self: {
        info: { name: "x", version: "1" },
        capabilities: () => ({}),
        logLevel: undefined,
        mirror: () => undefined
      },
      only: undefined,
      knownServers: undefined,
      connectTimeout: Duration.seconds(30),
      patience: Duration.seconds(3),
      reconnect: Schedule.spaced("1 second"),
      onOpened: () => {},
      onStatus: () => {}
    })
    const kept = () => deadlines.size() + links.reduce((sum, link) => sum + link.inFlight(), 0)
    return { talk, kept }
  })

describe("a client keeps nothing", () => {
  it.effect("of 10,000 requests that were answered, refused, failed, taken back, or waited for in vain", () =>
    Effect.gen(function*() {
      const server = scripted.make({
        hears: scripted.stateless({
          answered: ({ id }, wire) => wire.result(id, {}),
          failed: ({ id }, wire) => wire.fail(id, new TransportError.Lost({ message: "cut" })),
          silent: scripted.silent
        })!
      })
      const { kept, talk } = yield* open(server)
      for (let count = 0; count < 2000; count++) {
        for (const method of ["answered", "refused", "failed"]) {
          yield* Effect.exit(talk.request(call(method), Effect.succeed))
        }
        const silent = yield* Effect.forkChild(talk.request(call("silent"), Effect.succeed), {
          startImmediately: true
        })
        yield* Fiber.interrupt(silent)
      }
      assert.strictEqual(kept(), 0)
      const silent = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 2000 }), () => Effect.exit(talk.request(call("silent"), Effect.succeed)), {
          concurrency: "unbounded"
        }),
        { startImmediately: true }
      )
      assert.strictEqual(kept(), 4000)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(silent)
      assert.strictEqual(kept(), 0)
    }))

  it.effect("of 1,000 connections that were lost with a request on each", () =>
    Effect.gen(function*() {
      const server = scripted.make({ hears: scripted.stateless({ lost: (_, wire) => wire.close() })! })
      const { kept, talk } = yield* open(server)
      for (let count = 0; count < 1000; count++) {
        yield* Effect.exit(talk.request(call("lost"), Effect.succeed))
        yield* TestClock.adjust("1 second")
      }
      assert.lengthOf(server.wires, 1001)
      assert.strictEqual(kept(), 0)
    }))
})

describe("what is shared between clients of one origin", () => {
  it.effect("is not what was on its way when one of them heard that it has changed", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const [one, two] = [cache.open("https://a.example"), cache.open("https://a.example")]
      const keep = two.begin("tools/list", {})
      one.forget("tools/list")
      keep({ tools: [], ttlMs: 60_000, cacheScope: "public" })
      assert.isUndefined(one.get("tools/list", {}))
    }))
})
