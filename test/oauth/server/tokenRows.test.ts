/** Rows T1 to T9, T12 and T13 of what an authorization server has to check; T10 and T11 have tests of their own. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import * as jose from "jose"
import { createHash, randomUUID } from "node:crypto"
import { type Key, makeKey } from "./proofs.ts"
import * as steps from "./steps.ts"
import * as world from "./world.ts"

const { assertRefused } = steps

const clients = world.options.clients!

/** What is signed, whatever is in it. */
const read = (token: string) => jose.decodeJwt(token)

const credentials = { grant_type: "client_credentials" }

const basic = steps.basic("backend")

/** The same request so many times at one moment. */
const atOnce = <A, E, R>(times: number, request: Effect.Effect<A, E, R>) =>
  Effect.all(Array.from({ length: times }, () => request), { concurrency: "unbounded" })

describe("T1: a code is used once", () => {
  it.effect("T1: by one of 50 at the same moment, and nothing is live after that", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const code = yield* world.code(caller)
      const answers = yield* atOnce(50, steps.redeem(caller, code))
      const good = answers.filter(({ status }) => status === 200)
      assert.isAtMost(good.length, 1)
      for (const answer of answers) if (answer.status !== 200) assertRefused(answer, "invalid_grant")
      for (const { json } of good) {
        assert.isFalse(yield* steps.isActive(caller, json.access_token))
        assertRefused(yield* steps.refresh(caller, json.refresh_token), "invalid_grant")
      }
    })))

  it.effect("T1: and a second time ends the whole grant, whoever brings it", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (const own of [{}, { client_id: "other" }, { code_verifier: "x" }]) {
          const code = yield* world.code(caller)
          const first = (yield* steps.redeem(caller, code)).json
          const second = (yield* steps.refresh(caller, first.refresh_token)).json
          assert.isTrue(yield* steps.isActive(caller, second.access_token))
          assertRefused(yield* steps.redeem(caller, code, own), "invalid_grant")
          for (const token of [first.access_token, second.access_token]) {
            assert.isFalse(yield* steps.isActive(caller, token))
          }
          assertRefused(yield* steps.refresh(caller, second.refresh_token), "invalid_grant")
        }
      }),
      { clients: [...clients, { ...world.app, id: "other" }] }
    ))

  it.effect("T1: and a wrong guess does not use it up", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const code = yield* world.code(caller)
        assertRefused(yield* steps.redeem(caller, code, { client_id: "nobody" }), "invalid_client", 401)
        assertRefused(yield* steps.redeem(caller, code, { client_id: "other" }), "invalid_grant")
        assertRefused(yield* steps.redeem(caller, code, { code_verifier: "w".repeat(43) }), "invalid_grant")
        assertRefused(yield* steps.redeem(caller, code, { redirect_uri: "https://evil.example/" }), "invalid_grant")
        assertRefused(yield* steps.redeem(caller, code, { resource: "https://evil.example/" }), "invalid_target")
        assert.strictEqual((yield* steps.redeem(caller, code)).status, 200)
      }),
      { clients: [...clients, { ...world.app, id: "other" }] }
    ))
})

describe("T2: a code comes with what belongs to it", () => {
  const wrong: ReadonlyArray<readonly [name: string, own: steps.Own, error: string]> = [
    ["another client", { client_id: "other" }, "invalid_grant"],
    ["another redirect_uri", { redirect_uri: "https://app.example/other" }, "invalid_grant"],
    ["no redirect_uri", { redirect_uri: undefined }, "invalid_grant"],
    ["no verifier", { code_verifier: undefined }, "invalid_request"],
    ["an empty verifier", { code_verifier: "" }, "invalid_request"],
    ["a verifier of 42 characters", { code_verifier: "v".repeat(42) }, "invalid_request"],
    ["a verifier of 129 characters", { code_verifier: "v".repeat(129) }, "invalid_request"],
    ["a verifier of other characters", { code_verifier: `${"v".repeat(42)}+` }, "invalid_request"],
    ["another verifier", { code_verifier: "w".repeat(43) }, "invalid_grant"],
    ["the challenge itself", { code_verifier: world.challenge }, "invalid_grant"],
    ["no code", { code: undefined }, "invalid_request"],
    ["another code", { code: "x".repeat(43) }, "invalid_grant"]
  ]
  for (const [name, own, error] of wrong) {
    it.effect(`T2: not with ${name}`, () =>
      world.withServer(
        Effect.gen(function*() {
          const caller = yield* world.caller
          assertRefused(yield* steps.redeem(caller, yield* world.code(caller), own), error)
        }),
        { clients: [...clients, { ...world.app, id: "other" }] }
      ))
  }

  it.effect("T2: a verifier may have 43 to 128 characters", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      for (const verifier of ["a-._~Z0".repeat(7).slice(0, 43), "a-._~Z0".repeat(19).slice(0, 128)]) {
        const code_challenge = createHash("sha256").update(verifier).digest("base64url")
        const code = yield* world.code(caller, { code_challenge })
        assert.strictEqual((yield* steps.redeem(caller, code, { code_verifier: verifier })).status, 200)
      }
    })))

  it.effect("T2: a code that was given out without a challenge is none, with a verifier or without one", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const store = yield* OAuthStore.OAuthStore
      const id = createHash("sha256").update("old").digest("base64url")
      const grant = { clientId: "app", subject: "anna", resource: world.resource, scopes: [], authenticatedAt: 0 }
      yield* store.putOnce({ kind: "grant", id: "g" }, { data: JSON.stringify(grant), expiresAt: 1e9 })
      const data = JSON.stringify({ clientId: "app", redirectUri: world.redirectUri })
      yield* store.putOnce({ kind: "code", id }, { data, grant: "g", expiresAt: 1e9 })
      assertRefused(yield* steps.redeem(caller, "old"), "invalid_grant")
      assertRefused(yield* steps.redeem(caller, "old", { code_verifier: undefined }), "invalid_grant")
    })))
})

