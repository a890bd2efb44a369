import { assert, describe, it as vitestIt } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as LabJournal from "fastmcp-effect/testing/LabJournal"
import * as LabTest from "fastmcp-effect/testing/LabTest"
import * as planted from "./lab/planted.ts"

const it = LabTest.make(vitestIt)

const bits = Arbitrary.schema(Schema.Boolean)

const found = <A, E>({ failure, runs }: Lab.Exploration<A, E>) =>
  failure === undefined ? assert.fail(`nothing found in ${runs} runs`) : { ...failure, runs }

describe("exploring", () => {
  it.effect("finds the update that gets lost, and shrinks it to two deposits", () =>
    Effect.gen(function*() {
      const failure = found(yield* Lab.explore(planted.lostUpdate, { seeds: 500 }))
      assert.isAtLeast(failure.found.taken.length, 10)
      const { taken, token } = failure.report
      assert.strictEqual(taken.filter((key) => key.startsWith("deposit.")).length, 2)
      assert.isAtMost(taken.length, 3)

      const again = yield* Lab.replay(token, planted.lostUpdate)
      assert.strictEqual(LabJournal.encode(again.journal.entries), LabJournal.encode(failure.report.journal.entries))
      assert.isTrue(Exit.isFailure(again.exit))

      const { message } = Lab.toError(failure)
      assert.include(message, "every deposit counts")
      assert.include(message, `Again: token ${JSON.stringify(token)}`)
      assert.match(message, /c[12]>s[12] \d+: \{"id":\d+,"method":"tools\/call","params":\{"name":"deposit"/)
    }))

  it.effect("finds the charge that is made twice, and shrinks it to the one fault it takes", () =>
    Effect.gen(function*() {
      const faults = [
        Faults.drop({ chance: 0.01 }),
        Faults.cut({ chance: 0.05 }),
        Faults.delay({ chance: 0.3, max: 500 })
      ]
      const failure = found(yield* Lab.explore(planted.doubleCharge, { seeds: 500, faults }))
      assert.strictEqual(failure.report.taken.length, 1)
      assert.match(failure.report.taken[0]!, /^[01]\.(cut|drop)\.(server>client|client>server)/)
      assert.isTrue(Exit.isFailure((yield* Lab.replay(failure.report.token, planted.doubleCharge, { faults })).exit))
    }))

  it.effect("finds the wake-up that gets lost, which takes an order and no fault", () =>
    Effect.gen(function*() {
      const { report } = found(yield* Lab.explore(planted.lostWakeUp, { seeds: 500 }))
      assert.include(String(report.exit), "waits for the end of the work")
      assert.isTrue(Exit.isFailure((yield* Lab.replay(report.token, planted.lostWakeUp)).exit))
    }))

  it.effect("finds the finalizer that is missing when the call is cancelled in the midst of it", () =>
    Effect.gen(function*() {
      const { failure } = yield* Lab.sweep(planted.missingFinalizer, { at: "all" })
      assert.include(String(failure?.report.exit), "the lock is free")
    }))

  it.effect("tells of each run, and begins none after its time", () =>
    Effect.gen(function*() {
      const told: Array<Lab.Progress> = []
      const onProgress = (progress: Lab.Progress) => Effect.sync(() => void told.push(progress))
      const all = yield* Lab.explore(Effect.void, { seeds: [7, 9], onProgress })
      assert.deepStrictEqual(all, { runs: 2, failure: undefined })
      assert.deepStrictEqual(told, [
        { seed: 7, runs: 1, seeds: 2, hasFailed: false },
        { seed: 9, runs: 2, seeds: 2, hasFailed: false }
      ])
      assert.strictEqual((yield* Lab.explore(Effect.void, { budget: 0 })).runs, 0)
    }))

  it.effect("keeps to the way the system failed in while it shrinks", () =>
    Effect.gen(function*() {
      // With both faults it fails in one way, with the second alone in another.
      const system = Effect.gen(function*() {
        const steps = yield* Lab.steps("step", bits, 4)
        if (steps.length === 4) return yield* Effect.fail("all")
        if (steps.length > 0) return yield* Effect.fail("some")
      })
      const { report } = found(yield* Lab.explore(system))
      assert.deepStrictEqual(report.exit, Exit.fail("all"))
      assert.strictEqual(report.taken.length, 4)
    }))
})

describe("it.lab", () => {
  it.lab("runs a system from some seeds", () =>
    Effect.gen(function*() {
      yield* Effect.sleep("1 hour")
      assert.isAtLeast(yield* Lab.now, 3_600_000)
    }))

  const tests: Array<
    { readonly name: string; readonly body: () => Promise<void>; readonly timeout: number | undefined }
  > = []
  const runner = (name: string, body: () => Promise<void>, timeout?: number) => void tests.push({ name, body, timeout })

  const failureOf = async (options?: { readonly token: string }) => {
    tests.length = 0
    LabTest.make(runner, options).lab("double charge", () => planted.doubleCharge, {
      faults: [Faults.cut({ chance: 0.1 })],
      timeout: 1000
    })
    const [test] = tests
    assert.strictEqual(test?.timeout, 1000)
    return test!.body().then(() => assert.fail("it passes"), (error: unknown) => error as Lab.LabFailure)
  }

  vitestIt("fails with the story, and makes that run alone when it is told to", async () => {
    const first = await failureOf()
    assert.instanceOf(first, Lab.LabFailure)
    assert.include(first.message, "nobody is charged twice")
    const again = await failureOf({ token: first.token })
    assert.strictEqual(again.token, first.token)
    assert.include(again.message, "nobody is charged twice")
  })
})
