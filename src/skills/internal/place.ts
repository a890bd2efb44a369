/**
 * Where a skill and its files lie below `skill://`, and what may be part of such a path.
 */

/** The first of them is a URI's authority; none of them is ever looked up in a network. */
export const isPrefixSegment = (segment: string): boolean =>
  /^[A-Za-z0-9._~-]+$/u.test(segment) && segment !== "." && segment !== ".."

/** As the Agent Skills specification has it. */
export const isName = (name: string): boolean => name.length <= 64 && /^[a-z0-9]+(?:-[a-z0-9]+)*$/u.test(name)

/** What is wrong with a file's path; undefined when nothing is. */
export const fault = (path: string): string | undefined => {
  if (!path.isWellFormed()) return "it is not well-formed Unicode"
  // oxlint-disable-next-line no-control-regex -- what it refuses
  if (/[\0-\x1f\x7f\\]/u.test(path)) return "it has a backslash or a control character"
  const wrong = path.split("/").find((segment) => segment === "" || segment === "." || segment === "..")
  if (wrong === undefined) return undefined
  return wrong === "" ? "one of its segments is empty" : `it has ${wrong} as a segment`
}

/** Of a path below `skill://` that has no fault: a file's or a directory's. */
export const uri = (path: string): string => `skill://${path.split("/").map(encodeURIComponent).join("/")}`

/** The folder of a path, and its last segment. */
export const split = (path: string): readonly [folder: string, name: string] => {
  const slash = path.lastIndexOf("/")
  return slash === -1 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)]
}

/** Every folder on the way to a file, nearest first. */
export const folders = (path: string): ReadonlyArray<string> => {
  const [folder] = split(path)
  return folder === "" ? [] : [folder, ...folders(folder)]
}
