import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as IntrospectionVerifier from "fastmcp-effect/auth/IntrospectionVerifier"
import * as door from "./door.ts"
import * as issuers from "./issuer.ts"

const endpoint = {
  url: `${issuers.url}/introspect`,
  issuer: issuers.url,
  clientId: "notes server",
  clientSecret: Redacted.make("secret:1")
}

const good = { active: true, sub: "ann", client_id: "app", scope: "notes:read", aud: issuers.resource, exp: 300 }

const verify = (answer: object, options: Partial<IntrospectionVerifier.Options> = {}) =>
  Effect.gen(function*() {
    const issuer = yield* issuers.make
    issuer.introspection = () => answer
    const verifier = yield* Effect.provide(IntrospectionVerifier.make({ ...endpoint, ...options }), issuer.client)
    return yield* verifier.verify(issuers.secret("opaque"), { resource: issuers.resource })
  })

const problem = (answer: object, options?: Partial<IntrospectionVerifier.Options>) =>
  Effect.map(
    Effect.flip(verify(answer, options)),
    ({ reason }) => reason._tag === "InvalidToken" ? reason.problem : reason._tag
  )

describe("IntrospectionVerifier", () => {
  it.effect("gives the caller of a token that is good", () =>
    Effect.gen(function*() {
      const { expiresAt, identity } = yield* verify(good)
      assert.strictEqual(expiresAt, 300_000)
      assert.deepStrictEqual({ ...identity, claims: {} }, {
        subject: "ann",
        issuer: issuers.url,
        clientId: "app",
        tenant: undefined,
        scopes: ["notes:read"],
        claims: {}
      })
    }))

  it.effect("asks with credentials of its own, and with the token in the body alone", () =>
    Effect.gen(function*() {
      const at = yield* door.open(
        BearerAuth.layer({ resource: issuers.resource, authorizationServers: [issuers.url] }).pipe(
          Layer.provide(IntrospectionVerifier.layer(endpoint))
        )
      )
      at.issuer.introspection = (token) => token === "opaque" ? good : { active: false }
      assert.strictEqual((yield* door.call(at, "whoami", { token: "opaque" })).status, 200)
      assert.strictEqual((yield* door.call(at, "whoami", { token: "opaque" })).status, 200)
      assert.strictEqual((yield* door.call(at, "whoami", { token: "guess" })).status, 401)
      assert.deepStrictEqual(at.issuer.bodies, [
        "token=opaque&token_type_hint=access_token",
        "token=guess&token_type_hint=access_token"
      ])
      assert.deepStrictEqual(at.issuer.asked, ["/introspect", "/introspect"])
    }))

  it.effect("refuses what is not active, not now, not of this issuer or not for this resource", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* problem({ active: false }), "Unknown")
      assert.strictEqual(yield* problem({ ...good, exp: 0 }), "Expired")
      assert.strictEqual(yield* problem({ ...good, nbf: 31 }), "NotYetValid")
      assert.strictEqual(yield* problem({ ...good, iss: `${issuers.url}/` }), "WrongIssuer")
      assert.strictEqual(yield* problem({ ...good, aud: "https://acme.example" }), "WrongAudience")
      assert.strictEqual(yield* problem({ ...good, aud: undefined }), "WrongAudience")
      assert.strictEqual(yield* problem({ ...good, aud: [] }, { requireAudience: false }), "WrongAudience")
      assert.strictEqual(yield* problem({ ...good, cnf: { jkt: "x" } }), "Bound")
      assert.strictEqual(yield* problem({ ...good, sub: undefined, client_id: undefined }), "InvalidClaim")
    }))

  it.effect("takes an audience of its own, or an answer without one, where it is told to", () =>
    Effect.gen(function*() {
      yield* verify({ ...good, aud: ["api", "b"] }, { audience: ["x", "b"] })
      yield* verify({ ...good, aud: undefined }, { requireAudience: false })
    }))

  it.effect("cannot tell where the issuer is down, refuses the question, or answers nonsense", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* problem({ active: "true" }), "Unavailable")
      assert.strictEqual(yield* problem({ ...good, exp: "soon" }), "Unavailable")
      assert.strictEqual(yield* problem({}, { url: "http://issuer.example/introspect" }), "Unavailable")
      for (const failure of ["down", () => new Response("", { status: 401 }), () => new Response("<html>")] as const) {
        const issuer = yield* issuers.make
        issuer.failure = failure
        const verifier = yield* Effect.provide(IntrospectionVerifier.make(endpoint), issuer.client)
        const error = yield* Effect.flip(verifier.verify(issuers.secret("opaque"), { resource: issuers.resource }))
        assert.strictEqual(error.reason._tag, "Unavailable")
        assert.notInclude(error.message, issuers.url)
      }
    }))

  it.effect("asks about no more tokens at one time than it is told", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      issuer.failure = "silent"
      const verifier = yield* Effect.provide(IntrospectionVerifier.make({ ...endpoint, concurrency: 2 }), issuer.client)
      const asking = yield* Effect.forkChild(
        Effect.forEach(["a", "b", "c"], (token) =>
          Effect.flip(verifier.verify(issuers.secret(token), { resource: issuers.resource })), {
          concurrency: "unbounded"
        }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(issuer.asked.length, 2)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(
        (yield* Fiber.join(asking)).map(({ reason }) =>
          reason._tag
        ),
        [
          "Unavailable",
          "Unavailable",
          "Unavailable"
        ]
      )
    }))
})
