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
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Identity from "../context/Identity.ts"
import type * as McpRequest from "../context/McpRequest.ts"
import * as RequestContext from "../context/RequestContext.ts"
import * as Budget from "../core/Budget.ts"
import * as Deadlines from "../core/Deadlines.ts"
import type * as Definitions from "../definition/Definition.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as DefinitionErrors from "../definition/DefinitionError.ts"
import type * as Prompt from "../definition/Prompt.ts"
import type * as Provider from "../definition/Provider.ts"
import type * as Resource from "../definition/Resource.ts"
import type * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import type * as Tool from "../definition/Tool.ts"
import * as CacheStore from "../middleware/CacheStore.ts"
import * as Caching from "../middleware/Caching.ts"
import * as Middleware from "../middleware/Middleware.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as Admission from "../transport/Admission.ts"
import * as Receiver from "../transport/Receiver.ts"
import * as detached from "./detached.ts"
import * as dispatcher from "./dispatcher.ts"
import type * as Extension from "./Extension.ts"
import * as clientLogs from "./internal/clientLogs.ts"
import type * as lists from "./internal/lists.ts"
import * as mounting from "./mounting.ts"
import * as mounts from "./mounts.ts"
import * as registry from "./registry.ts"
import * as RequestState from "./RequestState.ts"
import * as router from "./router.ts"
import * as subscriptions from "./subscriptions.ts"
import * as supplying from "./supplying.ts"
import * as Tenancy from "./Tenancy.ts"
import * as watching from "./watched.ts"

/** All that can be registered. @category models @since 0.1.0 */
export type Definition = registry.AnyDefinition

/** A definition, or where several come from. @category models @since 0.1.0 */
export type Source = Definition | Provider.Any

/** @category models @since 0.1.0 */
export interface Options<
  Tools extends ReadonlyArray<Tool.AnyHandled>,
  Resources extends ReadonlyArray<Resource.AnyHandled | ResourceTemplate.AnyHandled>,
  Prompts extends ReadonlyArray<Prompt.AnyHandled>,
  Middlewares extends ReadonlyArray<Middleware.Any>,
  Extensions extends ReadonlyArray<Extension.Source>
> extends McpSchema.Implementation {
  /** How to use this server, told to the model. */
  readonly instructions?: string
  readonly tools?: Tools
  /** Resources, and templates of them. */
  readonly resources?: Resources
  readonly prompts?: Prompts
  /** Around every request, the first outermost. */
  readonly middleware?: Middlewares
  /** What MCP's core does not have; an effect makes one while the server is built. */
  readonly extensions?: Extensions
  /**
   * What is done with a definition whose name is taken: `error` fails, `warn` logs and replaces, `replace` and `ignore`
   * say nothing. `error`.
   */
  readonly onDuplicate?: registry.DuplicatePolicy
  /** Who sees and uses a definition, beside what the definition says of itself; to others it does not exist. */
  readonly visible?: (definition: Definition, viewer: Definitions.Viewer) => boolean
  /** Whether lists show what the caller lacks the scopes for, so that its client can ask for them. False. */
  readonly listForbidden?: boolean
  /** Whether arguments no parameter has are refused; ignored otherwise. False. */
  readonly strictInput?: boolean
  /** Definitions on one page of a list. 1000. */
  readonly pageSize?: number
  /** How long a request may take before it is cancelled with `Deadline`. 30 seconds; `Duration.infinity` for no limit. */
  readonly requestTimeout?: Duration.Input
  /**
   * How long a client may take over one question before the handler gets `NoAnswer` (revisions with sessions). The
   * request's own time stands still meanwhile. 5 minutes.
   */
  readonly askTimeout?: Duration.Input
  /** Further limits on each request. */
  readonly budget?: Budget.Budget
  /** Calls, reads and prompts the server works on at once; more wait for their turn. No limit when left out, but for a tenant's. */
  readonly concurrency?: number
  /** The same for each session. */
  readonly sessionConcurrency?: number
  /** Requests in flight on one connection above which more are refused with 503. 1024. */
  readonly maxInFlight?: number
  /** The same for all connections together, which is what bounds stateless HTTP. 8192, or as `Tenants` says. */
  readonly maxRequests?: number
  /** How long clients may keep lists and discovery (2026-07-28). Not at all, and privately, when left out. */
  readonly cacheHints?: McpSchema.CacheHints
  /**
   * Whether `Effect.log` in a handler reaches the client, too: at the level it has asked for, and not before it has.
   * True.
   */
  readonly clientLogs?: boolean
}

/**
 * The running server's definitions, to be changed while it runs; clients that listen are told. Requests in flight
 * finish on what they began with.
 *
 * @category services
 * @since 0.1.0
 */
