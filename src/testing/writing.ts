/** Messages as lines that are the same in each run. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as DefinitionError from "../definition/DefinitionError.ts"
import * as Tool from "../definition/Tool.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"

export type Side = "client" | "server"

export interface Heard {
  readonly from: Side
  readonly message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch
}

export const write = (heard: ReadonlyArray<Heard>, tools: ReadonlyArray<Tool.Any>): Effect.Effect<string> => {
  const all = heard.flatMap(({ from, message }): ReadonlyArray<Heard> =>
    message._tag === "Batch" ? message.messages.map((message) => ({ from, message })) : [{ from, message }]
  )
  return Effect.map(secretsOf(all, tools), (secrets) => {
    const names = new Names()
    return all.map(({ from, message }) => `${line(from, message, names, secrets)}\n`).join("")
  })
}

const line = (from: Side, message: Heard["message"], names: Names, secrets: Secrets): string => {
  const body = (value: JsonRpc.Json | object | undefined) => written(value as JsonRpc.Json | undefined, names, secrets)
  const arrow = from === "client" ? "client ->" : "server <-"
  const other = from === "client" ? "server" : "client"
  switch (message._tag) {
    case "Request":
      return `${arrow} ${message.method} (${names.of(`${from} id`, message.id)})${body(message.params)}`
    case "Notification":
      return `${arrow} ${message.method}${body(message.params)}`
    case "Response":
      return message.error === undefined
        ? `${arrow} answer (${names.of(`${other} id`, message.id)})${body(message.result)}`
        : `${arrow} error (${names.of(`${other} id`, message.id)})${body(message.error)}`
    case "Invalid":
      return `${arrow} what is no message: ${message.error.message}`
    case "Batch":
      return `${arrow} ${message.messages.length} messages`
  }
}

const widest = 120

/** On the line if it is short, else below it. */
const written = (value: JsonRpc.Json | undefined, names: Names, secrets: Secrets): string => {
  if (value === undefined) return ""
  const same = steady(value, "", names, secrets)
  if (JsonRpc.isObject(same) && Object.keys(same).length === 0) return ""
  const short = JSON.stringify(same)
  return short.length <= widest ? ` ${short}` : `\n${JSON.stringify(same, null, 2).replaceAll(/^/gmu, "  ")}`
}

/** Numbers for what is another in each run, by kind. */
class Names {
  private readonly known = new Map<string, Map<unknown, number>>()

  of(kind: string, value: unknown): string {
    const numbers = this.known.get(kind) ?? new Map<unknown, number>()
    this.known.set(kind, numbers)
    const number = numbers.get(value) ?? numbers.size + 1
    numbers.set(value, number)
    return `${kind} ${number}`
  }
}

/** Members that hold what only the other side understands. */
const opaque: { readonly [key: string]: string } = {
  cursor: "cursor",
  nextCursor: "cursor",
  progressToken: "token",
  requestId: "request",
  requestState: "state",
  taskId: "task",
  elicitationId: "elicitation"
}

/** Of whoever traces the run. */
const traces = new Set(["traceparent", "tracestate", "baggage"])

const time = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/gu

const uuid = /\b[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b/giu

const steady = (value: JsonRpc.Json, key: string, names: Names, secrets: Secrets): JsonRpc.Json => {
  if (Array.isArray(value)) return value.map((item) => steady(item, key, names, secrets))
  if (JsonRpc.isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1).flatMap(([key, member]) => {
        if (traces.has(key)) return []
        const same = steady(member!, key, names, secrets)
        return key === "_meta" && JsonRpc.isObject(same) && Object.keys(same).length === 0 ? [] : [[key, same]]
      })
    )
  }
  if (secrets.values.has(value)) return hidden
  if (typeof value !== "string" && typeof value !== "number") return value
  if (Object.hasOwn(opaque, key)) return `<${names.of(opaque[key]!, value)}>`
  if (typeof value === "number") return value
  return secrets.within
    .reduce<string>((text, [secret, instead]) => text.replaceAll(secret, instead), value)
    .replaceAll(time, (text) => `<${names.of("time", text)}>`)
    .replaceAll(uuid, (text) => `<${names.of("id", text)}>`)
}

