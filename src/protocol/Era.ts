/**
 * The two shapes of an MCP conversation. Stateful revisions open with `initialize` and keep a session; stateless ones
 * carry version, identity and capabilities on every request.
 */

/** @category models @since 0.1.0 */
export type Era = "Stateful" | "Stateless"
