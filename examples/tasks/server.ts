/**
 * A server that is started by its client, and whose tasks are in the file in `TASKS`. Its tool bakes: it books an oven,
 * asks how the cake shall be, bakes for a while, and writes into a book whatever it has done. Who wants to kill it finds
 * its process in the file in `PROCESS`.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import { Ask, Elicitation, Progress } from "fastmcp-effect/context"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as fs from "node:fs"

fs.writeFileSync(process.env.PROCESS!, String(process.pid))

const write = (line: string) => Effect.sync(() => fs.appendFileSync(process.env.BOOK!, `${line}\n`))

const bake = Tool.make("bake", {
  description: "Bakes a cake, which takes its time",
  parameters: { cake: Schema.String },
  success: Schema.String,
  // All that it writes is in a step: whatever dies in between, it can begin again.
  task: { support: "required", recovery: "resume" },
  handler: ({ cake }) =>
    Effect.gen(function*() {
      yield* Ask.once("oven", write(`an oven for ${cake}`))
      const { icing } = yield* Ask.one("icing", Elicitation.form({ icing: Schema.String }, { message: "Which icing?" }))
      for (let layer = 1; layer <= 5; layer++) {
        yield* Ask.once(`layer ${layer}`, write(`layer ${layer}`))
        yield* Progress.report(layer, { total: 5, message: `${layer} of 5 layers` })
        yield* Effect.sleep("200 millis")
      }
      yield* Ask.once("icing done", write(icing))
      return `${cake} with ${icing}`
    })
})

McpServer.layer({
  name: "bakery",
  version: "1.0.0",
  tools: [bake],
  // For a lease nobody else runs what a server ran that has disappeared: long enough for its longest pause, and no longer.
  extensions: [
    McpTasks.extension({ pollInterval: "200 millis", worker: { lease: "4 seconds", sweepInterval: "1 second" } })
  ]
}).pipe(
  Layer.provide(Layer.orDie(Docket.layerSql({ lease: "4 seconds" }))),
  Layer.provide(Layer.orDie(SqliteClient.layer({ filename: process.env.TASKS! }))),
  NodeStdio.run
)
