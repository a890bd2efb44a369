/** Makes the requests of a journal again, one after the other, and writes down what comes of each. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Identity from "../context/Identity.ts"
import * as Outcome from "../core/Outcome.ts"
import * as JournalEntry from "../middleware/JournalEntry.ts"
import { isObject, type Json, type JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as WireOutcome from "../protocol/WireOutcome.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as differing from "./differing.ts"
import * as McpTest from "./McpTest.ts"
import * as placeholders from "./placeholders.ts"
import * as system from "./system.ts"

export interface Observed {
  readonly entry: number
  readonly name: string
  readonly recorded: JournalEntry.Request
  /** Why it could not be made again. */
  readonly notReplayable: string | undefined
  /** Where of its params something was made up. */
  readonly placeholders: ReadonlyArray<string>
  readonly asked: ReadonlyArray<{ readonly method: string; readonly params: Json }>
  readonly said: ReadonlyArray<{ readonly method: string; readonly params: Json }>
  readonly end: JournalEntry.End
  readonly steps: number
}

export interface Options {
  readonly placeholder?: (tool: string, path: string) => unknown
}

interface Peer {
  readonly client: McpTest.Client
  readonly tools: ReadonlyMap<string, McpSchema.Tool>
  /** What its client is asked goes here. */
  readonly questions: { left: Array<JournalEntry.Asked>; readonly asked: Array<Observed["asked"][number]> }
}

export const replay = <E>(
  journal: ReadonlyArray<JournalEntry.Entry>,
  server: Layer.Layer<Receiver.Receiver, E>,
  options: Options
): Effect.Effect<ReadonlyArray<Observed>, E, system.Services> =>
  Effect.gen(function*() {
    const shared = Layer.succeedContext(yield* Layer.build(server))
    const { world } = yield* system.Lab
    const peers = new Map<string, Peer>()
    const observed: Array<Observed> = []
    const begun = world.now()
    const all = requestsOf(journal)
    const first = all[0]?.recorded.at ?? 0
    for (const { entry, recorded } of all) {
      const wait = recorded.at - first - (world.now() - begun)
      if (wait > 0) yield* Effect.sleep(wait)
      const name = recorded.name ?? recorded.method
      const nothing = {
        entry,
        name,
        recorded,
        placeholders: [],
        asked: [],
        said: [],
        end: recorded.end,
        steps: 0
      }
      const reason = hindrance(recorded)
      if (reason !== undefined) {
        observed.push({ ...nothing, notReplayable: reason })
        continue
      }
      const connected = yield* Effect.exit(peerOf(peers, shared, recorded))
      if (Exit.isFailure(connected)) {
        observed.push({ ...nothing, notReplayable: `no client of ${recorded.revision} gets in` })
        continue
      }
      const peer = connected.value
      const { paths, value: params } = filled(recorded, peer, options)
      if (paths.length > 0 && !fillable.has(recorded.method)) {
        observed.push({ ...nothing, notReplayable: `the journal does not tell ${paths.join(", ")} of its params` })
        continue
      }
      const { client, questions } = peer
      questions.left = [...recorded.asked]
      questions.asked.length = 0
      const before = (yield* client.notifications).length
      const steps = world.steps()
      const exit = yield* Effect.exit(client.request(
        recorded.method,
        params,
        recorded.wantsProgress ? { progressToken: entry } : undefined
      ))
      const took = world.steps() - steps
      yield* McpTest.settle
      const said = (yield* client.notifications).slice(before).flatMap(({ method, params }) => {
        if (method !== "notifications/progress" && method !== "notifications/message") return []
        const { _meta, progressToken: __, ...rest } = params ?? {}
        return [{ method, params: rest as Json }]
      })
      observed.push({
        ...nothing,
        notReplayable: undefined,
        placeholders: paths,
        asked: [...questions.asked],
        said,
        end: endOf(recorded, exit),
        steps: took
      })
    }
    return observed
  })

