/** Whose session with the server behind a proxy is whose, and what becomes of the proxy when the server goes. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { ClientLog, McpServer, Resource, Tool } from "fastmcp-effect"
import { RequestContext, Roots, SessionState } from "fastmcp-effect/context"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Proxy from "fastmcp-effect/provider/Proxy"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as wires from "../client/wire.ts"
import { assert, describe, it } from "../support/effectVitest.ts"
import * as hops from "./hops.ts"

const roots = Tool.make("roots", {
  success: Schema.String,
  handler: () => Effect.map(Roots.ask("roots"), (roots) => roots.map(({ uri }) => uri).join())
})

const counter = SessionState.make("counter", Schema.Int, { default: 0 })

const counts = Tool.make("counts", {
  success: Schema.Int,
  handler: () => Effect.orDie(counter.update((count) => count + 1))
})

const logs = Tool.make("logs", {
  handler: () => Effect.andThen(ClientLog.debug("low"), ClientLog.error("high"))
})

/** One server in this process, and one proxy of it. */
const serve = (
  behind: typeof hops.eras[number],
  definitions: ReadonlyArray<Tool.AnyHandled | Resource.AnyHandled>,
  settings: Proxy.Settings = {}
) =>
  Effect.gen(function*() {
    const back = yield* Layer.build(
      McpServer.register(...definitions as ReadonlyArray<Tool.Handled<string, any, any, any, never>>).pipe(
        Layer.provideMerge(McpServer.layer({ name: "acme", version: "1.0.0" }))
      )
    )
    const wire = wires.make(Layer.succeedContext(back) as Layer.Layer<Receiver.Receiver>)
    const front = Layer.succeedContext(yield* Layer.build(hops.proxied(wire.layer, behind, settings)))
    return { back: Context.get(back, McpServer.McpServer), wire, front }
  })

const text = (result: { readonly content: ReadonlyArray<object> }) => (result.content[0] as { text?: string }).text

const named = (name: string): McpTest.Answers => ({ roots: Effect.succeed([{ uri: `file:///${name}` }]) })

