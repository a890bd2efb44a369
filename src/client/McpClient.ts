/**
 * A client of one MCP server, whatever revision it speaks and over whatever transport: made in a scope, it connects,
 * settles on a revision and is ready. Each call is an effect: interrupting it tells the server, and what the server's
 * handler ended with, a success, a failure or a cancellation, is what the call ends with. Its other errors are the
 * server's refusal (`McpError`) and what happened on the way (`McpClientError`).
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Deadlines from "../core/Deadlines.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Tool from "../definition/Tool.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import * as ClientTransport from "../transport/ClientTransport.ts"
import type * as TransportError from "../transport/TransportError.ts"
import * as answering from "./answering.ts"
import * as changing from "./changes.ts"
import type * as ClientHandlers from "./ClientHandlers.ts"
import * as conversation from "./conversation.ts"
import type * as Extension from "./Extension.ts"
import * as hearing from "./hearing.ts"
import * as contracts from "./internal/contracts.ts"
import * as knownTools from "./internal/knownTools.ts"
import * as results from "./internal/results.ts"
import * as KnownServers from "./KnownServers.ts"
import type * as lifecycle from "./lifecycle.ts"
import * as McpClientError from "./McpClientError.ts"
import * as ResponseCache from "./ResponseCache.ts"
import * as sending from "./sending.ts"

// ----------------------------------------------------------------------------
// models
// ----------------------------------------------------------------------------

/** What every call may fail with. @category models @since 0.1.0 */
export type CallError = McpError.McpError | McpClientError.McpClientError

/** @category models @since 0.1.0 */
export interface Options {
  /** Who asks, as servers show it. `fastmcp-effect`, and this package's version. */
  readonly info?: McpSchema.Implementation
  /** The one revision to speak. When left out the newest that the server knows is found. */
  readonly revision?: Revisions.Version
  /**
   * How long a request may go without an answer, or without progress where the caller hears of it (`onProgress`, or a
   * `ClientHandlers.progress`): servers are asked for progress only then. 1 minute.
   */
  readonly requestTimeout?: Duration.Input
  /** How long a request may go without an answer, whatever progress it makes. 10 minutes. */
  readonly maxRequestTimeout?: Duration.Input
  /** How long connecting and settling on a revision may take together. 30 seconds. */
  readonly connectTimeout?: Duration.Input
  /**
   * How long a server may leave the first question of 2026-07-28 unanswered before it is asked to initialize as well;
   * older servers on a pipe may never answer what they do not know. Over HTTP there is always an answer. 3 seconds.
   */
  readonly patience?: Duration.Input
  /**
   * When to connect again after a connection was lost, and to try a server again that cannot be reached; false for never.
   * 10 times, after 200 ms and twice as long each time, at most 10 seconds.
   */
  readonly reconnect?: Schedule.Schedule<unknown, TransportError.TransportError> | false
  readonly extensions?: ReadonlyArray<Extension.Source>
  /** Keeps what the server says may be kept (2026-07-28). True. */
  readonly cache?: boolean
  /**
   * Checks structured content against the output schema its tool was listed with, in JSON Schema 2020-12 or draft-07; it
   * needs Ajv. What cannot be checked passes, with one warning. True where a list was read.
   */
  readonly validate?: boolean
  /** Pages of one list; one more is an `EndlessList`. 1,000. */
  readonly maxPages?: number
  /** How often one request may be answered with questions before it fails with `TooManyRounds`. 32. */
  readonly maxRounds?: number
}

