/**
 * One server as a file says it: read into the model with a sentence for all that is wrong, and written back as what
 * differs.
 */
import type * as ClientConfig from "../ClientConfig.ts"
import * as configTree from "./configTree.ts"
import * as hosts from "./hosts.ts"

type Json = configTree.Json
type Tree = configTree.Tree
type Texts = { readonly [name: string]: string }

export interface Fault {
  readonly path: ReadonlyArray<configTree.Key>
  readonly offset: number
  readonly text: string
}

export interface Place {
  readonly form: ClientConfig.Form
  readonly host: ClientConfig.Host | undefined
}

/** Undefined with at least one fault. */
export const read = (
  tree: Tree,
  place: Place
): { readonly entry: ClientConfig.Entry | undefined; readonly faults: ReadonlyArray<Fault> } => {
  const faults: Array<Fault> = []
  const fault = (offset: number, path: ReadonlyArray<configTree.Key>, text: string): undefined => {
    faults.push({ offset, path, text })
  }
  if (tree.kind !== "object") {
    fault(tree.offset, [], `it must be ${example(place.form)}`)
    return { entry: undefined, faults }
  }
  twice(tree, [], fault)
  const reader: Reader = { tree, fault }
  const description = hosts.describe(place.form, place.host)
  const disabled = boolean(reader, "disabled") === true || boolean(reader, "enabled") === false
  const kind = kindOf(reader, place, description)
  if (kind === undefined) return { entry: undefined, faults }
  const target = kind.type === "stdio" ? program(reader) : remote(reader, kind, place)
  const used = new Set([...stateKeys, ...kind.keys])
  const rest = Object.fromEntries(
    tree.members.filter(({ key }) => !used.has(key)).map(({ key, value }) => [key, configTree.plain(value)])
  )
  if (place.form === "mcp_servers") fromEnvironment(reader)
  const entry = target === undefined ? undefined : { ...target, disabled, rest } as ClientConfig.Entry
  return { entry: faults.length === 0 ? entry : undefined, faults }
}

// ----------------------------------------------------------------------------
// reading
// ----------------------------------------------------------------------------

type Report = (offset: number, path: ReadonlyArray<configTree.Key>, text: string) => undefined

interface Reader {
  readonly tree: Tree & { readonly kind: "object" }
  readonly fault: Report
}

interface Kind {
  readonly type: ClientConfig.Server["type"]
  /** What the model has of it, by the key it stands at. */
  readonly keys: ReadonlyArray<string>
  readonly urlKey?: string
}

const stateKeys = ["type", "transport", "disabled", "enabled"]
const programKeys = ["command", "args", "env", "cwd"]
const urlKeys = ["httpUrl", "serverUrl", "url"]
/** Codex', which one kind of server has and the other has not. */
const variableKeys = ["bearer_token_env_var", "env_http_headers", "env_vars"]

export const headersKeyOf = (form: ClientConfig.Form): string => form === "mcp_servers" ? "http_headers" : "headers"

const example = (form: ClientConfig.Form): string =>
  form === "mcp_servers"
    ? `a table, such as command = "npx" and args = ["-y", "some-server"]`
    : `an object, such as { "command": "npx", "args": ["-y", "some-server"] }`

const types: { readonly [type: string]: ClientConfig.Server["type"] } = {
  stdio: "stdio",
  local: "stdio",
  http: "http",
  "streamable-http": "http",
  streamableHttp: "http",
  streamable_http: "http",
  sse: "sse",
  ws: "websocket",
  websocket: "websocket"
}

const kindOf = (reader: Reader, { form }: Place, { untypedUrl }: hosts.Description): Kind | undefined => {
  const { fault, tree } = reader
  const has = (key: string) => configTree.member(tree, key) !== undefined
  const urls = urlKeys.filter(has)
  const remote = (type: ClientConfig.Remote["type"]): Kind => ({
    type,
    keys: [urls[0] ?? "url", headersKeyOf(form)],
    urlKey: urls[0] ?? "url"
  })
  const local: Kind = { type: "stdio", keys: programKeys }
  const named = configTree.member(tree, "type") ?? configTree.member(tree, "transport")
  if (named !== undefined) {
    const name = named.value.kind === "value" ? named.value.value : undefined
    if (typeof name !== "string" || !Object.hasOwn(types, name)) {
      const found = JSON.stringify(configTree.plain(named.value))
      return fault(named.value.offset, [named.key], `${named.key} is ${found}; write "stdio", "http", "sse" or "ws"`)
    }
    const type = types[name]!
    return type === "stdio" ? local : remote(type)
  }
  if (has("command") && urls.length > 0) {
    return fault(tree.offset, [], `it has a command and a url; remove one of them, or say which by "type"`)
  }
  if (has("command")) return local
  if (urls.length === 0) {
    return fault(tree.offset, [], `it has neither a command nor a url; it must be ${example(form)}`)
  }
  const url = configTree.member(tree, urls[0]!)!.value
  return remote(inferred(urls[0]!, url.kind === "value" ? url.value : undefined, untypedUrl))
}

