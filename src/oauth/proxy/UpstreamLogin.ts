/**
 * Who is at the browser, as the identity provider behind this server says it. The user has said yes to the client
 * before they are sent there: the provider has seen this program before, and may send them back without a click.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as OAuthError from "../OAuthError.ts"
import * as redirect from "../server/redirect.ts"
import * as Refusal from "../server/Refusal.ts"
import * as UserLogin from "../server/UserLogin.ts"
import * as Upstream from "./Upstream.ts"

/**
 * Built anew wherever it stands, for one that was built over another `Upstream` would be handed out again.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<UserLogin.UserLogin, never, Upstream.Upstream> = Layer.fresh(Layer.effect(
  UserLogin.UserLogin,
  Effect.map(Upstream.Upstream, (upstream) => ({
    asksConsentFirst: true,
    // The next client has its own yes to ask for, and its own tokens to be given.
    isRemembered: false,
    step: (attempt) => {
      const hop = hopOf(attempt)
      // Anything else is a user who has come back by themselves, and is sent there again.
      return attempt.query.get("state") === hop.state ? comeBack(upstream, attempt, hop) : leave(upstream, attempt, hop)
    }
  }))
))

type Service = Upstream.Upstream["Service"]

type Result = ReturnType<UserLogin.UserLogin["Service"]["step"]>

const hopOf = ({ callback: { state, url }, hint, isForced }: UserLogin.Attempt): Upstream.Hop => ({
  redirectUri: url,
  state,
  hint,
  isForced
})

const leave = (upstream: Service, attempt: UserLogin.Attempt, hop: Upstream.Hop): Result =>
  Effect.gen(function*() {
    const { kept, url } = yield* Effect.catch(upstream.begin(hop), refuse)
    return (yield* attempt.keep(kept)) ? { _tag: "Show", response: redirect.to(url) } : yield* twice
  })

const comeBack = (upstream: Service, attempt: UserLogin.Attempt, hop: Upstream.Hop): Result =>
  Effect.gen(function*() {
    const { kept, query } = attempt
    // Taken by one of those who come with it at the same moment, before anything is done with the code.
    if (kept === undefined || !(yield* attempt.keep(undefined))) return yield* twice
    return { _tag: "LoggedIn", user: yield* Effect.catch(upstream.complete(hop, kept, query), refuse) }
  })

const twice = Refusal.make("access_denied", "This login has been used already, or was not begun. Begin again.")

/** A client learns what it can do about it; what the provider has said is in the log. */
const refuse = (error: OAuthError.OAuthError): Effect.Effect<never, Refusal.Refusal> =>
  Effect.andThen(
    isNo(error) ? Effect.void : Effect.logWarning(`A login upstream has failed: ${error.message}`),
    Effect.fail(isNo(error) ? no : error.isRetryable ? later : broken)
  )

const isNo = ({ reason }: OAuthError.OAuthError): boolean =>
  reason._tag === "Refused" && reason.endpoint === "authorization" && noes.includes(reason.code)

/** It may also be the provider who wants more of the user than it gets. */
const noes = [
  "access_denied",
  "account_selection_required",
  "consent_required",
  "interaction_required",
  "login_required"
]

const no = Refusal.make("access_denied", "The identity provider does not let the user in, or the user did not want to.")

const later = Refusal.make("temporarily_unavailable", "The identity provider does not answer; try again later.")

const broken = Refusal.make("server_error", "What the identity provider has answered cannot be used.")
