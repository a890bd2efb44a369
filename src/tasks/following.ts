/** How a client waits for a task of a server, in both forms. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as Stream from "effect/Stream"
import type * as McpClient from "../client/McpClient.ts"
import * as McpClientError from "../client/McpClientError.ts"
import type { JsonObject, Notification } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as TaskSchema from "./TaskSchema.ts"
import type * as TasksClient from "./TasksClient.ts"

type Failure = McpClient.CallError

/** How often a client looks. */
export interface Pace {
  /** Milliseconds, whatever the server says. */
  readonly least: number
  readonly most: number
  /** Whether the server is asked to tell. */
  readonly listens: boolean
}

export const paceOf = (options: TasksClient.Polling): Pace => {
  const least = millis(options.minPollInterval ?? "100 millis")
  return {
    least,
    most: Math.max(least, millis(options.maxPollInterval ?? "1 minute")),
    listens: options.listen !== false
  }
}

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

/** A task as one client has it before it. Its questions are asked once, however many wait. */
export interface Followed {
  readonly client: McpClient.Client
  readonly pace: Pace
  readonly taskId: string
  readonly asked: Set<string>
}

export const make = (client: McpClient.Client, pace: Pace, taskId: string): Followed => ({
  client,
  pace,
  taskId,
  asked: new Set()
})

/** Of a server that says nothing of it. */
const usualInterval = 1000

const intervalOf = ({ least, most }: Pace, wanted = usualInterval): number => Math.min(Math.max(wanted, least), most)

// ----------------------------------------------------------------------------
// requests
// ----------------------------------------------------------------------------

/** How often in a row a request that may be repeated is made again. */
const maxFailures = 5

/** A server that starts again, or has too much to do, is asked again; what it says is an answer. */
const patiently = <A>(
  { pace }: Followed,
  effect: Effect.Effect<A, Failure>
): Effect.Effect<A, Failure> =>
  Effect.retry(effect, {
    while: mayPass,
    times: maxFailures,
    schedule: Schedule.spaced(Duration.millis(intervalOf(pace)))
  })

const mayPass = (error: Failure): boolean => {
  if (error._tag === "McpError") return error.reason._tag === "Overloaded" || error.reason._tag === "RateLimited"
  const { reason } = error
  return reason._tag === "OutcomeUnknown" || reason._tag === "Timeout" ||
    reason._tag === "Transport" && (reason.error.isRetryable || reason.error.reason._tag === "Lost")
}

const ask = (
  followed: Followed,
  method: string,
  params: JsonObject = {},
  options: McpClient.RequestOptions = {}
): Effect.Effect<JsonObject, Failure> =>
  patiently(
    followed,
    followed.client.request(method, { taskId: followed.taskId, ...params }, { idempotent: true, raw: true, ...options })
  )

/** Of a task that has to be there. */
export const request = (
  followed: Followed,
  method: string,
  params?: JsonObject
): Effect.Effect<JsonObject, Failure> =>
  Effect.mapError(ask(followed, method, params), (error) => isUnknown(error) ? gone(followed.taskId) : error)

const isUnknown = (error: Failure): boolean => error._tag === "McpError" && error.reason._tag === "InvalidParams"

const gone = (taskId: string) => McpClientError.make(new McpClientError.TaskGone({ taskId }))

const cancelled = (taskId: string, status: string | undefined) =>
  McpClientError.make(new McpClientError.TaskCancelled({ taskId, status }))

export const invalid = (method: string, message: string) =>
  McpClientError.make(new McpClientError.InvalidResponse({ method, message }))

/** What is read of a task, which has to be the one that was asked for. */
const reading = <A extends { readonly taskId: string }>(schema: Schema.Codec<A, any>) => {
  const read = SchemaParser.decodeUnknownExit(schema)
  return (method: string, taskId: string, result: unknown): Effect.Effect<A, Failure> => {
    const exit = read(result)
    return Exit.isFailure(exit)
      ? Effect.fail(invalid(method, "it is no task"))
      : exit.value.taskId !== taskId
      ? Effect.fail(invalid(method, "it is another task"))
      : Effect.succeed(exit.value)
  }
}

const readDetailed = reading(McpSchema.DetailedTask)

const readSession = reading(McpSchema.SessionTask)

/** A task in the words of 2026-07-28, whatever the server speaks. */
export const sessionTask = ({ pollInterval, ttl, ...task }: McpSchema.SessionTask): McpSchema.Task => ({
  ...task,
  ttlMs: ttl,
  ...pollInterval !== undefined && { pollIntervalMs: pollInterval }
})

type Seen = McpSchema.Task | McpSchema.DetailedTask

export const isSession = ({ client }: Pick<Followed, "client">): boolean => client.server().revision === "2025-11-25"

