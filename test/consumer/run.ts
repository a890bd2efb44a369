/**
 * The package as a stranger gets it: packed, installed elsewhere with its peers from the registry, every subpath
 * imported and type-checked, a small server run. Once without the optional peers, and once with them if there are any; then
 * `examples/production` as well, which logs in, calls, and kills its server in the middle of a task.
 * It wants a fresh `dist`: run `npm run build` first.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { command, type Count, finish, type Outcome, report } from "../../.ci/steps.ts"

const root = path.resolve(import.meta.dirname, "../..")
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"))
const subpaths = Object.keys(manifest.exports).filter((key) => key !== "./package.json")
  .map((key) => manifest.name + key.slice(1))
const optional = Object.keys(manifest.peerDependenciesMeta ?? {})
const peers: Record<string, string> = manifest.peerDependencies

const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "consumer-"))
process.once("exit", () => fs.rmSync(temporary, { recursive: true, force: true }))

/** What `npm run` tells its children of this package would mislead an npm that works in another. */
const clean = Object.fromEntries(
  Object.keys(process.env).filter((name) => /^(npm_(config_local_prefix|package|lifecycle)|INIT_CWD)/.test(name))
    .map((name) => [name, undefined])
)
const npm = (directory: string, ...args: Array<string>) =>
  command("npm", args, { cwd: directory, env: clean, limit: 120 })

const count: Count = { passed: 0, failed: 0 }
const step = async (name: string, run: () => Promise<Outcome | string>): Promise<boolean> => {
  const start = performance.now()
  const failure = (error: unknown): string => error instanceof Error ? `${error.stack}` : String(error)
  const result = await run().catch(failure)
  const seconds = (performance.now() - start) / 1000
  const outcome = typeof result === "string" ? { ok: result === "", output: result, seconds } : { ...result, seconds }
  report(name, outcome)
  if (outcome.ok) count.passed++
  else count.failed++
  return outcome.ok
}

/** The tarball holds what `files` says, and every file an export leads to. Gives what is wrong, or nothing. */
const contents = (files: ReadonlyArray<string>): string => {
  const allowed = /^(dist|src)\/|^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/
  const targets = Object.values<string | Record<string, string>>(manifest.exports)
    .flatMap((entry) => typeof entry === "string" ? [entry] : Object.values(entry)).map((file) => file.slice(2))
  const needed = [...targets, "dist/package.json", "src/package.json", "README.md", "LICENSE"]
  return [
    ...files.filter((file) => !allowed.test(file)).map((file) => `${file} should not be published`),
    ...needed.filter((file) => !files.includes(file)).map((file) => `${file} is not in the tarball`),
    ...files.length > 20 ? [] : ["the tarball is nearly empty"]
  ].join("\n")
}

/**
 * A module that is about an optional peer may ask for it; a folder or the root may not. What was let off is printed, so
 * that the type checker can leave it out too.
 */
const importAll = `
const optional = ${JSON.stringify(optional)}
let failed = false
for (const name of ${JSON.stringify(subpaths)}) {
  const file = import.meta.resolve(name)
  if (!file.includes("/dist/")) throw new Error(name + " is " + file)
  await import(name).catch((error) => {
    const peer = /^Cannot find package '(.+?)'/.exec(error.message)?.[1]
    const excused = optional.includes(peer) && /\\/[A-Z]\\w*$/.test(name)
    failed ||= !excused
    console.log(excused ? "wants a peer: " + name : name + ": " + error.message)
  })
}
process.exit(failed ? 1 : 0)
`

