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
  const visit = (schema: JsonObject, path: ReadonlyArray<string>, isReachable: boolean): string | undefined => {
    const header = schema["x-mcp-header"]
    if (header !== undefined) {
      const at = JSON.stringify(path.join("."))
      if (!isReachable) return `x-mcp-header at ${at} is not reached by properties alone.`
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
    for (const [keyword, value] of Object.entries(schema)) {
      for (const [step, subschema] of subschemas(keyword, value)) {
        const problem = visit(subschema, [...path, ...step], isReachable && keyword === "properties")
        if (problem !== undefined) return problem
      }
    }
    return undefined
  }
  return visit(inputSchema, [], true) ?? found
}

/** The schemas under one keyword, each with the way to it; `properties` itself is no step. */
const subschemas = (
  keyword: string,
  value: Json | undefined
): ReadonlyArray<readonly [step: ReadonlyArray<string>, schema: JsonObject]> => {
  if (holdsOne.has(keyword)) return isObject(value) ? [[[keyword], value]] : []
  if (!holdsMany.has(keyword) || typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, schema]) =>
    isObject(schema) ? [[keyword === "properties" ? [key] : [keyword, key], schema] as const] : []
  )
}

const holdsOne = new Set([
  "additionalProperties",
  "contains",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties"
])

const holdsMany = new Set([
  "$defs",
  "allOf",
  "anyOf",
  "definitions",
  "dependentSchemas",
  "oneOf",
  "patternProperties",
  "prefixItems",
  "properties"
])

/** The value at a path of the arguments. @category headers @since 0.1.0 */
export const valueAt = (value: Json | undefined, path: ReadonlyArray<string>): Json | undefined => {
  let current = value
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined
    current = current[key]
  }
  return current
}
