/** Authorization requests that a client sends ahead itself, so that a browser carries none of it (RFC 9126). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Client from "./Client.ts"
import type { Failure, Issuer } from "./issuer.ts"
import type { Parameters } from "./parameters.ts"
import { type AuthorizationRequest, pushedRequests } from "./records.ts"
import * as Refusal from "./Refusal.ts"

const prefix = "urn:ietf:params:oauth:request_uri:"

/** Where it is from now on, for a short while. */
export const put = (issuer: Issuer, request: AuthorizationRequest): Effect.Effect<string, Failure> =>
  Effect.gen(function*() {
    const secret = yield* issuer.secrets.make
    const expiresAt = (yield* Clock.currentTimeMillis) + issuer.lifetimes.pushedRequest
    yield* issuer.store.putOnce(
      pushedRequests.key(yield* issuer.secrets.hash(secret)),
      pushedRequests.entry(request, expiresAt)
    )
    return prefix + secret
  })

/** A13: once, and for the client that has sent it. Undefined where the request is not elsewhere. */
export const take = (
  issuer: Issuer,
  client: Client.Client,
  parameters: Parameters
): Effect.Effect<AuthorizationRequest | undefined, Failure> =>
  Effect.gen(function*() {
    const uri = parameters.get("request_uri")
    if (uri === undefined || !uri.startsWith(prefix)) return undefined
    const key = pushedRequests.key(yield* issuer.secrets.hash(uri.slice(prefix.length)))
    const found = pushedRequests.read(yield* issuer.store.get(key))
    if (found._tag !== "Live" || found.value.clientId !== client.id) return yield* bad
    const taken = yield* issuer.store.takeOnce(key)
    return taken._tag === "Live" ? found.value : yield* bad
  })

const bad = Refusal.make("invalid_request_uri", "The request is not there, or no longer.")
