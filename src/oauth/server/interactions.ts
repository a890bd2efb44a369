/**
 * A user between a client's request and the answer: who they are, and whether they let the client in. It belongs to the
 * browser it was begun in, and ends once.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as accessTokens from "./accessTokens.ts"
import type * as Client from "./Client.ts"
import type * as Consent from "./Consent.ts"
import * as endings from "./endings.ts"
import type { Failure, Issuer } from "./issuer.ts"
import type * as OAuthStore from "./OAuthStore.ts"
import type * as OAuthStoreError from "./OAuthStoreError.ts"
import type * as parameters from "./parameters.ts"
import {
  type AuthorizationRequest,
  type DeviceRequest,
  type Grant,
  grants,
  type Interaction,
  interactions,
  sessions
} from "./records.ts"
import * as redirect from "./redirect.ts"
import * as Refusal from "./Refusal.ts"
import { equal } from "./secrets.ts"
import type * as UserLogin from "./UserLogin.ts"

type Response = HttpServerResponse.HttpServerResponse
type Request = HttpServerRequest.HttpServerRequest

type Asked = AuthorizationRequest | DeviceRequest

/** One visit of the browser. */
interface Visit {
  readonly issuer: Issuer
  readonly request: Request
  readonly client: Client.Client
  readonly id: string
  readonly key: OAuthStore.Key
  readonly csrf: string
  readonly form: parameters.Parameters | undefined
  readonly query: parameters.Parameters
  /** As it is kept at this moment. */
  entry: OAuthStore.Entry
  interaction: Interaction
  /** A login that is now, to be told to the browser. */
  session: string | undefined
}

const browserCookie = "browser"
const sessionCookie = "session"

/** What is in the session of this browser; undefined where it has none. */
export const sessionOf = (issuer: Issuer, request: Request) =>
  Effect.gen(function*() {
    const secret = issuer.cookies.get(request, sessionCookie)
    if (secret === undefined) return undefined
    const hash = yield* issuer.secrets.hash(secret)
    const found = sessions.read(yield* issuer.store.get(sessions.key(hash)))
    return found._tag === "Live" ? { hash, user: found.value } : undefined
  })

/** Ends the session of a browser. */
export const endSession = (issuer: Issuer, request: Request, response: Response): Effect.Effect<Response, Failure> =>
  Effect.gen(function*() {
    const session = yield* sessionOf(issuer, request)
    if (session !== undefined) {
      yield* issuer.store.remove(sessions.key(session.hash))
      yield* issuer.tell({ _tag: "LoggedOut", subject: session.user.subject })
    }
    return issuer.cookies.remove(response, sessionCookie)
  })

/** Text that only the browser of this secret can send back, for this interaction alone. */
export const csrfOf = (issuer: Issuer, browser: string, id: string) => issuer.secrets.hash(`csrf ${browser} ${id}`)

/** What this browser is known by, from now on where it is new; `keepBrowser` has to tell it. */
export const browserOf = (issuer: Issuer, request: Request): Effect.Effect<string> => {
  const known = issuer.cookies.get(request, browserCookie)
  return known === undefined ? issuer.secrets.make : Effect.succeed(known)
}

export const isNewBrowser = (issuer: Issuer, request: Request): boolean =>
  issuer.cookies.get(request, browserCookie) === undefined

export const keepBrowser = (issuer: Issuer, response: Response, browser: string): Response =>
  issuer.cookies.set(response, browserCookie, browser)

/** A10: that the form was shown by this server, to this browser, and for this. */
export const checkCsrf = (
  issuer: Issuer,
  request: Request,
  id: string,
  form: parameters.Parameters
): Effect.Effect<void, Refusal.Refusal> =>
  Effect.gen(function*() {
    const browser = issuer.cookies.get(request, browserCookie)
    if (browser === undefined || !equal(form.get("csrf") ?? "", yield* csrfOf(issuer, browser, id))) {
      return yield* over
    }
  })

