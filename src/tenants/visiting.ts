/**
 * One connection, behind which the server of its caller's tenant answers: found at its first message, built if it is not
 * there, and found again when it was released meanwhile. The connection's session is kept here and outlives the server.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Identity from "../context/Identity.ts"
import type * as Outcome from "../core/Outcome.ts"
import type * as Era from "../protocol/Era.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as Meta from "../protocol/Meta.ts"
import * as Session from "../session/Session.ts"
import type * as Admission from "../transport/Admission.ts"
import type * as Receiver from "../transport/Receiver.ts"
import * as belonging from "./belonging.ts"
import type * as lifetimes from "./lifetimes.ts"

export interface Shared {
  readonly belonging: belonging.Belonging
  readonly lifetimes: lifetimes.Lifetimes
  /** What callers have passed before they come here. */
  readonly admission: Admission.Admission["Service"] | undefined
  readonly run: (effect: Effect.Effect<void>) => () => void
  /** Messages that wait on one connection. */
  readonly maxWaiting: number
}

type Message = JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch

/** A message that came before there was anybody to take it. */
interface Waiting {
  readonly message: Message
  readonly exchange: Receiver.Exchange
  /** What is being waited for. */
  stop: (() => void) | undefined
}

export class Visit implements Receiver.Peer, lifetimes.Guest {
  private readonly shared: Shared
  private readonly connection: Receiver.Connection
  private readonly session: Session.Handle
  /** Its caller's, from the first message on. */
  private tenant: string | undefined
  private server: lifetimes.Live | undefined
  private peer: Receiver.Peer | undefined
  private wasServed = false
  private waiting: Array<Waiting> = []
  private idleWaiters: Array<Deferred.Deferred<void>> = []
  private inUse = 0
  /** What its client watches keeps the server. */
  private watching: (() => void) | undefined
  private isClosed = false

  constructor(shared: Shared, connection: Receiver.Connection) {
    this.shared = shared
    this.connection = connection
    this.session = connection.session ?? Session.makeLocal()
  }

  // As its transport sees it.

  receive(message: Message, exchange: Receiver.Exchange): boolean {
    if (this.isClosed) {
      exchange.drop()
      return true
    }
    if (this.waiting.length > 0) return this.wait(message, exchange)
    const found = this.tenantOf(exchange)
    if (belonging.isFound(found)) return this.enter(message, exchange, found)
    this.ask({ message, exchange, stop: undefined }, found)
    return true
  }

  isEstablished(): boolean {
    return this.session.current() !== undefined
  }

  caughtUp(): void {
    this.peer?.caughtUp()
  }

  inFlight(): number {
    return this.waiting.length + (this.peer?.inFlight() ?? 0)
  }

