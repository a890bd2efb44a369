/** R10: what comes from the provider is believed when it is known to come from it, for this client and this login. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as server from "../server/world.ts"
import * as idps from "./idp.ts"
import * as world from "./world.ts"

/** How a login ends with a provider that is changed; `back` changes what the browser brings. */
const endOf = (
  change: (idp: idps.Idp) => void,
  { back = () => {}, ...setup }: world.Setup & { readonly back?: (url: URL) => void } = {}
) => {
  const idp = idps.make()
  return world.withProxy(
    Effect.gen(function*() {
      const browser = yield* server.caller
      const url = yield* world.hop(browser)
      change(idp)
      const came = idp.authorize(url)
      back(came)
      const end = yield* world.come(browser, came)
      // To the client that began, and to nobody else.
      assert.strictEqual(end.location!.origin + end.location!.pathname, server.redirectUri)
      assert.strictEqual(end.location!.searchParams.get("state"), "xyz")
      const error = world.errorOf(end)
      if (error !== undefined) {
        // It has ended: the same callback comes to nothing.
        idp.changes.claims = {}
        assert.strictEqual((yield* world.come(browser, came)).location, undefined)
      }
      return { error: error ?? "none", text: end.location!.href, idp }
    }),
    { idp, ...setup }
  )
}

const isBroken = (change: (idp: idps.Idp) => void, setup?: Parameters<typeof endOf>[1]) =>
  Effect.map(endOf(change, setup), ({ error }) => assert.strictEqual(error, "server_error"))

const claims = (own: Readonly<Record<string, unknown>>) => (idp: idps.Idp) => {
  idp.changes.claims = own
}

describe("R10: an authorization response", () => {
  it.effect("is refused with the iss of another issuer (RFC 9207)", () =>
    Effect.gen(function*() {
      const { error, idp } = yield* endOf(() => {}, {
        back: (url) => url.searchParams.set("iss", "https://other.example")
      })
      assert.strictEqual(error, "server_error")
      assert.strictEqual(idp.count("/token"), 0)
    }))

  it.effect("is taken with the iss of the provider", () =>
    Effect.gen(function*() {
      const { error } = yield* endOf(() => {}, { back: (url) => url.searchParams.set("iss", idps.issuer) })
      assert.strictEqual(error, "none")
    }))

  it.effect("is refused without iss where the provider says that it is there", () => {
    const idp = idps.make()
    idp.changes.metadata = { authorization_response_iss_parameter_supported: true }
    return isBroken(() => {}, { idp })
  })

  it.effect("that says no is told to the client, in no words of the provider", () =>
    Effect.gen(function*() {
      const cases = {
        access_denied: "access_denied",
        login_required: "access_denied",
        consent_required: "access_denied",
        temporarily_unavailable: "temporarily_unavailable",
        server_error: "temporarily_unavailable",
        invalid_scope: "server_error",
        unauthorized_client: "server_error",
        "<script>": "server_error"
      }
      for (const [said, told] of Object.entries(cases)) {
        const { error, idp, text } = yield* endOf(() => {}, {
          back: (url) => {
            url.searchParams.delete("code")
            url.searchParams.set("error", said)
            url.searchParams.set("error_description", "words of the provider")
          }
        })
        assert.strictEqual(error, told, said)
        assert.notInclude(text, "words")
        assert.strictEqual(idp.count("/token"), 0)
      }
    }))

  it.effect("is refused with neither a code nor an error", () =>
    isBroken(() => {}, { back: (url) => url.searchParams.delete("code") }))

  it.effect("is refused with an ID token in it, which was not asked for", () =>
    isBroken(() => {}, { back: (url) => url.searchParams.set("id_token", "x") }))
})

describe("R10: an ID token", () => {
  it.effect("is needed", () => isBroken((idp) => void (idp.changes.tokens = { id_token: undefined })))

  it.effect("is refused from another issuer", () => isBroken(claims({ iss: "https://other.example" })))

  it.effect("is refused from an issuer that is the same but for a slash", () =>
    isBroken(claims({ iss: `${idps.issuer}/` })))

  it.effect("is refused for another client", () => isBroken(claims({ aud: "another client" })))

  it.effect("is refused for several clients, if it was not made for this one", () =>
    Effect.gen(function*() {
      yield* isBroken(claims({ aud: [idps.clientId, "another client"] }))
      yield* isBroken(claims({ aud: [idps.clientId, "another client"], azp: "another client" }))
      yield* isBroken(claims({ azp: "another client" }))
      const { error } = yield* endOf(claims({ aud: [idps.clientId, "another client"], azp: idps.clientId }))
      assert.strictEqual(error, "none")
    }))

  it.effect("is refused with the nonce of another login, and without one", () =>
    Effect.gen(function*() {
      yield* isBroken(claims({ nonce: "another" }))
      yield* isBroken(claims({ nonce: undefined }))
      yield* isBroken(claims({ nonce: ["another"] }))
    }))

  it.effect("is refused when its time is over, or has not come", () =>
    Effect.gen(function*() {
      yield* isBroken(claims({ exp: -31 }))
      yield* isBroken(claims({ iat: 3600 }))
      yield* isBroken(claims({ iat: undefined }))
      yield* isBroken(claims({ exp: undefined }))
    }))

  it.effect("is refused of nobody", () =>
    Effect.gen(function*() {
      yield* isBroken(claims({ sub: undefined }))
      yield* isBroken(claims({ sub: "" }))
      yield* isBroken(claims({ sub: 7 }))
    }))

  it.effect("is refused with the signature of somebody else", () =>
    Effect.gen(function*() {
      const signer = yield* idps.foreignKey
      yield* isBroken((idp) => void (idp.changes.signer = signer))
    }))

  it.effect("is refused with a signature by a shared secret, whatever the metadata says", () =>
    Effect.gen(function*() {
      // The public key as the secret, and the secret that the client has.
      const key = new TextEncoder().encode(JSON.stringify(yield* idps.publicKey))
      yield* isBroken((idp) => void (idp.changes.signer = { key, alg: "HS256", kid: "one" }))
      const secret = new TextEncoder().encode(idps.clientSecret)
      yield* isBroken((idp) => void (idp.changes.signer = { key: secret, alg: "HS256", kid: "one" }))
    }))

  it.effect("is refused without a signature", () =>
    isBroken((idp) => {
      const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "")
      const none = `${part({ alg: "none" })}.${part({ iss: idps.issuer, sub: "ada", aud: idps.clientId, exp: 600 })}.`
      idp.changes.tokens = { id_token: none }
    }))
})

