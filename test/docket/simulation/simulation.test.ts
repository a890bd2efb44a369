/**
 * A thousand runs, each made by its number. One that fails says which it was and how it went; with `DOCKET_SEED` in the
 * environment only that one is made.
 */
import { assert, describe, it } from "@effect/vitest"
import { type Kind, simulate } from "./simulation.ts"

const wanted = process.env.DOCKET_SEED

/** So many from there on, or the one that is wanted. */
const seeds = (from: number, count: number): ReadonlyArray<number> =>
  wanted === undefined ? Array.from({ length: count }, (_, index) => from + index) : [Number(wanted)]

const check = (seed: number, kind: Kind = "Trouble") => {
  const report = simulate(seed, kind)
  if (report.violation !== undefined) {
    assert.fail(
      [
        ...report.trace,
        `seed ${seed}: ${report.violation}`,
        `again: DOCKET_SEED=${seed} npx vitest run test/docket/simulation`
      ].join("\n")
    )
  }
  return report
}

const timeout = 120_000

describe("a docket in trouble", () => {
  const seen: { [what: string]: number } = {}

  it.each(wanted === undefined ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] : [0])(
    "loses nothing, does nothing twice at a time, and keeps to what was asked (seeds from %i00)",
    (group) => {
      for (const seed of seeds(group * 100 + 1, 100)) {
        for (const [what, count] of Object.entries(check(seed).seen)) seen[what] = (seen[what] ?? 0) + count
      }
    },
    timeout
  )

  it.skipIf(wanted !== undefined)("which sees everything often", () => {
    for (const what of often) assert.isAtLeast(seen[what] ?? 0, 200, what)
  })

  it("goes the same way again", () => {
    for (const seed of seeds(1, 10)) assert.deepStrictEqual(simulate(seed).trace, simulate(seed).trace)
  }, timeout)
})

const often = [
  "Claim",
  "Advance",
  "Succeed",
  "Fail",
  "Release",
  "Stop",
  "Lapse",
  "Postpone",
  "Hold",
  "Restore",
  "Cancel",
  "Replace",
  "Retry",
  "Refuse",
  "crash",
  "freeze",
  "outage"
]

describe("one worker that does one thing at a time", () => {
  it("starts the most urgent of what is due", () => {
    for (const seed of seeds(1, 50)) check(seed, "Idle")
  }, timeout)
})
