// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off
/**
 * What a client's methods have their types from: the contracts it was made with, or nothing.
 */
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as ClientGroup from "fastmcp-effect/client/ClientGroup"
import type * as ClientGroupError from "fastmcp-effect/client/ClientGroupError"
import type * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as ClientToolkit from "fastmcp-effect/client/ClientToolkit"
import * as LanguageModelSampling from "fastmcp-effect/client/LanguageModelSampling"
import * as McpClient from "fastmcp-effect/client/McpClient"
import type * as McpClientError from "fastmcp-effect/client/McpClientError"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import { describe, expectTypeOf, it } from "vitest"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

const book = Tool.make("book", {
  parameters: { seat: Schema.String, at: Schema.DateFromString, meal: Schema.optionalKey(Schema.String) },
  success: Schema.Struct({ id: Schema.FiniteFromString }),
  failure: Refused
})
const count = Tool.make("count", { success: Schema.Finite })
const find = Tool.make("find", { parameters: { q: Schema.optionalKey(Schema.String) } })

type Way = McpError.McpError | McpClientError.McpClientError | DefinitionError.DefinitionError

declare const acme: McpClient.Methods<readonly [typeof book, typeof count, typeof find]>
declare const client: McpClient.Client
declare const group: ClientGroup.Group

describe("methods made of contracts", () => {
  it("are one for each contract, and need a client alone", () => {
    const made = McpClient.fromTools([book, count, find])
    expectTypeOf<Effect.Success<typeof made>>().toEqualTypeOf<typeof acme>()
    expectTypeOf<Effect.Error<typeof made>>().toEqualTypeOf<McpClient.CallError>()
    expectTypeOf<Effect.Services<typeof made>>().toEqualTypeOf<McpClient.McpClient>()
    expectTypeOf<keyof typeof acme>().toEqualTypeOf<"book" | "count" | "find">()
  })

  it("take the decoded parameters, and give the success and the declared failure", () => {
    const called = () => acme.book({ seat: "1A", at: new Date(0) })
    expectTypeOf(called).returns.toEqualTypeOf<Effect.Effect<{ readonly id: number }, Refused | Way>>()
    expectTypeOf<Parameters<typeof acme.book>[0]>().toEqualTypeOf<
      { readonly seat: string; readonly at: Date; readonly meal?: string }
    >()
    expectTypeOf<Parameters<typeof acme.book>[1]>().toEqualTypeOf<McpClient.CallOptions | undefined>()
  })

  it("are called without parameters where none has to be there", () => {
    const calls = [() => acme.count(), () => acme.count({}, { timeout: "1 second" }), () => acme.find()] as const
    expectTypeOf(calls[0]).returns.toEqualTypeOf<Effect.Effect<number, Way>>()
    expectTypeOf(calls[2]).returns.toEqualTypeOf<Effect.Effect<void, Way>>()
    // @ts-expect-error: this one has parameters that have to be there
    const missing = () => acme.book()
    expectTypeOf(missing).toBeFunction()
  })

  it("do not compile with a name nobody has, nor with parameters of another type", () => {
    // @ts-expect-error: no contract is called `cancel`
    const unknown = () => acme.cancel({})
    // @ts-expect-error: a date, not its text
    const encoded = () => acme.book({ seat: "1A", at: "2026-01-01" })
    // @ts-expect-error: a parameter nobody declared
    const excess = () => acme.book({ seat: "1A", at: new Date(0), class: "first" })
    // @ts-expect-error: a contract, not a name
    const named = () => McpClient.fromTools(["book"])
    expectTypeOf([unknown, encoded, excess, named]).toBeArray()
  })

  it("keep a handler's needs to the server", () => {
    class Db extends Context.Service<Db, string>()("test/types/client/Db") {}
    const handled = Tool.handle(count, () => Effect.as(Db, 1))
    const made = McpClient.fromTools([handled])
    expectTypeOf<Effect.Services<typeof made>>().toEqualTypeOf<McpClient.McpClient>()
  })
})

