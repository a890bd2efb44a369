/** Rows A1 to A14 of what an authorization server has to check, each a test of what it refuses. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import { createHash } from "node:crypto"
import * as steps from "./steps.ts"
import * as world from "./world.ts"

const { assertPage, assertRefused, assertTold } = steps

const clients = world.options.clients!

const loopback = "http://127.0.0.1/callback"

const authorize = ({ send }: world.Caller, own: steps.Own = {}) => send(world.authorizePath(own))

const pairs = (own: steps.Own = {}) => new URL(world.authorizePath(own), world.issuer).searchParams

/** With one parameter a second time. */
const twice = (name: string, value: string) => {
  const parameters = pairs({ nonce: "n", prompt: "login", max_age: "100", response_mode: "query" })
  parameters.append(name, value)
  return parameters
}

describe("A1: client and redirect_uri are proven before any redirect", () => {
  const wrong: Readonly<Record<string, steps.Own>> = {
    "no client": { client_id: undefined },
    "an empty client": { client_id: "" },
    "an unknown client": { client_id: "nobody" },
    "a client whose document cannot be had": { client_id: "https://nobody.example/client.json" },
    "a client that nobody could be": { client_id: "\u0000\ud800".repeat(500) },
    "no redirect_uri": { redirect_uri: undefined },
    "an empty redirect_uri": { redirect_uri: "" },
    "another redirect_uri": { redirect_uri: "https://evil.example/callback" },
    "a redirect_uri that is none": { redirect_uri: "callback" },
    "a redirect_uri that runs something": { redirect_uri: "javascript:alert(1)" }
  }
  for (const [name, own] of Object.entries(wrong)) {
    it.effect(`A1: ${name}`, () =>
      world.withServer(Effect.gen(function*() {
        const caller = yield* world.caller
        // Also when there is more that is wrong, which a client would be told.
        for (const more of [{}, { response_type: "token" }, { prompt: "none" }, { code_challenge: "x" }]) {
          assertPage(yield* authorize(caller, { ...own, ...more }))
          assertPage(yield* caller.send("/authorize", { form: pairs({ ...own, ...more }) }))
        }
      })))
  }

  it.effect("A1: either of them twice", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      for (const [name, value] of [["client_id", "app"], ["redirect_uri", world.redirectUri]] as const) {
        assertPage(yield* caller.send(`/authorize?${twice(name, value)}`))
      }
    })))
})

describe("A2: redirect_uri is compared as an exact string", () => {
  const registered = [world.redirectUri, loopback, "http://localhost/callback", "https://app.example/a?b=c"]

  const asked = (redirectUri: string) =>
    world.withServer(
      Effect.flatMap(world.caller, (caller) => authorize(caller, { redirect_uri: redirectUri })),
      { clients: [{ id: "app", redirectUris: registered }] }
    )

  it.effect("A2: the port of a loopback address may be another, and nothing else", () =>
    Effect.gen(function*() {
      for (const uri of [...registered, "http://127.0.0.1:4711/callback", "http://127.0.0.1:65535/callback"]) {
        const { location } = yield* asked(uri)
        assert.isTrue(location!.href.startsWith(uri), location!.href)
      }
    }))

  for (
    const uri of [
      `${world.redirectUri}/`,
      `${world.redirectUri}/more`,
      `${world.redirectUri}/../callback`,
      `${world.redirectUri}?a=b`,
      `${world.redirectUri}#`,
      `${world.redirectUri}#fragment`,
      `${world.redirectUri}%20`,
      "https://app.example/Callback",
      "https://app.example/%63allback",
      "https://APP.example/callback",
      "HTTPS://app.example/callback",
      "https://app.example:443/callback",
      "https://app.example./callback",
      "https://app.example.evil.example/callback",
      "https://sub.app.example/callback",
      "https://evil.example\\@app.example/callback",
      "https://app.example@evil.example/callback",
      "https://user:password@app.example/callback",
      "http://app.example/callback",
      "//app.example/callback",
      "https://app.example/a",
      "https://app.example/a?b=d",
      "https://app.example/a?b=c&d=e",
      "https://*.example/callback",
      "http://localhost:4711/callback",
      "http://127.0.0.1:4711/other",
      "http://127.0.0.1:4711/callback/",
      "http://127.0.0.1:4711/callback?a=b",
      "http://127.0.0.1:99999/callback",
      "http://127.0.0.1:x/callback",
      "http://127.0.0.2/callback",
      "http://127.1/callback",
      "http://2130706433/callback",
      "http://[::1]/callback",
      "http://[::ffff:127.0.0.1]/callback",
      "http://127.0.0.1.evil.example/callback",
      "http://127.0.0.1:1@evil.example/callback",
      "http://127.0.0.1\\@evil.example/callback",
      "https://127.0.0.1:4711/callback"
    ]
  ) {
    it.effect(`A2: not ${uri}`, () => Effect.map(asked(uri), (answer) => assertPage(answer)))
  }

  for (
    const uri of [
      "https://*.example/callback",
      "https://user:password@app.example/callback",
      "https://app.example/callback#fragment",
      "http://app.example/callback",
      "/callback",
      "javascript:alert(1)",
      "data:text/html,hello"
    ]
  ) {
    it.effect(`A2: nobody configures ${uri}`, () =>
      Effect.gen(function*() {
        for (const name of ["redirectUris", "postLogoutRedirectUris"] as const) {
          const error = yield* Effect.flip(world.withServer(Effect.void, { clients: [{ id: "app", [name]: [uri] }] }))
          assert.deepInclude(error, { _tag: "InvalidOption", option: "clients[0]" })
        }
      }))
  }

  it.effect("A2: a scheme of a program that somebody knows may have any name", () =>
    world.withServer(Effect.void, { clients: [{ id: "app", redirectUris: ["cursor://oauth/callback"] }] }))
})

