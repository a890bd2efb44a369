/**
 * Asking a client for its roots.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Ask, Roots } from "fastmcp-effect/context"
import { onConnection, reasonOf } from "./answering.ts"

it("The roots are asked for without params, of a client that has roots", () => {
  const { decode: _, ...rest } = Roots.list
  assert.deepStrictEqual(rest, { method: "roots/list", params: {}, requires: { roots: {} } })
})

it.effect("The answer is the list alone", () =>
  Effect.gen(function*() {
    const roots = [{ uri: "file:///a" }, { uri: "file:///b", name: "B", _meta: { "example.com/x": 1 } }]
    assert.deepStrictEqual(yield* onConnection(Roots.ask("roots"), { roots: { roots } }), roots)
    assert.deepStrictEqual(yield* onConnection(Ask.one("roots", Roots.list), { roots: { roots: [] } }), [])
  }))

it.effect("An answer that is no list of roots says what is wrong with it", () =>
  Effect.gen(function*() {
    const cases: ReadonlyArray<readonly [unknown, string]> = [
      [{}, "roots: Missing key"],
      [{ roots: [{ name: "a" }] }, "roots.0.uri: Missing key"],
      [null, "Expected object"]
    ]
    for (const [roots, text] of cases) {
      assert.deepStrictEqual(yield* reasonOf(onConnection(Roots.ask("roots"), { roots })), {
        _tag: "InvalidAnswer",
        key: "roots",
        text
      })
    }
  }))
