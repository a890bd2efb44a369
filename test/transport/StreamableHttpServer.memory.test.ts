/** What is left in a server that runs after many have come and gone: no fiber, and no memory that grows with their number. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Receiver from "fastmcp-effect/transport/Receiver"
import * as SseServer from "fastmcp-effect/transport/SseServer"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as wires from "../server/wires.ts"
import * as scripted from "./scripted.ts"
import * as stores from "./stores.ts"

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

const heap = () => {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const { call, end, get, idsOf, lastIdOf, open, stateless } = scripted

/** Runs `cycle` a few times, and then `times`, after which nothing may be left of it. */
const leavesNothing = <R>(
  times: number,
  make: Effect.Effect<Effect.Effect<void>, never, R>
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.suspend(() => {
    let fibers = 0
    return Effect.gen(function*() {
      const cycle = yield* make
      const run = (times: number) =>
        Effect.gen(function*() {
          for (let i = 0; i < times; i++) {
            yield* cycle
            if (i % 100 === 0) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          }
          yield* wires.turns()
        })
      yield* run(Math.min(times / 4, 1000))
      const before = { fibers, heap: heap() }
      yield* run(times)
      const after = { fibers, heap: heap() }
      assert.isAtMost(after.fibers, before.fibers, "fibers")
      // Compiled code comes and goes by half a megabyte. A kept session would be two kilobytes, a stream one.
      assert.isBelow(after.heap - before.heap, 1_200_000, `bytes after ${times}`)
    }).pipe(Effect.provideService(Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => void fibers++,
      recordFiberEnd: () => void fibers--
    }))
  })

const minutes = 180_000

describe("a server that runs", () => {
  it.effect("has nothing left of 8,000 sessions that were opened, used and ended", () =>
    leavesNothing(
      8000,
      Effect.map(scripted.node(), (node) =>
        Effect.sync(() => {
          const session = open(node)
          assert.strictEqual(node.send(call("a", "count"), session).status, 200)
          node.probe.events.length = 0
          assert.strictEqual(end(node, session).status, 204)
        }))
    ), minutes)

  it.effect("has nothing left of 20,000 stateless requests", () =>
    leavesNothing(
      20_000,
      Effect.map(scripted.node(), (node) =>
        Effect.sync(() => {
          assert.strictEqual(node.send(stateless("a", "who")).status, 200)
          node.probe.events.length = 0
        }))
    ), minutes)

  it.effect("has nothing left of 5,000 that were refused, malformed, or came to nothing", () =>
    leavesNothing(
      5000,
      Effect.map(scripted.node({ maxSessions: 1 }), (node) => {
        const session = open(node)
        return Effect.sync(() => {
          node.send("{")
          node.send("[]")
          node.send(scripted.initialize())
          node.send(wires.request("Stateful", 1, "ping"))
          node.send(call("a", "who"), { "mcp-session-id": "nobody" })
          get(node, session, "99.1")
          node.send(wires.notification("notifications/cancelled", { requestId: "nobody" }), session)
          node.send({ jsonrpc: "2.0", id: "nobody", result: {} }, session)
          node.send(stateless("a", "forever")).disconnect()
          node.probe.events.length = 0
        })
      })
    ), minutes)

  it.effect(
    "has nothing left of 1,200 streams of one session that were closed, lost, resumed and taken over",
    () =>
      leavesNothing(
        1200,
        Effect.gen(function*() {
          // So short that what is kept for those who come back is the same after any number of them.
          const stand = yield* stores.stand({ timeToLive: "1 second" })
          const node = yield* scripted.node({}, stand.stores)
          const session = open(node)
          return Effect.gen(function*() {
            const [closing, lost, asking] = [
              node.send(call("a", "close", "say x"), session),
              node.send(call("b", "say x", "forever"), session),
              node.send(call("c", "ask it"), session)
            ]
            yield* wires.turns(10)
            lost.disconnect()
            const streams = [
              get(node, session, lastIdOf(lost)),
              get(node, session, idsOf(closing)[0]),
              get(node, session),
              get(node, session, lastIdOf(lost))
            ]
            yield* wires.turns(10)
            node.send(scripted.answerTo(scripted.questions(asking)[0]!, "red"), session)
            node.send(wires.notification("notifications/cancelled", { requestId: "b" }), session)
            yield* wires.turns(10)
            streams[2]!.disconnect()
            for (const post of [closing, asking, streams[0]!, streams[1]!, streams[3]!]) assert.isTrue(post.isOver)
            yield* TestClock.adjust("2 seconds")
            node.probe.events.length = 0
            stand.asked.length = 0
          })
        })
      ),
    minutes
  )

  it.effect("has nothing left of 800 sessions that expired with all they had", () =>
    leavesNothing(
      800,
      Effect.gen(function*() {
        const node = yield* scripted.node({ sessionIdle: "10 minutes", keepAlive: "1 hour", stallTimeout: "1 hour" })
        return Effect.gen(function*() {
          const session = open(node)
          const lost = node.send(call("b", "say x", "forever"), session)
          const closing = node.send(call("a", "close", "ask it"), session)
          const stream = get(node, session)
          yield* wires.turns(10)
          lost.disconnect()
          stream.disconnect()
          get(node, session, lastIdOf(closing)).disconnect()
          yield* TestClock.adjust("15 minutes")
          assert.strictEqual(node.send(call("c", "who"), session).status, 404)
          node.probe.events.length = 0
        })
      })
    ), minutes)

  it.effect("has nothing left of 800 sessions that moved between two nodes", () =>
    leavesNothing(
      800,
      Effect.gen(function*() {
        const stand = yield* stores.stand({ isShared: true })
        const [a, b] = [yield* scripted.node({}, stand.stores), yield* scripted.node({}, stand.stores)]
        return Effect.gen(function*() {
          const session = open(a)
          const asking = a.send(call("a", "ask it"), session)
          const endless = b.send(call("b", "close", "forever"), session)
          yield* wires.turns(10)
          b.send(scripted.answerTo(scripted.questions(asking)[0]!, "red"), session)
          get(a, session, lastIdOf(endless))
          get(b, session)
          yield* wires.turns(10)
          assert.isTrue(asking.isOver)
          assert.strictEqual(end(a, session).status, 204)
          yield* wires.turns(10)
          stand.asked.length = 0
          a.probe.events.length = 0
          b.probe.events.length = 0
        })
      })
    ), minutes)

  it.effect("has nothing left of 5,000 streams of the transport of 2024-11-05", () =>
    leavesNothing(
      5000,
      Effect.gen(function*() {
        const probe = scripted.makeProbe()
        const context = yield* Effect.orDie(Layer.build(scripted.server(probe)))
        const endpoints = yield* SseServer.make().pipe(
          Effect.provide(SecureRandom.layerWebCrypto),
          Effect.provideContext(Context.pick(Receiver.Receiver)(context))
        )
        const [sse, messages] = [wires.feed(endpoints.get("/sse")!), wires.feed(endpoints.get("/messages")!)]
        return Effect.sync(() => {
          const stream = sse("", {}, { method: "GET" })
          const url = wires.eventsOf(stream.body)[0]!.data!
          for (const message of [scripted.initialize("2024-11-05"), call("a", "who"), call("b", "forever")]) {
            assert.strictEqual(messages(message, {}, { url }).status, 202)
          }
          stream.congest(true)
          messages(call("c", "who"), {}, { url })
          stream.disconnect()
          probe.events.length = 0
        })
      })
    ), minutes)
})
