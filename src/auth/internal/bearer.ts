/**
 * A bearer token in the `Authorization` header (RFC 6750), or in the environment of a process, and the challenge to who
 * brings none. A token in the query or in a body is none: those end up in logs and histories.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Scope from "../../oauth/Scope.ts"
import type * as JsonRpc from "../../protocol/JsonRpc.ts"
import type * as Admission from "../../transport/Admission.ts"
import * as AuthError from "../AuthError.ts"
import type * as AuthProvider from "../AuthProvider.ts"
import type * as TokenCache from "../TokenCache.ts"
import type * as TokenVerifier from "../TokenVerifier.ts"
import * as callers from "./callers.ts"
import * as dpops from "./dpop.ts"

export interface Options {
  readonly verifier: TokenVerifier.TokenVerifier["Service"]
  readonly resource: string | undefined
  readonly environment?: string | undefined
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly cache?: TokenCache.TokenCache["Service"] | undefined
  /** Where the document about the resource is. */
  readonly metadataUrl?: string | undefined
  readonly documents?: ReadonlyMap<string, JsonRpc.JsonObject> | undefined
  /** Undefined where no token may be bound to a key. */
  readonly dpop?: dpops.Options | undefined
}

export const make = (options: Options): Effect.Effect<AuthProvider.AuthProvider> =>
  Effect.sync(() => {
    const { documents, dpop, environment, metadataUrl, scopes = [] } = options
    const identify = callers.make(options)
    const identifyBound = callers.make({ ...options, mayBeBound: true })
    return {
      authenticate: (request) =>
        request.transport === "stdio"
          ? Effect.flatMap(fromEnvironment(environment), (token) => identify(Redacted.value(token), request.sha256))
          : dpop === undefined
          ? authorize(request, identify)
          : authorizeEither(dpop, request, identify, identifyBound),
      challenge: ({ reason, scopes: needed, status }) => {
        const all = Scope.union(scopes, needed)
        const isOfProof = reason?._tag === "InvalidProof" || reason?._tag === "NonceRequired"
        const shared = {
          scope: all.length === 0 ? undefined : Scope.format(all),
          resource_metadata: metadataUrl
        }
        const text = reason?._tag === "InvalidToken" || reason?._tag === "InvalidProof" ? reason.text : undefined
        const error = status === 403
          ? "insufficient_scope"
          : reason === undefined || reason._tag === "Missing"
          ? undefined
          : reason._tag === "NonceRequired"
          ? "use_dpop_nonce"
          : isOfProof
          ? "invalid_dpop_proof"
          : "invalid_token"
        const bearer = parameters(
          "Bearer",
          isOfProof ? shared : { error, error_description: text, ...shared }
        )
        if (dpop === undefined) return bearer
        const bound = parameters("DPoP", { error, error_description: text, algs: dpops.algorithms, ...shared })
        return dpop.isRequired ? bound : `${bearer}, ${bound}`
      },
      lacks: (granted) => scopes.filter((scope) => !granted.includes(scope)),
      ...(documents === undefined ? undefined : { documents })
    }
  })

const authorize = ({ header, sha256 }: Admission.Request, identify: callers.Identify) => {
  const authorization = header("authorization")
  if (authorization === undefined) return missing
  const token = /^bearer +([\w.~+/-]+=*) *$/iu.exec(authorization)?.[1]
  if (token !== undefined && token.length <= maxLength) return identify(token, sha256)
  // Two headers joined by a comma are no token either.
  return /^bearer(?: |$)/iu.test(authorization) ? malformed : missing
}

const authorizeEither = (
  dpop: dpops.Options,
  request: Admission.Request,
  identify: callers.Identify,
  identifyBound: callers.Identify
) => {
  const authorization = request.header("authorization")
  if (authorization === undefined || !/^dpop(?: |$)/iu.test(authorization)) {
    return dpop.isRequired && authorization !== undefined && /^bearer(?: |$)/iu.test(authorization)
      ? dpops.unbound
      : authorize(request, identify)
  }
  const token = /^dpop +([\w.~+/-]+=*) *$/iu.exec(authorization)?.[1]
  return token !== undefined && token.length <= maxLength
    ? dpops.authenticate(dpop, request, token, identifyBound)
    : malformed
}

/** On stdio there is nobody to send a challenge to: whoever starts the process says who calls. */
export const fromEnvironment = (
  variable: string | undefined
): Effect.Effect<Redacted.Redacted, AuthError.AuthError> =>
  variable === undefined
    ? Effect.fail(AuthError.make(new AuthError.InvalidToken({ problem: "Malformed", text: noVariable })))
    : Effect.mapError(Config.Redacted(variable), () =>
      AuthError.make(
        new AuthError.InvalidToken({
          problem: "Malformed",
          text: `the environment variable ${variable} is to hold the credential of who calls, and is not set`
        })
      ))

const noVariable =
  "this server lets in by credentials, and over stdio they come from an environment variable; name it with `environment`"

/** As many characters as fit into the headers of one request, with room for others. */
const maxLength = 8192

const missing = Effect.fail(AuthError.make(new AuthError.Missing()))

const malformed = Effect.fail(
  AuthError.make(new AuthError.InvalidToken({ problem: "Malformed", text: "The header holds no bearer token" }))
)

const parameters = (scheme: string, values: { readonly [name: string]: string | undefined }): string => {
  const written = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replaceAll(/["\\]/gu, "")}"`]
  )
  return written.length === 0 ? scheme : `${scheme} ${written.join(", ")}`
}
