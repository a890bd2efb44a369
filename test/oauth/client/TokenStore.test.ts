import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redacted from "effect/Redacted"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import { suite } from "./contract/TokenStore.ts"

const key = Redacted.make("0123456789abcdef0123456789abcdef")

suite("in memory", () => Layer.fresh(TokenStore.layerMemory))

suite(
  "in a key-value store",
  () => Layer.fresh(Layer.provide(TokenStore.layerKeyValueStore, KeyValueStore.layerMemory))
)

suite("encrypted", () => Layer.fresh(TokenStore.encrypted({ key })(TokenStore.layerMemory)))

describe("encryption", () => {
  const kept = new Map<string, string>()
  const inner = Layer.succeed(TokenStore.TokenStore, {
    get: (key) => Effect.sync(() => kept.has(key) ? Redacted.make(kept.get(key)!) : undefined),
    set: (key, value) => Effect.sync(() => void kept.set(key, Redacted.value(value))),
    remove: (key) => Effect.sync(() => void kept.delete(key)),
    lock: () => Effect.void
  })
  const using = <A, E>(
    options: TokenStore.EncryptionOptions,
    body: (store: TokenStore.TokenStore["Service"]) => Effect.Effect<A, E>
  ) =>
    Effect.flatMap(TokenStore.TokenStore, body).pipe(
      Effect.provide(Layer.fresh(TokenStore.encrypted(options)(inner)), { local: true })
    )
  const read = (options: TokenStore.EncryptionOptions, key: string) =>
    Effect.map(using(options, (store) => store.get(key)), (found) => found && Redacted.value(found))
  const write = using({ key }, (store) => store.set("a", Redacted.make("s3cret")))

  it.effect("what is kept tells nothing, and not the same twice", () =>
    Effect.gen(function*() {
      yield* write
      const first = kept.get("a")!
      yield* write
      assert.notInclude(first, "s3cret")
      assert.notStrictEqual(first, kept.get("a"))
      assert.strictEqual(yield* read({ key }, "a"), "s3cret")
    }))

  it.effect("what was changed, moved to another key, or sealed with another secret is not there", () =>
    Effect.gen(function*() {
      yield* write
      const sealed = kept.get("a")!
      kept.set("b", sealed)
      assert.isUndefined(yield* read({ key }, "b"))
      assert.isUndefined(yield* read({ key: Redacted.make("another secret of thirty-two bytes") }, "a"))
      for (const broken of ["", "x", sealed.slice(1), `${sealed.slice(0, -2)}AA`, "{}"]) {
        kept.set("a", broken)
        assert.isUndefined(yield* read({ key }, "a"))
      }
    }))

  it.effect("a secret that is replaced opens what it has sealed", () =>
    Effect.gen(function*() {
      yield* write
      const next = Redacted.make("the next secret, of 32 bytes also")
      assert.strictEqual(yield* read({ key: next, previousKeys: [key] }, "a"), "s3cret")
    }))

  it.effect("a secret that is too short is told", () =>
    Effect.gen(function*() {
      const { reason } = yield* Effect.flip(read({ key: Redacted.make("short") }, "a"))
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "key" })
    }))
})
