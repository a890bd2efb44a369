import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as AskError from "fastmcp-effect/context/AskError"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Progress from "fastmcp-effect/context/Progress"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type { CallToolResult } from "fastmcp-effect/protocol/McpSchema"
import * as Meta from "fastmcp-effect/protocol/Meta"

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {
  override get message() {
    return `refused: ${this.why}`
  }
}

class Rate extends Context.Service<Rate, number>()("test/definition/Tool/Rate") {}

const Positive = Schema.Finite.check(Schema.isGreaterThan(0))

const pay = Tool.make("pay", {
  parameters: { amount: Positive, at: Schema.Date, note: Schema.optionalKey(Schema.String) },
  success: Schema.Struct({ paid: Schema.Finite, at: Schema.Date }),
  failure: Refused
})

const Pay = Tool.handle(pay, ({ amount, at, note }) =>
  Effect.gen(function*() {
    if (note === "refuse") return yield* new Refused({ why: "no" })
    if (note === "protocol") return yield* McpError.invalidParams("not like this")
    if (note === "die") return yield* Effect.die("a bug")
    if (note === "wrong") return { paid: "much" as unknown as number, at }
    return { paid: amount * (yield* Rate), at }
  }))

const at = new Date("2026-01-02T03:04:05.000Z")

const issuesOf = (error: unknown) => {
  assert.instanceOf(error, DefinitionError.DefinitionError)
  const { reason } = error
  return "issues" in reason
    ? {
      _tag: reason._tag,
      issues: reason.issues.map(({ path, message }) => ({ path, message: message.split("\n")[0] }))
    }
    : { _tag: reason._tag, issues: [] }
}

describe("a contract", () => {
  it("is a value, and a handled one keeps it", () => {
    assert.isTrue(Tool.isTool(pay))
    assert.isFalse(Tool.isHandled(pay))
    assert.isTrue(Tool.isHandled(Pay))
    assert.strictEqual(Pay.name, "pay")
    assert.strictEqual(Pay.parameters, pay.parameters)
    assert.isFalse(Tool.isTool({ name: "pay" }))
    assert.isFalse(Tool.isTool(undefined))
  })

  it("takes and gives nothing when it says nothing", () => {
    assert.deepStrictEqual(Tool.describe(Tool.make("nothing")), {
      name: "nothing",
      inputSchema: { type: "object", additionalProperties: false }
    })
  })

  it("is described with what its author wrote, and only that", () => {
    const described = Tool.describe(Tool.make("all", {
      title: "All",
      description: "Everything",
      parameters: Schema.Struct({ a: Schema.String.annotate({ description: "an a" }) }),
      success: Schema.Struct({ b: Schema.Boolean }),
      annotations: { readOnlyHint: true },
      meta: { "example.com/a": 1 },
      timeout: "1 second",
      requires: { sampling: {} }
    }))
    assert.deepStrictEqual(described, {
      name: "all",
      title: "All",
      description: "Everything",
      inputSchema: {
        type: "object",
        properties: { a: { type: "string", description: "an a" } },
        required: ["a"]
      },
      outputSchema: { type: "object", properties: { b: { type: "boolean" } }, required: ["b"] },
      annotations: { readOnlyHint: true },
      _meta: { "example.com/a": 1 }
    })
  })

  it("promises structured content only where a result has it", () => {
    const withOutput = (success: Tool.Codec) => "outputSchema" in Tool.describe(Tool.make("a", { success }))
    assert.isFalse(withOutput(Schema.String))
    assert.isFalse(withOutput(Schema.Date))
    assert.isFalse(withOutput(Schema.Void))
    assert.isFalse(withOutput(Tool.Result))
    assert.isTrue(withOutput(Schema.Finite))
    assert.isTrue(withOutput(Schema.NullOr(Schema.String)))
    assert.isTrue(withOutput(Schema.Array(Schema.String)))
  })

  it("is compiled on first use and only once", () => {
    let reads = 0
    const Lazy = Schema.Struct({
      get a() {
        reads++
        return Schema.String
      }
    })
    const atMake = reads
    const tool = Tool.make("lazy", { parameters: Lazy })
    assert.strictEqual(reads, atMake)
    assert.strictEqual(Tool.describe(tool), Tool.describe(Tool.handle(tool, () => Effect.void)))
  })
})

