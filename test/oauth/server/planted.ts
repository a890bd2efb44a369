/** Everything that people and programs do with an authorization server, and all secrets that come up on the way. */
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as jose from "jose"
import { createHash, randomUUID } from "node:crypto"
import { assertUnheard } from "../../support/overheard.ts"
import * as devices from "./devices.ts"
import { type Key, makeKey, prove } from "./proofs.ts"
import * as world from "./world.ts"

// ----------------------------------------------------------------------------
// what is planted
// ----------------------------------------------------------------------------

export const password = "Pl4nted:P4ssword/ü+ horse"
export const wrongPassword = "Pl4ntedWr0ngP4ssword"
export const clientSecret = "Pl4nted:Cl1ent/S3cret+ü, of more than 32 characters"
export const wrongSecret = "Pl4ntedWr0ngCl1entS3cret"
export const nonceSecret = "Pl4ntedN0nceS3cret, of more than 32 characters"
const verifier = "Pl4ntedV3rifier".padEnd(43, "~")
const wrongVerifier = "Pl4ntedWr0ngV3rifier".padEnd(43, "~")
/** What a client keeps its own login by. The server has to give it back, so the store has it. */
export const state = "Pl4ntedSt4te of the client"

export interface Place {
  readonly planted: Set<string>
  /** Secrets that their owner has to see: what the user of a device compares, for as long as they log in. */
  readonly shown: Set<string>
  /** What a store was given, and what is in it. */
  readonly stored: Array<string>
  /** What happened, as the server tells. */
  readonly events: Array<string>
  /** All that is in the place of the store, as text. */
  readonly dump: Effect.Effect<string>
}

export const makePlace = (dump: Effect.Effect<string> = Effect.succeed("")): Place => ({
  planted: new Set([password, wrongPassword, clientSecret, wrongSecret, nonceSecret, verifier, wrongVerifier, state]),
  shown: new Set([state]),
  stored: [],
  events: [],
  dump
})

/** Of a JWT all but the first part, which is the same for many. */
const plant = ({ planted }: Place, ...secrets: ReadonlyArray<unknown>): void => {
  for (const secret of secrets) {
    if (typeof secret !== "string") continue
    for (const part of secret.startsWith("eyJ") ? secret.split(".").slice(1) : [secret]) {
      if (part.length > 5) planted.add(part)
    }
  }
}

const plantUserCode = (place: Place, code: unknown): void => {
  if (typeof code !== "string") return
  plant(place, code, code.replace("-", ""))
  place.shown.add(code)
}

// ----------------------------------------------------------------------------
// who
// ----------------------------------------------------------------------------

export const signer = "signer"
export const signingKey: Promise<Key> = makeKey()
const otherKey = makeKey()
const proofKey = makeKey()

const privatePart = async (key: Promise<Key>) => (await jose.exportJWK((await key).privateKey)).d

const basic = (id: string, secret: string) => {
  const [user, pass] = [id, secret].map((half) => new URLSearchParams([["", half]]).toString().slice(1))
  return { authorization: `Basic ${btoa(`${user}:${pass}`)}` }
}

const assertion = (key: Promise<Key>, client: string) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.promise(async () => {
      const { alg, privateKey } = await key
      return new jose.SignJWT({})
        .setProtectedHeader({ alg })
        .setIssuer(client)
        .setSubject(client)
        .setAudience(world.issuer)
        .setJti(randomUUID())
        .setExpirationTime(now / 1000 + 60)
        .sign(privateKey)
    }))

/** A form, and a client that signs for it. */
const signed = (place: Place, key: Promise<Key>, form: Readonly<Record<string, string>>, client = signer) =>
  Effect.map(assertion(key, client), (client_assertion) => {
    plant(place, client_assertion)
    return {
      form: {
        ...form,
        client_assertion,
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
      }
    }
  })

// ----------------------------------------------------------------------------
// what comes back
// ----------------------------------------------------------------------------

const own = [
  "access_token",
  "refresh_token",
  "id_token",
  "device_code",
  "client_secret",
  "request_uri",
  "registration_access_token"
]

