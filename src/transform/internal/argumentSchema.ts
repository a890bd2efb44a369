/**
 * The input schema of a tool whose arguments are reshaped. It promises no more than the tool keeps: a condition that is
 * about a reshaped argument is left out, since the tool checks it all the same.
 */
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"

/** What becomes of one argument. */
export interface Reshaping {
  /** What it is called now; undefined where nobody sees it. */
  readonly name: string | undefined
  readonly title: string | undefined
  readonly description: string | undefined
  /** In the place of its schema, as a document of its own. */
  readonly schema: JsonObject | undefined
  /** There is a value where a caller gives none. */
  readonly hasValue: boolean
  /** The value, if it is known and to be told. */
  readonly default: Json | undefined
  readonly required: boolean | undefined
}

export interface Reshaped {
  readonly schema: JsonObject
  /** All arguments that are named, as they were and as they are; hidden ones are undefined. */
  readonly names: ReadonlyMap<string, string | undefined>
}

/** Or why it cannot be. */
export const reshape = (root: JsonObject, reshapings: ReadonlyMap<string, Reshaping>): Reshaped | string => {
  const declared = new Set<string>()
  const required = new Set<string>()
  for (const face of facesOf(root, root, new Set())) {
    if (isObject(face.properties)) { for (const name of Object.keys(face.properties)) declared.add(name) }
    for (const name of namesIn(face.required)) required.add(name)
  }
  for (const [name, { hasValue, name: outer, required: isRequired }] of reshapings) {
    if (!declared.has(name)) {
      return `it has no argument ${JSON.stringify(name)}; ${
        declared.size === 0 ? "it has none" : `it has ${[...declared].join(", ")}`
      }`
    }
    if (required.has(name) && !hasValue && (outer === undefined || isRequired === false)) {
      return `its argument ${JSON.stringify(name)} is required; give it a value`
    }
  }
  const names = new Map<string, string | undefined>(
    [...declared].map((name) => [name, reshapings.has(name) ? reshapings.get(name)!.name : name])
  )
  const taken = new Map<string, string>()
  for (const [name, outer] of names) {
    if (outer === undefined) continue
    const rival = taken.get(outer)
    if (rival !== undefined) {
      return `two of its arguments, ${JSON.stringify(rival)} and ${JSON.stringify(name)}, would be called ${
        JSON.stringify(outer)
      }`
    }
    taken.set(outer, name)
  }
  return { schema: new Writer(root, reshapings, names).write(), names }
}

class Writer {
  private readonly root: JsonObject
  private readonly reshapings: ReadonlyMap<string, Reshaping>
  private readonly names: ReadonlyMap<string, string | undefined>
  private readonly definitions = new Map<string, Json>()

  constructor(
    root: JsonObject,
    reshapings: ReadonlyMap<string, Reshaping>,
    names: ReadonlyMap<string, string | undefined>
  ) {
    this.root = root
    this.reshapings = reshapings
    this.names = names
  }

  write(): JsonObject {
    const face = this.face(this.root, new Set())
    const demanded = [...this.reshapings.values()].flatMap(({ name, required }) =>
      required === true && name !== undefined ? [name] : []
    )
    const required = [...new Set([...namesIn(face.required), ...demanded])]
    const { required: _, ...rest } = face
    const document = this.withDefinitions({ ...rest, ...(required.length === 0 ? undefined : { required }) })
    return this.withOriginal(document)
  }