/** How one call is made. @category models @since 0.1.0 */
export interface CallOptions {
  /** In place of the client's own. `Duration.infinity` for none. */
  readonly timeout?: Duration.Input | undefined
  /** In place of the client's own; then also for what goes on without the request, as a task. */
  readonly maxTimeout?: Duration.Input | undefined
  /** Hears of the request's progress, in order, before the call ends. It must not throw; `progress` is for effects. */
  readonly onProgress?: ((progress: ClientHandlers.ProgressMessage) => void) | undefined
  /** Members for the request's `_meta`. */
  readonly meta?: JsonRpc.JsonObject | undefined
  /**
   * Whether the server may get the request twice when its answer was lost. When left out, a tool whose listed annotations
   * say `readOnlyHint` or `idempotentHint` is, every other tool is not, and whatever only reads is.
   */
  readonly idempotent?: boolean | undefined
  /**
   * What this call of a tool is known by, however often it is sent: a text nobody else chooses (a UUID), of at most 255
   * characters. A server that keeps to it (`middleware/Idempotency`) runs the call once and answers the repeat as it has
   * answered before; where a server says that it does, the call is sent again after its answer was lost. Where that
   * comes to nothing, call again with the same key.
   */
  readonly idempotencyKey?: string
  /** Asks the server even where an answer is kept that is still good. */
  readonly refresh?: boolean
  /**
   * Hands out the result, or what extensions have made of it, as it came and whatever its type says; of a list each item.
   * False.
   */
  readonly unchecked?: boolean
}

/** How a request is made whose method need not be known here. @category models @since 0.1.0 */
export interface RequestOptions extends CallOptions {
  /** Hands out the result as it came, of whatever type: extensions make nothing of it or of the request. False. */
  readonly raw?: boolean
  /** Fails with a refusal as it was sent, code, message and data: an `Other`. False. */
  readonly keepsErrors?: boolean
  /**
   * Whether `params` bring the trace of who asks, if that has one: then the server is told another only where a tracer of
   * the program shows it. False.
   */
  readonly bringsTrace?: boolean
  /** Whether an `input_required` result is answered here; it is the result where it is not. True. */
  readonly rounds?: boolean
  /**
   * Answers what the server asks for this request, in the place of the client's handlers. Where requests have no streams
   * of their own a server does not say for which it asks, and the last in flight that has an `answer` gets the question.
   */
  readonly answer?: ((method: string, params: JsonRpc.JsonObject) => Answer) | undefined
  /**
   * For whom the request is made (2026-07-28, where each says so): in the place of the client, with what they can do
   * besides what it can. Give the same object for the same caller: its text is kept.
   */
  readonly caller?: {
    /** The client's own when undefined. */
    readonly info: McpSchema.Implementation | undefined
    readonly capabilities: McpSchema.ClientCapabilities
  } | undefined
  /**
   * Hears what the server tells for this request, beside its progress: logs, and whatever is not known here. It is found in
   * the same way, and must not throw.
   */
  readonly onTold?: ((notification: JsonRpc.Notification) => void) | undefined
  /** Hears what belongs to a stream of the request's own (`subscriptions/listen`). It must not throw. */
  readonly onNotification?: (notification: JsonRpc.Notification) => void
}

/** @category models @since 0.1.0 */
export type Answer = Effect.Effect<JsonRpc.JsonObject, McpError.McpError>

/** What has changed on the server. @category models @since 0.1.0 */
export type Change =
  | { readonly _tag: "ToolsListChanged" }
  | { readonly _tag: "PromptsListChanged" }
  | { readonly _tag: "ResourcesListChanged" }
  | { readonly _tag: "ResourceUpdated"; readonly uri: string }
  /** The connection was lost for a while: anything may have changed. */
  | { readonly _tag: "Missed" }

/** Whether the server can be asked. @category models @since 0.1.0 */
export type Status =
  | { readonly _tag: "Connected" }
  /** The connection was lost and another is tried for; requests wait for that. */
  | { readonly _tag: "Reconnecting"; readonly error: TransportError.TransportError }
  /** For good: the client's scope has ended, or it has given up connecting again. */
  | { readonly _tag: "Closed"; readonly error: CallError }

/** @category models @since 0.1.0 */
export interface ChangesOptions {
  /** Whether to be told of changed lists. All of them when left out. */
  readonly tools?: boolean
  readonly prompts?: boolean
  readonly resources?: boolean
  /** Resources to watch. */
  readonly uris?: ReadonlyArray<string>
}

/** @category models @since 0.1.0 */
export type CallEvent =
  | ({ readonly _tag: "Progress" } & ClientHandlers.ProgressMessage)
  | { readonly _tag: "Result"; readonly result: McpSchema.CallToolResult }

