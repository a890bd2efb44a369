/** Servers as processes of their own, what they tell through files, and waiting that always ends. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"

/** Of a file beside this one. */
export const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url))

const serverArgs = ["--conditions=fastmcp-effect/source", pathOf("server.ts")]

/** The example that has everything, as a user starts it. */
export const everythingArgs = [
  "--conditions=fastmcp-effect/source",
  pathOf("../../examples/everything/server.ts")
]

/** What a server process leaves behind. */
export interface Traces {
  /** What happened inside it, in order. */
  readonly events: () => ReadonlyArray<string>
  /** All it ever wrote to its stdout, whoever read it. */
  readonly stdout: () => string
}

/** How to start a server that speaks over its stdin and stdout, for the clients' own transports. */
export interface StdioTarget extends Traces {
  readonly command: string
  readonly args: Array<string>
  readonly env: Record<string, string>
}

export interface HttpTarget extends Traces {
  readonly url: URL
  readonly stderr: () => string
  /** Sends a signal. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** The exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>
}

const directory = mkdtempSync(join(tmpdir(), "interop-"))
const children = new Set<ChildProcess>()
afterAll(() => {
  // Only what a failed test has left; and a server ends with its stdin even when nobody gets here.
  for (const child of children) child.kill("SIGKILL")
  rmSync(directory, { recursive: true, force: true })
})

let files = 0
const makeFile = () => {
  const path = join(directory, String(++files))
  writeFileSync(path, "")
  return { path, read: () => readFileSync(path, "utf8") }
}

const lines = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line !== "")

/** A file for what happens inside a server, and what stands in it. */
export const eventsFile = (): Pick<Traces, "events"> & { readonly path: string } => {
  const { path, read } = makeFile()
  return { path, events: () => lines(read()) }
}

export interface ServerOptions {
  /** Milliseconds; the framework's own grace when left out. */
  readonly grace?: number
  /** Definitions on one page of a list; the framework's own when left out. */
  readonly pageSize?: number
}

/** Most of the time a server takes to start is compiling. */
export const compiled = { NODE_COMPILE_CACHE: pathOf("../../node_modules/.cache/interop") }

const environment = (events: string, { grace, pageSize }: ServerOptions): Record<string, string> => ({
  ...compiled,
  INTEROP_EVENTS: events,
  ...(grace === undefined ? undefined : { INTEROP_GRACE: String(grace) }),
  ...(pageSize === undefined ? undefined : { INTEROP_PAGE_SIZE: String(pageSize) })
})

/** Everything on stdout passes through `tee`, so that lines a client passes over in silence are seen too. */
export const stdioTarget = (options: ServerOptions = {}): StdioTarget => {
  const events = makeFile()
  const stdout = makeFile()
  return {
    command: "bash",
    args: ["-c", `exec "$@" > >(exec tee -a "$0")`, stdout.path, process.execPath, ...serverArgs, "stdio"],
    env: environment(events.path, options),
    events: () => lines(events.read()),
    stdout: stdout.read
  }
}

export const startHttp = (options: ServerOptions = {}): Promise<HttpTarget> => {
  const events = makeFile()
  return start([...serverArgs, "http", "0"], environment(events.path, options), () => lines(events.read()))
}

/** Serves `/mcp`, `/sse` and `/messages`. It tells of no events. */
export const startEverything = (): Promise<HttpTarget> =>
  start([...everythingArgs, "http"], { ...compiled, PORT: "0" }, () => [])

const endsWithStdin = new URL("endsWithStdin.ts", import.meta.url).href

const start = async (
  args: ReadonlyArray<string>,
  env: Record<string, string>,
  events: Traces["events"]
): Promise<HttpTarget> => {
  const child = spawn(process.execPath, ["--import", endsWithStdin, ...args], {
    env: { PATH: process.env.PATH, ...env }
  })
  children.add(child)
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => stdout += chunk)
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => stderr += chunk)
  const ended = new Promise<number | string>((resolve) =>
    child.once("exit", (code, signal) => {
      children.delete(child)
      resolve(code ?? signal ?? "")
    })
  )
  const url = await until("an address", () => /http:\/\/\S+/.exec(stderr)?.[0], 20_000)
  return {
    url: new URL(url),
    events,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (signal) => child.kill(signal),
    ended
  }
}

/** Waits until there is a value, and answers it; `false` is none. */
export const until = async <A>(what: string, look: () => A | false | undefined, limit = 4_000): Promise<A> => {
  const end = performance.now() + limit
  while (true) {
    const seen = look()
    if (seen !== false && seen !== undefined) return seen
    if (performance.now() > end) throw new Error(`no ${what} after ${limit / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export const happened = (traces: Traces, event: string): Promise<boolean> =>
  until(`"${event}"`, () => traces.events().includes(event))

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
