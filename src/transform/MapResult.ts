/**
 * The results of tools, made into others: trimmed, translated, or given a structure that they did not have.
 */
import * as Effect from "effect/Effect"
import { memoize } from "effect/Function"
import type * as Schema from "effect/Schema"
import * as Definition from "../definition/Definition.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import type * as Provider from "../definition/Provider.ts"
import * as Tool from "../definition/Tool.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as definitions from "./internal/definitions.ts"
import * as expecting from "./internal/expecting.ts"

/** What a result is of. @category models @since 0.1.0 */
export interface Call {
  readonly tool: Tool.Any
  readonly arguments: JsonObject
}

/**
 * Any result, `isError` ones too, made into another. The tool's output schema stays: what has structured content goes on
 * having some that fits it.
 *
 * @category models
 * @since 0.1.0
 */
export type Mapping<R> = (
  result: McpSchema.CallToolResult,
  call: Call
) => Effect.Effect<McpSchema.CallToolResult, Definition.HandlerError, R>

/** A success that fits a schema of its own; see `structured`. @category models @since 0.1.0 */
export interface Structured<R> {
  readonly success: Schema.Codec<any, any>
  readonly map: (
    result: McpSchema.CallToolResult,
    call: Call
  ) => Effect.Effect<unknown, Definition.HandlerError, R>
}

/**
 * A value in the place of each result that is no error. The tool is listed with its schema, and a value that does not fit
 * is a bug of this server, as it is where a handler gives one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const structured = <S extends Schema.Codec<any, any>, R = never>(
  success: S,
  map: (result: McpSchema.CallToolResult, call: Call) => Effect.Effect<S["Type"], Definition.HandlerError, R>
): Structured<R> => ({ success, map })

/** @category models @since 0.1.0 */
export interface Options {
  /** What comes of a name that no tool has: `error`. One that is gone in a later catalogue is logged. */
  readonly missing?: expecting.Missing
}

/**
 * By the names of tools, or one mapping for all of them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(
  mappings: { readonly [tool: string]: Mapping<R> | Structured<R> } | Mapping<R>,
  options: Options = {}
): Provider.Transform<DefinitionError.DefinitionError, R> =>
<E, R0>(self: Provider.Provider<E, R0>) =>
  expecting.map<E, R0 | R>(
    self,
    typeof mappings === "function" ? [] : Object.keys(mappings).map((name) => ["tool", name] as const),
    options.missing ?? "error",
    (catalogue) =>
      catalogue.map((definition) => {
        if (!Tool.isHandled(definition)) return definition
        const mapping = typeof mappings === "function"
          ? mappings
          : Object.hasOwn(mappings, definition.name)
          ? mappings[definition.name]
          : undefined
        if (mapping === undefined) return definition
        return Definition.from(
          typeof mapping === "function" ? mapped(definition, mapping) : restructured(definition, mapping),
          `results of ${definition.name}`
        )
      })
  )

const mapped = (tool: Tool.AnyHandled, mapping: Mapping<any>): Tool.AnyHandled =>
  definitions.answered(
    tool,
    (respond) => (input, options) =>
      Effect.flatMap(respond(input, options), (result) => mapping(result, { tool, arguments: input }))
  )

const restructured = (tool: Tool.AnyHandled, { map, success }: Structured<any>): Tool.AnyHandled => {
  const contract = Tool.make(tool.name, { success })
  const wire = memoize((tool: Tool.AnyHandled) => {
    const relist = ({ outputSchema: _, ...listed }: McpSchema.Tool): McpSchema.Tool => {
      const { outputSchema } = contract.wire().description
      return outputSchema === undefined ? listed : { ...listed, outputSchema }
    }
    const strict = memoize((wire: ReturnType<Tool.Any["wire"]>) => relist(wire.strictDescription()))
    return {
      ...tool.wire(),
      description: relist(tool.wire().description),
      strictDescription: () => strict(tool.wire())
    }
  })
  return {
    ...definitions.answered(
      tool,
      (respond) => (input, options) =>
        Effect.flatMap(respond(input, options), (result) =>
          result.isError === true
            ? Effect.succeed(result)
            : Effect.flatMap(
              map(result, { tool, arguments: input }),
              (value) => contract.wire().answer.onSuccess(value)
            ))
    ),
    wire: () => wire(tool)
  }
}
