/**
 * A resource: one URI, what it says of itself and, once handled, how it is read. What a handler succeeds with is text,
 * bytes or contents of its own making; with a `success` schema it is a value, which crosses as JSON. A handled resource
 * runs without any server (`run`); for many URIs of one form see `ResourceTemplate`.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type * as McpError from "../protocol/McpError.ts"
import * as McpSchema from "../protocol/McpSchema.ts"
import * as Definition from "./Definition.ts"
import type * as DefinitionError from "./DefinitionError.ts"
import { once } from "./internal/once.ts"
import * as reading from "./internal/reading.ts"

const TypeId = "~fastmcp-effect/definition/Resource"

/** A schema that crosses the wire without asking for services. @category models @since 0.1.0 */
export type Codec = Schema.Codec<any, any>

/**
 * Contents of the author's own making. `uri` and `mimeType` are the resource's where they are left out; a `blob` is
 * bytes, or base64.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Result = Schema.Struct({
  contents: Schema.Array(Schema.Union([
    Schema.Struct({ ...McpSchema.TextResourceContents.fields, uri: Schema.optionalKey(Schema.String) }),
    Schema.Struct({
      ...McpSchema.BlobResourceContents.fields,
      uri: Schema.optionalKey(Schema.String),
      blob: Schema.Union([Schema.String, Schema.Uint8Array])
    })
  ])),
  _meta: Schema.optionalKey(McpSchema.MetaObject)
})

/** @category schemas @since 0.1.0 */
export type Result = typeof Result.Type

/** What is served when there is no `success`: text, bytes or a `Result`. @category schemas @since 0.1.0 */
export const Served = Schema.Union([Schema.String, Schema.Uint8Array, Result])

/** @category schemas @since 0.1.0 */
export type Served = typeof Served.Type

/** @category models @since 0.1.0 */
export interface Resource<out Uri extends string, in out Success extends Codec> extends Definition.Common {
  readonly [TypeId]: typeof TypeId
  readonly uri: Uri
  readonly name: string
  readonly mimeType: string | undefined
  readonly size: number | undefined
  readonly annotations: Annotations | undefined
  readonly cache: McpSchema.CacheHints | undefined
  readonly success: Success
  /** Emits when what is read may have changed; runs while somebody watches the resource. */
  readonly updates: Stream.Stream<unknown, never, any> | undefined
  /** What is listed and read in its place, see `relay`. @internal */
  readonly relayed: Relayed<any> | undefined
  /** @internal */
  readonly wire: () => reading.Reading
}

/** A resource that another server lists and reads. @category models @since 0.1.0 */
export interface Relayed<R> {
  readonly listed: McpSchema.Resource
  readonly read: (uri: string) => Effect.Effect<McpSchema.ReadResourceResult, Definition.HandlerError, R>
}

/** @category models @since 0.1.0 */
export interface Any extends Resource<string, any> {}

/** A resource that can be read; `R` is what reading needs. @category models @since 0.1.0 */
export interface Handled<out Uri extends string, in out Success extends Codec, out R> extends Resource<Uri, Success> {
  readonly handler: Effect.Effect<Success["Type"], Definition.HandlerError, R>
}

/** @category models @since 0.1.0 */
export interface AnyHandled extends Handled<string, any, any> {}

/** What reading a handled resource needs. @category utility types @since 0.1.0 */
export type Services<T> = T extends Handled<infer _U, infer _S, infer R> ? R : never

type Annotations = typeof McpSchema.Annotations.Type

/** @category models @since 0.1.0 */
export interface Options<S extends Codec> extends Definition.Options {
  /** The last segment of the URI when left out. */
  readonly name?: string | undefined
  readonly mimeType?: string | undefined
  /** In bytes. */
  readonly size?: number | undefined
  readonly annotations?: Annotations | undefined
  /** How long what is read stays fresh, and for whom; the server's own hints when left out. */
  readonly cache?: McpSchema.CacheHints | undefined
  /**
   * Of the value a handler succeeds with. It is served as JSON, and as it is where its JSON is a string. When left out,
   * a handler succeeds with text, bytes or a `Result`.
   */
  readonly success?: S | undefined
}

/** @category models @since 0.1.0 */
export interface Watched<R> {
  /**
   * Emits when what is read may have changed; `McpServer.resourceUpdated` is for whoever knows it otherwise. The server
   * runs it once, while at least one client watches the resource.
   */
  readonly updates?: Stream.Stream<unknown, never, R> | undefined
}

/**
 * Makes a resource, or with `handler` a handled one at once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: {
  // NOTE: the compiler explains only why the last overload does not fit, and that had better be about the handler.
  <const Uri extends string, S extends Codec = typeof Served>(
    uri: Uri,
    options?: Options<S> & { readonly handler?: never }
  ): Resource<Uri, S>
  <const Uri extends string, R, S extends Codec = typeof Served, RU = never>(
    uri: Uri,
    options: Options<S> & Watched<RU> & { readonly handler: Effect.Effect<S["Type"], Definition.HandlerError, R> }
  ): Handled<Uri, S, R | NoInfer<RU>>
} = (
  uri: string,
  options: Options<any> & Watched<any> & { readonly handler?: AnyHandled["handler"] } = {}
): any => {
  const resource: Any = {
    [TypeId]: TypeId,
    ...Definition.common(options),
    uri,
    name: options.name ?? nameOf(uri),
    mimeType: options.mimeType,
    size: options.size,
    annotations: options.annotations,
    cache: options.cache,
    success: options.success ?? Served,
    updates: options.updates,
    relayed: undefined,
    wire: once(() => reading.make(resource.success, { isServed: isServed(resource.success), name: resource.name }))
  }
  return options.handler === undefined ? resource : handle(resource, options.handler)
}

/** Whether handlers succeed with what is served, not with a value to encode. @internal */
export const isServed = (success: Codec): boolean => success === Served || success === Result

