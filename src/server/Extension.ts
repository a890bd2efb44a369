/**
 * Adds to a server what MCP's core does not have: methods and notifications of its own, capabilities and settings,
 * listen filters, rules for mirrored headers, and a wrapper around calls that may answer with a result type of its own;
 * and definitions, where its methods speak of tools, resources or prompts that the server then has to have. An extension
 * is a value in a server's options, or an effect that makes one; the router does not know any of them.
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as AskError from "../context/AskError.ts"
import type * as Identity from "../context/Identity.ts"
import type * as McpRequest from "../context/McpRequest.ts"
import type * as RequestContext from "../context/RequestContext.ts"
import type * as Budget from "../core/Budget.ts"
import type * as Prompt from "../definition/Prompt.ts"
import type * as Resource from "../definition/Resource.ts"
import type * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import type * as Tool from "../definition/Tool.ts"
import type * as Middleware from "../middleware/Middleware.ts"
import type * as Era from "../protocol/Era.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import type * as registry from "./registry.ts"

const TypeId = "~fastmcp-effect/server/Extension"

/** Who makes the request. @category models @since 0.1.0 */
export interface Caller {
  /** What the definition's `visible`, and the server's, say to this caller. */
  readonly sees: (definition: registry.AnyDefinition) => boolean
}

/** @category models @since 0.1.0 */
export interface Method<R> {
  /** The eras it exists in; both when left out. */
  readonly eras?: ReadonlyArray<Era.Era>
  readonly params: Schema.Codec<any, any>
  /**
   * Succeeds with the result's fields; a `resultType` among them is kept. `cacheHints` says that clients may keep the
   * result, as they keep lists: for as long as its members say, and as long as the server says where there are none. It
   * is left out in revisions that have no such thing.
   */
  readonly handle: (params: any, caller: Caller) => Effect.Effect<object, McpError.McpError, R>
  /** Lasts until there is an answer, so that no deadline applies. */
  readonly isOpenEnded?: boolean
  /** What the `Mcp-Name` header must equal, where the extension mirrors a parameter (2026-07-28 over HTTP). */
  readonly mirroredName?: (params: JsonRpc.JsonObject) => string | undefined
}

/** @category models @since 0.1.0 */
export interface Notification<R> {
  readonly params: Schema.Codec<any, any>
  readonly handle: (params: any) => Effect.Effect<void, never, R>
}

/**
 * A filter of `subscriptions/listen`: runs in the stream's scope and may `emit` until it closes. What it emits before
 * the stream is acknowledged follows the acknowledgement.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListenFilter<R> {
  readonly params: Schema.Codec<any, any>
  /** Succeeds with the part of the request that is honoured. */
  readonly listen: (
    filter: any,
    emit: (method: string, params: JsonRpc.JsonObject) => Effect.Effect<void>
  ) => Effect.Effect<JsonRpc.Json, McpError.McpError, R>
}

/** A question as it stands in a record, until it is answered. @category models @since 0.1.0 */
export interface RecordedQuestion {
  /** Tells it from another question under the same key. */
  readonly fingerprint: string
  readonly method: McpSchema.InputRequest["method"]
  /** As the model has them; each revision puts them in its own way. */
  readonly params: JsonRpc.JsonObject
}

/** What a client has answered: a result, or an error. @category models @since 0.1.0 */
export interface RecordedAnswer {
  readonly fingerprint: string
  readonly result?: JsonRpc.Json
  readonly error?: JsonRpc.ErrorObject
}

/**
 * What was asked and done for a call, kept where it outlives the process. Each of its effects has succeeded when it is
 * written.
 *
 * @category models
 * @since 0.1.0
 */
export interface Record {
  readonly answers: { readonly [key: string]: RecordedAnswer }
  readonly steps: { readonly [key: string]: JsonRpc.Json }
  /** Whether the answer came since the handler last ran. */
  readonly isFresh: (key: string) => boolean
  /** The handler is about to use an answer it has not had before. */
  readonly beyond: Effect.Effect<void, AskError.AskError>
  /** A step is about to begin. */
  readonly begin: (key: string) => Effect.Effect<void, AskError.AskError>
  readonly keep: (key: string, result: JsonRpc.Json) => Effect.Effect<void, AskError.AskError>
  /** It ended without a result. */
  readonly failed: (key: string) => Effect.Effect<void>
  /** Ends the run: these have to be answered first. */
  readonly wait: (
    questions: { readonly [key: string]: RecordedQuestion }
  ) => Effect.Effect<never, AskError.AskError>
}

