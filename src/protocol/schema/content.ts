import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

/**
 * A JSON object whose members are nobody's business yet: checked to be one, and passed on uncopied.
 *
 * @category models
 * @since 0.1.0
 */
export const JsonObject = Schema.declare<{ readonly [key: string]: unknown }>(
  (value): value is { readonly [key: string]: unknown } =>
    typeof value === "object" && value !== null && !Array.isArray(value),
  {
    title: "JSON object",
    toCodecArbitrary: () =>
      Schema.link<{ readonly [key: string]: unknown }>()(
        Schema.Record(Schema.String, Schema.Unknown),
        { decode: SchemaGetter.passthrough(), encode: SchemaGetter.passthrough() }
      )
  }
)

/** Extra data beside a value; keys are opaque to MCP. @category models @since 0.1.0 */
export const MetaObject = Schema.Record(Schema.String, Schema.Unknown)

/** @category models @since 0.1.0 */
export const Role = Schema.Literals(["user", "assistant"])

/** @category models @since 0.1.0 */
export const Annotations = Schema.Struct({
  audience: Schema.optionalKey(Schema.Array(Role)),
  /** From 0, entirely optional, to 1, effectively required. */
  priority: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  /** ISO 8601, from 2025-06-18. */
  lastModified: Schema.optionalKey(Schema.String)
})

const common = {
  annotations: Schema.optionalKey(Annotations),
  _meta: Schema.optionalKey(MetaObject)
}

/** @category models @since 0.1.0 */
export const TextContent = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String, ...common })

/** `data` is base64. @category models @since 0.1.0 */
export const ImageContent = Schema.Struct({
  type: Schema.Literal("image"),
  data: Schema.String,
  mimeType: Schema.String,
  ...common
})

/** `data` is base64. @category models @since 0.1.0 */
export const AudioContent = Schema.Struct({
  type: Schema.Literal("audio"),
  data: Schema.String,
  mimeType: Schema.String,
  ...common
})

/** @category models @since 0.1.0 */
export const TextResourceContents = Schema.Struct({
  uri: Schema.String,
  mimeType: Schema.optionalKey(Schema.String),
  text: Schema.String,
  _meta: Schema.optionalKey(MetaObject)
})

/** `blob` is base64. @category models @since 0.1.0 */
export const BlobResourceContents = Schema.Struct({
  uri: Schema.String,
  mimeType: Schema.optionalKey(Schema.String),
  blob: Schema.String,
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export const EmbeddedResource = Schema.Struct({
  type: Schema.Literal("resource"),
  resource: Schema.Union([TextResourceContents, BlobResourceContents]),
  ...common
})

/** @category models @since 0.1.0 */
export const Icon = Schema.Struct({
  src: Schema.String,
  mimeType: Schema.optionalKey(Schema.String),
  sizes: Schema.optionalKey(Schema.Array(Schema.String)),
  theme: Schema.optionalKey(Schema.Literals(["light", "dark"]))
})

/** @category models @since 0.1.0 */
export const ResourceLink = Schema.Struct({
  type: Schema.Literal("resource_link"),
  uri: Schema.String,
  name: Schema.String,
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  mimeType: Schema.optionalKey(Schema.String),
  size: Schema.optionalKey(Schema.Int),
  icons: Schema.optionalKey(Schema.Array(Icon)),
  ...common
})

/** @category models @since 0.1.0 */
export const ContentBlock = Schema.Union([TextContent, ImageContent, AudioContent, EmbeddedResource, ResourceLink])

/** @category models @since 0.1.0 */
export type ContentBlock = typeof ContentBlock.Type
