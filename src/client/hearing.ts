/**
 * What a server tells its client: each notification makes old what is kept of the past, and goes to the handlers, one
 * after the other in the order in which they came, and to whoever listens.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as SchemaParser from "effect/SchemaParser"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { JsonObject, Notification } from "../protocol/JsonRpc.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import type * as answering from "./answering.ts"
import type * as ClientHandlers from "./ClientHandlers.ts"
import type * as Extension from "./Extension.ts"
import type * as ResponseCache from "./ResponseCache.ts"

export interface Hearing {
  readonly tell: (notification: Notification) => void
  /** Nobody has told for a while: anything that is kept may have changed. */
  readonly missed: () => void
  /** Runs what a handler makes of it, after all before it. */
  readonly inOrder: (handle: () => Effect.Effect<void>) => void
  /** Until the result is called. */
  readonly listen: (hear: (notification: Notification) => void) => () => void
  readonly all: Stream.Stream<Notification>
}

/** What may be kept of a server's lists and resources. */
const keeping = [
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read"
] as const

/** What handlers may be behind; then they miss the oldest. */
const maxBehind = 10_000

/** The same for who reads the stream of all. */
const maxUnread = 1024

export const make = (
  handlers: answering.Handlers,
  extensions: ReadonlyArray<Extension.Extension>,
  kept: ResponseCache.View | undefined
): Effect.Effect<Hearing, never, Scope.Scope> =>
  Effect.gen(function*() {
    const hub = yield* PubSub.sliding<Notification>(maxUnread)
    const listeners = new Set<(notification: Notification) => void>()
    const waiting = yield* Queue.sliding<Effect.Effect<void>>(maxBehind)
    yield* Effect.forkScoped(Effect.forever(Effect.flatten(Queue.take(waiting))))
    const own = new Map(extensions.flatMap(({ notifications = {} }) => Object.entries(notifications)))

    const inOrder: Hearing["inOrder"] = (handle) => {
      Queue.offerUnsafe(
        waiting,
        Effect.catchCause(Effect.suspend(handle), (cause) => Effect.logError("A handler of the client failed", cause))
      )
    }

    const hear = (method: string, params: JsonObject) => {
      switch (method) {
        case "notifications/message": {
          const message = handlers.log === undefined ? undefined : readLog(params)
          if (message !== undefined && Exit.isSuccess(message)) {
            inOrder(() => handlers.log!.receive(message.value))
          }
          return
        }
        case "notifications/tools/list_changed":
          return kept?.forget("tools/list")
        case "notifications/prompts/list_changed":
          return kept?.forget("prompts/list")
        case "notifications/resources/list_changed":
          kept?.forget("resources/list")
          return kept?.forget("resources/templates/list")
        case "notifications/resources/updated":
          if (typeof params.uri === "string") kept?.forget("resources/read", params.uri)
          return
      }
      const told = own.get(method)
      if (told === undefined) return
      const read = SchemaParser.decodeUnknownExit(told.params)(params)
      if (Exit.isSuccess(read)) inOrder(() => told.handle(read.value))
    }

    return {
      tell: (notification) => {
        hear(notification.method, notification.params ?? {})
        const hearRaw = handlers.raw?.notification
        if (hearRaw !== undefined) inOrder(() => hearRaw(notification))
        for (const listen of listeners) listen(notification)
        PubSub.publishUnsafe(hub, notification)
      },
      missed: () => {
        for (const method of keeping) kept?.forget(method)
      },
      inOrder,
      listen: (hear) => {
        listeners.add(hear)
        return () => listeners.delete(hear)
      },
      all: Stream.fromPubSub(hub)
    }
  })

const readLog: (params: unknown) => Exit.Exit<ClientHandlers.LogMessage, unknown> = SchemaParser.decodeUnknownExit(
  McpSchema.LoggingMessageParams
)
