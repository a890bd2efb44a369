/**
 * The flat JSON Schema an elicitation's form is described by, made from an Effect Schema. It describes the encoded side,
 * as clients send it. MCP's forms know few keywords: a check that none of them can say (a pattern, an exclusive bound
 * of a fraction) is left out here and still holds for the answer.
 */
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type { Json, JsonObject } from "../../protocol/JsonRpc.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"

export type RequestedSchema = McpSchema.ElicitFormParams["requestedSchema"]

/** Annotates an enumeration whose titles go to `enumNames`, as clients before 2025-11-25 read them. */
export const enumNames = "~fastmcp-effect/context/internal/formSchema/enumNames"

/** The form, or why no form can ask for this. */
export const make = (
  schema: Schema.Top
): { readonly form: RequestedSchema; readonly fault?: never } | { readonly fault: string } => {
  const { node, outer } = wireOf(schema.ast)
  if (!SchemaAST.isObjects(node) || node.indexSignatures.length > 0) {
    return { fault: "A form is an object with named fields." }
  }
  if (outer.some(isSecret)) return { fault: secret }
  const properties: Array<[string, JsonObject]> = []
  const required: Array<string> = []
  for (const { name, type } of node.propertySignatures) {
    const field = describe(type)
    if (typeof field === "string") return { fault: `${JSON.stringify(String(name))} ${field}` }
    properties.push([String(name), field])
    if (!isOptionalOnWire(type)) required.push(String(name))
  }
  return {
    form: {
      type: "object",
      properties: Object.fromEntries(properties),
      ...required.length === 0 ? undefined : { required }
    }
  }
}

/** The content of an answer, with the form's defaults in place of what was left out. */
export const fill = (
  form: RequestedSchema,
  content: { readonly [key: string]: unknown }
): { readonly [key: string]: unknown } => {
  const missing = Object.entries(form.properties).filter(([name, field]) =>
    field.default !== undefined && !Object.hasOwn(content, name)
  )
  return missing.length === 0
    ? content
    : { ...content, ...Object.fromEntries(missing.map(([name, field]) => [name, field.default])) }
}

/** What of an answer does not fit the form, in words. Formats are for who fills it in, and not checked. */
export const faultOf = (
  form: RequestedSchema,
  content: { readonly [key: string]: unknown }
): string | undefined => {
  const missing = form.required?.find((name) => content[name] === undefined)
  if (missing !== undefined) return `${JSON.stringify(missing)} is missing.`
  for (const [name, value] of Object.entries(content)) {
    const field = form.properties[name]
    if (field === undefined) return `${JSON.stringify(name)} is not a field of the form.`
    const fault = faultOfField(field as JsonObject, value)
    if (fault !== undefined) return `${JSON.stringify(name)} ${fault}.`
  }
  return undefined
}

const faultOfField = (field: JsonObject, value: unknown): string | undefined => {
  const isBelow = (key: string, size: number) => typeof field[key] === "number" && size < field[key]
  const isAbove = (key: string, size: number) => typeof field[key] === "number" && size > field[key]
  switch (field.type) {
    case "string": {
      if (typeof value !== "string") return "is not a text"
      const choices = choicesOf(field)
      if (choices !== undefined) return choices.includes(value) ? undefined : `is none of ${choices.join(", ")}`
      const { length } = [...value]
      return isBelow("minLength", length) ? "is too short" : isAbove("maxLength", length) ? "is too long" : undefined
    }
    case "integer":
    case "number":
      if (typeof value !== "number" || !Number.isFinite(value)) return "is not a number"
      if (field.type === "integer" && !Number.isInteger(value)) return "is not a whole number"
      return isBelow("minimum", value) ? "is too small" : isAbove("maximum", value) ? "is too large" : undefined
    case "boolean":
      return typeof value === "boolean" ? undefined : "is neither true nor false"
    case "array": {
      if (!Array.isArray(value)) return "is not a list"
      const choices = choicesOf(field.items as JsonObject | undefined ?? {})
      const stray = value.find((item) => typeof item !== "string" || choices?.includes(item) === false)
      if (stray !== undefined) return `holds ${JSON.stringify(stray)}, which cannot be chosen`
      return isBelow("minItems", value.length)
        ? "has too few"
        : isAbove("maxItems", value.length)
        ? "has too many"
        : undefined
    }
    default:
      return undefined
  }
}

