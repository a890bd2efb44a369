/** Tokens that are bound to a key (RFC 9449): row T11 of what an authorization server has to check. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as ClientCredentials from "fastmcp-effect/oauth/client/ClientCredentials"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as jose from "jose"
import { type Key, makeKey, type Own, prove } from "./proofs.ts"
import * as wire from "./wire.ts"
import * as world from "./world.ts"

const shared = Promise.all([makeKey(), makeKey()])

/** The client's key, and another. */
const keys = Effect.promise(() => shared)

const basic = { authorization: `Basic ${btoa(`backend:${encodeURIComponent(world.secret)}`)}` }

/** Asks for a token as `backend` itself, with this proof. */
const ask = (dpop: string | undefined) =>
  Effect.flatMap(world.caller, ({ send }) =>
    send("/token", {
      form: { grant_type: "client_credentials" },
      headers: { ...basic, ...(dpop === undefined ? undefined : { dpop }) }
    }))

const assertRefused = (answer: world.Answer, error: string, why?: RegExp) => {
  assert.deepStrictEqual([answer.status, answer.json.error], [400, error])
  if (why !== undefined) assert.match(answer.json.error_description, why)
}

/** A code for a token, with the proof of this key. */
const redeem = (caller: world.Caller, code: string, key: Key | undefined) =>
  Effect.gen(function*() {
    return yield* caller.send("/token", {
      ...world.exchange(code),
      ...(key === undefined ? undefined : { headers: { dpop: yield* prove(key) } })
    })
  })

const refresh = (caller: world.Caller, token: string, key: Key | undefined, headers = {}, own = {}) =>
  Effect.gen(function*() {
    return yield* caller.send("/token", {
      form: { grant_type: "refresh_token", client_id: "app", refresh_token: token, ...own },
      headers: { ...headers, ...(key === undefined ? undefined : { dpop: yield* prove(key) }) }
    })
  })

describe("T11: a token that is bound to a key", () => {
  it.effect("says so in itself, in the answer, and when it is asked about", () =>
    world.withServer(Effect.gen(function*() {
      const { send } = yield* world.caller
      const [key] = yield* keys
      const { json, status } = yield* ask(yield* prove(key))
      assert.strictEqual(status, 200)
      assert.strictEqual(json.token_type, "DPoP")
      assert.deepStrictEqual(jose.decodeJwt(json.access_token).cnf, { jkt: key.jkt })
      const asked = yield* send("/introspect", { form: { token: json.access_token }, headers: basic })
      assert.deepInclude(asked.json, { active: true, token_type: "DPoP", cnf: { jkt: key.jkt } })
      const metadata = yield* send("/.well-known/oauth-authorization-server")
      assert.include(metadata.json.dpop_signing_alg_values_supported, "ES256")
      assert.notInclude(metadata.json.dpop_signing_alg_values_supported, "HS256")
    })))

  it.effect("is a bearer token without a proof, but not for a client that is to have none", () => {
    const strict: Client.Options = {
      id: "strict",
      secret: Redacted.make(world.secret),
      grantTypes: ["client_credentials"],
      requiresDpop: true
    }
    return world.withServer(
      Effect.gen(function*() {
        const { send } = yield* world.caller
        const [key] = yield* keys
        assert.strictEqual((yield* ask(undefined)).json.token_type, "Bearer")
        const form = { grant_type: "client_credentials" }
        const headers = { authorization: `Basic ${btoa(`strict:${encodeURIComponent(world.secret)}`)}` }
        assertRefused(yield* send("/token", { form, headers }), "invalid_dpop_proof", /missing/u)
        const proven = yield* send("/token", { form, headers: { ...headers, dpop: yield* prove(key) } })
        assert.strictEqual(proven.json.token_type, "DPoP")
      }),
      { clients: [...world.options.clients!, strict] }
    )
  })
})