describe("Tool.run, without a server,", () => {
  const run = (input: typeof pay.parameters.Encoded) => Effect.provideService(Tool.run(Pay, input), Rate, 2)

  it.effect("decodes the input, runs the handler with its services, and gives its success", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* run({ amount: 3, at }), { paid: 6, at })
    }))

  it.effect("gives the declared failure and the refusal as they are", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Effect.flip(run({ amount: 1, at, note: "refuse" })), new Refused({ why: "no" }))
      const refused = yield* Effect.flip(run({ amount: 1, at, note: "protocol" }))
      assert.deepStrictEqual(refused, McpError.invalidParams("not like this"))
    }))

  it.effect("leaves a defect a defect", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(run({ amount: 1, at, note: "die" }))
      assert.deepStrictEqual(Outcome.fromExit(exit), Outcome.panicked("a bug"))
    }))

  it.effect("says where the input does not fit", () =>
    Effect.gen(function*() {
      const wrong = issuesOf(yield* Effect.flip(run({ amount: -1, at })))
      assert.strictEqual(wrong._tag, "InvalidInput")
      assert.deepStrictEqual(wrong.issues.map(({ path }) => path), [["amount"]])
      const missing = issuesOf(yield* Effect.flip(run({ amount: 1 } as never)))
      assert.deepStrictEqual(missing.issues.map(({ path }) => path), [["at"]])
    }))

  it.effect("says where the output does not fit", () =>
    Effect.gen(function*() {
      const wrong = issuesOf(yield* Effect.flip(run({ amount: 1, at, note: "wrong" })))
      assert.strictEqual(wrong._tag, "InvalidOutput")
      assert.deepStrictEqual(wrong.issues.map(({ path }) => path), [["paid"]])
    }))

  it.effect("needs no request where a handler only talks about it", () =>
    Effect.gen(function*() {
      const talks = Tool.make("talks", {
        success: Schema.String,
        handler: () =>
          Effect.gen(function*() {
            yield* Progress.report(0.5)
            yield* ClientLog.info("half")
            const request = yield* RequestContext.RequestContext
            const called = yield* Effect.flip(Tool.call(pay, { amount: 1, at }))
            assert.deepStrictEqual(called, McpError.make(new McpError.ToolNotFound({ name: "pay" })))
            return request.method
          }).pipe(Effect.orDie)
      })
      assert.strictEqual(yield* Effect.provide(Tool.run(talks, {}), RequestContext.layerNoop), "tools/call")
    }))
})

describe("Tool.respond, with raw JSON,", () => {
  const respond = (input: unknown) => Effect.provideService(Tool.respond(Pay, input), Rate, 2)

  it.effect("writes structured content with its JSON beside it", () =>
    Effect.gen(function*() {
      const value = { paid: 6, at: "2026-01-02T03:04:05.000Z" }
      assert.deepStrictEqual(yield* respond({ amount: 3, at: at.toISOString() }), {
        content: [{ type: "text", text: JSON.stringify(value) }],
        structuredContent: value
      })
    }))

  it.effect("answers a declared failure with its message, and arguments that do not fit with what is wrong", () =>
    Effect.gen(function*() {
      const failed = yield* respond({ amount: 3, at: at.toISOString(), note: "refuse" })
      assert.isTrue(failed.isError)
      assert.deepStrictEqual(failed.content, [{ type: "text", text: "refused: no" }])
      for (const input of [{ amount: "3", at: at.toISOString() }, {}, undefined, null, [], "x", { amount: 1, at: 5 }]) {
        const refused = yield* respond(input)
        assert.isTrue(refused.isError)
        assert.match((refused.content[0] as { text: string }).text, /^Invalid arguments for pay: /u)
        const error = Outcome.fromExit(yield* Effect.exit(Tool.decodeResult(pay, refused)))
        assert.isTrue(
          Outcome.isErr(error) && error.error instanceof DefinitionError.DefinitionError
            && error.error.reason._tag === "InvalidInput"
        )
      }
    }))

  it.effect("fails with a refusal, and dies of an output its schema does not allow", () =>
    Effect.gen(function*() {
      const input = { amount: 3, at: at.toISOString() }
      const refused = yield* Effect.flip(respond({ ...input, note: "protocol" }))
      assert.deepStrictEqual(refused, McpError.invalidParams("not like this"))
      const outcome = Outcome.fromExit(yield* Effect.exit(respond({ ...input, note: "wrong" })))
      assert.isTrue(Outcome.isPanicked(outcome))
    }))
})

