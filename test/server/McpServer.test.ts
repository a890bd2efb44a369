import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Budget from "fastmcp-effect/core/Budget"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"

const info = { name: "acme", version: "1.0.0" }

const named = (name: string) => Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(name) })

/** See Outcome.test.ts: an unadjusted test clock does not survive the interruption of a sleep. */
const quietClock = TestClock.adjust(0)

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

const namesOf = (client: McpTest.Client) => Effect.map(client.listTools, (tools) => tools.map(({ name }) => name))

/** Two tools of one name, told apart by what they say of themselves. */
const twice = (name: string) =>
  new DefinitionError.Duplicate({
    kind: "tool",
    name,
    definitions: [`${name}, which says nothing of itself`, `${name}, which says nothing of itself`]
  })

/** Why a server cannot be built. */
const refusal = (server: Layer.Layer<Receiver.Receiver, DefinitionError.DefinitionError>) =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(McpTest.client(server))
    assert.instanceOf(error, DefinitionError.DefinitionError)
    return error.reason
  })

const capabilities = {
  logging: {},
  completions: {},
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true }
}

describe("a server says of itself", () => {
  const server = McpServer.layer({
    ...info,
    title: "Acme",
    websiteUrl: "https://acme.example",
    instructions: "Be nice",
    tools: [named("b"), named("a")],
    cacheHints: { ttlMs: 5000, cacheScope: "public" }
  })

  it.effect("in initialize, what it is and what it can", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(server, { revision: "2025-11-25" })
      const [frame] = yield* client.frames
      assert.deepStrictEqual(JSON.parse(frame!).result, {
        protocolVersion: "2025-11-25",
        capabilities,
        serverInfo: { ...info, title: "Acme", websiteUrl: "https://acme.example" },
        instructions: "Be nice"
      })
    }))

  it.effect("in server/discover, the same with the versions it speaks and how long to believe it", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(server)
      const { _meta, ...discovered } = yield* client.request("server/discover")
      assert.deepStrictEqual(discovered, {
        resultType: "complete",
        supportedVersions: versions,
        capabilities,
        instructions: "Be nice",
        ttlMs: 5000,
        cacheScope: "public"
      })
      assert.deepStrictEqual(_meta, {
        "io.modelcontextprotocol/serverInfo": { ...info, title: "Acme", websiteUrl: "https://acme.example" }
      })
    }))

  for (const revision of versions) {
    it.effect(`in ${revision}, its tools in the order they were registered`, () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(server, { revision })
        assert.deepStrictEqual(yield* namesOf(client), ["b", "a"])
      }))
  }
})

describe("a definition that cannot be served fails the layer:", () => {
  it.effect("two tools of one name", () =>
    Effect.gen(function*() {
      const reason = yield* refusal(McpServer.layer({ ...info, tools: [named("a"), named("b"), named("a")] }))
      assert.deepStrictEqual(reason, twice("a"))
    }))

  it.effect("a registered tool of a name the server has", () =>
    Effect.gen(function*() {
      const reason = yield* refusal(
        McpServer.register(named("a")).pipe(Layer.provideMerge(McpServer.layer({ ...info, tools: [named("a")] })))
      )
      assert.deepStrictEqual(reason, twice("a"))
    }))

  for (const name of ["", "a b", "ü", "a/b", "x".repeat(129), "a\n", "a,b"]) {
    it.effect(`a tool called ${JSON.stringify(name.length > 9 ? `${name.slice(0, 9)}…` : name)}`, () =>
      Effect.gen(function*() {
        const reason = yield* refusal(McpServer.layer({ ...info, tools: [named(name)] }))
        assert.strictEqual(reason._tag, "InvalidDefinition")
      }))
  }

  it.effect("parameters that are no object", () =>
    Effect.gen(function*() {
      const reason = yield* refusal(McpServer.layer({
        ...info,
        tools: [Tool.make("text", { parameters: Schema.String, handler: () => Effect.void })]
      }))
      assert.deepStrictEqual(
        reason,
        new DefinitionError.InvalidDefinition({
          name: "text",
          message: "parameters: The input of a tool must be an object in JSON, got \"string\""
        })
      )
    }))

  it.effect("a header on a parameter that cannot be mirrored", () =>
    Effect.gen(function*() {
      const parameters = { ratio: Schema.Finite.annotate({ "x-mcp-header": "Ratio" }) }
      const reason = yield* refusal(McpServer.layer({
        ...info,
        tools: [Tool.make("mirrored", { parameters, handler: () => Effect.void })]
      }))
      assert.strictEqual(reason._tag, "InvalidDefinition")
    }))

  it.effect("and names at the edge of the rule do not", () =>
    Effect.gen(function*() {
      const names = ["x".repeat(128), "A-Z_0.9", "-", "constructor", "__proto__", "toString"]
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: names.slice(0, 4).map(named) }))
      assert.deepStrictEqual(yield* namesOf(client), names.slice(0, 4))
      for (const name of ["toString", "hasOwnProperty"]) {
        const refused = yield* Effect.flip(client.callTool(name))
        assert.strictEqual(refused.reason._tag, "InvalidParams")
      }
    }))
})

