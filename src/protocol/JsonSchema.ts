/**
 * What MCP itself reads in a tool's JSON Schema: the properties a client mirrors into HTTP headers (`x-mcp-header`,
 * 2026-07-28).
 */
import { isObject, type Json, type JsonObject } from "./JsonRpc.ts"

/** @category models @since 0.1.0 */
export interface HeaderParameter {
  /** Keys from the root of the arguments to the value. */
  readonly path: ReadonlyArray<string>
  /** `Region` for the header `Mcp-Param-Region`. */
  readonly header: string
  readonly type: "string" | "integer" | "boolean"
}

/**
 * The annotated properties of an input schema, or what is wrong with one of them: a client drops such a tool, so a
 * server must not offer it.
 *
 * @category headers
 * @since 0.1.0
 */
export const headerParameters = (inputSchema: JsonObject): ReadonlyArray<HeaderParameter> | string => {
  const found: Array<HeaderParameter> = []
  const seen = new Set<string>()
  const visit = (schema: JsonObject, path: ReadonlyArray<string>): string | undefined => {
    const header = schema["x-mcp-header"]
    if (header !== undefined) {
      const at = JSON.stringify(path.join("."))
      const { type } = schema
      if (typeof header !== "string" || !/^[!#$%&'*+.^_`|~\dA-Za-z-]+$/u.test(header)) {
        return `x-mcp-header at ${at} is not a header name.`
      }
      if (type !== "string" && type !== "integer" && type !== "boolean") {
        return `x-mcp-header at ${at} stands on a ${
          String(type)
        }; only a string, an integer or a boolean can be mirrored.`
      }
      if (seen.has(header.toLowerCase())) return `x-mcp-header ${JSON.stringify(header)} stands on two properties.`
      seen.add(header.toLowerCase())
      found.push({ path, header, type })
    }
    const { properties } = schema
    if (!isObject(properties)) return undefined
    for (const [key, property] of Object.entries(properties)) {
      const problem = isObject(property) ? visit(property, [...path, key]) : undefined
      if (problem !== undefined) return problem
    }
    return undefined
  }
  return visit(inputSchema, []) ?? found
}

/** The value at a path of the arguments. @category headers @since 0.1.0 */
export const valueAt = (value: Json | undefined, path: ReadonlyArray<string>): Json | undefined => {
  let current = value
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined
    current = current[key]
  }
  return current
}
