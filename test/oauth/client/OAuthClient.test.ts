import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as AuthorizationCode from "fastmcp-effect/oauth/client/AuthorizationCode"
import * as ClientCredentials from "fastmcp-effect/oauth/client/ClientCredentials"
import * as OAuthClient from "fastmcp-effect/oauth/client/OAuthClient"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import type * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as world from "./world.ts"

const { address, issuer, refusal } = world

const browser = (options: { readonly account?: string } = {}) =>
  OAuthClient.make({ address, grant: AuthorizationCode.make(), ...options })

const textOf = (held: OAuthClient.Held | undefined): string | undefined =>
  held === undefined ? undefined : Redacted.value(held.token.access)

const reasonOf = <A>(effect: Effect.Effect<A, OAuthError.OAuthError>) =>
  Effect.matchEffect(effect, {
    onSuccess: () => Effect.die(new Error("it went well")),
    onFailure: ({ reason }) => Effect.succeed(reason)
  })

/** A client that has a token, got by logging in. */
const loggedIn = Effect.gen(function*() {
  const client = yield* browser()
  yield* client.refused(refusal(undefined))
  return { client, held: yield* client.current }
})

const run = (
  name: string,
  body: (
    there: world.World
  ) => Effect.Effect<void, OAuthError.OAuthError, Scope.Scope | Layer.Success<world.World["layer"]>>
) =>
  it.effect(name, () => {
    const there = world.make()
    return Effect.provide(Effect.scoped(body(there)), there.layer)
  })

