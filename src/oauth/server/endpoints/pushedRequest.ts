/** Where a client sends its request ahead (RFC 9126). */
import * as Effect from "effect/Effect"
import * as authorizationRequest from "../authorizationRequest.ts"
import { clientAuthentication } from "../checks/clientAuthentication.ts"
import { nextNonce, proof } from "../checks/proof.ts"
import { redirectUri } from "../checks/redirectUri.ts"
import * as http from "../http.ts"
import type { Endpoint, Handler } from "../issuer.ts"
import * as parameters from "../parameters.ts"
import * as pushedRequests from "../pushedRequests.ts"
import * as Refusal from "../Refusal.ts"

const path = "/par"

const handle: Handler = (issuer, request) =>
  Effect.gen(function*() {
    const form = yield* parameters.ofForm(request)
    const client = yield* clientAuthentication(issuer, request, form)
    if (form.has("request_uri")) {
      return yield* Refusal.make("invalid_request", "A request that is elsewhere is not taken.")
    }
    const jkt = yield* proof(issuer, request, path)
    const target = yield* redirectUri(client, form)
    const checked = yield* authorizationRequest.check(issuer, client, target, form, jkt)
    return http.json(
      {
        request_uri: yield* pushedRequests.put(issuer, checked),
        expires_in: Math.floor(issuer.lifetimes.pushedRequest / 1000)
      },
      { status: 201, headers: yield* nextNonce(issuer) }
    )
  })

export const pushedRequest: Endpoint = { path, methods: { POST: handle }, audience: "program" }
