import { describe, expect, it } from "@effect/vitest"
import ajvFormats from "ajv-formats"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Arbitrary from "effect/Arbitrary"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { codec } from "../../../src/definition/internal/jsonCodec.ts"
import { type JsonObject, toolInput, toolOutput } from "../../../src/definition/internal/jsonSchema.ts"

const decode = <S extends Schema.Top & { readonly DecodingServices: never }>(schema: S, json: unknown): S["Type"] =>
  Schema.decodeUnknownSync(codec(schema))(json)

const encode = <S extends Schema.Top & { readonly EncodingServices: never }>(schema: S, value: S["Type"]): unknown =>
  Schema.encodeSync(codec(schema))(value)

const properties = (fields: Schema.Struct.Fields) => toolInput(Schema.Struct(fields)).properties

class User extends Schema.Class<User>("User")({
  name: Schema.String,
  age: Schema.optional(Schema.Number)
}, { description: "A user" }) {}

interface Category {
  readonly name: string
  readonly children: ReadonlyArray<Category>
}
const Category = Schema.Struct({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Category> => Category))
}).annotate({ identifier: "Category", description: "A category" })

class ListNode extends Schema.Class<ListNode>("ListNode")({
  value: Schema.Finite,
  next: Schema.optional(Schema.suspend((): Schema.Codec<ListNode, { readonly value: number }> => ListNode))
}) {}

const Shape = Schema.Union([
  Schema.TaggedStruct("Circle", { radius: Schema.Number }),
  Schema.TaggedStruct("Square", { side: Schema.Number })
])

describe("absence", () => {
  const Input = Schema.Struct({
    required: Schema.String,
    optionalKey: Schema.optionalKey(Schema.String),
    optional: Schema.optional(Schema.String),
    nullable: Schema.NullOr(Schema.String),
    optionalNullable: Schema.optional(Schema.NullOr(Schema.String)),
    nullish: Schema.NullishOr(Schema.String),
    undefinedOr: Schema.UndefinedOr(Schema.String),
    union: Schema.optional(Schema.Union([Schema.String, Schema.Number]))
  })

  it("an optional property is absent from `required` and null only where the author wrote null", () => {
    const text = { type: "string" }
    const nullable = { anyOf: [text, { type: "null" }] }
    expect(toolInput(Input)).toStrictEqual({
      type: "object",
      properties: {
        required: text,
        optionalKey: text,
        optional: text,
        nullable,
        optionalNullable: nullable,
        nullish: nullable,
        undefinedOr: text,
        union: { anyOf: [text, { type: "number" }] }
      },
      required: ["required", "nullable"]
    })
  })

  it("undefined is absence on the wire, and absence is undefined", () => {
    const value = {
      required: "a",
      optional: undefined,
      nullable: null,
      optionalNullable: undefined,
      nullish: undefined,
      undefinedOr: undefined,
      union: undefined
    }
    expect(encode(Input, value)).toStrictEqual({ required: "a", nullable: null })
    expect(decode(Input, { required: "a", nullable: null })).toStrictEqual({
      required: "a",
      nullable: null,
      nullish: undefined,
      undefinedOr: undefined
    })
  })

  it("null is refused for an optional property", () => {
    const decodeExit = Schema.decodeUnknownExit(codec(Input))
    expect(Exit.isSuccess(decodeExit({ required: "a", nullable: null, optionalNullable: null }))).toBe(true)
    for (const key of ["optionalKey", "optional", "undefinedOr", "union"]) {
      expect(Exit.isFailure(decodeExit({ required: "a", nullable: null, [key]: null })), key).toBe(true)
    }
  })

  it("a check on an optional union still runs", () => {
    const Checked = Schema.Struct({
      a: Schema.optional(Schema.String).check(Schema.makeFilter((value) => value !== "no"))
    })
    expect(decode(Checked, { a: "yes" })).toStrictEqual({ a: "yes" })
    expect(() => decode(Checked, { a: "no" })).toThrow()
  })

  it("undefined outside a property stays null", () => {
    expect(toolOutput(Schema.Void)).toStrictEqual({ type: "null" })
    expect(toolOutput(Schema.UndefinedOr(Schema.String))).toStrictEqual({
      anyOf: [{ type: "string" }, { type: "null" }]
    })
    expect(encode(Schema.Void, undefined)).toBe(null)
  })

  it("an Option of an optional property is the bare value", () => {
    const schema = Schema.Struct({
      a: Schema.OptionFromOptionalKey(Schema.Number),
      b: Schema.OptionFromUndefinedOr(Schema.Number)
    })
    expect(toolInput(schema)).toStrictEqual({
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number" } }
    })
    expect(decode(schema, { b: 1 })).toStrictEqual({ a: Option.none(), b: Option.some(1) })
    expect(encode(schema, { a: Option.none(), b: Option.none() })).toStrictEqual({})
  })
})

