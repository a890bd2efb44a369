/** Names from outside, as databases and Redis take them. */

/** What Postgres has no text for, and UTF-8 no bytes; and what we mark those by. */
const awkward = /^"|[\0\p{Surrogate}]/u

/** Any string, and no two become one. @category conversions @since 0.1.0 */
export const of = (text: string): string => awkward.test(text) ? JSON.stringify(text) : text

/** Back again. @category conversions @since 0.1.0 */
export const to = (stored: string): string => stored.startsWith("\"") ? JSON.parse(stored) : stored
