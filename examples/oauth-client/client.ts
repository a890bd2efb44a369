/**
 * Reads notes that want a login: from a bare 401 through the browser to a token, which the next run finds. With the
 * address of a server it asks you; without one it plays the browser too, and exits with 1 if anything is not so.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeClientAuth from "fastmcp-effect/node/NodeClientAuth"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as NodeTokenStore from "fastmcp-effect/node/NodeTokenStore"
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { createServer } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { type Seen, serve } from "./server.ts"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "oauth-client-"))

/** A browser whose user says yes. */
const yes = (url: string) => Effect.asVoid(Effect.promise(() => fetch(url)))

const read = (url: string) =>
  Effect.gen(function*() {
    const client = yield* McpClient.McpClient
    const { content } = yield* client.callTool("read_notes")
    return content[0]?.type === "text" ? content[0].text : ""
  }).pipe(Effect.provide(
    McpClient.layer({ info: { name: "reader", version: "1.0.0" } }).pipe(
      Layer.provide(NodeStreamableHttpClient.layer({ url })),
      Layer.provide(NodeClientAuth.browser({
        metadata: { client_name: "The notes of the example" },
        store: NodeTokenStore.layer({ directory }),
        fetch: { allowLoopback: true },
        ...(process.argv[2] === undefined ? { redirect: { open: yes, tell: () => Effect.void } } : undefined)
      }))
    ),
    // A program that runs once; here it runs twice.
    { local: true }
  ))

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { readonly port: number }
    probe.close(() => resume(Effect.succeed(port)))
  })
})

const story = Effect.gen(function*() {
  const port = yield* freePort
  const seen: Seen = { grants: [] }
  yield* Layer.build(serve(port, seen))
  const url = `http://127.0.0.1:${port}/mcp`

  assert.equal(yield* read(url), "Milk, and the letter to Ada")
  assert.deepEqual(seen.grants, ["authorization_code"])
  console.log("logged in, and read")

  assert.equal(yield* read(url), "Milk, and the letter to Ada")
  assert.deepEqual(seen.grants, ["authorization_code"])
  console.log("read again, with the token that was kept")
})

const [given] = process.argv.slice(2)

await Effect.runPromise(
  given === undefined ? Effect.scoped(story) : Effect.map(read(given), console.log)
).finally(() => fs.rmSync(directory, { recursive: true }))
