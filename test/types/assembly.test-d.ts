/**
 * What a server lacks shows where it is assembled: a transport takes only a server that needs nothing more.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import type * as TokenVerifier from "fastmcp-effect/auth/TokenVerifier"
import * as Callers from "fastmcp-effect/context/Identity"
import * as McpRequest from "fastmcp-effect/context/McpRequest"
import * as Progress from "fastmcp-effect/context/Progress"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import type * as Definition from "fastmcp-effect/definition/Definition"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as Extension from "fastmcp-effect/server/Extension"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import type * as TransportError from "fastmcp-effect/transport/TransportError"
import { describe, expectTypeOf, it } from "vitest"

class Db extends Context.Service<Db, { readonly query: Effect.Effect<string> }>()("test/types/Db") {}
class Clock extends Context.Service<Clock, number>()("test/types/Clock") {}
class Identity extends McpRequest.Service<Identity, { readonly name: string }>()("test/types/Identity") {}
class Tenant extends McpRequest.Service<Tenant, string>()("test/types/Tenant") {}

const info = { name: "acme", version: "1.0.0" }

const plain = Tool.make("plain", { handler: () => Effect.void })
const query = Tool.make("query", { success: Schema.String, handler: () => Effect.flatMap(Db, (db) => db.query) })
const whoami = Tool.make("whoami", { success: Schema.String, handler: () => Effect.map(Identity, ({ name }) => name) })
const both = Tool.make("both", {
  success: Schema.String,
  handler: () =>
    Effect.gen(function*() {
      const { name } = yield* Identity
      const tenant = yield* Tenant
      const text = yield* Effect.flatMap(Db, (db) => db.query)
      yield* Progress.report(1)
      return `${name} ${tenant} ${text}`
    })
})
const scoped = Tool.make("scoped", { handler: () => Effect.acquireRelease(Effect.void, () => Effect.void) })

const identify = Middleware.provide(Identity, () => Effect.succeed({ name: "Ann" }))
const settle = Middleware.provide(Tenant, () => Effect.map(Identity, ({ name }) => name))
const audit = Middleware.make((_request, next) => Effect.andThen(Clock, next))

/** What is left for somebody to provide. */
type Needs<L> = L extends Layer.Layer<infer _A, infer _E, infer R> ? R : "not a layer"

/** What a transport accepts. */
type Servable = Parameters<typeof NodeStdio.run<unknown>>[0]

describe("a server whose needs are met", () => {
  const server = McpServer.layer({ ...info, tools: [plain] })

  it("can be served and tested", () => {
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<never>()
    expectTypeOf(server).toExtend<
      Layer.Layer<McpServer.McpServer | Receiver.Receiver, DefinitionError.DefinitionError>
    >()
    expectTypeOf(NodeStdio.run).toBeCallableWith(server)
    expectTypeOf(McpTest.client(server)).toEqualTypeOf<
      Effect.Effect<
        McpTest.Client,
        DefinitionError.DefinitionError | McpError.McpError | TransportError.TransportError,
        Scope.Scope
      >
    >()
  })

  it("can do without any tools", () => {
    const empty = McpServer.layer(info)
    expectTypeOf<Needs<typeof empty>>().toEqualTypeOf<never>()
  })
})

describe("a missing dependency", () => {
  const server = McpServer.layer({ ...info, tools: [plain, query] })

  it("is a need of the server, by its name", () => {
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<Db>()
  })

  it("is a compile error at the transport and at the test client", () => {
    expectTypeOf(server).not.toExtend<Parameters<typeof McpTest.client>[0]>()
    expectTypeOf(server).not.toExtend<Servable>()
  })

  it("is met by any layer", () => {
    const met = server.pipe(Layer.provide(Layer.succeed(Db, { query: Effect.succeed("a") })))
    expectTypeOf(met).toExtend<Servable>()
    expectTypeOf(McpTest.client).toBeCallableWith(met)
  })

  it("of a middleware, an extension, a registered and an added tool is one of the assembly too", () => {
    const guarded = McpServer.layer({ ...info, middleware: [audit] })
    expectTypeOf<Needs<typeof guarded>>().toEqualTypeOf<Clock>()
    const extension = Extension.make({
      id: "example.com/a",
      methods: { a: { params: Schema.Struct({}), handle: () => Effect.as(Db, {}) } },
      notifications: { b: { params: Schema.Struct({}), handle: () => Effect.asVoid(Clock) } }
    })
    const extended = McpServer.layer({ ...info, extensions: [extension] })
    expectTypeOf<Needs<typeof extended>>().toEqualTypeOf<Db | Clock>()
    const registered = McpServer.register(plain, query)
    expectTypeOf<Needs<typeof registered>>().toEqualTypeOf<McpServer.McpServer | Db>()
    const added = Effect.flatMap(McpServer.McpServer, (server) => server.add(plain, query))
    expectTypeOf(added).toEqualTypeOf<
      Effect.Effect<void, DefinitionError.DefinitionError, McpServer.McpServer | Scope.Scope | Db>
    >()
  })
})

