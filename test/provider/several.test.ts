/** Several servers as one. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { McpServer, Prompt, Resource, Tool } from "fastmcp-effect"
import * as ClientConfig from "fastmcp-effect/client/ClientConfig"
import type * as Provider from "fastmcp-effect/definition/Provider"
import * as Proxy from "fastmcp-effect/provider/Proxy"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as wires from "../client/wire.ts"
import { assert, describe, it } from "../support/effectVitest.ts"

const server = (name: string): Layer.Layer<Receiver.Receiver> =>
  McpServer.layer({
    name,
    version: "1.0.0",
    tools: [Tool.make("who", { success: Schema.String, handler: () => Effect.succeed(name) })],
    prompts: [Prompt.make("ask", { handler: () => Effect.succeed(name) })],
    resources: [
      Resource.text(`acme:///${name}`, name),
      Resource.text("acme:///same", name)
    ]
  }) as Layer.Layer<Receiver.Receiver>

const serve = (provider: Provider.Provider<any, never>) =>
  McpTest.client(
    McpServer.register(provider).pipe(
      Layer.provideMerge(McpServer.layer({ name: "gateway", version: "1.0.0" }))
    ) as Layer.Layer<Receiver.Receiver, any>
  )

const none = () => Layer.effectContext(Effect.die("not here"))

const text = (result: { readonly content: ReadonlyArray<object> }) => (result.content[0] as { text?: string }).text

const names = (all: ReadonlyArray<{ readonly name: string }>) => all.map(({ name }) => name)

describe("several servers as one provider", () => {
  it.effect("have names and URIs that say whose they are, and what two of them have is the first one's", () =>
    Effect.gen(function*() {
      const wire = { a: wires.make(server("a")), "b c": wires.make(server("b")) }
      const client = yield* serve(Proxy.fromServers({
        a: { transport: wire.a.layer },
        "b c": { transport: wire["b c"].layer }
      }))
      assert.deepStrictEqual(names(yield* client.listTools), ["a_who", "b-c_who"])
      assert.deepStrictEqual(names(yield* client.listPrompts), ["a_ask", "b-c_ask"])
      const uris = (yield* client.listResources).map(({ uri }) => uri)
      assert.deepStrictEqual(uris, ["acme:///a/a", "acme:///a/same", "acme:///b-c/b", "acme:///b-c/same"])
      assert.strictEqual(text(yield* client.callTool("b-c_who")), "b")
      assert.deepInclude((yield* client.readResource("acme:///b-c/same")).contents[0], { text: "b" })
      assert.deepInclude((yield* client.getPrompt("b-c_ask")).messages[0]!.content, { text: "b" })
      const same = yield* serve(Proxy.fromServers({
        a: { transport: wire.a.layer },
        b: { transport: wire["b c"].layer }
      }, { namespace: () => "x" }))
      assert.deepStrictEqual(names(yield* same.listTools), ["x_who"])
      assert.strictEqual(text(yield* same.callTool("x_who")), "a")
    }))

  it.effect("fail each by itself, and come back", () =>
    Effect.gen(function*() {
      const wire = { a: wires.make(server("a")), b: wires.make(server("b")) }
      wire.b.isDown = true
      const starting = yield* Effect.forkChild(serve(Proxy.fromServers({
        a: { transport: wire.a.layer },
        b: { transport: wire.b.layer }
      })))
      yield* McpTest.settle
      yield* TestClock.adjust("5 seconds")
      const client = yield* Fiber.join(starting)
      assert.deepStrictEqual(names(yield* client.listTools), ["a_who"])
      wire.b.isDown = false
      yield* TestClock.adjust("10 seconds")
      yield* McpTest.settle
      assert.deepStrictEqual(names(yield* client.listTools), ["a_who", "b_who"])
      wire.a.isDown = true
      wire.a.cut()
      const [away, there] = yield* Effect.all([
        Effect.andThen(TestClock.adjust("3 seconds"), Effect.exit(client.callTool("a_who"))),
        client.callTool("b_who")
      ])
      assert.strictEqual(away._tag, "Failure")
      assert.strictEqual(text(there), "b")
    }))

  it.effect("may come from a config file, of which a wrong entry harms no other", () =>
    Effect.gen(function*() {
      const config = yield* ClientConfig.parse(JSON.stringify({
        mcpServers: {
          a: { command: "${NAME}", args: ["x"] },
          off: { command: "off", disabled: true },
          unset: { command: "${NOT_SET}" },
          wrong: { command: 7 }
        }
      }))
      const asked: Array<string> = []
      const client = yield* serve(Proxy.fromConfig(
        config,
        (resolved): Layer.Layer<ClientTransport.ClientTransport> => {
          asked.push(resolved.server.name)
          return ClientConfig.transport(resolved, {
            stdio: ({ command }) => wires.make(server(command)).layer,
            http: none,
            sse: none,
            websocket: none
          }) as Layer.Layer<ClientTransport.ClientTransport>
        },
        { separator: "." }
      )).pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ NAME: "ada" })))
      assert.deepStrictEqual(asked, ["a"])
      assert.deepStrictEqual(names(yield* client.listTools), ["a.who"])
      assert.strictEqual(text(yield* client.callTool("a.who")), "ada")
    }))
})
