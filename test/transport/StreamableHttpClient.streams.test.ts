/** Streams that break off and are taken up again: on a virtual clock, by what the server asks for. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as TestClock from "effect/testing/TestClock"
import * as StreamableHttpClient from "fastmcp-effect/transport/StreamableHttpClient"
import * as wires from "../server/wires.ts"
import * as clientWires from "./clientWires.ts"

const { progress, reasonOf, refusal, result, stateful, stateless } = clientWires

const changed = { jsonrpc: "2.0", method: "notifications/tools/list_changed" }

const setup = (options: Partial<StreamableHttpClient.Options> = {}) =>
  Effect.gen(function*() {
    const server = clientWires.makeServer()
    const transport = yield* StreamableHttpClient.make({ url: "http://server.example/mcp", ...options }).pipe(
      Effect.provideService(HttpClient.HttpClient, server.client)
    )
    return { server, client: yield* clientWires.connect(transport) }
  })

/** A session, and its stream by GET, which is the request of index 1. */
const listening = (
  options: Partial<StreamableHttpClient.Options> = {},
  session: clientWires.Headers = { "mcp-session-id": "s1" }
) =>
  Effect.gen(function*() {
    const all = yield* setup(options)
    all.client.initialize(1)
    ;(yield* all.server.request(0)).json(result(1), session)
    yield* all.client.heard(1)
    all.client.connection.established(stateful)
    const get = yield* all.server.request(1)
    return { ...all, get }
  })

/** A request whose stream has broken off after an event with an id. */
const broken = (head = "id: 7\ndata:\n\n", version = stateful) =>
  Effect.gen(function*() {
    const { client, server } = yield* setup()
    client.ask(1, version)
    const stream = (yield* server.request(0)).stream()
    stream.write(head)
    yield* wires.turns(20)
    stream.cut()
    yield* wires.turns(20)
    return { client, server }
  })

/** That request number `index` comes after so many milliseconds, and not before. */
const comesAfter = (server: clientWires.Server, index: number, millis: number) =>
  Effect.gen(function*() {
    yield* wires.turns(20)
    assert.lengthOf(server.seen, index)
    yield* TestClock.adjust(millis - 1)
    yield* wires.turns(20)
    assert.lengthOf(server.seen, index, `it came before ${millis} ms`)
    yield* TestClock.adjust(1)
    return yield* server.request(index)
  })

