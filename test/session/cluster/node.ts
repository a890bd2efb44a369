/**
 * One of several processes that serve the same sessions: `node.ts BACKEND PREFIX [FILE]`. Says on stdout what
 * becomes of its handlers.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Ask, Elicitation, McpServer, Outcome, Progress, Resource, SessionState, Tool } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import type * as EventStore from "fastmcp-effect/session/EventStore"
import * as EventStoreRedis from "fastmcp-effect/session/EventStoreRedis"
import * as EventStoreSql from "fastmcp-effect/session/EventStoreSql"
import type * as SessionMailbox from "fastmcp-effect/session/SessionMailbox"
import * as SessionMailboxRedis from "fastmcp-effect/session/SessionMailboxRedis"
import * as SessionMailboxSql from "fastmcp-effect/session/SessionMailboxSql"
import type * as SessionStore from "fastmcp-effect/session/SessionStore"
import * as SessionStoreRedis from "fastmcp-effect/session/SessionStoreRedis"
import * as SessionStoreSql from "fastmcp-effect/session/SessionStoreSql"
import { postgres, redis } from "../../support/services.ts"

const [backend, prefix] = process.argv.slice(2) as [string, string]

const say = (text: string) => process.stdout.write(`${text}\n`)

const count = SessionState.make("count", Schema.Int, { default: 0 })

const tools = [
  Tool.make("ask", {
    success: Schema.String,
    handler: Effect.fnUntraced(function*() {
      const { name } = yield* Ask.one("who", Elicitation.form({ name: Schema.String }, { message: "Who is it?" }))
      return `Hello, ${name}!`
    })
  }),
  Tool.make("never", {
    handler: () =>
      Progress.report(1).pipe(
        Effect.andThen(Effect.never),
        Effect.onExit((exit) => {
          const outcome = Outcome.fromExit(exit)
          return Effect.sync(() => say(`never ${outcome._tag === "Cancelled" ? outcome.reason : outcome._tag}`))
        })
      )
  }),
  Tool.make("steps", {
    parameters: { count: Schema.Int, millis: Schema.Int },
    success: Schema.Int,
    timeout: "10 minutes",
    handler: Effect.fnUntraced(function*({ count, millis }) {
      for (let step = 1; step <= count; step++) {
        yield* Progress.report(step)
        yield* Effect.sleep(millis)
      }
      return count
    })
  }),
  Tool.make("increment", { success: Schema.Int, handler: () => Effect.orDie(count.update((n) => n + 1)) }),
  Tool.make("touch", {
    handler: () => McpServer.McpServer.use((server) => server.resourceUpdated("test://watched"))
  })
] as const

const watched = Resource.text("test://watched", "text", { description: "Is touched" })

const server = McpServer.layer({
  name: "cluster",
  version: "1.0.0",
  tools,
  resources: [watched],
  requestTimeout: "10 minutes"
})

const sql = Layer.mergeAll(
  SessionStoreSql.layer({ prefix }),
  SessionMailboxSql.layer({ prefix }),
  EventStoreSql.layer({ prefix })
)

type Stores = Layer.Layer<SessionStore.SessionStore | SessionMailbox.SessionMailbox | EventStore.EventStore, unknown>

const backends: { readonly [backend: string]: Stores } = {
  redis: Layer.mergeAll(
    SessionStoreRedis.layer({ prefix }),
    SessionMailboxRedis.layer({ prefix }),
    EventStoreRedis.layer({ prefix })
  ).pipe(Layer.provide(NodeRedis.layer({ url: redis.url }))),
  postgres: sql.pipe(Layer.provide(PgClient.layer({ url: Redacted.make(postgres.url) }))),
  sqlite: sql.pipe(Layer.provide(SqliteClient.layer({ filename: process.argv[4] ?? ":memory:" })))
}

NodeHttp.serve({ port: 0, retryInterval: "50 millis" })(Layer.merge(server, backends[backend]!))
