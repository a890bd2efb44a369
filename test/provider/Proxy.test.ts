import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { ClientLog, McpServer, Progress, Prompt, Resource, ResourceTemplate, Tool } from "fastmcp-effect"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { assert, describe, it } from "../support/effectVitest.ts"
import * as hops from "./hops.ts"

const add = Tool.make("add", {
  description: "Adds two numbers",
  parameters: { a: Schema.Finite, b: Schema.Finite },
  success: Schema.Struct({ sum: Schema.Finite }),
  annotations: { readOnlyHint: true, title: "Adding" },
  tags: ["math"],
  meta: { "acme/x": 1 },
  handler: ({ a, b }) => Effect.succeed({ sum: a + b })
})

const fails = Tool.make("fails", {
  failure: Schema.Struct({ why: Schema.String }),
  handler: () => Effect.fail({ why: "because" })
})

const refuses = Tool.make("refuses", {
  handler: () => Effect.fail(McpError.make(new McpError.Other({ code: -32042, message: "No", data: { url: "x" } })))
})

const talks = Tool.make("talks", {
  success: Schema.String,
  handler: () =>
    Effect.gen(function*() {
      yield* ClientLog.debug("low")
      yield* Progress.report(1, { total: 2, message: "one" })
      yield* ClientLog.warning("high", { logger: "acme" })
      yield* Progress.report(2, { total: 2 })
      return "done"
    })
})

const server = McpServer.layer({
  name: "acme",
  version: "1.0.0",
  tools: [add, fails, refuses, talks],
  resources: [
    Resource.text("acme:///note", "A note", { description: "One", cache: { ttlMs: 5000, cacheScope: "public" } }),
    ResourceTemplate.make("acme:///users/{id}", {
      name: "user",
      mimeType: "text/plain",
      complete: { id: ["ada", "bob"] },
      handler: ({ id }) => Effect.succeed(id === "nobody" ? undefined : `User ${id}`)
    })
  ],
  prompts: [
    Prompt.make("greet", {
      arguments: { name: Schema.String },
      complete: { name: ["Ada", "Alan"] },
      handler: ({ name }) => Effect.succeed(`Greet ${name}`)
    })
  ]
})

for (const pair of hops.pairs) {
  describe(`a proxy, ${pair.front} in front and ${pair.behind} behind,`, () => {
    it.effect("lists and answers as the server behind it does", () =>
      Effect.gen(function*() {
        const direct = yield* McpTest.client(server, { revision: pair.front })
        const client = yield* hops.client(server, pair)
        assert.deepStrictEqual(yield* client.listTools, yield* direct.listTools)
        assert.deepStrictEqual(yield* client.listResources, yield* direct.listResources)
        assert.deepStrictEqual(yield* client.listResourceTemplates, yield* direct.listResourceTemplates)
        assert.deepStrictEqual(yield* client.listPrompts, yield* direct.listPrompts)
        const same = <A>(ask: (client: McpTest.Client) => Effect.Effect<A, McpError.McpError>) =>
          Effect.gen(function*() {
            const there = yield* Effect.result(ask(direct))
            assert.deepStrictEqual(yield* Effect.result(ask(client)), there)
          })
        yield* same((client) => client.call(add, { a: 1, b: 2 }) as Effect.Effect<unknown, McpError.McpError>)
        yield* same((client) => client.callTool("fails"))
        yield* same((client) => client.callTool("refuses"))
        yield* same((client) => Effect.map(client.readResource("acme:///note"), ({ contents }) => contents))
        yield* same((client) => Effect.map(client.readResource("acme:///users/ada"), ({ contents }) => contents))
        yield* same((client) => client.readResource("acme:///users/nobody"))
        yield* same((client) => Effect.map(client.getPrompt("greet", { name: "Ada" }), ({ messages }) => messages))
        yield* same((client) =>
          client.complete({ ref: { type: "ref/prompt", name: "greet" }, argument: { name: "name", value: "a" } })
        )
        yield* same((client) =>
          client.complete({
            ref: { type: "ref/resource", uri: "acme:///users/{id}" },
            argument: { name: "id", value: "b" }
          })
        )
      }))

    it.effect("passes on progress to who asks for it, and logs at the level of their client", () =>
      Effect.gen(function*() {
        const client = yield* hops.client(server, pair, { logLevel: "info" })
        yield* client.callTool("talks", {}, { progressToken: "mine" })
        const told = (yield* client.notifications).map(({ params }) => params)
        assert.deepStrictEqual(told, [
          { progressToken: "mine", progress: 1, total: 2, message: "one" },
          { level: "warning", logger: "acme", data: "high" },
          { progressToken: "mine", progress: 2, total: 2 }
        ])
        yield* client.callTool("talks")
        assert.lengthOf(yield* client.notifications, 4)
      }))

    it.effect("passes on that a call is cancelled", () =>
      Effect.gen(function*() {
        const began = yield* Deferred.make<void>()
        const ended = yield* Deferred.make<void>()
        const never = Tool.make("never", {
          handler: () =>
            Deferred.succeed(began, undefined).pipe(
              Effect.andThen(Effect.never),
              Effect.onInterrupt(() => Deferred.succeed(ended, undefined))
            )
        })
        const client = yield* hops.client(McpServer.layer({ name: "acme", version: "1", tools: [never] }), pair)
        const call = yield* Effect.forkChild(client.callTool("never"))
        yield* Deferred.await(began)
        yield* Fiber.interrupt(call)
        yield* Deferred.await(ended)
      }))

    it.effect("answers many calls at once", () =>
      Effect.gen(function*() {
        const open = yield* Deferred.make<void>()
        let waiting = 0
        const waits = Tool.make("waits", {
          success: Schema.Int,
          handler: () =>
            Effect.suspend(() => {
              if (++waiting === 50) Deferred.doneUnsafe(open, Effect.void)
              return Effect.as(Deferred.await(open), waiting)
            })
        })
        const client = yield* hops.client(McpServer.layer({ name: "acme", version: "1", tools: [waits] }), pair)
        const results = yield* Effect.all(Array.from({ length: 50 }, () => client.callTool("waits")), {
          concurrency: "unbounded"
        })
        assert.isTrue(results.every(({ content }) => content.length === 1))
      }))
  })
}
