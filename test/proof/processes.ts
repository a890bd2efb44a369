/**
 * A client with many servers as processes: whatever ends it, none of them is left. Only of a client that is killed
 * outright are those left that ignore the end of their stdin.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn } from "node:child_process"
import * as path from "node:path"
import * as stdioServers from "../transport/stdioServers.ts"
import * as servers from "./servers.ts"

/** What it came to: where something was left, a line each. */
export interface Outcome {
  readonly failures: ReadonlyArray<string>
  readonly report: ReadonlyArray<string>
}

export interface Options {
  readonly crowd: servers.Crowd
  /** Milliseconds; what the client gives its servers. */
  readonly grace: number
  /** Milliseconds after which a client that is still connecting is interrupted. */
  readonly interrupts: ReadonlyArray<number>
}

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const newToken = () => `proof-${crypto.randomUUID()}`

export const prove = async ({ crowd, grace, interrupts }: Options): Promise<Outcome> => {
  const failures: Array<string> = []
  const report: Array<string> = []
  const count = servers.list(crowd).length
  /** A shell and what it has started count once. */
  const started = (token: string) => stdioServers.running(token).length - (crowd["behind a shell"] ?? 0)

  const settle = (what: string, token: string, millis: number) => {
    const left = stdioServers.running(token)
    report.push(`${what}: ${left.length} left, after ${millis.toFixed(0)} ms`)
    if (left.length > 0) failures.push(`${what}: ${left.length} left`)
    for (const pid of left) process.kill(pid, "SIGKILL")
  }

  const run = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.runPromise(effect).catch((error: unknown) => void failures.push(String(error)))

  {
    const token = newToken()
    let start = 0
    await run(Effect.scoped(Effect.andThen(
      servers.connect(crowd, token, grace),
      Effect.sync(() => {
        if (started(token) !== count) failures.push(`close: ${started(token)} of ${count} had started`)
        start = performance.now()
      })
    )))
    settle("close", token, performance.now() - start)
  }

  for (const millis of interrupts) {
    const token = newToken()
    let start = 0
    let began = 0
    await run(Effect.gen(function*() {
      const connecting = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(servers.connect(crowd, token, grace), Effect.never))
      )
      yield* Effect.sleep(millis)
      began = stdioServers.running(token).length
      start = performance.now()
      yield* Fiber.interrupt(connecting)
    }))
    settle(`interruption after ${millis} ms, with ${began} processes`, token, performance.now() - start)
  }

  const client = async (token: string) => {
    const child = spawn(
      process.execPath,
      [
        "--conditions=fastmcp-effect/source",
        path.join(import.meta.dirname, "clientProcess.ts"),
        token,
        JSON.stringify(crowd),
        String(grace)
      ],
      { stdio: ["ignore", "pipe", "inherit"] }
    )
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    await Promise.race([new Promise((resolve) => child.stdout.once("data", resolve)), exited])
    const connected = started(token) - 1
    if (connected !== count) failures.push(`a client's ${connected} of ${count} had started`)
    return { child, exited }
  }

  {
    const token = newToken()
    const { child, exited } = await client(token)
    const start = performance.now()
    child.kill("SIGTERM")
    await exited
    settle("SIGTERM to the client", token, performance.now() - start)
  }

  {
    const token = newToken()
    const { child, exited } = await client(token)
    const start = performance.now()
    child.kill("SIGKILL")
    await exited
    const stubborn = crowd.stubborn ?? 0
    while (stdioServers.running(token).length > stubborn && performance.now() - start < 2000) await sleep(10)
    const millis = performance.now() - start
    const left = stdioServers.running(token)
    report.push(
      `SIGKILL to the client: ${left.length} left, the ${stubborn} stubborn ones, after ${millis.toFixed(0)} ms`
    )
    if (left.length !== stubborn) failures.push(`SIGKILL to the client: ${left.length} left, and not ${stubborn}`)
    for (const pid of left) process.kill(pid, "SIGKILL")
  }

  return { failures, report }
}

export const run = async (): Promise<ReadonlyArray<string>> => {
  const { failures, report } = await prove({
    crowd: { ours: 25, "SDK 1": 15, "SDK 2": 10, bare: 25, "behind a shell": 20, stubborn: 5 },
    grace: 2000,
    interrupts: [5, 50, 200, 1000, 3000]
  })
  for (const line of report) console.log(line)
  return failures
}
