import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import type * as StreamableHttpServer from "fastmcp-effect/transport/StreamableHttpServer"
import * as Http from "node:http"
import * as Net from "node:net"
import * as processes from "../server/processes.ts"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"

const setup = (options: StreamableHttpServer.Options = {}, probe = tools.makeProbe()) =>
  Effect.gen(function*() {
    const context = yield* wires.build(tools.server(probe))
    return yield* Effect.provideContext(wires.http(options), context)
  })

const initialize = wires.request("Stateful", 0, "initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "x", version: "1" }
})

const echo = wires.call("Stateless", 1, "echo", { text: "x" })

const eventsOf = (body: string): ReadonlyArray<wires.Frame> =>
  body.split("\n\n").flatMap((event) => {
    const data = /^data: (.+)$/mu.exec(event)
    return data === null ? [] : [JSON.parse(data[1]!) as wires.Frame]
  })

describe("StreamableHttpServer", () => {
  type Case = readonly [what: string, headers: { readonly [name: string]: string | undefined }, status: number]

  for (const [era, message] of [["stateful", initialize], ["stateless", echo]] as const) {
    const cases: ReadonlyArray<Case> = [
      ["all as it should be", {}, 200],
      ["no Accept", { accept: undefined }, 406],
      ["Accept of JSON alone", { accept: "application/json" }, 406],
      ["Accept of events alone", { accept: "text/event-stream" }, 406],
      ["Accept of something else", { accept: "text/html, image/png" }, 406],
      ["Accept of everything", { accept: "*/*" }, 200],
      ["Accept with wildcards and weights", { accept: "text/*;q=0.5, application/*" }, 200],
      ["Accept in another case", { accept: "Application/JSON, Text/Event-Stream" }, 200],
      ["Accept in another order", { accept: "text/event-stream,application/json;q=0.1" }, 200],
      ["no Content-Type", { "content-type": undefined }, 415],
      ["Content-Type of text", { "content-type": "text/plain" }, 415],
      ["Content-Type of a form", { "content-type": "application/x-www-form-urlencoded" }, 415],
      ["Content-Type of something like JSON", { "content-type": "application/jsonp" }, 415],
      ["Content-Type that mentions JSON", { "content-type": "text/plain; a=application/json" }, 415],
      ["Content-Type with a charset", { "content-type": "application/json; charset=utf-8" }, 200],
      ["Content-Type in another case", { "content-type": "Application/JSON" }, 200],
      ["a host of somebody else", { host: "evil.example" }, 403],
      ["no host", { host: undefined }, 403],
      ["an origin of somebody else", { origin: "https://evil.example" }, 403],
      ["an origin of this machine", { origin: "http://localhost:3000" }, 200],
      ["an origin that is opaque", { origin: "null" }, 403],
      ["a length within the limit", { "content-length": "4194304" }, 200],
      ["a length over the limit", { "content-length": "4194305" }, 413]
    ]
    for (const [what, headers, status] of cases) {
      it.effect(`${what}: ${status}, ${era} era`, () =>
        Effect.gen(function*() {
          const http = yield* setup()
          const post = http.send(message, headers)
          assert.strictEqual(post.status, status)
          assert.strictEqual(post.headers["content-type"], "application/json")
          if (status !== 200) {
            const { error, id } = JSON.parse(post.body) as wires.Frame
            assert.isNull(id)
            assert.isAbove(error!.message.length, 10)
          }
        }))
    }
  }

  for (const method of ["HEAD", "PUT", "PATCH", "OPTIONS", "post"]) {
    it.effect(`${method} is 405 and says what is allowed`, () =>
      Effect.gen(function*() {
        const http = yield* setup()
        const post = http.send("", {}, { method })
        assert.strictEqual(post.status, 405)
        assert.strictEqual(post.headers.allow, "GET, POST, DELETE")
      }))
  }

  for (const method of ["GET", "DELETE"]) {
    it.effect(`${method} is of sessions alone`, () =>
      Effect.gen(function*() {
        const http = yield* setup()
        // Who names nothing may be looking for a server of another kind.
        const stranger = http.send("", {}, { method })
        assert.deepStrictEqual([stranger.status, stranger.headers.allow], [405, "POST"])
        const modern = { "mcp-protocol-version": "2026-07-28", "mcp-session-id": "x" }
        const stateless = http.send("", modern, { method })
        assert.deepStrictEqual([stateless.status, stateless.headers.allow], [405, "POST"])
        assert.strictEqual(http.send("", { "mcp-protocol-version": "2025-11-25" }, { method }).status, 400)
        assert.strictEqual(http.send("", { "mcp-session-id": "x" }, { method }).status, 404)
        const unknown = { "mcp-protocol-version": "1999-01-01", "mcp-session-id": "x" }
        assert.strictEqual(http.send("", unknown, { method }).status, 400)
      }))
  }

  it.effect("DELETE without a session is 405, and a guarded host comes first", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      assert.strictEqual(http.send("", {}, { method: "DELETE" }).status, 405)
      assert.strictEqual(http.send("", { host: "evil.example" }, { method: "DELETE" }).status, 403)
      assert.strictEqual(http.send("", { host: "evil.example" }, { method: "GET" }).status, 403)
    }))

  it.effect("a reply that is the only message is JSON, whatever it took to find it", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const http = yield* setup({}, probe)
      const post = http.send(wires.call("Stateless", 1, "wait"))
      assert.strictEqual(post.status, 0)
      yield* Deferred.succeed(probe.gate, undefined)
      yield* wires.until(() => post.isOver)
      assert.deepStrictEqual([post.status, post.headers["content-type"]], [200, "application/json"])
      assert.strictEqual(JSON.parse(post.body).result.content[0].text, "waited")
    }))

  it.effect("a second message makes it a stream of events that ends with the reply", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send(wires.call("Stateless", 1, "talk", { count: 3 }, { progressToken: "p" }))
      yield* wires.until(() => post.isOver)
      assert.deepStrictEqual(post.headers, {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no"
      })
      const events = eventsOf(post.body)
      assert.deepStrictEqual(
        events.map(({ id, method, params }) => id ?? [method, params.progress, params.progressToken]),
        [1, 2, 3].map((n) => ["notifications/progress", n, "p"] as any).concat([1])
      )
      assert.match(post.body, /^(event: message\ndata: [^\n]+\n\n){4}$/u)
    }))

  it.effect("progress is not told to who did not ask for it", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send(wires.call("Stateless", 1, "talk", { count: 3 }))
      yield* wires.until(() => post.isOver)
      assert.strictEqual(post.headers["content-type"], "application/json")
    }))

  it.effect("an error after a first message comes as an event, with status 200", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send(wires.call("Stateless", 1, "talkingNever", {}, { progressToken: "p" }))
      yield* wires.until(() => post.body !== "")
      post.disconnect()
      yield* wires.turns()
      assert.lengthOf(eventsOf(post.body), 1)
      assert.isFalse(post.isOver)
    }))

  it.effect("many requests of both eras at once are each answered on their own response", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const http = yield* setup({}, probe)
      const session = { "mcp-session-id": http.send(initialize).headers["mcp-session-id"] }
      const posts = Array.from({ length: 200 }, (_, id) =>
        id % 2 === 0
          ? http.send(
            wires.call("Stateful", id, id % 4 === 0 ? "wait" : "talk", { count: 2 }, { progressToken: id }),
            session
          )
          : http.send(wires.call("Stateless", id, id % 4 === 1 ? "wait" : "talk", { count: 2 }, { progressToken: id })))
      yield* Deferred.succeed(probe.gate, undefined)
      yield* wires.until(() => posts.every(({ isOver }) => isOver))
      posts.forEach((post, id) => {
        const isTalk = id % 4 >= 2
        const frames = isTalk ? eventsOf(post.body) : [JSON.parse(post.body) as wires.Frame]
        assert.lengthOf(frames, isTalk ? 3 : 1)
        const last = frames.at(-1)!
        assert.strictEqual(last.id, id)
        assert.strictEqual(last.result.resultType, id % 2 === 0 ? undefined : "complete")
        for (const { params } of frames.slice(0, -1)) assert.strictEqual(params.progressToken, id)
      })
    }))
})

