/**
 * Calls to a server of the stateful era that asks in the middle of them, for clients of 2026-07-28, which can be asked
 * only at the end of a request. The call is held open until its client comes back with the answers, and found again by a
 * number nobody can guess, which the client carries sealed. So many are held, and for so long.
 */
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Ask from "../../context/Ask.ts"
import type * as AskError from "../../context/AskError.ts"
import * as Outcome from "../../core/Outcome.ts"
import type * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as McpError from "../../protocol/McpError.ts"
import * as asking from "./asking.ts"
import * as relaying from "./relaying.ts"
import type * as sessions from "./sessions.ts"

export interface Options {
  readonly scope: Scope.Scope
  readonly randomBytes: (size: number) => Effect.Effect<Uint8Array>
  /** Calls that are held at one time. */
  readonly max: number
  /** Milliseconds a client may take over its answers. */
  readonly time: number
}

/** Sends the call; it may ask, and be heard, whichever request is there for it by then. */
export type Run = (options: {
  readonly listener: relaying.Listener
  readonly answer: (method: string, params: JsonRpc.JsonObject) => Effect.Effect<JsonRpc.JsonObject, McpError.McpError>
}) => Effect.Effect<JsonRpc.JsonObject, McpError.McpError>

/** What asks together is asked together: milliseconds to wait for more after the first question. */
const together = 20

export class Holding {
  private readonly options: Options
  private readonly calls = new Map<string, HeldCall>()

  constructor(options: Options) {
    this.options = options
  }

  /** The result of the call, which is begun in the first run of the request's handler and gone on with in the later ones. */
  run(
    address: string,
    request: relaying.Request,
    party: sessions.Party,
    call: Run
  ): Effect.Effect<JsonRpc.JsonObject, McpError.McpError | AskError.AskError> {
    return Effect.gen({ self: this }, function*() {
      const id = yield* request.once(address, this.begin(party, request, call))
      const held = this.calls.get(id as string)
      if (held === undefined) return yield* gone
      return yield* held.goOn(request)
    })
  }

  private begin(
    party: sessions.Party,
    request: relaying.Request,
    call: Run
  ): Effect.Effect<string, McpError.McpError> {
    return Effect.gen({ self: this }, function*() {
      const { max, randomBytes, scope } = this.options
      if (this.calls.size >= max && !this.forget()) {
        return yield* McpError.make(
          new McpError.Overloaded({
            message: `${max} calls wait for their clients already, which is as many as may; try again later.`
          })
        )
      }
      const id = Base64Url.encode(yield* randomBytes(16))
      const held = new HeldCall(party, this.options, () => this.calls.delete(id))
      this.calls.set(id, held)
      yield* held.attach(request)
      yield* Effect.forkIn(held.run(call), scope, { startImmediately: true }).pipe(
        Effect.map((fiber) => held.fiber = fiber)
      )
      return id
    })
  }

  /** Those that are over are kept only for a client that has lost the answer. */
  private forget(): boolean {
    for (const held of this.calls.values()) if (held.isOver()) return held.release(), true
    return false
  }
}

interface Asked {
  readonly key: string
  readonly question: Ask.Question<JsonRpc.JsonObject>
  readonly answer: Deferred.Deferred<JsonRpc.JsonObject, McpError.McpError>
}

class HeldCall {
  fiber: Fiber.Fiber<void> | undefined
  private readonly party: sessions.Party
  private readonly options: Options
  private readonly remove: () => void
  /** The questions, as they were asked together. */
  private readonly rounds: Array<ReadonlyArray<Asked>> = []
  private open: Array<Asked> | undefined
  private asked = 0
  private exit: Exit.Exit<JsonRpc.JsonObject, McpError.McpError> | undefined
  private waiters: Array<Deferred.Deferred<void>> = []
  private current: { readonly request: relaying.Request; readonly outflow: relaying.Outflow } | undefined
  /** Runs of the request's handler that are at it. */
  private runs = 0
  private expiry: Fiber.Fiber<void> | undefined

  constructor(party: sessions.Party, options: Options, remove: () => void) {
    this.party = party
    this.options = options
    this.remove = remove
  }

  isOver(): boolean {
    return this.exit !== undefined
  }

