/**
 * `npm run conformance`: the official suite in every mode it has for servers and for clients, against examples/everything,
 * by itself and behind a proxy, and for authorization servers, against examples/oauth-server. `npm run conformance -- client` runs one role, and a URL in its place the server that is there. Silence fails: every
 * scenario of a mode must have left its checks.
 */
import * as fs from "node:fs"
import { availableParallelism } from "node:os"
import * as path from "node:path"
import { command } from "../../.ci/steps.ts"
import * as authorization from "./authorization.ts"
import { alwaysSkipped, expectedFailures, forced } from "./expected.ts"
import { type Check, ended, judge, type Row, table } from "./judge.ts"
import { type Program, root, start } from "./program.ts"
import {
  type Listed,
  listed,
  type Mode,
  modes,
  type Proxied,
  proxied,
  required,
  type Requirements,
  type Role,
  roles
} from "./required.ts"

const suite = path.join(root, "node_modules/@modelcontextprotocol/conformance")
const out = ".out/conformance"
const problems: Array<string> = []

/** What the suite is pointed at: the options that say so, and whether it is still there. */
interface Subject {
  readonly args: (mode: Mode) => ReadonlyArray<string>
  readonly hasDied: () => boolean
  readonly stop: () => void
}

// ----------------------------------------------------------------------------
// the server and the client
// ----------------------------------------------------------------------------

const everything = "examples/everything/server.ts"

const server = async (given: string | undefined): Promise<Subject> => {
  if (given !== undefined) return { args: () => ["--url", given], hasDied: () => false, stop: () => {} }
  const direct = await start("/mcp", everything, "http")
  const others = new Map<Mode, Program>([["mounted", await start("/mcp", "examples/everything/mounted.ts", "http")]])
  for (const [mode, { behind, over }] of Object.entries(proxied) as ReadonlyArray<[Proxied, typeof proxied[Proxied]]>) {
    const behindAt = over === "http" ? direct.url : everything
    others.set(mode, await start("/mcp", "test/conformance/proxied.ts", behindAt, behind))
  }
  const all = [direct, ...others.values()]
  return {
    args: (mode) => ["--url", (others.get(mode) ?? direct).url],
    hasDied: () => all.some(({ hasDied }) => hasDied()),
    stop: () => all.forEach(({ stop }) => stop())
  }
}