/** A server on a socket of this process, closed at the end of the test. */
const withSocket = (
  options: NodeHttp.Options,
  use: (url: URL, probe: tools.Probe, saw: (event: string) => Promise<void>) => Promise<void>
) =>
async () => {
  const waiting = new Set<() => void>()
  const probe = tools.makeProbe(() => {
    for (const look of [...waiting]) look()
  })
  const saw = (event: string) =>
    processes.within(
      10_000,
      () => `${event} among ${probe.events}`,
      new Promise<void>((resolve) => {
        const look = () => {
          if (!probe.events.includes(event)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    )
  const scope = Scope.makeUnsafe()
  const layer = NodeHttp.layer({ port: 0, grace: "200 millis", ...options }).pipe(Layer.provide(tools.server(probe)))
  try {
    const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
    await use(new URL(Context.get(context, NodeHttp.Address).url), probe, saw)
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

const send = (url: URL, message: string | object, headers: { readonly [name: string]: string } = {}) => {
  const { host: _, ...own } = wires.headersOf(message)
  return processes.post(url, { ...own, ...headers }, typeof message === "string" ? message : JSON.stringify(message))
}

const answer = async (url: URL, message: string | object, headers: { readonly [name: string]: string } = {}) =>
  processes.read(await send(url, message, headers).response)

const lives = async (url: URL) => {
  assert.strictEqual((await answer(url, echo)).status, 200)
}

describe("StreamableHttpServer on a socket", () => {
  it(
    "answers JSON with its length, events as they come, and 404 elsewhere",
    withSocket({}, async (url) => {
      const json = await answer(url, wires.call("Stateless", 1, "echo", { text: "é✓" }))
      assert.strictEqual(json.headers["content-length"], String(Buffer.byteLength(json.body)))
      const events = await answer(url, wires.call("Stateless", 1, "talk", { count: 3 }, { progressToken: 1 }))
      assert.lengthOf(eventsOf(events.body), 4)
      assert.strictEqual(events.headers["content-type"], "text/event-stream")
      assert.strictEqual((await answer(new URL("/elsewhere", url), echo)).status, 404)
      assert.strictEqual((await answer(new URL("/mcpx", url), echo)).status, 404)
      assert.strictEqual((await answer(new URL("/mcp?a=b", url), echo)).status, 200)
    })
  )

  it(
    "answers what a browser page or a rebound name sends with 403",
    withSocket({}, async (url) => {
      assert.strictEqual((await answer(url, echo, { host: "evil.example" })).status, 403)
      assert.strictEqual((await answer(url, echo, { origin: "http://evil.example" })).status, 403)
      assert.strictEqual((await answer(url, echo, { host: `localhost:${url.port}` })).status, 200)
      await lives(url)
    })
  )

  it(
    "answers a body over the limit with 413, declared or not, and lives",
    withSocket({ maxBodyBytes: 1000 }, async (url) => {
      const { host: _, ...headers } = wires.headersOf(echo)
      for (const size of [1001, 100_000, 20_000_000]) {
        const body = Buffer.alloc(size, "x")
        const declared = await processes.read(
          await processes.post(url, { ...headers, "content-length": size }, body).response
        )
        assert.strictEqual(declared.status, 413, `${size} bytes, declared`)
        assert.match(JSON.parse(declared.body).error.message, /1000 bytes/u)
        const chunked = processes.post(url, { ...headers, "transfer-encoding": "chunked" }, undefined)
        for (let at = 0; at < size; at += 65_536) chunked.request.write(body.subarray(at, at + 65_536))
        chunked.request.end()
        assert.strictEqual((await processes.read(await chunked.response)).status, 413, `${size} bytes, chunked`)
      }
      const exact = JSON.stringify(echo).padEnd(1000)
      assert.strictEqual((await answer(url, exact, headers as { [name: string]: string })).status, 200)
      await lives(url)
    })
  )

  it(
    "lives through clients that stop in the middle of a body",
    withSocket({}, async (url) => {
      const { host: _, ...headers } = wires.headersOf(echo)
      for (const how of ["declared", "chunked", "too late"]) {
        const { request } = processes.post(
          url,
          how === "chunked" ? headers : { ...headers, "content-length": 1000 },
          undefined
        )
        request.write(how === "too late" ? JSON.stringify(echo) : "{")
        await new Promise<void>((resolve) =>
          request.once("socket", (socket) => socket.once("connect", () => resolve()))
        )
        request.destroy()
      }
      await lives(url)
    })
  )

  it(
    "lives through what is not HTTP",
    withSocket({}, async (url) => {
      for (const bytes of ["hello\r\n\r\n", "\u0000\u0001", "POST /mcp HTTP/1.1\r\ncontent-length: x\r\n\r\n"]) {
        const socket = Net.connect(Number(url.port), "127.0.0.1")
        socket.on("error", () => {})
        const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
        socket.end(bytes)
        socket.resume()
        await processes.within(5000, () => "the end of the socket", closed)
      }
      await lives(url)
    })
  )

  it(
    "cancels a stateless request whose client closes its response, before and after the first event",
    withSocket(
      {},
      async (url, _probe, saw) => {
        const silent = send(url, wires.call("Stateless", 1, "never"))
        await saw("never started")
        silent.request.destroy()
        await saw("never Cancelled User")
        const talking = send(url, wires.call("Stateless", 1, "talkingNever", {}, { progressToken: 1 }))
        ;(await talking.response).destroy()
        await saw("talkingNever Cancelled User")
        await lives(url)
      }
    )
  )

  it(
    "cancels a stateful request by a notification alone, while a ping is answered",
    withSocket(
      {},
      async (url, probe, saw) => {
        const opened = await answer(url, initialize)
        const session = { "mcp-session-id": opened.headers["mcp-session-id"] as string }
        const never = send(url, wires.call("Stateful", 1, "never"), session)
        await saw("never started")
        assert.deepStrictEqual(
          JSON.parse((await answer(url, wires.request("Stateful", 2, "ping"), session)).body).result,
          {}
        )
        const gone = send(url, wires.call("Stateful", 3, "wait"), session)
        await saw("wait started")
        gone.request.destroy()
        const cancelled = await answer(url, wires.notification("notifications/cancelled", { requestId: 1 }), session)
        assert.deepStrictEqual([cancelled.status, cancelled.body], [202, ""])
        await saw("never Cancelled User")
        const { body } = await processes.read(await never.response)
        assert.notInclude(body, "data:")
        await Effect.runPromise(Deferred.succeed(probe.gate, undefined))
        await saw("wait Ok")
        await lives(url)
      }
    )
  )

  it(
    "keeps a connection alive over requests, refused ones of a readable body included",
    withSocket({}, async (url) => {
      const agent = new Http.Agent({ keepAlive: true, maxSockets: 1 })
      try {
        const ports = new Set<number>()
        for (const message of [echo, "nonsense", { ...echo, method: "nobody" }, echo]) {
          const { host: _, ...headers } = wires.headersOf(message)
          const { request, response } = processes.post(url, headers, JSON.stringify(message), agent)
          request.once("socket", (socket) => socket.once("connect", () => ports.add(socket.localPort!)))
          await processes.read(await response)
        }
        assert.lengthOf(ports, 1)
      } finally {
        agent.destroy()
      }
    })
  )

  it("answers what is in flight before it closes, with Shutdown after the grace period", async () => {
    let late: ReturnType<typeof send> | undefined
    await withSocket({}, async (url, _probe, saw) => {
      late = send(url, wires.call("Stateless", 1, "never"))
      await saw("never started")
    })()
    const { body, status } = await processes.read(await late!.response)
    assert.strictEqual(status, 200)
    assert.deepStrictEqual(JSON.parse(body).error.data["fastmcp-effect/outcome"], {
      _tag: "Cancelled",
      reason: "Shutdown"
    })
  })
})

describe("StreamableHttpServer as a process", () => {
  const http = (use: (server: processes.Server) => Promise<void>, env = {}, options: ReadonlyArray<string> = []) =>
    processes.withServer([...options, processes.tools, "http"], env, use)

  it(
    "on SIGTERM cancels what is in flight with Shutdown, answers it, and exits with 0",
    http(async (server) => {
      const url = await processes.urlOf(server)
      const agent = new Http.Agent({ keepAlive: true })
      try {
        const { host: _, ...headers } = wires.headersOf(echo)
        await processes.read(await processes.post(url, headers, JSON.stringify(echo), agent).response)
        const never = send(url, wires.call("Stateless", 1, "never"))
        await server.said("event: never started")
        server.child.kill("SIGTERM")
        const { body } = await processes.read(await never.response)
        assert.strictEqual(JSON.parse(body).error.data["fastmcp-effect/outcome"].reason, "Shutdown")
        assert.strictEqual(await processes.within(3000, () => "its exit", server.exited), 0)
        assert.include(server.stderr(), "event: never Cancelled Shutdown")
      } finally {
        agent.destroy()
      }
    })
  )

  it(
    "holds back a tool that sends 100,000 messages to a client that does not read, and ends when it reads",
    http(
      async (server) => {
        const url = await processes.urlOf(server)
        const before = processes.peakMegabytes(server)
        const { response } = send(
          url,
          wires.call("Stateless", 1, "talk", { count: 100_000, size: 1000 }, { progressToken: 1 })
        )
        const stream = await response
        await server.said("event: talk started")
        // More than time enough for all of them, were nothing in their way.
        for (let last = -1, still = 0; still < 6;) {
          await new Promise((resolve) => setTimeout(resolve, 50))
          const bytes = stream.socket.bytesRead
          still = bytes === last ? still + 1 : 0
          last = bytes
        }
        assert.notInclude(server.stderr(), "event: talk done")
        // Others are answered meanwhile.
        await lives(url)
        assert.isBelow(processes.peakMegabytes(server) - before, 60)
        let progress = 0
        let isAnswered = false
        let rest = ""
        for await (const chunk of stream.setEncoding("utf8")) {
          const events = (rest + (chunk as string)).split("\n\n")
          rest = events.pop()!
          for (const event of events) {
            if (event.includes("notifications/progress")) progress++
            else isAnswered = true
          }
        }
        assert.deepStrictEqual([progress, isAnswered], [100_000, true])
        await server.said("event: talk done")
      },
      {},
      // What is sent becomes garbage that V8 may keep for long; were it held, it would not fit.
      ["--max-old-space-size=80"]
    )
  )
})
