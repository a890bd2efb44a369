/** Issuers of others whose word counts here. What they have signed is checked with the keys they publish. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Jwks from "../Jwks.ts"
import * as Jwt from "../Jwt.ts"
import type * as SafeFetch from "../SafeFetch.ts"
import { algorithms } from "./assertions.ts"
import type { Failure, Issuer } from "./issuer.ts"
import * as Refusal from "./Refusal.ts"

export interface Options {
  readonly issuer: string
  readonly jwksUri?: string
  readonly keys?: ReadonlyArray<Jwks.Jwk>
}

export interface Trusted<A extends Options> {
  readonly options: A
  readonly keys: Jwks.Keys
}

/** By the name that their tokens give. */
export const make = <A extends Options>(
  all: ReadonlyArray<A>,
  fetch: SafeFetch.SafeFetch["Service"]
): Effect.Effect<ReadonlyMap<string, Trusted<A>>> =>
  Effect.gen(function*() {
    const known = new Map<string, Trusted<A>>()
    for (const options of all) known.set(options.issuer, { options, keys: yield* keysOf(options) })
    return known
  }).pipe(Effect.provideService(HttpClient.HttpClient, clientOf(fetch)))

const keysOf = ({ issuer, jwksUri, keys }: Options): Effect.Effect<Jwks.Keys, never, HttpClient.HttpClient> =>
  keys !== undefined
    ? Effect.succeed(Jwks.fixed(keys))
    : jwksUri === undefined
    ? Jwks.ofIssuer(issuer)
    : Jwks.remote(jwksUri)

/** Addresses come from configuration, but what is there may send on to others. */
const clientOf = ({ fetch }: SafeFetch.SafeFetch["Service"]): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    fetch({ url: url.href, headers: { accept: "application/json" }, useCache: false }).pipe(
      Effect.map(({ status, text }) =>
        HttpClientResponse.fromWeb(request, new Response(status === 200 ? text : null, { status }))
      ),
      Effect.mapError(({ message: description }) =>
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.TransportError({ request, description })
        })
      )
    )
  )

/** The claims of what it has signed for this server, and for no other beside it. */
export const verify = (
  { url }: Pick<Issuer, "url">,
  { keys, options: { issuer } }: Trusted<Options>,
  token: string,
  types?: ReadonlyArray<string>
): Effect.Effect<Jwt.Claims, Failure> =>
  Jwt.verifier({ keys, issuer, algorithms, types }).verify(Redacted.make(token), url).pipe(
    Effect.catchTags({
      JwtError: ({ message }) => Effect.fail(Refusal.make("invalid_grant", `${message}.`)),
      JwksError: ({ message }) =>
        Effect.andThen(
          Effect.logWarning(message),
          Effect.fail(Refusal.make("temporarily_unavailable", "The keys of the issuer cannot be had."))
        )
    }),
    Effect.filterOrFail(
      ({ aud }) => typeof aud === "string" || aud.length === 1,
      () => Refusal.make("invalid_grant", "The token is meant for others besides this server.")
    )
  )