describe("numbers", () => {
  it("are number or integer, with the author's bounds only", () => {
    expect(toolOutput(Schema.Number)).toStrictEqual({ type: "number" })
    expect(toolOutput(Schema.Finite)).toStrictEqual({ type: "number" })
    expect(toolOutput(Schema.Int)).toStrictEqual({ type: "integer" })
    expect(toolOutput(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10 })))).toStrictEqual({
      type: "integer",
      minimum: 1,
      maximum: 10
    })
    expect(toolOutput(Schema.Number.check(Schema.isInt(), Schema.isGreaterThan(0)))).toStrictEqual({
      type: "integer",
      exclusiveMinimum: 0
    })
    expect(toolOutput(Schema.Number.check(Schema.isMultipleOf(5)))).toStrictEqual({ type: "number", multipleOf: 5 })
  })

  it("tighten a bound that is given twice", () => {
    const schema = Schema.Number.check(
      Schema.isGreaterThanOrEqualTo(1),
      Schema.isGreaterThanOrEqualTo(3),
      Schema.isLessThanOrEqualTo(9),
      Schema.isLessThanOrEqualTo(20)
    )
    expect(toolOutput(schema)).toStrictEqual({ type: "number", minimum: 3, maximum: 9 })
  })

  it("are never the strings Effect uses for what JSON lacks", () => {
    const schema = Schema.Struct({ a: Schema.optionalKey(Schema.Number), b: Schema.Array(Schema.Number) })
    expect(() => decode(schema, { a: "NaN", b: [] })).toThrow("Expected number")
    expect(() => decode(schema, { b: ["Infinity"] })).toThrow("Expected number")
    expect(() => encode(schema, { b: [NaN] })).toThrow()
  })
})

describe("strings", () => {
  it("keep length and pattern, with and without the u flag", () => {
    expect(properties({
      length: Schema.NonEmptyString.check(Schema.isMaxLength(5)),
      plain: Schema.String.check(Schema.isPattern(/^[a-z]+$/)),
      unicode: Schema.String.check(Schema.isPattern(/^\p{L}+$/u)),
      sticky: Schema.String.check(Schema.isPattern(/a/y)),
      ignoringCase: Schema.String.check(Schema.isPattern(/^a$/i)),
      notUnicode: Schema.String.check(Schema.isPattern(new RegExp("^\\-$"))),
      two: Schema.String.check(Schema.isPattern(/a/), Schema.isPattern(/b/)),
      startsWith: Schema.String.check(Schema.isStartingWith("a.b"))
    })).toStrictEqual({
      length: { type: "string", minLength: 1, maxLength: 5 },
      plain: { type: "string", pattern: "^[a-z]+$" },
      unicode: { type: "string", pattern: "^\\p{L}+$" },
      sticky: { type: "string", pattern: "^(?:a)" },
      ignoringCase: { type: "string" },
      notUnicode: { type: "string" },
      two: { type: "string", pattern: "a", allOf: [{ pattern: "b" }] },
      startsWith: { type: "string", pattern: "^a\\.b" }
    })
  })

  it("carry the format of what they decode to", () => {
    const instant = { type: "string", format: "date-time" }
    expect(properties({
      date: Schema.Date,
      dateFromString: Schema.DateFromString,
      utc: Schema.DateTimeUtc,
      utcFromString: Schema.DateTimeUtcFromString,
      utcFromDate: Schema.DateTimeUtcFromDate,
      optional: Schema.optional(Schema.Date),
      httpDate: Schema.DateTimeUtcFromHttpDate,
      zoned: Schema.DateTimeZoned,
      day: Schema.DateFromString.annotate({ format: "date" }),
      millis: Schema.DateTimeUtcFromMillis,
      url: Schema.URL,
      bytes: Schema.Uint8Array
    })).toStrictEqual({
      date: instant,
      dateFromString: instant,
      utc: instant,
      utcFromString: instant,
      utcFromDate: instant,
      optional: instant,
      httpDate: { type: "string" },
      zoned: { type: "string" },
      day: { type: "string", format: "date" },
      millis: { type: "integer" },
      url: { type: "string", format: "uri" },
      bytes: { type: "string", format: "byte", contentEncoding: "base64" }
    })
  })

  it("template literals are patterns", () => {
    expect(toolOutput(Schema.TemplateLiteral(["a.", Schema.String, "-", Schema.Literals(["x", "y"])])))
      .toStrictEqual({ type: "string", pattern: "^a\\.[\\s\\S]*?-(?:x|y)$" })
  })

  it("bigints are digits", () => {
    expect(toolOutput(Schema.BigInt)).toStrictEqual({ type: "string", pattern: "^-?\\d+$" })
  })
})

