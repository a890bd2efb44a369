/** Whatever a server does, and whenever a program gives up: runs drawn from a seed, with what must hold in each. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import type { Link } from "../../src/client/link.ts"

/** Park and Miller: enough to draw from. */
const draws = (seed: number) => {
  let state = seed * 7919 + 1
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    isLikely: (chance: number) => next() < chance,
    one: <A>(of: ReadonlyArray<A>) => of[below(of.length)]!
  }
}

type Draws = ReturnType<typeof draws>

/** One sending of a request, and whether the server may have done what it says. */
interface Sending {
  readonly connection: number
  mayBeDone: boolean
}

const make = (draw: Draws, era: "Stateful" | "Stateless", kind: "memory" | "http") => {
  const links: Array<Link> = []
  const ids = new Set<JsonRpc.RequestId>()
  const sendings = new Map<number, Array<Sending>>()
  const faults: Array<string> = []
  const waiting: Array<{ readonly id: JsonRpc.RequestId; readonly n: number; readonly at: number }> = []
  const open = new Set<number>()
  let isOver = false
  let questions = 0

  const say = (at: number, message: object, about?: JsonRpc.RequestId) => {
    if (open.has(at)) links[at]!.receive(JsonRpc.parse(JSON.stringify({ jsonrpc: "2.0", ...message })), about)
  }
  const end = (at: number) => {
    if (!open.delete(at)) return
    links[at]!.closed(TransportError.make(new TransportError.Closed({})))
  }
  const fail = (at: number, id: JsonRpc.RequestId, reason: TransportError.Reason) => {
    if (open.has(at)) links[at]!.failed(id, TransportError.make(reason))
  }
  const result = (n: number) => ({ content: [{ type: "text", text: String(n) }] })

  const called = (at: number, id: JsonRpc.RequestId, n: number, isRepeatable: boolean) => {
    const before = sendings.get(n) ?? []
    if (!isRepeatable && before.some(({ mayBeDone }) => mayBeDone)) faults.push(`${n} was sent again`)
    if (before.length >= 30) faults.push(`${n} was sent ${before.length} times`)
    const sending = { connection: at, mayBeDone: true }
    sendings.set(n, [...before, sending])
    const refuse = (reason: TransportError.Reason) => {
      sending.mayBeDone = false
      fail(at, id, reason)
    }
    const what = draw.below(20)
    if (what < 6) say(at, { id, result: result(n) })
    else if (what < 12) waiting.push({ id, n, at })
    else if (what === 12) say(at, { id, error: { code: -32000, message: "no" } })
    else if (what === 13) end(at)
    else if (what === 14) fail(at, id, new TransportError.Lost({ message: "cut" }))
    else if (what === 15) refuse(new TransportError.Unreachable({ address: "x", message: "refused" }))
    else if (what === 16 && era === "Stateful") refuse(new TransportError.SessionEnded())
    else if (what === 17) fail(at, id, new TransportError.HttpStatus({ status: 502, body: "" }))
    else if (what === 18) say(at, { id, result: 7 }, id)
    // And one that is never answered.
  }

  const settle = (at: number, id: JsonRpc.RequestId, method: string) => {
    if (at > 0 && draw.isLikely(0.15)) {
      const what = draw.below(4)
      if (what === 0) return end(at)
      if (what === 1) return fail(at, id, new TransportError.Lost({ message: "cut" }))
      if (what === 2) return fail(at, id, new TransportError.HttpStatus({ status: 503, body: "" }))
      return
    }
    if (era === "Stateless" && method === "server/discover") {
      say(at, { id, result: { supportedVersions: ["2026-07-28"], capabilities: {} } })
    } else if (era === "Stateful" && method === "initialize") {
      const serverInfo = { name: "x", version: "1" }
      say(at, { id, result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo } })
    } else say(at, { id, error: { code: -32601, message: "unknown" } })
  }

  const connect = (listener: ClientTransport.Listener) =>
    Effect.gen(function*() {
      if (draw.isLikely(0.3)) yield* Effect.sleep(draw.below(2000))
      if (links.length > 0 && draw.isLikely(0.2)) {
        return yield* TransportError.make(new TransportError.Unreachable({ address: "x", message: "refused" }))
      }
      const at = links.push(listener as Link) - 1
      open.add(at)
      yield* Effect.addFinalizer(() =>
        Effect.andThen(
          draw.isLikely(0.3) ? Effect.sleep(draw.below(1000)) : Effect.void,
          Effect.sync(() => open.delete(at))
        )
      )
      const connection: ClientTransport.Connection = {
        send: ({ frame }) => {
          if (isOver) faults.push(`sent after the end: ${frame}`)
          const message = JsonRpc.parse(frame)
          if (message._tag !== "Request") return
          if (ids.has(message.id)) faults.push(`the id ${message.id} came again`)
          ids.add(message.id)
          if (message.method !== "tools/call") return settle(at, message.id, message.method)
          const { isRepeatable, n } = message.params!.arguments as { n: number; isRepeatable: boolean }
          called(at, message.id, n, isRepeatable)
        },
        forget: () => {},
        hasStreams: kind === "http",
        hasHeaders: kind === "http",
        congested: () => draw.isLikely(0.05),
        drained: Effect.suspend(() => Effect.sleep(draw.below(3000))),
        established: () => {}
      }
      return connection
    })

  /** Something the server does by itself. */
  const act = () => {
    const at = links.length - 1
    const one = waiting.length === 0 ? undefined : draw.one(waiting)
    switch (draw.below(8)) {
      case 0:
      case 1:
      case 2:
        // Late, perhaps, and perhaps the second time.
        if (one === undefined) return
        if (draw.isLikely(0.8)) waiting.splice(waiting.indexOf(one), 1)
        return say(one.at, { id: one.id, result: result(one.n) })
      case 3:
        if (one === undefined) return
        return say(one.at, { method: "notifications/progress", params: { progressToken: one.id, progress: 1 } })
      case 4:
        return say(at, { id: `q${questions++}`, method: draw.one(["roots/list", "ping", "nonsense"]) })
      case 5:
        return say(at, { method: "notifications/cancelled", params: { requestId: `q${questions - 1}` } })
      case 6:
        return say(at, { method: "notifications/tools/list_changed" })
      case 7:
        if (draw.isLikely(0.3)) end(at)
    }
  }

  const layer = Layer.succeed(ClientTransport.ClientTransport, { kind, address: "x", origin: undefined, connect })
  const finish = () => {
    isOver = true
  }
  return { act, faults, finish, layer, links }
}

