/** Our own authorization server as an engine: on a port of this machine, with everything in memory. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as OidcProvider from "fastmcp-effect/oauth/oidc/OidcProvider"
import * as UserClaims from "fastmcp-effect/oauth/oidc/UserClaims"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as OwnClient from "fastmcp-effect/oauth/server/Client"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import { createServer } from "node:http"
import { type AddressInfo, createServer as createProbe } from "node:net"
import { vi } from "vitest"
import type { Client, Engine, Person, Running, Setup } from "./engine.ts"

const ofClient = (client: Client): OwnClient.Options => {
  const { client_secret: secret, jwks } = client
  return {
    id: client.client_id,
    ...(client.client_name === undefined ? undefined : { name: client.client_name }),
    redirectUris: client.redirect_uris ?? [],
    postLogoutRedirectUris: client.post_logout_redirect_uris ?? [],
    grantTypes: (client.grant_types ?? ["authorization_code", "refresh_token"]) as ReadonlyArray<OwnClient.GrantType>,
    authentication: (client.token_endpoint_auth_method
      ?? (secret === undefined ? "none" : "client_secret_basic")) as OwnClient.AuthenticationMethod,
    ...(secret === undefined ? undefined : { secret: Redacted.make(secret) }),
    ...(jwks === undefined ? undefined : { keys: jwks.keys as NonNullable<OwnClient.Options["keys"]> }),
    ...(client.scope === undefined ? undefined : { scopes: client.scope.split(" ") }),
    ...(client.id_token_signed_response_alg === undefined
      ? undefined
      : { idTokenAlgorithm: client.id_token_signed_response_alg })
  }
}

/** `anna` with her password, on the page that comes with the server. */
const login = Layer.effect(
  UserLogin.UserLogin,
  Effect.map(Pages.Pages, (pages): UserLogin.UserLogin["Service"] => ({
    step: ({ client, csrf, form, hint, url }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const username = form?.get("username")
        if (username === "anna" && form?.get("password") === "correct horse") {
          return { _tag: "LoggedIn", user: { subject: "anna", authenticatedAt: now, methods: ["pwd"] } }
        }
        const html = pages.login({
          action: url,
          csrf,
          client: client.name ?? client.id,
          username: username ?? hint ?? "",
          problem: username === undefined ? undefined : "That is not right."
        })
        return { _tag: "Show", response: HttpServerResponse.text(html, { contentType: "text/html; charset=utf-8" }) }
      }),
    asksConsentFirst: false,
    isRemembered: true
  }))
)

/** Somebody of whom everything is known. */
const anna: UserClaims.Claims = {
  name: "Anna Example",
  given_name: "Anna",
  family_name: "Example",
  middle_name: "Maria",
  nickname: "Annie",
  preferred_username: "anna",
  profile: "https://people.example/anna",
  picture: "https://people.example/anna.png",
  website: "https://anna.example",
  email: "anna@example.com",
  email_verified: true,
  gender: "female",
  birthdate: "1990-04-12",
  zoneinfo: "Europe/Zurich",
  locale: "de-CH",
  phone_number: "+41 44 000 00 00",
  phone_number_verified: true,
  address: { street_address: "Hauptstrasse 1", locality: "Zurich", postal_code: "8000", country: "CH" },
  updated_at: 1_700_000_000
}

const ring = Effect.runPromise(
  Effect.forEach(["RS256", "ES256"] as const, (algorithm) => SigningKeys.generate(algorithm, 0))
)

const provider = (issuer: string, setup: Setup) => {
  const { clients, dynamicRegistration: registration = false, lasts = 300, openid = false } = setup
  const [first, ...others] = setup.resources
  const options = { issuer, clients: clients.map(ofClient), registration, lifetimes: { accessToken: lasts * 1000 } }
  return openid
    ? Layer.provide(
      OidcProvider.layer({ ...options, resources: setup.resources }),
      UserClaims.layer({ anna })
    )
    : AuthorizationServer.layer({ ...options, resources: [first ?? { uri: issuer }, ...others] })
}

