// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off globalErrorInEffectFailure:off
/**
 * A contract says everything: its handler, its caller and its tests have their types from it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as AskError from "fastmcp-effect/context/AskError"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import type * as McpTest from "fastmcp-effect/testing/McpTest"
import { describe, expectTypeOf, it } from "vitest"

class Db extends Context.Service<Db, string>()("test/types/Tool/Db") {}
class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

const book = Tool.make("book", {
  parameters: {
    seat: Schema.String,
    at: Schema.DateFromString,
    meal: Schema.optionalKey(Schema.Literals(["fish", "none"])),
    bags: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0)))
  },
  success: Schema.Struct({ id: Schema.FiniteFromString }),
  failure: Refused
})

type Args = { readonly seat: string; readonly at: Date; readonly meal?: "fish" | "none"; readonly bags: number }

/** Whether a handler of this kind fits the contract. */
type Fits<H> = H extends Parameters<
  typeof Tool.handle<
    "book",
    (typeof book)["parameters"],
    (typeof book)["success"],
    (typeof book)["failure"],
    Db
  >
>[1] ? true
  : false

describe("a contract", () => {
  it("keeps the name and the schemas it was given", () => {
    expectTypeOf(book.name).toEqualTypeOf<"book">()
    expectTypeOf<(typeof book)["parameters"]["Type"]>().toEqualTypeOf<Args>()
    expectTypeOf<(typeof book)["success"]["Type"]>().toEqualTypeOf<{ readonly id: number }>()
    expectTypeOf<(typeof book)["failure"]["Type"]>().toEqualTypeOf<Refused>()
  })

  it("takes a schema in place of fields", () => {
    class Point extends Schema.Class<Point>("Point")({ x: Schema.Finite }) {}
    const tool = Tool.make("a", { parameters: Point })
    expectTypeOf(tool.parameters).toEqualTypeOf<typeof Point>()
  })

  it("without parameters, success and failure has none", () => {
    const nothing = Tool.make("nothing")
    expectTypeOf<(typeof nothing)["parameters"]["Type"]>().toEqualTypeOf<{}>()
    expectTypeOf<(typeof nothing)["success"]["Type"]>().toEqualTypeOf<void>()
    expectTypeOf<(typeof nothing)["failure"]["Type"]>().toEqualTypeOf<never>()
  })

  it("refuses a schema that would need services to cross the wire", () => {
    type Needy = Schema.Codec<string, string, Db>
    expectTypeOf<Needy>().not.toExtend<Tool.Codec>()
    expectTypeOf(Schema.Date).toExtend<Tool.Codec>()
  })
})

