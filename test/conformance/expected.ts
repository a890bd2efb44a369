import type { Mode, Role } from "./required.ts"

/** Of the extension for tasks, which is not built. One of them can only ever be skipped: it is not listed here. */
const tasks = [
  "tasks-lifecycle",
  "tasks-capability-negotiation",
  "tasks-wire-fields",
  "tasks-request-state-removal",
  "tasks-mrtr-input",
  "tasks-request-headers",
  "tasks-dispatch-and-envelope",
  "tasks-required-task-error",
  "tasks-mrtr-composition"
]

/**
 * Scenarios that do not pass yet. The lists only shrink: a scenario that is here and passes fails the run, and so does
 * one that is not here and fails.
 */
export const expectedFailures: {
  readonly [role in Role]: { readonly [mode in Mode]?: ReadonlyArray<string> }
} = {
  server: {
    "2026-07-28": tasks,
    "all": tasks
  },
  client: {}
}

/** Scenarios the suite itself leaves out, whatever the server does: nothing of them is ever checked. */
export const alwaysSkipped: ReadonlyArray<string> = ["tasks-status-notifications"]
