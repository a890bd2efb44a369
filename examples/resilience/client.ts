/** Asks while the upstream is well, stumbles, is down, and is slow; exits with 1 if it is not spared as it should be. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { price, Prices, Upstream } from "./server.ts"

const busy = McpError.make(new McpError.Overloaded({ message: "The upstream is busy." }))

await Effect.gen(function*() {
  let asked = 0
  let failures = 0
  const door = yield* Deferred.make<void>()
  const upstream = Layer.succeed(Upstream, {
    fetch: (item: string) =>
      Effect.suspend(() => {
        asked++
        if (failures-- > 0) return Effect.fail(busy)
        return item === "slow" ? Effect.as(Deferred.await(door), "at last") : Effect.succeed(`${item}: 3 euros`)
      })
  })
  const client = yield* McpTest.client(Prices.pipe(Layer.provide(upstream)))
  const ask = (item: string) => client.call(price, { item })

  // Retry: it stumbles twice, and nobody notices.
  failures = 2
  assert.equal(yield* ask("chair"), "chair: 3 euros")
  assert.equal(asked, 3)
  console.log("stumbled twice: answered at the third try")

  // CircuitBreaker: two calls have failed three times each, and it is left alone for a while.
  failures = Infinity
  asked = 0
  yield* Effect.flip(ask("chair"))
  yield* Effect.flip(ask("chair"))
  assert.equal(asked, 6)
  const { reason } = yield* Effect.flip(ask("chair"))
  assert.equal(asked, 6)
  assert.ok(reason._tag === "Overloaded" && reason.retryAfter !== undefined)
  failures = 0
  yield* Effect.sleep(reason.retryAfter + 20)
  assert.equal(yield* ask("chair"), "chair: 3 euros")
  console.log("down: refused without asking, and well again after a rest")

  // Bulkhead: two at once, one waits, and the fourth is not kept waiting.
  const slow = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(ask("slow"), { startImmediately: true }))
  yield* McpTest.settle
  const full = yield* Effect.flip(ask("chair"))
  assert.match(full.message, /As many requests are being answered/)
  yield* Deferred.succeed(door, undefined)
  assert.deepEqual(yield* Effect.forEach(slow, Fiber.join), ["at last", "at last", "at last"])
  assert.equal(yield* ask("chair"), "chair: 3 euros")
  console.log("slow: two at once, one in the queue, the fourth refused")
}).pipe(Effect.scoped, Effect.runPromise)
