/**
 * Something around every request: a value in a server's ordered list, outermost first. A middleware sees the request
 * and its result or refusal, may answer in its place, and may supply the request-level services handlers ask for.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Identity from "../context/Identity.ts"
import type * as RequestContext from "../context/RequestContext.ts"
import type * as Prompt from "../definition/Prompt.ts"
import type * as Resource from "../definition/Resource.ts"
import type * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import type * as Tool from "../definition/Tool.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as methods from "./internal/methods.ts"

const TypeId = "~fastmcp-effect/middleware/Middleware"

/** @category models @since 0.1.0 */
export type Definition = Tool.Any | Resource.Any | ResourceTemplate.Any | Prompt.Any

/** @category models @since 0.1.0 */
export interface Request {
  readonly method: string
  /** Decoded to the model of `protocol/McpSchema`. */
  readonly params: unknown
  readonly context: RequestContext.RequestContext["Service"]
  /** The tool a `tools/call` is for. */
  readonly tool: Tool.Any | undefined
  /** What a call, a read, a subscription, a prompt or a completion is of. */
  readonly definition?: Definition | undefined
  /** Of a list: what an item of it stands for, by its name, its URI or its template. Of `subscriptions/listen`: by a URI. */
  readonly definitionOf?: (item: object) => Definition | undefined
  /** What it is refused with if it gets through: what it is for is not there for its caller, say. */
  readonly refused?: McpError.McpError
  /**
   * Whether it is a run of a task, whose call has been here before. A task is run again each time its client has answered,
   * and its handler begins anew.
   */
  readonly isTaskRun?: boolean
}

/**
 * Who or what has a limit or a circuit of its own. Callers nobody knows are one identity together; where there is no
 * session it is the identity that counts; and what is no call of a tool has no `tool`, and passes by. A function gives a
 * key, or `undefined` for what passes by.
 *
 * @category models
 * @since 0.1.0
 */
export type Per =
  | "identity"
  | "session"
  | "tool"
  | "server"
  | ((request: Request, identity: Identity.Identity) => string | undefined)

/**
 * The rest of the pipeline: it succeeds with a model result and fails with a refusal.
 *
 * @category models
 * @since 0.1.0
 */
export type Next = Effect.Effect<object, McpError.McpError>

/** @category models @since 0.1.0 */
export type Wrap<R> = (request: Request, next: Next) => Effect.Effect<object, McpError.McpError, R>

/**
 * `Provides` are request-level services it supplies, `R` what it needs itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Middleware<out Provides, out R> {
  readonly [TypeId]: { readonly provides: (_: never) => Provides }
  readonly wrap: Wrap<R>
}

/** @category models @since 0.1.0 */
export interface Any extends Middleware<any, any> {}

/** @category utility types @since 0.1.0 */
export type Provides<M> = M extends Middleware<infer P, infer _R> ? P : never

/** @category utility types @since 0.1.0 */
export type Services<M> = M extends Middleware<infer _P, infer R> ? R : never

const variance = { provides: (_: never): never => _ }

/** @category constructors @since 0.1.0 */
export const make = <R = never>(wrap: Wrap<R>): Middleware<never, R> => ({ [TypeId]: variance, wrap })

/**
 * Supplies a request-level service, computed for each request that runs code of the author's; failing refuses it. The
 * handshake, lists and the like pass by.
 *
 * @category constructors
 * @since 0.1.0
 */
export const provide = <I, S, R = never>(
  key: Context.Key<I, S>,
  make: (request: Request) => Effect.Effect<S, McpError.McpError, R>
): Middleware<I, R> => ({
  [TypeId]: variance,
  wrap: (request, next) =>
    methods.isProtocol(request.method)
      ? next
      : Effect.flatMap(make(request), (service) => Effect.provideService(next, key, service))
})

/**
 * Only for some methods; the others pass by.
 *
 * @category combinators
 * @since 0.1.0
 */
export const forMethods = <R>(self: Middleware<never, R>, methods: ReadonlyArray<string>): Middleware<never, R> =>
  make((request, next) => methods.includes(request.method) ? self.wrap(request, next) : next)

/** Which assembly a context came from, and all of its services. */
class Assembly extends Context.Service<Assembly, { readonly services: ReadonlyMap<string, unknown> }>()(
  "fastmcp-effect/middleware/Middleware/Assembly"
) {}

/**
 * Marks the services something was assembled with, so that `compose` can tell at a glance whether a handler has the
 * same as the middleware around it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const assembled = (context: Context.Context<never>): Context.Context<never> => {
  // NOTE: flat, for every request builds on it: a context that is many layers deep is copied when the next is added.
  const services = new Map<string, unknown>(context.mapUnsafe)
  services.set(Assembly.key, { services })
  return Context.makeUnsafe(services)
}

/**
 * For what was assembled with `context` to answer in a request that reached something else first: the services it was
 * assembled with, and of the `current` ones what belongs to the request, be it the caller or what a middleware supplied.
 *
 * @category combinators
 * @since 0.1.0
 */
export const reassembled = (
  current: Context.Context<never>,
  context: Context.Context<never>
): Context.Context<never> => {
  const left = Context.getOrUndefined(current, Assembly)?.services
  if (left === undefined) return Context.merge(current, context)
  // They are few, and added to what is there already: a copy of all services costs more than all else a mount does.
  let both = context
  for (const [key, value] of current.mapUnsafe) {
    if (left.get(key) !== value) both = Context.addUnsafe(both, key, value)
  }
  return both
}

/**
 * Composes a list into one wrapper, the first outermost, each running with the services in `context` while what it
 * wraps keeps its own. `undefined` for an empty list. `context` is one that `assembled` has marked.
 *
 * @category combinators
 * @since 0.1.0
 */
export const compose = (
  list: ReadonlyArray<Any>,
  context: Context.Context<never>
): Wrap<never> | undefined => {
  if (list.length === 0) return undefined
  const own = Context.getOrUndefined(context, Assembly)
  return (request, next) =>
    Effect.contextWith((outer: Context.Context<never>) =>
      own !== undefined && Context.getOrUndefined(outer, Assembly) === own
        ? list.reduceRight<Next>((inner, middleware) => middleware.wrap(request, inner) as Next, next)
        : list.reduceRight<Next>((inner, middleware) => exchange(middleware, request, inner, context), next)
    )
}

/** Around a handler that was assembled elsewhere: each side runs with its own services. */
const exchange = (
  middleware: Any,
  request: Request,
  inner: Next,
  context: Context.Context<never>
): Next =>
  Effect.contextWith((outer: Context.Context<never>) =>
    Effect.updateContext(
      middleware.wrap(request, restore(inner, outer, context)) as Next,
      (current: Context.Context<never>) => Context.merge(current, context)
    )
  )

/** Takes back the middleware's own services, and keeps what it has supplied beyond them. */
const restore = (inner: Next, outer: Context.Context<never>, context: Context.Context<never>): Next =>
  Effect.updateContext(inner, (current: Context.Context<never>) => {
    const services = new Map(current.mapUnsafe)
    for (const [key, value] of context.mapUnsafe) {
      if (services.get(key) !== value) continue
      if (outer.mapUnsafe.has(key)) services.set(key, outer.mapUnsafe.get(key))
      else services.delete(key)
    }
    return Context.makeUnsafe(services)
  })
