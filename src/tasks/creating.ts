/** How a call becomes a task, and how a task is found again. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as SchemaParser from "effect/SchemaParser"
import * as Background from "../context/Background.ts"
import * as Identity from "../context/Identity.ts"
import type * as RequestContext from "../context/RequestContext.ts"
import * as Budget from "../core/Budget.ts"
import * as Outcome from "../core/Outcome.ts"
import type * as Tool from "../definition/Tool.ts"
import type * as Docket from "../docket/Docket.ts"
import type * as DocketError from "../docket/DocketError.ts"
import type * as DocketRecords from "../docket/DocketRecords.ts"
import type * as Execution from "../docket/Execution.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import type * as Extension from "../server/Extension.ts"
import * as legs from "./legs.ts"
import type * as McpTasks from "./McpTasks.ts"
import * as taskRecord from "./taskRecord.ts"
import * as TaskSchema from "./TaskSchema.ts"

type Request = RequestContext.RequestContext["Service"]

/** A task of the caller's, as it is. */
export interface Found {
  readonly id: string
  readonly execution: Execution.Execution
  readonly view: taskRecord.View
}

export interface Server {
  readonly docket: Docket.Docket["Service"]
  /** Before the first request. */
  readonly attach: (host: Extension.Host, name: string, fork: Fork) => legs.Task
  readonly host: () => Extension.Host
  readonly create: (call: Create) => Effect.Effect<taskRecord.View, McpError.McpError>
  /** Fails for what there is not, is somebody else's or has expired: nobody is told which. */
  readonly find: (taskId: string) => Effect.Effect<Found, McpError.McpError>
  /** The docket's id of a task of the caller's, if there is one. */
  readonly idOf: (taskId: string) => Effect.Effect<string>
  /** Undefined for one that has expired, or cannot be read. */
  readonly view: (
    taskId: string,
    execution: Execution.Execution
  ) => Effect.Effect<taskRecord.View | undefined, McpError.McpError>
  readonly taskIdOf: (execution: Execution.Execution) => string
  readonly list: (
    owner: string,
    cursor: string | undefined,
    limit: number
  ) => Effect.Effect<
    { readonly executions: ReadonlyArray<Execution.Execution>; readonly cursor: string | undefined },
    McpError.McpError
  >
  /** It has ended, and does not count any more. */
  readonly release: (call: Pick<taskRecord.Call, "identity" | "taskId">) => Effect.Effect<void>
}

/** Runs beside the requests, until the server ends. */
export type Fork = (effect: Effect.Effect<void>) => void

interface Create {
  readonly request: Request
  readonly tool: Tool.Any
  readonly params: McpSchema.CallToolParams
  readonly ttl: number | undefined
  readonly recorded: Pick<Extension.Record, "answers" | "steps">
}

/** What the docket says, to a client. */
export const ofDocket = (error: DocketError.DocketError): Effect.Effect<never, McpError.McpError> => {
  const { reason } = error
  switch (reason._tag) {
    case "Unavailable":
    case "Full":
      return Effect.andThen(
        Effect.logWarning("Tasks cannot be kept or looked up.", error),
        Effect.fail(McpError.make(new McpError.Overloaded({ message: "The server cannot keep or look up tasks now." })))
      )
    case "PayloadTooLarge":
    case "DataTooLarge":
      return Effect.fail(McpError.invalidParams(
        `The call has ${reason.bytes} bytes, and a task keeps ${reason.maximum} at most.`
      ))
    default:
      return Effect.andThen(
        Effect.logError("A task cannot be kept or read.", error),
        Effect.fail(McpError.make(new McpError.InternalError({})))
      )
  }
}

export const unknown = McpError.invalidParams("There is no such task; it may have expired.")

/** Kept by the docket for a while longer, so that clocks that differ let nobody lose a task early. */
const graceMillis = 60_000

