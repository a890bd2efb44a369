/**
 * Values mirrored into HTTP headers (2026-07-28): plain where a header can carry them, base64 of their UTF-8 between
 * markers where not.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"

const prefix = "=?base64?"
const suffix = "?="

/** @category encoding @since 0.1.0 */
export const encode = (value: string): string => isPlain(value) ? value : `${prefix}${Base64.encode(value)}${suffix}`

/**
 * The value a header carries, or `undefined` when it is marked as base64 and is not base64 of UTF-8.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (header: string): string | undefined => {
  const value = header.replace(/^[ \t]+|[ \t]+$/gu, "")
  if (!isMarked(value)) return isAscii(value) ? value : undefined
  const body = value.slice(prefix.length, -suffix.length)
  if (!/^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/u.test(body)) return undefined
  const bytes = Base64.decode(body)
  if (Result.isFailure(bytes)) return undefined
  try {
    // A byte order mark is part of the value, and bytes that are not UTF-8 are no value.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.success)
  } catch {
    return undefined
  }
}

const isMarked = (value: string): boolean =>
  value.length >= prefix.length + suffix.length && value.startsWith(prefix) && value.endsWith(suffix)

const isAscii = (value: string): boolean => /^[\x20-\x7e]*$/u.test(value)

const isPlain = (value: string): boolean => isAscii(value) && !isMarked(value) && value === value.trim()
