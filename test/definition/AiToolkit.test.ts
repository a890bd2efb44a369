import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as AiTool from "effect/ai/Tool"
import * as AiToolkits from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AskError from "fastmcp-effect/context/AskError"
import * as AiToolkit from "fastmcp-effect/definition/AiToolkit"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Toolkit from "fastmcp-effect/definition/Toolkit"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
import * as McpError from "fastmcp-effect/protocol/McpError"
import { z } from "zod"

class NoSuchCity extends Schema.TaggedError<NoSuchCity>()("NoSuchCity", { city: Schema.String }) {
  override get message() {
    return `no city is called ${this.city}`
  }
}

class Station extends Context.Service<Station, string>()("test/definition/AiToolkit/Station") {}

const forecast = <Mode extends AiTool.FailureMode>(failureMode: Mode) =>
  AiTool.make("forecast", {
    description: "Tomorrow's weather",
    parameters: Schema.Struct({ city: Schema.String, on: Schema.optionalKey(Schema.DateFromString) }),
    success: Schema.Struct({ degrees: Schema.Finite, station: Schema.String }),
    failure: NoSuchCity,
    failureMode
  })
    .annotate(AiTool.Title, "Forecast")
    .annotate(AiTool.Readonly, true)
    .annotate(AiTool.Destructive, false)
    .annotate(AiTool.OpenWorld, false)
    .annotate(AiTool.Meta, { "example.com/a": 1 })

const handler = (
  { city, on }: { readonly city: string; readonly on?: Date }
): Effect.Effect<{ degrees: number; station: string }, NoSuchCity | AiError.UnknownError, Station> => {
  if (city === "Atlantis") return Effect.fail(new NoSuchCity({ city }))
  if (city === "Broken") return Effect.fail(new AiError.UnknownError({ description: "the sky fell" }))
  return Effect.map(Station, (station) => ({ degrees: on?.getUTCDate() ?? 0, station }))
}

const serve = <Mode extends AiTool.FailureMode>(mode: Mode) => {
  const toolkit = AiToolkits.make(forecast(mode))
  const build = Effect.map(Station, (station) => ({
    forecast: (parameters: { readonly city: string; readonly on?: Date }) =>
      Effect.provideService(handler(parameters), Station, station)
  }))
  const layer = (toolkit as AiToolkits.Toolkit<any>).toLayer(build) as Layer.Layer<
    AiTool.Handler<"forecast">,
    never,
    Station
  >
  return {
    tool: AiToolkit.fromAiToolkit(toolkit)[0]!,
    layer: Layer.provide(layer, Layer.succeed(Station, "north"))
  }
}

describe("a toolkit of effect/ai", () => {
  it("is listed with its title, hints, description and schemas", () => {
    assert.deepStrictEqual(Tool.describe(serve("error").tool), {
      name: "forecast",
      title: "Forecast",
      description: "Tomorrow's weather",
      inputSchema: {
        type: "object",
        properties: { city: { type: "string" }, on: { type: "string", format: "date-time" } },
        required: ["city"]
      },
      outputSchema: {
        type: "object",
        properties: { degrees: { type: "number" }, station: { type: "string" } },
        required: ["degrees", "station"]
      },
      annotations: {
        title: "Forecast",
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: false
      },
      _meta: { "example.com/a": 1 }
    })
  })

  it.effect("runs the handlers of its layer, with what that was built with", () =>
    Effect.gen(function*() {
      const { layer, tool } = serve("error")
      const result = yield* Effect.provide(Tool.respond(tool, { city: "Oslo", on: "2026-01-07" }), layer)
      assert.deepStrictEqual(result.structuredContent, { degrees: 7, station: "north" })
      const wrong = yield* Effect.provide(Tool.respond(tool, { city: 1 }), layer)
      assert.isTrue(wrong.isError)
    }))

  it.effect("makes a declared failure a tool error, and an error of effect/ai as its mode says", () =>
    Effect.gen(function*() {
      for (const mode of ["error", "return"] as const) {
        const { layer, tool } = serve(mode)
        const declared = yield* Effect.provide(Tool.respond(tool, { city: "Atlantis" }), layer)
        assert.isTrue(declared.isError)
        assert.deepStrictEqual(declared.content, [{ type: "text", text: "no city is called Atlantis" }])
        assert.deepStrictEqual(
          yield* Effect.flip(Tool.decodeResult(tool, declared)),
          new NoSuchCity({ city: "Atlantis" })
        )
        const broken = yield* Effect.exit(Effect.provide(Tool.respond(tool, { city: "Broken" }), layer))
        assert.strictEqual(Exit.hasDies(broken), mode === "error")
        if (Exit.isSuccess(broken)) {
          assert.isTrue(broken.value.isError)
          assert.match((broken.value.content[0] as { text: string }).text, /the sky fell/u)
        }
      }
    }))

  it.effect("may have tools with a raw JSON Schema, none for their parameters, and ones its model runs itself", () =>
    Effect.gen(function*() {
      const parameters = {
        type: "object",
        properties: { q: { type: "string" } },
        required: ["q"]
      } as const
      const search = AiTool.dynamic("search", { parameters, success: Schema.String })
      const ping = AiTool.make("ping")
      const web = AiTool.providerDefined({ id: "acme.web", customName: "web", providerName: "web_search" })({} as never)
      const toolkit = AiToolkits.make(search, ping, web)
      const layer = toolkit.toLayer({
        search: (input) => Effect.succeed((input as { q: string }).q.toUpperCase()),
        ping: () => Effect.void
      })
      const tools = AiToolkit.fromAiToolkit(toolkit)
      type Served = Tool.Handled<string, any, any, any, Tool.Services<(typeof tools)[number]>>
      assert.deepStrictEqual(tools.map(({ name }) => name), ["search", "ping"])
      assert.deepStrictEqual(Tool.describe(tools[0]!).inputSchema, parameters)
      assert.deepStrictEqual(Tool.describe(tools[1]!).inputSchema, { type: "object", additionalProperties: false })
      const respond = (index: number, input: unknown) =>
        Effect.provide(Tool.respond(tools[index] as Served, input), layer)
      const found = yield* respond(0, { q: "a" })
      assert.deepStrictEqual(found.content, [{ type: "text", text: "A" }])
      const refused = yield* respond(0, { q: 1 })
      assert.isTrue(refused.isError)
      assert.deepStrictEqual((yield* respond(1, {})).content, [])
    }))
})

