import { assert, describe, it } from "@effect/vitest"
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import { type } from "arktype"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { StandardSchemaV1 } from "effect/StandardSchema"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import type { CallToolResult } from "fastmcp-effect/protocol/McpSchema"
import { runInNewContext } from "node:vm"
import * as v from "valibot"
import { z } from "zod"
import * as jsonSchemaValidator from "../../src/definition/internal/jsonSchemaValidator.ts"

const textOf = ({ content }: CallToolResult) => content.map((block) => block.type === "text" ? block.text : "").join()

/** Zod, Valibot and ArkType of one shape. */
const libraries = {
  zod: z.object({ name: z.string().min(2), age: z.number().optional() }),
  valibot: toStandardJsonSchema(
    v.object({ name: v.pipe(v.string(), v.minLength(2)), age: v.optional(v.number()) })
  ),
  arktype: type({ name: "string >= 2", "age?": "number" })
}

describe.each(Object.entries(libraries))("a Standard Schema of %s", (_, schema: StandardSchemaV1) => {
  const tool = Tool.make("greet", {
    parameters: schema,
    success: Schema.Unknown,
    handler: (parameters) => Effect.succeed(parameters)
  })

  it("is listed as the JSON Schema its library gives", () => {
    const { inputSchema } = Tool.describe(tool)
    assert.deepStrictEqual(inputSchema, {
      type: "object",
      properties: { name: { type: "string", minLength: 2 }, age: { type: "number" } },
      required: ["name"]
    })
  })

  it.effect("checks arguments and says where they do not fit", () =>
    Effect.gen(function*() {
      const good = yield* Tool.respond(tool, { name: "Ada" })
      assert.deepStrictEqual(good.structuredContent, { name: "Ada" })
      const bad = yield* Tool.respond(tool, { name: "Ada", age: "old" })
      assert.isTrue(bad.isError)
      assert.match(textOf(bad), /^Invalid arguments for greet: age: /u)
    }))

  it.effect("refuses in strict mode the keys it does not name", () =>
    Effect.gen(function*() {
      const strict = yield* Tool.respond(tool, { name: "Ada", nmae: 1, b: 2 }, { strict: true })
      assert.isTrue(strict.isError)
      assert.strictEqual(
        textOf(strict),
        "Invalid arguments for greet: nmae: Expected no excess property; b: Expected no excess property"
      )
      assert.strictEqual(Tool.describe(tool, { strict: true }).inputSchema.additionalProperties, false)
      assert.notProperty(Tool.describe(tool).inputSchema, "additionalProperties")
      assert.isUndefined((yield* Tool.respond(tool, { name: "Ada", nmae: 1 })).isError)
    }))
})

