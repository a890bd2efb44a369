/** An example as a program of its own, which answers at an address of this machine. */
import { type ChildProcess, spawn } from "node:child_process"
import { createServer } from "node:net"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

export const root = path.resolve(import.meta.dirname, "../..")

export const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0))
    })
  })

export interface Program {
  readonly url: string
  readonly hasDied: () => boolean
  readonly stop: () => void
}

/** Once it answers at `path`. */
export const start = async (at: string, ...args: ReadonlyArray<string>): Promise<Program> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}${at}`
  const child: ChildProcess = spawn(
    process.execPath,
    ["--conditions=fastmcp-effect/source", ...args],
    { cwd: root, env: { ...process.env, PORT: String(port) }, stdio: ["ignore", "pipe", "pipe"] }
  )
  // Whatever ends this process, the program goes with it.
  process.once("exit", () => child.kill("SIGKILL"))
  let output = ""
  child.stdout!.on("data", (chunk) => output += chunk)
  child.stderr!.on("data", (chunk) => output += chunk)
  const hasDied = () => child.exitCode !== null || child.signalCode !== null
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline && !hasDied()) {
    const answered = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(() => true, () => false)
    if (answered) return { url, hasDied, stop: () => child.kill("SIGTERM") }
    await sleep(100)
  }
  child.kill("SIGKILL")
  throw new Error(`the program did not answer at ${url}\n${output}`)
}
