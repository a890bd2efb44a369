/**
 * The server of the bench as a part of another: mounted in it, in a namespace, or behind a proxy, over stdio or HTTP, as a
 * process of its own.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as Proxy from "fastmcp-effect/provider/Proxy"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import { spawn } from "node:child_process"
import { connect, createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy()
      resolve(true)
    }).on("error", () => resolve(false))
  })

/** The same program, serving by itself: until this process ends. */
const serving = async (): Promise<number> => {
  const port = await freePort()
  const { FASTMCP_BENCH_WITHIN: _, ...env } = process.env
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, "http", String(port)], {
    env,
    stdio: ["ignore", "ignore", "inherit"]
  })
  process.on("exit", () => child.kill())
  for (let look = 0; look < 400 && !(await answers(port)); look++) await sleep(25)
  return port
}

const transports = {
  stdio: Effect.sync(() =>
    NodeStdioClient.layer({ command: process.execPath, args: [...process.execArgv, process.argv[1]!, "stdio"] })
  ),
  http: Effect.map(
    Effect.promise(serving),
    (port) => NodeStreamableHttpClient.layer({ url: `http://127.0.0.1:${port}/mcp` })
  )
}

const around = <E, R>(provider: Provider.Provider<E, R>) =>
  McpServer.register(provider).pipe(Layer.provideMerge(McpServer.layer({ name: "front", version: "1.0.0" })))

export const behind = (how: "stdio" | "http") =>
  Layer.unwrap(Effect.map(transports[how], (transport) => around(Proxy.make({ name: "behind", transport }))))

export const mounted = <E>(server: Layer.Layer<McpServer.McpServer, E>) => around(Mount.make(server))

/** The one that is called is `add` there, as it is without. */
export const nameInNamespace = "dd"

export const namespaced = <D extends Provider.AnyDefinition>(tools: ReadonlyArray<D>) =>
  around(Provider.fromDefinitions(...tools).pipe(Namespace.make("a", { separator: "" })))
