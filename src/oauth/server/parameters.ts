/** What a request says, once and within bounds. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Refusal from "./Refusal.ts"

/** Without those that are empty, which are as good as left out (RFC 6749, 3.1). */
export type Parameters = ReadonlyMap<string, string>

/** Bytes of a query, and of a body. */
const mostQuery = 16 << 10
const mostBody = 64 << 10

const read = (pairs: URLSearchParams): Effect.Effect<Parameters, Refusal.Refusal> => {
  const parameters = new Map<string, string>()
  const seen = new Set<string>()
  for (const [name, value] of pairs) {
    if (seen.has(name)) {
      return Effect.fail(
        name === "resource"
          ? Refusal.make("invalid_target", "One resource at a time.")
          : Refusal.make("invalid_request", `${printable(name)} is there more than once.`)
      )
    }
    seen.add(name)
    if (value !== "") parameters.set(name, value)
  }
  return Effect.succeed(parameters)
}

/** Of somebody else's making, for a description, which takes no other characters (RFC 6749, 5.2). */
const printable = (text: string): string =>
  text.slice(0, 50).replace(/[^\u0020-\u0021\u0023-\u005b\u005d-\u007e]/gu, "?")

export const ofQuery = ({ url }: HttpServerRequest.HttpServerRequest): Effect.Effect<Parameters, Refusal.Refusal> => {
  const at = url.indexOf("?")
  const query = at === -1 ? "" : url.slice(at + 1)
  return query.length > mostQuery
    ? Effect.fail(Refusal.make("invalid_request", "The request is too long."))
    : read(new URLSearchParams(query))
}

export const ofForm = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Parameters, Refusal.Refusal> =>
  (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase() !== "application/x-www-form-urlencoded"
    ? Effect.fail(Refusal.make("invalid_request", "The body has to be application/x-www-form-urlencoded."))
    : Effect.flatMap(textOf(request), (text) => read(new URLSearchParams(text)))

/** The body, if it is not too long. */
export const textOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string, Refusal.Refusal> =>
  request.text.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(mostBody)),
    Effect.mapError(() =>
      Refusal.make("invalid_request", `The body cannot be read, or has more than ${mostBody} bytes.`)
    )
  )
