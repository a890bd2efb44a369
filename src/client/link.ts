/**
 * One connection to a server, as the client keeps it: its own requests that wait for an answer, the server's that are
 * being answered, and where everything else goes that comes. Messages come in as plain synchronous calls.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import type * as Deadlines from "../core/Deadlines.ts"
import * as Outcome from "../core/Outcome.ts"
import * as Pending from "../core/Pending.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as Meta from "../protocol/Meta.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as WireOutcome from "../protocol/WireOutcome.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import * as Authorization from "../transport/Authorization.ts"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import * as TransportError from "../transport/TransportError.ts"
import type * as ClientHandlers from "./ClientHandlers.ts"
import type * as lifecycle from "./lifecycle.ts"
import * as McpClientError from "./McpClientError.ts"

/** What all connections of a client share. */
export interface Shared {
  readonly clock: Clock.Clock
  readonly deadlines: Deadlines.Deadlines
  readonly spans: Tracing.Spans | undefined
  /** Whether the program has a tracer of its own. */
  readonly isTraced: boolean
  /** Whether a person may be asked just now: that time is not the server's. */
  readonly isAskingUser: () => boolean
  /** Runs until it has ended, or the client does. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Ids are never used twice, whatever the connection. */
  readonly nextId: () => number
  /** Answers what the server asks. */
  readonly answer: (
    method: string,
    params: JsonRpc.JsonObject,
    lifecycle: lifecycle.Lifecycle | undefined
  ) => Effect.Effect<JsonRpc.JsonObject, McpError.McpError>
  /** Hears what the server tells, but for what belongs to one request. */
  readonly tell: (notification: JsonRpc.Notification) => void
  /** This connection brings nothing any more. */
  readonly closed: (link: Link, error: TransportError.TransportError) => void
}

/** How one request is made. */
export interface Call {
  readonly method: string
  readonly params: JsonRpc.JsonObject
  /** The name of what it is about, for its span. */
  readonly target: string | undefined
  readonly meta: JsonRpc.JsonObject | undefined
  /** Milliseconds to wait for an answer, or for progress where somebody hears of it. */
  readonly timeout: number
  /** Milliseconds to wait at all. */
  readonly maxTimeout: number
  readonly onProgress: ((progress: ClientHandlers.ProgressMessage) => void) | undefined
  /** Learns the request's id, which is the token of its progress. */
  readonly onSent?: ((id: number) => void) | undefined
  /** Hears what belongs to a stream of this request's own. */
  readonly onNotification?: ((notification: JsonRpc.Notification) => void) | undefined
  /** Answers what the server asks for this request; the client's handlers do when left out. */
  readonly answer?: ((method: string, params: JsonRpc.JsonObject) => Answered) | undefined
  /** Hears what the server tells for this request alone, beside its progress. */
  readonly onTold?: ((notification: JsonRpc.Notification) => void) | undefined
  readonly caller?: lifecycle.Caller | undefined
  /** Whether a refusal is kept as it was sent, code, message and data. */
  readonly keepsErrors?: boolean | undefined
  /** Whether its params bring the trace of who asks, if that has one: it is told another only where a tracer shows it. */
  readonly bringsTrace?: boolean | undefined
  /**
   * What may be sent where this server may have got the request already, if anything may: the call itself where there is
   * no harm in a second time. Nothing, when left out.
   */
  readonly repeat?: (first: lifecycle.Server) => Call | undefined
}

type Answered = Effect.Effect<JsonRpc.JsonObject, McpError.McpError>

/** The server's word, ours, or the transport's, which the client still makes something of. */
export type Failure = McpError.McpError | McpClientError.McpClientError | TransportError.TransportError

/** The most questions of a server that are being answered at one time. */
const maxAsked = 100

/** A request that waits for its answer. */
class Waiting {
  readonly link: Link
  readonly id: number
  readonly call: Call
  readonly span: Tracer.Span | undefined
  /** What the server's span is a child of. */
  readonly traced: Tracer.AnySpan | undefined
  private readonly resume: (result: Effect.Effect<JsonRpc.JsonObject, Failure>) => void
  /** When its time began, which is later where a person was asked; any time where nobody needs it. */
  private since: number
  private deadline: Deadlines.Entry | undefined
  /** Questions of the server that its caller is answering. */
  private answering = 0