/** @category models @since 0.1.0 */
export interface Client {
  /** What client and server have settled on last. */
  readonly server: () => ServerInfo
  /** Begins with how it is now, and ends with `Closed`. */
  readonly status: Stream.Stream<Status>
  /** All tools, page after page. Those whose headers cannot be mirrored are left out over HTTP, with a warning. */
  readonly listTools: (options?: CallOptions) => Effect.Effect<ReadonlyArray<McpSchema.Tool>, CallError>
  readonly listResources: (options?: CallOptions) => Effect.Effect<ReadonlyArray<McpSchema.Resource>, CallError>
  readonly listResourceTemplates: (
    options?: CallOptions
  ) => Effect.Effect<ReadonlyArray<McpSchema.ResourceTemplate>, CallError>
  readonly listPrompts: (options?: CallOptions) => Effect.Effect<ReadonlyArray<McpSchema.Prompt>, CallError>
  /** Calls by name. A tool that failed is a success with `isError`; `call` tells them apart. */
  readonly callTool: (
    name: string,
    args?: { readonly [name: string]: unknown },
    options?: CallOptions
  ) => Effect.Effect<McpSchema.CallToolResult, CallError>
  /** Progress as it comes, and at last the result. A slow reader misses the oldest progress. */
  readonly callToolStream: (
    name: string,
    args?: { readonly [name: string]: unknown },
    options?: Omit<CallOptions, "onProgress">
  ) => Stream.Stream<CallEvent, CallError>
  /** Calls by contract: the success and the declared failure come back as the handler gave them. */
  readonly call: <Name extends string, P extends Tool.Codec, S extends Tool.Codec, F extends Tool.Codec>(
    tool: Tool.Tool<Name, P, S, F>,
    parameters: P["Type"],
    options?: CallOptions
  ) => Effect.Effect<S["Type"], F["Type"] | CallError | DefinitionError.DefinitionError>
  readonly readResource: (
    uri: string,
    options?: CallOptions
  ) => Effect.Effect<McpSchema.ReadResourceResult, CallError>
  readonly getPrompt: (
    name: string,
    args?: { readonly [name: string]: string },
    options?: CallOptions
  ) => Effect.Effect<McpSchema.GetPromptResult, CallError>
  readonly complete: (
    params: McpSchema.CompleteParams,
    options?: CallOptions
  ) => Effect.Effect<McpSchema.CompleteResult["completion"], CallError>
  /** Whether the server is there. 2026-07-28 has no ping; there discovery is asked for anew. */
  readonly ping: (options?: CallOptions) => Effect.Effect<void, CallError>
  /**
   * The least severe log messages to be sent from now on (up to 2025-11-25). `ClientHandlers.log` asks for its own level by
   * itself, in both eras.
   */
  readonly setLogLevel: (level: McpSchema.LoggingLevel, options?: CallOptions) => Effect.Effect<void, CallError>
  /**
   * What changes on the server from now on. The stream goes on over lost connections, with a `Missed` for each; it ends
   * with the client.
   */
  readonly changes: (options?: ChangesOptions) => Stream.Stream<Change, CallError>
  /** What the server tells, as it came; a slow reader misses the oldest. It ends with the client. */
  readonly notifications: Stream.Stream<JsonRpc.Notification>
  /**
   * Any request, and its result as it came but for the rounds of `input_required`: members and methods that are unknown
   * here pass. An answer that is none to a known method is an `InvalidResponse`.
   */
  readonly request: (
    method: string,
    params?: JsonRpc.JsonObject,
    options?: RequestOptions
  ) => Effect.Effect<JsonRpc.JsonObject, CallError>
  /** `request` and what is made of its end, for code that is at it already in this fiber. @internal */
  readonly forward: sending.Forward
  /** Answers a question as if the server had asked it: for questions that come in another way. */
  readonly answer: (method: string, params: JsonRpc.JsonObject) => Effect.Effect<JsonRpc.JsonObject, McpError.McpError>
  /** A tool as it was listed last; undefined where it was not, or nothing was listed yet. */
  readonly tool: (name: string) => McpSchema.Tool | undefined
  readonly notify: (method: string, params?: JsonRpc.JsonObject) => Effect.Effect<void>
}