describe("a client", () => {
  it("is made of a transport, in a scope", () => {
    const made = McpClient.make()
    expectTypeOf(made).toEqualTypeOf<
      Effect.Effect<
        McpClient.Client,
        McpError.McpError | McpClientError.McpClientError,
        ClientTransport.ClientTransport | Scope.Scope
      >
    >()
    // @ts-expect-error: no revision has this date
    const dated = McpClient.make({ revision: "2020-01-01" })
    expectTypeOf(dated).toBeObject()
  })

  it("calls by contract with the contract's types, and by name with the protocol's", () => {
    const called = () => client.call(book, { seat: "1A", at: new Date(0) })
    expectTypeOf(called).returns.toEqualTypeOf<Effect.Effect<{ readonly id: number }, Refused | Way>>()
    const named = () => client.callTool("book", { seat: 1 })
    expectTypeOf(named).returns.toEqualTypeOf<Effect.Effect<McpSchema.CallToolResult, McpClient.CallError>>()
    const streamed = () => client.callToolStream("book")
    expectTypeOf(streamed).returns.toEqualTypeOf<Stream.Stream<McpClient.CallEvent, McpClient.CallError>>()
  })
})

describe("a group of clients", () => {
  class A extends Context.Service<A, string>()("test/types/client/A") {}
  class B extends Context.Service<B, string>()("test/types/client/B") {}
  const needy = null as unknown as Layer.Layer<ClientTransport.ClientTransport, "broken", A>
  const other = null as unknown as Layer.Layer<ClientTransport.ClientTransport, never, B>

  it("needs what its transports need, each of them", () => {
    const made = ClientGroup.make({ servers: { needy: { transport: needy }, other: { transport: other } } })
    expectTypeOf(made).toEqualTypeOf<
      Effect.Effect<ClientGroup.Group, ClientGroupError.ClientGroupError, A | B | Scope.Scope>
    >()
    const layer = ClientGroup.layer({ servers: { other: { transport: other, options: { cache: false } } } })
    expectTypeOf(layer).toEqualTypeOf<
      Layer.Layer<ClientGroup.ClientGroup, ClientGroupError.ClientGroupError, B>
    >()
    const added = () => group.add("late", { transport: needy })
    expectTypeOf(added).returns.toEqualTypeOf<Effect.Effect<void, ClientGroupError.ClientGroupError, A>>()
  })

  it("takes servers that came as a list in one line", () => {
    const entries: ReadonlyArray<readonly [string, ClientGroup.Server<never, A>]> = []
    const made = ClientGroup.make({ servers: Object.fromEntries(entries) })
    expectTypeOf<Effect.Services<typeof made>>().toEqualTypeOf<A | Scope.Scope>()
  })

  it("lists without failing, and says whose each item is", () => {
    expectTypeOf(group.listTools()).toEqualTypeOf<Effect.Effect<ClientGroup.Listing<McpSchema.Tool>>>()
    type Item = ClientGroup.Listing<McpSchema.Tool>["items"][number]
    expectTypeOf<Item>().toExtend<McpSchema.Tool>()
    expectTypeOf<Item["server"]>().toEqualTypeOf<string>()
  })

  it("has no server that is not one", () => {
    // @ts-expect-error: a transport is a layer
    const text = ClientGroup.make({ servers: { a: { transport: "node server.ts" } } })
    // @ts-expect-error: an option nobody knows
    const misspelled = ClientGroup.make({ servers: {}, seperator: "__" })
    expectTypeOf([text, misspelled]).toBeArray()
  })
})

describe("a toolkit of a server's tools", () => {
  it("is one that a language model takes, with errors as its mode says", () => {
    const told = Effect.flatMap(
      ClientToolkit.make(client),
      (toolkit) => LanguageModel.generateText({ prompt: "?", toolkit })
    )
    expectTypeOf<Effect.Services<typeof told>>().toEqualTypeOf<LanguageModel.LanguageModel>()
    expectTypeOf<Extract<Effect.Error<typeof told>, ClientToolkit.ToolFailed>>().toEqualTypeOf<never>()
    const failing = Effect.flatMap(
      ClientToolkit.make(group, { failureMode: "error" }),
      (toolkit) => LanguageModel.generateText({ prompt: "?", toolkit })
    )
    expectTypeOf<Extract<Effect.Error<typeof failing>, ClientToolkit.ToolFailed>>().toEqualTypeOf<
      ClientToolkit.ToolFailed
    >()
  })
})

describe("sampling by a language model", () => {
  it("needs the model, and what the program's own word with the user needs", () => {
    class Screen extends Context.Service<Screen, string>()("test/types/client/Screen") {}
    expectTypeOf(LanguageModelSampling.layer()).toEqualTypeOf<
      Layer.Layer<ClientHandlers.SamplingHandler, never, LanguageModel.LanguageModel>
    >()
    expectTypeOf(LanguageModelSampling.layer({ approve: () => Effect.as(Screen, true) })).toEqualTypeOf<
      Layer.Layer<ClientHandlers.SamplingHandler, never, LanguageModel.LanguageModel | Screen>
    >()
  })
})
