/**
 * One dated revision of MCP as data: which methods exist, how a request's params lift to the model, and how a model
 * result is projected to what peers of that revision know. What is absent from a table does not exist there.
 */
import type * as Schema from "effect/Schema"
import type * as Era from "./Era.ts"
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
}

/** @category models @since 0.1.0 */
export interface Method {
  readonly params: Schema.Codec<any, any>
  /** Model result to wire result. It must not change its argument. */
  readonly project: (result: any, projection: Projection) => object
}

/** @category models @since 0.1.0 */
export interface Revision {
  readonly version: string
  readonly era: Era.Era
  /** Requests a client may send. */
  readonly requests: { readonly [method: string]: Method }
  /** Notifications a client may send. */
  readonly notifications: { readonly [method: string]: Schema.Codec<any, any> }
  /** Notifications a server may send. */
  readonly serverNotifications: { readonly [method: string]: Schema.Codec<any, any> }
  /** How an extension's result is projected: what every result of this revision carries. */
  readonly projectResult: (result: object, projection: Projection) => object
}
