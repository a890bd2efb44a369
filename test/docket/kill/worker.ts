/** One worker as a process: says `ready` when it works, and everything else in its ledger. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import type * as Execution from "fastmcp-effect/docket/Execution"
import { aheadClock } from "../../support/aheadClock.ts"
import * as assembly from "./assembly.ts"
import * as Ledger from "./ledger.ts"

export interface Settings {
  readonly address: assembly.Address
  readonly ledger: string
  readonly slots: number
  readonly sweepMillis: number
  readonly drainMillis: number
  /** How wrong its clock is. */
  readonly aheadMillis: number
}

const { address, aheadMillis, drainMillis, ledger, slots, sweepMillis }: Settings = JSON.parse(process.argv[2]!)

const say = Ledger.open(ledger)

/** What was changed in a transaction that has not come to its end. */
const Pending = Context.Reference<Array<Ledger.Line> | undefined>("test/Pending", { defaultValue: () => undefined })

const lineOf = (event: "change" | "refused", execution: Execution.Execution): Ledger.Line => {
  const { attempt, generation, id, leaseUntil = 0, status } = execution
  return { event, at: Date.now(), id, generation, status, attempt, leaseUntil }
}

const told = (store: DocketStore.DocketStore["Service"]): DocketStore.DocketStore["Service"] => ({
  ...store,
  ...store.claim !== undefined && {
    claim: (request) =>
      Effect.tap(store.claim!(request), (answer) =>
        Effect.sync(() => {
          if (answer?.isClaimed === true) say(lineOf("change", answer.execution))
        }))
  },
  change: (execution, condition) =>
    Effect.flatMap(
      Pending,
      (pending) =>
        Effect.tap(store.change(execution, condition), (isChanged) =>
          Effect.sync(() => {
            const line = lineOf(isChanged ? "change" : "refused", execution)
            if (pending === undefined) say(line)
            else pending.push(line)
          }))
    ),
  renew: (holds, leaseMillis) =>
    Effect.suspend(() => {
      const at = Date.now()
      return Effect.tap(store.renew(holds, leaseMillis), (ids) =>
        Effect.sync(() => {
          const renewed = new Set(ids)
          const of = holds.filter(({ id }) => renewed.has(id)).map(({ generation, id }) => [id, generation] as const)
          say({ event: "renew", at, holds: of })
        }))
    }),
  transaction: (effect) =>
    Effect.suspend(() => {
      const pending: Array<Ledger.Line> = []
      return Effect.tap(
        store.transaction(Effect.provideService(effect, Pending, pending)),
        () => Effect.sync(() => pending.forEach(say))
      )
    })
})

let running = 0

const handled = DocketTask.handle(assembly.work, ({ millis, number }, { attempt, id }) => {
  const tell = (event: "start" | "finish") => Effect.sync(() => say({ event, at: Date.now(), id, attempt, running }))
  return Effect.sync(() => void running++).pipe(
    Effect.andThen(tell("start")),
    Effect.andThen(Effect.sleep(Duration.millis(millis))),
    Effect.andThen(tell("finish")),
    Effect.ensuring(Effect.sync(() => void running--)),
    Effect.as(number)
  )
})

const program = Layer.effectDiscard(Effect.sync(() => process.stdout.write("ready\n"))).pipe(
  Layer.provide(Docket.layerWorker([handled], {
    concurrency: slots,
    lease: Duration.millis(address.leaseMillis),
    sweepInterval: Duration.millis(sweepMillis),
    drain: Duration.millis(drainMillis),
    maxLapses: 100
  })),
  Layer.provide(assembly.layer(address, (parts) =>
    Layer.provideMerge(
      Layer.effect(DocketStore.DocketStore, Effect.map(DocketStore.DocketStore, told)),
      parts
    ))),
  Layer.launch
)

// It does not outlive whoever has started it.
process.stdin.on("end", () => process.exit(1)).resume()

NodeRuntime.runMain(
  Effect.flatMap(aheadClock(() => aheadMillis), (clock) => Effect.provideService(program, Clock.Clock, clock))
)
