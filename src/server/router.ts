/**
 * From a method to what answers it. A method exists when the request's revision has it in its table or an extension
 * brings it; its handler plans the answer synchronously, and the dispatcher runs the plan.
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type * as Semaphore from "effect/Semaphore"
import type * as Tool from "../definition/Tool.ts"
import * as Middleware from "../middleware/Middleware.ts"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Receiver from "../transport/Receiver.ts"
import type * as backChannel from "./backChannel.ts"
import type * as Extension from "./Extension.ts"
import * as completion from "./internal/completion.ts"
import * as handlerContext from "./internal/handlerContext.ts"
import * as lists from "./internal/lists.ts"
import * as prompts from "./internal/prompts.ts"
import * as resources from "./internal/resources.ts"
import * as tools from "./internal/tools.ts"
import * as turn from "./internal/turn.ts"
import type * as lifecycle from "./lifecycle.ts"
import type * as registry from "./registry.ts"
import type * as statefulLifecycle from "./statefulLifecycle.ts"
import * as subscriptions from "./subscriptions.ts"
import type * as watched from "./watched.ts"

/** What a handler sees of the request beside its params. */
export interface Call {
  readonly request: handlerContext.HandlerContext
  readonly session: statefulLifecycle.StatefulLifecycle
  readonly header: Receiver.Exchange["header"]
  /** What this session may run at once. */
  readonly limit: Semaphore.Semaphore | undefined
}

/** How a request will be answered. */
export interface Plan {
  readonly effect: Effect.Effect<object, McpError.McpError>
  /** Where it runs; the server's own services when left out. */
  readonly context?: Context.Context<never>
  readonly tool?: Tool.Any
  readonly definition?: Middleware.Definition
  /** What its target asks of a caller; part of whatever refuses this one for another scope. */
  readonly scopes?: ReadonlyArray<string> | undefined
  /** What it is of, for telemetry; `name` is part of the span's name. */
  readonly target?: { readonly attribute: string; readonly value: string; readonly name?: string }
  /** Lasts until somebody ends it, so that no deadline applies. */
  readonly isOpenEnded?: boolean
  /** What answers it when the server ends it in good order. */
  readonly farewell?: object
}

export type Handler = (params: any, call: Call) => Plan | McpError.McpError

export interface Route {
  readonly decode: (params: JsonRpc.JsonObject | undefined) => Exit.Exit<any, SchemaIssue.Issue>
  readonly handle: Handler
  /** The JSON text of a result, on the wire of its revision. */
  readonly encode: (result: object) => string
}

export interface Router {
  readonly resolve: (revision: Revision.Revision, method: string) => Route | undefined
  /** Whether some revision has the method. */
  readonly isKnown: (method: string) => boolean
  readonly notification: (
    method: string,
    params: JsonRpc.JsonObject | undefined
  ) => Effect.Effect<void> | undefined
  readonly mirroredName: (request: JsonRpc.Request) => string | undefined
  readonly siblings: handlerContext.Siblings
  /** Whether there is such a resource, and not for this session. */
  readonly isHidden: (uri: string, scope: lifecycle.RequestScope, home: handlerContext.Home) => boolean
}

/** What the server says of itself. */
export interface Profile {
  readonly serverInfo: McpSchema.Implementation
  readonly instructions: string | undefined
  readonly capabilities: (revision: Revision.Revision) => McpSchema.ServerCapabilities
}

export interface Options {
  readonly profile: Profile
  readonly projection: Revision.Projection
  readonly registry: registry.Registry
  readonly updates: subscriptions.Updates
  readonly watched: watched.Watched
  readonly middleware: Middleware.Wrap<never> | undefined
  readonly extensions: ReadonlyArray<Extension.Any>
  readonly services: Context.Context<never>
  readonly isVisible: lists.IsVisible
  /** Whether the server itself decides who sees what, beside the definitions. */
  readonly isRestricted: boolean
  /** Whether lists show what the caller lacks the scopes for. */
  readonly listForbidden: boolean
  readonly pageSize: number
  /** Refuse argument keys no parameter has. */
  readonly strict: boolean
  /** What the server may run at once. */
  readonly limit: Semaphore.Semaphore | undefined
}

