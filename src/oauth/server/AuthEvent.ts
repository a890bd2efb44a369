/** What happens at an authorization server, for whoever keeps a record of it. No event carries a secret. */

/** @category models @since 0.1.0 */
export type AuthEvent =
  /** Somebody has logged in, or has not. */
  | { readonly _tag: "LoggedIn"; readonly subject: string; readonly clientId: string }
  /** A browser is not somebody's any more. */
  | { readonly _tag: "LoggedOut"; readonly subject: string }
  /** A user has let a client in, or has not. */
  | {
    readonly _tag: "Consented"
    readonly subject: string | undefined
    readonly clientId: string
    readonly isGiven: boolean
  }
  /** Tokens were given out. */
  | {
    readonly _tag: "Issued"
    readonly grantType: string
    readonly grantId: string | undefined
    readonly clientId: string
    readonly subject: string
    readonly scopes: ReadonlyArray<string>
  }
  /** What may be used once came a second time: all that belongs to its grant has ended. */
  | {
    readonly _tag: "Replayed"
    readonly what: "code" | "refresh_token" | "device_code"
    readonly grantId: string
    readonly tokenId?: undefined
  }
  /** A grant with all its tokens, or one access token alone. */
  | {
    readonly _tag: "Revoked"
    readonly grantId: string | undefined
    readonly tokenId: string | undefined
    readonly clientId: string | undefined
  }
  /** A client has introduced itself. */
  | { readonly _tag: "Registered"; readonly clientId: string }
  /** Something was shown that was wrong: a secret, a code. */
  | {
    readonly _tag: "Failed"
    readonly what: string
    readonly clientId: string | undefined
    readonly address: string | undefined
  }
