import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Jwks from "fastmcp-effect/oauth/Jwks"
import * as Jwt from "fastmcp-effect/oauth/Jwt"
import * as jose from "jose"
import * as issuers from "../auth/issuer.ts"

const options = Effect.map(issuers.make, (issuer) => ({
  issuer,
  keys: Jwks.fixed([issuer.signer.jwk as Jwks.Jwk]),
  checks: { keys: Jwks.fixed([issuer.signer.jwk as Jwks.Jwk]), issuer: issuers.url, types: ["at+jwt"] }
}))

const reasonOf = (token: string, checks: Jwt.Options, audience: string | ReadonlyArray<string> = issuers.resource) =>
  Effect.map(
    Effect.flip(Jwt.verifier(checks).verify(issuers.secret(token), audience)),
    (error) => error._tag === "JwtError" ? error.reason._tag : error._tag
  )

describe("Jwt", () => {
  it.effect("gives the claims of a token that passes", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      const verified = yield* Jwt.verifier(checks).verify(issuers.secret(yield* issuer.token()), issuers.resource)
      assert.deepStrictEqual(verified, issuers.claims)
    }))

  it.each(["ES256", "ES384", "ES512", "EdDSA", "PS256", "RS256"])("verifies %s", async (alg) => {
    const signer = await issuers.makeSigner("one", alg)
    const token = await issuers.sign(signer, { exp: 4e9 })
    const { sub } = await Effect.runPromise(
      Jwt.verifier({ keys: Jwks.fixed([signer.jwk as Jwks.Jwk]), issuer: issuers.url })
        .verify(issuers.secret(token), issuers.resource)
    )
    assert.strictEqual(sub, "ann")
  })

  it.effect("refuses what is no signed token", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      const token = yield* issuer.token()
      const [header, payload, signature] = token.split(".")
      for (const text of ["", "a", "a.b", "a.b.c", `${header}.${payload}`, `${token}.x`]) {
        assert.include(["Malformed", "BadSignature"], yield* reasonOf(text, checks), text)
      }
      assert.strictEqual(yield* reasonOf(`${header}.${payload}.${signature!.slice(0, -4)}AAAA`, checks), "BadSignature")
      const other = jose.base64url.encode(JSON.stringify({ ...issuers.claims, sub: "root" }))
      assert.strictEqual(yield* reasonOf(`${header}.${other}.${signature}`, checks), "BadSignature")
    }))

  it.effect("refuses `none`, and a shared secret made of the public key", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      const none = new jose.UnsecuredJWT(issuers.claims).encode()
      assert.strictEqual(yield* reasonOf(none, { ...checks, types: undefined }), "WrongAlgorithm")
      const confused = yield* Effect.promise(() =>
        new jose.SignJWT(issuers.claims).setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: "first" })
          .sign(new TextEncoder().encode(JSON.stringify(issuer.signer.jwk)))
      )
      assert.strictEqual(yield* reasonOf(confused, checks), "WrongAlgorithm")
      // Not even where somebody asks for it.
      assert.strictEqual(yield* reasonOf(confused, { ...checks, algorithms: ["HS256", "none"] }), "WrongAlgorithm")
    }))

  it.effect("refuses an algorithm that is not asked for, though the key could be used with it", () =>
    Effect.gen(function*() {
      const signer = yield* Effect.promise(() => issuers.makeSigner("rsa", "RS256"))
      const token = yield* Effect.promise(() => issuers.sign(signer))
      const checks = { keys: Jwks.fixed([signer.jwk as Jwks.Jwk]), issuer: issuers.url, algorithms: ["ES256"] }
      assert.strictEqual(yield* reasonOf(token, checks), "WrongAlgorithm")
    }))

  it.effect("refuses a key the header brings along, or points to", () =>
    Effect.gen(function*() {
      const { checks } = yield* options
      const own = yield* Effect.promise(() => issuers.makeSigner("own"))
      for (const header of [{ jwk: own.jwk }, { jku: "https://evil.example/jwks" }, { x5u: "https://evil.example" }]) {
        const token = yield* Effect.promise(() => issuers.sign(own, {}, header))
        assert.strictEqual(yield* reasonOf(token, checks), "BadSignature")
        const named = yield* Effect.promise(() => issuers.sign(own, {}, { ...header, kid: "first" }))
        assert.strictEqual(yield* reasonOf(named, checks), "BadSignature")
      }
    }))

  it.effect("refuses a header with a critical part it does not know", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      const token = yield* Effect.promise(() =>
        new jose.SignJWT(issuers.claims)
          .setProtectedHeader({ alg: "ES256", kid: "first", typ: "at+jwt", crit: ["exotic"], exotic: true })
          .sign(issuer.signer.privateKey, { crit: { exotic: true } })
      )
      assert.strictEqual(yield* reasonOf(token, checks), "Malformed")
    }))

  it.effect("refuses an ID token, and takes both spellings of an access token's type", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      for (const typ of ["JWT", "id_token+jwt", "logout+jwt", ""]) {
        assert.strictEqual(yield* reasonOf(yield* issuer.token({}, { typ }), checks), "WrongType")
      }
      for (const typ of ["at+jwt", "AT+JWT", "application/at+jwt"]) {
        yield* Jwt.verifier(checks).verify(issuers.secret(yield* issuer.token({}, { typ })), issuers.resource)
      }
    }))

  it.effect("compares issuer and audience to the letter", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      for (const iss of [`${issuers.url}/`, "HTTPS://issuer.example", "https://other.example", undefined]) {
        assert.strictEqual(yield* reasonOf(yield* issuer.token({ iss }), checks), "WrongIssuer")
      }
      for (
        const aud of ["https://acme.example/mcp/", "https://acme.example", "https://acme.example/MCP", [], undefined]
      ) {
        assert.strictEqual(yield* reasonOf(yield* issuer.token({ aud }), checks), "WrongAudience")
      }
      const many = yield* issuer.token({ aud: ["https://other.example", issuers.resource] })
      yield* Jwt.verifier(checks).verify(issuers.secret(many), issuers.resource)
    }))

  it.effect("gives clocks 30 seconds to be apart, and never more than a minute", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      const token = yield* issuer.token()
      yield* TestClock.adjust("329 seconds")
      yield* Jwt.verifier(checks).verify(issuers.secret(token), issuers.resource)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* reasonOf(token, checks), "Expired")
      const lenient = { ...checks, leeway: "1 hour" } as const
      yield* Jwt.verifier(lenient).verify(issuers.secret(token), issuers.resource)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* reasonOf(token, lenient), "Expired")
    }))

  it.effect("refuses a token of the future, and one that never ends", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      assert.strictEqual(yield* reasonOf(yield* issuer.token({ nbf: 31 }), checks), "NotYetValid")
      assert.strictEqual(yield* reasonOf(yield* issuer.token({ iat: 31 }), checks), "NotYetValid")
      assert.strictEqual(yield* reasonOf(yield* issuer.token({ iat: "0" }), checks), "InvalidClaim")
      assert.strictEqual(yield* reasonOf(yield* issuer.token({ exp: undefined }), checks), "InvalidClaim")
      assert.strictEqual(yield* reasonOf(yield* issuer.token({ exp: "4000" }), checks), "InvalidClaim")
      assert.strictEqual(yield* reasonOf(yield* issuer.token({ nbf: "0" }), checks), "InvalidClaim")
    }))

  it.effect("tries a token that names no key with each that fits, and one that does with that alone", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      const other = yield* Effect.promise(() => issuers.makeSigner("other"))
      const keys = Jwks.fixed([other.jwk, issuer.signer.jwk] as ReadonlyArray<Jwks.Jwk>)
      const nameless = yield* issuer.token({}, { kid: undefined })
      yield* Jwt.verifier({ ...checks, keys }).verify(issuers.secret(nameless), issuers.resource)
      const misnamed = yield* issuer.token({}, { kid: "other" })
      assert.strictEqual(yield* reasonOf(misnamed, { ...checks, keys }), "BadSignature")
    }))

  it.effect("says of what it refuses nothing that the token said", () =>
    Effect.gen(function*() {
      const { checks, issuer } = yield* options
      const token = yield* issuer.token({ sub: "planted-subject", exp: 1 })
      yield* TestClock.adjust("1 hour")
      const error = yield* Effect.flip(Jwt.verifier(checks).verify(issuers.secret(token), issuers.resource))
      const said = `${String(error)} ${JSON.stringify(error)} ${error.stack}`
      for (const part of ["planted-subject", ...token.split(".")]) assert.notInclude(said, part)
    }))

  it("reads the issuer of what may be no token at all", () => {
    const payload = (value: unknown) => `x.${jose.base64url.encode(JSON.stringify(value))}.x`
    assert.strictEqual(Jwt.unverifiedIssuer(issuers.secret(payload({ iss: "https://ä.example" }))), "https://ä.example")
    for (const text of ["", "a.b.c", payload(null), payload([]), payload({ iss: 1 })]) {
      assert.isUndefined(Jwt.unverifiedIssuer(issuers.secret(text)), text)
    }
  })
})
