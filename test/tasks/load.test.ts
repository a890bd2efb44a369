/** Many tasks at once; `npm run proof:tasks` has ten thousand on each engine. */
import { assert, describe, it } from "vitest"
import * as places from "../docket/kill/places.ts"
import { needing } from "../support/services.ts"
import * as load from "./load.ts"

const suite = (place: places.Kept) =>
  describe(`20 clients with 15 tasks each on ${place.kind}`, () => {
    it("get what each of them should come to, and nothing of another", async () => {
      const figures = await load.run(place, {
        clients: 20,
        tasks: 15,
        ttlMillis: 600_000,
        concurrency: 100,
        rests: false
      })
      assert.deepStrictEqual(figures.wrong, [])
      assert.strictEqual(figures.rows, 300)
    }, 120_000)
  })

for (const place of [places.memory, ...places.shared]) {
  if (place.needs === undefined) suite(place)
  else needing(place.needs, () => suite(place))
}
