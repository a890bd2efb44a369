/**
 * What a client's two transports over HTTP do alike: requests with their headers, redirects within an origin, bodies of
 * bounded length, and what an answer that is none comes to.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Concealing from "../../core/Concealing.ts"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as Authorization from "../Authorization.ts"
import type * as SseClient from "../SseClient.ts"
import * as TransportError from "../TransportError.ts"

export interface Options {
  readonly client: HttpClient.HttpClient
  readonly clock: Clock.Clock
  readonly url: URL
  /** What a program adds to every request. */
  readonly headers: SseClient.Options["headers"]
  readonly maxMessageBytes: number
  readonly gate: Authorization.Gate | undefined
}

type Method = "GET" | "POST" | "DELETE"

type Own = { readonly [name: string]: string }

type Result<A> = Effect.Effect<A, TransportError.TransportError>

export type Response = HttpClientResponse.HttpClientResponse

/** The URL of an option; what cannot be one is told to a person. */
export const parseUrl = (given: string | URL): Result<URL> => {
  if (!URL.canParse(String(given))) return invalid(String(given).replace(/\/\/[^/]*@/u, "//"), "it is not a URL")
  const url = new URL(given)
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return invalid(addressOf(url), `${url.protocol} is not http: or https:`)
  }
  return url.username === "" && url.password === ""
    ? Effect.succeed(url)
    : invalid(addressOf(url), "a URL with credentials in it ends up in logs; send them as a header")
}

const invalid = (address: string, message: string): Result<never> =>
  Effect.fail(TransportError.make(new TransportError.InvalidAddress({ address, message })))

/** A URL for people: without what may be a secret. */
export const addressOf = ({ host, pathname, protocol }: URL): string => `${protocol}//${host}${pathname}`

/** The way in to a server, where the program has one. */
export const gateTo = (url: URL): Effect.Effect<Authorization.Gate | undefined> =>
  Effect.flatMap(
    Effect.serviceOption(Authorization.Authorization),
    Option.match({
      onNone: () => Effect.succeed(undefined),
      onSome: ({ gate }) => gate(url)
    })
  )

/** Sends it with what lets the client in, and again as long as the gate has more. */
const enter = (
  gate: Authorization.Gate,
  { isWaitedFor, ...request }: Authorization.Request & { readonly isWaitedFor: boolean },
  execute: (headers: Own) => Result<Response>
): Result<Response> =>
  Effect.gen(function*() {
    for (let attempt = 1;; attempt++) {
      const sent = yield* gate.headers(request)
      const response = yield* execute(prepare(sent))
      const { headers, status } = response
      gate.answered(headers)
      if (!isRefusal(status, headers["www-authenticate"]) || attempt === mostAttempts) return response
      // Its connection is not kept waiting for a person.
      yield* discard(response)
      const heard = { ...headers, "www-authenticate": challengeOf(response) }
      if (yield* gate.refused({ status, headers: heard, sent, attempt, isWaitedFor })) continue
      return HttpClientResponse.fromWeb(response.request, new Response(null, { status, headers: { ...headers } }))
    }
  })

/** What every request of ours runs with: no span of its own unless it is wanted, and no redirect that we do not see. */
export const within = (spans: boolean) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.serviceOption(FetchHttpClient.RequestInit), (init) => {
    const manual = Effect.provideService(effect, FetchHttpClient.RequestInit, {
      ...Option.getOrUndefined(init),
      redirect: "manual"
    })
    if (!spans) return Effect.provideService(manual, HttpClient.TracerDisabledWhen, () => true)
    return Effect.flatMap(
      Headers.CurrentRedactedNames,
      (names) => Effect.provideService(manual, Headers.CurrentRedactedNames, [...names, "dpop"])
    )
  })

export class ClientHttp {
  readonly url: URL
  readonly address: string
  readonly maxMessageBytes: number
  private readonly href: string
  private readonly client: HttpClient.HttpClient
  private readonly clock: Clock.Clock
  private readonly given: Own
  private readonly giving: Result<SseClient.Headers> | undefined
  private readonly gate: Authorization.Gate | undefined

  constructor({ client, clock, gate, headers, maxMessageBytes, url }: Options) {
    this.client = client
    this.clock = clock
    this.gate = gate
    this.url = url
    this.href = hrefOf(url)
    this.address = addressOf(url)
    this.maxMessageBytes = maxMessageBytes
    this.given = headers === undefined || Effect.isEffect(headers) ? {} : prepare(headers)
    this.giving = headers !== undefined && Effect.isEffect(headers) ? headers : undefined
  }

