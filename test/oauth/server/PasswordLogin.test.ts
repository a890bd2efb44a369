import { assert, describe, it } from "@effect/vitest"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as PasswordHash from "fastmcp-effect/oauth/server/PasswordHash"
import * as PasswordLogin from "fastmcp-effect/oauth/server/PasswordLogin"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import * as UserStore from "fastmcp-effect/oauth/server/UserStore"
import * as world from "./world.ts"

const attempt = (
  form: { readonly [field: string]: string } | undefined,
  more: Partial<UserLogin.Attempt> = {}
): UserLogin.Attempt => ({
  client: world.client,
  url: "https://login.acme.example/interaction/1",
  csrf: "c5rf",
  form: form && new Map(Object.entries(form)),
  query: new Map(),
  callback: { url: "https://login.acme.example/callback", state: "s" },
  address: "192.0.2.1",
  hint: undefined,
  isForced: false,
  kept: undefined,
  keep: () => Effect.succeed(true),
  ...more
})

/** What was hashed, as the engine saw it. */
interface Seen {
  readonly verified: Array<string>
  isBusy?: boolean
}

const hashing = (seen: Seen) =>
  Layer.succeed(PasswordHash.PasswordHash, {
    hash: (password) => Effect.succeed(`new:${Redacted.value(password)}`),
    verify: (password, hash) =>
      seen.isBusy === true
        ? Effect.fail(new PasswordHash.Busy({ waiting: 1 }))
        : Effect.sync(() => {
          seen.verified.push(hash ?? "nothing")
          return hash === `new:${Redacted.value(password)}` || hash === `old:${Redacted.value(password)}`
        }),
    needsRehash: (hash) => hash.startsWith("old:")
  })

const users: ReadonlyArray<UserStore.User> = [
  { subject: "1", username: "anna", passwordHash: "new:correct horse", name: "Anna Müller" },
  { subject: "2", username: "ben", passwordHash: "old:battery staple" }
]

const run = <A, E>(
  body: (
    login: UserLogin.UserLogin["Service"],
    seen: Seen
  ) => Effect.Effect<A, E, UserStore.UserStore>,
  { store = OAuthStore.layerMemory(), ...options }:
    & PasswordLogin.Options
    & { readonly store?: Layer.Layer<OAuthStore.OAuthStore> } = {}
) => {
  const seen: Seen = { verified: [] }
  return Effect.flatMap(UserLogin.UserLogin, (login) => body(login, seen)).pipe(
    Effect.provide(
      PasswordLogin.layer(options).pipe(
        Layer.provide([hashing(seen), Pages.layer({ name: "Acme" }), store, Digest.layerWebCrypto]),
        Layer.provideMerge(UserStore.layerMemory(users))
      )
    )
  )
}

const shown = (step: UserLogin.Step) => {
  if (step._tag !== "Show") return assert.fail("nothing was shown")
  const { body, headers, status } = step.response
  return {
    status,
    headers,
    html: body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : assert.fail("no text")
  }
}

const right = { username: "anna", password: "correct horse" }

const wrong = { username: "anna", password: "wrong" }

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

