/** Servers behind a proxy that are processes, and servers over HTTP: they die, and they come back. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { McpServer, Tool } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { program, running } from "../transport/stdioServers.ts"
import * as hops from "./hops.ts"

const live = (name: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => Leaks.check(body()))

/** Answers `pid` with its own, and `hang` never. */
const process_ = () =>
  program(`
    onLine(({ id, method, params }) => {
      if (method === "initialize") {
        say({ id, result: {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: token, version: "1.0.0" }
        } })
      } else if (method === "tools/list") {
        say({ id, result: { tools: ["pid", "hang"].map((name) => ({ name, inputSchema: { type: "object" } })) } })
      } else if (method === "tools/call" && params.name === "pid") {
        say({ id, result: { content: [{ type: "text", text: String(process.pid) }] } })
      } else if (id !== undefined && method !== "tools/call") say({ id, error: { code: -32601, message: "Method not found" } })
    })
  `)

const text = (result: { readonly content: ReadonlyArray<object> }) => (result.content[0] as { text?: string }).text!

/** Until the server is there again. */
const retried = <A, R>(effect: Effect.Effect<A, McpError.McpError, R>) =>
  Effect.retry(effect, Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(100)]))

for (const front of hops.eras) {
  describe(`a proxy, ${front} in front,`, () => {
    live(
      "of a process starts another when it dies, never does a call twice, and leaves none behind",
      () =>
        Effect.gen(function*() {
          const { token, ...options } = process_()
          const scope = yield* Scope.make()
          const client = yield* Scope.provide(
            McpTest.client(hops.proxied(NodeStdioClient.layer(options), "2025-11-25"), { revision: front }),
            scope
          )
          const first = text(yield* client.callTool("pid"))
          const hanging = yield* Effect.forkChild(Effect.flip(client.callTool("hang")))
          yield* Effect.sleep("50 millis")
          for (const pid of running(token)) process.kill(pid, "SIGKILL")
          const error = yield* Fiber.join(hanging)
          assert.match(error.message, /whether it has done tools\/call is unknown/)
          const second = text(yield* retried(client.callTool("pid")))
          assert.notStrictEqual(second, first)
          yield* Scope.close(scope, Exit.void)
          assert.deepStrictEqual(running(token), [])
        })
    )

    live(
      "mirrors arguments into headers as the server behind wants it, also once that wants it otherwise",
      () =>
        Effect.gen(function*() {
          const called = (header: string) =>
            Tool.make("called", {
              parameters: { city: Schema.String.annotate({ "x-mcp-header": header }) },
              success: Schema.String,
              handler: ({ city }) => Effect.succeed(city)
            })
          const back = yield* Layer.build(
            NodeHttp.layer({ port: 0, grace: "10 millis" }).pipe(
              Layer.provideMerge(McpServer.layer({ name: "acme", version: "1.0.0", tools: [called("City")] }))
            )
          )
          const client = yield* McpTest.client(
            hops.proxied(
              NodeStreamableHttpClient.layer({ url: Context.get(back, NodeHttp.Address).url }),
              "2026-07-28"
            ),
            { revision: front }
          )
          assert.strictEqual(text(yield* client.callTool("called", { city: "Malmö" })), "Malmö")
          const server = Context.get(back, McpServer.McpServer)
          yield* server.remove("tools", "called")
          yield* server.add(called("Town"))
          assert.strictEqual(text(yield* retried(client.callTool("called", { city: "Oslo" }))), "Oslo")
        })
    )

    for (const behind of hops.eras) {
      live(
        `of a server of ${behind} over HTTP answers again when that has been started anew`,
        () =>
          Effect.gen(function*() {
            const start = (port: number, answer: string) =>
              Effect.gen(function*() {
                const scope = yield* Scope.make()
                const tool = Tool.make("who", { success: Schema.String, handler: () => Effect.succeed(answer) })
                const built = yield* Layer.buildWithScope(
                  NodeHttp.layer({ port, grace: "10 millis" }).pipe(
                    Layer.provide(McpServer.layer({ name: "acme", version: "1.0.0", tools: [tool] })),
                    Layer.fresh
                  ),
                  scope
                )
                return { url: Context.get(built, NodeHttp.Address).url, stop: Scope.close(scope, Exit.void) }
              })
            const server = yield* start(0, "first")
            const client = yield* McpTest.client(
              hops.proxied(NodeStreamableHttpClient.layer({ url: server.url }), behind),
              { revision: front }
            )
            assert.strictEqual(text(yield* client.callTool("who")), "first")
            yield* server.stop
            const error = yield* Effect.flip(client.callTool("who"))
            assert.match(error.message, /cannot be reached/)
            const again = yield* start(Number(new URL(server.url).port), "second")
            assert.strictEqual(text(yield* retried(client.callTool("who"))), "second")
            yield* again.stop
          })
      )
    }
  })
}