export class McpServer extends Context.Service<McpServer, {
  /**
   * Adds all of the definitions or, if one cannot be served, none; they leave with the scope. It is done when every
   * provider has given its first catalogue. What a provider has later takes the place of that in one step; where it
   * cannot be served, or the provider fails, the error is logged and the last good catalogue stays.
   */
  readonly add: <Sources extends ReadonlyArray<Source>>(
    ...sources: Sources
  ) => Effect.Effect<
    void,
    DefinitionError.DefinitionError | Provider.Error<Sources[number]>,
    Scope.Scope | SourceServices<Sources[number]>
  >
  /** The server's own: what is added in it stays until the server ends, or is removed by name. */
  readonly scope: Scope.Scope
  /** An empty catalogue of its own, which leaves with the scope. */
  readonly catalogue: Effect.Effect<Catalogue, never, Scope.Scope>
  /** Removes by name whoever added it; a resource's name is its URI, a template's its text. Unknown ones are passed over. */
  readonly remove: (list: registry.ListName, ...names: ReadonlyArray<string>) => Effect.Effect<void>
  /** Tells the clients that watch it that a resource may have changed. */
  readonly resourceUpdated: (uri: string) => Effect.Effect<void>
  /** What another server serves of it, see `provider/Mount`. @internal */
  readonly mounted: mounting.Mounted
}>()("fastmcp-effect/server/McpServer") {}

/**
 * Definitions that are exchanged together, as when a file they come from was saved.
 *
 * @category models
 * @since 0.1.0
 */
export interface Catalogue {
  /** Puts these in the place of what it held, in one step: no caller ever finds a definition gone that is in both. */
  readonly set: <Definitions extends ReadonlyArray<Definition>>(
    ...definitions: Definitions
  ) => Effect.Effect<void, DefinitionError.DefinitionError, HandlerServices<ServicesOf<Definitions[number]>>>
}

type ServicesOf<D> = Provider.ServicesOf<D>

type SourceServices<S> = HandlerServices<ServicesOf<S> | Provider.Services<S>>

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
 * Where the context has an `Admission`, as `auth/BearerAuth` gives one, every transport on top asks it before anything
 * reaches the server.
 *
 * State that must survive between the rounds of a request (2026-07-28) is sealed by `RequestState` if the context has
 * one, else with a key of this process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <
  const Tools extends ReadonlyArray<Tool.AnyHandled> = [],
  const Resources extends ReadonlyArray<Resource.AnyHandled | ResourceTemplate.AnyHandled> = [],
  const Prompts extends ReadonlyArray<Prompt.AnyHandled> = [],
  const Middlewares extends ReadonlyArray<Middleware.Any> = [],
  const Extensions extends ReadonlyArray<Extension.Source> = []
>(
  options: Options<Tools, Resources, Prompts, Middlewares, Extensions>
): Layer.Layer<
  McpServer | Receiver.Receiver | McpRequest.Lift<Middleware.Provides<Middlewares[number]>>,
  DefinitionError.DefinitionError | Extension.MakeError<Extensions[number]>,
  | Discharged<
    HandlerServices<
      | ServicesOf<Tools[number] | Resources[number] | Prompts[number]>
      | Middleware.Services<Middlewares[number]>
      | Extension.Services<Extensions[number]>
    >,
    Middleware.Provides<Middlewares[number]>
  >
  | Exclude<Extension.MakeServices<Extensions[number]>, Scope.Scope>
> => Layer.effectContext(make(options)) as Layer.Layer<any, any, any>

/**
 * Adds definitions, and what providers have, to the server in context, for as long as the layer lives. A layer built on
 * `layer` with `Layer.provideMerge`; the transport on top of both starts when all are in place.
 *
 * @category layers
 * @since 0.1.0
 */
export const register = <const Sources extends ReadonlyArray<Source>>(
  ...sources: Sources
): Layer.Layer<
  never,
  DefinitionError.DefinitionError | Provider.Error<Sources[number]>,
  McpServer | SourceServices<Sources[number]>
> => Layer.effectDiscard(McpServer.use((server) => server.add(...sources))) as Layer.Layer<never, any, any>

type AnyOptions = Options<
  ReadonlyArray<Tool.AnyHandled>,
  ReadonlyArray<Resource.AnyHandled | ResourceTemplate.AnyHandled>,
  ReadonlyArray<Prompt.AnyHandled>,
  ReadonlyArray<Middleware.Any>,
  ReadonlyArray<Extension.Source>
>

