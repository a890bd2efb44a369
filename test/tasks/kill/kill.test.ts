/** A task with two questions survives `kill -9` of its server at each of its steps, and each of its writes happens once. */
import { afterAll, assert, describe, it } from "vitest"
import * as places from "../../docket/kill/places.ts"
import { needing } from "../../support/services.ts"
import * as restarts from "./restarts.ts"

const whole = { status: "completed", text: "hold 12A pay none book", writes: ["hold", "pay", "book"], hasDied: true }

const suite = (place: places.Kept) =>
  describe.concurrent(`a server on ${place.kind} that is killed`, { timeout: 90_000 }, () => {
    for (const where of restarts.everywhere) {
      const isInStep = where.startsWith("in ")
      // What it repeats it writes under a key; the other has its writes in steps, and repeats none.
      it(`${where}, with writes that may be repeated`, async () => {
        assert.deepStrictEqual(await restarts.run(place, where, "repeat"), whole)
      })
      if (place.kind === "Postgres" && where !== "completed") {
        it(`${where}, with a worker of its own that is killed instead`, async () => {
          assert.deepStrictEqual(await restarts.run(place, where, "repeat", true), whole)
        })
      }
      if (place.kind !== "SQLite") continue
      it(`${where}, with writes that may not`, async () => {
        const ended = await restarts.run(place, where, "resume")
        if (!isInStep) return assert.deepStrictEqual(ended, whole)
        assert.deepStrictEqual([ended.status, ended.hasDied], ["failed", true])
        assert.include(ended.text, "It is not run again, for that might do it twice.")
        assert.deepStrictEqual([...new Set(ended.writes)], ended.writes)
      })
    }
  })

for (const place of places.shared) {
  if (place.needs === undefined) suite(place)
  else needing(place.needs, () => suite(place))
}

afterAll(restarts.clean)
