/**
 * What a handler logs, at its client and in the server's log; and a defect, of which the client learns the number it
 * has in that log and nothing else.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as tools from "./tools.ts"
import * as wires from "./wires.ts"

const info = { name: "logs", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

/** Says one thing at each level. */
const speak = Effect.gen(function*() {
  yield* Effect.logDebug("debug")
  yield* Effect.logInfo("info")
  yield* Effect.logWarning("warning")
  yield* Effect.logError("error")
  yield* Effect.logFatal("fatal")
}).pipe(Effect.provideService(References.MinimumLogLevel, "All"))

const speaker = Tool.make("speak", { handler: () => speak })
const quietly = Tool.make("quietly", { handler: () => ClientLog.error("by hand") })

/** What a client was sent, as `level data`. */
const heard = (client: McpTest.Client) =>
  Effect.andThen(
    McpTest.settle,
    Effect.map(client.notifications, (sent) =>
      sent.flatMap(({ method, params }) =>
        method === "notifications/message" ? [`${String(params!.level)} ${String(params!.data)}`] : []
      ))
  )

const all = ["debug debug", "info info", "warning warning", "error error", "critical fatal"]

/** Keeps what reaches the server's own log. */
const makeLog = () => {
  const entries: Array<{ readonly level: string; readonly text: string; readonly correlationId: unknown }> = []
  const logger = Logger.make(({ cause, fiber, logLevel, message }) => {
    entries.push({
      level: logLevel,
      text: `${String(message)} ${cause.reasons.map((reason) => JSON.stringify(reason, secretly)).join()}`,
      correlationId: fiber.getRef(References.CurrentLogAnnotations).correlationId
    })
  })
  return { entries, layer: Logger.layer([logger]) }
}

const secretly = (_key: string, value: unknown): unknown => value instanceof Error ? value.message : value

