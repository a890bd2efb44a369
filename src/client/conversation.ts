/**
 * A client's conversation with one server across the connections it takes: opens the first, opens another when one is
 * lost, and begins a session again that the server has ended. A request is made again only where that does no harm.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as Authorization from "../transport/Authorization.ts"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import type * as TransportError from "../transport/TransportError.ts"
import type * as KnownServers from "./KnownServers.ts"
import type * as lifecycle from "./lifecycle.ts"
import * as link from "./link.ts"
import type { Status } from "./McpClient.ts"
import * as McpClientError from "./McpClientError.ts"
import * as negotiation from "./negotiation.ts"

export type Failure = McpError.McpError | McpClientError.McpClientError

export interface Options {
  readonly transport: ClientTransport.ClientTransport["Service"]
  readonly shared: Omit<link.Shared, "closed">
  readonly self: lifecycle.Self
  readonly only: Revision.Revision | undefined
  readonly knownServers: KnownServers.KnownServers["Service"] | undefined
  /** How long connecting and settling may take together. */
  readonly connectTimeout: Duration.Duration
  readonly patience: Duration.Duration
  /** When to try again; undefined for never. */
  readonly reconnect: Schedule.Schedule<unknown, TransportError.TransportError> | undefined
  /** The conversation has begun, again if it had before. */
  readonly onOpened: (lifecycle: lifecycle.Lifecycle, isAgain: boolean) => void
  readonly onStatus: (status: Status) => void
}

/** What is made of the end of a request. */
export interface Then<out A, out E> {
  readonly onSuccess: (result: JsonObject) => Effect.Effect<A, E>
  readonly onFailure: (error: Failure) => Effect.Effect<A, E>
}

export interface Conversation {
  /** What the server has last settled on. */
  readonly lifecycle: () => lifecycle.Lifecycle
  /** Goes on with the result, whose time is not the request's. */
  readonly request: <A>(
    call: link.Call,
    conclude: (result: JsonObject) => Effect.Effect<A, Failure>
  ) => Effect.Effect<A, Failure>
  /** The same in fewer steps, for who is at it already: `fiber` works for it. */
  readonly forward: <A, E>(
    call: link.Call,
    then: Then<A, E>,
    fiber: Fiber.Fiber<unknown, unknown>
  ) => Effect.Effect<A, E>
  readonly notify: (method: string, params: JsonObject | undefined) => Effect.Effect<void>
}

/** A connection that lasted so long was a good one: the next is tried for as if it were the first. */
const goodAfter = 30_000

/** How often one request is sent where each time its connection is lost; where there is nobody it was not sent. */
const maxAttempts = 4

export const open = (options: Options): Effect.Effect<Conversation, Failure, Scope.Scope> =>
  Effect.gen(function*() {
    const conversation = new Impl(options, yield* Scope.fork(yield* Effect.scope))
    // Before the connections close: who waits is told at once, and nobody is let in any more.
    yield* Effect.addFinalizer(() => Effect.sync(() => conversation.close()))
    yield* conversation.begin
    return conversation
  })

class Impl implements Conversation {
  private readonly options: Options
  private readonly scope: Scope.Scope
  private readonly shared: link.Shared
  private current: { readonly link: link.Link; readonly scope: Scope.Closeable; readonly since: number } | undefined
  private settled: lifecycle.Lifecycle | undefined
  /** While there is no connection, or no session on it. */
  private opening: Deferred.Deferred<link.Link, Failure> | undefined
  private connecting: Fiber.Fiber<void> | undefined
  private over: Failure | undefined
  private step: ((error: TransportError.TransportError) => Effect.Effect<unknown, unknown>) | undefined

  constructor(options: Options, scope: Scope.Scope) {
    this.options = options
    this.scope = scope
    this.shared = { ...options.shared, closed: (link, error) => this.lost(link, error) }
  }

  lifecycle(): lifecycle.Lifecycle {
    return this.settled!
  }

  close(): void {
    const { current } = this
    this.current = undefined
    this.end(closed)
    current?.link.end(closed)
    this.connecting?.interruptUnsafe()
    if (this.opening !== undefined) Deferred.doneUnsafe(this.opening, Exit.fail(this.over!))
  }

