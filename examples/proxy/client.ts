/** Uses what is behind the gateway, in both eras, and exits with 1 if anything is not as expected. */
import * as Effect from "effect/Effect"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import assert from "node:assert/strict"

const Gateway = NodeStdioClient.layer({
  command: process.execPath,
  args: ["--conditions=fastmcp-effect/source", "examples/proxy/server.ts"]
})

const User = ClientHandlers.elicitation({
  form: () => Effect.succeed(ClientHandlers.accept({ place: "Oslo" }))
})

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const forecast = await Effect.gen(function*() {
    const client = yield* McpClient.make({ revision })
    assert.deepEqual((yield* client.listTools()).map(({ name }) => name), ["weather_forecast"])
    const { contents: [places] } = yield* client.readResource("weather:///weather/places")
    assert.equal(places !== undefined && "text" in places && places.text, "Oslo, Lisbon")
    const heard: Array<string | undefined> = []
    const { structuredContent } = yield* client.callTool("weather_forecast", {}, {
      onProgress: ({ message }) => heard.push(message)
    })
    assert.deepEqual(heard, ["Asking", "Looking"])
    return structuredContent
  }).pipe(Effect.provide([Gateway, User]), Effect.scoped, Effect.runPromise)
  assert.deepEqual(forecast, { place: "Oslo", celsius: 4 })
  console.log(`${revision}: ${JSON.stringify(forecast)}`)
}