/** Where the browser goes, by itself or by a link. */
const onwards = ({ headers, location }: world.Answer): URL | undefined => {
  const refresh = headers.get("refresh")?.replace(/^0;url=/u, "")
  return refresh === undefined ? location : new URL(refresh)
}

/**
 * What nobody but the one who asks may learn from an answer: cookies of their browser, and what the forms of their pages
 * carry back.
 */
const textOf = (answer: world.Answer): string => {
  const headers = [...answer.headers].filter(([name]) => name !== "set-cookie")
  const text = answer.text
    .replace(/name="csrf" value="[^"]*"/gu, "")
    .replace(/<form method="post" action="[^"]*"/gu, "")
    .replace(/name="user_code" value="[^"]*"/gu, "")
    .replace(/the device that shows [A-Z]{4}-[A-Z]{4}/gu, "")
  return [answer.status, ...headers.flat(), text].join("\n")
}

const secretsIn = (place: Place, answer: world.Answer): void => {
  const { json, text } = answer
  plant(place, ...own.map((name) => json?.[name]), json?.request_uri?.split(":").at(-1))
  plantUserCode(place, json?.user_code)
  plant(place, onwards(answer)?.searchParams.get("code"))
  const form = /<form method="post" action="([^"]+)"/u.exec(text)?.[1]
  plant(place, /name="csrf" value="([^"]+)"/u.exec(text)?.[1], /\/interaction\/([^"?]+)/u.exec(form ?? "")?.[1])
}

/** Whoever asks, and sees in an answer nothing secret but what is given to them in it. */
const visitor = (place: Place): Effect.Effect<world.Caller, never, AuthorizationServer.AuthorizationServer> =>
  Effect.map(world.caller, ({ cookies, send }) => ({
    cookies,
    send: (path, sent) =>
      Effect.gen(function*() {
        const answer = yield* send(path, sent)
        const isForClient = onwards(answer)?.href.startsWith(world.redirectUri) === true
        assertUnheard([textOf(answer)], [...place.planted].filter((secret) => !(isForClient && secret === state)))
        secretsIn(place, answer)
        plant(place, ...cookies.values())
        place.stored.push(yield* place.dump)
        return answer
      })
  }))

// ----------------------------------------------------------------------------
// the walk
// ----------------------------------------------------------------------------

const challenge = createHash("sha256").update(verifier).digest("base64url")

const asks = (own: Readonly<Record<string, string | undefined>> = {}) =>
  world.authorizePath({ client_id: "backend", scope: "openid notes:read", code_challenge: challenge, state, ...own })

const post = (browser: world.Caller, page: world.Answer, fields: Readonly<Record<string, string>>) => {
  const { action, csrf } = devices.formOf(page)
  return browser.send(action.replaceAll("&#38;", "&"), { form: { csrf, ...fields } })
}

const codeIn = (answer: world.Answer) => onwards(answer)!.searchParams.get("code")!

const backend = basic("backend", clientSecret)

const login = (browser: world.Caller, own?: Readonly<Record<string, string | undefined>>) =>
  Effect.gen(function*() {
    const page = yield* browser.send(asks(own))
    const wrong = yield* post(browser, page, { username: "anna", password: wrongPassword })
    assert.strictEqual(wrong.status, 403)
    return yield* post(browser, wrong, { username: "anna", password })
  })

const exchanging = (code: string, own: Readonly<Record<string, string>> = {}) => ({
  ...world.exchange(code, { client_id: "backend", code_verifier: verifier, ...own }),
  headers: backend
})

const refreshing = (refresh_token: string) => ({
  form: { grant_type: "refresh_token", refresh_token },
  headers: backend
})

const expect = (answer: world.Answer, status: number, error?: string) =>
  assert.deepStrictEqual([answer.status, answer.json?.error], [status, error], answer.text)

