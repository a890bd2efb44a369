/** `oidc-provider` as our engine: the way to tokens and back, and that nothing is used twice. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
import type { AuthEvent } from "fastmcp-effect/oauth/server/AuthEvent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreSql from "fastmcp-effect/oauth/server/OAuthStoreSql"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { type Place, type Running, start } from "../oauth/server/nodeOidcProviderEngine.ts"
import * as person from "../oauth/server/person.ts"
import { authorizePath, backend, challenge, redirectUri, resource, secret, verifier } from "../oauth/server/world.ts"

const app = { id: "app", name: "App", redirectUris: [redirectUri] }

const options: Place["options"] = {
  resources: [{ uri: resource, scopes: ["notes:read", "notes:write"] }],
  clients: [app, backend]
}

const basic = { authorization: `Basic ${btoa(`backend:${encodeURIComponent(secret)}`)}` }

interface Answer {
  readonly status: number
  readonly json: any
}

const post = async (
  { issuer }: Running,
  at: string,
  form: Record<string, string>,
  headers: Record<string, string> = {}
): Promise<Answer> => {
  const response = await fetch(issuer + at, { method: "POST", body: new URLSearchParams(form), headers })
  const text = await response.text()
  return { status: response.status, json: text === "" ? undefined : JSON.parse(text) }
}

const codeOf = async ({ issuer }: Running, own?: Parameters<typeof authorizePath>[0]): Promise<string> => {
  const callback = await person.make(issuer).visit(issuer + authorizePath(own))
  return callback.searchParams.get("code") ?? assert.fail(callback.href)
}

const exchange = (running: Running, code: string, own: Record<string, string> = {}) =>
  post(running, "/token", {
    grant_type: "authorization_code",
    client_id: "app",
    redirect_uri: redirectUri,
    code_verifier: verifier,
    code,
    ...own
  })

const refresh = (running: Running, refresh_token: string) =>
  post(running, "/token", { grant_type: "refresh_token", client_id: "app", refresh_token })

const introspect = (running: Running, token: string) => post(running, "/introspect", { token }, basic)

const check = ({ server }: Running, token: string) => Effect.runPromise(server.check(Redacted.make(token)))

describe("NodeOidcProvider", () => {
  let running: Running

  beforeAll(async () => {
    running = await start({ options })
  })
  afterAll(() => running?.close())

  it("gives a code, tokens for it, and the next tokens", async () => {
    const first = await exchange(running, await codeOf(running))
    assert.deepInclude(first.json, { token_type: "Bearer", expires_in: 300, scope: "notes:read notes:write" })
    const second = await refresh(running, first.json.refresh_token)
    assert.strictEqual(second.status, 200)
    const claims = await check(running, second.json.access_token)
    assert.deepInclude(claims, { sub: "anna", aud: resource, client_id: "app", scope: "notes:read notes:write" })
    assert.strictEqual((await introspect(running, second.json.access_token)).json.active, true)
    const replayed = await refresh(running, first.json.refresh_token)
    assert.deepStrictEqual([replayed.status, replayed.json.error], [400, "invalid_grant"])
    for (const { json } of [first, second]) {
      assert.isUndefined(await check(running, json.access_token))
      assert.deepStrictEqual((await introspect(running, json.access_token)).json, { active: false })
    }
    assert.strictEqual((await refresh(running, second.json.refresh_token)).json.error, "invalid_grant")
  })

  it("takes back one access token, or a refresh token with all that belongs to it", async () => {
    const { json } = await exchange(running, await codeOf(running))
    const another = await post(running, "/revoke", { token: json.access_token }, basic)
    assert.strictEqual(another.status, 200)
    assert.isDefined(await check(running, json.access_token))
    await post(running, "/revoke", { token: json.access_token, client_id: "app" })
    assert.isUndefined(await check(running, json.access_token))
    const next = await refresh(running, json.refresh_token)
    assert.isDefined(await check(running, next.json.access_token))
    await post(running, "/revoke", { token: next.json.refresh_token, client_id: "app" })
    assert.isUndefined(await check(running, next.json.access_token))
    assert.strictEqual((await refresh(running, next.json.refresh_token)).json.error, "invalid_grant")
  })

  it("says nothing of a token to whom it is no business", async () => {
    const { json } = await exchange(running, await codeOf(running))
    const wrong = { authorization: `Basic ${btoa("backend:wrong")}` }
    assert.strictEqual((await post(running, "/introspect", { token: json.access_token }, wrong)).status, 401)
    const ofApp = await post(running, "/introspect", { token: json.access_token, client_id: "app" })
    assert.deepStrictEqual(ofApp.json, { active: false })
    assert.deepStrictEqual((await introspect(running, json.refresh_token)).json, { active: false })
  })

  it("gives all scopes of the first resource where none are named, and no token to nobody", async () => {
    const { json } = await exchange(running, await codeOf(running, { scope: undefined, resource: undefined }))
    assert.strictEqual(json.scope, "notes:read notes:write")
    const own = await post(running, "/token", { grant_type: "client_credentials" }, basic)
    const claims = await check(running, own.json.access_token)
    assert.deepInclude(claims, { sub: "client:backend", client_id: "backend", scope: "notes:read notes:write" })
    const callback = await person.make(running.issuer).visit(running.issuer + authorizePath({ scope: "nothing" }))
    assert.strictEqual(callback.searchParams.get("error"), "invalid_scope")
    assert.strictEqual(callback.searchParams.get("iss"), running.issuer)
  })

  it.each([
    ["without a challenge", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    ["with a plain challenge", { code_challenge: verifier, code_challenge_method: "plain" }, "invalid_request"],
    ["for a token", { response_type: "token" }, "invalid_request"],
    ["for a resource that is not known", { resource: "https://elsewhere.example" }, "invalid_target"]
  ])("refuses a request %s", async (_, own, error) => {
    const callback = await person.make(running.issuer).visit(running.issuer + authorizePath(own))
    const answer = callback.searchParams.get("error") ?? new URLSearchParams(callback.hash.slice(1)).get("error")
    assert.strictEqual(answer, error)
  })

  it("shows a page where a browser may be sent nowhere", async () => {
    const wrong = `${running.issuer}${authorizePath({ redirect_uri: "https://thief.example/" })}`
    const { page, status } = await person.make(running.issuer).look(wrong)
    assert.strictEqual(status, 400)
    assert.include(page!, "That did not work")
  })

  it("takes as many requests for users from one network as ours does", async () => {
    const other = await start({ options: { ...options, mostRequestsAMinute: 3 } })
    try {
      const statuses: Array<number> = []
      for (let i = 0; i < 5; i++) {
        const { status } = await fetch(other.issuer + authorizePath(), { redirect: "manual" })
        statuses.push(status)
      }
      assert.deepStrictEqual(statuses, [303, 303, 303, 429, 429])
    } finally {
      await other.close()
    }
  })

  it("lets nobody go on with a login that was begun in another browser", async () => {
    const [anna, thief] = [person.make(running.issuer), person.make(running.issuer)]
    const begun = await thief.fetch(running.issuer + authorizePath())
    const { page } = await anna.look(new URL(begun.headers.get("location")!, running.issuer).href)
    assert.include(page!, "This login has ended")
  })

  it("keeps what a login has kept, tells what happens, and ends grants on request", async () => {
    const login = Layer.succeed(UserLogin.UserLogin, {
      asksConsentFirst: false,
      isRemembered: false,
      step: () =>
        Effect.map(Clock.currentTimeMillis, (now) => ({
          _tag: "LoggedIn" as const,
          user: { subject: "berta", authenticatedAt: now, kept: "from elsewhere" }
        }))
    })
    const other = await start({ options, login })
    const seen: Array<AuthEvent> = []
    const listening = Effect.runFork(
      Stream.runForEach(other.server.events, (event) => Effect.sync(() => void seen.push(event)))
    )
    try {
      const { json } = await exchange(other, await codeOf(other))
      const claims = await check(other, json.access_token)
      assert.strictEqual(await Effect.runPromise(other.server.keptOf(claims!)), "from elsewhere")
      const issued = seen.find((event) => event._tag === "Issued")!
      assert.deepInclude(issued, { grantType: "authorization_code", clientId: "app", subject: "berta" })
      await Effect.runPromise(other.server.endGrant(issued.grantId!))
      assert.isUndefined(await check(other, json.access_token))
      assert.deepStrictEqual(seen.map(({ _tag }) => _tag), ["LoggedIn", "Issued", "Revoked"])
    } finally {
      await Effect.runPromise(Fiber.interrupt(listening))
      await other.close()
    }
  })

  it("is found below a path as RFC 8414 has it, and says what is so", async () => {
    const below = await start({ options: { ...options, registration: true }, path: "/auth" })
    try {
      const { origin } = new URL(below.issuer)
      const document: any = await (await fetch(`${origin}/.well-known/oauth-authorization-server/auth`)).json()
      assert.deepInclude(document, {
        issuer: below.issuer,
        token_endpoint: `${below.issuer}/token`,
        code_challenge_methods_supported: ["S256"],
        response_types_supported: ["code"]
      })
      const registered = await fetch(document.registration_endpoint, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: "none" })
      })
      const { client_id }: any = await registered.json()
      const { json } = await exchange(below, await codeOf(below, { client_id }), { client_id })
      assert.deepInclude(await check(below, json.access_token), { client_id, iss: below.issuer })
    } finally {
      await below.close()
    }
  })

  it("lets in where a resource has no scopes", async () => {
    const bare = await start({ options: { ...options, resources: [{ uri: resource }] } })
    try {
      const { json } = await exchange(bare, await codeOf(bare, { scope: undefined }))
      assert.deepInclude(await check(bare, json.access_token), { scope: "" })
      assert.strictEqual((await refresh(bare, json.refresh_token)).status, 200)
    } finally {
      await bare.close()
    }
  })

  it("says which package is missing", async () => {
    const program = `
      import { registerHooks } from "node:module"
      registerHooks({ resolve: (name, context, next) => {
        if (name === "oidc-provider") throw new Error("not here")
        return next(name, context)
      } })
      const { layer } = await import("fastmcp-effect/node/NodeOidcProvider")
      const { runPromise, flip, scoped } = await import("effect/Effect")
      const { build } = await import("effect/Layer")
      console.log((await runPromise(scoped(flip(build(layer({ issuer: "https://a.example", resources: [] })))))).message)`
    const args = ["--conditions=fastmcp-effect/source", "--input-type=module", "--eval", program]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 })
    assert.include(stdout, "npm install oidc-provider")
  })
})

/** As slow as a database that is elsewhere. */
const slow = Layer.effect(
  OAuthStore.OAuthStore,
  Effect.map(OAuthStore.OAuthStore, (store) => {
    const wait = Effect.suspend(() => Effect.sleep(1 + 4 * Math.random()))
    const slowly = <A, E>(effect: Effect.Effect<A, E>) => Effect.andThen(wait, Effect.tap(effect, () => wait))
    return {
      isShared: store.isShared,
      putOnce: (...args) => slowly(store.putOnce(...args)),
      get: (...args) => slowly(store.get(...args)),
      takeOnce: (...args) => slowly(store.takeOnce(...args)),
      replace: (...args) => slowly(store.replace(...args)),
      remove: (...args) => slowly(store.remove(...args)),
      endGrant: (...args) => slowly(store.endGrant(...args)),
      count: (...args) => slowly(store.count(...args))
    } satisfies OAuthStore.OAuthStore["Service"]
  })
).pipe(Layer.provide(OAuthStore.layerMemory()))

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "oidc-provider-"))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

