/** Calls with and without asking for progress and logs, in both eras; exits with 1 if it hears what it did not ask for. */
import * as Effect from "effect/Effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { index, Indexer } from "./server.ts"

const files = ["a.ts", "logo.png", "b.ts"]

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const listening = yield* McpTest.client(Indexer, { revision, logLevel: "info" })
    assert.deepEqual(yield* listening.call(index, { files }, { progressToken: "p" }), { indexed: 2 })

    const heard = yield* listening.notifications
    const progress = heard.filter(({ method }) => method === "notifications/progress").map(({ params }) => params)
    assert.deepEqual(progress, [
      { progressToken: "p", progress: 0, total: 3, message: "a.ts" },
      { progressToken: "p", progress: 1, total: 3, message: "logo.png" },
      { progressToken: "p", progress: 2, total: 3, message: "b.ts" },
      { progressToken: "p", progress: 3, total: 3 }
    ])
    const logs = heard.filter(({ method }) => method === "notifications/message").map(({ params }) => params)
    assert.deepEqual(logs, [
      { level: "warning", logger: "indexer", data: { skipped: "logo.png" } },
      { level: "info", data: { message: "All done", annotations: { indexed: 2 } } }
    ])
  }).pipe(Effect.scoped, Effect.runPromise)

  // Who asks for nothing hears nothing that is not meant for everybody.
  await Effect.gen(function*() {
    const deaf = yield* McpTest.client(Indexer, { revision, ...revision === "2025-11-25" ? { logLevel: "error" } : {} })
    assert.deepEqual(yield* deaf.call(index, { files }), { indexed: 2 })
    assert.deepEqual(yield* deaf.notifications, [])
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: four steps, two messages`)
}