describe("T3: a client shows who it is, as it is registered", () => {
  const poster: Client.Options = {
    id: "poster: 1",
    secret: Redacted.make(`${world.secret} %+&=\u00e4`),
    authentication: "client_secret_post",
    grantTypes: ["client_credentials"]
  }
  const encoder: Client.Options = { ...poster, id: "a b:c", authentication: "client_secret_basic" }
  const empty: Client.Options = {
    id: "empty",
    authentication: "client_secret_basic",
    grantTypes: ["client_credentials"]
  }
  const secret = Redacted.value(poster.secret!)

  const withClients = <A, E>(test: Parameters<typeof world.withServer<A, E>>[0]) =>
    world.withServer(test, { clients: [...clients, poster, encoder, empty] })

  const raw = (text: string) => ({ authorization: `Basic ${btoa(text)}` })

  /** With a plus for a space, and so of a length that has to be padded. */
  const padded = raw(`backend:${encodeURIComponent(world.secret).replace("%20", "+")}`).authorization

  it.effect("T3: in that way", () =>
    withClients(Effect.gen(function*() {
      const caller = yield* world.caller
      assert.strictEqual((yield* steps.token(caller, credentials, basic)).status, 200)
      const posted = { ...credentials, client_id: poster.id, client_secret: secret }
      assert.strictEqual((yield* steps.token(caller, posted)).status, 200)
      assert.strictEqual((yield* steps.token(caller, credentials, steps.basic(encoder.id, secret))).status, 200)
      assert.strictEqual((yield* steps.token(caller, credentials, { authorization: padded })).status, 200)
      // UTF-8 as it is, by who does not encode it.
      const text = `${encodeURIComponent(encoder.id)}:${encodeURIComponent(secret).replace("%C3%A4", "\u00e4")}`
      const utf8 = { authorization: `Basic ${Buffer.from(text).toString("base64")}` }
      assert.strictEqual((yield* steps.token(caller, credentials, utf8)).status, 200)
      assert.strictEqual((yield* steps.token(caller, { ...credentials, client_id: "backend" }, basic)).status, 200)
    })))

  const wrong: ReadonlyArray<readonly [name: string, own: steps.Own, headers?: Readonly<Record<string, string>>]> = [
    ["nothing at all", {}],
    ["its id alone", { client_id: "backend" }],
    ["an empty secret", { client_id: "backend", client_secret: "" }],
    ["the right secret in the other way", { client_id: "backend", client_secret: world.secret }],
    ["the right secret in the other way, of who posts it", {}, steps.basic(poster.id, secret)],
    ["a wrong secret", {}, steps.basic("backend", "wrong")],
    ["a wrong secret, posted", { client_id: poster.id, client_secret: "wrong" }],
    ["the beginning of a secret", {}, steps.basic("backend", world.secret.slice(0, -1))],
    ["the hash of a secret", {}, steps.basic("backend", createHash("sha256").update(world.secret).digest("base64url"))],
    ["the secret of another", {}, steps.basic("backend", secret)],
    ["an empty secret in Basic", {}, steps.basic("backend", "")],
    ["a secret where there is none", {}, steps.basic("app", world.secret)],
    ["an empty secret where there is none, in Basic", {}, steps.basic("app", "")],
    ["a posted secret where there is none", { client_id: "app", client_secret: world.secret }],
    ["the empty secret of a client that lacks one", {}, steps.basic("empty", "")],
    ["the secret of nobody", {}, steps.basic("nobody")],
    ["Basic without a colon", {}, raw("backend")],
    ["Basic of no client", {}, raw(`:${world.secret}`)],
    ["Basic that nobody has encoded", {}, raw(`backend:${world.secret}%`)],
    ["Basic with other letters", {}, { authorization: "Basic YmFja2VuZDp4*" }],
    ["Basic with too little padding", {}, { authorization: `${basic.authorization.replace(/=+$/u, "")}A` }],
    ["Basic without its padding", {}, { authorization: padded.replace(/=+$/u, "") }],
    ["Basic with something after it", {}, { authorization: `${basic.authorization}, Basic eDp5` }],
    ["Basic in a list", {}, { authorization: `${basic.authorization} x` }],
    ["Basic of nothing", {}, { authorization: "Basic" }],
    ["another scheme", {}, { authorization: `Bearer ${world.secret}` }],
    ["a letter of another kind", { client_assertion: "x.y.z", client_assertion_type: "urn:other" }],
    ["a letter that is none", {
      client_assertion: "x",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    }]
  ]
  for (const [name, own, headers] of wrong) {
    it.effect(`T3: not with ${name}`, () =>
      withClients(Effect.gen(function*() {
        const caller = yield* world.caller
        for (const path of ["/token", "/revoke", "/introspect", "/par", "/device_authorization"]) {
          // A client without a secret may give its own tokens back, and push what anybody can read.
          if (own["client_secret"] === "" && path !== "/token" && own["client_id"] === "app") continue
          const answer = yield* caller.send(path, {
            form: { ...credentials, token: "x", ...own as Readonly<Record<string, string>> },
            ...(headers === undefined ? undefined : { headers })
          })
          assertRefused(answer, "invalid_client", 401)
          assert.strictEqual(
            answer.headers.get("www-authenticate"),
            headers === undefined ? null : "Basic realm=\"oauth\", charset=\"UTF-8\""
          )
        }
      })))
  }

  it.effect("T3: in one way, and not in two", () =>
    withClients(Effect.gen(function*() {
      const caller = yield* world.caller
      const assertion = { client_assertion: "x", client_assertion_type: "x" }
      for (
        const [own, headers] of [
          [{ client_id: "backend", client_secret: world.secret }, basic],
          [{ client_secret: world.secret }, basic],
          [assertion, basic],
          [{ client_assertion_type: "x" }, basic],
          [{ client_id: poster.id, client_secret: secret, ...assertion }, {}],
          [{ client_id: "app" }, basic]
        ] as const
      ) {
        assertRefused(yield* steps.token(caller, { ...credentials, ...own }, headers), "invalid_request")
      }
    })))

  it.effect("T3: by a secret of which the store and the server have the hash, and which nobody can guess", () =>
    Effect.gen(function*() {
      const { store, written } = steps.watched()
      yield* world.withServer(
        Effect.gen(function*() {
          const { send } = yield* world.caller
          const { json } = yield* send("/register", { json: { redirect_uris: [world.redirectUri] } })
          assert.match(json.client_secret, /^[\w-]{43}$/u)
          const hash = createHash("sha256").update(json.client_secret).digest("base64url")
          assert.include(JSON.stringify(written), hash)
          assert.notInclude(JSON.stringify(written), json.client_secret)
        }),
        { registration: true },
        { store }
      )
      for (const text of ["", "x".repeat(31)]) {
        const error = yield* Effect.flip(
          world.withServer(Effect.void, { clients: [{ id: "a", secret: Redacted.make(text) }] })
        )
        assert.deepInclude(error, { _tag: "InvalidOption", option: "clients[0].secret" })
        if (text !== "") assert.notInclude(error.message, text)
      }
    }))

  it.effect("T3: and gets no more than its grant types", () =>
    withClients(Effect.gen(function*() {
      const caller = yield* world.caller
      const posted = { client_id: poster.id, client_secret: secret }
      const code = yield* world.code(caller)
      assertRefused(yield* steps.token(caller, { ...world.exchange(code).form, ...posted }), "unauthorized_client")
      for (const grant_type of ["password", "implicit", "", "AUTHORIZATION_CODE", "__proto__"]) {
        const error = grant_type === "" ? "invalid_request" : "unsupported_grant_type"
        assertRefused(yield* steps.token(caller, { grant_type, client_id: "app" }), error)
      }
    })))
})

