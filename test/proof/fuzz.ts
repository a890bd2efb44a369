/** 100,000 requests that are right but for a few letters, and a million addresses beside the registered ones. */
import * as Effect from "effect/Effect"
import * as fuzz from "../oauth/server/fuzz.ts"

/** Another each time; one that has found something may be given again. */
const seed = Number(process.env["PROOF_SEED"] ?? Date.now() % 1e9)
const runs = Number(process.env["PROOF_RUNS"] ?? 100_000)

export const run = async (): Promise<ReadonlyArray<string>> => {
  const start = performance.now()
  const { answered, failures } = await Effect.runPromise(fuzz.requests({ seed, runs }))
  const statuses = [...answered].toSorted(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`).join(
    ", "
  )
  console.log(`seed ${seed}, ${runs} requests in ${((performance.now() - start) / 1000).toFixed(1)} s: ${statuses}`)
  const mistaken = fuzz.addresses({ seed, runs: 10 * runs })
  console.log(`${10 * runs} addresses: ${mistaken.length} taken for another`)
  return [...failures, ...mistaken]
}
