/** What a client sends, and what becomes of each kind of answer: without sockets, on a virtual clock. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/testing/TestClock"
import * as StreamableHttpClient from "fastmcp-effect/transport/StreamableHttpClient"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as wires from "../server/wires.ts"
import * as clientWires from "./clientWires.ts"

const { progress, reasonOf, refusal, result, stateful, stateless } = clientWires

const url = "http://server.example/mcp"

const setup = (options: Partial<StreamableHttpClient.Options> = {}, server = clientWires.makeServer()) =>
  Effect.gen(function*() {
    const transport = yield* StreamableHttpClient.make({ url, ...options }).pipe(
      Effect.provideService(HttpClient.HttpClient, server.client)
    )
    const client = yield* clientWires.connect(transport)
    return { server, client, transport, ...client }
  })

/** A session has begun, and its stream by GET has been refused. */
const inSession = (options: Partial<StreamableHttpClient.Options> = {}, server?: clientWires.Server) =>
  Effect.gen(function*() {
    const all = yield* setup(options, server)
    const { client } = all
    server = all.server
    client.initialize(1)
    ;(yield* server.request(0)).json(result(1), { "mcp-session-id": "s1" })
    yield* client.heard(1)
    client.notify("notifications/initialized")
    client.connection.established(stateful)
    ;(yield* server.request(1)).respond(202)
    ;(yield* server.request(2)).respond(405)
    yield* wires.turns(20)
    return all
  })

