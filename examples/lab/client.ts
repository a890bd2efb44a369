/**
 * Runs the bank in a lab: finds what the careless one loses, makes it as small as it goes, runs exactly that again, and
 * shows that the careful one loses nothing. Exits with 1 if that is not how it went.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import assert from "node:assert/strict"
import { Balance, Careful, Careless, deposit } from "./server.ts"

const amounts = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })))

/** Two servers behind one address, two clients, twelve deposits; at the end the sum must be right. */
const bank = (Bank: typeof Careless) =>
  Effect.gen(function*() {
    const { layer, node } = yield* Lab.store(Balance.layerMemory, { name: "db", service: Balance })
    const servers = yield* Effect.forEach(["s1", "s2"], (name) => Lab.node(name, Layer.provide(Bank, layer)))
    const clients = yield* Effect.forEach(["ada", "bob"], (name) => Lab.client(name, servers))
    const deposits = yield* Lab.steps("deposit", amounts, 12)
    yield* Effect.forEach(deposits, (amount, index) =>
      Effect.andThen(Effect.sleep(index * 3), clients[index % 2]!.call(deposit, { amount })), {
      concurrency: "unbounded"
    })
    const balance = yield* node.run(Effect.flatMap(Balance, ({ get }) =>
      get))
    assert.equal(
      balance,
      deposits.reduce((sum, amount) =>
        sum + amount, 0),
      "every deposit counts"
    )
  })

const faults = [Faults.delay({ chance: 0.1, max: "2 seconds" })]

const program = Effect.gen(function*() {
  const careless = yield* Lab.explore(bank(Careless), { seeds: 100, faults })
  assert(careless.failure !== undefined, "the careless bank loses nothing")
  console.log(Lab.toError(careless.failure).message)

  const { report } = careless.failure
  assert.equal(report.taken.filter((key) => key.startsWith("deposit.")).length, 2)
  const again = yield* Lab.replay(report.token, bank(Careless), { faults })
  assert.equal(again.journal.digest, report.journal.digest)

  const careful = yield* Lab.explore(bank(Careful), { seeds: 100, faults })
  assert.equal(careful.failure, undefined)
  console.log(`\nThe careful bank loses nothing in ${careful.runs} runs.`)
})

await Effect.runPromise(program)
