/** The laws of a `TokenStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import type * as OAuthError from "fastmcp-effect/oauth/OAuthError"

const key = "token/https://mcp.acme.example/mcp?a=\"ü\" ../../x"

const value = (text: string) => Redacted.make(text)

export const suite = (name: string, layer: () => Layer.Layer<TokenStore.TokenStore, OAuthError.OAuthError>): void => {
  const law = (
    title: string,
    body: (
      store: TokenStore.TokenStore["Service"]
    ) => Effect.Effect<void, OAuthError.OAuthError, Scope.Scope>
  ) =>
    it.live(title, () =>
      Effect.gen(function*() {
        yield* body(yield* TokenStore.TokenStore)
      }).pipe(Effect.scoped, Effect.provide(layer())))

  const read = (store: TokenStore.TokenStore["Service"], key: string) =>
    Effect.map(store.get(key), (found) => found === undefined ? undefined : Redacted.value(found))

  describe(name, () => {
    law("gives back what was kept last, to the letter", (store) =>
      Effect.gen(function*() {
        assert.isUndefined(yield* read(store, key))
        yield* store.set(key, value("first"))
        yield* store.set(key, value("{\"a\": \"\u0000 ü \\ud83d\"}"))
        assert.strictEqual(yield* read(store, key), "{\"a\": \"\u0000 ü \\ud83d\"}")
      }))

    law("keeps keys apart that look alike", (store) =>
      Effect.gen(function*() {
        const keys = ["a/b", "a-b", "a/b/", "A/B", "a:b"]
        for (const key of keys) yield* store.set(key, value(key))
        for (const key of keys) assert.strictEqual(yield* read(store, key), key)
      }))

    law("forgets, also what it does not know", (store) =>
      Effect.gen(function*() {
        yield* store.set(key, value("kept"))
        yield* store.remove(key)
        yield* store.remove(key)
        assert.isUndefined(yield* read(store, key))
      }))

    law("says nothing of its values to whoever prints them", (store) =>
      Effect.gen(function*() {
        yield* store.set(key, value("s3cret"))
        assert.notInclude(`${String(yield* store.get(key))} ${JSON.stringify(yield* store.get(key))}`, "s3cret")
      }))

    law("gives a lock to one at a time", (store) =>
      Effect.gen(function*() {
        let inside = 0
        let most = 0
        const visit = Effect.scoped(Effect.gen(function*() {
          yield* store.lock(key)
          most = Math.max(most, ++inside)
          yield* Effect.sleep("2 millis")
          inside--
        }))
        yield* Effect.all(Array.from({ length: 10 }, () => visit), { concurrency: "unbounded" })
        assert.strictEqual(most, 1)
      }))

    law("has a lock for each key", (store) =>
      Effect.gen(function*() {
        yield* store.lock("one")
        yield* store.lock("two")
      }))

    law(
      "gives a lock on when its holder fails or is interrupted, and not to who has stopped waiting",
      (store) =>
        Effect.gen(function*() {
          const holder = yield* Scope.make()
          yield* Scope.provide(store.lock(key), holder)
          const waiting = yield* Effect.forkChild(Effect.scoped(Effect.andThen(store.lock(key), Effect.never)), {
            startImmediately: true
          })
          yield* Effect.sleep("5 millis")
          yield* Fiber.interrupt(waiting)
          yield* Scope.close(holder, Exit.void)
          yield* store.lock(key)
        })
    )

    law("may be written and read by who has its lock", (store) =>
      Effect.gen(function*() {
        yield* store.lock(key)
        yield* store.set(key, value("locked"))
        assert.strictEqual(yield* read(store, key), "locked")
      }))
  })
}
