/**
 * Our side of the bench: `stdio`, or `http PORT`, with one tool. FASTMCP_BENCH_FEATURES leaves parts out or adds them;
 * FASTMCP_BENCH_LOAD puts the tools of a large load in the place of the one: `list` or `report`;
 * FASTMCP_BENCH_MIDDLEWARES is how many middlewares that do nothing stand around each request, and FASTMCP_BENCH_TOOLS how
 * many tools there are, the one among them; FASTMCP_BENCH_WITHIN makes it a part of another, see `composed.ts`: `mount`,
 * `namespace`, or `stdio` or `http` for a proxy in front;
 * FASTMCP_BENCH_JWK is the key that tokens are signed with, and lets nobody in without one;
 * FASTMCP_BENCH_SESSION_IDLE is how many milliseconds a session lives without its client.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as McpServer from "fastmcp-effect/server/McpServer"

const features = new Set((process.env.FASTMCP_BENCH_FEATURES ?? "").split(","))

const within = process.env.FASTMCP_BENCH_WITHIN as "mount" | "namespace" | "stdio" | "http" | undefined
const composed = within === undefined ? undefined : await import("./composed.ts")
const name = within === "namespace" ? composed!.nameInNamespace : "add"

const add = features.has("noschema")
  ? Tool.make(name, {
    description: "Adds two numbers",
    parameters: Schema.Record(Schema.String, Schema.Unknown),
    success: Schema.String,
    handler: ({ a, b }) => Effect.succeed(String((a as number) + (b as number)))
  })
  : Tool.make(name, {
    description: "Adds two numbers",
    parameters: { a: Schema.Finite, b: Schema.Finite },
    success: Schema.String,
    handler: ({ a, b }) => Effect.succeed(String(a + b))
  })

const load = process.env.FASTMCP_BENCH_LOAD
const others = Array.from(
  { length: Number(process.env.FASTMCP_BENCH_TOOLS ?? 1) - 1 },
  (_, n) =>
    Tool.make(`add_${n}`, {
      description: `Adds two numbers, and is number ${n}`,
      parameters: { a: Schema.Finite, b: Schema.Finite },
      success: Schema.String,
      handler: ({ a, b }) => Effect.succeed(String(a + b))
    })
)
// The one that is called stands in the middle.
const tools = load === undefined
  ? [...others.slice(others.length / 2), add, ...others.slice(0, others.length / 2)]
  : (await import("./large/ours.ts"))[load as "list" | "report"]()

const open = McpServer.layer({
  name: "bench",
  version: "1.0.0",
  tools,
  ...(features.has("pages") ? { pageSize: 100 } : {}),
  requestTimeout: features.has("nobudget") ? Duration.infinity : "30 seconds",
  middleware: Array.from(
    { length: Number(process.env.FASTMCP_BENCH_MIDDLEWARES ?? (features.has("middleware") ? 1 : 0)) },
    () => Middleware.make((_request, next) => next)
  )
}).pipe(
  Layer.provide(Layer.succeed(References.TracerEnabled, !features.has("notrace")))
)

const whole = composed === undefined || within === undefined
  ? open
  : within === "mount"
  ? composed.mounted(open)
  : within === "namespace"
  ? composed.namespaced<(typeof tools)[number]>(tools)
  : composed.behind(within)

const jwk = process.env.FASTMCP_BENCH_JWK
const server = jwk === undefined
  ? whole
  : whole.pipe(Layer.provide((await import("./bearer.ts")).layer(JSON.parse(jwk))))

const [mode, port] = process.argv.slice(2)
const sessionIdle = process.env.FASTMCP_BENCH_SESSION_IDLE
if (mode === "http") {
  NodeHttp.serve({ port: Number(port), ...(sessionIdle === undefined ? {} : { sessionIdle: Number(sessionIdle) }) })(
    server
  )
} else NodeStdio.run(server)
