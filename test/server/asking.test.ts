/** A handler that asks its client, in both eras. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Tool } from "fastmcp-effect"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as Outcome from "fastmcp-effect/core/Outcome"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as RequestState from "fastmcp-effect/server/RequestState"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { assert, describe, it } from "../support/effectVitest.ts"

const info = { name: "asking", version: "1.0.0" }

const sealed = RequestState.layer({ key: Redacted.make("0123456789abcdef0123456789abcdef") })

/** The revisions whose clients can be asked for forms. */
const versions: ReadonlyArray<Revisions.Version> = ["2025-06-18", "2025-11-25", "2026-07-28"]

/** Answers forms out of a list, by what they ask for. */
const forms = (answers: { readonly [field: string]: McpSchema.ElicitResult }) => (params: McpSchema.ElicitParams) =>
  Effect.succeed(answers[Object.keys((params as McpSchema.ElicitFormParams).requestedSchema.properties)[0]!]!)

const accept = (content: NonNullable<McpSchema.ElicitResult["content"]>): McpSchema.ElicitResult => ({
  action: "accept",
  content
})

const color = Elicitation.form({ color: Schema.String }, { message: "Which color?" })
const size = Elicitation.form({ size: Schema.Int }, { message: "Which size?" })

/** Writes, asks, writes, asks twice: what a booking does. */
const booking = (writes: Array<string>) =>
  Tool.make("book", {
    success: Schema.String,
    handler: Effect.fnUntraced(function*() {
      const write = (entry: string) =>
        Effect.sync(() => {
          writes.push(entry)
          return `${entry} ${writes.length}`
        })
      const hold = yield* Ask.once("hold", write("hold"))
      const first = yield* Ask.one("color", color)
      const charge = yield* Ask.once("charge", write(`charge ${first.color}`))
      const second = yield* Ask.one("size", size)
      const third = yield* Ask.one("again", color)
      const done = yield* Ask.once("done", write("done"))
      return [hold, first.color, charge, second.size, third.color, done].join(", ")
    })
  })

const answers = { elicit: forms({ color: accept({ color: "red" }), size: accept({ size: 4 }) }) }

describe("a handler that writes, asks, writes and asks twice", () => {
  for (const revision of versions) {
    it.effect(`in ${revision}, performs each write once`, () =>
      Effect.gen(function*() {
        const writes: Array<string> = []
        const tool = booking(writes)
        const client = yield* McpTest.client(
          McpServer.layer({ ...info, tools: [tool] }).pipe(Layer.provide(sealed)),
          { revision, answers }
        )
        assert.strictEqual(yield* client.call(tool, {}), "hold 1, red, charge red 2, 4, red, done 3")
        assert.deepStrictEqual(writes, ["hold", "charge red", "done"])
      }))
  }

  it.effect("does so, too, when its process is another one in each round", () =>
    Effect.gen(function*() {
      const writes: Array<string> = []
      const tool = booking(writes)
      const round = (params: JsonRpc.JsonObject) =>
        Effect.scoped(Effect.gen(function*() {
          const client = yield* McpTest.client(
            Layer.fresh(McpServer.layer({ ...info, tools: [tool] }).pipe(Layer.provide(sealed))),
            { capabilities: { elicitation: {} } }
          )
          return yield* client.request("tools/call", { name: "book", arguments: {}, ...params })
        }))
      const content: { readonly [key: string]: JsonRpc.JsonObject } = {
        color: { action: "accept", content: { color: "red" } },
        size: { action: "accept", content: { size: 4 } },
        again: { action: "accept", content: { color: "blue" } }
      }
      let result = yield* round({})
      for (const key of ["color", "size", "again"]) {
        assert.strictEqual(result.resultType, "input_required")
        assert.deepStrictEqual(Object.keys(result.inputRequests as object), [key])
        result = yield* round({
          inputResponses: { [key]: content[key]! },
          requestState: result.requestState as string
        })
      }
      assert.deepInclude(result, {
        content: [{ type: "text", text: "hold 1, red, charge red 2, 4, blue, done 3" }]
      })
      assert.deepStrictEqual(writes, ["hold", "charge red", "done"])
    }))
})

