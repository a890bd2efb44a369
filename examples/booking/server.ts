/** A booking that asks its user twice on the way, and holds and charges once, however often it is sent. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import { Ask, Elicitation, Sampling } from "fastmcp-effect/context"
import * as RequestState from "fastmcp-effect/server/RequestState"

export class Airline extends Context.Service<Airline, {
  readonly hold: (flight: string) => Effect.Effect<{ readonly id: string; readonly price: number }>
  readonly book: (hold: string, row: number) => Effect.Effect<Date>
  readonly release: (hold: string) => Effect.Effect<void>
}>()("examples/booking/Airline") {}

export const bookFlight = Tool.make("book_flight", {
  description: "Books a flight",
  parameters: { flight: Schema.String },
  success: Schema.String
})

const BookFlight = Tool.handle(bookFlight, ({ flight }) =>
  Effect.gen(function*() {
    const airline = yield* Airline
    // Without `once` each round would hold another seat: from 2026-07-28 all this runs again with the answers.
    const held = yield* Ask.once("hold", airline.hold(flight))

    // One round, two questions.
    const { seat, tip } = yield* Ask.all({
      seat: Elicitation.form(
        { row: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })) },
        { message: `${flight} is ${held.price}. Which row?` }
      ),
      tip: Sampling.text(`One tip for a passenger of ${flight}, please.`, { maxTokens: 100 })
    })

    // Another round, for what depends on the first. A no is an answer here.
    const paid = yield* Ask.one(
      "pay",
      Ask.option(Elicitation.url(`https://pay.example/${held.id}`, { message: `Pay for row ${seat.row}` }))
    )
    if (paid._tag === "None") {
      yield* Ask.once("release", airline.release(held.id))
      return "Nothing is booked"
    }
    // What is not JSON is kept by its schema.
    const leaves = yield* Ask.once("book", airline.book(held.id, seat.row), { schema: Schema.DateFromString })
    return `Row ${seat.row}, ${leaves.toISOString().slice(0, 10)}. ${tip}`
  }))

/** The key is the same in all processes of this server, so that each can go on where another has asked. */
export const Bookings = McpServer.layer({ name: "bookings", version: "1.0.0", tools: [BookFlight] }).pipe(
  Layer.provide(RequestState.layerConfig({ key: Config.Redacted("REQUEST_STATE_KEY") }))
)
