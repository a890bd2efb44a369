/** Something to send in the place of what a journal does not tell: small, and made of the JSON Schema that is listed. */
import { isObject, type Json, type JsonObject } from "../protocol/JsonRpc.ts"

export interface Filled {
  readonly value: Json
  /** Where something was made up. */
  readonly paths: ReadonlyArray<string>
}

/** `given` is asked first, by the path. */
export const fill = (recorded: Json | undefined, schema: JsonObject, given: (path: string) => unknown): Filled => {
  const paths: Array<string> = []
  const go = (value: Json | undefined, at: JsonObject, path: string): Json => {
    const type = missing(value)
    if (type !== undefined) {
      const chosen = given(path) as Json | undefined
      if (chosen !== undefined) return chosen
      paths.push(path === "" ? "/" : path)
      return make(at, schema, type, 0)
    }
    if (Array.isArray(value)) {
      return value.map((item, index) => go(item, within(at, schema, String(index)), `${path}/${index}`))
    }
    if (!isObject(value)) return value!
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key.replace("~undeclared ", "undeclared"),
        go(member, within(at, schema, key), `${path}/${key}`)
      ])
    )
  }
  return { value: go(recorded, schema, ""), paths }
}

/** The type of what a marker stands for. */
export const missing = (value: unknown): string | undefined => {
  if (!isObject(value as Json)) return undefined
  const type = (value as JsonObject)["~redacted"] ?? (value as JsonObject)["~left out"]
  return typeof type === "string" ? type : undefined
}

const resolve = (schema: JsonObject, root: JsonObject): JsonObject => {
  const { $ref } = schema
  if (typeof $ref !== "string" || !$ref.startsWith("#/")) return schema
  const found = $ref.slice(2).split("/").reduce<Json | undefined>(
    (at, part) => isObject(at) ? at[part.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined,
    root
  )
  return isObject(found) ? found : schema
}

/** The schemas it may be, itself first, with all that holds beside it. */
const options = (schema: JsonObject, root: JsonObject): ReadonlyArray<JsonObject> => {
  const own = resolve(schema, root)
  const at: JsonObject = Object.assign({}, own, ...listed(own.allOf).map((one) => resolve(one, root)))
  return [at, ...[...listed(own.anyOf), ...listed(own.oneOf)].flatMap((one) => options(one, root))]
}

const listed = (schemas: Json | undefined): ReadonlyArray<JsonObject> =>
  Array.isArray(schemas) ? schemas.filter(isObject) : []

const within = (schema: JsonObject, root: JsonObject, key: string): JsonObject => {
  for (const { additionalProperties, items, prefixItems, properties } of options(schema, root)) {
    if (isObject(properties) && isObject(properties[key])) return properties[key]
    if (Array.isArray(prefixItems) && isObject(prefixItems[Number(key)])) return prefixItems[Number(key)] as JsonObject
    if (isObject(items)) return items
    if (isObject(additionalProperties)) return additionalProperties
  }
  return {}
}

const make = (schema: JsonObject, root: JsonObject, type: string, depth: number): Json => {
  const found = options(schema, root)
  const at = { ...found[0], ...found.find((one) => one.type === type || (type === "number" && one.type === "integer")) }
  const known = at.const ?? (Array.isArray(at.enum) ? at.enum[0] : undefined) ?? at.default
    ?? (Array.isArray(at.examples) ? at.examples[0] : undefined)
  if (known !== undefined) return known
  switch (type) {
    case "string":
      // JSON Schema counts characters and an Effect Schema halves of them: what it lists may be half of what it wants.
      return formats[String(at.format)]
        ?? "placeholder".padEnd(number(at.minLength, 0) * 2, "-").slice(0, number(at.maxLength, Infinity))
    case "number":
      return Math.min(
        number(at.minimum, number(at.exclusiveMinimum, 0) + ("exclusiveMinimum" in at ? 1 : 0)),
        number(at.maximum, Infinity)
      )
    case "boolean":
      return false
    case "array":
      return depth > deepest ? [] : Array.from(
        { length: number(at.minItems, 0) },
        (_, index) => of(within(at, root, String(index)), root, depth + 1)
      )
    case "object": {
      const required = Array.isArray(at.required) ? at.required.map(String) : []
      return depth > deepest
        ? {}
        : Object.fromEntries(required.map((key) => [key, of(within(at, root, key), root, depth + 1)]))
    }
    default:
      return null
  }
}

const of = (schema: JsonObject, root: JsonObject, depth: number): Json => {
  const type = options(schema, root).map(({ type }) => Array.isArray(type) ? type[0] : type).find((type) =>
    type !== undefined
  )
  return make(schema, root, type === "integer" ? "number" : typeof type === "string" ? type : "string", depth)
}

const number = (value: Json | undefined, otherwise: number): number => typeof value === "number" ? value : otherwise

const deepest = 8

const formats: { readonly [format: string]: string } = {
  "date": "2026-01-01",
  "date-time": "2026-01-01T00:00:00.000Z",
  "email": "placeholder@example.com",
  "uri": "https://placeholder.example/",
  "uuid": "00000000-0000-4000-8000-000000000000"
}
