/**
 * MCP over Streamable HTTP for a client on Node, with an HTTP client of its own. For another one, behind a proxy say,
 * give `StreamableHttpClient.layer` an `HttpClient`. Importing the module turns on Effect's schema compiler for the
 * process.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Layer from "effect/Layer"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import * as StreamableHttpClient from "../transport/StreamableHttpClient.ts"
import type * as TransportError from "../transport/TransportError.ts"

/** @category layers @since 0.1.0 */
export const layer = (
  options: StreamableHttpClient.Options
): Layer.Layer<ClientTransport.ClientTransport, TransportError.TransportError> =>
  Layer.provide(StreamableHttpClient.layer(options), NodeHttpClient.layerUndici)
