/** Letters from a company's identity provider (ID-JAG), both ends of them, and programs that a platform vouches for. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as EnterpriseManaged from "fastmcp-effect/oauth/client/EnterpriseManaged"
import * as WorkloadIdentity from "fastmcp-effect/oauth/client/WorkloadIdentity"
import type * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as ExchangePolicy from "fastmcp-effect/oauth/server/ExchangePolicy"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as jose from "jose"
import { type Key, makeKey, prove } from "./proofs.ts"
import * as wire from "./wire.ts"
import * as world from "./world.ts"

const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
const idJag = "urn:ietf:params:oauth:token-type:id-jag"
const idToken = "urn:ietf:params:oauth:token-type:id_token"

const idp = "https://idp.example"
const platform = "https://platform.example"

const shared = Promise.all([makeKey(), makeKey()])

/** The provider's key, and another. */
const keys = Effect.promise(() => shared)

const basic = (id: string) => ({ authorization: `Basic ${btoa(`${id}:${encodeURIComponent(world.secret)}`)}` })

const desk: Client.Options = { id: "desk", secret: Redacted.make(world.secret), grantTypes: [jwtBearer] }
const open: Client.Options = { id: "open", grantTypes: [jwtBearer] }
const job: Client.Options = {
  id: "job",
  grantTypes: [jwtBearer],
  scopes: ["notes:read"],
  workload: { issuer: platform, subject: "system:job" }
}

type Own = Readonly<Record<string, unknown>>

const sign = ({ alg, privateKey }: Key, claims: Own, header: Own) =>
  Effect.promise(() =>
    new jose.SignJWT(
      Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)) as jose.JWTPayload
    ).setProtectedHeader({ alg, ...header }).sign(privateKey)
  )

/** A letter that is right, but for what is given. */
const letter = (own: Own = {}, header: Own = {}, key?: Key) =>
  Effect.gen(function*() {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    return yield* sign(key ?? (yield* keys)[0], {
      iss: idp,
      sub: "anna",
      aud: world.issuer,
      client_id: "desk",
      resource: world.resource,
      scope: "notes:read",
      jti: "1",
      iat: now,
      exp: now + 300,
      ...own
    }, { typ: "oauth-id-jag+jwt", ...header })
  })

const withServer = <A, E>(
  test: Parameters<typeof world.withServer<A, E>>[0],
  own: Partial<AuthorizationServer.TrustedIdentityProvider> = {},
  surroundings?: world.Surroundings
) =>
  Effect.flatMap(keys, ([{ jwk }]) =>
    world.withServer(test, {
      clients: [...world.options.clients!, desk, open, job],
      trustedIdentityProviders: [{ issuer: idp, keys: [{ ...jwk, kty: jwk.kty! }], ...own }],
      trustedPlatforms: [{ issuer: platform, keys: [{ ...jwk, kty: jwk.kty! }] }]
    }, surroundings))

const redeem = (assertion: string, own: Readonly<Record<string, string>> = {}, headers: Record<string, string> = {}) =>
  Effect.flatMap(world.caller, ({ send }) =>
    send("/token", {
      form: { grant_type: jwtBearer, assertion, ...own },
      headers: { ...basic("desk"), ...headers }
    }))

const assertRefused = ({ json, status }: world.Answer, error: string, why?: RegExp) => {
  assert.deepStrictEqual([status, json.error], [400, error])
  if (why !== undefined) assert.match(json.error_description, why)
}

