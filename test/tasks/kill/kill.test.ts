/** A task with two questions survives `kill -9` of its server at each of its steps, and each of its writes happens once. */
import { afterAll, assert, describe, it } from "vitest"
import * as places from "../../docket/kill/places.ts"
import { needing } from "../../support/services.ts"
import * as restarts from "./restarts.ts"

const whole: restarts.Ended = {
  status: "completed",
  text: "hold 12A pay none book",
  writes: ["hold", "pay", "book"],
  hasDied: true
}

/** Four at a time, for most of it is waiting; what came of each. */
const everywhere = async (
  where: ReadonlyArray<restarts.Place>,
  run: (place: restarts.Place) => Promise<restarts.Ended>
): Promise<ReadonlyArray<readonly [restarts.Place, restarts.Ended]>> => {
  const ended: Array<readonly [restarts.Place, restarts.Ended]> = []
  const left = [...where]
  await Promise.all(Array.from({ length: 4 }, async () => {
    for (let place = left.shift(); place !== undefined; place = left.shift()) ended.push([place, await run(place)])
  }))
  return where.map((place) => ended.find(([other]) => other === place)!)
}

const all = (where: ReadonlyArray<restarts.Place>) => where.map((place) => [place, whole] as const)

const isInStep = (place: restarts.Place) => place.startsWith("in ")

const limit = 280_000

const suite = (kept: places.Kept) =>
  describe(`a server on ${kept.kind} that is killed at any step of a task`, () => {
    it("goes on with it when it is started again, and writes what it may repeat once, under a key", async () => {
      const ended = await everywhere(restarts.everywhere, (place) => restarts.run(kept, place, "repeat"))
      assert.deepStrictEqual(ended, all(restarts.everywhere))
    }, limit)

    if (kept.kind === "SQLite") {
      it("repeats no write that it must not, and says where that has failed a task", async () => {
        const ended = await everywhere(restarts.everywhere, (place) => restarts.run(kept, place, "resume"))
        assert.deepStrictEqual(
          ended.filter(([place]) => !isInStep(place)),
          all(restarts.everywhere.filter((place) => !isInStep(place)))
        )
        for (const [place, { hasDied, status, text, writes }] of ended.filter(([place]) => isInStep(place))) {
          assert.deepStrictEqual([status, hasDied], ["failed", true], place)
          assert.include(text, "It is not run again, for that might do it twice.")
          assert.deepStrictEqual([...new Set(writes)], writes)
        }
      }, limit)
    }

    if (kept.kind === "Postgres") {
      it("need not be, for its worker is another process, which is killed instead", async () => {
        const where = restarts.everywhere.filter((place) => place !== "completed")
        const ended = await everywhere(where, (place) => restarts.run(kept, place, "repeat", true))
        assert.deepStrictEqual(ended, all(where))
      }, limit)
    }
  })

for (const place of places.shared) {
  if (place.needs === undefined) suite(place)
  else needing(place.needs, () => suite(place))
}

afterAll(restarts.clean)
