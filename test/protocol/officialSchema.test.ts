/**
 * Every kind of message this framework sends or accepts, generated, against the official JSON Schema of its revision.
 * What a server sends is held against a closed form of the schema too, in which a member the revision has not heard of
 * is wrong.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Meta from "fastmcp-effect/protocol/Meta"
import type * as Revision from "fastmcp-effect/protocol/Revision"
import * as reply from "../../src/server/internal/reply.ts"
import { capabilities, forEachRevision, generate, holds, id, type Official, plain } from "./official.ts"

const empty = Arbitrary.Constant<object>({})

const projection: Arbitrary.Arbitrary<Revision.Projection> = Arbitrary.all({
  serverInfo: generate(McpSchema.Implementation),
  cacheHints: generate(McpSchema.CacheHints)
})

class Point extends Schema.Class<Point>("Point")({ x: Schema.Finite, y: Schema.Finite }) {}

/** Tools as they are described, so with the JSON Schemas we write. */
const descriptions = Arbitrary.all([
  Arbitrary.array(generate(McpSchema.Tool), { minLength: 1, maxLength: 3 }),
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })))
]).pipe(Arbitrary.map(([generated, start]) => {
  const contracts = [
    Tool.make("none"),
    Tool.make("fields", { parameters: { a: Schema.String, b: Schema.optionalKey(Schema.Unknown) }, success: Point }),
    Tool.make("class", { parameters: Point, success: Schema.Array(Point) }),
    Tool.make("anything", { parameters: Schema.Record(Schema.String, Schema.Unknown), success: Schema.Unknown }),
    Tool.make("union", { parameters: Schema.Union([Point, Schema.Struct({ z: Schema.Date })]), success: Schema.Never }),
    Tool.make("number", { success: Schema.Finite }),
    Tool.make("either", { success: Schema.Union([Point, Schema.Struct({ z: Schema.Null })]) }),
    Tool.make("own", { success: Tool.Result })
  ].map((tool) => Tool.describe(tool))
  return generated.map((tool, index) => {
    const { inputSchema, outputSchema } = contracts[(start + index) % contracts.length]!
    const { outputSchema: _, ...rest } = tool
    return { ...rest, inputSchema, ...(outputSchema === undefined ? undefined : { outputSchema }) }
  })
}))

const tools = (result: any, tools: ReadonlyArray<McpSchema.Tool>) => ({ ...result, tools })

const question = { title: Schema.optionalKey(Schema.String), description: Schema.optionalKey(Schema.String) }
const length = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })))
const titledOptions = Schema.Array(Schema.Struct({ const: Schema.String, title: Schema.String }))
const multiple = {
  type: Schema.Literal("array"),
  ...question,
  minItems: length,
  maxItems: length,
  default: Schema.optionalKey(Schema.Array(Schema.String))
}
const single = { type: Schema.Literal("string"), ...question, default: Schema.optionalKey(Schema.String) }

/** What a form may ask for, in all the shapes the newest revision has. */
const Property = Schema.Union([
  Schema.Struct({
    ...single,
    format: Schema.optionalKey(Schema.Literals(["email", "uri", "date", "date-time"])),
    minLength: length,
    maxLength: length
  }),
  Schema.Struct({
    type: Schema.Literals(["number", "integer"]),
    ...question,
    minimum: Schema.optionalKey(Schema.Int),
    maximum: Schema.optionalKey(Schema.Int),
    default: Schema.optionalKey(Schema.Int)
  }),
  Schema.Struct({
    type: Schema.Literal("boolean"),
    ...question,
    default: Schema.optionalKey(Schema.Boolean)
  }),
  Schema.Struct({ ...single, enum: Schema.Array(Schema.String) }),
  Schema.Struct({
    ...single,
    enum: Schema.Array(Schema.String),
    enumNames: Schema.optionalKey(Schema.Array(Schema.String))
  }),
  Schema.Struct({ ...single, oneOf: titledOptions }),
  Schema.Struct({
    ...multiple,
    items: Schema.Struct({ type: Schema.Literal("string"), enum: Schema.Array(Schema.String) })
  }),
  Schema.Struct({ ...multiple, items: Schema.Struct({ anyOf: titledOptions }) })
])