/** From a request that has been checked to a page, or to the client where nobody need be asked. */
export const begin = (
  issuer: Issuer,
  request: Request,
  client: Client.Client,
  asked: Asked,
  /** What it is known by, where somebody else has begun it. */
  given?: string
): Effect.Effect<Response, Failure> =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const session = issuer.login.isRemembered ? yield* sessionOf(issuer, request) : undefined
    const isForced = asked.prompt.includes("login") || asked.prompt.includes("select_account")
      || (session !== undefined && isSomebodyElse(asked, session.user))
      || (asked.maxAge !== undefined
        // How long ago somebody has logged in elsewhere is not known here.
        && (session === undefined
          ? !issuer.login.isRemembered
          : now - session.user.authenticatedAt > asked.maxAge * 1000))
    const present = isForced ? undefined : session
    if (asked.prompt.includes("none")) yield* nobodyIsAsked(issuer, client, asked, present?.user)
    const browser = yield* browserOf(issuer, request)
    const id = given ?? (yield* issuer.secrets.make)
    const key = interactions.key(yield* issuer.secrets.hash(id))
    const interaction: Interaction = {
      request: asked,
      browser: yield* issuer.secrets.hash(browser),
      hasConsented: false,
      isForced,
      ...(present === undefined ? undefined : { user: present.user, session: present.hash })
    }
    const entry = interactions.entry(interaction, now + issuer.lifetimes.interaction)
    yield* issuer.store.putOnce(key, entry)
    const response = yield* proceed({
      issuer,
      request,
      client,
      id,
      key,
      csrf: yield* csrfOf(issuer, browser, id),
      form: undefined,
      query: new Map(),
      entry,
      interaction,
      session: undefined
    })
    return keepBrowser(issuer, response, browser)
  })

/** Whether a client has somebody else in mind. */
const isSomebodyElse = ({ subject }: Asked, user: UserLogin.User): boolean =>
  subject !== undefined && subject !== user.subject

/** `prompt=none`: only what needs no user (OpenID Connect, 3.1.2.1). */
const nobodyIsAsked = (
  issuer: Issuer,
  client: Client.Client,
  asked: Asked,
  user: UserLogin.User | undefined
): Effect.Effect<void, Failure> =>
  Effect.gen(function*() {
    if (user === undefined) return yield* Refusal.make("login_required", "The user has to log in.")
    if (!(yield* hasConsent(issuer, client, asked, user.subject))) {
      return yield* Refusal.make("consent_required", "The user has to let the client in.")
    }
  })

/** The browser comes back: to look, with a form, or from another site. */
export const resume = (
  issuer: Issuer,
  request: Request,
  id: string,
  form: parameters.Parameters | undefined,
  query: parameters.Parameters
): Effect.Effect<Response, Failure> =>
  Effect.gen(function*() {
    const key = interactions.key(yield* issuer.secrets.hash(id))
    const found = interactions.read(yield* issuer.store.get(key))
    const browser = issuer.cookies.get(request, browserCookie)
    if (found._tag !== "Live" || browser === undefined) return yield* over
    // Somebody who was sent here by another, to go on in their name.
    if (!equal(yield* issuer.secrets.hash(browser), found.value.browser)) return yield* over
    const csrf = yield* csrfOf(issuer, browser, id)
    if (form !== undefined && !equal(form.get("csrf") ?? "", csrf)) return yield* over
    const { request: asked } = found.value
    const client = yield* issuer.client(asked.clientId)
    if (client === undefined || !(yield* isStillThere(issuer, request, found.value))) return yield* over
    const visit: Visit = {
      issuer,
      request,
      client,
      id,
      key,
      csrf,
      form,
      query,
      entry: found.entry,
      interaction: found.value,
      session: undefined
    }
    const response = yield* Effect.catchTag(proceed(visit), "Refusal", (refused) => refuse(visit, refused))
    return redirect.byPage(issuer, response)
  })

/** Whether nobody has logged out since: the next one at this browser might go back to the page of the one before. */
const isStillThere = (
  issuer: Issuer,
  request: Request,
  { session, user }: Interaction
): Effect.Effect<boolean, Failure> =>
  Effect.gen(function*() {
    if (session === undefined) return true
    if ((yield* issuer.store.get(sessions.key(session)))._tag === "Live") return true
    // They have logged in anew, in another tab.
    return (yield* sessionOf(issuer, request))?.user.subject === user?.subject
  })

