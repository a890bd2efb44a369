/** What the server's spans are children of, where its client is asked within a span. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import * as McpClient from "fastmcp-effect/client/McpClient"
import { recording } from "../support/spans.ts"
import * as scripted from "./scripted.ts"

const eras = { "2026-07-28": scripted.stateless, "2025-11-25": scripted.stateful }

const ask = (era: typeof scripted.stateless) =>
  Effect.gen(function*() {
    const parents: Array<unknown> = []
    const server = scripted.make({
      hears: era({
        "tools/call": ({ id, params }, wire) => {
          parents.push((params!._meta as { readonly traceparent?: string } | undefined)?.traceparent)
          wire.result(id, { content: [] })
        }
      })
    })
    const client = yield* Effect.provide(McpClient.make(), server.layer)
    yield* client.callTool("work")
    const { spanId, traceId } = yield* Effect.useSpan("the caller's", (span) =>
      Effect.as(Effect.withParentSpan(client.callTool("work"), span), span))
    return { parents, caller: `00-${traceId}-${spanId}-01` }
  })

for (const [revision, era] of Object.entries(eras)) {
  describe(`a call of a client, ${revision},`, () => {
    it.effect("is told to be its caller's where no tracer would show a span of the client's own", () =>
      Effect.gen(function*() {
        const { caller, parents } = yield* ask(era)
        assert.deepStrictEqual(parents, [undefined, caller])
      }))

    it.effect("is told to be that of the client's own span where the program has a tracer", () =>
      Effect.gen(function*() {
        const { spans, tracer } = recording()
        const { parents } = yield* Effect.provideService(ask(era), Tracer.Tracer, tracer)
        const own = spans.filter(({ kind, name }) => kind === "client" && name === "tools/call work")
        assert.deepStrictEqual(parents, own.map(({ spanId, traceId }) => `00-${traceId}-${spanId}-01`))
        assert.lengthOf(parents, 2)
      }))
  })
}