const forms = Arbitrary.map(
  Arbitrary.all([generate(McpSchema.ElicitFormParams), generate(Schema.Record(Schema.String, Property))]),
  ([form, properties]) => ({
    ...form,
    requestedSchema: { ...form.requestedSchema, properties, required: Object.keys(properties).slice(1) }
  })
)

const urls = Arbitrary.map(
  Arbitrary.all([generate(McpSchema.ElicitUrlParams), generate(Schema.String)]),
  ([params, elicitationId]) => ({ ...params, elicitationId })
)

/** What a server may ask, as a handler would ask it, and the definition of its answer. */
const questions: {
  readonly [method: string]: { readonly definition: string; readonly model: Arbitrary.Arbitrary<object> }
} = {
  "ping": { definition: "EmptyResult", model: empty },
  "roots/list": { definition: "ListRootsResult", model: empty },
  "sampling/createMessage": {
    definition: "CreateMessageResult",
    model: Arbitrary.map(
      Arbitrary.all([generate(McpSchema.CreateMessageParams), descriptions]),
      ([params, described]) => params.tools === undefined ? params : tools(params, described)
    )
  },
  "elicitation/create": {
    definition: "ElicitResult",
    model: Arbitrary.map(
      Arbitrary.all([forms, urls, Arbitrary.schema(Schema.Boolean)]),
      ([form, url, isForm]) => isForm ? form : url
    )
  }
}

interface Result {
  readonly definition: string
  readonly model: Arbitrary.Arbitrary<object>
}

const result = (definition: string, schema: Schema.Codec<any, any>): Result => ({ definition, model: generate(schema) })

const nothing: Result = { definition: "EmptyResult", model: empty }

/** The result of each method, as its handler would succeed with it. */
const results: { readonly [method: string]: Result } = {
  "initialize": result("InitializeResult", McpSchema.InitializeResult),
  "ping": nothing,
  "logging/setLevel": nothing,
  "server/discover": result("DiscoverResult", McpSchema.DiscoverResult),
  "tools/list": {
    definition: "ListToolsResult",
    model: Arbitrary.map(
      Arbitrary.all([generate(McpSchema.ListToolsResult), descriptions]),
      ([result, described]) => tools(result, described)
    )
  },
  "tools/call": result("CallToolResult", McpSchema.CallToolResult),
  "prompts/list": result("ListPromptsResult", McpSchema.ListPromptsResult),
  "prompts/get": result("GetPromptResult", McpSchema.GetPromptResult),
  "resources/list": result("ListResourcesResult", McpSchema.ListResourcesResult),
  "resources/templates/list": result("ListResourceTemplatesResult", McpSchema.ListResourceTemplatesResult),
  "resources/read": result("ReadResourceResult", McpSchema.ReadResourceResult),
  "resources/subscribe": nothing,
  "resources/unsubscribe": nothing,
  "completion/complete": result("CompleteResult", McpSchema.CompleteResult),
  "subscriptions/listen": {
    definition: "SubscriptionsListenResult",
    model: Arbitrary.map(id, (id) => ({ _meta: { [Meta.subscriptionId]: id } }))
  }
}

const reasons: { readonly [tag in McpError.Reason["_tag"]]: Arbitrary.Arbitrary<McpError.Reason> } = {
  ParseError: Arbitrary.schema(McpError.ParseError),
  InvalidRequest: Arbitrary.schema(McpError.InvalidRequest),
  MethodNotFound: Arbitrary.schema(McpError.MethodNotFound),
  InvalidParams: Arbitrary.schema(McpError.InvalidParams),
  InvalidEnvelope: Arbitrary.schema(McpError.InvalidEnvelope),
  ToolNotFound: Arbitrary.schema(McpError.ToolNotFound),
  ResourceNotFound: Arbitrary.schema(McpError.ResourceNotFound),
  PromptNotFound: Arbitrary.schema(McpError.PromptNotFound),
  InternalError: Arbitrary.schema(McpError.InternalError),
  HeaderMismatch: Arbitrary.schema(McpError.HeaderMismatch),
  MissingCapability: Arbitrary.map(
    Arbitrary.all([Arbitrary.schema(Schema.String), capabilities]),
    ([message, required]) => new McpError.MissingCapability({ message, required })
  ),
  UnsupportedVersion: Arbitrary.schema(McpError.UnsupportedVersion),
  DeadlineExceeded: Arbitrary.schema(McpError.DeadlineExceeded),
  Cancelled: Arbitrary.schema(McpError.Cancelled),
  RateLimited: Arbitrary.schema(McpError.RateLimited),
  Overloaded: Arbitrary.schema(McpError.Overloaded),
  InProgress: Arbitrary.schema(McpError.InProgress),
  IdempotencyConflict: Arbitrary.schema(McpError.IdempotencyConflict),
  OutcomeUnknown: Arbitrary.schema(McpError.OutcomeUnknown),
  Unauthenticated: Arbitrary.schema(McpError.Unauthenticated),
  InsufficientScope: Arbitrary.schema(McpError.InsufficientScope),
  Masked: Arbitrary.schema(McpError.Masked),
  Other: Arbitrary.schema(McpError.Other)
}

