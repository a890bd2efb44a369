/**
 * What an authorization server says of itself (RFC 8414, OpenID Connect Discovery), and where it says that.
 */
import * as Schema from "effect/Schema"

const strings = Schema.optionalKey(Schema.Array(Schema.String))
const text = Schema.optionalKey(Schema.String)
const flag = Schema.optionalKey(Schema.Boolean)

/** As much of it as clients need. @category schemas @since 0.1.0 */
export const AuthorizationServer = Schema.Struct({
  issuer: Schema.String,
  authorization_endpoint: text,
  token_endpoint: text,
  registration_endpoint: text,
  revocation_endpoint: text,
  jwks_uri: text,
  scopes_supported: strings,
  response_types_supported: strings,
  grant_types_supported: strings,
  token_endpoint_auth_methods_supported: strings,
  token_endpoint_auth_signing_alg_values_supported: strings,
  code_challenge_methods_supported: strings,
  authorization_response_iss_parameter_supported: flag,
  client_id_metadata_document_supported: flag,
  dpop_signing_alg_values_supported: strings
})

/** @category models @since 0.1.0 */
export type AuthorizationServer = typeof AuthorizationServer.Type

/**
 * Where the metadata of an issuer may be, in the order to look. What is there is only of this issuer if it names it, to
 * the letter.
 *
 * @category addresses
 * @since 0.1.0
 */
export const locations = (issuer: string): ReadonlyArray<string> => {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/u, "")
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    ...(path === "" ? [] : [`${origin}${path}/.well-known/openid-configuration`])
  ]
}
