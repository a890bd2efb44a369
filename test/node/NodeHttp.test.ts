/** What a bare socket can do to the server, and what the server does with it. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as Http from "node:http"
import * as Net from "node:net"
import * as processes from "../server/processes.ts"
import * as wires from "../server/wires.ts"
import * as scripted from "../transport/scripted.ts"

const { call, stateless } = scripted

interface Server {
  readonly url: URL
  readonly probe: scripted.Probe
  /** Begins to stop it; resolves when it has. */
  readonly stop: () => Promise<void>
}

const withServer = (options: NodeHttp.Options, use: (server: Server) => Promise<void>) => async () => {
  const probe = scripted.makeProbe()
  const scope = Scope.makeUnsafe()
  const layer = NodeHttp.layer({ port: 0, grace: "200 millis", ...options }).pipe(Layer.provide(scripted.server(probe)))
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
  try {
    const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
    await use({ url: new URL(Context.get(context, NodeHttp.Address).url), probe, stop })
  } finally {
    await stop()
  }
}

const request = (url: URL, method: string, headers: Http.OutgoingHttpHeaders = {}, agent?: Http.Agent) => {
  const request = Http.request(url, { method, agent: agent ?? false, headers })
  request.on("error", () => {})
  const response = new Promise<Http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).once("error", reject)
  })
  response.catch(() => {})
  request.end()
  return { request, response }
}

const ask = async (url: URL, method = "GET", headers: Http.OutgoingHttpHeaders = {}, agent?: Http.Agent) =>
  processes.read(await request(url, method, headers, agent).response)

const post = (url: URL, message: object, headers: Http.OutgoingHttpHeaders = {}, agent: Http.Agent | false = false) => {
  const { host: _, ...own } = wires.headersOf(message)
  return processes.post(url, { ...own, ...headers }, JSON.stringify(message), agent)
}

const answer = async (url: URL, message: object, headers: Http.OutgoingHttpHeaders = {}) =>
  processes.read(await post(url, message, headers).response)

const lives = async (url: URL) => {
  assert.strictEqual((await answer(url, stateless("lives", "who"))).status, 200)
}

const open = async (url: URL) => {
  const { headers } = await answer(url, scripted.initialize())
  return { "mcp-session-id": headers["mcp-session-id"] as string }
}

/** A connection that says what it likes, and all it has heard. */
const connect = async (url: URL) => {
  const socket = Net.connect(Number(url.port), "127.0.0.1")
  let heard = ""
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    heard += chunk
  })
  socket.on("error", () => {})
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
  await new Promise<void>((resolve) => socket.once("connect", resolve))
  return {
    socket,
    heard: () => heard,
    closed: (ms: number) =>
      processes.within(
        ms,
        () => `the end of a socket that heard ${heard.length}: ${JSON.stringify(heard.slice(0, 300))}`,
        closed
      )
  }
}