describe("PasswordLogin", () => {
  it.effect("shows a form that is posted back, with what is known of who comes", () =>
    run((login) =>
      Effect.gen(function*() {
        const { headers, html, status } = shown(
          yield* login.step(attempt(undefined, { hint: "anna\"><script>alert(1)</script>" }))
        )
        assert.strictEqual(status, 200)
        assert.include(html, "action=\"https://login.acme.example/interaction/1\"")
        assert.include(html, "name=\"csrf\" value=\"c5rf\"")
        assert.notInclude(html, "<script")
        assert.include(html, "Notes")
        assert.notInclude(html, "role=\"alert\"")
        assert.strictEqual(headers["cache-control"], "no-store")
      })
    ))

  it.effect("knows who types the right name and password, however the name is written", () =>
    run((login) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* login.step(attempt({ ...right, username: " ANNA" })), {
          _tag: "LoggedIn",
          user: { subject: "1", authenticatedAt: 60_000, methods: ["pwd"], name: "Anna Müller" }
        })
      })
    ))

  it.effect("answers alike, and hashes as often, whatever was wrong", () =>
    run((login, seen) =>
      Effect.gen(function*() {
        const forms = [
          wrong,
          { username: "nobody", password: "correct horse" },
          { username: "anna", password: "" },
          { username: "anna" },
          { password: "correct horse" },
          { username: "a".repeat(10_000), password: "correct horse" }
        ]
        const pages = yield* Effect.forEach(forms, (form) => Effect.map(login.step(attempt(form)), shown))
        const bare = pages.map(({ headers, html, status }) => ({
          status,
          headers: { ...headers, "content-length": "" },
          html: html.replace(/ value="(anna|nobody|a{256}|)"/, "").replaceAll(" autofocus", "")
        }))
        for (const page of bare) assert.deepStrictEqual(page, bare[0])
        assert.strictEqual(bare[0]!.status, 403)
        assert.include(bare[0]!.html, "role=\"alert\"")
        assert.notInclude(pages[0]!.html, "wrong\"")
        assert.strictEqual(seen.verified.length, forms.length)
      })
    ))

  it.effect("keeps a better hash when it has the password at hand", () =>
    run((login) =>
      Effect.gen(function*() {
        const step = yield* login.step(attempt({ username: "ben", password: "battery staple" }))
        assert.strictEqual(step._tag, "LoggedIn")
        const { get } = yield* UserStore.UserStore
        assert.strictEqual((yield* get("2"))?.passwordHash, "new:battery staple")
        assert.strictEqual(
          (yield* login.step(attempt({ username: "ben", password: "battery staple" })))._tag,
          "LoggedIn"
        )
      })
    ))

  const isLimited = (step: UserLogin.Step) => step._tag === "Show" && step.response.status === 429

  it.effect("has whoever was wrong too often wait, right or not, until the window is over", () =>
    run((login, seen) =>
      Effect.gen(function*() {
        for (const _ of times(3)) assert.isFalse(isLimited(yield* login.step(attempt(wrong))))
        yield* TestClock.adjust("4 minutes")
        const { headers, html, status } = shown(yield* login.step(attempt(right)))
        assert.strictEqual(status, 429)
        assert.include(html, "Too many attempts")
        assert.include(html, "Wait 5 minutes")
        assert.strictEqual(headers["retry-after"], "300")
        assert.strictEqual(seen.verified.length, 3)
        yield* TestClock.adjust("59 seconds")
        assert.isTrue(isLimited(yield* login.step(attempt({ ...right, username: "ANNA " }))))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* login.step(attempt(right)))._tag, "LoggedIn")
      }), { attempts: 3, window: "5 minutes" }))

  it.effect("locks out nobody elsewhere, until a name has been tried from everywhere", () =>
    run((login) =>
      Effect.gen(function*() {
        for (const _ of times(10)) yield* login.step(attempt(wrong))
        assert.isTrue(isLimited(yield* login.step(attempt(right))))
        assert.strictEqual((yield* login.step(attempt(right, { address: "192.0.2.2" })))._tag, "LoggedIn")
        for (const n of times(2)) yield* login.step(attempt(wrong, { address: `198.51.100.${n}` }))
        assert.isTrue(isLimited(yield* login.step(attempt(right, { address: "192.0.2.3" }))))
        const ben = attempt({ username: "ben", password: "battery staple" }, { address: "192.0.2.3" })
        assert.strictEqual((yield* login.step(ben))._tag, "LoggedIn")
      }), { attempts: 2, attemptsPerUser: 5 }))

  it.effect("counts one network of IPv6 as one address, and does not count where none is known", () =>
    run((login) =>
      Effect.gen(function*() {
        const guess = (n: number, address: string | undefined) =>
          login.step(attempt({ username: `user ${n}`, password: "x" }, { address }))
        for (const n of times(4)) assert.isFalse(isLimited(yield* guess(n, `2001:db8:0:1::${n}`)))
        assert.isTrue(isLimited(yield* guess(4, "2001:db8:0:1:ffff::1")))
        assert.isFalse(isLimited(yield* guess(4, "2001:db8:0:2::1")))
        for (const n of times(10)) assert.isFalse(isLimited(yield* guess(n, undefined)))
      }), { attemptsPerAddress: 4 }))

  it.effect("logs once that somebody is over a limit, and names nobody", () => {
    const logged: Array<string> = []
    return run((login) =>
      Effect.gen(function*() {
        for (const _ of times(6)) yield* login.step(attempt(wrong))
        assert.deepStrictEqual(logged, ["Too many logins have been tried, of one user at an address."])
      }), { attempts: 3 }).pipe(
        Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))]))
      )
  })

  it.effect("lets nobody in when attempts cannot be counted", () =>
    run((login, seen) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(login.step(attempt(right)))
        assert.instanceOf(error, OAuthStoreError.OAuthStoreError)
        assert.deepStrictEqual(seen.verified, [])
      }), { store: OAuthStore.layerMemory({ maxEntries: 1 }) }))

  it.effect("says so when too many log in at once", () =>
    run((login, seen) =>
      Effect.gen(function*() {
        seen.isBusy = true
        const { headers, html, status } = shown(yield* login.step(attempt(right)))
        assert.strictEqual(status, 503)
        assert.strictEqual(headers["retry-after"], "10")
        assert.include(html, "Too many logins at once")
      })
    ))
})
