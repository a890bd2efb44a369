/**
 * Schemas of a document as MCP lists them: JSON Schema 2020-12 and no more, with what they refer to in `$defs`, and only
 * that. Keywords that say something impossible are dropped one by one, as real documents have some; those only OpenAPI
 * knows, and extensions, are dropped, too.
 */
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import { arrayOf, at, type Document, entriesOf, resolve, Unusable } from "./document.ts"

/** What goes to the API has no `readOnly` members, what comes from it no `writeOnly` ones. */
export type Side = "input" | "output"

interface Def {
  readonly name: string
  readonly schema: Json
  readonly refs: ReadonlyArray<string>
}

type Draft = { [keyword: string]: Json }

export const maxText = 500

export class Schemas {
  private readonly document: Document
  private readonly defs: Record<Side, Map<string, Def>> = { input: new Map(), output: new Map() }
  private readonly names = new Map<string, string>()
  private readonly taken = new Set<string>()

  constructor(document: Document) {
    this.document = document
  }

  /** The schema, and what it refers to, each in its form for this side. */
  list(schema: Json | undefined, side: Side): JsonObject {
    const refs = new Set<string>()
    const root = this.convert(schema ?? true, side, refs)
    return this.attach(isObject(root) ? root : root === true ? {} : { not: {} }, side, refs)
  }

  /** Puts what `refs` lead to beside a schema. */
  attach(root: JsonObject, side: Side, refs: Set<string>): JsonObject {
    if (refs.size === 0) return root
    const $defs: Draft = {}
    for (const ref of refs) {
      const def = this.def(ref, side)
      $defs[def.name] = def.schema
      for (const next of def.refs) refs.add(next)
    }
    return { ...root, $defs }
  }

  private def(ref: string, side: Side): Def {
    const known = this.defs[side].get(ref)
    if (known !== undefined) return known
    const refs = new Set<string>()
    const schema = this.convert(at(this.document, ref), side, refs)
    const def = { name: this.nameOf(ref), schema, refs: [...refs] }
    this.defs[side].set(ref, def)
    return def
  }

  private nameOf(ref: string): string {
    const known = this.names.get(ref)
    if (known !== undefined) return known
    const base = ref.split("/").at(-1)!.replace(/~1|%[0-9A-Fa-f]{2}|[^A-Za-z0-9_.-]/gu, "_") || "schema"
    let name = base
    for (let n = 2; this.taken.has(name); n++) name = `${base}_${n}`
    this.names.set(ref, name)
    this.taken.add(name)
    return name
  }

  /** Rewrites one schema; adds to `refs` what it refers to. */
  convert(schema: Json, side: Side, refs: Set<string>): Json {
    if (typeof schema === "boolean") return schema
    if (!isObject(schema)) return {}
    const hidden = new Set<string>()
    if (isObject(schema.properties)) {
      for (const [name, property] of entriesOf(schema.properties)) {
        if (this.isHidden(property, side)) hidden.add(name)
      }
    }
    const converted: Draft = {}
    for (const [keyword, value] of entriesOf(schema)) {
      const [as, form] = forms.get(keyword) ?? []
      if (form === undefined) continue
      const kept = form(value, {
        schema: (inner) => this.convert(inner, side, refs),
        hidden,
        refer: (ref) => {
          if (isObject(at(this.document, ref)) || typeof at(this.document, ref) === "boolean") refs.add(ref)
          else throw new Unusable(`it refers to ${JSON.stringify(ref)} as a schema, which is none`)
          return `#/$defs/${this.nameOf(ref)}`
        },
        isOutput: side === "output"
      })
      if (kept === undefined) continue
      if (as === "anyOf" && converted.anyOf !== undefined) {
        converted.allOf = [...arrayOf(converted.allOf), { anyOf: kept }]
      } else if (as === "allOf" && Array.isArray(converted.allOf)) {
        converted.allOf = [...converted.allOf, ...arrayOf(kept)]
      } else if (!(as! in converted)) converted[as!] = kept
    }
    return converted
  }

  isHidden(property: Json, side: Side): boolean {
    const { readOnly, writeOnly } = isObject(property) && typeof property.$ref === "string"
      ? resolve(this.document, property)
      : isObject(property)
      ? property
      : {}
    return side === "input" ? readOnly === true : writeOnly === true
  }
}

// ----------------------------------------------------------------------------
// keywords
// ----------------------------------------------------------------------------

interface Rewriting {
  readonly schema: (inner: Json) => Json
  readonly refer: (ref: string) => string
  /** Properties that this side does not have. */
  readonly hidden: ReadonlySet<string>
  readonly isOutput: boolean
}

/** What becomes of a keyword's value; undefined where it says nothing that is possible. */
type Form = (value: Json, rewriting: Rewriting) => Json | undefined

