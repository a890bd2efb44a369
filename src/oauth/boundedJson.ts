/** A JSON object from another server, of bounded size and in bounded time. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

export interface Limits {
  readonly timeout: Duration.Input
  readonly maxBytes: number
}

export interface Document {
  readonly status: number
  /** Undefined where the body is none. */
  readonly value: { readonly [key: string]: unknown } | undefined
}

/**
 * Fails in words. What a client's error carries goes no further: the request is part of it, and with that whatever
 * secret it was made with.
 */
export const fetch = (
  request: HttpClientRequest.HttpClientRequest,
  { maxBytes, timeout }: Limits
): Effect.Effect<Document, string, HttpClient.HttpClient> =>
  HttpClient.execute(request).pipe(
    Effect.flatMap((response) =>
      Effect.map(read(response.stream, maxBytes), (text): Document => ({
        status: response.status,
        value: text === undefined ? undefined : parse(text)
      }))
    ),
    Effect.mapError(({ reason }) => `${originOf(request.url)} could not be reached (${reason._tag})`),
    Effect.timeoutOption(timeout),
    Effect.flatMap((document) =>
      Option.isSome(document)
        ? Effect.succeed(document.value)
        : Effect.fail(`${originOf(request.url)} has not answered in time`)
    )
  )

/** Undefined where there is more than that. */
const read = <E>(bytes: Stream.Stream<Uint8Array, E>, maxBytes: number): Effect.Effect<string | undefined, E> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let size = 0
    let text = ""
    return bytes.pipe(
      Stream.takeUntil((chunk) => {
        size += chunk.length
        if (size <= maxBytes) text += decoder.decode(chunk, { stream: true })
        return size > maxBytes
      }),
      Stream.runDrain,
      Effect.map(() => size > maxBytes ? undefined : text + decoder.decode())
    )
  })

const parse = (text: string): Document["value"] => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Document["value"]
      : undefined
  } catch {
    return undefined
  }
}

const originOf = (url: string): string => URL.parse(url)?.origin ?? "The server"

/** Whether what comes from there came from nobody else: TLS, or this machine. */
export const isTrustworthy = (url: string): boolean => {
  const parsed = URL.parse(url)
  if (parsed === null) return false
  return parsed.protocol === "https:"
    || (parsed.protocol === "http:" && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/u.test(parsed.hostname))
}
