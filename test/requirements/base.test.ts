import { assert } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import { until } from "../server/wires.ts"
import { type Client, envelope, type Frame, initializeParams, settle } from "./client.ts"
import { errorOf, isAnswer, isNotification, isRequest, resultOf } from "./frames.ts"
import { verifies } from "./verifies.ts"

/** A little of everything: results, errors, progress, logs. */
const everything = (client: Client) =>
  Effect.gen(function*() {
    if (!client.isStateless) yield* client.request("logging/setLevel", { level: "debug" })
    const meta = { progressToken: "all", ...(client.isStateless ? logging : undefined) }
    return [
      yield* client.request("tools/list"),
      yield* client.call("echo", { text: "hello" }),
      yield* client.call("steps", {}, { meta }),
      yield* client.call("logs", {}, { meta }),
      yield* client.call("fails"),
      yield* client.call("dies"),
      yield* client.call("unknown"),
      yield* client.call("echo", { text: 1 }),
      yield* client.request("unknown/method"),
      yield* client.request("tools/list", { cursor: "nobody's" }),
      yield* client.request("tools/call", { name: 1 })
    ]
  })

const logging = { "io.modelcontextprotocol/logLevel": "debug" }

verifies("base:json-rpc", (client) =>
  Effect.gen(function*() {
    yield* everything(client)
    assert.isAbove(client.frames.filter(isNotification).length, 4)
    for (const frame of client.frames) {
      assert.strictEqual((frame as { jsonrpc?: string }).jsonrpc, "2.0")
      const kinds = [frame.method !== undefined, frame.result !== undefined, frame.error !== undefined]
      assert.lengthOf(kinds.filter(Boolean), 1, JSON.stringify(frame))
      const allowed = ["jsonrpc", "id", "method", "params", "result", "error"]
      assert.deepStrictEqual(Object.keys(frame).filter((name) => !allowed.includes(name)), [])
    }
  }))

verifies("base:response:id", (client) =>
  Effect.gen(function*() {
    for (const id of ["text", "7", 7, 0, -3, 9_007_199_254_740_991]) {
      const good = yield* client.call("echo", { text: String(id) }, { id })
      assert.strictEqual(good.id, id)
      assert.strictEqual(resultOf(good).content[0].text, String(id))
    }
    assert.strictEqual((yield* client.request("unknown/method", {}, { id: "error" })).id, "error")
  }))

verifies("base:response:one-outcome", (client) =>
  Effect.gen(function*() {
    const answers = yield* everything(client)
    for (const frame of answers) {
      assert.strictEqual(Number("result" in frame) + Number("error" in frame), 1, JSON.stringify(frame))
    }
    assert.isAbove(answers.filter(({ error }) => error !== undefined).length, 2)
  }))

verifies("base:error:code", (client) =>
  Effect.gen(function*() {
    for (const { error } of yield* everything(client)) {
      if (error === undefined) continue
      assert.isTrue(Number.isInteger(error.code), JSON.stringify(error))
      assert.isAbove(error.message.length, 0)
    }
  }))

