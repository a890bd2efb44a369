/** Transforms of what other servers have: mounted ones, and remote ones behind a proxy. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Provider from "fastmcp-effect/definition/Provider"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as Proxy from "fastmcp-effect/provider/Proxy"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as AsTools from "fastmcp-effect/transform/AsTools"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as ReshapeArguments from "fastmcp-effect/transform/ReshapeArguments"
import * as Memory from "fastmcp-effect/transport/Memory"
import { inCode, info, textOf } from "./support.ts"

/** The weather service as a server of its own. */
const Weather = McpServer.register(inCode).pipe(
  Layer.provideMerge(McpServer.layer({ name: "weather", version: "1.0.0" }))
)

const transformed = <E, R>(provider: Provider.Provider<E, R>) =>
  provider.pipe(
    ReshapeArguments.make({ forecast: { city: { name: "place" }, units: { hidden: true, value: "metric" } } }),
    AsTools.make({ only: "resources" }),
    Namespace.make("there")
  )

const servers = [
  ["a mounted server", McpServer.register(transformed(Mount.make(Weather)))],
  [
    "a server behind a proxy",
    McpServer.register(
      transformed(Proxy.make({ name: "weather", transport: Layer.provide(Memory.layer, Weather) }))
    )
  ]
] as const

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  describe.each(servers)(`%s that is transformed, ${revision}`, (_, registered) => {
    it.effect("is listed, called and read under its new names, and knows its own", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(
          registered.pipe(Layer.provideMerge(McpServer.layer(info))) as Layer.Layer<any, never>,
          { revision }
        )
        assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), [
          "there_forecast",
          "there_links",
          "there_report",
          "there_list_resources",
          "there_read_resource"
        ])
        assert.deepStrictEqual(
          (yield* client.callTool("there_forecast", { place: "Oslo", units: "imperial" })).structuredContent,
          { city: "Oslo", days: 1, units: "metric" }
        )
        assert.include(textOf(yield* client.callTool("there_forecast", { place: 1 })), "place: ")
        // What stands beside it there is as it was there.
        const report: ReadonlyArray<string> = JSON.parse(textOf(yield* client.callTool("there_report")))
        assert.deepStrictEqual(report.slice(1), ["12:00", "Oslo", "12:00", "How is it in Oslo?", "true", "false"])
        assert.deepStrictEqual((yield* client.readResource("acme://there/cities/Oslo")).contents, [
          { uri: "acme://there/cities/Oslo", text: "Oslo" },
          { uri: "acme://there/clock", text: "12:00" }
        ])
        const [link] = (yield* client.callTool("there_links")).content
        assert.strictEqual(link?.type === "resource_link" ? link.uri : "", "acme://there/clock")
        assert.deepStrictEqual((yield* client.callTool("there_read_resource", { uri: "acme://clock" })).content, [
          { type: "text", text: "12:00" }
        ])
        const completed = yield* client.complete({
          ref: { type: "ref/prompt", name: "there_ask" },
          argument: { name: "city", value: "o" }
        })
        assert.deepStrictEqual(completed.values, ["Oslo", "Lisbon"])
      }))
  })
}
