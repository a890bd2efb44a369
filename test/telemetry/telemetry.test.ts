/**
 * What an observer sees of a server: one span for each request, spelled as the conventions spell it, and its metrics.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Tracing from "fastmcp-effect/telemetry/Tracing"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

const tool = (name: string, run: Effect.Effect<void, string | McpError.McpError>) =>
  Tool.make(name, { failure: Schema.String, handler: () => run })

const tools = [
  tool("fine", Effect.withSpan(Effect.void, "work")),
  tool("declared", Effect.fail("no")),
  tool("refuses", Effect.fail(McpError.make(new McpError.RateLimited({})))),
  tool("panics", Effect.die(new Error("a bug"))),
  tool("cancels", Outcome.interruptSelf("CostBudget")),
  tool("never", Effect.never),
  Tool.make("number", { parameters: { a: Schema.Finite }, handler: () => Effect.void })
]

/** A client whose server's spans are written down; the client's own go elsewhere. */
const setup = (
  revision: Revisions.Version,
  options: { readonly enabled?: boolean; readonly middleware?: ReadonlyArray<Middleware.Middleware<never, never>> } = {}
) =>
  Effect.gen(function*() {
    const spans: Array<Tracer.NativeSpan> = []
    const registry: typeof Metric.MetricRegistry.Service = new Map()
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    const server = McpServer.layer({ name: "observed", version: "1.0.0", tools, middleware: options.middleware ?? [] })
      .pipe(
        Layer.provide(Layer.mergeAll(
          Layer.succeed(Tracer.Tracer, tracer),
          Layer.succeed(References.TracerEnabled, options.enabled ?? true),
          Layer.succeed(Metric.MetricRegistry, registry)
        ))
      )
    const client = yield* McpTest.client(server, { revision })
    return { client, spans, registry }
  })

const view = (span: Tracer.NativeSpan): { readonly [key: string]: unknown } => ({
  name: span.name,
  kind: span.kind,
  ...Object.fromEntries(span.attributes)
})

