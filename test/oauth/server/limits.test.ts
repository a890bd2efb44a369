/** What anybody may have an authorization server do: so much of it, for one network. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as TestClock from "effect/testing/TestClock"
import type * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as jose from "jose"
import { randomUUID } from "node:crypto"
import { overheard } from "../../support/overheard.ts"
import { makeKey } from "./proofs.ts"
import * as steps from "./steps.ts"
import * as world from "./world.ts"

const [here, there] = ["192.0.2.1", "192.0.2.2"]

const from = (address: string) => ({ headers: { "x-from": address } })

const assertWaits = (answer: world.Answer) => {
  steps.assertPage(answer)
  assert.deepStrictEqual([answer.status, answer.headers.get("retry-after")], [429, "60"])
}

const times = <A>(count: number, effect: Effect.Effect<A>) =>
  Effect.forEach(Array.from({ length: count }), () => effect)

describe("requests for users", () => {
  const logins = { login: steps.passwords }

  const ask = ({ send }: world.Caller, address: string) => send(world.authorizePath(), from(address))

  it.effect("T13: are 300 in a minute from one network, and from others as many", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (const { status } of yield* times(300, ask(caller, here))) assert.strictEqual(status, 200)
        yield* TestClock.adjust("59999 millis")
        assertWaits(yield* ask(caller, here))
        assertWaits(yield* caller.send("/authorize", { form: {}, ...from(here) }))
        assert.strictEqual((yield* ask(caller, there)).status, 200)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* ask(caller, here)).status, 200)
      }),
      steps.addressed,
      logins
    ))

  it.effect("T13: that are over it are not kept, nor are wrong ones better", () => {
    const { store, written } = steps.watched()
    return world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (let i = 0; i < 3; i++) yield* caller.send("/authorize", from("2001:db8::1"))
        for (let i = 0; i < 100; i++) assertWaits(yield* ask(caller, `2001:db8::2:${i}`))
        assert.isEmpty(written.filter(([{ kind }]) => kind === "interaction"))
      }),
      { ...steps.addressed, mostRequestsAMinute: 3 },
      { ...logins, store }
    )
  })

  it.effect("T13: are not counted where nobody knows from where they come, or nobody wants it", () =>
    Effect.gen(function*() {
      const many = Effect.gen(function*() {
        const caller = yield* world.caller
        for (const { status } of yield* times(1000, ask(caller, here))) assert.strictEqual(status, 200)
      })
      yield* world.withServer(many, {}, logins)
      yield* world.withServer(many, { ...steps.addressed, mostRequestsAMinute: Infinity }, logins)
    }))

  it.effect("T13: leave room in a store for others, from wherever one sends them", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        yield* times(2000, ask(caller, here))
        assert.strictEqual((yield* ask(caller, there)).status, 200)
      }),
      steps.addressed,
      { ...logins, store: OAuthStore.layerMemory({ maxEntries: 1000 }) }
    ))

  it.effect("that are too many are told of once, without saying whose", () =>
    Effect.gen(function*() {
      const { said } = yield* overheard(
        world.withServer(
          Effect.flatMap(world.caller, (caller) => times(10, ask(caller, here))),
          { ...steps.addressed, mostRequestsAMinute: 3 },
          logins
        )
      )
      const warnings = said.filter((text) => /^timestamp=.*More than 3 requests/u.test(text))
      assert.strictEqual(warnings.length, 1)
      assert.notInclude(warnings[0], here)
    }))

  for (const mostRequestsAMinute of [0, -1, NaN]) {
    it.effect(`are some: ${mostRequestsAMinute} is no limit`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(world.withServer(Effect.void, { mostRequestsAMinute }))
        assert.match(error.message, /^mostRequestsAMinute of the authorization server cannot be used/u)
      }))
  }
})

// ----------------------------------------------------------------------------
// what is elsewhere
// ----------------------------------------------------------------------------

const jwksUri = "https://victim.example/jwks"

/** Documents about anybody who is asked for, with keys at one place; and that place, which has none. */
const internet = (keys: SafeFetch.SafeFetch["Service"]["fetch"] = world.unreachable) => {
  const fetched: Array<string> = []
  const fetch: SafeFetch.SafeFetch["Service"]["fetch"] = (request) =>
    Effect.suspend(() => {
      fetched.push(request.url)
      if (request.url === jwksUri) return keys(request)
      const text = JSON.stringify({
        client_id: request.url,
        redirect_uris: [world.redirectUri],
        token_endpoint_auth_method: "private_key_jwt",
        jwks_uri: jwksUri
      })
      return Effect.succeed({ status: 200, headers: Headers.fromInput({ "cache-control": "max-age=86400" }), text })
    })
  return { fetch, fetched }
}

const idOf = (index: number) => `https://${index}.example/client`

const key = makeKey()

const ofKey: SafeFetch.SafeFetch["Service"]["fetch"] = () =>
  Effect.map(
    Effect.promise(() => key),
    ({ jwk }) => ({ status: 200, headers: Headers.empty, text: JSON.stringify({ keys: [jwk] }) })
  )

const shown = (id: string) =>
  Effect.gen(function*() {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const { alg, privateKey } = yield* Effect.promise(() => key)
    const client_assertion = yield* Effect.promise(() =>
      new jose.SignJWT({ iss: id, sub: id, aud: world.issuer, exp: now + 60, jti: randomUUID() })
        .setProtectedHeader({ alg })
        .sign(privateKey)
    )
    return {
      grant_type: "authorization_code",
      client_assertion,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    }
  })