for (const revision of versions) {
  describe(`in ${revision} what a handler logs`, () => {
    const levels: ReadonlyArray<readonly [McpSchema.LoggingLevel, number]> = [
      ["debug", 0],
      ["info", 1],
      ["notice", 2],
      ["warning", 2],
      ["error", 3],
      ["critical", 4],
      ["alert", 5],
      ["emergency", 5]
    ]
    it.effect("reaches a client at the level it asked for", () =>
      Effect.gen(function*() {
        for (const [logLevel, from] of levels) {
          const client = yield* McpTest.client(Layer.fresh(McpServer.layer({ ...info, tools: [speaker] })), {
            revision,
            logLevel
          })
          yield* client.call(speaker, {})
          assert.deepStrictEqual(yield* heard(client), all.slice(from), logLevel)
        }
      }))

    it.effect("does not reach a client that has not asked", () =>
      Effect.gen(function*() {
        const log = makeLog()
        const client = yield* McpTest.client(
          McpServer.layer({ ...info, tools: [speaker] }).pipe(Layer.provide(log.layer)),
          { revision }
        )
        yield* client.call(speaker, {})
        assert.deepStrictEqual(yield* heard(client), [])
        // But it is in the server's log, which it reaches in any case.
        assert.deepStrictEqual(log.entries.map(({ level }) => level), ["Debug", "Info", "Warn", "Error", "Fatal"])
      }))

    it.effect("reaches it from the moment it asks, and no longer than it does", () =>
      Effect.gen(function*() {
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [speaker] }), { revision })
        if (revision === "2026-07-28") {
          yield* client.call(speaker, {}, { meta: { [Meta.logLevel]: "error" } })
          assert.deepStrictEqual(yield* heard(client), all.slice(3))
          yield* client.call(speaker, {})
          assert.deepStrictEqual(yield* heard(client), all.slice(3))
          return
        }
        yield* client.call(speaker, {})
        yield* client.request("logging/setLevel", { level: "error" })
        yield* client.call(speaker, {})
        assert.deepStrictEqual(yield* heard(client), all.slice(3))
        yield* client.request("logging/setLevel", { level: "emergency" })
        yield* client.call(speaker, {})
        assert.deepStrictEqual(yield* heard(client), all.slice(3))
      }))

    it.effect("stays in the server where clientLogs is false, unless it is said to the client", () =>
      Effect.gen(function*() {
        const log = makeLog()
        const client = yield* McpTest.client(
          McpServer.layer({ ...info, clientLogs: false, tools: [speaker, quietly] }).pipe(Layer.provide(log.layer)),
          { revision, logLevel: "debug" }
        )
        yield* client.call(speaker, {})
        assert.deepStrictEqual(yield* heard(client), [])
        assert.lengthOf(log.entries, 5)
        yield* client.call(quietly, {})
        assert.deepStrictEqual(yield* heard(client), ["error by hand"])
        assert.lengthOf(log.entries, 5)
      }))

    it.effect("reaches it from resources, prompts, middleware and siblings alike, once each", () =>
      Effect.gen(function*() {
        const resource = Resource.make("test:///a", { handler: Effect.as(Effect.logError("resource"), "x") })
        const prompt = Prompt.make("p", { handler: () => Effect.as(Effect.logError("prompt"), "x") })
        const inner = Tool.make("inner", { handler: () => Effect.logError("inner") })
        const outer = Tool.make("outer", { handler: () => Tool.call(inner, {}) })
        const watch = Middleware.forMethods(
          Middleware.make(({ method }, next) => Effect.andThen(Effect.logError(method), next)),
          ["prompts/get"]
        )
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            tools: [inner, outer],
            resources: [resource],
            prompts: [prompt],
            middleware: [watch]
          }),
          { revision, logLevel: "error" }
        )
        yield* client.readResource("test:///a")
        yield* client.getPrompt("p")
        yield* client.call(outer, {})
        assert.deepStrictEqual(
          yield* heard(client),
          ["error resource", "error prompts/get", "error prompt", "error inner"]
        )
      }))

    it.effect("reaches it from a definition that was added under loggers of its own", () =>
      Effect.gen(function*() {
        const log = makeLog()
        const client = yield* McpTest.client(
          McpServer.register(speaker).pipe(
            Layer.provide(log.layer),
            Layer.provideMerge(McpServer.layer(info))
          ),
          { revision, logLevel: "error" }
        )
        yield* client.call(speaker, {})
        assert.deepStrictEqual(yield* heard(client), all.slice(3))
        assert.lengthOf(log.entries, 5)
      }))
  })
}

describe("a log message", () => {
  it.effect("belongs to its request, and is not sent after its reply", () =>
    Effect.gen(function*() {
      const late = Tool.make("late", {
        handler: () =>
          Effect.gen(function*() {
            yield* Effect.logError("before")
            yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, Effect.logError("after")))
          })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [late] }), { logLevel: "debug" })
      yield* client.call(late, {})
      assert.deepStrictEqual(yield* heard(client), ["error before"])
    }))

  it.effect("goes to the client whose request it is, and to no other", () =>
    Effect.gen(function*() {
      const server = McpServer.layer({ ...info, tools: [speaker] })
      const context = yield* Layer.build(server)
      for (const revision of versions) {
        const clients = yield* Effect.forEach(
          [0, 1],
          () => McpTest.client(Layer.succeedContext(context), { revision, logLevel: "error" })
        )
        yield* clients[0]!.call(speaker, {})
        assert.deepStrictEqual([yield* heard(clients[0]!), yield* heard(clients[1]!)], [all.slice(3), []])
      }
    }))

  it.effect("that cannot be told in JSON is told in words, and harms nobody", () =>
    Effect.gen(function*() {
      const odd = Tool.make("odd", {
        success: Schema.String,
        handler: () =>
          Effect.gen(function*() {
            const cycle: { self?: unknown } = {}
            cycle.self = cycle
            yield* Effect.logError(cycle)
            yield* Effect.logError(1n)
            yield* Effect.logError(undefined)
            return "fine"
          })
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [odd] }), { logLevel: "error" })
      assert.strictEqual(yield* client.call(odd, {}), "fine")
      assert.lengthOf(yield* heard(client), 3)
    }))
})

