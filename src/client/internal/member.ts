/**
 * One server of a group: connects, is watched, and is tried again when it fails, in a scope of its own, so that nothing
 * that happens to it happens to the others.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as ClientTransport from "../../transport/ClientTransport.ts"
import type { Failure, State } from "../ClientGroup.ts"
import * as ClientGroupError from "../ClientGroupError.ts"
import * as McpClient from "../McpClient.ts"
import * as catalogue from "./catalogue.ts"

export interface Options {
  readonly name: string
  readonly prefix: string
  readonly transport: Layer.Layer<ClientTransport.ClientTransport, unknown>
  readonly options: McpClient.Options | undefined
  /** When to try again; undefined for never. */
  readonly retry: Schedule.Schedule<unknown, Failure> | undefined
  readonly scope: Scope.Closeable
  /** What it runs in: the handlers among it. */
  readonly context: Context.Context<never>
  readonly clock: Clock.Clock
  readonly onState: (state: State) => void
}

/** A server that was ready so long was a good one: it is tried again as if for the first time. */
const goodAfter = 30_000

export class Member {
  readonly name: string
  readonly prefix: string
  state: State
  /** While it can be asked, or is about to be. */
  client: McpClient.Client | undefined
  /** What its names were before they were shortened, by kind. */
  readonly originals = new Map<ClientGroupError.Kind, ReadonlyMap<string, string>>()
  private catalogue: catalogue.Catalogue | undefined
  /** How often what was known of its resources has become old. */
  private changes = 0
  private readySince: number | undefined
  private readonly options: Options
  private readonly decided = Latch.makeUnsafe(false)
  private fiber: Fiber.Fiber<never> | undefined

  constructor(options: Options) {
    this.options = options
    this.name = options.name
    this.prefix = options.prefix
    this.state = { _tag: "Connecting", since: options.clock.currentTimeMillisUnsafe() }
  }

  get start(): Effect.Effect<void> {
    const { context, onState, scope } = this.options
    return Effect.suspend(() => {
      onState(this.state)
      return Effect.map(
        Effect.forkIn(Effect.updateContext(this.run, (_: Context.Context<never>) => context), scope),
        (fiber) => {
          this.fiber = fiber
        }
      )
    })
  }

  /** It cannot be asked any more. */
  retire(): void {
    this.client = undefined
    this.become({ _tag: "Removed", since: this.now })
  }

  /** Whoever waits for an answer gets none. */
  get close(): Effect.Effect<void> {
    return Effect.uninterruptible(Effect.andThen(
      Effect.suspend(() => this.fiber === undefined ? Effect.void : Fiber.interrupt(this.fiber)),
      Scope.close(this.options.scope, Exit.void)
    ))
  }

  /** The client, once the first attempt to connect has ended. */
  get ready(): Effect.Effect<McpClient.Client, ClientGroupError.ClientGroupError> {
    return Effect.suspend(() => {
      if (this.client !== undefined) return Effect.succeed(this.client)
      if (this.state._tag === "Connecting") return Effect.andThen(this.decided.await, this.ready)
      return Effect.fail(
        ClientGroupError.make(
          this.state._tag === "Failed"
            ? new ClientGroupError.NotReady({ server: this.name, message: this.state.error.message })
            : new ClientGroupError.UnknownServer({ server: this.name })
        )
      )
    })
  }

  /** What it has, as far as that is known. */
  get known(): catalogue.Catalogue | undefined {
    return this.catalogue
  }

  /** The same, asked for where it is not known. */
  get resources(): Effect.Effect<catalogue.Catalogue, Failure> {
    return Effect.suspend(() => {
      if (this.catalogue !== undefined) return Effect.succeed(this.catalogue)
      const before = this.changes
      return Effect.map(
        Effect.flatMap(
          this.ready,
          (client) => Effect.all([client.listResources(), client.listResourceTemplates()], { concurrency: "unbounded" })
        ),
        ([resources, templates]) => {
          const found = catalogue.make(resources, templates)
          if (this.changes === before) this.catalogue = found
          return found
        }
      )
    })
  }

  forgetResources(): void {
    this.changes++
    this.catalogue = undefined
  }

  private get now(): number {
    return this.options.clock.currentTimeMillisUnsafe()
  }

  /** Nothing comes after `Removed`. */
  private become(state: State): void {
    if (this.state._tag === "Removed") return
    this.state = state
    this.options.onState(state)
    // Whoever waits goes on at once.
    if (state._tag === "Connecting") this.decided.closeUnsafe()
    else this.decided.openUnsafe()
  }

  private get run(): Effect.Effect<never> {
    return Effect.gen({ self: this }, function*() {
      const { retry } = this.options
      let step: ((error: Failure) => Effect.Effect<unknown, unknown>) | undefined
      while (true) {
        const scope = yield* Scope.fork(this.options.scope)
        const exit = yield* Effect.exit(Scope.provide(this.attempt(scope), scope))
        const error = Exit.isSuccess(exit) ? exit.value : this.explain(exit.cause)
        this.client = undefined
        this.forgetResources()
        if (this.readySince !== undefined && this.now - this.readySince > goodAfter) step = undefined
        this.readySince = undefined
        this.become({ _tag: "Failed", error, since: this.now })
        yield* Scope.close(scope, Exit.void)
        if (retry === undefined) return yield* Effect.never
        step ??= yield* Schedule.toStepWithSleep(retry)
        if (Exit.isFailure(yield* Effect.exit(step(error)))) return yield* Effect.never
        this.become({ _tag: "Connecting", since: this.now })
      }
    })
  }

  /** Ends with why the server cannot be asked any more. */
  private attempt(scope: Scope.Scope): Effect.Effect<Failure, Failure, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const transport = yield* Effect.mapError(
        // Each attempt and each server has a transport of its own, also where two were given the same layer.
        Layer.buildWithMemoMap(this.options.transport, Layer.makeMemoMapUnsafe(), scope),
        (error) => this.noTransport(error)
      )
      const client = yield* Effect.provideContext(McpClient.make(this.options.options), transport)
      yield* Effect.forkScoped(
        Stream.runForEach(client.notifications, ({ method }) =>
          Effect.sync(() => {
            if (method === "notifications/resources/list_changed") this.forgetResources()
          })),
        { startImmediately: true }
      )
      this.client = client
      this.readySince = this.now
      this.become({ _tag: "Ready", since: this.now })
      const ended = yield* Stream.runFold(client.status, () => undefined as Failure | undefined, (_, status) => {
        switch (status._tag) {
          case "Connected":
            this.forgetResources()
            if (this.state._tag !== "Ready") this.become({ _tag: "Ready", since: this.now })
            return undefined
          case "Reconnecting":
            this.become({ _tag: "Connecting", since: this.now })
            return undefined
          case "Closed":
            return status.error
        }
      })
      return ended!
    })
  }

  private explain(cause: Cause.Cause<Failure>): Failure {
    return cause.reasons.find(Cause.isFailReason)?.error ?? this.noTransport(Cause.squash(cause))
  }

  private noTransport(cause: unknown): ClientGroupError.ClientGroupError {
    return ClientGroupError.make(
      new ClientGroupError.NoTransport({
        server: this.name,
        message: cause instanceof Error ? cause.message : String(cause),
        cause
      })
    )
  }
}
