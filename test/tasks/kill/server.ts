/**
 * A server over stdio with one tool, whose calls are tasks: three writes and two questions. It kills itself where it is
 * told to, the first time it comes there; a write is a line of its ledger.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, RequestContext, Tool } from "fastmcp-effect"
import { Ask, Elicitation } from "fastmcp-effect/context"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as fs from "node:fs"
import * as assembly from "../../docket/kill/assembly.ts"
import type { Settings } from "./restarts.ts"

const { address, flag, ledger, part, place, recovery }: Settings = JSON.parse(process.argv[2]!)

const at = (here: Settings["place"]) =>
  Effect.sync(() => {
    if (here !== place || fs.existsSync(flag)) return
    fs.writeFileSync(flag, "", { flush: true })
    process.kill(process.pid, "SIGKILL")
    // Until the signal is there.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })

/** What repeats its steps writes under a key, so that a second time changes nothing; the others may write once only. */
const write = (key: string) =>
  Effect.sync(() => {
    const lines = fs.existsSync(ledger) ? fs.readFileSync(ledger, "utf8").split("\n") : []
    if (recovery === "repeat" && lines.includes(key)) return
    fs.appendFileSync(ledger, `${key}\n`, { flush: true })
  })

const step = (name: "hold" | "pay" | "book") =>
  RequestContext.RequestContext.use(({ taskId }) =>
    Ask.once(
      name,
      at(`in ${name}`).pipe(
        Effect.andThen(write(`${taskId} ${name}`)),
        Effect.andThen(at(`in ${name}, written`)),
        Effect.as(name)
      )
    )
  )

const question = (message: string) => Elicitation.form({ text: Schema.String }, { message })

const journey = Tool.make("journey", {
  success: Schema.String,
  task: { support: "required", recovery },
  handler: () =>
    Effect.gen(function*() {
      yield* at("start")
      const hold = yield* step("hold")
      yield* at("after hold")
      const seat = yield* Ask.one("seat", question("Which seat?"))
      yield* at("after the first answer")
      const pay = yield* step("pay")
      yield* at("after pay")
      const meal = yield* Ask.one("meal", question("Which meal?"))
      yield* at("after the second answer")
      const book = yield* step("book")
      yield* at("at the end")
      return [hold, seat.text, pay, meal.text, book].join(" ")
    })
})

McpServer.layer({
  name: "journeys",
  version: "1.0.0",
  tools: [journey],
  extensions: [
    McpTasks.extension({
      worker: part !== "front" && { lease: Duration.millis(address.leaseMillis), sweepInterval: "300 millis" }
    })
  ]
}).pipe(Layer.provide(Layer.orDie(assembly.layer(address))), NodeStdio.run)
