/** Letters that clients sign to show who they are (RFC 7523). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Jwks from "../Jwks.ts"
import * as Jwt from "../Jwt.ts"
import type * as Client from "./Client.ts"
import * as clientFetch from "./clientFetch.ts"
import type { Failure, Issuer } from "./issuer.ts"
import * as Refusal from "./Refusal.ts"

export const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/** Seconds that one may be good for. */
const mostSeconds = 300

export const algorithms = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256"]

/** Of whom it says it is; to be believed when it is verified. */
export const subjectOf = (assertion: string): string | undefined => Jwt.unverifiedIssuer(Redacted.make(assertion))

/** T4: of this client, for this server alone, for a short while, and for the first time. */
export const isOfClient = (
  issuer: Issuer,
  client: Client.Client,
  assertion: string
): Effect.Effect<boolean, Failure> =>
  Effect.gen(function*() {
    const keys = yield* keysOf(issuer, client)
    const verifier = Jwt.verifier({ keys, issuer: client.id, algorithms })
    const claims = yield* verifier.verify(Redacted.make(assertion), issuer.url).pipe(
      Effect.catchTag("JwtError", () => Effect.succeed(undefined)),
      Effect.catchTag("JwksError", () => Effect.fail(unavailable))
    )
    const now = (yield* Clock.currentTimeMillis) / 1000
    // A list of audiences could have another server in it, which could then pass the letter on.
    if (
      claims === undefined || claims.aud !== issuer.url || claims.sub !== client.id
      || claims.exp > now + mostSeconds || typeof claims.jti !== "string" || claims.jti === ""
    ) {
      return false
    }
    return yield* issuer.store.putOnce(
      { kind: "assertion", id: yield* issuer.secrets.hash(`${client.id} ${claims.jti}`) },
      // Until nobody would take it any more, for clocks differ.
      { data: "", expiresAt: claims.exp * 1000 + 60_000 }
    )
  })

const keysOf = ({ fetch }: Issuer, { jwksUri, keys }: Client.Client): Effect.Effect<Jwks.Keys, Refusal.Refusal> => {
  if (keys !== undefined) return Effect.succeed(Jwks.fixed(keys))
  if (jwksUri === undefined) return Effect.succeed(Jwks.fixed([]))
  return Effect.flatMap(clientFetch.read(fetch, jwksUri, true), (response) => {
    const parsed = response === undefined ? undefined : parse(response.text)
    return parsed === undefined ? Effect.fail(unavailable) : Effect.succeed(Jwks.fixed(parsed))
  })
}

const unavailable = Refusal.make("temporarily_unavailable", "The keys of the client cannot be had.")

const parse = (text: string): ReadonlyArray<Jwks.Jwk> | undefined => {
  try {
    const { keys } = JSON.parse(text) as { readonly keys?: unknown }
    return Array.isArray(keys) ? keys : undefined
  } catch {
    return undefined
  }
}
