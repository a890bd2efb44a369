/**
 * A whole program out of a server: MCP over this process's stdin and stdout. Importing the module turns on Effect's
 * schema compiler for the process.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Receiver from "../transport/Receiver.ts"
import * as StdioServer from "../transport/StdioServer.ts"
import * as nodeProcess from "./internal/process.ts"
import * as stdio from "./internal/stdio.ts"

/**
 * Serves until stdin ends or a signal comes; requests in flight then have `grace` to finish, and the process exits with
 * 0. All that the program logs, `console.log` included, goes to stderr.
 *
 * @category running
 * @since 0.1.0
 */
export const run: {
  (options: StdioServer.Options): <E>(server: Layer.Layer<Receiver.Receiver, E>) => void
  <E>(server: Layer.Layer<Receiver.Receiver, E>): void
} = (first: StdioServer.Options | Layer.Layer<Receiver.Receiver, unknown>): any =>
  Layer.isLayer(first)
    ? serve(first as Layer.Layer<Receiver.Receiver, unknown>, {})
    : (server: Layer.Layer<Receiver.Receiver, unknown>) => serve(server, first as StdioServer.Options)

const serve = (server: Layer.Layer<Receiver.Receiver, unknown>, options: StdioServer.Options): void =>
  nodeProcess.runMain(
    StdioServer.run(options).pipe(
      // Around the server, so that what it logs while it is built and torn down stays off stdout too.
      Effect.provide(server.pipe(Layer.provideMerge(stdio.layer), Layer.provideMerge(nodeProcess.logsToStderr)))
    )
  )