describe("T4: private_key_jwt", () => {
  const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

  const shared = Promise.all([makeKey(), makeKey(), makeKey("EdDSA"), makeKey("ES384")])
  const keys = Effect.promise(() => shared)

  const signer = ({ jwk }: Key, more: Partial<Client.Options> = {}): Client.Options => ({
    id: "signer",
    keys: [jwk as NonNullable<Client.Options["keys"]>[number]],
    grantTypes: ["client_credentials"],
    ...more
  })

  interface Letter {
    readonly key?: Key
    readonly header?: Readonly<Record<string, unknown>>
    readonly claims?: Readonly<Record<string, unknown>>
  }

  const sign = ({ claims, header, key }: Letter = {}) =>
    Effect.gen(function*() {
      const [own] = yield* keys
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const said = {
        iss: "signer",
        sub: "signer",
        aud: world.issuer,
        iat: now,
        exp: now + 300,
        jti: randomUUID(),
        ...claims
      }
      const { alg, privateKey } = key ?? own
      return yield* Effect.promise(() =>
        new jose.SignJWT(Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)))
          .setProtectedHeader({ alg, ...header }).sign(privateKey, { crit: { ext: true } })
      )
    })

  const ask = (caller: world.Caller, assertion: string, own: steps.Own = {}, path = "/token") =>
    caller.send(path, {
      form: { ...credentials, client_assertion: assertion, client_assertion_type: type, ...own } as never
    })

  const withSigner = <A, E>(test: Parameters<typeof world.withServer<A, E>>[0]) =>
    Effect.flatMap(keys, ([own]) => world.withServer(test, { clients: [...clients, signer(own)] }))

  it.effect("T4: is good once, and then never again", () =>
    withSigner(Effect.gen(function*() {
      const caller = yield* world.caller
      const letter = yield* sign()
      assert.strictEqual((yield* ask(caller, letter)).status, 200)
      assertRefused(yield* ask(caller, letter), "invalid_client", 401)
      assertRefused(yield* ask(caller, letter, {}, "/par"), "invalid_client", 401)
      // For as long as clocks may differ, and then for its age.
      for (let seconds = 0; seconds < 420; seconds += 30) {
        yield* TestClock.adjust("30 seconds")
        assertRefused(yield* ask(caller, letter), "invalid_client", 401)
      }
      const late = yield* sign({ claims: { exp: 421, iat: 420 } })
      assert.strictEqual((yield* ask(caller, late)).status, 200)
    })))

  it.effect("T4: is used by one of 50 at the same moment", () =>
    withSigner(Effect.gen(function*() {
      const caller = yield* world.caller
      const letter = yield* sign()
      // 49 of them are wrong, which is more than anybody may be.
      const statuses = (yield* atOnce(50, ask(caller, letter))).map(({ status }) => status)
      assert.strictEqual(statuses.filter((status) => status === 200).length, 1)
    })))

  const wrong: Readonly<Record<string, (keys: readonly [Key, Key, Key, Key]) => Letter>> = {
    "the token endpoint as aud": () => ({ claims: { aud: `${world.issuer}/token` } }),
    "the issuer with a slash as aud": () => ({ claims: { aud: `${world.issuer}/` } }),
    "the issuer in a list": () => ({ claims: { aud: [world.issuer] } }),
    "the issuer and another": () => ({ claims: { aud: [world.issuer, "https://other.example"] } }),
    "another aud": () => ({ claims: { aud: "https://other.example" } }),
    "no aud": () => ({ claims: { aud: undefined } }),
    "another iss": () => ({ claims: { iss: "backend" } }),
    "no iss": () => ({ claims: { iss: undefined } }),
    "another sub": () => ({ claims: { sub: "backend" } }),
    "no sub": () => ({ claims: { sub: undefined } }),
    "an exp of more than 5 minutes": () => ({ claims: { exp: 301 } }),
    "an exp that is over": () => ({ claims: { exp: -31 } }),
    "no exp": () => ({ claims: { exp: undefined } }),
    "a time that has not come": () => ({ claims: { nbf: 100 } }),
    "no jti": () => ({ claims: { jti: undefined } }),
    "an empty jti": () => ({ claims: { jti: "" } }),
    "a jti that is a number": () => ({ claims: { jti: 1 } }),
    "another key": ([, key]) => ({ key }),
    "another key of another algorithm": ([, , key]) => ({ key }),
    "another key of another curve": ([, , , key]) => ({ key }),
    "a key that it brings along": ([, key]) => ({ key, header: { jwk: key.jwk } }),
    "a header that has to be understood": () => ({ header: { crit: ["ext"], ext: 1 } })
  }
  for (const [name, own] of Object.entries(wrong)) {
    it.effect(`T4: not with ${name}`, () =>
      withSigner(Effect.gen(function*() {
        const caller = yield* world.caller
        assertRefused(yield* ask(caller, yield* sign(own(yield* keys))), "invalid_client", 401)
      })))
  }

  it.effect("T4: not signed by nobody, nor with a secret, be it the public key", () =>
    withSigner(Effect.gen(function*() {
      const caller = yield* world.caller
      const [{ jwk }] = yield* keys
      const claims = { iss: "signer", sub: "signer", aud: world.issuer, exp: 100, iat: 0, jti: "1" }
      const secrets = [world.secret, JSON.stringify(jwk), jwk.x!]
      const letters = [new jose.UnsecuredJWT(claims).encode()]
      for (const secret of secrets) {
        for (const alg of ["HS256", "HS512"]) {
          letters.push(
            yield* Effect.promise(() =>
              new jose.SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret.padEnd(64)))
            )
          )
        }
      }
      for (const letter of letters) assertRefused(yield* ask(caller, letter), "invalid_client", 401)
      const { json } = yield* caller.send("/.well-known/oauth-authorization-server")
      const algorithms: ReadonlyArray<string> = json.token_endpoint_auth_signing_alg_values_supported
      assert.notInclude(algorithms, "none")
      assert.isFalse(algorithms.some((alg) => alg.startsWith("HS")))
    })))

  it.effect("T4: not of a client that shows a secret, nor for another client", () =>
    withSigner(Effect.gen(function*() {
      const caller = yield* world.caller
      const ofBackend = yield* sign({ claims: { iss: "backend", sub: "backend" } })
      assertRefused(yield* ask(caller, ofBackend), "invalid_client", 401)
      assertRefused(yield* ask(caller, yield* sign(), { client_id: "backend" }), "invalid_request")
      assertRefused(yield* ask(caller, yield* sign(), { client_assertion_type: undefined }), "invalid_client", 401)
    })))
})

