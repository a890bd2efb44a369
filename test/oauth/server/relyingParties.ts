/** What certified relying parties must be able to do with an authorization server, and what their refusals must be. */
import * as jose from "jose"
import * as oauth from "oauth4webapi"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Client, Engine, Person, Running, Setup } from "./engine.ts"
import { relyingParty as oauth4webapi } from "./oauth4webapi.ts"
import { relyingParty as openidClient } from "./openidClient.ts"
import type { Checks, Parameters, RelyingParty, Session, Tokens } from "./relyingParty.ts"

const redirect_uri = "http://127.0.0.1:4711/callback"

const notes = "https://notes.example/mcp"
const mail = "https://mail.example/mcp"

const lasts = 240

const device_code = "urn:ietf:params:oauth:grant-type:device_code"

const redirect_uris = [redirect_uri]
const grant_types = ["authorization_code", "refresh_token", device_code]

const desktop: Client = { client_id: "desktop", redirect_uris, grant_types, token_endpoint_auth_method: "none" }

const website: Client = {
  client_id: "website",
  client_secret: "a secret of the website's: 100%+",
  redirect_uris,
  post_logout_redirect_uris: ["http://127.0.0.1:4711/bye"],
  grant_types,
  token_endpoint_auth_method: "client_secret_basic"
}

const banking: Client = { ...website, client_id: "banking", id_token_signed_response_alg: "ES256" }

const nightly = (token_endpoint_auth_method: string): Client => ({
  client_id: `nightly_${token_endpoint_auth_method}`,
  grant_types: ["client_credentials"],
  token_endpoint_auth_method,
  ...token_endpoint_auth_method === "private_key_jwt"
    ? {}
    : { client_secret: "a secret of the nightly job's, long enough" }
})

const methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]

const setup = (jwk: object): Setup => ({
  clients: [
    desktop,
    website,
    banking,
    ...methods.map(nightly).map((client) =>
      client.client_secret === undefined ? { ...client, jwks: { keys: [jwk] } } : client
    )
  ],
  resources: [
    { uri: notes, scopes: ["notes:read", "notes:write"] },
    { uri: mail, scopes: ["mail:read"] }
  ],
  lasts
})

/** The OAuth error that a request ends with. */
const refusal = (request: Promise<unknown>): Promise<string> =>
  request.then(
    (answer) => assert.fail(`it was accepted: ${JSON.stringify(answer)}`),
    (error: { readonly error?: string }) => error.error ?? Promise.reject(error as unknown as Error)
  )

interface Asked {
  readonly parameters: Parameters
  readonly checks: Checks
}

const asked = async (more: Parameters, checks: Partial<Checks> = {}): Promise<Asked> => {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  return {
    checks: { verifier, state, ...checks },
    parameters: {
      redirect_uri,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...more
    }
  }
}

const letIn = async (
  session: Session,
  person: Person,
  more: Parameters,
  given: Partial<Checks> = {}
): Promise<Tokens> => {
  const { checks, parameters } = await asked(more, given)
  return session.code(await person.visit(await session.authorizationUrl(parameters)), checks)
}

/** Of an access token, once it is proven to be one of this server's, for `resource`, after RFC 9068. */
const accessTokenClaims = (session: Session, token: string, resource: string) =>
  oauth.validateJwtAccessToken(
    session.metadata,
    new Request(resource, { headers: { authorization: `Bearer ${token}` } }),
    resource,
    { [oauth.allowInsecureRequests]: true }
  )

