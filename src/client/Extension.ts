/**
 * Adds to a client what MCP's core does not have: the twin of `server/Extension`. It is declared to servers, may answer
 * their questions and hear what they tell, mirror a parameter, and make something of result types of its own.
 */
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Era from "../protocol/Era.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import type * as McpClient from "./McpClient.ts"
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
  /** The eras in which it is announced as an extension; both when left out. */
  readonly eras?: ReadonlyArray<Era.Era>
  /** Capabilities beside `extensions`, for revisions that name the feature there; `own` is what the handlers can do. */
  readonly capabilities?: (
    version: Revision.Revision["version"],
    own: McpSchema.ClientCapabilities
  ) => McpSchema.ClientCapabilities
  /** Questions of servers it answers, by method, on the connection and in `input_required` results alike. */
  readonly requests?: { readonly [method: string]: Asked }
  /** Around what answers a server that asks on the connection; a question within a result does not come here. */
  readonly wrapAnswer?: (
    question: { readonly method: string; readonly params: JsonObject; readonly version: Revision.Revision["version"] },
    next: Effect.Effect<JsonObject, McpError.McpError>
  ) => Effect.Effect<JsonObject, McpError.McpError>
  /** What servers tell, by method. */
  readonly notifications?: { readonly [method: string]: Told }
  /** What the `Mcp-Name` header mirrors of a method of its own (2026-07-28 over HTTP). */
  readonly mirroredName?: (method: string, params: JsonObject) => string | undefined
  /**
   * Around each request but the raw ones, as it is first sent: the later rounds of `input_required` do not come here. What
   * it gives goes on as if it had come from the server.
   */
  readonly wrap?: (
    request: { readonly method: string; readonly params: JsonObject },
    next: (params: JsonObject) => Effect.Effect<JsonObject, McpClient.CallError>
  ) => Effect.Effect<JsonObject, McpClient.CallError>
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
  /** Runs when the client has connected, in its scope. Servers may have asked and told by then. */
  readonly attach?: (client: McpClient.Client) => Effect.Effect<void, never, Scope.Scope>
}

/** @category models @since 0.1.0 */
export interface Extension extends Options {
  readonly [TypeId]: typeof TypeId
}

/**
 * An extension, or what makes it while its client is built, in the client's scope: one that keeps something makes it anew
 * for each client.
 *
 * @category models
 * @since 0.1.0
 */
export type Source = Extension | Effect.Effect<Extension, never, Scope.Scope>

/** @category constructors @since 0.1.0 */
export const make = (options: Options): Extension => ({ ...options, [TypeId]: TypeId })

/** What extensions add to a client's own capabilities. @category combinators @since 0.1.0 */
export const capabilities = (
  extensions: ReadonlyArray<Extension>,
  { era, version }: Revision.Revision,
  own: McpSchema.ClientCapabilities
): McpSchema.ClientCapabilities => {
  const announced = extensions.filter(({ eras }) => eras === undefined || eras.includes(era))
  return {
    ...Object.assign({}, ...extensions.map(({ capabilities }) => capabilities?.(version, own))),
    ...(announced.length === 0
      ? undefined
      : { extensions: Object.fromEntries(announced.map(({ id, settings = {} }) => [id, settings])) })
  }
}
