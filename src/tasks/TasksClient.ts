/**
 * Tasks from the side of a client, in both forms. With the extension `callTool` hides them: a call that goes on as a task
 * is waited for, its questions are answered by the client's handlers, and whoever interrupts the call cancels the task.
 * `make` shows them, for programs that keep a task's id and come back.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as SchemaParser from "effect/SchemaParser"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Extension from "../client/Extension.ts"
import type * as McpClient from "../client/McpClient.ts"
import * as McpClientError from "../client/McpClientError.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as following from "./following.ts"
import * as receiving from "./receiving.ts"
import * as TaskSchema from "./TaskSchema.ts"

// ----------------------------------------------------------------------------
// models
// ----------------------------------------------------------------------------

/** How often a task is looked at. @category models @since 0.1.0 */
export interface Polling {
  /** However often the server says. 100 ms. */
  readonly minPollInterval?: Duration.Input
  /** However seldom the server says, and how often where it tells of changes by itself. 1 minute. */
  readonly maxPollInterval?: Duration.Input
  /** Whether to ask the server to tell of changes, so that nobody waits for the next look. True. */
  readonly listen?: boolean
}

/** How the client runs tasks for servers of 2025-11-25. @category models @since 0.1.0 */
export interface ReceiveOptions {
  /** How long one is kept where its server does not say. 10 minutes. */
  readonly ttl?: Duration.Input
  /** The most a server gets. 1 hour. */
  readonly maxTtl?: Duration.Input
  /** Tasks kept at one time, above which more are refused. 100. */
  readonly maxTasks?: number
}

/** @category models @since 0.1.0 */
export interface Options extends Polling {
  /**
   * Which calls are tasks where the client has to say so (2025-11-25): of tools that are called in no other way, or of all
   * that can be. It is the list of tools that says so, which is asked for where it was not yet. From 2026-07-28 the server
   * decides. `required`.
   */
  readonly calls?: "required" | "optional"
  /** How long servers of 2025-11-25 shall keep a task; they may have another mind. As they like when left out. */
  readonly ttl?: Duration.Input
  /** Hears of each task that a call has become, before it is waited for: keep its id to come back for it (`resume`). */
  readonly onCreated?: (task: McpSchema.Task, call: { readonly name: string }) => Effect.Effect<void>
  /** Samplings and elicitations that servers of 2025-11-25 want as tasks, or false for none. */
  readonly receive?: ReceiveOptions | false
}

/** A task in the words of 2026-07-28, whatever the server speaks. @category models @since 0.1.0 */
export type State = McpSchema.Task & {
  /** What it asks and has no answer to yet; from 2026-07-28. */
  readonly inputRequests?: { readonly [key: string]: McpSchema.InputRequest }
}

/** One task of a server. Nothing of it is kept here: it can be had again by its id. @category models @since 0.1.0 */
export interface Task {
  readonly id: string
  /** How it is now. */
  readonly get: Effect.Effect<State, McpClient.CallError>
  /** As it is and as it becomes, until its end. It answers no questions, and a slow reader misses the oldest. */
  readonly updates: Stream.Stream<State, McpClient.CallError>
  /**
   * Waits for its end, and gives what the call would have been answered with. The client's handlers answer what it asks
   * meanwhile. Who interrupts it only waits no longer; `cancel` ends the task.
   */
  readonly result: Effect.Effect<McpSchema.CallToolResult, McpClient.CallError>
  /** A task that has ended is left as it is. */
  readonly cancel: Effect.Effect<void, McpClient.CallError>
  /** Answers questions by hand, by their keys (2026-07-28). */
  readonly update: (answers: { readonly [key: string]: JsonObject }) => Effect.Effect<void, McpClient.CallError>
}

/** What a call has become. @category models @since 0.1.0 */
export type Created =
  | { readonly _tag: "Task"; readonly task: Task; readonly state: State }
  /** The server has answered at once. */
  | { readonly _tag: "Result"; readonly result: McpSchema.CallToolResult }

