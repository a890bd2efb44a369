/** Starts the API, uses it by way of the MCP server, and exits with 1 if an answer is not as expected. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import { OpenApi } from "fastmcp-effect/provider"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import * as api from "./api.ts"
import { Library } from "./server.ts"

const { close, url } = await api.start("open sesame")

const textOf = (result: { readonly content: ReadonlyArray<{ readonly type: string }> }) => {
  const [block] = result.content
  return block !== undefined && "text" in block ? block.text : undefined
}

await Effect.gen(function*() {
  const { leftOut, served } = yield* OpenApi.inspect({
    document: new URL("/openapi.json", url),
    fetch: { allowLoopback: true },
    routes: [{ path: "/admin/**", as: "exclude" }]
  })
  assert.equal(served.length, 4)
  assert.deepEqual(leftOut.map(({ operationId, why }) => `${operationId}: ${why}`), ["reset: route"])

  const client = yield* McpTest.client(Library(url, "open sesame"))
  assert.deepEqual((yield* client.listTools).map(({ name }) => name), ["find_books", "add_book", "drop_book"])

  assert.deepEqual((yield* client.callTool("find_books", { tag: ["essay", "poem"] })).structuredContent, [
    { id: 2, title: "Walden", tags: ["essay"] }
  ])
  assert.deepEqual((yield* client.callTool("add_book", { title: "Ulysses" })).structuredContent, {
    tags: [],
    title: "Ulysses",
    id: 3
  })
  // What the document does not allow is not sent.
  const refused = yield* client.callTool("add_book", { titel: "Ulysses" })
  assert.ok(refused.isError === true && String(textOf(refused)).includes("title"))

  const { contents: [emma] } = yield* client.readResource("openapi://books/books/1")
  assert.ok(emma !== undefined && "text" in emma && emma.text.includes("Emma"))
  yield* Effect.flip(client.readResource("openapi://books/books/9"))

  const strangers = yield* McpTest.client(Library(url, "guessed"))
  const denied = yield* strangers.callTool("find_books")
  assert.equal(
    textOf(denied),
    "The API answered with status 401 (it does not accept this server's credentials): {\"error\":\"No key\"}"
  )
}).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici), Effect.runPromise)

close()
console.log("books are found, added and read")
