/** What is kept for one caller is not there for another, who knows its name. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Elicitation, McpServer, Resource, Tool } from "fastmcp-effect"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Identity from "fastmcp-effect/context/Identity"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import * as SseServer from "fastmcp-effect/transport/SseServer"
import * as wires from "../server/wires.ts"
import * as door from "./door.ts"

const order = Tool.make("order", {
  success: Schema.String,
  handler: () =>
    Effect.gen(function*() {
      const { subject } = yield* Identity.Required
      const answer = yield* Ask.one("size", Elicitation.form({ size: Schema.String }, { message: "Which size?" }))
      return `${subject} wants ${answer.size}`
    })
})

const server = McpServer.layer({
  name: "shop",
  version: "1.0.0",
  tools: [order],
  resources: [
    Resource.make("shop://stock", { handler: Effect.succeed("12") }),
    Resource.make("shop://cellar", { scopes: ["staff"], handler: Effect.succeed("34") })
  ],
  cacheHints: { ttlMs: 60_000, cacheScope: "public" }
})

/** Ann has two: a richer one and a poorer one. */
const tokens = AuthProvider.layerToken([
  { token: Redacted.make("ann"), subject: "ann", scopes: ["staff"] },
  { token: Redacted.make("poor-ann"), subject: "ann" },
  { token: Redacted.make("bob"), subject: "bob" }
])

const open = Effect.gen(function*() {
  const context = yield* Layer.build(server.pipe(Layer.provide(tokens)))
  return { context, handler: yield* Effect.provideContext(FetchMount.make({ retryInterval: "1 second" }), context) }
})

const messages = (text: string) =>
  text.split("\n").filter((line) => line.startsWith("data: {")).map((line) => JSON.parse(line.slice(6)) as any)

