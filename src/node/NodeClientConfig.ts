/**
 * What `ClientConfig` has to know of this machine to find and write its files, and the ways to the servers in them.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as os from "node:os"
import * as ClientConfig from "../client/ClientConfig.ts"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import type * as TransportError from "../transport/TransportError.ts"
import * as NodeSseClient from "./NodeSseClient.ts"
import * as NodeStdioClient from "./NodeStdioClient.ts"
import * as NodeStreamableHttpClient from "./NodeStreamableHttpClient.ts"
import * as NodeWebSocketClient from "./NodeWebSocketClient.ts"

/**
 * This machine, with its user and the folder the process was started in, and its file system.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ClientConfig.Machine | FileSystem.FileSystem | Path.Path> = Layer.mergeAll(
  Layer.sync(ClientConfig.Machine, () =>
    ClientConfig.Machine.of({
      platform: process.platform === "darwin" || process.platform === "win32" ? process.platform : "linux",
      home: os.homedir(),
      folder: process.cwd()
    })),
  NodeFileSystem.layer,
  NodePath.layer
)

/**
 * The way to a server of a config file.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as ClientConfig from "fastmcp-effect/client/ClientConfig"
 * import * as McpClient from "fastmcp-effect/client/McpClient"
 * import * as NodeClientConfig from "fastmcp-effect/node/NodeClientConfig"
 *
 * const program = Effect.gen(function*() {
 *   const { servers } = yield* ClientConfig.load(".mcp.json")
 *   const server = yield* ClientConfig.resolve(servers[0]!)
 *   const client = yield* Effect.provide(McpClient.make(), NodeClientConfig.transport(server))
 *   return yield* client.listTools()
 * }).pipe(Effect.scoped, Effect.provide(NodeClientConfig.layer))
 * ```
 *
 * @category resolving
 * @since 0.1.0
 */
export const transport = (
  server: ClientConfig.Resolved
): Layer.Layer<ClientTransport.ClientTransport, TransportError.TransportError> =>
  ClientConfig.transport(server, {
    stdio: NodeStdioClient.layer,
    http: NodeStreamableHttpClient.layer,
    sse: NodeSseClient.layer,
    websocket: NodeWebSocketClient.layer
  })
