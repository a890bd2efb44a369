/** Attacks that once got somewhere. */
import { assert, describe, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Kdf from "effect/crypto/Kdf"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as PasswordHash from "fastmcp-effect/oauth/server/PasswordHash"
import * as Refusal from "fastmcp-effect/oauth/server/Refusal"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { needing } from "../../support/services.ts"
import * as race from "./race.ts"
import * as world from "./world.ts"

/** Whoever types a name is that user. */
const login = Layer.succeed(UserLogin.UserLogin, {
  step: ({ csrf, form, url }) =>
    Effect.succeed(
      form === undefined
        ? {
          _tag: "Show",
          response: HttpServerResponse.text(`<form method="post" action="${url}"><input name="csrf" value="${csrf}">`)
        }
        : { _tag: "LoggedIn", user: { subject: form.get("username")!, authenticatedAt: 0 } }
    ),
  asksConsentFirst: false,
  isRemembered: true
})

/** With a login, and a consent that is asked for. */
const surroundings = (): world.Surroundings => {
  const store = OAuthStore.layerMemory()
  return { store, login, consent: Consent.layer().pipe(Layer.provide([store, Digest.layerWebCrypto])) }
}

/** What is in the form of a page. */
const formOf = ({ text }: world.Answer) => ({
  action: /<form method="post" action="([^"]+)"/u.exec(text)![1]!,
  csrf: /name="csrf" value="([^"]+)"/u.exec(text)![1]!
})

const post = ({ send }: world.Caller, page: world.Answer, fields: Readonly<Record<string, string>>) => {
  const { action, csrf } = formOf(page)
  return send(action, { form: { csrf, ...fields } })
}

/** Where a page leads on to by itself. */
const leadsTo = ({ headers }: world.Answer): string | undefined =>
  /^0;url=(.*)$/u.exec(headers.get("refresh") ?? "")?.[1]

describe("a browser of several people", () => {
  it.effect("the next one does not go back and say yes for somebody who has logged out", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const consent = yield* post(browser, yield* browser.send(world.authorizePath()), { username: "anna" })
      assert.include(consent.text, "anna")
      // Anna has logged out, and Bert has logged in, in another tab.
      yield* post(browser, yield* browser.send(world.authorizePath({ prompt: "login" })), { username: "bert" })
      const refused = yield* post(browser, consent, { decision: "allow" })
      assert.strictEqual(refused.status, 400)
      assert.isUndefined(leadsTo(refused))
    }).pipe((test) => world.withServer(test, {}, surroundings())))

  it.effect("who has logged in anew in another tab goes on in the first", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const consent = yield* post(browser, yield* browser.send(world.authorizePath()), { username: "anna" })
      yield* post(browser, yield* browser.send(world.authorizePath({ prompt: "login" })), { username: "anna" })
      assert.include(leadsTo(yield* post(browser, consent, { decision: "allow" })), "code=")
    }).pipe((test) => world.withServer(test, {}, surroundings())))
})

it.effect("a login that is posted twice at one moment goes on", () =>
  Effect.gen(function*() {
    const browser = yield* world.caller
    const page = yield* browser.send(world.authorizePath())
    const answers = yield* Effect.all(
      [post(browser, page, { username: "anna" }), post(browser, page, { username: "anna" })],
      { concurrency: 2 }
    )
    const loser = answers.find((answer) => leadsTo(answer) !== undefined)!
    const consent = yield* browser.send(leadsTo(loser)!)
    assert.include(leadsTo(yield* post(browser, consent, { decision: "allow" })), "code=")
  }).pipe((test) => world.withServer(test, {}, surroundings())))

