import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as McpClientError from "fastmcp-effect/client/McpClientError"
import * as Progress from "fastmcp-effect/context/Progress"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Memory from "fastmcp-effect/transport/Memory"
import { z } from "zod"
import * as contracts from "../../src/client/internal/contracts.ts"

class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()("QuotaExceeded", { limit: Schema.Int }) {}

class Note extends Schema.Class<Note>("Note")({ id: Schema.Int, text: Schema.NonEmptyString, at: Schema.Date }) {}

const addNote = Tool.make("add_note", {
  parameters: { text: Schema.NonEmptyString, at: Schema.Date },
  success: Note,
  failure: QuotaExceeded
})

const count = Tool.make("count", { success: Schema.Int })

const clear = Tool.make("clear")

const notes = [
  Tool.handle(
    addNote,
    ({ at, text }) => text === "more" ? new QuotaExceeded({ limit: 1 }) : Effect.succeed(new Note({ id: 1, text, at }))
  ),
  Tool.handle(count, () => Effect.succeed(2)),
  Tool.handle(clear, () => Effect.void)
] as const

const connected = (
  tools: ReadonlyArray<Tool.Handled<string, any, any, any, RequestContext.RequestContext>>,
  revision: Revisions.Version = "2026-07-28"
) =>
  McpClient.layer({ revision }).pipe(
    Layer.provide(Memory.layer),
    Layer.provide(McpServer.layer({ name: "acme", version: "1.0.0", tools })),
    Layer.orDie
  )

describe("the tools of a server as methods", () => {
  for (const { version } of Revisions.all) {
    it.effect(`give what the handlers gave, in ${version}`, () =>
      Effect.gen(function*() {
        const acme = yield* McpClient.fromTools([addNote, count, clear])
        const note = yield* acme.add_note({ text: "milk", at: new Date(0) })
        assert.deepStrictEqual(note, new Note({ id: 1, text: "milk", at: new Date(0) }))
        const failed = yield* Effect.flip(acme.add_note({ text: "more", at: new Date(0) }))
        assert.deepStrictEqual(failed, new QuotaExceeded({ limit: 1 }))
        assert.strictEqual(yield* acme.count(), 2)
        assert.isUndefined(yield* acme.clear({}))
      }).pipe(Effect.provide(connected(notes, version as Revisions.Version))))
  }

  it.effect("send no parameters that do not fit the contract", () =>
    Effect.gen(function*() {
      const acme = yield* McpClient.fromTools([addNote])
      const refused = yield* Effect.flip(acme.add_note({ text: "", at: new Date(0) }))
      assert.strictEqual(refused._tag === "DefinitionError" ? refused.reason._tag : refused._tag, "InvalidInput")
    }).pipe(Effect.provide(connected(notes))))

  it.effect("take the options of a call", () =>
    Effect.gen(function*() {
      const slow = Tool.make("slow", { success: Schema.String })
      const seen: Array<unknown> = []
      yield* Effect.gen(function*() {
        const acme = yield* McpClient.fromTools([slow])
        assert.strictEqual(yield* acme.slow({}, { onProgress: ({ progress }) => seen.push(progress) }), "done")
      }).pipe(
        Effect.provide(connected([Tool.handle(slow, () => Effect.as(Progress.report(1), "done"))]))
      )
      assert.deepStrictEqual(seen, [1])
    }))
})

// ----------------------------------------------------------------------------
// drift
// ----------------------------------------------------------------------------

const never = () => Effect.never

/** What is said of a server that offers the second tool to a client of the first. */
const drift = (contract: Tool.Any, found: Tool.Any, revision?: Revisions.Version) =>
  Effect.provide(
    Effect.match(McpClient.fromTools([contract]), {
      onSuccess: () => [],
      onFailure: (error) =>
        error._tag === "McpClientError" && error.reason._tag === "Drift"
          ? error.reason.differences.map(({ message }) => message)
          : [String(error)]
    }),
    connected([Tool.handle(found, never) as any], revision)
  )

