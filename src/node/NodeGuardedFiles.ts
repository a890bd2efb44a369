/**
 * `GuardedFiles` on the file system of this machine. On Linux a file is held before it is looked at, so that nothing can
 * be put into its place meanwhile; on macOS no link on the way is followed; on Windows and elsewhere a path is looked at
 * before and after it is opened, which has been tried less.
 *
 * A hard link is a file like any other: what must not be served must not be linked into the folder.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as nodeFs from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as GuardedFiles from "../provider/GuardedFiles.ts"
import * as GuardedFilesError from "../provider/GuardedFilesError.ts"
import * as guarded from "./internal/guardedFiles.ts"

/** @category layers @since 0.1.0 */
export const layer: Layer.Layer<GuardedFiles.GuardedFiles> = Layer.effect(
  GuardedFiles.GuardedFiles,
  Effect.map(
    guarded.canPin,
    (isPinning) => GuardedFiles.GuardedFiles.of({ root: (directory) => root(directory, isPinning) })
  )
)

const root = (
  directory: string,
  isPinning: boolean
): Effect.Effect<GuardedFiles.Root, GuardedFilesError.GuardedFilesError> =>
  Effect.tryPromise({
    try: async () => {
      const real = await fs.realpath(directory)
      if (!(await fs.stat(real)).isDirectory()) throw new Error("it is not a folder")
      return { ...guarded.make(real, { isPinning }), watch: watch(real) }
    },
    catch: (error) =>
      GuardedFilesError.make(
        new GuardedFilesError.NotAFolder({
          directory,
          problem: error instanceof Error ? error.message : String(error)
        })
      )
  })

// ----------------------------------------------------------------------------
// watching
// ----------------------------------------------------------------------------

/** As many as a system gives one of many programs without being asked. */
const maxWatched = 4096

const watch = (real: string): GuardedFiles.Root["watch"] => (ring) =>
  Effect.gen(function*() {
    const watched = new Map<string, { readonly stamp: string; readonly watcher: nodeFs.FSWatcher }>()
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const { watcher } of watched.values()) watcher.close()
      })
    )
    const stop = (folder: string) => {
      watched.get(folder)?.watcher.close()
      watched.delete(folder)
    }
    const start = (folder: string, stamp: string): string | undefined => {
      try {
        const watcher = nodeFs.watch(path.join(real, folder), { persistent: false }, ring)
        watcher.on("error", () => stop(folder))
        watched.set(folder, { watcher, stamp })
        return undefined
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        return code === "ENOENT" ? undefined : code ?? String(error)
      }
    }
    let isTold = false
    return {
      keep: (folders) =>
        Effect.suspend(() => {
          const kept = new Map(folders.slice(0, maxWatched).map(({ path, stamp }) => [path, stamp]))
          for (const [folder, { stamp }] of watched) if (kept.get(folder) !== stamp) stop(folder)
          let problem = folders.length > maxWatched ? `there are ${folders.length} folders` : undefined
          let isNew = false
          for (const [folder, stamp] of kept) {
            if (watched.has(folder)) continue
            problem = start(folder, stamp) ?? problem
            isNew ||= watched.has(folder)
          }
          // What came while nobody watched has rung no bell.
          if (isNew) ring()
          if (problem === undefined || isTold) return Effect.void
          isTold = true
          return Effect.logWarning(`Some folders below ${real} are looked at from time to time only: ${problem}`)
        })
    }
  })
