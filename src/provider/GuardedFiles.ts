/**
 * A folder whose files can be read, and nothing else. What may not be read cannot be listed either and the other way
 * round, because one answer decides both; a path, a link or a folder that is swapped for a link between two steps leads
 * nowhere else; devices and pipes are not opened; and no read is larger than it may be. `FileSystem` serves such a
 * folder, and tools can read from one.
 *
 * The file system itself is a service; on Node it is `NodeGuardedFiles.layer`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as rules from "./files/rules.ts"
import * as GuardedFilesError from "./GuardedFilesError.ts"

type Failure = GuardedFilesError.GuardedFilesError

/**
 * What a file system has to do. Its paths are below the folder, with `/` between names, and the folder is `""`.
 *
 * @category services
 * @since 0.1.0
 */
export class GuardedFiles extends Context.Service<GuardedFiles, {
  /** The folder that is there now; a link that is put into its place later is not followed. */
  readonly root: (directory: string) => Effect.Effect<Root, Failure>
}>()("fastmcp-effect/provider/GuardedFiles") {}

/** @category models @since 0.1.0 */
export interface Root {
  /** Where it is, for logs: clients are not to know. */
  readonly path: string
  /**
   * Holds on to what is at a path, whatever the path leads to afterwards, and does nothing else to it: a pipe or a
   * device is not opened. Without `follow` no link leads there. Fails unless it is in the folder.
   */
  readonly open: (path: string, options: { readonly follow: boolean }) => Effect.Effect<Opened, Failure, Scope.Scope>
  /** Calls `ring` when something in a folder that is kept may have changed; it may ring too often. */
  readonly watch: (ring: () => void) => Effect.Effect<Watcher, never, Scope.Scope>
}

/** @category models @since 0.1.0 */
export interface Watcher {
  /** Watches these folders, and no longer any other. */
  readonly keep: (folders: ReadonlyArray<Visited>) => Effect.Effect<void>
}

/** @category models @since 0.1.0 */
export interface Stats {
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
  /** Another one when it is another file or folder, or a file's contents may have changed. */
  readonly stamp: string
}

/** What is held. @category models @since 0.1.0 */
export interface Opened extends Stats {
  /** Its path without links, and as the file system spells it. */
  readonly real: string
  readonly kind: Kind
  /** Of a file: what is there, which may be less. */
  readonly read: (offset: number, length: number) => Effect.Effect<Uint8Array, Failure>
  /**
   * Of a folder: what is in it and wanted, in no order. Stops after `maximum` names, wanted or not, and says how many it
   * has seen.
   */
  readonly entries: (
    maximum: number,
    wanted: (name: string, kind: Kind) => boolean
  ) => Effect.Effect<{ readonly seen: number; readonly entries: ReadonlyArray<Entry> }, Failure>
}

/** @category models @since 0.1.0 */
export type Kind = "file" | "folder" | "link" | "other"

/** `stats` are those of a file. @category models @since 0.1.0 */
export interface Entry {
  readonly name: string
  readonly kind: Kind
  readonly stats: Stats | undefined
}

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * Patterns of the files to serve, all when left out. A pattern with a slash is about the path below the folder, as
   * `guide/*.md`, and one without about names wherever they are; one that fits a folder fits all that is in it. `*`, `**`,
   * `?`, `[a-z]` and `{a,b}` are as in a shell.
   */
  readonly include?: ReadonlyArray<string> | undefined
  /** Patterns of what not to serve, whatever else fits it. */
  readonly exclude?: ReadonlyArray<string> | undefined
  /** Whether to serve files and folders whose names begin with a dot: `.env` is one of them. False. */
  readonly hidden?: boolean | undefined
  /** Whether to follow links to what may be served in the folder. None leads out of it either way. False. */
  readonly follow?: boolean | undefined
  /** How many folders may be on the way to a file. 16. */
  readonly depth?: number | undefined
  /** Bytes that are read at once; more are read in parts. 10 MiB. */
  readonly maxBytes?: number | undefined
  /** Files that a listing has. 1,000. Others can be read all the same. */
  readonly maxFiles?: number | undefined
  /** Names that are looked at for it. 100,000. */
  readonly maxEntries?: number | undefined
}

/** @category models @since 0.1.0 */
export interface File extends Stats {
  readonly path: string
}

/** A folder that a listing came by; `stamp` tells it from another one in its place. @category models @since 0.1.0 */
export interface Visited {
  readonly path: string
  readonly stamp: string
}

/** In the order of a walk: names sorted, a folder's files where it stands. @category models @since 0.1.0 */
export interface Listing {
  readonly files: ReadonlyArray<File>
  /** Whether nothing was left out for `maxFiles` or `maxEntries`. */
  readonly isWhole: boolean
  readonly folders: ReadonlyArray<Visited>
  /** Folders the file system does not show. */
  readonly unreadable: ReadonlyArray<Failure>
}

/** Bytes, `limit` at most and no more than `maxBytes`. @category models @since 0.1.0 */
export interface Range {
  /** 0. */
  readonly offset?: number | undefined
  readonly limit?: number | undefined
}

/** @category models @since 0.1.0 */
export interface Part {
  readonly file: File
  readonly offset: number
  readonly bytes: Uint8Array
}

/** @category models @since 0.1.0 */
export interface Folder {
  /** Where it is, for logs: clients are not to know. */
  readonly path: string
  readonly maxBytes: number
  readonly list: Effect.Effect<Listing, Failure>
  /** What is known of a file without reading it. */
  readonly look: (path: string) => Effect.Effect<File, Failure>
  /** The whole file, or a part of it. */
  readonly read: (path: string, range?: Range) => Effect.Effect<Part, Failure>
  readonly watch: Root["watch"]
}

