/**
 * Several servers as one client. Each connects by itself and is tried again when it fails; while it is away its tools
 * are, too, and nothing happens to the others. Names of tools and prompts begin with their server's, resources go by
 * their URI. Servers come and go while the group lives.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import { McpServer } from "fastmcp-effect"
 * import { ClientGroup } from "fastmcp-effect/client"
 * import { Memory } from "fastmcp-effect/transport"
 *
 * const weather = Layer.provide(Memory.layer, McpServer.layer({ name: "weather", version: "1.0.0" }))
 *
 * const program = Effect.gen(function*() {
 *   const group = yield* ClientGroup.make({ servers: { weather: { transport: weather } } })
 *   const { items, problems } = yield* group.listTools()
 *   const forecast = yield* group.callTool("weather_forecast", { city: "Oslo" })
 * })
 * ```
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import * as ClientGroupError from "./ClientGroupError.ts"
import { handlersOf } from "./internal/handlersOf.ts"
import { Member } from "./internal/member.ts"
import * as naming from "./internal/naming.ts"
import type * as McpClient from "./McpClient.ts"
import * as McpClientError from "./McpClientError.ts"

// ----------------------------------------------------------------------------
// models
// ----------------------------------------------------------------------------

/** What is known of a server before it is connected to. @category models @since 0.1.0 */
export interface Server<E = unknown, R = never> {
  /** Built for each attempt to connect, and closed after it. */
  readonly transport: Layer.Layer<ClientTransport.ClientTransport, E, R>
  readonly options?: McpClient.Options
}

/** @category models @since 0.1.0 */
export interface Servers {
  readonly [name: string]: Server<any, any>
}

/** What the transports of servers need. @category utility types @since 0.1.0 */
export type Services<S extends Servers> = S[keyof S] extends Server<any, infer R> ? R : never

/** @category models @since 0.1.0 */
export interface Options<S extends Servers = Servers> {
  /** By the names they have here, in the order that decides between several. */
  readonly servers: S
  /** What stands between a server's name and those of its tools and prompts. `_`. */
  readonly separator?: string
  /** What the names of a server's tools and prompts begin with. Its own name and `separator`. */
  readonly prefix?: (server: string) => string
  /** The longest name that whoever reads the lists takes, 64 for many models. No limit when left out. */
  readonly maxNameLength?: number
  /**
   * What becomes of a longer one: it is left out, with a problem that says so, or it is cut and ends in a hash of the
   * whole, the same in every process. `refuse`.
   */
  readonly longNames?: "refuse" | "shorten"
  /**
   * How long one server may take over a list, and how long a request waits for a server that connects still; the others
   * do not wait for it. 10 seconds.
   */
  readonly timeLimit?: Duration.Input
  /**
   * When to try a server again that could not be connected to, or whose client has given up; false for never. After a
   * second, and twice as long each time, at most a minute, without end.
   */
  readonly retry?: Schedule.Schedule<unknown, Failure> | false
}

/** Why a server is not there, or did not do what it was asked. @category models @since 0.1.0 */
export type Failure = McpClient.CallError | ClientGroupError.ClientGroupError

/** How a server is. `since` is the clock's milliseconds. @category models @since 0.1.0 */
export type State =
  /** For the first time, again after it had failed, or because its connection was lost a moment ago. */
  | { readonly _tag: "Connecting"; readonly since: number }
  | { readonly _tag: "Ready"; readonly since: number }
  /** It is tried again as `retry` says. */
  | { readonly _tag: "Failed"; readonly since: number; readonly error: Failure }
  /** For good. Another server may have its name. */
  | { readonly _tag: "Removed"; readonly since: number }

/** @category models @since 0.1.0 */
export interface ServerState {
  readonly server: string
  readonly state: State
}

/** A server that is missing from a list, or something of its that is. @category models @since 0.1.0 */
export interface Problem {
  readonly server: string
  readonly error: Failure
}

