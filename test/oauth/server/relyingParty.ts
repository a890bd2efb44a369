/** A certified relying party, behind the names that `openid-client` and `oauth4webapi` have in common. */
import type * as oauth from "oauth4webapi"
import type { Client } from "./engine.ts"

export interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
  readonly id_token?: string
  /** In lower case, whatever the server wrote. */
  readonly token_type: string
  readonly expires_in?: number
  readonly scope?: string
  /** Of the id_token, once its signature and its claims are proven. */
  readonly claims: oauth.IDToken | undefined
}

export type Parameters = Readonly<Record<string, string>>

export interface Checks {
  readonly verifier: string
  readonly state: string
  readonly nonce?: string
  readonly maxAge?: number
}

/** One client at one server, that knows it by discovery only. */
export interface Session {
  readonly metadata: oauth.AuthorizationServer
  readonly dpop: (keys: oauth.CryptoKeyPair) => oauth.DPoPHandle
  readonly authorizationUrl: (parameters: Parameters) => Promise<string>
  readonly pushed: (parameters: Parameters, dpop?: oauth.DPoPHandle) => Promise<string>
  /** With what came back to the redirect URI. */
  readonly code: (callback: URL, checks: Checks, dpop?: oauth.DPoPHandle) => Promise<Tokens>
  readonly refresh: (token: string, parameters: Parameters, dpop?: oauth.DPoPHandle) => Promise<Tokens>
  readonly clientCredentials: (parameters: Parameters, dpop?: oauth.DPoPHandle) => Promise<Tokens>
  readonly device: (parameters: Parameters) => Promise<oauth.DeviceAuthorizationResponse>
  readonly deviceTokens: (device: oauth.DeviceAuthorizationResponse) => Promise<Tokens>
  readonly introspect: (token: string) => Promise<oauth.IntrospectionResponse>
  readonly revoke: (token: string) => Promise<void>
  readonly userinfo: (token: string, subject: string, dpop?: oauth.DPoPHandle) => Promise<oauth.UserInfoResponse>
  readonly logoutUrl: (parameters: Parameters) => string
}

export interface RelyingParty {
  readonly name: string
  /** `key` is that of a client that signs its assertions. */
  readonly connect: (
    issuer: string,
    client: Client,
    options: { readonly openid: boolean; readonly key?: oauth.CryptoKey }
  ) => Promise<Session>
  readonly register: (issuer: string, metadata: object) => Promise<Client>
}
