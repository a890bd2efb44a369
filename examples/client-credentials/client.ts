/** Reads a report with a secret of its own and nobody to ask; exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeClientAuth from "fastmcp-effect/node/NodeClientAuth"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import assert from "node:assert/strict"
import { createServer } from "node:net"
import { serve } from "./server.ts"

const read = (origin: string, secret: string) =>
  Effect.gen(function*() {
    const client = yield* McpClient.McpClient
    const { content } = yield* client.callTool("report")
    return content[0]?.type === "text" ? content[0].text : ""
  }).pipe(Effect.provide(
    McpClient.layer({ info: { name: "nightly", version: "1.0.0" } }).pipe(
      Layer.provide(NodeStreamableHttpClient.layer({ url: `${origin}/mcp` })),
      Layer.provide(NodeClientAuth.clientCredentials({
        clientId: "nightly",
        clientSecret: Redacted.make(secret),
        // The secret goes there and nowhere else, whatever the server says.
        issuer: origin,
        fetch: { allowLoopback: true }
      }))
    ),
    { local: true }
  ))

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { readonly port: number }
    probe.close(() => resume(Effect.succeed(port)))
  })
})

await Effect.gen(function*() {
  const port = yield* freePort
  yield* Layer.build(serve(port))
  const origin = `http://127.0.0.1:${port}`

  assert.equal(yield* read(origin, "a secret of the nightly job's"), "All is well")
  console.log("read")

  const { message } = yield* Effect.flip(read(origin, "another"))
  assert.match(message, /refuses the token request \(invalid_client\)/)
  assert.doesNotMatch(message, /another/)
  console.log(message)
}).pipe(Effect.scoped, Effect.runPromise)
