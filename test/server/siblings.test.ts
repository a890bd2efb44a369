/**
 * A handler that uses the other definitions of its server: calls a tool, reads a resource, gets a prompt. What a nested
 * call of a tool is in particular is in nestedCalls.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Budget from "fastmcp-effect/core/Budget"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as visitors from "./visitors.ts"
import * as wires from "./wires.ts"

const info = { name: "siblings", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

/** See Outcome.test.ts: an unadjusted test clock does not survive the interruption of a sleep. */
const quietClock = TestClock.adjust(0)

const { RequestContext: Request } = RequestContext

/** The text of whatever came back. */
const textOf = (result: object): string => /"text":"([^"]*)"/u.exec(JSON.stringify(result))![1]!

type Way = "callTool" | "readResource" | "getPrompt"

/** The three ways to use `definitions(answer)`, and the method each is of. */
const ways: { readonly [way in Way]: { readonly method: string; readonly label: string } } = {
  callTool: { method: "tools/call", label: "tool" },
  readResource: { method: "resources/read", label: "resource" },
  getPrompt: { method: "prompts/get", label: "prompt" }
}

const wayNames = Object.keys(ways) as ReadonlyArray<Way>

const use = (way: Way): Effect.Effect<object, McpError.McpError, RequestContext.RequestContext> =>
  Request.use((request): Effect.Effect<object, McpError.McpError> =>
    way === "callTool"
      ? request.callTool({ name: "tool" })
      : way === "readResource"
      ? request.readResource({ uri: "test:///resource" })
      : request.getPrompt({ name: "prompt" })
  )

/** What is used, whichever way: each answers with `answer`. */
const targets = <R>(answer: Effect.Effect<string, McpError.McpError, R>) =>
  [
    Tool.make("tool", { success: Schema.String, failure: Schema.Never, handler: () => Effect.orDie(answer) }),
    Resource.make("test:///resource", { handler: answer }),
    Prompt.make("prompt", { handler: () => answer })
  ] as const

/** What uses them, in whichever way its caller says; each kind can. */
const users = [
  Tool.make("user", {
    parameters: { way: Schema.Literals(wayNames) },
    success: Schema.String,
    handler: ({ way }) => Effect.orDie(Effect.map(use(way), textOf))
  }),
  ResourceTemplate.make("test:///user/{way}", {
    name: "user",
    parameters: { way: Schema.Literals(wayNames) },
    handler: ({ way }) => Effect.map(use(way), textOf)
  }),
  Prompt.make("user", {
    arguments: { way: Schema.Literals(wayNames) },
    handler: ({ way }) => Effect.map(use(way), textOf)
  })
] as const

/** Has a user of each kind use a target. */
const asUsers: {
  readonly [way in Way]: (client: McpTest.Client, way: Way) => Effect.Effect<object, McpError.McpError>
} = {
  callTool: (client, way) => client.callTool("user", { way }),
  readResource: (client, way) => client.readResource(`test:///user/${way}`),
  getPrompt: (client, way) => client.getPrompt("user", { way })
}

const serve = <R>(
  answer: Effect.Effect<string, McpError.McpError, R>,
  options: Partial<McpServer.Options<[], [], [], ReadonlyArray<Middleware.Any>, []>> = {}
) => {
  const [tool, resource, prompt] = targets(answer)
  const [userTool, userTemplate, userPrompt] = users
  return Layer.build(
    McpServer.layer({
      ...info,
      ...options as {},
      tools: [tool, userTool],
      resources: [resource, userTemplate],
      prompts: [prompt, userPrompt]
    })
  ) as Effect.Effect<Context.Context<any>, never, never>
}

