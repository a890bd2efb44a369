/** What is secret of a login is found nowhere: in no log, span, metric or error, whatever the others do with it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as AuthorizationCode from "fastmcp-effect/oauth/client/AuthorizationCode"
import * as ClientCredentials from "fastmcp-effect/oauth/client/ClientCredentials"
import * as EnterpriseManaged from "fastmcp-effect/oauth/client/EnterpriseManaged"
import * as OAuthClient from "fastmcp-effect/oauth/client/OAuthClient"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import * as UserAgent from "fastmcp-effect/oauth/client/UserAgent"
import * as WorkloadIdentity from "fastmcp-effect/oauth/client/WorkloadIdentity"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import { generateKeyPairSync } from "node:crypto"
import { assertUnheard, overheard } from "../../support/overheard.ts"
import * as world from "./world.ts"

const { address, issuer, refusal } = world

// ----------------------------------------------------------------------------
// what is planted
// ----------------------------------------------------------------------------

const secret = "Pl4nted:Cl1ent/S3cret+ü"

const idToken = "Pl4ntedIdT0ken"

const assertion = "Pl4ntedAss3rtion"

const encryptionKey = "Pl4ntedEncrypti0nKey,0f32BytesAtLeast"

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })

const pem = String(privateKey.export({ format: "pem", type: "pkcs8" }))

const jwk = privateKey.export({ format: "jwk" })

const symmetric = { kty: "oct", k: "UGw0bnRlZFN5bW1ldHJpY0szeQ" }

const own = [secret, idToken, assertion, encryptionKey, ...pem.split("\n").slice(1, -2), jwk.d!, symmetric.k]

const secretParameters = [
  "code",
  "code_verifier",
  "state",
  "refresh_token",
  "client_secret",
  "client_assertion",
  "assertion",
  "subject_token"
] as const

const secretsIn = ({ headers, params }: world.Seen): ReadonlyArray<string> =>
  [
    ...secretParameters.map((name) => params[name]),
    headers.authorization?.replace(/^\w+ /u, ""),
    headers.dpop
  ].flatMap((text) => text ?? [])

/** Of a JWT each part, of which the last makes it good. */
const partsOf = (text: string): ReadonlyArray<string> => text.startsWith("eyJ") ? text.split(".") : [text]

// ----------------------------------------------------------------------------
// where
// ----------------------------------------------------------------------------

/** Whatever the token endpoint does instead of answering: it knows what it was told, and what it has given out. */
type Trick = (words: {
  readonly told: string
  readonly given: string
  readonly both: string
}) => Response | { readonly cause: unknown } | { readonly defect: unknown } | "silent"

interface Place {
  readonly there: world.World
  readonly planted: Set<string>
  trick: Trick | undefined
  /** Which of the secrets of the request it says. */
  turn: number
  readonly layer: world.World["layer"]
}

const makePlace = (store?: Layer.Layer<TokenStore.TokenStore>): Place => {
  const there = world.make(store)
  const planted = new Set(own)
  there.name = (kind, number) => {
    const name = `Pl4nted-${kind}-${number}-t0ken`
    planted.add(name)
    return name
  }
  const client = (inner: SafeFetch.SafeFetch["Service"]) =>
    HttpClient.make((request, { href: url }) => {
      const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
      const { headers, method } = request
      const failed = (cause: unknown) =>
        new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
      return Effect.gen(function*() {
        let response: Response
        if (place.trick !== undefined && url.endsWith("/token")) {
          const seen = { url, method, headers: { ...headers }, params: Object.fromEntries(new URLSearchParams(body)) }
          there.seen.push(seen)
          const all = [...secretsIn(seen), decoded(headers.authorization), body]
          const told = all[place.turn++ % all.length]!
          const given = [...place.planted].at(-1)!
          const done = place.trick({ told, given, both: `${told} ${given}` })
          if (done === "silent") return yield* Effect.never
          if ("defect" in done) return yield* Effect.die(done.defect)
          if (!(done instanceof Response)) return yield* failed(done.cause)
          response = done
        } else {
          const { status, text, ...answer } = yield* Effect.mapError(
            inner.fetch({ url, method: method as "GET", headers, body }),
            failed
          )
          response = new Response(text, { status, headers: { ...answer.headers } })
        }
        return HttpClientResponse.fromWeb(request, response)
      })
    })
  const place: Place = {
    there,
    planted,
    trick: undefined,
    turn: 0,
    layer: SafeFetch.layer().pipe(
      Layer.provide(Layer.effect(HttpClient.HttpClient, Effect.map(SafeFetch.SafeFetch, client))),
      Layer.provideMerge(there.layer)
    )
  }
  return place
}

