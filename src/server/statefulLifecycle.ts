/**
 * The stateful era: `initialize` opens a session on the connection, and later requests are answered in the revision it
 * settled on.
 */
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import * as lifecycle from "./lifecycle.ts"

export interface StatefulLifecycle {
  readonly admit: (request: JsonRpc.Request) => lifecycle.RequestScope | McpError.McpError
  /** Settles on a revision; the client's own choice where this server speaks it. */
  readonly initialize: (
    params: typeof McpSchema.InitializeParams.Type
  ) => Revision.Revision | McpError.McpError
  readonly setLogLevel: (level: McpSchema.LoggingLevel) => void
  readonly session: () => Session | undefined
}

/** What `initialize` established. */
export interface Session {
  readonly revision: Revision.Revision
}

export const make = (): StatefulLifecycle => {
  let scope: lifecycle.RequestScope | undefined
  let level: McpSchema.LoggingLevel = "info"
  const logLevel = () => level

  return {
    session: () => scope,
    admit: (request) => {
      const meta = lifecycle.metaOf(request.params)
      if (scope !== undefined) return meta === lifecycle.noMeta ? scope : { ...scope, meta }
      // Before the handshake there is nobody to speak to, and two things to say.
      return request.method === "initialize" || request.method === "ping"
        ? { revision: Revisions.latestStateful, client: stranger, meta, logLevel: noLogs }
        : McpError.invalidRequest(
          `Send initialize first, or the ${"_meta"} envelope of 2026-07-28; ${request.method} came before either.`
        )
    },
    initialize: ({ capabilities, clientInfo, protocolVersion }) => {
      if (scope !== undefined) return McpError.invalidRequest("This connection is initialized already.")
      const asked = Revisions.select(protocolVersion)
      const revision = asked?.era === "Stateful" ? asked : Revisions.latestStateful
      scope = { revision, client: { info: clientInfo, capabilities }, meta: lifecycle.noMeta, logLevel }
      return revision
    },
    setLogLevel: (next) => {
      level = next
    }
  }
}

const stranger = { info: undefined, capabilities: {} }

const noLogs = () => undefined
