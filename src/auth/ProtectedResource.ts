/**
 * The document by which a client that was refused finds out whom to ask for a token (RFC 9728). Every mount of a server
 * with `BearerAuth` serves it.
 */
import * as dpops from "../oauth/Dpop.ts"
import type * as DpopNonce from "../oauth/DpopNonce.ts"
import * as ProtectedResourceMetadata from "../oauth/ProtectedResourceMetadata.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"

/** @category models @since 0.1.0 */
export interface Dpop {
  /** Whether every token has to be bound to a key. No: bearer tokens are taken too. */
  readonly required?: boolean
  /** Where requests go to, if that is not the resource itself. */
  readonly url?: string
  /** Whether a proof has to have a nonce of this server in it. No. */
  readonly nonces?: boolean | DpopNonce.Options
}

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
  /** Whether tokens are taken that are bound to a key, with a proof that the caller has it (RFC 9449). No. */
  readonly dpop?: boolean | Dpop
  /** For people. */
  readonly name?: string
  /** The URL of a page for people. */
  readonly documentation?: string
}

/** @category constructors @since 0.1.0 */
export const metadata = (
  { authorizationServers, documentation, dpop = false, name, resource, scopesSupported }: Options
): ProtectedResourceMetadata.ProtectedResourceMetadata => ({
  resource,
  authorization_servers: authorizationServers,
  bearer_methods_supported: ["header"],
  ...(dpop === false ? undefined : { dpop_signing_alg_values_supported: dpops.algorithms }),
  ...(isRequired(dpop) ? { dpop_bound_access_tokens_required: true } : undefined),
  ...(scopesSupported === undefined ? undefined : { scopes_supported: scopesSupported }),
  ...(name === undefined ? undefined : { resource_name: name }),
  ...(documentation === undefined ? undefined : { resource_documentation: documentation })
})

const isRequired = (dpop: boolean | Dpop): boolean => typeof dpop === "object" && dpop.required === true

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
