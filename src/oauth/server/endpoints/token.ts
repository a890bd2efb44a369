/** Where tokens are given out (RFC 6749, 3.2). */
import * as Effect from "effect/Effect"
import { clientAuthentication } from "../checks/clientAuthentication.ts"
import { grantType } from "../checks/grantType.ts"
import { nextNonce, proof, required } from "../checks/proof.ts"
import * as http from "../http.ts"
import type { Endpoint, Handler } from "../issuer.ts"
import * as parameters from "../parameters.ts"

const path = "/token"

const handle: Handler = Effect.fnUntraced(function*(issuer, request) {
  const form = yield* parameters.ofForm(request)
  const client = yield* clientAuthentication(issuer, request, form)
  const grant = yield* grantType(issuer, client, form)
  const jkt = yield* proof(issuer, request, path)
  yield* required(client, jkt)
  const tokens = yield* grant.run({ issuer, client, parameters: form, jkt })
  return http.json(tokens, { headers: yield* nextNonce(issuer) })
})

export const token: Endpoint = { path, methods: { POST: handle }, audience: "program" }
