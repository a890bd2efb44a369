import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as HttpRouterMount from "fastmcp-effect/transport/HttpRouterMount"
import * as WebSocketServer from "fastmcp-effect/transport/WebSocketServer"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"
import * as webSockets from "./webSockets.ts"

const upgrade: { readonly [name: string]: string } = {
  host: "localhost:8000",
  connection: "keep-alive, Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="
}

const head = (headers: { readonly [name: string]: string | undefined } = {}, method = "GET") => ({
  method,
  header: (name: string) => ({ ...upgrade, ...headers })[name]
})

const make = (options: WebSocketServer.Options = {}, probe = tools.makeProbe()) =>
  Effect.flatMap(
    wires.build(tools.server(probe)),
    (context) => Effect.provideContext(WebSocketServer.make(options), context)
  )

const connect = (server: WebSocketServer.WebSocketServer, options: webSockets.Options = {}) =>
  Effect.map(webSockets.make(options), (socket) => ({
    ...socket,
    running: server.accept(Effect.succeed(socket.socket), head(), socket.controls)
  }))

/** What is refused, and with what. */
const refusals: ReadonlyArray<readonly [what: string, status: number, headers: object, method?: string]> = [
  ["a rebound name", 403, { host: "evil.example" }],
  ["a page of elsewhere", 403, { origin: "https://evil.example" }],
  ["no host", 403, { host: undefined }],
  ["another method", 405, {}, "POST"],
  ["no upgrade", 426, { upgrade: undefined }],
  ["an upgrade to something else", 426, { upgrade: "h2c" }],
  ["an upgrade its connection does not name", 426, { connection: "keep-alive" }],
  ["an old version", 426, { "sec-websocket-version": "8" }],
  ["other subprotocols alone", 400, { "sec-websocket-protocol": "graphql-ws, mcp2" }]
]

describe("WebSocketServer", () => {
  for (const [what, status, headers, method] of refusals) {
    it.effect(`refuses ${what} with ${status}`, () =>
      Effect.gen(function*() {
        const refused = (yield* make()).refuse(head({ ...headers }, method))
        assert.strictEqual(refused?.status, status)
        assert.strictEqual(JSON.parse(refused!.body).error.code, -32600)
        if (status === 426) assert.strictEqual(refused!.headers["upgrade"], "websocket")
      }))
  }

  it.effect("lets in who offers mcp, alone or among others, and who offers nothing", () =>
    Effect.gen(function*() {
      const { refuse } = yield* make({ allowedOrigins: ["https://app.example"] })
      for (const offered of [undefined, "mcp", "other, mcp", "mcp,other"]) {
        assert.isUndefined(refuse(head({ "sec-websocket-protocol": offered })), offered)
      }
      assert.isUndefined(refuse(head({ origin: "https://app.example" })))
      assert.isUndefined(refuse(head({ origin: "http://localhost:5173" })))
    }))

  it.effect("closes with 1013 what is one too many, and has room again when one is gone", () =>
    Effect.gen(function*() {
      const server = yield* make({ maxConnections: 2 })
      const [first, second, third] = [yield* connect(server), yield* connect(server), yield* connect(server)]
      yield* Fiber.join(third.running)
      assert.deepStrictEqual(third.ends, [1013])
      first.close(1000)
      yield* Fiber.join(first.running)
      const fourth = yield* connect(server)
      for (const [id, { send }] of [second, fourth].entries()) {
        send(JSON.stringify(wires.call("Stateless", id, "echo", { text: "in" })))
      }
      yield* wires.until(() => second.frames.length === 1 && fourth.frames.length === 1)
      assert.deepStrictEqual([second.ends, fourth.ends], [[], []])
    }))

  it.effect("ends every connection with its scope, together, and lets nobody in meanwhile", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const sockets: Array<webSockets.WebSocket> = []
      let refuse: WebSocketServer.WebSocketServer["refuse"] = () => undefined
      const closing = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const server = yield* make({ grace: "3 seconds" }, probe)
        refuse = server.refuse
        for (let i = 0; i < 3; i++) {
          const socket = yield* connect(server)
          socket.send(JSON.stringify(wires.call("Stateless", i, "never")))
          sockets.push(socket)
        }
        yield* wires.until(() => probe.events.length === 3)
      })))
      yield* wires.until(() => refuse(head())?.status === 503)
      yield* TestClock.adjust("2999 millis")
      yield* wires.turns()
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(sockets.map(({ ends }) => ends), [[1001], [1001], [1001]])
      assert.deepStrictEqual(sockets.map(({ frames }) => JSON.parse(frames[0]!).error.code), [499, 499, 499])
    }))
})

describe("WebSocketServer on a router whose host has no upgrade", () => {
  it("refuses what it would refuse elsewhere, and says so of an upgrade", async () => {
    const { dispose, handler } = HttpRouter.toWebHandler(
      HttpRouterMount.layerWebSocket().pipe(Layer.provide(tools.server())),
      { disableLogger: true }
    )
    try {
      const get = (headers: Record<string, string>, init: RequestInit = {}) =>
        handler(new Request("http://localhost/ws", { ...init, headers }))
      const { host: _, ...headers } = upgrade
      const statuses = [
        await get({}),
        await get(headers, { method: "POST" }),
        await get({ ...headers, origin: "http://evil.example" }),
        await get({ ...headers, "sec-websocket-protocol": "other, mcp" }),
        await get({ ...headers, "sec-websocket-protocol": "mcp, other" })
      ].map(({ status }) => status)
      assert.deepStrictEqual(statuses, [426, 405, 403, 400, 501])
    } finally {
      await dispose()
    }
  })
})
