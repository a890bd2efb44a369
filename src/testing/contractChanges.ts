/** What has changed from one listing of a definition to another, and for whom that is a break. */
import { isObject, type Json, type JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Subschema from "../protocol/Subschema.ts"

export interface Difference {
  readonly path: string
  readonly isBreaking: boolean
  readonly message: string
}

const breaks = (path: string, message: string): Difference => ({ path, isBreaking: true, message })

const fits = (path: string, message: string): Difference => ({ path, isBreaking: false, message })

const quote = (value: unknown): string => value === undefined ? "nothing" : JSON.stringify(value)

const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)

const canonical = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, member) =>
    isObject(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => a < b ? -1 : 1))
      : member)

// ----------------------------------------------------------------------------
// definitions
// ----------------------------------------------------------------------------

export const tools = (before: McpSchema.Tool, after: McpSchema.Tool): ReadonlyArray<Difference> => [
  ...words(before, after, ["title", "description", "icons", "_meta"]),
  ...inputs(before.inputSchema as JsonObject, after.inputSchema as JsonObject),
  ...outputs(before.outputSchema as JsonObject | undefined, after.outputSchema as JsonObject | undefined),
  ...hints(before.annotations, after.annotations),
  ...taskSupport(before.execution?.taskSupport ?? "forbidden", after.execution?.taskSupport ?? "forbidden")
]

export const resources = (
  before: McpSchema.Resource | McpSchema.ResourceTemplate,
  after: McpSchema.Resource | McpSchema.ResourceTemplate
): ReadonlyArray<Difference> => [
  ...words(before, after, ["name", "title", "description", "icons", "size", "annotations", "_meta"]),
  ...(before.mimeType === after.mimeType ? [] : [
    before.mimeType === undefined
      ? fits("mimeType", `is said to be ${quote(after.mimeType)} now`)
      : breaks(
        "mimeType",
        `was ${quote(before.mimeType)} and is ${quote(after.mimeType)}: who reads it expects the old one`
      )
  ])
]

export const prompts = (before: McpSchema.Prompt, after: McpSchema.Prompt): ReadonlyArray<Difference> => {
  const [had, has] = [byName(before.arguments), byName(after.arguments)]
  return [
    ...words(before, after, ["title", "description", "icons", "_meta"]),
    ...[...had].flatMap(([name, argument]): ReadonlyArray<Difference> => {
      const path = `arguments.${name}`
      const now = has.get(name)
      if (now === undefined) return [breaks(path, "is gone: what callers give for it is not read any more")]
      const [was, is] = [argument.required === true, now.required === true]
      return [
        ...words(argument, now, ["title", "description"]).map((found) => ({ ...found, path: `${path}.${found.path}` })),
        ...(was === is ? [] : [
          is
            ? breaks(path, "is required now: callers may leave it out")
            : fits(path, "may be left out now")
        ])
      ]
    }),
    ...[...has].flatMap(([name, { required }]) =>
      had.has(name) ? [] : [
        required === true
          ? breaks(`arguments.${name}`, "is new and required: no caller gives it yet")
          : fits(`arguments.${name}`, "is new, and may be left out")
      ]
    )
  ]
}

const byName = (listed: McpSchema.Prompt["arguments"]) =>
  new Map((listed ?? []).map((argument) => [argument.name, argument]))

/** What is said to people and models, and binds nobody. */
const words = <A extends object>(before: A, after: A, keys: ReadonlyArray<string>): ReadonlyArray<Difference> => {
  const [was, is] = [before, after] as [{ readonly [key: string]: unknown }, { readonly [key: string]: unknown }]
  return keys.flatMap((key) => isSame(was[key], is[key]) ? [] : [fits(key, "says something else")])
}

// ----------------------------------------------------------------------------
// what a server can do
// ----------------------------------------------------------------------------

export const capabilities = (
  before: McpSchema.ServerCapabilities,
  after: McpSchema.ServerCapabilities
): ReadonlyArray<Difference> => settings(before as JsonObject, after as JsonObject, "capabilities")

const settings = (before: JsonObject, after: JsonObject, path: string): ReadonlyArray<Difference> =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key): ReadonlyArray<Difference> => {
    const at = `${path}.${key}`
    const [was, is] = [before[key], after[key]]
    if (isSame(was, is)) return []
    if (is === undefined || is === false) return [breaks(at, "is gone: clients were told that they can use it")]
    if (was === undefined || was === false) return [fits(at, "is new")]
    return isObject(was) && isObject(is)
      ? settings(was, is, at)
      : [breaks(at, `was ${quote(was)} and is ${quote(is)}`)]
  })

