/**
 * What a handler says of its request while it runs: progress and log messages, to the client that asked for them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Progress from "fastmcp-effect/context/Progress"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const info = { name: "context", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

const levels = McpSchema.LoggingLevel.literals

/** What a client is sent while the handler runs. */
const sent = (
  handler: Effect.Effect<void, never, RequestContext.RequestContext>,
  options: McpTest.Options = {},
  request: McpTest.RequestOptions = {}
) =>
  Effect.gen(function*() {
    const tool = Tool.make("tool", { handler: () => handler })
    const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }), options)
    yield* client.call(tool, {}, request)
    return yield* client.notifications
  })

const paramsOf = (notifications: ReadonlyArray<JsonRpc.Notification>) => notifications.map(({ params }) => params)

for (const revision of versions) {
  const isStateful = revision !== "2026-07-28"

  describe(`in ${revision}`, () => {
    describe("progress", () => {
      it.effect("reaches the client under its token, with its total and message", () =>
        Effect.gen(function*() {
          for (const progressToken of ["t", "", 0, 7]) {
            const notifications = yield* sent(
              Effect.andThen(Progress.report(1), Progress.report(2.5, { total: 4, message: "more" })),
              { revision },
              { progressToken }
            )
            assert.deepStrictEqual(notifications, [
              {
                _tag: "Notification",
                method: "notifications/progress",
                params: { progressToken, progress: 1 }
              },
              {
                _tag: "Notification",
                method: "notifications/progress",
                params: {
                  progressToken,
                  progress: 2.5,
                  total: 4,
                  ...revision === "2024-11-05" ? undefined : { message: "more" }
                }
              }
            ])
          }
        }))

      it.effect("is not sent to who did not ask", () =>
        Effect.gen(function*() {
          const wanted = RequestContext.RequestContext.use((request) =>
            Effect.sync(() => assert.isFalse(request.wantsProgress))
          )
          assert.deepStrictEqual(yield* sent(Effect.andThen(Progress.report(1), wanted), { revision }), [])
        }))

      it.effect("only ever increases", () =>
        Effect.gen(function*() {
          const reported = [-1, 0, 0, 2, 1, 2, NaN, Infinity, -Infinity, 2.5, 3]
          const notifications = yield* sent(
            Effect.forEach(reported, (progress) => Progress.report(progress), { discard: true }),
            { revision },
            { progressToken: "t" }
          )
          assert.deepStrictEqual(notifications.map(({ params }) => params?.progress), [-1, 0, 2, 2.5, 3])
        }))

      it.effect("says nothing once the request is answered", () =>
        Effect.gen(function*() {
          const tool = Tool.make("tool", {
            handler: () =>
              Effect.asVoid(Effect.forkDetach(
                Effect.andThen(Effect.sleep("1 millis"), Progress.report(1))
              ))
          })
          const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }), { revision })
          yield* client.call(tool, {}, { progressToken: "t" })
          yield* TestClock.adjust("1 millis")
          yield* McpTest.settle
          assert.deepStrictEqual(yield* client.notifications, [])
        }))
    })

    describe("a log message", () => {
      it.effect("reaches the client from the level it asked for upwards", () =>
        Effect.gen(function*() {
          for (const [index, logLevel] of levels.entries()) {
            const notifications = yield* sent(
              Effect.forEach(levels, (level) => ClientLog.log(level, level), { discard: true }),
              { revision, logLevel }
            )
            assert.deepStrictEqual(notifications.map(({ params }) => params?.level), levels.slice(index))
          }
        }))

      it.effect(`without a level asked for is ${isStateful ? "sent from info upwards" : "not sent"}`, () =>
        Effect.gen(function*() {
          const notifications = yield* sent(
            Effect.andThen(ClientLog.debug("quiet"), ClientLog.info("loud")),
            { revision }
          )
          assert.deepStrictEqual(
            paramsOf(notifications),
            isStateful ? [{ level: "info", data: "loud" }] : []
          )
        }))

      it.effect("carries any JSON and the name of its logger, and text for what is not JSON", () =>
        Effect.gen(function*() {
          const notifications = yield* sent(
            Effect.gen(function*() {
              yield* ClientLog.debug({ deep: [1, null] }, { logger: "db" })
              yield* ClientLog.notice(undefined)
              yield* ClientLog.warning(null)
              yield* ClientLog.error("a")
              yield* ClientLog.critical(0)
              yield* ClientLog.error(5n)
              yield* ClientLog.error(new Error("failed"))
            }),
            { revision, logLevel: "debug" }
          )
          assert.deepStrictEqual(paramsOf(notifications), [
            { level: "debug", logger: "db", data: { deep: [1, null] } },
            { level: "notice", data: null },
            { level: "warning", data: null },
            { level: "error", data: "a" },
            { level: "critical", data: 0 },
            { level: "error", data: "5n" },
            { level: "error", data: "Error: failed" }
          ])
        }))

      it.effect("out of Effect's own logging is forwarded where the logger is added, and only inside a request", () =>
        Effect.gen(function*() {
          const cycle: { self?: unknown } = {}
          cycle.self = cycle
          const tool = Tool.make("tool", {
            handler: () =>
              Effect.gen(function*() {
                yield* Effect.logDebug("quiet")
                yield* Effect.logInfo("plain")
                yield* Effect.logWarning("two", { parts: 2 })
                yield* Effect.logError(new Error("failed"), 5n, cycle)
                yield* Effect.logFatal("worst")
              }).pipe(Effect.provide(ClientLog.layer))
          })
          // The server would forward them a second time.
          const layer = McpServer.layer({ ...info, tools: [tool], clientLogs: false })
          const client = yield* McpTest.client(layer, { revision, logLevel: "info" })
          yield* Effect.provide(Effect.logInfo("outside"), ClientLog.layer)
          yield* client.call(tool, {})
          assert.deepStrictEqual(paramsOf(yield* client.notifications), [
            { level: "info", data: "plain" },
            { level: "warning", data: ["two", { parts: 2 }] },
            { level: "error", data: ["Error: failed", "5n", "{}"] },
            { level: "critical", data: "worst" }
          ])
        }))
    })

    it.effect("a handler knows its request", () =>
      Effect.gen(function*() {
        const look = Tool.make("look", {
          success: Schema.Unknown,
          handler: () =>
            RequestContext.RequestContext.use(({ client, id, meta, method, revision, sessionId, wantsProgress }) =>
              Effect.succeed({
                client,
                id,
                method,
                revision: revision.version,
                session: sessionId ?? null,
                example: meta["example.com/a"],
                wantsProgress
              })
            )
        })
        const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [look] }), {
          revision,
          capabilities: { sampling: {} }
        })
        const seen = yield* client.call(look, {}, { progressToken: 1, meta: { "example.com/a": [1] } })
        assert.deepStrictEqual(seen, {
          client: {
            info: { name: "McpTest", version: "1.0.0" },
            capabilities: Revisions.select(revision)!.clientCapabilities({ sampling: {} })
          },
          id: isStateful ? 2 : 1,
          method: "tools/call",
          revision,
          session: null,
          example: [1],
          wantsProgress: true
        })
      }))
  })
}

