/** A client over sockets: against our own server, and against servers that do what none should. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeSseClient from "fastmcp-effect/node/NodeSseClient"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as StreamableHttpClient from "fastmcp-effect/transport/StreamableHttpClient"
import * as Http from "node:http"
import * as Net from "node:net"
import * as clientWires from "../transport/clientWires.ts"
import * as scripted from "../transport/scripted.ts"

const { reasonOf, result, stateful, stateless } = clientWires

type TransportLayer = Layer.Layer<ClientTransport.ClientTransport, unknown>

const eventually = (condition: () => boolean, what = () => condition.toString()): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let waited = 0; !condition(); waited += 5) {
      if (waited > 5000) return yield* Effect.die(new Error(`never came: ${what()}`))
      yield* Effect.sleep("5 millis")
    }
  })

const connect = (layer: TransportLayer): Effect.Effect<clientWires.Client, never, Scope.Scope> =>
  Effect.gen(function*() {
    const transport = Context.get(yield* Layer.build(layer), ClientTransport.ClientTransport)
    const client = yield* clientWires.connect(transport)
    return Object.assign(client, {
      heard: (count: number) =>
        eventually(
          () => client.told.length >= count,
          () => `${count} messages among ${JSON.stringify(client.told).slice(-2000)}`
        )
    })
  }).pipe(Effect.orDie)

const client = (url: string, options: Partial<StreamableHttpClient.Options> = {}) =>
  connect(NodeStreamableHttpClient.layer({ url, ...options }))

const live = (name: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => Leaks.check(body()))

// ----------------------------------------------------------------------------
// Our own server
// ----------------------------------------------------------------------------

const serve = (options: NodeHttp.Options = {}) =>
  Effect.gen(function*() {
    const probe = scripted.makeProbe()
    const context = yield* Layer.build(
      NodeHttp.layer({ port: 0, grace: "200 millis", ...options }).pipe(Layer.provideMerge(scripted.server(probe)))
    )
    const { url } = Context.get(context, NodeHttp.Address)
    return { url, probe, saw: (event: string) => Effect.promise(() => probe.saw(event)) }
  })

const send = ({ connection }: clientWires.Client, message: object, version: string | undefined) => {
  const { id, method } = message as { readonly id?: string; readonly method?: string }
  connection.send({
    frame: JSON.stringify(message),
    version,
    ...(method === undefined ? undefined : { method }),
    ...(id === undefined || method === undefined ? undefined : { id }),
    ...(version === stateless && method === "tools/call"
      ? { headers: { "Mcp-Method": method, "Mcp-Name": "script" } }
      : undefined)
  })
}

/** Shakes hands. */
const open = (client: clientWires.Client, revision = stateful) =>
  Effect.gen(function*() {
    send(client, scripted.initialize(revision), undefined)
    yield* client.heard(1)
    assert.match(client.told[0]!, /^initialize = /u)
    send(client, scripted.initialized, revision)
    client.connection.established(revision)
  })

const textOf = (told: string): string => {
  const [, id, json] = /^(\S+) = (.*)$/su.exec(told)!
  return `${id} = ${(JSON.parse(json!) as { content: ReadonlyArray<{ text: string }> }).content[0]!.text}`
}

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layerNodeHttp,
  fetch: FetchHttpClient.layer
}

