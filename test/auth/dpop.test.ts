/** A protected server that takes tokens which are bound to a key (RFC 9449, 7): row T11, where the tokens are used. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as IntrospectionVerifier from "fastmcp-effect/auth/IntrospectionVerifier"
import * as ProofMemory from "fastmcp-effect/auth/ProofMemory"
import type * as ProtectedResource from "fastmcp-effect/auth/ProtectedResource"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as jose from "jose"
import { createHash, randomUUID } from "node:crypto"
import { type Key, makeKey } from "../oauth/server/proofs.ts"
import * as door from "./door.ts"
import * as issuers from "./issuer.ts"

const shared = Promise.all([makeKey(), makeKey()])

/** The client's key, and another. */
const keys = Effect.promise(() => shared)

const prove = (
  { alg, jwk, privateKey }: Key,
  token: string,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {}
) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.promise(() => {
      const said = {
        htm: "POST",
        htu: issuers.resource,
        iat: Math.floor(now / 1000),
        jti: randomUUID(),
        ath: createHash("sha256").update(token).digest("base64url"),
        ...claims
      }
      return new jose.SignJWT(
        Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as jose.JWTPayload
      ).setProtectedHeader({ alg, typ: "dpop+jwt", jwk, ...header }).sign(privateKey)
    }))

/** With a token of the client, and this proof. */
const call = (there: door.Door, token: string, dpop?: string, scheme = "DPoP") =>
  door.call(there, "whoami", {
    headers: { authorization: `${scheme} ${token}`, ...(dpop === undefined ? undefined : { dpop }) }
  })

const open = (dpop: boolean | ProtectedResource.Dpop = true, options?: Partial<BearerAuth.Options>) =>
  Effect.gen(function*() {
    const there = yield* door.open(door.bearer({ dpop, ...options }))
    const [key, other] = yield* keys
    const token = yield* there.issuer.token({ cnf: { jkt: key.jkt } })
    return { there, key, other, token }
  })

const assertRefused = ({ challenge, status }: door.Answer, error: string, why?: RegExp) => {
  assert.strictEqual(status, 401)
  assert.match(challenge!, new RegExp(`DPoP error="${error}"`, "u"))
  if (why !== undefined) assert.match(challenge!, why)
}

