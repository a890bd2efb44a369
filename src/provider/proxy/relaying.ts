/**
 * A request as it goes on to the server behind a proxy, and what comes back for its caller: `_meta` and budget on the
 * way there, progress and logs meanwhile, the result or the refusal at the end. Nothing is decoded or checked.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as ClientHandlers from "../../client/ClientHandlers.ts"
import type * as McpClient from "../../client/McpClient.ts"
import type * as RequestContext from "../../context/RequestContext.ts"
import * as Budget from "../../core/Budget.ts"
import * as Outcome from "../../core/Outcome.ts"
import type * as JsonRpc from "../../protocol/JsonRpc.ts"
import type * as McpError from "../../protocol/McpError.ts"
import * as McpSchema from "../../protocol/McpSchema.ts"
import * as Meta from "../../protocol/Meta.ts"
import * as Revisions from "../../protocol/Revisions.ts"
import * as refusals from "./refusals.ts"
import type * as sessions from "./sessions.ts"

export type Request = RequestContext.RequestContext["Service"]

/** What is asked of the server behind. */
export interface Call {
  readonly method: "tools/call" | "resources/read" | "prompts/get" | "completion/complete"
  readonly params: JsonRpc.JsonObject
  /** Whether it may be sent twice where its answer was lost; what only reads is, when left out. */
  readonly idempotent?: boolean
}

/** How it is asked, beside what. */
export interface Options {
  readonly listener: Listener
  readonly party: sessions.Party
  readonly answer?: NonNullable<McpClient.RequestOptions["answer"]>
}

/** Who hears what the server says before it answers. */
export interface Listener {
  readonly onProgress: ((progress: ClientHandlers.ProgressMessage) => void) | undefined
  readonly onTold: ((notification: JsonRpc.Notification) => void) | undefined
  readonly logLevel: McpSchema.LoggingLevel | undefined
}

/** Sends it, within what is left of the caller's budget by now. `fiber` works for the request. */
export const send = (
  name: string,
  { client }: sessions.Session,
  { idempotent, method, params }: Call,
  request: Request,
  fiber: Fiber.Fiber<unknown, unknown>,
  { answer, listener, party }: Options
): Effect.Effect<JsonRpc.JsonObject, McpError.McpError> => {
  const { cost, timeLeft } = Budget.remainingOf(fiber)
  const left = lessOf(timeLeft)
  if (left <= 0) return Outcome.interruptSelf("Deadline")
  const { revision } = client.server()
  const isStateless = Revisions.select(revision)?.era === "Stateless"
  const meta = passedOn(request.meta)
  return client.forward(
    method,
    meta === undefined ? params : { ...params, _meta: meta },
    {
      // Who has a deadline is interrupted when it falls; that time stands still while its client is asked.
      timeout: timeLeft === Infinity ? undefined : Duration.infinity,
      maxTimeout: timeLeft === Infinity ? undefined : Duration.infinity,
      unchecked: true,
      keepsErrors: true,
      rounds: false,
      bringsTrace: true,
      meta: ownMeta(left, cost, isStateless ? listener.logLevel : undefined),
      idempotent,
      caller: isStateless ? party : undefined,
      onProgress: listener.onProgress,
      answer,
      onTold: listener.onTold
    },
    {
      onSuccess: (result) => Effect.succeed(isStateless ? lifted(method, result) : result),
      onFailure: (error) => Effect.fail(refusals.of(name, error, { request, method, params, revision }))
    },
    fiber
  )
}

const ownMeta = (
  timeLeft: number,
  cost: number,
  logLevel: McpSchema.LoggingLevel | undefined
): JsonRpc.JsonObject | undefined => {
  if (timeLeft === Infinity && cost === Infinity && logLevel === undefined) return undefined
  return {
    ...(timeLeft === Infinity && cost === Infinity ? undefined : {
      [Meta.budget]: {
        ...(timeLeft === Infinity ? undefined : { timeLeft }),
        ...(cost === Infinity ? undefined : { cost })
      }
    }),
    ...(logLevel === undefined ? undefined : { [Meta.logLevel]: logLevel })
  }
}

/** Time for an answer to come back in: what is passed on is less at each hop. */
const lessOf = (millis: number): number =>
  millis === Infinity ? Infinity : Math.floor(millis) - Math.min(Math.max(Math.floor(millis / 100), 1), 100)

/** Said anew on each hop. */
const ofOneHop: ReadonlySet<string> = new Set([
  "progressToken",
  Meta.protocolVersion,
  Meta.clientInfo,
  Meta.clientCapabilities,
  Meta.logLevel,
  Meta.subscriptionId,
  Meta.relatedTask,
  Meta.budget
])

const passedOn = (meta: JsonRpc.JsonObject): JsonRpc.JsonObject | undefined => {
  let passed: { [key: string]: JsonRpc.Json } | undefined
  for (const key in meta) if (!ofOneHop.has(key)) (passed ??= {})[key] = meta[key]!
  return passed
}

