/**
 * What a protected resource says of itself (RFC 9728): above all, which authorization servers it takes tokens from.
 */
import * as Schema from "effect/Schema"

const strings = Schema.optionalKey(Schema.Array(Schema.String))
const text = Schema.optionalKey(Schema.String)

/** @category schemas @since 0.1.0 */
export const ProtectedResourceMetadata = Schema.Struct({
  /** The identifier of the resource, which tokens for it name as their audience. */
  resource: Schema.String,
  authorization_servers: strings,
  scopes_supported: strings,
  bearer_methods_supported: strings,
  resource_name: text,
  resource_documentation: text,
  resource_policy_uri: text,
  resource_tos_uri: text,
  jwks_uri: text,
  resource_signing_alg_values_supported: strings,
  dpop_signing_alg_values_supported: strings,
  dpop_bound_access_tokens_required: Schema.optionalKey(Schema.Boolean)
})

/** @category models @since 0.1.0 */
export type ProtectedResourceMetadata = typeof ProtectedResourceMetadata.Type

/**
 * The path all of them begin with; alone, it is that of the resource which is a whole origin.
 *
 * @category addresses
 * @since 0.1.0
 */
export const wellKnown = "/.well-known/oauth-protected-resource"

/**
 * Where the document of a resource is: the well-known path comes between its origin and its own path.
 *
 * @category addresses
 * @since 0.1.0
 */
export const location = (resource: string): string => {
  const { origin, pathname, search } = new URL(resource)
  return `${origin}${wellKnown}${pathname === "/" ? "" : pathname}${search}`
}
