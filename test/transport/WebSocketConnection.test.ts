import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Socket from "effect/socket/Socket"
import * as TestClock from "effect/testing/TestClock"
import * as Receiver from "fastmcp-effect/transport/Receiver"
import * as WebSocketConnection from "fastmcp-effect/transport/WebSocketConnection"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"
import * as webSockets from "./webSockets.ts"

const era = "Stateless"

const call = (id: wires.Id, name: string, args: object = {}, meta: object = {}) =>
  JSON.stringify(wires.call(era, id, name, args, meta))

/** A conversation with the tools, and what became of it. */
const open = Effect.fnUntraced(function*(
  { connection = {}, socket: options = {} }: {
    readonly connection?: WebSocketConnection.Options
    readonly socket?: webSockets.Options
  } = {}
) {
  const probe = tools.makeProbe()
  const context = yield* wires.build(tools.server(probe))
  const socket = yield* webSockets.make(options)
  const running = yield* Effect.forkScoped(
    WebSocketConnection.run(socket.socket, { controls: socket.controls, ...connection }).pipe(
      Effect.provideContext(context)
    ),
    { startImmediately: true }
  )
  // A test that fails must not wait for a grace that never passes.
  yield* Effect.addFinalizer(() => Effect.sync(() => socket.close()))
  const frames = () => socket.frames.map((frame) => JSON.parse(frame) as wires.Frame)
  const answer = Effect.fnUntraced(function*(id: wires.Id) {
    const find = () => frames().find((frame) => frame.id === id)
    yield* wires.until(() => find() !== undefined, () => `an answer to ${id} among ${socket.frames}`)
    return find()!
  })
  const saw = (event: string) => wires.until(() => probe.events.includes(event), () => `${event} in ${probe.events}`)
  const begin = Effect.fnUntraced(function*(id: wires.Id, name: string, args: object = {}) {
    socket.send(call(id, name, args))
    yield* saw(`${name} started`)
  })
  const isOver = () => running.pollUnsafe() !== undefined
  const over = wires.until(isOver, () => `the end, after ${socket.ends}`)
  return { answer, begin, frames, isOver, over, probe, running, saw, socket }
})

