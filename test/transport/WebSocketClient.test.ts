import type * as NodeWS from "@effect/platform-node/NodeWS"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as NodeWebSocket from "fastmcp-effect/node/NodeWebSocket"
import * as NodeWebSocketClient from "fastmcp-effect/node/NodeWebSocketClient"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as WebSocketClient from "fastmcp-effect/transport/WebSocketClient"
import type * as WebSocketServer from "fastmcp-effect/transport/WebSocketServer"
import { createHash } from "node:crypto"
import type { IncomingMessage } from "node:http"
import * as Net from "node:net"
import { inspect } from "node:util"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"
import * as hearing from "./hearing.ts"
import * as webSocketServers from "./webSocketServers.ts"

const { request, until } = hearing

const test = (title: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(title, () => Leaks.check(body()))

type Make = (options: WebSocketClient.Options) => Effect.Effect<ClientTransport.ClientTransport["Service"]>

const withGlobal: Make = (options) =>
  Effect.provide(WebSocketClient.make(options), Socket.layerWebSocketConstructorGlobal)

const makers: ReadonlyArray<readonly [string, Make]> = [
  ["ws", NodeWebSocketClient.make],
  ["the global WebSocket", withGlobal]
]

const connect = (make: Make, options: WebSocketClient.Options) =>
  Effect.gen(function*() {
    const heard = hearing.make()
    const transport = yield* make(options)
    return { heard, connection: yield* transport.connect(heard.listener) }
  })

const ended = ({ heard }: { readonly heard: hearing.Hearing }) =>
  Effect.map(until(() => heard.ends.length > 0, () => "the end"), () => heard.ends[0]!)

const millis = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

/** Each connection goes to the test's hands. */
const serving = (onConnection: (ws: NodeWS.WebSocket, request: IncomingMessage) => void, options = {}) =>
  Effect.map(webSocketServers.listen(options), (listening) => {
    listening.server.on("connection", (ws, request) => {
      ws.on("error", () => {})
      onConnection(ws, request)
    })
    return listening
  })

/** A server that does the handshake and nothing else. */
const deaf = Effect.map(
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Net.Server; readonly sockets: Set<Net.Socket> }>((resume) => {
      const sockets = new Set<Net.Socket>()
      const server = Net.createServer((socket) => {
        sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)))
        socket.once("data", (head) => {
          const key = /sec-websocket-key: (\S+)/iu.exec(String(head))![1]!
          const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
          socket.write(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
              + `sec-websocket-accept: ${accept}\r\nsec-websocket-protocol: mcp\r\n\r\n`
          )
          socket.pause()
        })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, sockets })))
    }),
    ({ server, sockets }) =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
  ),
  ({ server, sockets }) => ({ sockets, url: `ws://127.0.0.1:${(server.address() as Net.AddressInfo).port}` })
)

