/**
 * `npm run conformance`: the official suite in each revision it knows, against examples/everything or against the server
 * at the URL given. Silence fails: every required scenario must have left its checks.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import { createServer } from "node:net"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { command } from "../../.ci/steps.ts"
import { expectedFailures, passWithoutFeature } from "./expected.ts"
import { type Check, judge, type Row, table } from "./judge.ts"
import { beyond, required, type Requirements } from "./required.ts"

const root = path.resolve(import.meta.dirname, "../..")
const suite = path.join(root, "node_modules/@modelcontextprotocol/conformance")
const sets = Object.keys(required) as Array<Requirements>
const problems: Array<string> = []

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0))
    })
  })

const startServer = async (): Promise<{ readonly url: string; readonly child: ChildProcess }> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/mcp`
  const child = spawn(
    process.execPath,
    ["--conditions=fastmcp-effect/source", "examples/everything/server.ts", "http"],
    { cwd: root, env: { ...process.env, PORT: String(port) }, stdio: ["ignore", "pipe", "pipe"] }
  )
  // Whatever ends this process, the server goes with it.
  process.once("exit", () => child.kill("SIGKILL"))
  let output = ""
  child.stdout.on("data", (chunk) => output += chunk)
  child.stderr.on("data", (chunk) => output += chunk)
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) break
    const answered = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(() => true, () => false)
    if (answered) return { url, child }
    await sleep(100)
  }
  child.kill("SIGKILL")
  throw new Error(`the server did not answer at ${url}\n${output}`)
}

/** Scenario -> checks, from the directories `server-<scenario>-<time>` the suite leaves behind. */
const readRun = (directory: string): ReadonlyMap<string, ReadonlyArray<Check>> => {
  const run = new Map<string, ReadonlyArray<Check>>()
  for (const name of fs.existsSync(directory) ? fs.readdirSync(directory) : []) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1]
    const file = path.join(directory, name, "checks.json")
    if (scenario !== undefined && fs.existsSync(file)) run.set(scenario, JSON.parse(fs.readFileSync(file, "utf8")))
  }
  return run
}

const runSuite = (args: ReadonlyArray<string>) =>
  command(process.execPath, [path.join(suite, "dist/index.js"), ...args], { limit: 120 })

const requirements = (set: Requirements) => path.join(suite, "requirements", `${set}.yaml`)

/** What the suite requires of a revision, or all it has for one without requirements. */
const scenariosOf = async (set: Requirements): Promise<ReadonlyArray<string>> => {
  if (fs.existsSync(requirements(set))) {
    const section = /^server:\n((?: {2}- .*\n)+)/m.exec(fs.readFileSync(requirements(set), "utf8"))?.[1] ?? ""
    return section.trim().split("\n").map((line) => line.replace(/^\s*- /, ""))
  }
  const { output } = await runSuite(["list", "--server", "--spec-version", set])
  return Array.from(output.matchAll(/^ {2}- (\S+)/gm), ([, name]) => name!)
}

/** Our list of a set must be the suite's own. */
const compareWithSuite = async (set: Requirements) => {
  const theirs = await scenariosOf(set)
  const ours: ReadonlyArray<string> = required[set]
  const differ = [...theirs.filter((name) => !ours.includes(name)), ...ours.filter((name) => !theirs.includes(name))]
  if (differ.length > 0) problems.push(`${set}: required.ts and the suite disagree on ${differ.join(", ")}`)
}

const runSet = async (set: Requirements, url: string): Promise<ReadonlyArray<Row>> => {
  const directory = path.join(root, ".out/conformance", set)
  fs.rmSync(directory, { recursive: true, force: true })
  const mode = fs.existsSync(requirements(set)) ? ["--requirements", set] : ["--suite", "all", "--spec-version", set]
  const { output } = await runSuite(["server", "--url", url, ...mode, "-o", directory])
  const run = readRun(directory)
  if (run.size === 0) problems.push(`${set}: the suite ran nothing\n${output.trim()}`)
  return judge(run, [...required[set], ...beyond[set]], expectedFailures[set], passWithoutFeature[set])
}

const results = new Map<string, ReadonlyArray<Row>>()
let child: ChildProcess | undefined
try {
  let url = process.argv[2]
  if (url === undefined) ({ child, url } = await startServer())
  for (const set of sets) {
    await compareWithSuite(set)
    results.set(set, await runSet(set, url))
    if (child && (child.exitCode !== null || child.signalCode !== null)) problems.push(`${set}: the server died`)
  }
} catch (error) {
  problems.push(error instanceof Error ? error.message : String(error))
} finally {
  child?.kill("SIGTERM")
}

const rows = [...results].flatMap(([set, found]) => found.map((row) => ({ set, ...row })))
const count = (counts: Row["counts"]) => rows.filter((row) => row.counts === counts).length
const failed = count("failed") + problems.length

console.log(
  `${table(results)}\n\n(...) is not scored, "expected" and "vacuous" are listed in test/conformance/expected.ts\n`
)
for (const [set, found] of results) {
  const { length } = found.filter(({ counts, scenario }) =>
    counts === "passed" && (required[set as Requirements] as ReadonlyArray<string>).includes(scenario)
  )
  console.log(`${set}: ${length} of ${required[set as Requirements].length} required passed`)
}
console.log(`${count("vacuous")} hold only because their feature is not built, and count as nothing`)
for (const row of rows) if (row.counts === "failed") console.log(`${row.set} ${row.scenario}: ${row.note}`)
for (const problem of problems) console.log(problem)

process.exitCode = failed === 0 && count("passed") > 0 ? 0 : 1
console.log(`${count("passed")} passed, ${failed} failed, ${count("expected")} expected failures`)
setTimeout(() => process.exit(), 2_000).unref()
