/**
 * An authorization server under test, whichever engine it is: a black box behind an address of this machine. The suites
 * beside this file know no more of it.
 */

/** A client as it is registered by hand, in the words of RFC 7591. */
export interface Client {
  readonly client_id: string
  readonly client_secret?: string
  readonly client_name?: string
  readonly redirect_uris?: ReadonlyArray<string>
  readonly post_logout_redirect_uris?: ReadonlyArray<string>
  readonly grant_types?: ReadonlyArray<string>
  readonly token_endpoint_auth_method?: string
  readonly jwks?: { readonly keys: ReadonlyArray<object> }
  readonly scope?: string
  readonly id_token_signed_response_alg?: string
}

export interface Setup {
  readonly clients: ReadonlyArray<Client>
  /** Whom tokens may be for, and the scopes each knows; the first where a request names none. */
  readonly resources: ReadonlyArray<{ readonly uri: string; readonly scopes: ReadonlyArray<string> }>
  /** Seconds an access token lasts. 300. */
  readonly lasts?: number
  /** Off. */
  readonly dynamicRegistration?: boolean
  /** OpenID Connect on top. Off. */
  readonly openid?: boolean
  /** Whether a DPoP proof must carry a nonce of the server's. Off. */
  readonly dpopNonce?: boolean
}

/** A person with a browser of their own: follows redirects, keeps cookies, fills in forms. */
export interface Person {
  /**
   * Goes there and says yes to everything, until it is sent to a redirect URI of a client; that whole URL, or the URL of
   * a page that asks for nothing more. `typed` goes into the inputs of those names.
   */
  readonly visit: (url: string, typed?: Readonly<Record<string, string>>) => Promise<URL>
  /** Likewise, and says no when asked for consent. */
  readonly refuse: (url: string, typed?: Readonly<Record<string, string>>) => Promise<URL>
  /** Goes there and fills in nothing: where that ends, and the page; undefined at a redirect URI of a client. */
  readonly look: (url: string) => Promise<{ readonly url: URL; readonly status: number; readonly page?: string }>
  /** Fetches one page as this person, and follows nothing. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
}

export interface Running {
  readonly issuer: string
  /** Everybody is the user `anna`, with the password `correct horse`. */
  readonly person: () => Person
  /** Moves its clock on, in seconds, where it lets that be done; otherwise one has to wait. */
  readonly advance?: (seconds: number) => Promise<void> | void
  readonly close: () => Promise<void>
}

export interface Engine {
  readonly name: "fastmcp-effect" | "oidc-provider"
  /** The kind of token that its introspection and revocation know; both know refresh tokens. */
  readonly introspects: "every token" | "refresh tokens"
  /** What is still to be built, which the flows of relying parties then leave out. */
  readonly lacks?: ReadonlyArray<"device" | "dpop" | "openid">
  readonly start: (setup: Setup) => Promise<Running>
}