describe("answers that are posted at one moment", () => {
  const crowds: ReadonlyArray<readonly [what: string, decisions: ReadonlyArray<string>]> = [
    ["a yes, twice", ["allow", "allow"]],
    ["a yes, many times", Array.from({ length: 20 }, () => "allow")],
    ["a yes and a no", ["allow", "deny"]],
    ["a no and a yes", ["deny", "allow"]],
    ["a no, twice", ["deny", "deny"]]
  ]

  /** Those who find that it is allowed already go on to where it ends, and come there together. */
  const goOn = (browser: world.Caller, answers: ReadonlyArray<world.Answer>) =>
    Effect.forEach(answers, (answer) => {
      const to = leadsTo(answer)
      return to?.startsWith(`${world.issuer}/`) === true ? browser.send(to) : Effect.succeed(answer)
    }, { concurrency: "unbounded" })

  for (const [name, { needs, store: { place } }] of Object.entries(race.stores)) {
    const test = () => {
      for (const [what, decisions] of crowds) {
        it.live(`count once: ${what}, ${name}`, () =>
          Effect.gen(function*() {
            const browser = yield* world.caller
            const consent = yield* post(browser, yield* browser.send(world.authorizePath()), { username: "anna" })
            const posts = decisions.map((decision) => post(browser, consent, { decision }))
            const answers = yield* goOn(browser, yield* Effect.all(posts, { concurrency: "unbounded" }))
            const told = answers.flatMap((answer) => leadsTo(answer) ?? []).map((target) =>
              new URL(target).searchParams
            )
            for (const answer of answers) if (leadsTo(answer) === undefined) assert.strictEqual(answer.status, 400)
            const code = told[0]!.get("code")
            if (code === null) {
              return assert.deepStrictEqual([...new Set(told.map((told) => told.get("error")))], ["access_denied"])
            }
            assert.strictEqual(told.length, 1)
            assert.strictEqual((yield* browser.send("/token", world.exchange(code))).status, 200)
          }).pipe((test) =>
            Effect.scoped(
              Effect.flatMap(place, (process) => world.withServer(test, {}, { ...surroundings(), store: process() }))
            )
          ))
      }
    }
    if (needs === undefined) test()
    else needing(needs, test)
  }

  it.live("count once where both have been read before either is written", () =>
    Effect.gen(function*() {
      const codes: Array<string> = []
      const store = Layer.effect(
        OAuthStore.OAuthStore,
        Effect.map(OAuthStore.OAuthStore, (store): OAuthStore.OAuthStore["Service"] => ({
          ...store,
          takeOnce: (key, next) =>
            Effect.tap(Effect.andThen(Effect.yieldNow, store.takeOnce(key, next)), ({ _tag }) =>
              Effect.sync(() => {
                if (_tag === "Live") codes.push(...(next ?? []).map(([{ kind }]) => kind))
              }))
        }))
      ).pipe(Layer.provide(OAuthStore.layerMemory()))
      yield* Effect.gen(function*() {
        const browser = yield* world.caller
        const consent = yield* post(browser, yield* browser.send(world.authorizePath()), { username: "anna" })
        yield* goOn(
          browser,
          yield* Effect.all([
            post(browser, consent, { decision: "allow" }),
            post(browser, consent, { decision: "allow" })
          ], {
            concurrency: 2
          })
        )
        assert.deepStrictEqual(codes, ["grant", "code"])
      }).pipe((test) => world.withServer(test, {}, { ...surroundings(), store }))
    }))
})

describe("consent that is remembered", () => {
  const program: Client.Options = {
    id: "program",
    redirectUris: ["http://127.0.0.1/callback", "com.acme.notes:/callback"]
  }
  const clients = [world.app, program, { ...program, id: "with-secret", secret: Redacted.make(world.secret) }]

  for (
    const [client_id, redirect_uri, isAsked] of [
      ["app", world.redirectUri, false],
      ["with-secret", "http://127.0.0.1:4711/callback", false],
      ["program", "http://127.0.0.1:4711/callback", true],
      ["program", "com.acme.notes:/callback", true]
    ] as const
  ) {
    it.effect(`is ${isAsked ? "not" : "enough"} for ${client_id} at ${redirect_uri}`, () =>
      Effect.gen(function*() {
        const browser = yield* world.caller
        const path = world.authorizePath({ client_id, redirect_uri })
        const consent = yield* post(browser, yield* browser.send(path), { username: "anna" })
        assert.include(leadsTo(yield* post(browser, consent, { decision: "allow" })), "code=")
        // Another program on the user's machine, which has a port or a scheme for a moment.
        const second = yield* browser.send(path)
        assert.strictEqual(second.location?.searchParams.has("code") ?? false, !isAsked)
      }).pipe((test) => world.withServer(test, { clients }, surroundings())))
  }
})