/** In, on, and out again. */
const person = (place: Place) =>
  Effect.gen(function*() {
    const [browser, program] = [yield* visitor(place), yield* visitor(place)]
    const consent = yield* login(browser)
    assert.include(consent.text, "Allow access?")
    const code = codeIn(yield* post(browser, consent, { decision: "allow" }))
    expect(yield* program.send("/token", exchanging(code, { code_verifier: wrongVerifier })), 400, "invalid_grant")
    const wrong = { ...exchanging(code), headers: basic("backend", wrongSecret) }
    expect(yield* program.send("/token", wrong), 401, "invalid_client")
    const { json: first } = yield* program.send("/token", exchanging(code))
    const { json: second } = yield* program.send("/token", refreshing(first.refresh_token))
    const ask = (token: string) => program.send("/introspect", { form: { token }, headers: backend })
    assert.isTrue((yield* ask(second.access_token)).json.active)
    assert.isTrue((yield* ask(second.refresh_token)).json.active)
    const bearer = { authorization: `Bearer ${second.access_token}` }
    assert.strictEqual((yield* program.send("/userinfo", { headers: bearer })).status, 200)
    const { check } = yield* AuthorizationServer.AuthorizationServer
    yield* Effect.log(yield* Effect.exit(check(Redacted.make(second.access_token))))
    // Both come a second time.
    expect(yield* program.send("/token", refreshing(first.refresh_token)), 400, "invalid_grant")
    expect(yield* program.send("/token", exchanging(code)), 400, "invalid_grant")
    expect(yield* program.send("/userinfo", { headers: bearer }), 401, "invalid_token")
    // Somebody who is logged in, and has said yes: nothing but redirects.
    const again = yield* browser.send(asks())
    assert.strictEqual(again.status, 303)
    const { json: third } = yield* program.send("/token", exchanging(codeIn(again)))
    yield* program.send("/revoke", { form: { token: third.access_token }, headers: backend })
    yield* program.send("/revoke", { form: { token: third.refresh_token }, headers: backend })
    assert.isFalse((yield* ask(third.access_token)).json.active)
    const goodbye = new URLSearchParams({
      id_token_hint: third.id_token,
      post_logout_redirect_uri: world.redirectUri,
      state
    })
    const leaving = yield* browser.send(`/logout?${goodbye}`)
    plant(place, ...browser.cookies.values())
    yield* post(browser, leaving, { decision: "logout" })
    const refused = yield* login(browser, { prompt: "login consent" })
    yield* post(browser, refused, { decision: "deny" })
  })

/** Programs that have a key, or come without any. */
const programs = (place: Place) =>
  Effect.gen(function*() {
    const [browser, program] = [yield* visitor(place), yield* visitor(place)]
    plant(place, ...yield* Effect.promise(() => Promise.all([signingKey, otherKey, proofKey].map(privatePart))))
    const form = Object.fromEntries(new URLSearchParams(asks({ client_id: signer }).split("?")[1]))
    expect(yield* program.send("/par", yield* signed(place, otherKey, form)), 401, "invalid_client")
    const once = yield* signed(place, signingKey, form)
    const { json: pushed } = yield* program.send("/par", once)
    expect(yield* program.send("/par", once), 401, "invalid_client")
    yield* login(browser, { ...none(form), client_id: signer, request_uri: pushed.request_uri })
    yield* browser.send(`/authorize?${new URLSearchParams({ client_id: signer, request_uri: pushed.request_uri })}`)

    const { json: registered } = yield* program.send("/register", {
      json: { redirect_uris: [world.redirectUri], client_name: "New", scope: "openid notes:read" }
    })
    const shows = (secret: string) => ({
      form: { ...form, client_id: registered.client_id },
      headers: basic(registered.client_id, secret)
    })
    assert.strictEqual((yield* program.send("/par", shows(registered.client_secret))).status, 201)
    expect(yield* program.send("/par", shows(wrongSecret)), 401, "invalid_client")

    const key = yield* Effect.promise(() => proofKey)
    const grant = { form: { grant_type: "client_credentials", scope: "notes:read" }, headers: backend }
    const proven = (claims = {}) =>
      Effect.map(Effect.tap(prove(key, { claims }), (dpop) => Effect.sync(() => plant(place, dpop))), (dpop) => ({
        ...grant,
        headers: { ...backend, dpop }
      }))
    const refused = yield* program.send("/token", yield* proven())
    expect(refused, 400, "use_dpop_nonce")
    const nonce = refused.headers.get("dpop-nonce")
    const bound = yield* program.send("/token", yield* proven({ nonce }))
    assert.strictEqual(bound.json.token_type, "DPoP")
    expect(yield* program.send("/token", yield* proven({ nonce, htm: "GET" })), 400, "invalid_dpop_proof")
  })

