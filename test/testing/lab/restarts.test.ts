/** What is asked of a node at the moment in which it goes down or starts anew. */
import { assert, it as vitest } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as LabTest from "fastmcp-effect/testing/LabTest"

const it = LabTest.make(vitest, { token: process.env.LAB_TOKEN })

class Name extends Context.Service<Name, string>()("test/Name") {}

const slowToBuild = Layer.effect(Name, Effect.as(Effect.sleep(1), "acme"))

it.lab(
  "what runs on a node that starts anew once and again ends, with its services or with Crashed",
  () =>
    Effect.gen(function*() {
      const node = yield* Lab.node("server", slowToBuild)
      const run = Effect.catchTag(node.run(Effect.asVoid(Name)), "LabError", () => Effect.void)
      const some = Array.from({ length: 4 }, (_, at) => Effect.andThen(Effect.sleep(at), run))
      const restarts = [1, 2, 2].map((at) => Effect.andThen(Effect.sleep(at), node.restart))
      yield* Effect.all([...some, ...restarts], { concurrency: "unbounded" })
    }),
  { seeds: 300 }
)

it.lab(
  "a node whose scope has closed does not start anew",
  () =>
    Effect.gen(function*() {
      const worker = Layer.effectDiscard(Effect.forkScoped(Effect.forever(Effect.sleep("1 second"))))
      // Closes last, and takes its time.
      yield* Lab.node("slow", Layer.effectDiscard(Effect.addFinalizer(() => Effect.sleep("10 seconds"))))
      yield* Lab.node("worker", worker)
      yield* Effect.sleep("1 second")
    }),
  { faults: [Faults.crash("worker", { at: "2 seconds", restartAfter: "1 second" })] }
)

for (const restartAfter of ["990 millis", "1 second"] as const) {
  it.lab(
    `a node that crashes, and starts anew ${restartAfter} later, as its scope closes, leaves nothing behind`,
    () =>
      Effect.gen(function*() {
        const heartbeat = Effect.forkScoped(Effect.forever(Effect.sleep("1 second")))
        const slow = Layer.effectDiscard(Effect.andThen(heartbeat, Effect.andThen(Effect.sleep(50), heartbeat)))
        yield* Lab.node("worker", slow)
        yield* Effect.sleep("1950 millis")
      }),
    { seeds: 100, faults: [Faults.crash("worker", { at: "1 second", restartAfter })] }
  )
}

it.lab(
  "a node that its test starts anew does not outlive its scope, and is closed when nothing of it is built any more",
  () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const slow = Layer.effectDiscard(
        Effect.andThen(
          Effect.addFinalizer(() => Effect.sync(() => void order.push("closed"))),
          Effect.onInterrupt(Effect.sleep(50), () =>
            Effect.andThen(Effect.sleep(1), Effect.sync(() => order.push("not built"))))
        )
      )
      const restarts = yield* Effect.scoped(Effect.gen(function*() {
        const node = yield* Lab.node("worker", slow)
        const restarts = yield* Effect.forkChild(node.restart)
        yield* Effect.sleep(10)
        return restarts
      }))
      assert.deepStrictEqual(order, ["not built", "closed"])
      yield* Fiber.join(restarts)
    }),
  { seeds: 50 }
)

it.lab(
  "who connects to a node in the moment in which it crashes is told",
  () =>
    Effect.gen(function*() {
      const { world } = yield* Lab.Lab
      const server = yield* Lab.node("server", McpServer.layer({ name: "acme", version: "1.0.0" }))
      const names = Array.from({ length: 8 }, (_, index) => `client${index}`)
      yield* Effect.all([
        Effect.forEach(names, (name) => Effect.ignore(Lab.client(name, server, { requestTimeout: "30 seconds" })), {
          concurrency: "unbounded"
        }),
        ...[2, 4, 6].map((at) => Effect.andThen(Effect.sleep(at), server.restart))
      ], { concurrency: "unbounded" })
      assert.isBelow(world.now(), 1000, "nobody waits for who is not there")
    }),
  { seeds: 30 }
)
