/** Goes shopping, in both eras, and exits with 1 if a middleware does not do its part. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { make } from "./server.ts"

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const reported: Array<string> = []
  const logged: Array<{ readonly text: string; readonly [annotation: string]: unknown }> = []
  const Log = Logger.layer([Logger.make(({ fiber, message }) => {
    logged.push({ text: String(message), ...fiber.getRef(References.CurrentLogAnnotations) })
  })])

  await Effect.gen(function*() {
    const client = yield* McpTest.client(make(reported).pipe(Layer.provide(Log)), { revision })
    const call = (name: string, args = {}, key = "key-1") => client.callTool(name, args, { meta: { "acme/key": key } })
    const text = Effect.map(
      call("greet", { name: "Eve", pin: "1234" }),
      ({ content: [first] }) => first?.type === "text" ? first.text : ""
    )

    // One's own: it supplies what the handler asks for, and refuses who has no shop.
    assert.equal(yield* text, "Welcome to Ada's, Eve!")
    const stranger = yield* Effect.flip(call("greet", { name: "Eve" }, "key-3"))
    assert.match(stranger.message, /This key belongs to no shop/)

    // ResponseLimit: a tool's result that is too large is a failure its caller can read.
    const large = yield* call("catalogue")
    assert.equal(large.isError, true)

    // Timeout.
    const late = yield* Effect.forkChild(call("forever"))
    assert.deepEqual(yield* Outcome.await(late), Outcome.cancelled("Timeout"))

    // ErrorHandling: what the shop is told, and what its client is.
    const stuck = yield* Effect.flip(call("broken"))
    assert.match(stuck.message, /Not now; the shop has been told/)
    assert.deepEqual(reported, ["greet: This key belongs to no shop.", "broken: Error: The drawer is stuck."])

    // Logging: an entry for each request, without what is secret.
    const calls = logged.filter(({ method }) => method === "tools/call")
    assert.deepEqual(calls.map(({ text, outcome }) => `${text} ${outcome}`), [
      "tools/call greet Ok",
      "tools/call greet Err",
      "tools/call catalogue Err",
      "tools/call forever Cancelled",
      "tools/call broken Err"
    ])
    assert.match(String(calls[0]!.params), /"name":"Eve"/)
    assert.doesNotMatch(JSON.stringify(logged), /1234/)

    // Timing: how long each tool took, as a metric, and a word about what was slow.
    assert.ok(logged.some(({ text }) => /^tools\/call forever took \d+ ms\.$/.test(text)))
    const metrics = yield* Metric.snapshot
    const timed = metrics.filter(({ id }) => id === "mcp.server.tool.duration")
    assert.ok(timed.length >= 4)
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: five calls, each with its entry in the log, and two that the shop was told of`)
}
