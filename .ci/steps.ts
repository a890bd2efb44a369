import { spawn } from "node:child_process"
import * as path from "node:path"

export const root = path.resolve(import.meta.dirname, "..")

export interface Outcome {
  readonly ok: boolean
  readonly output: string
  readonly seconds: number
}

export interface Options {
  readonly cwd?: string
  readonly env?: Record<string, string | undefined>
  /** Print the output as it comes, not only when the command fails. */
  readonly live?: boolean
  /** Seconds until the command and all it started are stopped. */
  readonly limit?: number
}

// A signal ends this process the usual way, so that what it started ends with it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1))

/** Runs a command with the project's own tools first on the PATH. Never throws: what cannot start has failed. */
export const command = (name: string, args: ReadonlyArray<string>, options: Options = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const start = performance.now()
    const bin = path.join(root, "node_modules", ".bin")
    const child = spawn(name, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env["PATH"]}`, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true
    })
    let output = ""
    const read = (chunk: string) => {
      output += chunk
      if (options.live) process.stdout.write(chunk)
    }
    child.stdout.setEncoding("utf8").on("data", read)
    child.stderr.setEncoding("utf8").on("data", read)
    const kill = (signal: NodeJS.Signals) => {
      try {
        process.kill(-child.pid!, signal)
      } catch {
        // Already gone.
      }
    }
    const limit = options.limit ?? 300
    let last: NodeJS.Timeout | undefined
    // First a signal that lets a script of ours end what it started, then one that nobody survives.
    const timer = setTimeout(() => {
      read(`\n${name} did not end within ${limit} s and was stopped\n`)
      kill("SIGTERM")
      last = setTimeout(() => kill("SIGKILL"), 5_000)
    }, limit * 1000)
    const leave = () => kill("SIGKILL")
    process.once("exit", leave)
    const end = (ok: boolean) => {
      clearTimeout(timer)
      clearTimeout(last)
      process.off("exit", leave)
      resolve({ ok, output, seconds: (performance.now() - start) / 1000 })
    }
    child.once("error", (error) => {
      read(`${name} could not start: ${error.message}\n`)
      end(false)
    })
    child.once("close", (code) => end(code === 0))
  })

export interface Count {
  passed: number
  failed: number
}

/** The count a command prints on its last line, or undefined if it did not get that far. */
export const lastCount = (output: string): Count | undefined => {
  const match = /^(\d+) passed, (\d+) failed/.exec(output.trimEnd().split("\n").at(-1) ?? "")
  return match ? { passed: Number(match[1]), failed: Number(match[2]) } : undefined
}

/** One line for a step, and under it what it said if it failed. */
export const report = (name: string, { ok, output, seconds }: Outcome): void => {
  console.log(`${ok ? "ok  " : "FAIL"}  ${name.padEnd(24)} ${seconds.toFixed(1).padStart(6)} s`)
  if (!ok && output !== "") console.log(`\n${output.trim()}\n`)
}

/** Prints the last line that counts, and sets the exit code. */
export const finish = ({ passed, failed }: Count): void => {
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
  console.log(`${passed} passed, ${failed} failed`)
}
