/** A running server with its clients, and what a client can get from it in an honest way. */
import * as crypto from "node:crypto"
import type { Client, Engine, Person, Running } from "../engine.ts"
import * as Jws from "./jws.ts"
import { type Ask, basic, type Changes, encoded, type Headers, type Place, post } from "./probe.ts"

export const notes = "https://notes.example/mcp"
export const mail = "https://mail.example/mcp"

export const callback = "http://127.0.0.1:4711/callback"
export const appCallback = "https://app.example/callback?kept=1"
export const tabletCallback = "http://127.0.0.1:4712/callback"
export const siteCallback = "https://site.example/callback"

export const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const ofPeople = ["authorization_code", "refresh_token"]

export const clients = {
  desktop: {
    client_id: "desktop",
    redirect_uris: [callback, appCallback],
    grant_types: [...ofPeople, deviceGrant],
    token_endpoint_auth_method: "none"
  },
  tablet: {
    client_id: "tablet",
    redirect_uris: [tabletCallback],
    grant_types: [...ofPeople, deviceGrant],
    token_endpoint_auth_method: "none"
  },
  website: {
    client_id: "website",
    client_secret: "a secret of the website's: 100%+",
    redirect_uris: [siteCallback],
    post_logout_redirect_uris: ["https://site.example/bye"],
    grant_types: ofPeople,
    token_endpoint_auth_method: "client_secret_basic"
  },
  poster: {
    client_id: "poster",
    client_secret: "a secret of the poster's, and long enough",
    redirect_uris: ["https://poster.example/callback"],
    grant_types: [...ofPeople, "client_credentials"],
    token_endpoint_auth_method: "client_secret_post"
  },
  signer: {
    client_id: "signer",
    redirect_uris: ["https://signer.example/callback"],
    grant_types: [...ofPeople, "client_credentials"],
    token_endpoint_auth_method: "private_key_jwt"
  },
  nightly: {
    client_id: "nightly",
    client_secret: "a secret of the nightly job's, long enough",
    grant_types: ["client_credentials"],
    token_endpoint_auth_method: "client_secret_basic"
  }
} satisfies Record<string, Client>

export type Name = keyof typeof clients

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token: string
}

export interface World {
  readonly issuer: string
  /** From its metadata. One that is not there is an address where nothing is. */
  readonly at: (
    endpoint:
      | "authorization"
      | "device_authorization"
      | "end_session"
      | "introspection"
      | "pushed_authorization_request"
      | "registration"
      | "revocation"
      | "token"
      | "userinfo"
  ) => string
  readonly jwksUri: string
  /** Who is logged in. */
  readonly anna: Person
  readonly somebody: () => Person
  readonly keys: Jws.Keys
  readonly verifier: string
  readonly challenge: string
}

const verifier = "a-verifier-of-some-more-than-43-characters-0123456789"
const challenge = crypto.createHash("sha256").update(verifier).digest("base64url")

export const start = async (engine: Engine, place: Place): Promise<{ running: Running; world: World }> => {
  const keys = Jws.makeKeys()
  const signer = { ...clients.signer, jwks: { keys: [{ ...keys.jwk, alg: "ES256", use: "sig" }] } }
  const running = await engine.start({
    clients: Object.values({ ...clients, signer }),
    resources: [
      { uri: notes, scopes: ["notes:read", "notes:write"] },
      { uri: mail, scopes: ["mail:read"] }
    ],
    openid: place === "full",
    dynamicRegistration: place === "full",
    dpopNonce: place === "nonce"
  })
  const { issuer, person } = running
  const metadata: any = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
  return {
    running,
    world: {
      issuer,
      at: (endpoint) => metadata[`${endpoint}_endpoint`] ?? `${issuer}/nothing-here`,
      jwksUri: metadata.jwks_uri,
      anna: person(),
      somebody: person,
      keys,
      verifier,
      challenge
    }
  }
}

