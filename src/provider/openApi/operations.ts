/** The operations of a document, each with all that holds for it: what its path says, its defaults, its servers. */
import { isObject, type Json, type JsonObject } from "../../protocol/JsonRpc.ts"
import { arrayOf, type Document, entriesOf, resolve, stringOf, Unusable } from "./document.ts"
import type { Style } from "./styles.ts"

export interface Parameter extends Style {
  readonly name: string
  readonly in: "path" | "query" | "header" | "cookie"
  readonly required: boolean
  readonly description: string | undefined
  readonly schema: Json
  /** Where it is a document of its own within the query, say. */
  readonly mediaType: string | undefined
}

export interface Body {
  readonly mediaType: string
  readonly required: boolean
  readonly description: string | undefined
  readonly schema: Json | undefined
  /** How the members of a form are written. */
  readonly encoding: JsonObject
}

export interface Response {
  /** `200`, `2XX` or `default`. */
  readonly status: string
  readonly content: ReadonlyArray<readonly [mediaType: string, schema: Json | undefined]>
}

/** Scheme names that are wanted together. */
export type Requirement = ReadonlyArray<string>

export interface Operation {
  readonly method: string
  readonly path: string
  readonly operationId: string | undefined
  readonly summary: string | undefined
  readonly description: string | undefined
  readonly tags: ReadonlyArray<string>
  readonly deprecated: boolean
  readonly parameters: ReadonlyArray<Parameter>
  readonly body: Body | undefined
  readonly responses: ReadonlyArray<Response>
  /** One of them is enough; undefined where nothing is wanted. */
  readonly security: ReadonlyArray<Requirement> | undefined
  readonly servers: ReadonlyArray<JsonObject>
}

/** An operation as it stands there, before it is read. */
export interface Entry {
  readonly method: string
  readonly path: string
  readonly operationId: string | undefined
  readonly tags: ReadonlyArray<string>
  readonly deprecated: boolean
  readonly read: () => Operation
}

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]

export const keyOf = ({ method, path }: { readonly method: string; readonly path: string }): string =>
  `${method} ${path}`

export const entries = (document: Document): ReadonlyArray<Entry> => {
  const { paths } = document.root
  if (!isObject(paths)) return []
  return entriesOf(paths).flatMap(([path, given]) => {
    if (!path.startsWith("/")) return []
    let item: JsonObject | undefined
    let fault: Unusable | undefined
    try {
      item = resolve(document, given)
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      fault = error
    }
    if (item === undefined) {
      return [{ method: "*", path, operationId: undefined, tags: [], deprecated: false, read: () => raise(fault!) }]
    }
    return [...methods, "query"].flatMap((method): ReadonlyArray<Entry> => {
      const operation = item[method]
      if (!isObject(operation)) return []
      return [{
        method: method.toUpperCase(),
        path,
        operationId: stringOf(operation.operationId),
        tags: arrayOf(operation.tags).filter((tag) => typeof tag === "string"),
        deprecated: operation.deprecated === true,
        read: () => read(document, item, method.toUpperCase(), path, operation)
      }]
    })
  })
}

