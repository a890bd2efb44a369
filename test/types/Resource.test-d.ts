// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off globalErrorInEffectFailure:off
/**
 * A resource, and a template whose text says which parameters its handler gets.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as AskError from "fastmcp-effect/context/AskError"
import type * as UriTemplate from "fastmcp-effect/core/UriTemplate"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import { describe, expectTypeOf, it } from "vitest"

class Db extends Context.Service<Db, string>()("test/types/Resource/Db") {}
class Cache extends Context.Service<Cache, ReadonlyArray<string>>()("test/types/Resource/Cache") {}
class Clock extends Context.Service<Clock, string>()("test/types/Resource/Clock") {}

const Row = Schema.Struct({ id: Schema.FiniteFromString })

type Errors = McpError.McpError | AskError.AskError | DefinitionError.DefinitionError

describe("a resource", () => {
  it("keeps its URI and its success", () => {
    const plain = Resource.make("config://app")
    expectTypeOf(plain).toEqualTypeOf<Resource.Resource<"config://app", typeof Resource.Served>>()
    expectTypeOf(Resource.make("config://row", { success: Row }).success).toEqualTypeOf<typeof Row>()
  })

  it("is handled with what is served, or with a value of its success, and keeps its needs", () => {
    const text = Resource.make("config://app", { handler: Effect.as(Db, "text") })
    expectTypeOf<Resource.Services<typeof text>>().toEqualTypeOf<Db>()
    const row = Resource.handle(Resource.make("config://row", { success: Row }), Effect.as(Db, { id: 1 }))
    expectTypeOf(row).toEqualTypeOf<Resource.Handled<"config://row", typeof Row, Db>>()
    expectTypeOf(Resource.run(row)).toEqualTypeOf<Effect.Effect<{ readonly id: number }, Errors, Db>>()
    Resource.make("a:b", { handler: Effect.succeed(new Uint8Array()) })
    Resource.make("a:b", { handler: Effect.succeed({ contents: [{ text: "a" }, { blob: new Uint8Array() }] }) })
    expectTypeOf(Resource.text("a:b", "text")).toEqualTypeOf<
      Resource.Handled<"a:b", typeof Resource.Served, never>
    >()
  })

  it("is not handled with anything else", () => {
    const undeclared = Effect.fail("undeclared")
    // @ts-expect-error: a number cannot be served
    Resource.make("a:b", { handler: Effect.succeed(1) })
    // @ts-expect-error: nor nothing: it is there
    Resource.make("a:b", { handler: Effect.void })
    // @ts-expect-error: not the success
    Resource.make("a:b", { success: Row, handler: Effect.succeed("text") })
    // @ts-expect-error: an error nobody knows
    Resource.make("a:b", { handler: undeclared })
    // @ts-expect-error: an option nobody knows
    Resource.make("a:b", { mimetype: "text/plain" })
  })
})

describe("the text of a template", () => {
  it("names its variables", () => {
    expectTypeOf<UriTemplate.Names<"a://{b}/x{/c*}{?d,e:3,f*}{#g}">>().toEqualTypeOf<
      "b" | "c" | "d" | "e" | "f" | "g"
    >()
    expectTypeOf<UriTemplate.RequiredNames<"a://{b,c}/{+d}{/e}{?f}">>().toEqualTypeOf<"b" | "c" | "d">()
    expectTypeOf<UriTemplate.Names<"a://b">>().toEqualTypeOf<never>()
    expectTypeOf<UriTemplate.Names<string>>().toEqualTypeOf<string>()
    expectTypeOf<UriTemplate.Found<"{a}{/b*}{?c*}{&d*,e:2}">>().branded.toEqualTypeOf<{
      readonly a: string
      readonly b: ReadonlyArray<string>
      readonly c: ReadonlyArray<string> | { readonly [key: string]: string }
      readonly d: ReadonlyArray<string>
      readonly e: string
    }>()
  })
})

describe("a template", () => {
  it("without parameters gives its handler what the URI holds", () => {
    ResourceTemplate.make("notes://{owner}{/path*}{?q,tag*}", {
      name: "notes",
      handler: (parameters) => {
        expectTypeOf(parameters).branded.toEqualTypeOf<{
          readonly owner: string
          readonly path?: ReadonlyArray<string>
          readonly q?: string
          readonly tag?: ReadonlyArray<string>
        }>()
        return Effect.succeed(parameters.owner)
      }
    })
    ResourceTemplate.make("notes://all", {
      name: "notes",
      handler: (parameters) => {
        expectTypeOf(parameters).toEqualTypeOf<{}>()
        return Effect.succeed("all")
      }
    })
  })

  it("gives its handler decoded parameters, and keeps the needs of all of its code", () => {
    const notes = ResourceTemplate.make("notes://{id}{?page,kind}", {
      name: "notes",
      parameters: {
        id: Schema.FiniteFromString,
        page: Schema.optionalKey(Schema.FiniteFromString),
        kind: Schema.optionalKey(Schema.Literals(["a", "b"]))
      },
      success: Row,
      complete: {
        id: (value, { arguments: known }) => {
          expectTypeOf(value).toEqualTypeOf<string>()
          expectTypeOf(known).toEqualTypeOf<{ readonly [name: string]: string }>()
          return Cache
        },
        kind: ["a", "b"]
      },
      list: Effect.as(Clock, [{ uri: "notes://1" }]),
      handler: ({ id, kind, page }) => {
        expectTypeOf(id).toEqualTypeOf<number>()
        expectTypeOf(page).toEqualTypeOf<number | undefined>()
        expectTypeOf(kind).toEqualTypeOf<"a" | "b" | undefined>()
        return id > 0 ? Effect.as(Db, { id }) : Effect.undefined
      }
    })
    expectTypeOf<ResourceTemplate.Services<typeof notes>>().toEqualTypeOf<Db | Cache | Clock>()
    expectTypeOf(ResourceTemplate.run(notes, { id: "1", kind: "a" })).toEqualTypeOf<
      Effect.Effect<{ readonly id: number } | undefined | null, Errors, Db | Cache | Clock>
    >()
    expectTypeOf(ResourceTemplate.uri(notes, { id: 1 })).toEqualTypeOf<
      Effect.Effect<string, DefinitionError.DefinitionError>
    >()
    expectTypeOf(ResourceTemplate.complete(notes, { name: "id", value: "" })).toExtend<
      Effect.Effect<unknown, McpError.McpError, Db | Cache | Clock>
    >()
  })

  it("is a contract without its code", () => {
    const contract = ResourceTemplate.make("notes://{id}", {
      name: "notes",
      parameters: { id: Schema.FiniteFromString }
    })
    expectTypeOf(contract.uriTemplate).toEqualTypeOf<"notes://{id}">()
    const handled = ResourceTemplate.handle(contract, ({ id }) => {
      expectTypeOf(id).toEqualTypeOf<number>()
      return Effect.as(Db, "text")
    })
    expectTypeOf<ResourceTemplate.Services<typeof handled>>().toEqualTypeOf<Db>()
    expectTypeOf<ResourceTemplate.Services<typeof contract>>().toEqualTypeOf<never>()
  })

  it("has a schema of what a URI can hold for each variable and for nothing else", () => {
    const name = "notes"
    // @ts-expect-error: id is missing
    ResourceTemplate.make("notes://{id}{?page}", { name, parameters: { page: Schema.String } })
    // @ts-expect-error: the template has no ID
    ResourceTemplate.make("notes://{id}", { name, parameters: { id: Schema.String, ID: Schema.String } })
    // @ts-expect-error: a URI holds text
    ResourceTemplate.make("notes://{id}", { name, parameters: { id: Schema.Finite } })
    // @ts-expect-error: and a list where there is a star
    ResourceTemplate.make("notes:/{/path*}", { name, parameters: { path: Schema.String } })
    ResourceTemplate.make("notes:/{/path*}", { name, parameters: { path: Schema.Array(Schema.FiniteFromString) } })
    ResourceTemplate.make("notes://x{?filter*}", {
      name,
      parameters: { filter: Schema.optionalKey(Schema.Record(Schema.String, Schema.FiniteFromString)) }
    })
    // @ts-expect-error: a completer for what is not there
    ResourceTemplate.make("notes://{id}", { name, complete: { ids: ["1"] } })
    // @ts-expect-error: a name is needed
    ResourceTemplate.make("notes://{id}", {})
  })

  it("is not handled with what cannot be served", () => {
    const name = "notes"
    // @ts-expect-error: a number cannot be served
    ResourceTemplate.make("notes://{id}", { name, handler: () => Effect.succeed(1) })
    // @ts-expect-error: an error nobody knows
    ResourceTemplate.make("notes://{id}", { name, handler: () => Effect.fail("undeclared") })
    ResourceTemplate.make("notes://{id}", { name, handler: () => Effect.succeed(null) })
  })
})
