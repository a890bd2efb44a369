import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as ResponseLimit from "fastmcp-effect/middleware/ResponseLimit"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { info, tool } from "./serving.ts"

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("a tool's result that is too large is a failure the model reads; another is refused with 413", () =>
      Effect.gen(function*() {
        const server = McpServer.layer({
          ...info,
          tools: [tool("small", Effect.succeed("x".repeat(400))), tool("large", Effect.succeed("x".repeat(2000)))],
          resources: [Resource.text("acme:///small", "x"), Resource.text("acme:///large", "x".repeat(2000))],
          middleware: [ResponseLimit.make({ maxBytes: 1000 })]
        })
        const client = yield* McpTest.client(server, { revision })
        assert.notProperty(yield* client.callTool("small"), "isError")
        const large = yield* client.callTool("large")
        assert.isTrue(large.isError)
        assert.include(JSON.stringify(large.content), "more than 1000 bytes")
        assert.notInclude(JSON.stringify(large), "xxx")
        yield* client.readResource("acme:///small")
        const { reason } = yield* Effect.flip(client.readResource("acme:///large"))
        assert.deepInclude(reason, { _tag: "Other", code: 413 } as const)
        assert.lengthOf(yield* client.listTools, 2)
      }))
  })
}

describe("ResponseLimit", () => {
  const Json: Schema.Codec<unknown> = Schema.Union([
    Schema.String,
    Schema.Finite,
    Schema.Boolean,
    Schema.Null,
    Schema.Array(Schema.String),
    Schema.Record(Schema.String, Schema.Union([Schema.Finite, Schema.String]))
  ])
  const texts = [
    "",
    "é",
    "\ud83d\ude00",
    "\ud83d",
    "\ude00a",
    "\u0000\u001f\n\t",
    "\"\\/",
    "\u2028",
    "\u007f\u0080\u07ff\u0800"
  ]

  /** Whether a result passes a limit of so many bytes. */
  const passes = (result: object, maxBytes: number) =>
    Effect.gen(function*() {
      const context = yield* RequestContext.RequestContext
      const request: Middleware.Request = { method: "acme/read", params: {}, context, tool: undefined }
      return yield* Effect.match(ResponseLimit.make({ maxBytes }).wrap(request, Effect.succeed(result)), {
        onSuccess: (passed) => passed === result,
        onFailure: () => false
      })
    }).pipe(Effect.provide(RequestContext.layerNoop))

  const isExact = (value: unknown) =>
    Effect.gen(function*() {
      const result = { value, left: undefined, list: [value, undefined, [], {}] }
      const bytes = new TextEncoder().encode(JSON.stringify(result)).length
      assert.isTrue(yield* passes(result, bytes), JSON.stringify(value))
      assert.isFalse(yield* passes(result, bytes - 1), JSON.stringify(value))
    })

  it.effect("counts bytes as they go over the wire", () => Effect.forEach(texts, isExact, { discard: true }))

  it.effect.prop("to the byte, whatever the result", { value: Json }, ({ value }) => isExact(value))

  it.effect("is 1 MiB when nobody says", () =>
    Effect.gen(function*() {
      const large = Tool.make("large", {
        parameters: { length: Schema.Int },
        success: Schema.Struct({ text: Schema.String }),
        handler: ({ length }) => Effect.succeed({ text: "x".repeat(length) })
      })
      const client = yield* McpTest.client(
        McpServer.layer({ ...info, tools: [large], middleware: [ResponseLimit.make()] })
      )
      // A result has the text twice: as text and as a structure.
      assert.notProperty(yield* client.callTool("large", { length: 524_000 }), "isError")
      assert.isTrue((yield* client.callTool("large", { length: 524_288 })).isError)
    }))

  it("cannot be for nothing", () => {
    for (const maxBytes of [0, -1, 1.5, NaN]) assert.throws(() => ResponseLimit.make({ maxBytes }))
  })
})