describe("WebSocketConnection", () => {
  it.effect("answers each message in a frame of its own", () =>
    Effect.gen(function*() {
      const { answer, frames, socket } = yield* open()
      socket.send(call(1, "echo", { text: "a" }), "", call(2, "echo", { text: "b\nc" }))
      yield* answer(1)
      assert.strictEqual((yield* answer(2)).result.content[0].text, "b\nc")
      assert.deepStrictEqual(frames().map(({ id }) => id), [1, null, 2])
      assert.strictEqual(frames()[1]!.error?.code, -32700)
    }))

  for (const code of [1000, 1001, 1006]) {
    it.effect(`cancels what is in flight with User when its client ends it with ${code}, and writes nothing more`, () =>
      Effect.gen(function*() {
        const { begin, over, probe, saw, socket } = yield* open()
        yield* begin(1, "never")
        yield* begin(2, "talksAtTheEnd")
        socket.close(code)
        yield* saw("never Cancelled User")
        yield* saw("talksAtTheEnd Cancelled User")
        yield* over
        assert.lengthOf(probe.events, 4)
        assert.deepStrictEqual([socket.frames, socket.ends, socket.misplaced], [[], [], []])
      }))
  }

  it.effect("is over for its client at once, and waits for finalizers", () =>
    Effect.gen(function*() {
      const { begin, isOver, over, probe, socket } = yield* open()
      yield* begin(1, "slowToEnd", { ms: 100 })
      socket.close(1000)
      yield* wires.turns()
      assert.isFalse(isOver())
      yield* TestClock.adjust("100 millis")
      yield* over
      assert.deepStrictEqual(probe.events, ["slowToEnd started", "slow end", "slowToEnd Cancelled User"])
    }))

  for (
    const [what, code, frame, limits] of [
      ["a binary frame", 1003, new TextEncoder().encode(call(2, "echo", { text: "x" })), {}],
      ["a message over the limit", 1009, call(2, "echo", { text: "é".repeat(1000) }), { maxPayloadBytes: 2000 }]
    ] as const
  ) {
    it.effect(`closes with ${code} after ${what}, with what it had said before and nothing after`, () =>
      Effect.gen(function*() {
        const { answer, begin, over, saw, socket } = yield* open({ connection: limits })
        yield* begin("never", "never")
        socket.send(call(1, "echo", { text: "before" }), frame, "no message", call(3, "echo", { text: "after" }))
        assert.strictEqual((yield* answer(1)).result.content[0].text, "before")
        yield* saw("never Cancelled User")
        yield* over
        assert.lengthOf(socket.frames, 1)
        assert.deepStrictEqual([socket.ends, socket.misplaced], [[code], []])
      }))
  }

  it.effect("counts bytes, not characters, up to its limit", () =>
    Effect.gen(function*() {
      const message = call(1, "echo", { text: "é".repeat(1000) })
      const maxPayloadBytes = new TextEncoder().encode(message).length
      const { answer, over, socket } = yield* open({ connection: { maxPayloadBytes } })
      socket.send(message)
      yield* answer(1)
      socket.send(message.replace("é", "éé"))
      yield* over
      assert.deepStrictEqual(socket.ends, [1009])
    }))

  it.effect("closes with 1011 after a defect of its own, and keeps its text in the log", () =>
    Effect.gen(function*() {
      const logs: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        logs.push(`${logLevel} ${String(message)}`)
      })
      const reasons: Array<string> = []
      const socket = yield* webSockets.make()
      const receiver = Receiver.Receiver.of({
        connect: () => ({
          receive: () => {
            throw new Error(tools.secret)
          },
          isEstablished: () => false,
          caughtUp: () => {},
          inFlight: () => 0,
          idle: Effect.void,
          close: (reason) => Effect.sync(() => reasons.push(reason)),
          closeUnsafe: (reason) => reasons.push(reason)
        })
      })
      const running = yield* Effect.forkChild(
        WebSocketConnection.run(socket.socket, { controls: socket.controls }).pipe(
          Effect.provideService(Receiver.Receiver, receiver),
          Effect.provide(Logger.layer([logger]))
        ),
        { startImmediately: true }
      )
      socket.send(call(1, "echo"))
      yield* Fiber.join(running)
      assert.deepStrictEqual([socket.frames, socket.ends], [[], [1011]])
      assert.deepStrictEqual([...new Set(reasons)], ["User"])
      assert.lengthOf(logs, 1)
      assert.include(logs[0], tools.secret)
    }))

  it.effect("closes with 1011 when writing hits a defect", () =>
    Effect.gen(function*() {
      const context = yield* wires.build(tools.server())
      const { controls, ends, send, socket } = yield* webSockets.make()
      const writer = yield* socket.writer
      const running = yield* Effect.forkChild(
        WebSocketConnection.run(
          Socket.make({
            reader: socket.reader,
            writer: Effect.succeed({ ...writer, writeAll: () => Effect.die(new Error("a bug")) })
          }),
          { controls }
        ).pipe(Effect.provideContext(context), Effect.provide(Logger.layer([]))),
        { startImmediately: true }
      )
      send(call(1, "echo", { text: "x" }))
      yield* Fiber.join(running)
      assert.deepStrictEqual(ends, [1011])
    }))

  it.effect("ends in silence when the handshake fails", () =>
    WebSocketConnection.run(Socket.make({
      reader: Effect.fail(
        new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause: "refused" }) })
      ),
      writer: Effect.die("there is nothing to write to")
    })).pipe(
      Effect.provideService(Receiver.Receiver, Receiver.Receiver.of({ connect: () => assert.fail("connected") }))
    ))

  it.effect("ends when a write fails", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const context = yield* wires.build(tools.server(probe))
      const { controls, ends, send, socket } = yield* webSockets.make()
      const failure = new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause: "broken" }) })
      const running = yield* Effect.forkChild(
        WebSocketConnection.run(
          Socket.make({
            reader: socket.reader,
            writer: Effect.succeed({ write: () => Effect.fail(failure), writeAll: () => Effect.fail(failure) })
          }),
          { controls }
        ).pipe(Effect.provideContext(context)),
        { startImmediately: true }
      )
      send(call(1, "never"))
      yield* wires.until(() => probe.events.includes("never started"))
      send(call(2, "echo", { text: "x" }))
      yield* Fiber.join(running)
      assert.deepStrictEqual(probe.events, ["never started", "never Cancelled User"])
      assert.deepStrictEqual(ends, ["terminate"])
    }))
})