/** Asks how it is. */
export const look = (followed: Followed): Effect.Effect<Seen, Failure> =>
  Effect.suspend(() => {
    const { taskId } = followed
    const got = request(followed, "tasks/get")
    return isSession(followed)
      ? Effect.map(Effect.flatMap(got, (result) => readSession("tasks/get", taskId, result)), sessionTask)
      : Effect.flatMap(got, (result) => readDetailed("tasks/get", taskId, result))
  })

/** What it takes to be sure that nobody works for nothing; a server that does not answer is not waited for long. */
export const cancelQuietly = (followed: Followed): Effect.Effect<void> =>
  Effect.ignore(Effect.timeoutOption(cancel(followed), "1 second"))

/** What has ended is left as it is: 2025-11-25 says so with an error that unknown ids get, too. */
export const cancel = (followed: Followed): Effect.Effect<void, Failure> =>
  Effect.catchIf(Effect.asVoid(ask(followed, "tasks/cancel")), isUnknown, () => Effect.asVoid(look(followed)))

// ----------------------------------------------------------------------------
// as it becomes
// ----------------------------------------------------------------------------

/** News that a slow reader may be behind; then it misses the oldest. */
const maxBehind = 16

/**
 * Shows a task as it is and as it becomes, until its end, and gives that. A server that tells of it is looked at seldom,
 * another as often as it says.
 */
export const follow = Effect.fnUntraced(function*(
  followed: Followed,
  first: Seen | undefined,
  see: (task: Seen) => Effect.Effect<void, Failure>
) {
  const { pace } = followed
  /** Undefined to look at once. */
  const news = yield* Queue.sliding<Seen | undefined>(maxBehind)
  const hearing: Hearing = { isTold: false, news }
  if (pace.listens) {
    yield* Effect.forkScoped(isSession(followed) ? hear(followed, hearing) : listen(followed, hearing))
  }
  let task = first ?? (yield* look(followed))
  while (true) {
    yield* see(task)
    if (TaskSchema.isTerminal(task.status)) return task
    const interval = hearing.isTold ? pace.most : intervalOf(pace, task.pollIntervalMs)
    const told = yield* Effect.timeoutOption(Queue.take(news), Duration.millis(interval))
    const next = Option.getOrUndefined(told)
    if (next === undefined) task = yield* look(followed)
    // Two ways lead here, and what comes by the slower one may be old.
    else if (!isOlder(next, task)) task = next
  }
}, Effect.scoped)

interface Hearing {
  /** Whether it would be told of a change. */
  isTold: boolean
  readonly news: Queue.Queue<Seen | undefined>
}

const isOlder = (one: Seen, other: Seen): boolean => Date.parse(one.lastUpdatedAt) < Date.parse(other.lastUpdatedAt)

/** On a stream of its own, which is asked for again when it ends, unless the server tells nothing of tasks. */
const listen = Effect.fnUntraced(function*({ client, taskId }: Followed, hearing: Hearing) {
  for (let pause = 1000;; pause = Math.min(pause * 2, 30_000)) {
    const refused = yield* Deferred.make<void>()
    const onNotification = ({ method, params }: Notification) => {
      if (method === "notifications/subscriptions/acknowledged") {
        const honoured = readHonoured(params)
        hearing.isTold = Exit.isSuccess(honoured) && honoured.value.notifications.taskIds?.includes(taskId) === true
        if (!hearing.isTold) Deferred.doneUnsafe(refused, Exit.void)
      } else if (method === "notifications/tasks") {
        const task = readTold(params)
        if (Exit.isSuccess(task) && task.value.taskId === taskId) Queue.offerUnsafe(hearing.news, task.value)
      }
    }
    const ended = yield* client.request("subscriptions/listen", { notifications: { taskIds: [taskId] } }, {
      timeout: Duration.infinity,
      maxTimeout: Duration.infinity,
      raw: true,
      onNotification
    }).pipe(
      Effect.match({ onSuccess: () => true, onFailure: mayPass }),
      Effect.raceFirst(Effect.as(Deferred.await(refused), false))
    )
    if (hearing.isTold) Queue.offerUnsafe(hearing.news, undefined)
    hearing.isTold = false
    if (!ended) return
    yield* Effect.sleep(pause)
  }
})

const readTold = SchemaParser.decodeUnknownExit(McpSchema.DetailedTask)

const readHonoured = SchemaParser.decodeUnknownExit(Schema.Struct({
  notifications: Schema.Struct({ taskIds: Schema.optionalKey(McpSchema.TaskIds) })
}))

/** On the connection, where a server tells if it likes to. */
const hear = ({ client, taskId }: Followed, { news }: Hearing) =>
  Stream.runForEach(client.notifications, ({ method, params }) => {
    if (method !== "notifications/tasks/status") return Effect.void
    const task = readStatus(params)
    return Exit.isSuccess(task) && task.value.taskId === taskId
      ? Queue.offer(news, sessionTask(task.value))
      : Effect.void
  })