export const make = (options: Options): Router => {
  const { extensions, isVisible, listForbidden, middleware, profile, registry, services } = options
  const callWrap = Middleware.compose(
    extensions.flatMap(({ wrap }) => wrap === undefined ? [] : [Middleware.make(wrap)]),
    services
  )
  const filters = new Map(
    extensions.flatMap(({ listenFilters = {} }) =>
      Object.entries(listenFilters as { readonly [key: string]: Extension.ListenFilter<never> })
    )
  )
  const calls: tools.Options = { tools: registry.tools, isVisible, strict: options.strict }
  const reads: resources.Options = { registry, isVisible, listForbidden }
  const isListed = lists.isListed(options)
  const gets: prompts.Options = { prompts: registry.prompts, isVisible }

  const handlers: { readonly [method: string]: Handler } = {
    "initialize": (params: typeof McpSchema.InitializeParams.Type, { session }) => ({
      effect: Effect.map(session.initialize(params), (revision) => ({
        protocolVersion: revision.version,
        capabilities: profile.capabilities(revision),
        serverInfo: profile.serverInfo,
        ...instructions(profile)
      }))
    }),
    "ping": () => pong,
    "server/discover": (_params, { request }) => ({
      effect: Effect.sync(() => ({
        supportedVersions: Revisions.versions,
        capabilities: profile.capabilities(request.revision),
        ...instructions(profile)
      }))
    }),
    "logging/setLevel": ({ level }: typeof McpSchema.SetLevelParams.Type, { session }) => ({
      effect: Effect.as(session.setLogLevel(level), {})
    }),
    "tools/list": lists.list(registry.tools, "tools", options),
    "tools/call": asking(limited(options.limit, tools.call(calls, callWrap))),
    "resources/list": resources.list(reads, lists.list(registry.resources, "resources", options)),
    "resources/templates/list": lists.list(registry.templates, "resourceTemplates", options),
    "resources/read": asking(limited(options.limit, resources.read(reads))),
    "resources/subscribe": resources.subscribe(reads),
    "resources/unsubscribe": resources.unsubscribe,
    "prompts/list": lists.list(registry.prompts, "prompts", options),
    "prompts/get": asking(limited(options.limit, prompts.get(gets))),
    "completion/complete": completion.complete({ registry, isVisible }),
    "subscriptions/listen": subscriptions.listen({
      registry,
      updates: options.updates,
      watched: options.watched,
      isHidden: resources.isHidden(reads),
      filters
    })
  }

  const wrapped = (method: string, handle: Handler): Handler => {
    if (middleware === undefined) return handle
    const listed = definitions({ registry, isVisible })[method]
    return (params, call) => {
      const plan = handle(params, call)
      const { request } = call
      const isTaskRun = request.taskId !== undefined
      if (plan instanceof McpError.McpError) {
        const refused = { method, params, context: request, tool: undefined, refused: plan, isTaskRun }
        return { effect: middleware(refused, Effect.fail(plan)) }
      }
      const { definition = plan.tool, tool } = plan
      const about = listed === undefined ? undefined : { definitionOf: (item: object) => listed(item, request) }
      const effect = middleware(
        { method, params, context: request, tool, definition, isTaskRun, ...about },
        plan.effect
      )
      return { ...plan, effect }
    }
  }

  const routes = new Map(Revisions.all.map((revision) => {
    const table = new Map<string, Route>()
    for (const [method, { params, project }] of Object.entries(revision.requests)) {
      const handler = handlers[method]
      if (handler === undefined) throw new Error(`Nothing answers ${method} of ${revision.version}`)
      // What an extension answers a call with in the place of a tool's result is not that model.
      const encode = (result: object) =>
        JsonRpc.encode(
          (method === "tools/call" && "resultType" in result ? revision.projectResult : project)(
            result,
            options.projection
          )
        )
      table.set(method, {
        decode: lazyDecode(params),
        handle: wrapped(method, handler),
        encode: method.endsWith("/list") ? once(encode) : encode
      })
    }
    for (const extension of extensions) {
      for (const [method, definition] of Object.entries(extension.methods ?? {})) {
        if (definition.eras !== undefined && !definition.eras.includes(revision.era)) continue
        table.set(method, {
          decode: lazyDecode(definition.params),
          handle: wrapped(
            method,
            (params, { request }) => ({
              ...(definition.isOpenEnded === true ? { isOpenEnded: true } : undefined),
              effect: Effect.suspend(() =>
                definition.handle(params, {
                  sees: (definition) => isListed({ definition }, request)
                }) as Middleware.Next
              )
            })
          ),
          encode: (result) => JsonRpc.encode(revision.projectResult(result, options.projection))
        })
      }
    }
    return [revision.version, table] as const
  }))

  const notifications = new Map(
    extensions.flatMap((extension) =>
      Object.entries(extension.notifications ?? {}).map(([method, { handle, params }]) =>
        [method, { decode: lazyDecode(params), handle }] as const
      )
    )
  )

  const mirrors = new Map(
    extensions.flatMap((extension) =>
      Object.entries(extension.methods ?? {}).flatMap(([method, { mirroredName }]) =>
        mirroredName === undefined ? [] : [[method, mirroredName] as const]
      )
    )
  )

  return {
    resolve: (revision, method) => routes.get(revision.version)!.get(method),
    isKnown: (method) => Revisions.all.some(({ version }) => routes.get(version)!.has(method)),
    notification: (method, params) => {
      const definition = notifications.get(method)
      if (definition === undefined) return undefined
      const decoded = definition.decode(params)
      return Exit.isSuccess(decoded)
        ? Effect.suspend(() => definition.handle(decoded.value) as Effect.Effect<void>)
        : undefined
    },
    mirroredName: ({ method, params }) => {
      const key = coreMirrors.get(method)
      const value = key === undefined ? mirrors.get(method)?.(params ?? {}) : params?.[key]
      return typeof value === "string" ? value : undefined
    },
    isHidden: (uri, scope, home) => resources.isHidden(reads)(uri, handlerContext.ofSession(scope, home)),
    siblings: {
      callTool: tools.nestedCall(calls, () => middleware),
      readResource: resources.nestedRead(reads, () => middleware),
      getPrompt: prompts.nestedGet(gets, () => middleware),
      sees: lists.sees(registry, isVisible)
    }
  }
}

