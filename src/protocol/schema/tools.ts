import * as Schema from "effect/Schema"
import { ContentBlock, Icon, JsonObject, MetaObject } from "./content.ts"
import { answers } from "./inputRounds.ts"
import { TaskSupport } from "./tasks.ts"

/** Hints a client must not trust from a server it does not trust. @category models @since 0.1.0 */
export const ToolAnnotations = Schema.Struct({
  title: Schema.optionalKey(Schema.String),
  readOnlyHint: Schema.optionalKey(Schema.Boolean),
  /** Meaningful when not read-only; the protocol's default is true. */
  destructiveHint: Schema.optionalKey(Schema.Boolean),
  idempotentHint: Schema.optionalKey(Schema.Boolean),
  /** The protocol's default is true. */
  openWorldHint: Schema.optionalKey(Schema.Boolean)
})

/** @category models @since 0.1.0 */
export type ToolAnnotations = typeof ToolAnnotations.Type

/** @category models @since 0.1.0 */
export const Tool = Schema.Struct({
  name: Schema.String,
  title: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
  icons: Schema.optionalKey(Schema.Array(Icon)),
  inputSchema: Schema.Record(Schema.String, Schema.Unknown),
  /** Any root from 2026-07-28; an object before, where another root is left out. */
  outputSchema: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  annotations: Schema.optionalKey(ToolAnnotations),
  /** 2025-11-25 alone; from 2026-07-28 the server decides call by call. */
  execution: Schema.optionalKey(Schema.Struct({ taskSupport: Schema.optionalKey(TaskSupport) })),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type Tool = typeof Tool.Type

/** @category models @since 0.1.0 */
export const ListParams = Schema.Struct({ cursor: Schema.optionalKey(Schema.String) })

/** @category models @since 0.1.0 */
export const ListToolsResult = Schema.Struct({
  tools: Schema.Array(Tool),
  nextCursor: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type ListToolsResult = typeof ListToolsResult.Type

/** @category models @since 0.1.0 */
export const CallToolParams = Schema.Struct({
  name: Schema.String,
  arguments: Schema.optionalKey(JsonObject),
  ...answers
})

/** @category models @since 0.1.0 */
export type CallToolParams = typeof CallToolParams.Type

/**
 * Of a client that may want it to be a task (2025-11-25 alone): whoever runs tasks reads it as `TaskMetadata`, to the
 * others it says nothing.
 *
 * @category models
 * @since 0.1.0
 */
export const CallToolAsTaskParams = Schema.Struct({
  ...CallToolParams.fields,
  task: Schema.optionalKey(JsonObject)
})

/** @category models @since 0.1.0 */
export type CallToolAsTaskParams = typeof CallToolAsTaskParams.Type

/** @category models @since 0.1.0 */
export const CallToolResult = Schema.Struct({
  content: Schema.Array(ContentBlock),
  /** Any JSON from 2026-07-28; an object before, where anything else is left out. */
  structuredContent: Schema.optionalKey(Schema.Unknown),
  isError: Schema.optionalKey(Schema.Boolean),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type CallToolResult = typeof CallToolResult.Type
