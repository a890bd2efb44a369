/**
 * A client whose connections are cut and whose server crashes: what may be sent twice is, what may not is not and its
 * caller is told, and what it lists and says of itself afterwards is as it is.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as McpClient from "fastmcp-effect/client/McpClient"
import * as McpClientError from "fastmcp-effect/client/McpClientError"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as assert from "node:assert"
import type { Model } from "../model.ts"

const Step = Schema.Struct({
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })),
  what: Schema.Literals(["read", "charge", "charge", "list"]),
  millis: Schema.Literals([0, 0, 5, 60]),
  stopsAfter: Schema.Literals([-1, -1, -1, 3, 20])
})

type Step = typeof Step.Type

/** When the server crashes, and how long after it once more, about when its client is back; not, where it is 0. */
const Crash = Schema.Struct({
  at: Schema.Int.check(Schema.isBetween({ minimum: 50, maximum: 1500 })),
  again: Schema.Literals([0, 0, 202, 205, 208, 211])
})

/** How one call ended, as its caller sees it. */
interface Ending {
  readonly step: Step
  readonly n: number
  readonly exit: Exit.Exit<unknown, unknown>
}

const parameters = { n: Schema.Int, millis: Schema.Int }

export const reconnection: Model = {
  name: "reconnection",
  holds:
    "what may not be sent twice runs once, its caller knows when nobody does, and lists and status are right after",
  system: Effect.gen(function*() {
    const ran = new Map<number, number>()
    /** What the server has besides: it grows while lists are on their way. */
    const extras: Array<string> = []
    const run = ({ millis, n }: { readonly n: number; readonly millis: number }) =>
      Effect.suspend(() => {
        ran.set(n, (ran.get(n) ?? 0) + 1)
        return Effect.as(Effect.sleep(millis), n)
      })
    const read = Tool.make("read", {
      parameters,
      success: Schema.Int,
      annotations: { readOnlyHint: true },
      handler: run
    })
    const charge = Tool.make("charge", { parameters, success: Schema.Int, handler: run })
    const named = (name: string) => Tool.make(name, { handler: () => Effect.void })
    const add = McpServer.McpServer.use((mcp) => Scope.provide(mcp.add(...extras.map(named)), mcp.scope))
    const server = yield* Lab.node(
      "server",
      Layer.effectDiscard(Effect.suspend(() => add)).pipe(
        Layer.provideMerge(McpServer.layer({
          name: "server",
          version: "1.0.0",
          tools: [read, charge],
          cacheHints: { ttlMs: 3_600_000, cacheScope: "private" }
        }))
      )
    )
    const revision = yield* Lab.draw("revision", Arbitrary.schema(Schema.Literals(["2025-11-25", "2026-07-28"])))
    const client = yield* Lab.client("client", server, { revision, requestTimeout: "30 seconds" })
    const statuses: Array<McpClient.Status["_tag"]> = []
    yield* Effect.forkScoped(
      Stream.runForEach(client.status, ({ _tag }) => Effect.sync(() => void statuses.push(_tag)))
    )
    // Whoever hears of changes has lists as they are.
    yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(client.changes())))
    yield* Effect.ignore(client.listTools())

    const steps = yield* Lab.steps("call", Arbitrary.schema(Step), 7)
    const call = (step: Step, n: number) =>
      Effect.gen(function*() {
        yield* Effect.sleep(step.at)
        const made: Effect.Effect<unknown, unknown> = step.what === "list"
          ? client.listTools()
          : client.call(step.what === "read" ? read : charge, { n, millis: step.millis })
        if (step.stopsAfter < 0) return { step, n, exit: yield* Effect.exit(made) } satisfies Ending
        const fiber = yield* Effect.forkChild(made)
        yield* Effect.sleep(step.stopsAfter)
        yield* Fiber.interrupt(fiber)
        return { step, n, exit: yield* Fiber.await(fiber) } satisfies Ending
      })
    const change = Effect.gen(function*() {
      for (let times = 1; times <= 4; times++) {
        yield* Effect.sleep(90)
        extras.push(`extra${times}`)
        const added = McpServer.McpServer.use((mcp) => Scope.provide(mcp.add(named(`extra${times}`)), mcp.scope))
        // One that is down has it when it starts.
        yield* Effect.exit(server.run(added))
      }
    })
    const crashes = yield* Lab.steps("crash", Arbitrary.schema(Crash), 1)
    const crash = Effect.forEach(crashes, ({ again, at }) =>
      Effect.gen(function*() {
        yield* Effect.sleep(at)
        yield* server.crash
        yield* Effect.sleep(50)
        yield* server.restart
        if (again === 0) return
        yield* Effect.sleep(again - 50)
        yield* server.crash
        yield* Effect.sleep(50)
        yield* server.restart
      }))
    const [endings] = yield* Effect.all([
      Effect.forEach(steps, (step, index) => call(step, index + 1), { concurrency: "unbounded" }),
      change,
      crash
    ], { concurrency: "unbounded" })
    yield* Effect.sleep("2 minutes")

    for (const { exit, n, step } of endings) {
      const times = ran.get(n) ?? 0
      if (step.what === "charge") assert.ok(times <= 1, "what may not be sent twice runs once at most")
      if (Exit.isSuccess(exit)) {
        if (step.what !== "list") assert.ok(exit.value === n, "each call has its own answer")
        if (step.what !== "list") assert.ok(times >= 1, "what has an answer has run")
        continue
      }
      if (Cause.hasInterruptsOnly(exit.cause)) continue
      const reason = reasonOf(Cause.squash(exit.cause))
      if (step.what === "charge" && times === 1) {
        assert.ok(reason === "OutcomeUnknown", "who was not answered is told that nobody knows")
      }
      assert.ok(reason !== "Timeout", "nobody waits for a connection that is there")
      if (step.what === "read") assert.ok(reason !== "OutcomeUnknown", "what only reads is sent again")
    }
    assert.ok(statuses.at(-1) === "Connected", "a client is connected in the end")
    statuses.forEach((status, index) =>
      assert.ok(index === 0 || status !== statuses[index - 1], "what a client says of itself has changed each time")
    )
    const names = (yield* client.listTools()).map(({ name }) => name).toSorted()
    assert.deepStrictEqual(names, ["charge", "read", ...extras].toSorted(), "a list is as the server's")
    assert.ok((yield* client.call(charge, { n: 100, millis: 0 })) === 100, "all goes on")
  }),
  options: {
    faults: [
      Faults.cut({ link: "client>server", chance: 0.04, from: 50, until: 500 }),
      Faults.cut({ link: "server>client", chance: 0.04, from: 50, until: 500 }),
      Faults.delay({ chance: 0.1, max: 60, from: 50, until: 500 })
    ],
    journal: { capacity: 2000, fibers: false }
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof McpClientError.McpClientError ? error.reason._tag : String(error)
