/** What there is to do, and where it is kept: all that those who add work and those who do it have in common. */
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"

/** Takes a while, and says how far it is. */
export const report = DocketTask.make("report", {
  payload: Schema.Struct({ month: Schema.String, pages: Schema.Int }),
  success: Schema.Struct({ pages: Schema.Int, workers: Schema.Int })
})

export class Busy extends Schema.TaggedError<Busy>()("Busy", { after: Schema.Int }) {}

/** Goes out to somebody who is often busy. */
export const notify = DocketTask.make("notify", {
  payload: Schema.Struct({ to: Schema.String, dueInvoices: Schema.Int }),
  success: Schema.String,
  error: Busy,
  retry: Schedule.exponential("20 millis").pipe(Schedule.upTo({ times: 4 })),
  timeout: "10 seconds"
})

/** One file for both, which any number of processes may have open. A lease this short is for an example alone. */
export const Work = Docket.layerSql({ lease: "2 seconds", pollInterval: "50 millis" }).pipe(
  Layer.provide(SqliteClient.layer({ filename: process.env.DOCKET ?? "docket.db" }))
)
