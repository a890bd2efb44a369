/** One request to the API and its answer, in time and within bounds, or the reason why there is none. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as HttpMethod from "effect/http/HttpMethod"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Concealing from "../../core/Concealing.ts"
import type { Json } from "../../protocol/JsonRpc.ts"
import * as OpenApiFailure from "../OpenApiFailure.ts"
import type { Operation } from "./operations.ts"
import type { Outgoing } from "./requests.ts"
import { textOf } from "./responses.ts"
import type { Sent } from "./security.ts"

export interface Answer {
  readonly status: number
  readonly mediaType: string | undefined
  readonly bytes: Uint8Array
  /** Where it leads to, as an answer that the document knows. */
  readonly location: string | undefined
}

export interface Limits {
  /** Milliseconds. */
  readonly timeout: number
  readonly maxBytes: number
}

export const call = (
  operation: Operation,
  base: string,
  outgoing: Outgoing,
  credentials: ReadonlyArray<Sent>,
  { maxBytes, timeout }: Limits
): Effect.Effect<Answer, OpenApiFailure.OpenApiFailure, HttpClient.HttpClient> => {
  const placed = (place: Sent["in"]) => credentials.filter((credential) => credential.in === place)
  const request = requestOf(operation, base, outgoing, placed)
  return Effect.flatMap(HttpClient.HttpClient, (client) => execute(client, request, operation, maxBytes, 0)).pipe(
    Effect.flatMap((answer) => answer.status < 400 ? Effect.succeed(answer) : refused(answer, credentials)),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(OpenApiFailure.make(new OpenApiFailure.TimedOut({ after: timeout })))
    }),
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
    Effect.updateService(
      Headers.CurrentRedactedNames,
      (names) => [...names, ...placed("header").map(({ name }) => name)]
    ),
    Effect.updateService(
      UrlParams.CurrentRedactedNames,
      (names) => [...names, ...placed("query").map(({ name }) => name)]
    )
  )
}

const requestOf = (
  { method }: Operation,
  base: string,
  { body, cookies, headers, path, query }: Outgoing,
  placed: (place: Sent["in"]) => ReadonlyArray<Sent>
): HttpClientRequest.HttpClientRequest => {
  const search = query.join("&")
  const cookie = [
    ...cookies.map((pair) => pair.join("=")),
    ...placed("cookie").map(({ name, value }) => `${name}=${encodeURIComponent(Redacted.value(value))}`)
  ].join("; ")
  const request = HttpClientRequest.makeWith(
    method as HttpMethod.HttpMethod,
    `${base}${path}${search === "" ? "" : `?${search}`}`,
    UrlParams.make(placed("query").map(({ name, value }) => [name, value])),
    Option.none(),
    Headers.fromInput([
      ...headers,
      ...(cookie === "" ? [] : [["cookie", cookie] as const]),
      ...placed("header").map(({ name, value }) => [name, Redacted.value(value)] as const)
    ]),
    HttpBody.empty
  )
  return body._tag === "Empty" ? request : HttpClientRequest.setBody(request, body)
}

const maxRedirects = 5

const execute = (
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  operation: Operation,
  maxBytes: number,
  redirects: number
): Effect.Effect<Answer & { readonly headers: Headers.Headers }, OpenApiFailure.OpenApiFailure> =>
  Effect.scoped(Effect.gen(function*() {
    const response = yield* Effect.catch(
      HttpClient.withScope(client).execute(request),
      (error) =>
        // A client that fails on a status has the answer all the same.
        error.reason._tag === "StatusCodeError"
          ? Effect.succeed(error.reason.response)
          : Effect.fail(unreachable(error))
    )
    const { headers, status } = response
    const { location } = headers
    if (status >= 300 && status < 400 && location !== undefined) {
      const [from, target] = [new URL(request.url), targetOf(location, request.url)]
      if (target !== undefined && target.origin === from.origin && isSafe(operation) && redirects < maxRedirects) {
        return yield* execute(
          client,
          { ...request, url: target.href } as HttpClientRequest.HttpClientRequest,
          operation,
          maxBytes,
          redirects + 1
        )
      }
      if (target === undefined || !isKnown(operation, status)) {
        return yield* Effect.fail(OpenApiFailure.make(new OpenApiFailure.Redirected({ status })))
      }
      return { status, headers, mediaType: undefined, bytes: new Uint8Array(), location: target.href }
    }
    const isEmpty = operation.method === "HEAD" || status === 204 || status === 205 || status === 304
    const bytes = isEmpty ? new Uint8Array() : yield* read(response, maxBytes, status >= 400)
    return { status, headers, mediaType: headers["content-type"], bytes, location: undefined }
  }))

const isSafe = ({ method }: Operation): boolean => method === "GET" || method === "HEAD"

const isKnown = ({ responses }: Operation, status: number): boolean =>
  responses.some((response) => response.status === String(status) || response.status === "3XX")

const targetOf = (location: string, from: string): URL | undefined => {
  if (!URL.canParse(location, from)) return undefined
  const url = new URL(location, from)
  return url.protocol === "https:" || url.protocol === "http:" ? url : undefined
}

const unreachable = (error: HttpClientError.HttpClientError): OpenApiFailure.OpenApiFailure => {
  const code = Concealing.codeOf(error)
  return OpenApiFailure.make(new OpenApiFailure.Unreachable(code === undefined ? {} : { code }))
}

/** Of what explains a refusal, as much as there is room for. */
const read = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number,
  isRefusal: boolean
): Effect.Effect<Uint8Array<ArrayBuffer>, OpenApiFailure.OpenApiFailure> => {
  const limit = isRefusal ? Math.min(maxBytes, maxRefusal) : maxBytes
  const chunks: Array<Uint8Array> = []
  let size = 0
  return Stream.runForEachWhile(response.stream, (chunk) =>
    Effect.suspend(() => {
      const room = limit - size
      if (chunk.length > room && !isRefusal) {
        return Effect.fail(OpenApiFailure.make(new OpenApiFailure.TooLarge({ limit })))
      }
      chunks.push(chunk.subarray(0, room))
      size += Math.min(chunk.length, room)
      return Effect.succeed(size < limit || !isRefusal)
    })).pipe(
      Effect.catch((error) =>
        error._tag === "OpenApiFailure"
          ? Effect.fail(error)
          : error.reason._tag === "EmptyBodyError"
          ? Effect.void
          : Effect.fail(unreachable(error))
      ),
      Effect.map(() => {
        const bytes = new Uint8Array(size)
        let offset = 0
        for (const chunk of chunks) {
          bytes.set(chunk, offset)
          offset += chunk.length
        }
        return bytes
      })
    )
}

const maxRefusal = 16 << 10

const refused = (
  answer: Answer & { readonly headers: Headers.Headers },
  credentials: ReadonlyArray<Sent>
): Effect.Effect<never, OpenApiFailure.OpenApiFailure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    // Some say again what they were told.
    const text = Concealing.conceal(textOf(answer), credentials.map(({ secret }) => secret))
    const body = bodyOf(text)
    const retryAfter = secondsOf(answer.headers["retry-after"], now)
    return Effect.fail(OpenApiFailure.make(
      new OpenApiFailure.Refused({
        status: answer.status,
        ...(body === undefined ? undefined : { body }),
        ...(retryAfter === undefined ? undefined : { retryAfter })
      })
    ))
  })

const bodyOf = (text: string): Json | undefined => {
  if (text.trim() === "") return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const secondsOf = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/u.test(header.trim())) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000))
}
