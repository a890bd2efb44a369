import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PlatformError from "effect/PlatformError"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as StdioServer from "fastmcp-effect/transport/StdioServer"
import * as processes from "../server/processes.ts"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"

const line = (message: object) => `${JSON.stringify(message)}\n`

const initialize = line(wires.request("Stateful", "initialize", "initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "test", version: "1" }
}))

describe("StdioServer", () => {
  it.effect("reads no more while its peer does not read, and goes on when it does", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      let pulled = 0
      const written: Array<string> = []
      const context = yield* wires.build(tools.server())
      const chunk = (first: number) =>
        new TextEncoder().encode(
          Array.from(
            { length: 10 },
            (_, i) => line(wires.call("Stateless", first + i, "echo", { text: "x".repeat(50) }))
          )
            .join("")
        )
      const running = yield* Effect.forkChild(
        StdioServer.run({ highWaterMark: 10_000 }).pipe(
          Effect.provideService(
            Stdio.Stdio,
            Stdio.make({
              args: Effect.succeed([]),
              stdin: Stream.map(Stream.rechunk(Stream.range(0, 99), 1), (n) => {
                pulled++
                return chunk(10 * n)
              }),
              stdout: () =>
                Sink.forEach((batch: string | Uint8Array) =>
                  Effect.map(Deferred.await(gate), () => {
                    written.push(...String(batch).trimEnd().split("\n"))
                  })
                ),
              stderr: () => Sink.drain
            })
          ),
          Effect.provideContext(context)
        )
      )
      yield* wires.turns(2000)
      // One batch on its way out, one above the mark, and the chunk that went over it.
      assert.isAbove(pulled, 3)
      assert.isBelow(pulled, 20)
      yield* Deferred.succeed(gate, undefined)
      yield* wires.until(() => running.pollUnsafe() !== undefined)
      assert.deepStrictEqual(
        written.map((frame) => JSON.parse(frame).id),
        Array.from({ length: 1000 }, (_, id) => id)
      )
    }))

  it.effect("holds back a handler that talks to a peer that does not read", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const probe = tools.makeProbe()
      const wire = yield* wires.open("stdio", "Stateless", tools.server(probe), {
        highWaterMark: 1000,
        gate: Deferred.await(gate)
      })
      wire.send(wires.call("Stateless", 1, "talk", { count: 1000 }, { progressToken: 1 }))
      yield* wires.turns(2000)
      assert.deepStrictEqual(probe.events, ["talk started"])
      yield* Deferred.succeed(gate, undefined)
      yield* wires.until(() => wire.frames.length === 1001, () => `1001 frames: ${wire.frames.length} ${probe.events}`)
      assert.deepStrictEqual(
        wire.frames.slice(0, 1000).map(({ params }) => params.progress),
        Array.from({ length: 1000 }, (_, i) => i + 1)
      )
      assert.strictEqual(wire.frames[1000]!.id, 1)
    }))

  it.effect("cancels a handler that is held back", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const probe = tools.makeProbe()
      const wire = yield* wires.open("stdio", "Stateless", tools.server(probe), {
        highWaterMark: 1000,
        gate: Deferred.await(gate)
      })
      wire.send(wires.call("Stateless", 1, "talk", { count: 1e9 }, { progressToken: 1 }))
      yield* wires.turns(500)
      // Held back as it is, the server reads nothing; what it has read already goes on.
      yield* TestClock.adjust("30 seconds")
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* wires.answer(wire, 1)).error?.code, 408)
      yield* wires.turns()
      assert.strictEqual(wire.frames.at(-1)!.id, 1)
    }))

  it.effect("takes a last line without a newline", () =>
    Effect.gen(function*() {
      const frames: Array<string> = []
      const context = yield* wires.build(tools.server())
      yield* StdioServer.run().pipe(
        Effect.provideService(
          Stdio.Stdio,
          Stdio.make({
            args: Effect.succeed([]),
            stdin: Stream.make(
              new TextEncoder().encode(line(wires.call("Stateless", 1, "echo", { text: "x" })).trimEnd())
            ),
            stdout: () => Sink.forEach((batch: string | Uint8Array) => Effect.sync(() => frames.push(String(batch)))),
            stderr: () => Sink.drain
          })
        ),
        Effect.provideContext(context)
      )
      assert.lengthOf(frames, 1)
    }))

  for (const end of ["stdin", "stdout"] as const) {
    it.effect(`ends with a TransportError when ${end} fails, and cancels what is in flight`, () =>
      Effect.gen(function*() {
        const probe = tools.makeProbe()
        const broken = yield* Deferred.make<never, PlatformError.PlatformError>()
        const failure = PlatformError.systemError({ module: "Stdio", method: end, _tag: "Unknown" })
        const context = yield* wires.build(tools.server(probe))
        const first = new TextEncoder().encode(
          line(wires.call("Stateless", 1, "talkingNever", {}, { progressToken: 1 }))
        )
        const running = yield* Effect.forkChild(
          StdioServer.run({ grace: "5 seconds" }).pipe(
            Effect.provideService(
              Stdio.Stdio,
              Stdio.make({
                args: Effect.succeed([]),
                stdin: Stream.concat(
                  Stream.make(first),
                  end === "stdin" ? Stream.fromEffect(Deferred.await(broken)) : Stream.never
                ),
                stdout: () => Sink.forEach(() => end === "stdout" ? Deferred.await(broken) : Effect.void),
                stderr: () => Sink.drain
              })
            ),
            Effect.provideContext(context)
          )
        )
        yield* wires.until(() => probe.events.length === 1)
        yield* Deferred.fail(broken, failure)
        yield* wires.turns()
        if (end === "stdin") yield* TestClock.adjust("5 seconds")
        yield* wires.until(() => running.pollUnsafe() !== undefined, () => `the end, after ${probe.events}`)
        const exit = running.pollUnsafe()!
        assert.isTrue(Exit.isFailure(exit))
        assert.match(String(exit), /TransportError/u)
        assert.lengthOf(probe.events, 2)
        assert.match(probe.events[1]!, /^talkingNever Cancelled/u)
      }))
  }
})