describe("WebSocketClient, with our own server", () => {
  /** In a scope that the test can close before its own. */
  const serve = (options: WebSocketServer.Options = {}) =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const scope = yield* Scope.make()
      yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
      const context = yield* Layer.build(
        NodeWebSocket.layer({ port: 0, grace: "100 millis", ...options }).pipe(Layer.provide(tools.server(probe)))
      ).pipe(Scope.provide(scope))
      return { probe, stop: Scope.close(scope, Exit.void), url: Context.get(context, NodeWebSocket.Address).url }
    })

  const call = (id: number, tool: string, args: object, meta?: object): ClientTransport.Outgoing => ({
    frame: JSON.stringify(wires.call("Stateless", id, tool, args, meta as never)),
    id,
    method: "tools/call",
    version: "2026-07-28"
  })

  for (const [name, make] of makers) {
    test(`calls tools, hears progress, and leaves with 1000, by ${name}`, () =>
      Effect.gen(function*() {
        const { probe, url } = yield* serve()
        yield* Effect.scoped(Effect.gen(function*() {
          const { connection, heard } = yield* connect(make, { url })
          connection.send(call(1, "echo", { text: "grüße" }))
          connection.send(call(2, "talk", { count: 3 }, { progressToken: "p" }))
          yield* until(() => heard.messages.filter(({ id }) => id !== undefined).length === 2, () => "two answers")
          assert.strictEqual(heard.messages.find(({ id }) => id === 1).result.content[0].text, "grüße")
          assert.deepStrictEqual(
            heard.messages.flatMap(({ params }) => params === undefined ? [] : [params.progress]),
            [1, 2, 3]
          )
          connection.send(call(3, "never", {}))
          yield* until(() => probe.events.includes("never started"), () => probe.events)
        }))
        yield* until(() => probe.events.includes("never Cancelled User"), () => probe.events)
      }))
  }

  test("answers pings", () =>
    Effect.gen(function*() {
      const { url } = yield* serve({ pingInterval: "20 millis", pongTimeout: "200 millis" })
      const { connection, heard } = yield* connect(NodeWebSocketClient.make, { url })
      yield* Effect.sleep("400 millis")
      connection.send(call(1, "echo", { text: "still here" }))
      yield* until(() => heard.messages.length === 1, () => "an answer")
      assert.lengthOf(heard.ends, 0)
    }))

  test("tells of a server that shuts down, after the answers it gave before", () =>
    Effect.gen(function*() {
      const { probe, stop, url } = yield* serve()
      const connected = yield* connect(NodeWebSocketClient.make, { url })
      connected.connection.send(call(1, "never", {}))
      yield* until(() => probe.events.includes("never started"), () => probe.events)
      yield* stop
      const error = yield* ended(connected)
      assert.strictEqual(
        error.message,
        "The connection is closed: the server is shutting down (1001, \"The server is shutting down.\")"
      )
      assert.deepStrictEqual(connected.heard.messages.map(({ error, id }) => [id, error.code]), [[1, 499]])
    }))

  test("tells of a message that the server finds too large", () =>
    Effect.gen(function*() {
      const { url } = yield* serve({ maxPayloadBytes: 1000 })
      const connected = yield* connect(NodeWebSocketClient.make, { url })
      connected.connection.send(call(1, "echo", { text: "x".repeat(2000) }))
      assert.match((yield* ended(connected)).message, /a message was larger than the server takes \(1009/u)
    }))
})

describe("WebSocketClient, where no connection comes about", () => {
  const refused = (make: Make, options: WebSocketClient.Options) =>
    Effect.map(Effect.flip(connect(make, options)), (error) => {
      assert.strictEqual(error.reason._tag, "Unreachable")
      return error.message
    })

  test("tells that nobody listens, and shows no secret of the URL or the headers", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(connect(NodeWebSocketClient.make, {
        url: "ws://user:hunter2@127.0.0.1:1/mcp?key=hunter2",
        headers: { authorization: Redacted.make("Bearer hunter2") }
      }))
      assert.strictEqual(error.message, "Cannot reach ws://127.0.0.1:1/mcp: connect ECONNREFUSED 127.0.0.1:1")
      assert.notInclude(inspect(error, { depth: 20 }), "hunter2")
      yield* refused(withGlobal, { url: "ws://127.0.0.1:1" })
    }))

  test("tells what is wrong with an address", () =>
    Effect.gen(function*() {
      assert.match(yield* refused(NodeWebSocketClient.make, { url: "nonsense" }), /nonsense: .*URL/u)
      assert.match(yield* refused(NodeWebSocketClient.make, { url: "ftp://example.com" }), /"wss?:"/u)
      yield* refused(withGlobal, { url: "nonsense" })
    }))

  test("tells what the server answered instead", () =>
    Effect.gen(function*() {
      const { url } = yield* serving(() => {}, { verifyClient: () => false })
      assert.match(yield* refused(NodeWebSocketClient.make, { url }), /Unexpected server response: 401/u)
      yield* refused(withGlobal, { url })
    }))

  for (const [name, make] of makers) {
    test(`refuses a server of another subprotocol, or of none, by ${name}`, () =>
      Effect.gen(function*() {
        const other = yield* serving(() => {}, { handleProtocols: () => "graphql-ws" })
        const none = yield* serving(() => {}, { handleProtocols: () => false })
        for (const { server, url } of [other, none]) {
          yield* refused(make, { url })
          yield* until(() => server.clients.size === 0, () => "the end of the connection")
        }
        if (make === NodeWebSocketClient.make) {
          assert.match(yield* refused(make, { url: other.url }), /subprotocol/u)
          assert.match(yield* refused(make, { url: none.url }), /subprotocol/u)
        }
      }))

    test(`gives up after a time on a server that does not answer, by ${name}`, () =>
      Effect.gen(function*() {
        const silent = yield* Effect.acquireRelease(
          Effect.callback<Net.Server>((resume) => {
            const server = Net.createServer((socket) => void socket.on("error", () => {}).resume())
            server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
          }),
          (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
        )
        const { port } = silent.address() as Net.AddressInfo
        const message = yield* refused(make, { url: `ws://127.0.0.1:${port}`, openTimeout: "100 millis" })
        assert.include(message, "it did not open in time")
      }))
  }

  test("sends headers of the caller's choice, those that are redacted too", () =>
    Effect.gen(function*() {
      const headers: Array<string | undefined> = []
      const { url } = yield* serving((_, request) =>
        headers.push(request.headers.authorization, request.headers["sec-websocket-protocol"])
      )
      yield* connect(NodeWebSocketClient.make, { url, headers: { authorization: Redacted.make("Bearer key") } })
      yield* until(() => headers.length === 2, () => "a connection")
      assert.deepStrictEqual(headers, ["Bearer key", "mcp"])
    }))
})

