/**
 * Adds to a server what MCP's core does not have: methods and notifications of its own, capabilities and settings,
 * listen filters, rules for mirrored headers, and a wrapper around calls that may answer with a result type of its own.
 * An extension is a value in a server's options; the router does not know any of them.
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as McpRequest from "../context/McpRequest.ts"
import type * as RequestContext from "../context/RequestContext.ts"
import type * as Middleware from "../middleware/Middleware.ts"
import type * as Era from "../protocol/Era.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"

const TypeId = "~fastmcp-effect/server/Extension"

/** @category models @since 0.1.0 */
export interface Method<R> {
  /** The eras it exists in; both when left out. */
  readonly eras?: ReadonlyArray<Era.Era>
  readonly params: Schema.Codec<any, any>
  /** Succeeds with the result's fields; a `resultType` among them is kept. */
  readonly handle: (params: any) => Effect.Effect<object, McpError.McpError, R>
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

/** @category models @since 0.1.0 */
export interface Options<R, N = never, L = never> {
  /** `<prefix>/<name>`, as it is negotiated under `capabilities.extensions`. */
  readonly id: string
  /** Announced to clients; `{}` when there is nothing to set. */
  readonly settings?: JsonRpc.JsonObject
  /** Members of the server's capabilities beside `extensions`, for revisions that name the feature there. */
  readonly capabilities?: (era: Era.Era) => McpSchema.ServerCapabilities
  readonly methods?: { readonly [method: string]: Method<R> }
  readonly notifications?: { readonly [method: string]: Notification<N> }
  readonly listenFilters?: { readonly [key: string]: ListenFilter<L> }
  /** Around each `tools/call`; inside the server's middleware. */
  readonly wrap?: Middleware.Wrap<R>
}

/** @category models @since 0.1.0 */
export interface Extension<out R> extends Options<any, any, any> {
  readonly [TypeId]: { readonly services: (_: never) => R }
}

/** @category models @since 0.1.0 */
export interface Any extends Extension<any> {}

/** What an extension's code needs. @category utility types @since 0.1.0 */
export type Services<E> = E extends Extension<infer R> ? R : never

/** No request stands behind a notification, so what only a request has is not to be had. */
type WithoutRequest<N> = N extends RequestContext.RequestContext | McpRequest.RequestLevel
  ? McpRequest.McpRequest<"No request", N>
  : N

/** @category constructors @since 0.1.0 */
export const make = <R = never, N = never, L = never>(
  options: Options<R, N, L>
): Extension<R | WithoutRequest<N> | Exclude<L, Scope.Scope>> => ({
  ...options,
  [TypeId]: { services: (_: never) => _ }
})
