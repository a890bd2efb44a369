/**
 * The floor of what a token costs: bare `node:http` that signs one with `jose`, and checks and keeps nothing.
 * Usage: floor PORT
 */
import { generateKeyPair, SignJWT } from "jose"
import { randomBytes } from "node:crypto"
import { createServer } from "node:http"
import { client, codes, lasts, resource, scope, subject } from "./data.ts"

const { privateKey } = await generateKeyPair("ES256")
const random = () => randomBytes(32).toString("base64url")

const [, , port] = process.argv
const issuer = `http://127.0.0.1:${port}`

createServer((request, response) => {
  const reply = (body: object) => {
    const out = JSON.stringify(body)
    response.writeHead(200, { "content-type": "application/json", "content-length": out.length }).end(out)
  }
  const count = codes.exec(request.url!)?.[1]
  if (count !== undefined) return reply(Array.from({ length: Number(count) }, random))
  request.resume().once("end", async () => {
    const token = new SignJWT({ client_id: client.id, scope, jti: random() })
      .setProtectedHeader({ alg: "ES256", typ: "at+jwt" })
      .setIssuer(issuer).setAudience(resource).setSubject(subject).setIssuedAt().setExpirationTime(`${lasts} s`)
    reply({
      access_token: await token.sign(privateKey),
      token_type: "Bearer",
      expires_in: lasts,
      scope,
      refresh_token: random()
    })
  })
}).listen(Number(port), "127.0.0.1")
