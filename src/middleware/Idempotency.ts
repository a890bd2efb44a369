/**
 * Runs a call that has a key once, however often it is sent: the receipt of how it ended answers the repeat, also after a
 * restart where the store outlives the process. Where nobody knows how a call ended it is not run again, and its caller
 * is told so (`OutcomeUnknown`). It belongs behind what refuses and what counts, and around what tries again.
 *
 * The key is the client's (`fastmcp-effect/idempotencyKey` in the request's `_meta`) or made of the request (`derive`). It
 * is its caller's alone: two callers with one key have two calls. A client that nobody knows shares its keys with all
 * others nobody knows, and has to choose one that cannot be guessed.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Identity from "../context/Identity.ts"
import * as Budget from "../core/Budget.ts"
import * as Outcome from "../core/Outcome.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"
import { canonical } from "./internal/canonical.ts"
import { callerOf } from "./internal/key.ts"
import * as methods from "./internal/methods.ts"
import * as receipt from "./internal/receipt.ts"
import * as Middleware from "./Middleware.ts"
import * as ReceiptStore from "./ReceiptStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** The key of a call whose client gives none: what it is about, as the number of an order. Undefined for none. */
  readonly derive?: (request: Middleware.Request, identity: Identity.Identity) => string | undefined
  /**
   * What has keys. The calls of tools that do not say `readOnlyHint` when left out. A call of another tool that brings a
   * key is refused, unless it says `readOnlyHint` or `idempotentHint`.
   */
  readonly isFor?: (request: Middleware.Request) => boolean
  /** How long a receipt is kept: longer than any client tries. 24 hours. */
  readonly ttl?: Duration.Input
  /**
   * How long after its process was lost a call counts as running. It is renewed three times in that time while it runs.
   * 30 seconds.
   */
  readonly lease?: Duration.Input
  /** How long a call waits for itself on another process before it is refused with `InProgress`. 10 seconds. */
  readonly wait?: Duration.Input
  /** What may run again where nobody knows how it ended. Tools that say `idempotentHint` when left out. */
  readonly isHarmless?: (request: Middleware.Request) => boolean
  /**
   * What becomes of a call that runs while all who wait for it go: they cancel it, or are cut off, which the server cannot
   * tell apart. It is brought to its end (`finish`), within the time of its request, for its caller may come back for it;
   * or stopped (`cancel`), and then nobody knows how it ended. `finish` when left out.
   */
  readonly onAbandoned?: "finish" | "cancel"
  /**
   * What becomes of a call when the store does not answer: `refuse` (with `Overloaded`, before it runs) when left out, or
   * `allow`, without a receipt, with a warning in the log once a minute.
   */
  readonly onUnavailable?: "refuse" | "allow"
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** @category constants @since 0.1.0 */
export const longestKey = 255

/** Set for all that works for a request: what its handler calls of its own server is part of it. */
const Inside: Context.Reference<boolean> = Context.Reference<boolean>(
  "fastmcp-effect/middleware/Idempotency/Inside",
  { defaultValue: () => false }
)

/** A call that is being answered, for those that send it again meanwhile. */
interface Flight {
  readonly fingerprint: string
  readonly landed: Deferred.Deferred<Landing>
  waiting: number
  /** Its handler, or what stands before it, has begun. */
  isTouched: boolean
  fiber: Fiber.Fiber<object, McpError.McpError> | undefined
}

interface Landing {
  readonly exit: Exit.Exit<object, McpError.McpError>
  /** What it has asked in the place of an exit of its own. */
  readonly asked: object | undefined
}