  constructor(
    link: Link,
    call: Call,
    parent: Tracer.AnySpan | undefined,
    resume: (result: Effect.Effect<JsonRpc.JsonObject, Failure>) => void
  ) {
    const { clock, nextId, spans } = link.shared
    this.link = link
    this.id = nextId()
    this.call = call
    this.resume = resume
    this.since = isTimed(call) || link.shared.isTraced ? clock.currentTimeMillisUnsafe() : 0
    // Without a tracer to show it to nobody would see it; the trace of a caller goes on all the same.
    this.span = link.shared.isTraced
      ? spans?.start(Tracing.spanName(call.method, call.target), "client", parent, this.since)
      : undefined
    this.traced = spans === undefined ? undefined : this.span ?? (call.bringsTrace === true ? undefined : parent)
    if (this.span !== undefined) {
      this.span.attribute(Tracing.attributes.method, call.method)
      this.span.attribute(Tracing.attributes.requestId, String(this.id))
    }
    if (isTimed(call)) this.watch(this.since)
  }

  /** Starts the time for the next sign of life. */
  watch(now: number): void {
    const { maxTimeout, timeout } = this.call
    const { deadlines } = this.link.shared
    if (this.deadline !== undefined) deadlines.remove(this.deadline)
    const at = Math.min(now + timeout, this.since + maxTimeout)
    this.deadline = at === Infinity ? undefined : deadlines.add(at, () => this.expire(at))
  }

  private expire(at: number): void {
    const { method } = this.call
    if (this.link.shared.isAskingUser() || this.answering > 0) {
      this.since = at
      return this.watch(at)
    }
    this.link.abandon(this, "Timeout")
    this.settle(Exit.fail(timedOut(method, at - this.since)))
  }

  progress(params: JsonRpc.JsonObject): void {
    const { maxTimeout, onProgress, timeout } = this.call
    const { progressToken: _, ...progress } = params
    // What nobody asked for is no reason to wait longer.
    if (onProgress === undefined || typeof progress.progress !== "number") return
    if (timeout < maxTimeout) this.watch(this.link.shared.clock.currentTimeMillisUnsafe())
    onProgress(progress as unknown as ClientHandlers.ProgressMessage)
  }

  /** That time is not the server's. */
  answer(method: string, params: JsonRpc.JsonObject): Answered {
    this.answering++
    return Effect.ensuring(this.call.answer!(method, params), Effect.sync(() => this.answering--))
  }

  settle(exit: Exit.Exit<JsonRpc.JsonObject, Failure>): void {
    this.end(exit)
    this.resume(exit)
  }

  /** Its span and its time are over. */
  end(exit: Exit.Exit<unknown, unknown>): void {
    const { clock, deadlines, spans } = this.link.shared
    if (this.deadline !== undefined) deadlines.remove(this.deadline)
    if (this.span !== undefined && spans !== undefined) spans.end(this.span, exit, clock.currentTimeMillisUnsafe())
  }
}

export class Link implements ClientTransport.Listener {
  readonly shared: Shared
  /** What the server has settled on with us; undefined until it has. */
  lifecycle: lifecycle.Lifecycle | undefined
  private connection: ClientTransport.Connection | undefined
  private lost: TransportError.TransportError | undefined
  private readonly waiting = new Pending.Keyed<JsonRpc.RequestId, Waiting>()
  private readonly asked = new Map<JsonRpc.RequestId, Fiber.Fiber<void>>()

  constructor(shared: Shared) {
    this.shared = shared
  }

  open(connection: ClientTransport.Connection): void {
    this.connection = connection
  }

  /** Why nothing can be sent on it any more. */
  closedBy(): TransportError.TransportError | undefined {
    return this.lost
  }

  /** Whether each request has a stream of its own. */
  hasStreams(): boolean {
    return this.connection!.hasStreams
  }