// ----------------------------------------------------------------------------
// hints
// ----------------------------------------------------------------------------

interface Hint {
  readonly default: boolean
  /** The value that lets a client do more with the tool. */
  readonly eased: boolean
  readonly why: string
}

const hintsOf: { readonly [hint: string]: Hint } = {
  readOnlyHint: { default: false, eased: true, why: "clients may call what only reads without asking" },
  destructiveHint: { default: true, eased: false, why: "clients may call what destroys nothing without asking" },
  idempotentHint: { default: false, eased: true, why: "clients may send such a call again when its answer is lost" },
  openWorldHint: { default: true, eased: false, why: "clients may trust results that come from nowhere else" }
}

const hints = (
  before: McpSchema.ToolAnnotations = {},
  after: McpSchema.ToolAnnotations = {}
): ReadonlyArray<Difference> => [
  ...words(before, after, ["title"]).map(({ message }) => fits("annotations.title", message)),
  ...Object.entries(hintsOf).flatMap(([name, hint]) => {
    const key = name as Exclude<keyof McpSchema.ToolAnnotations, "title">
    const [was, is] = [before[key] ?? hint.default, after[key] ?? hint.default]
    if (was === is) return []
    const path = `annotations.${name}`
    return [was === hint.eased ? breaks(path, `is ${is} now, and ${hint.why}`) : fits(path, `is ${is} now`)]
  })
]

const taskSupport = (before: McpSchema.TaskSupport, after: McpSchema.TaskSupport): ReadonlyArray<Difference> => {
  if (before === after) return []
  const path = "execution.taskSupport"
  if (after === "optional") return [fits(path, `was ${before} and is optional: calls go on as they did`)]
  return [
    breaks(path, `was ${before} and is ${after}: calls ${after === "required" ? "without" : "with"} a task are refused`)
  ]
}

// ----------------------------------------------------------------------------
// schemas
// ----------------------------------------------------------------------------

const partOf = (schema: JsonObject): Subschema.Part => ({ schema, root: schema })

const pathOf = (root: string, path: ReadonlyArray<string>): string =>
  path.reduce((text, key) => key === "[]" ? `${text}[]` : `${text}.${key}`, root)

const inputs = (before: JsonObject, after: JsonObject): ReadonlyArray<Difference> => {
  const [was, is] = [partOf(before), partOf(after)]
  const narrowed = Subschema.faults(was, is, { ignoreExcess: false }).map((fault) => {
    const path = pathOf("arguments", fault.path)
    switch (fault._tag) {
      case "Kind": {
        const [old, now] = Subschema.kindsOf(fault.narrow, fault.wide)
        return breaks(path, `was ${old} and is ${now}: what callers may send is refused`)
      }
      case "Missing":
        return fault.isKnown
          ? breaks(`${path}.${fault.name}`, "is required now: callers may leave it out")
          : breaks(`${path}.${fault.name}`, "is new and required: no caller sends it yet")
      case "Excess":
        return fault.name === undefined
          ? breaks(path, "takes no members without a name any more: callers may send some")
          : breaks(`${path}.${fault.name}`, "is gone: who sends it is refused")
      case "Rule":
        return breaks(
          path,
          `is held to ${Subschema.ruleOf(fault)}, and was ${heldTo(fault.narrow)}: what callers may send is refused`
        )
    }
  })
  const refused = new Set(narrowed.map(({ path }) => path))
  return withRest(narrowed, [
    ...Subschema.faults(is, was, { ignoreExcess: false }).map((fault) => {
      const path = pathOf("arguments", fault.path)
      return fault._tag === "Missing"
        ? fits(`${path}.${fault.name}`, "may be left out now")
        : fits(path, "takes more than it did")
    }),
    ...membersOf(was, is, "arguments", {
      gone: (path) => refused.has(path) ? [] : [breaks(path, "is gone: what callers send for it is not read any more")],
      added: (path) => fits(path, "is new, and may be left out"),
      another: (path, key, old, now) =>
        key === "default"
          ? breaks(
            path,
            `is ${quote(now)} where callers leave it out, and was ${quote(old)}: the same call means something else`
          )
          : key === "x-mcp-header"
          ? breaks(
            path,
            `is mirrored into ${header(now)}, and was into ${header(old)}: clients send what they have read`
          )
          : fits(path, `says something else of itself (${key})`)
    })
  ])
}

const header = (name: Json | undefined): string => name === undefined ? "no header" : `the header ${quote(name)}`

const heldTo = (rule: Json | undefined): string => rule === undefined ? "not" : `to ${quote(rule)}`

