/**
 * Values against a JSON Schema 2020-12, or draft-07 where it says so, by Ajv. Ajv is an optional peer: it is loaded with the first value, so that
 * nobody pays for it who has no such schema; from then on a check waits for nothing.
 */
import type { ErrorObject, Options, ValidateFunction } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Promised from "../../core/Promised.ts"
import * as DefinitionError from "../DefinitionError.ts"
import * as foreignSchema from "./foreignSchema.ts"

export type Validator = (value: unknown) => Effect.Effect<unknown, SchemaIssue.Issue>

/** A document that cannot be used, or Ajv missing, is a defect that holds a `DefinitionError`. */
export const make = (document: () => foreignSchema.JsonObject, load: Load = loadAjv): Validator => {
  let validate: ValidateFunction | undefined
  const read = Effect.try({ try: document, catch: (error) => unusable(messageOf(error)) })
  const compile = Effect.flatMap(read, (schema) =>
    Effect.flatMap(
      loaded(isDraft07(schema), load),
      (Ajv) =>
        Effect.try({
          try: () => validate ??= new Ajv(options).compile(schema),
          catch: (error) => unusable(messageOf(error))
        })
    ))
  const check = (validate: ValidateFunction, value: unknown): Exit.Exit<unknown, SchemaIssue.Issue> =>
    validate(value) ? Exit.succeed(value) : Exit.fail(foreignSchema.issueOf((validate.errors ?? []).map(faultOf)))
  return (value) =>
    validate === undefined
      ? Effect.flatMap(Effect.orDie(compile), (validate) => check(validate, value))
      : check(validate, value)
}

/**
 * Tells of a JSON Schema 2020-12, in words, why no value could be checked with it; undefined of a good one. It looks at
 * the keywords alone, which costs a hundredth of making a validator.
 */
export const makeCheck = (
  load: Load = loadAjv
): Effect.Effect<(schema: foreignSchema.JsonObject) => string | undefined, DefinitionError.DefinitionError> =>
  Effect.map(loaded(false, load), (Ajv) => {
    const ajv = new Ajv(options)
    return (schema) => {
      try {
        return ajv.validateSchema(schema) === true
          ? brokenPattern(schema)
          : ajv.errorsText(ajv.errors ?? null, { dataVar: "schema" })
      } catch (error) {
        return messageOf(error)
      }
    }
  })

/** Ajv takes any text for a pattern until it uses it. */
const brokenPattern = (schema: foreignSchema.JsonObject): string | undefined => {
  const patterns: Array<string> = []
  foreignSchema.mapSchemas(schema, (inner) => {
    if (typeof inner.pattern === "string") patterns.push(inner.pattern)
    patterns.push(...Object.keys(inner.patternProperties ?? {}))
    return inner
  })
  for (const pattern of patterns) {
    try {
      new RegExp(pattern, "u")
    } catch (error) {
      return messageOf(error)
    }
  }
  return undefined
}

const loaded = (isDraft07: boolean, load: Load) =>
  Promised.attempt({
    try: () => load(isDraft07),
    catch: () => unusable("values are checked with Ajv 8, which is not installed; run: npm install ajv")
  })

const options: Options = { strict: false, logger: false, validateFormats: false }

const unusable = (message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name: "A JSON Schema", message }))

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

type Ajv = new(options: Options) => {
  readonly compile: (schema: foreignSchema.JsonObject) => ValidateFunction
  readonly validateSchema: (schema: foreignSchema.JsonObject) => boolean | Promise<unknown>
  readonly errorsText: (errors?: Array<ErrorObject> | null, options?: { readonly dataVar?: string }) => string
  readonly errors?: Array<ErrorObject> | null
}

type Load = (isDraft07: boolean) => Promise<Ajv>

const loadAjv: Load = async (isDraft07) => {
  // Inside `try`, so that a bundler that finds no Ajv leaves the import to fail where it is run.
  try {
    return isDraft07 ? (await import("ajv/dist/ajv.js")).Ajv : (await import("ajv/dist/2020.js")).Ajv2020
  } catch (cause) {
    throw new Error("Ajv could not be loaded", { cause })
  }
}

const isDraft07 = ({ $schema }: foreignSchema.JsonObject): boolean =>
  typeof $schema === "string" && /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/u.test($schema)

const faultOf = ({ instancePath, keyword, message, params }: ErrorObject): foreignSchema.Fault => {
  const path = instancePath.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"))
  switch (keyword) {
    case "additionalProperties":
    case "unevaluatedProperties":
      return {
        path: [...path, String(params.additionalProperty ?? params.unevaluatedProperty)],
        message: "Expected no excess property"
      }
    case "required":
      return { path: [...path, String(params.missingProperty)], message: "Missing key" }
    case "enum":
      return {
        path,
        message: `Expected one of ${params.allowedValues.map((v: unknown) => JSON.stringify(v)).join(", ")}`
      }
    case "const":
      return { path, message: `Expected ${JSON.stringify(params.allowedValue)}` }
    default:
      return { path, message: message ?? `Does not fit ${keyword}` }
  }
}