describe("constants", () => {
  it("one is const, several of one type are enum", () => {
    expect(properties({
      one: Schema.Literal("x"),
      several: Schema.Literals(["a", "b"]),
      mixed: Schema.Literals(["a", "b", 1]),
      nullable: Schema.NullOr(Schema.Literals(["a", "b"])),
      described: Schema.Union([Schema.Literal("a").annotate({ description: "first" }), Schema.Literal("b")]),
      null: Schema.Null
    })).toStrictEqual({
      one: { type: "string", const: "x" },
      several: { type: "string", enum: ["a", "b"] },
      mixed: { anyOf: [{ type: "string", enum: ["a", "b"] }, { type: "number", const: 1 }] },
      nullable: { anyOf: [{ type: "string", enum: ["a", "b"] }, { type: "null" }] },
      described: { anyOf: [{ type: "string", const: "a", description: "first" }, { type: "string", const: "b" }] },
      null: { type: "null" }
    })
  })

  it("an enum of strings loses its names, an enum of numbers keeps them as titles", () => {
    expect(properties({
      text: Schema.Enum({ Red: "red", Blue: "blue" } as const),
      number: Schema.Enum({ Low: 0, High: 1 } as const)
    })).toStrictEqual({
      text: { type: "string", enum: ["red", "blue"] },
      number: { anyOf: [{ type: "number", const: 0, title: "Low" }, { type: "number", const: 1, title: "High" }] }
    })
  })
})

