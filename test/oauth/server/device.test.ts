/** Devices whose user types a code elsewhere (RFC 8628): row T10 of what an authorization server has to check. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as Refusal from "fastmcp-effect/oauth/server/Refusal"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import * as jose from "jose"
import * as oauth from "oauth4webapi"
import { asking, begin, decide, formOf, grantType, tv, type } from "./devices.ts"
import { makeKey, prove } from "./proofs.ts"
import * as world from "./world.ts"

const radio: Client.Options = { id: "radio", grantTypes: [grantType], isFirstParty: true }

const clients = [...world.options.clients!, tv, radio]

const withServer = <A, E>(
  test: Parameters<typeof world.withServer<A, E>>[0],
  own: Partial<AuthorizationServer.Options> = {},
  surroundings?: world.Surroundings
) => world.withServer(test, { clients, ...own }, surroundings)

const poll = ({ send }: world.Caller, code: string, own: Readonly<Record<string, string>> = {}, headers = {}) =>
  send("/token", { ...asking(code, own), headers })

/** The codes of a device that its user has let in. */
const allowed = Effect.gen(function*() {
  const device = yield* world.caller
  const { json } = yield* begin(device)
  const browser = yield* world.caller
  const page = yield* type(browser, json.user_code)
  assert.include((yield* decide(browser, page, "allow")).text, "Connected")
  return { device, browser, code: json.device_code as string, userCode: json.user_code as string }
})

const assertRefused = ({ json, status }: world.Answer, error: string) =>
  assert.deepStrictEqual([status, json.error], [400, error])

const isLive = (token: string) =>
  Effect.map(
    Effect.flatMap(AuthorizationServer.AuthorizationServer, ({ check }) => check(Redacted.make(token))),
    (claims) => claims !== undefined
  )

