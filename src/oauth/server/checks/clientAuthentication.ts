import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import * as assertions from "../assertions.ts"
import type * as Client from "../Client.ts"
import type { Failure, Issuer } from "../issuer.ts"
import * as limits from "../limits.ts"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"
import { equal } from "../secrets.ts"

/** What a request shows of its client. */
interface Shown {
  readonly method: Client.AuthenticationMethod
  readonly clientId: string
  readonly secret: string
}

/** T3, T4: that the client is who it says, shown in the one way it is registered with. */
export const clientAuthentication = Effect.fnUntraced(function*(
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest,
  parameters: Parameters
): Effect.fn.Return<Client.Client, Failure> {
  const shown = yield* read(request.headers.authorization, parameters)
  const address = issuer.addressOf(request)
  if (shown.method === "none") return (yield* find(issuer, shown, address)) ?? (yield* unknown)
  const guesser = { what: "client", clientId: shown.clientId, address }
  yield* limits.check(issuer, guesser)
  // What could not be looked at is shown as little as what is wrong.
  const client = yield* Effect.tapErrorTag(
    find(issuer, shown, address),
    "Refusal",
    ({ retryAfter }) => retryAfter === undefined ? limits.failed(issuer, guesser) : Effect.void
  )
  if (client !== undefined) return client
  yield* limits.failed(issuer, guesser)
  return yield* unknown
})

const unknown = Refusal.make("invalid_client", "The client is not known, or has not shown who it is.")

/** Undefined for one that is not known, or has not shown who it is. */
const find = Effect.fnUntraced(function*(
  issuer: Issuer,
  shown: Shown,
  address: string | undefined
): Effect.fn.Return<Client.Client | undefined, Failure> {
  const client = yield* issuer.client(shown.clientId, address)
  if (client === undefined || shown.method !== client.authentication) return undefined
  const proof = isProven(issuer, client, shown)
  const isProved = client.origin === "configured" || client.jwksUri === undefined || address === undefined
    ? proof
    : ofStranger(issuer, address, proof)
  return (yield* isProved) ? client : undefined
})

/**
 * Clients that anybody can introduce name the place of their keys: whoever is wrong as one of them too often may have
 * nothing fetched as any.
 */
const ofStranger = Effect.fnUntraced(function*(
  issuer: Issuer,
  address: string,
  proof: Effect.Effect<boolean, Failure>
): Effect.fn.Return<boolean, Failure> {
  const guesser = { what: "client", clientId: undefined, address }
  yield* limits.check(issuer, guesser)
  const isProved = yield* Effect.tapErrorTag(proof, "Refusal", () => limits.count(issuer, guesser))
  if (!isProved) yield* limits.count(issuer, guesser)
  return isProved
})

const isProven = (
  issuer: Issuer,
  client: Client.Client,
  { method, secret }: Shown
): Effect.Effect<boolean, Failure> => {
  switch (method) {
    case "none":
      return Effect.succeed(true)
    case "client_secret_basic":
    case "client_secret_post":
      return Effect.map(
        issuer.secrets.hash(secret),
        (hash) => client.secretHash !== undefined && equal(hash, client.secretHash)
      )
    case "private_key_jwt":
      return assertions.isOfClient(issuer, client, secret)
  }
}

const read = (authorization: string | undefined, parameters: Parameters): Effect.Effect<Shown, Refusal.Refusal> => {
  const clientId = parameters.get("client_id")
  const secret = parameters.get("client_secret")
  const assertion = parameters.get("client_assertion")
  const ways = [authorization, secret, assertion ?? parameters.get("client_assertion_type")]
  if (ways.filter((way) => way !== undefined).length > 1) {
    return Effect.fail(Refusal.make("invalid_request", "The client shows who it is in more than one way."))
  }
  if (authorization !== undefined) {
    const basic = readBasic(authorization)
    if (basic === undefined) return Effect.fail(unreadable)
    return clientId === undefined || clientId === basic.clientId
      ? Effect.succeed({ method: "client_secret_basic", ...basic })
      : Effect.fail(Refusal.make("invalid_request", "client_id is not the client that shows who it is."))
  }
  if (assertion !== undefined) {
    const issued = assertions.subjectOf(assertion)
    if (parameters.get("client_assertion_type") !== assertions.type || issued === undefined) {
      return Effect.fail(unreadable)
    }
    return clientId === undefined || clientId === issued
      ? Effect.succeed({ method: "private_key_jwt", clientId: issued, secret: assertion })
      : Effect.fail(Refusal.make("invalid_request", "client_id is not the client that shows who it is."))
  }
  if (clientId === undefined) return Effect.fail(Refusal.make("invalid_client", "The client does not say who it is."))
  return Effect.succeed(
    secret === undefined
      ? { method: "none", clientId, secret: "" }
      : { method: "client_secret_post", clientId, secret }
  )
}

const unreadable = Refusal.make("invalid_client", "How the client shows who it is cannot be read.")

/** RFC 6749, 2.3.1: both halves as a form encodes them. */
const readBasic = (header: string): { readonly clientId: string; readonly secret: string } | undefined => {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/iu.exec(header)?.[1]
  const decoded = encoded === undefined ? undefined : decode(encoded)
  if (decoded === undefined) return undefined
  const colon = decoded.indexOf(":")
  if (colon < 1) return undefined
  try {
    return { clientId: ofForm(decoded.slice(0, colon)), secret: ofForm(decoded.slice(colon + 1)) }
  } catch {
    return undefined
  }
}

/** `atob` takes a sixth of the time, but knows no UTF-8, and takes texts that lack their end. */
const decode = (encoded: string): string | undefined => {
  if (encoded.length % 4 !== 0) return undefined
  const bytes = atob(encoded)
  return /^\p{ASCII}*$/u.test(bytes) ? bytes : Result.getOrUndefined(Base64.decodeString(encoded))
}

const ofForm = (text: string): string => /[%+]/u.test(text) ? decodeURIComponent(text.replaceAll("+", " ")) : text
