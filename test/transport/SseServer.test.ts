import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as SseServer from "fastmcp-effect/transport/SseServer"
import * as wires from "../server/wires.ts"
import * as scripted from "./scripted.ts"

const { call, messageOf, said } = scripted

interface Node {
  readonly probe: scripted.Probe
  readonly server: McpServer.McpServer["Service"]
  readonly get: wires.Send
  readonly post: wires.Send
}

const setup = (options: SseServer.Options = {}) =>
  Effect.gen(function*() {
    const probe = scripted.makeProbe()
    const context = yield* Effect.orDie(Layer.build(scripted.server(probe)))
    const endpoints = yield* SseServer.make(options).pipe(
      Effect.provide(SecureRandom.layerWebCrypto),
      Effect.provideContext(context)
    )
    const { messagesPath = "/messages", ssePath = "/sse" } = options
    const stream = wires.feed(endpoints.get(ssePath)!)
    const messages = wires.feed(endpoints.get(messagesPath)!)
    const node: Node = {
      probe,
      server: Context.get(context, McpServer.McpServer),
      get: (body, headers, options) => stream(body, headers, { method: "GET", url: ssePath, ...options }),
      post: (body, headers, options) => messages(body, headers, { url: messagesPath, ...options })
    }
    return node
  })

/** The address its first event names. */
const addressOf = (stream: wires.Post): string => {
  const [first] = wires.eventsOf(stream.body)
  assert.strictEqual(first!.event, "endpoint")
  return first!.data!
}

/** A stream, and what posts to it. */
const connect = (node: Node, options: wires.SendOptions = {}, revision = "2024-11-05") => {
  const stream = node.get("", {}, options)
  const url = addressOf(stream)
  const post = (body: string | object, more: wires.SendOptions = {}) =>
    node.post(body, {}, { url, ...options, ...more })
  post(scripted.initialize(revision))
  post(scripted.initialized)
  return { stream, url, post, said: () => said(stream).filter((text) => !text.startsWith("initialize = ")) }
}