  get isAskingUser(): (() => boolean) | undefined {
    return this.gate?.isAskingUser
  }

  /** Sends a request and waits for the head of the answer; ours win over what the program adds. */
  send(
    method: Method,
    own: Own,
    body: string | undefined,
    { href = this.href, isWaitedFor = true }: { readonly href?: string; readonly isWaitedFor?: boolean } = {}
  ): Result<Response> {
    const { gate, giving } = this
    const go = (given: Own): Result<Response> => {
      const execute = (headers: Own) => this.execute(method, href, { ...given, ...headers, ...own }, body, maxRedirects)
      return gate === undefined ? execute({}) : enter(gate, { method, url: href, isWaitedFor }, execute)
    }
    return giving === undefined ? go(this.given) : Effect.flatMap(giving, (given) => go(prepare(given)))
  }

  private execute(
    method: Method,
    href: string,
    headers: Own,
    body: string | undefined,
    redirects: number
  ): Result<Response> {
    const request = HttpClientRequest.makeWith(
      method,
      href,
      UrlParams.empty,
      Option.none(),
      Headers.fromRecordUnsafe(headers),
      body === undefined ? HttpBody.empty : HttpBody.text(body, json)
    )
    return Effect.matchEffect(this.client.execute(request), {
      onFailure: (error) => Effect.fail(this.unsent(error)),
      onSuccess: (response) => {
        const { status } = response
        return status < 300 || status >= 400
          ? Effect.succeed(response)
          : this.redirect(response, method, href, headers, body, redirects)
      }
    })
  }

  private redirect(
    response: Response,
    method: Method,
    href: string,
    headers: Own,
    body: string | undefined,
    redirects: number
  ): Result<Response> {
    const { status } = response
    const location = response.headers["location"]
    if (location === undefined || !URL.canParse(location, href)) return Effect.succeed(response)
    const target = new URL(location, href)
    return Effect.andThen(
      discard(response),
      target.origin !== this.url.origin
        ? Effect.fail(this.otherOrigin(target))
        : redirects > 0 && (status === 307 || status === 308)
        ? this.execute(method, hrefOf(target), headers, body, redirects - 1)
        : Effect.fail(TransportError.make(
          new TransportError.HttpStatus({ status, body: `it leads to ${addressOf(target)}` })
        ))
    )
  }

  otherOrigin(target: URL): TransportError.TransportError {
    return TransportError.make(new TransportError.OtherOrigin({ from: this.address, to: addressOf(target) }))
  }

  /** A body up to the limit of a message. The rest of a longer one is not read: its connection is closed. */
  text(response: Response, headers: Headers.Headers): Result<string> {
    const length = headers["content-length"]
    // Nobody makes more of it than it says, unless it is compressed.
    if (length !== undefined && headers["content-encoding"] === undefined) {
      return Number(length) > this.maxMessageBytes
        ? Effect.andThen(abandon(response), Effect.fail(this.tooLarge()))
        : Effect.mapError(response.text, lost)
    }
    return Effect.flatMap(
      readUpTo(response, this.maxMessageBytes),
      ({ isWhole, text }) => isWhole ? Effect.succeed(text) : Effect.fail(this.tooLarge())
    )
  }

  /** Feeds a body to `push` as it comes. */
  stream(response: Response, push: (chunk: Uint8Array) => Result<void>): Result<void> {
    return Stream.runForEachArray(
      Stream.mapError(response.stream, lost),
      (chunks) => chunks.length === 1 ? push(chunks[0]) : Effect.forEach(chunks, push, { discard: true })
    )
  }

  tooLarge(): TransportError.TransportError {
    return TransportError.make(new TransportError.TooLarge({ limit: this.maxMessageBytes }))
  }

  /** What an answer says that is no success. Its body may not end: it is read for a while, and as far as is useful. */
  problem(response: Response): Effect.Effect<Problem> {
    const { headers, status } = response
    const limit = isOfType(headers["content-type"], json) ? this.maxMessageBytes : longestPage
    const told = secretsIn(response)
    return readUpTo(response, limit).pipe(
      Effect.timeoutOption(longestProblem),
      Effect.map(Option.match({ onNone: () => "", onSome: ({ text }) => text })),
      Effect.catch(() => Effect.succeed("")),
      Effect.map((text) => ({
        status,
        text: isText(headers["content-type"]) ? Concealing.conceal(text, told) : "",
        challenge: challengeOf(response),
        retryAfter: this.waitOf(headers["retry-after"])
      }))
    )
  }

