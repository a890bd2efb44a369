/**
 * What a handler ends with is what its caller gets back, through a server, as JSON text, in both eras.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Outcome from "fastmcp-effect/core/Outcome"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as WireOutcome from "fastmcp-effect/protocol/WireOutcome"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { withoutEscapedKeys } from "../support/json.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String, at: Schema.Date }) {}
class Busy extends Schema.TaggedError<Busy>()("Busy", { retryAfter: Schema.Finite }) {}

/** JSON has no half of a surrogate pair and one zero; what a value has of them is not expected back. */
const portable = (value: any): any =>
  typeof value === "string"
    ? value.toWellFormed()
    : Object.is(value, -0)
    ? 0
    : Array.isArray(value)
    ? value.map(portable)
    : typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))
    ? Object.fromEntries(
      Object.entries(value)
        .map(([key, member]) => [key.toWellFormed(), portable(member)] as const)
        .filter(([key]) => key !== "__proto__")
    )
    : value

const values = <S extends Tool.Codec>(schema: S, adjust: (value: any) => any = (value) => value) => ({
  schema,
  values: Arbitrary.map(Arbitrary.schema(schema), (value) => adjust(withoutEscapedKeys(portable(value))) as S["Type"])
})

const successes: {
  readonly [kind: string]: { readonly schema: Tool.Codec; readonly values: Arbitrary.Arbitrary<any> }
} = {
  "a string": values(Schema.String),
  "a number": values(Schema.Finite),
  "an integer": values(Schema.Int),
  "a boolean": values(Schema.Boolean),
  "null": values(Schema.Null),
  "nothing": values(Schema.Void, () => undefined),
  "undefined": values(Schema.Undefined),
  "an object": values(Schema.Struct({ a: Schema.String, b: Schema.optionalKey(Schema.Finite) })),
  // Undefined is absence on the wire, so it is not generated.
  "an object with an optional": values(
    Schema.Struct({ a: Schema.optional(Schema.String) }),
    ({ a }) => a === undefined ? {} : { a }
  ),
  "an array": values(Schema.Array(Schema.NullOr(Schema.String))),
  "a record": values(Schema.Record(Schema.String, Schema.Finite)),
  "a string or a number": values(Schema.Union([Schema.String, Schema.Finite])),
  "an object or a string": values(Schema.Union([Schema.Struct({ a: Schema.Boolean }), Schema.String])),
  "a string or null": values(Schema.NullOr(Schema.String)),
  "a literal": values(Schema.Literals(["a", "b"])),
  "any JSON": values(Schema.Json),
  "a date": values(Schema.Date),
  "an object with a date": values(Schema.Struct({ at: Schema.Date, tags: Schema.ReadonlySet(Schema.Boolean) })),
  "an option": values(Schema.Option(Schema.Boolean)),
  // The protocol gives stateful revisions no place for structured content that is not an object, and stateless ones no
  // difference between no `_meta` and an empty one once the server has put its name there.
  "a result of the author's own": values(Tool.Result, ({ _meta, structuredContent, ...rest }) => ({
    ...rest,
    ...(_meta === undefined || Object.keys(_meta).length === 0 ? undefined : { _meta }),
    ...(structuredContent === undefined ? undefined : { structuredContent: { value: structuredContent } })
  }))
}

const failures: typeof successes = {
  "a struct": values(Schema.Struct({ why: Schema.String })),
  "a tagged error": {
    schema: Refused,
    values: Arbitrary.map(Arbitrary.schema(Refused), ({ at, why }) => new Refused({ at, why: why.toWellFormed() }))
  },
  "a string": values(Schema.String),
  "a number": values(Schema.Finite),
  "null": values(Schema.Null),
  "a union": {
    schema: Schema.Union([Refused, Busy, Schema.Literal("no")]),
    values: Arbitrary.map(
      Arbitrary.schema(Schema.Union([Refused, Busy, Schema.Literal("no")])),
      (value) =>
        value === "no"
          ? value
          : value._tag === "Busy"
          ? new Busy({ retryAfter: value.retryAfter + 0 })
          : new Refused({ at: value.at, why: value.why.toWellFormed() })
    )
  },
  "a date": values(Schema.Date)
}

/** A client of a server whose only tool ends as it is told to. */
const scripted = <S extends Tool.Codec, F extends Tool.Codec>(
  revision: Revisions.Version,
  success: S,
  failure: F
) =>
  Effect.gen(function*() {
    let script: Effect.Effect<any, any> = Effect.void
    const tool = Tool.make("scripted", { success, failure, handler: () => Effect.suspend(() => script) })
    const server = McpServer.layer({ name: "scripted", version: "1.0.0", tools: [tool] })
    const client = yield* McpTest.client(server, { revision })
    const play = (next: Effect.Effect<S["Type"], F["Type"] | McpError.McpError>) =>
      Effect.suspend((): Effect.Effect<
        Outcome.Outcome<S["Type"], F["Type"] | McpError.McpError | DefinitionError.DefinitionError>
      > => {
        script = next
        return Outcome.fromEffect(client.call(tool, {}))
      })
    return { client, play }
  })

