import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as ApiKeyAuth from "fastmcp-effect/auth/ApiKeyAuth"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as JwtVerifier from "fastmcp-effect/auth/JwtVerifier"
import * as StaticVerifier from "fastmcp-effect/auth/StaticVerifier"
import * as TokenVerifier from "fastmcp-effect/auth/TokenVerifier"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Jwks from "fastmcp-effect/oauth/Jwks"
import * as door from "./door.ts"
import * as issuers from "./issuer.ts"

const keys = StaticVerifier.layer([
  { token: Redacted.make("ann's key"), subject: "ann", scopes: ["notes:read"] },
  { token: Redacted.make("old key"), subject: "bob", expiresAt: 60_000 }
])

const bearerOptions = { resource: issuers.resource, authorizationServers: [issuers.url] }

const subjectOf = ({ body, status }: door.Answer): unknown => body?.result?.structuredContent?.subject ?? status

describe("ApiKeyAuth", () => {
  it.effect("lets in by a key in its header, until the key ends", () =>
    Effect.gen(function*() {
      const at = yield* door.open(ApiKeyAuth.layer().pipe(Layer.provide(keys)))
      const ask = (headers: Record<string, string>) => Effect.map(door.call(at, "whoami", { headers }), subjectOf)
      assert.strictEqual(yield* ask({ "x-api-key": "ann's key" }), "ann")
      assert.strictEqual(yield* ask({ "x-api-key": "old key" }), "bob")
      for (const key of ["", "ann's", "ann's key2", "x".repeat(2000)]) {
        assert.strictEqual(yield* ask({ "x-api-key": key }), 401)
      }
      assert.strictEqual(yield* ask({ authorization: "Bearer ann's key" }), 401)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* ask({ "x-api-key": "old key" }), 401)
      const bare = yield* door.call(at, "whoami")
      assert.strictEqual(bare.challenge, "ApiKey header=\"x-api-key\"")
    }))

  it.effect("takes another header, and asks for scopes", () =>
    Effect.gen(function*() {
      const at = yield* door.open(
        ApiKeyAuth.layer({ header: "X-Notes-Key", scopes: ["notes:read"] }).pipe(Layer.provide(keys))
      )
      const ask = (key: string) => Effect.map(door.call(at, "whoami", { headers: { "x-notes-key": key } }), subjectOf)
      assert.strictEqual(yield* ask("ann's key"), "ann")
      assert.strictEqual(yield* ask("old key"), 403)
    }))
})

describe("AuthProvider.firstOf", () => {
  it.effect("lets the first decide that finds something of its kind, and names all in a challenge", () =>
    Effect.gen(function*() {
      const both = AuthProvider.layer(Effect.gen(function*() {
        const issuer = yield* issuers.make
        return AuthProvider.firstOf(
          yield* Effect.provide(
            BearerAuth.make(bearerOptions),
            Layer.succeed(
              TokenVerifier.TokenVerifier,
              JwtVerifier.fromKeys(Jwks.fixed([issuer.signer.jwk as Jwks.Jwk]), { issuer: issuers.url })
            )
          ),
          yield* Effect.provide(ApiKeyAuth.make(), keys)
        )
      }))
      const at = yield* door.open(both)
      const token = yield* at.issuer.token({ sub: "carol" })
      const ask = (headers: Record<string, string>) => Effect.map(door.call(at, "whoami", { headers }), subjectOf)
      assert.strictEqual(yield* ask({ authorization: `Bearer ${token}` }), "carol")
      assert.strictEqual(yield* ask({ "x-api-key": "ann's key" }), "ann")
      assert.strictEqual(yield* ask({ authorization: `Bearer ${token}`, "x-api-key": "ann's key" }), "carol")
      // A bad token is not made good by a key.
      assert.strictEqual(yield* ask({ authorization: "Bearer bad", "x-api-key": "ann's key" }), 401)
      const { challenge } = yield* door.call(at, "whoami")
      assert.match(challenge!, /^Bearer resource_metadata="[^"]+", ApiKey header="x-api-key"$/u)
    }))
})

describe("TokenVerifier.byIssuer", () => {
  const byIssuer = Effect.gen(function*() {
    const issuer = yield* issuers.make
    const other = yield* Effect.promise(() => issuers.makeSigner("first"))
    const checks = (url: string) => ({ issuer: url, audience: issuers.resource })
    const verifier = TokenVerifier.byIssuer({
      [issuers.url]: JwtVerifier.fromKeys(Jwks.fixed([issuer.signer.jwk as Jwks.Jwk]), checks(issuers.url)),
      "https://other.example": JwtVerifier.fromKeys(
        Jwks.fixed([other.jwk as Jwks.Jwk]),
        checks("https://other.example")
      )
    }, yield* StaticVerifier.make([{ token: Redacted.make("opaque"), subject: "bob" }]))
    const subject = (token: string) =>
      Effect.match(verifier.verify(issuers.secret(token), { resource: undefined }), {
        onFailure: ({ reason }) => reason._tag,
        onSuccess: ({ identity }) => identity.subject
      })
    return { issuer, other, subject }
  })

  it.effect("has each token verified by its own issuer, and what names none by another", () =>
    Effect.gen(function*() {
      const { issuer, other, subject } = yield* byIssuer
      assert.strictEqual(yield* subject(yield* issuer.token()), "ann")
      const foreign = yield* Effect.promise(() => issuers.sign(other, { iss: "https://other.example", sub: "eve" }))
      assert.strictEqual(yield* subject(foreign), "eve")
      assert.strictEqual(yield* subject("opaque"), "bob")
      assert.strictEqual(yield* subject("guess"), "Unknown")
    }))

  it.effect("lets no issuer speak for another", () =>
    Effect.gen(function*() {
      const lying = TokenVerifier.byIssuer({
        [issuers.url]: {
          verify: () =>
            Effect.succeed({
              identity: Identity.make({ subject: "root", issuer: "https://other.example" }),
              expiresAt: Infinity
            })
        }
      })
      const { issuer } = yield* byIssuer
      const token = issuers.secret(yield* issuer.token())
      const refused = yield* Effect.flip(lying.verify(token, { resource: undefined }))
      assert.strictEqual(refused.reason._tag, "Unknown")
      const { other, subject } = yield* byIssuer
      const forged = yield* Effect.promise(() => issuers.sign(other, { iss: issuers.url, sub: "ann" }))
      assert.strictEqual(yield* subject(forged), "InvalidToken")
      const nobody = yield* Effect.promise(() => issuers.sign(other, { iss: "https://third.example" }))
      assert.strictEqual(yield* subject(nobody), "Unknown")
    }))
})

describe("Identity.principal", () => {
  it("tells callers of two issuers apart, and does not confuse what only looks alike", () => {
    const of = (issuer: string | undefined, subject: string) => Identity.principal(Identity.make({ issuer, subject }))
    const all = [
      of("a", "b"),
      of("b", "a"),
      of(undefined, "a"),
      of("a\",\"b", "c"),
      of("a", "b\",\"c"),
      of("null", "a")
    ]
    assert.strictEqual(new Set(all).size, all.length)
    assert.isUndefined(Identity.principal(Identity.anonymous))
  })
})
