/**
 * The files in which MCP hosts keep their servers: found, read into one model, and edited where they stand, with all
 * that is not ours in them left as it was. What is wrong with one server is a `Problem` that says what to do, and the
 * others stand; a file fails as a whole only if it is no JSON or TOML.
 *
 * A `Server` is what the file says. What `${TOKEN}` stands for is filled in by `resolve`, into another type, so that no
 * secret finds its way back into a file.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import * as ClientConfigError from "./ClientConfigError.ts"
import * as configFile from "./internal/configFile.ts"
import * as configTree from "./internal/configTree.ts"
import * as entries from "./internal/entry.ts"
import * as filling from "./internal/filling.ts"
import * as hosts from "./internal/hosts.ts"
import * as parsing from "./internal/parsing.ts"

// ----------------------------------------------------------------------------
// models
// ----------------------------------------------------------------------------

/**
 * How a file holds its servers, by the key they stand under: `mcpServers` (most hosts), `servers` (VS Code) or, in TOML
 * and with some keys of its own, `mcp_servers` (Codex). A file of no host may hold `mcpServers` in TOML, too.
 *
 * @category models
 * @since 0.1.0
 */
export type Form = "mcpServers" | "servers" | "mcp_servers"

/** Whose file it is. `mcp` is no host: `mcp/config.json`, which programs share. @category models @since 0.1.0 */
export type Host =
  | "claude-code"
  | "claude-desktop"
  | "cline"
  | "codex"
  | "copilot"
  | "cursor"
  | "gemini"
  | "mcp"
  | "vscode"
  | "windsurf"

/**
 * For whom a server is there. `local` is one user in one project, which Claude Code keeps in the user's file.
 *
 * @category models
 * @since 0.1.0
 */
export type Scope = "local" | "project" | "user"

/** @category models @since 0.1.0 */
export type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** Keys of an entry that this model does not know, as they stand. @category models @since 0.1.0 */
export type Rest = { readonly [key: string]: Json }

/** Where a server was found. @category models @since 0.1.0 */
export interface Source {
  readonly form: Form
  readonly host: Host | undefined
  /** Undefined for a text that came from no file, like `scope`. */
  readonly path: string | undefined
  readonly scope: Scope | undefined
  /** The line of its name. */
  readonly line: number
  /** The folder of the project that it belongs to. */
  readonly project: string | undefined
  /** The questions its file declares. */
  readonly inputs: ReadonlyArray<Input>
}

interface Found {
  readonly name: string
  readonly disabled: boolean
  readonly rest: Rest
  readonly source: Source
}

/** A program that speaks over stdin and stdout. @category models @since 0.1.0 */
export interface Stdio extends Found {
  readonly type: "stdio"
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: { readonly [name: string]: string }
  readonly cwd?: string | undefined
}

/** A server at an address. `http` is Streamable HTTP, `sse` the transport of 2024-11-05. @category models @since 0.1.0 */
export interface Remote extends Found {
  readonly type: "http" | "sse" | "websocket"
  readonly url: string
  readonly headers: { readonly [name: string]: string }
}

/** @category models @since 0.1.0 */
export type Server = Stdio | Remote

/** What is written of a server; a `Server` is one. @category models @since 0.1.0 */
export type Entry =
  & {
    readonly disabled?: boolean | undefined
    /** Written besides. Keys of an entry that are not named here stay. */
    readonly rest?: Rest | undefined
  }
  & (
    | {
      readonly type: "stdio"
      readonly command: string
      readonly args?: ReadonlyArray<string> | undefined
      readonly env?: { readonly [name: string]: string } | undefined
      readonly cwd?: string | undefined
    }
    | {
      readonly type: Remote["type"]
      readonly url: string
      readonly headers?: { readonly [name: string]: string } | undefined
    }
  )

