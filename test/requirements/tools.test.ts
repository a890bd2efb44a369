import { assert } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import { until } from "../server/wires.ts"
import type { Client } from "./client.ts"
import { errorOf, notificationsOf, resultOf } from "./frames.ts"
import { extraTool, secret } from "./server.ts"
import { verifies } from "./verifies.ts"

const list = (client: Client): Effect.Effect<ReadonlyArray<any>> =>
  Effect.map(client.request("tools/list"), (frame) => resultOf(frame).tools)

verifies("tools:capability", (client) =>
  Effect.gen(function*() {
    const told = client.initialized ?? (yield* client.request("server/discover"))
    assert.isObject(resultOf(told).capabilities.tools)
  }))

verifies("tools:list", (client) =>
  Effect.gen(function*() {
    const tools = yield* list(client)
    const names = tools.map(({ name }) => name)
    assert.includeMembers(names, ["echo", "add", "nothing", "mirrored"])
    const echo = tools.find(({ name }) => name === "echo")
    assert.strictEqual(echo.description, "Says it again")
    assert.deepStrictEqual(echo.inputSchema.required, ["text"])
    assert.strictEqual(echo.inputSchema.properties.text.type, "string")
  }))

verifies("tools:list:same-for-all", (client, { another }) =>
  Effect.gen(function*() {
    const before = yield* list(client)
    yield* client.call("echo", { text: "x" })
    yield* client.call("unknown")
    const capable = yield* another({ capabilities: { sampling: {}, elicitation: {}, roots: {} } })
    assert.deepStrictEqual(yield* list(client), before)
    assert.deepStrictEqual(yield* list(capable), before)
  }))

verifies("tools:list:order", (client, { another, server }) =>
  Effect.gen(function*() {
    const names = Effect.map(list(client), (tools) => tools.map(({ name }) => name))
    const before = yield* names
    yield* Effect.scoped(server.add(extraTool))
    assert.deepStrictEqual(yield* names, before)
    assert.deepStrictEqual((yield* list(yield* another())).map(({ name }) => name), before)
  }))

verifies("tools:list:changed", (client, { server }) =>
  Effect.gen(function*() {
    if (client.isStateless) client.start("subscriptions/listen", { notifications: { toolsListChanged: true } })
    const heard = () => notificationsOf(client.frames, "notifications/tools/list_changed").length
    if (client.isStateless) yield* until(() => client.frames.length > 0, () => "an acknowledgement")
    assert.strictEqual(heard(), 0)
    yield* Effect.scoped(Effect.gen(function*() {
      yield* server.add(extraTool)
      yield* until(() => heard() === 1, () => "the change")
      assert.include((yield* list(client)).map(({ name }) => name), "extra")
    }))
    yield* until(() => heard() === 2, () => "the change back")
    assert.notInclude((yield* list(client)).map(({ name }) => name), "extra")
  }))

verifies("tools:names", (client) =>
  Effect.gen(function*() {
    const names = (yield* list(client)).map(({ name }) => name)
    for (const name of names) assert.match(name, /^[A-Za-z0-9_.-]{1,128}$/)
    assert.strictEqual(new Set(names).size, names.length)
  }))

verifies("tools:input-schema", (client) =>
  Effect.gen(function*() {
    for (const { inputSchema, name } of yield* list(client)) {
      assert.isObject(inputSchema, name)
      assert.strictEqual(inputSchema.type, "object", name)
    }
  }))

verifies("tools:call:text", (client) =>
  Effect.gen(function*() {
    const result = resultOf(yield* client.call("echo", { text: "hello" }))
    assert.deepStrictEqual(result.content, [{ type: "text", text: "hello" }])
    assert.notStrictEqual(result.isError, true)
    assert.isArray(resultOf(yield* client.call("nothing")).content)
  }))

verifies("tools:call:unknown-name", (client) =>
  Effect.gen(function*() {
    for (const name of ["unknown", "Echo", "", "constructor"]) errorOf(yield* client.call(name), -32602)
  }))

verifies("tools:call:fails", (client) =>
  Effect.gen(function*() {
    const result = resultOf(yield* client.call("fails"))
    assert.strictEqual(result.isError, true)
    assert.include(JSON.stringify(result.content), "declared")
  }))