describe("resources, templates and prompts", () => {
  const page = Resource.make("test:///page", { handler: Effect.flatMap(Db, (db) => db.query) })
  const item = ResourceTemplate.make("test:///item/{id}", {
    name: "item",
    complete: { id: () => Effect.as(Clock, []) },
    list: Effect.as(Tenant, []),
    handler: ({ id }) => Effect.map(Identity, ({ name }) => `${name} ${id}`)
  })
  const greet = Prompt.make("greet", {
    arguments: { who: Schema.String },
    complete: { who: () => Effect.as(Db, ["ann"]) },
    handler: ({ who }) => Effect.map(Clock, (now) => `${who} ${now}`)
  })
  const identified = [identify, settle] as const

  it("bring what their code needs, completers and lists with it", () => {
    const pages = McpServer.layer({ ...info, resources: [page] })
    expectTypeOf<Needs<typeof pages>>().toEqualTypeOf<Db>()
    const items = McpServer.layer({ ...info, resources: [item] })
    expectTypeOf<Needs<typeof items>>().toEqualTypeOf<
      Clock | McpRequest.McpRequest<"Requires", Identity> | McpRequest.McpRequest<"Requires", Tenant>
    >()
    const prompts = McpServer.layer({ ...info, prompts: [greet] })
    expectTypeOf<Needs<typeof prompts>>().toEqualTypeOf<Db | Clock>()
    expectTypeOf(pages).not.toExtend<Servable>()
  })

  it("are met together, by layers and middleware", () => {
    const server = McpServer.layer({
      ...info,
      tools: [plain, query],
      resources: [page, item],
      prompts: [greet],
      middleware: identified
    })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<Db | Clock>()
    const met = server.pipe(
      Layer.provide(Layer.merge(Layer.succeed(Db, { query: Effect.succeed("a") }), Layer.succeed(Clock, 1)))
    )
    expectTypeOf(met).toExtend<Servable>()
    expectTypeOf(McpTest.client).toBeCallableWith(met)
  })

  it("can be written where they are listed", () => {
    const server = McpServer.layer({
      ...info,
      tools: [Tool.make("a", { handler: () => Effect.asVoid(Clock) })],
      resources: [Resource.make("test:///a", { handler: Effect.flatMap(Db, (db) => db.query) })],
      prompts: [Prompt.make("a", { handler: () => Effect.succeed("a") })]
    })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<Clock | Db>()
  })

  it("are registered, added and exchanged like tools", () => {
    const registered = McpServer.register(plain, page, item, greet)
    expectTypeOf<Needs<typeof registered>>().toEqualTypeOf<
      | McpServer.McpServer
      | Db
      | Clock
      | McpRequest.McpRequest<"Requires", Identity>
      | McpRequest.McpRequest<"Requires", Tenant>
    >()
    const added = Effect.flatMap(McpServer.McpServer, (server) => server.add(page, greet))
    expectTypeOf(added).toEqualTypeOf<
      Effect.Effect<void, DefinitionError.DefinitionError, McpServer.McpServer | Scope.Scope | Db | Clock>
    >()
    const exchanged = (catalogue: McpServer.Catalogue) => catalogue.set(page, plain)
    expectTypeOf(exchanged).returns.toEqualTypeOf<Effect.Effect<void, DefinitionError.DefinitionError, Db>>()
    const catalogue = Effect.flatMap(McpServer.McpServer, (server) => server.catalogue)
    expectTypeOf(catalogue).toEqualTypeOf<
      Effect.Effect<McpServer.Catalogue, never, McpServer.McpServer | Scope.Scope>
    >()
  })

  it("have a place each: no prompt among the tools", () => {
    type Options = Parameters<typeof McpServer.layer>[0]
    expectTypeOf<{ name: string; version: string; tools: [typeof greet] }>().not.toExtend<Options>()
    expectTypeOf<{ name: string; version: string; prompts: [typeof page] }>().not.toExtend<Options>()
    expectTypeOf<{ name: string; version: string; resources: [typeof plain] }>().not.toExtend<Options>()
    expectTypeOf<{ name: string; version: string; resources: [typeof page, typeof item] }>().toExtend<Options>()
    // Without its code, none can be served.
    const bare = Prompt.make("bare")
    expectTypeOf<{ name: string; version: string; prompts: [typeof bare] }>().not.toExtend<Options>()
  })

  it("are shown to a viewer the server's option judges, too", () => {
    type Visible = NonNullable<Parameters<typeof McpServer.layer>[0]["visible"]>
    expectTypeOf<Visible>().parameters.toEqualTypeOf<[McpServer.Definition, Definition.Viewer]>()
    expectTypeOf<NonNullable<Parameters<typeof McpServer.layer>[0]["onDuplicate"]>>().toEqualTypeOf<
      "error" | "warn" | "replace" | "ignore"
    >()
    type Remove = McpServer.McpServer["Service"]["remove"]
    expectTypeOf<Parameters<Remove>[0]>().toEqualTypeOf<"tools" | "resources" | "prompts">()
  })
})

