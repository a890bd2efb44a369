/**
 * An `RpcGroup` as tools, one for each Rpc: the schemas, the handlers, the middleware and the errors are those of the
 * group.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Rpc from "effect/rpc/Rpc"
 * import * as RpcGroup from "effect/rpc/RpcGroup"
 * import * as Schema from "effect/Schema"
 * import { McpServer } from "fastmcp-effect"
 * import { RpcTools } from "fastmcp-effect/provider"
 *
 * class Stock extends RpcGroup.make(
 *   Rpc.make("count", { payload: { isbn: Schema.String }, success: Schema.Int })
 * ) {}
 *
 * const Handlers = Stock.toLayer({ count: () => Effect.succeed(3) })
 *
 * // A tool `count`.
 * const Server = McpServer.register(RpcTools.make(Stock)).pipe(
 *   Layer.provideMerge(McpServer.layer({ name: "stock", version: "1.0.0" })),
 *   Layer.provide(Handlers)
 * )
 * ```
 */
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import type * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcClientError from "effect/rpc/RpcClientError"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcMessage from "effect/rpc/RpcMessage"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as RpcServer from "effect/rpc/RpcServer"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as RequestContext from "../context/RequestContext.ts"
import type * as Provider from "../definition/Provider.ts"
import * as Tool from "../definition/Tool.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as ApiError from "./ApiError.ts"
import * as collecting from "./apis/collecting.ts"
import * as describing from "./apis/describing.ts"
import { held } from "./apis/held.ts"
import * as ownLog from "./apis/ownLog.ts"
import * as parameters from "./apis/parameters.ts"
import * as schemas from "./apis/schemas.ts"

/** An Rpc of the group. @category models @since 0.1.0 */
export interface At {
  readonly rpc: Rpc.AnyWithProps
}

/** @category models @since 0.1.0 */
export interface Entry extends At {
  readonly tool: Tool.Any
}

/** @category models @since 0.1.0 */
export interface Options<R = never> {
  /** Whether an Rpc becomes a tool; one that is annotated with `OpenApi.Exclude` never does. All others do. */
  readonly include?: (at: At) => boolean
  /** What its tool is called. Like itself. */
  readonly name?: (at: At) => string
  /** What its tool says of itself beside or instead: hints, scopes, who sees it, and more. */
  readonly amend?: (at: At) => Omit<Tool.Amendments, "name"> | undefined
  /**
   * The headers of each request, for the middleware of the group. What a client of this server has sent to it is never
   * passed on by itself: make of `Identity` what the group is to know of the caller.
   */
  readonly headers?: Effect.Effect<Headers.Input, McpError.McpError, R>
  /** How much of an answer that is a stream becomes a result. */
  readonly streams?: StreamOptions
}

/** @category models @since 0.1.0 */
export interface StreamOptions extends collecting.Options {}

/** What the calls of any group need. @category utility types @since 0.1.0 */
export type Services<Rpcs extends Rpc.Any> =
  | Rpc.MiddlewareClient<Rpcs>
  | Rpc.ServicesClient<Rpcs>
  | RequestContext.RequestContext

/**
 * The Rpcs of a group whose handlers are in this process: those that `toLayer` of the group gives. Each call is a client
 * of its own to the group's middleware, which therefore keeps nothing from one caller to the next.
 *
 * **Details**
 *
 * - The fields of a payload become parameters; a payload of another form is the parameter `payload`.
 * - An error that the Rpc or its middleware declares is a tool error with the value, and is read with the same schema; a
 *   defect is a defect.
 * - `OpenApi.Title`, `Summary`, `Description`, `Deprecated` and `Exclude` mean what they mean on an endpoint.
 * - A stream becomes one result, of which each element is progress.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Rpcs extends Rpc.Any, R = never>(
  group: RpcGroup.RpcGroup<Rpcs>,
  options: Options<R> = {}
): Provider.Provider<never, Rpc.ToHandler<Rpcs> | Rpc.Middleware<Rpcs> | Services<Rpcs> | R> =>
  from<Rpcs, Rpc.ToHandler<Rpcs> | Rpc.Middleware<Rpcs>, R>(group, here(group), options, [])

/**
 * The same of a group that is served elsewhere, which is called with the `RpcClient.Protocol` of the context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const remote = <Rpcs extends Rpc.Any, R = never>(
  group: RpcGroup.RpcGroup<Rpcs>,
  options: Options<R> = {}
): Provider.Provider<never, RpcClient.Protocol | Services<Rpcs> | R> =>
  from<Rpcs, RpcClient.Protocol, R>(
    group,
    RpcClient.make(group as RpcGroup.RpcGroup<any>, { flatten: true }),
    options,
    [ApiError.ApiError]
  )

/**
 * The contract of each tool, which a client can read results with (`Tool.decodeResult`). Those that are not included are
 * not in it.
 *
 * @category getters
 * @since 0.1.0
 */
