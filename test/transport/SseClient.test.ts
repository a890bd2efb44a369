/** HTTP+SSE of 2024-11-05 from its client's end: without sockets, on a virtual clock. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as SseClient from "fastmcp-effect/transport/SseClient"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as wires from "../server/wires.ts"
import * as clientWires from "./clientWires.ts"

const { progress, refusal, result } = clientWires

const url = "http://server.example/a/sse"

const version = "2024-11-05"

/** Begins to connect; the stream it asks for is the first request. */
const begin = (options: Partial<SseClient.Options> = {}) =>
  Effect.gen(function*() {
    const server = clientWires.makeServer()
    const transport = yield* SseClient.make({ url, ...options }).pipe(
      Effect.provideService(HttpClient.HttpClient, server.client)
    )
    const connecting = yield* Effect.forkScoped(clientWires.connect(transport))
    return { server, connecting, transport, get: yield* server.request(0) }
  })

const connect = (options: Partial<SseClient.Options> = {}, endpoint = "/messages?sessionId=1") =>
  Effect.gen(function*() {
    const { connecting, get, server } = yield* begin(options)
    const stream = get.stream()
    stream.write(`event: endpoint\ndata: ${endpoint}\n\n`)
    return { server, get, stream, client: yield* Fiber.join(connecting) }
  })

