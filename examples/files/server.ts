/** A handbook as resources and a folder of modules as tools; what is saved is served. */
import * as Layer from "effect/Layer"
import { McpServer } from "fastmcp-effect"
import * as NodeGuardedFiles from "fastmcp-effect/node/NodeGuardedFiles"
import * as NodeModuleLoader from "fastmcp-effect/node/NodeModuleLoader"
import * as FileSystem from "fastmcp-effect/provider/FileSystem"

/** Of two folders: `client.ts` works in copies of those beside this file. */
export const desk = (folders: { readonly handbook: string; readonly tools: string }) =>
  McpServer.register(
    FileSystem.make({
      directory: folders.handbook,
      uri: "docs://handbook",
      include: ["*.md"],
      exclude: ["draft.md"]
    }),
    FileSystem.modules({ directory: folders.tools, watch: true })
  ).pipe(
    Layer.provideMerge(McpServer.layer({ name: "desk", version: "1.0.0" })),
    Layer.provide([NodeGuardedFiles.layer, NodeModuleLoader.layer])
  )
