// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off globalErrorInEffectFailure:off
/**
 * A prompt's arguments are text to the client and typed values to its handler.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as AskError from "fastmcp-effect/context/AskError"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import { describe, expectTypeOf, it } from "vitest"

class Db extends Context.Service<Db, string>()("test/types/Prompt/Db") {}
class Cache extends Context.Service<Cache, ReadonlyArray<string>>()("test/types/Prompt/Cache") {}

describe("a prompt", () => {
  it("gives its handler decoded arguments, and keeps the needs of all of its code", () => {
    const review = Prompt.make("review", {
      arguments: { lines: Schema.FiniteFromString, style: Schema.optionalKey(Schema.Literals(["kind", "strict"])) },
      complete: {
        style: ["kind", "strict"],
        lines: (value, { arguments: known }) => known.style === value ? Cache : Effect.succeed([])
      },
      handler: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ readonly lines: number; readonly style?: "kind" | "strict" }>()
        return Effect.as(Db, [Prompt.user("Review this"), Prompt.assistant("Which?")])
      }
    })
    expectTypeOf(review.name).toEqualTypeOf<"review">()
    expectTypeOf<Prompt.Services<typeof review>>().toEqualTypeOf<Db | Cache>()
    expectTypeOf(Prompt.run(review, { lines: "10" })).toEqualTypeOf<
      Effect.Effect<
        Prompt.Result,
        McpError.McpError | AskError.AskError | DefinitionError.DefinitionError,
        Db | Cache
      >
    >()
    type Input = Parameters<typeof Prompt.run<"review", (typeof review)["arguments"], any>>[1]
    expectTypeOf<Input>().toEqualTypeOf<{ readonly lines: string; readonly style?: "kind" | "strict" }>()
  })

  it("is a contract without its code", () => {
    const contract = Prompt.make("greet", { arguments: { name: Schema.String } })
    const handled = Prompt.handle(contract, ({ name }) => {
      expectTypeOf(name).toEqualTypeOf<string>()
      return Effect.as(Db, name)
    })
    expectTypeOf(handled).toEqualTypeOf<Prompt.Handled<"greet", (typeof contract)["arguments"], Db>>()
    Prompt.make("nothing", {
      handler: (args) => {
        expectTypeOf(args).toEqualTypeOf<{}>()
        return Effect.succeed("text")
      }
    })
  })

  it("makes a text, messages or a result, and fails with a refusal", () => {
    Prompt.make("a", { handler: () => Effect.succeed(Prompt.user("a")) })
    Prompt.make("a", { handler: () => Effect.succeed({ description: "b", messages: [Prompt.user("a")] }) })
    // @ts-expect-error: not a message
    Prompt.make("a", { handler: () => Effect.succeed(1) })
    // @ts-expect-error: not a message either
    Prompt.make("a", { handler: () => Effect.succeed([{ role: "system", content: "a" }]) })
    // @ts-expect-error: an error nobody knows
    Prompt.make("a", { handler: () => Effect.fail("undeclared") })
  })

  it("takes text from a client", () => {
    // @ts-expect-error: a number is not text
    Prompt.make("a", { arguments: { lines: Schema.Finite } })
    // @ts-expect-error: nor is a list
    Prompt.make("a", { arguments: { lines: Schema.Array(Schema.String) } })
    // @ts-expect-error: a completer for what is not there
    Prompt.make("a", { arguments: { lines: Schema.String }, complete: { line: ["1"] } })
    // @ts-expect-error: an option nobody knows
    Prompt.make("a", { descripton: "misspelled" })
  })
})
