/**
 * The official JSON Schemas as an oracle, and generators of what is held against them. The schemas are not part of the
 * repository: `MCP_SCHEMA_DIR` names a folder with `<revision>.json`.
 */
import { assert, it } from "@effect/vitest"
import { Ajv } from "ajv"
import ajvFormats from "ajv-formats"
import { Ajv2020, type AnySchema, type ValidateFunction } from "ajv/dist/2020.js"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const directory = process.env.MCP_SCHEMA_DIR

type Definitions = { readonly [name: string]: any }

type Union = "ClientRequest" | "ClientNotification" | "ServerRequest" | "ServerNotification"

export interface Official {
  /** What is wrong with a value, or `undefined`. */
  readonly faults: (definition: string, value: unknown) => string | undefined
  /** The same, where a member that the revision has not heard of is wrong too. */
  readonly surplus: (definition: string, value: unknown) => string | undefined
  /** What is wrong with a frame with this method. */
  readonly messageFaults: (union: Union, frame: JsonRpc.JsonObject) => string | undefined
  /** The definition of a message of one of these unions, by its method. */
  readonly definitionOf: (union: Union, method: string) => string
  /** What the revision calls a response. */
  readonly response: { readonly result: string; readonly error: string }
  readonly definitions: Definitions
}

/**
 * Every object closed that names its members, but for those that are open by their nature: JSON Schemas, `_meta`, and
 * what an extension may add to, which are capabilities and what a client listens for.
 */
const closed = (schema: any, key = ""): any => {
  if (Array.isArray(schema)) return schema.map((one) => closed(one))
  if (typeof schema !== "object" || schema === null) return schema
  if (
    ["inputSchema", "outputSchema", "_meta"].includes(key) || /(MetaObject|Capabilities|SubscriptionFilter)$/.test(key)
  ) return schema
  const next = Object.fromEntries(Object.entries(schema).map(([key, member]) => [key, closed(member, key)]))
  return "properties" in schema && schema.type === "object" && !("additionalProperties" in schema)
    ? { ...next, additionalProperties: false }
    : next
}

const read = (version: string): Official | undefined => {
  const file = join(directory ?? "", `${version}.json`)
  if (directory === undefined || !existsSync(file)) return undefined
  const schema = JSON.parse(readFileSync(file, "utf8"))
  const container = "$defs" in schema ? "$defs" : "definitions"
  const definitions = schema[container] as Definitions
  const oracle = (schema: object) => {
    const ajv = container === "$defs"
      ? new Ajv2020({ strict: false, allErrors: true })
      : new Ajv({ strict: false, allErrors: true })
    ajvFormats.default(ajv)
    ajv.addSchema({ ...schema, $id: version } as AnySchema)
    const compiled = new Map<string, ValidateFunction>()
    return (definition: string, value: unknown) => {
      let validate = compiled.get(definition)
      if (validate === undefined) {
        validate = ajv.compile({ $ref: `${version}#/${container}/${definition}` })
        compiled.set(definition, validate)
      }
      return validate(value)
        ? undefined
        : `${definition}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`
    }
  }
  const faults = oracle(schema)
  const surplus = oracle(closed(schema))
  const definitionOf: Official["definitionOf"] = (union, method) => {
    const members = (definitions[union].anyOf ?? [{ $ref: `#/${container}/${union}` }]) as Array<{ $ref: string }>
    const names = members.map(({ $ref }) => $ref.split("/").at(-1)!)
    const name = names.find((name) => definitions[name].properties.method.const === method)
    assert.isDefined(name, `${version} has no ${union} ${method}`)
    return name
  }
  const isEnveloped = "JSONRPCResultResponse" in definitions
  return {
    definitions,
    definitionOf,
    faults,
    surplus,
    response: isEnveloped
      ? { result: "JSONRPCResultResponse", error: "JSONRPCErrorResponse" }
      : { result: "JSONRPCResponse", error: "JSONRPCError" },
    messageFaults: (union, frame) => {
      const definition = definitionOf(union, frame.method as string)
      // Before 2025-11-25 a message and its envelope are described apart.
      const { id: _, jsonrpc: __, ...message } = frame
      return faults("id" in frame ? "JSONRPCRequest" : "JSONRPCNotification", frame)
        ?? faults(definition, frame)
        ?? (union.startsWith("Client")
          ? undefined
          : surplus(definition, "jsonrpc" in definitions[definition].properties ? frame : message))
    }
  }
}

