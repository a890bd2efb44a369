/** A browser on its way, by GET and without a trace of where it came from (RFC 9700, 4.12). */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Client from "./Client.ts"
import type { Issuer } from "./issuer.ts"
import type * as Refusal from "./Refusal.ts"

export interface Values {
  readonly [name: string]: string | undefined
}

/** Out of what a form may have begun, where a redirect leads no further: see `Page.leave`. */
export const byPage = (
  { page }: Pick<Issuer, "page">,
  response: HttpServerResponse.HttpServerResponse
): HttpServerResponse.HttpServerResponse => {
  const { location } = response.headers
  return location === undefined
    ? response
    : HttpServerResponse.replaceCookies(page.leave(location), response.cookies)
}

export const to = (url: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 303,
    headers: { location: url, "cache-control": "no-store", "referrer-policy": "no-referrer" }
  })

/** To a client, with what it is told; its URI stays as it gave it. A6: who says so is always there. */
export const toClient = (
  { url }: Pick<Issuer, "url">,
  redirectUri: string,
  values: Values
): HttpServerResponse.HttpServerResponse => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...values, iss: url })) {
    if (value !== undefined) query.append(name, value)
  }
  return to(`${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`)
}

/**
 * Anybody can introduce a client, and have this server send whoever trusts it to a site of theirs, by a request that is
 * wrong or one that nobody says yes to (RFC 9700, 4.11.2). What stays on the user's machine is no site.
 */
export const isTrusted = ({ origin }: Client.Client, target: string): boolean =>
  origin === "configured" || !/^https:/iu.test(target)

/** By itself where the client is trusted; the user goes there, or does not, where it is not. */
export const withRefusal = (
  issuer: Pick<Issuer, "url" | "page">,
  client: Client.Client,
  redirectUri: string,
  state: string | undefined,
  { code, description }: Refusal.Refusal
): HttpServerResponse.HttpServerResponse => {
  const response = toClient(issuer, redirectUri, { error: code, error_description: description, state })
  if (isTrusted(client, redirectUri)) return response
  const isTheirWish = code === "access_denied"
  return issuer.page.offer(
    response.headers.location!,
    { title: isTheirWish ? "Not connected" : "That did not work", text: description },
    isTheirWish ? 200 : 400
  )
}
