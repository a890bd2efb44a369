// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off globalErrorInEffectFailure:off floatingEffect:off
/**
 * A question says what it is answered with, a form cannot ask for what no form can hold, and a step whose value JSON
 * would lose wants its schema.
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  Ask,
  type AskError,
  Elicitation,
  Identity,
  type McpRequest,
  type RequestContext,
  Roots,
  Sampling,
  SessionState
} from "fastmcp-effect/context"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import { describe, expectTypeOf, it } from "vitest"

type Asking<A, E = never> = Effect.Effect<A, E | AskError.AskError, RequestContext.RequestContext>

const seat = Elicitation.form({ row: Schema.Int }, { message: "" })

describe("a round", () => {
  it("has the answer of each question under its key", () => {
    const asked = Ask.all({
      seat,
      maybe: Ask.option(seat),
      card: Elicitation.url("https://pay.example", { message: "" }),
      words: Sampling.text("Hi", { maxTokens: 1 }),
      message: Sampling.createMessage({ messages: [], maxTokens: 1 }),
      roots: Roots.list,
      raw: Elicitation.raw({ type: "object", properties: {} }, "")
    })
    expectTypeOf(asked).toEqualTypeOf<
      Asking<{
        readonly seat: { readonly row: number }
        readonly maybe: Option.Option<{ readonly row: number }>
        readonly card: void
        readonly words: string
        readonly message: McpSchema.CreateMessageResult
        readonly roots: ReadonlyArray<McpSchema.Root>
        readonly raw: { readonly [name: string]: Elicitation.FieldValue }
      }>
    >()
  })

  it("of one question has its answer", () => {
    expectTypeOf(Ask.one("seat", seat)).toEqualTypeOf<Asking<{ readonly row: number }>>()
    expectTypeOf(Elicitation.ask("seat", { row: Schema.Int }, { message: "" })).toEqualTypeOf<
      Asking<{ readonly row: number }>
    >()
    expectTypeOf(Sampling.ask("words", "Hi", { maxTokens: 1 })).toEqualTypeOf<Asking<string>>()
    expectTypeOf(Roots.ask("roots")).toEqualTypeOf<Asking<ReadonlyArray<McpSchema.Root>>>()
  })
})

describe("a form", () => {
  it("is answered with what its schema decodes to", () => {
    const form = Elicitation.form({
      name: Schema.String,
      born: Schema.DateFromString,
      color: Elicitation.choice({ red: "Red", green: "Green" }),
      sizes: Elicitation.choices({ s: "Small", l: "Large" }),
      note: Schema.optionalKey(Schema.String),
      more: Schema.optional(Schema.Boolean),
      age: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0))),
      host: Schema.OptionFromOptionalKey(Schema.URLFromString)
    }, { message: "" })
    expectTypeOf<Ask.Answer<typeof form>>().toEqualTypeOf<{
      readonly name: string
      readonly born: Date
      readonly color: "red" | "green"
      readonly sizes: ReadonlyArray<"s" | "l">
      readonly note?: string
      readonly more?: boolean | undefined
      readonly age: number
      readonly host: Option.Option<URL>
    }>()
  })

  it("may be a struct or a class", () => {
    class Person extends Schema.Class<Person>("Person")({ name: Schema.String }) {}
    expectTypeOf(Elicitation.form(Person, { message: "" })).toEqualTypeOf<Ask.Question<Person>>()
    expectTypeOf(Elicitation.form(Schema.Struct({ name: Schema.String }), { message: "" })).toEqualTypeOf<
      Ask.Question<{ readonly name: string }>
    >()
  })

  it("cannot hold an object, a null, a list of numbers or what is no JSON", () => {
    const message = ""
    // @ts-expect-error: a form is flat
    Elicitation.form({ a: Schema.Struct({ b: Schema.String }) }, { message })
    // @ts-expect-error: a form is flat
    Elicitation.form(Schema.Struct({ a: Schema.Struct({ b: Schema.String }) }), { message })
    // @ts-expect-error: nothing is null in a form
    Elicitation.form({ a: Schema.NullOr(Schema.String) }, { message })
    // @ts-expect-error: lists are of texts
    Elicitation.form({ a: Schema.Array(Schema.Int) }, { message })
    // @ts-expect-error: a Date is no JSON
    Elicitation.form({ a: Schema.Date }, { message })
    // @ts-expect-error: it may be anything
    Elicitation.form({ a: Schema.Unknown }, { message })
    // @ts-expect-error: a text is no form
    Elicitation.form(Schema.String, { message })
    // @ts-expect-error: the user has to know what is asked
    Elicitation.form({ a: Schema.String }, {})
  })

  it("cannot need services to be read", () => {
    type Needy = Schema.Codec<string, string, Identity.Required>
    expectTypeOf<Needy>().not.toExtend<Elicitation.Field>()
  })
})

it("sampling has a limit", () => {
  // @ts-expect-error: the protocol wants maxTokens
  Sampling.text("Hi", {})
})

describe("a step", () => {
  interface Hold {
    readonly id: string
    readonly until?: number
    readonly seats: ReadonlyArray<{ readonly row: number }>
  }
  const hold = null as unknown as Hold

  it("keeps its value, its error and its needs", () => {
    const step = null as unknown as Effect.Effect<Hold, "full", Identity.Required>
    expectTypeOf(Ask.once("hold", step)).toEqualTypeOf<
      Effect.Effect<Hold, "full" | AskError.AskError, Identity.Required | RequestContext.RequestContext>
    >()
  })

  it("may end with any JSON, with nothing, or never", () => {
    expectTypeOf(Ask.once("a", Effect.succeed(hold))).toEqualTypeOf<Asking<Hold>>()
    expectTypeOf(Ask.once("a", Effect.void)).toEqualTypeOf<Asking<void>>()
    expectTypeOf(Ask.once("a", Effect.as(Effect.void, undefined))).toEqualTypeOf<Asking<undefined>>()
    expectTypeOf(Ask.once("a", Effect.fail("no" as const))).toEqualTypeOf<Asking<never, "no">>()
    const json = null as unknown as Schema.Json
    expectTypeOf(Ask.once("a", Effect.succeed(json))).toEqualTypeOf<Asking<Schema.Json>>()
    const generic = <A extends Hold>(value: A) => Ask.once("a", Effect.succeed<Hold>(value))
    expectTypeOf(generic(hold)).toEqualTypeOf<Asking<Hold>>()
  })

  it("wants a schema for what JSON would lose", () => {
    // @ts-expect-error: give `once` its schema
    Ask.once("a", Effect.succeed(new Date(0)))
    // @ts-expect-error: give `once` its schema
    Ask.once("a", Effect.succeed({ at: [new Date(0)] }))
    // @ts-expect-error: give `once` its schema
    Ask.once("a", Effect.succeed(5n))
    // @ts-expect-error: give `once` its schema
    Ask.once("a", Effect.succeed(new Map<string, string>()))
    // @ts-expect-error: give `once` its schema
    Ask.once("a", Effect.succeed(null as unknown))
    expectTypeOf(Ask.once("a", Effect.succeed(new Date(0)), { schema: Schema.Date })).toEqualTypeOf<Asking<Date>>()
    // @ts-expect-error: the schema is of something else
    Ask.once("a", Effect.succeed(1), { schema: Schema.Date })
  })
})

describe("a value of a session", () => {
  type Access<A> = Effect.Effect<A, SessionState.SessionStateError, RequestContext.RequestContext>

  it("is an option, or with a default itself", () => {
    const at = SessionState.make("at", Schema.Date)
    expectTypeOf(at).toEqualTypeOf<SessionState.SessionState<Date>>()
    expectTypeOf(at.get).toEqualTypeOf<Access<Option.Option<Date>>>()
    const visits = SessionState.make("visits", Schema.Int, { default: 0 })
    expectTypeOf(visits.get).toEqualTypeOf<Access<number>>()
    expectTypeOf(visits.update).parameter(0).toEqualTypeOf<(current: number) => number>()
    // @ts-expect-error: the default is of the schema's type
    SessionState.make("visits", Schema.Int, { default: "0" })
  })
})

describe("a caller who has to be known", () => {
  it("is a need of the request that no layer can meet, and has a subject", () => {
    expectTypeOf<McpRequest.Lift<Identity.Required>>().toEqualTypeOf<
      McpRequest.McpRequest<"Requires", Identity.Required>
    >()
    expectTypeOf<Identity.Required["Service"]>().toEqualTypeOf<Identity.Authenticated>()
    expectTypeOf<Identity.Authenticated["subject"]>().toEqualTypeOf<string>()
    expectTypeOf(Identity.make({ subject: "ada" })).toEqualTypeOf<Identity.Authenticated>()
    // Anonymous callers have the reference alone, which is always there.
    expectTypeOf(Effect.service(Identity.CurrentIdentity)).toEqualTypeOf<Effect.Effect<Identity.Identity>>()
  })
})
