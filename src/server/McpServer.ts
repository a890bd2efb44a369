/**
 * A server as a Layer: its name, its definitions, and what stands around each request. It says nothing of how messages
 * arrive; a transport layer on top of it does (`transport/StdioServer`, `transport/StreamableHttpServer`), and several
 * transports can share one server.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type * as McpRequest from "../context/McpRequest.ts"
import * as RequestContext from "../context/RequestContext.ts"
import * as Budget from "../core/Budget.ts"
import * as Deadlines from "../core/Deadlines.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as DefinitionErrors from "../definition/DefinitionError.ts"
import type * as Tool from "../definition/Tool.ts"
import * as Middleware from "../middleware/Middleware.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as Receiver from "../transport/Receiver.ts"
import * as dispatcher from "./dispatcher.ts"
import type * as Extension from "./Extension.ts"
import * as registry from "./registry.ts"
import * as router from "./router.ts"

/** @category models @since 0.1.0 */
export interface Options<
  Tools extends ReadonlyArray<Tool.AnyHandled>,
  Middlewares extends ReadonlyArray<Middleware.Any>,
  Extensions extends ReadonlyArray<Extension.Any>
> extends McpSchema.Implementation {
  /** How to use this server, told to the model. */
  readonly instructions?: string
  readonly tools?: Tools
  /** Around every request, the first outermost. */
  readonly middleware?: Middlewares
  readonly extensions?: Extensions
  /** How long a request may take before it is cancelled with `Deadline`. 30 seconds; `Duration.infinity` for no limit. */
  readonly requestTimeout?: Duration.Input
  /** Further limits on each request. */
  readonly budget?: Budget.Budget
  /** Requests in flight on one connection above which more are refused with 503. 1024. */
  readonly maxInFlight?: number
  /** The same for all connections together, which is what bounds stateless HTTP. 8192. */
  readonly maxRequests?: number
  /** How long clients may keep lists and discovery (2026-07-28). Not at all, and privately, when left out. */
  readonly cacheHints?: McpSchema.CacheHints
}

/**
 * The running server's definitions, to be changed while it runs; clients that listen are told.
 *
 * @category services
 * @since 0.1.0
 */
export class McpServer extends Context.Service<McpServer, {
  /** Adds all of the tools or, if a name is taken, none. */
  readonly addTools: <Tools extends ReadonlyArray<Tool.AnyHandled>>(
    ...tools: Tools
  ) => Effect.Effect<void, DefinitionError.DefinitionError, HandlerServices<Tool.Services<Tools[number]>>>
  /** Names nobody has are passed over. */
  readonly removeTools: (...names: ReadonlyArray<string>) => Effect.Effect<void>
}>()("fastmcp-effect/server/McpServer") {}

/**
 * What handlers need from their assembly: all but the request itself, with request-level needs as markers. Nobody can
 * hand them a `Scope`: a handler closes its own with `Effect.scoped`.
 */
type HandlerServices<R> = R extends Scope.Scope ? McpRequest.McpRequest<"Use Effect.scoped", Scope.Scope>
  : McpRequest.Lift<Exclude<R, RequestContext.RequestContext | McpServer>>

type Discharged<R, Provided> = R extends McpRequest.McpRequest<"Requires", infer S> ? S extends Provided ? never : R : R

/**
 * A server. What its handlers, middleware and extensions need is what the layer needs; a request-level need that no
 * middleware of the list supplies stays in the type as a marker only a transport can discharge.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <
  const Tools extends ReadonlyArray<Tool.AnyHandled> = [],
  const Middlewares extends ReadonlyArray<Middleware.Any> = [],
  const Extensions extends ReadonlyArray<Extension.Any> = []
>(
  options: Options<Tools, Middlewares, Extensions>
): Layer.Layer<
  McpServer | Receiver.Receiver | McpRequest.Lift<Middleware.Provides<Middlewares[number]>>,
  DefinitionError.DefinitionError,
  Discharged<
    HandlerServices<
      | Tool.Services<Tools[number]>
      | Middleware.Services<Middlewares[number]>
      | Extension.Services<Extensions[number]>
    >,
    Middleware.Provides<Middlewares[number]>
  >
> => Layer.effectContext(make(options)) as Layer.Layer<any, DefinitionError.DefinitionError, any>

/**
 * Adds tools to the server in context, for as long as the layer lives. A layer built on `layer` with
 * `Layer.provideMerge`; the transport on top of both starts when all are in place.
 *
 * @category layers
 * @since 0.1.0
 */
export const register = <const Tools extends ReadonlyArray<Tool.AnyHandled>>(
  ...tools: Tools
): Layer.Layer<never, DefinitionError.DefinitionError, McpServer | HandlerServices<Tool.Services<Tools[number]>>> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const server = yield* McpServer
    yield* Effect.acquireRelease(
      server.addTools(...tools),
      () => server.removeTools(...tools.map(({ name }) => name))
    )
  })) as Layer.Layer<never, DefinitionError.DefinitionError, any>

