import * as Schema from "effect/Schema"
import { ClientCapabilities, Implementation, ServerCapabilities } from "./capabilities.ts"

/** @category models @since 0.1.0 */
export const InitializeParams = Schema.Struct({
  protocolVersion: Schema.String,
  capabilities: ClientCapabilities,
  clientInfo: Implementation
})

/** @category models @since 0.1.0 */
export const InitializeResult = Schema.Struct({
  protocolVersion: Schema.String,
  capabilities: ServerCapabilities,
  serverInfo: Implementation,
  instructions: Schema.optionalKey(Schema.String)
})

/** How long a result stays fresh, and who may share it (2026-07-28). @category models @since 0.1.0 */
export const CacheHints = Schema.Struct({
  /** Milliseconds; 0 is stale at once. */
  ttlMs: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  cacheScope: Schema.Literals(["public", "private"])
})

/** @category models @since 0.1.0 */
export type CacheHints = typeof CacheHints.Type

/** @category models @since 0.1.0 */
export const DiscoverResult = Schema.Struct({
  supportedVersions: Schema.Array(Schema.String),
  capabilities: ServerCapabilities,
  instructions: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export const EmptyParams = Schema.Struct({})

/** A result without members of its own. @category models @since 0.1.0 */
export const EmptyResult = Schema.Struct({})

/** @category models @since 0.1.0 */
export const RequestId = Schema.Union([Schema.String, Schema.Int])

/** @category models @since 0.1.0 */
export const CancelledParams = Schema.Struct({
  requestId: RequestId,
  reason: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export const ProgressParams = Schema.Struct({
  progressToken: RequestId,
  /** Strictly increasing within one token. */
  progress: Schema.Finite,
  total: Schema.optionalKey(Schema.Finite),
  message: Schema.optionalKey(Schema.String)
})

/** What a client asks to be told about on one listen stream (2026-07-28). @category models @since 0.1.0 */
export const ListenParams = Schema.Struct({
  notifications: Schema.StructWithRest(
    Schema.Struct({
      toolsListChanged: Schema.optionalKey(Schema.Boolean),
      promptsListChanged: Schema.optionalKey(Schema.Boolean),
      resourcesListChanged: Schema.optionalKey(Schema.Boolean),
      resourceSubscriptions: Schema.optionalKey(Schema.Array(Schema.String))
    }),
    // An extension brings filters of its own.
    [Schema.Record(Schema.String, Schema.Unknown)]
  )
})
