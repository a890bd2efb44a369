/**
 * A file's text, read into servers and problems.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as ClientConfig from "../ClientConfig.ts"
import * as ClientConfigError from "../ClientConfigError.ts"
import * as configTree from "./configTree.ts"
import * as entries from "./entry.ts"
import * as hosts from "./hosts.ts"
import * as languages from "./languages.ts"

/** What a path says of its file. */
export type Known = Pick<ClientConfig.File, "scope" | "project">

export const parse = (
  text: string,
  options: ClientConfig.Options,
  path: string | undefined,
  known: Known
): Effect.Effect<ClientConfig.Config, ClientConfigError.ClientConfigError> =>
  Effect.map(readText(text, options, path), ({ body, form, tree }) => {
    const servers: Array<ClientConfig.Server> = []
    const problems: Array<ClientConfig.Problem> = []
    const place = { form, host: options.host }
    const position = configTree.positions(body)
    const lineOf = (offset: number) => position(offset).line
    const report: Report = (name, keys, offset, text) => {
      problems.push({ name, file: path, path: keys, ...position(offset), text })
    }
    const inputs = readInputs(tree, report)
    for (const { path: section, project } of sectionsOf(tree, form)) {
      const own: Known = project === undefined ? known : { scope: "local", project }
      for (const { key: name, offset, value } of membersOf(tree, section, report, lineOf)) {
        const keys = [...section, name]
        const wrong = wrongName(name)
        if (wrong !== undefined) {
          report(name, keys, offset, wrong)
          continue
        }
        const { entry, faults } = entries.read(value, place)
        for (const fault of faults) report(name, [...keys, ...fault.path], fault.offset, fault.text)
        if (entry === undefined) continue
        const source = { ...place, path, scope: own.scope, project: own.project, line: lineOf(offset), inputs }
        servers.push({ name, ...entry, source } as ClientConfig.Server)
      }
    }
    misplaced(tree, form, report)
    const inOrder = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
    return { form, servers, inputs, problems: inOrder }
  })

/** The servers of a section, of each name the one that counts. */
const membersOf = (
  tree: configTree.Tree | undefined,
  section: ReadonlyArray<string>,
  report: Report,
  lineOf: (offset: number) => number
): ReadonlyArray<configTree.Member> => {
  const around = configTree.at(tree, section.slice(0, -1))
  const found = configTree.member(around, section.at(-1)!)
  if (found === undefined) return []
  const once = (members: ReadonlyArray<configTree.Member>, keys: ReadonlyArray<string>, isServer: boolean) => {
    const last = new Map(members.map((member) => [member.key, member]))
    return members.filter((member) => {
      const used = last.get(member.key)!
      if (member === used) return true
      const text = `this name is there again in line ${lineOf(used.offset)}, which is used; remove one`
      report(isServer ? member.key : undefined, [...keys, member.key], member.offset, text)
      return false
    })
  }
  if (around?.kind === "object") {
    once(around.members.filter(({ key }) => key === found.key), section.slice(0, -1), false)
  }
  if (found.value.kind === "object") return once(found.value.members, section, true)
  if (found.value.kind !== "value" || found.value.value !== null) {
    const text = `${section.join(".")} must hold names and servers: { "name": { ... } }`
    report(undefined, section, found.value.offset, text)
  }
  return []
}

type Report = (
  name: string | undefined,
  keys: ClientConfig.Problem["path"],
  offset: number,
  text: string
) => void

export interface Text {
  readonly form: ClientConfig.Form
  readonly language: configTree.Language
  readonly isToml: boolean
  /** Without the byte order mark. */
  readonly body: string
  readonly mark: string
  readonly tree: configTree.Tree | undefined
}

export const readText = (
  text: string,
  { form: wanted, host }: ClientConfig.Options,
  path: string | undefined
): Effect.Effect<Text, ClientConfigError.ClientConfigError> =>
  Effect.gen(function*() {
    const mark = text.startsWith("\uFEFF") ? "\uFEFF" : ""
    const body = text.slice(mark.length)
    const asked = wanted ?? (host === undefined ? undefined : hosts.hosts[host].form)
    const isToml = host === undefined && asked !== "mcp_servers"
      ? languages.isToml(body, path)
      : asked === "mcp_servers"
    const language = yield* isToml ? languages.toml : languages.json
    const read = language.read(body)
    if (Result.isFailure(read)) {
      const { offset, text } = read.failure
      return yield* failSyntax(path, configTree.positions(body)(offset), text)
    }
    const tree = read.success
    if (tree !== undefined && tree.kind !== "object") {
      const text = "the file must hold an object: { ... }"
      return yield* failSyntax(path, configTree.positions(body)(tree.offset), text)
    }
    return { form: asked ?? formOf(tree, isToml), language, isToml, body, mark, tree }
  })

