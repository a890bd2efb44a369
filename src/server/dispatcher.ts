/**
 * Takes in the messages of every connection. A message comes in as a synchronous call: admission, route, budget; then
 * the handler runs on a fiber of its own, which whatever stops the request interrupts with its reason (`inFlight.ts`).
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SchemaParser from "effect/SchemaParser"
import * as Semaphore from "effect/Semaphore"
import * as Tracer from "effect/Tracer"
import type * as AskError from "../context/AskError.ts"
import * as RequestContext from "../context/RequestContext.ts"
import * as Budget from "../core/Budget.ts"
import type * as Deadlines from "../core/Deadlines.ts"
import type * as Outcome from "../core/Outcome.ts"
import * as Pending from "../core/Pending.ts"
import type * as Era from "../protocol/Era.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Session from "../session/Session.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import * as Tracing from "../telemetry/Tracing.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as backChannel from "./backChannel.ts"
import * as inFlight from "./inFlight.ts"
import * as handlerContext from "./internal/handlerContext.ts"
import * as reply from "./internal/reply.ts"
import * as lifecycle from "./lifecycle.ts"
import type * as registry from "./registry.ts"
import type * as RequestState from "./RequestState.ts"
import * as router from "./router.ts"
import * as statefulLifecycle from "./statefulLifecycle.ts"
import * as statelessLifecycle from "./statelessLifecycle.ts"
import type * as subscriptions from "./subscriptions.ts"
import type * as watched from "./watched.ts"

export interface Options {
  readonly router: router.Router
  readonly registry: registry.Registry
  readonly projection: Revision.Projection
  readonly deadlines: Deadlines.Deadlines
  /** The server's own services. */
  readonly services: Context.Context<never>
  /** Runs beside the requests, until the server ends. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly budget: Budget.Budget
  /** Milliseconds a request may take; Infinity for no limit. */
  readonly requestTimeout: number
  readonly maxInFlight: number
  readonly maxRequests: number
  /** What one session may run at once; undefined for no limit. */
  readonly sessionConcurrency: number | undefined
  /** How long a client may take over a question. */
  readonly askTimeout: Duration.Duration
  readonly requestState: RequestState.RequestState["Service"]
  readonly updates: subscriptions.Updates
  readonly watched: watched.Watched
}

/** Answers every connection of one server. */
export interface Dispatcher {
  readonly connect: (connection: Receiver.Connection) => Receiver.Peer
}

export const make = (options: Options): Dispatcher => {
  const shared: Shared = {
    ...options,
    stateless: statelessLifecycle.make(options.router),
    spans: Tracing.makeSpans(options.services),
    metrics: Metrics.makeRecorder(options.services),
    clock: Context.get(options.services, Clock.Clock),
    finalizerTime: Context.get(options.services, Budget.FinalizerTime),
    decodeCancelled: SchemaParser.decodeUnknownExit(McpSchema.CancelledParams),
    listening: new Set(),
    callers: new WeakMap(),
    total: 0
  }
  tellOfChanges(shared)
  return { connect: (connection) => new Conversation(shared, connection) }
}

interface Shared extends Options, inFlight.Shared {
  readonly stateless: statelessLifecycle.StatelessLifecycle
  readonly decodeCancelled: (params: unknown) => Exit.Exit<typeof McpSchema.CancelledParams.Type, unknown>
  /** Connections that hear of changes. */
  readonly listening: Set<Conversation>
  /** Requests in flight on all connections. */
  total: number
  readonly callers: WeakMap<
    Context.Context<never>,
    { readonly assembled: Context.Context<never>; readonly merged: Context.Context<never> }
  >
}

/** A change is put into words once, however many hear of it. */
const tellOfChanges = ({ listening, registry, updates }: Shared): void => {
  registry.onChange((list) => {
    if (listening.size === 0) return
    const frame = JsonRpc.encodeNotification(`notifications/${list}/list_changed`)
    for (const conversation of listening) conversation.tell(frame)
  })
  updates.subscribe((uri) => {
    let frame: string | undefined
    for (const conversation of listening) {
      if (!conversation.isWatching(uri)) continue
      conversation.tell(frame ??= JsonRpc.encodeNotification("notifications/resources/updated", { uri }))
    }
  })
}