describe("T11: a token that is bound to a key", () => {
  it.effect("opens the server with a proof of the key", () =>
    Effect.gen(function*() {
      const { key, there, token } = yield* open()
      for (let i = 0; i < 2; i++) {
        const { body, status } = yield* call(there, token, yield* prove(key, token))
        assert.strictEqual(status, 200)
        assert.strictEqual(body.result.structuredContent.subject, "ann")
      }
      // The verifier has looked at it once.
      assert.deepStrictEqual(there.issuer.asked, ["/jwks"])
    }).pipe(Effect.scoped))

  it.effect("is no bearer token, with a proof or without, remembered or not", () =>
    Effect.gen(function*() {
      const { key, there, token } = yield* open()
      const asBearer = (dpop?: string) =>
        Effect.map(call(there, token, dpop, "Bearer"), ({ challenge, status }) => {
          assert.strictEqual(status, 401)
          assert.match(challenge!, /bound to a key/u)
        })
      yield* asBearer()
      yield* asBearer(yield* prove(key, token))
      assert.strictEqual((yield* call(there, token, yield* prove(key, token))).status, 200)
      yield* asBearer()
      assertRefused(yield* call(there, token), "invalid_dpop_proof", /missing/u)
    }).pipe(Effect.scoped))

  it.effect("is none where nothing was said of DPoP", () =>
    Effect.gen(function*() {
      const { key, there, token } = yield* open(false)
      const { challenge, status } = yield* call(there, token, yield* prove(key, token))
      assert.strictEqual(status, 401)
      assert.match(challenge!, /^Bearer (?!.*DPoP)/u)
    }).pipe(Effect.scoped))

  it.effect("has to be bound to that one key, and to nothing else", () =>
    Effect.gen(function*() {
      const { key, other, there, token } = yield* open()
      assertRefused(yield* call(there, token, yield* prove(other, token)), "invalid_dpop_proof", /another key/u)
      const bearer = yield* there.issuer.token()
      assertRefused(yield* call(there, bearer, yield* prove(key, bearer)), "invalid_token", /not bound/u)
      for (const cnf of [{ jkt: key.jkt, "x5t#S256": "x" }, { "x5t#S256": "x" }, { jkt: 1 }, "x", null]) {
        const odd = yield* there.issuer.token({ cnf })
        assertRefused(yield* call(there, odd, yield* prove(key, odd)), "invalid_token")
      }
    }).pipe(Effect.scoped))

  it.effect("is checked like any other", () =>
    Effect.gen(function*() {
      const { key, there } = yield* open()
      const expired = yield* there.issuer.token({ cnf: { jkt: key.jkt }, exp: -31 })
      assertRefused(yield* call(there, expired, yield* prove(key, expired)), "invalid_token", /expired/u)
      const foreign = yield* there.issuer.token({ cnf: { jkt: key.jkt }, aud: "https://other.example" })
      assertRefused(yield* call(there, foreign, yield* prove(key, foreign)), "invalid_token", /another resource/u)
    }).pipe(Effect.scoped))

  it.effect("is told from others by introspection too", () =>
    Effect.gen(function*() {
      const [key, other] = yield* keys
      const there = yield* door.open(
        BearerAuth.layer({ resource: issuers.resource, authorizationServers: [issuers.url], dpop: true }).pipe(
          Layer.provide(IntrospectionVerifier.layer({
            url: `${issuers.url}/introspect`,
            issuer: issuers.url,
            clientId: "notes",
            clientSecret: Redacted.make("secret")
          }))
        )
      )
      there.issuer.introspection = () => ({ active: true, sub: "ann", aud: issuers.resource, cnf: { jkt: key.jkt } })
      assert.strictEqual((yield* call(there, "opaque", yield* prove(key, "opaque"))).status, 200)
      assertRefused(yield* call(there, "opaque", yield* prove(other, "opaque")), "invalid_dpop_proof")
      assert.strictEqual((yield* call(there, "opaque", undefined, "Bearer")).status, 401)
    }).pipe(Effect.scoped))
})

describe("T11: the proof beside it is refused", () => {
  it.effect("for another method, address, token or time, without one of them, or of another type", () =>
    Effect.gen(function*() {
      const { key, there, token } = yield* open()
      const wrong: ReadonlyArray<readonly [claims: Readonly<Record<string, unknown>>, why: RegExp]> = [
        [{ htm: "GET" }, /htm/u],
        [{ htm: undefined }, /htm/u],
        [{ htu: "https://other.example/mcp" }, /htu/u],
        [{ htu: "http://localhost/mcp" }, /htu/u],
        [{ htu: undefined }, /htu/u],
        [{ ath: "x" }, /ath/u],
        [{ ath: undefined }, /ath/u],
        [{ iat: 61 }, /iat/u],
        [{ iat: -61 }, /iat/u],
        [{ iat: undefined }, /iat/u],
        [{ jti: undefined }, /jti/u]
      ]
      for (const [claims, why] of wrong) {
        assertRefused(yield* call(there, token, yield* prove(key, token, claims)), "invalid_dpop_proof", why)
      }
      const typ = yield* prove(key, token, {}, { typ: "JWT" })
      assertRefused(yield* call(there, token, typ), "invalid_dpop_proof", /typ/u)
      const two = `${yield* prove(key, token)}, ${yield* prove(key, token)}`
      assertRefused(yield* call(there, token, two), "invalid_dpop_proof", /exactly one/u)
      assertRefused(yield* call(there, "", yield* prove(key, "")), "invalid_token")
    }).pipe(Effect.scoped))

  it.effect("the second time, until it is too old", () =>
    Effect.gen(function*() {
      const { key, there, token } = yield* open()
      const proof = yield* prove(key, token)
      assert.strictEqual((yield* call(there, token, proof)).status, 200)
      assertRefused(yield* call(there, token, proof), "invalid_dpop_proof", /before/u)
      yield* TestClock.adjust("60 seconds")
      assertRefused(yield* call(there, token, proof), "invalid_dpop_proof", /before/u)
      yield* TestClock.adjust("1 second")
      assertRefused(yield* call(there, token, proof), "invalid_dpop_proof", /iat/u)
    }).pipe(Effect.scoped))

  it.effect("without a nonce where there has to be one, and that is told", () =>
    Effect.gen(function*() {
      const { key, there, token } = yield* open({ nonces: true })
      const first = yield* call(there, token, yield* prove(key, token))
      assertRefused(first, "use_dpop_nonce")
      const nonce = first.headers.get("dpop-nonce")!
      assert.strictEqual((yield* call(there, token, yield* prove(key, token, { nonce }))).status, 200)
      yield* TestClock.adjust("4 minutes")
      const late = yield* call(there, token, yield* prove(key, token, { nonce }))
      assertRefused(late, "use_dpop_nonce")
      assert.notStrictEqual(late.headers.get("dpop-nonce"), nonce)
    }).pipe(Effect.scoped))
})