/** What 2026-07-28 defines beyond the envelope: a response, or the error in it. */
const errorDefinitions: { readonly [code: number]: { readonly response?: string; readonly error?: string } } = {
  [-32700]: { error: "ParseError" },
  [-32600]: { error: "InvalidRequestError" },
  [-32601]: { error: "MethodNotFoundError" },
  [-32602]: { error: "InvalidParamsError" },
  [-32603]: { error: "InternalError" },
  [-32020]: { response: "HeaderMismatchError" },
  [-32021]: { response: "MissingRequiredClientCapabilityError" },
  [-32022]: { response: "UnsupportedProtocolVersionError" }
}

const answers = Arbitrary.map(
  generate(
    Schema.Record(
      Schema.String,
      Schema.Union([McpSchema.ElicitResult, McpSchema.ListRootsResult, McpSchema.CreateMessageResult])
    )
  ),
  plain
)

const paramsOf = (schema: Schema.Codec<any, any>): Arbitrary.Arbitrary<any> =>
  (schema as unknown) === McpSchema.EmptyParams ? empty : Arbitrary.map(
    Arbitrary.all([generate(schema), answers]),
    ([params, answers]) => {
      const encoded = SchemaParser.encodeUnknownSync(schema)(params) as any
      return encoded.inputResponses === undefined ? encoded : { ...encoded, inputResponses: answers }
    }
  )

/** What every request of the era carries. */
const envelope = (revision: Revision.Revision): Arbitrary.Arbitrary<JsonRpc.JsonObject> =>
  revision.era === "Stateful" ? Arbitrary.Constant({}) : Arbitrary.map(
    Arbitrary.all({
      capabilities,
      clientInfo: generate(McpSchema.Implementation),
      logLevel: generate(McpSchema.LoggingLevel)
    }),
    ({ capabilities, clientInfo, logLevel }) => ({
      _meta: {
        [Meta.protocolVersion]: revision.version,
        [Meta.clientCapabilities]: capabilities as JsonRpc.JsonObject,
        [Meta.clientInfo]: clientInfo as JsonRpc.JsonObject,
        [Meta.logLevel]: logLevel
      }
    })
  )

// ----------------------------------------------------------------------------
// the tests
// ----------------------------------------------------------------------------

