/**
 * Rows R1 to R7 of what an authorization server has to check: registration, documents, keys, revocation, introspection.
 * R8 and R9 are those of OpenID Connect, in test/oauth/oidc.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import type * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as jose from "jose"
import { randomUUID } from "node:crypto"
import { makeKey } from "./proofs.ts"
import * as steps from "./steps.ts"
import * as world from "./world.ts"

const { assertPage, assertRefused } = steps

const clients = world.options.clients!

const basic = steps.basic("backend")

const credentials = { grant_type: "client_credentials" }

/** What is to be fetched, and what was. */
const internet = (
  answer: (
    url: string
  ) => { readonly status?: number; readonly text?: string; readonly cacheControl?: string } | undefined
) => {
  const fetched: Array<string> = []
  const fetch: SafeFetch.SafeFetch["Service"]["fetch"] = (request) =>
    Effect.suspend(() => {
      fetched.push(request.url)
      const found = answer(request.url)
      if (found === undefined) return world.unreachable(request)
      const { cacheControl, status = 200, text = "" } = found
      const headers = Headers.fromInput(cacheControl === undefined ? {} : { "cache-control": cacheControl })
      return Effect.succeed({ status, headers, text })
    })
  return { fetch, fetched }
}

/** What a network answers, behind the rules of `SafeFetch`. */
const behindRules = (answer: (url: string) => Response | Promise<Response>) => {
  const asked: Array<string> = []
  const client = HttpClient.make((request, url) => {
    asked.push(url.href)
    return Effect.map(
      Effect.promise(async () => answer(url.href)),
      (response) => HttpClientResponse.fromWeb(request, response)
    )
  })
  const fetch = Effect.map(
    Effect.provide(
      SafeFetch.SafeFetch,
      SafeFetch.layer().pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
    ),
    ({ fetch }) => fetch
  )
  return { asked, fetch }
}