describe("composites", () => {
  it("an empty struct is an object, closed for tool input", () => {
    expect(toolInput(Schema.Struct({}))).toStrictEqual({ type: "object", additionalProperties: false })
    expect(toolOutput(Schema.Struct({}))).toStrictEqual({ type: "object" })
    expect(decode(Schema.Struct({}), {})).toStrictEqual({})
    expect(() => decode(Schema.Struct({}), "text")).toThrow("Expected an object")
    expect(() => decode(Schema.Struct({}), [])).toThrow("Expected an object")
  })

  it("records describe their values, and their keys where a pattern can", () => {
    expect(toolOutput(Schema.Record(Schema.String, Schema.Number))).toStrictEqual({
      type: "object",
      additionalProperties: { type: "number" }
    })
    expect(toolInput(Schema.Record(Schema.String, Schema.Unknown))).toStrictEqual({ type: "object" })
    expect(toolOutput(Schema.Record(Schema.Literals(["a", "b"]), Schema.Number))).toStrictEqual({
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number" } },
      required: ["a", "b"]
    })
    expect(toolOutput(Schema.Record(Schema.TemplateLiteral(["x-", Schema.String]), Schema.String))).toStrictEqual({
      type: "object",
      patternProperties: { "^x-[\\s\\S]*?$": { type: "string" } }
    })
    expect(toolOutput(Schema.Record(Schema.String.check(Schema.isPattern(/^a/)), Schema.String))).toStrictEqual({
      type: "object",
      patternProperties: { "^a": { type: "string" } }
    })
    expect(toolOutput(
      Schema.StructWithRest(Schema.Struct({ a: Schema.String }), [Schema.Record(Schema.String, Schema.String)])
    )).toStrictEqual({
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      additionalProperties: { type: "string" }
    })
  })

  it("tuples have prefixItems, arrays have items", () => {
    expect(properties({
      array: Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(3), Schema.isUnique()),
      pair: Schema.Tuple([Schema.String, Schema.Number]),
      optional: Schema.Tuple([Schema.String, Schema.optionalKey(Schema.Number)]),
      rest: Schema.TupleWithRest(Schema.Tuple([Schema.String]), [Schema.Number]),
      nonEmpty: Schema.NonEmptyArray(Schema.String),
      unknown: Schema.Array(Schema.Unknown),
      empty: Schema.Tuple([])
    })).toStrictEqual({
      array: { type: "array", items: { type: "string" }, minItems: 1, maxItems: 3, uniqueItems: true },
      pair: { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], minItems: 2, maxItems: 2 },
      optional: { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], minItems: 1, maxItems: 2 },
      rest: { type: "array", prefixItems: [{ type: "string" }], items: { type: "number" }, minItems: 1 },
      nonEmpty: { type: "array", prefixItems: [{ type: "string" }], items: { type: "string" }, minItems: 1 },
      unknown: { type: "array" },
      empty: { type: "array", maxItems: 0 }
    })
  })

  it("tagged unions are anyOf, with an object root for input", () => {
    const anyOf = [
      {
        type: "object",
        properties: { _tag: { type: "string", const: "Circle" }, radius: { type: "number" } },
        required: ["_tag", "radius"]
      },
      {
        type: "object",
        properties: { _tag: { type: "string", const: "Square" }, side: { type: "number" } },
        required: ["_tag", "side"]
      }
    ]
    expect(toolInput(Shape)).toStrictEqual({ type: "object", anyOf })
    expect(toolOutput(Shape)).toStrictEqual({ anyOf })
  })

  it("nested unions are flattened and repeated members dropped", () => {
    expect(toolOutput(Schema.Union([
      Schema.String,
      Schema.Union([Schema.Number, Schema.NullOr(Schema.String)]),
      Schema.FiniteFromString
    ]))).toStrictEqual({ anyOf: [{ type: "string" }, { type: "number" }, { type: "null" }] })
  })

  it("maps, sets and options are their JSON codecs", () => {
    const schema = Schema.Struct({
      map: Schema.ReadonlyMap(Schema.String, Schema.Number),
      set: Schema.ReadonlySet(Schema.Date),
      option: Schema.Option(Schema.Number)
    })
    expect(toolOutput(schema).properties).toStrictEqual({
      map: {
        type: "array",
        items: { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], minItems: 2, maxItems: 2 }
      },
      set: { type: "array", items: { type: "string", format: "date-time" } },
      option: {
        anyOf: [
          {
            type: "object",
            properties: { _tag: { type: "string", const: "Some" }, value: { type: "number" } },
            required: ["_tag", "value"]
          },
          { type: "object", properties: { _tag: { type: "string", const: "None" } }, required: ["_tag"] }
        ]
      }
    })
    expect(encode(schema, { map: new Map([["a", 1]]), set: new Set([new Date(0)]), option: Option.some(1) }))
      .toStrictEqual({ map: [["a", 1]], set: ["1970-01-01T00:00:00.000Z"], option: { _tag: "Some", value: 1 } })
  })

  it("renamed keys, errors and checks on objects are described as sent", () => {
    class Failure extends Schema.TaggedError<Failure>()("Failure", { why: Schema.optional(Schema.String) }) {}
    const Renamed = Schema.Struct({
      userId: Schema.String.annotate({ description: "Who" }),
      page: Schema.optional(Schema.Number)
    }).pipe(Schema.encodeKeys({ userId: "user_id" }))
    expect(toolInput(Renamed)).toStrictEqual({
      type: "object",
      properties: { user_id: { type: "string", description: "Who" }, page: { type: "number" } },
      required: ["user_id"]
    })
    expect(decode(Renamed, { user_id: "a" })).toStrictEqual({ userId: "a" })
    expect(toolOutput(Failure)).toStrictEqual({
      type: "object",
      properties: { _tag: { type: "string", const: "Failure" }, why: { type: "string" } },
      required: ["_tag"]
    })
    expect(encode(Failure, new Failure({}))).toStrictEqual({ _tag: "Failure" })
    expect(toolOutput(
      Schema.Record(Schema.String, Schema.Number).check(
        Schema.isMinProperties(1),
        Schema.isPropertyNames(Schema.String.check(Schema.isPattern(/^a/)))
      )
    )).toStrictEqual({
      type: "object",
      additionalProperties: { type: "number" },
      minProperties: 1,
      propertyNames: { type: "string", pattern: "^a" }
    })
    expect(toolOutput(Schema.Number.check(Schema.isUint32()))).toStrictEqual({
      type: "integer",
      minimum: 0,
      maximum: 4294967295
    })
  })

  it("the members of an untagged union are told apart by what is optional in them", () => {
    const schema = Schema.Union([
      Schema.Struct({ a: Schema.optional(Schema.Date) }),
      Schema.Struct({ a: Schema.optional(Schema.Number) })
    ])
    expect(encode(schema, { a: 5 })).toStrictEqual({ a: 5 })
    expect(encode(schema, { a: new Date(0) })).toStrictEqual({ a: "1970-01-01T00:00:00.000Z" })
    expect(decode(schema, { a: 5 })).toStrictEqual({ a: 5 })
  })

  it("what JSON Schema cannot describe is left open", () => {
    expect(properties({ unknown: Schema.Unknown, any: Schema.Any, json: Schema.Json })).toStrictEqual({
      unknown: {},
      any: {},
      json: {}
    })
    expect(toolOutput(Schema.Never)).toStrictEqual({ not: {} })
  })
})

