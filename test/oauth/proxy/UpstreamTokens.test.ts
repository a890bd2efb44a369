/** What a server that is called with our token gets of the user's own, and what becomes of it in time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as UpstreamTokens from "fastmcp-effect/oauth/proxy/UpstreamTokens"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as server from "../server/world.ts"
import * as idps from "./idp.ts"
import * as world from "./world.ts"

const get = (claims: UpstreamTokens.Claims) =>
  UpstreamTokens.UpstreamTokens.use((tokens) => Effect.map(tokens.get(claims), Redacted.value))

const reasonOf = (claims: UpstreamTokens.Claims) =>
  Effect.map(Effect.flip(get(claims)), ({ reason }) => reason._tag as string)

/** Time, until all of them have ended; cryptography has its own. */
const passing = (fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>>) =>
  Effect.repeat(
    Effect.andThen(TestClock.adjust(1000), TestClock.withLive(Effect.sleep(5))),
    { until: () => fibers.every((fiber) => fiber.pollUnsafe() !== undefined) }
  )

/** Runs with the claims of a token that a user has just been given. */
const withUser = <A, E>(
  test: (user: {
    readonly claims: UpstreamTokens.Claims
    readonly idp: idps.Idp
    readonly browser: server.Caller
    readonly refreshToken: string
    /** Of the first access token of the provider. */
    readonly first: string
  }) => Effect.Effect<
    A,
    E,
    UpstreamTokens.UpstreamTokens | AuthorizationServer.AuthorizationServer | OAuthStore.OAuthStore
  >,
  { change, ...setup }: world.Setup & { readonly change?: (idp: idps.Idp) => void } = {}
) => {
  const idp = idps.make()
  change?.(idp)
  return world.withProxy(
    Effect.gen(function*() {
      const browser = yield* server.caller
      const tokens = yield* world.login(browser, idp)
      const claims = yield* world.claimsOf(tokens.access_token)
      const first = idp.secrets.find((secret) => secret.startsWith("access"))!
      return yield* test({ claims, idp, browser, first, refreshToken: tokens.refresh_token })
    }),
    { idp, ...setup }
  )
}

/** One for several processes. */
const sharedStore = Effect.map(
  Layer.build(OAuthStore.layerMemory()),
  (context): Layer.Layer<OAuthStore.OAuthStore> => Layer.succeedContext(context)
)

