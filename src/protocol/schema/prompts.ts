import * as Schema from "effect/Schema"
import { ContentBlock, Icon, MetaObject, Role } from "./content.ts"
import { answers } from "./inputRounds.ts"

/** @category models @since 0.1.0 */
export const PromptArgument = Schema.Struct({
  name: Schema.String,
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  required: Schema.optionalKey(Schema.Boolean)
})

/** @category models @since 0.1.0 */
export type PromptArgument = typeof PromptArgument.Type

/** @category models @since 0.1.0 */
export const Prompt = Schema.Struct({
  name: Schema.String,
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  icons: Schema.optionalKey(Schema.Array(Icon)),
  arguments: Schema.optionalKey(Schema.Array(PromptArgument)),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type Prompt = typeof Prompt.Type

/** @category models @since 0.1.0 */
export const ListPromptsResult = Schema.Struct({
  prompts: Schema.Array(Prompt),
  nextCursor: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type ListPromptsResult = typeof ListPromptsResult.Type

/** @category models @since 0.1.0 */
export const PromptMessage = Schema.Struct({ role: Role, content: ContentBlock })

/** @category models @since 0.1.0 */
export type PromptMessage = typeof PromptMessage.Type

/** @category models @since 0.1.0 */
export const GetPromptResult = Schema.Struct({
  description: Schema.optionalKey(Schema.String),
  messages: Schema.Array(PromptMessage),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type GetPromptResult = typeof GetPromptResult.Type

/** @category models @since 0.1.0 */
export const GetPromptParams = Schema.Struct({
  name: Schema.String,
  arguments: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  ...answers
})

/** @category models @since 0.1.0 */
export type GetPromptParams = typeof GetPromptParams.Type
