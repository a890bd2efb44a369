/** Names of tools: from what the document calls an operation, short, unique, and the same tomorrow. */
import type { Entry } from "./operations.ts"

export const maxLength = 64

export const isName = (name: string): boolean => /^[A-Za-z0-9_-]{1,64}$/u.test(name)

/** What the document calls it, or its method and path; cut at a word where it is too long. */
export const wantedOf = ({ method, operationId, path }: Pick<Entry, "method" | "operationId" | "path">): string =>
  short(nameOf(operationId ?? "") || nameOf(`${method.toLowerCase()}${path.replace(/[{}]/gu, " ")}`) || "operation")

const nameOf = (text: string): string => text.replace(/[^A-Za-z0-9_-]+/gu, "_").replace(/^_+|_+$/gu, "")

const short = (name: string, limit = maxLength): string => {
  if (name.length <= limit) return name
  const cut = name.slice(0, limit)
  const word = cut.search(/[_-][^_-]*$/u)
  return word > limit / 2 ? cut.slice(0, word) : cut
}

/** The name with a mark made of the operation itself: it stays whatever operations come and go beside it. */
export const marked = (name: string, operation: string): string => `${short(name, maxLength - 6)}_${markOf(operation)}`

/** FNV-1a in five digits of base 36. */
const markOf = (text: string): string => {
  let hash = 0x811c9dc5
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0
  return hash.toString(36).padStart(5, "0").slice(-5)
}
