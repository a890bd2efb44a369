import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as ClientGroup from "fastmcp-effect/client/ClientGroup"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as Memory from "fastmcp-effect/transport/Memory"
import * as wires from "./wire.ts"

const say = (name: string, text: string) =>
  Tool.make(name, { success: Schema.String, handler: () => Effect.succeed(text) })

interface ServerOptions {
  readonly tools?: ReadonlyArray<Tool.Handled<string, any, any, any, RequestContext.RequestContext>>
  readonly resources?: ReadonlyArray<
    Resource.Handled<string, any, never> | ResourceTemplate.Handled<string, any, any, never>
  >
  readonly prompts?: ReadonlyArray<Prompt.Handled<string, any, never>>
  readonly middleware?: ReadonlyArray<Middleware.Middleware<never, never>>
}

const server = (name: string, options: ServerOptions = {}) =>
  Layer.orDie(McpServer.layer({ name, version: "1.0.0", ...options }))

const memory = (name: string, options: ServerOptions = {}) => Layer.provide(Memory.layer, server(name, options))

/** Tools that are each named after what they answer. */
const telling = (name: string, ...tools: ReadonlyArray<string>) =>
  server(name, { tools: tools.map((tool) => say(tool, `${name}/${tool}`)) })

const add = (...definitions: ReadonlyArray<McpServer.Definition>) =>
  McpServer.McpServer.use((server) => Effect.orDie(server.add(...definitions))) as Effect.Effect<
    void,
    never,
    McpServer.McpServer | Scope.Scope
  >

const entry = (transport: Layer.Layer<ClientTransport.ClientTransport>) => ({ transport })

const textOf = (result: { readonly content: ReadonlyArray<{ readonly type: string; readonly text?: string }> }) =>
  result.content.map(({ text }) => text).join()

const names = (group: ClientGroup.Group) =>
  Effect.map(group.listTools(), ({ items, problems }) => ({
    tools: items.map(({ name }) => name),
    missing: problems.map(({ server }) => server)
  }))

const tags = (group: ClientGroup.Group) =>
  Effect.map(group.states, (states) => Object.fromEntries(states.map(({ server, state }) => [server, state._tag])))

const reasonOf = (error: ClientGroup.Failure) => error.reason