/** A POST as bytes. */
const bytesOf = (message: object, length = Buffer.byteLength(JSON.stringify(message))) =>
  `POST /mcp HTTP/1.1\r\n${
    Object.entries(wires.headersOf(message)).map(([name, value]) => `${name}: ${value}\r\n`).join("")
  }content-length: ${length}\r\n\r\n${JSON.stringify(message)}`

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe("NodeHttp", () => {
  it(
    "says at /health whether it takes requests, whatever the host, and nothing else anywhere else",
    withServer({}, async ({ url }) => {
      const health = await ask(new URL("/health", url), "GET", { host: "10.0.0.7" })
      assert.deepStrictEqual([health.status, health.body, health.headers["cache-control"]], [200, "ok\n", "no-store"])
      assert.strictEqual((await ask(new URL("/health?verbose", url))).status, 200)
      for (
        const [path, method] of [["/health", "POST"], ["/healthy", "GET"], ["/", "GET"], ["/sse", "GET"], [
          "/mcp/",
          "POST"
        ]] as const
      ) {
        assert.strictEqual((await ask(new URL(path, `${url.origin}/`), method)).status, 404, path)
      }
      await lives(url)
    })
  )

  it(
    "has its health where it is told, or nowhere",
    withServer({ health: false }, async ({ url }) => {
      assert.strictEqual((await ask(new URL("/health", url))).status, 404)
      await withServer({ health: "/live" }, async ({ url }) => {
        assert.strictEqual((await ask(new URL("/live", url))).status, 200)
        assert.strictEqual((await ask(new URL("/health", url))).status, 404)
      })()
    })
  )

  it(
    "answers the program's own routes beside its own",
    withServer({
      routes: Layer.mergeAll(
        HttpRouter.add("GET", "/about", HttpServerResponse.text("about")),
        HttpRouter.add("GET", "/health", HttpServerResponse.text("theirs"))
      )
    }, async ({ url }) => {
      assert.strictEqual((await ask(new URL("/about", url))).body, "about")
      assert.strictEqual((await ask(new URL("/health", url))).body, "ok\n")
      assert.strictEqual((await ask(new URL("/nowhere", url))).status, 404)
      await lives(url)
    })
  )

  it(
    "speaks WebSocket on its own port where it is told to, and ends those connections when it stops",
    withServer({ webSocket: { path: "/socket" } }, async ({ stop, url }) => {
      const connect = (path: string) => new WebSocket(new URL(path, url.href.replace("http", "ws")), "mcp")
      const refused = connect("/elsewhere")
      await processes.within(
        5000,
        () => "a refusal",
        new Promise((resolve) => refused.addEventListener("error", resolve))
      )
      const socket = connect("/socket")
      const heard = new Promise<string>((resolve) =>
        socket.addEventListener("message", ({ data }) => resolve(data as string))
      )
      const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)))
      await processes.within(
        5000,
        () => "a connection",
        new Promise((resolve) => socket.addEventListener("open", resolve))
      )
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }))
      assert.deepStrictEqual(JSON.parse(await heard), { jsonrpc: "2.0", id: 1, result: {} })
      await lives(url)
      await stop()
      assert.strictEqual(await processes.within(5000, () => "the end of the connection", closed), 1001)
    })
  )

  it(
    "serves the transport of 2024-11-05 beside its own where it is told to",
    withServer({ sse: { ssePath: "/old/sse", messagesPath: "/old/messages" } }, async ({ probe, url }) => {
      const { request: connection, response } = request(new URL("/old/sse", url), "GET")
      const stream = (await response).setEncoding("utf8")
      let heard = ""
      stream.on("data", (chunk: string) => {
        heard += chunk
      })
      stream.on("error", () => {})
      const until = async (what: string) => {
        while (!heard.includes(what)) {
          await processes.within(
            5000,
            () => what,
            new Promise((resolve) => stream.once("data", resolve))
          )
        }
      }
      await until("\n\n")
      const address = new URL(/^data: (.+)$/mu.exec(heard)![1]!, url)
      assert.strictEqual((await answer(address, scripted.initialize("2024-11-05"))).status, 202)
      await until("2024-11-05")
      assert.strictEqual((await answer(address, call("a", "forever"))).status, 202)
      await probe.saw("a started")
      connection.destroy()
      await probe.saw("a Cancelled User")
      assert.strictEqual((await answer(address, call("b", "who"))).status, 404)
    })
  )

  it(
    "answers one connection too many with 503, and takes it when another has gone",
    withServer({ maxConnections: 2 }, async ({ url }) => {
      const first = await connect(url)
      const second = await connect(url)
      for (let i = 0; i < 5; i++) {
        const third = await connect(url)
        await third.closed(2000)
        assert.match(third.heard(), /^HTTP\/1\.1 503 [^]*retry-after: 1\r\n/u)
      }
      first.socket.destroy()
      await first.closed(2000)
      let status = 0
      for (let turn = 0; turn < 100 && status !== 200; turn++) {
        status = await answer(url, stateless("a", "who")).then(({ status }) => status, () => 0)
      }
      assert.strictEqual(status, 200)
      second.socket.destroy()
    })
  )

  it(
    "answers headers that are too large with 431",
    withServer({ maxHeaderBytes: 2000 }, async ({ url }) => {
      assert.strictEqual((await answer(url, stateless("a", "who"), { "x-large": "x".repeat(1000) })).status, 200)
      assert.strictEqual((await answer(url, stateless("a", "who"), { "x-large": "x".repeat(3000) })).status, 431)
      await lives(url)
    })
  )

  it(
    "cuts off who does not finish its headers, or its body, in time, however slowly it goes on",
    withServer({ headersTimeout: "300 millis", bodyTimeout: "300 millis" }, async ({ probe, url }) => {
      const silent = await connect(url)
      const headers = await connect(url)
      headers.socket.write("POST /mcp HTTP/1.1\r\nhost: localhost\r\n")
      const body = await connect(url)
      const message = stateless("a", "who")
      body.socket.write(bytesOf(message, 1000))
      const drop = setInterval(() => {
        headers.socket.write("x: y\r\n")
        body.socket.write(" ")
      }, 50)
      try {
        await Promise.all([silent, headers, body].map(({ closed }) => closed(5000)))
      } finally {
        clearInterval(drop)
      }
      assert.match(headers.heard(), /^HTTP\/1\.1 408 /u)
      assert.match(body.heard(), /^HTTP\/1\.1 408 /u)
      assert.deepStrictEqual(probe.events, [])
      await lives(url)
    })
  )

  it(
    "closes a connection that is idle between two requests, after a small answer and after a large one",
    withServer({ idleTimeout: "300 millis" }, async ({ url }) => {
      for (const size of [10, 20_000_000]) {
        const connection = await connect(url)
        connection.socket.write(bytesOf(stateless("a", `big ${size}`)))
        await connection.closed(8000)
        assert.isAbove(connection.heard().length, size)
      }
    })
  )

  it(
    "stops what a client that vanished had asked for, in the stateless era, and keeps it in a session",
    withServer({}, async ({ probe, url }) => {
      const session = await open(url)
      const sockets = await Promise.all([
        bytesOf(stateless("a", "forever")),
        bytesOf(stateless("b", "say x", "forever")),
        bytesOf(call("c", "say x", "wait go")).replace("\r\n", `\r\nmcp-session-id: ${session["mcp-session-id"]}\r\n`)
      ].map(async (bytes) => {
        const { socket } = await connect(url)
        socket.write(bytes)
        return socket
      }))
      for (const name of ["a", "b", "c"]) await probe.saw(`${name} started`)
      for (const socket of sockets) socket.resetAndDestroy()
      await probe.saw("a Cancelled User")
      await probe.saw("b Cancelled User")
      probe.open("go")
      await probe.saw("c Ok")
      await lives(url)
    })
  )

  const unread: ReadonlyArray<readonly [what: string, steps: ReadonlyArray<string>]> = [
    ["an answer in JSON", ["big 30000000"]],
    ["the last event of a stream", ["say x", "big 30000000"]],
    ["a stream that goes on", ["say x", ...Array.from({ length: 300 }, () => `say ${"x".repeat(50_000)}`), "forever"]]
  ]
  for (const [what, steps] of unread) {
    it(
      `cuts off who does not read: ${what}`,
      withServer(
        { stallTimeout: "300 millis", keepAlive: "300 millis", maxBodyBytes: 1 << 26 },
        async ({ probe, url }) => {
          const message = stateless("a", "wait go", ...steps)
          const { socket } = await connect(url)
          socket.pause()
          socket.write(bytesOf(message))
          await probe.saw("a started")
          probe.open("go")
          const outcome = what === "a stream that goes on" ? "a Cancelled User" : "a Ok"
          await probe.saw(outcome)
          await sleep(1500)
          // What is left in the socket's buffers is all there ever will be.
          let heard = 0
          const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
          socket.on("data", (chunk) => {
            heard += chunk.length
          })
          socket.resume()
          await processes.within(5000, () => `the end; heard ${heard}`, closed)
          assert.isBelow(heard, 15_000_000)
          await lives(url)
        }
      )
    )
  }

  it(
    "reads on to the end where its client reads slowly, but reads",
    withServer({ stallTimeout: "1 second" }, async ({ url }) => {
      const size = 8_000_000
      for (const steps of [[`big ${size}`], ["say x", `big ${size}`]]) {
        const { response } = post(url, stateless("a", ...steps))
        const stream = await response
        let heard = 0
        for await (const chunk of stream) {
          heard += (chunk as Buffer).length
          if (heard < size / 2) await sleep(5)
        }
        assert.isAbove(heard, size)
      }
    })
  )
})

