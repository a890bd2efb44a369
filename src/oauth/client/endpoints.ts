/**
 * Requests to an authorization server: `oauth4webapi` writes and reads them, `SafeFetch` carries them, and what goes
 * wrong becomes an `OAuthError`.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as oauth from "oauth4webapi"
import * as Concealing from "../../core/Concealing.ts"
import * as ClientMetadata from "../ClientMetadata.ts"
import type * as Metadata from "../Metadata.ts"
import * as OAuthError from "../OAuthError.ts"
import * as SafeFetch from "../SafeFetch.ts"
import type * as Token from "../Token.ts"
import type * as dpop from "./dpop.ts"

export interface Services {
  readonly clock: Clock.Clock
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly safe: SafeFetch.SafeFetch["Service"]
}

type Result<A> = Effect.Effect<A, OAuthError.OAuthError>

/** A client as it shows itself to one authorization server. */
export interface Client {
  readonly id: string
  readonly secret: Redacted.Redacted<string> | undefined
  readonly authenticate: oauth.ClientAuth
}

export interface TokenRequest {
  readonly services: Services
  readonly server: Metadata.AuthorizationServer
  readonly client: Client
  readonly dpop: dpop.Dpop | undefined
  readonly parameters: Parameters
}

export type Parameters = { readonly [name: string]: string | undefined }

export interface Code {
  /** Judged by `authorizationResponse`. */
  readonly callback: URLSearchParams
  readonly redirectUri: string
  /** Undefined where the request for it had no challenge. */
  readonly verifier: string | undefined
}

/** What a token endpoint has given out. */
export interface Granted {
  readonly token: Token.Token
  /** Nothing of it has been checked. */
  readonly idToken: Redacted.Redacted | undefined
}

/** A code for a token. */
export const codeGrant = (request: TokenRequest, code: Code): Result<Token.Token> =>
  Effect.map(loginGrant(request, code), toToken)

/** Likewise, for whoever asks who the user is. */
export const loginGrant = (request: TokenRequest, code: Code): Result<Granted> =>
  granted(request, (options) =>
    oauth.authorizationCodeGrantRequest(
      request.server as oauth.AuthorizationServer,
      { client_id: request.client.id },
      request.client.authenticate,
      code.callback,
      code.redirectUri,
      code.verifier ?? oauth.nopkce,
      { ...options, additionalParameters: present(request.parameters) }
    ))

export const refreshGrant = (request: TokenRequest, refresh: Redacted.Redacted<string>): Result<Token.Token> =>
  token(request, (options) =>
    oauth.refreshTokenGrantRequest(
      request.server as oauth.AuthorizationServer,
      { client_id: request.client.id },
      request.client.authenticate,
      Redacted.value(refresh),
      { ...options, additionalParameters: present(request.parameters) }
    ))

/** `client_credentials`, and the grants that extend OAuth. */
export const otherGrant = (request: TokenRequest, grantType: string): Result<Token.Token> =>
  token(request, (options) =>
    oauth.genericTokenEndpointRequest(
      request.server as oauth.AuthorizationServer,
      { client_id: request.client.id },
      request.client.authenticate,
      grantType,
      present(request.parameters),
      options
    ))

/** What came back with the user: a code from this issuer to this request, or an error. */
export const authorizationResponse = (
  server: Metadata.AuthorizationServer,
  clientId: string,
  callback: URLSearchParams,
  state: string
): Result<URLSearchParams> =>
  Effect.suspend(() => {
    const told = [state, ...callback.getAll("code")]
    // Before anything else that it says: who says it (RFC 9207).
    const issuers = callback.getAll("iss")
    const isDue = server.authorization_response_iss_parameter_supported === true
    if (
      issuers.length > 1 || (issuers.length === 0 && isDue) || (issuers.length === 1 && issuers[0] !== server.issuer)
    ) {
      return Effect.fail(OAuthError.make(
        new OAuthError.IssuerMismatch({
          expected: server.issuer,
          ...(issuers.length === 0 ? undefined : { found: printable(issuers.join(" "), told) }),
          where: "authorization response"
        })
      ))
    }
    return Effect.try({
      try: () =>
        oauth.validateAuthResponse(server as oauth.AuthorizationServer, { client_id: clientId }, callback, state),
      catch: (error) =>
        error instanceof oauth.AuthorizationResponseError
          ? refusal(server, "authorization", error.error, error.error_description, told)
          : malformed(`the authorization response of ${server.issuer}`, error)
    })
  })

