/** Tools that behave badly in every way a handler can, and tell what became of them. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"

/** Part of every defect here; it must not be found in any frame. */
export const secret = "hunter2"

export interface Probe {
  /** What the tools went through: `never started`, `never Cancelled User`. */
  readonly events: Array<string>
  /** Lets `wait` go on. */
  readonly gate: Deferred.Deferred<void>
  /** Lets `stubborn` end at last. */
  readonly end: Deferred.Deferred<void>
  /** The most a count or a time in arguments comes to. */
  readonly cap: number
  readonly onEvent: ((event: string) => void) | undefined
}

export const makeProbe = (onEvent?: (event: string) => void, cap = Infinity): Probe => ({
  cap,
  events: [],
  gate: Deferred.makeUnsafe<void>(),
  end: Deferred.makeUnsafe<void>(),
  onEvent
})

const boom = () => new Error(`the password is ${secret}`, { cause: new Error(secret) })

const explosions: { readonly [how: string]: Effect.Effect<unknown> } = {
  throws: Effect.sync(() => {
    throw boom()
  }),
  dies: Effect.die(boom()),
  diesLater: Effect.andThen(Effect.yieldNow, Effect.die(boom())),
  rejects: Effect.promise(() => Promise.reject(boom())),
  throwsText: Effect.die(secret),
  throwsNothing: Effect.die(undefined),
  diesInFinalizer: Effect.ensuring(Effect.void, Effect.die(boom())),
  returnsBigint: Effect.succeed({ value: 1n, secret }),
  returnsCycle: Effect.sync(() => {
    const cycle: { self?: unknown; secret: string } = { secret }
    cycle.self = cycle
    return cycle
  }),
  returnsTrap: Effect.succeed({
    toJSON: () => {
      throw boom()
    }
  })
}

export const howToExplode = Object.keys(explosions)

export const make = (probe: Probe) => {
  const tell = (event: string) =>
    Effect.sync(() => {
      probe.events.push(event)
      probe.onEvent?.(event)
    })
  const watched = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
    Effect.andThen(tell(`${name} started`), effect).pipe(
      Effect.onExit((exit) => {
        const outcome = Outcome.fromExit(exit)
        return tell(`${name} ${outcome._tag}${outcome._tag === "Cancelled" ? ` ${outcome.reason}` : ""}`)
      })
    )
  const logsAtTheEnd = Tool.make("logsAtTheEnd", {
    handler: () => watched("logsAtTheEnd", Effect.onInterrupt(Effect.never, () => ClientLog.error("the end")))
  })
  return [
    logsAtTheEnd,
    Tool.make("nests", { handler: () => watched("nests", Effect.orDie(Tool.call(logsAtTheEnd, {}))) }),
    Tool.make("echo", {
      parameters: { text: Schema.String },
      success: Schema.String,
      handler: ({ text }) => Effect.succeed(text)
    }),
    Tool.make("any", {
      parameters: Schema.Record(Schema.String, Schema.Unknown),
      success: Schema.String,
      handler: (all) => Effect.sync(() => String(Object.keys(all).length))
    }),
    Tool.make("never", { handler: () => watched("never", Effect.never) }),
    Tool.make("talkingNever", {
      handler: () => watched("talkingNever", Effect.andThen(Progress.report(1), Effect.never))
    }),
    Tool.make("wait", {
      success: Schema.String,
      handler: () => watched("wait", Effect.as(Deferred.await(probe.gate), "waited"))
    }),
    Tool.make("slowToEnd", {
      parameters: { ms: Schema.Finite },
      handler: ({ ms }) =>
        watched(
          "slowToEnd",
          Effect.onInterrupt(
            Effect.never,
            () => Effect.andThen(Effect.sleep(Math.min(ms, probe.cap)), tell("slow end"))
          )
        )
    }),
    Tool.make("talksAtTheEnd", {
      handler: () => watched("talksAtTheEnd", Effect.onInterrupt(Effect.never, () => Progress.report(9)))
    }),
    Tool.make("stubborn", {
      handler: () => watched("stubborn", Effect.onInterrupt(Effect.never, () => Deferred.await(probe.end)))
    }),
    Tool.make("masked", {
      success: Schema.String,
      handler: () => Effect.uninterruptible(watched("masked", Effect.as(Deferred.await(probe.gate), "masked")))
    }),
    Tool.make("diesOnCancel", {
      handler: () => watched("diesOnCancel", Effect.onInterrupt(Effect.never, () => Effect.die(boom())))
    }),
    Tool.make("stop", {
      parameters: { reason: Schema.Literals(Outcome.cancelReasons) },
      handler: ({ reason }) => watched("stop", Outcome.interruptSelf(reason))
    }),
    Tool.make("logs", { handler: () => ClientLog.error("hello") }),
    Tool.make("fail", {
      failure: Schema.Struct({ why: Schema.String }),
      handler: () => Effect.fail({ why: "declared" })
    }),
    Tool.make("explode", {
      parameters: { how: Schema.Literals(howToExplode) },
      success: Tool.Result,
      handler: ({ how }) => Effect.map(explosions[how]!, (structuredContent) => ({ content: [], structuredContent }))
    }),
    Tool.make("talk", {
      parameters: { count: Schema.Finite, size: Schema.optionalKey(Schema.Finite) },
      success: Schema.Finite,
      handler: Effect.fnUntraced(function*({ count, size }) {
        yield* tell("talk started")
        const message = "x".repeat(Math.max(0, Math.min(size ?? 0, probe.cap)))
        for (let i = 1; i <= Math.min(count, probe.cap); i++) yield* Progress.report(i, { message })
        yield* tell("talk done")
        return count
      }, Effect.onInterrupt(() => tell("talk cut")))
    }),
    Tool.make("mirrored", {
      parameters: {
        text: Schema.optionalKey(Schema.NullOr(Schema.String)),
        region: Schema.optionalKey(Schema.String.annotate({ "x-mcp-header": "Region" } as {})),
        priority: Schema.optionalKey(Schema.Int.annotate({ "x-mcp-header": "Priority" } as {})),
        verbose: Schema.optionalKey(Schema.Boolean.annotate({ "x-mcp-header": "Verbose" } as {}))
      },
      success: Schema.String,
      handler: () => Effect.succeed("ok")
    })
  ] as const
}

export type Options = Omit<Parameters<typeof McpServer.layer>[0], "name" | "version" | "tools">

export const server = (probe: Probe = makeProbe(), options: Options = {}) =>
  McpServer.layer({ name: "tools", version: "1", tools: make(probe), ...options } as {
    name: string
    version: string
    tools: ReturnType<typeof make>
  })
