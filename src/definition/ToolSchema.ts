/**
 * Schemas of other libraries, and plain JSON Schema, as Effect Schemas: wherever a definition takes a schema, it takes
 * one of these, whole or as a part of another. They keep the JSON Schema that clients are to read. They check values
 * both ways and transform none on the way out, so for results use a schema whose output is also a valid input of it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "effect/StandardSchema"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as DefinitionError from "./DefinitionError.ts"
import * as foreignSchema from "./internal/foreignSchema.ts"
import * as jsonSchemaValidator from "./internal/jsonSchemaValidator.ts"
import { once } from "./internal/once.ts"

/** @category models @since 0.1.0 */
export interface FromStandard<S extends StandardSchemaV1>
  extends Schema.Codec<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>>
{}

/** JSON Schemas (2020-12) for a library that gives none of its own. @category models @since 0.1.0 */
export interface StandardOptions {
  /** What goes in: list it for parameters. */
  readonly inputSchema?: JsonObject
  /** What comes out: list it for results. `inputSchema` when left out. */
  readonly outputSchema?: JsonObject
}

/**
 * A Standard Schema: of Zod 4, Valibot, ArkType and others. `Tool.make` takes one as it is; this is for a library
 * without a JSON Schema of its own, and for a part of another schema.
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
 * import * as v from "valibot"
 *
 * const City = ToolSchema.fromStandard(v.pipe(v.string(), v.minLength(2)), {
 *   inputSchema: { type: "string", minLength: 2 }
 * })
 *
 * const Trip = Schema.Struct({ from: City, to: City })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromStandard = <S extends StandardSchemaV1>(schema: S, options: StandardOptions = {}): FromStandard<S> => {
  const standard = schema["~standard"]
  const documents: foreignSchema.Documents = {
    input: once(() => options.inputSchema === undefined ? generate(standard, "input") : given(options.inputSchema)),
    output: once(() => {
      const document = options.outputSchema ?? options.inputSchema
      return document === undefined ? generate(standard, "output") : given(document)
    })
  }
  const unknownKeys = (value: unknown): ReadonlyArray<foreignSchema.Fault> => {
    const document = documents.input()
    const known = foreignSchema.close(document) === document ? undefined : foreignSchema.declaredKeys(document)
    if (known === undefined || typeof value !== "object" || value === null) return []
    return Object.keys(value).filter((key) => !known.has(key)).map((key) => ({ path: [key], message: unexpected }))
  }
  return foreignSchema.make(documents, (value, strict) => {
    const unknown = strict ? unknownKeys(value) : []
    if (unknown.length > 0) return Exit.fail(foreignSchema.issueOf(unknown))
    try {
      const result = standard.validate(value)
      return Predicate.isPromiseLike(result)
        ? Effect.flatMap(Effect.promise(() => Promise.resolve(result)), read)
        : read(result)
    } catch (error) {
      return Exit.die(error)
    }
  })
}

/**
 * A JSON Schema (2020-12) as it is: clients see every keyword of it, and values are checked with Ajv, which has to be
 * installed beside this package and is loaded with the first value. `format` describes and checks nothing. Nothing is
 * ever fetched, so each `$ref` has to point into the document. `T` is the author's word for what the schema describes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromJsonSchema = <T = JsonObject>(schema: JsonObject): Schema.Codec<T> => {
  const document = once(() => given(schema))
  const loose = jsonSchemaValidator.make(document)
  const closed = jsonSchemaValidator.make(once(() => foreignSchema.close(document())))
  return foreignSchema.make(
    { input: document, output: document },
    (value, strict) => strict ? closed(value) : loose(value)
  )
}

/**
 * The same of a JSON Schema that a server lists, which is 2020-12, or draft-07 where it says so, and may be neither: then
 * nothing is checked, and the first value is followed by a warning that says why.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromListed = <T = JsonObject>(name: string, schema: JsonObject): Schema.Codec<T> => {
  const document = once(() => given(schema, listedDialects))
  const validate = jsonSchemaValidator.make(document)
  let isUsable = true
  return foreignSchema.make({ input: document, output: document }, (value) =>
    isUsable
      ? Effect.catchDefect(validate(value), (defect) => {
        isUsable = false
        const why = defect instanceof DefinitionError.DefinitionError && defect.reason._tag === "InvalidDefinition"
          ? defect.reason.message
          : defect
        return Effect.as(Effect.logWarning(`What ${name} gives is not checked`, why), value)
      })
      : Exit.succeed(value))
}

/**
 * Says of JSON Schemas (2020-12) what is wrong with them, before `fromJsonSchema` makes anything of them: for schemas
 * that are data, and may be anybody's. Fails where Ajv is not installed.
 *
 * @category checks
 * @since 0.1.0
 */