describe("a failure without a message", () => {
  const explained = (failure: Tool.Codec, value: unknown) =>
    Effect.map(
      Tool.respond(Tool.make("fails", { failure, handler: () => Effect.fail(value) }), {}),
      ({ content }) => content
    )

  it.effect("is told as its text or its JSON", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* explained(Schema.String, "plain"), [{ type: "text", text: "plain" }])
      assert.deepStrictEqual(yield* explained(Schema.Struct({ a: Schema.Finite }), { a: 1 }), [
        { type: "text", text: "{\"a\":1}" }
      ])
    }))
})

describe("encodeParameters", () => {
  it.effect("writes JSON a server will read, and refuses what its schema does not allow", () =>
    Effect.gen(function*() {
      const encoded = yield* Tool.encodeParameters(pay, { amount: 1, at })
      assert.deepStrictEqual(encoded, { amount: 1, at: "2026-01-02T03:04:05.000Z" })
      const refused = issuesOf(yield* Effect.flip(Tool.encodeParameters(pay, { amount: -1, at })))
      assert.strictEqual(refused._tag, "InvalidInput")
    }))
})

describe("a handler with a layer", () => {
  it.effect("gets it through Effect.provide alone", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.provide(Tool.run(Pay, { amount: 2, at }), Layer.succeed(Rate, 5)))
      assert.deepStrictEqual(exit, Exit.succeed({ paid: 10, at }))
    }))
})

const textOf = ({ content }: CallToolResult) => content.map((block) => block.type === "text" ? block.text : "").join()

describe("what a tool says of itself", () => {
  it("is listed where clients look for it, and what is for the server is kept on the tool", () => {
    const visible = () => false
    const tool = Tool.make("all", {
      icons: [{ src: "https://example.com/icon.png" }],
      tags: ["money"],
      version: "2",
      meta: { "example.com/a": 1 },
      visible,
      concurrency: 3,
      strict: false
    })
    assert.deepStrictEqual(Tool.describe(tool), {
      name: "all",
      inputSchema: { type: "object", additionalProperties: false },
      icons: [{ src: "https://example.com/icon.png" }],
      _meta: { "example.com/a": 1, [Meta.tags]: ["money"], [Meta.version]: "2" }
    })
    const handled = Tool.handle(tool, () => Effect.void)
    assert.strictEqual(handled.visible, visible)
    assert.strictEqual(handled.concurrency, 3)
    assert.strictEqual(handled.strict, false)
  })
})

describe("a strict tool", () => {
  const parameters = { a: Schema.optionalKey(Schema.Struct({ b: Schema.String })) }
  const make = (strict?: boolean) =>
    Tool.make("a", { parameters, ...(strict === undefined ? undefined : { strict }), handler: () => Effect.void })

  it.effect("refuses every key it does not know, by name and at any depth, and others ignore them", () =>
    Effect.gen(function*() {
      const input = { x: 1, y: 2, a: { b: "", c: 3 } }
      const refused = yield* Tool.respond(make(true), input)
      assert.isTrue(refused.isError)
      assert.strictEqual(
        textOf(refused),
        "Invalid arguments for a: x: Expected no excess property; y: Expected no excess property; a.c: Expected no excess property"
      )
      assert.isUndefined((yield* Tool.respond(make(), input)).isError)
      assert.isUndefined((yield* Tool.respond(make(false), input)).isError)
    }))

  it.effect("without parameters takes none", () =>
    Effect.gen(function*() {
      const none = Tool.make("none", { handler: () => Effect.void })
      assert.isUndefined((yield* Tool.respond(none, { x: 1 })).isError)
      assert.isUndefined((yield* Tool.respond(none, {}, { strict: true })).isError)
      const refused = yield* Tool.respond(none, { x: 1 }, { strict: true })
      assert.strictEqual(textOf(refused), "Invalid arguments for none: x: Expected no excess property")
    }))

  it.effect("may be made so for one call, and for one listing", () =>
    Effect.gen(function*() {
      assert.isTrue((yield* Tool.respond(make(), { x: 1 }, { strict: true })).isError)
      assert.isUndefined((yield* Tool.respond(make(true), { x: 1 }, { strict: false })).isError)
      const closed = {
        type: "object",
        properties: {
          a: { type: "object", properties: { b: { type: "string" } }, required: ["b"], additionalProperties: false }
        },
        additionalProperties: false
      }
      assert.deepStrictEqual(Tool.describe(make(), { strict: true }).inputSchema, closed)
      assert.deepStrictEqual(Tool.describe(make(true)).inputSchema, closed)
      assert.notProperty(Tool.describe(make(true), { strict: false }).inputSchema, "additionalProperties")
    }))

  it("leaves a record open, whose keys are its values' business", () => {
    const tool = Tool.make("a", { parameters: Schema.Record(Schema.String, Schema.Finite) })
    assert.deepStrictEqual(Tool.describe(tool, { strict: true }).inputSchema, {
      type: "object",
      additionalProperties: { type: "number" }
    })
  })
})

