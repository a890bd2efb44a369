import { assert, describe, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as steps from "./steps.ts"
import * as world from "./world.ts"

const { client } = world

const request: Consent.Request = {
  client,
  redirectUri: world.redirectUri,
  resource: world.resource,
  scopes: ["read", "write"],
  subject: "anna",
  isWanted: false
}

const withConsent = <A, E>(
  test: (
    consent: Consent.Consent["Service"],
    written: ReturnType<typeof steps.watched>["written"]
  ) => Effect.Effect<A, E>,
  options?: Consent.Options
) => {
  const { store, written } = steps.watched()
  return Effect.flatMap(Consent.Consent, (consent) => test(consent, written)).pipe(
    Effect.provide(Consent.layer(options).pipe(Layer.provide(store), Layer.provide(Digest.layerWebCrypto)), {
      local: true
    })
  )
}

describe("Consent", () => {
  it.effect("A11: is what was said of the same request, whatever the order of its scopes", () =>
    withConsent(({ isGiven, remember }) =>
      Effect.gen(function*() {
        assert.isFalse(yield* isGiven(request))
        yield* remember(request)
        assert.isTrue(yield* isGiven(request))
        assert.isTrue(yield* isGiven({ ...request, scopes: ["write", "read"] }))
        const others: ReadonlyArray<Partial<Consent.Request>> = [
          { client: { ...client, id: "other" } },
          { redirectUri: "https://app.example/other" },
          { resource: "https://mail.example/mcp" },
          { scopes: ["read"] },
          { scopes: ["read", "write", "purge"] },
          { scopes: ["read write"] },
          { scopes: [] },
          { subject: "ben" },
          { subject: undefined },
          { isWanted: true }
        ]
        for (const own of others) assert.isFalse(yield* isGiven({ ...request, ...own }), JSON.stringify(own))
      })
    ))

  it.effect("A11: is not remembered of a client that nobody has looked at, nor of a user who is not known yet", () =>
    withConsent(({ isGiven, remember }, written) =>
      Effect.gen(function*() {
        const others: ReadonlyArray<Partial<Consent.Request>> = [
          { client: { ...client, origin: "registered" } },
          { client: { ...client, origin: "document" } },
          { subject: undefined }
        ]
        for (const own of others) {
          yield* remember({ ...request, ...own })
          assert.isFalse(yield* isGiven({ ...request, ...own }))
        }
        // Nor is what somebody has said of another of this id.
        yield* remember(request)
        assert.isFalse(yield* isGiven({ ...request, ...others[1] }))
        assert.strictEqual(written.length, 1)
      })
    ))

  it.effect("A11: is remembered for 90 days from when it was last said, or for as long as one wants", () =>
    Effect.gen(function*() {
      yield* withConsent(({ isGiven, remember }) =>
        Effect.gen(function*() {
          yield* remember(request)
          yield* TestClock.adjust("60 days")
          yield* remember(request)
          yield* TestClock.adjust("7775999 seconds")
          assert.isTrue(yield* isGiven(request))
          yield* TestClock.adjust("1 second")
          assert.isFalse(yield* isGiven(request))
        })
      )
      yield* withConsent(({ isGiven, remember }) =>
        Effect.gen(function*() {
          yield* remember(request)
          yield* TestClock.adjust("59999 millis")
          assert.isTrue(yield* isGiven(request))
          yield* TestClock.adjust("1 millis")
          assert.isFalse(yield* isGiven(request))
        }), { remember: "1 minute" })
      yield* withConsent(({ isGiven, remember }, written) =>
        Effect.gen(function*() {
          yield* remember(request)
          assert.isFalse(yield* isGiven(request))
          assert.deepStrictEqual(written, [])
        }), { remember: 0 })
    }))

  it.effect("is kept without names", () =>
    withConsent(({ remember }, written) =>
      Effect.gen(function*() {
        yield* remember(request)
        const all = JSON.stringify(written)
        for (const name of ["anna", "notes", "app.example", "acme.example"]) assert.notInclude(all, name)
      })
    ))
})
