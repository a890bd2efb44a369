/** What a transport says of itself here: its client's end, and what each cause comes to in each era. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type * as Outcome from "fastmcp-effect/core/Outcome"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as wires from "../wires.ts"

/** What may befall a request, as the page explains it. */
export const causes = {
  "cancel": "the client says that it no longer wants the answer",
  "disconnect": "the connection the answer would come on is lost, before anything came on it where it could have",
  "stream closed": "the client closes the stream of the answer, once something has come on it",
  "session DELETE": "the client ends its session",
  "expiry": "the session goes without a client for too long",
  "EOF": "the client closes its end and still reads",
  "deadline": "the request takes longer than `requestTimeout` allows",
  "shutdown": "the transport is told to stop, and the request outlasts its `grace`"
} as const

export type Cause = keyof typeof causes

export const names = Object.keys(causes) as ReadonlyArray<Cause>

/** How the reply comes, if one does. */
export type Reply = "none" | "408" | "499" | "the result" | "the result, when the client resumes the stream"

/** What is to become of the request, and of what its finalizers send. */
export interface Expected {
  readonly outcome: "Ok" | Outcome.CancelReason
  readonly reply: Reply
  readonly sent: boolean
}

/** The client wants nothing more, and is told nothing more. */
export const unwanted: Expected = { outcome: "User", reply: "none", sent: false }

export const late: Expected = { outcome: "Deadline", reply: "408", sent: true }

export const stopped: Expected = { outcome: "Shutdown", reply: "499", sent: true }

/** It is no cause: the request ends as if nothing had happened. */
export const goesOn = (reply: Reply): Expected => ({ outcome: "Ok", reply, sent: reply !== "none" })

/** A string is why there is no such cause. */
export type Cells = { readonly [cause in Cause]: Expected | string }

/** A client's end of one connection; its session is open. */
export interface End {
  readonly send: (frame: object) => void
  /** Every frame since the session is open, oldest first. */
  readonly frames: ReadonlyArray<wires.Frame>
  /**
   * Brings each cause about and returns without waiting for what follows, which the test's clock may have to move for.
   * The deadline, and the shutdown where that is the end of the transport's scope, are not its business.
   */
  readonly acts: { readonly [cause in Cause]?: Effect.Effect<void, never, Scope.Scope> }
  /** Comes back for what the request has said meanwhile. */
  readonly resume?: Effect.Effect<void>
  /** Whether somebody still waits on a response for the request, where there are responses. */
  readonly isOpen?: () => boolean
}

export interface Row {
  readonly title: string
  readonly cells: { readonly [era in wires.Era]: Cells }
  /** Connects to the server in `context`; the transport lives as long as the scope, and gives requests `grace`. */
  readonly open: (
    era: wires.Era,
    context: Context.Context<Receiver.Receiver>
  ) => Effect.Effect<End, never, Scope.Scope>
}

/** Of the transport, once it is told to stop. */
export const grace = "5 seconds"

/** Lets time pass in steps, so that what is due at each of them is done by the next. */
export const elapse = (seconds: number): Effect.Effect<void> =>
  Effect.repeat(Effect.andThen(TestClock.adjust("2500 millis"), wires.turns()), { times: seconds / 2.5 - 1 })

/** Begins what ends with the request, and lets the grace period pass. */
export const begin = <R>(ending: Effect.Effect<void, never, R>): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.forkScoped(ending).pipe(Effect.andThen(wires.turns()), Effect.andThen(elapse(5)))

export const both = (cells: Cells): Row["cells"] => ({ Stateful: cells, Stateless: cells })
