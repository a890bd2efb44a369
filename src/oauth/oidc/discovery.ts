/** What the server says of itself to clients of OpenID Connect (Discovery, 3). Nothing is in it that is not so. */
import * as Effect from "effect/Effect"
import type { Extension } from "../server/issuer.ts"
import type { Catalog } from "./claims.ts"
import { path as logoutPath } from "./logout.ts"
import { path as userInfoPath } from "./userInfo.ts"

const suffix = "/.well-known/openid-configuration"

/** OpenID Connect appends to the path of the issuer, and RFC 8414 inserts before it. */
export const paths: Extension["metadataPaths"] = (issuer) => {
  const path = new URL(issuer).pathname.replace(/\/$/u, "")
  return [path + suffix, suffix + path]
}

export const metadata = ({ scopes }: Catalog): Extension["metadata"] => ({ at, keys }) =>
  Effect.map(keys.algorithms, (algorithms) => ({
    userinfo_endpoint: at(userInfoPath),
    end_session_endpoint: at(logoutPath),
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: algorithms,
    prompt_values_supported: ["none", "login", "consent", "select_account"],
    claim_types_supported: ["normal"],
    claims_supported: ["sub", "auth_time", ...[...scopes.values()].flat()],
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false
  }))
