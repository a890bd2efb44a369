/**
 * Who is calling, as authentication established it; `anonymous` where nothing did. What a client says of itself is in
 * `RequestContext.client`, and proves nothing.
 */
import * as Context from "effect/Context"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as McpRequest from "./McpRequest.ts"

/** @category models @since 0.1.0 */
export interface Identity {
  /** The principal: unique together with `issuer`. Undefined for an anonymous caller. */
  readonly subject: string | undefined
  readonly issuer: string | undefined
  /** The OAuth client that acts for the subject. */
  readonly clientId: string | undefined
  /** Whom the caller acts for, where a server has tenants: the same subject is another principal in each. */
  readonly tenant: string | undefined
  readonly scopes: ReadonlyArray<string>
  readonly claims: JsonObject
}

/** Somebody. @category models @since 0.1.0 */
export interface Authenticated extends Identity {
  readonly subject: string
}

/** Nobody in particular. @category constructors @since 0.1.0 */
export const anonymous: Identity = {
  subject: undefined,
  issuer: undefined,
  clientId: undefined,
  tenant: undefined,
  scopes: [],
  claims: {}
}

/** @category constructors @since 0.1.0 */
export const make = (identity: Partial<Identity> & { readonly subject: string }): Authenticated => ({
  ...anonymous,
  ...identity
})

/**
 * The caller as text that no other caller has, the same for each of its tokens; undefined for nobody in particular.
 *
 * @category accessors
 * @since 0.1.0
 */
export const principal = ({ issuer, subject, tenant }: Identity): string | undefined =>
  subject === undefined
    ? undefined
    : JSON.stringify(tenant === undefined ? [issuer ?? null, subject] : [issuer ?? null, subject, tenant])

/** Whether the caller has all of these. @category guards @since 0.1.0 */
export const hasScopes = (identity: Identity, scopes: ReadonlyArray<string>): boolean =>
  scopes.every((scope) => identity.scopes.includes(scope))

/**
 * The caller of the request that is being answered.
 *
 * @category services
 * @since 0.1.0
 */
export const CurrentIdentity: Context.Reference<Identity> = Context.Reference<Identity>(
  "fastmcp-effect/context/Identity",
  { defaultValue: () => anonymous }
)

/**
 * A caller who is known. A handler that uses it cannot be served unless a middleware or a transport says who calls; one
 * that can do with `anonymous` uses `CurrentIdentity`.
 *
 * @category services
 * @since 0.1.0
 */
export class Required
  extends McpRequest.Service<Required, Authenticated>()("fastmcp-effect/context/Identity/Required")
{}

/** @category guards @since 0.1.0 */
export const isAuthenticated = (identity: Identity): identity is Authenticated => identity.subject !== undefined

/**
 * What a transport gives the handlers behind a request of this caller.
 *
 * @category services
 * @since 0.1.0
 */
export const context = (identity: Identity): Context.Context<never> =>
  isAuthenticated(identity)
    ? Context.add(Context.make(CurrentIdentity, identity), Required, identity) as Context.Context<never>
    : Context.make(CurrentIdentity, identity) as unknown as Context.Context<never>
