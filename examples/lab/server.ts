/** A bank on two nodes with one store, that counts every deposit; or not, where it reads first and then writes. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"

export class Balance extends Context.Service<Balance, {
  readonly get: Effect.Effect<number>
  readonly set: (value: number) => Effect.Effect<void>
  readonly add: (amount: number) => Effect.Effect<void>
}>()("examples/lab/Balance") {
  static readonly layerMemory = Layer.sync(Balance, () => {
    let value = 0
    return {
      get: Effect.sync(() => value),
      set: (next) => Effect.sync(() => void (value = next)),
      add: (amount) => Effect.sync(() => void (value += amount))
    }
  })
}

export const deposit = Tool.make("deposit", { parameters: { amount: Schema.Int } })

const info = { name: "bank", version: "1.0.0" }

/** Of two deposits at a time, one may be lost. */
export const Careless = McpServer.layer({
  ...info,
  tools: [
    Tool.handle(deposit, ({ amount }) =>
      Effect.gen(function*() {
        const balance = yield* Balance
        yield* balance.set((yield* balance.get) + amount)
      }))
  ]
})

/** The store does it in one step. */
export const Careful = McpServer.layer({
  ...info,
  tools: [Tool.handle(deposit, ({ amount }) => Effect.flatMap(Balance, (balance) => balance.add(amount)))]
})