describe("a handler", () => {
  it("has its argument inferred in Tool.handle, and its needs and the name kept", () => {
    const handled = Tool.handle(book, (args) => {
      expectTypeOf(args).toEqualTypeOf<Args>()
      return Effect.as(Db, { id: 1 })
    })
    expectTypeOf(handled).toEqualTypeOf<
      Tool.Handled<"book", (typeof book)["parameters"], (typeof book)["success"], typeof Refused, Db>
    >()
    expectTypeOf<Tool.Services<typeof handled>>().toEqualTypeOf<Db>()
  })

  it("has its argument inferred in Tool.make, destructured, in a generator and with a schema", () => {
    const tool = Tool.make("a", {
      parameters: { a: Schema.Finite, b: Schema.optionalKey(Schema.String) },
      success: Schema.Finite,
      failure: Schema.Literal("no"),
      handler: ({ a, b }) => {
        expectTypeOf(a).toEqualTypeOf<number>()
        expectTypeOf(b).toEqualTypeOf<string | undefined>()
        return a < 0 ? Effect.fail("no" as const) : Effect.as(Db, a)
      }
    })
    expectTypeOf<Tool.Services<typeof tool>>().toEqualTypeOf<Db>()
    Tool.make("b", {
      parameters: Schema.Struct({ a: Schema.Array(Schema.Date) }),
      success: Schema.Finite,
      handler: ({ a }) =>
        // oxlint-disable-next-line require-yield
        Effect.gen(function*() {
          expectTypeOf(a).toEqualTypeOf<ReadonlyArray<Date>>()
          return 1
        })
    })
    Tool.make("c", {
      handler: (nothing) => {
        expectTypeOf(nothing).toEqualTypeOf<{}>()
        return Effect.void
      }
    })
  })

  it("may succeed with what the contract says, and fail with that or a refusal, and nothing else", () => {
    expectTypeOf<Fits<() => Effect.Effect<{ id: number }>>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<(args: Args) => Effect.Effect<{ id: number }, Refused, Db>>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<() => Effect.Effect<never, McpError.McpError>>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<() => Effect.Effect<never, AskError.AskError>>>().toEqualTypeOf<true>()
    expectTypeOf<Fits<() => Effect.Effect<{ id: string }>>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<() => Effect.Effect<void>>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<() => Effect.Effect<{ id: number }, string>>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<() => Effect.Effect<{ id: number }, Error>>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<() => { id: number }>>().toEqualTypeOf<false>()
    expectTypeOf<Fits<(args: { readonly other: string }) => Effect.Effect<{ id: number }>>>().toEqualTypeOf<false>()
  })

  it("of the short form is held to its contract as well", () => {
    const id = Effect.succeed({ id: 1 })
    const wrong = Effect.succeed({ id: "1" })
    const failing = Effect.fail(new Error("undeclared"))
    const make = Tool.make<
      "book",
      never,
      (typeof book)["parameters"],
      (typeof book)["success"],
      (typeof book)["failure"]
    >
    expectTypeOf(make).toBeCallableWith("book", { handler: () => id })
    type Handler = NonNullable<Parameters<typeof make>[1]>["handler"]
    expectTypeOf<() => typeof wrong>().not.toExtend<Handler>()
    expectTypeOf<() => typeof failing>().not.toExtend<Handler>()
  })

  it("does not compile with an error nobody declared", () => {
    const undeclared = Effect.fail("undeclared")
    // @ts-expect-error: the failure of this contract is `never`
    Tool.make("a", { handler: () => undeclared })
    // @ts-expect-error: a string is not the success
    Tool.make("a", { success: Schema.Finite, handler: () => Effect.succeed("one") })
    // @ts-expect-error: nor may the handled form
    Tool.handle(book, () => undeclared)
    // @ts-expect-error: an option nobody knows
    Tool.make("a", { descripton: "misspelled" })
  })
})

describe("running it", () => {
  const handled = Tool.handle(book, () => Effect.as(Db, { id: 1 }))

  it("alone takes the encoded input, and gives what the handler gives", () => {
    const run = Tool.run(handled, { seat: "1A", at: "2026-01-01" })
    expectTypeOf(run).toEqualTypeOf<
      Effect.Effect<
        { readonly id: number },
        Refused | McpError.McpError | AskError.AskError | DefinitionError.DefinitionError,
        Db
      >
    >()
    expectTypeOf<Parameters<typeof Tool.run<"book", (typeof book)["parameters"], any, any, any>>[1]>().toEqualTypeOf<{
      readonly seat: string
      readonly at: string
      readonly meal?: "fish" | "none"
      readonly bags?: number
    }>()
  })

  it("from another tool needs the contract and the request, not the code or its services", () => {
    const call = Tool.call(book, { seat: "1A", at: new Date(0), bags: 0 })
    expectTypeOf(call).toEqualTypeOf<
      Effect.Effect<
        { readonly id: number },
        Refused | McpError.McpError | AskError.AskError,
        RequestContext.RequestContext
      >
    >()
    expectTypeOf<{ seat: string }>().not.toExtend<
      Parameters<
        typeof Tool.call<
          "book",
          (typeof book)["parameters"],
          any,
          any
        >
      >[1]
    >()
  })

  it("through a test's client is typed by the contract, with or without its code", () => {
    const client = null as unknown as McpTest.Client
    const call = () => client.call(book, { seat: "1A", at: new Date(0), bags: 0 })
    type Called = Effect.Effect<
      { readonly id: number },
      Refused | McpError.McpError | DefinitionError.DefinitionError
    >
    expectTypeOf(call).returns.toEqualTypeOf<Called>()
    const callHandled = () => client.call(handled, { seat: "1A", at: new Date(0), bags: 0 })
    expectTypeOf(callHandled).returns.toEqualTypeOf<Called>()
    const raw = () => client.callTool("book", { seat: 1 })
    expectTypeOf(raw).returns.toEqualTypeOf<Effect.Effect<McpSchema.CallToolResult, McpError.McpError>>()
  })
})
