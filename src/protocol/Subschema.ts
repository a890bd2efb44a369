/**
 * Whether every value that one JSON Schema allows is allowed by another as well, and where not. What cannot be told by
 * looking (`not`, `if`, patterns that differ) counts as not allowed. Three things are taken as people mean them: an
 * object that names its members sends no others, a `format` of a string is checked and one of a number is not, and
 * bounds at the largest safe integer are none.
 */
import { isObject, type Json, type JsonObject } from "./JsonRpc.ts"

/** A schema, and the document its references lead into. @category models @since 0.1.0 */
export interface Part {
  readonly schema: Json
  readonly root: JsonObject
}

/** Where a value may be that is not allowed, and why. @category models @since 0.1.0 */
export type Fault =
  & { readonly path: ReadonlyArray<string> }
  & (
    /** The one is not of the kind the other wants. */
    | { readonly _tag: "Kind"; readonly narrow: Part; readonly wide: Part }
    /** A member the other always wants, which the one has at times, or never. */
    | { readonly _tag: "Missing"; readonly name: string; readonly isKnown: boolean }
    /** A member the other does not take. */
    | { readonly _tag: "Excess"; /** Undefined for any that it does not name. */ readonly name: string | undefined }
    /** A rule the other holds its values to, and what the one has of it. */
    | { readonly _tag: "Rule"; readonly rule: string; readonly narrow: Json | undefined; readonly wide: Json }
  )

/** @category models @since 0.1.0 */
export interface Options {
  /** Members without a name in the wider schema are no fault where it says that it has no others. */
  readonly ignoreExcess: boolean
}

/** Steps after which two schemas are taken for different: nobody writes such by hand. */
const maxSteps = 100_000

/** The same of levels. */
const maxDepth = 100