const serve = (port: number, issuer: string, setup: Setup, keys: SigningKeys.Ring) =>
  HttpRouter.serve(AuthorizationServer.routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(provider(issuer, setup)),
    Layer.provide(Layer.merge(login, Consent.layer())),
    Layer.provide(
      Layer.mergeAll(
        Pages.layer(),
        OAuthStore.layerMemory(),
        SigningKeys.layer(Redacted.make(keys)),
        NodeSafeFetch.layer({ allowLoopback: true }),
        SecureRandom.layerWebCrypto,
        Digest.layerWebCrypto
      )
    ),
    Layer.provide(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1", disablePreemptiveShutdown: true }))
  )

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createProbe().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })

// ----------------------------------------------------------------------------
// a person
// ----------------------------------------------------------------------------

const unescape = (text: string) =>
  text.replaceAll(/&#(\d+);/gu, (_, code) => String.fromCodePoint(Number(code))).replaceAll("&amp;", "&")

const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(`\\s${name}="([^"]*)"`, "u").exec(tag)?.[1]
  return found === undefined ? undefined : unescape(found)
}

/** What comes of the form of a page. */
const filled = (html: string, agrees: boolean) => {
  const [, open, inside] = /(<form[^>]*>)(.*?)<\/form>/su.exec(html) ?? []
  if (open === undefined || inside === undefined) return undefined
  const fields = new URLSearchParams()
  for (const [tag] of inside.matchAll(/<input[^>]*>/gu)) {
    const typed = { username: "anna", password: "correct horse" }[attribute(tag, "name")!]
    fields.append(attribute(tag, "name")!, typed ?? attribute(tag, "value") ?? "")
  }
  const words = agrees ? ["allow", "logout"] : ["deny", "cancel"]
  for (const [tag] of inside.matchAll(/<button[^>]*>/gu)) {
    const value = attribute(tag, "value")
    if (value !== undefined && words.includes(value)) fields.append(attribute(tag, "name")!, value)
  }
  return { action: attribute(open, "action")!, fields }
}

const person = (origin: string): Person => {
  const cookies = new Map<string, string>()

  const go: Person["fetch"] = async (url, init = {}) => {
    const headers = new Headers(init.headers)
    headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "))
    const response = await fetch(url, { ...init, headers, redirect: "manual" })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/u.exec(line)!
      if (/max-age=0/iu.test(line)) cookies.delete(name!)
      else cookies.set(name!, value!)
    }
    // As a browser goes on by itself where a page says so.
    const onwards = /^0;\s*url=(.*)$/iu.exec(response.headers.get("refresh") ?? "")?.[1]
    return onwards === undefined ? response : new Response(null, { status: 303, headers: { location: onwards } })
  }

  const walk = (agrees: boolean) => async (start: string) => {
    let url = new URL(start)
    let init: RequestInit = {}
    for (let step = 0; step < 20 && url.origin === origin; step++) {
      const response = await go(url.href, init)
      const location = response.headers.get("location")
      const html = await response.text()
      const form = filled(html, agrees)
      if (location === null && form === undefined) throw new Error(`it ends on a page (${response.status}): ${html}`)
      url = new URL(location ?? form!.action, url)
      init = location === null ? { method: "POST", body: form!.fields } : {}
    }
    return url
  }

  return { visit: walk(true), refuse: walk(false), fetch: go }
}

// ----------------------------------------------------------------------------
// the engine
// ----------------------------------------------------------------------------

export const engine: Engine = {
  name: "fastmcp-effect",
  start: async (setup): Promise<Running & { readonly advance: (seconds: number) => void }> => {
    const port = await freePort()
    const issuer = `http://127.0.0.1:${port}`
    const scope = Scope.makeUnsafe()
    await Effect.runPromise(Layer.buildWithScope(serve(port, issuer, setup, await ring), scope))
    return {
      issuer,
      person: () => person(issuer),
      advance: (seconds) => {
        vi.setSystemTime(Date.now() + seconds * 1000)
      },
      close: async () => {
        vi.useRealTimers()
        await Effect.runPromise(Scope.close(scope, Exit.void))
      }
    }
  }
}