const choicesOf = (field: JsonObject): ReadonlyArray<unknown> | undefined => {
  if (Array.isArray(field.enum)) return field.enum
  const titled = field.oneOf ?? field.anyOf
  return Array.isArray(titled) ? titled.map((choice: Json) => (choice as JsonObject).const) : undefined
}

// ----------------------------------------------------------------------------
// fields
// ----------------------------------------------------------------------------

type Draft = Record<string, Json>

/** A field's schema, or what is wrong with it, as the rest of a sentence. */
const describe = (ast: SchemaAST.AST): Draft | string => {
  const wire = wireOf(ast)
  if (wire.outer.some(isSecret)) return `is redacted. ${secret}`
  const shape = shapeOf(wire.node)
  if (typeof shape === "string") return shape
  const field: Draft = {
    ...shape,
    ...shape.type === "string" && !("enum" in shape) && !("oneOf" in shape) ? formatOf(wire) : undefined,
    ...titleAndDescription(ast)
  }
  const byDefault = defaultOf(ast)
  if (byDefault === undefined) return field
  return byDefault === null || !hasType(field, byDefault)
    ? "has a default that a form cannot show."
    : { ...field, default: byDefault }
}

const unfit = "is not a text, a number, a yes or no, or a choice between texts."

const secret = "A form must never ask for a secret; send the user to a page of yours with Elicitation.url."

const shapeOf = (node: SchemaAST.AST): Draft | string => {
  const choice = choiceOf(node)
  if (choice !== undefined) return choice
  switch (node._tag) {
    case "String":
      return { type: "string", ...boundsOf(node, "minLength", "maxLength") }
    case "TemplateLiteral":
      return { type: "string" }
    case "Number":
      return numberShape(node)
    case "Boolean":
      return { type: "boolean" }
    case "Arrays":
      return arrayShape(node)
    case "Union": {
      const present = node.types.filter((type) => !SchemaAST.isUndefined(wireOf(type).node))
      if (present.length === node.types.length) return unfit
      if (!SchemaAST.isOptional(node)) return "may be undefined, which no form can say; make it optional."
      return present.length === 1
        ? shapeOf(wireOf(present[0]!).node)
        : shapeOf(new SchemaAST.Union(present, node.options, node.annotations))
    }
    default:
      return unfit
  }
}

const arrayShape = (node: SchemaAST.Arrays): Draft | string => {
  const [item] = node.rest
  const choice = node.elements.length === 0 && node.rest.length === 1 ? choiceOf(wireOf(item!).node) : undefined
  if (choice === undefined) return "is a list, and a list in a form is a choice of some texts among given ones."
  if (typeof choice === "string") return choice
  return {
    type: "array",
    ...boundsOf(node, "minItems", "maxItems"),
    items: choice.oneOf === undefined ? { type: "string", enum: choice.enum! } : { anyOf: choice.oneOf }
  }
}

/** Undefined when it is no choice between texts. */
const choiceOf = (node: SchemaAST.AST): Draft | string | undefined => {
  const members = membersOf(node)
  if (members === undefined) return undefined
  if (members.length === 0) return "is a choice among nothing."
  const values = members.map(({ value }) => value)
  if (members.every(({ title }) => title === undefined)) return { type: "string", enum: values }
  const titles = members.map(({ title, value }) => title ?? value)
  return node.annotations?.[enumNames] === true
    ? { type: "string", enum: values, enumNames: titles }
    : { type: "string", oneOf: members.map(({ value }, index) => ({ const: value, title: titles[index]! })) }
}

interface Member {
  readonly value: string
  readonly title: string | undefined
}

const membersOf = (node: SchemaAST.AST): ReadonlyArray<Member> | undefined => {
  switch (node._tag) {
    case "Literal":
      return typeof node.literal === "string" ? [{ value: node.literal, title: lastOf(node, "title") }] : undefined
    case "Enum":
      return node.enums.every(([, value]) => typeof value === "string")
        ? node.enums.map(([, value]) => ({ value: String(value), title: undefined }))
        : undefined
    case "Never":
      return []
    case "Union": {
      const all: Array<Member> = []
      for (const type of node.types) {
        const some = membersOf(wireOf(type).node)
        if (some === undefined) return undefined
        all.push(...some)
      }
      return all
    }
    default:
      return undefined
  }
}

// ----------------------------------------------------------------------------
// checks
// ----------------------------------------------------------------------------

interface Check {
  readonly id: string
  readonly payload: { readonly [key: string]: unknown }
}

