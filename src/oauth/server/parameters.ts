/** What a request says, once and within bounds. */
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Refusal from "./Refusal.ts"

/** Without those that are empty, which are as good as left out (RFC 6749, 3.1). */
export type Parameters = ReadonlyMap<string, string>

/** Bytes of a query, and of a body. */
const mostQuery = 16 << 10
const mostBody = 64 << 10

/** What can be read of a request, and what is wrong with it. */
export interface Given {
  /** Those that are there once. */
  readonly values: Parameters
  readonly problem: Refusal.Refusal | undefined
}

/** A4: of a parameter that is there twice, nobody knows which one somebody else has looked at. */
const read = (pairs: URLSearchParams): Given => {
  const values = new Map<string, string>()
  const seen = new Set<string>()
  let problem: Refusal.Refusal | undefined
  for (const [name, value] of pairs) {
    if (seen.has(name)) {
      values.delete(name)
      problem ??= name === "resource"
        ? Refusal.make("invalid_target", "One resource at a time.")
        : Refusal.make("invalid_request", `${printable(name)} is there more than once.`)
    } else if (value !== "") values.set(name, value)
    seen.add(name)
  }
  return { values, problem }
}

const sound = ({ problem, values }: Given): Effect.Effect<Parameters, Refusal.Refusal> =>
  problem === undefined ? Effect.succeed(values) : Effect.fail(problem)

/** Of somebody else's making, for a description, which takes no other characters (RFC 6749, 5.2). */
const printable = (text: string): string =>
  text.slice(0, 50).replace(/[^\u0020-\u0021\u0023-\u005b\u005d-\u007e]/gu, "?")

const query = ({ url }: HttpServerRequest.HttpServerRequest): Effect.Effect<Given, Refusal.Refusal> => {
  const at = url.indexOf("?")
  const text = at === -1 ? "" : url.slice(at + 1)
  return text.length > mostQuery
    ? Effect.fail(Refusal.make("invalid_request", "The request is too long."))
    : Effect.succeed(read(new URLSearchParams(text)))
}

const form = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Given, Refusal.Refusal> =>
  typeOf(request) !== "application/x-www-form-urlencoded"
    ? Effect.fail(Refusal.make("invalid_request", "The body has to be application/x-www-form-urlencoded."))
    : Effect.map(textOf(request), (text) => read(new URLSearchParams(text)))

export const ofQuery = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Parameters, Refusal.Refusal> => Effect.flatMap(query(request), sound)

export const ofForm = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Parameters, Refusal.Refusal> => Effect.flatMap(form(request), sound)

/** Of a request whose problem can be told to its client, once it is known who that is. */
export const given = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Given, Refusal.Refusal> => request.method === "POST" ? form(request) : query(request)

/** Of the body, without parameters, in lower case. */
export const typeOf = ({ headers }: HttpServerRequest.HttpServerRequest): string =>
  (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase()

/** The body, if it is not too long. */
export const textOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string, Refusal.Refusal> =>
  Effect.mapError(bounded(request.text), tooLong)

const bounded = Effect.updateContext<never, never>(
  Context.add(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(mostBody))
)

const tooLong = () => Refusal.make("invalid_request", `The body cannot be read, or has more than ${mostBody} bytes.`)
