/** Operations of a known document, called with arguments made from what their tools list. */
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import type * as OpenApi from "fastmcp-effect/provider/OpenApi"
import { generateSync, registerFormat } from "json-schema-faker"
import * as documents from "./documents.ts"
import * as mock from "./mock.ts"
import { connected } from "./support.ts"

export const url = "https://mock.example"

registerFormat("url", () => "https://example.com/a")

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
        typeof schema === "object" && (schema.contentEncoding === "base64" || schema.format === "byte")
          ? "aGVsbG8="
          : value
    }) as JsonObject
  } catch {
    return undefined
  }
}

/** Arguments that fit, as full as can be made. */
const argumentsFor = (schema: JsonObject): JsonObject | undefined => {
  const fits = new Ajv2020({ strict: false, validateFormats: false, logger: false }).compile(schema)
  for (const optionals of [1, 0.5, 0]) {
    for (let seed = 1; seed <= 3; seed++) {
      const args = generated(schema, seed, optionals)
      if (args !== undefined && fits(args)) return args
    }
  }
  return undefined
}

export interface Outcome {
  readonly operation: string
  /** False where no arguments could be made of its schema. */
  readonly isCalled: boolean
  readonly faults: ReadonlyArray<string>
}

/** Prism needs a minute for what is larger, all for its answers. */
const largest = 40_000

/** What Prism says that is its own mistake, or the document's. */
const excused: ReadonlyArray<readonly [document: string, operation: RegExp, fault: RegExp]> = [
  // A form repeats a list's members and has parts in JSON, which Prism reads only where the document says so beside it.
  [
    "",
    /./u,
    /^Invalid request \{"validation":\[(?:\{[^{}]*body property [\w.]+ must be (?:array|object|boolean)"\},?)+\]\}$/u
  ],
  ["openai.json", /^POST \/audio\/transcriptions$/u, /chunking_strategy must be/u],
  // It takes the commas of JSON within a list for its own.
  ["box.json", /^GET \/search$/u, /query parameter mdfilters/u],
  // It compares what stands behind the path, and is no part of it.
  ["", /[#?]/u, /^Route not resolved/u],
  // What fits two members of `oneOf`: the document says one, and lists two that overlap.
  ["", /./u, /in oneOf/u],
  ["figma.yaml", /./u, /must have required property/u],
  // It reads no member of a form that the document wants and does not describe.
  ["box.json", /oauth2\/revoke$/u, /required property 'grant_type'$/u],
  // It wants lists of objects in forms as JSON, whatever their style, and no JSON in parts.
  ["stripe.json", /^POST/u, /^Invalid content type|Reserved characters used in request body/u],
  // A body that is null is there, and the document allows it.
  ["github.json", /^POST .*\/pages$/u, /Body parameter is required$/u],
  // No fault, only advice.
  ["", /./u, /is deprecated$/u]
]

/** Calls one operation. */
export const call = (file: string, document: JsonObject, { method, path }: OpenApi.Operation) =>
  Effect.scoped(Effect.gen(function*() {
    const operation = `${method} ${path}`
    const whole = documents.only(document, path, method)
    const part = JSON.stringify(whole).length > largest
      ? documents.only(document, path, method, { answers: false })
      : whole
    const served = yield* Effect.promise(() => mock.make(part))
    const client = yield* connected({
      document: part,
      url,
      deprecated: true,
      credentials: credentialsOf(part)
    }, served)
    const [tool] = yield* client.listTools
    const args = argumentsFor(tool!.inputSchema as JsonObject)
    if (args === undefined) return { operation, isCalled: false, faults: [] }
    const result = yield* client.callTool(tool!.name, args)
    const faults = served.heard.flatMap(({ faults }) => faults)
    const left = faults.filter((fault) =>
      !excused.some(([of, where, what]) => (of === "" || of === file) && where.test(operation) && what.test(fault))
    )
    const isExcused = faults.length > 0 && left.length === 0
    return {
      operation,
      isCalled: true,
      faults: [
        ...left,
        ...(served.heard.length === 1 ? [] : [`${served.heard.length} requests`]),
        ...(result.isError === true && !isExcused ? [JSON.stringify(result.content)] : [])
      ].map((fault) => `${operation}: ${fault.slice(0, 1500)}`)
    }
  }))