describe("WebSocketConnection with a client that reads slowly", () => {
  it.effect("makes handlers wait, reads no more, and goes on when it reads", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { answer, frames, probe, socket } = yield* open({
        connection: { highWaterMark: 1000 },
        socket: { gate: Deferred.await(gate) }
      })
      socket.send(call(1, "talk", { count: 1000 }, { progressToken: 1 }))
      yield* wires.turns(2000)
      assert.deepStrictEqual(probe.events, ["talk started"])
      const written = socket.frames.length
      socket.send(call(2, "echo", { text: "first" }))
      yield* wires.turns(100)
      socket.send(call(3, "never"))
      yield* wires.turns(2000)
      assert.notInclude(probe.events, "never started")
      assert.strictEqual(socket.frames.length, written)
      assert.isBelow(written, 50)
      yield* Deferred.succeed(gate, undefined)
      yield* answer(1)
      assert.lengthOf(frames().filter(({ method }) => method === "notifications/progress"), 1000)
      yield* wires.until(() => probe.events.includes("never started"))
    }))

  it.effect("closes with 1008 when it has taken nothing for its time, and does not wait for its answer", () =>
    Effect.gen(function*() {
      const { begin, isOver, over, saw, socket } = yield* open({
        connection: { sendTimeout: "20 seconds" },
        socket: { gate: Effect.never, answersClose: false }
      })
      yield* begin("never", "never")
      socket.send(call(1, "echo", { text: "x" }))
      yield* wires.turns()
      yield* TestClock.adjust("19999 millis")
      yield* wires.turns()
      assert.deepStrictEqual(socket.ends, [])
      yield* TestClock.adjust("1 millis")
      yield* saw("never Cancelled User")
      yield* wires.turns()
      assert.deepStrictEqual(socket.ends, [1008])
      assert.isFalse(isOver())
      yield* TestClock.adjust("2 seconds")
      yield* over
      assert.deepStrictEqual(socket.ends, [1008, "terminate"])
      assert.isEmpty(socket.misplaced)
    }))

  it.effect("counts the time for each message anew", () =>
    Effect.gen(function*() {
      const { answer, frames, socket } = yield* open({
        connection: { sendTimeout: "3 seconds", pingInterval: "1 hour" },
        socket: { gate: Effect.sleep("2 seconds") }
      })
      const large = "x".repeat(1 << 16)
      for (const id of [1, 2, 3]) socket.send(call(id, "echo", { text: large }))
      yield* answer(1)
      assert.lengthOf(frames(), 1)
      for (let second = 0; second < 4; second++) {
        yield* TestClock.adjust("1 second")
        yield* wires.turns()
      }
      yield* answer(3)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(socket.ends, [])
    }))
})

describe("WebSocketConnection at a shutdown", () => {
  it.effect("lets requests finish, refuses new ones, cancels the rest with Shutdown, answers it, and closes with 1001", () =>
    Effect.gen(function*() {
      const { answer, begin, isOver, over, probe, running, saw, socket } = yield* open()
      yield* begin(1, "never")
      yield* begin(2, "wait")
      yield* begin(3, "talksAtTheEnd")
      running.interruptUnsafe()
      yield* wires.turns()
      socket.send(call(4, "echo", { text: "late" }), JSON.stringify([wires.call(era, 5, "echo", { text: "late" })]))
      assert.strictEqual((yield* answer(4)).error?.code, 503)
      socket.send(JSON.stringify(wires.notification("notifications/cancelled", { requestId: 3 })))
      yield* saw("talksAtTheEnd Cancelled User")
      yield* Deferred.succeed(probe.gate, undefined)
      assert.strictEqual((yield* answer(2)).result.content[0].text, "waited")
      yield* TestClock.adjust("4999 millis")
      yield* wires.turns()
      assert.isFalse(isOver())
      assert.deepStrictEqual(socket.ends, [])
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* answer(1)).error?.code, 499)
      yield* over
      assert.include(probe.events, "never Cancelled Shutdown")
      assert.deepStrictEqual(socket.frames.map((frame) => JSON.parse(frame).id), [4, null, 2, 1])
      assert.deepStrictEqual([socket.ends, socket.misplaced], [[1001], []])
    }))

  it.effect("closes at once when nothing is in flight", () =>
    Effect.gen(function*() {
      const { over, running, socket } = yield* open()
      running.interruptUnsafe()
      yield* over
      assert.deepStrictEqual(socket.ends, [1001])
    }))

  it.effect("ends at once when its client leaves meanwhile, with User", () =>
    Effect.gen(function*() {
      const { begin, over, running, saw, socket } = yield* open()
      yield* begin(1, "never")
      running.interruptUnsafe()
      yield* wires.turns()
      socket.close()
      yield* saw("never Cancelled User")
      yield* over
      assert.deepStrictEqual([socket.frames, socket.ends, socket.misplaced], [[], [], []])
    }))

  it.effect("waits two seconds for the client's close and no longer", () =>
    Effect.gen(function*() {
      const { isOver, over, running, socket } = yield* open({ socket: { answersClose: false } })
      running.interruptUnsafe()
      yield* wires.turns()
      assert.deepStrictEqual(socket.ends, [1001])
      yield* TestClock.adjust("1999 millis")
      yield* wires.turns()
      assert.isFalse(isOver())
      yield* TestClock.adjust("1 millis")
      yield* over
      assert.deepStrictEqual(socket.ends, [1001, "terminate"])
    }))

  it.effect("is not held up by a client that reads nothing", () =>
    Effect.gen(function*() {
      const { isOver, over, running, socket } = yield* open({ socket: { gate: Effect.never } })
      socket.send(call(1, "echo", { text: "x" }))
      yield* wires.turns()
      running.interruptUnsafe()
      yield* wires.turns()
      assert.isFalse(isOver())
      yield* TestClock.adjust("5 seconds")
      yield* over
      assert.deepStrictEqual(socket.ends, [1001])
    }))

  it.effect("closes without controls as well", () =>
    Effect.gen(function*() {
      const { answer, over, running, socket } = yield* open({ connection: { controls: undefined } })
      socket.send(call(1, "echo", { text: "x" }))
      yield* answer(1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(socket.pings(), 0)
      running.interruptUnsafe()
      yield* over
      assert.deepStrictEqual(socket.ends, [1001])
    }))
})

