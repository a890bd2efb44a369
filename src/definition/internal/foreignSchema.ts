/**
 * A schema that is not of Effect, as one that is: a codec that leaves checking a value to somebody else's function and
 * carries the JSON Schema to list. `jsonSchema.ts` finds the document on the wire side of the codec. The same function
 * checks both ways, because that is all such a schema offers.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"

export type JsonObject = Schema.JsonObject

/** The JSON Schemas of one schema, written when they are asked for; they throw what a person has to do. */
export interface Documents {
  readonly input: () => JsonObject
  readonly output: () => JsonObject
}

/** Gives the value to go on with; in `strict` mode unknown keys of its root are refused. */
export type Validate = (value: unknown, strict: boolean) => Effect.Effect<unknown, SchemaIssue.Issue>

const annotation = "~fastmcp-effect/definition/internal/foreignSchema"

export const make = <T, E>(documents: Documents, validate: Validate): Schema.Codec<T, E> =>
  Schema.make<Schema.Codec<T, E>>(
    SchemaAST.decodeTo(
      new SchemaAST.Any({ [annotation]: documents }),
      new SchemaAST.Any(),
      SchemaTransformation.transformEffect<unknown, unknown>({
        decode: (value, options) => validate(value, options.onExcessProperty === "error"),
        encode: (value) => validate(value, false)
      })
    )
  )

/** What `make` put on a node of the wire side. */
export const documentsOf = (node: SchemaAST.AST): Documents | undefined =>
  node.annotations?.[annotation] as Documents | undefined

export interface Fault {
  readonly path: ReadonlyArray<PropertyKey>
  readonly message: string
}

export const issueOf = (faults: ReadonlyArray<Fault>): SchemaIssue.Issue => {
  const issues = faults.map(({ message, path }) => {
    const issue = new SchemaIssue.InvalidValue({ message })
    return path.length === 0 ? issue : new SchemaIssue.Pointer(path, issue)
  })
  return issues.length === 1
    ? issues[0]!
    : new SchemaIssue.Composite(new SchemaAST.Any(), issues as [SchemaIssue.Issue, ...Array<SchemaIssue.Issue>])
}

// -----------------------------------------------------------------------------
// documents
// -----------------------------------------------------------------------------

type Draft = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Draft =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Keywords whose value is data, whatever it looks like. */
const data = new Set(["const", "default", "enum", "examples"])

/** Keywords whose value has schemas under names of the author's. */
const named = new Set(["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"])

/** Rewrites every schema of a document, the inner ones first. */
export const mapSchemas = (schema: unknown, f: (schema: Draft) => Draft): unknown => {
  if (Array.isArray(schema)) return schema.map((member) => mapSchemas(member, f))
  if (!isObject(schema)) return schema
  const mapped = Object.entries(schema).map(([keyword, value]) => {
    if (data.has(keyword)) return [keyword, value]
    if (!named.has(keyword) || !isObject(value)) return [keyword, mapSchemas(value, f)]
    return [keyword, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapSchemas(inner, f)]))]
  })
  return f(Object.fromEntries(mapped))
}

/** The document as it reads at `pointer` of another, or undefined when it reads the same anywhere. */
export const rebase = (schema: JsonObject, pointer: string): JsonObject | undefined => {
  let moved = false
  const rebased = mapSchemas(schema, (inner) => {
    const { $ref } = inner
    if (typeof $ref !== "string" || !/^#(?:\/|$)/u.test($ref)) return inner
    moved = true
    return { ...inner, $ref: `${pointer}${$ref.slice(1)}` }
  })
  return moved ? rebased as JsonObject : undefined
}

/** Where a document points that is not in it, or undefined. */
export const unresolvedRef = (schema: JsonObject): string | undefined => {
  const refs = new Set<string>()
  const ids = new Set<string>()
  const anchors = new Set<string>()
  mapSchemas(schema, (inner) => {
    for (const ref of [inner.$ref, inner.$dynamicRef]) if (typeof ref === "string") refs.add(ref)
    for (const anchor of [inner.$anchor, inner.$dynamicAnchor]) {
      if (typeof anchor === "string") anchors.add(anchor)
    }
    if (typeof inner.$id === "string") ids.add(absolute(inner.$id, schema.$id))
    return inner
  })
  return [...refs].find((ref) => {
    if (!ref.startsWith("#")) return !ids.has(absolute(ref.replace(/#.*$/u, ""), schema.$id))
    // A schema with an id of its own starts counting at itself: left to the validator.
    if (ids.size > (schema.$id === undefined ? 0 : 1)) return false
    return ref === "#" || ref.startsWith("#/") ? at(schema, ref) === undefined : !anchors.has(ref.slice(1))
  })
}

const absolute = (id: string, base: unknown): string => {
  const root = typeof base === "string" && URL.canParse(base) ? base : "schema:/"
  return URL.canParse(id, root) ? new URL(id, root).href : id
}

const at = (root: Draft, pointer: string): unknown =>
  pointer.split("/").slice(1).reduce<unknown>((value, escaped) => {
    const key = decodeURIComponent(escaped).replaceAll("~1", "/").replaceAll("~0", "~")
    return typeof value === "object" && value !== null && Object.hasOwn(value, key)
      ? (value as Draft)[key]
      : undefined
  }, root)

// -----------------------------------------------------------------------------
// strictness
// -----------------------------------------------------------------------------

const combining = ["$dynamicRef", "$ref", "allOf", "anyOf", "dependentSchemas", "else", "if", "oneOf", "then"]

/** The document that refuses keys it does not name; as it is where it says itself what becomes of other keys. */
export const close = (schema: JsonObject): JsonObject => {
  if (saysItself(schema) || declaredKeys(schema) === undefined) return schema
  return combining.some((keyword) => keyword in schema)
    ? { ...schema, unevaluatedProperties: false }
    : { ...schema, additionalProperties: false }
}

const saysItself = (schema: Draft): boolean => "additionalProperties" in schema || "unevaluatedProperties" in schema

/** The keys a document names for an object at its root; undefined when it leaves them open. */
export const declaredKeys = (root: JsonObject): ReadonlySet<string> | undefined => {
  const keys = new Set<string>()
  const seen = new Set<unknown>()
  const isClosed = (schema: unknown): boolean => {
    if (schema === undefined || typeof schema === "boolean" || seen.has(schema)) return true
    if (!isObject(schema)) return false
    seen.add(schema)
    if (isObject(schema.properties)) { for (const key of Object.keys(schema.properties)) keys.add(key) }
    if ("patternProperties" in schema || "$dynamicRef" in schema) return false
    if (saysItself(schema)) {
      if ((schema.additionalProperties ?? schema.unevaluatedProperties) !== false) return false
    }
    const { $ref, dependentSchemas } = schema
    const parts = [
      ...["allOf", "anyOf", "oneOf"].flatMap((keyword) => schema[keyword] as ReadonlyArray<unknown> | undefined ?? []),
      ...["if", "then", "else"].map((keyword) => schema[keyword]),
      ...isObject(dependentSchemas) ? Object.values(dependentSchemas) : []
    ]
    if (typeof $ref === "string") {
      const target = /^#(?:\/|$)/u.test($ref) ? at(root, $ref) : undefined
      if (target === undefined) return false
      parts.push(target)
    }
    return parts.every(isClosed)
  }
  return isClosed(root) ? keys : undefined
}
