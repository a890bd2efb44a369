/** The server the requirements are tried on, out of public exports only, and what its handlers went through. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as Extension from "fastmcp-effect/server/Extension"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as asking from "./definitions/asking.ts"
import * as content from "./definitions/content.ts"
import * as tasks from "./definitions/tasks.ts"

/** What a handler must not let out. */
export const secret = "swordfish"

export const levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const

export interface Probe {
  /** "<tool> started", "<tool> ended", "<tool> interrupted", oldest first. */
  readonly events: Array<string>
  /** Lets `waits` and what `late` left behind go on. */
  readonly gate: Deferred.Deferred<void>
}

export const makeProbe = (): Probe => ({ events: [], gate: Deferred.makeUnsafe<void>() })

export const tools = (probe: Probe) => {
  const tell = (event: string) => Effect.sync(() => void probe.events.push(event))
  const watched = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
    tell(`${name} started`).pipe(
      Effect.andThen(effect),
      Effect.onInterrupt(() => tell(`${name} interrupted`)),
      Effect.tap(() => tell(`${name} ended`))
    )
  return [
    Tool.make("echo", {
      description: "Says it again",
      parameters: { text: Schema.String },
      success: Schema.String,
      handler: ({ text }) => watched("echo", Effect.succeed(text))
    }),
    Tool.make("add", {
      parameters: { a: Schema.Finite, b: Schema.Finite },
      success: Schema.Struct({ sum: Schema.Finite }),
      handler: ({ a, b }) => Effect.succeed({ sum: a + b })
    }),
    Tool.make("nothing", { handler: () => Effect.void }),
    Tool.make("steps", {
      handler: Effect.fnUntraced(function*() {
        for (const step of [1, 1, 0.5, 2, 2.5, -1, 3]) yield* Progress.report(step, { total: 3 })
      })
    }),
    Tool.make("waits", {
      handler: () =>
        watched(
          "waits",
          Effect.andThen(Progress.report(1), Effect.andThen(Deferred.await(probe.gate), Progress.report(2)))
        )
    }),
    Tool.make("late", {
      handler: Effect.fnUntraced(function*() {
        yield* Progress.report(1)
        yield* Effect.forkDetach(
          watched("late", Effect.andThen(Deferred.await(probe.gate), Progress.report(2)))
        )
      })
    }),
    Tool.make("logs", {
      handler: () => Effect.forEach(levels, (level) => ClientLog.log(level, `at ${level}`), { discard: true })
    }),
    Tool.make("prints", {
      success: Schema.String,
      handler: Effect.fnUntraced(function*() {
        yield* Effect.log("noise of Effect")
        yield* Effect.sync(() => console.log("noise of console\n{\"not\": \"a message\"}"))
        return "quiet"
      })
    }),
    Tool.make("fails", {
      failure: Schema.Struct({ why: Schema.String }),
      handler: () => Effect.fail({ why: "declared" })
    }),
    Tool.make("dies", { handler: () => Effect.die(new Error(`it was ${secret}`)) }),
    Tool.make("slow", { timeout: "1 second", handler: () => watched("slow", Effect.never) }),
    Tool.make("samples", {
      requires: { sampling: {} },
      handler: () => watched("samples", Effect.void)
    }),
    Tool.make("mirrored", {
      parameters: {
        region: Schema.optionalKey(Schema.String.annotate({ "x-mcp-header": "Region" } as {})),
        count: Schema.optionalKey(Schema.Int.annotate({ "x-mcp-header": "Count" } as {})),
        sure: Schema.optionalKey(Schema.Boolean.annotate({ "x-mcp-header": "Sure" } as {}))
      },
      success: Schema.String,
      handler: () => watched("mirrored", Effect.succeed("ok"))
    })
  ] as const
}

export const extraTool = Tool.make("extra", { handler: () => Effect.void })

const extension = Extension.make({
  id: "com.example/greeting",
  methods: {
    "greeting/hello": { params: Schema.Struct({}), handle: () => Effect.succeed({ greeting: "hello" }) }
  }
})

export interface Options {
  readonly pageSize?: number
  /** Whether its tools run as tasks. True. */
  readonly hasTasks?: boolean
  readonly tasksOnPage?: number
}

export const layer = (probe: Probe, { hasTasks = true, tasksOnPage = 100, ...options }: Options = {}) =>
  McpServer.layer({
    name: "requirements",
    version: "1.0.0",
    instructions: "Try everything.",
    tools: [
      ...tools(probe),
      ...asking.tools((tool) => void probe.events.push(`${tool} ran`)),
      ...tasks.tools(probe.gate)
    ],
    ...content.definitions,
    extensions: [
      extension,
      ...hasTasks ? [McpTasks.extension({ list: "everybody", pageSize: tasksOnPage, worker: { drain: 0 } })] : []
    ],
    cacheHints: { ttlMs: 60_000, cacheScope: "public" },
    ...options
  }).pipe(Layer.provide(Layer.fresh(Docket.layerMemory())))
