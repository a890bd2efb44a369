/**
 * What is in a file: whether its bytes are text to a reader, and its media type by its name. Apart from `Content`, so
 * that nobody loads the table of types who needs none.
 */
import * as Mime from "effect/http/Mime"
import * as Option from "effect/Option"

/**
 * Text and data as a resource has them, such that a reader gets back the very bytes. Without a type it is plain text
 * where that is what the bytes are.
 *
 * @category models
 * @since 0.1.0
 */
export type Served =
  & { readonly mimeType: string }
  & ({ readonly text: string } | { readonly blob: Uint8Array })

/** The media type by a name alone; undefined for what no table knows. @category getters @since 0.1.0 */
export const typeOf = (path: string): string | undefined => {
  const name = path.slice(path.lastIndexOf("/") + 1)
  // The table takes TypeScript for films.
  return /\.[cm]?tsx?$/iu.test(name) ? "text/x-typescript" : Option.getOrUndefined(Mime.getType(name))
}

/** Undefined for bytes that are not UTF-8. A mark at the beginning is part of the bytes, and stays. @category decoding @since 0.1.0 */
export const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Of a type that only machines read, as pictures are; SVG is text. @category guards @since 0.1.0 */
export const isMedia = (mimeType: string | undefined): boolean =>
  mimeType !== undefined && /^(?:image|audio|video|font|model)\//u.test(mimeType) && !mimeType.endsWith("+xml")

/** UTF-8 without a NUL, and of no type that only machines read. @category guards @since 0.1.0 */
export const isText = (bytes: Uint8Array, mimeType: string | undefined): boolean =>
  !isMedia(mimeType) && !bytes.includes(0) && decode(bytes) !== undefined

/** @category encoding @since 0.1.0 */
export const serve = (
  bytes: Uint8Array,
  mimeType: string | undefined,
  isText: boolean
): Served => ({
  mimeType: mimeType ?? (isText ? "text/plain" : "application/octet-stream"),
  ...(isText ? { text: decode(bytes)! } : { blob: bytes })
})
