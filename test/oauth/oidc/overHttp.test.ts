/** An application that logs its users in, by a certified library, over HTTP. */
import { createRemoteJWKSet, jwtVerify } from "jose"
import * as oauth from "oauth4webapi"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Person, Running } from "../server/engine.ts"
import { engine } from "../server/ownEngine.ts"

const redirectUri = "https://app.example/callback"
const goodbyeUri = "https://app.example/goodbye"
const insecure = { [oauth.allowInsecureRequests]: true }
const client: oauth.Client = { client_id: "app" }

let running: Running
let as: oauth.AuthorizationServer

beforeAll(async () => {
  running = await engine.start({
    clients: [
      {
        client_id: "app",
        client_name: "App",
        redirect_uris: [redirectUri],
        post_logout_redirect_uris: [goodbyeUri],
        token_endpoint_auth_method: "none"
      },
      { client_id: "other", redirect_uris: [redirectUri], token_endpoint_auth_method: "none" }
    ],
    resources: [],
    openid: true
  })
  const issuer = new URL(running.issuer)
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
})

afterAll(() => running?.close())

const logIn = async (person: Person, own: Readonly<Record<string, string>> = {}) => {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const url = new URL(as.authorization_endpoint!)
  url.search = String(
    new URLSearchParams({
      response_type: "code",
      client_id: "app",
      redirect_uri: redirectUri,
      scope: "openid profile email",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
      ...own
    })
  )
  const params = oauth.validateAuthResponse(as, client, await person.visit(url.href), state)
  const redeem = (verifier: string) =>
    oauth.authorizationCodeGrantRequest(as, client, oauth.None(), params, redirectUri, verifier, insecure)
  return { nonce, verifier, redeem }
}

const tokensOf = async (person: Person) => {
  const { nonce, redeem, verifier } = await logIn(person)
  const response = await redeem(verifier)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true
  })
  await oauth.validateApplicationLevelSignature(as, response, insecure)
  return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens)! }
}

describe("an application", () => {
  it("finds the provider by its discovery document, and its keys by that", async () => {
    const response = await fetch(as.jwks_uri!)
    const { keys } = await response.json() as { readonly keys: ReadonlyArray<object> }
    assert.strictEqual(as.issuer, running.issuer)
    assert.strictEqual(keys.length, 2)
    for (const key of keys) assert.doesNotHaveAnyKeys(key, ["d", "p", "q", "k"])
  })

  it("gets an ID token that anybody can check with the published keys", async () => {
    const { tokens } = await tokensOf(running.person())
    const { payload, protectedHeader } = await jwtVerify(
      tokens.id_token!,
      createRemoteJWKSet(new URL(as.jwks_uri!)),
      { issuer: running.issuer, audience: "app" }
    )
    assert.strictEqual(payload.sub, "anna")
    assert.strictEqual(protectedHeader.alg, "RS256")
  })

  it("reads the claims of its scopes, of the same user, and no others", async () => {
    const { claims, tokens } = await tokensOf(running.person())
    const response = await oauth.userInfoRequest(as, client, tokens.access_token, insecure)
    const info = await oauth.processUserInfoResponse(as, client, claims.sub, response)
    assert.deepInclude(info, { sub: "anna", name: "Anna Example", email: "anna@example.com" })
    assert.doesNotHaveAnyKeys(info, ["phone_number", "address"])
  })

  it("gets the nonce of its own request, whatever else it sends with the code", async () => {
    const { redeem, verifier } = await logIn(running.person())
    const response = await redeem(verifier)
    const wrong = oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: "another" })
    assert.include(String(await wrong.catch((error: unknown) => error)), "nonce")
  })

  it("logs the user out, who comes back to it", async () => {
    const person = running.person()
    const { tokens } = await tokensOf(person)
    const url = new URL(as.end_session_endpoint!)
    url.search = String(
      new URLSearchParams({ id_token_hint: tokens.id_token!, post_logout_redirect_uri: goodbyeUri, state: "xyz" })
    )
    assert.strictEqual((await person.visit(url.href)).href, `${goodbyeUri}?state=xyz`)
    const again = await logIn(person, { prompt: "none" }).catch((error: unknown) => error)
    assert.instanceOf(again, oauth.AuthorizationResponseError)
    assert.strictEqual((again as oauth.AuthorizationResponseError).error, "login_required")
  })
})