describe("SseClient", () => {
  it.effect("asks for the stream, and posts each message to the address that names", () =>
    Effect.gen(function*() {
      const addresses = [
        ["/messages?sessionId=1", "http://server.example/messages?sessionId=1"],
        ["messages", "http://server.example/a/messages"],
        ["?id=1", "http://server.example/a/sse?id=1"],
        ["http://server.example/elsewhere", "http://server.example/elsewhere"],
        ["//server.example/x", "http://server.example/x"],
        ["http://ann:secret@server.example/x?y#z", "http://server.example/x?y"]
      ] as const
      for (const [named, posted] of addresses) {
        const { client, get, server } = yield* connect({ headers: { authorization: "t" } }, named)
        assert.deepStrictEqual([get.method, get.url, get.headers], ["GET", url, {
          accept: "text/event-stream",
          authorization: "t"
        }])
        client.ask(1, version)
        const post = yield* server.request(1)
        assert.deepStrictEqual([post.method, post.url, post.headers], ["POST", posted, {
          "accept": "application/json, text/event-stream",
          "authorization": "t",
          "content-type": "application/json",
          "mcp-protocol-version": version
        }])
        assert.strictEqual(JSON.parse(post.body).id, 1)
      }
    }))

  it.effect("gives what comes on the stream, the answers before their posts are done as well", () =>
    Effect.gen(function*() {
      const { client, server, stream } = yield* connect()
      assert.deepStrictEqual([client.connection.hasStreams, client.connection.hasHeaders], [false, false])
      client.ask(1, version)
      client.ask(2, version)
      ;(yield* server.request(1)).respond(202, { "content-type": "text/plain" }, "Accepted")
      yield* server.request(2)
      stream.message(progress)
      stream.message(result(2))
      stream.write(": still here\n\nevent: ping\ndata: {}\n\ndata: \n\nevent: endpoint\ndata: http://evil.example\n\n")
      stream.message(result(1))
      stream.message({ jsonrpc: "2.0", id: "q", method: "roots/list" })
      yield* client.heard(4)
      server.seen[2]!.fail(new Error("reset"))
      yield* wires.turns(20)
      assert.deepStrictEqual(client.told, ["notifications/progress", "2 = {}", "1 = {}", "roots/list q"])
      client.ask(3, version)
      assert.strictEqual((yield* server.request(3)).url, server.seen[1]!.url)
    }))

  it.effect("tells nothing before it is connected, and then what had come by then", () =>
    Effect.gen(function*() {
      const text = `event: endpoint\ndata: /m\n\ndata: ${JSON.stringify(progress)}\n\n`
      // All of it is there at once.
      const stream = Stream.concat(Stream.succeed(new TextEncoder().encode(text)), Stream.never)
      const http = HttpClient.make((request) =>
        Effect.succeed(Object.create(
          HttpClientResponse.fromWeb(request, new Response(null, { headers: { "content-type": "text/event-stream" } })),
          { stream: { value: stream } }
        ))
      )
      const transport = yield* SseClient.make({ url }).pipe(Effect.provideService(HttpClient.HttpClient, http))
      const client = yield* clientWires.connect(transport)
      assert.deepStrictEqual(client.told, [])
      yield* client.heard(1)
      assert.deepStrictEqual(client.told, ["notifications/progress"])
    }))

  it.effect("tells of an answer that comes right behind the address, and the end of the stream after it", () =>
    Effect.gen(function*() {
      const { connecting, get } = yield* begin()
      const stream = get.stream()
      stream.write(`event: endpoint\ndata: /m\n\ndata: ${JSON.stringify(progress)}\n\n`)
      stream.end()
      const client = yield* Fiber.join(connecting)
      yield* client.heard(2)
      assert.deepStrictEqual(client.told, ["notifications/progress", "closed Closed"])
    }))

  it.effect("tells of a post that the server does not take", () =>
    Effect.gen(function*() {
      const { client, server } = yield* connect()
      const answers: ReadonlyArray<readonly [(exchange: clientWires.Exchange) => void, string]> = [
        [(exchange) => exchange.respond(500), "failed HttpStatus"],
        [(exchange) => exchange.respond(404), "failed HttpStatus"],
        [(exchange) => exchange.json(refusal(null, -32600), {}, 400), "error -32600"],
        [(exchange) => exchange.json(refusal(null, -32600), {}, 401), "failed Unauthorized"],
        [(exchange) => exchange.fail(new Error("read ECONNRESET")), "failed Lost"],
        [(exchange) => exchange.respond(302, { location: "http://evil.example/" }), "failed OtherOrigin"]
      ]
      for (const [index, [answer, told]] of answers.entries()) {
        client.ask(index, version)
        answer(yield* server.request(index + 1))
        yield* client.heard(index + 1)
        assert.strictEqual(client.told[index], `${index} ${told}`)
      }
    }))

  it.effect("is silent of what is forgotten, whether its answer comes or its post fails", () =>
    Effect.gen(function*() {
      const { client, server, stream } = yield* connect()
      for (const id of [1, 2, 3]) client.ask(id, version)
      ;(yield* server.request(1)).respond(202)
      yield* wires.turns(20)
      const pending = yield* server.request(2)
      for (const id of [1, 2, 9]) client.connection.forget(id)
      yield* wires.until(() => pending.isAborted())
      stream.message(result(1))
      stream.message([result(2), result(3)])
      stream.message({ jsonrpc: "2.0", id: 1, result: 7 })
      yield* client.heard(1)
      yield* wires.turns(20)
      assert.deepStrictEqual(client.told, ["[3 = {}]"])
    }))

  it.effect("holds requests back until the server has taken in what ends the handshake", () =>
    Effect.gen(function*() {
      const { client, server } = yield* connect()
      client.notify("notifications/initialized", version)
      client.connection.established(version)
      client.ask(1, version)
      yield* wires.turns(20)
      assert.lengthOf(server.seen, 2)
      server.seen[1]!.respond(202)
      yield* server.request(2)
    }))

  it.effect("closes a post that is not done a second after its answer has come", () =>
    Effect.gen(function*() {
      const { client, server, stream } = yield* connect()
      client.ask(1, version)
      const post = yield* server.request(1)
      stream.message(result(1))
      yield* client.heard(1)
      assert.isFalse(post.isAborted())
      yield* TestClock.adjust("1 second")
      yield* wires.until(() => post.isAborted())
    }))

  it.effect("is over when its stream is, with or without answers that are due, and sends nothing more", () =>
    Effect.gen(function*() {
      for (const end of ["end", "cut"] as const) {
        const idle = yield* connect()
        idle.stream[end]()
        yield* idle.client.heard(1)
        assert.deepStrictEqual(idle.client.told, ["closed Closed"])
        const busy = yield* connect()
        busy.client.ask(1, version)
        ;(yield* busy.server.request(1)).respond(202)
        busy.client.notify("notifications/x", version)
        const pending = yield* busy.server.request(2)
        busy.stream.write("data: {\"jsonrpc\"")
        yield* wires.turns(20)
        busy.stream[end]()
        yield* busy.client.heard(1)
        assert.deepStrictEqual(busy.client.told, ["closed Lost"])
        yield* busy.client.connection.drained
        busy.client.ask(2, version)
        busy.client.connection.forget(1)
        yield* wires.until(() => pending.isAborted())
        assert.deepStrictEqual([busy.server.seen.length, busy.client.told.length], [3, 1])
      }
    }))

  it.effect("lets go of who waits to send more when the stream ends", () =>
    Effect.gen(function*() {
      const { client, stream } = yield* connect()
      const { connection } = client
      connection.send({ id: 1, method: "x", version, frame: "x".repeat(5 << 20) })
      assert.isTrue(connection.congested())
      const waiting = yield* Effect.forkChild(connection.drained)
      yield* wires.turns(20)
      assert.isUndefined(waiting.pollUnsafe())
      stream.end()
      yield* Fiber.join(waiting)
      assert.isFalse(connection.congested())
    }))

  it.effect("does not keep a message that is too large, and tells whose answer it was", () =>
    Effect.gen(function*() {
      const { client, server, stream } = yield* connect({ maxMessageBytes: 100 })
      for (const id of [1, 2, 3]) client.ask(id, version)
      yield* server.request(3)
      const large = { text: "x".repeat(5000) }
      stream.message({ ...progress, params: large })
      stream.message({ jsonrpc: "2.0", id: 1, result: large })
      stream.message({ result: large, jsonrpc: "2.0", id: 2 })
      stream.message({ jsonrpc: "2.0", id: 9, result: large })
      stream.message(result(3))
      yield* client.heard(3)
      assert.deepStrictEqual(client.told, ["1 failed TooLarge", "2 failed TooLarge", "3 = {}"])
    }))

  it.effect("does not connect to what has no such stream, and says what it has", () =>
    Effect.gen(function*() {
      const answers: ReadonlyArray<readonly [(exchange: clientWires.Exchange) => void, string, RegExp]> = [
        [(exchange) => exchange.respond(404), "HttpStatus", /HTTP 404/u],
        [(exchange) => exchange.respond(401, { "www-authenticate": "Bearer" }), "Unauthorized", /HTTP 401/u],
        [
          (exchange) => exchange.respond(200, { "content-type": "text/html" }, "x"),
          "Malformed",
          /GET with text\/html/u
        ],
        [(exchange) => exchange.stream().end(), "Malformed", /ended before it named/u],
        [(exchange) => exchange.fail(new Error("read ECONNRESET")), "Unreachable", /read ECONNRESET/u],
        [
          (exchange) => exchange.stream().write("event: endpoint\ndata: http://evil.example/\n\n"),
          "OtherOrigin",
          /evil/u
        ],
        [
          (exchange) => exchange.stream().write("event: endpoint\ndata: https://server.example/\n\n"),
          "OtherOrigin",
          /./u
        ],
        [
          (exchange) => exchange.stream().write("event: endpoint\ndata: http://:x/\n\n"),
          "Malformed",
          /address to post/u
        ],
        [(exchange) => exchange.respond(307, { location: "http://evil.example/sse" }), "OtherOrigin", /evil/u]
      ]
      for (const [answer, tag, message] of answers) {
        const { connecting, get, server } = yield* begin()
        answer(get)
        const error = yield* Effect.flip(Fiber.join(connecting))
        assert.strictEqual(error.reason._tag, tag)
        assert.match(error.message, message)
        assert.lengthOf(server.seen, 1)
      }
    }))

  it.effect("waits for the address as long as it is told, whether the server is silent or says other things", () =>
    Effect.gen(function*() {
      const silent = yield* begin()
      const chatty = yield* begin()
      const stream = chatty.get.stream()
      stream.message(progress)
      stream.write("event: ping\ndata: x\n\n")
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(silent.connecting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      for (const { connecting, get } of [silent, chatty]) {
        const error = yield* Effect.flip(Fiber.join(connecting))
        assert.deepStrictEqual({ ...error.reason }, {
          ...new TransportError.Malformed({
            message: "its stream has not named an address to post to within 10000 ms"
          })
        })
        yield* wires.until(() => get.isAborted())
      }
      const impatient = yield* begin({ endpointTimeout: "1 second" })
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isFailure(yield* Fiber.await(impatient.connecting)))
    }))

  it.effect("ends all with its scope, also while it connects", () =>
    Effect.gen(function*() {
      const { client, get, server } = yield* Effect.scoped(Effect.gen(function*() {
        const all = yield* connect()
        all.client.ask(1, version)
        yield* all.server.request(1)
        return all
      }))
      yield* wires.until(() => get.isAborted() && server.seen[1]!.isAborted())
      assert.deepStrictEqual([client.told.length, server.seen.length], [0, 2])
      const scope = yield* Scope.make()
      const early = yield* Scope.provide(begin(), scope)
      yield* Scope.close(scope, Exit.void)
      yield* wires.until(() => early.get.isAborted())
    }))

  it.effect("says where it connects to, and refuses a URL that carries credentials", () =>
    Effect.gen(function*() {
      const { transport } = yield* begin()
      assert.deepStrictEqual([transport.kind, transport.address, transport.origin], [
        "sse",
        url,
        "http://server.example"
      ])
      const error = yield* SseClient.make({ url: "http://a:b@server.example/sse" }).pipe(
        Effect.provideService(HttpClient.HttpClient, clientWires.makeServer().client),
        Effect.flip
      )
      assert.strictEqual(error.reason._tag, "InvalidAddress")
      assert.isFalse(error.isRetryable)
    }))
})
