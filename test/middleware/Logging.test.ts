import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Logging from "fastmcp-effect/middleware/Logging"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { logging, serve, tool } from "./serving.ts"

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("each request is an entry of the server's log when it ends, and no client's", () => {
      const { layer, logged } = logging()
      return Effect.gen(function*() {
        const client = yield* McpTest.client(
          serve(
            [Logging.make()],
            tool("fine", Effect.delay(Effect.succeed("fine"), 25)),
            tool("fails", Effect.fail("no")),
            tool("refuses", Effect.fail(McpError.invalidRequest("no"))),
            tool("stops", Outcome.interruptSelf("CostBudget")),
            tool("dies", Effect.die(new Error("a bug")))
          ),
          { revision, identity: Identity.make({ subject: "ada" }), logLevel: "debug" }
        )
        const first = yield* Effect.forkChild(client.callTool("fine"))
        yield* McpTest.settle
        yield* TestClock.adjust(25)
        yield* Outcome.await(first)
        for (const name of ["fails", "refuses", "stops", "dies", "nobody"]) yield* Effect.exit(client.callTool(name))
        yield* client.listTools
        const entries = logged.filter(({ target, text }) => target === "requests" && !/initialize|setLevel/u.test(text))
        assert.deepStrictEqual(
          entries.map(({ level, millis, outcome, reason, text }) => [level, text, outcome, reason, millis]),
          [
            ["Info", "tools/call fine", "Ok", undefined, 25],
            ["Warn", "tools/call fails", "Err", undefined, 0],
            ["Warn", "tools/call refuses", "Err", "InvalidRequest", 0],
            ["Info", "tools/call stops", "Cancelled", "CostBudget", 0],
            ["Error", "tools/call dies", "Panicked", undefined, 0],
            ["Warn", "tools/call", "Err", "ToolNotFound", 0],
            ["Info", "tools/list", "Ok", undefined, 0]
          ]
        )
        assert.deepInclude(entries[0], { method: "tools/call", revision, subject: "ada", client: "McpTest" })
        assert.notProperty(entries[0], "params")
        const notified = JSON.stringify(yield* client.notifications)
        assert.notInclude(notified, "tools/call")
        assert.notInclude(JSON.stringify(entries), "a bug")
      }).pipe(Effect.provide(layer))
    })
  })
}

describe("Logging", () => {
  const login = Tool.make("login", {
    parameters: { user: Schema.String, password: Schema.String, nested: Schema.Struct({ pin: Schema.String }) },
    success: Schema.Struct({ access_token: Schema.String, text: Schema.String }),
    handler: ({ user }) => Effect.succeed({ access_token: "s3cret", text: user })
  })

  const entry = (options: Logging.Options, user: string) => {
    const { layer, logged } = logging()
    return Effect.gen(function*() {
      const client = yield* McpTest.client(serve([Logging.make(options)], login))
      yield* client.callTool("login", { user, password: "hunter2", nested: { pin: "1234" } })
      return logged.find(({ text }) => text === "tools/call login")!
    }).pipe(Effect.provide(layer))
  }

  it.effect("has params and results where it is told to, without secrets", () =>
    Effect.gen(function*() {
      const { params, result } = yield* entry({ payloads: true, redact: ["pin"] }, "ada")
      assert.deepInclude(JSON.parse(params as string), {
        arguments: { user: "ada", password: "<redacted>", nested: { pin: "<redacted>" } }
      })
      assert.deepInclude(JSON.parse(result as string), {
        structuredContent: { access_token: "<redacted>", text: "ada" }
      })
      const all = JSON.stringify([params, result])
      for (const secret of ["hunter2", "1234", "s3cret"]) assert.notInclude(all, secret)
    }))

  it.effect("cuts them short", () =>
    Effect.gen(function*() {
      const { params, result } = yield* entry({ payloads: true }, "x".repeat(5000))
      assert.lengthOf(params as string, 1003)
      assert.lengthOf(result as string, 1003)
      assert.lengthOf((yield* entry({ payloads: true, maxLength: 10 }, "ada")).params as string, 13)
    }))
})