for (const [name, make] of makers) {
  describe(`WebSocketClient, with bad servers, by ${name}`, () => {
    /** How the connection ends when the server does this, and with what the server is told. */
    const endOf = (bad: (ws: NodeWS.WebSocket) => void, options: Partial<WebSocketClient.Options> = {}) =>
      Effect.gen(function*() {
        const codes: Array<number> = []
        const { server, url } = yield* serving((ws) => {
          ws.once("close", (code) => codes.push(code))
          bad(ws)
        })
        const connected = yield* connect(make, { url, ...options })
        const error = yield* ended(connected)
        yield* until(() => server.clients.size === 0, () => "the end of the connection")
        assert.lengthOf(connected.heard.ends, 1)
        return { error, code: codes[0], messages: connected.heard.messages }
      })

    for (
      const [code, meaning] of [
        [1000, /the server has closed it \(1000, "Enough\."\)/u],
        [1011, /the server has failed \(1011, "Enough\."\)/u],
        [1012, /the server is restarting/u],
        [1013, /too much to do; try again later \(1013/u],
        [4000, /the server has closed it \(4000, "Enough\."\)/u]
      ] as const
    ) {
      test(`says what it means that a server closes with ${code}`, () =>
        Effect.gen(function*() {
          const { error, messages } = yield* endOf((ws) => {
            ws.send("{\"jsonrpc\":\"2.0\",\"method\":\"last\"}")
            ws.close(code, "Enough.")
          })
          assert.match(error.message, meaning)
          assert.deepStrictEqual(messages.map(({ method }) => method), ["last"])
        }))
    }

    test("tells a connection that was cut off from one that was closed without a code", () =>
      Effect.gen(function*() {
        assert.match((yield* endOf((ws) => ws.terminate())).error.message, /cut off.*\(1006\)/u)
        assert.match((yield* endOf((ws) => ws.close())).error.message, /does not say why \(1005\)/u)
      }))

    test("ends a connection on which a binary frame comes", () =>
      Effect.gen(function*() {
        const { code, error } = yield* endOf((ws) => ws.send(new Uint8Array([123, 125])))
        assert.strictEqual(error.reason._tag, "Malformed")
        // The global one is not allowed to say 1003.
        assert.strictEqual(code, make === withGlobal ? 1005 : 1003)
      }))

    test("ends a connection on which a message is too large", () =>
      Effect.gen(function*() {
        const { code, error } = yield* endOf((ws) => ws.send("x".repeat(200_000)), { maxPayloadBytes: 100_000 })
        assert.deepInclude(error.reason, { _tag: "TooLarge", limit: 100_000 })
        assert.strictEqual(code, make === withGlobal ? 1005 : 1009)
      }))

    test("gives frames that are no messages as invalid, and goes on", () =>
      Effect.gen(function*() {
        const { url } = yield* serving((ws) => {
          ws.on("message", (frame) =>
            ws.send(JSON.stringify({ jsonrpc: "2.0", id: JSON.parse(String(frame)).id, result: {} })))
          ws.send("Welcome!")
          ws.send("")
        })
        const { connection, heard } = yield* connect(make, { url })
        connection.send(request(1, "x"))
        yield* until(() =>
          heard.messages.length === 3, () => "an answer")
        assert.deepStrictEqual(heard.messages.map(({ _tag }) => _tag), ["Invalid", "Invalid", "Response"])
        assert.lengthOf(heard.ends, 0)
      }))

    test("closes and logs why where a listener throws", () =>
      Effect.gen(function*() {
        const logged: Array<string> = []
        let code = 0
        const { url } = yield* serving((ws) => {
          ws.once("close", (closed) => {
            code = closed
          })
          ws.send("{\"jsonrpc\":\"2.0\",\"method\":\"tell\"}")
        })
        const heard = hearing.make(() => {
          throw new Error("Not today.")
        })
        yield* Effect.gen(function*() {
          yield* (yield* make({ url })).connect(heard.listener)
          yield* ended({ heard })
          yield* until(() => code !== 0, () => "a close")
        }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])))
        assert.strictEqual(code, make === withGlobal ? 1005 : 1011)
        assert.lengthOf(heard.messages, 1)
        assert.isTrue(logged.some((line) => line.includes("hit a defect")))
      }))

    test("ends where the frames are not WebSocket", () =>
      Effect.gen(function*() {
        const { error } = yield* endOf((ws) =>
          (ws as unknown as { _socket: Net.Socket })._socket.write("\u00ff\u00ff\u00ff")
        )
        assert.match(error.reason._tag, /Malformed|Closed/u)
      }))
  })
}