/** In the order in which they began, without what a client does by itself, and rounds that another goes on with. */
const requestsOf = (journal: ReadonlyArray<JournalEntry.Entry>) => {
  const all = journal.flatMap((entry, index) =>
    entry._tag === "Request" && !byItself.has(entry.method) ? [{ entry: index + 1, recorded: entry }] : []
  )
  const rounds = new Map<number, JournalEntry.Request>()
  const continued = new Set<number>()
  return all
    .map(({ entry, recorded }) => {
      const before = recorded.continues === undefined ? undefined : rounds.get(recorded.continues)
      if (before !== undefined) continued.add(recorded.continues!)
      // Its handler has begun anew in each round, and has said all of it again.
      const whole = before === undefined
        ? recorded
        : { ...recorded, at: before.at, said: [...before.said, ...recorded.said] }
      if (recorded.end._tag === "Asked") rounds.set(recorded.end.round, whole)
      return { entry, recorded: whole }
    })
    .filter(({ recorded: { end } }) => end._tag !== "Asked" || !continued.has(end.round))
    .sort((one, other) => one.recorded.at - other.recorded.at || one.entry - other.entry)
}

const byItself: ReadonlySet<string> = new Set([
  "initialize",
  "server/discover",
  "logging/setLevel",
  "subscriptions/listen"
])

/** Whose params may be made up, for something describes them. */
const fillable: ReadonlySet<string> = new Set(["tools/call", "prompts/get"])

const hindrance = ({ asked, end, method }: JournalEntry.Request): string | undefined => {
  if (end._tag === "Cancelled" && !repeatable.has(end.reason)) {
    return `it was cancelled from outside (${end.reason}), at a moment that the journal does not tell`
  }
  if (method.startsWith("tasks/")) return "it is about a task, whose id is another one now"
  const untold = asked.find(({ answer }) =>
    answer !== undefined && placeholders.fill(answer, {}, none).paths.length > 0
  )
  return untold === undefined
    ? undefined
    : `the journal does not tell what ${untold.method} was answered; record with \`withoutSchema: "keep"\``
}

const none = () => undefined

/** What ends a request by its own doing. */
const repeatable: ReadonlySet<string> = new Set([
  "Timeout",
  "Deadline",
  "PollQuota",
  "CostBudget",
  "FailFast",
  "RaceLost",
  "ResourceUnavailable"
])

/** A client for each caller, session and revision, and what it declares. */
const peerOf = <E>(
  peers: Map<string, Peer>,
  server: Layer.Layer<Receiver.Receiver, E>,
  { caller, capabilities, logLevel, revision, scopes, session }: JournalEntry.Request
): Effect.Effect<Peer, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const key = JSON.stringify([caller, session, revision, scopes, capabilities, logLevel])
    const found = peers.get(key)
    if (found !== undefined) return found
    const questions: Peer["questions"] = { left: [], asked: [] }
    const reply = (method: string) => (params: object) =>
      Effect.suspend(() => {
        questions.asked.push({ method, params: params as Json })
        // The one that is the same, else the next of its kind: its difference is told elsewhere.
        const like = questions.left.findIndex((one) =>
          one.method === method && differing.between(one.params, params as Json, []).length === 0
        )
        const at = like >= 0 ? like : questions.left.findIndex((one) => one.method === method)
        const [asked] = at < 0 ? [] : questions.left.splice(at, 1)
        return asked?.answer === undefined
          ? Effect.fail(McpError.invalidRequest("The journal has no answer to this."))
          : Effect.succeed(asked.answer as any)
      })
    const client = yield* McpTest.client(server, {
      revision: revision as Revisions.Version,
      identity: { ...Identity.anonymous, subject: caller, scopes },
      capabilities: capabilities as McpSchema.ClientCapabilities,
      ...logLevel === undefined ? undefined : { logLevel: logLevel as McpSchema.LoggingLevel },
      answers: {
        elicit: reply("elicitation/create"),
        sample: reply("sampling/createMessage"),
        roots: Effect.map(Effect.suspend(() => reply("roots/list")({})), ({ roots }) => roots)
      }
    })
    const listed = yield* Effect.exit(client.listTools)
    const tools = new Map(Exit.isSuccess(listed) ? listed.value.map((tool) => [tool.name, tool]) : [])
    const peer = { client, questions, tools }
    peers.set(key, peer)
    return peer
  })

