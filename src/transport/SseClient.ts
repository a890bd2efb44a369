/**
 * The client's end of the HTTP transport of 2024-11-05, for servers that know no other. The stream is the connection:
 * when it ends, what is in flight gets no answer.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as ClientTransport from "./ClientTransport.ts"
import * as clientHttp from "./internal/clientHttp.ts"
import * as runner from "./internal/runner.ts"
import * as sseConnection from "./internal/sseConnection.ts"
import type * as TransportError from "./TransportError.ts"

/** By name. Names that the transport itself sends, `accept` and all of `mcp-*` say, are left out. @category models @since 0.1.0 */
export type Headers = { readonly [name: string]: string | Redacted.Redacted<string> | undefined }

/** @category models @since 0.1.0 */
export interface Options {
  /** Of `http:` or `https:`, without credentials in it. */
  readonly url: string | URL
  /** Sent with every request. An effect is run for each of them, so that what expires can be renewed. */
  readonly headers?: Headers | Effect.Effect<Headers, TransportError.TransportError>
  /** Bytes of one message of the server's; a longer one is not kept. 10 MiB. */
  readonly maxMessageBytes?: number
  /** How long a stream of 2024-11-05 may take to name the address to post to. 10 seconds. */
  readonly endpointTimeout?: Duration.Input
  /** A span for each HTTP request, and its trace context in the headers. Off, for the client has one for each call. */
  readonly spans?: boolean
}

/**
 * Reaches the server at `url`, which is where its stream is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<ClientTransport.ClientTransport["Service"], TransportError.TransportError, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const { endpointTimeout = "10 seconds", headers, maxMessageBytes = 10 << 20, spans = false } = options
    const url = yield* clientHttp.parseUrl(options.url)
    const client = yield* HttpClient.HttpClient
    const gate = yield* clientHttp.gateTo(url)
    return ClientTransport.ClientTransport.of({
      kind: "sse",
      address: clientHttp.addressOf(url),
      origin: url.origin,
      ...(gate === undefined ? undefined : { isAskingUser: gate.isAskingUser }),
      connect: (listener) =>
        Effect.gen(function*() {
          const clock = yield* Clock.Clock
          return yield* sseConnection.open({
            http: new clientHttp.ClientHttp({ client, clock, gate, headers, maxMessageBytes, url }),
            run: yield* runner.make,
            listener,
            endpointTimeout: Duration.toMillis(Duration.fromInputUnsafe(endpointTimeout))
          })
        }).pipe(clientHttp.within(spans))
    })
  })

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<ClientTransport.ClientTransport, TransportError.TransportError, HttpClient.HttpClient> =>
  Layer.effect(ClientTransport.ClientTransport, make(options))