describe("a letter of an identity provider", () => {
  it.effect("is a token for its user, and no refresh token", () =>
    withServer(Effect.gen(function*() {
      const { json, status } = yield* redeem(yield* letter())
      assert.strictEqual(status, 200)
      assert.deepInclude(json, { token_type: "Bearer", scope: "notes:read" })
      assert.notProperty(json, "refresh_token")
      const claims = jose.decodeJwt(json.access_token)
      assert.deepInclude(claims, { sub: `${idp}|anna`, client_id: "desk", aud: world.resource, iss: world.issuer })
      const { check } = yield* AuthorizationServer.AuthorizationServer
      assert.isDefined(yield* check(Redacted.make(json.access_token)))
      const { json: metadata } = yield* (yield* world.caller).send("/.well-known/oauth-authorization-server")
      assert.include(metadata.grant_types_supported, jwtBearer)
      assert.deepStrictEqual(metadata.authorization_grant_profiles_supported, [
        "urn:ietf:params:oauth:grant-profile:id-jag"
      ])
    })))

  it.effect("is nothing where no provider is trusted, and the metadata says nothing of it", () =>
    world.withServer(
      Effect.gen(function*() {
        assertRefused(yield* redeem(yield* letter()), "unsupported_grant_type")
        const { json } = yield* (yield* world.caller).send("/.well-known/oauth-authorization-server")
        assert.notProperty(json, "authorization_grant_profiles_supported")
        assert.notProperty(json, "identity_chaining_requested_token_types_supported")
      }),
      { clients: [desk] }
    ))

  const wrong: ReadonlyArray<readonly [name: string, own: Own, header: Own, why: RegExp]> = [
    ["that is an id token", {}, { typ: "JWT" }, /type/u],
    ["that is an access token", {}, { typ: "at+jwt" }, /type/u],
    ["that says nothing of its type", {}, { typ: undefined }, /type/u],
    ["of an issuer whom nobody trusts", { iss: "https://other.example" }, {}, /issuer/u],
    ["of nobody", { iss: undefined }, {}, /issuer/u],
    ["of this server itself", { iss: world.issuer }, {}, /issuer/u],
    ["to another server", { aud: "https://other.example" }, {}, /meant/u],
    ["to another server as well", { aud: [world.issuer, "https://other.example"] }, {}, /others/u],
    ["to nobody", { aud: undefined }, {}, /meant/u],
    ["to this server's resource", { aud: world.resource }, {}, /meant/u],
    ["for another client", { client_id: "backend" }, {}, /client/u],
    ["for no client", { client_id: undefined }, {}, /client/u],
    ["that has expired", { exp: -31 }, {}, /expired/u],
    ["that does not expire", { exp: undefined }, {}, /exp/u],
    ["that is good for more than an hour", { exp: 3601 }, {}, /too long/u],
    ["of no time", { iat: undefined }, {}, /when/u],
    ["of a time to come", { iat: 31 }, {}, /not valid yet/u],
    ["that is not valid yet", { nbf: 31 }, {}, /not valid yet/u],
    ["without an id", { jti: undefined }, {}, /id/u],
    ["with an empty id", { jti: "" }, {}, /id/u],
    ["about nobody", { sub: undefined }, {}, /nobody/u],
    ["for no resource", { resource: undefined }, {}, /resource/u],
    ["for more resources than one", { resource: [world.resource] }, {}, /resource/u],
    ["bound to a key that is not proven", { cnf: { jkt: "x".repeat(43) } }, {}, /key/u]
  ]
  for (const [name, own, header, why] of wrong) {
    it.effect(`is refused ${name}`, () =>
      withServer(Effect.gen(function*() {
        assertRefused(yield* redeem(yield* letter(own, header)), "invalid_grant", why)
        // And a good one is taken after it.
        assert.strictEqual((yield* redeem(yield* letter())).status, 200)
      })))
  }

  it.effect("is refused when somebody else has signed it, or nobody, or with a secret", () =>
    withServer(Effect.gen(function*() {
      const [{ jwk }, other] = yield* keys
      assertRefused(yield* redeem(yield* letter({}, {}, other)), "invalid_grant", /signature/u)
      assertRefused(yield* redeem(yield* letter({}, { jwk: other.jwk }, other)), "invalid_grant", /signature/u)
      const claims = jose.decodeJwt(yield* letter())
      const encode = (value: object) => jose.base64url.encode(JSON.stringify(value))
      const byNobody = `${encode({ alg: "none", typ: "oauth-id-jag+jwt" })}.${encode(claims)}.`
      assertRefused(yield* redeem(byNobody), "invalid_grant")
      const bySecret = yield* Effect.promise(() =>
        new jose.SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "oauth-id-jag+jwt" })
          .sign(new TextEncoder().encode(JSON.stringify(jwk)))
      )
      assertRefused(yield* redeem(bySecret), "invalid_grant", /algorithm/u)
      assertRefused(yield* redeem("no letter"), "invalid_grant")
      assertRefused(yield* redeem(""), "invalid_request")
    })))

  it.effect("is refused from a client that shows nothing, or may not use it, or is another", () =>
    withServer(Effect.gen(function*() {
      const { send } = yield* world.caller
      const assertion = yield* letter({ client_id: "open" })
      const asOpen = { form: { grant_type: jwtBearer, client_id: "open", assertion } }
      assertRefused(yield* send("/token", asOpen), "unauthorized_client", /shows/u)
      const asBackend = { form: { grant_type: jwtBearer, assertion: yield* letter() }, headers: basic("backend") }
      assertRefused(yield* send("/token", asBackend), "unauthorized_client")
    })))

  it.effect("is refused the second time, for as long as it is good, and then for its age", () =>
    withServer(Effect.gen(function*() {
      const first = yield* letter()
      assert.strictEqual((yield* redeem(first)).status, 200)
      assertRefused(yield* redeem(first), "invalid_grant", /before/u)
      yield* TestClock.adjust("329 seconds")
      assertRefused(yield* redeem(first), "invalid_grant", /before/u)
      yield* TestClock.adjust("1 second")
      assertRefused(yield* redeem(first), "invalid_grant", /expired/u)
      assert.strictEqual((yield* redeem(yield* letter({ jti: "2" }))).status, 200)
    })))

  it.effect("is taken from one of 50 who bring it at the same moment", () =>
    withServer(Effect.gen(function*() {
      const one = yield* letter()
      const answers = yield* Effect.all(Array.from({ length: 50 }, () => redeem(one)), { concurrency: "unbounded" })
      assert.strictEqual(answers.filter(({ status }) => status === 200).length, 1)
    })))

  it.effect("gives no more than it says, what is asked for, and what there is", () =>
    withServer(Effect.gen(function*() {
      const granted = (own: Own, asked: Readonly<Record<string, string>> = {}) =>
        Effect.map(Effect.flatMap(letter({ jti: JSON.stringify([own, asked]), ...own }), (one) => redeem(one, asked)), (
          { json }
        ) => json.scope ?? json.error)
      const both = "notes:read notes:write"
      assert.strictEqual(yield* granted({ scope: `${both} admin` }), both)
      assert.strictEqual(yield* granted({ scope: both }, { scope: "notes:write" }), "notes:write")
      assert.strictEqual(yield* granted({}, { scope: both }), "notes:read")
      assert.strictEqual(yield* granted({ scope: undefined }), both)
      assert.strictEqual(yield* granted({}, { scope: "admin" }), "invalid_scope")
      assert.strictEqual(yield* granted({}, { scope: "notes:write" }), "invalid_scope")
      assert.strictEqual(yield* granted({}, { resource: "https://other.example" }), "invalid_target")
      assert.strictEqual(yield* granted({ resource: "https://other.example" }), "invalid_target")
      assert.strictEqual(yield* granted({}, { resource: world.resource }), "notes:read")
    })))

  it.effect("is bound to the key that the request proves, and may ask for that", () =>
    withServer(Effect.gen(function*() {
      const [, key] = yield* keys
      const bound = yield* redeem(yield* letter({ cnf: { jkt: key.jkt } }), {}, { dpop: yield* prove(key) })
      assert.strictEqual(bound.json.token_type, "DPoP")
      assert.deepStrictEqual(jose.decodeJwt(bound.json.access_token).cnf, { jkt: key.jkt })
    })))

  it.effect("is about whom the server says, or nobody", () =>
    withServer(
      Effect.gen(function*() {
        const { json } = yield* redeem(yield* letter({ email: "anna@acme.example" }))
        assert.strictEqual(jose.decodeJwt(json.access_token).sub, "anna@acme.example")
        assertRefused(yield* redeem(yield* letter({ jti: "2" })), "invalid_grant", /nobody knows/u)
      }),
      { subjectOf: ({ email }) => Effect.succeed(typeof email === "string" ? email : undefined) }
    ))

  it.effect("is checked with the keys that the provider publishes, and not at all while those cannot be had", () =>
    Effect.gen(function*() {
      const [{ jwk }] = yield* keys
      const seen: Array<string> = []
      const fetch = wire.fetch({
        seen,
        documents: {
          [`${idp}/.well-known/oauth-authorization-server`]: { issuer: idp, jwks_uri: `${idp}/keys` },
          [`${idp}/keys`]: { keys: [jwk] }
        }
      })
      const server = { clients: [desk], trustedIdentityProviders: [{ issuer: idp }] }
      yield* world.withServer(
        Effect.gen(function*() {
          for (const jti of ["1", "2"]) assert.strictEqual((yield* redeem(yield* letter({ jti }))).status, 200)
          assert.deepStrictEqual(seen, [`${idp}/.well-known/oauth-authorization-server`, `${idp}/keys`])
        }),
        server,
        { fetch }
      )
      yield* world.withServer(
        Effect.gen(function*() {
          const { json, status } = yield* redeem(yield* letter())
          assert.deepStrictEqual([status, json.error], [503, "temporarily_unavailable"])
        }),
        server
      )
    }))

  it.effect("cannot be of the server itself, nor of a provider that is there twice", () =>
    Effect.gen(function*() {
      for (const trustedIdentityProviders of [[{ issuer: world.issuer }], [{ issuer: idp }, { issuer: idp }]]) {
        const error = yield* Effect.flip(world.withServer(Effect.void, { trustedIdentityProviders }))
        assert.strictEqual(error._tag, "InvalidOption")
      }
    }))
})

