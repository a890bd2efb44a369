/**
 * The `RequestContext` of one request: what its handler may know of it and say through it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as AskError from "../../context/AskError.ts"
import * as Identity from "../../context/Identity.ts"
import type * as RequestContext from "../../context/RequestContext.ts"
import type * as SessionState from "../../context/SessionState.ts"
import type * as Definition from "../../definition/Definition.ts"
import * as JsonRpc from "../../protocol/JsonRpc.ts"
import type * as McpError from "../../protocol/McpError.ts"
import * as McpSchema from "../../protocol/McpSchema.ts"
import type * as HttpEndpoint from "../../transport/HttpEndpoint.ts"
import type * as Receiver from "../../transport/Receiver.ts"
import type * as backChannel from "../backChannel.ts"
import type * as lifecycle from "../lifecycle.ts"
import * as canonicalJson from "./canonicalJson.ts"
import * as fingerprint from "./fingerprint.ts"
import type * as turn from "./turn.ts"

type Service = RequestContext.RequestContext["Service"]

/** The other definitions of the server, as one of its handlers uses them. */
export interface Siblings {
  readonly callTool: (
    caller: HandlerContext,
    params: McpSchema.CallToolParams
  ) => Effect.Effect<McpSchema.CallToolResult, McpError.McpError>
  readonly readResource: (
    caller: HandlerContext,
    params: McpSchema.ReadResourceParams
  ) => Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError>
  readonly getPrompt: (
    caller: HandlerContext,
    params: McpSchema.GetPromptParams
  ) => Effect.Effect<McpSchema.GetPromptResult, McpError.McpError>
  readonly sees: (caller: HandlerContext, kind: RequestContext.Kind, name: string) => boolean
}

/** What the requests of one connection have in common. */
export interface Home {
  readonly connection: Receiver.Connection
  readonly siblings: Siblings
  readonly backChannel: (request: HandlerContext) => backChannel.BackChannel | backChannel.Rounds
  /** The session watches other resources than before. */
  readonly watches?: () => void
  /** Where there is a connection. */
  readonly peer?: RequestContext.Peer
  /** What it works for where there is no connection. */
  readonly task?: {
    readonly id: string
    readonly reportProgress: Service["reportProgress"]
  }
}

export class HandlerContext implements Service {
  readonly id: JsonRpc.RequestId
  readonly method: string
  /** As they came. */
  readonly params: JsonRpc.JsonObject
  readonly scope: lifecycle.RequestScope
  readonly exchange: Receiver.Exchange
  readonly home: Home
  /** How many handlers called each other to get here. */
  readonly depth: number
  /** What it is mounted as that it came to, if that is mounted. */
  private mount: string | undefined = undefined
  /** The handler that called this one, or the same request as the server sees it that this one is mounted in. */
  readonly caller: HandlerContext | undefined
  /** What a nested call is of. */
  readonly target: string | undefined
  /** Its turn among those the server works on at once, if there is a limit. */
  turn: turn.Turn | undefined = undefined
  private pausedWith: McpSchema.InputRequiredResult | undefined = undefined
  /**
   * Told that it is. An object and no function: V8 allocates a closure that is assigned to a property among the old, and
   * whatever such a one holds stays until a full collection, which would be every request that waits.
   */
  running: { readonly pause: () => void } | undefined = undefined
  private outliving: (() => void) | undefined = undefined
  private lastProgress = -Infinity
  private ended = false
  private channel: backChannel.BackChannel | backChannel.Rounds | undefined = undefined
  private calls: Map<string, number> | undefined = undefined
  /** The nested calls that lead here. */
  private path: ReadonlyArray<string> = []
  /** Which server asks its client by a key alone. */
  private keys: Map<string, Home> | undefined = undefined
  /** Who calls, where a server it came to has decided that by itself. */
  services: Context.Context<never> | undefined = undefined
  /** The headers of an answer that refuses its caller, where whoever refuses it has its own. */
  challenge: HttpEndpoint.Headers | undefined = undefined
  private enders: Set<() => void> | undefined = undefined
  private ownTurns: Scope.Closeable | undefined = undefined

  constructor(
    { id, method, params }: Pick<JsonRpc.Request, "id" | "method" | "params">,
    scope: lifecycle.RequestScope,
    exchange: Receiver.Exchange,
    home: Home,
    caller?: HandlerContext,
    target?: string
  ) {
    this.id = id
    this.method = method
    this.params = params ?? noParams
    this.scope = scope
    this.exchange = exchange
    this.home = home
    this.caller = caller
    this.target = target
    this.depth = caller === undefined ? 0 : caller.home === home ? caller.depth + 1 : caller.depth
  }

  get revision() {
    return this.scope.revision
  }

  get client() {
    return this.scope.client
  }

  get sessionId(): string | undefined {
    return this.home.connection.sessionId
  }

  get peer(): RequestContext.Peer | undefined {
    return this.revision.era === "Stateless" ? undefined : this.home.peer
  }

