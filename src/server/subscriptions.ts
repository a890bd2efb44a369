/**
 * Who hears of changes: sessions that subscribed to a resource (up to 2025-11-25), and `subscriptions/listen`
 * (2026-07-28), one request that stays open and carries the change notifications its client asked for, after an
 * acknowledgement of those the server honours.
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
import type * as handlerContext from "./internal/handlerContext.ts"
import type * as registry from "./registry.ts"
import type * as router from "./router.ts"
import type * as watched from "./watched.ts"

/** Tells who watches a resource that it may have changed. */
export interface Updates {
  readonly publish: (uri: string) => void
  /** Calls back with each URI, until the result is called. */
  readonly subscribe: (listener: (uri: string) => void) => () => void
}

export const makeUpdates = (): Updates => {
  const listeners = new Set<(uri: string) => void>()
  return {
    publish: (uri) => {
      for (const listener of [...listeners]) listener(uri)
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    }
  }
}

/** Resources one client may watch at once. */
export const maxWatched = 1000

const lists = {
  toolsListChanged: "tools",
  resourcesListChanged: "resources",
  promptsListChanged: "prompts"
} as const

export const listen = (options: {
  readonly registry: registry.Registry
  readonly updates: Updates
  readonly watched: watched.Watched
  /** Whether there is such a resource, and not for the one who asks. */
  readonly isHidden: (uri: string, request: handlerContext.HandlerContext) => boolean
  readonly filters: ReadonlyMap<string, Extension.ListenFilter<never>>
}): router.Handler =>
({ notifications }: typeof McpSchema.ListenParams.Type, { request }) => {
  const watched = new Set(notifications.resourceSubscriptions)
  if (watched.size > maxWatched) {
    return McpError.invalidParams(`A stream watches ${maxWatched} resources at most; open another for more.`)
  }
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
    const changed = new Set<registry.ListName>()
    for (const [filter, list] of Object.entries(lists) as Array<[keyof typeof lists, registry.ListName]>) {
      if (notifications[filter] !== true) continue
      honoured[filter] = true
      changed.add(list)
    }
    if (changed.size > 0) {
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          options.registry.onChange((list) => {
            if (changed.has(list)) changes.signal(`notifications/${list}/list_changed`)
          })
        ),
        (unsubscribe) => Effect.sync(unsubscribe)
      )
    }
    if (notifications.resourceSubscriptions !== undefined) {
      honoured.resourceSubscriptions = [...watched]
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          options.updates.subscribe((uri) => {
            // Asked when it happens: what is hidden now may not be later, and who guesses a URI learns nothing.
            if (watched.has(uri) && !options.isHidden(uri, request)) {
              changes.signal("notifications/resources/updated", uri)
            }
          })
        ),
        (unsubscribe) => Effect.sync(unsubscribe)
      )
      yield* Effect.acquireRelease(
        Effect.sync(() => [...watched].map((uri) => options.watched(uri))),
        (releases) => Effect.sync(() => releases.forEach((release) => release()))
      )
    }
    for (const [key, filter] of options.filters) {
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
      Effect.flatMap(
        changes.next,
        (pending) =>
          Effect.forEach(pending, ({ method, uri }) => emit(method, uri === undefined ? {} : { uri }), {
            discard: true
          })
      )
    )
  }))
  return { effect: opened, isOpenEnded: true, farewell: { _meta } }
}

/** The same change that comes again while one is being sent counts as one. */
const makeChanges = Effect.sync(() => {
  const pending = new Map<string, { readonly method: string; readonly uri: string | undefined }>()
  let waiting: Deferred.Deferred<void> | undefined
  return {
    signal: (method: string, uri?: string) => {
      pending.set(`${method} ${uri ?? ""}`, { method, uri })
      if (waiting !== undefined) Deferred.doneUnsafe(waiting, Exit.void)
    },
    next: Effect.gen(function*() {
      if (pending.size === 0) {
        waiting = yield* Deferred.make<void>()
        yield* Deferred.await(waiting)
        waiting = undefined
      }
      const taken = [...pending.values()]
      pending.clear()
      return taken
    })
  }
})