/** Introduces a client (RFC 7591). */
export const register = (
  { safe }: Services,
  server: Metadata.AuthorizationServer,
  metadata: ClientMetadata.ClientMetadata
): Result<ClientMetadata.Registration> => {
  const url = server.registration_endpoint!
  return Effect.gen(function*() {
    const { status, text } = yield* Effect.mapError(
      safe.fetch({
        url,
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(metadata)
      }),
      failed
    )
    // The standard says 201; some say 200.
    if (status !== 200 && status !== 201) return yield* errorIn(server, "registration", url, status, text, [])
    return yield* decode(Registration, text, url)
  })
}

const Registration = Schema.fromJsonString(ClientMetadata.Registration)

/** A document of JSON; undefined where there is none. */
export const document = <A>(
  { safe }: Services,
  schema: Schema.Codec<A, string>,
  url: string,
  useCache: boolean
): Result<A | undefined> =>
  Effect.gen(function*() {
    const { status, text } = yield* Effect.mapError(
      safe.fetch({ url, headers: { accept: "application/json" }, useCache }),
      failed
    )
    if (status >= 500 || status === 429) return yield* OAuthError.make(new OAuthError.HttpStatus({ url, status }))
    return status === 200 ? yield* decode(schema, text, url) : undefined
  })

/** Without the words of the schema, which would quote what may be a secret. */
const decode = <A>(schema: Schema.Codec<A, string>, text: string, url: string): Result<A> =>
  Effect.mapError(
    Schema.decodeUnknownEffect(schema)(text),
    () => OAuthError.make(new OAuthError.Malformed({ from: url, message: `${url} is not what it has to be` }))
  )

export const failed = (error: SafeFetch.SafeFetchError): OAuthError.OAuthError =>
  OAuthError.make(new OAuthError.Failed({ error }))

// ----------------------------------------------------------------------------
// token requests
// ----------------------------------------------------------------------------

interface RequestOptions {
  readonly [oauth.customFetch]: (url: string, options: FetchOptions) => Promise<Response>
  readonly [oauth.allowInsecureRequests]: true
  readonly signal: AbortSignal
  readonly DPoP?: oauth.DPoPHandle
}

interface FetchOptions {
  readonly body: URLSearchParams
  readonly headers: Record<string, string>
  readonly method: "POST"
}

const token = (
  request: TokenRequest,
  send: (options: RequestOptions) => Promise<Response>
): Result<Token.Token> => Effect.map(granted(request, send), toToken)

const toToken = ({ token }: Granted): Token.Token => token

/** Sends it, and once more where the server wants its nonce in the proof (RFC 9449, 8). */
const granted = (
  request: TokenRequest,
  send: (options: RequestOptions) => Promise<Response>
): Result<Granted> => {
  const { client, dpop, server, services } = request
  const url = server.token_endpoint
  if (url === undefined) {
    return Effect.fail(OAuthError.make(
      new OAuthError.NotSupported({ issuer: server.issuer, message: `${server.issuer} has no token endpoint` })
    ))
  }
  const once = Effect.gen(function*() {
    const told: Array<string> = client.secret === undefined ? [] : [Redacted.value(client.secret)]
    const context = yield* Effect.context<never>()
    const startedAt = services.clock.currentTimeMillisUnsafe()
    let text = ""
    const response = yield* Effect.tryPromise({
      try: (signal) =>
        send({
          [oauth.customFetch]: async (url, { body, headers, method }) => {
            told.push(...secretsIn(headers, body))
            const fetching = services.safe.fetch({ url, method, headers, body: body.toString() })
            const exit = await Effect.runPromiseExitWith(context)(fetching, { signal })
            if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
            text = exit.value.text
            return toResponse(exit.value)
          },
          // Which of them may go without TLS is for `SafeFetch` to say.
          [oauth.allowInsecureRequests]: true,
          signal,
          ...(dpop === undefined ? undefined : { DPoP: dpop.handle })
        }),
      catch: (error) => error instanceof SafeFetch.SafeFetchError ? failed(error) : malformed(url, error)
    })
    // Some say no with a status that says yes.
    if (response.status !== 200 || errorOf(text) !== undefined) {
      return yield* errorIn(server, "token", url, response.status, text, told)
    }
    const body = yield* Effect.tryPromise({
      try: () =>
        oauth.processGenericTokenEndpointResponse(
          server as oauth.AuthorizationServer,
          { client_id: client.id },
          response,
          {
            // What an identity provider gives out is no token to be sent (RFC 8693, 2.2.1).
            recognizedTokenTypes: { n_a: () => {} }
          }
        ),
      catch: (error) => malformed(url, error)
    })
    return { token: tokenOf(body, startedAt), idToken: idTokenOf(text) }
  })
  return dpop === undefined ? once : Effect.catchIf(once, wantsNonce, () => once)
}

