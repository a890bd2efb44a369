/** Looks at the catalogue as everybody and as staff, in both eras, and exits with 1 if it is not as it should be. */
import * as Effect from "effect/Effect"
import { Identity } from "fastmcp-effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Weather } from "./server.ts"

const publicTools = ["weather_forecast", "weather_bulletin", "weather_list_resources", "weather_read_resource"]

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const visitor = Identity.make({ subject: "ann", claims: { locale: "en-US" } })
    const client = yield* McpTest.client(Weather, { revision, identity: visitor })

    const tools = yield* client.listTools
    assert.deepEqual(tools.map(({ name }) => name), publicTools)
    assert.deepEqual(Object.keys(tools[0]!.inputSchema.properties as object), ["place", "days"])
    assert.deepEqual(tools[0]!.inputSchema.required, ["place"])

    // The hidden argument is the server's, whatever a caller says.
    const forecast = yield* client.callTool("weather_forecast", { place: "0371", units: "metric" })
    assert.deepEqual(forecast.structuredContent, { summary: "clouds for 3 days, imperial" })
    const wrong = yield* client.callTool("weather_forecast", { place: 371 })
    assert.match(wrong.content[0]?.type === "text" ? wrong.content[0].text : "", /place: /u)
    // The other version, for who asks for it.
    const next = yield* client.callTool("weather_forecast_v2.0.0-rc.1", { station: "0371", units: "metric" })
    assert.deepEqual((next.structuredContent as { sky: string }).sky, "sun")

    // URIs in results are those that can be read.
    const { content } = yield* client.callTool("weather_bulletin")
    assert.deepEqual(content[0], { type: "text", text: "Station 0371" })
    const uri = content[1]?.type === "resource_link" ? content[1].uri : ""
    assert.equal(uri, "weather://weather/stations/0371")
    assert.deepEqual((yield* client.readResource(uri)).contents, [{ uri, text: "Station 0371" }])
    const manual = yield* client.callTool("weather_read_resource", { uri: "weather://manual" })
    assert.deepEqual(manual.content, [{ type: "text", text: "Look up." }])
    assert.equal((yield* client.listPrompts)[0]?.name, "weather_ask_weather")

    const refused = yield* Effect.flip(client.callTool("staff_recalibrate"))
    assert.match(refused.message, /staff_recalibrate/u)

    const colleague = Identity.make({ subject: "bo", scopes: ["staff"] })
    const inside = yield* McpTest.client(Weather, { revision, identity: colleague })
    assert.deepEqual((yield* inside.listTools).map(({ name }) => name), [
      ...publicTools,
      "staff_forecast",
      "staff_bulletin",
      "staff_recalibrate"
    ])
    const done = yield* inside.callTool("staff_recalibrate")
    assert.deepEqual(done.content, [{ type: "text", text: "Done." }])
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: one catalogue, seen by two`)
}