  /** A schema that stands for the arguments as a whole. */
  private face(schema: JsonObject, seen: ReadonlySet<string>): JsonObject {
    const entries = Object.entries(schema).flatMap(([keyword, value]): ReadonlyArray<readonly [string, Json]> => {
      if (value === undefined) return []
      switch (keyword) {
        case "properties":
          return isObject(value) ? [[keyword, this.properties(value)]] : [[keyword, value]]
        case "required": {
          const names = namesIn(value).flatMap((name) => this.isDemanded(name) ? [this.nameOf(name)] : [])
          return names.length === 0 ? [] : [[keyword, names]]
        }
        case "dependentRequired":
          return isObject(value) ? [[keyword, this.dependentRequired(value)]] : []
        case "allOf":
        case "anyOf":
        case "oneOf":
          return Array.isArray(value)
            ? [[keyword, value.map((member) => isObject(member) ? this.face(member, seen) : member)]]
            : []
        case "$ref":
          return []
        case "minProperties":
        case "maxProperties":
        case "propertyNames":
        case "default":
        case "examples":
          return this.reshapings.size === 0 ? [[keyword, value]] : []
        case "if":
        case "then":
        case "else":
        case "not":
        case "dependentSchemas":
        case "dependencies":
          return this.mentions(schema, conditions.has(keyword) ? conditions : new Set([keyword]))
            ? []
            : [[keyword, value]]
        default:
          return [[keyword, value]]
      }
    })
    const face: JsonObject = Object.fromEntries(entries)
    const { $ref } = schema
    if (typeof $ref !== "string") return face
    const target = seen.has($ref) ? undefined : resolve(this.root, $ref)
    if (target === undefined) return { ...face, $ref }
    const resolved = this.face(target, new Set([...seen, $ref]))
    return Object.keys(face).some((keyword) => keyword in resolved && keyword !== "type")
      ? { ...face, allOf: [...(Array.isArray(face.allOf) ? face.allOf : []), resolved] }
      : { ...resolved, ...face }
  }

  private properties(properties: JsonObject): JsonObject {
    return Object.fromEntries(
      Object.entries(properties).flatMap(([inner, schema]) => {
        const name = this.names.get(inner)
        return name === undefined ? [] : [[name, this.property(inner, name, schema)] as const]
      })
    )
  }

  private property(inner: string, name: string, given: Json | undefined): Json {
    const reshaping = this.reshapings.get(inner)
    const schema = reshaping?.schema === undefined ? given ?? true : this.import(name, reshaping.schema)
    if (reshaping === undefined) return schema
    const { default: value, description, hasValue, required, title } = reshaping
    if (schema === false) return schema
    const { default: former, ...rest } = isObject(schema) ? schema : {}
    const kept = value ?? (hasValue || required === true ? undefined : former)
    return {
      ...rest,
      ...(kept === undefined ? undefined : { default: kept }),
      ...(title === undefined ? undefined : { title }),
      ...(description === undefined ? undefined : { description })
    }
  }

  /** The schema of one argument of another document, whose definitions come along. */
  private import(name: string, document: JsonObject): Json {
    const names = new Map<string, string>()
    const own = isObject(document.$defs) ? document.$defs : {}
    for (const definition of Object.keys(own)) {
      let unique = `${name}_${definition}`
      while (this.definitions.has(unique) || resolve(this.root, pointerTo(unique)) !== undefined) unique += "_"
      names.set(pointerTo(definition), pointerTo(unique))
      this.definitions.set(unique, true)
    }
    const moved = (schema: Json) =>
      mapRefs(schema, (ref) => {
        for (const [from, to] of names) {
          if (ref === from || ref.startsWith(`${from}/`)) return to + ref.slice(from.length)
        }
        return ref
      })
    for (const [definition, schema] of Object.entries(own)) {
      this.definitions.set(unescaped(names.get(pointerTo(definition))!.slice("#/$defs/".length)), moved(schema ?? true))
    }
    const { properties } = document
    return isObject(properties) ? moved(properties[name] ?? true) : true
  }

