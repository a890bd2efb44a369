/** A refresh token for the next tokens (RFC 6749, 6). It is used once; the answer has another. */
import * as Effect from "effect/Effect"
import * as Scope from "../../Scope.ts"
import type { Failure, GrantType, TokenRequest } from "../issuer.ts"
import { grantOf, refreshTokens } from "../records.ts"
import * as Refusal from "../Refusal.ts"
import * as tokens from "../tokens.ts"

export const refreshToken: GrantType = {
  name: "refresh_token",
  isPublic: true,
  run: Effect.fnUntraced(function*(request: TokenRequest) {
    const { client, issuer, jkt, parameters } = request
    const token = parameters.get("refresh_token")
    if (token === undefined) return yield* Refusal.make("invalid_request", "refresh_token is missing.")
    const key = refreshTokens.key(yield* issuer.secrets.hash(token))
    const found = refreshTokens.read(yield* issuer.store.get(key))
    if (found._tag === "Used") return yield* replayed(request, found.grant)
    if (found._tag === "Absent") return yield* bad
    const { clientId, endsAt, jkt: bound, scopes } = found.value
    if (clientId !== client.id || (bound !== undefined && bound !== jkt)) return yield* bad
    const grantId = found.entry.grant!
    const grant = grantOf(found)
    if (grant._tag !== "Live") return yield* bad
    const wanted = yield* narrowed(request, grant.value.resource, scopes)
    const next = yield* tokens.makeRefreshToken(request, grantId, scopes, endsAt)
    const taken = yield* issuer.store.takeOnce(key, next.kept)
    if (taken._tag === "Used") return yield* replayed(request, taken.grant)
    if (taken._tag === "Absent") return yield* bad
    return yield* tokens.respond(request, {
      grantId,
      grant: grant.value,
      scopes: wanted,
      refreshToken: next.token
    })
  })
}

const bad = Refusal.make("invalid_grant", "The refresh token is not good, or not for this request.")

/** T6: as much as there was, or less. */
const narrowed = (
  { parameters }: TokenRequest,
  resource: string,
  scopes: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>, Refusal.Refusal> => {
  const [target = resource, scope] = [parameters.get("resource"), parameters.get("scope")]
  if (target !== resource) {
    return Effect.fail(Refusal.make("invalid_target", "The refresh token is for another resource."))
  }
  if (scope === undefined) return Effect.succeed(scopes)
  const wanted = Scope.parse(scope)
  return Scope.includes(scopes, wanted)
    ? Effect.succeed(wanted)
    : Effect.fail(Refusal.make("invalid_scope", "The refresh token has not all of these scopes."))
}

/** T5: it was stolen, before or after the client had used it; nobody can tell, so all that came of it ends. */
const replayed = Effect.fnUntraced(
  function*({ issuer }: TokenRequest, grantId: string | undefined): Effect.fn.Return<never, Failure> {
    if (grantId !== undefined) {
      yield* issuer.store.endGrant(grantId)
      yield* issuer.tell({ _tag: "Replayed", what: "refresh_token", grantId })
    }
    return yield* bad
  }
)
