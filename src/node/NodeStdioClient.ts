/**
 * A server as a process that this one starts, with all it needs on Node. Importing the module turns on Effect's schema
 * compiler for the process.
 *
 * On Windows a program that is a script, as `npx` is, is started through its shell:
 * `{ command: "cmd", args: ["/c", "npx", ...] }`.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeChildProcessSpawner from "@effect/platform-node/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ClientTransport from "../transport/ClientTransport.ts"
import * as StdioClient from "../transport/StdioClient.ts"

/** @category models @since 0.1.0 */
export interface Options extends Omit<StdioClient.Options, "environment"> {}

/** @category layers @since 0.1.0 */
export const layer = (options: Options): Layer.Layer<ClientTransport.ClientTransport> =>
  Layer.effect(ClientTransport.ClientTransport, make(options))

/** @category constructors @since 0.1.0 */
export const make = (options: Options): Effect.Effect<ClientTransport.ClientTransport["Service"]> =>
  Effect.provide(
    StdioClient.make({
      ...options,
      inheritEnv: options.inheritEnv ??
        (process.platform === "win32" ? StdioClient.inheritedVariablesWindows : StdioClient.inheritedVariables),
      environment: process.env
    }),
    spawner
  )

const spawner = NodeChildProcessSpawner.layer.pipe(
  Layer.provide(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer))
)
