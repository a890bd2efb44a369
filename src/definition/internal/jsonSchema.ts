/**
 * The JSON Schema (draft 2020-12) that an MCP client reads for a tool's input or output, made from an Effect Schema.
 *
 * The document describes the wire form of `codec(schema)` of `jsonCodec.ts`, so values have to be decoded and encoded
 * with that codec. `Schema.toJsonSchemaDocument` is not used: it loses what the author wrote on the decoded side
 * (descriptions, defaults, date formats) and cannot say which `null` stood for `undefined`.
 */
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as RegEx from "effect/RegExp"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as foreignSchema from "./foreignSchema.ts"
import { codec } from "./jsonCodec.ts"

declare module "effect/Schema" {
  namespace Annotations {
    interface Annotations {
      /** The `Mcp-Param-*` header in which an HTTP client repeats this property: `"Region"` for `Mcp-Param-Region`. */
      readonly "x-mcp-header"?: string | undefined
    }
  }
}

export type JsonObject = Schema.JsonObject

/** Whether the whole of a schema is one that is not Effect's. */
export const isForeign = (schema: Schema.Top): boolean =>
  foreignSchema.documentsOf(wireOf(codec(schema).ast).node) !== undefined

/**
 * The `inputSchema` of a tool; throws when no value of the schema is an object on the wire. Strict, it refuses keys it
 * does not name, as a decoder does with `onExcessProperty: "error"`.
 */
export const toolInput = (schema: Schema.Top, options?: { readonly strict: boolean }): JsonObject => {
  const { type, ...rest } = compile(codec(schema).ast, "input", options?.strict)
  const alternatives = Array.isArray(rest.anyOf) ? rest.anyOf as ReadonlyArray<Draft> : []
  const unfit = type === undefined
    ? "const" in rest || "enum" in rest || "not" in rest ||
      alternatives.length > 0 && alternatives.every((member) => "type" in member && member.type !== "object")
    : type !== "object"
  if (unfit) {
    throw new Error(`The input of a tool must be an object in JSON, got ${JSON.stringify(type ?? rest)}`)
  }
  return { type: "object", ...rest } as JsonObject
}

/** The `outputSchema` of a tool. */
export const toolOutput = (schema: Schema.Top): JsonObject => compile(codec(schema).ast, "output") as JsonObject

type Draft = Record<string, unknown>
type Use = "input" | "output"

interface Wire {
  readonly node: SchemaAST.AST
  // from the decoded side to the neighbour of `node`
  readonly outer: ReadonlyArray<SchemaAST.AST>
}

interface Body {
  readonly name: string | undefined
  readonly annotations: SchemaAST.AST["annotations"]
  readonly checks: SchemaAST.AST["checks"]
  uses: number
  isRecursive: boolean
  isOpen: boolean
  // what every use inherits from the decoded side, if they agree
  inherited: Draft | undefined
  reference: string | undefined
}

const wireOf = (ast: SchemaAST.AST): Wire => {
  const outer: Array<SchemaAST.AST> = []
  let node = ast
  while (true) {
    if (node.encoding !== undefined) {
      const links = node.encoding
      outer.push(node, ...links.slice(0, -1).map((link) => link.to))
      node = links[links.length - 1]!.to
    } else if (SchemaAST.isSuspend(node)) {
      outer.push(node)
      node = node.thunk()
    } else {
      return { node, outer }
    }
  }
}

const isOptionalInJson = (ast: SchemaAST.AST): boolean =>
  ast.encoding === undefined ? SchemaAST.isOptional(ast) : isOptionalInJson(ast.encoding[ast.encoding.length - 1]!.to)

