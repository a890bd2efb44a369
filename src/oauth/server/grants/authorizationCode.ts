/** A code for tokens (RFC 6749, 4.1.3). */
import * as Effect from "effect/Effect"
import * as pkce from "../checks/pkce.ts"
import type { Failure, GrantType, TokenRequest } from "../issuer.ts"
import * as limits from "../limits.ts"
import { type Code, codes, grantOf } from "../records.ts"
import * as Refusal from "../Refusal.ts"
import * as tokens from "../tokens.ts"

export const authorizationCode: GrantType = {
  name: "authorization_code",
  isPublic: true,
  run: Effect.fnUntraced(function*(request: TokenRequest) {
    const { issuer, parameters } = request
    const code = parameters.get("code")
    if (code === undefined) return yield* Refusal.make("invalid_request", "code is missing.")
    const key = codes.key(yield* issuer.secrets.hash(code))
    const found = codes.read(yield* issuer.store.get(key))
    if (found._tag === "Used") return yield* replayed(request, found.grant)
    if (found._tag === "Absent") return yield* bad
    // Checked before it is used up, so that a thief's guess does not cost the user their code.
    yield* Effect.tapError(fits(request, found.value), () => wrong(request, key.id, found.entry.grant!))
    const grantId = found.entry.grant!
    const grant = grantOf(found)
    if (grant._tag !== "Live") return yield* bad
    const { resource, scopes } = grant.value
    if ((parameters.get("resource") ?? resource) !== resource) {
      return yield* Refusal.make("invalid_target", "The code is for another resource.")
    }
    const refresh = yield* tokens.makeRefreshToken(request, grantId, scopes, grant.entry.expiresAt)
    const taken = yield* issuer.store.takeOnce(key, refresh.kept)
    if (taken._tag === "Used") return yield* replayed(request, taken.grant)
    if (taken._tag === "Absent") return yield* bad
    return yield* tokens.respond(request, { grantId, grant: grant.value, scopes, refreshToken: refresh.token })
  })
}

const bad = Refusal.make("invalid_grant", "The code is not good, or not for this request.")

/** T2: that it is the client, the redirect URI and the key it was given to, and that whoever asks has its secret. */
const fits = Effect.fnUntraced(function*(
  { client, issuer, jkt, parameters }: TokenRequest,
  { challenge, clientId, jkt: bound, redirectUri }: Code
): Effect.fn.Return<void, Refusal.Refusal> {
  if (clientId !== client.id || redirectUri !== parameters.get("redirect_uri")) return yield* bad
  yield* pkce.verifier(issuer, parameters, challenge)
  if (bound !== undefined && bound !== jkt) return yield* bad
})

/** T1: somebody has it who should not, so all that came of it ends. */
const replayed = Effect.fnUntraced(
  function*({ issuer }: TokenRequest, grantId: string | undefined): Effect.fn.Return<never, Failure> {
    if (grantId !== undefined) {
      yield* issuer.store.endGrant(grantId)
      yield* issuer.tell({ _tag: "Replayed", what: "code", grantId })
    }
    return yield* bad
  }
)

/** Wrong requests for one code before it is void. */
const mostWrong = 5

/** T13: who has a code and not what belongs to it may guess a few times. */
const wrong = Effect.fnUntraced(
  function*({ client, issuer }: TokenRequest, hash: string, grantId: string): Effect.fn.Return<void, Failure> {
    yield* limits.note(issuer, { what: "code", clientId: client.id, address: undefined })
    const times = yield* issuer.store.count({ kind: "wrong-code", id: hash }, issuer.lifetimes.code)
    if (times >= mostWrong) yield* issuer.store.endGrant(grantId)
  }
)
