/** Processes that serve the same sessions, behind one address that gives each request to the next of them. */
import { type ChildProcess, spawn } from "node:child_process"
import * as Http from "node:http"
import { fileURLToPath } from "node:url"

const script = fileURLToPath(new URL("node.ts", import.meta.url))

export interface Node {
  readonly port: number
  readonly child: ChildProcess
  /** Lines of its stdout so far. */
  readonly said: ReadonlyArray<string>
}

const children = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})

/** Starts one, and waits until it listens. */
export const startNode = (args: ReadonlyArray<string>): Promise<Node> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--conditions=fastmcp-effect/source", script, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: fileURLToPath(new URL("../../../node_modules/.cache/cluster", import.meta.url))
      }
    })
    children.add(child)
    const said: Array<string> = []
    let errors = ""
    let rest = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(errors)?.[1]
      if (port !== undefined) resolve({ port: Number(port), child, said })
    })
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n")
      rest = lines.pop()!
      said.push(...lines)
    })
    child.once("close", (code) => {
      children.delete(child)
      reject(new Error(`a node ended with ${code}\n${errors}`))
    })
  })

export const stopNode = ({ child }: Node): Promise<number | null> =>
  new Promise((resolve) => {
    child.once("close", (code) => resolve(code))
    child.kill("SIGTERM")
  })

export interface Proxy {
  readonly url: string
  /** Which node each request went to, oldest first. */
  readonly routed: ReadonlyArray<{ readonly method: string; readonly node: number }>
  readonly close: () => Promise<void>
}

/** Gives each request to the next node; whoever goes away on one side is gone on the other. */
export const startProxy = (nodes: ReadonlyArray<Node>): Promise<Proxy> =>
  new Promise((resolve) => {
    const routed: Array<{ readonly method: string; readonly node: number }> = []
    const server = Http.createServer((request, response) => {
      const node = routed.length % nodes.length
      routed.push({ method: request.method!, node })
      const { port } = nodes[node]!
      const onward = Http.request({
        host: "127.0.0.1",
        port,
        method: request.method,
        path: request.url,
        headers: { ...request.headers, host: `127.0.0.1:${port}` }
      }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers)
        response.flushHeaders()
        answer.pipe(response)
        answer.once("close", () => response.end())
      })
      onward.once("error", () => response.destroy())
      response.once("close", () => onward.destroy())
      request.pipe(onward)
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      resolve({
        url: `http://127.0.0.1:${port}/mcp`,
        routed,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            server.closeAllConnections()
          })
      })
    })
  })
