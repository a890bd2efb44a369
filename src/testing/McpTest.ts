/**
 * A client wired to a server in memory, for any revision, without a network and on whatever clock the test has. The
 * server is the very layer that will be served; every message crosses as JSON text.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Identity from "../context/Identity.ts"
import * as Outcome from "../core/Outcome.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Tool from "../definition/Tool.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as WireOutcome from "../protocol/WireOutcome.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import * as Memory from "../transport/Memory.ts"
import type * as Receiver from "../transport/Receiver.ts"
import type * as TransportError from "../transport/TransportError.ts"

/** How the client answers what a server asks. @category models @since 0.1.0 */
export interface Answers {
  readonly elicit?: (params: McpSchema.ElicitParams) => Effect.Effect<McpSchema.ElicitResult, McpError.McpError>
  readonly sample?: (
    params: McpSchema.CreateMessageParams
  ) => Effect.Effect<McpSchema.CreateMessageResult, McpError.McpError>
  readonly roots?: Effect.Effect<ReadonlyArray<McpSchema.Root>, McpError.McpError>
}

/** @category models @since 0.1.0 */
export interface Options {
  /** The newest when left out. */
  readonly revision?: Revisions.Version
  /** All that `answers` can answer when left out. */
  readonly capabilities?: McpSchema.ClientCapabilities
  /**
   * With them a request that ends in `input_required` is sent again with the answers, until it has a result; without
   * them that is its result. A question nobody answers gets an error.
   */
  readonly answers?: Answers
  /** Who calls: the server's `Admission`, if it has one, is not asked. Nobody in particular when left out. */
  readonly identity?: Identity.Identity
  /** What the server's `Admission` is shown, by names in lower case: `authorization`, say. */
  readonly headers?: { readonly [name: string]: string }
  /** The log level asked for: at once with `logging/setLevel`, or on each request from 2026-07-28. */
  readonly logLevel?: McpSchema.LoggingLevel
}

/** How one request is made. @category models @since 0.1.0 */
export interface RequestOptions {
  readonly progressToken?: JsonRpc.RequestId
  readonly meta?: JsonRpc.JsonObject
}

/** @category models @since 0.1.0 */
export interface Client {
  readonly revision: Revisions.Version
  /** Sends a request and waits for its result; interrupting it tells the server that it is cancelled. */
  readonly request: (
    method: string,
    params?: JsonRpc.JsonObject,
    options?: RequestOptions
  ) => Effect.Effect<JsonRpc.JsonObject, McpError.McpError>
  readonly notify: (method: string, params?: JsonRpc.JsonObject) => Effect.Effect<void>
  /** This list and those below: all pages. */
  readonly listTools: Effect.Effect<ReadonlyArray<McpSchema.Tool>, McpError.McpError>
  readonly listResources: Effect.Effect<ReadonlyArray<McpSchema.Resource>, McpError.McpError>
  readonly listResourceTemplates: Effect.Effect<ReadonlyArray<McpSchema.ResourceTemplate>, McpError.McpError>
  readonly listPrompts: Effect.Effect<ReadonlyArray<McpSchema.Prompt>, McpError.McpError>
  readonly readResource: (
    uri: string,
    options?: RequestOptions
  ) => Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError>
  readonly getPrompt: (
    name: string,
    args?: { readonly [key: string]: string },
    options?: RequestOptions
  ) => Effect.Effect<McpSchema.GetPromptResult, McpError.McpError>
  readonly complete: (
    params: McpSchema.CompleteParams
  ) => Effect.Effect<McpSchema.CompleteResult["completion"], McpError.McpError>
  /** Calls by name, with raw arguments and the raw result. */
  readonly callTool: (
    name: string,
    args?: JsonRpc.JsonObject,
    options?: RequestOptions
  ) => Effect.Effect<McpSchema.CallToolResult, McpError.McpError>
  /**
   * Calls by contract: the success and the declared failure come back as the handler gave them. A request that was
   * cancelled on the server ends here as that cancellation.
   */
  readonly call: <Name extends string, P extends Tool.Codec, S extends Tool.Codec, F extends Tool.Codec>(
    tool: Tool.Tool<Name, P, S, F>,
    parameters: P["Type"],
    options?: RequestOptions
  ) => Effect.Effect<S["Type"], F["Type"] | McpError.McpError | DefinitionError.DefinitionError>
  /** Notifications as they came, oldest first. */
  readonly notifications: Effect.Effect<ReadonlyArray<JsonRpc.Notification>>
  /** Every frame from the server, as text, oldest first. */
  readonly frames: Effect.Effect<ReadonlyArray<string>>
  /** Sends one frame as it stands, however wrong. */
  readonly sendRaw: (frame: string) => Effect.Effect<void>
}