/** Fails unless every value comes back as it left. */
const comesBack = <A>(
  arbitrary: Arbitrary.Arbitrary<A>,
  roundTrip: (value: A) => Effect.Effect<Outcome.Any>,
  expected: (value: A) => Outcome.Any
) =>
  Effect.gen(function*() {
    const result = yield* Arbitrary.checkEffect(arbitrary, (value) =>
      Effect.andThen(roundTrip(value), (outcome) =>
        Effect.try({
          try: () => {
            assert.deepStrictEqual(outcome, expected(value))
            return true
          },
          catch: (error) =>
            (error as Error).message
        })), { runs: 60 })
    assert.strictEqual(result._tag, "Passed", Arbitrary.formatCheckFailure(result))
  })

for (const { era, requests, version } of Revisions.all) {
  const revision = version as Revisions.Version

  /** An author's own result can have what the revision cannot say. */
  const asSaid = (schema: Tool.Codec) => (value: any) =>
    Outcome.ok(
      schema === Tool.Result && era === "Stateful"
        ? requests["tools/call"]!.project(value, {
          serverInfo: { name: "scripted", version: "1.0.0" },
          cacheHints: { ttlMs: 0, cacheScope: "private" }
        })
        : value
    )

  describe(`in ${revision} a caller gets`, () => {
    for (const [kind, { schema, values }] of Object.entries(successes)) {
      it.effect(`the success its handler gave: ${kind}`, () =>
        Effect.gen(function*() {
          const { play } = yield* scripted(revision, schema, Schema.Never)
          yield* comesBack(values, (value) => play(Effect.succeed(value)), asSaid(schema))
        }))
    }

    for (const [kind, { schema, values }] of Object.entries(failures)) {
      it.effect(`the failure its handler declared: ${kind}`, () =>
        Effect.gen(function*() {
          const { play } = yield* scripted(revision, Schema.Finite, schema)
          yield* comesBack(values, (value) => play(Effect.fail(value)), Outcome.err)
        }))
    }

    it.effect("the failure of a handler that makes results of its own", () =>
      Effect.gen(function*() {
        const { play } = yield* scripted(revision, Tool.Result, Refused)
        const refused = new Refused({ why: "closed", at: new Date(0) })
        assert.deepStrictEqual(yield* play(Effect.fail(refused)), Outcome.err(refused))
        const own = { content: [{ type: "text" as const, text: "closed" }], isError: true }
        assert.deepStrictEqual(yield* play(Effect.succeed(own)), Outcome.ok(own))
      }))

    for (const reason of Outcome.cancelReasons) {
      it.effect(`the cancellation that ended its handler: ${reason}`, () =>
        Effect.gen(function*() {
          const { play } = yield* scripted(revision, Schema.Finite, Refused)
          assert.deepStrictEqual(yield* play(Outcome.interruptSelf(reason)), Outcome.cancelled(reason))
        }))
    }

    it.effect("the refusal its handler answered with, or the closest its code allows", () =>
      Effect.gen(function*() {
        const { play } = yield* scripted(revision, Schema.Finite, Refused)
        const same = [
          McpError.invalidParams("no", { at: "a" }),
          McpError.invalidRequest("no"),
          McpError.make(new McpError.ParseError({ message: "no" })),
          McpError.make(new McpError.RateLimited({ retryAfter: 5 })),
          McpError.make(new McpError.RateLimited({})),
          McpError.make(new McpError.Overloaded({ message: "later" })),
          McpError.make(new McpError.DeadlineExceeded()),
          McpError.make(new McpError.InternalError()),
          McpError.make(new McpError.Other({ code: 7, message: "seven", data: [1] })),
          ...(era === "Stateful" ? [] : [
            McpError.make(new McpError.HeaderMismatch({ message: "no" })),
            McpError.make(new McpError.MissingCapability({ message: "no", required: { sampling: {} } })),
            McpError.make(new McpError.UnsupportedVersion({ requested: "a", supported: ["b"] }))
          ])
        ]
        for (const error of same) assert.deepStrictEqual(yield* play(Effect.fail(error)), Outcome.err(error))
        const cancelled = yield* play(Effect.fail(McpError.make(new McpError.Cancelled({ reason: "by hand" }))))
        assert.deepStrictEqual(
          cancelled,
          Outcome.err(McpError.make(new McpError.Other({ code: 499, message: "The request was cancelled (by hand)" })))
        )
      }))

    it.effect("an internal error for a defect, with where the log has it, and no word of it", () =>
      Effect.gen(function*() {
        const secret = "the secret of the defect"
        const { client, play } = yield* scripted(revision, Schema.Finite, Refused)
        const defects: ReadonlyArray<Effect.Effect<any, any>> = [
          Effect.die(new Error(secret)),
          Effect.die(secret),
          Effect.sync(() => {
            throw Object.assign(new TypeError(secret), { cause: new Error(secret) })
          }),
          Effect.promise(() => Promise.reject(new Error(secret))),
          Effect.succeed(secret),
          Effect.fail({ _tag: "Refused", secret }),
          Effect.ensuring(Effect.fail(new Refused({ why: "x", at: new Date(0) })), Effect.die(secret)),
          Effect.andThen(Effect.forkChild(Effect.die(secret), { startImmediately: true }), Effect.die(secret))
        ]
        for (const defect of defects) {
          const outcome = yield* play(defect)
          const { correlationId } = (outcome as any).error.reason
          assert.match(correlationId, /^\w+$/)
          assert.deepStrictEqual(outcome, Outcome.err(McpError.make(new McpError.InternalError({ correlationId }))))
        }
        const frames = (yield* client.frames).slice(-defects.length)
        for (const frame of frames) {
          assert.notInclude(frame, "secret")
          const { data, ...error } = JSON.parse(frame).error
          const message = `Internal error; the server's log has it under ${data.correlationId}`
          assert.deepStrictEqual(error, { code: -32603, message })
          assert.deepStrictEqual(WireOutcome.decode(data), { _tag: "Panicked" })
        }
      }))

    it.effect("half of a surrogate pair as U+FFFD, for it is not Unicode", () =>
      Effect.gen(function*() {
        const { play } = yield* scripted(revision, Schema.String, Schema.String)
        assert.deepStrictEqual(yield* play(Effect.succeed("😀".slice(0, 1))), Outcome.ok("\ufffd"))
        assert.deepStrictEqual(yield* play(Effect.fail("a\udc00")), Outcome.err("a\ufffd"))
        assert.deepStrictEqual(
          yield* play(Effect.succeed("\\ud800 \\\\ud800 😀\u0001")),
          Outcome.ok("\\ud800 \\\\ud800 😀\u0001")
        )
      }))

    it.effect("a refusal, and not silence, for a result no client would take", () =>
      Effect.gen(function*() {
        const { play } = yield* scripted(revision, Schema.Json, Schema.Never)
        const outcome = yield* play(Effect.succeed(JSON.parse("{ \"__proto__\": 1 }")))
        // Before 2025-06-18 it is only text.
        assert.strictEqual(outcome._tag, revision < "2025-06-18" ? "Ok" : "Err")
      }))
  })
}

