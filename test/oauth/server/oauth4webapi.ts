import * as oauth from "oauth4webapi"
import type { Client } from "./engine.ts"
import type { RelyingParty, Tokens } from "./relyingParty.ts"

const http = { [oauth.allowInsecureRequests]: true }

const options = (DPoP: oauth.DPoPHandle | undefined) => DPoP === undefined ? http : { ...http, DPoP }

const authentication = ({ client_secret, token_endpoint_auth_method }: Client, key: oauth.CryptoKey | undefined) =>
  token_endpoint_auth_method === "none"
    ? oauth.None()
    : key !== undefined
    ? oauth.PrivateKeyJwt(key)
    : token_endpoint_auth_method === "client_secret_post"
    ? oauth.ClientSecretPost(client_secret!)
    : oauth.ClientSecretBasic(client_secret!)

/** A server may demand a nonce of its own in the proof, which it tells in its refusal. */
const withNonce = <A>(ask: () => Promise<A>): Promise<A> =>
  ask().catch((error: unknown) => oauth.isDPoPNonceError(error) ? ask() : Promise.reject(error as Error))

const discover = async (issuer: string, algorithm: "oidc" | "oauth2") => {
  const url = new URL(issuer)
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { ...http, algorithm }))
}

export const relyingParty: RelyingParty = {
  name: "oauth4webapi",
  connect: async (issuer, registered, { key, openid }) => {
    const { client_id, id_token_signed_response_alg } = registered
    const as = await discover(issuer, openid ? "oidc" : "oauth2")
    const auth = authentication(registered, key)
    const client: oauth.Client = id_token_signed_response_alg === undefined
      ? { client_id }
      : { client_id, id_token_signed_response_alg }
    const read = async (tokens: oauth.TokenEndpointResponse, response: Response): Promise<Tokens> => {
      const claims = oauth.getValidatedIdTokenClaims(tokens)
      if (claims !== undefined) await oauth.validateApplicationLevelSignature(as, response, http)
      return { ...tokens, claims }
    }
    const authorizationUrl = (parameters: Readonly<Record<string, string>>) => {
      const url = new URL(as.authorization_endpoint!)
      url.search = String(new URLSearchParams({ client_id, response_type: "code", ...parameters }))
      return url.href
    }
    return {
      metadata: as,
      dpop: (keys) => oauth.DPoP(client, keys),
      authorizationUrl: async (parameters) => authorizationUrl(parameters),
      pushed: (parameters, dpop) =>
        withNonce(async () => {
          const all = { client_id, response_type: "code", ...parameters }
          const response = await oauth.pushedAuthorizationRequest(as, client, auth, all, options(dpop))
          const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response)
          const url = new URL(as.authorization_endpoint!)
          url.search = String(new URLSearchParams({ client_id, request_uri }))
          return url.href
        }),
      code: async (callback, { maxAge, nonce, state, verifier }, dpop) => {
        const parameters = oauth.validateAuthResponse(as, client, callback, state)
        const redirectUri = callback.origin + callback.pathname
        return withNonce(async () => {
          const response = await oauth
            .authorizationCodeGrantRequest(as, client, auth, parameters, redirectUri, verifier, options(dpop))
          return read(
            await oauth.processAuthorizationCodeResponse(as, client, response, {
              ...nonce === undefined ? {} : { expectedNonce: nonce },
              ...maxAge === undefined ? {} : { maxAge }
            }),
            response
          )
        })
      },
      refresh: (token, additionalParameters, dpop) =>
        withNonce(async () => {
          const response = await oauth
            .refreshTokenGrantRequest(as, client, auth, token, {
              ...options(dpop),
              additionalParameters: { ...additionalParameters }
            })
          return read(await oauth.processRefreshTokenResponse(as, client, response), response)
        }),
      clientCredentials: (parameters, dpop) =>
        withNonce(async () => {
          const response = await oauth
            .clientCredentialsGrantRequest(as, client, auth, { ...parameters }, options(dpop))
          return read(await oauth.processClientCredentialsResponse(as, client, response), response)
        }),
      device: async (parameters) =>
        oauth.processDeviceAuthorizationResponse(
          as,
          client,
          await oauth.deviceAuthorizationRequest(as, client, auth, { ...parameters }, http)
        ),
      deviceTokens: async ({ device_code }) => {
        const response = await oauth.deviceCodeGrantRequest(as, client, auth, device_code, http)
        return read(await oauth.processDeviceCodeResponse(as, client, response), response)
      },
      introspect: async (token) =>
        oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, http)),
      revoke: async (token) =>
        oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, http)),
      userinfo: (token, subject, dpop) =>
        withNonce(async () => {
          const response = await oauth.userInfoRequest(as, client, token, options(dpop))
          return oauth.processUserInfoResponse(as, client, subject, response)
        }),
      logoutUrl: (parameters) => {
        const url = new URL(as.end_session_endpoint!)
        url.search = String(new URLSearchParams({ client_id, ...parameters }))
        return url.href
      }
    }
  },
  register: async (issuer, metadata) =>
    (await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(await discover(issuer, "oidc"), metadata, http)
    )) as unknown as Client
}
