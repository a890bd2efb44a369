/** Lists and reads all there is, in both eras, and exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Library } from "./server.ts"

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const client = yield* McpTest.client(Library, { revision })

    const resources = yield* client.listResources
    assert.deepEqual(resources.map(({ uri }) => uri), [
      "library://hours",
      "library://stamp",
      "library://shelf",
      "library://books/1",
      "library://books/2"
    ])
    assert.deepEqual((yield* client.listResourceTemplates).map(({ uriTemplate }) => uriTemplate), [
      "library://books/{id}"
    ])

    const hours = yield* client.readResource("library://hours")
    assert.deepEqual(hours.contents, [
      { uri: "library://hours", mimeType: "text/plain", text: "Every day from nine to five" }
    ])
    const stamp = yield* client.readResource("library://stamp")
    assert.deepEqual(stamp.contents, [{ uri: "library://stamp", mimeType: "image/gif", blob: "R0lG" }])

    const [book] = (yield* client.readResource("library://books/2")).contents
    assert.ok(book !== undefined && "text" in book && book.mimeType === "application/json")
    assert.deepEqual(JSON.parse(book.text), { id: 2, title: "Flatland", published: "1884-11-01T00:00:00.000Z" })

    const missing = yield* Effect.flip(client.readResource("library://books/3"))
    assert.match(missing.message, /library:\/\/books\/3/)
    const wrong = yield* Effect.flip(client.readResource("library://books/three"))
    assert.equal(wrong.reason._tag, "InvalidParams")
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: five resources, one template`)
}