/**
 * Builds the server in the test's scope, connects to it and, in a stateful revision, initializes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const client = <E>(
  server: Layer.Layer<Receiver.Receiver, E>,
  options: Options = {}
): Effect.Effect<Client, E | McpError.McpError | TransportError.TransportError, Scope.Scope> =>
  Effect.gen(function*() {
    const revision = Revisions.select(options.revision ?? "2026-07-28")!
    const context = yield* Layer.build(server)
    const wire = yield* Effect.provideContext(Memory.connectAs(callerOf(options)), context)
    const pending = new Map<JsonRpc.RequestId, Deferred.Deferred<JsonRpc.JsonObject, JsonRpc.ErrorObject>>()
    const notifications: Array<JsonRpc.Notification> = []
    const frames: Array<string> = []
    let lastId = 0
    const capabilities = (options.capabilities ?? capabilitiesOf(options.answers)) as JsonRpc.JsonObject
    const fork = yield* FiberSet.makeRuntime()

    const receive = (frame: string) => {
      frames.push(frame)
      const message = JsonRpc.parse(frame)
      if (message._tag === "Request") {
        fork(Effect.match(answer(options.answers, message.method, message.params), {
          onSuccess: (result) => wire.send(JsonRpc.encodeResult(message.id, result)),
          onFailure: (error) => wire.send(JsonRpc.encodeError(message.id, McpError.toObject(error, revision.era)))
        }))
      }
      if (message._tag === "Notification") notifications.push(message)
      if (message._tag !== "Response" && message._tag !== "Invalid" || message.id === null) return
      const waiting = pending.get(message.id)
      pending.delete(message.id)
      if (waiting === undefined) return
      const error = message._tag === "Invalid" ? McpError.toObject(message.error, revision.era) : message.error
      Deferred.doneUnsafe(
        waiting,
        error === undefined ? Exit.succeed((message as JsonRpc.Response).result!) : Exit.fail(error)
      )
    }
    yield* Effect.forkScoped(
      Effect.forever(Effect.map(Queue.take(wire.frames), receive)),
      { startImmediately: true }
    )

    const envelope = (request: RequestOptions): JsonRpc.JsonObject => ({
      ...(revision.era === "Stateless"
        ? {
          [Meta.protocolVersion]: revision.version,
          [Meta.clientCapabilities]: capabilities,
          [Meta.clientInfo]: clientInfo,
          ...(options.logLevel === undefined ? undefined : { [Meta.logLevel]: options.logLevel })
        }
        : undefined),
      ...(request.progressToken === undefined ? undefined : { progressToken: request.progressToken }),
      ...request.meta
    })

    const request: Client["request"] = (method, params = {}, requestOptions) =>
      Effect.flatMap(send(method, params, requestOptions), (result) => {
        if (result.resultType !== "input_required" || options.answers === undefined) return Effect.succeed(result)
        const { inputRequests = {}, requestState } = result as unknown as McpSchema.InputRequiredResult
        return Effect.flatMap(
          Effect.all(
            Object.fromEntries(
              Object.entries(inputRequests).map(([key, asked]) =>
                [key, answer(options.answers, asked.method, asked.params as JsonRpc.JsonObject | undefined)] as const
              )
            ),
            { concurrency: "unbounded" }
          ),
          (inputResponses) =>
            request(method, {
              ...params,
              inputResponses: inputResponses as JsonRpc.JsonObject,
              ...(requestState === undefined ? undefined : { requestState })
            }, requestOptions)
        )
      })

    const send = (
      method: string,
      params: JsonRpc.JsonObject,
      requestOptions: RequestOptions = {}
    ): Effect.Effect<JsonRpc.JsonObject, McpError.McpError> =>
      Effect.useSpan(
        Tracing.spanName(method, typeof params.name === "string" ? params.name : undefined),
        { kind: "client" },
        (span) =>
          Effect.suspend(() => {
            const id = ++lastId
            const answer = Deferred.makeUnsafe<JsonRpc.JsonObject, JsonRpc.ErrorObject>()
            pending.set(id, answer)
            const trace = span.traceId === "noop" ? undefined : Tracing.inject(span)
            const _meta = envelope({ ...requestOptions, meta: { ...trace, ...requestOptions.meta } })
            wire.send(JsonRpc.encodeRequest(
              id,
              method,
              Object.keys(_meta).length === 0 ? params : { ...params, _meta }
            ))
            return Deferred.await(answer).pipe(
              Effect.onInterrupt(() =>
                Effect.sync(() => {
                  pending.delete(id)
                  wire.send(JsonRpc.encodeNotification("notifications/cancelled", { requestId: id }))
                })
              ),
              Effect.catch(fail)
            )
          })
      )

    const callTool: Client["callTool"] = (name, args = {}, requestOptions) =>
      Effect.map(
        request("tools/call", { name, arguments: args }, requestOptions),
        (result) => result as unknown as McpSchema.CallToolResult
      )

    const list = <A>(
      method: string,
      key: string
    ): Effect.Effect<ReadonlyArray<A>, McpError.McpError> =>
      Effect.gen(function*() {
        const items: Array<A> = []
        let cursor: JsonRpc.Json | undefined
        do {
          const page: JsonRpc.JsonObject = yield* request(method, cursor === undefined ? {} : { cursor })
          items.push(...page[key] as unknown as ReadonlyArray<A>)
          cursor = page.nextCursor
        } while (cursor !== undefined)
        return items
      })

    const self: Client = {
      revision: revision.version as Revisions.Version,
      request,
      notify: (method, params) => Effect.sync(() => wire.send(JsonRpc.encodeNotification(method, params))),
      listTools: list("tools/list", "tools"),
      listResources: list("resources/list", "resources"),
      listResourceTemplates: list("resources/templates/list", "resourceTemplates"),
      listPrompts: list("prompts/list", "prompts"),
      readResource: (uri, requestOptions) =>
        Effect.map(
          request("resources/read", { uri }, requestOptions),
          (result) => result as unknown as McpSchema.ReadResourceResult
        ),
      getPrompt: (name, args, requestOptions) =>
        Effect.map(
          request("prompts/get", args === undefined ? { name } : { name, arguments: args }, requestOptions),
          (result) => result as unknown as McpSchema.GetPromptResult
        ),
      complete: (params) =>
        Effect.map(
          request("completion/complete", params as unknown as JsonRpc.JsonObject),
          ({ completion }) => completion as unknown as McpSchema.CompleteResult["completion"]
        ),
      callTool,
      call: (tool, parameters, requestOptions) =>
        Tool.encodeParameters(tool, parameters).pipe(
          Effect.flatMap((args) => callTool(tool.name, args, requestOptions)),
          Effect.flatMap((result) => Tool.decodeResult(tool, result))
        ),
      notifications: Effect.sync(() => [...notifications]),
      frames: Effect.sync(() => [...frames]),
      sendRaw: (frame) => Effect.sync(() => wire.send(frame))
    }

    if (revision.era === "Stateful") {
      yield* request("initialize", {
        protocolVersion: revision.version,
        capabilities,
        clientInfo
      })
      yield* self.notify("notifications/initialized")
      if (options.logLevel !== undefined) yield* request("logging/setLevel", { level: options.logLevel })
    }
    return self
  })

const clientInfo = { name: "McpTest", version: "1.0.0" }

const callerOf = ({ headers, identity }: Options): Memory.Options => ({
  ...(headers === undefined ? undefined : { headers }),
  ...(identity === undefined ? undefined : { context: Identity.context(identity) })
})

const capabilitiesOf = ({ elicit, roots, sample }: Answers = {}): McpSchema.ClientCapabilities => ({
  ...(elicit === undefined ? undefined : { elicitation: { form: {}, url: {} } }),
  ...(sample === undefined ? undefined : { sampling: { tools: {}, context: {} } }),
  ...(roots === undefined ? undefined : { roots: {} })
})

const answer = (
  { elicit, roots, sample }: Answers = {},
  method: string,
  params: JsonRpc.JsonObject | undefined
): Effect.Effect<JsonRpc.JsonObject, McpError.McpError> => {
  const reply = method === "ping"
    ? Effect.succeed({})
    : method === "elicitation/create" && elicit !== undefined
    ? elicit(params as unknown as McpSchema.ElicitParams)
    : method === "sampling/createMessage" && sample !== undefined
    ? sample(params as unknown as McpSchema.CreateMessageParams)
    : method === "roots/list" && roots !== undefined
    ? Effect.map(roots, (roots) => ({ roots }))
    : Effect.fail(McpError.methodNotFound(method))
  return reply as unknown as Effect.Effect<JsonRpc.JsonObject, McpError.McpError>
}

/** A cancellation on the other side is a cancellation here; whatever else is refused is an error. */
const fail = (error: JsonRpc.ErrorObject): Effect.Effect<never, McpError.McpError> => {
  const outcome = WireOutcome.decode(error.data)
  return outcome?._tag === "Cancelled"
    ? Outcome.interruptSelf(outcome.reason)
    : Effect.fail(McpError.fromObject(error))
}

export {
  /**
   * Lets everything run that can run without time passing; see `Lab.settle`.
   *
   * @category clock
   * @since 0.1.0
   */
  settle
} from "./Lab.ts"
