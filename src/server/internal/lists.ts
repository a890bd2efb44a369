/**
 * `tools/list`, `resources/list`, `resources/templates/list` and `prompts/list`: pages in a stable order. A cursor names
 * the last definition of its page, so that what is added or removed meanwhile moves nobody else.
 */
import * as Effect from "effect/Effect"
import * as Cursor from "../../core/Cursor.ts"
import * as McpError from "../../protocol/McpError.ts"
import type * as McpSchema from "../../protocol/McpSchema.ts"
import type * as registry from "../registry.ts"
import type * as router from "../router.ts"
import type * as handlerContext from "./handlerContext.ts"
import * as permission from "./permission.ts"

export type IsVisible = (
  registered: Pick<registry.Registered<registry.AnyDefinition>, "definition">,
  request: Pick<handlerContext.HandlerContext, "viewer">
) => boolean

/** Whether a list shows it: it is there for the caller, who may also use it. */
export const isListed = (
  { isVisible, listForbidden }: { readonly isVisible: IsVisible; readonly listForbidden: boolean }
): IsVisible =>
(registered, request) =>
  registered.definition.unlisted !== true
  && isVisible(registered, request)
  && (listForbidden || permission.refusal(registered.definition, request) === undefined)
  && (registered.definition.listed === undefined || registered.definition.listed(request.viewer))

/** Whether there is something of this name for the caller, who may also use it; lists need not show it. */
export const sees =
  (registry: registry.Registry, isVisible: IsVisible): handlerContext.Siblings["sees"] => (caller, kind, name) => {
    const registered: registry.Registered<registry.AnyDefinition> | undefined = registry[shelves[kind]].get(name)
    return registered !== undefined && isVisible(registered, caller)
      && permission.refusal(registered.definition, caller) === undefined
  }

const shelves = {
  "tool": "tools",
  "resource": "resources",
  "resource template": "templates",
  "prompt": "prompts"
} as const

/**
 * `key` is what the result calls its items, and keeps the cursors of two lists apart. Where everybody sees everything
 * a page is made once, and is the same object until the list changes: what the router has encoded of it stays good.
 */
export const list = (
  shelf: registry.Shelf<any>,
  key: "tools" | "resources" | "resourceTemplates" | "prompts",
  options: {
    readonly pageSize: number
    readonly isVisible: IsVisible
    readonly isRestricted: boolean
    readonly listForbidden: boolean
  }
): router.Handler => {
  const listed = isListed(options)
  let pages = { all: undefined as All | undefined, listed: none, open: false, made: new Map<number, object>() }

  const make = (all: All, after: number): object => {
    const { items, next } = Cursor.paginate(all, { after, pageSize: options.pageSize })
    const page = { [key]: Object.freeze(items.map(({ description }) => description)) }
    return Object.freeze(next === undefined ? page : { ...page, nextCursor: Cursor.encode(key, next) })
  }

  return ({ cursor }: typeof McpSchema.ListParams.Type, { request }) => {
    const after = cursor === undefined ? 0 : Cursor.decode(key, cursor)
    if (after === undefined) {
      return McpError.invalidParams("The cursor is not one this server gave out; list again from the start.")
    }
    return {
      effect: Effect.sync(() => {
        const all = shelf.all() as All
        if (all !== pages.all) {
          const listed = all.filter(({ definition }) => definition.unlisted !== true)
          const open = !options.isRestricted && listed.every(({ definition }) => isForAll(definition))
          pages = { all, listed, open, made: new Map() }
        }
        if (!pages.open) {
          const seen = pages.listed.filter((registered) => listed(registered, request))
          return { ...make(seen, after), cacheHints: personal }
        }
        let page = pages.made.get(after)
        if (page === undefined) {
          page = make(pages.listed, after)
          // A client can make up any number of cursors.
          if (pages.made.size <= pages.listed.length / options.pageSize) pages.made.set(after, page)
        }
        return page
      })
    }
  }
}

/** Whether it is the same for every caller. */
export const isForAll = (definition: registry.AnyDefinition): boolean => {
  const { listed, scopes, visible } = definition
  return visible === undefined && listed === undefined && (scopes === undefined || scopes.length === 0)
}

/** What one caller sees is not for the caches in between, whatever the server says of its other lists. */
export const personal: Pick<McpSchema.CacheHints, "cacheScope"> = { cacheScope: "private" }

/** What is read of something that is not for all. */
export const forOne = (
  definition: registry.AnyDefinition,
  read: Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError>
): Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError> =>
  isForAll(definition)
    ? read
    : Effect.map(read, (result) => ({
      ...result,
      // How long is for the server to say, where the resource does not.
      cacheHints: { ...result.cacheHints, ...personal } as McpSchema.CacheHints
    }))

type All = ReadonlyArray<registry.Registered<registry.AnyDefinition>>

const none: All = []