describe("our contracts for effect/ai", () => {
  const add = Tool.make("add", {
    title: "Add",
    description: "Adds",
    parameters: { a: Schema.Finite, at: Schema.optionalKey(Schema.DateFromString) },
    success: Schema.Struct({ sum: Schema.Finite }),
    failure: NoSuchCity,
    annotations: { readOnlyHint: true },
    meta: { "example.com/a": 1 },
    strict: true
  })
  const shout = Tool.make("shout", {
    parameters: z.object({ text: z.string().transform((text) => text.toUpperCase()) }),
    success: Schema.String
  })
  const kit = Toolkit.make(add, shout)
  const Add = Tool.handle(add, ({ a }) => {
    if (a === 0) return Effect.fail(new NoSuchCity({ city: "zero" }))
    if (a === 1) return Effect.fail(McpError.invalidParams("not one"))
    if (a === 2) return Effect.fail(AskError.make(new AskError.Declined({ key: "k" })))
    return Effect.map(Station, (station) => ({ sum: a + station.length }))
  })
  const layer = Layer.provide(
    AiToolkit.layerHandlers(Add, Tool.handle(shout, ({ text }) => Effect.succeed(text))),
    Layer.succeed(Station, "four")
  )
  const results = (name: "add" | "shout", parameters: any) =>
    Effect.gen(function*() {
      const toolkit = yield* AiToolkit.toAiToolkit(kit)
      return yield* Stream.runCollect(yield* toolkit.handle(name, parameters))
    }).pipe(Effect.provide(layer))

  it("say there what they say here", () => {
    const tool = AiToolkit.toAiTool(add)
    assert.strictEqual(tool.description, "Adds")
    assert.strictEqual(Context.getOrUndefined(tool.annotations, AiTool.Title), "Add")
    assert.deepStrictEqual(Context.getOrUndefined(tool.annotations, AiTool.Meta), { "example.com/a": 1 })
    assert.isTrue(Context.get(tool.annotations, AiTool.Readonly))
    assert.isTrue(Context.get(tool.annotations, AiTool.Destructive))
    assert.isTrue(AiTool.getStrictMode(tool))
    assert.deepStrictEqual(AiTool.getJsonSchema(AiToolkit.toAiTool(shout)), {
      type: "object",
      properties: { text: { type: "string" } },
      required: ["text"]
    })
  })

  it.effect("run with our handlers, whose needs their layer has met", () =>
    Effect.gen(function*() {
      const [result] = yield* results("add", { a: 3, at: "2026-01-01" })
      assert.deepStrictEqual(result!.encodedResult, { sum: 7 })
      const [shouted] = yield* results("shout", { text: "hey" })
      assert.deepStrictEqual(shouted!.encodedResult, "HEY")
    }))

  it.effect("fail with what they declare, and with an AiError for the rest", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Effect.flip(results("add", { a: 0 })), new NoSuchCity({ city: "zero" }))
      for (const a of [1, 2]) {
        const error = yield* Effect.flip(results("add", { a }))
        assert.isTrue(AiError.isAiError(error))
      }
      const wrong = yield* Effect.flip(results("shout", { text: 1 }))
      assert.isTrue(AiError.isAiError(wrong))
      assert.match((wrong as AiError.AiError).message, /Invalid parameters for tool 'shout'/u)
    }))

  it.effect("come back as they went", () =>
    Effect.gen(function*() {
      const back = AiToolkit.fromAiTool(AiToolkit.toAiTool(add))
      assert.deepStrictEqual(
        { ...Tool.describe(back), annotations: undefined },
        { ...Tool.describe(add), annotations: undefined }
      )
      const result = yield* Effect.provide(Tool.respond(back, { a: 3 }), layer)
      assert.deepStrictEqual(result.structuredContent, { sum: 7 })
      const json = ToolSchema.fromJsonSchema({ type: "object", maxProperties: 1 })
      assert.deepStrictEqual(AiTool.getJsonSchema(AiToolkit.toAiTool(Tool.make("a", { parameters: json }))), {
        type: "object",
        maxProperties: 1
      })
    }))
})
