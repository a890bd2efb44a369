import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert, describe, it } from "@effect/vitest"
import { Client as SdkClient } from "@modelcontextprotocol/sdk/client/index.js"
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as NodeWebSocket from "fastmcp-effect/node/NodeWebSocket"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as HttpRouterMount from "fastmcp-effect/transport/HttpRouterMount"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import type * as WebSocketServer from "fastmcp-effect/transport/WebSocketServer"
import { once } from "node:events"
import * as Http from "node:http"
import * as Net from "node:net"
import * as processes from "../server/processes.ts"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"
import * as webSocketClient from "./webSocketClient.ts"

const paint = Tool.make("paint", {
  success: Schema.String,
  handler: () =>
    Effect.map(
      Ask.one("color", Elicitation.form({ color: Schema.String }, { message: "Which color?" })),
      ({ color }) => `painted ${color}`
    )
})

interface Server {
  readonly url: string
  readonly probe: tools.Probe
  readonly mcp: McpServer.McpServer["Service"]
  /** Fibers that run on behalf of the server. */
  readonly fibers: () => number
  /** Waits for what became of a tool. */
  readonly saw: (event: string) => Promise<void>
  readonly stop: () => Promise<void>
}

type Host = (options: WebSocketServer.Options) => Layer.Layer<NodeWebSocket.Address, unknown, Receiver.Receiver>

const own: Host = (options) => NodeWebSocket.layer({ port: 0, ...options })

type Middleware = NonNullable<NonNullable<Parameters<typeof HttpRouter.serve>[1]>["middleware"]>

const routeBehind = (middleware: Middleware): Host => ({ maxPayloadBytes = 4 << 20, ...options }) =>
  Layer.effect(
    NodeWebSocket.Address,
    Effect.map(HttpServer.HttpServer, ({ address }) => {
      const { port } = address as unknown as { readonly port: number }
      return { port, url: `ws://127.0.0.1:${port}/ws` }
    })
  ).pipe(
    Layer.provideMerge(HttpRouter.serve(
      HttpRouterMount.layerWebSocket({ maxPayloadBytes, ...options, controls: NodeWebSocket.controls }),
      { disableLogger: true, disableListenLog: true, middleware: middleware as never }
    )),
    Layer.provide(NodeHttpServer.layer(() => Http.createServer(), {
      port: 0,
      host: "127.0.0.1",
      websocket: { maxPayload: maxPayloadBytes },
      disablePreemptiveShutdown: true
    }))
  )

const route = routeBehind((app) => app)

/** Runs a test against a server that is gone at its end. */
const withServer =
  (host: Host, options: WebSocketServer.Options, use: (server: Server) => Promise<void>) => async () => {
    const looks = new Set<() => void>()
    const probe = tools.makeProbe(() => {
      for (const look of [...looks]) look()
    })
    let active = 0
    const counter: Metric.FiberRuntimeMetricsService = {
      recordFiberStart: () => {
        active++
      },
      recordFiberEnd: () => {
        active--
      }
    }
    const mcp = McpServer.layer({ name: "tools", version: "1", tools: [...tools.make(probe), paint] as never })
    const program = (serving: (context: Context.Context<NodeWebSocket.Address | McpServer.McpServer>) => void) =>
      Layer.build(host(options).pipe(Layer.provideMerge(mcp))).pipe(
        Effect.map(serving as never),
        Effect.andThen(Effect.never),
        Effect.scoped,
        Effect.provideService(Metric.FiberRuntimeMetrics, counter)
      )
    const abort = new AbortController()
    let ended: Promise<unknown> = Promise.resolve()
    const context = await new Promise<Context.Context<NodeWebSocket.Address | McpServer.McpServer>>(
      (resolve, reject) => {
        ended = Effect.runPromise(program(resolve), { signal: abort.signal })
        ended.catch(reject)
      }
    )
    const stop = () => {
      abort.abort()
      return ended.then(() => {}, () => {})
    }
    try {
      await use({
        url: Context.get(context, NodeWebSocket.Address).url,
        mcp: Context.get(context, McpServer.McpServer),
        probe,
        fibers: () => active,
        saw: (event) =>
          processes.within(
            10_000,
            () => `${event} in ${probe.events}`,
            new Promise<void>((resolve) => {
              const look = () => {
                if (!probe.events.includes(event)) return
                looks.delete(look)
                resolve()
              }
              looks.add(look)
              look()
            })
          ),
        stop
      })
    } finally {
      await stop()
      assert.strictEqual(active, 0, "fibers after the end")
    }
  }

