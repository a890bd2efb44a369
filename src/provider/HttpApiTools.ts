/**
 * An `HttpApi` as tools, one for each endpoint: the schemas, the handlers, the middleware and the errors are those it is
 * served with over HTTP, and none is said again.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpApi from "effect/http-api/HttpApi"
 * import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
 * import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
 * import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import { McpServer } from "fastmcp-effect"
 * import { HttpApiTools } from "fastmcp-effect/provider"
 *
 * class Shop extends HttpApi.make("shop").add(
 *   HttpApiGroup.make("books").add(
 *     HttpApiEndpoint.get("price", "/books/:isbn/price", { params: { isbn: Schema.String }, success: Schema.Finite })
 *   )
 * ) {}
 *
 * const Books = HttpApiBuilder.group(Shop, "books", (handlers) => handlers.handle("price", () => Effect.succeed(12)))
 *
 * // A tool `books_price`.
 * const Server = McpServer.register(HttpApiTools.make(Shop)).pipe(
 *   Layer.provideMerge(McpServer.layer({ name: "shop", version: "1.0.0" })),
 *   Layer.provide(Books)
 * )
 * ```
 */
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import type * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as RequestContext from "../context/RequestContext.ts"
import * as Provider from "../definition/Provider.ts"
import * as Tool from "../definition/Tool.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import * as ApiError from "./ApiError.ts"
import * as collecting from "./apis/collecting.ts"
import * as describing from "./apis/describing.ts"
import { held } from "./apis/held.ts"
import * as inProcess from "./apis/inProcess.ts"
import * as ownLog from "./apis/ownLog.ts"
import * as parameters from "./apis/parameters.ts"
import * as schemas from "./apis/schemas.ts"

/** An endpoint and the group it is in. @category models @since 0.1.0 */
export interface At {
  readonly group: HttpApiGroup.Top
  readonly endpoint: HttpApiEndpoint.Top
}

/** What becomes of an endpoint. @category models @since 0.1.0 */
export type Entry =
  & At
  & (
    | { readonly tool: Tool.Any; readonly omitted?: never }
    /** Why it cannot be a tool. */
    | { readonly omitted: string; readonly tool?: never }
  )

/** @category models @since 0.1.0 */
export interface Options<R = never> {
  /** Whether an endpoint becomes a tool; one that is annotated with `OpenApi.Exclude` never does. All others do. */
  readonly include?: (at: At) => boolean
  /** What its tool is called. Its group and itself, `books_price`; itself alone in a group of the top level. */
  readonly name?: (at: At) => string
  /** What its tool says of itself beside or instead: hints, scopes, who sees it, and more. */
  readonly amend?: (at: At) => Omit<Tool.Amendments, "name"> | undefined
  /**
   * Headers for each request, `authorization` above all, over those that are arguments. What a client of this server has
   * sent to it is never passed on by itself: make of `Identity` what the API is to know of the caller.
   */
  readonly headers?: Effect.Effect<Headers.Input, McpError.McpError, R>
  /** How much of an answer that is a stream (`HttpApiSchema.StreamSse`, `StreamNdjson`) becomes a result. */
  readonly streams?: StreamOptions
  /** What the URLs of requests begin with. `http://localhost` for handlers in this process. */
  readonly baseUrl?: string | URL
}

/** @category models @since 0.1.0 */
export interface StreamOptions extends collecting.Options {}

/** What the calls of any API need. @category utility types @since 0.1.0 */
export type Services<Groups> =
  | HttpApiGroup.MiddlewareClient<Groups>
  | HttpApiGroup.ClientServices<Groups>
  | RequestContext.RequestContext

