/** The client over HTTP: what its caller must not notice is that there are requests and streams at all. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeSseClient from "fastmcp-effect/node/NodeSseClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as scripted from "../transport/scripted.ts"

interface Message {
  readonly id?: number
  readonly method?: string
}

const live = (name: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => Leaks.check(body()))

const serve = (options: NodeHttp.Options = {}) =>
  Effect.gen(function*() {
    const probe = scripted.makeProbe()
    const context = yield* Layer.build(
      NodeHttp.layer({ port: 0, grace: "200 millis", ...options }).pipe(Layer.provideMerge(scripted.server(probe)))
    )
    const { url } = Context.get(context, NodeHttp.Address)
    return { probe, url, saw: (event: string) => Effect.promise(() => probe.saw(event)) }
  })

const red = ClientHandlers.elicitation({
  form: () => Effect.succeed(ClientHandlers.accept({ color: "red" }))
})

const connect = (transport: ReturnType<typeof NodeStreamableHttpClient.layer>, options: McpClient.Options = {}) =>
  Effect.map(
    Layer.build(McpClient.layer(options).pipe(Layer.provide(Layer.mergeAll(transport, red)))),
    (context) => Context.get(context, McpClient.McpClient)
  )

const textOf = ({ content }: { readonly content: ReadonlyArray<object> }) =>
  (content[0] as { readonly text: string }).text

const run = (client: McpClient.Client, name: string, ...steps: ReadonlyArray<string>) =>
  Effect.map(client.callTool("script", { name, steps }), textOf)

describe("McpClient over HTTP", () => {
  for (const revision of [undefined, ...Revisions.versions] as ReadonlyArray<Revisions.Version | undefined>) {
    live(
      `lists, calls, is asked and told, and stops what it need not wait for, in ${revision ?? "what is newest"}`,
      () =>
        Effect.gen(function*() {
          const { saw, url } = yield* serve()
          const client = yield* connect(
            NodeStreamableHttpClient.layer({ url }),
            revision === undefined ? {} : { revision }
          )
          assert.strictEqual(client.server().revision, revision ?? Revisions.versions[0])
          assert.deepStrictEqual((yield* client.listTools()).map(({ name }) => name), ["script"])
          const answers = yield* Effect.forEach(
            Array.from({ length: 50 }, (_, index) => `call ${index}`),
            (name) => run(client, name, "say x", "who"),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(answers, Array<string>(50).fill("say x, nobody"))
          // Before 2025-06-18 nobody could be asked.
          if (revision === undefined || revision >= "2025-06-18") {
            assert.strictEqual(yield* run(client, "asks", "ask it"), "red")
          }
          yield* Effect.timeoutOption(run(client, "stopped", "forever"), "50 millis")
          yield* saw("stopped Cancelled User")
          assert.strictEqual(yield* run(client, "after", "who"), "nobody")
        })
    )
  }

  live("begins another session where the server has ended the one it was in", () =>
    Effect.gen(function*() {
      let sessions = 0
      const calls: Array<string> = []
      const server = Http.createServer((request, response) => {
        let body = ""
        request.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk
        }).on("end", () => {
          const session = request.headers["mcp-session-id"] as string
          const { id, method } = (body === "" ? {} : JSON.parse(body)) as Message
          const answer = (result: object, headers: Http.OutgoingHttpHeaders = {}) =>
            response.writeHead(200, { "content-type": "application/json", ...headers })
              .end(JSON.stringify({ jsonrpc: "2.0", id, result }))
          if (request.method !== "POST") response.writeHead(405).end()
          else if (method === "initialize") {
            const serverInfo = { name: "x", version: "1" }
            answer({ protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo }, {
              "mcp-session-id": `s${++sessions}`
            })
          } else if (id === undefined) response.writeHead(202).end()
          else if (session === "s1") response.writeHead(404).end()
          else {
            calls.push(session)
            answer({ content: [] })
          }
        })
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => {
          server.listen(0, "127.0.0.1", () => resume(Effect.void))
        }),
        () => Effect.sync(() => server.close().closeAllConnections())
      )
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const client = yield* connect(NodeStreamableHttpClient.layer({ url }), { revision: "2025-11-25" })
      yield* Effect.forEach(Array.from({ length: 10 }), () => client.callTool("x"), { concurrency: "unbounded" })
      assert.deepStrictEqual([sessions, calls], [2, Array<string>(10).fill("s2")])
    }))

  live(
    "finds the stream of 2024-11-05 where there is nothing else, and speaks that from the start",
    () =>
      Effect.gen(function*() {
        const { saw, url } = yield* serve({ sse: true })
        const sse = new URL("/sse", url)
        for (const layer of [NodeStreamableHttpClient.layer({ url: sse }), NodeSseClient.layer({ url: sse })]) {
          const client = yield* connect(layer)
          assert.deepStrictEqual((yield* client.listTools()).map(({ name }) => name), ["script"])
          assert.strictEqual(yield* run(client, "a", "say x", "who"), "say x, nobody")
          yield* Effect.timeoutOption(run(client, "stopped", "forever"), "50 millis")
          yield* saw("stopped Cancelled User")
        }
      })
  )
})
