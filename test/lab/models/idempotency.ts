/**
 * Calls with keys, at two servers that keep their receipts together and crash, over connections that are cut: a call is
 * done once, however often and wherever it is sent, or whoever sent it is told that nobody knows.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as McpClientError from "fastmcp-effect/client/McpClientError"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import { assert } from "vitest"
import * as receipts from "../../../src/middleware/internal/receipts.ts"
import type { Model } from "../model.ts"

/** Who has a client; one of them has two. */
const callers = ["ada", "ada", "bob"] as const

/** Orders, whose names are the keys, and how long each takes: less than a lease, and more than two. */
const takes = { quick: 20, slow: 900 }

type Order = keyof typeof takes

const leaseMillis = 400

/** What a message takes at most. */
const latency = 5

const Step = Schema.Struct({
  client: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: callers.length - 1 })),
  order: Schema.Literals(["quick", "slow"]),
  /** Now and then something else is sent with the same key. */
  amount: Schema.Literals([5, 5, 5, 5, 7]),
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 900 })),
  /** Not at all, where it is negative. */
  stopsAfter: Schema.Literals([-1, -1, -1, 2, 9, 200])
})

const Crash = Schema.Struct({
  happens: Schema.Boolean,
  server: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  at: Schema.Int.check(Schema.isBetween({ minimum: 50, maximum: 1500 }))
})

/** What has been done under one key of one caller. */
interface Record {
  /** The amount of each time. */
  readonly done: Array<number>
  isInterrupted: boolean
  /** When a server learned that it may begin, and when somebody who waited went. */
  readonly begunAt: Array<number>
  readonly leftAt: Array<number>
}

const nameOf = ({ client, order }: Pick<typeof Step.Type, "client" | "order">) => `${callers[client]} ${order}`

/** How a call ended for who sent it: with a text, or a reason. */
interface Ending {
  readonly name: string
  readonly amount: number
  readonly text: string | undefined
  readonly reason: string | undefined
}

/** What the servers share: receipts, as any store decides about them. */
class Receipts extends Context.Service<Receipts, ReceiptStore.Operations>()("test/lab/Receipts") {
  static readonly layer = Layer.effect(
    Receipts,
    Effect.map(Clock.Clock, (clock) => {
      const kept = new Map<string, receipts.Record>()
      let runs = 0
      const write = (key: string, record: receipts.Record | undefined): boolean => {
        if (record !== undefined) kept.set(key, record)
        return record !== undefined
      }
      const now = () => clock.currentTimeMillisUnsafe()
      return {
        begin: (key, call) =>
          Effect.sync(() => {
            const [begun, record] = receipts.begin(kept.get(key), call, `run ${++runs}`, now())
            write(key, record)
            return begun
          }),
        renew: (key, run, lease) => Effect.sync(() => write(key, receipts.renew(kept.get(key), run, lease, now()))),
        end: (key, run, ended, ttl) =>
          Effect.sync(() => write(key, receipts.end(kept.get(key), run, ended, ttl, now())))
      }
    })
  )
}

/** As a server has it: what runs on when its caller has gone, runs there. */
const store = (onBegun: (key: string) => void) =>
  Layer.effect(
    ReceiptStore.ReceiptStore,
    Effect.gen(function*() {
      const { begin, end, renew } = yield* Receipts
      return {
        ...yield* ReceiptStore.ReceiptStore,
        id: "receipts",
        begin: (key, call) =>
          Effect.map(begin(key, call), (begun) => {
            if (begun._tag === "Begun") onBegun(key)
            return begun
          }),
        end,
        renew
      } satisfies ReceiptStore.ReceiptStore["Service"]
    })
  ).pipe(Layer.provide(ReceiptStore.layerMemory()))

const charge = (recordOf: (name: string) => Record) =>
  Tool.make("charge", {
    parameters: { order: Schema.Literals(["quick", "slow"]), amount: Schema.Int },
    success: Schema.String,
    handler: ({ amount, order }) =>
      Effect.flatMap(Identity.CurrentIdentity, ({ subject }) => {
        const record = recordOf(`${subject} ${order}`)
        return Effect.sleep(takes[order] / 2).pipe(
          Effect.andThen(Effect.sync(() => record.done.push(amount))),
          Effect.tap(Effect.sleep(takes[order] / 2)),
          Effect.map((count) => `${amount} of ${subject}, ${count}`),
          Effect.onInterrupt(() => Effect.sync(() => void (record.isInterrupted = true)))
        )
      })
  })