describe("R1: a client registers itself", () => {
  const metadata = { client_name: "Stranger", redirect_uris: [world.redirectUri] }

  const register = ({ send }: world.Caller, own: Readonly<Record<string, unknown>> = {}, headers = {}) =>
    send("/register", { json: { ...metadata, ...own }, headers })

  const withRegistration = <A, E>(
    test: Parameters<typeof world.withServer<A, E>>[0],
    own: Partial<AuthorizationServer.Options> = {}
  ) => world.withServer(test, { registration: true, ...own })

  it.effect("R1: nowhere, unless that is switched on", () =>
    world.withServer(Effect.gen(function*() {
      const caller = yield* world.caller
      assert.strictEqual((yield* register(caller)).status, 404)
      const { json } = yield* caller.send("/.well-known/oauth-authorization-server")
      assert.notProperty(json, "registration_endpoint")
    })))

  it.effect("R1: as what it says, and no more than that", () =>
    withRegistration(Effect.gen(function*() {
      const caller = yield* world.caller
      const { json, status } = yield* register(caller, {
        client_id: "app",
        client_secret: "mine",
        grant_types: ["authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        is_first_party: true,
        introspects: [world.resource]
      })
      assert.strictEqual(status, 201)
      assert.notInclude(["app", "mine"], json.client_id)
      assert.notStrictEqual(json.client_secret, "mine")
      assert.deepStrictEqual(json.grant_types, ["authorization_code"])
      const own = steps.basic(json.client_id, json.client_secret)
      assertRefused(yield* steps.token(caller, credentials, own), "unauthorized_client")
      const { access_token } = yield* steps.login(caller)
      const asked = yield* caller.send("/introspect", { form: { token: access_token }, headers: own })
      assert.deepStrictEqual(asked.json, { active: false })
    })))

  it.effect("R1: 20 times an hour from one network", () =>
    withRegistration(
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (let i = 0; i < 20; i++) {
          assert.strictEqual((yield* register(caller, {}, { "x-from": `2001:db8:0:1::${i}` })).status, 201)
        }
        const refused = yield* register(caller, {}, { "x-from": "2001:db8:0:1:2::" })
        assertRefused(refused, "temporarily_unavailable", 429)
        assert.strictEqual(refused.headers.get("retry-after"), "3600")
        assert.strictEqual((yield* register(caller, {}, { "x-from": "2001:db8:0:2::" })).status, 201)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* register(caller, {}, { "x-from": "2001:db8:0:1::1" })).status, 201)
      }),
      { clientAddress: ({ headers }) => headers["x-from"] }
    ))

  it.effect("R1: for 90 days", () =>
    withRegistration(Effect.gen(function*() {
      const caller = yield* world.caller
      const { json } = yield* register(caller)
      assert.strictEqual(json.client_secret_expires_at, 90 * 86_400)
      const own = steps.basic(json.client_id, json.client_secret)
      yield* TestClock.adjust("7775999 seconds")
      assertRefused(yield* steps.token(caller, credentials, own), "unauthorized_client")
      assert.isDefined((yield* caller.send(world.authorizePath({ client_id: json.client_id }))).location)
      yield* TestClock.adjust("1 second")
      assertRefused(yield* steps.token(caller, credentials, own), "invalid_client", 401)
      assertPage(yield* caller.send(world.authorizePath({ client_id: json.client_id })))
    })))

  it.effect("R1: with so much, and in JSON", () =>
    withRegistration(
      Effect.gen(function*() {
        const caller = yield* world.caller
        const wrong: ReadonlyArray<readonly [own: Readonly<Record<string, unknown>>, error: string]> = [
          [{ client_name: "x".repeat(2001) }, "invalid_client_metadata"],
          [{ scope: "x".repeat(2001) }, "invalid_client_metadata"],
          [{ client_uri: `https://a.example/${"x".repeat(2000)}` }, "invalid_client_metadata"],
          [{ redirect_uris: [`https://a.example/${"x".repeat(2000)}`] }, "invalid_redirect_uri"],
          [{ redirect_uris: Array.from({ length: 21 }, (_, i) => `https://a.example/${i}`) }, "invalid_redirect_uri"],
          [{ redirect_uris: [] }, "invalid_redirect_uri"],
          [{ redirect_uris: undefined }, "invalid_redirect_uri"],
          [{ redirect_uris: "https://a.example/" }, "invalid_client_metadata"],
          [{ contacts: ["x".repeat(64 << 10)] }, "invalid_request"]
        ]
        for (const [own, error] of wrong) assertRefused(yield* register(caller, own), error)
        assertRefused(yield* caller.send("/register", { form: {} }), "invalid_client_metadata")
        assertRefused(yield* caller.send("/register", { json: [] }), "invalid_client_metadata")
        const broken = yield* caller.send("/register", {
          method: "POST",
          headers: { "content-type": "application/json" }
        })
        assertRefused(broken, "invalid_client_metadata")
      }),
      { registration: { mostAnHour: 100 } }
    ))

  for (
    const uri of [
      "javascript:alert(1)",
      "JavaScript:alert(1)//https://a.example",
      "data:text/html,hello",
      "file:///etc/passwd",
      "vbscript:x",
      "blob:https://a.example/x",
      "about:blank",
      "http://a.example/",
      "http://127.0.0.1.a.example/",
      "http://10.0.0.1/",
      "ws://a.example/",
      "https://user:password@a.example/",
      "https://a.example/#fragment",
      "https://*.a.example/",
      "/callback",
      "app:/callback"
    ]
  ) {
    it.effect(`R1: not with ${uri}`, () =>
      withRegistration(Effect.gen(function*() {
        const caller = yield* world.caller
        const answer = yield* register(caller, { redirect_uris: [world.redirectUri, uri] })
        assertRefused(answer, "invalid_redirect_uri")
        assertRefused(yield* register(caller, { post_logout_redirect_uris: [uri] }), "invalid_redirect_uri")
      })))
  }

  it.effect("R1: on the web with https, and natively with what comes back to the machine", () =>
    withRegistration(Effect.gen(function*() {
      const caller = yield* world.caller
      const status = (application_type: string | undefined, uri: string) =>
        Effect.map(register(caller, { application_type, redirect_uris: [uri] }), ({ status }) => status)
      for (const uri of ["http://127.0.0.1/", "http://[::1]:1/", "http://localhost/", "com.acme.app:/callback"]) {
        assert.strictEqual(yield* status("native", uri), 201)
        assert.strictEqual(yield* status("web", uri), 400)
      }
      assert.strictEqual(yield* status("web", "https://a.example/"), 201)
      assert.strictEqual(yield* status("other", "https://a.example/"), 400)
    })))

  it.effect("R1: with keys that are public, and to be had from elsewhere by https alone", () =>
    withRegistration(Effect.gen(function*() {
      const caller = yield* world.caller
      const key = yield* Effect.promise(() => makeKey())
      const secret = yield* Effect.promise(() => jose.exportJWK(key.privateKey))
      const how = { token_endpoint_auth_method: "private_key_jwt" }
      const wrong: ReadonlyArray<Readonly<Record<string, unknown>>> = [
        how,
        { ...how, jwks: { keys: [secret] } },
        { ...how, jwks: { keys: [{ kty: "oct", k: "c2VjcmV0" }] } },
        { ...how, jwks: { keys: "none" } },
        { ...how, jwks_uri: "http://a.example/jwks" },
        { ...how, jwks_uri: "file:///etc/passwd" },
        { ...how, jwks_uri: "https://a.example/jwks", jwks: { keys: [key.jwk] } },
        { token_endpoint_auth_method: "client_secret_jwt" },
        { response_types: ["token"] },
        { client_uri: "javascript:alert(1)" },
        { logo_uri: "data:image/png,x" }
      ]
      for (const own of wrong) assertRefused(yield* register(caller, own), "invalid_client_metadata")
      assert.strictEqual((yield* register(caller, { ...how, jwks: { keys: [key.jwk] } })).status, 201)
    })))
})

