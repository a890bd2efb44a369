/** Grants in which nobody is asked: what goes to whom. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as ClientCredentials from "fastmcp-effect/oauth/client/ClientCredentials"
import * as EnterpriseManaged from "fastmcp-effect/oauth/client/EnterpriseManaged"
import * as OAuthClient from "fastmcp-effect/oauth/client/OAuthClient"
import * as WorkloadIdentity from "fastmcp-effect/oauth/client/WorkloadIdentity"
import type * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as jose from "jose"
import * as world from "./world.ts"

const { address, issuer, refusal } = world

const provider = "https://idp.corp.example"

type Grant = OAuthClient.Options<never>["grant"]

const run = <A, E>(
  grant: Grant,
  there: world.World,
  body: (client: OAuthClient.OAuthClient) => Effect.Effect<A, E>
) => Effect.flatMap(OAuthClient.make({ address, grant }), body).pipe(Effect.scoped, Effect.provide(there.layer))

const getIn = (grant: Grant, there: world.World): Effect.Effect<void, OAuthError.OAuthError> =>
  run(grant, there, ({ refused }) => refused(refusal(undefined, { isWaitedFor: false })))

const tokenRequests = (there: world.World) => there.seen.filter(({ url }) => url.endsWith("/token"))

describe("the company's word (ID-JAG)", () => {
  const grant = (tokenEndpoint?: string) =>
    EnterpriseManaged.make({
      credentials: { clientId: "app", clientSecret: Redacted.make("of the app") },
      identityProvider: {
        issuer: provider,
        ...(tokenEndpoint === undefined ? undefined : { tokenEndpoint }),
        credentials: { clientId: "app-at-idp" },
        idToken: Effect.succeed(Redacted.make("id-token"))
      }
    })

  it.effect("goes from the identity provider to the authorization server, and nothing else does", () =>
    Effect.gen(function*() {
      const there = world.make()
      yield* getIn(grant(`${provider}/token`), there)
      const [first, second] = tokenRequests(there)
      assert.strictEqual(first?.url, `${provider}/token`)
      assert.deepInclude(first?.params, {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        requested_token_type: "urn:ietf:params:oauth:token-type:id-jag",
        audience: issuer,
        resource: address.href,
        scope: "notes:read",
        subject_token: "id-token",
        subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
        client_id: "app-at-idp"
      })
      assert.isUndefined(first?.headers.authorization)
      assert.strictEqual(second?.url, `${issuer}/token`)
      assert.deepInclude(second?.params, {
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion: "access-1",
        resource: address.href
      })
      assert.strictEqual(atob(second?.headers.authorization?.slice(6) ?? ""), "app:of+the+app")
      assert.notInclude(JSON.stringify(second), "id-token")
    }))

  it.effect("the provider's endpoint is found where it is not given", () =>
    Effect.gen(function*() {
      const there = world.make()
      there.documents[`${provider}/.well-known/openid-configuration`] = {
        issuer: provider,
        token_endpoint: `${provider}/oauth2/token`
      }
      yield* getIn(grant(), there)
      assert.strictEqual(tokenRequests(there)[0]?.url, `${provider}/oauth2/token`)
      there.documents[`${provider}/.well-known/openid-configuration`] = undefined
      const { reason } = yield* Effect.flip(getIn(grant(), world.make()))
      assert.deepInclude(reason, { _tag: "NotSupported", issuer: provider })
    }))
})

describe("the platform's word", () => {
  it.effect("is asked for by issuer, each time, and a refusal of it is final", () =>
    Effect.gen(function*() {
      const there = world.make()
      const asked: Array<string> = []
      const grant = WorkloadIdentity.make({
        clientId: "indexer",
        assertion: (issuer) =>
          Effect.sync(() => {
            asked.push(issuer)
            return Redacted.make(`word-${asked.length}`)
          })
      })
      yield* run(grant, there, (client) =>
        Effect.gen(function*() {
          yield* client.refused(refusal(undefined, { isWaitedFor: false }))
          yield* TestClock.adjust("3580 seconds")
          yield* client.current
          there.refusals.push({ status: 400, error: "invalid_grant" }, { status: 400, error: "invalid_grant" })
          const { reason } = yield* Effect.flip(client.refused(refusal(yield* client.current)))
          assert.deepInclude(reason, { _tag: "Refused", code: "invalid_grant" })
        }))
      assert.deepStrictEqual(
        tokenRequests(there).map(({ params }) => [params.grant_type, params.assertion, params.client_id]),
        asked.map((_, i) => ["urn:ietf:params:oauth:grant-type:jwt-bearer", `word-${i + 1}`, "indexer"])
      )
      assert.deepStrictEqual([...new Set(asked)], [issuer])
    }))
})

describe("a key of the program's own", () => {
  it.effect("signs for one issuer and one minute", () =>
    Effect.gen(function*() {
      const { privateKey, publicKey } = yield* Effect.promise(() =>
        jose.generateKeyPair("ES256", { extractable: true })
      )
      for (
        const key of [
          yield* Effect.promise(() => jose.exportPKCS8(privateKey)),
          yield* Effect.promise(() => jose.exportJWK(privateKey))
        ]
      ) {
        const there = world.make()
        yield* getIn(
          ClientCredentials.make({
            clientId: "nightly",
            signingKey: { key: Redacted.make(key), algorithm: "ES256", id: "k1" }
          }),
          there
        )
        const { params } = tokenRequests(there)[0]!
        assert.strictEqual(params.client_assertion_type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        const { payload, protectedHeader } = yield* Effect.promise(() =>
          jose.jwtVerify(params.client_assertion!, publicKey, { audience: issuer, currentDate: new Date(0) })
        )
        assert.deepInclude(payload, { iss: "nightly", sub: "nightly", iat: 0, exp: 60, aud: issuer })
        assert.isString(payload.jti)
        assert.strictEqual(protectedHeader.kid, "k1")
      }
    }))

  it.effect("that is none is told, without the key", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(getIn(
        ClientCredentials.make({
          clientId: "nightly",
          signingKey: { key: Redacted.make("-----BEGIN PRIVATE KEY----- s3cret"), algorithm: "ES256" }
        }),
        world.make()
      ))
      assert.deepInclude(error.reason, { _tag: "InvalidOption", option: "signingKey" })
      assert.notInclude(JSON.stringify(error), "s3cret")
    }))
})