describe("NodeStreamableHttpClient and our own server", () => {
  for (const [name, http] of Object.entries(clients)) {
    live(
      `speak in both eras, in JSON and in streams, and in both directions, over ${name}`,
      () =>
        Effect.gen(function*() {
          const { probe, url } = yield* serve()
          const client = yield* connect(StreamableHttpClient.layer({ url }).pipe(Layer.provide(http)))
          yield* open(client)
          send(client, scripted.call("a", "who"), stateful)
          yield* client.heard(2)
          send(client, scripted.call("b", "say x", "wait go"), stateful)
          yield* client.heard(3)
          probe.open("go")
          yield* client.heard(4)
          send(client, scripted.call("c", "ask it"), stateful)
          yield* client.heard(5)
          const [, id] = /^elicitation\/create (\S+) about c$/u.exec(client.told[4]!)!
          send(
            client,
            { jsonrpc: "2.0", id: Number(id), result: { action: "accept", content: { color: "red" } } },
            stateful
          )
          yield* client.heard(6)
          send(client, scripted.stateless("d", "say x", "who"), stateless)
          yield* client.heard(8)
          assert.deepStrictEqual([textOf(client.told[1]!), textOf(client.told[3]!), textOf(client.told[5]!)], [
            "a = nobody",
            "b = say x, wait go",
            "c = red"
          ])
          assert.deepStrictEqual([client.told[2], client.told[6]], [
            "notifications/message about b",
            "notifications/message about d"
          ])
          assert.strictEqual(textOf(client.told[7]!), "d = say x, nobody")
        })
    )
  }

  live("let a handler close the connection, and the client comes back for the answer", () =>
    Effect.gen(function*() {
      const { probe, saw, url } = yield* serve({ retryInterval: "50 millis" })
      const client = yield* connect(NodeStreamableHttpClient.layer({ url }))
      yield* open(client)
      send(client, scripted.call("a", "close", "wait go", "say x"), stateful)
      yield* saw("a started")
      yield* Effect.sleep("100 millis")
      probe.open("go")
      yield* client.heard(3)
      assert.strictEqual(client.told[1], "notifications/message about a")
      assert.strictEqual(textOf(client.told[2]!), "a = close, wait go, say x")
    }))

  live("end the session with the client", () =>
    Effect.gen(function*() {
      const { saw, url } = yield* serve()
      const first = yield* Effect.scoped(Effect.gen(function*() {
        const first = yield* client(url)
        yield* open(first)
        send(first, scripted.call("a", "forever"), stateful)
        yield* saw("a started")
        return first
      }))
      yield* saw("a Cancelled User")
      assert.lengthOf(first.told, 1)
    }))

  live("cancel what is forgotten in the stateless era", () =>
    Effect.gen(function*() {
      const { saw, url } = yield* serve()
      const waiting = yield* client(url)
      send(waiting, scripted.stateless("a", "forever"), stateless)
      send(waiting, scripted.stateless("b", "say x", "forever"), stateless)
      yield* saw("a started")
      yield* waiting.heard(1)
      waiting.connection.forget("a")
      waiting.connection.forget("b")
      yield* saw("a Cancelled User")
      yield* saw("b Cancelled User")
      assert.deepStrictEqual(waiting.told, ["notifications/message about b"])
    }))

  live("begin again after a session that the server has ended", () =>
    Effect.gen(function*() {
      const { url } = yield* serve({ sessionIdle: "10 millis" })
      const again = yield* client(url)
      send(again, scripted.initialize(), undefined)
      yield* again.heard(1)
      yield* Effect.sleep("1500 millis")
      send(again, scripted.call("a", "who"), stateful)
      yield* again.heard(2)
      assert.strictEqual(again.told[1], "a failed SessionEnded")
      send(again, scripted.initialize(), undefined)
      yield* again.heard(3)
      assert.match(again.told[2]!, /^initialize = /u)
    }))

  for (const way of ["by itself", "as what an address that takes no POST turns out to be"]) {
    live(`speak HTTP+SSE of 2024-11-05, ${way}`, () =>
      Effect.gen(function*() {
        const { url } = yield* serve({ sse: true })
        const sse = new URL("/sse", url)
        const old = yield* connect(
          way === "by itself" ? NodeSseClient.layer({ url: sse }) : NodeStreamableHttpClient.layer({ url: sse })
        )
        yield* open(old, "2024-11-05")
        send(old, scripted.call("a", "say x", "who"), "2024-11-05")
        yield* old.heard(3)
        assert.strictEqual(textOf(old.told[2]!), "a = say x, nobody")
      }))
  }
})

// ----------------------------------------------------------------------------
// Other servers
// ----------------------------------------------------------------------------

interface Listening {
  readonly url: string
  /** Connections that are open. */
  readonly open: () => number
  /** Connections there have been. */
  readonly count: () => number
}