describe("a client", () => {
  const ask = Tool.make("ask", {
    success: Schema.String,
    handler: () =>
      Effect.map(
        Ask.all({ who: Elicitation.form({ name: Schema.String }, { message: "Who?" }), roots: Roots.list }),
        ({ roots, who }) => `${who.name} in ${roots.map(({ uri }) => uri).join()}`
      )
  })

  for (const revision of versions) {
    it.effect(`in ${revision}, answers all the questions of a round together`, () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [ask] }), {
          revision,
          answers: {
            elicit: () => Effect.succeed(accept({ name: "Ada" })),
            roots: Effect.succeed([{ uri: "file:///a" }])
          }
        })
        assert.strictEqual(yield* client.call(ask, {}), "Ada in file:///a")
      }))

    it.effect(`in ${revision}, that cannot be asked is told what it lacks`, () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [ask] }), {
          revision,
          answers: { roots: Effect.succeed([]) }
        })
        const result = yield* client.callTool("ask")
        assert.isTrue(result.isError)
        assert.deepStrictEqual(result.content, [{
          type: "text",
          text: "\"who\" needs a client with elicitation.form."
        }])
      }))

    it.effect(`in ${revision}, whose user declines ends the call with that`, () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [ask] }), {
          revision,
          answers: { elicit: () => Effect.succeed({ action: "decline" as const }), roots: Effect.succeed([]) }
        })
        const result = yield* client.callTool("ask")
        assert.deepStrictEqual([result.isError, result.content], [true, [{
          type: "text",
          text: "The user declined \"who\"."
        }]])
      }))
  }

  it.effect("samples, then elicits, then lists roots, in every revision that has all three", () =>
    Effect.gen(function*() {
      const all = Tool.make("all", {
        success: Schema.String,
        handler: Effect.fnUntraced(function*() {
          const text = yield* Ask.one("text", Sampling.text("Say hi", { maxTokens: 10 }))
          const { name } = yield* Ask.one("who", Elicitation.form({ name: Schema.String }, { message: "Who?" }))
          const roots = yield* Ask.one("roots", Roots.list)
          return `${text} ${name} ${roots.length}`
        })
      })
      for (const revision of versions) {
        const client = yield* McpTest.client(Layer.fresh(McpServer.layer({ ...info, tools: [all] })), {
          revision,
          answers: {
            sample: () =>
              Effect.succeed({ role: "assistant", model: "m", content: { type: "text", text: "hi" } } as const),
            elicit: () => Effect.succeed(accept({ name: "Ada" })),
            roots: Effect.succeed([])
          }
        })
        assert.strictEqual(yield* client.call(all, {}), "hi Ada 0")
      }
    }))
})

describe("waiting for an answer", () => {
  const patient = Tool.make("patient", {
    success: Schema.String,
    handler: Effect.fnUntraced(function*() {
      yield* Effect.sleep("20 seconds")
      const { color: answer } = yield* Ask.one("color", color)
      yield* Effect.sleep("9 seconds")
      return answer
    })
  })

  it.effect("does not use up the request's time", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [patient] }), {
        revision: "2025-11-25",
        answers: { elicit: () => Effect.delay(Effect.succeed(accept({ color: "red" })), "2 minutes") }
      })
      const call = yield* Effect.forkChild(client.call(patient, {}))
      yield* McpTest.settle
      yield* TestClock.adjust("20 seconds")
      yield* McpTest.settle
      yield* TestClock.adjust("2 minutes")
      yield* McpTest.settle
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* Fiber.join(call), "red")
    }))

  it.effect("leaves the request the time it had, and no more", () =>
    Effect.gen(function*() {
      const slow = Tool.make("slow", {
        handler: () => Effect.andThen(Ask.one("color", color), Effect.sleep("31 seconds"))
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [slow] }), {
        revision: "2025-11-25",
        answers: { elicit: () => Effect.delay(Effect.succeed(accept({ color: "red" })), "2 minutes") }
      })
      const call = yield* Effect.forkChild(client.call(slow, {}))
      yield* McpTest.settle
      yield* TestClock.adjust("2 minutes")
      yield* McpTest.settle
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled("Deadline"))
    }))

  it.effect("ends after its own limit, and the client hears that it need not go on", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(
        McpServer.layer({
          ...info,
          askTimeout: "1 minute",
          tools: [Tool.make("ask", { handler: () => Effect.asVoid(Ask.one("color", color)) })]
        }),
        { revision: "2025-11-25", answers: { elicit: () => Effect.never } }
      )
      const call = yield* Effect.forkChild(client.callTool("ask"))
      yield* McpTest.settle
      yield* TestClock.adjust("1 minute")
      const result = yield* Fiber.join(call)
      assert.deepStrictEqual(result.content, [{
        type: "text",
        text: `The client did not answer "color" within ${Duration.toMillis("1 minute")} ms.`
      }])
      assert.deepStrictEqual(
        (yield* client.notifications).map(({ method, params }) => [method, params]),
        [["notifications/cancelled", { requestId: 1 }]]
      )
    }))
})

