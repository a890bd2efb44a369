/** A docket in Redis, for several machines. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Docket from "../docket/Docket.ts"
import * as DocketEngine from "../docket/DocketEngine.ts"
import * as DocketError from "../docket/DocketError.ts"
import type * as DocketRecords from "../docket/DocketRecords.ts"
import type * as DocketStore from "../docket/DocketStore.ts"
import * as DocketStoreRedis from "../docket/DocketStoreRedis.ts"
import * as BullMq from "./internal/bullMq.ts"
import * as RedisConnection from "./internal/redisConnection.ts"

/** @category models @since 0.1.0 */
export interface Options extends Docket.Options, PartsOptions {}

/** @category models @since 0.1.0 */
export interface PartsOptions {
  /** `redis://127.0.0.1:6379`. */
  readonly url?: string
  /** What every key begins with, in braces, so that a cluster keeps them together. `fastmcp`. */
  readonly prefix?: string
  /** How long after a worker disappeared its work is done by another. 30 seconds. */
  readonly lease?: Duration.Input
  /** How often what has expired is taken out of the indexes; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

/**
 * In Redis, with BullMQ (an optional peer, as is `redis`) for the rings: its jobs have the ids of executions, and nothing
 * of what is to be done. Redis should write to its disk (`appendonly yes`) and evict nothing (`noeviction`). Fails if it
 * does not answer within 5 seconds.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<Docket.Docket | DocketRecords.DocketRecords, DocketError.DocketError> =>
  Layer.provide(Docket.layer(options), layerParts(options))

/**
 * What such a docket stands on: its store and its engine, over one connection.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerParts = (
  { lease, prefix = "fastmcp", url = "redis://127.0.0.1:6379", ...options }: PartsOptions = {}
): Layer.Layer<DocketStore.DocketStore | DocketEngine.DocketEngine, DocketError.DocketError> =>
  Layer.unwrap(Effect.map(
    Effect.mapError(RedisConnection.make("Redis of the docket", { url }), DocketError.atStart),
    (connection) =>
      Layer.merge(
        Layer.provide(
          DocketStoreRedis.layer({ ...options, prefix: `{${prefix}:docket}:` }),
          Layer.effect(Redis.Redis, RedisConnection.redis(connection))
        ),
        Layer.effect(
          DocketEngine.DocketEngine,
          Effect.mapError(BullMq.make(connection, { prefix: `{${prefix}}`, lease }), DocketError.atStart)
        )
      )
  ))