describe("T10: a device", () => {
  it.effect("gets in when its user has typed its code, logged in and said yes", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { headers, json, status } = yield* begin(device)
      assert.strictEqual(status, 200)
      assert.strictEqual(headers.get("cache-control"), "no-store")
      assert.deepInclude(json, { verification_uri: `${world.issuer}/device`, expires_in: 600, interval: 5 })
      assert.strictEqual(json.verification_uri_complete, `${world.issuer}/device?user_code=${json.user_code}`)
      assertRefused(yield* poll(device, json.device_code), "authorization_pending")
      const browser = yield* world.caller
      const page = yield* type(browser, json.user_code)
      assert.strictEqual(page.status, 200)
      assert.include(page.text, `the device that shows ${json.user_code}`)
      assert.include(page.text, "TV")
      yield* decide(browser, page, "allow")
      const answer = yield* poll(device, json.device_code)
      assert.strictEqual(answer.status, 200)
      const claims = jose.decodeJwt(answer.json.access_token)
      assert.deepInclude(claims, { sub: "anna", client_id: "tv", aud: world.resource, scope: "notes:read" })
      const next = yield* device.send("/token", {
        form: { grant_type: "refresh_token", client_id: "tv", refresh_token: answer.json.refresh_token }
      })
      assert.strictEqual(next.status, 200)
    })))

  it.effect("is told when its user says no, and that is final", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { json } = yield* begin(device)
      const browser = yield* world.caller
      const page = yield* type(browser, json.user_code)
      assert.include((yield* decide(browser, page, "deny")).text, "Not connected")
      assertRefused(yield* poll(device, json.device_code), "access_denied")
      assertRefused(yield* poll(device, json.device_code), "access_denied")
      assert.strictEqual((yield* type(browser, json.user_code)).status, 400)
    })))

  it.effect("is told when the login says no", () =>
    withServer(
      Effect.gen(function*() {
        const device = yield* world.caller
        const { json } = yield* begin(device)
        yield* type(yield* world.caller, json.user_code)
        assertRefused(yield* poll(device, json.device_code), "access_denied")
      }),
      {},
      {
        login: Layer.succeed(UserLogin.UserLogin, {
          step: () => Effect.fail(Refusal.make("access_denied", "Nobody gets in today.")),
          asksConsentFirst: false,
          isRemembered: true
        })
      }
    ))

  it.effect("may have its token bound to a key", () =>
    withServer(Effect.gen(function*() {
      const { code, device } = yield* allowed
      const key = yield* Effect.promise(() => makeKey())
      const { json } = yield* poll(device, code, {}, { dpop: yield* prove(key) })
      assert.strictEqual(json.token_type, "DPoP")
    })))

  it.effect("is served as oauth4webapi expects it", () =>
    withServer(Effect.gen(function*() {
      const run = Effect.runPromiseWith(yield* Effect.context<AuthorizationServer.AuthorizationServer>())
      const device = yield* world.caller
      const options = {
        [oauth.customFetch]: async (
          url: string,
          { body, headers, method }: oauth.CustomFetchOptions<string, URLSearchParams | undefined>
        ) => {
          const answer = await run(device.send(url, {
            method,
            headers,
            ...(body === undefined ? undefined : { form: body })
          }))
          return new Response(answer.text, { status: answer.status, headers: answer.headers })
        }
      }
      const server = yield* Effect.promise(async () =>
        oauth.processDiscoveryResponse(
          new URL(world.issuer),
          await oauth.discoveryRequest(new URL(world.issuer), { algorithm: "oauth2", ...options })
        )
      )
      const client = { client_id: "tv" }
      const codes = yield* Effect.promise(async () =>
        oauth.processDeviceAuthorizationResponse(
          server,
          client,
          await oauth.deviceAuthorizationRequest(server, client, oauth.None(), { scope: "notes:read" }, options)
        )
      )
      const browser = yield* world.caller
      yield* decide(browser, yield* type(browser, codes.user_code), "allow")
      const tokens = yield* Effect.promise(async () =>
        oauth.processDeviceCodeResponse(
          server,
          client,
          await oauth.deviceCodeGrantRequest(server, client, oauth.None(), codes.device_code, options)
        )
      )
      assert.strictEqual(tokens.token_type, "bearer")
    })))

  it.effect("is not served where that is switched off, and the metadata does not say so", () =>
    Effect.gen(function*() {
      yield* withServer(
        Effect.gen(function*() {
          const caller = yield* world.caller
          assert.deepStrictEqual([(yield* begin(caller)).status, (yield* caller.send("/device")).status], [404, 404])
          assertRefused(yield* poll(caller, "code"), "unsupported_grant_type")
          const { json } = yield* caller.send("/.well-known/oauth-authorization-server")
          assert.notProperty(json, "device_authorization_endpoint")
          assert.notInclude(json.grant_types_supported, grantType)
        }),
        { deviceFlow: false }
      )
      yield* withServer(Effect.gen(function*() {
        const { json } = yield* (yield* world.caller).send("/.well-known/oauth-authorization-server")
        assert.strictEqual(json.device_authorization_endpoint, `${world.issuer}/device_authorization`)
        assert.include(json.grant_types_supported, grantType)
      }))
    }))
})

