/** What the definitions of a folder's modules need can only be said, and then the server needs it. */
import * as Context from "effect/Context"
import type * as Layer from "effect/Layer"
import {
  FileSystem,
  type GuardedFiles,
  type GuardedFilesError,
  type ModuleError,
  type ModuleLoader
} from "fastmcp-effect/provider"
import * as McpServer from "fastmcp-effect/server/McpServer"
import { describe, expectTypeOf, it } from "vitest"

class Desk extends Context.Service<Desk, string>()("test/types/FileSystem/Desk") {}

type Needs<L> = L extends Layer.Layer<infer _A, infer _E, infer R> ? R : "not a layer"
type Fails<L> = L extends Layer.Layer<infer _A, infer E, infer _R> ? E : "not a layer"

const files = McpServer.register(FileSystem.make({ directory: "x" }))
const tools = McpServer.register(FileSystem.modules<Desk>({ directory: "x" }))

describe("a folder", () => {
  it("needs a file system, and what its modules are said to need", () => {
    expectTypeOf<Needs<typeof files>>().toEqualTypeOf<McpServer.McpServer | GuardedFiles.GuardedFiles>()
    expectTypeOf<Needs<typeof tools>>().toEqualTypeOf<
      McpServer.McpServer | GuardedFiles.GuardedFiles | ModuleLoader.ModuleLoader | Desk
    >()
  })

  it("fails as the layer of its server", () => {
    expectTypeOf<GuardedFilesError.GuardedFilesError>().toExtend<Fails<typeof files>>()
    expectTypeOf<ModuleError.ModuleError>().toExtend<Fails<typeof tools>>()
    expectTypeOf<ModuleError.ModuleError>().not.toExtend<Fails<typeof files>>()
  })
})
