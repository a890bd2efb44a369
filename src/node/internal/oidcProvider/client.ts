/** A client in the words of the provider (RFC 7591), and what is asked of it in ours. */
import { timingSafeEqual } from "node:crypto"
import * as RedirectUri from "../../../oauth/RedirectUri.ts"
import type { Issuer } from "../../../oauth/server/AuthorizationServer.ts"
import type * as Client from "../../../oauth/server/Client.ts"
import type * as library from "./library.ts"

const grantTypes = ["authorization_code", "refresh_token", "client_credentials"]

export const describe = (client: Client.Client | undefined): object | undefined => {
  if (client === undefined) return undefined
  const granted = client.grantTypes.filter((name) =>
    grantTypes.includes(name) && (name !== "client_credentials" || client.authentication !== "none")
  )
  return {
    client_id: client.id,
    ...(client.name === undefined ? undefined : { client_name: client.name }),
    // It only says which redirect URIs there may be, and those of a `web` client are all that we let be registered.
    application_type: client.redirectUris.every((uri) => /^https?:/u.test(uri)) ? "web" : "native",
    redirect_uris: client.redirectUris,
    grant_types: granted,
    response_types: granted.includes("authorization_code") ? ["code"] : [],
    response_modes: ["query"],
    token_endpoint_auth_method: client.authentication,
    // The hash, which `compareClientSecret` knows.
    ...(client.secretHash === undefined ? undefined : { client_secret: client.secretHash }),
    ...(client.keys === undefined ? undefined : { jwks: { keys: client.keys } }),
    ...(client.jwksUri === undefined ? undefined : { jwks_uri: client.jwksUri }),
    dpop_bound_access_tokens: client.requiresDpop
  }
}

/** What the provider leaves to be said otherwise. */
export const behavior = (issuer: Issuer, run: (effect: ReturnType<Issuer["secrets"]["hash"]>) => Promise<string>) => ({
  redirectUriAllowed(this: library.Client, uri: string): boolean {
    return this.redirectUris.some((registered) => RedirectUri.matches(registered, uri))
  },
  async compareClientSecret(this: library.Client, secret: string): Promise<boolean> {
    const [given, known] = [await run(issuer.secrets.hash(secret)), this.clientSecret ?? ""].map((text) =>
      Buffer.from(text)
    )
    return given!.length === known!.length && timingSafeEqual(given!, known!)
  }
})