describe("T11: a proof is refused", () => {
  const wrong: ReadonlyArray<readonly [name: string, own: (keys: readonly [Key, Key]) => Own, why: RegExp]> = [
    ["of another type", () => ({ header: { typ: "JWT" } }), /typ/u],
    ["of no type", () => ({ header: { typ: undefined } }), /typ/u],
    ["without a key", () => ({ header: { jwk: undefined } }), /jwk/u],
    ["with another's key", ([, other]) => ({ header: { jwk: other.jwk } }), /signature/u],
    ["with a key of another kind", () => ({ header: { jwk: { kty: "oct", k: "c2VjcmV0" } } }), /jwk/u],
    ["with a key that is no object", () => ({ header: { jwk: "key" } }), /jwk/u],
    ["with what has to be understood and is not", () => ({ header: { crit: ["ext"], ext: 1 } }), /signature/u],
    ["for another method", () => ({ claims: { htm: "GET" } }), /htm/u],
    ["for a method in small letters", () => ({ claims: { htm: "post" } }), /htm/u],
    ["for no method", () => ({ claims: { htm: undefined } }), /htm/u],
    ["for another endpoint", () => ({ claims: { htu: `${world.issuer}/par` } }), /htu/u],
    ["for another host", () => ({ claims: { htu: "https://other.example/token" } }), /htu/u],
    ["for the same host without TLS", () => ({ claims: { htu: "http://auth.example/token" } }), /htu/u],
    ["for what is no address", () => ({ claims: { htu: "/token" } }), /htu/u],
    ["for no address", () => ({ claims: { htu: undefined } }), /htu/u],
    ["without a time", () => ({ claims: { iat: undefined } }), /iat/u],
    ["with a time that is a text", () => ({ claims: { iat: "0" } }), /signature/u],
    ["from the past", () => ({ claims: { iat: -61 } }), /iat/u],
    ["from the future", () => ({ claims: { iat: 61 } }), /iat/u],
    ["that says itself that it is over", () => ({ claims: { exp: -1 } }), /over/u],
    ["without an id", () => ({ claims: { jti: undefined } }), /jti/u],
    ["with an empty id", () => ({ claims: { jti: "" } }), /jti/u],
    ["with an id that is a number", () => ({ claims: { jti: 1 } }), /signature|jti/u]
  ]
  for (const [name, own, why] of wrong) {
    it.effect(name, () =>
      world.withServer(Effect.gen(function*() {
        const pair = yield* keys
        assertRefused(yield* ask(yield* prove(pair[0], own(pair))), "invalid_dpop_proof", why)
      })))
  }

  it.effect("with the private key in it", () =>
    world.withServer(Effect.gen(function*() {
      const [key] = yield* keys
      const jwk = yield* Effect.promise(() => jose.exportJWK(key.privateKey))
      assertRefused(yield* ask(yield* prove(key, { header: { jwk } })), "invalid_dpop_proof", /jwk/u)
    })))

  it.effect("signed by a secret, or by nobody", () =>
    world.withServer(Effect.gen(function*() {
      const [{ jwk }] = yield* keys
      const claims = { htm: "POST", htu: `${world.issuer}/token`, iat: 0, jti: "1" }
      const bySecret = yield* Effect.promise(() =>
        new jose.SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "dpop+jwt", jwk: jwk })
          .sign(new TextEncoder().encode(JSON.stringify(jwk)))
      )
      assertRefused(yield* ask(bySecret), "invalid_dpop_proof", /alg/u)
      const encode = (value: object) => jose.base64url.encode(JSON.stringify(value))
      const byNobody = `${encode({ alg: "none", typ: "dpop+jwt", jwk })}.${encode(claims)}.`
      assertRefused(yield* ask(byNobody), "invalid_dpop_proof", /exactly one/u)
      assertRefused(yield* ask(`${byNobody}AA`), "invalid_dpop_proof", /alg/u)
      assertRefused(yield* ask("no.jwt.atall"), "invalid_dpop_proof")
      assertRefused(yield* ask(""), "invalid_dpop_proof")
      assertRefused(yield* ask(`${"a".repeat(5000)}.a.a`), "invalid_dpop_proof", /exactly one/u)
    })))

  it.effect("when there are two", () =>
    world.withServer(Effect.gen(function*() {
      const [key, other] = yield* keys
      const dpop = `${yield* prove(key)}, ${yield* prove(other)}`
      assertRefused(yield* ask(dpop), "invalid_dpop_proof", /exactly one/u)
    })))

  it.effect("the second time, for as long as its time is good, and by its key alone", () =>
    world.withServer(Effect.gen(function*() {
      const [key, other] = yield* keys
      const own = { claims: { jti: "once", iat: 60 } }
      assert.strictEqual((yield* ask(yield* prove(key, own))).status, 200)
      assertRefused(yield* ask(yield* prove(key, own)), "invalid_dpop_proof", /before/u)
      assert.strictEqual((yield* ask(yield* prove(other, own))).status, 200)
      yield* TestClock.adjust("2 minutes")
      assertRefused(yield* ask(yield* prove(key, own)), "invalid_dpop_proof", /before/u)
      yield* TestClock.adjust("1 second")
      assertRefused(yield* ask(yield* prove(key, own)), "invalid_dpop_proof", /iat/u)
    })))

  it.effect("by one of 50 who come with it at the same moment and by 49 it is not", () =>
    world.withServer(Effect.gen(function*() {
      const dpop = yield* prove((yield* keys)[0])
      const answers = yield* Effect.all(Array.from({ length: 50 }, () => ask(dpop)), { concurrency: "unbounded" })
      assert.strictEqual(answers.filter(({ status }) => status === 200).length, 1)
    })))

  it.effect("but not for a query, a fragment, or how its host is written", () =>
    world.withServer(Effect.gen(function*() {
      const [key] = yield* keys
      for (const htu of [`${world.issuer}/token?a=b`, `${world.issuer}/token#c`, "https://AUTH.example:443/token"]) {
        assert.strictEqual((yield* ask(yield* prove(key, { claims: { htu } }))).status, 200, htu)
      }
    })))

  it.effect("but not for its algorithm, if that has a public key", () =>
    world.withServer(Effect.gen(function*() {
      for (const alg of ["ES384", "EdDSA", "PS256", "RS256"]) {
        const key = yield* Effect.promise(() => makeKey(alg))
        assert.strictEqual((yield* ask(yield* prove(key))).status, 200, alg)
      }
    })))
})