describe("sealed state", () => {
  const tool = Tool.make("ask", {
    parameters: { for: Schema.String },
    success: Schema.String,
    handler: ({ for: who }) => Effect.map(Ask.one("color", color), (answer) => `${answer.color} for ${who}`)
  })
  const other = Tool.make("other", { handler: () => Effect.asVoid(Ask.one("color", color)) })
  const connect = McpTest.client(McpServer.layer({ ...info, tools: [tool, other] }).pipe(Layer.provide(sealed)), {
    capabilities: { elicitation: {} }
  })
  const red = { color: { action: "accept", content: { color: "red" } } }

  it.effect("is of use for the request it came from alone", () =>
    Effect.gen(function*() {
      const client = yield* connect
      const { requestState } = yield* client.request("tools/call", { name: "ask", arguments: { for: "me" } })
      const again = (params: JsonRpc.JsonObject) =>
        client.request("tools/call", { inputResponses: red, requestState: requestState!, ...params })
      for (
        const params of [
          { name: "ask", arguments: { for: "you" } },
          { name: "other", arguments: { for: "me" } },
          { name: "ask", arguments: { for: "me" }, requestState: `${requestState as string}-TAMPERED` }
        ]
      ) {
        const error = yield* Effect.flip(again(params))
        assert.strictEqual(error.reason._tag, "InvalidParams")
      }
      const result = yield* again({ arguments: { for: "me" }, name: "ask" })
      assert.deepInclude(result, { content: [{ type: "text", text: "red for me" }] })
    }))

  it.effect("asks again for what was not answered, and does not mind what nobody asked", () =>
    Effect.gen(function*() {
      const client = yield* connect
      const params = { name: "ask", arguments: { for: "me" } }
      const first = yield* client.request("tools/call", params)
      const second = yield* client.request("tools/call", {
        ...params,
        inputResponses: { taste: { action: "accept", content: {} } },
        requestState: first.requestState!
      })
      assert.deepStrictEqual(Object.keys(second.inputRequests as object), ["color"])
      const third = yield* client.request("tools/call", {
        ...params,
        inputResponses: { ...red, taste: {} },
        requestState: second.requestState!
      })
      assert.deepInclude(third, { content: [{ type: "text", text: "red for me" }] })
    }))

  it.effect("carries so many rounds and no more", () =>
    Effect.gen(function*() {
      const endless = Tool.make("endless", {
        handler: Effect.fnUntraced(function*() {
          for (let i = 0; i < 100; i++) yield* Ask.one(`color${i}`, color)
        })
      })
      const client = yield* McpTest.client(
        McpServer.layer({ ...info, tools: [endless] }).pipe(
          Layer.provide(RequestState.layer({ key: Redacted.make("0".repeat(32)), maxRounds: 3 }))
        ),
        { answers: { elicit: forms({ color: accept({ color: "red" }) }) } }
      )
      const result = yield* client.callTool("endless")
      assert.deepStrictEqual(result.content, [{
        type: "text",
        text: "The request needs more than its rounds allow (3)."
      }])
    }))

  it.effect("refuses one key for two questions", () =>
    Effect.gen(function*() {
      const twice = Tool.make("twice", {
        handler: () => Effect.andThen(Ask.one("q", color), Effect.asVoid(Ask.one("q", size)))
      })
      for (const revision of versions) {
        const client = yield* McpTest.client(Layer.fresh(McpServer.layer({ ...info, tools: [twice] })), {
          revision,
          answers
        })
        const result = yield* client.callTool("twice")
        assert.include(JSON.stringify(result.content), "\\\"q\\\" was used before for something else")
      }
    }))
})

describe("finalizers", () => {
  it.effect("run when a round ends the request", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const tool = Tool.make("tidy", {
        handler: () =>
          Effect.asVoid(Ask.one("color", color)).pipe(
            Effect.ensuring(Effect.sync(() => events.push("finalizer")))
          )
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }), { answers })
      yield* client.callTool("tidy")
      assert.deepStrictEqual(events, ["finalizer", "finalizer"])
    }))

  it.effect("run when the client cancels while it is asked, and the question is withdrawn", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const tool = Tool.make("tidy", {
        handler: () =>
          Effect.asVoid(Ask.one("color", color)).pipe(
            Effect.ensuring(Effect.sync(() => events.push("finalizer")))
          )
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }), {
        revision: "2025-11-25",
        answers: { elicit: () => Effect.never }
      })
      const call = yield* Effect.forkChild(client.callTool("tidy"))
      yield* McpTest.settle
      yield* Fiber.interrupt(call)
      yield* McpTest.settle
      assert.deepStrictEqual(events, ["finalizer"])
    }))

  it.effect("are all that runs then: a handler that could do without the answer does not go on", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const tell = (event: string) => Effect.sync(() => events.push(event))
      const tool = Tool.make("book", {
        handler: () =>
          Ask.one("color", color).pipe(
            Effect.catch(({ reason }) => tell(`no answer: ${reason._tag}`)),
            Effect.andThen(tell("booked")),
            Effect.onExit((exit) => tell(Outcome.fromExit(exit)._tag)),
            Effect.asVoid
          )
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }), {
        revision: "2025-11-25",
        answers: { elicit: () => Effect.never }
      })
      const call = yield* Effect.forkChild(client.callTool("book"))
      yield* McpTest.settle
      yield* Fiber.interrupt(call)
      yield* McpTest.settle
      assert.deepStrictEqual(events, ["Cancelled"])
    }))
})

