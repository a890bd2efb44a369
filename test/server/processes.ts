/** Servers as processes of their own: started, spoken to, measured from outside, and never left behind. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import * as Http from "node:http"
import type { Frame } from "./wires.ts"

export interface Server {
  readonly child: ChildProcessWithoutNullStreams
  /** All of stderr so far. */
  readonly stderr: () => string
  /** Waits for something on stderr. */
  readonly said: (what: string | RegExp, ms?: number) => Promise<void>
  readonly exited: Promise<number | NodeJS.Signals>
}

const root = `${import.meta.dirname}/../..`

/** Runs a test with a server that is gone at its end. */
export const withServer = (
  args: ReadonlyArray<string>,
  env: { readonly [name: string]: string },
  use: (server: Server) => Promise<void>
) =>
async () => {
  const child = spawn(process.execPath, ["--conditions=fastmcp-effect/source", ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, ...env }
  })
  let stderr = ""
  const waiting = new Set<() => void>()
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk
    for (const look of [...waiting]) look()
  })
  child.stdin.on("error", () => {})
  const exited = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal!))
  )
  const said: Server["said"] = (what, ms = 10_000) =>
    within(
      ms,
      () => `${what} on stderr, which says ${stderr.slice(-2000)}`,
      new Promise<void>((resolve) => {
        const look = () => {
          if (typeof what === "string" ? !stderr.includes(what) : !what.test(stderr)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    )
  try {
    await use({ child, stderr: () => stderr, said, exited })
  } finally {
    child.kill("SIGKILL")
    await exited
  }
}

export const tools = "test/server/child.ts"

/** Every wait has a limit, and says what did not come. */
export const within = async <A>(ms: number, what: () => string, wait: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not come in ${ms} ms: ${what()}`)), ms)
  })
  return Promise.race([wait, limit]).finally(() => clearTimeout(timer))
}

/** Peak resident memory so far, in MB. */
export const peakMegabytes = ({ child }: Server): number =>
  Number(/VmHWM:\s+(\d+)/u.exec(status(child.pid!))![1]) / 1024

const status = (pid: number) => readFileSync(`/proc/${pid}/status`, "utf8")

/** Reads frames off stdout, and lets a test wait for the one it wants. */
export const reader = ({ child }: Server) => {
  const frames: Array<Frame> = []
  const waiting = new Set<() => void>()
  let rest = ""
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop()!
    for (const line of lines) frames.push(JSON.parse(line) as Frame)
    for (const look of [...waiting]) look()
  })
  const until = (condition: () => boolean, what: string) =>
    within(
      15_000,
      () => `${what}; ${frames.length} frames, the last ${JSON.stringify(frames.at(-1))?.slice(0, 300)}`,
      new Promise<void>((resolve) => {
        const look = () => {
          if (!condition()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    )
  return {
    frames,
    until,
    answer: async (id: string | number | null): Promise<Frame> => {
      const find = () => frames.find((frame) => frame.id === id && frame.method === undefined)
      await until(() => find() !== undefined, `an answer to ${id}`)
      return find()!
    }
  }
}

/** Where a server in HTTP mode listens. */
export const urlOf = async (server: Server): Promise<URL> => {
  await server.said(/http:\/\/\S+\/mcp/u)
  return new URL(/http:\/\/\S+\/mcp/u.exec(server.stderr())![0])
}

export interface Answer {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
}

/** A POST whose response is at the caller's disposal, unread. */
export const post = (
  url: URL,
  headers: Http.OutgoingHttpHeaders,
  body: string | Uint8Array | undefined,
  agent: Http.Agent | false = false
): { readonly request: Http.ClientRequest; readonly response: Promise<Http.IncomingMessage> } => {
  const request = Http.request(url, { method: "POST", agent, headers })
  request.on("error", () => {})
  const response = new Promise<Http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve)
    request.once("error", reject)
  })
  response.catch(() => {})
  if (body !== undefined) request.end(body)
  return { request, response }
}

export const read = async (response: Http.IncomingMessage): Promise<Answer> => {
  let body = ""
  for await (const chunk of response.setEncoding("utf8")) body += chunk as string
  return { status: response.statusCode!, headers: response.headers, body }
}
