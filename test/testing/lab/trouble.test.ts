/** All that can go wrong at once: whatever becomes of a call, it ends, and a lab can say how. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as StreamableHttpClient from "fastmcp-effect/transport/StreamableHttpClient"

const take = Tool.make("take", {
  parameters: { n: Schema.Int },
  success: Schema.Int,
  annotations: { readOnlyHint: true },
  handler: ({ n }) => Effect.as(Effect.sleep(n * 100), n)
})

const acme = McpServer.layer({ name: "acme", version: "1.0.0", tools: [take] })

const url = "http://localhost/mcp"

const ways = {
  memory: Effect.map(Effect.forEach(["a", "b"], (name) => Lab.node(name, acme)), (nodes) => Lab.link(nodes)),
  http: Effect.map(
    Effect.forEach(["a", "b"], (name) => Lab.node(name, Lab.httpServer(acme))),
    (nodes) => StreamableHttpClient.layer({ url }).pipe(Layer.provide(Lab.httpClient(nodes)), Layer.orDie)
  )
}

const office = (way: keyof typeof ways) =>
  Effect.gen(function*() {
    const transport = yield* ways[way]
    const work = Effect.fnUntraced(function*(name: string) {
      const client = yield* Lab.client(name, transport)
      yield* Effect.exit(client.listTools())
      for (let n = 0; n < 10; n++) {
        const exit = yield* Effect.exit(client.call(take, { n }))
        if (Exit.isSuccess(exit)) assert.strictEqual(exit.value, n)
        yield* Effect.sleep(n * 300)
      }
    })
    yield* Effect.forEach(["x", "y", "z"], (name) =>
      Effect.catch(work(name), (error) => Lab.note(`${name} cannot connect: ${error.message}`)), {
      concurrency: "unbounded",
      discard: true
    })
  })

const until = "20 seconds"

const faults = [
  Faults.drop({ chance: 0.02, until }),
  Faults.delay({ chance: 0.1, max: "2 seconds", until }),
  Faults.duplicate({ chance: 0.03, until }),
  Faults.reorder({ chance: 0.03, until }),
  Faults.cut({ chance: 0.02, until }),
  Faults.stall({ chance: 0.02, for: "3 seconds", until }),
  Faults.corrupt({ chance: 0.02, until }),
  Faults.halfClose({ chance: 0.02, until }),
  Faults.crash("a", { every: "8 seconds", until, restartAfter: "2 seconds" }),
  Faults.crash("x", { every: "15 seconds", until, restartAfter: "1 second" }),
  Faults.freeze("b", { every: "9 seconds", until, for: "5 seconds" }),
  Faults.slow("b", { every: "9 seconds", until, for: "3 seconds", step: 20 }),
  Faults.partition("y", "a", { every: "9 seconds", until, for: "4 seconds" })
]

describe.each(["memory", "http"] as const)("over %s", (way) => {
  it.effect("every call ends, with its own answer or without, and nothing is left", () =>
    Effect.gen(function*() {
      const { failure } = yield* Lab.explore(office(way), { seeds: 20, faults })
      if (failure !== undefined) assert.fail(Lab.toError(failure).message)
    }))

  it.effect("and goes the same way again", () =>
    Effect.gen(function*() {
      const run = (seed: number) =>
        Effect.map(
          Lab.report(office(way), { seed, faults }),
          ({ journal, taken }) => ({ digest: journal.digest, taken })
        )
      const seeds = [1, 2, 3]
      const first = yield* Effect.forEach(seeds, run)
      assert.deepStrictEqual(yield* Effect.forEach(seeds, run), first)
      for (const { taken } of first) assert.isAbove(taken.length, 5)
    }))
})
