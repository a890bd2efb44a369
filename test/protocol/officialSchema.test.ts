/**
 * Every kind of message this framework sends or accepts, generated, against the official JSON Schema of its revision.
 * The schemas are not part of the repository: `MCP_SCHEMA_DIR` names a folder with `<revision>.json`.
 */
import { assert, describe, it } from "@effect/vitest"
import ajvFormats from "ajv-formats"
import { Ajv2020, type AnySchema, type ValidateFunction } from "ajv/dist/2020.js"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Meta from "fastmcp-effect/protocol/Meta"
import type * as Revision from "fastmcp-effect/protocol/Revision"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Receiver from "fastmcp-effect/transport/Receiver"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as reply from "../../src/server/internal/reply.ts"

// ----------------------------------------------------------------------------
// the official schemas
// ----------------------------------------------------------------------------

const directory = process.env.MCP_SCHEMA_DIR

interface Official {
  /** What is wrong with a value, or `undefined`. */
  readonly faults: (definition: string, value: unknown) => string | undefined
  /** The definition of a message of one of these unions, by its method. */
  readonly definitionOf: (
    union: "ClientRequest" | "ClientNotification" | "ServerNotification",
    method: string
  ) => string
  readonly schema: { readonly $defs: { readonly [name: string]: any } }
}

const read = (version: string): Official | undefined => {
  const file = join(directory ?? "", `${version}.json`)
  if (directory === undefined || !existsSync(file)) return undefined
  const schema = JSON.parse(readFileSync(file, "utf8")) as Official["schema"]
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ajvFormats.default(ajv)
  ajv.addSchema({ ...schema, $id: version } as AnySchema)
  const compiled = new Map<string, ValidateFunction>()
  return {
    schema,
    faults: (definition, value) => {
      let validate = compiled.get(definition)
      if (validate === undefined) {
        validate = ajv.compile({ $ref: `${version}#/$defs/${definition}` })
        compiled.set(definition, validate)
      }
      return validate(value)
        ? undefined
        : `${definition}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`
    },
    definitionOf: (union, method) => {
      const members = (schema.$defs[union].anyOf ?? [{ $ref: `#/$defs/${union}` }]) as Array<{ $ref: string }>
      const names = members.map(({ $ref }) => $ref.slice("#/$defs/".length))
      const name = names.find((name) => schema.$defs[name].properties.method.const === method)
      assert.isDefined(name, `${version} has no ${union} ${method}`)
      return name
    }
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
      if (key === "capabilities") return [key, plain(member)]
      if (typeof member !== "string") return [key, lawful(member)]
      if (key === "uri" || key === "src" || key === "websiteUrl") {
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
const plain = (value: any): any =>
  typeof value === "number"
    ? Math.trunc(value)
    : value === null
    ? false
    : Array.isArray(value)
    ? value.map(plain)
    : typeof value === "object"
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
    : value

const capabilities = Arbitrary.map(Arbitrary.schema(McpSchema.ClientCapabilities), plain)

const generate = <S extends Schema.Codec<any, any>>(schema: S): Arbitrary.Arbitrary<S["Type"]> =>
  Arbitrary.map(Arbitrary.schema(schema), lawful)

const empty = Arbitrary.Constant<object>({})

const id = Arbitrary.schema(McpSchema.RequestId)

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
  ].map(Tool.describe)
  return generated.map((tool, index) => {
    const { inputSchema, outputSchema } = contracts[(start + index) % contracts.length]!
    const { outputSchema: _, ...rest } = tool
    return { ...rest, inputSchema, ...(outputSchema === undefined ? undefined : { outputSchema }) }
  })
}))