  /** How many requests wait for their answer. */
  inFlight(): number {
    return this.waiting.size
  }

  /**
   * Sends a request in the way of a lifecycle and waits for its result. Whoever stops waiting has told the server so.
   * `TransportError`s are for the client to explain: it knows whether the request may be made again.
   */
  call(call: Call, as: lifecycle.Lifecycle): Effect.Effect<JsonRpc.JsonObject, Failure> {
    return Effect.withFiber((fiber) => this.send(call, as, fiber))
  }

  /** The same for who is at it already: `fiber`, whose span the request belongs to. */
  send(
    call: Call,
    as: lifecycle.Lifecycle,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<JsonRpc.JsonObject, Failure> {
    const connection = this.connection!
    const send: Effect.Effect<JsonRpc.JsonObject, Failure> = Effect.callback((resume) => {
      if (this.lost !== undefined) return resume(Effect.fail(TransportError.make(new TransportError.Closed({}))))
      const waiting = new Waiting(this, call, Context.getOrUndefined(fiber.context, Tracer.ParentSpan), resume)
      const token = call.onProgress === undefined ? undefined : waiting.id
      call.onSent?.(waiting.id)
      let outgoing: ClientTransport.Outgoing
      try {
        outgoing = as.encode(waiting.id, call, token, waiting.traced, connection.hasHeaders)
      } catch (defect) {
        // The program's own: what it wants to send is no JSON.
        return waiting.settle(Exit.die(defect))
      }
      this.waiting.set(waiting.id, waiting)
      connection.send(outgoing)
      return Effect.sync(() => {
        this.abandon(waiting, "User")
        waiting.end(Exit.interrupt())
      })
    })
    return connection.congested()
      ? inTime(this.shared, Effect.andThen(within(this.shared, connection.drained, call, call.timeout), send), call)
      : send
  }

  /** Sends what no answer comes to. */
  notify(method: string, params: JsonRpc.JsonObject | undefined, version: string | undefined): void {
    if (this.lost !== undefined) return
    this.connection!.send({ frame: JsonRpc.encodeNotification(method, params), method, version })
  }

  /** The server has settled: what it says unasked is wanted from now on. */
  established(version: string): void {
    this.connection!.established(version)
  }

  /** Nobody waits any more, and the server may stop. */
  abandon(waiting: Waiting, reason: Outcome.CancelReason): void {
    if (this.waiting.take(waiting.id) === undefined) return
    const connection = this.connection!
    const { method } = waiting.call
    const isHeard = this.lifecycle?.revision.era === "Stateless" && connection.hasStreams
    // Nobody may take an `initialize` back, and what came before it belongs to no session.
    if (!isHeard && this.lifecycle !== undefined && method !== "initialize") {
      this.notify("notifications/cancelled", { requestId: waiting.id, reason: words[reason] }, this.version)
    }
    connection.forget(waiting.id)
  }

  private get version(): string | undefined {
    return this.lifecycle?.revision.version
  }

  // --------------------------------------------------------------------------
  // what comes
  // --------------------------------------------------------------------------

  readonly receive: ClientTransport.Listener["receive"] = (message, about) => {
    switch (message._tag) {
      case "Response":
        return this.response(message, about)
      case "Notification":
        return this.notification(message, about)
      case "Request":
        return this.request(message, about)
      case "Invalid":
        return this.invalid(message, about)
      case "Batch":
        for (const each of message.messages) this.receive(each, about)
    }
  }

  readonly failed: ClientTransport.Listener["failed"] = (id, error) => {
    this.take(id)?.settle(Exit.fail(error))
  }

  readonly closed: ClientTransport.Listener["closed"] = (error) => {
    if (this.lost !== undefined) return
    this.lost = error
    // Whoever waits may ask at once where to send it now.
    this.shared.closed(this, error)
    this.end(TransportError.make(new TransportError.Lost({ message: error.message, cause: error })))
  }

  /** Whoever waits fails with this, and what is being answered is not wanted any more. */
  end(failure: Failure): void {
    this.lost ??= TransportError.make(new TransportError.Closed({}))
    const waiting = this.waiting.values()
    for (const { id } of waiting) this.waiting.take(id)
    for (const fiber of this.asked.values()) fiber.interruptUnsafe()
    this.asked.clear()
    for (const each of waiting) each.settle(Exit.fail(failure))
  }

  /** Each request has one answer; whatever else comes for it is late, or nobody's. */
  private take(id: JsonRpc.RequestId): Waiting | undefined {
    return this.waiting.take(id)
  }

  /**
   * The request a server asks or tells something for: the one on whose stream it does. Where requests have none, it is the last of
   * those in flight that have a use for it.
   */
  private causeOf(about: JsonRpc.RequestId | undefined, hears: (call: Call) => boolean): Waiting | undefined {
    if (about !== undefined) {
      const waiting = this.waiting.get(about)
      return waiting !== undefined && hears(waiting.call) ? waiting : undefined
    }
    let last: Waiting | undefined
    for (const waiting of this.waiting.values()) if (hears(waiting.call)) last = waiting
    return last
  }

  private response(response: JsonRpc.Response, about: JsonRpc.RequestId | undefined): void {
    const id = response.id ?? (response.error === undefined ? undefined : about)
    const waiting = id === undefined ? undefined : this.take(id)
    if (waiting === undefined) return
    waiting.settle(
      response.error === undefined ? Exit.succeed(response.result!) : refused(response.error, waiting.call)
    )
  }

  private invalid(invalid: JsonRpc.Invalid, about: JsonRpc.RequestId | undefined): void {
    const { error, id, isResponse, meant } = invalid
    if (meant !== undefined) return this.receive(meant, about)
    // The server waits for an answer to what it meant to ask.
    if (!isResponse && id !== null) return this.refuse(id, error)
    const waiting = isResponse && id !== null ? this.take(id) : about === undefined ? undefined : this.take(about)
    waiting?.settle(Exit.fail(McpClientError.make(
      new McpClientError.InvalidResponse({ method: waiting.call.method, message: error.message })
    )))
  }

  private notification(notification: JsonRpc.Notification, about: JsonRpc.RequestId | undefined): void {
    const { method, params } = notification
    if (method === "notifications/progress") {
      const waiting = this.waiting.get(params?.progressToken as JsonRpc.RequestId)
      if (waiting !== undefined) waiting.progress(params!)
    } else if (method === "notifications/cancelled") {
      const id = params?.requestId as JsonRpc.RequestId
      const asked = this.asked.get(id)
      if (asked !== undefined) asked.interruptUnsafe()
      // A server that gives a stream up says so in this way, too.
      else this.ended(id)
    } else {
      const subscription = JsonRpc.isObject(params?._meta) ? params._meta[Meta.subscriptionId] : undefined
      const waiting = subscription === undefined ? undefined : this.waiting.get(subscription as JsonRpc.RequestId)
      waiting?.call.onNotification?.(notification)
      if (subscription === undefined && !forAll.has(method)) this.causeOf(about, hears)?.call.onTold!(notification)
    }
    this.shared.tell(notification)
  }

  /** A stream of notifications ends with an empty result, however the server says so. */
  private ended(id: JsonRpc.RequestId): void {
    const waiting = this.waiting.get(id)
    if (waiting?.call.onNotification === undefined) return
    this.waiting.take(id)
    waiting.settle(Exit.succeed({}))
  }

  /** From 2026-07-28 servers ask within results, and clients answer nothing. */
  private reply(frame: string): void {
    if (this.lost !== undefined || this.lifecycle?.revision.era === "Stateless") return
    // Without a version it would be taken for the message that begins a session.
    this.connection!.send({ frame, version: this.version ?? Revisions.latestStateful.version })
  }

  private fail(id: JsonRpc.RequestId, error: McpError.McpError): void {
    this.reply(JsonRpc.encodeError(id, McpError.toObject(error, "Stateful")))
  }

  /** Without a look at the question; a server that asks and asks, and does not read, gets no word for each. */
  private refuse(id: JsonRpc.RequestId, error: McpError.McpError): void {
    if (!this.connection!.congested()) this.fail(id, error)
  }

  private request({ id, method, params = {} }: JsonRpc.Request, about: JsonRpc.RequestId | undefined): void {
    if (this.lifecycle?.revision.era === "Stateless") return
    if (this.asked.has(id)) {
      return this.refuse(id, McpError.invalidRequest("A request with this id is being answered."))
    }
    if (this.asked.size >= maxAsked) {
      return this.refuse(id, McpError.make(new McpError.Overloaded({ message: "Too many questions at one time." })))
    }
    const connection = this.connection!
    const answer = Effect.suspend(() => {
      const waiting = method === "ping" ? undefined : this.causeOf(about, answers)
      return waiting === undefined
        ? this.shared.answer(method, params, this.lifecycle)
        : waiting.answer(method, params)
    })
    const fiber = this.shared.fork(
      Effect.matchCause(connection.congested() ? Effect.andThen(connection.drained, answer) : answer, {
        onSuccess: (result) => this.reply(JsonRpc.encodeResult(id, result)),
        onFailure: (cause) => {
          const failure = cause.reasons.find((reason) => reason._tag === "Fail")
          // Who took the question back wants no answer.
          if (failure === undefined && cause.reasons.every((reason) => reason._tag === "Interrupt")) return
          this.fail(id, failure?.error ?? McpError.make(new McpError.InternalError()))
        }
      })
    )
    this.asked.set(id, fiber)
    // At once where it has ended; and where it is taken back before it has begun.
    fiber.addObserver(() => this.asked.delete(id))
  }
}

const answers = ({ answer }: Call): boolean => answer !== undefined

const hears = ({ onTold }: Call): boolean => onTold !== undefined

/** What a server tells for no request. */
const forAll: ReadonlySet<string> = new Set([
  "notifications/tools/list_changed",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
  "notifications/resources/updated",
  "notifications/subscriptions/acknowledged"
])

/** Whether anybody has to look at the clock for it. */
export const isTimed = ({ maxTimeout, timeout }: Call): boolean => timeout !== Infinity || maxTimeout !== Infinity

/** What a call waits for besides its answer takes of the same time, of which some may have passed. */
export const inTime = <A, E>(
  shared: Pick<Shared, "isAskingUser">,
  effect: Effect.Effect<A, E>,
  call: Call,
  passed = 0
): Effect.Effect<A, E | McpClientError.McpClientError> =>
  within(shared, effect, call, call.onProgress === undefined ? call.timeout : call.maxTimeout, passed)

/** Ends with a `Timeout` of the call after so many milliseconds. */
export const within = <A, E>(
  { isAskingUser }: Pick<Shared, "isAskingUser">,
  effect: Effect.Effect<A, E>,
  { method }: Call,
  after: number,
  passed = 0
): Effect.Effect<A, E | McpClientError.McpClientError> =>
  after === Infinity ? effect : effect.pipe(Authorization.timeoutOrElse({
    duration: Duration.millis(Math.max(after - passed, 0)),
    isAskingUser,
    orElse: () => Effect.fail(timedOut(method, after))
  }))

const timedOut = (method: string, after: number) => McpClientError.make(new McpClientError.Timeout({ method, after }))

const words: { readonly [reason in Outcome.CancelReason]?: string } = {
  User: "The client does not need it any more.",
  Timeout: "The client has waited long enough."
}

/** A cancellation on the other side is one here; whatever else is refused is an error. */
const refused = (error: JsonRpc.ErrorObject, { keepsErrors, method }: Call): Exit.Exit<never, McpError.McpError> => {
  const outcome = WireOutcome.decode(error.data)
  return outcome?._tag === "Cancelled"
    ? Outcome.interruptSelf(outcome.reason) as Exit.Exit<never>
    : keepsErrors === true
    ? Exit.fail(McpError.make(new McpError.Other(error)))
    : Exit.fail(error.code === -32601 ? McpError.methodNotFound(method) : McpError.fromObject(error))
}