/** @category models @since 0.1.0 */
export interface ServerInfo {
  readonly revision: Revisions.Version
  /** Those the server says it speaks, of which some may be unknown here; what it settled on, where it says no more. */
  readonly versions: ReadonlyArray<string>
  /** Who the server says it is, for display alone. */
  readonly info: McpSchema.Implementation | undefined
  readonly capabilities: McpSchema.ServerCapabilities
  readonly instructions: string | undefined
}

/** @category services @since 0.1.0 */
export class McpClient extends Context.Service<McpClient, Client>()("fastmcp-effect/client/McpClient") {}

// ----------------------------------------------------------------------------
// constructors
// ----------------------------------------------------------------------------

/**
 * Connects for as long as the layer lives; the handlers in its context are the client's (`ClientHandlers`).
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options?: Options
): Layer.Layer<McpClient, CallError, ClientTransport.ClientTransport> => Layer.effect(McpClient, make(options))

/** The methods `fromTools` gives. @category models @since 0.1.0 */
export type Methods<Tools extends ReadonlyArray<Tool.Any>> = {
  readonly [T in Tools[number] as T["name"]]: Method<T>
}

type Method<T extends Tool.Any> = {} extends T["parameters"]["Type"]
  ? (parameters?: T["parameters"]["Type"], options?: CallOptions) => MethodEffect<T>
  : (parameters: T["parameters"]["Type"], options?: CallOptions) => MethodEffect<T>

type MethodEffect<T extends Tool.Any> = Effect.Effect<
  T["success"]["Type"],
  T["failure"]["Type"] | CallError | DefinitionError.DefinitionError
>

/** @category models @since 0.1.0 */
export interface FromToolsOptions {
  /**
   * What to do where the server's tools are not those of the contracts: a tool that is missing, parameters that a contract
   * may send and the server does not take, results that the server may give and a contract does not read. What takes more,
   * or gives less, is none: a number for an integer is fine as a parameter, and an integer for a number as a result. `fail`
   * with `Drift`, `warn` in the log, or `ignore`. `fail`.
   */
  readonly drift?: "fail" | "warn" | "ignore"
}

