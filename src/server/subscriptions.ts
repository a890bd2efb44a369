/**
 * `subscriptions/listen` (2026-07-28): one request that stays open and carries the change notifications its client asked
 * for, after an acknowledgement of those the server honours.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SchemaParser from "effect/SchemaParser"
import type { Json, JsonObject } from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import type * as Extension from "./Extension.ts"
import type * as registry from "./registry.ts"
import type * as router from "./router.ts"

export const listen = (
  tools: registry.Registry,
  filters: ReadonlyMap<string, Extension.ListenFilter<never>>
): router.Handler =>
({ notifications }: typeof McpSchema.ListenParams.Type, { request }) => {
  const _meta = { [Meta.subscriptionId]: request.id }
  const send = (method: string, params: JsonObject) => request.notify(method, { ...params, _meta })
  // Nothing may come before the acknowledgement.
  let early: Array<Effect.Effect<void>> | undefined = []
  const emit = (method: string, params: JsonObject) =>
    Effect.suspend(() => {
      if (early === undefined) return send(method, params)
      early.push(send(method, params))
      return Effect.void
    })
  const opened = Effect.scoped(Effect.gen(function*() {
    const honoured: { [key: string]: Json } = {}
    const changes = yield* makeChanges
    if (notifications.toolsListChanged === true) {
      honoured.toolsListChanged = true
      yield* Effect.acquireRelease(
        Effect.sync(() => tools.onToolsChanged(changes.signal)),
        (unsubscribe) => Effect.sync(unsubscribe)
      )
    }
    for (const [key, filter] of filters) {
      const asked = notifications[key]
      if (asked === undefined) continue
      const params = SchemaParser.decodeUnknownExit(filter.params)(asked)
      if (Exit.isFailure(params)) return yield* McpError.invalidParams(`notifications.${key} is malformed.`)
      honoured[key] = yield* filter.listen(params.value, emit)
    }
    yield* send("notifications/subscriptions/acknowledged", { notifications: honoured })
    for (const emitted of early ?? []) yield* emitted
    early = undefined
    return yield* Effect.forever(
      Effect.andThen(changes.next, emit("notifications/tools/list_changed", {}))
    )
  }))
  return { effect: opened, isOpenEnded: true, farewell: { _meta } }
}

/** Signals that pile up while one is being sent count as one. */
const makeChanges = Effect.sync(() => {
  let pending = false
  let waiting: Deferred.Deferred<void> | undefined
  return {
    signal: () => {
      pending = true
      if (waiting !== undefined) Deferred.doneUnsafe(waiting, Exit.void)
    },
    next: Effect.gen(function*() {
      if (!pending) {
        waiting = yield* Deferred.make<void>()
        yield* Deferred.await(waiting)
        waiting = undefined
      }
      pending = false
    })
  }
})
