/** An OAuth proxy in memory, in front of `idp`, on the test's clock. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as OAuthProxy from "fastmcp-effect/oauth/proxy/OAuthProxy"
import type * as Provider from "fastmcp-effect/oauth/proxy/Provider"
import * as Providers from "fastmcp-effect/oauth/proxy/Providers"
import type * as Upstream from "fastmcp-effect/oauth/proxy/Upstream"
import type * as UpstreamTokens from "fastmcp-effect/oauth/proxy/UpstreamTokens"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as server from "../server/world.ts"
import * as idps from "./idp.ts"

export const keyText = "what seals the tokens of users, in tests"
export const key = Redacted.make(keyText)

export const provider: Provider.Provider = Providers.oidc({ name: "idp", issuer: idps.issuer })

/** As GitHub is: no ID token, and an API that knows who it is. */
const github = Providers.github()
export const apiProvider: Provider.Provider = {
  ...github,
  issuer: idps.issuer,
  endpoints: { authorization: `${idps.issuer}/authorize`, token: `${idps.issuer}/token` },
  user: { ...github.user, _tag: "Api", url: `${idps.issuer}/user` }
}

export const upstream: Upstream.Options = {
  provider,
  clientId: idps.clientId,
  clientSecret: Redacted.make(idps.clientSecret),
  key
}

export interface Setup {
  readonly idp?: idps.Idp
  readonly upstream?: Partial<Upstream.Options>
  readonly options?: Partial<AuthorizationServer.Options>
  readonly store?: Layer.Layer<OAuthStore.OAuthStore>
}

type Services = AuthorizationServer.AuthorizationServer | UpstreamTokens.UpstreamTokens | OAuthStore.OAuthStore

export const layer = ({ idp = idps.make(), options, store, upstream: own }: Setup = {}) =>
  OAuthProxy.layer({ ...server.options, ...options, upstream: { ...upstream, ...own } }).pipe(
    Layer.provideMerge(server.services({ fetch: idp.fetch, ...(store && { store }) }))
  )

export const withProxy = <A, E>(test: Effect.Effect<A, E, Services>, setup?: Setup) =>
  Effect.provide(test, layer(setup), { local: true })

export type Caller = server.Caller

/** The consent page that a client's request leads to. */
export const ask = (browser: Caller, own?: Readonly<Record<string, string | undefined>>) =>
  browser.send(server.authorizePath(own))

/** A page that sends the browser on is as good as a redirect here. */
const arrived = (answer: server.Answer): server.Answer => {
  const [, url] = /^0;url=(.+)$/u.exec(answer.headers.get("refresh") ?? "") ?? []
  return url === undefined ? answer : { ...answer, location: new URL(url) }
}

/** The user's answer to it. */
export const answer = (browser: Caller, page: server.Answer, decision: "allow" | "deny") => {
  const action = /action="([^"]+)"/u.exec(page.text)![1]!
  const csrf = /name="csrf" value="([^"]+)"/u.exec(page.text)![1]!
  return Effect.map(browser.send(new URL(action).pathname, { form: { csrf, decision } }), arrived)
}

/** Where the browser is sent once its user has said yes. */
export const hop = (browser: Caller, own?: Readonly<Record<string, string | undefined>>) =>
  Effect.gen(function*() {
    const page = yield* ask(browser, own)
    return (yield* answer(browser, page, "allow")).location!
  })

export const come = (browser: Caller, back: URL) => Effect.map(browser.send(back.pathname + back.search), arrived)

/** All of it: what the client is given in the end. */
export const login = (browser: Caller, idp: idps.Idp, own?: Readonly<Record<string, string | undefined>>) =>
  Effect.gen(function*() {
    const { location } = yield* come(browser, idp.authorize(yield* hop(browser, own)))
    const code = location!.searchParams.get("code")
    if (code === null) return yield* Effect.die(new Error(`No code: ${location}`))
    const { json } = yield* browser.send("/token", server.exchange(code))
    return json as { readonly access_token: string; readonly refresh_token: string; readonly [member: string]: unknown }
  })

/** What a client is told in the place of a code. */
export const errorOf = ({ location }: server.Answer) => location?.searchParams.get("error") ?? undefined

/** What a token says. */
export const claimsOf = (token: string) =>
  Effect.flatMap(
    AuthorizationServer.AuthorizationServer,
    ({ check }) => Effect.map(check(Redacted.make(token)), (claims) => claims!)
  )

/** A store, and every text that was ever written to it. */
export const watchedStore = () => {
  const written: Array<string> = []
  const layer = Layer.effect(
    OAuthStore.OAuthStore,
    Effect.map(OAuthStore.OAuthStore, (store) => ({
      ...store,
      putOnce: (key, entry) => {
        written.push(JSON.stringify([key, entry]))
        return store.putOnce(key, entry)
      },
      takeOnce: (key, next) => {
        written.push(JSON.stringify([key, next]))
        return store.takeOnce(key, next)
      },
      replace: (key, data, entry) => {
        written.push(JSON.stringify([key, entry]))
        return store.replace(key, data, entry)
      }
    }))
  ).pipe(Layer.provide(OAuthStore.layerMemory()))
  return { layer, written }
}
