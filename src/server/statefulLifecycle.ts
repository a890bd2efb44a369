/**
 * The stateful era: `initialize` opens a session on the connection, and later requests are answered in the revision it
 * settled on.
 */
import type * as SessionState from "../context/SessionState.ts"
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
  /** What `initialize` established: the scope of its requests. */
  readonly session: () => lifecycle.RequestScope | undefined
}

export const make = (): StatefulLifecycle => {
  let scope: lifecycle.RequestScope | undefined
  let level: McpSchema.LoggingLevel | undefined
  const logLevel = () => level ?? "info"
  const wantsLogs = () => level !== undefined

  return {
    session: () => scope,
    admit: (request) => {
      const meta = lifecycle.metaOf(request.params)
      if (scope !== undefined) {
        if (request.method === "initialize") return initialized()
        return meta === lifecycle.noMeta ? scope : { ...scope, meta }
      }
      // Before the handshake there is nobody to speak to, and two things to say.
      return request.method === "initialize" || request.method === "ping"
        ? {
          revision: Revisions.latestStateful,
          client: stranger,
          meta,
          logLevel: noLogs,
          wantsLogs: no,
          session: undefined
        }
        : McpError.invalidRequest(
          `Send initialize first, or the ${"_meta"} envelope of 2026-07-28; ${request.method} came before either.`
        )
    },
    initialize: ({ capabilities, clientInfo, protocolVersion }) => {
      if (scope !== undefined) return initialized()
      const asked = Revisions.select(protocolVersion)
      const revision = asked?.era === "Stateful" ? asked : Revisions.latestStateful
      scope = {
        revision,
        client: { info: clientInfo, capabilities: revision.clientCapabilities(capabilities) },
        meta: lifecycle.noMeta,
        logLevel,
        wantsLogs,
        session: makeValues()
      }
      return revision
    },
    setLogLevel: (next) => {
      level = next
    }
  }
}

const initialized = () => McpError.invalidRequest("This connection is initialized already.")

const stranger = { info: undefined, capabilities: {} }

const noLogs = () => undefined

const no = () => false

const makeValues = (): SessionState.Values => {
  const values = new Map<string, JsonRpc.Json>()
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value)
    },
    remove: (key) => {
      values.delete(key)
    }
  }
}