const compile = (ast: SchemaAST.AST, use: Use, strict = false): Draft => {
  const bodies = new Map<unknown, Array<Body>>()
  const definitions: Record<string, Draft> = {}
  const foreign = new Map<foreignSchema.Documents, string>()

  const bodyOf = ({ node, outer }: Wire): Body | undefined => {
    const key = SchemaAST.isObjects(node)
      ? node.propertySignatures.length > 0 ? node.propertySignatures : node.indexSignatures
      : SchemaAST.isArrays(node)
      ? node.elements.length > 0 ? node.elements : node.rest
      : SchemaAST.isUnion(node)
      ? node.types
      : undefined
    if (key === undefined) return undefined
    const known = bodies.get(key) ?? []
    bodies.set(key, known)
    const found = known.find((body) => body.annotations === node.annotations && body.checks === node.checks)
    if (found !== undefined) return found
    const name = [node, ...outer.toReversed()].map(SchemaAST.resolveIdentifier).find((id) => id !== undefined)
    const body: Body = {
      name,
      annotations: node.annotations,
      checks: node.checks,
      uses: 0,
      isRecursive: false,
      isOpen: false,
      inherited: undefined,
      reference: undefined
    }
    known.push(body)
    return body
  }

  const count = (ast: SchemaAST.AST): void => {
    const wire = wireOf(ast)
    const body = bodyOf(wire)
    if (body === undefined) return
    const inherited = inheritedOf(wire)
    body.inherited = body.uses === 0 || JSON.stringify(body.inherited) === JSON.stringify(inherited) ? inherited : {}
    body.uses++
    if (body.isOpen) body.isRecursive = true
    if (body.uses > 1) return
    body.isOpen = true
    childrenOf(wire.node).forEach(count)
    body.isOpen = false
  }

  const nameFor = (wanted: string): string => {
    const base = wanted.replace(/[^A-Za-z0-9._-]+/g, "_")
    let name = base
    for (let suffix = 2; Object.hasOwn(definitions, name); suffix++) name = `${base}${suffix}`
    return name
  }

  const refer = (wire: Wire, body: Body): Draft => {
    if (body.reference === undefined) {
      body.reference = nameFor(body.name ?? "Recursive")
      definitions[body.reference] = {}
      definitions[body.reference] = withMissing(emitNode(wire.node), body.inherited)
    }
    const own = definitions[body.reference]!
    const differing = Object.entries(inheritedOf(wire)).filter(([key]) => !Object.hasOwn(own, key))
    return { $ref: `#/$defs/${body.reference}`, ...Object.fromEntries(differing) }
  }

  const emit = (ast: SchemaAST.AST): Draft => {
    const wire = wireOf(ast)
    const body = bodyOf(wire)
    const isShared = body !== undefined && (body.isRecursive || body.name !== undefined && body.uses * copies > 1)
    return { ...isShared ? refer(wire, body) : inline(wire), ...keyDocs(ast) }
  }

  const inline = (wire: Wire): Draft => withMissing(emitNode(wire.node), inheritedOf(wire))

  const emitNode = (node: SchemaAST.AST): Draft => {
    let draft = emitForeign(node) ?? emitShape(node)
    for (const check of node.checks ?? []) draft = addCheck(draft, check)
    return { ...draft, ...docsOf(node) }
  }

  const emitForeign = (node: SchemaAST.AST): Draft | undefined => {
    const documents = foreignSchema.documentsOf(node)
    if (documents === undefined) return undefined
    const open = documents[use]()
    const draft = strict ? foreignSchema.close(open) : open
    if (node === wire.node) return draft
    const { $schema: _, ...inner } = draft
    const known = foreign.get(documents)
    if (known !== undefined) return { $ref: known }
    const name = nameFor(typeof inner.title === "string" ? inner.title : "Schema")
    const pointer = `#/$defs/${name}`
    const rebased = foreignSchema.rebase(inner as JsonObject, pointer)
    if (rebased === undefined) return inner
    definitions[name] = rebased
    foreign.set(documents, pointer)
    return { $ref: pointer }
  }

  const emitShape = (node: SchemaAST.AST): Draft => {
    switch (node._tag) {
      case "Null":
      case "Undefined":
      case "Void":
        return { type: "null" }
      case "String":
        return { type: "string" }
      case "Number":
        return { type: "number" }
      case "Boolean":
        return { type: "boolean" }
      case "BigInt":
        return { type: "string", pattern: "^-?\\d+$" }
      case "Literal":
        return { type: typeof node.literal, const: node.literal }
      case "Enum":
        return emitEnum(node)
      case "TemplateLiteral":
        return { type: "string", pattern: `^${templatePattern(node)}$` }
      case "Never":
        return { not: {} }
      case "ObjectKeyword":
        return anyOf([{ type: "object" }, { type: "array" }])
      case "Arrays":
        return emitArrays(node)
      case "Objects":
        return emitObjects(node)
      case "Union":
        return anyOf(flatten(node).map(emit))
      default:
        return {}
    }
  }

  const flatten = (node: SchemaAST.Union): ReadonlyArray<SchemaAST.AST> =>
    node.types.flatMap((type) => {
      const isPlain = SchemaAST.isUnion(type) && type.encoding === undefined && type.annotations === undefined &&
        type.checks === undefined
      return isPlain && bodyOf({ node: type, outer: [] })?.isRecursive !== true ? flatten(type) : [type]
    })

  const emitArrays = (node: SchemaAST.Arrays): Draft => {
    const draft: Draft = { type: "array" }
    const { elements, rest } = node
    const isFixed = rest.length === 0
    const required = elements.filter((element) => !isOptionalInJson(element)).length + rest.length
    const minItems = isFixed ? required : required - 1
    if (elements.length > 0) draft.prefixItems = elements.map(emit)
    if (isFixed) draft.maxItems = elements.length
    if (rest.length === 1) {
      const items = emit(rest[0]!)
      if (Object.keys(items).length > 0) draft.items = items
    }
    if (minItems > 0) draft.minItems = minItems
    return draft
  }

  const emitObjects = (node: SchemaAST.Objects): Draft => {
    const draft: Draft = { type: "object" }
    const { indexSignatures, propertySignatures } = node
    if (propertySignatures.length > 0) {
      const properties: Array<[string, Draft]> = []
      const required: Array<string> = []
      for (const { name, type } of propertySignatures) {
        const property = emit(type)
        const value = "default" in property || "const" in property ? undefined : decodingDefault(type)
        properties.push([String(name), value === undefined ? property : { ...property, default: value }])
        if (!isOptionalInJson(type)) required.push(String(name))
      }
      draft.properties = Object.fromEntries(properties)
      if (required.length > 0) draft.required = required
      if (strict && indexSignatures.length === 0) draft.additionalProperties = false
    } else if (indexSignatures.length === 0 && use === "input") {
      draft.additionalProperties = false
    }
    addIndexSignatures(draft, indexSignatures)
    return draft
  }

  const addIndexSignatures = (draft: Draft, signatures: ReadonlyArray<SchemaAST.IndexSignature>): void => {
    const additional: Array<Draft> = []
    const patterns: Array<[string, Draft]> = []
    for (const { parameter, type } of signatures) {
      const keys = keyPatterns(parameter)
      if (keys === undefined) continue
      const schema = emit(type)
      if (keys.length > 0) { for (const key of keys) patterns.push([key, schema]) }
      else if (Object.keys(schema).length > 0) additional.push(schema)
    }
    if (patterns.length > 0) draft.patternProperties = Object.fromEntries(patterns)
    if (additional.length === 1) draft.additionalProperties = isNothing(additional[0]!) ? false : additional[0]
    if (additional.length > 1) draft.additionalProperties = { allOf: additional }
  }

  // `[]` for every key, `undefined` when JSON Schema cannot name the keys.
  const keyPatterns = (parameter: SchemaAST.AST): ReadonlyArray<string> | undefined => {
    const { node } = wireOf(parameter)
    if (SchemaAST.isUnion(node)) {
      const all = node.types.map(keyPatterns)
      if (all.some((keys) => keys?.length === 0)) return []
      return all.includes(undefined) ? undefined : all.flatMap((keys) => keys ?? [])
    }
    if (SchemaAST.isNumber(node)) {
      return node.checks === undefined
        ? [`^(?:${finitePattern}|-?Infinity|NaN)$`]
        : undefined
    }
    if (SchemaAST.isString(node) && node.checks === undefined) return []
    const { pattern, type: _, ...rest } = emitNode(node)
    const isExact = (node.checks?.length ?? 0) <= 1 && Object.keys(rest).length === 0
    return isExact && typeof pattern === "string" ? [pattern] : undefined
  }

  const addCheck = (draft: Draft, check: SchemaAST.Check<never>): Draft => {
    const annotations = check.annotations
    const id = annotations?.representation?.id
    if (annotations?.toJsonSchema === undefined) {
      return check._tag === "FilterGroup" ? check.checks.reduce(addCheck, draft) : draft
    }
    if (id === "effect/schema/isInt") return intersect(draft, { type: "integer" })
    const result = annotations.toJsonSchema({
      type: draft.type as never,
      schemas: (annotations.representation?.schemas ?? []).map((schema) => emit(SchemaAST.toType(schema)))
    })
    const fragment: Draft = Array.isArray(result) ? result[0] : result
    const lost = id === "effect/schema/isPattern" && Object.keys(fragment).length === 0
      ? portablePattern(annotations.representation?.payload)
      : undefined
    return intersect(draft, lost === undefined ? fragment : { pattern: lost })
  }

  count(ast)
  const wire = wireOf(ast)
  // A recursive root is written twice: in its place and as a definition.
  const copies = bodyOf(wire)?.isRecursive === true ? 2 : 1
  const root = { ...inline(wire), ...keyDocs(ast) }
  return Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions }
}

