/** The test client itself: that it speaks each revision, answers what it is asked, and hides nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const info = { name: "tested", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

const half = Tool.make("half", {
  parameters: { of: Schema.Int },
  success: Schema.Struct({ half: Schema.Int, at: Schema.Date }),
  failure: Schema.Literal("odd"),
  handler: ({ of }) => of % 2 === 0 ? Effect.succeed({ half: of / 2, at: new Date(0) }) : Effect.fail("odd" as const)
})

const names = (prefix: string) => Array.from({ length: 5 }, (_, n) => `${prefix}${n}`)

const server = McpServer.layer({
  ...info,
  pageSize: 2,
  tools: [half, ...names("tool").map((name) => Tool.make(name, { handler: () => Effect.void }))],
  resources: [
    ...names("test:///resource").map((uri) => Resource.text(uri, `text of ${uri}`)),
    ...names("test:///template/{id}/").map((uriTemplate) =>
      ResourceTemplate.make(uriTemplate as "test:///{id}", {
        name: "t",
        complete: { id: ["one", "two"] },
        handler: ({ id }) => Effect.succeed(`text of ${id}`)
      })
    )
  ],
  prompts: names("prompt").map((name) =>
    Prompt.make(name, {
      arguments: { who: Schema.optionalKey(Schema.String) },
      complete: { who: ["ann", "bob"] },
      handler: ({ who }) => Effect.succeed(`hi ${who}`)
    })
  )
})

for (const revision of versions) {
  describe(`in ${revision} a test client`, () => {
    it.effect("calls by contract, and gives the success and the failure as the handler did", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(server, { revision })
        assert.strictEqual(client.revision, revision)
        assert.deepStrictEqual(yield* client.call(half, { of: 8 }), { half: 4, at: new Date(0) })
        assert.strictEqual(yield* Effect.flip(client.call(half, { of: 7 })), "odd")
        // What the contract does not allow never leaves.
        const before = (yield* client.frames).length
        const refused = yield* Effect.flip(client.call(half, { of: 1.5 }))
        assert.strictEqual((refused as { reason: { _tag: string } }).reason._tag, "InvalidInput")
        assert.lengthOf(yield* client.frames, before)
      }))

    it.effect("reads all the pages of each list", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(server, { revision })
        assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["half", ...names("tool")])
        assert.deepStrictEqual((yield* client.listResources).map(({ uri }) => uri), names("test:///resource"))
        assert.deepStrictEqual(
          (yield* client.listResourceTemplates).map(({ uriTemplate }) => uriTemplate),
          names("test:///template/{id}/")
        )
        assert.deepStrictEqual((yield* client.listPrompts).map(({ name }) => name), names("prompt"))
      }))

    it.effect("reads resources, gets prompts and completes", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(server, { revision })
        assert.deepStrictEqual((yield* client.readResource("test:///resource1")).contents, [
          { uri: "test:///resource1", mimeType: "text/plain", text: "text of test:///resource1" }
        ])
        assert.deepStrictEqual((yield* client.readResource("test:///template/x/3")).contents, [
          { uri: "test:///template/x/3", text: "text of x" }
        ])
        const said = (text: string) => [{ role: "user", content: { type: "text", text } }]
        assert.deepStrictEqual((yield* client.getPrompt("prompt1")).messages as unknown, said("hi undefined"))
        assert.deepStrictEqual((yield* client.getPrompt("prompt1", { who: "ann" })).messages as unknown, said("hi ann"))
        assert.deepStrictEqual(
          yield* client.complete({
            ref: { type: "ref/prompt", name: "prompt1" },
            argument: { name: "who", value: "b" }
          }),
          { values: ["bob"] }
        )
        assert.deepStrictEqual(
          yield* client.complete({
            ref: { type: "ref/resource", uri: "test:///template/{id}/3" },
            argument: { name: "id", value: "t" }
          }),
          { values: ["two"] }
        )
      }))

    it.effect("that is interrupted tells the server, and hears no more of that request", () =>
      Effect.gen(function*() {
        const started = yield* Deferred.make<void>()
        const ended = yield* Deferred.make<Outcome.Outcome<void, unknown>>()
        const never = Tool.make("never", {
          handler: () =>
            Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
              Effect.onExit((exit) => Deferred.succeed(ended, Outcome.fromExit(exit)))
            )
        })
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [never] }), { revision })
        const before = (yield* client.frames).length
        const call = yield* Effect.forkChild(client.call(never, {}))
        yield* Deferred.await(started)
        yield* Fiber.interrupt(call)
        assert.deepStrictEqual(yield* Deferred.await(ended), Outcome.cancelled("User"))
        yield* McpTest.settle
        assert.lengthOf(yield* client.frames, before)
      }))

    it.effect("that is cancelled on the other side ends with that cancellation", () =>
      Effect.gen(function*() {
        const stop = Tool.make("stop", { handler: () => Outcome.interruptSelf("CostBudget") })
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [stop] }), { revision })
        assert.deepStrictEqual(yield* Outcome.fromEffect(client.call(stop, {})), Outcome.cancelled("CostBudget"))
      }))

    it.effect("passes on a frame as it stands, and shows what came of it", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(server, { revision })
        yield* client.sendRaw("{")
        yield* McpTest.settle
        assert.strictEqual(JSON.parse((yield* client.frames).at(-1)!).error.code, -32700)
      }))

    it.effect("answers what it has an answer to, and declares that and no more", () =>
      Effect.gen(function*() {
        const seen: Array<object> = []
        const asks = Tool.make("asks", {
          success: Schema.Array(Schema.String),
          handler: Effect.fnUntraced(function*() {
            const { client } = yield* RequestContext.RequestContext
            seen.push(client.capabilities)
            const outcome = <A>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, any>) =>
              Effect.match(effect, {
                onFailure: ({ reason }) => reason._tag,
                onSuccess: (value) => JSON.stringify(value)
              })
            return [
              yield* outcome(Ask.one("roots", Roots.list)),
              yield* outcome(Ask.one("text", Sampling.text("Say hi", { maxTokens: 9 }))),
              yield* outcome(Ask.one("who", Elicitation.form({ name: Schema.String }, { message: "Who?" })))
            ]
          }) as () => Effect.Effect<ReadonlyArray<string>, never, RequestContext.RequestContext>
        })
        const connect = (answers: McpTest.Answers | undefined) =>
          McpTest.client(Layer.fresh(McpServer.layer({ ...info, tools: [asks] })), {
            revision,
            ...(answers === undefined ? undefined : { answers })
          })
        const none = yield* connect(undefined)
        assert.deepStrictEqual(yield* none.call(asks, {}), ["Unsupported", "Unsupported", "Unsupported"])
        assert.deepStrictEqual(seen.at(-1), {})
        const some = yield* connect({ roots: Effect.succeed([{ uri: "file:///a" }]) })
        const [roots, ...rest] = yield* some.call(asks, {})
        assert.deepStrictEqual([JSON.parse(roots!)[0].uri, rest], ["file:///a", ["Unsupported", "Unsupported"]])
        const all = yield* connect({
          roots: Effect.fail(McpError.invalidRequest("no")),
          sample: () =>
            Effect.succeed({ role: "assistant", model: "m", content: { type: "text", text: "hi" } } as const),
          elicit: () => Effect.succeed({ action: "accept", content: { name: "Ada" } } as const)
        })
        const answers = yield* Effect.exit(all.call(asks, {}))
        // Elicitation came with 2025-06-18.
        const canElicit = revision >= "2025-06-18"
        if (revision !== "2026-07-28") {
          assert.deepStrictEqual(
            answers._tag === "Success" ? answers.value : answers,
            ["Refused", "\"hi\"", canElicit ? "{\"name\":\"Ada\"}" : "Unsupported"]
          )
        } else assert.strictEqual(answers._tag, "Failure")
      }))
  })
}

describe("without answers", () => {
  it.effect("a question of 2026-07-28 is the result", () =>
    Effect.gen(function*() {
      const asks = Tool.make("asks", { handler: () => Effect.asVoid(Ask.one("roots", Roots.list)) })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [asks] }), {
        capabilities: { roots: {} }
      })
      const result = yield* client.request("tools/call", { name: "asks", arguments: {} })
      assert.strictEqual(result.resultType, "input_required")
      assert.deepStrictEqual(Object.keys(result.inputRequests as object), ["roots"])
    }))
})
