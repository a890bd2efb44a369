/** Goes to the office without a key, as a visitor, and as one of the staff; exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Office } from "./server.ts"

const send = (url: string, key: string | undefined, method: string, params: object = {}) =>
  fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...("name" in params ? { "mcp-name": String(params.name) } : undefined),
      ...(key === undefined ? undefined : { "x-api-key": key })
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {}
        }
      }
    })
  })

const over = async (url: string) => {
  const bare = await send(url, undefined, "tools/list")
  assert.equal(bare.status, 401)
  assert.equal(bare.headers.get("www-authenticate"), "ApiKey header=\"x-api-key\"")
  assert.equal((await send(url, "key-of-nobody", "tools/list")).status, 401)

  // A tool the caller may not use is not listed, and says what is missing to who calls it all the same.
  const names = async (key: string) => {
    const { result } = await (await send(url, key, "tools/list")).json() as {
      readonly result: { readonly tools: ReadonlyArray<{ readonly name: string }> }
    }
    return result.tools.map(({ name }) => name)
  }
  assert.deepEqual(await names("key-of-a-visitor"), ["look"])
  assert.deepEqual(await names("key-of-ann"), ["look", "hand_out"])

  const handOut = (key: string) => send(url, key, "tools/call", { name: "hand_out", arguments: { thing: "umbrella" } })
  const refused = await handOut("key-of-a-visitor")
  assert.equal(refused.status, 403)
  const { error } = await refused.json() as { readonly error: { readonly data?: unknown } }
  assert.deepEqual(error.data, { requiredScopes: ["property:hand-out"] })
  const { result } = await (await handOut("key-of-ann")).json() as {
    readonly result: { readonly content: ReadonlyArray<{ readonly text?: string }> }
  }
  assert.equal(result.content[0]?.text, "ann hands out: umbrella")
}

await NodeHttp.Address.use(({ url }) => Effect.promise(() => over(url))).pipe(
  Effect.provide(NodeHttp.layer({ port: 0 }).pipe(Layer.provide(Office))),
  Effect.runPromise
)

// Over stdio nobody sends headers: whoever starts the server says with its environment who calls.
const start = (key: string | undefined) => {
  const { OFFICE_KEY: _, ...env } = process.env
  return spawnSync(
    process.execPath,
    ["--conditions=fastmcp-effect/source", fileURLToPath(new URL("server.ts", import.meta.url)), "stdio"],
    {
      env: { ...env, ...(key === undefined ? undefined : { OFFICE_KEY: key }) },
      input: `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })}\n`,
      encoding: "utf8"
    }
  )
}
const without = start(undefined)
assert.equal(without.status, 1)
assert.match(without.stderr, /OFFICE_KEY/u)
const known = start("key-of-ann")
assert.equal(known.status, 0)
assert.deepEqual(JSON.parse(known.stdout), { jsonrpc: "2.0", id: 1, result: {} })

console.log("the umbrella is with its owner")