/** What is wrong with values of `narrow` where `wide` is wanted. @category comparisons @since 0.1.0 */
export const faults = (narrow: Part, wide: Part, options: Options): ReadonlyArray<Fault> => {
  const assumed = new Map<Json, Set<Json>>()
  const budget = { left: maxSteps }

  const compare = (narrow: Part, wide: Part, path: ReadonlyArray<string>): ReadonlyArray<Fault> => {
    if (budget.left-- <= 0 || path.length > maxDepth) return [{ _tag: "Kind", path, narrow, wide }]
    // A schema that holds itself fits where nothing else of it is at fault; a reference stands for what it leads to.
    const pairs = [[narrow.schema, wide.schema], [resolve(narrow), resolve(wide)]] as const
    if (pairs.some(([narrow, wide]) => assumed.get(narrow)?.has(wide) === true)) return []
    for (const [narrow, wide] of pairs) {
      if (isObject(narrow) && isObject(wide)) assumed.set(narrow, (assumed.get(narrow) ?? new Set()).add(wide))
    }
    const found = look(narrow, wide, path)
    if (found.length > 0) { for (const [narrow, wide] of pairs) assumed.get(narrow)?.delete(wide) }
    return found
  }

  const look = (narrow: Part, wide: Part, path: ReadonlyArray<string>): ReadonlyArray<Fault> => {
    const all = alternatives(narrow, budget)
    if (all.length !== 1) {
      const wrong = all.filter((each) => compare(each, wide, path).length > 0)
      if (wrong.length === 0) return []
      // Of several objects it matters which.
      const isOneOfObjects = typesOf(asObject(wrong[0]!.schema))?.has("object") === true
      return [{ _tag: "Kind", path, narrow: isOneOfObjects ? wrong[0]! : narrow, wide }]
    }
    return conjuncts(wide, budget).flatMap((each) =>
      each._tag === "All" ? plain(all[0]!, each.part, path) : someOf(all[0]!, each.parts, wide, path)
    )
  }

  const someOf = (
    narrow: Part,
    members: ReadonlyArray<Part>,
    wide: Part,
    path: ReadonlyArray<string>
  ): ReadonlyArray<Fault> => {
    const all = members.map((member) => compare(narrow, member, path))
    if (all.some((found) => found.length === 0)) return []
    // Beside `null` there is but one that can have been meant.
    const meant = members.flatMap((member, index) =>
      typesOf(asObject(resolve(member)))?.has("null") === true ? [] : [all[index]!]
    )
    return meant.length === 1 && members.length === 2 ? meant[0]! : [{ _tag: "Kind", path, narrow, wide }]
  }

  /** Both without references and alternatives. */
  const plain = (narrow: Part, wide: Part, path: ReadonlyArray<string>): ReadonlyArray<Fault> => {
    const kind: ReadonlyArray<Fault> = [{ _tag: "Kind", path, narrow, wide }]
    if (wide.schema === true || narrow.schema === false) return []
    if (wide.schema === false) return kind
    const [ours, theirs] = [asObject(narrow.schema), asObject(wide.schema)]
    const [ourTypes, theirTypes] = [typesOf(ours), typesOf(theirs)]
    if (theirTypes !== undefined && !within(ourTypes, theirTypes)) return kind
    const [values, allowed] = [valuesOf(ours), valuesOf(theirs)]
    if (allowed !== undefined) {
      const texts = new Set(allowed.map(canonical))
      return values?.every((value) => texts.has(canonical(value))) === true ? [] : kind
    }
    if (values !== undefined && values.every((value) => typeof value !== "object" || value === null)) {
      return values.flatMap((value) => rules(bounds(value), theirs, path))
    }
    return [
      ...rules(ours, theirs, path),
      ...(ourTypes?.has("array") === false ? [] : items(ours, narrow.root, theirs, wide.root, path)),
      ...(ourTypes?.has("object") === false ? [] : members(ours, narrow.root, theirs, wide.root, path))
    ]
  }

  const items = (
    ours: JsonObject,
    ourRoot: JsonObject,
    theirs: JsonObject,
    theirRoot: JsonObject,
    path: ReadonlyArray<string>
  ): ReadonlyArray<Fault> => {
    const [first, others] = [listOf(ours.prefixItems), listOf(theirs.prefixItems)]
    const item = (list: ReadonlyArray<Json>, schema: JsonObject, index: number) => list[index] ?? schema.items ?? true
    const count = Math.max(first.length, others.length)
    const longest = numberOr(ours.maxItems, Infinity)
    return Array.from({ length: count + 1 }, (_, index) =>
      index >= longest ? [] : compare(
        { schema: item(first, ours, index), root: ourRoot },
        { schema: item(others, theirs, index), root: theirRoot },
        [...path, index < count ? String(index) : "[]"]
      )).flat()
  }

  const members = (
    ours: JsonObject,
    ourRoot: JsonObject,
    theirs: JsonObject,
    theirRoot: JsonObject,
    path: ReadonlyArray<string>
  ): ReadonlyArray<Fault> => {
    const [own, wanted] = [propertiesOf(ours), propertiesOf(theirs)]
    const [always, required] = [requiredOf(ours), requiredOf(theirs)]
    const isOpen = own === none ? ours.additionalProperties !== false : saysSomething(ours.additionalProperties)
    /** Of a member without a name. */
    const rest = isOpen ? ours.additionalProperties ?? true : false
    const other = theirs.additionalProperties ?? true
    const missing = [...required].filter((name) => !always.has(name))
    return [
      ...Object.entries(wanted).flatMap(([name, schema]) =>
        missing.includes(name) && !Object.hasOwn(own, name) ? [] : compare(
          { schema: at(own, name) ?? rest, root: ourRoot },
          { schema: schema!, root: theirRoot },
          [...path, name]
        )
      ),
      ...Object.entries(own).flatMap(([name, schema]): ReadonlyArray<Fault> =>
        Object.hasOwn(wanted, name)
          ? []
          : other === false
          ? options.ignoreExcess || theirs.patternProperties !== undefined ? [] : [{ _tag: "Excess", path, name }]
          : compare({ schema: schema!, root: ourRoot }, { schema: other, root: theirRoot }, [...path, name])
      ),
      ...(rest === false || (other === false && options.ignoreExcess)
        ? []
        : other === false
        ? [{ _tag: "Excess", path, name: undefined } as const]
        : compare({ schema: rest, root: ourRoot }, { schema: other, root: theirRoot }, [...path, "*"])),
      ...missing.map((name): Fault => ({ _tag: "Missing", path, name, isKnown: Object.hasOwn(own, name) }))
    ]
  }

  return compare(narrow, wide, [])
}

