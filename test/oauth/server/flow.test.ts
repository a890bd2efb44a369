/** The way from a browser to tokens, and what comes after. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as world from "./world.ts"

describe("AuthorizationServer", () => {
  it.effect("gives a code, tokens for it, and the next tokens", () =>
    world.withServer(Effect.gen(function*() {
      const { send } = yield* world.caller
      const { location, status } = yield* send(world.authorizePath())
      assert.strictEqual(status, 303)
      assert.strictEqual(location!.origin + location!.pathname, world.redirectUri)
      assert.deepStrictEqual([...location!.searchParams.keys()], ["code", "state", "iss"])
      assert.strictEqual(location!.searchParams.get("iss"), world.issuer)
      const first = yield* send("/token", world.exchange(location!.searchParams.get("code")!))
      assert.strictEqual(first.status, 200)
      assert.deepInclude(first.json, { token_type: "Bearer", expires_in: 300, scope: "notes:read notes:write" })
      assert.strictEqual(first.headers.get("cache-control"), "no-store")
      const refresh = (token: string) =>
        send("/token", { form: { grant_type: "refresh_token", client_id: "app", refresh_token: token } })
      const second = yield* refresh(first.json.refresh_token)
      assert.strictEqual(second.status, 200)
      assert.notStrictEqual(second.json.refresh_token, first.json.refresh_token)
      const introspect = (token: string) =>
        Effect.map(
          send("/introspect", {
            form: { token },
            headers: { authorization: `Basic ${btoa(`backend:${encodeURIComponent(world.secret)}`)}` }
          }),
          ({ json }) => json.active
        )
      assert.strictEqual(yield* introspect(second.json.access_token), true)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* introspect(second.json.access_token), false)
      const third = yield* refresh(second.json.refresh_token)
      assert.strictEqual(yield* introspect(third.json.access_token), true)
      // The first refresh token was used long ago: whoever brings it now has stolen it, or was stolen from.
      const replayed = yield* refresh(first.json.refresh_token)
      assert.deepStrictEqual([replayed.status, replayed.json.error], [400, "invalid_grant"])
      assert.strictEqual(yield* introspect(third.json.access_token), false)
      assert.strictEqual((yield* refresh(third.json.refresh_token)).json.error, "invalid_grant")
    })))

  it.effect("says of itself what is so", () =>
    world.withServer(Effect.gen(function*() {
      const { send } = yield* world.caller
      const { json } = yield* send("/.well-known/oauth-authorization-server")
      assert.strictEqual(json.issuer, world.issuer)
      assert.strictEqual(json.registration_endpoint, undefined)
      assert.strictEqual(json.client_id_metadata_document_supported, true)
      assert.strictEqual((yield* send("/jwks")).json.keys.length, 1)
    })))
})