const input = (properties: JsonObject, more: JsonObject = {}) =>
  Tool.make("tool", { parameters: ToolSchema.fromJsonSchema({ type: "object", properties, ...more }) })

const output = (properties: JsonObject, more: JsonObject = {}) =>
  Tool.make("tool", { success: ToolSchema.fromJsonSchema({ type: "object", properties, ...more }) })

const takes = (fields: Schema.Struct.Fields) => Tool.make("tool", { parameters: fields as any })

const gives = (success: Tool.Codec) => Tool.make("tool", { success })

const S = Schema

type Row = readonly [title: string, contract: Tool.Any, found: Tool.Any, ...messages: ReadonlyArray<string>]

const check = (rows: ReadonlyArray<Row>) => {
  for (const [title, contract, found, ...messages] of rows) {
    it.effect(title, () => Effect.map(drift(contract, found), (found) => assert.deepStrictEqual(found, messages)))
  }
}

describe("a server that wants something else than the contract sends is found out by", () => {
  check([
    ["a tool that is not there", Tool.make("other"), Tool.make("tool"), "the server has no such tool"],
    [
      "a parameter that it always wants",
      takes({ a: S.String }),
      takes({ a: S.String, b: S.String }),
      "it wants a parameter \"b\", which the contract does not have"
    ],
    [
      "a parameter that may not be left out any more",
      takes({ a: S.optionalKey(S.String) }),
      takes({ a: S.String }),
      "it always wants \"a\", which the contract may leave out"
    ],
    [
      "a parameter of another type",
      takes({ a: S.String }),
      takes({ a: S.Finite }),
      "its parameter \"a\" is of type number, and the contract's is of type string"
    ],
    [
      "a number that has to be whole",
      takes({ a: S.Finite }),
      takes({ a: S.Int }),
      "its parameter \"a\" is of type integer, and the contract's is of type number"
    ],
    [
      "a parameter that may not be null",
      takes({ a: S.NullOr(S.String) }),
      takes({ a: S.String }),
      "its parameter \"a\" is of type string, and the contract's is of type string or null"
    ],
    [
      "a parameter that is gone, where it takes no others",
      input({ a: { type: "string" }, b: { type: "string" } }),
      input({ a: { type: "string" } }, { additionalProperties: false }),
      "it takes no parameter \"b\""
    ],
    [
      "a member within a parameter",
      takes({ who: S.Struct({ name: S.String, age: S.Finite }) }),
      takes({ who: S.Struct({ name: S.String, age: S.String, id: S.Int }) }),
      "its parameter \"who.age\" is of type string, and the contract's is of type number",
      "its parameter \"who\" always has \"id\", which the contract does not have"
    ],
    [
      "the items of a list",
      takes({ tags: S.Array(S.String) }),
      takes({ tags: S.Array(S.Int) }),
      "its parameter \"tags[]\" is of type integer, and the contract's is of type string"
    ],
    [
      "one of several values that is missing",
      takes({ size: S.Literals(["s", "m", "l"]) }),
      takes({ size: S.Literals(["s", "m"]) }),
      "its parameter \"size\" is one of \"s\", \"m\", and the contract's is one of \"s\", \"m\", \"l\""
    ],
    [
      "one of several kinds that is missing",
      takes({ a: S.Union([S.String, S.Finite, S.Boolean]) }),
      takes({ a: S.Union([S.String, S.Boolean]) }),
      "its parameter \"a\" is of type string or boolean, and the contract's is of type string or number or boolean"
    ],
    [
      "a member of a tagged union",
      takes({ shape: S.Union([S.TaggedStruct("Circle", { r: S.Finite }), S.TaggedStruct("Square", { a: S.Finite })]) }),
      takes({ shape: S.TaggedStruct("Circle", { r: S.Finite }) }),
      "its parameter \"shape\" is {\"type\":\"object\",\"properties\":{\"_tag\":{\"type\":\"string\",\"const\":\"Circle\"},\"r\":{\"type\":\"number\"}},\"required\":[\"_tag\",\"r\"]}, "
      + "and the contract's is {\"type\":\"object\",\"properties\":{\"_tag\":{\"type\":\"string\",\"const\":\"Square\"},\"a\":{\"type\":\"number\"}},\"required\":[\"_tag\",\"a\"]}"
    ],
    [
      "a narrower rule for a text",
      takes({ a: S.String, b: S.String.check(S.isMaxLength(5)) }),
      takes({ a: S.NonEmptyString, b: S.String.check(S.isMaxLength(3)) }),
      "its parameter \"a\" is held to \"minLength\": 1, and the contract's is not",
      "its parameter \"b\" is held to \"maxLength\": 3, and the contract's is held to 5"
    ],
    [
      "a narrower rule for a number",
      takes({ a: S.Finite, b: S.Finite.check(S.isGreaterThanOrEqualTo(0)) }),
      takes({ a: S.Finite.check(S.isLessThan(9)), b: S.Finite.check(S.isGreaterThan(0)) }),
      "its parameter \"a\" is held to \"exclusiveMaximum\": 9, and the contract's is not",
      "its parameter \"b\" is held to \"exclusiveMinimum\": 0, and the contract's is not"
    ],
    [
      "a pattern, and a format",
      takes({ a: S.String, b: S.String }),
      input({ a: { type: "string", pattern: "^a" }, b: { type: "string", format: "email" } }, { required: ["a", "b"] }),
      "its parameter \"a\" is held to \"pattern\": \"^a\", and the contract's is not",
      "its parameter \"b\" is held to \"format\": \"email\", and the contract's is not"
    ],
    [
      "a rule that nobody can compare",
      takes({ a: S.Finite }),
      input({ a: { type: "number", not: { const: 1 } } }, { required: ["a"] }),
      "its parameter \"a\" is held to \"not\": {\"const\":1}, and the contract's is not"
    ],
    [
      "members by any name, where it takes those it names",
      takes({ a: S.Record(S.String, S.Finite) }),
      input({ a: { type: "object", properties: {}, additionalProperties: false } }, { required: ["a"] }),
      "its parameter \"a\" has no other members, and the contract's may"
    ],
    [
      "anything, where it takes a text",
      takes({ a: S.Unknown }),
      takes({ a: S.String }),
      "its parameter \"a\" is of type string, and the contract's is anything"
    ],
    [
      "a schema behind a reference, and one that holds itself",
      input({ a: { type: "string" }, tree: { $ref: "#/$defs/Tree" } }, {
        $defs: {
          Tree: {
            type: "object",
            properties: { value: { type: "number" }, next: { $ref: "#/$defs/Tree" } },
            required: ["value"]
          }
        }
      }),
      input({ a: { $ref: "#/definitions/A~1B" }, tree: { $ref: "#/definitions/T" } }, {
        definitions: {
          "A/B": { type: "boolean" },
          T: {
            type: "object",
            properties: { value: { type: "integer" }, next: { $ref: "#/definitions/T" } },
            required: ["value"]
          }
        }
      }),
      "its parameter \"a\" is of type boolean, and the contract's is of type string",
      "its parameter \"tree.value\" is of type integer, and the contract's is of type number"
    ],
    [
      "what several schemas say together",
      takes({ a: S.Struct({ x: S.Finite }) }),
      input({
        a: { allOf: [{ type: "object", properties: { x: { type: "string" } } }, { required: ["y"] }] }
      }),
      "its parameter \"a.x\" is of type string, and the contract's is of type number",
      "its parameter \"a\" always has \"y\", which the contract does not have"
    ],
    [
      "a tuple of another length",
      takes({ a: S.Tuple([S.String, S.Finite]) }),
      takes({ a: S.Tuple([S.String]) }),
      "its parameter \"a\" is held to \"maxItems\": 1, and the contract's is held to 2"
    ]
  ])
})

