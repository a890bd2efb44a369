/**
 * One request in flight, from its arrival to its reply: its span, its deadline, whatever stops it, and the one place
 * where its Exit becomes an Outcome and a reply. Nobody else writes to the wire for it.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import * as Challenge from "../context/Challenge.ts"
import * as Budget from "../core/Budget.ts"
import type * as Deadlines from "../core/Deadlines.ts"
import * as Outcome from "../core/Outcome.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as Revision from "../protocol/Revision.ts"
import type * as Metrics from "../telemetry/Metrics.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import type * as handlerContext from "./internal/handlerContext.ts"
import * as reply from "./internal/reply.ts"
import type * as router from "./router.ts"

/** What all requests of a server share. */
export interface Shared {
  readonly router: router.Router
  readonly deadlines: Deadlines.Deadlines
  /** The server's own services. */
  readonly services: Context.Context<never>
  /** Runs beside the requests, until the server ends. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly spans: Tracing.Spans | undefined
  readonly metrics: Metrics.Recorder
  readonly clock: Clock.Clock
  readonly finalizerTime: (reason: Outcome.CancelReason) => Duration.Duration
}

/** The connection it came on. */
export interface Owner {
  /** `initialize` has been answered. */
  readonly established: () => void
  /** It is over. */
  readonly left: (entry: InFlight) => void
  /** What the connection has settled on, in the stateful era. */
  readonly revision: () => Revision.Revision | undefined
}

export class InFlight {
  private readonly owner: Owner
  private readonly shared: Shared
  readonly request: handlerContext.HandlerContext
  private readonly route: router.Route
  private readonly farewell: object | undefined
  private readonly scopes: ReadonlyArray<string> | undefined
  readonly span: Tracer.Span | undefined
  readonly startedAt: number
  fiber: Fiber.Fiber<object, McpError.McpError> | undefined = undefined
  private deadline: Deadlines.Entry | undefined = undefined
  /** Why it was told to stop. */
  private cancelledFor: Outcome.CancelReason | undefined = undefined
  /** The client said so itself, and wants no reply. */
  private isDropped = false
  private isOver = false
  private correlation: string | undefined = undefined

  constructor(
    owner: Owner,
    shared: Shared,
    request: handlerContext.HandlerContext,
    route: router.Route,
    { farewell, scopes, target, tool }: router.Plan
  ) {
    this.owner = owner
    this.shared = shared
    this.request = request
    this.route = route
    this.farewell = farewell
    this.scopes = scopes
    this.startedAt = shared.clock.currentTimeMillisUnsafe()
    this.span = shared.spans?.start(
      Tracing.spanName(request.method, tool?.name ?? target?.name),
      "server",
      Tracing.extract(request.meta),
      this.startedAt
    )
    if (this.span !== undefined) {
      this.span.attribute(Tracing.attributes.method, request.method)
      this.span.attribute(Tracing.attributes.protocolVersion, request.revision.version)
      this.span.attribute(Tracing.attributes.requestId, String(request.id))
      if (tool !== undefined) this.span.attribute(Tracing.attributes.toolName, tool.name)
      if (target !== undefined) this.span.attribute(target.attribute, target.value)
      if (request.sessionId !== undefined) this.span.attribute(Tracing.attributes.sessionId, request.sessionId)
    }
  }

  watch(running: Budget.Running): void {
    this.deadline = this.shared.deadlines.add(running.deadline, () => {
      this.deadline = undefined
      if (this.isOver) return
      // While it waited for a person its clock stood still.
      if (running.isHeld) return Budget.onRelease(running, () => this.isWaiting() && this.watch(running))
      if (running.deadline > this.shared.clock.currentTimeMillisUnsafe()) return this.watch(running)
      this.cancel("Deadline")
    })
  }

  private isWaiting(): boolean {
    return !this.isOver && this.cancelledFor === undefined
  }

  /** The handler has asked what its client must answer first: it stops, and starts again when the answers come. */
  pause(): void {
    if (!this.isWaiting()) return
    this.unwatch()
    Outcome.interruptUnsafe(this.fiber!, "ParentCancelled")
    if (!this.isOver) this.limitFinalizers("ParentCancelled")
  }

  /** Interrupts the handler; its finalizers get the time their reason allows. */
  cancel(reason: Outcome.CancelReason): void {
    if (this.isOver) return
    if (reason === "User") {
      // Its client has forgotten it: neither its finalizers nor what it ends with have anything more to say.
      this.isDropped = true
      this.request.silence()
    }
    if (this.cancelledFor === undefined) {
      this.cancelledFor = reason
      this.unwatch()
      Outcome.interruptUnsafe(this.fiber!, reason)
      if (!this.isOver) this.limitFinalizers(reason)
    }
    // Not before: a handler that waits for its client would go on, as if it had been refused an answer.
    if (reason === "User") this.request.end()
  }

  private limitFinalizers(reason: Outcome.CancelReason): void {
    const allowed = Duration.toMillis(this.shared.finalizerTime(reason))
    this.deadline = this.shared.deadlines.add(
      this.shared.clock.currentTimeMillisUnsafe() + allowed,
      () => this.cut(reason, allowed)
    )
  }

