/** Results made into others. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as MapResult from "fastmcp-effect/transform/MapResult"
import { connect, kinds, serve, textOf } from "./support.ts"

const oslo = { city: "Oslo", units: "metric" }

describe.each(kinds)("results of %s", (_, provider) => {
  it.effect("become others, of a tool or of all", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider.pipe(
        MapResult.make({
          links: (result) => Effect.succeed({ ...result, content: result.content.slice(0, 1) })
        }),
        MapResult.make((result, { arguments: args, tool }) =>
          Effect.succeed({ ...result, _meta: { "example/of": [tool.name, args] } })
        )
      )])
      const links = yield* client.callTool("links")
      assert.strictEqual(links.content.length, 1)
      assert.deepStrictEqual(links._meta, { "example/of": ["links", {}] })
      const forecast = yield* client.callTool("forecast", oslo)
      assert.deepStrictEqual(forecast._meta, { "example/of": ["forecast", oslo] })
      assert.deepStrictEqual(forecast.structuredContent, { city: "Oslo", days: 1, units: "metric" })
    }))

  it.effect("get a structure of their own, which is listed and checked", () =>
    Effect.gen(function*() {
      const Warmth = Schema.Struct({ place: Schema.String, since: Schema.Date })
      const client = yield* connect([provider.pipe(MapResult.make({
        forecast: MapResult.structured(Warmth, ({ structuredContent }) =>
          Effect.succeed({
            place: (structuredContent as { readonly city: string }).city,
            since: new Date(0)
          })),
        links: MapResult.structured(Schema.Int, () => Effect.succeed(1.5)),
        report: MapResult.structured(Schema.String, (result) => Effect.succeed(`${textOf(result).length > 0}`))
      }))])
      const tools = yield* client.listTools
      assert.deepStrictEqual(
        tools.map(({ outputSchema }) => Object.keys(outputSchema?.properties ?? {})),
        [["place", "since"], [], []]
      )
      const called = yield* client.callTool("forecast", oslo)
      assert.deepStrictEqual(called.structuredContent, { place: "Oslo", since: "1970-01-01T00:00:00.000Z" })
      assert.deepStrictEqual(textOf(yield* client.callTool("report")), "true")
      // Arguments that do not fit are no result to map.
      const refused = yield* client.callTool("forecast", { city: 1 })
      assert.isTrue(refused.isError)
      assert.include(textOf(refused), "city")
      assert.strictEqual(
        (yield* Effect.flip(client.callTool("links"))).reason._tag,
        "InternalError"
      )
    }))
})

describe("a mapping", () => {
  it.effect("may refuse, and may need something", () =>
    Effect.gen(function*() {
      class Suffix extends Context.Service<Suffix, string>()("test/Suffix") {}
      const tool = (name: string) => Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(name) })
      const client = yield* McpTest.client(
        Layer.provide(
          serve(
            Provider.fromDefinitions(tool("a"), tool("b")).pipe(
              MapResult.make({
                a: MapResult.structured(Schema.String, (result) =>
                  Effect.map(Suffix, (suffix) => textOf(result) + suffix)),
                b: () =>
                  Effect.fail(McpError.invalidRequest("Not today."))
              })
            )
          ),
          Layer.succeed(Suffix, "!")
        )
      )
      assert.strictEqual(textOf(yield* client.callTool("a")), "a!")
      assert.strictEqual((yield* Effect.flip(client.callTool("b"))).message, "Not today.")
    }))

  it.effect("for a tool that is not there fails", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(connect([kinds[0][1].pipe(MapResult.make({ z: Effect.succeed }))]))
      assert.strictEqual(error.message, "No tool is called \"z\"")
    }))
})
