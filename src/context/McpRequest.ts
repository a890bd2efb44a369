/**
 * Needs that only a request can meet: who calls, which tenant, what the client can be asked. A handler asks for one as
 * for any service; the server it is registered with then carries a marker in its requirements, which no Layer of the
 * program can provide, only a middleware or a transport. So a tool that must know its caller cannot be served by an
 * assembly that does not say who calls.
 */
import * as Context from "effect/Context"

const TypeId = "~fastmcp-effect/context/McpRequest"

/** @category models @since 0.1.0 */
export interface RequestLevel {
  readonly [TypeId]: typeof TypeId
}

/**
 * In the requirements of a server: some handler needs `S` from each request.
 *
 * @category models
 * @since 0.1.0
 */
export interface McpRequest<Kind extends string, S> {
  readonly [TypeId]: { readonly kind: Kind; readonly service: S }
}

/** Request-level members of `R` become markers, the others stay. @category utility types @since 0.1.0 */
export type Lift<R> = R extends RequestLevel ? McpRequest<"Requires", R> : R

/** @category models @since 0.1.0 */
export interface ServiceClass<in out Self, in out Id extends string, in out Shape>
  extends Context.Service<Self, Shape>
{
  new(_: never): Context.ServiceClass.Shape<Id, Shape> & RequestLevel
  readonly key: Id
}

/**
 * Declares a request-level service, in the same way as `Context.Service`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self, Shape>() => <const Id extends string>(id: Id): ServiceClass<Self, Id, Shape> =>
  Context.Service<Self, Shape>()(id) as unknown as ServiceClass<Self, Id, Shape>