for (const revision of versions) {
  describe(`in ${revision} a span`, () => {
    it.effect("is made for each request, named after its method and its tool", () =>
      Effect.gen(function*() {
        const { client, spans } = yield* setup(revision)
        yield* client.listTools
        yield* client.callTool("fine")
        // The handshake has a span, too.
        const first = revision === "2026-07-28" ? 1 : 2
        const common = { kind: "server", "mcp.protocol.version": revision }
        const [list, call, work] = spans.slice(first - 1)
        assert.deepStrictEqual(view(list!), {
          name: "tools/list",
          ...common,
          "mcp.method.name": "tools/list",
          "jsonrpc.request.id": String(first)
        })
        assert.deepStrictEqual(view(call!), {
          name: "tools/call fine",
          ...common,
          "mcp.method.name": "tools/call",
          "jsonrpc.request.id": String(first + 1),
          "gen_ai.tool.name": "fine"
        })
        assert.strictEqual(Option.getOrThrow(work!.parent).spanId, call!.spanId)
        assert.lengthOf(spans, 2 + first)
        assert.isTrue(spans.every(({ status }) => status._tag === "Ended"))
      }))

    it.effect("says how its request ended, with the type of the error and its code", () =>
      Effect.gen(function*() {
        const { client, spans } = yield* setup(revision)
        yield* TestClock.adjust(0)
        for (const { name } of tools.slice(0, 5)) yield* Effect.exit(client.callTool(name))
        yield* Effect.exit(client.callTool("number", { a: "one" }))
        const never = yield* Effect.forkChild(client.callTool("never"), { startImmediately: true })
        yield* McpTest.settle
        yield* Fiber.interrupt(never)
        const late = yield* Effect.forkChild(client.callTool("never"), { startImmediately: true })
        yield* McpTest.settle
        yield* TestClock.adjust("30 seconds")
        yield* Fiber.await(late)
        const ends = spans.filter(({ name }) => name.startsWith("tools/call")).map(({ attributes, status }) => ({
          tool: attributes.get("gen_ai.tool.name"),
          type: attributes.get("error.type"),
          code: attributes.get("rpc.response.status_code"),
          exit: String(status._tag === "Ended" ? status.exit._tag : status._tag)
        }))
        const fine = { type: undefined, code: undefined, exit: "Success" }
        const failed = (type: string, code: string | undefined) => ({ type, code, exit: "Failure" })
        assert.deepStrictEqual(ends, [
          { tool: "fine", ...fine },
          { tool: "declared", ...fine, type: "tool_error" },
          { tool: "refuses", ...failed("RateLimited", "429") },
          { tool: "panics", ...failed("Panicked", "-32603") },
          { tool: "cancels", ...failed("CostBudget", "499") },
          { tool: "number", ...fine, type: "tool_error" },
          { tool: "never", ...failed("User", undefined) },
          { tool: "never", ...failed("Deadline", "408") }
        ])
      }))

    it.effect("is made for what is turned away, and does not repeat what a stranger calls a method", () =>
      Effect.gen(function*() {
        const { client, registry, spans } = yield* setup(revision)
        yield* Effect.exit(client.callTool("nobody"))
        yield* Effect.exit(client.request("tools/call", { name: 1 }))
        yield* Effect.exit(client.request("made/up"))
        const ends = spans.slice(-3).map(({ attributes, name }) => [
          name,
          attributes.get("mcp.method.name"),
          attributes.get("error.type"),
          attributes.get("rpc.response.status_code")
        ])
        assert.deepStrictEqual(ends, [
          ["tools/call", "tools/call", "ToolNotFound", "-32602"],
          ["tools/call", "tools/call", "InvalidParams", "-32602"],
          ["_OTHER", "_OTHER", "MethodNotFound", "-32601"]
        ])
        assert.isFalse(JSON.stringify([...registry.keys()]).includes("made/up"))
      }))

    it.effect("is the child of the caller's, where its _meta names one", () =>
      Effect.gen(function*() {
        const { client, spans } = yield* setup(revision)
        const traceId = "0af7651916cd43dd8448eb211c80319c"
        const from = (traceparent: string) => client.callTool("fine", {}, { meta: { traceparent } })
        yield* from(`00-${traceId}-b7ad6b7169203331-01`)
        yield* from(`00-${traceId}-b7ad6b7169203331-00`)
        yield* from("nonsense")
        const [sampled, not, stranger] = spans.filter(({ name }) => name === "tools/call fine")
        assert.deepStrictEqual([sampled!.traceId, sampled!.sampled], [traceId, true])
        const parent = Option.getOrThrow(sampled!.parent)
        assert.deepStrictEqual([parent._tag, parent.spanId], ["ExternalSpan", "b7ad6b7169203331"])
        assert.deepStrictEqual([not!.traceId, not!.sampled], [traceId, false])
        assert.isTrue(Option.isNone(stranger!.parent))
      }))

    it.effect("continues the trace of a client that has one", () =>
      Effect.gen(function*() {
        const { client, spans } = yield* setup(revision)
        const traceId = yield* Effect.useSpan("the client's", (span) =>
          Effect.as(Effect.withParentSpan(client.callTool("fine"), span), span.traceId))
        assert.strictEqual(
          spans.find(({ name }) =>
            name === "tools/call fine"
          )!.traceId,
          traceId
        )
      }))

    it.effect("is around the middleware too", () =>
      Effect.gen(function*() {
        const watch = Middleware.make((_request, next) => Effect.withSpan(next, "middleware"))
        const { client, spans } = yield* setup(revision, { middleware: [watch] })
        yield* client.callTool("fine")
        const named = (name: string) => spans.findLast((span) => span.name === name)!
        const parent = (name: string) => Option.getOrThrow(named(name).parent).spanId
        assert.strictEqual(parent("middleware"), named("tools/call fine").spanId)
        assert.strictEqual(parent("work"), named("middleware").spanId)
      }))

    it.effect("is not made where tracing is off", () =>
      Effect.gen(function*() {
        const { client, spans } = yield* setup(revision, { enabled: false })
        yield* client.callTool("fine")
        yield* Effect.exit(client.callTool("nobody"))
        assert.deepStrictEqual(spans, [])
      }))
  })

  describe(`in ${revision} the metrics`, () => {
    it.effect("count requests by method and outcome, and how long they took", () =>
      Effect.gen(function*() {
        const { client, registry } = yield* setup(revision)
        yield* TestClock.adjust(0)
        for (const name of ["fine", "fine", "declared", "refuses", "panics", "cancels", "nobody"]) {
          yield* Effect.exit(client.callTool(name))
        }
        const late = yield* Effect.forkChild(client.callTool("never"), { startImmediately: true })
        yield* McpTest.settle
        const inFlight = () => seen("mcp.server.requests.in_flight")[0]!.state as { readonly value: number }
        const seen = (id: string) => snapshot.filter((metric) => metric.id === id)
        let snapshot = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
        assert.strictEqual(inFlight().value, 1)
        yield* TestClock.adjust("30 seconds")
        yield* Fiber.await(late)
        snapshot = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
        assert.strictEqual(inFlight().value, 0)
        const durations = seen("mcp.server.operation.duration").flatMap(({ attributes, state }) => {
          const { outcome, "mcp.method.name": method } = Object.fromEntries(
            Array.isArray(attributes) ? attributes : Object.entries(attributes ?? {})
          )
          const { count, sum } = state as unknown as { readonly count: number; readonly sum: number }
          return method === "tools/call" ? [[outcome, count, sum]] : []
        })
        assert.deepStrictEqual(durations.toSorted(), [
          ["Cancelled", 2, 30],
          ["Err", 2, 0],
          ["Ok", 3, 0],
          ["Panicked", 1, 0]
        ])
      }))
  })
}

describe("trace context in _meta", () => {
  const ids = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }

  it("is read as it is written", () => {
    for (const sampled of [true, false]) {
      const span = Tracing.extract(Tracing.inject(Tracer.externalSpan({ ...ids, sampled })))!
      assert.deepStrictEqual([span.traceId, span.spanId, span.sampled], [ids.traceId, ids.spanId, sampled])
    }
  })

  it("is ignored where it is not what W3C Trace Context allows", () => {
    const { spanId, traceId } = ids
    const wrong = [
      undefined,
      5,
      null,
      "",
      `00-${traceId}-${spanId}`,
      `00-${traceId}-${spanId}-1`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `00-${"0".repeat(32)}-${spanId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `ff-${traceId}-${spanId}-01`,
      ` 00-${traceId}-${spanId}-01`
    ]
    for (const traceparent of wrong) {
      assert.isUndefined(Tracing.extract({ traceparent } as never), String(traceparent))
    }
  })

  it("of a later version is read by its first four parts", () => {
    const { spanId, traceId } = ids
    const span = Tracing.extract({ traceparent: `01-${traceId}-${spanId}-01-more` })
    assert.strictEqual(span?.spanId, spanId)
    assert.isUndefined(Tracing.extract({ traceparent: `00-${traceId}-${spanId}-01-more` }))
  })
})