describe("several servers as one client", () => {
  it.effect("offer all their tools and prompts, each under its server's name, and take calls by that", () =>
    Effect.gen(function*() {
      const hello = Prompt.make("hello", {
        arguments: { name: Schema.String },
        handler: ({ name }) => Effect.succeed(`Hello, ${name}`)
      })
      const group = yield* ClientGroup.make({
        servers: {
          weather: entry(memory("weather", { tools: [say("forecast", "rain")] })),
          news: entry(memory("news", { tools: [say("forecast", "none")], prompts: [hello] }))
        }
      })
      const { items, problems } = yield* group.listTools()
      assert.deepStrictEqual(items.map(({ name, server }) => [server, name]), [
        ["weather", "weather_forecast"],
        ["news", "news_forecast"]
      ])
      assert.deepStrictEqual(problems, [])
      assert.strictEqual(textOf(yield* group.callTool("weather_forecast")), "rain")
      assert.strictEqual(textOf(yield* group.callTool("news_forecast")), "none")
      assert.deepStrictEqual((yield* group.listPrompts()).items.map(({ name }) => name), ["news_hello"])
      const { messages } = yield* group.getPrompt("news_hello", { name: "Ada" })
      assert.deepStrictEqual(messages[0]!.content, { type: "text", text: "Hello, Ada" })
      const unknown = yield* Effect.flip(group.callTool("sports_forecast"))
      assert.deepInclude(reasonOf(unknown), { _tag: "NotFound", kind: "tool", name: "sports_forecast", missing: [] })
      // Its own server says what it has not.
      assert.strictEqual((yield* Effect.flip(group.callTool("news_nothing")))._tag, "McpError")
    }))

  it.effect("give each server's own client, and the progress of a call as a stream", () =>
    Effect.gen(function*() {
      const group = yield* ClientGroup.make({
        servers: { weather: entry(memory("weather", { tools: [say("f", "x")] })) }
      })
      const client = yield* group.get("weather")
      assert.deepStrictEqual((yield* client.listTools()).map(({ name }) => name), ["f"])
      const events = yield* Stream.runCollect(group.callToolStream("weather_f"))
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Result"])
      assert.deepInclude(reasonOf(yield* Effect.flip(group.get("news"))), { _tag: "UnknownServer", server: "news" })
    }))

  it.effect("read a resource from the first server that lists it, then from the first with a template for it", () =>
    Effect.gen(function*() {
      const page = (text: string) =>
        ResourceTemplate.make("page://{id}", {
          name: "page",
          handler: () => Effect.succeed(text)
        })
      const group = yield* ClientGroup.make({
        servers: {
          first: entry(memory("first", { resources: [page("first")] })),
          second: entry(memory("second", { resources: [Resource.text("page://1", "one"), page("second")] })),
          third: entry(
            memory("third", { resources: [Resource.text("page://1", "late"), Resource.text("own://3", "three")] })
          )
        }
      })
      const read = (uri: string) =>
        Effect.map(group.readResource(uri), ({ contents }) => (contents[0] as { readonly text: string }).text)
      assert.strictEqual(yield* read("page://1"), "one")
      assert.strictEqual(yield* read("page://2"), "first")
      assert.strictEqual(yield* read("own://3"), "three")
      assert.deepInclude(reasonOf(yield* Effect.flip(read("other://1"))), {
        _tag: "NotFound",
        kind: "resource",
        name: "other://1"
      })
      assert.deepStrictEqual((yield* group.listResources()).items.map(({ server, uri }) => [server, uri]), [
        ["second", "page://1"],
        ["third", "page://1"],
        ["third", "own://3"]
      ])
      assert.deepStrictEqual(
        (yield* group.listResourceTemplates()).items.map(({ server, uriTemplate }) => [server, uriTemplate]),
        [["first", "page://{id}"], ["second", "page://{id}"]]
      )
    }))

  it.effect("find a resource that has come since, and one that has gone to another server", () =>
    Effect.gen(function*() {
      const there = yield* Layer.build(server("there"))
      const here = yield* Layer.build(server("here"))
      const group = yield* ClientGroup.make({
        servers: {
          here: entry(Layer.provide(Memory.layer, Layer.succeedContext(here))),
          there: entry(Layer.provide(Memory.layer, Layer.succeedContext(there)))
        }
      })
      const read = Effect.map(group.readResource("a://b"), ({ contents }) => (contents[0] as any).text)
      assert.strictEqual(reasonOf(yield* Effect.flip(read))._tag, "NotFound")
      const scope = yield* Scope.make()
      yield* Effect.provideContext(
        Scope.provide(add(Resource.text("a://b", "here")), scope),
        here
      )
      assert.strictEqual(yield* read, "here")
      yield* Scope.close(scope, Exit.void)
      yield* Effect.provideContext(add(Resource.text("a://b", "there")), there)
      assert.strictEqual(yield* read, "there")
    }))

  it.effect("complete a prompt's argument, and a template's variable", () =>
    Effect.gen(function*() {
      const city = ["Oslo", "Osaka"]
      const group = yield* ClientGroup.make({
        servers: {
          empty: entry(memory("empty")),
          weather: entry(memory("weather", {
            prompts: [
              Prompt.make("report", {
                arguments: { city: Schema.String },
                complete: { city },
                handler: () => Effect.succeed("")
              })
            ],
            resources: [
              ResourceTemplate.make("weather://{city}", {
                name: "weather",
                complete: { city },
                handler: () => Effect.succeed("")
              })
            ]
          }))
        }
      })
      const argument = { name: "city", value: "Osa" }
      for (
        const ref of [
          { type: "ref/prompt", name: "weather_report" },
          { type: "ref/resource", uri: "weather://{city}" }
        ] as const
      ) assert.deepStrictEqual((yield* group.complete({ ref, argument })).values, ["Osaka"])
      const unknown = group.complete({ ref: { type: "ref/resource", uri: "other://{city}" }, argument })
      assert.deepInclude(reasonOf(yield* Effect.flip(unknown)), { _tag: "NotFound", kind: "resource template" })
    }))

  it.effect("ask the user through the same handlers, which know who is asking", () =>
    Effect.gen(function*() {
      const ask = Tool.make("ask", {
        success: Schema.String,
        handler: () =>
          Effect.map(
            Effect.orDie(Elicitation.ask("name", { name: Schema.String }, { message: "?" })),
            ({ name }) => name
          )
      })
      const handlers = ClientHandlers.elicitation({
        form: () =>
          Effect.map(ClientGroup.CurrentServer, (server) => ClientHandlers.accept({ name: `asked by ${server}` }))
      })
      const group = yield* Effect.provide(
        ClientGroup.make({
          servers: {
            new: entry(memory("new", { tools: [ask] })),
            old: { ...entry(memory("old", { tools: [ask] })), options: { revision: "2025-11-25" } }
          }
        }),
        handlers
      )
      assert.strictEqual(textOf(yield* group.callTool("new_ask")), "asked by new")
      assert.strictEqual(textOf(yield* group.callTool("old_ask")), "asked by old")
    }))
})