/** A result of 2026-07-28, without what only its own hop says. */
const lifted = (method: string, result: JsonRpc.JsonObject): JsonRpc.JsonObject => {
  const { _meta, resultType, ...rest } = result
  const { [Meta.serverInfo]: _, ...meta } = (_meta ?? {}) as JsonRpc.JsonObject
  const lifted = {
    ...rest,
    ...(resultType === "complete" || resultType === undefined ? undefined : { resultType }),
    ...(_meta === undefined || Object.keys(meta).length === 0 ? undefined : { _meta: meta })
  }
  if (method !== "resources/read" || resultType === "input_required") return lifted
  const { cacheScope, ttlMs, ...read } = lifted as JsonRpc.JsonObject
  return ttlMs === undefined && cacheScope === undefined ? read : {
    ...read,
    cacheHints: {
      ...(ttlMs === undefined ? undefined : { ttlMs }),
      ...(cacheScope === undefined ? undefined : { cacheScope })
    }
  }
}

// ----------------------------------------------------------------------------
// meanwhile
// ----------------------------------------------------------------------------

/** Messages one call may be behind; then it misses the oldest. */
const maxBehind = 256

/** Passes on what the server says about one request, in order, and no faster than its client reads. */
export class Outflow {
  private readonly context: Context.Context<never>
  private readonly waiting: Array<Effect.Effect<void>> = []
  private fiber: Fiber.Fiber<void> | undefined
  private isBusy = false

  constructor(context: Context.Context<never>) {
    this.context = context
  }

  push(effect: Effect.Effect<void>): void {
    if (this.waiting.length >= maxBehind) this.waiting.shift()
    this.waiting.push(effect)
    if (this.isBusy) return
    this.isBusy = true
    // It runs on this very stack as long as the client keeps up. One that has nothing left to do may not have ended yet.
    const fiber = Effect.runForkWith(this.context)(this.run)
    if (this.isBusy) this.fiber = fiber
  }

  private get run(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const next = this.waiting.shift()
      if (next !== undefined) return Effect.andThen(next, this.run)
      this.isBusy = false
      this.fiber = undefined
      return Effect.void
    })
  }

  get isDrained(): boolean {
    return this.fiber === undefined
  }

  /** Nothing may be said of a request once it has its answer. */
  get drained(): Effect.Effect<void> {
    return Effect.suspend(() => this.fiber === undefined ? Effect.void : Effect.asVoid(Fiber.await(this.fiber)))
  }

  end(): void {
    this.waiting.length = 0
    this.fiber?.interruptUnsafe()
  }
}

/** Whether what the server tells can be told to be for one request, and whether logs are wanted. */
export type Hears = "nothing" | "no logs" | "all"

/** As it came: logs at the level the client wants, what its revision does not have not at all, and what nobody knows. */
export const tell = (request: Request, { method, params = {} }: JsonRpc.Notification): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (method === "notifications/message") {
      const { logLevel } = request
      const { level } = params
      if (logLevel === undefined || !isLevel(level) || !McpSchema.passes(level, logLevel)) return Effect.void
    } else if (
      !Object.hasOwn(request.revision.serverNotifications, method) &&
      Revisions.all.some(({ serverNotifications }) => Object.hasOwn(serverNotifications, method))
    ) return Effect.void
    return request.notify(method, params)
  })

const isLevel = (level: unknown): level is McpSchema.LoggingLevel =>
  (McpSchema.LoggingLevel.literals as ReadonlyArray<unknown>).includes(level)

/** The request's own client hears, as far as it has asked to. */
export class Hearing implements Listener {
  readonly onProgress: Listener["onProgress"]
  readonly onTold: Listener["onTold"]
  readonly logLevel: Listener["logLevel"]
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private outflow: Outflow | undefined = undefined

  constructor(request: Request, fiber: Fiber.Fiber<unknown, unknown>, hears: Hears) {
    this.fiber = fiber
    this.onProgress = request.wantsProgress
      ? ({ progress, ...rest }) => this.push(request.reportProgress(progress, rest))
      : undefined
    this.onTold = hears === "nothing" ? undefined : (notification) => this.push(tell(request, notification))
    this.logLevel = hears === "all" ? request.logLevel : undefined
  }

  private push(effect: Effect.Effect<void>): void {
    this.outflow ??= new Outflow(this.fiber.context as Context.Context<never>)
    this.outflow.push(effect)
  }

  /** What is left to do when the call has ended: nothing may be said of a request once it has its answer. */
  ended(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> | undefined {
    const { outflow } = this
    return outflow === undefined || outflow.isDrained
      ? undefined
      : Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)
      ? Effect.sync(() => outflow.end())
      : Effect.onInterrupt(Effect.interruptible(outflow.drained), () => Effect.sync(() => outflow.end()))
  }
}

/** Runs a call whose server may say something meanwhile; `fiber` works for the request. */
export const heard = <A, E>(
  request: Request,
  fiber: Fiber.Fiber<unknown, unknown>,
  hears: Hears,
  body: (listener: Listener) => Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  if (!request.wantsProgress && hears === "nothing") return body(silent)
  const hearing = new Hearing(request, fiber, hears)
  return Effect.onExitPrimitive(body(hearing), (exit) => hearing.ended(exit))
}

export const silent: Listener = { onProgress: undefined, onTold: undefined, logLevel: undefined }