describe("T11: nonces", () => {
  const on: Partial<AuthorizationServer.Options> = { dpopNonces: true }

  /** A nonce, from a refusal for want of one. */
  const nonceOf = (own: Own = {}) =>
    Effect.gen(function*() {
      const refused = yield* ask(yield* prove((yield* keys)[0], own))
      assertRefused(refused, "use_dpop_nonce")
      return refused.headers.get("dpop-nonce")!
    })

  const askWith = (nonce: string) =>
    Effect.flatMap(keys, ([key]) => Effect.flatMap(prove(key, { claims: { nonce } }), ask))

  it.effect("are told, taken, and told anew with the answer", () =>
    world.withServer(
      Effect.gen(function*() {
        const nonce = yield* nonceOf()
        const answer = yield* askWith(nonce)
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("dpop-nonce"), nonce)
        assert.include(answer.headers.get("access-control-expose-headers"), "dpop-nonce")
        yield* nonceOf({ claims: { nonce: "made up" } })
        // A proof is no duty where there is none.
        assert.strictEqual((yield* ask(undefined)).json.token_type, "Bearer")
      }),
      on
    ))

  it.effect("are over after two turns", () =>
    world.withServer(
      Effect.gen(function*() {
        const nonce = yield* nonceOf()
        yield* TestClock.adjust("3 minutes")
        const answer = yield* askWith(nonce)
        assert.strictEqual(answer.status, 200)
        assert.notStrictEqual(answer.headers.get("dpop-nonce"), nonce)
        yield* TestClock.adjust("1 minute")
        yield* nonceOf({ claims: { nonce } })
      }),
      on
    ))

  it.effect("are those of all who have the secret, and of nobody else", () =>
    Effect.gen(function*() {
      const secret = Redacted.make("of all processes, and of more than 32 characters")
      const nonce = yield* world.withServer(nonceOf(), { dpopNonces: { secret } })
      const there = yield* world.withServer(askWith(nonce), { dpopNonces: { secret } })
      assert.strictEqual(there.status, 200)
      yield* world.withServer(nonceOf({ claims: { nonce } }), on)
    }))

  it.effect("need a secret that is one", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        world.withServer(Effect.void, { dpopNonces: { secret: Redacted.make("short") } })
      )
      assert.strictEqual(error._tag === "InvalidOption" ? error.option : undefined, "dpopNonces.secret")
    }))

  it.effect("do not use up what is asked for with a proof that lacks one", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const [key] = yield* keys
        const code = yield* world.code(caller)
        const refused = yield* redeem(caller, code, key)
        assertRefused(refused, "use_dpop_nonce")
        const nonce = refused.headers.get("dpop-nonce")!
        const answer = yield* caller.send("/token", {
          ...world.exchange(code),
          headers: { dpop: yield* prove(key, { claims: { nonce } }) }
        })
        assert.strictEqual(answer.json.token_type, "DPoP")
      }),
      on
    ))
})