/** Runs the server, calls its tool, closes its input; gives what went wrong, or nothing. */
const callTool = (directory: string): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ["server.ts"], { cwd: directory, stdio: ["pipe", "pipe", "pipe"] })
    const timer = setTimeout(() => child.kill("SIGKILL"), 30_000)
    const wrong: Array<string> = []
    let sum: string | undefined
    let stderr = ""
    const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
    child.stdin.on("error", (error) => wrong.push(`stdin: ${error.message}`))
    child.stderr.on("data", (chunk) => stderr += chunk)
    createInterface(child.stdout).on("line", (line) => {
      try {
        const message = JSON.parse(line)
        if (message.id === 1) {
          send({ method: "notifications/initialized" })
          send({ id: 2, method: "tools/call", params: { name: "add", arguments: { a: 2, b: 3 } } })
        }
        if (message.id === 2) {
          sum = message.result?.content?.[0]?.text
          if (sum !== "5") wrong.push(`the tool answered ${line}`)
          child.stdin.end()
        }
      } catch {
        wrong.push(`not JSON on stdout: ${line}`)
      }
    })
    child.once("close", (code, signal) => {
      clearTimeout(timer)
      if (sum === undefined) wrong.push("the tool did not answer")
      if (code !== 0) wrong.push(`the server ended with ${code ?? signal}`)
      resolve(wrong.length > 0 ? [...wrong, stderr].join("\n") : "")
    })
    const clientInfo = { name: "consumer", version: "1.0.0" }
    send({ id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo } })
  })

const consumer = async (name: "bare" | "full", tarball: string, packages: ReadonlyArray<string>): Promise<void> => {
  const isFull = name === "full"
  const directory = path.join(temporary, name)
  fs.mkdirSync(directory)
  const write = (file: string, text: string) => fs.writeFileSync(path.join(directory, file), text)
  write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }))
  const wanted = packages.map((peer) => `${peer}@${peers[peer]}`)
  const types = `@types/node@${manifest.devDependencies["@types/node"]}`
  const installed = await step(
    `${name}: install`,
    () => npm(directory, "install", "--no-audit", "--no-fund", tarball, types, ...wanted)
  )
  if (!installed) return

  write("import.mjs", importAll)
  let imported = ""
  await step(`${name}: ${subpaths.length} imports`, async () => {
    const outcome = await command(process.execPath, ["import.mjs"], { cwd: directory })
    imported = outcome.output
    return outcome
  })

  fs.copyFileSync(path.join(import.meta.dirname, "server.ts"), path.join(directory, "server.ts"))
  const story = isFull ? ["server.ts", "setup.ts", "client.ts"].map((file) => `production/${file}`) : []
  for (const file of story) fs.cpSync(path.join(root, "examples", file), path.join(directory, file))
  const typed = subpaths.filter((subpath) => !imported.split("\n").includes(`wants a peer: ${subpath}`))
  write("every.ts", typed.map((subpath, i) => `export type * as M${i} from "${subpath}"\n`).join(""))
  const compilerOptions = {
    target: "ES2024",
    lib: ["ES2024", "ESNext.Collection", "DOM", "DOM.Iterable"],
    module: "NodeNext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true
  }
  write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["server.ts", "every.ts", ...story] }))
  await step(`${name}: types`, () => command("tsc", ["-p", "."], { cwd: directory }))

  await step(`${name}: tools/call over stdio`, () => callTool(directory))

  if (isFull) {
    await step(
      `${name}: examples/production`,
      () => command(process.execPath, ["production/client.ts"], { cwd: directory, limit: 120 })
    )
  }
}

await step("pack", () => npm(root, "pack", "--ignore-scripts", "--pack-destination", temporary))
const tarball = fs.readdirSync(temporary).find((file) => file.endsWith(".tgz"))
if (tarball) {
  const file = path.join(temporary, tarball)
  await step("contents", async () => {
    const { ok, output } = await command("tar", ["-tzf", file])
    return ok ? contents(output.trim().split("\n").map((line) => line.replace(/^package\//, ""))) : output
  })
  const must = Object.keys(peers).filter((peer) => !optional.includes(peer))
  await consumer("bare", file, must)
  if (optional.length > 0) await consumer("full", file, Object.keys(peers))
}
finish(count)