/** A `tools/call` that comes over no connection. @category models @since 0.1.0 */
export interface DetachedCall {
  readonly params: { readonly name: string; readonly arguments?: JsonRpc.JsonObject }
  readonly revision: Revision.Revision
  readonly client: RequestContext.Client
  readonly meta: JsonRpc.JsonObject
  readonly identity: Identity.Identity
  readonly taskId: string
  /** What the call had left, beside what the server allows; a call that outlives its request has no deadline of it. */
  readonly budget?: Pick<Budget.Budget, "pollQuota" | "costQuota" | "priority">
  readonly record: Record
  readonly reportProgress: RequestContext.RequestContext["Service"]["reportProgress"]
}

/** The server as its extensions use it. @category models @since 0.1.0 */
export interface Host {
  readonly serverInfo: McpSchema.Implementation
  /** Whose server it is, where servers of one name answer for many. */
  readonly tenant: string | undefined
  /**
   * Calls a tool, through the server's middleware and its limits, and through `wrap`; no deadline of the server applies.
   * Who may not call it is refused as a client would be.
   */
  readonly call: (call: DetachedCall) => Effect.Effect<object, McpError.McpError>
  /** What was asked and done so far for the call a `wrap` is around, once the steps that have begun are through. */
  readonly recorded: (
    request: RequestContext.RequestContext["Service"]
  ) => Effect.Effect<Pick<Record, "answers" | "steps">>
}

/** @category models @since 0.1.0 */
export interface Options<R, N = never, L = never, D extends registry.AnyDefinition = never> {
  /** `<prefix>/<name>`, as it is negotiated under `capabilities.extensions`. */
  readonly id: string
  /** Announced to clients; `{}` when there is nothing to set. */
  readonly settings?: JsonRpc.JsonObject
  /** The eras in which it is announced as an extension; both when left out. */
  readonly eras?: ReadonlyArray<Era.Era>
  /** Members of the server's capabilities beside `extensions`, for revisions that name the feature there. */
  readonly capabilities?: (era: Era.Era) => McpSchema.ServerCapabilities
  readonly methods?: { readonly [method: string]: Method<R> }
  readonly notifications?: { readonly [method: string]: Notification<N> }
  readonly listenFilters?: { readonly [key: string]: ListenFilter<L> }
  /** What the server has besides its own; in the lists they come after those. */
  readonly definitions?: ReadonlyArray<D>
  /** Around each `tools/call` of a client; inside the server's middleware. Not around what handlers call of each other. */
  readonly wrap?: Middleware.Wrap<R>
  /** Runs when the server is complete, in the scope of its layer. */
  readonly attach?: (host: Host) => Effect.Effect<void, never, Scope.Scope>
}

/** @category models @since 0.1.0 */
export interface Extension<out R> extends Options<any, any, any, any> {
  readonly [TypeId]: { readonly services: (_: never) => R }
}

/** @category models @since 0.1.0 */
export interface Any extends Extension<any> {}

/**
 * An extension, or what makes it while its server is built: in the scope of the server's layer, which fails with it.
 *
 * @category models
 * @since 0.1.0
 */
export type Source = Any | Effect.Effect<Any, any, any>

/** What an extension's code needs. @category utility types @since 0.1.0 */
export type Services<E> = E extends Extension<infer R> ? R
  : E extends Effect.Effect<infer A, infer _E, infer _R> ? Services<A>
  : never

/** What making the extension may fail with. @category utility types @since 0.1.0 */
export type MakeError<E> = E extends Effect.Effect<infer _A, infer Error, infer _R> ? Error : never

/** What making the extension needs. @category utility types @since 0.1.0 */
export type MakeServices<E> = E extends Effect.Effect<infer _A, infer _E, infer R> ? R : never

type DefinitionServices<D> =
  | Tool.Services<D>
  | Resource.Services<D>
  | ResourceTemplate.Services<D>
  | Prompt.Services<D>

/** No request stands behind a notification, so what only a request has is not to be had. */
type WithoutRequest<N> = N extends RequestContext.RequestContext | McpRequest.RequestLevel
  ? McpRequest.McpRequest<"No request", N>
  : N

/**
 * All of it. Where a list of extensions is expected the compiler would take their needs, which are any, for those of the
 * one that is made there; it cannot see through `infer`.
 */
type Needs<R, N, L, D> = [R, N, L, D] extends [infer R, infer N, infer L, infer D]
  ? R | WithoutRequest<N> | Exclude<L, Scope.Scope> | DefinitionServices<D>
  : never

/** @category constructors @since 0.1.0 */
export const make = <R = never, N = never, L = never, D extends registry.AnyDefinition = never>(
  options: Options<R, N, L, D>
): Extension<Needs<R, N, L, D>> => ({
  ...options,
  [TypeId]: { services: (_: never) => _ }
})
