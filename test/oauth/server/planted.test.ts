/** What is secret at an authorization server is found nowhere else, whatever goes wrong. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Headers from "effect/http/Headers"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { McpServer } from "fastmcp-effect"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodePasswordHash from "fastmcp-effect/node/NodePasswordHash"
import * as OidcProvider from "fastmcp-effect/oauth/oidc/OidcProvider"
import * as UserClaims from "fastmcp-effect/oauth/oidc/UserClaims"
import * as RedactedUrls from "fastmcp-effect/oauth/RedactedUrls"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import type * as Client from "fastmcp-effect/oauth/server/Client"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import * as OAuthStoreRedis from "fastmcp-effect/oauth/server/OAuthStoreRedis"
import * as OAuthStoreSql from "fastmcp-effect/oauth/server/OAuthStoreSql"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as PasswordHash from "fastmcp-effect/oauth/server/PasswordHash"
import * as PasswordLogin from "fastmcp-effect/oauth/server/PasswordLogin"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import { createServer } from "node:http"
import { assertUnheard, overheard } from "../../support/overheard.ts"
import { needing, redis } from "../../support/services.ts"
import { tv } from "./devices.ts"
import { dumpRedis, dumpSql, keys, onDatabases } from "./places.ts"
import * as planted from "./planted.ts"
import * as world from "./world.ts"

// ----------------------------------------------------------------------------
// the server
// ----------------------------------------------------------------------------

const signer = await planted.signingKey

const ring = await Effect.runPromise(Effect.all([SigningKeys.generate("ES256", 0)]))

/** Cheap to make, and made with less than the server wants, so that it makes another. */
const hashing = (passes: number) => NodePasswordHash.layer({ memory: 8, passes, parallelism: 1 })

const oldHash = await Effect.runPromise(
  Effect.provide(
    Effect.flatMap(PasswordHash.PasswordHash, ({ hash }) => hash(Redacted.make(planted.password))),
    hashing(1)
  )
)

const clients: ReadonlyArray<Client.Options> = [
  world.app,
  {
    ...world.backend,
    secret: Redacted.make(planted.clientSecret),
    postLogoutRedirectUris: [world.redirectUri]
  },
  { id: planted.signer, redirectUris: [world.redirectUri], keys: [{ ...signer.jwk, kty: String(signer.jwk.kty) }] },
  { id: "remote", redirectUris: [world.redirectUri], jwksUri: "https://remote.example/jwks" },
  tv
]

const options: OidcProvider.Options = {
  ...world.options,
  clients,
  registration: true,
  dpopNonces: { secret: Redacted.make(planted.nonceSecret) }
}

interface Own {
  readonly store?: Layer.Layer<OAuthStore.OAuthStore, unknown>
  readonly digest?: Layer.Layer<Digest.Digest>
  readonly users?: Layer.Layer<UserStore.UserStore>
  readonly pages?: Layer.Layer<Pages.Pages>
  readonly fetch?: SafeFetch.SafeFetch["Service"]["fetch"]
}

const anna: UserStore.User = { subject: "1", username: "anna", passwordHash: oldHash, name: "Anna" }

/** With a store that tells what it is given. */
const layerOf = (place: planted.Place, own: Own) => {
  const store = Layer.effect(
    OAuthStore.OAuthStore,
    Effect.map(OAuthStore.OAuthStore, (inner) => listening(inner, (text) => place.stored.push(text)))
  ).pipe(Layer.provide(own.store ?? OAuthStore.layerMemory()))
  return OidcProvider.layer(options).pipe(
    Layer.provide(UserClaims.layer({ 1: { name: "Anna" } })),
    Layer.provide(PasswordLogin.layer({ attempts: 1000, attemptsPerUser: 1000 })),
    Layer.provide(Consent.layer()),
    Layer.provide([
      own.pages ?? Pages.layer(),
      SigningKeys.layer(Redacted.make(ring)),
      hashing(2),
      own.users ?? UserStore.layerMemory([anna]),
      own.digest ?? Digest.layerWebCrypto,
      SecureRandom.layerWebCrypto,
      Layer.succeed(SafeFetch.SafeFetch, {
        fetch: own.fetch ?? world.unreachable,
        check: (url) => Effect.succeed(new URL(url))
      }),
      store
    ])
  )
}

type Store = OAuthStore.OAuthStore["Service"]

/** Each operation with what goes in and what comes out, before it is done and after. */
const around = (
  inner: Store,
  change: (text: string, call: Effect.Effect<any, OAuthStoreError.OAuthStoreError>) => typeof call
): Store =>
  ({
    ...inner,
    ...Object.fromEntries(
      (["putOnce", "get", "takeOnce", "replace", "remove", "endGrant", "count"] as const).map((name) => [
        name,
        (...args: ReadonlyArray<any>) =>
          change(`${name} ${JSON.stringify(args)}`, (inner[name] as (...args: ReadonlyArray<any>) => any)(...args))
      ])
    )
  }) as Store