const none = (form: object) => Object.fromEntries(Object.keys(form).map((name) => [name, undefined]))

const device = (place: Place) =>
  Effect.gen(function*() {
    const [browser, program] = [yield* visitor(place), yield* visitor(place)]
    const { json } = yield* devices.begin(program)
    expect(yield* program.send("/token", devices.asking(json.device_code)), 400, "authorization_pending")
    yield* browser.send(json.verification_uri_complete)
    const page = yield* devices.type(browser, json.user_code)
    const consent = yield* post(browser, page, { username: "anna", password })
    yield* post(browser, consent, { decision: "allow" })
    assert.strictEqual((yield* program.send("/token", devices.asking(json.device_code))).status, 200)
    expect(yield* program.send("/token", devices.asking(json.device_code)), 400, "invalid_grant")
    const { json: other } = yield* devices.begin(program)
    const typed = yield* devices.type(browser, other.user_code)
    yield* post(browser, typed, { decision: "deny" })
    expect(yield* program.send("/token", devices.asking(other.device_code)), 400, "access_denied")
  })

/** Secrets where they do not belong. */
const mistakes = (place: Place) =>
  Effect.gen(function*() {
    const anybody = yield* visitor(place)
    const all = { client_secret: clientSecret, password, code_verifier: verifier, refresh_token: "Pl4ntedR3fresh" }
    plant(place, all.refresh_token)
    const query = new URLSearchParams(all)
    for (const path of ["/token", "/par", "/introspect", "/revoke", "/authorize", "/device", "/logout", "/nowhere"]) {
      yield* anybody.send(`${path}?${query}`)
      yield* anybody.send(path, { form: query })
      yield* anybody.send(path, { form: new URLSearchParams([...query, ...query]) })
      yield* anybody.send(path, { json: all })
    }
    for (const [name, value] of Object.entries(all)) {
      for (const field of ["grant_type", "code", "scope", "resource", "token", "request_uri", "redirect_uri"]) {
        yield* anybody.send("/token", { form: { ...grant(field), [field]: value, state: name } })
        yield* anybody.send(asks({ client_id: "app", state: undefined, [field]: value }))
      }
    }
    for (const text of [`{"client_secret":"${clientSecret}"`, JSON.stringify(clientSecret), JSON.stringify([all])]) {
      yield* anybody.send("/register", { headers: { "content-type": "application/json" }, text })
    }
    yield* anybody.send("/register", {
      json: { ...all, redirect_uris: [password], token_endpoint_auth_method: password }
    })
    yield* anybody.send("/userinfo", { headers: { authorization: `Bearer ${password}` } })
    for (const authorization of [`Basic ${clientSecret}`, `Basic ${btoa("x")}`, `Bearer ${wrongSecret}`, wrongSecret]) {
      yield* anybody.send("/token", { form: {}, headers: { authorization: encodeURI(authorization) } })
    }
  })

/** Clients whose keys, or all of whom, are at another place. */
export const remote = (place: Place) =>
  Effect.gen(function*() {
    const anybody = yield* visitor(place)
    const form = Object.fromEntries(new URLSearchParams(asks({ client_id: "remote" }).split("?")[1]))
    yield* anybody.send("/par", yield* signed(place, signingKey, form, "remote"))
    yield* anybody.send(asks({ client_id: `https://remote.example/${encodeURIComponent(wrongSecret)}` }))
  })

const grant = (field: string) => ({
  client_id: "app",
  grant_type: field === "code" ? "authorization_code" : "refresh_token"
})

export const stages = { person, programs, device, mistakes }

/** With what the server tells of it. */
export const walk = (place: Place, stages: ReadonlyArray<(place: Place) => Walk>): Walk =>
  Effect.gen(function*() {
    const { events } = yield* AuthorizationServer.AuthorizationServer
    yield* Effect.forkScoped(
      Stream.runForEach(events, (event) => Effect.sync(() => place.events.push(JSON.stringify(event)))),
      { startImmediately: true }
    )
    for (const stage of stages) yield* stage(place)
    yield* Effect.yieldNow
  })

export type Walk = Effect.Effect<void, unknown, any>
