/**
 * What people see of an authorization server: each page a function from what it says to HTML. `layer` has pages that
 * need no script, load nothing from anywhere, and work on a telephone; another layer gives them another face. Headers,
 * cookies and checks are not theirs, so a page can be changed without a hole being made.
 */
import * as Context from "effect/Context"

/** What all pages with a form have. @category models @since 0.1.0 */
export interface Form {
  /** Where it is posted to. */
  readonly action: string
  /** Goes with it in a hidden field `csrf`. */
  readonly csrf: string
}

/** Posts `username` and `password`. @category models @since 0.1.0 */
export interface Login extends Form {
  readonly client: string
  readonly username: string
  /** What was wrong the last time. */
  readonly problem: string | undefined
}

/** Posts `decision`: `allow` or `deny`. @category models @since 0.1.0 */
export interface Consent extends Form {
  /** Its name, as it gives it. */
  readonly client: string
  readonly clientId: string
  /** Whether somebody has looked at the client, or it is only known by what it says of itself. */
  readonly isConfigured: boolean
  /** Its page, if it has one. */
  readonly clientUri: string | undefined
  /** Where the user is sent: a host, or the scheme of a program's own. */
  readonly redirectHost: string
  /** Whether that is a program on the user's machine, which any program there may claim to be. */
  readonly isLoopback: boolean
  readonly resource: string
  readonly scopes: ReadonlyArray<{ readonly name: string; readonly description: string | undefined }>
  /** Undefined where they log in afterwards. */
  readonly user: string | undefined
}

/** Posts `user_code`. @category models @since 0.1.0 */
export interface DeviceCode extends Form {
  /** What is in the address; still to be confirmed by the user. */
  readonly userCode: string
  readonly problem: string | undefined
}

/** Posts `decision`: `logout` or `stay`. @category models @since 0.1.0 */
export interface Logout extends Form {
  readonly client: string | undefined
}

/** The end of something, or an error that cannot be told to a client. @category models @since 0.1.0 */
export interface Message {
  readonly title: string
  readonly text: string
}

/** @category services @since 0.1.0 */
export class Pages extends Context.Service<Pages, {
  readonly login: (page: Login) => string
  readonly consent: (page: Consent) => string
  readonly deviceCode: (page: DeviceCode) => string
  readonly logout: (page: Logout) => string
  readonly message: (page: Message) => string
  /** The style of all pages, which is the only one a browser applies. */
  readonly style: string
}>()("fastmcp-effect/oauth/server/Pages") {}