const listening = (inner: Store, hear: (text: string) => void): Store =>
  around(inner, (text, call) => {
    hear(text)
    return Effect.tap(call, (answer) => Effect.sync(() => hear(JSON.stringify(answer) ?? "")))
  })

/** Says what it was to do. */
const broken = (said: string): Effect.Effect<never, OAuthStoreError.OAuthStoreError> =>
  Effect.fail(OAuthStoreError.make(
    new OAuthStoreError.Unavailable({
      cause: Object.assign(new Error(`failing row contains (${said})`), { code: "23514", detail: said })
    })
  ))

// ----------------------------------------------------------------------------
// what is looked through
// ----------------------------------------------------------------------------

const isKept = (
  place: planted.Place,
  own: Own,
  body: Effect.Effect<void, unknown, AuthorizationServer.AuthorizationServer | Scope.Scope>,
  isToSucceed = true
) =>
  Effect.gen(function*() {
    for (const { jwk } of ring) place.planted.add(String(jwk["d"]))
    place.planted.add(oldHash)
    // What an assertion says is not of the server.
    const { exit: made, said } = yield* overheard(
      Effect.provide(Effect.exit(Effect.scoped(body)), layerOf(place, own), { local: true })
    )
    const exit = yield* made
    if (isToSucceed) yield* exit
    assertUnheard([...said, ...place.events], place.planted)
    assertUnheard(place.stored, [...place.planted].filter((secret) => !place.shown.has(secret)))
    return exit
  })

const walks = (place: planted.Place) => planted.walk(place, Object.values(planted.stages))

describe("what is secret", () => {
  it.effect("is kept in memory", () =>
    Effect.gen(function*() {
      const place = planted.makePlace()
      yield* isKept(place, {}, walks(place))
      const tags = new Set(place.events.map((event) => JSON.parse(event)._tag))
      assert.deepStrictEqual([...tags].toSorted(), [
        "Consented",
        "Failed",
        "Issued",
        "LoggedIn",
        "LoggedOut",
        "Registered",
        "Replayed",
        "Revoked"
      ])
    }))

  onDatabases((name, database) => {
    it.effect(`is kept on ${name}`, () =>
      Effect.gen(function*() {
        const there = yield* database
        const place = planted.makePlace(dumpSql(there))
        const store = OAuthStoreSql.layer({ prefix: there.prefix }).pipe(Layer.provide(there.client()))
        yield* isKept(place, { store }, walks(place))
      }), 60_000)
  })

  it.effect("is kept wherever the store fails, over a value or without one", () =>
    Effect.gen(function*() {
      for (const stage of [planted.stages.person, planted.stages.programs, planted.stages.device]) {
        let isOver = false
        let failing = 0
        for (; !isOver; failing++) {
          let count = 0
          const place = planted.makePlace()
          const store = Layer.effect(
            OAuthStore.OAuthStore,
            Effect.map(OAuthStore.OAuthStore, (inner) =>
              around(inner, (text, call) => Effect.suspend(() => count++ === failing ? broken(text) : call)))
          ).pipe(Layer.provide(OAuthStore.layerMemory()))
          yield* isKept(place, { store }, planted.walk(place, [stage]), false)
          // What is not needed may fail.
          isOver = count <= failing
        }
        assert.isAbove(failing, 20)
      }
    }), 60_000)

  it.effect("is kept where the users cannot be had, or not written", () =>
    Effect.gen(function*() {
      const users = UserStore.layerMemory([anna])
      const failing = (which: "find" | "rehash") =>
        Layer.effect(
          UserStore.UserStore,
          Effect.map(UserStore.UserStore, (inner): UserStore.UserStore["Service"] => ({
            ...inner,
            [which]: (...args: ReadonlyArray<unknown>) => broken(JSON.stringify(args))
          }))
        ).pipe(Layer.provide(users))
      for (const which of ["find", "rehash"] as const) {
        const place = planted.makePlace()
        yield* isKept(place, { users: failing(which) }, planted.walk(place, [planted.stages.person]), which !== "find")
      }
    }))

  it.effect("is kept where what others have cannot be fetched, or is none", () =>
    Effect.gen(function*() {
      const fail = (reason: SafeFetch.Reason) => Effect.fail(new SafeFetch.SafeFetchError({ reason }))
      const answering = (status: number, text: string) => () => Effect.succeed({ status, headers: Headers.empty, text })
      const ways: ReadonlyArray<NonNullable<Own["fetch"]>> = [
        world.unreachable,
        ({ url }) => fail(new SafeFetch.TooLarge({ url, limit: 1 })),
        answering(500, planted.password),
        answering(200, planted.password),
        answering(200, JSON.stringify({ keys: [{}] }))
      ]
      for (const fetch of ways) {
        const place = planted.makePlace()
        yield* isKept(place, { fetch }, planted.walk(place, [planted.remote]))
      }
    }))

  needing(redis, () =>
    it.effect("is kept on Redis", () =>
      Effect.gen(function*() {
        const there = yield* keys
        const place = planted.makePlace(dumpRedis(there))
        const store = OAuthStoreRedis.layer({ prefix: there.prefix }).pipe(Layer.provide(there.client()))
        yield* isKept(place, { store }, walks(place))
      }), 60_000))
})

