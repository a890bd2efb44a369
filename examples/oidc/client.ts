/**
 * An application whose users log in at the provider: it sends the browser there, checks who came back, reads what it may
 * know of them, and logs them out. It plays the browser too, and exits with 1 if anything is not so.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeSigningKeys from "fastmcp-effect/node/NodeSigningKeys"
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { createServer } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import * as oauth from "oauth4webapi"
import { application, serve } from "./server.ts"

const redirectUri = "http://127.0.0.1:4000/callback"
const [goodbyeUri] = application.postLogoutRedirectUris as [string]
const client: oauth.Client = { client_id: application.id }
const options = { [oauth.allowInsecureRequests]: true }

// ----------------------------------------------------------------------------
// the browser
// ----------------------------------------------------------------------------

const cookies = new Map<string, string>()

const get = async (url: string, body?: URLSearchParams) => {
  const response = await fetch(url, {
    ...(body === undefined ? undefined : { method: "POST", body }),
    headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
    redirect: "manual"
  })
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
    cookies.set(name!, value!)
  }
  return response
}

/** Goes there, and presses a button of the page that comes; where it is sent in the end. */
const visit = async (url: string, decision: string): Promise<URL> => {
  const page = await get(url)
  const sent = page.headers.get("location")
  if (sent !== null) return new URL(sent)
  const html = await page.text()
  const [, action] = /action="([^"]*)"/.exec(html)!
  const [, csrf] = /name="csrf" value="([^"]*)"/.exec(html)!
  const answer = await get(action!.replaceAll("&#38;", "&"), new URLSearchParams({ csrf: csrf!, decision }))
  return new URL(answer.headers.get("location") ?? answer.headers.get("refresh")!.replace("0;url=", ""))
}

// ----------------------------------------------------------------------------
// the application
// ----------------------------------------------------------------------------

const use = async (issuer: URL) => {
  const provider = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))

  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const authorize = new URL(provider.authorization_endpoint!)
  authorize.search = String(
    new URLSearchParams({
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: redirectUri,
      scope: "openid profile work",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce
    })
  )
  const callback = oauth.validateAuthResponse(provider, client, await visit(authorize.href, "allow"), state)

  const response = await oauth.authorizationCodeGrantRequest(
    provider,
    client,
    oauth.None(),
    callback,
    redirectUri,
    verifier,
    options
  )
  const tokens = await oauth.processAuthorizationCodeResponse(provider, client, response, {
    expectedNonce: nonce,
    requireIdToken: true
  })
  await oauth.validateApplicationLevelSignature(provider, response, options)
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)!
  assert.equal(sub, "anna")
  console.log(`${sub} has logged in`)

  const info = await oauth.processUserInfoResponse(
    provider,
    client,
    sub,
    await oauth.userInfoRequest(provider, client, tokens.access_token, options)
  )
  assert.deepEqual(info, { sub, name: "Anna Example", department: "Letters" })
  console.log(`who is ${info.name}, of ${String(info["department"])}`)

  const logout = new URL(provider.end_session_endpoint!)
  logout.search = String(
    new URLSearchParams({ id_token_hint: tokens.id_token!, post_logout_redirect_uri: goodbyeUri, state })
  )
  assert.equal((await visit(logout.href, "logout")).href, `${goodbyeUri}?state=${state}`)
  authorize.searchParams.set("prompt", "none")
  assert.equal((await visit(authorize.href, "allow")).searchParams.get("error"), "login_required")
  console.log("and has logged out")
}

// ----------------------------------------------------------------------------
// all of it
// ----------------------------------------------------------------------------

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "oidc-"))

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { readonly port: number }
    probe.close(() => resume(Effect.succeed(port)))
  })
})

const story = Effect.gen(function*() {
  const keysFile = path.join(directory, "keys.json")
  yield* NodeSigningKeys.make(keysFile, { algorithm: "RS256" })
  const port = yield* freePort
  yield* Layer.build(serve(port, keysFile))
  yield* Effect.promise(() => use(new URL(`http://127.0.0.1:${port}`)))
})

await Effect.runPromise(Effect.scoped(story)).finally(() => fs.rmSync(directory, { recursive: true }))
