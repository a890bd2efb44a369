/** As much of an authorization server as the story needs: metadata, keys, and tokens for whoever asks. */
import * as jose from "jose"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"

export const start = async () => {
  const { privateKey, publicKey } = await jose.generateKeyPair("ES256", { extractable: true })
  const keys = [{ ...await jose.exportJWK(publicKey), kid: "1", alg: "ES256", use: "sig" }]
  const server = Http.createServer((request, response) => {
    const document = request.url === "/.well-known/oauth-authorization-server"
      ? { issuer: url, jwks_uri: `${url}/jwks` }
      : request.url === "/jwks"
      ? { keys }
      : undefined
    response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json" })
      .end(JSON.stringify(document ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    token: (subject: string, audience: string, scope: string) =>
      new jose.SignJWT({ scope, client_id: "example" })
        .setProtectedHeader({ alg: "ES256", kid: "1", typ: "at+jwt" })
        .setIssuer(url).setSubject(subject).setAudience(audience).setIssuedAt().setExpirationTime("5 minutes")
        .sign(privateKey),
    stop: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}