const over = Refusal.make(
  "invalid_request",
  "This login has ended, or was begun in another browser. Go back to the program you came from and begin again."
)

const proceed = (visit: Visit): Effect.Effect<Response, Failure> =>
  Effect.gen(function*() {
    const { issuer: { cookies, lifetimes, login } } = visit
    const steps = login.asksConsentFirst ? [consent, identify] : [identify, consent]
    let response: Response | undefined
    for (const step of steps) {
      response ??= yield* step(visit)
    }
    response ??= yield* finish(visit)
    return visit.session === undefined
      ? response
      : cookies.set(response, sessionCookie, visit.session, lifetimes.session)
  })

/** Who it is. Undefined when that is known. */
const identify = (visit: Visit): Effect.Effect<Response | undefined, Failure> =>
  Effect.gen(function*() {
    const { client, csrf, form, id, interaction, issuer, query, request } = visit
    if (interaction.user !== undefined) return undefined
    const step = yield* issuer.login.step({
      client,
      csrf,
      // A form of the page before this one is not meant for it.
      form: form?.has("decision") === true ? undefined : form,
      query,
      url: issuer.at(`/interaction/${id}`),
      callback: { url: issuer.at("/callback"), state: id },
      address: issuer.addressOf(request),
      hint: interaction.request.loginHint,
      isForced: interaction.isForced,
      kept: interaction.kept,
      keep: (kept) => {
        const { kept: _, ...rest } = visit.interaction
        return write(visit, kept === undefined ? rest : { ...rest, kept })
      }
    })
    if (step._tag === "Show") return step.response
    const { user } = step
    if (user.subject.startsWith(accessTokens.clientPrefix)) {
      return yield* Effect.die(new Error(`The subject of a user begins with ${accessTokens.clientPrefix}`))
    }
    yield* issuer.tell({ _tag: "LoggedIn", subject: user.subject, clientId: client.id })
    if (isSomebodyElse(interaction.request, user)) {
      return yield* Refusal.make("login_required", "Somebody else has logged in than the client has in mind.")
    }
    const { kept: _, ...rest } = visit.interaction
    const session = issuer.login.isRemembered ? yield* startSession(visit, user) : undefined
    const isFirst = yield* write(visit, { ...rest, user, ...(session === undefined ? undefined : { session }) })
    return isFirst ? undefined : again(visit)
  })

/** A form that was posted twice at one moment: the other one counts, and the browser goes to what comes after it. */
const again = ({ id, issuer }: Visit): Response => redirect.to(issuer.at(`/interaction/${id}`))

/** A12: a new one each time, so that nobody can have a user log in to a session that is known to others. */
const startSession = (visit: Visit, user: UserLogin.User): Effect.Effect<string, Failure> =>
  Effect.gen(function*() {
    const { issuer, request } = visit
    const { lifetimes, secrets, store } = issuer
    const before = yield* sessionOf(issuer, request)
    if (before !== undefined) yield* store.remove(sessions.key(before.hash))
    const secret = yield* secrets.make
    const hash = yield* secrets.hash(secret)
    const { kept: _, ...known } = user
    const expiresAt = (yield* Clock.currentTimeMillis) + lifetimes.session
    yield* store.putOnce(sessions.key(hash), sessions.entry(known, expiresAt))
    visit.session = secret
    return hash
  })

const hasConsent = (
  issuer: Issuer,
  client: Client.Client,
  asked: Asked,
  subject: string | undefined
): Effect.Effect<boolean, Failure> => {
  // T10: also by the company's own, for nobody knows whose device it is.
  if ("device" in asked) return Effect.succeed(false)
  return client.isFirstParty && !issuer.login.asksConsentFirst
    ? Effect.succeed(true)
    : issuer.consent.isGiven(consentOf(client, asked, subject))
}

const consentOf = (
  client: Client.Client,
  { alsoAsked = [], prompt, redirectUri, resource, scopes }: AuthorizationRequest,
  subject: string | undefined
): Consent.Request => ({
  client,
  redirectUri,
  resource,
  scopes: [...scopes, ...alsoAsked],
  subject,
  isWanted: prompt.includes("consent")
})