for (const revision of versions) {
  describe(`in ${revision} a handler`, () => {
    it.effect("of each kind can use each kind", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(Layer.succeedContext(yield* serve(Effect.succeed("used"))), { revision })
        for (const user of wayNames) {
          for (const way of wayNames) {
            assert.strictEqual(textOf(yield* asUsers[user](client, way)), "used", `${user} ${way}`)
          }
        }
      }))

    it.effect("gets the middleware's say on what it uses, as on a request of its own", () =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const watch = Middleware.make(({ context, method, params, tool }, next) =>
          Effect.suspend(() => {
            const { name, uri } = params as { name?: string; uri?: string }
            if (method !== "initialize") seen.push(`${method} ${name ?? uri} ${tool?.name} ${context.method}`)
            return next
          })
        )
        const client = yield* McpTest.client(
          Layer.succeedContext(yield* serve(Effect.succeed("used"), { middleware: [watch] })),
          { revision }
        )
        for (const way of wayNames) yield* client.callTool("user", { way })
        const user = "tools/call user user tools/call"
        assert.deepStrictEqual(seen, [
          user,
          "tools/call tool tool tools/call",
          user,
          "resources/read test:///resource undefined resources/read",
          user,
          "prompts/get prompt undefined prompts/get"
        ])
      }))

    it.effect("is refused what the middleware refuses, and goes on", () =>
      Effect.gen(function*() {
        const refuse = Middleware.make(({ params }, next) =>
          ["tool", "prompt", "test:///resource"].includes(
              (params as { name?: string }).name ?? (params as { uri?: string }).uri ?? ""
            )
            ? Effect.fail(McpError.make(new McpError.RateLimited({})))
            : next
        )
        const outcomes = Tool.make("outcomes", {
          success: Schema.Array(Schema.String),
          handler: () =>
            Effect.forEach(wayNames, (way) =>
              Effect.match(use(way), {
                onFailure: ({ reason }) => reason._tag as string,
                onSuccess: () => "used"
              }))
        })
        const context = yield* serve(Effect.succeed("used"), { middleware: [refuse] })
        yield* Context.get(context, McpServer.McpServer).add(outcomes)
        const client = yield* McpTest.client(Layer.succeedContext(context), { revision })
        assert.deepStrictEqual(yield* client.call(outcomes, {}), ["RateLimited", "RateLimited", "RateLimited"])
      }))

    it.effect("keeps its caller's identity in what it uses", () =>
      Effect.gen(function*() {
        const whoami = Effect.map(Identity.CurrentIdentity, ({ subject }) => subject ?? "nobody")
        const context = yield* serve(whoami)
        for (const name of ["ann", "bob", undefined]) {
          const client = yield* visitors.visit(context, name, { revision })
          for (const way of wayNames) {
            assert.strictEqual(textOf(yield* client.callTool("user", { way })), name ?? "nobody", way)
          }
        }
      }))
  })
}

describe("what a handler uses", () => {
  it.effect("has what is left of the request's budget, and uses it up", () =>
    Effect.gen(function*() {
      const spend = Effect.gen(function*() {
        const before = (yield* Budget.remaining).cost
        yield* Budget.spend(3)
        return String(before)
      })
      const all = Tool.make("all", {
        success: Schema.Array(Schema.String),
        handler: () => Effect.orDie(Effect.forEach([...wayNames, ...wayNames], (way) => Effect.map(use(way), textOf)))
      })
      const context = yield* serve(spend, { budget: Budget.make({ costQuota: 18 }) })
      yield* Context.get(context, McpServer.McpServer).add(all)
      const client = yield* McpTest.client(Layer.succeedContext(context))
      assert.deepStrictEqual(yield* client.call(all, {}), ["18", "15", "12", "9", "6", "3"])
      // And not one more.
      const more = Tool.make("more", {
        handler: () => Effect.orDie(Effect.forEach(Array.from({ length: 7 }, () => "getPrompt" as const), use))
      })
      yield* Context.get(context, McpServer.McpServer).add(more)
      assert.deepStrictEqual(yield* Outcome.fromEffect(client.call(more, {})), Outcome.cancelled("CostBudget"))
    }))

  for (const way of wayNames) {
    it.effect(`ends when the request's time is up: ${way}`, () =>
      Effect.gen(function*() {
        yield* quietClock
        const ended: Array<string> = []
        const slow = Effect.onExit(Effect.never, (exit) =>
          Effect.sync(() => {
            const outcome = Outcome.fromExit(exit)
            ended.push(outcome._tag === "Cancelled" ? outcome.reason : outcome._tag)
          }))
        const client = yield* McpTest.client(
          Layer.succeedContext(yield* serve(slow, { requestTimeout: "10 seconds" }))
        )
        const call = yield* Effect.forkChild(client.callTool("user", { way }))
        yield* McpTest.settle
        yield* TestClock.adjust("9999 millis")
        yield* McpTest.settle
        assert.deepStrictEqual(ended, [])
        yield* TestClock.adjust("1 millis")
        yield* McpTest.settle
        assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled("Deadline"))
        assert.deepStrictEqual(ended, ["Deadline"])
      }))

    it.effect(`runs with the services it was assembled with: ${way}`, () =>
      Effect.gen(function*() {
        class Place extends Context.Service<Place, string>()("test/siblings/Place") {}
        const [tool, resource, prompt] = targets(Place)
        const back = Tool.make("back", {
          success: Schema.Array(Schema.String),
          handler: Effect.fnUntraced(function*() {
            const before = yield* Place
            const there = textOf(yield* Effect.orDie(use(way)))
            return [before, there, yield* Place]
          })
        })
        const server = Layer.mergeAll(
          McpServer.register(tool, resource, prompt).pipe(Layer.provide(Layer.succeed(Place, "theirs"))),
          McpServer.register(back).pipe(Layer.provide(Layer.succeed(Place, "mine")))
        ).pipe(Layer.provideMerge(McpServer.layer(info)))
        const client = yield* McpTest.client(server)
        assert.deepStrictEqual(yield* client.call(back, {}), ["mine", "theirs", "mine"])
      }))
  }

  it.effect("is 10 deep at most, however the kinds are mixed, and one more is refused", () =>
    Effect.gen(function*() {
      const depth = (n: number): Effect.Effect<string, McpError.McpError, RequestContext.RequestContext> =>
        n === 0 ? Effect.succeed("bottom") : Effect.map(
          Request.use((request): Effect.Effect<object, McpError.McpError> =>
            [
              () => request.callTool({ name: "down", arguments: { n: n - 1 } }),
              () => request.readResource({ uri: `test:///down/${n - 1}` }),
              () => request.getPrompt({ name: "down", arguments: { n: String(n - 1) } })
            ][n % 3]!()
          ),
          textOf
        )
      const template = ResourceTemplate.make("test:///down/{n}", {
        name: "down",
        parameters: { n: Schema.FiniteFromString },
        handler: ({ n }) => depth(n)
      })
      const client = yield* McpTest.client(McpServer.layer({
        ...info,
        tools: [
          Tool.make("down", {
            parameters: { n: Schema.Int },
            success: Schema.String,
            handler: ({ n }) => Effect.catch(depth(n), (error) => Effect.succeed(error.message))
          })
        ],
        resources: [template],
        prompts: [
          Prompt.make("down", { arguments: { n: Schema.FiniteFromString }, handler: ({ n }) => depth(n) })
        ]
      }))
      for (const n of [1, 2, 3, 10]) {
        assert.strictEqual(textOf(yield* client.callTool("down", { n })), "bottom")
        assert.strictEqual(textOf(yield* client.readResource(`test:///down/${n}`)), "bottom")
        assert.strictEqual(textOf(yield* client.getPrompt("down", { n: String(n) })), "bottom")
      }
      for (const result of [yield* client.callTool("down", { n: 11 }), yield* client.callTool("down", { n: 99 })]) {
        assert.strictEqual(textOf(result), "Handlers may use each other 10 deep at most.")
      }
    }))

  it.effect("that dies takes its caller's request with it, without a word of why", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(
        Layer.succeedContext(yield* serve(Effect.die(new Error("hunter2"))))
      )
      for (const way of wayNames) {
        const refused = yield* Effect.flip(client.callTool("user", { way }))
        assert.strictEqual(refused.reason._tag, "InternalError")
      }
      assert.notInclude((yield* client.frames).join(), "hunter2")
    }))

  it.effect("is nobody's when nobody has it, and says so", () =>
    Effect.gen(function*() {
      const peek = Tool.make("peek", {
        success: Schema.Array(Schema.String),
        handler: () =>
          Request.use((request) => {
            const nobodys: ReadonlyArray<Effect.Effect<object, McpError.McpError>> = [
              request.callTool({ name: "none" }),
              request.readResource({ uri: "test:///none" }),
              request.getPrompt({ name: "none" })
            ]
            return Effect.orDie(
              Effect.forEach(nobodys, (use) => Effect.map(Effect.flip(use), (error) => error.message))
            )
          })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [peek] }))
      assert.deepStrictEqual(yield* client.call(peek, {}), [
        "Unknown tool: none",
        "Resource not found: test:///none",
        "Unknown prompt: none"
      ])
    }))
})

