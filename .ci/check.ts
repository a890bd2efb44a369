/** `npm run check`: everything that can be said of the code without running it. `npm run check -- lint` runs one step. */
import { command, type Count, finish, type Outcome, report } from "./steps.ts"

/** The three projects: each is checked as a whole, so a project without files is an error, not a success. */
const projects = { src: "tsconfig.json", test: "test/tsconfig.json", examples: "examples/tsconfig.json" }

/** `effect-tsgo` says nothing where it does not find `effect`, so that it found version 4 is part of the check. */
const diagnostics = async (project: string): Promise<Outcome> => {
  const args = ["--project", project, "--format", "text", "--severity", "error,warning", "--strict", "--list-files"]
  const outcome = await command("effect-tsgo", ["diagnostics", ...args])
  const seen = /detected=v4/.test(outcome.output) && /Checked [1-9]\d* files/.test(outcome.output)
  const lines = outcome.output.split("\n").filter((line) => !/detected=|^Effect version per file/.test(line))
  return {
    ...outcome,
    ok: outcome.ok && seen,
    output: [...lines, seen ? "" : "no file with Effect 4 was checked"].join("\n")
  }
}

const vitest = (folder: string) => command("vitest", ["run", "--typecheck.enabled=false", folder])

const steps: Record<string, () => Promise<Outcome>> = {
  ...Object.fromEntries(
    Object.entries(projects).map(([name, project]) =>
      [`types: ${name}`, () => command("tsc", ["--noEmit", "-p", project])] as const
    )
  ),
  "types: docs": () => vitest("test/docs"),
  ...Object.fromEntries(
    Object.entries(projects).map(([name, project]) => [`effect: ${name}`, () => diagnostics(project)] as const)
  ),
  lint: () => command("oxlint", ["--deny-warnings", "src", "test", "examples", ".ci"]),
  format: () => command("dprint", ["check"]),
  architecture: () => vitest("test/architecture")
}

const wanted = process.argv.slice(2)
const count: Count = { passed: 0, failed: 0 }
for (const [name, run] of Object.entries(steps)) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue
  const outcome = await run()
  report(name, outcome)
  if (outcome.ok) count.passed++
  else count.failed++
}
finish(count)
