/** A docket in Redis, for several machines. */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Docket from "../docket/Docket.ts"
import * as DocketError from "../docket/DocketError.ts"
import type * as DocketRecords from "../docket/DocketRecords.ts"
import * as DocketStore from "../docket/DocketStore.ts"
import * as DocketStoreRedis from "../docket/DocketStoreRedis.ts"
import * as DocketEngineBullMq from "./DocketEngineBullMq.ts"

const part = "store of the docket"

/** @category models @since 0.1.0 */
export interface Options extends Docket.Options {
  /** `redis://127.0.0.1:6379`. */
  readonly url?: string
  /** What every key begins with, in braces, so that a cluster keeps them together. `fastmcp`. */
  readonly prefix?: string
  /** How long after a worker disappeared its work is done by another. 30 seconds. */
  readonly lease?: Duration.Input
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
  { lease, prefix = "fastmcp", url = "redis://127.0.0.1:6379", ...options }: Options = {}
): Layer.Layer<Docket.Docket | DocketRecords.DocketRecords, DocketError.DocketError> =>
  Docket.layer(options).pipe(
    Layer.provide(
      DocketStoreRedis.layer({ prefix: `{${prefix}:docket}:` }).pipe(
        Layer.provide(NodeRedis.layer({ url })),
        Layer.catchTag("RedisError", (cause) => Layer.effect(DocketStore.DocketStore, unavailable(cause)))
      )
    ),
    // Before the store, whose client would wait without end for a server that takes it in and says nothing.
    Layer.provide(DocketEngineBullMq.layer({ url, prefix: `{${prefix}}`, ...lease !== undefined && { lease } }))
  )

const unavailable = (cause: unknown): DocketError.DocketError =>
  DocketError.atStart(DocketError.make(new DocketError.Unavailable({ part, cause })))
