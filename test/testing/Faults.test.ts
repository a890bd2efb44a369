import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import type * as LabJournal from "fastmcp-effect/testing/LabJournal"

const echo = Tool.make("echo", {
  parameters: { n: Schema.Int },
  success: Schema.Int,
  handler: ({ n }) => Effect.succeed(n)
})

const latency = { min: 10, max: 10 }

/** Five calls that a client makes 1 second apart, and what became of each: its answer and when it came. */
const calls = (runs: Array<number> = []) =>
  Effect.gen(function*() {
    const counted = Tool.handle(echo, ({ n }) => Effect.sync(() => (runs.push(n), n)))
    const server = yield* Lab.node("server", McpServer.layer({ name: "s", version: "1", tools: [counted] }))
    const client = yield* Lab.client("client", server, { revision: "2026-07-28", requestTimeout: "20 seconds" })
    return yield* Effect.forEach([1, 2, 3, 4, 5], (n) =>
      Effect.gen(function*() {
        yield* Effect.sleep(n * 1000)
        const exit = yield* Effect.exit(client.call(echo, { n }))
        const now = yield* Lab.now
        return Exit.isSuccess(exit) ? [exit.value, now] : ["failed", now]
      }), { concurrency: "unbounded" })
  })

const run = (...faults: ReadonlyArray<Faults.Fault>) =>
  Effect.map(Lab.report(calls(), { faults, latency }), ({ exit, journal, taken }) => ({
    answers: Exit.isSuccess(exit) ? exit.value : assert.fail(String(exit)),
    happened: journal.entries.filter((entry): entry is typeof LabJournal.Fault.Type => entry._tag === "Fault"),
    taken: taken.filter((key) => key !== "order")
  }))

/** The message that carries the call of 3: `server/discover` is the first. */
const third = { link: "client>server", nth: 4 }

const usual = [[1, 1050], [2, 2050], [3, 3050], [4, 4050], [5, 5050]] as const

const but = (...others: ReadonlyArray<readonly [number, number | "failed", number]>) =>
  usual.map(([n, at]) => {
    const other = others.find(([of]) => of === n)
    return other === undefined ? [n, at] : [other[1], other[2]]
  })