describe("outside a request that may ask", () => {
  it.effect("a handler without a client learns that there is none", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Ask.one("color", color))
      assert.strictEqual(error.reason._tag, "Unavailable")
    }).pipe(Effect.provide(RequestContext.layerNoop)))
})

describe("keys", () => {
  it.effect("that no client could answer under are refused, and nobody counts as having agreed", () =>
    Effect.gen(function*() {
      const pay = Tool.make("pay", {
        parameters: { file: Schema.String },
        success: Schema.String,
        handler: ({ file }) =>
          Effect.as(Ask.one(file, Elicitation.url("https://pay.example/x", { message: "Pay" })), "paid")
      })
      for (const revision of ["2025-11-25", "2026-07-28"] as const) {
        const client = yield* McpTest.client(
          Layer.fresh(McpServer.layer({ ...info, tools: [pay] }).pipe(Layer.provide(sealed))),
          {
            revision,
            answers: { elicit: () => Effect.succeed({ action: "decline" as const }) }
          }
        )
        for (const file of ["__proto__", "constructor", "toString"]) {
          assert.isTrue((yield* client.callTool("pay", { file })).isError, `${revision} ${file}`)
        }
      }
    }))

  it.effect("of a nested call are its own, whatever order the calls come in and however keys are spelled", () =>
    Effect.gen(function*() {
      const charge = Tool.make("charge", {
        parameters: { item: Schema.String },
        success: Schema.String,
        handler: ({ item }) => Ask.once("id", Effect.succeed(`charged ${item}`))
      })
      const shop = Tool.make("shop", {
        success: Schema.Array(Schema.String),
        handler: Effect.fnUntraced(function*() {
          const mine = yield* Ask.once("charge/id", Effect.succeed("mine"))
          const bought = yield* Effect.forEach(["slow", "fast"], (item) =>
            Effect.andThen(
              Ask.once(`load ${item}`, Effect.sleep(item === "slow" ? "2 seconds" : "1 second")),
              Tool.call(charge, { item })
            ), { concurrency: "unbounded" })
          yield* Ask.one("color", color)
          return [mine, ...bought]
        })
      })
      for (const revision of ["2025-11-25", "2026-07-28"] as const) {
        const client = yield* McpTest.client(
          Layer.fresh(McpServer.layer({ ...info, tools: [shop, charge] }).pipe(Layer.provide(sealed))),
          {
            revision,
            answers
          }
        )
        const call = yield* Effect.forkChild(client.call(shop, {}))
        for (let second = 0; second < 3; second++) {
          yield* McpTest.settle
          yield* TestClock.adjust("1 second")
        }
        assert.deepStrictEqual(yield* Fiber.join(call), ["mine", "charged slow", "charged fast"], revision)
      }
    }))
})

