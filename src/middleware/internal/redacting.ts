/**
 * JSON without what its schema declares as `Schema.Redacted`, and without what no schema describes. Where it cannot be
 * told which part of a value a secret came to, as behind a transformation, all of it is taken for one.
 */
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import type { Json, JsonObject } from "../../protocol/JsonRpc.ts"

/** Stands for a secret; its value is the type of what was there. */
export const redacted = "~redacted"

/** Stands for what no schema describes; its value is the type of what was there. */
export const leftOut = "~left out"

/** Stands for the name of a member that no schema declares. */
export const undeclared = "~undeclared "

export interface Redactor {
  /** Takes out the secrets, and adds their texts to `secrets`. */
  readonly bySchema: (schema: Schema.Codec<any, any>, value: unknown, secrets: Array<string>) => Json
  /** What no schema describes. */
  readonly bare: (value: unknown) => Json
  /** The same value without texts that are secret. */
  readonly without: (value: Json, secrets: ReadonlyArray<string>) => Json
  readonly hasSecret: (schema: Schema.Codec<any, any>) => boolean
}

/** `keeps`: whether what no schema describes stays as it is. */
export const make = (keeps: boolean): Redactor => {
  const known = new WeakMap<SchemaAST.AST, boolean>()
  const codecs = new WeakMap<Schema.Codec<any, any>, SchemaAST.AST>()
  const decoders = new WeakMap<SchemaAST.AST, (value: unknown) => Exit.Exit<unknown, unknown>>()
  const fields = new WeakMap<SchemaAST.AST, ReadonlyMap<PropertyKey, SchemaAST.AST>>()
  const tests = new WeakMap<SchemaAST.AST, (value: unknown) => boolean>()

  const hasSecret = (ast: SchemaAST.AST): boolean => {
    const found = known.get(ast)
    if (found !== undefined) return found
    const answer = searched(ast, new Set())
    known.set(ast, answer)
    return answer
  }

  const codecOf = (schema: Schema.Codec<any, any>): SchemaAST.AST => {
    const found = codecs.get(schema)
    if (found !== undefined) return found
    const made = Schema.toCodecJson(schema).ast
    codecs.set(schema, made)
    return made
  }

  const fits = (ast: SchemaAST.AST, value: unknown): boolean => {
    let test = tests.get(ast)
    if (test === undefined) tests.set(ast, test = Schema.is(Schema.make<Schema.Top>(SchemaAST.toEncoded(ast))))
    return test(value)
  }

  const decoder = (ast: SchemaAST.AST) => {
    let decode = decoders.get(ast)
    if (decode === undefined) {
      decoders.set(ast, decode = SchemaParser.decodeUnknownExit(Schema.make<Schema.Codec<any, any>>(ast)))
    }
    return decode
  }

  const bare = (value: unknown): Json => keeps ? value as Json : { [leftOut]: typeOf(value) }

  const walk = (ast: SchemaAST.AST, value: unknown, secrets: Array<string>): Json => {
    if (isSecret(ast)) return taken(value, secrets)
    if (isOpen(ast)) return bare(value)
    if (ast.encoding !== undefined) {
      const wire = ast.encoding[ast.encoding.length - 1]!.to
      // A class's fields are those of what it is encoded to; anything else may have moved them.
      const isTraceable = !hasSecret(ast)
        || (ast.encoding.length === 1 && SchemaAST.isDeclaration(ast) && hasSecret(wire))
      if (isTraceable) return walk(wire, value, secrets)
      // What it comes to is what the author has, and may repeat.
      const decoded = decoder(ast)(value)
      if (Exit.isSuccess(decoded)) contents(decoded.value, secrets)
      return taken(value, secrets)
    }
    switch (ast._tag) {
      case "Objects":
        return typeof value === "object" && value !== null && !Array.isArray(value)
          ? members(ast, value as JsonObject, secrets)
          : misfit(ast, value, secrets)
      case "Arrays":
        return Array.isArray(value)
          ? value.map((item, index) => {
            const type = ast.elements[index] ?? ast.rest[0]
            return type === undefined ? misfit(ast, item, secrets) : walk(type, item, secrets)
          })
          : misfit(ast, value, secrets)
      case "Union": {
        const fitting = ast.types.filter((type) => fits(type, value))
        return fitting.length === 0
          ? misfit(ast, value, secrets)
          : fitting.map((type) => walk(type, value, secrets)).reduce(least)
      }
      case "Suspend":
        return walk(ast.thunk(), value, secrets)
      case "Declaration":
        return hasSecret(ast) ? taken(value, secrets) : bare(value)
      // What breaks a check of its is of its kind all the same.
      case "String":
        return typeof value === "string" ? value : bare(value)
      case "Number":
        return typeof value === "number" ? value : bare(value)
      case "Boolean":
        return typeof value === "boolean" ? value : bare(value)
      default:
        return isPrimitive(value) && fits(ast, value) ? value : misfit(ast, value, secrets)
    }
  }

  /** It is not what its schema says: where that knows of secrets, it may be one. */
  const misfit = (ast: SchemaAST.AST, value: unknown, secrets: Array<string>): Json =>
    hasSecret(ast) ? taken(value, secrets) : bare(value)

  const members = (ast: SchemaAST.Objects, value: JsonObject, secrets: Array<string>): Json => {
    let types = fields.get(ast)
    if (types === undefined) {
      fields.set(ast, types = new Map(ast.propertySignatures.map(({ name, type }) => [name, type])))
    }
    let unknown = 0
    return Object.fromEntries(
      Object.entries(value).map(([key, member]): [string, Json] => {
        const type = types.get(key)
        if (type !== undefined) return [key, walk(type, member!, secrets)]
        const index = ast.indexSignatures.find(({ parameter }) => fits(parameter, key))
        if (index !== undefined) return [key, walk(index.type, member, secrets)]
        return keeps && !hasSecret(ast)
          ? [key, member!]
          : [`${undeclared}${++unknown}`, hasSecret(ast) ? taken(member, secrets) : bare(member)]
      })
    )
  }

  return {
    bySchema: (schema, value, secrets) => walk(codecOf(schema), value, secrets),
    hasSecret: (schema) => hasSecret(codecOf(schema)),
    bare,
    without
  }
}

