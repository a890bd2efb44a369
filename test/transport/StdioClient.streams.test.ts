import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import * as Scheduler from "effect/Scheduler"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as StdioClient from "fastmcp-effect/transport/StdioClient"
import * as hearing from "./hearing.ts"

/** A process that is nothing but its streams. */
const spawn = (options: { readonly stderr?: Stream.Stream<Uint8Array> } = {}) =>
  Effect.gen(function*() {
    const written: Array<string> = []
    const stdout = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    const handle = ChildProcessSpawner.makeHandle({
      pid: ChildProcessSpawner.ProcessId(1),
      exitCode: Effect.never,
      isRunning: Effect.succeed(true),
      kill: () => Effect.void,
      stdin: Sink.forEach((chunk: Uint8Array) => Effect.sync(() => void written.push(new TextDecoder().decode(chunk)))),
      stdout: Stream.fromQueue(stdout),
      stderr: options.stderr ?? Stream.empty,
      all: Stream.empty,
      getInputFd: () => Sink.drain,
      getOutputFd: () => Stream.empty,
      unref: Effect.succeed(Effect.void)
    })
    const transport = yield* StdioClient.make({ command: "server", environment: {}, grace: 0 }).pipe(
      Effect.provideService(
        ChildProcessSpawner.ChildProcessSpawner,
        ChildProcessSpawner.make(() => Effect.succeed(handle))
      )
    )
    return {
      written,
      transport,
      /** What the server writes in one go, a line each. */
      say: (...lines: ReadonlyArray<object>) =>
        Queue.offerUnsafe(stdout, new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join("")))
    }
  })

const answer = (id: number) => ({ jsonrpc: "2.0", id, result: {} })

describe("StdioClient, of a process that is nothing but its streams", () => {
  it.effect("writes at once what is sent in one turn, and what is said in answer to one chunk", () =>
    Effect.gen(function*() {
      const { say, transport, written } = yield* spawn()
      const heard = hearing.make(({ id }) => connection.send(hearing.notification("answer", { id })))
      const connection: ClientTransport.Connection = yield* transport.connect(heard.listener)
      for (let number = 0; number < 100; number++) connection.send(hearing.notification("number", { number }))
      yield* McpTest.settle
      assert.strictEqual(written.length, 1)
      assert.strictEqual(written[0]!.split("\n").length, 101)
      say(...[1, 2, 3].map((id) => ({ jsonrpc: "2.0", id, method: "ask" })))
      yield* McpTest.settle
      assert.strictEqual(written.length, 2)
      assert.deepStrictEqual(
        written[1]!.trim().split("\n").map((line) => JSON.parse(line).params.id),
        [1, 2, 3]
      )
    }))

  it.effect("tells nothing before it has connected, wherever the one who connects gives way", () =>
    Effect.gen(function*() {
      const before = 300
      for (let operations = 0; operations < before; operations++) {
        const { say, transport } = yield* spawn()
        say({ jsonrpc: "2.0", method: "greeting" })
        let isConnected = false
        let wasEarly = false
        const heard = hearing.make(() => {
          wasEarly ||= !isConnected
        })
        yield* Effect.forEach(Array.from({ length: operations }), () => Effect.void, { discard: true }).pipe(
          Effect.andThen(transport.connect(heard.listener)),
          Effect.map(() => {
            isConnected = true
          }),
          Effect.andThen(McpTest.settle),
          Effect.scoped,
          Effect.provideService(Scheduler.MaxOpsBeforeYield, before),
          Effect.forkChild,
          Effect.flatMap(Fiber.join)
        )
        assert.lengthOf(heard.messages, 1)
        assert.isFalse(wasEarly, `after ${operations} operations`)
      }
    }))

  it.effect("forgets the oldest of many requests that nobody waits for", () =>
    Effect.gen(function*() {
      const { say, transport } = yield* spawn()
      const heard = hearing.make()
      const connection = yield* transport.connect(heard.listener)
      for (let id = 0; id < 1025; id++) connection.forget(id)
      say(...[0, 1, 1024].map(answer))
      yield* McpTest.settle
      assert.deepStrictEqual(heard.messages.map(({ id }) => id), [0])
    }))

  it.effect("takes what is forgotten out of a batch", () =>
    Effect.gen(function*() {
      const { say, transport } = yield* spawn()
      const heard = hearing.make()
      const connection = yield* transport.connect(heard.listener)
      for (const id of [1, 2, 3]) connection.forget(id)
      say([answer(1), answer(2)], [answer(3), answer(4)])
      yield* McpTest.settle
      assert.deepStrictEqual(
        heard.messages.map(({ _tag, messages }) => [_tag, messages.map(({ id }: { readonly id: number }) => id)]),
        [["Batch", [4]]]
      )
    }))

  it.effect("ends, and logs why, where a listener throws", () => {
    const logged: Array<string> = []
    return Effect.gen(function*() {
      const { say, transport } = yield* spawn()
      const heard = hearing.make(() => {
        throw new Error("Not today.")
      })
      yield* transport.connect(heard.listener)
      say({ jsonrpc: "2.0", method: "tell" })
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
      assert.lengthOf(heard.ends, 1)
      assert.isTrue(logged.some((line) => line.includes("hit a defect")))
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])))
  })
})