/** Whether they let the client in. Undefined when they do. */
const consent = (visit: Visit): Effect.Effect<Response | undefined, Failure> =>
  Effect.gen(function*() {
    const { client, form, interaction, issuer } = visit
    const { hasConsented, request: asked, user } = interaction
    if (hasConsented) return undefined
    const decision = form?.get("decision")
    if (decision !== undefined) {
      const isGiven = decision === "allow"
      yield* issuer.tell({ _tag: "Consented", subject: user?.subject, clientId: client.id, isGiven })
      if (!isGiven) return yield* Refusal.make("access_denied", "The user does not let the client in.")
      // What was said of one device says nothing of the next.
      if (!("device" in asked)) yield* issuer.consent.remember(consentOf(client, asked, user?.subject))
    } else if (!(yield* hasConsent(issuer, client, asked, user?.subject))) {
      return consentPage(visit)
    }
    return (yield* write(visit, { ...visit.interaction, hasConsented: true })) ? undefined : again(visit)
  })

const consentPage = ({ client, csrf, id, interaction, issuer }: Visit): Response => {
  const { request: asked, user } = interaction
  const { alsoAsked = [], resource: uri, scopes } = asked
  const { isLoopback, place } = endings.of(issuer, client, asked)
  const resource = issuer.resources.get(uri)
  const html = issuer.pages.consent({
    action: issuer.at(`/interaction/${id}`),
    csrf,
    client: client.name ?? client.id,
    clientId: client.id,
    origin: client.origin,
    clientUri: client.uri,
    redirectHost: place,
    isLoopback,
    resource: resource?.name ?? uri,
    scopes: [...scopes, ...alsoAsked].map((name) => ({
      name,
      description: resource?.scopes.get(name)
        ?? issuer.extensions.map(({ scopes }) => scopes.get(name)).find((text) => text !== undefined)
    })),
    user: user === undefined ? undefined : user.name ?? user.subject
  })
  return issuer.page.show(html)
}

/** Whether nothing has happened to it since it was read. */
const write = (
  visit: Visit,
  interaction: Interaction
): Effect.Effect<boolean, OAuthStoreError.OAuthStoreError> =>
  Effect.gen(function*() {
    const entry = interactions.entry(interaction, visit.entry.expiresAt)
    const isFirst = yield* visit.issuer.store.replace(visit.key, visit.entry.data, entry)
    if (isFirst) {
      visit.entry = entry
      visit.interaction = interaction
    }
    return isFirst
  })

/** Not what has ended at the same moment: its client knows how. A no that comes twice is one. */
const refuse = (
  { client, interaction, issuer, key }: Visit,
  refused: Refusal.Refusal
): Effect.Effect<Response, Failure> =>
  Effect.gen(function*() {
    const { store } = issuer
    if (refused === over || (yield* store.takeOnce(key))._tag === "Used") return yield* over
    yield* store.remove(key)
    return yield* endings.of(issuer, client, interaction.request).refuse(refused)
  })

const finish = ({ client, id, interaction, issuer, key }: Visit): Effect.Effect<Response, Failure> =>
  Effect.gen(function*() {
    const { lifetimes, secrets, store } = issuer
    const { request: asked, session, user } = interaction
    const now = yield* Clock.currentTimeMillis
    const grantId = yield* secrets.makeId
    const ending = endings.of(issuer, client, asked)
    const grant: Grant = {
      clientId: client.id,
      subject: user!.subject,
      resource: asked.resource,
      scopes: asked.scopes,
      authenticatedAt: user!.authenticatedAt,
      ...(user!.methods === undefined ? undefined : { methods: user!.methods }),
      ...(user!.kept === undefined ? undefined : { kept: user!.kept }),
      ...(session === undefined ? undefined : { session }),
      ...ending.grant
    }
    const { answer, kept } = yield* ending.allow(grantId, id)
    const taken = yield* store.takeOnce(key, [
      [grants.key(grantId), grants.entry(grant, now + lifetimes.grant)],
      ...kept
    ])
    return taken._tag === "Live" ? yield* answer : yield* over
  })
