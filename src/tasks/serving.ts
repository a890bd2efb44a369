/** The methods of tasks, in both forms. */
import * as Effect from "effect/Effect"
import * as Identity from "../context/Identity.ts"
import * as RequestContext from "../context/RequestContext.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import type * as Extension from "../server/Extension.ts"
import * as answering from "./answering.ts"
import * as creating from "./creating.ts"
import type * as McpTasks from "./McpTasks.ts"
import * as taskRecord from "./taskRecord.ts"
import * as TaskSchema from "./TaskSchema.ts"
import * as watching from "./watching.ts"

type Method = Extension.Method<RequestContext.RequestContext>

/** The one revision of sessions that has tasks. */
const sessions = "2025-11-25"

/** A method whose client may use it: with the extension in one era, in the one revision of the other that has it. */
const guarded = <A, B extends object, R>(
  method: string,
  handle: (
    params: A,
    request: RequestContext.RequestContext["Service"]
  ) => Effect.Effect<B, McpError.McpError, R>
) =>
(params: A): Effect.Effect<B, McpError.McpError, R | RequestContext.RequestContext> =>
  Effect.flatMap(
    RequestContext.RequestContext,
    (request): Effect.Effect<B, McpError.McpError, R> =>
      request.revision.era === "Stateless"
        ? TaskSchema.isDeclared(request.client.capabilities)
          ? handle(params, request)
          : Effect.fail(creating.missing(method))
        : request.revision.version === sessions
        ? handle(params, request)
        : Effect.fail(McpError.methodNotFound(method))
  )

const mirroredName = ({ taskId }: JsonRpc.JsonObject) => typeof taskId === "string" ? taskId : undefined

export const make = (server: creating.Server, options: McpTasks.Options): { readonly [method: string]: Method } => ({
  "tasks/get": {
    params: McpSchema.TaskIdParams,
    mirroredName,
    handle: guarded(
      "tasks/get",
      ({ taskId }: McpSchema.TaskIdParams, { revision }) =>
        Effect.map(server.find(taskId), ({ view }): object =>
          revision.era === "Stateless"
            ? watching.detailed(view, revision)
            : taskRecord.sessionTask(view))
    )
  },
  "tasks/cancel": {
    params: McpSchema.TaskIdParams,
    mirroredName,
    handle: guarded(
      "tasks/cancel",
      ({ taskId }: McpSchema.TaskIdParams, { revision }) => cancel(server, taskId, revision)
    )
  },
  "tasks/update": {
    eras: ["Stateless"],
    params: McpSchema.UpdateTaskParams,
    mirroredName,
    handle: guarded("tasks/update", (params: McpSchema.UpdateTaskParams) => update(server, params))
  },
  "tasks/result": {
    eras: ["Stateful"],
    params: McpSchema.TaskIdParams,
    isOpenEnded: true,
    handle: guarded(
      "tasks/result",
      ({ taskId }: McpSchema.TaskIdParams, request) => watching.result(server, taskId, request)
    )
  },
  ...options.list !== undefined && {
    "tasks/list": {
      eras: ["Stateful"] as const,
      params: McpSchema.ListParams,
      handle: guarded("tasks/list", ({ cursor }: typeof McpSchema.ListParams.Type) => list(server, options, cursor))
    }
  }
})

const cancel = Effect.fnUntraced(function*(
  server: creating.Server,
  taskId: string,
  { era }: RequestContext.RequestContext["Service"]["revision"]
) {
  const { id, view } = yield* server.find(taskId)
  const identity = yield* Identity.CurrentIdentity
  const ended = McpError.invalidParams(`The task has ended already: it is ${view.status}.`)
  const isOver = TaskSchema.isTerminal(view.status)
  if (era === "Stateless" && isOver) return {}
  if (isOver) return yield* ended
  // What has ended in between is as good as what had.
  const reason = "Its client has cancelled it."
  const isCancelled = yield* Effect.catch(
    server.docket.cancel(id, reason),
    (error) => error.reason._tag === "NotFound" ? Effect.succeed(false) : creating.ofDocket(error)
  )
  if (isCancelled) yield* server.release({ taskId, identity: taskRecord.snapshotOf(identity, []) })
  if (era === "Stateless") return {}
  const now = yield* server.find(taskId)
  return now.view.status === "cancelled" ? taskRecord.sessionTask(now.view) : yield* ended
})

/** Answers that nobody asked for, or that came before, are passed over. */
const update = Effect.fnUntraced(function*(
  server: creating.Server,
  { inputResponses, taskId }: McpSchema.UpdateTaskParams
) {
  const { id } = yield* server.find(taskId)
  const malformed = Object.keys(inputResponses).find((key) => !isObject(inputResponses[key]))
  if (malformed !== undefined) {
    return yield* McpError.invalidParams(`inputResponses has ${JSON.stringify(malformed)}, which is no result.`)
  }
  yield* answering.answer(
    server,
    id,
    Object.fromEntries(
      Object.entries(inputResponses).map(([key, result]) => [key, { result: result as JsonRpc.Json }])
    )
  )
  return {}
})

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * The caller's tasks, newest first. A cursor is the last task of the page before it: the docket's own would tell how many
 * tasks others have made since.
 */
const list = Effect.fnUntraced(function*(
  server: creating.Server,
  { list: who, pageSize = 100 }: McpTasks.Options,
  cursor: string | undefined
) {
  const identity = yield* Identity.CurrentIdentity
  if (who === "identified" && !Identity.isAuthenticated(identity)) return yield* McpError.methodNotFound("tasks/list")
  const owner = taskRecord.ownerOf(identity)
  const tasks: Array<McpSchema.SessionTask> = []
  let isAfter = cursor === undefined
  let position: string | undefined
  do {
    const page = yield* server.list(owner, position, pageSize + 1)
    for (const execution of page.executions) {
      const taskId = server.taskIdOf(execution)
      if (isAfter) {
        if (tasks.length === pageSize) return { tasks, nextCursor: tasks.at(-1)!.taskId }
        const view = yield* server.view(taskId, execution)
        if (view !== undefined) tasks.push(taskRecord.sessionTask(view))
      } else isAfter = taskId === cursor
    }
    position = page.cursor
  } while (position !== undefined)
  if (!isAfter) {
    return yield* McpError.invalidParams(
      "The cursor is not one this server gave out, or its task has expired; list again from the start."
    )
  }
  return { tasks }
})