/**
 * Calls that are alike and come at once to one process run once, and all have its result; who goes leaves the others
 * alone. It is the first one's request that runs, in its time: when that is over, so is the call for all of them. What
 * the call asks goes to whoever waits (2026-07-28) or to its connection, and a repeat is answered with the question it has
 * come to, until it ends. What it was refused with after it began is kept as a result is, but for `RateLimited`,
 * `Overloaded` and what its caller may not do: with those nothing is done, and it may begin again.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Middleware.Middleware<never, ReceiptStore.ReceiptStore> => {
  const {
    derive = () => undefined,
    isFor = changes,
    isHarmless = ({ tool }) => tool?.annotations?.idempotentHint === true,
    onAbandoned = "finish",
    onUnavailable = "refuse"
  } = options
  const ttlMillis = millis(options.ttl ?? "24 hours", "ttl")
  const leaseMillis = millis(options.lease ?? "30 seconds", "lease")
  const waitMillis = Duration.toMillis(Duration.fromInputUnsafe(options.wait ?? "10 seconds"))
  const flights = new WeakMap<ReceiptStore.ReceiptStore["Service"], Map<string, Flight>>()
  let warnedAt = -Infinity

  const warn = (message: string, error: ReceiptStore.ReceiptsUnavailable) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (now - warnedAt < warningMillis) return Effect.void
      warnedAt = now
      return Effect.logWarning(message, error)
    })

  /** Begins it, or finds how it ended; waits while somebody else runs it. */
  const begin = Effect.fnUntraced(function*(
    store: ReceiptStore.ReceiptStore["Service"],
    key: string,
    call: ReceiptStore.Call,
    restore: Restore
  ) {
    const until = (yield* Clock.currentTimeMillis) + waitMillis
    for (let pause = 50;; pause = Math.min(pause * 2, 1000)) {
      const begun = yield* store.begin(key, call)
      if (begun._tag !== "Running") return begun
      if ((yield* Clock.currentTimeMillis) + pause > until) return begun
      yield* restore(Effect.sleep(pause))
    }
  })

  /** Runs what has begun, and keeps how it ends. */
  const run = (
    request: Middleware.Request,
    next: Middleware.Next,
    store: ReceiptStore.ReceiptStore["Service"],
    key: string,
    runId: string,
    flight: Flight,
    restore: Restore
  ): Middleware.Next => {
    const renewed = Effect.forever(
      Effect.andThen(Effect.sleep(leaseMillis / 3), Effect.ignore(store.renew(key, runId, leaseMillis)))
    )
    const keep = (ended: ReceiptStore.Ended) =>
      store.end(key, runId, ended, ttlMillis).pipe(
        Effect.retry({ times: 2 }),
        Effect.catch((error) => warn("What became of a call with a key could not be kept.", error))
      )
    return Effect.flatMap(
      Effect.forkChild(renewed, { startImmediately: true }),
      (renewing) =>
        Effect.onExit(restore(touching(flight, next)), (exit) => {
          const ended = receipt.of(exit, request.context.paused, store.maxItemBytes)
          renewing.interruptUnsafe()
          return keep(
            !flight.isTouched || ended._tag === "Unknown" && isHarmless(request) ? { _tag: "Undone" } : ended
          )
        })
    )
  }

  // NOTE: what has begun is ended, whatever interrupts it: only the waits and the call itself let themselves be stopped.
  const answer = (
    request: Middleware.Request,
    next: Middleware.Next,
    store: ReceiptStore.ReceiptStore["Service"],
    key: string,
    flight: Flight
  ): Middleware.Next =>
    Effect.uninterruptibleMask((restore) => {
      const { requestState } = request.params as { readonly requestState?: string }
      const { fingerprint } = flight
      const call = { fingerprint, round: requestState, leaseMillis, ttlMillis, isHarmless: isHarmless(request) }
      return Effect.matchEffect(begin(store, key, call, restore), {
        onFailure: (error): Middleware.Next =>
          onUnavailable === "refuse"
            ? Effect.fail(McpError.make(new McpError.Overloaded({ message: error.message })))
            : Effect.andThen(warn("Calls with keys run without receipts.", error), restore(touching(flight, next))),
        onSuccess: (begun): Middleware.Next => {
          switch (begun._tag) {
            case "Begun":
              return run(request, next, store, key, begun.run, flight, restore)
            case "Done":
              return begun.text === undefined
                ? unknown("The call has ended, and its result was too large to be kept.")
                : receipt.read(begun.text)
            case "Running":
              return Effect.fail(McpError.make(new McpError.InProgress({ retryAfter: 1000 })))
            case "Unknown":
              return unknown("The call was begun and cut off; whether it was done is unknown, so it is not run again.")
            case "Conflict":
              return conflict
          }
        }
      })
    })

  const flightsOf = (store: ReceiptStore.ReceiptStore["Service"]): Map<string, Flight> => {
    const found = flights.get(store)
    if (found !== undefined) return found
    const made = new Map<string, Flight>()
    flights.set(store, made)
    return made
  }

  const launch = (
    request: Middleware.Request,
    next: Middleware.Next,
    store: ReceiptStore.ReceiptStore["Service"],
    key: string,
    fingerprint: string,
    context: Context.Context<never>
  ): Flight => {
    const flight: Flight = {
      fingerprint,
      landed: Deferred.makeUnsafe(),
      waiting: 1,
      isTouched: false,
      fiber: undefined
    }
    const beside = flightsOf(store)
    beside.set(key, flight)
    if (onAbandoned === "finish") {
      request.context.outlive(() => Outcome.interruptUnsafe(flight.fiber!, "ParentCancelled"))
    }
    flight.fiber = store.fork(Effect.provideContext(
      Effect.onExit(
        // Its time goes on when its request is over for who sent it.
        Budget.nested(Effect.suspend(() => answer(request, next, store, key, flight)), {}),
        (exit) =>
          flight.waiting === 0 && Outcome.fromExit(exit)._tag === "Panicked"
            ? Effect.logError("A call with a key hit a defect when nobody waited for it any more.", exit)
            : Effect.void
      ),
      context
    ))
    flight.fiber.addObserver((exit) => {
      beside.delete(key)
      const isAsked = Outcome.fromExit(exit)._tag === "Cancelled"
      Deferred.doneUnsafe(
        flight.landed,
        Exit.succeed({ exit, asked: isAsked ? request.context.paused : undefined })
      )
    })
    return flight
  }

  /** Waits for it, as the one whose request it is or as another. */
  const await_ = (request: Middleware.Request, flight: Flight, isLeader: boolean, again: Middleware.Next) => {
    const left = (reason: Outcome.CancelReason): Effect.Effect<void> => {
      const stops = (isLeader && (reason !== "User" || request.context.paused !== undefined))
        || (flight.waiting === 0 && onAbandoned === "cancel")
      return stops ? Outcome.interrupt(flight.fiber!, reason) : Effect.void
    }
    return Effect.flatMap(
      Effect.suspend(() => {
        if (!isLeader) flight.waiting++
        return Effect.onExit(Deferred.await(flight.landed), (exit) => {
          flight.waiting--
          return Exit.isSuccess(exit) ? Effect.void : left(Outcome.reasonFromCause(exit.cause) ?? "ParentCancelled")
        })
      }),
      ({ asked, exit }): Middleware.Next => {
        if (isLeader || Exit.isSuccess(exit)) return exit
        if (asked !== undefined) return Effect.succeed(asked)
        const outcome = Outcome.fromExit(exit)
        return outcome._tag === "Err"
          ? exit
          : isHarmless(request) || !flight.isTouched
          ? again
          : unknown("The call was cut off; whether it was done is unknown, so it is not run again.")
      }
    )
  }

  return Middleware.make((request, next) => {
    if (announcing.has(request.method)) {
      return Effect.flatMap(ReceiptStore.ReceiptStore, ({ id }) => Effect.map(next, announced(id)))
    }
    if (methods.isProtocol(request.method)) return next
    return Effect.withFiber<object, McpError.McpError, ReceiptStore.ReceiptStore>((fiber) => {
      // A task is one that its call is answered with.
      if (fiber.getRef(Inside) || request.refused !== undefined || request.context.taskId !== undefined) return next
      const inside = Effect.provideService(next, Inside, true)
      const given = request.context.meta[Meta.idempotencyKey]
      if (given !== undefined && !isKey(given)) return badKey
      const identity = callerOf(fiber)
      if (!isFor(request)) {
        return given === undefined || request.method !== "tools/call" || mayRepeat(request) ? inside : noKeys
      }
      const key = keyOf(request, identity, given, given === undefined ? derive(request, identity) : undefined)
      if (key === undefined) return inside
      const store = Context.getUnsafe(fiber.context, ReceiptStore.ReceiptStore)
      const sentTo = request.context.meta[Meta.idempotencyStore]
      if (sentTo !== undefined && sentTo !== store.id && !isHarmless(request)) {
        return unknown(
          "The call was sent before, and what keeps the receipts has been changed since: nobody knows of it."
        )
      }
      const fingerprint = fingerprintOf(request)
      const context = fiber.context as Context.Context<never>
      const answered: Middleware.Next = Effect.suspend(() => {
        const flight = flightsOf(store).get(key)
        if (flight !== undefined && flight.fingerprint !== fingerprint) return conflict
        return Effect.flatMap(
          await_(
            request,
            flight ?? launch(request, inside, store, key, fingerprint, context),
            flight === undefined,
            answered
          ),
          (result) => receipt.isOf(result, request.context.revision.era) ? Effect.succeed(result) : anotherEra
        )
      })
      return answered
    })
  })
}

