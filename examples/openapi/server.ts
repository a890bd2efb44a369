/** An MCP server made of the description of an HTTP API, wherever that is. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { McpServer } from "fastmcp-effect"
import { OpenApi } from "fastmcp-effect/provider"

export const books = (url: string, key: string) =>
  OpenApi.make({
    document: new URL("/openapi.json", url),
    name: "books",
    // It is on this machine, which an address from elsewhere may not name.
    fetch: { allowLoopback: true },
    // This server's own; what its clients come with stays here.
    credentials: { key: Redacted.make(key) },
    routes: [
      { path: "/admin/**", as: "exclude" },
      { methods: ["GET"], path: "/books/{id}", as: "template" }
    ],
    names: { listBooks: "find_books", addBook: "add_book", dropBook: "drop_book" },
    timeout: "5 seconds"
  })

export const Library = (url: string, key: string) =>
  McpServer.register(books(url, key)).pipe(
    Layer.provideMerge(McpServer.layer({ name: "library", version: "1.0.0" })),
    // Retries, tracing and limits of requests to the API would stand around this one.
    Layer.provide(NodeHttpClient.layerUndici)
  )
