/**
 * `npm run proof:lab`: what a lab promises of its size and its sameness.
 *
 * - `load`: 10,000 seconds of 5 servers, 50 clients and a store, with 100,000 requests, within a minute of one processor
 * - `same`: the same seeds write the same journals in other processes, beside others that take the processor, and on
 *   every Node that `PROOF_NODES` names besides this one: paths, with a comma between
 *
 * `npm run proof:lab -- --seeds 10000 [MODEL...]` runs the models of `test/lab` instead, from so many seeds each.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { execFile } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"
import * as models from "../lab/run.ts"
import * as branch from "../testing/lab/branch.ts"
import { main } from "./run.ts"

const load = async (): Promise<ReadonlyArray<string>> => {
  const begun = performance.now()
  const cpu = process.cpuUsage()
  const report = await Effect.runPromise(branch.run({ seed: 1, clients: 50, calls: 2000, pause: 4750 }))
  const seconds = (performance.now() - begun) / 1000
  const { system, user } = process.cpuUsage(cpu)
  const used = (user + system) / 1e6
  console.log(
    `${Exit.isSuccess(report.exit) ? report.exit.value : 0} requests in ${
      (report.time / 1000).toFixed(0)
    } s of the lab's; `
      + `${seconds.toFixed(1)} s, of the processor ${used.toFixed(1)} s; `
      + `${report.steps} steps, ${report.journal.count} entries, digest ${report.journal.digest}`
  )
  return [
    ...(Exit.isSuccess(report.exit) && report.exit.value >= 100_000 ? [] : [`it ended with ${String(report.exit)}`]),
    ...(report.time >= 10_000_000 ? [] : [`${report.time} ms are no 10,000 s`]),
    ...(used <= 60 ? [] : [`it took ${used.toFixed(1)} s of the processor`])
  ]
}

const elsewhere = async (node: string): Promise<string> => {
  const file = path.join(import.meta.dirname, "lab.ts")
  const { stdout } = await promisify(execFile)(node, ["--conditions=fastmcp-effect/source", file, "digests"])
  return stdout.trim()
}

const same = async (): Promise<ReadonlyArray<string>> => {
  const expected = (await Effect.runPromise(branch.digests)).join("\n")
  console.log(expected)
  const nodes = [process.execPath, ...process.env["PROOF_NODES"]?.split(",") ?? []]
  // Two at a time each, so that none has the processor for itself.
  const written = await Promise.all([...nodes, ...nodes].map(async (node) => ({ node, text: await elsewhere(node) })))
  return written.flatMap(({ node, text }) => text === expected ? [] : [`${node} wrote\n${text}`])
}

if (process.argv[2] === "digests") console.log((await Effect.runPromise(branch.digests)).join("\n"))
else if (process.argv[2] === "--seeds") await models.run(process.argv.slice(3))
else await main({ load, same })
