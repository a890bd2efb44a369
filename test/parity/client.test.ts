/** What the register's rows say of the client, on one server over four transports. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeSseClient from "fastmcp-effect/node/NodeSseClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as NodeWebSocketClient from "fastmcp-effect/node/NodeWebSocketClient"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as net from "node:net"
import * as shown from "./clientServer.ts"

const served = NodeHttp.layer({ port: 0, sse: true, webSocket: true }).pipe(Layer.provide(shown.shown))

const over = (at: (port: number) => Layer.Layer<ClientTransport.ClientTransport, any>) =>
  Layer.unwrap(Effect.map(NodeHttp.Address, ({ port }) => at(port))).pipe(Layer.provide(served))

const transports: { readonly [name: string]: Layer.Layer<ClientTransport.ClientTransport, any> } = {
  stdio: NodeStdioClient.layer({
    command: process.execPath,
    args: ["--conditions=fastmcp-effect/source", `${import.meta.dirname}/clientServer.ts`]
  }),
  http: over((port) => NodeStreamableHttpClient.layer({ url: `http://127.0.0.1:${port}/mcp` })),
  sse: over((port) => NodeSseClient.layer({ url: `http://127.0.0.1:${port}/sse` })),
  websocket: over((port) => NodeWebSocketClient.layer({ url: `ws://127.0.0.1:${port}/ws` }))
}

for (const [name, transport] of Object.entries(transports)) {
  describe(`a client over ${name}`, () => {
    it.live("reads every page, calls by contract a hundred at a time, and gets declared failures back", () =>
      Effect.gen(function*() {
        const client = yield* McpClient.McpClient
        const tools = yield* client.listTools()
        assert.strictEqual(new Set(tools.map(({ name }) => name)).size, tools.length)
        assert.isAbove(tools.length, 30)
        const sums = yield* Effect.forEach(
          Array.from({ length: 100 }, (_, index) => index),
          (index) => client.call(shown.add, { a: index, b: 1 }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(sums, sums.map((_, index) => index + 1))
        const refused = yield* Effect.flip(client.call(shown.refuse, { why: "closed" }))
        assert.deepStrictEqual(refused, new shown.Refused({ why: "closed" }))
        assert.strictEqual((yield* client.listResources()).length, 1)
        assert.deepInclude(yield* client.readResource("note:///a"), {
          contents: [{ uri: "note:///a", mimeType: "text/plain", text: "hello" }]
        } as never)
        assert.strictEqual((yield* client.listPrompts())[0]!.name, "greet")
        assert.include(JSON.stringify(yield* client.getPrompt("greet", { name: "ann" })), "Hello, ann")
        const completed = yield* client.complete({
          ref: { type: "ref/prompt", name: "greet" },
          argument: { name: "name", value: "b" }
        })
        assert.deepStrictEqual(completed.values, ["bob"])
        yield* client.ping()
      }).pipe(Effect.provide(McpClient.layer().pipe(Layer.provide(transport)))))

    it.live("stops what it does not wait for any more, by time or by hand, while others are answered", () =>
      Effect.gen(function*() {
        const client = yield* McpClient.McpClient
        const late = yield* Effect.flip(client.callTool("forever", {}, { timeout: "50 millis" }))
        assert.strictEqual(late.reason._tag, "Timeout")
        const calling = yield* Effect.forkChild(client.callTool("forever"), { startImmediately: true })
        assert.strictEqual(yield* client.call(shown.add, { a: 1, b: 1 }), 2)
        yield* Fiber.interrupt(calling)
        const stopped = Effect.map(
          client.callTool("stopped"),
          ({ structuredContent, content }) =>
            structuredContent === undefined ? Number((content[0] as { text: string }).text) : Number(structuredContent)
        )
        yield* Effect.repeat(stopped, { until: (count) => count === 2 }).pipe(Effect.timeout("5 seconds"))
      }).pipe(Effect.provide(McpClient.layer().pipe(Layer.provide(transport)))))

    it.live("shows progress as it comes, hears logs and changes, and answers what the server asks", () =>
      Effect.gen(function*() {
        const logs = yield* Queue.unbounded<string>()
        const handlers = Layer.mergeAll(
          ClientHandlers.elicitation({ form: () => Effect.succeed(ClientHandlers.accept({ name: "ann" })) }),
          ClientHandlers.sampling({
            createMessage: () =>
              Effect.succeed({ role: "assistant", model: "m", content: { type: "text", text: "ha" } } as const)
          }),
          ClientHandlers.roots([{ uri: "file:///work" }]),
          ClientHandlers.log({
            level: "info",
            receive: ({ data, logger }) => Effect.asVoid(Queue.offer(logs, `${logger}: ${String(data)}`))
          })
        )
        const context = yield* Layer.build(Layer.merge(transport, handlers))
        const client = yield* Effect.provideContext(McpClient.make(), context)
        const events = yield* Stream.runCollect(client.callToolStream("steps"))
        assert.deepStrictEqual(
          events.map((event) => event._tag === "Progress" ? event.progress : "done"),
          [1, 2, 3, "done"]
        )
        yield* client.callTool("log")
        assert.strictEqual(yield* Queue.take(logs), "shown: careful")
        const { content } = yield* client.callTool("ask")
        assert.deepStrictEqual(JSON.parse((content[0] as { text: string }).text), ["ann", "ha", "file:///work"])
        const changes = yield* Queue.unbounded<McpClient.Change>()
        yield* Effect.forkScoped(
          Stream.runForEach(client.changes({ uris: ["note:///a"] }), (change) => Queue.offer(changes, change))
        )
        const changed = Effect.andThen(
          client.callTool("touch"),
          Effect.timeoutOption(Queue.take(changes), "100 millis")
        )
        const heard = yield* Effect.repeat(changed, { until: (change) => change._tag === "Some", times: 50 })
        assert.deepStrictEqual(heard._tag === "Some" ? heard.value : undefined, {
          _tag: "ResourceUpdated",
          uri: "note:///a"
        })
      }))
  })
}

describe("a client", () => {
  it.live("gives up a server that takes it in and says nothing, and leaves no connection", () =>
    Effect.gen(function*() {
      const sockets = new Set<net.Socket>()
      const server = net.createServer((socket) => {
        sockets.add(socket.on("close", () => sockets.delete(socket)).on("error", () => {}).resume())
      })
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
        () => Effect.promise(() => new Promise((resolve) => server.close(resolve)))
      )
      const { port } = server.address() as net.AddressInfo
      const silent = [
        NodeStreamableHttpClient.layer({ url: `http://127.0.0.1:${port}/mcp` }),
        NodeSseClient.layer({ url: `http://127.0.0.1:${port}/sse` }),
        NodeWebSocketClient.layer({ url: `ws://127.0.0.1:${port}/ws` }),
        NodeStdioClient.layer({ command: process.execPath, args: ["-e", "process.stdin.resume()"] })
      ]
      const options = { connectTimeout: "300 millis", patience: "100 millis" } as const
      const errors = yield* Effect.forEach(
        silent,
        (transport) => Effect.flip(Effect.scoped(Effect.provide(McpClient.make(options), transport))),
        { concurrency: "unbounded" }
      )
      for (const error of errors) {
        assert.strictEqual((error as McpClient.CallError).reason._tag, "Timeout", String(error))
      }
      yield* Effect.promise(async () => {
        for (let turn = 0; turn < 100 && sockets.size > 0; turn++) {
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
      })
      assert.strictEqual(sockets.size, 0)
    }))
})
