import { assert, describe, it } from "@effect/vitest"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Prompt from "effect/ai/Prompt"
import * as AiTool from "effect/ai/Tool"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as ClientGroup from "fastmcp-effect/client/ClientGroup"
import * as ClientToolkit from "fastmcp-effect/client/ClientToolkit"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Memory from "fastmcp-effect/transport/Memory"
import * as scriptedModel from "./scriptedModel.ts"

class NoSuchCity extends Schema.TaggedError<NoSuchCity>()("NoSuchCity", { city: Schema.String }) {
  override get message() {
    return `no city is called ${this.city}`
  }
}

const forecast = Tool.make("forecast", {
  title: "Forecast",
  description: "Tomorrow's weather",
  parameters: { city: Schema.String },
  success: Schema.Struct({ degrees: Schema.Finite }),
  failure: NoSuchCity,
  annotations: { readOnlyHint: true },
  handler: ({ city }) => city === "Atlantis" ? new NoSuchCity({ city }) : Effect.succeed({ degrees: 4 })
})

const picture = Tool.make("picture", {
  success: Tool.Result,
  handler: () =>
    Effect.succeed({
      content: [
        { type: "text" as const, text: "A cat" },
        { type: "image" as const, data: "AAEC", mimeType: "image/png" },
        { type: "resource_link" as const, uri: "https://cats.example", name: "cats" }
      ],
      structuredContent: { cats: 1 }
    })
})

const refuse = Tool.make("refuse", { handler: () => Effect.fail(McpError.invalidParams("not today")) })

const cancelled = Tool.make("cancelled", { handler: () => Outcome.interruptSelf("Shutdown") })

const wipe = Tool.make("wipe", { annotations: { destructiveHint: true }, handler: () => Effect.void })

const tools = [forecast, picture, refuse, cancelled, wipe] as const

const transport = Memory.layer.pipe(
  Layer.provide(Layer.orDie(McpServer.layer({ name: "acme", version: "1.0.0", tools })))
)

const client = Effect.provide(McpClient.make(), Layer.fresh(transport))

const run = <Mode extends AiTool.FailureMode = "return">(
  name: string,
  params: unknown,
  options?: ClientToolkit.Options<Mode>
) =>
  Effect.gen(function*() {
    const toolkit = yield* ClientToolkit.make(yield* client, options)
    const results = yield* Stream.runCollect(yield* toolkit.handle(name, params))
    return results.at(-1)!
  })