  get logLevel(): McpSchema.LoggingLevel | undefined {
    return this.scope.logLevel()
  }

  get taskId(): string | undefined {
    return this.home.task?.id
  }

  get meta() {
    return this.scope.meta
  }

  get mounts(): ReadonlyArray<string> {
    if (this.caller === undefined) return none
    return this.mount === undefined ? this.caller.mounts : [...this.caller.mounts, this.mount]
  }

  get session(): SessionState.Values | undefined {
    const values = this.caller === undefined ? this.scope.session : this.caller.session
    return values === undefined || this.mount === undefined ? values : mountedValues(values, this.mount)
  }

  get viewer(): Definition.Viewer {
    return {
      identity: Context.get(this.servicesOfCaller(), Identity.CurrentIdentity),
      client: this.client,
      session: this.session
    }
  }

  private servicesOfCaller(): Context.Context<never> {
    return this.services ?? this.caller?.servicesOfCaller() ?? this.exchange.context ?? this.home.connection.context
  }

  get wantsProgress(): boolean {
    return this.depth === 0 && (this.home.task !== undefined || JsonRpc.isId(this.scope.meta.progressToken))
  }

  /** Nothing it says reaches the client any more. */
  silence(): void {
    this.ended = true
  }

  /** From here on nothing may follow: the reply is about to leave. */
  end(): void {
    this.silence()
    const enders = this.enders
    this.enders = undefined
    if (enders !== undefined) { for (const listener of enders) listener() }
  }

  /** Calls back when the request is over, until the result is called. */
  whenEnded(listener: () => void): () => void {
    if (this.caller !== undefined) return this.caller.whenEnded(listener)
    const enders = this.enders ??= new Set()
    enders.add(listener)
    return () => {
      enders.delete(listener)
    }
  }

  /** Holds every turn that is taken for the request; whoever closes it gives them back before their code ends. */
  get turns(): Scope.Closeable {
    return this.caller === undefined ? this.ownTurns ??= Scope.makeUnsafe() : this.caller.turns
  }

  hasEnded(): boolean {
    return this.ended || this.caller?.hasEnded() === true
  }

  /** In place of a result, when the client has to answer first. */
  get paused(): McpSchema.InputRequiredResult | undefined {
    return this.mount === undefined ? this.pausedWith : this.caller!.paused
  }

  outlive(onPaused: () => void): void {
    if (this.mount === undefined) this.outliving = onPaused
    else this.caller!.outlive(onPaused)
  }

  /** Whether somebody is there for its questions. */
  private isHeard(): boolean {
    return !this.ended || this.outliving !== undefined
  }

  // NOTE: what a handler may take off the context and call on its own is bound when it is read, not for every request.

  get notify(): Service["notify"] {
    return (method, params) =>
      Effect.suspend(() => {
        if (this.hasEnded()) return Effect.void
        const { projectNotification } = this.revision
        this.exchange.notify(
          JsonRpc.encodeNotification(
            method,
            projectNotification === undefined ? params : projectNotification(method, params) as JsonRpc.JsonObject
          )
        )
        return this.exchange.congested() ? this.exchange.drained : Effect.void
      })
  }

  get reportProgress(): Service["reportProgress"] {
    return (progress, options) =>
      Effect.suspend(() => {
        if (this.caller !== undefined && this.wantsProgress) return this.caller.reportProgress(progress, options)
        if (!this.wantsProgress || !(progress > this.lastProgress) || progress === Infinity) return Effect.void
        this.lastProgress = progress
        if (this.home.task !== undefined) return this.home.task.reportProgress(progress, options)
        return this.notify("notifications/progress", {
          progressToken: this.scope.meta.progressToken,
          progress,
          ...options
        })
      })
  }

  get log(): Service["log"] {
    return (level, data, logger) =>
      Effect.suspend(() => {
        const minimum = this.scope.logLevel()
        if (minimum === undefined || !McpSchema.passes(level, minimum)) return Effect.void
        return this.notify("notifications/message", {
          level,
          ...(logger === undefined ? undefined : { logger }),
          data: (data ?? null) as JsonRpc.Json
        })
      })
  }

  get closeConnection(): Service["closeConnection"] {
    return Effect.sync(() => {
      if (!this.hasEnded()) this.exchange.closeConnection?.()
    })
  }

  get callTool(): Service["callTool"] {
    return (params) => this.home.siblings.callTool(this, params)
  }

  get readResource(): Service["readResource"] {
    return (params) => this.home.siblings.readResource(this, params)
  }

  get getPrompt(): Service["getPrompt"] {
    return (params) => this.home.siblings.getPrompt(this, params)
  }

  get sees(): Service["sees"] {
    return (kind, name) => this.home.siblings.sees(this, kind, name)
  }

