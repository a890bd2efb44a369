/**
 * Values against a JSON Schema 2020-12, by Ajv. Ajv is an optional peer: it is loaded with the first value, so that
 * nobody pays for it who has no such schema; from then on a check waits for nothing.
 */
import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as DefinitionError from "../DefinitionError.ts"
import * as foreignSchema from "./foreignSchema.ts"

export type Validator = (value: unknown) => Effect.Effect<unknown, SchemaIssue.Issue>

/** A document that cannot be used, or Ajv missing, is a defect that holds a `DefinitionError`. */
export const make = (document: () => foreignSchema.JsonObject, load: () => Promise<Ajv> = loadAjv): Validator => {
  let validate: ValidateFunction | undefined
  const compile = Effect.flatMap(
    Effect.tryPromise({
      try: load,
      catch: () => unusable("values are checked with Ajv 8, which is not installed; run: npm install ajv")
    }),
    ({ Ajv2020 }) =>
      Effect.try({
        try: () =>
          validate ??= new Ajv2020({ strict: false, logger: false, validateFormats: false }).compile(document()),
        catch: (error) => unusable(error instanceof Error ? error.message : String(error))
      })
  )
  const check = (validate: ValidateFunction, value: unknown): Exit.Exit<unknown, SchemaIssue.Issue> =>
    validate(value) ? Exit.succeed(value) : Exit.fail(foreignSchema.issueOf((validate.errors ?? []).map(faultOf)))
  return (value) =>
    validate === undefined
      ? Effect.flatMap(Effect.orDie(compile), (validate) => check(validate, value))
      : check(validate, value)
}

const unusable = (message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name: "A JSON Schema", message }))

type Ajv = Pick<typeof import("ajv/dist/2020.js"), "Ajv2020">

const loadAjv = async (): Promise<Ajv> => {
  // Inside `try`, so that a bundler that finds no Ajv leaves the import to fail where it is run.
  try {
    return await import("ajv/dist/2020.js")
  } catch (cause) {
    throw new Error("Ajv could not be loaded", { cause })
  }
}

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
