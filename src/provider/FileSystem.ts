/**
 * A folder as a provider: its files as resources, or its modules as tools, prompts and resources.
 *
 * ```ts
 * import * as Layer from "effect/Layer"
 * import { McpServer } from "fastmcp-effect"
 * import * as NodeGuardedFiles from "fastmcp-effect/node/NodeGuardedFiles"
 * import * as FileSystem from "fastmcp-effect/provider/FileSystem"
 *
 * const handbook = FileSystem.make({ directory: "./handbook", include: ["*.md", "*.png"] })
 *
 * const Acme = McpServer.register(handbook).pipe(
 *   Layer.provideMerge(McpServer.layer({ name: "acme", version: "1.0.0" })),
 *   Layer.provide(NodeGuardedFiles.layer)
 * )
 * ```
 *
 * What is not listed cannot be read, and what is read lies in the folder; see `GuardedFiles`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type * as Definition from "../definition/Definition.ts"
import * as Provider from "../definition/Provider.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as following from "./files/modules.ts"
import * as rounds from "./files/rounds.ts"
import * as rules from "./files/rules.ts"
import * as serving from "./files/serving.ts"
import * as GuardedFiles from "./GuardedFiles.ts"
import type * as GuardedFilesError from "./GuardedFilesError.ts"
import type * as ModuleError from "./ModuleError.ts"
import * as ModuleLoader from "./ModuleLoader.ts"

/** @category models @since 0.1.0 */
export interface Options extends GuardedFiles.Options, Pick<Definition.Options, "visible" | "scopes" | "tags"> {
  /** It is found once, when the provider is run; clients are never told where it is. */
  readonly directory: string
  /** Of the template that reads its files. `files`. */
  readonly name?: string | undefined
  /** Of the template, told to the model. */
  readonly description?: string | undefined
  /** What comes before a path: with `docs://handbook` a file is `docs://handbook/guide/a.md`. `file://`. */
  readonly uri?: string | undefined
  /** How long what is read stays fresh, and for whom; the server's own hints when left out. */
  readonly cache?: McpSchema.CacheHints | undefined
  /** Whether to follow what changes. With false the list stays as it was; files are read as they are. True. */
  readonly watch?: boolean | undefined
  /**
   * How often the folder is looked at where no change is seen, as in a file system of the network; sizes and times in
   * the list are no older. 10 seconds.
   */
  readonly poll?: Duration.Input | undefined
}

/**
 * Each file as a resource, and a template for parts of files and for those beyond `maxFiles`. Clients are told when the
 * list changes, and those who watch a file when it does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Provider.Provider<GuardedFilesError.GuardedFilesError, GuardedFiles.GuardedFiles> =>
  Provider.from(Provider.make(Stream.unwrap(open(options))), `files of ${options.directory}`)

const open = (options: Options) =>
  Effect.gen(function*() {
    const folder = yield* GuardedFiles.open(options.directory, options)
    const isWatching = options.watch ?? true
    const ticks = isWatching ? yield* PubSub.sliding<void>(1) : undefined
    const catalogueOf = serving.make(folder, {
      ...options,
      name: options.name ?? "files",
      description: options.description,
      base: baseOf(options.uri ?? "file://"),
      cache: options.cache,
      ticks
    })
    const first = yield* folder.list
    yield* tell(
      folder,
      first,
      "others can be read by their names, and are listed where maxFiles and maxEntries are large enough"
    )
    if (ticks === undefined) return Stream.succeed(catalogueOf(first))

    const catalogues = yield* Queue.sliding<Provider.Catalogue>(1)
    yield* Queue.offer(catalogues, catalogueOf(first))
    let shown = first
    const round = ({ due, keep }: rounds.Round) =>
      Effect.gen(function*() {
        const listing = yield* folder.list
        yield* keep(listing)
        if (!isLike(shown, listing, due === "all" ? "stamp" : "path")) {
          shown = listing
          yield* Queue.offer(catalogues, catalogueOf(listing))
        }
        yield* PubSub.publish(ticks, undefined)
      })
    yield* Effect.forkScoped(rounds.run({ folder, poll: options.poll ?? "10 seconds", round }))
    return Stream.fromQueue(catalogues)
  })

/** Without a slash at its end, those of the scheme aside. */
const baseOf = (uri: string): string => uri.replace(/(?<!:|:\/)\/+$/u, "")