const file = path.join(directory, "tokens.db")
const sqlite = OAuthStoreSql.layer().pipe(
  Layer.provide(SqliteClient.layer({ filename: file, synchronous: "normal" }))
)

const rounds = 20
const parallel = 50

describe.each([["a store that takes its time", slow], ["SQLite", sqlite]] as const)(
  "NodeOidcProvider on %s",
  (_, store) => {
    let running: Running

    beforeAll(async () => {
      running = await start({ options, store })
    })
    afterAll(() => running?.close())

    const isOver = async ({ json }: Answer) => {
      assert.isUndefined(await check(running, json.access_token))
      assert.strictEqual((await refresh(running, json.refresh_token)).json.error, "invalid_grant")
    }

    /** Of many that come at once one gets in, and what it gets is void, for the others could have been it. */
    const once = async (send: () => Promise<Answer>) => {
      const answers = await Promise.all(Array.from({ length: parallel }, send))
      const [won, ...more] = answers.filter(({ status }) => status === 200)
      assert.isDefined(won)
      assert.deepStrictEqual(more, [])
      const refused = answers.filter((answer) => answer !== won)
      assert.deepStrictEqual([...new Set(refused.map(({ json, status }) => `${status} ${json.error}`))], [
        "400 invalid_grant"
      ])
      await isOver(won!)
    }

    it("a code is used once, whoever comes at the same time", async () => {
      for (let round = 0; round < rounds; round++) {
        const code = await codeOf(running)
        await once(() => exchange(running, code))
      }
    }, 120_000)

    it("a refresh token is used once, whoever comes at the same time", async () => {
      for (let round = 0; round < rounds; round++) {
        const first = await exchange(running, await codeOf(running))
        await once(() => refresh(running, first.json.refresh_token))
        await isOver(first)
      }
    }, 120_000)
  }
)