const checksOf = (checks: SchemaAST.AST["checks"]): ReadonlyArray<Check> =>
  (checks ?? []).flatMap((check): ReadonlyArray<Check> => {
    const representation = check.annotations?.representation as
      | { readonly id: string; readonly payload: Check["payload"] | null }
      | undefined
    if (representation !== undefined) return [{ id: representation.id, payload: representation.payload ?? {} }]
    return check._tag === "FilterGroup" ? checksOf(check.checks) : []
  })

const isBound = (id: string) => /^effect\/schema\/is(?:Min|Max|Between)(?:Length|CodePoints)$/u.test(id)

/** A length of texts, or of lists. */
const boundsOf = (node: SchemaAST.AST, lower: string, upper: string): Draft => {
  const checks = checksOf(node.checks).filter(({ id }) => isBound(id)).map(({ payload }) => payload)
  return withBounds(
    lower,
    checks.map((check) => check.minLength ?? check.minCodePoints ?? check.minimum),
    upper,
    checks.map((check) => check.maxLength ?? check.maxCodePoints ?? check.maximum)
  )
}

const numberShape = (node: SchemaAST.Number): Draft => {
  const checks = checksOf(node.checks)
  const isInteger = checks.some(({ id }) => id === "effect/schema/isInt")
  const lower: Array<unknown> = []
  const upper: Array<unknown> = []
  for (const { id, payload } of checks) {
    const { maximum, minimum } = payload
    switch (id) {
      case "effect/schema/isGreaterThanOrEqualTo":
        lower.push(minimum)
        break
      case "effect/schema/isLessThanOrEqualTo":
        upper.push(maximum)
        break
      case "effect/schema/isGreaterThan":
        lower.push(above(payload.exclusiveMinimum, isInteger))
        break
      case "effect/schema/isLessThan":
        upper.push(below(payload.exclusiveMaximum, isInteger))
        break
      case "effect/schema/isBetween":
        lower.push(payload.exclusiveMinimum === true ? above(minimum, isInteger) : minimum)
        upper.push(payload.exclusiveMaximum === true ? below(maximum, isInteger) : maximum)
        break
    }
  }
  return { type: isInteger ? "integer" : "number", ...withBounds("minimum", lower, "maximum", upper) }
}

// Of fractions there is no next one: the bound itself is the nearest a form can say.
const above = (bound: unknown, isInteger: boolean) => isInteger ? Math.floor(Number(bound)) + 1 : bound
const below = (bound: unknown, isInteger: boolean) => isInteger ? Math.ceil(Number(bound)) - 1 : bound

const withBounds = (
  lower: string,
  lowers: ReadonlyArray<unknown>,
  upper: string,
  uppers: ReadonlyArray<unknown>
): Draft => {
  const isNumber = (value: unknown): value is number => typeof value === "number"
  const low = Math.max(...lowers.filter(isNumber))
  const high = Math.min(...uppers.filter(isNumber))
  return {
    ...low === -Infinity ? undefined : { [lower]: low },
    ...high === Infinity ? undefined : { [upper]: high }
  }
}

// ----------------------------------------------------------------------------
// annotations
// ----------------------------------------------------------------------------

/** From the wire outwards, so that what stands nearest to the author's hand wins. */
const annotationsOf = (ast: SchemaAST.AST): ReadonlyArray<readonly [SchemaAST.AST, Schema.Annotations.Annotations]> => {
  const { node, outer } = wireOf(ast)
  return [node, ...outer.toReversed()].flatMap((owner) =>
    [
      // `Schema.optional` puts the author's schema into a union.
      ...SchemaAST.isUnion(owner) && SchemaAST.isOptional(owner) && membersOf(owner) === undefined
        ? owner.types.flatMap(annotationsOf)
        : [],
      [owner, owner.annotations] as const,
      ...(owner.checks ?? []).map((check) => [owner, check.annotations] as const),
      [owner, owner.context?.annotations] as const
    ].filter((pair): pair is readonly [SchemaAST.AST, Schema.Annotations.Annotations] => pair[1] !== undefined)
  )
}

const lastOf = (ast: SchemaAST.AST, key: string): string | undefined =>
  annotationsOf(ast).map(([, annotations]) => annotations[key]).findLast((value) => typeof value === "string")

const titleAndDescription = (ast: SchemaAST.AST): Draft => {
  // The title of an only literal is its own, not the field's.
  const isLiteral = SchemaAST.isLiteral(wireOf(ast).node)
  const title = isLiteral ? undefined : lastOf(ast, "title")
  const description = lastOf(ast, "description")
  return { ...title === undefined ? undefined : { title }, ...description === undefined ? undefined : { description } }
}