describe("a password", () => {
  it.effect("is still being hashed when whoever sent it has gone, and keeps its place", () =>
    Effect.gen(function*() {
      const [done, started] = [Latch.makeUnsafe(), Latch.makeUnsafe()]
      let [running, most, isReady] = [0, 0, false]
      const tag = Effect.succeed(new Uint8Array(32))
      // As Node has it: what has begun cannot be stopped.
      const derive = Effect.callback<void>((resume) => {
        most = Math.max(most, ++running)
        started.openUnsafe()
        Effect.runFork(Effect.andThen(
          done.await,
          Effect.sync(() => {
            running--
            resume(Effect.void)
          })
        ))
      })
      const kdf = Layer.succeed(Kdf.Kdf, { derive: () => isReady ? Effect.andThen(derive, tag) : tag } as never)
      const { verify } = yield* Effect.provide(
        PasswordHash.PasswordHash,
        PasswordHash.layer({ concurrency: 1 }).pipe(Layer.provide([kdf, SecureRandom.layerWebCrypto]))
      )
      isReady = true
      for (let index = 0; index < 5; index++) {
        const fiber = yield* Effect.forkChild(verify(Redacted.make("guess"), undefined), { startImmediately: true })
        yield* started.await
        yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      }
      assert.strictEqual(most, 1)
      yield* done.open
    }))
})

for (const grant of ["Infinity", 0, "-1 minute"] as const) {
  it.effect(`a grant that lasts ${grant} is found out before its first token`, () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(world.withServer(Effect.void, { lifetimes: { grant } }))
      assert.strictEqual(error._tag === "InvalidOption" ? error.option : error._tag, "lifetimes.grant")
    }))
}

