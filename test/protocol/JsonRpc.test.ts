import { assert, describe, it } from "@effect/vitest"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as random from "../server/random.ts"

/** The code and the id a frame is refused with, or the tag of the message it is. */
const verdict = (frame: string) => {
  const message = JsonRpc.parse(frame)
  return message._tag === "Invalid"
    ? { code: McpError.toObject(message.error, "Stateless").code, id: message.id }
    : message._tag
}

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`

const request = (params: string) => `{"jsonrpc":"2.0","id":7,"method":"x","params":${params}}`

describe("parse", () => {
  const cases: ReadonlyArray<readonly [what: string, frame: string, expected: ReturnType<typeof verdict>]> = [
    ["a request", request("{}"), "Request"],
    ["a request without params", "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"x\"}", "Request"],
    ["a notification", "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}", "Notification"],
    ["a result", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", "Response"],
    ["an error", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"\"}}", "Response"],
    ["an error without id", "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"\"}}", "Response"],
    ["a batch", `[${request("{}")}]`, "Batch"],
    ["whitespace around a message", ` \t${request("{}")}\r`, "Request"],
    ["nothing", "", { code: -32700, id: null }],
    ["text", "hello", { code: -32700, id: null }],
    ["half an object", "{\"jsonrpc\":\"2.0\",\"id\":1", { code: -32700, id: null }],
    ["a trailing comma", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",}", { code: -32700, id: null }],
    ["two messages", `${request("{}")}${request("{}")}`, { code: -32700, id: null }],
    ["NaN", request("{\"a\":NaN}"), { code: -32700, id: null }],
    ["a raw control character", request("{\"a\":\"\u0001\"}"), { code: -32700, id: null }],
    ["an empty batch", "[]", { code: -32600, id: null }],
    ["null", "null", { code: -32600, id: null }],
    ["a number", "1", { code: -32600, id: null }],
    ["a string", "\"x\"", { code: -32600, id: null }],
    ["an empty object", "{}", { code: -32600, id: null }],
    ["no version", "{\"id\":7,\"method\":\"x\"}", { code: -32600, id: 7 }],
    ["another version", "{\"jsonrpc\":\"1.0\",\"id\":\"b\",\"method\":\"x\"}", { code: -32600, id: "b" }],
    ["a version that is a number", "{\"jsonrpc\":2.0,\"id\":7,\"method\":\"x\"}", { code: -32600, id: 7 }],
    ["a method that is no string", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":1}", { code: -32600, id: 7 }],
    ["neither method nor result", "{\"jsonrpc\":\"2.0\",\"id\":7}", { code: -32600, id: 7 }],
    ["params in an array", request("[1]"), { code: -32600, id: 7 }],
    ["params that are null", request("null"), { code: -32600, id: 7 }],
    ["an id that is null", "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", { code: -32600, id: null }],
    ["an id with a fraction", "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", { code: -32600, id: null }],
    ["an id too big to keep", "{\"jsonrpc\":\"2.0\",\"id\":1e400,\"method\":\"x\"}", { code: -32600, id: null }],
    ["an id too big to be exact", "{\"jsonrpc\":\"2.0\",\"id\":9007199254740993,\"method\":\"x\"}", {
      code: -32600,
      id: null
    }],
    ["an id that is an object", "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}", { code: -32600, id: null }],
    ["an id that is true", "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"x\"}", { code: -32600, id: null }],
    ["result and error", "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{},\"error\":{\"code\":1,\"message\":\"\"}}", {
      code: -32600,
      id: 7
    }],
    ["a result that is no object", "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}", { code: -32600, id: 7 }],
    ["an error without message", "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1}}", { code: -32600, id: 7 }],
    ["nesting up to the limit", request(`{"a":${nested(JsonRpc.maxDepth - 2)}}`), "Request"],
    ["nesting beyond the limit", request(`{"a":${nested(JsonRpc.maxDepth - 1)}}`), { code: -32600, id: 7 }],
    ["nesting 200 deep", request(`{"a":${nested(200)}}`), { code: -32600, id: 7 }],
    ["nesting 10,000 deep", request(`{"a":${nested(10_000)}}`), { code: -32600, id: 7 }],
    ["nesting too deep to look for the id", request(`{"a":${nested(100_000)}}`), { code: -32600, id: null }],
    ["brackets that never close", "[".repeat(1000), { code: -32700, id: null }],
    ["very many brackets that never close", "[".repeat(100_000), { code: -32600, id: null }],
    ["brackets inside a string", request(`{"a":"${"[".repeat(1000)}\\"${"{".repeat(1000)}"}`), "Request"],
    ["a string that ends in a backslash", request(`{"a":"${" ".repeat(300)}\\\\","b":"]]]]"}`), "Request"],
    ["a lone high surrogate", request("{\"a\":\"\\ud800\"}"), { code: -32600, id: 7 }],
    ["a lone low surrogate", request("{\"a\":\"x\\uDC00\"}"), { code: -32600, id: 7 }],
    ["surrogates in the wrong order", request("{\"a\":\"\\udc00\\ud800\"}"), { code: -32600, id: 7 }],
    ["a lone surrogate in a key", request("{\"\\ud800\":1}"), { code: -32600, id: 7 }],
    ["a lone surrogate in an array", request("{\"a\":[[\"\\ud800\"]]}"), { code: -32600, id: 7 }],
    ["a lone surrogate that is not escaped", request("{\"a\":\"\ud800\"}"), { code: -32600, id: 7 }],
    ["a lone surrogate in the method", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"\\ud800\"}", {
      code: -32600,
      id: 7
    }],
    ["a lone surrogate in the id", "{\"jsonrpc\":\"2.0\",\"id\":\"\\ud800\",\"method\":\"x\"}", {
      code: -32600,
      id: null
    }],
    ["a surrogate pair", request("{\"a\":\"\\ud83d\\ude00\"}"), "Request"],
    ["the text \\ud800", request("{\"a\":\"\\\\ud800\"}"), "Request"],
    ["__proto__", request("{\"__proto__\":{}}"), { code: -32600, id: 7 }],
    ["__proto__ far down", request("{\"a\":[{\"b\":{\"__proto__\":1}}]}"), { code: -32600, id: 7 }],
    ["__proto__ with an escape", request("{\"__pr\\u006fto__\":1}"), { code: -32600, id: 7 }],
    ["__proto__ as a value", request("{\"a\":\"__proto__\"}"), "Request"],
    ["__proto__ at the top", "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"x\",\"__proto__\":{}}", {
      code: -32600,
      id: 7
    }],
    ["keys every object has", request("{\"constructor\":1,\"toString\":2,\"hasOwnProperty\":3}"), "Request"]
  ]

  for (const [what, frame, expected] of cases) {
    it(`reads ${what} as ${typeof expected === "string" ? expected : `${expected.code}, id ${expected.id}`}`, () => {
      assert.deepStrictEqual(verdict(frame), expected)
    })
  }

  it("judges each message of a batch for itself", () => {
    const batch = JsonRpc.parse(`[${request("{}")},1,[],{"jsonrpc":"2.0","method":"x"}]`)
    assert(batch._tag === "Batch")
    assert.deepStrictEqual(batch.messages.map(({ _tag }) => _tag), ["Request", "Invalid", "Invalid", "Notification"])
  })

  it("tells a bad response from a bad request, whose id alone may be sent back", () => {
    const isResponse = (frame: string) => {
      const message = JsonRpc.parse(frame)
      return message._tag === "Invalid" && message.isResponse
    }
    assert.isTrue(isResponse("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}"))
    assert.isTrue(isResponse("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":1}"))
    assert.isTrue(isResponse("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1.5,\"message\":\"no\"}}"))
    assert.isTrue(isResponse("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"__proto__\":1}}"))
    assert.isTrue(isResponse(`{"jsonrpc":"2.0","id":7,"result":{"a":${nested(200)}}}`))
    assert.isFalse(isResponse("{\"jsonrpc\":\"2.0\",\"id\":7}"))
  })

  it("takes the last of two equal keys, as JSON.parse does", () => {
    assert.deepStrictEqual(JsonRpc.parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"x\"}"), {
      _tag: "Request",
      id: 2,
      method: "x",
      params: undefined
    })
  })

  it("leaves no key behind that reaches Object.prototype", () => {
    for (
      const frame of [request("{\"__proto__\":{\"polluted\":1}}"), request("{\"constructor\":{\"prototype\":{}}}")]
    ) {
      JsonRpc.parse(frame)
      assert.isUndefined(({} as { polluted?: number }).polluted)
    }
  })

  it("never throws, whatever the bytes", () => {
    const seed = random.seed()
    const { below, pick } = random.make(seed)
    const alphabet = [..."{}[]\",:\\u0123456789.eE+-dDxXtruefalsn ", "\ud800", "\udc00", "\0", "\u2028", "__proto__"]
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: below(40) }, () => pick(alphabet)).join("")
      const frame = below(2) === 0 ? text : request(text)
      try {
        assert.isString(JsonRpc.parse(frame)._tag)
      } catch (error) {
        assert.fail(`seed ${seed}: ${JSON.stringify(frame)}: ${String(error)}`)
      }
    }
  })
})

