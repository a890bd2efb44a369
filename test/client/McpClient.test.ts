import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Memory from "fastmcp-effect/transport/Memory"

const add = Tool.make("add", {
  parameters: { a: Schema.Finite, b: Schema.Finite },
  success: Schema.Finite,
  handler: ({ a, b }) => Effect.succeed(a + b)
})

const server = McpServer.layer({ name: "calculator", version: "1.0.0", tools: [add] })

describe("a client", () => {
  for (const revision of [undefined, "2025-11-25", "2024-11-05"] as const) {
    it.effect(`calls a tool (${revision ?? "whatever is newest"})`, () =>
      Effect.gen(function*() {
        const client = yield* McpClient.make(revision === undefined ? {} : { revision })
        assert.strictEqual(client.server().revision, revision ?? "2026-07-28")
        assert.deepStrictEqual((yield* client.listTools()).map(({ name }) => name), ["add"])
        assert.strictEqual(yield* client.call(add, { a: 1, b: 2 }), 3)
      }).pipe(Effect.provide(Memory.layer.pipe(Layer.provide(server)))))
  }
})
