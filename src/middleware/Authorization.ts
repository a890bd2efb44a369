/**
 * Rules about who may do what, in one place: which scopes a method, a tool or a tag needs, and what a program decides for
 * itself. Who may not is refused as by the `scopes` of a definition, over HTTP with 401 or 403 and its challenge, and does
 * not find it in lists. It belongs before what answers by itself (`Caching`, `Idempotency`).
 */
import * as Effect from "effect/Effect"
import * as Challenge from "../context/Challenge.ts"
import * as Identity from "../context/Identity.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import { callerOf } from "./internal/key.ts"
import * as methods from "./internal/methods.ts"
import * as Middleware from "./Middleware.ts"

/** A request that is decided on, or would be: for a list each of its items is asked about. @category models @since 0.1.0 */
export interface Access extends Middleware.Request {
  /** The tool's or the prompt's name, the resource's URI; of a listed template its text. */
  readonly name: string | undefined
  /** Whether it is only about being listed: `params` then are the name or URI alone. */
  readonly isListing: boolean
}

/** True, or false; or why not, told to the caller. @category models @since 0.1.0 */
export type Verdict = boolean | string

/**
 * What a rule is for is what all of its members say that it has; one that has none is for all that is used. A resource is
 * used by reading it, watching it, and completing its variables, which are all `resources/read` here; a prompt by getting
 * and completing it (`prompts/get`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule<R = never> {
  /** `tools/call`, say; `tasks/*` for all that begin so. The handshake and the lists only where they are named. */
  readonly methods?: ReadonlyArray<string>
  /** By name. With others of these three, what is one of them. */
  readonly tools?: ReadonlyArray<string>
  readonly prompts?: ReadonlyArray<string>
  /** By URI, or all of a template by its text. */
  readonly resources?: ReadonlyArray<string>
  /** Of the definition: one of them. */
  readonly tags?: ReadonlyArray<string>
  /** What the caller needs, all of it. */
  readonly scopes?: ReadonlyArray<string>
  /** Asked once the scopes are there. It may fail with a refusal of its own. */
  readonly allow?: (
    access: Access,
    identity: Identity.Identity
  ) => Verdict | Effect.Effect<Verdict, McpError.McpError, R>
}

/** @category models @since 0.1.0 */
export interface Options {
  /** What becomes of a use that no rule is for. `allow` when left out. */
  readonly byDefault?: "allow" | "deny"
  /** Whether lists show what their caller may not use. False. */
  readonly listForbidden?: boolean
}

/**
 * Every rule that is for a request has to be met. Rules also stand around what handlers use of their own server, and the
 * runs of tasks.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(
  rules: ReadonlyArray<Rule<R>>,
  options: Options = {}
): Middleware.Middleware<never, NoInfer<R>> => {
  const { byDefault = "allow", listForbidden = false } = options

  /** Why it may not, if it may not. */
  const refusal = (
    access: Access,
    use: string,
    identity: Identity.Identity
  ): Effect.Effect<McpError.McpError | undefined, McpError.McpError, R> => {
    const own = rules.filter((rule) => isFor(rule, access, use))
    if (own.length === 0) {
      return Effect.succeed(byDefault === "allow" ? undefined : forbidden(identity, [], "This is not allowed to you"))
    }
    const scopes = [...new Set(own.flatMap(({ scopes = [] }) => scopes))]
    const lacking = Challenge.refusal(identity, scopes)
    if (lacking !== undefined) return Effect.succeed(lacking)
    const asked = own.flatMap(({ allow }) => allow === undefined ? [] : [allow])
    const from = (index: number): Effect.Effect<McpError.McpError | undefined, McpError.McpError, R> => {
      if (index === asked.length) return Effect.undefined
      const verdict = asked[index]!(access, identity)
      return Effect.flatMap(Effect.isEffect(verdict) ? verdict : Effect.succeed(verdict), (verdict) =>
        verdict === true
          ? from(index + 1)
          : Effect.succeed(
            forbidden(identity, scopes, verdict === false ? "This is not allowed to you" : verdict)
          ))
    }
    return from(0)
  }

  const decided = (
    request: Middleware.Request,
    next: Effect.Effect<object, McpError.McpError, R>,
    identity: Identity.Identity
  ) => {
    const { name, use } = usedBy(request)
    return Effect.flatMap(
      refusal({ ...request, name, isListing: false }, use, identity),
      (error) => error === undefined ? next : Effect.fail(error)
    )
  }

  const filtered = (
    request: Middleware.Request,
    { key, nameOf, use }: List,
    next: Middleware.Next,
    identity: Identity.Identity
  ) =>
    Effect.flatMap(next, (result) => {
      const { [key]: items, cacheHints } = result as {
        readonly [key: string]: ReadonlyArray<object>
      } & { readonly cacheHints?: Partial<McpSchema.CacheHints> }
      return Effect.map(
        Effect.filter(items ?? [], (item) => {
          const name = nameOf(item)
          const definition = request.definitionOf?.(item)
          const access: Access = {
            method: use,
            params: use === "resources/read" ? { uri: name } : { name },
            context: request.context,
            tool: use === "tools/call" ? definition as Middleware.Request["tool"] : undefined,
            definition,
            name,
            isListing: true
          }
          return Effect.map(refusal(access, use, identity), (error) => error === undefined)
        }),
        // What one caller sees is not for the caches in between.
        (shown) => ({ ...result, [key]: shown, cacheHints: { ...cacheHints, cacheScope: "private" } })
      )
    })

  /** What is to be watched is used as if it were read. */
  const heard = (request: Middleware.Request, next: Middleware.Next, identity: Identity.Identity) => {
    const { notifications } = request.params as {
      readonly notifications?: { readonly resourceSubscriptions?: ReadonlyArray<string> }
    }
    return Effect.flatMap(
      Effect.forEach(notifications?.resourceSubscriptions ?? [], (uri) => {
        const definition = request.definitionOf?.({ uri })
        // What is not there is nobody's.
        return definition === undefined ? Effect.undefined : refusal(
          { ...request, params: { uri }, definition, name: uri, isListing: false },
          "resources/read",
          identity
        )
      }),
      (refused) => {
        const error = refused.find((error) => error !== undefined)
        return error === undefined ? next : Effect.fail(error)
      }
    )
  }

  return Middleware.make<R>((request, next) =>
    Effect.withFiber<object, McpError.McpError, R>((fiber) => {
      const identity = callerOf(fiber)
      const { method, refused } = request
      if (refused !== undefined) {
        // All that is missing at once: a client would have to ask its user for each.
        const { name, use } = usedBy(request)
        const own = rules.filter((rule) => isFor(rule, { ...request, name, isListing: false }, use))
        return Effect.mapError(next, (error) => Challenge.include(error, own.flatMap(({ scopes = [] }) => scopes)))
      }
      const isNamed = rules.some(({ methods = [] }) => methods.some((each) => isMethod(each, method)))
      const list = lists[method]
      if (list !== undefined && !listForbidden) {
        const shown = filtered(request, list, next, identity)
        return isNamed ? decided(request, shown, identity) : shown
      }
      if (method === "subscriptions/listen") {
        const allowed = heard(request, next, identity)
        return isNamed ? decided(request, allowed, identity) : allowed
      }
      if (method === "resources/unsubscribe" && !isNamed) return next
      return methods.isProtocol(method) && method !== "resources/subscribe" && !isNamed
        ? next
        : decided(request, next, identity)
    })
  )
}

