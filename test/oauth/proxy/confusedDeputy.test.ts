/**
 * R10, and what MCP says of the confused deputy: the provider knows one client, which is this server, so whoever can
 * have a user sent there could be let in with a yes that was given to another.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as server from "../server/world.ts"
import * as idps from "./idp.ts"
import * as world from "./world.ts"

/** What the user reads when a browser comes back to no login of its own. */
const over = "This login has ended, or was begun in another browser"

const withIdp = (
  test: (idp: idps.Idp) => Effect.Effect<void, unknown, AuthorizationServer.AuthorizationServer>,
  setup?: world.Setup
) => {
  const idp = idps.make()
  return world.withProxy(test(idp), { idp, ...setup })
}

describe("consent", () => {
  it.effect("comes before the hop: without a yes nobody is sent to the provider", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const page = yield* world.ask(browser)
        assert.strictEqual(page.location, undefined)
        assert.include(page.text.replace(/<[^>]*>/gu, ""), new URL(server.redirectUri).host)
        const no = yield* world.answer(browser, page, "deny")
        assert.strictEqual(no.location!.origin, new URL(server.redirectUri).origin)
        assert.strictEqual(world.errorOf(no), "access_denied")
        assert.deepStrictEqual(idp.seen, [])
      })
    ))

  it.effect("is asked of the same user again, of every kind of client, and of the company's own", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const { json } = yield* browser.send("/register", { json: { redirect_uris: [server.redirectUri] } })
        for (const client_id of ["app", "app", json.client_id, json.client_id, "ours", "ours"]) {
          yield* world.login(browser, idp, { client_id }).pipe(Effect.ignoreCause)
          const page = yield* world.ask(browser, { client_id })
          assert.strictEqual(page.location, undefined, client_id)
        }
      }), {
      options: {
        registration: true,
        clients: [server.app, { ...server.app, id: "ours", isFirstParty: true }]
      }
    }))

  it.effect("is not skipped by prompt=none", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        yield* world.login(browser, idp)
        assert.strictEqual(world.errorOf(yield* world.ask(browser, { prompt: "none" })), "login_required")
      })
    ))

  it.effect("cannot be given from another browser, or by a page of somebody else", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const [browser, other] = [yield* server.caller, yield* server.caller]
        const page = yield* world.ask(browser)
        assert.include((yield* world.answer(other, page, "allow")).text, over)
        const forged = yield* world.answer(browser, {
          ...page,
          text: page.text.replace(/value="[^"]+"/u, "value=\"x\"")
        }, "allow")
        assert.include(forged.text, over)
        assert.deepStrictEqual(idp.seen, [])
      })
    ))
})

