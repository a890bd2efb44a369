/** A resource server beside its authorization server, in one process. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as LocalVerifier from "fastmcp-effect/auth/LocalVerifier"
import * as TokenVerifier from "fastmcp-effect/auth/TokenVerifier"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import * as jose from "jose"
import * as steps from "../oauth/server/steps.ts"
import * as world from "../oauth/server/world.ts"
import * as door from "./door.ts"

/** A store that can be switched off, and counts who asks for a grant. */
const switched = () => {
  const state = { isDown: false, asked: 0 }
  const store = Layer.effect(
    OAuthStore.OAuthStore,
    Effect.map(OAuthStore.OAuthStore, (store): OAuthStore.OAuthStore["Service"] => ({
      ...store,
      get: (key) =>
        Effect.suspend(() => {
          if (key.kind === "grant") state.asked++
          return state.isDown
            ? Effect.fail(OAuthStoreError.make(new OAuthStoreError.Unavailable({ cause: "down" })))
            : store.get(key)
        })
    }))
  ).pipe(Layer.provide(OAuthStore.layerMemory()))
  return { state, store }
}

/** Tells a tool call's status. */
type Call = (token: string) => Effect.Effect<number>

const withDoor = <A, E>(
  test: (call: Call, caller: world.Caller) => Effect.Effect<A, E, AuthorizationServer.AuthorizationServer>,
  surroundings?: world.Surroundings,
  resource = world.resource
) =>
  world.withServer(
    Effect.scoped(Effect.gen(function*() {
      const verifier = yield* Layer.build(LocalVerifier.layer())
      const at = yield* door.open(
        BearerAuth.layer({ resource, authorizationServers: [world.issuer] }).pipe(
          Layer.provide(Layer.succeedContext(verifier))
        )
      )
      return yield* test(
        (token) => Effect.map(door.call(at, "whoami", { token }), ({ status }) => status),
        yield* world.caller
      )
    })),
    {},
    surroundings
  )

/** What listens comes to it. */
const heard = Effect.forEach(Array.from({ length: 10 }), () => Effect.yieldNow)

describe("LocalVerifier", () => {
  it.effect("lets in who has a token of the server beside it, and asks once a minute", () => {
    const { state, store } = switched()
    return withDoor((call, caller) =>
      Effect.gen(function*() {
        const { access_token } = yield* steps.login(caller)
        state.asked = 0
        for (let i = 0; i < 5; i++) assert.strictEqual(yield* call(access_token), 200)
        assert.strictEqual(state.asked, 1)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* call(access_token), 200)
        assert.strictEqual(state.asked, 2)
        yield* TestClock.adjust("4 minutes")
        assert.strictEqual(yield* call(access_token), 401)
      }), { store })
  })

  it.effect("takes no token at once that was revoked, and goes on with the others", () =>
    withDoor((call, caller) =>
      Effect.gen(function*() {
        const [first, second] = [yield* steps.login(caller), yield* steps.login(caller)]
        for (const { access_token } of [first, second]) assert.strictEqual(yield* call(access_token), 200)
        yield* caller.send("/revoke", { form: { token: first.access_token, client_id: "app" } })
        yield* heard
        assert.strictEqual(yield* call(first.access_token), 401)
        assert.strictEqual(yield* call(second.access_token), 200)
        // Its grant goes on.
        const { json } = yield* steps.refresh(caller, first.refresh_token)
        assert.strictEqual(yield* call(json.access_token), 200)
      })
    ))

  it.effect("takes no token at once of a grant that has ended, however it did", () =>
    withDoor((call, caller) =>
      Effect.gen(function*() {
        const { endGrant } = yield* AuthorizationServer.AuthorizationServer
        const ends: ReadonlyArray<(tokens: steps.Tokens) => Effect.Effect<unknown, unknown>> = [
          ({ refresh_token }) => caller.send("/revoke", { form: { token: refresh_token, client_id: "app" } }),
          ({ access_token }) => endGrant(String(jose.decodeJwt(access_token).jti).split(".")[0]!),
          ({ refresh_token }) =>
            Effect.andThen(steps.refresh(caller, refresh_token), steps.refresh(caller, refresh_token))
        ]
        for (const end of ends) {
          const tokens = yield* steps.login(caller)
          assert.strictEqual(yield* call(tokens.access_token), 200)
          yield* end(tokens)
          yield* heard
          assert.strictEqual(yield* call(tokens.access_token), 401)
        }
      })
    ))

  it.effect("takes no token that is for another resource, or is none", () =>
    withDoor(
      (call, caller) =>
        Effect.gen(function*() {
          const { access_token, refresh_token } = yield* steps.login(caller)
          for (const token of [access_token, refresh_token, "x", "a.b.c"]) assert.strictEqual(yield* call(token), 401)
        }),
      {},
      "https://other.example/mcp"
    ))

  it.effect("says why", () =>
    world.withServer(Effect.gen(function*() {
      const { access_token } = yield* steps.login(yield* world.caller)
      const { verify } = yield* LocalVerifier.make
      const token = Redacted.make(access_token)
      const { expiresAt, identity } = yield* verify(token, { resource: world.resource })
      assert.strictEqual(expiresAt, 300_000)
      assert.deepInclude(identity, { subject: "anna", issuer: world.issuer, clientId: "app" })
      const foreign = yield* Effect.flip(verify(token, { resource: "https://other.example/mcp" }))
      assert.deepInclude(foreign.reason, { _tag: "InvalidToken", problem: "WrongAudience" })
      assert.strictEqual(
        (yield* Effect.flip(verify(Redacted.make("x"), { resource: world.resource }))).reason._tag,
        "Unknown"
      )
    })))

  it.effect("says 503, and not 401, while the store does not answer", () => {
    const { state, store } = switched()
    return withDoor((call, caller) =>
      Effect.gen(function*() {
        const [first, second] = [yield* steps.login(caller), yield* steps.login(caller)]
        assert.strictEqual(yield* call(first.access_token), 200)
        state.isDown = true
        assert.strictEqual(yield* call(second.access_token), 503)
        // Who was let in a moment ago still is.
        assert.strictEqual(yield* call(first.access_token), 200)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* call(first.access_token), 503)
        assert.strictEqual(yield* call("x"), 401)
        state.isDown = false
        assert.strictEqual(yield* call(second.access_token), 200)
      }), { store })
  })

  it.effect("leaves another issuer's token to another", () =>
    world.withServer(Effect.gen(function*() {
      const { access_token } = yield* steps.login(yield* world.caller)
      const verifier = TokenVerifier.byIssuer({ [world.issuer]: yield* LocalVerifier.make })
      const wanted = { resource: world.resource }
      assert.strictEqual((yield* verifier.verify(Redacted.make(access_token), wanted)).identity.subject, "anna")
      const { reason } = yield* Effect.flip(verifier.verify(Redacted.make("x"), wanted))
      assert.strictEqual(reason._tag, "Unknown")
    })))
})