describe("encode", () => {
  it("writes frames that parse reads back", () => {
    const result = { content: [{ type: "text", text: "line\nbreak \u2028 \ud83d\ude00 \"q\" \\" }] }
    for (const id of [0, -1, 42, Number.MAX_SAFE_INTEGER, "", "a\"b\\", "7"]) {
      assert.deepStrictEqual(JsonRpc.parse(JsonRpc.encodeResult(id, result)), {
        _tag: "Response",
        id,
        result,
        error: undefined
      })
      assert.deepStrictEqual(JsonRpc.parse(JsonRpc.encodeError(id, { code: -32603, message: "m", data: [1] })), {
        _tag: "Response",
        id,
        result: undefined,
        error: { code: -32603, message: "m", data: [1] }
      })
      assert.deepStrictEqual(JsonRpc.parse(JsonRpc.encodeRequest(id, "tools/call", { name: "x" })), {
        _tag: "Request",
        id,
        method: "tools/call",
        params: { name: "x" }
      })
    }
    assert.deepStrictEqual(JsonRpc.parse(JsonRpc.encodeNotification("n")), {
      _tag: "Notification",
      method: "n",
      params: undefined
    })
  })

  it("refuses params that are null, and says what they mean", () => {
    const meantBy = (frame: string) => {
      const message = JsonRpc.parse(frame)
      assert.strictEqual(message._tag, "Invalid")
      return (message as JsonRpc.Invalid).meant
    }
    assert.deepStrictEqual(meantBy("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":null}"), {
      _tag: "Request",
      id: 1,
      method: "x",
      params: undefined
    })
    assert.deepStrictEqual(meantBy("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":null}"), {
      _tag: "Notification",
      method: "x",
      params: undefined
    })
    assert.isUndefined(meantBy("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\",\"params\":null}"))
    assert.isUndefined(meantBy("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":[]}"))
  })

  it("keeps every frame on one line", () => {
    const frame = JsonRpc.encodeResult("a\nb", { text: "1\n2\r3", "key\n": 1 })
    assert.notMatch(frame, /[\n\r]/u)
  })

  it("writes half a surrogate pair as U+FFFD and leaves text that looks like one alone", () => {
    const frame = JsonRpc.encodeResult(1, { half: "a\ud83d", whole: "\ud83d\ude00", text: "\\ud83d" })
    assert.deepStrictEqual(JSON.parse(frame).result, { half: "a\ufffd", whole: "\ud83d\ude00", text: "\\ud83d" })
  })
})
