/** Servers as processes for the tests of a client: good, bad, and none. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import type * as TransportError from "fastmcp-effect/transport/TransportError"
import * as fs from "node:fs"
import * as hearing from "./hearing.ts"

/** The processes that have this among their arguments. A zombie has none. */
export const running = (token: string): ReadonlyArray<number> =>
  fs.readdirSync("/proc").filter((name) => /^\d+$/u.test(name)).flatMap((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(token) ? [Number(pid)] : []
    } catch {
      return []
    }
  })

export const counterpart = `${import.meta.dirname}/contract/stdioCounterpart.ts`

/** A program of Node, from its text. It has `say(message)`, `onLine(f)` and `token`, by which its processes are found. */
export const program = (text: string, token: string = crypto.randomUUID()) => ({
  command: process.execPath,
  args: ["-e", `${prelude}${text}`, token],
  token
})

const prelude = `
  const token = process.argv.at(-1)
  const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\\n")
  const onLine = (f) => require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => f(JSON.parse(line)))
  const stay = () => setInterval(() => {}, 1000)
`

export interface Connected {
  readonly connection: ClientTransport.Connection
  readonly heard: hearing.Hearing
}

/** Connects, with the options of a program or of the test's own. */
export const connect = (
  { token: _, ...options }: NodeStdioClient.Options & { readonly token?: string },
  onReceive?: (message: any) => void
): Effect.Effect<Connected, TransportError.TransportError, Scope.Scope> =>
  Effect.gen(function*() {
    const transport = yield* NodeStdioClient.make(options)
    const heard = hearing.make(onReceive)
    return { connection: yield* transport.connect(heard.listener), heard }
  })
