import * as openid from "openid-client"
import type { Client } from "./engine.ts"
import type { RelyingParty, Tokens } from "./relyingParty.ts"

const authentication = ({ client_secret, token_endpoint_auth_method }: Client, key: openid.CryptoKey | undefined) =>
  token_endpoint_auth_method === "none"
    ? openid.None()
    : key !== undefined
    ? openid.PrivateKeyJwt(key)
    : token_endpoint_auth_method === "client_secret_post"
    ? openid.ClientSecretPost(client_secret)
    : openid.ClientSecretBasic(client_secret)

const read = (tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers): Tokens => ({
  ...tokens,
  claims: tokens.claims()
})

const options = (DPoP: openid.DPoPHandle | undefined) => DPoP === undefined ? {} : { DPoP }

export const relyingParty: RelyingParty = {
  name: "openid-client",
  connect: async (issuer, client, { key, openid: isOpenId }) => {
    const { client_id, id_token_signed_response_alg } = client
    const metadata = id_token_signed_response_alg === undefined ? {} : { id_token_signed_response_alg }
    const config = await openid.discovery(new URL(issuer), client_id, metadata, authentication(client, key), {
      algorithm: isOpenId ? "oidc" : "oauth2",
      execute: [openid.allowInsecureRequests]
    })
    openid.enableNonRepudiationChecks(config)
    return {
      metadata: config.serverMetadata(),
      dpop: (keys) => openid.getDPoPHandle(config, keys),
      authorizationUrl: async (parameters) => openid.buildAuthorizationUrl(config, { ...parameters }).href,
      pushed: async (parameters, dpop) =>
        (await openid.buildAuthorizationUrlWithPAR(config, { ...parameters }, options(dpop as openid.DPoPHandle))).href,
      code: async (callback, { maxAge, nonce, state, verifier }, dpop) =>
        read(
          await openid.authorizationCodeGrant(
            config,
            callback,
            {
              pkceCodeVerifier: verifier,
              expectedState: state,
              ...nonce === undefined ? {} : { expectedNonce: nonce },
              ...maxAge === undefined ? {} : { maxAge }
            },
            {},
            options(dpop as openid.DPoPHandle)
          )
        ),
      refresh: async (token, parameters, dpop) =>
        read(await openid.refreshTokenGrant(config, token, { ...parameters }, options(dpop as openid.DPoPHandle))),
      clientCredentials: async (parameters, dpop) =>
        read(await openid.clientCredentialsGrant(config, { ...parameters }, options(dpop as openid.DPoPHandle))),
      device: (parameters) => openid.initiateDeviceAuthorization(config, { ...parameters }),
      // It waits for the interval even before it asks for the first time.
      deviceTokens: async (device) =>
        read(await openid.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.01 })),
      introspect: (token) => openid.tokenIntrospection(config, token),
      revoke: (token) => openid.tokenRevocation(config, token),
      userinfo: (token, subject, dpop) =>
        openid.fetchUserInfo(config, token, subject, options(dpop as openid.DPoPHandle)),
      logoutUrl: (parameters) => openid.buildEndSessionUrl(config, { ...parameters }).href
    }
  },
  register: async (issuer, metadata) => {
    const config = await openid.dynamicClientRegistration(new URL(issuer), metadata, undefined, {
      execute: [openid.allowInsecureRequests]
    })
    return config.clientMetadata() as Client
  }
}