const initialize = async (client: webSocketClient.Client, capabilities: object = {}) => {
  client.send({
    jsonrpc: "2.0",
    id: "initialize",
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities, clientInfo: { name: "test", version: "1" } }
  })
  const { result } = await client.answer("initialize")
  assert.strictEqual(result.protocolVersion, "2025-11-25")
  client.send(wires.notification("notifications/initialized"))
}

const connect = async (url: string, era: wires.Era, capabilities?: object) => {
  const client = await webSocketClient.connect(url)
  if (era === "Stateful") await initialize(client, capabilities)
  return client
}

/** A client whose every frame is its own choice. */
const raw = async (url: string, options: NodeWS.ClientOptions = {}) => {
  const socket = new NodeWS.WebSocket(url, "mcp", options)
  const closed = new Promise<number>((resolve) => socket.once("close", resolve))
  await once(socket, "open")
  return { socket, closed }
}

const request = (url: string, headers: Http.OutgoingHttpHeaders, method = "GET"): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = Http.request(url.replace("ws:", "http:"), { method, headers, agent: false })
    request.once("response", (response) => {
      response.resume().once("end", () => resolve(response.statusCode!))
    })
    request.once("upgrade", (response, socket) => {
      socket.destroy()
      resolve(response.statusCode!)
    })
    request.once("error", reject)
    request.end()
  })

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="
}