const types = new Set<Json>(["array", "boolean", "integer", "null", "number", "object", "string"])

const type: Form = (value) => {
  if (!Array.isArray(value)) return types.has(value) ? value : undefined
  const known = [...new Set(value)].filter((name) => types.has(name))
  return known.length === 0 || known.length < new Set(value).size ? undefined : known.length === 1 ? known[0] : known
}

const number: Form = (value) =>
  typeof value === "number"
    ? value
    : typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))
    ? Number(value)
    : undefined

const count: Form = (value, rewriting) => {
  const n = number(value, rewriting)
  return Number.isInteger(n) && Number(n) >= 0 ? n : undefined
}

const text: Form = (value) => typeof value === "string" && value !== "" ? shortened(value, maxText) : undefined

const word: Form = (value) => typeof value === "string" ? value : undefined

const flag: Form = (value) => typeof value === "boolean" ? value : undefined

const one: Form = (value, { schema }) => isObject(value) || typeof value === "boolean" ? schema(value) : undefined

const list: Form = (value, { schema }) =>
  Array.isArray(value) && value.length > 0 ? value.map((inner) => schema(inner)) : undefined

const isPattern = (pattern: string): boolean => {
  try {
    return new RegExp(pattern, "u").unicode
  } catch {
    return false
  }
}

const named: Form = (value, { schema }) =>
  isObject(value)
    ? Object.fromEntries(entriesOf(value).map(([name, inner]) => [name, schema(inner)]))
    : undefined

const forms = new Map<string, readonly [as: string, form: Form]>([
  ...Object.entries<Form>({
    type,
    title: word,
    description: text,
    format: word,
    contentEncoding: word,
    contentMediaType: word,
    deprecated: flag,
    uniqueItems: flag,
    minimum: number,
    maximum: number,
    exclusiveMinimum: number,
    exclusiveMaximum: number,
    minLength: count,
    maxLength: count,
    minItems: count,
    maxItems: count,
    minProperties: count,
    maxProperties: count,
    minContains: count,
    maxContains: count,
    const: (value) => value,
    default: (value, { isOutput }) => isOutput ? undefined : value,
    multipleOf: (value, rewriting) => Number(number(value, rewriting)) > 0 ? number(value, rewriting) : undefined,
    pattern: (value) => typeof value === "string" && isPattern(value) ? value : undefined,
    enum: (value) => {
      const distinct = new Map(arrayOf(value).map((member) => [JSON.stringify(member), member]))
      return distinct.size === 0 ? undefined : [...distinct.values()]
    },
    examples: (value, { isOutput }) => {
      const [example] = arrayOf(value)
      return isOutput || example === undefined || JSON.stringify(example).length > 100 ? undefined : [example]
    },
    required: (value, { hidden }) => {
      const keys = [...new Set(arrayOf(value))].filter((key) => typeof key === "string" && !hidden.has(key))
      return keys.length === 0 ? undefined : keys
    },
    properties: (value, { hidden, schema }) =>
      isObject(value)
        ? Object.fromEntries(
          entriesOf(value).flatMap(([name, inner]) => hidden.has(name) ? [] : [[name, schema(inner)]])
        )
        : undefined,
    patternProperties: (value, rewriting) =>
      isObject(value)
        ? named(Object.fromEntries(entriesOf(value).filter(([pattern]) => isPattern(pattern))), rewriting)
        : undefined,
    dependentRequired: (value) => isObject(value) ? value : undefined,
    dependentSchemas: named,
    items: (value, rewriting) => Array.isArray(value) ? undefined : one(value, rewriting),
    prefixItems: list,
    contains: one,
    additionalProperties: one,
    unevaluatedProperties: one,
    unevaluatedItems: one,
    propertyNames: one,
    not: one,
    if: one,
    then: one,
    else: one,
    allOf: list,
    anyOf: list,
    $ref: (value, { refer }) => typeof value === "string" ? refer(value) : undefined
  }).map(([keyword, form]) => [keyword, [keyword, form]] as const),
  // What says `oneOf` mostly overlaps all the same, and an API that takes both must not be kept from it.
  ["oneOf", ["anyOf", list]]
])

/** At the end of a sentence or a word where there is one. */
export const shortened = (text: string, limit: number): string => {
  const trimmed = text.trim()
  if (trimmed.length <= limit) return trimmed
  const cut = trimmed.slice(0, limit - 1)
  const sentence = cut.search(/[.!?](?=\s[^.!?]*$)/u)
  if (sentence > limit / 2) return cut.slice(0, sentence + 1)
  const space = cut.lastIndexOf(" ")
  return `${(space > limit / 2 ? cut.slice(0, space) : cut).trimEnd()}…`
}