forEachRevision("the messages", (revision, official) => {
  const { definitionOf, faults, messageFaults, response, surplus } = official

  /** What is wrong with a result frame, and with its result by itself. */
  const resultFaults = (definition: string, id: JsonRpc.RequestId, result: object): string | undefined => {
    const frame = JSON.parse(JsonRpc.encodeResult(id, result))
    return faults(response.result, frame) ?? faults(definition, frame.result)
  }

  describe(`${revision.version}, against its official schema`, () => {
    describe("what we send is valid:", () => {
      for (const [method, { project }] of Object.entries(revision.requests)) {
        it.effect(`the result of ${method}`, () =>
          Effect.suspend(() => {
            const { definition, model } = results[method]!
            return holds(Arbitrary.all({ id, model, projection }), ({ id, model, projection }) => {
              const before = JSON.stringify(model)
              const result = project(model, projection)
              if (JSON.stringify(model) !== before) return `${method} changed its argument`
              return resultFaults(definition, id, result)
                ?? (definition === "EmptyResult" ? undefined : surplus(definition, JSON.parse(JSON.stringify(result))))
            })
          }))
      }

      it.effect("the result of an extension's method", () =>
        holds(
          Arbitrary.all([id, Arbitrary.schema(Schema.Record(Schema.String, Schema.Json)), projection]),
          ([id, { _meta, resultType, ...model }, projection]) =>
            faults(response.result, JSON.parse(JsonRpc.encodeResult(id, revision.projectResult(model, projection))))
        ))

      for (const [tag, reason] of Object.entries(reasons)) {
        it.effect(`the error ${tag}`, () =>
          holds(Arbitrary.all([id, reason]), ([id, reason]) => {
            const frame = JSON.parse(reply.refusal(id, McpError.make(reason), revision.era).frame)
            const definitions = revision.era === "Stateful" || tag === "Other"
              ? {}
              : errorDefinitions[frame.error.code] ?? {}
            return faults(response.error, frame)
              ?? (definitions.response === undefined ? undefined : faults(definitions.response, frame))
              ?? (definitions.error === undefined ? undefined : faults(definitions.error, frame.error))
          }))
      }

      it.effect("what becomes of a cancellation and of a panic", () =>
        holds(
          Arbitrary.all([id, Arbitrary.schema(Schema.Literals([...Outcome.cancelReasons, "panic"]))]),
          ([id, reason]) => {
            const outcome = reason === "panic"
              ? Outcome.panicked(new Error("secret"))
              : Outcome.cancelled(reason as Outcome.CancelReason)
            return faults(response.error, JSON.parse(reply.make(id, outcome, revision.era, JSON.stringify).frame))
          }
        ))

      for (const [method, schema] of Object.entries(revision.serverNotifications)) {
        it.effect(
          method,
          () =>
            holds(paramsOf(schema), (params) =>
              messageFaults(
                "ServerNotification",
                JSON.parse(
                  JsonRpc.encodeNotification(method, revision.projectNotification?.(method, params) ?? params)
                )
              ))
        )
      }

      for (const [method, { project }] of Object.entries(revision.serverRequests)) {
        it.effect(`${method}, asked of a client`, () =>
          holds(Arbitrary.all([id, questions[method]!.model]), ([id, params]) =>
            messageFaults(
              "ServerRequest",
              JSON.parse(JsonRpc.encodeRequest(id, method, project(params) as JsonRpc.JsonObject))
            )))
      }

      for (const [method, { project }] of Object.entries(revision.inputRequests)) {
        it.effect(`${method}, asked in place of a result`, () =>
          holds(
            Arbitrary.all({
              id,
              key: Arbitrary.schema(Schema.String),
              params: questions[method]!.model,
              rest: generate(McpSchema.InputRequiredResult),
              asking: Arbitrary.schema(Schema.Literals(["tools/call", "prompts/get", "resources/read"])),
              projection
            }),
            ({ asking, id, key, params, projection, rest }) => {
              const model = { ...rest, inputRequests: { [key]: { method, params: project(params) } } }
              const result = revision.requests[asking]!.project(model, projection)
              return resultFaults("InputRequiredResult", id, result)
                ?? surplus("InputRequiredResult", JSON.parse(JSON.stringify(result)))
            }
          ))
      }
    })

    describe("what we accept is what it describes:", () => {
      for (const [method, { params }] of Object.entries(revision.requests)) {
        it.effect(`${method}, written by us, is valid`, () =>
          holds(
            Arbitrary.all([id, paramsOf(params), envelope(revision)]),
            ([id, params, envelope]) =>
              messageFaults("ClientRequest", JSON.parse(JsonRpc.encodeRequest(id, method, { ...params, ...envelope })))
          ))

        it.effect(`${method}, written by others, is understood`, () =>
          understood(params, () => foreignParams(official, definitionOf("ClientRequest", method))))
      }

      for (const [method, params] of Object.entries(revision.notifications)) {
        it.effect(`${method}, written by us, is valid`, () =>
          holds(
            paramsOf(params),
            (params) => messageFaults("ClientNotification", JSON.parse(JsonRpc.encodeNotification(method, params)))
          ))

        it.effect(`${method}, written by others, is understood`, () =>
          understood(params, () =>
            Arbitrary.map(
              Arbitrary.all([foreignParams(official, definitionOf("ClientNotification", method)), id]),
              // The schema of 2025-11-25 lets a cancellation name nothing; there is nothing to do about one that does.
              ([params, requestId]) => method === "notifications/cancelled" ? { requestId, ...params } : params
            )))
      }

      for (
        const [method, { lift, result }] of Object.entries({ ...revision.serverRequests, ...revision.inputRequests })
      ) {
        it.effect(`the answer to ${method}, written by others, is understood`, () =>
          understood(result, () =>
            Arbitrary.map(
              Arbitrary.all([foreign(official, questions[method]!.definition), questions[method]!.model]),
              ([answer, params]) => lift === undefined ? answer : lift(answer, params)
            )))
      }
    })

    it("every method it describes and we serve is in a table, and nothing else", () => {
      const described = (union: "ServerRequest" | "ClientRequest" | "ClientNotification" | "ServerNotification") =>
        [official.definitions[union] ?? []].flat().flatMap((schema: any) =>
          (schema.anyOf ?? [{ $ref: `/${union}` }]).map(({ $ref }: { $ref: string }) =>
            official.definitions[$ref.split("/").at(-1)!].properties.method.const as string
          )
        ).filter((method) => !method.includes("tasks/")).sort()
      assert.deepStrictEqual(Object.keys(revision.requests).sort(), described("ClientRequest"))
      assert.deepStrictEqual(Object.keys(revision.notifications).sort(), described("ClientNotification"))
      assert.deepStrictEqual(Object.keys(revision.serverNotifications).sort(), described("ServerNotification"))
      assert.deepStrictEqual(Object.keys(revision.serverRequests).sort(), described("ServerRequest"))
    })

    it("an error whose request could not be read has the id null of JSON-RPC, where the schema has none or leaves it out", () => {
      const refused = McpError.make(new McpError.ParseError({ message: "no" }))
      const { id, ...rest } = JSON.parse(reply.refusal(null, refused, revision.era).frame)
      assert.isNull(id)
      assert.isUndefined(faults(response.error, revision.version < "2025-11-25" ? { ...rest, id: 1 } : rest))
    })

    it("a message that is not one is told apart", () => {
      const resultType = "complete"
      const text = { type: "text", text: "a" }
      assert.isDefined(faults("CallToolResult", { content: [{ type: "text" }], resultType }))
      assert.isDefined(faults(response.error, { jsonrpc: "2.0", id: 1, error: { code: "x", message: "" } }))
      assert.isDefined(faults("ListToolsResult", { resultType, tools: [{ name: "a", inputSchema: {} }] }))
      assert.isDefined(messageFaults("ServerNotification", {
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progress: 1 }
      }))
      const known = revision.era === "Stateful" ? { content: [text] } : { content: [text], resultType }
      assert.isUndefined(surplus("CallToolResult", known))
      assert.isDefined(surplus("CallToolResult", { ...known, extra: 1 }))
      assert.isDefined(surplus("CallToolResult", { ...known, content: [{ ...text, extra: 1 }] }))
    })
  })
})

const understood = (schema: Schema.Codec<any, any>, foreign: () => Arbitrary.Arbitrary<any>) =>
  Effect.suspend(() => {
    const decode = SchemaParser.decodeUnknownExit(schema)
    return holds(foreign(), (params) => {
      const decoded = decode(params ?? {})
      return Exit.isSuccess(decoded) ? undefined : `${String(decoded.cause)} for ${JSON.stringify(params)}`
    })
  })

/** Values out of the official schema itself, with whatever it allows beside what we know. */
const foreign = ({ definitions }: Official, schema: string | object): Arbitrary.Arbitrary<any> => {
  const root = typeof schema === "string" ? definitions[schema] : schema
  const isOld = JSON.stringify(definitions).includes("#/definitions/")
  return Arbitrary.schema(SchemaRepresentation.fromJsonSchemaDocument(
    isOld
      ? JsonSchema.fromSchemaDraft07({ ...root, definitions })
      : { dialect: "draft-2020-12", schema: root, definitions }
  ))
}

const foreignParams = (official: Official, definition: string): Arbitrary.Arbitrary<any> =>
  foreign(official, official.definitions[definition].properties.params ?? {})