describe("what belongs to a caller", () => {
  it.effect("session: nobody else can speak in it, read its stream or end it", () =>
    Effect.gen(function*() {
      const at = yield* open
      const session = yield* door.begin(at, "ann")
      const bob = { token: "bob", headers: session }
      const statuses = yield* Effect.forEach([
        door.stateful({ id: 1, method: "tools/list" }, bob),
        door.stateful({ method: "notifications/initialized" }, bob),
        door.stateful(undefined, bob, "GET"),
        door.stateful(undefined, bob, "DELETE"),
        door.stateful({ id: 1, method: "ping" }, { headers: session })
      ], (request) => Effect.map(door.send(at.handler, request), ({ status }) => status))
      assert.deepStrictEqual(statuses, [404, 404, 404, 404, 401])
      const own = yield* door.send(
        at.handler,
        door.stateful({ id: 2, method: "ping" }, { token: "ann", headers: session })
      )
      assert.strictEqual(own.status, 200)
    }))

  it.effect("mailbox: nobody else can answer a question that was asked in it", () =>
    Effect.gen(function*() {
      const at = yield* open
      const session = yield* door.begin(at, "ann")
      const response = yield* Effect.promise(() =>
        at.handler(
          door.stateful({ id: 1, method: "tools/call", params: { name: "order", arguments: {} } }, {
            token: "ann",
            headers: session
          })
        )
      )
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ""
      const until = (part: string) =>
        Effect.promise(async () => {
          while (!text.includes(part)) {
            const { done, value } = await reader.read()
            if (done) break
            text += value
          }
        })
      yield* until("elicitation/create")
      const { id } = messages(text).find(({ method }) => method === "elicitation/create")
      const answer = (size: string) => ({ id, result: { action: "accept", content: { size } } })
      const foreign = yield* door.send(at.handler, door.stateful(answer("XXL"), { token: "bob", headers: session }))
      assert.strictEqual(foreign.status, 404)
      const own = yield* door.send(at.handler, door.stateful(answer("M"), { token: "ann", headers: session }))
      assert.strictEqual(own.status, 202)
      yield* until("ann wants")
      assert.include(text, "ann wants M")
    }))

  it.effect("event stream: nobody else can come back for what was said on it", () =>
    Effect.gen(function*() {
      const at = yield* open
      const session = yield* door.begin(at, "ann")
      const response = yield* Effect.promise(() =>
        at.handler(door.stateful(undefined, { token: "ann", headers: session }, "GET"))
      )
      const { value } = yield* Effect.promise(() => response.body!.getReader().read())
      const event = /^id: (.*)$/mu.exec(new TextDecoder().decode(value))![1]!
      const resume = (token: string) =>
        Effect.promise(async () => {
          const resumed = await at.handler(
            door.stateful(undefined, { token, headers: { ...session, "last-event-id": event } }, "GET")
          )
          void resumed.body?.cancel()
          return resumed.status
        })
      assert.strictEqual(yield* resume("bob"), 404)
      assert.strictEqual(yield* resume("ann"), 200)
    }))

  it.effect("request state: nobody else can go on with it", () =>
    Effect.gen(function*() {
      const at = yield* open
      const ask = (token: string, more: object = {}) =>
        Effect.map(
          door.send(
            at.handler,
            new Request("http://localhost/mcp", {
              method: "POST",
              headers: door.stateless("tools/call", { name: "order" }, { token }).headers,
              body: JSON.stringify({
                jsonrpc: "2.0",
                id: 1,
                method: "tools/call",
                params: {
                  name: "order",
                  arguments: {},
                  ...more,
                  _meta: {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } }
                  }
                }
              })
            })
          ),
          ({ body }) => body
        )
      const { result: asked } = yield* ask("ann")
      assert.strictEqual(asked.resultType, "input_required")
      const { requestState } = asked
      const inputResponses = { size: { action: "accept", content: { size: "M" } } }
      const foreign = yield* ask("bob", { requestState, inputResponses })
      assert.strictEqual(foreign.error.code, -32602)
      const own = yield* ask("ann", { requestState, inputResponses })
      assert.strictEqual(own.result.content[0].text, "ann wants M")
    }))

  it.effect("cache: what one caller may see is not for the caches in between", () =>
    Effect.gen(function*() {
      const at = yield* open
      const list = (method: string, token: string) =>
        Effect.map(door.send(at.handler, door.stateless(method, {}, { token })), ({ body }) => body.result)
      const ann = yield* list("resources/list", "ann")
      const bob = yield* list("resources/list", "bob")
      assert.deepStrictEqual([ann, bob].map(({ resources }) => resources.length), [2, 1])
      assert.deepStrictEqual([ann, bob].map(({ cacheScope }) => cacheScope), ["private", "private"])
      assert.strictEqual(bob.ttlMs, 60_000)
      const read = (uri: string) =>
        Effect.map(
          door.send(at.handler, door.stateless("resources/read", { uri }, { token: "ann" })),
          ({ body }) => [body.result.ttlMs, body.result.cacheScope]
        )
      assert.deepStrictEqual(yield* read("shop://cellar"), [60_000, "private"])
      // And what all may see still is.
      assert.deepStrictEqual(yield* read("shop://stock"), [60_000, "public"])
      assert.strictEqual((yield* list("tools/list", "bob")).cacheScope, "public")
    }))

  it.effect("resource updates: told to who may read the resource", () =>
    Effect.gen(function*() {
      const at = yield* open
      const subscribe = (token: string, session: Record<string, string>, uri: string) =>
        Effect.map(
          door.send(
            at.handler,
            door.stateful({ id: 5, method: "resources/subscribe", params: { uri } }, { token, headers: session })
          ),
          ({ status }) => status
        )
      // Begun with the poorer token: it is the last one that counts.
      const ann = yield* door.begin(at, "poor-ann")
      const bob = yield* door.begin(at, "bob")
      assert.strictEqual(yield* subscribe("poor-ann", ann, "shop://cellar"), 403)
      assert.strictEqual(yield* subscribe("bob", bob, "shop://cellar"), 403)
      assert.strictEqual(yield* subscribe("ann", ann, "shop://cellar"), 200)
      const stream = yield* Effect.promise(() =>
        at.handler(door.stateful(undefined, { token: "ann", headers: ann }, "GET"))
      )
      const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
      yield* Effect.provideContext(
        McpServer.McpServer.use((server) => server.resourceUpdated("shop://cellar")),
        at.context
      )
      let text = ""
      yield* Effect.promise(async () => {
        const timer = setTimeout(() => void reader.cancel(), 2000)
        for (let done: boolean | undefined = false; done !== true && !text.includes("resources/updated");) {
          const read = await reader.read()
          done = read.done
          text += read.value ?? ""
        }
        clearTimeout(timer)
      })
      assert.include(text, "shop://cellar")
    }))

  it.effect("an SSE stream of 2024-11-05: nobody else can post for it", () =>
    Effect.gen(function*() {
      const { context } = yield* open
      const endpoints = yield* Effect.provideContext(SseServer.make(), context)
      const stream = wires.feed(endpoints.get("/sse")!)("", { authorization: "Bearer ann" }, {
        method: "GET",
        url: "/sse"
      })
      yield* wires.until(() => wires.eventsOf(stream.body).length > 0, () => "the address to post to")
      const address = wires.eventsOf(stream.body)[0]!.data!
      const post = (token: string) =>
        wires.feed(endpoints.get("/messages")!)(
          JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
          { "content-type": "application/json", authorization: `Bearer ${token}` },
          { url: address }
        )
      const [bob, ann] = [post("bob"), post("ann")]
      yield* wires.until(() => bob.status !== 0 && ann.status !== 0, () => "both answers")
      assert.deepStrictEqual([bob.status, ann.status], [404, 202])
      stream.disconnect()
    }))
})
