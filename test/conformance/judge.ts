/** What the checks of a run amount to. Pure, so that its tests can plant runs that lie. */

export interface Check {
  readonly id: string
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "INFO" | "SKIPPED"
  readonly errorMessage?: string
}

export type Verdict = "ok" | "WARN" | "SKIP" | "FAIL" | "none"

const has = (checks: ReadonlyArray<Check>, status: Check["status"]) => checks.some((check) => check.status === status)

/** What a scenario found out by itself: `wire-schema-valid` is added to each, and succeeds where nothing was said. */
const own = (checks: ReadonlyArray<Check>) => checks.filter((check) => !check.id.startsWith("wire-schema-"))

/** One verdict for a scenario: SKIP is one where nothing was checked, `none` one without a file of checks. */
export const verdict = (checks: ReadonlyArray<Check> | undefined): Verdict => {
  if (checks === undefined) return "none"
  if (has(checks, "FAILURE") || checks.length === 0) return "FAIL"
  if (has(checks, "WARNING")) return "WARN"
  return has(own(checks), "SUCCESS") ? "ok" : "SKIP"
}

/** The suite lets a warning pass; we do not. */
const passes = (checks: ReadonlyArray<Check>) => verdict(checks) === "ok"

/** With how the suite itself ended over them: with 1 also for a client that failed, or did not end in its time. */
export const ended = (checks: ReadonlyArray<Check>, ok: boolean): ReadonlyArray<Check> => [
  ...checks,
  ok
    ? { id: "client-ended-well", status: "INFO" }
    : { id: "client-ended-well", status: "FAILURE", errorMessage: "the suite ended with 1" }
]

export interface Row {
  readonly scenario: string
  readonly verdict: Verdict
  /** What the row counts as; a scenario that is not scored counts as nothing. */
  readonly counts: "passed" | "failed" | "expected" | undefined
  /** What to do about it, or what went wrong. */
  readonly note: string
}

const messages = (checks: ReadonlyArray<Check> = []) =>
  checks.filter((check) => check.status === "FAILURE" || check.status === "WARNING")
    .map((check) => `${check.id}: ${check.errorMessage ?? "no message"}`).join("; ")

/** `wanted` are the scenarios that must have run; whatever ran must pass, but what is expected to fail or always skipped. */
export const judge = (
  run: ReadonlyMap<string, ReadonlyArray<Check>>,
  wanted: ReadonlyArray<string>,
  expectedFailures: ReadonlyArray<string>,
  alwaysSkipped: ReadonlyArray<string> = []
): ReadonlyArray<Row> => {
  const row = (scenario: string): Row => {
    const checks = run.get(scenario)
    const found = verdict(checks)
    const listed = expectedFailures.includes(scenario)
    const fail = (note: string): Row => ({ scenario, verdict: found, counts: "failed", note })
    if (checks === undefined) {
      return wanted.includes(scenario) ? fail("required, but did not run") : fail("is in expected.ts, but did not run")
    }
    if (alwaysSkipped.includes(scenario)) {
      return found === "SKIP"
        ? { scenario, verdict: found, counts: undefined, note: "skipped by the suite itself" }
        : fail("is no longer skipped by the suite: remove it from expected.ts")
    }
    if (passes(checks)) {
      return listed
        ? fail("passes: remove it from expected.ts")
        : { scenario, verdict: found, counts: "passed", note: "" }
    }
    return listed
      ? { scenario, verdict: found, counts: "expected", note: "not expected yet" }
      : fail(found === "SKIP" ? "every check was skipped" : messages(checks))
  }
  return [...new Set([...wanted, ...expectedFailures, ...run.keys()])].map(row)
}

/** One table over the modes of a role: a line for each scenario, a column for each mode. */
export const table = (role: string, sets: ReadonlyMap<string, ReadonlyArray<Row>>): string => {
  const scenarios = [...new Set([...sets.values()].flatMap((rows) => rows.map((row) => row.scenario)))]
  const width = Math.max(...scenarios.map((scenario) => scenario.length), 8)
  const cell = (row: Row | undefined) => {
    if (!row) return "-"
    const text = row.verdict === "none" ? "MISSING" : row.verdict
    if (row.counts === undefined) return `(${text})`
    return row.counts === "expected"
      ? `${text} expected`
      : row.counts === "failed" && text !== "FAIL"
      ? `${text} !`
      : text
  }
  const lines = scenarios.map((scenario) =>
    [...sets.values()].map((rows) => cell(rows.find((row) => row.scenario === scenario)))
  )
  return [
    [role, ...sets.keys()],
    ...scenarios.map((scenario, i) => [scenario, ...lines[i]!])
  ].map(([name, ...cells]) => [name!.padEnd(width), ...cells.map((text) => text.padEnd(14))].join("  ").trimEnd())
    .join("\n")
}