/** @category constructors @since 0.1.0 */
export const open = (directory: string, options: Options = {}): Effect.Effect<Folder, Failure, GuardedFiles> =>
  Effect.gen(function*() {
    const service = yield* GuardedFiles
    const allowed = yield* Effect.fromResult(rules.make(options))
    return fromRoot(yield* service.root(directory), allowed, options)
  })

const fromRoot = (root: Root, allowed: rules.Rules, options: Options): Folder => {
  const { follow = false, maxBytes = 10 * 1024 * 1024, maxEntries = 100_000, maxFiles = 1000 } = options

  const refuse = (path: string, kind: "file" | "folder") => {
    const reason = allowed.refuse(path, kind)
    return reason === undefined ? Effect.void : Effect.fail(GuardedFilesError.make(reason))
  }

  /** Under both of its names it has to be allowed. */
  const openFile = (path: string): Effect.Effect<Opened, Failure, Scope.Scope> =>
    Effect.gen(function*() {
      if (!rules.isPath(path)) return yield* GuardedFilesError.make(new GuardedFilesError.Outside({ path }))
      yield* refuse(path, "file")
      const opened = yield* root.open(path, { follow })
      if (opened.real !== path) yield* refuse(opened.real, "file")
      return opened.kind === "file"
        ? opened
        : yield* GuardedFilesError.make(new GuardedFilesError.NotRegular({ path }))
    })

  const list: Folder["list"] = Effect.suspend(() => {
    const files: Array<File> = []
    const folders: Array<Visited> = []
    const unreadable: Array<Failure> = []
    let left = maxEntries
    let isWhole = true

    const walk = (path: string, above: ReadonlyArray<string>): Effect.Effect<void, Failure> =>
      Effect.gen(function*() {
        const { entries, inside } = yield* Effect.scoped(Effect.gen(function*() {
          const opened = yield* root.open(path, { follow })
          if (path === "" && opened.kind !== "folder") {
            return yield* GuardedFilesError.make(new GuardedFilesError.Outside({ path }))
          }
          // What is over this folder itself would be walked without end.
          if (opened.kind !== "folder" || above.includes(opened.real)) return { entries: [], inside: above }
          if (opened.real !== "" && opened.real !== path) yield* refuse(opened.real, "folder")
          folders.push({ path: opened.real, stamp: opened.stamp })
          const wanted = (name: string, kind: Kind) => {
            const at = join(path, name)
            const may = (as: "file" | "folder") => allowed.refuse(at, as) === undefined
            switch (kind) {
              case "link":
                return follow && rules.isPath(at) && (may("file") || may("folder"))
              case "other":
                return false
              default:
                return rules.isPath(at) && may(kind)
            }
          }
          const { entries, seen } = yield* opened.entries(left, wanted)
          left -= seen
          return { entries, inside: [...above, opened.real] }
        }))
        for (const entry of entries.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
          if (files.length > maxFiles) break
          yield* visit(entry, join(path, entry.name), inside)
        }
        if (left <= 0) isWhole = false
      }).pipe(
        // It may go while it is walked, and whatever is in its place now will be found by the next walk.
        Effect.catch((error) => {
          if (path === "") return Effect.fail(error)
          if (error.reason._tag === "Unreadable") unreadable.push(error)
          return Effect.void
        })
      )

    const visit = ({ kind, stats }: Entry, path: string, above: ReadonlyArray<string>) =>
      kind === "file" && stats !== undefined
        ? Effect.sync(() => void files.push({ path, ...stats }))
        : kind === "folder"
        ? walk(path, above)
        : Effect.matchEffect(Effect.scoped(root.open(path, { follow })), {
          onFailure: () => Effect.void,
          onSuccess: ({ kind, modified, real, size, stamp }) =>
            kind === "folder"
              ? [path, real].every((one) => allowed.refuse(one, "folder") === undefined)
                ? walk(path, above)
                : Effect.void
              : Effect.sync(() => {
                if (kind === "file" && [path, real].every((one) => allowed.refuse(one, "file") === undefined)) {
                  files.push({ path, modified, size, stamp })
                }
              })
        })

    return Effect.map(walk("", []), () => ({
      files: files.slice(0, maxFiles),
      isWhole: isWhole && files.length <= maxFiles,
      folders,
      unreadable
    }))
  })

  return {
    path: root.path,
    maxBytes,
    list,
    look: (path) => Effect.scoped(Effect.map(openFile(path), (opened) => fileOf(path, opened))),
    read: (path, range) =>
      Effect.scoped(Effect.gen(function*() {
        const opened = yield* openFile(path)
        const { size } = opened
        const { limit = maxBytes, offset = 0 } = range ?? {}
        if (range === undefined && size > maxBytes) {
          return yield* GuardedFilesError.make(new GuardedFilesError.TooLarge({ path, size, maximum: maxBytes }))
        }
        if (offset > size) {
          return yield* GuardedFilesError.make(new GuardedFilesError.OutOfRange({ path, size, offset }))
        }
        const bytes = yield* opened.read(offset, Math.min(limit, maxBytes, size - offset))
        return { file: fileOf(path, opened), offset, bytes }
      })),
    watch: root.watch
  }
}

const join = (folder: string, name: string): string => folder === "" ? name : `${folder}/${name}`

const fileOf = (path: string, { modified, size, stamp }: Stats): File => ({ path, size, modified, stamp })
