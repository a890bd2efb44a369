import * as Schema from "effect/Schema"
import { JsonObject, MetaObject } from "./content.ts"
import { InputRequest } from "./inputRounds.ts"

/** A task starts `working`; `completed`, `failed` and `cancelled` are ends. @category models @since 0.1.0 */
export const TaskStatus = Schema.Literals(["working", "input_required", "completed", "failed", "cancelled"])

/** @category models @since 0.1.0 */
export type TaskStatus = typeof TaskStatus.Type

// ----------------------------------------------------------------------------
// io.modelcontextprotocol/tasks (2026-07-28)
// ----------------------------------------------------------------------------

const task = {
  taskId: Schema.String,
  statusMessage: Schema.optionalKey(Schema.String),
  /** ISO 8601. */
  createdAt: Schema.String,
  lastUpdatedAt: Schema.String,
  /** How long it is kept, from its creation; null for as long as its server is. */
  ttlMs: Schema.NullOr(Schema.Int),
  pollIntervalMs: Schema.optionalKey(Schema.Int)
}

/** What a task says of itself without what came of it. @category models @since 0.1.0 */
export const Task = Schema.Struct({ ...task, status: TaskStatus })

/** @category models @since 0.1.0 */
export type Task = typeof Task.Type

/** In place of a result: the call goes on as this task. @category models @since 0.1.0 */
export const CreateTaskResult = Schema.Struct({
  ...Task.fields,
  resultType: Schema.Literal("task"),
  _meta: Schema.optionalKey(MetaObject)
})

/** @category models @since 0.1.0 */
export type CreateTaskResult = typeof CreateTaskResult.Type

/** As JSON-RPC has it. @category models @since 0.1.0 */
export const TaskError = Schema.Struct({
  code: Schema.Int,
  message: Schema.String,
  data: Schema.optionalKey(Schema.Unknown)
})

/** @category models @since 0.1.0 */
export type TaskError = typeof TaskError.Type

/**
 * A task with what belongs to its status: the questions that have no answer yet, the result as the call would have had
 * it, or the error.
 *
 * @category models
 * @since 0.1.0
 */
export const DetailedTask = Schema.Union([
  Schema.Struct({ ...task, status: Schema.Literals(["working", "cancelled"]) }),
  Schema.Struct({
    ...task,
    status: Schema.Literal("input_required"),
    inputRequests: Schema.Record(Schema.String, InputRequest)
  }),
  Schema.Struct({ ...task, status: Schema.Literal("completed"), result: JsonObject }),
  Schema.Struct({ ...task, status: Schema.Literal("failed"), error: TaskError })
])

/** @category models @since 0.1.0 */
export type DetailedTask = typeof DetailedTask.Type

/** Of `tasks/get` and `tasks/cancel` in both forms, and of `tasks/result`. @category models @since 0.1.0 */
export const TaskIdParams = Schema.Struct({ taskId: Schema.String })

/** @category models @since 0.1.0 */
export type TaskIdParams = typeof TaskIdParams.Type

/** Answers to some of the questions, by key. @category models @since 0.1.0 */
export const UpdateTaskParams = Schema.Struct({ taskId: Schema.String, inputResponses: JsonObject })

/** @category models @since 0.1.0 */
export type UpdateTaskParams = typeof UpdateTaskParams.Type

/** The filter of `subscriptions/listen`: whose `notifications/tasks` to send. @category models @since 0.1.0 */
export const TaskIds = Schema.Array(Schema.String)

// ----------------------------------------------------------------------------
// 2025-11-25
// ----------------------------------------------------------------------------

/** `params.task` of a request that is to be a task. @category models @since 0.1.0 */
export const TaskMetadata = Schema.Struct({
  /** Milliseconds from its creation; whoever runs the task may have another mind, and says so in the task. */
  ttl: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)))
})

/** @category models @since 0.1.0 */
export type TaskMetadata = typeof TaskMetadata.Type

/** A task as 2025-11-25 has it. @category models @since 0.1.0 */
export const SessionTask = Schema.Struct({
  taskId: Schema.String,
  status: TaskStatus,
  statusMessage: Schema.optionalKey(Schema.String),
  createdAt: Schema.String,
  lastUpdatedAt: Schema.String,
  ttl: Schema.NullOr(Schema.Int),
  pollInterval: Schema.optionalKey(Schema.Int)
})

/** @category models @since 0.1.0 */
export type SessionTask = typeof SessionTask.Type

/** @category models @since 0.1.0 */
export const CreateSessionTaskResult = Schema.Struct({ task: SessionTask, _meta: Schema.optionalKey(MetaObject) })

/** @category models @since 0.1.0 */
export type CreateSessionTaskResult = typeof CreateSessionTaskResult.Type

/** @category models @since 0.1.0 */
export const ListSessionTasksResult = Schema.Struct({
  tasks: Schema.Array(SessionTask),
  nextCursor: Schema.optionalKey(Schema.String)
})

/** @category models @since 0.1.0 */
export type ListSessionTasksResult = typeof ListSessionTasksResult.Type

/** `_meta["io.modelcontextprotocol/related-task"]`. @category models @since 0.1.0 */
export const RelatedTask = Schema.Struct({ taskId: Schema.String })

/** @category models @since 0.1.0 */
export type RelatedTask = typeof RelatedTask.Type

/** Whether a tool's call may be, or has to be, a task. @category models @since 0.1.0 */
export const TaskSupport = Schema.Literals(["forbidden", "optional", "required"])

/** @category models @since 0.1.0 */
export type TaskSupport = typeof TaskSupport.Type