/** Whether no scope would help is for the message to say. */
const forbidden = (
  identity: Identity.Identity,
  scopes: ReadonlyArray<string>,
  message: string
): McpError.McpError =>
  McpError.make(
    Identity.isAuthenticated(identity)
      ? new McpError.InsufficientScope({ scopes, message })
      : new McpError.Unauthenticated({ scopes, message })
  )

const isMethod = (named: string, method: string): boolean =>
  named.endsWith("/*") ? method.startsWith(named.slice(0, -1)) : named === method

const isFor = <R>(
  { methods, prompts, resources, tags, tools }: Rule<R>,
  { definition, method, name }: Access,
  use: string
): boolean =>
  (methods === undefined || methods.some((each) => isMethod(each, method) || isMethod(each, use)))
  && (tags === undefined || definition?.tags?.some((tag) => tags.includes(tag)) === true)
  && (tools === undefined && prompts === undefined && resources === undefined
    || isAmong(use, name, definition, { tools, prompts, resources }))

const isAmong = (
  use: string,
  name: string | undefined,
  definition: Middleware.Definition | undefined,
  { prompts = [], resources = [], tools = [] }: {
    readonly [kind in "tools" | "prompts" | "resources"]: ReadonlyArray<string> | undefined
  }
): boolean => {
  if (name === undefined) return false
  switch (use) {
    case "tools/call":
      return tools.includes(name)
    case "prompts/get":
      return prompts.includes(name)
    case "resources/read":
      return resources.includes(name)
        || definition !== undefined && "uriTemplate" in definition && resources.includes(definition.uriTemplate)
    default:
      return false
  }
}

/** What a request uses, and by which method that is known. */
const usedBy = (
  { method, params }: Middleware.Request
): { readonly use: string; readonly name: string | undefined } => {
  const { name, ref, uri } = params as {
    readonly name?: string
    readonly uri?: string
    readonly ref?: McpSchema.CompleteParams["ref"]
  }
  switch (method) {
    case "tools/call":
    case "prompts/get":
      return { use: method, name }
    case "resources/read":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return { use: "resources/read", name: uri }
    case "completion/complete":
      return ref!.type === "ref/prompt"
        ? { use: "prompts/get", name: ref!.name }
        : { use: "resources/read", name: ref!.uri }
    default:
      return { use: method, name: undefined }
  }
}

interface List {
  readonly key: string
  readonly use: string
  readonly nameOf: (item: object) => string
}

const named = (item: object): string => (item as { readonly name: string }).name

const lists: { readonly [method: string]: List } = {
  "tools/list": { key: "tools", use: "tools/call", nameOf: named },
  "prompts/list": { key: "prompts", use: "prompts/get", nameOf: named },
  "resources/list": {
    key: "resources",
    use: "resources/read",
    nameOf: (item) => (item as { readonly uri: string }).uri
  },
  "resources/templates/list": {
    key: "resourceTemplates",
    use: "resources/read",
    nameOf: (item) => (item as { readonly uriTemplate: string }).uriTemplate
  }
}
