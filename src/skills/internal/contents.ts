/**
 * What is in a file: bytes, whether they are text to a reader, and their media type.
 */
import * as Mime from "effect/http/Mime"
import * as Option from "effect/Option"
import type * as Skill from "../Skill.ts"

/** Of a string it is always text; of bytes, where they are UTF-8 and of no type that only machines read. */
export const make = (value: string | Uint8Array, mimeType: string | undefined): Skill.Body =>
  typeof value === "string"
    ? { bytes: new TextEncoder().encode(value), isText: true }
    : { bytes: value, isText: !isMedia(mimeType) && isPlain(value) }

/** Text and data as a resource has them, such that a reader gets back the very bytes. */
export const serve = (
  { bytes, isText }: Skill.Body,
  mimeType: string | undefined
): { readonly mimeType: string } & ({ readonly text: string } | { readonly blob: Uint8Array }) => ({
  mimeType: mimeType ?? (isText ? "text/plain" : "application/octet-stream"),
  ...(isText ? { text: decode(bytes)! } : { blob: bytes })
})

/** By its name alone; undefined for what no table knows. */
export const typeOf = (path: string): string | undefined => {
  const name = path.slice(path.lastIndexOf("/") + 1)
  // The table takes TypeScript for films.
  return /\.[cm]?tsx?$/iu.test(name) ? "text/x-typescript" : Option.getOrUndefined(Mime.getType(name))
}

/** Undefined for bytes that are not UTF-8. A mark at the beginning is part of the bytes, and stays. */
export const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

export const equals = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

const isMedia = (mimeType: string | undefined): boolean =>
  mimeType !== undefined && /^(?:image|audio|video|font|model)\//u.test(mimeType) && !mimeType.endsWith("+xml")

const isPlain = (bytes: Uint8Array): boolean => !bytes.includes(0) && decode(bytes) !== undefined