describe("StdioServer as a process", () => {
  const stdio = (use: (server: processes.Server) => Promise<void>, env = {}) =>
    processes.withServer([processes.tools, "stdio"], env, use)

  it(
    "answers, cancels in both eras, keeps logs off stdout, and exits with 0 when stdin ends",
    stdio(async (server) => {
      const { answer, frames } = processes.reader(server)
      const { stdin } = server.child
      stdin.write(line(wires.call("Stateless", 1, "never")))
      await server.said("event: never started")
      stdin.write(line(wires.notification("notifications/cancelled", { requestId: 1 })))
      await server.said("event: never Cancelled User")
      stdin.write(initialize + line(wires.call("Stateful", 2, "talkingNever", {}, { progressToken: "p" })))
      await server.said("event: talkingNever started")
      stdin.write(line(wires.request("Stateful", 3, "ping")))
      assert.deepStrictEqual((await answer(3)).result, {})
      stdin.write(line(wires.notification("notifications/cancelled", { requestId: 2 })))
      await server.said("event: talkingNever Cancelled User")
      stdin.write(line(wires.call("Stateful", 4, "explode", { how: "dies" })))
      assert.strictEqual((await answer(4)).error?.code, -32603)
      stdin.end()
      assert.strictEqual(await server.exited, 0)
      assert.deepStrictEqual(frames.map(({ id, method }) => method ?? id), [
        "initialize",
        "notifications/progress",
        3,
        4
      ])
      assert.include(server.stderr(), tools.secret)
    })
  )

  for (
    const [what, stop] of [
      ["stdin ends", (server: processes.Server) => server.child.stdin.end()],
      ["SIGTERM comes", (server: processes.Server) => server.child.kill("SIGTERM")]
    ] as const
  ) {
    it(
      `gives requests a grace period when ${what}, cancels the rest with Shutdown, answers, and exits with 0`,
      stdio(
        async (server) => {
          const { answer } = processes.reader(server)
          server.child.stdin.write(line(wires.call("Stateless", 1, "never")))
          await server.said("event: never started")
          stop(server)
          const { error } = await answer(1)
          assert.deepStrictEqual([error?.code, error?.data["fastmcp-effect/outcome"].reason], [499, "Shutdown"])
          assert.strictEqual(await server.exited, 0)
          assert.include(server.stderr(), "event: never Cancelled Shutdown")
        }
      )
    )
  }

  it(
    "cancels what runs and ends, without a crash, when its peer no longer reads stdout",
    stdio(async (server) => {
      const { answer } = processes.reader(server)
      server.child.stdin.write(
        line(wires.call("Stateless", 1, "never")) + line(wires.call("Stateless", 2, "echo", { text: "x" }))
      )
      await answer(2)
      server.child.stdout.destroy()
      server.child.stdin.write(line(wires.call("Stateless", 3, "echo", { text: "x" })))
      await server.said(/event: never Cancelled (User|Shutdown)/u)
      await processes.within(5000, () => "the end of the server", server.exited)
      assert.notInclude(server.stderr(), "Unhandled")
      assert.notInclude(server.stderr(), "throw er")
    })
  )

  it(
    "discards a line of 200 MB while it reads it, in bounded memory, and reads the next line",
    stdio(async (server) => {
      const { answer, frames } = processes.reader(server)
      const { stdin } = server.child
      stdin.write(line(wires.call("Stateless", 1, "echo", { text: "x" })))
      await answer(1)
      const chunk = Buffer.alloc(1 << 20, "x")
      let halfway = 0
      for (let megabyte = 0; megabyte < 200; megabyte++) {
        if (megabyte === 100) halfway = processes.peakMegabytes(server)
        if (!stdin.write(chunk)) await new Promise<void>((resolve) => stdin.once("drain", () => resolve()))
      }
      stdin.write("\n" + line(wires.call("Stateless", 2, "echo", { text: "fine" })))
      assert.strictEqual((await answer(2)).result.content[0].text, "fine")
      assert.lengthOf(frames, 3)
      assert.deepStrictEqual([frames[1]!.id, frames[1]!.error?.code], [null, -32600])
      // However long the line is: the second hundred megabytes cost no more than what waits to be collected.
      assert.isBelow(processes.peakMegabytes(server) - halfway, 50)
    })
  )

  it(
    "holds back a peer that writes 20,000 requests and reads nothing, then answers each once",
    stdio(async (server) => {
      const { stdin, stdout } = server.child
      const { answer, frames, until } = processes.reader(server)
      stdin.write(line(wires.call("Stateless", "ready", "echo", { text: "x" })))
      await answer("ready")
      const before = processes.peakMegabytes(server)
      stdout.pause()
      const total = 20_000
      const text = "x".repeat(200)
      let sent = 0
      const feed = () => {
        for (; sent < total; sent++) {
          if (!stdin.write(line(wires.call("Stateless", sent, "echo", { text })))) {
            sent++
            stdin.once("drain", feed)
            return
          }
        }
      }
      feed()
      // Held back: nothing was taken for a while, though there is more to send.
      for (let last = -1, still = 0; still < 6;) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        still = sent === last ? still + 1 : 0
        last = sent
      }
      assert.isBelow(sent, total / 2, "requests taken")
      assert.isBelow(processes.peakMegabytes(server) - before, 60)
      frames.length = 0
      stdout.resume()
      await until(() => frames.length >= total, "all answers")
      assert.lengthOf(frames, total)
      assert.strictEqual(new Set(frames.map(({ id }) => id)).size, total)
      assert.isTrue(frames.every(({ result }) => result.content[0].text === text))
      assert.isBelow(processes.peakMegabytes(server) - before, 250)
    })
  )
})