  /** Ends what only its client would end. */
  dismiss(): void {
    if (this.farewell !== undefined) this.cancel("Shutdown")
  }

  /** The same, once its client is no longer let in. */
  dismissAt(at: number): void {
    if (at === Infinity) return
    this.deadline = this.shared.deadlines.add(at, () => {
      this.deadline = undefined
      if (!this.isOver) this.dismiss()
    })
  }

  /** The fiber ended. */
  settle(exit: Exit.Exit<object, McpError.McpError>): void {
    if (this.isOver) return
    this.unwatch()
    this.finish(exit)
    this.owner.left(this)
  }

  /** The finalizers took too long: the request is over for its peer and for who waits for its turn; they go on alone. */
  private cut(reason: Outcome.CancelReason, allowed: number): void {
    if (this.isOver) return
    this.shared.fork(Scope.close(this.request.turns, Exit.void))
    this.shared.fork(Effect.logWarning(
      `Finalizers of ${this.request.method} were still running ${allowed} ms after ${reason}; the request was closed without them.`
    ))
    this.finish(Outcome.toExit(Outcome.cancelled(reason)))
    this.owner.left(this)
  }

  /** The one place where an Exit becomes an Outcome and a reply. */
  finish(ended: Exit.Exit<object, McpError.McpError>): void {
    this.isOver = true
    this.request.end()
    const { paused } = this.request
    const exit = paused !== undefined && this.cancelledFor === undefined
        && Outcome.fromExit(ended)._tag === "Cancelled"
      ? Exit.succeed(paused)
      : ended
    const outcome = Outcome.fromExit(exit)
    const { shared } = this
    let code: number | undefined
    if (this.isDropped) this.request.exchange.drop()
    else code = this.answer(outcome)
    if (this.request.method === "initialize") this.owner.established()
    const now = shared.clock.currentTimeMillisUnsafe()
    if (this.span !== undefined) {
      const type = errorType(outcome)
      if (type !== undefined) this.span.attribute(Tracing.attributes.errorType, type)
      if (code !== undefined) this.span.attribute(Tracing.attributes.errorCode, String(code))
      shared.spans!.end(this.span, exit, now)
    }
    shared.metrics.record(this.request.method, outcome._tag, now - this.startedAt)
    if (outcome._tag === "Panicked" && Exit.isFailure(exit)) this.report(exit.cause, this.correlationId())
  }

  /** The code of the error it sent, if it was one. */
  private answer(ended: Outcome.Outcome<object, McpError.McpError>): number | undefined {
    const outcome = this.farewell !== undefined && ended._tag === "Cancelled" && ended.reason === "Shutdown"
      ? Outcome.ok(this.farewell)
      : ended._tag === "Err"
      ? Outcome.err(Challenge.include(ended.error, this.scopes))
      : ended
    const { exchange, id, revision } = this.request
    const encode = (result: object) => this.settledRoute().encode(result)
    const correlationId = outcome._tag === "Panicked" ? this.correlationId() : undefined
    let answer: reply.Reply
    try {
      answer = reply.make(id, outcome, revision.era, encode, correlationId)
    } catch (defect) {
      // What a handler returned is not JSON: a cycle, a bigint.
      answer = reply.make(id, Outcome.panicked(defect), revision.era, encode, this.correlationId())
      this.report(Cause.die(defect), this.correlationId())
    }
    exchange.reply(answer.frame, answer.status, answer.refused, this.request.challenge)
    return answer.code
  }

  /** `initialize` is answered in the revision it has settled on. */
  private settledRoute(): router.Route {
    const settled = this.request.method === "initialize" ? this.owner.revision() : undefined
    return settled === undefined ? this.route : this.shared.router.resolve(settled, "initialize") ?? this.route
  }

  /** What the client and the log know a defect by: its span, or a number of its own where nothing is traced. */
  private correlationId(): string {
    return this.correlation ??= this.span?.spanId ?? makeCorrelationId(this.shared.services)
  }

  private report(cause: Cause.Cause<unknown>, correlationId: string): void {
    this.shared.fork(reportDefect(this.request.method, cause, correlationId))
  }

  private unwatch(): void {
    if (this.deadline !== undefined) this.shared.deadlines.remove(this.deadline)
    this.deadline = undefined
  }
}

const errorType = (outcome: Outcome.Outcome<object, McpError.McpError>): string | undefined => {
  switch (outcome._tag) {
    case "Ok":
      return (outcome.value as { readonly isError?: unknown }).isError === true ? "tool_error" : undefined
    case "Err":
      return outcome.error.reason._tag
    case "Cancelled":
      return outcome.reason
    case "Panicked":
      return "Panicked"
  }
}

/** To the log, and to whoever collects errors. */
export const reportDefect = (method: string, cause: Cause.Cause<unknown>, correlationId: string): Effect.Effect<void> =>
  Effect.andThen(Effect.logError(`${method} hit a defect`, cause), ErrorReporter.report(cause)).pipe(
    Effect.annotateLogs({ correlationId })
  )

/** A number for a defect that no span stands for. */
export const makeCorrelationId = (services: Context.Context<never>): string =>
  Context.get(services, Random.Random).nextIntUnsafe().toString(16).replace("-", "f")
