/**
 * The `RequestContext` of one request: what its handler may know of it and say through it.
 */
import * as Effect from "effect/Effect"
import type * as RequestContext from "../../context/RequestContext.ts"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import type * as McpError from "../../protocol/McpError.ts"
import * as McpSchema from "../../protocol/McpSchema.ts"
import type * as Receiver from "../../transport/Receiver.ts"
import type * as lifecycle from "../lifecycle.ts"

type Service = RequestContext.RequestContext["Service"]

/** Calls a tool of the same server from inside a request. */
export type CallTool = (
  request: HandlerContext,
  params: McpSchema.CallToolParams
) => Effect.Effect<McpSchema.CallToolResult, McpError.McpError>

export class HandlerContext implements Service {
  readonly id: JsonRpc.RequestId
  readonly method: string
  readonly scope: lifecycle.RequestScope
  readonly sessionId: string | undefined
  /** How many tools called each other to get here. */
  readonly depth: number
  readonly exchange: Receiver.Exchange
  private readonly nestedCall: CallTool
  private lastProgress = -Infinity
  private ended = false
  /** The context of the tool that called this one. */
  private caller: HandlerContext | undefined = undefined

  constructor(
    request: JsonRpc.Request,
    scope: lifecycle.RequestScope,
    sessionId: string | undefined,
    exchange: Receiver.Exchange,
    nestedCall: CallTool,
    depth: number
  ) {
    this.id = request.id
    this.method = request.method
    this.scope = scope
    this.sessionId = sessionId
    this.exchange = exchange
    this.nestedCall = nestedCall
    this.depth = depth
  }

  get revision() {
    return this.scope.revision
  }

  get client() {
    return this.scope.client
  }

  get meta() {
    return this.scope.meta
  }

  get wantsProgress(): boolean {
    return this.depth === 0 && JsonRpc.isId(this.scope.meta.progressToken)
  }

  /** From here on nothing may follow: the reply is about to leave. */
  end(): void {
    this.ended = true
  }

  private hasEnded(): boolean {
    return this.ended || this.caller?.hasEnded() === true
  }

  notify(method: string, params: JsonRpc.JsonObject): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.hasEnded()) return Effect.void
      this.exchange.notify(JsonRpc.encodeNotification(method, params))
      return this.exchange.congested() ? this.exchange.drained : Effect.void
    })
  }

  reportProgress(progress: number, options?: RequestContext.ProgressOptions): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.wantsProgress || !(progress > this.lastProgress) || progress === Infinity) return Effect.void
      this.lastProgress = progress
      return this.notify("notifications/progress", {
        progressToken: this.scope.meta.progressToken,
        progress,
        ...options
      })
    })
  }

  log(level: McpSchema.LoggingLevel, data: unknown, logger?: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const minimum = this.scope.logLevel()
      if (minimum === undefined || !McpSchema.passes(level, minimum)) return Effect.void
      return this.notify("notifications/message", {
        level,
        ...(logger === undefined ? undefined : { logger }),
        data: (data ?? null) as JsonRpc.Json
      })
    })
  }

  callTool(params: McpSchema.CallToolParams): Effect.Effect<McpSchema.CallToolResult, McpError.McpError> {
    return this.nestedCall(this, params)
  }

  /** The same request as a tool it calls sees it. */
  nested(): HandlerContext {
    const nested = new HandlerContext(
      { _tag: "Request", id: this.id, method: "tools/call", params: undefined },
      this.scope,
      this.sessionId,
      this.exchange,
      this.nestedCall,
      this.depth + 1
    )
    nested.caller = this
    return nested
  }
}
