/** Clients by their ids, wherever they are known from. */
import { assert, describe, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as clients from "../../../src/oauth/server/clients.ts"
import { registrations } from "../../../src/oauth/server/records.ts"
import * as secrets from "../../../src/oauth/server/secrets.ts"
import * as world from "./world.ts"

const address = "https://app.example/client.json"

const layer = Layer.mergeAll(OAuthStore.layerMemory(), SecureRandom.layerWebCrypto, Digest.layerWebCrypto)

const known = (configured: ReadonlyArray<Client.Options>, takesDocuments = true) =>
  Effect.gen(function*() {
    const store = yield* OAuthStore.OAuthStore
    const text = JSON.stringify({ client_id: address, redirect_uris: [world.redirectUri] })
    return yield* clients.make({
      configured,
      store,
      secrets: yield* secrets.make,
      fetch: {
        fetch: () => Effect.succeed({ status: 200, headers: Headers.empty, text }),
        check: (url) => Effect.succeed(new URL(url))
      },
      takesDocuments
    })
  })

describe("clients", () => {
  it.effect("show who they are by what they have, unless something else is said", () =>
    Effect.gen(function*() {
      const secret = Redacted.make(world.secret)
      const find = yield* known([
        { id: "public" },
        { id: "secret", secret },
        { id: "posts", secret, authentication: "client_secret_post" },
        { id: "keys", keys: [] },
        { id: "jwks", jwksUri: "https://app.example/jwks" }
      ])
      const methods = yield* Effect.forEach(["public", "secret", "posts", "keys", "jwks"], (id) =>
        Effect.map(find(id), (client) => client?.authentication))
      assert.deepStrictEqual(methods, [
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "private_key_jwt"
      ])
      const client = yield* find("secret")
      assert.match(client!.secretHash!, /^[\w-]{43}$/u)
      assert.notInclude(JSON.stringify(client), world.secret)
      assert.deepInclude(client, {
        origin: "configured",
        grantTypes: ["authorization_code", "refresh_token"],
        isFirstParty: false,
        introspects: []
      })
    }).pipe(Effect.provide(layer, { local: true })))

  it.effect("are those that are configured first, and nobody else can take their id", () =>
    Effect.gen(function*() {
      const store = yield* OAuthStore.OAuthStore
      const metadata = { redirect_uris: [world.redirectUri] }
      for (const id of ["app", "stranger"]) {
        yield* store.putOnce(registrations.key(id), registrations.entry({ metadata }, 1000))
      }
      const find = yield* known([{ id: "app" }, { id: address, name: "Ours" }])
      const originOf = (id: string) => Effect.map(find(id), (client) => client?.origin)
      assert.strictEqual(yield* originOf("app"), "configured")
      assert.strictEqual(yield* originOf("stranger"), "registered")
      assert.strictEqual(yield* originOf(address), "configured")
      assert.isUndefined(yield* originOf("nobody"))
      assert.isUndefined(yield* originOf(""))
    }).pipe(Effect.provide(layer, { local: true })))

  it.effect("are known by a document where that is switched on", () =>
    Effect.gen(function*() {
      const on = yield* known([])
      assert.deepInclude(yield* on(address), { id: address, origin: "document", authentication: "none" })
      assert.strictEqual((yield* Effect.flip(on("http://app.example/client.json")))._tag, "Refusal")
      const off = yield* known([], false)
      assert.isUndefined(yield* off(address))
    }).pipe(Effect.provide(layer, { local: true })))
})