/** The secret in a header of `client_secret_basic`. */
const decoded = (authorization = "Basic "): string =>
  decodeURIComponent(atob(authorization.slice(6)).split(":")[1] ?? "").replaceAll("+", " ")

const json = (status: number, body: unknown): Response => Response.json(body, { status })

const broken = (said: string) => Object.assign(new Error("socket hang up"), { code: "ECONNRESET", data: said })

/** What it has been told just now it may quote. */
const refusals: { readonly [what: string]: Trick } = {
  "refuses in words that have it": ({ told }) =>
    json(400, { error: "invalid_grant", error_description: `"${told}" is none of mine` }),
  "refuses in words that have it, at length": ({ told }) =>
    json(401, { error: "invalid_client", error_description: `${"x".repeat(300 - 8)}${told}` }),
  "refuses with a code that is it": ({ told }) => json(400, { error: told })
}

/** What it says here nobody passes on, so that it may have been told long ago, or be a token that is to be given out. */
const failures: { readonly [what: string]: Trick } = {
  "breaks down and shows it": ({ both }) => new Response(both, { status: 500, headers: headersWith(both) }),
  "answers with a page": ({ both }) => new Response(`<p>${both}`, { headers: { "content-type": "text/html" } }),
  "answers with JSON that is torn": ({ given }) => new Response(`{"access_token":"${given}`),
  "answers with a token of no type": ({ given }) => json(200, { access_token: given, refresh_token: given }),
  "answers with a token of an unknown type": ({ given }) => json(200, { access_token: given, token_type: given }),
  "answers with a token that is none": ({ given }) => json(200, { access_token: [given], token_type: "Bearer" }),
  "answers with a scope that is none": ({ given }) =>
    json(200, { access_token: given, token_type: "Bearer", scope: [given], refresh_token: given }),
  "answers with a token that lasts for nonsense": ({ given }) =>
    json(200, { access_token: given, token_type: "Bearer", expires_in: given, refresh_token: given }),
  "answers with a token that lasts too long for a number": ({ given }) =>
    json(200, { access_token: given, token_type: "Bearer", expires_in: 1e306, refresh_token: given }),
  "answers with a header that is none": ({ both }) => new Response("{}", { headers: headersWith(both) }),
  "answers with a status that is none": () => json(599, {}),
  "leads elsewhere": ({ both }) =>
    new Response(null, {
      status: 302,
      headers: { location: `https://x.example/?code=${encodeURIComponent(both)}` }
    }),
  "leads nowhere": ({ both }) =>
    new Response(null, { status: 307, headers: { location: `https://[${encodeURIComponent(both)}` } }),
  "is not there": () => ({
    cause: Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" })
  }),
  "closes the connection": ({ both }) => ({
    cause: new Error("fetch failed", { cause: broken(both) })
  }),
  "breaks off": ({ both, given }) =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode(`{"access_token":"${given}`)),
        pull: (controller) => controller.error(broken(both))
      })
    ),
  "is asked by a client that breaks": ({ both }) => ({ defect: new Error(both) }),
  "does not end": ({ both }) => new Response(both.repeat(30_000)),
  "says nothing": () => "silent"
}

const headersWith = (said: string): Record<string, string> => ({
  "www-authenticate": `Bearer error="${encodeURIComponent(said)}"`,
  "x-echo": encodeURIComponent(said)
})

// ----------------------------------------------------------------------------
// who
// ----------------------------------------------------------------------------

type Grant = OAuthClient.Options<UserAgent.UserAgent>["grant"]

interface Way {
  readonly grant: Grant
  readonly setup?: (there: world.World) => void
}

