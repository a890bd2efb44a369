/**
 * `TokenStore` in files that nobody but their owner can read: one for each key, replaced as a whole, and shared by all
 * processes that use the directory. A lock is one of the operating system's (by way of SQLite), so it ends with the
 * process that has it, however that ends. The directory has to be of a file system that locks, which not every network
 * file system does.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as TokenStore from "../oauth/client/TokenStore.ts"
import * as OAuthError from "../oauth/OAuthError.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** `fastmcp-effect/tokens` in the user's configuration: `$XDG_CONFIG_HOME`, `%APPDATA%` or `~/.config`. */
  readonly directory?: string
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<TokenStore.TokenStore> =>
  Layer.sync(TokenStore.TokenStore, () => {
    const directory = options.directory ?? defaultDirectory()
    const within = TokenStore.locks()
    const fileOf = (key: string) => path.join(directory, `${nameOf(key)}.json`)
    return {
      get: (key) => attempt("read", () => read(fileOf(key), key)),
      set: (key, value) => attempt("write", () => write(directory, fileOf(key), key, Redacted.value(value))),
      remove: (key) => attempt("remove", () => fs.rmSync(fileOf(key), { force: true })),
      // Of two connections in one process the database takes only one as somebody else; fibers wait in line without it.
      lock: (key) => Effect.andThen(within(key), between(directory, path.join(directory, `${nameOf(key)}.lock`)))
    }
  })

const defaultDirectory = (): string =>
  path.join(
    process.env.XDG_CONFIG_HOME || process.env.APPDATA || path.join(os.homedir(), ".config"),
    "fastmcp-effect",
    "tokens"
  )

const attempt = <A>(what: string, run: () => A): Effect.Effect<A, OAuthError.OAuthError> =>
  Effect.try({
    try: run,
    catch: (cause) =>
      OAuthError.make(
        new OAuthError.StoreFailed({
          message: `Cannot ${what} the file of a token: ${cause instanceof Error ? cause.message : String(cause)}`,
          cause
        })
      )
  })

/** For people who look into the directory; what tells two keys apart is the hash. */
const nameOf = (key: string): string => {
  const readable = key.replace(/[^A-Za-z0-9.]+/gu, "-").slice(0, 60)
  return `${readable}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`
}

interface Entry {
  readonly key: string
  readonly value: string
}

const read = (file: string, key: string): Redacted.Redacted<string> | undefined => {
  let descriptor: number
  try {
    // Who puts a link there wants another file to be read.
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
  try {
    if (process.platform !== "win32" && (fs.fstatSync(descriptor).mode & 0o077) !== 0) fs.fchmodSync(descriptor, 0o600)
    const entry = parse(fs.readFileSync(descriptor, "utf8"))
    return entry?.key === key && typeof entry.value === "string" ? Redacted.make(entry.value) : undefined
  } finally {
    fs.closeSync(descriptor)
  }
}

/** What cannot be read is not there: the client then gets itself another token. */
const parse = (text: string): Partial<Entry> | undefined => {
  try {
    return Object(JSON.parse(text)) as Partial<Entry>
  } catch {
    return undefined
  }
}

const write = (directory: string, file: string, key: string, value: string): void => {
  prepare(directory)
  const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`
  try {
    const descriptor = fs.openSync(draft, "wx", 0o600)
    try {
      fs.writeFileSync(descriptor, JSON.stringify({ key, value } satisfies Entry))
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
    fs.renameSync(draft, file)
  } catch (error) {
    fs.rmSync(draft, { force: true })
    throw error
  }
}

const prepare = (directory: string): void => void fs.mkdirSync(directory, { recursive: true, mode: 0o700 })

/** Waits without holding up the process, which the database's own waiting would. */
const between = (directory: string, file: string) => {
  const acquire = attempt("lock", () => {
    prepare(directory)
    fs.closeSync(fs.openSync(file, "a", 0o600))
    const database = new DatabaseSync(file, { timeout: 0 })
    try {
      database.exec("BEGIN EXCLUSIVE")
      return database
    } catch (error) {
      database.close()
      if (isBusy(error)) return undefined
      throw error
    }
  })
  const patiently: Effect.Effect<DatabaseSync, OAuthError.OAuthError> = Effect.flatMap(
    acquire,
    (database) =>
      database === undefined
        ? Effect.flatMap(Effect.interruptible(Effect.sleep(pause + Math.random() * pause)), () => patiently)
        : Effect.succeed(database)
  )
  return Effect.asVoid(
    Effect.acquireRelease(patiently, (database) => Effect.sync(() => database.close()))
  )
}

/** Milliseconds. */
const pause = 20

const isBusy = (error: unknown): boolean => {
  const code: unknown = Object(error).errcode
  // SQLITE_BUSY, whatever the extended code says besides.
  return typeof code === "number" && (code & 0xff) === 5
}
