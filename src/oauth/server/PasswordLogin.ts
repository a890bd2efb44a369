/**
 * `UserLogin` by a name and a password. What was wrong is told to nobody, neither in words nor by the time it takes, and
 * whoever is wrong too often waits, right or not. An attempt counts for the network it comes from, for its name from
 * there, and for its name from anywhere, in this order: who floods from one place locks out nobody at another.
 */
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NetworkAddress from "../NetworkAddress.ts"
import * as page from "./internal/page.ts"
import * as OAuthStore from "./OAuthStore.ts"
import * as Pages from "./Pages.ts"
import * as PasswordHash from "./PasswordHash.ts"
import * as StoreText from "./storeText.ts"
import * as UserLogin from "./UserLogin.ts"
import * as UserStore from "./UserStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Within which attempts are counted, from the first. 15 minutes. */
  readonly window?: Duration.Input
  /** Of one name from one address. 10. */
  readonly attempts?: number
  /** Of one name from all addresses together. 100. */
  readonly attemptsPerUser?: number
  /** From one address (of IPv6, one network of 64 bits), where it is known. 100. */
  readonly attemptsPerAddress?: number
}

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options = {}
): Layer.Layer<
  UserLogin.UserLogin,
  never,
  | UserStore.UserStore
  | PasswordHash.PasswordHash
  | Pages.Pages
  | OAuthStore.OAuthStore
  | Digest.Digest
> =>
  Layer.effect(
    UserLogin.UserLogin,
    Effect.gen(function*() {
      const { attempts = 10, attemptsPerAddress = 100, attemptsPerUser = 100 } = options
      const windowMillis = Duration.toMillis(Duration.fromInputUnsafe(options.window ?? "15 minutes"))
      const users = yield* UserStore.UserStore
      const passwords = yield* PasswordHash.PasswordHash
      const pages = yield* Pages.Pages
      const store = yield* OAuthStore.OAuthStore
      const { digest } = yield* Digest.Digest
      const { show } = yield* page.make

      const form = ({ client, csrf, url }: UserLogin.Attempt, username: string, problem?: string) =>
        shown(show(
          pages.login({ action: url, csrf, client: client.name ?? client.id, username, problem }),
          problem === undefined ? 200 : 403
        ))

      const wait = (status: number, seconds: number, title: string) => {
        const time = seconds < 60 ? "a moment" : seconds < 120 ? "a minute" : `${Math.ceil(seconds / 60)} minutes`
        const response = show(pages.message({ title, text: `Wait ${time}, then go back and try again.` }), status)
        return shown(HttpServerResponse.setHeader(response, "retry-after", String(Math.ceil(seconds))))
      }

      const isWithin = (most: number, ...key: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const hash = yield* digest(Digest.sha256, new TextEncoder().encode(JSON.stringify(key)))
          const count = yield* store.count({ kind: "login", id: Base64Url.encode(hash) }, windowMillis)
          if (count === most + 1) yield* Effect.logWarning(`Too many logins have been tried, of one ${key[0]}.`)
          return count <= most
        })

      /** One that is over its limit counts no further. */
      const mayTry = (username: string, address: string | undefined) =>
        Effect.gen(function*() {
          const network = address === undefined ? undefined : NetworkAddress.networkOf(address)
          return (network === undefined || (yield* isWithin(attemptsPerAddress, "address", network))) &&
            (yield* isWithin(attempts, "user at an address", username, network ?? "")) &&
            (yield* isWithin(attemptsPerUser, "user", username))
        })

      const check = (attempt: UserLogin.Attempt, given: ReadonlyMap<string, string>) =>
        Effect.gen(function*() {
          const username = given.get("username") ?? ""
          const password = Redacted.make(given.get("password") ?? "")
          if (!(yield* mayTry(UserStore.fold(username), attempt.address))) {
            return wait(429, windowMillis / 1000, "Too many attempts")
          }
          const user = username.length > longest ? undefined : yield* users.find(username)
          const isRight = yield* passwords.verify(password, user?.passwordHash)
          if (user === undefined || !isRight) return form(attempt, username.slice(0, longest), wrong)
          if (passwords.needsRehash(user.passwordHash)) yield* rehash(user, password)
          const step: UserLogin.Step = {
            _tag: "LoggedIn",
            user: {
              subject: user.subject,
              authenticatedAt: yield* Clock.currentTimeMillis,
              methods: ["pwd"],
              name: user.name ?? user.username
            }
          }
          return step
        }).pipe(
          Effect.catchTag("Busy", () => Effect.succeed(wait(503, 10, "Too many logins at once")))
        )

      /** Nobody is kept out for it. */
      const rehash = (user: UserStore.User, password: Redacted.Redacted) =>
        Effect.flatMap(passwords.hash(password), (hash) => users.rehash(user, hash)).pipe(
          Effect.catch((error) =>
            Effect.logWarning(
              "The hash of a password stays an old one.",
              error._tag === "Busy" ? error.message : StoreText.ofError(error)
            )
          )
        )

      return {
        step: (attempt) =>
          attempt.form === undefined
            ? Effect.succeed(form(attempt, attempt.hint?.slice(0, longest) ?? ""))
            : check(attempt, attempt.form),
        asksConsentFirst: false,
        isRemembered: true
      }
    })
  )

const shown = (response: HttpServerResponse.HttpServerResponse): UserLogin.Step => ({ _tag: "Show", response })

const wrong = "The username or the password is wrong."

/** Characters of a username. */
const longest = 256
