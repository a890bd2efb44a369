/** A transform keeps what a provider fails with and needs, and adds what it needs itself. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as MapResult from "fastmcp-effect/transform/MapResult"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as Rename from "fastmcp-effect/transform/Rename"
import * as ReshapeArguments from "fastmcp-effect/transform/ReshapeArguments"
import * as Visibility from "fastmcp-effect/transform/Visibility"
import { describe, expectTypeOf, it } from "vitest"

class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

class Units extends Context.Service<Units, string>()("test/Units") {}

const greet = Tool.make("greet", {
  parameters: { units: Schema.String },
  success: Schema.String,
  handler: () => Effect.map(Greeting, (greeting) => greeting)
})

const provider = Provider.make(Stream.concat(Stream.fail("no such host" as const), Stream.succeed([greet])))

describe("a transform", () => {
  it("keeps what the provider fails with and needs", () => {
    expectTypeOf(provider).toEqualTypeOf<Provider.Provider<"no such host", Greeting>>()
    expectTypeOf(provider.pipe(Namespace.make("a"), Visibility.include({ tags: ["x"] }))).toEqualTypeOf<
      Provider.Provider<"no such host", Greeting>
    >()
    expectTypeOf(provider.pipe(Rename.make({ tools: { greet: "hello" } }))).toEqualTypeOf<
      Provider.Provider<"no such host" | DefinitionError.DefinitionError, Greeting>
    >()
  })

  it("adds what it needs", () => {
    expectTypeOf(provider.pipe(
      ReshapeArguments.make({ greet: { units: { hidden: true, value: Effect.map(Units, (units) => units) } } })
    )).toEqualTypeOf<Provider.Provider<"no such host" | DefinitionError.DefinitionError, Greeting | Units>>()
    expectTypeOf(provider.pipe(
      MapResult.make({ greet: MapResult.structured(Schema.String, () => Effect.map(Units, (units) => units)) })
    )).toEqualTypeOf<Provider.Provider<"no such host" | DefinitionError.DefinitionError, Greeting | Units>>()
  })

  it("gives a value of its schema", () => {
    // @ts-expect-error: a number is no string
    MapResult.structured(Schema.String, () => Effect.succeed(1))
  })
})
