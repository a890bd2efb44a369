/**
 * Fetches what a peer chooses: metadata documents, key sets, token endpoints. A peer that may choose a URL may choose
 * one that only this program can reach, so each is checked first, and what comes back is bounded in size and time.
 *
 * `layer` judges URLs, and what a name resolves to is for the `HttpClient` below it to judge: `NodeSafeFetch` has one
 * that does, and connects to nothing else than what it has judged.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Concealing from "../core/Concealing.ts"
import * as NetworkAddress from "./NetworkAddress.ts"

// ----------------------------------------------------------------------------
// errors
// ----------------------------------------------------------------------------

/** It may not be fetched; nothing was sent. @category reasons @since 0.1.0 */
export class Forbidden extends Schema.TaggedClass<Forbidden>()("Forbidden", {
  url: Schema.String,
  message: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** It leads elsewhere, which is not followed. @category reasons @since 0.1.0 */
export class Redirected extends Schema.TaggedClass<Redirected>()("Redirected", {
  url: Schema.String,
  to: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** There is more of it than is read. @category reasons @since 0.1.0 */
export class TooLarge extends Schema.TaggedClass<TooLarge>()("TooLarge", {
  url: Schema.String,
  /** Bytes. */
  limit: Schema.Int
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** It was not there in time. @category reasons @since 0.1.0 */
export class TimedOut extends Schema.TaggedClass<TimedOut>()("TimedOut", {
  url: Schema.String,
  /** Milliseconds. */
  after: Schema.Finite
}) {
  get isRetryable(): boolean {
    return true
  }
}

/** It cannot be reached, or broke off. @category reasons @since 0.1.0 */
export class Unreachable extends Schema.TaggedClass<Unreachable>()("Unreachable", {
  url: Schema.String,
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return true
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Forbidden, Redirected, TooLarge, TimedOut, Unreachable])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class SafeFetchError extends Schema.TaggedError<SafeFetchError>(
  "fastmcp-effect/oauth/SafeFetch/SafeFetchError"
)("SafeFetchError", { reason: Reason }) {
  override get message(): string {
    return describe(this.reason)
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Forbidden":
      return `${reason.url} is not fetched: ${reason.message}`
    case "Redirected":
      return `${reason.url} leads to ${reason.to}, which is not followed`
    case "TooLarge":
      return `${reason.url} is larger than ${reason.limit} bytes`
    case "TimedOut":
      return `${reason.url} has not answered within ${reason.after} ms`
    case "Unreachable":
      return `${reason.url} cannot be reached: ${reason.message}`
  }
}

const fail = (reason: Reason) => new SafeFetchError({ reason })

// ----------------------------------------------------------------------------
// service
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface Request {
  readonly url: string
  /** `GET`. Nothing else is redirected, or kept. */
  readonly method?: "GET" | "POST"
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string
  /** Whether a kept answer will do. What may be kept is kept either way. Yes. */
  readonly useCache?: boolean
  /** Whether it may lead on to another address of its origin. Yes. */
  readonly followsRedirects?: boolean
}

/** @category models @since 0.1.0 */
export interface Response {
  readonly status: number
  readonly headers: Headers.Headers
  readonly text: string
}

/** @category services @since 0.1.0 */
export class SafeFetch extends Context.Service<SafeFetch, {
  readonly fetch: (request: Request) => Effect.Effect<Response, SafeFetchError>
  /** What `fetch` says of a URL before it resolves its name: also for what another program is to open, a browser say. */
  readonly check: (url: string) => Effect.Effect<URL, SafeFetchError>
}>()("fastmcp-effect/oauth/SafeFetch") {}

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * For development: `localhost`, `127.0.0.0/8` and `[::1]` may be fetched, also without TLS. Other names that resolve
   * to these addresses may not. Off.
   */
  readonly allowLoopback?: boolean
  /** Hosts of your own, `sso.corp.example` say, whose address may be one of a private network. None. */
  readonly privateHosts?: ReadonlyArray<string>
  /** Bytes of a body. 256 KiB. */
  readonly maxBytes?: number
  /** From the first byte sent to the last received, redirects and all. 10 seconds. */
  readonly timeout?: Duration.Input
  /** The longest that an answer is kept which says that it may be. 1 hour. */
  readonly maxAge?: Duration.Input
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<SafeFetch, never, HttpClient.HttpClient> =>
  Layer.effect(SafeFetch, make(options))

// ----------------------------------------------------------------------------
// rules
// ----------------------------------------------------------------------------

/**
 * The host rules of `Options`, for a client that resolves names: whether it may connect to this address for this host.
 *
 * @category rules
 * @since 0.1.0
 */
export const mayConnect = (
  { allowLoopback = false, privateHosts = [] }: Options,
  host: string,
  address: string
): boolean => {
  const name = bare(host)
  if (NetworkAddress.isLoopback(address)) return allowLoopback && isLoopbackHost(name)
  return !isLoopbackHost(name) && (NetworkAddress.isPublic(address) || privateHosts.includes(name))
}

/** The code of the error by which a client says that an address may not be connected to. @category rules @since 0.1.0 */
export const forbiddenAddress = "ERR_FORBIDDEN_ADDRESS"

const bare = (host: string): string => host.toLowerCase().replace(/^\[|\]$/gu, "").replace(/\.$/u, "")

const isLoopbackHost = (name: string): boolean =>
  name === "localhost" || name.endsWith(".localhost") || NetworkAddress.isLoopback(name)

/** A URL for people: without what may be a secret. */
const addressOf = ({ host, pathname, protocol }: URL): string => `${protocol}//${host}${pathname}`

const judge = (options: Options, given: string): URL | SafeFetchError => {
  if (!URL.canParse(given)) return fail(new Forbidden({ url: quoted(given), message: "it is not a URL" }))
  const url = new URL(given)
  const forbidden = (message: string) => fail(new Forbidden({ url: addressOf(url), message }))
  const name = bare(url.hostname)
  const isLocal = isLoopbackHost(name)
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal && options.allowLoopback === true)) {
    return forbidden(
      url.protocol !== "http:"
        ? `${url.protocol} is not https:`
        : isLocal
        ? "it is of this machine, which has to be allowed (allowLoopback)"
        : "it is not encrypted"
    )
  }
  if (url.username !== "" || url.password !== "") return forbidden("there are credentials in it")
  if (isLocal) return options.allowLoopback === true ? url : forbidden("it is of this machine")
  // A name that is an address needs no resolving, and so nobody else would judge it.
  if (NetworkAddress.isAddress(name) && !mayConnect(options, name, name)) {
    return forbidden("its address is one for special use")
  }
  return url
}

const quoted = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)

// ----------------------------------------------------------------------------
// fetching
// ----------------------------------------------------------------------------

interface Kept {
  readonly response: Response
  readonly until: number
}

const make = (options: Options): Effect.Effect<SafeFetch["Service"], never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const client = yield* HttpClient.HttpClient
    const clock = yield* Clock.Clock
    const { maxBytes = 256 << 10 } = options
    const timeout = Duration.toMillis(options.timeout ?? "10 seconds")
    const maxAge = Duration.toMillis(options.maxAge ?? "1 hour")
    // In the order they were kept in.
    const cache = new Map<string, Kept>()

    const check = (given: string): Effect.Effect<URL, SafeFetchError> =>
      Effect.suspend(() => {
        const url = judge(options, given)
        return url instanceof URL ? Effect.succeed(url) : Effect.fail(url)
      })

    const execute = (request: Request, url: URL, redirects: number): Effect.Effect<Response, SafeFetchError> => {
      const { body, headers = {}, method = "GET" } = request
      return client.execute(HttpClientRequest.makeWith(
        method,
        url.href,
        UrlParams.empty,
        Option.none(),
        Headers.fromInput(headers),
        body === undefined ? HttpBody.empty : HttpBody.text(body, headers["content-type"])
      )).pipe(
        Effect.mapError((error) => unreachable(url, error)),
        Effect.flatMap((response) => {
          const { location } = response.headers
          if (response.status < 300 || response.status >= 400 || location === undefined) {
            return Effect.map(
              read(response, url, maxBytes),
              (text): Response => ({ status: response.status, headers: response.headers, text })
            )
          }
          const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined
          const isFollowed = method === "GET" && redirects > 0 && target?.origin === url.origin
          return Effect.andThen(
            abandon(response),
            isFollowed
              ? Effect.flatMap(check(target.href), (next) => execute(request, next, redirects - 1))
              : Effect.fail(fail(
                new Redirected({
                  url: addressOf(url),
                  to: target === undefined ? "an address that is none" : addressOf(target)
                })
              ))
          )
        })
      )
    }

    const keep = (url: string, response: Response): void => {
      const age = Math.min(maxAge, ageOf(response.headers["cache-control"]))
      cache.delete(url)
      if (response.status !== 200 || !(age > 0)) return
      cache.set(url, { response, until: clock.currentTimeMillisUnsafe() + age })
      if (cache.size > mostKept) cache.delete(cache.keys().next().value!)
    }

    const fetch = (request: Request): Effect.Effect<Response, SafeFetchError> => {
      const { followsRedirects = true, method = "GET", url: href, useCache = true } = request
      const isGet = method === "GET" && Object.keys(request.headers ?? {}).every((name) => name === "accept")
      return Effect.suspend(() => {
        const kept = isGet && useCache ? cache.get(href) : undefined
        if (kept !== undefined && kept.until > clock.currentTimeMillisUnsafe()) return Effect.succeed(kept.response)
        return Effect.flatMap(check(href), (url) =>
          execute(request, url, followsRedirects ? maxRedirects : 0).pipe(
            Effect.timeoutOrElse({
              duration: timeout,
              orElse: () => Effect.fail(fail(new TimedOut({ url: addressOf(url), after: timeout })))
            }),
            Effect.tap((response) => Effect.sync(() => isGet && keep(href, response))),
            Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
            // A span has the whole URL, and the headers with what is secret in them may go to another party.
            Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
          ))
      })
    }

    return SafeFetch.of({ check, fetch })
  })

const maxRedirects = 3

const mostKept = 100

/** Milliseconds. */
const ageOf = (cacheControl: string | undefined): number => {
  if (cacheControl === undefined || /\bno-(?:store|cache)\b/iu.test(cacheControl)) return 0
  return Number(/\bmax-age="?(\d{1,9})/iu.exec(cacheControl)?.[1] ?? 0) * 1000
}

const read = (
  response: HttpClientResponse.HttpClientResponse,
  url: URL,
  limit: number
): Effect.Effect<string, SafeFetchError> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let text = ""
    let left = limit
    return Stream.runForEachArray(response.stream, (chunks) => {
      for (const chunk of chunks) {
        left -= chunk.length
        if (left < 0) return Effect.fail(fail(new TooLarge({ url: addressOf(url), limit })))
        text += decoder.decode(chunk, { stream: true })
      }
      return Effect.void
    }).pipe(
      Effect.catch((error) =>
        error._tag === "SafeFetchError"
          ? Effect.fail(error)
          : error.reason._tag === "EmptyBodyError"
          ? Effect.void
          : Effect.fail(unreachable(url, error))
      ),
      Effect.map(() => text + decoder.decode())
    )
  })

/** Closes its connection. */
const abandon = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  Effect.scoped(Effect.asVoid(Stream.toPull(response.stream)))

const unreachable = (url: URL, error: HttpClientError.HttpClientError): SafeFetchError => {
  const { reason } = error
  const cause = "cause" in reason ? reason.cause : undefined
  const inner = innermost(cause)
  return fail(
    inner?.code === forbiddenAddress
      ? new Forbidden({ url: addressOf(url), message: "its name resolves to an address for special use" })
      : new Unreachable({
        url: addressOf(url),
        message: typeof inner?.message === "string" && inner.message !== "" ? inner.message : reason.message,
        ...(cause === undefined ? undefined : { cause: Concealing.bareError(cause) })
      })
  )
}

/** The innermost of errors within errors is the one that says something. */
const innermost = (error: unknown): { readonly [key: string]: unknown } | undefined => {
  let inner: unknown = error
  for (let depth = 0; depth < 8; depth++) {
    const { cause, errors } = Object(inner) as { readonly cause?: unknown; readonly errors?: unknown }
    const next: unknown = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
    if (next === undefined) break
    inner = next
  }
  return typeof inner === "object" && inner !== null ? inner as { readonly [key: string]: unknown } : undefined
}