const listen = (server: Net.Server): Effect.Effect<Listening, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Listening & { readonly close: () => void }>((resume) => {
      const sockets = new Set<Net.Socket>()
      let count = 0
      server.on("connection", (socket: Net.Socket) => {
        count++
        sockets.add(socket)
        socket.on("error", () => {}).on("close", () => sockets.delete(socket))
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({
          url: `http://127.0.0.1:${(server.address() as Net.AddressInfo).port}/mcp`,
          open: () => sockets.size,
          count: () => count,
          close: () => {
            server.close()
            for (const socket of sockets) socket.destroy()
          }
        })))
    }),
    ({ close }) => Effect.sync(close)
  )

type Handler = (request: Http.IncomingMessage, response: Http.ServerResponse, body: string) => void

const httpServer = (handler: Handler) =>
  listen(Http.createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk
    }).on("end", () => handler(request, response, body))
  }))

/** Does this on each connection, once something has come. */
const rawServer = (handler: (socket: Net.Socket) => void) =>
  listen(Net.createServer((socket) => void socket.once("data", () => handler(socket))))

const idOf = (body: string): number => (JSON.parse(body) as { readonly id: number }).id

const json = { "content-type": "application/json" }

const events = { "content-type": "text/event-stream" }

/** Writes as fast as it is read, until the connection closes. */
const flood = (socket: Net.Socket | Http.ServerResponse, chunk: Buffer, sent: { bytes: number }, limit: number) => {
  const more = () => {
    while (sent.bytes < limit && !socket.destroyed) {
      sent.bytes += chunk.length
      if (!socket.write(chunk)) return
    }
  }
  socket.on("drain", more)
  more()
}