describe("WebSocketClient, where the server does not read", () => {
  const stuffed = (url: string) =>
    Effect.gen(function*() {
      const connected = yield* connect(NodeWebSocketClient.make, { url })
      const text = "x".repeat(100_000)
      let sent = 0
      while (!connected.connection.congested() && sent < 1000) {
        connected.connection.send(request(sent++, "x", { text }))
        yield* Effect.sleep("1 millis")
      }
      return { ...connected, sent }
    })

  test("is congested until it reads again", () =>
    Effect.gen(function*() {
      let received = 0
      let resume = () => {}
      const { url } = yield* serving((ws) => {
        ws.pause()
        ws.on("message", () => received++)
        resume = () => ws.resume()
      })
      const { connection, sent } = yield* stuffed(url)
      // What the network takes, and a mebi of characters.
      assert.isBelow(sent, 200)
      const drained = yield* Effect.forkChild(connection.drained)
      yield* Effect.sleep("50 millis")
      assert.isUndefined(drained.pollUnsafe())
      resume()
      yield* Fiber.join(drained)
      assert.isFalse(connection.congested())
      yield* until(() => received === sent, () => `${received} of ${sent}`)
    }))

  test("leaves nothing behind at a server that does not read and does not answer a close", () =>
    Effect.gen(function*() {
      const { sockets, url } = yield* deaf
      const scope = yield* Scope.make()
      const { connection } = yield* Scope.provide(stuffed(url), scope)
      const drained = yield* Effect.forkChild(connection.drained, { startImmediately: true })
      const took = yield* millis(Scope.close(scope, Exit.void))
      assert.isBelow(took, 3000)
      yield* Fiber.join(drained)
      for (const socket of sockets) socket.resume()
      yield* until(() => sockets.size === 0, () => "the end of the socket")
    }))
})