const filled = (
  { method, name, params }: JournalEntry.Request,
  { tools }: Peer,
  { placeholder }: Options
): { readonly value: JsonObject; readonly paths: ReadonlyArray<string> } => {
  const { arguments: args, ...rest } = params as JsonObject
  const outer = placeholders.fill(rest, {}, none)
  if (args === undefined) return { value: outer.value as JsonObject, paths: outer.paths }
  const schema = method === "tools/call" && name !== undefined ? tools.get(name)?.inputSchema : undefined
  const inner = placeholders.fill(
    args,
    (schema ?? {}) as JsonObject,
    (path) => name === undefined ? undefined : placeholder?.(name, path)
  )
  return {
    value: { ...outer.value as JsonObject, arguments: inner.value },
    // A name that nothing has stays one.
    paths: fillable.has(method) ? inner.paths : [...outer.paths, ...inner.paths]
  }
}

const endOf = (recorded: JournalEntry.Request, exit: Exit.Exit<JsonObject, McpError.McpError>): JournalEntry.End => {
  if (Exit.isSuccess(exit)) return succeeded(recorded, exit.value)
  const outcome = Outcome.fromExit(exit)
  switch (outcome._tag) {
    case "Err": {
      const { reason } = outcome.error
      const { era } = Revisions.select(recorded.revision)!
      return { _tag: "Refused", reason: reason._tag, code: McpError.code(reason, era) }
    }
    case "Cancelled":
      return { _tag: "Cancelled", reason: outcome.reason }
    default:
      return { _tag: "Panicked" }
  }
}

const succeeded = ({ end, method }: JournalEntry.Request, result: JsonObject): JournalEntry.End => {
  if (method !== "tools/call") {
    return { _tag: "Result", result: end._tag === "Result" ? alike(end.result, result) : result }
  }
  const { content, isError, structuredContent, _meta } = result as unknown as McpSchema.CallToolResult
  if (isError === true) {
    const outcome = WireOutcome.decode(_meta)
    switch (outcome?._tag) {
      case "InvalidInput":
        return { _tag: "InvalidInput", paths: JournalEntry.pathsOf(outcome.issues) }
      case "Cancelled":
        return { _tag: "Cancelled", reason: outcome.reason }
      case "Err":
        return { _tag: "Failure", error: JournalEntry.askErrorOf(outcome.error) ?? outcome.error }
      default:
        return { _tag: "Failure", error: content as unknown as Json }
    }
  }
  const was = end._tag === "Result" && isObject(end.result) ? end.result : {}
  const text = content.flatMap((block) => block.type === "text" ? [block.text] : []).join("\n")
  const structured = structuredContent ?? (was.structuredContent === undefined ? undefined : parsed(text))
  return {
    _tag: "Result",
    result: {
      ...was.content !== undefined || content.some(({ type }) => type !== "text")
        ? { content: content as unknown as Json }
        : structured === undefined && (was.text !== undefined || content.length > 0)
        ? { text }
        : undefined,
      ...structured === undefined ? undefined : { structuredContent: structured as Json }
    }
  }
}

/** Of a result what the journal tells of it: a revision adds words of its own, and leaves others out. */
const alike = (was: Json, is: JsonObject): JsonObject =>
  isObject(was)
    ? Object.fromEntries(
      Object.entries(was).flatMap(([key, before]) => {
        const now = is[key]
        if (!told.has(key)) return [[key, before!]]
        return now === undefined ? [] : [[key, listings.has(key) ? listing(before!, now) : now]]
      })
    )
    : is

const told: ReadonlySet<string> = new Set([
  "messages",
  "contents",
  "completion",
  "tools",
  "prompts",
  "resources",
  "resourceTemplates"
])

const listings: ReadonlySet<string> = new Set(["tools", "prompts", "resources", "resourceTemplates"])

const listing = (was: Json, is: Json): Json =>
  Array.isArray(was) && Array.isArray(is)
    ? is.map((item, index) => {
      const before = was[index]
      return isObject(item) && isObject(before)
        ? { ...before, ...Object.fromEntries(Object.entries(item).filter(([key]) => key !== "_meta")) }
        : item
    })
    : is

const parsed = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
