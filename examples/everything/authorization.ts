/** How the client gets in where the official conformance suite wants it to, by the suite's names. */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as ClientAuth from "fastmcp-effect/client/ClientAuth"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import type { Credentials } from "fastmcp-effect/oauth/client/Credentials"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import * as UserAgent from "fastmcp-effect/oauth/client/UserAgent"
import type * as Authorization from "fastmcp-effect/transport/Authorization"

const Given = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))

type Needs = ClientAuth.Needs | UserAgent.UserAgent

type Way = (given: { readonly [name: string]: string }) => Layer.Layer<Authorization.Authorization, never, Needs>

const credentials = ({ client_id, client_secret, issuer }: { readonly [name: string]: string }): Credentials => ({
  clientId: client_id!,
  ...(client_secret === undefined ? undefined : { clientSecret: Redacted.make(client_secret) }),
  ...(issuer === undefined ? undefined : { issuer })
})

const login = ClientAuth.browser({ metadata: { client_name: "everything" } })

/** By logging in, but for those that have another way. */
const ways: { readonly [scenario: string]: Way } = {
  "auth/basic-cimd": () =>
    ClientAuth.browser({ clientMetadataUrl: "https://conformance-test.local/client-metadata.json" }),
  "auth/pre-registration": (given) => ClientAuth.browser({ credentials: credentials(given) }),
  "auth/client-credentials-basic": (given) => ClientAuth.clientCredentials(credentials(given)),
  "auth/client-credentials-jwt": (given) =>
    ClientAuth.clientCredentials({
      clientId: given.client_id!,
      signingKey: { key: Redacted.make(given.private_key_pem!), algorithm: given.signing_algorithm! }
    }),
  "auth/enterprise-managed-authorization": (given) =>
    ClientAuth.enterpriseManaged({
      credentials: credentials(given),
      identityProvider: {
        issuer: given.idp_issuer!,
        tokenEndpoint: given.idp_token_endpoint!,
        credentials: { clientId: given.idp_client_id! },
        idToken: Effect.succeed(Redacted.make(given.idp_id_token!))
      }
    }),
  "auth/wif-jwt-bearer": (given) =>
    ClientAuth.workloadIdentity({
      clientId: given.client_id!,
      assertion: () => Effect.succeed(Redacted.make(given.valid_jwt!))
    })
}

/**
 * The browser is none, for the suite's authorization servers ask nobody anything; and all that they name is of this
 * machine.
 */
export const authorization = (
  scenario: string,
  context: string
): Layer.Layer<Authorization.Authorization, Schema.SchemaError> =>
  Layer.unwrap(Effect.gen(function*() {
    const way = ways[scenario]
    return way === undefined ? login : way(yield* Schema.decodeUnknownEffect(Given)(context))
  })).pipe(Layer.provide([
    NodeSafeFetch.layer({ allowLoopback: true }),
    TokenStore.layerMemory,
    Layer.provide(UserAgent.layerHeadless({ redirectUri: "http://localhost:3000/callback" }), FetchHttpClient.layer)
  ]))
