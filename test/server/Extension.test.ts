import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Extension from "fastmcp-effect/server/Extension"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Receiver from "fastmcp-effect/transport/Receiver"
import { capabilities, id, info, method, NoParams, serve } from "./extended.ts"

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

for (const revision of versions) {
  describe(`in ${revision} an extension`, () => {
    it.effect("answers methods of its own, with their decoded params", () =>
      Effect.gen(function*() {
        const extension = Extension.make({
          id,
          methods: {
            "clock/add": {
              params: Schema.Struct({ at: Schema.DateFromString, days: Schema.Int }),
              handle: ({ at, days }: { readonly at: Date; readonly days: number }) =>
                Effect.succeed({ at: new Date(at.getTime() + days * 86_400_000).toISOString() })
            }
          }
        })
        const client = yield* serve(extension, { revision })
        const { at } = yield* client.request("clock/add", { at: "2026-01-01T00:00:00.000Z", days: 2 })
        assert.strictEqual(at, "2026-01-03T00:00:00.000Z")
        const refused = yield* Effect.flip(client.request("clock/add", { at: "2026-01-01T00:00:00.000Z", days: "2" }))
        assert.strictEqual(refused.reason._tag, "InvalidParams")
        assert.include(refused.message, "days")
      }))

    it.effect("refuses, dies and is cancelled like any handler", () =>
      Effect.gen(function*() {
        const ended: Array<string> = []
        const extension = Extension.make({
          id,
          methods: {
            "clock/refuse": method(() => Effect.fail(McpError.invalidRequest("not now"))),
            "clock/die": method(() => Effect.die("the secret of the defect")),
            "clock/throw": method(() => {
              throw new Error("the secret of the defect")
            }),
            "clock/never": method(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended.push("never"))))
          }
        })
        const client = yield* serve(extension, { revision })
        const fails = (name: string) => Effect.map(Effect.flip(client.request(name)), ({ reason }) => reason._tag)
        assert.strictEqual(yield* fails("clock/refuse"), "InvalidRequest")
        assert.strictEqual(yield* fails("clock/die"), "InternalError")
        assert.strictEqual(yield* fails("clock/throw"), "InternalError")
        const call = yield* Effect.forkChild(client.request("clock/never"), { startImmediately: true })
        yield* McpTest.settle
        yield* Fiber.interrupt(call)
        yield* McpTest.settle
        assert.deepStrictEqual(ended, ["never"])
        assert.notInclude((yield* client.frames).join(), "secret")
      }))

    it.effect("has a method only in the eras it says", () =>
      Effect.gen(function*() {
        const extension = Extension.make({
          id,
          methods: {
            "clock/old": method(() => Effect.succeed({}), { eras: ["Stateful"] }),
            "clock/new": method(() => Effect.succeed({}), { eras: ["Stateless"] }),
            "clock/both": method(() => Effect.succeed({}))
          }
        })
        const client = yield* serve(extension, { revision })
        const has = (name: string) => Effect.map(Effect.exit(client.request(name)), (exit) => exit._tag === "Success")
        assert.strictEqual(yield* has("clock/old"), revision !== "2026-07-28")
        assert.strictEqual(yield* has("clock/new"), revision === "2026-07-28")
        assert.isTrue(yield* has("clock/both"))
        const error = JSON.parse((yield* client.frames).at(-2)!).error ??
          JSON.parse((yield* client.frames).at(-3)!).error
        assert.strictEqual(error.code, -32601)
      }))

    it.effect("has its methods inside the server's middleware", () =>
      Effect.gen(function*() {
        const seen: Array<unknown> = []
        const watch = Middleware.make(({ method, params }, next) =>
          Effect.andThen(Effect.sync(() => seen.push([method, params])), next)
        )
        const extension = Extension.make({ id, methods: { "clock/now": method(() => Effect.succeed({ now: 1 })) } })
        const client = yield* serve(extension, { revision }, { middleware: [watch] })
        yield* client.request("clock/now", { a: 1 })
        const [name, params] = seen.at(-1) as [string, JsonRpc.JsonObject]
        assert.strictEqual(name, "clock/now")
        assert.strictEqual(params.a, 1)
      }))

    it.effect("hears its notifications, and not those it cannot read", () =>
      Effect.gen(function*() {
        const heard: Array<unknown> = []
        const extension = Extension.make({
          id,
          notifications: {
            "notifications/clock/tick": {
              params: Schema.Struct({ n: Schema.Int }),
              handle: ({ n }: { readonly n: number }) => {
                if (n === 13) throw new Error("unlucky")
                return Effect.sync(() => void heard.push(n))
              }
            }
          }
        })
        const client = yield* serve(extension, { revision })
        yield* client.notify("notifications/clock/tick", { n: 1 })
        yield* client.notify("notifications/clock/tick", { n: "2" })
        yield* client.notify("notifications/clock/tock", { n: 3 })
        yield* client.notify("notifications/clock/tick", { n: 13 })
        yield* client.notify("notifications/clock/tick", { n: 4 })
        yield* McpTest.settle
        assert.deepStrictEqual(heard, [1, 4])
        assert.deepStrictEqual(yield* client.listTools, [])
      }))

    it.effect("announces its settings, and the capabilities it has beside them", () =>
      Effect.gen(function*() {
        const extension = Extension.make({
          id,
          settings: { precision: "ms" },
          capabilities: (era) => era === "Stateful" ? { experimental: { clock: {} } } : {}
        })
        assert.deepStrictEqual(yield* capabilities(extension, revision), {
          logging: {},
          ...(revision === "2024-11-05" ? undefined : { completions: {} }),
          tools: { listChanged: true },
          resources: { subscribe: true, listChanged: true },
          prompts: { listChanged: true },
          ...(revision === "2026-07-28" ? undefined : { experimental: { clock: {} } }),
          extensions: { [id]: { precision: "ms" } }
        })
        const plain = yield* capabilities(Extension.make({ id }), revision)
        assert.deepStrictEqual(plain.extensions, { [id]: {} })
      }))

    it.effect("wraps calls inside the middleware, and may answer with a result type of its own", () =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const note = (text: string) => Effect.sync(() => seen.push(text))
        const tool = Tool.make("tool", {
          parameters: { later: Schema.Boolean },
          handler: () => Effect.asVoid(note("handler"))
        })
        const extension = Extension.make({
          id,
          wrap: ({ method, params, tool }, next) =>
            Effect.andThen(
              note(`wrap ${method} ${tool?.name}`),
              (params as { arguments: { later: boolean } }).arguments.later
                ? Effect.succeed({ resultType: "task", taskId: "1" })
                : next
            )
        })
        const client = yield* serve(extension, { revision }, {
          tools: [tool],
          middleware: [Middleware.forMethods(
            Middleware.make((_request, next) => Effect.andThen(note("middleware"), next)),
            ["tools/call"]
          )]
        })
        yield* client.call(tool, { later: false })
        assert.deepStrictEqual(seen, ["middleware", "wrap tools/call tool", "handler"])
        const { _meta, ...answer } = yield* client.request("tools/call", { name: "tool", arguments: { later: true } })
        assert.deepStrictEqual(answer, { resultType: "task", taskId: "1" })
        assert.deepStrictEqual(seen.slice(3), ["middleware", "wrap tools/call tool"])
        yield* client.listTools
        assert.lengthOf(seen, 5)
      }))

    it.effect("keeps a result type of its own, where the revision has result types", () =>
      Effect.gen(function*() {
        const extension = Extension.make({
          id,
          methods: {
            "clock/task": method(() => Effect.succeed({ resultType: "task", a: 1, _meta: { "example.com/b": 2 } })),
            "clock/plain": method(() => Effect.succeed({ a: 1 }))
          }
        })
        const client = yield* serve(extension, { revision })
        const serverInfo = revision === "2026-07-28" ? { [Meta.serverInfo]: info } : {}
        assert.deepStrictEqual(yield* client.request("clock/task"), {
          resultType: "task",
          a: 1,
          _meta: { "example.com/b": 2, ...serverInfo }
        })
        assert.deepStrictEqual(
          yield* client.request("clock/plain"),
          revision === "2026-07-28" ? { resultType: "complete", a: 1, _meta: serverInfo } : { a: 1 }
        )
      }))
  })
}

