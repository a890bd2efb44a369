/** `oidc-provider` as the engine of an authorization server. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Redacted from "effect/Redacted"
import * as Http from "node:http"
import {
  type Endpoint,
  type Engine,
  type Failure,
  type Issuer,
  parts
} from "../../../oauth/server/AuthorizationServer.ts"
import * as Refusal from "../../../oauth/server/Refusal.ts"
import type * as SigningKeys from "../../../oauth/server/SigningKeys.ts"
import * as adapter from "./adapter.ts"
import * as client from "./client.ts"
import * as configuration from "./configuration.ts"
import * as events from "./events.ts"
import type { Interaction, Library, Provider } from "./library.ts"
import * as structured from "./structured.ts"

type Response = HttpServerResponse.HttpServerResponse

/** A provider, and how it takes a request. */
interface Running {
  readonly ring: SigningKeys.Ring
  readonly provider: Provider
  readonly callback: ReturnType<Provider["callback"]>
}

export const make = (library: Library) => (issuer: Issuer): Effect.Effect<Engine> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const { CustomOIDCProviderError, TemporarilyUnavailable } = library.errors

    /** A refusal of ours is one of the provider's. */
    const run: adapter.Run = async (effect) => {
      const exit = await Effect.runPromiseExitWith(context)(effect)
      if (exit._tag === "Success") return exit.value
      const failure = Cause.squash(exit.cause) as Failure
      if (failure._tag === "OAuthStoreError") {
        throw Object.assign(new TemporarilyUnavailable(), { statusCode: 503, cause: failure })
      }
      if (failure._tag !== "Refusal") {
        throw failure
      }
      throw Object.assign(new CustomOIDCProviderError(failure.code, failure.description), {
        statusCode: parts.http.statusOf(failure)
      })
    }

    const build = (ring: SigningKeys.Ring): Running => {
      const provider = new library.Provider(
        issuer.url,
        configuration.make({
          library,
          issuer,
          ring,
          adapter: adapter.make(library, issuer, run),
          clientOf: (id) => run(issuer.client(id)),
          fetch: (url) => fetch(issuer, run, String(url))
        })
      )
      // What fails is told in an event; otherwise it is printed as well.
      provider.silent = true
      const { origin, host, protocol } = new URL(issuer.url)
      // Its addresses are those of the issuer, whatever a request says of where it has come.
      Object.defineProperties(provider.request, {
        origin: { get: () => origin },
        host: { get: () => host },
        protocol: { get: () => protocol.slice(0, -1) },
        secure: { get: () => protocol === "https:" }
      })
      Object.assign(provider.Client.prototype, client.behavior(issuer, run))
      structured.install(provider, issuer, run)
      events.install(provider, issuer, (effect) => void Effect.runForkWith(context)(effect))
      return { ring, provider, callback: provider.callback() }
    }

    let running: Running | undefined
    /** Another one when other keys sign. */
    const current = Effect.map(issuer.keys.ring, (redacted) => {
      const ring = Redacted.value(redacted)
      const isSame = running?.ring.length === ring.length && running.ring.every((key, index) => key === ring[index])
      return running = isSame ? running! : build(ring)
    })
    yield* current

    const pass = (_: Issuer, request: HttpServerRequest.HttpServerRequest): Effect.Effect<Response> =>
      Effect.gen(function*() {
        const { callback } = yield* current
        const { incoming, response } = yield* ofNode(request)
        incoming.url = request.url
        yield* Effect.promise(() => callback(incoming, response))
        // It has been sent.
        return HttpServerResponse.empty({ status: response.statusCode })
      })

    const begin: NonNullable<Endpoint["methods"]["GET"]> = (issuer, request) =>
      Effect.andThen(parts.limits.boundRequest(issuer, request), pass(issuer, request))

    const program = (path: string): Endpoint => ({ path, methods: { POST: pass }, audience: "program" })

    return {
      endpoints: [
        { path: "/authorize", methods: { GET: begin, POST: begin }, audience: "person" },
        { path: "/authorize/:id", methods: { GET: pass }, audience: "person" },
        interaction(current),
        parts.callback,
        program("/token"),
        program("/revoke"),
        program("/introspect"),
        program("/par")
      ],
      giveCode: (_, __, grantId, id) => Effect.succeed({ kept: [], answer: goOn(issuer, current, grantId, id) })
    }
  })

