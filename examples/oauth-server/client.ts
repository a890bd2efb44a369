/** Starts the server, and gets in from a bare 401: as a client nobody has heard of. Exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeClientAuth from "fastmcp-effect/node/NodeClientAuth"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { createServer } from "node:net"
import * as path from "node:path"

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { readonly port: number }
    probe.close(() => resume(Effect.succeed(port)))
  })
})

/** The server as a program of its own, until the scope closes. */
const start = (port: number) =>
  Effect.andThen(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [...process.execArgv, path.join(import.meta.dirname, "server.ts")], {
          env: { ...process.env, PORT: String(port) },
          stdio: ["ignore", "ignore", "inherit"]
        })
      ),
      (child) => Effect.sync(() => child.kill())
    ),
    Effect.promise(async () => {
      while (!await fetch(`http://127.0.0.1:${port}/health`).then(({ ok }) => ok, () => false)) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })
  )

/** A browser whose user is asked nothing. */
const visit = (url: string) => Effect.asVoid(Effect.promise(() => fetch(url).then((page) => page.text())))

const clientOf = (url: string) =>
  McpClient.layer({ info: { name: "reader", version: "1.0.0" } }).pipe(
    Layer.provide(NodeStreamableHttpClient.layer({ url })),
    Layer.provide(NodeClientAuth.browser({
      metadata: { client_name: "A client nobody has heard of" },
      store: TokenStore.layerMemory,
      fetch: { allowLoopback: true },
      redirect: { open: visit, tell: () => Effect.void }
    }))
  )

const story = Effect.gen(function*() {
  const client = yield* McpClient.McpClient
  const call = (name: string) =>
    Effect.map(client.callTool(name), ({ content }) => content[0]?.type === "text" ? content[0].text : "")

  assert.equal(yield* call("read_notes"), "Milk, and the letter to Ada (for ada)")
  console.log("got in, and read")

  // Needs a scope that the first token has not: the user is asked for it then, and not before.
  assert.equal(yield* call("purge_notes"), "All gone")
  console.log("asked for more, and got it")
})

await Effect.gen(function*() {
  const port = yield* freePort
  yield* start(port)
  yield* Effect.provide(story, clientOf(`http://127.0.0.1:${port}/mcp`), { local: true })
}).pipe(Effect.scoped, Effect.runPromise)