  /** Milliseconds, from seconds or a date. */
  private waitOf(retryAfter: string | undefined): number | undefined {
    if (retryAfter === undefined) return undefined
    const millis = /^\d+$/u.test(retryAfter)
      ? Number(retryAfter) * 1000
      : Date.parse(retryAfter) - this.clock.currentTimeMillisUnsafe()
    return Number.isNaN(millis) ? undefined : Math.min(Math.max(0, millis), longestRetryAfter)
  }

  private unsent({ reason }: HttpClientError.HttpClientError): TransportError.TransportError {
    const cause = "cause" in reason ? Concealing.bareError(reason.cause) : undefined
    const message = messageOf(cause) ?? reason.message
    return TransportError.make(
      reason._tag === "EncodeError" || reason._tag === "InvalidUrlError" || isOfConnecting(cause)
        ? new TransportError.Unreachable({ address: this.address, message, cause })
        : new TransportError.Lost({ message, cause })
    )
  }
}

/** A status that is no success, and what came with it. */
export interface Problem {
  readonly status: number
  /** As much of its body as was read, where it is text. */
  readonly text: string
  readonly challenge: string | undefined
  readonly retryAfter: number | undefined
}

export const isUnauthorized = ({ challenge, status }: Problem): boolean => isRefusal(status, challenge)

const isRefusal = (status: number, challenge: string | undefined): status is 401 | 403 =>
  status === 401 || (status === 403 && challenge !== undefined)

export const errorOf = (problem: Problem): TransportError.TransportError => {
  const { challenge, retryAfter, status, text } = problem
  if (isUnauthorized(problem)) {
    return TransportError.make(
      new TransportError.Unauthorized({
        status: status === 401 ? 401 : 403,
        ...(challenge === undefined ? undefined : { challenge })
      })
    )
  }
  return TransportError.make(
    new TransportError.HttpStatus({
      status,
      body: (errorIn(text)?.error?.message ?? text.trim()).slice(0, longestQuote),
      ...(retryAfter === undefined ? undefined : { retryAfter })
    })
  )
}

/** The server's own refusal of this request, where it is one and not of a caller, of an address or for a while. */
export const refusalOf = (problem: Problem, id: JsonRpc.RequestId): JsonRpc.Response | undefined => {
  const { status, text } = problem
  if (status < 400 || status >= 500 || isUnauthorized(problem)) return undefined
  if (status === 408 || status === 425 || status === 429) return undefined
  const answer = errorIn(text)
  return answer !== undefined && (answer.id === null || answer.id === id) ? { ...answer, id } : undefined
}

const errorIn = (text: string): JsonRpc.Response | undefined => {
  if (!text.includes("jsonrpc")) return undefined
  const message = JsonRpc.parse(text)
  return message._tag === "Response" && message.error !== undefined ? message : undefined
}

/** Whether later may be better. */
export const isForAWhile = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501)

/** Reads what is left of a body that nobody wants, if that is little and comes soon: so its connection can be used again. */
export const discard = (response: Response): Effect.Effect<void> =>
  response.headers["content-length"] === "0"
    ? Effect.ignore(response.text)
    : Effect.ignore(Effect.timeoutOption(readUpTo(response, longestRest), longestWait))

/** Closes its connection. */
export const abandon = (response: Response): Effect.Effect<void> =>
  Effect.scoped(Effect.asVoid(Stream.toPull(response.stream)))

const readUpTo = (
  response: Response,
  limit: number
): Result<{ readonly text: string; readonly isWhole: boolean }> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let left = limit
    return Stream.runForEachArray(response.stream, (arrived) => {
      for (const chunk of arrived) {
        chunks.push(chunk.length > left ? chunk.subarray(0, left) : chunk)
        left -= chunk.length
        if (left < 0) return Effect.fail(overLimit)
      }
      return Effect.void
    }).pipe(
      Effect.as(true),
      Effect.catch((error) =>
        error === overLimit
          ? Effect.succeed(false)
          : error.reason._tag === "EmptyBodyError"
          ? Effect.succeed(true)
          : Effect.fail(lost(error))
      ),
      Effect.map((isWhole) => ({ text: decode(chunks), isWhole }))
    )
  })

const overLimit = "overLimit" as const

const decode = (chunks: ReadonlyArray<Uint8Array>): string => {
  const decoder = new TextDecoder()
  if (chunks.length === 1) return decoder.decode(chunks[0])
  let text = ""
  for (const chunk of chunks) text += decoder.decode(chunk, { stream: true })
  return text + decoder.decode()
}