describe("A3: code_challenge is required, of S256 alone", () => {
  const wrong: Readonly<Record<string, steps.Own>> = {
    "no challenge": { code_challenge: undefined },
    "neither challenge nor method": { code_challenge: undefined, code_challenge_method: undefined },
    "an empty challenge": { code_challenge: "" },
    "plain": { code_challenge: world.verifier, code_challenge_method: "plain" },
    "no method, which would be plain": { code_challenge_method: undefined },
    "an unknown method": { code_challenge_method: "S512" },
    "a method in small letters": { code_challenge_method: "s256" },
    "42 characters": { code_challenge: "a".repeat(42) },
    "44 characters": { code_challenge: "a".repeat(44) },
    "base64 that is not base64url": { code_challenge: "+".repeat(43) },
    "padding": { code_challenge: `${"a".repeat(42)}=` }
  }
  for (const [name, own] of Object.entries(wrong)) {
    it.effect(`A3: ${name}`, () =>
      world.withServer(Effect.gen(function*() {
        const caller = yield* world.caller
        assertTold(yield* authorize(caller, own), "invalid_request")
        // A secret is no substitute.
        assertTold(yield* authorize(caller, { ...own, client_id: "backend" }), "invalid_request")
      })))
  }

  it.effect("A3: it is recorded for each code", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const verifier = "w".repeat(43)
      const other = createHash("sha256").update(verifier).digest("base64url")
      const [first, second] = [yield* world.code(caller), yield* world.code(caller, { code_challenge: other })]
      assertRefused(yield* steps.redeem(caller, first, { code_verifier: verifier }), "invalid_grant")
      assertRefused(yield* steps.redeem(caller, second), "invalid_grant")
      assert.strictEqual((yield* steps.redeem(caller, second, { code_verifier: verifier })).status, 200)
      assert.strictEqual((yield* steps.redeem(caller, first)).status, 200)
    })))
})

describe("A4: what is there twice is refused, and so is too much", () => {
  for (const name of [...pairs().keys(), "nonce", "prompt", "max_age", "response_mode", "anything"]) {
    if (name === "client_id" || name === "redirect_uri") continue
    it.effect(`A4: ${name} twice`, () =>
      world.withServer(Effect.gen(function*() {
        const caller = yield* world.caller
        for (const value of [pairs().get(name) ?? "other", "", "other"]) {
          const parameters = twice(name, value)
          if (!pairs().has(name)) parameters.append(name, value)
          const answers = [
            yield* caller.send(`/authorize?${parameters}`),
            yield* caller.send("/authorize", { form: parameters })
          ]
          for (const answer of answers) {
            const { error, state } = steps.told(answer)
            assert.strictEqual(error, name === "resource" ? "invalid_target" : "invalid_request")
            // Nobody knows which of two was meant.
            assert.strictEqual(state, name === "state" ? undefined : "xyz")
          }
        }
      })))
  }

  it.effect("A4: at the other endpoints as well", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const code = yield* world.code(caller)
      const { form } = world.exchange(code)
      for (const [name, value] of Object.entries(form)) {
        const doubled = new URLSearchParams(form)
        doubled.append(name, value)
        assertRefused(yield* caller.send("/token", { form: doubled }), "invalid_request")
      }
      for (const path of ["/par", "/revoke", "/introspect", "/device_authorization"]) {
        const doubled = new URLSearchParams([["client_id", "app"], ["client_id", "app"]])
        assertRefused(yield* caller.send(path, { form: doubled }), "invalid_request")
      }
      // None of it has cost the user their code.
      assert.strictEqual((yield* steps.redeem(caller, code)).status, 200)
    })))

  it.effect("A4: a query of more than 16 KiB, a body of more than 64 KiB, and one that is no form", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      assertPage(yield* authorize(caller, { state: "x".repeat(16 << 10) }))
      assertPage(yield* caller.send("/authorize", { form: pairs({ state: "x".repeat(64 << 10) }) }))
      const code = yield* world.code(caller)
      for (const path of ["/token", "/par", "/revoke", "/introspect", "/device_authorization"]) {
        const large = yield* caller.send(path, world.exchange(code, { more: "x".repeat(64 << 10) }))
        assertRefused(large, "invalid_request")
        assertRefused(yield* caller.send(path, { json: world.exchange(code).form }), "invalid_request")
      }
      assert.strictEqual((yield* steps.redeem(caller, code, { more: "x".repeat(60 << 10) })).status, 200)
    })))

  it.effect("A4: what nobody knows is passed over, and what is empty is not there", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { code } = steps.told(yield* authorize(caller, { anything: "else", nonce: "", __proto__x: "1" }))
      assert.isString(code)
      assertTold(yield* authorize(caller, { code_challenge: "" }), "invalid_request")
      assert.strictEqual((yield* steps.redeem(caller, code!, { anything: "else" })).status, 200)
      // What is in the address of a form counts for nothing.
      const { form } = world.exchange(yield* world.code(caller))
      assertRefused(yield* caller.send(`/token?${new URLSearchParams(form)}`, { form: {} }), "invalid_client", 401)
    })))
})