const oauthFlows = (
  { introspects, lacks = [] }: Engine,
  party: RelyingParty,
  running: () => Running,
  key: () => oauth.CryptoKey
) => {
  const connect = (client: Client) =>
    party.connect(
      running().issuer,
      client,
      client.token_endpoint_auth_method === "private_key_jwt" ? { openid: false, key: key() } : { openid: false }
    )

  it("a code with PKCE becomes a token for the resource that was asked for", async () => {
    for (const client of [desktop, website]) {
      const session = await connect(client)
      const tokens = await letIn(session, running().person(), { scope: "mail:read", resource: mail })
      assert.strictEqual(tokens.token_type, "bearer")
      assert.strictEqual(tokens.expires_in, lasts)
      const claims = await accessTokenClaims(session, tokens.access_token, mail)
      assert.deepInclude(claims, { client_id: client.client_id, scope: "mail:read" })
      assert.strictEqual(claims.exp - claims.iat, lasts)
    }
  })

  it("a token is for the first resource where a request names none", async () => {
    const session = await connect(desktop)
    const { access_token } = await letIn(session, running().person(), { scope: "notes:read notes:write" })
    const claims = await accessTokenClaims(session, access_token, notes)
    assert.strictEqual(claims.scope, "notes:read notes:write")
  })

  it("every answer at the redirect URI names the issuer, and a person may say no", async () => {
    const session = await connect(desktop)
    assert.isTrue(session.metadata.authorization_response_iss_parameter_supported)
    // Asked again by a server that remembers what was said before, in another browser.
    const { checks, parameters } = await asked({ scope: "notes:read", resource: notes, prompt: "consent" })
    const url = await session.authorizationUrl(parameters)
    for (const go of ["visit", "refuse"] as const) {
      const callback = await running().person()[go](url)
      assert.strictEqual(callback.searchParams.get("iss"), running().issuer)
      assert.strictEqual(callback.searchParams.get("state"), checks.state)
      if (go === "refuse") assert.strictEqual(await refusal(session.code(callback, checks)), "access_denied")
    }
  })

  it("a loopback redirect comes back to the port that was asked for", async () => {
    const session = await connect(desktop)
    const tokens = await letIn(session, running().person(), {
      redirect_uri: "http://127.0.0.1:61234/callback",
      scope: "notes:read"
    })
    assert.isString(tokens.access_token)
  })

  it("a refresh token is renewed at each use, and one used again ends its whole family", async () => {
    const session = await connect(desktop)
    const first = await letIn(session, running().person(), { scope: "notes:read notes:write", resource: notes })
    const second = await session.refresh(first.refresh_token!, {})
    assert.notStrictEqual(second.refresh_token, first.refresh_token)
    const claims = await accessTokenClaims(session, second.access_token, notes)
    assert.strictEqual(claims.scope, "notes:read notes:write")
    assert.strictEqual(await refusal(session.refresh(first.refresh_token!, {})), "invalid_grant")
    assert.strictEqual(await refusal(session.refresh(second.refresh_token!, {})), "invalid_grant")
  })

  it("a refresh may ask for fewer scopes", async () => {
    const session = await connect(website)
    const first = await letIn(session, running().person(), { scope: "notes:read notes:write", resource: notes })
    const { access_token } = await session.refresh(first.refresh_token!, { scope: "notes:read" })
    assert.strictEqual((await accessTokenClaims(session, access_token, notes)).scope, "notes:read")
  })

  it.each(methods)("client credentials with %s", async (method) => {
    const session = await connect(nightly(method))
    const tokens = await session.clientCredentials({ scope: "mail:read", resource: mail })
    const claims = await accessTokenClaims(session, tokens.access_token, mail)
    assert.deepInclude(claims, { client_id: nightly(method).client_id, scope: "mail:read" })
    assert.isUndefined(tokens.refresh_token)
  })

  it.skipIf(lacks.includes("device"))(
    "a device gets its tokens when a person typed its code, and is told when they say no",
    async () => {
      const session = await connect(desktop)
      const typed = await session.device({ scope: "notes:read", resource: notes })
      await running().person().visit(typed.verification_uri, { user_code: typed.user_code })
      const tokens = await session.deviceTokens(typed)
      assert.strictEqual((await accessTokenClaims(session, tokens.access_token, notes)).scope, "notes:read")
      assert.strictEqual(await refusal(session.deviceTokens(typed)), "invalid_grant")

      const scanned = await session.device({ scope: "notes:read", resource: notes })
      await running().person().refuse(scanned.verification_uri_complete!)
      assert.strictEqual(await refusal(session.deviceTokens(scanned)), "access_denied")
    }
  )

  it("a request that was pushed goes on like any other", async () => {
    for (const client of [desktop, website]) {
      const session = await connect(client)
      const { checks, parameters } = await asked({ scope: "mail:read", resource: mail })
      const callback = await running().person().visit(await session.pushed(parameters))
      const tokens = await session.code(callback, checks)
      assert.strictEqual((await accessTokenClaims(session, tokens.access_token, mail)).scope, "mail:read")
    }
  })

  it("introspection knows a token until it is revoked", async () => {
    const session = await connect(website)
    const tokens = await letIn(session, running().person(), { scope: "notes:read", resource: notes })
    const { access_token, refresh_token } = tokens
    if (introspects === "every token") {
      assert.deepInclude(await session.introspect(access_token), { active: true, client_id: "website", aud: notes })
      await session.revoke(access_token)
      assert.deepStrictEqual(await session.introspect(access_token), { active: false })
    }
    assert.deepInclude(await session.introspect(refresh_token!), { active: true, client_id: "website" })
    await session.revoke(refresh_token!)
    assert.deepStrictEqual(await session.introspect(refresh_token!), { active: false })
    assert.deepStrictEqual(await session.introspect("never seen"), { active: false })
    assert.strictEqual(await refusal(session.refresh(refresh_token!, {})), "invalid_grant")
  })

  it("revocation knows no difference between a token and none", async () => {
    const session = await connect(desktop)
    const { refresh_token } = await letIn(session, running().person(), { scope: "notes:read", resource: notes })
    await session.revoke(refresh_token!)
    await session.revoke(refresh_token!)
    await session.revoke("never seen")
    assert.strictEqual(await refusal(session.refresh(refresh_token!, {})), "invalid_grant")
  })
}