/** One connection: its session, if it has one, and its requests in flight. */
class Conversation implements Receiver.Peer, handlerContext.Home, RequestContext.Peer {
  private readonly shared: Shared
  readonly connection: Receiver.Connection
  private readonly session: statefulLifecycle.StatefulLifecycle
  /** There is one while there are any: most connections are idle, or answer at once. */
  private requests: Pending.Keyed<JsonRpc.RequestId, inFlight.InFlight> | undefined
  private readonly limit: Semaphore.Semaphore | undefined
  /** Our own requests that wait for the client's response. */
  private asked: Map<JsonRpc.RequestId, Deferred.Deferred<JsonRpc.Response, AskError.AskError>> | undefined
  private lastAsked = 0
  /** Changes it has not been told of: each once, however often it happened. */
  private untold: Set<string> | undefined
  /** The updates it holds open. */
  private held: Map<string, () => void> | undefined
  private closers: Set<() => void> | undefined
  private idleWaiters: Array<Deferred.Deferred<void>> | undefined
  private isClosed = false

  constructor(shared: Shared, connection: Receiver.Connection) {
    this.shared = shared
    this.connection = connection
    this.session = new statefulLifecycle.StatefulLifecycle(connection.session ?? Session.makeLocal())
    this.limit = shared.sessionConcurrency === undefined ? undefined : Semaphore.makeUnsafe(shared.sessionConcurrency)
    this.established()
    if (connection.isResumed === true && shared.listening.has(this)) {
      for (const frame of allChanged) {
        this.tell(frame)
      }
    }
  }

  get peer(): RequestContext.Peer {
    return this
  }

  whenClosed(listener: () => void): () => void {
    const closers = this.closers ??= new Set()
    closers.add(listener)
    return () => {
      closers.delete(listener)
    }
  }

  get siblings(): handlerContext.Siblings {
    return this.shared.router.siblings
  }

  isEstablished(): boolean {
    return this.session.session() !== undefined
  }

  /** What the session is held in. */
  revision(): Revision.Revision | undefined {
    return this.session.session()?.revision
  }

  receive(message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch, exchange: Receiver.Exchange): boolean {
    if (this.isClosed) {
      exchange.drop()
      return true
    }
    switch (message._tag) {
      case "Request":
        try {
          this.request(message, exchange)
        } catch (defect) {
          // Nothing of ours throws here, but an extension's header rule may, and who decides what is visible.
          const correlationId = inFlight.makeCorrelationId(this.shared.services)
          this.shared.fork(inFlight.reportDefect(message.method, Cause.die(defect), correlationId))
          this.refuse(message, exchange, McpError.make(new McpError.InternalError({ correlationId })), "Stateful")
        }
        return true
      case "Notification":
        return this.notification(message)
      case "Response":
        return this.response(message)
      case "Invalid":
        // What answers a question of ours and is none settles it all the same.
        if (message.isResponse && message.id !== null) {
          this.response({
            _tag: "Response",
            id: message.id,
            result: undefined,
            error: McpError.toObject(message.error, "Stateful")
          })
        }
        // The id of a bad response is one of ours, and names a request of its own among the peer's.
        send(exchange, reply.refusal(message.isResponse ? null : message.id, message.error, "Stateful"))
        return true
      case "Batch":
        return this.batch(message, exchange)
    }
  }