describe("A5: a code, in the query, and nothing else", () => {
  const wrong: ReadonlyArray<readonly [own: steps.Own, error: string]> = [
    [{ response_type: undefined }, "invalid_request"],
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ response_type: "id_token" }, "unsupported_response_type"],
    [{ response_type: "code token" }, "unsupported_response_type"],
    [{ response_type: "code id_token" }, "unsupported_response_type"],
    [{ response_type: "none" }, "unsupported_response_type"],
    [{ response_type: "CODE" }, "unsupported_response_type"],
    [{ response_mode: "fragment" }, "invalid_request"],
    [{ response_mode: "form_post" }, "invalid_request"],
    [{ response_mode: "query.jwt" }, "invalid_request"],
    [{ response_type: "token", response_mode: "fragment" }, "unsupported_response_type"]
  ]
  for (const [own, error] of wrong) {
    it.effect(`A5: ${JSON.stringify(own)}`, () =>
      world.withServer(Effect.gen(function*() {
        const answer = yield* authorize(yield* world.caller, own)
        assertTold(answer, error)
        assert.strictEqual(answer.location!.hash, "")
      })))
  }

  it.effect("A5: the metadata offers no more, and a client without the grant gets none", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const { json } = yield* caller.send("/.well-known/oauth-authorization-server")
        assert.deepInclude(json, { response_types_supported: ["code"], response_modes_supported: ["query"] })
        assert.notIncludeMembers(json.grant_types_supported, ["implicit", "password"])
        assertTold(yield* authorize(caller), "unauthorized_client")
      }),
      { clients: [{ ...world.app, grantTypes: ["refresh_token"] }] }
    ))
})

it.effect("A6: iss is in success and in each error, and the metadata says so", () =>
  world.withServer(
    Effect.gen(function*() {
      const caller = yield* world.caller
      const answers = [
        yield* authorize(caller),
        yield* authorize(caller, { response_type: "token" }),
        yield* authorize(caller, { scope: "nothing" }),
        yield* authorize(caller, { resource: "https://other.example/" }),
        yield* authorize(caller, { request: "x" }),
        yield* caller.send(`/authorize?${twice("scope", "notes:read")}`)
      ]
      const stranger = yield* world.caller
      answers.push(yield* authorize(stranger, { prompt: "none" }))
      for (const answer of answers) assert.deepStrictEqual(answer.location!.searchParams.getAll("iss"), [world.issuer])
      const { json } = yield* caller.send("/.well-known/oauth-authorization-server")
      assert.strictEqual(json.authorization_response_iss_parameter_supported, true)
      assert.strictEqual(json.issuer, world.issuer)
    })
  ))

it.effect("A6: iss is in the answer of a user, whatever they say", () =>
  world.withServer(
    Effect.gen(function*() {
      const browser = yield* world.caller
      for (const decision of ["deny", "allow"] as const) {
        const answer = yield* steps.decide(browser, yield* authorize(browser), decision)
        const { searchParams } = steps.leadsTo(answer)
        assert.strictEqual(searchParams.get("iss"), world.issuer)
        assert.strictEqual(searchParams.has("code"), decision === "allow")
        assert.strictEqual(searchParams.get("error"), decision === "allow" ? null : "access_denied")
      }
    }),
    {},
    { consent: steps.asking }
  ))