describe("while it runs", () => {
  for (const revision of versions) {
    it.effect(`in ${revision}, tools come and go`, () =>
      Effect.gen(function*() {
        const context = yield* Layer.build(McpServer.layer({ ...info, tools: [named("a")] }))
        const server = Context.get(context, McpServer.McpServer)
        const client = yield* McpTest.client(Layer.succeedContext(context), { revision })
        yield* server.add(named("b"), named("c"))
        assert.deepStrictEqual(yield* namesOf(client), ["a", "b", "c"])
        assert.strictEqual(yield* client.call(named("c"), {}), "c")
        yield* server.remove("tools", "a", "nobody", "c")
        assert.deepStrictEqual(yield* namesOf(client), ["b"])
        const refused = yield* Effect.flip(client.callTool("c"))
        assert.include(refused.message, "Unknown tool: c")
      }))
  }

  it.effect("a set of tools is added whole or not at all", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(McpServer.layer({ ...info, tools: [named("a")] }))
      const server = Context.get(context, McpServer.McpServer)
      const client = yield* McpTest.client(Layer.succeedContext(context))
      const error = yield* Effect.flip(server.add(named("b"), named("a")))
      assert.deepStrictEqual(error.reason, twice("a"))
      assert.deepStrictEqual(yield* namesOf(client), ["a"])
    }))

  it.effect("a stateful client is told of each change once it is initialized, until it goes", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(McpServer.layer(info))
      const server = Context.get(context, McpServer.McpServer)
      const scope = yield* Scope.make()
      const client = yield* Scope.provide(
        McpTest.client(Layer.succeedContext(context), { revision: "2025-11-25" }),
        scope
      )
      const told = Effect.andThen(
        McpTest.settle,
        Effect.map(client.notifications, (sent) => sent.map(({ method }) => method))
      )
      const changed = "notifications/tools/list_changed"
      yield* server.add(named("a"))
      assert.deepStrictEqual(yield* told, [changed])
      yield* server.remove("tools", "a")
      assert.deepStrictEqual(yield* told, [changed, changed])
      yield* server.remove("tools", "a")
      yield* server.add()
      assert.deepStrictEqual(yield* told, [changed, changed])
      yield* Scope.close(scope, Exit.void)
      yield* server.add(named("a"))
      assert.deepStrictEqual(yield* told, [changed, changed])
    }))

  it.effect("a call that began goes on when its tool is removed", () =>
    Effect.gen(function*() {
      yield* quietClock
      const slow = Tool.make("slow", {
        success: Schema.String,
        handler: () => Effect.delay(Effect.succeed("done"), "1 second")
      })
      const context = yield* Layer.build(McpServer.layer({ ...info, tools: [slow] }))
      const client = yield* McpTest.client(Layer.succeedContext(context))
      const call = yield* Effect.forkChild(client.call(slow, {}))
      yield* McpTest.settle
      yield* Context.get(context, McpServer.McpServer).remove("tools", "slow")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(call), "done")
    }))
})

