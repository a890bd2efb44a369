/** A shop whose requests pass what stands around them, and a middleware of its own that says whose shop it is. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as McpRequest from "fastmcp-effect/context/McpRequest"
import * as ErrorHandling from "fastmcp-effect/middleware/ErrorHandling"
import * as Logging from "fastmcp-effect/middleware/Logging"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as ResponseLimit from "fastmcp-effect/middleware/ResponseLimit"
import * as Timeout from "fastmcp-effect/middleware/Timeout"
import * as Timing from "fastmcp-effect/middleware/Timing"
import * as McpError from "fastmcp-effect/protocol/McpError"

/** A service of the request: without the middleware below the server would not compile. */
class Shop extends McpRequest.Service<Shop, { readonly name: string }>()("examples/middleware/Shop") {}

const shops = new Map([["key-1", { name: "Ada's" }], ["key-2", { name: "Bob's" }]])

/** Who the shop belongs to is in the request's `_meta`; a request without it is refused. */
const knowsItsShop = Middleware.provide(Shop, ({ context }) => {
  const shop = shops.get(String(context.meta["acme/key"]))
  return shop === undefined
    ? Effect.fail(McpError.invalidRequest("This key belongs to no shop."))
    : Effect.succeed(shop)
})

const greet = Tool.make("greet", {
  parameters: { name: Schema.String, pin: Schema.optionalKey(Schema.String) },
  success: Schema.String,
  handler: ({ name }) => Effect.map(Shop, (shop) => `Welcome to ${shop.name}, ${name}!`)
})

const catalogue = Tool.make("catalogue", {
  success: Schema.String,
  handler: () => Effect.succeed("A chair, and another chair. ".repeat(1000))
})

const forever = Tool.make("forever", { handler: () => Effect.never })

const broken = Tool.make("broken", { handler: () => Effect.die(new Error("The drawer is stuck.")) })

/** `reported` gets what a person should look at. */
export const make = (reported: Array<string>) =>
  McpServer.layer({
    name: "shop",
    version: "1.0.0",
    tools: [greet, catalogue, forever, broken],
    // Outermost first: what stands further in is seen by what stands further out.
    middleware: [
      Logging.make({ payloads: true, redact: ["pin"] }),
      Timing.make({ slow: "500 millis" }),
      ErrorHandling.make({
        report: (failure, request) =>
          Effect.sync(() => {
            reported.push(`${request.tool?.name}: ${failure._tag === "Err" ? failure.error.message : failure.defect}`)
          }),
        onDefect: () => McpError.make(new McpError.Overloaded({ message: "Not now; the shop has been told." }))
      }),
      Timeout.make("1 second"),
      ResponseLimit.make({ maxBytes: 10_000 }),
      knowsItsShop
    ]
  })