describe("getting in", () => {
  run(
    "from a bare refusal to a token, by way of what the servers say of themselves",
    (there) =>
      Effect.gen(function*() {
        const client = yield* browser()
        assert.isUndefined(yield* client.current)
        yield* client.refused(refusal(undefined))
        const held = yield* client.current
        assert.strictEqual(held?.token.type, "Bearer")
        assert.deepStrictEqual(there.seen.map(({ method, url }) => `${method} ${url}`), [
          "GET https://mcp.acme.example/.well-known/oauth-protected-resource/mcp",
          `GET ${issuer}/.well-known/oauth-authorization-server`,
          `POST ${issuer}/register`,
          `GET ${issuer}/authorize`,
          `POST ${issuer}/token`
        ])
        const [authorize, token] = there.seen.slice(-2)
        assert.strictEqual(authorize?.params.resource, address.href)
        assert.strictEqual(token?.params.resource, address.href)
        assert.strictEqual(authorize?.params.scope, "notes:read")
        assert.strictEqual(authorize?.params.code_challenge_method, "S256")
      })
  )

  run("forty requests that are refused at once are one login", (there) =>
    Effect.gen(function*() {
      const client = yield* browser()
      yield* Effect.all(Array.from({ length: 40 }, () => client.refused(refusal(undefined))), {
        concurrency: "unbounded"
      })
      assert.strictEqual(there.count("authorize"), 1)
      assert.strictEqual(there.count("token"), 1)
    }))

  run("a login that comes to nothing is that for all who wait for it", (there) =>
    Effect.gen(function*() {
      there.answer = () => ({ iss: issuer, error: "access_denied" })
      const client = yield* browser()
      const reasons = yield* Effect.all(
        Array.from({ length: 40 }, () => reasonOf(client.refused(refusal(undefined)))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(there.count("authorize"), 1)
      for (const reason of reasons) assert.deepInclude(reason, { _tag: "Refused", code: "access_denied" })
    }))

  run("two programs that share their store are one login", (there) =>
    Effect.gen(function*() {
      const [first, second] = [yield* browser(), yield* browser()]
      yield* Effect.all([first.refused(refusal(undefined)), second.refused(refusal(undefined))], {
        concurrency: "unbounded"
      })
      assert.strictEqual(there.count("authorize"), 1)
      assert.strictEqual(textOf(yield* first.current), textOf(yield* second.current))
    }))

  run("a later program finds the token of the one before", (there) =>
    Effect.gen(function*() {
      const { held } = yield* Effect.scoped(loggedIn)
      assert.strictEqual(textOf(yield* (yield* browser()).current), textOf(held))
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run("accounts have tokens of their own", () =>
    Effect.gen(function*() {
      const anna = yield* browser({ account: "anna" })
      yield* anna.refused(refusal(undefined))
      assert.isDefined(yield* anna.current)
      assert.isUndefined(yield* (yield* browser({ account: "ben" })).current)
    }))

  run("whoever stops waiting for a login does not stop it", (there) =>
    Effect.gen(function*() {
      const gate = Latch.makeUnsafe()
      there.hold = gate.await
      const client = yield* browser()
      const waiting = yield* Effect.forkChild(client.refused(refusal(undefined)), { startImmediately: true })
      yield* there.saw("token")
      yield* Fiber.interrupt(waiting)
      gate.openUnsafe()
      yield* client.refused(refusal(undefined))
      assert.strictEqual(there.count("authorize"), 1)
      assert.isDefined(yield* client.current)
    }))

  run("the end of the program ends a login, and who waits for it", (there) =>
    Effect.gen(function*() {
      there.hold = Effect.never
      const scope = yield* Scope.make()
      const client = yield* Scope.provide(browser(), scope)
      const waiting = yield* Effect.forkChild(client.refused(refusal(undefined)), { startImmediately: true })
      yield* there.saw("token")
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Fiber.await(waiting)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
    }))

  run("a token that is refused at once is not asked for again", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      const reason = yield* reasonOf(client.refused(refusal(held, { attempt: 2 })))
      assert.strictEqual(reason._tag, "TokenRejected")
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run("a person is not asked for the sake of what nobody waits for", (there) =>
    Effect.gen(function*() {
      const client = yield* browser()
      const reason = yield* reasonOf(client.refused(refusal(undefined, { isWaitedFor: false })))
      assert.strictEqual(reason._tag, "LoginRequired")
      assert.strictEqual(there.count("authorize"), 0)
    }))

  run("lasting access is asked for where the server has a scope for it", (there) =>
    Effect.gen(function*() {
      there.documents[`${issuer}/.well-known/oauth-authorization-server`] = {
        ...world.metadata,
        scopes_supported: ["notes:read", "offline_access"]
      }
      yield* loggedIn
      const { params } = there.seen.find(({ url }) => url.endsWith("/authorize"))!
      assert.strictEqual(params.scope, "notes:read offline_access")
      assert.strictEqual(params.prompt, "consent")
    }))
})

describe("renewing", () => {
  run("a token is renewed half a minute before its end, once for all who ask", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      yield* TestClock.adjust("3569 seconds")
      assert.strictEqual(textOf(yield* client.current), textOf(held))
      yield* TestClock.adjust("2 seconds")
      const all = yield* Effect.all(Array.from({ length: 20 }, () => client.current), { concurrency: "unbounded" })
      assert.strictEqual(there.count("refresh_token"), 1)
      assert.deepStrictEqual([...new Set(all.map(textOf))], [textOf(yield* client.current)])
      assert.notStrictEqual(textOf(all[0]), textOf(held))
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run("a token that lasts for ten seconds is used for five", (there) =>
    Effect.gen(function*() {
      there.lasts = 10
      const { client, held } = yield* loggedIn
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(textOf(yield* client.current), textOf(held))
      yield* TestClock.adjust("2 millis")
      assert.notStrictEqual(textOf(yield* client.current), textOf(held))
      yield* client.current
      assert.strictEqual(there.count("refresh_token"), 1)
    }))

  run("each refresh token is used once, however often it is renewed", (there) =>
    Effect.gen(function*() {
      const { client } = yield* loggedIn
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust("3580 seconds")
        yield* client.current
      }
      assert.strictEqual(there.count("refresh_token"), 5)
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run(
    "what a refresh brought is kept, also when nobody waits for it any more and the program ends",
    (there) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const client = yield* Scope.provide(browser(), scope)
        yield* client.refused(refusal(undefined))
        yield* TestClock.adjust("3580 seconds")
        const gate = Latch.makeUnsafe()
        there.hold = gate.await
        const waiting = yield* Effect.forkChild(client.current, { startImmediately: true })
        yield* there.saw("refresh_token")
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        gate.openUnsafe()
        yield* Fiber.join(closing)
        yield* Fiber.await(waiting)
        there.hold = Effect.void
        const next = yield* browser()
        assert.notStrictEqual(textOf(yield* next.current), undefined)
        yield* TestClock.adjust("3580 seconds")
        yield* next.current
        assert.strictEqual(there.count("refresh_token"), 2)
        assert.strictEqual(there.count("authorize"), 1)
      })
  )

  run("a refused token is renewed without asking a person", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      yield* client.refused(refusal(held, { isWaitedFor: false }))
      assert.notStrictEqual(textOf(yield* client.current), textOf(held))
      assert.strictEqual(there.count("authorize"), 1)
      // Those that were sent with the old one and come back later get the new one.
      yield* client.refused(refusal(held))
      assert.strictEqual(there.count("refresh_token"), 1)
    }))

  run("an authorization server that is down logs nobody out", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      there.refusals.push({ status: 503 }, { status: 400, error: "temporarily_unavailable" })
      for (const tag of ["HttpStatus", "Refused"]) {
        const reason = yield* reasonOf(client.refused(refusal(held)))
        assert.strictEqual(reason._tag, tag)
        assert.isTrue(reason.isRetryable)
      }
      yield* client.refused(refusal(held))
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run(
    "a token that is good still is used while it cannot be renewed, and renewing is given a rest",
    (there) =>
      Effect.gen(function*() {
        const { client, held } = yield* loggedIn
        yield* TestClock.adjust("3580 seconds")
        there.refusals.push({ status: 503 })
        assert.strictEqual(textOf(yield* client.current), textOf(held))
        assert.strictEqual(textOf(yield* client.current), textOf(held))
        assert.strictEqual(there.count("refresh_token"), 1)
        yield* TestClock.adjust("6 seconds")
        assert.notStrictEqual(textOf(yield* client.current), textOf(held))
      })
  )

  run(
    "a refresh token that is of no use any more leads to a login, and is not tried again",
    (there) =>
      Effect.gen(function*() {
        const { client, held } = yield* loggedIn
        there.good.clear()
        yield* TestClock.adjust("3580 seconds")
        assert.strictEqual(textOf(yield* client.current), textOf(held))
        yield* client.refused(refusal(held))
        assert.strictEqual(there.count("refresh_token"), 1)
        assert.strictEqual(there.count("authorize"), 2)
      })
  )

  run("a client that is not known any more registers again", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      there.refusals.push({ status: 401, error: "invalid_client" })
      yield* client.refused(refusal(held))
      assert.strictEqual(there.count("register"), 2)
      assert.strictEqual(there.count("authorize"), 2)
    }))

  run("a program gets its token anew where there is nothing to refresh it with", (there) =>
    Effect.gen(function*() {
      there.refreshes = false
      const client = yield* OAuthClient.make({
        address,
        grant: ClientCredentials.make({ clientId: "nightly", clientSecret: Redacted.make("s3cret") })
      })
      yield* client.refused(refusal(undefined, { isWaitedFor: false }))
      yield* TestClock.adjust("3580 seconds")
      yield* Effect.all(Array.from({ length: 20 }, () => client.current), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        there.seen.filter(({ url }) => url.endsWith("/token")).map(({ params }) => params.grant_type),
        ["client_credentials", "client_credentials"]
      )
    }))
})

describe("scopes", () => {
  const more = (scope: string) =>
    ({ status: 403, challenge: `Bearer error="insufficient_scope", scope="${scope}"` }) as const

  run("the challenge says what to ask for, before anything else does", (there) =>
    Effect.gen(function*() {
      const client = yield* browser()
      yield* client.refused(refusal(undefined, { challenge: "Bearer scope=\"notes:write\"" }))
      assert.strictEqual(there.seen.find(({ url }) => url.endsWith("/authorize"))?.params.scope, "notes:write")
    }))

  run("more are asked for together with those it has", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      yield* client.refused(refusal(held, more("notes:write")))
      const asked = there.seen.filter(({ url }) => url.endsWith("/authorize"))
      assert.deepStrictEqual(asked.map(({ params }) => params.scope), ["notes:read", "notes:read notes:write"])
      assert.strictEqual(there.count("refresh_token"), 0)
    }))

  run("what it has been given is not asked for again", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      const reason = yield* reasonOf(client.refused(refusal(held, more("notes:read"))))
      assert.strictEqual(reason._tag, "InsufficientScope")
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run("asking for what it does not get ends after three times", (there) =>
    Effect.gen(function*() {
      const { client } = yield* loggedIn
      there.grants = "notes:read"
      const once = Effect.gen(function*() {
        yield* client.refused(refusal(yield* client.current, more("notes:write")))
      })
      yield* once
      yield* once
      yield* once
      const reason = yield* reasonOf(once)
      assert.strictEqual(reason._tag, "InsufficientScope")
      assert.strictEqual(there.count("authorize"), 4)
    }))

  run("a login after a refusal asks for all that was asked for before", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      yield* client.refused(refusal(held, more("notes:write")))
      there.good.clear()
      yield* client.refused(refusal(yield* client.current, { challenge: "Bearer scope=\"notes:read\"" }))
      assert.strictEqual(
        there.seen.findLast(({ url }) => url.endsWith("/authorize"))?.params.scope,
        "notes:read notes:write"
      )
    }))
})

describe("whom it deals with", () => {
  const other = "https://login.other.example"

  const move = (there: world.World) => {
    there.documents["https://mcp.acme.example/.well-known/oauth-protected-resource/mcp"] = {
      resource: address.href,
      authorization_servers: [other]
    }
    there.documents[`${other}/.well-known/oauth-authorization-server`] = {
      ...world.metadata,
      issuer: other,
      authorization_endpoint: `${other}/authorize`,
      token_endpoint: `${other}/token`,
      registration_endpoint: `${other}/register`
    }
    there.answer = () => ({ iss: other })
  }

  run("another authorization server gets nothing of what the first has given out", (there) =>
    Effect.gen(function*() {
      const { client, held } = yield* loggedIn
      const known = [...there.good, ...there.seen.flatMap(({ params }) => params.client_id ?? [])]
      move(there)
      yield* client.refused(refusal(held))
      const sent = JSON.stringify(there.seen.filter(({ url }) => url.startsWith(other)))
      assert.isAbove(known.length, 1)
      for (const secret of known) assert.notInclude(sent, secret)
      assert.strictEqual(there.count("register"), 2)
    }))

  run("credentials for one issuer are not sent to another", (there) =>
    Effect.gen(function*() {
      move(there)
      const client = yield* OAuthClient.make({
        address,
        grant: ClientCredentials.make({ clientId: "nightly", clientSecret: Redacted.make("s3cret"), issuer })
      })
      const reason = yield* reasonOf(client.refused(refusal(undefined)))
      assert.deepInclude(reason, { _tag: "IssuerMismatch", where: "credentials", expected: issuer, found: other })
      assert.strictEqual(there.count("token"), 0)
    }))

  run(
    "credentials without an issuer stay with the first that is named, also after a restart",
    (there) =>
      Effect.gen(function*() {
        const grant = ClientCredentials.make({ clientId: "nightly", clientSecret: Redacted.make("s3cret") })
        yield* Effect.scoped(
          Effect.flatMap(OAuthClient.make({ address, grant }), ({ refused }) => refused(refusal(undefined)))
        )
        move(there)
        const client = yield* OAuthClient.make({ address, grant })
        const reason = yield* reasonOf(client.refused(refusal(yield* client.current)))
        assert.deepInclude(reason, { _tag: "IssuerMismatch", where: "credentials" })
        assert.isFalse(there.seen.some(({ url }) => url.startsWith(`${other}/token`)))
      })
  )

  run(
    "of several authorization servers the one is taken that there are credentials for",
    (there) =>
      Effect.gen(function*() {
        move(there)
        there.documents["https://mcp.acme.example/.well-known/oauth-protected-resource/mcp"] = {
          resource: address.href,
          authorization_servers: [other, issuer]
        }
        const client = yield* OAuthClient.make({
          address,
          grant: ClientCredentials.make({ clientId: "nightly", clientSecret: Redacted.make("s3cret"), issuer })
        })
        yield* client.refused(refusal(undefined))
        assert.isTrue(there.seen.some(({ url }) => url === `${issuer}/token`))
      })
  )
})

it.effect("no secret is in what goes wrong, whatever does", () => {
  const there = world.make()
  return Effect.gen(function*() {
    const secrets = () => [...there.good, "s3cret", ...there.seen.flatMap(({ params }) => params.code_verifier ?? [])]
    const { client, held } = yield* loggedIn
    const failures: Array<unknown> = []
    const failing = (effect: Effect.Effect<unknown, OAuthError.OAuthError>) =>
      Effect.map(Effect.exit(effect), (exit) => {
        assert.isTrue(Exit.isFailure(exit))
        failures.push(exit)
      })
    const known = secrets()
    there.refusals.push({ status: 503 })
    yield* failing(client.refused(refusal(held)))
    there.refusals.push({ status: 200 })
    yield* failing(client.refused(refusal(held)))
    there.refusals.push({ status: 400, error: "invalid_grant" }, { status: 400, error: "invalid_grant" })
    yield* failing(client.refused(refusal(held)))
    for (const failure of failures) {
      const text = `${JSON.stringify(failure)} ${
        Exit.isExit(failure) && Exit.isFailure(failure) ? Cause.pretty(failure.cause) : ""
      }`
      for (const secret of [...known, ...secrets(), textOf(held)!]) assert.notInclude(text, secret)
    }
  }).pipe(Effect.scoped, Effect.provide(there.layer))
})

it.effect("a store that does not answer is told, and nobody is asked to log in for it", () => {
  const there = world.make()
  return Effect.gen(function*() {
    const client = yield* browser()
    assert.strictEqual((yield* reasonOf(client.current))._tag, "StoreFailed")
    assert.strictEqual((yield* reasonOf(client.refused(refusal(undefined))))._tag, "StoreFailed")
    assert.strictEqual(there.count("authorize"), 0)
  }).pipe(
    Effect.scoped,
    Effect.provideService(TokenStore.TokenStore, world.brokenStore),
    Effect.provide(there.layer)
  )
})
