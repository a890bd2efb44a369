/** Runs a program as a user would, in a process group of its own, and leaves nothing of it behind. */
import { spawn } from "node:child_process"
import * as path from "node:path"

export const root = path.resolve(import.meta.dirname, "../..")

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Processes it started were alive after its own end. */
  readonly outlived: boolean
}

export interface Options {
  readonly args?: ReadonlyArray<string>
  /** Written to stdin, which is then closed. */
  readonly input?: string
  readonly env?: Record<string, string>
  /** Seconds until the whole group is killed; the code is then `null`. */
  readonly limit?: number
  /** Once stdout or stderr shows this, `meanwhile` runs, and then SIGTERM ends the program. */
  readonly until?: RegExp
  readonly meanwhile?: (shown: RegExpExecArray) => Promise<void>
}

export const run = (file: string, options: Options = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--conditions=fastmcp-effect/source", file, ...options.args ?? []], {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true
    })
    const killGroup = (): boolean => {
      try {
        return process.kill(-child.pid!, "SIGKILL")
      } catch {
        return false
      }
    }
    const timer = setTimeout(killGroup, (options.limit ?? 30) * 1000)
    process.once("exit", killGroup)
    let stdout = ""
    let stderr = ""
    let meanwhile: Promise<void> | undefined
    const look = () => {
      const shown = meanwhile === undefined ? options.until?.exec(stdout + stderr) : null
      if (!shown) return
      meanwhile = (options.meanwhile?.(shown) ?? Promise.resolve()).finally(() => child.kill("SIGTERM"))
      meanwhile.catch(reject)
    }
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk
      look()
    })
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk
      look()
    })
    child.stdin.on("error", () => {})
    if (options.input !== undefined || options.until === undefined) child.stdin.end(options.input ?? "")
    const end = (code: number | null) => {
      clearTimeout(timer)
      process.off("exit", killGroup)
      resolve({ code, stdout, stderr, outlived: killGroup() })
    }
    child.once("error", (error) => {
      stderr += error.message
      end(null)
    })
    child.once("exit", (code) => setTimeout(end, 100, code))
  })
