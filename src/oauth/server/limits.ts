/** How often somebody may be wrong. Who is wrong too often has to wait, right or not, so that guessing is of no use. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
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
  idOf(issuer, guesser).pipe(
    Effect.flatMap((id) => issuer.store.get({ kind: "locked", id })),
    Effect.flatMap((found) => found._tag === "Live" ? wait(found.entry.expiresAt) : Effect.void)
  )

const wait = (until: number): Effect.Effect<never, Refusal.Refusal> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.fail(
      new Refusal.Refusal({
        code: "temporarily_unavailable",
        description: "Too many wrong requests; try again later.",
        retryAfter: Math.max(1, Math.ceil((until - now) / 1000))
      })
    ))

/** Tells that somebody was wrong. */
export const note = (issuer: Issuer, guesser: Guesser): Effect.Effect<void> =>
  issuer.tell({ _tag: "Failed", ...guesser })

/** Counts that somebody was wrong. */
export const failed = Effect.fnUntraced(
  function*(issuer: Issuer, guesser: Guesser): Effect.fn.Return<void, OAuthStoreError.OAuthStoreError> {
    yield* note(issuer, guesser)
    const id = yield* idOf(issuer, guesser)
    if ((yield* issuer.store.count({ kind: "failures", id }, windowMillis)) < most) return
    yield* issuer.store.putOnce(
      { kind: "locked", id },
      { data: "", expiresAt: (yield* Clock.currentTimeMillis) + windowMillis }
    )
  }
)
