/** Where a client reads who has logged in, with the access token it has got for that (OpenID Connect Core, 5.3). */
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import * as Scope from "../Scope.ts"
import * as accessTokens from "../server/accessTokens.ts"
import { nextNonce, proof } from "../server/checks/proof.ts"
import * as http from "../server/http.ts"
import type { Endpoint, Failure, Handler, Issuer } from "../server/issuer.ts"
import * as parameters from "../server/parameters.ts"
import { grants } from "../server/records.ts"
import * as Refusal from "../server/Refusal.ts"
import * as claims from "./claims.ts"
import type * as UserClaims from "./UserClaims.ts"

const handle = (catalog: claims.Catalog, users: UserClaims.UserClaims["Service"]): Handler => (issuer, request) =>
  Effect.gen(function*() {
    const shown = yield* tokenOf(request)
    if (shown === undefined) return challenge("Bearer", "invalid_token", "An access token is missing.")
    const verified = yield* accessTokens.checker(issuer)(Redacted.make(shown.token))
    const grantId = verified === undefined ? undefined : accessTokens.grantOf(String(verified.jti))
    if (verified === undefined || !(yield* isOfSender(issuer, request, shown, verified.cnf))) return refused
    const scopes = Scope.parse(String(verified.scope))
    if (!scopes.includes("openid") || grantId === undefined) return insufficient
    const grant = grants.read(yield* issuer.store.get(grants.key(grantId)))
    if (grant._tag !== "Live") return refused
    const { claims: named, subject } = grant.value
    return http.json(
      { ...claims.select(catalog, yield* users.of(subject), scopes, named?.userinfo ?? []), sub: subject },
      { headers: yield* nextNonce(issuer) }
    )
  })

interface Shown {
  readonly token: string
  readonly isBearer: boolean
}

/** RFC 6750, 2.1 and 2.2. Never in the address, which is written down wherever it goes by. */
const tokenOf = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Shown | undefined, Failure> =>
  Effect.gen(function*() {
    const [, scheme, token] = /^(bearer|dpop) +([^ ]+) *$/iu.exec(request.headers.authorization ?? "") ?? []
    const header = token === undefined ? undefined : { token, isBearer: scheme!.toLowerCase() === "bearer" }
    const isForm = request.method === "POST" && parameters.typeOf(request) === "application/x-www-form-urlencoded"
    const body = isForm ? (yield* parameters.ofForm(request)).get("access_token") : undefined
    if (body === undefined) return header
    return header === undefined
      ? { token: body, isBearer: true }
      : yield* Refusal.make("invalid_request", "There are two access tokens.")
  })

/** T11: that a token which is bound to a key comes with a proof, and one that is not comes without. */
const isOfSender = (
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest,
  { isBearer, token }: Shown,
  cnf: unknown
): Effect.Effect<boolean, Failure> => {
  const jkt = (cnf as { readonly jkt?: unknown } | undefined)?.jkt
  if (cnf === undefined || isBearer) return Effect.succeed(cnf === undefined && isBearer)
  return Effect.map(proof(issuer, request, path, token), (proven) => proven !== undefined && proven === jkt)
}

const challenge = (
  challenge: string,
  code: Refusal.Code,
  description: string
): HttpServerResponse.HttpServerResponse =>
  http.json({ error: code, error_description: description }, {
    status: http.statusOf(Refusal.make(code, description)),
    headers: { "www-authenticate": challenge }
  })

const refused = challenge(
  "Bearer error=\"invalid_token\"",
  "invalid_token",
  "The access token is not good, or not good any more."
)

const insufficient = challenge(
  "Bearer error=\"insufficient_scope\", scope=\"openid\"",
  "insufficient_scope",
  "The access token is without the scope openid."
)

export const path = "/userinfo"

/** R8. */
export const userInfo = (catalog: claims.Catalog, users: UserClaims.UserClaims["Service"]): Endpoint => {
  const handler = handle(catalog, users)
  return { path, methods: { GET: handler, POST: handler }, audience: "program" }
}
