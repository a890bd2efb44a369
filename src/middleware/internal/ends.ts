/** How requests end, for what tells of it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as RequestContext from "../../context/RequestContext.ts"
import * as Outcome from "../../core/Outcome.ts"
import type * as McpError from "../../protocol/McpError.ts"
import * as ServerLog from "../../telemetry/ServerLog.ts"
import type * as Middleware from "../Middleware.ts"

/** A result that tells of a failure is one, without an error. */
export const outcome = (
  exit: Exit.Exit<object, McpError.McpError>
): Outcome.Outcome<object, McpError.McpError | undefined> => {
  const ended = Outcome.fromExit(exit)
  return ended._tag === "Ok" && "isError" in ended.value && ended.value.isError === true
    ? Outcome.err(undefined)
    : ended
}

/** The tool, prompt or resource that is asked for, as far as there is one. */
export const target = ({ method, params, tool }: Middleware.Request): string | undefined => {
  const { name, uri } = params as { readonly name?: unknown; readonly uri?: unknown }
  return tool?.name ?? (method.startsWith("resources/") ? text(uri) : method === "prompts/get" ? text(name) : undefined)
}

/** Names come from outside, at any length. */
const text = (value: unknown): string | undefined => typeof value === "string" ? value.slice(0, 200) : undefined

/** For whoever runs the server: no client gets it with its logs. */
export const logged = (entry: Effect.Effect<void>, annotations: Record<string, unknown>): Effect.Effect<void> =>
  Effect.updateContext(
    ServerLog.withTarget("requests")(Effect.annotateLogs(entry, annotations)),
    (context: Context.Context<never>) => Context.omit(RequestContext.RequestContext)(context)
  )
