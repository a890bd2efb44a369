import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Completion from "fastmcp-effect/definition/Completion"

class Names extends Context.Service<Names, ReadonlyArray<string>>()("test/definition/Completion/Names") {}

const values = (completer: Completion.Completer, value: string) =>
  Effect.map(Completion.respond(completer, value), ({ completion }) => completion)

describe("a list of candidates", () => {
  it.effect("gives what begins with the value, then what contains it, in any case and in its order", () =>
    Effect.gen(function*() {
      const all = ["Berlin", "Aberdeen", "bern", "Paris", "LIBERTY"]
      assert.deepStrictEqual(yield* Completion.run(all, "BER"), ["Berlin", "bern", "Aberdeen", "LIBERTY"])
      assert.deepStrictEqual(yield* Completion.run(all, ""), all)
      assert.deepStrictEqual(yield* Completion.run(all, "x"), [])
    }))
})

describe("a completer", () => {
  it.effect("gets the value and what has been filled in, and its order stands", () =>
    Effect.gen(function*() {
      const completer: Completion.Completer = (value, { arguments: known }) =>
        Effect.succeed([`${known["owner"] ?? "nobody"}/${value}`, "unrelated"])
      assert.deepStrictEqual(yield* Completion.run(completer, "a", { arguments: { owner: "ann" } }), [
        "ann/a",
        "unrelated"
      ])
      assert.deepStrictEqual(yield* Completion.run(completer, "a"), ["nobody/a", "unrelated"])
    }))

  it.effect("may need services", () =>
    Effect.gen(function*() {
      const needy = Completion.respond(() => Names, "")
      assert.deepStrictEqual(yield* Effect.provideService(needy, Names, ["a"]), { completion: { values: ["a"] } })
    }))

  it.effect("that throws dies", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Completion.run(() => {
        throw new Error("a bug")
      }, ""))
      assert.isTrue(exit._tag === "Failure" && exit.cause.reasons[0]?._tag === "Die")
    }))
})

describe("a result", () => {
  const many = (length: number) => Array.from({ length }, (_, index) => `v${index}`)

  it.effect("holds 100 values at most, and says how many there are when it is not all", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* values(many(100), "v"), { values: many(100) })
      assert.deepStrictEqual(yield* values(many(101), "v"), { values: many(100), total: 101, hasMore: true })
      assert.deepStrictEqual(yield* values(many(5000), "v9"), {
        values: many(5000).filter((value) => value.startsWith("v9")).slice(0, 100),
        total: 111,
        hasMore: true
      })
      assert.deepStrictEqual(yield* values([], ""), { values: [] })
    }))
})

describe("a question about one argument", () => {
  const target = { names: ["city", "toString"], complete: { city: ["Bern"] }, label: "The prompt \"trip\"" }

  it.effect("is answered by its completer, and with nothing where there is none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Completion.respondFor(target, { name: "city", value: "b" }), {
        completion: { values: ["Bern"] }
      })
      assert.deepStrictEqual(yield* Completion.respondFor(target, { name: "toString", value: "b" }), {
        completion: { values: [] }
      })
    }))

  it.effect("about an argument that is not there is refused, and told what is", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Completion.respondFor(target, { name: "town", value: "" }))
      assert.strictEqual(error.reason._tag, "InvalidParams")
      assert.strictEqual(error.message, "The prompt \"trip\" has no argument \"town\"; it has city, toString")
      const none = yield* Effect.flip(Completion.respondFor({ ...target, names: [] }, { name: "town", value: "" }))
      assert.strictEqual(none.message, "The prompt \"trip\" has no argument \"town\"; it has none")
    }))
})