describe("services of an extension", () => {
  class Zone extends Context.Service<Zone, string>()("test/Extension/Zone") {}

  it.effect("are those of the server's layer, also around a tool that has its own of the same key", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const note = (at: string) => Effect.flatMap(Zone, (zone) => Effect.sync(() => void seen.push(`${at} ${zone}`)))
      const extension = Extension.make({
        id,
        methods: { "clock/zone": { params: NoParams, handle: () => Effect.as(note("method"), {}) } },
        notifications: { "notifications/clock/zone": { params: NoParams, handle: () => note("notification") } },
        wrap: (_request, next) => note("before").pipe(Effect.andThen(next), Effect.tap(() => note("after")))
      })
      const tool = Tool.make("tool", { handler: () => note("handler") })
      const server = McpServer.register(tool).pipe(
        Layer.provide(Layer.succeed(Zone, "tool's")),
        Layer.provideMerge(
          McpServer.layer({ ...info, extensions: [extension] }).pipe(Layer.provide(Layer.succeed(Zone, "server's")))
        )
      )
      const client = yield* McpTest.client(server)
      yield* client.call(tool, {})
      yield* client.request("clock/zone")
      yield* client.notify("notifications/clock/zone")
      yield* McpTest.settle
      assert.deepStrictEqual(seen, [
        "before server's",
        "handler tool's",
        "after server's",
        "method server's",
        "notification server's"
      ])
    }))

  it.effect("include the request, in its methods", () =>
    Effect.gen(function*() {
      const extension = Extension.make({
        id,
        methods: {
          "clock/id": {
            params: NoParams,
            handle: () => Effect.map(RequestContext.RequestContext, ({ id, method }) => ({ id, method }))
          }
        }
      })
      const client = yield* McpTest.client(McpServer.layer({ ...info, extensions: [extension] }))
      const { id: requestId, method } = yield* client.request("clock/id")
      assert.deepStrictEqual({ requestId, method }, { requestId: 1, method: "clock/id" })
    }))
})

