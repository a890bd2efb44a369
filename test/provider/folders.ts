/** Folders to serve, each of its own and gone with its test. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as NodeGuardedFiles from "fastmcp-effect/node/NodeGuardedFiles"
import * as FileSystem from "fastmcp-effect/provider/FileSystem"
import type * as GuardedFiles from "fastmcp-effect/provider/GuardedFiles"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

export interface Tree {
  readonly [path: string]: string | Uint8Array
}

export interface Planted {
  readonly root: string
  readonly at: (path: string) => string
  readonly write: (path: string, contents: string | Uint8Array) => void
}

/** The files of a tree in a folder of their own. */
export const plant = (tree: Tree): Effect.Effect<Planted, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "folder-")))),
      (root) => Effect.sync(() => fs.rmSync(root, { recursive: true, force: true }))
    ),
    (root) => {
      const at = (below: string) => path.join(root, below)
      const write: Planted["write"] = (below, contents) => {
        fs.mkdirSync(path.dirname(at(below)), { recursive: true })
        fs.writeFileSync(at(below), contents)
      }
      for (const [below, contents] of Object.entries(tree)) write(below, contents)
      return { root, at, write }
    }
  )

export const serving = (options: FileSystem.Options) =>
  McpServer.register(FileSystem.make(options)).pipe(
    Layer.provideMerge(McpServer.layer({ name: "files", version: "1.0.0" })),
    Layer.provide(NodeGuardedFiles.layer)
  )

export const pathsOf = ({ files }: GuardedFiles.Listing) => files.map(({ path }) => path)