const takes = (methods: ReadonlyArray<string>) => (there: world.World) => {
  there.documents[`${issuer}/.well-known/oauth-authorization-server`] = {
    ...world.metadata,
    token_endpoint_auth_methods_supported: methods
  }
}

const arranged = { clientId: "app", clientSecret: Redacted.make(secret) }

const signing = (key: string | typeof jwk, algorithm = "ES256") => ({
  clientId: "app",
  signingKey: { key: Redacted.make(key as string), algorithm }
})

const ways: { readonly [name: string]: Way } = {
  "a person": { grant: AuthorizationCode.make() },
  "a person, with a client that is registered with a secret": {
    grant: AuthorizationCode.make(),
    setup: (there) => {
      takes(["client_secret_basic"])(there)
      there.registration = { client_secret: secret }
    }
  },
  "a person, with a secret in the body": {
    grant: AuthorizationCode.make({ credentials: arranged }),
    setup: takes(["client_secret_post"])
  },
  "a person, with a key": { grant: AuthorizationCode.make({ credentials: signing(pem) }) },
  "a person, with tokens bound to a key": {
    grant: AuthorizationCode.make(),
    setup: (there) => {
      there.tokenType = "DPoP"
      const place = "https://mcp.acme.example/.well-known/oauth-protected-resource/mcp"
      there.documents[place] = { ...there.documents[place], dpop_bound_access_tokens_required: true }
    }
  },
  "a program with a secret": { grant: ClientCredentials.make(arranged) },
  "a program with a secret in the body": {
    grant: ClientCredentials.make(arranged),
    setup: takes(["client_secret_post"])
  },
  "a program with a key in PEM": { grant: ClientCredentials.make(signing(pem)) },
  "a program with a JWK": { grant: ClientCredentials.make(signing(jwk)) },
  "a program with a key of another kind": { grant: ClientCredentials.make(signing(pem, "RS256")) },
  "a program with a symmetric key": { grant: ClientCredentials.make(signing(symmetric, "HS256")) },
  "the company": {
    grant: EnterpriseManaged.make({
      credentials: arranged,
      identityProvider: {
        issuer: "https://idp.corp.example",
        tokenEndpoint: "https://idp.corp.example/token",
        credentials: { clientId: "app-at-idp", clientSecret: Redacted.make(secret) },
        idToken: Effect.succeed(Redacted.make(idToken))
      }
    })
  },
  "the platform": {
    grant: WorkloadIdentity.make({ clientId: "app", assertion: () => Effect.succeed(Redacted.make(assertion)) })
  }
}

// ----------------------------------------------------------------------------
// how
// ----------------------------------------------------------------------------

const tell = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  effect.pipe(
    Effect.withSpan(what),
    Effect.exit,
    Effect.tap((exit) => Exit.isFailure(exit) ? Effect.logDebug(what, exit.cause) : Effect.void)
  )

/** All the while nothing is said that is planted, or in a request. */
const isKept = (place: Place, body: Effect.Effect<void, unknown, Scope.Scope | Layer.Success<Place["layer"]>>) =>
  Effect.gen(function*() {
    const { exit, said } = yield* overheard(Effect.provide(Effect.scoped(body), place.layer))
    yield* exit
    const planted = [...place.planted, ...place.there.seen.flatMap(secretsIn)].flatMap(partsOf)
    assertUnheard(said, planted.filter((text) => text.length > 5))
  })

const anew = { challenge: "Bearer error=\"invalid_token\"" }

