/**
 * The JSON-RPC 2.0 envelope MCP messages travel in. `parse` turns one frame of text into a message or into the exact
 * refusal it deserves, and never throws; the `encode` functions write frames. No method is known here.
 */
import * as McpError from "./McpError.ts"

/** @category models @since 0.1.0 */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject

/** @category models @since 0.1.0 */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/**
 * A string or an integer; MCP forbids `null`, and `1` and `"1"` are two different ids.
 *
 * @category models
 * @since 0.1.0
 */
export type RequestId = string | number

/** @category models @since 0.1.0 */
export interface Request {
  readonly _tag: "Request"
  readonly id: RequestId
  readonly method: string
  readonly params: JsonObject | undefined
}

/** @category models @since 0.1.0 */
export interface Notification {
  readonly _tag: "Notification"
  readonly method: string
  readonly params: JsonObject | undefined
}

/** @category models @since 0.1.0 */
export interface Response {
  readonly _tag: "Response"
  readonly id: RequestId | null
  readonly result: JsonObject | undefined
  readonly error: ErrorObject | undefined
}

/**
 * A frame that is not a message. `id` is the frame's own id where it could be read, so that the refusal finds its way.
 *
 * @category models
 * @since 0.1.0
 */
export interface Invalid {
  readonly _tag: "Invalid"
  readonly id: RequestId | null
  readonly error: McpError.McpError
  /** It was to be a response: the id is of a request its reader sent, and no refusal may carry it back. */
  readonly isResponse: boolean
  /** What it plainly means: some servers write `null` for params there are none of. Clients take it for that. */
  readonly meant?: Request | Notification
}

/**
 * Several messages in one frame; only revision 2025-03-26 accepts one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Batch {
  readonly _tag: "Batch"
  readonly messages: ReadonlyArray<Message | Invalid>
}

/** @category models @since 0.1.0 */
export type Message = Request | Notification | Response

/** @category models @since 0.1.0 */
export interface ErrorObject {
  readonly code: number
  readonly message: string
  readonly data?: Json
}

/**
 * How many arrays and objects may stand inside each other in one frame.
 *
 * @category limits
 * @since 0.1.0
 */
export const maxDepth = 128

/**
 * Reads one frame. Text that is not JSON, nests deeper than `maxDepth`, holds a lone surrogate or a `__proto__` key is
 * an `Invalid`, so nothing behind this function has to think of them.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (text: string): Message | Invalid | Batch => {
  if (mayNestTooDeep(text)) {
    const depth = nesting(text)
    if (depth > maxDepth) return tooDeep(text, depth)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return notJson
  }
  if (text.includes("\\u") || text.includes("__proto__") || !text.isWellFormed()) {
    const problem = unsafe(value)
    if (problem !== undefined) return invalidMessage(value, problem)
  }
  return decode(value)
}

/**
 * Reads a value that has already been parsed from JSON.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (value: unknown): Message | Invalid | Batch => {
  if (Array.isArray(value)) {
    if (value.length === 0) return invalid(null, "An empty batch is not a message.")
    return {
      _tag: "Batch",
      messages: value.map((item) =>
        Array.isArray(item) ? invalid(null, "A batch cannot hold a batch.") : decodeOne(item)
      )
    }
  }
  return decodeOne(value)
}

const decodeOne = (value: unknown): Message | Invalid => {
  if (typeof value !== "object" || value === null) return invalid(null, "A message is a JSON object.")
  const message = value as { readonly [key: string]: unknown }
  if (message.jsonrpc !== "2.0") return invalid(readId(value), "A message carries \"jsonrpc\": \"2.0\".")
  const { id, method, params } = message
  if (typeof method === "string") {
    if (params !== undefined && !isObject(params)) {
      const error = invalid(readId(value), "\"params\" is a JSON object when it is present.")
      const meant = params === null ? decodeOne({ ...message, params: undefined }) : error
      return meant._tag === "Request" || meant._tag === "Notification" ? { ...error, meant } : error
    }
    if (id === undefined) {
      return "id" in message
        ? invalid(null, "\"id\" is a string or an integer.")
        : { _tag: "Notification", method, params: params as JsonObject | undefined }
    }
    if (!isId(id)) return invalid(null, "\"id\" is a string or an integer; null and fractions are not ids.")
    return { _tag: "Request", id, method, params: params as JsonObject | undefined }
  }
  if (method !== undefined) return invalid(readId(value), "\"method\" is a string.")
  if ("result" in message || "error" in message) return decodeResponse(message)
  return invalid(readId(value), "A message has a \"method\", a \"result\" or an \"error\".")
}

const decodeResponse = (message: { readonly [key: string]: unknown }): Response | Invalid => {
  const id = message.id === undefined || message.id === null ? null : message.id
  if (id !== null && !isId(id)) return invalidResponse(null, "\"id\" is a string or an integer.")
  if ("result" in message && "error" in message) {
    return invalidResponse(id, "A response has a \"result\" or an \"error\", not both.")
  }
  if ("result" in message) {
    if (!isObject(message.result)) return invalidResponse(id, "\"result\" is a JSON object.")
    return { _tag: "Response", id, result: message.result, error: undefined }
  }
  const error = message.error
  if (!isObject(error) || !Number.isSafeInteger(error.code) || typeof error.message !== "string") {
    return invalidResponse(id, "\"error\" has an integer \"code\" and a \"message\".")
  }
  return { _tag: "Response", id, result: undefined, error: error as unknown as ErrorObject }
}

/**
 * The frame of a result. `result` is trusted to be JSON.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeResult = (id: RequestId, result: object): string => frameResult(id, encode(result))

/** The frame of a result whose JSON text is at hand. @category encoding @since 0.1.0 */
export const frameResult = (id: RequestId, text: string): string =>
  `{"jsonrpc":"2.0","id":${encodeId(id)},"result":${text}}`

