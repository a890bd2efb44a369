import { assert, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as LoopbackRedirect from "fastmcp-effect/node/LoopbackRedirect"
import * as UserAgent from "fastmcp-effect/oauth/client/UserAgent"
import type * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as http from "node:http"

const listen = (options: LoopbackRedirect.Options = {}, preferred: ReadonlyArray<string> = []) =>
  Effect.flatMap(UserAgent.UserAgent, (agent) => agent.listen(preferred)).pipe(
    Effect.provide(LoopbackRedirect.layer({ tell: () => Effect.void, open: () => Effect.void, ...options }), {
      local: true
    })
  )

/** A browser's request, which says to which host it believes to speak. */
const get = (url: string, options: http.RequestOptions = {}) =>
  Effect.promise(() =>
    new Promise<{ readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly text: string }>(
      (resolve, reject) =>
        http.request(url, options, (response) => {
          let text = ""
          response.setEncoding("utf8").on("data", (chunk: string) => text += chunk)
          response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }))
        }).on("error", reject).end()
    )
  )

const login = { url: "https://login.acme.example/authorize?client_id=x", state: "s1" }

/** Waits for the browser, with what has come of that so far. */
const visiting = (listening: UserAgent.Listening) =>
  Effect.forkChild(listening.visit(login), { startImmediately: true })

const run = (
  name: string,
  body: () => Effect.Effect<void, OAuthError.OAuthError, Scope.Scope>
) => it.live(name, () => Effect.scoped(body()))

run("sends the browser out, takes what it brings back, and shows a page", () =>
  Effect.gen(function*() {
    const opened = yield* Deferred.make<string>()
    const told = yield* Deferred.make<string>()
    const listening = yield* listen({
      open: (url) => Effect.asVoid(Deferred.succeed(opened, url)),
      tell: (url) => Effect.asVoid(Deferred.succeed(told, url))
    })
    assert.match(listening.redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/callback$/)
    const waiting = yield* visiting(listening)
    assert.strictEqual(yield* Deferred.await(opened), login.url)
    assert.strictEqual(yield* Deferred.await(told), login.url)
    const page = yield* get(`${listening.redirectUri}?code=c1&state=s1&iss=x`)
    assert.deepStrictEqual(Object.fromEntries(yield* Fiber.join(waiting)), { code: "c1", state: "s1", iss: "x" })
    assert.strictEqual(page.status, 200)
    assert.include(page.text, "You are logged in")
    assert.strictEqual(page.headers["cache-control"], "no-store")
    assert.strictEqual(page.headers["referrer-policy"], "no-referrer")
    assert.include(page.headers["content-security-policy"], "default-src 'none'")
  }))

run("a refusal is brought back as well, and nothing of it is shown", () =>
  Effect.gen(function*() {
    const listening = yield* listen()
    const waiting = yield* visiting(listening)
    const page = yield* get(`${listening.redirectUri}?error=access_denied&error_description=<script>&state=s1`)
    assert.strictEqual((yield* Fiber.join(waiting)).get("error"), "access_denied")
    assert.include(page.text, "You are not logged in")
    assert.notInclude(page.text, "script")
    assert.notInclude(page.text, "access_denied")
  }))

run("what does not belong to this login changes nothing of it", () =>
  Effect.gen(function*() {
    const listening = yield* listen()
    const { host, origin } = new URL(listening.redirectUri)
    assert.strictEqual((yield* get(`${listening.redirectUri}?code=early&state=s1`)).status, 400)
    const waiting = yield* visiting(listening)
    for (
      const [url, options, status] of [
        [`${listening.redirectUri}?code=c&state=other`, {}, 400],
        [`${listening.redirectUri}?code=c`, {}, 400],
        [`${listening.redirectUri}?code=c&state=s1`, { method: "POST" }, 404],
        [`${origin}/other?code=c&state=s1`, {}, 404],
        [`${origin}/favicon.ico`, {}, 404],
        // A name of somebody else's that resolves to this machine.
        [
          `${listening.redirectUri}?code=c&state=s1`,
          { headers: { host: host.replace("127.0.0.1", "evil.example") } },
          404
        ]
      ] as const
    ) assert.strictEqual((yield* get(url, options)).status, status, url)
    yield* get(`${listening.redirectUri}?code=right&state=s1`)
    assert.strictEqual((yield* Fiber.join(waiting)).get("code"), "right")
  }))

run("listens at the port it is registered with, and at another where that is taken", () =>
  Effect.gen(function*() {
    const first = yield* Effect.scoped(listen())
    const second = yield* listen({}, [first.redirectUri])
    assert.strictEqual(second.redirectUri, first.redirectUri)
    const third = yield* listen({}, [first.redirectUri, "http://localhost:1/callback", "https://acme.example/callback"])
    assert.notStrictEqual(third.redirectUri, first.redirectUri)
  }))

run("a port that was asked for and is taken is told", () =>
  Effect.gen(function*() {
    const first = yield* listen()
    const told = yield* Effect.match(listen({ port: Number(new URL(first.redirectUri).port) }), {
      onSuccess: () => "it listens",
      onFailure: ({ message }) => message
    })
    assert.include(told, "EADDRINUSE")
  }))

run("its name and its path may be others", () =>
  Effect.gen(function*() {
    const listening = yield* listen({ host: "localhost", path: "/oauth" })
    assert.match(listening.redirectUri, /^http:\/\/localhost:\d+\/oauth$/)
    const waiting = yield* visiting(listening)
    yield* get(`${listening.redirectUri}?code=c&state=s1`)
    yield* Fiber.join(waiting)
  }))

run("nothing listens any more once the scope has ended, whatever browsers keep open", () =>
  Effect.gen(function*() {
    const redirectUri = yield* Effect.scoped(Effect.gen(function*() {
      const listening = yield* listen()
      yield* get(listening.redirectUri, { agent: new http.Agent({ keepAlive: true }) })
      return listening.redirectUri
    }))
    const refused = yield* Effect.promise(() => fetch(redirectUri).then(() => false, () => true))
    assert.isTrue(refused)
  }))

it.effect("a user who does not come is waited for five minutes", () =>
  Effect.scoped(Effect.gen(function*() {
    const listening = yield* TestClock.withLive(listen())
    const waiting = yield* Effect.forkChild(Effect.flip(listening.visit(login)), { startImmediately: true })
    yield* TestClock.adjust("5 minutes")
    const { message } = yield* Fiber.join(waiting)
    assert.include(message, "Nobody has logged in within 5m")
    assert.notInclude(message, "client_id")
  })))
