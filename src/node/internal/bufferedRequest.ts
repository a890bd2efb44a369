/** A request of `node:http` whose body is here already, as Effect's HTTP modules know requests. */
import * as NodeHttpIncomingMessage from "@effect/platform-node/NodeHttpIncomingMessage"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Http from "node:http"
import type { TLSSocket } from "node:tls"

type Changes = Parameters<HttpServerRequest.HttpServerRequest["modify"]>[0]

export class BufferedRequest extends NodeHttpIncomingMessage.NodeHttpIncomingMessage<HttpServerError.HttpServerError>
  implements HttpServerRequest.HttpServerRequest
{
  readonly [HttpServerRequest.TypeId]: typeof HttpServerRequest.TypeId = HttpServerRequest.TypeId
  /** Undefined where it is longer than may be. */
  readonly body: Buffer | undefined
  private readonly changes: Changes
  private ownHeaders: Headers.Headers | undefined

  constructor(source: Http.IncomingMessage, body: Buffer | undefined, changes: Changes = {}) {
    super(source, (cause) => failure(this, "Parse", cause), changes.remoteAddress)
    this.body = body
    this.changes = changes
  }

  get method(): string {
    return this.source.method!
  }

  get url(): string {
    return this.changes.url ?? this.source.url!
  }

  get originalUrl(): string {
    const { headers: { host }, socket, url } = this.source
    if (host === undefined || !url!.startsWith("/")) return url!
    return `${(socket as TLSSocket).encrypted === true ? "https" : "http"}://${host}${url}`
  }

  override get headers(): Headers.Headers {
    return this.ownHeaders ??= this.changes.headers ?? Headers.fromInput(this.source.headers)
  }

  get cookies() {
    return Cookies.parseHeader(this.headers.cookie ?? "")
  }

  get protocol() {
    return this.changes.protocol
  }

  get peerAddress(): Option.Option<string> {
    return this.changes.peerAddress ?? Option.fromNullishOr(this.source.socket.remoteAddress)
  }

  private get bytes(): Effect.Effect<Buffer, HttpServerError.HttpServerError> {
    return this.body === undefined ? Effect.fail(failure(this, "BodyTooLarge")) : Effect.succeed(this.body)
  }

  override get text(): Effect.Effect<string, HttpServerError.HttpServerError> {
    return Effect.map(this.bytes, decode)
  }

  override get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpServerError.HttpServerError> {
    return Effect.map(this.bytes, (bytes) => new Uint8Array(bytes).buffer)
  }

  override get stream(): Stream.Stream<Uint8Array, HttpServerError.HttpServerError> {
    return Stream.fromEffect(this.bytes)
  }

  get multipart(): Effect.Effect<never> {
    return noParts
  }

  get multipartStream(): Stream.Stream<never> {
    return Stream.fromEffect(noParts)
  }

  get upgrade(): Effect.Effect<never, HttpServerError.HttpServerError> {
    return Effect.fail(failure(this, "Parse"))
  }

  upgradeWith(): Effect.Effect<never, HttpServerError.HttpServerError> {
    return this.upgrade
  }

  toJSON(): unknown {
    const url = UrlParams.redactUrl(this.originalUrl)
    return HttpIncomingMessage.inspect(this, { _id: "HttpServerRequest", method: this.method, url })
  }

  modify(changes: Changes): BufferedRequest {
    return new BufferedRequest(this.source, this.body, { ...this.changes, ...changes })
  }
}

const noParts = Effect.die(new Error("The parts of a body are not read here."))

const failure = (request: BufferedRequest, reason: "Parse" | "BodyTooLarge", cause?: unknown) =>
  new HttpServerError.HttpServerError({
    reason: new HttpServerError.RequestParseError({ request, reason, cause })
  })

const decoder = new TextDecoder()

const decode = (bytes: Buffer): string => decoder.decode(bytes)