// ----------------------------------------------------------------------------
// the parts of a schema
// ----------------------------------------------------------------------------

const none: JsonObject = {}

const saysSomething = (schema: Json | undefined): boolean => isObject(schema) && Object.keys(schema).length > 0

const asObject = (schema: Json): JsonObject => isObject(schema) ? schema : none

const listOf = (value: Json | undefined): ReadonlyArray<Json> => Array.isArray(value) ? value : []

const at = (object: JsonObject, key: string): Json | undefined => Object.hasOwn(object, key) ? object[key] : undefined

const propertiesOf = ({ properties }: JsonObject): JsonObject => isObject(properties) ? properties : none

const requiredOf = ({ required }: JsonObject): ReadonlySet<string> =>
  new Set(listOf(required).filter((name) => typeof name === "string"))

/** What a reference within the document leads to. @category getters @since 0.1.0 */
export const resolve = ({ root, schema }: Part): Json => {
  let current = schema
  for (let hops = 0; hops < 100 && isObject(current) && typeof current.$ref === "string"; hops++) {
    const { $ref, ...beside } = current
    const target = follow($ref, root)
    if (target === undefined) return current
    current = Object.keys(beside).some((key) => !remarks.has(key))
      ? { ...beside, allOf: [...listOf(beside.allOf), target] }
      : target
  }
  return current
}

const follow = (reference: string, root: JsonObject): Json | undefined => {
  if (reference === "#") return root
  if (!reference.startsWith("#/")) return undefined
  let current: Json | undefined = root
  for (const key of reference.slice(2).split("/")) {
    const name = unescape(key)
    current = isObject(current) ? at(current, name) : Array.isArray(current) ? current[Number(name)] : undefined
  }
  return current
}

