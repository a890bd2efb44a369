import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as AuthorizationCode from "fastmcp-effect/oauth/client/AuthorizationCode"
import * as OAuthClient from "fastmcp-effect/oauth/client/OAuthClient"
import * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as world from "./world.ts"

const { address, issuer, refusal } = world

const root = "https://mcp.acme.example/.well-known/oauth-protected-resource"

/** Logs in, and says what became of it: `in`, or the reason. */
const login = (there: world.World, options: AuthorizationCode.Options = {}, challenge = "Bearer") =>
  Effect.gen(function*() {
    const client = yield* OAuthClient.make({ address, grant: AuthorizationCode.make(options) })
    return yield* Effect.match(client.refused(refusal(undefined, { challenge })), {
      onSuccess: () => "in" as const,
      onFailure: ({ reason }) => reason
    })
  }).pipe(Effect.scoped, Effect.provide(there.layer))

const server = (there: world.World, change: { readonly [name: string]: unknown }) => {
  there.documents[`${issuer}/.well-known/oauth-authorization-server`] = { ...world.metadata, ...change }
}

describe("finding the authorization server", () => {
  const looksAt = (there: world.World, challenge?: string) =>
    Effect.map(
      login(there, {}, challenge),
      () => there.seen.filter(({ method, url }) => method === "GET" && url.includes("well-known")).map(({ url }) => url)
    )

  it.effect("looks where the challenge says first, then below the path, then at the root", () =>
    Effect.gen(function*() {
      const there = world.make()
      there.documents[`${root}/mcp`] = undefined
      assert.deepStrictEqual(
        yield* looksAt(there, "Bearer resource_metadata=\"https://mcp.acme.example/.well-known/elsewhere\""),
        [
          "https://mcp.acme.example/.well-known/elsewhere",
          `${root}/mcp`,
          root,
          "https://mcp.acme.example/.well-known/oauth-authorization-server",
          "https://mcp.acme.example/.well-known/openid-configuration"
        ]
      )
    }))

  it.effect("looks nowhere else where the challenge is right", () =>
    Effect.gen(function*() {
      const there = world.make()
      const place = "https://mcp.acme.example/elsewhere.well-known"
      there.documents[place] = there.documents[`${root}/mcp`]
      assert.deepStrictEqual(yield* looksAt(there, `Bearer resource_metadata="${place}"`), [
        place,
        `${issuer}/.well-known/oauth-authorization-server`
      ])
    }))

  for (
    const [name, forms] of [
      ["https://login.acme.example", [
        "https://login.acme.example/.well-known/oauth-authorization-server",
        "https://login.acme.example/.well-known/openid-configuration"
      ]],
      ["https://login.acme.example/tenant", [
        "https://login.acme.example/.well-known/oauth-authorization-server/tenant",
        "https://login.acme.example/.well-known/openid-configuration/tenant",
        "https://login.acme.example/tenant/.well-known/openid-configuration"
      ]]
    ] as const
  ) {
    it.effect(`looks for the metadata of ${name} in ${forms.length} places`, () =>
      Effect.gen(function*() {
        const there = world.make()
        there.documents[`${root}/mcp`] = { resource: address.href, authorization_servers: [name] }
        there.documents[`${issuer}/.well-known/oauth-authorization-server`] = undefined
        assert.deepStrictEqual((yield* looksAt(there)).slice(1), [...forms])
      }))
  }

  it.effect("an issuer that is not the same text is another, however alike they are", () =>
    Effect.gen(function*() {
      for (
        const found of [`${issuer}/`, "https://LOGIN.acme.example", `${issuer}:443`, "https://login.acme.example/%61"]
      ) {
        const there = world.make()
        server(there, { issuer: found })
        assert.deepInclude(yield* login(there), { _tag: "IssuerMismatch", where: "metadata", expected: issuer, found })
        assert.strictEqual(there.count("register") + there.count("authorize"), 0)
      }
    }))

  it.effect("a server may be called by its address or one above it, and by no other", () =>
    Effect.gen(function*() {
      const called = (resource: string) => {
        const there = world.make()
        there.documents[`${root}/mcp`] = { resource, authorization_servers: [issuer] }
        return Effect.map(login(there), (end) => ({ end, there }))
      }
      for (
        const resource of ["https://mcp.acme.example/mcp", "https://mcp.acme.example", "https://mcp.acme.example/"]
      ) {
        const { end, there } = yield* called(resource)
        assert.strictEqual(end, "in", resource)
        // As it is written, without a slash more.
        for (const { params } of there.seen.slice(-2)) assert.strictEqual(params.resource, resource)
      }
      for (
        const resource of [
          "https://mcp.acme.example/mc",
          "https://mcp.acme.example/mcp/deeper",
          "https://mcp.acme.example/mcp#part",
          "http://mcp.acme.example/mcp",
          "https://mcp.acme.example:8443/mcp",
          "https://acme.example/mcp",
          "https://mcp.acme.example.evil.example/mcp",
          "mcp"
        ]
      ) {
        const { end, there } = yield* called(resource)
        assert.deepInclude(end, { _tag: "ResourceMismatch", resource })
        assert.strictEqual(there.count("authorize"), 0)
      }
    }))

  it.effect("a server of 2025-03-26 is its own authorization server, described or not", () =>
    Effect.gen(function*() {
      const there = world.make()
      there.documents[`${root}/mcp`] = undefined
      there.answer = () => ({})
      assert.strictEqual(yield* login(there), "in")
      assert.deepStrictEqual(there.seen.slice(-3).map(({ url }) => url), [
        "https://mcp.acme.example/register",
        "https://mcp.acme.example/authorize",
        "https://mcp.acme.example/token"
      ])
      assert.isUndefined(there.seen.at(-1)?.params.resource)
    }))

  it.effect("metadata that names no authorization server, or one without metadata, is told", () =>
    Effect.gen(function*() {
      const there = world.make()
      there.documents[`${root}/mcp`] = { resource: address.href }
      assert.deepInclude(yield* login(there), { _tag: "NoAuthorizationServer" })
      there.documents[`${root}/mcp`] = { resource: address.href, authorization_servers: ["https://nobody.example"] }
      assert.deepInclude(yield* login(there), { _tag: "NoAuthorizationServer" })
    }))
})