describe("a server that gives something else than the contract reads is found out by", () => {
  check([
    [
      "results that are text",
      gives(S.Struct({ a: S.String })),
      gives(S.String),
      "its results are not structured, and the contract's are"
    ],
    [
      "a result of another type",
      gives(S.Finite),
      gives(S.Array(S.Finite)),
      "its result is of type array, and the contract's is of type number"
    ],
    [
      "a member of another type",
      gives(S.Struct({ a: S.Finite, b: S.Int })),
      gives(S.Struct({ a: S.String, b: S.Finite })),
      "the \"a\" of its result is of type string, and the contract's is of type number",
      "the \"b\" of its result is of type number, and the contract's is of type integer"
    ],
    [
      "a member that may be missing, or is",
      gives(S.Struct({ a: S.String, b: S.String })),
      gives(S.Struct({ a: S.optionalKey(S.String) })),
      "its result may lack \"a\", which the contract always has",
      "its result may lack \"b\", which the contract always has"
    ],
    [
      "a member that may be null",
      gives(S.Struct({ a: S.String })),
      gives(S.Struct({ a: S.NullOr(S.String) })),
      "the \"a\" of its result is of type string or null, and the contract's is of type string"
    ],
    [
      "what is in a list, and deeper",
      gives(S.Struct({ rows: S.Array(S.Struct({ id: S.Int, at: S.Struct({ x: S.Finite }) })) })),
      gives(S.Struct({ rows: S.Array(S.Struct({ at: S.Struct({ x: S.String }) })) })),
      "the \"rows[].at.x\" of its result is of type string, and the contract's is of type number",
      "the \"rows[]\" of its result may lack \"id\", which the contract always has"
    ],
    [
      "a value more",
      gives(S.Struct({ size: S.Literals(["s", "m"]) })),
      gives(S.Struct({ size: S.Literals(["s", "m", "l"]) })),
      "the \"size\" of its result is one of \"s\", \"m\", \"l\", and the contract's is one of \"s\", \"m\""
    ],
    [
      "a kind more",
      gives(S.Union([S.TaggedStruct("A", { a: S.Finite }), S.TaggedStruct("B", {})])),
      gives(S.Union([S.TaggedStruct("A", { a: S.Finite }), S.TaggedStruct("B", {}), S.TaggedStruct("C", {})])),
      "its result is {\"type\":\"object\",\"properties\":{\"_tag\":{\"type\":\"string\",\"const\":\"C\"}},\"required\":[\"_tag\"]}, and the contract's is "
      + "{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"_tag\":{\"type\":\"string\",\"const\":\"A\"},\"a\":{\"type\":\"number\"}},\"required\":[\"_tag\"…"
    ],
    [
      "a text that need not be a date",
      gives(S.Struct({ at: S.Date })),
      gives(S.Struct({ at: S.String })),
      "the contract's \"at\" is held to \"format\": \"date-time\", and the server's is not"
    ],
    [
      "results nobody knows anything of",
      gives(S.Struct({ a: S.String, b: S.optionalKey(S.Finite) })),
      output({}, { properties: undefined as never }),
      "the \"b\" of its result is anything, and the contract's is of type number",
      "its result may lack \"a\", which the contract always has"
    ]
  ])
})

