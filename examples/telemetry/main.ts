/** One call in each era, exported through OpenTelemetry into memory; exits with 1 unless it is one trace, link by link. */
import * as OtelTracer from "@effect/opentelemetry/OtelTracer"
import { SpanKind } from "@opentelemetry/api"
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor
} from "@opentelemetry/sdk-trace-base"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { convert, Money } from "./server.ts"

const exporter = new InMemorySpanExporter()

const Telemetry = OtelTracer.layer.pipe(
  Layer.provide(Layer.sync(
    OtelTracer.OtelTracerProvider,
    () => new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  ))
)

/** From the client's call to the lookup in the nested tool, each the child of the one before. */
const chain = ["tools/call convert", "tools/call convert", "convert.compute", "tools/call rate", "rates.lookup"]

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const euros = await Effect.gen(function*() {
    const client = yield* McpTest.client(Money, { revision })
    return yield* client.call(convert, { amount: 20, currency: "USD" })
  }).pipe(Effect.scoped, Effect.provide(Telemetry), Effect.runPromise)
  assert.equal(euros, 18)

  const finished = exporter.getFinishedSpans()
  exporter.reset()
  const spans: Array<ReadableSpan> = []
  for (const name of chain) {
    const parent = spans.at(-1)?.spanContext()
    const span = finished.find((span) => span.name === name && span.parentSpanContext?.spanId === parent?.spanId)
    assert.ok(span, `${name} was not exported as a child of ${spans.at(-1)?.name ?? "nothing"}`)
    if (parent) assert.equal(span.spanContext().traceId, parent.traceId)
    spans.push(span)
  }

  const [client, server] = spans as [ReadableSpan, ReadableSpan]
  assert.deepEqual([client.kind, server.kind], [SpanKind.CLIENT, SpanKind.SERVER])
  assert.equal(server.attributes["mcp.method.name"], "tools/call")
  assert.equal(server.attributes["mcp.protocol.version"], revision)
  assert.equal(server.attributes["gen_ai.tool.name"], "convert")

  console.log(`${revision}\n${chain.map((name, depth) => `${"  ".repeat(depth + 1)}${name}`).join("\n")}`)
}
