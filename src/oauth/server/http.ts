/** Answers to programs, and the one place where a refusal becomes one. */
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Failure } from "./issuer.ts"
import * as Refusal from "./Refusal.ts"
import * as StoreText from "./storeText.ts"

type Response = HttpServerResponse.HttpServerResponse

/** T9: nothing of it is kept by anybody in between. */
const noStore = { "cache-control": "no-store", pragma: "no-cache" }

/** T12: pages of any origin may read what needs no cookie. */
const cors = { "access-control-allow-origin": "*", "access-control-expose-headers": "dpop-nonce, www-authenticate" }

export const json = (
  body: unknown,
  { headers, status = 200 }: {
    readonly status?: number
    readonly headers?: { readonly [name: string]: string } | undefined
  } = {}
): Response =>
  HttpServerResponse.setBody(
    headers === undefined && status === 200
      ? empty
      : HttpServerResponse.empty({ status, headers: { ...noStore, ...cors, ...headers } }),
    HttpBody.text(JSON.stringify(body), "application/json")
  )

/** What anybody may keep for a while: metadata and public keys. */
export const document = (body: unknown, maxAgeSeconds: number): Response =>
  json(body, { headers: { "cache-control": `public, max-age=${maxAgeSeconds}`, pragma: "" } })

export const empty: Response = HttpServerResponse.empty({ status: 200, headers: { ...noStore, ...cors } })

/** To a question whether a page of another origin may ask. */
export const preflight = (methods: ReadonlyArray<string>): Response =>
  HttpServerResponse.empty({
    status: 204,
    headers: {
      ...cors,
      "access-control-allow-methods": methods.join(", "),
      "access-control-allow-headers": "authorization, content-type, dpop",
      "access-control-max-age": "86400"
    }
  })

export const statusOf = ({ code, retryAfter }: Refusal.Refusal): number => {
  if (retryAfter !== undefined) return 429
  switch (code) {
    case "invalid_client":
    case "invalid_token":
      return 401
    case "insufficient_scope":
      return 403
    case "server_error":
      return 500
    case "temporarily_unavailable":
      return 503
    default:
      return 400
  }
}

/** Tells when it is worth trying again. */
export const waiting = ({ retryAfter }: Refusal.Refusal, response: Response): Response =>
  retryAfter === undefined ? response : HttpServerResponse.setHeader(response, "retry-after", String(retryAfter))

/** RFC 6749, 5.2. */
export const refusal = (refused: Refusal.Refusal, { headers }: HttpServerRequest.HttpServerRequest): Response => {
  const { code, description, nonce } = refused
  const response = json({ error: code, error_description: description }, {
    status: statusOf(refused),
    headers: {
      ...(code === "invalid_client" && headers.authorization !== undefined
        ? { "www-authenticate": "Basic realm=\"oauth\", charset=\"UTF-8\"" }
        : undefined),
      ...(nonce === undefined ? undefined : { "dpop-nonce": nonce })
    }
  })
  return waiting(refused, response)
}

/** What a store does not do is nobody's fault outside, and worth trying again. */
export const asRefusal = (failure: Failure): Effect.Effect<Refusal.Refusal> =>
  failure._tag === "Refusal"
    ? Effect.succeed(failure)
    : Effect.as(Effect.logError(StoreText.ofError(failure)), unavailable)

const unavailable = Refusal.make("temporarily_unavailable", "The server cannot do this now; try again later.")