/**
 * The server's tools as methods, by the contracts it was made with: input, output and declared errors are in the types.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTools = <const Tools extends ReadonlyArray<Tool.Any>>(
  tools: Tools,
  options: FromToolsOptions = {}
): Effect.Effect<Methods<Tools>, CallError, McpClient> =>
  Effect.gen(function*() {
    const client = yield* McpClient
    const { drift = "fail" } = options
    if (drift !== "ignore") {
      const differences = contracts.differences(
        tools,
        yield* client.listTools(),
        contracts.structuredIn(client.server().revision)
      )
      if (differences.length > 0) {
        const error = McpClientError.make(new McpClientError.Drift({ differences }))
        if (drift === "fail") return yield* error
        yield* Effect.logWarning(error.message)
      }
    }
    return Object.fromEntries(
      tools.map((tool) => [
        tool.name,
        (parameters: unknown = {}, options?: CallOptions) => client.call(tool, parameters, options)
      ])
    ) as Methods<Tools>
  })

const serverInfo = ({ revision, server }: lifecycle.Lifecycle): ServerInfo => ({
  revision: revision.version as Revisions.Version,
  ...server
})

const defaultReconnect: Schedule.Schedule<unknown, TransportError.TransportError> = Schedule.max([
  Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")]),
  Schedule.recurs(10)
])

/**
 * Connects, and is ready when it succeeds. It closes with its scope: what is in flight is cancelled.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<Client, CallError, ClientTransport.ClientTransport | Scope.Scope> =>
  Effect.gen(function*() {
    const transport = yield* ClientTransport.ClientTransport
    const context = yield* Effect.context<never>()
    const clock = yield* Clock.Clock
    const { cache = true, maxPages = 1000, maxRounds = 32 } = options
    const extensions = yield* Effect.forEach(
      options.extensions ?? [],
      (source) => Effect.isEffect(source) ? source : Effect.succeed(source)
    )
    const handlers = yield* answering.handlers
    const answer = answering.make(handlers, extensions)
    const tools = knownTools.make(transport.kind === "http")
    const kept = cache ? yield* openCache(transport.origin) : undefined

    const heard = yield* hearing.make(handlers, extensions, kept)
    // ------------------------------------------------------------------------
    // the conversation
    // ------------------------------------------------------------------------

    let lastId = 0
    const self: lifecycle.Self = {
      info: options.info ?? defaultInfo,
      capabilities: (revision) => answering.capabilities(handlers, extensions, revision),
      logLevel: handlers.log?.level,
      mirror: ({ method, params }) => {
        if (method === "tools/call") return tools.mirror(params)
        for (const { mirroredName } of extensions) {
          const name = mirroredName?.(method, params)
          if (name !== undefined) return knownTools.mirrorName(name)
        }
        return undefined
      }
    }
    const fork = yield* FiberSet.makeRuntime<never, void, never>()
    const knownServers = yield* Effect.serviceOption(KnownServers.KnownServers)
    const reopened = new Set<() => void>()
    const statuses = yield* PubSub.sliding<Status>({ capacity: 16, replay: 1 })
    const over = yield* Deferred.make<void>()

    const talk = yield* conversation.open({
      transport,
      shared: {
        clock,
        deadlines: yield* Deadlines.make,
        spans: Tracing.makeSpans(context),
        isTraced: Context.getOrUndefined(context, Tracer.Tracer) !== undefined,
        isAskingUser: transport.isAskingUser ?? (() => false),
        fork,
        nextId: () => ++lastId,
        answer: answering.onConnection(answer, extensions),
        tell: heard.tell
      },
      self,
      only: options.revision === undefined ? undefined : Revisions.select(options.revision),
      knownServers: Option.getOrUndefined(knownServers),
      connectTimeout: Duration.fromInputUnsafe(options.connectTimeout ?? "30 seconds"),
      patience: Duration.fromInputUnsafe(options.patience ?? "3 seconds"),
      reconnect: options.reconnect === false ? undefined : options.reconnect ?? defaultReconnect,
      onOpened: (_, isAgain) => {
        if (!isAgain) return
        // Who has no origin may be another server now, with other lists.
        if (transport.origin === undefined) heard.missed()
        for (const resume of reopened) resume()
      },
      onStatus: (status) => {
        PubSub.publishUnsafe(statuses, status)
        if (status._tag === "Closed") Deferred.doneUnsafe(over, Exit.void)
      }
    })

    const { forward, send } = sending.make({
      talk,
      extensions,
      answer,
      maxRounds,
      isAskingUser: transport.isAskingUser,
      requestTimeout: millis(options.requestTimeout ?? "1 minute"),
      maxRequestTimeout: options.maxRequestTimeout === undefined ? undefined : millis(options.maxRequestTimeout),
      progress: handlers.progress,
      heard,
      tools
    })

    /** The same, from what is kept where that is still good. */
    const fetch = (
      method: string,
      params: JsonRpc.JsonObject,
      callOptions: CallOptions = {},
      target?: string
    ): Effect.Effect<JsonRpc.JsonObject, CallError> =>
      kept === undefined ? send(method, params, callOptions, target) : Effect.suspend(() => {
        const found = callOptions.refresh === true ? undefined : kept.get(method, params)
        if (found !== undefined) return Effect.succeed(found)
        return send(method, params, callOptions, target, kept.begin(method, params))
      })

    const list = <A>(
      method: string,
      key: string,
      callOptions: CallOptions | undefined
    ): Effect.Effect<ReadonlyArray<A>, CallError> =>
      Effect.gen(function*() {
        const items: Array<A> = []
        const seen = new Set<string>()
        const isFresh = kept === undefined || callOptions?.refresh === true
        let cursor: string | undefined
        for (let count = 0; count < maxPages; count++) {
          const read = fetch(method, cursor === undefined ? {} : { cursor }, callOptions)
          const result: JsonRpc.JsonObject | undefined = yield* cursor === undefined || isFresh
            ? read
            : Effect.catchIf(read, isInvalid, () => Effect.succeed(undefined))
          // The page that the cursor is of was kept, and the server does not know it any more.
          if (result === undefined) return yield* list<A>(method, key, { ...callOptions, refresh: true })
          const page = typed<{ readonly [key: string]: ReadonlyArray<A> }>(result)[key]
          if (!Array.isArray(page)) return yield* invalidResponse(method, `it has no ${key}`)
          for (const item of page) items.push(item)
          if (result.nextCursor === undefined) return items
          cursor = result.nextCursor as string
          if (seen.has(cursor)) return yield* endless(method, `the cursor ${JSON.stringify(cursor)} comes again`)
          seen.add(cursor)
        }
        return yield* endless(method, `it has more than ${maxPages} pages`)
      }).pipe(
        // A server that does not claim to have any has none.
        Effect.catchIf(
          (error) => isUnknownMethod(error) && !declares(talk.lifecycle().server.capabilities, method),
          () => Effect.succeed([])
        )
      )

    const listTools: Client["listTools"] = (callOptions) =>
      Effect.flatMap(list<McpSchema.Tool>("tools/list", "tools", callOptions), (listed) => {
        const { dropped, kept } = tools.learn(listed, talk.lifecycle().revision.era === "Stateless")
        return dropped.length === 0 ? Effect.succeed(kept) : Effect.as(
          Effect.logWarning("Tools are left out, for their headers cannot be mirrored", dropped),
          kept
        )
      })

    const callTool: Client["callTool"] = (name, args = noArguments, callOptions) => {
      const params = { name, arguments: args as JsonRpc.JsonObject }
      const called = Effect.flatMap(
        send("tools/call", params, callOptions, name),
        (result) => {
          const { structuredContent } = result
          return structuredContent === undefined || options.validate === false || !tools.hasOutputSchema(name)
            ? Effect.succeed(typed<McpSchema.CallToolResult>(result))
            : Effect.mapBoth(tools.checkOutput(name, result), {
              onSuccess: () => typed<McpSchema.CallToolResult>(result),
              onFailure: (fault) => invalidResponse("tools/call", fault)
            })
        }
      )
      // What the tool wants mirrored may have changed since it was listed, or was never looked at.
      return transport.kind !== "http" ? called : Effect.catchIf(
        called,
        (error) => error._tag === "McpError" && error.reason._tag === "HeaderMismatch",
        () => Effect.andThen(listTools({ refresh: true }), called)
      )
    }

    let known = { of: talk.lifecycle(), info: serverInfo(talk.lifecycle()) }
    const server = (): ServerInfo => {
      const of = talk.lifecycle()
      if (known.of !== of) known = { of, info: serverInfo(of) }
      return known.info
    }

    const changes = changing.make({
      talk,
      send,
      listen: heard.listen,
      missed: heard.missed,
      onReopened: (resume) => {
        reopened.add(resume)
        return () => reopened.delete(resume)
      }
    })

    // The server is told of changed roots for as long as it can be.
    if (handlers.roots?.changes !== undefined) {
      yield* Effect.forkScoped(Stream.runForEach(handlers.roots.changes, () =>
        talk.lifecycle().revision.era === "Stateful"
          ? talk.notify("notifications/roots/list_changed", undefined)
          : Effect.void))
    }
    // Each session is told anew.
    let logLevel = handlers.log?.level
    const setLogLevel: Client["setLogLevel"] = (level, callOptions) =>
      Effect.asVoid(Effect.suspend(() =>
        talk.lifecycle().revision.era === "Stateful"
          ? Effect.tap(send("logging/setLevel", { level }, callOptions), () =>
            Effect.sync(() => {
              logLevel = level
            }))
          : Effect.fail(McpClientError.make(
            new McpClientError.NotSupported({
              method: "logging/setLevel",
              message: "from 2026-07-28 each request says its own level; give the client a ClientHandlers.log"
            })
          ))
      ))
    const askForLogs = Effect.suspend(() => {
      const { revision, server } = talk.lifecycle()
      return logLevel === undefined || revision.era === "Stateless" || server.capabilities.logging === undefined
        ? Effect.void
        : Effect.catch(
          setLogLevel(logLevel),
          (error) =>
            Effect.logWarning(`The server takes no log level, and logs what it likes: ${error.message}`)
        )
    })
    yield* askForLogs
    reopened.add(() => fork(askForLogs))

    const client: Client = {
      server,
      status: Stream.takeUntil(Stream.fromPubSub(statuses), ({ _tag }) => _tag === "Closed"),
      listTools,
      listResources: (callOptions) => list("resources/list", "resources", callOptions),
      listResourceTemplates: (callOptions) => list("resources/templates/list", "resourceTemplates", callOptions),
      listPrompts: (callOptions) => list("prompts/list", "prompts", callOptions),
      callTool,
      callToolStream: (name, args, callOptions) =>
        Stream.callback<CallEvent, CallError>((queue) =>
          Effect.flatMap(
            callTool(name, args, {
              ...callOptions,
              onProgress: (progress) => void Queue.offerUnsafe(queue, { _tag: "Progress", ...progress })
            }),
            (result) =>
              Effect.sync(() => {
                Queue.offerUnsafe(queue, { _tag: "Result", result })
                Queue.endUnsafe(queue)
              })
          ), { bufferSize: maxUnread, strategy: "sliding" }),
      call: (tool, parameters, callOptions) =>
        Tool.encodeParameters(tool, parameters).pipe(
          Effect.flatMap((args) => callTool(tool.name, args, callOptions)),
          Effect.flatMap((result) => Tool.decodeResult(tool, result))
        ),
      readResource: (uri, callOptions) =>
        Effect.mapBoth(fetch("resources/read", { uri }, callOptions, uri), {
          onSuccess: typed<McpSchema.ReadResourceResult>,
          onFailure: (error) =>
            results.isNotFound(error) ? McpError.make(new McpError.ResourceNotFound({ uri })) : error
        }),
      getPrompt: (name, args, callOptions) =>
        Effect.map(
          send("prompts/get", args === undefined ? { name } : { name, arguments: args }, callOptions, name),
          typed<McpSchema.GetPromptResult>
        ),
      complete: (params, callOptions) =>
        Effect.map(
          send("completion/complete", params as unknown as JsonRpc.JsonObject, callOptions),
          (result) => typed<McpSchema.CompleteResult>(result).completion
        ),
      ping: (callOptions) =>
        Effect.asVoid(Effect.suspend(() =>
          send(talk.lifecycle().revision.era === "Stateful" ? "ping" : "server/discover", {}, callOptions)
        )),
      setLogLevel,
      changes: (wanted) =>
        Stream.interruptWhen(changes(wanted), Deferred.await(over)),
      notifications: Stream.interruptWhen(heard.all, Deferred.await(over)),
      request: (method, params = {}, callOptions) => send(method, params, callOptions),
      forward,
      answer,
      tool: tools.get,
      notify: talk.notify
    }
    yield* Effect.forEach(extensions, ({ attach }) => attach === undefined ? Effect.void : attach(client), {
      discard: true
    })
    return client
  })

