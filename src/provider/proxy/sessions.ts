/**
 * Sessions with the server behind a proxy beside the one its lists are read on: each for one client, or for one call at
 * a time of several that could not be told from each other. Opened when they are needed, closed when they are idle, and
 * never more than a number of them.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ClientHandlers from "../../client/ClientHandlers.ts"
import * as McpClient from "../../client/McpClient.ts"
import type * as RequestContext from "../../context/RequestContext.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as ClientTransport from "../../transport/ClientTransport.ts"

/** One session: a client of the server, and what is known of it. */
export interface Session {
  readonly client: McpClient.Client
  /** Whether each request has a stream of its own, so that what is said on it belongs to that request. */
  readonly hasStreams: boolean
  /** The log level it was asked for last. */
  logLevel: McpSchema.LoggingLevel | undefined
}

/** How sessions are opened. */
export interface Options {
  readonly transport: Layer.Layer<ClientTransport.ClientTransport, unknown>
  readonly client: McpClient.Options
  /** What they run in; handlers that are for other clients are not among it. */
  readonly context: Context.Context<never>
}

/** The same without what a client would take for its own. */
export const withoutHandlers = (context: Context.Context<never>): Context.Context<never> =>
  Context.omit(
    ClientHandlers.ElicitationHandler,
    ClientHandlers.SamplingHandler,
    ClientHandlers.RootsHandler,
    ClientHandlers.LogHandler,
    ClientHandlers.ProgressHandler,
    ClientHandlers.RawHandler
  )(context)

/** For whom a session is: what the server is told of them. */
export interface Party {
  readonly info: McpSchema.Implementation | undefined
  readonly capabilities: McpSchema.ClientCapabilities
}

export const nobody: Party = { info: undefined, capabilities: {} }

/** Opens one for as long as the scope. Each has a transport of its own, which may be a process. */
export const open = (
  { client, context, transport }: Options,
  { capabilities, info }: Party,
  revision: McpClient.Options["revision"]
): Effect.Effect<Session, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const built = yield* Layer.buildWithMemoMap(transport, Layer.makeMemoMapUnsafe(), scope)
    const { kind } = Context.get(built, ClientTransport.ClientTransport)
    const opened = yield* McpClient.make({
      ...client,
      ...(info === undefined || client.info !== undefined ? undefined : { info }),
      ...(revision === undefined ? undefined : { revision })
    }).pipe(
      Effect.provideService(ClientHandlers.RawHandler, { capabilities }),
      Effect.provideContext(built)
    )
    // Extensions go by what a tool was listed with.
    if (revision !== undefined && client.extensions !== undefined) yield* opened.listTools({ unchecked: true })
    return { client: opened, hasStreams: kind === "http", logLevel: undefined }
  }).pipe(
    Effect.updateContext((current: Context.Context<Scope.Scope>) =>
      Context.add(context, Scope.Scope, Context.get(current, Scope.Scope))
    )
  )

export interface PoolOptions extends Options {
  readonly scope: Scope.Scope
  readonly max: number
  /** Milliseconds without a call. */
  readonly idle: number
  /** What a caller is told where none could be opened. */
  readonly refusal: (error: unknown) => McpError.McpError
}

interface Entry {
  readonly key: unknown
  readonly scope: Scope.Closeable
  readonly opened: Deferred.Deferred<Session, McpError.McpError>
  /** Once it is open. */
  session: Session | undefined
  /** Does not listen for the end of its client any more. */
  forget: (() => void) | undefined
  users: number
  idleSince: number
  isClosed: boolean
}

export class Pool {
  private readonly options: PoolOptions
  private readonly clock: Clock.Clock
  private readonly entries = new Map<unknown, Array<Entry>>()
  private size = 0
  private isSwept = false

  constructor(options: PoolOptions) {
    this.options = options
    this.clock = Context.get(options.context, Clock.Clock)
  }

  /**
   * With the session of a key; `alone` is for who has to be the only one on it meanwhile. That of a peer ends with it. The
   * effect is for one run, and `ended` for what else there is to do after it.
   */
  use<A, E, R>(
    key: RequestContext.Peer | string,
    party: Party,
    revision: McpClient.Options["revision"],
    alone: boolean,
    body: (session: Session) => Effect.Effect<A, E, R>,
    ended?: (exit: Exit.Exit<A, E | McpError.McpError>) => Effect.Effect<void> | undefined
  ): Effect.Effect<A, E | McpError.McpError, R> {
    let taken: Entry | undefined
    return Effect.onExitPrimitive(
      Effect.suspend(() => {
        const entry = this.take(key, party, revision, alone)
        if (entry instanceof McpError.McpError) return Effect.fail(entry)
        taken = entry
        return entry.session === undefined
          ? Effect.flatMap(Deferred.await(entry.opened), body)
          : body(entry.session)
      }),
      (exit) => {
        if (taken !== undefined && --taken.users === 0) taken.idleSince = this.clock.currentTimeMillisUnsafe()
        return ended?.(exit)
      }
    )
  }

