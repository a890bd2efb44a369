/**
 * Books in both eras, and once with each round at another process of the server; exits with 1 if a seat is held or
 * booked twice.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Airline, bookFlight, Bookings } from "./server.ts"

/** The airline is a system of its own: one, whichever process of the server calls it. */
const makeAirline = () => {
  const calls: Array<string> = []
  const called = <A>(call: string, value: A) => Effect.sync(() => (calls.push(call), value))
  const layer = Layer.succeed(Airline, {
    hold: (flight) => called(`hold ${flight}`, { id: "h1", price: 120 }),
    book: (hold, row) => called(`book ${hold} ${row}`, new Date("2026-12-24")),
    release: (hold) => called(`release ${hold}`, undefined)
  })
  return { calls, layer }
}

/** One process of the server. */
const server = (airline: Layer.Layer<Airline>, key: string) =>
  Bookings.pipe(
    Layer.provide(airline),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ REQUEST_STATE_KEY: key })))
  )

const key = "a secret of at least thirty-two bytes"
const tip = { role: "assistant", content: { type: "text", text: "Bring a book." }, model: "parrot-1" } as const
const row = { action: "accept", content: { row: 12 } } as const

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const airline = makeAirline()
  let pays = true
  const answers: McpTest.Answers = {
    elicit: ({ mode }) => Effect.succeed(mode !== "url" ? row : { action: pays ? "accept" : "decline" }),
    sample: () => Effect.succeed(tip)
  }
  const [booked, declined] = await Effect.gen(function*() {
    const client = yield* McpTest.client(server(airline.layer, key), { revision, answers })
    const booked = yield* client.call(bookFlight, { flight: "LH 1" })
    pays = false
    return [booked, yield* client.call(bookFlight, { flight: "LH 2" })]
  }).pipe(Effect.scoped, Effect.runPromise)
  assert.equal(booked, "Row 12, 2026-12-24. Bring a book.")
  assert.equal(declined, "Nothing is booked")
  assert.deepEqual(airline.calls, ["hold LH 1", "book h1 12", "hold LH 2", "release h1"])
  console.log(`${revision}: ${booked}`)
}

// The rounds one by one, each at another process.
await Effect.gen(function*() {
  const airline = makeAirline()
  const capabilities = { elicitation: { form: {}, url: {} }, sampling: {} }
  const call = { name: "book_flight", arguments: { flight: "LH 3" } }
  const send = (key: string, round: object = {}) =>
    Effect.flatMap(
      McpTest.client(server(airline.layer, key), { capabilities }),
      (client) => client.request("tools/call", { ...call, ...round })
    )

  const first = yield* send(key)
  assert.equal(first.resultType, "input_required")
  assert.deepEqual(Object.keys(first.inputRequests!), ["seat", "tip"])
  const second = yield* send(key, { requestState: first.requestState, inputResponses: { seat: row, tip } })
  assert.deepEqual(Object.keys(second.inputRequests!), ["pay"])
  const paid = { requestState: second.requestState, inputResponses: { pay: { action: "accept" } } }
  const third = yield* send(key, paid)
  assert.deepEqual(third.content, [{ type: "text", text: "Row 12, 2026-12-24. Bring a book." }])
  assert.deepEqual(airline.calls, ["hold LH 3", "book h1 12"])

  // Another key opens nothing, and neither does another request.
  const unknown = yield* Effect.flip(send("another secret of thirty-two bytes", paid))
  const swapped = yield* Effect.flip(send(key, { ...paid, arguments: { flight: "LH 4" } }))
  for (const error of [unknown, swapped]) assert.ok(error._tag === "McpError" && error.reason._tag === "InvalidParams")
  assert.equal(airline.calls.length, 2)
}).pipe(Effect.scoped, Effect.runPromise)
console.log("2026-07-28: three rounds, three processes, one booking")