  /** 2025-03-26 alone: the answers travel together, when the last of them is there. */
  private batch({ messages }: JsonRpc.Batch, exchange: Receiver.Exchange): boolean {
    if (this.session.session()?.revision.batches !== true) {
      send(
        exchange,
        reply.refusal(
          null,
          McpError.invalidRequest("Send one message; batches are not part of this revision."),
          "Stateful"
        )
      )
      return true
    }
    const frames: Array<string> = []
    // A bad message is answered, too; notifications and responses are not.
    let open = messages.filter(({ _tag }) => _tag === "Request" || _tag === "Invalid").length
    const settle = () => {
      if (--open > 0) return
      if (frames.length === 0) exchange.drop()
      else exchange.reply(`[${frames.join(",")}]`, 200)
    }
    const member: Receiver.Exchange = {
      reply: (frame) => {
        frames.push(frame)
        settle()
      },
      notify: (frame) => exchange.notify(frame),
      drop: settle,
      congested: () => exchange.congested(),
      drained: exchange.drained,
      header: exchange.header,
      ...(exchange.context === undefined ? undefined : { context: exchange.context })
    }
    let isOurs = true
    for (const message of messages) {
      if (message._tag === "Request" && message.method === "initialize") {
        this.refuse(message, member, McpError.invalidRequest("initialize does not travel in a batch."), "Stateful")
      } else if (!this.receive(message, member)) isOurs = false
    }
    return isOurs
  }

  private response(response: JsonRpc.Response): boolean {
    const waiting = response.id === null ? undefined : this.asked?.get(response.id)
    if (waiting === undefined) return false
    Deferred.doneUnsafe(waiting, Exit.succeed(response))
    return true
  }

  backChannel(request: handlerContext.HandlerContext): backChannel.BackChannel | backChannel.Rounds {
    const { revision } = request
    if (revision.era === "Stateful") {
      return backChannel.onConnection(request, {
        send: (method, params) => this.send(request, method, params),
        timeout: this.shared.askTimeout,
        wait: (answers) => request.turn === undefined ? answers : request.turn.wait(answers)
      })
    }
    return asking.has(request.method)
      ? backChannel.inRounds(request, {
        requestState: this.shared.requestState,
        server: this.shared.projection.serverInfo.name,
        pause: (result) => request.pause(result)
      })
      : backChannel.closed(request.method)
  }

  /** A request of ours; whoever stops waiting for it tells the client. */
  private send(
    request: handlerContext.HandlerContext,
    method: string,
    params: JsonRpc.JsonObject
  ): Effect.Effect<JsonRpc.Response, AskError.AskError> {
    return Effect.suspend(() => {
      const { exchange } = request
      if (request.hasEnded() || exchange.isGone?.() === true) return Effect.fail(handlerContext.unavailable)
      const { node } = this.connection
      const id = node === undefined ? ++this.lastAsked : `${node}-${++this.lastAsked}`
      const waiting = Deferred.makeUnsafe<JsonRpc.Response, AskError.AskError>()
      const asked = this.asked ??= new Map()
      asked.set(id, waiting)
      const stop = request.whenEnded(() => Deferred.doneUnsafe(waiting, Exit.fail(handlerContext.unavailable)))
      exchange.notify(JsonRpc.encodeRequest(id, method, params))
      return Effect.onExit(Deferred.await(waiting), (exit) =>
        Effect.sync(() => {
          stop()
          asked.delete(id)
          if (Exit.isFailure(exit) && !this.isClosed) {
            exchange.notify(JsonRpc.encodeNotification("notifications/cancelled", { requestId: id }))
          }
        }))
    })
  }

  private request(message: JsonRpc.Request, exchange: Receiver.Exchange): void {
    const { shared } = this
    const isStateless = lifecycle.isStateless(message, exchange.header)
    const era = isStateless ? "Stateless" : "Stateful"
    const admitted = this.admit(message, exchange, isStateless)
    if (lifecycle.isRefusal(admitted)) return this.refuse(message, exchange, admitted, era)

    const { revision } = admitted
    const route = shared.router.resolve(revision, message.method)
    if (route === undefined) {
      return this.refuse(message, exchange, McpError.methodNotFound(message.method), revision.era)
    }
    const params = route.decode(message.params)
    if (Exit.isFailure(params)) {
      return this.refuse(message, exchange, router.describeFailure(message.method, params.cause), revision.era)
    }
    const request = new handlerContext.HandlerContext(message, admitted, exchange, this)
    const plan = route.handle(params.value, {
      request,
      session: this.session,
      header: exchange.header,
      limit: this.limit
    })
    if (plan instanceof McpError.McpError) return this.refuse(message, exchange, plan, revision.era)
    this.start(new inFlight.InFlight(this, shared, request, route, plan), plan)
  }

