import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import type * as Prompt from "effect/ai/Prompt"
import * as AiTool from "effect/ai/Tool"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as LanguageModelSampling from "fastmcp-effect/client/LanguageModelSampling"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Memory from "fastmcp-effect/transport/Memory"
import * as scriptedModel from "./scriptedModel.ts"

const { finish, text, use } = scriptedModel

const user = (...content: ReadonlyArray<McpSchema.SamplingContent>) => ({ role: "user" as const, content })

const assistant = (...content: ReadonlyArray<McpSchema.SamplingContent>) => ({ role: "assistant" as const, content })

const words = (text: string) => ({ type: "text" as const, text })

const question = (...messages: McpSchema.CreateMessageParams["messages"]): McpSchema.CreateMessageParams => ({
  messages,
  maxTokens: 100
})

/** What the model was asked, without what nobody has said. */
const asked = (model: scriptedModel.Model) =>
  model.asked[0]!.prompt.content.map(({ content, role }) => ({
    role,
    content: typeof content === "string"
      ? content
      : (content as ReadonlyArray<Prompt.Part>).map((part) =>
        Object.fromEntries(
          Object.entries(part).filter(([key, value]) =>
            !key.startsWith("~") && key !== "options" && key !== "providerExecuted" && value !== undefined
          )
        )
      )
  }))

const ask = (
  params: McpSchema.CreateMessageParams,
  model: scriptedModel.Model,
  options?: LanguageModelSampling.Options
) => Effect.provide(LanguageModelSampling.createMessage(params, options), model.layer)

const add: McpSchema.Tool = {
  name: "add",
  description: "Adds",
  inputSchema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { a: { type: "number" } },
    required: ["a"]
  }
}

