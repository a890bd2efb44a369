/**
 * A server with its placeholders filled in, and what has no value.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as ClientConfig from "../ClientConfig.ts"
import * as configFile from "./configFile.ts"
import * as configTree from "./configTree.ts"
import * as entries from "./entry.ts"
import * as hosts from "./hosts.ts"
import * as placeholders from "./placeholders.ts"

/** A source that fails has no value; what needs it says so. */
export const fromProvider = (
  provider: ConfigProvider.ConfigProvider,
  name: string
): Effect.Effect<string | undefined> =>
  Effect.match(provider.load([name]), { onFailure: () => undefined, onSuccess: (node) => node?.value })

/** What was asked, for each file and id, and what came of it. */
export type Answers = Map<string, string | undefined>

interface Filling<E, R> {
  readonly server: ClientConfig.Server
  readonly kind: hosts.Placeholders
  readonly text: (text: string) => Effect.Effect<string, E, R>
  readonly texts: (texts: Texts) => Effect.Effect<Texts, E, R>
  /** The value of a variable that a key names; a problem if it has none. */
  readonly named: (key: string, name: string) => Effect.Effect<string>
  readonly variable: (name: string) => Effect.Effect<string | undefined>
  readonly problem: (text: string) => void
  readonly problems: ReadonlyArray<string>
}

type Texts = { readonly [name: string]: string }

/** The server is to be used only where there are no problems. */
export const fill = <E, R>(
  server: ClientConfig.Server,
  options: ClientConfig.ResolveOptions<E, R>,
  machine: ClientConfig.Machine["Service"] | undefined,
  answers: Answers
): Effect.Effect<
  { readonly filled: ClientConfig.Server; readonly problems: ReadonlyArray<string> },
  E,
  R
> =>
  Effect.gen(function*() {
    const { form, host, project } = server.source
    const { placeholders: kind, title } = hosts.describe(form, host)
    const provider = yield* ConfigProvider.ConfigProvider
    const problems: Array<string> = []
    const problem = (text: string) => {
      problems.push(text)
    }
    const variable = (name: string): Effect.Effect<string | undefined> =>
      options.variables === undefined
        ? fromProvider(provider, name)
        : Effect.succeed(Object.hasOwn(options.variables, name) ? options.variables[name] : undefined)
    const sources: placeholders.Sources<E, R> = {
      kind,
      title,
      variable,
      places: placesOf(options, project, machine),
      input: (id) => ask(server.source, id, options.input, answers)
    }
    const text = (text: string) => placeholders.fill(text, sources, problem)
    const filling: Filling<E, R> = {
      server,
      kind,
      text,
      texts: (texts) =>
        Effect.map(
          Effect.forEach(Object.entries(texts), ([name, value]) => Effect.map(text(value), (value) => [name, value])),
          Object.fromEntries
        ),
      named: (key, name) =>
        Effect.map(variable(name), (value) => {
          if (value === undefined || value === "") {
            problem(`${key} needs the environment variable ${name}, which is not set or empty; set it`)
          }
          return value ?? ""
        }),
      variable,
      problem,
      problems
    }
    const filled = server.type === "stdio" ? yield* fillProgram(server, filling) : yield* fillRemote(server, filling)
    return { filled, problems }
  })

const placesOf = (
  options: Pick<ClientConfig.ResolveOptions, "userHome" | "workspaceFolder">,
  project: string | undefined,
  machine: ClientConfig.Machine["Service"] | undefined
) => {
  const workspaceFolder = options.workspaceFolder ?? project ?? machine?.folder
  const separator = machine?.platform === "win32" ? "\\" : "/"
  return {
    userHome: options.userHome ?? machine?.home,
    workspaceFolder,
    workspaceFolderBasename: workspaceFolder?.replace(/[\\/]+$/, "").split(/[\\/]/).at(-1),
    cwd: workspaceFolder,
    pathSeparator: separator,
    "/": separator
  }
}