// ----------------------------------------------------------------------------
// secrets
// ----------------------------------------------------------------------------

const hidden = "<redacted>"

interface Secrets {
  readonly values: ReadonlySet<unknown>
  /** Texts that are looked for inside of others, longest first, and what is written in the place of each. */
  readonly within: ReadonlyArray<readonly [text: string, instead: string]>
}

/** A shorter one is a part of words that are none: it is found where it stands alone, or in quotes. */
const least = 4

/**
 * What decoding by the contracts of the tools finds redacted, in calls and in their answers. Where a message is not what
 * the contract says, anything in it may be what was to be hidden.
 */
const secretsOf = (heard: ReadonlyArray<Heard>, tools: ReadonlyArray<Tool.Any>): Effect.Effect<Secrets> =>
  Effect.gen(function*() {
    const byName = new Map(tools.map((tool) => [tool.name, tool]))
    const values = new Set<unknown>()
    const calls = new Map<string, Tool.Any>()
    const look = (decoded: Effect.Effect<unknown, unknown>, raw: unknown) =>
      Effect.matchCause(decoded, {
        onSuccess: (value) => collect(value, false, values, new Set()),
        onFailure: ({ reasons: [reason] }) =>
          reason?._tag === "Fail" && !(reason.error instanceof DefinitionError.DefinitionError)
            ? collect(reason.error, false, values, new Set())
            : collect(raw, true, values, new Set())
      })
    for (const { from, message } of heard) {
      if (message._tag === "Request" && message.method === "tools/call" && from === "client") {
        const tool = byName.get(String(message.params?.name))
        if (tool === undefined) continue
        calls.set(String(message.id), tool)
        const args = message.params?.arguments ?? {}
        yield* look(Tool.decodeParameters(tool, args), args)
      }
      if (message._tag === "Response" && from === "server" && Array.isArray(message.result?.content)) {
        const tool = calls.get(String(message.id))
        if (tool === undefined) continue
        const { structuredContent } = message.result
        yield* look(
          Tool.decodeResult(tool, message.result as unknown as McpSchema.CallToolResult),
          structuredContent
        )
      }
    }
    const texts = [...values].map(String).filter((text) => text !== "")
    return {
      values,
      within: texts.flatMap((text): ReadonlyArray<readonly [string, string]> => {
        const quoted = JSON.stringify(text)
        const alone = [quoted, JSON.stringify(hidden)] as const
        return text.length < least ? [alone] : [alone, [text, hidden], [quoted.slice(1, -1), hidden]]
      }).toSorted(([a], [b]) => b.length - a.length)
    }
  })

const collect = (value: unknown, isSecret: boolean, found: Set<unknown>, seen: Set<unknown>): void => {
  if (Redacted.isRedacted(value)) return collect(Redacted.value(value), true, found, seen)
  if (typeof value !== "object" || value === null) {
    if (isSecret && (typeof value === "string" || typeof value === "number")) found.add(value)
    return
  }
  if (seen.has(value)) return
  seen.add(value)
  for (const member of Object.values(value)) collect(member, isSecret, found, seen)
}

// ----------------------------------------------------------------------------
// differences
// ----------------------------------------------------------------------------

const around = 3

/** What stands between the lines at both ends that are the same. */
export const difference = (before: string, after: string): string => {
  const [was, is] = [before, after].map((text) => text.replace(/\n$/u, "").split("\n")) as [
    Array<string>,
    Array<string>
  ]
  let start = 0
  while (start < Math.min(was.length, is.length) && was[start] === is[start]) start++
  let end = 0
  while (end < Math.min(was.length, is.length) - start && was.at(-1 - end) === is.at(-1 - end)) end++
  const lead = was.slice(Math.max(0, start - around), start)
  const tail = was.slice(was.length - end, was.length - end + around)
  return [
    `from line ${start + 1}:`,
    ...lead.map((line) => `  ${line}`),
    ...was.slice(start, was.length - end).map((line) => `- ${line}`),
    ...is.slice(start, is.length - end).map((line) => `+ ${line}`),
    ...tail.map((line) => `  ${line}`)
  ].join("\n")
}
