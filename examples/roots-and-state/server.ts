/** What belongs to a client: the folders it works in, and values kept for it from one request to the next. */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import { Roots, SessionState } from "fastmcp-effect/context"

export const whereabouts = Tool.make("whereabouts", {
  description: "Says which folders the client has open",
  success: Schema.Array(Schema.String),
  handler: () => Effect.map(Roots.ask("roots"), (roots) => roots.map(({ name, uri }) => name ?? uri))
})

// Where there are sessions, a value can be the session's.

const Notes = SessionState.make("notes", Schema.Array(Schema.String), { default: [] })

export const note = Tool.make("note", {
  description: "Keeps a note for this session",
  parameters: { text: Schema.String },
  success: Schema.Array(Schema.String),
  failure: SessionState.SessionStateError,
  handler: ({ text }) => Notes.update((notes) => [...notes, text])
})

// From 2026-07-28 there are none: hand out an id, take it back as an argument, and keep the value yourself.

class NoSuchBasket extends Schema.TaggedError<NoSuchBasket>()("NoSuchBasket", { id: Schema.String }) {}

class Baskets extends Context.Service<Baskets, {
  readonly open: Effect.Effect<string>
  readonly put: (id: string, item: string) => Effect.Effect<ReadonlyArray<string>, NoSuchBasket>
}>()("examples/roots-and-state/Baskets") {
  static readonly layerMemory = Layer.effect(
    Baskets,
    Effect.gen(function*() {
      const random = yield* SecureRandom.SecureRandom
      const baskets = new Map<string, ReadonlyArray<string>>()
      return Baskets.of({
        open: Effect.tap(random.uuidV4(), (id) => Effect.sync(() => baskets.set(id, []))),
        put: (id, item) =>
          Effect.suspend(() => {
            const items = baskets.get(id)
            if (items === undefined) return new NoSuchBasket({ id })
            baskets.set(id, [...items, item])
            return Effect.succeed([...items, item])
          })
      })
    })
  ).pipe(Layer.provide(SecureRandom.layerWebCrypto))
}

export const openBasket = Tool.make("open_basket", {
  description: "Opens a basket; its id is for put_in_basket",
  success: Schema.String,
  handler: () => Baskets.use(({ open }) => open)
})

export const putInBasket = Tool.make("put_in_basket", {
  description: "Puts an item into a basket",
  parameters: { basket: Schema.String.annotate({ description: "As open_basket gave it" }), item: Schema.String },
  success: Schema.Array(Schema.String),
  failure: NoSuchBasket,
  handler: ({ basket, item }) => Baskets.use(({ put }) => put(basket, item))
})

export const Market = McpServer.layer({
  name: "market",
  version: "1.0.0",
  tools: [whereabouts, note, openBasket, putInBasket]
}).pipe(Layer.provide(Baskets.layerMemory))