describe("T5: a refresh token", () => {
  it.effect("T5: is another each time, also for a client with a secret, and the family ends with a second use", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      for (const own of [{}, { client_id: "backend" }]) {
        const headers = own.client_id === undefined ? {} : basic
        const shown = own.client_id === undefined ? {} : { client_id: undefined }
        const code = yield* world.code(caller, own)
        const first = (yield* steps.token(caller, { ...world.exchange(code).form, ...shown }, headers)).json
        const next = (token: string) =>
          steps.token(
            caller,
            { grant_type: "refresh_token", client_id: "app", refresh_token: token, ...shown },
            headers
          )
        const second = (yield* next(first.refresh_token)).json
        const third = (yield* next(second.refresh_token)).json
        assert.strictEqual(new Set([first, second, third].map((json) => json.refresh_token)).size, 3)
        assertRefused(yield* next(first.refresh_token), "invalid_grant")
        assertRefused(yield* next(third.refresh_token), "invalid_grant")
        for (const { access_token } of [first, second, third]) {
          assert.isFalse(yield* steps.isActive(caller, access_token))
        }
      }
    })))

  it.effect("T5: is used by one of 50 at the same moment, and nothing is live after that", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token, refresh_token } = yield* steps.login(caller)
      const answers = yield* atOnce(50, steps.refresh(caller, refresh_token))
      const good = answers.filter(({ status }) => status === 200)
      assert.isAtMost(good.length, 1)
      for (const token of [access_token, ...good.map(({ json }) => json.access_token)]) {
        assert.isFalse(yield* steps.isActive(caller, token))
      }
      for (const { json } of good) assertRefused(yield* steps.refresh(caller, json.refresh_token), "invalid_grant")
    })))

  it.effect("T5: has no time of grace, and a wrong guess does not use it up", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const { refresh_token } = yield* steps.login(caller)
        assertRefused(yield* steps.refresh(caller, refresh_token, { scope: "nothing" }), "invalid_scope")
        assertRefused(yield* steps.refresh(caller, refresh_token, { client_id: "other" }), "invalid_grant")
        const { json } = yield* steps.refresh(caller, refresh_token)
        assertRefused(yield* steps.refresh(caller, refresh_token), "invalid_grant")
        assertRefused(yield* steps.refresh(caller, json.refresh_token), "invalid_grant")
      }),
      { clients: [...clients, { ...world.app, id: "other" }] }
    ))
})