describe("root", () => {
  it("of an input is always an object", () => {
    expect(toolInput(Schema.Unknown)).toStrictEqual({ type: "object" })
    expect(toolInput(User)).toStrictEqual({
      type: "object",
      properties: { name: { type: "string" }, age: { type: "number" } },
      required: ["name"],
      description: "A user"
    })
  })

  it("of an input is refused when no object can fit", () => {
    for (const schema of [Schema.String, Schema.Array(Schema.String), Schema.NullOr(Schema.String), Schema.Never]) {
      expect(() => toolInput(schema)).toThrow("must be an object")
    }
  })

  it("of an output is any schema", () => {
    expect(toolOutput(Schema.Array(Schema.String))).toStrictEqual({ type: "array", items: { type: "string" } })
    expect(toolOutput(Schema.String)).toStrictEqual({ type: "string" })
  })
})

describe("references", () => {
  const category = {
    type: "object",
    properties: {
      name: { type: "string" },
      children: { type: "array", items: { $ref: "#/$defs/Category" } }
    },
    required: ["name", "children"],
    description: "A category"
  }

  it("recursion goes through $defs, with the root inlined once", () => {
    expect(toolInput(Category)).toStrictEqual({ ...category, $defs: { Category: category } })
    expect(toolInput(Schema.Struct({ root: Category }))).toStrictEqual({
      type: "object",
      properties: { root: { $ref: "#/$defs/Category" } },
      required: ["root"],
      $defs: { Category: category }
    })
  })

  it("a recursive class keeps its name and its optional link", () => {
    const node = {
      type: "object",
      properties: { value: { type: "number" }, next: { $ref: "#/$defs/ListNode" } },
      required: ["value"]
    }
    expect(toolInput(ListNode)).toStrictEqual({ ...node, $defs: { ListNode: node } })
    expect(decode(ListNode, { value: 1, next: { value: 2 } }).next).toBeInstanceOf(ListNode)
  })

  it("an anonymous recursive schema gets a name", () => {
    interface Tree {
      readonly children: ReadonlyArray<Tree>
    }
    const Tree = Schema.Struct({ children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree)) })
    const tree = {
      type: "object",
      properties: { children: { type: "array", items: { $ref: "#/$defs/Recursive" } } },
      required: ["children"]
    }
    expect(toolInput(Tree)).toStrictEqual({ ...tree, $defs: { Recursive: tree } })
  })

  it("mutual recursion defines both sides", () => {
    interface Expression {
      readonly operands: ReadonlyArray<Operation | number>
    }
    interface Operation {
      readonly left: Expression
    }
    const Expression = Schema.Struct({
      operands: Schema.Array(Schema.Union([Schema.suspend((): Schema.Codec<Operation> => Operation), Schema.Number]))
    }).annotate({ identifier: "Expression" })
    const Operation = Schema.Struct({ left: Expression }).annotate({ identifier: "Operation" })
    const document = toolInput(Operation)
    expect(Object.keys(document.$defs as JsonObject)).toStrictEqual(["Expression", "Operation"])
    expect(document.properties).toStrictEqual({ left: { $ref: "#/$defs/Expression" } })
  })

  it("a named object used once is inlined, used twice it is shared", () => {
    const user = {
      type: "object",
      properties: { name: { type: "string" }, age: { type: "number" } },
      required: ["name"],
      description: "A user"
    }
    expect(properties({ user: User })).toStrictEqual({ user })
    expect(toolInput(Schema.Struct({ author: User, editor: Schema.optional(User) }))).toStrictEqual({
      type: "object",
      properties: { author: { $ref: "#/$defs/User" }, editor: { $ref: "#/$defs/User" } },
      required: ["author"],
      $defs: { User: user }
    })
  })

  it("a shared object keeps what is said about each use", () => {
    const { description: _, ...user } = toolInput(User)
    expect(toolInput(Schema.Struct({ author: User, editor: User.annotate({ description: "Who checked" }) })))
      .toStrictEqual({
        type: "object",
        properties: {
          author: { $ref: "#/$defs/User", description: "A user" },
          editor: { $ref: "#/$defs/User", description: "Who checked" }
        },
        required: ["author", "editor"],
        $defs: { User: user }
      })
  })

  it("two schemas of one name get two definitions, and names need no escaping", () => {
    const make = (field: Schema.Top) => Schema.Struct({ field }).annotate({ identifier: "my/Thing" })
    const [A, B] = [make(Schema.String), make(Schema.Number)]
    const document = toolOutput(Schema.Tuple([A, A, B, B]))
    expect(document.prefixItems).toStrictEqual([
      { $ref: "#/$defs/my_Thing" },
      { $ref: "#/$defs/my_Thing" },
      { $ref: "#/$defs/my_Thing2" },
      { $ref: "#/$defs/my_Thing2" }
    ])
  })

  it("a named scalar is always inlined", () => {
    const Id = Schema.String.annotate({ identifier: "Id" })
    expect(properties({ a: Id, b: Id })).toStrictEqual({ a: { type: "string" }, b: { type: "string" } })
  })
})

