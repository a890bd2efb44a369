/** Who waits for a task: `tasks/result` of 2025-11-25, and the listeners of 2026-07-28. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Ask from "../context/Ask.ts"
import type * as AskError from "../context/AskError.ts"
import * as RequestContext from "../context/RequestContext.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import type * as Revision from "../protocol/Revision.ts"
import type * as Extension from "../server/Extension.ts"
import * as answering from "./answering.ts"
import * as creating from "./creating.ts"
import * as taskRecord from "./taskRecord.ts"
import * as TaskSchema from "./TaskSchema.ts"

export const detailed = (view: taskRecord.View, revision: Revision.Revision): McpSchema.DetailedTask =>
  taskRecord.detailedTask(view, (method, params) => revision.inputRequests[method]!.project(params))

/** As it is and as it becomes, until its end; each state once. Ends early when it expires. */
const views = (
  server: creating.Server,
  taskId: string,
  id: string
): Stream.Stream<taskRecord.View, McpError.McpError> =>
  server.docket.observe(id).pipe(
    Stream.catch((error) =>
      error.reason._tag === "NotFound" ? Stream.empty : Stream.fromEffect(creating.ofDocket(error))
    ),
    Stream.mapEffect((execution) => server.view(taskId, execution)),
    Stream.takeWhile((view) => view !== undefined),
    Stream.takeUntil(({ status }) => TaskSchema.isTerminal(status))
  )

// ----------------------------------------------------------------------------
// 2025-11-25
// ----------------------------------------------------------------------------

/**
 * Waits for the end of a task, for as long as that takes, and gives what its call would have been answered with.
 * Meanwhile the client hears of its status, and is asked what the task asks.
 */
export const result = Effect.fnUntraced(function*(
  server: creating.Server,
  taskId: string,
  request: RequestContext.RequestContext["Service"]
) {
  const { id, view: first } = yield* server.find(taskId)
  const questions = yield* FiberMap.make<string>()
  let told: string | undefined
  let reported = -Infinity
  const follow = Stream.runLast(Stream.tap(views(server, taskId, id), (view) =>
    Effect.gen(function*() {
      const { progress } = view
      if (first.data.progressToken !== undefined && progress !== undefined && progress.current > reported) {
        reported = progress.current
        yield* request.notify("notifications/progress", {
          progressToken: first.data.progressToken,
          progress: progress.current,
          ...progress.total !== undefined && { total: progress.total },
          ...progress.message !== undefined && { message: progress.message },
          _meta: belongingTo(taskId)
        })
      }
      const task = taskRecord.sessionTask(view)
      const isNew = told !== undefined && told !== task.status
      told = task.status
      if (isNew) yield* request.notify("notifications/tasks/status", { ...task })
      // What somebody else has answered is not to be asked any longer.
      for (const [key] of questions) {
        if (view.status !== "input_required" || !Object.hasOwn(view.data.open, key)) {
          yield* FiberMap.remove(questions, key)
        }
      }
      if (view.status !== "input_required") {
        return
      }
      for (const [key, question] of Object.entries(view.data.open)) {
        yield* FiberMap.run(questions, key, ask(server, { id, taskId, key, question, request }), {
          onlyIfMissing: true
        })
      }
    })))
  const last = yield* within(first, follow)
  if (last._tag === "None" || !TaskSchema.isTerminal(last.value.status)) return yield* creating.unknown
  const { outcome } = last.value
  if (outcome === undefined) return yield* McpError.make(new McpError.Cancelled({ reason: "User" }))
  if ("error" in outcome) return yield* McpError.make(new McpError.Other(outcome.error))
  const projected = request.revision.requests["tools/call"]!.project(outcome.result, projection(server))
  return { ...projected, _meta: { ...outcome.result._meta as object | undefined, ...belongingTo(taskId) } }
}, Effect.scoped)