/** What of a request is not to be said again. */
const secretsIn = (headers: FetchOptions["headers"], body: URLSearchParams): ReadonlyArray<string> => [
  ...secretParameters.flatMap((name) => body.getAll(name)),
  ...[headers.authorization?.replace(/^Basic /u, ""), headers.dpop].flatMap((text) => text ?? [])
]

const secretParameters = [
  "code",
  "code_verifier",
  "refresh_token",
  "client_secret",
  "client_assertion",
  "assertion",
  "subject_token"
]

const wantsNonce = ({ reason }: OAuthError.OAuthError): boolean =>
  reason._tag === "Refused" && reason.code === "use_dpop_nonce"

/** Without what of it is of the connection, and without an id token, which `oauth4webapi` would check by its own clock. */
const toResponse = ({ headers, status, text }: SafeFetch.Response): Response => {
  const { "content-encoding": _, "content-length": __, ...own } = headers
  return new Response(status === 204 || status === 205 || status === 304 ? null : withoutIdToken(text), {
    status,
    headers: own as Record<string, string>
  })
}

const withoutIdToken = (text: string): string => {
  if (!text.includes("\"id_token\"")) return text
  try {
    const { id_token: _, ...body } = JSON.parse(text) as { readonly [name: string]: unknown }
    return JSON.stringify(body)
  } catch {
    return text
  }
}

const idTokenOf = (text: string): Redacted.Redacted | undefined => {
  const { id_token: idToken } = JSON.parse(text) as { readonly id_token?: unknown }
  return typeof idToken === "string" ? Redacted.make(idToken) : undefined
}

const tokenOf = (response: oauth.TokenEndpointResponse, now: number): Token.Token => ({
  access: Redacted.make(response.access_token),
  type: response.token_type === "dpop" ? "DPoP" : "Bearer",
  ...(response.expires_in === undefined ? undefined : timesOf(now, response.expires_in * 1000)),
  ...(response.refresh_token === undefined ? undefined : { refresh: Redacted.make(response.refresh_token) }),
  ...(response.scope === undefined ? undefined : { scopes: response.scope.split(" ").filter((scope) => scope !== "") })
})

/** Requests take their time, and clocks differ; of a token that does not last, half is to be used. */
const timesOf = (now: number, lasts: number): Pick<Token.Token, "expiresAt" | "renewAt"> => ({
  expiresAt: now + lasts,
  renewAt: now + lasts - Math.min(margin, lasts / 2)
})

/** Milliseconds. */
const margin = 30_000

const ErrorBody = Schema.fromJsonString(Schema.Struct({
  error: Schema.String,
  error_description: Schema.optionalKey(Schema.String)
}))

const errorOf = (text: string): typeof ErrorBody.Type | undefined =>
  text.includes("\"error\"") ? Option.getOrUndefined(Schema.decodeUnknownOption(ErrorBody)(text)) : undefined

const errorIn = (
  server: Metadata.AuthorizationServer,
  endpoint: OAuthError.Refused["endpoint"],
  url: string,
  status: number,
  text: string,
  told: ReadonlyArray<string>
): Effect.Effect<never, OAuthError.OAuthError> => {
  const body = errorOf(text)
  return Effect.fail(
    body !== undefined
      ? refusal(server, endpoint, body.error, body.error_description, told)
      : OAuthError.make(new OAuthError.HttpStatus({ url, status }))
  )
}

const refusal = (
  server: Metadata.AuthorizationServer,
  endpoint: OAuthError.Refused["endpoint"],
  code: string,
  description: string | undefined,
  told: ReadonlyArray<string>
): OAuthError.OAuthError =>
  OAuthError.make(
    new OAuthError.Refused({
      issuer: server.issuer,
      endpoint,
      code: printable(code, told),
      ...(description === undefined ? undefined : { description: printable(description, told) })
    })
  )

/** Only `oauth4webapi` is known to quote nothing of an answer; its errors have codes. */
const malformed = (from: string, error: unknown): OAuthError.OAuthError => {
  const problem = error instanceof Error && "code" in error ? error.message : "it cannot be made sense of"
  return OAuthError.make(new OAuthError.Malformed({ from, message: `${from}: ${problem}` }))
}

/** What a stranger says, for a terminal, without what it was told in secret. */
const printable = (text: string, told: ReadonlyArray<string>): string =>
  Concealing.conceal(text, told).replace(/[^\x20-\x7e]+/gu, " ").slice(0, 300)

const present = (parameters: Parameters): URLSearchParams => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) search.set(name, value)
  return search
}
