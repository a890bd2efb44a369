/** What each module does. */
import * as again from "./bodies/again.ts"
import * as codes from "./bodies/codes.ts"
import * as discovery from "./bodies/discovery.ts"
import * as logout from "./bodies/logout.ts"
import * as requests from "./bodies/requests.ts"
import * as userinfo from "./bodies/userinfo.ts"
import type { Body } from "./module.ts"
import type { Name } from "./plans.ts"

export const bodies: { readonly [name in Name]: Body } = {
  "oidcc-server": requests.server,
  "oidcc-response-type-missing": requests.withoutResponseType,
  "oidcc-idtoken-signature": requests.idTokenSignature,
  "oidcc-idtoken-unsigned": requests.idTokenUnsigned,
  "oidcc-userinfo-get": userinfo.get,
  "oidcc-userinfo-post-header": userinfo.postHeader,
  "oidcc-userinfo-post-body": userinfo.postBody,
  "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": requests.withoutNonce,
  "oidcc-scope-profile": userinfo.scope("profile"),
  "oidcc-scope-email": userinfo.email,
  "oidcc-scope-address": userinfo.scope("address"),
  "oidcc-scope-phone": userinfo.scope("phone"),
  "oidcc-scope-all": userinfo.scope("email phone address profile"),
  "oidcc-alternate-happy-flow": userinfo.alternate,
  "oidcc-display-page": requests.withParams({ display: "page" }),
  "oidcc-display-popup": requests.withParams({ display: "popup" }),
  "oidcc-prompt-login": again.promptLogin,
  "oidcc-prompt-none-not-logged-in": again.promptNoneNotLoggedIn,
  "oidcc-prompt-none-logged-in": again.promptNoneLoggedIn,
  "oidcc-max-age-1": again.maxAge1,
  "oidcc-max-age-10000": again.maxAge10000,
  "oidcc-ensure-request-with-unknown-parameter-succeeds": requests.withParams({ extra: "foobar" }),
  "oidcc-id-token-hint": again.idTokenHint,
  "oidcc-login-hint": requests.loginHint,
  "oidcc-ui-locales": requests.withParams({ ui_locales: "se" }),
  "oidcc-claims-locales": requests.withParams({ claims_locales: "se" }),
  "oidcc-ensure-request-with-acr-values-succeeds": requests.acrValues,
  "oidcc-codereuse": codes.reuse,
  "oidcc-codereuse-30seconds": codes.reuseLater,
  "oidcc-ensure-registered-redirect-uri": requests.unregisteredRedirectUri,
  "oidcc-ensure-post-request-succeeds": requests.postRequest,
  "oidcc-server-client-secret-post": requests.withPost,
  "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": requests.requestUri,
  "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": requests.requestObject,
  "oidcc-claims-essential": userinfo.essential,
  "oidcc-ensure-request-object-with-redirect-uri": requests.requestObjectRedirectUri,
  "oidcc-refresh-token": codes.refreshToken,
  "oidcc-ensure-request-with-valid-pkce-succeeds": requests.withParams({}),
  "oidcc-discovery-endpoint-verification": discovery.configuration,
  "oidcc-rp-initiated-logout-discovery-endpoint-verification": discovery.endSession,
  ...logout.all
}