const ofNode = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<{ readonly incoming: Http.IncomingMessage; readonly response: Http.ServerResponse }> => {
  const incoming = NodeHttpServerRequest.toIncomingMessage(request)
  return incoming instanceof Http.IncomingMessage
    ? Effect.succeed({ incoming, response: NodeHttpServerRequest.toServerResponse(request) as Http.ServerResponse })
    : Effect.die(new Error("oidc-provider takes requests of node:http, and this is another server's."))
}

/** What clients name is fetched as everywhere else. */
const fetch = async (issuer: Issuer, run: adapter.Run, url: string): Promise<globalThis.Response> => {
  const fetched = issuer.fetch.fetch({ url, headers: { accept: "application/json" } })
  const { headers, status, text } = await run(
    Effect.mapError(fetched, () => Refusal.make("temporarily_unavailable", "The keys of the client cannot be had."))
  )
  return new globalThis.Response(text, { status, headers: Object.entries(headers) })
}

/** The user is asked by us. The provider knows the interaction by the same id, and its browser by a cookie of its own. */
const interaction = (current: Effect.Effect<Running>): Endpoint => ({
  ...parts.interaction,
  methods: {
    ...parts.interaction.methods,
    GET: (issuer, request) =>
      Effect.gen(function*() {
        const id = request.url.split("?", 1)[0]!.split("/").at(-1)!
        const key = parts.records.interactions.key(yield* issuer.secrets.hash(id))
        if ((yield* issuer.store.get(key))._tag !== "Absent") {
          return yield* parts.interaction.methods.GET!(issuer, request)
        }
        const { provider } = yield* current
        const { incoming, response } = yield* ofNode(request)
        const begun = yield* Effect.tryPromise({
          try: () => provider.interactionDetails(incoming, response),
          catch: () => over
        })
        const asked = askedOf(begun)
        const client = begun.jti === id ? yield* issuer.client(asked.clientId) : undefined
        if (client === undefined) return yield* over
        return yield* Effect.catchTag(
          parts.interactions.begin(issuer, request, client, asked, id),
          "Refusal",
          (refused) =>
            Effect.succeed(parts.redirect.withRefusal(issuer, client, asked.redirectUri, asked.state, refused))
        )
      })
  }
})

const over = Refusal.make(
  "invalid_request",
  "This login has ended. Go back to the program you came from and begin again."
)

/** The request as the provider has checked it. */
const askedOf = ({ params }: Interaction) => {
  const optional = (name: string): string | undefined => [params[name]].flat()[0]
  const text = (name: string): string => optional(name) ?? ""
  const [state, loginHint] = [optional("state"), optional("login_hint")]
  return {
    clientId: text("client_id"),
    redirectUri: text("redirect_uri"),
    challenge: text("code_challenge"),
    resource: text("resource"),
    scopes: text("scope").split(" "),
    prompt: text("prompt").split(" ").filter((word) => word !== ""),
    ...(state === undefined ? undefined : { state }),
    ...(loginHint === undefined ? undefined : { loginHint })
  }
}

/** The provider makes the code when the browser comes back to it. */
const goOn = (
  issuer: Issuer,
  current: Effect.Effect<Running>,
  grantId: string,
  id: string
): Effect.Effect<Response, Failure> =>
  Effect.gen(function*() {
    const { provider } = yield* current
    const grant = parts.records.grants.read(yield* issuer.store.get(parts.records.grants.key(grantId)))
    const begun = yield* Effect.promise(() => provider.Interaction.find(id))
    if (begun === undefined || grant._tag !== "Live") return yield* over
    const { authenticatedAt, methods, subject } = grant.value
    begun.result = {
      login: { accountId: subject, ts: Math.floor(authenticatedAt / 1000), amr: methods, remember: false },
      consent: { grantId },
      select_account: {}
    }
    yield* Effect.promise(() => begun.persist())
    return parts.redirect.to(begun.returnTo)
  })