const touching = (flight: Flight, next: Middleware.Next): Middleware.Next =>
  Effect.suspend(() => {
    flight.isTouched = true
    return next
  })

const changes = ({ method, tool }: Middleware.Request): boolean =>
  method === "tools/call" && tool !== undefined && tool.annotations?.readOnlyHint !== true

const mayRepeat = ({ tool }: Middleware.Request): boolean =>
  tool?.annotations?.readOnlyHint === true || tool?.annotations?.idempotentHint === true

const isKey = (given: unknown): given is string =>
  typeof given === "string" && given.length > 0 && given.length <= longestKey

/** Between two warnings. */
const warningMillis = 60_000

const millis = (duration: Duration.Input, option: string): number => {
  const all = Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(duration)))
  if (!(all > 0 && all <= longest)) throw new Error(`The ${option} of receipts is from a millisecond to ten years.`)
  return all
}

/** Milliseconds: ten years. */
const longest = 315_360_000_000

/** A derived key is its tool's; of a client's own there is one for all tools. */
const keyOf = (
  { context, method, tool }: Middleware.Request,
  { clientId, issuer, subject, tenant }: Identity.Identity,
  given: string | undefined,
  derived: string | undefined
): string | undefined =>
  given === undefined && derived === undefined ? undefined : JSON.stringify([
    subject ?? null,
    issuer ?? null,
    clientId ?? null,
    ...tenant === undefined ? [] : [{ tenant }],
    ...given === undefined ? ["derived", context.mounts, method, tool?.name ?? null, derived] : ["given", given]
  ])

