import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Json } from "../../../src/protocol/JsonRpc.ts"
import { canonical } from "../../../src/server/internal/canonicalJson.ts"
import { withoutEscapedKeys } from "../../support/json.ts"

const json: Arbitrary.Arbitrary<Json> = Arbitrary.map(Arbitrary.schema(Schema.Json), withoutEscapedKeys)

/** The same value with its members put in the other way round. */
const reversed = (value: any): any => {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).reverse().map(([name, member]) => [name, reversed(member)]))
}

/** What JSON keeps of a value. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe("canonicalJson", () => {
  it("orders members by their names at every depth, and leaves arrays as they are", () => {
    assert.strictEqual(
      canonical({ b: [{ d: 1, c: 2 }, "z", "a"], a: { f: null, e: true } }),
      `{"a":{"e":true,"f":null},"b":[{"c":2,"d":1},"z","a"]}`
    )
  })

  it("orders names by UTF-16 code units, as RFC 8785 has it", () => {
    const names = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"]
    const text = canonical(Object.fromEntries(names.map((name) => [name, 0])))
    assert.deepStrictEqual(
      [...text.matchAll(/"([^"]+)":/gu)].map(([, name]) => JSON.parse(`"${name}"`)),
      ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"]
    )
  })

  it("leaves out members that are undefined, and keeps ones that are null", () => {
    assert.strictEqual(canonical({ b: undefined, a: null, c: { d: undefined } }), `{"a":null,"c":{}}`)
  })

  it("takes __proto__ for a name like any other", () => {
    const sent = JSON.parse(`{"z":1,"__proto__":{"y":2,"x":3}}`) as Json
    assert.strictEqual(canonical(sent), `{"__proto__":{"x":3,"y":2},"z":1}`)
  })

  it("tells lone surrogates apart", () => {
    assert.notStrictEqual(canonical("\ud800"), canonical("\ud801"))
    assert.isTrue(canonical(["\ud800", { "\udc00": 1 }]).isWellFormed())
  })

  it("makes what JSON.stringify makes of a value without members", () => {
    for (const value of [null, true, false, "", "\"\\\u2028", 0, -0, 1e21, 5e-324, 0.1, [], [[]], {}, "😀"]) {
      assert.strictEqual(canonical(value), JSON.stringify(value))
    }
  })

  it.effect.prop(
    "is JSON of the same value, whatever the order of members",
    [json],
    ([value]) =>
      Effect.sync(() => {
        const text = canonical(value)
        assert.deepStrictEqual(JSON.parse(text), plain(value))
        assert.strictEqual(canonical(reversed(value)), text)
        assert.strictEqual(canonical(JSON.parse(text)), text)
      }),
    { arbitrary: { runs: 300 } }
  )

  it.effect.prop(
    "differs for values that differ",
    [Arbitrary.array(json, { minLength: 2, maxLength: 8 })],
    ([values]) =>
      Effect.sync(() => {
        for (const one of values) {
          for (const other of values) {
            let same = true
            try {
              assert.deepStrictEqual(plain(one), plain(other))
            } catch {
              same = false
            }
            assert.strictEqual(canonical(one) === canonical(other), same)
          }
        }
      }),
    { arbitrary: { runs: 100 } }
  )
})