describe("T6: a refresh", () => {
  it.effect("T6: widens neither scope nor resource, and narrows for one token alone", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const { refresh_token } = yield* steps.login(caller, { scope: "notes:read notes:write" })
        for (const scope of ["notes:read notes:write notes:purge", "notes:purge", "openid", "mail"]) {
          assertRefused(yield* steps.refresh(caller, refresh_token, { scope }), "invalid_scope")
        }
        assertRefused(
          yield* steps.refresh(caller, refresh_token, { resource: "https://mail.example/mcp" }),
          "invalid_target"
        )
        const narrow = (yield* steps.refresh(caller, refresh_token, { scope: "notes:read" })).json
        assert.strictEqual(read(narrow.access_token)["scope"], "notes:read")
        const wide = (yield* steps.refresh(caller, narrow.refresh_token)).json
        assert.deepInclude(read(wide.access_token), { scope: "notes:read notes:write", aud: world.resource })
      }),
      {
        resources: [
          { uri: world.resource, scopes: ["notes:read", "notes:write", "notes:purge"] },
          { uri: "https://mail.example/mcp", scopes: ["mail"] }
        ]
      }
    ))

  it.effect("T6: is of its client", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const { refresh_token } = yield* steps.login(caller)
        assertRefused(yield* steps.refresh(caller, refresh_token, { client_id: "other" }), "invalid_grant")
        const own = { grant_type: "refresh_token", refresh_token }
        assertRefused(yield* steps.token(caller, own, basic), "invalid_grant")
        for (const token of ["", "x".repeat(43)]) {
          const error = token === "" ? "invalid_request" : "invalid_grant"
          assertRefused(yield* steps.refresh(caller, token), error)
        }
        assert.strictEqual((yield* steps.refresh(caller, refresh_token)).status, 200)
      }),
      { clients: [...clients, { ...world.app, id: "other" }] }
    ))

  it.effect("T6: comes to nothing when the grant has ended", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token, refresh_token } = yield* steps.login(caller)
      const { endGrant } = yield* AuthorizationServer.AuthorizationServer
      yield* endGrant(String(read(access_token).jti).split(".")[0]!)
      assertRefused(yield* steps.refresh(caller, refresh_token), "invalid_grant")
      assert.isFalse(yield* steps.isActive(caller, access_token))
    })))

  it.effect("T6: comes too late after 30 days without one", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { refresh_token } = yield* steps.login(caller)
      yield* TestClock.adjust("2591999 seconds")
      const { json } = yield* steps.refresh(caller, refresh_token)
      yield* TestClock.adjust("30 days")
      assertRefused(yield* steps.refresh(caller, json.refresh_token), "invalid_grant")
    })))

  it.effect("T6: comes too late after 180 days, however often there was one, and so does its token", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      let tokens = yield* steps.login(caller)
      for (let i = 0; i < 9; i++) {
        yield* TestClock.adjust(i === 8 ? "1727999 seconds" : "20 days")
        const answer = yield* steps.refresh(caller, tokens.refresh_token)
        assert.strictEqual(answer.status, 200)
        tokens = answer.json
      }
      assert.isTrue(yield* steps.isActive(caller, tokens.access_token))
      yield* TestClock.adjust("1 second")
      assertRefused(yield* steps.refresh(caller, tokens.refresh_token), "invalid_grant")
      assert.isFalse(yield* steps.isActive(caller, tokens.access_token))
    })))
})