const childrenOf = (node: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  switch (node._tag) {
    case "Objects":
      return [...node.propertySignatures, ...node.indexSignatures].map(({ type }) => type)
    case "Arrays":
      return [...node.elements, ...node.rest]
    case "Union":
      return node.types
    default:
      return []
  }
}

const withMissing = (draft: Draft, docs: Draft | undefined): Draft => ({
  ...draft,
  ...Object.fromEntries(Object.entries(docs ?? {}).filter(([key]) => !Object.hasOwn(draft, key)))
})

const lowerBounds = new Set(["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"])
const upperBounds = new Set(["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"])

const intersect = (draft: Draft, fragment: Draft): Draft => {
  const out: Draft = { ...draft }
  const rest: Draft = {}
  for (const [key, value] of Object.entries(fragment)) {
    const present = out[key]
    if (present === undefined || present === value) out[key] = value
    else if (key === "type" && (present === "number" || value === "number")) out[key] = "integer"
    else if (lowerBounds.has(key)) out[key] = Math.max(present as number, value as number)
    else if (upperBounds.has(key)) out[key] = Math.min(present as number, value as number)
    else rest[key] = value
  }
  if (Object.keys(rest).length > 0) out.allOf = [...(out.allOf as ReadonlyArray<Draft> | undefined ?? []), rest]
  return out
}

