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
      Promised.attempt({
        try: () => load(isDraft07(schema)),
        catch: () => unusable("values are checked with Ajv 8, which is not installed; run: npm install ajv")
      }),
      (Ajv) =>
        Effect.try({
          try: () => validate ??= new Ajv({ strict: false, logger: false, validateFormats: false }).compile(schema),
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

const unusable = (message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name: "A JSON Schema", message }))

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

type Ajv = new(options: Options) => { readonly compile: (schema: foreignSchema.JsonObject) => ValidateFunction }

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
