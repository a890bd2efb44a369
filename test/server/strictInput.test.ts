/** Arguments no parameter has: ignored, or refused where the server or the tool is strict. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const info = { name: "strict", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

const echo = (name: string, strict?: boolean) =>
  Tool.make(name, {
    ...(strict === undefined ? undefined : { strict }),
    parameters: { a: Schema.String },
    success: Schema.String,
    handler: (parameters) => Effect.succeed(Object.keys(parameters).join())
  })

/** Calls the tools it is told to, as they stand. */
const relay = Tool.make("relay", {
  strict: false,
  success: Schema.Array(Schema.String),
  parameters: { names: Schema.Array(Schema.String) },
  handler: ({ names }) =>
    RequestContext.RequestContext.use((request) =>
      Effect.forEach(names, (name) =>
        Effect.map(
          Effect.orDie(request.callTool({ name, arguments: { a: "x", b: 1 } })),
          ({ isError }) => isError === true ? "refused" : "taken"
        ))
    )
})

const tools = [echo("plain"), echo("strict", true), echo("lenient", false), relay] as const
const names = ["plain", "strict", "lenient"]

const closed = (tool: McpSchema.Tool) => (tool.inputSchema as { additionalProperties?: unknown }).additionalProperties

for (const revision of versions) {
  for (const strictInput of [undefined, false, true]) {
    const taken = { plain: strictInput !== true, strict: false, lenient: true } as { readonly [name: string]: boolean }
    describe(`in ${revision} with strictInput ${strictInput}`, () => {
      const connect = Effect.suspend(() =>
        McpTest.client(
          Layer.fresh(
            McpServer.layer({ ...info, ...(strictInput === undefined ? undefined : { strictInput }), tools })
          ),
          { revision }
        )
      )

      it.effect("a tool that says nothing follows the server, and one that does its own word", () =>
        Effect.gen(function*() {
          const client = yield* connect
          for (const name of names) {
            const result = yield* client.callTool(name, { a: "x", b: 1 })
            assert.strictEqual(result.isError !== true, taken[name], name)
            const [content] = result.content as ReadonlyArray<{ text: string }>
            if (taken[name]) assert.strictEqual(content!.text, "a")
            else assert.include(content!.text, "b")
            // What fits is taken by all of them.
            assert.notStrictEqual((yield* client.callTool(name, { a: "x" })).isError, true)
          }
        }))

      it.effect("the list says which of them take no more", () =>
        Effect.gen(function*() {
          const client = yield* connect
          for (const tool of yield* client.listTools) {
            if (names.includes(tool.name)) assert.strictEqual(closed(tool) === false, !taken[tool.name], tool.name)
          }
        }))

      it.effect("a handler that calls them is held to the same", () =>
        Effect.gen(function*() {
          const client = yield* connect
          assert.deepStrictEqual(
            yield* client.call(relay, { names }),
            names.map((name) => taken[name] ? "taken" : "refused")
          )
        }))
    })
  }
}
