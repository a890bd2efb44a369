/**
 * The request a handler is answering. Present in every handler; `layerNoop` stands in when a handler runs alone.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Ask from "./Ask.ts"
import * as AskError from "./AskError.ts"
import type * as SessionState from "./SessionState.ts"

/**
 * What the client said of itself: on `initialize` in stateful revisions, on each request in stateless ones. For display
 * and for features, never for a decision about access.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  readonly info: McpSchema.Implementation | undefined
  readonly capabilities: McpSchema.ClientCapabilities
}

/** What requests have in common that came on one connection, or in one session. @category models @since 0.1.0 */
export interface Peer {
  /** Calls back when it has ended, until the result is called. */
  readonly whenClosed: (listener: () => void) => () => void
}

/** @category services @since 0.1.0 */
export class RequestContext extends Context.Service<RequestContext, {
  readonly id: JsonRpc.RequestId
  readonly method: string
  readonly revision: Revision.Revision
  readonly client: Client
  /** Absent in stateless revisions, and where the transport keeps no session. */
  readonly sessionId: string | undefined
  /** One for all requests of a session. Undefined where a request belongs to none: in stateless revisions, and in a task. */
  readonly peer: Peer | undefined
  /**
   * The mounts it came through, outermost first: what is kept for a request by the names of one server is not another's
   * who has the same names.
   */
  readonly mounts: ReadonlyArray<string>
  /** Of the task the handler works for, if it does: the same in each run, so that it can be part of an idempotency key. */
  readonly taskId: string | undefined
  /** The request's `_meta`, as it came. */
  readonly meta: JsonRpc.JsonObject
  /** The least severe log message its client is sent; none when undefined. */
  readonly logLevel: McpSchema.LoggingLevel | undefined
  /** Whether the client asked for progress. */
  readonly wantsProgress: boolean
  /** Sends a notification that belongs to this request; waits while the client reads too slowly. */
  readonly notify: (method: string, params: JsonRpc.JsonObject) => Effect.Effect<void>
  /** Sends progress if the client asked for it; see `Progress`. */
  readonly reportProgress: (progress: number, options?: ProgressOptions) => Effect.Effect<void>
  /** Sends a log message if the client wants this level; see `ClientLog`. */
  readonly log: (level: McpSchema.LoggingLevel, data: unknown, logger?: string) => Effect.Effect<void>
  /** Closes the connection the answer would come on; see `ResponseStream`. */
  readonly closeConnection: Effect.Effect<void>
  /** Calls a tool of the same server within this request's budget; see `Tool.call`. */
  readonly callTool: (
    params: Pick<McpSchema.CallToolParams, "name" | "arguments">
  ) => Effect.Effect<McpSchema.CallToolResult, McpError.McpError>
  /** Reads a resource of the same server, with the same visibility, identity and budget. */
  readonly readResource: (
    params: Pick<McpSchema.ReadResourceParams, "uri">
  ) => Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError>
  /** Gets a prompt of the same server. */
  readonly getPrompt: (
    params: Pick<McpSchema.GetPromptParams, "name" | "arguments">
  ) => Effect.Effect<McpSchema.GetPromptResult, McpError.McpError>
  /** Whether the server has this for the caller, who may also use it. */
  readonly sees: (kind: Kind, name: string) => boolean
  /** What ends the request in place of a result, once its handler has asked what the client must answer first (2026-07-28). */
  readonly paused: McpSchema.InputRequiredResult | undefined
  /**
   * For who goes on with the handler when the request is over: it may still ask in rounds, and then this is called, in the
   * place of what would end the request. See `paused`.
   */
  readonly outlive: (onPaused: () => void) => void
  /** Values kept for the session; undefined in stateless revisions, and where there is none. See `SessionState`. */
  readonly session: SessionState.Values | undefined
  /** Asks all of the questions at once; see `Ask`. Succeeds with an answer for each key, as its question decodes it. */
  readonly ask: (
    questions: { readonly [key: string]: Ask.Question<unknown> }
  ) => Effect.Effect<{ readonly [key: string]: unknown }, AskError.AskError>
  /** Runs a step that must not be repeated, and keeps its JSON; see `Ask.once`. */
  readonly once: <E, R>(
    key: string,
    step: Effect.Effect<JsonRpc.Json, E, R>
  ) => Effect.Effect<JsonRpc.Json, E | AskError.AskError, R>
}>()("fastmcp-effect/context/RequestContext") {}

/** What a server has: a resource's name is its URI, a template's its text. @category models @since 0.1.0 */
export type Kind = "tool" | "resource" | "resource template" | "prompt"

/** What somebody's own names are to the server. @category models @since 0.1.0 */
export type Names = (kind: Kind, name: string) => string

/**
 * Runs a handler that knows what stands beside it by other names than the server does: where it calls, reads, gets or
 * sees something through its request, the server hears `names` of it. Handlers that know the server's names need none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withNames = <A, E, R>(self: Effect.Effect<A, E, R>, names: Names): Effect.Effect<A, E, R> =>
  Effect.updateContext(self, (context: Context.Context<R>) => {
    const request = Context.getOrUndefined(context, RequestContext)
    return request === undefined ? context : Context.add(context, RequestContext, renamed(request, names))
  })

// NOTE: a proxy, since a request has state of its own: a copy would have two of it.
const renamed = (request: RequestContext["Service"], names: Names): RequestContext["Service"] =>
  new Proxy(request, {
    get: (target, key): unknown => {
      switch (key) {
        case "callTool":
          return ({ name, ...rest }: Parameters<typeof target.callTool>[0]) =>
            target.callTool({ ...rest, name: names("tool", name) })
        case "getPrompt":
          return ({ name, ...rest }: Parameters<typeof target.getPrompt>[0]) =>
            target.getPrompt({ ...rest, name: names("prompt", name) })
        case "readResource":
          return ({ uri, ...rest }: Parameters<typeof target.readResource>[0]) =>
            target.readResource({ ...rest, uri: names("resource", uri) })
        case "sees":
          return (kind: Kind, name: string) => target.sees(kind, names(kind, name))
        default:
          return Reflect.get(target, key)
      }
    }
  })

/** @category models @since 0.1.0 */
export interface ProgressOptions {
  readonly total?: number
  /** Shown by clients from 2025-03-26. */
  readonly message?: string
}

/**
 * A request nobody made, for running a handler alone: what it sends goes nowhere, and it has no tools to call.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerNoop: Layer.Layer<RequestContext> = Layer.succeed(RequestContext, {
  id: 0,
  method: "tools/call",
  revision: Revisions.v2026_07_28,
  client: { info: undefined, capabilities: {} },
  sessionId: undefined,
  peer: undefined,
  mounts: [],
  taskId: undefined,
  meta: {},
  logLevel: undefined,
  wantsProgress: false,
  notify: () => Effect.void,
  reportProgress: () => Effect.void,
  log: () => Effect.void,
  closeConnection: Effect.void,
  callTool: ({ name }) => Effect.fail(McpError.make(new McpError.ToolNotFound({ name }))),
  readResource: ({ uri }) => Effect.fail(McpError.make(new McpError.ResourceNotFound({ uri }))),
  getPrompt: ({ name }) => Effect.fail(McpError.make(new McpError.PromptNotFound({ name }))),
  sees: () => false,
  paused: undefined,
  outlive: () => {},
  session: undefined,
  ask: () => Effect.fail(AskError.make(new AskError.Unavailable({ text: "There is no client to ask." }))),
  once: (_key, step) => step
})