it.effect("A7: state comes back untouched, and is not made up", () =>
  world.withServer(Effect.gen(function*() {
    const caller = yield* world.caller
    const odd = [
      "a b+c&d=e#f%20",
      "\"<script>\\",
      "\u00e4\u{1f469}\u200d",
      "x".repeat(5000),
      "state=1&code=2&iss=3",
      " "
    ]
    for (const state of odd) {
      assert.strictEqual(steps.told(yield* authorize(caller, { state }))["state"], state)
      assert.strictEqual(steps.told(yield* authorize(caller, { state, scope: "nothing" }))["state"], state)
    }
    const without = yield* authorize(caller, { state: undefined })
    assert.deepStrictEqual(Object.keys(steps.told(without)), ["code", "iss"])
  })))

describe("A8: resource is one of this server's", () => {
  for (
    const resource of [
      "https://other.example/mcp",
      `${world.resource}/`,
      `${world.resource}#fragment`,
      `${world.resource}?a=b`,
      `${world.resource}/more`,
      "https://ACME.example/mcp",
      "https://acme.example",
      "/mcp",
      "mcp",
      "__proto__"
    ]
  ) {
    it.effect(`A8: not ${resource}`, () =>
      world.withServer(Effect.gen(function*() {
        const caller = yield* world.caller
        assertTold(yield* authorize(caller, { resource }), "invalid_target")
        const form = { ...Object.fromEntries(pairs({ resource })) }
        assertRefused(yield* caller.send("/par", { form }), "invalid_target")
        const own = { grant_type: "client_credentials", resource }
        assertRefused(yield* steps.token(caller, own, steps.basic("backend")), "invalid_target")
        const code = yield* world.code(caller)
        assertRefused(yield* steps.redeem(caller, code, { resource }), "invalid_target")
        const { json } = yield* steps.redeem(caller, code)
        assertRefused(yield* steps.refresh(caller, json.refresh_token, { resource }), "invalid_target")
      })))
  }

  it.effect("A8: two at a time are no audience, and nobody configures one that is none", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      assertTold(yield* caller.send(`/authorize?${twice("resource", "https://other.example/")}`), "invalid_target")
      for (const uri of ["mcp", "https://acme.example/mcp#fragment"]) {
        const error = yield* Effect.flip(world.withServer(Effect.void, { resources: [{ uri }] }))
        assert.deepInclude(error, { _tag: "InvalidOption", option: "resources[0]" })
      }
    })))
})

it.effect("A9: after a POST the browser goes on by GET, without what was posted", () =>
  world.withServer(
    Effect.gen(function*() {
      const browser = yield* world.caller
      // A redirect says 303; after a form it would lead nowhere, so a page goes on instead.
      assertTold(yield* browser.send("/authorize", { form: pairs({ scope: "nothing" }) }), "invalid_scope")
      const page = yield* browser.send("/authorize", { form: pairs() })
      const posts = [
        yield* steps.logIn(browser, page, "anna", { password: "wrong" }),
        yield* steps.logIn(browser, page)
      ]
      posts.push(yield* steps.decide(browser, posts[1]!, "deny"))
      posts.push(yield* steps.decide(browser, yield* authorize(browser), "allow"))
      for (const { headers, status, text } of posts) {
        assert.include([200, 403], status)
        assert.isNull(headers.get("location"))
        assert.notInclude(text, "correct horse")
      }
      for (const answer of posts.slice(2)) {
        const { href, searchParams } = steps.leadsTo(answer)
        assert.isTrue(href.startsWith(`${world.redirectUri}?`))
        for (const name of searchParams.keys()) {
          assert.include(["code", "state", "iss", "error", "error_description"], name)
        }
        assert.strictEqual(answer.headers.get("referrer-policy"), "no-referrer")
        assert.strictEqual(answer.headers.get("cache-control"), "no-store")
      }
    }),
    {},
    { consent: steps.asking, login: steps.passwords }
  ))

