/** Uses both servers through the one they are mounted in, in both eras, and exits with 1 if an answer is not as expected. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Acme, Journal } from "./server.ts"

const textOf = (result: { readonly content: ReadonlyArray<{ readonly type: string }> }) => {
  const [block] = result.content
  return block !== undefined && "text" in block ? block.text : undefined
}

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const seen: Array<string> = []
  await Effect.gen(function*() {
    const client = yield* McpTest.client(Acme.pipe(Layer.provide(Layer.succeed(Journal, seen))), {
      revision,
      answers: { elicit: () => Effect.succeed({ action: "accept", content: { city: "Oslo" } }) }
    })
    const tools = yield* client.listTools
    assert.deepEqual(tools.map(({ name }) => name), ["forecast", "umbrella", "book"])
    assert.equal(textOf(yield* client.callTool("umbrella", { city: "Oslo" })), "true")
    assert.equal(textOf(yield* client.callTool("book")), "Booked for Oslo")
    const { contents: [stations] } = yield* client.readResource("weather:///stations")
    assert.ok(stations !== undefined && "text" in stations && stations.text === "north, south")
  }).pipe(Effect.scoped, Effect.runPromise)
  assert.deepEqual(seen, ["umbrella", "forecast"])
  console.log(`${revision}: ${seen.join(", ")}`)
}