/** The last segment of a URI's path, or the URI. @internal */
export const nameOf = (uri: string): string =>
  uri.split(/[?#]/, 1)[0]!.split(/[/:]/).findLast((segment) => segment !== "") ?? uri

/** Says how a resource is read. @category constructors @since 0.1.0 */
export const handle = <Uri extends string, S extends Codec, R>(
  resource: Resource<Uri, S>,
  handler: Effect.Effect<S["Type"], Definition.HandlerError, R>
): Handled<Uri, S, R> => ({ ...resource, handler })

/** Text that never changes; `text/plain` unless it says otherwise. @category constructors @since 0.1.0 */
export const text = <const Uri extends string>(
  uri: Uri,
  text: string,
  options: Omit<Options<typeof Served>, "success" | "size"> = {}
): Handled<Uri, typeof Served, never> =>
  make(uri, {
    mimeType: "text/plain",
    ...options,
    size: new TextEncoder().encode(text).length,
    handler: Effect.succeed(text)
  })

/** Bytes that never change; `application/octet-stream` unless they say otherwise. @category constructors @since 0.1.0 */
export const bytes = <const Uri extends string>(
  uri: Uri,
  bytes: Uint8Array,
  options: Omit<Options<typeof Served>, "success" | "size"> = {}
): Handled<Uri, typeof Served, never> =>
  make(uri, {
    mimeType: "application/octet-stream",
    ...options,
    size: bytes.length,
    handler: Effect.succeed(bytes)
  })

/**
 * A resource that is listed and read elsewhere, by another server or another resource: as given, and unchecked.
 *
 * @category constructors
 * @since 0.1.0
 */
export const relay = <R, RU = never>(
  relayed: Relayed<R>,
  options: Pick<Definition.Options, "visible" | "scopes"> & Watched<RU> = {}
): Handled<string, typeof Served, R | NoInfer<RU>> => {
  const { listed } = relayed
  return {
    ...make(listed.uri, {
      ...Definition.ofListed(listed),
      ...options,
      name: listed.name,
      mimeType: listed.mimeType,
      size: listed.size,
      annotations: listed.annotations,
      handler: Effect.map(relayed.read(listed.uri), ({ cacheHints: _, ...result }) => result)
    }),
    relayed
  }
}

/** @category models @since 0.1.0 */
export interface Amendments
  extends Definition.Options, Pick<Options<any>, "name" | "mimeType" | "size" | "annotations" | "cache">
{}

/** The same resource, saying something else of itself. @category combinators @since 0.1.0 */
export const amend = <Uri extends string, S extends Codec, R>(
  resource: Handled<Uri, S, R>,
  changes: Amendments
): Handled<Uri, S, R> => ({ ...resource, ...changes, name: changes.name ?? resource.name })

/** @category guards @since 0.1.0 */
export const isResource = (value: unknown): value is Any => Predicate.hasProperty(value, TypeId)

/** @category guards @since 0.1.0 */
export const isHandled = (value: unknown): value is AnyHandled => isResource(value) && "handler" in value

/**
 * Reads a handled resource as a server would, without one, and checks that what was read can be served.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <Uri extends string, S extends Codec, R>(
  resource: Handled<Uri, S, R>
): Effect.Effect<S["Type"], Definition.HandlerError | DefinitionError.DefinitionError, R> =>
  Effect.tap(resource.handler, (success) => resource.wire().encode(success))

/**
 * Answers a `resources/read`. No contents are as good as no resource: the protocol knows no empty ones.
 *
 * @category running
 * @since 0.1.0
 */
export const respond = <R>(
  resource: Handled<string, any, R>,
  uri: string
): Effect.Effect<McpSchema.ReadResourceResult, McpError.McpError, R> =>
  resource.relayed === undefined
    ? reading.respond(resource, uri, resource.handler)
    : Effect.mapError(resource.relayed.read(uri), Definition.refusal)

/** The resource as clients see it in `resources/list`. @category encoding @since 0.1.0 */
export const describe = (resource: Any): McpSchema.Resource => {
  const mimeType = resource.mimeType ?? resource.wire().mimeType
  return {
    ...(resource.relayed === undefined ? undefined : Definition.relist(resource.relayed.listed, {})),
    uri: resource.uri,
    name: resource.name,
    ...Definition.describe(resource),
    ...(mimeType === undefined ? undefined : { mimeType }),
    ...(resource.size === undefined ? undefined : { size: resource.size }),
    ...(resource.annotations === undefined ? undefined : { annotations: resource.annotations })
  }
}
