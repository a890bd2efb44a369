/** Asks the shop both ways, and exits with 1 if they do not agree or an answer is not as expected. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { Identity } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as HttpApiTools from "fastmcp-effect/provider/HttpApiTools"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Book, NoSuchBook, Shop } from "./api.ts"
import { Both, Mcp } from "./server.ts"

/** The contracts of the tools, made of the API that this client knows as well. */
const contracts = HttpApiTools.reflect(Shop)

const contract = (name: string) => contracts.find(({ endpoint }) => endpoint.identifier === name)!.tool!

const program = Effect.gen(function*() {
  const { url } = Context.get(yield* Layer.build(Both), NodeHttp.Address)
  const http = yield* HttpApiClient.make(Shop, { baseUrl: new URL(url).origin })
  const added = new Book({ isbn: "2", title: "Two", published: new Date("2002-02-02") })
  assert.deepEqual(yield* http.books.add({ payload: added }), added)

  for (const revision of ["2025-11-25", "2026-07-28"] as const) {
    const client = yield* McpTest.client(Mcp, { revision })
    const tools = yield* client.listTools
    assert.deepEqual(
      tools.map(({ name }) => name),
      ["books_get", "books_add", "books_mine", "count", "order", "order_start", "order_poll"]
    )

    // One book, by HTTP and by MCP, as an instance of the one class.
    const book = yield* client.call(contract("get"), { params: { isbn: "2" } })
    assert.deepEqual(book, yield* http.books.get({ params: { isbn: "2" } }))
    assert.ok(book instanceof Book)

    // One error, of the one class.
    const error = yield* Effect.flip(client.call(contract("get"), { params: { isbn: "3" } }))
    assert.deepEqual(error, yield* Effect.flip(http.books.get({ params: { isbn: "3" } })))
    assert.ok((error as unknown) instanceof NoSuchBook)

    // The middleware of the API refuses both without a card.
    const refused = yield* Effect.flip(client.call(contract("mine"), {}))
    assert.deepEqual(refused, yield* Effect.flip(http.books.mine()))
    const ann = yield* McpTest.client(Mcp, { revision, identity: Identity.make({ subject: "ann" }) })
    assert.deepEqual(yield* ann.call(contract("mine"), {}), { reader: "ann" })

    assert.deepEqual((yield* client.callTool("count", { isbn: "1" })).content, [{ type: "text", text: "3" }])
    const orders = yield* Effect.all([1, 2].map(() => client.callTool("order", { isbn: "1", reader: "ann" })))
    assert.deepEqual(orders.map(({ structuredContent }) => structuredContent), [{ number: 1 }, { number: 1 }])
    const { structuredContent } = yield* client.callTool("order_start", { isbn: "4", reader: "ann" })
    const status = yield* Effect.repeat(client.callTool("order_poll", structuredContent as { executionId: string }), {
      until: ({ structuredContent }) => !JSON.stringify(structuredContent).includes("pending"),
      times: 100
    })
    assert.deepEqual(status.structuredContent, { status: "failed", error: { _tag: "NoSuchBook", isbn: "4" } })
    console.log(`${revision}: ${tools.length} tools agree with HTTP`)
  }
})

await program.pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer), Effect.runPromise)