describe("SseServer", () => {
  it.effect("opens a stream whose first event names where to post, and answers there with 202 and here with the rest", () =>
    Effect.gen(function*() {
      const node = yield* setup()
      const stream = node.get("")
      assert.deepStrictEqual([stream.status, stream.headers["content-type"]], [200, "text/event-stream"])
      assert.match(stream.body, /^event: endpoint\ndata: \/messages\?sessionId=[\da-f]{32}\n\n$/u)
      const url = addressOf(stream)
      for (
        const message of [
          scripted.initialize("2024-11-05"),
          scripted.initialized,
          call("a", "say x", "who"),
          { jsonrpc: "2.0", id: 9, result: {} }
        ]
      ) {
        const post = node.post(message, {}, { url })
        assert.deepStrictEqual([post.status, post.body, post.headers], [202, "", {}])
      }
      yield* wires.turns()
      const [init, ...rest] = wires.framesOf(stream)
      assert.strictEqual(init!.result.protocolVersion, "2024-11-05")
      assert.deepStrictEqual(rest.map(({ id, method }) => id ?? method), ["notifications/message", "a"])
      assert.isFalse(stream.isOver)
      assert.notMatch(stream.body, /^(id|retry):/mu)
    }))

  it.effect("gives ids that cannot be guessed, and takes the paths it is given", () =>
    Effect.gen(function*() {
      const node = yield* setup({ ssePath: "/a/events", messagesPath: "/a/inbox" })
      const addresses = Array.from({ length: 500 }, () => addressOf(node.get("")))
      assert.lengthOf(new Set(addresses), 500)
      for (const address of addresses) assert.match(address, /^\/a\/inbox\?sessionId=[\da-f]{32}$/u)
    }))

  it.effect("knows no stream but those that are open, and tells strangers nothing of them", () =>
    Effect.gen(function*() {
      const node = yield* setup()
      const ann = { principal: "ann" }
      const { stream, url } = connect(node, ann)
      const unknown = node.post(call("a", "who"), {}, { url: "/messages?sessionId=0", ...ann })
      assert.strictEqual(unknown.status, 404)
      const urls = [
        "/messages",
        "/messages?",
        "/messages?sessionId=",
        "/messages?sessionid=x",
        "/messages?sessionId=__proto__"
      ]
      for (const url of urls) assert.strictEqual(node.post(call("a", "who"), {}, { url, ...ann }).status, 404, url)
      for (const other of [{ principal: "bob" }, { principal: "" }, {}]) {
        const refused = node.post(call("a", "who"), {}, { url, ...other })
        assert.deepStrictEqual([refused.status, messageOf(refused)], [404, messageOf(unknown)])
      }
      assert.deepStrictEqual(node.probe.events, [])
      stream.disconnect()
      assert.strictEqual(node.post(call("a", "who"), {}, { url, ...ann }).status, 404)
    }))

  it.effect("answers each message as the one who sent it", () =>
    Effect.gen(function*() {
      const node = yield* setup()
      const as = (subject: string) => ({ context: Context.make(Identity.CurrentIdentity, Identity.make({ subject })) })
      const { post, said } = connect(node, { principal: "everybody", ...as("ann") })
      post(call("a", "wait go", "who"), as("bob"))
      post(call("b", "who"), as("cleo"))
      node.probe.open("go")
      yield* wires.turns()
      assert.deepStrictEqual(said(), ["b = cleo", "a = wait go, bob"])
    }))

  it.effect("cancels what is in flight when the client goes away", () =>
    Effect.gen(function*() {
      const node = yield* setup()
      const { post, stream } = connect(node, {}, "2025-06-18")
      const other = connect(node)
      post(call("a", "forever"))
      post(call("b", "ask it"))
      other.post(call("c", "wait go"))
      yield* wires.turns()
      stream.disconnect()
      yield* wires.until(() => node.probe.events.length === 5)
      assert.includeMembers(node.probe.events, ["a Cancelled User", "b Cancelled User"])
      node.probe.open("go")
      yield* wires.turns()
      assert.deepStrictEqual(other.said(), ["c = wait go"])
    }))

  it.effect("cancels one request by its notification", () =>
    Effect.gen(function*() {
      const node = yield* setup()
      const { post, said } = connect(node)
      post(call("a", "forever"))
      post(call("b", "forever"))
      post(wires.notification("notifications/cancelled", { requestId: "a" }))
      yield* wires.turns()
      assert.deepStrictEqual(node.probe.events, ["a started", "b started", "a Cancelled User"])
      assert.deepStrictEqual(said(), [])
    }))

  it.effect("asks on the stream and takes the answer by a post", () =>
    Effect.gen(function*() {
      const node = yield* setup()
      const { post, said, stream } = connect(node, {}, "2025-06-18")
      post(call("a", "ask it"))
      yield* wires.turns()
      const [question] = scripted.questions(stream)
      assert.strictEqual(question!.method, "elicitation/create")
      assert.strictEqual(post(scripted.answerTo(question!, "red")).status, 202)
      yield* wires.turns()
      assert.deepStrictEqual(said(), ["elicitation/create", "a = red"])
    }))

  it.effect("settles a question by an answer that is none", () =>
    Effect.gen(function*() {
      const node = yield* setup()
      const { post, stream } = connect(node, {}, "2025-06-18")
      post(call("a", "ask it"))
      yield* wires.turns()
      const [question] = scripted.questions(stream)
      const bad = post({ jsonrpc: "2.0", id: question!.id, result: 1, error: 2 })
      assert.strictEqual(bad.status, 202)
      yield* wires.until(() => node.probe.events.includes("a Panicked"))
    }))

  it.effect("tells each stream of changes once, and one that stands still once it reads again", () =>
    Effect.gen(function*() {
      const node = yield* setup({ stallTimeout: "1 hour" })
      const { post, said, stream } = connect(node)
      post(wires.request("Stateful", "s", "resources/subscribe", { uri: scripted.watched }))
      yield* node.server.resourceUpdated(scripted.watched)
      yield* node.server.resourceUpdated("test:///other")
      yield* wires.turns()
      assert.deepStrictEqual(said(), ["s = {}", `resource ${scripted.watched}`])
      stream.congest(true)
      for (let i = 0; i < 1000; i++) yield* node.server.resourceUpdated(scripted.watched)
      yield* wires.turns()
      assert.lengthOf(said(), 2)
      stream.congest(false)
      yield* wires.turns()
      assert.lengthOf(said(), 3)
    }))

  it.effect("keeps a quiet stream alive by comments, and cuts one whose reader stands still", () =>
    Effect.gen(function*() {
      const node = yield* setup({ keepAlive: "9 seconds", stallTimeout: "30 seconds" })
      const { post, stream } = connect(node)
      post(call("a", "forever"))
      yield* TestClock.adjust("1 hour")
      const comments = () => stream.body.match(/^:/gmu)?.length ?? 0
      assert.isAtLeast(comments(), 300)
      stream.congest(true)
      const before = comments()
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual([comments(), stream.isCut], [before, false])
      yield* TestClock.adjust("7 seconds")
      assert.isTrue(stream.isCut)
      yield* wires.until(() => node.probe.events.includes("a Cancelled User"))
      assert.strictEqual(post(call("b", "who")).status, 404)
    }))

  it.effect("holds back a handler whose client stands still", () =>
    Effect.gen(function*() {
      const node = yield* setup({ stallTimeout: "1 hour" })
      const { post, said, stream } = connect(node)
      post(call("a", "wait go", ...Array.from({ length: 1000 }, (_, i) => `say ${i}`)))
      stream.congest(true)
      node.probe.open("go")
      yield* wires.turns(2000)
      assert.isAtMost(said().length, 1)
      stream.congest(false)
      yield* wires.until(() => said().length === 1001)
    }))

  it.effect("takes nothing more from a client that does not read what it is answered", () =>
    Effect.gen(function*() {
      const node = yield* setup({ stallTimeout: "1 minute" })
      const { post, said, stream } = connect(node)
      stream.congest(true)
      const posts = Array.from({ length: 5000 }, (_, i) => post(call(`${i}`, "who")))
      yield* wires.turns()
      assert.isAtMost(said().length, 1)
      assert.isAtMost(node.probe.events.length, 2)
      // A few wait for it to read; the others are told to come back.
      const statuses = posts.map(scripted.statusOf)
      assert.isAtMost(statuses.filter((status) => status === 0).length, 100)
      assert.isAbove(statuses.filter((status) => status === 503).length, 4800)
      stream.congest(false)
      yield* wires.turns(2000)
      assert.isTrue(posts.every(({ isOver }) => isOver))
      const taken = posts.filter(({ status }) => status === 202).length
      assert.isAbove(taken, 0)
      assert.lengthOf(said(), taken)
      assert.deepStrictEqual(
        said().map((text) => Number(text.split(" ")[0])),
        Array.from({ length: taken }, (_, i) => i)
      )
    }))

  it.effect("tells who waited for a client that is cut that its stream is gone", () =>
    Effect.gen(function*() {
      const node = yield* setup({ stallTimeout: "30 seconds" })
      const { post, stream } = connect(node)
      stream.congest(true)
      const posts = Array.from({ length: 3 }, (_, i) => post(call(`${i}`, "who")))
      posts[2]!.disconnect()
      yield* TestClock.adjust("1 minute")
      assert.isTrue(stream.isCut)
      yield* wires.turns()
      assert.deepStrictEqual(posts.map(scripted.statusOf), [404, 404, 0])
      assert.deepStrictEqual(node.probe.events, [])
    }))

  it.effect("keeps as many streams as it may, and each that goes makes room", () =>
    Effect.gen(function*() {
      const node = yield* setup({ maxSessions: 3 })
      const all = [connect(node), connect(node), connect(node)]
      const refused = node.get("")
      assert.deepStrictEqual([refused.status, refused.headers["retry-after"]], [503, "1"])
      assert.match(messageOf(refused), /3 streams/u)
      all[1]!.stream.disconnect()
      assert.strictEqual(node.get("").status, 200)
      assert.strictEqual(node.get("").status, 503)
    }))

  it.effect("refuses what its two addresses do not take", () =>
    Effect.gen(function*() {
      const node = yield* setup({ maxBodyBytes: 1000, maxUrlLength: 200 })
      const { post, url } = connect(node)
      for (const method of ["POST", "DELETE", "PUT", "HEAD", "OPTIONS"]) {
        const refused = node.get("", {}, { method })
        assert.deepStrictEqual([refused.status, refused.headers.allow], [405, "GET"], method)
      }
      for (const method of ["GET", "DELETE", "PUT", "HEAD", "OPTIONS"]) {
        const refused = post("", { method })
        assert.deepStrictEqual([refused.status, refused.headers.allow], [405, "POST"], method)
      }
      for (
        const [headers, status] of [
          [{ "content-type": "text/plain" }, 415],
          [{ "content-type": undefined }, 415],
          [{ host: "evil.example" }, 403],
          [{ origin: "https://evil.example" }, 403],
          [{ "content-length": "1001" }, 413]
        ] as const
      ) assert.strictEqual(node.post(call("a", "who"), headers, { url }).status, status)
      assert.strictEqual(node.get("", { origin: "https://evil.example" }).status, 403)
      assert.strictEqual(node.get("", {}, { url: "/sse?".padEnd(201, "x") }).status, 414)
      for (
        const [text, code] of [["{", -32700], ["", -32700], ["1", -32600], [
          "{\"jsonrpc\":\"2.0\",\"id\":7}",
          -32600
        ]] as const
      ) {
        const refused = post(text)
        assert.deepStrictEqual([refused.status, JSON.parse(refused.body).error.code], [400, code], text)
      }
      assert.strictEqual(post("{\"jsonrpc\":\"2.0\",\"id\":7}").status, 400)
      assert.deepStrictEqual(node.probe.events, [])
    }))

  it.effect("when it stops refuses who comes, lets who is there finish, and ends the streams", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const node = yield* Scope.provide(setup({ grace: "10 seconds" }), scope)
      const { post, said, stream } = connect(node)
      const gone = connect(node)
      post(call("a", "wait go"))
      post(call("b", "forever"))
      gone.post(call("c", "forever"))
      yield* wires.turns()
      const stopping = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* wires.turns()
      const late = node.get("")
      assert.deepStrictEqual([late.status, late.headers["retry-after"]], [503, "1"])
      const refused = post(call("late", "who"))
      assert.deepStrictEqual([refused.status, refused.headers["retry-after"]], [503, "1"])
      gone.stream.disconnect()
      node.probe.open("go")
      yield* wires.turns()
      assert.deepStrictEqual(said(), ["a = wait go"])
      yield* TestClock.adjust("10 seconds")
      yield* wires.until(() => stopping.pollUnsafe() !== undefined)
      assert.match(said()[1]!, /Shutdown/u)
      assert.isTrue(stream.isOver)
      assert.notInclude(node.probe.events, "late started")
    }))

  it.effect("leaves no fiber and no listener, however its streams end", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const node = yield* Scope.provide(setup({ stallTimeout: "10 seconds" }), scope)
      const streams = Array.from({ length: 12 }, (_, i) => {
        const { post, stream } = connect(node)
        post(call("a", "say x", "forever"))
        post(call("b", "ask it"))
        return { i, post, stream }
      })
      yield* wires.turns()
      for (const { i, post, stream } of streams) {
        if (i % 3 === 0) stream.disconnect()
        if (i % 3 === 1) stream.congest(true)
        if (i % 3 !== 2) post(call("c", "who"))
      }
      yield* TestClock.adjust("30 seconds")
      yield* node.server.resourceUpdated(scripted.watched)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(streams.every(({ stream }) => stream.isOver || stream.isCut || stream.body !== ""))
    }))
})
