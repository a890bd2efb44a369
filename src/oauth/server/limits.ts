/**
 * How often somebody may be wrong, and how much anybody may ask for who has shown nothing yet. Who is wrong too often has
 * to wait, right or not, so that guessing is of no use.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as NetworkAddress from "../NetworkAddress.ts"
import type { Issuer } from "./issuer.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import * as Refusal from "./Refusal.ts"

/** One client from one address: nobody can lock out a client who is elsewhere. */
export interface Guesser {
  readonly what: string
  readonly clientId: string | undefined
  readonly address: string | undefined
}

/** Wrong ones within a window before the wait begins, and how long both are. */
const most = 20
const windowMillis = 60_000

/** Whoever has one address of IPv6 has a whole network of them. */
export const placeOf = (address: string | undefined): string =>
  address === undefined ? "" : NetworkAddress.networkOf(address)

/** A client says how it is called, at any length. */
const idOf = ({ secrets }: Issuer, { address, clientId = "", what }: Guesser) =>
  secrets.hash(JSON.stringify([what, clientId, placeOf(address)]))

/** T13: refuses whoever has been wrong too often. */
export const check = (
  issuer: Issuer,
  guesser: Guesser
): Effect.Effect<void, Refusal.Refusal | OAuthStoreError.OAuthStoreError> =>
  Effect.flatMap(idOf(issuer, guesser), (id) =>
    Effect.flatMap(
      issuer.store.get({ kind: "locked", id }),
      (found) => found._tag === "Live" ? wait(found.entry.expiresAt) : Effect.void
    ))

const wait = (until: number): Effect.Effect<never, Refusal.Refusal> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.fail(
      new Refusal.Refusal({
        code: "temporarily_unavailable",
        description: "Too many wrong requests; try again later.",
        retryAfter: Math.max(1, Math.ceil((until - now) / 1000))
      })
    ))

/**
 * T13: refuses whoever asks for more than `most` of something in a minute from one network. Who comes from nobody knows
 * where is not refused: all of those would be one.
 */
export const bound = Effect.fnUntraced(function*(
  { store }: Pick<Issuer, "store">,
  what: string,
  most: number,
  address: string | undefined
): Effect.fn.Return<void, Refusal.Refusal | OAuthStoreError.OAuthStoreError> {
  if (address === undefined || most === Infinity) return
  const count = yield* store.count({ kind: "asked", id: `${what} ${placeOf(address)}` }, windowMillis)
  if (count <= most) return
  // Behind a proxy whose address is taken for everybody's, this is the only trace.
  if (count === most + 1) {
    yield* Effect.logWarning(`More than ${most} ${what} have come from one network in a minute.`)
  }
  return yield* new Refusal.Refusal({
    code: "temporarily_unavailable",
    description: "Too many requests have come from here; try again later.",
    retryAfter: windowMillis / 1000
  })
})

/** Of a user, at the beginning of each: it is kept until the user has been asked. */
export const boundRequest = (
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<void, Refusal.Refusal | OAuthStoreError.OAuthStoreError> =>
  bound(issuer, "requests for users", issuer.mostRequestsAMinute, issuer.addressOf(request))

/** Tells that somebody was wrong. */
export const note = (issuer: Issuer, guesser: Guesser): Effect.Effect<void> =>
  issuer.tell({ _tag: "Failed", ...guesser })

/** Counts that somebody was wrong, and tells it. */
export const failed = (issuer: Issuer, guesser: Guesser): Effect.Effect<void, OAuthStoreError.OAuthStoreError> =>
  Effect.andThen(note(issuer, guesser), count(issuer, guesser))

export const count = Effect.fnUntraced(
  function*(issuer: Issuer, guesser: Guesser): Effect.fn.Return<void, OAuthStoreError.OAuthStoreError> {
    const id = yield* idOf(issuer, guesser)
    if ((yield* issuer.store.count({ kind: "failures", id }, windowMillis)) < most) return
    yield* issuer.store.putOnce(
      { kind: "locked", id },
      { data: "", expiresAt: (yield* Clock.currentTimeMillis) + windowMillis }
    )
  }
)
