/** What each cause comes to, on each transport and in each era: as `row.ts` has it, and as the page shows it. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Budget from "fastmcp-effect/core/Budget"
import * as wires from "../wires.ts"
import * as page from "./page.ts"
import { type Observation, prove } from "./prove.ts"
import { names } from "./row.ts"
import { rows } from "./rows.ts"

const seen = new Map<string, Observation>()

for (const row of rows) {
  for (const era of wires.eras) {
    describe(`over ${row.title}, ${era.toLowerCase()} era`, () => {
      for (const cause of names) {
        const expected = row.cells[era][cause]
        if (typeof expected === "string") continue
        const { outcome, reply } = expected
        const key = [row.title, era, cause].join()

        it.effect(`${cause}: the handler ends with ${outcome}, and the reply is ${reply}`, () =>
          Effect.gen(function*() {
            const observation = yield* prove({ row, era, cause, hangs: false })
            seen.set(key, observation)
            assert.deepStrictEqual(observation, { ...expected, finalizers: ["inner", "outer"], cut: undefined })
          }))

        if (outcome === "Ok") continue
        it.effect(`${cause}, with a finalizer that hangs: it is cut, and all the rest is the same`, () =>
          Effect.gen(function*() {
            const observation = yield* prove({ row, era, cause, hangs: true })
            const cut = Duration.toMillis(Budget.finalizerTime(outcome))
            assert.deepStrictEqual(observation, { ...expected, finalizers: ["inner", "outer"], cut })
            seen.set(key, { ...observation, ...seen.get(key), cut: observation.cut })
          }))
      }
    })
  }
}

it("docs/explain/cancellation.md shows what was seen here", () => {
  const part = page.render((title, era, cause) => {
    const observation = seen.get([title, era, cause].join())
    assert.isDefined(observation, `${title}, ${era}, ${cause} has not been seen`)
    return observation!
  })
  if (process.env["WRITE_PAGES"] === "true") page.write(part)
  assert.strictEqual(page.read(), part)
})
