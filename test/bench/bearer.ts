/** Tokens for the bench, and the layer that lets in who has one. */
import * as Layer from "effect/Layer"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as JwtVerifier from "fastmcp-effect/auth/JwtVerifier"
import * as TokenVerifier from "fastmcp-effect/auth/TokenVerifier"
import * as Jwks from "fastmcp-effect/oauth/Jwks"
import * as jose from "jose"

export const issuer = "https://issuer.example"

export const resource = "https://bench.example/mcp"

/** So many different ones, by one key. */
export const make = async (
  count: number
): Promise<{ readonly jwk: jose.JWK; readonly tokens: ReadonlyArray<string> }> => {
  const { privateKey, publicKey } = await jose.generateKeyPair("ES256", { extractable: true })
  const jwk = { ...await jose.exportJWK(publicKey), kid: "k1", alg: "ES256", use: "sig" }
  const tokens = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      new jose.SignJWT({ client_id: "app", scope: "use", jti: String(index) })
        .setProtectedHeader({ alg: "ES256", kid: "k1", typ: "at+jwt" })
        .setIssuer(issuer).setAudience(resource).setSubject("ann").setIssuedAt().setExpirationTime("1 hour")
        .sign(privateKey))
  )
  return { jwk, tokens }
}

export const verifier = (jwk: Jwks.Jwk) => JwtVerifier.fromKeys(Jwks.fixed([jwk]), { issuer })

export const layer = (jwk: Jwks.Jwk) =>
  BearerAuth.layer({ resource, authorizationServers: [issuer], scopes: ["use"] }).pipe(
    Layer.provide(Layer.succeed(TokenVerifier.TokenVerifier, verifier(jwk)))
  )