const outputs = (before: JsonObject | undefined, after: JsonObject | undefined): ReadonlyArray<Difference> => {
  if (before === undefined) return after === undefined ? [] : [fits("result", "has a schema now")]
  if (after === undefined) return [breaks("result", "has no schema any more: clients read what it promised")]
  const [was, is] = [partOf(before), partOf(after)]
  const widened = Subschema.faults(is, was, { ignoreExcess: true }).map((fault) => {
    const path = pathOf("result", fault.path)
    switch (fault._tag) {
      case "Kind": {
        const [now, old] = Subschema.kindsOf(fault.narrow, fault.wide)
        return breaks(path, `was ${old} and is ${now}: clients may not know what they get`)
      }
      case "Missing":
        return fault.isKnown
          ? breaks(`${path}.${fault.name}`, "may be missing now: clients count on it")
          : breaks(`${path}.${fault.name}`, "is gone: clients count on it")
      case "Excess":
        return breaks(path, "may have members it had not")
      case "Rule":
        return breaks(
          path,
          `was held to ${Subschema.ruleOf(fault)}, and is ${heldTo(fault.narrow)}: clients count on it`
        )
    }
  })
  return withRest(widened, [
    ...Subschema.faults(was, is, { ignoreExcess: true }).map((fault) => {
      const path = pathOf("result", fault.path)
      return fault._tag === "Missing"
        ? fits(`${path}.${fault.name}`, "is always there now")
        : fits(path, "is less than it was")
    }),
    ...membersOf(was, is, "result", {
      gone: (path) => [fits(path, "is gone, and could be missing before")],
      added: (path) => fits(path, "is new"),
      another: (path, key) => fits(path, `says something else of itself (${key})`)
    })
  ])
}

/** Of what is said of one place the first counts: what breaks comes before what does not. */
const withRest = (
  breaking: ReadonlyArray<Difference>,
  rest: ReadonlyArray<Difference>
): ReadonlyArray<Difference> => {
  const found: Array<Difference> = []
  const taken = new Set<string>()
  for (const difference of [...breaking, ...rest.toSorted((a, b) => Number(b.isBreaking) - Number(a.isBreaking))]) {
    const isSaid = taken.has(difference.path) && !difference.isBreaking
    if (isSaid || found.some((other) => isSame(other, difference))) continue
    taken.add(difference.path)
    found.push(difference)
  }
  return found
}

interface Members {
  readonly gone: (path: string) => ReadonlyArray<Difference>
  readonly added: (path: string) => Difference
  readonly another: (path: string, key: string, before: Json | undefined, after: Json | undefined) => Difference
}

const said = ["default", "x-mcp-header", "title", "description", "examples", "deprecated"] as const

/** Members that came and went, and what each says of itself; of values no rule holds to. */
const membersOf = (
  before: Subschema.Part,
  after: Subschema.Part,
  root: string,
  words: Members
): ReadonlyArray<Difference> => {
  const seen = new Map<Json, Set<Json>>()
  const visit = (before: Subschema.Part, after: Subschema.Part, path: string): ReadonlyArray<Difference> => {
    const [was, is] = [Subschema.resolve(before), Subschema.resolve(after)]
    if (!isObject(was) || !isObject(is) || seen.get(was)?.has(is) === true) return []
    seen.set(was, (seen.get(was) ?? new Set()).add(is))
    const inside = (old: Json | undefined, now: Json | undefined, at: string) =>
      old === undefined || now === undefined
        ? []
        : visit({ schema: old, root: before.root }, { schema: now, root: after.root }, at)
    const [had, has] = [propertiesOf(was), propertiesOf(is)]
    return [
      ...said.flatMap((key) => isSame(was[key], is[key]) ? [] : [words.another(path, key, was[key], is[key])]),
      ...Object.keys(had).flatMap((name) =>
        Object.hasOwn(has, name) ? inside(had[name], has[name], `${path}.${name}`) : words.gone(`${path}.${name}`)
      ),
      ...Object.keys(has).flatMap((name) => Object.hasOwn(had, name) ? [] : [words.added(`${path}.${name}`)]),
      ...inside(was.items, is.items, `${path}[]`),
      ...inside(was.additionalProperties, is.additionalProperties, `${path}.*`),
      ...(["anyOf", "oneOf", "allOf"] as const).flatMap((key) => {
        const [old, now] = [was[key], is[key]]
        return Array.isArray(old) && Array.isArray(now) && old.length === now.length
          ? old.flatMap((member, index) => inside(member, now[index], path))
          : []
      })
    ]
  }
  return visit(before, after, root)
}

const propertiesOf = ({ properties }: JsonObject): JsonObject => isObject(properties) ? properties : {}