describe("names", () => {
  const refused = (servers: ReadonlyArray<string>, options: Partial<ClientGroup.Options> = {}) =>
    Effect.map(
      Effect.flip(
        ClientGroup.make({
          ...options,
          servers: Object.fromEntries(servers.map((name) => [name, entry(memory(name))]))
        })
      ),
      ({ reason }) => reason
    )

  it.effect("say whose they are also where a server's name holds the separator", () =>
    Effect.gen(function*() {
      const group = yield* ClientGroup.make({
        servers: { my_weather: entry(Layer.provide(Memory.layer, telling("w", "for_ecast"))), my: entry(memory("my")) },
        separator: "__"
      })
      assert.deepStrictEqual((yield* names(group)).tools, ["my_weather__for_ecast"])
      assert.strictEqual(textOf(yield* group.callTool("my_weather__for_ecast")), "w/for_ecast")
    }))

  it.effect("that could be of two servers are refused when the second comes", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* refused(["my", "my_weather"]), {
        _tag: "PrefixTaken",
        server: "my_weather",
        prefix: "my_weather_",
        other: "my",
        otherPrefix: "my_"
      })
      const same = { prefix: () => "mcp_" }
      assert.strictEqual((yield* refused(["a", "b"], same))._tag, "PrefixTaken")
      assert.strictEqual((yield* refused(["a"], { prefix: () => "" }))._tag, "InvalidPrefix")
      const group = yield* ClientGroup.make({ servers: { my: entry(memory("my")) } })
      const again = yield* Effect.flip(group.add("my", entry(memory("my"))))
      assert.deepInclude(again.reason, { _tag: "ServerExists", server: "my" })
      const inside = yield* Effect.flip(group.add("my_weather", entry(memory("w"))))
      assert.strictEqual(inside.reason._tag, "PrefixTaken")
      assert.deepStrictEqual(yield* tags(group), { my: "Connecting" })
    }))

  it.effect("begin with what `prefix` says", () =>
    Effect.gen(function*() {
      const group = yield* ClientGroup.make({
        servers: { "My weather!": entry(Layer.provide(Memory.layer, telling("w", "forecast"))) },
        prefix: (server) => `mcp__${server.replaceAll(/\W+/gu, "")}__`
      })
      assert.deepStrictEqual((yield* names(group)).tools, ["mcp__Myweather__forecast"])
      assert.strictEqual(textOf(yield* group.callTool("mcp__Myweather__forecast")), "w/forecast")
    }))

  const long = "a".repeat(30)
  const tools = [long, `${long}b`, `${long}c`, "short"]
  const wordy = () => ({ servers: { words: entry(Layer.provide(Memory.layer, telling("w", ...tools))) } })

  it.effect("that are too long are left out, and told", () =>
    Effect.gen(function*() {
      const group = yield* ClientGroup.make({ ...wordy(), maxNameLength: 36 })
      const { items, problems } = yield* group.listTools()
      assert.deepStrictEqual(items.map(({ name }) => name), [`words_${long}`, "words_short"])
      assert.deepStrictEqual(problems.map(({ error, server }) => ({ server, ...reasonOf(error) })), [
        { server: "words", _tag: "NameTooLong", kind: "tool", name: `words_${long}b`, limit: 36 },
        { server: "words", _tag: "NameTooLong", kind: "tool", name: `words_${long}c`, limit: 36 }
      ])
      assert.strictEqual((yield* refused(["words"], { maxNameLength: 6 }))._tag, "InvalidPrefix")
    }))

  it.effect("that are too long are cut, always in the same way, and called by what they have become", () =>
    Effect.gen(function*() {
      const options = { ...wordy(), maxNameLength: 36, longNames: "shorten" } as const
      const group = yield* ClientGroup.make(options)
      const { tools: shortened } = yield* names(group)
      assert.deepStrictEqual(shortened, [
        `words_${long}`,
        `words_${"a".repeat(22)}_17v6fd9`,
        `words_${"a".repeat(22)}_17l6toa`,
        "words_short"
      ])
      for (const [index, name] of shortened.entries()) {
        assert.strictEqual(textOf(yield* group.callTool(name)), `w/${tools[index]}`)
      }
      // A process that has listed nothing yet knows it, too.
      const other = yield* ClientGroup.make(options)
      assert.strictEqual(textOf(yield* other.callTool(shortened[2]!)), `w/${tools[2]}`)
      assert.strictEqual(textOf(yield* other.callTool(shortened[0]!)), `w/${tools[0]}`)
      assert.strictEqual((yield* refused(["words"], { maxNameLength: 13, longNames: "shorten" }))._tag, "InvalidPrefix")
    }))

  it.effect("that are another's by chance when they are cut leave that one alone, and are told", () =>
    Effect.gen(function*() {
      const chance = `${"a".repeat(22)}_17v6fd9`
      const group = yield* ClientGroup.make({
        servers: { words: entry(Layer.provide(Memory.layer, telling("w", chance, `${long}b`))) },
        maxNameLength: 36,
        longNames: "shorten"
      })
      const { items, problems } = yield* group.listTools()
      assert.deepStrictEqual(items.map(({ name }) => name), [`words_${chance}`])
      assert.deepInclude(reasonOf(problems[0]!.error), { _tag: "NameTaken", name: `${long}b`, as: `words_${chance}` })
      assert.strictEqual(textOf(yield* group.callTool(`words_${chance}`)), `w/${chance}`)
    }))
})