const dpopFlows = (party: RelyingParty, running: () => Running, openid: boolean) => {
  const bound = async (session: Session, dpop: oauth.DPoPHandle, begin: "authorizationUrl" | "pushed") => {
    const { checks, parameters } = await asked({ scope: "notes:read", resource: notes })
    const callback = await running().person().visit(await session[begin](parameters, dpop))
    return { callback, checks }
  }

  it("DPoP binds the access token and the refresh token of a public client to its key", async () => {
    const session = await party.connect(running().issuer, desktop, { openid })
    const keys = await oauth.generateKeyPair("ES256")
    const dpop = session.dpop(keys)
    const jkt = await jose.calculateJwkThumbprint(await jose.exportJWK(keys.publicKey))
    const { callback, checks } = await bound(session, dpop, "authorizationUrl")
    const first = await session.code(callback, checks, dpop)
    const second = await session.refresh(first.refresh_token!, {}, dpop)
    for (const { access_token, token_type } of [first, second]) {
      assert.strictEqual(token_type, "dpop")
      assert.deepStrictEqual(jose.decodeJwt(access_token).cnf, { jkt })
    }
    const another = session.dpop(await oauth.generateKeyPair("ES256"))
    assert.include(
      ["invalid_grant", "invalid_dpop_proof"],
      await refusal(session.refresh(second.refresh_token!, {}, another))
    )
    assert.include(["invalid_grant", "invalid_dpop_proof"], await refusal(session.refresh(second.refresh_token!, {})))
  })

  it("DPoP at the pushed request binds the code as well", async () => {
    const session = await party.connect(running().issuer, desktop, { openid })
    const dpop = session.dpop(await oauth.generateKeyPair("ES256"))
    const another = session.dpop(await oauth.generateKeyPair("ES256"))
    const right = await bound(session, dpop, "pushed")
    assert.strictEqual((await session.code(right.callback, right.checks, dpop)).token_type, "dpop")
    const wrong = await bound(session, dpop, "pushed")
    assert.include(
      ["invalid_grant", "invalid_dpop_proof"],
      await refusal(session.code(wrong.callback, wrong.checks, another))
    )
  })
}

