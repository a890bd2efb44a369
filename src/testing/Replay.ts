/**
 * A journal's requests, made again: of another version of the server, to list what it does otherwise (`run`, `same`), or
 * answered as they were, by a server that has no code (`mock`). All happens in memory, in a lab: an hour between two
 * requests takes no time, and the same journal and server give the same report.
 *
 * Requests are made one after the other, each caller and each session with a client of its own. What was asked of a
 * client is answered as it was; in the place of what the journal does not tell stands something that fits the listed
 * schema, and where nothing is found that fits, the request is reported as not replayable.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Tool from "../definition/Tool.ts"
import type * as JournalEntry from "../middleware/JournalEntry.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as WireOutcome from "../protocol/WireOutcome.ts"
import * as McpServer from "../server/McpServer.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as differing from "./differing.ts"
import * as Lab from "./Lab.ts"
import type * as LabError from "./LabError.ts"
import * as placeholders from "./placeholders.ts"
import * as replaying from "./replaying.ts"

export { type Difference } from "./differing.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * Paths of results and errors that may differ, where `*` is any member: `/structuredContent/*`. Times and UUIDs may
   * always.
   */
  readonly ignore?: ReadonlyArray<string>
  /** What to send in the place of a value the journal does not tell, at a path of the arguments; undefined for no idea. */
  readonly placeholder?: (tool: string, path: string) => unknown
  /** The version before: a request that takes so many steps more than it did there is slower. */
  readonly baseline?: Layer.Layer<Receiver.Receiver, unknown>
  /** How many times the steps of `baseline` are slower. 1.5. */
  readonly slower?: number
}

/** A request that could not be made again, and why. @category models @since 0.1.0 */
export interface NotReplayable {
  /** Its place among the journal's entries, from 1. */
  readonly entry: number
  readonly name: string
  readonly reason: string
}

/** @category models @since 0.1.0 */
export interface Summary {
  readonly name: string
  readonly requests: number
  readonly differing: number
  readonly notReplayable: number
}

/** Differences that mean the same. @category models @since 0.1.0 */
export interface Group {
  readonly name: string
  /** What is different, and where, in words. */
  readonly what: string
  readonly count: number
  /** The first of them. */
  readonly example: differing.Difference
}

/** @category models @since 0.1.0 */
export interface Report {
  /** Requests that were made again. */
  readonly replayed: number
  /** Entries the journal had no place for when it was written. */
  readonly dropped: number
  readonly differences: ReadonlyArray<differing.Difference>
  readonly groups: ReadonlyArray<Group>
  readonly notReplayable: ReadonlyArray<NotReplayable>
  readonly tools: ReadonlyArray<Summary>
}

/** The server does something else than the journal tells. The message says what. @category errors @since 0.1.0 */
export class ReplayError extends Schema.TaggedError<ReplayError>("fastmcp-effect/testing/Replay/ReplayError")(
  "ReplayError",
  { story: Schema.String }
) {
  override get message(): string {
    return this.story
  }
}