/** What a failure comes to; one that nobody declared is a bug, in the program's own headers say. */
export const failureOf = (cause: Cause.Cause<TransportError.TransportError>): TransportError.TransportError =>
  cause.reasons.find(Cause.isFailReason)?.error
    ?? TransportError.make(
      new TransportError.Lost({ message: "the client failed unexpectedly", cause: Cause.squash(cause) })
    )

/** Of a request that asks for nothing to be done it does not matter whether it was sent. */
export const unreachable = (
  { address }: ClientHttp,
  error: TransportError.TransportError
): TransportError.TransportError => {
  const { reason } = error
  return reason._tag === "Lost"
    ? TransportError.make(new TransportError.Unreachable({ address, message: reason.message, cause: reason.cause }))
    : error
}

/** The request was sent, and its answer broke off. */
export const lost = ({ reason }: HttpClientError.HttpClientError): TransportError.TransportError => {
  const cause = "cause" in reason ? Concealing.bareError(reason.cause) : undefined
  return TransportError.make(new TransportError.Lost({ message: messageOf(cause) ?? reason.message, cause }))
}

/** What of a request its answer may not say again. A word so short is in every text, and is no secret. */
const secretsIn = ({ request }: Response): ReadonlyArray<string> =>
  Object.entries(request.headers).flatMap(([name, value]) =>
    ownNames.has(name) || name.startsWith("mcp-") ? [] : value.replace(/^(?:Basic|Bearer|DPoP) /iu, "")
  ).filter((value) => value.length >= shortestSecret)

const challengeOf = (response: Response): string | undefined => {
  const challenge = response.headers["www-authenticate"]
  return challenge === undefined ? undefined : Concealing.conceal(challenge, secretsIn(response))
}

/** Names that are the transport's own are left out, whoever gives them. */
const prepare = (given: SseClient.Headers): Own => {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase()
    if (value === undefined || ownNames.has(key) || key.startsWith("mcp-")) continue
    headers[key] = Redacted.isRedacted(value) ? Redacted.value(value) : value
  }
  return headers
}

const ownNames = new Set([
  "accept",
  "connection",
  "content-length",
  "content-type",
  "last-event-id",
  "transfer-encoding"
])

/** An address to send to. */
export const hrefOf = ({ origin, pathname, search }: URL): string => `${origin}${pathname}${search}`

/** Text a header can carry: the bytes of its UTF-8. */
export const headerText = (text: string): string =>
  /^[\x20-\x7e]*$/u.test(text) ? text : String.fromCharCode(...new TextEncoder().encode(text))

export const isOfType = (contentType: string | undefined, type: string): boolean => {
  if (contentType === undefined) return false
  if (contentType === type) return true
  const end = contentType.indexOf(";")
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase() === type
}

const isText = (contentType: string | undefined): boolean =>
  contentType === undefined || /^\s*(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml))/iu.test(contentType)

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

const messageOf = (error: unknown): string | undefined => {
  const { message } = innermost(error) ?? {}
  return typeof message === "string" && message !== "" ? message : undefined
}

/** Whether it is of before a byte of the request was sent. */
const isOfConnecting = (error: unknown): boolean => {
  const { code, syscall } = innermost(error) ?? {}
  return syscall === "connect" || syscall === "getaddrinfo" || (typeof code === "string" && connectingCodes.test(code))
}

/** Node has no rule for them: no connection, no trust in the server's certificate, or no request that can be sent. */
const connectingCodes =
  /^(?:ENOTFOUND|ECONNREFUSED|UND_ERR_(?:CONNECT_TIMEOUT|INVALID_ARG)|ERR_(?:TLS_|INVALID_|SSL_WRONG_VERSION_NUMBER|SSL_PACKET_LENGTH_TOO_LONG)|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/u

export const json = "application/json"

export const eventStream = "text/event-stream"

const maxRedirects = 5

/** Times that a request is sent: for a token, for more scopes, and for a nonce. */
const mostAttempts = 4

/** Bytes of a page that is no message. */
const longestPage = 16 << 10

const shortestSecret = 8

/** Characters of it that an error quotes. */
const longestQuote = 500

/** Milliseconds a timer can wait at most. */
const longestRetryAfter = 2 ** 31 - 1

const longestProblem = "5 seconds"

/** Of a body that nobody wants: bytes, and how long. */
const longestRest = 16 << 10
const longestWait = "1 second"
