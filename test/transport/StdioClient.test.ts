import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import * as StdioClient from "fastmcp-effect/transport/StdioClient"
import type * as TransportError from "fastmcp-effect/transport/TransportError"
import { tmpdir } from "node:os"
import * as hearing from "./hearing.ts"
import * as stdioServers from "./stdioServers.ts"

const { request, until } = hearing
const { connect, program, running } = stdioServers

const test = (title: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(title, () => Leaks.check(body()))

const gone = (token: string) => until(() => running(token).length === 0, () => `the end of ${running(token)}`)

const ended = ({ heard }: stdioServers.Connected) => until(() => heard.ends.length > 0, () => "the end")

const answered = ({ heard }: stdioServers.Connected, id: unknown) =>
  until(
    () => heard.messages.some((message) => message._tag === "Response" && message.id === id),
    () => `an answer to ${id} in ${JSON.stringify(heard).slice(0, 1000)}`
  )

const refused = (options: Parameters<typeof connect>[0]): Effect.Effect<TransportError.TransportError> =>
  Effect.scoped(Effect.flip(connect(options))) as Effect.Effect<TransportError.TransportError>

const millis = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

describe("StdioClient, where the server cannot be started", () => {
  const message = (options: Parameters<typeof connect>[0]) =>
    Effect.map(refused(options), (error) => {
      assert.strictEqual(error.reason._tag, "Unreachable")
      return error.message
    })

  test("names a command that is not on the PATH, and says what to do", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* message({ command: "no-such-server", args: ["--port", "1"] }),
        "Cannot reach no-such-server --port 1: there is no program \"no-such-server\" on its PATH; "
          + "install it, or give its whole path"
      )
    }))

  test("tells a path that leads nowhere, a file that is no program, and a folder that is not there", () =>
    Effect.gen(function*() {
      assert.match(yield* message({ command: "/no/such/server" }), /there is no file \/no\/such\/server/u)
      assert.match(yield* message({ command: import.meta.filename }), /may not be run; make it executable/u)
      assert.match(yield* message({ command: "sh", cwd: "/no/such/folder" }), /\/no\/such\/folder, which is no dir/u)
      assert.match(yield* message({ command: "sh", cwd: import.meta.filename }), /ENOTDIR/u)
      assert.match(yield* message({ command: "sh\0" }), /NUL character/u)
    }))

  test("shows no argument that is redacted", () =>
    Effect.gen(function*() {
      const args = ["--key", Redacted.make("hunter2")]
      assert.include(yield* message({ command: "no-such-server", args }), "no-such-server --key <redacted>")
      const error = yield* refused({ command: "no-such-server", args })
      assert.notInclude(JSON.stringify(error) + String((error.reason as any).cause), "hunter2")
    }))
})

describe("StdioClient, where the server ends by itself", () => {
  const reasonOf = (text: string, before: (connected: stdioServers.Connected) => void = () => {}) =>
    Effect.gen(function*() {
      const server = program(text)
      const connected = yield* connect({ ...server, grace: "100 millis" })
      before(connected)
      yield* ended(connected)
      yield* gone(server.token)
      assert.lengthOf(connected.heard.ends, 1)
      return { connected, error: connected.heard.ends[0]!, reason: connected.heard.ends[0]!.reason }
    })

  test("tells its exit code and the last it said on stderr", () =>
    Effect.gen(function*() {
      const { error, reason } = yield* reasonOf("console.error('Set API_KEY.'); process.exit(3)")
      assert.deepInclude(reason, { _tag: "Exited", code: 3, stderr: "Set API_KEY.\n" })
      assert.match(error.message, /has exited with code 3:\nSet API_KEY\.$/u)
    }))

  test("tells the signal that ended it, and that it said nothing", () =>
    Effect.gen(function*() {
      const { error, reason } = yield* reasonOf("process.kill(process.pid, 'SIGKILL')")
      assert.deepInclude(reason, { _tag: "Exited", signal: "SIGKILL", stderr: "" })
      assert.match(error.message, /was ended by SIGKILL and said nothing on stderr$/u)
    }))

  test("says nothing of a stderr that is shown elsewhere", () =>
    Effect.gen(function*() {
      const connected = yield* connect({ ...program("process.exit(3)"), stderr: "inherit" })
      yield* ended(connected)
      assert.match(connected.heard.ends[0]!.message, /has exited with code 3$/u)
      assert.notProperty(connected.heard.ends[0]!.reason, "stderr")
    }))

  test("keeps the last 64 KiB of what it said", () =>
    Effect.gen(function*() {
      const { error, reason } = yield* reasonOf(
        "for (let n = 0; n < 3000; n++) console.error('x'.repeat(99)); console.error('the last'); process.exitCode = 1"
      )
      const { stderr = "" } = reason as TransportError.Exited
      assert.lengthOf(stderr, 1 << 16)
      assert.isTrue(stderr.endsWith("x\nthe last\n"))
      assert.isBelow(error.message.length, 70_000)
      assert.isTrue(error.message.endsWith("x\nthe last"))
    }))

  test("brings what it said before, a last message without a newline too", () =>
    Effect.gen(function*() {
      const { connected } = yield* reasonOf(
        "say({ method: 'a' }); process.stdout.write('{\"jsonrpc\":\"2.0\",\"method\":\"b\"}')"
      )
      assert.deepStrictEqual(connected.heard.messages.map(({ method }) => method), ["a", "b"])
    }))

  test("counts a message that breaks off as invalid, and a server that closed its stdout as ended", () =>
    Effect.gen(function*() {
      const { connected, reason } = yield* reasonOf(
        "stay(); process.stdout.write('{\"jsonrpc\":\"2.0\",\"id\":1,\"resu', () => require('fs').closeSync(1))",
        ({ connection }) => connection.send(request(1, "x"))
      )
      assert.strictEqual(reason._tag, "Closed")
      assert.match(connected.heard.ends[0]!.message, /runs on, but has closed its stdout$/u)
      assert.deepInclude(connected.heard.messages[0], { _tag: "Invalid", id: null })
    }))

  test("counts a server that closed its stdin as ended", () =>
    Effect.gen(function*() {
      const server = program("stay(); require('fs').closeSync(0); say({ method: 'closed' })")
      const connected = yield* connect({ ...server, grace: "100 millis" })
      yield* until(() => connected.heard.messages.length === 1, () => "closed")
      connected.connection.send(request(1, "x"))
      yield* ended(connected)
      assert.match(connected.heard.ends[0]!.message, /runs on, but no longer reads its stdin$/u)
      yield* gone(server.token)
    }))

  test("ends with it even if a process it has started goes on and holds its stdout", () =>
    Effect.gen(function*() {
      const { reason } = yield* reasonOf(
        "require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', token], "
          + "{ stdio: ['ignore', 'inherit', 'inherit'] }).once('spawn', () => process.exit(0))"
      )
      assert.deepInclude(reason, { _tag: "Exited", code: 0 })
    }))
})

