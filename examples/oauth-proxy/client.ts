/** Starts both servers, and gets in as a client that neither has heard of. Exits with 1 if anything is not so. */
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

/** A program of its own, until the scope closes. */
const start = (file: string, env: Record<string, string>, ready: string) =>
  Effect.andThen(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [...process.execArgv, path.join(import.meta.dirname, file)], {
          env: { ...process.env, ...env },
          stdio: ["ignore", "ignore", "inherit"]
        })
      ),
      (child) => Effect.sync(() => child.kill())
    ),
    Effect.promise(async () => {
      while (!await fetch(ready).then(({ ok }) => ok, () => false)) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })
  )

/** A browser whose user says yes wherever there is a form, and where it has been. */
const browse = async (start: string): Promise<ReadonlyArray<string>> => {
  const cookies = new Map<string, string>()
  const visited: Array<string> = []
  let url = new URL(start)
  let form: URLSearchParams | undefined
  while (true) {
    visited.push(url.origin)
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form === undefined ? {} : { method: "POST", body: form })
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/u.exec(cookie)!
      cookies.set(name!, value!)
    }
    const page = await response.text()
    const [, next] = /^0;url=(.+)$/u.exec(response.headers.get("refresh") ?? "") ?? []
    const location = response.headers.get("location") ?? next
    const [, action] = /<form method="post" action="([^"]+)"/u.exec(page) ?? []
    form = undefined
    if (location !== undefined) url = new URL(location, url)
    else if (action === undefined) return visited
    else {
      const [, csrf] = /name="csrf" value="([^"]+)"/u.exec(page)!
      form = new URLSearchParams({ csrf: csrf!, decision: "allow" })
      url = new URL(action, url)
    }
  }
}

await Effect.gen(function*() {
  const [port, upstreamPort] = [yield* freePort, yield* freePort]
  const [proxy, upstream] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${upstreamPort}`]
  yield* start("upstream.ts", { PORT: String(upstreamPort), PROXY: proxy }, `${upstream}/jwks`)
  yield* start("server.ts", { PORT: String(port), UPSTREAM: upstream }, `${proxy}/health`)

  let visited: ReadonlyArray<string> = []
  const Client = McpClient.layer({ info: { name: "reader", version: "1.0.0" } }).pipe(
    Layer.provide(NodeStreamableHttpClient.layer({ url: `${proxy}/mcp` })),
    Layer.provide(NodeClientAuth.browser({
      metadata: { client_name: "A client nobody has heard of" },
      store: TokenStore.layerMemory,
      fetch: { allowLoopback: true },
      redirect: {
        open: (url) => Effect.map(Effect.promise(() => browse(url)), (seen) => void (visited = seen)),
        tell: () => Effect.void
      }
    }))
  )

  yield* Effect.gen(function*() {
    const client = yield* McpClient.McpClient
    const whoami = Effect.map(
      client.callTool("whoami"),
      ({ content }) => content[0]?.type === "text" ? content[0].text : ""
    )
    assert.equal(yield* whoami, "example:1234 here, ada there")
    // The page of the proxy and the yes to it, the provider, and back.
    assert.deepEqual(visited.slice(0, 4), [proxy, proxy, upstream, proxy])
    console.log("got in, by way of the provider")

    yield* Effect.sleep("3 seconds")
    assert.equal(yield* whoami, "example:1234 here, ada there")
    console.log("got in again, when the provider's token had been renewed")
  }).pipe(Effect.provide(Client, { local: true }))
}).pipe(Effect.scoped, Effect.runPromise)
