/**
 * The client's end of MCP over Streamable HTTP, in both eras. Each message is a POST, whose answer is JSON or a stream
 * of server-sent events. In the stateful era a stream that breaks is resumed where the server has given it ids, and
 * there is one by GET for what answers no request; in the stateless one every POST stands alone. A server that knows
 * HTTP+SSE of 2024-11-05 alone is spoken to in that.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as ClientTransport from "./ClientTransport.ts"
import * as clientHttp from "./internal/clientHttp.ts"
import * as eventStream from "./internal/eventStream.ts"
import * as posts from "./internal/posts.ts"
import * as runner from "./internal/runner.ts"
import * as sseConnection from "./internal/sseConnection.ts"
import type * as SseClient from "./SseClient.ts"
import * as TransportError from "./TransportError.ts"

/** @category models @since 0.1.0 */
export interface Options extends SseClient.Options {
  /** Whether a server that takes no POST at `url` is asked for its stream of 2024-11-05 there. */
  readonly sse?: boolean
}

/**
 * Reaches the server at `url`, which is its MCP endpoint. Connecting opens nothing: the first message does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<ClientTransport.ClientTransport["Service"], TransportError.TransportError, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const { endpointTimeout = "10 seconds", headers, maxMessageBytes = 10 << 20, spans = false, sse = true } = options
    const url = yield* clientHttp.parseUrl(options.url)
    const client = yield* HttpClient.HttpClient
    const gate = yield* clientHttp.gateTo(url)
    const open = (listener: ClientTransport.Listener): Effect.Effect<HttpConnection, never, Scope.Scope> =>
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        const http = new clientHttp.ClientHttp({ client, clock, gate, headers, maxMessageBytes, url })
        const running = yield* Scope.make()
        const connection = new HttpConnection({
          http,
          clock,
          listener,
          run: yield* Scope.provide(runner.make, running),
          sse,
          endpointTimeout: Duration.toMillis(Duration.fromInputUnsafe(endpointTimeout))
        })
        yield* Effect.addFinalizer((exit) => Effect.andThen(Scope.close(running, exit), connection.goodbye))
        return connection
      })
    return ClientTransport.ClientTransport.of({
      kind: "http",
      address: clientHttp.addressOf(url),
      origin: url.origin,
      ...(gate === undefined ? undefined : { isAskingUser: gate.isAskingUser }),
      connect: (listener) => clientHttp.within(spans)(open(listener))
    })
  })

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<ClientTransport.ClientTransport, TransportError.TransportError, HttpClient.HttpClient> =>
  Layer.effect(ClientTransport.ClientTransport, make(options))

interface ConnectionOptions extends sseConnection.Options {
  readonly clock: Clock.Clock
  readonly sse: boolean
}

type Failing = Effect.Effect<void, TransportError.TransportError>

interface Session {
  /** Undefined where the server has none. */
  readonly id: string | undefined
  /** Undefined until it is established. */
  version: string | undefined
}

/** How far a stream has been read. */
interface Cursor {
  lastEventId: string | undefined
  retry: number | undefined
  /** Whether an event came on its last connection. */
  hasMoved: boolean
}

/** What came of coming back for a stream. */
type Return =
  | { readonly _tag: "Read" }
  | { readonly _tag: "Refused"; readonly problem: clientHttp.Problem }
  | { readonly _tag: "Failed"; readonly error: TransportError.TransportError }

class HttpConnection implements ClientTransport.Connection {
  private readonly options: ConnectionOptions
  private readonly http: clientHttp.ClientHttp
  private readonly posts: posts.Posts
  private session: Session | undefined
  /** There was one, and the server has ended it: nothing but a new beginning is sent. */
  private hasEnded = false
  private stopListening: () => void = ignore
  /** The server knows 2024-11-05 alone. */
  private old: sseConnection.SseConnection | undefined

  constructor(options: ConnectionOptions) {
    this.options = options
    this.http = options.http
    this.posts = new posts.Posts({
      run: options.run,
      failed: (id, error) => options.listener.failed(id, error),
      perform: (post) => this.perform(post)
    })
  }

  get hasStreams(): boolean {
    return this.old === undefined
  }

  get hasHeaders(): boolean {
    return this.old === undefined
  }

  readonly send = (message: ClientTransport.Outgoing): void => {
    if (this.old !== undefined) return this.old.send(message)
    if (message.version === undefined) this.leave(false)
    this.posts.send(message)
  }

