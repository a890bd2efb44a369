/** The presets, with what each provider really answers. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Provider from "fastmcp-effect/oauth/proxy/Provider"
import * as Providers from "fastmcp-effect/oauth/proxy/Providers"
import * as server from "../server/world.ts"
import * as idps from "./idp.ts"
import * as world from "./world.ts"

const directory = "72f988bf-86f1-41af-91ab-2d7cd011db47"
const another = "9188040d-6c67-4c5b-b112-36a304b66dad"

interface Row {
  readonly provider: Provider.Provider
  readonly issuer: string
  readonly profile: Provider.Profile
  readonly subject: string
  readonly name: string | undefined
}

const rows: Readonly<Record<string, Row>> = {
  github: {
    provider: Providers.github(),
    issuer: "https://github.com/login/oauth",
    profile: { login: "octocat", id: 583_231, node_id: "MDQ6VXNlcjU4MzIzMQ==", type: "User", name: null, email: null },
    subject: "github:583231",
    name: "octocat"
  },
  discord: {
    provider: Providers.discord(),
    issuer: "https://discord.com",
    profile: {
      id: "80351110224678912",
      username: "nelly",
      discriminator: "0",
      global_name: "Nelly",
      mfa_enabled: true
    },
    subject: "discord:80351110224678912",
    name: "Nelly"
  },
  google: {
    provider: Providers.google(),
    issuer: "https://accounts.google.com",
    profile: {
      sub: "10769150350006150715113082367",
      hd: "acme.example",
      email: "ada@acme.example",
      email_verified: true
    },
    subject: "google:10769150350006150715113082367",
    name: "ada@acme.example"
  },
  "entra, one directory": {
    provider: Providers.entra({ tenant: directory }),
    issuer: `https://login.microsoftonline.com/${directory}/v2.0`,
    profile: {
      oid: "00000000-0000-0000-66f3-3332eca7ea81",
      tid: directory,
      sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
      name: "Abe Lincoln",
      preferred_username: "abeli@microsoft.com",
      ver: "2.0"
    },
    subject: `entra:${directory}/00000000-0000-0000-66f3-3332eca7ea81`,
    name: "Abe Lincoln"
  },
  "entra, personal accounts": {
    provider: Providers.entra({ tenant: "consumers" }),
    issuer: `https://login.microsoftonline.com/${another}/v2.0`,
    profile: { oid: "1", tid: another, sub: "x" },
    subject: `entra:${another}/1`,
    name: undefined
  },
  "entra, everybody": {
    provider: Providers.entra({ tenant: "common" }),
    issuer: "https://login.microsoftonline.com/{tenantid}/v2.0",
    profile: { oid: "a/b", tid: "c" },
    subject: "entra:c/a%2Fb",
    name: undefined
  },
  auth0: {
    provider: Providers.auth0({ domain: "acme.eu.auth0.com", parameters: { audience: "https://api.acme.example" } }),
    issuer: "https://acme.eu.auth0.com/",
    profile: { sub: "auth0|5f7c8ec7c33c6c004bbafe82", nickname: "ada", name: "Ada", sid: "x" },
    subject: "auth0:auth0|5f7c8ec7c33c6c004bbafe82",
    name: "Ada"
  },
  workos: {
    provider: Providers.workos({ domain: "acme.authkit.app" }),
    issuer: "https://acme.authkit.app",
    profile: { sub: "user_01HBEQKA6K4QJAS93VPE39W1JT", email: "ada@acme.example", given_name: "Ada" },
    subject: "workos:user_01HBEQKA6K4QJAS93VPE39W1JT",
    name: "ada@acme.example"
  },
  okta: {
    provider: Providers.okta({ domain: "acme.okta.com" }),
    issuer: "https://acme.okta.com/oauth2/default",
    profile: { sub: "00uid4BxXw6I6TV4m0g3", ver: 1, amr: ["pwd"], preferred_username: "ada@acme.example" },
    subject: "okta:00uid4BxXw6I6TV4m0g3",
    name: "ada@acme.example"
  },
  "okta, of the organization": {
    provider: Providers.okta({ domain: "acme.okta.com", server: null, name: "acme" }),
    issuer: "https://acme.okta.com",
    profile: { sub: "00uid4BxXw6I6TV4m0g3" },
    subject: "acme:00uid4BxXw6I6TV4m0g3",
    name: undefined
  },
  keycloak: {
    provider: Providers.keycloak({ url: "https://sso.acme.example/", realm: "my staff" }),
    issuer: "https://sso.acme.example/realms/my%20staff",
    profile: { sub: "f:550e8400:ada", typ: "ID", azp: "proxy", preferred_username: "ada" },
    subject: "keycloak:f:550e8400:ada",
    name: "ada"
  },
  cognito: {
    provider: Providers.cognito({ region: "eu-central-1", userPoolId: "eu-central-1_aBcDeFgHi" }),
    issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aBcDeFgHi",
    profile: { sub: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "cognito:username": "ada", token_use: "id" },
    subject: "cognito:aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    name: "ada"
  },
  scalekit: {
    provider: Providers.scalekit({ environment: "https://acme.scalekit.com/" }),
    issuer: "https://acme.scalekit.com",
    profile: { sub: "conn_123;ada", name: "Ada", oid: "org_1" },
    subject: "scalekit:conn_123;ada",
    name: "Ada"
  },
  descope: {
    provider: Providers.descope({ projectId: "P2abc" }),
    issuer: "https://api.descope.com/P2abc",
    profile: { sub: "U2xyz", amr: ["email"], name: "Ada" },
    subject: "descope:U2xyz",
    name: "Ada"
  },
  "any with OpenID Connect": {
    provider: Providers.oidc({ name: "acme", issuer: "https://sso.acme.example", scopes: ["openid"] }),
    issuer: "https://sso.acme.example",
    profile: { sub: "7" },
    subject: "acme:7",
    name: undefined
  }
}

describe.each(Object.entries(rows))("%s", (_, { issuer, name, profile, provider, subject }) => {
  it("has its issuer to the letter, and takes the tokens of no other", () => {
    assert.strictEqual(provider.issuer, issuer)
    if (issuer.includes("{")) return
    assert.isTrue(Provider.isIssuer(provider, issuer))
    for (const other of [`${issuer}/`, issuer.slice(0, -1), issuer.toUpperCase(), `${issuer}?`]) {
      assert.isFalse(Provider.isIssuer(provider, other))
    }
  })

  it("tells who somebody is, or nothing", () => {
    assert.deepStrictEqual(Provider.userOf(provider, profile), { subject, name })
    for (const member of provider.subject) {
      for (const value of [undefined, null, "", {}, ["1"], true, 1.5, 2 ** 53, "x".repeat(256)]) {
        assert.isUndefined(Provider.userOf(provider, { ...profile, [member]: value }))
      }
    }
  })

  it("speaks over https alone", () => {
    const { endpoints, metadataUrl, user } = provider
    const urls = [
      issuer,
      endpoints?.authorization,
      endpoints?.token,
      metadataUrl,
      user._tag === "Api" ? user.url : undefined
    ]
    for (const url of urls) if (url !== undefined) assert.match(url, /^https:\/\//u)
  })
})

it("two providers never have a subject in common", () => {
  const subjects = ["google", "github"].map((name) =>
    Provider.userOf({ ...world.provider, name }, { sub: "1234" })?.subject
  )
  assert.deepStrictEqual(subjects, ["google:1234", "github:1234"])
})

describe("GitHub", () => {
  it.effect("is asked in the way it wants to be, and says no with 200", () =>
    Effect.gen(function*() {
      const idp = idps.make()
      yield* world.withProxy(
        Effect.gen(function*() {
          const browser = yield* server.caller
          yield* world.login(browser, idp)
          const sent = (end: string) => idp.seen.find(({ url }) => url.endsWith(end))!
          const form = new URLSearchParams(sent("/token").body)
          assert.strictEqual(form.get("client_secret"), idps.clientSecret)
          assert.strictEqual(sent("/token").headers!.accept, "application/json")
          assert.isUndefined(sent("/token").headers!.authorization)
          assert.isString(sent("/user").headers!["user-agent"])
          idp.changes.token = {
            status: 200,
            body: { error: "bad_verification_code", error_description: "The code passed is incorrect or expired." }
          }
          const back = idp.authorize(yield* world.hop(browser, { prompt: "login" }))
          assert.strictEqual(world.errorOf(yield* world.come(browser, back)), "server_error")
        }),
        { idp, upstream: { provider: world.apiProvider } }
      )
    }))

  it.effect("gives tokens that say of their scopes what no other does, and do not end", () =>
    Effect.gen(function*() {
      const idp = idps.make()
      idp.changes.tokens = {
        access_token: "gho_16C7e42F292c6912E7710c838347Ae178B4a",
        token_type: "bearer",
        scope: "repo,gist",
        expires_in: undefined,
        refresh_token: undefined,
        id_token: undefined
      }
      yield* world.withProxy(
        Effect.gen(function*() {
          const { access_token } = yield* world.login(yield* server.caller, idp)
          assert.strictEqual((yield* world.claimsOf(access_token)).sub, "github:1234")
        }),
        { idp, upstream: { provider: world.apiProvider } }
      )
    }))
})

describe("Google", () => {
  it.effect("is asked for a refresh token, and by its own words to ask again", () =>
    Effect.gen(function*() {
      const { parameters, parametersAgain } = Providers.google()
      yield* world.withProxy(
        Effect.gen(function*() {
          const browser = yield* server.caller
          const asked = yield* world.hop(browser)
          assert.strictEqual(asked.searchParams.get("access_type"), "offline")
          assert.strictEqual(asked.searchParams.get("prompt"), "consent")
          const again = yield* world.hop(browser, { prompt: "login" })
          assert.strictEqual(again.searchParams.get("access_type"), "offline")
          assert.strictEqual(again.searchParams.get("prompt"), "consent select_account")
        }),
        { upstream: { provider: { ...world.provider, parameters: parameters!, parametersAgain: parametersAgain! } } }
      )
    }))
})

describe("parameters of a provider", () => {
  it.effect("do not take the place of ours", () =>
    world.withProxy(
      Effect.gen(function*() {
        const url = yield* world.hop(yield* server.caller)
        assert.strictEqual(url.searchParams.get("redirect_uri"), `${server.issuer}/callback`)
        assert.notStrictEqual(url.searchParams.get("state"), "fixed")
      }),
      {
        upstream: {
          provider: { ...world.provider, parameters: { redirect_uri: "https://evil.example", state: "fixed" } }
        }
      }
    ))
})

describe("Entra with users of many directories", () => {
  const template = `${idps.issuer}/{tenantid}/v2.0`
  const issuerOf = (tenant: string) => template.replace("{tenantid}", tenant)
  const shared: Provider.Provider = {
    ...Providers.entra({ tenant: "organizations" }),
    issuer: template,
    metadataUrl: `${idps.issuer}/.well-known/openid-configuration`
  }

  const endOf = (claims: Readonly<Record<string, unknown>>, own: Partial<Provider.Provider> = {}) => {
    const idp = idps.make()
    idp.changes.metadata = { issuer: template, code_challenge_methods_supported: undefined }
    idp.changes.claims = { oid: "1", ...claims }
    return world.withProxy(
      Effect.gen(function*() {
        const browser = yield* server.caller
        const url = yield* world.hop(browser)
        assert.isTrue(url.searchParams.has("code_challenge"))
        const end = yield* world.come(browser, idp.authorize(url))
        return world.errorOf(end) ?? "none"
      }),
      { idp, upstream: { provider: { ...shared, ...own } } }
    )
  }

  it.effect("takes the issuer that its tenant has, and that one alone", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* endOf({ iss: issuerOf(directory), tid: directory }), "none")
      assert.strictEqual(yield* endOf({ iss: issuerOf(directory), tid: another }), "server_error")
      assert.strictEqual(yield* endOf({ iss: issuerOf(directory) }), "server_error")
      assert.strictEqual(yield* endOf({ iss: template, tid: directory }), "server_error")
      assert.strictEqual(yield* endOf({ iss: issuerOf("x"), tid: "x" }), "server_error")
      assert.strictEqual(
        yield* endOf({ iss: `https://evil.example/${directory}/v2.0`, tid: directory }),
        "server_error"
      )
      assert.strictEqual(yield* endOf({ iss: `${issuerOf(directory)}/x`, tid: directory }), "server_error")
    }))

  it.effect("lets in those of the tenants that may", () =>
    Effect.gen(function*() {
      const own = { tenants: [directory] }
      assert.strictEqual(yield* endOf({ iss: issuerOf(directory), tid: directory }, own), "none")
      assert.strictEqual(yield* endOf({ iss: issuerOf(another), tid: another }, own), "server_error")
    }))
})
