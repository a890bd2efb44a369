/**
 * What every kind of definition can say of itself.
 */
import * as AskError from "../context/AskError.ts"
import type * as Identity from "../context/Identity.ts"
import type * as RequestContext from "../context/RequestContext.ts"
import type * as SessionState from "../context/SessionState.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as Meta from "../protocol/Meta.ts"

/**
 * Who would see a definition.
 *
 * @category models
 * @since 0.1.0
 */
export interface Viewer {
  readonly identity: Identity.Identity
  readonly client: RequestContext.Client
  /** In stateful revisions; from 2026-07-28 a list may not depend on the connection. */
  readonly session: SessionState.Values | undefined
}

/** @category models @since 0.1.0 */
export interface Options {
  readonly title?: string | undefined
  /** What it does, told to the model. */
  readonly description?: string | undefined
  readonly icons?: ReadonlyArray<typeof McpSchema.Icon.Type> | undefined
  /** To select definitions by; clients find them in `_meta` under `fastmcp-effect/tags`. */
  readonly tags?: ReadonlyArray<string> | undefined
  /** Of this definition; clients find it in `_meta` under `fastmcp-effect/version`. */
  readonly version?: string | undefined
  readonly meta?: { readonly [key: string]: unknown } | undefined
  /** Who may see it and use it; to others it does not exist. Everybody when left out. */
  readonly visible?: ((viewer: Viewer) => boolean) | undefined
  /**
   * What its caller must have been granted, all of it. Lists hide it from others, and whoever uses it all the same is
   * told what is missing.
   */
  readonly scopes?: ReadonlyArray<string> | undefined
  /** In no list, and there for who knows its name all the same; a search has told, say. */
  readonly unlisted?: boolean | undefined
}

/** The options as a definition keeps them. @category models @since 0.1.0 */
export interface Common extends Required<Options> {
  /** Which way it came from where it was made, outermost first; for errors, and not seen by clients. */
  readonly source: ReadonlyArray<string>
  /** Whether lists show it to this caller, beside what its server says; to everybody who may use it when undefined. @internal */
  readonly listed: ((viewer: Viewer) => boolean) | undefined
}

/** @category constructors @since 0.1.0 */
export const common = (
  { description, icons, meta, scopes, tags, title, unlisted, version, visible }: Options
): Common => ({
  title,
  description,
  icons,
  tags,
  version,
  meta,
  visible,
  scopes,
  unlisted,
  source: here,
  listed: undefined
})

const here: ReadonlyArray<string> = []

/**
 * The same definition, with one more step of the way it came: `mount weather`, say.
 *
 * @category combinators
 * @since 0.1.0
 */
export const from = <D extends Common>(definition: D, step: string): D => ({
  ...definition,
  source: [step, ...definition.source]
})

/** What another server's listing says that a definition keeps. @category decoding @since 0.1.0 */
export const ofListed = (
  { _meta = {}, description, icons, title }: Pick<McpSchema.Tool, "title" | "description" | "icons" | "_meta">
): Options => {
  const { [Meta.tags]: tags, [Meta.version]: version, ...meta } = _meta
  return {
    title,
    description,
    icons,
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : undefined,
    version: typeof version === "string" ? version : undefined,
    meta
  }
}

/** The listing of a definition that is amended: what it says of itself now, and whatever else was listed. @internal */
export const relist = <L extends Pick<McpSchema.Tool, "title" | "description" | "icons" | "_meta">>(
  { _meta, description: _d, icons: _i, title: _t, ...rest }: L,
  options: Options
) => ({ ...rest, ...describe(options) })

/** What of these options crosses the wire, without keys that have no value. @category encoding @since 0.1.0 */
export const describe = (
  { description, icons, meta, tags, title, version }: Options
): Pick<McpSchema.Tool, "title" | "description" | "icons" | "_meta"> => {
  const own = {
    ...(tags === undefined || tags.length === 0 ? undefined : { [Meta.tags]: tags }),
    ...(version === undefined ? undefined : { [Meta.version]: version })
  }
  const _meta = { ...meta, ...own }
  return {
    ...(title === undefined ? undefined : { title }),
    ...(description === undefined ? undefined : { description }),
    ...(icons === undefined ? undefined : { icons }),
    ...(Object.keys(_meta).length === 0 ? undefined : { _meta })
  }
}

/** What the handler of a resource or a prompt may fail with. @category models @since 0.1.0 */
export type HandlerError = McpError.McpError | AskError.AskError

/** How a handler's failure refuses the request. @category encoding @since 0.1.0 */
export const refusal = (error: HandlerError): McpError.McpError =>
  error instanceof AskError.AskError ? McpError.invalidRequest(error.message) : error