/** A question that a file declares for `${input:id}` (VS Code). @category models @since 0.1.0 */
export interface Input {
  readonly id: string
  readonly type: "promptString" | "pickString" | "command"
  readonly description: string | undefined
  /** Whether the answer is a secret. */
  readonly password: boolean
  readonly default: string | undefined
  /** Of `pickString`. */
  readonly options: ReadonlyArray<string>
}

/** What is wrong, and what to do. @category models @since 0.1.0 */
export interface Problem {
  /** The server it is about; undefined for one about the file. */
  readonly name: string | undefined
  readonly file: string | undefined
  /** The keys that lead to it. */
  readonly path: ReadonlyArray<string | number>
  /** Both from 1. */
  readonly line: number
  readonly column: number
  readonly text: string
}

/** @category models @since 0.1.0 */
export interface Config {
  readonly form: Form
  /** In the order of the file; names are unique but for Claude Code's sections. */
  readonly servers: ReadonlyArray<Server>
  readonly inputs: ReadonlyArray<Input>
  readonly problems: ReadonlyArray<Problem>
}

/** A file as it was read. @category models @since 0.1.0 */
export interface File extends Config {
  readonly path: string
  readonly host: Host | undefined
  /** Undefined where the path does not say it, like `project`. */
  readonly scope: Scope | undefined
  readonly project: string | undefined
  /** Undefined where there was none. */
  readonly text: string | undefined
}

/** @category models @since 0.1.0 */
export interface Options {
  /** What it is taken for without this is what it looks like. */
  readonly form?: Form | undefined
  readonly host?: Host | undefined
}

/** @category models @since 0.1.0 */
export interface EditOptions extends Options {
  /** Of Claude Code's `~/.claude.json`, the project whose section is meant; the user's own without it. */
  readonly local?: string | undefined
}

// ----------------------------------------------------------------------------
// parsing
// ----------------------------------------------------------------------------

/** Fails only with a text that is neither JSON nor TOML. @category parsing @since 0.1.0 */
export const parse = (
  text: string,
  options: Options = {}
): Effect.Effect<Config, ClientConfigError.ClientConfigError> =>
  parsing.parse(text, options, undefined, { scope: undefined, project: undefined })

/** `file:line:column: server: sentence`. @category parsing @since 0.1.0 */
export const formatProblem = ({ column, file, line, name, text }: Problem): string =>
  `${file ?? "line "}${file === undefined ? "" : ":"}${line}:${column}: ${name === undefined ? "" : `${name}: `}${text}`

// ----------------------------------------------------------------------------
// editing
// ----------------------------------------------------------------------------

/**
 * Adds a server, or makes the one of that name what `entry` says. All else in the text stays as it is, byte for byte:
 * other keys of the entry, comments, order, indentation, line ends.
 *
 * @category editing
 * @since 0.1.0
 */
export const set = (
  text: string,
  name: string,
  entry: Entry,
  options: EditOptions = {}
): Effect.Effect<string, ClientConfigError.ClientConfigError> =>
  edit(text, options, ({ body, form, isToml, language, tree }) => {
    const place = { form, host: options.host }
    const wrong = parsing.wrongName(name) ?? entries.refusal(entry, place, isToml)
    if (wrong !== undefined) return refuse(name, wrong)
    const section = parsing.sectionOf(form, options.local)
    const present = configTree.at(tree, [...section, name])
    const blocked = parsing.blockedAt(tree, section)
    if (blocked !== undefined) return refuse(name, `${blocked} is no object; remove it, or make it {}`)
    const known = present?.kind === "object" ? present : undefined
    const edits = entries.edits(entry, known, place)
    if (known === undefined) {
      const whole = Object.fromEntries(edits.flatMap(([key, value]) => value === undefined ? [] : [[key, value]]))
      return Effect.succeed(language.put(body, [...section, name], whole))
    }
    return Effect.succeed(edits.reduce(
      (text, [key, value]) =>
        value === undefined
          ? language.remove(text, [...section, name, key])
          : language.put(text, [...section, name, key], value),
      body
    ))
  })

