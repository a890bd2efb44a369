/**
 * An OpenID provider: users log in here, and applications get to know who they are. Everybody is Anna, so that there is
 * a login to try out; a real one asks (`UserLogin`).
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as NodeSigningKeys from "fastmcp-effect/node/NodeSigningKeys"
import * as OidcProvider from "fastmcp-effect/oauth/oidc/OidcProvider"
import * as UserClaims from "fastmcp-effect/oauth/oidc/UserClaims"
import * as RedactedUrls from "fastmcp-effect/oauth/RedactedUrls"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { createServer } from "node:http"

/** What is known of the users, by subject. */
const users = {
  anna: { name: "Anna Example", email: "anna@example.com", email_verified: true, department: "Letters" }
}

export const application = {
  id: "letters",
  name: "Letters",
  redirectUris: ["http://127.0.0.1/callback"],
  postLogoutRedirectUris: ["http://127.0.0.1/goodbye"]
}

const Provider = (issuer: string, keysFile: string) =>
  OidcProvider.layer({ issuer, clients: [application], scopes: { work: ["department"] } }).pipe(
    Layer.provide(UserClaims.layer(users)),
    Layer.provide(UserLogin.layerAutomatic("anna")),
    Layer.provide(Consent.layer()),
    Layer.provide([Pages.layer({ name: "Example" }), OAuthStore.layerMemory(), NodeSigningKeys.layerFile(keysFile)]),
    Layer.provide([NodeSafeFetch.layer(), SecureRandom.layerWebCrypto, Digest.layerWebCrypto])
  )

/** Listens for as long as the layer lives. */
export const serve = (port: number, keysFile: string) =>
  HttpRouter.serve(AuthorizationServer.routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(Provider(`http://127.0.0.1:${port}`, keysFile)),
    Layer.provide(RedactedUrls.layer),
    Layer.provide(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1", disablePreemptiveShutdown: true }))
  )