describe("what NodeOidcProvider keeps", () => {
  it("has nothing in it that anybody could use", async () => {
    const running = await start({ options, store: sqlite })
    try {
      const code = await codeOf(running)
      const { json } = await exchange(running, code)
      const next = await refresh(running, json.refresh_token)
      const unused = await codeOf(running, { state: "planted state" })
      const pushed = await post(running, "/par", {
        client_id: "backend",
        response_type: "code",
        redirect_uri: redirectUri,
        code_challenge: challenge,
        code_challenge_method: "S256"
      }, basic)
      assert.strictEqual(pushed.status, 201, JSON.stringify(pushed.json))
      const begun = await person.make(running.issuer).fetch(
        `${running.issuer}/authorize?client_id=backend&request_uri=${encodeURIComponent(pushed.json.request_uri)}`
      )
      const interaction = new URL(begun.headers.get("location")!, running.issuer).pathname.split("/").at(-1)!
      const requestUri = pushed.json.request_uri.split(":").at(-1)
      const secrets = [
        code,
        unused,
        json.refresh_token,
        next.json.refresh_token,
        json.access_token,
        requestUri,
        interaction,
        secret
      ]
      const kept = ["", "-wal"].map((end) => fs.readFileSync(file + end, "latin1")).join("\n")
      assert.include(kept, "oidc RefreshToken")
      for (const text of secrets) {
        assert.isAbove(text.length, 20)
        assert.notInclude(kept, text)
      }
    } finally {
      await running.close()
    }
  })
})
