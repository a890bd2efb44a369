/** Finds out how to get in, gets in, and is told what more it would need; exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import assert from "node:assert/strict"
import * as issuers from "./issuer.ts"
import { diary } from "./server.ts"

const call = async (url: string, token: string | undefined, name: string, args: object = {}) => {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": name,
      ...(token === undefined ? undefined : { authorization: `Bearer ${token}` })
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name,
        arguments: args,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {}
        }
      }
    })
  })
  const { result } = await response.json() as { readonly result: { readonly structuredContent?: unknown } }
  return { status: response.status, challenge: response.headers.get("www-authenticate"), result }
}

const visit = async (url: string, resource: string, issuer: Awaited<ReturnType<typeof issuers.start>>) => {
  // A bare request is told where to begin: the challenge leads to the document, and the document to the issuer.
  const bare = await call(url, undefined, "read")
  assert.equal(bare.status, 401)
  assert.match(bare.challenge!, /^Bearer scope="diary:read", resource_metadata="/u)
  const { pathname } = new URL(/resource_metadata="([^"]+)"/u.exec(bare.challenge!)![1]!)
  const document = await (await fetch(new URL(pathname, url))).json() as {
    readonly resource: string
    readonly authorization_servers: ReadonlyArray<string>
  }
  assert.deepEqual(document.authorization_servers, [issuer.url])
  assert.equal(document.resource, resource)

  // A token for somebody else is no good here, though the same issuer has signed it.
  const foreign = await call(url, await issuer.token("ann", "https://other.example/mcp", "diary:read"), "read")
  assert.equal(foreign.status, 401)
  assert.match(foreign.challenge!, /error="invalid_token"/u)

  const reader = await issuer.token("ann", resource, "diary:read")
  assert.deepEqual((await call(url, reader, "read")).result.structuredContent, [])

  // What more is needed comes in one challenge, so that the user is asked once.
  const refused = await call(url, reader, "write", { page: "Dear diary" })
  assert.equal(refused.status, 403)
  assert.match(refused.challenge!, /error="insufficient_scope", scope="diary:read diary:write"/u)

  const writer = await issuer.token("ann", resource, "diary:read diary:write")
  assert.equal((await call(url, writer, "write", { page: "Dear diary" })).status, 200)
  assert.deepEqual((await call(url, reader, "read")).result.structuredContent, ["Dear diary"])

  const bob = await issuer.token("bob", resource, "diary:read")
  assert.deepEqual((await call(url, bob, "read")).result.structuredContent, [])
}

const issuer = await issuers.start()
const resource = "https://diary.example/mcp"
await NodeHttp.Address.use(({ url }) => Effect.promise(() => visit(url, resource, issuer))).pipe(
  Effect.provide(NodeHttp.layer({ port: 0 }).pipe(Layer.provide(diary(resource, issuer.url)))),
  Effect.runPromise
)
issuer.stop()
console.log("one page, and nobody else has read it")