describe("definitions of an extension", () => {
  class Zone extends Context.Service<Zone, string>()("test/Extension/definitions/Zone") {}

  const own = Tool.make("own", { handler: () => Effect.void })
  const brought = Tool.make("brought", { success: Schema.String, handler: () => Zone })

  it.effect("are served like the server's own, after them, and what they need the server needs", () =>
    Effect.gen(function*() {
      const extension = Extension.make({ id, definitions: [brought, Resource.text("clock:///face", "XII")] })
      const server = McpServer.layer({ ...info, tools: [own], extensions: [extension] })
      const client = yield* McpTest.client(Layer.provide(server, Layer.succeed(Zone, "UTC")))
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["own", "brought"])
      assert.strictEqual(yield* client.call(brought, {}), "UTC")
      const [face] = (yield* client.readResource("clock:///face")).contents
      assert.deepInclude(face, { text: "XII" })
    }))

  it.effect("fail the server when their name is taken", () =>
    Effect.gen(function*() {
      const extension = Extension.make({ id, definitions: [own] })
      const error = yield* Effect.flip(
        McpTest.client(McpServer.layer({ ...info, tools: [own], extensions: [extension] }))
      )
      assert.instanceOf(error, DefinitionError.DefinitionError)
      assert.strictEqual(error.reason._tag, "Duplicate")
    }))

  it.effect("are seen by a caller as they are in the lists", () =>
    Effect.gen(function*() {
      const hidden = Tool.make("hidden", { visible: () => false, handler: () => Effect.void })
      const extension = Extension.make({
        id,
        definitions: [own, hidden],
        methods: {
          "clock/sees": {
            params: NoParams,
            handle: (_params, { sees }) => Effect.succeed({ seen: [sees(own), sees(hidden)] })
          }
        }
      })
      const open = yield* McpTest.client(McpServer.layer({ ...info, extensions: [extension] }))
      assert.deepStrictEqual((yield* open.request("clock/sees")).seen, [true, false])
      const closed = yield* McpTest.client(McpServer.layer({ ...info, extensions: [extension], visible: () => false }))
      assert.deepStrictEqual((yield* closed.request("clock/sees")).seen, [false, false])
    }))
})

describe("an effect that makes an extension", () => {
  class Broken extends Schema.TaggedError<Broken>("test/Extension/Broken")("Broken", {}) {}
  class Spring extends Context.Service<Spring, string>()("test/Extension/Spring") {}

  it.effect("runs while the server is built, in its scope, with what it needs", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const made = Effect.gen(function*() {
        const spring = yield* Spring
        yield* Effect.acquireRelease(
          Effect.sync(() => seen.push("wound")),
          () => Effect.sync(() => seen.push("released"))
        )
        return Extension.make({ id, methods: { "clock/spring": method(() => Effect.succeed({ spring })) } })
      })
      const server = McpServer.layer({ ...info, extensions: [made] })
      yield* Effect.scoped(Effect.gen(function*() {
        const client = yield* McpTest.client(Layer.provide(server, Layer.succeed(Spring, "steel")))
        assert.deepStrictEqual(seen, ["wound"])
        assert.strictEqual((yield* client.request("clock/spring")).spring, "steel")
      }))
      assert.deepStrictEqual(seen, ["wound", "released"])
    }))

  it.effect("fails the server's layer with its own error", () =>
    Effect.gen(function*() {
      const made = Effect.as(Effect.fail(new Broken()), Extension.make({ id }))
      const error = yield* Effect.flip(McpTest.client(McpServer.layer({ ...info, extensions: [made] })))
      assert.instanceOf(error, Broken)
    }))
})

