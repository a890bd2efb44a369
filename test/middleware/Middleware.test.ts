import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as McpRequest from "fastmcp-effect/context/McpRequest"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const info = { name: "middleware", version: "1.0.0" }

const hello = Tool.make("hello", { success: Schema.String, handler: () => Effect.succeed("hello") })

/** Writes down what passes by, on the way in and on the way out. */
const trail = (name: string, seen: Array<string>) =>
  Middleware.make((_request, next) =>
    Effect.sync(() => seen.push(`${name} in`)).pipe(
      Effect.andThen(next),
      Effect.tap(() => Effect.sync(() => seen.push(`${name} out`)))
    )
  )

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision} middleware`, () => {
    it.effect("runs in the order of its list, the first outermost", () =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const tool = Tool.make("tool", { handler: () => Effect.sync(() => void seen.push("handler")) })
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            tools: [tool],
            middleware: ["a", "b", "c"].map((name) => Middleware.forMethods(trail(name, seen), ["tools/call"]))
          }),
          { revision }
        )
        yield* client.call(tool, {})
        assert.deepStrictEqual(seen, ["a in", "b in", "c in", "handler", "c out", "b out", "a out"])
      }))

    it.effect("sees each request with its decoded params, its context and its tool", () =>
      Effect.gen(function*() {
        const seen: Array<unknown> = []
        const watch = Middleware.make(({ context, method, params, tool }, next) =>
          Effect.andThen(
            Effect.sync(() =>
              seen.push([method, context.revision.version, context.method, tool?.name, (params as any).name])
            ),
            next
          )
        )
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [hello], middleware: [watch] }), {
          revision
        })
        yield* client.listTools
        yield* client.callTool("hello")
        yield* Effect.exit(client.callTool("nobody"))
        const seenCalls = [
          ["tools/list", revision, "tools/list", undefined, undefined],
          ["tools/call", revision, "tools/call", "hello", "hello"],
          ["tools/call", revision, "tools/call", undefined, "nobody"]
        ]
        assert.deepStrictEqual(
          seen,
          revision === "2026-07-28"
            ? seenCalls
            // What revision it is to be has not been said when it comes.
            : [["initialize", "2025-11-25", "initialize", undefined, undefined], ...seenCalls]
        )
      }))

    it.effect("sees every way a request can end", () =>
      Effect.gen(function*() {
        const ends: Array<unknown> = []
        const watch = Middleware.forMethods(
          Middleware.make((_request, next) =>
            Effect.onExit(next, (exit) =>
              Effect.sync(() => {
                const outcome = Outcome.fromExit(exit)
                ends.push(
                  Outcome.isOk(outcome)
                    ? (outcome.value as { isError?: boolean }).isError ?? false
                    : Outcome.isErr(outcome)
                    ? outcome.error.reason._tag
                    : outcome
                )
              }))
          ),
          ["tools/call"]
        )
        const tool = (name: string, run: Effect.Effect<void, string | McpError.McpError>) =>
          Tool.make(name, { failure: Schema.String, handler: () => run })
        const tools = [
          tool("fine", Effect.void),
          tool("declared", Effect.fail("no")),
          tool("refuses", Effect.fail(McpError.make(new McpError.RateLimited({})))),
          tool("panics", Effect.die("a bug")),
          tool("cancels", Outcome.interruptSelf("CostBudget"))
        ]
        const never = tool("never", Effect.never)
        const client = yield* McpTest.client(
          McpServer.layer({ ...info, tools: [...tools, never], middleware: [watch] }),
          { revision }
        )
        for (const { name } of tools) yield* Effect.exit(client.callTool(name))
        yield* Effect.exit(client.callTool("fine", { a: 1 }))
        yield* Effect.exit(client.callTool("nobody"))
        const fiber = yield* Effect.forkChild(client.callTool("never"), { startImmediately: true })
        yield* McpTest.settle
        yield* Fiber.interrupt(fiber)
        yield* McpTest.settle
        assert.deepStrictEqual(ends, [
          false,
          true,
          "RateLimited",
          Outcome.panicked("a bug"),
          Outcome.cancelled("CostBudget"),
          false,
          "ToolNotFound",
          Outcome.cancelled("User")
        ])
      }))

    it.effect("may answer in place, change an answer, and refuse", () =>
      Effect.gen(function*() {
        let runs = 0
        const counted = Tool.make("counted", {
          parameters: { how: Schema.String },
          success: Schema.String,
          handler: () => Effect.sync(() => String(++runs))
        })
        const text = (text: string) => ({ content: [{ type: "text" as const, text }] })
        const meddle = Middleware.make(({ params }, next) => {
          switch ((params as { arguments?: { how?: string } }).arguments?.how) {
            case "instead":
              return Effect.succeed(text("instead"))
            case "changed":
              return Effect.map(next, () => text("changed"))
            case "refused":
              return Effect.fail(McpError.make(new McpError.Overloaded({ message: "not now" })))
            case "mended":
              return Effect.andThen(Effect.ignore(next), Effect.succeed(text("mended")))
            default:
              return next
          }
        })
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [counted], middleware: [meddle] }), {
          revision
        })
        assert.strictEqual(yield* client.call(counted, { how: "instead" }), "instead")
        assert.strictEqual(runs, 0)
        assert.strictEqual(yield* client.call(counted, { how: "changed" }), "changed")
        assert.strictEqual(yield* client.call(counted, { how: "mended" }), "mended")
        assert.strictEqual(runs, 2)
        assert.deepStrictEqual(
          yield* Effect.flip(client.call(counted, { how: "refused" })),
          McpError.make(new McpError.Overloaded({ message: "not now" }))
        )
      }))

    it.effect("that throws is an internal error, and the connection lives", () =>
      Effect.gen(function*() {
        const broken = Middleware.forMethods(
          Middleware.make((): Middleware.Next => {
            throw new Error("the secret of the defect")
          }),
          ["tools/call"]
        )
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [hello], middleware: [broken] }), {
          revision
        })
        assert.strictEqual((yield* Effect.flip(client.callTool("hello"))).reason._tag, "InternalError")
        assert.lengthOf(yield* client.listTools, 1)
        assert.notInclude((yield* client.frames).join(), "secret")
      }))

    it.effect("only concerns the methods it is for", () =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const watch = Middleware.make(({ method }, next) => Effect.andThen(Effect.sync(() => seen.push(method)), next))
        const client = yield* McpTest.client(
          McpServer.layer({ ...info, tools: [hello], middleware: [Middleware.forMethods(watch, ["tools/list"])] }),
          { revision }
        )
        yield* client.callTool("hello")
        yield* client.listTools
        assert.deepStrictEqual(seen, ["tools/list"])
      }))
  })
}

describe("Middleware.provide", () => {
  class Who extends McpRequest.Service<Who, { readonly name: string }>()("test/Middleware/Who") {}

  const whoami = Tool.make("whoami", { success: Schema.String, handler: () => Effect.map(Who, ({ name }) => name) })

  it.effect("supplies a service to each request by itself, also to the middleware inside it", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      let made = 0
      const identify = Middleware.provide(Who, ({ context }) =>
        Effect.sync(() => {
          made++
          return { name: String(context.meta["example.com/who"]) }
        }))
      const greet = Middleware.make((_request, next) =>
        Effect.flatMap(Who, ({ name }) => Effect.andThen(Effect.sync(() => seen.push(name)), next))
      )
      const client = yield* McpTest.client(
        McpServer.layer({ ...info, tools: [whoami], middleware: [identify, greet] })
      )
      const names = ["Ann", "Bob", "Cid"]
      const answers = yield* Effect.forEach(
        names,
        (name) => client.call(whoami, {}, { meta: { "example.com/who": name } }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(answers, names)
      assert.deepStrictEqual(seen, names)
      assert.strictEqual(made, 3)
    }))

  it.effect("refuses the request when it fails, before the handler runs", () =>
    Effect.gen(function*() {
      const refuse = Middleware.provide(Who, () => Effect.fail(McpError.invalidRequest("say who you are")))
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [whoami], middleware: [refuse] }))
      assert.deepStrictEqual(
        yield* Effect.flip(client.call(whoami, {})),
        McpError.invalidRequest("say who you are")
      )
    }))

  it.effect("lets the innermost of two have the last word", () =>
    Effect.gen(function*() {
      const as = (name: string) => Middleware.provide(Who, () => Effect.succeed({ name }))
      const client = yield* McpTest.client(
        McpServer.layer({ ...info, tools: [whoami], middleware: [as("outer"), as("inner")] })
      )
      assert.strictEqual(yield* client.call(whoami, {}), "inner")
    }))
})

describe("services", () => {
  class Color extends Context.Service<Color, string>()("test/Middleware/Color") {}
  class Size extends Context.Service<Size, string>()("test/Middleware/Size") {}

  it.effect("of the middleware's layer and of a handler's stay apart under one key", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const note = (at: string) => Effect.flatMap(Color, (color) => Effect.sync(() => seen.push(`${at} ${color}`)))
      const paint = (name: string) =>
        Middleware.forMethods(
          Middleware.make((_request, next) =>
            note(`${name} before`).pipe(Effect.andThen(next), Effect.tap(() => note(`${name} after`)))
          ),
          ["tools/call"]
        )
      const color = Tool.make("color", {
        success: Schema.Array(Schema.String),
        handler: () => Effect.map(Effect.all([Color, Size]), (all) => [...all])
      })
      const server = McpServer.register(color).pipe(
        Layer.provide(Layer.merge(Layer.succeed(Color, "handler's"), Layer.succeed(Size, "large"))),
        Layer.provideMerge(
          McpServer.layer({ ...info, middleware: [paint("outer"), paint("inner")] }).pipe(
            Layer.provide(Layer.succeed(Color, "middleware's"))
          )
        )
      )
      const client = yield* McpTest.client(server)
      assert.deepStrictEqual(yield* client.call(color, {}), ["handler's", "large"])
      assert.deepStrictEqual(
        seen,
        ["outer before", "inner before", "inner after", "outer after"].map((at) => `${at} middleware's`)
      )
    }))

  it.effect("a middleware supplies reach a handler past its own of the same key", () =>
    Effect.gen(function*() {
      const color = Tool.make("color", { success: Schema.String, handler: () => Color })
      const supply = Middleware.provide(Color, () => Effect.map(Color, (own) => `supplied from ${own}`))
      const server = McpServer.register(color).pipe(
        Layer.provide(Layer.succeed(Color, "handler's")),
        Layer.provideMerge(
          McpServer.layer({ ...info, middleware: [supply, Middleware.make((_request, next) => next)] }).pipe(
            Layer.provide(Layer.succeed(Color, "middleware's"))
          )
        )
      )
      const client = yield* McpTest.client(server)
      assert.strictEqual(yield* client.call(color, {}), "supplied from middleware's")
    }))

  it.effect("of a middleware are not there for a handler that nobody gave them to", () =>
    Effect.gen(function*() {
      const peek = Tool.make("peek", {
        success: Schema.Boolean,
        handler: () =>
          Effect.contextWith((context: Context.Context<never>) => Effect.succeed(context.mapUnsafe.has(Size.key)))
      })
      const tool = Effect.provideService(
        Middleware.compose(
          [Middleware.make((_request, next) => Effect.andThen(Size, next))],
          Context.make(Size, "large")
        )!(
          {
            method: "tools/call",
            params: {},
            context: yield* Effect.provide(RequestContext.RequestContext, RequestContext.layerNoop),
            tool: peek
          },
          Tool.respond(peek, {})
        ),
        Color,
        "handler's"
      )
      const answer = yield* tool
      assert.deepStrictEqual((answer as { structuredContent: unknown }).structuredContent, false)
    }))
})