describe("UpstreamTokens", () => {
  it.effect("gives the same token until shortly before its time is over", () =>
    withUser(({ claims, first, idp }) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* get(claims), first)
        yield* TestClock.adjust("59 minutes")
        assert.strictEqual(yield* get(claims), first)
        assert.strictEqual(idp.count("/token"), 1)
      })
    ))

  it.effect("renews it then, and keeps what came of that for all tokens of the grant", () =>
    withUser(({ browser, claims, first, idp, refreshToken }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("3599 seconds")
        const second = yield* get(claims)
        assert.notStrictEqual(second, first)
        assert.strictEqual(yield* get(claims), second)
        assert.strictEqual(idp.count("/token"), 2)
        const { json } = yield* browser.send("/token", {
          form: { grant_type: "refresh_token", client_id: "app", refresh_token: refreshToken }
        })
        assert.strictEqual(yield* get(yield* world.claimsOf(json.access_token)), second)
        // The provider takes each refresh token once, so it is the new one that is used.
        yield* TestClock.adjust("1 hour")
        assert.notInclude([first, second], yield* get(claims))
        assert.strictEqual(idp.count("/token"), 3)
      })
    ))

  it.effect("keeps the refresh token where the provider gives no other", () =>
    withUser(({ claims, idp }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("1 hour")
        idp.changes.token = { status: 200, body: { access_token: "again", token_type: "bearer", expires_in: 60 } }
        assert.strictEqual(yield* get(claims), "again")
        yield* TestClock.adjust("1 minute")
        yield* get(claims)
        const sent = idp.seen.filter(({ url }) => url.endsWith("/token")).slice(1)
          .map(({ body }) => new URLSearchParams(body).get("refresh_token"))
        assert.strictEqual(sent.length, 2)
        assert.strictEqual(new Set(sent).size, 1)
      })
    ))

  it.effect("renews it once for all who ask at the same time, also when the first of them has gone", () =>
    withUser(({ claims, idp }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("1 hour")
        idp.changes.slow = 1000
        const [first, ...others] = yield* Effect.forEach(
          Array.from({ length: 10 }),
          () => Effect.forkChild(get(claims), { startImmediately: true })
        )
        yield* Effect.yieldNow
        yield* TestClock.adjust(500)
        yield* Fiber.interrupt(first!)
        yield* TestClock.adjust(500)
        const tokens = yield* Effect.forEach(others, (fiber) => Fiber.join(fiber))
        assert.strictEqual(new Set(tokens).size, 1)
        assert.strictEqual(idp.count("/token"), 2)
      })
    ))

  it.effect("takes what another process has made of the same refresh token", () =>
    Effect.flatMap(sharedStore, (store) =>
      withUser(({ claims, idp }) =>
        Effect.gen(function*() {
          yield* TestClock.adjust("1 hour")
          idp.changes.slow = 1000
          const there = yield* Layer.build(world.layer({ idp, store }))
          const both = yield* Effect.forEach(
            [get(claims), Effect.provide(get(claims), there)],
            (one) => Effect.forkChild(one, { startImmediately: true })
          )
          // Until both have asked the provider; cryptography has its own time.
          yield* TestClock.withLive(Effect.repeat(Effect.sleep(5), { until: () => idp.count("/token") === 3 }))
          // The provider begins to take its time a little after it was asked.
          yield* passing(both)
          const [here, elsewhere] = yield* Effect.forEach(both, (fiber) => Fiber.join(fiber))
          assert.strictEqual(here, elsewhere)
        }).pipe(Effect.scoped), { store })))

  it.effect("goes on with a token that is still good while the provider is down", () =>
    withUser(({ claims, first, idp }) =>
      Effect.gen(function*() {
        idp.changes.down = ["/token"]
        yield* TestClock.adjust("3599 seconds")
        assert.strictEqual(yield* get(claims), first)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* reasonOf(claims), "Failed")
        idp.changes.down = []
        assert.isString(yield* get(claims))
      })
    ))

  it.effect("ends the grant when the provider gives no more", () =>
    withUser(({ browser, claims, idp, refreshToken }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("1 hour")
        idp.changes.token = { status: 400, body: { error: "invalid_grant" } }
        const asked = yield* Effect.forkChild(reasonOf(claims), { startImmediately: true })
        // Another process might have been given the next one, and be about to write it.
        yield* TestClock.adjust("1 second")
        assert.isUndefined(asked.pollUnsafe())
        yield* passing([asked])
        assert.strictEqual(yield* Fiber.join(asked), "LoginRequired")
        const { json } = yield* browser.send("/token", {
          form: { grant_type: "refresh_token", client_id: "app", refresh_token: refreshToken }
        })
        assert.strictEqual(json.error, "invalid_grant")
      })
    ))

  it.effect("ends the grant when there is nothing to renew with", () =>
    withUser(({ claims, first }) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* get(claims), first)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* reasonOf(claims), "LoginRequired")
      }), { change: (idp) => void (idp.changes.tokens = { refresh_token: undefined }) }))

  it.effect("lets a token that does not end be", () =>
    withUser(({ claims, first }) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("179 days")
        assert.strictEqual(yield* get(claims), first)
      }), { change: (idp) => void (idp.changes.tokens = { expires_in: undefined, refresh_token: undefined }) }))

  it.effect("gives nothing once the grant has ended, here or by its time", () =>
    withUser(({ claims }) =>
      Effect.gen(function*() {
        const { endGrant } = yield* AuthorizationServer.AuthorizationServer
        yield* endGrant(String(claims.jti).split(".")[0]!)
        assert.strictEqual(yield* reasonOf(claims), "LoginRequired")
      })
    ))

  it.effect("gives nothing for claims of another issuer, of another subject, or with no grant", () =>
    withUser(({ claims, first }) =>
      Effect.gen(function*() {
        for (
          const own of [
            { iss: "https://other.example" },
            { iss: undefined },
            { sub: "idp:mallory" },
            { jti: "made up" },
            { jti: undefined },
            { jti: "made.up" }
          ]
        ) {
          assert.strictEqual(yield* reasonOf({ ...claims, ...own }), "LoginRequired", JSON.stringify(own))
        }
        assert.strictEqual(yield* get(claims), first)
      })
    ))
})

describe("a key", () => {
  /** The same grant, asked for by a process with other keys. */
  const under = (upstream: NonNullable<world.Setup["upstream"]>) =>
    Effect.flatMap(sharedStore, (store) =>
      withUser(({ claims, first, idp }) =>
        Effect.provide(
          Effect.map(Effect.result(get(claims)), (result) => ({ result, first })),
          world.layer({ idp, store, upstream }),
          { local: true }
        ), { store }))
  const next = Redacted.make("another key, of which nobody knows yet")

  it.effect("that was replaced still opens", () =>
    Effect.gen(function*() {
      const { first, result } = yield* under({ key: next, previousKeys: [world.key] })
      assert.deepStrictEqual([result._tag, result._tag === "Success" && result.success], ["Success", first])
    }))

  it.effect("that is not known opens nothing, and says nothing of what it did not open", () =>
    Effect.gen(function*() {
      const { first, result } = yield* under({ key: next })
      assert.strictEqual(result._tag, "Failure")
      assert.notInclude(JSON.stringify(result), first)
    }))
})
