/** As much of `oidc-provider` as is used here; the package itself has no types. */
import type * as Http from "node:http"

export interface Library {
  readonly Provider: {
    new(issuer: string, configuration: object): Provider
    /** Of the request that is being answered. */
    readonly ctx: Context | undefined
  }
  readonly errors: Readonly<Record<ErrorName, new(...words: ReadonlyArray<string>) => Error>>
  readonly interactionPolicy: {
    readonly Check: new(
      reason: string,
      description: string,
      error: string,
      check: (context: Context) => boolean
    ) => unknown
    readonly Prompt: new(
      prompt: { readonly name: string; readonly requestable: boolean },
      ...checks: Array<unknown>
    ) => unknown
  }
}

export type ErrorName =
  | "CustomOIDCProviderError"
  | "InvalidClientAuth"
  | "InvalidGrant"
  | "InvalidRequest"
  | "InvalidRequestUri"
  | "InvalidScope"
  | "InvalidTarget"
  | "TemporarilyUnavailable"

export interface Provider {
  silent: boolean
  /** What each request inherits from. */
  readonly request: object
  readonly Client: { readonly prototype: object }
  readonly Interaction: { readonly find: (id: string) => Promise<Interaction | undefined> }
  readonly callback: () => (request: Http.IncomingMessage, response: Http.ServerResponse) => Promise<void>
  readonly use: (middleware: (context: Context, next: () => Promise<void>) => Promise<void>) => void
  readonly on: (event: string, listener: (context: Context, value: never) => void) => void
  readonly interactionDetails: (
    request: Http.IncomingMessage,
    response: Http.ServerResponse
  ) => Promise<Interaction>
}

export interface Context {
  status: number
  body: unknown
  readonly set: (name: string, value: string) => void
  /** Undefined where nothing of the provider's is. */
  readonly oidc: {
    readonly route: string
    readonly params: Partial<Record<string, string | ReadonlyArray<string>>>
    readonly client: Client | undefined
    readonly result: { readonly consent?: { readonly grantId: string } } | undefined
    readonly entities: {
      readonly Grant?: { readonly jti: string; readonly exp: number }
      readonly AuthorizationCode?: Token
      readonly RefreshToken?: Token
      readonly AccessToken?: Token
      readonly ClientCredentials?: Token
    }
    readonly provider: { readonly Grant: { readonly find: (id: string) => Promise<object | undefined> } }
  } | undefined
}

export interface Client {
  readonly clientId: string
  readonly clientSecret?: string
  readonly redirectUris: ReadonlyArray<string>
  readonly clientAuthMethod: string
  readonly grantTypeAllowed: (name: string) => boolean
}

export interface Token {
  readonly kind: string
  readonly clientId: string
  readonly accountId?: string
  readonly authTime?: number
  readonly grantId?: string
  readonly scope?: string
}

export interface Interaction {
  readonly jti: string
  readonly params: Partial<Record<string, string | ReadonlyArray<string>>>
  readonly returnTo: string
  result: object
  readonly persist: () => Promise<unknown>
}

export const load = async (): Promise<Library> => {
  // Inside `try`, so that a bundler that does not find it leaves the import to fail where it is run.
  try {
    // @ts-expect-error: it has no types
    return await import("oidc-provider") as Library
  } catch (cause) {
    throw new Error("oidc-provider could not be loaded", { cause })
  }
}
