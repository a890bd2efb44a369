/** What happens to executions, for whoever keeps a record of it. */
import type * as Execution from "./Execution.ts"

/**
 * `Add`, `Unknown` (a worker came by that has no task of this name, and left it) or what changed it; the execution is as
 * it is afterwards, without payload, data, result and error.
 *
 * @category models
 * @since 0.1.0
 */
export interface DocketEvent {
  readonly _tag: "Add" | "Unknown" | Execution.Transition["_tag"]
  readonly execution: Omit<Execution.Execution, "payload" | "data" | "result" | "error">
}
