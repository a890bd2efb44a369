/**
 * A question that its client runs as a task (2025-11-25 alone, where a server may want one, too): it is asked for the
 * task, and then waited for what that comes to. Whoever stops waiting cancels it.
 */
import * as Effect from "effect/Effect"
import type * as AskError from "../context/AskError.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as backChannel from "./backChannel.ts"

/** Whether this client runs this as a task. */
export const isSupported = ({ client, revision }: backChannel.Asker, method: string): boolean => {
  const requests = revision.version === "2025-11-25" ? client.capabilities.tasks?.requests : undefined
  return method === "elicitation/create"
    ? requests?.elicitation?.create !== undefined
    : method === "sampling/createMessage" && requests?.sampling?.createMessage !== undefined
}

/** The answer, as if it had been asked without a task; also of a client that answers at once all the same. */
export const send = (
  { client }: backChannel.Asker,
  send: backChannel.Send,
  method: string,
  params: JsonRpc.JsonObject,
  task: { readonly ttl: number }
): Effect.Effect<JsonRpc.Response, AskError.AskError> =>
  Effect.flatMap(send(method, { ...params, task: { ttl: task.ttl } }), (response) => {
    const taskId = taskIdOf(response.result)
    if (taskId === undefined) return Effect.succeed(response)
    const result = send("tasks/result", { taskId })
    return client.capabilities.tasks?.cancel === undefined
      ? result
      : Effect.onInterrupt(result, () => Effect.ignore(Effect.timeout(send("tasks/cancel", { taskId }), patience)))
  })

/** For a client that is asked to cancel. */
const patience = "1 second"

const taskIdOf = (result: JsonRpc.Json | undefined): string | undefined => {
  if (typeof result !== "object" || result === null || !("task" in result)) return undefined
  const { task } = result
  return typeof task === "object" && task !== null && "taskId" in task && typeof task.taskId === "string"
    ? task.taskId
    : undefined
}
