/**
 * A remote server as a provider, over any client transport and whatever revision it speaks: its tools, resources,
 * templates and prompts are this server's own, listed as they are there and answered by asking there.
 *
 * ```ts
 * import * as Layer from "effect/Layer"
 * import { McpServer } from "fastmcp-effect"
 * import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
 * import { Proxy } from "fastmcp-effect/provider"
 *
 * const weather = Proxy.make({
 *   name: "weather",
 *   transport: NodeStreamableHttpClient.layer({ url: "https://weather.example/mcp" })
 * })
 *
 * const Gateway = McpServer.register(weather).pipe(
 *   Layer.provideMerge(McpServer.layer({ name: "gateway", version: "1.0.0" }))
 * )
 * ```
 *
 * What the server asks and says while it works goes to the client whose request it works for, and a cancellation the
 * other way. Each client of the stateful era has a session of its own there, so that nothing of one reaches another.
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as ClientConfig from "../client/ClientConfig.ts"
import type * as ClientGroup from "../client/ClientGroup.ts"
import type * as McpClient from "../client/McpClient.ts"
import * as Provider from "../definition/Provider.ts"
import * as Namespace from "../transform/Namespace.ts"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import * as catalogue from "./proxy/catalogue.ts"
import * as holding from "./proxy/holding.ts"
import * as refusals from "./proxy/refusals.ts"
import * as routing from "./proxy/routing.ts"
import * as sessions from "./proxy/sessions.ts"
import * as several from "./proxy/several.ts"
import * as upstreams from "./proxy/upstream.ts"
import * as ProxyError from "./ProxyError.ts"

/** @category models @since 0.1.0 */
export interface Settings {
  /**
   * How its client behaves. `extensions` are those of every session; what servers ask is for this server's clients to
   * answer, and handlers in context are not asked.
   */
  readonly client?: McpClient.Options
  /**
   * Whether this server starts only with that one. With false it starts without, with a warning and none of its
   * definitions, which come when it does. True.
   */
  readonly required?: boolean
  /** How long this server waits for one that is not required. 5 seconds. */
  readonly patience?: Duration.Input
  /**
   * `own` gives each client of the stateful era a session of its own with a server of the stateful era; `shared` lets
   * all use one, on which nobody can be asked and nobody hears logs. `own`.
   */
  readonly sessions?: "own" | "shared"
  /** Sessions beside the one the lists are read on. One more is refused while all are in use. 100. */
  readonly maxSessions?: number
  /** How long a session stays open that nobody uses. 5 minutes. */
  readonly sessionIdle?: Duration.Input
  /** Calls that wait for a client of 2026-07-28 to come back with answers for a server of the stateful era. 1,000. */
  readonly maxHeld?: number
  /** How long each of them waits. 5 minutes. */
  readonly heldTime?: Duration.Input
  /** Definitions the server may list, all kinds together. 10,000. */
  readonly maxDefinitions?: number
  /** When to try to connect again. After 200 ms, and twice as long each time, at most 10 seconds, without end. */
  readonly retry?: Schedule.Schedule<unknown, unknown>
  /**
   * Whether calls of the tools the server may run as tasks may be tasks of this server, which needs `McpTasks` here and,
   * in `client`, a `TasksClient` that waits for the server's. False.
   */
  readonly tasks?: boolean
}

/** @category models @since 0.1.0 */
export interface Options<E = unknown, R = never> extends Settings {
  /** What it is called in errors and logs; clients of this server read it in both. */
  readonly name: string
  /** Built for each session, and closed with it. */
  readonly transport: Layer.Layer<ClientTransport.ClientTransport, E, R>
}

/**
 * The server's definitions for as long as the provider is run: they follow its lists as they change, and stay while it
 * is away. A call then is refused with an `Overloaded` that says so, and is answered again once the server is back.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <E, R>(options: Options<E, R>): Provider.Provider<ProxyError.ProxyError, R> => {
  const { name } = options
  return Provider.from(Provider.make(Stream.unwrap(open(options))), `proxy ${name}`)
}

// ----------------------------------------------------------------------------
// several servers
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface ServersOptions extends Settings {
  /** The namespace of a server's definitions. Its own name, less what no namespace may have. */
  readonly namespace?: (server: string) => string
  /** Between that and a name. `_`. */
  readonly separator?: string
}

/**
 * Several servers as one provider, each in a namespace of its own (`transform/Namespace`). None is `required` unless that
 * is said: one that fails is away by itself. What two of them have under one name is the first one's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromServers = <const S extends ClientGroup.Servers>(
  servers: S,
  { namespace = several.namespaceOf, separator = "_", ...settings }: ServersOptions = {}
): Provider.Provider<ProxyError.ProxyError, ClientGroup.Services<S>> => {
  const [first, ...others] = Object.entries<ClientGroup.Server<any, any>>(servers).map((
    [name, { options, transport }]
  ) =>
    Namespace.make(namespace(name), { separator })(make({
      required: false,
      ...settings,
      ...(options === undefined ? undefined : { client: { ...settings.client, ...options } }),
      name,
      transport
    }))
  )
  return first === undefined
    ? Provider.fromDefinitions()
    : Provider.mapEffect(Provider.merge(first, ...others), several.distinct)
}

/** @category models @since 0.1.0 */
export interface ConfigOptions<E = never, R = never> extends ServersOptions {
  /** How the placeholders in it are filled in. */
  readonly resolve?: ClientConfig.ResolveOptions<E, R>
}