describe("a server that cannot be reached", () => {
  it.effect("is missing from lists, which say so, while the others are all there", () =>
    Effect.gen(function*() {
      const wire = wires.make(telling("far", "tool"))
      wire.isDown = true
      const group = yield* ClientGroup.make({
        servers: { far: entry(wire.layer), near: entry(Layer.provide(Memory.layer, telling("near", "tool"))) },
        retry: false
      })
      yield* group.settled
      assert.deepStrictEqual(yield* names(group), { tools: ["near_tool"], missing: ["far"] })
      const [far] = yield* group.states
      assert.deepStrictEqual(far, {
        server: "far",
        state: { _tag: "Failed", since: 0, error: (far!.state as any).error }
      })
      const called = yield* Effect.flip(group.callTool("far_tool"))
      assert.deepInclude(reasonOf(called), { _tag: "NotReady", server: "far" })
      assert.match(called.message, /Cannot reach the wire: it is down/u)
      assert.isTrue(called.isRetryable)
      assert.deepInclude(reasonOf(yield* Effect.flip(group.readResource("a://b"))), {
        _tag: "NotFound",
        missing: ["far"]
      })
      assert.strictEqual(textOf(yield* group.callTool("near_tool")), "near/tool")
    }))

  it.effect("is tried again as the schedule says, until it is there", () =>
    Effect.gen(function*() {
      const wire = wires.make(telling("far", "tool"))
      wire.isDown = true
      const group = yield* ClientGroup.make({ servers: { far: entry(wire.layer) } })
      yield* group.settled
      assert.strictEqual(wire.attempts, 1)
      for (
        const [wait, attempts] of [["999 millis", 1], ["1 millis", 2], ["2 seconds", 3], ["4 seconds", 4]] as const
      ) {
        yield* TestClock.adjust(wait)
        yield* McpTest.settle
        assert.strictEqual(wire.attempts, attempts, wait)
        assert.strictEqual(wire.built, 0)
      }
      wire.isDown = false
      yield* TestClock.adjust("8 seconds")
      yield* McpTest.settle
      assert.deepStrictEqual(yield* tags(group), { far: "Ready" })
      assert.deepStrictEqual(yield* names(group), { tools: ["far_tool"], missing: [] })
    }))

  it.effect("stays failed when the schedule ends, and nothing of it is left", () =>
    Effect.gen(function*() {
      const wire = wires.make(telling("far", "tool"))
      wire.isDown = true
      const group = yield* ClientGroup.make({ servers: { far: entry(wire.layer) }, retry: Schedule.recurs(2) })
      yield* McpTest.settle
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(wire.attempts, 3)
      assert.deepStrictEqual(yield* tags(group), { far: "Failed" })
      assert.strictEqual(wire.built, 0)
    }))

  it.effect("may have a transport that cannot be made, or that is broken", () =>
    Effect.gen(function*() {
      const group = yield* ClientGroup.make({
        servers: {
          fails: { transport: Layer.unwrap(Effect.fail("no such command" as const)) },
          dies: { transport: Layer.unwrap(Effect.die(new Error("a bug"))) },
          near: entry(memory("near"))
        },
        retry: false
      })
      yield* group.settled
      assert.deepStrictEqual(yield* tags(group), { fails: "Failed", dies: "Failed", near: "Ready" })
      const { problems } = yield* group.listTools()
      assert.deepStrictEqual(problems.map(({ error }) => error.message), [
        "The server \"fails\" has no transport: no such command",
        "The server \"dies\" has no transport: a bug"
      ])
    }))
})