/** In one file: the suite starts as many clients at once as it has scenarios. */
const client = async (): Promise<Subject> => {
  const file = `${out}/client.mjs`
  // Undici is CommonJS, and requires modules of Node's.
  const require = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`
  const bundled = await command("esbuild", [
    "examples/everything/client.ts",
    "--bundle",
    "--platform=node",
    "--format=esm",
    "--conditions=fastmcp-effect/source",
    "--log-level=error",
    `--banner:js=${require}`,
    `--outfile=${file}`
  ])
  if (!bundled.ok) throw new Error(`the client could not be bundled\n${bundled.output}`)
  return {
    // The suite takes the words apart at spaces, and runs in the repository.
    args: (mode) => [
      "--command",
      mode === "all, untold" ? `env -u MCP_CONFORMANCE_PROTOCOL_VERSION node ${file}` : `node ${file}`
    ],
    hasDied: () => false,
    stop: () => {}
  }
}

// ----------------------------------------------------------------------------
// modes
// ----------------------------------------------------------------------------

/** Scenario -> checks, from the directories `<scenario>-<time>` the suite leaves behind; some scenarios have a folder. */
const readRun = (role: Role, directory: string): ReadonlyMap<string, ReadonlyArray<Check>> => {
  const run = new Map<string, ReadonlyArray<Check>>()
  const files = fs.existsSync(directory) ? fs.readdirSync(directory, { recursive: true, encoding: "utf8" }) : []
  for (const file of files) {
    const name = /^(.+)-\d{4}-\d\d-\d\dT[\d-]+Z\/checks\.json$/.exec(file.replaceAll(path.sep, "/"))?.[1]
    if (name === undefined || (role === "server" && !name.startsWith("server-"))) continue
    const scenario = role === "server" ? name.slice("server-".length) : name
    run.set(scenario, JSON.parse(fs.readFileSync(path.join(directory, file), "utf8")))
  }
  return run
}

const runSuite = (args: ReadonlyArray<string>) =>
  command(process.execPath, [path.join(suite, "dist/index.js"), ...args], { limit: 120 })

const isRequirements = (mode: Mode): mode is Requirements => mode in required.server

const isProxied = (mode: Mode): mode is Proxied => mode in proxied

const listing = (mode: Mode): Listed => mode in listed.server ? mode as Listed : "all"

const revisionOf = (mode: Listed): ReadonlyArray<string> =>
  mode.startsWith("all ") ? ["--spec-version", mode.slice("all ".length)] : []

/** The scenarios a mode must run, by our own list or by the suite's, which must not have lost one. */
const wantedBy = async (role: Role, mode: Mode): Promise<ReadonlyArray<string>> => {
  if (isProxied(mode)) return required[role][proxied[mode].requirements]
  if (isRequirements(mode)) {
    const file = fs.readFileSync(path.join(suite, "requirements", `${mode}.yaml`), "utf8")
    const section = new RegExp(`^${role}:\\n((?: {2}- .*\\n)+)`, "m").exec(file)?.[1] ?? ""
    const theirs = section.trim().split("\n").map((line) => line.replace(/^\s*- /, ""))
    const ours: ReadonlyArray<string> = required[role][mode]
    const differ = [...theirs.filter((name) => !ours.includes(name)), ...ours.filter((name) => !theirs.includes(name))]
    if (differ.length > 0) problems.push(`${role} ${mode}: required.ts and the suite disagree on ${differ.join(", ")}`)
    return ours
  }
  const { output } = await runSuite(["list", `--${role}`, ...revisionOf(listing(mode))])
  const names = Array.from(output.matchAll(/^ {2}- (\S+)/gm), ([, name]) => name!)
  const expected = listed[role][listing(mode)]
  if (names.length !== expected) {
    problems.push(`${role} ${mode}: the suite lists ${names.length} scenarios, and required.ts expects ${expected}`)
  }
  return names
}

/** As many at once as there are processors for. */
const eachOf = async <A>(all: ReadonlyArray<A>, body: (one: A) => Promise<void>): Promise<void> => {
  const left = [...all]
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await body(next)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

/** One run of the suite for each scenario that is expected to pass: alone, its client must also end with 0. */
const runAlone = async (role: Role, mode: Mode, subject: Subject, directory: string) => {
  const wanted = (await wantedBy(role, mode)).filter((name) => !expectedFailures[role].all?.includes(name))
  const exits = new Map<string, boolean>()
  await eachOf(wanted, async (name) => {
    const { ok } = await runSuite([role, ...subject.args(mode), "--scenario", name, "-o", directory])
    exits.set(name, ok)
  })
  const found = Array.from(
    readRun(role, directory),
    ([name, checks]) => [name, ended(checks, exits.get(name)!)] as const
  )
  return { wanted, found: new Map(found) }
}

const runAll = async (role: Role, mode: Mode, subject: Subject, directory: string) => {
  const which = isRequirements(mode) ? ["--requirements", mode] : ["--suite", "all", ...revisionOf(listing(mode))]
  const [wanted, { output }] = await Promise.all([
    wantedBy(role, mode),
    runSuite([role, ...subject.args(mode), ...which, "-o", directory])
  ])
  const found = readRun(role, directory)
  if (found.size === 0) problems.push(`${role} ${mode}: the suite ran nothing\n${output.trim()}`)
  return { wanted, found }
}

/** What is no requirement, as the scenarios of extensions, is not asked of a proxy. */
const runEach = async (role: Role, mode: Proxied, subject: Subject, directory: string) => {
  const wanted = await wantedBy(role, mode)
  const revision = ["--spec-version", proxied[mode].requirements]
  await eachOf(wanted, async (name) => {
    await runSuite([role, ...subject.args(mode), "--scenario", name, ...revision, "-o", directory])
  })
  return { wanted, found: readRun(role, directory) }
}

const runMode = async (role: Role, mode: Mode, subject: Subject): Promise<ReadonlyArray<Row>> => {
  const directory = path.join(root, out, role, mode.replaceAll(/[^\w-]+/g, "-"))
  fs.rmSync(directory, { recursive: true, force: true })
  const { found, wanted } = isProxied(mode)
    ? await runEach(role, mode, subject, directory)
    : await (mode === "each alone" ? runAlone : runAll)(role, mode, subject, directory)
  if (subject.hasDied()) problems.push(`${role} ${mode}: the server died`)
  const expected = [
    ...expectedFailures[role][mode] ?? [],
    ...forced.flatMap((each) => each.mode === mode ? [each.scenario] : [])
  ]
  return judge(found, wanted, expected, alwaysSkipped)
}

const [given] = process.argv.slice(2)
const results = new Map<Role | "authorization", ReadonlyMap<Mode, ReadonlyArray<Row>>>()
for (const role of roles) {
  if (given !== undefined && given !== role && !(role === "server" && URL.canParse(given))) continue
  const found = new Map<Mode, ReadonlyArray<Row>>()
  results.set(role, found)
  let subject: Subject | undefined
  try {
    subject = await (role === "client" ? client() : server(given === role ? undefined : given))
    for (const mode of modes[role]) found.set(mode, await runMode(role, mode, subject))
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  } finally {
    subject?.stop()
  }
}

if (given === undefined || given === "authorization") {
  try {
    const { checks, problems: found } = await authorization.run(suite, `${out}/authorization`)
    problems.push(...found)
    results.set("authorization", new Map([["all", judge(checks, authorization.wanted, [])]]))
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  }
}

const rows = [...results].flatMap(([role, modes]) =>
  [...modes].flatMap(([mode, found]) => found.map((row) => ({ role, mode, ...row })))
)
const count = (counts: Row["counts"]) => rows.filter((row) => row.counts === counts).length
const failed = count("failed") + problems.length

for (const [role, modes] of results) console.log(`${table(role, modes)}\n`)
console.log(`(SKIP) is left out by the suite itself, "expected" is listed in expected.ts\n`)
for (const [role, modes] of results) {
  for (const [mode, found] of modes) {
    const passed = found.filter(({ counts }) => counts === "passed").length
    console.log(`${role} ${mode}: ${passed} of ${found.length} passed`)
  }
}
for (const row of rows) {
  if (row.counts === "failed") console.log(`${row.role} ${row.mode} ${row.scenario}: ${row.note}`)
}
for (const problem of problems) console.log(problem)

process.exitCode = failed === 0 && count("passed") > 0 ? 0 : 1
console.log(`${count("passed")} passed, ${failed} failed, ${count("expected")} expected failures`)
setTimeout(() => process.exit(), 2_000).unref()