/**
 * The endpoints of an API whose handlers are in this process: those that `HttpApiBuilder.group` gives, with the
 * middleware of the API around them. Provide the very layers that HTTP is served with.
 *
 * **Details**
 *
 * - Fields of structs and classes become parameters, of the path, the query, the headers and the payload alike; a name
 *   that is taken by a place before it gets its own in front, as in `payload_id`. A payload of another form is the
 *   parameter `payload`. All of it is JSON, also what HTTP has as text.
 * - An error that the endpoint or its middleware declares is a tool error with the value, and is read with the same
 *   schema. An answer that is not declared is an `ApiError`; a defect is a defect.
 * - Endpoints that take files or a stream of bytes, or answer with one, cannot be tools; `reflect` says which.
 *
 * **Gotchas**
 *
 * Cookies that a handler sets go nowhere. What handlers need from each request, over HTTP a matter of
 * `HttpRouter.provideRequest`, is given by the same function here.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Id extends string, Groups extends HttpApiGroup.Constraint, R = never>(
  api: HttpApi.HttpApi<Id, Groups>,
  options: Options<R> = {}
): Provider.Provider<never, HttpApiGroup.ToService<Id, Groups> | Services<Groups> | R> =>
  from(api, inProcess.make(api), { baseUrl: "http://localhost", ...options })

/**
 * The same of an API that is served elsewhere, which is called with the `HttpClient` of the context. Only its definition
 * has to be here.
 *
 * @category constructors
 * @since 0.1.0
 */
export const remote = <Id extends string, Groups extends HttpApiGroup.Constraint, R = never>(
  api: HttpApi.HttpApi<Id, Groups>,
  options: Options<R> & { readonly baseUrl: string | URL }
): Provider.Provider<never, HttpClient.HttpClient | Services<Groups> | R> =>
  from(api, Effect.service(HttpClient.HttpClient), options)

/**
 * What becomes of each endpoint, in their order: a contract, which a client can read results with
 * (`Tool.decodeResult`), or the reason why there is none. Those that are not included are not in it.
 *
 * @category getters
 * @since 0.1.0
 */
export const reflect = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  options: Pick<Options, "include" | "name"> = {}
): ReadonlyArray<Entry> => {
  const entries: Array<Entry> = []
  HttpApi.reflect(api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, errors, group, mergedAnnotations, successes }) => {
      const at: At = { endpoint, group }
      if (!describing.isIncluded(mergedAnnotations, at, options)) return
      const found = schemas.ofEndpoint(endpoint, successes, errors)
      entries.push("omitted" in found ? { ...at, ...found } : { ...at, tool: contractOf(at, found, options) })
    }
  })
  return entries
}

const contractOf = (
  { endpoint, group }: At,
  { failure, parts, success }: schemas.Found,
  { name }: Pick<Options, "name">
): Tool.Any =>
  Tool.make(
    name?.({ endpoint, group })
      ?? describing.nameOf(...(group.topLevel ? [] : [group.identifier]), endpoint.identifier),
    {
      ...describing.describe(endpoint.annotations, `${endpoint.method} ${endpoint.path}`),
      tags: [group.identifier],
      parameters: parameters.make(parts),
      success: schemas.union(success) as Tool.Codec,
      failure: schemas.union([...failure, ApiError.ApiError]) as Tool.Codec,
      annotations: hints[endpoint.method]
    }
  )

const reads: McpSchema.ToolAnnotations = { readOnlyHint: true }
const replaces: McpSchema.ToolAnnotations = { readOnlyHint: false, destructiveHint: true, idempotentHint: true }
const writes: McpSchema.ToolAnnotations = { readOnlyHint: false }

/** What HTTP says of its methods. */
const hints = {
  GET: reads,
  HEAD: reads,
  OPTIONS: reads,
  QUERY: reads,
  TRACE: reads,
  PUT: replaces,
  DELETE: replaces,
  POST: writes,
  PATCH: writes
}

// ----------------------------------------------------------------------------
// calls
// ----------------------------------------------------------------------------

type Call = (
  request: parameters.Request
) => Effect.Effect<unknown, unknown, RequestContext.RequestContext | Scope.Scope>

/** As `HttpApiClient` has them: by group, and those of a group at the top level beside the groups. */
interface Calls {
  readonly [name: string]: Call | { readonly [name: string]: Call }
}

const from = <Id extends string, Groups extends HttpApiGroup.Constraint, E, RC, RB, R>(
  api: HttpApi.HttpApi<Id, Groups>,
  client: Effect.Effect<HttpClient.HttpClient.With<E, RC>, never, RB>,
  options: Options<R>
): Provider.Provider<never, Exclude<RB, Scope.Scope> | Services<Groups> | R> =>
  Provider.from(
    held(Effect.gen(function*() {
      const calls = yield* HttpApiClient.makeWith(api, {
        httpClient: withHeaders(yield* client, options.headers),
        baseUrl: options.baseUrl
      })
      const entries = reflect(api, options)
      yield* report(api.identifier, entries)
      const log = yield* ownLog.make
      return entries.flatMap((entry) => {
        if (entry.tool === undefined) return []
        const call = callOf(entry, calls as Calls)
        return [describing.amended(handle(entry, entry.tool, { call, log, streams: options.streams }), entry, options)]
      })
    })),
    `API ${api.identifier}`
  )

