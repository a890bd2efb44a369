import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Dpop from "../../Dpop.ts"
import type * as Client from "../Client.ts"
import type { Failure, Issuer } from "../issuer.ts"
import * as Refusal from "../Refusal.ts"

/** T11: the key that a request to one of the endpoints proves to have; undefined where it proves none. */
export const proof = (
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest,
  path: string,
  accessToken?: string
): Effect.Effect<string | undefined, Failure> => {
  const header = request.headers.dpop
  return header === undefined ? Effect.succeed(undefined) : proven(issuer, request, header, path, accessToken)
}

const proven = Effect.fnUntraced(function*(
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest,
  header: string,
  path: string,
  accessToken: string | undefined
): Effect.fn.Return<string, Failure> {
  const found = yield* Effect.mapError(
    Dpop.verify(header, {
      method: request.method,
      url: issuer.at(path),
      ath: accessToken === undefined ? undefined : yield* issuer.secrets.hash(accessToken)
    }),
    ({ message }) => Refusal.make("invalid_dpop_proof", message)
  )
  if (issuer.nonces !== undefined && !(yield* issuer.nonces.isGood(found.nonce))) {
    return yield* new Refusal.Refusal({
      code: "use_dpop_nonce",
      description: "The proof has to have the nonce of the DPoP-Nonce header.",
      nonce: yield* issuer.nonces.current
    })
  }
  const isFirst = yield* issuer.store.putOnce(
    { kind: "proof", id: yield* issuer.secrets.hash(found.id) },
    { data: "", expiresAt: found.expiresAt }
  )
  return isFirst ? found.jkt : yield* Refusal.make("invalid_dpop_proof", "The DPoP proof was used before.")
})

/** T11: that a client whose tokens have to be bound to a key has shown one. */
export const required = (
  { requiresDpop }: Client.Client,
  jkt: string | undefined
): Effect.Effect<void, Refusal.Refusal> =>
  requiresDpop && jkt === undefined
    ? Effect.fail(Refusal.make("invalid_dpop_proof", "The tokens of this client are bound to a key: DPoP is missing."))
    : Effect.void

/** What the next proof has to have, for the answer to this one. */
export const nextNonce = ({ nonces }: Issuer): Effect.Effect<{ readonly [header: string]: string } | undefined> =>
  nonces === undefined ? Effect.undefined : Effect.map(nonces.current, (nonce) => ({ "dpop-nonce": nonce }))