describe("A10: pages of a login", () => {
  const withPages = <A, E>(test: Parameters<typeof world.withServer<A, E>>[0]) =>
    world.withServer(test, {}, { consent: steps.asking, login: steps.passwords })

  it.effect("A10: are not framed, run and load nothing, and tell nobody where they are", () =>
    withPages(Effect.gen(function*() {
      const browser = yield* world.caller
      const page = yield* authorize(browser)
      const consent = yield* steps.logIn(browser, page)
      const answers = [
        page,
        consent,
        yield* browser.send(steps.formOf(consent).action),
        yield* steps.decide(browser, consent, "allow"),
        yield* authorize(browser, { client_id: "nobody" }),
        yield* browser.send("/device"),
        yield* browser.send("/interaction/unknown"),
        yield* browser.send("/callback?state=unknown")
      ]
      for (const { headers } of answers) {
        assert.match(
          headers.get("content-security-policy")!,
          /^default-src 'none'; style-src 'sha256-[^' ]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/u
        )
        assert.strictEqual(headers.get("x-frame-options"), "DENY")
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
        assert.strictEqual(headers.get("cache-control"), "no-store")
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
      }
    })))

  it.effect("A10: set cookies that no script reads, no other host sets, and nobody on the way sees", () =>
    withPages(Effect.gen(function*() {
      const browser = yield* world.caller
      const page = yield* authorize(browser)
      const consent = yield* steps.logIn(browser, page)
      const cookies = [page, consent].flatMap(({ headers }) => headers.getSetCookie())
      assert.deepStrictEqual(cookies.map((cookie) => cookie.split("=", 1)[0]), ["__Host-browser", "__Host-session"])
      for (const cookie of cookies) {
        const [, ...attributes] = cookie.toLowerCase().split("; ")
        assert.includeMembers(attributes, ["path=/", "httponly", "secure", "samesite=lax"])
        assert.isFalse(attributes.some((attribute) => attribute.startsWith("domain")))
      }
    })))

  it.effect("A10: take a form from the browser they were shown to, for what they were shown for, and from no other", () =>
    withPages(Effect.gen(function*() {
      const browser = yield* world.caller
      const other = yield* world.caller
      const page = yield* authorize(browser)
      const { action } = steps.formOf(page)
      const { csrf: ofAnother } = steps.formOf(yield* authorize(browser))
      const foreign = steps.formOf(yield* authorize(other))
      for (const csrf of [undefined, "", "x", ofAnother, foreign.csrf, `${steps.formOf(page).csrf}x`]) {
        assertPage(yield* steps.logIn(browser, page, "anna", { csrf }))
      }
      // Whoever lures a user to their own login, or goes on with that of another.
      assertPage(yield* steps.logIn(other, page))
      assertPage(yield* other.send(action))
      assertPage(yield* steps.logIn(yield* world.caller, page))
      const consent = yield* steps.logIn(browser, page)
      assert.strictEqual(consent.status, 200)
      for (const csrf of [undefined, "x", ofAnother, foreign.csrf]) {
        assertPage(yield* steps.decide(browser, consent, "allow", { csrf }))
      }
      assertPage(yield* steps.decide(other, consent, "allow"))
      assertPage(yield* other.send(action))
      const { searchParams } = steps.leadsTo(yield* steps.decide(browser, consent, "allow"))
      assert.isTrue(searchParams.has("code"))
      // It is over now, for everybody.
      assertPage(yield* steps.decide(browser, consent, "allow"))
    })))

  it.effect("A10: are over after 15 minutes, whatever the user was at", () =>
    withPages(Effect.gen(function*() {
      const browser = yield* world.caller
      const page = yield* authorize(browser)
      yield* TestClock.adjust("14 minutes")
      const consent = yield* steps.logIn(browser, page)
      assert.strictEqual(consent.status, 200)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual((yield* browser.send(steps.formOf(consent).action)).status, 200)
      yield* TestClock.adjust("1 second")
      assertPage(yield* steps.decide(browser, consent, "allow"))
      assertPage(yield* browser.send(steps.formOf(consent).action))
    })))
})

