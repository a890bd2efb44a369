/** The HTTP client of our own client transports on Node: undici, with connections that end with the layer. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"

export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  NodeHttpClient.makeUndici
).pipe(Layer.provide(NodeHttpClient.layerDispatcher))
