import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as AskError from "fastmcp-effect/context/AskError"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Content from "fastmcp-effect/definition/Content"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as McpError from "fastmcp-effect/protocol/McpError"

class Style extends Context.Service<Style, string>()("test/definition/Prompt/Style") {}

const review = Prompt.make("review", {
  title: "Review",
  description: "Reviews code",
  arguments: {
    code: Schema.String.annotate({ title: "Code", description: "What to review" }),
    lines: Schema.FiniteFromString.annotate({ description: "How many lines" }),
    tone: Schema.optionalKey(Schema.Literals(["kind", "strict"])),
    depth: Schema.FiniteFromString.pipe(Schema.withDecodingDefaultKey(Effect.succeed("3")))
  },
  complete: { tone: ["kind", "strict"] }
})

const Review = Prompt.handle(review, ({ code, depth, lines, tone = "kind" }) =>
  Effect.gen(function*() {
    if (code === "refuse") return yield* McpError.invalidParams("not this")
    if (code === "ask") return yield* AskError.make(new AskError.Dismissed({ key: "which" }))
    if (code === "wrong") return [{ role: "system" as never, content: { type: "text", text: "" } }]
    return `${yield* Style}: ${code}, ${lines + 1}, ${tone}, ${depth}`
  }))

const style = Effect.provideService(Style, "plain")

const respond = (arguments_: { readonly [name: string]: string } | undefined) =>
  style(Prompt.respond(Review, arguments_))

const text = (text: string) => ({ role: "user", content: { type: "text", text } }) as const

describe("a prompt", () => {
  it("is a value, and a handled one keeps it", () => {
    assert.isTrue(Prompt.isPrompt(review))
    assert.isFalse(Prompt.isHandled(review))
    assert.isTrue(Prompt.isHandled(Review))
    assert.strictEqual(Review.arguments, review.arguments)
    assert.isFalse(Prompt.isPrompt({ name: "review" }))
  })

  it("is described by its schemas: titles, descriptions, and which arguments are required", () => {
    assert.deepStrictEqual(Prompt.describe(review), {
      name: "review",
      title: "Review",
      description: "Reviews code",
      arguments: [
        { name: "code", title: "Code", description: "What to review", required: true },
        { name: "lines", description: "How many lines", required: true },
        { name: "tone", required: false },
        { name: "depth", required: false }
      ]
    })
    assert.deepStrictEqual(Prompt.describe(Prompt.make("nothing")), { name: "nothing" })
  })

  it("takes what is written at a key for an argument's description", () => {
    const described = Prompt.describe(Prompt.make("a", {
      arguments: {
        key: Schema.String.pipe(Schema.annotateKey({ description: "at the key" })),
        both: Schema.String.annotate({ description: "at the type", title: "T" }).pipe(
          Schema.annotateKey({ description: "at the key" })
        ),
        optional: Schema.optional(Schema.String.annotate({ description: "optional" })),
        checked: Schema.FiniteFromString.check(Schema.isGreaterThan(0)).annotate({ description: "checked" })
      }
    }))
    assert.deepStrictEqual(described.arguments, [
      { name: "key", description: "at the key", required: true },
      { name: "both", title: "T", description: "at the key", required: true },
      { name: "optional", description: "optional", required: false },
      { name: "checked", description: "checked", required: true }
    ])
  })

  it("does not take a schema's own words for its author's", () => {
    const described = Prompt.describe(Prompt.make("a", { arguments: { n: Schema.FiniteFromString } }))
    assert.deepStrictEqual(described.arguments, [{ name: "n", required: true }])
  })

  it("that completes an argument it does not have cannot be served", () => {
    const fresh = Prompt.make("a", { arguments: { a: Schema.String }, complete: { b: [] } as {} })
    try {
      Prompt.describe(fresh)
    } catch (error) {
      assert.instanceOf(error, DefinitionError.DefinitionError)
      assert.strictEqual(error.message, "\"a\" cannot be served: complete has b, which is none of its arguments")
      return
    }
    assert.fail("it is described")
  })
})

describe("getting it", () => {
  it.effect("decodes the arguments, and a text is one message of the user's", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* respond({ code: "x", lines: "1" }), {
        description: "Reviews code",
        messages: [text("plain: x, 2, kind, 3")]
      })
      const all = yield* respond({ code: "x", lines: "1", tone: "strict", depth: "9" })
      assert.deepStrictEqual(all.messages, [text("plain: x, 2, strict, 9")])
    }))

  it.effect("gives one message, several, or a result as it is", () =>
    Effect.gen(function*() {
      const get = (served: Prompt.Served) =>
        Prompt.respond(Prompt.make("a", { description: "d", handler: () => Effect.succeed(served) }), undefined)
      const image = Content.image("AAAA", "image/png")
      assert.deepStrictEqual(yield* get(Prompt.assistant(image)), {
        description: "d",
        messages: [{ role: "assistant", content: image }]
      })
      assert.deepStrictEqual((yield* get([Prompt.user("a"), Prompt.assistant("b")])).messages, [
        text("a"),
        { ...text("b"), role: "assistant" }
      ])
      assert.deepStrictEqual(yield* get([]), { description: "d", messages: [] })
      const result = { description: "own", messages: [Prompt.user("a")], _meta: { "example.com/a": 1 } }
      assert.deepStrictEqual(yield* get(result), result)
      assert.deepStrictEqual(yield* get({ messages: [] }), { messages: [] })
    }))

  it.effect("refuses arguments that are missing, unknown or do not fit, each by its name", () =>
    Effect.gen(function*() {
      const messageOf = (arguments_: { readonly [name: string]: string } | undefined) =>
        Effect.map(Effect.flip(respond(arguments_)), (error) => {
          assert.strictEqual(error.reason._tag, "InvalidParams")
          return error.message
        })
      assert.match(yield* messageOf(undefined), /^Invalid arguments for review: code: .*; lines: /s)
      assert.match(yield* messageOf({ code: "x" }), /^Invalid arguments for review: lines: .*[Mm]issing/)
      assert.match(
        yield* messageOf({ code: "x", lines: "many", tone: "rude", size: "1", __proto__x: "" }),
        /lines: .*; tone: .*; size: The prompt has no such argument; __proto__x: /s
      )
      assert.strictEqual(
        yield* messageOf({ code: "x", lines: "1", toString: "1" }),
        "Invalid arguments for review: toString: The prompt has no such argument"
      )
    }))

  it.effect("is refused as the handler refuses it, or with the words of a question without an answer", () =>
    Effect.gen(function*() {
      const reasonOf = (code: string) => Effect.map(Effect.flip(respond({ code, lines: "1" })), ({ reason }) => reason)
      assert.deepStrictEqual(yield* reasonOf("refuse"), new McpError.InvalidParams({ message: "not this" }))
      assert.deepStrictEqual(
        yield* reasonOf("ask"),
        new McpError.InvalidRequest({ message: "The user dismissed \"which\"." })
      )
    }))

  it.effect("is a bug when the handler makes no messages of it", () =>
    Effect.gen(function*() {
      const outcome = yield* Outcome.fromEffect(respond({ code: "wrong", lines: "1" }))
      assert.strictEqual(outcome._tag, "Panicked")
      const { defect } = outcome as Outcome.Panicked
      assert.instanceOf(defect, DefinitionError.DefinitionError)
      assert.include(defect.message, "review returned what its schema does not allow: messages.0.role:")
    }))
})

