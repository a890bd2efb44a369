/** Systems with a mistake in them, which a lab has to find. */
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Lab from "fastmcp-effect/testing/Lab"
import { assert } from "vitest"

class Balance extends Context.Service<Balance, {
  readonly get: Effect.Effect<number>
  readonly set: (value: number) => Effect.Effect<void>
}>()("test/Balance") {}

const balance = Layer.sync(Balance, () => {
  let value = 0
  return {
    get: Effect.sync(() => value),
    set: (next) => Effect.sync(() => void (value = next))
  }
})

const deposit = Tool.make("deposit", { parameters: { amount: Schema.Int } })

const info = { name: "bank", version: "1.0.0" }

const amounts = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })))

/** Reads and then writes, so that of two at once one may be lost. */
export const lostUpdate = Effect.gen(function*() {
  const { layer, node } = yield* Lab.store(balance, { name: "db", service: Balance })
  const bank = McpServer.layer({
    ...info,
    tools: [
      Tool.handle(deposit, ({ amount }) =>
        Effect.gen(function*() {
          const { get, set } = yield* Balance
          yield* set((yield* get) + amount)
        }))
    ]
  })
  const servers = yield* Effect.forEach(["s1", "s2"], (name) => Lab.node(name, Layer.provide(bank, layer)))
  const clients = yield* Effect.forEach(["c1", "c2"], (name) => Lab.client(name, servers))
  const deposits = yield* Lab.steps("deposit", amounts, 12)
  yield* Effect.forEach(
    deposits,
    (amount, index) => Effect.andThen(Effect.sleep(index * 3), clients[index % 2]!.call(deposit, { amount })),
    { concurrency: "unbounded" }
  )
  const total = yield* node.run(Effect.flatMap(Balance, ({ get }) => get))
  assert.strictEqual(total, deposits.reduce((sum, amount) => sum + amount, 0), "every deposit counts")
})

/** Tries again what may have been done. */
export const doubleCharge = Effect.gen(function*() {
  const charged: Array<number> = []
  const charge = Tool.make("charge", {
    parameters: { n: Schema.Int },
    handler: ({ n }) => Effect.sync(() => void charged.push(n))
  })
  const server = yield* Lab.node("server", McpServer.layer({ ...info, tools: [charge] }))
  const client = yield* Lab.client("client", server)
  yield* Effect.forEach(
    [1, 2, 3, 4, 5],
    (n) => Effect.ignore(Effect.retry(client.call(charge, { n }), Schedule.recurs(2)))
  )
  assert.deepStrictEqual(charged, [...new Set(charged)], "nobody is charged twice")
})

/** Looks, and then waits to be woken: who is woken in between is woken for nothing, and sleeps for ever. */
export const lostWakeUp = Effect.gen(function*() {
  let isDone = false
  const waiting: Array<() => void> = []
  const awaitDone = Effect.gen(function*() {
    if (isDone) return
    yield* Effect.yieldNow
    yield* Lab.waiting("the end of the work")(Effect.callback<void>((resume) => {
      waiting.push(() => resume(Effect.void))
    }))
  })
  const work = Effect.sync(() => {
    isDone = true
    for (const wake of waiting) wake()
  })
  yield* Effect.all([awaitDone, Effect.andThen(Effect.yieldNow, work)], { concurrency: "unbounded" })
})

/** Gives its lock back only when all goes well. */
export const missingFinalizer = Effect.gen(function*() {
  let isLocked = false
  const save = Tool.make("save", {
    handler: () =>
      Effect.gen(function*() {
        isLocked = true
        yield* Effect.sleep("2 seconds")
        isLocked = false
      })
  })
  const server = yield* Lab.node("server", McpServer.layer({ ...info, tools: [save] }))
  const client = yield* Lab.client("client", server)
  yield* Lab.swept(client.call(save, {}))
  yield* Effect.sleep("1 minute")
  assert.isFalse(isLocked, "the lock is free")
})
