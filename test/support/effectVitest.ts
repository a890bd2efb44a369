/**
 * `@effect/vitest` for our own tests: every `it.effect` also checks that no fiber outlives its scope. vitest.config.ts
 * puts this module in its place.
 */
import type * as Effect from "effect/Effect"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import { it as original } from "../../node_modules/@effect/vitest/dist/index.js"

export * from "../../node_modules/@effect/vitest/dist/index.js"

type Body = (...args: Array<any>) => Effect.Effect<any, any, any>

const effect = new Proxy(original.effect, {
  apply: (tester, self, [name, body, options]: [string, Body, unknown]) =>
    Reflect.apply(tester, self, [name, (...args: Array<any>) => Leaks.check(body(...args)), options])
})

export const it: typeof original = new Proxy(original, {
  get: (target, key, receiver) => key === "effect" ? effect : Reflect.get(target, key, receiver)
})
