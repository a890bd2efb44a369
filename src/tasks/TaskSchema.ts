/**
 * What server and client know of tasks beside the schemas of `protocol/McpSchema`: the extension's id, and who declares
 * it. Revision 2025-11-25 has tasks without an extension (`SessionTask` and its like), 2026-07-28 as one.
 */
import type * as McpSchema from "../protocol/McpSchema.ts"

/** @category constants @since 0.1.0 */
export const extensionId = "io.modelcontextprotocol/tasks"

/** What a client of 2026-07-28 has to declare with a request that is about tasks. @category constants @since 0.1.0 */
export const required: McpSchema.ClientCapabilities = { extensions: { [extensionId]: {} } }

/** @category guards @since 0.1.0 */
export const isDeclared = ({ extensions }: McpSchema.ClientCapabilities): boolean =>
  extensions !== undefined && Object.hasOwn(extensions, extensionId)

/** @category guards @since 0.1.0 */
export const isTerminal = (status: McpSchema.TaskStatus): boolean =>
  status === "completed" || status === "failed" || status === "cancelled"