for (const pair of hops.pairs) {
  const { behind, front: revision } = pair
  describe(`a proxy, ${revision} in front and ${behind} behind,`, () => {
    it.effect("asks each client its own questions, however many call at once", () =>
      Effect.gen(function*() {
        const { front } = yield* serve(behind, [roots])
        const names = ["ada", "bob", "eve"]
        const clients = yield* Effect.forEach(
          names,
          (name) => McpTest.client(front, { revision, answers: named(name) })
        )
        const results = yield* hops.inTime(Effect.all(
          [...clients, ...clients].map((client) => client.callTool("roots")),
          { concurrency: "unbounded" }
        ))
        assert.deepStrictEqual(results.map(text), [...names, ...names].map((name) => `file:///${name}`))
      }))

    it.effect("tells each client the logs of its own calls, at its own level", () =>
      Effect.gen(function*() {
        const { front } = yield* serve(behind, [logs])
        const low = yield* McpTest.client(front, { revision, logLevel: "debug" })
        const high = yield* McpTest.client(front, { revision, logLevel: "error" })
        const said = (client: McpTest.Client) =>
          Effect.map(client.notifications, (all) => all.map(({ params }) => params!.data))
        yield* hops.inTime(Effect.all([low.callTool("logs"), high.callTool("logs")], { concurrency: "unbounded" }))
        assert.deepStrictEqual(yield* said(low), ["low", "high"])
        assert.deepStrictEqual(yield* said(high), ["high"])
      }))

    it.effect("says that the server is away, and answers again when it is back", () =>
      Effect.gen(function*() {
        const { front, wire } = yield* serve(behind, [roots, logs])
        const client = yield* McpTest.client(front, { revision })
        yield* client.callTool("logs")
        wire.isDown = true
        wire.cut()
        const away = yield* Effect.forkChild(Effect.flip(client.callTool("logs")))
        yield* McpTest.settle
        yield* TestClock.adjust("2 seconds")
        const error = (yield* Fiber.join(away)) as McpError.McpError
        assert.strictEqual(error.reason._tag, "Overloaded")
        assert.match(error.message, /The server "behind" behind this one cannot be reached/)
        // At once from then on, and what it had is listed still.
        yield* Effect.flip(client.callTool("logs"))
        assert.lengthOf(yield* client.listTools, 2)
        wire.isDown = false
        yield* TestClock.adjust("20 seconds")
        yield* McpTest.settle
        assert.isUndefined((yield* client.callTool("logs")).isError)
      }))

    it.effect("starts without a server that is not required, and lists what it has when it comes", () =>
      Effect.gen(function*() {
        const wire = wires.make(
          McpServer.layer({ name: "acme", version: "1.0.0", tools: [logs] }) as Layer.Layer<Receiver.Receiver>
        )
        wire.isDown = true
        const starting = yield* Effect.forkChild(
          McpTest.client(hops.proxied(wire.layer, behind, { required: false }), { revision })
        )
        yield* McpTest.settle
        yield* TestClock.adjust("5 seconds")
        const client = yield* Fiber.join(starting)
        assert.deepStrictEqual(yield* client.listTools, [])
        wire.isDown = false
        yield* TestClock.adjust("10 seconds")
        yield* McpTest.settle
        assert.lengthOf(yield* client.listTools, 1)
      }))

    it.effect("does not start without one that is required", () =>
      Effect.gen(function*() {
        const wire = wires.make(
          McpServer.layer({ name: "acme", version: "1.0.0" }) as Layer.Layer<Receiver.Receiver>
        )
        wire.isDown = true
        const error = yield* Effect.flip(McpTest.client(hops.proxied(wire.layer, behind), { revision }))
        assert.match(String(error), /The server "behind" cannot be reached/)
      }))

    it.effect("follows the lists of the server, also in the middle of a call", () =>
      Effect.gen(function*() {
        const [began, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const waits = Tool.make("waits", {
          success: Schema.String,
          handler: () => Effect.as(Effect.andThen(Deferred.succeed(began, undefined), Deferred.await(go)), "done")
        })
        const { back, front } = yield* serve(behind, [waits])
        const client = yield* McpTest.client(front, { revision })
        const call = yield* Effect.forkChild(client.callTool("waits"))
        yield* Deferred.await(began)
        yield* back.remove("tools", "waits")
        yield* back.add(logs)
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["logs"])
        yield* Deferred.succeed(go, undefined)
        assert.strictEqual(text(yield* Fiber.join(call)), "done")
        if (revision === "2025-11-25") {
          const told = (yield* client.notifications).map(({ method }) => method)
          assert.include(told, "notifications/tools/list_changed")
        }
      }))

    it.effect("tells who watches a resource that it has changed", () =>
      Effect.gen(function*() {
        const { back, front } = yield* serve(behind, [Resource.text("acme:///a", "A"), Resource.text("acme:///b", "B")])
        const client = yield* McpTest.client(front, { revision })
        const watching = revision === "2025-11-25"
          ? yield* Effect.forkChild(client.request("resources/subscribe", { uri: "acme:///a" }))
          : yield* Effect.forkChild(
            client.request("subscriptions/listen", { notifications: { resourceSubscriptions: ["acme:///a"] } })
          )
        yield* McpTest.settle
        for (const uri of ["acme:///a", "acme:///b"]) yield* back.resourceUpdated(uri)
        yield* McpTest.settle
        const told = (yield* client.notifications).filter(({ method }) => method === "notifications/resources/updated")
        assert.deepStrictEqual(told.map(({ params }) => params!.uri), ["acme:///a"])
        yield* Fiber.interrupt(watching)
      }))
  })
}

