/** A server as a process of its own, which says on stderr where it listens. */
import { spawn } from "node:child_process"

export interface Started {
  readonly port: number
  readonly pid: number
  /** Ends it in good order; the exit code. */
  readonly stop: () => Promise<number | null>
}

export const startServer = (
  script: string,
  flags: ReadonlyArray<string> = [],
  args: ReadonlyArray<string> = []
): Promise<Started> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, "--conditions=fastmcp-effect/source", script, ...args], {
      stdio: ["ignore", "ignore", "pipe"]
    })
    process.once("exit", () => child.kill("SIGKILL"))
    let errors = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-10_000)
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(errors)?.[1]
      if (port === undefined) return
      resolve({
        port: Number(port),
        pid: child.pid!,
        stop: () =>
          new Promise((done) => {
            child.once("close", (code) => {
              if (code !== 0) console.error(errors)
              done(code)
            })
            child.kill("SIGTERM")
          })
      })
    })
    child.once("close", (code) => reject(new Error(`the server ended with ${code}\n${errors}`)))
  })