for (const [name, host] of [["a server of its own", own], ["a route", route]] as const) {
  for (const era of wires.eras) {
    describe(`NodeWebSocket as ${name}, ${era.toLowerCase()} era`, () => {
      it(
        "answers, reports progress, and cancels with a notification",
        withServer(host, {}, async ({ saw, url }) => {
          const client = await connect(url, era)
          client.send(wires.call(era, 1, "echo", { text: "grüße\n" }))
          assert.strictEqual((await client.answer(1)).result.content[0].text, "grüße\n")
          client.send(wires.call(era, 2, "talk", { count: 3 }, { progressToken: "p" }))
          await client.answer(2)
          const progress = client.frames.filter(({ method }) => method === "notifications/progress")
          assert.deepStrictEqual(progress.map(({ params }) => params.progress), [1, 2, 3])
          client.send(wires.call(era, 3, "slowToEnd", { ms: 10 }))
          await saw("slowToEnd started")
          client.send(wires.notification("notifications/cancelled", { requestId: 3 }))
          await saw("slow end")
          await saw("slowToEnd Cancelled User")
          client.send(wires.call(era, 4, "echo", { text: "still here" }))
          await client.answer(4)
          assert.isUndefined(client.frames.find(({ id }) => id === 3))
          client.close()
          assert.strictEqual((await client.closed).code, 1000)
        })
      )

      it(
        "cancels what is in flight when the client closes, and when it is cut off",
        withServer(host, {}, async ({ probe, saw, url }) => {
          const client = await connect(url, era)
          client.send(wires.call(era, 1, "never"))
          await saw("never started")
          client.close()
          await saw("never Cancelled User")
          probe.events.length = 0
          const { socket } = await raw(url)
          socket.send(JSON.stringify(wires.call("Stateless", 1, "never")))
          await saw("never started")
          socket.terminate()
          await saw("never Cancelled User")
        })
      )

      it(
        "gives requests their grace when it stops, answers the rest, and closes with 1001",
        withServer(host, { grace: "1 second" }, async ({ probe, saw, stop, url }) => {
          const client = await connect(url, era)
          client.send(wires.call(era, 1, "never"))
          client.send(wires.call(era, 2, "wait"))
          await saw("wait started")
          const stopped = stop()
          let late = 0
          while (!client.frames.some(({ error }) => error?.code === 503)) {
            client.send(wires.call(era, `late ${late}`, "echo", { text: "x" }))
            await client.answer(`late ${late++}`)
          }
          await Effect.runPromise(Deferred.succeed(probe.gate, undefined))
          assert.strictEqual((await client.answer(2)).result.content[0].text, "waited")
          await stopped
          assert.strictEqual((await client.answer(1)).error?.code, 499)
          assert.strictEqual((await client.closed).code, 1001)
        })
      )
    })
  }

  describe(`NodeWebSocket as ${name}`, () => {
    it(
      "asks its client and waits for the answer",
      withServer(host, {}, async ({ url }) => {
        const client = await connect(url, "Stateful", { elicitation: {} })
        client.send(wires.call("Stateful", 1, "paint"))
        const question = () => client.frames.find(({ method }) => method === "elicitation/create")
        await client.until(() => question() !== undefined, "a question")
        assert.strictEqual(question()!.params.message, "Which color?")
        client.send({ jsonrpc: "2.0", id: question()!.id, result: { action: "accept", content: { color: "red" } } })
        assert.strictEqual((await client.answer(1)).result.content[0].text, "painted red")
        client.close()
        await client.closed
      })
    )

    it(
      "tells a session of changes unasked, and a subscription under its id until it is cancelled",
      withServer(host, {}, async ({ mcp, stop, url }) => {
        const [session, listener] = [await connect(url, "Stateful"), await connect(url, "Stateless")]
        for (const id of ["a", "b"]) {
          listener.send(
            wires.request("Stateless", id, "subscriptions/listen", { notifications: { toolsListChanged: true } })
          )
        }
        const heard = (id: string) =>
          listener.frames.filter(({ params }) => params?._meta?.["io.modelcontextprotocol/subscriptionId"] === id)
            .map(({ method }) => method)
        await listener.until(() => heard("a").length + heard("b").length === 2, "acknowledgements")
        listener.send(wires.notification("notifications/cancelled", { requestId: "a" }))
        listener.send(wires.call("Stateless", 1, "echo", { text: "x" }))
        await listener.answer(1)
        await Effect.runPromise(
          Effect.scoped(mcp.add(Tool.make("late", { handler: () => Effect.void })) as Effect.Effect<void>)
        )
        await session.until(() => session.frames.some(({ method }) => method?.endsWith("tools/list_changed")), "news")
        await listener.until(() => heard("b").length > 1, "news of b")
        assert.deepStrictEqual(heard("a"), ["notifications/subscriptions/acknowledged"])
        assert.deepStrictEqual(heard("b").slice(0, 2), [
          "notifications/subscriptions/acknowledged",
          "notifications/tools/list_changed"
        ])
        // A server that stops ends what only its client would have ended, with a result.
        await stop()
        assert.isObject((await listener.answer("b")).result)
        assert.strictEqual((await listener.closed).code, 1001)
      })
    )

    it(
      "speaks mcp when it is offered or nothing is, and refuses a client that offers others alone",
      withServer(host, {}, async ({ url }) => {
        const offers: ReadonlyArray<readonly [Array<string>, string]> = [[["mcp"], "mcp"], [["mcp", "other"], "mcp"], [
          [],
          ""
        ]]
        for (const [offered, chosen] of offers) {
          const client = await webSocketClient.connect(url, offered)
          assert.strictEqual(client.protocol, chosen)
          client.send(wires.call("Stateless", 1, "echo", { text: "x" }))
          await client.answer(1)
          client.close()
          await client.closed
        }
        assert.strictEqual(await request(url, { ...upgrade, "sec-websocket-protocol": "other" }), 400)
        const refused = await webSocketClient.connect(url, "other").then(() => "let in", () => "refused")
        assert.strictEqual(refused, "refused")
      })
    )

    it(
      "guards the upgrade by host and origin, and answers what is none",
      withServer(host, { allowedOrigins: ["https://app.example"] }, async ({ url }) => {
        assert.deepStrictEqual(
          await Promise.all([
            request(url, { ...upgrade, origin: "https://app.example" }),
            request(url, { ...upgrade, origin: "https://evil.example" }),
            request(url, { ...upgrade, host: "evil.example" }),
            request(url, {}),
            request(url, {}, "POST"),
            request(url.replace("/ws", "/elsewhere"), upgrade),
            request(url.replace("/ws", "/elsewhere"), {}),
            request(`${url}?token=x`, upgrade)
          ]),
          [101, 403, 403, 426, 405, 404, 404, 101]
        )
      })
    )

    it(
      "closes with 1003, 1007 and 1009 what is no message, and with 1013 what is one too many",
      withServer(host, { maxPayloadBytes: 2000, maxConnections: 1 }, async ({ saw, url }) => {
        const text = (socket: NodeWS.WebSocket, bytes: Uint8Array, fin = true) =>
          socket.send(bytes, { binary: false, fin })
        const cases: ReadonlyArray<readonly [code: number, (socket: NodeWS.WebSocket) => void]> = [
          [1003, (socket) => socket.send(Uint8Array.of(1, 2, 3))],
          [1007, (socket) => text(socket, Uint8Array.of(0x22, 0xff, 0x22))],
          [1009, (socket) => socket.send(JSON.stringify("x".repeat(2000)))],
          // The message never ends: the limit holds while it comes.
          [1009, (socket) => {
            for (let i = 0; i < 3; i++) text(socket, new Uint8Array(900).fill(0x20), false)
          }]
        ]
        for (const [code, misbehave] of cases) {
          const { closed, socket } = await raw(url)
          socket.send(JSON.stringify(wires.call("Stateless", 1, "never")))
          await saw("never started")
          misbehave(socket)
          assert.strictEqual(await closed, code)
        }
        const first = await connect(url, "Stateless")
        const second = await webSocketClient.connect(url)
        assert.strictEqual((await second.closed).code, 1013)
        first.send(wires.call("Stateless", 1, "echo", { text: "still here" }))
        await first.answer(1)
      })
    )

    it(
      "pings, keeps who answers, and cuts off who does not",
      withServer(host, { pingInterval: "40 millis", pongTimeout: "2 seconds" }, async ({ saw, url }) => {
        const client = await connect(url, "Stateless")
        const answering = await raw(url)
        let pings = 0
        answering.socket.on("ping", () => pings++)
        const silent = await raw(url, { autoPong: false })
        silent.socket.send(JSON.stringify(wires.call("Stateless", 1, "never")))
        await saw("never started")
        assert.strictEqual(await silent.closed, 1006)
        await saw("never Cancelled User")
        assert.isAtLeast(pings, 2)
        const answered = once(answering.socket, "message")
        for (const socket of [client, { send: (frame: object) => answering.socket.send(JSON.stringify(frame)) }]) {
          socket.send(wires.call("Stateless", 1, "echo", { text: "still here" }))
        }
        await client.answer(1)
        await answered
      })
    )

    it(
      "answers the pings of its clients",
      withServer(host, {}, async ({ url }) => {
        const { socket } = await raw(url)
        socket.ping("are you there?")
        const [said] = await once(socket, "pong")
        assert.strictEqual(String(said), "are you there?")
      })
    )

    it(
      "makes a handler wait for a client that does not read, and cuts the client off in the end",
      withServer(
        host,
        { highWaterMark: 100_000, sendTimeout: "500 millis" },
        async ({ probe, saw, url }) => {
          const { closed, socket } = await raw(url)
          socket.pause()
          const before = process.memoryUsage().rss
          socket.send(
            JSON.stringify(wires.call("Stateless", 1, "talk", { count: 1e6, size: 10_000 }, { progressToken: 1 }))
          )
          await saw("talk cut")
          assert.isBelow(process.memoryUsage().rss - before, 100 << 20)
          assert.notInclude(probe.events, "talk done")
          socket.resume()
          await closed
        }
      )
    )

    it(
      "holds back a client that sends 20,000 requests and reads nothing, then answers each once",
      withServer(host, { highWaterMark: 100_000 }, async ({ url }) => {
        const { socket } = await raw(url)
        socket.pause()
        const total = 20_000
        const text = "x".repeat(500)
        for (let id = 0; id < total; id++) socket.send(JSON.stringify(wires.call("Stateless", id, "echo", { text })))
        // Held back: nothing was taken for a while, though there is more to send.
        for (let last = -1, still = 0; still < 6;) {
          await new Promise((resolve) => setTimeout(resolve, 50))
          still = socket.bufferedAmount === last ? still + 1 : 0
          last = socket.bufferedAmount
        }
        assert.isAbove(socket.bufferedAmount, 1 << 20)
        const ids = new Set<wires.Id>()
        const done = new Promise<void>((resolve) =>
          socket.on("message", (data) => {
            const { id } = JSON.parse(String(data)) as wires.Frame
            assert.isFalse(ids.has(id!))
            ids.add(id!)
            if (ids.size === total) resolve()
          })
        )
        socket.resume()
        await done
        socket.close()
      })
    )

    it(
      "reads a message that comes in one packet with the request for the upgrade",
      withServer(host, {}, async ({ url }) => {
        const { host: address, hostname, pathname, port } = new URL(url)
        const socket = Net.connect({ host: hostname, port: Number(port) })
        const headers = Object.entries({ ...upgrade, host: address }).map(([name, value]) => `${name}: ${value}\r\n`)
        const message = Buffer.from(JSON.stringify(wires.call("Stateless", 1, "echo", { text: "early" })))
        // A text frame of up to 64 KiB, masked with zeroes.
        const frame = Buffer.concat([
          Buffer.of(0x81, 0xfe, message.length >> 8, message.length & 255, 0, 0, 0, 0),
          message
        ])
        socket.write(Buffer.concat([Buffer.from(`GET ${pathname} HTTP/1.1\r\n${headers.join("")}\r\n`), frame]))
        let received = ""
        for await (const chunk of socket.setEncoding("utf8")) {
          received += chunk
          if (received.includes("early")) break
        }
        assert.match(received, /^HTTP\/1\.1 101 /u)
      })
    )

    it(
      "delivers all of it to a client that reads slowly",
      withServer(host, { highWaterMark: 100_000 }, async ({ url }) => {
        const { socket } = await raw(url)
        const frames: Array<wires.Frame> = []
        const done = new Promise<void>((resolve) =>
          socket.on("message", (data) => {
            const frame = JSON.parse(String(data)) as wires.Frame
            frames.push(frame)
            if (frame.id === 1) resolve()
          })
        )
        socket.pause()
        socket.send(
          JSON.stringify(wires.call("Stateless", 1, "talk", { count: 2000, size: 10_000 }, { progressToken: 1 }))
        )
        await new Promise((resolve) => setTimeout(resolve, 200))
        socket.resume()
        await done
        assert.deepStrictEqual(
          frames.slice(0, -1).map(({ params }) => params.progress),
          Array.from({ length: 2000 }, (_, i) => i + 1)
        )
        socket.close()
      })
    )

    it(
      "leaves nothing of 200 clients that come and go",
      withServer(host, {}, async ({ fibers, probe, url }) => {
        const visit = async (how: "close" | "terminate") => {
          const { closed, socket } = await raw(url)
          socket.send(JSON.stringify(wires.call("Stateless", 1, "never")))
          socket.send(JSON.stringify(wires.call("Stateless", 2, "echo", { text: "x" })))
          await once(socket, "message")
          socket[how]()
          await closed
        }
        await visit("close")
        const before = fibers()
        for (let round = 0; round < 10; round++) {
          await Promise.all(Array.from({ length: 20 }, (_, i) => visit(i % 2 === 0 ? "close" : "terminate")))
        }
        await processes.within(
          5000,
          () => `${fibers()} fibers, ${before} before`,
          (async () => {
            while (fibers() > before) await new Promise((resolve) => setTimeout(resolve, 10))
          })()
        )
        assert.lengthOf(probe.events.filter((event) => event === "never started"), 201)
        assert.lengthOf(probe.events.filter((event) => event === "never Cancelled User"), 201)
      })
    )

    it(
      "serves the official client over its own WebSocket transport",
      withServer(host, {}, async ({ url }) => {
        const client = new SdkClient({ name: "sdk", version: "1" })
        await client.connect(new WebSocketClientTransport(new URL(url)) as never)
        assert.strictEqual(client.getServerVersion()?.name, "tools")
        const { content } = await client.callTool({ name: "echo", arguments: { text: "hello" } })
        assert.deepStrictEqual(content, [{ type: "text", text: "hello" }])
        await client.close()
      })
    )
  })
}

