/**
 * A refusal that says which scopes would have helped. Over HTTP it becomes 401 or 403 with the challenge a client asks
 * its authorization server with; elsewhere its error carries the scopes as `requiredScopes`.
 */
import * as Effect from "effect/Effect"
import * as McpError from "../protocol/McpError.ts"
import * as Identity from "./Identity.ts"

/**
 * Goes on if the caller has all of these scopes. For what only the handler can know; a definition that always needs a
 * scope says so in its `scopes`.
 *
 * @category guards
 * @since 0.1.0
 */
export const require = (...scopes: ReadonlyArray<string>): Effect.Effect<void, McpError.McpError> =>
  Effect.flatMap(Identity.CurrentIdentity, (identity) => {
    const refused = refusal(identity, scopes)
    return refused === undefined ? Effect.void : Effect.fail(refused)
  })

/**
 * Why this caller may not do what needs these scopes, if it may not.
 *
 * @category constructors
 * @since 0.1.0
 */
export const refusal = (
  identity: Identity.Identity,
  scopes: ReadonlyArray<string>
): McpError.McpError | undefined => {
  if (Identity.hasScopes(identity, scopes)) return undefined
  return McpError.make(
    Identity.isAuthenticated(identity)
      ? new McpError.InsufficientScope({ scopes })
      : new McpError.Unauthenticated({ scopes })
  )
}

/**
 * The same refusal on behalf of an operation that needs more: a client that asks for one scope at a time would have to
 * ask its user as often.
 *
 * @category combinators
 * @since 0.1.0
 */
export const include = (error: McpError.McpError, scopes: ReadonlyArray<string> | undefined): McpError.McpError => {
  const { reason } = error
  if (scopes === undefined || (reason._tag !== "InsufficientScope" && reason._tag !== "Unauthenticated")) return error
  const all = [...new Set([...scopes, ...reason.scopes])]
  if (all.length === reason.scopes.length) return error
  return McpError.make(
    reason._tag === "InsufficientScope"
      ? new McpError.InsufficientScope({ ...reason, scopes: all })
      : new McpError.Unauthenticated({ ...reason, scopes: all })
  )
}