describe("A11: consent", () => {
  const document = "https://app.example/client.json"

  const metadata = { client_id: document, client_name: "Stranger", redirect_uris: [world.redirectUri, loopback] }

  const first: Client.Options = { ...world.app, id: "first", isFirstParty: true }

  const withConsent = <A, E>(test: Parameters<typeof world.withServer<A, E>>[0]) =>
    world.withServer(
      test,
      {
        clients: [...clients, { ...world.app, redirectUris: [world.redirectUri, loopback] }, first].slice(1),
        resources: [world.options.resources[0], { uri: "https://mail.example/mcp", scopes: ["notes:read"] }],
        registration: true
      },
      {
        consent: steps.asking,
        fetch: () => Effect.succeed({ status: 200, headers: {} as never, text: JSON.stringify(metadata) })
      }
    )

  const asks = (browser: world.Caller, own: steps.Own = {}) =>
    Effect.map(authorize(browser, own), ({ location }) => location === undefined)

  const allow = (browser: world.Caller, own: steps.Own = {}) =>
    Effect.gen(function*() {
      const answer = yield* steps.decide(browser, yield* authorize(browser, own), "allow")
      assert.isTrue(steps.leadsTo(answer).searchParams.has("code"))
    })

  it.effect("A11: names the client and where it is, and warns where any program could be it", () =>
    withConsent(Effect.gen(function*() {
      const browser = yield* world.caller
      const plain = ({ text }: world.Answer) => text.replaceAll("<wbr>", "")
      const page = plain(yield* authorize(browser))
      for (const text of ["App", "app.example", "anna", world.resource]) assert.include(page, `<bdi>${text}</bdi>`)
      assert.notInclude(page, "Any program on this device")
      assert.notInclude(page, "Not verified")
      const local = plain(yield* authorize(browser, { redirect_uri: "http://127.0.0.1:4711/callback" }))
      assert.include(local, "<bdi>127.0.0.1:4711</bdi>")
      assert.include(local, "Any program on this device")
      const stranger = plain(yield* authorize(browser, { client_id: document }))
      assert.include(stranger, "<bdi>Stranger</bdi>")
      assert.include(stranger, "Not verified")
    })))

  it.effect("A11: is of one client, redirect, resource and scopes, for one user, and for 90 days", () =>
    withConsent(Effect.gen(function*() {
      const browser = yield* world.caller
      yield* allow(browser)
      assert.isFalse(yield* asks(browser))
      assert.isFalse(yield* asks(browser, { scope: "notes:write notes:read", state: "other" }))
      assert.isTrue(yield* asks(browser, { client_id: "backend" }))
      assert.isTrue(yield* asks(browser, { redirect_uri: loopback }))
      assert.isTrue(yield* asks(browser, { resource: "https://mail.example/mcp", scope: "notes:read" }))
      assert.isTrue(yield* asks(browser, { scope: "notes:read" }))
      assert.isTrue(yield* asks(browser, { prompt: "consent" }))
      yield* TestClock.adjust("2159 hours")
      assert.isFalse(yield* asks(browser))
      yield* TestClock.adjust("1 hour")
      assert.isTrue(yield* asks(browser))
    })))

  it.effect("A11: is not remembered of who says no, and a no goes to the client", () =>
    withConsent(Effect.gen(function*() {
      const browser = yield* world.caller
      const page = yield* authorize(browser)
      const { searchParams } = steps.leadsTo(yield* steps.decide(browser, page, "deny"))
      assert.strictEqual(searchParams.get("error"), "access_denied")
      assert.isFalse(searchParams.has("code"))
      assertPage(yield* steps.decide(browser, page, "allow"))
      assert.isTrue(yield* asks(browser))
    })))

  it.effect("A11: is asked each time for clients that nobody has looked at, and never for the company's own", () =>
    withConsent(Effect.gen(function*() {
      const browser = yield* world.caller
      const { json } = yield* browser.send("/register", { json: { ...metadata, client_id: undefined } })
      for (const client_id of [document, json.client_id as string]) {
        for (let i = 0; i < 2; i++) {
          assert.isTrue(yield* asks(browser, { client_id }))
          yield* allow(browser, { client_id })
        }
        // Nor is anybody led to its site unasked, be it by an error.
        const { status, text } = yield* authorize(browser, { client_id, prompt: "none" })
        assert.strictEqual(status, 400)
        assert.include(text, "error=consent_required")
      }
      assert.isFalse(yield* asks(browser, { client_id: "first" }))
    })))
})

describe("A12: the session of a browser", () => {
  const withLogin = <A, E>(test: Parameters<typeof world.withServer<A, E>>[0]) =>
    world.withServer(test, {}, { login: steps.passwords })

  const isAsked = (browser: world.Caller, own: steps.Own = {}) =>
    Effect.map(authorize(browser, own), ({ location }) => location === undefined)

  const logIn = (browser: world.Caller, own: steps.Own = {}, username?: string) =>
    Effect.gen(function*() {
      return steps.leadsTo(yield* steps.logIn(browser, yield* authorize(browser, own), username)).searchParams
    })

  it.effect("A12: is a new one after each login, so that nobody can prepare one", () =>
    withLogin(Effect.gen(function*() {
      const browser = yield* world.caller
      yield* logIn(browser)
      const prepared = browser.cookies.get("__Host-session")!
      const victim = yield* world.caller
      victim.cookies.set("__Host-session", prepared)
      yield* logIn(victim, { prompt: "login" }, "ben")
      assert.notStrictEqual(victim.cookies.get("__Host-session"), prepared)
      // And the one before is nobody's any more.
      assert.isTrue(yield* isAsked(browser))
      for (const made of ["", "x", "x".repeat(43)]) {
        browser.cookies.set("__Host-session", made)
        assert.isTrue(yield* isAsked(browser))
      }
    })))

  it.effect("A12: prompt and max_age are honoured, for the time of the login", () =>
    withLogin(Effect.gen(function*() {
      const browser = yield* world.caller
      assertTold(yield* authorize(browser, { prompt: "none" }), "login_required")
      yield* logIn(browser)
      assert.isFalse(yield* isAsked(browser))
      assert.isFalse(yield* isAsked(browser, { prompt: "none" }))
      assert.isTrue(yield* isAsked(browser, { prompt: "login" }))
      assert.isTrue(yield* isAsked(browser, { prompt: "select_account" }))
      yield* TestClock.adjust("100 seconds")
      assert.isFalse(yield* isAsked(browser, { max_age: "100" }))
      assert.isTrue(yield* isAsked(browser, { max_age: "99" }))
      assertTold(yield* authorize(browser, { max_age: "99", prompt: "none" }), "login_required")
      const code = (yield* logIn(browser, { max_age: "0" })).get("code")!
      const { json } = yield* steps.redeem(browser, code)
      const claims = JSON.parse(atob(json.access_token.split(".")[1]))
      assert.strictEqual(claims.auth_time, 100)
      for (const own of [{ prompt: "none login" }, { prompt: "create" }, { max_age: "-1" }, { max_age: "1.5" }]) {
        assertTold(yield* authorize(browser, own), "invalid_request")
      }
    })))

  it.effect("A12: is over after 12 hours", () =>
    withLogin(Effect.gen(function*() {
      const browser = yield* world.caller
      yield* logIn(browser)
      yield* TestClock.adjust("43199 seconds")
      assert.isFalse(yield* isAsked(browser))
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* isAsked(browser))
      assertTold(yield* authorize(browser, { prompt: "none" }), "login_required")
    })))
})

