/** What the tests of extensions share: a server that has one, and what its clients are told. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import type * as Tool from "fastmcp-effect/definition/Tool"
import type * as Middleware from "fastmcp-effect/middleware/Middleware"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import type * as Extension from "fastmcp-effect/server/Extension"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"

export const info = { name: "extended", version: "1.0.0" }

export const id = "example.com/clock"

export const NoParams = Schema.Record(Schema.String, Schema.Unknown)

export const method = (handle: Extension.Method<never>["handle"], more: Partial<Extension.Method<never>> = {}) => ({
  params: NoParams,
  handle,
  ...more
})

export const serve = (
  extension: Extension.Extension<never>,
  options: McpTest.Options = {},
  more: Partial<McpServer.Options<ReadonlyArray<Tool.AnyHandled>, [], [], ReadonlyArray<Middleware.Any>, []>> = {}
) =>
  McpTest.client(
    McpServer.layer({ ...info, ...more, extensions: [extension] }) as Layer.Layer<
      Receiver.Receiver,
      DefinitionError.DefinitionError
    >,
    options
  )

/** What a client is told the server can do. */
export const capabilities = (extension: Extension.Extension<never>, revision: Revisions.Version) =>
  Effect.gen(function*() {
    const client = yield* serve(extension, { revision })
    if (revision === "2026-07-28") return (yield* client.request("server/discover")).capabilities
    return JSON.parse((yield* client.frames)[0]!).result.capabilities
  })
