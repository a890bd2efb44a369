/** Nothing reaches a protected server that was not let in, whatever carries it. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { McpServer, Tool } from "fastmcp-effect"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as Identity from "fastmcp-effect/context/Identity"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeWebSocket from "fastmcp-effect/node/NodeWebSocket"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Admission from "fastmcp-effect/transport/Admission"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import * as HttpRouterMount from "fastmcp-effect/transport/HttpRouterMount"
import * as SseServer from "fastmcp-effect/transport/SseServer"
import * as StdioServer from "fastmcp-effect/transport/StdioServer"
import * as StreamableHttpServer from "fastmcp-effect/transport/StreamableHttpServer"
import * as WebSocketServer from "fastmcp-effect/transport/WebSocketServer"
import * as Http from "node:http"
import * as wires from "../server/wires.ts"
import * as webSockets from "../transport/webSockets.ts"
import * as door from "./door.ts"
import * as issuers from "./issuer.ts"

const build = Effect.gen(function*() {
  const issuer = yield* issuers.make
  const protectedServer = door.server.pipe(Layer.provide(door.bearer()), Layer.provide(issuer.client))
  return { issuer, server: protectedServer }
})

const paths = ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]

/** A mount, by the requests it answers. */
interface Mount {
  readonly issuer: issuers.Issuer
  readonly ask: (request: Request) => Promise<Response>
}

/** What every mount does alike. */
const guards = ({ ask, issuer }: Mount) =>
  Effect.gen(function*() {
    const bare = yield* door.send(ask, door.stateless("tools/call", { name: "whoami", arguments: {} }))
    assert.strictEqual(bare.status, 401)
    assert.include(bare.challenge!, paths[0]!)
    // Before it is looked at: what it is for is nobody's business.
    for (const [method, headers] of [["GET", {}], ["DELETE", {}], ["PUT", {}], ["POST", {}]] as const) {
      const answer = yield* door.send(ask, new Request("http://localhost/mcp", { method, headers }))
      assert.strictEqual(answer.status, 401, method)
    }
    const token = yield* issuer.token({ exp: 4e9 })
    const known = yield* door.send(ask, door.stateless("tools/call", { name: "whoami", arguments: {} }, { token }))
    assert.strictEqual(known.body.result.structuredContent.subject, "ann")
    const evil = yield* door.send(
      ask,
      door.stateless("tools/list", {}, { token, headers: { origin: "https://evil.example" } })
    )
    assert.strictEqual(evil.status, 403)
    assert.isNull(evil.challenge)
    for (const path of paths) {
      const document = yield* door.send(ask, new Request(`http://localhost${path}`))
      assert.strictEqual(document.status, 200)
      assert.strictEqual(document.headers.get("access-control-allow-origin"), "*")
      assert.deepStrictEqual(document.body, {
        resource: issuers.resource,
        authorization_servers: [issuers.url],
        bearer_methods_supported: ["header"]
      })
      const head = yield* door.send(ask, new Request(`http://localhost${path}`, { method: "HEAD" }))
      assert.strictEqual(head.status, 200)
      const preflight = yield* door.send(ask, new Request(`http://localhost${path}`, { method: "OPTIONS" }))
      assert.strictEqual(preflight.status, 204)
      const post = yield* door.send(ask, new Request(`http://localhost${path}`, { method: "POST", body: "{}" }))
      assert.strictEqual(post.status, 405)
    }
  })

/** Over a socket, under a name the guard lets in. */
const over = (port: number) => (request: Request) => {
  const { pathname, search } = new URL(request.url)
  return fetch(`http://127.0.0.1:${port}${pathname}${search}`, {
    method: request.method,
    headers: request.headers,
    ...(request.body === null ? undefined : { body: request.body, duplex: "half" })
  } as RequestInit)
}

