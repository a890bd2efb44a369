/** Servers over HTTP in a lab: several behind one address, with the sessions, letters and streams they share. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as EventStore from "fastmcp-effect/session/EventStore"
import * as SessionError from "fastmcp-effect/session/SessionError"
import * as SessionMailbox from "fastmcp-effect/session/SessionMailbox"
import * as SessionStore from "fastmcp-effect/session/SessionStore"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as StreamableHttpClient from "fastmcp-effect/transport/StreamableHttpClient"

const slow = Tool.make("slow", {
  parameters: { n: Schema.Int },
  success: Schema.Int,
  annotations: { readOnlyHint: true },
  handler: ({ n }) =>
    Effect.gen(function*() {
      for (const step of [1, 2, 3]) {
        yield* Progress.report(step, { total: 3 })
        yield* Effect.sleep("1 second")
      }
      return n * n
    })
})

const asks = Tool.make("asks", {
  success: Schema.Int,
  handler: () => Effect.map(Ask.one("roots", Roots.list), (roots) => roots.length)
})

const server = McpServer.layer({ name: "acme", version: "1.0.0", tools: [slow, asks] })

const branch = Effect.gen(function*() {
  const unavailable = () => SessionError.make(new SessionError.Unavailable({ store: "store" }))
  const stores = yield* Effect.all([
    Lab.store(SessionStore.layerMemory, { name: "sessions", service: SessionStore.SessionStore, unavailable }),
    Lab.store(SessionMailbox.layerMemory, { name: "letters", service: SessionMailbox.SessionMailbox, unavailable }),
    Lab.store(EventStore.layerMemory(), { name: "events", service: EventStore.EventStore, unavailable })
  ])
  const [sessions, letters, events] = stores
  const shared = Layer.mergeAll(sessions.layer, letters.layer, events.layer)
  return yield* Effect.forEach(["a", "b", "c"], (name) => Lab.node(name, Layer.provide(Lab.httpServer(server), shared)))
})

const connect = (revision: "2025-11-25" | "2026-07-28") =>
  Effect.gen(function*() {
    const servers = yield* branch
    const transport = StreamableHttpClient.layer({ url: "http://localhost/mcp" }).pipe(
      Layer.provide(Lab.httpClient(servers)),
      Layer.orDie
    )
    const roots = ClientHandlers.roots({ list: Effect.succeed([{ uri: "file:///a" }, { uri: "file:///b" }]) })
    const client = yield* Lab.client("client", Layer.merge(transport, roots), { revision })
    return { client, servers }
  })

describe.each(["2025-11-25", "2026-07-28"] as const)("over HTTP in %s", (revision) => {
  it.effect("requests of one client go to several servers, and are all answered", () =>
    Effect.gen(function*() {
      const report = yield* Lab.report(
        Effect.gen(function*() {
          const { client } = yield* connect(revision)
          const seen: Array<number> = []
          const answers = yield* Effect.forEach(
            [1, 2, 3, 4, 5, 6],
            (n) => client.call(slow, { n }, { onProgress: ({ progress }) => void seen.push(progress) }),
            {
              concurrency: "unbounded"
            }
          )
          assert.strictEqual(seen.length, 18)
          return [...answers, yield* client.call(asks, {})]
        }),
        { seed: 5 }
      )
      assert.deepStrictEqual(report.exit, Exit.succeed([1, 4, 9, 16, 25, 36, 2]))
      const reached = report.journal.entries.flatMap((entry) =>
        entry._tag === "Delivered" && entry.link.startsWith("client>") ? [entry.node] : []
      )
      assert.strictEqual(new Set(reached).size, 3)
    }))

  it.effect("what only reads comes through whatever happens", () =>
    Effect.gen(function*() {
      const { failure } = yield* Lab.explore(
        Effect.gen(function*() {
          const { client } = yield* connect(revision)
          yield* Effect.sleep("1 second")
          const call = Effect.retry(client.call(slow, { n: 7 }, { timeout: "20 seconds" }), { times: 20 })
          assert.strictEqual(yield* call, 49)
          yield* Effect.sleep("5 minutes")
          assert.strictEqual(yield* call, 49)
        }),
        {
          seeds: 25,
          faults: [
            Faults.delay({ chance: 0.1, max: "2 seconds", from: "1 second", until: "2 minutes" }),
            Faults.cut({ chance: 0.03, from: "1 second", until: "2 minutes" }),
            Faults.freeze("a", { every: "30 seconds", until: "2 minutes", for: "4 seconds" }),
            Faults.crash("b", { every: "20 seconds", until: "2 minutes", restartAfter: "3 seconds" })
          ]
        }
      )
      if (failure !== undefined) assert.fail(Lab.toError(failure).message)
    }))
})
