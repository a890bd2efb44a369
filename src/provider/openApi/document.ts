/** A document from text or a parsed value to one of OpenAPI 3.1, and what its references stand for. */
import * as Effect from "effect/Effect"
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import * as OpenApiError from "../OpenApiError.ts"

export interface Document {
  /** As the document says itself, before it was brought to 3.1. */
  readonly version: string
  readonly root: JsonObject
}

/** Why an operation, or a part of one, is of no use; caught where the operation is read. */
export class Unusable {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

const unreadable = (message: string) => OpenApiError.make(new OpenApiError.Unreadable({ message }))

interface Parser {
  readonly normalize: (content: string) => unknown
  readonly upgrade: (value: Record<string, unknown>) => { readonly specification: unknown }
}

type Load = () => Promise<Parser>

const loadParser: Load = async () => {
  // Inside `try`, so that a bundler that finds none leaves the import to fail where it is run.
  try {
    const { normalize, upgrade } = await import("@scalar/openapi-parser")
    return { normalize, upgrade }
  } catch (cause) {
    throw new Error("The parser could not be loaded", { cause })
  }
}

/** Swagger 2.0 and OpenAPI 3.0 are brought to 3.1 by the library: there a schema is a JSON Schema 2020-12. */
export const read = (
  given: string | JsonObject,
  load: Load = loadParser
): Effect.Effect<Document, OpenApiError.OpenApiError> =>
  Effect.gen(function*() {
    const { normalize, upgrade } = yield* Effect.tryPromise({
      try: load,
      catch: () => OpenApiError.make(new OpenApiError.ParserMissing({}))
    })
    const parsed = typeof given === "string"
      ? yield* Effect.try({
        try: () => normalize(given),
        catch: (error) => unreadable(error instanceof Error ? error.message : String(error))
      })
      : given
    if (!isObject(parsed)) return yield* Effect.fail(unreadable("it is neither JSON nor YAML of an object"))
    const version = String(parsed.openapi ?? parsed.swagger ?? "")
    if (!/^(?:2\.0|3\.[012](?:\.|$))/u.test(version)) {
      return yield* Effect.fail(unreadable(
        version === ""
          ? "it says no version (openapi: 3.1.0, say)"
          : `its version ${JSON.stringify(version)} is none of 3.0, 3.1, 3.2 and Swagger 2.0`
      ))
    }
    const root = yield* Effect.try({
      // The library writes the version into what it is given.
      try: () => upgrade({ ...parsed }).specification,
      catch: (error) => unreadable(error instanceof Error ? error.message : String(error))
    })
    if (!isObject(root)) return yield* Effect.fail(unreadable("it could not be brought to OpenAPI 3.1"))
    if (!isObject(root.paths) && !isObject(root.webhooks) && !isObject(root.components)) {
      return yield* Effect.fail(unreadable("it has no paths"))
    }
    return { version, root }
  })

/** The value at a pointer of the document. */
export const at = ({ root }: Document, ref: string): Json => {
  if (!ref.startsWith("#")) {
    throw new Unusable(
      `it refers to ${JSON.stringify(ref)}, and other documents are not followed; bundle them into one first`
    )
  }
  let value: Json | undefined = root
  for (const escaped of ref.split("/").slice(1)) {
    const key = unescaped(escaped)
    value = Array.isArray(value)
      ? value[Number(key)]
      : isObject(value) && Object.hasOwn(value, key)
      ? value[key]
      : undefined
    if (value === undefined) throw new Unusable(`it refers to ${JSON.stringify(ref)}, which is not there`)
  }
  return value
}

const unescaped = (key: string): string => {
  const plain = key.replaceAll("~1", "/").replaceAll("~0", "~")
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

/** The object itself, in the place of a reference to it; what stands beside `$ref` counts more. */
export const resolve = (document: Document, value: Json | undefined): JsonObject => {
  let found: Json | undefined = value
  let beside: JsonObject = {}
  const seen = new Set<string>()
  while (isObject(found) && typeof found.$ref === "string") {
    const { $ref, ...rest } = found
    if (seen.has($ref)) throw new Unusable(`its reference ${JSON.stringify($ref)} leads to itself`)
    seen.add($ref)
    beside = { ...rest, ...beside }
    found = at(document, $ref)
  }
  if (!isObject(found)) return {}
  return Object.keys(beside).length === 0 ? found : { ...found, ...beside }
}

export const arrayOf = (value: Json | undefined): ReadonlyArray<Json> => Array.isArray(value) ? value : []

/** Its members that are there. */
export const entriesOf = (value: JsonObject): ReadonlyArray<readonly [string, Json]> =>
  Object.entries(value).flatMap(([key, member]) => member === undefined ? [] : [[key, member] as const])

export const stringOf = (value: Json | undefined): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value.trim() : undefined