describe("the tools of a server as a toolkit", () => {
  it.effect("say what the server says of them", () =>
    Effect.gen(function*() {
      const { tools } = yield* ClientToolkit.make(yield* client)
      assert.deepStrictEqual(Object.keys(tools), ["forecast", "picture", "refuse", "cancelled", "wipe"])
      const tool = tools["forecast"]!
      assert.strictEqual(tool.description, "Tomorrow's weather")
      assert.strictEqual(Context.getOrUndefined(tool.annotations, AiTool.Title), "Forecast")
      assert.isTrue(Context.get(tool.annotations, AiTool.Readonly))
      assert.deepStrictEqual(AiTool.getJsonSchema(tool), {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"]
      })
    }))

  it.effect("are picked by a model, run by the server, and their results go back to the model", () =>
    Effect.gen(function*() {
      const model = scriptedModel.make(
        [scriptedModel.use("1", "forecast", { city: "Oslo" }), scriptedModel.finish("tool-calls")],
        [scriptedModel.text("Cold."), scriptedModel.finish("stop")]
      )
      yield* Effect.gen(function*() {
        const toolkit = yield* ClientToolkit.make(yield* client)
        const asked = Prompt.make("Will it be cold in Oslo?")
        const first = yield* LanguageModel.generateText({ prompt: asked, toolkit })
        const [result] = first.toolResults
        assert.isFalse(result!.isFailure)
        assert.deepStrictEqual((result!.result as { structuredContent: unknown }).structuredContent, { degrees: 4 })
        const prompt = Prompt.concat(asked, Prompt.fromResponseParts(first.content))
        const last = yield* LanguageModel.generateText({ prompt, toolkit })
        assert.strictEqual(last.text, "Cold.")
      }).pipe(Effect.provide(model.layer))
      const told = model.asked[1]!.prompt.content.at(-1)!
      assert.strictEqual(told.role, "tool")
      const [part] = told.content as ReadonlyArray<Prompt.ToolResultPart>
      assert.deepStrictEqual(part!.modelOutput?.map((part) => (part as Prompt.TextPart).text), ["{\"degrees\":4}"])
    }))

  it.effect("give results whole to the program, and content with its pictures to the model", () =>
    Effect.gen(function*() {
      const { isFailure, modelOutput, result } = yield* run("picture", {})
      assert.isFalse(isFailure)
      assert.deepInclude(result, { structuredContent: { cats: 1 } })
      assert.deepStrictEqual(
        modelOutput?.map(({ options: _, ...part }) => ({ ...part })),
        [
          Prompt.makePart("text", { text: "A cat" }),
          Prompt.makePart("file", { mediaType: "image/png", data: "AAEC" }),
          Prompt.makePart("text", { text: "[cats](https://cats.example)" })
        ].map(({ options: _, ...part }) => ({ ...part }))
      )
    }))

  const failures = [
    ["a failure that the tool declares", "forecast", { city: "Atlantis" }, "no city is called Atlantis"],
    ["arguments that do not fit", "forecast", { city: 1 }, /city/u],
    ["arguments that are no object", "forecast", "Oslo", "The parameters of forecast are an object, not \"Oslo\""],
    ["a refusal of the server", "refuse", {}, "not today"],
    ["a cancellation by the server", "cancelled", {}, "The server has cancelled the call"]
  ] as const
  for (const [title, name, params, message] of failures) {
    it.effect(`tell the model of ${title}`, () =>
      Effect.gen(function*() {
        const { encodedResult, failureOrigin, isFailure, result } = yield* run(name, params)
        assert.isTrue(isFailure)
        assert.strictEqual(failureOrigin, "handler")
        assert.instanceOf(result, ClientToolkit.ToolFailed)
        assert.deepInclude(encodedResult, { _tag: "ToolFailed", tool: name })
        if (typeof message === "string") assert.strictEqual((result as ClientToolkit.ToolFailed).message, message)
        else assert.match((result as ClientToolkit.ToolFailed).message, message)
      }))
  }

  it.effect("fail as themselves where the program wants to hear of it", () =>
    Effect.gen(function*() {
      const error = (name: string, params: unknown) => Effect.flip(run(name, params, { failureMode: "error" }))
      assert.strictEqual((yield* error("forecast", { city: "Atlantis" }))._tag, "ToolFailed")
      assert.deepStrictEqual(yield* error("refuse", {}), McpError.invalidParams("not today"))
      assert.strictEqual((yield* error("cancelled", {}))._tag, "ToolFailed")
    }))

  it.effect("are those the program lets through, under the names it gives, and ask where it says", () =>
    Effect.gen(function*() {
      const { handle, tools } = yield* ClientToolkit.make(yield* client, {
        include: ({ annotations, name }) => name === "forecast" || annotations?.destructiveHint === true,
        rename: ({ name }) => `acme-${name}`,
        needsApproval: ({ annotations }) => annotations?.destructiveHint === true
      })
      assert.deepStrictEqual(Object.keys(tools), ["acme-forecast", "acme-wipe"])
      assert.deepStrictEqual(Object.values(tools).map(({ needsApproval }) => needsApproval), [false, true])
      const results = yield* Stream.runCollect(yield* handle("acme-forecast", { city: "Oslo" }))
      assert.isFalse(results[0]!.isFailure)
      const taken = yield* Effect.flip(ClientToolkit.make(yield* client, { rename: () => "same" }))
      assert.deepInclude(taken.reason, { _tag: "Duplicate", kind: "tool", name: "same" })
    }))

  it.effect("may be those of a group, named as the group names them", () =>
    Effect.gen(function*() {
      const group = yield* ClientGroup.make({
        servers: { weather: { transport }, gone: { transport: Layer.unwrap(Effect.fail("gone")) } },
        retry: false
      })
      const { handle, tools } = yield* ClientToolkit.make(group)
      assert.include(Object.keys(tools), "weather_forecast")
      const [result] = yield* Stream.runCollect(yield* handle("weather_forecast", { city: "Oslo" }))
      assert.deepInclude(result!.result, { structuredContent: { degrees: 4 } })
      yield* group.remove("weather")
      const [missing] = yield* Stream.runCollect(yield* handle("weather_forecast", { city: "Oslo" }))
      assert.strictEqual(
        (missing!.result as ClientToolkit.ToolFailed).message,
        "No server has the tool \"weather_forecast\""
      )
    }))

  it.effect("stop with the generation that wanted them", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const stopped = yield* Deferred.make<void>()
      const hang = Tool.make("hang", {
        handler: () =>
          Effect.onInterrupt(
            Effect.andThen(Deferred.succeed(started, undefined), Effect.never),
            () => Deferred.succeed(stopped, undefined)
          )
      })
      const own = Memory.layer.pipe(
        Layer.provide(Layer.orDie(McpServer.layer({ name: "acme", version: "1.0.0", tools: [hang] })))
      )
      const model = scriptedModel.make([scriptedModel.use("1", "hang", {}), scriptedModel.finish("tool-calls")])
      const client = yield* Effect.provide(McpClient.make(), own)
      const toolkit = yield* ClientToolkit.make(client)
      const fiber = yield* Effect.forkChild(
        Effect.provide(LanguageModel.generateText({ prompt: "Hang", toolkit }), model.layer)
      )
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      yield* McpTest.settle
      yield* Deferred.await(stopped)
    }))
})
