/** `completion/complete`, of prompts and templates. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Completion from "fastmcp-effect/definition/Completion"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const info = { name: "completion", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

const numbers = (count: number) => Array.from({ length: count }, (_, n) => `item${n}`)

/** Says what it was asked, and with what else filled in. */
const told: Completion.Completer = (value, { arguments: known }) =>
  Effect.succeed([`${value} ${JSON.stringify(known)}`])

const completers = {
  list: ["Alpha", "beta", "alphabet", "gamma"],
  exact: numbers(100),
  many: numbers(101),
  thousands: () => Effect.succeed(numbers(5000)),
  none: [],
  told,
  dies: () => Effect.die(new Error("hunter2"))
} satisfies { readonly [name: string]: Completion.Completer }

const names = [...Object.keys(completers), "plain"]

const fields = Object.fromEntries(names.map((name) => [name, Schema.optionalKey(Schema.String)])) as {
  readonly [name in keyof typeof completers | "plain"]: Schema.optionalKey<Schema.String>
}

const prompt = Prompt.make("prompt", {
  arguments: fields,
  complete: completers,
  handler: () => Effect.succeed("hi")
})

const uriTemplate = "test:///{list}/{exact}/{many}/{thousands}/{none}/{told}/{dies}/{plain}"

const template = ResourceTemplate.make(uriTemplate, {
  name: "template",
  complete: completers,
  handler: () => Effect.succeed("hi")
})

const server = McpServer.layer({
  ...info,
  prompts: [prompt, Prompt.make("bare", { handler: () => Effect.succeed("hi") })],
  resources: [template, Resource.text("test:///static", "x")]
})

const refs: { readonly [what: string]: McpSchema.CompleteParams["ref"] } = {
  prompt: { type: "ref/prompt", name: "prompt" },
  template: { type: "ref/resource", uri: uriTemplate }
}

for (const revision of versions) {
  for (const [what, ref] of Object.entries(refs)) {
    describe(`in ${revision} an argument of a ${what}`, () => {
      const complete = (name: string, value: string, context?: McpSchema.CompleteParams["context"]) =>
        Effect.flatMap(
          McpTest.client(server, { revision }),
          (client) =>
            client.complete({ ref, argument: { name, value }, ...(context === undefined ? undefined : { context }) })
        )

      it.effect("is completed with what begins like it, then with what contains it, in any case", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual((yield* complete("list", "AL")).values, ["Alpha", "alphabet"])
          assert.deepStrictEqual((yield* complete("list", "et")).values, ["beta", "alphabet"])
          assert.deepStrictEqual((yield* complete("list", "")).values, completers.list)
          assert.deepStrictEqual((yield* complete("list", "x")).values, [])
        }))

      it.effect("gets 100 values at most, and is told how many there are", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* complete("exact", ""), { values: numbers(100) })
          assert.deepStrictEqual(yield* complete("many", ""), { values: numbers(100), total: 101, hasMore: true })
          assert.deepStrictEqual(yield* complete("thousands", ""), {
            values: numbers(100),
            total: 5000,
            hasMore: true
          })
          assert.deepStrictEqual(yield* complete("many", "item100"), { values: ["item100"] })
        }))

      it.effect("gets nothing where there is nothing to suggest, and it is no error", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* complete("none", "x"), { values: [] })
          assert.deepStrictEqual(yield* complete("plain", "x"), { values: [] })
        }))

      it.effect("is completed by what has been filled in so far", () =>
        Effect.gen(function*() {
          const context = { arguments: { list: "beta", none: "" } }
          assert.deepStrictEqual((yield* complete("told", "v", context)).values, [
            `v ${JSON.stringify(context.arguments)}`
          ])
          assert.deepStrictEqual((yield* complete("told", "v")).values, ["v {}"])
          assert.deepStrictEqual((yield* complete("told", "v", {})).values, ["v {}"])
        }))

      it.effect("that does not exist is refused, with those that do", () =>
        Effect.gen(function*() {
          for (const name of ["", "nobody", "constructor", "__proto", "List"]) {
            const refused = yield* Effect.flip(complete(name, ""))
            assert.strictEqual(refused.reason._tag, "InvalidParams")
            assert.include(refused.message, JSON.stringify(name))
            for (const known of names) assert.include(refused.message, known)
          }
        }))

      it.effect("whose completer has a bug is an internal error without its text", () =>
        Effect.gen(function*() {
          const client = yield* McpTest.client(server, { revision })
          const refused = yield* Effect.flip(client.complete({ ref, argument: { name: "dies", value: "" } }))
          assert.strictEqual(refused.reason._tag, "InternalError")
          assert.notInclude((yield* client.frames).join(), "hunter2")
        }))
    })
  }

  describe(`in ${revision} a completion`, () => {
    it.effect("of nothing the server has is refused", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(server, { revision })
        const refused = (ref: McpSchema.CompleteParams["ref"]) =>
          Effect.map(
            Effect.flip(client.complete({ ref, argument: { name: "a", value: "" } })),
            ({ message }) => message
          )
        assert.include(yield* refused({ type: "ref/prompt", name: "nobody" }), "nobody")
        assert.include(yield* refused({ type: "ref/resource", uri: "test:///nobody" }), "test:///nobody")
        // It exists, and there is nothing in it to fill in.
        assert.include(yield* refused({ type: "ref/resource", uri: "test:///static" }), "no arguments")
        assert.include(yield* refused({ type: "ref/prompt", name: "bare" }), "it has none")
        assert.include(yield* refused({ type: "ref/tool", name: "a" } as never), "Invalid params")
      }))
  })
}

describe("a completer", () => {
  it.effect("runs with the services of its definition's layer", () =>
    Effect.gen(function*() {
      class Words extends Context.Service<Words, ReadonlyArray<string>>()("test/completion/Words") {}
      const own = Prompt.make("own", {
        arguments: { word: Schema.String },
        complete: { word: () => Words },
        handler: () => Effect.succeed("hi")
      })
      const client = yield* McpTest.client(
        McpServer.register(own).pipe(
          Layer.provide(Layer.succeed(Words, ["theirs"])),
          Layer.provideMerge(McpServer.layer(info))
        )
      )
      assert.deepStrictEqual(
        yield* client.complete({ ref: { type: "ref/prompt", name: "own" }, argument: { name: "word", value: "" } }),
        { values: ["theirs"] }
      )
    }))
})
