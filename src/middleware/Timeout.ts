/**
 * A time limit on requests: what takes longer is cancelled with the reason `Timeout`, its finalizers run, and the client
 * gets an error.
 */
import type * as Duration from "effect/Duration"
import * as Budget from "../core/Budget.ts"
import * as Middleware from "./Middleware.ts"

/**
 * The tighter of this, the tool's own `timeout` and the server's `requestTimeout` counts. A task is no request: its runs
 * have the tool's alone, and who waits for its end in `tasks/result` has none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (duration: Duration.Input): Middleware.Middleware<never, never> =>
  Middleware.make(({ isTaskRun, method }, next) =>
    isTaskRun === true || method === "tasks/result" ? next : Budget.timeout(next, duration)
  )
