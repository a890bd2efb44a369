import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { reader, withServer } from "../server/processes.ts"
import { until } from "../server/wires.ts"
import { type Client, envelope, type HttpOptions, initializeParams, type Post } from "./client.ts"
import { errorOf, progressOf, resultOf } from "./frames.ts"
import * as fixture from "./server.ts"
import { verifies } from "./verifies.ts"

const texts = ["naïve façade", "日本語 한국어 العربية", "👩‍👩‍👧‍👦 \u{1f600}", "\u2028\u2029\u0085"]

verifies("transport:utf-8", (client) =>
  Effect.gen(function*() {
    for (const text of texts) {
      assert.strictEqual(resultOf(yield* client.call("echo", { text })).content[0].text, text)
    }
  }))

verifies("stdio:lines", (client) =>
  Effect.gen(function*() {
    for (const text of ["one\ntwo", "one\r\ntwo\r", "\n\n", ...texts]) {
      assert.strictEqual(resultOf(yield* client.call("echo", { text })).content[0].text, text)
    }
    const lines = client.output().split("\n")
    assert.strictEqual(lines.pop(), "")
    assert.lengthOf(lines, client.frames.length)
    for (const line of lines) {
      assert.isObject(JSON.parse(line))
      assert.notInclude(line, "\r")
    }
  }))