describe("NodeHttp that stops", () => {
  it(
    "says so at /health, refuses who comes, and answers who is there",
    withServer({ grace: "5 seconds", sse: true }, async ({ probe, stop, url }) => {
      const session = await open(url)
      const busy = [post(url, stateless("a", "wait go")), post(url, call("b", "say x", "wait go"), session)]
      const stream = request(url, "GET", { ...session, accept: "text/event-stream" })
      const old = request(new URL("/sse", url), "GET")
      await Promise.all([stream.response, old.response, probe.saw("a started"), probe.saw("b started")])
      const stopping = stop()
      const health = await ask(new URL("/health", url))
      assert.deepStrictEqual([health.status, health.body], [503, "stopping\n"])
      const refused = await answer(url, stateless("late", "who"))
      assert.deepStrictEqual([refused.status, refused.headers["retry-after"]], [503, "1"])
      assert.strictEqual((await ask(new URL("/sse", url))).status, 503)
      assert.strictEqual((await ask(new URL("/elsewhere", url))).status, 503)
      probe.open("go")
      const answers = await Promise.all(busy.map(async ({ response }) => processes.read(await response)))
      assert.include(answers[0]!.body, "wait go")
      assert.include(answers[1]!.body, "say x, wait go")
      for (const { response } of [stream, old]) await processes.read(await response)
      await stopping
      await ask(new URL("/health", url)).then(() => assert.fail("it still listens"), () => {})
      assert.notInclude(probe.events, "late started")
    })
  )

  it(
    "stops within one grace, though there is more than one transport, and leaves no connection",
    withServer({ grace: "3 seconds", sse: true }, async ({ probe, stop, url }) => {
      const session = await open(url)
      const endless = [post(url, stateless("a", "forever")), post(url, call("b", "say x", "forever"), session)]
      const old = request(new URL("/sse", url), "GET")
      const address = new URL(
        /^data: (.+)$/mu.exec(
          await new Promise<string>((resolve) =>
            void old.response.then((stream) => stream.setEncoding("utf8").once("data", resolve))
          )
        )![1]!,
        url
      )
      await answer(address, scripted.initialize("2024-11-05"))
      await answer(address, call("c", "forever"))
      for (const name of ["a", "b", "c"]) await probe.saw(`${name} started`)
      const idle = await connect(url)
      const half = await connect(url)
      half.socket.write("POST /mcp HTTP/1.1\r\n")
      const before = performance.now()
      await stop()
      assert.isBelow(performance.now() - before, 5500)
      for (const { response } of endless) assert.match((await processes.read(await response)).body, /Shutdown/u)
      for (const name of ["a", "b", "c"]) assert.include(probe.events, `${name} Cancelled Shutdown`)
      await Promise.all([idle, half].map(({ closed }) => closed(1000)))
    })
  )
})
