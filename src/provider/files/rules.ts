/**
 * What of a folder may be seen: one answer for who lists it and for who reads a file of it.
 */
import * as Glob from "effect/Glob"
import * as Result from "effect/Result"
import * as GuardedFilesError from "../GuardedFilesError.ts"

export interface Options {
  readonly include?: ReadonlyArray<string> | undefined
  readonly exclude?: ReadonlyArray<string> | undefined
  readonly hidden?: boolean | undefined
  readonly depth?: number | undefined
}

export interface Rules {
  /** Why a file is kept back, or a folder with all that is in it; undefined when it is not. */
  readonly refuse: (path: string, kind: "file" | "folder") => GuardedFilesError.Excluded | undefined
}

export const make = (
  { depth = 16, exclude = [], hidden = false, include }: Options
): Result.Result<Rules, GuardedFilesError.GuardedFilesError> => {
  for (const pattern of [...exclude, ...include ?? []]) {
    const problem = fault(pattern)
    if (problem !== undefined) {
      return Result.fail(GuardedFilesError.make(new GuardedFilesError.InvalidPattern({ pattern, problem })))
    }
  }
  const excluded = exclude.map(compile)
  const included = include?.map(compile)
  const broken = (path: string, kind: "file" | "folder"): GuardedFilesError.Excluded["rule"] | undefined => {
    const segments = path.split("/")
    if (!hidden && segments.some((segment) => segment.startsWith("."))) return "hidden"
    if (segments.length > (kind === "file" ? depth + 1 : depth)) return "depth"
    const places = placesOf(path.normalize("NFC"), kind)
    if (excluded.some((fits) => places.some(fits))) return "exclude"
    // Below a folder that no pattern fits there may still be files that one does.
    if (kind === "file" && included?.some((fits) => places.some(fits)) === false) return "include"
    return undefined
  }
  return Result.succeed({
    refuse: (path, kind) => {
      const rule = broken(path, kind)
      return rule === undefined ? undefined : new GuardedFilesError.Excluded({ path, rule })
    }
  })
}

/** What is wrong with a path below the folder, as text. */
export const isPath = (path: string): boolean =>
  path.isWellFormed() && !path.includes("\0") &&
  path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..")

/** The folders on the way to it, which end in a slash, and itself. */
const placesOf = (path: string, kind: "file" | "folder"): ReadonlyArray<string> => {
  const places: Array<string> = []
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    places.push(path.slice(0, slash + 1))
  }
  return [...places, kind === "file" ? path : `${path}/`]
}

/** One without a slash is about names, wherever they are. */
const compile = (pattern: string): (path: string) => boolean => {
  const composed = pattern.normalize("NFC")
  const glob = Glob.make(/\/./u.test(composed) ? composed : `**/${composed}`, { dot: true })
  return (path) => Glob.match(glob, path)
}

/** What would fit nothing, and so keep nothing back. */
const fault = (pattern: string): string | undefined => {
  if (pattern === "") return "it is empty"
  if (pattern.startsWith("!")) return "it begins with an exclamation mark; write what to keep back into exclude"
  if (/^(?:\/|[A-Za-z]:[/\\])/u.test(pattern)) return "it begins at a root; write it as seen from the folder"
  if (pattern.split("/").includes("..")) return "it leads out of the folder"
  const groups = pattern.split("{").length - 1
  const alternatives = pattern.split(",").length - 1 + groups
  // The library takes the braces of such a pattern for text.
  if (groups > 0 && (alternatives / groups) ** groups * Math.max(pattern.length, 400) > 4_000_000) {
    return "its braces stand for too many patterns; write several"
  }
  return undefined
}