export const reflect = <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  options: Pick<Options, "include" | "name"> = {}
): ReadonlyArray<Entry> => entriesOf(group, options, [])

const entriesOf = <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  options: Pick<Options, "include" | "name">,
  failures: ReadonlyArray<Schema.Top>
): ReadonlyArray<Entry> =>
  Array.from(group.requests.values() as Iterable<Rpc.Any>).flatMap((any) => {
    const rpc = any as Rpc.AnyWithProps
    return describing.isIncluded(rpc.annotations, { rpc }, options)
      ? [{ rpc, tool: contractOf(rpc, options, failures) }]
      : []
  })

const contractOf = (
  rpc: Rpc.AnyWithProps,
  { name }: Pick<Options, "name">,
  failures: ReadonlyArray<Schema.Top>
): Tool.Any => {
  const { annotations, errorSchema, middlewares, payloadSchema, successSchema } = rpc
  const stream = RpcSchema.isStreamSchema(successSchema) ? successSchema : undefined
  return Tool.make(name?.({ rpc }) ?? describing.nameOf(rpc._tag), {
    ...describing.describe(annotations),
    parameters: parameters.make(
      payloadSchema.ast._tag === "Void" ? [] : [{ place: "payload", schema: payloadSchema }]
    ),
    success: (stream === undefined ? successSchema : collecting.schema(stream.success)) as Tool.Codec,
    failure: schemas.union([
      errorSchema,
      ...Array.from(middlewares, ({ error }) => error),
      ...(stream === undefined ? [] : [stream.error]),
      ...failures
    ]) as Tool.Codec
  })
}

// ----------------------------------------------------------------------------
// calls
// ----------------------------------------------------------------------------

type Call = (
  tag: string,
  payload: unknown,
  options: { readonly headers: Headers.Input }
) => Stream.Stream<unknown, unknown, any> | Effect.Effect<unknown, unknown, any>

const from = <Rpcs extends Rpc.Any, RB, R>(
  group: RpcGroup.RpcGroup<Rpcs>,
  client: Effect.Effect<Call, never, any>,
  options: Options<R>,
  failures: ReadonlyArray<Schema.Top>
): Provider.Provider<never, Exclude<RB, Scope.Scope> | Services<Rpcs> | R> =>
  held(Effect.gen(function*() {
    const call = yield* client as Effect.Effect<Call, never, RB | Scope.Scope>
    const log = yield* ownLog.make
    return entriesOf(group, options, failures).map((entry) =>
      describing.amended(handle<Services<Rpcs>, R>(entry, call, log, options), entry, options)
    )
  }))

const handle = <RC, R>(
  { rpc, tool }: Entry,
  call: Call,
  log: ownLog.OwnLog,
  { headers = noHeaders, streams }: Options<R>
) =>
  Tool.handle(
    tool as Tool.Tool<string, Tool.Codec, Tool.Codec, Tool.Codec>,
    ({ payload }: parameters.Request): Effect.Effect<unknown, unknown, RC | R | RequestContext.RequestContext> =>
      headers.pipe(
        Effect.flatMap((headers) => {
          const answer = call(rpc._tag, payload, { headers })
          return RpcSchema.isStreamSchema(rpc.successSchema)
            ? collecting.collect(answer as Stream.Stream<unknown, unknown, RC>, streams)
            : answer as Effect.Effect<unknown, unknown, RC>
        }),
        Effect.catchIf(
          (error) => error instanceof RpcClientError.RpcClientError,
          (error) => {
            const unreachable = ApiError.make(tool.name, new ApiError.Unreachable())
            return Effect.andThen(log(unreachable.message, error), Effect.fail(unreachable))
          }
        )
      )
  )

const noHeaders = Effect.succeed({})

/** Client and server in one process, without a wire between them. */
const here = (group: RpcGroup.RpcGroup<any>): Effect.Effect<Call, never, any> =>
  Effect.gen(function*() {
    let lastId = 0
    const server: RpcServer.RpcServer<any> = yield* RpcServer.makeNoSerialization(group, {
      // A defect of one call is no reason for the others to end.
      disableFatalDefects: true,
      // Who calls is in the same process, and so in the same trace.
      disableSpanPropagation: true,
      onFromServer: (response): Effect.Effect<void> => write(response)
    })
    const { client, write } = yield* RpcClient.makeNoSerialization(group, {
      flatten: true,
      disableTracing: true,
      generateRequestId: () => RpcMessage.RequestId(++lastId),
      // Each request is the only one of its client.
      onFromClient: ({ message }): Effect.Effect<void> => {
        switch (message._tag) {
          case "Request":
            return Effect.andThen(
              server.write(Number(message.id), message),
              server.write(Number(message.id), { _tag: "Eof" })
            )
          case "Interrupt":
          case "Ack":
            return server.write(Number(message.requestId), message)
          case "Eof":
            return Effect.void
        }
      }
    })
    return client
  })
