/**
 * Skills from folders, through Effect's `FileSystem` and `Path`. What is read is held as it was: a file that changes on
 * disk afterwards is served as it was when the server began, with the digest it had. Apart from `Skill`, so that nobody
 * loads a file system who needs none.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as FileContents from "../definition/FileContents.ts"
import * as Skill from "./Skill.ts"
import * as SkillError from "./SkillError.ts"
import * as SkillSchema from "./SkillSchema.ts"

/** @category models @since 0.1.0 */
export interface Options extends Pick<Skill.Options, "prefix" | "visible"> {
  /** Whether to serve files and folders whose names begin with a dot: `.env` is one of them. False. */
  readonly hidden?: boolean | undefined
}

/** @category models @since 0.1.0 */
export interface AllOptions extends Options {
  /**
   * Whether a skill inside another one is a skill of its own, too, and not only files of the outer one. False: a
   * `SKILL.md` in there may be a template.
   */
  readonly nested?: boolean | undefined
}

type Reading<A> = Effect.Effect<A, SkillError.SkillError, FileSystem.FileSystem | Path.Path>

/**
 * The skill in a folder: its `SKILL.md`, whose `name` is the folder's, and all files below. Links are followed to files
 * in the folder; any other fails.
 *
 * @category constructors
 * @since 0.1.0
 */
export const read = (folder: string, options: Options = {}): Reading<Skill.Skill<never>> =>
  Effect.flatMap(open(folder, options), (root) => readSkill(root, root.path, options.prefix))

/**
 * All skills below a folder, in the order of their paths. The folders on the way to a skill are its prefix. A folder
 * that is a skill itself is the only one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readAll = (folder: string, options: AllOptions = {}): Reading<ReadonlyArray<Skill.Skill<never>>> =>
  Effect.flatMap(open(folder, options), (root) => readBelow(root, root.path, options.prefix, options.nested ?? false))

// ----------------------------------------------------------------------------
// walking
// ----------------------------------------------------------------------------

/** What the author named, with nothing in its path that is a link. */
interface Root {
  readonly fs: FileSystem.FileSystem
  readonly paths: Path.Path
  readonly path: string
  /** As the author named it. */
  readonly name: string
  readonly options: Options
}

interface Entry {
  readonly name: string
  readonly path: string
  /** Undefined for a folder. */
  readonly size: number | undefined
}

const open = Effect.fnUntraced(function*(folder: string, options: Options) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const path = yield* readable(folder, fs.realPath(folder))
  const root: Root = { fs, paths, path, name: paths.basename(paths.resolve(folder)), options }
  return root
})

/** In the order of names; a folder that is read twice gives the same. */
const entries = Effect.fnUntraced(function*(root: Root, folder: string) {
  const names = yield* readable(folder, root.fs.readDirectory(folder))
  return yield* Effect.forEach(
    names.filter((name) => root.options.hidden === true || !name.startsWith(".")).sort(),
    (name) => entry(root, name, root.paths.join(folder, name))
  )
})

const entry = Effect.fnUntraced(function*({ fs, path: root, paths }: Root, name: string, path: string) {
  const { size, type } = yield* readable(path, fs.lstat(path))
  if (type === "Directory") return { name, path, size: undefined } as Entry
  if (type === "File") return { name, path, size: Number(size) } as Entry
  if (type !== "SymbolicLink") return yield* unreadable(path, "it is neither a file nor a folder")
  const target = yield* readable(path, fs.realPath(path))
  const linked = yield* readable(path, fs.stat(target))
  if (linked.type !== "File" || !target.startsWith(root.endsWith(paths.sep) ? root : `${root}${paths.sep}`)) {
    return yield* SkillError.make(new SkillError.ForbiddenLink({ path, target }))
  }
  return { name, path: target, size: Number(linked.size) } as Entry
})

const readBelow = (
  root: Root,
  folder: string,
  prefix: string | undefined,
  nested: boolean
): Effect.Effect<ReadonlyArray<Skill.Skill<never>>, SkillError.SkillError> =>
  Effect.gen(function*() {
    const all = yield* entries(root, folder)
    const isSkill = all.some(({ name, size }) => name === "SKILL.md" && size !== undefined)
    const own = isSkill ? [yield* readSkill(root, folder, prefix)] : []
    if (isSkill && !nested) return own
    // The root has a name of its own only where it is a skill.
    const name = isSkill || folder !== root.path ? nameOf(root, folder) : ""
    const below = [prefix ?? "", name].filter((part) => part !== "").join("/")
    const inner = yield* Effect.forEach(
      all.filter(({ size }) => size === undefined),
      ({ path }) => readBelow(root, path, below, nested)
    )
    return [...own, ...inner.flat()]
  })

const readSkill = Effect.fnUntraced(function*(root: Root, folder: string, prefix: string | undefined) {
  const files = yield* walk(root, folder)
  const manifest = files.get("SKILL.md")
  if (manifest === undefined) {
    const found = Array.from(files.keys()).find((path) => path.toLowerCase() === "skill.md")
    return yield* SkillError.make(
      new SkillError.MissingManifest({ folder, ...(found === undefined ? undefined : { found }) })
    )
  }
  files.delete("SKILL.md")
  const markdown = FileContents.decode(yield* readable(manifest.path, root.fs.readFile(manifest.path)))
  if (markdown === undefined) return yield* unreadable(manifest.path, "it is not UTF-8")
  const read = yield* Effect.forEach(
    files,
    ([path, file]) => Effect.map(readable(file.path, root.fs.readFile(file.path)), (bytes) => [path, bytes] as const)
  )
  const skill = yield* Effect.mapError(
    Skill.fromMarkdown(markdown, {
      prefix,
      visible: root.options.visible,
      files: Object.fromEntries(read) as { readonly [path: string]: Uint8Array }
    }),
    ({ reason }) =>
      SkillError.make(
        reason._tag === "InvalidFrontmatter"
          ? new SkillError.InvalidFrontmatter({ file: manifest.path, problems: reason.problems })
          : reason
      )
  )
  if (skill.name !== nameOf(root, folder)) {
    return yield* SkillError.make(new SkillError.NameMismatch({ folder, name: skill.name }))
  }
  return skill
})

const nameOf = ({ name, path, paths }: Root, folder: string): string => folder === path ? name : paths.basename(folder)

/** Every file by its path below the folder. Stops where the skill is too large, and before it is read. */
const walk = Effect.fnUntraced(function*(root: Root, folder: string) {
  const found = new Map<string, Entry>()
  let bytes = 0
  const pending: Array<readonly [path: string, folder: string]> = [["", folder]]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [below, at] = next
    for (const entry of yield* entries(root, at)) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`
      if (entry.size === undefined) {
        pending.push([path, entry.path])
        continue
      }
      found.set(path, entry)
      bytes += entry.size
      const { limits } = SkillSchema
      const limit = found.size > limits.files ? "files" : bytes > limits.bytes ? "bytes" : undefined
      if (limit !== undefined) {
        return yield* SkillError.make(
          new SkillError.LimitExceeded({ skill: folder, limit, maximum: limits[limit] })
        )
      }
    }
  }
  return new Map(Array.from(found).toSorted(([a], [b]) => a < b ? -1 : 1))
})

const readable = <A>(path: string, effect: Effect.Effect<A, PlatformError.PlatformError>) =>
  Effect.catch(effect, (error) => Effect.fail(unreadable(path, error.message)))

const unreadable = (path: string, text: string) => SkillError.make(new SkillError.Unreadable({ path, text }))