const make = Effect.fnUntraced(function*(options: AnyOptions) {
  const { maxInFlight = 1024, middleware = [], requestTimeout = "30 seconds" } = options
  const strict = options.strictInput ?? false
  const requestMillis = Duration.toMillis(Duration.fromInputUnsafe(requestTimeout))
  const node = mounts.makeNode(options.name)
  const tenancy = yield* Tenancy.CurrentTenancy
  for (const option of ["pageSize", "concurrency", "sessionConcurrency"] as const) {
    const value = options[option]
    if (value === undefined || (Number.isInteger(value) && value >= 1)) continue
    return yield* DefinitionErrors.make(
      new DefinitionErrors.InvalidDefinition({
        name: `The server ${JSON.stringify(options.name)}`,
        message: `its ${option} is a whole number of at least 1, not ${value}`
      })
    )
  }
  const extensions = yield* Effect.forEach(
    options.extensions ?? [],
    (source) => Effect.isEffect(source) ? source : Effect.succeed(source)
  )
  const definitions = registry.make({ onDuplicate: options.onDuplicate ?? "error", strict })
  const updates = subscriptions.makeUpdates()

  /** The loggers of whoever adds a definition stay its own, and do not keep its logs from the client. */
  const assembled = (context: Context.Context<never>): Context.Context<never> =>
    Middleware.assembled(
      options.clientLogs === false
        ? context
        : Context.add(
          context,
          Logger.CurrentLoggers,
          new Set([...Context.get(context, Logger.CurrentLoggers), clientLogs.logger])
        )
    )

  const change = (
    holder: { held: registry.Change["remove"] },
    add: ReadonlyArray<Definition>,
    context: Context.Context<never>
  ): Effect.Effect<void, DefinitionError.DefinitionError> =>
    Effect.suspend(() => {
      const changed = definitions.change({ add, remove: holder.held, context })
      if (changed instanceof DefinitionErrors.DefinitionError) return Effect.fail(changed)
      holder.held = changed.added
      return Effect.forEach(changed.warnings, (warning) => Effect.logWarning(warning.message), { discard: true })
    })

  const catalogue = Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => ({
        held: nothing,
        isClosed: false,
        from: Context.empty() as Context.Context<never>,
        context: undefined as Context.Context<never> | undefined
      })),
      (state) => {
        state.isClosed = true
        return Effect.orDie(change(state, [], Context.empty()))
      }
    ),
    (state): Catalogue => ({
      set: (...added) =>
        Effect.contextWith((context: Context.Context<any>) => {
          if (state.isClosed) return Effect.fail(closed)
          // What is the same, and has the same services, stays what it was.
          const from = assembly(context)
          if (state.context === undefined || !isSame(state.from, from)) {
            state.from = from
            state.context = assembled(Context.merge(services, from))
          }
          return change(state, added, state.context)
        }) as Effect.Effect<void, DefinitionError.DefinitionError, any>
    })
  )

  const server = McpServer.of({
    scope: yield* Effect.scope,
    catalogue,
    add: (...sources) =>
      Effect.flatMap(
        catalogue,
        (catalogue) => Effect.provideService(supplying.fill(catalogue, sources), mounts.Mounter, node)
      ) as Effect.Effect<
        void,
        any,
        any
      >,
    remove: (list, ...names) => Effect.sync(() => definitions.remove(list, names)),
    resourceUpdated: (uri) => Effect.sync(() => updates.publish(uri)),
    // Nobody can mount it before it is made.
    mounted: (mounting) => Stream.suspend(() => mounted(mounting))
  })

  const own = assembly(yield* Effect.context<never>()).pipe(
    Context.add(McpServer, server),
    Context.add(Caching.ServerHints, options.cacheHints)
  )
  const services = assembled(own)
  yield* change(
    { held: nothing },
    [
      ...options.tools ?? [],
      ...options.resources ?? [],
      ...options.prompts ?? [],
      ...extensions.flatMap((extension): ReadonlyArray<Definition> => extension.definitions ?? [])
    ],
    services
  )
  const taken = duplicate(extensions)
  if (taken !== undefined) return yield* taken

  const serverInfo = implementation(options)
  const profile: router.Profile = {
    serverInfo,
    instructions: options.instructions,
    capabilities: capabilities(extensions)
  }
  const projection: Revision.Projection = {
    serverInfo,
    cacheHints: options.cacheHints ?? { ttlMs: 0, cacheScope: "private" },
    isPersonal: tenancy !== undefined
  }
  const watched = watching.make({
    registry: definitions,
    updates,
    fork: yield* Effect.provideContext(FiberSet.makeRuntime(), services)
  })
  const admission = Context.getOrUndefined(services, Admission.Admission)
  const wrap = Middleware.compose(middleware, services)
  const isVisible = visibility(options.visible)
  const concurrency = options.concurrency ?? tenancy?.concurrency
  const limit = concurrency === undefined ? undefined : yield* Semaphore.make(concurrency)
  const routes = router.make({
    profile,
    projection,
    registry: definitions,
    updates,
    watched,
    middleware: wrap,
    extensions,
    services,
    isVisible,
    listForbidden: options.listForbidden ?? false,
    isRestricted: options.visible !== undefined,
    pageSize: options.pageSize ?? 1000,
    strict,
    limit
  })
  const mounted = mounting.make({
    node,
    registry: definitions,
    updates,
    watched,
    siblings: routes.siblings,
    middleware: wrap,
    services,
    isVisible,
    isRestricted: options.visible !== undefined,
    listForbidden: options.listForbidden ?? false,
    strict,
    cacheHints: projection.cacheHints,
    limit,
    sessionConcurrency: options.sessionConcurrency,
    budget: options.budget ?? Budget.unlimited,
    requestTimeout: requestMillis,
    admission
  })
  const { connect } = dispatcher.make({
    router: routes,
    registry: definitions,
    updates,
    watched,
    projection,
    deadlines: yield* Deadlines.make,
    services,
    fork: yield* Effect.provideContext(FiberSet.makeRuntime(), services),
    budget: options.budget ?? Budget.unlimited,
    requestTimeout: requestMillis,
    askTimeout: Duration.fromInputUnsafe(options.askTimeout ?? "5 minutes"),
    requestState: Context.getOrUndefined(services, RequestState.RequestState)
      ?? Context.get(yield* Layer.build(RequestState.layerRandom), RequestState.RequestState),
    sessionConcurrency: options.sessionConcurrency,
    maxInFlight,
    maxRequests: options.maxRequests ?? tenancy?.maxRequests ?? 8192
  })
  const cache = Context.getOrUndefined(services, CacheStore.CacheStore)
  if (cache !== undefined) {
    const forget = yield* Effect.provideContext(FiberSet.makeRuntime(), services)
    const ends = [
      definitions.onChange((list) => forget(cache.invalidate(Caching.listTag(list)))),
      updates.subscribe((uri) => forget(cache.invalidate(Caching.resourceTag(uri))))
    ]
    yield* Effect.addFinalizer(() => Effect.sync(() => ends.forEach((end) => end())))
  }
  const host = detached.make({
    serverInfo,
    router: routes,
    services,
    budget: options.budget ?? Budget.unlimited,
    tenancy
  })
  yield* Effect.forEach(extensions, ({ attach }) => attach === undefined ? Effect.void : attach(host), {
    discard: true
  })
  return Context.make(Receiver.Receiver, { connect, admission }).pipe(Context.add(McpServer, server))
})