export const makeCheck: Effect.Effect<
  (schema: JsonObject) => string | undefined,
  DefinitionError.DefinitionError
> = Effect.map(jsonSchemaValidator.makeCheck(), (check) => (schema) => {
  try {
    return check(given(schema))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
})

/** @category guards @since 0.1.0 */
export const isStandard = (value: unknown): value is StandardSchemaV1 =>
  Predicate.hasProperty(value, "~standard") && Predicate.hasProperty(value["~standard"], "validate")

const unexpected = "Expected no excess property"

const read = (result: StandardSchemaV1.Result<unknown>): Exit.Exit<unknown, SchemaIssue.Issue> => {
  if (Predicate.hasProperty(result, "issues") && result.issues !== undefined) {
    return Exit.fail(foreignSchema.issueOf(
      result.issues.map(({ message, path }) => ({
        path: (path ?? []).map((segment) => typeof segment === "object" ? segment.key : segment),
        message
      }))
    ))
  }
  // Taken for a success it would let through what the schema refuses.
  return Predicate.hasProperty(result, "value")
    ? Exit.succeed(result.value)
    : Exit.die(
      new TypeError(
        "A Standard Schema's `validate` gave neither `issues` nor `value`; return `{ value }` for what is valid and "
          + "`{ issues }` for what is not"
      )
    )
}

const dialect = "https://json-schema.org/draft/2020-12/schema"

const listedDialects = [dialect, "http://json-schema.org/draft-07/schema", "https://json-schema.org/draft-07/schema"]

const generate = (standard: StandardSchemaV1["~standard"], side: "input" | "output"): Schema.JsonObject => {
  const { jsonSchema } = standard as Partial<StandardJSONSchemaV1["~standard"]>
  if (jsonSchema === undefined) {
    throw new Error(
      `${standard.vendor} gives no JSON Schema for this schema; wrap it and say it yourself: `
        + `ToolSchema.fromStandard(schema, { inputSchema: { ... } })`
    )
  }
  const { $schema: _, ...document } = jsonSchema[side]({ target: "draft-2020-12" })
  return given(document as JsonObject)
}

/** A copy that nobody else can change, after a look at what would make it useless to a reader. */
const given = (schema: JsonObject, dialects: ReadonlyArray<string> = [dialect]): Schema.JsonObject => {
  if (schema.$schema !== undefined && !dialects.includes(String(schema.$schema).replace(/#$/u, ""))) {
    throw new Error(
      `The JSON Schema is written in ${JSON.stringify(schema.$schema)}; rewrite it in ${dialect}, which MCP prescribes`
    )
  }
  const copy = JSON.parse(JSON.stringify(schema)) as Schema.JsonObject
  const ref = foreignSchema.unresolvedRef(copy)
  if (ref !== undefined) {
    throw new Error(
      `The JSON Schema refers to ${JSON.stringify(ref)}, which is not in it, and nothing is ever fetched; `
        + `copy what it refers to into its "$defs"`
    )
  }
  return copy
}
