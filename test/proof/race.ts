/** 100 times 50 that come at the same moment with one code, one refresh token and one code of a device, on each store. */
import * as Effect from "effect/Effect"
import * as race from "../oauth/server/race.ts"
import { dropTables } from "../session/places.ts"
import { postgres } from "../support/services.ts"

/** Fewer for a quick look. */
const rounds = Number(process.env["PROOF_ROUNDS"] ?? 100)
const crowd = 50

export const run = async (): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  for (const [name, { needs, store }] of Object.entries(race.stores)) {
    if (needs?.answers === false) {
      failures.push(needs.otherwise)
      continue
    }
    const start = performance.now()
    failures.push(...await Effect.runPromise(race.run(name, store, { rounds, crowd })))
    const seconds = (performance.now() - start) / 1000
    console.log(`${name}: ${rounds} rounds of ${crowd} for each of three in ${seconds.toFixed(1)} s`)
  }
  if (postgres.answers) await Effect.runPromise(dropTables)
  return failures
}