export const assertion = (
  { issuer, keys }: World,
  claims: Jws.Claims = {},
  header: Jws.Claims = {},
  sign = Jws.by(keys)
): string =>
  Jws.jws(
    { alg: "ES256", ...header },
    {
      iss: "signer",
      sub: "signer",
      aud: issuer,
      jti: crypto.randomUUID(),
      iat: Jws.inSeconds(0),
      exp: Jws.inSeconds(60),
      ...claims
    },
    sign
  )

/** How a client proves who it is, in the way that it registered. */
export const proving = (world: World, name: Name): { readonly parameters: Changes; readonly headers: Headers } => {
  const client: Client = clients[name]
  const { client_id, client_secret = "" } = client
  switch (client.token_endpoint_auth_method) {
    case "client_secret_basic":
      return { parameters: {}, headers: basic(client_id, client_secret) }
    case "client_secret_post":
      return { parameters: { client_id, client_secret }, headers: {} }
    case "private_key_jwt":
      return {
        parameters: { client_assertion_type: assertionType, client_assertion: assertion(world) },
        headers: {}
      }
    default:
      return { parameters: { client_id }, headers: {} }
  }
}

/** A request of that client's to an endpoint that wants to know who asks. */
export const from = (
  world: World,
  name: Name,
  endpoint: Parameters<World["at"]>[0],
  parameters: Changes,
  headers: Headers = {}
): Ask => {
  const proof = proving(world, name)
  return post(world.at(endpoint), { ...proof.parameters, ...parameters }, { ...proof.headers, ...headers })
}

/** The parameters of a request that may go on to the login. */
export const authorization = ({ challenge }: World, name: Name = "desktop"): Changes => {
  const { client_id, redirect_uris = [] }: Client = clients[name]
  return {
    client_id,
    redirect_uri: redirect_uris[0],
    response_type: "code",
    scope: "notes:read notes:write",
    state: "a state",
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource: notes
  }
}

export const authorizeUrl = (world: World, parameters: Changes): string =>
  `${world.at("authorization")}?${encoded(parameters)}`

/** The parameters of a token request with a code that was just given out. */
export const code = async (world: World, name: Name = "desktop", more: Changes = {}): Promise<Changes> => {
  const parameters = { ...authorization(world, name), ...more }
  const { searchParams } = await world.anna.visit(authorizeUrl(world, parameters))
  const given = searchParams.get("code")
  if (given === null) throw new Error(`no code: ${searchParams}`)
  return {
    grant_type: "authorization_code",
    code: given,
    redirect_uri: parameters.redirect_uri,
    code_verifier: world.verifier
  }
}

export const sent = ({ body, headers = {}, method = "GET", url }: Ask): Promise<Response> =>
  fetch(url, {
    method,
    headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
    ...body === undefined ? {} : { body }
  })

export const tokens = async (
  world: World,
  name: Name = "desktop",
  more: Changes = {},
  headers: Headers = {}
): Promise<Tokens> => {
  const response = await sent(from(world, name, "token", await code(world, name, more), headers))
  if (!response.ok) throw new Error(`no tokens: ${await response.text()}`)
  return await response.json() as Tokens
}

export const clientToken = async (world: World, more: Changes = {}, headers: Headers = {}): Promise<string> => {
  const parameters = { grant_type: "client_credentials", scope: "notes:read", resource: notes, ...more }
  const response = await sent(from(world, "nightly", "token", parameters, headers))
  if (!response.ok) throw new Error(`no token: ${await response.text()}`)
  return (await response.json() as Tokens).access_token
}

/** Of a DPoP proof for the token endpoint, with a key of its own. */
export const proof = (
  world: World,
  claims: Jws.Claims = {},
  header: Jws.Claims = {},
  keys: Jws.Keys = world.keys,
  sign = Jws.by(keys)
): string =>
  Jws.jws(
    { typ: "dpop+jwt", alg: "ES256", jwk: keys.jwk, ...header },
    { htm: "POST", htu: world.at("token"), iat: Jws.inSeconds(0), jti: crypto.randomUUID(), ...claims },
    sign
  )