describe("a server that has changed is not found at fault for", () => {
  const same = Tool.make("tool", {
    parameters: { a: S.String, n: S.optionalKey(S.Finite) },
    success: S.Struct({ id: S.Int, note: Note, tags: S.Array(S.String) })
  })
  check([
    ["nothing at all", same, same],
    [
      "a parameter that may be left out, and one that no longer has to be there",
      takes({ a: S.String }),
      takes({ a: S.optionalKey(S.String), b: S.optionalKey(S.Int), c: S.NullOr(S.String).pipe(S.optionalKey) })
    ],
    [
      "words",
      takes({ a: S.String }),
      Tool.make("tool", {
        title: "Tool",
        description: "Does things",
        annotations: { readOnlyHint: true },
        parameters: { a: S.String.annotate({ description: "The first", title: "A", examples: ["x"], default: "y" }) }
      })
    ],
    [
      "keywords that say nothing of values",
      takes({ a: S.String, n: S.Finite }),
      input({
        a: { type: "string", "x-order": 1, markdownDescription: "**a**", deprecated: true },
        n: { type: "number", format: "double" }
      }, {
        required: ["a", "n"],
        $schema: "https://json-schema.org/draft/2020-12/schema",
        $id: "https://acme.example/a"
      })
    ],
    [
      "another order of members, of values and of alternatives",
      Tool.make("tool", {
        parameters: { a: S.String, b: S.Literals(["x", "y"]), c: S.NullOr(S.Finite) },
        success: S.Struct({ a: S.String, b: S.Finite })
      }),
      Tool.make("tool", {
        parameters: { c: S.Union([S.Null, S.Finite]), b: S.Literals(["y", "x"]), a: S.String },
        success: S.Struct({ b: S.Finite, a: S.String })
      })
    ],
    [
      "wider parameters: number for integer, null besides, more values and kinds, looser rules",
      takes({
        a: S.Int,
        b: S.String,
        c: S.Literals(["x"]),
        d: S.String,
        e: S.NonEmptyString.check(S.isMaxLength(3)),
        f: S.Int.check(S.isBetween({ minimum: 1, maximum: 2 }))
      }),
      takes({
        a: S.Finite,
        b: S.NullOr(S.String),
        c: S.Literals(["x", "y"]),
        d: S.Union([S.Finite, S.String]),
        e: S.String.check(S.isMaxLength(4)),
        f: S.Finite.check(S.isGreaterThan(0))
      })
    ],
    [
      "a text for one of several, and a pattern that they all match",
      takes({ a: S.Literals(["x1", "x2"]), b: S.Literals(["x1", "x2"]) }),
      input({ a: { type: "string" }, b: { type: "string", pattern: "^x\\d$", maxLength: 2 } }, { required: ["a", "b"] })
    ],
    [
      "narrower results: integer for number, never null, fewer values, tighter rules",
      gives(S.Struct({ a: S.Finite, b: S.NullOr(S.String), c: S.Literals(["x", "y"]), d: S.optionalKey(S.String) })),
      gives(S.Struct({ a: S.Int, b: S.NonEmptyString, c: S.Literals(["y"]), d: S.String }))
    ],
    [
      "members of results that the contract does not name, at any depth",
      gives(S.Struct({ a: S.Struct({ b: S.String }), list: S.Array(S.Struct({ x: S.Int })) })),
      gives(S.Struct({
        a: S.Struct({ b: S.String, c: S.Finite }),
        list: S.Array(S.Struct({ x: S.Int, y: S.String })),
        more: S.Boolean
      }))
    ],
    [
      "the same behind a reference or in its place, by whatever library",
      Tool.make("tool", {
        parameters: { note: Note, size: S.Literals(["s", "m"]), n: S.Int, who: S.NullOr(S.String) },
        success: z.object({ id: z.number(), name: z.string().optional() })
      }),
      Tool.make("tool", {
        parameters: z.object({
          note: z.object({ id: z.int(), text: z.string().min(1), at: z.iso.datetime() }).partial({ id: true }),
          size: z.enum(["m", "s"]),
          n: z.int(),
          who: z.string().nullable()
        }).omit({ note: true }).extend({ note: z.looseObject({}) }),
        success: Schema.Struct({ id: S.Int, name: S.String })
      })
    ],
    [
      "schemas that hold themselves, written in two ways",
      input({ tree: { $ref: "#/$defs/Tree" } }, {
        $defs: {
          Tree: { type: "object", properties: { next: { anyOf: [{ $ref: "#/$defs/Tree" }, { type: "null" }] } } }
        }
      }),
      input({
        tree: {
          type: "object",
          properties: { next: { oneOf: [{ type: "null" }, { $ref: "#/properties/tree" }] } },
          additionalProperties: false
        }
      })
    ],
    ["results it has while the contract reads text, or none", Tool.make("tool"), gives(S.Struct({ a: S.String }))],
    ["a result that is text, where it has a schema for that", gives(S.String), gives(S.Struct({ result: S.String }))]
  ])

  it.effect("what its revision has no words for", () =>
    Effect.gen(function*() {
      const list = gives(S.Array(S.Finite))
      const object = gives(S.Struct({ a: S.Finite }))
      assert.deepStrictEqual(yield* drift(list, list, "2025-11-25"), [])
      assert.deepStrictEqual(yield* drift(object, object, "2025-03-26"), [])
      assert.deepStrictEqual(yield* drift(object, gives(S.String), "2025-11-25"), [
        "its results are not structured, and the contract's are"
      ])
    }))
})

