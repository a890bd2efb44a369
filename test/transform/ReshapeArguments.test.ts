/** Tools with other arguments than they had. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import * as JsonSchema from "fastmcp-effect/protocol/JsonSchema"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as ReshapeArguments from "fastmcp-effect/transform/ReshapeArguments"
import { z } from "zod"
import { connect, info, kinds, serve, textOf } from "./support.ts"

const oslo = { city: "Oslo", days: 1, units: "metric" }

const forecastOf = (client: McpTest.Client) =>
  Effect.map(client.listTools, (tools) => tools.find(({ name }) => name.endsWith("forecast"))!)

/** A strict server and one that is not, each with the same sources. */
const strictly = (provider: Provider.Provider<DefinitionError.DefinitionError, never>) =>
  McpTest.client(
    McpServer.register(provider).pipe(Layer.provideMerge(McpServer.layer({ ...info, strictInput: true })))
  )

describe.each(kinds)("arguments of %s", (_, provider) => {
  const reshaped = provider.pipe(ReshapeArguments.make({
    forecast: {
      city: { name: "place", description: "Which place" },
      days: { required: true },
      units: { hidden: true, value: "metric" }
    }
  }))

  it.effect("are renamed, described, required and hidden, in the listing", () =>
    Effect.gen(function*() {
      const { inputSchema } = yield* Effect.flatMap(connect([reshaped]), forecastOf)
      assert.deepStrictEqual(Object.keys(inputSchema.properties as object), ["place", "days"])
      assert.deepInclude((inputSchema.properties as JsonObject).place, {
        type: "string",
        description: "Which place",
        "x-mcp-header": "City"
      })
      assert.deepStrictEqual(inputSchema.required, ["place", "days"])
      assert.deepStrictEqual(JsonSchema.headerParameters(inputSchema as JsonObject), [
        { path: ["place"], header: "City", type: "string" }
      ])
      const strict = yield* Effect.flatMap(strictly(reshaped), forecastOf)
      assert.isFalse(strict.inputSchema.additionalProperties)
    }))

  it.effect("reach the tool under its own names", () =>
    Effect.gen(function*() {
      const client = yield* connect([reshaped.pipe(Namespace.make("ns"))])
      const result = yield* client.callTool("ns_forecast", { place: "Oslo", days: 1 })
      assert.deepStrictEqual(result.structuredContent, oslo)
    }))

  it.effect("that are hidden or had another name cannot be given, and are unknown where that is refused", () =>
    Effect.gen(function*() {
      const args = { place: "Oslo", days: 1, units: "imperial", city: "Bergen" }
      const loose = yield* connect([reshaped])
      assert.deepStrictEqual((yield* loose.callTool("forecast", args)).structuredContent, oslo)
      const strict = yield* strictly(reshaped)
      const refused = yield* strict.callTool("forecast", args)
      assert.isTrue(refused.isError)
      assert.include(textOf(refused), "units: Expected no excess property; city: Expected no excess property")
      assert.deepStrictEqual((yield* strict.callTool("forecast", { place: "Oslo", days: 1 })).structuredContent, oslo)
      const other = yield* strict.callTool("forecast", { place: "Oslo", days: 1, other: 1 })
      assert.include(textOf(other), "other")
    }))

  it.effect("are named in errors as callers know them", () =>
    Effect.gen(function*() {
      const client = yield* connect([reshaped])
      const wrong = yield* client.callTool("forecast", { place: 1, days: 1 })
      assert.isTrue(wrong.isError)
      assert.include(textOf(wrong), "place: ")
      assert.notInclude(textOf(wrong), "city")
      const contract = Tool.make("forecast", { parameters: { place: Schema.Unknown, days: Schema.Int } })
      const error = yield* Effect.flip(client.call(contract, { place: 1, days: 1 }))
      assert.strictEqual(error._tag, "DefinitionError")
      assert.include(error.message, "place: ")
      const missing = yield* client.callTool("forecast", { place: "Oslo" })
      assert.include(textOf(missing), "days: Missing key")
    }))

  it.effect("have a default, which callers see, and then are not required", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider.pipe(ReshapeArguments.make({
        forecast: { units: { default: "imperial" }, city: { default: Effect.succeed("Here") } }
      }))])
      const { inputSchema } = yield* forecastOf(client)
      assert.strictEqual(((inputSchema.properties as JsonObject).units as JsonObject).default, "imperial")
      assert.isUndefined(((inputSchema.properties as JsonObject).city as JsonObject).default)
      assert.isUndefined(inputSchema.required)
      assert.deepStrictEqual((yield* client.callTool("forecast")).structuredContent, {
        city: "Here",
        days: 1,
        units: "imperial"
      })
      assert.deepStrictEqual(
        (yield* client.callTool("forecast", { city: "Oslo", units: "metric" })).structuredContent,
        oslo
      )
    }))

  it.effect("have a schema of their own, decoded to what the tool takes", () =>
    Effect.gen(function*() {
      const Weeks = Schema.Int.annotate({ identifier: "Weeks" }).pipe(Schema.decodeTo(Schema.Int, {
        decode: SchemaGetter.transform((weeks: number) => weeks * 7),
        encode: SchemaGetter.transform((days: number) => days / 7)
      }))
      const client = yield* connect([provider.pipe(ReshapeArguments.make({
        forecast: {
          days: { name: "weeks", schema: Weeks, description: "How many weeks" },
          city: { schema: ToolSchema.fromJsonSchema<string>({ type: "string", enum: ["Oslo", "Lisbon"] }) }
        }
      }))])
      const { inputSchema } = yield* forecastOf(client)
      const properties = inputSchema.properties as { readonly [name: string]: JsonObject }
      assert.deepStrictEqual(properties.city, { type: "string", enum: ["Oslo", "Lisbon"] })
      assert.strictEqual(properties.weeks!.description, "How many weeks")
      const called = yield* client.callTool("forecast", { city: "Oslo", weeks: 2, units: "metric" })
      assert.deepStrictEqual(called.structuredContent, { ...oslo, days: 14 })
      for (const args of [{ city: "Bergen", units: "metric" }, { city: "Oslo", weeks: "2", units: "metric" }]) {
        const refused = yield* client.callTool("forecast", args)
        assert.isTrue(refused.isError)
        assert.match(textOf(refused), /Invalid arguments for forecast: (city|weeks): /u)
      }
    }))

  it.effect("are made for each call, in the handler's own context", () =>
    Effect.gen(function*() {
      class Units extends Context.Service<Units, "metric" | "imperial">()("test/Units") {}
      let made = 0
      const client = yield* McpTest.client(Layer.provide(
        serve(provider.pipe(ReshapeArguments.make({
          forecast: {
            units: {
              hidden: true,
              value: Effect.map(Units, (units) => {
                made++
                return units
              })
            },
            city: { default: Effect.fail(McpError.invalidRequest("Say where.")) }
          }
        }))),
        Layer.succeed(Units, "imperial")
      ))
      assert.deepStrictEqual((yield* client.callTool("forecast", { city: "Oslo" })).structuredContent, {
        ...oslo,
        units: "imperial"
      })
      assert.strictEqual((yield* Effect.flip(client.callTool("forecast"))).message, "Say where.")
      assert.strictEqual(made, 1)
    }))

  it.effect("whose hidden value does not fit are a bug of the server, and nothing a caller hears of", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(Layer.provide(
        serve(provider.pipe(ReshapeArguments.make({ forecast: { units: { hidden: true, value: "stone" } } }))),
        Logger.layer([])
      ))
      const error = yield* Effect.flip(client.callTool("forecast", { city: "Oslo" }))
      assert.strictEqual(error.reason._tag, "InternalError")
      assert.notInclude(error.message, "units")
    }))

  it.effect.each<[given: Record<string, ReshapeArguments.Argument>, message: string]>([
    [{ town: { name: "x" } }, "it has no argument \"town\"; it has city, days, units"],
    [{ city: { name: "days" } }, "two of its arguments, \"city\" and \"days\", would be called \"days\""],
    [{ city: { hidden: true } }, "its argument \"city\" is required; give it a value"],
    [{ city: { required: false } }, "its argument \"city\" is required; give it a value"],
    [{ city: { required: true, default: "x" } }, "its argument \"city\" has a default, so it cannot be required"]
  ])("are refused where the tool is registered: %o", ([given, message]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(connect([provider.pipe(ReshapeArguments.make({ forecast: given }))]))
      assert.strictEqual(error.message, `The reshaped "forecast" cannot be served: ${message}`)
    }))

  it.effect("may exchange names, and an optional one may go", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider.pipe(ReshapeArguments.make({
        forecast: { city: { name: "units" }, units: { name: "city" }, days: { hidden: true } }
      }))])
      const result = yield* client.callTool("forecast", { units: "Oslo", city: "metric", days: 9 })
      assert.deepStrictEqual(result.structuredContent, oslo)
    }))

  it.effect("of other tools are as they were, by contract, too", () =>
    Effect.gen(function*() {
      const client = yield* connect([reshaped])
      const report = Tool.make("report", { success: Schema.Array(Schema.String) })
      const lines = yield* client.call(report, {})
      assert.strictEqual(lines[1], "12:00")
    }))
})