describe("annotations", () => {
  it("survive, encoded where they hold values", () => {
    expect(properties({
      text: Schema.String.annotate({ title: "Text", description: "Some text", examples: ["a"], default: "b" }),
      checked: Schema.String.annotate({ description: "Kept" }).check(Schema.isMinLength(1)),
      date: Schema.Date.annotate({ description: "Due", examples: [new Date(0)], default: new Date(0) }),
      object: Schema.Struct({ at: Schema.Date }).annotate({ examples: [{ at: new Date(0) }] }),
      amount: Schema.FiniteFromString.annotate({ description: "Cents", examples: [5] }),
      encoded: Schema.FiniteFromString.annotate({ description: "Lost" }).pipe(
        Schema.annotateEncoded({ description: "Won" })
      ),
      readOnly: Schema.String.annotate({ readOnly: true })
    })).toStrictEqual({
      text: { type: "string", title: "Text", description: "Some text", examples: ["a"], default: "b" },
      checked: { type: "string", minLength: 1, description: "Kept" },
      date: {
        type: "string",
        format: "date-time",
        description: "Due",
        examples: ["1970-01-01T00:00:00.000Z"],
        default: "1970-01-01T00:00:00.000Z"
      },
      object: {
        type: "object",
        properties: { at: { type: "string", format: "date-time" } },
        required: ["at"],
        examples: [{ at: "1970-01-01T00:00:00.000Z" }]
      },
      amount: { type: "string", description: "Cents", examples: ["5"] },
      encoded: { type: "string", description: "Won" },
      readOnly: { type: "string", readOnly: true }
    })
  })

  it("of a key are merged into its schema", () => {
    expect(properties({
      plain: Schema.String.annotate({ description: "value", title: "Title" }).annotateKey({ description: "key" }),
      optional: Schema.optional(Schema.String).annotateKey({ description: "key" }),
      transformed: Schema.Date.annotateKey({ description: "key", examples: [new Date(0)] })
    })).toStrictEqual({
      plain: { type: "string", title: "Title", description: "key" },
      optional: { type: "string", description: "key" },
      transformed: {
        type: "string",
        format: "date-time",
        description: "key",
        examples: ["1970-01-01T00:00:00.000Z"]
      }
    })
  })

  it("of an optional and of what it wraps are both kept", () => {
    expect(properties({
      inner: Schema.optional(Schema.String.annotate({ description: "inner" })),
      outer: Schema.optional(Schema.String).annotate({ description: "outer" })
    })).toStrictEqual({
      inner: { type: "string", description: "inner" },
      outer: { type: "string", description: "outer" }
    })
  })

  it("x- keys survive on scalars, optionals and decoded types", () => {
    const region = Schema.String.annotate({ "x-mcp-header": "Region" })
    expect(properties({
      plain: region,
      optional: Schema.optional(Schema.Int.annotate({ "x-mcp-header": "Page" })),
      key: Schema.Boolean.annotateKey({ "x-mcp-header": "Dry-Run" }),
      decoded: Schema.FiniteFromString.annotate({ "x-mcp-header": "Amount" })
    })).toStrictEqual({
      plain: { type: "string", "x-mcp-header": "Region" },
      optional: { type: "integer", "x-mcp-header": "Page" },
      key: { type: "boolean", "x-mcp-header": "Dry-Run" },
      decoded: { type: "string", "x-mcp-header": "Amount" }
    })
    // @ts-expect-error a header name is text
    Schema.String.annotate({ "x-mcp-header": 1 })
  })
})

