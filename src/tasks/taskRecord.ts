/**
 * A task as its docket keeps it: what is to be called (the payload, which never changes), and how far it is (the data).
 * What clients see of it is derived from these and from the execution, in the form of either revision.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Identity from "../context/Identity.ts"
import type * as Execution from "../docket/Execution.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpSchema from "../protocol/McpSchema.ts"

// ----------------------------------------------------------------------------
// what is kept
// ----------------------------------------------------------------------------

const JsonObject = Schema.Record(Schema.String, Schema.Json)

/** What is to be called, for whom, and by which client: as it was when the task was made. */
export const Call = Schema.Struct({
  taskId: Schema.String,
  tool: Schema.String,
  arguments: Schema.optionalKey(JsonObject),
  revision: Schema.String,
  client: Schema.Struct({
    info: Schema.optionalKey(McpSchema.Implementation),
    capabilities: McpSchema.ClientCapabilities
  }),
  meta: JsonObject,
  identity: Schema.Struct({
    subject: Schema.optionalKey(Schema.String),
    issuer: Schema.optionalKey(Schema.String),
    clientId: Schema.optionalKey(Schema.String),
    tenant: Schema.optionalKey(Schema.String),
    scopes: Schema.Array(Schema.String),
    claims: JsonObject
  }),
  recovery: Schema.Literals(["fail", "resume", "repeat"]),
  /** What the call had left of what it might use, where that is limited. */
  budget: Schema.optionalKey(Schema.Struct({
    pollQuota: Schema.optionalKey(Schema.Finite),
    costQuota: Schema.optionalKey(Schema.Finite),
    priority: Schema.Finite
  }))
})

export type Call = typeof Call.Type

const Question = Schema.Struct({
  fingerprint: Schema.String,
  method: McpSchema.InputRequest.fields.method,
  params: JsonObject
})

const Answer = Schema.Struct({
  fingerprint: Schema.String,
  result: Schema.optionalKey(Schema.Json),
  error: Schema.optionalKey(Schema.Struct({
    code: Schema.Finite,
    message: Schema.String,
    data: Schema.optionalKey(Schema.Json)
  })),
  /** It came since the handler last ran. */
  isFresh: Schema.optionalKey(Schema.Literal(true))
})

export const Data = Schema.Struct({
  /** Epoch milliseconds; `updatedAt` of its status. */
  createdAt: Schema.Int,
  updatedAt: Schema.Int,
  /** Null for as long as the docket is. */
  ttl: Schema.NullOr(Schema.Int),
  pollInterval: Schema.Int,
  /** What the client of 2025-11-25 wants progress told under; it is good until the task ends. */
  progressToken: Schema.optionalKey(Schema.Union([Schema.String, Schema.Finite])),
  /** Questions without an answer; the task waits while there are any. */
  open: Schema.Record(Schema.String, Question),
  answers: Schema.Record(Schema.String, Answer),
  /** What the steps ended with. */
  steps: Schema.Record(Schema.String, Schema.Json),
  /** The handler has gone where nothing is recorded, and has come to no end of its run. */
  isBeyond: Schema.optionalKey(Schema.Literal(true)),
  /** Steps that have begun, and have neither ended nor failed as far as is known. */
  begun: Schema.Array(Schema.String)
})

export type Data = typeof Data.Type

/** How the call ended: with the result it would have been answered with, or the error. */
export const Outcome = Schema.Union([
  Schema.Struct({ result: JsonObject }),
  Schema.Struct({ error: Schema.Struct({ ...McpSchema.TaskError.fields, data: Schema.optionalKey(Schema.Json) }) })
])

export type Outcome = typeof Outcome.Type

/** Undefined for what this version cannot read. */
export const readData: (data: unknown) => Effect.Effect<Data | undefined> = (() => {
  const decode = Schema.decodeUnknownEffect(Data)
  return (data: unknown) => Effect.orElseSucceed(decode(data), () => undefined)
})()

/** JSON as it would leave on the wire: what has no place in JSON is left out. Dies of what cannot be JSON at all. */
export const toJson = (value: object): { readonly [key: string]: Schema.Json } => JSON.parse(JSON.stringify(value))

// ----------------------------------------------------------------------------
// who
// ----------------------------------------------------------------------------

/** Whose tasks they are: those of a principal, whatever its token; of everybody who is nobody in particular. */
export const ownerOf = (identity: Identity.Identity): string => Identity.principal(identity) ?? "-"

/** Part of it is the owner: to another one there is no such task, and nothing is looked at. */
export const keyOf = (owner: string, taskId: string): string => `${owner}/${taskId}`

export const isTaskId = (text: string): boolean => /^[\da-f]{44}$/u.test(text)

/** What is left; its time is not part of it, for a task is there to outlive that of its call. */
export const budgetOf = (
  { cost, polls }: { readonly cost: number; readonly polls: number },
  priority: number
): Pick<Call, "budget"> =>
  cost === Infinity && polls === Infinity ? {} : {
    budget: {
      ...cost !== Infinity && { costQuota: cost },
      ...polls !== Infinity && { pollQuota: polls },
      priority
    }
  }

