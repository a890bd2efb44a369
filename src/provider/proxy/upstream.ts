/**
 * The server behind a proxy, for as long as the proxy lives: connected to, connected to again for as long as it takes,
 * and its lists read anew whenever they may have changed.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as McpClientError from "../../client/McpClientError.ts"
import * as catalogue from "./catalogue.ts"
import * as sessions from "./sessions.ts"

export interface Options extends sessions.Options {
  readonly name: string
  /** When to try again. */
  readonly retry: Schedule.Schedule<unknown, unknown>
  /** Gets the lists, each time they are other ones. */
  readonly onLists: (lists: catalogue.Lists) => Effect.Effect<void, unknown>
  /** The first attempt came to nothing; true to try again. */
  readonly onFailed: (error: unknown) => Effect.Effect<boolean>
}

/** A session that lasted so long was a good one: the next is tried for as if it were the first. */
const goodAfter = 30_000

/** Between two readings of the lists: whatever changes meanwhile is one change. */
const pause = "100 millis"

/** Before lists are read again that could not be. */
const readAgain = "1 second"

export class Upstream {
  /** The session its lists are read on, while there is one. */
  session: sessions.Session | undefined
  private readonly options: Options
  private readonly opened: PubSub.PubSub<sessions.Session>
  private text: string | undefined
  private hasListed = false

  constructor(options: Options, opened: PubSub.PubSub<sessions.Session>) {
    this.options = options
    this.opened = opened
  }

  /** Emits when a resource may have changed, over all sessions. */
  updates(uri: string): Stream.Stream<unknown> {
    return Stream.switchMap(Stream.fromPubSub(this.opened), ({ client }) =>
      Stream.catch(
        client.changes({ uris: [uri] }),
        (error) =>
          Stream.drain(Stream.fromEffect(
            Effect.logWarning(`The server ${this.name} does not tell of changes of ${uri}: ${error.message}`)
          ))
      ))
  }

  get name(): string {
    return JSON.stringify(this.options.name)
  }

  /** Ends where the first attempt fails and shall be the last. */
  get run(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { onFailed, retry } = this.options
      let step: ((error: unknown) => Effect.Effect<unknown, unknown>) | undefined
      while (true) {
        const since = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        const exit = yield* Effect.exit(Effect.scoped(this.attempt))
        this.session = undefined
        const error = Exit.isSuccess(exit) ? exit.value : reasonOf(exit.cause)
        if (!this.hasListed && !(yield* onFailed(error))) return
        this.hasListed = true
        yield* Effect.logWarning(`The server ${this.name} behind this one cannot be reached: ${messageOf(error)}`)
        const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        if (now - since > goodAfter) step = undefined
        step ??= yield* Schedule.toStepWithSleep(retry)
        if (Exit.isFailure(yield* Effect.exit(step(error)))) return
      }
    })
  }

  /** Ends with why there is no session any more. */
  private get attempt(): Effect.Effect<unknown, unknown, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const session = yield* sessions.open(this.options, sessions.nobody, undefined)
      const { client } = session
      const mayHaveChanged = yield* Queue.sliding<void>(1)
      const mark = Effect.sync(() => {
        Queue.offerUnsafe(mayHaveChanged, undefined)
      })
      yield* Effect.forkScoped(
        Effect.catch(
          Stream.runForEach(client.changes(), () => mark),
          (error) => Effect.logDebug(`The server ${this.name} does not tell of changed lists: ${error.message}`)
        ),
        { startImmediately: true }
      )
      yield* this.list(session)
      this.session = session
      PubSub.publishUnsafe(this.opened, session)
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(
        Queue.take(mayHaveChanged),
        Effect.catch(
          Effect.andThen(this.list(session), Effect.sleep(pause)),
          (error) =>
            Effect.andThen(
              Effect.logWarning(`The lists of the server ${this.name} cannot be read: ${messageOf(error)}`),
              Effect.andThen(Effect.sleep(readAgain), mark)
            )
        )
      )))
      let isFirst = true
      return yield* Stream.runFold(client.status, () => closed as unknown, (error, status) => {
        if (status._tag === "Closed") return status.error
        // Those that are not told of changes see them at least then.
        if (status._tag === "Connected" && !isFirst) Queue.offerUnsafe(mayHaveChanged, undefined)
        isFirst = false
        return error
      })
    })
  }

  private list({ client }: sessions.Session): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function*() {
      const read = yield* catalogue.read(client)
      const text = JSON.stringify(read)
      if (text === this.text) return
      const { faults, lists } = catalogue.servable(read)
      if (faults.length > 0) {
        yield* Effect.logWarning(`Left out of what the server ${this.name} lists`, faults)
      }
      yield* this.options.onLists(lists)
      this.text = text
      this.hasListed = true
    })
  }
}

const closed = McpClientError.make(new McpClientError.Closed())

const reasonOf = (cause: Cause.Cause<unknown>): unknown =>
  cause.reasons.find(Cause.isFailReason)?.error ?? Cause.squash(cause)

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)
