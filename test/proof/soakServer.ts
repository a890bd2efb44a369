/**
 * The server of the soak: short times, and a page that says what it holds after a collection. `node --expose-gc`.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { McpServer, Progress, Tool } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"

let fibers = 0
const Counted = Layer.succeed(Metric.FiberRuntimeMetrics, {
  recordFiberStart: () => {
    fibers++
  },
  recordFiberEnd: () => {
    fibers--
  }
})

const flood = "x".repeat(10_000)

const tools = [
  Tool.make("echo", {
    parameters: { text: Schema.String },
    success: Schema.String,
    handler: ({ text }) => Effect.succeed(text)
  }),
  Tool.make("never", { handler: () => Effect.andThen(Progress.report(1), Effect.never) }),
  // For as long as somebody reads.
  Tool.make("flood", {
    handler: Effect.fnUntraced(function*() {
      for (let step = 1;; step++) yield* Progress.report(step, { message: flood })
    })
  })
] as const

const stats = HttpRouter.add(
  "GET",
  "/stats",
  Effect.sync(() => {
    for (let round = 0; round < 4; round++) globalThis.gc!()
    const { heapUsed, rss } = process.memoryUsage()
    const sockets = process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
    return HttpServerResponse.jsonUnsafe({ heapUsed, rss, fibers, sockets })
  })
)

McpServer.layer({ name: "soak", version: "1.0.0", tools, requestTimeout: "5 seconds" }).pipe(
  Layer.provideMerge(Counted),
  NodeHttp.serve({
    port: 0,
    routes: stats,
    maxSessions: 20_000,
    sessionIdle: "4 seconds",
    headersTimeout: "2 seconds",
    bodyTimeout: "2 seconds",
    idleTimeout: "2 seconds",
    stallTimeout: "2 seconds",
    keepAlive: "1 second"
  })
)
