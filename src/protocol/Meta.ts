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

/**
 * What a client calls one call by, however often it sends it: a text of 1 to 255 characters in the `_meta` of
 * `tools/call`, the same in each round of the call.
 *
 * @category keys
 * @since 0.1.0
 */
export const idempotencyKey = "fastmcp-effect/idempotencyKey"

/**
 * Among a server's experimental capabilities: it keeps to `idempotencyKey`, so that a call that has one may be sent again.
 * Its member `store` names what keeps the receipts.
 *
 * @category keys
 * @since 0.1.0
 */
export const idempotency = "fastmcp-effect/idempotency"

/**
 * In the `_meta` of a call that is sent again, for its answer was lost: the `store` of the server that had it first. One
 * that has another cannot tell what became of it.
 *
 * @category keys
 * @since 0.1.0
 */
export const idempotencyStore = "fastmcp-effect/idempotencyStore"

/** The tags of a definition. @category keys @since 0.1.0 */
export const tags = "fastmcp-effect/tags"

/** The version of a definition. @category keys @since 0.1.0 */
export const version = "fastmcp-effect/version"

/**
 * Which part of a file these contents are: `offset` and `bytes` of them, of a `size` in all. The next part begins at
 * their sum.
 *
 * @category keys
 * @since 0.1.0
 */
export const range = "fastmcp-effect/range"

/**
 * What is left of a request's budget, for whoever works for it elsewhere: milliseconds from its arrival, and cost. It
 * makes the receiver's own limits tighter and never wider. In a request's `_meta`; see `Allowance`.
 *
 * @category keys
 * @since 0.1.0
 */
export const budget = "fastmcp-effect/budget"

/** @category models @since 0.1.0 */
export interface Allowance {
  readonly timeLeft?: number
  readonly cost?: number
}

/** The allowance a request came with; what is no number that is not negative says nothing. @category reading @since 0.1.0 */
export const allowance = (meta: { readonly [key: string]: unknown }): Allowance | undefined => {
  const given = meta[budget]
  if (typeof given !== "object" || given === null) return undefined
  const { cost, timeLeft } = given as { readonly cost?: unknown; readonly timeLeft?: unknown }
  return {
    ...(isAmount(timeLeft) ? { timeLeft } : undefined),
    ...(isAmount(cost) ? { cost } : undefined)
  }
}

const isAmount = (value: unknown): value is number => typeof value === "number" && value >= 0
