/**
 * One to three proxies in front of a server, each hop in an era of its own: results and progress come through in order, a
 * cancel and a deadline reach the handler at the far end.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Proxy from "fastmcp-effect/provider/Proxy"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as assert from "node:assert"
import type { Model } from "../model.ts"

const Version = Schema.Literals(["2025-06-18", "2025-11-25", "2026-07-28"])

const versions = Arbitrary.schema(
  Schema.Struct({
    hops: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })),
    first: Version,
    second: Version,
    third: Version,
    last: Version
  })
)

const Step = Schema.Struct({
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
  says: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
  millis: Schema.Literals([0, 5, 40, 60_000]),
  stopsAfter: Schema.Literals([-1, -1, 5, 30])
})

/** What the outermost server allows a request; those behind it allow an hour. */
const allowed = 400

interface Record {
  begun: number
  startedAt: number
  endedAt: number | undefined
  isCancelled: boolean
}

export const proxies: Model = {
  name: "proxies",
  holds: "results, progress, cancels and deadlines pass through proxies of whatever eras",
  system: Effect.gen(function*() {
    const lab = yield* Lab.Lab
    const records = new Map<number, Record>()
    const now = Effect.sync(() => lab.world.now())
    const work = Tool.make("work", {
      parameters: { n: Schema.Int, says: Schema.Int, millis: Schema.Int },
      success: Schema.Int,
      handler: ({ millis, n, says }) =>
        Effect.gen(function*() {
          const record = records.get(n)!
          record.begun++
          record.startedAt = yield* now
          for (let said = 1; said <= says; said++) {
            yield* Progress.report(said)
            yield* Effect.sleep(1)
          }
          yield* Effect.sleep(millis)
          return n
        }).pipe(Effect.onExit((exit) =>
          Effect.map(now, (at) => {
            const record = records.get(n)!
            record.endedAt = at
            record.isCancelled = Exit.isFailure(exit)
          })
        ))
    })
    const { first, hops, last, second, third } = yield* Lab.draw("eras", versions)
    let behind: Lab.Servers = yield* Lab.node(
      "server",
      McpServer.layer({ name: "server", version: "1.0.0", tools: [work], requestTimeout: "1 hour" })
    )
    for (const [hop, revision] of [first, second, third].slice(0, hops).entries()) {
      const transport: Layer.Layer<ClientTransport.ClientTransport> = Layer.provide(
        Lab.link(behind),
        Layer.succeed(Lab.Lab, lab)
      )
      const isOutermost = hop === hops - 1
      behind = yield* Lab.node(
        `proxy${hop + 1}`,
        McpServer.register(Proxy.make({ name: "behind", transport, client: { revision } })).pipe(
          Layer.provideMerge(McpServer.layer({
            name: `proxy${hop + 1}`,
            version: "1.0.0",
            requestTimeout: isOutermost ? allowed : "1 hour"
          }))
        )
      )
    }
    const client = yield* Lab.client("client", behind, { revision: last })

    const steps = yield* Lab.steps("call", Arbitrary.schema(Step), 4)
    const endings = yield* Effect.forEach(steps, ({ at, millis, says, stopsAfter }, index) =>
      Effect.gen(function*() {
        const n = index + 1
        records.set(n, { begun: 0, startedAt: 0, endedAt: undefined, isCancelled: false })
        yield* Effect.sleep(at)
        const heard: Array<number> = []
        const call = yield* Effect.forkChild(
          client.call(work, { n, says, millis }, { onProgress: ({ progress }) => void heard.push(progress) })
        )
        if (stopsAfter >= 0) {
          yield* Effect.sleep(stopsAfter)
          yield* Fiber.interrupt(call)
        }
        return { n, heard, exit: yield* Fiber.await(call) }
      }), { concurrency: "unbounded" })
    yield* Effect.sleep("10 seconds")

    endings.forEach(({ exit, heard, n }, index) => {
      const { millis, says, stopsAfter } = steps[index]!
      const record = records.get(n)!
      const isLong = millis > allowed
      assert.ok(record.begun <= 1, "a call runs once, however many proxies are in between")
      assert.deepStrictEqual(heard, [1, 2, 3].slice(0, heard.length), "progress comes in order")
      if (Exit.isSuccess(exit)) {
        assert.ok(exit.value === n, "each call has its own answer")
        assert.ok(heard.length === says, "all progress comes before the answer")
      }
      if (stopsAfter < 0) assert.ok(Exit.isSuccess(exit) !== isLong, "who waits has an answer, or its deadline")
      if (record.begun === 0) return
      assert.ok(record.endedAt !== undefined, "a cancel and a deadline reach the handler")
      if (isLong) {
        assert.ok(record.isCancelled, "a deadline shrinks over the hops")
        assert.ok(record.endedAt - record.startedAt <= allowed + slack, "no hop gives a request more time than it has")
      }
    })
  }),
  options: {
    faults: [Faults.delay({ chance: 0.05, max: 10, from: 200 })],
    journal: { capacity: 2000, fibers: false }
  }
}

/** What a cancel may take over all hops. */
const slack = 60