describe("T11: a code that is bound to a key", () => {
  it.effect("by the request is good for no other, nor for none", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const [key, other] = yield* keys
      const code = yield* world.code(caller, { dpop_jkt: key.jkt })
      assertRefused(yield* redeem(caller, code, undefined), "invalid_grant")
      assertRefused(yield* redeem(caller, code, other), "invalid_grant")
      assert.strictEqual((yield* redeem(caller, code, key)).json.token_type, "DPoP")
    })))

  it.effect("by a proof with the request that is pushed, likewise", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const [key, other] = yield* keys
      const parameters = new URLSearchParams(world.authorizePath().split("?")[1])
      const push = (own: Readonly<Record<string, string>>, dpop: string) =>
        caller.send("/par", { form: { ...Object.fromEntries(parameters), ...own }, headers: { dpop } })
      const htu = `${world.issuer}/par`
      const proof = prove(key, { claims: { htu } })
      const pushed = yield* push({}, yield* proof)
      assert.strictEqual(pushed.status, 201)
      const { location } = yield* caller.send(
        `/authorize?${new URLSearchParams({ client_id: "app", request_uri: pushed.json.request_uri })}`
      )
      const code = location!.searchParams.get("code")!
      assertRefused(yield* redeem(caller, code, other), "invalid_grant")
      assert.strictEqual((yield* redeem(caller, code, key)).json.token_type, "DPoP")
      // Two keys are one too many, and a proof for the token endpoint is none here.
      assertRefused(yield* push({ dpop_jkt: other.jkt }, yield* proof), "invalid_dpop_proof", /another key/u)
      assert.strictEqual((yield* push({ dpop_jkt: key.jkt }, yield* proof)).status, 201)
      assertRefused(yield* push({}, yield* prove(key)), "invalid_dpop_proof", /htu/u)
    })))

  it.effect("cannot be asked for with what is no thumbprint", () =>
    world.withServer(Effect.gen(function*() {
      const { send } = yield* world.caller
      const { location } = yield* send(world.authorizePath({ dpop_jkt: "short" }))
      assert.strictEqual(location!.searchParams.get("error"), "invalid_request")
    })))
})

describe("T11: a refresh token", () => {
  it.effect("of a client without a secret is bound to the key, and is not lost to who has another", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const [key, other] = yield* keys
      const { json } = yield* redeem(caller, yield* world.code(caller), key)
      assertRefused(yield* refresh(caller, json.refresh_token, undefined), "invalid_grant")
      assertRefused(yield* refresh(caller, json.refresh_token, other), "invalid_grant")
      const next = yield* refresh(caller, json.refresh_token, key)
      assert.deepStrictEqual(jose.decodeJwt(next.json.access_token).cnf, { jkt: key.jkt })
      assertRefused(yield* refresh(caller, next.json.refresh_token, other), "invalid_grant")
    })))

  it.effect("of a client with one is not, for the client shows the secret", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const [key, other] = yield* keys
      const code = yield* world.code(caller, { client_id: "backend" })
      const { form } = world.exchange(code, { client_id: "backend" })
      const { json } = yield* caller.send("/token", { form, headers: { ...basic, dpop: yield* prove(key) } })
      const next = yield* refresh(caller, json.refresh_token, other, basic, { client_id: "backend" })
      assert.deepStrictEqual(jose.decodeJwt(next.json.access_token).cnf, { jkt: other.jkt })
    })))
})

describe("T11: our client", () => {
  for (const dpopNonces of [false, true]) {
    it.effect(`gets a token that is bound to its key, ${dpopNonces ? "with a nonce" : "without a nonce"}`, () =>
      world.withServer(
        Effect.gen(function*() {
          const there = yield* AuthorizationServer.AuthorizationServer
          const documents = wire.protectedBy(world.issuer, { dpop_bound_access_tokens_required: true })
          const grant = ClientCredentials.make({ clientId: "backend", clientSecret: Redacted.make(world.secret) })
          const held = yield* wire.getIn(grant, wire.fetch({ servers: [there], documents }))
          assert.strictEqual(held!.token.type, "DPoP")
          assert.isDefined((yield* there.check(held!.token.access))!.cnf)
        }),
        { dpopNonces }
      ))
  }
})
