/**
 * How tools are found by what somebody says of them; `ToolSearch` asks. `ToolIndexBm25` and `ToolIndexRegex` are two
 * ways, and any other may stand in their place.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Tool from "../definition/Tool.ts"
import { isObject, type Json, type JsonObject } from "../protocol/JsonRpc.ts"

/** What can be said of a tool. @category models @since 0.1.0 */
export interface Document {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly tags: string
  /** Names and descriptions of its arguments. */
  readonly parameters: string
}

/** A query that asks for nothing. @category errors @since 0.1.0 */
export class InvalidQuery extends Schema.TaggedError<InvalidQuery>("fastmcp-effect/transform/ToolIndex/InvalidQuery")(
  "InvalidQuery",
  { text: Schema.String }
) {
  override get message(): string {
    return this.text
  }
}

/** The names of tools that fit, best first, out of those that may be found. @category models @since 0.1.0 */
export type Search = (
  query: string,
  options: { readonly limit: number; readonly isFound: (name: string) => boolean }
) => Effect.Effect<ReadonlyArray<string>, InvalidQuery>

/** @category models @since 0.1.0 */
export interface ToolIndex {
  /** What a query is, told to the model. */
  readonly query: string
  /** Made anew with each change of the catalogue. */
  readonly index: (documents: ReadonlyArray<Document>) => Effect.Effect<Search, DefinitionError.DefinitionError>
}

/** @category constructors @since 0.1.0 */
export const documentOf = (tool: Tool.Any): Document => {
  const { annotations, description = "", inputSchema, name, title } = Tool.describe(tool)
  return {
    name,
    title: title ?? annotations?.title ?? "",
    description,
    tags: (tool.tags ?? []).join(" "),
    parameters: Object.entries(propertiesOf(inputSchema as JsonObject)).map(([name, schema]) =>
      isObject(schema) && typeof schema.description === "string" ? `${name} ${schema.description}` : name
    ).join("\n")
  }
}

const propertiesOf = ({ properties }: JsonObject): JsonObject =>
  isObject(properties as Json) ? properties as JsonObject : {}