describe("sampling by a language model", () => {
  it.effect("puts messages, pictures, sounds and the system prompt as the model reads them", () =>
    Effect.gen(function*() {
      const model = scriptedModel.make([text("A cat, "), text("purring."), finish("stop")])
      const answer = yield* ask({
        ...question(
          user(words("What is this?"), { type: "image", data: "AAEC", mimeType: "image/png" }),
          { role: "assistant", content: words("Let me listen.") },
          user({ type: "audio", data: "AwQF", mimeType: "audio/wav" })
        ),
        systemPrompt: "Be brief."
      }, model)
      assert.deepStrictEqual(asked(model), [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [{ type: "text", text: "What is this?" }, { type: "file", mediaType: "image/png", data: "AAEC" }]
        },
        { role: "assistant", content: [{ type: "text", text: "Let me listen." }] },
        { role: "user", content: [{ type: "file", mediaType: "audio/wav", data: "AwQF" }] }
      ])
      assert.deepStrictEqual(answer, {
        role: "assistant",
        model: "unknown",
        content: [words("A cat, purring.")],
        stopReason: "endTurn"
      })
    }))

  it.effect("offers the server's tools, and gives back what the model wants of them without running any", () =>
    Effect.gen(function*() {
      const model = scriptedModel.make([text("I add."), use("1", "add", { a: 1 }), finish("tool-calls")])
      const answer = yield* ask(
        { ...question(user(words("1+1?"))), tools: [add], toolChoice: { mode: "required" } },
        model
      )
      const [offered] = model.asked
      assert.deepStrictEqual(offered!.tools.map((tool) => [tool.name, tool.description, AiTool.getJsonSchema(tool)]), [
        ["add", "Adds", { type: "object", properties: { a: { type: "number" } }, required: ["a"] }]
      ])
      assert.strictEqual(offered!.toolChoice, "required")
      assert.deepStrictEqual(answer.content, [
        words("I add."),
        { type: "tool_use", id: "1", name: "add", input: { a: 1 } }
      ])
      assert.strictEqual(answer.stopReason, "toolUse")
    }))

  it.effect("tells the model what its tools gave: values, words, pictures and failures", () =>
    Effect.gen(function*() {
      const model = scriptedModel.make([text("Done."), finish("stop")])
      const uses = ["1", "2", "3", "4"].map((id) => ({ type: "tool_use" as const, id, name: "add", input: { a: 1 } }))
      yield* ask({
        ...question(
          user(words("Add")),
          assistant(words("So be it."), ...uses),
          user(
            { type: "tool_result", toolUseId: "1", content: [words("2")], structuredContent: { sum: 2 } },
            { type: "tool_result", toolUseId: "2", content: [words("two"), words("or so")] },
            {
              type: "tool_result",
              toolUseId: "3",
              content: [words("seen"), { type: "image", data: "AAEC", mimeType: "image/png" }]
            },
            { type: "tool_result", toolUseId: "4", content: [words("no")], isError: true },
            words("Go on.")
          )
        ),
        tools: [add]
      }, model)
      const result = (id: string, result: unknown, isFailure = false) => ({
        type: "tool-result",
        id,
        name: "add",
        isFailure,
        result
      })
      const [, , results, after] = asked(model)
      const [first, second, third, fourth] = results!.content as unknown as ReadonlyArray<any>
      assert.strictEqual(results!.role, "tool")
      assert.deepStrictEqual([first, second, fourth], [
        result("1", { sum: 2 }),
        result("2", "two\nor so"),
        result("4", "no", true)
      ])
      assert.strictEqual(third.result, "seen")
      assert.deepStrictEqual(third.modelOutput.map(({ type }: Prompt.Part) => type), ["text", "file"])
      assert.deepStrictEqual(after, { role: "user", content: [{ type: "text", text: "Go on." }] })
      assert.strictEqual(model.asked[0]!.toolChoice, "auto")
    }))

  for (
    const [reason, expected] of [
      ["stop", "endTurn"],
      ["length", "maxTokens"],
      ["tool-calls", "toolUse"],
      ["content-filter", "contentFilter"],
      ["unknown", "endTurn"]
    ] as const
  ) {
    it.effect(`says ${expected} where the model says ${reason}`, () =>
      Effect.gen(function*() {
        const answer = yield* ask(question(user(words("?"))), scriptedModel.make([text("!"), finish(reason)]))
        assert.strictEqual(answer.stopReason, expected)
      }))
  }

  it.effect("ends a text where a stop sequence begins, whatever the provider knows of those", () =>
    Effect.gen(function*() {
      const params = { ...question(user(words("?"))), stopSequences: ["END", "", "STOP"], tools: [add] }
      const answer = yield* ask(
        params,
        scriptedModel.make([text("one ST"), text("OP two END"), use("1", "add", { a: 1 }), finish("tool-calls")])
      )
      assert.deepStrictEqual(answer.content, [words("one ")])
      assert.strictEqual(answer.stopReason, "stopSequence")
      const nothing = yield* ask(params, scriptedModel.make([text("END"), finish("stop")]))
      assert.deepStrictEqual(nothing.content, [words("")])
    }))

  it.effect("gives pictures and sounds of the model, and says what it leaves out", () =>
    Effect.gen(function*() {
      const file = (mediaType: string) => ({ type: "file" as const, mediaType, data: "AAEC" })
      const answer = yield* ask(
        question(user(words("?"))),
        scriptedModel.make([file("image/png"), file("audio/wav"), file("application/pdf"), finish("stop")])
      )
      assert.deepStrictEqual(answer.content, [
        { type: "image", mimeType: "image/png", data: "AAEC" },
        { type: "audio", mimeType: "audio/wav", data: "AAEC" },
        words("[application/pdf left out]")
      ])
    }))

  it.effect("names the model: as the program says, as the answer says, or as it was made", () =>
    Effect.gen(function*() {
      const metadata = { type: "response-metadata" as const, modelId: "says-so", id: undefined, timestamp: undefined }
      const answers = [[metadata, text("!"), finish("stop")], [text("!"), finish("stop")]] as const
      const nameOf = (index: 0 | 1, options?: LanguageModelSampling.Options) =>
        Effect.map(
          Effect.provideService(
            ask(question(user(words("?"))), scriptedModel.make(answers[index] as never), options),
            Model.ModelName,
            "made-so"
          ),
          ({ model }) => model
        )
      assert.strictEqual(yield* nameOf(0, { model: "told-so" }), "told-so")
      assert.strictEqual(yield* nameOf(0), "says-so")
      assert.strictEqual(yield* nameOf(1), "made-so")
    }))

  it.effect("lets the program tell its provider what effect/ai has no words for, and choose another model", () =>
    Effect.gen(function*() {
      const Setting = Context.Reference<object>("test/Setting", { defaultValue: () => ({}) })
      const other = scriptedModel.make([text("other"), finish("stop")])
      const service = yield* Layer.build(other.layer)
      const seen: Array<object> = []
      const model = scriptedModel.make([text("first"), finish("stop")])
      const spy = Layer.effect(
        LanguageModel.LanguageModel,
        Effect.map(LanguageModel.LanguageModel, (inner) => ({
          ...inner,
          generateText: ((options: any) =>
            Effect.flatMap(Setting, (setting) => {
              seen.push(setting)
              return inner.generateText(options)
            })) as typeof inner.generateText
        }))
      ).pipe(Layer.provide(model.layer))
      const params = { ...question(user(words("?"))), temperature: 0.5 }
      const first = yield* Effect.provide(
        LanguageModelSampling.createMessage(params, {
          around: ({ maxTokens, temperature }) => Effect.provideService(Setting, { maxTokens, temperature })
        }),
        spy
      )
      assert.deepStrictEqual(first.content, [words("first")])
      assert.deepStrictEqual(seen, [{ maxTokens: 100, temperature: 0.5 }])
      const second = yield* ask(params, scriptedModel.make(), {
        around: () =>
          Effect.provideService(
            LanguageModel.LanguageModel,
            Context.get(service, LanguageModel.LanguageModel)
          )
      })
      assert.deepStrictEqual(second.content, [words("other")])
    }))

  describe("is refused", () => {
    const refusals: ReadonlyArray<
      readonly [
        title: string,
        params: McpSchema.CreateMessageParams,
        options: LanguageModelSampling.Options,
        reason: object
      ]
    > = [
      [
        "where the user says no",
        question(user(words("?"))),
        { approve: () => Effect.succeed(false) },
        { _tag: "Other", code: -1, message: "User rejected sampling request" }
      ],
      [
        "with what the model does not take",
        question(user({ type: "audio", data: "AAEC", mimeType: "audio/wav" })),
        { takes: ["image"] },
        { _tag: "InvalidParams", message: "This client's model takes no audio." }
      ],
      [
        "with a tool that the user would have used",
        question(user({ type: "tool_use", id: "1", name: "add", input: {} })),
        {},
        { _tag: "InvalidParams", message: "Only the model uses tools." }
      ],
      [
        "with a result of a tool that nobody has used",
        question(user({ type: "tool_result", toolUseId: "1", content: [] })),
        {},
        { _tag: "InvalidParams", message: "No tool was used as \"1\"." }
      ]
    ]
    for (const [title, params, options, reason] of refusals) {
      it.effect(`${title}, and the model hears nothing of it`, () =>
        Effect.gen(function*() {
          const model = scriptedModel.make()
          const error = yield* Effect.flip(ask(params, model, options))
          assert.deepInclude(error.reason, reason)
          assert.strictEqual(model.asked.length, 0)
        }))
    }
  })

  describe("tells the server no more than it has to know of a failure:", () => {
    const rows: ReadonlyArray<readonly [reason: AiError.AiErrorReason, expected: object]> = [
      [
        new AiError.RateLimitError({ retryAfter: Duration.seconds(2) }),
        { _tag: "RateLimited", retryAfter: 2000 }
      ],
      [new AiError.RateLimitError({}), { _tag: "RateLimited" }],
      [
        new AiError.ContentPolicyError({ description: "secret" }),
        { _tag: "InvalidParams", message: "This client's model does not answer such a question." }
      ],
      [
        new AiError.InvalidRequestError({ description: "secret" }),
        { _tag: "InvalidParams", message: "This client's model does not take this." }
      ],
      [
        new AiError.InternalProviderError({ description: "secret" }),
        { _tag: "Overloaded", message: "This client's model cannot answer now." }
      ],
      [new AiError.AuthenticationError({ kind: "InvalidKey", description: "secret" }), { _tag: "InternalError" }]
    ]
    for (const [reason, expected] of rows) {
      it.effect(`${reason._tag}${"retryAfter" in reason && reason.retryAfter ? " with a time" : ""}`, () =>
        Effect.gen(function*() {
          const logged: Array<string> = []
          const error = yield* Effect.flip(ask(question(user(words("?"))), scriptedModel.make(reason))).pipe(
            Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))]))
          )
          assert.deepInclude(error.reason, expected)
          assert.notInclude(error.message, "secret")
          assert.match(logged.join(), /did not answer a server/u)
        }))
    }

    it.effect("a use of a tool with parameters that are none", () =>
      Effect.gen(function*() {
        const model = scriptedModel.make([use("1", "add", "one"), finish("tool-calls")])
        const error = yield* Effect.flip(ask({ ...question(user(words("?"))), tools: [add] }, model))
        assert.strictEqual(error.reason._tag, "InternalError")
      }))
  })
})