verifies("tools:call:dies", (client) =>
  Effect.gen(function*() {
    const { error, result } = yield* client.call("dies")
    assert.isTrue(error !== undefined || result.isError === true)
    assert.notInclude(client.output(), secret)
    assert.notInclude(client.output(), ".ts:")
  }))

verifies("tools:call:validates", (client, { probe }) =>
  Effect.gen(function*() {
    for (const args of [{}, { text: 1 }, { text: null }, { text: ["x"] }]) {
      const { error, result } = yield* client.call("echo", args)
      assert.isTrue(error?.code === -32602 || result?.isError === true, JSON.stringify(args))
    }
    errorOf(yield* client.request("tools/call", { name: "echo", arguments: "text" }), -32602)
    assert.deepStrictEqual(probe.events, [])
  }))

verifies("tools:output-schema", (client) =>
  Effect.gen(function*() {
    const ajv = new Ajv2020({ strict: false })
    const { outputSchema } = (yield* list(client)).find(({ name }) => name === "add")
    const { structuredContent } = resultOf(yield* client.call("add", { a: 1, b: 2 }))
    assert.deepStrictEqual(structuredContent, { sum: 3 })
    assert.isTrue(ajv.validate(outputSchema, structuredContent), ajv.errorsText())
    // A sum JSON has no number for is not sent as something else.
    const huge = yield* client.call("add", { a: Number.MAX_VALUE, b: Number.MAX_VALUE })
    assert.isTrue(huge.error !== undefined || huge.result.isError === true, JSON.stringify(huge))
    assert.isUndefined(huge.result?.structuredContent)
  }))

verifies("tools:output-schema:text", (client) =>
  Effect.gen(function*() {
    const { content } = resultOf(yield* client.call("add", { a: 1, b: 2 }))
    assert.deepStrictEqual(JSON.parse(content[0].text), { sum: 3 })
  }))

const mirrored = (header: string) => ({ "x-mcp-header": header }) as {}

/** Whether a server with such a parameter comes up. */
const serves = (parameters: { readonly [name: string]: Schema.Codec<any, any> }) =>
  Effect.map(
    Effect.exit(Effect.scoped(Layer.build(McpServer.layer({
      name: "x",
      version: "1",
      tools: [Tool.make("tool", { parameters, handler: () => Effect.void })]
    })))),
    Exit.isSuccess
  )

verifies("tools:header:names", () =>
  Effect.gen(function*() {
    assert.isTrue(yield* serves({ a: Schema.String.annotate(mirrored("Fine-Name_1.x")) }))
    for (const name of ["", "two words", "colon:", "line\n", "return\r", "nul\0", "grün", "a/b", "\u007f"]) {
      assert.isFalse(yield* serves({ a: Schema.String.annotate(mirrored(name)) }), JSON.stringify(name))
    }
  }))

verifies("tools:header:unique", () =>
  Effect.gen(function*() {
    const two = (a: string, b: string) =>
      serves({ a: Schema.String.annotate(mirrored(a)), b: Schema.Int.annotate(mirrored(b)) })
    assert.isTrue(yield* two("Region", "Zone"))
    assert.isFalse(yield* two("Region", "Region"))
    assert.isFalse(yield* two("Region", "rEGION"))
  }))

verifies("tools:header:places", () =>
  Effect.gen(function*() {
    const marked = Schema.String.annotate(mirrored("Region"))
    assert.isTrue(yield* serves({ a: Schema.Struct({ b: marked }) }))
    for (
      const [what, a] of Object.entries({
        number: Schema.Finite.annotate(mirrored("Region")),
        object: Schema.Struct({ b: Schema.String }).annotate(mirrored("Region")),
        array: Schema.Array(Schema.String).annotate(mirrored("Region")),
        item: Schema.Array(marked),
        tuple: Schema.Tuple([marked]),
        alternative: Schema.Union([Schema.Struct({ b: marked }), Schema.Struct({ c: Schema.Int })]),
        record: Schema.Record(Schema.String, marked)
      })
    ) {
      assert.isFalse(yield* serves({ a }), what)
    }
  }))