  private end(error: Failure): void {
    if (this.over !== undefined) return
    this.over = error
    this.options.onStatus({ _tag: "Closed", error })
  }

  get begin(): Effect.Effect<void, Failure> {
    return Effect.mapError(Effect.asVoid(this.connect), explain)
  }

  // --------------------------------------------------------------------------
  // connections
  // --------------------------------------------------------------------------

  private get connect(): Effect.Effect<link.Link, link.Failure> {
    return Effect.catchIf(
      this.attempt(false),
      // A server that ends at a question it does not know can be one of the stateful era.
      (error) =>
        this.options.only === undefined && this.settled?.revision.era !== "Stateless" &&
        error._tag === "TransportError" && hasGone(error),
      () => this.attempt(true)
    )
  }

  private attempt(isStateful: boolean): Effect.Effect<link.Link, link.Failure> {
    return Effect.gen({ self: this }, function*() {
      const { connectTimeout, knownServers, transport } = this.options
      const scope = yield* Scope.fork(this.scope)
      const opened = new link.Link(this.shared)
      const origin = transport.origin
      const version = knownServers === undefined || origin === undefined ? undefined : yield* knownServers.get(origin)
      const known = version === undefined ? undefined : Revisions.select(version)
      return yield* Effect.flatMap(
        Scope.provide(transport.connect(opened), scope),
        (connection) => {
          opened.open(connection)
          return this.settle(opened, isStateful ? Revisions.latestStateful : known)
        }
      ).pipe(
        Authorization.timeoutOrElse({
          duration: connectTimeout,
          isAskingUser: transport.isAskingUser,
          orElse: () => Effect.fail(silent(connectTimeout))
        }),
        Effect.tap(() =>
          Effect.suspend(() => {
            const gone = opened.closedBy()
            if (gone !== undefined) return Effect.fail(gone)
            this.current = { link: opened, scope, since: this.shared.clock.currentTimeMillisUnsafe() }
            this.options.onStatus({ _tag: "Connected" })
            return Effect.void
          })
        ),
        // Who waited was told no more than that the answer is lost.
        Effect.mapError((error) => error._tag === "TransportError" ? opened.closedBy() ?? error : error),
        Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)),
        Effect.as(opened)
      )
    })
  }

  private settle(on: link.Link, known: Revision.Revision | undefined): Effect.Effect<void, link.Failure> {
    const { knownServers, only, patience, self, transport } = this.options
    return Effect.flatMap(
      negotiation.settle(on, { self, only, known, patience }),
      (settled) => {
        const isAgain = this.settled !== undefined
        this.settled = settled
        this.options.onOpened(settled, isAgain)
        return knownServers === undefined || transport.origin === undefined
          ? Effect.void
          : knownServers.set(transport.origin, settled.revision.version)
      }
    )
  }

  /** Nothing comes on this connection any more. */
  private lost(on: link.Link, error: TransportError.TransportError): void {
    const { current } = this
    if (current?.link !== on || this.over !== undefined) return
    this.current = undefined
    const now = this.shared.clock.currentTimeMillisUnsafe()
    if (now - current.since > goodAfter) this.step = undefined
    const opening = this.opening ??= Deferred.makeUnsafe()
    if (this.options.reconnect !== undefined) this.options.onStatus({ _tag: "Reconnecting", error })
    this.connecting = this.shared.fork(Effect.andThen(
      Effect.exit(Scope.close(current.scope, Exit.void)),
      Effect.flatMap(Effect.exit(this.reconnect(error)), (exit) =>
        Effect.sync(() => {
          if (this.opening === opening) this.opening = undefined
          if (Exit.isFailure(exit)) this.end(failureOf(exit) ?? closed)
          Deferred.doneUnsafe(opening, exit)
        }))
    ))
  }

  private reconnect(error: TransportError.TransportError): Effect.Effect<link.Link, Failure> {
    const { reconnect } = this.options
    if (reconnect === undefined) return Effect.fail(asClientError(error))
    const next = (last: TransportError.TransportError): Effect.Effect<link.Link, Failure> =>
      Effect.flatMap(this.pause(reconnect, last), (isOver) =>
        isOver
          ? Effect.fail(asClientError(last))
          : Effect.catch(
            this.connect,
            (failure): Effect.Effect<link.Link, Failure> =>
              failure._tag === "TransportError" && mayPass(failure)
                ? next(failure)
                // It may be starting still.
                : failure._tag === "McpClientError" && failure.reason._tag === "Timeout"
                ? next(last)
                : Effect.fail(explain(failure))
          ))
    return next(error)
  }

  /** Waits as the schedule says; true when it says no more. */
  private pause(
    reconnect: NonNullable<Options["reconnect"]>,
    error: TransportError.TransportError
  ): Effect.Effect<boolean> {
    return Effect.flatMap(
      this.step === undefined
        ? Effect.tap(Schedule.toStepWithSleep(reconnect), (step) =>
          Effect.sync(() => {
            this.step = step
          }))
        : Effect.succeed(this.step),
      (step) => Effect.match(step(error), { onSuccess: () => false, onFailure: () => true })
    )
  }

  /** The server has ended the session: begins another on the same connection. */
  private renew(on: link.Link): void {
    if (this.opening !== undefined || this.current?.link !== on) return
    const opening = this.opening = Deferred.makeUnsafe<link.Link, Failure>()
    const { connectTimeout, transport } = this.options
    this.shared.fork(
      Effect.flatMap(
        Effect.exit(
          this.settle(on, this.settled?.revision).pipe(
            Authorization.timeoutOrElse({
              duration: connectTimeout,
              isAskingUser: transport.isAskingUser,
              orElse: () => Effect.fail(silent(connectTimeout))
            })
          )
        ),
        (exit) =>
          Effect.sync(() => {
            // A connection that was lost meanwhile takes those who wait with it, to the next.
            if (this.current?.link !== on) return
            this.opening = undefined
            Deferred.doneUnsafe(
              opening,
              Exit.isSuccess(exit) ? Exit.succeed(on) : Exit.fail(explain(failureOf(exit) ?? closed))
            )
          })
      )
    )
  }

  // --------------------------------------------------------------------------
  // requests
  // --------------------------------------------------------------------------

  request<A>(
    call: link.Call,
    conclude: (result: JsonObject) => Effect.Effect<A, Failure>
  ): Effect.Effect<A, Failure> {
    const then = { onSuccess: conclude, onFailure: Effect.fail<Failure> }
    return Effect.withFiber((fiber) => this.forward(call, then, fiber))
  }

  forward<A, E>(call: link.Call, then: Then<A, E>, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<A, E> {
    return this.opening === undefined
      ? this.send(call, then, fiber)
      : Effect.matchEffect(link.inTime(this.shared, this.send(call, asItIs, fiber), call), then)
  }

  private send<A, E>(call: link.Call, then: Then<A, E>, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<A, E> {
    const { settled } = this
    const { clock } = this.shared
    const since = link.isTimed(call) ? clock.currentTimeMillisUnsafe() : 0
    return Effect.matchEffect(this.once(call, fiber), {
      onSuccess: then.onSuccess,
      onFailure: (error) =>
        error._tag !== "TransportError" ? then.onFailure(error) : Effect.matchEffect(
          link.inTime(
            this.shared,
            this.again(call, fiber, error, settled!),
            call,
            clock.currentTimeMillisUnsafe() - since
          ),
          then
        )
    })
  }

  /** For the one connection there is now, or the one that is being opened. */
  private once(call: link.Call, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<JsonObject, link.Failure> {
    if (this.opening === undefined && this.current !== undefined) {
      return this.current.link.send(call, this.settled!, fiber)
    }
    if (this.over !== undefined || this.opening === undefined) return Effect.fail(this.over ?? closed)
    return Effect.flatMap(
      link.within(this.shared, Deferred.await(this.opening), call, call.timeout),
      (on) => on.send(call, this.settled!, fiber)
    )
  }

  private again(
    call: link.Call,
    fiber: Fiber.Fiber<unknown, unknown>,
    first: TransportError.TransportError,
    settled: lifecycle.Lifecycle
  ): Effect.Effect<JsonObject, Failure> {
    return Effect.gen({ self: this }, function*() {
      const { reconnect } = this.options
      const repeat = () => call.repeat?.(settled.server)
      let session = settled
      const step = reconnect === undefined ? undefined : yield* Schedule.toStepWithSleep(reconnect)
      let error = first
      let next = call
      /** Where the server may have it, and there is harm in that. */
      let unknown: McpClientError.McpClientError | undefined
      for (let sent = 1; sent < maxAttempts; sent += error.reason._tag === "Unreachable" ? 0 : 1) {
        const verdict = judge(error)
        if (verdict === "unknown") {
          const repeated = repeat()
          if (repeated !== call) unknown = outcomeUnknown(call, error)
          if (repeated === undefined) break
          next = repeated
        }
        if (verdict === "final") break
        if (error.reason._tag === "SessionEnded") {
          // Others may have begun the next one already.
          if (this.settled === session && this.current !== undefined) this.renew(this.current.link)
        } else if (this.opening === undefined) {
          // A server without connections is as far away as before, until some time has passed.
          if (step === undefined || Exit.isFailure(yield* Effect.exit(step(error)))) break
        }
        session = this.settled!
        const exit = yield* Effect.exit(this.once(next, fiber))
        const failure = Exit.isFailure(exit) ? failureOf(exit) : undefined
        if (failure === undefined || failure._tag !== "TransportError") {
          return yield* unknown !== undefined && failure !== undefined && isGivenUp(failure)
            ? unknown
            : exit as Exit.Exit<JsonObject, Failure>
        }
        error = failure
      }
      return yield* unknown
        ?? (judge(error) === "unknown" && repeat() !== call ? outcomeUnknown(call, error) : asClientError(error))
    })
  }

  notify(method: string, params: JsonObject | undefined): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.opening === undefined) this.current?.link.notify(method, params, this.settled!.revision.version)
    })
  }
}

