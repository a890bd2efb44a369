/** What an authorization server stands on, for an example: nothing is kept, and nobody is asked anything. */
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Layer from "effect/Layer"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"

export const services = Layer.fresh(Layer.mergeAll(
  OAuthStore.layerMemory(),
  SigningKeys.layerGenerated(),
  UserLogin.layerAutomatic("anna"),
  Consent.layerAutomatic,
  Pages.layer(),
  NodeSafeFetch.layer({ allowLoopback: true }),
  SecureRandom.layerWebCrypto,
  Digest.layerWebCrypto
))
