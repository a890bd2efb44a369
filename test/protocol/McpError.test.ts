import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as McpError from "fastmcp-effect/protocol/McpError"

/** One of each, with what it is on the wire. */
const table: ReadonlyArray<
  readonly [
    reason: McpError.Reason,
    stateful: number,
    stateless: number,
    status: readonly [number, number],
    data?: unknown
  ]
> = [
  [new McpError.ParseError({ message: "a" }), -32700, -32700, [400, 400]],
  [new McpError.InvalidRequest({ message: "a" }), -32600, -32600, [400, 400]],
  [new McpError.MethodNotFound({ method: "a" }), -32601, -32601, [200, 404]],
  [new McpError.InvalidParams({ message: "a", data: [1] }), -32602, -32602, [200, 200], [1]],
  [new McpError.InvalidParams({ message: "a" }), -32602, -32602, [200, 200]],
  [new McpError.InvalidEnvelope({ message: "a" }), -32602, -32602, [400, 400]],
  [new McpError.ToolNotFound({ name: "a" }), -32602, -32602, [200, 200]],
  [new McpError.PromptNotFound({ name: "a" }), -32602, -32602, [200, 200]],
  [new McpError.ResourceNotFound({ uri: "a:b" }), -32002, -32602, [200, 200], { uri: "a:b" }],
  [new McpError.InternalError(), -32603, -32603, [200, 200]],
  [new McpError.InternalError({ correlationId: "a" }), -32603, -32603, [200, 200], { correlationId: "a" }],
  [new McpError.HeaderMismatch({ message: "a" }), -32600, -32020, [400, 400]],
  [
    new McpError.MissingCapability({ message: "a", required: { roots: {} } }),
    -32602,
    -32021,
    [200, 400],
    { requiredCapabilities: { roots: {} } }
  ],
  [
    new McpError.UnsupportedVersion({ requested: "a", supported: ["b"] }),
    -32602,
    -32022,
    [200, 400],
    { requested: "a", supported: ["b"] }
  ],
  [new McpError.DeadlineExceeded(), 408, 408, [200, 200]],
  [new McpError.Cancelled({ reason: "a" }), 499, 499, [200, 200]],
  [new McpError.RateLimited({ retryAfter: 5 }), 429, 429, [200, 200], { retryAfter: 5 }],
  [new McpError.RateLimited({}), 429, 429, [200, 200]],
  [new McpError.Overloaded({ message: "a" }), 503, 503, [200, 200]],
  [new McpError.InProgress({ retryAfter: 5 }), 409, 409, [200, 200], { retryAfter: 5 }],
  [new McpError.InProgress({}), 409, 409, [200, 200]],
  [new McpError.IdempotencyConflict({ message: "a" }), 422, 422, [200, 200]],
  [new McpError.OutcomeUnknown({ message: "a" }), 504, 504, [200, 200]],
  [new McpError.Unauthenticated({ scopes: [] }), 401, 401, [401, 401], { requiredScopes: [] }],
  [new McpError.Unauthenticated({ scopes: ["a"], message: "b" }), 401, 401, [401, 401], { requiredScopes: ["a"] }],
  [new McpError.InsufficientScope({ scopes: ["a"] }), 403, 403, [403, 403], { requiredScopes: ["a"] }],
  [
    new McpError.InsufficientScope({ scopes: [], message: "No" }),
    403,
    403,
    [403, 403],
    { requiredScopes: [] }
  ],
  [new McpError.Masked(), 500, 500, [200, 200]],
  [new McpError.Other({ code: 7, message: "a", data: 1 }), 7, 7, [200, 200], 1]
]

const eras = ["Stateful", "Stateless"] as const

