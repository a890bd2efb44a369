import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as ErrorHandling from "fastmcp-effect/middleware/ErrorHandling"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { serve, tool } from "./serving.ts"

class Reports extends Context.Service<Reports, { readonly write: (line: string) => Effect.Effect<void> }>()(
  "test/middleware/ErrorHandling/Reports"
) {}

class LockedError extends Error {}

const tools = [
  tool("fine", Effect.succeed("fine")),
  tool("fails", Effect.fail("no")),
  tool("refuses", Effect.fail(McpError.invalidRequest("the password of db7 is wrong"))),
  tool("stops", Outcome.interruptSelf("CostBudget")),
  tool("dies", Effect.die(new Error("a bug"))),
  tool("locked", Effect.die(new LockedError("row 7")))
]

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("each refusal and defect is told, with its request, and nothing else is", () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const handling = ErrorHandling.make({
          report: (failure, { method, tool }) =>
            Reports.use(({ write }) =>
              write(`${method} ${tool?.name} ${failure._tag === "Err" ? failure.error.reason._tag : failure.defect}`)
            )
        })
        const client = yield* McpTest.client(
          serve([handling], ...tools).pipe(
            Layer.provide(Layer.succeed(Reports, { write: (line) => Effect.sync(() => void lines.push(line)) }))
          ),
          { revision }
        )
        for (const { name } of tools) yield* Effect.exit(client.callTool(name))
        yield* Effect.exit(client.callTool("nobody"))
        assert.deepStrictEqual(lines, [
          "tools/call refuses InvalidRequest",
          "tools/call dies Error: a bug",
          "tools/call locked Error: row 7",
          "tools/call undefined ToolNotFound"
        ])
      }))

    it.effect("others stand in their place, and what has none stays as it is", () =>
      Effect.gen(function*() {
        const handling = ErrorHandling.make({
          map: (error) => error.reason._tag === "InvalidRequest" ? McpError.make(new McpError.Masked()) : error,
          onDefect: (defect) =>
            defect instanceof LockedError
              ? McpError.make(new McpError.Overloaded({ message: "It is locked.", retryAfter: 50 }))
              : undefined
        })
        const client = yield* McpTest.client(serve([handling], ...tools), { revision })
        const reason = (name: string) => Effect.map(Effect.flip(client.callTool(name)), ({ reason }) => reason)
        yield* Effect.flip(client.callTool("refuses"))
        const { error } = JSON.parse((yield* client.frames).at(-1)!)
        assert.strictEqual(error.code, 500)
        assert.notInclude(JSON.stringify(error), "db7")
        assert.deepInclude(yield* reason("locked"), { _tag: "Overloaded", retryAfter: 50 } as const)
        // On the wire it is that.
        assert.strictEqual((yield* reason("nobody"))._tag, "InvalidParams")
        assert.strictEqual((yield* reason("dies"))._tag, "InternalError")
        assert.deepStrictEqual(
          yield* Outcome.fromEffect(client.callTool("stops")),
          Outcome.cancelled("CostBudget")
        )
        assert.isTrue((yield* client.callTool("fails")).isError)
        assert.notProperty(yield* client.callTool("fine"), "isError")
      }))
  })
}