describe("a request-level need", () => {
  const server = McpServer.layer({ ...info, tools: [whoami] })

  it("is a marker that no layer of the service itself meets", () => {
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<McpRequest.McpRequest<"Requires", Identity>>()
    const tried = server.pipe(Layer.provide(Layer.succeed(Identity, { name: "Ann" } as never)))
    expectTypeOf<Needs<typeof tried>>().toEqualTypeOf<McpRequest.McpRequest<"Requires", Identity>>()
    expectTypeOf(tried).not.toExtend<Servable>()
    expectTypeOf(tried).not.toExtend<Parameters<typeof McpTest.client>[0]>()
  })

  it("is met by a middleware that provides it", () => {
    const met = McpServer.layer({ ...info, tools: [whoami], middleware: [audit, identify] })
    expectTypeOf<Needs<typeof met>>().toEqualTypeOf<Clock>()
    const all = met.pipe(Layer.provide(Layer.succeed(Clock, 1)))
    expectTypeOf(all).toExtend<Servable>()
    expectTypeOf(McpTest.client).toBeCallableWith(all)
  })

  it("is met one by one", () => {
    const half = McpServer.layer({ ...info, tools: [both], middleware: [identify] })
    expectTypeOf<Needs<typeof half>>().toEqualTypeOf<Db | McpRequest.McpRequest<"Requires", Tenant>>()
    const whole = McpServer.layer({ ...info, tools: [both], middleware: [identify, settle] })
    expectTypeOf<Needs<typeof whole>>().toEqualTypeOf<Db>()
  })

  it("of a middleware is one of the server, and another middleware meets it", () => {
    const unmet = McpServer.layer({ ...info, middleware: [settle] })
    expectTypeOf<Needs<typeof unmet>>().toEqualTypeOf<McpRequest.McpRequest<"Requires", Identity>>()
    const met = McpServer.layer({ ...info, middleware: [identify, settle] })
    expectTypeOf<Needs<typeof met>>().toEqualTypeOf<never>()
  })

  it("of an extension's method is met by middleware, and in a notification by nobody", () => {
    const method = Extension.make({
      id: "example.com/a",
      methods: { a: { params: Schema.Struct({}), handle: () => Effect.as(Identity, {}) } }
    })
    const met = McpServer.layer({ ...info, extensions: [method], middleware: [identify] })
    expectTypeOf<Needs<typeof met>>().toEqualTypeOf<never>()
    const notified = Extension.make({
      id: "example.com/a",
      notifications: { a: { params: Schema.Struct({}), handle: () => Effect.asVoid(Identity) } }
    })
    const unmet = McpServer.layer({ ...info, extensions: [notified], middleware: [identify] })
    expectTypeOf<Needs<typeof unmet>>().toEqualTypeOf<McpRequest.McpRequest<"No request", Identity>>()
  })

  it("of a registered tool is met by the server's middleware", () => {
    const server = McpServer.register(whoami).pipe(
      Layer.provideMerge(McpServer.layer({ ...info, middleware: [identify] }))
    )
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<never>()
    const unmet = McpServer.register(whoami).pipe(Layer.provideMerge(McpServer.layer(info)))
    expectTypeOf<Needs<typeof unmet>>().toEqualTypeOf<McpRequest.McpRequest<"Requires", Identity>>()
  })
})

