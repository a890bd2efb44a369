/**
 * Tries again what was refused for the moment, and only what may happen twice. What a tool declares as its failure is a
 * result, and is not tried again, nor is what dies or is cancelled.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as McpError from "../protocol/McpError.ts"
import * as Middleware from "./Middleware.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** How often after the first time: 2 when left out. */
  readonly times?: number
  /** Before the second time, and twice as long each time after; from half of it to all of it. 100 ms when left out. */
  readonly pause?: Duration.Input
  /**
   * No pause is longer, and what says that it takes longer (`retryAfter`) is not tried again. 5 seconds when left out.
   */
  readonly longestPause?: Duration.Input
  /**
   * What may happen twice. When left out: reads, prompts, completions, and the tools that say so with `readOnlyHint` or
   * `idempotentHint`.
   */
  readonly isIdempotent?: (request: Middleware.Request) => boolean
  /** What is worth another time: what has `isRetryable` when left out. */
  readonly while?: (error: McpError.McpError) => boolean
}

/**
 * The pauses are part of the request's time. A handler that asks its client asks again.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Middleware.Middleware<never, never> => {
  const { isIdempotent = happensTwice, times = 2, while: isWorth = (error) => error.isRetryable } = options
  const shortest = Duration.toMillis(Duration.fromInputUnsafe(options.pause ?? 100))
  const longest = Duration.toMillis(Duration.fromInputUnsafe(options.longestPause ?? "5 seconds"))
  if (!Number.isSafeInteger(times) || times < 0) throw new Error("times is not a whole number from 0.")

  const attempt = (next: Middleware.Next, left: number, pause: number): Middleware.Next =>
    left === 0 ? next : Effect.catch(next, (error) => {
      const { reason } = error
      const least = "retryAfter" in reason && reason.retryAfter !== undefined ? reason.retryAfter : 0
      if (!isWorth(error) || least > longest) return Effect.fail(error)
      return Effect.flatMap(Random.next, (random) =>
        Effect.andThen(
          Effect.sleep(Math.max(least, Math.ceil(Math.min(pause, longest) * (0.5 + random / 2)))),
          attempt(next, left - 1, Math.min(pause * 2, longest))
        ))
    })

  return Middleware.make((request, next) => isIdempotent(request) ? attempt(next, times, shortest) : next)
}

const happensTwice = ({ method, tool }: Middleware.Request): boolean =>
  tool === undefined
    ? reads.has(method)
    : tool.annotations?.readOnlyHint === true || tool.annotations?.idempotentHint === true

const reads: ReadonlySet<string> = new Set(["resources/read", "prompts/get", "completion/complete"])