/** @category models @since 0.1.0 */
export interface CreateOptions extends Omit<McpClient.CallOptions, "refresh"> {
  /** How long a server of 2025-11-25 shall keep it; it may have another mind. As it likes when left out. */
  readonly ttl?: Duration.Input
}

/** The tasks of one server. @category models @since 0.1.0 */
export interface TasksClient {
  /** Calls a tool, as a task wherever the server has one for it, and waits for that alone. */
  readonly create: (
    name: string,
    args?: { readonly [name: string]: unknown },
    options?: CreateOptions
  ) => Effect.Effect<Created, McpClient.CallError>
  /** A task of before, by its id. Whether there is one the first request tells. */
  readonly resume: (taskId: string) => Task
  /** All tasks of the caller's that the server lists (2025-11-25). */
  readonly list: Effect.Effect<ReadonlyArray<State>, McpClient.CallError>
}

// ----------------------------------------------------------------------------
// the extension
// ----------------------------------------------------------------------------

/**
 * Declares to servers that this client knows tasks, and hides them from `callTool`:
 * `McpClient.layer({ extensions: [TasksClient.extension()] })`.
 *
 * **Details**
 *
 * - A call that is interrupted cancels its task, and waits for that for a second at most. So does one that fails since a
 *   question has no answer, or the server breaks the protocol. A connection that is lost cancels nothing.
 * - `CallOptions.maxTimeout` is for the task, too; without it a task may take as long as it is kept.
 * - A task that has failed is the error it has failed with; one that was cancelled, or is not there any more, is a
 *   `TaskCancelled` or a `TaskGone`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const extension = (options: Options = {}): Effect.Effect<Extension.Extension, never, Scope.Scope> =>
  Effect.map(receiving.make(options.receive ?? {}), (received) => {
    const pace = following.paceOf(options)
    const { calls = "required", onCreated } = options
    let attached: McpClient.Client | undefined

    const wait = (
      client: McpClient.Client,
      task: McpSchema.Task,
      call: JsonObject
    ): Effect.Effect<JsonObject, McpClient.CallError> => {
      const followed = following.make(client, pace, task.taskId)
      const result = following.result(followed, task)
      return Effect.onExit(
        onCreated === undefined ? result : Effect.andThen(onCreated(task, { name: String(call.name) }), result),
        (exit) => isAbandoned(exit) ? following.cancelQuietly(followed) : Effect.void
      )
    }

    return Extension.make({
      id: TaskSchema.extensionId,
      eras: ["Stateless"],
      capabilities: (version, own) => version === sessions ? received.capabilities(own) : {},
      requests: received.requests,
      wrapAnswer: (question, next) => question.version === sessions ? received.wrapAnswer(question, next) : next,
      mirroredName: (method, { taskId }) => method.startsWith("tasks/") ? String(taskId) : undefined,
      results: {
        task: (result, { method, params }) => {
          const read = readCreated(result)
          return attached === undefined || method !== "tools/call" || Exit.isFailure(read)
            ? Effect.fail(following.invalid(method, "it is no task"))
            : wait(attached, read.value, params)
        }
      },
      wrap: ({ method, params }, next) => {
        const client = attached
        if (client === undefined || method !== "tools/call" || params.task !== undefined || !hasSessionTasks(client)) {
          return next(params)
        }
        const asTask = Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(
            restore(next({ ...params, task: metadataOf(options) })),
            (result) => {
              const read = sessionTaskOf(result)
              if (read === undefined) return Effect.succeed(result)
              return Exit.isFailure(read)
                ? Effect.fail(following.invalid(method, "it is no task"))
                : restore(wait(client, following.sessionTask(read.value.task), params))
            }
          )
        )
        const chosen = Effect.suspend(() => {
          const support = supportOf(client, params.name)
          return support === "required" || support === "optional" && calls === "optional" ? asTask : next(params)
        })
        // Servers refuse a plain call of what has to be a task in many ways; the list says it in one.
        return supportOf(client, params.name) === undefined
          ? Effect.andThen(Effect.ignore(client.listTools({ refresh: true })), chosen)
          : chosen
      },
      attach: (client) =>
        Effect.sync(() => {
          attached = client
        })
    })
  })

/** The one revision of sessions that has tasks. */
const sessions = "2025-11-25"