describe("coming back", () => {
  const advertised = (authorization_response_iss_parameter_supported: boolean) => (there: world.World) =>
    server(there, { authorization_response_iss_parameter_supported })

  for (
    const [title, prepare, answer, expected] of [
      ["announced and right", advertised(true), { iss: issuer }, "in"],
      ["announced and missing", advertised(true), {}, "IssuerMismatch"],
      ["announced and wrong", advertised(true), { iss: "https://evil.example" }, "IssuerMismatch"],
      ["announced, with a slash more", advertised(true), { iss: `${issuer}/` }, "IssuerMismatch"],
      ["not announced and missing", advertised(false), {}, "in"],
      ["not announced and right", advertised(false), { iss: issuer }, "in"],
      ["not announced and wrong", advertised(false), { iss: "https://evil.example" }, "IssuerMismatch"],
      ["wrong, with an error that is not shown", advertised(true), {
        iss: "https://evil.example",
        error: "access_denied",
        error_description: "call 555-0100"
      }, "IssuerMismatch"],
      ["right, with an error", advertised(true), { iss: issuer, error: "access_denied" }, "Refused"],
      ["right, with another state", advertised(true), { iss: issuer, state: "another" }, "Malformed"]
    ] as const
  ) {
    it.effect(`iss: ${title}`, () =>
      Effect.gen(function*() {
        const there = world.make()
        prepare(there)
        there.answer = () => answer
        const end = yield* login(there)
        assert.strictEqual(end === "in" ? end : end._tag, expected)
        assert.strictEqual(there.count("token"), expected === "in" ? 1 : 0)
        if (end !== "in") assert.notInclude(OAuthError.make(end).message, "555")
      }))
  }
})

describe("what the authorization server has to do", () => {
  for (
    const [title, change] of [
      ["does not say that it takes PKCE", { code_challenge_methods_supported: undefined }],
      ["takes PKCE in the clear alone", { code_challenge_methods_supported: ["plain"] }],
      ["has nowhere to log in", { authorization_endpoint: undefined }],
      ["has no token endpoint", { token_endpoint: undefined }]
    ] as const
  ) {
    it.effect(`nobody logs in at one that ${title}`, () =>
      Effect.gen(function*() {
        const there = world.make()
        server(there, change)
        assert.deepInclude(yield* login(there), { _tag: "NotSupported", issuer })
        assert.strictEqual(there.count("token"), 0)
      }))
  }

  it.effect("the user is sent nowhere that could not be fetched", () =>
    Effect.gen(function*() {
      const there = world.make()
      server(there, { authorization_endpoint: "file:///etc/passwd" })
      const forbidden = new SafeFetch.SafeFetchError({
        reason: new SafeFetch.Forbidden({ url: "file:///etc/passwd", message: "file: is not https:" })
      })
      const client = Effect.gen(function*() {
        const safe = yield* SafeFetch.SafeFetch
        const client = yield* Effect.provideService(
          OAuthClient.make({ address, grant: AuthorizationCode.make() }),
          SafeFetch.SafeFetch,
          { ...safe, check: (url) => url.startsWith("https:") ? safe.check(url) : Effect.fail(forbidden) }
        )
        return yield* Effect.flip(client.refused(refusal(undefined)))
      })
      const { reason } = yield* client.pipe(Effect.scoped, Effect.provide(there.layer))
      assert.deepInclude(reason, { _tag: "Failed" })
      assert.strictEqual(there.count("authorize"), 0)
    }))
})

