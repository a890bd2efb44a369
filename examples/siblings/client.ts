/** Has a report written, in both eras, and exits with 1 if it is not the expected one. */
import * as Effect from "effect/Effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Weather, write } from "./server.ts"

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const report = await Effect.gen(function*() {
    const client = yield* McpTest.client(Weather, { revision })
    const unknown = yield* client.call(write, { place: "Atlantis" })
    assert.equal(unknown, "The weather in Atlantis: Nobody knows. (Short sentences.)")
    return yield* client.call(write, { place: "Oslo" })
  }).pipe(Effect.scoped, Effect.runPromise)
  assert.equal(report, "The weather in Oslo: 4 degrees. (Short sentences.)")
  console.log(`${revision}: ${report}`)
}