describe("a Standard Schema", () => {
  it.effect("gives the handler its output: defaults and transformations are in it", () =>
    Effect.gen(function*() {
      const tool = Tool.make("a", {
        parameters: z.object({ n: z.string().transform(Number), unit: z.string().default("m") }),
        success: z.object({ text: z.string() }),
        handler: ({ n, unit }) => Effect.succeed({ text: `${n + 1}${unit}` })
      })
      assert.deepStrictEqual((yield* Tool.respond(tool, { n: "41" })).structuredContent, { text: "42m" })
      assert.deepStrictEqual(yield* Tool.run(tool, { n: "1", unit: "s" }), { text: "2s" })
      assert.deepStrictEqual(Tool.describe(tool).outputSchema, {
        type: "object",
        properties: { text: { type: "string" } },
        required: ["text"],
        additionalProperties: false
      })
    }))

  it.effect("checks results: one that does not fit is a defect, and for run an error", () =>
    Effect.gen(function*() {
      const tool = Tool.make("a", {
        success: z.object({ n: z.number() }),
        handler: () => Effect.succeed({ n: "one" } as unknown as { n: number })
      })
      const defect = yield* Effect.exit(Tool.respond(tool, {}))
      assert.isTrue(Exit.hasDies(defect))
      const error = yield* Effect.flip(Tool.run(tool, {}))
      assert.instanceOf(error, DefinitionError.DefinitionError)
      assert.match(error.message, /^a returned what its schema does not allow: n: /u)
    }))

  it.effect("may be asynchronous, for arguments, results and a client's reading of them", () =>
    Effect.gen(function*() {
      const later = z.object({ id: z.string().refine((id) => Promise.resolve(id.startsWith("x")), "unknown id") })
      const tool = Tool.make("a", { parameters: later, success: later, handler: Effect.succeed })
      const good = yield* Tool.respond(tool, { id: "x1" })
      assert.deepStrictEqual(good.structuredContent, { id: "x1" })
      assert.deepStrictEqual(yield* Tool.decodeResult(tool, good), { id: "x1" })
      const refused = "Invalid arguments for a: id: unknown id"
      assert.strictEqual(textOf(yield* Tool.respond(tool, { id: "y" })), refused)
      assert.strictEqual((yield* Effect.flip(Tool.run(tool, { id: "y" }))).message, refused)
      assert.strictEqual((yield* Effect.flip(Tool.encodeParameters(tool, { id: "y" }))).message, refused)
    }))

  it.effect("that throws or rejects is a defect, not a fault of the arguments", () =>
    Effect.gen(function*() {
      for (
        const validate of [
          () => {
            throw new Error("a bug")
          },
          () => Promise.reject(new Error("a bug"))
        ]
      ) {
        const schema: StandardSchemaV1 = { "~standard": { version: 1, vendor: "own", validate } }
        const tool = Tool.make("a", {
          parameters: ToolSchema.fromStandard(schema, { inputSchema: { type: "object" } }),
          handler: () => Effect.void
        })
        assert.isTrue(Exit.hasDies(yield* Effect.exit(Tool.respond(tool, {}))))
      }
    }))

  it.effect("is waited for whatever kind of promise it gives", () =>
    Effect.gen(function*() {
      const foreign = runInNewContext("(value) => Promise.resolve(value)") as (value: unknown) => PromiseLike<unknown>
      const plain = (value: unknown) => ({ then: (resolve: (value: unknown) => void) => resolve(value) })
      for (const later of [foreign, plain]) {
        const validate = (value: unknown) =>
          later((value as { ok: boolean }).ok ? { value } : { issues: [{ message: "not ok" }] })
        const schema = { "~standard": { version: 1, vendor: "own", validate } } as unknown as StandardSchemaV1
        const tool = Tool.make("a", {
          parameters: ToolSchema.fromStandard(schema, { inputSchema: { type: "object" } }),
          success: Schema.Unknown,
          handler: Effect.succeed
        })
        assert.strictEqual(textOf(yield* Tool.respond(tool, { ok: false })), "Invalid arguments for a: not ok")
        assert.deepStrictEqual((yield* Tool.respond(tool, { ok: true })).structuredContent, { ok: true })
      }
    }))

  it.effect("that gives neither a value nor issues is a defect, and the handler does not run", () =>
    Effect.gen(function*() {
      let runs = 0
      for (const result of [{}, null, undefined, { issues: undefined }, { then: 1 }, Promise.resolve({})]) {
        const schema = { "~standard": { version: 1, vendor: "own", validate: () => result } }
        const tool = Tool.make("a", {
          parameters: ToolSchema.fromStandard(schema as unknown as StandardSchemaV1, {
            inputSchema: { type: "object" }
          }),
          handler: () => Effect.sync(() => void runs++)
        })
        const outcome = yield* Outcome.fromEffect(Tool.respond(tool, {}))
        assert.strictEqual(outcome._tag, "Panicked")
        assert.include(String((outcome as Outcome.Panicked).defect), "neither `issues` nor `value`")
      }
      assert.strictEqual(runs, 0)
      // A value may be undefined.
      const none = { "~standard": { version: 1, vendor: "own", validate: () => ({ value: undefined }) } } as const
      const tool = Tool.make("a", {
        parameters: ToolSchema.fromStandard(none, { inputSchema: { type: "object" } }),
        handler: () => Effect.sync(() => void runs++)
      })
      yield* Tool.respond(tool, {})
      assert.strictEqual(runs, 1)
    }))

  it("without a JSON Schema cannot be listed until its author gives one", () => {
    const bare = v.object({ name: v.string() })
    assert.throws(
      () => Tool.describe(Tool.make("a", { parameters: bare })),
      DefinitionError.DefinitionError as never,
      /^a cannot be served: parameters: valibot gives no JSON Schema .*inputSchema/u
    )
    assert.throws(
      () => Tool.describe(Tool.make("a", { success: bare })),
      DefinitionError.DefinitionError as never,
      /success: valibot gives no JSON Schema/u
    )
    const inputSchema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] }
    const told = ToolSchema.fromStandard(bare, { inputSchema })
    assert.deepStrictEqual(Tool.describe(Tool.make("a", { parameters: told })).inputSchema, inputSchema)
    assert.throws(
      () => Tool.describe(Tool.make("a", { parameters: z.object({ at: z.date() }) })),
      DefinitionError.DefinitionError as never,
      /Date cannot be represented/u
    )
    assert.throws(
      () => Tool.describe(Tool.make("a", { parameters: z.string() })),
      DefinitionError.DefinitionError as never,
      /must be an object/u
    )
  })

  it.effect("works as a part of an Effect Schema, twice, with references of its own", () =>
    Effect.gen(function*() {
      const Node = z.object({
        name: z.string(),
        get children() {
          return z.array(Node)
        }
      })
      const node = ToolSchema.fromStandard(Node)
      const tool = Tool.make("a", {
        parameters: { left: node, right: Schema.optionalKey(node) },
        success: Schema.String,
        handler: ({ left, right }) => Effect.succeed(left.children[0]!.name + String(right?.name))
      })
      assert.deepStrictEqual(Tool.describe(tool).inputSchema, {
        type: "object",
        properties: { left: { $ref: "#/$defs/Schema" }, right: { $ref: "#/$defs/Schema" } },
        required: ["left"],
        $defs: {
          Schema: {
            type: "object",
            properties: {
              name: { type: "string" },
              children: { type: "array", items: { $ref: "#/$defs/Schema" } }
            },
            required: ["name", "children"]
          }
        }
      })
      const leaf = { name: "leaf", children: [] }
      assert.strictEqual(textOf(yield* Tool.respond(tool, { left: { name: "l", children: [leaf] } })), "leafundefined")
      const wrong = yield* Tool.respond(tool, { left: { name: "l", children: [{ name: 1, children: [] }] } })
      assert.match(textOf(wrong), /left\.children\.0\.name: /u)
    }))

  it("leaves a union open in strict mode only as far as its members do", () => {
    const either = z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])
    const closed = Tool.describe(Tool.make("a", { parameters: either }), { strict: true }).inputSchema
    assert.strictEqual(closed.unevaluatedProperties, false)
    const loose = z.looseObject({ a: z.string() })
    const open = Tool.describe(Tool.make("a", { parameters: loose }), { strict: true }).inputSchema
    assert.deepStrictEqual(open.additionalProperties, {})
  })
})