type Find = (item: object, request: handlerContext.HandlerContext) => Middleware.Definition | undefined

/** What the items of lists stand for, of what is there for who asks. */
const definitions = ({ isVisible, registry: { prompts, resources, templates, tools } }: {
  readonly registry: registry.Registry
  readonly isVisible: lists.IsVisible
}): { readonly [method: string]: Find } => {
  const ofUri: Find = (item, request) => {
    const { uri } = item as McpSchema.Resource
    const exact = resources.get(uri)
    if (exact !== undefined && isVisible(exact, request)) return exact.definition
    const found = templates.find(uri, (template) => isVisible(template, request))
    return found === undefined || found === "Unsafe" ? undefined : found.template.definition
  }
  return {
    "tools/list": (item) => tools.get((item as McpSchema.Tool).name)?.definition,
    "prompts/list": (item) => prompts.get((item as McpSchema.Prompt).name)?.definition,
    "resources/list": ofUri,
    "resources/templates/list": (item) => templates.get((item as McpSchema.ResourceTemplate).uriTemplate)?.definition,
    "subscriptions/listen": ofUri
  }
}

/** Waits for its turn, in the server and in its session. What handlers use of each other has had its turn. */
const limited = (server: Semaphore.Semaphore | undefined, handle: Handler): Handler => (params, call) => {
  const plan = handle(params, call)
  if (plan instanceof McpError.McpError || (server === undefined && call.limit === undefined)) return plan
  call.request.turn = turn.make([server, call.limit].filter((limit) => limit !== undefined), call.request.turns)
  return { ...plan, effect: call.request.turn.run(plan.effect) }
}

/** Takes up what the client has answered, before the handler runs again. */
const asking = (handle: Handler): Handler => (params, call) => {
  const plan = handle(params, call)
  if (plan instanceof McpError.McpError) return plan
  if (params.requestState === undefined && params.inputResponses === undefined) return plan
  const channel = call.request.backChannel()
  if (!("open" in channel)) return plan
  const answered = Effect.andThen((channel as backChannel.Rounds).open(params), plan.effect)
  return {
    ...plan,
    effect: Effect.map(answered, (result) => "contents" in result ? { ...result, cacheHints: never } : result)
  }
}

/** What was read with somebody's answers is not what the next one would read. */
const never: McpSchema.CacheHints = { ttlMs: 0, cacheScope: "private" }

/** The same page has the same text. */
const once = (encode: (result: object) => string): (result: object) => string => {
  const texts = new WeakMap<object, string>()
  return (result) => {
    let text = texts.get(result)
    if (text === undefined) texts.set(result, text = encode(result))
    return text
  }
}

/** Which parameter `Mcp-Name` mirrors. */
const coreMirrors = new Map([["tools/call", "name"], ["prompts/get", "name"], ["resources/read", "uri"]])

const pong: Plan = { effect: Effect.succeed({}) }

const instructions = ({ instructions }: Profile) => instructions === undefined ? undefined : { instructions }

/** On first use, so that an entry point can still turn the schema compiler on. */
const lazyDecode = (schema: Schema.Codec<any, any>): Route["decode"] => {
  let decode: Route["decode"] | undefined
  return (params) => (decode ??= SchemaParser.decodeUnknownExit(schema) as Route["decode"])(params ?? {})
}

/** What is wrong with a request's params, for the person who sent them. */
export const describeFailure = (method: string, cause: Cause.Cause<SchemaIssue.Issue>): McpError.McpError =>
  McpError.invalidParams(
    `Invalid params for ${method}: ${
      cause.reasons.map((reason) => reason._tag === "Fail" ? formatIssue(reason.error) : "").join("; ")
    }`
  )

const formatIssue = SchemaIssue.makeFormatterDefault()
