/**
 * Tools, resources, templates and prompts that are rows of a `CatalogueStore`: every node that has the store serves them,
 * and a row that somebody writes, on whatever node, is there on all of them with their next look. Clients hear of the
 * lists that changed, and of the resources they watch.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import { McpServer } from "fastmcp-effect"
 * import * as SqliteClient from "fastmcp-effect/node/SqliteClient"
 * import { Catalogue, CatalogueHandler, CatalogueStoreSql } from "fastmcp-effect/provider"
 *
 * const greet = CatalogueHandler.tool({
 *   settings: Schema.Struct({ greeting: Schema.String }),
 *   handler: ({ greeting }, { name }) => Effect.succeed(`${greeting}, ${name}!`)
 * })
 *
 * const Greeter = McpServer.register(Catalogue.make({ handlers: { greet } })).pipe(
 *   Layer.provideMerge(McpServer.layer({ name: "greeter", version: "1.0.0" })),
 *   Layer.provide(CatalogueStoreSql.layer()),
 *   Layer.provide(SqliteClient.layer({ filename: "greeter.db" }))
 * )
 * ```
 *
 * A row that cannot be served, by itself or for want of its handler, is named in the log, and what it was before stays.
 * While the store does not answer, the last catalogue does.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Provider from "../definition/Provider.ts"
import * as following from "./catalogue/following.ts"
import type * as CatalogueError from "./CatalogueError.ts"
import type * as CatalogueHandler from "./CatalogueHandler.ts"
import * as CatalogueStore from "./CatalogueStore.ts"

/** @category models @since 0.1.0 */
export interface Options<H extends CatalogueHandler.Handlers> {
  /** The code of entries that name a handler. None when left out. */
  readonly handlers?: H
  /** How often it looks whether somebody has written who cannot tell it. 1 second. */
  readonly pollInterval?: Duration.Input
}

/** What it needs: the store, and whatever its handlers do. @category utility types @since 0.1.0 */
export type Services<H extends CatalogueHandler.Handlers> =
  | CatalogueStore.CatalogueStore
  | CatalogueHandler.Services<H[keyof H]>

/**
 * The entries of the store for as long as the provider is run. It fails only where the store does not answer at first.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <const H extends CatalogueHandler.Handlers = {}>(
  options?: Options<H>
) => Provider.Provider<CatalogueError.CatalogueError, Services<H>> = (
  { handlers = {}, pollInterval = "1 second" }: Options<CatalogueHandler.Handlers> = {}
) =>
  Provider.make(Stream.unwrap(
    Effect.flatMap(CatalogueStore.CatalogueStore, (store) => following.open({ store, handlers, pollInterval }))
  ))