/** An identity provider of this project, where anna may go to the other server with `desk`. */
const app: Client.Options = { id: "app-at-idp", secret: Redacted.make(world.secret), grantTypes: [tokenExchange] }

const policy: ExchangePolicy.ExchangePolicy["Service"] = {
  decide: ({ audience, client, resource, subject }) =>
    Effect.succeed(
      audience === world.issuer && client.id === app.id && subject === "anna"
        && (resource === undefined || resource === world.resource)
        ? { clientId: "desk", scopes: ["notes:read"] }
        : undefined
    )
}

const Provider = (decide: ExchangePolicy.ExchangePolicy["Service"] | undefined = policy) =>
  AuthorizationServer.layer({
    issuer: idp,
    resources: [{ uri: "https://idp.example/api" }],
    clients: [app, { ...app, id: "other" }, { id: "public", grantTypes: [tokenExchange] }]
  }).pipe(
    Layer.provide(decide === undefined ? Layer.empty : Layer.succeed(ExchangePolicy.ExchangePolicy, decide)),
    Layer.provideMerge(world.services())
  )

/** An id token of the provider, right but for what is given. */
const login = (own: Own = {}, typ: string | undefined = "JWT") =>
  Effect.gen(function*() {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const { sign } = yield* SigningKeys.SigningKeys
    const claims = { iss: idp, sub: "anna", aud: app.id, iat: now, exp: now + 600, auth_time: now, ...own }
    return yield* sign(
      { typ: typ! },
      Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
    )
  })

