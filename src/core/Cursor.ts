/**
 * Cursors of lists that change while somebody pages through them. A cursor names the last entry its page had by that
 * entry's place in the order, not by its index, so entries that come and go meanwhile neither repeat nor hide another.
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"

/** Opaque to whoever gets it. `kind` tells the cursors of one list from another's. @category encoding @since 0.1.0 */
export const encode = (kind: string, after: number): string => Base64Url.encode(`1:${kind}:${after}`)

/** Undefined for what `encode` did not make for this kind. @category decoding @since 0.1.0 */
export const decode = (kind: string, cursor: string): number | undefined => {
  const text = Base64Url.decodeString(cursor)
  if (Result.isFailure(text)) return undefined
  const after = Number(text.success.slice(text.success.lastIndexOf(":") + 1))
  // NOTE: a number has many spellings, and so has base64; only ours is taken.
  return Number.isFinite(after) && encode(kind, after) === cursor ? after : undefined
}

/** @category models @since 0.1.0 */
export interface Page<out A> {
  readonly items: ReadonlyArray<A>
  /** What to go on after; undefined on the last page. */
  readonly next: number | undefined
}

/**
 * The entries after a place in the order. `entries` are in ascending order; a page has at least one entry while there
 * are any.
 *
 * @category pages
 * @since 0.1.0
 */
export const paginate = <A extends { readonly order: number }>(
  entries: ReadonlyArray<A>,
  options: { readonly after?: number | undefined; readonly pageSize?: number | undefined } = {}
): Page<A> => {
  const { after = -Infinity, pageSize = Infinity } = options
  const start = firstAfter(entries, after)
  const end = start + Math.max(1, Math.floor(pageSize))
  const items = start === 0 && end >= entries.length ? entries : entries.slice(start, end)
  return { items, next: end < entries.length ? entries[end - 1]!.order : undefined }
}

const firstAfter = (entries: ReadonlyArray<{ readonly order: number }>, after: number): number => {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entries[middle]!.order > after) high = middle
    else low = middle + 1
  }
  return low
}