describe("a server that dies", () => {
  const once = { options: { reconnect: false } } as const

  it.effect("takes its tools with it, is tried again, and brings them back", () =>
    Effect.gen(function*() {
      const wire = wires.make(telling("frail", "tool"))
      const group = yield* ClientGroup.make({
        servers: {
          frail: { ...entry(wire.layer), ...once },
          near: entry(Layer.provide(Memory.layer, telling("near", "tool")))
        }
      })
      const seen: Array<string> = []
      yield* Effect.forkScoped(Stream.runForEach(group.stateChanges, ({ server, state }) =>
        Effect.sync(() => {
          if (server === "frail") seen.push(state._tag)
        })))
      yield* group.settled
      const client = yield* group.get("frail")
      wire.isDown = true
      wire.cut()
      yield* McpTest.settle
      assert.deepStrictEqual(yield* names(group), { tools: ["near_tool"], missing: ["frail"] })
      assert.strictEqual(reasonOf(yield* Effect.flip(client.listTools()))._tag, "Transport")
      assert.strictEqual(wire.built, 0)
      wire.isDown = false
      yield* TestClock.adjust("1 second")
      yield* McpTest.settle
      assert.deepStrictEqual(yield* names(group), { tools: ["frail_tool", "near_tool"], missing: [] })
      assert.strictEqual(textOf(yield* group.callTool("frail_tool")), "frail/tool")
      assert.deepStrictEqual(seen, ["Connecting", "Ready", "Failed", "Connecting", "Ready"])
    }))

  it.effect("is connecting while its client tries by itself, and keeps that client", () =>
    Effect.gen(function*() {
      const wire = wires.make(telling("frail", "tool"))
      const group = yield* ClientGroup.make({ servers: { frail: entry(wire.layer) } })
      yield* group.settled
      const client = yield* group.get("frail")
      wire.isDown = true
      wire.cut()
      yield* McpTest.settle
      assert.deepStrictEqual(yield* tags(group), { frail: "Connecting" })
      wire.isDown = false
      yield* TestClock.adjust("1 second")
      yield* McpTest.settle
      assert.deepStrictEqual(yield* tags(group), { frail: "Ready" })
      assert.strictEqual(yield* group.get("frail"), client)
      assert.strictEqual(wire.built, 1)
    }))

  it.effect("again and again is tried less and less often, unless it was there for a while", () =>
    Effect.gen(function*() {
      const wire = wires.make(telling("frail", "tool"))
      const group = yield* ClientGroup.make({ servers: { frail: { ...entry(wire.layer), ...once } } })
      yield* group.settled
      const backAfter = (wait: "1 second" | "2 seconds" | "4 seconds") =>
        Effect.gen(function*() {
          wire.cut()
          yield* McpTest.settle
          assert.deepStrictEqual(yield* tags(group), { frail: "Failed" })
          yield* TestClock.adjust(wait)
          yield* McpTest.settle
          assert.deepStrictEqual(yield* tags(group), { frail: "Ready" }, wait)
        })
      yield* backAfter("1 second")
      yield* backAfter("2 seconds")
      yield* backAfter("4 seconds")
      yield* TestClock.adjust("31 seconds")
      yield* backAfter("1 second")
    }))
})