/** Until the task has expired, whoever is there to end it then. */
const within = <A, E>({ data }: taskRecord.View, effect: Effect.Effect<Option.Option<A>, E>) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const rest = taskRecord.expiryOf(data) - now
    return rest > longest ? effect : Effect.timeoutOrElse(effect, {
      duration: rest,
      orElse: () => Effect.succeed(Option.none<A>())
    })
  })

/** Of a timer: 24 days. */
const longest = 2 ** 31 - 1

const projection = (server: creating.Server): Revision.Projection => ({
  serverInfo: server.host().serverInfo,
  cacheHints: { ttlMs: 0, cacheScope: "private" }
})

const belongingTo = (taskId: string) => ({ [Meta.relatedTask]: { taskId } })

/** A question that gets no answer here stays open, for whoever waits for the task next. */
const ask = (server: creating.Server, { id, key, question, request, taskId }: {
  readonly id: string
  readonly taskId: string
  readonly key: string
  readonly question: Extension.RecordedQuestion
  readonly request: RequestContext.RequestContext["Service"]
}): Effect.Effect<void, McpError.McpError> => {
  const raw: Ask.Question<unknown> = {
    method: question.method,
    params: { ...question.params, _meta: { ...question.params._meta as object | undefined, ...belongingTo(taskId) } },
    requires: {},
    decode: (_key, result) => Exit.succeed(result)
  }
  return Effect.matchCauseEffect(request.ask({ [key]: raw }), {
    onSuccess: (answers) => answering.answer(server, id, { [key]: { result: answers[key] as JsonRpc.Json } }),
    onFailure: (cause) => {
      const refused = refusalOf(cause)
      return refused === undefined ? Effect.void : answering.answer(server, id, { [key]: { error: refused } })
    }
  })
}

/** What the client itself has said; not that nobody has. */
const refusalOf = (cause: Cause.Cause<AskError.AskError>): JsonRpc.ErrorObject | undefined => {
  const reason = cause.reasons.find(Cause.isFailReason)?.error.reason
  switch (reason?._tag) {
    case "Refused":
      return { code: reason.code, message: reason.text }
    case "Declined":
      return { code: -1, message: reason.message }
    default:
      return undefined
  }
}

// ----------------------------------------------------------------------------
// 2026-07-28
// ----------------------------------------------------------------------------

/** Tasks one stream watches at once. */
const maxWatched = 1000

/** Those of the caller's; of the others nothing is said. Each is told as it is, and with each change of its status. */
export const listen = (
  server: creating.Server
): Extension.ListenFilter<RequestContext.RequestContext | Scope.Scope>["listen"] =>
  Effect.fnUntraced(function*(taskIds: ReadonlyArray<string>, emit) {
    const { client, revision } = yield* RequestContext.RequestContext
    if (!TaskSchema.isDeclared(client.capabilities)) return yield* creating.missing("notifications.taskIds")
    const wanted = [...new Set(taskIds)]
    if (wanted.length > maxWatched) {
      return yield* McpError.invalidParams(`A stream watches ${maxWatched} tasks at most; open another for more.`)
    }
    const found = yield* Effect.forEach(wanted, (taskId) =>
      Effect.map(
        Effect.result(server.find(taskId)),
        (found) => ({ taskId, found })
      ), { concurrency: 8 })
    const honoured: Array<string> = []
    for (const { found: looked, taskId } of found) {
      if (looked._tag === "Failure") {
        if (looked.failure !== creating.unknown) return yield* looked.failure
        continue
      }
      honoured.push(taskId)
      let told: string | undefined
      yield* Effect.forkScoped(Effect.ignore(Stream.runForEach(views(server, taskId, looked.success.id), (view) => {
        const isNew = told !== telling(view)
        told = telling(view)
        return isNew
          ? emit("notifications/tasks", taskRecord.toJson(detailed(view, revision)))
          : Effect.void
      })))
    }
    return honoured
  })

/** What a listener wants to know: the status, and which questions are open. */
const telling = ({ data, message, status }: taskRecord.View): string =>
  JSON.stringify([status, message ?? null, Object.keys(data.open)])
