/** An authorization server as resource servers know it: keys at an address, and tokens signed with them. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as jose from "jose"

export const url = "https://issuer.example"

export const resource = "https://acme.example/mcp"

export interface Signer {
  readonly kid: string
  readonly alg: string
  readonly privateKey: jose.CryptoKey
  readonly jwk: jose.JWK
}

export const makeSigner = async (kid: string, alg = "ES256"): Promise<Signer> => {
  const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...await jose.exportJWK(publicKey), kid, alg, use: "sig" } }
}

export interface Claims {
  readonly [claim: string]: unknown
}

/** Valid from the beginning of a test's time, for five minutes. */
export const claims: Claims = {
  iss: url,
  aud: resource,
  sub: "ann",
  client_id: "app",
  scope: "notes:read notes:write",
  jti: "1",
  iat: 0,
  exp: 300
}

export const sign = async (
  signer: Pick<Signer, "kid" | "alg" | "privateKey">,
  own: Claims = {},
  header: { readonly [name: string]: unknown } = {}
): Promise<string> => {
  const payload = Object.fromEntries(
    Object.entries({ ...claims, ...own }).filter(([, value]) => value !== undefined)
  )
  return new jose.SignJWT(payload as jose.JWTPayload)
    .setProtectedHeader({ alg: signer.alg, kid: signer.kid, typ: "at+jwt", ...header })
    .sign(signer.privateKey)
}

export interface Issuer {
  readonly signer: Signer
  /** What it publishes. */
  keys: Array<jose.JWK>
  /** How it answers instead. */
  failure: "down" | "silent" | (() => Response) | undefined
  /** The paths it was asked for. */
  readonly asked: Array<string>
  /** The bodies it was sent. */
  readonly bodies: Array<string>
  /** What it says of tokens. */
  introspection: (token: string) => object
  readonly token: (own?: Claims, header?: { readonly [name: string]: unknown }) => Effect.Effect<string>
  readonly client: Layer.Layer<HttpClient.HttpClient>
}

let shared: Promise<Signer> | undefined

export const make: Effect.Effect<Issuer> = Effect.promise(async () => {
  const signer = await (shared ??= makeSigner("first"))
  const issuer: Issuer = {
    signer,
    keys: [signer.jwk],
    failure: undefined,
    asked: [],
    bodies: [],
    introspection: () => ({ active: false }),
    token: (own, header) => Effect.promise(() => sign(signer, own, header)),
    client: Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make((request, address) =>
        Effect.suspend(() => {
          issuer.asked.push(address.pathname)
          const { body } = request
          if (body._tag === "Uint8Array") issuer.bodies.push(new TextDecoder().decode(body.body))
          if (issuer.failure === "silent") return Effect.never
          if (issuer.failure === "down") {
            return Effect.fail(
              new HttpClientError.HttpClientError({
                reason: new HttpClientError.TransportError({ request, description: "connection refused" })
              })
            )
          }
          return Effect.succeed(HttpClientResponse.fromWeb(request, answer(issuer, address.pathname)))
        })
      )
    )
  }
  return issuer
})

const answer = (issuer: Issuer, path: string): Response => {
  if (typeof issuer.failure === "function") return issuer.failure()
  switch (path) {
    case "/.well-known/oauth-authorization-server":
      return Response.json({ issuer: url, jwks_uri: `${url}/jwks` })
    case "/jwks":
      return Response.json({ keys: issuer.keys })
    case "/introspect": {
      const token = new URLSearchParams(issuer.bodies.at(-1)).get("token")!
      return Response.json(issuer.introspection(token))
    }
    default:
      return new Response("", { status: 404 })
  }
}

export const secret = (token: string): Redacted.Redacted => Redacted.make(token)