describe("StreamableHttpClient", () => {
  describe("sends", () => {
    it.effect("each message as a POST of its own that accepts both kinds of answer", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask("a", stateless, { headers: { "Mcp-Method": "tools/call", "Mcp-Name": "x" } })
        client.notify("notifications/cancelled", stateless)
        const [first, second] = [yield* server.request(0), yield* server.request(1)]
        assert.deepStrictEqual([first.method, first.url], ["POST", url])
        assert.deepStrictEqual(first.headers, {
          "accept": "application/json, text/event-stream",
          "content-type": "application/json",
          "mcp-protocol-version": stateless,
          "mcp-method": "tools/call",
          "mcp-name": "x"
        })
        assert.strictEqual(JSON.parse(first.body).id, "a")
        assert.strictEqual(JSON.parse(second.body).method, "notifications/cancelled")
        assert.isUndefined(second.headers["mcp-name"])
      }))

    it.effect("no version with the message that asks for one, and the session's id with all that follow", () =>
      Effect.gen(function*() {
        const { client, server } = yield* inSession()
        client.ask(2)
        const post = yield* server.request(3)
        const [initialize, initialized, get] = server.seen
        assert.isUndefined(initialize!.headers["mcp-protocol-version"])
        assert.isUndefined(initialize!.headers["mcp-session-id"])
        assert.deepStrictEqual([get!.method, get!.headers["accept"]], ["GET", "text/event-stream"])
        for (const { headers } of [initialized!, get!, post]) {
          assert.strictEqual(headers["mcp-protocol-version"], stateful)
          assert.strictEqual(headers["mcp-session-id"], "s1")
        }
      }))

    it.effect("nothing of a session with a message of the stateless era", () =>
      Effect.gen(function*() {
        const { client, server } = yield* inSession()
        client.ask(2, stateless)
        assert.isUndefined((yield* server.request(3)).headers["mcp-session-id"])
      }))

    it.effect("what a program adds, but for names of the transport's own", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup({
          headers: {
            "Authorization": Redacted.make("Bearer t"),
            "X-Tenant": "acme",
            "X-None": undefined,
            "Accept": "text/html",
            "content-type": "text/plain",
            "Mcp-Session-Id": "stolen",
            "MCP-Protocol-Version": "1999-01-01",
            "mcp-name": "other",
            "Last-Event-ID": "9",
            "Content-Length": "1"
          }
        })
        client.ask(1, stateless, { headers: { "Mcp-Name": "x" } })
        assert.deepStrictEqual((yield* server.request(0)).headers, {
          "accept": "application/json, text/event-stream",
          "authorization": "Bearer t",
          "content-type": "application/json",
          "mcp-name": "x",
          "mcp-protocol-version": stateless,
          "x-tenant": "acme"
        })
      }))

    it.effect("what an effect gives, which is run for each request", () =>
      Effect.gen(function*() {
        const count = yield* Ref.make(0)
        const { client, server } = yield* setup({
          headers: Effect.map(Ref.updateAndGet(count, (n) => n + 1), (n) => ({ authorization: `Bearer ${n}` }))
        })
        client.ask(1, stateless)
        client.ask(2, stateless)
        assert.strictEqual((yield* server.request(0)).headers["authorization"], "Bearer 1")
        assert.strictEqual((yield* server.request(1)).headers["authorization"], "Bearer 2")
      }))

    it.effect("no request whose headers cannot be had, and says why", () =>
      Effect.gen(function*() {
        const broken = TransportError.make(new TransportError.Unauthorized({ status: 401 }))
        const failing = yield* setup({ headers: Effect.fail(broken) })
        failing.ask(1)
        assert.lengthOf(failing.told, 0)
        yield* failing.heard(1)
        assert.deepStrictEqual(failing.told, ["1 failed Unauthorized"])
        const dying = yield* setup({ headers: Effect.die(new Error("a bug")) })
        dying.ask(1)
        assert.lengthOf(dying.told, 0)
        yield* dying.heard(1)
        assert.deepStrictEqual(dying.told, ["1 failed Lost"])
        const interrupted = yield* setup({ headers: Effect.interrupt })
        interrupted.ask(1)
        assert.lengthOf(interrupted.told, 0)
        yield* interrupted.heard(1)
        assert.deepStrictEqual(interrupted.told, ["1 failed Lost"])
        assert.lengthOf([...failing.server.seen, ...dying.server.seen, ...interrupted.server.seen], 0)
      }))

    it.effect("no span for each of them, unless they are wanted", () =>
      Effect.gen(function*() {
        const spans: Array<string> = []
        const traced = (options: Partial<StreamableHttpClient.Options>) =>
          Effect.gen(function*() {
            const { client, server } = yield* setup(options)
            client.ask(1)
            const { headers } = yield* server.request(0)
            return headers["traceparent"]
          }).pipe(Effect.scoped, Effect.withSpan("call"))
        const record = (span: string | undefined) => spans.push(span === undefined ? "none" : "some")
        record(yield* traced({}))
        record(yield* traced({ spans: true }))
        assert.deepStrictEqual(spans, ["none", "some"])
      }))

    it.effect("nothing before the server has taken in what ends the handshake, and the stream by GET first", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.initialize(1)
        ;(yield* server.request(0)).json(result(1), { "mcp-session-id": "s1" })
        yield* client.heard(1)
        client.notify("notifications/initialized")
        client.connection.established(stateful)
        client.ask(2)
        client.ask(3, stateful, { frame: "x".repeat(5 << 20) })
        assert.isTrue(client.connection.congested())
        client.connection.forget(3)
        assert.isFalse(client.connection.congested())
        yield* wires.turns(20)
        assert.lengthOf(server.seen, 2)
        server.seen[1]!.respond(202)
        yield* wires.turns(20)
        assert.deepStrictEqual(server.seen.slice(2).map(({ body, method }) => [method, body.includes("\"id\":2")]), [
          ["GET", false],
          ["POST", true]
        ])
      }))

    it.effect("what waits for the handshake after 5 seconds, whatever the server does with its end", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.initialize(1)
        ;(yield* server.request(0)).json(result(1))
        yield* client.heard(1)
        client.notify("notifications/initialized")
        client.connection.established(stateful)
        client.ask(2)
        yield* TestClock.adjust("4999 millis")
        assert.lengthOf(server.seen, 2)
        yield* TestClock.adjust("1 millis")
        yield* server.request(3)
      }))

    it.effect("less once much of it waits for the server, and says when it has caught up", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        const { connection } = client
        yield* connection.drained
        connection.send({ id: 1, method: "x", version: stateless, frame: "x".repeat(5 << 20) })
        assert.isTrue(connection.congested())
        let isDrained = false
        yield* Effect.forkChild(Effect.andThen(connection.drained, Effect.sync(() => void (isDrained = true))))
        yield* wires.turns(20)
        assert.isFalse(isDrained)
        ;(yield* server.request(0)).stream()
        yield* wires.until(() => isDrained)
        assert.isFalse(connection.congested())
        connection.send({ id: 2, method: "x", version: stateless, frame: "x".repeat(5 << 20) })
        assert.isTrue(connection.congested())
        connection.forget(2)
        assert.isFalse(connection.congested())
      }))
  })

  describe("takes", () => {
    it.effect("an answer in JSON, with its length or without", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        client.ask("two")
        ;(yield* server.request(0)).json(result(1, { text: "é😀" }), {
          "content-type": "Application/JSON; charset=utf-8",
          "content-length": String(new TextEncoder().encode(JSON.stringify(result(1, { text: "é😀" }))).length)
        })
        ;(yield* server.request(1)).json(result("two", { text: "é😀" }))
        yield* client.heard(2)
        assert.sameMembers([...client.told], ["1 = {\"text\":\"é😀\"}", "two = {\"text\":\"é😀\"}"])
      }))

    it.effect("an answer on a stream, after what belongs to it, whatever the pieces it comes in", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1, stateless)
        const stream = (yield* server.request(0)).stream()
        stream.write("\ufeff: hello\r\n\r\nid: 0\r\ndata:\r\n\r\n")
        stream.message(progress)
        stream.write("event: ping\ndata: {}\n\n")
        const text = `event: message\ndata: {"jsonrpc":"2.0","id":1,\ndata: "result":{"text":"é😀"}}\n\n`
        for (const byte of new TextEncoder().encode(text)) stream.write(new Uint8Array([byte]))
        yield* client.heard(2)
        assert.deepStrictEqual(client.told, ["notifications/progress about 1", "1 = {\"text\":\"é😀\"}"])
        stream.end()
      }))

    it.effect("a question of the server's on the stream of a request", () =>
      Effect.gen(function*() {
        const { client, server } = yield* inSession()
        client.ask(2)
        const stream = (yield* server.request(3)).stream()
        stream.message({ jsonrpc: "2.0", id: "q", method: "roots/list" })
        yield* client.heard(2)
        client.connection.send({ version: stateful, frame: JSON.stringify(result("q")) })
        const answer = yield* server.request(4)
        assert.strictEqual(answer.body, JSON.stringify(result("q")))
        answer.respond(202)
        stream.message(result(2))
        yield* client.heard(3)
        assert.deepStrictEqual(client.told.slice(1), ["roots/list q about 2", "2 = {}"])
        stream.end()
      }))

    it.effect("several messages in one array", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1, "2025-03-26")
        ;(yield* server.request(0)).json([progress, result(1), result(7)])
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["[notifications/progress, 1 = {}] about 1"])
      }))

    it.effect("a refusal of its request in a 4xx, by its id, by null or by none, as the answer", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        for (const [index, [status, id]] of ([[400, 0], [404, null], [422, undefined], [403, 3]] as const).entries()) {
          client.ask(index, stateless)
          ;(yield* server.request(index)).json(refusal(id, -32000 - index), {}, status)
        }
        yield* client.heard(4)
        assert.sameMembers([...client.told], ["0 error -32000", "1 error -32001", "2 error -32002", "3 error -32003"])
      }))

    it.effect("an error without an id in any answer as the refusal of what was asked", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        client.ask(2)
        ;(yield* server.request(0)).json(refusal(null, -32700))
        const stream = (yield* server.request(1)).stream()
        stream.message(refusal(null, -32603))
        yield* client.heard(2)
        assert.sameMembers([...client.told], ["1 error -32700", "2 error -32603"])
        stream.end()
      }))

    it.effect("what the server says unasked, on the stream by GET", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.initialize(1)
        ;(yield* server.request(0)).json(result(1))
        yield* client.heard(1)
        client.connection.established(stateful)
        const stream = (yield* server.request(1)).stream()
        stream.message({ jsonrpc: "2.0", method: "notifications/tools/list_changed" })
        yield* client.heard(2)
        assert.strictEqual(client.told[1], "notifications/tools/list_changed")
      }))

    it.effect("nothing of what answers a notification or a response", () =>
      Effect.gen(function*() {
        const { client, server } = yield* inSession()
        for (let i = 0; i < 5; i++) client.notify("notifications/progress")
        ;(yield* server.request(3)).respond(204)
        ;(yield* server.request(4)).json(result(9))
        ;(yield* server.request(5)).stream().message(result(9))
        ;(yield* server.request(6)).respond(500, {}, "down")
        ;(yield* server.request(7)).fail(new Error("reset"))
        yield* TestClock.adjust("10 seconds")
        yield* wires.turns(20)
        assert.lengthOf(client.told, 1)
        assert.isTrue(server.seen[5]!.isAborted())
      }))
  })

  describe("tells why no answer comes", () => {
    const outcome = (answer: (exchange: clientWires.Exchange) => void, version = stateless, id = 1) =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(id, version)
        answer(yield* server.request(0))
        yield* client.heard(1)
        return { told: client.told, reason: reasonOf(client), message: client.errors[0]!.message }
      }).pipe(Effect.scoped)

    it.effect("by the status, the beginning of the body, and how long to wait", () =>
      Effect.gen(function*() {
        const { reason } = yield* outcome((exchange) =>
          exchange.respond(500, { "content-type": "text/plain" }, " down ")
        )
        assert.deepStrictEqual({ ...reason }, { ...new TransportError.HttpStatus({ status: 500, body: "down" }) })
        const long = yield* outcome((exchange) => exchange.respond(502, {}, "x".repeat(100_000)))
        assert.strictEqual((long.reason as TransportError.HttpStatus).body, "x".repeat(500))
        const bytes = yield* outcome((exchange) => exchange.respond(502, { "content-type": "image/png" }, "x"))
        assert.strictEqual((bytes.reason as TransportError.HttpStatus).body, "")
        const json = yield* outcome((exchange) => exchange.json(refusal(1, -32000), { "retry-after": "3" }, 503))
        assert.deepStrictEqual({ ...json.reason }, {
          ...new TransportError.HttpStatus({ status: 503, body: "no", retryAfter: 3000 })
        })
        const wordy = { jsonrpc: "2.0", id: 1, error: { code: 1, message: "x".repeat(10_000) } }
        const cut = yield* outcome((exchange) => exchange.json(wordy, {}, 500))
        assert.strictEqual((cut.reason as TransportError.HttpStatus).body, "x".repeat(500))
        const limited = yield* outcome((exchange) => exchange.json(refusal(1, -32000), { "retry-after": "1" }, 429))
        assert.isTrue(limited.reason.isRetryable)
        yield* TestClock.setTime(Date.parse("Sat, 28 Nov 2026 12:00:00 GMT"))
        for (
          const [after, retryAfter] of [
            ["Sat, 28 Nov 2026 12:00:07 GMT", 7000],
            ["Sat, 28 Nov 2026 11:00:00 GMT", 0],
            ["9".repeat(400), 2 ** 31 - 1],
            ["Sat, 28 Nov 9999 12:00:00 GMT", 2 ** 31 - 1],
            ["soon", undefined]
          ] as const
        ) {
          const { reason } = yield* outcome((exchange) => exchange.respond(503, { "retry-after": after }))
          assert.strictEqual((reason as TransportError.HttpStatus).retryAfter, retryAfter, after)
        }
      }))

    it.effect("401, and 403 with a challenge, as a caller who is not let in, whatever the body", () =>
      Effect.gen(function*() {
        const challenge = "Bearer resource_metadata=\"http://server.example/x\""
        for (const status of [401, 403] as const) {
          const { reason } = yield* outcome((exchange) =>
            exchange.json(refusal(1, -32000), { "www-authenticate": challenge }, status)
          )
          assert.deepStrictEqual({ ...reason }, { ...new TransportError.Unauthorized({ status, challenge }) })
        }
        const bare = yield* outcome((exchange) => exchange.respond(401))
        assert.deepStrictEqual({ ...bare.reason }, { ...new TransportError.Unauthorized({ status: 401 }) })
        assert.strictEqual((yield* outcome((exchange) => exchange.respond(403))).reason._tag, "HttpStatus")
      }))

    it.effect("a 2xx that is no answer as a server of another kind", () =>
      Effect.gen(function*() {
        const answers: ReadonlyArray<readonly [(exchange: clientWires.Exchange) => void, RegExp]> = [
          [(exchange) => exchange.respond(200, { "content-type": "text/html" }, "<html>"), /HTTP 200 and text\/html/u],
          [(exchange) => exchange.respond(202), /HTTP 202 and no content type/u],
          [(exchange) => exchange.respond(204), /HTTP 204/u],
          [(exchange) => exchange.respond(200, { "content-type": "application/json" }, "{"), /not valid JSON/u],
          [(exchange) => exchange.respond(200, { "content-type": "application/json" }), /not valid JSON/u],
          [(exchange) => exchange.json({ hello: "world" }), /jsonrpc/u],
          [(exchange) => exchange.json(result(2)), /no answer to it/u],
          [(exchange) => exchange.json(result("1")), /no answer to it/u],
          [(exchange) => exchange.json(progress), /no answer to it/u],
          [(exchange) => exchange.json([result(2)]), /no answer to it/u]
        ]
        for (const [answer, message] of answers) {
          const { message: said, told } = yield* outcome(answer)
          assert.strictEqual(told.at(-1), "1 failed Malformed")
          assert.match(said, message)
        }
      }))

    it.effect("an answer whose envelope is wrong as it came, for it is the answer", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        ;(yield* server.request(0)).json({ jsonrpc: "2.0", id: 1, result: 5 })
        yield* client.heard(1)
        yield* wires.turns(20)
        assert.deepStrictEqual(client.told, ["invalid 1 about 1"])
      }))

    it.effect("what is no message on its stream as its answer, once, and reads no further", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        const exchange = yield* server.request(0)
        const stream = exchange.stream()
        stream.write("id: 7\ndata: {\"jsonrpc\":\n\ndata: also none\n\n")
        stream.message(result(1))
        yield* client.heard(1)
        yield* wires.turns(20)
        yield* TestClock.adjust("1 second")
        yield* wires.until(() => exchange.isAborted())
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual([client.told, server.seen.length], [["invalid null about 1"], 1])
      }))

    it.effect("a stream that ends without it, or breaks off in the middle of it, as lost", () =>
      Effect.gen(function*() {
        for (const end of ["end", "cut"] as const) {
          for (const version of [stateless, stateful]) {
            const { client, server } = yield* setup()
            client.ask(1, version)
            const stream = (yield* server.request(0)).stream()
            stream.message(progress)
            yield* client.heard(1)
            stream.write(`data: {"jsonrpc":"2.0","id":1,"result":{}}\n`)
            yield* wires.turns(20)
            stream[end]()
            yield* client.heard(2)
            assert.strictEqual(client.told[1], "1 failed Lost")
          }
        }
      }))

    it.effect("a body that breaks off as lost", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        const body = (yield* server.request(0)).stream({ "content-type": "application/json" })
        body.write("{\"jsonrpc\":")
        yield* wires.turns(20)
        body.cut()
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["1 failed Lost"])
      }))

    it.effect("a message of more bytes than are taken, which are not read to their end", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup({ maxMessageBytes: 1000 })
        const large = "é".repeat(2000)
        client.ask(1)
        const declared = yield* server.request(0)
        declared.stream({ "content-type": "application/json", "content-length": "1001" })
        client.ask(2)
        const body = yield* server.request(1)
        body.stream({ "content-type": "application/json" }).write(large)
        client.ask(3)
        const events = yield* server.request(2)
        events.stream().write(`data: ${large}`)
        client.ask(4)
        const packed = yield* server.request(3)
        // What is unpacked may be longer than it says.
        packed.stream({ "content-type": "application/json", "content-length": "10", "content-encoding": "gzip" })
          .write(large)
        yield* client.heard(4)
        yield* wires.turns(20)
        assert.sameMembers([...client.told], [1, 2, 3, 4].map((id) => `${id} failed TooLarge`))
        assert.strictEqual((reasonOf(client) as TransportError.TooLarge).limit, 1000)
        for (const exchange of [declared, body, events, packed]) assert.isTrue(exchange.isAborted())
      }))

    it.effect("a message of as many bytes as are taken is taken", () =>
      Effect.gen(function*() {
        const answer = (id: number) => JSON.stringify(result(id, { text: "é".repeat(100) }))
        const maxMessageBytes = new TextEncoder().encode(answer(1)).length
        const { client, server } = yield* setup({ maxMessageBytes })
        client.ask(1)
        client.ask(2)
        const body = (yield* server.request(0)).stream({ "content-type": "application/json" })
        body.write(answer(1))
        body.end()
        const stream = (yield* server.request(1)).stream()
        stream.write(`data: ${answer(2)}\n\n`)
        stream.end()
        yield* client.heard(2)
        assert.sameMembers(client.told.map((told) => told.slice(0, 4)), ["1 = ", "2 = "])
      }))

    it.effect("an error page by its status, without reading it to an end it may not have", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        client.ask(2)
        client.ask(3)
        const [long, slow, json] = [yield* server.request(0), yield* server.request(1), yield* server.request(2)]
        long.stream({ "content-type": "text/html" }, 500).write("x".repeat(20_000))
        yield* client.heard(1)
        slow.stream({ "content-type": "text/html" }, 502).write("x")
        json.stream({ "content-type": "application/json" }, 400).write("{\"jsonrpc\":")
        yield* wires.turns(20)
        yield* TestClock.adjust("4999 millis")
        assert.deepStrictEqual(client.told, ["1 failed HttpStatus"])
        yield* TestClock.adjust("1 millis")
        yield* client.heard(3)
        assert.sameMembers(client.told.slice(1), ["2 failed HttpStatus", "3 failed HttpStatus"])
        yield* wires.until(() => long.isAborted() && slow.isAborted() && json.isAborted())
      }))

    it.effect("a server that cannot be reached, apart from one that may have done it", () =>
      Effect.gen(function*() {
        const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), {
          code: "ECONNREFUSED",
          syscall: "connect"
        })
        const causes: ReadonlyArray<readonly [unknown, string]> = [
          [refused, "Unreachable"],
          [new TypeError("fetch failed", { cause: refused }), "Unreachable"],
          [new TypeError("fetch failed", { cause: new AggregateError([refused]) }), "Unreachable"],
          [Object.assign(new Error("getaddrinfo ENOTFOUND x"), { code: "ENOTFOUND" }), "Unreachable"],
          [Object.assign(new Error("self-signed"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), "Unreachable"],
          [Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" }), "Lost"],
          [Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }), "Lost"],
          [new Error("something"), "Lost"],
          [undefined, "Lost"]
        ]
        for (const [cause, tag] of causes) {
          const { reason } = yield* outcome((exchange) => exchange.fail(cause))
          assert.strictEqual(reason._tag, tag, String(cause))
        }
        const { message } = yield* outcome((exchange) =>
          exchange.fail(new TypeError("fetch failed", { cause: refused }))
        )
        assert.strictEqual(message, "Cannot reach http://server.example/mcp: connect ECONNREFUSED 127.0.0.1:1")
      }))
  })

  describe("follows a redirect", () => {
    it.effect("within the origin, with 307 or 308, as the same request, at most 5 times", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup({ headers: { authorization: "t" } })
        client.ask(1)
        for (let hop = 0; hop < 5; hop++) {
          ;(yield* server.request(hop)).respond(hop % 2 === 0 ? 307 : 308, { location: `/at/${hop}#x` })
        }
        const last = yield* server.request(5)
        assert.strictEqual(last.url, "http://server.example/at/4")
        assert.deepStrictEqual([last.method, last.body, last.headers], [
          "POST",
          server.seen[0]!.body,
          server.seen[0]!.headers
        ])
        last.respond(307, { location: "/at/5" })
        yield* client.heard(1)
        assert.lengthOf(server.seen, 6)
        assert.deepStrictEqual({ ...reasonOf(client) }, {
          ...new TransportError.HttpStatus({ status: 307, body: "it leads to http://server.example/at/5" })
        })
      }))

    it.effect("never to another origin, and says where it would have led", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        const others = [
          "https://server.example/mcp",
          "http://server.example:81/mcp",
          "http://evil.example/a?token=1",
          "//evil.example/a"
        ]
        for (const [index, location] of others.entries()) {
          for (const [at, status] of [301, 302, 303, 307, 308].entries()) {
            client.ask(index * 10 + at)
            ;(yield* server.request(index * 5 + at)).respond(status, { location })
            yield* client.heard(index * 5 + at + 1)
            assert.strictEqual(reasonOf(client)._tag, "OtherOrigin")
          }
        }
        assert.lengthOf(server.seen, 20)
        assert.match(
          client.errors.at(-1)!.message,
          /^http:\/\/server\.example\/mcp leads to .* http:\/\/evil\.example\/a,/u
        )
        assert.notInclude(client.errors[10]!.message, "token")
      }))

    it.effect("not one that would change the request, nor one without an address", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        for (const [index, status] of [301, 302, 303].entries()) {
          client.ask(index)
          ;(yield* server.request(index)).respond(status, { location: "/login" })
          yield* client.heard(index + 1)
          assert.deepStrictEqual({ ...reasonOf(client) }, {
            ...new TransportError.HttpStatus({ status, body: "it leads to http://server.example/login" })
          })
        }
        client.ask(3)
        ;(yield* server.request(3)).respond(307)
        yield* client.heard(4)
        assert.strictEqual(reasonOf(client)._tag, "HttpStatus")
      }))
  })

  describe("ends", () => {
    it.effect("the wait of a request that is forgotten, closes what was to bring its answer, and tells nothing of it", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1, stateless)
        client.ask(2, stateful)
        client.ask(3, stateless)
        client.ask(4, stateless)
        const [waiting, reading, failing, other] = [
          yield* server.request(0),
          yield* server.request(1),
          yield* server.request(2),
          yield* server.request(3)
        ]
        reading.stream().message(progress)
        yield* client.heard(1)
        for (const id of [1, 2, 3, 5]) client.connection.forget(id)
        failing.fail(new Error("reset"))
        yield* wires.turns(20)
        assert.deepStrictEqual([waiting, reading, other].map((exchange) => exchange.isAborted()), [true, true, false])
        other.json(result(4))
        yield* client.heard(2)
        assert.deepStrictEqual(client.told, ["notifications/progress about 2", "4 = {}"])
      }))

    it.effect("an answer that comes on the stream of another request once", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        client.ask(2)
        const [first, second] = [(yield* server.request(0)).stream(), (yield* server.request(1)).stream()]
        first.message(result(2))
        yield* client.heard(1)
        second.message(result(2))
        second.end()
        first.message(result(1))
        yield* client.heard(2)
        yield* wires.turns(20)
        assert.deepStrictEqual(client.told, ["2 = {}", "1 = {}"])
        first.end()
      }))

    it.effect("a stream that goes on after the answer a second later, whatever it says", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        const exchange = yield* server.request(0)
        const stream = exchange.stream()
        stream.message(result(1))
        yield* client.heard(1)
        yield* wires.turns(20)
        yield* TestClock.adjust("999 millis")
        assert.isFalse(exchange.isAborted())
        stream.write(": still here\n\n")
        yield* wires.turns(20)
        yield* TestClock.adjust("1 millis")
        yield* wires.until(() => exchange.isAborted())
        assert.deepStrictEqual(client.told, ["1 = {}"])
      }))

    it.effect("the session with its scope, once nothing else is under way", () =>
      Effect.gen(function*() {
        const server = clientWires.makeServer({ isDeaf: true })
        const end = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
          const { ask } = yield* inSession({ headers: { authorization: "t" } }, server)
          ask(2)
          ask(3)
          ;(yield* server.request(3)).stream()
          yield* wires.turns(20)
        })))
        const goodbye = yield* server.request(5)
        const [, , , reading, waiting] = server.seen
        assert.deepStrictEqual([reading!.isAborted(), waiting!.isAborted()], [true, true])
        assert.deepStrictEqual([goodbye.method, goodbye.url, goodbye.headers], ["DELETE", url, {
          "authorization": "t",
          "mcp-session-id": "s1",
          "mcp-protocol-version": stateful
        }])
        goodbye.respond(405)
        yield* Fiber.join(end)
        assert.lengthOf(server.seen, 6)
      }))

    it.effect("within a second, whatever the server does, or the effect that gives headers", () =>
      Effect.gen(function*() {
        const server = clientWires.makeServer({ isDeaf: true })
        let isSlow = false
        const headers = Effect.suspend(() => isSlow ? Effect.never : Effect.succeed({}))
        for (const slow of [false, true]) {
          isSlow = false
          const end = yield* Effect.forkChild(Effect.scoped(Effect.andThen(
            inSession({ headers }, slow ? clientWires.makeServer() : server),
            Effect.sync(() => {
              isSlow = slow
            })
          )))
          yield* wires.turns(500)
          yield* TestClock.adjust("999 millis")
          assert.isUndefined(end.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          yield* Fiber.join(end)
        }
        assert.isTrue(server.seen[3]!.isAborted())
      }))

    it.effect("nothing with a scope in which no session began, or one whose server has ended it", () =>
      Effect.gen(function*() {
        const without = yield* Effect.scoped(Effect.gen(function*() {
          const all = yield* setup()
          all.initialize(1)
          ;(yield* all.server.request(0)).json(result(1))
          yield* all.heard(1)
          return all
        }))
        assert.lengthOf(without.server.seen, 1)
        const ended = yield* Effect.scoped(Effect.gen(function*() {
          const all = yield* inSession()
          all.ask(2)
          ;(yield* all.server.request(3)).respond(404)
          yield* all.heard(2)
          return all
        }))
        assert.lengthOf(ended.server.seen, 4)
      }))
  })

  describe("of a session that the server has ended", () => {
    it.effect("tells once and for all, sends nothing in it any more, and begins another", () =>
      Effect.gen(function*() {
        const { client, server } = yield* inSession()
        client.ask(2) // Servers say so in errors of their own.
        ;(yield* server.request(3)).json(refusal(2, -32001), {}, 404)
        yield* client.heard(2)
        client.ask(3)
        client.notify("notifications/progress")
        assert.lengthOf(client.told, 2)
        yield* client.heard(3)
        assert.deepStrictEqual(client.told.slice(1), ["2 failed SessionEnded", "3 failed SessionEnded"])
        assert.lengthOf(server.seen, 4)
        client.initialize(4)
        const again = yield* server.request(4)
        assert.isUndefined(again.headers["mcp-session-id"])
        again.json(result(4), { "mcp-session-id": "s2" })
        yield* client.heard(4)
        client.ask(5)
        assert.strictEqual((yield* server.request(5)).headers["mcp-session-id"], "s2")
      }))

    it.effect("knows it from a notification and from the stream by GET as well", () =>
      Effect.gen(function*() {
        const { client, server } = yield* inSession()
        client.notify("notifications/progress")
        ;(yield* server.request(3)).respond(404)
        yield* wires.turns(20)
        client.ask(2)
        yield* client.heard(2)
        client.initialize(3)
        ;(yield* server.request(4)).json(result(3), { "mcp-session-id": "s2" })
        yield* client.heard(3)
        client.connection.established(stateful)
        ;(yield* server.request(5)).respond(404)
        yield* wires.turns(20)
        client.ask(4)
        yield* client.heard(4)
        assert.deepStrictEqual(client.told.slice(1), ["2 failed SessionEnded", "3 = {}", "4 failed SessionEnded"])
      }))

    it.effect("does not take a late word of the old one for an end of the new", () =>
      Effect.gen(function*() {
        const { client, server } = yield* inSession()
        client.ask(2)
        client.initialize(3)
        ;(yield* server.request(4)).json(result(3), { "mcp-session-id": "s2" })
        yield* client.heard(2)
        server.seen[3]!.respond(404)
        yield* client.heard(3)
        client.ask(4)
        assert.strictEqual((yield* server.request(5)).headers["mcp-session-id"], "s2")
        assert.deepStrictEqual(client.told.slice(1), ["3 = {}", "2 failed SessionEnded"])
      }))

    it.effect("takes an unknown method for what it is, and 404 without a session for a status", () =>
      Effect.gen(function*() {
        const { client, server } = yield* inSession()
        client.ask(2)
        ;(yield* server.request(3)).json(refusal(2, -32601), {}, 404)
        yield* client.heard(2)
        client.ask(3, stateless)
        ;(yield* server.request(4)).respond(404)
        yield* client.heard(3)
        client.ask(4)
        assert.strictEqual((yield* server.request(5)).headers["mcp-session-id"], "s1")
        assert.deepStrictEqual(client.told.slice(1), ["2 error -32601", "3 failed HttpStatus"])
      }))

    it.effect("takes no id that a header could not carry", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.initialize(1)
        ;(yield* server.request(0)).json(result(1), { "mcp-session-id": "s 1" })
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["1 failed Malformed"])
      }))
  })

  describe("with a server that takes no POST", () => {
    const old = (options: Partial<StreamableHttpClient.Options> = {}, status = 405) =>
      Effect.gen(function*() {
        const all = yield* setup(options)
        all.initialize(1)
        ;(yield* all.server.request(0)).respond(status, { "content-type": "text/html" }, "<html>")
        return all
      })

    it.effect("asks for the stream of 2024-11-05, and goes on in that", () =>
      Effect.gen(function*() {
        for (const status of [400, 404, 405]) {
          const { client, server } = yield* old({ headers: { authorization: "t" } }, status)
          const get = yield* server.request(1)
          assert.deepStrictEqual([get.method, get.url, get.headers], ["GET", url, {
            accept: "text/event-stream",
            authorization: "t"
          }])
          assert.isTrue(client.connection.hasStreams)
          client.notify("notifications/held", "2024-11-05")
          const stream = get.stream()
          stream.write("event: endpoint\ndata: /messages?sessionId=1\n\n")
          const post = yield* server.request(2)
          assert.strictEqual(post.url, "http://server.example/messages?sessionId=1")
          assert.strictEqual(post.body, server.seen[0]!.body)
          assert.strictEqual(post.headers["authorization"], "t")
          assert.include((yield* server.request(3)).body, "notifications/held")
          server.seen[3]!.respond(202)
          post.respond(202)
          stream.message(result(1))
          yield* client.heard(1)
          assert.deepStrictEqual([client.connection.hasStreams, client.connection.hasHeaders], [false, false])
          client.notify("notifications/initialized", "2024-11-05")
          client.connection.established("2024-11-05")
          client.ask(2, "2024-11-05")
          ;(yield* server.request(4)).respond(202)
          const second = yield* server.request(5)
          assert.strictEqual(second.url, post.url)
          second.respond(202)
          client.ask(3, "2024-11-05")
          client.connection.forget(3)
          stream.message(result(3))
          stream.message(result(2))
          yield* client.heard(2)
          stream.end()
          yield* client.heard(3)
          assert.deepStrictEqual(client.told, ["1 = {}", "2 = {}", "closed Closed"])
        }
      }))

    it.effect("lets the answer to its POST stand where there is no such stream", () =>
      Effect.gen(function*() {
        const answers: ReadonlyArray<(exchange: clientWires.Exchange) => void> = [
          (exchange) => exchange.respond(404),
          (exchange) => exchange.respond(200, { "content-type": "text/html" }, "<html>"),
          (exchange) => exchange.stream().end(),
          (exchange) => exchange.fail(new Error("reset"))
        ]
        for (const answer of answers) {
          const { client, server } = yield* old()
          answer(yield* server.request(1))
          yield* client.heard(1)
          assert.deepStrictEqual({ ...reasonOf(client) }, {
            ...new TransportError.HttpStatus({ status: 405, body: "<html>" })
          })
          client.initialize(2)
          assert.strictEqual((yield* server.request(2)).method, "POST")
        }
        const { client, server } = yield* old()
        ;(yield* server.request(1)).stream()
        yield* wires.turns(20)
        yield* TestClock.adjust("10 seconds")
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["1 failed HttpStatus"])
        yield* wires.until(() => server.seen[1]!.isAborted())
      }))

    it.effect("gives its refusal as the answer where there is no such stream", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.initialize(1)
        ;(yield* server.request(0)).json(refusal(null, -32000), {}, 405)
        ;(yield* server.request(1)).json(refusal(null, -32000), {}, 405)
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["1 error -32000"])
      }))

    it.effect("follows its stream to no other origin, and says who is not let in", () =>
      Effect.gen(function*() {
        const elsewhere = yield* old()
        ;(yield* elsewhere.server.request(1)).stream().write("event: endpoint\ndata: http://evil.example/\n\n")
        yield* elsewhere.heard(1)
        const closed = yield* old()
        ;(yield* closed.server.request(1)).respond(401)
        yield* closed.heard(1)
        assert.deepStrictEqual([...elsewhere.told, ...closed.told], ["1 failed OtherOrigin", "1 failed Unauthorized"])
        assert.lengthOf(elsewhere.server.seen, 2)
      }))

    it.effect("is silent of a beginning that is forgotten meanwhile, and sends what waited", () =>
      Effect.gen(function*() {
        const { client, server } = yield* old()
        const get = yield* server.request(1)
        client.initialize(2)
        client.connection.forget(1)
        yield* wires.until(() => get.isAborted())
        ;(yield* server.request(2)).json(result(2))
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["2 = {}"])
      }))

    it.effect("does nothing of this where it is not wanted, is refused in a message, or something else was asked", () =>
      Effect.gen(function*() {
        const { client, server } = yield* old({ sse: false })
        yield* client.heard(1)
        client.ask(2, stateless)
        ;(yield* server.request(1)).respond(405)
        yield* client.heard(2)
        const wanted = yield* setup()
        wanted.initialize(1)
        ;(yield* wanted.server.request(0)).json(refusal(1, -32600), {}, 400)
        yield* wanted.heard(1)
        wanted.initialize(2)
        ;(yield* wanted.server.request(1)).respond(500)
        yield* wanted.heard(2)
        yield* wires.turns(20)
        assert.deepStrictEqual([...client.told, ...wanted.told], [
          "1 failed HttpStatus",
          "2 failed HttpStatus",
          "1 error -32600",
          "2 failed HttpStatus"
        ])
        assert.deepStrictEqual([server.seen.length, wanted.server.seen.length], [2, 2])
      }))
  })

  describe("is given a URL", () => {
    it.effect("for people without its query, and the origin that is remembered", () =>
      Effect.gen(function*() {
        const { client, server, transport } = yield* setup({ url: new URL("https://server.example/mcp?key=secret#x") })
        assert.deepStrictEqual([transport.address, transport.origin, transport.kind], [
          "https://server.example/mcp",
          "https://server.example",
          "http"
        ])
        client.ask(1)
        assert.strictEqual((yield* server.request(0)).url, "https://server.example/mcp?key=secret")
      }))

    it.effect("and refuses one that cannot be one, without repeating what is secret", () =>
      Effect.gen(function*() {
        const wrong: ReadonlyArray<readonly [string, RegExp]> = [
          ["server.example/mcp", /^Cannot connect to server\.example\/mcp: it is not a URL/u],
          ["http://", /it is not a URL/u],
          ["ftp://server.example/", /ftp: is not http: or https:/u],
          ["file:///etc/passwd", /file: is not/u],
          ["http://ann:secret@server.example/", /credentials/u],
          ["http://ann@server.example/", /credentials/u],
          ["http://ann:secret@:x/", /it is not a URL/u]
        ]
        for (const [url, message] of wrong) {
          const error = yield* Effect.flip(setup({ url }))
          assert.strictEqual(error.reason._tag, "InvalidAddress")
          assert.match(error.message, message)
          assert.notInclude(error.message, "secret")
        }
      }))
  })
})
