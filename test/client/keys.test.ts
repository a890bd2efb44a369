/** Calls that have a key: what the client sends, and when it sends it again. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as McpClient from "fastmcp-effect/client/McpClient"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as TransportError from "fastmcp-effect/transport/TransportError"
import * as scripted from "./scripted.ts"

const eras = { "2026-07-28": scripted.stateless, "2025-11-25": scripted.stateful }

const keeping = (store: unknown) => ({ tools: {}, experimental: { [Meta.idempotency]: { store } } })

const ok = { content: [{ type: "text", text: "ok" }] }

const lost = new TransportError.Lost({ message: "cut" })

/** A server that loses so many calls, and answers the next. */
const losing = (
  era: typeof scripted.stateless,
  times: number,
  capabilities: object = keeping("one"),
  kind: "memory" | "http" = "memory"
) => {
  const metas: Array<JsonRpc.Json | undefined> = []
  const server = scripted.make({
    kind,
    hears: era({
      "tools/call": ({ id, params }, wire) => {
        const { [Meta.idempotencyKey]: key, [Meta.idempotencyStore]: store } = params!._meta as JsonRpc.JsonObject
        metas.push(store === undefined ? key : [key!, store])
        if (metas.length <= times) wire.fail(id, lost)
        else wire.result(id, ok)
      }
    }, capabilities)!
  })
  return { metas, server }
}

const call = (server: scripted.Scripted, options: McpClient.CallOptions = { idempotencyKey: "k" }) =>
  Effect.gen(function*() {
    const client = yield* Effect.provide(McpClient.make(), server.layer)
    const calling = yield* Effect.forkChild(
      Effect.match(client.callTool("pay", {}, options), {
        onSuccess: () => "ok",
        onFailure: ({ reason }) => reason._tag as string
      }),
      { startImmediately: true }
    )
    yield* TestClock.adjust("2 minutes")
    return yield* Fiber.join(calling)
  })

for (const [revision, era] of Object.entries(eras)) {
  describe(`a call that has a key, ${revision},`, () => {
    it.effect("is sent again when its answer was lost, to be answered from where its receipt is", () =>
      Effect.gen(function*() {
        const { metas, server } = losing(era, 2)
        assert.strictEqual(yield* call(server), "ok")
        assert.deepStrictEqual(metas, ["k", ["k", "one"], ["k", "one"]])
      }))

    it.effect("is not sent again to a server that says nothing of keys, or where its caller forbids it", () =>
      Effect.gen(function*() {
        for (const capabilities of [{ tools: {} }, keeping(1), { experimental: { [Meta.idempotency]: {} } }]) {
          const { metas, server } = losing(era, 1, capabilities)
          assert.strictEqual(yield* call(server), "OutcomeUnknown")
          assert.deepStrictEqual(metas, ["k"])
        }
        const forbidden = losing(era, 1)
        assert.strictEqual(
          yield* call(forbidden.server, { idempotencyKey: "k", idempotent: false }),
          "OutcomeUnknown"
        )
        assert.deepStrictEqual(forbidden.metas, ["k"])
        const allowed = losing(era, 1, { tools: {} })
        assert.strictEqual(yield* call(allowed.server, { idempotencyKey: "k", idempotent: true }), "ok")
        assert.deepStrictEqual(allowed.metas, ["k", "k"])
      }))

    it.effect("is unknown when its answers are lost again and again, or nobody is there any more", () =>
      Effect.gen(function*() {
        const { metas, server } = losing(era, 100)
        assert.strictEqual(yield* call(server), "OutcomeUnknown")
        assert.lengthOf(metas, 4)

        let calls = 0
        const gone = scripted.make({
          connecting: (count) =>
            count === 1 ? Effect.void : Effect.fail(TransportError.make(
              new TransportError.Unreachable({ address: "x", message: "gone" })
            )),
          hears: era({
            "tools/call": (_, wire) => {
              calls++
              wire.close()
            }
          }, keeping("one"))!
        })
        assert.strictEqual(yield* call(gone), "OutcomeUnknown")
        assert.strictEqual(calls, 1)
      }))

    it.effect("is unknown over HTTP when nobody is there any more", () =>
      Effect.gen(function*() {
        let calls = 0
        const server = scripted.make({
          kind: "http",
          hears: era({
            "tools/call": ({ id }, wire) =>
              wire.fail(id, calls++ === 0 ? lost : new TransportError.Unreachable({ address: "x", message: "gone" }))
          }, keeping("one"))!
        })
        assert.strictEqual(yield* call(server), "OutcomeUnknown")
        assert.isAtLeast(calls, 2)
      }))
  })
}

describe("a key", () => {
  it.effect("is sent with calls of tools alone, beside what else is in their _meta", () =>
    Effect.gen(function*() {
      const metas: Array<unknown> = []
      const server = scripted.make({
        hears: scripted.stateful({
          "tools/call": ({ id, params }, wire) => {
            metas.push(params!._meta)
            wire.result(id, ok)
          },
          "resources/read": ({ id, params }, wire) => {
            metas.push(params!._meta)
            wire.result(id, { contents: [] })
          }
        })!
      })
      const client = yield* Effect.provide(McpClient.make(), server.layer)
      const options = { idempotencyKey: "k", meta: { "acme/a": 1 } }
      yield* client.callTool("pay", {}, options)
      yield* client.readResource("a:b", options)
      assert.deepStrictEqual(metas, [{ "acme/a": 1, [Meta.idempotencyKey]: "k" }, { "acme/a": 1 }])
    }))
})
