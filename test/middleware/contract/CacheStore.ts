/** The laws of a `CacheStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import type { Backend } from "../../session/places.ts"

export type Store = CacheStore.CacheStore["Service"]

export const connect = (process: Layer.Layer<CacheStore.CacheStore, unknown>) =>
  Effect.map(Layer.build(process), Context.get(CacheStore.CacheStore))

export const suite = (
  name: string,
  { isShared, place, time }: Backend<CacheStore.CacheStore, CacheStore.Options>
): void => {
  const run = time === "virtual" ? it.effect : it.live
  const wait = time === "virtual" ? TestClock.adjust : Effect.sleep
  // Long enough for a use to be another one.
  const moment = time === "virtual" ? 1000 : 30
  const long = 3_600_000

  const bytes = (text: string) => new TextEncoder().encode(text).length

  const entry = (text: string, ...tags: ReadonlyArray<string>): CacheStore.Entry => ({
    text,
    bytes: bytes(text),
    ttlMillis: long,
    tags
  })

  const text = (store: Store, key: string) => Effect.map(store.get(key), (found) => found.text)

  /** As one keeps it who has just found that it is not there. */
  const keep = (store: Store, key: string, entry: CacheStore.Entry) =>
    Effect.flatMap(store.get(key), ({ epoch }) => store.put(key, entry, epoch))

  const law = (
    title: string,
    body: (store: Store) => Effect.Effect<void, unknown, Scope.Scope>,
    options: CacheStore.Options = {}
  ) =>
    run(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        yield* body(yield* connect(process(options)))
      })))

  describe(`A CacheStore ${name}`, () => {
    law(
      "has what was kept, for as long as it is good, and is not longer good for being read",
      (store) =>
        Effect.gen(function*() {
          const before = yield* store.get("a")
          assert.strictEqual(before.text, undefined)
          assert.strictEqual(before.age, 0)
          // Real time has room for a machine that is busy.
          const [life, part] = time === "virtual" ? [20_000, 4000] : [1500, 150]
          yield* store.put("a", { ...entry("{\"a\":1}"), ttlMillis: life }, before.epoch)
          yield* store.put("b", entry("b"), before.epoch)
          for (let age = part; age <= 4 * part; age += part) {
            yield* wait(part)
            const found = yield* store.get("a")
            assert.strictEqual(found.text, "{\"a\":1}")
            assert.strictEqual(found.epoch, before.epoch)
            if (time === "virtual") assert.strictEqual(found.age, age)
            else assert.isTrue(found.age >= age - 5 && found.age < life, `${found.age}`)
          }
          yield* wait(life - 4 * part + (time === "virtual" ? 0 : 5))
          assert.strictEqual(yield* text(store, "a"), undefined)
          assert.strictEqual(yield* text(store, "b"), "b")
          assert.deepInclude(yield* store.statistics, { entries: 1, bytes: 2, evicted: 0 })
        })
    )

    law("counts what is there, and what was found and was not", (store) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* store.statistics, { hits: 0, misses: 0, entries: 0, bytes: 0, evicted: 0 })
        yield* keep(store, "ab", entry("ä"))
        yield* store.get("ab")
        yield* store.get("ab")
        yield* keep(store, "never", { ...entry("never"), ttlMillis: 0 })
        assert.deepStrictEqual(yield* store.statistics, { hits: 2, misses: 2, entries: 1, bytes: 4, evicted: 0 })
        // It takes the place of what was there.
        yield* keep(store, "ab", entry("cde"))
        assert.strictEqual(yield* text(store, "ab"), "cde")
        assert.deepInclude(yield* store.statistics, { entries: 1, bytes: 5, evicted: 0 })
      }))

    law(
      "has no more than its entries, and lets the least recently used go",
      (store) =>
        Effect.gen(function*() {
          for (const key of ["a", "b", "c"]) {
            yield* keep(store, key, entry(key, "tag"))
            yield* wait(moment)
          }
          yield* store.get("a")
          yield* wait(moment)
          yield* keep(store, "d", entry("d"))
          assert.deepInclude(yield* store.statistics, { entries: 3, bytes: 6, evicted: 1 })
          const found = yield* Effect.forEach(["a", "b", "c", "d"], (key) => text(store, key))
          assert.deepStrictEqual(found, ["a", undefined, "c", "d"])
        }),
      { maxEntries: 3 }
    )

    law(
      "has no more than its bytes, in all and of one",
      (store) =>
        Effect.gen(function*() {
          yield* keep(store, "large", entry("x".repeat(41)))
          assert.strictEqual((yield* store.statistics).entries, 0)
          for (let index = 0; index < 10; index++) {
            yield* keep(store, `${index}`, entry("ä".repeat(20)))
            assert.isAtMost((yield* store.statistics).bytes, 100)
            yield* wait(moment)
          }
          assert.deepInclude(yield* store.statistics, { entries: 2, bytes: 82, evicted: 8 })
          assert.strictEqual(yield* text(store, "9"), "ä".repeat(20))
          yield* keep(store, "key".repeat(30), entry("x".repeat(11)))
          assert.strictEqual((yield* store.statistics).entries, 2)
        }),
      { maxBytes: 100, maxItemBytes: 40 }
    )

    law("forgets what has a tag, and does not keep what began before that", (store) =>
      Effect.gen(function*() {
        yield* keep(store, "a", entry("a", "one", "two"))
        yield* keep(store, "b", entry("b", "two", "one two"))
        yield* keep(store, "c", entry("c"))
        const { epoch } = yield* store.get("d")
        yield* store.invalidate("tw", "two ", "")
        assert.strictEqual((yield* store.statistics).entries, 3)
        yield* store.put("d", entry("d"), epoch)
        assert.strictEqual(yield* text(store, "d"), undefined)
        yield* keep(store, "d", entry("d", "three"))
        yield* store.invalidate("one", "three")
        const found = yield* Effect.forEach(["a", "b", "c", "d"], (key) => text(store, key))
        assert.deepStrictEqual(found, [undefined, "b", "c", undefined])
        assert.deepInclude(yield* store.statistics, { entries: 2, bytes: 4, evicted: 0 })
        yield* store.invalidate("two")
        assert.strictEqual(yield* text(store, "b"), undefined)
        assert.strictEqual(yield* text(store, "c"), "c")
      }))

    law("has other tags when it has another entry", (store) =>
      Effect.gen(function*() {
        yield* keep(store, "a", entry("1", "one"))
        yield* keep(store, "a", entry("2", "two", "two"))
        yield* store.invalidate("one")
        assert.strictEqual(yield* text(store, "a"), "2")
        yield* store.invalidate("two")
        assert.strictEqual(yield* text(store, "a"), undefined)
      }))

    law("forgets all, and what was begun before that", (store) =>
      Effect.gen(function*() {
        for (const key of ["a", "b"]) yield* keep(store, key, entry(key, "tag"))
        const { epoch } = yield* store.get("c")
        yield* store.clear
        yield* store.put("c", entry("c"), epoch)
        assert.deepInclude(yield* store.statistics, { entries: 0, bytes: 0 })
        yield* keep(store, "a", entry("again"))
        assert.strictEqual(yield* text(store, "a"), "again")
      }))

    law("takes any text for a key and a tag", (store) =>
      Effect.gen(function*() {
        const texts = [
          "",
          " ",
          "a b",
          "a  b",
          "\u0000",
          "\ud800",
          "\ufffd",
          "ä😀",
          "'); DROP TABLE cache; --",
          "x".repeat(10_000),
          `${"x".repeat(10_000)}y`,
          "\"\"",
          "\"",
          "[(*"
        ]
        for (const [index, key] of texts.entries()) yield* keep(store, key, entry(`${index}`, key))
        for (const [index, key] of texts.entries()) assert.strictEqual(yield* text(store, key), `${index}`, key)
        for (const tag of texts) {
          const { entries } = yield* store.statistics
          yield* store.invalidate(tag)
          assert.strictEqual(yield* text(store, tag), undefined)
          assert.strictEqual((yield* store.statistics).entries, entries - 1, tag)
        }
      }))

    law("has the very text, whatever is in it", (store) =>
      Effect.gen(function*() {
        for (const value of ["ä😀\u2028", "\ud800\u0000\"\\", "x".repeat(500_000), { "": [null, 1e300, -0] }]) {
          yield* keep(store, "a", entry(JSON.stringify(value)))
          assert.strictEqual(yield* text(store, "a"), JSON.stringify(value))
        }
      }))

    run("cannot be without room", () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        for (const options of [{ maxEntries: 0 }, { maxBytes: 1.5 }, { maxItemBytes: NaN }]) {
          assert.strictEqual((yield* Effect.exit(connect(process(options))))._tag, "Failure")
        }
      })))

    if (!isShared) return

    const laws = (
      title: string,
      count: number,
      body: (stores: ReadonlyArray<Store>) => Effect.Effect<void, unknown, Scope.Scope>,
      options: CacheStore.Options = {}
    ) =>
      run(title, () =>
        Effect.scoped(Effect.gen(function*() {
          const process = yield* place
          yield* body(yield* Effect.forEach(Array.from({ length: count }), () => connect(process(options))))
        })), 30_000)

    laws("has for all processes what one has kept, until one forgets it", 2, ([one, two]) =>
      Effect.gen(function*() {
        yield* keep(one!, "a", entry("a", "tag"))
        yield* keep(two!, "b", entry("b", "tag"))
        for (const store of [one!, two!]) {
          for (const key of ["a", "b"]) assert.strictEqual(yield* text(store, key), key)
        }
        // Begun here, and forgotten there meanwhile.
        const { epoch } = yield* one!.get("c")
        yield* two!.invalidate("tag")
        for (const store of [one!, two!]) {
          for (const key of ["a", "b"]) assert.strictEqual(yield* text(store, key), undefined)
        }
        yield* one!.put("c", entry("c"), epoch)
        assert.strictEqual(yield* text(two!, "c"), undefined)
        yield* keep(two!, "c", entry("c"))
        yield* one!.clear
        assert.strictEqual(yield* text(two!, "c"), undefined)
        // What was found is counted where it was asked for.
        assert.deepStrictEqual(yield* one!.statistics, { hits: 2, misses: 4, entries: 0, bytes: 0, evicted: 0 })
      }))

    laws(
      "is one room for four processes that keep and forget at once, and counts it right",
      4,
      (stores) =>
        Effect.gen(function*() {
          yield* Effect.forEach(
            stores,
            (store) =>
              Effect.gen(function*() {
                for (let round = 0; round < 40; round++) {
                  const key = `${yield* Random.nextIntBetween(0, 20)}`
                  const length = yield* Random.nextIntBetween(1, 60)
                  yield* keep(store, key, entry("x".repeat(length), `tag ${length % 5}`))
                  if (round % 10 === 9) yield* store.invalidate(`tag ${round % 5}`)
                }
              }),
            { concurrency: "unbounded" }
          )
          const { bytes, entries } = yield* stores[0]!.statistics
          assert.isTrue(entries >= 1 && entries <= 8, `${entries}`)
          assert.isAtMost(bytes, 300)
          const found = yield* Effect.forEach(
            Array.from({ length: 21 }, (_, n) => `${n}`),
            (key) => Effect.map(text(stores[1]!, key), (text) => text === undefined ? 0 : key.length + text.length)
          )
          assert.strictEqual(found.filter((size) => size > 0).length, entries)
          assert.strictEqual(found.reduce((sum, size) => sum + size, 0), bytes)
          // And what it says is there is what makes room for the next.
          yield* wait(moment)
          for (let index = 0; index < 8; index++) {
            yield* keep(stores[index % 4]!, `new ${index}`, entry("y"))
            yield* wait(moment)
          }
          assert.deepInclude(yield* stores[0]!.statistics, { entries: 8, bytes: 48 })
        }),
      { maxEntries: 8, maxBytes: 300 }
    )
  })
}