  /** Turned away before it could become a request in flight; telemetry sees it all the same. */
  private refuse(
    message: JsonRpc.Request,
    exchange: Receiver.Exchange,
    refused: McpError.McpError,
    era: Era.Era
  ): void {
    const { metrics, router, spans } = this.shared
    // A method nobody has is the caller's text, and would make a series of its own.
    const method = router.isKnown(message.method) ? message.method : Tracing.otherMethod
    if (spans !== undefined) {
      const now = this.shared.clock.currentTimeMillisUnsafe()
      const span = spans.start(method, "server", Tracing.extract(lifecycle.metaOf(message.params)), now)
      span.attribute(Tracing.attributes.method, method)
      span.attribute(Tracing.attributes.requestId, String(message.id))
      span.attribute(Tracing.attributes.errorType, refused.reason._tag)
      span.attribute(Tracing.attributes.errorCode, String(McpError.code(refused.reason, era)))
      spans.end(span, Exit.fail(refused), now)
    }
    metrics.record(method, "Err", 0)
    send(exchange, reply.refusal(message.id, refused, era))
  }

  private admit(
    message: JsonRpc.Request,
    exchange: Receiver.Exchange,
    isStateless: boolean
  ): lifecycle.RequestScope | McpError.McpError {
    if (this.requests?.has(message.id) === true) {
      return McpError.invalidRequest(`A request with id ${JSON.stringify(message.id)} is in flight already.`)
    }
    if (this.inFlight() >= this.shared.maxInFlight) {
      return McpError.make(
        new McpError.Overloaded({ message: `${this.shared.maxInFlight} requests are in flight on this connection.` })
      )
    }
    if (this.shared.total >= this.shared.maxRequests) {
      return McpError.make(new McpError.Overloaded({ message: "The server is answering as many requests as it can." }))
    }
    return isStateless
      ? this.shared.stateless.admit(message, exchange.header)
      : this.session.admit(message)
  }

  private start(entry: inFlight.InFlight, plan: router.Plan): void {
    const { shared } = this
    const allowance = Meta.allowance(entry.request.meta)
    const deadline = plan.isOpenEnded === true
      ? Infinity
      : entry.startedAt + Math.min(shared.requestTimeout, allowance?.timeLeft ?? Infinity)
    const running = Budget.start(
      allowance?.cost === undefined
        ? shared.budget
        : Budget.meet(shared.budget, Budget.make({ costQuota: allowance.cost })),
      deadline
    )
    const own = entry.request.exchange.context ?? this.connection.context
    let context = Context.add(
      Context.add(ofCaller(shared, plan.context ?? shared.services, own), RequestContext.RequestContext, entry.request),
      Budget.CurrentBudget,
      running
    )
    if (entry.span !== undefined) context = Context.add(context, Tracer.ParentSpan, entry.span)

    const fiber = Effect.runForkWith(context)(plan.effect)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return entry.finish(exit)
    entry.fiber = fiber
    this.requests ??= new Pending.Keyed()
    this.requests.set(entry.request.id, entry)
    shared.metrics.inFlight(++shared.total)
    if (deadline !== Infinity) entry.watch(running)
    else if (plan.isOpenEnded === true) entry.dismissAt(entry.request.exchange.expiresAt ?? Infinity)
    fiber.addObserver((exit) => entry.settle(exit))
    if (entry.request.paused !== undefined) entry.pause()
    else entry.request.running = entry
  }

  /** From here the connection hears of changes, where it can be spoken to unasked. */
  established(): void {
    if (this.connection.push === undefined || this.isClosed || !this.isEstablished()) return
    this.shared.listening.add(this)
    this.watches()
  }

  watches(): void {
    const watched = this.shared.listening.has(this) ? this.session.watched() : []
    if (this.held === undefined && watched.length === 0) return
    const held = this.held ??= new Map()
    for (const uri of watched) if (!held.has(uri)) held.set(uri, this.shared.watched(uri))
    for (const [uri, release] of held) {
      if (watched.includes(uri)) continue
      held.delete(uri)
      release()
    }
  }

