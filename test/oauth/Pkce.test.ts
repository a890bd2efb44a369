import { assert, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Pkce from "fastmcp-effect/oauth/Pkce"

it.effect("the challenge is that of RFC 7636, appendix B", () =>
  Effect.gen(function*() {
    assert.strictEqual(
      yield* Pkce.challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
      "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
  }).pipe(Effect.provide(Digest.layerWebCrypto)))

it.effect("a verifier has 256 bits of chance, in letters that go anywhere", () =>
  Effect.gen(function*() {
    const [first, second] = [yield* Pkce.make, yield* Pkce.make]
    assert.match(first.verifier, /^[A-Za-z0-9_-]{43}$/)
    assert.notStrictEqual(first.verifier, second.verifier)
    assert.strictEqual(first.challenge, yield* Pkce.challengeOf(first.verifier))
  }).pipe(Effect.provide([Digest.layerWebCrypto, SecureRandom.layerWebCrypto])))
