/**
 * What every program of ours does to its process: logs go to stderr, and it ends with 0 when it was asked to stop.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as DefinitionError from "../../definition/DefinitionError.ts"
import * as SkillError from "../../skills/SkillError.ts"
import * as TransportError from "../../transport/TransportError.ts"

/** Effect's logs leave stdout alone. */
export const logsToStderr: Layer.Layer<never> = Layer.succeed(Logger.LogToStderr, true)

/** What a person can mend is one line; a bug comes with its stack. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = cause.reasons.find(Cause.isFailReason)?.error
  const isOurs = error instanceof TransportError.TransportError || error instanceof DefinitionError.DefinitionError ||
    error instanceof SkillError.SkillError
  return isOurs && !Cause.hasDies(cause)
    ? Effect.sync(() => process.stderr.write(`fastmcp-effect: ${error.message}\n`))
    : Effect.logError(cause)
}

/** Runs until the end, an error or a signal; a signal ends it as it should end, so with 0. */
export const runMain = <A, E>(main: Effect.Effect<A, E>): void =>
  NodeRuntime.runMain(Effect.tapCause(main, report), {
    disableErrorReporting: true,
    teardown: (exit, end) => {
      const stopped = Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)
      // stdin is open still when a signal came, and would keep the process.
      process.stdin.destroy()
      process.exitCode = stopped ? 0 : 1
      end(stopped ? 0 : 1)
    }
  })