/**
 * Makes the requests of a journal again and reports what is different, in groups of what means the same.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <E>(
  journal: ReadonlyArray<JournalEntry.Entry>,
  server: Layer.Layer<Receiver.Receiver, E>,
  options: Options = {}
): Effect.Effect<Report, E | LabError.LabError> =>
  Effect.gen(function*() {
    const observed = yield* inLab(replaying.replay(journal, server, options))
    const before = options.baseline === undefined
      ? undefined
      : yield* Effect.orDie(inLab(replaying.replay(journal, options.baseline, options)))
    return report(journal, observed, before, options)
  })

const inLab = <A, E>(replayed: Effect.Effect<A, E, Lab.Services>): Effect.Effect<A, E | LabError.LabError> =>
  Lab.run(replayed, {
    schedule: "first",
    maxTime: "3650 days",
    journal: { capacity: 0, fibers: false },
    spans: false,
    leaks: false
  }) as Effect.Effect<A, E | LabError.LabError>

const report = (
  journal: ReadonlyArray<JournalEntry.Entry>,
  observed: ReadonlyArray<replaying.Observed>,
  before: ReadonlyArray<replaying.Observed> | undefined,
  { ignore = [], slower = 1.5 }: Options
): Report => {
  const steps = new Map(before?.map((one) => [one.entry, one.steps]))
  const differences: Array<differing.Difference> = []
  const notReplayable: Array<NotReplayable> = []
  const tools = new Map<string, { requests: number; differing: number; notReplayable: number }>()
  for (const one of observed) {
    const count = tools.get(one.name) ?? { requests: 0, differing: 0, notReplayable: 0 }
    tools.set(one.name, count)
    count.requests++
    if (one.notReplayable !== undefined) {
      count.notReplayable++
      notReplayable.push({ entry: one.entry, name: one.name, reason: one.notReplayable })
      continue
    }
    const different = [...differing.of(one, ignore), ...differing.slower(one, steps.get(one.entry), slower)]
    const otherwise = one.placeholders.length === 0 ? undefined : different.find(({ kind }) => kind === "Ended")
    if (otherwise !== undefined) {
      count.notReplayable++
      notReplayable.push({
        entry: one.entry,
        name: one.name,
        reason: `${differing.meaning(otherwise)}, with a placeholder at ${one.placeholders.join(", ")}; `
          + "give a value by the option `placeholder`"
      })
      continue
    }
    // What was made up may be what the values follow from.
    const found = one.placeholders.length === 0 ? different : different.filter(differing.isOfShape)
    if (found.length > 0) count.differing++
    differences.push(...found)
  }
  return {
    replayed: observed.length - notReplayable.length,
    dropped: journal.reduce((sum, entry) => entry._tag === "Dropped" ? sum + entry.count : sum, 0),
    differences,
    groups: grouped(differences),
    notReplayable,
    tools: [...tools].map(([name, counts]) => ({ name, ...counts }))
  }
}

const grouped = (differences: ReadonlyArray<differing.Difference>): ReadonlyArray<Group> => {
  const groups = new Map<string, { readonly example: differing.Difference; readonly what: string; count: number }>()
  for (const example of differences) {
    const what = differing.meaning(example)
    const key = `${example.name}\n${what}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { example, what, count: 1 })
    else group.count++
  }
  return [...groups.values()]
    .map(({ count, example, what }) => ({ name: example.name, what, count, example }))
    .sort((one, other) => other.count - one.count)
}

/**
 * Fails where a server does something else than the journal tells: a regression test in one line. What is not
 * replayable does not fail it, unless nothing is.
 *
 * @category running
 * @since 0.1.0
 */
export const same = <E>(
  journal: ReadonlyArray<JournalEntry.Entry>,
  server: Layer.Layer<Receiver.Receiver, E>,
  options?: Options
): Effect.Effect<Report, E | ReplayError | LabError.LabError> =>
  Effect.flatMap(
    run(journal, server, options),
    (made) =>
      made.differences.length === 0 && (made.replayed > 0 || made.notReplayable.length === 0)
        ? Effect.succeed(made)
        : Effect.fail(new ReplayError({ story: render(made) }))
  )

/** For people: what is different in each tool, with an example of each. @category rendering @since 0.1.0 */
export const render = ({ dropped, groups, notReplayable, replayed, tools }: Report): string =>
  [
    `${replayed} requests were made again, ${
      groups.length === 0 ? "and nothing is different" : "and this is different"
    }.`,
    ...groups.flatMap(({ count, example, name, what }) => [
      `  ${name}: ${what} (${count} of ${tools.find((tool) => tool.name === name)?.requests ?? count})`,
      `    entry ${example.entry}: was ${brief(example.was)}, is ${brief(example.is)}`
    ]),
    ...notReplayable.length === 0 ? [] : ["Not replayable:"],
    ...notReplayable.map(({ entry, name, reason }) => `  entry ${entry}, ${name}: ${reason}`),
    ...dropped === 0 ? [] : [`${dropped} requests are missing in the journal.`]
  ].join("\n")

