/**
 * How a client's transport over HTTP gets in: what it sends with each request, and what it does when that is not
 * enough. `ClientAuth` has the one for OAuth. Where the service is not there, a refusal is the end of a request.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as TransportError from "./TransportError.ts"

/** A request that is about to be sent. @category models @since 0.1.0 */
export interface Request {
  readonly method: string
  readonly url: string
}

/** @category models @since 0.1.0 */
export type Headers = { readonly [name: string]: Redacted.Redacted<string> }

/** An answer that refuses its caller: 401, or 403 with a challenge. @category models @since 0.1.0 */
export interface Refusal {
  readonly status: 401 | 403
  readonly headers: { readonly [name: string]: string | undefined }
  /** What was sent, as `headers` gave it. */
  readonly sent: Headers
  /** How often this request has been refused, this time included. */
  readonly attempt: number
  /** Whether somebody waits for what comes of it: not so for the stream of what a server says unasked. */
  readonly isWaitedFor: boolean
}

/** The way in to one server. @category models @since 0.1.0 */
export interface Gate {
  /** Run for each request. */
  readonly headers: (request: Request) => Effect.Effect<Headers, TransportError.TransportError>
  /** Whether a person may be asked just now, who logs in say. */
  readonly isAskingUser: () => boolean
  /** Hears the headers of each answer. */
  readonly answered: (headers: { readonly [name: string]: string | undefined }) => void
  /** Whether to send the request again, with the headers that it gets then. */
  readonly refused: (refusal: Refusal) => Effect.Effect<boolean, TransportError.TransportError>
}

/** @category services @since 0.1.0 */
export class Authorization extends Context.Service<Authorization, {
  /** To the server at this endpoint. The same gate each time for the same address. */
  readonly gate: (address: URL) => Effect.Effect<Gate>
}>()("fastmcp-effect/transport/Authorization") {}

/**
 * Limits how long a server is waited for. While a person may be asked, the time begins anew.
 *
 * @category combinators
 * @since 0.1.0
 */
export const timeoutOrElse = <A2, E2, R2>(options: {
  readonly duration: Duration.Input
  readonly isAskingUser: (() => boolean) | undefined
  readonly orElse: () => Effect.Effect<A2, E2, R2>
}) =>
<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A | A2, E | E2, R | R2> => {
  const { duration, isAskingUser = never, orElse } = options
  const timer: Effect.Effect<A2, E2, R2> = Effect.flatMap(
    Effect.sleep(duration),
    () => isAskingUser() ? timer : orElse()
  )
  return Effect.raceFirst(effect, timer)
}

const never = () => false
