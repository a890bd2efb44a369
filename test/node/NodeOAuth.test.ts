import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import { importJWK, type JWK, jwtVerify } from "jose"

for (const algorithm of ["ES256", "EdDSA", "RS256"] as const) {
  it.live(`signs with ${algorithm} what others verify, with Node and without`, () =>
    Effect.gen(function*() {
      const keys = yield* SigningKeys.make(Redacted.make([yield* SigningKeys.generate(algorithm, 0)]))
      const [jwk] = yield* keys.published
      const key = yield* Effect.promise(() => importJWK({ ...jwk! } as JWK, algorithm))
      const layers = [Layer.empty, NodeOAuth.layer()]
      // A number of a signature has a byte less than others, once in so many times.
      for (let n = 0; n < (algorithm === "RS256" ? 2 : 300); n++) {
        const claims = { sub: `é${n}`, scope: undefined }
        const token = yield* Effect.provide(keys.sign({ typ: "at+jwt" }, claims), layers[n % 2]!)
        const { payload, protectedHeader } = yield* Effect.promise(() => jwtVerify(token, key))
        assert.deepStrictEqual(protectedHeader, { alg: algorithm, typ: "at+jwt", kid: jwk!.kid! })
        assert.deepStrictEqual(payload, { sub: `é${n}` })
      }
    }))
}
