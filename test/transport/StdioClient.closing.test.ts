import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import * as hearing from "./hearing.ts"
import * as stdioServers from "./stdioServers.ts"

const { notification, request, until } = hearing
const { connect, program, running } = stdioServers

const test = (title: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(title, () => Leaks.check(body()))

const answered = ({ heard }: stdioServers.Connected, id: unknown) =>
  until(
    () => heard.messages.some((message) => message._tag === "Response" && message.id === id),
    () => `an answer to ${id}`
  )

const millis = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

describe("StdioClient, when its scope closes", () => {
  /** What a server says on stderr until it is gone, and how long that takes. */
  const close = (text: string, grace = "300 millis") =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const server = program(text)
      const scope = yield* Scope.make()
      const connected = yield* Scope.provide(
        connect({
          ...server,
          grace: grace as "300 millis",
          stderr: (line) => Effect.sync(() => void said.push(line))
        }),
        scope
      )
      yield* until(() => said.includes("ready"), () => "ready")
      connected.connection.send(notification("goodbye"))
      const took = yield* millis(Scope.close(scope, Exit.void))
      assert.deepStrictEqual(running(server.token), [])
      assert.lengthOf(connected.heard.ends, 0)
      return { said, took }
    })

  const lines = "process.on('SIGTERM', () => console.error('SIGTERM')); console.error('ready');"

  test("sends what was sent, closes stdin, and lets the server end by itself", () =>
    Effect.gen(function*() {
      const { said, took } = yield* close(
        `${lines} onLine(({ method }) => console.error(method)).on("close", () => { console.error("bye"); process.exit(0) })`
      )
      assert.deepStrictEqual(said, ["ready", "goodbye", "bye"])
      assert.isBelow(took, 1500)
    }))

  test("asks a server that goes on after its stdin has ended with SIGTERM", () =>
    Effect.gen(function*() {
      const { said, took } = yield* close(
        "process.on('SIGTERM', () => { console.error('SIGTERM'); process.exit(0) }); console.error('ready'); stay()"
      )
      assert.deepStrictEqual(said, ["ready", "SIGTERM"])
      assert.isAbove(took, 290)
      assert.isBelow(took, 1000)
    }))

  test("kills a server that ignores the end of its stdin and SIGTERM", () =>
    Effect.gen(function*() {
      const { said, took } = yield* close(`${lines} stay()`)
      assert.deepStrictEqual(said, ["ready", "SIGTERM"])
      assert.isAbove(took, 590)
      assert.isBelow(took, 2000)
    }))

  test("ends a server that waits for its stdout to be read", () =>
    Effect.gen(function*() {
      const { said, took } = yield* close(
        "onLine(() => {}).on('close', () => process.stdout.write('x'.repeat(4e6), () => { console.error('bye'); process.exit(0) }));"
          + "console.error('ready')",
        "2 seconds"
      )
      assert.deepStrictEqual(said, ["ready", "bye"])
      assert.isBelow(took, 2000)
    }))

  const grandchild = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.error('ready')"

  test("ends what the server has started, though it ignores SIGTERM, and though the server is gone first", () =>
    Effect.gen(function*() {
      const spawns = `require("child_process").spawn(process.execPath, ["-e", ${
        JSON.stringify(grandchild)
      }, token], { stdio: "inherit" });`
      const rest = ["stay()", "onLine(() => {}).on('close', () => process.exit(0))"]
      const ends = yield* Effect.forEach(rest, (text) => close(`${spawns} ${text}`), { concurrency: 2 })
      for (const { took } of ends) assert.isBelow(took, 2500)
    }))

  test("ends the server behind a shell", () =>
    Effect.gen(function*() {
      const { args, command, token } = program("onLine(({ id }) => say({ id, result: {} }))")
      const quoted = [command, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")
      yield* Effect.scoped(Effect.gen(function*() {
        const connected = yield* connect({ command: "sh", args: ["-c", `${quoted}; true`], grace: "300 millis" })
        connected.connection.send(request(1, "x"))
        yield* answered(connected, 1)
        assert.lengthOf(running(token), 2)
      }))
      assert.deepStrictEqual(running(token), [])
    }))
})