export const make = (
  docket: Docket.Docket["Service"],
  records: DocketRecords.DocketRecords["Service"],
  options: McpTasks.Options
): Server => {
  const defaultTtl = Duration.toMillis(Duration.fromInputUnsafe(options.ttl ?? "1 hour"))
  const maxTtl = Duration.toMillis(Duration.fromInputUnsafe(options.maxTtl ?? "1 day"))
  const pollInterval = Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(options.pollInterval ?? "1 second")))
  const { claims = [], maxUnfinished = 1000 } = options
  let attached: { readonly host: Extension.Host; readonly task: legs.Task; readonly fork: Fork } | undefined

  const slotOf = (owner: string) => `${attached!.task.name} ${owner}`

  const ttlOf = (wanted: number | undefined): number | null => {
    const ttl = Math.min(wanted ?? defaultTtl, maxTtl)
    return ttl === Infinity ? null : Math.ceil(ttl)
  }

  /**
   * Of a call that is over before it is answered nobody has the id, and nobody could end the task. What stops it once the
   * task is added is seen at the end of its fiber: nothing lies between that and its answer.
   */
  const unlessAnswered = <A, E>(add: Effect.Effect<A, E>, undo: Effect.Effect<void>): Effect.Effect<A, E> =>
    Effect.withFiber((fiber) => {
      let isUndone = false
      const once = Effect.suspend(() => {
        if (isUndone) return Effect.void
        isUndone = true
        return undo
      })
      fiber.addObserver((exit) => {
        if (Exit.isFailure(exit)) attached!.fork(once)
      })
      return Effect.onError(Effect.uninterruptible(add), () => once)
    })

  const create = Effect.fnUntraced(function*({ params, recorded, request, tool, ttl: wanted }: Create) {
    const { task } = attached!
    const identity = yield* Identity.CurrentIdentity
    const owner = taskRecord.ownerOf(identity)
    const taskId = yield* records.newId
    const now = yield* Clock.currentTimeMillis
    const ttl = ttlOf(wanted)
    const { progressToken, ...meta } = request.meta
    const data: taskRecord.Data = {
      createdAt: now,
      updatedAt: now,
      ttl,
      pollInterval,
      ...JsonRpc.isId(progressToken) && { progressToken },
      open: {},
      answers: taskRecord.toJson(recorded.answers) as taskRecord.Data["answers"],
      steps: recorded.steps as taskRecord.Data["steps"],
      begun: []
    }
    const call: taskRecord.Call = {
      taskId,
      tool: params.name,
      ...params.arguments !== undefined && { arguments: taskRecord.toJson(params.arguments) },
      revision: request.revision.version,
      client: {
        ...request.client.info !== undefined && { info: request.client.info },
        capabilities: request.client.capabilities
      },
      meta: taskRecord.toJson(meta),
      identity: taskRecord.snapshotOf(identity, claims),
      recovery: tool.task!.recovery,
      ...taskRecord.budgetOf(yield* Budget.remaining, (yield* Budget.CurrentBudget).budget.priority)
    }
    const expiry = ttl === null ? undefined : now + ttl
    const slot = { key: slotOf(owner), holder: taskId }
    const busy = yield* records.store.acquire({
      ...slot,
      limit: maxUnfinished,
      lifeMillis: (ttl ?? year) + graceMillis
    })
    if (busy !== undefined) return yield* McpError.make(new McpError.RateLimited({ retryAfter: pollInterval }))
    const key = taskRecord.keyOf(owner, taskId)
    yield* unlessAnswered(
      docket.add(task, call, {
        key,
        owner,
        data,
        ...expiry !== undefined && { keepUntil: new Date(expiry + graceMillis) }
      }),
      Effect.andThen(
        Effect.ignore(docket.cancel(`${task.name}:${key}`, "Its call was over before it was answered.")),
        Effect.ignore(records.store.release(slot))
      )
    )
    return taskRecord.viewOf(taskId, fresh, data, undefined)
  }, Effect.catchTag("DocketError", ofDocket))

  const idOf = (taskId: string): Effect.Effect<string> =>
    Effect.map(
      Identity.CurrentIdentity,
      (identity) => `${attached!.task.name}:${taskRecord.keyOf(taskRecord.ownerOf(identity), taskId)}`
    )

  const view = Effect.fnUntraced(function*(taskId: string, execution: Execution.Execution) {
    const data = yield* taskRecord.readData(yield* docket.data(execution))
    if (data === undefined || (yield* Clock.currentTimeMillis) >= taskRecord.expiryOf(data)) return undefined
    const outcome = execution.status === "Succeeded" ? yield* docket.outcome(attached!.task, execution) : undefined
    return taskRecord.viewOf(taskId, execution, data, outcome)
  }, Effect.catchTag("DocketError", ofDocket))

  const find = Effect.fnUntraced(function*(taskId: string) {
    // What cannot be an id is looked up all the same: it takes as long.
    const id = yield* idOf(taskRecord.isTaskId(taskId) ? taskId : "none")
    const execution = yield* Effect.catchTag(docket.get(id), "DocketError", ofDocket)
    const seen = execution === undefined ? undefined : yield* view(taskId, execution)
    return execution === undefined || seen === undefined ? yield* unknown : { id, execution, view: seen }
  })

  return {
    docket,
    attach: (host, name, fork) => {
      attached = { host, task: legs.taskOf(name), fork }
      return attached.task
    },
    host: () => attached!.host,
    create,
    find,
    idOf,
    view,
    taskIdOf: ({ id }) => id.slice(id.lastIndexOf("/") + 1),
    list: (owner, cursor, limit) =>
      Effect.catchTag(docket.list({ owner, task: attached!.task.name, cursor, limit }), "DocketError", ofDocket),
    release: ({ identity, taskId }) =>
      Effect.ignore(records.store.release({
        key: slotOf(taskRecord.ownerOf(taskRecord.identityOf(identity))),
        holder: taskId
      }))
  }
}

