/**
 * Workflows of `effect/workflow` as tools. A call starts an execution, or finds the one that its payload has started
 * before, and waits for its result.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import * as Workflow from "effect/workflow/Workflow"
 * import * as WorkflowEngine from "effect/workflow/WorkflowEngine"
 * import { McpServer } from "fastmcp-effect"
 * import { WorkflowTools } from "fastmcp-effect/provider"
 *
 * const Order = Workflow.make("order", {
 *   payload: { isbn: Schema.String },
 *   success: Schema.String,
 *   idempotencyKey: ({ isbn }) => isbn
 * })
 *
 * // The tools `order` and `order_poll`.
 * const Server = McpServer.register(WorkflowTools.make([Order], { also: ["poll"] })).pipe(
 *   Layer.provideMerge(McpServer.layer({ name: "orders", version: "1.0.0" })),
 *   Layer.provide(Order.toLayer(({ isbn }) => Effect.succeed(`Ordered ${isbn}`))),
 *   Layer.provide(WorkflowEngine.layerMemory)
 * )
 * ```
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Workflow from "effect/workflow/Workflow"
import type * as WorkflowEngine from "effect/workflow/WorkflowEngine"
import * as Outcome from "../core/Outcome.ts"
import * as Provider from "../definition/Provider.ts"
import * as Tool from "../definition/Tool.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as describing from "./apis/describing.ts"
import * as parameters from "./apis/parameters.ts"

/** What can be done with a workflow. @category models @since 0.1.0 */
export type Action = "execute" | "start" | "poll" | "interrupt" | "resume"

/** A workflow, and what one of its tools does with it. @category models @since 0.1.0 */
export interface At {
  readonly workflow: AnyWorkflow
  readonly action: Action
}

/** @category models @since 0.1.0 */
export interface AnyWorkflow extends Workflow.Workflow<string, Workflow.AnyStructSchema, Schema.Top, Schema.Top> {}

/** @category models @since 0.1.0 */
export interface Entry extends At {
  readonly tool: Tool.Any
}

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * Tools beside the one that waits for the result: `start` does not wait and gives the id of the execution, which the
   * others take. Whoever knows an id can use it, and whoever knows a payload can know its id. None.
   */
  readonly also?: ReadonlyArray<Exclude<Action, "execute">>
  /** What a tool is called. Like its workflow, and for other actions than `execute` with that behind it: `order_poll`. */
  readonly name?: (at: At) => string
  /** What a tool says of itself beside or instead: hints, scopes, who sees it, and more. */
  readonly amend?: (at: At) => Omit<Tool.Amendments, "name"> | undefined
  /** How calls that wait run as tasks (`tasks/McpTasks`). `optional`. */
  readonly task?: McpSchema.TaskSupport | Tool.TaskOptions
  /**
   * What becomes of the execution when a call that waits for it is cancelled: it goes on, or is interrupted where it next
   * waits for something durable, also for others who wait for it. `leave`.
   */
  readonly onCancel?: "leave" | "interrupt"
}

/**
 * The workflows whose handlers `toLayer` of each has registered with the `WorkflowEngine` of the context.
 *
 * **Details**
 *
 * - A payload's fields are the parameters. What it has of an `idempotencyKey` decides whether a call is the same as one
 *   before: then nothing runs again, and both get one result. Such a tool is annotated as idempotent, so that a task of
 *   it goes on when its worker is gone.
 * - A declared error is a tool error with the value, and is read with the same schema.
 * - `OpenApi.Title`, `Summary`, `Description`, `Deprecated` and `Exclude` mean what they mean on an endpoint.
 *
 * **Gotchas**
 *
 * An execution that is suspended keeps a call waiting until its deadline; have it be a task, or `start` and `poll` it.
 * The compiler cannot tell whether a workflow is registered: a call of one that is not is a defect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const Workflows extends ReadonlyArray<Workflow.Any>>(
  workflows: Workflows,
  options: Options = {}
): Provider.Provider<never, WorkflowEngine.WorkflowEngine | Workflow.RequirementsClient<Workflows[number]>> =>
  Provider.fromDefinitions(
    ...reflect(workflows, options).map((entry) =>
      describing.amended(
        Tool.handle<
          string,
          Tool.Codec,
          Tool.Codec,
          Tool.Codec,
          WorkflowEngine.WorkflowEngine | Workflow.RequirementsClient<Workflows[number]>
        >(entry.tool, run(entry, options)),
        entry,
        options
      )
    )
  )

/**
 * The contract of each tool, which a client can read results with (`Tool.decodeResult`).
 *
 * @category getters
 * @since 0.1.0
 */
