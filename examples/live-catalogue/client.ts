/** Listens while the menu changes, in both eras; exits with 1 if it hears too little, too much, or the wrong thing. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Menu, Restaurant } from "./server.ts"

const uri = "menu://card"

/** In 2025 a session hears of lists unasked and of the resources it subscribes to; then a request carries all of it. */
const listen = (client: McpTest.Client) =>
  client.revision === "2025-11-25"
    ? Effect.asVoid(client.request("resources/subscribe", { uri }))
    : Effect.asVoid(Effect.forkScoped(
      client.request("subscriptions/listen", {
        notifications: { toolsListChanged: true, resourceSubscriptions: [uri] }
      })
    ))

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const menu = yield* SubscriptionRef.make<ReadonlyArray<string>>(["soup", "stew"])
    const client = yield* McpTest.client(Restaurant.pipe(Layer.provide(Layer.succeed(Menu, menu))), { revision })
    yield* McpTest.settle
    const names = Effect.map(client.listTools, (tools) => tools.map(({ name }) => name))
    assert.deepEqual(yield* names, ["order_soup", "order_stew"])

    yield* listen(client)
    yield* McpTest.settle
    const before = (yield* client.notifications).length
    yield* SubscriptionRef.set(menu, ["stew", "pie"])
    yield* McpTest.settle

    const heard = (yield* client.notifications).slice(before).map(({ method }) => method)
    assert.deepEqual(heard, ["notifications/tools/list_changed", "notifications/resources/updated"])
    assert.deepEqual(yield* names, ["order_stew", "order_pie"])
    const [card] = (yield* client.readResource(uri)).contents
    assert.ok(card !== undefined && "text" in card)
    assert.deepEqual(JSON.parse(card.text), ["stew", "pie"])

    const pie = yield* client.callTool("order_pie")
    assert.deepEqual(pie.content, [{ type: "text", text: "One pie" }])
    yield* Effect.flip(client.callTool("order_soup"))
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: no soup, but pie`)
}