const year = 365 * 24 * 3_600_000

/** What of an execution a new task is seen by. */
const fresh: Execution.Execution = {
  id: "",
  task: "",
  payload: "",
  priority: 0,
  status: "Scheduled",
  generation: 1,
  createdAt: 0,
  dueAt: 0,
  attempt: 0,
  lapses: 0
}

// ----------------------------------------------------------------------------
// calls
// ----------------------------------------------------------------------------

const decodeMetadata = SchemaParser.decodeUnknownExit(McpSchema.TaskMetadata)

/** As both revisions of the schema say it of a method that is not there for this tool. */
const notThisWay = (message: string) => McpError.make(new McpError.Other({ code: -32601, message }))

/** Decides whether a call of a client is answered, or goes on as a task. */
export const wrap = (server: Server): NonNullable<Extension.Options<never>["wrap"]> => (request, next) => {
  const { context, tool } = request
  const params = request.params as McpSchema.CallToolAsTaskParams
  if (tool === undefined) return next
  const task = tool.task
  if (context.taskId !== undefined) return next
  if (context.revision.era === "Stateless") {
    if (task === undefined) return next
    if (TaskSchema.isDeclared(context.client.capabilities)) {
      return task.start === "handler"
        ? entering(server, context, tool, params, next)
        : Effect.map(
          server.create({ request: context, tool, params, ttl: undefined, recorded: nothing }),
          created
        )
    }
    return task.support === "required" ? Effect.fail(missing(tool.name)) : next
  }
  if (params.task === undefined) {
    return task?.support === "required"
      ? Effect.fail(notThisWay(`${tool.name} is called as a task only.`))
      : next
  }
  if (task === undefined) return Effect.fail(notThisWay(`${tool.name} cannot be called as a task.`))
  const metadata = decodeMetadata(params.task)
  if (Exit.isFailure(metadata)) {
    return Effect.fail(McpError.invalidParams("params.task is malformed: its ttl is a whole number of at least 0."))
  }
  return Effect.map(
    server.create({ request: context, tool, params, ttl: metadata.value.ttl, recorded: nothing }),
    (view) => ({ task: taskRecord.sessionTask(view) })
  )
}

const nothing: Create["recorded"] = { answers: {}, steps: {} }

const created = (view: taskRecord.View): McpSchema.CreateTaskResult => ({
  resultType: "task",
  ...taskRecord.task(view)
})

export const missing = (what: string): McpError.McpError =>
  McpError.make(
    new McpError.MissingCapability({
      message: `${what} needs a client with the extension ${TaskSchema.extensionId}`,
      required: TaskSchema.required
    })
  )

/** Answered like any call, until its handler enters the background: then it is ended, and the rest is a task. */
const entering = (
  server: Server,
  request: Request,
  tool: Tool.Any,
  params: McpSchema.CallToolParams,
  next: Effect.Effect<object, McpError.McpError>
): Effect.Effect<object, McpError.McpError> =>
  Effect.gen(function*() {
    const over = yield* Deferred.make<Over>()
    const entry = Effect.andThen(
      Effect.flatMap(server.host().recorded(request), (recorded) => Deferred.succeed(over, { recorded })),
      Effect.never
    )
    const fiber = yield* Effect.forkChild(
      Effect.onExit(
        Effect.provideService(next, Background.Entry, entry),
        (exit) => Deferred.succeed(over, { exit })
      ),
      { startImmediately: true }
    )
    const { exit, recorded } = yield* Effect.onInterrupt(Deferred.await(over), () => Fiber.interrupt(fiber))
    if (recorded === undefined) return yield* exit!
    // Its finalizers are through before the task can start.
    yield* Outcome.interrupt(fiber, "ParentCancelled")
    return created(yield* server.create({ request, tool, params, ttl: undefined, recorded }))
  })

/** Where a call that may enter the background has come to. */
interface Over {
  readonly exit?: Exit.Exit<object, McpError.McpError>
  readonly recorded?: Create["recorded"]
}