/** Less what is written behind a path to tell operations apart. */
const placeOf = (path: string): string => path.split(/[#?]/u, 1)[0]!

const raise = (fault: Unusable): never => {
  throw fault
}

const read = (
  document: Document,
  item: JsonObject,
  method: string,
  path: string,
  operation: JsonObject
): Operation => {
  if (method === "TRACE" || method === "QUERY") throw new Unusable(`${method} requests are not made`)
  const parameters = parametersOf(document, item, operation)
  for (const [, name] of placeOf(path).matchAll(/\{([^{}]+)\}/gu)) {
    if (!parameters.some((parameter) => parameter.in === "path" && parameter.name === name)) {
      parameters.push({ ...undescribed, name: name! })
    }
  }
  return {
    method,
    path,
    operationId: stringOf(operation.operationId),
    summary: stringOf(operation.summary) ?? stringOf(item.summary),
    description: stringOf(operation.description) ?? stringOf(item.description),
    tags: arrayOf(operation.tags).filter((tag) => typeof tag === "string"),
    deprecated: operation.deprecated === true,
    parameters: parameters.filter((parameter) =>
      parameter.in === "path" ? placeOf(path).includes(`{${parameter.name}}`) : !isOfHttp(parameter)
    ),
    body: sentWith(method, bodyOf(document, operation.requestBody)),
    responses: responsesOf(document, operation.responses),
    security: securityOf(operation.security ?? document.root.security),
    servers: [operation.servers, item.servers, document.root.servers].map(arrayOf).find(({ length }) => length > 0)
      ?.filter((server) => isObject(server)) ?? []
  }
}

/** A placeholder that nothing is said about. */
const undescribed = {
  in: "path",
  required: true,
  description: undefined,
  schema: { type: "string" },
  mediaType: undefined,
  style: "simple",
  explode: false,
  allowReserved: false
} as const

/** OpenAPI has the first three ignored, as other parts of the document say what they are; the others are HTTP's own. */
const isOfHttp = ({ in: place, name }: Parameter): boolean =>
  place === "header" &&
  /^(?:accept|content-type|authorization|connection|content-length|host|proxy-.*|te|trailer|transfer-encoding|upgrade)$/iu
    .test(name)

const parametersOf = (document: Document, item: JsonObject, operation: JsonObject): Array<Parameter> => {
  const found = new Map<string, Parameter>()
  for (const given of [...arrayOf(item.parameters), ...arrayOf(operation.parameters)]) {
    const parameter = resolve(document, given)
    const name = stringOf(parameter.name)
    const place = parameter.in
    if (name === undefined) throw new Unusable("one of its parameters has no name")
    if (place !== "path" && place !== "query" && place !== "header" && place !== "cookie") {
      throw new Unusable(`its parameter ${JSON.stringify(name)} is in ${JSON.stringify(place)}, where none can be`)
    }
    const style = stringOf(parameter.style) ?? (place === "query" || place === "cookie" ? "form" : "simple")
    const [[mediaType, media] = []] = isObject(parameter.content) ? Object.entries(parameter.content) : []
    found.set(`${place} ${name}`, {
      name,
      in: place,
      required: place === "path" || parameter.required === true,
      description: stringOf(parameter.description),
      schema: (isObject(media) ? media.schema : parameter.schema) ?? {},
      mediaType,
      style,
      explode: typeof parameter.explode === "boolean" ? parameter.explode : style === "form" || style === "deepObject",
      allowReserved: parameter.allowReserved === true
    })
  }
  return [...found.values()]
}

export const isJsonType = (mediaType: string): boolean => /^[^;]*[/+]json(?:\s*;|$)/iu.test(mediaType)

/** The lower, the rather it is sent. */
const rankOf = (mediaType: string): number =>
  isJsonType(mediaType)
    ? 0
    : mediaType.startsWith("*/*")
    ? 1
    : /x-www-form-urlencoded/iu.test(mediaType)
    ? 2
    : /^multipart\/form-data/iu.test(mediaType)
    ? 3
    : /^text\/plain/iu.test(mediaType)
    ? 4
    : 5

const bodyOf = (document: Document, given: Json | undefined): Body | undefined => {
  if (given === undefined) return undefined
  const body = resolve(document, given)
  if (!isObject(body.content)) return undefined
  const [chosen] = Object.entries(body.content).toSorted(([a], [b]) => rankOf(a) - rankOf(b))
  if (chosen === undefined) return undefined
  const [mediaType, content] = chosen
  const media = resolve(document, content)
  return {
    mediaType,
    required: body.required === true,
    description: stringOf(body.description),
    schema: media.schema,
    encoding: isObject(media.encoding) ? media.encoding : {}
  }
}

const sentWith = (method: string, body: Body | undefined): Body | undefined => {
  if (method !== "GET" && method !== "HEAD") return body
  if (body?.required === true) throw new Unusable(`it wants a body with ${method}, which HTTP clients do not send`)
  return undefined
}

const responsesOf = (document: Document, given: Json | undefined): ReadonlyArray<Response> =>
  isObject(given)
    ? Object.entries(given).flatMap(([status, value]) => {
      if (status.startsWith("x-")) return []
      const { content } = resolve(document, value)
      return [{
        status: status.toUpperCase() === "DEFAULT" ? "default" : status.toUpperCase(),
        content: isObject(content)
          ? Object.entries(content).map(([mediaType, media]) => [mediaType, resolve(document, media).schema] as const)
          : []
      }]
    })
    : []

const securityOf = (given: Json | undefined): ReadonlyArray<Requirement> | undefined => {
  const alternatives = arrayOf(given).filter((alternative) => isObject(alternative)).map((one) => Object.keys(one))
  return alternatives.length === 0 ? undefined : alternatives
}