describe("a slow server", () => {
  it.effect("keeps nobody waiting for the others longer than its time, neither connecting nor listing", () =>
    Effect.gen(function*() {
      const connecting = wires.make(telling("connecting", "tool"))
      connecting.delay = Effect.never
      const never = Middleware.forMethods(Middleware.make(() => Effect.never), ["tools/list"])
      const cancel = Middleware.forMethods(Middleware.make(() => Outcome.interruptSelf("Shutdown")), ["tools/list"])
      const group = yield* ClientGroup.make({
        servers: {
          connecting: { ...entry(connecting.layer), options: { connectTimeout: "1 hour" } },
          near: entry(Layer.provide(Memory.layer, telling("near", "tool"))),
          listing: entry(memory("listing", { middleware: [never] })),
          cancelling: entry(memory("cancelling", { middleware: [cancel] }))
        },
        timeLimit: "3 seconds"
      })
      const listed = yield* Effect.forkChild(group.listTools())
      const called = yield* Effect.forkChild(Effect.flip(group.callTool("connecting_tool")))
      assert.strictEqual(textOf(yield* group.callTool("near_tool")), "near/tool")
      yield* McpTest.settle
      yield* TestClock.adjust("3 seconds")
      const { items, problems } = yield* Fiber.join(listed)
      assert.deepStrictEqual(items.map(({ name }) => name), ["near_tool"])
      assert.deepStrictEqual(problems.map(({ error, server }) => [server, reasonOf(error)._tag]), [
        ["connecting", "NotReady"],
        ["listing", "Timeout"],
        ["cancelling", "NotReady"]
      ])
      assert.deepInclude(reasonOf(yield* Fiber.join(called)), {
        _tag: "NotReady",
        server: "connecting",
        message: "it is connecting still"
      })
    }))
})

