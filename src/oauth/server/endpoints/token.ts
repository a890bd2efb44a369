/** Where tokens are given out (RFC 6749, 3.2). */
import * as Effect from "effect/Effect"
import { clientAuthentication } from "../checks/clientAuthentication.ts"
import { grantType } from "../checks/grantType.ts"
import * as http from "../http.ts"
import type { Endpoint, Handler } from "../issuer.ts"
import * as parameters from "../parameters.ts"

const handle: Handler = (issuer, request) =>
  Effect.gen(function*() {
    const form = yield* parameters.ofForm(request)
    const client = yield* clientAuthentication(issuer, request, form)
    const grant = yield* grantType(issuer, client, form)
    return http.json(yield* grant.run({ issuer, client, parameters: form, jkt: undefined }))
  })

export const token: Endpoint = { path: "/token", methods: { POST: handle }, audience: "program" }