describe("StdioClient, where the server writes what it should not", () => {
  test("gives lines that are no messages as invalid, and goes on", () =>
    Effect.gen(function*() {
      const connected = yield* connect(program(
        "console.log('Starting...\\n\\n{not json}\\n[]\\n\\u0000\\ufffd'); process.stdout.write(Buffer.from([0xff, 10]));"
          + "onLine(({ id }) => say({ id, result: {} }))"
      ))
      connected.connection.send(request(1, "x"))
      yield* answered(connected, 1)
      assert.deepStrictEqual(
        connected.heard.messages.map(({ _tag }) => _tag),
        ["Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "Response"]
      )
      assert.lengthOf(connected.heard.ends, 0)
    }))

  test("discards a message that is too long, tells which request has no answer for it, and goes on", () =>
    Effect.gen(function*() {
      const connected = yield* connect({
        ...program(`
          const text = "x".repeat(50_000)
          const write = (message) => process.stdout.write(JSON.stringify(message) + "\\n")
          onLine(({ id }) => {
            if (id === 1) say({ id, result: { text } })
            if (id === "two") write({ result: { text, id: 9 }, jsonrpc: "2.0", id })
            if (id === 3) write({ error: { code: 1, message: text }, id, jsonrpc: "2.0" })
            if (id === 4) say({ id, result: {} })
          })
          say({ id: 7, method: "ask", params: { text } })
          write({ method: "ask", params: { result: {}, text }, jsonrpc: "2.0", id: "8" })
          say({ method: "tell", params: { text } })
          process.stdout.write(text + "\\n")
        `),
        maxLineBytes: 10_000
      })
      for (const id of [1, "two", 3, 4]) connected.connection.send(request(id, "x"))
      yield* answered(connected, 4)
      assert.deepStrictEqual(
        connected.heard.failures.map(({ error, id }) => [id, error.reason._tag, error.message]),
        [1, "two", 3].map((id) => [id, "TooLarge", "The server sent a message of more than 10000 bytes"])
      )
      assert.deepStrictEqual(
        connected.heard.messages.map(({ _tag, id, isResponse }) => [_tag, id, isResponse]),
        [
          ["Invalid", 7, false],
          ["Invalid", "8", false],
          ["Invalid", null, false],
          ["Invalid", null, false],
          ["Response", 4, undefined]
        ]
      )
    }))

  test("is silent about an answer that is too long where it was forgotten", () =>
    Effect.gen(function*() {
      const connected = yield* connect({
        ...program("onLine(({ id }) => say({ id, result: { text: 'x'.repeat(id) } }))"),
        maxLineBytes: 1000
      })
      connected.connection.send(request(2000, "x"))
      connected.connection.forget(2000)
      connected.connection.send(request(1, "x"))
      yield* answered(connected, 1)
      assert.lengthOf(connected.heard.failures, 0)
    }))
})

describe("StdioClient, where the server does not read", () => {
  const stuffed = (options: object = {}) =>
    Effect.gen(function*() {
      const server = program("process.once('SIGUSR2', () => onLine(({ id }) => say({ id, result: {} }))); stay()")
      const connected = yield* connect({ ...server, grace: "200 millis", ...options })
      const text = "x".repeat(10_000)
      let sent = 0
      while (!connected.connection.congested() && sent < 10_000) {
        connected.connection.send(request(sent++, "x", { text }))
        yield* Effect.yieldNow
      }
      return { server, connected, sent }
    })

  test("is congested until it reads again", () =>
    Effect.gen(function*() {
      const { connected, sent, server } = yield* stuffed()
      // A mebi of characters, and what the pipe takes.
      assert.isBelow(sent, 500)
      const drained = yield* Effect.forkChild(connected.connection.drained)
      yield* Effect.sleep("50 millis")
      assert.isTrue(connected.connection.congested())
      assert.isUndefined(drained.pollUnsafe())
      yield* until(() => running(server.token).length === 1, () => "the server")
      yield* Effect.sleep("50 millis")
      process.kill(running(server.token)[0]!, "SIGUSR2")
      yield* Fiber.join(drained)
      yield* answered(connected, sent - 1)
      assert.isFalse(connected.connection.congested())
    }))

  test("closes in the time it takes to end a server, and keeps nobody waiting", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { connected, server } = yield* Scope.provide(stuffed(), scope)
      const drained = yield* Effect.forkChild(connected.connection.drained, { startImmediately: true })
      assert.isBelow(yield* millis(Scope.close(scope, Exit.void)), 1500)
      yield* Fiber.join(drained)
      assert.isFalse(connected.connection.congested())
      assert.deepStrictEqual(running(server.token), [])
    }))
})