describe("the request itself", () => {
  it("is there for every handler and middleware, and for a listen filter its scope", () => {
    const tool = Tool.make("a", { handler: () => Effect.asVoid(RequestContext.RequestContext) })
    const watch = Middleware.make((_request, next) => Effect.andThen(Progress.report(1), next))
    const extension = Extension.make({
      id: "example.com/a",
      methods: { a: { params: Schema.Struct({}), handle: () => Effect.as(RequestContext.RequestContext, {}) } },
      listenFilters: {
        b: {
          params: Schema.Struct({}),
          listen: () => Effect.as(Effect.acquireRelease(RequestContext.RequestContext, () => Effect.void), true)
        }
      }
    })
    const server = McpServer.layer({ ...info, tools: [tool], middleware: [watch], extensions: [extension] })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<never>()
  })

  it("is not there for a notification", () => {
    const extension = Extension.make({
      id: "example.com/a",
      notifications: { a: { params: Schema.Struct({}), handle: () => Progress.report(1) } }
    })
    const server = McpServer.layer({ ...info, extensions: [extension] })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<
      McpRequest.McpRequest<"No request", RequestContext.RequestContext>
    >()
  })
})

describe("a Scope", () => {
  type Unscoped = McpRequest.McpRequest<"Use Effect.scoped", Scope.Scope>

  it("is nobody's to give to a handler, wherever it is assembled", () => {
    const server = McpServer.layer({ ...info, tools: [scoped] })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<Unscoped>()
    const registered = McpServer.register(scoped)
    expectTypeOf<Needs<typeof registered>>().toEqualTypeOf<McpServer.McpServer | Unscoped>()
    const added = Effect.flatMap(McpServer.McpServer, (server) => server.add(scoped))
    expectTypeOf(added).toEqualTypeOf<
      Effect.Effect<void, DefinitionError.DefinitionError, McpServer.McpServer | Scope.Scope | Unscoped>
    >()
    const extension = Extension.make({
      id: "example.com/a",
      methods: { a: { params: Schema.Struct({}), handle: () => Effect.as(Effect.scope, {}) } }
    })
    const extended = McpServer.layer({ ...info, extensions: [extension] })
    expectTypeOf<Needs<typeof extended>>().toEqualTypeOf<Unscoped>()
  })

  it("is the handler's own to open", () => {
    const closed = Tool.make("closed", {
      handler: () => Effect.scoped(Effect.acquireRelease(Effect.void, () => Effect.void))
    })
    const server = McpServer.layer({ ...info, tools: [closed] })
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<never>()
  })
})

describe("a server that has to know its callers", () => {
  const me = Tool.make("me", {
    success: Schema.String,
    handler: () => Effect.map(Callers.Required, ({ subject }) => subject)
  })
  const server = McpServer.layer({ ...info, tools: [me] })

  it("cannot be served where nobody says who they are", () => {
    expectTypeOf<Needs<typeof server>>().toEqualTypeOf<McpRequest.McpRequest<"Requires", Callers.Required>>()
    expectTypeOf<Needs<ReturnType<typeof open>>>().toEqualTypeOf<
      McpRequest.McpRequest<"Requires", Callers.Required>
    >()
  })

  const open = () => Layer.provide(server, AuthProvider.layerAllowAll)

  it("can be served by who tells them", () => {
    const known = Layer.provide(server, BearerAuth.layer({ resource: "https://a.example", authorizationServers: [] }))
    expectTypeOf<Needs<typeof known>>().toEqualTypeOf<TokenVerifier.TokenVerifier>()
    expectTypeOf(NodeStdio.run).toBeCallableWith(
      Layer.provide(server, AuthProvider.layerAs(Callers.make({ subject: "me" })))
    )
  })
})