describe("T7: an access token", () => {
  it.effect("T7: is what RFC 9068 says, for one resource and five minutes", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      yield* TestClock.adjust("1000 seconds")
      const { access_token } = yield* steps.login(caller)
      const { json } = yield* caller.send("/jwks")
      const verified = yield* Effect.promise(() =>
        jose.jwtVerify(access_token, jose.createLocalJWKSet(json), {
          issuer: world.issuer,
          audience: world.resource,
          typ: "at+jwt",
          algorithms: ["ES256"],
          currentDate: new Date(1_000_000)
        })
      )
      const { jti, ...claims } = verified.payload
      assert.deepStrictEqual(claims, {
        iss: world.issuer,
        sub: "anna",
        aud: world.resource,
        client_id: "app",
        scope: "notes:read notes:write",
        iat: 1000,
        exp: 1300,
        auth_time: 1000
      })
      assert.isAtLeast(jti!.length, 22)
      const other = yield* steps.login(caller)
      assert.notStrictEqual(read(other.access_token).jti, jti)
    })))

  it.effect("T7: ends when it says, and no option makes it more than 10 minutes", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const { access_token } = yield* steps.login(caller)
        yield* TestClock.adjust("599 seconds")
        assert.isTrue(yield* steps.isActive(caller, access_token))
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* steps.isActive(caller, access_token))
        const error = yield* Effect.flip(world.withServer(Effect.void, { lifetimes: { accessToken: "601 seconds" } }))
        assert.deepInclude(error, { _tag: "InvalidOption", option: "lifetimes.accessToken" })
      }),
      { lifetimes: { accessToken: "10 minutes" } }
    ))

  it.effect("T7: is nothing else, and nothing else is one, be it signed with the same key", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token, refresh_token } = yield* steps.login(caller)
      const { check } = yield* AuthorizationServer.AuthorizationServer
      assert.isDefined(yield* check(Redacted.make(access_token)))
      const ring = yield* Effect.promise(() => world.signer)
      const claims = read(access_token)
      const again = (typ: string | undefined, own: jose.JWTPayload = {}) =>
        Effect.promise(() =>
          new jose.SignJWT({ ...claims, ...own })
            .setProtectedHeader({ alg: "ES256", ...(typ === undefined ? undefined : { typ }) }).sign(ring)
        )
      // What a token of the same key may be: of users for clients, letters to others, proofs.
      for (const typ of [undefined, "JWT", "dpop+jwt", "logout+jwt", "oauth-id-jag+jwt"]) {
        assert.isUndefined(yield* check(Redacted.make(yield* again(typ))), typ)
      }
      assert.isDefined(yield* check(Redacted.make(yield* again("at+jwt"))))
      const others: ReadonlyArray<jose.JWTPayload> = [
        { iss: "https://other.example" },
        { aud: "https://other.example/mcp" },
        { exp: 0 },
        { jti: undefined as never },
        { jti: "unknown.grant" }
      ]
      for (const own of others) assert.isUndefined(yield* check(Redacted.make(yield* again("at+jwt", own))))
      assert.isUndefined(yield* check(Redacted.make(refresh_token)))
      assert.isUndefined(yield* check(Redacted.make(new jose.UnsecuredJWT(claims).encode())))
      assertRefused(yield* steps.refresh(caller, access_token), "invalid_grant")
      assertRefused(yield* steps.redeem(caller, access_token), "invalid_grant")
    })))
})

describe("T8: client credentials", () => {
  it.effect("T8: are for a client that shows who it is, and that may", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        assertRefused(yield* steps.token(caller, { ...credentials, client_id: "public" }), "unauthorized_client")
        assertRefused(yield* steps.token(caller, { ...credentials, client_id: "app" }), "unauthorized_client")
        assertRefused(yield* steps.token(caller, credentials, steps.basic("web")), "unauthorized_client")
      }),
      {
        clients: [
          ...clients,
          { id: "public", grantTypes: ["client_credentials"] },
          { id: "web", secret: Redacted.make(world.secret) }
        ]
      }
    ))

  it.effect("T8: give a subject that no user has, and nothing that lasts", () =>
    world.withServer(Effect.gen(function*() {
      const { json, status } = yield* steps.token(yield* world.caller, credentials, basic)
      assert.strictEqual(status, 200)
      const claims = read(json.access_token)
      assert.deepInclude(claims, { sub: "client:backend", client_id: "backend", aud: world.resource })
      assert.isUndefined(claims["auth_time"])
      assert.isUndefined(json.refresh_token)
      assert.isUndefined(json.id_token)
    })))

  it.effect("T8: a user of such a subject is nobody's mistake but ours, and does not get in", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const exit = yield* Effect.exit(caller.send(world.authorizePath()))
        assert.isTrue(Exit.hasDies(exit))
      }),
      {},
      { login: UserLogin.layerAutomatic("client:backend") }
    ))

  it.effect("T8: give the scopes of the resource that the client may have", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const scopeOf = (scope?: string) =>
          Effect.map(steps.token(caller, { ...credentials, scope }, basic), ({ json }) => json.scope ?? json.error)
        assert.strictEqual(yield* scopeOf(), "notes:read")
        assert.strictEqual(yield* scopeOf("notes:read notes:write offline_access"), "notes:read")
        assert.strictEqual(yield* scopeOf("notes:write"), "invalid_scope")
      }),
      { clients: [{ ...world.backend, scopes: ["notes:read"] }] }
    ))
})

const programs = ["/token", "/revoke", "/introspect", "/par", "/device_authorization", "/register"]