describe("WireOutcome", () => {
  it("reads what it has written", () => {
    const written: ReadonlyArray<WireOutcome.WireOutcome> = [
      { _tag: "Err", error: { a: [1] } },
      { _tag: "Err", error: null },
      { _tag: "InvalidInput", issues: [] },
      { _tag: "Panicked" },
      ...Outcome.cancelReasons.map((reason) => ({ _tag: "Cancelled" as const, reason }))
    ]
    for (const outcome of written) {
      assert.deepStrictEqual(WireOutcome.decode(JSON.parse(JSON.stringify(WireOutcome.encode(outcome)))), outcome)
    }
  })

  it("passes over what it did not write", () => {
    for (
      const value of [undefined, null, 1, "x", [], {}, { [Meta.outcome]: null }, { [Meta.outcome]: { _tag: "Ok" } }]
    ) {
      assert.isUndefined(WireOutcome.decode(value))
    }
    assert.isUndefined(WireOutcome.decode({ [Meta.outcome]: { _tag: "Cancelled", reason: "Boredom" } }))
  })
})

describe("a result without our key", () => {
  const tool = Tool.make("a", { success: Schema.Finite, failure: Refused })

  it.effect("is read by its content, as the protocol has it", () =>
    Effect.gen(function*() {
      const decode = (result: Parameters<typeof Tool.decodeResult>[1]) => Effect.exit(Tool.decodeResult(tool, result))
      const read = (result: Parameters<typeof Tool.decodeResult>[1]) => Effect.map(decode(result), Outcome.fromExit)
      assert.deepStrictEqual(yield* read({ content: [{ type: "text", text: "5" }] }), Outcome.ok(5))
      assert.deepStrictEqual(yield* read({ content: [], structuredContent: 5 }), Outcome.ok(5))
      const failed = yield* read({ content: [{ type: "text", text: "broken" }], isError: true })
      assert.isTrue(Outcome.isErr(failed) && failed.error.toString().includes("broken"))
      for (const text of ["five", "\"5\""]) {
        const exit = yield* decode({ content: [{ type: "text", text }] })
        const error = Option.getOrThrow(Exit.findErrorOption(exit)) as DefinitionError.DefinitionError
        assert.strictEqual(error.reason._tag, "InvalidOutput")
      }
    }))
})