const searched = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): boolean => {
  if (seen.has(ast)) return false
  seen.add(ast)
  const within = (inner: SchemaAST.AST): boolean => searched(inner, seen)
  if (isSecret(ast) || ast.encoding?.some(({ to }) => within(to)) === true) return true
  switch (ast._tag) {
    case "Declaration":
      return ast.typeParameters.some(within)
    case "Objects":
      return ast.propertySignatures.some(({ type }) => within(type))
        || ast.indexSignatures.some(({ parameter, type }) => within(parameter) || within(type))
    case "Arrays":
      return ast.elements.some(within) || ast.rest.some(within)
    case "Union":
      return ast.types.some(within)
    case "Suspend":
      return within(ast.thunk())
    default:
      return false
  }
}

const isSecret = (ast: SchemaAST.AST): boolean =>
  (ast.annotations?.representation as { readonly id?: unknown } | undefined)?.id === "effect/schema/Redacted"

/** Anything at all fits it: that is no description. */
const isOpen = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Unknown" || ast._tag === "Any" || ast._tag === "ObjectKeyword"

const taken = (value: unknown, secrets: Array<string>): Json => {
  texts(value, secrets)
  return { [redacted]: typeOf(value) }
}

const texts = (value: unknown, into: Array<string>): void => {
  if (typeof value === "string" && value !== "") into.push(value)
  else if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) texts(member, into)
  }
}

/** Of two readings of one value, what neither takes out. */
const least = (one: Json, other: Json): Json => {
  if (isMarker(one)) return one
  if (isMarker(other)) return other
  if (Array.isArray(one) && Array.isArray(other)) return one.map((item, index) => least(item, other[index]!))
  if (isPrimitive(one) || isPrimitive(other)) return one
  const left = one as JsonObject
  const right = other as JsonObject
  return Object.fromEntries(
    Object.keys(left).filter((key) => key in right).map((key) => [key, least(left[key]!, right[key]!)])
  )
}

/** Of what is wrapped, wherever it is. */
const contents = (value: unknown, into: Array<string>): void => {
  if (Redacted.isRedacted(value)) texts(Redacted.value(value), into)
  else if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) contents(member, into)
  }
}

export const isMarker = (value: unknown): value is { readonly [key: string]: string } =>
  typeof value === "object" && value !== null && (redacted in value || leftOut in value)

const isPrimitive = (value: unknown): value is string | number | boolean | null =>
  value === null || typeof value !== "object"

export const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value

/** Shorter texts are too likely to be a part of others by chance. */
const shortest = 4

const without = (value: Json, secrets: ReadonlyArray<string>): Json => {
  if (secrets.length === 0 || isMarker(value)) return value
  if (typeof value === "string") {
    return secrets.some((secret) => secret.length < shortest ? value === secret : value.includes(secret))
      ? { [redacted]: "string" }
      : value
  }
  if (isPrimitive(value)) return value
  if (Array.isArray(value)) return value.map((item) => without(item, secrets))
  let hidden = 0
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([key, member]) => [
      secrets.some((secret) => secret.length >= shortest && key.includes(secret)) ? `${undeclared}${++hidden}` : key,
      without(member!, secrets)
    ])
  )
}