/** A text without that server stays as it is. @category editing @since 0.1.0 */
export const remove = (
  text: string,
  name: string,
  options: EditOptions = {}
): Effect.Effect<string, ClientConfigError.ClientConfigError> =>
  edit(
    text,
    options,
    ({ body, form, language }) =>
      Effect.succeed(language.remove(body, [...parsing.sectionOf(form, options.local), name]))
  )

/** @category editing @since 0.1.0 */
export const rename = (
  text: string,
  from: string,
  to: string,
  options: EditOptions = {}
): Effect.Effect<string, ClientConfigError.ClientConfigError> =>
  edit(text, options, ({ body, form, language, tree }) => {
    const section = parsing.sectionOf(form, options.local)
    const wrong = parsing.wrongName(to)
    if (wrong !== undefined) return refuse(to, wrong)
    if (configTree.at(tree, [...section, from]) === undefined) {
      return Effect.fail(ClientConfigError.make(new ClientConfigError.UnknownServer({ name: from })))
    }
    if (from === to) return Effect.succeed(body)
    if (configTree.at(tree, [...section, to]) !== undefined) {
      return Effect.fail(ClientConfigError.make(new ClientConfigError.NameTaken({ name: to })))
    }
    return Effect.succeed(language.rename(body, [...section, from], to))
  })

const edit = (
  text: string,
  options: EditOptions,
  change: (text: parsing.Text) => Effect.Effect<string, ClientConfigError.ClientConfigError>
): Effect.Effect<string, ClientConfigError.ClientConfigError> =>
  Effect.flatMap(
    parsing.readText(text, options, undefined),
    (read) => Effect.map(change(read), (body) => read.mark + body)
  )

const refuse = (name: string, text: string) =>
  Effect.fail(ClientConfigError.make(new ClientConfigError.InvalidServer({ name, text })))

// ----------------------------------------------------------------------------
// files
// ----------------------------------------------------------------------------

/** What has to be known of a machine to find its files. `NodeClientConfig.layer` is this one. @category services @since 0.1.0 */
export class Machine extends Context.Service<Machine, {
  /** Any other system that is not macOS or Windows keeps files as Linux does. */
  readonly platform: "darwin" | "linux" | "win32"
  /** The user's home folder. */
  readonly home: string
  /** The project: the folder one works in. */
  readonly folder: string
}>()("fastmcp-effect/client/ClientConfig/Machine") {}

const machineIfKnown = Effect.map(Effect.serviceOption(Machine), Option.getOrUndefined)

/** A file that a host reads. @category models @since 0.1.0 */
export interface Location {
  readonly host: Host
  readonly scope: Scope
  /**
   * With slashes, from one of these folders on:
   *
   * - `{project}`, `{home}`
   * - `{config}`: `~/Library/Application Support`, `%APPDATA%` or `$XDG_CONFIG_HOME`, which is `~/.config` if not set
   * - `{local}`: `%LOCALAPPDATA%`
   * - `{xdg}`: `~/.config`, on Linux `$XDG_CONFIG_HOME`
   * - `{claude}`: `$CLAUDE_CONFIG_DIR` or the home folder
   * - `{codex}`, `{copilot}`: `$CODEX_HOME` or `~/.codex`, `$COPILOT_HOME` or `~/.copilot`
   */
  readonly path: string
  /** All without it. */
  readonly platforms?: ReadonlyArray<Machine["Service"]["platform"]> | undefined
}

/**
 * The files of all hosts, in the order in which they count: a project's before the user's. VS Code's profiles and the
 * workspaces of other editors have more.
 *
 * @category files
 * @since 0.1.0
 */
export const locations: ReadonlyArray<Location> = hosts.locations