  readonly forget = (id: JsonRpc.RequestId): void => {
    this.posts.forget(id)
    this.old?.forget(id)
  }

  readonly congested = (): boolean => (this.old ?? this.posts).congested()

  get drained(): Effect.Effect<void> {
    return (this.old ?? this.posts).drained
  }

  readonly established = (version: string): void => {
    if (this.old !== undefined) return this.old.established()
    const { session } = this
    if (session !== undefined) session.version = version
    this.posts.settle(() => {
      if (session !== undefined && this.session === session) this.listen(session)
    })
  }

  /** Ends the session, whether the server takes that or not. */
  readonly goodbye: Effect.Effect<void> = Effect.suspend(() =>
    this.session?.id === undefined
      ? Effect.void
      : this.http.send("DELETE", headersOf(this.session, this.session.version), undefined, unawaited).pipe(
        Effect.flatMap(clientHttp.discard),
        Effect.timeoutOption(longestGoodbye),
        Effect.ignoreCause
      )
  )

  private leave(hasEnded: boolean): void {
    this.session = undefined
    this.hasEnded = hasEnded
    this.stopListening()
    this.stopListening = ignore
  }

  /** The server has ended it, unless another has begun since. */
  private ended(session: Session): void {
    if (this.session === session) this.leave(true)
  }

  // --------------------------------------------------------------------------
  // POST
  // --------------------------------------------------------------------------

  private perform(post: posts.Post): Failing {
    const { frame, headers, version } = post.message
    const session = version === undefined || isStateless(version) ? undefined : this.session
    if (this.hasEnded && version !== undefined && !isStateless(version)) return Effect.fail(sessionEnded)
    const own = { ...headersOf(session, version), ...messageHeaders }
    return Effect.flatMap(
      this.http.send("POST", headers === undefined ? own : { ...lowerCase(headers), ...own }, frame),
      (response) => this.answer(post, session, response)
    )
  }

  private answer(post: posts.Post, session: Session | undefined, response: clientHttp.Response): Failing {
    const { headers, status } = response
    const { id, version } = post.message
    if (status < 200 || status >= 300) return this.refuse(post, session, response)
    if (version === undefined && id !== undefined) {
      const sessionId = headers["mcp-session-id"]
      if (sessionId !== undefined && !/^[\x21-\x7e]+$/u.test(sessionId)) {
        return Effect.andThen(clientHttp.discard(response), fail("its session id is not visible ASCII"))
      }
      this.session = session = { id: sessionId, version: undefined }
    }
    this.posts.taken(post)
    if (id === undefined) return clientHttp.discard(response)
    const contentType = headers["content-type"]
    if (clientHttp.isOfType(contentType, clientHttp.json)) {
      return Effect.flatMap(this.http.text(response, headers), (text) => this.takeBody(post, id, text))
    }
    if (clientHttp.isOfType(contentType, clientHttp.eventStream)) return this.takeStream(post, session, response)
    return Effect.andThen(
      clientHttp.discard(response),
      fail(`it answers a request with HTTP ${status} and ${contentType ?? "no content type"}`)
    )
  }

  private takeBody(post: posts.Post, id: JsonRpc.RequestId, text: string): Failing {
    const received = JsonRpc.parse(text)
    if (received._tag === "Invalid" && !received.isResponse) return fail(received.error.message)
    this.receive(received, id)
    return post.isOver ? Effect.void : fail("what it answers a request with is no answer to it")
  }

  private takeStream(post: posts.Post, session: Session | undefined, response: clientHttp.Response): Failing {
    const cursor: Cursor = { lastEventId: undefined, retry: undefined, hasMoved: false }
    const end = (error: TransportError.TransportError): Failing => {
      if (post.isOver) return Effect.void
      const { version } = post.message
      const canResume = error.reason._tag === "Lost" && cursor.lastEventId !== undefined
        && (version === undefined || !isStateless(version))
      return canResume ? this.resume(post, session, cursor) : Effect.fail(error)
    }
    return Effect.matchEffect(this.read(response, cursor, post), {
      onSuccess: () => end(lost("its stream ended without it")),
      onFailure: end
    })
  }

