/** Tasks that a client runs for servers of 2025-11-25: questions whose answer they come back for. In memory. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SchemaParser from "effect/SchemaParser"
import type * as Scope from "effect/Scope"
import type * as Extension from "../client/Extension.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import * as TaskSchema from "./TaskSchema.ts"
import type * as TasksClient from "./TasksClient.ts"

export interface Receiving {
  readonly capabilities: (own: McpSchema.ClientCapabilities) => McpSchema.ClientCapabilities
  readonly requests: NonNullable<Extension.Options["requests"]>
  readonly wrapAnswer: NonNullable<Extension.Options["wrapAnswer"]>
}

interface Kept {
  task: McpSchema.SessionTask
  readonly outcome: Deferred.Deferred<JsonObject, McpError.McpError>
}

/** Methods whose answer may be a task. */
const askable: ReadonlySet<string> = new Set(["sampling/createMessage", "elicitation/create"])

const nothing: Receiving = { capabilities: () => ({}), requests: {}, wrapAnswer: (_, next) => next }

/** How often servers are asked to look. */
const pollInterval = 1000

export const make = (
  options: TasksClient.ReceiveOptions | false
): Effect.Effect<Receiving, never, Scope.Scope> => options === false ? Effect.succeed(nothing) : open(options)

const open = Effect.fnUntraced(function*(options: TasksClient.ReceiveOptions) {
  const { maxTasks = 100 } = options
  const maxTtl = Duration.toMillis(Duration.fromInputUnsafe(options.maxTtl ?? "1 hour"))
  const defaultTtl = Duration.toMillis(Duration.fromInputUnsafe(options.ttl ?? "10 minutes"))
  const { randomBytes } = yield* random
  const kept = new Map<string, Kept>()
  const works = yield* FiberMap.make<string>()
  const lives = yield* FiberMap.make<string>()

  const become = (self: Kept, now: number, status: McpSchema.TaskStatus, statusMessage?: string) => {
    const { statusMessage: _, ...task } = self.task
    self.task = {
      ...task,
      status,
      ...statusMessage !== undefined && { statusMessage },
      lastUpdatedAt: new Date(now).toISOString()
    }
  }

  const end = Effect.fnUntraced(function*(self: Kept, exit: Exit.Exit<JsonObject, McpError.McpError>) {
    const now = yield* Clock.currentTimeMillis
    if (Exit.isSuccess(exit)) {
      become(self, now, "completed")
      Deferred.doneUnsafe(self.outcome, exit)
      return
    }
    const error = exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error ??
      McpError.make(new McpError.InternalError({}))
    become(self, now, "failed", error.message)
    Deferred.doneUnsafe(self.outcome, Exit.fail(error))
  })

  /** A handler that takes its time to stop keeps nobody waiting. */
  const stop = (taskId: string) => Option.getOrUndefined(FiberMap.getUnsafe(works, taskId))?.interruptUnsafe()

  const expire = (self: Kept) => {
    const { taskId } = self.task
    kept.delete(taskId)
    Deferred.doneUnsafe(self.outcome, Exit.fail(unknown))
    stop(taskId)
  }

  const create = Effect.fnUntraced(function*(params: JsonObject, answer: Effect.Effect<JsonObject, McpError.McpError>) {
    const metadata = readMetadata(params.task)
    if (Exit.isFailure(metadata)) {
      return yield* McpError.invalidParams("params.task is malformed: its ttl is a whole number of at least 0.")
    }
    if (kept.size >= maxTasks) {
      return yield* McpError.make(new McpError.Overloaded({ message: "This client runs as many tasks as it can." }))
    }
    const taskId = yield* Effect.map(Effect.orDie(randomBytes(16)), Hex.encode)
    const now = yield* Clock.currentTimeMillis
    const createdAt = new Date(now).toISOString()
    const ttl = Math.ceil(Math.min(metadata.value.ttl ?? defaultTtl, maxTtl))
    const self: Kept = {
      task: { taskId, status: "working", createdAt, lastUpdatedAt: createdAt, ttl, pollInterval },
      outcome: Deferred.makeUnsafe()
    }
    const { task } = self
    kept.set(taskId, self)
    yield* FiberMap.run(
      lives,
      taskId,
      Effect.andThen(Effect.sleep(Duration.millis(ttl)), Effect.sync(() => expire(self)))
    )
    yield* FiberMap.run(works, taskId, Effect.flatMap(Effect.exit(answer), (exit) => end(self, exit)))
    return asJson({ task })
  })

  const find = ({ taskId }: McpSchema.TaskIdParams): Effect.Effect<Kept, McpError.McpError> =>
    Effect.suspend(() => {
      const self = kept.get(taskId)
      return self === undefined ? Effect.fail(unknown) : Effect.succeed(self)
    })

  const result = Effect.fnUntraced(function*(params: McpSchema.TaskIdParams) {
    const self = yield* find(params)
    const answer = yield* Deferred.await(self.outcome)
    return { ...answer, _meta: { ...answer._meta as JsonObject | undefined, [Meta.relatedTask]: { ...params } } }
  })

  const cancel = Effect.fnUntraced(function*(params: McpSchema.TaskIdParams) {
    const self = yield* find(params)
    const { status } = self.task
    if (TaskSchema.isTerminal(status)) {
      return yield* McpError.invalidParams(`The task has ended already: it is ${status}.`)
    }
    become(self, yield* Clock.currentTimeMillis, "cancelled", "Its server has cancelled it.")
    Deferred.doneUnsafe(self.outcome, Exit.fail(McpError.make(new McpError.Cancelled({ reason: "User" }))))
    stop(params.taskId)
    return asJson(self.task)
  })

  const requests: Receiving["requests"] = {
    "tasks/get": {
      params: McpSchema.TaskIdParams,
      handle: (params: McpSchema.TaskIdParams) => Effect.map(find(params), ({ task }) => asJson(task))
    },
    "tasks/result": { params: McpSchema.TaskIdParams, handle: result },
    "tasks/cancel": { params: McpSchema.TaskIdParams, handle: cancel },
    // There are never more than fit on one page, so no cursor is ours.
    "tasks/list": {
      params: McpSchema.ListParams,
      handle: ({ cursor }: typeof McpSchema.ListParams.Type) =>
        cursor === undefined
          ? Effect.sync(() => asJson({ tasks: [...kept.values()].map(({ task }) => task).reverse() }))
          : Effect.fail(McpError.invalidParams("The cursor is none this client gave out; list again from the start."))
    }
  }

  const receiving: Receiving = {
    capabilities: ({ elicitation, sampling }) =>
      elicitation === undefined && sampling === undefined ? {} : {
        tasks: {
          list: {},
          cancel: {},
          requests: {
            ...sampling !== undefined && { sampling: { createMessage: {} } },
            ...elicitation !== undefined && { elicitation: { create: {} } }
          }
        }
      },
    requests,
    wrapAnswer: ({ method, params }, next) =>
      params.task === undefined || !askable.has(method) ? next : create(params, next)
  }
  return receiving
})

const unknown = McpError.invalidParams("There is no such task; it may have expired.")

const readMetadata = SchemaParser.decodeUnknownExit(McpSchema.TaskMetadata)

const asJson = (value: object): JsonObject => ({ ...value })

const random: Effect.Effect<SecureRandom.SecureRandom["Service"], never, Scope.Scope> = Effect.gen(function*() {
  const given = Context.getOrUndefined(yield* Effect.context<never>(), SecureRandom.SecureRandom)
  return given ?? Context.get(yield* Layer.build(SecureRandom.layerWebCrypto), SecureRandom.SecureRandom)
})