const system = Effect.gen(function*() {
  const { plan, world } = yield* Lab.Lab
  const records = new Map<string, Record>()
  const recordOf = (name: string): Record => {
    const record = records.get(name) ?? { done: [], isInterrupted: false, begunAt: [], leftAt: [] }
    records.set(name, record)
    return record
  }
  const tool = charge(recordOf)
  const { layer } = yield* Lab.store(Receipts.layer, {
    name: "receipts",
    service: Receipts,
    unavailable: () => new ReceiptStore.ReceiptsUnavailable({}),
    skew: 5000
  })
  const kept = Layer.provide(
    store((key) => {
      const [who, , , , order] = JSON.parse(key)
      recordOf(`${who} ${order}`).begunAt.push(world.now())
    }),
    layer
  )
  const server = (onAbandoned: "finish" | "cancel") =>
    McpServer.layer({
      name: "acme",
      version: "1.0.0",
      tools: [tool],
      middleware: [Idempotency.make({ lease: leaseMillis, onAbandoned })]
    }).pipe(Layer.provide(kept))
  const servers = [
    yield* Lab.node("s0", server("finish")),
    yield* Lab.node("s1", server("cancel"), { skew: -20_000 })
  ] as const
  const revision = yield* Lab.draw("revision", Arbitrary.schema(Schema.Literals(["2025-11-25", "2026-07-28"])))
  const clients = yield* Effect.forEach(callers, (who, index) => {
    const context = Identity.context(Identity.make({ subject: who }))
    return Lab.client(`${who}${index}`, Lab.link(servers, { context }), { revision })
  })

  const call = (client: number, order: Order, amount: number) =>
    Effect.map(
      Effect.exit(clients[client]!.call(tool, { order, amount }, { idempotencyKey: order })),
      (exit): Ending => ({
        name: nameOf({ client, order }),
        amount,
        text: Exit.isSuccess(exit) ? exit.value : undefined,
        reason: Exit.isSuccess(exit) ? undefined : reasonOf(exit.cause)
      })
    )
  const one = ({ amount, at, client, order, stopsAfter }: typeof Step.Type) =>
    Effect.gen(function*() {
      yield* Effect.sleep(at)
      const calling = yield* Effect.forkChild(call(client, order, amount))
      if (stopsAfter >= 0) {
        yield* Effect.sleep(stopsAfter)
        recordOf(nameOf({ client, order })).leftAt.push(world.now())
        yield* Fiber.interrupt(calling)
      }
      return yield* Fiber.await(calling)
    })
  const crash = ({ at, server }: typeof Crash.Type) =>
    Effect.gen(function*() {
      yield* Effect.sleep(at)
      yield* servers[server]!.crash
      yield* Effect.sleep(50)
      yield* servers[server]!.restart
    })
  yield* Effect.sleep(200)
  const crashes = (yield* Lab.steps("crash", Arbitrary.schema(Crash), 2)).filter(({ happens }) => happens)
  const steps = yield* Lab.steps("call", Arbitrary.schema(Step), 6)
  const [made] = yield* Effect.all([
    Effect.forEach(steps, one, { concurrency: "unbounded" }),
    Effect.forEach(crashes, crash, { concurrency: "unbounded" })
  ], { concurrency: "unbounded" })
  yield* Effect.sleep("1 minute")

  // Nothing runs and nothing goes wrong any more: all are sent once more, and something else under each key.
  const isCalm = crashes.length === 0 && !plan.taken().some((key) => /fail|unanswered|cut/u.test(key))
  const before = made.flatMap((exit) => Exit.isSuccess(exit) ? [exit.value] : [])
  for (const [name, { client, order }] of new Map(steps.map((step) => [nameOf(step), step]))) {
    const after = yield* Effect.forEach([5, 7], (amount) => call(client, order, amount))
    judge(recordOf(name), before.filter((ending) => ending.name === name), after, isCalm)
  }
})

/** All calls under one key: those that were made while things went wrong, and those after it. */
const judge = (
  { begunAt, done, isInterrupted, leftAt }: Record,
  before: ReadonlyArray<Ending>,
  after: ReadonlyArray<Ending>,
  isCalm: boolean
): void => {
  assert.isAtMost(done.length, 1, "what has a key is done once")
  const all = [...before, ...after]
  for (const { amount, name, text } of all) {
    if (text !== undefined) assert.strictEqual(text, `${amount} of ${name.split(" ")[0]}, 1`, "each has its own answer")
  }
  // Who goes as it begins does not see whether it has.
  const isClose = begunAt.some((begun) => leftAt.some((left) => begun >= left && begun <= left + latency))
  assert.isTrue(
    !isCalm || isInterrupted || isClose || all.every(({ reason }) => reason !== "OutcomeUnknown"),
    "where nothing goes wrong it is known what was done"
  )
  const [refused, good] = after[0]!.reason === "IdempotencyConflict" ? after : after.toReversed()
  assert.strictEqual(refused!.reason, "IdempotencyConflict", "the key is one call's, and no other's")
  assert.isTrue(good!.text !== undefined || good!.reason === "OutcomeUnknown", "in the end it is done, or unknown")
}

const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof McpError.McpError || error instanceof McpClientError.McpClientError
    ? error.reason._tag
    : String(error)
}

export const idempotency: Model = {
  name: "idempotency",
  holds: "what has a key is done once, or whoever sent it is told that nobody knows",
  options: {
    spans: false,
    journal: { fibers: false },
    latency: { max: latency },
    faults: [
      Faults.cut({ chance: 0.05, from: 200, until: 3000 }),
      Faults.fail({ link: "*>receipts", chance: 0.01, from: 200, until: 3000 }),
      Faults.loseAnswer({ link: "*>receipts", chance: 0.01, from: 200, until: 3000 }),
      Faults.delay({ link: "*>receipts", chance: 0.1, max: 60, from: 200, until: 3000 })
    ]
  },
  system
}