  private refuse(post: posts.Post, session: Session | undefined, response: clientHttp.Response): Failing {
    return Effect.flatMap(this.http.problem(response), (problem) => {
      const { id, version } = post.message
      const refusal = id === undefined ? undefined : clientHttp.refusalOf(problem, id)
      // A server that has ended the session may say so in an error of its own; that a method is unknown is no such.
      if (
        problem.status === 404 && session?.id !== undefined && refusal?.error?.code !== methodNotFound
      ) {
        this.ended(session)
        return Effect.fail(sessionEnded)
      }
      const stands = refusal === undefined
        ? Effect.fail(clientHttp.errorOf(problem))
        : Effect.sync(() => this.receive(refusal, refusal.id!))
      // Only one that takes no POST at all refuses it with 405, in whatever words.
      const isRefused = problem.status === 405
        || (refusal === undefined && (problem.status === 400 || problem.status === 404))
      return this.options.sse && version === undefined && id !== undefined && isRefused
        ? this.fallBack(post, stands)
        : stands
    })
  }

  /** Takes the server for one that knows 2024-11-05 alone. Where it is not, what it has answered stands. */
  private fallBack(post: posts.Post, stands: Failing): Failing {
    this.posts.hold()
    return sseConnection.open(this.options).pipe(
      Effect.matchEffect({
        onFailure: (error) =>
          error.reason._tag === "Unauthorized" || error.reason._tag === "OtherOrigin" ? Effect.fail(error) : stands,
        onSuccess: (connection) =>
          Effect.sync(() => {
            this.old = connection
            this.posts.handOver(post, connection.send)
          })
      }),
      Effect.ensuring(Effect.sync(() => this.posts.release()))
    )
  }

  private receive(received: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch, about: JsonRpc.RequestId | undefined) {
    const wanted = this.posts.sift(received, about)
    if (wanted !== undefined) this.options.listener.receive(wanted, about)
  }

  // --------------------------------------------------------------------------
  // Streams
  // --------------------------------------------------------------------------

  /** Reads to the end of a stream: that of a request, or the one for what answers none. */
  private read(response: clientHttp.Response, cursor: Cursor, post: posts.Post | undefined): Failing {
    const about = post?.message.id
    let isTooLarge = false
    cursor.hasMoved = false
    const events = eventStream.make({
      ...cursor,
      maxBytes: this.http.maxMessageBytes,
      onEvent: (data, type) => {
        cursor.hasMoved = true
        if (data !== "" && type === "message") this.receive(JsonRpc.parse(data), about)
      },
      onOversize: () => {
        isTooLarge = true
      }
    })
    return this.http.stream(response, (chunk) => {
      events.push(chunk)
      cursor.lastEventId = events.lastEventId()
      cursor.retry = events.retry()
      if (post === undefined) return Effect.void
      if (post.isOver) this.posts.linger(post)
      // It may have been the answer; where it was not, that is too large to be read past.
      return isTooLarge ? Effect.fail(this.http.tooLarge()) : Effect.void
    })
  }

  /** Asks for a stream after the last event that was read, and reads on. */
  private comeBack(
    session: Session | undefined,
    version: string | undefined,
    cursor: Cursor,
    post: posts.Post | undefined
  ): Effect.Effect<Return> {
    const own = {
      ...headersOf(session, version),
      accept: clientHttp.eventStream,
      ...(cursor.lastEventId === undefined
        ? undefined
        : { "last-event-id": clientHttp.headerText(cursor.lastEventId) })
    }
    return Effect.flatMap(
      this.http.send("GET", own, undefined, { isWaitedFor: post !== undefined }),
      (response): Effect.Effect<Return, TransportError.TransportError> => {
        const { headers, status } = response
        if (status < 200 || status >= 300 || !clientHttp.isOfType(headers["content-type"], clientHttp.eventStream)) {
          return Effect.map(this.http.problem(response), (problem) => ({ _tag: "Refused", problem }))
        }
        return Effect.as(
          Effect.catch(
            this.read(response, cursor, post),
            (error) => error.reason._tag === "Lost" ? Effect.void : Effect.fail(error)
          ),
          isRead
        )
      }
    ).pipe(
      Effect.catchCause((cause) => Effect.succeed<Return>({ _tag: "Failed", error: clientHttp.failureOf(cause) }))
    )
  }