describe("a provider", () => {
  it.effect("whose metadata names another issuer is not gone to", () =>
    Effect.gen(function*() {
      for (const issuer of [`${idps.issuer}/`, "https://other.example"]) {
        const idp = idps.make()
        idp.changes.metadata = { issuer }
        yield* world.withProxy(
          Effect.gen(function*() {
            const browser = yield* server.caller
            const end = yield* world.answer(browser, yield* world.ask(browser), "allow")
            assert.strictEqual(end.location!.origin + end.location!.pathname, server.redirectUri)
            assert.strictEqual(world.errorOf(end), "server_error")
          }),
          { idp }
        )
      }
    }))

  it.effect("that is down is waited for", () =>
    Effect.gen(function*() {
      const { error } = yield* endOf((idp) => void (idp.changes.down = ["/token"]))
      assert.strictEqual(error, "temporarily_unavailable")
      const keyless = yield* endOf((idp) => void (idp.changes.down = ["/jwks"]))
      assert.strictEqual(keyless.error, "temporarily_unavailable")
      const empty = yield* endOf((idp) => void (idp.changes.keys = 204))
      assert.strictEqual(empty.error, "temporarily_unavailable")
      const broken = yield* endOf((idp) => void (idp.changes.token = { status: 503, body: "oh" }))
      assert.strictEqual(broken.error, "temporarily_unavailable")
    }))

  it.effect("that refuses the code lets nobody in, also where it says so with 200", () =>
    Effect.gen(function*() {
      for (const status of [200, 400]) {
        yield* isBroken((idp) => void (idp.changes.token = { status, body: { error: "bad_verification_code" } }))
      }
    }))

  it.effect("that does not say who somebody is lets nobody in", () =>
    Effect.gen(function*() {
      const setup = { upstream: { provider: world.apiProvider } }
      for (const body of [{}, { id: "" }, { id: null }, { id: 1.5 }, { id: 2 ** 60 }, [], "1234"]) {
        yield* isBroken((idp) => void (idp.changes.user = { status: 200, body }), setup)
      }
      yield* isBroken((idp) => void (idp.changes.user = { status: 401, body: { id: 1234 } }), setup)
    }))

  it.effect("may know users who are not admitted here", () =>
    Effect.gen(function*() {
      const admits = ({ hd }: { readonly hd?: unknown }) => hd === "acme.example"
      const no = yield* endOf(claims({ hd: "other.example" }), { upstream: { admits } })
      assert.strictEqual(no.error, "access_denied")
      const yes = yield* endOf(claims({ hd: "acme.example" }), { upstream: { admits } })
      assert.strictEqual(yes.error, "none")
    }))

  it.effect("that does not take PKCE is sent none", () => {
    const idp = idps.make()
    idp.changes.metadata = { code_challenge_methods_supported: ["plain"] }
    return world.withProxy(
      Effect.gen(function*() {
        const browser = yield* server.caller
        const url = yield* world.hop(browser)
        assert.isFalse(url.searchParams.has("code_challenge"))
        assert.isNotNull((yield* world.come(browser, idp.authorize(url))).location!.searchParams.get("code"))
      }),
      { idp }
    )
  })

  it.effect("is asked for its metadata and its keys once in a while", () => {
    const idp = idps.make()
    return world.withProxy(
      Effect.gen(function*() {
        const browser = yield* server.caller
        for (let times = 0; times < 3; times++) yield* world.login(browser, idp)
        assert.strictEqual(idp.count("/.well-known/openid-configuration"), 1)
        assert.strictEqual(idp.count("/jwks"), 1)
      }),
      { idp }
    )
  })
})

describe("the options", () => {
  const problem = (upstream: NonNullable<world.Setup["upstream"]>) =>
    Effect.map(Effect.flip(world.withProxy(AuthorizationServer.AuthorizationServer, { upstream })), String)

  it.effect("have a key that is long enough, or there is no proxy", () =>
    Effect.gen(function*() {
      const short = Redacted.make("short")
      assert.include(yield* problem({ key: short }), "key of the upstream cannot be used: it has 5 bytes")
      assert.include(yield* problem({ previousKeys: [world.key, short] }), "previousKeys[1]")
    }))

  it.effect("have a name for the provider that no client's subject can begin with", () =>
    Effect.gen(function*() {
      for (const name of ["client", "", "a:b", "a b"]) {
        assert.include(yield* problem({ provider: { ...world.provider, name } }), "provider.name")
      }
    }))
})