describe("a JSON Schema", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $comment: "kept",
    type: "object",
    properties: {
      kind: { enum: ["a", "b"] },
      count: { type: "integer", minimum: 1, "x-unit": "pieces" },
      tree: { $ref: "#/$defs/tree" },
      pair: { prefixItems: [{ type: "string" }], items: false },
      at: { type: "string", format: "date-time" }
    },
    required: ["kind"],
    dependentRequired: { count: ["tree"] },
    $defs: { tree: { type: "object", properties: { kids: { type: "array", items: { $ref: "#/$defs/tree" } } } } }
  } as const
  const tool = Tool.make("raw", {
    parameters: ToolSchema.fromJsonSchema<{ readonly kind: string }>(schema),
    success: Schema.String,
    handler: ({ kind }) => Effect.succeed(kind)
  })

  it("is listed with every keyword it has", () => {
    assert.deepStrictEqual(Tool.describe(tool).inputSchema, schema)
  })

  it.effect("is checked, 2020-12 and all, and says where", () =>
    Effect.gen(function*() {
      assert.strictEqual(textOf(yield* Tool.respond(tool, { kind: "a", at: "not a date, and nobody minds" })), "a")
      const faults = [
        [{ kind: "c" }, "kind: Expected one of \"a\", \"b\""],
        [{}, "kind: Missing key"],
        [{ kind: "a", tree: { kids: [{ kids: 1 }] } }, "tree.kids.0.kids: must be array"],
        [{ kind: "a", pair: ["x", "y"] }, "pair: must NOT have more than 1 items"],
        [{ kind: "a", count: 1 }, "must have property tree when property count is present"]
      ] as const
      for (const [input, fault] of faults) {
        assert.strictEqual(textOf(yield* Tool.respond(tool, input)), `Invalid arguments for raw: ${fault}`)
      }
    }))

  it.effect("waits for its validator once, with the first value", () =>
    Effect.gen(function*() {
      const codec = ToolSchema.fromJsonSchema({ type: "object" })
      const decode = Schema.decodeUnknownEffect(codec)
      assert.isFalse(Exit.isExit(decode({})))
      assert.deepStrictEqual(yield* decode({ a: 1 }), { a: 1 })
      assert.isTrue(Exit.isExit(decode({})))
    }))

  it.effect("refuses in strict mode what it does not name, also where its parts are combined", () =>
    Effect.gen(function*() {
      const strict = yield* Tool.respond(tool, { kind: "a", knid: 1 }, { strict: true })
      assert.strictEqual(textOf(strict), "Invalid arguments for raw: knid: Expected no excess property")
      assert.isUndefined((yield* Tool.respond(tool, { kind: "a", knid: 1 })).isError)
      const combined = Tool.make("a", {
        parameters: ToolSchema.fromJsonSchema({
          type: "object",
          properties: { a: { type: "string" } },
          allOf: [{ properties: { b: { type: "string" } } }]
        }),
        handler: () => Effect.void
      })
      assert.isUndefined((yield* Tool.respond(combined, { a: "", b: "" }, { strict: true })).isError)
      const refused = yield* Tool.respond(combined, { a: "", c: "" }, { strict: true })
      assert.strictEqual(textOf(refused), "Invalid arguments for a: c: Expected no excess property")
    }))

  it.effect("checks results as well", () =>
    Effect.gen(function*() {
      const success = ToolSchema.fromJsonSchema<number>({ type: "integer" })
      const give = (n: number) => Tool.make("a", { success, handler: () => Effect.succeed(n) })
      const good = yield* Tool.respond(give(3), {})
      assert.deepStrictEqual(good, { content: [{ type: "text", text: "3" }], structuredContent: 3 })
      assert.deepStrictEqual(Tool.describe(give(3)).outputSchema, { type: "integer" })
      assert.isTrue(Exit.hasDies(yield* Effect.exit(Tool.respond(give(0.5), {}))))
    }))

  it("that points outside itself is refused, and nothing is fetched", () => {
    const listing = (properties: object, more: object = {}) => () =>
      Tool.describe(Tool.make("a", {
        parameters: ToolSchema.fromJsonSchema({ type: "object", properties, ...more } as never)
      }))
    for (const $ref of ["https://example.com/schema.json", "other.json#/a", "#/$defs/absent", "#absent"]) {
      assert.throws(
        listing({ a: { $ref } }),
        DefinitionError.DefinitionError as never,
        `refers to ${JSON.stringify($ref)}, which is not in it, and nothing is ever fetched`
      )
    }
    assert.doesNotThrow(listing({ a: { $ref: "#here" } }, { $defs: { b: { $anchor: "here", type: "string" } } }))
    assert.doesNotThrow(
      listing({ a: { $ref: "https://example.com/b" } }, { $defs: { b: { $id: "https://example.com/b" } } })
    )
    assert.doesNotThrow(listing({ a: { const: { $ref: "https://example.com" } } }))
    assert.doesNotThrow(listing({ $ref: { type: "string" } }))
    assert.throws(
      listing({}, { $schema: "http://json-schema.org/draft-07/schema#" }),
      DefinitionError.DefinitionError as never,
      /draft-07.*rewrite it/u
    )
  })

  it.effect("that Ajv cannot read is a defect that says so", () =>
    Effect.gen(function*() {
      const broken = Tool.make("a", {
        parameters: ToolSchema.fromJsonSchema({ type: "object", properties: { a: { type: "strin" } } }),
        handler: () => Effect.void
      })
      const error = yield* Effect.flip(Tool.run(broken, {}))
      assert.match(error.message, /^A JSON Schema cannot be served: .*type/u)
      assert.isTrue(Exit.hasDies(yield* Effect.exit(Tool.respond(broken, {}))))
    }))

  it.effect("without Ajv is a defect that says what to install", () =>
    Effect.gen(function*() {
      const absent = jsonSchemaValidator.make(() => ({}), () => Promise.reject(new Error("Cannot find package 'ajv'")))
      const defect = yield* Effect.catchDefect(absent({}), Effect.succeed)
      assert.instanceOf(defect, DefinitionError.DefinitionError)
      assert.match(defect.message, /npm install ajv/u)
    }))

  it.effect("can be looked at before it is used", () =>
    Effect.gen(function*() {
      const check = yield* ToolSchema.makeCheck
      const good = { type: "object", properties: { a: { type: "string", pattern: "^a", format: "anything" } } }
      assert.isUndefined(check(good))
      assert.isUndefined(
        check({ type: "object", $defs: { a: { type: "null" } }, properties: { a: { $ref: "#/$defs/a" } } })
      )
      const wrong: ReadonlyArray<[JsonObject, RegExp]> = [
        [{ type: "strin" }, /^schema\/type /u],
        [{ properties: { a: { pattern: "[" } } }, /Invalid regular expression/u],
        [{ patternProperties: { "(": {} } }, /Invalid regular expression/u],
        [{ $ref: "#/$defs/none" }, /nothing is ever fetched/u],
        [{ $schema: "http://json-schema.org/draft-04/schema#" }, /rewrite it/u]
      ]
      for (const [schema, fault] of wrong) assert.match(check(schema) ?? "", fault)

      const absent = jsonSchemaValidator.makeCheck(() => Promise.reject(new Error("Cannot find package 'ajv'")))
      assert.match((yield* Effect.flip(absent)).message, /npm install ajv/u)
    }))
})
