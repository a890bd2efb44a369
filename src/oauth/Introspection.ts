/**
 * Asking an issuer about a token (RFC 7662).
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as boundedJson from "./boundedJson.ts"

const text = Schema.optionalKey(Schema.String)
const seconds = Schema.optionalKey(Schema.Finite)

/** What the issuer says of a token that is good; there may be more. @category schemas @since 0.1.0 */
export const Active = Schema.StructWithRest(
  Schema.Struct({
    active: Schema.Literal(true),
    scope: text,
    client_id: text,
    token_type: text,
    exp: seconds,
    iat: seconds,
    nbf: seconds,
    sub: text,
    aud: Schema.optionalKey(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
    iss: text
  }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)

/** @category models @since 0.1.0 */
export type Active = typeof Active.Type

/** The issuer has not answered, or not so that it could be understood. @category errors @since 0.1.0 */
export class IntrospectionError
  extends Schema.TaggedError<IntrospectionError>("fastmcp-effect/oauth/Introspection/IntrospectionError")(
    "IntrospectionError",
    { text: Schema.String }
  )
{
  override get message(): string {
    return `The issuer cannot be asked about a token: ${this.text}`
  }
  get isRetryable(): boolean {
    return true
  }
}

/** @category models @since 0.1.0 */
export interface Endpoint {
  readonly url: string
  /** Who asks, as the issuer knows it: an issuer that answered everybody could be tried with guesses. */
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  /** How long it may take. 5 seconds. */
  readonly timeout?: Duration.Input
}

/** Undefined for a token that is not good, for whatever reason. @category requests @since 0.1.0 */
export const introspect = (
  { clientId, clientSecret, timeout = "5 seconds", url }: Endpoint,
  token: Redacted.Redacted
): Effect.Effect<Active | undefined, IntrospectionError, HttpClient.HttpClient> => {
  const failed = (text: string) => Effect.fail(new IntrospectionError({ text }))
  if (!boundedJson.isTrustworthy(url)) return failed(`${url} is not https, so that the token could be read on the way`)
  const request = HttpClientRequest.post(url).pipe(
    HttpClientRequest.acceptJson,
    HttpClientRequest.basicAuth(encodeURIComponent(clientId), encodeURIComponent(Redacted.value(clientSecret))),
    HttpClientRequest.bodyUrlParams({ token: Redacted.value(token), token_type_hint: "access_token" })
  )
  return boundedJson.fetch(request, { timeout, maxBytes: 1 << 18 }).pipe(
    Effect.mapError((text) => new IntrospectionError({ text })),
    Effect.flatMap(({ status, value }) => {
      // 401 and 403 are about this program's own credentials, not about the caller's.
      if (status !== 200) return failed(`${url} answered with HTTP ${status}`)
      if (value?.active === false) return Effect.succeed(undefined)
      return Effect.mapError(
        decode(value),
        () => new IntrospectionError({ text: `${url} does not answer as RFC 7662 has it` })
      )
    })
  )
}

const decode = SchemaParser.decodeUnknownEffect(Active)
