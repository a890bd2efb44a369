/**
 * The schemas of an `HttpApi` as its author wrote them. An endpoint keeps them as HTTP needs them, with a number in a
 * path as text, say; MCP has JSON, and has its own way to it.
 */
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as collecting from "./collecting.ts"
import type { Part } from "./parameters.ts"

/** What a tool is made of. */
export interface Found {
  readonly parts: ReadonlyArray<Part>
  readonly success: ReadonlyArray<Schema.Top>
  readonly failure: ReadonlyArray<Schema.Top>
}

type Answers = ReadonlyMap<number, ReadonlyArray<Schema.Top>>

/** An endpoint with its answers by their status, as `HttpApi.reflect` gives them, or why no tool can be made of it. */
export const ofEndpoint = (
  endpoint: HttpApiEndpoint.Top,
  successes: Answers,
  errors: Answers
): Found | { readonly omitted: string } => {
  const payload = payloadOf(endpoint)
  if (payload !== undefined && payload.length === 0) {
    return { omitted: "it takes files or a stream, and the arguments of a tool are JSON" }
  }
  const failure = all(errors).map(member)
  const success = all(successes).map(member)
  for (const schema of endpoint.success) {
    if ("protocol" in schema) return { omitted: "it goes on in another protocol" }
    const body = HttpApiSchema.isWithHeaders(schema) ? schema.schema : schema
    if (!isStream(body)) continue
    if (body._tag === "StreamUint8Array") return { omitted: "it answers with a stream of bytes" }
    if (body._tag === "StreamSse") failure.push(body.error)
    success.push(member(schema))
  }
  const { headers, params, query } = endpoint
  return {
    parts: [
      ...part("params", params && written(endpoint, params)),
      ...part("query", query && written(endpoint, query)),
      ...part("headers", headers && written(endpoint, headers)),
      ...part("payload", payload && union(payload))
    ],
    success,
    failure
  }
}

const part = (place: Part["place"], schema: Schema.Top | undefined): ReadonlyArray<Part> =>
  schema === undefined ? [] : [{ place, schema }]

const all = (answers: Answers): ReadonlyArray<Schema.Top> => Array.from(answers.values()).flat()

const isStream = (schema: Schema.Top): schema is HttpApiSchema.StreamSchema =>
  "contentTypes" in schema && "mode" in schema

/** All that JSON can be for, or undefined where there is no payload at all. */
const payloadOf = (endpoint: HttpApiEndpoint.Top): ReadonlyArray<Schema.Top> | undefined =>
  endpoint.payload.size === 0 ? undefined : Array.from(endpoint.payload.values()).flatMap(({ encoding, schemas }) => {
    switch (encoding._tag) {
      case "Stream":
      case "Multipart":
        return []
      case "Json":
      case "FormUrlEncoded":
        return schemas.map((schema) => written(endpoint, schema))
      case "Text":
      case "Uint8Array":
        return schemas
    }
  })

/** What a codec of Effect was made of. */
const originalOf = (codec: Schema.Top): Schema.Top =>
  Predicate.hasProperty(codec, "schema") && Schema.isSchema(codec.schema) ? codec.schema as Schema.Top : codec

const written = ({ disableCodecs }: HttpApiEndpoint.Top, schema: Schema.Top): Schema.Top =>
  disableCodecs ? schema : originalOf(schema)

/** What is answered may be kept as it is. */
const writtenAnswer = (schema: Schema.Top): Schema.Top => {
  const original = originalOf(schema)
  const { ast } = schema
  return Schema.toCodecJson(original).ast === ast || Schema.toCodecStringTree(original).ast === ast ? original : schema
}

/** One of the answers. */
const member = (schema: Schema.Top): Schema.Top => {
  if (HttpApiSchema.isWithHeaders(schema)) return pair(member(schema.schema), originalOf(schema.headers))
  if (isStream(schema)) return collecting.schema(elementOf(schema))
  const original = writtenAnswer(schema)
  // Over HTTP the status alone says which it is; JSON has to have it in it.
  return !HttpApiSchema.isNoContent(original.ast)
    ? original
    : original.ast._tag === "Void"
    ? Schema.Void
    : Schema.toType(original)
}

const pair = (body: Schema.Top, headers: Schema.Top): Schema.Top =>
  Schema.Struct({ body, headers }).pipe(Schema.decodeTo(
    Schema.declare(isWithHeaders),
    SchemaTransformation.transform({
      decode: (pair: { readonly body: unknown; readonly headers: unknown }) => HttpApiSchema.withHeaders(pair),
      encode: ({ body, headers }) => ({ body, headers })
    })
  ))

/** Whether an answer is one with headers. */
export const isWithHeaders = (value: unknown): value is HttpApiSchema.withHeaders<unknown, unknown> =>
  Predicate.hasProperty(value, HttpApiSchema.WithHeadersValueTypeId)

const elementOf = (schema: HttpApiSchema.StreamSchema): Schema.Top => {
  if (schema._tag === "StreamNdjson") return schema.schema
  if (schema._tag === "StreamUint8Array") return Schema.Uint8Array
  const { events, sseMode } = schema
  const data = sseMode === "data" && "fields" in events ? (events.fields as Schema.Struct.Fields).data : undefined
  // An event has its data as JSON in a text, which here is JSON already.
  return Predicate.hasProperty(data, "to") && Schema.isSchema(data.to)
    ? data.to as Schema.Top
    : Schema.toType(events as Schema.Constraint as Schema.Top)
}

/** One schema for all of them. */
export const union = (schemas: ReadonlyArray<Schema.Top>): Schema.Top => {
  const distinct = [...new Set(schemas.filter(({ ast }) => ast._tag !== "Never"))]
  return distinct.length === 1 ? distinct[0]! : distinct.length === 0 ? Schema.Never : Schema.Union(distinct)
}
