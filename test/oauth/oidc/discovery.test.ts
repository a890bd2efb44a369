import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as server from "../server/world.ts"
import * as world from "./world.ts"

describe("discovery", () => {
  it.effect("says what OpenID Connect Discovery wants said, and what is so", () =>
    world.withProvider(Effect.gen(function*() {
      const caller = yield* server.caller
      const { json, status } = yield* caller.send("/.well-known/openid-configuration")
      assert.strictEqual(status, 200)
      assert.deepInclude(json, {
        issuer: server.issuer,
        authorization_endpoint: `${server.issuer}/authorize`,
        token_endpoint: `${server.issuer}/token`,
        userinfo_endpoint: `${server.issuer}/userinfo`,
        end_session_endpoint: `${server.issuer}/logout`,
        jwks_uri: `${server.issuer}/jwks`,
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256", "RS256", "EdDSA"],
        claims_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false
      })
      assert.includeMembers(json.scopes_supported, ["openid", "profile", "email", "work", "notes:read"])
      assert.includeMembers(json.claims_supported, ["sub", "name", "email_verified", "department"])
      for (const [name, value] of Object.entries(json)) {
        if (!name.endsWith("_endpoint") && name !== "jwks_uri") continue
        assert.notStrictEqual((yield* caller.send(String(value))).status, 404, name)
      }
      assert.deepStrictEqual((yield* caller.send("/.well-known/oauth-authorization-server")).json, json)
    })))

  it.effect("is where either standard puts it, for an issuer with a path", () =>
    world.withProvider(
      Effect.gen(function*() {
        const { send } = yield* server.caller
        for (
          const path of ["/tenant/.well-known/openid-configuration", "/.well-known/openid-configuration/tenant"]
        ) {
          const { json, status } = yield* send(path)
          assert.deepStrictEqual([status, json.issuer], [200, "https://auth.example/tenant"])
          assert.strictEqual(json.userinfo_endpoint, "https://auth.example/tenant/userinfo")
        }
      }),
      { issuer: "https://auth.example/tenant" }
    ))

  it.effect("is of a provider without any resources too", () =>
    world.withProvider(
      Effect.gen(function*() {
        const caller = yield* server.caller
        const { access_token, id_token } = yield* world.tokens(caller, { resource: undefined })
        yield* world.verify(caller, id_token)
        assert.strictEqual((yield* world.userInfo(caller, access_token)).status, 200)
      }),
      { resources: [] }
    ))
})
