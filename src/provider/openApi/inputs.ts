/**
 * The arguments of an operation's tool: one flat object. Parameters keep their names as far as these are ones for keys of
 * a tool's arguments and nothing else has them; the members of an object that is the body stand beside them.
 */
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import { arrayOf, type Document, entriesOf, resolve } from "./document.ts"
import { type Body, isJsonType, type Operation, type Parameter } from "./operations.ts"
import { maxText, type Schemas, shortened } from "./schemas.ts"

export interface Argument {
  /** What it is called among the arguments. */
  readonly key: string
  readonly to:
    | { readonly in: "parameter"; readonly parameter: Parameter }
    /** The body, whole. */
    | { readonly in: "body" }
    | { readonly in: "member"; readonly name: string }
}

/** How the body is written. */
export type Form = "json" | "urlencoded" | "multipart" | "text" | "binary"

export interface Inputs {
  readonly schema: JsonObject
  readonly arguments: ReadonlyArray<Argument>
  readonly form: Form | undefined
  /** Whether keys that are none of the arguments are members of the body. */
  readonly open: boolean
}

export const formOf = (document: Document, { mediaType, schema }: Body): Form =>
  isJsonType(mediaType)
    ? "json"
    : /x-www-form-urlencoded/iu.test(mediaType)
    ? "urlencoded"
    : /^multipart\//iu.test(mediaType)
    ? "multipart"
    : /^text\/|[/+]xml(?:;|$)|^application\/(?:x-)?(?:yaml|ndjson|graphql|sql)/iu.test(mediaType)
    ? "text"
    : mediaType.startsWith("*/*") && schema !== undefined && !isBinary(document, schema)
    ? "json"
    : "binary"

/** A file: what has bytes for a value. */
export const isBinary = (document: Document, given: Json): boolean => {
  const { contentEncoding, contentMediaType, format, type } = resolve(document, given)
  return format === "binary" ||
    (typeof contentMediaType === "string" && contentEncoding === undefined && (type === undefined || type === "string"))
}

/** What a file is among the arguments. */
export const file: JsonObject = {
  type: "object",
  properties: {
    data: { type: "string", contentEncoding: "base64", description: "Its bytes in base64" },
    text: { type: "string", description: "What it holds, where that is text" },
    name: { type: "string", description: "Its name" },
    mimeType: { type: "string", description: "Its media type" }
  },
  anyOf: [{ required: ["data"] }, { required: ["text"] }]
}

export const make = (document: Document, schemas: Schemas, operation: Operation): Inputs => {
  const refs = new Set<string>()
  const found: Array<Argument> = []
  const properties: { [key: string]: Json } = {}
  const required: Array<string> = []
  const { body, parameters } = operation
  const form = body === undefined ? undefined : formOf(document, body)
  const members = body === undefined || form === undefined ? undefined : membersOf(document, body, form)
  const keys = new Keys(
    [
      ...parameters.map(({ name }) => name),
      ...members === undefined ? body === undefined ? [] : ["body"] : [...members.properties.keys()]
    ].map(keyOf)
  )
  const add = (key: string, schema: Json, isRequired: boolean, to: Argument["to"]): void => {
    found.push({ key, to })
    properties[key] = schema
    if (isRequired) required.push(key)
  }
  const convert = (schema: Json): Json => schemas.convert(schema, "input", refs)

  // The body's members first: they keep their names, and a parameter that has one of them says where it is.
  let open: Json | undefined
  let dependentRequired: JsonObject | undefined
  const bodyKeys: Array<string> = []
  if (body !== undefined && members !== undefined) {
    for (const [name, given] of members.properties) {
      if (given.some((schema) => schemas.isHidden(schema, "input"))) continue
      const key = keys.of(name)
      bodyKeys.push(key)
      add(
        key,
        memberSchema(document, given, form!, convert),
        body.required && members.required.has(name),
        { in: "member", name }
      )
    }
    if (!body.required && members.required.size > 0) {
      const needed = found.filter(({ to }) => to.in === "member" && members.required.has(to.name)).map(({ key }) => key)
      if (needed.length > 0) dependentRequired = Object.fromEntries(bodyKeys.map((key) => [key, needed]))
    }
    open = members.open
  } else if (body !== undefined) {
    const schema = form === "binary"
      ? file
      : form === "text"
      ? { type: "string" }
      : convert(body.schema ?? {})
    add(
      keys.of("body"),
      described(schema, body.description, form === "text" ? body.mediaType : undefined),
      body.required,
      {
        in: "body"
      }
    )
  }
  for (const parameter of parameters) {
    add(
      keys.of(parameter.name, parameter.in),
      described(convert(parameter.schema), parameter.description, undefined),
      parameter.required,
      { in: "parameter", parameter }
    )
  }
  const schema = schemas.attach(
    {
      type: "object",
      properties,
      ...(required.length === 0 ? undefined : { required }),
      ...(dependentRequired === undefined ? undefined : { dependentRequired }),
      ...(open === undefined ? undefined : { additionalProperties: convert(open) })
    },
    "input",
    refs
  )
  return { schema, arguments: found, form, open: open !== undefined }
}