const isOnly = (draft: Draft, ...keys: ReadonlyArray<string>): boolean =>
  Object.keys(draft).length === keys.length && keys.every((key) => Object.hasOwn(draft, key))

const isNothing = (draft: Draft): boolean => isOnly(draft, "not") && isOnly(draft.not as Draft)

const anyOf = (members: ReadonlyArray<Draft>): Draft => {
  const unique = [...new Map(members.map((member) => [JSON.stringify(member), member])).values()]
  if (unique.length === 0) return { not: {} }
  const isConstant = (member: Draft) => isOnly(member, "type", "const")
  const constants = Map.groupBy(unique.filter(isConstant), (member) => member.type)
  const merged = unique.flatMap((member) => {
    const same = isConstant(member) ? constants.get(member.type)! : [member]
    if (same.length === 1) return same
    return same[0] === member ? [{ type: member.type, enum: same.map((constant) => constant.const) }] : []
  })
  return merged.length === 1 ? merged[0]! : { anyOf: merged }
}

const emitEnum = (node: SchemaAST.Enum): Draft =>
  // The names say nothing new beside string values, but they are all there is to know about a number.
  anyOf(node.enums.map(([title, value]) =>
    typeof value === "string" ? { type: "string", const: value } : { type: "number", const: value, title }
  ))

const finitePattern = "[+-]?(?:\\d+(?:\\.\\d+)?|\\.\\d+)(?:[Ee][+-]?\\d+)?"

const templatePattern = (node: SchemaAST.TemplateLiteral): string => node.parts.map(partPattern).join("")

const partPattern = (part: SchemaAST.AST): string => {
  const { node } = wireOf(part)
  switch (node._tag) {
    case "Literal":
      return RegEx.escape(String(node.literal))
    case "Number":
      return finitePattern
    case "BigInt":
      return "-?\\d+"
    case "TemplateLiteral":
      return templatePattern(node)
    case "Union":
      return `(?:${node.types.map(partPattern).join("|")})`
    default:
      return "[\\s\\S]*?"
  }
}

// Effect exports only expressions with the u flag, as JSON Schema prescribes; most others mean the same with it.
const portablePattern = (payload: unknown): string | undefined => {
  const { flags, source } = payload as { readonly flags: string; readonly source: string }
  if (!/^[dgy]*$/.test(flags)) return undefined
  try {
    new RegExp(source, "u")
  } catch {
    return undefined
  }
  return flags.includes("y") ? `^(?:${source})` : source
}