const asItIs: Then<JsonObject, Failure> = { onSuccess: Effect.succeed, onFailure: Effect.fail }

/** Whether a request that ended so is made again, cannot be, or is only where that does no harm. */
const judge = ({ reason }: TransportError.TransportError): "again" | "unknown" | "final" => {
  switch (reason._tag) {
    // The server has not seen it.
    case "Closed":
    case "Unreachable":
    case "SessionEnded":
      return "again"
    case "Lost":
      return "unknown"
    // Said by what stands before the server.
    case "HttpStatus":
      return reason.status === 502 || reason.status === 504 ? "unknown" : "final"
    default:
      return "final"
  }
}

/** Whether the server has gone while it was asked. */
const hasGone = ({ reason }: TransportError.TransportError): boolean =>
  reason._tag === "Lost" || reason._tag === "Closed" || reason._tag === "Exited"

/** Whether another attempt to connect may fare better. */
const mayPass = (error: TransportError.TransportError): boolean =>
  hasGone(error) || error.isRetryable ||
  (error.reason._tag === "HttpStatus" && error.reason.status >= 500)

const failureOf = <E>(exit: Exit.Exit<unknown, E>): E | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  for (const reason of exit.cause.reasons) if (reason._tag === "Fail") return reason.error
  return undefined
}

/** The server cannot be had any more, which says nothing of what it did before. */
const isGivenUp = (failure: Failure): boolean =>
  failure._tag === "McpClientError" && (failure.reason._tag === "Transport" || failure.reason._tag === "Closed")

const outcomeUnknown = ({ method }: link.Call, error: TransportError.TransportError) =>
  McpClientError.make(new McpClientError.OutcomeUnknown({ method, error }))

const asClientError = (error: TransportError.TransportError) =>
  McpClientError.make(new McpClientError.Transport({ error }))

const explain = (error: link.Failure): Failure => error._tag === "TransportError" ? asClientError(error) : error

const closed = McpClientError.make(new McpClientError.Closed())

const silent = (after: Duration.Duration) =>
  McpClientError.make(new McpClientError.Timeout({ method: "initialize", after: Duration.toMillis(after) }))