describe("T9: answers to programs", () => {
  it.effect("T9: are kept by nobody, good or bad, and are JSON", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const { access_token } = yield* steps.login(caller)
        const answers: Array<world.Answer> = []
        for (const path of programs) {
          answers.push(yield* caller.send(path, { form: {} }))
          answers.push(yield* caller.send(path, { form: { token: "x" }, headers: basic }))
          answers.push(yield* caller.send(path, { method: "POST", headers: basic }))
        }
        answers.push(yield* steps.token(caller, credentials, basic))
        answers.push(yield* steps.redeem(caller, yield* world.code(caller)))
        answers.push(yield* caller.send("/introspect", { form: { token: access_token }, headers: basic }))
        answers.push(yield* caller.send("/register", { json: { redirect_uris: [world.redirectUri] } }))
        for (const { headers, json, status, text } of answers) {
          assert.strictEqual(headers.get("cache-control"), "no-store")
          assert.strictEqual(headers.get("pragma"), "no-cache")
          if (text === "") continue
          assert.strictEqual(headers.get("content-type"), "application/json")
          if (status >= 400) assert.match(json.error_description, /^[\u0020-\u0021\u0023-\u005b\u005d-\u007e]+$/u)
        }
      }),
      { registration: true }
    ))

  it.effect("T9: say 401 and how to come, to who has come with Basic", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const bad = yield* steps.token(caller, credentials, steps.basic("backend", "wrong"))
      assertRefused(bad, "invalid_client", 401)
      assert.match(bad.headers.get("www-authenticate")!, /^Basic realm="/u)
      const posted = yield* steps.token(caller, { ...credentials, client_id: "nobody" })
      assertRefused(posted, "invalid_client", 401)
    })))

  it.effect("T9: tell what somebody else has written without what gets out of JSON or a header", () =>
    world.withServer(Effect.gen(function*() {
      const { send } = yield* world.caller
      const name = "\"\\\r\n<script>\u00e4"
      const form = new URLSearchParams([[name, "1"], [name, "2"]])
      const answer = yield* send("/token", { form })
      assertRefused(answer, "invalid_request")
      assert.match(answer.json.error_description, /^[\u0020-\u0021\u0023-\u005b\u005d-\u007e]+$/u)
    })))

  it.effect("T9: come by the methods there are", () =>
    world.withServer(
      Effect.gen(function*() {
        const { send } = yield* world.caller
        for (const path of programs) {
          for (const method of ["GET", "PUT", "DELETE", "HEAD"]) {
            const { headers, status, text } = yield* send(path, { method })
            assert.deepStrictEqual([status, headers.get("allow"), text], [405, "POST", ""])
          }
        }
      }),
      { registration: true }
    ))
})

it.effect("T10: a user code has 34 bits, and is not guessed from a network of IPv6; the rest is in device.test.ts", () => {
  let asked = 0
  return world.withServer(
    Effect.gen(function*() {
      const { send } = yield* world.caller
      const { json } = yield* send("/device_authorization", { form: { client_id: "tv" } })
      assert.match(json.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/u)
      const { csrf } = steps.formOf(yield* send("/device"))
      const type = (user_code: string) => send("/device", { form: { csrf, user_code } })
      for (let i = 0; i < 20; i++) assert.strictEqual((yield* type("BCDF-GHJK")).status, 400)
      assert.strictEqual((yield* type(json.user_code)).status, 429)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* type(json.user_code)).location, undefined)
    }),
    {
      clients: [...clients, { id: "tv", grantTypes: ["urn:ietf:params:oauth:grant-type:device_code"] }],
      clientAddress: () => `2001:db8:0:1::${(asked++).toString(16)}`
    }
  )
})

describe("T12: pages of other origins", () => {
  const origin = { origin: "https://page.example" }

  it.effect("T12: may read what needs no cookie, and send none", () =>
    world.withServer(
      Effect.gen(function*() {
        const { send } = yield* world.caller
        const documents = ["/jwks", "/.well-known/oauth-authorization-server"]
        for (const path of [...programs, ...documents]) {
          const isDocument = documents.includes(path)
          const answer = yield* send(path, isDocument ? { headers: origin } : { headers: origin, form: {} })
          const preflight = yield* send(path, {
            method: "OPTIONS",
            headers: { ...origin, "access-control-request-method": "POST" }
          })
          for (const { headers } of [answer, preflight]) {
            assert.strictEqual(headers.get("access-control-allow-origin"), "*")
            assert.isNull(headers.get("access-control-allow-credentials"))
          }
          assert.strictEqual(preflight.status, 204)
          assert.strictEqual(preflight.headers.get("access-control-allow-methods"), isDocument ? "GET" : "POST")
        }
      }),
      { registration: true }
    ))

  it.effect("T12: may not read pages of a login, nor ask whether they may", () =>
    world.withServer(
      Effect.gen(function*() {
        const { send } = yield* world.caller
        const page = yield* send(world.authorizePath(), { headers: origin })
        const { action } = steps.formOf(page)
        const answers = [page]
        for (const path of [world.authorizePath(), action, "/device", "/callback", "/interaction/x", "/nothing"]) {
          answers.push(yield* send(path, { headers: origin }))
          const preflight = yield* send(path, {
            method: "OPTIONS",
            headers: { ...origin, "access-control-request-method": "POST" }
          })
          assert.isAtLeast(preflight.status, 400)
          answers.push(preflight)
        }
        for (const { headers } of answers) {
          for (const name of headers.keys()) assert.isFalse(name.startsWith("access-control-"), name)
        }
      }),
      {},
      { consent: steps.asking }
    ))
})