/** A pointer is in a URI's fragment, or written as if it were not. */
const unescape = (key: string): string => {
  const plain = key.replaceAll("~1", "/").replaceAll("~0", "~")
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

/** What says how a value is to be shown, and nothing of what it may be. */
const remarks = new Set([
  "$comment",
  "$defs",
  "$id",
  "$schema",
  "default",
  "definitions",
  "deprecated",
  "description",
  "examples",
  "readOnly",
  "title",
  "writeOnly"
])

interface Budget {
  left: number
}

/** What a value of it is one of; each is without references and alternatives. */
const alternatives = (part: Part, budget: Budget, depth = 0): ReadonlyArray<Part> => {
  const schema = resolve(part)
  if (!isObject(schema) || budget.left-- <= 0 || depth > maxDepth) return [{ ...part, schema }]
  const { allOf, anyOf, oneOf, ...beside } = schema
  const types = listOf(beside.type)
  let found: ReadonlyArray<Schema> = types.length > 1 ? types.map((type) => ({ ...beside, type })) : [
    // Its identity is what tells that it was seen before.
    allOf === undefined && anyOf === undefined && oneOf === undefined ? schema : beside as JsonObject
  ]
  const cross = (members: ReadonlyArray<Json>) => {
    const all = members.flatMap((member) => alternatives({ schema: member, root: part.root }, budget, depth + 1))
    budget.left -= found.length * all.length
    if (budget.left > 0) found = found.flatMap((one) => all.map(({ schema }) => both(one, schema as Schema)))
  }
  for (const member of listOf(allOf)) cross([member])
  for (const members of [anyOf, oneOf]) if (Array.isArray(members)) cross(members)
  return found.map((schema) => ({ ...part, schema }))
}

type Schema = JsonObject | boolean

/** What both allow, or a little more. */
const both = (a: Schema, b: Schema): Schema => {
  if (a === false || b === false) return false
  if (a === true) return b
  if (b === true) return a
  const [one, other] = [propertiesOf(a), propertiesOf(b)]
  const properties: JsonObject = Object.fromEntries(
    Object.entries({ ...other, ...one }).map(([name, schema]) => {
      const [first, second] = [at(one, name), at(other, name)]
      return [
        name,
        first === undefined || second === undefined || first === second ? schema : { allOf: [first, second] }
      ]
    })
  )
  const type = a.type === undefined || (a.type === "number" && b.type !== undefined) ? b.type : a.type
  return {
    ...b,
    ...a,
    ...(type === undefined ? undefined : { type }),
    ...(one === none && other === none ? undefined : { properties }),
    ...(a.required === undefined && b.required === undefined
      ? undefined
      : { required: [...listOf(a.required), ...listOf(b.required)] })
  }
}

/** What a value has to be, whatever else it is: one thing, or one of several. */
type Conjunct =
  | { readonly _tag: "All"; readonly part: Part }
  | { readonly _tag: "Some"; readonly parts: ReadonlyArray<Part> }

const conjuncts = (part: Part, budget: Budget, depth = 0): ReadonlyArray<Conjunct> => {
  const schema = resolve(part)
  if (!isObject(schema) || budget.left-- <= 0 || depth > maxDepth) return [{ _tag: "All", part: { ...part, schema } }]
  const { allOf, anyOf, oneOf, ...beside } = schema
  const inside = (schema: Json): Part => ({ schema, root: part.root })
  return [
    { _tag: "All", part: { ...part, schema: beside as JsonObject } },
    ...listOf(allOf).flatMap((member) => conjuncts(inside(member), budget, depth + 1)),
    ...[anyOf, oneOf].flatMap((members) =>
      Array.isArray(members) ? [{ _tag: "Some", parts: members.map(inside) } as const] : []
    )
  ]
}

const typesOf = (schema: JsonObject): ReadonlySet<string> | undefined => {
  const { type } = schema
  if (typeof type === "string") return new Set([type])
  if (Array.isArray(type)) return new Set(type.map(String))
  const values = valuesOf(schema)
  return values === undefined ? undefined : new Set(values.map(typeOf))
}

const typeOf = (value: Json): string =>
  value === null
    ? "null"
    : Array.isArray(value)
    ? "array"
    : typeof value === "number" && Number.isInteger(value)
    ? "integer"
    : typeof value

const within = (types: ReadonlySet<string> | undefined, wanted: ReadonlySet<string>): boolean =>
  types !== undefined &&
  [...types].every((type) => wanted.has(type) || (type === "integer" && wanted.has("number")))

const valuesOf = (schema: JsonObject): ReadonlyArray<Json> | undefined =>
  schema.const !== undefined ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : undefined

/** A value with its keys in order. */
const canonical = (value: Json | undefined): string =>
  JSON.stringify(value, (_, member) =>
    isObject(member)
      ? Object.fromEntries(
        Object.entries(member).filter(([key]) => !remarks.has(key)).toSorted(([a], [b]) => a < b ? -1 : 1)
      )
      : member) ?? ""

// ----------------------------------------------------------------------------
// rules for values
// ----------------------------------------------------------------------------

const lower = ["minLength", "minItems", "minProperties", "minContains"] as const

const upper = ["maxLength", "maxItems", "maxProperties", "maxContains"] as const

/** Rules that are the same or not. */
const opaque = [
  "not",
  "if",
  "then",
  "else",
  "contains",
  "contentEncoding",
  "contentMediaType",
  "dependentRequired",
  "dependentSchemas",
  "dependencies",
  "patternProperties",
  "propertyNames",
  "unevaluatedItems",
  "unevaluatedProperties",
  "$ref",
  "$dynamicRef"
] as const

/** One value as the rules that it keeps. */
const bounds = (value: Json): JsonObject =>
  typeof value === "number"
    ? { minimum: value, maximum: value, multipleOf: value, value }
    : typeof value === "string"
    ? { minLength: [...value].length, maxLength: [...value].length, value }
    : { value }

const rules = (ours: JsonObject, theirs: JsonObject, path: ReadonlyArray<string>): ReadonlyArray<Fault> => {
  const broken: Array<Fault> = []
  const hold = (rule: string, isKept: boolean) => {
    if (!isKept) broken.push({ _tag: "Rule", path, rule, narrow: ours[rule], wide: theirs[rule]! })
  }
  for (const rule of lower) {
    const least = theirs[rule]
    if (typeof least === "number" && least > 0) hold(rule, typeof ours[rule] === "number" && ours[rule] >= least)
  }
  for (const rule of upper) {
    const most = theirs[rule]
    if (typeof most === "number") hold(rule, typeof ours[rule] === "number" && ours[rule] <= most)
  }
  const least = Math.max(numberOr(ours.minimum, -Infinity), numberOr(ours.exclusiveMinimum, -Infinity))
  const most = Math.min(numberOr(ours.maximum, Infinity), numberOr(ours.exclusiveMaximum, Infinity))
  const { exclusiveMaximum, exclusiveMinimum, maximum, minimum, multipleOf } = theirs
  if (typeof minimum === "number" && minimum > Number.MIN_SAFE_INTEGER) hold("minimum", least >= minimum)
  if (typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER) hold("maximum", most <= maximum)
  if (typeof exclusiveMinimum === "number") {
    hold("exclusiveMinimum", least > exclusiveMinimum || ours.exclusiveMinimum === exclusiveMinimum)
  }
  if (typeof exclusiveMaximum === "number") {
    hold("exclusiveMaximum", most < exclusiveMaximum || ours.exclusiveMaximum === exclusiveMaximum)
  }
  if (typeof multipleOf === "number") {
    hold(
      "multipleOf",
      (typeof ours.multipleOf === "number" && ours.multipleOf % multipleOf === 0) ||
        (ours.type === "integer" && 1 % multipleOf === 0)
    )
  }
  if (theirs.uniqueItems === true) hold("uniqueItems", ours.uniqueItems === true)
  if (theirs.pattern !== undefined) {
    hold("pattern", ours.pattern === theirs.pattern || matches(theirs.pattern, ours.value))
  }
  if (theirs.format !== undefined && mayBeText(ours)) {
    hold("format", ours.format === theirs.format || typeof ours.value === "string")
  }
  for (const rule of opaque) {
    if (theirs[rule] !== undefined) hold(rule, canonical(ours[rule]) === canonical(theirs[rule]))
  }
  return broken
}

const numberOr = (value: Json | undefined, otherwise: number): number => typeof value === "number" ? value : otherwise

const mayBeText = (schema: JsonObject): boolean => typesOf(schema)?.has("string") !== false

const matches = (pattern: Json, value: Json | undefined): boolean => {
  if (typeof value !== "string") return false
  try {
    return new RegExp(String(pattern), "u").test(value)
  } catch {
    return false
  }
}

// ----------------------------------------------------------------------------
// words
// ----------------------------------------------------------------------------

const quote = (value: Json): string => JSON.stringify(value)

/** For people: a rule, and what it is. @category words @since 0.1.0 */
export const ruleOf = ({ rule, wide }: Extract<Fault, { _tag: "Rule" }>): string =>
  short(`${quote(rule)}: ${quote(wide)}`)

const short = (text: string): string => text.length <= 120 ? text : `${text.slice(0, 119)}…`

/** For people: what two schemas allow, in few words, unless those are the same. @category words @since 0.1.0 */
export const kindsOf = (a: Part, b: Part): readonly [string, string] => {
  const [one, other] = [kindOf(a), kindOf(b)]
  return one === other ? [jsonOf(a), jsonOf(b)] : [one, other]
}

const jsonOf = (part: Part): string => short(quote(resolve(part)))

/** For people: the types, the values, or the whole schema where it has neither. */
const kindOf = (part: Part): string => {
  const schema = resolve(part)
  if (schema === true || (isObject(schema) && Object.keys(schema).length === 0)) return "anything"
  if (!isObject(schema)) return quote(schema)
  if (schema.const !== undefined) return quote(schema.const)
  if (Array.isArray(schema.enum)) return short(`one of ${schema.enum.map(quote).join(", ")}`)
  if (typeof schema.type === "string") return `of type ${schema.type}`
  const types = Array.isArray(schema.type) ? schema.type : listOf(schema.anyOf ?? schema.oneOf).map((member) => {
    const inside = resolve({ schema: member, root: part.root })
    return isObject(inside) ? inside.type : undefined
  })
  return types.length > 0 && types.every((type) => typeof type === "string")
    ? `of type ${[...new Set(types)].join(" or ")}`
    : short(quote(schema))
}
