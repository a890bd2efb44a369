/**
 * Who is at the browser. The default is a page that asks for a name and a password (`PasswordLogin`); an identity
 * provider of somebody else's takes its place (`UpstreamLogin`), and the authorization server notices nothing.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Client from "./Client.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import type * as Refusal from "./Refusal.ts"

/** @category models @since 0.1.0 */
export interface User {
  /** The same for all time, and nobody else's: no mail address. It becomes `sub`. */
  readonly subject: string
  /** When they showed it, in Unix milliseconds. */
  readonly authenticatedAt: number
  /** How, in the words of RFC 8176: `pwd`, `otp`, ... */
  readonly methods?: ReadonlyArray<string>
  /** What to call them on a page. */
  readonly name?: string
  /** Kept with the grant, and given back with it: encrypted by whoever logs in, where it is a secret. */
  readonly kept?: string
}

/** What a browser does to log in. @category models @since 0.1.0 */
export interface Attempt {
  readonly client: Client.Client
  /** Where forms are posted to, and where a browser comes back to. */
  readonly url: string
  /** Has to be in every form, in a field `csrf`. */
  readonly csrf: string
  /** What has been posted, checked against `csrf`; undefined when the browser only looks. */
  readonly form: ReadonlyMap<string, string> | undefined
  /** The parameters of the address the browser came to. */
  readonly query: ReadonlyMap<string, string>
  /** Where the browser comes back to from another site, with `state` as it was given. */
  readonly callback: { readonly url: string; readonly state: string }
  /** Of the network, as far as it is known. */
  readonly address: string | undefined
  /** `login_hint` of the request. */
  readonly hint: string | undefined
  /** Whether the user is to show who they are, even if somebody has just done so elsewhere. */
  readonly isForced: boolean
  /** What this login has kept with the attempt. */
  readonly kept: string | undefined
  /** Keeps something, if nothing else has been kept since; false otherwise. */
  readonly keep: (text: string | undefined) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
}

/** @category models @since 0.1.0 */
export type Step =
  | { readonly _tag: "LoggedIn"; readonly user: User }
  | { readonly _tag: "Show"; readonly response: HttpServerResponse.HttpServerResponse }

/** @category services @since 0.1.0 */
export class UserLogin extends Context.Service<UserLogin, {
  /** A refusal goes back to the client, and ends the attempt. */
  readonly step: (
    attempt: Attempt
  ) => Effect.Effect<Step, Refusal.Refusal | OAuthStoreError.OAuthStoreError>
  /**
   * Whether consent is asked before and not after. It has to be, and every time, where logging in may need no click: a
   * client could otherwise have a user sent there and back who knows nothing of it.
   */
  readonly asksConsentFirst: boolean
  /** Whether a browser that has logged in stays so for the next client. */
  readonly isRemembered: boolean
}>()("fastmcp-effect/oauth/server/UserLogin") {}

/**
 * Everybody is this user. For tests and examples, and a server of one person on their own machine.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAutomatic = (subject: string): Layer.Layer<UserLogin> =>
  Layer.succeed(UserLogin, {
    step: () =>
      Effect.map(Clock.currentTimeMillis, (now) => ({
        _tag: "LoggedIn",
        user: { subject, authenticatedAt: now }
      })),
    asksConsentFirst: false,
    isRemembered: true
  })
