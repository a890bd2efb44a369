/**
 * One address, and behind it a server for each tenant: a layer that is built with the tenant's own tools, pools, secrets
 * and limits when its first caller comes, and released when nobody has come for a while. Who a caller is decides which one
 * it is; nothing of one reaches another.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type * as Identity from "../context/Identity.ts"
import * as DefinitionError from "../definition/DefinitionError.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as RequestState from "../server/RequestState.ts"
import * as Admission from "../transport/Admission.ts"
import * as Receiver from "../transport/Receiver.ts"
import * as belonging from "./belonging.ts"
import * as lifetimes from "./lifetimes.ts"
import * as visiting from "./visiting.ts"

/**
 * The tenants a caller belongs to: one, several of which the caller names one, or none.
 *
 * @category models
 * @since 0.1.0
 */
export type Belonging = belonging.Tenants

/** @category models @since 0.1.0 */
export interface Options<E, R, L extends Layer.Layer<any, any, any>> {
  /**
   * Whom a caller belongs to, by what authentication has established and nothing else. A caller without a tenant is
   * refused; so is one for whom the effect fails, with its error.
   */
  readonly tenant: (identity: Identity.Identity) => Belonging | Effect.Effect<Belonging, E, R>
  /**
   * The tenant's server. All that is built here, middleware with a state included, is of this tenant alone, also where
   * several tenants name the same layer; what they are to share is provided to `Tenants.layer` itself.
   *
   * A layer that fails is built again for the next request, and after a second failure each time later, five seconds at
   * most. One that fails with an `McpError` says so to its callers;
   * whatever else it fails with is in the log, and callers are told to try again later.
   */
  readonly server: (tenant: string) => L
  /**
   * A header in which a caller says which tenant a request is for. It has to be one of the caller's own: whoever names
   * another is refused with 403. Without it no header has a say.
   */
  readonly header?: string
  /** How long a server that nobody uses is kept. 5 minutes; `Duration.infinity` for as long as there is room. */
  readonly idleTimeToLive?: Duration.Input
  /**
   * Servers at one time, those included that are being built or released. For one more the one that is idle for longest
   * is released; where none is idle, the request is refused with `Overloaded`. 1000.
   */
  readonly maximum?: number
  /** How long a server may take to be built; then its callers are refused, and the next request tries again. 30 seconds. */
  readonly buildTimeout?: Duration.Input
  /**
   * How long a server may take to be released, before a warning is logged and its place is given away without it. 1
   * minute.
   */
  readonly closeTimeout?: Duration.Input
  /** Calls, reads and prompts a tenant has worked on at once, where its server has no `concurrency` of its own. 64. */
  readonly concurrency?: number
  /** Requests a tenant has in flight, where its server has no `maxRequests` of its own; 503 above it. 1024. */
  readonly maxRequests?: number
}

/** @category models @since 0.1.0 */
export type Status = lifetimes.Status

/**
 * The tenants' servers, as whoever runs them sees them.
 *
 * @category services
 * @since 0.1.0
 */
export class Tenants extends Context.Service<Tenants, {
  /** Those that are there, by tenant; what is not is built when it is asked for. */
  readonly statuses: Effect.Effect<ReadonlyArray<Status>>
  /**
   * Has the next request find a new server, as when a secret or a plan has changed: the one there takes no more requests,
   * finishes those it has within half of `closeTimeout`, and is released. Done when it is gone.
   */
  readonly release: (tenant: string) => Effect.Effect<void>
}>()("fastmcp-effect/tenants/Tenants") {}

type Needs<L> = L extends Layer.Layer<infer _A, infer _E, infer R> ? R : never

/**
 * The door to all of them, for any transport. Their needs are the needs of this layer; what one of them fails with is
 * only its own callers'.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <
  L extends Layer.Layer<Receiver.Receiver, any, any>,
  E extends McpError.McpError = never,
  R = never
>(
  options: Options<E, R, L>
): Layer.Layer<Tenants | Receiver.Receiver, DefinitionError.DefinitionError, Needs<L> | R> =>
  Layer.effectContext(make(options))

/**
 * The tenants a claim of the caller's token names: a text or several. None where there is no such claim.
 *
 * @category accessors
 * @since 0.1.0
 */
export const claim = (name: string) => ({ claims }: Identity.Identity): Belonging => {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return typeof value === "string"
    ? value
    : Array.isArray(value)
    ? value.filter((one) => typeof one === "string")
    : undefined
}

const make = Effect.fnUntraced(
  function*(options: Options<McpError.McpError, any, Layer.Layer<Receiver.Receiver, any, any>>) {
    const { concurrency = 64, maxRequests = 1024, maximum = 1000 } = options
    const times = {
      idleTimeToLive: yield* time("idleTimeToLive", options.idleTimeToLive ?? "5 minutes"),
      buildTimeout: yield* time("buildTimeout", options.buildTimeout ?? "30 seconds"),
      closeTimeout: yield* time("closeTimeout", options.closeTimeout ?? "1 minute")
    }
    for (const [name, value] of Object.entries({ concurrency, maxRequests, maximum })) {
      if (!(Number.isInteger(value) && value >= 1)) {
        return yield* invalid(`their ${name} is a whole number of at least 1, not ${value}`)
      }
    }
    const context = yield* Effect.context<never>()
    const services = shared(
      Context.getOrUndefined(context, RequestState.RequestState) === undefined
        // A client that was asked answers a server that may have been released and built again meanwhile.
        ? Context.merge(context, yield* Layer.build(RequestState.layerRandom))
        : context
    )
    const members = belonging.make({
      lookup: (identity) => {
        const found = options.tenant(identity)
        return Effect.isEffect(found)
          ? Effect.provideContext(found as Effect.Effect<Belonging, McpError.McpError>, services)
          : found
      },
      header: options.header?.toLowerCase()
    })
    const servers = yield* lifetimes.make({
      server: options.server as (tenant: string) => Layer.Layer<Receiver.Receiver, unknown>,
      services,
      maximum,
      concurrency,
      maxRequests,
      ...times
    })
    const fork = yield* Effect.provideContext(FiberSet.makeRuntime(), services)
    const admission = Context.getOrUndefined(context, Admission.Admission)
    const visits: visiting.Shared = {
      belonging: members,
      lifetimes: servers,
      admission,
      run: (effect) => {
        const fiber = fork(effect)
        return () => fiber.interruptUnsafe()
      },
      maxWaiting: maxRequests
    }
    return Context.make(Receiver.Receiver, {
      connect: (connection) => new visiting.Visit(visits, connection),
      admission,
      admitting: members.admitting
    }).pipe(Context.add(Tenants, { statuses: servers.statuses, release: servers.release }))
  }
)

const time = (name: string, input: Duration.Input) => {
  const millis = Duration.toMillis(Duration.fromInputUnsafe(input))
  return millis >= 0 && (millis > 0 || name === "idleTimeToLive")
    ? Effect.succeed(millis)
    : Effect.fail(invalid(`their ${name} is a time of at least 1 millisecond`))
}

const invalid = (message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name: "Tenants", message }))

/** What the servers are built with, less what belongs to the building of this layer. */
const shared = (context: Context.Context<never>): Context.Context<never> =>
  Context.omit(Scope.Scope, Tracer.ParentSpan, Layer.CurrentMemoMap)(context)
