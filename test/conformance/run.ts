/**
 * `npm run conformance`: the official suite in every mode it has for servers, against examples/everything or against the
 * server at the URL given. Silence fails: every scenario of a mode must have left its checks.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import { createServer } from "node:net"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { command } from "../../.ci/steps.ts"
import { alwaysSkipped, expectedFailures } from "./expected.ts"
import { type Check, judge, type Row, table } from "./judge.ts"
import { listed, type Mode, modes, required, type Requirements } from "./required.ts"

const root = path.resolve(import.meta.dirname, "../..")
const suite = path.join(root, "node_modules/@modelcontextprotocol/conformance")
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

const isRequirements = (mode: Mode): mode is Requirements => mode in required

const revisionOf = (mode: Mode): ReadonlyArray<string> =>
  mode.startsWith("all ") ? ["--spec-version", mode.slice("all ".length)] : []

/** The scenarios a mode must run, by our own list or by the suite's, which must not have lost one. */
const wantedBy = async (mode: Mode): Promise<ReadonlyArray<string>> => {
  if (isRequirements(mode)) {
    const file = fs.readFileSync(path.join(suite, "requirements", `${mode}.yaml`), "utf8")
    const section = /^server:\n((?: {2}- .*\n)+)/m.exec(file)?.[1] ?? ""
    const theirs = section.trim().split("\n").map((line) => line.replace(/^\s*- /, ""))
    const ours: ReadonlyArray<string> = required[mode]
    const differ = [...theirs.filter((name) => !ours.includes(name)), ...ours.filter((name) => !theirs.includes(name))]
    if (differ.length > 0) problems.push(`${mode}: required.ts and the suite disagree on ${differ.join(", ")}`)
    return ours
  }
  const { output } = await runSuite(["list", "--server", ...revisionOf(mode)])
  const names = Array.from(output.matchAll(/^ {2}- (\S+)/gm), ([, name]) => name!)
  if (names.length !== listed[mode]) {
    problems.push(`${mode}: the suite lists ${names.length} scenarios, and required.ts expects ${listed[mode]}`)
  }
  return names
}

const runMode = async (mode: Mode, url: string): Promise<ReadonlyArray<Row>> => {
  const directory = path.join(root, ".out/conformance", mode.replaceAll(" ", "-"))
  fs.rmSync(directory, { recursive: true, force: true })
  const args = isRequirements(mode) ? ["--requirements", mode] : ["--suite", "all", ...revisionOf(mode)]
  const [wanted, { output }] = await Promise.all([
    wantedBy(mode),
    runSuite(["server", "--url", url, ...args, "-o", directory])
  ])
  const run = readRun(directory)
  if (run.size === 0) problems.push(`${mode}: the suite ran nothing\n${output.trim()}`)
  return judge(run, wanted, expectedFailures[mode] ?? [], alwaysSkipped)
}

const results = new Map<string, ReadonlyArray<Row>>()
let child: ChildProcess | undefined
try {
  let url = process.argv[2]
  if (url === undefined) ({ child, url } = await startServer())
  for (const mode of modes) {
    results.set(mode, await runMode(mode, url))
    if (child && (child.exitCode !== null || child.signalCode !== null)) problems.push(`${mode}: the server died`)
  }
} catch (error) {
  problems.push(error instanceof Error ? error.message : String(error))
} finally {
  child?.kill("SIGTERM")
}

const rows = [...results].flatMap(([mode, found]) => found.map((row) => ({ mode, ...row })))
const count = (counts: Row["counts"]) => rows.filter((row) => row.counts === counts).length
const failed = count("failed") + problems.length

console.log(`${table(results)}\n\n(SKIP) is left out by the suite itself, "expected" is listed in expected.ts\n`)
for (const [mode, found] of results) {
  const passed = found.filter(({ counts }) => counts === "passed").length
  console.log(`${mode}: ${passed} of ${found.length} passed`)
}
for (const row of rows) if (row.counts === "failed") console.log(`${row.mode} ${row.scenario}: ${row.note}`)
for (const problem of problems) console.log(problem)

process.exitCode = failed === 0 && count("passed") > 0 ? 0 : 1
console.log(`${count("passed")} passed, ${failed} failed, ${count("expected")} expected failures`)
setTimeout(() => process.exit(), 2_000).unref()
