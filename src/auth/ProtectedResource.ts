/**
 * The document by which a client that was refused finds out whom to ask for a token (RFC 9728). Every mount of a server
 * with `BearerAuth` serves it.
 */
import * as ProtectedResourceMetadata from "../oauth/ProtectedResourceMetadata.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * The address clients know the server by, to the letter: `https://acme.example/mcp`. Tokens name it as their audience,
   * so a token that was made out to somebody else is of no use here.
   */
  readonly resource: string
  /** Issuers whose tokens are taken; the first is what most clients go to. */
  readonly authorizationServers: ReadonlyArray<string>
  /** All scopes there are, for a client that does not know yet what it will need. */
  readonly scopesSupported?: ReadonlyArray<string>
  /** For people. */
  readonly name?: string
  /** The URL of a page for people. */
  readonly documentation?: string
}

/** @category constructors @since 0.1.0 */
export const metadata = (
  { authorizationServers, documentation, name, resource, scopesSupported }: Options
): ProtectedResourceMetadata.ProtectedResourceMetadata => ({
  resource,
  authorization_servers: authorizationServers,
  bearer_methods_supported: ["header"],
  ...(scopesSupported === undefined ? undefined : { scopes_supported: scopesSupported }),
  ...(name === undefined ? undefined : { resource_name: name }),
  ...(documentation === undefined ? undefined : { resource_documentation: documentation })
})

/**
 * By path: where the standard puts it, and at the root, where clients look that do not know the rest.
 *
 * @category constructors
 * @since 0.1.0
 */
export const documents = (options: Options): ReadonlyMap<string, JsonObject> => {
  const document = metadata(options) as unknown as JsonObject
  const { pathname } = new URL(ProtectedResourceMetadata.location(options.resource))
  return new Map([[pathname, document], [ProtectedResourceMetadata.wellKnown, document]])
}