  /** Whether it is told that a resource has changed: it asked to be, and the resource is not hidden from it. */
  isWatching(uri: string): boolean {
    if (!this.session.isWatching(uri)) return false
    const scope = this.session.session()
    return scope !== undefined && !this.shared.router.isHidden(uri, scope, this)
  }

  /** A client that does not read is told once of each thing that changed, when it has caught up. */
  tell(frame: string): void {
    const { connection } = this
    if (connection.congested?.() !== true) return connection.push!(frame)
    const untold = this.untold ??= new Set()
    if (untold.size === 0 && connection.drained !== undefined) {
      this.shared.fork(Effect.andThen(connection.drained, Effect.sync(() => this.caughtUp())))
    }
    untold.add(frame)
  }

  caughtUp(): void {
    const { connection, untold } = this
    if (untold === undefined || connection.push === undefined || this.isClosed) return
    this.untold = undefined
    for (const frame of untold) connection.push(frame)
  }

  private notification({ method, params }: JsonRpc.Notification): boolean {
    if (method === "notifications/cancelled") {
      const decoded = this.shared.decodeCancelled(params)
      if (Exit.isFailure(decoded)) return true
      const entry = this.requests?.get(decoded.value.requestId)
      entry?.cancel("User")
      return entry !== undefined
    }
    const effect = this.shared.router.notification(method, params)
    if (effect !== undefined) this.shared.fork(effect)
    return true
  }

  inFlight(): number {
    return this.requests === undefined ? 0 : this.requests.size
  }

  /** A request has left the table. */
  left(entry: inFlight.InFlight): void {
    this.requests?.take(entry.request.id)
    this.shared.metrics.inFlight(--this.shared.total)
    if (this.inFlight() > 0) return
    this.requests = undefined
    const { idleWaiters } = this
    this.idleWaiters = undefined
    for (const waiter of idleWaiters ?? []) Deferred.doneUnsafe(waiter, Exit.void)
  }

  get idle(): Effect.Effect<void> {
    return Effect.suspend(() => {
      for (const entry of this.entries()) entry.dismiss()
      if (this.inFlight() === 0) return Effect.void
      const waiter = Deferred.makeUnsafe<void>()
      this.idleWaiters ??= []
      this.idleWaiters.push(waiter)
      return Deferred.await(waiter)
    })
  }

  closeUnsafe(reason: Outcome.CancelReason): void {
    this.isClosed = true
    this.shared.listening.delete(this)
    this.watches()
    this.untold = undefined
    for (const entry of this.entries()) entry.cancel(reason)
    for (const listener of this.closers ?? []) listener()
    this.closers = undefined
  }

  /** As they are now: whoever goes through them may end them. */
  private entries(): ReadonlyArray<inFlight.InFlight> {
    return this.requests === undefined ? [] : this.requests.values()
  }

  close(reason: Outcome.CancelReason): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.closeUnsafe(reason)
      return this.idle
    })
  }
}

/** To who has known these lists as a server had them that is gone. */
const allChanged = ["tools", "resources", "prompts"].map((list) =>
  JsonRpc.encodeNotification(`notifications/${list}/list_changed`)
)

/** The services of a handler with those of its caller, who most often comes again: to put two contexts together costs. */
const ofCaller = (
  { callers }: Shared,
  assembled: Context.Context<never>,
  own: Context.Context<never>
): Context.Context<never> => {
  if (own.mapUnsafe.size === 0) return assembled
  const known = callers.get(own)
  if (known?.assembled === assembled) return known.merged
  const merged = Context.merge(assembled, own)
  callers.set(own, { assembled, merged })
  return merged
}

/** What may be answered with a question. */
const asking: ReadonlySet<string> = new Set(["tools/call", "prompts/get", "resources/read"])

const send = (exchange: Receiver.Exchange, { frame, refused, status }: reply.Reply): void =>
  exchange.reply(frame, status, refused)