describe("StdioClient's environment", () => {
  const environmentOf = (options: Partial<NodeStdioClient.Options>) =>
    Effect.scoped(Effect.gen(function*() {
      const connected = yield* connect({ ...program("say({ method: 'env', params: process.env })"), ...options })
      yield* until(() => connected.heard.messages.length === 1, () => "the environment")
      return connected.heard.messages[0].params as Record<string, string>
    }))

  test("passes on the variables of the official SDKs alone", () =>
    Effect.gen(function*() {
      const variables = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"]
      assert.deepStrictEqual(StdioClient.inheritedVariables, variables)
      assert.deepStrictEqual(
        yield* environmentOf({}),
        Object.fromEntries(
          variables.flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]]])
        )
      )
    }))

  test("passes on what it is told to, adds to it, and leaves out what a shell could run", () =>
    Effect.gen(function*() {
      const before = { ...process.env }
      Object.assign(process.env, { FUNCTION: "() { :; }", OTHER: "other", SECRET: "secret" })
      try {
        const some = yield* environmentOf({
          inheritEnv: ["PATH", "FUNCTION", "OTHER", "ABSENT"],
          env: { KEY: Redacted.make("key"), OTHER: undefined }
        })
        assert.deepStrictEqual(some, { PATH: process.env.PATH!, KEY: "key" })
        const all = yield* environmentOf({ inheritEnv: true, env: { OTHER: "mine" } })
        assert.deepInclude(all, { FUNCTION: "() { :; }", OTHER: "mine", SECRET: "secret" })
      } finally {
        for (const name of ["FUNCTION", "OTHER", "SECRET"]) delete process.env[name]
      }
      assert.deepStrictEqual({ ...process.env }, before)
    }))

  test("runs the server where it is told to", () =>
    Effect.gen(function*() {
      const connected = yield* connect({
        ...program("say({ method: 'cwd', params: { cwd: process.cwd() } })"),
        cwd: tmpdir()
      })
      yield* until(() => connected.heard.messages.length === 1, () => "the folder")
      assert.strictEqual(connected.heard.messages[0].params.cwd, tmpdir())
    }))
})

describe("StdioClient's stderr", () => {
  const talkative =
    "for (let n = 1; n <= 20000; n++) console.error('line ' + n); onLine(({ id }) => say({ id, result: {} }))"

  test("gives each line to an effect", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const connected = yield* connect({
          ...program("process.stderr.write('one\\r\\ntwo\\n\\nthr'); process.stderr.write('ee'); process.exitCode = 0"),
          stderr: (line) => Effect.sync(() => void said.push(line))
        })
        yield* ended(connected)
      }))
      assert.deepStrictEqual(said, ["one", "two", "three"])
    }))

  test("does not make the server wait for the effect, nor end for its defect", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      let lines = 0
      for (const heard of [Effect.never, Effect.die("Not today.")]) {
        yield* Effect.scoped(Effect.gen(function*() {
          const connected = yield* connect({
            ...program(talkative),
            stderr: () => Effect.andThen(Effect.sync(() => void lines++), heard)
          })
          connected.connection.send(request(1, "x"))
          yield* answered(connected, 1)
        })).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])))
      }
      assert.isAbove(lines, 2)
      assert.isTrue(logged.length > 0 && logged.every((line) => line.includes("Who hears a server's stderr")))
    }))
})