/** Nobody will come back for it. */
const isAbandoned = (exit: Exit.Exit<unknown, McpClient.CallError>): boolean => {
  if (Exit.isSuccess(exit)) return false
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error
  if (failure === undefined) return true
  return failure._tag === "McpClientError" && abandoning.has(failure.reason._tag)
}

const abandoning: ReadonlySet<McpClientError.Reason["_tag"]> = new Set([
  "Unanswered",
  "InvalidResponse",
  "TooManyRounds"
])

const hasSessionTasks = (client: McpClient.Client): boolean => {
  const { capabilities, revision } = client.server()
  return revision === sessions && capabilities.tasks?.requests?.tools?.call !== undefined
}

/** Undefined for a tool that was not listed. */
const supportOf = (client: McpClient.Client, name: unknown): McpSchema.TaskSupport | undefined => {
  const tool = client.tool(String(name))
  return tool === undefined ? undefined : tool.execution?.taskSupport ?? "forbidden"
}

const metadataOf = ({ ttl }: { readonly ttl?: Duration.Input }): McpSchema.TaskMetadata =>
  ttl === undefined ? {} : { ttl: Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(ttl))) }

const readCreated = SchemaParser.decodeUnknownExit(McpSchema.CreateTaskResult)

const readSessionTask = SchemaParser.decodeUnknownExit(McpSchema.CreateSessionTaskResult)

/** Undefined for an answer to the call itself. */
const sessionTaskOf = (result: JsonObject) => result.task === undefined ? undefined : readSessionTask(result)

// ----------------------------------------------------------------------------
// the tasks of a server
// ----------------------------------------------------------------------------