// -----------------------------------------------------------------------------
// annotations
// -----------------------------------------------------------------------------

const docKeys = [
  "title",
  "description",
  "format",
  "contentEncoding",
  "contentMediaType",
  "contentSchema",
  "readOnly",
  "writeOnly",
  "deprecated"
]

const isJson = Schema.is(Schema.Json)

const pickDocs = (annotations: Schema.Annotations.Annotations | undefined, owner: SchemaAST.AST): Draft => {
  const docs: Draft = {}
  if (annotations === undefined) return docs
  for (const [key, value] of Object.entries(annotations)) {
    if (value !== undefined && (docKeys.includes(key) || key.startsWith("x-")) && isJson(value)) docs[key] = value
  }
  const byDefault = annotations.default === undefined ? undefined : toWire(owner, annotations.default)
  if (byDefault !== undefined) docs.default = byDefault
  if (Array.isArray(annotations.examples)) {
    const examples = annotations.examples.map((value) => toWire(owner, value)).filter((value) => value !== undefined)
    if (examples.length > 0) docs.examples = examples
  }
  return docs
}

// Examples and defaults are written as decoded values.
const toWire = (owner: SchemaAST.AST, value: unknown): Schema.Json | undefined => {
  const exit = SchemaParser.encodeUnknownExit(Schema.make<Schema.Codec<unknown>>(owner))(value)
  return Exit.isSuccess(exit) && isJson(exit.value) ? exit.value : undefined
}

const docsOf = (node: SchemaAST.AST): Draft =>
  Object.assign(
    pickDocs(node.annotations, node),
    ...(node.checks ?? []).map((check) => pickDocs(check.annotations, node))
  )

const inheritedOf = ({ node, outer }: Wire): Draft => {
  const docs: Draft = Object.assign({}, ...outer.map(docsOf))
  const format = formatOf(outer)
  return format === undefined || "format" in docs || !SchemaAST.isString(node) ? docs : { ...docs, format }
}

const dateTimeUtcFromString = Schema.DateTimeUtcFromString.ast.encoding?.[0].transformation

const formatOf = (outer: ReadonlyArray<SchemaAST.AST>): string | undefined => {
  const transformation = outer.flatMap((layer) => layer.encoding ?? []).at(-1)?.transformation
  switch (transformation) {
    case undefined:
      return undefined
    case SchemaTransformation.dateFromString:
    case dateTimeUtcFromString:
      return "date-time"
    case SchemaTransformation.urlFromString:
      return "uri"
    default:
      return undefined
  }
}

const keyDocs = (ast: SchemaAST.AST): Draft => {
  const docs = pickDocs(ast.context?.annotations, ast)
  const links = ast.encoding
  return links === undefined ? docs : { ...keyDocs(links[links.length - 1]!.to), ...docs }
}

// Only a default that is there without running an effect: a list of tools must not depend on when it is read.
const constantDefault = (ast: SchemaAST.AST): Option.Option<unknown> => {
  for (const { transformation } of wireOf(ast).outer.flatMap((layer) => layer.encoding ?? [])) {
    const { decode } = transformation
    if (typeof decode === "function" || decode._tag !== "TransformOptionalEffect") continue
    const result: unknown = SchemaGetter.run(decode, Option.none(), {})
    if (Exit.isExit(result) && Exit.isSuccess(result) && Option.isOption(result.value)) return result.value
  }
  return Option.none()
}

const decodingDefault = (ast: SchemaAST.AST): Schema.Json | undefined => {
  const constant = constantDefault(ast)
  if (Option.isNone(constant)) return undefined
  const holder = Schema.make<Schema.Codec<unknown>>(
    new SchemaAST.Objects([new SchemaAST.PropertySignature("value", ast)], [])
  )
  const decode = SchemaParser.decodeUnknownExit(holder)
  const decoded = decode({})
  if (!Exit.isSuccess(decoded)) return undefined
  const encoded = toWire(holder.ast, decoded.value) as JsonObject | undefined
  if (encoded !== undefined && Object.hasOwn(encoded, "value")) return encoded.value
  // With the encoding strategy "omit" the value never comes back, but it may be in its wire form already.
  return isJson(constant.value) && Exit.isSuccess(decode({ value: constant.value })) ? constant.value : undefined
}