describe("cache hints of an extension's result", () => {
  const extension = Extension.make({
    id,
    methods: {
      "clock/server": method(() => Effect.succeed({ now: 1, cacheHints: {} })),
      "clock/own": method(() => Effect.succeed({ now: 1, cacheHints: { ttlMs: 5, cacheScope: "public" } })),
      "clock/none": method(() => Effect.succeed({ now: 1 }))
    }
  })

  for (const revision of versions) {
    it.effect(`in ${revision} are ${revision === "2026-07-28" ? "its own or the server's" : "left out"}`, () =>
      Effect.gen(function*() {
        const server = McpServer.layer({
          ...info,
          extensions: [extension],
          cacheHints: { ttlMs: 1000, cacheScope: "private" }
        })
        const client = yield* McpTest.client(server, { revision })
        const hints = (name: string) =>
          Effect.map(client.request(name), ({ _meta, now, resultType, ...rest }) => {
            assert.strictEqual(now, 1)
            return rest
          })
        const isNew = revision === "2026-07-28"
        assert.deepStrictEqual(yield* hints("clock/server"), isNew ? { ttlMs: 1000, cacheScope: "private" } : {})
        assert.deepStrictEqual(yield* hints("clock/own"), isNew ? { ttlMs: 5, cacheScope: "public" } : {})
        assert.deepStrictEqual(yield* hints("clock/none"), {})
      }))
  }
})

describe("a listen filter of an extension", () => {
  const setup = Effect.gen(function*() {
    const closed: Array<string> = []
    let emitTo: (at: string) => Effect.Effect<void> = () => Effect.void
    const extension = Extension.make({
      id,
      listenFilters: {
        alarms: {
          params: Schema.Array(Schema.String),
          listen: (names: ReadonlyArray<string>, emit) =>
            Effect.gen(function*() {
              const known = names.filter((name) => name !== "nobody's")
              if (known.length === 0) return yield* McpError.invalidParams("no such alarm")
              emitTo = (at) => emit("notifications/clock/alarm", { at })
              yield* emit("notifications/clock/alarm", { at: "once" })
              yield* Effect.addFinalizer(() => Effect.sync(() => closed.push(known.join())))
              return known
            })
        }
      }
    })
    const client = yield* McpTest.client(McpServer.layer({ ...info, extensions: [extension] }))
    const listen = (notifications: JsonRpc.JsonObject) => client.request("subscriptions/listen", { notifications })
    return { client, closed, listen, emit: (at: string) => emitTo(at) }
  })

  it.effect("is acknowledged with what it honours, emits under the stream's id, and closes with the stream", () =>
    Effect.gen(function*() {
      const { client, closed, emit, listen } = yield* setup
      const stream = yield* Effect.forkScoped(listen({ alarms: ["a", "nobody's"] }), { startImmediately: true })
      yield* McpTest.settle
      yield* emit("noon")
      yield* McpTest.settle
      const _meta = { [Meta.subscriptionId]: 1 }
      const [first, ...rest] = yield* client.notifications
      assert.deepStrictEqual(first, {
        _tag: "Notification",
        method: "notifications/subscriptions/acknowledged",
        params: { notifications: { alarms: ["a"] }, _meta }
      })
      assert.deepStrictEqual(
        rest.map(({ params }) => params),
        [{ at: "once", _meta }, { at: "noon", _meta }]
      )
      assert.deepStrictEqual(closed, [])
      yield* Fiber.interrupt(stream)
      yield* McpTest.settle
      assert.deepStrictEqual(closed, ["a"])
      yield* emit("midnight")
      yield* McpTest.settle
      assert.lengthOf(yield* client.notifications, 3)
    }))

  it.effect("is not opened for who does not ask, and refuses what it cannot read or honour", () =>
    Effect.gen(function*() {
      const { client, listen } = yield* setup
      for (const alarms of ["a", [1], ["nobody's"]]) {
        const refused = yield* Effect.flip(listen({ alarms }))
        assert.strictEqual(refused.reason._tag, "InvalidParams")
      }
      assert.deepStrictEqual(yield* client.notifications, [])
      yield* Effect.forkScoped(listen({ toolsListChanged: true }), { startImmediately: true })
      yield* McpTest.settle
      assert.deepStrictEqual(
        (yield* client.notifications).map(({ params }) => params?.notifications),
        [{ toolsListChanged: true }]
      )
    }))
})