const callOf = ({ endpoint, group }: At, calls: Calls): Call =>
  (group.topLevel ? calls : calls[group.identifier] as Calls)[endpoint.identifier] as Call

const report = (api: string, entries: ReadonlyArray<Entry>): Effect.Effect<void> => {
  const omitted = entries.flatMap(({ endpoint, group, omitted }) =>
    omitted === undefined ? [] : [`${group.identifier}.${endpoint.identifier}: ${omitted}`]
  )
  return omitted.length === 0
    ? Effect.void
    : Effect.logInfo(`Endpoints of the API ${JSON.stringify(api)} that are not tools`, omitted)
}

const withHeaders = <E, R, R2>(
  client: HttpClient.HttpClient.With<E, R>,
  headers: Options<R2>["headers"]
): HttpClient.HttpClient.With<E | McpError.McpError, R | R2> =>
  HttpClient.mapRequestEffect(
    client,
    (request) =>
      headers === undefined
        ? Effect.succeed(request)
        : Effect.map(headers, (headers) => HttpClientRequest.setHeaders(request, headers))
  )

const handle = (
  { endpoint }: At,
  tool: Tool.Tool<string, Tool.Codec, Tool.Codec, Tool.Codec>,
  { call, log, streams }: {
    readonly call: Call
    readonly log: ownLog.OwnLog
    readonly streams: StreamOptions | undefined
  }
) =>
  Tool.handle(tool, (request: parameters.Request) =>
    checkPath(tool.name, endpoint, request).pipe(
      Effect.andThen(call(request)),
      Effect.flatMap((answer) => result(answer, streams)),
      Effect.catch((error) =>
        Effect.flatMap(explain(error), (reason) => {
          if (reason === undefined) return Effect.fail(error)
          const said = ApiError.make(tool.name, reason)
          return Effect.andThen(log(said.message, error), Effect.fail(said))
        })
      ),
      Effect.scoped
    ))

/** Nothing, `.` and `..` leave a segment of the path out, and what is asked for then may be every one instead of none. */
const checkPath = (tool: string, { params }: HttpApiEndpoint.Top, request: parameters.Request) =>
  params === undefined ? Effect.void : Effect.flatMap(
    Schema.encodeUnknownEffect(params as Tool.Codec)(request.params),
    (segments: { readonly [parameter: string]: string | undefined }) => {
      const found = Object.entries(segments).find(([, value]) => value !== undefined && !isSegment(value))
      return found === undefined
        ? Effect.void
        : Effect.fail(ApiError.make(tool, new ApiError.InvalidPath({ parameter: found[0], value: found[1]! })))
    }
  )

const isSegment = (text: string): boolean => text !== "" && text !== "." && text !== ".."

const result = (
  answer: unknown,
  options: StreamOptions | undefined
): Effect.Effect<unknown, unknown, RequestContext.RequestContext> =>
  Stream.isStream(answer)
    ? collecting.collect(answer as Stream.Stream<unknown, unknown>, options)
    : schemas.isWithHeaders(answer)
    ? Effect.map(
      result(answer.body, options),
      (body) => HttpApiSchema.withHeaders({ body, headers: answer.headers })
    )
    : Effect.succeed(answer)

/** What a model is told of an error that is none of the API. */
const explain = (error: unknown): Effect.Effect<ApiError.Reason | undefined> => {
  if (Schema.isSchemaError(error)) return Effect.succeed(new ApiError.Unreadable())
  if (!HttpClientError.isHttpClientError(error)) return Effect.succeed(undefined)
  const { response } = error
  return response === undefined
    ? Effect.succeed(new ApiError.Unreachable())
    : Effect.map(
      response.status >= 500 ? Effect.succeed("") : Effect.orElseSucceed(response.text, () => ""),
      (text) => new ApiError.Undeclared({ status: response.status, text: text.slice(0, maxText) })
    )
}

const maxText = 1000