/** Principal and scopes, and the claims that were asked for; no token. */
export const snapshotOf = (
  { claims, clientId, issuer, scopes, subject, tenant }: Identity.Identity,
  kept: ReadonlyArray<string>
): Call["identity"] => ({
  ...subject !== undefined && { subject },
  ...issuer !== undefined && { issuer },
  ...clientId !== undefined && { clientId },
  ...tenant !== undefined && { tenant },
  scopes,
  claims: toJson(Object.fromEntries(Object.entries(claims).filter(([name]) => kept.includes(name))))
})

export const identityOf = (
  { claims, clientId, issuer, scopes, subject, tenant }: Call["identity"]
): Identity.Identity => ({
  subject,
  issuer,
  clientId,
  tenant,
  scopes,
  claims
})

// ----------------------------------------------------------------------------
// what is seen
// ----------------------------------------------------------------------------

/** When it is as good as gone. */
export const expiryOf = ({ createdAt, ttl }: Data): number => ttl === null ? Infinity : createdAt + ttl

export interface View {
  readonly taskId: string
  readonly data: Data
  readonly status: McpSchema.TaskStatus
  readonly message: string | undefined
  readonly progress: Execution.Progress | undefined
  readonly updatedAt: number
  readonly outcome: Outcome | undefined
}

const broken = -32603

/** What an end that is none of the handler's is told as. */
const failures: { readonly [kind in Execution.FailureKind]: string } = {
  Error: "Internal error",
  Defect: "Internal error",
  Timeout: "The task ran for longer than its server allows.",
  Lost: "The workers that ran this task disappeared, and it was given up.",
  Undecodable: "What was kept of this task cannot be read any more.",
  TooLarge: "The result is larger than the server keeps."
}

const isErrorOf = (outcome: Outcome): boolean => "result" in outcome && outcome.result.isError === true

/** `outcome` of one that has succeeded. */
export const viewOf = (
  taskId: string,
  execution: Execution.Execution,
  data: Data,
  outcome: Outcome | undefined
): View => {
  const { cancelRequested, cancelRequestedAt, failure, finishedAt, progress, status } = execution
  const view = {
    taskId,
    data,
    message: undefined,
    progress,
    updatedAt: finishedAt ?? data.updatedAt,
    outcome: undefined
  }
  // Whoever asked for its end got that, though the handler may have come to another one in the same moment.
  if (cancelRequested !== undefined) {
    return { ...view, status: "cancelled", message: cancelRequested, updatedAt: cancelRequestedAt ?? view.updatedAt }
  }
  if (failure !== undefined) {
    const error = { code: broken, message: failures[failure.kind] }
    return { ...view, status: "failed", message: error.message, outcome: { error } }
  }
  if (outcome !== undefined) {
    return "error" in outcome
      ? { ...view, status: "failed", message: outcome.error.message, outcome }
      : { ...view, status: "completed", outcome }
  }
  return {
    ...view,
    status: status === "Scheduled" && Object.keys(data.open).length > 0 ? "input_required" : "working",
    message: progress?.message
  }
}

const iso = (millis: number): string => new Date(millis).toISOString()

const common = ({ data, message, status, taskId, updatedAt }: View) => ({
  taskId,
  status,
  ...message !== undefined && { statusMessage: message },
  createdAt: iso(data.createdAt),
  lastUpdatedAt: iso(updatedAt)
})

/** As 2026-07-28 has it. */
export const task = (view: View): McpSchema.Task => ({
  ...common(view),
  ttlMs: view.data.ttl,
  pollIntervalMs: view.data.pollInterval
})

/** With what belongs to its status. `project` puts a question in the words of the revision. */
export const detailedTask = (
  view: View,
  project: (method: string, params: object) => object
): McpSchema.DetailedTask => {
  const base = task(view)
  const { data, outcome } = view
  switch (base.status) {
    case "working":
    case "cancelled":
      return { ...base, status: base.status }
    case "input_required":
      return {
        ...base,
        status: base.status,
        inputRequests: Object.fromEntries(
          Object.entries(data.open).map(([key, { method, params }]) => [
            key,
            { method, params: project(method, params) as JsonRpc.JsonObject }
          ])
        )
      }
    case "completed":
      return {
        ...base,
        status: base.status,
        result: { resultType: "complete", ...(outcome as Extract<Outcome, { readonly result: unknown }>).result }
      }
    case "failed":
      return { ...base, status: base.status, error: (outcome as Extract<Outcome, { readonly error: unknown }>).error }
  }
}

/** As 2025-11-25 has it, where a result that is an error has failed. */
export const sessionTask = (view: View): McpSchema.SessionTask => {
  const isError = view.outcome !== undefined && isErrorOf(view.outcome)
  return {
    ...common(isError ? { ...view, status: "failed", message: view.message ?? "The tool reports an error." } : view),
    ttl: view.data.ttl,
    pollInterval: view.data.pollInterval
  }
}
