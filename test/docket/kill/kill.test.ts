/** Work is neither lost, nor done again before its time, whoever is killed in the middle of it. `npm run proof:docket` has more. */
import { assert, describe, it } from "@effect/vitest"
import { needing } from "../../support/services.ts"
import type * as fleet from "./fleet.ts"
import * as places from "./places.ts"
import * as scenarios from "./scenarios.ts"

const size: scenarios.Size = { tasks: 2000, seed: 1, leaseMillis: 4000 }

const check = (name: string, scenario: () => Promise<fleet.Outcome>) =>
  it(name, async () => {
    const { failures } = await scenario()
    assert.deepStrictEqual(failures.slice(0, 10), [])
  }, 180_000)

for (const place of places.shared) {
  needing(place.needs, () =>
    describe(`workers on ${place.kind} that are killed`, () => {
      check(
        "all of 2,000 are done, by 4 of them, 10 times one of them killed",
        () => scenarios.killed(place, size, 10)
      )
    }))
}

describe("workers that are frozen for longer than their leases", () => {
  check(
    "what they then say of their work is not taken",
    () => scenarios.frozen(places.sqlite, { ...size, tasks: 300, leaseMillis: 2000 }, 1)
  )
})

describe("a server that is killed", () => {
  needing(
    places.ownRedis.needs,
    () =>
      check(
        "all is done when it is back, also by who came while it was down",
        () => scenarios.serverKilled(places.ownRedis, { ...size, tasks: 300, leaseMillis: 2000 }, 1)
      )
  )
})

describe("workers that are stopped", () => {
  check(
    "do nothing twice, and give back attempts",
    () => scenarios.stopped(places.sqlite, { ...size, tasks: 150 }, 3)
  )
})