const described = (schema: Json, description: string | undefined, mediaType: string | undefined): Json => {
  const words = [
    ...description === undefined ? [] : [shortened(description, maxText)],
    ...mediaType === undefined || mediaType.startsWith("text/plain") ? [] : [`As ${mediaType}`]
  ].join("\n")
  if (words === "") return schema
  return isObject(schema) ? { ...schema, description: words } : schema
}

const memberSchema = (
  document: Document,
  given: ReadonlyArray<Json>,
  form: Form,
  convert: (schema: Json) => Json
): Json => {
  const [first] = given
  if (form === "multipart") {
    const { description, items, type } = resolve(document, first)
    const words = typeof description === "string" ? description : undefined
    if (isBinary(document, first!)) return described(file, words, undefined)
    if (type === "array" && items !== undefined && isBinary(document, items)) {
      return described({ type: "array", items: file }, words, undefined)
    }
  }
  return given.length === 1 ? convert(first!) : { allOf: given.map(convert) }
}

// ----------------------------------------------------------------------------
// members of the body
// ----------------------------------------------------------------------------

interface Members {
  readonly properties: Map<string, Array<Json>>
  readonly required: Set<string>
  /** What other members are like, where the document says that there are any. */
  readonly open: Json | undefined
}

/** What makes more of an object than its members one by one. */
const entangling = [
  "anyOf",
  "const",
  "dependentRequired",
  "dependentSchemas",
  "else",
  "enum",
  "if",
  "maxProperties",
  "minProperties",
  "not",
  "oneOf",
  "patternProperties",
  "propertyNames",
  "then",
  "unevaluatedProperties"
]

const membersOf = (document: Document, body: Body, form: Form): Members | undefined => {
  if (form === "text" || form === "binary" || body.schema === undefined) return undefined
  const properties = new Map<string, Array<Json>>()
  const required = new Set<string>()
  let open: Json | undefined
  let isClosed = false
  const visit = (given: Json, depth: number): boolean => {
    const schema = resolve(document, given)
    if (depth > 10 || entangling.some((keyword) => keyword in schema)) return false
    if (schema.type !== undefined && schema.type !== "object") return false
    if (isObject(schema.properties)) {
      for (const [name, property] of entriesOf(schema.properties)) {
        const known = properties.get(name)
        if (known === undefined) properties.set(name, [property])
        else known.push(property)
      }
    }
    for (const name of arrayOf(schema.required)) if (typeof name === "string") required.add(name)
    const { additionalProperties: more } = schema
    if (more === true || isObject(more)) open = more
    if (more === false) isClosed = true
    return arrayOf(schema.allOf).every((part) => visit(part, depth + 1))
  }
  // An object that can have no members has nothing to ask for.
  if (!visit(body.schema, 0) || (properties.size === 0 && !isClosed)) return undefined
  // Some documents want what they do not describe.
  for (const name of required) if (!properties.has(name)) properties.set(name, [{}])
  // Each member would have to say it of each required one.
  if (!body.required && properties.size * required.size > 100) return undefined
  return { properties, required, open }
}

// ----------------------------------------------------------------------------
// keys
// ----------------------------------------------------------------------------

/** Models are given no other keys than these by those that serve them. */
const keyOf = (name: string): string => {
  const key = name.replace(/[^A-Za-z0-9_.-]+/gu, "_")
  return (key === name ? key : key.replace(/^_+|_+$/gu, "")).slice(0, 64) || "argument"
}

class Keys {
  private readonly wanted: ReadonlyArray<string>
  private readonly taken = new Set<string>()

  constructor(wanted: ReadonlyArray<string>) {
    this.wanted = wanted
  }

  /** `place` tells apart what stands in different ones under one name. */
  of(name: string, place?: string): string {
    const key = keyOf(name)
    const isAlone = this.wanted.filter((other) => other === key).length === 1
    const base = isAlone || place === undefined ? key : `${key.slice(0, 54)}__${place}`
    let free = base
    for (let n = 2; this.taken.has(free); n++) free = `${base.slice(0, 60)}_${n}`
    this.taken.add(free)
    return free
  }
}