describe("the way back", () => {
  it.effect("is refused in a foreign browser with a stolen callback URL", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const [victim, thief] = [yield* server.caller, yield* server.caller]
        const back = idp.authorize(yield* world.hop(victim))
        assert.include((yield* world.come(thief, back)).text, over)
        // Nor in one that has begun a login of its own.
        yield* world.hop(thief)
        assert.include((yield* world.come(thief, back)).text, over)
        assert.strictEqual(idp.count("/token"), 0)
        // And the one it belongs to is not harmed.
        assert.isNotNull((yield* world.come(victim, back)).location!.searchParams.get("code"))
      })
    ))

  it.effect("is refused to a user whom an attacker has sent to the provider without a consent of theirs", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const [attacker, user] = [yield* server.caller, yield* server.caller]
        // The attacker says yes to their own client, and passes the link to the provider on to the user.
        const link = yield* world.hop(attacker)
        const done = yield* world.come(user, idp.authorize(link))
        assert.strictEqual(done.location, undefined)
        assert.include(done.text, over)
      })
    ))

  it.effect("is refused to a callback that is replayed", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const back = idp.authorize(yield* world.hop(browser))
        assert.isNotNull((yield* world.come(browser, back)).location!.searchParams.get("code"))
        assert.include((yield* world.come(browser, back)).text, over)
        assert.strictEqual(idp.count("/token"), 1)
      })
    ))

  it.effect("is for one of those who bring a callback at the same moment", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const back = idp.authorize(yield* world.hop(browser))
        idp.changes.slow = 0
        const all = yield* Effect.all(Array.from({ length: 10 }, () => world.come(browser, back)), {
          concurrency: "unbounded"
        })
        assert.isAtMost(all.filter(({ location }) => location?.searchParams.has("code") === true).length, 1)
        assert.strictEqual(idp.count("/token"), 1)
      })
    ))

  it.effect("is refused with the state of another interaction of the same browser", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const [one, two] = [yield* world.hop(browser), yield* world.hop(browser)]
        const back = idp.authorize(one)
        back.searchParams.set("state", two.searchParams.get("state")!)
        // The code was asked for with another challenge.
        assert.strictEqual(world.errorOf(yield* world.come(browser, back)), "server_error")
      })
    ))

  it.effect("is refused with a state that is none, and without one", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const back = idp.authorize(yield* world.hop(browser))
        back.searchParams.set("state", "made up")
        assert.include((yield* world.come(browser, back)).text, over)
        back.searchParams.delete("state")
        assert.include((yield* world.come(browser, back)).text, over)
        assert.strictEqual(idp.count("/token"), 0)
      })
    ))

  it.effect("is refused before anybody was sent away", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const page = yield* world.ask(browser)
        const state = /interaction\/([^"]+)"/u.exec(page.text)![1]!
        const back = yield* browser.send(`/callback?code=stolen&state=${state}`)
        // Whoever has not said yes is asked, and no code is looked at.
        assert.strictEqual(back.location, undefined)
        assert.strictEqual(idp.count("/token"), 0)
      })
    ))

  it.effect("is over when the login has taken too long", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const [early, late] = [idp.authorize(yield* world.hop(browser)), idp.authorize(yield* world.hop(browser))]
        yield* TestClock.adjust("14 minutes")
        assert.isNotNull((yield* world.come(browser, early)).location!.searchParams.get("code"))
        yield* TestClock.adjust("1 minute")
        assert.include((yield* world.come(browser, late)).text, over)
      })
    ))
})

describe("what a client asks for", () => {
  it.effect("does not choose where the provider sends a user, nor what the provider is asked for", () =>
    withIdp(() =>
      Effect.gen(function*() {
        const url = yield* world.hop(yield* server.caller, {
          upstream_redirect_uri: "https://evil.example",
          callback: "https://evil.example",
          response_mode: undefined,
          audience: "https://evil.example",
          login_hint: "ada&redirect_uri=https://evil.example#&scope=admin",
          state: "&redirect_uri=https://evil.example",
          nonce: "the client's own",
          access_type: "offline"
        })
        assert.notInclude(url.href, "evil.example/")
        assert.deepStrictEqual([...url.searchParams.keys()].sort(), [
          "client_id",
          "code_challenge",
          "code_challenge_method",
          "login_hint",
          "nonce",
          "redirect_uri",
          "response_type",
          "scope",
          "state"
        ])
        assert.strictEqual(url.searchParams.get("redirect_uri"), `${server.issuer}/callback`)
        assert.strictEqual(url.searchParams.get("scope"), "openid profile email")
        assert.notStrictEqual(url.searchParams.get("nonce"), "the client's own")
        assert.notStrictEqual(url.searchParams.get("code_challenge"), server.challenge)
      })
    ))

  it.effect("gets a challenge, a nonce and a state of its own each time", () =>
    withIdp(() =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        const urls = [yield* world.hop(browser), yield* world.hop(browser)]
        for (const name of ["state", "nonce", "code_challenge"]) {
          assert.strictEqual(new Set(urls.map(({ searchParams }) => searchParams.get(name))).size, 2, name)
        }
      })
    ))

  it.effect("has the user log in again at the provider when it wants them to", () =>
    withIdp((idp) =>
      Effect.gen(function*() {
        const browser = yield* server.caller
        yield* TestClock.setTime(100_000_000)
        for (const own of [{ prompt: "login" }, { max_age: "60" }]) {
          const url = yield* world.hop(browser, own)
          assert.strictEqual(url.searchParams.get("prompt"), "login")
          idp.changes.claims = { auth_time: 99_000 }
          assert.strictEqual(world.errorOf(yield* world.come(browser, idp.authorize(url))), "server_error")
          idp.changes.claims = { auth_time: 100_000 }
          assert.isDefined((yield* world.login(browser, idp, own)).access_token)
        }
      })
    ))
})
