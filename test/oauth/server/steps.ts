/** What the tests of the rows do again and again. */
import { assert } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as PasswordHash from "fastmcp-effect/oauth/server/PasswordHash"
import * as PasswordLogin from "fastmcp-effect/oauth/server/PasswordLogin"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import * as world from "./world.ts"

export type Own = Readonly<Record<string, string | undefined>>

const defined = (own: Own) =>
  Object.fromEntries(
    Object.entries(own).filter((entry): entry is [string, string] => entry[1] !== undefined)
  )

// ----------------------------------------------------------------------------
// requests
// ----------------------------------------------------------------------------

export const basic = (id: string, secret = world.secret) => ({
  authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`
})

/** Whoever comes to the token endpoint; `undefined` leaves out what would be there. */
export const token = ({ send }: world.Caller, own: Own, headers: Readonly<Record<string, string>> = {}) =>
  send("/token", { form: defined(own), headers })

/** A code of `app` for tokens. */
export const redeem = (caller: world.Caller, code: string, own: Own = {}) =>
  token(caller, { ...world.exchange(code).form, ...own })

export const refresh = (caller: world.Caller, refreshToken: string, own: Own = {}) =>
  token(caller, { grant_type: "refresh_token", client_id: "app", refresh_token: refreshToken, ...own })

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

/** What `app` gets for a login. */
export const login = (caller: world.Caller, own: Own = {}) =>
  Effect.gen(function*() {
    const answer = yield* redeem(caller, yield* world.code(caller, own), {
      ...(own["redirect_uri"] === undefined ? undefined : { redirect_uri: own["redirect_uri"] })
    })
    assert.strictEqual(answer.status, 200, answer.text)
    return answer.json as Tokens
  })

/** What the server says of a token, to whom may know. */
export const isActive = ({ send }: world.Caller, token: string) =>
  Effect.map(send("/introspect", { form: { token }, headers: basic("backend") }), ({ json }) => json.active as boolean)

// ----------------------------------------------------------------------------
// answers
// ----------------------------------------------------------------------------

/** A program is told so, and gets nothing. */
export const assertRefused = (answer: world.Answer, error: string, status = 400) => {
  assert.deepStrictEqual([answer.status, answer.json?.error], [status, error], answer.text)
  assert.deepStrictEqual(Object.keys(answer.json), ["error", "error_description"])
}

/** The browser stays, and its user is told. */
export const assertPage = (answer: world.Answer, title = "That did not work") => {
  assert.isUndefined(answer.location)
  assert.isNull(answer.headers.get("refresh"))
  assert.match(answer.headers.get("content-type")!, /^text\/html/u)
  assert.isAtLeast(answer.status, 400)
  assert.include(answer.text, `<h1>${title}</h1>`)
}

/** What a client is told at its own address. */
export const told = ({ location }: world.Answer, redirectUri = world.redirectUri) => {
  assert.strictEqual(location!.href.split("?")[0], redirectUri)
  return Object.fromEntries(location!.searchParams)
}

export const assertTold = (answer: world.Answer, error: string, redirectUri?: string) => {
  const { error_description, ...rest } = told(answer, redirectUri)
  assert.isString(error_description)
  assert.deepStrictEqual(rest, { error, state: "xyz", iss: world.issuer })
  assert.strictEqual(answer.status, 303)
}

// ----------------------------------------------------------------------------
// pages
// ----------------------------------------------------------------------------

/** What is in the form of a page. */
export const formOf = ({ text }: world.Answer) => ({
  action: /<form method="post" action="([^"]+)"/u.exec(text)![1]!,
  csrf: /name="csrf" value="([^"]+)"/u.exec(text)![1]!
})

export const decide = (browser: world.Caller, page: world.Answer, decision: "allow" | "deny", own: Own = {}) => {
  const { action, csrf } = formOf(page)
  return browser.send(action, { form: defined({ csrf, decision, ...own }) })
}

export const logIn = (browser: world.Caller, page: world.Answer, username = "anna", own: Own = {}) => {
  const { action, csrf } = formOf(page)
  return browser.send(action, { form: defined({ csrf, username, password: "correct horse", ...own }) })
}

/** Where a page with `Refresh` leads. */
export const leadsTo = ({ headers }: world.Answer) => new URL(headers.get("refresh")!.replace(/^0;url=/u, ""))

// ----------------------------------------------------------------------------
// surroundings
// ----------------------------------------------------------------------------

/** Where somebody comes from is what they say. */
export const addressed: Pick<AuthorizationServer.Options, "clientAddress"> = {
  clientAddress: ({ headers }) => headers["x-from"]
}

const stored = Layer.merge(OAuthStore.layerMemory(), Digest.layerWebCrypto)

/** Asks, and remembers as long as it does. */
export const asking = Layer.provide(Consent.layer(), stored)

/** Anna and ben, whose passwords are one and the same. */
export const passwords = PasswordLogin.layer().pipe(
  Layer.provide(Layer.mergeAll(
    UserStore.layerMemory([
      { subject: "anna", username: "anna", passwordHash: "correct horse" },
      { subject: "ben", username: "ben", passwordHash: "correct horse" }
    ]),
    Layer.succeed(PasswordHash.PasswordHash, {
      hash: (password) => Effect.succeed(Redacted.value(password)),
      verify: (password, hash) => Effect.succeed(hash === Redacted.value(password)),
      needsRehash: () => false
    }),
    Pages.layer()
  )),
  Layer.provide(stored)
)

/** A store, and all that is ever written to it. */
export const watched = () => {
  const written: Array<readonly [key: OAuthStore.Key, entry: OAuthStore.Entry | undefined]> = []
  const store = Layer.effect(
    OAuthStore.OAuthStore,
    Effect.map(OAuthStore.OAuthStore, (store): OAuthStore.OAuthStore["Service"] => ({
      ...store,
      putOnce: (key, entry) => {
        written.push([key, entry])
        return store.putOnce(key, entry)
      },
      takeOnce: (key, next) => {
        written.push(...next ?? [])
        return store.takeOnce(key, next)
      },
      replace: (key, data, entry) => {
        written.push([key, entry])
        return store.replace(key, data, entry)
      },
      count: (key, windowMillis) => {
        written.push([key, undefined])
        return store.count(key, windowMillis)
      }
    }))
  ).pipe(Layer.provide(OAuthStore.layerMemory()))
  return { store, written }
}
