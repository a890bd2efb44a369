/**
 * What the span of an HTTP request to an authorization server does not tell of its address: what is used once, what
 * belongs to one login, and what is in an address only by mistake. The id of an interaction is in the path, and stays:
 * it is of no use without the cookie of its browser.
 */
import * as Effect from "effect/Effect"
import * as UrlParams from "effect/http/UrlParams"
import * as Layer from "effect/Layer"

const names = [
  "code",
  "state",
  "user_code",
  "request_uri",
  "id_token_hint",
  "target",
  "access_token",
  "refresh_token",
  "token",
  "device_code",
  "code_verifier",
  "client_secret",
  "client_assertion",
  "assertion",
  "subject_token",
  "password"
]

/**
 * For the HTTP server that the routes are on: its span begins before a route is found.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.effect(
  UrlParams.CurrentRedactedNames,
  Effect.map(UrlParams.CurrentRedactedNames, (others) => [...others, ...names])
)