const exchange = (subjectToken: string, own: Readonly<Record<string, string>> = {}, as: string = app.id) =>
  Effect.flatMap(world.caller, ({ send }) =>
    send("/token", {
      form: {
        grant_type: tokenExchange,
        requested_token_type: idJag,
        subject_token: subjectToken,
        subject_token_type: idToken,
        audience: world.issuer,
        resource: world.resource,
        ...own
      },
      headers: basic(as)
    }))

const atProvider = <A, E>(
  test: Effect.Effect<A, E, AuthorizationServer.AuthorizationServer | SigningKeys.SigningKeys>,
  decide?: ExchangePolicy.ExchangePolicy["Service"]
) => Effect.provide(test, Provider(decide), { local: true })

describe("an identity provider", () => {
  it.effect("writes a letter for a user who has logged in, where the policy says so", () =>
    atProvider(Effect.gen(function*() {
      const { headers, json, status } = yield* exchange(yield* login())
      assert.strictEqual(status, 200)
      assert.deepInclude(json, { issued_token_type: idJag, token_type: "N_A", expires_in: 300, scope: "notes:read" })
      assert.strictEqual(headers.get("cache-control"), "no-store")
      assert.strictEqual(jose.decodeProtectedHeader(json.access_token).typ, "oauth-id-jag+jwt")
      const { jti, ...claims } = jose.decodeJwt(json.access_token)
      assert.isString(jti)
      assert.deepStrictEqual(claims, {
        iss: idp,
        sub: "anna",
        aud: world.issuer,
        client_id: "desk",
        resource: world.resource,
        scope: "notes:read",
        iat: 0,
        exp: 300,
        auth_time: 0
      })
      const { check } = yield* AuthorizationServer.AuthorizationServer
      assert.isUndefined(yield* check(Redacted.make(json.access_token)))
      const metadata = yield* (yield* world.caller).send("/.well-known/oauth-authorization-server")
      assert.deepStrictEqual(metadata.json.identity_chaining_requested_token_types_supported, [idJag])
      assert.include(metadata.json.grant_types_supported, tokenExchange)
    })))

  it.effect("writes none where there is no policy", () =>
    Effect.provide(
      Effect.gen(function*() {
        assertRefused(yield* exchange(yield* login()), "unsupported_grant_type")
      }),
      AuthorizationServer.layer({
        issuer: idp,
        resources: [{ uri: "https://idp.example/api" }],
        clients: [app]
      }).pipe(Layer.provideMerge(world.services())),
      { local: true }
    ))

  it.effect("refuses what is no id token of its own, for this client, and in time", () =>
    atProvider(Effect.gen(function*() {
      const refused = (own: Own, why: RegExp, typ?: string) =>
        Effect.map(
          Effect.flatMap(login(own, typ), (token) => exchange(token)),
          (answer) => assertRefused(answer, "invalid_grant", why)
        )
      yield* refused({ iss: "https://other.example" }, /issuer/u)
      yield* refused({ aud: "other" }, /meant/u)
      yield* refused({ aud: [app.id, "other"], azp: "other" }, /another client/u)
      yield* refused({ exp: 0 }, /expired/u)
      yield* refused({ exp: undefined }, /exp/u)
      yield* refused({ sub: undefined }, /nobody/u)
      yield* refused({}, /type/u, "at+jwt")
      yield* refused({}, /type/u, "oauth-id-jag+jwt")
      yield* refused({}, /type/u, "logout+jwt")
      const forged = yield* sign((yield* keys)[0], { iss: idp, sub: "anna", aud: app.id, exp: 300 }, { typ: "JWT" })
      assertRefused(yield* exchange(forged), "invalid_grant", /signature/u)
      assertRefused(yield* exchange(yield* login(), {}, "other"), "invalid_grant", /meant/u)
      const token = yield* login()
      yield* TestClock.adjust("10 minutes")
      assertRefused(yield* exchange(token), "invalid_grant", /expired/u)
    })))

  it.effect("refuses other tokens, nobody in particular, and a client without a secret", () =>
    atProvider(Effect.gen(function*() {
      const token = yield* login()
      const { send } = yield* world.caller
      const accessToken = "urn:ietf:params:oauth:token-type:access_token"
      assertRefused(yield* exchange(token, { requested_token_type: accessToken }), "invalid_request")
      assertRefused(yield* exchange(token, { requested_token_type: "" }), "invalid_request")
      assertRefused(yield* exchange(token, { subject_token_type: accessToken }), "invalid_request")
      assertRefused(yield* exchange(token, { audience: "" }), "invalid_request", /audience/u)
      assertRefused(yield* exchange(token, { actor_token: token }), "invalid_request", /actor/u)
      assertRefused(yield* exchange("", {}), "invalid_request", /subject_token/u)
      const form = { grant_type: tokenExchange, client_id: "public", subject_token: token }
      assertRefused(yield* send("/token", { form }), "unauthorized_client")
    })))

  it.effect("refuses what the policy does not allow, and gives no scope besides", () =>
    atProvider(Effect.gen(function*() {
      const token = yield* login()
      assertRefused(yield* exchange(token, { audience: "https://other.example" }), "invalid_target")
      assertRefused(yield* exchange(token, { resource: "https://other.example" }), "invalid_target")
      assertRefused(yield* exchange(yield* login({ sub: "bob" })), "invalid_target")
      assertRefused(yield* exchange(token, { scope: "notes:write" }), "invalid_scope")
      const { json } = yield* exchange(token, { scope: "notes:write notes:read" })
      assert.strictEqual(jose.decodeJwt(json.access_token).scope, "notes:read")
    })))
})