// ----------------------------------------------------------------------------
// parts
// ----------------------------------------------------------------------------

const defaultInfo: McpSchema.Implementation = { name: "fastmcp-effect", version: "0.1.0" }

const noArguments = {}

/** For results that have been found to be answers to their method. */
const typed = <A>(result: JsonRpc.JsonObject): A => result as unknown as A

/** Events of one call that its reader may be behind. */
const maxUnread = 1024

const openCache = (origin: string | undefined): Effect.Effect<ResponseCache.View> =>
  Effect.flatMap(
    Effect.serviceOption(ResponseCache.ResponseCache),
    (found) =>
      Option.isSome(found)
        ? Effect.succeed(found.value.open(origin))
        : Effect.map(ResponseCache.make(), (own) => own.open(origin))
  )

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

const declares = (capabilities: McpSchema.ServerCapabilities, method: string): boolean =>
  method.startsWith("tools/")
    ? capabilities.tools !== undefined
    : method.startsWith("prompts/")
    ? capabilities.prompts !== undefined
    : capabilities.resources !== undefined

const isInvalid = (error: CallError): boolean => error._tag === "McpError" && error.reason._tag === "InvalidParams"

const isUnknownMethod = (error: CallError): boolean =>
  error._tag === "McpError" && McpError.code(error.reason, "Stateless") === -32601

const endless = (method: string, message: string) =>
  McpClientError.make(new McpClientError.EndlessList({ method, message }))

const invalidResponse = (method: string, message: string) =>
  McpClientError.make(new McpClientError.InvalidResponse({ method, message }))