describe("NodeWebSocket as a route, in detail", () => {
  const hasty = routeBehind((app) =>
    Effect.timeoutOrElse(app, {
      duration: "200 millis",
      orElse: () => Effect.succeed(HttpServerResponse.empty({ status: 408 }))
    })
  )

  it(
    "ends with 1001 when something around it interrupts it",
    withServer(hasty, { grace: 0 }, async ({ saw, url }) => {
      const client = await connect(url, "Stateless")
      client.send(wires.call("Stateless", 1, "never"))
      assert.strictEqual((await client.closed).code, 1001)
      await saw("never Cancelled Shutdown")
    })
  )
})

describe("NodeWebSocket as a process", () => {
  it(
    "says where it is, gives requests their grace at a signal, closes with 1001, and exits with 0",
    processes.withServer([processes.tools, "websocket"], {}, async (server) => {
      await server.said(/ws:\/\/\S+\/ws/u, 17_000)
      const client = await connect(/ws:\/\/\S+\/ws/u.exec(server.stderr())![0], "Stateful")
      client.send(wires.call("Stateful", 1, "never"))
      await server.said("event: never started")
      server.child.kill("SIGTERM")
      const { error } = await client.answer(1)
      assert.deepStrictEqual([error?.code, error?.data["fastmcp-effect/outcome"].reason], [499, "Shutdown"])
      assert.strictEqual((await client.closed).code, 1001)
      assert.strictEqual(await server.exited, 0)
      assert.include(server.stderr(), "event: never Cancelled Shutdown")
    })
  )

  it(
    "says so when it cannot listen, and exits with 1",
    processes.withServer(
      [processes.tools, "websocket"],
      { CHILD_PORT: "1", CHILD_HOST: "192.0.2.1" },
      async (server) => {
        await server.said("Cannot listen on 192.0.2.1:1", 17_000)
        assert.strictEqual(await server.exited, 1)
      }
    )
  )
})