describe("decoding defaults", () => {
  it("that are constant are shown in their wire form", () => {
    const schema = Schema.Struct({
      key: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.succeed(5))),
      value: Schema.Number.annotate({ description: "n" }).pipe(Schema.withDecodingDefault(Effect.succeed(6))),
      encoded: Schema.FiniteFromString.pipe(Schema.withDecodingDefaultKey(Effect.succeed("7"))),
      type: Schema.Date.pipe(Schema.withDecodingDefaultType(Effect.succeed(new Date(0)))),
      typeKey: Schema.FiniteFromString.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(8))),
      omitted: Schema.Number.pipe(
        Schema.withDecodingDefaultKey(Effect.succeed(9), { encodingStrategy: "omit" })
      )
    })
    expect(toolInput(schema)).toStrictEqual({
      type: "object",
      properties: {
        key: { type: "number", default: 5 },
        value: { type: "number", description: "n", default: 6 },
        encoded: { type: "string", default: "7" },
        type: { type: "string", format: "date-time", default: "1970-01-01T00:00:00.000Z" },
        typeKey: { type: "string", default: "8" },
        omitted: { type: "number", default: 9 }
      }
    })
    expect(decode(schema, {})).toStrictEqual({
      key: 5,
      value: 6,
      encoded: 7,
      type: new Date(0),
      typeKey: 8,
      omitted: 9
    })
  })

  it("that have to be computed, or fail, are not", () => {
    expect(properties({
      now: Schema.DateTimeUtc.pipe(Schema.withDecodingDefaultTypeKey(DateTime.now)),
      random: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.sync(() => 4))),
      computed: Schema.optionalKey(Schema.Number).pipe(Schema.decodeTo(Schema.Number, {
        decode: SchemaGetter.transformOptional(Option.orElseSome(() => 5)),
        encode: SchemaGetter.passthrough()
      })),
      tag: Schema.tagDefaultOmit("A")
    })).toStrictEqual({
      now: { type: "string", format: "date-time" },
      random: { type: "number" },
      computed: { type: "number" },
      tag: { type: "string", const: "A" }
    })
  })

  it("give way to the default the author wrote", () => {
    expect(properties({
      a: Schema.Number.annotate({ default: 1 }).pipe(Schema.withDecodingDefaultKey(Effect.succeed(5)))
    })).toStrictEqual({ a: { type: "number", default: 1 } })
  })
})

describe("determinism", () => {
  it("two readings are the same text", () => {
    const schema = Schema.Struct({ user: User, other: User, tree: Category, shape: Schema.optional(Shape) })
    expect(JSON.stringify(toolInput(schema))).toBe(JSON.stringify(toolInput(schema)))
  })
})

