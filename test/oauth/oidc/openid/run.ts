/** Runs a module on a server and says what came of it. */
import { assert } from "vitest"
import type * as engine from "../../server/engine.ts"
import { bodies } from "./bodies.ts"
import type { Json } from "./claims.ts"
import { type At, type Client, clients, jsonOf, postLogoutRedirectUri, redirectUri, Skipped, text } from "./module.ts"
import type { Name, Outcome } from "./plans.ts"

const clientOf = ({ authenticates, id, secret }: Client): engine.Client => ({
  client_id: id,
  client_secret: secret,
  redirect_uris: [redirectUri],
  post_logout_redirect_uris: [postLogoutRedirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: `client_secret_${authenticates}`,
  scope: "openid profile email address phone offline_access"
})

export const start = (engine: engine.Engine): Promise<engine.Running> =>
  engine.start({
    clients: Object.values(clients).map(clientOf),
    // Nobody asks for it, but there are servers that have tokens for somebody only.
    resources: [{ uri: "https://api.example/", scopes: ["read"] }],
    dynamicRegistration: true,
    openid: true
  })

/** Every module looks at the server's keys before it begins. */
const keysOf = async (at: Pick<At, "fetch">, metadata: Json): Promise<ReadonlyArray<Json>> => {
  const response = await at.fetch(text(metadata["jwks_uri"], "jwks_uri"))
  assert.strictEqual(response.status, 200)
  const { keys } = await response.json() as { readonly keys: ReadonlyArray<Json> }
  assert.isNotEmpty(keys)
  for (const key of keys) {
    assert.include(["RSA", "EC", "OKP"], key["kty"])
    assert.doesNotHaveAnyKeys(key, ["d", "p", "q", "dp", "dq", "qi", "k"])
    assert.isString(key["kid"])
  }
  assert.strictEqual(new Set(keys.map(({ kid }) => kid)).size, keys.length, "every key has an id of its own")
  return keys
}

export type Fetch = At["fetch"]

/** With `change` a server is made to behave as it does not. */
export const run = async (
  running: engine.Running,
  name: Name,
  change: (go: Fetch) => Fetch = (go) => go
): Promise<Outcome> => {
  const get = change((url, init) => fetch(url, { ...init, redirect: "manual" }))
  const warnings: Array<string> = []
  const reviews: Array<string> = []
  const waits: Array<string> = []
  try {
    const { issuer } = running
    const metadata = await jsonOf(await get(`${issuer.replace(/\/$/u, "")}/.well-known/openid-configuration`))
    await bodies[name]({
      issuer,
      metadata,
      keys: await keysOf({ fetch: get }, metadata),
      person: change(running.person().fetch),
      fetch: get,
      wait: async (seconds) => {
        if (running.advance !== undefined) return running.advance(seconds)
        const waited = Math.min(seconds, 3)
        if (waited < seconds) waits.push(`after ${waited} seconds instead of ${seconds}`)
        await new Promise((resolve) => setTimeout(resolve, waited * 1000 + 50))
      },
      warn: (isRight, otherwise) => {
        if (!isRight) warnings.push(otherwise)
      },
      review: (what) => {
        reviews.push(what)
      }
    })
  } catch (error) {
    if (!(error instanceof Skipped)) throw error
    return { verdict: "skipped", remarks: [error.message] }
  }
  return {
    verdict: warnings.length > 0 ? "warning" : reviews.length > 0 ? "review" : "passed",
    remarks: [...warnings, ...reviews, ...waits]
  }
}