const openidFlows = (party: RelyingParty, running: () => Running) => {
  const connect = (client: Client) => party.connect(running().issuer, client, { openid: true })

  it("both documents of discovery say the same, and only what is true", async () => {
    const [oidc, oauth2] = await Promise.all(
      [true, false].map(async (openid) => (await party.connect(running().issuer, website, { openid })).metadata)
    )
    assert.strictEqual(oidc!.issuer, running().issuer)
    assert.strictEqual(oidc!.token_endpoint, oauth2!.token_endpoint)
    assert.deepStrictEqual(oidc!.response_types_supported, ["code"])
    assert.deepStrictEqual(oidc!.code_challenge_methods_supported, ["S256"])
    assert.includeMembers([...oidc!.scopes_supported!], ["openid"])
    assert.includeMembers([...oidc!.id_token_signing_alg_values_supported as Array<string>], ["RS256", "ES256"])
    assert.includeMembers([...oidc!.subject_types_supported as Array<string>], ["public"])
  })

  it("an id_token is signed as the client registered, and carries the nonce of the request", async () => {
    for (const [client, alg] of [[website, "RS256"], [banking, "ES256"]] as const) {
      const nonce = oauth.generateRandomNonce()
      const { claims, id_token } = await letIn(
        await connect(client),
        running().person(),
        { scope: "openid", nonce },
        { nonce }
      )
      assert.deepInclude(claims, { iss: running().issuer, aud: client.client_id, nonce })
      assert.strictEqual(jose.decodeProtectedHeader(id_token!).alg, alg)
    }
  })

  it("there is no id_token where openid was not asked for", async () => {
    const { claims } = await letIn(await connect(website), running().person(), { scope: "notes:read" })
    assert.isUndefined(claims)
  })

  it("max_age is answered with the time of the login, and 0 asks for another login", async () => {
    const session = await connect(website)
    const person = running().person()
    const before = Math.floor(Date.now() / 1000)
    for (const maxAge of [600, 0]) {
      const { claims } = await letIn(session, person, { scope: "openid", max_age: String(maxAge) }, { maxAge })
      assert.isAtLeast(claims!.auth_time!, before)
    }
    const asksForPassword = async (max_age: string) => {
      const { parameters } = await asked({ scope: "openid", max_age })
      const { page } = await person.look(await session.authorizationUrl(parameters))
      return page?.includes("type=\"password\"") ?? false
    }
    assert.isTrue(await asksForPassword("0"))
    assert.isFalse(await asksForPassword("600"))
  })

  it("userinfo is of the subject of the id_token", async () => {
    const session = await connect(website)
    const { access_token, claims } = await letIn(session, running().person(), { scope: "openid" })
    assert.strictEqual((await session.userinfo(access_token, claims!.sub)).sub, claims!.sub)
  })

  it("userinfo takes a bound token with its proof", async () => {
    const session = await connect(desktop)
    const dpop = session.dpop(await oauth.generateKeyPair("ES256"))
    const { checks, parameters } = await asked({ scope: "openid" })
    const callback = await running().person().visit(await session.authorizationUrl(parameters))
    const { access_token, claims } = await session.code(callback, checks, dpop)
    assert.strictEqual((await session.userinfo(access_token, claims!.sub, dpop)).sub, claims!.sub)
  })

  it("a refresh brings an id_token of the same subject and the same login", async () => {
    const session = await connect(website)
    const parameters = { scope: "openid offline_access notes:read", resource: notes, prompt: "consent" }
    const first = await letIn(session, running().person(), parameters)
    const { claims } = await session.refresh(first.refresh_token!, {})
    assert.strictEqual(claims!.sub, first.claims!.sub)
    assert.strictEqual(claims!.auth_time, first.claims!.auth_time)
  })

  it("prompt=none shows nothing, and says that a login is needed", async () => {
    const session = await connect(website)
    const { checks, parameters } = await asked({ scope: "openid", prompt: "none" })
    const callback = await running().person().visit(await session.authorizationUrl(parameters))
    assert.strictEqual(await refusal(session.code(callback, checks)), "login_required")
  })

  it("a logout comes back to the client, and the person has to log in again", async () => {
    const session = await connect(website)
    const person = running().person()
    const { id_token } = await letIn(session, person, { scope: "openid" })
    const back = await person.visit(session.logoutUrl({
      id_token_hint: id_token!,
      post_logout_redirect_uri: website.post_logout_redirect_uris![0]!,
      state: "see you"
    }))
    assert.strictEqual(back.href, "http://127.0.0.1:4711/bye?state=see+you")
    const { checks, parameters } = await asked({ scope: "openid", prompt: "none" })
    const callback = await person.visit(await session.authorizationUrl(parameters))
    assert.strictEqual(await refusal(session.code(callback, checks)), "login_required")
  })

  it("a client that registered itself can let somebody in", async () => {
    for (const token_endpoint_auth_method of ["none", "client_secret_basic", "client_secret_post"]) {
      const client = await party.register(running().issuer, {
        client_name: "made just now",
        redirect_uris,
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method
      })
      const tokens = await letIn(await connect(client), running().person(), { scope: "notes:read", resource: notes })
      assert.isString(tokens.refresh_token)
    }
  })
}

export const suite = (engine: Engine): void => {
  const { lacks = [] } = engine
  let plain: Running
  let full: Running
  let key: oauth.CryptoKey

  beforeAll(async () => {
    const pair = await oauth.generateKeyPair("ES256")
    key = pair.privateKey
    const basic = setup({ ...await jose.exportJWK(pair.publicKey), alg: "ES256", use: "sig" })
    plain = await engine.start(basic)
    if (lacks.includes("openid")) return
    full = await engine.start({ ...basic, openid: true, dynamicRegistration: true, dpopNonce: true })
  })
  afterAll(async () => {
    await plain?.close()
    await full?.close()
  })

  describe.each([openidClient, oauth4webapi])("$name finds at an authorization server that", (party) => {
    oauthFlows(engine, party, () => plain, () => key)
    if (!lacks.includes("dpop")) dpopFlows(party, () => plain, false)
  })
  if (lacks.includes("openid")) return
  describe.each([openidClient, oauth4webapi])("$name finds at an OpenID provider with nonces that", (party) => {
    if (!lacks.includes("dpop")) dpopFlows(party, () => full, true)
    openidFlows(party, () => full)
  })
}
