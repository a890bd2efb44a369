/**
 * What the official clients are tried on: `stdio`, or `http PORT`. It appends what happens inside it to the file
 * INTEROP_EVENTS, and writes noise to stdout wherever a program of a user might.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Progress from "fastmcp-effect/context/Progress"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as McpServer from "fastmcp-effect/server/McpServer"
import { appendFileSync } from "node:fs"
import * as features from "./features.ts"

const event = (text: string) => appendFileSync(process.env.INTEROP_EVENTS!, `${text}\n`)

const makeNoise = (where: string) =>
  Effect.gen(function*() {
    console.log(`noise from ${where}`)
    console.info({ noise: where })
    process.stdout.write(`noise from ${where}, written\n`)
    yield* Effect.log(`noise from ${where}, logged`)
  })

const noisy = Middleware.make(({ method }, next) => Effect.andThen(makeNoise(method), next))

const noisyResource = Layer.effectDiscard(
  Effect.acquireRelease(makeNoise("acquisition"), () => makeNoise("release"))
)

const echo = Tool.make("echo", {
  description: "Answers with the text it is given",
  parameters: { text: Schema.String },
  success: Schema.String,
  handler: ({ text }) => Effect.succeed(text)
})

class Forecast extends Schema.Class<Forecast>("Forecast")({
  city: Schema.String,
  celsius: Schema.Finite,
  sunrise: Schema.optionalKey(Schema.Date),
  hours: Schema.Array(Schema.Struct({ hour: Schema.Int, rain: Schema.NullOr(Schema.Finite) })),
  wind: Schema.Literals(["calm", "strong"])
}) {}

const forecast = Tool.make("forecast", {
  description: "Answers with structured content",
  parameters: { city: Schema.String, days: Schema.optionalKey(Schema.Int) },
  success: Forecast,
  handler: ({ city, days = 1 }) =>
    Effect.succeed(
      new Forecast({
        city,
        celsius: 21.5,
        sunrise: new Date(0),
        hours: Array.from({ length: days }, (_, hour) => ({ hour, rain: hour === 0 ? null : 0.5 })),
        wind: "calm"
      })
    )
})

const add = Tool.make("add", {
  description: "Answers with a bare number, which only 2026-07-28 has as structured content",
  parameters: { a: Schema.Finite, b: Schema.Finite },
  success: Schema.Finite,
  handler: ({ a, b }) => Effect.succeed(a + b)
})

class InsufficientFunds extends Schema.TaggedError<InsufficientFunds>()("InsufficientFunds", {
  missing: Schema.Finite,
  message: Schema.String
}) {}

const withdraw = Tool.make("withdraw", {
  description: "Fails as it declares",
  parameters: { amount: Schema.Finite },
  success: Schema.Finite,
  failure: InsufficientFunds,
  handler: ({ amount }) =>
    Effect.fail(new InsufficientFunds({ missing: amount, message: `The account lacks ${amount}` }))
})

const climb = Tool.make("climb", {
  description: "Reports progress, some of it backwards",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    for (const step of [1, 2, 2, 1.5, 2.5, 3]) {
      yield* Progress.report(step, { total: 3, message: `step ${step}` })
    }
    // The official clients lose what arrives in one chunk with its reply: modelcontextprotocol/typescript-sdk#2580.
    yield* Effect.sleep("50 millis")
    return "there"
  })
})

const chatter = Tool.make("chatter", {
  description: "Logs at every level",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    yield* ClientLog.debug("a detail")
    yield* ClientLog.info({ step: 1, nested: [null, true] }, { logger: "interop" })
    yield* ClientLog.warning("a warning")
    yield* ClientLog.error("an error")
    return "said"
  })
})

const hang = Tool.make("hang", {
  description: "Never ends, and tells how it was ended",
  parameters: { key: Schema.String },
  success: Schema.String,
  handler: ({ key }) =>
    Effect.sync(() => event(`started ${key}`)).pipe(
      Effect.andThen(Effect.never),
      Effect.ensuring(Effect.andThen(
        Effect.sleep("20 millis"),
        Effect.sync(() => event(`finalized ${key}`))
      ))
    )
})

const nap = Tool.make("nap", {
  description: "Ends after a while",
  parameters: { key: Schema.String, millis: Schema.Finite },
  success: Schema.String,
  handler: ({ key, millis }) =>
    Effect.sync(() => event(`started ${key}`)).pipe(
      Effect.andThen(Effect.sleep(millis)),
      Effect.as("rested")
    )
})

const late = Tool.make("late", {
  description: "Takes longer than it may",
  timeout: "50 millis",
  success: Schema.String,
  handler: () => Effect.never
})

const die = Tool.make("die", {
  description: "Hits a bug of its author",
  success: Schema.String,
  handler: () => Effect.die(new Error("the secret of the defect"))
})

const whoami = Tool.make("whoami", {
  description: "What the server knows of its client",
  success: Schema.Struct({ name: Schema.String, version: Schema.String, revision: Schema.String }),
  handler: () =>
    RequestContext.RequestContext.use(({ client, revision }) =>
      Effect.succeed({
        name: client.info?.name ?? "",
        version: client.info?.version ?? "",
        revision: revision.version
      })
    )
})

const region = Tool.make("region", {
  description: "Has an argument that clients of 2026-07-28 mirror into a header",
  parameters: { name: Schema.String.annotate({ "x-mcp-header": "Region" }) },
  success: Schema.String,
  handler: ({ name }) => Effect.succeed(`Region: ${name}`)
})

const sample = Tool.make("sample", {
  description: "Needs a client that can sample",
  requires: { sampling: {} },
  success: Schema.String,
  handler: () => Effect.succeed("The client can sample")
})

const ask = Tool.make("ask", {
  description: "Needs a client that can ask its user",
  requires: { elicitation: {} },
  success: Schema.String,
  handler: () => Effect.succeed("The client can ask")
})

const guest = Tool.make("guest", {
  description: "Comes and goes with `toggle`",
  success: Schema.String,
  handler: () => Effect.succeed("Here for now")
})

const toggle = Tool.make("toggle", {
  description: "Adds a tool to this server, or takes it away again",
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    const server = yield* McpServer.McpServer
    const added = yield* Effect.result(Scope.provide(server.add(guest), server.scope))
    if (added._tag === "Success") return "added"
    yield* server.remove("tools", guest.name)
    return "removed"
  })
})

const { INTEROP_GRACE: grace, INTEROP_PAGE_SIZE: pageSize } = process.env

const server = McpServer.register(toggle).pipe(
  Layer.provideMerge(McpServer.layer({
    name: "interop",
    title: "Interop",
    version: "1.2.3",
    instructions: "Try everything.",
    tools: [
      echo,
      forecast,
      add,
      withdraw,
      climb,
      chatter,
      hang,
      nap,
      late,
      die,
      whoami,
      region,
      sample,
      ask,
      ...features.tools
    ],
    resources: features.resources,
    prompts: features.prompts,
    ...(pageSize === undefined ? undefined : { pageSize: Number(pageSize) }),
    middleware: [noisy]
  })),
  Layer.provideMerge(noisyResource)
)

process.on("exit", (code) => event(`exit ${process.pid} ${code}`))

const [mode, port] = process.argv.slice(2)
const options = grace === undefined ? {} : { grace: Number(grace) }
if (mode === "http") {
  // After a call that was cancelled the clients come back once for its stream: sooner than a test waits for timers.
  NodeHttp.serve({ ...options, port: Number(port), sse: true, retryInterval: "100 millis" })(server)
} else {
  NodeStdio.run(options)(server)
}