describe("T10: a device is refused", () => {
  it.effect("whose client may not use this, or is none, or asks for what there is not", () =>
    withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      assertRefused(yield* begin(caller, { client_id: "app" }), "unauthorized_client")
      assert.strictEqual((yield* begin(caller, { client_id: "nobody" })).json.error, "invalid_client")
      assertRefused(yield* begin(caller, { scope: "admin" }), "invalid_scope")
      assertRefused(yield* begin(caller, { resource: "https://other.example" }), "invalid_target")
      const { code, device } = yield* allowed
      assertRefused(yield* poll(device, code, { client_id: "app" }), "unauthorized_client")
    })))

  it.effect("that has the code of another client, which is not lost by it", () =>
    withServer(Effect.gen(function*() {
      const { code, device } = yield* allowed
      assertRefused(yield* poll(device, code, { client_id: "radio" }), "invalid_grant")
      assert.strictEqual((yield* poll(device, code)).status, 200)
    })))

  it.effect("that has no code, or one that was never given out", () =>
    withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      assertRefused(yield* poll(caller, ""), "invalid_request")
      assertRefused(yield* poll(caller, "made up"), "invalid_grant")
    })))

  it.effect("whose code has expired, whether its user has said yes or nothing", () =>
    withServer(Effect.gen(function*() {
      const { code, device } = yield* allowed
      const { json } = yield* begin(device)
      yield* TestClock.adjust("599 seconds")
      assertRefused(yield* poll(device, json.device_code), "authorization_pending")
      yield* TestClock.adjust("1 second")
      assertRefused(yield* poll(device, json.device_code), "expired_token")
      assertRefused(yield* poll(device, code), "expired_token")
      const browser = yield* world.caller
      assert.strictEqual((yield* type(browser, json.user_code)).status, 400)
      yield* TestClock.adjust("10 minutes")
      assertRefused(yield* poll(device, json.device_code), "invalid_grant")
    })))

  it.effect("whose user is too slow with the answer", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { json } = yield* begin(device)
      const browser = yield* world.caller
      const page = yield* type(browser, json.user_code)
      yield* TestClock.adjust("10 minutes")
      const late = yield* decide(browser, page, "allow")
      assert.strictEqual(late.status, 400)
      assertRefused(yield* poll(device, json.device_code), "expired_token")
    })))

  it.effect("that does not wait between two polls: slow_down, by five seconds more each time", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { json } = yield* begin(device)
      const after = (wait: number, error: string) =>
        Effect.gen(function*() {
          yield* TestClock.adjust(wait)
          assertRefused(yield* poll(device, json.device_code), error)
        })
      yield* after(0, "authorization_pending")
      yield* after(5000, "authorization_pending")
      yield* after(4999, "slow_down")
      yield* after(9999, "slow_down")
      yield* after(14_999, "slow_down")
      yield* after(20_000, "authorization_pending")
      yield* after(19_999, "slow_down")
      yield* after(25_000, "authorization_pending")
    })))

  it.effect("that asks for more codes than anybody needs, from one address", () =>
    withServer(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const from = (address: string) =>
          caller.send("/device_authorization", {
            form: { client_id: "tv" },
            headers: { "x-address": address }
          })
        for (let i = 0; i < 60; i++) assert.strictEqual((yield* from("a")).status, 200)
        assert.strictEqual((yield* from("a")).status, 429)
        assert.strictEqual((yield* from("b")).status, 200)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* from("a")).status, 200)
      }),
      { clientAddress: ({ headers }) => headers["x-address"] }
    ))
})

describe("T10: a device code is used once", () => {
  it.effect("and a second time ends all that came of it", () =>
    withServer(Effect.gen(function*() {
      const { code, device } = yield* allowed
      const { json } = yield* poll(device, code)
      assert.isTrue(yield* isLive(json.access_token))
      assertRefused(yield* poll(device, code), "invalid_grant")
      assert.isFalse(yield* isLive(json.access_token))
      const next = yield* device.send("/token", {
        form: { grant_type: "refresh_token", client_id: "tv", refresh_token: json.refresh_token }
      })
      assertRefused(next, "invalid_grant")
    })))

  it.effect("by one of 50 polls at the same moment, and no token is live after that", () =>
    withServer(Effect.gen(function*() {
      const { code, device } = yield* allowed
      const answers = yield* Effect.all(Array.from({ length: 50 }, () => poll(device, code)), {
        concurrency: "unbounded"
      })
      const got = answers.filter(({ status }) => status === 200)
      assert.strictEqual(got.length, 1)
      assert.isTrue(answers.every(({ json, status }) => status === 200 || json.error === "invalid_grant"))
      assert.isFalse(yield* isLive(got[0]!.json.access_token))
    })))
})