describe("a change of level", () => {
  it.effect("with logging/setLevel holds for the session, and for what is running", () =>
    Effect.gen(function*() {
      const tool = Tool.make("tool", { handler: () => ClientLog.info("hello") })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }), { revision: "2025-11-25" })
      yield* client.call(tool, {})
      yield* client.request("logging/setLevel", { level: "error" })
      yield* client.call(tool, {})
      assert.lengthOf(yield* client.notifications, 1)
      const refused = yield* Effect.flip(client.request("logging/setLevel", { level: "loud" }))
      assert.strictEqual(refused.reason._tag, "InvalidParams")
    }))

  it.effect("is each request's own from 2026-07-28", () =>
    Effect.gen(function*() {
      const tool = Tool.make("tool", { handler: () => ClientLog.info("hello") })
      const client = yield* McpTest.client(McpServer.layer({ ...info, tools: [tool] }))
      const at = (level: string) => ({ meta: { "io.modelcontextprotocol/logLevel": level } })
      yield* client.call(tool, {}, at("info"))
      yield* client.call(tool, {})
      yield* client.call(tool, {}, at("error"))
      assert.lengthOf(yield* client.notifications, 1)
      const refused = yield* Effect.flip(client.call(tool, {}, at("loud")))
      assert.strictEqual((refused as { reason: { _tag: string } }).reason._tag, "InvalidParams")
    }))
})
