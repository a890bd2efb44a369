/** Pages as a browser gets them: nothing in them runs, is loaded, is framed, is kept, or is told to anybody. */
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Pages from "../Pages.ts"

export interface Page {
  readonly show: (html: string, status?: number) => HttpServerResponse.HttpServerResponse
  /**
   * Sends the browser away once a form has been posted, be it some redirects before. Another redirect will not do: to
   * `form-action` it is where the form goes, and so is each one after it, to wherever the other site sends on.
   */
  readonly leave: (uri: string) => HttpServerResponse.HttpServerResponse
  /** Tells what has happened, and where it leads that nobody vouches for: the user goes there, or does not. */
  readonly offer: (uri: string, message: Pages.Message, status?: number) => HttpServerResponse.HttpServerResponse
}

export const make: Effect.Effect<Page, never, Pages.Pages | Digest.Digest> = Effect.gen(function*() {
  const { leaving, style } = yield* Pages.Pages
  const { digest } = yield* Digest.Digest
  const hash = Base64.encode(yield* digest(Digest.sha256, new TextEncoder().encode(style)))
  // No `cross-origin-opener-policy`: a client that has opened a window for the login would take it for closed.
  const headers = {
    "cache-control": "no-store",
    "content-security-policy":
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY"
  }
  const show: Page["show"] = (html, status = 200) =>
    HttpServerResponse.text(html, { status, contentType: "text/html; charset=utf-8", headers })
  return {
    show,
    leave: (uri) => {
      const { href } = new URL(uri)
      return HttpServerResponse.setHeader(
        show(leaving({ uri: href, place: placeOf(href), message: undefined })),
        "refresh",
        `0;url=${href}`
      )
    },
    offer: (uri, message, status) => show(leaving({ uri, place: placeOf(uri), message }), status)
  }
})

/** Where a URI leads, for people: a host as it is asked for, or the scheme of a program's own. */
export const placeOf = (uri: string): string => {
  const { host, protocol } = new URL(uri)
  return protocol === "https:" || protocol === "http:" ? host : protocol
}