verifies("base:request:id-type", (client, { probe }) =>
  Effect.gen(function*() {
    const params = {
      name: "echo",
      arguments: { text: "x" },
      ...(client.isStateless ? { _meta: envelope(client.revision) } : undefined)
    }
    for (const id of [null, 1.5, true, {}, []]) {
      const before = client.frames.length
      client.send({ jsonrpc: "2.0", id, method: "tools/call", params })
      yield* until(() => client.frames.length > before, () => `a refusal of the id ${JSON.stringify(id)}`)
      const frame = client.frames.at(-1)!
      errorOf(frame, -32600)
      assert.include([null, undefined], frame.id)
    }
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("base:error:unreadable-id", (client) =>
  Effect.gen(function*() {
    for (const text of ["{", "nonsense", "{\"jsonrpc\": \"2.0\", \"id\": 4,"]) {
      const before = client.frames.length
      client.send(text)
      yield* until(() => client.frames.length > before, () => `a refusal of ${text}`)
      const frame = client.frames.at(-1)!
      errorOf(frame, -32700)
      assert.include([null, undefined], frame.id)
    }
    resultOf(yield* client.request("tools/list"))
  }))

verifies("base:notification:silence", (client) =>
  Effect.gen(function*() {
    const before = client.frames.length
    client.notify("notifications/unknown", { any: "thing" })
    client.notify("tools/list")
    client.notify("notifications/cancelled", { requestId: { not: "an id" } })
    client.notify("notifications/progress", { progressToken: 1, progress: "much" })
    yield* settle
    assert.deepStrictEqual(client.frames.slice(before), [])
    resultOf(yield* client.request("tools/list"))
  }))

verifies("base:notification:no-id", (client) =>
  Effect.gen(function*() {
    yield* everything(client)
    const notifications = client.frames.filter(({ method }) => method?.startsWith("notifications/") === true)
    assert.isAbove(notifications.length, 4)
    for (const frame of notifications) assert.notProperty(frame, "id")
  }))

verifies("base:method:unknown", (client) =>
  Effect.gen(function*() {
    errorOf(yield* client.request("unknown/method"), -32601)
    errorOf(yield* client.request("constructor"), -32601)
  }))

verifies("base:result-type", (client) =>
  Effect.gen(function*() {
    const answers = [yield* client.request("server/discover"), ...yield* everything(client)]
    const results = answers.flatMap(({ result }) => result === undefined ? [] : [result])
    assert.isAbove(results.length, 5)
    for (const { resultType } of results) assert.include(["complete", "input_required"], resultType)
  }))

verifies("base:error:reserved-codes", (client) =>
  Effect.gen(function*() {
    const answers = [
      ...yield* everything(client),
      yield* client.call("samples"),
      yield* client.request("resources/read", { uri: "fixture://unknown" }),
      yield* client.request("prompts/get", { name: "unknown" }),
      yield* client.request("tools/list", {}, { meta: { "io.modelcontextprotocol/protocolVersion": "1999-01-01" } }),
      yield* client.request("tools/list", {}, { meta: { "io.modelcontextprotocol/clientCapabilities": 1 } })
    ]
    const codes = answers.flatMap(({ error }) => error === undefined ? [] : [error.code])
    assert.isAbove(codes.length, 6)
    const known = [-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022]
    for (const code of codes) {
      assert.isTrue(known.includes(code) || code < -32768 || code > -32000, `the code ${code} is not to be used`)
    }
  }))

verifies("base:stateless", (client, { probe }) =>
  Effect.gen(function*() {
    resultOf(yield* client.call("samples", {}, { capabilities: { sampling: {} }, meta: logging }))
    assert.lengthOf(probe.events, 2)
    errorOf(yield* client.call("samples"), -32021)
    assert.lengthOf(probe.events, 2)
    const before = client.frames.length
    resultOf(yield* client.call("logs"))
    assert.lengthOf(client.frames.slice(before), 1)
  }))

/** Requests that lack something of the envelope. */
const incomplete = (revision: string): ReadonlyArray<object | undefined> => {
  const whole: { readonly [key: string]: unknown } = envelope(revision)
  return ["io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"].map((key) =>
    Object.fromEntries(Object.entries(whole).filter(([name]) => name !== key))
  )
}

verifies("base:meta:required", (client, { probe }) =>
  Effect.gen(function*() {
    const [withoutVersion, withoutCapabilities] = incomplete(client.revision)
    const call = (_meta: object | undefined, id: number) =>
      Effect.suspend(() => {
        client.send({
          jsonrpc: "2.0",
          id,
          method: "tools/call",
          params: { name: "echo", arguments: { text: "x" }, _meta }
        })
        return client.answer(id)
      })
    errorOf(yield* call(withoutCapabilities, 900), -32602)
    // On a connection that could still be opened by a handshake, a request without a version is one too early.
    errorOf(yield* call(withoutVersion, 901), ...(client.transport === "http" ? [-32602] : [-32602, -32600]))
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("base:meta:required-status", (client) =>
  Effect.gen(function*() {
    for (const [index, _meta] of incomplete(client.revision).entries()) {
      const post = yield* client.http({ jsonrpc: "2.0", id: 900 + index, method: "tools/list", params: { _meta } })
      assert.strictEqual(post.status, 400)
    }
    const id = client.start("tools/call", { name: "samples", arguments: {} })
    errorOf(yield* client.answer(id), -32021)
    assert.strictEqual((yield* client.post(id)).status, 400)
  }))

verifies("base:meta:unknown-keys", (client) =>
  Effect.gen(function*() {
    const strange = {
      "io.modelcontextprotocol/unheard-of": { deep: [1, null, "x"] },
      "com.example/own": "value",
      plain: 0
    }
    const odd = yield* client.call("echo", { text: "same" }, { meta: strange })
    const even = yield* client.call("echo", { text: "same" })
    assert.deepStrictEqual(resultOf(odd), resultOf(even))
  }))

const metaKey =
  /^(?:[A-Za-z](?:[A-Za-z\d-]*[A-Za-z\d])?(?:\.[A-Za-z](?:[A-Za-z\d-]*[A-Za-z\d])?)*\/)?(?:[A-Za-z\d](?:[\w.-]*[A-Za-z\d])?)?$/

/** Every `_meta` in a value, wherever it stands. */
const metas = (value: unknown): ReadonlyArray<object> =>
  typeof value !== "object" || value === null ?
    [] :
    Object.entries(value).flatMap(([key, inner]) => key === "_meta" ? [inner as object, ...metas(inner)] : metas(inner))

verifies("base:meta:key-names", (client) =>
  Effect.gen(function*() {
    const answers = yield* everything(client)
    const keys = metas(answers).flatMap((meta) => Object.keys(meta))
    // A failure a tool declares is told in `_meta`, in every revision.
    assert.isAbove(keys.length, 0)
    for (const key of keys) assert.match(key, metaKey)
  }))

verifies("base:capability:undeclared", (client, { probe }) =>
  Effect.gen(function*() {
    const { data } = errorOf(yield* client.call("samples"), -32021)
    assert.deepStrictEqual(data.requiredCapabilities, { sampling: {} })
    assert.deepStrictEqual(probe.events, [])
    resultOf(yield* client.call("samples", {}, { capabilities: { sampling: {} } }))
  }))

verifies("base:schema:2020-12", (client) =>
  Effect.gen(function*() {
    const { tools } = resultOf(yield* client.request("tools/list"))
    const ajv = new Ajv2020({ strict: false })
    for (const tool of tools) {
      for (const schema of [tool.inputSchema, tool.outputSchema]) {
        if (schema === undefined) continue
        assert.include([undefined, "https://json-schema.org/draft/2020-12/schema"], schema.$schema)
        assert.isTrue(ajv.validateSchema(schema), ajv.errorsText())
        ajv.compile(schema)
      }
    }
  }))

/** What is said of a tool with this schema, when it is to be served. */
const refusalOf = (schema: Parameters<typeof ToolSchema.fromJsonSchema>[0]) =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(Effect.scoped(Layer.build(McpServer.layer({
      name: "x",
      version: "1",
      tools: [Tool.make("foreign", { parameters: ToolSchema.fromJsonSchema(schema), handler: () => Effect.void })]
    }))))
    assert.strictEqual(exit._tag, "Failure")
    return String(exit._tag === "Failure" ? exit.cause : "")
  })

verifies("base:schema:dialect", () =>
  Effect.gen(function*() {
    const said = yield* refusalOf({ $schema: "http://json-schema.org/draft-07/schema#", type: "object" })
    assert.include(said, "draft-07")
    assert.include(said, "2020-12")
  }))

verifies("base:schema:references", () =>
  Effect.gen(function*() {
    const ref = "https://schemas.example.com/a.json"
    const said = yield* refusalOf({ type: "object", properties: { a: { $ref: ref } } })
    assert.include(said, ref)
  }))

verifies(
  "base:no-requests",
  { capabilities: { sampling: {}, elicitation: {}, roots: {} } },
  (client) =>
    Effect.gen(function*() {
      yield* everything(client)
      yield* settle
      assert.isAbove(client.frames.length, 10)
      assert.deepStrictEqual(client.frames.filter(isRequest), [])
    })
)

verifies("lifecycle:first", { handshake: false }, (client, { probe }) =>
  Effect.gen(function*() {
    errorOf(yield* client.request("tools/list"), -32600)
    errorOf(yield* client.call("echo", { text: "x" }), -32600)
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("lifecycle:initialize", { handshake: false }, (client) =>
  Effect.gen(function*() {
    const result = resultOf(yield* client.request("initialize", initializeParams(client.revision)))
    assert.strictEqual(result.protocolVersion, client.revision)
    assert.isObject(result.capabilities)
    assert.strictEqual(result.serverInfo.name, "requirements")
    assert.strictEqual(result.serverInfo.version, "1.0.0")
    assert.strictEqual(result.instructions, "Try everything.")
  }))

verifies("lifecycle:version:same", { handshake: false }, (client) =>
  Effect.gen(function*() {
    const result = resultOf(yield* client.request("initialize", initializeParams(client.revision)))
    assert.strictEqual(result.protocolVersion, client.revision)
  }))

verifies("lifecycle:version:other", { handshake: false }, (client) =>
  Effect.gen(function*() {
    const result = resultOf(yield* client.request("initialize", initializeParams("1999-12-31")))
    assert.include(Revisions.versions, result.protocolVersion)
  }))

verifies("lifecycle:version:latest", { handshake: false }, (client) =>
  Effect.gen(function*() {
    const result = resultOf(yield* client.request("initialize", initializeParams("2099-01-01")))
    assert.strictEqual(result.protocolVersion, "2025-11-25")
  }))

verifies("lifecycle:ping-first", { handshake: false }, (client) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(resultOf(yield* client.request("ping")), {})
    const result = resultOf(yield* client.request("initialize", initializeParams(client.revision)))
    assert.strictEqual(result.protocolVersion, client.revision)
  }))

verifies("lifecycle:negotiated", (client) =>
  Effect.gen(function*() {
    for (const method of ["server/discover", "subscriptions/listen"]) {
      errorOf(yield* client.request(method, { notifications: {} }), -32601)
    }
    const answers = yield* everything(client)
    for (const { result } of answers) {
      for (const key of ["resultType", "ttlMs", "cacheScope"]) assert.notProperty(result ?? {}, key)
    }
    const { tools } = resultOf(answers[0]!)
    assert.strictEqual(tools.some((tool: object) => "outputSchema" in tool), client.revision >= "2025-06-18")
  }))

verifies("lifecycle:initialize-once", (client) =>
  Effect.gen(function*() {
    const again = yield* client.request("initialize", initializeParams("2025-11-25"))
    errorOf(again, -32600)
    resultOf(yield* client.call("echo", { text: "still here" }))
  }))

const batch = (client: Client, frames: ReadonlyArray<object>) =>
  Effect.suspend(() => {
    const before = client.output().length
    client.send(frames)
    return Effect.map(
      until(() => client.output().slice(before).trim() !== "", () => "an answer to a batch"),
      () => JSON.parse(client.output().slice(before).replace(/^event:.*\ndata: /, "").trim()) as Frame
    )
  })

verifies("batches:receive", (client, { probe }) =>
  Effect.gen(function*() {
    const call = (id: number, text: string) => ({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: { name: "echo", arguments: { text } }
    })
    const answers = yield* batch(client, [
      call(71, "one"),
      { jsonrpc: "2.0", method: "notifications/unknown" },
      call(72, "two"),
      { jsonrpc: "2.0", id: 73, method: "unknown/method" }
    ])
    assert.isArray(answers)
    const sorted = (answers as unknown as ReadonlyArray<Frame>).toSorted((a, b) => Number(a.id) - Number(b.id))
    assert.deepStrictEqual(sorted.map(({ id }) => id), [71, 72, 73])
    assert.strictEqual(resultOf(sorted[0]!).content[0].text, "one")
    assert.strictEqual(resultOf(sorted[1]!).content[0].text, "two")
    errorOf(sorted[2]!, -32601)
    assert.strictEqual(probe.events.filter((event) => event === "echo ended").length, 2)
  }))

verifies("batches:initialize", { handshake: false }, (client, { probe }) =>
  Effect.gen(function*() {
    client.send([
      { jsonrpc: "2.0", id: 1, method: "initialize", params: initializeParams(client.revision) },
      { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "echo", arguments: { text: "x" } } }
    ])
    yield* until(() => client.output().trim() !== "", () => "a refusal")
    assert.notInclude(client.output(), "\"protocolVersion\"")
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("batches:gone", (client, { probe }) =>
  Effect.gen(function*() {
    const before = client.frames.length
    client.send([{
      jsonrpc: "2.0",
      id: 71,
      method: "tools/call",
      params: {
        name: "echo",
        arguments: { text: "x" },
        ...(client.isStateless ? { _meta: envelope(client.revision) } : undefined)
      }
    }])
    yield* until(() => client.frames.length > before, () => "a refusal")
    assert.isTrue(isAnswer(client.frames.at(-1)!))
    errorOf(client.frames.at(-1)!, -32600)
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("versioning:discover", (client) =>
  Effect.gen(function*() {
    const result = resultOf(yield* client.request("server/discover"))
    assert.include(result.supportedVersions, client.revision)
    assert.isObject(result.capabilities.tools)
    assert.strictEqual(result.instructions, "Try everything.")
    assert.strictEqual(result._meta["io.modelcontextprotocol/serverInfo"].name, "requirements")
  }))

const foreign = { meta: { "io.modelcontextprotocol/protocolVersion": "2099-01-01" } }

verifies("versioning:unsupported", (client, { probe }) =>
  Effect.gen(function*() {
    const { data } = errorOf(yield* client.call("echo", { text: "x" }, foreign), -32022)
    assert.strictEqual(data.requested, "2099-01-01")
    assert.include(data.supported, client.revision)
    const { supportedVersions } = resultOf(yield* client.request("server/discover"))
    assert.includeMembers(supportedVersions, data.supported)
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("versioning:unsupported-status", (client) =>
  Effect.gen(function*() {
    const id = client.start("tools/list", {}, foreign)
    assert.strictEqual((yield* client.post(id)).status, 400)
    errorOf(yield* client.answer(id), -32022)
  }))

verifies("versioning:extension-names", (client) =>
  Effect.gen(function*() {
    const { capabilities } = resultOf(yield* client.request("server/discover"))
    const names = Object.keys(capabilities.extensions)
    assert.include(names, "com.example/greeting")
    for (const name of names) {
      assert.match(name, metaKey)
      assert.include(name, "/")
    }
  }))

verifies("versioning:extension-alone", (client) =>
  Effect.gen(function*() {
    const capabilities = { extensions: { "com.example/greeting": {} } }
    for (
      const [method, params] of [
        ["tools/list", {}],
        ["tools/call", { name: "add", arguments: { a: 1, b: 2 } }]
      ] as const
    ) {
      const without = resultOf(yield* client.request(method, params))
      assert.deepStrictEqual(resultOf(yield* client.request(method, params, { capabilities })), without)
      assert.strictEqual(without.resultType, "complete")
    }
  }))