describe("agreement of document and codec", () => {
  const date = Schema.Date.check(
    Schema.isBetweenDate({ minimum: new Date("1900-01-01"), maximum: new Date("2100-01-01") })
  )
  const schemas = {
    empty: Schema.Struct({}),
    scalars: Schema.Struct({ a: Schema.String, b: Schema.Number, c: Schema.Int, d: Schema.Boolean, e: Schema.Null }),
    absence: Schema.Struct({
      a: Schema.optional(Schema.Number),
      b: Schema.optionalKey(Schema.String),
      c: Schema.UndefinedOr(Schema.Boolean),
      d: Schema.NullOr(Schema.String),
      e: Schema.optional(Schema.NullOr(Schema.Int))
    }),
    constraints: Schema.Struct({
      a: Schema.String.check(Schema.isMinLength(2), Schema.isMaxLength(4)),
      b: Schema.Int.check(Schema.isBetween({ minimum: -5, maximum: 5 })),
      c: Schema.Array(Schema.Int).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
      d: Schema.String.check(Schema.isPattern(/^[a-c]{1,3}$/)),
      e: Schema.Number.check(Schema.isGreaterThan(0))
    }),
    literals: Schema.Struct({ a: Schema.Literal("x"), b: Schema.Literals(["a", 1, true]), c: Schema.Enum({ A: 0 }) }),
    user: User,
    users: Schema.Struct({ a: User, b: Schema.Array(User), c: Schema.optional(User) }),
    tree: Category,
    list: ListNode,
    shape: Shape,
    tuples: Schema.Struct({
      a: Schema.Tuple([Schema.String, Schema.optionalKey(Schema.Number)]),
      b: Schema.TupleWithRest(Schema.Tuple([Schema.Boolean]), [Schema.String])
    }),
    records: Schema.Struct({
      a: Schema.Record(Schema.String, Schema.Number),
      b: Schema.Record(Schema.TemplateLiteral(["x-", Schema.Int]), Schema.String)
    }),
    codecs: Schema.Struct({
      date,
      bigint: Schema.BigInt,
      bytes: Schema.Uint8Array,
      map: Schema.ReadonlyMap(Schema.String, Schema.BigInt),
      set: Schema.ReadonlySet(Schema.Int),
      option: Schema.Option(Schema.Number),
      symbol: Schema.FiniteFromString
    }),
    defaults: Schema.Struct({
      a: Schema.Number.pipe(Schema.withDecodingDefault(Effect.succeed(5))),
      b: Schema.FiniteFromString.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(8)))
    })
  } satisfies Record<string, Schema.Codec<unknown, unknown>>

  // Elsewhere they differ knowingly: the decoder takes keys beside an empty struct and dates that are not RFC 3339,
  // and refuses text that is no number for a `FiniteFromString`.
  const isExact = new Set([
    "scalars",
    "absence",
    "constraints",
    "literals",
    "user",
    "users",
    "tree",
    "list",
    "shape",
    "tuples",
    "records"
  ])

  for (const [name, schema] of Object.entries<Schema.Codec<unknown, unknown>>(schemas)) {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false, strictRequired: false })
    ajvFormats.default(ajv)
    const accepts = ajv.compile(toolInput(schema))
    const encodeValue = Schema.encodeSync(codec(schema))
    const decodeExit = Schema.decodeUnknownExit(codec(schema))
    const decodes = (json: unknown) => Exit.isSuccess(decodeExit(json))
    // NaN and the infinities have no JSON and are refused.
    const toText = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(schema)))
    const values = Arbitrary.schema(schema).pipe(
      Arbitrary.filter((value) => !/"(NaN|-?Infinity)"/.test(toText(value)))
    )

    it.prop(`${name}: an encoded value is valid and decodes`, [values], ([value]) => {
      const encoded = encodeValue(value)
      expect(Schema.is(Schema.Json)(encoded)).toBe(true)
      expect(accepts(encoded), JSON.stringify([encoded, accepts.errors])).toBe(true)
      expect(encodeValue(decodeExit(encoded).pipe(Exit.getSuccess, Option.getOrThrow))).toEqual(encoded)
    })

    it.prop(`${name}: a missing required field is refused by both`, [values], ([value]) => {
      for (const mutated of withoutRequired(toolInput(schema), encodeValue(value))) {
        expect([accepts(mutated), decodes(mutated)], JSON.stringify(mutated)).toStrictEqual([false, false])
      }
    })

    if (!isExact.has(name)) continue
    it.prop(`${name}: a damaged value is judged alike`, [values], ([value]) => {
      for (const damaged of damage(encodeValue(value) as Schema.Json)) {
        expect(decodes(damaged), JSON.stringify(damaged)).toBe(accepts(damaged))
      }
    })
  }
})

function* withoutRequired(document: JsonObject, json: unknown): Generator<unknown> {
  const object = json as Record<string, Schema.Json>
  for (const key of (document.required ?? []) as ReadonlyArray<string>) {
    const { [key]: _, ...rest } = object
    yield rest
  }
  for (const [key, property] of Object.entries((document.properties ?? {}) as Record<string, JsonObject>)) {
    if (object[key] === undefined || property.type !== "object") continue
    for (const inner of withoutRequired(property, object[key])) yield { ...object, [key]: inner }
  }
}

function* damage(json: Schema.Json): Generator<Schema.Json> {
  yield* [null, "NaN", 1.5, true, [], {}]
  if (Array.isArray(json)) {
    yield json.slice(1)
    yield [...json, null]
    for (const [index, item] of json.entries()) {
      for (const damaged of damage(item)) yield json.toSpliced(index, 1, damaged)
    }
  } else if (typeof json === "object" && json !== null) {
    for (const [key, value] of Object.entries(json)) {
      const { [key]: _, ...rest } = json as JsonObject
      yield rest
      for (const damaged of damage(value)) yield { ...json, [key]: damaged }
    }
  }
}