describe("a protected server", () => {
  it.effect("as a fetch handler", () =>
    Effect.gen(function*() {
      const { issuer, server } = yield* build
      const ask = yield* Effect.provideContext(FetchMount.make(), yield* Layer.build(server))
      yield* guards({ issuer, ask })
    }))

  it.live("as a fetch handler that lives for one request", () =>
    Effect.gen(function*() {
      const { issuer, server } = yield* build
      yield* guards({ issuer, ask: FetchMount.requestScoped(server) })
    }))

  it.live("as routes of a router, beside each other", () =>
    Effect.gen(function*() {
      const { issuer, server } = yield* build
      const { dispose, handler } = HttpRouter.toWebHandler(
        Layer.mergeAll(HttpRouterMount.layer(), HttpRouterMount.layerSse(), HttpRouterMount.layerWebSocket()).pipe(
          Layer.provide(server)
        ),
        { disableLogger: true }
      )
      yield* Effect.addFinalizer(() => Effect.promise(dispose))
      yield* guards({ issuer, ask: handler })
      for (const request of [new Request("http://localhost/sse"), upgrade("http://localhost/ws")]) {
        assert.strictEqual((yield* door.send(handler, request)).status, 401)
      }
    }))

  it.live("on a node:http server, with SSE and WebSocket beside", () =>
    Effect.gen(function*() {
      const { issuer, server } = yield* build
      const context = yield* Layer.build(
        NodeHttp.layer({ port: 0, sse: true, webSocket: true }).pipe(Layer.provide(server))
      )
      const { port } = yield* Effect.provideContext(NodeHttp.Address, context)
      const ask = over(port)
      yield* guards({ issuer, ask })
      const token = yield* issuer.token({ exp: 4e9 })
      const sse = (headers: Record<string, string>) =>
        Effect.promise(async () => {
          const controller = new AbortController()
          const { status } = await fetch(`http://127.0.0.1:${port}/sse`, { headers, signal: controller.signal })
          controller.abort()
          return status
        })
      assert.strictEqual(yield* sse({}), 401)
      assert.strictEqual(yield* sse({ authorization: `Bearer ${token}` }), 200)
      yield* upgrades(`http://127.0.0.1:${port}/ws`, token)
      const health = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}/health`))
      assert.strictEqual(health.status, 200)
    }))

  it.live("on WebSocket alone", () =>
    Effect.gen(function*() {
      const { issuer, server } = yield* build
      const context = yield* Layer.build(NodeWebSocket.layer({ port: 0 }).pipe(Layer.provide(server)))
      const { port } = yield* Effect.provideContext(NodeWebSocket.Address, context)
      yield* upgrades(`http://127.0.0.1:${port}/ws`, yield* issuer.token({ exp: 4e9 }))
      const document = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}${paths[0]}`))
      assert.strictEqual(document.status, 200)
    }))

  it.live("a WebSocket ends with its token", () =>
    Effect.gen(function*() {
      const { issuer, server } = yield* build
      const context = yield* Layer.build(NodeWebSocket.layer({ port: 0 }).pipe(Layer.provide(server)))
      const { port } = yield* Effect.provideContext(NodeWebSocket.Address, context)
      const token = yield* issuer.token({ exp: Date.now() / 1000 + 1 })
      const { closed, status } = yield* Effect.promise(() => handshake(`http://127.0.0.1:${port}/ws`, token))
      assert.strictEqual(status, 101)
      assert.strictEqual(yield* Effect.promise(() => closed), 1008)
    }))

  it.effect("over stdio by the environment, or not at all", () =>
    Effect.gen(function*() {
      const frames: Array<string> = []
      const run = (environment: Record<string, string>, options: { readonly environment?: string }) =>
        StdioServer.run().pipe(
          Effect.provide(door.server.pipe(Layer.provide(AuthProvider.layerToken([
            { token: Redacted.make("sesame"), subject: "ann", scopes: ["notes:read"] }
          ], options)))),
          Effect.provideService(
            Stdio.Stdio,
            Stdio.make({
              args: Effect.succeed([]),
              stdin: Stream.fromIterable([new TextEncoder().encode(`${JSON.stringify(call)}\n`)]),
              stdout: () => Sink.forEach((text: string | Uint8Array) => Effect.sync(() => frames.push(String(text)))),
              stderr: () => Sink.drain
            })
          ),
          Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment)))
        )
      const call = {
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: {
          name: "whoami",
          arguments: {},
          _meta: {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}
          }
        }
      }
      for (
        const [environment, options, said] of [
          [{}, {}, "name it with `environment`"],
          [{}, { environment: "NOTES_TOKEN" }, "NOTES_TOKEN is to hold"],
          [{ NOTES_TOKEN: "guess" }, { environment: "NOTES_TOKEN" }, "not known here"]
        ] as const
      ) {
        const error = yield* Effect.flip(run(environment, options))
        assert.strictEqual(error.reason._tag, "NotAdmitted")
        assert.include(error.message, said)
        assert.notInclude(error.message, "guess")
      }
      assert.deepStrictEqual(frames, [])
      yield* run({ NOTES_TOKEN: "sesame" }, { environment: "NOTES_TOKEN" })
      assert.include(frames.join(""), "\"subject\":\"ann\"")
    }))

  it.effect("in memory by headers, or by the word of the program", () =>
    Effect.gen(function*() {
      const server = door.server.pipe(Layer.provide(AuthProvider.layerToken([
        { token: Redacted.make("sesame"), subject: "ann", scopes: ["notes:read"] }
      ])))
      const refused = yield* Effect.flip(McpTest.client(server))
      assert.strictEqual(refused._tag, "TransportError")
      const ann = yield* McpTest.client(server, { headers: { authorization: "Bearer sesame" } })
      assert.strictEqual((yield* ann.call(door.whoami, {})).subject, "ann")
      const bob = yield* McpTest.client(server, { identity: Identity.make({ subject: "bob" }) })
      assert.strictEqual((yield* bob.call(door.whoami, {})).subject, "bob")
    }))

  it.effect("is asked for by the transport, too, and then in place of the server's", () =>
    Effect.gen(function*() {
      const { issuer, server } = yield* build
      const context = yield* Layer.build(server)
      const own = AuthProvider.layerToken([{ token: Redacted.make("sesame"), subject: "ann" }])
      const ask = yield* Effect.provideContext(Effect.provide(FetchMount.make(), own), context)
      const token = yield* issuer.token()
      assert.strictEqual((yield* door.send(ask, door.stateless("tools/list", {}, { token }))).status, 401)
      assert.strictEqual((yield* door.send(ask, door.stateless("tools/list", {}, { token: "sesame" }))).status, 200)
    }))

  it.effect("answers 500 where who is asked breaks, and does not let in", () =>
    Effect.gen(function*() {
      let called = 0
      const broken = Layer.succeed(Admission.Admission, {
        admit: () => Effect.die("broken"),
        challenge: () => ({}),
        documents: new Map()
      })
      const tool = Tool.make("count", { handler: () => Effect.sync(() => called++).pipe(Effect.asVoid) })
      const server = McpServer.layer({ name: "a", version: "1", tools: [tool] }).pipe(Layer.provide(broken))
      const ask = yield* Effect.provideContext(FetchMount.make(), yield* Layer.build(server))
      const { status, text } = yield* door.send(ask, door.stateless("tools/call", { name: "count", arguments: {} }))
      assert.strictEqual(status, 500)
      assert.notInclude(text, "broken")
      assert.strictEqual(called, 0)
    }))

  it.effect("reads no body of who is not let in", () =>
    Effect.gen(function*() {
      const { server } = yield* build
      const ask = yield* Effect.provideContext(FetchMount.make(), yield* Layer.build(server))
      let pulled = 0
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          pulled++
          controller.enqueue(new Uint8Array(1024))
        }
      }, new ByteLengthQueuingStrategy({ highWaterMark: 0 }))
      const request = new Request("http://localhost/mcp", { method: "POST", body, duplex: "half" } as RequestInit)
      assert.strictEqual((yield* door.send(ask, request)).status, 401)
      assert.strictEqual(pulled, 0)
    }))

  it.effect("lets pages of other origins read why they were refused, where it lets them in at all", () =>
    Effect.gen(function*() {
      const { server } = yield* build
      const context = yield* Layer.build(server)
      const ask = yield* Effect.provideContext(
        FetchMount.make({ cors: true, allowedOrigins: ["https://app.example"] }),
        context
      )
      const headers = { origin: "https://app.example" }
      const preflight = yield* door.send(
        ask,
        new Request("http://localhost/mcp", {
          method: "OPTIONS",
          headers: { ...headers, "access-control-request-headers": "authorization" }
        })
      )
      assert.strictEqual(preflight.status, 204)
      const bare = yield* door.send(ask, door.stateless("tools/list", {}, { headers }))
      assert.strictEqual(bare.status, 401)
      assert.include(bare.headers.get("access-control-expose-headers")!, "WWW-Authenticate")
    }))

  it.effect("with everybody let in serves nobody in particular, and as one user that one", () =>
    Effect.gen(function*() {
      const who = Tool.make("who", {
        success: Schema.String,
        handler: () => Effect.map(Identity.CurrentIdentity, ({ subject = "nobody" }) => subject)
      })
      const server = McpServer.layer({ name: "open", version: "1", tools: [who] })
      const everybody = yield* McpTest.client(Layer.provide(server, AuthProvider.layerAllowAll))
      assert.strictEqual(yield* everybody.call(who, {}), "nobody")
      const one = yield* McpTest.client(Layer.provide(server, AuthProvider.layerAs(Identity.make({ subject: "me" }))))
      assert.strictEqual(yield* one.call(who, {}), "me")
    }))

  it.effect("lets nobody in whom a mount has not asked", () =>
    Effect.gen(function*() {
      const { server } = yield* build
      const context = yield* Layer.build(server)
      const endpoint = yield* Effect.provideContext(StreamableHttpServer.make(), context)
      let status = 0
      endpoint.accept(
        { method: "POST", url: "/mcp", header: () => undefined },
        JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
        {
          respond: (code) => {
            status = code
          },
          stream: () => assert.fail("a stream")
        }
      )
      assert.strictEqual(status, 401)
      const webSocket = yield* Effect.provideContext(WebSocketServer.make(), context)
      const client = yield* webSockets.make()
      yield* Fiber.join(
        webSocket.accept(Effect.succeed(client.socket), { method: "GET", header: () => undefined }, client.controls)
      )
      assert.strictEqual(client.ends[0], 1008)
    }))

  it.effect("cuts an SSE stream of 2024-11-05 with its token", () =>
    Effect.gen(function*() {
      const { issuer, server } = yield* build
      const endpoints = yield* Effect.provideContext(SseServer.make(), yield* Layer.build(server))
      const token = yield* issuer.token()
      const stream = wires.feed(endpoints.get("/sse")!)("", { authorization: `Bearer ${token}` }, {
        method: "GET",
        url: "/sse"
      })
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      assert.strictEqual(stream.status, 200)
      yield* TestClock.adjust("299 seconds")
      assert.isFalse(stream.isCut)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(stream.isCut)
    }))

  it.effect("says goodbye to who only listens when its token ends", () =>
    Effect.gen(function*() {
      const at = yield* door.open()
      const token = yield* at.issuer.token()
      const listening = yield* Effect.forkChild(
        door.send(
          at.handler,
          door.stateless("subscriptions/listen", { notifications: { toolsListChanged: true } }, { token })
        ),
        { startImmediately: true }
      )
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      yield* TestClock.adjust("299 seconds")
      assert.isUndefined(listening.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const { text } = yield* Fiber.join(listening)
      assert.include(text, "subscriptions/acknowledged")
      assert.include(text, "\"resultType\":\"complete\"")
    }))

  it.effect("answers who still waits to be let in when it stops", () =>
    Effect.gen(function*() {
      const issuer = yield* issuers.make
      issuer.failure = "silent"
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        door.server.pipe(Layer.provide(door.bearer()), Layer.provide(issuer.client)),
        scope
      )
      const ask = yield* Effect.provideContext(FetchMount.make(), Context.add(context, Scope.Scope, scope))
      const token = yield* issuer.token()
      const waiting = yield* Effect.forkChild(door.send(ask, door.stateless("tools/list", {}, { token })), {
        startImmediately: true
      })
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      assert.deepStrictEqual(issuer.asked, ["/jwks"])
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Fiber.join(waiting)).status, 503)
      assert.strictEqual((yield* door.send(ask, door.stateless("tools/list", {}, { token }))).status, 503)
    }))

  it.effect("logs once in half a minute that nobody can be told, whoever asks", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const ask = yield* Effect.provideService(
        door.open(),
        Logger.CurrentLoggers,
        new Set([logger])
      )
      ask.issuer.failure = "down"
      const token = yield* ask.issuer.token()
      for (let i = 0; i < 10; i++) {
        assert.strictEqual((yield* door.call(ask, "whoami", { token })).status, 503)
        yield* TestClock.adjust("3 seconds")
      }
      assert.deepStrictEqual(lines.filter((line) => line.includes("Who calls cannot be told")).length, 1)
      yield* TestClock.adjust("3 seconds")
      yield* door.call(ask, "whoami", { token })
      assert.deepStrictEqual(lines.filter((line) => line.includes("Who calls cannot be told")).length, 2)
    }))

  it.effect("ends the stream of a session with the token it was opened with", () =>
    Effect.gen(function*() {
      const at = yield* door.open()
      const token = yield* at.issuer.token()
      const session = yield* door.begin(at, token)
      const response = yield* Effect.promise(() =>
        at.handler(door.stateful(undefined, { token, headers: session }, "GET"))
      )
      assert.strictEqual(response.status, 200)
      const text = Effect.promise(() => response.text())
      yield* TestClock.adjust("299 seconds")
      yield* TestClock.adjust("10 seconds")
      assert.include(yield* text, ":")
    }))
})

