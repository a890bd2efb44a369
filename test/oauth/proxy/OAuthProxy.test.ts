/** The way through the proxy: from a client's request to its tokens, and what the user's own token is good for. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as UpstreamTokens from "fastmcp-effect/oauth/proxy/UpstreamTokens"
import * as server from "../server/world.ts"
import * as idps from "./idp.ts"
import * as world from "./world.ts"

describe("OAuthProxy", () => {
  it.effect("gives a client a token of its own for a user of the provider", () => {
    const idp = idps.make()
    return world.withProxy(
      Effect.gen(function*() {
        const browser = yield* server.caller
        const page = yield* world.ask(browser)
        assert.strictEqual(page.status, 200)
        assert.strictEqual(idp.seen.length, 0)
        const hop = yield* world.answer(browser, page, "allow")
        // By a page: a form that ends in a redirect elsewhere ends in no browser of Chromium's.
        assert.strictEqual(hop.status, 200)
        assert.strictEqual(hop.location!.origin + hop.location!.pathname, `${idps.issuer}/authorize`)
        assert.deepInclude(Object.fromEntries(hop.location!.searchParams), {
          response_type: "code",
          client_id: idps.clientId,
          redirect_uri: `${server.issuer}/callback`,
          scope: "openid profile email",
          code_challenge_method: "S256"
        })
        const done = yield* world.come(browser, idp.authorize(hop.location!))
        assert.strictEqual(done.location!.origin + done.location!.pathname, server.redirectUri)
        assert.strictEqual(done.location!.searchParams.get("state"), "xyz")
        const { json, status } = yield* browser.send(
          "/token",
          server.exchange(done.location!.searchParams.get("code")!)
        )
        assert.strictEqual(status, 200)
        const claims = yield* world.claimsOf(json.access_token)
        assert.deepInclude(claims, { iss: server.issuer, sub: "idp:ada", aud: server.resource, client_id: "app" })
        const tokens = yield* UpstreamTokens.UpstreamTokens
        assert.strictEqual(Redacted.value(yield* tokens.get(claims)), "access-of-the-provider-3")
      }),
      { idp }
    )
  })

  it.effect("asks the API of a provider that has no ID tokens", () => {
    const idp = idps.make()
    return world.withProxy(
      Effect.gen(function*() {
        const { access_token } = yield* world.login(yield* server.caller, idp)
        assert.strictEqual((yield* world.claimsOf(access_token)).sub, "github:1234")
        const asked = idp.seen.find(({ url }) => url.endsWith("/user"))
        assert.match(asked!.headers!.authorization!, /^Bearer access-of-the-provider-/u)
      }),
      { idp, upstream: { provider: world.apiProvider } }
    )
  })

  it.effect("refreshes its own tokens without the provider", () => {
    const idp = idps.make()
    return world.withProxy(
      Effect.gen(function*() {
        const browser = yield* server.caller
        const { refresh_token } = yield* world.login(browser, idp)
        const before = idp.seen.length
        const { json } = yield* browser.send("/token", {
          form: { grant_type: "refresh_token", client_id: "app", refresh_token }
        })
        assert.strictEqual((yield* world.claimsOf(json.access_token)).sub, "idp:ada")
        assert.strictEqual(idp.seen.length, before)
      }),
      { idp }
    )
  })

  it.effect("is one of several in a program, each with its own provider", () =>
    Effect.gen(function*() {
      const memo = yield* Layer.makeMemoMap
      const scope = yield* Effect.scope
      for (const issuer of ["https://one.example", "https://two.example"]) {
        const setup = { idp: idps.make(issuer), upstream: { provider: { ...world.provider, issuer } } }
        const proxy = yield* Layer.buildWithMemoMap(world.layer(setup), memo, scope)
        const url = yield* Effect.provide(Effect.flatMap(server.caller, (browser) => world.hop(browser)), proxy)
        assert.strictEqual(url.origin, issuer)
      }
    }))
})