describe("what is secret", () => {
  for (const [name, { grant, setup }] of Object.entries(ways)) {
    it.effect(`is kept where a token is got by ${name}`, () => {
      const place = makePlace()
      const { there } = place
      setup?.(there)
      return isKept(
        place,
        Effect.gen(function*() {
          const client = yield* OAuthClient.make({ address, grant, scopes: ["notes:read"] })
          yield* tell("login", client.refused(refusal(undefined)))
          yield* tell("log what is held", Effect.flatMap(client.current, (held) => Effect.log(held, client)))
          yield* TestClock.adjust("3580 seconds")
          yield* tell("renew", client.current)
          yield* tell(
            "step up",
            Effect.flatMap(client.current, (sent) =>
              client.refused(refusal(sent, {
                status: 403,
                challenge: "Bearer error=\"insufficient_scope\", scope=\"notes:write\""
              })))
          )
          for (const [what, trick] of [...Object.entries(refusals), ...Object.entries(failures)]) {
            place.turn = 0
            for (let i = 0; i < (what in refusals ? 8 : 2); i++) {
              place.trick = trick
              const sent = yield* Effect.orElseSucceed(client.current, () => undefined)
              const trying = yield* Effect.forkChild(tell(what, client.refused(refusal(sent, anew))))
              while (what === "says nothing" && trying.pollUnsafe() === undefined) yield* TestClock.adjust("11 seconds")
              yield* Fiber.join(trying)
              place.trick = undefined
              yield* tell("again", client.refused(refusal(sent, anew)))
            }
          }
        })
      )
    })
  }

  it.effect("is kept where a login is refused, or comes back from somewhere else", () => {
    const place = makePlace()
    const { there } = place
    const answers: ReadonlyArray<(state: string, code: string) => { readonly [name: string]: string }> = [
      (state) => ({ error: "access_denied", error_description: `${state} is none` }),
      (_, code) => ({ error: "access_denied", error_description: `${code} is none` }),
      (_, code) => ({ error: code }),
      (state) => ({ error: state, iss: issuer }),
      (_, code) => ({ iss: code }),
      (state) => ({ iss: state }),
      (state) => ({ state: `${state}x` }),
      () => ({ response: "x" }),
      () => ({ code: "" })
    ]
    return isKept(
      place,
      Effect.gen(function*() {
        for (const answer of answers) {
          there.answer = (parameters) => ({
            iss: issuer,
            ...answer(parameters.get("state")!, [...place.planted].at(-1)!)
          })
          const client = yield* OAuthClient.make({ address, grant: AuthorizationCode.make() })
          assert.isTrue(Exit.isFailure(yield* tell("login", client.refused(refusal(undefined)))))
        }
      })
    )
  })

  it.effect("is kept where a login is interrupted, by who waits or by the end of all", () => {
    const place = makePlace()
    const { there } = place
    there.hold = Effect.never
    return isKept(
      place,
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const client = yield* Scope.provide(OAuthClient.make({ address, grant: AuthorizationCode.make() }), scope)
        const login = () => Effect.forkChild(tell("login", client.refused(refusal(undefined))))
        const first = yield* login()
        yield* there.saw("token")
        yield* Fiber.interrupt(first)
        const second = yield* login()
        yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.join(second)
      })
    )
  })

  it.effect("is kept where the store breaks, over a value or without one", () => {
    const failed = (method: string, key: string, value = "") =>
      Effect.fail(
        new KeyValueStore.KeyValueStoreError({
          method,
          key,
          message: `Cannot keep ${value}`,
          cause: Object.assign(new Error(`failing row contains (${value})`), { code: "23514", detail: value })
        })
      )
    const kept = new Map<string, string>()
    let isBroken = false
    const store = TokenStore.layerKeyValueStore.pipe(Layer.provide(Layer.succeed(
      KeyValueStore.KeyValueStore,
      KeyValueStore.makeStringOnly({
        get: (key) => isBroken ? failed("get", key, kept.get(key)) : Effect.succeed(kept.get(key)),
        set: (key, value) => isBroken ? failed("set", key, value) : Effect.sync(() => void kept.set(key, value)),
        remove: (key) => isBroken ? failed("remove", key, kept.get(key)) : Effect.sync(() => void kept.delete(key)),
        clear: Effect.void,
        size: Effect.succeed(0),
        keys: Effect.succeed([])
      })
    )))
    const place = makePlace(store)
    return isKept(
      place,
      Effect.gen(function*() {
        const { there } = place
        const make = OAuthClient.make({ address, grant: AuthorizationCode.make() })
        const breaking = Effect.sync(() => isBroken = true)
        there.hold = breaking
        const client = yield* make
        const end = yield* tell("login", client.refused(refusal(undefined)))
        assert.include(String(Exit.isFailure(end) ? end.cause : end), "The store of tokens does not answer (23514)")
        yield* tell("load", Effect.flatMap(make, ({ current }) => current))
        isBroken = false
        there.hold = Effect.void
        yield* tell("login", client.refused(refusal(undefined)))
        there.hold = breaking
        yield* TestClock.adjust("1 hour")
        yield* tell("renew", client.current)
      })
    )
  })

  it.effect("is kept where what was kept is broken, or sealed with another key", () => {
    const kept = new Map<string, string>()
    const inner = Layer.succeed(TokenStore.TokenStore, {
      get: (key) => Effect.sync(() => kept.has(key) ? Redacted.make(kept.get(key)!) : undefined),
      set: (key, value) => Effect.sync(() => void kept.set(key, Redacted.value(value))),
      remove: (key) => Effect.sync(() => void kept.delete(key)),
      lock: () => Effect.void
    })
    const place = makePlace(inner)
    const { there } = place
    ways["a person, with tokens bound to a key"]!.setup!(there)
    const login = Effect.gen(function*() {
      const client = yield* OAuthClient.make({ address, grant: AuthorizationCode.make(), dpop: "always" })
      yield* tell("load", client.current)
      yield* tell("login", client.refused(refusal(undefined)))
      return yield* Effect.flatMap(client.current, (held) => Effect.log(held))
    })
    const sealed = (key: string) =>
      Effect.provide(login, TokenStore.encrypted({ key: Redacted.make(key) })(inner), { local: true })
    return isKept(
      place,
      Effect.gen(function*() {
        yield* login
        const whole = [...kept]
        const { key: { d } } = JSON.parse(kept.get(`token/${address.href}`)!)
        place.planted.add(d)
        const changes: ReadonlyArray<(text: string) => string> = [
          (text) => text.slice(0, -9),
          (text) => `${text}x`,
          (text) => JSON.stringify(text),
          (text) => text.replace("\"EC\"", "\"RSA\""),
          (text) => text.replace(d, `${d}!!`),
          (text) => text.replace("\"access\":\"", "\"access\":[\"").replace("\",\"type\"", "\"],\"type\"")
        ]
        for (const change of changes) {
          for (const [key, text] of whole) kept.set(key, change(text))
          yield* tell("broken", login)
        }
        yield* tell("not sealed", sealed(encryptionKey))
        yield* tell("sealed", sealed(encryptionKey))
        yield* tell("sealed with another key", sealed(`another${encryptionKey}`))
        yield* tell("sealed with a key too short", sealed("Pl4ntedSh0rtKey"))
        place.planted.add("Pl4ntedSh0rtKey")
      })
    )
  })

  it.effect("is kept by a browser without a person", () => {
    const place = makePlace()
    const { there } = place
    const steps: ReadonlyArray<(back: URL) => Response | { readonly cause: unknown }> = [
      (back) => new Response(null, { status: 302, headers: { location: back.href } }),
      ({ search }) => new Response(null, { status: 302, headers: { location: `/consent${search}` } }),
      ({ href }) => new Response(href, { status: 500 }),
      ({ href }) => ({ cause: broken(href) })
    ]
    let step = steps[0]!
    const client = HttpClient.make((request, url) =>
      Effect.suspend(() => {
        const { redirect_uri, state } = Object.fromEntries(url.searchParams)
        place.planted.add(state!)
        const back = new URL(redirect_uri ?? "/", url)
        for (const [name, value] of Object.entries({ code: "Pl4ntedC0de", state: state!, iss: issuer })) {
          back.searchParams.set(name, value)
        }
        const done = step(back)
        return done instanceof Response
          ? Effect.succeed(HttpClientResponse.fromWeb(request, done))
          : Effect.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({ request, cause: done.cause })
            })
          )
      })
    )
    there.good.add("Pl4ntedC0de")
    place.planted.add("Pl4ntedC0de")
    return isKept(
      place,
      Effect.gen(function*() {
        for (step of steps) {
          const login = yield* OAuthClient.make({ address, grant: AuthorizationCode.make() })
          yield* tell("login", login.refused(refusal(undefined)))
        }
      }).pipe(Effect.provide(
        UserAgent.layerHeadless({ redirectUri: world.redirectUri }).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
        ),
        { local: true }
      ))
    )
  })
})