/** @category models @since 0.1.0 */
export interface Listing<A> {
  /** Server by server. A tool or prompt has the name it has here. */
  readonly items: ReadonlyArray<A & { readonly server: string }>
  /** What is missing, and why. */
  readonly problems: ReadonlyArray<Problem>
}

/** What has changed, and where. @category models @since 0.1.0 */
export type Change =
  | (McpClient.Change & { readonly server: string })
  /** A server has come or gone, and with it what it offers. */
  | { readonly _tag: "StateChanged"; readonly server: string; readonly state: State }
  /** The server cannot be asked to tell its changes. */
  | { readonly _tag: "Unheard"; readonly server: string; readonly error: Failure }

/** @category models @since 0.1.0 */
export interface Group {
  /** How each server is now, in their order. */
  readonly states: Effect.Effect<ReadonlyArray<ServerState>>
  /** Begins with how each is now, then each change; a slow reader misses the oldest. It ends with the group. */
  readonly stateChanges: Stream.Stream<ServerState>
  /** Waits until each server that is being connected to is ready, or has failed. */
  readonly settled: Effect.Effect<void>
  /**
   * One server's own client, which goes by the server's own names; it waits for a server that is connecting. The client
   * is closed when the server fails, and another takes its place.
   */
  readonly get: (server: string) => Effect.Effect<McpClient.Client, ClientGroupError.ClientGroupError>
  /** Adds a server, last in their order, and does not wait for it. */
  readonly add: <E, R>(
    server: string,
    config: Server<E, R>
  ) => Effect.Effect<void, ClientGroupError.ClientGroupError, R>
  /**
   * Removes a server: calls to it fail with `Closed`, its changes end, and when this is done its connection or process
   * is gone. False where there is none.
   */
  readonly remove: (server: string) => Effect.Effect<boolean>
  readonly listTools: (options?: McpClient.CallOptions) => Effect.Effect<Listing<McpSchema.Tool>>
  readonly listPrompts: (options?: McpClient.CallOptions) => Effect.Effect<Listing<McpSchema.Prompt>>
  readonly listResources: (options?: McpClient.CallOptions) => Effect.Effect<Listing<McpSchema.Resource>>
  readonly listResourceTemplates: (
    options?: McpClient.CallOptions
  ) => Effect.Effect<Listing<McpSchema.ResourceTemplate>>
  readonly callTool: (
    name: string,
    args?: { readonly [name: string]: unknown },
    options?: McpClient.CallOptions
  ) => Effect.Effect<McpSchema.CallToolResult, Failure>
  readonly callToolStream: (
    name: string,
    args?: { readonly [name: string]: unknown },
    options?: Omit<McpClient.CallOptions, "onProgress">
  ) => Stream.Stream<McpClient.CallEvent, Failure>
  readonly getPrompt: (
    name: string,
    args?: { readonly [name: string]: string },
    options?: McpClient.CallOptions
  ) => Effect.Effect<McpSchema.GetPromptResult, Failure>
  /**
   * Reads from the first server that lists the URI, or else from the first with a template for it. Servers whose lists
   * are known already go before those that have to be asked.
   */
  readonly readResource: (
    uri: string,
    options?: McpClient.CallOptions
  ) => Effect.Effect<McpSchema.ReadResourceResult, Failure>
  /** Of a prompt by the name it has here, or of a resource template by the first server that lists it. */
  readonly complete: (
    params: McpSchema.CompleteParams,
    options?: McpClient.CallOptions
  ) => Effect.Effect<McpSchema.CompleteResult["completion"], Failure>
  /**
   * What changes on all servers from now on, those to come among them. Each of `uris` is watched on every server that
   * lists it, or has a template for it. The stream ends with the group.
   */
  readonly changes: (options?: McpClient.ChangesOptions) => Stream.Stream<Change>
}

/** @category services @since 0.1.0 */
export class ClientGroup extends Context.Service<ClientGroup, Group>()("fastmcp-effect/client/ClientGroup") {}

