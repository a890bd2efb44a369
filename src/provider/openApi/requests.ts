/** Arguments that fit, as the request that they ask for. */
import * as Base64 from "effect/encoding/Base64"
import * as HttpBody from "effect/http/HttpBody"
import * as Result from "effect/Result"
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import * as OpenApiFailure from "../OpenApiFailure.ts"
import { type Document, entriesOf, resolve, stringOf } from "./document.ts"
import { type Argument, type Inputs, isBinary } from "./inputs.ts"
import { type Body, isJsonType, type Operation, type Parameter } from "./operations.ts"
import * as styles from "./styles.ts"

export interface Outgoing {
  /** Under the base URL; it begins with a slash. */
  readonly path: string
  /** Its parts, as they are sent. */
  readonly query: ReadonlyArray<string>
  readonly headers: ReadonlyArray<styles.Pair>
  readonly cookies: ReadonlyArray<styles.Pair>
  readonly body: HttpBody.HttpBody
}

/** Makes it of one call's arguments. */
export const make = (document: Document, operation: Operation, inputs: Inputs) => {
  const accept = acceptOf(operation)
  const byKey = new Map(inputs.arguments.map((argument) => [argument.key, argument.to]))
  return (args: JsonObject): Result.Result<Outgoing, OpenApiFailure.OpenApiFailure> => {
    try {
      return Result.succeed(outgoing(document, operation, inputs, byKey, accept, args))
    } catch (error) {
      if (error instanceof OpenApiFailure.OpenApiFailure) return Result.fail(error)
      throw error
    }
  }
}

const unsendable = (argument: string, text: string): OpenApiFailure.OpenApiFailure =>
  OpenApiFailure.make(new OpenApiFailure.Unsendable({ argument, text }))

const acceptOf = ({ responses }: Operation): string => {
  const types = new Set(
    responses.filter(({ status }) => /^2|default/u.test(status)).flatMap(({ content }) => content.map(([type]) => type))
  )
  const [json, others] = [[...types].filter(isJsonType), [...types].filter((type) => !isJsonType(type))]
  return [...json, ...others].slice(0, 6).join(", ") || "application/json, */*;q=0.5"
}

const outgoing = (
  document: Document,
  operation: Operation,
  { form, open }: Inputs,
  byKey: ReadonlyMap<string, Argument["to"]>,
  accept: string,
  args: JsonObject
): Outgoing => {
  const values = new Map<string, { readonly key: string; readonly parameter: Parameter; readonly value: Json }>()
  const members: Array<readonly [string, Json]> = []
  let whole: { readonly key: string; readonly value: Json } | undefined
  for (const [key, value] of entriesOf(args)) {
    const to = byKey.get(key)
    if (to === undefined) {
      if (open) members.push([key, value])
    } else if (to.in === "body") whole = { key, value }
    else if (to.in === "member") members.push([to.name, value])
    else if (value !== null) values.set(`${to.parameter.in} ${to.parameter.name}`, { key, ...to, value })
  }

  // Some tell operations apart by what is no part of a path: a fragment stays here, a query goes along.
  const [place, fixed] = operation.path.split("#", 1)[0]!.split("?", 2)
  const path = place!.replace(/\{([^{}]+)\}/gu, (_, name: string) => {
    const found = values.get(`path ${name}`)
    if (found === undefined) throw unsendable(name, "it is missing")
    return pathText(found.key, found.parameter, found.value)
  })
  // Of several values beside each other, too.
  if (path.split("/").some((segment) => isDots(segment))) throw unsendable("path", "it would lead to another path")

  const query = fixed === undefined || fixed === "" ? [] : [fixed]
  const headers: Array<styles.Pair> = [["accept", accept]]
  const cookies: Array<styles.Pair> = []
  for (const { key, parameter, value } of values.values()) {
    const { mediaType, name } = parameter
    // A document within the query is one piece of text.
    const written = mediaType === undefined || (typeof value === "string" && !isJsonType(mediaType))
      ? value
      : JSON.stringify(value)
    switch (parameter.in) {
      case "query":
        query.push(...styles.inQuery(name, written, parameter).map((pair) => pair.join("=")))
        break
      case "header": {
        const text = styles.inHeader(written, parameter)
        if (/[^\t\u0020-\u007e\u0080-\u00ff]/u.test(text)) {
          throw unsendable(key, "it has characters that no header can have")
        }
        headers.push([name, text])
        break
      }
      case "cookie":
        cookies.push(...styles.inQuery(name, written, parameter))
        break
      default:
    }
  }

  const { body } = operation
  const value = whole !== undefined
    ? whole.value
    : members.length > 0 || (body?.required === true && form !== undefined && form !== "binary" && form !== "text")
    ? Object.fromEntries(members)
    : undefined
  return {
    path,
    query,
    headers,
    cookies,
    body: body === undefined || form === undefined || value === undefined
      ? HttpBody.empty
      : bodyOf(document, body, form, whole?.key ?? "body", value)
  }
}