describe("WebSocketConnection's pings", () => {
  it.effect("come at their interval for as long as they are answered", () =>
    Effect.gen(function*() {
      const { isOver, socket } = yield* open()
      for (let minute = 0; minute < 10; minute++) {
        yield* TestClock.adjust("1 minute")
        yield* wires.turns(20)
      }
      assert.strictEqual(socket.pings(), 40)
      assert.isFalse(isOver())
    }))

  it.effect("end a connection that answers none, without a close, and cancel what is in flight with User", () =>
    Effect.gen(function*() {
      let isAlive = true
      const { begin, isOver, over, saw, socket } = yield* open({
        connection: { pingInterval: "20 seconds", pongTimeout: "5 seconds" },
        socket: { isAlive: () => isAlive }
      })
      yield* TestClock.adjust("20 seconds")
      yield* begin(1, "never")
      isAlive = false
      yield* TestClock.adjust("24999 millis")
      yield* wires.turns()
      assert.isFalse(isOver())
      yield* TestClock.adjust("1 millis")
      yield* saw("never Cancelled User")
      yield* over
      assert.deepStrictEqual([socket.pings(), socket.ends, socket.misplaced], [2, ["terminate"], []])
    }))

  it.effect("are not sent, and their answers not missed, while the client is held back", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { answer, isOver, socket } = yield* open({
        connection: { sendTimeout: "1 hour" },
        socket: { gate: Deferred.await(gate), isAlive: () => false }
      })
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(socket.pings(), 1)
      socket.send(call(1, "echo", { text: "x" }))
      yield* answer(1)
      yield* TestClock.adjust("10 minutes")
      yield* wires.turns()
      assert.isFalse(isOver())
      assert.strictEqual(socket.pings(), 1)
      yield* Deferred.succeed(gate, undefined)
      yield* wires.turns()
      yield* TestClock.adjust("15 seconds")
      yield* wires.turns()
      yield* TestClock.adjust("10 seconds")
      yield* wires.until(isOver)
      assert.deepStrictEqual([socket.pings(), socket.ends], [2, ["terminate"]])
    }))

  it.effect("need no answer in time when nothing was read while they were due", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { answer, isOver, socket } = yield* open({
        connection: { highWaterMark: 10 },
        socket: { gate: Deferred.await(gate), isAlive: () => false }
      })
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(socket.pings(), 1)
      for (const id of [1, 2, 3]) {
        socket.send(call(id, "echo", { text: "x" }))
        yield* wires.turns()
      }
      yield* Deferred.succeed(gate, undefined)
      yield* answer(3)
      yield* TestClock.adjust("10 seconds")
      yield* wires.turns()
      assert.isFalse(isOver())
      yield* TestClock.adjust("15 seconds")
      yield* wires.turns()
      yield* TestClock.adjust("10 seconds")
      yield* wires.until(isOver)
      assert.deepStrictEqual([socket.pings(), socket.ends], [2, ["terminate"]])
    }))
})

describe("WebSocketConnection.turnAway", () => {
  for (const answersClose of [true, false]) {
    it.effect(`closes ${answersClose ? "when its client answers" : "after two seconds without an answer"}`, () =>
      Effect.gen(function*() {
        const socket = yield* webSockets.make({ answersClose })
        const running = yield* Effect.forkChild(
          WebSocketConnection.turnAway(socket.socket, new Socket.CloseEvent(1013), socket.controls),
          { startImmediately: true }
        )
        if (!answersClose) {
          yield* wires.turns()
          assert.isUndefined(running.pollUnsafe())
          yield* TestClock.adjust("2 seconds")
        }
        yield* Fiber.join(running)
        assert.deepStrictEqual(socket.ends, answersClose ? [1013] : [1013, "terminate"])
      }))
  }
})
