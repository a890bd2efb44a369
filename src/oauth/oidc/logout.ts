/**
 * Where a client sends a user to log out here as well (OpenID Connect RP-Initiated Logout). R9: the user is always asked,
 * and the browser is sent nowhere but to an address of a client that has shown a token of its own.
 */
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import { endSession, sessionOf } from "../server/interactions.ts"
import type { Endpoint, Failure, Handler, Issuer } from "../server/issuer.ts"
import * as parameters from "../server/parameters.ts"
import * as redirect from "../server/redirect.ts"
import * as Refusal from "../server/Refusal.ts"
import { equal } from "../server/secrets.ts"
import { read } from "./idTokenHint.ts"

type Response = HttpServerResponse.HttpServerResponse
type Request = HttpServerRequest.HttpServerRequest

export const path = "/logout"
const confirmPath = `${path}/confirm`

/** Binds the page to the browser it is shown in. */
const cookie = "logout"

/** What is known for certain of a request. */
interface Proven {
  /** For people. */
  readonly client: string | undefined
  /** Where the browser may go, `state` included. */
  readonly target: string | undefined
  /** Whether it may without a word of the user. */
  readonly isTrusted: boolean
}

const check = (issuer: Issuer, given: parameters.Parameters): Effect.Effect<Proven, Failure> =>
  Effect.gen(function*() {
    const token = given.get("id_token_hint")
    // Anybody could have written the rest.
    if (token === undefined) return { client: undefined, target: undefined, isTrusted: false }
    const hint = yield* read(issuer, token)
    if (hint === undefined) return yield* bad("id_token_hint is no ID token of this server.")
    if ((given.get("client_id") ?? hint.clientId) !== hint.clientId) {
      return yield* bad("id_token_hint is of another client than client_id.")
    }
    const client = yield* issuer.client(hint.clientId)
    if (client === undefined) return yield* bad("There is no such client any more.")
    const uri = given.get("post_logout_redirect_uri")
    if (uri !== undefined && !client.postLogoutRedirectUris.includes(uri)) {
      return yield* bad("post_logout_redirect_uri is none of those of this client.")
    }
    return {
      client: client.name ?? client.id,
      target: uri === undefined ? undefined : withState(uri, given.get("state")),
      isTrusted: uri !== undefined && redirect.isTrusted(client, uri)
    }
  })

const bad = (description: string) => Refusal.make("invalid_request", description)

const withState = (uri: string, state: string | undefined): string =>
  state === undefined ? uri : `${uri}${uri.includes("?") ? "&" : "?"}${new URLSearchParams({ state })}`

/** Text that only this browser can send back, and only with this target. */
const csrfOf = (issuer: Issuer, secret: string, target: string | undefined) =>
  issuer.secrets.hash(`logout ${secret} ${target ?? ""}`)

const ask = (issuer: Issuer, request: Request, { client, target }: Proven): Effect.Effect<Response, Failure> =>
  Effect.gen(function*() {
    const secret = issuer.cookies.get(request, cookie) ?? (yield* issuer.secrets.make)
    const query = target === undefined ? "" : `?${new URLSearchParams({ target })}`
    const html = issuer.pages.logout({
      action: issuer.at(confirmPath) + query,
      csrf: yield* csrfOf(issuer, secret, target),
      client
    })
    return issuer.cookies.set(issuer.page.show(html), cookie, secret)
  })

const get: Handler = (issuer, request) =>
  Effect.gen(function*() {
    const proven = yield* check(issuer, yield* parameters.ofQuery(request))
    if ((yield* sessionOf(issuer, request)) !== undefined) return yield* ask(issuer, request, proven)
    const { isTrusted, target } = proven
    if (target === undefined) return over(issuer)
    return isTrusted ? redirect.to(target) : issuer.page.offer(target, loggedOut)
  })

/** A form of another site comes without the cookie of the session, so that nobody can tell here whether there is one. */
const post: Handler = (issuer, request) =>
  Effect.gen(function*() {
    return yield* ask(issuer, request, yield* check(issuer, yield* parameters.ofForm(request)))
  })

const confirm: Handler = (issuer, request) =>
  Effect.gen(function*() {
    const form = yield* parameters.ofForm(request)
    const target = (yield* parameters.ofQuery(request)).get("target")
    const secret = issuer.cookies.get(request, cookie)
    if (secret === undefined || !equal(form.get("csrf") ?? "", yield* csrfOf(issuer, secret, target))) {
      return yield* bad("This page has ended, or was opened in another browser.")
    }
    if (form.get("decision") !== "logout") {
      return issuer.page.show(issuer.pages.message({ title: "Still logged in", text: "You can close this page." }))
    }
    const response = target === undefined ? over(issuer) : issuer.page.leave(target)
    return issuer.cookies.remove(yield* endSession(issuer, request, response), cookie)
  })

const loggedOut = { title: "Logged out", text: "You can close this page." }

const over = ({ page, pages }: Issuer): Response => page.show(pages.message(loggedOut))

export const logout: ReadonlyArray<Endpoint> = [
  { path, methods: { GET: get, POST: post }, audience: "person" },
  { path: confirmPath, methods: { POST: confirm }, audience: "person" }
]