  get ask(): Service["ask"] {
    return (questions) =>
      Effect.suspend(() =>
        !this.root.isHeard()
          ? Effect.fail(unavailable)
          : this.waiting(this.backChannel().ask(questions, (key) => this.questionOf(key)))
      )
  }

  get once(): Service["once"] {
    return (key, step) => Effect.suspend(() => this.backChannel().once(this.addressOf(key), step))
  }

  /** What a key is called among those of all the handlers that work for the request. */
  private addressOf(key: string): string {
    return this.path.length === 0 && !key.startsWith("[") ? key : JSON.stringify([...this.path, key])
  }

  /**
   * The same of a question, which its client gets to see: where only a mount lies between, it is called as it would be
   * without, unless two servers ask by one key.
   */
  private questionOf(key: string): string {
    if (this.depth > 0 || key.startsWith("[")) return this.addressOf(key)
    const { root } = this
    const keys = root.keys ??= new Map()
    const holder = keys.get(key)
    if (holder === undefined) keys.set(key, this.home)
    return holder === undefined || holder === this.home
      ? key
      : JSON.stringify([...(this.path.length === 0 ? [""] : this.path), key])
  }

  /** Others have its turns in the servers it came through while it waits; the outermost is had again first. */
  private waiting<A, E>(answers: Effect.Effect<A, E>): Effect.Effect<A, E> {
    if (this.caller === undefined) return answers
    const outside = this.caller.waiting(answers)
    return this.turn === undefined ? outside : this.turn.wait(outside)
  }

  /** What all that work for one request work for: as it came to the server it was made of. */
  get root(): HandlerContext {
    return this.caller === undefined ? this : this.caller.root
  }

  /** Shared by all that work for one request. */
  backChannel(): backChannel.BackChannel | backChannel.Rounds {
    return this.caller === undefined
      ? this.channel ??= this.home.backChannel(this)
      : this.caller.backChannel()
  }

  /** Ends the request with a round of questions. What outlives the request does not wait for answers. */
  pause(result: McpSchema.InputRequiredResult): Effect.Effect<never, AskError.AskError> {
    return Effect.interruptible(Effect.callback<never, AskError.AskError>((resume) => {
      if (!this.isHeard()) return resume(Effect.fail(unavailable))
      const stop = this.whenEnded(() => {
        if (this.outliving === undefined) resume(Effect.fail(unavailable))
      })
      if (this.pausedWith === undefined) {
        this.pausedWith = result
        if (this.ended) this.outliving?.()
        else this.running?.pause()
      }
      return Effect.sync(stop)
    }))
  }

  /** Whether this, or what it was called by, is a call of the server's tool. */
  isWithinTool(name: string, home: Home): boolean {
    return (this.home === home && this.method === "tools/call" && (this.target ?? this.params.name) === name)
      || this.caller?.isWithinTool(name, home) === true
  }

  /** The same request as a server sees it that is mounted in this one; `name` keeps what they remember apart. */
  mounted(home: Home, method: string, target: string, name: string): HandlerContext {
    const mounted = new HandlerContext(
      { id: this.id, method, params: undefined },
      this.scope,
      this.exchange,
      home,
      this,
      target
    )
    mounted.mount = name
    mounted.path = [...this.path, `mount ${name}`]
    return mounted
  }

  /** The same request as a sibling it uses sees it. */
  nested(method: string, target: string, params: JsonRpc.Json): HandlerContext {
    const nested = new HandlerContext(
      { id: this.id, method, params: undefined },
      this.scope,
      this.exchange,
      this.home,
      this,
      target
    )
    // The same call gets the same keys when the handler runs again, in whatever order the calls come.
    this.calls ??= new Map()
    const call = `${target}?${canonicalJson.canonical(params)}`
    const count = this.calls.get(call) ?? 0
    this.calls.set(call, count + 1)
    nested.path = [...this.path, target, fingerprint.of(call) + (count === 0 ? "" : `#${count}`)]
    return nested
  }
}

const noParams: JsonRpc.JsonObject = {}

const none: ReadonlyArray<string> = []

/** What a session keeps for a mounted server. */
export const mountedValues = (values: SessionState.Values, name: string): SessionState.Values => ({
  get: (key) => values.get(`${name}: ${key}`),
  refresh: values.refresh,
  modify: (key, change) => values.modify(`${name}: ${key}`, change)
})

/** Why nobody can be asked any more. */
export const unavailable = AskError.make(
  new AskError.Unavailable({ text: "The request is over; only what works for it can ask its client." })
)

/** Stands for a session where nobody asks for anything. */
export const ofSession = (scope: lifecycle.RequestScope, home: Home): HandlerContext =>
  new HandlerContext({ id: 0, method: "", params: undefined }, scope, silence, home)

/** Of a request that has no connection. */
export const silence: Receiver.Exchange = {
  reply: () => {},
  notify: () => {},
  drop: () => {},
  isGone: () => true,
  congested: () => false,
  drained: Effect.void,
  header: undefined
}