  get idle(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.waiting.length === 0) return this.peer?.idle ?? Effect.void
      const waiter = Deferred.makeUnsafe<void>()
      this.idleWaiters.push(waiter)
      return Effect.andThen(Deferred.await(waiter), Effect.suspend(() => this.idle))
    })
  }

  close(reason: Outcome.CancelReason): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.closeUnsafe(reason)
      return this.peer?.idle ?? Effect.void
    })
  }

  closeUnsafe(reason: Outcome.CancelReason): void {
    this.isClosed = true
    for (const { exchange, message, stop } of this.waiting.splice(0)) {
      stop?.()
      if (reason === "User") exchange.drop()
      else refuse(message, exchange, McpError.make(new McpError.Cancelled({ reason })))
    }
    this.allEntered()
    this.peer?.closeUnsafe(reason)
    this.unwatch()
    // What was cut off may still have to clean up, and the server waits for that.
    if (this.inUse === 0) this.server?.guests.delete(this)
  }

  // As the server's lifetime does.

  dismiss(): void {
    const { peer } = this
    this.part()
    peer?.closeUnsafe("Shutdown")
  }

  get farewell(): Effect.Effect<void> {
    return Effect.suspend(() => this.peer?.idle ?? Effect.void)
  }

  get evict(): Effect.Effect<void> {
    return Effect.suspend(() => this.peer?.close("Shutdown") ?? Effect.void)
  }

  private part(): void {
    this.server?.guests.delete(this)
    this.server = undefined
    this.peer = undefined
    this.unwatch()
  }

  private unwatch(): void {
    this.watching?.()
    this.watching = undefined
  }

  // ----------------------------------------------------------------------------
  // waiting
  // ----------------------------------------------------------------------------

  /** In the order in which they came: what a later one means depends on those before it. */
  private wait(message: Message, exchange: Receiver.Exchange): boolean {
    if (message._tag === "Notification" && message.method === "notifications/cancelled") {
      const index = this.waiting.findIndex((entry) =>
        entry.message._tag === "Request" && entry.message.id === message.params?.requestId
      )
      if (index >= 0) {
        const [{ exchange, stop }] = this.waiting.splice(index, 1) as [Waiting]
        stop?.()
        exchange.drop()
        this.advance()
        return true
      }
    }
    if (this.waiting.length >= this.shared.maxWaiting) refuse(message, exchange, crowded)
    else this.waiting.push({ message, exchange, stop: undefined })
    return true
  }

  /** Takes in what waits, up to the next that has to. */
  private advance(): void {
    while (this.waiting.length > 0 && !this.isClosed) {
      if (this.waiting[0]!.stop !== undefined) return
      const entry = this.waiting.shift()!
      const { exchange, message } = entry
      const found = this.tenantOf(exchange)
      if (belonging.isFound(found)) this.enter(message, exchange, found)
      else this.ask(entry, found)
    }
    this.allEntered()
  }

  private allEntered(): void {
    if (this.waiting.length > 0) return
    for (const waiter of this.idleWaiters.splice(0)) Deferred.doneUnsafe(waiter, Exit.void)
  }

  /** Whose tenant it is has to be looked up; what comes later waits for this one. */
  private ask(entry: Waiting, lookup: Effect.Effect<belonging.Found>): void {
    const { exchange, message } = entry
    // Before it runs, for it may be there at once.
    this.pause(entry, ignore)
    const found = Effect.catchCause(
      lookup,
      (cause) => Effect.as(Effect.logError("Which tenant calls could not be told", cause), untold)
    )
    const stop = this.shared.run(Effect.map(found, (tenant) => {
      if (!this.resume(entry)) return
      this.enter(message, exchange, tenant)
      this.advance()
    }))
    if (this.waiting[0] === entry) entry.stop = stop
  }

  private pause(entry: Waiting, stop: () => void): void {
    entry.stop = stop
    this.waiting.unshift(entry)
  }

  /** False for one that was called off. */
  private resume(entry: Waiting): boolean {
    if (this.waiting[0] !== entry) return false
    this.waiting.shift()
    return true
  }

  // ----------------------------------------------------------------------------
  // entering
  // ----------------------------------------------------------------------------

  private tenantOf(exchange: Receiver.Exchange): ReturnType<belonging.Belonging["of"]> {
    return this.shared.belonging.of(exchange.context ?? this.connection.context, exchange.header)
  }

  /** Hands a message to its tenant's server, at once or when that is there. */
  private enter(message: Message, exchange: Receiver.Exchange, tenant: belonging.Found): boolean {
    if (tenant instanceof McpError.McpError) return refuse(message, exchange, tenant)
    if (this.tenant !== undefined && this.tenant !== tenant) return refuse(message, exchange, elsewhere)
    this.tenant = tenant
    const { lifetimes } = this.shared
    const server = lifetimes.live(tenant)
    if (server !== undefined) return this.deliver(server, message, exchange)
    if (!expectsReply(message)) {
      // One that is being released waits for the answers to what it has asked, and for nothing else.
      if (this.peer !== undefined) return this.peer.receive(message, exchange)
      if (message._tag === "Invalid") refuse(message, exchange, message.error)
      return message._tag !== "Response"
    }
    let found: lifetimes.Live | McpError.McpError | undefined
    let entry: Waiting | undefined
    const stop = lifetimes.request(tenant, (ready) => {
      if (entry === undefined) found = ready
      else if (this.resume(entry)) {
        this.take(ready, message, exchange)
        // What came meanwhile has waited for the same server, and is not to wait for the next one.
        if (ready instanceof McpError.McpError) {
          for (const { exchange, message } of this.waiting.splice(0)) refuse(message, exchange, ready)
        }
        this.advance()
      }
    })
    if (found !== undefined) return this.take(found, message, exchange)
    this.pause(entry = { message, exchange, stop: undefined }, stop)
    return true
  }

  private take(
    server: lifetimes.Live | McpError.McpError,
    message: Message,
    exchange: Receiver.Exchange
  ): boolean {
    return server instanceof McpError.McpError
      ? refuse(message, exchange, server)
      : this.deliver(server, message, exchange)
  }

  private deliver(server: lifetimes.Live, message: Message, exchange: Receiver.Exchange): boolean {
    const refused = this.lacking(server, exchange)
    if (refused !== undefined) return refuse(message, exchange, refused)
    const peer = this.attach(server)
    if (!expectsReply(message)) return peer.receive(message, exchange)
    this.inUse++
    server.guests.add(this)
    const leave = server.hold()
    return peer.receive(
      message,
      new Held(exchange, this.contextOf(exchange.context ?? this.connection.context), () => {
        this.inUse--
        if (this.server === server) this.left(server)
        leave()
      })
    )
  }

  /** Where the tenant's own server asks more of a caller than the door does. */
  private lacking({ receiver }: lifetimes.Live, exchange: Receiver.Exchange): McpError.McpError | undefined {
    const { admission } = receiver
    if (admission === undefined || admission === this.shared.admission) return undefined
    const { scopes } = Context.get(exchange.context ?? this.connection.context, Identity.CurrentIdentity)
    const lacking = admission.lacks?.(scopes) ?? []
    return lacking.length === 0 ? undefined : McpError.make(new McpError.InsufficientScope({ scopes: lacking }))
  }

  private attach(server: lifetimes.Live): Receiver.Peer {
    if (this.peer !== undefined && this.server === server) return this.peer
    this.part()
    const isResumed = this.wasServed
    this.wasServed = true
    this.server = server
    this.peer = server.receiver.connect(this.served(isResumed))
    // One that can be told something unasked is told when the server goes, and closed by its transport before it.
    if (this.connection.push !== undefined) server.guests.add(this)
    this.watch(server)
    return this.peer
  }

  /** A request is over. */
  private left(server: lifetimes.Live): void {
    if (this.inUse === 0 && (this.isClosed || this.connection.push === undefined)) server.guests.delete(this)
    if (!this.isClosed) this.watch(server)
  }

  private watch(server: lifetimes.Live): void {
    const isWatching = this.connection.push !== undefined && (this.session.current()?.watched.length ?? 0) > 0
    if (isWatching === (this.watching !== undefined)) return
    this.unwatch()
    if (isWatching) this.watching = server.hold()
  }

  /** The connection as the tenant's server has it. */
  private served(isResumed: boolean): Receiver.Connection {
    const { connection, session } = this
    const contextOf = () => this.contextOf(connection.context)
    return {
      transport: connection.transport,
      sessionId: connection.sessionId,
      session,
      node: connection.node,
      push: connection.push === undefined ? undefined : (frame) => connection.push!(frame),
      congested: () => connection.congested?.() === true,
      ...(connection.drained === undefined ? undefined : { drained: connection.drained }),
      get context() {
        return contextOf()
      },
      isResumed
    }
  }

  private contextOf(context: Context.Context<never>): Context.Context<never> {
    return this.tenant === undefined ? context : this.shared.belonging.within(context, this.tenant)
  }
}