const brief = (value: unknown): string => {
  const text = value === undefined ? "nothing" : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

const longest = 160

/**
 * A server of the tools that a journal knows, with no code behind them: a call that was recorded is answered as it was,
 * in the order of the recording where there were several, the last one again and again; another is refused. Values that
 * the journal does not tell fit whatever is sent, and come as something that fits the listed schema.
 *
 * @category mocks
 * @since 0.1.0
 */
export const mock = (
  journal: ReadonlyArray<JournalEntry.Entry>
): Layer.Layer<Receiver.Receiver, DefinitionError.DefinitionError> => {
  const requests = journal.flatMap((entry) => entry._tag === "Request" ? [entry] : [])
  const calls = requests.filter(({ end, method, name }) =>
    method === "tools/call" && name !== undefined && end._tag !== "Asked"
  )
  const listed = new Map<string, McpSchema.Tool>(
    calls.map(({ name }) => [name!, { name: name!, inputSchema: { type: "object" } }])
  )
  for (const { end, method } of requests) {
    if (method !== "tools/list" || end._tag !== "Result") continue
    for (const tool of (end.result as unknown as { readonly tools: ReadonlyArray<McpSchema.Tool> }).tools) {
      listed.set(tool.name, tool)
    }
  }
  return Layer.unwrap(Effect.sync(() =>
    McpServer.layer({
      name: "mock",
      version: "1.0.0",
      tools: [...listed.values()].map((tool) => {
        const left = calls.filter(({ name }) => name === tool.name)
        return Tool.relay(tool, (input) =>
          Effect.suspend(() => {
            const at = left.findIndex(({ params }) =>
              differing.between((params as JsonObject).arguments, input, []).length === 0
            )
            const found = left[at]
            if (found === undefined) {
              return Effect.fail(McpError.invalidParams(`No call of ${tool.name} with these arguments was recorded.`))
            }
            const isLast = !left.some(({ params }, index) =>
              index !== at
              && differing.between((params as JsonObject).arguments, input, []).length === 0
            )
            if (!isLast) left.splice(at, 1)
            return answerOf(found.end, tool)
          }))
      })
    })
  ))
}

const answerOf = (
  end: JournalEntry.End,
  { outputSchema = {} }: McpSchema.Tool
): Effect.Effect<McpSchema.CallToolResult, McpError.McpError> => {
  switch (end._tag) {
    case "Result": {
      const { content, structuredContent, text } = placeholders.fill(
        end.result,
        { type: "object", properties: { structuredContent: outputSchema as JsonObject } },
        () => undefined
      ).value as {
        readonly content?: McpSchema.CallToolResult["content"]
        structuredContent?: JsonObject
        text?: string
      }
      return Effect.succeed({
        content: content
          ?? (text !== undefined
            ? [{ type: "text", text }]
            : structuredContent === undefined
            ? []
            : [{ type: "text", text: JSON.stringify(structuredContent) }]),
        ...structuredContent === undefined ? undefined : { structuredContent }
      })
    }
    case "Failure": {
      const { value } = placeholders.fill(end.error, {}, () => undefined)
      return Effect.succeed({
        content: [{ type: "text", text: JSON.stringify(value) }],
        isError: true,
        _meta: WireOutcome.encode({ _tag: "Err", error: value })
      })
    }
    case "Refused":
      return Effect.fail(McpError.fromObject({ code: end.code, message: `Refused, as recorded: ${end.reason}` }))
    case "InvalidInput":
      return Effect.fail(McpError.invalidParams(`Refused, as recorded: ${end.paths.join(", ")}`))
    case "Cancelled":
    case "Asked":
      return Effect.fail(McpError.invalidRequest(`The recorded call ended with ${end._tag}.`))
    case "Panicked":
      return Effect.die(new Error("The recorded call hit a defect."))
  }
}
