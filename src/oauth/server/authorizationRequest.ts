/** What is checked of an authorization request, once it is known whose it is and where the answer goes. */
import * as Effect from "effect/Effect"
import { boundKey } from "./checks/boundKey.ts"
import { challenge } from "./checks/pkce.ts"
import { prompt } from "./checks/prompt.ts"
import { requestObject } from "./checks/requestObject.ts"
import { resource } from "./checks/resource.ts"
import { responseType } from "./checks/responseType.ts"
import { scopes } from "./checks/scope.ts"
import type * as Client from "./Client.ts"
import type { Failure, Issuer } from "./issuer.ts"
import type { Parameters } from "./parameters.ts"
import type { AuthorizationRequest } from "./records.ts"

export const check = (
  issuer: Issuer,
  client: Client.Client,
  redirectUri: string,
  parameters: Parameters,
  /** The key that the request has proven. */
  proven?: string
): Effect.Effect<AuthorizationRequest, Failure> =>
  Effect.gen(function*() {
    yield* requestObject(parameters)
    yield* responseType(client, parameters)
    const codeChallenge = yield* challenge(parameters)
    const target = yield* resource(issuer, parameters)
    const granted = yield* scopes(issuer, client, target, parameters)
    const jkt = yield* boundKey(parameters, proven)
    const prompted = yield* prompt(parameters)
    const more = yield* Effect.forEach(
      issuer.extensions,
      ({ ask }) => ask({ issuer, client, parameters, scopes: granted })
    )
    return {
      clientId: client.id,
      redirectUri,
      challenge: codeChallenge,
      resource: target.uri,
      scopes: granted,
      ...prompted,
      ...Object.assign({}, ...more) as Pick<Partial<AuthorizationRequest>, "claims" | "subject" | "alsoAsked">,
      ...kept("state", parameters.get("state")),
      ...kept("nonce", parameters.get("nonce")),
      ...kept("loginHint", parameters.get("login_hint")),
      ...kept("jkt", jkt)
    }
  })

const kept = <K extends string>(name: K, value: string | undefined): { readonly [key in K]?: string } =>
  value === undefined ? {} : { [name]: value } as { readonly [key in K]: string }
