/**
 * `resources/read`: a resource of that very URI, or else the most specific template that has it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import type * as Middleware from "../../middleware/Middleware.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import * as Tracing from "../../telemetry/Tracing.ts"
import type * as registry from "../registry.ts"
import type * as router from "../router.ts"
import * as subscriptions from "../subscriptions.ts"
import type * as handlerContext from "./handlerContext.ts"
import * as lists from "./lists.ts"
import * as permission from "./permission.ts"
import * as siblings from "./siblings.ts"

export interface Options {
  readonly registry: registry.Registry
  readonly isVisible: lists.IsVisible
  readonly listForbidden: boolean
}

interface Target {
  readonly context: Context.Context<never>
  readonly scopes: ReadonlyArray<string> | undefined
  readonly definition: Middleware.Definition
  readonly effect: Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError>
}

const find = (
  { isVisible, registry }: Options,
  uri: string,
  request: handlerContext.HandlerContext
): Target | McpError.McpError => {
  const exact = registry.resources.get(uri)
  if (exact !== undefined && isVisible(exact, request)) {
    return permission.refusal(exact.definition, request) ?? {
      context: exact.context,
      scopes: exact.definition.scopes,
      definition: exact.definition,
      effect: lists.forOne(
        exact.definition,
        Resource.respond(exact.definition as Resource.Handled<string, any, never>, uri)
      )
    }
  }
  const found = registry.templates.find(uri, (template) => isVisible(template, request))
  if (found === undefined) return McpError.make(new McpError.ResourceNotFound({ uri }))
  if (found === "Unsafe") return unsafe(uri)
  const { template, values } = found
  return permission.refusal(template.definition, request) ?? {
    context: template.context,
    scopes: template.definition.scopes,
    definition: template.definition,
    effect: lists.forOne(
      template.definition,
      ResourceTemplate.respond(
        template.definition as ResourceTemplate.Handled<string, any, any, never>,
        uri,
        values
      )
    )
  }
}

export const unsafe = (uri: string): McpError.McpError =>
  McpError.invalidParams(
    "A value in this URI would leave its place: \"..\" as a path segment, a slash or a NUL.",
    { uri }
  )

/** Whether there is such a resource, and not for this client. */
export const isHidden = (options: Options) => (uri: string, request: handlerContext.HandlerContext): boolean =>
  !isFound(options, uri, request) && isSomewhere(options, uri)

/** What a definition says of itself may be wrong in a way that throws; who tells of a change is not to die of it. */
const isFound = (options: Options, uri: string, request: handlerContext.HandlerContext): boolean => {
  try {
    return !(find(options, uri, request) instanceof McpError.McpError)
  } catch {
    return false
  }
}

const isSomewhere = ({ registry }: Options, uri: string): boolean => {
  if (registry.resources.get(uri) !== undefined) return true
  try {
    const found = registry.templates.find(uri, () => true)
    return found !== undefined && found !== "Unsafe"
  } catch {
    return false
  }
}

/** The resources and, after the last of them, what the templates list; each URI once. */
export const list = (
  { isVisible, listForbidden, registry }: Options,
  pages: router.Handler
): router.Handler =>
(params, call) => {
  const isListed = lists.isListed({ isVisible, listForbidden })
  const isForAll = () =>
    registry.templates.all().every(({ definition }) => definition.list === undefined || lists.isForAll(definition))
  const plan = pages(params, call)
  if (plan instanceof McpError.McpError) return plan
  return {
    effect: Effect.flatMap(plan.effect, (page) => {
      const { resources, ...rest } = page as McpSchema.ListResourcesResult
      const hints = isForAll() ? undefined : { cacheHints: lists.personal }
      const listing = registry.templates.all().filter((template) =>
        template.definition.list !== undefined && isListed(template, call.request)
      )
      if (rest.nextCursor !== undefined || listing.length === 0) {
        return Effect.succeed(hints === undefined ? page : { ...page, ...hints })
      }
      return Effect.map(
        Effect.forEach(listing, ({ context, definition }) =>
          Effect.updateContext(
            ResourceTemplate.list(definition as ResourceTemplate.Handled<string, any, any, never>),
            (current: Context.Context<never>) => Context.merge(current, context)
          ), { concurrency: 8 }),
        (found) => {
          const taken = new Set(
            registry.resources.all().flatMap((registered) =>
              isVisible(registered, call.request) ? [registered.name] : []
            )
          )
          const listed = new Map<string, McpSchema.Resource>()
          for (const resource of found.flat()) {
            if (!taken.has(resource.uri) && !listed.has(resource.uri)) listed.set(resource.uri, resource)
          }
          return { ...rest, resources: [...resources, ...listed.values()], ...hints }
        }
      )
    })
  }
}

export const read = (options: Options): router.Handler => ({ uri }: McpSchema.ReadResourceParams, { request }) => {
  const target = find(options, uri, request)
  return target instanceof McpError.McpError
    ? target
    : { ...target, target: { attribute: Tracing.attributes.resourceUri, value: uri } }
}

export const nestedRead = (
  options: Options,
  wrap: () => Middleware.Wrap<never> | undefined
): handlerContext.Siblings["readResource"] =>
(caller, params) => {
  const target = find(options, params.uri, caller)
  if (target instanceof McpError.McpError) return Effect.fail(target)
  return siblings.run(caller, {
    method: "resources/read",
    target: params.uri,
    params,
    spanName: "resources/read",
    attributes: { [Tracing.attributes.resourceUri]: params.uri },
    context: target.context,
    scopes: target.scopes,
    answer: (request) =>
      siblings.wrapped(
        wrap(),
        { method: "resources/read", params, context: request, tool: undefined, definition: target.definition },
        target.effect
      )
  })
}

/** Up to 2025-11-25; what comes of it travels on the connection. */
export const subscribe =
  (options: Options): router.Handler => ({ uri }: McpSchema.SubscribeParams, { request, session }) => {
    const target = find(options, uri, request)
    return target instanceof McpError.McpError
      ? target
      : {
        effect: Effect.map(session.watch(uri, subscriptions.maxWatched), () => rewatch(request)),
        definition: target.definition
      }
  }

export const unsubscribe: router.Handler = ({ uri }: McpSchema.SubscribeParams, { request, session }) => ({
  effect: Effect.map(session.unwatch(uri), () => rewatch(request))
})

const rewatch = ({ home }: handlerContext.HandlerContext): object => {
  home.watches?.()
  return {}
}
