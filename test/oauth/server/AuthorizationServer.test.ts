/** Options that cannot be used, and what is told of what happens. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { AuthEvent } from "fastmcp-effect/oauth/server/AuthEvent"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import * as jose from "jose"
import * as steps from "./steps.ts"
import * as world from "./world.ts"

describe("options", () => {
  const wrong: ReadonlyArray<readonly [option: string, own: Partial<AuthorizationServer.Options>]> = [
    ["issuer", { issuer: "auth.example" }],
    ["issuer", { issuer: "" }],
    ["issuer", { issuer: "http://auth.example" }],
    ["issuer", { issuer: "ftp://auth.example" }],
    ["issuer", { issuer: "https://auth.example?a=b" }],
    ["issuer", { issuer: "https://auth.example#" }],
    ["issuer", { issuer: "https://user@auth.example" }],
    ["resources[0]", { resources: [{ uri: "mcp" }] }],
    ["resources[1]", { resources: [{ uri: world.resource }, { uri: "https://acme.example/#a" }] }],
    ["clients[0]", { clients: [{ id: "" }] }],
    ["clients[1]", { clients: [{ id: "a" }, { id: "a" }] }],
    ["clients[1]", { clients: [{ id: "a" }, { id: "b", redirectUris: ["http://a.example/"] }] }],
    ["clients[0].secret", { clients: [{ id: "a", secret: Redacted.make("short") }] }],
    ["lifetimes.code", { lifetimes: { code: "2 minutes" } }],
    ["lifetimes.accessToken", { lifetimes: { accessToken: "1 hour" } }],
    ["lifetimes.pushedRequest", { lifetimes: { pushedRequest: "2 minutes" } }],
    ["trustedIdentityProviders and trustedPlatforms", { trustedIdentityProviders: [{ issuer: world.issuer }] }],
    ["trustedIdentityProviders and trustedPlatforms", {
      trustedIdentityProviders: [{ issuer: "https://idp.example" }],
      trustedPlatforms: [{ issuer: "https://idp.example" }]
    }],
    ["dpopNonces.secret", { dpopNonces: { secret: Redacted.make("short") } }]
  ]
  for (const [index, [option, own]] of wrong.entries()) {
    it.effect(`are refused: ${option} (${index})`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(world.withServer(Effect.void, own))
        assert.deepInclude(error, { _tag: "InvalidOption", option })
        assert.include(error.message, `${option} of the authorization server cannot be used: `)
        assert.notInclude(error.message, "short")
      }))
  }

  it.effect("may have an issuer over http on this machine, and what is at the bounds", () =>
    Effect.gen(function*() {
      for (
        const issuer of ["http://localhost:4711", "http://127.0.0.1", "http://[::1]:1/tenant", "https://auth.example/"]
      ) {
        yield* world.withServer(
          Effect.map(AuthorizationServer.AuthorizationServer, (server) => assert.strictEqual(server.issuer, issuer)),
          { issuer, lifetimes: { code: "1 minute", accessToken: "10 minutes", pushedRequest: "90 seconds" } }
        )
      }
    }))

  it.effect("need a key that signs", () =>
    Effect.gen(function*() {
      const keys = SigningKeys.layer(Redacted.make([]))
      const exit = yield* Effect.exit(Effect.provide(Effect.void, keys))
      assert.isTrue(Exit.isFailure(exit))
    }))
})

describe("events", () => {
  /** What is told of whatever a test does. */
  const heard = (
    act: (caller: world.Caller) => Effect.Effect<unknown, unknown, AuthorizationServer.AuthorizationServer>,
    own: Partial<AuthorizationServer.Options> = {},
    surroundings?: world.Surroundings
  ) =>
    world.withServer(
      Effect.gen(function*() {
        const { events } = yield* AuthorizationServer.AuthorizationServer
        const told: Array<AuthEvent> = []
        const listening = yield* Effect.forkChild(
          Stream.runForEach(events, (event) => Effect.sync(() => told.push(event))),
          { startImmediately: true }
        )
        yield* act(yield* world.caller)
        for (let i = 0; i < 10; i++) yield* Effect.yieldNow
        yield* Fiber.interrupt(listening)
        return told as ReadonlyArray<AuthEvent>
      }),
      own,
      surroundings
    )

  it.effect("are told of a login from its beginning to its end, with no secret in them", () =>
    Effect.gen(function*() {
      const secrets: Array<string> = []
      const told = yield* heard(
        (caller) =>
          Effect.gen(function*() {
            const page = yield* caller.send(world.authorizePath())
            const code = steps.leadsTo(yield* steps.decide(caller, page, "allow")).searchParams.get("code")!
            const first = (yield* steps.redeem(caller, code)).json
            const second = (yield* steps.refresh(caller, first.refresh_token)).json
            yield* caller.send("/revoke", { form: { token: second.access_token, client_id: "app" } })
            yield* steps.refresh(caller, first.refresh_token)
            secrets.push(
              code,
              first.access_token,
              first.refresh_token,
              second.refresh_token,
              ...caller.cookies.values()
            )
          }),
        {},
        { consent: steps.asking }
      )
      assert.deepStrictEqual(told.map(({ _tag }) => _tag), [
        "LoggedIn",
        "Consented",
        "Issued",
        "Issued",
        "Revoked",
        "Replayed"
      ])
      const scopes = ["notes:read", "notes:write"]
      const [loggedIn, consented, issued, renewed, revoked, replayed] = told as ReadonlyArray<any>
      const { grantId } = issued
      assert.isString(grantId)
      const common = { clientId: "app", subject: "anna" }
      assert.deepStrictEqual(loggedIn, { _tag: "LoggedIn", ...common })
      assert.deepStrictEqual(consented, { _tag: "Consented", ...common, isGiven: true })
      assert.deepStrictEqual(issued, { _tag: "Issued", grantType: "authorization_code", grantId, ...common, scopes })
      assert.deepStrictEqual(renewed, { _tag: "Issued", grantType: "refresh_token", grantId, ...common, scopes })
      assert.deepInclude(revoked, { grantId: undefined, clientId: "app" })
      assert.match(revoked.tokenId, new RegExp(`^${grantId}\\.`, "u"))
      assert.deepStrictEqual(replayed, { _tag: "Replayed", what: "refresh_token", grantId })
      for (const secret of secrets) assert.notInclude(JSON.stringify(told), secret)
    }))

  it.effect("are told of who is wrong, and where they are", () =>
    Effect.gen(function*() {
      const told = yield* heard((caller) =>
        Effect.gen(function*() {
          yield* steps.token(caller, { grant_type: "client_credentials" }, steps.basic("backend", "wrong"))
          yield* steps.redeem(caller, yield* world.code(caller), { code_verifier: "w".repeat(43) })
        }), { clientAddress: () => "192.0.2.1" })
      assert.deepStrictEqual(told.filter(({ _tag }) => _tag === "Failed"), [
        { _tag: "Failed", what: "client", clientId: "backend", address: "192.0.2.1" },
        { _tag: "Failed", what: "code", clientId: "app", address: undefined }
      ])
      assert.notInclude(JSON.stringify(told), "wrong")
    }))

  it.effect("are told of a no, of a client that registers, and of a grant that is ended", () =>
    Effect.gen(function*() {
      const told = yield* heard(
        (caller) =>
          Effect.gen(function*() {
            yield* steps.decide(caller, yield* caller.send(world.authorizePath()), "deny")
            yield* caller.send("/register", { json: { redirect_uris: [world.redirectUri] } })
            const page = yield* caller.send(world.authorizePath())
            const code = steps.leadsTo(yield* steps.decide(caller, page, "allow")).searchParams.get("code")!
            const { json } = yield* steps.redeem(caller, code)
            const { endGrant } = yield* AuthorizationServer.AuthorizationServer
            yield* endGrant(String(jose.decodeJwt(json.access_token).jti).split(".")[0]!)
          }),
        { registration: true },
        { consent: steps.asking }
      )
      assert.deepStrictEqual(told.map(({ _tag }) => _tag), [
        "LoggedIn",
        "Consented",
        "Registered",
        "Consented",
        "Issued",
        "Revoked"
      ])
      assert.deepInclude(told[1], { isGiven: false })
      assert.deepInclude(told[5], { tokenId: undefined, clientId: undefined })
    }))
})

it.effect("keeps what a login has given it, for as long as the grant", () =>
  world.withServer(
    Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token } = yield* steps.login(caller)
      const { check, endGrant, keptOf } = yield* AuthorizationServer.AuthorizationServer
      const claims = yield* check(Redacted.make(access_token))
      assert.strictEqual(yield* keptOf(claims!), "upstream")
      yield* endGrant(String(claims!.jti).split(".")[0]!)
      assert.isUndefined(yield* keptOf(claims!))
      assert.isUndefined(yield* check(Redacted.make(access_token)))
    }),
    {},
    {
      login: Layer.succeed(UserLogin.UserLogin, {
        step: () =>
          Effect.succeed({ _tag: "LoggedIn", user: { subject: "anna", authenticatedAt: 0, kept: "upstream" } }),
        asksConsentFirst: false,
        isRemembered: true
      })
    }
  ))
