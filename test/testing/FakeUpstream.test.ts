/** An identity provider in memory: what it gives to whom. Behind a proxy it stands in `test/oauth/proxy`. */
import { assert, describe, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Pkce from "fastmcp-effect/oauth/Pkce"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as FakeUpstream from "fastmcp-effect/testing/FakeUpstream"
import * as jose from "jose"

const ask = (path: string, form?: Readonly<Record<string, string>>) =>
  Effect.flatMap(SafeFetch.SafeFetch, ({ fetch }) =>
    Effect.map(
      fetch({
        url: `https://idp.example${path}`,
        ...(form === undefined ? undefined : { method: "POST", body: new URLSearchParams(form).toString() })
      }),
      ({ status, text }) => ({ status, body: JSON.parse(text) })
    ))

const login = (idp: FakeUpstream.FakeUpstream, verifier: string) =>
  Effect.gen(function*() {
    const { authorization_endpoint: address } = (yield* ask("/.well-known/openid-configuration")).body
    const url = new URL(address)
    url.search = new URLSearchParams({
      redirect_uri: "https://app.example/back",
      state: "s",
      nonce: "n",
      code_challenge: yield* Effect.provide(Pkce.challengeOf(verifier), Digest.layerWebCrypto)
    }).toString()
    const back = idp.authorize(url)
    assert.strictEqual(back.searchParams.get("state"), "s")
    return back.searchParams.get("code")!
  })

const test = (
  name: string,
  body: (idp: FakeUpstream.FakeUpstream) => Effect.Effect<void, unknown, SafeFetch.SafeFetch>
) =>
  it.effect(name, () =>
    Effect.suspend(() => {
      const idp = FakeUpstream.make({ clientId: "app" })
      return Effect.provide(body(idp), idp.layer)
    }))

const exchange = (code: string, verifier: string) =>
  ask("/token", { grant_type: "authorization_code", code, code_verifier: verifier })

describe("a fake upstream", () => {
  test("signs a user in, once for each code, and with an ID token by its published key", (idp) =>
    Effect.gen(function*() {
      const code = yield* login(idp, "verifier")
      const { body, status } = yield* exchange(code, "verifier")
      assert.strictEqual(status, 200)
      const keys = jose.createLocalJWKSet((yield* ask("/jwks")).body)
      const { payload } = yield* Effect.promise(() =>
        jose.jwtVerify(body.id_token, keys, { issuer: idp.issuer, audience: "app", currentDate: new Date(0) })
      )
      assert.deepInclude(payload, { sub: "ada", nonce: "n", exp: 600 })
      assert.strictEqual((yield* exchange(code, "verifier")).status, 400)
      assert.strictEqual(idp.count("/token"), 2)
      assert.include(idp.secrets, body.refresh_token)
    }))

  test("gives nothing to whoever has stolen a code", (idp) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* exchange(yield* login(idp, "verifier"), "another")).status, 400)
    }))

  test("takes each refresh token once", (idp) =>
    Effect.gen(function*() {
      const { body } = yield* exchange(yield* login(idp, "verifier"), "verifier")
      const form = { grant_type: "refresh_token", refresh_token: body.refresh_token }
      assert.strictEqual((yield* ask("/token", form)).status, 200)
      assert.strictEqual((yield* ask("/token", form)).status, 400)
    }))

  test("says what a test has it say", (idp) =>
    Effect.gen(function*() {
      idp.changes.token = { status: 503, body: {} }
      idp.changes.down = ["/jwks"]
      assert.strictEqual((yield* exchange("x", "y")).status, 503)
      yield* Effect.flip(ask("/jwks"))
    }))
})
