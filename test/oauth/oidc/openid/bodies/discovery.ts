/** Modules that read the metadata. The suite wants https; on this machine it is the address of the issuer. */
import { assert } from "vitest"
import { type At, type Body, endpoint, listed } from "../module.ts"

const isOwn = (at: At, name: string) =>
  assert.strictEqual(new URL(endpoint(at, name)).origin, new URL(at.issuer).origin)

const areOwn = (at: At) => {
  for (const name of Object.keys(at.metadata)) if (name.endsWith("_endpoint")) isOwn(at, name)
}

/** Of the members that the suite has heard of, those of OpenID Connect and OAuth. */
const known = new Set([
  ..."issuer jwks_uri jwks signed_jwks_uri signed_metadata mtls_endpoint_aliases protected_resources".split(" "),
  ..."service_documentation op_policy_uri op_tos_uri check_session_iframe require_request_uri_registration".split(" "),
  ..."claims_parameter_supported request_parameter_supported request_uri_parameter_supported".split(" "),
  ..."require_pushed_authorization_requests require_signed_request_object".split(" "),
  ..."tls_client_certificate_bound_access_tokens authorization_response_iss_parameter_supported".split(" "),
  ..."client_id_metadata_document_supported backchannel_user_code_parameter_supported".split(" "),
  ..."frontchannel_logout_supported frontchannel_logout_session_supported".split(" "),
  ..."backchannel_logout_supported backchannel_logout_session_supported".split(" "),
  ..."display_name description keywords contacts logo_uri organization_name organization_uri".split(" "),
  ...["authorization", "token", "userinfo", "registration", "revocation", "introspection", "end_session"].map((name) =>
    `${name}_endpoint`
  ),
  ...["pushed_authorization_request", "device_authorization", "backchannel_authentication", "challenge"].map((name) =>
    `${name}_endpoint`
  ),
  ...["scopes", "response_types", "response_modes", "grant_types", "subject_types", "ui_locales", "claims_locales"].map(
    (name) => `${name}_supported`
  ),
  ...["claims", "claim_types", "display_values", "acr_values", "prompt_values", "code_challenge_methods"].map((name) =>
    `${name}_supported`
  ),
  ...["authorization_details_types", "backchannel_token_delivery_modes", "client_registration_types"].map((name) =>
    `${name}_supported`
  ),
  ...["token", "revocation", "introspection"].flatMap((name) => [
    `${name}_endpoint_auth_methods_supported`,
    `${name}_endpoint_auth_signing_alg_values_supported`
  ]),
  ...["id_token", "userinfo", "request_object", "authorization", "introspection"].flatMap((name) => [
    `${name}_signing_alg_values_supported`,
    `${name}_encryption_alg_values_supported`,
    `${name}_encryption_enc_values_supported`
  ]),
  ...["dpop", "client_attestation", "client_attestation_pop", "backchannel_authentication_request"].map((name) =>
    `${name}_signing_alg_values_supported`
  )
])

const isOfItsKind = (name: string, value: unknown): boolean => {
  if (/_endpoint$|_uri$|^issuer$|^check_session_iframe$/u.test(name)) return URL.canParse(String(value))
  if (/_(values|methods|types|modes|scopes|locales|claims)_supported$|^(scopes|claims)_supported$/u.test(name)) {
    return Array.isArray(value) && value.every((item) => typeof item === "string")
  }
  if (/_supported$|^require_/u.test(name)) return typeof value === "boolean"
  return value !== null
}

export const configuration: Body = async (at) => {
  const { issuer, metadata } = at
  assert.strictEqual(metadata["issuer"], issuer)
  const { hash, password, search, username } = new URL(issuer)
  assert.strictEqual(username + password + search + hash, "")
  assert.isEmpty(Object.keys(metadata).filter((name) => !isOfItsKind(name, metadata[name])))
  const unknown = Object.keys(metadata).filter((name) => !known.has(name))
  at.warn(unknown.length === 0, `metadata that the suite does not know: ${unknown.join(", ")}`)
  const responseTypes = ["code", "code id_token", "id_token", "id_token token", "code id_token token", "code token"]
  assert.isNotEmpty(
    listed(at, "response_types_supported").filter((type) =>
      responseTypes.includes(String(type).split(" ").toSorted().join(" "))
    )
  )
  assert.isNotEmpty(listed(at, "subject_types_supported").filter((type) => type === "public" || type === "pairwise"))
  assert.include(listed(at, "id_token_signing_alg_values_supported"), "RS256")
  at.warn("userinfo_endpoint" in metadata, "no userinfo_endpoint")
  for (const name of ["authorization_endpoint", "token_endpoint", "jwks_uri"]) isOwn(at, name)
  areOwn(at)
  if ("request_object_signing_alg_values_supported" in metadata) {
    const isThere = listed(at, "request_object_signing_alg_values_supported").includes("RS256")
    at.warn(isThere, "no RS256 in request_object_signing_alg_values_supported")
  }
  at.warn(listed(at, "claims_supported").length > 0, "no claims_supported")
  if ("grant_types_supported" in metadata) assert.isNotEmpty(listed(at, "grant_types_supported"))
  if ("scopes_supported" in metadata) assert.include(listed(at, "scopes_supported"), "openid")
  else at.warn(false, "no scopes_supported")
  for (const scope of listed(at, "scopes_supported")) assert.match(String(scope), /^[\x21\x23-\x5b\x5d-\x7e]+$/u)
  for (const name of ["ui_locales_supported", "claims_locales_supported"]) {
    const locales = listed(at, name).map(String)
    at.warn(Intl.getCanonicalLocales(locales).join() === locales.join(), `${name} in another case`)
  }
  listed(at, "code_challenge_methods_supported")
}

export const endSession: Body = async (at) => {
  isOwn(at, "end_session_endpoint")
  areOwn(at)
}