for (const name of wires.names) {
  for (const era of wires.eras) {
    describe(`a defect over ${name}, ${era.toLowerCase()} era`, () => {
      for (const traced of [true, false]) {
        it.effect(`has one number in its answer and in the log, ${traced ? "its span's" : "where nothing is traced"}`, () =>
          Effect.gen(function*() {
            const log = makeLog()
            const wire = yield* wires.open(
              name,
              era,
              tools.server().pipe(
                Layer.provide(log.layer),
                Layer.provide(Layer.succeed(References.TracerEnabled, traced))
              )
            )
            const seen = new Set<string>()
            for (const how of tools.howToExplode) {
              wire.send(wires.call(era, how, "explode", { how }))
              const { error } = yield* wires.answer(wire, how)
              const { correlationId } = error!.data as { correlationId: string }
              assert.match(correlationId, traced ? /^[\da-f]{16}$/u : /^[\da-f]+$/u, how)
              assert.include(error!.message, correlationId)
              yield* wires.until(() => log.entries.some((entry) => entry.correlationId === correlationId))
              const entries = log.entries.filter((entry) => entry.correlationId === correlationId)
              assert.deepStrictEqual(entries.map(({ level }) => level), ["Error"])
              assert.include(entries[0]!.text, "tools/call hit a defect")
              seen.add(correlationId)
            }
            assert.strictEqual(seen.size, tools.howToExplode.length)
            assert.notInclude(JSON.stringify(wire.frames), tools.secret)
            // The log is where the text is.
            assert.include(JSON.stringify(log.entries), tools.secret)
          }))
      }
    })
  }
}

describe("a defect", () => {
  for (const revision of versions) {
    it.effect(`in ${revision}, wherever it is, has a number and no text`, () =>
      Effect.gen(function*() {
        const log = makeLog()
        const boom = Effect.die(new Error("hunter2"))
        const dies = Middleware.forMethods(Middleware.make(() => boom), ["tools/list"])
        const throws = Middleware.forMethods(
          Middleware.make((): Middleware.Next => {
            throw new Error("hunter2")
          }),
          ["prompts/list"]
        )
        const blind = () => {
          throw new Error("hunter2")
        }
        const client = yield* McpTest.client(
          McpServer.layer({
            ...info,
            tools: [
              Tool.make("t", { success: Schema.String, handler: () => Effect.succeed(7 as never) }),
              Tool.make("blind", { visible: blind, handler: () => Effect.void })
            ],
            resources: [
              Resource.make("test:///a", { handler: boom }),
              Resource.make("test:///b", { success: Schema.Int, handler: Effect.succeed("x" as never) })
            ],
            prompts: [
              Prompt.make("a", { handler: () => boom }),
              Prompt.make("b", { handler: () => Effect.succeed({ messages: "x" } as never) })
            ],
            middleware: [dies, throws]
          }).pipe(Layer.provide(log.layer)),
          { revision }
        )
        const defects: ReadonlyArray<Effect.Effect<unknown, { readonly message: string; readonly reason: object }>> = [
          client.callTool("t"),
          client.callTool("blind"),
          client.listTools,
          client.listPrompts,
          client.readResource("test:///a"),
          client.readResource("test:///b"),
          client.getPrompt("a"),
          client.getPrompt("b")
        ]
        for (const [index, defect] of defects.entries()) {
          const { reason } = yield* Effect.flip(defect)
          const { _tag, correlationId } = reason as { _tag: string; correlationId: string | undefined }
          assert.strictEqual(_tag, "InternalError", String(index))
          assert.isDefined(correlationId, String(index))
          yield* McpTest.settle
          const numbers = log.entries.filter(({ level }) => level === "Error").map((entry) => entry.correlationId)
          assert.lengthOf(numbers, index + 1)
          assert.strictEqual(numbers.at(-1), correlationId, String(index))
        }
        assert.notInclude((yield* client.frames).join(), "hunter2")
      }))
  }
})