  private take(
    key: RequestContext.Peer | string,
    party: Party,
    revision: McpClient.Options["revision"],
    alone: boolean
  ): Entry | McpError.McpError {
    const { max, scope } = this.options
    const known = this.entries.get(key)
    const free = known?.find((entry) => !entry.isClosed && (!alone || entry.users === 0))
    if (free !== undefined) {
      free.users++
      return free
    }
    if (this.size >= max && !this.evict()) {
      return McpError.make(
        new McpError.Overloaded({
          message: `The server behind this one is used by as many clients as it may be (${max}); try again later.`
        })
      )
    }
    const entry: Entry = {
      key,
      scope: Scope.forkUnsafe(scope),
      opened: Deferred.makeUnsafe(),
      session: undefined,
      forget: undefined,
      users: 1,
      idleSince: Infinity,
      isClosed: false
    }
    if (typeof key !== "string") entry.forget = key.whenClosed(() => this.run(this.close(entry)))
    if (known === undefined) this.entries.set(key, [entry])
    else known.push(entry)
    this.size++
    this.run(this.open(entry, party, revision))
    this.sweep()
    return entry
  }

  private open(entry: Entry, party: Party, revision: McpClient.Options["revision"]): Effect.Effect<void> {
    return Effect.matchCauseEffect(Scope.provide(open(this.options, party, revision), entry.scope), {
      onFailure: (cause) => {
        const reason = cause.reasons.find((reason) => reason._tag === "Fail")
        return Effect.andThen(
          Effect.andThen(
            Effect.logWarning("A session with a server behind this one cannot be opened", cause),
            this.close(entry)
          ),
          Deferred.fail(entry.opened, this.options.refusal(reason?.error ?? cause))
        )
      },
      onSuccess: (session) =>
        Effect.andThen(
          Effect.suspend(() => {
            entry.session = session
            return Deferred.succeed(entry.opened, session)
          }),
          // A client that has given up is of no use to the next call.
          Effect.andThen(Stream.runDrain(session.client.status), this.close(entry))
        )
    })
  }

  /** Closes the one that has been idle longest; false where all are in use. */
  private evict(): boolean {
    let oldest: Entry | undefined
    for (const entries of this.entries.values()) {
      for (const entry of entries) {
        if (entry.users === 0 && (oldest === undefined || entry.idleSince < oldest.idleSince)) oldest = entry
      }
    }
    if (oldest === undefined) return false
    this.remove(oldest)
    this.run(Scope.close(oldest.scope, Exit.void))
    return true
  }

  private sweep(): void {
    if (this.isSwept) return
    this.isSwept = true
    const { idle } = this.options
    this.run(Effect.forever(Effect.andThen(
      Effect.sleep(idle),
      Effect.suspend(() => {
        const before = this.clock.currentTimeMillisUnsafe() - idle
        const idlers = [...this.entries.values()].flat().filter((entry) =>
          entry.users === 0 && entry.idleSince <= before
        )
        return Effect.forEach(idlers, (entry) => this.close(entry), { discard: true })
      })
    )))
  }

  private remove(entry: Entry): void {
    if (entry.isClosed) return
    entry.isClosed = true
    entry.forget?.()
    this.size--
    const left = this.entries.get(entry.key)!.filter((other) => other !== entry)
    if (left.length === 0) this.entries.delete(entry.key)
    else this.entries.set(entry.key, left)
  }

  private close(entry: Entry): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.remove(entry)
      return Scope.close(entry.scope, Exit.void)
    })
  }

  private run(effect: Effect.Effect<unknown>): void {
    const { context, scope } = this.options
    Effect.runForkWith(context)(Effect.forkIn(effect, scope, { startImmediately: true }))
  }
}

/** What the server may be told its client can be asked: what a proxy passes on. */
export const makePartyOf = (): (request: RequestContext.RequestContext["Service"]) => Party => {
  // Most callers are the same client again.
  const known = new WeakMap<object, Party>()
  return ({ client }) => {
    let party = known.get(client)
    if (party === undefined) known.set(client, party = partyOf(client))
    return party
  }
}

const partyOf = ({ capabilities, info }: RequestContext.Client): Party => {
  const { elicitation, roots, sampling } = capabilities
  return {
    info,
    capabilities: {
      ...(elicitation === undefined ? undefined : { elicitation }),
      ...(sampling === undefined ? undefined : { sampling }),
      // Changes of roots are told to no server that could not ask for them then.
      ...(roots === undefined ? undefined : { roots: {} })
    }
  }
}

export const canBeAsked = ({ capabilities: { elicitation, roots, sampling } }: Party): boolean =>
  elicitation !== undefined || sampling !== undefined || roots !== undefined
