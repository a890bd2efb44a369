import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import { square, wait, Work } from "./tasks.ts"

const handlers = [
  DocketTask.handle(square, (n) => Effect.as(Effect.sleep("100 millis"), { square: n * n, worker: process.pid })),
  DocketTask.handle(wait, () => Effect.never)
]

Docket.layerWorker(handlers, { concurrency: 4, drain: "1 second" }).pipe(
  Layer.provide(Work),
  Layer.launch,
  NodeRuntime.runMain
)