describe("a question to the client that came to nothing", () => {
  const declined = AskError.make(new AskError.Declined({ key: "seat" }))
  const tool = Tool.make("book", { success: Schema.String, handler: () => Effect.fail(declined) })

  it.effect("is a tool error with its message, and a failed execution to a client", () =>
    Effect.gen(function*() {
      const result = yield* Tool.respond(tool, {})
      assert.isTrue(result.isError)
      assert.strictEqual(textOf(result), declined.message)
      const error = yield* Effect.flip(Tool.decodeResult(tool, result))
      assert.deepStrictEqual(
        error,
        DefinitionError.make(new DefinitionError.ExecutionFailed({ name: "book", message: declined.message }))
      )
      assert.deepStrictEqual(yield* Effect.flip(Tool.run(tool, {})), declined)
    }))

  it.effect("reaches a tool of the same server that called this one as it was", () =>
    Effect.gen(function*() {
      const request = yield* RequestContext.RequestContext
      const error = yield* Effect.flip(Effect.provideService(Tool.call(tool, {}), RequestContext.RequestContext, {
        ...request,
        callTool: ({ arguments: input }) => Tool.respond(tool, input)
      }))
      assert.deepStrictEqual(error, declined)
    }).pipe(Effect.provide(RequestContext.layerNoop)))
})

describe("a schema that has to wait", () => {
  it.effect("is waited for, on the way in and on the way out", () =>
    Effect.gen(function*() {
      const Slow = Schema.String.pipe(Schema.decodeTo(
        Schema.String,
        SchemaTransformation.transformEffect({
          decode: (text: string) => Effect.as(Effect.yieldNow, `${text}!`),
          encode: (text: string) => Effect.as(Effect.yieldNow, text.slice(0, -1))
        })
      ))
      const tool = Tool.make("a", {
        parameters: { a: Slow },
        success: Schema.Struct({ b: Slow }),
        handler: ({ a }) => Effect.succeed({ b: a })
      })
      const result = yield* Tool.respond(tool, { a: "x" })
      assert.deepStrictEqual(result.structuredContent, { b: "x" })
      assert.deepStrictEqual(yield* Tool.decodeResult(tool, result), { b: "x!" })
      assert.deepStrictEqual(yield* Tool.encodeParameters(tool, { a: "y!" }), { a: "y" })
      assert.deepStrictEqual(yield* Tool.run(tool, { a: "x" }), { b: "x!" })
    }))

  it("is the only one: a call without it is decoded at once", () => {
    const tool = Tool.make("a", {
      success: Schema.Struct({ b: Schema.String }),
      handler: () => Effect.succeed({ b: "" })
    })
    assert.isTrue(Exit.isExit(Tool.decodeResult(tool, { content: [], structuredContent: { b: "" } })))
    assert.isTrue(Exit.isSuccess(Effect.runSyncExit(Tool.respond(tool, {}))))
  })
})

describe("a result", () => {
  it.effect("is any JSON", () =>
    Effect.gen(function*() {
      const structured = (success: Tool.Codec, value: unknown) =>
        Effect.map(Tool.respond(Tool.make("a", { success, handler: () => Effect.succeed(value) }), {}), (result) =>
          result.structuredContent)
      assert.deepStrictEqual(yield* structured(Schema.Finite, 1), 1)
      assert.deepStrictEqual(yield* structured(Schema.Array(Schema.String), ["a"]), ["a"])
      assert.deepStrictEqual(yield* structured(Schema.Null, null), null)
      assert.deepStrictEqual(yield* structured(Schema.Boolean, false), false)
      assert.deepStrictEqual(yield* structured(Schema.String, "a"), undefined)
    }))
})
