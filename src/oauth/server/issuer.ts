/** An authorization server from within: what each of its endpoints has at hand. */
import type * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as DpopNonce from "../DpopNonce.ts"
import type * as SafeFetch from "../SafeFetch.ts"
import type { AuthEvent } from "./AuthEvent.ts"
import type * as Client from "./Client.ts"
import type * as Consent from "./Consent.ts"
import type * as cookies from "./internal/cookies.ts"
import type * as page from "./internal/page.ts"
import type * as OAuthStore from "./OAuthStore.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import type * as Pages from "./Pages.ts"
import type { AuthorizationRequest, Grant } from "./records.ts"
import type * as Refusal from "./Refusal.ts"
import type { Secrets } from "./secrets.ts"
import type * as SigningKeys from "./SigningKeys.ts"
import type * as UserLogin from "./UserLogin.ts"

/** Whom tokens may be for. */
export interface Resource {
  readonly uri: string
  /** For people. */
  readonly name: string | undefined
  /** By name, with what a page says of it. */
  readonly scopes: ReadonlyMap<string, string | undefined>
}

/** All in milliseconds. */
export interface Lifetimes {
  readonly code: number
  readonly accessToken: number
  readonly refreshIdle: number
  readonly grant: number
  readonly interaction: number
  readonly session: number
  readonly pushedRequest: number
  readonly deviceCode: number
}

/** What is switched on. */
export interface Features {
  readonly registration: boolean
  readonly metadataDocuments: boolean
  readonly deviceFlow: boolean
  /** Whether letters of identity providers are read, and whether they are written. */
  readonly readsLetters: boolean
  readonly writesLetters: boolean
}

export interface Issuer {
  /** Byte for byte as tokens name it. */
  readonly url: string
  /** The address of one of its endpoints: `/token`. */
  readonly at: (path: string) => string
  readonly lifetimes: Lifetimes
  /** The first is meant where a request names none. */
  readonly resources: ReadonlyMap<string, Resource>
  readonly grantTypes: ReadonlyMap<string, GrantType>
  readonly features: Features
  readonly extensions: ReadonlyArray<Extension>
  readonly store: OAuthStore.OAuthStore["Service"]
  readonly keys: SigningKeys.SigningKeys["Service"]
  readonly secrets: Secrets
  /** Undefined where proofs need none. */
  readonly nonces: DpopNonce.Nonces | undefined
  readonly login: UserLogin.UserLogin["Service"]
  readonly consent: Consent.Consent["Service"]
  readonly pages: Pages.Pages["Service"]
  /** A page with the headers that keep it harmless. */
  readonly page: page.Page
  readonly cookies: cookies.Cookies
  readonly fetch: SafeFetch.SafeFetch["Service"]
  /** By its id, wherever it is known from. */
  readonly client: (
    id: string,
    /** Of whoever says it first, and may have a document fetched. */
    address?: string
  ) => Effect.Effect<Client.Client | undefined, Refusal.Refusal | OAuthStoreError.OAuthStoreError>
  /** Where a request comes from, for limits. */
  readonly addressOf: (request: HttpServerRequest.HttpServerRequest) => string | undefined
  /** Requests for users from one network. */
  readonly mostRequestsAMinute: number
  readonly tell: (event: AuthEvent) => Effect.Effect<void>
  readonly giveCode: Engine["giveCode"]
}

/** What takes requests of users and clients, and gives out codes and tokens. */
export interface Engine {
  readonly endpoints: ReadonlyArray<Endpoint>
  /** What a client gets whose request a user has allowed, in the interaction of this id. */
  readonly giveCode: (
    issuer: Issuer,
    asked: AuthorizationRequest,
    grantId: string,
    interactionId: string
  ) => Effect.Effect<Allowed, Failure>
}

export interface Allowed {
  /** Kept in one step with the grant. */
  readonly kept: ReadonlyArray<readonly [OAuthStore.Key, OAuthStore.Entry]>
  /** When all that is kept. */
  readonly answer: Effect.Effect<HttpServerResponse.HttpServerResponse, Failure>
}

export type Failure = Refusal.Refusal | OAuthStoreError.OAuthStoreError

export type Handler = (
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<HttpServerResponse.HttpServerResponse, Failure>

/** How the answer to a refusal looks. */
export type Audience = "program" | "person"

export interface Endpoint {
  /** Below the issuer; at its end may be `/:id`, for any one segment. */
  readonly path: string
  readonly methods: { readonly [method in "GET" | "POST" | "PUT" | "DELETE"]?: Handler }
  readonly audience: Audience
}

/** What has been found out about who asks for a token, before the grant is looked at. */
export interface TokenRequest {
  readonly issuer: Issuer
  readonly client: Client.Client
  readonly parameters: ReadonlyMap<string, string>
  /** The key whose possession the request has proven. */
  readonly jkt: string | undefined
}

/** What is answered to a request for tokens. */
export interface TokenResponse {
  readonly [member: string]: unknown
}

export interface GrantType {
  readonly name: string
  /** Whether a client without a secret may use it. */
  readonly isPublic: boolean
  readonly run: (request: TokenRequest) => Effect.Effect<TokenResponse, Failure>
}

/** Tokens that are about to be given out. */
export interface Issuing {
  readonly issuer: Issuer
  readonly grantType: string
  readonly client: Client.Client
  /** Undefined where nothing lasts but the token. */
  readonly grantId: string | undefined
  readonly grant: Grant
  /** Of this token; no more than those of the grant. */
  readonly scopes: ReadonlyArray<string>
  readonly accessToken: string
  /** Seconds since 1970. */
  readonly now: number
}

/** A request of a client for a user, of which the rest has been checked. */
export interface Asking {
  readonly issuer: Issuer
  readonly client: Client.Client
  readonly parameters: ReadonlyMap<string, string>
  readonly scopes: ReadonlyArray<string>
}

/** What stands on an authorization server, as OpenID Connect does. */
export interface Extension {
  /** Scopes of its own, for any resource, with what a page says of them. */
  readonly scopes: ReadonlyMap<string, string | undefined>
  readonly endpoints: ReadonlyArray<Endpoint>
  /** Paths of the host where the metadata is, besides those of RFC 8414. */
  readonly metadataPaths: (issuer: string) => ReadonlyArray<string>
  /** Members of the metadata. */
  readonly metadata: (issuer: Issuer) => Effect.Effect<{ readonly [member: string]: unknown }>
  /** Why this server can do nothing for a client, told when it registers. */
  readonly admit: (issuer: Issuer, client: Client.Client) => Effect.Effect<void, Refusal.Refusal>
  /** What it keeps of a request besides. */
  readonly ask: (
    asking: Asking
  ) => Effect.Effect<Pick<Partial<AuthorizationRequest>, "claims" | "subject" | "alsoAsked">, Failure>
  /** Members of the answer with the tokens. */
  readonly issue: (issuing: Issuing) => Effect.Effect<TokenResponse, Failure>
}