describe("McpServer.register", () => {
  class Greeting extends Context.Service<Greeting, string>()("test/McpServer/Greeting") {}
  const greet = (name: string) => Tool.make(name, { success: Schema.String, handler: () => Greeting })

  it.effect("adds tools with the services of their own layer, for as long as that lives", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(McpServer.layer(info))
      const client = yield* McpTest.client(Layer.succeedContext(context))
      const scope = yield* Scope.make()
      const registered = (name: string, greeting: string) =>
        McpServer.register(greet(name)).pipe(
          Layer.provide(Layer.succeed(Greeting, greeting)),
          Layer.provide(Layer.succeedContext(context))
        )
      yield* Layer.buildWithScope(Layer.merge(registered("en", "hello"), registered("it", "ciao")), scope)
      assert.deepStrictEqual((yield* namesOf(client)).toSorted(), ["en", "it"])
      assert.strictEqual(yield* client.call(greet("en"), {}), "hello")
      assert.strictEqual(yield* client.call(greet("it"), {}), "ciao")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* namesOf(client), [])
    }))
})

describe("two servers in one program", () => {
  for (const revision of versions) {
    it.effect(`share nothing, in ${revision}`, () =>
      Effect.gen(function*() {
        const started: Array<string> = []
        const same = (who: string) =>
          Tool.make("same", {
            success: Schema.String,
            handler: () => Effect.andThen(Effect.sync(() => started.push(who)), Effect.succeed(who))
          })
        const build = (who: string) => Layer.build(McpServer.layer({ name: who, version: "1", tools: [same(who)] }))
        const left = yield* build("left")
        const right = yield* build("right")
        const toLeft = yield* McpTest.client(Layer.succeedContext(left), { revision })
        const toRight = yield* McpTest.client(Layer.succeedContext(right), { revision })
        assert.strictEqual(yield* toLeft.call(same(""), {}), "left")
        assert.strictEqual(yield* toRight.call(same(""), {}), "right")
        yield* Context.get(left, McpServer.McpServer).add(named("more"))
        yield* McpTest.settle
        assert.deepStrictEqual(yield* namesOf(toLeft), ["same", "more"])
        assert.deepStrictEqual(yield* namesOf(toRight), ["same"])
        assert.deepStrictEqual(yield* toRight.notifications, [])
        assert.deepStrictEqual(started, ["left", "right"])
      }))
  }
})

