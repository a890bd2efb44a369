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

const onEach = (test: (place: places.Kept) => void) => {
  for (const place of places.shared) {
    if (place.needs === undefined) test(place)
    else needing(place.needs, () => test(place))
  }
}

describe("workers that are killed", () => {
  onEach((place) =>
    check(
      `${place.kind}: of 2,000 all are done, by 4 workers that are killed 10 times`,
      () => scenarios.killed(place, size, 10)
    )
  )
})

describe("workers that are frozen for longer than their leases", () => {
  check(
    "SQLite: what they then say of their work is not taken",
    () => scenarios.frozen(places.sqlite, { ...size, tasks: 300, leaseMillis: 2000 }, 1)
  )
})

describe("a server that is killed", () => {
  needing(
    places.ownRedis.needs,
    () =>
      check(
        "Redis: all is done when it is back",
        () => scenarios.serverKilled(places.ownRedis, { ...size, tasks: 300, leaseMillis: 2000 }, 1)
      )
  )
})

describe("workers that are stopped", () => {
  check(
    "SQLite: nothing is done twice, and attempts are given back",
    () => scenarios.stopped(places.sqlite, { ...size, tasks: 150 }, 3)
  )
})
