import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as HeaderValue from "fastmcp-effect/protocol/HeaderValue"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Extension from "fastmcp-effect/server/Extension"
import * as tools from "./tools.ts"
import * as wires from "./wires.ts"

const setup = (options: tools.Options = {}) =>
  Effect.gen(function*() {
    const context = yield* wires.build(tools.server(tools.makeProbe(), options))
    return yield* Effect.provideContext(wires.http(), context)
  })

type Headers = { readonly [name: string]: string | undefined }

/** Status and code of a call, and whether its id came back. */
const verdict = (post: wires.Post) => {
  const { error, id } = JSON.parse(post.body) as wires.Frame
  return { status: post.status, code: error?.code, id }
}

const accepted = { status: 200, code: undefined, id: 1 }
const mismatch = { status: 400, code: -32020, id: 1 }

const base64 = (text: string) => `=?base64?${Buffer.from(text, "utf8").toString("base64")}?=`

describe("headers that mirror the envelope", () => {
  const echo = wires.call("Stateless", 1, "echo", { text: "x" })

  const rows: ReadonlyArray<readonly [what: string, headers: Headers, expected: ReturnType<typeof verdict>]> = [
    ["all three", {}, accepted],
    ["spaces around a value", { "mcp-name": " \techo ", "mcp-method": " tools/call" }, accepted],
    ["a name in base64", { "mcp-name": base64("echo") }, accepted],
    ["no version", { "mcp-protocol-version": undefined }, mismatch],
    ["another version", { "mcp-protocol-version": "2025-11-25" }, mismatch],
    ["no method", { "mcp-method": undefined }, mismatch],
    ["another method", { "mcp-method": "tools/list" }, mismatch],
    ["a method in another case", { "mcp-method": "Tools/Call" }, mismatch],
    ["no name", { "mcp-name": undefined }, mismatch],
    ["an empty name", { "mcp-name": "" }, mismatch],
    ["another name", { "mcp-name": "add" }, mismatch],
    ["a name in another case", { "mcp-name": "Echo" }, mismatch],
    ["another name in base64", { "mcp-name": base64("add") }, mismatch],
    ["a name twice", { "mcp-name": "echo, echo" }, mismatch]
  ]
  for (const [what, headers, expected] of rows) {
    it.effect(`${what}: ${expected.status}`, () =>
      Effect.gen(function*() {
        const http = yield* setup()
        assert.deepStrictEqual(verdict(http.send(echo, headers)), expected)
      }))
  }

  it.effect("a method without a name needs no Mcp-Name, and passes over one", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      assert.strictEqual(http.send(wires.request("Stateless", 1, "tools/list")).status, 200)
      assert.strictEqual(http.send(wires.request("Stateless", 1, "tools/list"), { "mcp-name": "x" }).status, 200)
    }))

  it.effect("a version header of the stateless era without the envelope is told what is missing", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send({ jsonrpc: "2.0", id: 1, method: "tools/list" }, {
        "mcp-protocol-version": "2026-07-28"
      })
      assert.deepStrictEqual(verdict(post), { status: 400, code: -32602, id: 1 })
      assert.include(post.body, "io.modelcontextprotocol/protocolVersion")
    }))

  it.effect("an unknown version, alike in header and body, is told what there is", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const unknown = { ...wires.envelope, "io.modelcontextprotocol/protocolVersion": "2099-01-01" }
      const post = http.send({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: unknown } })
      assert.deepStrictEqual(verdict(post), { status: 400, code: -32022, id: 1 })
      assert.deepStrictEqual(JSON.parse(post.body).error.data.supported, Revisions.versions)
    }))

  it.effect("headers on a notification are not checked", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send(wires.notification("notifications/cancelled", { requestId: 1 }), {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "something/else",
        "mcp-name": "nobody"
      })
      assert.deepStrictEqual([post.status, post.body], [202, ""])
    }))

  it.effect("the stateful era has no such headers", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const initialize = http.send(
        wires.request("Stateful", 0, "initialize", {
          protocolVersion: "2025-11-25",
          capabilities: {},
          clientInfo: { name: "x", version: "1" }
        }),
        { "mcp-method": "x", "mcp-name": "y" }
      )
      assert.strictEqual(initialize.status, 200)
      const post = http.send(wires.call("Stateful", 1, "mirrored", { region: "eu" }), {
        "mcp-session-id": initialize.headers["mcp-session-id"],
        "mcp-protocol-version": "2025-11-25",
        "mcp-method": "x",
        "mcp-name": "y",
        "mcp-param-region": "us"
      })
      assert.deepStrictEqual(verdict(post), accepted)
    }))

  it.effect("an extension's method mirrors the parameter it says", () =>
    Effect.gen(function*() {
      const http = yield* setup({
        extensions: [Extension.make({
          id: "test/mirrors",
          methods: {
            "test/get": {
              params: Schema.Struct({ taskId: Schema.String }),
              handle: () => Effect.succeed({}),
              mirroredName: ({ taskId }) => taskId as string
            }
          }
        })]
      })
      const get = wires.request("Stateless", 1, "test/get", { taskId: "t-1" })
      assert.deepStrictEqual(verdict(http.send(get, { "mcp-name": "t-1" })), accepted)
      assert.deepStrictEqual(verdict(http.send(get, { "mcp-name": "t-2" })), mismatch)
      assert.deepStrictEqual(verdict(http.send(get)), mismatch)
    }))
})