describe("sessions with a server of 2025-11-25", () => {
  const one = { behind: "2025-11-25", revision: "2025-11-25" } as const

  it.effect("are one for each client, and keep what they have to themselves", () =>
    Effect.gen(function*() {
      const { front, wire } = yield* serve(one.behind, [counts])
      const [ada, bob] = [yield* McpTest.client(front, one), yield* McpTest.client(front, one)]
      assert.deepStrictEqual([text(yield* ada.callTool("counts")), text(yield* ada.callTool("counts"))], ["1", "2"])
      assert.strictEqual(text(yield* bob.callTool("counts")), "1")
      // And the one that the lists are read on.
      assert.strictEqual(wire.open(), 3)
    }))

  it.effect("are shared by all where that is wanted, and nobody is asked", () =>
    Effect.gen(function*() {
      const { front, wire } = yield* serve(one.behind, [counts, roots], { sessions: "shared" })
      const [ada, bob] = [
        yield* McpTest.client(front, { ...one, answers: named("ada") }),
        yield* McpTest.client(front, one)
      ]
      assert.strictEqual(text(yield* ada.callTool("counts")), "1")
      assert.strictEqual(text(yield* bob.callTool("counts")), "2")
      assert.match(text(yield* ada.callTool("roots"))!, /needs a client with roots/)
      assert.strictEqual(wire.open(), 1)
    }))

  it.effect("are closed when nobody has used them for a while", () =>
    Effect.gen(function*() {
      const { front, wire } = yield* serve(one.behind, [counts], { sessionIdle: "1 minute" })
      const ada = yield* McpTest.client(front, one)
      yield* ada.callTool("counts")
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(wire.open(), 2)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(wire.open(), 1)
      assert.strictEqual(text(yield* ada.callTool("counts")), "1")
    }))

  it.effect("end with their client, and with them what it had begun", () =>
    Effect.gen(function*() {
      const cut = yield* Deferred.make<void>()
      const waits = Tool.make("waits", {
        handler: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(cut, undefined))
      })
      const { front, wire } = yield* serve(one.behind, [waits, counts])
      yield* Effect.scoped(Effect.gen(function*() {
        const ada = yield* McpTest.client(front, one)
        yield* ada.callTool("counts")
        yield* Effect.forkScoped(ada.callTool("waits"))
        yield* McpTest.settle
        assert.strictEqual(wire.open(), 2)
      }))
      yield* Deferred.await(cut)
      yield* McpTest.settle
      assert.strictEqual(wire.open(), 1)
    }))

  it.effect("are so many at most: an idle one makes room, and where none is, the call is refused", () =>
    Effect.gen(function*() {
      const go = yield* Deferred.make<void>()
      const waits = Tool.make("waits", { handler: () => Deferred.await(go) })
      const { front, wire } = yield* serve(one.behind, [waits, counts], { maxSessions: 2 })
      const clients = yield* Effect.forEach([1, 2, 3], () => McpTest.client(front, one))
      for (const client of clients) yield* client.callTool("counts")
      assert.strictEqual(wire.open(), 3)
      const busy = yield* Effect.forEach(clients.slice(1), (client) => Effect.forkChild(client.callTool("waits")))
      yield* McpTest.settle
      const error = yield* Effect.flip(clients[0]!.callTool("counts"))
      assert.match(error.message, /used by as many clients as it may be \(2\)/)
      yield* Deferred.succeed(go, undefined)
      for (const call of busy) yield* Fiber.join(call)
      assert.strictEqual(text(yield* clients[0]!.callTool("counts")), "1")
    }))

  it.effect("end with the proxy", () =>
    Effect.gen(function*() {
      const wire = yield* Effect.scoped(Effect.gen(function*() {
        const { front, wire } = yield* serve(one.behind, [counts])
        yield* Effect.forEach([1, 2, 3], () =>
          Effect.flatMap(McpTest.client(front, one), (client) => client.callTool("counts")))
        assert.strictEqual(wire.open(), 4)
        return wire
      }))
      assert.strictEqual(wire.open(), 0)
      assert.strictEqual(wire.built, 0)
    }))
})

describe("a session of a client's own, with a server that speaks all revisions,", () => {
  const speaks = Tool.make("speaks", {
    success: Schema.String,
    handler: () => RequestContext.RequestContext.useSync(({ revision }) => revision.version)
  })

  const spoken = (revision: Revisions.Version, settings: Proxy.Settings = {}) =>
    Effect.gen(function*() {
      const back = McpServer.layer({ name: "acme", version: "1.0.0", tools: [speaks] })
      const front = McpServer.register(Proxy.make({ name: "behind", transport: hops.to(back), ...settings })).pipe(
        Layer.provideMerge(McpServer.layer({ name: "front", version: "1.0.0" }))
      )
      return text(yield* (yield* McpTest.client(front, { revision })).callTool("speaks"))
    })

  for (const revision of Revisions.all.map(({ version }) => version as Revisions.Version)) {
    it.effect(`is in the client's, ${revision}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* spoken(revision), revision)
      }))

    it.effect(`is in the one the proxy is told to speak, for a client of ${revision}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* spoken(revision, { client: { revision: "2026-07-28" } }), "2026-07-28")
        assert.strictEqual(yield* spoken(revision, { client: { revision: "2025-06-18" } }), "2025-06-18")
      }))
  }
})