describe("parameters of any schema", () => {
  const variants = {
    "of another library": z.object({ a: z.string(), b: z.number() }),
    "in JSON Schema": ToolSchema.fromJsonSchema<{ readonly a: string; readonly b: number }>({
      type: "object",
      properties: { a: { type: "string" }, b: { type: "number" } },
      required: ["a", "b"]
    }),
    "of alternatives": Schema.Union([
      Schema.Struct({ a: Schema.String, b: Schema.Finite }),
      Schema.Struct({ c: Schema.String })
    ])
  }

  it.effect.each(Object.entries(variants))(
    "%s are reshaped, and checked by it",
    ([, parameters]) =>
      Effect.gen(function*() {
        const echo = Tool.make("echo", {
          parameters,
          success: Schema.Unknown,
          handler: (given: unknown) => Effect.succeed(given)
        })
        const client = yield* connect([
          Provider.fromDefinitions(echo).pipe(
            ReshapeArguments.make({ echo: { a: { name: "x" }, b: { hidden: true, value: 2 } } })
          )
        ], { revision: "2026-07-28" })
        const { inputSchema } = (yield* client.listTools)[0]!
        assert.notInclude(JSON.stringify(inputSchema), "\"b\"")
        assert.deepStrictEqual((yield* client.callTool("echo", { x: "y", a: "z", b: 3 })).structuredContent, {
          a: "y",
          b: 2
        })
        const refused = yield* client.callTool("echo", { x: 1 })
        assert.isTrue(refused.isError)
      })
  )
})

