/**
 * `npm run proof:tenants`: `isolation`, 1,000,000 random calls of 100 tenants whose servers come and go, none of which
 * meets what is another's; and `neighbours`, what the others notice of a tenant that fails to build, and of one that
 * floods: their 99th percentile beside that of calm times, all in one run and by turns. `PROOF_CALLS` says how many calls
 * for each tenant, and `PROOF_ROUNDS` how many turns.
 */
import * as Effect from "effect/Effect"
import * as random from "../server/random.ts"
import * as load from "../tenants/load.ts"
import * as neighbours from "../tenants/neighbours.ts"
import { main } from "./run.ts"

const tenants = 100
const calls = Number(process.env["PROOF_CALLS"] ?? 10_000) * tenants
const rounds = Number(process.env["PROOF_ROUNDS"] ?? 60)

/** What of the others' 99th percentile is a tenant's own business. */
const mostRatio = 1.2

const isolation = async (): Promise<ReadonlyArray<string>> => {
  const start = performance.now()
  const { answered, built, most, tenants: met, wrong } = await Effect.runPromise(Effect.scoped(
    load.run({ tenants, calls, maximum: 70, workers: 60, random: random.make(1) })
  ))
  console.log(
    `${answered} of ${calls} calls of ${met.size} tenants answered as they should be in `
      + `${((performance.now() - start) / 1000).toFixed(0)} s; ${built} servers built, ${most} at one time`
  )
  return [
    ...wrong.slice(0, 10),
    ...answered === calls ? [] : [`${calls - answered} calls were not answered as they should be`],
    ...met.size === tenants ? [] : [`${tenants - met.size} tenants were not called`],
    ...most <= 70 ? [] : [`there were ${most} servers at one time, and 70 are the maximum`],
    ...built > tenants ? [] : ["no server was released and built again"]
  ]
}

const beside = async (): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  const measured = await Effect.runPromise(Effect.scoped(neighbours.run({ tenants, rounds })))
  for (const [kind, { busy, count, disturbed, p50, p99, ratio }] of Object.entries(measured)) {
    const isCalm = kind === "calm"
    console.log(
      `${kind}: of ${count} calls half took ${p50.toFixed(1)} ms and 99 of 100 at most ${p99.toFixed(1)} ms, with `
        + `${(100 * busy).toFixed(0)} % of a processor`
        + (isCalm ? "" : `; turn by turn the latter is ${ratio.toFixed(2)} of calm; ${disturbed}`)
    )
    if (!isCalm && kind !== "one server for all" && ratio > mostRatio) {
      failures.push(`${kind}: the others' 99th percentile is ${ratio.toFixed(2)} of what it is in calm times`)
    }
  }
  return failures
}

await main({ isolation, neighbours: beside })