describe("servers that come and go", () => {
  const hanging = (started: Deferred.Deferred<void>, ended: Array<string>) =>
    Tool.make("hang", {
      handler: () =>
        Effect.onInterrupt(
          Effect.andThen(Deferred.succeed(started, undefined), Effect.never),
          () => Effect.sync(() => ended.push("interrupted"))
        )
    })

  it.effect("are there once they are added, and gone with all they had when they are removed", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const ended: Array<string> = []
      const wire = wires.make(server("late", { tools: [hanging(started, ended)] }))
      const group = yield* ClientGroup.make({
        servers: { near: entry(Layer.provide(Memory.layer, telling("near", "tool"))) }
      })
      yield* group.add("late", entry(wire.layer))
      assert.deepStrictEqual((yield* names(group)).tools, ["near_tool", "late_hang"])
      const client = yield* group.get("late")
      const changes = yield* Effect.forkChild(Stream.runDrain(client.changes()))
      const call = yield* Effect.forkChild(group.callTool("late_hang", {}, { idempotent: true }))
      yield* Deferred.await(started)

      assert.isTrue(yield* group.remove("late"))
      assert.strictEqual(reasonOf(yield* Effect.flip(Fiber.join(call)))._tag, "Closed")
      yield* Fiber.join(changes)
      assert.deepStrictEqual(ended, ["interrupted"])
      assert.deepStrictEqual({ open: wire.open(), built: wire.built }, { open: 0, built: 0 })
      assert.deepStrictEqual(yield* names(group), { tools: ["near_tool"], missing: [] })
      assert.strictEqual(reasonOf(yield* Effect.flip(group.callTool("late_hang")))._tag, "NotFound")
      assert.isFalse(yield* group.remove("late"))

      yield* group.add("late", entry(wire.layer))
      assert.deepStrictEqual((yield* names(group)).tools, ["near_tool", "late_hang"])
    }))

  it.effect("may be removed while they connect, or wait to be tried again, and by their own question", () =>
    Effect.gen(function*() {
      const connecting = wires.make(telling("a", "tool"))
      connecting.delay = Effect.never
      const failed = wires.make(telling("b", "tool"))
      failed.isDown = true
      const ask = Tool.make("ask", {
        handler: () => Effect.asVoid(Effect.orDie(Elicitation.ask("name", { name: Schema.String }, { message: "?" })))
      })
      const asking = wires.make(server("c", { tools: [ask] }))
      const removal = yield* Deferred.make<Effect.Effect<boolean>>()
      const group = yield* Effect.provide(
        ClientGroup.make({
          servers: {
            connecting: entry(connecting.layer),
            failed: entry(failed.layer),
            asking: { ...entry(asking.layer), options: { revision: "2025-11-25" } }
          }
        }),
        ClientHandlers.elicitation({
          form: () => Effect.as(Effect.flatten(Deferred.await(removal)), ClientHandlers.decline)
        })
      )
      yield* Deferred.succeed(removal, group.remove("asking"))
      yield* McpTest.settle
      const waiting = yield* Effect.forkChild(Effect.flip(group.callTool("connecting_tool")))
      yield* McpTest.settle
      assert.isTrue(yield* group.remove("connecting"))
      assert.strictEqual(reasonOf(yield* Fiber.join(waiting))._tag, "UnknownServer")
      assert.isTrue(yield* group.remove("failed"))
      assert.strictEqual(reasonOf(yield* Effect.flip(group.callTool("asking_ask")))._tag, "Closed")
      yield* McpTest.settle
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(failed.attempts, 1)
      assert.deepStrictEqual([connecting.built, failed.built, asking.built], [0, 0, 0])
      assert.deepStrictEqual(yield* group.states, [])
    }))

  it.effect("leave calls to the others alone, however many come and go meanwhile", () =>
    Effect.gen(function*() {
      const group = yield* ClientGroup.make({
        servers: { near: entry(Layer.provide(Memory.layer, telling("near", "tool"))) }
      })
      const wire = wires.make(telling("guest", "tool"))
      const outcomes = new Map<string, number>()
      const count = (key: string) => Effect.sync(() => outcomes.set(key, (outcomes.get(key) ?? 0) + 1))
      const calls = Effect.forEach(
        Array.from({ length: 300 }),
        () => Effect.flatMap(group.callTool("near_tool"), (result) => count(textOf(result))),
        { concurrency: 10, discard: true }
      )
      let isOver = false
      const visit = Effect.matchEffect(group.callTool("guest_tool"), {
        onSuccess: (result) => count(textOf(result)),
        onFailure: (error) => count(reasonOf(error)._tag)
      })
      const visitor = Effect.whileLoop({
        while: () => !isOver,
        body: () => Effect.andThen(visit, Effect.yieldNow),
        step: () => {}
      })
      const coming = Effect.forEach(
        Array.from({ length: 30 }),
        () =>
          Effect.gen(function*() {
            yield* group.add("guest", entry(wire.layer))
            yield* group.settled
            for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
            yield* group.remove("guest")
          }),
        { discard: true }
      )
      const visitors = Effect.all(Array.from({ length: 10 }, () => visitor), { concurrency: "unbounded" })
      const visits = Effect.andThen(coming, Effect.sync(() => (isOver = true)))
      yield* Effect.all([calls, visitors, visits], { concurrency: "unbounded" })
      assert.strictEqual(outcomes.get("near/tool"), 300)
      // A guest answers, was not there, or left before it had answered; there is nothing else.
      const others = [...outcomes.keys()].filter((key) => key !== "near/tool")
      assert.includeMembers(others, ["guest/tool", "Closed"])
      assert.deepStrictEqual(
        others.filter((key) => !["guest/tool", "NotFound", "UnknownServer", "Closed"].includes(key)),
        []
      )
      assert.deepStrictEqual({ open: wire.open(), built: wire.built }, { open: 0, built: 0 })
    }))
})

