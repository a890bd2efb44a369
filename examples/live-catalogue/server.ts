/** A restaurant whose tools follow its menu while it is open, and which tells its clients. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { McpServer, Tool } from "fastmcp-effect"
import * as Resource from "fastmcp-effect/definition/Resource"

/** The dishes of the moment; a file or a table that is watched, say. */
export class Menu extends Context.Service<Menu, SubscriptionRef.SubscriptionRef<ReadonlyArray<string>>>()(
  "examples/live-catalogue/Menu"
) {}

const card = Resource.make("menu://card", {
  description: "What there is today",
  success: Schema.Array(Schema.String),
  handler: Menu.use(SubscriptionRef.get)
})

const order = (dish: string) =>
  Tool.make(`order_${dish}`, {
    description: `Orders ${dish}`,
    success: Schema.String,
    handler: () => Effect.succeed(`One ${dish}`)
  })

/** One tool for each dish. What stays on the menu is never gone, not for a moment. */
const Kitchen = Layer.effectDiscard(Effect.gen(function*() {
  const server = yield* McpServer.McpServer
  const catalogue = yield* server.catalogue
  yield* (yield* Menu).pipe(
    SubscriptionRef.changes,
    Stream.runForEach((dishes) =>
      Effect.andThen(catalogue.set(...dishes.map(order)), server.resourceUpdated(card.uri))
    ),
    Effect.forkScoped
  )
}))

export const Restaurant = Kitchen.pipe(
  Layer.provideMerge(McpServer.layer({ name: "restaurant", version: "1.0.0", resources: [card] }))
)
