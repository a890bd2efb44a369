// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off globalErrorInEffectFailure:off
/**
 * What the files of a skill need, its server needs; so does what finds the skills, and its failures are the layer's.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as McpRequest from "fastmcp-effect/context/McpRequest"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Extension from "fastmcp-effect/server/Extension"
import * as McpServer from "fastmcp-effect/server/McpServer"
import { Skill, SkillDirectory, type SkillError, Skills } from "fastmcp-effect/skills"
import { describe, expectTypeOf, it } from "vitest"

class Disk extends Context.Service<Disk, string>()("test/types/Skills/Disk") {}
class Network extends Context.Service<Network, Uint8Array>()("test/types/Skills/Network") {}

type Needs<L> = L extends Layer.Layer<infer _A, infer _E, infer R> ? R : "not a layer"
type Fails<L> = L extends Layer.Layer<infer _A, infer E, infer _R> ? E : "not a layer"
type Servable = Parameters<typeof NodeStdio.run<unknown>>[0]

const info = { name: "acme", version: "1.0.0" }
const plain = Skill.make("plain", { description: "", instructions: "", files: { a: "", b: new Uint8Array() } })
const read = Skill.make("read", {
  description: "",
  instructions: Effect.as(Disk, "text"),
  files: { a: "", b: { contents: Network, mimeType: "image/png" } }
})

const serve = <const S extends Skills.Source>(skills: S) =>
  McpServer.layer({ ...info, extensions: [Skills.extension({ skills })] })

describe("a skill", () => {
  it("needs what its files need", () => {
    expectTypeOf(plain).toEqualTypeOf<Skill.Skill<never>>()
    expectTypeOf(read).toEqualTypeOf<Skill.Skill<Disk | Network>>()
    expectTypeOf(Skill.fromMarkdown("", { files: { a: Disk } })).toEqualTypeOf<
      Effect.Effect<Skill.Skill<Disk>, SkillError.SkillError>
    >()
  })

  it("has only files that can be served", () => {
    const options = { description: "", instructions: "" }
    // @ts-expect-error a number is no contents
    Skill.make("wrong", { ...options, files: { a: 1 } })
    // @ts-expect-error only an McpError can refuse a read
    Skill.make("wrong", { ...options, files: { a: Effect.fail("no") } })
    // @ts-expect-error JSON has no dates
    Skill.make("wrong", { ...options, frontmatter: { metadata: { since: new Date(0) } } })
    Skill.make("right", { ...options, files: { a: Effect.fail({} as McpError.McpError) } })
  })
})

describe("a server of skills", () => {
  it("needs what they need, and fails as they fail", () => {
    expectTypeOf(serve([plain])).toExtend<Servable>()
    expectTypeOf<Needs<ReturnType<typeof serve<[typeof read]>>>>().toEqualTypeOf<Disk | Network>()
    expectTypeOf(serve([read])).not.toExtend<Servable>()
    const both = serve([plain, read])
    expectTypeOf<Needs<typeof both>>().toEqualTypeOf<Disk | Network>()
    expectTypeOf<Fails<typeof both>>().toEqualTypeOf<SkillError.SkillError | DefinitionError.DefinitionError>()
  })

  it("needs what finds them", () => {
    const folder = serve(SkillDirectory.readAll("skills"))
    expectTypeOf<Needs<typeof folder>>().toEqualTypeOf<FileSystem.FileSystem | Path.Path>()
    const found = serve(Effect.as(Effect.andThen(Network, Effect.fail("gone" as const)), [read]))
    expectTypeOf<Needs<typeof found>>().toEqualTypeOf<Disk | Network>()
    expectTypeOf<Fails<typeof found>>().toEqualTypeOf<
      SkillError.SkillError | DefinitionError.DefinitionError | "gone"
    >()
  })
})

describe("an extension", () => {
  const tool = Tool.make("tool", { handler: () => Effect.asVoid(Disk) })

  it("needs what its definitions need", () => {
    const extension = Extension.make({ id: "a/b", definitions: [tool] })
    expectTypeOf(extension).toEqualTypeOf<Extension.Extension<Disk>>()
    const server = McpServer.layer({ ...info, extensions: [extension] })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<Disk>()
  })

  it("needs the same when it is made where it is used", () => {
    const server = McpServer.layer({ ...info, extensions: [Extension.make({ id: "a/b", definitions: [tool] })] })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<Disk>()
    const methods = McpServer.layer({
      ...info,
      extensions: [
        Extension.make({
          id: "a/b",
          methods: { a: { params: Schema.Struct({}), handle: () => Effect.as(Network, {}) } }
        }),
        Extension.make({ id: "a/c" }),
        Skills.extension({ skills: [Skill.make("a", { description: "", instructions: Disk })] })
      ]
    })
    expectTypeOf<Needs<typeof methods>>().toEqualTypeOf<Disk | Network>()
  })

  it("may be made in the scope of the layer, but not run in it", () => {
    const made = Effect.as(Effect.acquireRelease(Network, () => Effect.void), Extension.make({ id: "a/b" }))
    const server = McpServer.layer({ ...info, extensions: [made] })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<Network>()
    const scoped = Tool.make("scoped", { handler: () => Effect.acquireRelease(Effect.void, () => Effect.void) })
    const wrong = McpServer.layer({ ...info, extensions: [Extension.make({ id: "a/b", definitions: [scoped] })] })
    expectTypeOf<Needs<typeof wrong>>().toEqualTypeOf<McpRequest.McpRequest<"Use Effect.scoped", Scope.Scope>>()
  })
})