describe("EnterpriseManaged, our client", () => {
  it.effect("gets in by the word of an identity provider of ours, and not without it", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(Provider())
      const provider = Context.get(context, AuthorizationServer.AuthorizationServer)
      const server = AuthorizationServer.layer({
        ...world.options,
        clients: [desk],
        trustedIdentityProviders: [{ issuer: idp }]
      }).pipe(Layer.provide(world.services({ fetch: wire.fetch({ servers: [provider] }) })))
      const there = Context.get(yield* Layer.build(Layer.fresh(server)), AuthorizationServer.AuthorizationServer)
      const fetch = wire.fetch({ servers: [provider, there], documents: wire.protectedBy(world.issuer) })
      const as = (user: string) =>
        EnterpriseManaged.make({
          credentials: { clientId: "desk", clientSecret: Redacted.make(world.secret), issuer: world.issuer },
          identityProvider: {
            issuer: idp,
            credentials: { clientId: app.id, clientSecret: Redacted.make(world.secret) },
            idToken: Effect.map(Effect.provide(login({ sub: user }), context), Redacted.make)
          }
        })
      for (const dpop of ["never", "always"] as const) {
        const held = yield* wire.getIn(as("anna"), fetch, { dpop })
        const claims = yield* there.check(held!.token.access)
        assert.deepInclude(claims, { sub: `${idp}|anna`, client_id: "desk", scope: "notes:read" })
        assert.strictEqual(claims!.cnf !== undefined, dpop === "always")
      }
      const { reason } = yield* Effect.flip(wire.getIn(as("bob"), fetch))
      assert.deepInclude(reason, { _tag: "Refused", issuer: idp, code: "invalid_target" })
    }).pipe(Effect.scoped))
})

