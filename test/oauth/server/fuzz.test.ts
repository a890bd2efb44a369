import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fuzz from "./fuzz.ts"

describe("whatever comes", () => {
  it.effect("the server neither breaks nor sends a browser elsewhere", () =>
    Effect.gen(function*() {
      const { answered, failures } = yield* fuzz.requests({ seed: 1, runs: 2000 })
      assert.deepStrictEqual(failures, [])
      for (const status of [200, 303, 400, 401]) assert.isAbove(answered.get(status) ?? 0, 20, `${status}`)
    }), 60_000)

  it("no address is taken for another", () => {
    assert.deepStrictEqual(fuzz.addresses({ seed: 1, runs: 50_000 }), [])
    const loose = fuzz.addresses({ seed: 1, runs: 50_000 }, (registered, given) => given.startsWith(registered))
    assert.isAbove(loose.length, 100)
  })
})
