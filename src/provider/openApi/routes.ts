/** Which operations become what. */
import type * as OpenApi from "../OpenApi.ts"
import type { Entry } from "./operations.ts"

/** What of the entry a route is about: `can` says what it could be read as, beside a tool. */
export const matches = (route: OpenApi.Route, entry: Entry, can: (as: "resource" | "template") => boolean): boolean => {
  const { as, methods, operationId, path, tags } = route
  return (methods === undefined || methods.some((method) => method.toUpperCase() === entry.method)) &&
    (path === undefined || isLike(path, entry.path)) &&
    (tags === undefined || tags.every((tag) => entry.tags.includes(tag))) &&
    (operationId === undefined ||
      (entry.operationId !== undefined && isLike(operationId, entry.operationId))) &&
    (as === "tool" || as === "exclude" || can(as))
}

/** `*` stands for what has no slash in it, `**` for anything. */
const isLike = (pattern: string | RegExp, text: string): boolean =>
  typeof pattern === "string"
    ? new RegExp(
      `^${
        pattern.split(/(\*\*|\*)/u).map((part) =>
          part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&")
        ).join("")
      }$`,
      "u"
    ).test(text)
    : text.search(pattern) >= 0
