/**
 * What every program of ours does to its process: logs go to stderr, and it ends with 0 when it was asked to stop.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

/** Effect's logs leave stdout alone. */
export const logsToStderr: Layer.Layer<never> = Layer.succeed(Logger.LogToStderr, true)

/** Runs until the end, an error or a signal; a signal ends it as it should end, so with 0. */
export const runMain = <A, E>(main: Effect.Effect<A, E>): void =>
  NodeRuntime.runMain(main, {
    teardown: (exit, end) => {
      const stopped = Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)
      // stdin is open still when a signal came, and would keep the process.
      process.stdin.destroy()
      process.exitCode = stopped ? 0 : 1
      end(stopped ? 0 : 1)
    }
  })
