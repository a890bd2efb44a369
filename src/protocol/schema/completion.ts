import * as Schema from "effect/Schema"

/** @category models @since 0.1.0 */
export const PromptReference = Schema.Struct({
  type: Schema.Literal("ref/prompt"),
  name: Schema.String,
  title: Schema.optionalKey(Schema.String)
})

/** `uri` is a template, or a URI. @category models @since 0.1.0 */
export const ResourceTemplateReference = Schema.Struct({
  type: Schema.Literal("ref/resource"),
  uri: Schema.String
})

/** @category models @since 0.1.0 */
export const CompleteParams = Schema.Struct({
  ref: Schema.Union([PromptReference, ResourceTemplateReference]),
  argument: Schema.Struct({ name: Schema.String, value: Schema.String }),
  /** What has been filled in so far, from 2025-06-18. */
  context: Schema.optionalKey(
    Schema.Struct({ arguments: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)) })
  )
})

/** @category models @since 0.1.0 */
export type CompleteParams = typeof CompleteParams.Type

/** @category models @since 0.1.0 */
export const CompleteResult = Schema.Struct({
  completion: Schema.Struct({
    /** 100 at most. */
    values: Schema.Array(Schema.String),
    total: Schema.optionalKey(Schema.Int),
    hasMore: Schema.optionalKey(Schema.Boolean)
  })
})

/** @category models @since 0.1.0 */
export type CompleteResult = typeof CompleteResult.Type
