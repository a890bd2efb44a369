/**
 * One dated revision of MCP as data: which methods exist, how a request's params lift to the model, and how a model
 * result is projected to what peers of that revision know. What is absent from a table does not exist there.
 */
import type * as Schema from "effect/Schema"
import type * as Era from "./Era.ts"
import type { JsonObject } from "./JsonRpc.ts"
import type * as McpSchema from "./McpSchema.ts"

/**
 * What a projection may need to know about the server that answers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Projection {
  readonly serverInfo: McpSchema.Implementation
  /** Freshness of lists and of discovery; left out where a revision has none. */
  readonly cacheHints: McpSchema.CacheHints
  /** Others get other answers from the same address, so that nothing is for everybody whatever its author says. */
  readonly isPersonal?: boolean
}

/** @category models @since 0.1.0 */
export interface Method {
  readonly params: Schema.Codec<any, any>
  /** What a client takes for a result. Types only narrow: a value that fits is the model's, as it came. */
  readonly result: Schema.Codec<any, any>
  /** Model result to wire result. It must not change its argument. */
  readonly project: (result: any, projection: Projection) => object
}

/**
 * Something a server may ask of a client.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerRequest {
  /** What a client takes for a question of this kind. */
  readonly params: Schema.Codec<any, any>
  /** Model params to wire params. It must not change its argument. */
  readonly project: (params: any) => object
  /** The client's answer, once it is lifted. */
  readonly result: Schema.Codec<any, any>
  /**
   * The client's answer, as it came, to the question as the model put it: for questions that `project` has to put
   * differently. Left out where it never does.
   */
  readonly lift?: (result: unknown, params: any) => unknown
}

/** @category models @since 0.1.0 */
export interface Revision {
  readonly version: string
  readonly era: Era.Era
  /** Whether a peer may send several messages in one JSON array. */
  readonly batches: boolean
  /** Whether clients know that the server may close the connection of a stream, and come back for the rest. */
  readonly polls: boolean
  /** Requests a client may send. */
  readonly requests: { readonly [method: string]: Method }
  /** Notifications a client may send. */
  readonly notifications: { readonly [method: string]: Schema.Codec<any, any> }
  /** Notifications a server may send. */
  readonly serverNotifications: { readonly [method: string]: Schema.Codec<any, any> }
  /** Requests a server may send. */
  readonly serverRequests: { readonly [method: string]: ServerRequest }
  /** What an `input_required` result may ask instead. */
  readonly inputRequests: { readonly [method: string]: ServerRequest }
  /** What a client of this revision can do, from what it declares: only that may be asked of it. */
  readonly clientCapabilities: (declared: McpSchema.ClientCapabilities) => McpSchema.ClientCapabilities
  /** A notification's model params to its wire params; left out where the two never differ. */
  readonly projectNotification?: (method: string, params: JsonObject) => JsonObject
  /** How an extension's result is projected: what every result of this revision carries. */
  readonly projectResult: (result: object, projection: Projection) => object
}