describe("a tool that requires a capability", () => {
  const requiring = (requires: McpSchema.ClientCapabilities) => {
    let runs = 0
    const tool = Tool.make("needy", {
      requires,
      success: Schema.Int,
      handler: () => Effect.sync(() => ++runs)
    })
    return (capabilities: McpSchema.ClientCapabilities, revision: Revisions.Version = "2026-07-28") =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }), { revision, capabilities })
        const before = runs
        const outcome = yield* Outcome.fromEffect(client.call(tool, {}))
        const frame = JSON.parse((yield* client.frames).at(-1)!)
        return { served: Outcome.isOk(outcome), ran: runs > before, error: frame.error }
      })
  }

  it.effect("is refused with -32021 and what is missing, before it runs", () =>
    Effect.gen(function*() {
      const requires = { sampling: { tools: {} }, elicitation: { url: {} } }
      const { error, ran } = yield* requiring(requires)({ elicitation: { form: {} }, sampling: { tools: {} } })
      assert.isFalse(ran)
      assert.strictEqual(error.code, -32021)
      assert.deepStrictEqual(error.data, { requiredCapabilities: { elicitation: { url: {} } } })
      const stateful = yield* requiring(requires)({}, "2025-11-25")
      assert.isFalse(stateful.ran)
      assert.strictEqual(stateful.error.code, -32602)
      assert.deepStrictEqual(stateful.error.data, { requiredCapabilities: requires })
    }))

  it.effect("is served to a client that declared it", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<
        readonly [requires: McpSchema.ClientCapabilities, declared: McpSchema.ClientCapabilities, served: boolean]
      > = [
        [{}, {}, true],
        [{ sampling: {} }, { sampling: {} }, true],
        [{ sampling: {} }, { sampling: { tools: {} } }, true],
        [{ sampling: { tools: {} } }, { sampling: {} }, false],
        [{ elicitation: {} }, { elicitation: { url: {} } }, true],
        [{ elicitation: { form: {} } }, { elicitation: {} }, true],
        [{ elicitation: { form: {} } }, { elicitation: { url: {} } }, false],
        [{ elicitation: { url: {} } }, { elicitation: {} }, false],
        [{ roots: { listChanged: true } }, { roots: {} }, false],
        [{ roots: { listChanged: true } }, { roots: { listChanged: false } }, false],
        [{ roots: { listChanged: true } }, { roots: { listChanged: true } }, true],
        [{ extensions: { "example.com/a": {} } }, { extensions: { "example.com/b": {} } }, false],
        [{ extensions: { "example.com/a": {} } }, { extensions: { "example.com/a": { deep: true } } }, true]
      ]
      for (const [requires, declared, served] of cases) {
        for (const revision of ["2025-11-25", "2026-07-28"] as const) {
          const result = yield* requiring(requires)(declared, revision)
          assert.deepStrictEqual(
            { served: result.served, ran: result.ran },
            { served, ran: served },
            JSON.stringify({ requires, declared, revision })
          )
        }
      }
    }))

  it.effect("is served to an older client by what its revision knows of the capability, whatever it declares", () =>
    Effect.gen(function*() {
      const older = ["2024-11-05", "2025-03-26", "2025-06-18"] as const
      const cases: ReadonlyArray<
        readonly [
          requires: McpSchema.ClientCapabilities,
          declared: McpSchema.ClientCapabilities,
          served: ReadonlyArray<Revisions.Version>
        ]
      > = [
        [{ sampling: {} }, { sampling: {} }, older],
        [{ sampling: {} }, {}, []],
        [{ sampling: { context: {} } }, { sampling: {} }, older],
        [{ sampling: { tools: {} } }, { sampling: { tools: {} } }, []],
        [{ roots: { listChanged: true } }, { roots: { listChanged: true } }, older],
        [{ elicitation: {} }, { elicitation: {} }, ["2025-06-18"]],
        [{ elicitation: { form: {} } }, { elicitation: {} }, ["2025-06-18"]],
        [{ elicitation: { url: {} } }, { elicitation: { url: {} } }, []],
        [{ extensions: { "example.com/a": {} } }, { extensions: { "example.com/a": {} } }, older]
      ]
      for (const [requires, declared, served] of cases) {
        for (const revision of older) {
          const result = yield* requiring(requires)(declared, revision)
          assert.strictEqual(
            result.ran,
            served.includes(revision),
            JSON.stringify({ requires, declared, revision })
          )
        }
      }
    }))
})