describe("a program that its platform vouches for", () => {
  const word = (own: Own = {}, header: Own = {}) =>
    Effect.gen(function*() {
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const claims = { iss: platform, sub: "system:job", aud: [world.issuer], exp: now + 3600, iat: now, ...own }
      return yield* sign((yield* keys)[0], claims, header)
    })

  const ask = (assertion: string, own: Readonly<Record<string, string>> = {}) =>
    Effect.flatMap(
      world.caller,
      ({ send }) => send("/token", { form: { grant_type: jwtBearer, client_id: "job", assertion, ...own } })
    )

  it.effect("gets a token for itself, as often as it asks", () =>
    withServer(Effect.gen(function*() {
      const one = yield* word()
      for (let i = 0; i < 2; i++) {
        const { json } = yield* ask(one)
        const claims = jose.decodeJwt(json.access_token)
        assert.deepInclude(claims, { sub: "client:job", scope: "notes:read" })
        assert.notProperty(json, "refresh_token")
      }
      assert.strictEqual((yield* ask(yield* word({}, { typ: "JWT" }))).status, 200)
    })))

  it.effect("is refused by the word of another, about another, for another, or that is over", () =>
    withServer(Effect.gen(function*() {
      const refused = (own: Own, why: RegExp, header: Own = {}) =>
        Effect.map(
          Effect.flatMap(word(own, header), (one) => ask(one)),
          (answer) => assertRefused(answer, "invalid_grant", why)
        )
      yield* refused({ iss: "https://other.example" }, /issuer/u)
      yield* refused({ sub: "system:other" }, /another program/u)
      yield* refused({ sub: undefined }, /another program/u)
      yield* refused({ aud: "https://other.example" }, /meant/u)
      yield* refused({ aud: [world.issuer, "https://other.example"] }, /others/u)
      yield* refused({ exp: -31 }, /expired/u)
      yield* refused({ exp: undefined }, /exp/u)
      yield* refused({}, /type/u, { typ: "at+jwt" })
      yield* refused({}, /type/u, { typ: "oauth-id-jag+jwt" })
      assertRefused(yield* ask(yield* word({ iss: idp })), "unauthorized_client")
      // A platform is no identity provider, and vouches for no client that is not said to run on it.
      assertRefused(yield* ask(yield* word(), { client_id: "open" }), "invalid_grant", /Nobody has said/u)
      assertRefused(yield* redeem(yield* letter({ iss: platform })), "invalid_grant", /Nobody has said/u)
      assertRefused(yield* ask(yield* word(), { scope: "notes:write" }), "invalid_scope")
    })))

  it.effect("gets in with our client", () =>
    withServer(Effect.gen(function*() {
      const there = yield* AuthorizationServer.AuthorizationServer
      const fetch = wire.fetch({ servers: [there], documents: wire.protectedBy(world.issuer) })
      const assertion: Effect.Effect<Redacted.Redacted<string>, OAuthError.OAuthError> = Effect.map(
        word(),
        Redacted.make
      )
      const held = yield* wire.getIn(WorkloadIdentity.make({ clientId: "job", assertion: () => assertion }), fetch)
      assert.deepInclude(yield* there.check(held!.token.access), { sub: "client:job" })
    })))
})