const asks = (caller: world.Caller, id: string, address: string) =>
  Effect.flatMap(shown(id), (form) => steps.token(caller, form, from(address).headers))

describe("documents of clients that are not known yet", () => {
  const walks = {
    "by browsers": (caller: world.Caller, id: string, address: string) =>
      caller.send(world.authorizePath({ client_id: id }), from(address)),
    "by programs": (caller: world.Caller, id: string, address: string) =>
      steps.token(caller, { grant_type: "refresh_token", client_id: id }, from(address).headers),
    "by programs that show something": asks
  }
  for (const [name, ask] of Object.entries(walks)) {
    it.effect(`R2: are fetched 60 times in a minute for one network: ${name}`, () => {
      const { fetch, fetched } = internet(ofKey)
      const documents = () => fetched.filter((url) => url !== jwksUri)
      return world.withServer(
        Effect.gen(function*() {
          const caller = yield* world.caller
          for (let i = 0; i < 60; i++) {
            assert.notStrictEqual((yield* ask(caller, idOf(i), here)).headers.get("retry-after"), "60")
          }
          yield* TestClock.adjust("59999 millis")
          for (let i = 60; i < 70; i++) {
            const { headers, status } = yield* ask(caller, idOf(i), here)
            assert.deepStrictEqual([status, headers.get("retry-after")], [429, "60"])
          }
          assert.strictEqual(documents().length, 60)
          yield* ask(caller, idOf(60), there)
          assert.strictEqual(documents().length, 61)
          // What is known is nothing to wait for.
          assert.notStrictEqual((yield* walks["by browsers"](caller, idOf(60), here)).status, 429)
          yield* TestClock.adjust("1 millis")
          yield* walks["by browsers"](caller, idOf(61), here)
          assert.strictEqual(documents().length, 62)
        }),
        steps.addressed,
        { fetch }
      )
    })
  }
})

describe("keys of clients that are elsewhere", () => {
  it.effect("R3: a client whose keys cannot be had has not shown who it is, and waits like any other", () => {
    const { fetch, fetched } = internet()
    return world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (let i = 0; i < 20; i++) {
          steps.assertRefused(yield* asks(caller, "signer", here), "temporarily_unavailable", 503)
        }
        yield* TestClock.adjust("59999 millis")
        for (let i = 0; i < 10; i++) {
          steps.assertRefused(yield* asks(caller, "signer", here), "temporarily_unavailable", 429)
        }
        assert.strictEqual(fetched.length, 20)
        steps.assertRefused(yield* asks(caller, "signer", there), "temporarily_unavailable", 503)
        yield* TestClock.adjust("1 millis")
        steps.assertRefused(yield* asks(caller, "signer", here), "temporarily_unavailable", 503)
        assert.strictEqual(fetched.length, 22)
      }),
      { ...steps.addressed, clients: [{ id: "signer", jwksUri, grantTypes: ["client_credentials"] }] },
      { fetch }
    )
  })

  const places: Readonly<Record<string, SafeFetch.SafeFetch["Service"]["fetch"]>> = {
    "that are nowhere": world.unreachable,
    "that are others": () => Effect.succeed({ status: 200, headers: Headers.empty, text: "{\"keys\":[]}" })
  }
  for (const [name, keys] of Object.entries(places)) {
    it.effect(`R3: are asked for in vain 20 times in a minute for one network, whoever it says it is: ${name}`, () => {
      const { fetch, fetched } = internet(keys)
      const asked = () => fetched.filter((url) => url === jwksUri).length
      return world.withServer(
        Effect.gen(function*() {
          const caller = yield* world.caller
          for (let i = 0; i < 20; i++) assert.notStrictEqual((yield* asks(caller, idOf(i), here)).status, 429)
          yield* TestClock.adjust("59999 millis")
          for (let i = 0; i < 50; i++) {
            steps.assertRefused(yield* asks(caller, idOf(i), here), "temporarily_unavailable", 429)
          }
          assert.strictEqual(asked(), 20)
          yield* asks(caller, idOf(0), there)
          assert.strictEqual(asked(), 21)
          // Nor does anybody else wait for it.
          const form = { grant_type: "client_credentials" }
          const { status } = yield* steps.token(caller, form, { ...steps.basic("backend"), ...from(here).headers })
          assert.strictEqual(status, 200)
          yield* TestClock.adjust("1 millis")
          yield* asks(caller, idOf(0), here)
          assert.strictEqual(asked(), 22)
        }),
        steps.addressed,
        { fetch }
      )
    })
  }

  it.effect("R3: that are right are asked for as often as somebody comes", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (let i = 0; i < 100; i++) {
          steps.assertRefused(yield* asks(caller, idOf(0), here), "invalid_request")
        }
      }),
      steps.addressed,
      { fetch: internet(ofKey).fetch }
    ))

  it.effect("R3: nobody is counted where nobody knows from where they come", () => {
    const { fetch } = internet()
    return world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (let i = 0; i < 100; i++) {
          const answer = yield* Effect.flatMap(shown(idOf(i)), (form) => steps.token(caller, form))
          steps.assertRefused(answer, "temporarily_unavailable", 503)
        }
      }),
      steps.addressed,
      { fetch }
    )
  })
})
