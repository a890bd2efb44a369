/**
 * The doorbell of a docket on BullMQ, over Redis: rings that wait come by priority, and another process hears one within
 * milliseconds. BullMQ has the rings and nothing of what they are for.
 *
 * Redis has to keep what it is given (`maxmemory-policy noeviction`) and should write it down (`appendonly yes`); a ring
 * it loses comes when a worker finds the execution overdue. Delays are counted by the clocks of the processes.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { RedisClientOptions } from "redis"
import * as DocketEngine from "../docket/DocketEngine.ts"
import * as DocketError from "../docket/DocketError.ts"
import * as BullMq from "./internal/bullMq.ts"
import * as RedisConnection from "./internal/redisConnection.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** `redis://127.0.0.1:6379`. */
  readonly url?: string
  /** What else the `redis` client takes; each process has one connection, and another one for each `consume`. */
  readonly connection?: RedisClientOptions
  /** Without colons. `fastmcp-docket`. */
  readonly queue?: string
  /** What every key begins with, before a colon. In a cluster it has to hold a hash tag, `{fastmcp}`. `fastmcp`. */
  readonly prefix?: string
  /** 30 seconds. */
  readonly lease?: Duration.Input
}

/**
 * Fails if Redis does not answer within 5 seconds; one that goes away later is waited for, and meanwhile `ring` fails
 * after 5 seconds. Rings more than 2^20 from priority 0 count as that far.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<DocketEngine.DocketEngine, DocketError.DocketError> =>
  Layer.effect(
    DocketEngine.DocketEngine,
    RedisConnection.make(BullMq.part, options).pipe(
      Effect.flatMap((connection) => BullMq.make(connection, options)),
      Effect.mapError(DocketError.atStart)
    )
  )
