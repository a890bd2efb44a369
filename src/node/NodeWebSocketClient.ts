/**
 * A server at a WebSocket, with all it needs on Node: the `ws` package that comes with `@effect/platform-node`, told to
 * stop where a message grows too large. Importing the module turns on Effect's schema compiler for the process.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeWS from "@effect/platform-node/NodeWS"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Socket from "effect/socket/Socket"
import * as ClientTransport from "../transport/ClientTransport.ts"
import * as WebSocketClient from "../transport/WebSocketClient.ts"

/** @category layers @since 0.1.0 */
export const layer = (options: WebSocketClient.Options): Layer.Layer<ClientTransport.ClientTransport> =>
  Layer.effect(ClientTransport.ClientTransport, make(options))

/** @category constructors @since 0.1.0 */
export const make = (options: WebSocketClient.Options): Effect.Effect<ClientTransport.ClientTransport["Service"]> =>
  Effect.provideService(WebSocketClient.make(options), Socket.WebSocketConstructor, (url, init) => {
    const { headers, protocols } = typeof init === "object" && !Array.isArray(init) ? init : { protocols: init }
    return new NodeWS.WebSocket(url, protocols, {
      headers,
      maxPayload: options.maxPayloadBytes ?? WebSocketClient.defaultMaxPayloadBytes,
      // It would hide how much waits to be sent.
      perMessageDeflate: false
    })
  })
