/**
 * A protected server of ours with an authorization server of ours beside it, or a proxy before somebody else's, over HTTP:
 * with its real pages, and a person who fills them in.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as LocalVerifier from "fastmcp-effect/auth/LocalVerifier"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeOAuth from "fastmcp-effect/node/NodeOAuth"
import * as NodePasswordHash from "fastmcp-effect/node/NodePasswordHash"
import * as OAuthProxy from "fastmcp-effect/oauth/proxy/OAuthProxy"
import * as Providers from "fastmcp-effect/oauth/proxy/Providers"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as PasswordHash from "fastmcp-effect/oauth/server/PasswordHash"
import * as PasswordLogin from "fastmcp-effect/oauth/server/PasswordLogin"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import * as door from "../auth/door.ts"
import { walk } from "../oauth/oidc/openid/walk.ts"
import { engine } from "../oauth/server/oidcProviderEngine.ts"

export const redirectUri = "http://127.0.0.1:4711/callback"

/** The address that is the id of a client, and the document there; only the authorization server gets to see it. */
export const clientDocument = "https://client.example/client.json"

const document = {
  client_id: clientDocument,
  client_name: "Described",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none"
}

/** One that somebody has registered by hand. */
export const desktop = { id: "desktop", secret: "a secret of the desktop's, and long enough" }

export const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as AddressInfo
    probe.close(() => resume(Effect.succeed(port)))
  })
})

/** Everything else is fetched as it would be. */
const fetching = Layer.effect(
  SafeFetch.SafeFetch,
  Effect.map(SafeFetch.SafeFetch, ({ check, fetch }) => ({
    check,
    fetch: (request) =>
      request.url === clientDocument
        ? Effect.succeed({ status: 200, headers: {} as SafeFetch.Response["headers"], text: JSON.stringify(document) })
        : fetch(request)
  }))
).pipe(Layer.provideMerge(NodeOAuth.layer({ allowLoopback: true })))

const users = Layer.unwrap(Effect.gen(function*() {
  const { hash } = yield* PasswordHash.PasswordHash
  const passwordHash = yield* hash(Redacted.make("correct horse"))
  return UserStore.layerMemory([{ subject: "anna", username: "anna", passwordHash }])
}))

/** What an authorization server stands on besides its login. */
export const ground = Layer.mergeAll(
  OAuthStore.layerMemory(),
  SigningKeys.layerGenerated(),
  Pages.layer(),
  fetching
)

export const optionsAt = (origin: string): AuthorizationServer.Options => ({
  issuer: origin,
  resources: [{ uri: `${origin}/mcp`, scopes: ["notes:read", "notes:write", "notes:purge"] }],
  clients: [{ id: desktop.id, redirectUris: [redirectUri], secret: Redacted.make(desktop.secret) }],
  registration: true
})

/** With users of its own. */
export const own = (origin: string) =>
  AuthorizationServer.layer(optionsAt(origin)).pipe(
    Layer.provide([PasswordLogin.layer(), Consent.layer()]),
    Layer.provide(users),
    Layer.provide(NodePasswordHash.layer({ memory: 64, passes: 1 })),
    Layer.provide(ground)
  )

/** In front of a certified provider, which knows no client but this one. */
export const proxied = (origin: string) =>
  Layer.unwrap(Effect.gen(function*() {
    const upstream = yield* Effect.acquireRelease(
      Effect.promise(() =>
        engine.start({
          openid: true,
          resources: [],
          clients: [{ client_id: "proxy", client_secret: secret, redirect_uris: [`${origin}/callback`] }]
        })
      ),
      ({ close }) => Effect.promise(close)
    )
    return OAuthProxy.layer({
      ...optionsAt(origin),
      upstream: {
        provider: Providers.oidc({ name: "company", issuer: upstream.issuer, scopes: ["openid"] }),
        clientId: "proxy",
        clientSecret: Redacted.make(secret),
        key: Redacted.make("what seals the tokens, of at least 32 bytes")
      }
    })
  })).pipe(Layer.provide(ground))

const secret = "the secret of the proxy, at the provider"

/** The address of the protected server. */
export const serve = <E>(
  authorizationServer: (origin: string) => Layer.Layer<AuthorizationServer.AuthorizationServer, E>
) =>
  Effect.gen(function*() {
    const port = yield* freePort
    const origin = `http://127.0.0.1:${port}`
    const url = `${origin}/mcp`
    const auth = authorizationServer(origin)
    yield* Layer.build(
      NodeHttp.layer({ port, routes: Layer.provide(AuthorizationServer.routes, auth) }).pipe(
        Layer.provide(door.server),
        Layer.provide(BearerAuth.layer({ resource: url, authorizationServers: [origin], scopes: ["notes:read"] })),
        Layer.provide(LocalVerifier.layer()),
        Layer.provide(auth)
      )
    )
    return url
  })

/** Somebody at a browser, who logs in and says yes wherever that is asked: what the client is told in the end. */
export const person = () => {
  const jars = new Map<string, Map<string, string>>()
  const go = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { host } = new URL(url)
    const cookies = jars.get(host) ?? new Map<string, string>()
    jars.set(host, cookies)
    const headers = new Headers(init.headers)
    headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "))
    const response = await fetch(url, { ...init, headers, redirect: "manual" })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/u.exec(line)!
      cookies.set(name!, value!)
    }
    return response
  }
  return async (start: string): Promise<URLSearchParams> => {
    let url = start
    // From one site to the next, until that is the client's.
    for (let site = 0; site < 6; site++) {
      const { left, pages } = await walk(go, url)
      if (left === undefined) throw new Error(`it ends on a page: ${pages.at(-1)?.text}`)
      if (left.href.startsWith(redirectUri)) return left.searchParams
      url = left.href
    }
    throw new Error("it does not end")
  }
}