describe("a message", () => {
  it.effect("takes its time when nothing is wrong", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* run()).answers, but())
    }))

  it.effect("is delayed, and those behind it wait", () =>
    Effect.gen(function*() {
      const { answers, happened, taken } = yield* run(
        Faults.delay({ ...third, min: "1500 millis", max: "1500 millis" })
      )
      assert.deepStrictEqual(answers, but([3, 3, 4550], [4, 4, 4550]))
      assert.deepStrictEqual(taken, ["0.delay.client>server.4"])
      assert.deepStrictEqual(happened, [{
        _tag: "Fault",
        at: 3030,
        node: "client",
        key: "0.delay.client>server.4",
        what: "client>server 4 takes 1500 ms longer"
      }])
    }))

  it.effect("is overtaken", () =>
    Effect.gen(function*() {
      const { answers } = yield* run(Faults.reorder({ ...third, by: "3 seconds" }))
      const [at] = answers.filter(([n]) => n === 3).map(([, at]) => at as number)
      assert.isAbove(at!, 3050)
      assert.deepStrictEqual(answers, but([3, 3, at!]))
    }))

  it.effect("and all behind it stall", () =>
    Effect.gen(function*() {
      const { answers } = yield* run(Faults.stall({ ...third, for: "5 seconds" }))
      assert.deepStrictEqual(answers, but([3, 3, 8040], [4, 4, 8040], [5, 5, 8040]))
    }))

  it.effect("gets lost", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* run(Faults.drop(third))).answers, but([3, "failed", 23_030]))
    }))

  it.effect("comes twice, and is refused the second time where the first is at work still", () =>
    Effect.gen(function*() {
      const counts = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, seed) => seed),
        (seed) =>
          Effect.gen(function*() {
            const runs: Array<number> = []
            yield* Lab.run(calls(runs), { seed, faults: [Faults.duplicate(third)], latency })
            assert.deepStrictEqual(runs.filter((n) => n !== 3), [1, 2, 4, 5])
            return runs.length - 4
          })
      )
      assert.sameMembers([...new Set(counts)], [1, 2])
    }))

  it.effect("is corrupted, and who reads it copes", () =>
    Effect.gen(function*() {
      const report = yield* Lab.report(calls(), { faults: [Faults.corrupt(third)], latency })
      assert.isTrue(Exit.isSuccess(report.exit))
      const changed = report.journal.entries.flatMap((entry) =>
        entry._tag === "Delivered" && entry.frame !== undefined ? [entry] : []
      )
      const sent = report.journal.entries.find((entry) =>
        entry._tag === "Sent" && entry.link === "client>server" && entry.message === 4
      )
      assert.strictEqual(changed.length, 1)
      assert.notStrictEqual(changed[0]!.frame, sent?._tag === "Sent" ? sent.frame : undefined)
    }))

  it.effect("is cut off with its connection, and the client comes back", () =>
    Effect.gen(function*() {
      const { answers } = yield* run(Faults.cut(third))
      assert.strictEqual(answers[2]![0], "failed")
      assert.isBelow(answers[2]![1] as number, 4000)
      assert.deepStrictEqual(answers.filter(([n]) => n === 4 || n === 5).length, 2)
    }))

  it.effect("finds its connection over on one side, and only there", () =>
    Effect.gen(function*() {
      const { answers } = yield* run(Faults.halfClose(third))
      assert.deepStrictEqual(answers[1], [2, 2050])
      assert.deepStrictEqual(answers[2]![0], "failed")
    }))

  it.effect("is hit by chance, as the seed has it, and only within the time", () =>
    Effect.gen(function*() {
      const hit = (seed: number) =>
        Effect.map(
          Lab.report(calls(), {
            seed,
            latency,
            faults: [Faults.delay({ chance: 0.5, from: "2 seconds", until: "4 seconds", max: 1 })]
          }),
          ({ taken }) => taken.slice(1)
        )
      const hits = yield* Effect.forEach([1, 2, 3, 4, 5, 6], hit)
      assert.deepStrictEqual(yield* Effect.forEach([1, 2, 3, 4, 5, 6], hit), hits)
      assert.isAbove(new Set(hits.map(String)).size, 2)
      for (const keys of hits) assert.isAtMost(keys.length, 4)
    }))
})

describe("a node", () => {
  it.effect("crashes at its time, and its client goes on when it is back", () =>
    Effect.gen(function*() {
      const { answers, taken } = yield* run(Faults.crash("server", { at: "2500 millis", restartAfter: "1 second" }))
      assert.deepStrictEqual(answers.slice(0, 2), but().slice(0, 2))
      assert.deepStrictEqual(answers.slice(2).map(([n]) => n), [3, 4, 5])
      assert.deepStrictEqual(taken, ["0.crash.server.1"])
    }))

  it.effect("freezes, and then does what it has missed", () =>
    Effect.gen(function*() {
      const { answers } = yield* run(Faults.freeze("server", { at: "2500 millis", for: "2 seconds" }))
      assert.deepStrictEqual(answers, but([3, 3, 4510], [4, 4, 4510]))
    }))

  it.effect("is slow for a while", () =>
    Effect.gen(function*() {
      const { answers } = yield* run(Faults.slow("server", { at: "2500 millis", for: "1 second", step: "50 millis" }))
      assert.deepStrictEqual(answers.map(([n]) => n), [1, 2, 3, 4, 5])
      assert.isAbove(answers[2]![1] as number, 3100)
    }))

  it.effect("is out of another's reach for a while", () =>
    Effect.gen(function*() {
      const { answers } = yield* run(Faults.partition("client", "*", { at: "2500 millis", for: "1 second" }))
      assert.deepStrictEqual(answers, but([3, "failed", 23_030]))
    }))

  it.effect("starts anew again and again, as the seed has it", () =>
    Effect.gen(function*() {
      const { taken } = yield* run(Faults.restart("server", { every: "1 second", until: "5 seconds" }))
      assert.isAtLeast(taken.length, 2)
    }))
})