/** The server that is asking, for a handler that is to say so to the user. @category services @since 0.1.0 */
export const CurrentServer: Context.Reference<string | undefined> = Context.Reference<string | undefined>(
  "fastmcp-effect/client/ClientGroup/CurrentServer",
  { defaultValue: () => undefined }
)

// ----------------------------------------------------------------------------
// constructors
// ----------------------------------------------------------------------------

/** Connects for as long as the layer lives, see `make`. @category layers @since 0.1.0 */
export const layer = <const S extends Servers>(
  options: Options<S>
): Layer.Layer<ClientGroup, ClientGroupError.ClientGroupError, Services<S>> => Layer.effect(ClientGroup, make(options))

const defaultRetry: Schedule.Schedule<unknown, Failure> = Schedule.min([
  Schedule.exponential("1 second"),
  Schedule.spaced("1 minute")
])

/**
 * Begins to connect to all servers at once and does not wait for them: lists and calls do, and `settled`. The handlers
 * in its context (`ClientHandlers`) are those of every server. It fails where names could not be told apart.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const S extends Servers>(
  options: Options<S>
): Effect.Effect<Group, ClientGroupError.ClientGroupError, Scope.Scope | Services<S>> =>
  Effect.gen(function*() {
    const { maxNameLength = Infinity, separator = "_" } = options
    const names: naming.Options = {
      prefix: options.prefix ?? ((server) => server + separator),
      maxLength: maxNameLength,
      shorten: options.longNames === "shorten"
    }
    const timeLimit = Duration.fromInputUnsafe(options.timeLimit ?? "10 seconds")
    const retry = options.retry === false ? undefined : options.retry ?? defaultRetry
    const clock = yield* Clock.Clock
    const context = yield* Effect.context<never>()
    const scope = yield* Effect.scope
    const members = new Map<string, Member>()
    const states = yield* PubSub.sliding<ServerState | typeof end>(1024)
    let isClosed = false

    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        isClosed = true
        const all = [...members.values()]
        members.clear()
        for (const member of all) member.retire()
        PubSub.publishUnsafe(states, end)
        return Effect.forEach(all, (member) => member.close, { concurrency: "unbounded", discard: true })
      })
    )

    // ------------------------------------------------------------------------
    // servers
    // ------------------------------------------------------------------------

    const add: Group["add"] = <E, R>(server: string, config: Server<E, R>) =>
      Effect.uninterruptible(Effect.gen(function*() {
        const services = yield* Effect.context<R>()
        if (isClosed) return yield* closed
        const prefix = names.prefix(server)
        const refusal = naming.refusal(names, { name: server, prefix }, members.values())
        if (refusal !== undefined) return yield* refusal
        const named = Context.add(
          handlersOf(context, Effect.provideService(CurrentServer, server)),
          CurrentServer,
          server
        ) as Context.Context<never>
        const member = new Member({
          name: server,
          prefix,
          transport: Layer.provide(config.transport, Layer.succeedContext(services)),
          options: config.options,
          retry,
          scope: Scope.forkUnsafe(scope),
          context: named,
          clock,
          onState: (state) => PubSub.publishUnsafe(states, { server, state })
        })
        members.set(server, member)
        yield* member.start
      }))

    const remove: Group["remove"] = (server) =>
      Effect.uninterruptibleMask((restore) => {
        const member = members.get(server)
        if (member === undefined) return Effect.succeed(false)
        members.delete(server)
        member.retire()
        // A handler of this very server may be who asks for it, and ends with it.
        return Effect.flatMap(
          Effect.forkIn(member.close, scope, { startImmediately: true }),
          (closing) => Effect.as(restore(Fiber.await(closing)), true)
        )
      })

    for (const [server, config] of Object.entries(options.servers)) yield* add(server, config)

    /** Its client, for a request that waits no longer than it may. */
    const clientOf = (member: Member): Effect.Effect<McpClient.Client, ClientGroupError.ClientGroupError> =>
      Effect.suspend(() =>
        member.client !== undefined ? Effect.succeed(member.client) : Effect.timeoutOrElse(member.ready, {
          duration: timeLimit,
          orElse: () => Effect.fail(notReady(member.name, "it is connecting still"))
        })
      )

    const get: Group["get"] = (server) =>
      Effect.suspend(() => {
        const member = members.get(server)
        return member === undefined
          ? Effect.fail(ClientGroupError.make(new ClientGroupError.UnknownServer({ server })))
          : clientOf(member)
      })

    // ------------------------------------------------------------------------
    // lists
    // ------------------------------------------------------------------------

    /** What all servers answer, each within its time. */
    const askAll = <A>(method: string, ask: (member: Member) => Effect.Effect<A, Failure>) =>
      Effect.map(
        Effect.forEach(
          [...members.values()],
          (member) =>
            Effect.flatMap(
              Effect.exit(Effect.timeoutOrElse(ask(member), {
                duration: timeLimit,
                orElse: () => Effect.fail(late(member, method, timeLimit))
              })),
              // A bug is none of the server's.
              (exit) =>
                Exit.isFailure(exit) && Cause.hasDies(exit.cause)
                  ? Effect.failCause(exit.cause as Cause.Cause<never>)
                  : Effect.succeed({ member, exit })
            ),
          { concurrency: "unbounded" }
        ),
        (all) => all.filter(({ member }) => member.state._tag !== "Removed")
      )

    const list = <A>(
      method: string,
      ask: (client: McpClient.Client) => Effect.Effect<ReadonlyArray<A>, McpClient.CallError>,
      see: (member: Member, listed: ReadonlyArray<A>) => Pick<naming.Exposed<A>, "items" | "problems">
    ): Effect.Effect<Listing<A>> =>
      Effect.map(
        askAll(method, (member) => Effect.flatMap(member.ready, ask)),
        (all) => {
          const items: Array<A & { readonly server: string }> = []
          const problems: Array<Problem> = []
          for (const { exit, member } of all) {
            const server = member.name
            if (Exit.isFailure(exit)) {
              problems.push({ server, error: failureOf(exit, member) })
              continue
            }
            const seen = see(member, exit.value)
            for (const item of seen.items) items.push({ ...item, server })
            for (const error of seen.problems) problems.push({ server, error })
          }
          return { items, problems }
        }
      )

    const exposed = <A extends { readonly name: string }>(kind: ClientGroupError.Kind) =>
    (
      member: Member,
      listed: ReadonlyArray<A>
    ) => {
      const seen = naming.expose(names, member.prefix, kind, listed)
      member.originals.set(kind, seen.originals)
      return seen
    }

    const asListed = <A>(_: Member, items: ReadonlyArray<A>) => ({ items, problems: [] })

    // ------------------------------------------------------------------------
    // where a request goes
    // ------------------------------------------------------------------------

    const notFound = (kind: ClientGroupError.Kind, name: string, missing: ReadonlyArray<string> = []) =>
      ClientGroupError.make(new ClientGroupError.NotFound({ kind, name, missing }))

    /** A server and the name that it knows. */
    const byName = (
      kind: "tool" | "prompt",
      name: string
    ): Effect.Effect<{ readonly client: McpClient.Client; readonly name: string }, Failure> =>
      Effect.suspend(() => {
        for (const member of members.values()) {
          if (!name.startsWith(member.prefix)) continue
          return Effect.flatMap(clientOf(member), (client) =>
            naming.isShortened(names, name)
              ? Effect.map(originalOf(member, client, kind, name), (name) => ({ client, name }))
              : Effect.succeed({ client, name: name.slice(member.prefix.length) }))
        }
        return Effect.fail(notFound(kind, name))
      })

    const originalOf = (member: Member, client: McpClient.Client, kind: "tool" | "prompt", name: string) => {
      const known = () => member.originals.get(kind)?.get(name)
      const asked: Effect.Effect<ReadonlyArray<{ readonly name: string }>, McpClient.CallError> = kind === "tool"
        ? client.listTools()
        : client.listPrompts()
      return Effect.suspend(() => {
        const original = known()
        return original !== undefined ? Effect.succeed(original) : Effect.map(asked, (listed) => {
          exposed(kind)(member, listed)
          return known() ?? name.slice(member.prefix.length)
        })
      })
    }

    type Has = (catalogue: NonNullable<Member["known"]>) => boolean

    /** The first of those that list it, or else of those with a template. */
    const firstOf = (
      candidates: ReadonlyArray<readonly [Member, Member["known"]]>,
      ways: ReadonlyArray<Has>
    ): Member | undefined => {
      for (const has of ways) {
        const found = candidates.find(([, known]) => known !== undefined && has(known))
        if (found !== undefined) return found[0]
      }
      return undefined
    }

    const byUri = (
      kind: "resource" | "resource template",
      uri: string,
      ways: ReadonlyArray<Has>
    ): Effect.Effect<Member, Failure> =>
      Effect.suspend(() => {
        const now = [...members.values()].map((member) => [member, member.known] as const)
        const known = firstOf(now, ways)
        if (known !== undefined) return Effect.succeed(known)
        // What was not there may be by now.
        for (const [member] of now) member.forgetResources()
        return Effect.flatMap(askAll("resources/list", (member) => member.resources), (all) => {
          const found = firstOf(
            all.map(({ exit, member }) => [member, Exit.isSuccess(exit) ? exit.value : undefined] as const),
            ways
          )
          return found !== undefined ? Effect.succeed(found) : Effect.fail(
            notFound(kind, uri, all.flatMap(({ exit, member }) => Exit.isSuccess(exit) ? [] : [member.name]))
          )
        })
      })

    const ownerOf = (uri: string) =>
      byUri("resource", uri, [(known) => known.lists(uri), (known) => known.matches(uri)])

    const readResource: Group["readResource"] = (uri, callOptions) =>
      Effect.flatMap(ownerOf(uri), (owner) => {
        const read = (member: Member) =>
          Effect.flatMap(clientOf(member), (client) => client.readResource(uri, callOptions))
        return Effect.catchIf(read(owner), isNotFound, (error) => {
          owner.forgetResources()
          // It may have gone to another server since it was listed.
          return Effect.flatMap(
            ownerOf(uri),
            (other): Effect.Effect<McpSchema.ReadResourceResult, Failure> =>
              other === owner ? Effect.fail(error) : read(other)
          )
        })
      })

    const complete: Group["complete"] = (params, callOptions) => {
      const { ref } = params
      return ref.type === "ref/prompt"
        ? Effect.flatMap(
          byName("prompt", ref.name),
          ({ client, name }) => client.complete({ ...params, ref: { ...ref, name } }, callOptions)
        )
        : Effect.flatMap(
          byUri("resource template", ref.uri, [
            (known) => known.hasTemplate(ref.uri),
            (known) => known.lists(ref.uri),
            (known) => known.matches(ref.uri)
          ]),
          (member) => Effect.flatMap(clientOf(member), (client) => client.complete(params, callOptions))
        )
    }

    // ------------------------------------------------------------------------
    // changes
    // ------------------------------------------------------------------------

    const stateChanges: Group["stateChanges"] = Stream.unwrap(
      Effect.map(PubSub.subscribe(states), (subscription) =>
        Stream.fromIterable<ServerState | typeof end>(isClosed ? [end] : statesNow()).pipe(
          Stream.concat(Stream.fromSubscription(subscription)),
          Stream.takeWhile((state): state is ServerState => state !== end)
        ))
    )

    const statesNow = (): ReadonlyArray<ServerState> =>
      [...members.values()].map(({ name, state }) => ({ server: name, state }))

    const changes: Group["changes"] = (wanted = {}) =>
      Stream.callback<Change>(
        (queue) =>
          Effect.gen(function*() {
            const followed = yield* FiberMap.make<string>()
            const clients = new Map<string, McpClient.Client>()
            const tell = (change: Change) => {
              Queue.offerUnsafe(queue, change)
            }
            yield* Stream.runForEach(stateChanges, ({ server, state }) => {
              tell({ _tag: "StateChanged", server, state })
              const member = members.get(server)
              if (state._tag === "Ready" && member?.client !== undefined && clients.get(server) !== member.client) {
                clients.set(server, member.client)
                return FiberMap.run(followed, server, follow(member, member.client, wanted, tell))
              }
              if (state._tag !== "Failed" && state._tag !== "Removed") {
                return Effect.void
              }
              clients.delete(server)
              return FiberMap.remove(followed, server)
            })
            Queue.endUnsafe(queue)
          }),
        { bufferSize: 1024, strategy: "sliding" }
      )

    const follow = (
      member: Member,
      client: McpClient.Client,
      wanted: McpClient.ChangesOptions,
      tell: (change: Change) => void
    ) => {
      const server = member.name
      const { uris = [] } = wanted
      const own = uris.length === 0 ? Effect.succeed(uris) : Effect.map(
        member.resources,
        (known) =>
          uris.filter((uri) => known.lists(uri) || known.matches(uri))
      )
      return Effect.catch(
        Effect.flatMap(own, (own) =>
          // Without a word on lists, and without resources of its own, there would be nothing left to hear.
          uris.length > 0 && own.length === 0 && wanted.tools !== true && wanted.prompts !== true &&
            wanted.resources !== true
            ? Effect.void
            : Stream.runForEach(
              client.changes({ ...wanted, uris: own }),
              (change) => Effect.sync(() => tell({ ...change, server }))
            )),
        (error) => Effect.sync(() => tell({ _tag: "Unheard", server, error }))
      )
    }

    return {
      states: Effect.sync(statesNow),
      stateChanges,
      settled: Effect.suspend(() =>
        Effect.forEach([...members.values()], (member) => Effect.exit(member.ready), {
          concurrency: "unbounded",
          discard: true
        })
      ),
      get,
      add,
      remove,
      listTools: (callOptions) => list("tools/list", (client) => client.listTools(callOptions), exposed("tool")),
      listPrompts: (callOptions) =>
        list("prompts/list", (client) => client.listPrompts(callOptions), exposed("prompt")),
      listResources: (callOptions) => list("resources/list", (client) => client.listResources(callOptions), asListed),
      listResourceTemplates: (callOptions) =>
        list("resources/templates/list", (client) => client.listResourceTemplates(callOptions), asListed),
      callTool: (name, args, callOptions) =>
        Effect.flatMap(byName("tool", name), ({ client, name }) => client.callTool(name, args, callOptions)),
      callToolStream: (name, args, callOptions) =>
        Stream.unwrap(
          Effect.map(byName("tool", name), ({ client, name }) => client.callToolStream(name, args, callOptions))
        ),
      getPrompt: (name, args, callOptions) =>
        Effect.flatMap(byName("prompt", name), ({ client, name }) => client.getPrompt(name, args, callOptions)),
      readResource,
      complete,
      changes
    }
  })

// ----------------------------------------------------------------------------
// parts
// ----------------------------------------------------------------------------

/** Nothing comes after it. */
const end = "end"

const closed = ClientGroupError.make(new ClientGroupError.Closed())

const notReady = (server: string, message: string) =>
  ClientGroupError.make(new ClientGroupError.NotReady({ server, message }))

const late = (member: Member, method: string, after: Duration.Duration): Failure =>
  member.state._tag === "Connecting"
    ? notReady(member.name, "it is connecting still")
    : McpClientError.make(new McpClientError.Timeout({ method, after: Duration.toMillis(after) }))

/** A server may cancel what it was asked, which is a problem of that server alone. */
const failureOf = (exit: Exit.Failure<unknown, Failure>, { name, state }: Member): Failure =>
  state._tag === "Failed"
    ? state.error
    : exit.cause.reasons.find(Cause.isFailReason)?.error ?? notReady(name, "it has cancelled the request")

const isNotFound = (error: Failure): error is McpError.McpError =>
  error._tag === "McpError" && error.reason._tag === "ResourceNotFound"