  /** Once the server has taken a request in, all that can be told without its answer is that it is lost. */
  private resume(post: posts.Post, session: Session | undefined, cursor: Cursor): Failing {
    return Effect.gen({ self: this }, function*() {
      let failures = 0
      let wait = 0
      while (true) {
        yield* Effect.sleep(delayOf(cursor, failures, wait))
        const end = yield* this.comeBack(session, post.message.version, cursor, post)
        if (post.isOver) return
        if (end._tag === "Read") {
          // A server may let its client come back as often as it likes.
          failures = 0
          wait = 0
          continue
        }
        const error = end._tag === "Failed" ? end.error : clientHttp.errorOf(end.problem)
        if (error.reason._tag === "TooLarge") return yield* Effect.fail(error)
        if (end._tag === "Refused" && end.problem.status === 404 && session?.id !== undefined) this.ended(session)
        if (!passes(end) || ++failures === mostFailures) return yield* Effect.fail(notResumed(error))
        wait = waitOf(end)
      }
    })
  }

  /** Keeps the stream open for what answers no request, quietly: a server need not have one. */
  private listen(session: Session): void {
    this.stopListening()
    this.stopListening = this.options.run.fork(Effect.gen({ self: this }, function*() {
      const { clock } = this.options
      const cursor: Cursor = { lastEventId: undefined, retry: undefined, hasMoved: false }
      let failures = 0
      let refusals = 0
      while (true) {
        const began = clock.currentTimeMillisUnsafe()
        const end = yield* this.comeBack(session, session.version, cursor, undefined)
        failures++
        if (end._tag === "Read") {
          refusals = 0
          if (cursor.hasMoved || clock.currentTimeMillisUnsafe() - began >= longestDelay) failures = 0
        } else if (!passes(end)) {
          const status = end._tag === "Refused" ? end.problem.status : undefined
          if (status === 204 || status === 405) return
          if (status === 404) return session.id === undefined ? undefined : this.ended(session)
          // What it has seen is not kept any more.
          const isForgotten = cursor.lastEventId !== undefined && (status === 400 || status === 410)
          if (isForgotten) cursor.lastEventId = undefined
          else if (++refusals === mostRefusals) return
        }
        yield* Effect.sleep(delayOf(cursor, failures, waitOf(end)))
      }
    }))
  }
}

const isRead: Return = { _tag: "Read" }

/** Whether a stream that was not to be had may be had later. */
const passes = (end: Exclude<Return, { readonly _tag: "Read" }>): boolean =>
  end._tag === "Refused"
    ? clientHttp.isForAWhile(end.problem.status)
    : end.error.reason._tag === "Lost" || end.error.reason._tag === "Unreachable"

/** Milliseconds the server has asked for besides those of its stream. */
const waitOf = (end: Return): number => end._tag === "Refused" ? end.problem.retryAfter ?? 0 : 0

const isStateless = (version: string): boolean => Revisions.select(version)?.era === "Stateless"

const messageHeaders = {
  "content-type": clientHttp.json,
  "accept": `${clientHttp.json}, ${clientHttp.eventStream}`
}

const headersOf = (session: Session | undefined, version: string | undefined): { readonly [name: string]: string } => ({
  ...(version === undefined ? undefined : { "mcp-protocol-version": version }),
  ...(session?.id === undefined ? undefined : { "mcp-session-id": session.id })
})

const lowerCase = (headers: { readonly [name: string]: string }): { readonly [name: string]: string } =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** Milliseconds: what the server asks for at least, and more the more often it has come to nothing. */
const delayOf = ({ retry = firstDelay }: Cursor, failures: number, wait: number): number =>
  Math.max(
    retry,
    wait,
    failures === 0 ? shortestDelay : Math.min(longestDelay, firstDelay * 2 ** (failures - 1))
  )

const firstDelay = 1000
const shortestDelay = 10
const longestDelay = 30_000

/** Times in a row that coming back for an answer may come to nothing: some three minutes. */
const mostFailures = 10

/** Times in a row that a server may refuse the stream for what answers no request before it is taken to have none. */
const mostRefusals = 3

const methodNotFound = -32601

const longestGoodbye = "1 second"

const unawaited = { isWaitedFor: false }

const sessionEnded = TransportError.make(new TransportError.SessionEnded())

const lost = (message: string, cause?: TransportError.TransportError): TransportError.TransportError =>
  TransportError.make(new TransportError.Lost({ message, ...(cause === undefined ? undefined : { cause }) }))

const notResumed = (cause: TransportError.TransportError): TransportError.TransportError =>
  lost(`its stream broke off and could not be resumed; ${cause.message}`, cause)

const fail = (message: string): Effect.Effect<never, TransportError.TransportError> =>
  Effect.fail(TransportError.make(new TransportError.Malformed({ message })))

const ignore = () => {}