describe("input schemas", () => {
  const listed = (inputSchema: JsonObject, given: Record<string, ReshapeArguments.Argument>) =>
    Effect.gen(function*() {
      const heard: Array<unknown> = []
      const client = yield* connect([
        Provider.fromDefinitions(
          Tool.relay({ name: "t", inputSchema }, (input) => {
            heard.push(input)
            return Effect.succeed({ content: [] })
          })
        ).pipe(ReshapeArguments.make({ t: given }))
      ])
      return { client, heard, schema: (yield* client.listTools)[0]!.inputSchema as JsonObject }
    })

  it.effect("keep references to what is in them, also to what is not an argument any more", () =>
    Effect.gen(function*() {
      const { schema } = yield* listed({
        type: "object",
        properties: {
          a: { type: "string", "x-mcp-header": "A" },
          b: { $ref: "#/properties/a" },
          children: { type: "array", items: { $ref: "#" } },
          c: { $ref: "#/$defs/C" }
        },
        required: ["a", "c"],
        $defs: { C: { type: "integer", default: { $ref: "#" } } }
      }, { a: { hidden: true, value: "x" }, children: { name: "nodes" } })
      assert.deepStrictEqual(schema, {
        type: "object",
        properties: {
          b: { $ref: "#/$defs/original/properties/a" },
          nodes: { type: "array", items: { $ref: "#/$defs/original" } },
          c: { $ref: "#/$defs/C" }
        },
        required: ["c"],
        $defs: {
          C: { type: "integer", default: { $ref: "#" } },
          original: {
            type: "object",
            properties: {
              a: { type: "string" },
              b: { $ref: "#/$defs/original/properties/a" },
              children: { type: "array", items: { $ref: "#/$defs/original" } },
              c: { $ref: "#/$defs/C" }
            },
            required: ["a", "c"]
          }
        }
      })
    }))

  it.effect("of alternatives and references are reshaped in each of them", () =>
    Effect.gen(function*() {
      const { client, heard, schema } = yield* listed({
        type: "object",
        anyOf: [
          { properties: { id: { type: "string" }, secret: { type: "string" } }, required: ["id", "secret"] },
          { $ref: "#/$defs/ByName" }
        ],
        $defs: {
          ByName: {
            type: "object",
            properties: { name: { type: "string" }, secret: { type: "string" } },
            required: ["name", "secret"],
            dependentRequired: { name: ["secret", "id"] }
          }
        },
        if: { required: ["secret"] },
        then: { minProperties: 2 },
        maxProperties: 2
      }, { secret: { hidden: true, value: "s" }, name: { name: "called" } })
      assert.deepStrictEqual(schema.anyOf as unknown, [
        { properties: { id: { type: "string" } }, required: ["id"] },
        {
          type: "object",
          properties: { called: { type: "string" } },
          required: ["called"],
          dependentRequired: { called: ["id"] }
        }
      ])
      for (const keyword of ["if", "then", "maxProperties"]) assert.notProperty(schema, keyword)
      yield* client.callTool("t", { called: "x", secret: "mine", name: "y", more: 1 })
      assert.deepStrictEqual(heard, [{ name: "x", more: 1, secret: "s" }])
    }))

  it.effect("take keys of objects for what they are", () =>
    Effect.gen(function*() {
      const { client, heard } = yield* listed(
        { type: "object", properties: { a: {} } },
        { a: { name: "constructor" } }
      )
      const args: JsonObject = JSON.parse("{\"constructor\":1,\"toString\":3}")
      yield* client.callTool("t", args)
      assert.strictEqual(JSON.stringify(heard[0]), "{\"a\":1,\"toString\":3}")
    }))

  it.effect("come with the definitions of an argument's own schema", () =>
    Effect.gen(function*() {
      interface Tree {
        readonly name: string
        readonly children: ReadonlyArray<Tree>
      }
      const Tree = Schema.Struct({
        name: Schema.String,
        children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
      }).annotate({ identifier: "Tree" })
      const { client, heard, schema } = yield* listed(
        { type: "object", properties: { tree: {} }, $defs: { Tree: { type: "string" } } },
        { tree: { schema: Tree, name: "t" } }
      )
      const definitions = schema.$defs as JsonObject
      assert.deepStrictEqual(definitions.Tree, { type: "string" })
      assert.include(JSON.stringify((schema.properties as JsonObject).t), "#/$defs/t_Tree")
      assert.include(JSON.stringify(definitions.t_Tree), "#/$defs/t_Tree")
      yield* client.callTool("t", { t: { name: "a", children: [{ name: "b", children: [] }] } })
      assert.deepStrictEqual(heard, [{ tree: { name: "a", children: [{ name: "b", children: [] }] } }])
      const refused: McpSchema.CallToolResult = yield* client.callTool("t", { t: { name: "a", children: [{}] } })
      assert.include(textOf(refused), "t.children.0.name")
    }))
})