const readStatus = SchemaParser.decodeUnknownExit(McpSchema.SessionTask)

// ----------------------------------------------------------------------------
// its result
// ----------------------------------------------------------------------------

/** Waits for its end and gives what the call would have come to. The client's handlers answer what the task asks. */
export const result = (followed: Followed, first?: Seen): Effect.Effect<Result, Failure> =>
  Effect.suspend(() => isSession(followed) ? sessionResult(followed) : detailedResult(followed, first))

/** Questions of one task. */
const maxQuestions = 1000

const detailedResult = Effect.fnUntraced(function*(followed: Followed, first: Seen | undefined) {
  const { asked, taskId } = followed
  const questions = yield* FiberMap.make<string>()
  const failed = yield* Deferred.make<never, Failure>()
  const task = yield* Effect.raceFirst(
    follow(
      followed,
      // What it asks, and what came of it, is not in what a call is answered with.
      first?.status === "working" ? first : undefined,
      Effect.fnUntraced(function*(task) {
        const open = "inputRequests" in task ? task.inputRequests : {}
        // Somebody else has answered it, or nobody wants to know any more.
        for (const [key, asking] of questions) {
          if (!Object.hasOwn(open, key)) asking.interruptUnsafe()
        }
        for (const [key, question] of Object.entries(open)) {
          if (asked.has(key)) continue
          if (asked.size === maxQuestions) {
            return yield* McpClientError.make(
              new McpClientError.TooManyRounds({ method: "tools/call", limit: maxQuestions })
            )
          }
          asked.add(key)
          yield* FiberMap.run(
            questions,
            key,
            Effect.catch(answer(followed, key, question), (error) => Deferred.fail(failed, error))
          )
        }
      })
    ),
    Deferred.await(failed)
  )
  switch (task.status) {
    case "completed": {
      const { result } = task as Extract<McpSchema.DetailedTask, { readonly status: "completed" }>
      return yield* asCall("tasks/get", result as JsonObject)
    }
    case "failed": {
      const { error } = task as Extract<McpSchema.DetailedTask, { readonly status: "failed" }>
      return yield* McpError.fromObject(error as Parameters<typeof McpError.fromObject>[0])
    }
    default:
      return yield* cancelled(taskId, task.statusMessage)
  }
}, Effect.scoped)

/** One that was interrupted before it could answer may be asked again. */
const answer = (
  followed: Followed,
  key: string,
  { method, params = {} }: McpSchema.InputRequest
): Effect.Effect<unknown, Failure> =>
  followed.client.answer(method, params as JsonObject).pipe(
    Effect.mapError(({ message }) => McpClientError.make(new McpClientError.Unanswered({ key, method, message }))),
    Effect.flatMap((result) => request(followed, "tasks/update", { inputResponses: { [key]: result } })),
    Effect.onInterrupt(() => Effect.sync(() => followed.asked.delete(key)))
  )

const isCallResult = SchemaParser.is(McpSchema.CallToolResult)

/** What the call would have been answered with. */
export type Result = JsonObject & McpSchema.CallToolResult

export const asCall = (method: string, result: JsonObject): Effect.Effect<Result, Failure> =>
  (result.resultType === undefined || result.resultType === "complete") && isCallResult(result)
    ? Effect.succeed(result)
    : Effect.fail(invalid(method, "it is no result of tools/call"))

/** The server keeps it until the end, and asks meanwhile, on the connection. */
const sessionResult = (followed: Followed): Effect.Effect<Result, Failure> =>
  ask(followed, "tasks/result", {}, { timeout: Duration.infinity, maxTimeout: Duration.infinity }).pipe(
    Effect.flatMap((result) => asCall("tasks/result", result)),
    Effect.catchCause((cause) => explained(followed, cause))
  )

/** What the call failed with, and a task that is gone or was cancelled, can look alike; its status tells them apart. */
const explained = Effect.fnUntraced(function*(followed: Followed, cause: Cause.Cause<Failure>) {
  const error = cause.reasons.find(Cause.isFailReason)?.error
  const isTheirs = error?._tag === "McpError" || error === undefined && Cause.hasInterruptsOnly(cause)
  if (!isTheirs) return yield* Effect.failCause(cause)
  const task = yield* Effect.result(look(followed))
  if (task._tag === "Failure") {
    const isGone = task.failure._tag === "McpClientError" && task.failure.reason._tag === "TaskGone"
    return isGone ? yield* task.failure : yield* Effect.failCause(cause)
  }
  return task.success.status === "cancelled"
    ? yield* cancelled(followed.taskId, task.success.statusMessage)
    : yield* Effect.failCause(cause)
})
