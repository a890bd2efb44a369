/** Tools in front of an upstream that is not always well. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Circuits from "effect/persistence/CircuitBreaker"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as Bulkhead from "fastmcp-effect/middleware/Bulkhead"
import * as CircuitBreaker from "fastmcp-effect/middleware/CircuitBreaker"
import * as Retry from "fastmcp-effect/middleware/Retry"
import type * as McpError from "fastmcp-effect/protocol/McpError"

/** What is asked over the network, elsewhere. */
export class Upstream extends Context.Service<Upstream, {
  readonly fetch: (item: string) => Effect.Effect<string, McpError.McpError>
}>()("examples/resilience/Upstream") {}

export const price = Tool.make("price", {
  parameters: { item: Schema.String },
  success: Schema.String,
  // It may be asked twice: otherwise `Retry` would leave it alone.
  annotations: { readOnlyHint: true },
  handler: ({ item }) => Upstream.use((upstream) => upstream.fetch(item))
})

export const Prices = McpServer.layer({
  name: "prices",
  version: "1.0.0",
  tools: [price],
  middleware: [
    // Two at once and one that waits, for all callers together; who comes next is told at once.
    Bulkhead.make({ concurrency: 2, queue: 1, per: "server" }),
    // Around the retries: what failed in spite of them counts once.
    CircuitBreaker.make(),
    Retry.make({ times: 2, pause: "20 millis" })
  ]
}).pipe(
  Layer.provide(Circuits.layer({ tripPolicy: Circuits.consecutive(2), openDuration: "1 second" })),
  Layer.provide(Circuits.layerStoreMemory())
)