const upgrade = (url: string) =>
  new Request(url, {
    headers: { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" }
  })

/** As `ws` and browsers do it, with a header that browsers cannot set. */
const handshake = (url: string, token?: string, query = "") =>
  new Promise<{ readonly status: number; readonly challenge: string | undefined; readonly closed: Promise<number> }>(
    (resolve, reject) => {
      const request = Http.request(`${url}${query}`, {
        headers: {
          connection: "upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          ...(token === undefined ? undefined : { authorization: `Bearer ${token}` })
        }
      })
      request.on("error", reject)
      request.on("response", (response) => {
        response.resume()
        resolve({
          status: response.statusCode!,
          challenge: response.headers["www-authenticate"],
          closed: Promise.resolve(0)
        })
      })
      request.on("upgrade", (response, socket, head) => {
        let bytes = head
        const closed = new Promise<number>((resolve) => {
          const look = () => {
            // A close frame of the server: its code are the first two bytes of the payload.
            if (bytes.length >= 4 && bytes[0] === 0x88) resolve(bytes.readUInt16BE(2))
          }
          look()
          socket.on("data", (chunk: Buffer) => {
            bytes = Buffer.concat([bytes, chunk])
            look()
          })
          socket.on("close", () => resolve(1006))
        })
        void closed.then(() => socket.destroy())
        resolve({ status: response.statusCode!, challenge: undefined, closed })
      })
      request.end()
    }
  )

const upgrades = (url: string, token: string) =>
  Effect.promise(async () => {
    const bare = await handshake(url)
    assert.strictEqual(bare.status, 401)
    assert.include(bare.challenge!, paths[0]!)
    assert.strictEqual((await handshake(url, undefined, `?access_token=${token}`)).status, 401)
    assert.strictEqual((await handshake(url, "nonsense")).status, 401)
    assert.strictEqual((await handshake(url, token)).status, 101)
  })
