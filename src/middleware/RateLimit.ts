/**
 * A limit on how often something is asked for. Who has reached it is refused with `RateLimited`: code 429, and in the
 * error's `data` the milliseconds until it is worth trying again, as `retryAfter`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as McpError from "../protocol/McpError.ts"
import * as key from "./internal/key.ts"
import * as methods from "./internal/methods.ts"
import * as Middleware from "./Middleware.ts"
import * as RateLimitStore from "./RateLimitStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** A whole number from 1 to 4,294,967,295. */
  readonly limit: number
  /** From a millisecond to ten years. */
  readonly window: Duration.Input
  /** `fixed-window` when left out. */
  readonly algorithm?: RateLimitStore.Algorithm
  /** What a token bucket holds: a whole number from 1, the limit when left out. Only with `token-bucket`. */
  readonly burst?: number
  /** `identity` when left out. A key has at most 400 characters: what has a longer one is refused. */
  readonly per?: Middleware.Per
  /**
   * How much of the limit a request takes: a whole number, 1 when left out. One of 0 passes by, and one above the limit
   * (or the burst) is always refused.
   */
  readonly cost?: (request: Middleware.Request) => number
  /**
   * The methods it is for. What runs code of the author's when left out: the handshake, lists, subscriptions, what looks
   * after tasks and the like pass by. A call that becomes a task counts once, when it is made.
   */
  readonly methods?: ReadonlyArray<string>
  /**
   * What becomes of a request when the store does not answer: `refuse` (with `Overloaded`, code 503) when left out, or
   * `allow`, with a warning in the log once a minute.
   */
  readonly onUnavailable?: "refuse" | "allow"
  /**
   * Limits of one name, algorithm and window count together where their keys are the same, also those of several servers
   * that share a store. Without a name: all that are alike in their options, the functions not counted.
   */
  readonly name?: string
}

const longestKey = 400

/** @category constructors @since 0.1.0 */
export const make = (options: Options): Middleware.Middleware<never, RateLimitStore.RateLimitStore> => {
  const { algorithm = "fixed-window", cost = () => 1, limit, onUnavailable = "refuse", per = "identity" } = options
  const windowMillis = Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(options.window)))
  const rule: RateLimitStore.Rule = { algorithm, limit, windowMillis, burst: options.burst ?? limit }
  check(options, rule)
  const most = algorithm === "token-bucket" ? rule.burst : limit
  const isLimited = options.methods === undefined
    ? (method: string) => !methods.isProtocol(method) && !methods.isOfTask(method)
    : (method: string) => options.methods!.includes(method)
  // No two limits that differ have keys in common.
  const prefix = JSON.stringify([
    options.name ?? [typeof per === "string" ? per : "key", limit, options.burst ?? null, options.methods ?? null],
    algorithm,
    windowMillis
  ])
  let warnedAt = -Infinity

  const unavailable = (error: RateLimitStore.RateLimitUnavailable): Effect.Effect<McpError.McpError | undefined> =>
    onUnavailable === "refuse"
      ? Effect.succeed(McpError.make(new McpError.Overloaded({ message: error.message })))
      : Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (now - warnedAt < warningMillis) return Effect.undefined
        warnedAt = now
        return Effect.as(Effect.logWarning("Requests pass without a rate limit.", error), undefined)
      })

  /** Why the request is refused, if it is. */
  const refusal = (request: Middleware.Request) =>
    Effect.withFiber<McpError.McpError | undefined, never, RateLimitStore.RateLimitStore>((fiber) => {
      const wanted = cost(request)
      const counted = key.of(per, request, key.callerOf(fiber))
      if (counted === undefined || wanted === 0) return Effect.undefined
      if (!Number.isSafeInteger(wanted) || wanted < 0) {
        return Effect.die(new Error("A cost is not a whole number from 0."))
      }
      if (counted.length > longestKey) {
        return Effect.succeed(McpError.invalidRequest("What this is counted by is too long."))
      }
      if (wanted > most) return Effect.succeed(McpError.make(new McpError.RateLimited({})))
      const store = Context.getUnsafe(fiber.context, RateLimitStore.RateLimitStore)
      return Effect.matchEffect(store.take(prefix + counted, rule, wanted), {
        onSuccess: ({ isTaken, retryAfter }) =>
          isTaken ? Effect.undefined : Effect.succeed(McpError.make(new McpError.RateLimited({ retryAfter }))),
        onFailure: unavailable
      })
    })

  return Middleware.make((request, next) =>
    isLimited(request.method) && request.isTaskRun !== true
      ? Effect.flatMap(refusal(request), (error) => error === undefined ? next : Effect.fail(error))
      : next
  )
}

/** Between two warnings of one limit. */
const warningMillis = 60_000

const check = ({ algorithm, burst }: Options, { limit, windowMillis }: RateLimitStore.Rule): void => {
  const wrong = !isCount(limit)
    ? "its limit is not a whole number from 1 to 4,294,967,295"
    : burst !== undefined && algorithm !== "token-bucket"
    ? "only a token bucket has a burst"
    : burst !== undefined && !isCount(burst)
    ? "its burst is not a whole number from 1 to 4,294,967,295"
    : !(windowMillis > 0 && windowMillis <= longestWindow)
    ? "its window is not a time from a millisecond to ten years"
    : undefined
  if (wrong !== undefined) throw new Error(`The rate limit cannot be: ${wrong}.`)
}

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 1 && count < 2 ** 32

/** Milliseconds: ten years. */
const longestWindow = 315_360_000_000
