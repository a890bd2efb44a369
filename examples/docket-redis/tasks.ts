import * as Schema from "effect/Schema"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import * as NodeDocketRedis from "fastmcp-effect/node/NodeDocketRedis"

export const square = DocketTask.make("square", {
  payload: Schema.Int,
  success: Schema.Struct({ square: Schema.Int, worker: Schema.Int })
})

/** Goes on until somebody has enough of it. */
export const wait = DocketTask.make("wait", { timeout: "1 hour" })

export const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379"

/** Of all keys. A program of yours has one of its own, and always the same. */
export const prefix = process.env.DOCKET_PREFIX ?? "example"

export const Work = NodeDocketRedis.layer({ url, prefix })
