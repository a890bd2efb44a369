/** Operations of a known document, called with arguments made from what their tools list. */
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import type * as OpenApi from "fastmcp-effect/provider/OpenApi"
import { generateSync } from "json-schema-faker"
import * as documents from "./documents.ts"
import * as mock from "./mock.ts"
import { connected } from "./support.ts"

export const url = "https://mock.example"

/** Some for each scheme there is. */
const credentialsOf = (document: JsonObject): OpenApi.Credentials<never> => {
  const { securitySchemes } = (document.components ?? {}) as JsonObject
  const schemes = Object.keys({ ...securitySchemes as JsonObject, ...document.securityDefinitions as JsonObject })
  return Object.fromEntries(schemes.map((name) => [name, Redacted.make("user:password")]))
}

const generated = (schema: JsonObject, seed: number, optionals: number): JsonObject | undefined => {
  try {
    return generateSync(schema as never, {
      seed,
      optionalsProbability: optionals,
      maxItems: 2,
      minLength: 1,
      maxDefaultItems: 2,
      refDepthMax: 2,
      maxDepth: 6,
      outputTransform: (value, schema) =>
        typeof schema === "object" && schema.contentEncoding === "base64" ? "aGVsbG8=" : value
    }) as JsonObject
  } catch {
    return undefined
  }
}

/** Arguments that fit, as full as can be made. */
export const argumentsFor = (schema: JsonObject, seed = 1): JsonObject | undefined => {
  const fits = new Ajv2020({ strict: false, validateFormats: false, logger: false }).compile(schema)
  for (const optionals of [1, 0.5, 0]) {
    for (let n = 0; n < 3; n++) {
      const args = generated(schema, seed + n, optionals)
      if (args !== undefined && fits(args)) return args
    }
  }
  return undefined
}

export interface Outcome {
  readonly operation: string
  /** `called`, or why not. */
  readonly ended: "called" | "no arguments"
  readonly faults: ReadonlyArray<string>
  readonly args?: JsonObject | undefined
  readonly asked?: mock.Heard | undefined
}

/** Calls one operation. */
export const call = (document: JsonObject, { method, path }: OpenApi.Operation, seed?: number) =>
  Effect.scoped(Effect.gen(function*() {
    const operation = `${method} ${path}`
    const part = documents.only(document, path, method)
    const served = yield* Effect.promise(() => mock.make(part))
    const client = yield* connected({ document: part, url, deprecated: true, credentials: credentialsOf(part) }, served)
    const [tool] = yield* client.listTools
    const args = argumentsFor(tool!.inputSchema as JsonObject, seed)
    if (args === undefined) return { operation, ended: "no arguments", faults: [] } as Outcome
    const result = yield* client.callTool(tool!.name, args)
    const [asked] = served.heard
    const faults = [
      ...served.heard.flatMap(({ faults }) => faults),
      ...(result.isError === true ? [JSON.stringify(result.content).slice(0, 300)] : [])
    ]
    return { operation, ended: "called", faults, args, asked } as Outcome
  }))
