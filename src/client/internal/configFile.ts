/**
 * Files as bytes and paths, before anything is made of their text.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import type * as ClientConfig from "../ClientConfig.ts"
import * as ClientConfigError from "../ClientConfigError.ts"
import * as hosts from "./hosts.ts"

/** Undefined where there is no file. */
export const read = (
  path: string
): Effect.Effect<string | undefined, ClientConfigError.ClientConfigError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFile(path)).pipe(
    Effect.matchEffect({
      onFailure: (error) => isMissing(error) ? Effect.succeed(undefined) : failUnreadable(path, error.message),
      onSuccess: (bytes) =>
        Effect.try({
          // The byte order mark is part of what is kept.
          try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
          catch: () => unreadable(path, "it is not UTF-8; save it as UTF-8")
        })
    })
  )

const isMissing = (error: PlatformError.PlatformError): boolean => error.reason._tag === "NotFound"

const unreadable = (path: string, text: string) =>
  ClientConfigError.make(new ClientConfigError.Unreadable({ path, text }))

const failUnreadable = (path: string, text: string) => Effect.fail(unreadable(path, text))

type Recognised = Pick<ClientConfig.File, "host" | "scope" | "project">

/** By its end. A folder that may be a project's or the user's home is one only where the home is known. */
export const recognise = (path: string, home: string | undefined): Recognised => {
  const slashed = path.replaceAll("\\", "/")
  const found = hosts.locations.flatMap((location) => {
    const tail = location.path.slice(location.path.indexOf("}") + 1)
    return slashed.endsWith(tail) ? [{ ...location, folder: path.slice(0, path.length - tail.length) }] : []
  })
  const [first] = found
  if (first === undefined) return { host: undefined, scope: undefined, project: undefined }
  const { folder, host } = first
  const isBoth = found.some(({ scope }) => scope === "project") && found.some(({ scope }) => scope !== "project")
  if (isBoth && home === undefined) return { host, scope: undefined, project: undefined }
  const isProject = first.scope === "project" && !(isBoth && isSameFolder(folder, home!))
  return isProject ? { host, scope: "project", project: folder } : { host, scope: "user", project: undefined }
}

export const isSameFolder = (a: string, b: string): boolean => {
  const [first, second] = [a, b].map((folder) => folder.replaceAll("\\", "/").replace(/\/+$/, ""))
  // Drives are written in either case.
  return /^[a-z]:/i.test(first!) ? first!.toLowerCase() === second!.toLowerCase() : first === second
}