describe("T11: a server that takes such tokens", () => {
  const document = ({ handler }: door.Door) =>
    Effect.map(
      door.send(handler, new Request("http://localhost/.well-known/oauth-protected-resource/mcp")),
      ({ body }) => body
    )

  it.effect("says so, and takes others beside them", () =>
    Effect.gen(function*() {
      const { there } = yield* open(true, { scopes: ["notes:read"] })
      const bare = yield* door.call(there, "whoami")
      assert.match(bare.challenge!, /^Bearer scope="notes:read", resource_metadata="[^"]+", DPoP algs="ES256 [^"]+", /u)
      assert.include((yield* document(there)).dpop_signing_alg_values_supported, "ES256")
      assert.notProperty(yield* document(there), "dpop_bound_access_tokens_required")
      assert.strictEqual((yield* call(there, yield* there.issuer.token(), undefined, "Bearer")).status, 200)
    }).pipe(Effect.scoped))

  it.effect("takes no others where they are required", () =>
    Effect.gen(function*() {
      const { key, there, token } = yield* open({ required: true })
      assert.isTrue((yield* document(there)).dpop_bound_access_tokens_required)
      assert.match((yield* door.call(there, "whoami")).challenge!, /^DPoP algs=/u)
      assertRefused(
        yield* call(there, yield* there.issuer.token(), undefined, "Bearer"),
        "invalid_token",
        /not bound/u
      )
      assert.strictEqual((yield* call(there, token, yield* prove(key, token))).status, 200)
    }).pipe(Effect.scoped))

  it.effect("may be known by another address than it has its name from", () =>
    Effect.gen(function*() {
      const url = "https://gateway.example/notes"
      const { key, there, token } = yield* open({ url })
      assert.strictEqual((yield* call(there, token, yield* prove(key, token, { htu: url }))).status, 200)
      assertRefused(yield* call(there, token, yield* prove(key, token)), "invalid_dpop_proof", /htu/u)
    }).pipe(Effect.scoped))
})

describe("ProofMemory", () => {
  it.effect("forgets what is over, and nothing before that, however much comes", () =>
    Effect.gen(function*() {
      const { isFirst } = yield* ProofMemory.make({ capacity: 2 })
      assert.isTrue(yield* isFirst("a", 1000))
      assert.isTrue(yield* isFirst("b", 2000))
      assert.isFalse(yield* isFirst("a", 1000))
      const { reason } = yield* Effect.flip(isFirst("c", 3000))
      assert.strictEqual(reason._tag, "Unavailable")
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* isFirst("c", 3000))
      assert.isFalse(yield* isFirst("b", 2000))
    }))

  it.effect("may be one for all processes", () =>
    Effect.gen(function*() {
      const store = yield* OAuthStore.OAuthStore
      const memory = Layer.fresh(ProofMemory.layerStore).pipe(
        Layer.provide(Layer.succeed(OAuthStore.OAuthStore, store))
      )
      const once = Effect.provide(ProofMemory.ProofMemory.use(({ isFirst }) => isFirst("a", 1000)), memory, {
        local: true
      })
      assert.deepStrictEqual([yield* once, yield* once], [true, false])
    }).pipe(Effect.provide(OAuthStore.layerMemory())))
})
