/** The modules of the OpenID suite on our own server. */
import { engine } from "../../server/ownEngine.ts"
import type { Outcome } from "./plans.ts"
import { suite } from "./suite.ts"

const errorPage: Outcome = { verdict: "review", remarks: ["an error page, 400"] }
const skipped = (why: string): Outcome => ({ verdict: "skipped", remarks: [why] })

suite(engine, {
  "oidcc-idtoken-unsigned": skipped("there are no unsigned ID tokens"),
  "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": skipped(
    "the answer is request_uri_not_supported"
  ),
  "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": skipped(
    "the answer is request_not_supported"
  ),
  "oidcc-ensure-request-with-acr-values-succeeds": { verdict: "warning", remarks: ["no acr that was asked for"] },
  "oidcc-ensure-request-object-with-redirect-uri": errorPage,
  "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": errorPage,
  "oidcc-rp-initiated-logout-modified-id-token-hint": errorPage,
  "oidcc-rp-initiated-logout-no-id-token-hint": { verdict: "review", remarks: ["asks, and stays when it is told yes"] },
  "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": errorPage,
  "oidcc-rp-initiated-logout-bad-id-token-hint": errorPage
})