describe("a client whose handler it is", () => {
  const solve = Tool.make("solve", {
    success: Schema.String,
    handler: () =>
      Effect.gen(function*() {
        const options = { maxTokens: 100, tools: [add] }
        const first = Sampling.user("What is 1+1?")
        const reply = yield* Ask.one("first", Sampling.createMessage({ messages: [first], ...options }))
        const results = Sampling.user(Sampling.toolUses(reply).map((use) => Sampling.toolResult(use, "2")))
        const last = yield* Ask.one(
          "last",
          Sampling.createMessage({
            messages: [first, { role: reply.role, content: reply.content }, results],
            ...options
          })
        )
        return Sampling.textOf(last)
      }).pipe(Effect.orDie)
  })
  const server = Layer.orDie(McpServer.layer({ name: "acme", version: "1.0.0", tools: [solve] }))
  const connect = (model: scriptedModel.Model, revision: "2025-11-25" | "2026-07-28") =>
    Effect.provide(
      McpClient.make({ revision }),
      Layer.merge(
        Layer.provide(Memory.layer, server),
        Layer.provide(LanguageModelSampling.layer(), model.layer)
      )
    )

  for (const revision of ["2025-11-25", "2026-07-28"] as const) {
    it.effect(`answers a server through all rounds of its tools (${revision})`, () =>
      Effect.gen(function*() {
        const model = scriptedModel.make(
          [use("1", "add", { a: 1 }), finish("tool-calls")],
          [text("It is 2."), finish("stop")]
        )
        const client = yield* connect(model, revision)
        const { content } = yield* client.callTool("solve")
        assert.deepStrictEqual(content, [words("It is 2.")])
        assert.strictEqual(model.asked.length, 2)
      }))

    it.effect(`stops the model when the call that asked is given up (${revision})`, () =>
      Effect.gen(function*() {
        const [started, stopped] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const model = scriptedModel.make(
          Effect.onInterrupt(
            Effect.andThen(Deferred.succeed(started, undefined), Effect.never),
            () => Deferred.succeed(stopped, undefined)
          )
        )
        const client = yield* connect(model, revision)
        const call = yield* Effect.forkChild(client.callTool("solve"))
        yield* Deferred.await(started)
        yield* Fiber.interrupt(call)
        yield* Deferred.await(stopped)
      }))
  }
})