/** The result of each method, as its handler would succeed with it. */
const results: {
  readonly [method: string]: { readonly definition: string; readonly model: Arbitrary.Arbitrary<object> }
} = {
  "initialize": { definition: "InitializeResult", model: generate(McpSchema.InitializeResult) },
  "ping": { definition: "EmptyResult", model: empty },
  "logging/setLevel": { definition: "EmptyResult", model: empty },
  "server/discover": { definition: "DiscoverResult", model: generate(McpSchema.DiscoverResult) },
  "tools/list": {
    definition: "ListToolsResult",
    model: Arbitrary.map(
      Arbitrary.all([generate(McpSchema.ListToolsResult), descriptions]),
      ([result, tools]) => ({ ...result, tools })
    )
  },
  "tools/call": { definition: "CallToolResult", model: generate(McpSchema.CallToolResult) },
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

const paramsOf = (schema: Schema.Codec<any, any>): Arbitrary.Arbitrary<any> =>
  (schema as unknown) === McpSchema.EmptyParams ? empty : Arbitrary.map(
    generate(schema),
    (params) => SchemaParser.encodeUnknownSync(schema)(params)
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

/** Runs the property and throws what falsified it. */
const holds = <A>(arbitrary: Arbitrary.Arbitrary<A>, faults: (value: A) => string | undefined, runs = 100) =>
  Effect.gen(function*() {
    let last: string | undefined
    const result = yield* Arbitrary.checkEffect(arbitrary, (value) => {
      const fault = faults(value)
      last = fault ?? last
      return fault === undefined
    }, { runs })
    assert.strictEqual(result._tag, "Passed", `${last}\n${Arbitrary.formatCheckFailure(result)}`)
  })

// ----------------------------------------------------------------------------
// a recorded session
// ----------------------------------------------------------------------------

interface Recording {
  readonly sent: Array<JsonRpc.Message>
  readonly layer: Layer.Layer<Receiver.Receiver, unknown>
}

/** The server, with every message that reaches it written down. */
const record = <ROut, E>(server: Layer.Layer<ROut | Receiver.Receiver, E>): Recording => {
  const sent: Array<JsonRpc.Message> = []
  const layer = Layer.effect(
    Receiver.Receiver,
    Effect.gen(function*() {
      const context = yield* Layer.build(server)
      const receiver = Context.get(context as Context.Context<Receiver.Receiver>, Receiver.Receiver)
      return Receiver.Receiver.of({
        connect: (connection) => {
          const peer = receiver.connect(connection)
          return {
            receive: (message, exchange) => {
              if (message._tag !== "Invalid" && message._tag !== "Batch") sent.push(message)
              peer.receive(message, exchange)
            },
            isEstablished: () => peer.isEstablished(),
            idle: peer.idle,
            close: (reason) => peer.close(reason),
            closeUnsafe: (reason) => peer.closeUnsafe(reason)
          }
        }
      })
    })
  )
  return { sent, layer }
}

const NotANumber = Schema.Struct({ why: Schema.String })

const tools = [
  Tool.make("add", {
    title: "Add",
    description: "Adds two numbers",
    parameters: { a: Schema.Finite, b: Schema.Finite },
    success: Schema.Finite,
    failure: NotANumber,
    annotations: { readOnlyHint: true },
    handler: ({ a, b }) => a < 0 ? Effect.fail({ why: "negative" }) : Effect.succeed(a + b)
  }),
  Tool.make("point", { success: Point, handler: () => Effect.succeed(new Point({ x: 1, y: 2 })) }),
  Tool.make("own", {
    success: Tool.Result,
    handler: () =>
      Effect.succeed({
        content: [
          { type: "text" as const, text: "hello", annotations: { audience: ["user" as const], priority: 0.5 } },
          { type: "image" as const, data: "aGk=", mimeType: "image/png" },
          { type: "resource_link" as const, uri: "file:///a", name: "a", size: 3 },
          { type: "resource" as const, resource: { uri: "file:///a", text: "a" } }
        ],
        structuredContent: [1],
        _meta: { "example.com/a": 1 }
      })
  }),
  Tool.make("talks", {
    handler: () =>
      Effect.andThen(
        ClientLog.warning({ deep: ["data"] }, { logger: "talks" }),
        Progress.report(0.5, { total: 1, message: "half" })
      )
  }),
  Tool.make("refuses", { handler: () => Effect.fail(McpError.make(new McpError.RateLimited({ retryAfter: 5 }))) }),
  Tool.make("panics", { handler: () => Effect.die(new Error("secret")) }),
  Tool.make("stops", { handler: () => Outcome.interruptSelf("CostBudget") }),
  Tool.make("needs", { requires: { sampling: {} }, handler: () => Effect.void }),
  Tool.make("never", { handler: () => Effect.never })
]

const session = (version: Revisions.Version) =>
  Effect.gen(function*() {
    const { layer, sent } = record(McpServer.layer({
      name: "recorded",
      version: "1.0.0",
      title: "Recorded",
      instructions: "Be nice",
      tools,
      cacheHints: { ttlMs: 1000, cacheScope: "public" }
    }))
    const client = yield* McpTest.client(layer, {
      revision: version,
      logLevel: "debug",
      capabilities: { elicitation: {}, roots: { listChanged: true } }
    })
    const tries: ReadonlyArray<Effect.Effect<unknown, McpError.McpError>> = [
      client.request(version === "2025-11-25" ? "ping" : "server/discover"),
      client.request("tools/list"),
      client.request("tools/list", { cursor: "somebody else's" }),
      client.callTool("add", { a: 1, b: 2 }),
      client.callTool("add", { a: -1, b: 2 }),
      client.callTool("add", { a: "one" }),
      client.callTool("nobody"),
      client.callTool("talks", {}, { progressToken: "t", meta: { "example.com/x": 1 } }),
      client.request("nonsense"),
      client.request("tools/call", { name: 5 }),
      ...tools.slice(1, -1).map(({ name }) => client.callTool(name))
    ]
    for (const one of tries) yield* Effect.exit(one)
    const never = yield* Effect.forkChild(client.callTool("never"), { startImmediately: true })
    yield* McpTest.settle
    yield* Fiber.interrupt(never)
    if (version === "2026-07-28") {
      const listening = yield* Effect.forkChild(
        client.request("subscriptions/listen", { notifications: { toolsListChanged: true } }),
        { startImmediately: true }
      )
      yield* McpTest.settle
      yield* Fiber.interrupt(listening)
    }
    yield* McpTest.settle
    return { sent, frames: yield* client.frames }
  })

// ----------------------------------------------------------------------------
// the tests
// ----------------------------------------------------------------------------

for (const revision of Revisions.all) {
  const official = read(revision.version)
  if (official === undefined) {
    const reason = `MCP_SCHEMA_DIR ${directory === undefined ? "is not set" : `has no ${revision.version}.json`}`
    console.warn(`LEFT OUT: no message of ${revision.version} was held against its official schema, for ${reason}.`)
    it.skip(`LEFT OUT: messages of ${revision.version} against their official schema (${reason})`, () => {})
    continue
  }
  const { definitionOf, faults } = official

  describe(`${revision.version}, against its official schema`, () => {
    describe("what we send is valid:", () => {
      for (const [method, { project }] of Object.entries(revision.requests)) {
        it.effect(`the result of ${method}`, () =>
          Effect.suspend(() => {
            const { definition, model } = results[method]!
            return holds(Arbitrary.all({ id, model, projection }), ({ id, model, projection }) => {
              const frame = JSON.parse(JsonRpc.encodeResult(id, project(model, projection)))
              return faults("JSONRPCResultResponse", frame) ?? faults(definition, frame.result)
            })
          }))
      }

      it.effect("the result of an extension's method", () =>
        holds(
          Arbitrary.all([id, Arbitrary.schema(Schema.Record(Schema.String, Schema.Json)), projection]),
          ([id, { _meta, resultType, ...model }, projection]) => {
            const frame = JSON.parse(JsonRpc.encodeResult(id, revision.projectResult(model, projection)))
            return faults("JSONRPCResultResponse", frame)
          }
        ))

      for (const [tag, reason] of Object.entries(reasons)) {
        it.effect(`the error ${tag}`, () =>
          holds(Arbitrary.all([id, reason]), ([id, reason]) => {
            const frame = JSON.parse(reply.refusal(id, McpError.make(reason), revision.era).frame)
            const { error, response } = revision.era === "Stateful" || tag === "Other"
              ? {}
              : errorDefinitions[frame.error.code] ?? {}
            return faults("JSONRPCErrorResponse", frame)
              ?? (response === undefined ? undefined : faults(response, frame))
              ?? (error === undefined ? undefined : faults(error, frame.error))
          }))
      }

      it.effect("what becomes of a cancellation and of a panic", () =>
        holds(
          Arbitrary.all([id, Arbitrary.schema(Schema.Literals([...Outcome.cancelReasons, "panic"]))]),
          ([id, reason]) => {
            const outcome = reason === "panic"
              ? Outcome.panicked(new Error("secret"))
              : Outcome.cancelled(reason as Outcome.CancelReason)
            return faults(
              "JSONRPCErrorResponse",
              JSON.parse(reply.make(id, outcome, revision.era, (result) => result).frame)
            )
          }
        ))

      for (const [method, schema] of Object.entries(revision.serverNotifications)) {
        it.effect(
          method,
          () =>
            holds(paramsOf(schema), (params) =>
              faults(
                definitionOf("ServerNotification", method),
                JSON.parse(JsonRpc.encodeNotification(method, params))
              ))
        )
      }
    })

    describe("what we accept is what it describes:", () => {
      for (const [method, { params }] of Object.entries(revision.requests)) {
        it.effect(`${method}, written by us, is valid`, () =>
          holds(Arbitrary.all([id, paramsOf(params), envelope(revision)]), ([id, params, envelope]) =>
            faults(
              definitionOf("ClientRequest", method),
              JSON.parse(JsonRpc.encodeRequest(id, method, { ...params, ...envelope }))
            )))

        it.effect(`${method}, written by others, is understood`, () =>
          understood(params, () => foreignParams(official, definitionOf("ClientRequest", method))))
      }

      for (const [method, params] of Object.entries(revision.notifications)) {
        it.effect(`${method}, written by us, is valid`, () =>
          holds(
            paramsOf(params),
            (params) =>
              faults(definitionOf("ClientNotification", method), JSON.parse(JsonRpc.encodeNotification(method, params)))
          ))

        it.effect(`${method}, written by others, is understood`, () =>
          understood(params, () =>
            Arbitrary.map(
              Arbitrary.all([foreignParams(official, definitionOf("ClientNotification", method)), id]),
              // The schema of 2025-11-25 lets a cancellation name nothing; there is nothing to do about one that does.
              ([params, requestId]) => method === "notifications/cancelled" ? { requestId, ...params } : params
            )))
      }
    })

    it.effect("every frame of a recorded session is valid", () =>
      Effect.gen(function*() {
        const { frames, sent } = yield* session(revision.version as Revisions.Version)
        const methods = new Map<JsonRpc.RequestId, string>()
        for (const message of sent) {
          if (message._tag === "Request") {
            methods.set(message.id, message.method)
            const { id, method, params } = message
            if (method === "nonsense" || params?.name === 5) continue
            assert.isUndefined(
              faults(definitionOf("ClientRequest", method), JSON.parse(JsonRpc.encodeRequest(id, method, params)))
            )
          } else if (message._tag === "Notification") {
            const { method, params } = message
            assert.isUndefined(
              faults(definitionOf("ClientNotification", method), JSON.parse(JsonRpc.encodeNotification(method, params)))
            )
          }
        }
        const seen = new Map<string, number>()
        for (const text of frames) {
          const frame = JSON.parse(text)
          const [kind, definition, value] = "method" in frame
            ? [frame.method, definitionOf("ServerNotification", frame.method), frame]
            : "error" in frame
            ? ["error", "JSONRPCErrorResponse", frame]
            : [methods.get(frame.id)!, results[methods.get(frame.id)!]!.definition, frame.result]
          seen.set(kind, (seen.get(kind) ?? 0) + 1)
          assert.isUndefined(faults(definition, value))
        }
        const kinds = revision.era === "Stateful"
          ? ["initialize", "logging/setLevel", "ping"]
          : ["notifications/subscriptions/acknowledged", "server/discover"]
        assert.deepStrictEqual(
          [...seen.keys()].sort(),
          ["error", "notifications/message", "notifications/progress", "tools/call", "tools/list", ...kinds].sort()
        )
        assert.strictEqual(seen.get("error"), 8)
      }))

    it("an error whose request could not be read has the id null of JSON-RPC, where the schema would leave it out", () => {
      const refused = McpError.make(new McpError.ParseError({ message: "no" }))
      const { id, ...rest } = JSON.parse(reply.refusal(null, refused, revision.era).frame)
      assert.isNull(id)
      assert.isUndefined(faults("JSONRPCErrorResponse", rest))
    })

    it("a message that is not one is told apart", () => {
      assert.isDefined(faults("CallToolResult", { content: [{ type: "text" }], resultType: "complete" }))
      assert.isDefined(faults("JSONRPCErrorResponse", { jsonrpc: "2.0", id: 1, error: { code: "x", message: "" } }))
      assert.isDefined(faults("ListToolsResult", { resultType: "complete", tools: [{ name: "a", inputSchema: {} }] }))
      assert.isDefined(faults(definitionOf("ServerNotification", "notifications/progress"), {
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progress: 1 }
      }))
    })
  })
}

const understood = (schema: Schema.Codec<any, any>, foreign: () => Arbitrary.Arbitrary<any>) =>
  Effect.suspend(() => {
    const decode = SchemaParser.decodeUnknownExit(schema)
    return holds(foreign(), (params) => {
      const decoded = decode(params ?? {})
      return Exit.isSuccess(decoded) ? undefined : `${String(decoded.cause)} for ${JSON.stringify(params)}`
    })
  })

/** Params out of the official schema itself, with whatever it allows beside what we know. */
const foreignParams = (official: Official, definition: string): Arbitrary.Arbitrary<any> => {
  const { params = {} } = official.schema.$defs[definition].properties
  const document = { dialect: "draft-2020-12" as const, schema: params, definitions: official.schema.$defs }
  return Arbitrary.schema(SchemaRepresentation.fromJsonSchemaDocument(document))
}