describe("a mirrored name", () => {
  const mirrored = Extension.make({
    id,
    methods: {
      "clock/get": method(() => Effect.succeed({ ok: true }), {
        mirroredName: ({ clockId }) => {
          if (clockId === "throw") throw new Error("the secret of the defect")
          return clockId as string | undefined
        }
      })
    }
  })

  /** Sends one request as HTTP would, and gives its reply. */
  const post = (params: JsonRpc.JsonObject, name: string | undefined) =>
    Effect.gen(function*() {
      const context = yield* Layer.build(McpServer.layer({ ...info, extensions: [mirrored] }))
      const replies = yield* Queue.unbounded<{ readonly frame: any; readonly status: number }>()
      const peer = Context.get(context, Receiver.Receiver).connect({
        transport: "http",
        sessionId: undefined,
        push: undefined,
        context: Context.empty()
      })
      const headers: { readonly [name: string]: string | undefined } = {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "clock/get",
        "mcp-name": name
      }
      peer.receive(
        JsonRpc.parse(JsonRpc.encodeRequest(1, "clock/get", {
          ...params,
          _meta: { [Meta.protocolVersion]: "2026-07-28", [Meta.clientCapabilities]: {} }
        })),
        {
          reply: (frame, status) => void Queue.offerUnsafe(replies, { frame: JSON.parse(frame), status }),
          notify: () => {},
          drop: () => {},
          congested: () => false,
          drained: Effect.void,
          header: (name) => headers[name]
        }
      )
      return yield* Queue.take(replies)
    })

  it.effect("must equal the Mcp-Name header", () =>
    Effect.gen(function*() {
      const fine = yield* post({ clockId: "a" }, "a")
      assert.strictEqual(fine.frame.result.ok, true)
      assert.strictEqual((yield* post({}, undefined)).frame.result.ok, true)
      for (const name of ["b", undefined, ""]) {
        const { frame, status } = yield* post({ clockId: "a" }, name)
        assert.deepStrictEqual([status, frame.error.code], [400, -32020])
      }
    }))

  it.effect("that cannot be told because of a bug is an internal error", () =>
    Effect.gen(function*() {
      const { frame } = yield* post({ clockId: "throw" }, "a")
      assert.strictEqual(frame.error.code, -32603)
      assert.notInclude(JSON.stringify(frame), "secret")
    }))
})

describe("a server refuses", () => {
  const refused = (...extensions: ReadonlyArray<Extension.Extension<never>>) =>
    Effect.map(Effect.flip(McpTest.client(McpServer.layer({ ...info, extensions }))), (error) => {
      assert.instanceOf(error, DefinitionError.DefinitionError)
      return error.reason
    })
  const now = { "clock/now": method(() => Effect.succeed({})) }
  const heard = { params: NoParams, handle: () => Effect.void }
  const filter = { params: NoParams, listen: () => Effect.succeed(true) }

  it.effect("two extensions with one method", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* refused(Extension.make({ id, methods: now }), Extension.make({ id: "example.com/b", methods: now })),
        new DefinitionError.Duplicate({ kind: "extension method", name: "clock/now" })
      )
    }))

  it.effect("a method of the protocol's own, of whichever era", () =>
    Effect.gen(function*() {
      for (const name of ["tools/call", "ping", "server/discover"]) {
        assert.deepStrictEqual(
          yield* refused(Extension.make({ id, methods: { [name]: now["clock/now"] } })),
          new DefinitionError.Duplicate({ kind: "extension method", name })
        )
      }
    }))

  it.effect("two extensions of one id, and notifications and filters that are taken", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* refused(Extension.make({ id }), Extension.make({ id })),
        new DefinitionError.Duplicate({ kind: "extension", name: id })
      )
      assert.deepStrictEqual(
        yield* refused(Extension.make({ id, notifications: { "notifications/cancelled": heard } })),
        new DefinitionError.Duplicate({ kind: "extension notification", name: "notifications/cancelled" })
      )
      assert.deepStrictEqual(
        yield* refused(Extension.make({ id, listenFilters: { toolsListChanged: filter } })),
        new DefinitionError.Duplicate({ kind: "listen filter", name: "toolsListChanged" })
      )
    }))
})