describe("a step beside a question", () => {
  it.effect("is not cut off by it, and happens once", () =>
    Effect.gen(function*() {
      for (const revision of ["2025-11-25", "2026-07-28"] as const) {
        const charges: Array<string> = []
        const tool = Tool.make("both", {
          handler: () =>
            Effect.asVoid(Effect.all([
              Ask.one("color", color),
              Ask.once(
                "charge",
                Effect.andThen(
                  Effect.sync(() => {
                    charges.push("begun")
                  }),
                  Effect.delay(
                    Effect.sync(() => {
                      charges.push("done")
                    }),
                    "1 second"
                  )
                )
              )
            ], { concurrency: "unbounded" }))
        })
        const client = yield* McpTest.client(
          Layer.fresh(McpServer.layer({ ...info, tools: [tool] }).pipe(Layer.provide(sealed))),
          {
            revision,
            answers
          }
        )
        const call = yield* Effect.forkChild(client.callTool("both"))
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
        assert.isUndefined((yield* Fiber.join(call)).isError)
        assert.deepStrictEqual(charges, ["begun", "done"], revision)
      }
    }))

  it.effect("goes on for who else waits for it, when who began it is interrupted", () =>
    Effect.gen(function*() {
      const tool = Tool.make("shared", {
        success: Schema.String,
        handler: () => {
          const step = Ask.once("step", Effect.delay(Effect.succeed("kept"), "3 seconds"))
          return Effect.map(
            Effect.all([Effect.timeoutOption(step, "1 second"), Effect.delay(step, "500 millis")], {
              concurrency: "unbounded"
            }),
            ([first, second]) => `${first._tag} ${second}`
          )
        }
      })
      for (const revision of ["2025-11-25", "2026-07-28"] as const) {
        const client = yield* McpTest.client(
          Layer.fresh(McpServer.layer({ ...info, tools: [tool] }).pipe(Layer.provide(sealed))),
          { revision }
        )
        const call = yield* Effect.forkChild(client.call(tool, {}))
        for (let half = 0; half < 9; half++) {
          yield* McpTest.settle
          yield* TestClock.adjust("500 millis")
        }
        assert.strictEqual(yield* Fiber.join(call), "None kept", revision)
      }
    }))
})

describe("who waits for an answer", () => {
  it.effect("keeps nobody else waiting for a turn, and takes a turn again to go on", () =>
    Effect.gen(function*() {
      const ask = Tool.make("ask", {
        success: Schema.String,
        handler: () => Effect.map(Ask.one("color", color), ({ color }) => color)
      })
      const quick = Tool.make("quick", { success: Schema.String, handler: () => Effect.succeed("quick") })
      const server = yield* Layer.build(
        McpServer.layer({ ...info, concurrency: 1, sessionConcurrency: 1, tools: [ask, quick] })
      )
      const client = yield* McpTest.client(Layer.succeedContext(server), {
        revision: "2025-11-25",
        answers: { elicit: () => Effect.delay(Effect.succeed(accept({ color: "red" })), "2 minutes") }
      })
      const waiting = yield* Effect.forkChild(client.call(ask, {}))
      yield* McpTest.settle
      assert.strictEqual(yield* client.call(quick, {}), "quick")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* Fiber.join(waiting), "red")
      assert.strictEqual(yield* client.call(quick, {}), "quick")
    }))

  it.effect("is not held up by finalizers beyond their time when a round ends", () =>
    Effect.gen(function*() {
      const tool = Tool.make("slow", {
        handler: () => Effect.asVoid(Effect.ensuring(Ask.one("color", color), Effect.sleep("1 hour")))
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }).pipe(Layer.provide(sealed)), {
        capabilities: { elicitation: {} }
      })
      const call = yield* Effect.forkChild(client.request("tools/call", { name: "slow" }))
      yield* McpTest.settle
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(call)).resultType, "input_required")
      yield* TestClock.adjust("1 hour")
    }))

  it.effect("hears that there is nobody to ask any more, when the request is over", () =>
    Effect.gen(function*() {
      for (const revision of ["2025-11-25", "2026-07-28"] as const) {
        const heard: Array<string> = []
        const note = (error: { readonly reason: { readonly _tag: string } }) =>
          Effect.sync(() => {
            heard.push(error.reason._tag)
          })
        const tool = Tool.make("detached", {
          handler: () =>
            Effect.asVoid(Effect.forkDetach(
              Effect.andThen(Effect.sleep("1 second"), Effect.catch(Effect.asVoid(Ask.one("color", color)), note))
            ))
        })
        const client = yield* McpTest.client(
          Layer.fresh(McpServer.layer({ ...info, tools: [tool] }).pipe(Layer.provide(sealed))),
          {
            revision,
            answers: { elicit: () => Effect.never }
          }
        )
        yield* client.callTool("detached")
        yield* TestClock.adjust("1 second")
        yield* McpTest.settle
        assert.deepStrictEqual(heard, ["Unavailable"], revision)
      }
    }))

  it.effect("hears of an answer that is none", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(
        McpServer.layer({
          ...info,
          tools: [Tool.make("ask", { handler: () => Effect.asVoid(Ask.one("color", color)) })]
        }),
        { revision: "2025-11-25", answers: { elicit: () => Effect.never } }
      )
      const call = yield* Effect.forkChild(client.callTool("ask"))
      yield* McpTest.settle
      yield* client.sendRaw(`{"jsonrpc":"2.0","id":1,"result":"text"}`)
      const result = yield* Fiber.join(call)
      assert.include(JSON.stringify(result.content), "The client refused")
    }))
})