/**
 * The frame of an error; `null` where the request's id could not be read.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeError = (id: RequestId | null, error: ErrorObject): string =>
  `{"jsonrpc":"2.0","id":${id === null ? "null" : encodeId(id)},"error":${encode(error)}}`

/** @category encoding @since 0.1.0 */
export const encodeNotification = (method: string, params?: object): string =>
  params === undefined
    ? `{"jsonrpc":"2.0","method":${JSON.stringify(method)}}`
    : `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${encode(params)}}`

/** @category encoding @since 0.1.0 */
export const encodeRequest = (id: RequestId, method: string, params?: object): string =>
  params === undefined
    ? `{"jsonrpc":"2.0","id":${encodeId(id)},"method":${JSON.stringify(method)}}`
    : `{"jsonrpc":"2.0","id":${encodeId(id)},"method":${JSON.stringify(method)},"params":${encode(params)}}`

/**
 * An object's JSON text. Half a surrogate pair, which UTF-8 cannot carry and no peer has to accept, leaves as U+FFFD.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (value: object): string => {
  const text = JSON.stringify(value)
  return text.includes("\\ud")
    ? text.replace(
      /\\(?:u(d[89a-f][\da-f]{2})|.)/gu,
      (escape, surrogate) => surrogate === undefined ? escape : "\ufffd"
    )
    : text
}

/** The text of its members, without the brackets around them. @category encoding @since 0.1.0 */
export const members = (value: object): string => encode(value).slice(1, -1)

const encodeId = (id: RequestId): string => typeof id === "number" ? String(id) : JSON.stringify(id)

/** @category guards @since 0.1.0 */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** @category guards @since 0.1.0 */
export const isId = (value: unknown): value is RequestId => typeof value === "string" || Number.isSafeInteger(value)

/** An id that cannot be sent back as it came is as good as none. */
const readId = (value: unknown): RequestId | null =>
  isObject(value) && isId(value.id) && (typeof value.id === "number" || value.id.isWellFormed()) ? value.id : null

const invalid = (id: RequestId | null, message: string): Invalid => ({
  _tag: "Invalid",
  id,
  error: McpError.invalidRequest(message),
  isResponse: false
})

const invalidResponse = (id: RequestId | null, message: string): Invalid => ({
  ...invalid(id, message),
  isResponse: true
})

const invalidMessage = (value: unknown, message: string): Invalid => {
  const isResponse = isObject(value) && value.method === undefined && ("result" in value || "error" in value)
  return { ...invalid(readId(value), message), isResponse }
}

const notJson: Invalid = {
  _tag: "Invalid",
  id: null,
  error: McpError.make(new McpError.ParseError({ message: "The message is not valid JSON." })),
  isResponse: false
}

/** Read for its id alone, if that costs no more than reading a flat message would. */
const tooDeep = (text: string, depth: number): Invalid => {
  let value: unknown
  if (depth <= 100 * maxDepth) {
    try {
      value = JSON.parse(text)
    } catch {
      return notJson
    }
  }
  return invalidMessage(value, `The message nests deeper than ${maxDepth} levels; send a flatter one.`)
}

/** Each level costs an opening bracket, and most frames have few: finding those is faster than reading every character. */
const mayNestTooDeep = (text: string): boolean => {
  if (text.length <= 2 * maxDepth) return false
  let brackets = 0
  for (let at = text.indexOf("{"); at !== -1 && brackets <= maxDepth; at = text.indexOf("{", at + 1)) brackets++
  for (let at = text.indexOf("["); at !== -1 && brackets <= maxDepth; at = text.indexOf("[", at + 1)) brackets++
  return brackets > maxDepth
}

/** The deepest nesting of brackets outside strings. */
const nesting = (text: string): number => {
  let depth = 0
  let deepest = 0
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // a string: skip to its end
        for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++
        break
      case 0x5b:
      case 0x7b:
        if (++depth > deepest) deepest = depth
        break
      case 0x5d:
      case 0x7d:
        depth--
        break
    }
  }
  return deepest
}

/** What makes a parsed value dangerous to pass on, if anything. Recursion is bounded by `maxDepth`. */
const unsafe = (value: unknown): string | undefined => {
  if (typeof value === "string") {
    return value.isWellFormed() ? undefined : "The message holds a lone surrogate, which is not Unicode text."
  }
  if (typeof value !== "object" || value === null) return undefined
  for (const key of Object.keys(value)) {
    if (key === "__proto__") return "\"__proto__\" is not accepted as a key."
    const problem = (key.isWellFormed() ? undefined : unsafe(key)) ?? unsafe((value as Record<string, unknown>)[key])
    if (problem !== undefined) return problem
  }
  return undefined
}
