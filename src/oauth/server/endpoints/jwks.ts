/** The public keys (RFC 7517). */
import * as Effect from "effect/Effect"
import * as http from "../http.ts"
import type { Endpoint } from "../issuer.ts"

/** Seconds; a key is published for longer before it signs. */
export const maxAge = 600

export const jwks: Endpoint = {
  path: "/jwks",
  methods: { GET: ({ keys }) => Effect.map(keys.published, (published) => http.document({ keys: published }, maxAge)) },
  audience: "program"
}