describe("schemas that somebody made to do harm", () => {
  const nested = (depth: number): JsonObject =>
    depth === 0 ? { type: "string" } : { type: "array", items: nested(depth - 1) }

  const doubled = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => {
      const next = { $ref: `#/$defs/d${index + 1}` }
      return [`d${index}`, { anyOf: [next, next] }]
    })
  )

  const rows: ReadonlyArray<readonly [title: string, schema: JsonObject, faults: number]> = [
    ["alternatives that are itself", { anyOf: [{ $ref: "#/properties/a" }, { $ref: "#/properties/a" }] }, 1],
    ["parts that are itself", { allOf: [{ $ref: "#/properties/a" }] }, 1],
    ["itself", { $ref: "#/properties/a" }, 2],
    // As a result they are a list of whatever it is.
    ["lists in lists", { type: "array", items: nested(400) }, 1],
    ["a number behind very many alternatives", { $ref: "#/$defs/d0" }, 2],
    ["a pointer that leads nowhere", { $ref: "#/%E0/~2" }, 2]
  ]
  for (const [title, schema, faults] of rows) {
    it(`are not looked at for long: ${title}`, () => {
      const $defs = { ...doubled, d60: { type: "number" } }
      const whole = { type: "object", properties: { a: schema }, required: ["a"], $defs }
      const fields = { a: S.Array(S.Unknown) }
      const contract = Tool.make("tool", { parameters: fields, success: S.Struct(fields) })
      const found = { name: "tool", inputSchema: whole, outputSchema: whole }
      const differences = contracts.differences([contract], [found], "anything")
      assert.strictEqual(differences.length, faults)
    })
  }

  it.effect("may use the names that objects are born with", () =>
    Effect.gen(function*() {
      const own = { type: "object", required: ["constructor", "toString"] }
      assert.deepStrictEqual(yield* drift(takes({ a: S.String }), input({ a: { type: "string" } }, own)), [
        "it wants a parameter \"constructor\", which the contract does not have",
        "it wants a parameter \"toString\", which the contract does not have"
      ])
    }))
})