// ----------------------------------------------------------------------------
// path
// ----------------------------------------------------------------------------

const pathText = (key: string, parameter: Parameter, value: Json): string => {
  for (const text of textsOf(value)) {
    // What is escaped on the way out is taken for a slash by some on the way in.
    if (text.split(/[/\\]/u).some(isDots) || text.includes("\0")) throw unsendable(key, "it would lead to another path")
  }
  const text = styles.inPath(parameter.name, value, parameter)
  if (text === "") throw unsendable(key, "it is empty")
  return text
}

const textsOf = (value: Json): ReadonlyArray<string> =>
  Array.isArray(value)
    ? value.flatMap(textsOf)
    : isObject(value)
    ? entriesOf(value).flat().flatMap(textsOf)
    : [styles.textOf(value)]

const isDots = (segment: string): boolean => /^(?:\.|%2e){1,2}$/iu.test(segment)

// ----------------------------------------------------------------------------
// body
// ----------------------------------------------------------------------------

const bodyOf = (
  document: Document,
  { encoding, mediaType, schema }: Body,
  form: NonNullable<Inputs["form"]>,
  key: string,
  value: Json
): HttpBody.HttpBody => {
  switch (form) {
    case "json":
      return HttpBody.text(JSON.stringify(value), mediaType.startsWith("*/*") ? "application/json" : mediaType)
    case "text":
      return HttpBody.text(styles.textOf(value), /[*]/u.test(mediaType) ? "text/plain" : mediaType)
    case "binary": {
      const { bytes, type } = fileOf(key, value)
      return HttpBody.uint8Array(bytes, /[*]/u.test(mediaType) ? type ?? "application/octet-stream" : mediaType)
    }
    case "urlencoded": {
      if (!isObject(value)) throw unsendable(key, "it is not an object")
      const pairs = entriesOf(value).flatMap(([name, member]) => formPairs(name, member, encoding[name]))
      return HttpBody.text(pairs.map((pair) => pair.join("=")).join("&"), "application/x-www-form-urlencoded")
    }
    case "multipart": {
      if (!isObject(value)) throw unsendable(key, "it is not an object")
      const data = new FormData()
      const { properties } = resolve(document, schema)
      for (const [name, member] of entriesOf(value)) {
        const of = isObject(properties) ? resolve(document, properties[name]) : {}
        const many = Array.isArray(member)
        for (const one of many ? member : [member]) {
          const part = partOf(document, name, one, many ? of.items ?? {} : of, encoding[name])
          if (typeof part === "string") data.append(name, part)
          else data.append(name, part.file, part.name)
        }
      }
      return HttpBody.formData(data)
    }
  }
}

/** A form says how each member is written, or it is text where it can be, and JSON where not. */
const formPairs = (name: string, value: Json, given: Json | undefined): ReadonlyArray<styles.Pair> => {
  const said = isObject(given) ? given : {}
  const style = stringOf(said.style)
  if (style !== undefined || said.explode !== undefined || said.allowReserved !== undefined) {
    return styles.inQuery(name, value, {
      style: style ?? "form",
      explode: typeof said.explode === "boolean"
        ? said.explode
        : (style ?? "form") === "form" || style === "deepObject",
      allowReserved: said.allowReserved === true
    })
  }
  return (Array.isArray(value) ? value : [value]).map((one) => [styles.encode(name), styles.encode(styles.textOf(one))])
}

const partOf = (
  document: Document,
  name: string,
  value: Json,
  schema: Json,
  given: Json | undefined
): string | { readonly file: Blob; readonly name: string | undefined } => {
  const type = isObject(given) ? stringOf(given.contentType)?.split(",")[0]!.trim() : undefined
  if (isBinary(document, schema)) {
    const file = fileOf(name, value)
    return {
      file: new Blob([file.bytes], { type: file.type ?? type ?? "application/octet-stream" }),
      name: file.name ?? name
    }
  }
  const isComposed = typeof value === "object" && value !== null
  return type === undefined && !isComposed
    ? styles.textOf(value)
    : { file: new Blob([styles.textOf(value)], { type: type ?? "application/json" }), name: undefined }
}

const fileOf = (key: string, value: Json) => {
  const { data, mimeType, name, text } = isObject(value) ? value : { data: value }
  const bytes = typeof text === "string"
    ? Result.succeed(new TextEncoder().encode(text))
    : typeof data === "string"
    ? Base64.decode(data.replace(/\s/gu, ""))
    : undefined
  if (bytes === undefined || Result.isFailure(bytes)) throw unsendable(key, "its data is not base64")
  return {
    bytes: new Uint8Array(bytes.success),
    type: stringOf(mimeType) ?? (typeof text === "string" ? "text/plain" : undefined),
    name: stringOf(name)
  }
}