describe("a form of another site", () => {
  const elsewhere: ReadonlyArray<Readonly<Record<string, string>>> = [
    { "sec-fetch-site": "cross-site", origin: "https://app.example" },
    { origin: "https://app.example" },
    { origin: "null" }
  ]

  /** A browser leaves out cookies of ours in such a form. */
  const submit = (browser: world.Caller, path: string, own: Readonly<Record<string, string>> = elsewhere[0]!) =>
    browser.send("/authorize", { form: new URL(path, world.issuer).searchParams, headers: { ...own, cookie: "" } })

  for (const headers of elsewhere) {
    it.effect(`does not log out whoever is logged in, nor end what they do in another tab: ${Object.entries(headers)}`, () =>
      Effect.gen(function*() {
        const browser = yield* world.caller
        const consent = yield* post(browser, yield* browser.send(world.authorizePath()), { username: "anna" })
        const cookies = new Map(browser.cookies)
        const sent = yield* submit(browser, world.authorizePath({ prompt: "consent", nonce: "ü &=+" }), headers)
        assert.strictEqual(sent.status, 303)
        assert.deepStrictEqual(new Map(browser.cookies), cookies)
        const again = yield* browser.send(sent.location!.href)
        assert.include(again.text, "Allow access?")
        for (const page of [again, consent]) {
          const { searchParams } = new URL(leadsTo(yield* post(browser, page, { decision: "allow" }))!)
          assert.deepStrictEqual([...searchParams.keys()], ["code", "state", "iss"])
          assert.strictEqual(searchParams.get("state"), "xyz")
        }
      }).pipe((test) => world.withServer(test, {}, surroundings())))
  }

  it.effect("is asked again as it was", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const path = world.authorizePath({ login_hint: "ü &=+#", anything: "else" })
      const { location } = yield* submit(browser, path)
      assert.deepStrictEqual(
        [location!.pathname, ...location!.searchParams],
        ["/authorize", ...new URL(path, world.issuer).searchParams]
      )
    }).pipe((test) => world.withServer(test, {}, surroundings())))

  it.effect("may bring a request that was pushed, which is used by the browser, and not by the form", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const { json } = yield* browser.send("/par", { form: new URL(world.authorizePath(), world.issuer).searchParams })
      const sent = yield* submit(browser, `/authorize?client_id=app&request_uri=${json.request_uri}`)
      const consent = yield* post(browser, yield* browser.send(sent.location!.href), { username: "anna" })
      assert.include(leadsTo(yield* post(browser, consent, { decision: "allow" })), "code=")
      assert.strictEqual((yield* browser.send(sent.location!.href)).status, 400)
    }).pipe((test) => world.withServer(test, {}, surroundings())))

  it.effect("may be longer than an address", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      yield* post(browser, yield* browser.send(world.authorizePath()), { username: "anna" })
      const cookies = new Map(browser.cookies)
      const own = { state: "ü".repeat(8000), prompt: "consent" }
      const sent = yield* submit(browser, world.authorizePath(own))
      assert.deepStrictEqual([sent.status, new Map(browser.cookies)], [303, cookies])
      assert.isBelow(sent.location!.href.length, 500)
      const consent = yield* browser.send(sent.location!.href)
      const { searchParams } = new URL(leadsTo(yield* post(browser, consent, { decision: "allow" }))!)
      assert.strictEqual(searchParams.get("state"), "ü".repeat(8000))
      assert.isTrue(searchParams.has("code"))
      // What is wrong is told as ever.
      const wrong = yield* submit(browser, world.authorizePath({ ...own, scope: "nothing" }))
      assert.strictEqual(wrong.location?.searchParams.get("error"), "invalid_scope")
    }).pipe((test) => world.withServer(test, {}, surroundings())))

  it.effect("is told at once what it has twice", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const { location } = yield* submit(browser, `${world.authorizePath()}&scope=notes:read`)
      assert.strictEqual(location?.searchParams.get("error"), "invalid_request")
    }).pipe((test) => world.withServer(test, {}, surroundings())))

  it.effect("is taken as it is where it is of this site, or has the browser's cookie", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const form = new URL(world.authorizePath(), world.issuer).searchParams
      for (
        const headers of [{}, { "sec-fetch-site": "same-site", origin: "https://app.example" }, {
          origin: world.issuer
        }]
      ) {
        const fresh = yield* world.caller
        assert.strictEqual((yield* fresh.send("/authorize", { form, headers })).status, 200)
      }
      yield* browser.send(world.authorizePath())
      assert.strictEqual((yield* browser.send("/authorize", { form, headers: elsewhere[0]! })).status, 200)
    }).pipe((test) => world.withServer(test, {}, surroundings())))
})

/** Somebody whom nobody has looked at. */
const registered = (browser: world.Caller, redirect_uri: string) =>
  Effect.map(
    browser.send("/register", { json: { redirect_uris: [redirect_uri], token_endpoint_auth_method: "none" } }),
    ({ json }) => ({ client_id: json.client_id as string, redirect_uri })
  )

