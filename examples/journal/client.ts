/**
 * Records the old shop's traffic over HTTP into a file, looks for the card's number in it, and asks both versions the same
 * again. Exits with 1 if the old one differs, the new one does not, or the number is in the journal.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Journal from "fastmcp-effect/middleware/Journal"
import * as JournalEntry from "fastmcp-effect/middleware/JournalEntry"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as Replay from "fastmcp-effect/testing/Replay"
import assert from "node:assert/strict"
import { New, Old } from "./server.ts"

const card = "4111-1111-1111-1111"

const visit = Effect.gen(function*() {
  const client = yield* McpClient.McpClient
  for (const item of ["tea", "bread", "butter"]) yield* client.callTool("price", { item })
  for (const item of ["tea", "cake"]) yield* client.callTool("order", { item, card })
})

/** Serves while two clients visit, one of each era. */
const recordedIn = (path: string) =>
  Effect.gen(function*() {
    const { url } = yield* NodeHttp.Address
    for (const revision of ["2025-11-25", "2026-07-28"] as const) {
      const client = McpClient.layer({ revision }).pipe(Layer.provide(NodeStreamableHttpClient.layer({ url })))
      yield* Effect.provide(visit, client)
    }
  }).pipe(
    Effect.provide(
      NodeHttp.layer({ port: 0 }).pipe(
        Layer.provide(Old),
        Layer.provide(Journal.layerFile(path))
      )
    )
  )

const nowhere = Journal.layer(() => Effect.void)

const program = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const path = `${yield* files.makeTempDirectoryScoped()}/shop.journal`
  yield* recordedIn(path)
  const text = yield* files.readFileString(path)
  assert.equal(text.includes(card), false)
  const journal = yield* Effect.fromResult(JournalEntry.decode(text))

  const { replayed } = yield* Replay.same(journal, Layer.provide(Old, nowhere))
  assert.ok(replayed >= 10)

  const report = yield* Replay.run(journal, Layer.provide(New, nowhere), {
    // Without it an order that ends otherwise may do so for its card.
    placeholder: (tool, path) => tool === "order" && path === "/card" ? "4000-0000-0000-0000" : undefined
  })
  console.log(Replay.render(report))
  assert.deepEqual(report.groups.map(({ count, name, what }) => [name, what, count]), [
    ["price", "/structuredContent/cents of its result has another value", 6],
    ["order", "the error SoldOut has become the error Gone", 2]
  ])
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, NodeServices.layer)))