describe("T10: what a user types", () => {
  it.effect("has 8 letters of 20, which is 34 bits, and each is as likely as any other", () =>
    withServer(
      Effect.gen(function*() {
        const device = yield* world.caller
        const seen = new Map<string, number>()
        for (let i = 0; i < 500; i++) {
          const { json } = yield* begin(device)
          assert.match(json.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/u)
          for (const letter of json.user_code.replace("-", "")) seen.set(letter, (seen.get(letter) ?? 0) + 1)
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual(seen.size, 20)
        // 4,000 letters, 200 of each on average: 100 and 300 are seven deviations away.
        for (const count of seen.values()) assert.isTrue(count > 100 && count < 300)
      }),
      { lifetimes: { deviceCode: "1 minute" } }
    ))

  it.effect("is taken in small letters, without a hyphen, with another and with spaces", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { json } = yield* begin(device)
      const code: string = json.user_code
      const browser = yield* world.caller
      for (
        const typed of [
          code.toLowerCase(),
          code.replace("-", ""),
          code.replace("-", "\u2013"),
          ` ${code.replace("-", " ")} `
        ]
      ) {
        assert.include((yield* type(browser, typed)).text, "Allow access?", typed)
      }
    })))

  it.effect("is only shown when it was in the address: nothing is decided by looking", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { json } = yield* begin(device, { client_id: "radio" })
      const browser = yield* world.caller
      const page = yield* browser.send(json.verification_uri_complete)
      assert.include(page.text, `value="${json.user_code}"`)
      assert.include(page.text, "Go on only if this is the code that your device shows.")
      assert.notMatch(page.text, /<script|autosubmit|http-equiv/iu)
      assert.strictEqual(page.headers.get("x-frame-options"), "DENY")
      assertRefused(yield* poll(device, json.device_code, { client_id: "radio" }), "authorization_pending")
      const posted = yield* browser.send(formOf(page).action, {
        form: { csrf: formOf(page).csrf, user_code: json.user_code }
      })
      // Also of a client that is the company's own, by somebody who is logged in, with nobody else to be asked.
      assert.include(posted.text, "Allow access?")
      const nonsense = yield* browser.send("/device?user_code=%3Cb%3E")
      assert.include(nonsense.text, "name=\"user_code\" value=\"\"")
    })))

  it.effect("is nothing from a form of another browser, or of none", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { json } = yield* begin(device)
      const { csrf } = formOf(yield* (yield* world.caller).send("/device"))
      const form = { csrf, user_code: json.user_code }
      const browser = yield* world.caller
      assert.strictEqual((yield* browser.send("/device", { form })).status, 400)
      yield* browser.send("/device")
      assert.strictEqual((yield* browser.send("/device", { form })).status, 400)
      assert.strictEqual((yield* browser.send("/device", { form: { user_code: json.user_code } })).status, 400)
    })))

  it.effect("cannot be guessed from one address for long", () =>
    withServer(
      Effect.gen(function*() {
        const device = yield* world.caller
        const { json } = yield* begin(device)
        const browser = yield* world.caller
        const { csrf } = formOf(yield* browser.send("/device"))
        const guess = (address: string, userCode: string) =>
          browser.send("/device", {
            form: { csrf, user_code: userCode },
            headers: { "x-address": address }
          })
        for (let i = 0; i < 20; i++) assert.strictEqual((yield* guess("a", "BBBB-BBBB")).status, 400)
        const locked = yield* guess("a", json.user_code)
        assert.strictEqual(locked.status, 429)
        assert.strictEqual((yield* guess("b", json.user_code)).status, 200)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* guess("a", json.user_code)).status, 200)
      }),
      { clientAddress: ({ headers }) => headers["x-address"] }
    ))

  it.effect("is void when it was typed too often", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { json } = yield* begin(device)
      const browser = yield* world.caller
      for (let i = 0; i < 10; i++) assert.strictEqual((yield* type(browser, json.user_code)).status, 200)
      assert.strictEqual((yield* type(browser, json.user_code)).status, 400)
      assertRefused(yield* poll(device, json.device_code), "access_denied")
    })))

  it.effect("lets in the device of the first who says yes, and of nobody after", () =>
    withServer(Effect.gen(function*() {
      const device = yield* world.caller
      const { json } = yield* begin(device)
      const [first, second] = [yield* world.caller, yield* world.caller]
      const pages = [yield* type(first, json.user_code), yield* type(second, json.user_code)] as const
      const said = yield* Effect.all([decide(first, pages[0], "allow"), decide(second, pages[1], "allow")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(said.map(({ status }) => status).toSorted(), [200, 400])
      assert.strictEqual((yield* poll(device, json.device_code)).status, 200)
      assert.strictEqual((yield* type(first, json.user_code)).status, 400)
    })))
})
