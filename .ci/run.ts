/** What `.ci/run` does once the packages are installed. The last line counts every step, test and scenario. */
import * as fs from "node:fs"
import * as path from "node:path"
import { command, type Count, finish, lastCount, type Options, type Outcome, report, root } from "./steps.ts"

interface Step {
  readonly name: string
  readonly run: () => Promise<{ readonly outcome: Outcome; readonly count: Count }>
}

const one = (ok: boolean): Count => ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }

/** A failed command whose count names no failure still is one. */
const settle = (ok: boolean, count: Count | undefined): Count => {
  if (!count || count.passed + count.failed === 0) return one(false)
  return { passed: count.passed, failed: ok ? count.failed : Math.max(count.failed, 1) }
}

/** A script that prints its own count on its last line. */
const counted = (name: string, script: string, options: Options): Step => ({
  name,
  run: async () => {
    const outcome = await command("node", [script], { live: true, ...options })
    return { outcome, count: settle(outcome.ok, lastCount(outcome.output)) }
  }
})

interface TestReport {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: ReadonlyArray<{ readonly status: string; readonly assertionResults: ReadonlyArray<unknown> }>
}

const tests: Step = {
  name: "tests",
  run: async () => {
    const file = path.join(root, ".out", "tests.json")
    fs.rmSync(file, { force: true })
    const outcome = await command(
      "npm",
      ["test", "--", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`],
      { live: true, limit: 1200 }
    )
    if (!fs.existsSync(file)) return { outcome, count: one(false) }
    const result: TestReport = JSON.parse(fs.readFileSync(file, "utf8"))
    const unread = result.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length
    const count = { passed: result.numPassedTests, failed: result.numFailedTests + unread }
    return { outcome, count: settle(outcome.ok && result.success, count) }
  }
}

const build: Step = {
  name: "build",
  run: async () => {
    const outcome = await command("node", [".ci/build.ts"], { live: true })
    return { outcome, count: one(outcome.ok) }
  }
}

const steps: ReadonlyArray<Step> = [
  counted("check", ".ci/check.ts", {}),
  tests,
  build,
  counted("conformance", "test/conformance/run.ts", { limit: 600 }),
  counted("consumer", "test/consumer/run.ts", { limit: 400 })
]

const install: Outcome = { ok: true, output: "", seconds: Number(process.argv[2] ?? 0) }
const total = one(true)
const lines: Array<readonly [string, Outcome, Count]> = [["install", install, one(true)]]
for (const step of steps) {
  console.log(`\n== ${step.name}`)
  const { count, outcome } = await step.run()
  lines.push([step.name, outcome, count])
  total.passed += count.passed
  total.failed += count.failed
}

console.log("\n== summary")
for (const [name, { seconds }, { failed, passed }] of lines) {
  report(`${name} (${passed} passed, ${failed} failed)`.padEnd(44), { ok: failed === 0, output: "", seconds })
}
finish(total)
