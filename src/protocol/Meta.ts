/**
 * The `_meta` keys MCP reserves, and the ones this framework adds under its own prefix.
 */

/** @category keys @since 0.1.0 */
export const protocolVersion = "io.modelcontextprotocol/protocolVersion"

/** @category keys @since 0.1.0 */
export const clientInfo = "io.modelcontextprotocol/clientInfo"

/** @category keys @since 0.1.0 */
export const clientCapabilities = "io.modelcontextprotocol/clientCapabilities"

/** @category keys @since 0.1.0 */
export const logLevel = "io.modelcontextprotocol/logLevel"

/** @category keys @since 0.1.0 */
export const serverInfo = "io.modelcontextprotocol/serverInfo"

/** @category keys @since 0.1.0 */
export const subscriptionId = "io.modelcontextprotocol/subscriptionId"

/** The task a message belongs to (2025-11-25). @category keys @since 0.1.0 */
export const relatedTask = "io.modelcontextprotocol/related-task"

/**
 * The outcome of a request that has no place of its own in the protocol: a declared failure's encoded value, or why a
 * request was cancelled. In a result's `_meta`, or in an error's `data`.
 *
 * @category keys
 * @since 0.1.0
 */
export const outcome = "fastmcp-effect/outcome"

/** The tags of a definition. @category keys @since 0.1.0 */
export const tags = "fastmcp-effect/tags"

/** The version of a definition. @category keys @since 0.1.0 */
export const version = "fastmcp-effect/version"
