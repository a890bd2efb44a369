/**
 * The live set of a server's definitions, in the order they were registered, and who wants to hear that it changed.
 */
import type * as Context from "effect/Context"
import * as DefinitionError from "../definition/DefinitionError.ts"
import * as Tool from "../definition/Tool.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as JsonSchema from "../protocol/JsonSchema.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"

export interface RegisteredTool {
  readonly tool: Tool.AnyHandled
  /** What the tool's handler was assembled with. */
  readonly context: Context.Context<never>
  /** Arguments its callers mirror into headers. */
  readonly headers: ReadonlyArray<JsonSchema.HeaderParameter>
}

export interface Registry {
  readonly tool: (name: string) => RegisteredTool | undefined
  readonly tools: () => ReadonlyArray<McpSchema.Tool>
  /** Adds all or none. */
  readonly addTools: (
    tools: ReadonlyArray<Tool.AnyHandled>,
    context: Context.Context<never>
  ) => DefinitionError.DefinitionError | undefined
  readonly removeTools: (names: ReadonlyArray<string>) => void
  /** Calls back on each change, until the result is called. */
  readonly onToolsChanged: (listener: () => void) => () => void
}

export const make = (): Registry => {
  const tools = new Map<string, RegisteredTool>()
  const listeners = new Set<() => void>()
  let described: ReadonlyArray<McpSchema.Tool> | undefined

  const changed = () => {
    described = undefined
    for (const listener of [...listeners]) listener()
  }

  return {
    tool: (name) => tools.get(name),
    tools: () => described ??= Array.from(tools.values(), ({ tool }) => Tool.describe(tool)),
    addTools: (added, context) => {
      const entries = new Map<string, RegisteredTool>()
      for (const tool of added) {
        if (tools.has(tool.name) || entries.has(tool.name)) {
          return DefinitionError.make(new DefinitionError.Duplicate({ kind: "tool", name: tool.name }))
        }
        const entry = register(tool, context)
        if (entry instanceof DefinitionError.DefinitionError) return entry
        entries.set(tool.name, entry)
      }
      for (const [name, entry] of entries) tools.set(name, entry)
      if (entries.size > 0) changed()
      return undefined
    },
    removeTools: (names) => {
      const removed = names.filter((name) => tools.delete(name))
      if (removed.length > 0) changed()
    },
    onToolsChanged: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    }
  }
}

const register = (
  tool: Tool.AnyHandled,
  context: Context.Context<never>
): RegisteredTool | DefinitionError.DefinitionError => {
  if (!/^[A-Za-z\d_.-]{1,128}$/u.test(tool.name)) {
    return invalid(tool.name, "a tool's name has 1 to 128 characters out of A-Z a-z 0-9 _ . -")
  }
  let description: McpSchema.Tool
  try {
    description = Tool.describe(tool)
  } catch (cause) {
    return invalid(tool.name, (cause as Error).message)
  }
  const headers = JsonSchema.headerParameters(description.inputSchema as JsonObject)
  return typeof headers === "string" ? invalid(tool.name, headers) : { tool, context, headers }
}

const invalid = (name: string, message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name: JSON.stringify(name), message }))
