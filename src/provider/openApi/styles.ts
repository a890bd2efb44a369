/** Values as the text of a URL, a header or a cookie: the styles of OpenAPI's parameters. */
import { isObject, type Json } from "../../protocol/JsonRpc.ts"
import { entriesOf } from "./document.ts"

export interface Style {
  readonly style: string
  readonly explode: boolean
  readonly allowReserved: boolean
}

/** A name and a value, both as they are sent. */
export type Pair = readonly [name: string, value: string]

export const textOf = (value: Json): string =>
  typeof value === "string"
    ? value
    : value === null
    ? ""
    : typeof value === "object"
    ? JSON.stringify(value)
    : String(value)

export const encode = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/gu,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  )

/** As RFC 6570 has it for `+`: what is reserved stays, as do escapes; `#`, `&` and `+` would be read as something else. */
const encodeReserved = (text: string): string =>
  text.split(/(%[0-9A-Fa-f]{2}|[:/?@!$'()*,;=[\]])/u).map((part, index) => index % 2 === 1 ? part : encode(part)).join(
    ""
  )

const membersOf = (value: Json): ReadonlyArray<readonly [string, Json]> | undefined =>
  isObject(value) ? entriesOf(value) : undefined

/** In a path: with its prefix, where the style has one. */
export const inPath = (name: string, value: Json, { explode, style }: Style): string => {
  const entries = membersOf(value)
  const values = Array.isArray(value) ? value.map((one) => encode(textOf(one))) : undefined
  const flat = entries?.flatMap(([key, one]) => [encode(key), encode(textOf(one))])
  const pairs = entries?.map(([key, one]) => `${encode(key)}=${encode(textOf(one))}`)
  switch (style) {
    case "label":
      return `.${explode ? (values ?? pairs)?.join(".") ?? encode(textOf(value)) : joined(values ?? flat, value)}`
    case "matrix":
      return explode && values !== undefined
        ? values.map((one) => matrix(name, one)).join("")
        : explode && entries !== undefined
        ? entries.map(([key, one]) => matrix(key, encode(textOf(one)))).join("")
        : matrix(name, joined(values ?? flat, value))
    default:
      return joined(values ?? (explode ? pairs : flat), value)
  }
}

const joined = (parts: ReadonlyArray<string> | undefined, value: Json): string =>
  parts === undefined ? encode(textOf(value)) : parts.join(",")

const matrix = (name: string, value: string): string => `;${encode(name)}${value === "" ? "" : `=${value}`}`

/** In a query, or a form. */
export const inQuery = (name: string, value: Json, { allowReserved, explode, style }: Style): ReadonlyArray<Pair> => {
  const write = (one: Json) => (allowReserved ? encodeReserved : encode)(textOf(one))
  if (style === "deepObject" && typeof value === "object" && value !== null) return deep(name, value, write)
  const entries = membersOf(value)
  if (explode && Array.isArray(value)) return value.map((one) => [encode(name), write(one)])
  if (explode && entries !== undefined) return entries.map(([key, one]) => [encode(key), write(one)])
  const parts = Array.isArray(value)
    ? value.map(write)
    : entries?.flatMap(([key, one]) => [encode(key), write(one)]) ?? [write(value)]
  return [[encode(name), parts.join(delimiters.get(style) ?? ",")]]
}

const delimiters = new Map([["spaceDelimited", "%20"], ["pipeDelimited", "%7C"]])

/** Objects within objects, and lists by their index: beyond what OpenAPI says, and what APIs that use it read. */
const deep = (name: string, value: Json, write: (one: Json) => string): ReadonlyArray<Pair> =>
  typeof value === "object" && value !== null
    ? (Array.isArray(value) ? [...value.entries()] : membersOf(value) ?? []).flatMap(([key, one]) =>
      deep(`${name}[${key}]`, one, write)
    )
    : [[encode(name), write(value)]]

/** In a header, where nothing is escaped. */
export const inHeader = (value: Json, { explode }: Style): string => {
  const entries = membersOf(value)
  return Array.isArray(value)
    ? value.map(textOf).join(",")
    : entries === undefined
    ? textOf(value)
    : entries.map(([key, one]) => explode ? `${key}=${textOf(one)}` : `${key},${textOf(one)}`).join(",")
}