describe("NodeStreamableHttpClient and other servers", () => {
  live(
    "carries a message as it is, both ways, and sends what its listener says while it is told something",
    () =>
      Effect.gen(function*() {
        const server = yield* httpServer((_, response, body) => {
          const { id, params } = JSON.parse(body) as { readonly id: number; readonly params: object }
          const answer = JSON.stringify(result(id, params))
          if (id % 2 === 0) response.writeHead(200, json).end(answer)
          else response.writeHead(200, events).end(`data: ${answer}\n\n`)
        })
        const texts = ["", "\u0000 \ud83d\ude00 \u2028 \n \\n \" grüße", "é".repeat(300_000)]
        const echo = yield* client(server.url)
        const send = (id: number) =>
          echo.connection.send({
            id,
            method: "echo",
            version: stateless,
            frame: JSON.stringify({ jsonrpc: "2.0", id, method: "echo", params: { text: texts[id % 3] } })
          })
        echo.onTold = (told) => {
          const id = Number(/^\d+/u.exec(told)![0])
          if (id < 29) send(id + 1)
        }
        send(0)
        yield* echo.heard(30)
        assert.deepStrictEqual(
          echo.told,
          Array.from({ length: 30 }, (_, id) => `${id} = ${JSON.stringify({ text: texts[id % 3] })}`)
        )
      })
  )

  live("says nothing of the end of its scope, nor of anything after it", () =>
    Effect.gen(function*() {
      const server = yield* httpServer((_, response, body) => {
        response.writeHead(200, events)
        for (let count = 0; count < 1000; count++) response.write(`data: ${JSON.stringify(clientWires.progress)}\n\n`)
        response.end(`data: ${JSON.stringify(result(idOf(body)))}\n\n`)
      })
      const ended = yield* Effect.scoped(Effect.gen(function*() {
        const ended = yield* client(server.url)
        ended.ask(1)
        ended.ask(2)
        yield* ended.heard(1)
        return ended
      }))
      const count = ended.told.length
      ended.ask(3)
      ended.notify("notifications/x")
      ended.connection.forget(1)
      yield* Effect.sleep("50 millis")
      assert.strictEqual(ended.told.length, count)
      assert.isTrue(ended.told.every((told) => !told.includes("failed")))
    }))

  live("uses a connection again, after answers in JSON, in streams, and without a body", () =>
    Effect.gen(function*() {
      let finished = 0
      const server = yield* httpServer((_, response, body) => {
        const id = idOf(body)
        response.on("finish", () => finished++)
        if (id === undefined) response.writeHead(202).end()
        else if (id % 2 === 0) response.writeHead(200, json).end(JSON.stringify(result(id)))
        else {
          response.writeHead(200, events).write(`data: ${JSON.stringify(result(id))}\n\n`)
          setTimeout(() => response.end(), 20)
        }
      })
      const calls = yield* client(server.url)
      for (let id = 0; id < 10; id++) {
        calls.ask(id)
        yield* calls.heard(id + 1)
        yield* eventually(() => finished === 2 * id + 1)
        yield* Effect.sleep("20 millis")
        calls.notify("notifications/x")
        yield* eventually(() => finished === 2 * id + 2)
        yield* Effect.sleep("20 millis")
      }
      assert.strictEqual(server.count(), 1)
    }))

  live("leaves no connection behind, whatever is under way", () =>
    Effect.gen(function*() {
      let index = 0
      const server = yield* httpServer((request, response, body) => {
        if (request.method === "DELETE") response.writeHead(405).end()
        else if (request.method === "GET") response.writeHead(200, events).write(": open\n\n")
        else if (body.includes("initialize")) {
          response.writeHead(200, { ...json, "mcp-session-id": "s" }).end(JSON.stringify(result(idOf(body))))
        } else if (index++ === 0) response.writeHead(200, events).write(": open\n\n")
        else if (index === 2) response.writeHead(200, json).write("{")
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const busy = yield* client(server.url)
        busy.initialize(0)
        yield* busy.heard(1)
        busy.connection.established(stateful)
        for (let id = 1; id < 4; id++) busy.ask(id)
        yield* eventually(() => server.open() === 4)
        yield* Effect.sleep("50 millis")
      }))
      yield* eventually(() => server.open() === 0)
    }))

  live("frees a silent server when nobody waits any more", () =>
    Effect.gen(function*() {
      const server = yield* rawServer(() => {})
      const waiting = yield* client(server.url)
      waiting.ask(1)
      yield* eventually(() => server.open() === 1)
      yield* Effect.sleep("20 millis")
      waiting.connection.forget(1)
      yield* eventually(() => server.open() === 0)
      assert.deepStrictEqual(waiting.told, [])
    }))

  live(
    "says of a server that is not there that nothing was sent, and of one that hangs up that something may have been",
    () =>
      Effect.gen(function*() {
        const gone = yield* Effect.scoped(rawServer(() => {}))
        const unreachable = yield* client(gone.url)
        unreachable.ask(1)
        yield* unreachable.heard(1)
        assert.strictEqual(reasonOf(unreachable)._tag, "Unreachable")
        assert.match(
          unreachable.errors[0]!.message,
          /^Cannot reach http:\/\/127\.0\.0\.1:\d+\/mcp: connect ECONNREFUSED/u
        )
        const nowhere = yield* client("http://nowhere.invalid/mcp")
        nowhere.ask(1)
        yield* nowhere.heard(1)
        assert.strictEqual(reasonOf(nowhere)._tag, "Unreachable")
        const endings: ReadonlyArray<(socket: Net.Socket) => void> = [
          (socket) => socket.resetAndDestroy(),
          (socket) => socket.end(),
          (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"),
          (socket) =>
            socket.end("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"jsonrpc\":\"2.0\""),
          (socket) =>
            socket.write(
              "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
              () => socket.resetAndDestroy()
            ),
          (socket) => socket.end("no HTTP at all\r\n\r\n"),
          (socket) =>
            socket.end("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz")
        ]
        for (const [index, ending] of endings.entries()) {
          const server = yield* rawServer(ending)
          const hungUpOn = yield* client(server.url)
          hungUpOn.ask(1)
          yield* hungUpOn.heard(1)
          assert.strictEqual(reasonOf(hungUpOn)._tag, "Lost", String(index))
        }
      })
  )

  live("holds no more of an endless answer than the limit, and closes its connection", () =>
    Effect.gen(function*() {
      const chunk = Buffer.alloc(1 << 16, "x")
      const gigabyte = 1 << 30
      const heads = {
        "in JSON": "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n40000000\r\n",
        "in JSON of a length": `content-type: application/json\r\ncontent-length: ${gigabyte}\r\n\r\n`,
        "in an event": "content-type: text/event-stream\r\n\r\ndata: ",
        "in a comment": "content-type: text/event-stream\r\n\r\n: "
      }
      for (const [what, head] of Object.entries(heads)) {
        const sent = { bytes: 0 }
        const server = yield* rawServer((socket) => {
          socket.write(`HTTP/1.1 200 OK\r\n${head}`)
          flood(socket, chunk, sent, gigabyte)
        })
        const bounded = yield* client(server.url, { maxMessageBytes: 1 << 20 })
        const before = process.memoryUsage()
        bounded.ask(1)
        yield* bounded.heard(1)
        assert.deepStrictEqual(bounded.told, ["1 failed TooLarge"], what)
        yield* eventually(() => server.open() === 0)
        // What the system has taken off the server meanwhile is in no process.
        assert.isBelow(sent.bytes, 64 << 20, what)
        const after = process.memoryUsage()
        assert.isBelow(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed, 64 << 20, what)
      }
    }))

  live("does not wait for the end of an error page, nor read one that has none", () =>
    Effect.gen(function*() {
      const sent = { bytes: 0 }
      const server = yield* httpServer((_, response) => {
        response.writeHead(500, { "content-type": "text/plain" })
        flood(response, Buffer.alloc(1 << 16, "x"), sent, 1 << 30)
      })
      const refused = yield* client(server.url)
      refused.ask(1)
      yield* refused.heard(1)
      assert.deepStrictEqual(refused.told, ["1 failed HttpStatus"])
      yield* eventually(() => server.open() === 0)
      assert.isBelow(sent.bytes, 64 << 20)
    }))

  for (const [name, http] of Object.entries(clients)) {
    live(`follows no redirect to another origin over ${name}`, () =>
      Effect.gen(function*() {
        const other = yield* httpServer((_, response) => void response.writeHead(200, json).end("{}"))
        for (const status of [301, 302, 303, 307, 308]) {
          const server = yield* httpServer((_, response) =>
            void response.writeHead(status, { location: other.url }).end("elsewhere")
          )
          const led = yield* connect(StreamableHttpClient.layer({ url: server.url }).pipe(Layer.provide(http)))
          led.ask(1)
          yield* led.heard(1)
          assert.deepStrictEqual(led.told, ["1 failed OtherOrigin"])
        }
        assert.strictEqual(other.count(), 0)
      }))

    live(`follows one within its origin over ${name}`, () =>
      Effect.gen(function*() {
        const server = yield* httpServer((request, response, body) =>
          void (request.url === "/mcp"
            ? response.writeHead(307, { location: "/mcp/" }).end()
            : response.writeHead(200, json).end(JSON.stringify(result(idOf(body)))))
        )
        const led = yield* connect(StreamableHttpClient.layer({ url: server.url }).pipe(Layer.provide(http)))
        led.ask(1)
        yield* led.heard(1)
        assert.deepStrictEqual(led.told, ["1 = {}"])
      }))
  }

  live("takes an old server for what it is, through a page of its own", () =>
    Effect.gen(function*() {
      let stream: Http.ServerResponse | undefined
      const server = yield* httpServer((request, response, body) => {
        if (request.method === "GET") {
          stream = response.writeHead(200, events)
          stream.write("event: endpoint\r\ndata: /messages?id=1\r\n\r\n")
        } else if (request.url === "/mcp") {
          response.writeHead(404, { "content-type": "text/html" }).end("<h1>Cannot POST</h1>")
        } else {
          stream!.write(`event: message\r\ndata: ${JSON.stringify(result(idOf(body)))}\r\n\r\n`)
          response.writeHead(202).end("Accepted")
        }
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const old = yield* client(server.url)
        old.initialize(1)
        yield* old.heard(1)
        old.ask(2, "2024-11-05")
        yield* old.heard(2)
        assert.deepStrictEqual(old.told, ["1 = {}", "2 = {}"])
        stream!.destroy()
        yield* old.heard(3)
        assert.strictEqual(old.told[2], "closed Closed")
      }))
      yield* eventually(() => server.open() === 0)
    }))
})