describe("siblings over a wire", () => {
  for (const name of wires.names) {
    for (const era of wires.eras) {
      it.effect(`answer, and end with the request that is cancelled: ${name}, ${era.toLowerCase()} era`, () =>
        Effect.gen(function*() {
          yield* quietClock
          const ended: Array<string> = []
          const started: Array<string> = []
          const [tool, resource, prompt] = targets(Effect.succeed("used"))
          const stuck = Prompt.make("stuck", {
            handler: () =>
              Effect.andThen(Effect.sync(() => started.push("stuck")), Effect.never).pipe(
                Effect.onExit((exit) =>
                  Effect.sync(() => {
                    const outcome = Outcome.fromExit(exit)
                    ended.push(`stuck ${outcome._tag === "Cancelled" ? outcome.reason : outcome._tag}`)
                  })
                )
              )
          })
          const waits = Tool.make("waits", {
            handler: () =>
              Request.use((request) => Effect.orDie(Effect.asVoid(request.getPrompt({ name: "stuck" })))).pipe(
                Effect.onExit(() => Effect.sync(() => ended.push("waits")))
              )
          })
          const [userTool, userTemplate, userPrompt] = users
          const server = McpServer.layer({
            ...info,
            tools: [tool, userTool, waits],
            resources: [resource, userTemplate],
            prompts: [prompt, userPrompt, stuck]
          })
          const wire = yield* wires.open(name, era, server)
          for (const [index, way] of wayNames.entries()) {
            wire.send(wires.call(era, index, "user", { way }))
            assert.strictEqual(textOf((yield* wires.answer(wire, index)).result), "used", way)
          }
          wire.send(wires.call(era, "stuck", "waits"))
          yield* wires.until(() => started.length === 1)
          wire.cancel("stuck")
          yield* wires.until(() => ended.length === 2)
          assert.deepStrictEqual(ended, ["stuck User", "waits"])
          yield* wires.turns()
          assert.isEmpty(wires.answersTo(wire, "stuck"))
          wire.send(wires.call(era, "after", "user", { way: "callTool" }))
          assert.strictEqual(textOf((yield* wires.answer(wire, "after")).result), "used")
        }))
    }
  }
})
