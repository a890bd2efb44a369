/**
 * Adds to a client what MCP's core does not have: the twin of `server/Extension`. It is declared to servers, may answer
 * their questions and hear what they tell, mirror a parameter, and make something of result types of its own.
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as McpClientError from "./McpClientError.ts"

const TypeId = "~fastmcp-effect/client/Extension"

/** A request as the client makes it. @category models @since 0.1.0 */
export type Send = (
  method: string,
  params?: JsonObject
) => Effect.Effect<JsonObject, McpError.McpError | McpClientError.McpClientError>

/** @category models @since 0.1.0 */
export interface Asked {
  readonly params: Schema.Codec<any, any>
  readonly handle: (params: any) => Effect.Effect<JsonObject, McpError.McpError>
}

/** @category models @since 0.1.0 */
export interface Told {
  readonly params: Schema.Codec<any, any>
  /** One after the other, in the order in which they came. */
  readonly handle: (params: any) => Effect.Effect<void>
}

/** @category models @since 0.1.0 */
export interface Options {
  /** `<prefix>/<name>`, as it is negotiated under `capabilities.extensions`. */
  readonly id: string
  /** Announced to servers; `{}` when there is nothing to set. */
  readonly settings?: JsonObject
  /** Questions of servers it answers, by method, on the connection and in `input_required` results alike. */
  readonly requests?: { readonly [method: string]: Asked }
  /** What servers tell, by method. */
  readonly notifications?: { readonly [method: string]: Told }
  /** What the `Mcp-Name` header mirrors of a method of its own (2026-07-28 over HTTP). */
  readonly mirroredName?: (method: string, params: JsonObject) => string | undefined
  /**
   * Result types of its own, by `resultType`: makes the result a caller gets of one that came, and may send further
   * requests meanwhile. A result type nobody has here is an `InvalidResponse`.
   */
  readonly results?: {
    readonly [resultType: string]: (
      result: JsonObject,
      request: { readonly method: string; readonly params: JsonObject },
      send: Send
    ) => Effect.Effect<JsonObject, McpError.McpError | McpClientError.McpClientError>
  }
}

/** @category models @since 0.1.0 */
export interface Extension extends Options {
  readonly [TypeId]: typeof TypeId
}

/** @category constructors @since 0.1.0 */
export const make = (options: Options): Extension => ({ ...options, [TypeId]: TypeId })

/** What extensions add to a client's capabilities. @category combinators @since 0.1.0 */
export const capabilities = (extensions: ReadonlyArray<Extension>): McpSchema.ClientCapabilities =>
  extensions.length === 0
    ? {}
    : { extensions: Object.fromEntries(extensions.map(({ id, settings = {} }) => [id, settings])) }