describe("who the client is", () => {
  const metadataUrl = "https://acme.example/client.json"

  const clientOf = (there: world.World) => there.seen.find(({ url }) => url.endsWith("/authorize"))?.params.client_id

  it.effect("what was arranged comes before everything else", () =>
    Effect.gen(function*() {
      const there = world.make()
      server(there, { client_id_metadata_document_supported: true })
      yield* login(there, { credentials: { clientId: "arranged" }, clientMetadataUrl: metadataUrl })
      assert.strictEqual(clientOf(there), "arranged")
      assert.strictEqual(there.count("register"), 0)
    }))

  it.effect("the address of its metadata comes before registering", () =>
    Effect.gen(function*() {
      const there = world.make()
      server(there, { client_id_metadata_document_supported: true })
      yield* login(there, { clientMetadataUrl: metadataUrl })
      assert.strictEqual(clientOf(there), metadataUrl)
      assert.strictEqual(there.count("register"), 0)
    }))

  it.effect("it registers where its metadata is not taken", () =>
    Effect.gen(function*() {
      const there = world.make()
      yield* login(there, { clientMetadataUrl: metadataUrl })
      assert.strictEqual(clientOf(there), "client-1")
    }))

  it.effect("a person is asked last, or told what to do", () =>
    Effect.gen(function*() {
      const there = world.make()
      server(there, { registration_endpoint: undefined })
      assert.deepInclude(yield* login(there), { _tag: "NotRegistered", issuer })
      yield* login(there, { ask: () => Effect.succeed({ clientId: "asked" }) })
      assert.strictEqual(clientOf(there), "asked")
    }))

  it.effect("an address that can be no id is told", () =>
    Effect.gen(function*() {
      for (
        const clientMetadataUrl of [
          "http://acme.example/client.json",
          "https://acme.example",
          "https://me:pw@acme.example/c",
          "https://acme.example/c#d",
          "https://acme.example/a/../c",
          "client"
        ]
      ) {
        assert.deepInclude(yield* login(world.make(), { clientMetadataUrl }), { _tag: "InvalidOption" })
      }
    }))

  const expiring = world.make()

  it.effect("it is registered once for an address, and again once its secret has run out", () =>
    Effect.gen(function*() {
      const there = expiring
      there.registration = { client_secret: "s3cret", client_secret_expires_at: 5000 }
      there.refreshes = false
      const client = yield* OAuthClient.make({ address, grant: AuthorizationCode.make() })
      yield* client.refused(refusal(undefined))
      yield* client.refused(refusal(yield* client.current))
      assert.strictEqual(there.count("register"), 1)
      yield* TestClock.adjust("5001 seconds")
      yield* client.refused(refusal(yield* client.current))
      assert.strictEqual(there.count("register"), 2)
    }).pipe(Effect.scoped, Effect.provide(expiring.layer)))

  for (
    const [methods, method, expected] of [
      [["client_secret_basic"], undefined, "basic"],
      [["client_secret_post", "client_secret_basic"], undefined, "basic"],
      [["client_secret_post"], undefined, "post"],
      [["client_secret_post", "client_secret_basic"], "client_secret_post", "post"],
      [["none"], undefined, "none"],
      [["client_secret_basic"], "none", "none"],
      [undefined, undefined, "basic"]
    ] as const
  ) {
    it.effect(`it shows itself by ${expected} where ${methods?.join(" and ") ?? "nothing"} is taken and it is registered for ${method ?? "none in particular"}`, () =>
      Effect.gen(function*() {
        const there = world.make()
        server(there, { token_endpoint_auth_methods_supported: methods })
        there.registration = {
          client_secret: "s3:cr%et/ü",
          ...(method === undefined ? undefined : { token_endpoint_auth_method: method })
        }
        assert.strictEqual(yield* login(there), "in")
        const { headers, params } = there.seen.at(-1)!
        const shown = headers.authorization === undefined
          ? params.client_secret === undefined ? "none" : "post"
          : "basic"
        assert.strictEqual(shown, expected)
        if (shown === "post") assert.strictEqual(params.client_secret, "s3:cr%et/ü")
        if (shown === "basic") {
          const [id, secret] = atob(headers.authorization!.slice(6)).split(":")
          assert.deepStrictEqual([id, secret], ["client-1", "s3%3Acr%25et%2F%C3%BC"])
        }
      }))
  }
})