/** The paths of these locations on this machine, whether there is a file or not. @category files @since 0.1.0 */
export const pathsOf = Effect.fnUntraced(function*(
  locations: ReadonlyArray<Location>
): Effect.fn.Return<ReadonlyArray<Location>, never, Machine | Path.Path> {
  const machine = yield* Machine
  const paths = yield* Path.Path
  const provider = yield* ConfigProvider.ConfigProvider
  const variables = yield* Effect.forEach(
    hosts.variables,
    (name) => Effect.map(filling.fromProvider(provider, name), (value) => [name, value] as const)
  )
  const folders = hosts.folders(machine, Object.fromEntries(variables) as unknown as hosts.Variables, paths.join)
  return locations.filter(({ platforms }) => platforms?.includes(machine.platform) ?? true).map((location) => {
    const [base, ...rest] = location.path.split("/")
    return { ...location, path: paths.join(folders[base!.slice(1, -1)]!, ...rest) }
  })
})

/** @category models @since 0.1.0 */
export interface LoadOptions extends Options {
  /** Whether a file that is not there is read as an empty one, which `save` then writes. False. */
  readonly create?: boolean | undefined
}

/** A file; whose it is, is seen by its path unless the options say it. @category files @since 0.1.0 */
export const load = (
  path: string,
  options: LoadOptions = {}
): Effect.Effect<File, ClientConfigError.ClientConfigError, FileSystem.FileSystem> =>
  Effect.flatMap(machineIfKnown, (machine) => {
    const found = configFile.recognise(path, machine?.home)
    return loadAs(path, { ...options, host: options.host ?? found.host }, found)
  })

const loadAs = Effect.fnUntraced(function*(
  path: string,
  options: LoadOptions,
  known: parsing.Known
): Effect.fn.Return<File, ClientConfigError.ClientConfigError, FileSystem.FileSystem> {
  const text = yield* configFile.read(path)
  if (text === undefined && options.create !== true) {
    return yield* ClientConfigError.make(new ClientConfigError.NotFound({ path }))
  }
  return yield* fileOf(path, text, options, known)
})

const fileOf = (path: string, text: string | undefined, options: Options, known: parsing.Known) =>
  Effect.map(
    parsing.parse(text ?? "", options, path, known),
    (config): File => ({ ...config, path, host: options.host, scope: known.scope, project: known.project, text })
  )

/** @category models @since 0.1.0 */
export interface DiscoverOptions {
  /** All without it. */
  readonly hosts?: ReadonlyArray<Host> | undefined
}

/** @category models @since 0.1.0 */
export interface Discovered {
  /** Those that are there and could be read, in the order in which they count. */
  readonly files: ReadonlyArray<File>
  /** One of each name. */
  readonly servers: ReadonlyArray<Server>
  /** Servers that are not in `servers`, because another one of that name counts more. */
  readonly shadowed: ReadonlyArray<{ readonly server: Server; readonly by: Server }>
  /** A file that could not be read is one of them. */
  readonly problems: ReadonlyArray<Problem>
}

/**
 * All files that are there. Of servers with one name, the user's own in this project (Claude Code) counts before the
 * project's, and that before the user's.
 *
 * **Gotchas**
 *
 * A project's file is written by whoever wrote the project, and its servers are programs to run: ask before you start
 * one whose `source.scope` is `project`.
 *
 * @category files
 * @since 0.1.0
 */