const failSyntax = (
  path: string | undefined,
  place: configTree.Position,
  text: string
) =>
  ClientConfigError.make(
    new ClientConfigError.Syntax({ ...path === undefined ? undefined : { path }, ...place, text })
  )

/** By the key that is there. */
const formOf = (tree: configTree.Tree | undefined, isToml: boolean): ClientConfig.Form => {
  const usual: ReadonlyArray<ClientConfig.Form> = isToml ? ["mcp_servers", "mcpServers"] : ["mcpServers", "servers"]
  return usual.find((form) => configTree.member(tree, form) !== undefined) ?? usual[0]!
}

const sectionsOf = (tree: configTree.Tree | undefined, form: ClientConfig.Form) => {
  const projects = form === "mcpServers" ? configTree.member(tree, "projects")?.value : undefined
  const names = projects?.kind === "object" ? new Set(projects.members.map(({ key }) => key)) : []
  return [
    { path: [form], project: undefined },
    ...Array.from(names, (project) => ({ path: ["projects", project, form], project }))
  ]
}

export const sectionOf = (form: ClientConfig.Form, local: string | undefined): ReadonlyArray<string> =>
  local === undefined ? [form] : ["projects", local, form]

export const wrongName = (name: string): string | undefined =>
  name === "__proto__"
    ? "this name is not safe to use; rename it"
    : name.trim() === ""
    ? "a server needs a name; give it one"
    : undefined

/** Servers that no host will find, because they stand under another key. */
const misplaced = (tree: configTree.Tree | undefined, form: ClientConfig.Form, report: Report): void => {
  if (tree?.kind !== "object" || configTree.member(tree, form) !== undefined) return
  for (const { key, offset, value } of tree.members) {
    const isServer = configTree.member(value, "command") !== undefined || configTree.member(value, "url") !== undefined
    if (isServer) report(key, [key], offset, `this looks like a server; put it under ${form}`)
    else if (/^(mcpServers|servers|mcp_servers|context_servers)$/.test(key) && value.kind === "object") {
      report(undefined, [key], offset, `servers are read from ${form}; rename this key`)
    }
  }
}

const readInputs = (tree: configTree.Tree | undefined, report: Report): ReadonlyArray<ClientConfig.Input> => {
  const inputs = configTree.member(tree, "inputs")?.value
  if (inputs?.kind !== "array") return []
  return inputs.items.flatMap((item, i): ReadonlyArray<ClientConfig.Input> => {
    const of = (key: string) => {
      const value = configTree.member(item, key)?.value
      return value === undefined ? undefined : configTree.plain(value)
    }
    const text = (key: string) => {
      const value = of(key)
      return typeof value === "string" ? value : undefined
    }
    const id = text("id")
    const type = text("type")
    if (id === undefined || type !== "promptString" && type !== "pickString" && type !== "command") {
      report(
        undefined,
        ["inputs", i],
        item.offset,
        `an input must have an id, and as its type "promptString", "pickString" or "command"`
      )
      return []
    }
    const options = of("options")
    return [{
      id,
      type,
      description: text("description"),
      password: of("password") === true,
      default: text("default"),
      options: options !== undefined && configTree.isArray(options)
        ? options.filter((option): option is string => typeof option === "string")
        : []
    }]
  })
}

/** The first key on the way that holds something else than keys. */
export const blockedAt = (tree: configTree.Tree | undefined, section: ReadonlyArray<string>): string | undefined => {
  const length = section.findIndex((_, i) => {
    const found = configTree.at(tree, section.slice(0, i + 1))
    return found !== undefined && found.kind !== "object" && !(found.kind === "value" && found.value === null)
  })
  return length === -1 ? undefined : section.slice(0, length + 1).join(".")
}
