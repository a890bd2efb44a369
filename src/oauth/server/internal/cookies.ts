/**
 * Cookies of an authorization server. No other host, and nobody on the way, can set or read one of the name: browsers
 * see to that for names that begin with `__Host-`. Over http, which is for development on one machine, the names are
 * plain: Chromium would take the others there too, but not every browser does.
 */
import * as Duration from "effect/Duration"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"

export interface Cookies {
  readonly get: (request: Pick<HttpServerRequest.HttpServerRequest, "cookies">, name: string) => string | undefined
  /** Until the browser is closed, where there is no `maxAge`. */
  readonly set: (
    response: HttpServerResponse.HttpServerResponse,
    name: string,
    value: string,
    maxAge?: Duration.Input
  ) => HttpServerResponse.HttpServerResponse
  readonly remove: (
    response: HttpServerResponse.HttpServerResponse,
    name: string
  ) => HttpServerResponse.HttpServerResponse
}

export const make = (issuer: string): Cookies => {
  const secure = new URL(issuer).protocol === "https:"
  const full = (name: string) => secure ? `__Host-${name}` : name
  const set: Cookies["set"] = (response, name, value, maxAge) =>
    HttpServerResponse.setCookieUnsafe(response, full(name), value, {
      httpOnly: true,
      path: "/",
      sameSite: "lax",
      secure,
      ...maxAge !== undefined && { maxAge }
    })
  return {
    get: ({ cookies }, name) => cookies[full(name)],
    set,
    remove: (response, name) => set(response, name, "", Duration.zero)
  }
}
