/**
 * Bytes that content is made of, and where they came from.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as ContentError from "../ContentError.ts"

export interface Source {
  readonly name: string
  readonly bytes: Uint8Array
  readonly mimeType: string | undefined
}

export interface Limits {
  readonly mimeType?: string
  readonly maxBytes?: number
}

export const defaultMaxBytes = 10 * 1024 * 1024

export const unreadable = (source: string, text: string): ContentError.ContentError =>
  ContentError.make(new ContentError.Unreadable({ source, text }))

export const tooLarge = (source: string, maximum = defaultMaxBytes): ContentError.ContentError =>
  ContentError.make(new ContentError.TooLarge({ source, maximum }))

/** What a `data:` URL holds. */
export const fromDataUrl = (url: string): Effect.Effect<Source, ContentError.ContentError> => {
  const parts = /^data:([^,;]*)((?:;[^,;]*)*),(.*)$/isu.exec(url)
  if (parts === null) return malformed("The text is not a data URL")
  const [, type, parameters, data] = parts
  const bytes = /;base64$/iu.test(parameters!) ? decodeBase64(unescaped(data!)) : percentDecoded(data!)
  return bytes === undefined
    ? malformed("The data of the data URL is not what its header says")
    : Effect.succeed({ name: "The data URL", bytes, mimeType: type === "" ? "text/plain" : type!.toLowerCase() })
}

/** The media type, where it is of the kind that was asked for. */
export const typed = (
  expected: "image" | "audio",
  source: Source,
  options: Limits
): Effect.Effect<string, ContentError.ContentError> => {
  if (isTooLarge(source, options)) return Effect.fail(tooLarge(source.name, options.maxBytes))
  const found = options.mimeType ?? source.mimeType
  if (found?.startsWith(`${expected}/`)) return Effect.succeed(found)
  return Effect.fail(ContentError.make(
    new ContentError.WrongType({ source: source.name, expected, ...(found === undefined ? undefined : { found }) })
  ))
}

export const isTooLarge = ({ bytes }: Source, { maxBytes = defaultMaxBytes }: Limits): boolean =>
  bytes.length > maxBytes

const decodeBase64 = (text: string): Uint8Array | undefined =>
  Result.getOrUndefined(Base64.decode(text.replace(/\s/gu, "")))

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Text with bytes in it as `%xx`; undefined where an escape is broken. */
const percentDecoded = (text: string): Uint8Array | undefined => {
  if (/%(?![0-9a-f]{2})/iu.test(text)) return undefined
  const parts = text.split(/((?:%[0-9a-f]{2})+)/iu).map((part) =>
    part.startsWith("%")
      ? Uint8Array.from(part.match(/[0-9a-f]{2}/giu)!, (byte) => Number.parseInt(byte, 16))
      : new TextEncoder().encode(part)
  )
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

const malformed = (text: string) => Effect.fail(ContentError.make(new ContentError.Malformed({ text })))