describe("an address that has a secret in it", () => {
  const secrets = ["C0de", "St4te", "Us3r", "R3quest", "H1nt", "T4rget", "T0ken", "Cl1ent", "C00kie", "Pr0of"].map(
    (name) => `Pl4nted/${name} ü`
  )
  const [code, state, userCode, request, hint, target, token, client, cookie, proof] = secrets as [
    string,
    ...Array<any>
  ]
  const asked: ReadonlyArray<readonly [path: string, query: Readonly<Record<string, string>>]> = [
    ["/callback", { code, state }],
    ["/device", { user_code: userCode }],
    ["/authorize", { client_id: "app", request_uri: `urn:ietf:params:oauth:request_uri:${request}`, state }],
    ["/logout", { id_token_hint: hint, post_logout_redirect_uri: world.redirectUri, state }],
    ["/logout/confirm", { target: `https://app.example/?state=${target}` }],
    ["/token", { client_secret: client, refresh_token: token, code }]
  ]

  const server = Layer.orDie(layerOf(planted.makePlace(), {}))
  const app = Layer.provide(AuthorizationServer.routes, server)

  const beside = (options: NodeHttp.Options) =>
    Effect.map(
      Layer.build(
        NodeHttp.layer({ port: 0, ...options }).pipe(Layer.provide(McpServer.layer({ name: "x", version: "1.0.0" })))
      ),
      (context) => new URL(Context.get(context, NodeHttp.Address).url).origin
    )

  const mounts: { readonly [name: string]: Effect.Effect<string, unknown, Scope.Scope> } = {
    "NodeHttp with routes": beside({ routes: app }),
    "NodeHttp with an authorizationServer": beside({ authorizationServer: server }),
    "HttpRouter.serve": Effect.map(
      Layer.build(
        HttpRouter.serve(app, { disableListenLog: true }).pipe(
          Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
          Layer.provide(RedactedUrls.layer)
        )
      ),
      (context) => {
        const { address } = Context.get(context, HttpServer.HttpServer)
        return `http://127.0.0.1:${"port" in address ? address.port : 0}`
      }
    )
  }

  for (const [name, mount] of Object.entries(mounts)) {
    it.live(`is in no span without it: ${name}`, () =>
      Effect.gen(function*() {
        const { exit, said } = yield* overheard(Effect.gen(function*() {
          const origin = yield* mount
          for (const [path, query] of asked) {
            for (const method of ["GET", "POST"]) {
              yield* Effect.promise(async () =>
                (await fetch(`${origin}${path}?${new URLSearchParams(query)}`, {
                  method,
                  headers: {
                    authorization: `Bearer ${encodeURIComponent(token)}`,
                    cookie: `__Host-session=${encodeURIComponent(cookie)}`,
                    dpop: encodeURIComponent(proof)
                  }
                })).text()
              )
            }
          }
        }))
        yield* exit
        const text = said.join("\n")
        for (const [path] of asked) assert.include(text, `${path}?`)
        assertUnheard(said, secrets)
      }))
  }
})

describe("what is not kept is found", () => {
  const isFound = (own: Own) =>
    Effect.gen(function*() {
      const place = planted.makePlace()
      const exit = yield* Effect.exit(isKept(place, own, planted.walk(place, [planted.stages.person]), false))
      assert.match(String(Exit.isFailure(exit) ? exit.cause : exit), / is in\n/u)
    })

  it.effect("in a log", () =>
    isFound({
      users: Layer.effect(
        UserStore.UserStore,
        Effect.map(UserStore.UserStore, (inner): UserStore.UserStore["Service"] => ({
          ...inner,
          find: (name) => Effect.tap(inner.find(name), (user) => Effect.logTrace("found", user))
        }))
      ).pipe(Layer.provide(UserStore.layerMemory([anna])))
    }))

  it.effect("in the store", () =>
    isFound({
      digest: Layer.succeed(Digest.Digest, {
        digest: (_, data) => Effect.succeed(data),
        digestHex: () => Effect.succeed("")
      })
    }))

  it.effect("on a page", () =>
    isFound({
      pages: Layer.effect(
        Pages.Pages,
        Effect.map(Pages.Pages, (inner) => ({
          ...inner,
          login: (page) => inner.login({ ...page, client: page.csrf })
        }))
      ).pipe(Layer.provide(Pages.layer()))
    }))
})
