import * as Schema from "effect/Schema"
import { AudioContent, ContentBlock, ImageContent, JsonObject, MetaObject, Role, TextContent } from "./content.ts"
import { Tool } from "./tools.ts"

// ----------------------------------------------------------------------------
// elicitation
// ----------------------------------------------------------------------------

/** The form as flat JSON Schema; what its properties may be is the specification's `PrimitiveSchemaDefinition`. @category models @since 0.1.0 */
export const ElicitFormParams = Schema.Struct({
  /** Form mode when left out, which older clients need. */
  mode: Schema.optionalKey(Schema.Literal("form")),
  message: Schema.String,
  requestedSchema: Schema.Struct({
    $schema: Schema.optionalKey(Schema.String),
    type: Schema.Literal("object"),
    properties: Schema.Record(Schema.String, JsonObject),
    required: Schema.optionalKey(Schema.Array(Schema.String))
  })
})

/** @category models @since 0.1.0 */
export type ElicitFormParams = typeof ElicitFormParams.Type

/** From 2025-11-25. @category models @since 0.1.0 */
export const ElicitUrlParams = Schema.Struct({
  mode: Schema.Literal("url"),
  message: Schema.String,
  url: Schema.String,
  /** 2025-11-25 alone, where it is required. */
  elicitationId: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type ElicitUrlParams = typeof ElicitUrlParams.Type

/** @category models @since 0.1.0 */
export const ElicitParams = Schema.Union([ElicitUrlParams, ElicitFormParams])

/** @category models @since 0.1.0 */
export type ElicitParams = typeof ElicitParams.Type

/** @category models @since 0.1.0 */
export const ElicitResult = Schema.Struct({
  action: Schema.Literals(["accept", "decline", "cancel"]),
  /** With an accepted form. */
  content: Schema.optionalKey(
    Schema.Record(
      Schema.String,
      Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Array(Schema.String)])
    )
  )
})

/** @category models @since 0.1.0 */
export type ElicitResult = typeof ElicitResult.Type

/** What a URL was opened for is done (2025-11-25 alone). @category models @since 0.1.0 */
export const ElicitationCompleteParams = Schema.Struct({ elicitationId: Schema.String })

/** @category models @since 0.1.0 */
export type ElicitationCompleteParams = typeof ElicitationCompleteParams.Type

// ----------------------------------------------------------------------------
// sampling
// ----------------------------------------------------------------------------

/** A model asks for a tool, from 2025-11-25. @category models @since 0.1.0 */
export const ToolUseContent = Schema.Struct({
  type: Schema.Literal("tool_use"),
  id: Schema.String,
  name: Schema.String,
  input: JsonObject,
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export const ToolResultContent = Schema.Struct({
  type: Schema.Literal("tool_result"),
  toolUseId: Schema.String,
  content: Schema.Array(ContentBlock),
  structuredContent: Schema.optionalKey(Schema.Unknown),
  isError: Schema.optionalKey(Schema.Boolean),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export const SamplingContent = Schema.Union([
  TextContent,
  ImageContent,
  AudioContent,
  ToolUseContent,
  ToolResultContent
])

/** @category models @since 0.1.0 */
export type SamplingContent = typeof SamplingContent.Type

/** @category models @since 0.1.0 */
export const SamplingMessage = Schema.Struct({
  role: Role,
  /** A list from 2025-11-25. */
  content: Schema.Union([SamplingContent, Schema.Array(SamplingContent)]),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type SamplingMessage = typeof SamplingMessage.Type

const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** @category models @since 0.1.0 */
export const ModelPreferences = Schema.Struct({
  hints: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.optionalKey(Schema.String) }))),
  /** Each from 0 to 1. */
  costPriority: Schema.optionalKey(share),
  speedPriority: Schema.optionalKey(share),
  intelligencePriority: Schema.optionalKey(share)
})

/** @category models @since 0.1.0 */
export const CreateMessageParams = Schema.Struct({
  messages: Schema.Array(SamplingMessage),
  maxTokens: Schema.Int,
  modelPreferences: Schema.optionalKey(ModelPreferences),
  systemPrompt: Schema.optionalKey(Schema.String),
  /** All but `none` are deprecated, and need a client with `sampling.context`. */
  includeContext: Schema.optionalKey(Schema.Literals(["none", "thisServer", "allServers"])),
  temperature: Schema.optionalKey(Schema.Finite),
  stopSequences: Schema.optionalKey(Schema.Array(Schema.String)),
  metadata: Schema.optionalKey(JsonObject),
  /** From 2025-11-25, for a client with `sampling.tools`. */
  tools: Schema.optionalKey(Schema.Array(Tool)),
  toolChoice: Schema.optionalKey(
    Schema.Struct({ mode: Schema.optionalKey(Schema.Literals(["auto", "required", "none"])) })
  )
})

/** @category models @since 0.1.0 */
export type CreateMessageParams = typeof CreateMessageParams.Type

/** @category models @since 0.1.0 */
export const CreateMessageResult = Schema.Struct({
  role: Role,
  content: Schema.Union([SamplingContent, Schema.Array(SamplingContent)]),
  model: Schema.String,
  /** `endTurn`, `stopSequence`, `maxTokens`, `toolUse`, or a provider's own. */
  stopReason: Schema.optionalKey(Schema.String),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type CreateMessageResult = typeof CreateMessageResult.Type

// ----------------------------------------------------------------------------
// roots
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export const Root = Schema.Struct({
  /** `file://` today. */
  uri: Schema.String,
  name: Schema.optionalKey(Schema.String),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type Root = typeof Root.Type

/** @category models @since 0.1.0 */
export const ListRootsResult = Schema.Struct({ roots: Schema.Array(Root) })

/** @category models @since 0.1.0 */
export type ListRootsResult = typeof ListRootsResult.Type