describe("R2: a client whose id is the address of its own description", () => {
  const id = "https://app.example/client.json"

  const document = (own: Readonly<Record<string, unknown>> = {}) => ({
    text: JSON.stringify({ client_id: id, client_name: "Stranger", redirect_uris: [world.redirectUri], ...own })
  })

  const isKnown = (caller: world.Caller, client_id = id) =>
    Effect.map(caller.send(world.authorizePath({ client_id })), ({ location }) => location !== undefined)

  const withInternet = <A, E>(
    { fetch }: { readonly fetch: SafeFetch.SafeFetch["Service"]["fetch"] },
    test: Parameters<typeof world.withServer<A, E>>[0],
    own: Partial<AuthorizationServer.Options> = {}
  ) => world.withServer(test, own, { fetch })

  it.effect("R2: is known by it", () => {
    const net = internet(() => document())
    return withInternet(
      net,
      Effect.gen(function*() {
        const caller = yield* world.caller
        const answer = yield* steps.redeem(caller, yield* world.code(caller, { client_id: id }), { client_id: id })
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(jose.decodeJwt(answer.json.access_token)["client_id"], id)
        assert.deepStrictEqual(net.fetched, [id])
      })
    )
  })

  for (
    const bad of [
      "http://app.example/client.json",
      "https://app.example",
      "https://app.example/",
      "https://app.example/?client.json",
      "https://user@app.example/client.json",
      "https://user:password@app.example/client.json",
      "https://app.example/client.json#",
      "https://app.example/client.json#fragment",
      "https://app.example/a/../client.json",
      "https://app.example/./client.json",
      "https://app.example/a/..",
      "https://app.example/a/..?client.json",
      "https://app.example/a/%2e%2E/client.json",
      "https://app.example/a/.%2e/client.json",
      "https://app.example\\a\\client.json",
      "https://app.example/a\\..\\client.json",
      "https://APP.example/client.json",
      "HTTPS://app.example/client.json",
      "https://app.example:443/client.json",
      "https://app.example/client\t.json",
      "https://2130706433/client.json",
      "https:///client.json",
      "https://"
    ]
  ) {
    it.effect(`R2: not by ${JSON.stringify(bad)}, which is not fetched`, () => {
      const net = internet((url) => ({ text: JSON.stringify({ client_id: url, redirect_uris: [world.redirectUri] }) }))
      return withInternet(
        net,
        Effect.gen(function*() {
          const caller = yield* world.caller
          assertPage(yield* caller.send(world.authorizePath({ client_id: bad })))
          assertRefused(yield* steps.token(caller, { ...credentials, client_id: bad }), "invalid_client", 401)
          assert.deepStrictEqual(net.fetched, [])
        })
      )
    })
  }

  const wrong: Readonly<Record<string, ReturnType<Parameters<typeof internet>[0]>>> = {
    "what is not there": undefined,
    "an error": { ...document(), status: 404 },
    "an error of the server": { ...document(), status: 500 },
    "a redirect": { ...document(), status: 302 },
    "no JSON": { text: "<html>" },
    "a list": { text: "[]" },
    "null": { text: "null" },
    "more than 10 KiB": document({ more: "x".repeat(10 << 10) }),
    "another client_id": document({ client_id: "https://app.example/other.json" }),
    "the client_id of its host": document({ client_id: "https://app.example" }),
    "no client_id": document({ client_id: undefined }),
    "a secret": document({ client_secret: "secret" }),
    "an empty secret": document({ client_secret: "" }),
    "the wish for a secret": document({ token_endpoint_auth_method: "client_secret_basic" }),
    "the wish for a secret in a form": document({ token_endpoint_auth_method: "client_secret_post" }),
    "keys that are secret": document({ jwks: { keys: [{ kty: "oct", k: "c2VjcmV0" }] } }),
    "no redirect_uris": document({ redirect_uris: undefined }),
    "a redirect URI that runs something": document({ redirect_uris: ["javascript:alert(1)"] }),
    "redirect URIs that are none": document({ redirect_uris: "https://app.example/callback" })
  }
  for (const [name, answer] of Object.entries(wrong)) {
    it.effect(`R2: not by ${name}`, () =>
      withInternet(
        internet(() => answer),
        Effect.gen(function*() {
          assertPage(yield* (yield* world.caller).send(world.authorizePath({ client_id: id })))
        })
      ))
  }

  for (
    const [cacheControl, seconds] of [
      [undefined, 30],
      ["no-store", 30],
      ["no-cache, max-age=1000", 30],
      ["max-age=0", 30],
      ["max-age=29", 30],
      ["public, max-age=100", 100],
      ["max-age=86400", 86_400],
      ["max-age=999999999", 86_400]
    ] as const
  ) {
    it.effect(`R2: is kept for ${seconds} seconds with ${cacheControl ?? "nothing said"}`, () => {
      const net = internet(() => ({ ...document(), ...(cacheControl === undefined ? undefined : { cacheControl }) }))
      return withInternet(
        net,
        Effect.gen(function*() {
          const caller = yield* world.caller
          yield* isKnown(caller)
          yield* TestClock.adjust(`${seconds * 1000 - 1} millis`)
          assert.isTrue(yield* isKnown(caller))
          assert.strictEqual(net.fetched.length, 1)
          yield* TestClock.adjust("1 millis")
          assert.isTrue(yield* isKnown(caller))
          assert.strictEqual(net.fetched.length, 2)
        })
      )
    })
  }

  it.effect("R2: what is wrong is not asked for again for half a minute, and then it is", () => {
    let isThere = false
    const net = internet(() => isThere ? document() : undefined)
    return withInternet(
      net,
      Effect.gen(function*() {
        const caller = yield* world.caller
        for (let i = 0; i < 10; i++) assert.isFalse(yield* isKnown(caller))
        isThere = true
        yield* TestClock.adjust("29999 millis")
        assert.isFalse(yield* isKnown(caller))
        assert.strictEqual(net.fetched.length, 1)
        yield* TestClock.adjust("1 millis")
        assert.isTrue(yield* isKnown(caller))
      })
    )
  })

  it.effect("R2: is fetched once for 50 who come at the same moment, and for nobody where that is switched off", () => {
    const net = internet(() => document())
    return Effect.gen(function*() {
      yield* withInternet(
        net,
        Effect.gen(function*() {
          const caller = yield* world.caller
          yield* Effect.all(Array.from({ length: 50 }, () => isKnown(caller)), { concurrency: "unbounded" })
          assert.strictEqual(net.fetched.length, 1)
        })
      )
      yield* withInternet(
        net,
        Effect.gen(function*() {
          const caller = yield* world.caller
          assert.isFalse(yield* isKnown(caller))
          const { json } = yield* caller.send("/.well-known/oauth-authorization-server")
          assert.notProperty(json, "client_id_metadata_document_supported")
          assert.strictEqual(net.fetched.length, 1)
        }),
        { metadataDocuments: false }
      )
    })
  })

  it.effect("R2: nothing of this machine or network is asked, nor whatever leads there", () =>
    Effect.gen(function*() {
      const { asked, fetch } = behindRules(() =>
        new Response(null, { status: 302, headers: { location: `${id}?more` } })
      )
      yield* withInternet(
        { fetch: yield* fetch },
        Effect.gen(function*() {
          const caller = yield* world.caller
          for (
            const host of [
              "127.0.0.1",
              "10.0.0.1",
              "169.254.169.254",
              "[::1]",
              "[::ffff:7f00:1]",
              "[64:ff9b::7f00:1]",
              "[fd00::1]",
              "localhost",
              "app.localhost"
            ]
          ) {
            assert.isFalse(yield* isKnown(caller, `https://${host}/client.json`))
          }
          assert.deepStrictEqual(asked, [])
          // Not even to another address of the same host.
          assert.isFalse(yield* isKnown(caller))
          assert.deepStrictEqual(asked, [id])
        })
      )
    }))

  it.effect("R2: is waited for three seconds, and read no further than it may be long", () =>
    Effect.gen(function*() {
      const { fetch } = behindRules((url) =>
        url === id ? new Promise<Response>(() => {}) : new Response("x".repeat(300 << 10))
      )
      yield* withInternet(
        { fetch: yield* fetch },
        Effect.gen(function*() {
          const caller = yield* world.caller
          const waiting = yield* Effect.forkChild(isKnown(caller), { startImmediately: true })
          yield* TestClock.adjust("2999 millis")
          assert.isUndefined(waiting.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          assert.isFalse(yield* Fiber.join(waiting))
          assert.isFalse(yield* isKnown(caller, "https://app.example/large.json"))
        })
      )
    }))

  it.effect("R2: its logo is nothing a browser sees", () =>
    world.withServer(
      Effect.gen(function*() {
        const page = yield* (yield* world.caller).send(world.authorizePath({ client_id: id }))
        assert.include(page.text, "Stranger")
        assert.notInclude(page.text, "logo.png")
        assert.notInclude(page.text, "<img")
        assert.match(page.headers.get("content-security-policy")!, /^default-src 'none';/u)
      }),
      {},
      {
        consent: steps.asking,
        fetch: internet(() => document({ logo_uri: "https://app.example/logo.png" })).fetch
      }
    ))
})

describe("R3: the keys of a client that are elsewhere", () => {
  const jwksUri = "https://signer.example/jwks"

  const signer: Client.Options = { id: "signer", jwksUri, grantTypes: ["client_credentials"] }

  const key = makeKey()

  const ask = (caller: world.Caller) =>
    Effect.gen(function*() {
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const { alg, privateKey } = yield* Effect.promise(() => key)
      const claims = { iss: "signer", sub: "signer", aud: world.issuer, exp: now + 60, jti: randomUUID() }
      const assertion = yield* Effect.promise(() =>
        new jose.SignJWT(claims).setProtectedHeader({ alg }).sign(privateKey)
      )
      return yield* steps.token(caller, {
        ...credentials,
        client_assertion: assertion,
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
      })
    })

  const withSigner = <A, E>(
    fetch: SafeFetch.SafeFetch["Service"]["fetch"],
    test: Parameters<typeof world.withServer<A, E>>[0],
    uri = jwksUri
  ) => world.withServer(test, { clients: [{ ...signer, jwksUri: uri }] }, { fetch })

  it.effect("R3: are fetched as anything is whose address somebody else chooses", () =>
    Effect.gen(function*() {
      const { jwk } = yield* Effect.promise(() => key)
      const net = internet(() => ({ text: JSON.stringify({ keys: [jwk] }) }))
      yield* withSigner(
        net.fetch,
        Effect.gen(function*() {
          assert.strictEqual((yield* ask(yield* world.caller)).status, 200)
          assert.deepStrictEqual(net.fetched, [jwksUri])
        })
      )
    }))

  it.effect("R3: are nowhere that is not there, of another form, or too long: that is nobody's fault", () =>
    Effect.gen(function*() {
      const answers = [undefined, { status: 500 }, { text: "x" }, { text: "{}" }, {
        text: `{"keys":[]${" ".repeat(10 << 10)}}`
      }]
      for (const answer of answers) {
        yield* withSigner(
          internet(() => answer).fetch,
          Effect.gen(function*() {
            assertRefused(yield* ask(yield* world.caller), "temporarily_unavailable", 503)
          })
        )
      }
      yield* withSigner(
        internet(() => ({ text: "{\"keys\":[]}" })).fetch,
        Effect.gen(function*() {
          assertRefused(yield* ask(yield* world.caller), "invalid_client", 401)
        })
      )
    }))

  it.effect("R3: are not of this machine or network, nor where a redirect leads, and not waited for", () =>
    Effect.gen(function*() {
      const begun = Promise.withResolvers<void>()
      const { asked, fetch } = behindRules((url) => {
        if (!url.endsWith("silent")) return new Response(null, { status: 302, headers: { location: "/elsewhere" } })
        begun.resolve()
        return new Promise<Response>(() => {})
      })
      const safe = yield* fetch
      const inside = ["https://127.0.0.1/jwks", "https://169.254.169.254/jwks", "http://signer.example/jwks"]
      for (const uri of [...inside, jwksUri]) {
        yield* withSigner(
          safe,
          Effect.gen(function*() {
            assertRefused(yield* ask(yield* world.caller), "temporarily_unavailable", 503)
          }),
          uri
        )
      }
      assert.deepStrictEqual(asked, [jwksUri])
      yield* withSigner(
        safe,
        Effect.gen(function*() {
          const caller = yield* world.caller
          const waiting = yield* Effect.forkChild(ask(caller), { startImmediately: true })
          yield* Effect.promise(() => begun.promise)
          yield* TestClock.adjust("3 seconds")
          assertRefused(yield* Fiber.join(waiting), "temporarily_unavailable", 503)
        }),
        "https://signer.example/silent"
      )
    }))
})

describe("R4: metadata", () => {
  for (
    const [issuer, path] of [
      ["https://auth.example", ""],
      ["https://auth.example/", ""],
      ["https://auth.example/tenant", "/tenant"],
      ["https://auth.example/tenant/", "/tenant"],
      ["https://auth.example:8443/a/b", "/a/b"]
    ] as const
  ) {
    it.effect(`R4: of ${issuer} names it to the letter, and endpoints below it`, () =>
      world.withServer(
        Effect.gen(function*() {
          const caller = yield* world.caller
          const { json } = yield* caller.send(`/.well-known/oauth-authorization-server${path}`)
          assert.strictEqual(json.issuer, issuer)
          for (const [name, value] of Object.entries<string>(json)) {
            if (!/_endpoint$|_uri$/u.test(name)) continue
            assert.isTrue(value.startsWith(`${issuer.replace(/\/$/u, "")}/`), value)
            const { pathname } = new URL(value)
            assert.notStrictEqual((yield* caller.send(pathname)).status, 404, name)
          }
          const { access_token } = (yield* steps.token(
            { ...caller, send: (to, sent) => caller.send(path + to, sent) },
            credentials,
            basic
          )).json
          assert.strictEqual(jose.decodeJwt(access_token).iss, issuer)
        }),
        { issuer, registration: true }
      ))
  }

  it.effect("R4: has what is so, and nothing that is not", () =>
    Effect.gen(function*() {
      const describe = (own: Partial<AuthorizationServer.Options>) =>
        world.withServer(
          Effect.gen(function*() {
            const { send } = yield* world.caller
            return (yield* send("/.well-known/oauth-authorization-server")).json as Readonly<Record<string, unknown>>
          }),
          own
        )
      const little = yield* describe({ metadataDocuments: false, deviceFlow: false })
      for (
        const name of [
          "registration_endpoint",
          "device_authorization_endpoint",
          "client_id_metadata_document_supported",
          "userinfo_endpoint",
          "end_session_endpoint",
          "id_token_signing_alg_values_supported",
          "request_parameter_supported",
          "tls_client_certificate_bound_access_tokens"
        ]
      ) {
        assert.notProperty(little, name)
      }
      assert.deepStrictEqual(little["grant_types_supported"], [
        "authorization_code",
        "refresh_token",
        "client_credentials"
      ])
      const much = yield* describe({ registration: true })
      assert.deepInclude(much, {
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        client_id_metadata_document_supported: true,
        registration_endpoint: `${world.issuer}/register`,
        device_authorization_endpoint: `${world.issuer}/device_authorization`
      })
    }))

  it.effect("R4: is at the places of RFC 8414, and at no other issuer's", () =>
    world.withServer(
      Effect.gen(function*() {
        const { send } = yield* world.caller
        const suffix = "/.well-known/oauth-authorization-server"
        for (const path of [`${suffix}/tenant`, `/tenant${suffix}`]) {
          assert.strictEqual((yield* send(path)).json.issuer, "https://auth.example/tenant")
        }
        for (const path of [suffix, `${suffix}/other`, `${suffix}/tenant/`, `${suffix}/tenant/more`]) {
          assert.strictEqual((yield* send(path)).status, 404)
        }
      }),
      { issuer: "https://auth.example/tenant" }
    ))
})

it.effect("R5: keys are public where they are published, of pairs, and named by their thumbprint; see SigningKeys.test.ts", () =>
  world.withServer(Effect.gen(function*() {
    const caller = yield* world.caller
    const { json } = yield* caller.send("/jwks")
    for (const key of json.keys as ReadonlyArray<jose.JWK>) {
      for (const secret of ["d", "p", "q", "dp", "dq", "qi", "k", "oth"]) assert.notProperty(key, secret)
      assert.include(["EC", "RSA", "OKP"], key.kty)
      assert.strictEqual(key.kid, yield* Effect.promise(() => jose.calculateJwkThumbprint(key)))
    }
    const { access_token } = yield* steps.login(caller)
    const { alg, kid } = jose.decodeProtectedHeader(access_token)
    assert.strictEqual(alg, "ES256")
    assert.include(json.keys.map((key: jose.JWK) => key.kid), kid)
  })))

describe("R6: revocation", () => {
  const other: Client.Options = { id: "other", secret: Redacted.make(world.secret), redirectUris: [world.redirectUri] }

  const withOther = <A, E>(test: Parameters<typeof world.withServer<A, E>>[0]) =>
    world.withServer(test, { clients: [...clients, other] })

  const revoke = ({ send }: world.Caller, token: string, own: Readonly<Record<string, string>> = {}, headers = {}) =>
    send("/revoke", { form: { token, ...own }, headers })

  const app = { client_id: "app" }

  it.effect("R6: is for a client that shows who it is", () =>
    withOther(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token, refresh_token } = yield* steps.login(caller)
      for (const token of [access_token, refresh_token, "x"]) {
        assertRefused(yield* revoke(caller, token), "invalid_client", 401)
        assertRefused(yield* revoke(caller, token, { client_id: "other" }), "invalid_client", 401)
        assertRefused(yield* revoke(caller, token, {}, steps.basic("other", "wrong")), "invalid_client", 401)
        assertRefused(yield* revoke(caller, token, { client_id: "nobody" }), "invalid_client", 401)
      }
      assertRefused(yield* caller.send("/revoke", { form: app }), "invalid_request")
      assert.isTrue(yield* steps.isActive(caller, access_token))
    })))

  it.effect("R6: of another's token says the same and does nothing: whose it is comes first", () =>
    withOther(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token, refresh_token } = yield* steps.login(caller)
      for (const token of [access_token, refresh_token]) {
        for (const headers of [steps.basic("other"), basic]) {
          const answer = yield* revoke(caller, token, {}, headers)
          assert.deepStrictEqual([answer.status, answer.text], [200, ""])
        }
      }
      assert.isTrue(yield* steps.isActive(caller, access_token))
      assert.strictEqual((yield* steps.refresh(caller, refresh_token)).status, 200)
    })))

  it.effect("R6: of what is no token says the same", () =>
    withOther(Effect.gen(function*() {
      const caller = yield* world.caller
      const { refresh_token } = yield* steps.login(caller)
      yield* steps.refresh(caller, refresh_token)
      for (const token of ["x", refresh_token, "a.b.c", "\u0000", "x".repeat(10_000)]) {
        const answer = yield* revoke(caller, token, app)
        assert.deepStrictEqual([answer.status, answer.text], [200, ""])
      }
    })))

  it.effect("R6: of an access token ends that one, and of a refresh token all that came of the login", () =>
    withOther(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token, refresh_token } = yield* steps.login(caller)
      // What a client says of the kind is a hint, and no more.
      assert.strictEqual(
        (yield* revoke(caller, access_token, { ...app, token_type_hint: "refresh_token" })).status,
        200
      )
      assert.isFalse(yield* steps.isActive(caller, access_token))
      const second = (yield* steps.refresh(caller, refresh_token)).json
      assert.isTrue(yield* steps.isActive(caller, second.access_token))
      yield* revoke(caller, second.refresh_token, { ...app, token_type_hint: "access_token" })
      assert.isFalse(yield* steps.isActive(caller, second.access_token))
      assertRefused(yield* steps.refresh(caller, second.refresh_token), "invalid_grant")
    })))
})

