/**
 * What a client says of itself, when it registers (RFC 7591) and in the document that its id is the address of (Client
 * ID Metadata Document).
 */
import * as Schema from "effect/Schema"
import * as RedirectUri from "./RedirectUri.ts"

const strings = Schema.optionalKey(Schema.Array(Schema.String))
const text = Schema.optionalKey(Schema.String)

/** @category schemas @since 0.1.0 */
export const ClientMetadata = Schema.Struct({
  client_name: text,
  client_uri: text,
  logo_uri: text,
  redirect_uris: strings,
  grant_types: strings,
  response_types: strings,
  token_endpoint_auth_method: text,
  application_type: Schema.optionalKey(Schema.Literals(["native", "web"])),
  scope: text,
  contacts: strings,
  jwks_uri: text,
  jwks: Schema.optionalKey(Schema.Struct({
    keys: Schema.Array(Schema.StructWithRest(Schema.Struct({ kty: Schema.String }), [
      Schema.Record(Schema.String, Schema.Unknown)
    ]))
  })),
  post_logout_redirect_uris: strings,
  id_token_signed_response_alg: text,
  dpop_bound_access_tokens: Schema.optionalKey(Schema.Boolean),
  software_id: text,
  software_version: text
})

/** @category models @since 0.1.0 */
export type ClientMetadata = typeof ClientMetadata.Type

/** What a server answers to a registration; that much of it as a client needs. @category schemas @since 0.1.0 */
export const Registration = Schema.Struct({
  client_id: Schema.String,
  client_secret: text,
  /** Seconds since 1970, and 0 where it does not expire. */
  client_secret_expires_at: Schema.optionalKey(Schema.Finite),
  token_endpoint_auth_method: text
})

/** @category models @since 0.1.0 */
export type Registration = typeof Registration.Type

/**
 * `native` where codes come back to a program on the user's machine: to a loopback address or a scheme of its own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const applicationType = (redirectUris: ReadonlyArray<string>): "native" | "web" =>
  redirectUris.every((uri) => RedirectUri.isLoopback(uri) || !/^https?:/iu.test(uri)) ? "native" : "web"

/** What is wrong with a URL as the id of a client, or undefined. @category guards @since 0.1.0 */
export const problemOfId = (id: string): string | undefined => {
  if (!URL.canParse(id)) return "it is not a URL"
  const url = new URL(id)
  if (url.protocol !== "https:") return "it is not of https:"
  if (url.pathname === "/") return "it has no path"
  if (url.username !== "" || url.password !== "") return "there are credentials in it"
  if (id.includes("#")) return "it has a fragment"
  if (/[/\\](?:\.|%2e){1,2}(?:[/\\?]|$)/iu.test(id)) return "there are dots in its path"
  return url.href === id ? undefined : `it is not written as ${url.href} is`
}