describe("A13: a request that was pushed", () => {
  const push = ({ send }: world.Caller, own: steps.Own = {}, headers = {}) =>
    send("/par", { form: { ...Object.fromEntries(pairs(own)) }, headers })

  const bring = ({ send }: world.Caller, uri: string, own: Readonly<Record<string, string>> = {}) =>
    send(`/authorize?${new URLSearchParams({ client_id: "app", request_uri: uri, ...own })}`)

  it.effect("A13: is used once, and is as it was pushed", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { json, status } = yield* push(caller, { scope: "notes:read" })
      assert.strictEqual(status, 201)
      assert.strictEqual(json.expires_in, 60)
      assert.match(json.request_uri, /^urn:ietf:params:oauth:request_uri:[\w-]{43}$/u)
      // What a browser adds on the way counts for nothing.
      const answer = yield* bring(caller, json.request_uri, {
        scope: "notes:write",
        state: "tampered",
        redirect_uri: "https://evil.example/"
      })
      const { code, state } = steps.told(answer)
      assert.strictEqual(state, "xyz")
      assert.strictEqual((yield* steps.redeem(caller, code!)).json.scope, "notes:read")
      assertPage(yield* bring(caller, json.request_uri))
    })))

  it.effect("A13: is used by one of 20 who bring it at the same moment", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { json } = yield* push(caller)
      const answers = yield* Effect.all(
        Array.from({ length: 20 }, () => bring(caller, json.request_uri)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(answers.filter(({ location }) => location !== undefined).length, 1)
    })))

  it.effect("A13: is of the client that has pushed it, and not lost to another", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const { json } = yield* push(caller)
      assertPage(yield* bring(caller, json.request_uri, { client_id: "backend" }))
      assert.isDefined((yield* bring(caller, json.request_uri)).location)
      assertRefused(yield* push(caller, { client_id: "backend" }), "invalid_client", 401)
      assertRefused(yield* push(caller, { client_id: "nobody" }), "invalid_client", 401)
      assertRefused(yield* push(caller, {}, steps.basic("backend")), "invalid_request")
    })))

  it.effect("A13: is over after a minute, and never lasts for more than 90 seconds", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const [first, second] = [yield* push(caller), yield* push(caller)]
      yield* TestClock.adjust("59 seconds")
      assert.isDefined((yield* bring(caller, first.json.request_uri)).location)
      yield* TestClock.adjust("1 second")
      assertPage(yield* bring(caller, second.json.request_uri))
      const error = yield* Effect.flip(
        world.withServer(Effect.void, { lifetimes: { pushedRequest: "91 seconds" } })
      )
      assert.deepInclude(error, { _tag: "InvalidOption", option: "lifetimes.pushedRequest" })
    })))

  it.effect("A13: is nowhere else, and nothing is fetched for it", () =>
    Effect.gen(function*() {
      const fetched: Array<string> = []
      yield* world.withServer(
        Effect.gen(function*() {
          const caller = yield* world.caller
          for (const uri of ["https://evil.example/request", "http://169.254.169.254/", "urn:other:x", "x"]) {
            assertTold(yield* authorize(caller, { request_uri: uri }), "request_uri_not_supported")
            assertPage(yield* bring(caller, uri))
            assertRefused(yield* push(caller, { request_uri: uri }), "invalid_request")
          }
          assertPage(yield* bring(caller, `urn:ietf:params:oauth:request_uri:${"x".repeat(43)}`))
          assertTold(yield* authorize(caller, { request: "e30.e30." }), "request_not_supported")
          assertTold(yield* authorize(caller, { registration: "{}" }), "registration_not_supported")
          assertRefused(yield* push(caller, { request: "e30.e30." }), "request_not_supported")
        }),
        {},
        {
          fetch: (request) => {
            fetched.push(request.url)
            return world.unreachable(request)
          }
        }
      )
      assert.deepStrictEqual(fetched, [])
    }))

  it.effect("A13: is checked like any other", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      assertRefused(yield* push(caller, { redirect_uri: "https://evil.example/" }), "invalid_request")
      assertRefused(yield* push(caller, { code_challenge_method: "plain" }), "invalid_request")
      assertRefused(yield* push(caller, { response_type: "token" }), "unsupported_response_type")
      assertRefused(yield* push(caller, { scope: "nothing" }), "invalid_scope")
      assertRefused(yield* push(caller, { prompt: "none login" }), "invalid_request")
    })))
})