/**
 * The tasks of a client's server. From 2026-07-28 the client must have the extension, or the server makes none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (client: McpClient.Client, options: Polling = {}): TasksClient => {
  const pace = following.paceOf(options)

  const supported = <A>(
    method: string,
    effect: Effect.Effect<A, McpClient.CallError>,
    form?: "Stateful" | "Stateless"
  ): Effect.Effect<A, McpClient.CallError> =>
    Effect.suspend(() => {
      const { capabilities, revision } = client.server()
      if (revision === sessions) {
        if (capabilities.tasks === undefined) return notSupported(method, "it has no tasks")
        return form === "Stateless" ? notSupported(method, "it asks on the connection") : effect
      }
      return revision === "2026-07-28" && form !== "Stateful"
        ? effect
        : notSupported(method, `its revision ${revision} has no such method`)
    })

  const resume = (taskId: string): Task => {
    const followed = following.make(client, pace, taskId)
    return {
      id: taskId,
      get: supported("tasks/get", Effect.map(following.look(followed), stateOf)),
      updates: Stream.callback<State, McpClient.CallError>((queue) => {
        let told: string | undefined
        return supported(
          "tasks/get",
          following.follow(followed, undefined, (task) =>
            Effect.sync(() => {
              const state = stateOf(task)
              const telling = JSON.stringify(state)
              if (telling !== told) Queue.offerUnsafe(queue, state)
              told = telling
            }))
        ).pipe(Effect.andThen(Effect.sync(() => Queue.endUnsafe(queue))))
      }, { bufferSize: maxBehind, strategy: "sliding" }),
      result: supported("tasks/get", following.result(followed)),
      cancel: supported("tasks/cancel", following.cancel(followed)),
      update: (inputResponses) =>
        supported(
          "tasks/update",
          Effect.asVoid(following.request(followed, "tasks/update", { inputResponses })),
          "Stateless"
        )
    }
  }

  const create: TasksClient["create"] = (name, args = {}, { ttl, ...callOptions } = {}) => {
    const params: JsonObject = { name, arguments: args as JsonObject }
    const call = (params: JsonObject) => client.request("tools/call", params, { ...callOptions, raw: true })
    const created = Effect.suspend(() => {
      if (!hasSessionTasks(client)) return call(params)
      const asTask = Effect.suspend(() => {
        const support = supportOf(client, name)
        return support === undefined || support === "forbidden"
          ? call(params)
          : call({ ...params, task: metadataOf({ ...ttl !== undefined && { ttl } }) })
      })
      return client.tool(name) === undefined ? Effect.andThen(client.listTools({ refresh: true }), asTask) : asTask
    })
    return Effect.flatMap(
      // What the tool wants mirrored may have changed since it was listed.
      Effect.catchIf(
        created,
        (error) => error._tag === "McpError" && error.reason._tag === "HeaderMismatch",
        () => Effect.andThen(client.listTools({ refresh: true }), created)
      ),
      (result): Effect.Effect<Created, McpClient.CallError> => {
        const session = following.isSession({ client }) ? sessionTaskOf(result) : undefined
        if (session === undefined && result.resultType !== "task") {
          return Effect.map(following.asCall("tools/call", result), (result) => ({ _tag: "Result", result }))
        }
        const read = session === undefined
          ? readCreated(result)
          : Exit.map(session, ({ task }) => following.sessionTask(task))
        return Exit.isFailure(read)
          ? Effect.fail(following.invalid("tools/call", "it is no task"))
          : Effect.succeed({ _tag: "Task", task: resume(read.value.taskId), state: stateOf(read.value) })
      }
    )
  }

  const list = Effect.suspend(() =>
    client.server().capabilities.tasks?.list === undefined
      ? notSupported("tasks/list", "it lists none")
      : pages(client)
  )

  return { create, resume, list: supported("tasks/list", list, "Stateful") }
}

/** States that a reader may be behind. */
const maxBehind = 16

const stateOf = (task: McpSchema.Task | McpSchema.DetailedTask): State => ({
  taskId: task.taskId,
  status: task.status,
  ...task.statusMessage !== undefined && { statusMessage: task.statusMessage },
  createdAt: task.createdAt,
  lastUpdatedAt: task.lastUpdatedAt,
  ttlMs: task.ttlMs,
  ...task.pollIntervalMs !== undefined && { pollIntervalMs: task.pollIntervalMs },
  ..."inputRequests" in task && { inputRequests: task.inputRequests }
})

const readPage = SchemaParser.decodeUnknownExit(McpSchema.ListSessionTasksResult)

const maxPages = 1000

const pages = Effect.fnUntraced(function*(client: McpClient.Client) {
  const states: Array<State> = []
  const seen = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < maxPages; page++) {
    const result: JsonObject = yield* client.request("tasks/list", cursor === undefined ? {} : { cursor }, {
      idempotent: true
    })
    const read = readPage(result)
    if (Exit.isFailure(read)) return yield* following.invalid("tasks/list", "it is no list of tasks")
    for (const task of read.value.tasks) states.push(following.sessionTask(task))
    cursor = read.value.nextCursor
    if (cursor === undefined) return states
    if (seen.has(cursor)) return yield* endless(`the cursor ${JSON.stringify(cursor)} comes again`)
    seen.add(cursor)
  }
  return yield* endless(`it has more than ${maxPages} pages`)
})

const endless = (message: string) =>
  McpClientError.make(new McpClientError.EndlessList({ method: "tasks/list", message }))

const notSupported = (method: string, message: string) =>
  Effect.fail(McpClientError.make(new McpClientError.NotSupported({ method, message })))