verifies(
  "stdio:stdout",
  ({ isStateless, revision }) =>
    Effect.promise(withServer(["test/requirements/child.ts"], {}, async (server) => {
      const { answer, frames } = reader(server)
      const send = (id: number, method: string, params: object) =>
        server.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`)
      const _meta = isStateless ? envelope(revision) : undefined
      if (!isStateless) {
        send(1, "initialize", initializeParams(revision))
        resultOf(await answer(1))
      }
      send(2, "tools/call", { name: "prints", arguments: {}, _meta })
      // The reader has every line parsed, so that any other is an uncaught error.
      assert.strictEqual(resultOf(await answer(2)).content[0].text, "quiet")
      await server.said("noise of Effect")
      await server.said("noise of console")
      assert.deepStrictEqual(frames.filter((frame) => (frame as { jsonrpc?: string }).jsonrpc !== "2.0"), [])
      server.child.stdin.end()
      assert.strictEqual(await server.exited, 0)
    }))
)

/** A call as a plain POST of its own. */
const call = (client: Client, id: number, name: string, args: object = {}) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args, ...(client.isStateless ? { _meta: envelope(client.revision) } : undefined) }
})

const headers = (client: Client, headers: NonNullable<HttpOptions["headers"]>): HttpOptions => ({
  headers: { "mcp-session-id": client.session(), ...headers }
})

verifies("http:endpoint", (client) =>
  Effect.gen(function*() {
    const id = client.start("tools/list")
    resultOf(yield* client.answer(id))
    assert.strictEqual((yield* client.post(id)).status, 200)
    const called = client.start("tools/call", { name: "echo", arguments: { text: "x" } })
    resultOf(yield* client.answer(called))
    assert.strictEqual((yield* client.post(called)).status, 200)
  }))

const get = (client: Client, more: NonNullable<HttpOptions["headers"]> = {}): HttpOptions => ({
  method: "GET",
  ...headers(client, { accept: "text/event-stream", "content-type": undefined, ...more })
})

verifies("http:get", (client) =>
  Effect.gen(function*() {
    const stream = yield* client.http("", get(client))
    assert.strictEqual(stream.status, 200)
    assert.include(stream.headers.get("content-type"), "text/event-stream")
    assert.isFalse(stream.isOver)
    stream.disconnect()
  }))

verifies("http:get:no-responses", (client, { server }) =>
  Effect.gen(function*() {
    const stream = yield* client.http("", get(client))
    const id = client.start("tools/call", { name: "steps", arguments: {} }, { meta: { progressToken: "t" } })
    resultOf(yield* client.answer(id))
    yield* server.add(fixture.extraTool)
    yield* until(() => stream.frames.length > 0, () => "the change")
    assert.deepStrictEqual(stream.frames.map(({ method }) => method), ["notifications/tools/list_changed"])
    assert.notInclude((yield* client.post(id)).body, "list_changed")
    stream.disconnect()
  }))

/** The ids of the events of a stream, in their order. */
const idsOf = ({ body }: Post): ReadonlyArray<string> => [...body.matchAll(/^id: (.+)$/gmu)].map(([, id]) => id!)

verifies("http:resume:ids", (client, { server }) =>
  Effect.gen(function*() {
    const stream = yield* client.http("", get(client))
    const posts = yield* Effect.forEach(["a", "b", "c"], (progressToken) => {
      const id = client.start("tools/call", { name: "steps", arguments: {} }, { meta: { progressToken } })
      return Effect.andThen(client.answer(id), client.post(id))
    })
    yield* server.add(fixture.extraTool)
    yield* until(() => stream.frames.length > 0, () => "the change")
    const ids = [stream, ...posts].flatMap((post) => idsOf(post))
    assert.isAtLeast(ids.length, 10)
    assert.strictEqual(new Set(ids).size, ids.length)
    stream.disconnect()
  }))

verifies("http:resume:stream", (client, { probe }) =>
  Effect.gen(function*() {
    const start = (progressToken: string) =>
      client.start("tools/call", { name: "waits", arguments: {} }, { meta: { progressToken } })
    const [lost, other] = [start("lost"), start("other")]
    yield* until(() => probe.events.length === 2, () => "both began")
    const post = yield* client.post(lost)
    yield* until(() => post.frames.length === 1, () => "its first progress")
    post.disconnect()
    const resumed = yield* client.http("", get(client, { "last-event-id": idsOf(post).at(-1)! }))
    yield* Deferred.succeed(probe.gate, undefined)
    resultOf(yield* client.answer(other))
    yield* until(() => resumed.isOver, () => "the end of the stream")
    assert.deepStrictEqual(progressOf(resumed.frames, "lost"), [2])
    assert.deepStrictEqual(resumed.frames.map(({ id, method }) => id ?? method), ["notifications/progress", lost])
  }))

verifies("sse:endpoints", (client) =>
  Effect.gen(function*() {
    const id = client.start("tools/call", { name: "echo", arguments: { text: "x" } })
    resultOf(yield* client.answer(id))
    const post = yield* client.post(id)
    assert.deepStrictEqual([post.status, post.body], [202, ""])
  }))

verifies(
  "sse:address",
  (client) =>
    Effect.sync(() => assert.match(client.output(), /^event: endpoint\ndata: \/messages\?sessionId=[\da-f]{32}\n\n/u))
)

verifies("sse:origin", (client, { probe }) =>
  Effect.gen(function*() {
    for (const origin of foreign) {
      const stream = yield* client.http("", { method: "GET", url: "http://127.0.0.1/sse", headers: { origin } })
      const post = yield* client.http(call(client, 900, "echo", { text: "x" }), { headers: { origin } })
      assert.deepStrictEqual([stream.status, post.status], [403, 403])
    }
    assert.deepStrictEqual(probe.events, [])
  }))

const foreign = ["http://evil.example", "https://localhost.evil.example", "null"]

verifies("http:origin", (client, { probe }) =>
  Effect.gen(function*() {
    for (const origin of foreign) {
      const post = yield* client.http(call(client, 900, "echo", { text: "x" }), headers(client, { origin }))
      assert.isAtLeast(post.status, 400)
      assert.notInclude(post.body, "\"result\"")
    }
    assert.deepStrictEqual(probe.events, [])
    const own = yield* client.http(
      call(client, 901, "echo", { text: "x" }),
      headers(client, { origin: "http://localhost:5173" })
    )
    assert.strictEqual(own.status, 200)
  }))

verifies("http:origin:status", (client) =>
  Effect.gen(function*() {
    for (const origin of foreign) {
      const message = call(client, 900, "echo", { text: "x" })
      assert.strictEqual((yield* client.http(message, headers(client, { origin }))).status, 403)
      const get = yield* client.http("", { method: "GET", ...headers(client, { origin }) })
      assert.strictEqual(get.status, 403)
    }
  }))

verifies("http:notification", (client) =>
  Effect.gen(function*() {
    const post = yield* client.http({ jsonrpc: "2.0", method: "notifications/unknown" }, headers(client, {}))
    assert.strictEqual(post.status, 202)
    yield* until(() => post.isOver)
    assert.strictEqual(post.body, "")
  }))

verifies("http:refused", (client) =>
  Effect.gen(function*() {
    const bodies = [
      "{",
      "\"text\"",
      { jsonrpc: "1.0", method: "notifications/unknown" },
      { jsonrpc: "2.0", method: "notifications/unknown", params: [] }
    ]
    for (const body of bodies) {
      const post = yield* client.http(body, headers(client, {}))
      assert.isAtLeast(post.status, 400, JSON.stringify(body))
      assert.isBelow(post.status, 500, JSON.stringify(body))
    }
    const wrongType = headers(client, { "content-type": "text/plain" })
    assert.isAtLeast((yield* client.http(call(client, 1, "echo", { text: "x" }), wrongType)).status, 400)
  }))

verifies("http:one-message", (client, { probe }) =>
  Effect.gen(function*() {
    const two = [call(client, 900, "echo", { text: "x" }), call(client, 901, "echo", { text: "x" })]
    for (const body of [two, two.slice(1), []]) {
      const post = yield* client.http(body, headers(client, {}))
      assert.strictEqual(post.status, 400)
    }
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("http:batch", (client) =>
  Effect.gen(function*() {
    const post = yield* client.http(
      [
        call(client, 900, "echo", { text: "x" }),
        { jsonrpc: "2.0", method: "notifications/unknown" },
        call(client, 901, "echo", { text: "y" })
      ],
      headers(client, {})
    )
    assert.strictEqual(post.status, 200)
    yield* until(() => post.isOver)
    assert.deepStrictEqual(post.frames.map(({ id }) => id).toSorted(), [900, 901])
    const silent = [{ jsonrpc: "2.0", method: "notifications/unknown" }]
    assert.strictEqual((yield* client.http(silent, headers(client, {}))).status, 202)
    const responses = [{ jsonrpc: "2.0", id: "nobody asked", result: {} }]
    assert.strictEqual((yield* client.http(responses, headers(client, {}))).status, 202)
  }))

verifies("http:content-type", (client) =>
  Effect.gen(function*() {
    const meta = { progressToken: "t" }
    const plain = client.start("tools/call", { name: "echo", arguments: { text: "x" } })
    const streamed = client.start("tools/call", { name: "steps", arguments: {} }, { meta })
    for (const id of [plain, streamed]) {
      yield* client.answer(id)
      const post = yield* client.post(id)
      yield* until(() => post.isOver)
      const type = post.headers.get("content-type")!.split(";")[0]
      assert.include(["application/json", "text/event-stream"], type)
      assert.strictEqual(post.frames.at(-1)!.id, id)
      if (type === "application/json") assert.lengthOf(post.frames, 1)
    }
  }))

verifies("http:no-broadcast", (client, { another, probe }) =>
  Effect.gen(function*() {
    const twin = yield* another()
    const meta = (progressToken: string) => ({ meta: { progressToken } })
    const first = client.start("tools/call", { name: "waits", arguments: {} }, meta("one"))
    const second = client.start("tools/call", { name: "waits", arguments: {} }, meta("two"))
    const third = twin.start("tools/call", { name: "waits", arguments: {} }, meta("three"))
    yield* until(() => probe.events.length === 3, () => "all three began")
    yield* Deferred.succeed(probe.gate, undefined)
    for (
      const [{ answer, post }, id, token] of [
        [client, first, "one"],
        [client, second, "two"],
        [twin, third, "three"]
      ] as const
    ) {
      resultOf(yield* answer(id))
      const { frames } = yield* post(id)
      assert.deepStrictEqual(progressOf(frames, token), [1, 2])
      assert.lengthOf(frames, 3)
    }
    assert.lengthOf(client.frames.filter(({ method }) => method !== undefined), 4)
  }))

verifies("http:session:id", (client, { another }) =>
  Effect.gen(function*() {
    const other = yield* another()
    assert.match(client.session() ?? "", /^[\x21-\x7e]+$/)
    assert.notStrictEqual(other.session(), client.session())
  }))

verifies("http:session:ended", (client) =>
  Effect.gen(function*() {
    const message = call(client, 900, "echo", { text: "x" })
    assert.strictEqual((yield* client.http(message, headers(client, {}))).status, 200)
    const ended = yield* client.http("", { method: "DELETE", ...headers(client, {}) })
    assert.isBelow(ended.status, 300)
    assert.strictEqual((yield* client.http(message, headers(client, {}))).status, 404)
    assert.strictEqual((yield* client.http(message, { headers: { "mcp-session-id": "never-was" } })).status, 404)
  }))

verifies("http:session:missing", (client) =>
  Effect.gen(function*() {
    const without = { headers: { "mcp-session-id": undefined } }
    assert.strictEqual((yield* client.http(call(client, 900, "echo", { text: "x" }), without)).status, 400)
  }))

verifies("http:version-header:unsupported", (client, { probe }) =>
  Effect.gen(function*() {
    for (const version of ["1999-12-31", "nonsense", ""]) {
      const message = call(client, 900, "echo", { text: "x" })
      const post = yield* client.http(message, headers(client, { "mcp-protocol-version": version }))
      assert.strictEqual(post.status, 400, version)
    }
    assert.deepStrictEqual(probe.events, [])
  }))

/** A call with other headers is refused as a mismatch, or it is not. */
const verdict = (
  client: Client,
  headers: NonNullable<HttpOptions["headers"]>,
  name = "echo",
  args: object = { text: "x" }
) =>
  Effect.gen(function*() {
    const post = yield* client.http(call(client, 900, name, args), { headers })
    yield* until(() => post.isOver)
    if (post.status === 200) return "served"
    assert.strictEqual(post.status, 400)
    const error = errorOf(post.frames[0]!, -32020)
    assert.strictEqual(post.frames[0]!.id, 900)
    assert.isAbove(error.message.length, 0)
    return "refused"
  })

const base64 = (text: string) => `=?base64?${Buffer.from(text, "utf8").toString("base64")}?=`

verifies("http:version-header:mismatch", (client) =>
  Effect.gen(function*() {
    for (const version of ["2025-11-25", "1999-12-31", ""]) {
      assert.strictEqual(yield* verdict(client, { "mcp-protocol-version": version }), "refused", version)
    }
  }))

verifies("http:version-header:missing", (client, { probe }) =>
  Effect.gen(function*() {
    assert.strictEqual(yield* verdict(client, { "mcp-protocol-version": undefined }), "refused")
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("http:method:unknown", (client) =>
  Effect.gen(function*() {
    for (const method of ["unknown/method", "initialize", "ping", "logging/setLevel", "resources/subscribe"]) {
      const id = client.start(method)
      errorOf(yield* client.answer(id), -32601)
      assert.strictEqual((yield* client.post(id)).status, 404, method)
    }
  }))

verifies("http:headers:mirror", (client, { probe }) =>
  Effect.gen(function*() {
    for (
      const headers of [
        { "mcp-method": undefined },
        { "mcp-method": "tools/list" },
        { "mcp-method": "Tools/Call" },
        { "mcp-name": undefined },
        { "mcp-name": "add" },
        { "mcp-name": "Echo" },
        { "mcp-name": "" }
      ]
    ) {
      assert.strictEqual(yield* verdict(client, headers), "refused", JSON.stringify(headers))
    }
    assert.deepStrictEqual(probe.events, [])
    assert.strictEqual(yield* verdict(client, {}), "served")
  }))

verifies("http:headers:case", (client) =>
  Effect.gen(function*() {
    const shouted = {
      "mcp-method": undefined,
      "MCP-METHOD": "tools/call",
      "mcp-name": undefined,
      "mCp-NaMe": "echo",
      "mcp-protocol-version": undefined,
      "MCP-Protocol-Version": client.revision
    }
    assert.strictEqual(yield* verdict(client, shouted), "served")
  }))

verifies("http:headers:base64", (client) =>
  Effect.gen(function*() {
    assert.strictEqual(yield* verdict(client, { "mcp-name": base64("echo") }), "served")
    assert.strictEqual(yield* verdict(client, { "mcp-name": base64("add") }), "refused")
    // The markers have a case, and without both a value is what it looks like.
    assert.strictEqual(yield* verdict(client, { "mcp-name": base64("echo").replace("base64", "BASE64") }), "refused")
    const region = { region: "Grüße, 世界" }
    const mirrored = { "mcp-param-region": base64(region.region) }
    assert.strictEqual(yield* verdict(client, mirrored, "mirrored", region), "served")
    assert.strictEqual(
      yield* verdict(client, { "mcp-param-region": base64("other") }, "mirrored", region),
      "refused"
    )
  }))

verifies("http:param-headers:equal", (client, { probe }) =>
  Effect.gen(function*() {
    const args = { region: "eu west", count: 42, sure: true }
    const good = { "mcp-param-region": "eu west", "mcp-param-count": "42", "mcp-param-sure": "true" }
    assert.strictEqual(yield* verdict(client, good, "mirrored", args), "served")
    const served = probe.events.length
    for (
      const wrong of [
        { "mcp-param-region": "Eu West" },
        { "mcp-param-count": "43" },
        { "mcp-param-count": "many" },
        { "mcp-param-sure": "false" },
        { "mcp-param-sure": "TRUE" }
      ]
    ) {
      const headers = { ...good, ...wrong }
      assert.strictEqual(yield* verdict(client, headers, "mirrored", args), "refused", JSON.stringify(wrong))
    }
    assert.lengthOf(probe.events, served)
  }))

verifies("http:param-headers:missing", (client, { probe }) =>
  Effect.gen(function*() {
    for (const args of [{ region: "eu" }, { count: 0 }, { sure: false }]) {
      assert.strictEqual(yield* verdict(client, {}, "mirrored", args), "refused", JSON.stringify(args))
    }
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("http:param-headers:absent", (client) =>
  Effect.gen(function*() {
    for (const args of [{}, { region: null }, { count: null }, { sure: null }]) {
      assert.strictEqual(yield* verdict(client, {}, "mirrored", args), "served", JSON.stringify(args))
    }
  }))

verifies("http:param-headers:characters", (client, { probe }) =>
  Effect.gen(function*() {
    for (const value of ["gr\u00fc\u00df", "=?base64?not base64!?=", "=?base64?/w==?=", "=?base64?eu?="]) {
      const verdictOf = verdict(client, { "mcp-param-region": value }, "mirrored", { region: value })
      assert.strictEqual(yield* verdictOf, "refused", value)
    }
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("http:param-headers:integers", (client, { probe }) =>
  Effect.gen(function*() {
    for (const count of [2 ** 53, -(2 ** 53)]) {
      const post = yield* client.http(call(client, 900, "mirrored", { count }), {
        headers: { "mcp-param-count": String(count) }
      })
      yield* until(() => post.isOver)
      const [frame] = post.frames
      assert.isTrue(frame!.error !== undefined || frame!.result.isError === true, JSON.stringify(frame))
    }
    assert.deepStrictEqual(probe.events, [])
    const safe = 2 ** 53 - 1
    assert.strictEqual(
      yield* verdict(client, { "mcp-param-count": String(safe) }, "mirrored", { count: safe }),
      "served"
    )
  }))