const formats = new Set(["email", "uri", "date", "date-time"])

const dateTimeUtcFromString = Schema.DateTimeUtcFromString.ast.encoding?.[0].transformation

const formatOf = ({ node, outer }: Wire): Draft | undefined => {
  const union = SchemaAST.isUnion(node)
    ? node.types.map(wireOf).find((wire) => SchemaAST.isString(wire.node))
    : undefined
  if (union !== undefined) return formatOf(union)
  const named = [node, ...outer.toReversed()].map((ast) => lastOf(ast, "format")).findLast((value) =>
    value !== undefined
  )
  if (named !== undefined) return formats.has(named) ? { format: named } : undefined
  switch (outer.flatMap((layer) => layer.encoding ?? []).at(-1)?.transformation) {
    case SchemaTransformation.dateFromString:
    case dateTimeUtcFromString:
      return { format: "date-time" }
    case SchemaTransformation.urlFromString:
      return { format: "uri" }
    default:
      return undefined
  }
}

const isSecret = (ast: SchemaAST.AST): boolean =>
  (ast.annotations?.representation as { readonly id?: unknown } | undefined)?.id === "effect/schema/Redacted"

// ----------------------------------------------------------------------------
// defaults
// ----------------------------------------------------------------------------

/** On the wire; `null` when there is one that has no wire form. */
const defaultOf = (ast: SchemaAST.AST): Json | undefined => {
  const annotated = annotationsOf(ast).findLast(([, annotations]) => annotations.default !== undefined)
  if (annotated === undefined) return decodingDefault(ast)
  const [owner, annotations] = annotated
  const encoded = SchemaParser.encodeUnknownExit(Schema.make<Schema.Codec<unknown>>(owner))(annotations.default)
  return Exit.isSuccess(encoded) ? encoded.value as Json : null
}

/** What `Schema.withDecodingDefault` and its relatives fill in, when it is there without running an effect. */
const decodingDefault = (ast: SchemaAST.AST): Json | undefined => {
  const transformations = wireOf(ast).outer.flatMap((layer) => layer.encoding ?? [])
  const isConstant = transformations.some(({ transformation: { decode } }) => {
    if (typeof decode === "function" || decode._tag !== "TransformOptionalEffect") return false
    const result: unknown = SchemaGetter.run(decode, Option.none(), {})
    return Exit.isExit(result) && Exit.isSuccess(result) && Option.isOption(result.value) &&
      Option.isSome(result.value)
  })
  if (!isConstant) return undefined
  const holder = Schema.make<Schema.Codec<unknown>>(
    new SchemaAST.Objects([new SchemaAST.PropertySignature("value", ast)], [])
  )
  const decoded = SchemaParser.decodeUnknownExit(holder)({})
  if (!Exit.isSuccess(decoded)) return undefined
  const encoded = SchemaParser.encodeUnknownExit(holder)(decoded.value)
  return Exit.isSuccess(encoded) ? (encoded.value as { readonly value?: Json }).value : undefined
}

const hasType = (field: Draft, value: Json): boolean => {
  switch (field.type) {
    case "integer":
    case "number":
      return typeof value === "number" && Number.isFinite(value)
    case "array":
      return Array.isArray(value) && value.every((item) => typeof item === "string")
    default:
      return typeof value === field.type
  }
}

// ----------------------------------------------------------------------------
// wire
// ----------------------------------------------------------------------------

interface Wire {
  readonly node: SchemaAST.AST
  /** From the decoded side to the neighbour of `node`. */
  readonly outer: ReadonlyArray<SchemaAST.AST>
}

const wireOf = (ast: SchemaAST.AST): Wire => {
  const outer: Array<SchemaAST.AST> = []
  let node = ast
  while (true) {
    if (node.encoding !== undefined) {
      outer.push(node, ...node.encoding.slice(0, -1).map(({ to }) => to))
      node = node.encoding[node.encoding.length - 1]!.to
    } else if (SchemaAST.isSuspend(node)) {
      outer.push(node)
      node = node.thunk()
    } else {
      return { node, outer }
    }
  }
}

const isOptionalOnWire = (ast: SchemaAST.AST): boolean =>
  ast.encoding === undefined
    ? SchemaAST.isOptional(ast)
    : isOptionalOnWire(ast.encoding[ast.encoding.length - 1]!.to)