interface Started {
  readonly n: number
  readonly since: number
  readonly limit: number
  readonly fiber: Fiber.Fiber<unknown, McpClient.CallError>
}

/** Lets time pass, in steps: under a scheduler that holds fibers back they would sleep through it. */
const pass = (time: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* Lab.settle
    for (let left = time; left > 0; left -= pace) {
      yield* TestClock.adjust(Math.min(left, pace))
      yield* Lab.settle
    }
  })

const pace = 500

const run = (seed: number, era: "Stateful" | "Stateless", kind: "memory" | "http", isHeldBack: boolean) =>
  Effect.gen(function*() {
    const draw = draws(seed)
    // Who is held back looks at the clock late, when it starts to wait and when it has waited.
    const slack = isHeldBack ? 2 * pace : 0
    const server = make(draw, era, kind)
    const scope = yield* Scope.make()
    const handlers = Layer.mergeAll(
      ClientHandlers.roots({ list: Effect.suspend(() => Effect.as(Effect.sleep(draw.below(1000)), [])) }),
      ClientHandlers.log({ level: "info", receive: () => Effect.void })
    )
    const clientFiber = yield* Effect.forkChild(
      McpClient.make({ reconnect: Schedule.spaced("1 second"), connectTimeout: "10 seconds" }).pipe(
        Effect.provide(Layer.merge(server.layer, handlers)),
        Scope.provide(scope)
      )
    )
    yield* pass(30_000)
    const client = yield* Fiber.join(clientFiber)
    const changes = yield* Effect.forkChild(Stream.runDrain(client.changes()))
    const clock = () => Effect.clockWith((clock) => clock.currentTimeMillis)
    const calls: Array<Started> = []
    const late: Array<string> = []
    for (let step = 0; step < 80; step++) {
      const what = draw.below(10)
      if (what < 4) {
        const n = calls.length
        const timeout = 1000 * (1 + draw.below(20))
        const hasProgress = draw.isLikely(0.3)
        const since = yield* clock()
        const limit = hasProgress ? timeout * 2 : timeout
        const isRepeatable = draw.isLikely(0.4)
        const call = client.callTool("x", { n, isRepeatable }, {
          timeout,
          maxTimeout: timeout * 2,
          idempotent: isRepeatable,
          ...(hasProgress ? { onProgress: () => {} } : undefined)
        }).pipe(
          Effect.tap((result) =>
            Effect.sync(() => assert.deepStrictEqual(result.content, [{ type: "text", text: String(n) }]))
          ),
          Effect.onExit(() =>
            Effect.map(clock(), (now) => {
              if (now > since + limit + slack) late.push(`${n} took ${now - since} of ${limit}`)
            })
          )
        )
        const fiber = yield* Effect.forkChild(call, { startImmediately: draw.isLikely(0.5) })
        calls.push({ n, since, limit, fiber })
      } else if (what === 4 && calls.length > 0) {
        yield* Effect.forkChild(Fiber.interrupt(draw.one(calls).fiber))
      } else if (what < 7) server.act()
      else yield* pass(draw.below(draw.isLikely(0.2) ? 10_000 : 300))
      if (draw.isLikely(0.5)) yield* Lab.settle
    }
    const isCut = draw.isLikely(0.3)
    if (!isCut) {
      yield* pass(120_000)
      for (const { fiber, n } of calls) assert.isDefined(fiber.pollUnsafe(), `${n} has not ended`)
      // The server's questions have been answered, too.
      for (const link of server.links) {
        const { asked, waiting } = link as unknown as { asked: Map<unknown, unknown>; waiting: Map<unknown, unknown> }
        const isListening = era === "Stateless" ? 1 : 0
        assert.isAtMost(waiting.size, isListening, "something waits")
        assert.strictEqual(asked.size, 0, "something is asked")
      }
    }
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
    if (!isHeldBack) server.finish()
    for (let count = 0; count < 5; count++) server.act()
    yield* pass(5_000)
    yield* Fiber.join(closing)
    server.finish()
    for (let count = 0; count < 5; count++) server.act()
    yield* Lab.settle
    for (const { fiber, n } of calls) {
      const exit = fiber.pollUnsafe()
      assert.isDefined(exit, `${n} has not ended with the client`)
      if (exit !== undefined && Exit.hasDies(exit)) assert.fail(`${n} died: ${String(exit)}`)
    }
    assert.isDefined(changes.pollUnsafe(), "the changes have not ended")
    for (const link of server.links) assert.strictEqual(link.inFlight(), 0)
    assert.deepStrictEqual([...server.faults, ...late], [])
  }).pipe(
    Effect.catchCause((cause) => Effect.die(new Error(`seed ${seed}, ${era}, ${kind}`, { cause }))),
    Effect.scoped
  )

describe("whatever a server does, and whenever a program gives up,", () => {
  const seeds = Number(process.env.SEEDS ?? 40)
  for (const era of ["Stateful", "Stateless"] as const) {
    for (const kind of ["memory", "http"] as const) {
      it.effect(`calls end in time, are sent as often as they may be, and leave nothing: ${era}, ${kind}`, () =>
        Effect.forEach(
          Array.from({ length: seeds }, (_, seed) => seed),
          (seed) => seed % 2 === 0 ? run(seed, era, kind, false) : Lab.withSeed(seed)(run(seed, era, kind, true)),
          { discard: true }
        ))
    }
  }
})
