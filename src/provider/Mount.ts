/**
 * A server within another: what it has is served there, each definition the way its own server serves it. Its middleware
 * stands around it, inside that of the server it is mounted in; its visibility, its scopes, its limits and its services
 * are its own, and its handlers find each other and not those around them. The caller, the client and what is left of
 * the budget are those of the request.
 *
 * Two servers that have the same names clash; `transform/Namespace` keeps them apart.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type * as RequestContext from "../context/RequestContext.ts"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Provider from "../definition/Provider.ts"
import * as McpServer from "../server/McpServer.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What errors call the mount, and what tells apart what its handlers remember (`Ask.once`). The server's own name. */
  readonly name?: string
  /** What of it is mounted; resources are those of templates, too. All when left out. */
  readonly only?: ReadonlyArray<"tools" | "resources" | "prompts">
}

/**
 * A server that is built with the provider and closed with it; what the layer fails with the provider fails with.
 * `live: false` takes what it has when it is ready, and no later change.
 *
 * **Gotchas**
 *
 * Of an extension only its definitions are mounted. Methods of its own, notifications and listen filters belong to the
 * protocol of the server around it; so do tasks, which that server runs if it has the extension.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <E, R>(
  server: Layer.Layer<McpServer.McpServer, E, R>,
  options: Options & { readonly live?: boolean } = {}
): Provider.Provider<E | DefinitionError.DefinitionError, R | RequestContext.RequestContext> =>
  Provider.make(Stream.unwrap(Effect.map(
    Layer.build(server),
    (context) => mounted(Context.get(context, McpServer.McpServer), options, options.live ?? true)
  )))

/**
 * A server that runs already, and goes on when the mount ends. It fails where that server has this one mounted in it, by
 * way of others perhaps.
 *
 * @category constructors
 * @since 0.1.0
 */
export const live = (
  server: McpServer.McpServer["Service"],
  options: Options = {}
): Provider.Provider<DefinitionError.DefinitionError, RequestContext.RequestContext> =>
  Provider.make(mounted(server, options, true))

/** The same, as it is when it is mounted. @category constructors @since 0.1.0 */
export const snapshot = (
  server: McpServer.McpServer["Service"],
  options: Options = {}
): Provider.Provider<DefinitionError.DefinitionError, RequestContext.RequestContext> =>
  Provider.make(mounted(server, options, false))

const mounted = (server: McpServer.McpServer["Service"], { name, only }: Options, live: boolean) =>
  server.mounted({ name, only, live })
