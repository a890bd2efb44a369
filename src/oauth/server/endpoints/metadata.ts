/** What the server says of itself (RFC 8414). Nothing is in it that is not so. */
import * as Effect from "effect/Effect"
import * as Dpop from "../../Dpop.ts"
import { algorithms as assertionAlgorithms } from "../assertions.ts"
import { offlineAccess } from "../checks/scope.ts"
import * as http from "../http.ts"
import * as identityAssertions from "../identityAssertions.ts"
import type { Handler, Issuer } from "../issuer.ts"

const maxAge = 300

export const describe = (issuer: Issuer): Effect.Effect<{ readonly [member: string]: unknown }> =>
  Effect.gen(function*() {
    const { at, extensions, features, grantTypes, resources } = issuer
    const authentication = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
    const confidential = authentication.slice(1)
    const scopes = new Set([
      ...[...resources.values()].flatMap(({ scopes }) => [...scopes.keys()]),
      offlineAccess,
      ...extensions.flatMap(({ scopes }) => [...scopes.keys()])
    ])
    return Object.assign(
      {
        issuer: issuer.url,
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        revocation_endpoint: at("/revoke"),
        introspection_endpoint: at("/introspect"),
        pushed_authorization_request_endpoint: at("/par"),
        jwks_uri: at("/jwks"),
        ...(features.deviceFlow ? { device_authorization_endpoint: at("/device_authorization") } : undefined),
        ...(features.registration ? { registration_endpoint: at("/register") } : undefined),
        scopes_supported: [...scopes],
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: [...grantTypes.keys()],
        code_challenge_methods_supported: ["S256"],
        token_endpoint_auth_methods_supported: authentication,
        token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
        dpop_signing_alg_values_supported: Dpop.algorithms,
        revocation_endpoint_auth_methods_supported: authentication,
        introspection_endpoint_auth_methods_supported: confidential,
        authorization_response_iss_parameter_supported: true,
        ...(features.metadataDocuments ? { client_id_metadata_document_supported: true } : undefined),
        ...(features.readsLetters
          ? { authorization_grant_profiles_supported: [identityAssertions.profile] }
          : undefined),
        ...(features.writesLetters
          ? { identity_chaining_requested_token_types_supported: [identityAssertions.tokenType] }
          : undefined),
        protected_resources: [...resources.keys()]
      },
      ...yield* Effect.forEach(extensions, ({ metadata }) => metadata(issuer))
    )
  })

export const handle: Handler = (issuer) => Effect.map(describe(issuer), (document) => http.document(document, maxAge))

/** Paths of the host, and not below the issuer: RFC 8414 inserts its own before the path of the issuer. */
export const paths = ({ extensions, url }: Pick<Issuer, "extensions" | "url">): ReadonlyArray<string> => {
  const path = new URL(url).pathname.replace(/\/$/u, "")
  const suffix = "/.well-known/oauth-authorization-server"
  return [...new Set([suffix + path, path + suffix, ...extensions.flatMap(({ metadataPaths }) => metadataPaths(url))])]
}
