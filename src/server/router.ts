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
import type * as Tool from "../definition/Tool.ts"
import * as Middleware from "../middleware/Middleware.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as Revisions from "../protocol/Revisions.ts"
import type * as Receiver from "../transport/Receiver.ts"
import type * as Extension from "./Extension.ts"
import type * as handlerContext from "./internal/handlerContext.ts"
import * as tools from "./internal/tools.ts"
import type * as registry from "./registry.ts"
import type * as statefulLifecycle from "./statefulLifecycle.ts"
import * as subscriptions from "./subscriptions.ts"

/** What a handler sees of the request beside its params. */
export interface Call {
  readonly request: handlerContext.HandlerContext
  readonly session: statefulLifecycle.StatefulLifecycle
  readonly header: Receiver.Exchange["header"]
}

/** How a request will be answered. */
export interface Plan {
  readonly effect: Effect.Effect<object, McpError.McpError>
  /** Where it runs; the server's own services when left out. */
  readonly context?: Context.Context<never>
  readonly tool?: Tool.Any
  /** Lasts until somebody ends it, so that no deadline applies. */
  readonly isOpenEnded?: boolean
  /** What answers it when the server ends it in good order. */
  readonly farewell?: object
}

export type Handler = (params: any, call: Call) => Plan | McpError.McpError

export interface Route {
  readonly decode: (params: JsonRpc.JsonObject | undefined) => Exit.Exit<any, SchemaIssue.Issue>
  readonly handle: Handler
  readonly project: (result: any, projection: Revision.Projection) => object
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
  readonly nestedCall: handlerContext.CallTool
}

/** What the server says of itself. */
export interface Profile {
  readonly serverInfo: McpSchema.Implementation
  readonly instructions: string | undefined
  readonly capabilities: (revision: Revision.Revision) => McpSchema.ServerCapabilities
}

export const make = (options: {
  readonly profile: Profile
  readonly registry: registry.Registry
  readonly middleware: Middleware.Wrap<never> | undefined
  readonly extensions: ReadonlyArray<Extension.Any>
  readonly services: Context.Context<never>
}): Router => {
  const { extensions, middleware, profile, registry, services } = options
  const callWrap = Middleware.compose(
    extensions.flatMap(({ wrap }) => wrap === undefined ? [] : [Middleware.make(wrap)]),
    services
  )
  const filters = new Map(
    extensions.flatMap(({ listenFilters = {} }) =>
      Object.entries(listenFilters as { readonly [key: string]: Extension.ListenFilter<never> })
    )
  )

  const handlers: { readonly [method: string]: Handler } = {
    "initialize": (params: typeof McpSchema.InitializeParams.Type, { session }) => ({
      effect: Effect.suspend(() => {
        const revision = session.initialize(params)
        return revision instanceof McpError.McpError ? Effect.fail(revision) : Effect.succeed({
          protocolVersion: revision.version,
          capabilities: profile.capabilities(revision),
          serverInfo: profile.serverInfo,
          ...instructions(profile)
        })
      })
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
      effect: Effect.sync(() => {
        session.setLogLevel(level)
        return {}
      })
    }),
    "tools/list": tools.list(registry),
    "tools/call": tools.call(registry, callWrap),
    "subscriptions/listen": subscriptions.listen(registry, filters)
  }

  const wrapped = (method: string, handle: Handler): Handler =>
    middleware === undefined ? handle : (params, call) => {
      const plan = handle(params, call)
      const refused = plan instanceof McpError.McpError
      const effect = middleware(
        { method, params, context: call.request, tool: refused ? undefined : plan.tool },
        refused ? Effect.fail(plan) : plan.effect
      )
      return refused ? { effect } : { ...plan, effect }
    }

  const routes = new Map(Revisions.all.map((revision) => {
    const table = new Map<string, Route>()
    for (const [method, { params, project }] of Object.entries(revision.requests)) {
      table.set(method, { decode: lazyDecode(params), handle: wrapped(method, handlers[method]!), project })
    }
    for (const extension of extensions) {
      for (const [method, definition] of Object.entries(extension.methods ?? {})) {
        if (definition.eras !== undefined && !definition.eras.includes(revision.era)) continue
        table.set(method, {
          decode: lazyDecode(definition.params),
          handle: wrapped(
            method,
            (params) => ({ effect: Effect.suspend(() => definition.handle(params) as Middleware.Next) })
          ),
          project: revision.projectResult
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
    nestedCall: tools.nestedCall(registry, () => composeWraps(middleware, callWrap))
  }
}

/** Which parameter `Mcp-Name` mirrors. */
const coreMirrors = new Map([["tools/call", "name"], ["prompts/get", "name"], ["resources/read", "uri"]])

const composeWraps = (
  outer: Middleware.Wrap<never> | undefined,
  inner: Middleware.Wrap<never> | undefined
): Middleware.Wrap<never> | undefined =>
  outer === undefined ? inner : inner === undefined ? outer : (request, next) => outer(request, inner(request, next))

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
