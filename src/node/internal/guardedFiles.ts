/**
 * How a file is held on Node, which has no `openat`. On Linux a path is opened once, for nothing but to hold on to what
 * is there (`O_PATH`): the kernel then says where that is and what it is, and it is read by way of the descriptor. No
 * name is looked up twice, so nothing can be swapped in between. Elsewhere the path is looked at before and after it is
 * opened, which leaves a moment for who can replace folders in the tree; macOS has a flag that closes it.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type BigIntStats, constants, type Dirent } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type * as GuardedFiles from "../../provider/GuardedFiles.ts"
import * as GuardedFilesError from "../../provider/GuardedFilesError.ts"
import * as spelling from "./spelling.ts"

type Failure = GuardedFilesError.GuardedFilesError

export interface Options {
  /** Whether descriptors can be asked for their places. */
  readonly isPinning: boolean
}

/** Of the folder in `root`, which is its real path. */
export const make = (root: string, { isPinning }: Options): Pick<GuardedFiles.Root, "path" | "open"> => {
  const base = root.endsWith(path.sep) ? root : `${root}${path.sep}`
  const place = (below: string) => below === "" ? root : `${base}${below.split("/").join(path.sep)}`
  /** Undefined for what is not in the folder. */
  const below = (real: string): string | undefined =>
    real === root ? "" : real.startsWith(base) ? real.slice(base.length).split(path.sep).join("/") : undefined
  const hold = isPinning ? pin : compare
  const names: spelling.Names = {
    isSame: async (path, other) => {
      const [one, two] = await Promise.all([path, other].map((path) => lookAt(place(path))))
      return one !== undefined && two !== undefined && isSame(one, two)
    },
    names: async (folder) => {
      const { found, seen } = await namesIn(place(folder), maxNames, () => true)
      return seen > maxNames ? undefined : new Set(found.map(([name]) => name))
    }
  }
  return {
    path: root,
    open: (path, { follow }) =>
      Effect.gen(function*() {
        if (!isPortable(path)) return yield* outside(path)
        const held = yield* hold(path, place(path), follow)
        const real = below(held.real)
        // Without links, and as it is spelled on disk, each file has one path.
        if (real === undefined || !follow && real !== path) return yield* outside(path)
        if (!(yield* attempt(path, () => spelling.isOnDisk(names, real)))) return yield* outside(path)
        return openedOf(path, real, held)
      })
  }
}

/** Of a folder that is read for how one of them is spelled. */
const maxNames = 100_000

const lookAt = (at: string): Promise<BigIntStats | undefined> => fs.lstat(at, { bigint: true }).catch(() => undefined)

/** On Windows there are names that say more than a name does. */
const isPortable = (below: string): boolean =>
  process.platform !== "win32" ||
  !/[\\:]|[. ](?:\/|$)|(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.[^/]*)?(?:\/|$)/iu.test(below)

interface Held {
  /** An absolute path. */
  readonly real: string
  readonly stats: BigIntStats
  /** What its names are behind. */
  readonly folder: string
  /** A descriptor that reads what is held. */
  readonly reader: Effect.Effect<fs.FileHandle, Failure, Scope.Scope>
  /** Whether what was listed is what is held. */
  readonly settle: Effect.Effect<void, Failure>
}

// ----------------------------------------------------------------------------
// Linux
// ----------------------------------------------------------------------------

/** Of every Linux that Node runs on; Node has no name for it. */
const O_PATH = 0o10000000

/** Whether `O_PATH` and `/proc` are what they are on Linux. */
export const canPin: Effect.Effect<boolean> = process.platform !== "linux" ? Effect.succeed(false) : Effect.scoped(
  Effect.map(pin("", "/", false), ({ real, stats }) => real === "/" && stats.isDirectory())
).pipe(Effect.catch(() => Effect.succeed(false)))

function pin(path: string, at: string, follow: boolean): Effect.Effect<Held, Failure, Scope.Scope> {
  return Effect.gen(function*() {
    const handle = yield* opening(path, at, O_PATH | (follow ? 0 : constants.O_NOFOLLOW))
    const link = `/proc/self/fd/${handle.fd}`
    const [stats, real] = yield* attempt(path, () => Promise.all([handle.stat({ bigint: true }), fs.readlink(link)]))
    return {
      real,
      stats,
      folder: link,
      reader: opening(path, link, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY),
      settle: Effect.void
    }
  })
}

// ----------------------------------------------------------------------------
// elsewhere
// ----------------------------------------------------------------------------

/** Of macOS: no link anywhere on the way. */
const O_NOFOLLOW_ANY = process.platform === "darwin" ? 0x20000000 : 0

const realpath = fs.realpath