/**
 * The servers of a config file as one provider, see `fromServers`; those it disables are left out. `transport` is the
 * way to each, on Node `NodeClientConfig.transport`. A server whose entry is wrong, or whose placeholders stand for
 * nothing, is named in the log, and the others are there.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromConfig = <E, R, E2 = never, R2 = never>(
  config: Pick<ClientConfig.Config, "servers" | "problems">,
  transport: (server: ClientConfig.Resolved) => Layer.Layer<ClientTransport.ClientTransport, E, R>,
  { resolve, ...options }: ConfigOptions<E2, R2> = {}
): Provider.Provider<ProxyError.ProxyError | E2, R | R2> =>
  Provider.make(Stream.unwrap(
    Effect.flatMap(ClientConfig.resolveAll(config.servers, resolve), ({ problems, servers }) => {
      const wrong = [...config.problems, ...problems]
      const found = Object.fromEntries(
        servers.map((server) => [server.server.name, { transport: transport(server) }] as const)
      )
      const { catalogues }: Provider.Provider<ProxyError.ProxyError, R> = fromServers(found, options)
      return wrong.length === 0
        ? Effect.succeed(catalogues)
        : Effect.as(Effect.logWarning("Servers are left out", wrong.map(ClientConfig.formatProblem)), catalogues)
    })
  ))

// ----------------------------------------------------------------------------
// one
// ----------------------------------------------------------------------------

/** Tried quickly, and given up as quickly: then it is away, and `retry` says when it is tried again. */
const reconnect = Schedule.max([Schedule.exponential("100 millis"), Schedule.recurs(3)])

const defaultRetry: Schedule.Schedule<unknown, unknown> = Schedule.min([
  Schedule.exponential("200 millis"),
  Schedule.spaced("10 seconds")
])

const open = <E, R>(options: Options<E, R>) =>
  Effect.gen(function*() {
    const { maxDefinitions = 10_000, name, required = true } = options
    const scope = yield* Effect.scope
    const services = yield* Effect.context<R>()
    const context = sessions.withoutHandlers(services as Context.Context<never>)
    const session: sessions.Options = {
      transport: Layer.provide(options.transport, Layer.succeedContext(services)),
      client: { reconnect, connectTimeout: "10 seconds", maxPages: 100, cache: false, ...options.client },
      context
    }
    const catalogues = yield* Queue.sliding<Provider.Catalogue, ProxyError.ProxyError>(1)
    let isServed = false
    const serve = (catalogue: Provider.Catalogue) =>
      Effect.sync(() => {
        isServed = true
        Queue.offerUnsafe(catalogues, catalogue)
      })
    const serveNothing = Effect.suspend(() =>
      isServed ? Effect.void : Effect.andThen(
        Effect.logWarning(`The server ${JSON.stringify(name)} behind this one is not there yet`),
        serve([])
      )
    )

    const upstream: upstreams.Upstream = new upstreams.Upstream({
      ...session,
      name,
      retry: options.retry ?? defaultRetry,
      onLists: (lists) => {
        const count = catalogue.sizeOf(lists)
        return count > maxDefinitions
          ? Effect.fail(ProxyError.make(new ProxyError.TooMany({ server: name, count, limit: maxDefinitions })))
          : serve(catalogue.definitions(lists, relay))
      },
      onFailed: (error) =>
        required
          ? Effect.as(Queue.fail(catalogues, unreachable(name, error)), false)
          : Effect.as(serveNothing, true)
    }, yield* PubSub.sliding<sessions.Session>({ capacity: 1, replay: 1 }))

    const { randomBytes } = Context.get(yield* Layer.build(SecureRandom.layerWebCrypto), SecureRandom.SecureRandom)
    const routes = routing.make({
      name,
      upstream,
      pool: new sessions.Pool({
        ...session,
        scope,
        max: options.maxSessions ?? 100,
        idle: millis(options.sessionIdle ?? "5 minutes"),
        refusal: () => refusals.unavailable(name)
      }),
      holding: new holding.Holding({
        scope,
        randomBytes,
        max: options.maxHeld ?? 1000,
        time: millis(options.heldTime ?? "5 minutes")
      }),
      isShared: options.sessions === "shared",
      // What extensions make of a result may be of one revision.
      maySettle: options.client?.revision === undefined && options.client?.extensions === undefined
    })
    const relay: catalogue.Relay = {
      ...routes,
      updates: (uri) => upstream.updates(uri),
      tasks: options.tasks ?? false
    }

    yield* Effect.forkScoped(upstream.run)
    if (!required) {
      yield* Effect.forkScoped(Effect.andThen(
        Effect.sleep(Duration.fromInputUnsafe(options.patience ?? "5 seconds")),
        serveNothing
      ))
    }
    return Stream.fromQueue(catalogues)
  })

const unreachable = (server: string, cause: unknown): ProxyError.ProxyError =>
  cause instanceof ProxyError.ProxyError ? cause : ProxyError.make(
    new ProxyError.Unreachable({ server, message: cause instanceof Error ? cause.message : String(cause), cause })
  )

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))