describe("StreamableHttpClient, its streams", () => {
  describe("of a request", () => {
    it.effect("is taken up by GET after the last event with an id, and brings the answer", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.initialize(0)
        ;(yield* server.request(0)).json(result(0), { "mcp-session-id": "s1" })
        yield* client.heard(1)
        client.ask(1)
        const stream = (yield* server.request(1)).stream()
        stream.write("id: 7\ndata:\n\n")
        stream.message(progress, "8")
        stream.message(progress)
        stream.write("id: 9\ndata: {\"jsonrpc\"")
        yield* client.heard(3)
        stream.end()
        const get = yield* comesAfter(server, 2, 1000)
        assert.deepStrictEqual([get.method, get.headers], ["GET", {
          "accept": "text/event-stream",
          "last-event-id": "8",
          "mcp-protocol-version": stateful,
          "mcp-session-id": "s1"
        }])
        const resumed = get.stream()
        resumed.message(progress, "9")
        resumed.message(result(1), "10")
        resumed.end()
        yield* client.heard(5)
        assert.deepStrictEqual(client.told.slice(1), [
          ...Array(3).fill("notifications/progress about 1"),
          "1 = {}"
        ])
        yield* TestClock.adjust("1 hour")
        assert.lengthOf(server.seen, 3)
      }))

    it.effect("still brings the answer after a question that is no message, and not after what is none at all", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1)
        const stream = (yield* server.request(0)).stream()
        for (const params of [null, 5]) stream.message({ jsonrpc: "2.0", id: 7, method: "roots/list", params })
        stream.message(result(1))
        yield* client.heard(3)
        assert.deepStrictEqual(client.told, ["invalid 7 about 1", "invalid 7 about 1", "1 = {}"])
        client.ask(2)
        const other = (yield* server.request(1)).stream()
        other.write("data: garbage\n\n")
        other.message(result(2))
        yield* client.heard(4)
        yield* wires.turns(20)
        assert.deepStrictEqual(client.told.slice(3), ["invalid null about 2"])
      }))

    it.effect("waits at least as long as the server asks before that", () =>
      Effect.gen(function*() {
        for (const retry of [500, 2500, 60_000]) {
          const { client, server } = yield* broken(`id: 7\nretry: ${retry}\ndata:\n\n`)
          const get = yield* comesAfter(server, 1, retry)
          get.stream().message(result(1))
          yield* client.heard(1)
        }
      }))

    it.effect("comes back as often as a server lets it wait, each time after the last event of all", () =>
      Effect.gen(function*() {
        const { client, server } = yield* broken("id: 7\nretry: 100\ndata:\n\n")
        for (let round = 1; round <= 30; round++) {
          const get = yield* comesAfter(server, round, 100)
          // Some say nothing, some give another id.
          const stream = get.stream()
          if (round === 20) stream.write("id: 20\n\n")
          yield* wires.turns(20)
          stream.end()
          assert.strictEqual(get.headers["last-event-id"], round > 20 ? "20" : "7")
        }
        ;(yield* comesAfter(server, 31, 100)).stream().message(result(1))
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["1 = {}"])
      }))

    it.effect("waits longer each time that this comes to nothing, and gives up after ten", () =>
      Effect.gen(function*() {
        const { client, server } = yield* broken()
        const waits = [1000, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]
        for (const [index, wait] of waits.entries()) {
          const get = yield* comesAfter(server, index + 1, wait)
          if (index % 2 === 0) get.fail(new Error("read ECONNRESET"))
          else get.respond(500)
        }
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["1 failed Lost"])
        assert.match(client.errors[0]!.message, /could not be resumed; The server answered with HTTP 500/u)
        yield* TestClock.adjust("1 hour")
        assert.lengthOf(server.seen, 11)
      }))

    it.effect("waits as long as a server says that is overloaded", () =>
      Effect.gen(function*() {
        const { client, server } = yield* broken()
        ;(yield* comesAfter(server, 1, 1000)).respond(503, { "retry-after": "7" })
        ;(yield* comesAfter(server, 2, 7000)).stream().message(result(1))
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["1 = {}"])
      }))

    it.effect("counts from anew once the stream is open again", () =>
      Effect.gen(function*() {
        const { server } = yield* broken()
        ;(yield* comesAfter(server, 1, 1000)).respond(500)
        ;(yield* comesAfter(server, 2, 1000)).respond(500)
        const stream = (yield* comesAfter(server, 3, 2000)).stream()
        yield* wires.turns(20)
        stream.cut()
        yield* comesAfter(server, 4, 1000)
      }))

    it.effect("is lost at once where the server will not, and never told to be safe to send again", () =>
      Effect.gen(function*() {
        for (const status of [200, 204, 302, 307, 400, 401, 404, 405, 410, 501]) {
          const { client, server } = yield* broken()
          ;(yield* comesAfter(server, 1, 1000)).respond(status, status < 400 ? { location: "http://evil.example" } : {})
          yield* client.heard(1)
          assert.deepStrictEqual(client.told, ["1 failed Lost"], String(status))
          assert.isFalse(reasonOf(client).isRetryable)
        }
      }))

    it.effect("is lost with its session, which has ended then", () =>
      Effect.gen(function*() {
        const { client, get, server } = yield* listening()
        get.respond(405)
        client.ask(2)
        const stream = (yield* server.request(2)).stream()
        stream.write("id: 7\ndata:\n\n")
        yield* wires.turns(20)
        stream.cut()
        ;(yield* comesAfter(server, 3, 1000)).json(refusal(null, -32001), {}, 404)
        yield* client.heard(2)
        client.ask(3)
        yield* client.heard(3)
        assert.deepStrictEqual(client.told, ["1 = {}", "2 failed Lost", "3 failed SessionEnded"])
      }))

    it.effect("is not taken up without an id, in the stateless era, or when nobody waits for it", () =>
      Effect.gen(function*() {
        const without = yield* broken("data:\n\n")
        const unfinished = yield* broken("id: 7\ndata: cut")
        const reset = yield* broken("id: 7\n\nid:\n\n")
        const alone = yield* broken("id: 7\ndata:\n\n", stateless)
        for (const { client, server } of [without, unfinished, reset, alone]) {
          assert.deepStrictEqual(client.told, ["1 failed Lost"])
          yield* TestClock.adjust("1 hour")
          assert.lengthOf(server.seen, 1)
        }
        const forgotten = yield* broken()
        forgotten.client.connection.forget(1)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual([forgotten.client.told, forgotten.server.seen.length], [[], 1])
      }))

    it.effect("is closed where it was taken up, once nobody waits for it", () =>
      Effect.gen(function*() {
        const { client, server } = yield* broken()
        const get = yield* comesAfter(server, 1, 1000)
        get.stream().message(progress)
        yield* client.heard(1)
        client.connection.forget(1)
        yield* wires.until(() => get.isAborted())
        assert.lengthOf(client.told, 1)
      }))

    it.effect("bounds what it takes where it was taken up", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup({ maxMessageBytes: 100 })
        client.ask(1)
        const stream = (yield* server.request(0)).stream()
        stream.write("id: 7\ndata:\n\n")
        yield* wires.turns(20)
        stream.end()
        ;(yield* comesAfter(server, 1, 1000)).stream().write(`data: ${"x".repeat(101)}\n`)
        yield* client.heard(1)
        assert.deepStrictEqual(client.told, ["1 failed TooLarge"])
      }))

    it.effect("sends an id back that is more than ASCII as the bytes of its UTF-8", () =>
      Effect.gen(function*() {
        const { server } = yield* broken("id: é\ndata:\n\n")
        assert.strictEqual((yield* comesAfter(server, 1, 1000)).headers["last-event-id"], "\u00c3\u00a9")
      }))

    it.effect("of initialize is taken up in the session it began", () =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.initialize(1)
        const stream = (yield* server.request(0)).stream({ "mcp-session-id": "s1" })
        stream.write("id: 7\ndata:\n\n")
        yield* wires.turns(20)
        stream.end()
        const get = yield* comesAfter(server, 1, 1000)
        assert.strictEqual(get.headers["mcp-session-id"], "s1")
        assert.isUndefined(get.headers["mcp-protocol-version"])
        get.stream().message(result(1))
        yield* client.heard(1)
      }))
  })

  describe("by GET, for what answers no request", () => {
    it.effect("is opened once a revision is settled on, and again for ever, after the last event, later each time in vain", () =>
      Effect.gen(function*() {
        const { client, get, server } = yield* listening()
        const stream = get.stream()
        stream.message(changed, "3")
        yield* client.heard(2)
        stream.cut()
        let index = 2
        const first = yield* comesAfter(server, index++, 1000)
        assert.deepStrictEqual([first.headers["last-event-id"], first.headers["mcp-session-id"]], ["3", "s1"])
        first.fail(new Error("reset"))
        for (const wait of [1000, 2000, 4000, 8000, 16_000, ...Array<number>(20).fill(30_000)]) {
          const next = yield* comesAfter(server, index++, wait)
          if (index % 2 === 0) next.respond(502)
          else next.fail(new Error("connect ECONNREFUSED"))
        }
        const back = (yield* comesAfter(server, index++, 30_000)).stream()
        back.message(changed)
        yield* client.heard(3)
        back.end()
        yield* comesAfter(server, index++, 1000)
        assert.deepStrictEqual(client.told.slice(1), Array(2).fill("notifications/tools/list_changed"))
      }))

    it.effect("waits as long as the server asks", () =>
      Effect.gen(function*() {
        const { get, server } = yield* listening()
        const stream = get.stream()
        stream.write("retry: 45000\n\n")
        yield* wires.turns(20)
        stream.end()
        ;(yield* comesAfter(server, 2, 45_000)).respond(503, { "retry-after": "60" })
        yield* comesAfter(server, 3, 60_000)
      }))

    it.effect("is not reopened in a hurry by a server that closes it at once, and is by one that closes it after a while", () =>
      Effect.gen(function*() {
        const { get, server } = yield* listening()
        const close = (exchange: clientWires.Exchange) =>
          Effect.gen(function*() {
            const stream = exchange.stream()
            stream.write(": welcome\n\n")
            yield* wires.turns(20)
            stream.end()
          })
        yield* close(get)
        yield* close(yield* comesAfter(server, 2, 1000))
        yield* close(yield* comesAfter(server, 3, 2000))
        const long = (yield* comesAfter(server, 4, 4000)).stream()
        yield* wires.turns(20)
        yield* TestClock.adjust("30 seconds")
        long.end()
        yield* comesAfter(server, 5, 1000)
      }))

    it.effect("is done without where the server has none or refuses three times, quietly", () =>
      Effect.gen(function*() {
        for (const status of [204, 405]) {
          const { client, get, server } = yield* listening()
          get.respond(status)
          yield* wires.turns(20)
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual([server.seen.length, client.told.length], [2, 1], String(status))
        }
        for (
          const answer of [
            (exchange: clientWires.Exchange) => exchange.respond(409),
            (exchange: clientWires.Exchange) => exchange.respond(401),
            (exchange: clientWires.Exchange) => exchange.respond(200, { "content-type": "text/html" }, "<html>"),
            (exchange: clientWires.Exchange) => exchange.respond(501),
            (exchange: clientWires.Exchange) => exchange.respond(302, { location: "http://evil.example" })
          ]
        ) {
          const { client, get, server } = yield* listening()
          answer(get)
          answer(yield* comesAfter(server, 2, 1000))
          answer(yield* comesAfter(server, 3, 2000))
          yield* wires.turns(20)
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual([server.seen.length, client.told.length], [4, 1])
          client.ask(2)
          ;(yield* server.request(4)).json(result(2))
          yield* client.heard(2)
        }
      }))

    it.effect("begins anew where what it has seen is not kept any more", () =>
      Effect.gen(function*() {
        for (const status of [400, 410]) {
          const { client, get, server } = yield* listening()
          const stream = get.stream()
          stream.message(changed, "3")
          yield* client.heard(2)
          stream.end()
          const again = yield* comesAfter(server, 2, 1000)
          assert.strictEqual(again.headers["last-event-id"], "3")
          again.respond(status)
          assert.isUndefined((yield* comesAfter(server, 3, 1000)).headers["last-event-id"])
        }
      }))

    it.effect("passes over a message that is too large, and reads on", () =>
      Effect.gen(function*() {
        const { client, get } = yield* listening({ maxMessageBytes: 100 })
        const stream = get.stream()
        stream.write(`data: ${"x".repeat(5000)}`)
        stream.write(`${"x".repeat(5000)}\n\n`)
        stream.message(changed)
        yield* client.heard(2)
        assert.strictEqual(client.told[1], "notifications/tools/list_changed")
        assert.isFalse(get.isAborted())
      }))

    it.effect("ends with its session, is opened again for the next, and needs none", () =>
      Effect.gen(function*() {
        const { client, get, server } = yield* listening()
        get.stream()
        yield* wires.turns(20)
        client.ask(2)
        ;(yield* server.request(2)).respond(404)
        yield* client.heard(2)
        yield* wires.until(() => get.isAborted())
        client.initialize(3)
        ;(yield* server.request(3)).json(result(3), { "mcp-session-id": "s2" })
        yield* client.heard(3)
        client.connection.established("2025-06-18")
        const next = yield* server.request(4)
        assert.deepStrictEqual([next.headers["mcp-session-id"], next.headers["mcp-protocol-version"]], [
          "s2",
          "2025-06-18"
        ])
        const none = yield* listening({}, {})
        assert.isUndefined(none.get.headers["mcp-session-id"])
        none.get.respond(404)
        yield* wires.turns(20)
        none.client.ask(2)
        ;(yield* none.server.request(2)).json(result(2))
        yield* none.client.heard(2)
      }))

    it.effect("asks for the program's headers each time, and goes on when they cannot be had", () =>
      Effect.gen(function*() {
        let count = 0
        const headers: StreamableHttpClient.Options["headers"] = Effect.suspend(() =>
          ++count === 3 ? Effect.die(new Error("a bug")) : Effect.succeed({ authorization: String(count) })
        )
        const { get, server } = yield* listening({ headers })
        assert.strictEqual(get.headers["authorization"], "2")
        get.respond(503)
        yield* wires.turns(20)
        yield* TestClock.adjust("1 second")
        yield* wires.turns(20)
        assert.lengthOf(server.seen, 2)
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* server.request(2)).headers["authorization"], "4")
      }))

    it.effect("ends with the scope, also while it waits to come back", () =>
      Effect.gen(function*() {
        const open = yield* Effect.scoped(Effect.gen(function*() {
          const all = yield* listening()
          all.get.stream()
          yield* wires.turns(20)
          return all
        }))
        yield* wires.until(() => open.get.isAborted())
        const waiting = yield* Effect.scoped(Effect.gen(function*() {
          const all = yield* listening()
          all.get.respond(503)
          yield* wires.turns(20)
          return all
        }))
        yield* TestClock.adjust("1 hour")
        // The beginning, the stream, and the end of the session.
        assert.deepStrictEqual([open.server.seen.length, waiting.server.seen.length], [3, 3])
      }))
  })
})