/** What an address without a `type` is taken for: older servers are known by the end of theirs. */
const inferred = (
  key: string,
  url: Json | undefined,
  untypedUrl: ClientConfig.Remote["type"] | undefined
): ClientConfig.Remote["type"] => {
  if (key === "httpUrl" || typeof url !== "string") return "http"
  if (key === "url" && untypedUrl !== undefined) return untypedUrl
  if (/^wss?:/i.test(url)) return "websocket"
  return /\/sse\/?([?#]|$)/.test(url) ? "sse" : "http"
}

const program = (reader: Reader) => {
  const command = text(reader, "command")
  const { fault, tree } = reader
  const args = texts(reader, "args")
  const env = record(
    reader,
    "env",
    (name) => /^[^=\0]+$/.test(name) ? undefined : "this is no name of a variable; rename it"
  )
  const cwd = text(reader, "cwd")
  const found = configTree.member(tree, "command")
  if (command === undefined) {
    if (found === undefined) fault(tree.offset, [], `it has no command; give the program to start, such as "npx"`)
    return undefined
  }
  if (command.trim() === "") {
    return fault(found!.value.offset, ["command"], `command is empty; give the program to start, such as "npx"`)
  }
  return { type: "stdio" as const, command, args: args ?? [], env: env ?? {}, ...cwd === undefined ? {} : { cwd } }
}

const remote = (reader: Reader, kind: Kind, { form }: Place) => {
  const { fault, tree } = reader
  const key = kind.urlKey!
  const url = text(reader, key)
  const headers = record(
    reader,
    headersKeyOf(form),
    (name) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ? undefined : "this is no name of a header; rename it"
  )
  const misplaced = form === "mcp_servers" ? configTree.member(tree, "headers") : undefined
  if (misplaced !== undefined) {
    fault(misplaced.offset, ["headers"], "Codex does not read headers; rename it to http_headers")
  }
  const token = form === "mcp_servers" ? configTree.member(tree, "bearer_token") : undefined
  if (token !== undefined) {
    fault(
      token.offset,
      ["bearer_token"],
      "Codex does not read bearer_token; put the token into an environment variable and name that in bearer_token_env_var"
    )
  }
  if (url === undefined) {
    if (configTree.member(tree, key) === undefined) {
      fault(tree.offset, [], `it has no url; give it the server's address, such as "https://example.com/mcp"`)
    }
    return undefined
  }
  const wrong = wrongUrl(url, kind.type)
  if (wrong !== undefined) return fault(configTree.member(tree, key)!.value.offset, [key], `${key} ${wrong}`)
  return { type: kind.type as ClientConfig.Remote["type"], url, headers: headers ?? {} }
}

/**
 * What is wrong with an address, as the end of a sentence. With `written`, the address is that one filled in, and what
 * was filled in may be secret; without, one that begins with a placeholder is told of once it is filled in.
 */
export const wrongUrl = (url: string, type: ClientConfig.Server["type"], written?: string): string | undefined => {
  const schemes = type === "websocket" ? ["ws:", "wss:"] : ["http:", "https:"]
  const wanted = `${schemes[1]}//`
  const isFilled = written !== undefined
  const shown = `is ${JSON.stringify(written ?? url)}, which${isFilled ? ", filled in," : ""}`
  if (url.trim() === "") return `is empty; give it the server's address, such as "${wanted}example.com/mcp"`
  if (!isFilled && url.startsWith("$")) return undefined
  const scheme = /^[a-z][a-z0-9+.-]*:(?=\/\/)/i.exec(url)?.[0].toLowerCase()
  if (scheme === undefined) {
    return `${shown} has no scheme; write "${wanted}${(written ?? url).replace(/^\/+/, "")}"`
  }
  if (!schemes.includes(scheme)) {
    return `${shown} cannot be reached over ${type}; write an address that begins with ${wanted}`
  }
  return !isFilled && url.includes("$") || URL.canParse(url)
    ? undefined
    : `${shown} is no address; look for a mistake in it`
}

/** Codex names variables instead of writing placeholders. */
const fromEnvironment = (reader: Reader): void => {
  text(reader, "bearer_token_env_var")
  record(reader, "env_http_headers", () => undefined)
  const variables = configTree.member(reader.tree, "env_vars")
  if (variables === undefined) return
  const names = variables.value.kind === "array" ? variables.value.items.map(variableOf) : [undefined]
  if (names.includes(undefined)) {
    reader.fault(variables.value.offset, ["env_vars"], `env_vars must be a list of names of variables: ["TOKEN"]`)
  }
}

const variableOf = (tree: Tree): string | undefined => {
  const name = tree.kind === "object" ? configTree.member(tree, "name")?.value : tree
  return name?.kind === "value" && typeof name.value === "string" ? name.value : undefined
}

/** The names in Codex' `env_vars`. */
export const variablesOf = (rest: ClientConfig.Rest): ReadonlyArray<string> => {
  const variables = rest["env_vars"]
  return variables === undefined || !configTree.isArray(variables)
    ? []
    : variables.flatMap((variable) => variableOf(configTree.of(variable)) ?? [])
}

const text = ({ fault, tree }: Reader, key: string): string | undefined => {
  const value = configTree.member(tree, key)?.value
  if (value === undefined) return undefined
  if (value.kind === "value" && typeof value.value === "string") {
    return value.value.includes("\0") ? fault(value.offset, [key], `${key} has a NUL in it; remove it`) : value.value
  }
  const hint = key === "command" && value.kind === "array"
    ? "; put the program into command and the rest into args"
    : ""
  return fault(value.offset, [key], `${key} must be a text in quotes${hint}`)
}

const boolean = ({ fault, tree }: Reader, key: string): boolean | undefined => {
  const value = configTree.member(tree, key)?.value
  if (value === undefined) return undefined
  return value.kind === "value" && typeof value.value === "boolean"
    ? value.value
    : fault(value.offset, [key], `${key} must be true or false, without quotes`)
}

const texts = ({ fault, tree }: Reader, key: string): ReadonlyArray<string> | undefined => {
  const value = configTree.member(tree, key)?.value
  if (value === undefined) return undefined
  if (value.kind !== "array") return fault(value.offset, [key], `${key} must be a list of texts: ["a", "b"]`)
  return value.items.map((item, i) => {
    if (item.kind === "value" && typeof item.value === "string") return item.value
    fault(item.offset, [key, i], `${key}[${i}] must be a text in quotes${quoted(item)}`)
    return ""
  })
}

const record = (
  { fault, tree }: Reader,
  key: string,
  wrongName: (name: string) => string | undefined
): Texts | undefined => {
  const value = configTree.member(tree, key)?.value
  if (value === undefined) return undefined
  if (value.kind !== "object") {
    return fault(value.offset, [key], `${key} must hold names and texts: { "NAME": "value" }`)
  }
  twice(value, [key], fault)
  return Object.fromEntries(value.members.map((member) => {
    const path = [key, member.key]
    const wrong = member.key === "__proto__" ? "this name is not safe to use; rename it" : wrongName(member.key)
    if (wrong !== undefined) fault(member.offset, path, `${key}.${member.key}: ${wrong}`)
    if (member.value.kind === "value" && typeof member.value.value === "string") {
      const isLine = !/[\0\r\n]/.test(member.value.value) || key === "env" && !member.value.value.includes("\0")
      if (!isLine) fault(member.value.offset, path, `${key}.${member.key} must be one line`)
      return [member.key, member.value.value]
    }
    fault(member.value.offset, path, `${key}.${member.key} must be a text in quotes${quoted(member.value)}`)
    return [member.key, ""]
  }))
}

/** The text that was meant. */
const quoted = (tree: Tree): string =>
  tree.kind === "value" && tree.value !== null ? `; write ${JSON.stringify(String(tree.value))}` : ""

const twice = (tree: Tree & { readonly kind: "object" }, path: ReadonlyArray<string>, fault: Report): void => {
  const last = new Map(tree.members.map(({ key, offset }) => [key, offset]))
  for (const { key, offset } of tree.members) {
    if (last.get(key) !== offset) {
      fault(offset, [...path, key], `${[...path, key].join(".")} is there twice; remove one`)
    }
  }
}

// ----------------------------------------------------------------------------
// writing
// ----------------------------------------------------------------------------

/** A key of the entry, and what it is to be; undefined for one that goes. */
export type Edit = readonly [key: string, value: Json | undefined]

/** What is to be done to the entry in the file, or to an empty one. */
export const edits = (entry: ClientConfig.Entry, present: Tree | undefined, place: Place): ReadonlyArray<Edit> => {
  const description = hosts.describe(place.form, place.host)
  const before = present === undefined ? undefined : read(present, place).entry
  const has = (key: string) => configTree.member(present, key) !== undefined
  const isSameType = before?.type === entry.type
  const found: Array<Edit> = []
  const drop = (keys: ReadonlyArray<string>) => {
    for (const key of keys) if (has(key) && !Object.hasOwn(entry.rest ?? {}, key)) found.push([key, undefined])
  }
  const headersKey = headersKeyOf(place.form)
  const urlKey = entry.type === "stdio"
    ? undefined
    : (isSameType ? urlKeys.find(has) : undefined) ?? description.urlKeys?.[entry.type] ?? "url"
  if (!isSameType) {
    const own = entry.type === "stdio" ? programKeys : [urlKey!, headersKey]
    const name = typeToWrite(entry, urlKey, description)
    const all = ["transport", "type", ...programKeys, ...urlKeys, headersKey, ...variableKeys]
    drop(all.filter((key) => !own.includes(key) && (key !== "type" || name === undefined)))
    if (name !== undefined) found.push(["type", name])
  }
  if (entry.type === "stdio") {
    found.push(["command", entry.command])
    if (has("args") || (entry.args ?? []).length > 0) found.push(["args", entry.args ?? []])
    if (has("env") || Object.keys(entry.env ?? {}).length > 0) found.push(["env", entry.env ?? {}])
    if (entry.cwd !== undefined || has("cwd")) found.push(["cwd", entry.cwd])
  } else {
    found.push([urlKey!, entry.url])
    if (has(headersKey) || Object.keys(entry.headers ?? {}).length > 0) found.push([headersKey, entry.headers ?? {}])
  }
  const disabled = entry.disabled ?? false
  if (before?.disabled !== disabled) {
    drop(["disabled", "enabled"])
    if (disabled) found.push(place.form === "mcp_servers" ? ["enabled", false] : ["disabled", true])
  }
  // What goes, goes last: until then it says where its like stands.
  return [...found, ...Object.entries(entry.rest ?? {})].sort(([, a], [, b]) =>
    Number(a === undefined) - Number(b === undefined)
  )
}

/** Undefined where the host needs none to see what it is. */
const typeToWrite = (
  entry: ClientConfig.Entry,
  urlKey: string | undefined,
  { typeNames, typed, untypedUrl }: hosts.Description
): string | undefined => {
  const name = typeNames?.[entry.type] ?? entry.type
  if (typed === "all") return name
  if (entry.type === "stdio") return undefined
  return typed === "remote" || inferred(urlKey!, entry.url, untypedUrl) !== entry.type ? name : undefined
}

/** Why a host would not read an entry, as the end of a sentence. */
export const refusal = (entry: ClientConfig.Entry, place: Place, isToml: boolean): string | undefined => {
  const { title, transports } = hosts.describe(place.form, place.host)
  if (!transports.includes(entry.type)) {
    return entry.type === "stdio" || transports.length > 1
      ? `${title} has no ${entry.type} servers, only ${transports.join(", ")}`
      : `${title} starts programs only; run a bridge such as "npx mcp-remote ${entry.url}", or add it in its settings`
  }
  const written = Object.fromEntries(edits(entry, undefined, place)) as { readonly [key: string]: Json }
  if (!isWhole(written)) return "it holds half a character (a lone surrogate), which no file can"
  if (isToml && hasNull(written)) return "TOML has no null; leave such keys out"
  return read(configTree.of(written), place).faults[0]?.text
}

const isWhole = (value: Json): boolean =>
  typeof value === "string"
    ? value.isWellFormed()
    : typeof value !== "object" || value === null ||
      Object.entries(value).every(([key, value]) => key.isWellFormed() && isWhole(value))

const hasNull = (value: Json): boolean =>
  value === null || typeof value === "object" && Object.values(value).some(hasNull)
