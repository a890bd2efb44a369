/** A kitchen timer over WebSocket: it says how far it is, and stops when its client says so or is gone. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Progress, Tool } from "fastmcp-effect"
import * as NodeWebSocket from "fastmcp-effect/node/NodeWebSocket"

/** What is boiling at the moment. */
export const running = new Set<string>()

export const boil = Tool.make("boil", {
  description: "Boils an egg for some ticks of 10 ms, and says when each has passed",
  parameters: { egg: Schema.String, ticks: Schema.Int },
  success: Schema.String,
  handler: ({ egg, ticks }) =>
    Effect.acquireUseRelease(
      Effect.sync(() => running.add(egg)),
      () =>
        Effect.gen(function*() {
          for (let tick = 1; tick <= ticks; tick++) {
            yield* Effect.sleep("10 millis")
            yield* Progress.report(tick, { total: ticks })
          }
          return `${egg} is done`
        }),
      () => Effect.sync(() => running.delete(egg))
    )
})

export const Timer = McpServer.layer({ name: "timer", version: "1.0.0", tools: [boil] })

if (process.argv[2] === "serve") Timer.pipe(NodeWebSocket.serve({ port: Number(process.env.PORT ?? 8000) }))