describe("a reason", () => {
  it("is in the table, whichever it is", () => {
    const listed = new Set(table.map(([reason]) => reason._tag))
    for (const { identifier } of McpError.Reason.members) assert.isTrue(listed.has(identifier as never), identifier)
  })

  for (const [reason, stateful, stateless, status, data] of table) {
    it(`${reason._tag}${data === undefined ? "" : " with data"} has a code, a status and a message in each era`, () => {
      for (const [index, era] of eras.entries()) {
        const object = McpError.toObject(McpError.make(reason), era)
        assert.strictEqual(object.code, [stateful, stateless][index])
        assert.strictEqual(McpError.httpStatus(reason, era), status[index])
        assert.deepStrictEqual(object.data, data as never)
        assert.strictEqual("data" in object, data !== undefined)
        assert.notStrictEqual(object.message, "")
      }
    })
  }

  it("of our own has a code outside the range JSON-RPC reserves", () => {
    for (const [reason, stateful, stateless] of table) {
      for (const code of [stateful, stateless]) {
        const isReserved = code >= -32768 && code <= -32000
        const isOurs = [
          "DeadlineExceeded",
          "Cancelled",
          "RateLimited",
          "Overloaded",
          "InProgress",
          "IdempotencyConflict",
          "OutcomeUnknown",
          "Unauthenticated",
          "InsufficientScope",
          "Masked"
        ].includes(reason._tag)
        assert.strictEqual(isReserved, !isOurs && reason._tag !== "Other", reason._tag)
      }
    }
  })

  it("that is a bug or a policy says nothing of what happened", () => {
    assert.strictEqual(McpError.make(new McpError.InternalError()).message, "Internal error")
    assert.strictEqual(McpError.make(new McpError.Masked()).message, "The server could not answer this request")
  })

  it("knows whether trying again may help", () => {
    const retryable = table.flatMap(([reason]) => McpError.make(reason).isRetryable ? [reason._tag] : [])
    assert.deepStrictEqual([...new Set(retryable)], ["DeadlineExceeded", "RateLimited", "Overloaded", "InProgress"])
  })
})

describe("an error off the wire", () => {
  it.prop("keeps its code, message and data, whatever it is", [Arbitrary.schema(McpError.Reason)], ([reason]) => {
    for (const era of eras) {
      const object = McpError.toObject(McpError.make(reason), era)
      const read = McpError.toObject(McpError.fromObject(object), "Stateless")
      // A code of ours may come from elsewhere with another text, and that has one of its own here.
      if (reason._tag === "Other") assert.strictEqual(read.code, reason.code)
      else assert.deepStrictEqual(read, object)
    }
  }, { arbitrary: { runs: 300 } })

  it("is the same reason where its code tells", () => {
    const same = [
      new McpError.ParseError({ message: "a" }),
      new McpError.InvalidRequest({ message: "a" }),
      new McpError.InvalidParams({ message: "a", data: [1] }),
      new McpError.InternalError(),
      new McpError.HeaderMismatch({ message: "a" }),
      new McpError.MissingCapability({ message: "a", required: { roots: {} } }),
      new McpError.UnsupportedVersion({ requested: "a", supported: ["b"] }),
      new McpError.DeadlineExceeded(),
      new McpError.RateLimited({ retryAfter: 5 }),
      new McpError.RateLimited({}),
      new McpError.Overloaded({ message: "a" }),
      new McpError.InProgress({ retryAfter: 5 }),
      new McpError.InProgress({}),
      new McpError.IdempotencyConflict({ message: "a" }),
      new McpError.OutcomeUnknown({ message: "a" }),
      new McpError.InsufficientScope({ scopes: ["a", "b"] }),
      new McpError.InsufficientScope({ scopes: ["a"], message: "No" }),
      new McpError.Other({ code: 7, message: "a", data: 1 })
    ]
    for (const reason of same) {
      const read = McpError.fromObject(McpError.toObject(McpError.make(reason), "Stateless"))
      assert.isTrue(read.message.endsWith(McpError.make(reason).message))
      assert.deepStrictEqual({ ...read.reason, message: "" }, { ...reason, message: "" })
    }
  })

  it("with malformed data is kept whole", () => {
    for (const code of [-32021, -32022]) {
      for (const data of [undefined, null, [], { supported: "a", requested: 1 }, { requiredCapabilities: [] }]) {
        const object = data === undefined ? { code, message: "a" } : { code, message: "a", data: data as never }
        assert.deepStrictEqual(McpError.toObject(McpError.fromObject(object), "Stateless"), object)
      }
    }
  })
})