export const discover = Effect.fnUntraced(function*(
  options: DiscoverOptions = {}
): Effect.fn.Return<Discovered, never, FileSystem.FileSystem | Machine | Path.Path> {
  const { folder } = yield* Machine
  const wanted = locations.filter(({ host }) => options.hosts?.includes(host) ?? true)
  const files = new Map<string, File>()
  const servers = new Map<string, Server>()
  const shadowed: Array<Discovered["shadowed"][number]> = []
  const problems: Array<Problem> = []
  const failed = new Set<string>()
  for (const { host, path, scope } of yield* pathsOf(wanted)) {
    if (failed.has(path)) continue
    if (!files.has(path)) {
      const known: parsing.Known = scope === "project"
        ? { scope, project: folder }
        : { scope: "user", project: undefined }
      const read = yield* Effect.result(loadAs(path, { host }, known))
      if (Result.isFailure(read)) {
        failed.add(path)
        const problem = problemOf(path, read.failure)
        if (problem !== undefined) problems.push(problem)
        continue
      }
      files.set(path, read.success)
      problems.push(...read.success.problems)
    }
    for (const server of files.get(path)!.servers) {
      const { source } = server
      if (source.scope !== scope || scope === "local" && !configFile.isSameFolder(source.project!, folder)) continue
      const by = servers.get(server.name)
      if (by === undefined) servers.set(server.name, server)
      else shadowed.push({ server, by })
    }
  }
  return { files: Array.from(files.values()), servers: Array.from(servers.values()), shadowed, problems }
})

const problemOf = (file: string, { reason }: ClientConfigError.ClientConfigError): Problem | undefined => {
  if (reason._tag === "NotFound") return undefined
  const place = reason._tag === "Syntax" ? { line: reason.line, column: reason.column } : { line: 1, column: 1 }
  return { name: undefined, file, path: [], ...place, text: reason._tag === "Syntax" ? reason.text : reason.message }
}

/**
 * Writes the file in one step: whoever reads it sees the old text or the new one. It keeps its mode, and its
 * owner where it may, and a link stays a link; a new file is the user's alone. Refuses a text that is no JSON or TOML, and a file that somebody
 * else has written since it was read.
 *
 * @category files
 * @since 0.1.0
 */
export const save = Effect.fnUntraced(function*(
  file: File,
  text: string
): Effect.fn.Return<File, ClientConfigError.ClientConfigError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const { path } = file
  const saved = yield* fileOf(path, text, file, file)
  if ((yield* configFile.read(path)) !== file.text) {
    return yield* ClientConfigError.make(new ClientConfigError.Changed({ path }))
  }
  if (text === file.text) return saved
  const write = Effect.gen(function*() {
    const target = file.text === undefined ? path : yield* fs.realPath(path)
    const folder = paths.dirname(target)
    if (file.text === undefined) yield* fs.makeDirectory(folder, { recursive: true })
    const temporary = paths.join(
      yield* fs.makeTempDirectoryScoped({ directory: folder, prefix: `.${paths.basename(target)}-` }),
      paths.basename(target)
    )
    yield* Effect.scoped(Effect.gen(function*() {
      const handle = yield* fs.open(temporary, { flag: "w", mode: 0o600 })
      yield* handle.writeAll(new TextEncoder().encode(text))
      yield* handle.sync
    }))
    if (file.text !== undefined) {
      const { gid, mode, uid } = yield* fs.stat(target)
      // Only root can give a file away; for others it is theirs already.
      if (Option.isSome(uid) && Option.isSome(gid)) yield* Effect.ignore(fs.chown(temporary, uid.value, gid.value))
      yield* fs.chmod(temporary, mode & 0o7777)
    }
    yield* fs.rename(temporary, target)
  })
  yield* Effect.scoped(write).pipe(
    Effect.mapError((error) => ClientConfigError.make(new ClientConfigError.Unwritable({ path, text: error.message })))
  )
  return saved
})

// ----------------------------------------------------------------------------
// resolving
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface ResolveOptions<E = never, R = never> {
  /** What variables stand for; without it Effect's `ConfigProvider` is asked, which reads the environment. */
  readonly variables?: { readonly [name: string]: string | undefined } | undefined
  /** `${workspaceFolder}`. Without it the project a server belongs to, or else the machine's folder. */
  readonly workspaceFolder?: string | undefined
  /** `${userHome}`. Without it the machine's. */
  readonly userHome?: string | undefined
  /** Asks the user for `${input:id}`; undefined for no answer. Without it such a server has a problem. */
  readonly input?: ((input: Input) => Effect.Effect<string | undefined, E, R>) | undefined
}

