/** Does the work of the file in `DOCKET` until a signal comes. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import { Busy, notify, report, Work } from "./tasks.ts"

const reporting = DocketTask.handle(report, ({ pages }, { advance, attempt }) =>
  Effect.gen(function*() {
    for (let page = 1; page <= pages; page++) {
      yield* Effect.sleep("100 millis")
      yield* advance({ current: page, total: pages })
    }
    return { pages, workers: attempt }
  }))

const notifying = DocketTask.handle(notify, ({ dueInvoices, to }, { attempt }) =>
  attempt < 3
    ? Effect.fail(new Busy({ after: attempt }))
    : Effect.succeed(`Told ${to} of ${dueInvoices} invoices, the ${attempt}rd time`))

Docket.layerWorker([reporting, notifying], { sweepInterval: "1 second" }).pipe(
  Layer.provide(Work),
  Layer.launch,
  NodeRuntime.runMain
)