describe("a no", () => {
  it.effect("does not lead to the site of a stranger", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const evil = yield* registered(browser, "https://evil.example/login")
      const consent = yield* post(browser, yield* browser.send(world.authorizePath(evil)), { username: "anna" })
      const page = yield* post(browser, consent, { decision: "deny" })
      assert.strictEqual(page.status, 200)
      assert.isUndefined(page.location)
      assert.isUndefined(leadsTo(page))
      assert.include(page.text, "<h1>Not connected</h1>")
      assert.include(page.text, "<bdi>evil.<wbr>example</bdi>")
      assert.match(page.text, /<a href="https:\/\/evil\.example\/login\?error=access_denied&[^"]*state=xyz/u)
    }).pipe((test) => world.withServer(test, { registration: true }, surroundings())))

  it.effect("nor does anything else that goes wrong on the way", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const evil = yield* registered(browser, "https://evil.example/login")
      const page = yield* post(browser, yield* browser.send(world.authorizePath(evil)), {})
      assert.strictEqual(page.status, 400)
      assert.isUndefined(leadsTo(page))
      assert.include(page.text, "<h1>That did not work</h1>")
      assert.match(page.text, /<a href="https:\/\/evil\.example\/login\?error=server_error/u)
    }).pipe((test) =>
      world.withServer(test, { registration: true }, {
        ...surroundings(),
        login: Layer.effect(
          UserLogin.UserLogin,
          Effect.map(UserLogin.UserLogin, (inner): UserLogin.UserLogin["Service"] => ({
            ...inner,
            step: (attempt) =>
              attempt.form === undefined ? inner.step(attempt) : Effect.fail(Refusal.make("server_error", "It is out."))
          }))
        ).pipe(Layer.provide(login))
      })
    ))

  it.effect("is told to a program on the user's machine, and to a client that is known", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      for (const own of [yield* registered(browser, "http://127.0.0.1/callback"), {}]) {
        const page = yield* browser.send(world.authorizePath({ ...own, prompt: "login consent" }))
        const consent = yield* post(browser, page, { username: "anna" })
        const target = leadsTo(yield* post(browser, consent, { decision: "deny" }))
        assert.strictEqual(new URL(target!).searchParams.get("error"), "access_denied")
      }
    }).pipe((test) => world.withServer(test, { registration: true }, surroundings())))
})

describe("a request that is wrong", () => {
  for (const wrong of [{ scope: "nothing" }, { prompt: "none" }, { response_type: "token" }]) {
    it.effect(`does not lead from here to the site of a stranger: ${JSON.stringify(wrong)}`, () =>
      Effect.gen(function*() {
        const browser = yield* world.caller
        const evil = yield* registered(browser, "https://evil.example/login")
        const page = yield* browser.send(world.authorizePath({ ...evil, ...wrong }))
        assert.strictEqual(page.status, 400)
        assert.isUndefined(page.location)
        assert.isUndefined(leadsTo(page))
        // Whoever goes there has read where it leads.
        assert.include(page.text, "<bdi>evil.<wbr>example</bdi>")
        assert.match(page.text, /<a href="https:\/\/evil\.example\/login\?error=/u)
      }).pipe((test) => world.withServer(test, { registration: true }, surroundings())))
  }

  it.effect("is told to a program on the user's machine, and to a client that is known", () =>
    Effect.gen(function*() {
      const browser = yield* world.caller
      const local = yield* registered(browser, "http://127.0.0.1/callback")
      for (const own of [local, {}]) {
        const { location } = yield* browser.send(world.authorizePath({ ...own, scope: "nothing" }))
        assert.strictEqual(location?.searchParams.get("error"), "invalid_scope")
      }
    }).pipe((test) => world.withServer(test, { registration: true }, surroundings())))
})

it.effect("a registration with a key that is nested deeply is refused, and is no defect", () =>
  Effect.gen(function*() {
    const { handle } = yield* AuthorizationServer.AuthorizationServer
    const deep = "[".repeat(20_000) + "]".repeat(20_000)
    const request = new Request(`${world.issuer}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"redirect_uris":["https://app.example/"],"jwks":{"keys":[{"kty":"EC","x5c":${deep}}]}}`
    })
    const { status } = yield* handle(HttpServerRequest.fromWeb(request))
    assert.strictEqual(status, 400)
  }).pipe((test) => world.withServer(test, { registration: true })))
