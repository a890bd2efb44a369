/** 10,000 pieces of work on each engine, under blows. */
import * as fleet from "../../docket/kill/fleet.ts"
import * as places from "../../docket/kill/places.ts"
import * as scenarios from "../../docket/kill/scenarios.ts"
import type { Need } from "../../support/services.ts"

const size: scenarios.Size = {
  tasks: Number(process.env["PROOF_TASKS"] ?? 10_000),
  seed: Number(process.env["PROOF_SEED"] ?? 1),
  leaseMillis: 5000
}

interface Place {
  readonly kind: string
  readonly needs?: Need
}

const onEach = async <P extends Place>(
  all: ReadonlyArray<P>,
  what: string,
  scenario: (place: P) => Promise<fleet.Outcome>
): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  for (const place of all) {
    const name = `${place.kind}, ${what}`
    if (place.needs?.answers === false) {
      failures.push(`${name}: ${place.needs.otherwise}`)
      continue
    }
    try {
      const outcome = await scenario(place)
      console.log(fleet.words(name, outcome))
      failures.push(...outcome.failures.slice(0, 20).map((failure) => `${name}: ${failure}`))
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return failures
}

export const kill = () => onEach(places.shared, "workers killed", (place) => scenarios.killed(place, size, 20))

export const servers = async () => [
  ...await onEach(
    [places.ownPostgres, places.ownRedis],
    "server and workers killed",
    (place) => scenarios.serverKilled(place, size, 4)
  ),
  ...await onEach(places.shared, "workers frozen", (place) => scenarios.frozen(place, size, 4))
]

export const mixed = async () => [
  ...await onEach(places.shared, "workers stopped", (place) => scenarios.stopped(place, size, 8)),
  ...await onEach([places.redis], "rings deleted", (place) => scenarios.ringsLost(place, size, 2)),
  ...await onEach([places.sqlite], "file locked for 3 s", (place) => scenarios.fileLocked(place, size, 3000)),
  ...await onEach(places.shared, "a clock a minute ahead", (place) => scenarios.clockAhead(place, size))
]