describe("A14: a code", () => {
  const mail = "https://mail.example/mcp"

  it.effect("A14: has 256 bits, and is kept as a hash with all it stands for", () => {
    const { store, written } = steps.watched()
    return world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const code = yield* world.code(caller, { scope: "notes:read" })
        assert.match(code, /^[\w-]{43}$/u)
        const hash = createHash("sha256").update(code).digest("base64url")
        const [, entry] = written.find(([{ id, kind }]) => kind === "code" && id === hash)!
        assert.deepStrictEqual(JSON.parse(entry!.data), {
          clientId: "app",
          redirectUri: world.redirectUri,
          challenge: world.challenge
        })
        assert.strictEqual(entry!.expiresAt, 60_000)
        const [, grant] = written.find(([{ id, kind }]) => kind === "grant" && id === entry!.grant)!
        const session = createHash("sha256").update(caller.cookies.get("__Host-session")!).digest("base64url")
        assert.deepInclude(JSON.parse(grant!.data), {
          clientId: "app",
          subject: "anna",
          resource: world.resource,
          scopes: ["notes:read"],
          session
        })
      }),
      {},
      { store }
    )
  })

  it.effect("A14: is nowhere in the store, nor is any other secret", () => {
    const { store, written } = steps.watched()
    return world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const pushed = yield* caller.send("/par", { form: { ...Object.fromEntries(pairs()) } })
        const page = yield* authorize(caller)
        const code = steps.leadsTo(yield* steps.decide(caller, page, "allow")).searchParams.get("code")!
        const { json } = yield* steps.redeem(caller, code)
        const next = yield* steps.refresh(caller, json.refresh_token)
        const registered = yield* caller.send("/register", { json: { redirect_uris: [world.redirectUri] } })
        const device = yield* caller.send("/device_authorization", { form: { client_id: "tv" } })
        const all = JSON.stringify(written)
        for (
          const secret of [
            code,
            json.access_token,
            json.refresh_token,
            next.json.refresh_token,
            registered.json.client_secret,
            device.json.device_code,
            device.json.user_code.replace("-", ""),
            pushed.json.request_uri.split(":").at(-1),
            steps.formOf(page).action.split("/").at(-1)!,
            world.verifier,
            ...caller.cookies.values()
          ]
        ) {
          assert.isAtLeast(secret.length, 8)
          assert.notInclude(all, secret)
        }
      }),
      {
        registration: true,
        clients: [...clients, { id: "tv", grantTypes: ["urn:ietf:params:oauth:grant-type:device_code"] }]
      },
      { store, consent: steps.asking }
    )
  })

  it.effect("A14: is for its client, redirect, challenge and resource alone", () =>
    world.withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const code = yield* world.code(caller, { redirect_uri: "http://127.0.0.1:4711/callback" })
        const right = { redirect_uri: "http://127.0.0.1:4711/callback" }
        for (
          const [own, error] of [
            [{ client_id: "other" }, "invalid_grant"],
            [{ redirect_uri: loopback }, "invalid_grant"],
            [{ redirect_uri: undefined }, "invalid_grant"],
            [{ code_verifier: "w".repeat(43) }, "invalid_grant"],
            [{ resource: mail }, "invalid_target"]
          ] as const
        ) {
          assertRefused(yield* steps.redeem(caller, code, { ...right, ...own }), error)
        }
        const { json } = yield* steps.redeem(caller, code, { ...right, scope: "notes:write mail" })
        assert.strictEqual(json.scope, "notes:read notes:write")
      }),
      {
        clients: [{ ...world.app, redirectUris: [world.redirectUri, loopback] }, { ...world.app, id: "other" }],
        resources: [world.options.resources[0], { uri: mail, scopes: ["mail"] }]
      }
    ))

  it.effect("A14: is good for 60 seconds, and no option makes it more", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      const [first, second] = [yield* world.code(caller), yield* world.code(caller)]
      yield* TestClock.adjust("59999 millis")
      assert.strictEqual((yield* steps.redeem(caller, first)).status, 200)
      yield* TestClock.adjust("1 millis")
      assertRefused(yield* steps.redeem(caller, second), "invalid_grant")
      const error = yield* Effect.flip(world.withServer(Effect.void, { lifetimes: { code: "61 seconds" } }))
      assert.deepInclude(error, { _tag: "InvalidOption", option: "lifetimes.code" })
    })))
})
