/** Stores of sessions for tests: in memory, as if several processes shared them, or as slow as a test wants. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as EventStore from "fastmcp-effect/session/EventStore"
import * as SessionError from "fastmcp-effect/session/SessionError"
import * as SessionMailbox from "fastmcp-effect/session/SessionMailbox"
import * as SessionStore from "fastmcp-effect/session/SessionStore"

export type Stores = SessionStore.SessionStore | SessionMailbox.SessionMailbox | EventStore.EventStore

export interface Options extends EventStore.MemoryOptions {
  /** Whether the nodes of a test take them for those of several processes. */
  readonly isShared?: boolean
}

/** What a test may do to them. */
export interface Stand {
  readonly stores: Context.Context<Stores>
  readonly sessions: SessionStore.SessionStore["Service"]
  readonly events: EventStore.EventStore["Service"]
  readonly mailbox: SessionMailbox.SessionMailbox["Service"]
  /**
   * Every operation whose name begins so waits from now on, until `go`: before it is done, or before its result is known.
   */
  readonly hold: (when?: "before" | "after", what?: string) => void
  readonly go: () => void
  /** Every operation fails from now on, or works again. */
  readonly fail: (fails: boolean) => void
  /** What was asked of them: `store.get`, `events.append`. */
  readonly asked: Array<string>
}

const make = Layer.mergeAll(SessionStore.layerMemory, SessionMailbox.layerMemory)

export const stand = (options: Options = {}): Effect.Effect<Stand, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { isShared = false } = options
    const built = yield* Layer.build(Layer.merge(make, EventStore.layerMemory(options)))
    const latch = Latch.makeUnsafe(true)
    const asked: Array<string> = []
    let fails = false
    let waits: "before" | "after" = "before"
    let held = ""

    const slow =
      (store: string, name: string) =>
      <A>(effect: Effect.Effect<A, SessionError.SessionError>): Effect.Effect<A, SessionError.SessionError> =>
        Effect.suspend(() => {
          asked.push(`${store}.${name}`)
          const operation = Effect.suspend(() =>
            fails ? Effect.fail(SessionError.make(new SessionError.Unavailable({ store }))) : effect
          )
          if (latch.isOpen() || !`${store}.${name}`.startsWith(held)) return operation
          return waits === "before" ? Effect.andThen(latch.await, operation) : Effect.ensuring(operation, latch.await)
        })

    const store = Context.get(built, SessionStore.SessionStore)
    const mail = Context.get(built, SessionMailbox.SessionMailbox)
    const kept = Context.get(built, EventStore.EventStore)
    const sessions: SessionStore.SessionStore["Service"] = {
      isShared,
      create: (session, options) => slow("store", "create")(store.create(session, options)),
      get: (id) => slow("store", "get")(store.get(id)),
      replace: (version, session) => slow("store", "replace")(store.replace(version, session)),
      remove: (id) => slow("store", "remove")(store.remove(id)),
      size: slow("store", "size")(store.size)
    }
    const mailbox: SessionMailbox.SessionMailbox["Service"] = {
      post: (letter) => slow("mailbox", "post")(mail.post(letter)),
      listen: mail.listen
    }
    const events: EventStore.EventStore["Service"] = {
      isShared,
      create: (key) => slow("events", "create")(kept.create(key)),
      append: (key, ...data) => slow("events", "append")(kept.append(key, ...data)),
      last: (key) => slow("events", "last")(kept.last(key)),
      hasEnded: (key) => slow("events", "hasEnded")(kept.hasEnded(key)),
      read: (key, after) => slow("events", "read")(kept.read(key, after)),
      follow: (key, after) => Stream.unwrap(slow("events", "follow")(Effect.succeed(kept.follow(key, after)))),
      end: (key) => slow("events", "end")(kept.end(key)),
      drop: (session) => slow("events", "drop")(kept.drop(session))
    }
    return {
      sessions,
      events,
      mailbox,
      stores: Context.make(SessionStore.SessionStore, sessions).pipe(
        Context.add(SessionMailbox.SessionMailbox, mailbox),
        Context.add(EventStore.EventStore, events)
      ),
      asked,
      hold: (when = "before", what = "") => {
        waits = when
        held = what
        latch.closeUnsafe()
      },
      go: () => void latch.openUnsafe(),
      fail: (now) => {
        fails = now
      }
    }
  })