describe("T13: who guesses", () => {
  const ask = (caller: world.Caller, secret: string, from: string, id = "backend") =>
    steps.token(caller, credentials, { ...steps.basic(id, secret), "x-from": from })

  it.effect("T13: waits after 20 wrong secrets, right or not, until a minute is over", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (let i = 0; i < 20; i++) assertRefused(yield* ask(caller, `wrong ${i}`, "192.0.2.1"), "invalid_client", 401)
        yield* TestClock.adjust("1 second")
        for (const secret of ["wrong", world.secret]) {
          const locked = yield* ask(caller, secret, "192.0.2.1")
          assertRefused(locked, "temporarily_unavailable", 429)
          assert.strictEqual(locked.headers.get("retry-after"), "59")
        }
        // Nobody can lock out the client where it is, nor another where they are.
        assert.strictEqual((yield* ask(caller, world.secret, "192.0.2.2")).status, 200)
        assertRefused(yield* ask(caller, "wrong", "192.0.2.1", "other"), "invalid_client", 401)
        yield* TestClock.adjust("58999 millis")
        assertRefused(yield* ask(caller, world.secret, "192.0.2.1"), "temporarily_unavailable", 429)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* ask(caller, world.secret, "192.0.2.1")).status, 200)
      }),
      steps.addressed
    ))

  it.effect("T13: is one who has a network of IPv6, and one whose client is called at any length", () => {
    const { store, written } = steps.watched()
    return world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (let i = 0; i < 20; i++) yield* ask(caller, "wrong", `2001:db8:0:1::${i}`)
        assertRefused(yield* ask(caller, world.secret, "2001:db8:0:1:ffff::"), "temporarily_unavailable", 429)
        assert.strictEqual((yield* ask(caller, world.secret, "2001:db8:0:2::")).status, 200)
        assertRefused(yield* ask(caller, "wrong", "192.0.2.1", "x".repeat(10_000)), "invalid_client", 401)
        for (const [{ id }] of written) assert.isAtMost(id.length, 500)
      }),
      steps.addressed,
      { store }
    )
  })

  it.effect("T13: is told the same, whatever was wrong", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const code = yield* world.code(caller)
        const used = yield* world.code(caller)
        const { json: { refresh_token } } = yield* steps.redeem(caller, used)
        const same = (answers: ReadonlyArray<world.Answer>) =>
          assert.strictEqual(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1, answers[0]!.text)
        same([
          yield* steps.token(caller, credentials, steps.basic("nobody", "wrong")),
          yield* steps.token(caller, credentials, steps.basic("backend", "wrong")),
          yield* steps.token(caller, credentials, steps.basic("app", "wrong")),
          yield* steps.token(caller, { ...credentials, client_id: "nobody" }),
          yield* steps.token(caller, { ...credentials, client_id: "backend", client_secret: world.secret })
        ])
        same([
          yield* steps.redeem(caller, "x".repeat(43)),
          yield* steps.redeem(caller, code, { code_verifier: "w".repeat(43) }),
          yield* steps.redeem(caller, code, { redirect_uri: "https://evil.example/" }),
          yield* steps.redeem(caller, code, { client_id: "other" }),
          yield* steps.redeem(caller, used)
        ])
        const mine = (yield* steps.login(caller)).refresh_token
        same([
          yield* steps.refresh(caller, "x".repeat(43)),
          yield* steps.refresh(caller, mine, { client_id: "other" }),
          yield* steps.refresh(caller, refresh_token)
        ])
      }),
      { clients: [...clients, { ...world.app, id: "other" }] }
    ))

  it.effect("T13: has five guesses at what belongs to a code, and the user begins again", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const [first, second] = [yield* world.code(caller), yield* world.code(caller)]
      const guess = (code: string) => steps.redeem(caller, code, { code_verifier: "w".repeat(43) })
      for (let i = 0; i < 4; i++) assertRefused(yield* guess(first), "invalid_grant")
      assert.strictEqual((yield* steps.redeem(caller, first)).status, 200)
      for (let i = 0; i < 5; i++) assertRefused(yield* guess(second), "invalid_grant")
      assertRefused(yield* steps.redeem(caller, second), "invalid_grant")
    })))

  it.effect("T13: a store that does not answer lets nobody guess, and nobody in", () =>
    Effect.gen(function*() {
      let isDown = false
      const store = Layer.effect(
        OAuthStore.OAuthStore,
        Effect.map(OAuthStore.OAuthStore, (store): OAuthStore.OAuthStore["Service"] => ({
          ...store,
          get: (key) =>
            isDown ? Effect.fail(OAuthStoreError.make(new OAuthStoreError.Full({ maximum: 0 }))) : store.get(key)
        }))
      ).pipe(Layer.provide(OAuthStore.layerMemory()))
      yield* world.withServer(
        Effect.gen(function*() {
          const caller = yield* world.caller
          const code = yield* world.code(caller)
          isDown = true
          assertRefused(yield* ask(caller, world.secret, "192.0.2.1"), "temporarily_unavailable", 503)
          assertRefused(yield* steps.redeem(caller, code), "temporarily_unavailable", 503)
          isDown = false
          assert.strictEqual((yield* steps.redeem(caller, code)).status, 200)
        }),
        {},
        { store }
      )
    }))
})
