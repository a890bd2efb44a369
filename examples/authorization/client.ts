/** Goes to the library as a guest, as a member and as one of the staff, in both eras; exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import assert from "node:assert/strict"
import { Library } from "./server.ts"

const visit = (url: string, key: string, revision: "2025-11-25" | "2026-07-28") =>
  Effect.gen(function*() {
    const client = yield* McpClient.McpClient
    const ends = (name: string, args: object) =>
      Effect.match(client.callTool(name, { ...args }), {
        onSuccess: ({ content }) => (content[0] as { readonly text: string }).text,
        onFailure: ({ message }) => message
      })
    return {
      tools: (yield* client.listTools()).map(({ name }) => name),
      resources: (yield* client.listResources()).map(({ uri }) => uri),
      find: yield* ends("find", { book: "Emma" }),
      borrow: yield* ends("borrow", { book: "Emma" }),
      lend: yield* ends("lend", { book: "Emma", branch: "north" }),
      lendElsewhere: yield* ends("lend", { book: "Emma", branch: "south" })
    }
  }).pipe(Effect.provide(
    McpClient.layer({ revision }).pipe(
      Layer.provide(NodeStreamableHttpClient.layer({ url, headers: Effect.succeed({ "x-api-key": key }) }))
    )
  ))

const story = Effect.gen(function*() {
  const { url } = yield* NodeHttp.Address
  for (const revision of ["2025-11-25", "2026-07-28"] as const) {
    const refused = /HTTP 403/u
    const guest = yield* visit(url, "key-of-a-guest", revision)
    assert.deepEqual(guest.tools, ["find"])
    assert.deepEqual(guest.resources, ["library:///hours"])
    assert.equal(guest.find, "find: Emma")
    for (const end of [guest.borrow, guest.lend]) assert.match(end, refused)

    const mia = yield* visit(url, "key-of-mia", revision)
    assert.deepEqual(mia.tools, ["find", "borrow"])
    assert.equal(mia.borrow, "borrow: Emma")
    assert.match(mia.lend, refused)

    const sam = yield* visit(url, "key-of-sam", revision)
    assert.deepEqual(sam.tools, ["find", "borrow", "lend"])
    assert.equal(sam.lend, "north lends Emma")
    assert.match(sam.lendElsewhere, refused)
    console.log(`${revision}: the guest finds, Mia borrows, and Sam lends what north has`)
  }
})

await story.pipe(
  Effect.provide(NodeHttp.layer({ port: 0 }).pipe(Layer.provide(Library))),
  Effect.runPromise
)
