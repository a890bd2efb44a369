/**
 * `npm run proof:journal`: `cost`, what a journal into a file costs a server that answers 5,000 calls a second, as a share
 * of a processor: what a call takes of it with and without, by turns, in one run.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Journal from "fastmcp-effect/middleware/Journal"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { main } from "./run.ts"

const rounds = Number(process.env["PROOF_ROUNDS"] ?? 21)
const calls = Number(process.env["PROOF_CALLS"] ?? 4000)
const perSecond = 5000
/** Of a processor. */
const most = 0.05

const add = Tool.make("add", {
  parameters: { a: Schema.Finite, b: Schema.Finite, key: Schema.RedactedFromValue(Schema.String) },
  success: Schema.Struct({ sum: Schema.Finite }),
  handler: ({ a, b }) => Effect.succeed({ sum: a + b })
})

/** Microseconds of the processor for a call; the journal's own fiber comes to its turn in between. */
const round = (client: McpTest.Client) =>
  Effect.gen(function*() {
    const before = process.cpuUsage()
    for (let call = 0; call < calls; call++) yield* client.callTool("add", { a: call, b: 1, key: "a secret key" })
    yield* Effect.sleep(20)
    const { system, user } = process.cpuUsage(before)
    return (user + system) / calls
  })

const median = (values: ReadonlyArray<number>) => values.toSorted((one, other) => one - other)[values.length >> 1]!

const cost = (): Promise<ReadonlyArray<string>> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const path = `${yield* files.makeTempDirectoryScoped()}/journal`
        const info = { name: "proof", version: "1.0.0", tools: [add] }
        const bare = yield* McpTest.client(McpServer.layer(info))
        const written = yield* Layer.build(
          McpServer.layer({ ...info, middleware: [Journal.make()] }).pipe(Layer.provideMerge(Journal.layerFile(path)))
        )
        const journaled = yield* McpTest.client(Layer.succeedContext(written))
        yield* round(bare)
        yield* round(journaled)
        const figures = yield* Effect.forEach(
          Array.from({ length: rounds }),
          () => Effect.all({ without: round(bare), with: round(journaled) })
        )
        const without = median(figures.map((figure) => figure.without))
        const added = median(figures.map((figure) => figure.with - figure.without))
        const share = added * perSecond / 1e6
        const { dropped } = yield* Effect.provideContext(Journal.Journal, written)
        console.log(
          `a call takes ${without.toFixed(1)} us, and ${
            added.toFixed(1)
          } us more with a journal: at ${perSecond} calls a second `
            + `${(share * 100).toFixed(1)} % of a processor; ${yield* dropped} of ${
              (rounds + 1) * calls
            } entries were dropped`
        )
        return share <= most
          ? []
          : [`a journal takes ${(share * 100).toFixed(1)} % of a processor, and may take ${most * 100}`]
      })
    ).pipe(Effect.provide(NodeServices.layer))
  )

await main({ cost })
