import * as Schema from "effect/Schema"
import { Annotations, BlobResourceContents, Icon, MetaObject, TextResourceContents } from "./content.ts"
import { answers } from "./inputRounds.ts"
import { CacheHints } from "./lifecycle.ts"

/** @category models @since 0.1.0 */
export const Resource = Schema.Struct({
  uri: Schema.String,
  name: Schema.String,
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  icons: Schema.optionalKey(Schema.Array(Icon)),
  mimeType: Schema.optionalKey(Schema.String),
  /** Bytes of the content before any encoding. */
  size: Schema.optionalKey(Schema.Int),
  annotations: Schema.optionalKey(Annotations),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type Resource = typeof Resource.Type

/** @category models @since 0.1.0 */
export const ResourceTemplate = Schema.Struct({
  /** RFC 6570. */
  uriTemplate: Schema.String,
  name: Schema.String,
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  icons: Schema.optionalKey(Schema.Array(Icon)),
  mimeType: Schema.optionalKey(Schema.String),
  annotations: Schema.optionalKey(Annotations),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type ResourceTemplate = typeof ResourceTemplate.Type

/** @category models @since 0.1.0 */
export const ListResourcesResult = Schema.Struct({
  resources: Schema.Array(Resource),
  nextCursor: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type ListResourcesResult = typeof ListResourcesResult.Type

/** @category models @since 0.1.0 */
export const ListResourceTemplatesResult = Schema.Struct({
  resourceTemplates: Schema.Array(ResourceTemplate),
  nextCursor: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type ListResourceTemplatesResult = typeof ListResourceTemplatesResult.Type

/** One part of a resource: text, or bytes as base64. @category models @since 0.1.0 */
export const ResourceContents = Schema.Union([TextResourceContents, BlobResourceContents])

/** @category models @since 0.1.0 */
export type ResourceContents = typeof ResourceContents.Type

/** @category models @since 0.1.0 */
export const ReadResourceResult = Schema.Struct({
  contents: Schema.Array(ResourceContents),
  /** In place of the server's own, from 2026-07-28. */
  cacheHints: Schema.optionalKey(CacheHints),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type ReadResourceResult = typeof ReadResourceResult.Type

/** Which resource to watch, or to stop watching (up to 2025-11-25). @category models @since 0.1.0 */
export const SubscribeParams = Schema.Struct({ uri: Schema.String })

/** @category models @since 0.1.0 */
export type SubscribeParams = typeof SubscribeParams.Type

/** A watched resource may have changed. @category models @since 0.1.0 */
export const ResourceUpdatedParams = Schema.Struct({ uri: Schema.String })

/** @category models @since 0.1.0 */
export type ResourceUpdatedParams = typeof ResourceUpdatedParams.Type

/** @category models @since 0.1.0 */
export const ReadResourceParams = Schema.Struct({
  uri: Schema.String,
  ...answers
})

/** @category models @since 0.1.0 */
export type ReadResourceParams = typeof ReadResourceParams.Type