describe("R7: introspection", () => {
  const mail = "https://mail.example/mcp"

  const server = (id: string, introspects: ReadonlyArray<string>): Client.Options => ({
    id,
    introspects,
    grantTypes: [],
    secret: Redacted.make(world.secret)
  })

  const withServers = <A, E>(test: Parameters<typeof world.withServer<A, E>>[0]) =>
    world.withServer(test, {
      clients: [...clients, server("notes", [world.resource]), server("mail", [mail]), server("nothing", [])],
      resources: [world.options.resources[0], { uri: mail, scopes: ["mail"] }]
    })

  const ask = ({ send }: world.Caller, token: string, headers = {}, own = {}) =>
    send("/introspect", { form: { token, ...own }, headers })

  it.effect("R7: is for a resource server that shows who it is", () =>
    withServers(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token } = yield* steps.login(caller)
      assertRefused(yield* ask(caller, access_token), "invalid_client", 401)
      // Also of its own token: who shows nothing may be anybody.
      assertRefused(yield* ask(caller, access_token, {}, { client_id: "app" }), "invalid_client", 401)
      assertRefused(yield* ask(caller, access_token, {}, { client_id: "notes" }), "invalid_client", 401)
      assertRefused(yield* ask(caller, access_token, steps.basic("notes", "wrong")), "invalid_client", 401)
      assertRefused(
        yield* ask(caller, access_token, { authorization: `Bearer ${access_token}` }),
        "invalid_client",
        401
      )
      assertRefused(yield* ask(caller, "", steps.basic("notes")), "invalid_request")
    })))

  it.effect("R7: tells of tokens for the caller, and of others no more than of none", () =>
    withServers(Effect.gen(function*() {
      const caller = yield* world.caller
      const { access_token, refresh_token } = yield* steps.login(caller)
      const { json } = yield* ask(caller, access_token, steps.basic("notes"))
      assert.deepInclude(json, {
        active: true,
        client_id: "app",
        sub: "anna",
        aud: world.resource,
        iss: world.issuer,
        scope: "notes:read notes:write",
        token_type: "Bearer"
      })
      for (const id of ["mail", "nothing"]) {
        for (const token of [access_token, refresh_token, "x", "a.b.c"]) {
          assert.deepStrictEqual((yield* ask(caller, token, steps.basic(id))).json, { active: false })
        }
      }
      // A refresh token is for nobody but its client.
      assert.deepStrictEqual((yield* ask(caller, refresh_token, steps.basic("notes"))).json, { active: false })
    })))

  it.effect("R7: tells nothing of a token that has ended, in time or before it", () =>
    withServers(Effect.gen(function*() {
      const caller = yield* world.caller
      const isActive = (token: string) =>
        Effect.map(ask(caller, token, steps.basic("notes")), ({ json }) => {
          if (json.active !== true) assert.deepStrictEqual(json, { active: false })
          return json.active
        })
      const [first, second] = [yield* steps.login(caller), yield* steps.login(caller)]
      yield* caller.send("/revoke", { form: { token: first.access_token, client_id: "app" } })
      assert.isFalse(yield* isActive(first.access_token))
      yield* TestClock.adjust("299999 millis")
      assert.isTrue(yield* isActive(second.access_token))
      yield* TestClock.adjust("1 millis")
      assert.isFalse(yield* isActive(second.access_token))
    })))
})
