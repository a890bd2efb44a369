/**
 * `npm run proof:planted`: plants each mistake of `mutations.ts` in a copy of the sources, and runs its model from up to
 * 2,000 seeds until it fails. Names of mutations or models as arguments choose among them.
 */
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { type Mutation, mutations } from "./mutations.ts"

const root = path.resolve(import.meta.dirname, "../..")

const seeds = 2000

/** A folder in which `fastmcp-effect` is a copy of the sources. */
const copy = async (): Promise<string> => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "planted-"))
  for (const part of ["package.json", "src", "test"]) {
    await fs.cp(path.join(root, part), path.join(folder, part), { recursive: true })
  }
  await fs.symlink(path.join(root, "node_modules"), path.join(folder, "node_modules"))
  return folder
}

/** What the model says, and whether it held. */
const runModel = async (folder: string, model: string): Promise<{ readonly holds: boolean; readonly text: string }> => {
  const args = ["--conditions=fastmcp-effect/source", "test/lab/run.ts", String(seeds), model]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: folder,
      timeout: 600_000,
      maxBuffer: 1 << 26
    })
    return { holds: true, text: stdout }
  } catch (error) {
    const { stderr = "", stdout = "" } = error as { readonly stdout?: string; readonly stderr?: string }
    return { holds: false, text: stdout + stderr }
  }
}

/** Undefined where it was caught, by what it says. */
const plant = async (folder: string, mutation: Mutation): Promise<string | undefined> => {
  const { file, find, model, name, replace, says, why } = mutation
  const target = path.join(folder, file)
  const text = await fs.readFile(target, "utf8")
  if (text.split(find).length !== 2) return `${file} has not got what it replaces, or more than once`
  await fs.writeFile(target, text.replace(find, () => replace))
  const { holds, text: told } = await runModel(folder, model)
  await fs.writeFile(target, text)
  const runs = /: (\d+) seeds, 1 failures/u.exec(told)?.[1]
  if (holds) return `${model} held from ${seeds} seeds`
  if (runs === undefined) return `${model} did not run: ${told.slice(0, 2000)}`
  const token = /Again: token (.*)$/mu.exec(told)?.[1]
  const story = told.slice(told.indexOf("Seed "))
  console.log(`CAUGHT  ${name}\n  ${why}\n  by ${model}, in ${runs} seeds, token ${token}`)
  for (const line of story.split("\n").slice(0, 16)) console.log(`  | ${line.slice(0, 150)}`)
  return story.includes(says) ? undefined : `its story does not say: ${says}`
}

const wanted = process.argv.slice(2)
const chosen = mutations.filter(({ model, name }) =>
  wanted.length === 0 || wanted.some((text) => name.includes(text) || model === text)
)
const folder = await copy()
let failed = 0
try {
  for (const mutation of chosen) {
    const failure = await plant(folder, mutation)
    if (failure === undefined) continue
    failed++
    console.log(`MISSED  ${mutation.name}: ${failure}`)
  }
} finally {
  await fs.rm(folder, { recursive: true, force: true })
}
console.log(`${chosen.length - failed} of ${chosen.length} caught.`)
process.exit(failed === 0 ? 0 : 1)
