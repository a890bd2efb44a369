/**
 * Whom the users of an identity provider may be let in to, and by which client: what a company says in one place, so that
 * nobody is asked for consent. Without such a policy there is no token exchange.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Client from "./Client.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import type * as Refusal from "./Refusal.ts"

/** @category models @since 0.1.0 */
export interface Request {
  readonly client: Client.Client
  /** The `sub` of the user, who has logged in here with this client. */
  readonly subject: string
  /** The issuer of the authorization server that is to let them in. */
  readonly audience: string
  /** The server behind it, if one was named. */
  readonly resource: string | undefined
  /** What is asked for; undefined where that is left open. */
  readonly scopes: ReadonlyArray<string> | undefined
}

/** @category models @since 0.1.0 */
export interface Allowed {
  /** What the client is called there, where it shows who it is by itself. */
  readonly clientId: string
  /** What it may have at most. None, when left out, and then it is for the server there to say. */
  readonly scopes?: ReadonlyArray<string>
  /** What the user is called there. The same as here. */
  readonly subject?: string
}

/** @category services @since 0.1.0 */
export class ExchangePolicy extends Context.Service<ExchangePolicy, {
  /** Undefined for no. */
  readonly decide: (
    request: Request
  ) => Effect.Effect<Allowed | undefined, Refusal.Refusal | OAuthStoreError.OAuthStoreError>
}>()("fastmcp-effect/oauth/server/ExchangePolicy") {}