const ask = Effect.fnUntraced(function*<E, R>(
  { inputs, path }: ClientConfig.Source,
  id: string,
  input: ClientConfig.ResolveOptions<E, R>["input"],
  answers: Answers
): Effect.fn.Return<placeholders.Answer, E, R> {
  const declared = inputs.find((input) => input.id === id)
  if (declared === undefined) {
    return { problem: `no input of the file is called ${JSON.stringify(id)}; add it to inputs` }
  }
  if (input === undefined) {
    return { problem: `it asks for the input ${JSON.stringify(id)}, and nobody can be asked here` }
  }
  const key = JSON.stringify([path, id])
  if (!answers.has(key)) answers.set(key, yield* input(declared))
  const value = answers.get(key)
  return value === undefined ? { problem: `the input ${JSON.stringify(id)} was not answered` } : { value }
})

const fillProgram = Effect.fnUntraced(function*<E, R>(
  server: ClientConfig.Stdio,
  { kind, problem, problems, text, texts, variable }: Filling<E, R>
) {
  const command = yield* text(server.command)
  if (problems.length === 0 && command.trim() === "") problem("its command is empty once it is filled in")
  const { envFile } = server.rest
  const fromFile = typeof envFile === "string" && (kind === "editor" || kind === "any")
    ? yield* readEnvFile(yield* text(envFile), problem)
    : {}
  const names = server.source.form === "mcp_servers" ? entries.variablesOf(server.rest) : []
  const forwarded = yield* Effect.forEach(names, (name) => Effect.map(variable(name), (value) => [name, value]))
  const filled: ClientConfig.Stdio = {
    ...server,
    command,
    args: yield* Effect.forEach(server.args, text),
    env: {
      ...Object.fromEntries(forwarded.filter(([, value]) => value !== undefined)),
      ...fromFile,
      ...yield* texts(server.env)
    },
    ...server.cwd === undefined ? undefined : { cwd: yield* text(server.cwd) }
  }
  return filled
})

const fillRemote = Effect.fnUntraced(function*<E, R>(
  server: ClientConfig.Remote,
  { named, problem, problems, text, texts }: Filling<E, R>
) {
  const url = yield* text(server.url)
  const wrong = problems.length === 0 ? entries.wrongUrl(url, server.type, server.url) : undefined
  if (wrong !== undefined) problem(`its url ${wrong}`)
  const headers = new Map(Object.entries(yield* texts(server.headers)))
  const { bearer_token_env_var: token, env_http_headers: variables = {} } = server.source.form === "mcp_servers"
    ? server.rest
    : {}
  for (const [header, name] of Object.entries(configTree.isObject(variables) ? variables : {})) {
    headers.set(header, yield* named("env_http_headers", String(name)))
  }
  if (typeof token === "string") headers.set("Authorization", `Bearer ${yield* named("bearer_token_env_var", token)}`)
  for (const [name, value] of headers) {
    if (/[\0\r\n]/.test(value)) {
      problem(`its header ${name} has a line break once it is filled in; look at the variable`)
    }
  }
  const filled: ClientConfig.Remote = { ...server, url, headers: Object.fromEntries(headers) }
  return filled
})

const readEnvFile = (path: string, problem: (text: string) => void) =>
  Effect.gen(function*() {
    const fs = yield* Effect.serviceOption(FileSystem.FileSystem)
    if (Option.isNone(fs)) {
      problem(`its envFile ${path} cannot be read, because there is no FileSystem`)
      return {}
    }
    const text = yield* Effect.result(Effect.provideService(configFile.read(path), FileSystem.FileSystem, fs.value))
    if (Result.isFailure(text) || text.success === undefined) {
      problem(`its envFile cannot be read: ${Result.isFailure(text) ? text.failure.message : `there is no ${path}`}`)
      return {}
    }
    const provider = ConfigProvider.fromDotEnvContents(text.success, { preserveEmptyStrings: true })
    const names = Array.from(text.success.matchAll(/^\s*(?:export\s+)?([\w.-]+)\s*[=:]/gm), ([, name]) => name!)
    const values = yield* Effect.forEach(names, (name) =>
      Effect.map(fromProvider(provider, name), (value) => [name, value] as const))
    return Object.fromEntries(values.filter(([, value]) =>
      value !== undefined
    )) as { readonly [name: string]: string }
  })