describe("drift", () => {
  const wrong = connected([Tool.handle(Tool.make("count", { success: Schema.String }), () => Effect.succeed("two"))])

  it.effect("fails with all there is, and says which tool", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(McpClient.fromTools([addNote, count]))
      assert.deepStrictEqual(
        error,
        McpClientError.make(
          new McpClientError.Drift({
            differences: [
              { tool: "add_note", message: "the server has no such tool" },
              { tool: "count", message: "its results are not structured, and the contract's are" }
            ]
          })
        )
      )
      assert.strictEqual(
        error.message,
        "The server does not keep to the contracts:\n  add_note: the server has no such tool\n"
          + "  count: its results are not structured, and the contract's are"
      )
    }).pipe(Effect.provide(wrong)))

  it.effect("is only a warning, or nothing, where the program says so", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => void logged.push(String(message)))
      const acme = yield* McpClient.fromTools([count], { drift: "warn" }).pipe(
        Effect.provide(Logger.layer([logger]))
      )
      assert.match(logged.join("\n"), /does not keep to the contracts/u)
      const failed = yield* Effect.flip(acme.count())
      assert.strictEqual(failed._tag === "DefinitionError" ? failed.reason._tag : failed._tag, "InvalidOutput")
      const unheard = yield* McpClient.fromTools([addNote], { drift: "ignore" })
      assert.strictEqual((yield* Effect.flip(unheard.add_note({ text: "a", at: new Date(0) })))._tag, "McpError")
    }).pipe(Effect.provide(wrong)))
})