const make = Effect.fnUntraced(
  function*(
    options: Options<ReadonlyArray<Tool.AnyHandled>, ReadonlyArray<Middleware.Any>, ReadonlyArray<Extension.Any>>
  ) {
    const { extensions = [], maxInFlight = 1024, middleware = [], requestTimeout = "30 seconds", tools = [] } = options
    const definitions = registry.make()
    const server = McpServer.of({
      addTools: (...tools) =>
        Effect.contextWith((context: Context.Context<any>) => {
          const refused = definitions.addTools(tools, Middleware.assembled(Context.merge(services, assembly(context))))
          return refused === undefined ? Effect.void : Effect.fail(refused)
        }) as Effect.Effect<void, DefinitionError.DefinitionError, any>,
      removeTools: (...names) => Effect.sync(() => definitions.removeTools(names))
    })
    const services = Middleware.assembled(
      Context.add(assembly(yield* Effect.context<never>()), McpServer, server)
    )
    const refused = definitions.addTools(tools, services)
    if (refused !== undefined) return yield* refused
    const taken = duplicate(extensions)
    if (taken !== undefined) return yield* taken

    const serverInfo = implementation(options)
    const profile: router.Profile = {
      serverInfo,
      instructions: options.instructions,
      capabilities: capabilities(extensions)
    }
    const routes = router.make({
      profile,
      registry: definitions,
      middleware: Middleware.compose(middleware, services),
      extensions,
      services
    })
    const { connect } = dispatcher.make({
      router: routes,
      registry: definitions,
      projection: { serverInfo, cacheHints: options.cacheHints ?? { ttlMs: 0, cacheScope: "private" } },
      deadlines: yield* Deadlines.make,
      services,
      fork: yield* Effect.provideContext(FiberSet.makeRuntime(), services),
      budget: options.budget ?? Budget.unlimited,
      requestTimeout: Duration.toMillis(Duration.fromInputUnsafe(requestTimeout)),
      maxInFlight,
      maxRequests: options.maxRequests ?? 8192
    })
    return Context.make(Receiver.Receiver, { connect }).pipe(Context.add(McpServer, server))
  }
)

/** What a layer was built with, less what belonged to its building, or to the request that added tools. */
const assembly: (context: Context.Context<never>) => Context.Context<never> = Context.omit(
  Scope.Scope,
  Tracer.ParentSpan,
  RequestContext.RequestContext,
  Budget.CurrentBudget
) as unknown as (context: Context.Context<never>) => Context.Context<never>

const implementation = (options: McpSchema.Implementation): McpSchema.Implementation => {
  const { description, icons, name, title, version, websiteUrl } = options
  return Object.fromEntries(
    Object.entries({ name, version, title, description, websiteUrl, icons }).filter(([, value]) => value !== undefined)
  ) as unknown as McpSchema.Implementation
}

const capabilities = (extensions: ReadonlyArray<Extension.Any>) => {
  const settings = Object.fromEntries(extensions.map(({ id, settings = {} }) => [id, settings]))
  const of = (revision: Revision.Revision): McpSchema.ServerCapabilities => ({
    logging: {},
    tools: { listChanged: true },
    ...Object.assign({}, ...extensions.map((extension) => extension.capabilities?.(revision.era))),
    ...(extensions.length === 0 ? undefined : { extensions: settings })
  })
  const byRevision = new Map(Revisions.all.map((revision) => [revision, of(revision)]))
  return (revision: Revision.Revision) => byRevision.get(revision)!
}

/** Two extensions with one name, or with one word of the protocol, cannot both be served. */
const duplicate = (extensions: ReadonlyArray<Extension.Any>) => {
  const core = (table: "requests" | "notifications") =>
    Revisions.all.flatMap((revision) => Object.keys(revision[table]))
  const names = {
    "extension": [],
    "extension method": core("requests"),
    "extension notification": core("notifications"),
    "listen filter": coreFilters
  }
  for (const [kind, taken] of Object.entries(names) as Array<[keyof typeof names, ReadonlyArray<string>]>) {
    const seen = new Set(taken)
    for (const name of extensions.flatMap((extension) => claims(extension, kind))) {
      if (seen.has(name)) return DefinitionErrors.make(new DefinitionErrors.Duplicate({ kind, name }))
      seen.add(name)
    }
  }
  return undefined
}

const coreFilters = ["toolsListChanged", "promptsListChanged", "resourcesListChanged", "resourceSubscriptions"]

const claims = (
  { id, listenFilters = {}, methods = {}, notifications = {} }: Extension.Any,
  kind: "extension" | "extension method" | "extension notification" | "listen filter"
): ReadonlyArray<string> => {
  switch (kind) {
    case "extension":
      return [id]
    case "extension method":
      return Object.keys(methods)
    case "extension notification":
      return Object.keys(notifications)
    case "listen filter":
      return Object.keys(listenFilters)
  }
}
