/**
 * Who a client is to an authorization server: what a person has arranged, else the address of its own metadata, else
 * what the server gives out to whoever registers, else what a person is asked for. What was registered is kept by
 * issuer, for no other knows it.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as ClientMetadata from "../ClientMetadata.ts"
import * as OAuthError from "../OAuthError.ts"
import * as RedirectUri from "../RedirectUri.ts"
import * as authentication from "./authentication.ts"
import type * as Credentials from "./Credentials.ts"
import * as endpoints from "./endpoints.ts"
import * as grant from "./grant.ts"

export interface Options {
  readonly credentials: ReadonlyArray<Credentials.Credentials>
  readonly clientMetadataUrl: string | undefined
  readonly metadata: ClientMetadata.ClientMetadata
  readonly ask: ((issuer: string) => Effect.Effect<Credentials.Credentials, OAuthError.OAuthError>) | undefined
}

type Result<A> = Effect.Effect<A, OAuthError.OAuthError>

/** What an authorization server has registered us as. */
const Registered = Schema.Struct({
  clientId: Schema.String,
  clientSecret: Schema.optionalKey(Schema.RedactedFromValue(Schema.String)),
  /** Milliseconds since 1970. */
  expiresAt: Schema.optionalKey(Schema.Finite),
  method: Schema.optionalKey(Schema.String),
  redirectUris: Schema.Array(Schema.String)
})

type Registered = typeof Registered.Type

const Stored = Schema.fromJsonString(Registered)

const keyOf = (issuer: string): string => `client/${issuer}`

/** Undefined where there is none, it has expired, or cannot be read any more. */
const stored = ({ server, services, store }: grant.Target): Result<Registered | undefined> =>
  Effect.map(store.get(keyOf(server.issuer)), (text) => {
    const found = text === undefined ? undefined : Schema.decodeUnknownOption(Stored)(Redacted.value(text))
    if (found?._tag !== "Some") return undefined
    const { expiresAt } = found.value
    return expiresAt === undefined || expiresAt > services.clock.currentTimeMillisUnsafe() ? found.value : undefined
  })

/** Where the codes of this client may go, if that has been settled: a registration is good for no other address. */
export const redirectUris = (target: grant.Target): Result<ReadonlyArray<string>> =>
  Effect.map(stored(target), (found) => found?.redirectUris ?? [])

/** It is not known there any more. */
export const forget = ({ server, store }: grant.Target): Result<void> => store.remove(keyOf(server.issuer))

/** `redirectUri` is where codes are to go; without it nobody is registered anew, and what was is taken. */
export const identify = (
  target: grant.Target,
  options: Options,
  redirectUri: string | undefined
): Result<endpoints.Client> =>
  Effect.gen(function*() {
    const { server, services } = target
    const { clientMetadataUrl } = options
    if (options.credentials.length > 0) {
      return yield* authentication.prepare(services, server, yield* grant.choose(target, options.credentials))
    }
    if (clientMetadataUrl !== undefined && server.client_id_metadata_document_supported === true) {
      return yield* authentication.prepare(services, server, { clientId: clientMetadataUrl }, "none")
    }
    const known = yield* stored(target)
    if (
      known !== undefined
      && (redirectUri === undefined || known.redirectUris.some((uri) => RedirectUri.matches(uri, redirectUri)))
    ) return yield* authentication.prepare(services, server, known, known.method)
    if (server.registration_endpoint !== undefined && redirectUri !== undefined) {
      const made = yield* register(target, options.metadata, redirectUri)
      return yield* authentication.prepare(services, server, made, made.method)
    }
    if (options.ask !== undefined) {
      return yield* authentication.prepare(services, server, yield* options.ask(server.issuer))
    }
    return yield* OAuthError.make(new OAuthError.NotRegistered({ issuer: server.issuer }))
  })

const register = (
  { server, services, store }: grant.Target,
  metadata: ClientMetadata.ClientMetadata,
  redirectUri: string
): Result<Registered> =>
  Effect.gen(function*() {
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"]
    const wanted: ClientMetadata.ClientMetadata = {
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: ["none", ...methods].find((method) => methods.includes(method))!,
      application_type: ClientMetadata.applicationType([redirectUri]),
      ...metadata,
      redirect_uris: [redirectUri]
    }
    const given = yield* endpoints.register(services, server, wanted)
    const expires = given.client_secret_expires_at ?? 0
    const registered: Registered = {
      clientId: given.client_id,
      ...(given.client_secret === undefined ? undefined : { clientSecret: Redacted.make(given.client_secret) }),
      ...(expires === 0 ? undefined : { expiresAt: expires * 1000 }),
      ...(given.token_endpoint_auth_method === undefined ? undefined : { method: given.token_endpoint_auth_method }),
      redirectUris: [redirectUri]
    }
    yield* store.set(keyOf(server.issuer), Redacted.make(Schema.encodeSync(Stored)(registered)))
    return registered
  })