/** Runs `suite` against one schema of the folder, by the name of its file, or says that it is not there. */
export const against = (name: string, subject: string, suite: (official: Official) => void): void => {
  const official = read(name)
  if (official !== undefined) return suite(official)
  const reason = `MCP_SCHEMA_DIR ${directory === undefined ? "is not set" : `has no ${name}.json`}`
  console.warn(`LEFT OUT: ${subject} were held against no official schema, for ${reason}.`)
  it.skip(`LEFT OUT: ${subject} against their official schema (${reason})`, () => {})
}

/** Runs `suite` for each revision whose official schema is there, and says which is not. */
export const forEachRevision = (
  subject: string,
  suite: (revision: (typeof Revisions.all)[number], official: Official) => void
): void => {
  for (const revision of Revisions.all) {
    const official = read(revision.version)
    if (official !== undefined) {
      suite(revision, official)
      continue
    }
    const reason = `MCP_SCHEMA_DIR ${directory === undefined ? "is not set" : `has no ${revision.version}.json`}`
    console.warn(`LEFT OUT: ${subject} of ${revision.version} were held against no official schema, for ${reason}.`)
    it.skip(`LEFT OUT: ${subject} of ${revision.version} against their official schema (${reason})`, () => {})
  }
}

// ----------------------------------------------------------------------------
// generated models
// ----------------------------------------------------------------------------

/**
 * The model asks for text where the official schema asks for a URI or for base64; a generator has to know which text
 * is meant.
 */
const lawful = (value: any): any => {
  if (Array.isArray(value)) return value.map(lawful)
  if (typeof value !== "object" || value === null) return value
  const isBinary = value.type === "image" || value.type === "audio"
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (key === "capabilities" || key === "metadata") return [key, plain(member)]
      if (typeof member !== "string") return [key, lawful(member)]
      if (["uri", "uriTemplate", "url", "src", "websiteUrl"].includes(key)) {
        return [key, `x:y${Buffer.from(member).toString("hex")}`]
      }
      if (key === "blob" || key === "data" && isBinary) {
        return [key, Buffer.from(member).toString("base64")]
      }
      return [key, member]
    })
  )
}

/** The official JSON Schema has neither null nor fractions in a capability's settings (its TypeScript source does). */
export const plain = (value: any): any =>
  typeof value === "number"
    ? Math.trunc(value)
    : value === null
    ? false
    : Array.isArray(value)
    ? value.map(plain)
    : typeof value === "object"
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
    : value

export const capabilities = Arbitrary.map(Arbitrary.schema(McpSchema.ClientCapabilities), plain)

export const generate = <S extends Schema.Codec<any, any>>(schema: S): Arbitrary.Arbitrary<S["Type"]> =>
  Arbitrary.map(Arbitrary.schema(schema), lawful)

export const id = Arbitrary.schema(McpSchema.RequestId)

/** Runs the property and throws what falsified it. */
export const holds = <A>(arbitrary: Arbitrary.Arbitrary<A>, faults: (value: A) => string | undefined, runs = 100) =>
  Effect.gen(function*() {
    let last: string | undefined
    const result = yield* Arbitrary.checkEffect(arbitrary, (value) => {
      const fault = faults(value)
      last = fault ?? last
      return fault === undefined
    }, { runs })
    assert.strictEqual(result._tag, "Passed", `${last}\n${Arbitrary.formatCheckFailure(result)}`)
  })