describe("headers that mirror arguments", () => {
  const rows: ReadonlyArray<
    readonly [what: string, args: object, headers: Headers, expected: ReturnType<typeof verdict>]
  > = [
    ["a string", { region: "eu-west" }, { "mcp-param-region": "eu-west" }, accepted],
    ["spaces around it", { region: "eu-west" }, { "mcp-param-region": " \teu-west \t" }, accepted],
    ["spaces inside it", { region: "eu  west" }, { "mcp-param-region": "eu  west" }, accepted],
    ["a comma in it", { region: "a, b" }, { "mcp-param-region": "a, b" }, accepted],
    ["an empty string", { region: "" }, { "mcp-param-region": "" }, accepted],
    ["another string", { region: "eu-west" }, { "mcp-param-region": "us" }, mismatch],
    ["another case", { region: "eu-west" }, { "mcp-param-region": "EU-West" }, mismatch],
    ["no header for a value", { region: "eu-west" }, {}, mismatch],
    ["no header for an empty string", { region: "" }, {}, mismatch],
    ["an empty header for a value", { region: "eu" }, { "mcp-param-region": "" }, mismatch],
    ["no value and no header", {}, {}, accepted],
    ["a header for no value", {}, { "mcp-param-region": "eu" }, accepted],
    ["a header of no parameter", {}, { "mcp-param-nobody": "x" }, accepted],
    ["plain ASCII in base64", { region: "eu" }, { "mcp-param-region": base64("eu") }, accepted],
    ["text in base64", { region: "zürich ✓" }, { "mcp-param-region": base64("zürich ✓") }, accepted],
    ["control characters in base64", { region: "a\tb\r\nc" }, { "mcp-param-region": base64("a\tb\r\nc") }, accepted],
    ["outer spaces in base64", { region: " eu " }, { "mcp-param-region": base64(" eu ") }, accepted],
    ["an empty string in base64", { region: "" }, { "mcp-param-region": "=?base64??=" }, accepted],
    ["text that looks like base64, in base64", { region: "=?base64?eA==?=" }, {
      "mcp-param-region": base64("=?base64?eA==?=")
    }, accepted],
    ["text that looks like base64, as it is", { region: "=?base64?eA==?=" }, {
      "mcp-param-region": "=?base64?eA==?="
    }, mismatch],
    ["other text in base64", { region: "eu" }, { "mcp-param-region": base64("us") }, mismatch],
    ["text as it is", { region: "zürich" }, { "mcp-param-region": "zürich" }, mismatch],
    ["base64 without padding", { region: "Hello" }, { "mcp-param-region": "=?base64?SGVsbG8?=" }, mismatch],
    ["base64 of another alphabet", { region: "??>" }, { "mcp-param-region": "=?base64?Pz8-?=" }, mismatch],
    ["base64 with other characters", { region: "Hello" }, { "mcp-param-region": "=?base64?SGVs!!!bG8=?=" }, mismatch],
    ["base64 with spaces", { region: "Hello" }, { "mcp-param-region": "=?base64?SGVs bG8=?=" }, mismatch],
    [
      "a marker in another case is text",
      { region: "=?BASE64?eA==?=" },
      { "mcp-param-region": "=?BASE64?eA==?=" },
      accepted
    ],
    ["half a marker is text", { region: "=?base64?eA==" }, { "mcp-param-region": "=?base64?eA==" }, accepted],
    ["the other half, too", { region: "eA==?=" }, { "mcp-param-region": "eA==?=" }, accepted],
    ["an integer", { priority: 42 }, { "mcp-param-priority": "42" }, accepted],
    ["an integer with a fraction of nothing", { priority: 42 }, { "mcp-param-priority": "42.0" }, accepted],
    ["an integer below zero", { priority: -7 }, { "mcp-param-priority": "-7" }, accepted],
    ["zero", { priority: 0 }, { "mcp-param-priority": "0" }, accepted],
    ["another integer", { priority: 42 }, { "mcp-param-priority": "43" }, mismatch],
    ["an integer in words", { priority: 42 }, { "mcp-param-priority": "forty-two" }, mismatch],
    ["an integer in hexadecimal", { priority: 42 }, { "mcp-param-priority": "0x2A" }, mismatch],
    ["nothing for zero", { priority: 0 }, { "mcp-param-priority": "" }, mismatch],
    ["no integer header for zero", { priority: 0 }, {}, mismatch],
    ["true", { verbose: true }, { "mcp-param-verbose": "true" }, accepted],
    ["false", { verbose: false }, { "mcp-param-verbose": "false" }, accepted],
    ["True", { verbose: true }, { "mcp-param-verbose": "True" }, mismatch],
    ["1 for true", { verbose: true }, { "mcp-param-verbose": "1" }, mismatch],
    ["no header for false", { verbose: false }, {}, mismatch],
    ["one wrong among three", { region: "eu", priority: 1, verbose: true }, {
      "mcp-param-region": "eu",
      "mcp-param-priority": "2",
      "mcp-param-verbose": "true"
    }, mismatch]
  ]
  for (const [what, args, headers, expected] of rows) {
    it.effect(`${what}: ${expected.status}`, () =>
      Effect.gen(function*() {
        const http = yield* setup()
        assert.deepStrictEqual(verdict(http.send(wires.call("Stateless", 1, "mirrored", args), headers)), expected)
      }))
  }

  it.effect("null counts as no value", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send(wires.call("Stateless", 1, "mirrored", { region: null }))
      assert.deepStrictEqual(verdict(post), accepted)
    }))

  it.effect("a refusal says which header it is about, and nothing of the value of another", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send(wires.call("Stateless", 1, "mirrored", { region: "eu", verbose: true }), {
        "mcp-param-region": "us",
        "mcp-param-verbose": "true"
      })
      assert.match(JSON.parse(post.body).error.message, /Mcp-Param-Region/u)
    }))

  it("every text survives the way into a header and back", () => {
    for (
      const text of [
        "",
        "plain",
        " outer ",
        "tab\t",
        "é",
        "😀",
        "=?base64?eA==?=",
        "=?base64?",
        "?=",
        "a\r\nb",
        "\u0000"
      ]
    ) {
      const header = HeaderValue.encode(text)
      assert.match(header, /^[\x20-\x7e]*$/u)
      assert.strictEqual(HeaderValue.decode(header), text)
    }
  })
})