describe("run", () => {
  it.effect("takes the strings a client sends, and gives the result, without a server", () =>
    Effect.gen(function*() {
      const result = yield* style(Prompt.run(Review, { code: "x", lines: "1" }))
      assert.deepStrictEqual(result.messages, [text("plain: x, 2, kind, 3")])
      const invalid = yield* Effect.flip(style(Prompt.run(Review, { code: "x", lines: "many" })))
      assert.instanceOf(invalid, DefinitionError.DefinitionError)
      assert.strictEqual(invalid.reason._tag, "InvalidInput")
      const wrong = yield* Effect.flip(style(Prompt.run(Review, { code: "wrong", lines: "1" })))
      assert.instanceOf(wrong, DefinitionError.DefinitionError)
      assert.strictEqual(wrong.reason._tag, "InvalidOutput")
      const asked = yield* Effect.flip(style(Prompt.run(Review, { code: "ask", lines: "1" })))
      assert.instanceOf(asked, AskError.AskError)
    }))
})

describe("completing an argument", () => {
  it.effect("asks its completer, and refuses an argument that is not there", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Prompt.complete(review, { name: "tone", value: "s" }), {
        completion: { values: ["strict"] }
      })
      assert.deepStrictEqual(yield* Prompt.complete(review, { name: "code", value: "s" }), {
        completion: { values: [] }
      })
      const error = yield* Effect.flip(Prompt.complete(review, { name: "tones", value: "" }))
      assert.strictEqual(
        error.message,
        "The prompt \"review\" has no argument \"tones\"; it has code, lines, tone, depth"
      )
    }))
})

/** No synchronous run gets past it, as it does past a yield. */
const later = Effect.promise(() => Promise.resolve())

/** Waits, refuses "no" and cannot cope with "bug". */
const Slow = Schema.String.pipe(Schema.decodeTo(
  Schema.String,
  SchemaTransformation.transformEffect({
    decode: (text: string) =>
      Effect.andThen(
        later,
        text === "bug"
          ? Effect.die("a bug")
          : text === "no"
          ? Effect.fail(new SchemaIssue.InvalidValue({ message: "not this" }))
          : Effect.succeed(`${text}!`)
      ),
    encode: (text: string) => Effect.as(later, text.slice(0, -1))
  })
))

const Throwing = Schema.String.check(Schema.makeFilter(() => {
  throw new Error("a bug")
}))

describe("an argument's schema", () => {
  const slow = Prompt.make("slow", { arguments: { a: Slow }, handler: ({ a }) => Effect.succeed(a) })
  const throwing = Prompt.make("p", { arguments: { a: Throwing }, handler: ({ a }) => Effect.succeed(a) })

  it.effect("may have to be waited for, and refuses all the same", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* Prompt.respond(slow, { a: "x" })).messages, [text("x!")])
      assert.deepStrictEqual((yield* Prompt.run(slow, { a: "x" })).messages, [text("x!")])
      const refused = yield* Effect.flip(Prompt.respond(slow, { a: "no", b: "" }))
      assert.strictEqual(
        refused.message,
        "Invalid arguments for slow: a: not this; b: The prompt has no such argument"
      )
      const invalid = yield* Effect.flip(Prompt.run(slow, { a: "no" }))
      assert.strictEqual(invalid.message, "Invalid arguments for slow: a: not this")
    }))

  it.effect("that has a bug is a defect, not a fault of the arguments", () =>
    Effect.gen(function*() {
      for (
        const effect of [
          Prompt.respond(slow, { a: "bug" }),
          Prompt.respond(slow, { a: "bug", b: "" }),
          Prompt.run(slow, { a: "bug" }),
          Prompt.respond(throwing, { a: "x" }),
          Prompt.run(throwing, { a: "x" })
        ] as ReadonlyArray<Effect.Effect<unknown, unknown>>
      ) {
        const outcome = yield* Outcome.fromEffect(effect)
        assert.strictEqual(outcome._tag, "Panicked")
        assert.include(String((outcome as Outcome.Panicked).defect), "a bug")
      }
    }))
})