const isLike = (a: GuardedFiles.Listing, b: GuardedFiles.Listing, by: "path" | "stamp"): boolean =>
  a.files.length === b.files.length &&
  a.files.every((file, index) =>
    file.path === b.files[index]!.path && (by === "path" || file.stamp === b.files[index]!.stamp)
  )

const tell = (
  { path }: GuardedFiles.Folder,
  { files, isWhole, unreadable }: GuardedFiles.Listing,
  remedy: string
) =>
  Effect.all([
    isWhole
      ? Effect.void
      : Effect.logWarning(`${path} has more than the ${files.length} files that are found; ${remedy}`),
    unreadable.length === 0 ? Effect.void : Effect.logWarning(
      `Folders below ${path} are left out`,
      unreadable.map(({ message }) => message)
    )
  ], { discard: true })

// ----------------------------------------------------------------------------
// modules
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface ModulesOptions extends Pick<GuardedFiles.Options, "exclude" | "hidden" | "depth"> {
  /** It is found once, when the provider is run. Whoever can write to it can run code in this process. */
  readonly directory: string
  /** Patterns of the modules to load. `*.{js,mjs,ts,mts}`. */
  readonly include?: ReadonlyArray<string> | undefined
  /**
   * Whether to load again what changes. With false a module that cannot be loaded fails the provider; with true it is
   * named in the log, and its last version stays, if there is one. Nothing that is replaced is freed: leave it to the
   * machines of developers. False.
   */
  readonly watch?: boolean | undefined
  /** How often the folder is looked at where no change is seen. 10 seconds. */
  readonly poll?: Duration.Input | undefined
  /** How long a module may take to be imported. 10 seconds. */
  readonly importTimeout?: Duration.Input | undefined
  /**
   * How long what a module no longer exports stays, and what was in a file that is gone: editors empty and replace files
   * while they save them. 1 second.
   */
  readonly lasting?: Duration.Input | undefined
}

/**
 * The tools, resources, templates and prompts that the modules below a folder export, by themselves or in arrays, as
 * default or by name. `R` is what their handlers need, which nothing can know but you.
 *
 * @category constructors
 * @since 0.1.0
 */
export const modules = <R = never>(
  options: ModulesOptions
): Provider.Provider<
  GuardedFilesError.GuardedFilesError | ModuleError.ModuleError,
  GuardedFiles.GuardedFiles | ModuleLoader.ModuleLoader | R
> => Provider.from(Provider.make(Stream.unwrap(openModules(options))), `modules of ${options.directory}`)

const openModules = (options: ModulesOptions) =>
  Effect.gen(function*() {
    const { exclude = [], include = ["*.{js,mjs,ts,mts}"], poll = "10 seconds", watch = false } = options
    const loader = yield* ModuleLoader.ModuleLoader
    // Also what is no module to load, but may be imported by one.
    const folder = yield* GuardedFiles.open(options.directory, {
      exclude: ["node_modules"],
      hidden: options.hidden,
      depth: options.depth,
      maxFiles: 10_000
    })
    const entries = yield* Effect.fromResult(
      rules.make({ ...options, include, exclude: ["*.d.{ts,mts}", "*.{test,spec}.*", ...exclude] })
    )
    const begin = Effect.gen(function*() {
      const followed = following.make({
        folder,
        modules: yield* loader.open(folder.path),
        isEntry: (path) => entries.refuse(path, "file") === undefined,
        importTimeout: Duration.fromInputUnsafe(options.importTimeout ?? "10 seconds"),
        lasting: Duration.toMillis(Duration.fromInputUnsafe(options.lasting ?? "1 second"))
      })
      const listing = yield* folder.list
      yield* tell(folder, listing, "name a folder of modules alone, or the others are not loaded")
      return { followed, first: (yield* followed.next(listing)) ?? [] }
    })
    if (!watch) {
      const { first, followed } = yield* Effect.scoped(begin)
      const [failure] = followed.failures()
      return failure === undefined ? Stream.succeed(first) : Stream.fail(failure)
    }

    const { first, followed } = yield* begin
    const catalogues = yield* Queue.sliding<Provider.Catalogue>(1)
    yield* Queue.offer(catalogues, first)
    const round = ({ keep }: rounds.Round) =>
      Effect.gen(function*() {
        const listing = yield* folder.list
        yield* keep(listing)
        const next = yield* followed.next(listing)
        if (next !== undefined) yield* Queue.offer(catalogues, next)
        return yield* followed.leaving
      })
    yield* Effect.forkScoped(rounds.run({ folder, poll, round }))
    return Stream.fromQueue(catalogues)
  })