  private dependentRequired(value: JsonObject): JsonObject {
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, others]) => {
        const outer = this.names.has(name) ? this.names.get(name) : name
        return outer === undefined
          ? []
          : [[outer, namesIn(others).flatMap((name) => this.isDemanded(name) ? [this.nameOf(name)] : [])] as const]
      })
    )
  }

  /** Whether a caller has to give it where the tool wants it. */
  private isDemanded(name: string): boolean {
    const reshaping = this.reshapings.get(name)
    return reshaping === undefined || reshaping.name !== undefined && !reshaping.hasValue
  }

  private nameOf(name: string): string {
    return this.names.get(name) ?? name
  }

  private mentions(schema: JsonObject, keywords: ReadonlySet<string>): boolean {
    const words = new Set<string>()
    const collect = (value: Json | undefined): void => {
      if (typeof value === "string") words.add(value)
      else if (Array.isArray(value)) value.forEach(collect)
      else if (isObject(value)) {
        for (const [key, member] of Object.entries(value)) {
          words.add(key)
          collect(member)
        }
      }
    }
    for (const keyword of keywords) collect(schema[keyword])
    return [...this.reshapings.keys()].some((name) => words.has(name))
  }

  private withDefinitions(document: JsonObject): JsonObject {
    if (this.definitions.size === 0) return document
    const own = isObject(document.$defs) ? document.$defs : {}
    return { ...document, $defs: { ...own, ...Object.fromEntries(this.definitions) } }
  }

  /** What refers to the arguments as they were goes on doing so: they are kept where only references find them. */
  private withOriginal(document: JsonObject): JsonObject {
    let isReferred = false
    const isOutside = (ref: string) => ref.startsWith("#") && !/^#\/(?:\$defs|definitions)\/|^#[^/]/u.test(ref)
    mapRefs(document, (ref) => {
      isReferred ||= isOutside(ref)
      return ref
    })
    if (!isReferred) return document
    let name = "original"
    while (resolve(document, pointerTo(name)) !== undefined) name += "_"
    const moved = (schema: Json) => mapRefs(schema, (ref) => isOutside(ref) ? pointerTo(name) + ref.slice(1) : ref)
    const { $defs: _, definitions: __, $schema: ___, $id: ____, ...original } = this.root
    const result = moved(document) as JsonObject
    return {
      ...result,
      $defs: { ...(isObject(result.$defs) ? result.$defs : {}), [name]: withoutHeaders(moved(original)) }
    }
  }
}

const conditions: ReadonlySet<string> = new Set(["if", "then", "else"])

/** The schemas that stand for the arguments as a whole, the root among them. */
const facesOf = (schema: JsonObject, root: JsonObject, seen: Set<string>): ReadonlyArray<JsonObject> => {
  const { $ref } = schema
  const target = typeof $ref === "string" && !seen.has($ref) ? resolve(root, $ref) : undefined
  if (typeof $ref === "string") seen.add($ref)
  return [
    schema,
    ...[schema.allOf, schema.anyOf, schema.oneOf].flatMap((members) =>
      Array.isArray(members)
        ? members.flatMap((member: Json) => isObject(member) ? facesOf(member, root, seen) : [])
        : []
    ),
    ...(target === undefined ? [] : facesOf(target, root, seen))
  ]
}

const namesIn = (value: Json | undefined): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === "string") : []

const pointerTo = (definition: string): string => `#/$defs/${definition.replaceAll("~", "~0").replaceAll("/", "~1")}`

const unescaped = (text: string): string => text.replaceAll("~1", "/").replaceAll("~0", "~")

/** What a reference within the document is to, if it is a schema that is an object. */
const resolve = (root: JsonObject, ref: string): JsonObject | undefined => {
  if (ref !== "#" && !ref.startsWith("#/")) return undefined
  let current: Json | undefined = root
  for (const segment of ref.split("/").slice(1)) {
    const key = unescaped(segment)
    if (Array.isArray(current)) current = current[Number(key)]
    else if (isObject(current) && Object.hasOwn(current, key)) current = current[key]
    else return undefined
  }
  return isObject(current) ? current : undefined
}

/** Keywords whose value is data, whatever it looks like. */
const data = new Set(["const", "default", "enum", "examples"])

/** Keywords whose value has schemas under names of the author's. */
const named = new Set(["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"])

const mapSchemas = (schema: Json, f: (keyword: string, value: Json) => Json | undefined): Json => {
  if (Array.isArray(schema)) return schema.map((member: Json) => mapSchemas(member, f))
  if (!isObject(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema).flatMap(([keyword, value]) => {
      if (value === undefined) return []
      if (data.has(keyword)) return [[keyword, value] as const]
      if (named.has(keyword) && isObject(value)) {
        const members = Object.entries(value).map(([name, member]) => [name, mapSchemas(member ?? true, f)] as const)
        return [[keyword, Object.fromEntries(members)] as const]
      }
      const changed = f(keyword, value)
      return changed === undefined ? [] : [[keyword, mapSchemas(changed, f)] as const]
    })
  )
}

const mapRefs = (schema: Json, f: (ref: string) => string): Json =>
  mapSchemas(schema, (keyword, value) => keyword === "$ref" && typeof value === "string" ? f(value) : value)

/** Clients mirror what they are to give, and that is elsewhere. */
const withoutHeaders = (schema: Json): Json =>
  mapSchemas(schema, (keyword, value) => keyword === "x-mcp-header" ? undefined : value)