  run(call: Run): Effect.Effect<void> {
    return Effect.suspend(() =>
      call({
        listener: {
          // Each round's own request may hear; the first one says whether anybody wants to.
          onProgress: this.current!.request.wantsProgress
            ? ({ progress, ...rest }) => this.tell((request) => request.reportProgress(progress, rest))
            : undefined,
          onTold: (notification) => this.tell((request) => relaying.tell(request, notification)),
          logLevel: this.current!.request.logLevel
        },
        answer: (method, params) => this.ask(method, params)
      })
    ).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          this.exit = exit
          this.wake()
        })
      ),
      Effect.ignoreCause
    )
  }

  private tell(message: (request: relaying.Request) => Effect.Effect<void>): void {
    if (this.current !== undefined) this.current.outflow.push(message(this.current.request))
  }

  /** The server asks. */
  private ask(method: string, params: JsonRpc.JsonObject): Effect.Effect<JsonRpc.JsonObject, McpError.McpError> {
    return Effect.suspend(() => {
      const question = asking.question(method, params)
      if (question === undefined || !asking.isAnswered(method, this.party)) {
        return Effect.fail(McpError.methodNotFound(method))
      }
      const answer = Deferred.makeUnsafe<JsonRpc.JsonObject, McpError.McpError>()
      const asked = { key: `question_${++this.asked}`, question, answer }
      if (this.open !== undefined) {
        this.open.push(asked)
        return Deferred.await(answer)
      }
      const round = this.open = [asked]
      return Effect.andThen(
        Effect.forkIn(
          Effect.andThen(
            Effect.sleep(together),
            Effect.sync(() => {
              this.open = undefined
              this.rounds.push(round)
              this.wake()
            })
          ),
          this.options.scope
        ),
        Deferred.await(answer)
      )
    })
  }

  private wake(): void {
    const { waiters } = this
    this.waiters = []
    for (const waiter of waiters) Deferred.doneUnsafe(waiter, Exit.void)
  }

  /** Until there are more rounds than so many, or the call is over. */
  private past(rounds: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.rounds.length > rounds || this.exit !== undefined) return Effect.void
      const waiter = Deferred.makeUnsafe<void>()
      this.waiters.push(waiter)
      return Effect.andThen(Deferred.await(waiter), this.past(rounds))
    })
  }

  attach(request: relaying.Request): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      this.current = { request, outflow: new relaying.Outflow(fiber.context as Context.Context<never>) }
      return Effect.void
    })
  }

  goOn(request: relaying.Request): Effect.Effect<JsonRpc.JsonObject, McpError.McpError | AskError.AskError> {
    return Effect.acquireUseRelease(
      Effect.suspend(() => {
        this.runs++
        this.expiry?.interruptUnsafe()
        return this.current?.request === request ? Effect.void : this.attach(request)
      }),
      () => this.through(request),
      (_, exit) =>
        Effect.suspend(() => {
          if (this.current?.request === request) this.current = undefined
          if (--this.runs > 0) return Effect.void
          // Its client has been asked, and comes back; whoever ends the request otherwise does not.
          const isAsking = Exit.isFailure(exit) && Outcome.reasonFromCause(exit.cause) === "ParentCancelled"
          if (!isAsking && (this.exit === undefined || this.rounds.length === 0)) {
            this.release()
            return Effect.void
          }
          return Effect.map(
            Effect.forkIn(
              Effect.andThen(Effect.sleep(this.options.time), Effect.sync(() => this.release())),
              this.options.scope
            ),
            (fiber) => {
              this.expiry = fiber
            }
          )
        })
    )
  }

  private through(request: relaying.Request): Effect.Effect<JsonRpc.JsonObject, McpError.McpError | AskError.AskError> {
    return Effect.gen({ self: this }, function*() {
      for (let round = 0;; round++) {
        yield* this.past(round)
        const asked = this.rounds[round]
        if (asked === undefined) break
        const answers = yield* request.ask(Object.fromEntries(asked.map(({ key, question }) => [key, question])))
        for (const { answer, key } of asked) {
          Deferred.doneUnsafe(answer, Exit.succeed(answers[key] as JsonRpc.JsonObject))
        }
      }
      if (this.current?.request === request) yield* this.current.outflow.drained
      return yield* this.exit!
    })
  }

  /** Nobody comes back for it: the server is told. */
  release(): void {
    this.remove()
    this.current?.outflow.end()
    this.fiber?.interruptUnsafe()
  }
}

const gone = Effect.fail(McpError.invalidParams(
  "The call that asked this is not held any more: its answers came too late, or this server has been restarted. Start " +
    "the request again, without requestState and inputResponses."
))