/**
 * A server whose placeholders are filled in. What they stood for may be secret: it is redacted, and no `Entry`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resolved {
  /** As the file has it. */
  readonly server: Server
  readonly filled: Redacted.Redacted<Server>
}

/**
 * Fills in what a server's placeholders stand for, as its host does. Fails for one that is disabled. `envFile` is read through a `FileSystem`, where
 * there is one; Codex' `bearer_token_env_var`, `env_http_headers` and `env_vars` become headers and variables.
 *
 * @category resolving
 * @since 0.1.0
 */
export const resolve = <E = never, R = never>(
  server: Server,
  options: ResolveOptions<E, R> = {}
): Effect.Effect<Resolved, ClientConfigError.ClientConfigError | E, R> =>
  Effect.gen(function*() {
    const { disabled, name } = server
    if (disabled) return yield* ClientConfigError.make(new ClientConfigError.Disabled({ name }))
    const { filled, problems } = yield* filling.fill(server, options, yield* machineIfKnown, new Map())
    return problems.length === 0
      ? { server, filled: Redacted.make(filled, { label: name }) }
      : yield* ClientConfigError.make(new ClientConfigError.Unresolved({ name, problems }))
  })

/** All that are not disabled; each question is asked once a file. @category resolving @since 0.1.0 */
export const resolveAll = <E = never, R = never>(
  servers: ReadonlyArray<Server>,
  options: ResolveOptions<E, R> = {}
): Effect.Effect<
  { readonly servers: ReadonlyArray<Resolved>; readonly problems: ReadonlyArray<Problem> },
  E,
  R
> =>
  Effect.gen(function*() {
    const answers: filling.Answers = new Map()
    const machine = yield* machineIfKnown
    const resolved: Array<Resolved> = []
    const found: Array<Problem> = []
    for (const server of servers) {
      if (server.disabled) continue
      const { filled, problems } = yield* filling.fill(server, options, machine, answers)
      const { form, line, path, project, scope } = server.source
      if (problems.length === 0) {
        resolved.push({ server, filled: Redacted.make(filled, { label: server.name }) })
      }
      for (const text of problems) {
        const section = parsing.sectionOf(form, scope === "local" ? project : undefined)
        found.push({ name: server.name, file: path, path: [...section, server.name], line, column: 1, text })
      }
    }
    return { servers: resolved, problems: found }
  })

/** A layer for each kind of server: the clients of `transport/`. @category models @since 0.1.0 */
export interface Transports {
  readonly stdio: (
    options: Pick<Stdio, "command" | "args" | "env"> & { readonly cwd?: string }
  ) => Layer.Layer<ClientTransport.ClientTransport, any, any>
  readonly http: (options: Pick<Remote, "url" | "headers">) => Layer.Layer<ClientTransport.ClientTransport, any, any>
  readonly sse: (options: Pick<Remote, "url" | "headers">) => Layer.Layer<ClientTransport.ClientTransport, any, any>
  readonly websocket: (
    options: Pick<Remote, "url" | "headers">
  ) => Layer.Layer<ClientTransport.ClientTransport, any, any>
}

/** The way to a server, by the layer for its kind. @category resolving @since 0.1.0 */
export const transport = <T extends Transports>({ filled }: Resolved, transports: T): Layer.Layer<
  ClientTransport.ClientTransport,
  Layer.Error<ReturnType<T[keyof Transports]>>,
  Layer.Services<ReturnType<T[keyof Transports]>>
> => {
  const server = Redacted.value(filled)
  if (server.type !== "stdio") return transports[server.type]({ url: server.url, headers: server.headers })
  const { args, command, cwd, env } = server
  return transports.stdio({ command, args, env, ...cwd === undefined ? undefined : { cwd } })
}
