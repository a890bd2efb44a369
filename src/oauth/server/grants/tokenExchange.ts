/** An id token for a letter to another authorization server (RFC 8693, ID-JAG), where the company says so. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Jwks from "../../Jwks.ts"
import * as Jwt from "../../Jwt.ts"
import * as Scope from "../../Scope.ts"
import type * as ExchangePolicy from "../ExchangePolicy.ts"
import * as identityAssertions from "../identityAssertions.ts"
import type { Failure, GrantType, TokenRequest } from "../issuer.ts"
import * as Refusal from "../Refusal.ts"

export const name = "urn:ietf:params:oauth:grant-type:token-exchange"

const idToken = "urn:ietf:params:oauth:token-type:id_token"

export const tokenExchange = ({ decide }: ExchangePolicy.ExchangePolicy["Service"]): GrantType => ({
  name,
  isPublic: false,
  run: Effect.fnUntraced(function*(request: TokenRequest) {
    const { client, issuer, jkt, parameters } = request
    yield* only(request, "requested_token_type", identityAssertions.tokenType)
    yield* only(request, "subject_token_type", idToken)
    if (parameters.has("actor_token") || parameters.has("actor_token_type")) {
      return yield* Refusal.make("invalid_request", "Nobody acts for another here: actor_token is one too many.")
    }
    const audience = parameters.get("audience")
    if (audience === undefined) return yield* Refusal.make("invalid_request", "audience is missing.")
    const { amr, auth_time, sub } = yield* subject(request)
    const resource = parameters.get("resource")
    const asked = parameters.has("scope") ? Scope.parse(parameters.get("scope")!) : undefined
    const allowed = yield* decide({ client, subject: sub, audience, resource, scopes: asked })
    if (allowed === undefined) {
      return yield* Refusal.make("invalid_target", "The user and the client are not let in there.")
    }
    const scopes = allowed.scopes === undefined
      ? asked ?? []
      : allowed.scopes.filter((scope) => asked === undefined || asked.includes(scope))
    if (asked !== undefined && asked.length > 0 && scopes.length === 0) {
      return yield* Refusal.make("invalid_scope", "None of the scopes asked for is to be had there.")
    }
    const letter = yield* identityAssertions.write(issuer, {
      subject: allowed.subject ?? sub,
      audience,
      resource,
      clientId: allowed.clientId,
      scopes,
      login: {
        ...(auth_time === undefined ? undefined : { auth_time }),
        ...(amr === undefined ? undefined : { amr })
      },
      jkt
    })
    yield* issuer.tell({
      _tag: "Issued",
      grantType: name,
      grantId: undefined,
      clientId: client.id,
      subject: sub,
      scopes
    })
    return {
      access_token: letter,
      issued_token_type: identityAssertions.tokenType,
      // It is no access token (RFC 8693, 2.2.1).
      token_type: "N_A",
      expires_in: identityAssertions.lasts / 1000,
      ...(scopes.length === 0 ? undefined : { scope: Scope.format(scopes) })
    }
  })
})

const only = ({ parameters }: TokenRequest, parameter: string, value: string): Effect.Effect<void, Refusal.Refusal> =>
  parameters.get(parameter) === value
    ? Effect.void
    : Effect.fail(Refusal.make("invalid_request", `The only ${parameter} is ${value}.`))

/** Who has logged in here, with this client. */
const subject = (
  { client, issuer, parameters }: TokenRequest
): Effect.Effect<Jwt.Claims & { readonly sub: string }, Failure> =>
  Effect.gen(function*() {
    const verifier = Jwt.verifier({
      keys: { find: (header) => Effect.flatMap(issuer.keys.published, (keys) => Jwks.fixed(keys).find(header)) },
      issuer: issuer.url,
      // What else this server signs has a type that says so.
      types: ["", "JWT"],
      leeway: 0
    })
    const token = parameters.get("subject_token")
    if (token === undefined) return yield* Refusal.make("invalid_request", "subject_token is missing.")
    const claims = yield* Effect.mapError(
      verifier.verify(Redacted.make(token), client.id),
      ({ message }) => Refusal.make("invalid_grant", `${message}.`)
    )
    const { azp = client.id, sub } = claims
    if (typeof sub !== "string" || sub === "" || azp !== client.id) {
      return yield* Refusal.make("invalid_grant", "The id token is of nobody, or of another client.")
    }
    return { ...claims, sub }
  })