describe("limits on a request", () => {
  const remaining = Tool.make("remaining", {
    success: Schema.Struct({ cost: Schema.Number, polls: Schema.Number, seconds: Schema.Number }),
    handler: () =>
      Effect.map(Budget.remaining, ({ cost, polls, timeLeft }) => ({
        cost: Math.min(cost, 1e9),
        polls: Math.min(polls, 1e9),
        seconds: Math.min(Duration.toSeconds(timeLeft), 1e9)
      }))
  })
  const never = Tool.make("never", { handler: () => Effect.never })
  const look = (options: Pick<McpServer.Options<[], [], [], [], []>, "budget" | "requestTimeout">) =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(McpServer.layer({ ...info, ...options, tools: [remaining, never] }))
      return { client, left: yield* client.call(remaining, {}) }
    })

  it.effect("are 30 seconds and nothing else when nobody says", () =>
    Effect.gen(function*() {
      yield* quietClock
      const { client, left } = yield* look({})
      assert.deepStrictEqual(left, { cost: 1e9, polls: 1e9, seconds: 30 })
      const call = yield* Effect.forkChild(client.call(never, {}))
      yield* McpTest.settle
      yield* TestClock.adjust("29999 millis")
      yield* McpTest.settle
      assert.isUndefined(call.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Outcome.await(call), Outcome.cancelled("Deadline"))
    }))

  it.effect("are those of the options, for each request anew", () =>
    Effect.gen(function*() {
      const { client, left } = yield* look({
        budget: Budget.make({ costQuota: 5, pollQuota: 7 }),
        requestTimeout: "3 seconds"
      })
      assert.deepStrictEqual(left, { cost: 5, polls: 7, seconds: 3 })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* client.call(remaining, {}), left)
    }))

  it.effect("end a request that goes over them", () =>
    Effect.gen(function*() {
      const spend = Tool.make("spend", {
        parameters: { cost: Schema.Int, polls: Schema.Int },
        handler: ({ cost, polls }) =>
          Effect.andThen(Budget.spend(cost), Effect.forEach(Array.from({ length: polls }), () => Budget.checkpoint))
      })
      const client = yield* McpTest.client(
        McpServer.layer({ ...info, tools: [spend], budget: Budget.make({ costQuota: 5, pollQuota: 7 }) })
      )
      const end = (cost: number, polls: number) => Outcome.fromEffect(client.call(spend, { cost, polls }))
      assert.deepStrictEqual(yield* end(5, 7), Outcome.ok(undefined))
      assert.deepStrictEqual(yield* end(6, 0), Outcome.cancelled("CostBudget"))
      assert.deepStrictEqual(yield* end(0, 8), Outcome.cancelled("PollQuota"))
    }))

  it.effect("of time are none with an infinite timeout", () =>
    Effect.gen(function*() {
      yield* quietClock
      const { client, left } = yield* look({ requestTimeout: Duration.infinity })
      assert.strictEqual(left.seconds, 1e9)
      const call = yield* Effect.forkChild(client.call(never, {}))
      yield* McpTest.settle
      yield* TestClock.adjust("365 days")
      yield* McpTest.settle
      assert.isUndefined(call.pollUnsafe())
      yield* Fiber.interrupt(call)
    }))

  it.effect("of number refuse what comes on top, and no longer when there is room", () =>
    Effect.gen(function*() {
      yield* quietClock
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [never, named("a")], maxInFlight: 2 }))
      const calls = yield* Effect.forEach([1, 2], () => Effect.forkScoped(client.call(never, {})))
      yield* McpTest.settle
      const refused = yield* Effect.flip(client.callTool("a"))
      assert.instanceOf(refused, McpError.McpError)
      assert.strictEqual(refused.reason._tag, "Overloaded")
      assert.strictEqual(JSON.parse((yield* client.frames).at(-1)!).error.code, 503)
      yield* Fiber.interrupt(calls[0]!)
      yield* McpTest.settle
      assert.strictEqual(yield* client.call(named("a"), {}), "a")
    }))
})

describe("an option that could never work", () => {
  for (const option of ["pageSize", "concurrency", "sessionConcurrency"] as const) {
    for (const value of [0, -1, 1.5, NaN]) {
      it.effect(`is refused when the server is made: ${option} ${value}`, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(Layer.build(McpServer.layer({ ...info, [option]: value })))
          assert.include(error.message, `its ${option} is a whole number of at least 1, not ${value}`)
        }))
    }
  }
})
