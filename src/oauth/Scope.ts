/**
 * Scopes as RFC 6749 (3.3) has them: words in any order, put apart by spaces. What a word means is its server's
 * business, so one includes another only where they are the same.
 */

/** The words, each once. @category decoding @since 0.1.0 */
export const parse = (scope: string): ReadonlyArray<string> => [
  ...new Set(scope.split(" ").filter((word) => word !== ""))
]

/** @category encoding @since 0.1.0 */
export const format = (scopes: ReadonlyArray<string>): string => union(scopes).join(" ")

/** All of both, the first first. @category combinators @since 0.1.0 */
export const union = (
  ...lists: ReadonlyArray<ReadonlyArray<string>>
): ReadonlyArray<string> => [...new Set(lists.flat())]

/** Whether all that is needed was granted. @category guards @since 0.1.0 */
export const includes = (granted: ReadonlyArray<string>, needed: ReadonlyArray<string>): boolean =>
  needed.every((scope) => granted.includes(scope))

/** Whether this can be one scope: no space in it, nor anything a header would have to quote. @category guards @since 0.1.0 */
export const isScope = (text: string): boolean => /^[\u0021\u0023-\u005b\u005d-\u007e]+$/u.test(text)