const nothing: registry.Change["remove"] = new Set()

const closed = DefinitionErrors.make(
  new DefinitionErrors.InvalidDefinition({
    name: "A catalogue",
    message: "its scope has closed; make another with McpServer.catalogue"
  })
)

const visibility = (visible: AnyOptions["visible"]): lists.IsVisible => ({ definition }, request) =>
  (visible === undefined || visible(definition, request.viewer))
  && (definition.visible === undefined || definition.visible(request.viewer))

/** What a layer was built with, less what belonged to its building, or to the request that added tools. */
const assembly: (context: Context.Context<never>) => Context.Context<never> = Context.omit(
  Scope.Scope,
  Tracer.ParentSpan,
  RequestContext.RequestContext,
  Identity.CurrentIdentity,
  Budget.CurrentBudget,
  mounts.Mounter
) as unknown as (context: Context.Context<never>) => Context.Context<never>

const isSame = (a: Context.Context<never>, b: Context.Context<never>): boolean =>
  a.mapUnsafe.size === b.mapUnsafe.size
  && Array.from(a.mapUnsafe).every(([key, value]) => b.mapUnsafe.has(key) && b.mapUnsafe.get(key) === value)

const implementation = (options: McpSchema.Implementation): McpSchema.Implementation => {
  const { description, icons, name, title, version, websiteUrl } = options
  return Object.fromEntries(
    Object.entries({ name, version, title, description, websiteUrl, icons }).filter(([, value]) => value !== undefined)
  ) as unknown as McpSchema.Implementation
}

const capabilities = (extensions: ReadonlyArray<Extension.Any>) => {
  const of = (revision: Revision.Revision): McpSchema.ServerCapabilities => {
    const announced = extensions.filter(({ eras }) => eras === undefined || eras.includes(revision.era))
    const settings = Object.fromEntries(announced.map(({ id, settings = {} }) => [id, settings]))
    return {
      logging: {},
      completions: {},
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      ...Object.assign({}, ...extensions.map((extension) => extension.capabilities?.(revision.era))),
      ...(announced.length === 0 ? undefined : { extensions: settings })
    }
  }
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