const compare = (path: string, at: string, follow: boolean): Effect.Effect<Held, Failure> =>
  Effect.gen(function*() {
    const real = yield* attempt(path, () => realpath(at))
    if (!follow && real !== at) return yield* outside(path)
    const stats = yield* attempt(path, () => fs.lstat(real, { bigint: true }))
    const settle = Effect.gen(function*() {
      const [now, found] = yield* attempt(path, () => Promise.all([realpath(at), fs.lstat(real, { bigint: true })]))
      if (now !== real || !isSame(found, stats)) return yield* outside(path)
    })
    return {
      real,
      stats,
      folder: real,
      settle,
      reader: Effect.gen(function*() {
        const { O_NOCTTY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = constants
        const handle = yield* opening(path, real, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_NOFOLLOW_ANY)
        const opened = yield* attempt(path, () => handle.stat({ bigint: true }))
        if (!opened.isFile() || !isSame(opened, stats)) return yield* outside(path)
        yield* settle
        return handle
      })
    }
  })

const isSame = (a: BigIntStats, b: BigIntStats): boolean => a.dev === b.dev && a.ino === b.ino

// ----------------------------------------------------------------------------
// both
// ----------------------------------------------------------------------------

const openedOf = (path: string, real: string, held: Held): GuardedFiles.Opened => {
  const { folder, reader, settle, stats } = held
  const kind = kindOf(stats)
  return {
    real,
    kind,
    ...statsOf(stats),
    read: (offset, length) =>
      kind !== "file"
        ? Effect.fail(GuardedFilesError.make(new GuardedFilesError.NotRegular({ path })))
        : Effect.scoped(Effect.flatMap(reader, (handle) => readAll(path, handle, offset, length))),
    entries: (maximum, wanted) =>
      Effect.gen(function*() {
        const { found, seen } = yield* attempt(path, () => namesIn(folder, maximum, wanted))
        const entries = yield* Effect.forEach(
          found,
          ([name, kind]) => entryOf(folder, name, kind),
          { concurrency: 16 }
        )
        yield* settle
        return { seen, entries: entries.filter((entry) => entry !== undefined) }
      })
  }
}

/** In pieces, so that who no longer wants it need not wait for the rest. */
const readAll = (path: string, handle: fs.FileHandle, offset: number, length: number) =>
  Effect.gen(function*() {
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const piece = Math.min(piecesOf, length - done)
      const { bytesRead } = yield* attempt(path, () => handle.read(bytes, done, piece, offset + done))
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done === length ? bytes : bytes.slice(0, done)
  })

const piecesOf = 1024 * 1024

const namesIn = async (
  folder: string,
  maximum: number,
  wanted: (name: string, kind: GuardedFiles.Kind) => boolean
) => {
  const found: Array<readonly [name: string, kind: GuardedFiles.Kind]> = []
  let seen = 0
  // Leaving the loop closes it.
  for await (const entry of await fs.opendir(folder, { bufferSize: 256 })) {
    if (++seen > maximum) break
    const kind = kindOf(entry)
    if (wanted(entry.name, kind)) found.push([entry.name, kind])
  }
  return { found, seen }
}

/** Undefined for what has gone, or become something else. */
const entryOf = (
  folder: string,
  name: string,
  kind: GuardedFiles.Kind
): Effect.Effect<GuardedFiles.Entry | undefined> =>
  kind !== "file" ? Effect.succeed({ name, kind, stats: undefined }) : Effect.match(
    attempt(name, () => fs.lstat(`${folder}${path.sep}${name}`, { bigint: true })),
    {
      onFailure: () => undefined,
      onSuccess: (stats) => stats.isFile() ? { name, kind, stats: statsOf(stats) } : undefined
    }
  )

const kindOf = (of: BigIntStats | Dirent): GuardedFiles.Kind =>
  of.isFile() ? "file" : of.isDirectory() ? "folder" : of.isSymbolicLink() ? "link" : "other"

const statsOf = (stats: BigIntStats): GuardedFiles.Stats => {
  const { birthtimeNs, ctimeNs, dev, ino, mtimeNs, size } = stats
  return {
    size: Number(size),
    modified: Number(mtimeNs / 1_000_000n),
    // A folder stays the same one when something comes into it. Numbers are given again, times are not.
    stamp: [dev, ino, birthtimeNs, ...(stats.isDirectory() ? [] : [size, mtimeNs, ctimeNs])].join(":")
  }
}

const opening = (path: string, at: string, flags: number): Effect.Effect<fs.FileHandle, Failure, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(path, () => fs.open(at, flags)),
    (handle) => Effect.ignore(attempt(path, () => handle.close()))
  )

const outside = (path: string) => Effect.fail(GuardedFilesError.make(new GuardedFilesError.Outside({ path })))

export const attempt = <A>(path: string, run: () => Promise<A>): Effect.Effect<A, Failure> =>
  Effect.tryPromise({ try: run, catch: (error) => failure(path, error) })

/** What a path can have wrong with it; all else is wrong with the file system. */
const absent: ReadonlySet<unknown> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ENAMETOOLONG",
  "EINVAL",
  "ENXIO",
  "ERR_INVALID_ARG_VALUE"
])

const failure = (path: string, error: unknown): Failure => {
  const code: unknown = Object(error).code
  return GuardedFilesError.make(
    absent.has(code)
      ? new GuardedFilesError.NotFound({ path })
      : code === "ELOOP"
      ? new GuardedFilesError.Outside({ path })
      : new GuardedFilesError.Unreadable({ path, cause: error })
  )
}