export const reflect = (
  workflows: ReadonlyArray<Workflow.Any>,
  options: Options = {}
): ReadonlyArray<Entry> =>
  (workflows as ReadonlyArray<AnyWorkflow>).flatMap((workflow) =>
    (["execute", ...options.also ?? []] as const).flatMap((action): ReadonlyArray<Entry> => {
      const at: At = { workflow, action }
      return describing.isIncluded(workflow.annotations, at, {})
        ? [{ ...at, tool: contracts[action](at, options) }]
        : []
    })
  )

// ----------------------------------------------------------------------------
// contracts
// ----------------------------------------------------------------------------

const idempotent: McpSchema.ToolAnnotations = { readOnlyHint: false, idempotentHint: true }

const nameOf = (at: At, { name }: Options): string =>
  name?.(at) ?? describing.nameOf(at.workflow._tag, ...(at.action === "execute" ? [] : [at.action]))

const about = ({ workflow }: At, what: string) => {
  const { description, title } = describing.describe(workflow.annotations)
  return { title, description: description === undefined ? `${what}.` : `${what}. ${description}` }
}

const payloadOf = ({ payloadSchema }: AnyWorkflow) => parameters.make([{ place: "payload", schema: payloadSchema }])

const Execution = Schema.Struct({
  executionId: Schema.String.annotate({ description: "The id that the start of the execution gave" })
})

/** How an execution stands. */
const statusOf = ({ errorSchema, successSchema }: AnyWorkflow): Schema.Top =>
  Schema.Union([
    Schema.Struct({ status: Schema.Literal("pending") }).annotate({ description: "Not done, or not known" }),
    Schema.Struct({ status: Schema.Literal("suspended") }).annotate({ description: "Waits for something outside" }),
    Schema.Struct({ status: Schema.Literal("succeeded"), value: successSchema }),
    Schema.Struct({ status: Schema.Literal("failed"), error: errorSchema }),
    Schema.Struct({ status: Schema.Literal("interrupted") }),
    Schema.Struct({ status: Schema.Literal("died") }).annotate({ description: "Ended by a mistake of its own" })
  ])

const contracts: { readonly [A in Action]: (at: At, options: Options) => Tool.Any } = {
  execute: (at, options) =>
    Tool.make(nameOf(at, options), {
      ...describing.describe(at.workflow.annotations),
      parameters: payloadOf(at.workflow),
      success: at.workflow.successSchema as Tool.Codec,
      failure: at.workflow.errorSchema as Tool.Codec,
      annotations: idempotent,
      task: options.task ?? "optional"
    }),
  start: (at, options) =>
    Tool.make(nameOf(at, options), {
      ...about(at, `Starts ${at.workflow._tag} and does not wait for it`),
      parameters: payloadOf(at.workflow),
      success: Execution,
      annotations: idempotent
    }),
  poll: (at, options) =>
    Tool.make(nameOf(at, options), {
      ...about(at, `Says how an execution of ${at.workflow._tag} stands`),
      parameters: Execution,
      success: statusOf(at.workflow) as Tool.Codec,
      annotations: { readOnlyHint: true }
    }),
  interrupt: (at, options) =>
    Tool.make(nameOf(at, options), {
      ...about(at, `Ends an execution of ${at.workflow._tag}`),
      parameters: Execution,
      annotations: { ...idempotent, destructiveHint: true }
    }),
  resume: (at, options) =>
    Tool.make(nameOf(at, options), {
      ...about(at, `Has a suspended execution of ${at.workflow._tag} go on`),
      parameters: Execution,
      annotations: idempotent
    })
}

// ----------------------------------------------------------------------------
// calls
// ----------------------------------------------------------------------------

const run = ({ action, workflow }: At, { onCancel = "leave" }: Options) =>
(
  input: parameters.Request & typeof Execution.Type
): Effect.Effect<unknown, unknown, any> => {
  switch (action) {
    case "execute": {
      const wait = workflow.execute(input.payload)
      return onCancel === "leave" ? wait : Effect.flatMap(
        workflow.executionId(input.payload),
        (executionId) => Effect.onInterrupt(wait, () => workflow.interrupt(executionId))
      )
    }
    case "start":
      return Effect.map(workflow.execute(input.payload, { discard: true }), (executionId) => ({ executionId }))
    case "poll":
      return Effect.map(workflow.poll(input.executionId), status)
    case "interrupt":
      return workflow.interrupt(input.executionId)
    case "resume":
      return workflow.resume(input.executionId)
  }
}

const status = (result: Option.Option<Workflow.Result<unknown, unknown>>) => {
  if (Option.isNone(result)) return { status: "pending" }
  if (result.value._tag === "Suspended") return { status: "suspended" }
  const outcome = Outcome.fromExit(result.value.exit)
  switch (outcome._tag) {
    case "Ok":
      return { status: "succeeded", value: outcome.value }
    case "Err":
      return { status: "failed", error: outcome.error }
    case "Cancelled":
      return { status: "interrupted" }
    case "Panicked":
      return { status: "died" }
  }
}