/** What is asked for, in whatever revision and round. */
const fingerprintOf = ({ context, method, params, tool }: Middleware.Request): string => {
  const { _meta, arguments: args = {}, inputResponses: _, requestState: __, task, ...asked } = params as
    & McpSchema.CallToolAsTaskParams
    & { readonly _meta?: unknown }
  const { mounts } = context
  return canonical({ mounts, method, tool: tool?.name, ...asked, arguments: args, isTask: task !== undefined })
}

/** Where a server says what it keeps to. */
const announcing: ReadonlySet<string> = new Set(["initialize", "server/discover"])

const announced = (store: string) => (result: object): object => {
  const { capabilities } = result as { readonly capabilities?: McpSchema.ServerCapabilities }
  return {
    ...result,
    capabilities: { ...capabilities, experimental: { ...capabilities?.experimental, [Meta.idempotency]: { store } } }
  }
}

const unknown = (message: string) => Effect.fail(McpError.make(new McpError.OutcomeUnknown({ message })))

const conflict = Effect.fail(McpError.make(
  new McpError.IdempotencyConflict({
    message: "The idempotency key is that of another call; another tool or other arguments need another key."
  })
))

const anotherEra = Effect.fail(McpError.make(
  new McpError.IdempotencyConflict({
    message: "The call with this idempotency key has been answered with what this revision of the protocol cannot say."
  })
))

const badKey = Effect.fail(
  McpError.invalidParams(`${Meta.idempotencyKey} is a text of 1 to ${longestKey} characters.`)
)

const noKeys = Effect.fail(
  McpError.invalidParams(`This tool takes no ${Meta.idempotencyKey}: it would run each time it is called.`)
)
