/**
 * The pages with their headers, cookies and the login by password, on a server that knows one attempt at a time and gives
 * out no token; and sites of clients to come back to. All on this machine.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NodePasswordHash from "fastmcp-effect/node/NodePasswordHash"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as PasswordHash from "fastmcp-effect/oauth/server/PasswordHash"
import * as PasswordLogin from "fastmcp-effect/oauth/server/PasswordLogin"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as cookies from "../../../../src/oauth/server/internal/cookies.ts"
import * as page from "../../../../src/oauth/server/internal/page.ts"
import * as world from "../world.ts"

export interface Asking {
  readonly client?: string
  readonly origin?: Pages.Consent["origin"]
  readonly redirectUri: string
  readonly scopes?: Pages.Consent["scopes"]
  /** As no server should that has `form-action` in its headers. */
  readonly leavesByRedirect?: boolean
}

export interface Site {
  readonly url: string
  /** Where a client sends a browser. */
  readonly begin: (asking: Asking) => string
}

const own = Layer.mergeAll(
  Pages.layer({ name: "Acme Notizen" }),
  Digest.layerWebCrypto,
  OAuthStore.layerMemory(),
  NodePasswordHash.layer({ memory: 64, passes: 1 })
)

const users = Layer.unwrap(Effect.gen(function*() {
  const { hash } = yield* PasswordHash.PasswordHash
  const passwordHash = yield* hash(Redacted.make("correct horse"))
  return UserStore.layerMemory([{ subject: "1", username: "anna", name: "Anna Müller", passwordHash }])
}))

/** The login by password, and all that it and its pages need. */
export const login = PasswordLogin.layer({ attempts: 1000, attemptsPerAddress: 1000, attemptsPerUser: 1000 }).pipe(
  Layer.provide(users),
  Layer.provideMerge(own)
)

export const start = Effect.gen(function*() {
  const pages = yield* Pages.Pages
  const { step: logInBy } = yield* UserLogin.UserLogin
  const { leave, show } = yield* page.make
  const node = Http.createServer()
  const server = yield* NodeHttpServer.make(() => node, {
    port: 0,
    host: "127.0.0.1",
    gracefulShutdownTimeout: "100 millis"
  })
  const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`
  const cookie = cookies.make(url)
  const csrf = "c5rf"

  const attempt = (
    { client = "Notizbuch" }: Asking,
    action: string,
    form: ReadonlyMap<string, string> | undefined
  ): UserLogin.Attempt => ({
    client: { ...world.client, id: "notizbuch", name: client },
    url: action,
    csrf,
    form,
    query: new Map(),
    callback: { url: `${url}/callback`, state: "" },
    address: "127.0.0.1",
    hint: undefined,
    isForced: false,
    kept: undefined,
    keep: () => Effect.succeed(true)
  })

  const handle = Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { pathname, search, searchParams } = new URL(request.url, url)
    const form = request.method === "POST" ? new Map(new URLSearchParams(yield* request.text)) : undefined
    if (form !== undefined && form.get("csrf") !== csrf) return show(pages.message({ title: "No", text: "" }), 403)
    const asking = JSON.parse(searchParams.get("asking") ?? "{}") as Asking
    switch (pathname) {
      case "/login": {
        const step = yield* logInBy(attempt(asking, `/login${search}`, form))
        return step._tag === "Show"
          ? step.response
          : cookie.set(HttpServerResponse.redirect(`/consent${search}`, { status: 303 }), "user", step.user.subject)
      }
      case "/consent": {
        if (cookie.get(request, "user") !== "1") {
          return show(
            pages.message({ title: "Start again", text: "Go back to the program, and start from there." }),
            400
          )
        }
        if (form !== undefined) {
          const target = new URL(asking.redirectUri)
          if (form.get("decision") === "allow") target.searchParams.set("code", "c0de")
          else target.searchParams.set("error", "access_denied")
          return asking.leavesByRedirect === true
            ? HttpServerResponse.redirect(target, { status: 303 })
            : leave(target.href)
        }
        const { protocol } = new URL(asking.redirectUri)
        return show(pages.consent({
          action: `/consent${search}`,
          csrf,
          client: asking.client ?? "Notizbuch",
          clientId: "https://notizbuch.example/.well-known/client.json",
          origin: asking.origin ?? "document",
          clientUri: "https://notizbuch.example/",
          redirectHost: page.placeOf(asking.redirectUri),
          isLoopback: protocol === "http:",
          resource: "https://mcp.acme.example/mcp",
          scopes: asking.scopes ?? [
            { name: "notes:read", description: "Deine Notizen lesen, auch die für Ärzte und Größen" },
            { name: "notes:write", description: "Notizen schreiben und löschen" },
            { name: "profile", description: undefined }
          ],
          user: "Anna Müller"
        }))
      }
      case "/device":
        return show(pages.deviceCode({
          action: "/device",
          csrf,
          userCode: form?.get("user_code") ?? searchParams.get("user_code") ?? "",
          problem: form && "There is no such code, or its time is over."
        }))
      case "/logout":
        return form === undefined
          ? show(pages.logout({ action: "/logout", csrf, client: "Notizbuch" }))
          : show(pages.message({ title: "You are logged out", text: "You can close this page." }))
      default:
        return show(pages.message({ title: "There is nothing here", text: "Go back to the program." }), 404)
    }
  }).pipe(Effect.orDie)

  yield* HttpServer.serveEffect(handle).pipe(Effect.provideService(HttpServer.HttpServer, server))
  const site: Site = {
    url,
    begin: (asking) => `${url}/login?asking=${encodeURIComponent(JSON.stringify(asking))}`
  }
  return site
}).pipe(Effect.provide(login))

export interface ClientSite {
  readonly url: string
  /** Paths that were asked for, in order. */
  readonly visits: Array<string>
}

/** A client: `/chain?to=` sends on, everything else is a page that says whether whoever opened it is there. */
export const client = (host: "127.0.0.1" | "[::1]" = "127.0.0.1") =>
  Effect.acquireRelease(
    Effect.callback<ClientSite & { readonly server: Http.Server }>((resume) => {
      const visits: Array<string> = []
      const server = Http.createServer((request, response) => {
        const { pathname, searchParams } = new URL(request.url ?? "", "http://client")
        if (pathname === "/favicon.ico") return response.writeHead(204).end()
        visits.push(request.url!)
        const to = searchParams.get("to")
        if (to !== null) return response.writeHead(302, { location: to }).end()
        response.writeHead(200, { "content-type": "text/html" })
        response.end(`<!doctype html><title>Client</title><h1>Client</h1>
<script>document.title = window.opener === null ? "alone" : "opened"</script>`)
      })
      server.listen(0, host.replace(/[[\]]/g, ""), () =>
        resume(Effect.succeed({
          url: `http://${host}:${(server.address() as AddressInfo).port}`,
          visits,
          server
        })))
    }),
    ({ server }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
