/**
 * Who calls, by what a request brings along, whatever transport it came by. A provider is a value; `layer` makes it the
 * `Admission` of a server, which its transports ask about each request before they read it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Identity from "../context/Identity.ts"
import type * as McpRequest from "../context/McpRequest.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as Admission from "../transport/Admission.ts"
import * as AuthError from "./AuthError.ts"
import * as Caller from "./Caller.ts"
import * as bearer from "./internal/bearer.ts"
import * as StaticVerifier from "./StaticVerifier.ts"

/** What a caller is told who was not, or who lacks a scope. @category models @since 0.1.0 */
export interface Refusal {
  /** Undefined where the refusal came from within the server. */
  readonly reason: AuthError.Reason | undefined
  /** What the operation needs, where that is known. */
  readonly scopes: ReadonlyArray<string>
  readonly status: 401 | 403
}

/** @category models @since 0.1.0 */
export interface AuthProvider {
  /** Fails with `Missing` where the request brings nothing this provider has to do with. */
  readonly authenticate: (request: Admission.Request) => Effect.Effect<Caller.Caller, AuthError.AuthError>
  /** A challenge for the `WWW-Authenticate` header. */
  readonly challenge: (refusal: Refusal) => string
  /** Which scopes a caller with these lacks to be let in at all. None when left out. */
  readonly lacks?: (scopes: ReadonlyArray<string>) => ReadonlyArray<string>
  /** What anybody may read over HTTP, by path. */
  readonly documents?: ReadonlyMap<string, JsonRpc.JsonObject>
}

/**
 * The first of the providers that finds something of its kind in the request decides; a challenge names them all.
 *
 * @category combinators
 * @since 0.1.0
 */
export const firstOf = (...providers: ReadonlyArray<AuthProvider>): AuthProvider => ({
  authenticate: (request) => {
    const from = (index: number): Effect.Effect<Caller.Caller, AuthError.AuthError> => {
      const authenticated = providers[index]?.authenticate(request)
      if (authenticated === undefined) return missing
      return Exit.isExit(authenticated) && Exit.isSuccess(authenticated)
        ? authenticated
        : Effect.catchIf(authenticated, ({ reason }) => reason._tag === "Missing", () => from(index + 1))
    }
    return from(0)
  },
  challenge: (refusal) => providers.map((provider) => provider.challenge(refusal)).join(", "),
  lacks: (scopes) => {
    const lacking = providers.map(({ lacks }) => lacks?.(scopes) ?? [])
    return lacking.toSorted((a, b) => a.length - b.length)[0] ?? []
  },
  documents: new Map(providers.flatMap(({ documents = [] }) => [...documents]))
})

/** What a layer of this module gives: admission, and callers who are known. @category models @since 0.1.0 */
export type Known = Admission.Admission | McpRequest.McpRequest<"Requires", Identity.Required>

/**
 * Lets in who is known to the provider. Handlers that need `Identity.Required` can then be served.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E = never, R = never>(
  provider: AuthProvider | Effect.Effect<AuthProvider, E, R>
): Layer.Layer<Known, E, R> =>
  Layer.effect(
    Admission.Admission,
    Effect.map(Effect.isEffect(provider) ? provider : Effect.succeed(provider), toAdmission)
  ) as Layer.Layer<Known, E, R>

/**
 * Lets everybody in, as nobody in particular: what a server does that has no `Admission`, said on purpose.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAllowAll: Layer.Layer<Admission.Admission> = Layer.sync(
  Admission.Admission,
  () => toAdmission(everybody(Identity.anonymous))
)

/**
 * Lets everybody in as this one. For a server of one user, and for development.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerAs = (identity: Identity.Authenticated): Layer.Layer<Known> =>
  Layer.suspend(() => layer(everybody(identity)))

/**
 * Lets in who brings one of these tokens as a bearer token; over stdio, who starts the server with one in the
 * environment variable `environment`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerToken = (
  tokens: ReadonlyArray<StaticVerifier.Entry>,
  options: { readonly environment?: string; readonly scopes?: ReadonlyArray<string> } = {}
): Layer.Layer<Known> =>
  layer(
    Effect.flatMap(
      StaticVerifier.make(tokens),
      (verifier) => bearer.make({ ...options, resource: undefined, verifier })
    )
  )

const everybody = (identity: Identity.Identity): AuthProvider => {
  const everyone = Effect.succeed(Caller.make(identity))
  return { authenticate: () => everyone, challenge: () => "Bearer" }
}

const missing = Effect.fail(AuthError.make(new AuthError.Missing()))

/** A provider as transports ask it. @category constructors @since 0.1.0 */
export const toAdmission = (provider: AuthProvider): Admission.Admission["Service"] => {
  const { authenticate, challenge, documents = new Map(), lacks } = provider

  const refuse = ({ message, reason }: AuthError.AuthError): Admission.Refused => {
    switch (reason._tag) {
      case "Unavailable":
        return {
          _tag: "Refused",
          status: 503,
          headers: { "retry-after": String(Math.ceil(reason.retryAfter / 1000)) },
          error: McpError.make(new McpError.Overloaded({ message }))
        }
      case "InsufficientScope":
        return {
          _tag: "Refused",
          status: 403,
          headers: { "www-authenticate": challenge({ reason, scopes: reason.scopes, status: 403 }) },
          error: McpError.make(new McpError.InsufficientScope({ scopes: reason.scopes }))
        }
      default:
        return {
          _tag: "Refused",
          status: 401,
          headers: {
            "www-authenticate": challenge({ reason, scopes: [], status: 401 }),
            ...(reason._tag === "NonceRequired" ? { "dpop-nonce": reason.nonce } : undefined)
          },
          error: McpError.make(new McpError.Unauthenticated({ scopes: [], message }))
        }
    }
  }

  let warnedAt = -Infinity
  /** Once in a while: as long as it lasts, every request meets it. */
  const warn = (text: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (now - warnedAt < 30_000) return Effect.void
      warnedAt = now
      return Effect.logWarning(`Who calls cannot be told: ${text}`)
    })

  const refused = (error: AuthError.AuthError): Effect.Effect<Admission.Verdict> =>
    error.reason._tag === "Unavailable"
      ? Effect.as(warn(error.reason.text), refuse(error))
      : Effect.succeed(refuse(error))

  return {
    admit: (request) => {
      const authenticated = authenticate(request)
      return Exit.isExit(authenticated) && Exit.isSuccess(authenticated)
        ? authenticated as unknown as Exit.Exit<Admission.Verdict>
        : Effect.catch(authenticated as Effect.Effect<Admission.Verdict, AuthError.AuthError>, refused)
    },
    challenge: ({ reason }) => {
      if (reason._tag !== "Unauthenticated" && reason._tag !== "InsufficientScope") return {}
      return {
        "www-authenticate": challenge({
          reason: undefined,
          scopes: reason.scopes,
          status: reason._tag === "Unauthenticated" ? 401 : 403
        })
      }
    },
    ...(lacks === undefined ? undefined : { lacks }),
    documents
  }
}