describe("changes", () => {
  it.effect("of all servers come as one stream, each with its server's name", () =>
    Effect.gen(function*() {
      const first = yield* Layer.build(server("first", { resources: [Resource.text("a://b", "1")] }))
      const second = yield* Layer.build(server("second"))
      const group = yield* ClientGroup.make({
        servers: {
          first: {
            ...entry(Layer.provide(Memory.layer, Layer.succeedContext(first))),
            options: { revision: "2025-11-25" }
          }
        }
      })
      const seen: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(group.changes({ tools: true, uris: ["a://b", "c://d"] }), (change) =>
          Effect.sync(() =>
            seen.push(
              `${change.server}: ${change._tag}${
                change._tag === "StateChanged"
                  ? ` ${change.state._tag}`
                  : change._tag === "ResourceUpdated"
                  ? ` ${change.uri}`
                  : ""
              }`
            )
          ))
      )
      yield* group.settled
      yield* group.add("second", entry(Layer.provide(Memory.layer, Layer.succeedContext(second))))
      yield* group.settled
      yield* McpTest.settle
      assert.deepStrictEqual(seen.splice(0), [
        "first: StateChanged Connecting",
        "first: StateChanged Ready",
        "second: StateChanged Connecting",
        "second: StateChanged Ready"
      ])
      const change = Effect.andThen(
        add(say("x", "x")),
        McpServer.McpServer.use((server) =>
          server.resourceUpdated("a://b")
        )
      )
      yield* Effect.provideContext(change, first)
      yield* Effect.provideContext(change, second)
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
      yield* McpTest.settle
      assert.deepStrictEqual(seen.splice(0).sort(), [
        "first: ResourceUpdated a://b",
        "first: ToolsListChanged",
        "second: ToolsListChanged"
      ])
      yield* group.remove("second")
      yield* Effect.provideContext(add(say("y", "y")), second)
      yield* McpTest.settle
      assert.deepStrictEqual(seen, ["second: StateChanged Removed"])
    }))
})

describe("the end of the group", () => {
  it.effect("ends its streams, fails its calls, and leaves nothing, in whatever state its servers are", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const connecting = wires.make(telling("a", "tool"))
      connecting.delay = Effect.never
      const failed = wires.make(telling("b", "tool"))
      failed.isDown = true
      const started = yield* Deferred.make<void>()
      const hang = Tool.make("hang", {
        handler: () => Effect.andThen(Deferred.succeed(started, undefined), Effect.never)
      })
      const ready = wires.make(server("c", { tools: [hang] }))
      const group = yield* Scope.provide(
        ClientGroup.make({
          servers: { connecting: entry(connecting.layer), failed: entry(failed.layer), ready: entry(ready.layer) }
        }),
        scope
      )
      const changes = yield* Effect.forkChild(Stream.runDrain(group.changes()))
      const states = yield* Effect.forkChild(Stream.runDrain(group.stateChanges))
      const call = yield* Effect.forkChild(Effect.flip(group.callTool("ready_hang")))
      const waiting = yield* Effect.forkChild(Effect.flip(group.callTool("connecting_tool")))
      yield* Deferred.await(started)
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(changes)
      yield* Fiber.join(states)
      assert.strictEqual(reasonOf(yield* Fiber.join(call))._tag, "Closed")
      assert.strictEqual(reasonOf(yield* Fiber.join(waiting))._tag, "UnknownServer")
      assert.deepStrictEqual([connecting.built, failed.built, ready.built], [0, 0, 0])
      assert.strictEqual(reasonOf(yield* Effect.flip(group.add("late", entry(ready.layer))))._tag, "Closed")
      assert.deepStrictEqual(yield* group.listTools(), { items: [], problems: [] })
      yield* Stream.runDrain(group.changes())
    }))

  it.effect("comes as well when whoever waits for it is interrupted half way", () =>
    Effect.gen(function*() {
      const wire = wires.make(telling("a", "tool"))
      wire.delay = Effect.never
      const fiber = yield* Effect.forkChild(Effect.scoped(
        Effect.flatMap(ClientGroup.make({ servers: { a: entry(wire.layer) } }), (group) => group.listTools())
      ))
      yield* McpTest.settle
      assert.strictEqual(wire.built, 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual({ open: wire.open(), built: wire.built }, { open: 0, built: 0 })
    }))
})
