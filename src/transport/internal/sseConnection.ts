/**
 * A client's connection of 2024-11-05: one stream of server-sent events that names where to post, and brings every
 * answer. The stream is the connection: with its end nothing comes any more.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import * as Authorization from "../Authorization.ts"
import type * as ClientTransport from "../ClientTransport.ts"
import * as TransportError from "../TransportError.ts"
import * as clientHttp from "./clientHttp.ts"
import * as eventStream from "./eventStream.ts"
import * as oversize from "./oversize.ts"
import * as posts from "./posts.ts"
import type * as runner from "./runner.ts"

export interface Options {
  readonly http: clientHttp.ClientHttp
  readonly run: runner.Runner
  readonly listener: ClientTransport.Listener
  /** Milliseconds within which the stream is to have named its address. */
  readonly endpointTimeout: number
}

/** Opens the stream, which ends with the runner. */
export const open = (options: Options): Effect.Effect<SseConnection, TransportError.TransportError> =>
  Effect.callback<SseConnection, TransportError.TransportError>((resume) => {
    const { http, run } = options
    let connection: SseConnection | undefined
    const begin = (address: string): TransportError.TransportError | undefined => {
      if (!URL.canParse(address, http.url.href)) {
        return malformed(`it names ${JSON.stringify(address)} as the address to post to`)
      }
      const endpoint = new URL(address, http.url)
      if (endpoint.origin !== http.url.origin) return http.otherOrigin(endpoint)
      connection = new SseConnection(options, clientHttp.hrefOf(endpoint))
      resume(Effect.succeed(connection))
      return undefined
    }
    let problem: TransportError.TransportError | undefined
    const events = eventStream.make({
      maxBytes: http.maxMessageBytes,
      onEvent: (data, type) => {
        if (connection !== undefined) { if (type === "message" && data !== "") connection.receive(data) }
        else if (type === "endpoint") problem = begin(data)
      },
      onDiscarded: (head, tail) => connection?.discarded(head, tail)
    })
    const read = Effect.flatMap(http.send("GET", { accept: clientHttp.eventStream }, undefined), (response) => {
      const { headers, status } = response
      if (status < 200 || status >= 300) {
        return Effect.flatMap(http.problem(response), (problem) => Effect.fail(clientHttp.errorOf(problem)))
      }
      if (!clientHttp.isOfType(headers["content-type"], clientHttp.eventStream)) {
        return Effect.andThen(
          clientHttp.discard(response),
          Effect.fail(malformed(`it answers GET with ${headers["content-type"] ?? "no content type"}`))
        )
      }
      return http.stream(response, (chunk) => {
        events.push(chunk)
        return problem === undefined ? Effect.void : Effect.fail(problem)
      })
    })
    const stop = run.run(read, (exit) => {
      const cause = Exit.isSuccess(exit) ? undefined : clientHttp.failureOf(exit.cause)
      if (connection !== undefined) connection.end(cause)
      else resume(Effect.fail(cause === undefined ? malformed(endedEarly) : clientHttp.unreachable(http, cause)))
    })
    return Effect.sync(stop)
  }).pipe(
    Authorization.timeoutOrElse({
      duration: options.endpointTimeout,
      isAskingUser: options.http.isAskingUser,
      orElse: () =>
        Effect.fail(malformed(`its stream has not named an address to post to within ${options.endpointTimeout} ms`))
    }),
    // What came right behind the address is told once the connection has its listener.
    Effect.tap((connection) => Effect.sync(() => options.run.run(Effect.yieldNow, () => connection.begin())))
  )

export class SseConnection implements ClientTransport.Connection {
  readonly hasStreams = false
  readonly hasHeaders = false
  private readonly options: Options
  private readonly endpoint: string
  private readonly posts: posts.Posts
  private early: Array<string> | undefined = []
  private isOver = false

  constructor(options: Options, endpoint: string) {
    this.options = options
    this.endpoint = endpoint
    this.posts = new posts.Posts({
      run: options.run,
      failed: (id, error) => options.listener.failed(id, error),
      perform: (post) => this.perform(post),
      // It comes on the stream; what it was posted with need not be over.
      onAnswered: (post) => this.posts.linger(post)
    })
  }

  begin(): void {
    const early = this.early ?? []
    this.early = undefined
    for (const data of early) this.receive(data)
  }

  receive(data: string): void {
    if (this.early !== undefined) {
      this.early.push(data)
      return
    }
    const wanted = this.posts.sift(JsonRpc.parse(data), undefined)
    if (wanted !== undefined) this.options.listener.receive(wanted, undefined)
  }

  /** A message was too large to be kept. */
  discarded(head: string, tail: string): void {
    const { id, isResponse } = oversize.read(head, tail)
    if (isResponse && id !== null) this.posts.fail(id, this.options.http.tooLarge())
  }

  /** The stream has. */
  end(cause: TransportError.TransportError | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.begin()
    this.options.listener.closed(TransportError.make(
      this.posts.end()
        ? new TransportError.Lost({
          message: "the server has closed its stream",
          ...(cause === undefined ? undefined : { cause })
        })
        : new TransportError.Closed(cause === undefined ? {} : { cause })
    ))
  }

  readonly send = (message: ClientTransport.Outgoing): void => {
    if (!this.isOver) this.posts.send(message)
  }

  readonly forget = (id: JsonRpc.RequestId): void => this.posts.forget(id)

  readonly congested = (): boolean => !this.isOver && this.posts.congested()

  get drained(): Effect.Effect<void> {
    return this.isOver ? Effect.void : this.posts.drained
  }

  readonly established = (): void => this.posts.settle(() => {})

  private perform(post: posts.Post): Effect.Effect<void, TransportError.TransportError> {
    const { frame, id, version } = post.message
    const { http, listener } = this.options
    return Effect.flatMap(
      http.send(
        "POST",
        {
          "content-type": clientHttp.json,
          accept: `${clientHttp.json}, ${clientHttp.eventStream}`,
          ...(version === undefined ? undefined : { "mcp-protocol-version": version })
        },
        frame,
        { href: this.endpoint }
      ),
      (response) => {
        if (response.status >= 200 && response.status < 300) {
          this.posts.taken(post)
          return clientHttp.discard(response)
        }
        return Effect.flatMap(http.problem(response), (problem) => {
          const refusal = id === undefined ? undefined : clientHttp.refusalOf(problem, id)
          if (refusal === undefined) return Effect.fail(clientHttp.errorOf(problem))
          if (this.posts.answer(id!)) listener.receive(refusal, undefined)
          return Effect.void
        })
      }
    )
  }
}

const endedEarly = "its stream ended before it named an address to post to"

const malformed = (message: string): TransportError.TransportError =>
  TransportError.make(new TransportError.Malformed({ message }))