/** The way back for a message, which keeps the server as long as it is open. */
class Held implements Receiver.Exchange {
  private readonly exchange: Receiver.Exchange
  readonly context: Context.Context<never>
  private readonly onEnd: () => void
  private hasEnded = false

  constructor(exchange: Receiver.Exchange, context: Context.Context<never>, onEnd: () => void) {
    this.exchange = exchange
    this.context = context
    this.onEnd = onEnd
  }

  reply(...answer: Parameters<Receiver.Exchange["reply"]>): void {
    this.exchange.reply(...answer)
    this.end()
  }

  notify(frame: string): void {
    this.exchange.notify(frame)
  }

  drop(): void {
    this.exchange.drop()
    this.end()
  }

  private end(): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.onEnd()
  }

  isGone(): boolean {
    return this.exchange.isGone?.() === true
  }

  congested(): boolean {
    return this.exchange.congested()
  }

  get drained(): Effect.Effect<void> {
    return this.exchange.drained
  }

  get header() {
    return this.exchange.header
  }

  get expiresAt(): number {
    return this.exchange.expiresAt ?? Infinity
  }

  closeConnection(): void {
    this.exchange.closeConnection?.()
  }
}

const ignore = () => {}

const expectsReply = (message: Message): boolean =>
  message._tag === "Request"
  || (message._tag === "Batch" && message.messages.some(({ _tag }) => _tag === "Request" || _tag === "Invalid"))

/** Answers what expects an answer; the rest is passed over. */
const refuse = (message: Message, exchange: Receiver.Exchange, error: McpError.McpError): boolean => {
  switch (message._tag) {
    case "Request":
    case "Invalid": {
      const id = message._tag === "Invalid" && message.isResponse ? null : message.id
      const status = McpError.httpStatus(error.reason, eraOf(message))
      exchange.reply(frameOf(id, error, eraOf(message)), status, error)
      break
    }
    case "Batch": {
      const frames = message.messages.flatMap((one) =>
        one._tag === "Request" || one._tag === "Invalid"
          ? [frameOf(one.id, one._tag === "Invalid" ? one.error : error, "Stateful")]
          : []
      )
      if (frames.length > 0) exchange.reply(`[${frames.join(",")}]`, 200)
      break
    }
  }
  return message._tag !== "Response"
}

const frameOf = (id: JsonRpc.RequestId | null, error: McpError.McpError, era: Era.Era): string =>
  JsonRpc.encodeError(id, McpError.toObject(error, era))

const eraOf = (message: JsonRpc.Request | JsonRpc.Invalid): Era.Era => {
  const meta = message._tag === "Request" ? message.params?._meta : undefined
  return JsonRpc.isObject(meta) && meta[Meta.protocolVersion] !== undefined ? "Stateless" : "Stateful"
}

const untold = McpError.make(new McpError.InternalError({}))

const elsewhere = belonging.forbidden("This session belongs to another tenant; begin a session of your own.")

const crowded = McpError.make(
  new McpError.Overloaded({ message: "Too many messages wait on this connection; try again later.", retryAfter: 1000 })
)
