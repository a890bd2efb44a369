/**
 * What a client does when a server asks or tells it something. Each is a service, and a client takes those that are in
 * context when it is made: a capability is declared exactly when its handler is there. In the stateful era the questions
 * come on the connection, from 2026-07-28 within an `input_required` result; handlers see no difference.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { JsonObject, Notification } from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"

// ----------------------------------------------------------------------------
// elicitation
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface Elicitation<R = never> {
  /**
   * Shows a form to the user. Fields that an accepted answer leaves out get their defaults; what then does not fit the
   * form is an error to the server, which never sees it.
   */
  readonly form?: (params: McpSchema.ElicitFormParams) => Effect.Effect<McpSchema.ElicitResult, McpError.McpError, R>
  /**
   * Shows the user an address, whole, and opens it in a browser if they agree. It must not be fetched before. `accept`
   * means that they agreed, not that they are done there.
   */
  readonly url?: (params: McpSchema.ElicitUrlParams) => Effect.Effect<McpSchema.ElicitResult, McpError.McpError, R>
}

/** Questions to the user; `form`, `url` or both are declared. @category services @since 0.1.0 */
export class ElicitationHandler extends Context.Service<ElicitationHandler, Elicitation>()(
  "fastmcp-effect/client/ClientHandlers/ElicitationHandler"
) {}

/** @category layers @since 0.1.0 */
export const elicitation = <R = never>(handler: Elicitation<R>): Layer.Layer<ElicitationHandler, never, R> =>
  Layer.effect(
    ElicitationHandler,
    Effect.contextWith((context: Context.Context<R>) => {
      const { form, url } = handler
      return Effect.succeed(
        {
          ...(form === undefined ? undefined : { form: (params) => Effect.provideContext(form(params), context) }),
          ...(url === undefined ? undefined : { url: (params) => Effect.provideContext(url(params), context) })
        } satisfies Elicitation
      )
    })
  )

/** The answer of a user who agrees. @category answers @since 0.1.0 */
export const accept = (content?: NonNullable<McpSchema.ElicitResult["content"]>): McpSchema.ElicitResult =>
  content === undefined ? { action: "accept" } : { action: "accept", content }

/** The answer of a user who says no. @category answers @since 0.1.0 */
export const decline: McpSchema.ElicitResult = { action: "decline" }

/** The answer of a user who closes the question. @category answers @since 0.1.0 */
export const cancel: McpSchema.ElicitResult = { action: "cancel" }

// ----------------------------------------------------------------------------
// sampling
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface Sampling<R = never> {
  /** Has a model say what comes next. `params.maxTokens` has to be kept to; show the user what is asked, and let them say no. */
  readonly createMessage: (
    params: McpSchema.CreateMessageParams
  ) => Effect.Effect<McpSchema.CreateMessageResult, McpError.McpError, R>
  /** Whether it heeds `tools` and `toolChoice`; not when left out, and then a server must not send them. */
  readonly tools?: boolean
  /** Whether it heeds an `includeContext` other than `none`. Not when left out. */
  readonly context?: boolean
}

/** Questions to the client's model. Deprecated by the protocol in 2026-07-28, where it still works. @category services @since 0.1.0 */
export class SamplingHandler extends Context.Service<SamplingHandler, Sampling>()(
  "fastmcp-effect/client/ClientHandlers/SamplingHandler"
) {}

/** @category layers @since 0.1.0 */
export const sampling = <R = never>(handler: Sampling<R>): Layer.Layer<SamplingHandler, never, R> =>
  Layer.effect(
    SamplingHandler,
    Effect.contextWith((context: Context.Context<R>) =>
      Effect.succeed({
        ...handler,
        createMessage: (params: McpSchema.CreateMessageParams) =>
          Effect.provideContext(handler.createMessage(params), context)
      })
    )
  )

// ----------------------------------------------------------------------------
// roots
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface Roots<R = never> {
  readonly list: Effect.Effect<ReadonlyArray<McpSchema.Root>, McpError.McpError, R>
  /** An element each time the list has changed; servers of the stateful era are told. */
  readonly changes?: Stream.Stream<unknown, never, R>
}

/** The folders the user is at work in. Deprecated by the protocol in 2026-07-28, where it still works. @category services @since 0.1.0 */
export class RootsHandler extends Context.Service<RootsHandler, Roots>()(
  "fastmcp-effect/client/ClientHandlers/RootsHandler"
) {}

/** @category layers @since 0.1.0 */
export const roots = <R = never>(
  handler: Roots<R> | ReadonlyArray<McpSchema.Root>
): Layer.Layer<RootsHandler, never, R> =>
  Layer.effect(
    RootsHandler,
    Effect.contextWith((context: Context.Context<R>) => {
      const { changes, list } = isList(handler) ? { list: Effect.succeed(handler), changes: undefined } : handler
      return Effect.succeed({
        list: Effect.provideContext(list, context),
        ...(changes === undefined ? undefined : { changes: Stream.provideContext(changes, context) })
      })
    })
  )

const isList = <R>(
  handler: Roots<R> | ReadonlyArray<McpSchema.Root>
): handler is ReadonlyArray<McpSchema.Root> => Array.isArray(handler)

// ----------------------------------------------------------------------------
// what servers tell
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export type LogMessage = typeof McpSchema.LoggingMessageParams.Type

/** @category models @since 0.1.0 */
export interface Log<R = never> {
  /** The least severe level the server is asked for. */
  readonly level: McpSchema.LoggingLevel
  /** One after the other, in the order in which they came. */
  readonly receive: (message: LogMessage) => Effect.Effect<void, never, R>
}

/** Log messages of servers. Without it none are asked for. @category services @since 0.1.0 */
export class LogHandler extends Context.Service<LogHandler, Log>()(
  "fastmcp-effect/client/ClientHandlers/LogHandler"
) {}

/** @category layers @since 0.1.0 */
export const log = <R = never>(handler: Log<R>): Layer.Layer<LogHandler, never, R> =>
  Layer.effect(
    LogHandler,
    Effect.contextWith((context: Context.Context<R>) =>
      Effect.succeed({
        level: handler.level,
        receive: (message: LogMessage) => Effect.provideContext(handler.receive(message), context)
      })
    )
  )

const effectLevels: { readonly [level in McpSchema.LoggingLevel]: "Debug" | "Info" | "Warn" | "Error" | "Fatal" } = {
  debug: "Debug",
  info: "Info",
  notice: "Info",
  warning: "Warn",
  error: "Error",
  critical: "Fatal",
  alert: "Fatal",
  emergency: "Fatal"
}

/**
 * Writes servers' log messages to Effect's log, with the name of the logger as the annotation `mcp.logger`.
 *
 * @category layers
 * @since 0.1.0
 */
export const logToEffect = (level: McpSchema.LoggingLevel = "info"): Layer.Layer<LogHandler> =>
  log({
    level,
    receive: ({ data, level, logger }) => {
      const message = Effect.logWithLevel(effectLevels[level])(data)
      return logger === undefined ? message : Effect.annotateLogs(message, "mcp.logger", logger)
    }
  })

/** @category models @since 0.1.0 */
export type ProgressMessage = Omit<typeof McpSchema.ProgressParams.Type, "progressToken">

/** @category models @since 0.1.0 */
export interface Progress<R = never> {
  /** One after the other, in the order in which they came; `request` says of what. */
  readonly receive: (
    progress: ProgressMessage,
    request: { readonly method: string; readonly params: JsonObject }
  ) => Effect.Effect<void, never, R>
}

/** The progress of every request; with it each asks for some. A call's own `onProgress` hears it, too. @category services @since 0.1.0 */
export class ProgressHandler extends Context.Service<ProgressHandler, Progress>()(
  "fastmcp-effect/client/ClientHandlers/ProgressHandler"
) {}

/** @category layers @since 0.1.0 */
export const progress = <R = never>(handler: Progress<R>): Layer.Layer<ProgressHandler, never, R> =>
  Layer.effect(
    ProgressHandler,
    Effect.contextWith((context: Context.Context<R>) =>
      Effect.succeed({
        receive: (message: ProgressMessage, request: { readonly method: string; readonly params: JsonObject }) =>
          Effect.provideContext(handler.receive(message, request), context)
      })
    )
  )

// ----------------------------------------------------------------------------
// everything else
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface Raw<R = never> {
  /** What the server asks and nothing else here answers; refused as an unknown method when left out. */
  readonly request?: (
    method: string,
    params: JsonObject
  ) => Effect.Effect<JsonObject, McpError.McpError, R>
  /** What the server tells, all of it, in the order in which it came. */
  readonly notification?: (notification: Notification) => Effect.Effect<void, never, R>
  /** Capabilities to declare besides those of the other handlers. */
  readonly capabilities?: McpSchema.ClientCapabilities
}

/** Messages as they came, for a proxy: methods and members this framework does not know pass through it. @category services @since 0.1.0 */
export class RawHandler extends Context.Service<RawHandler, Raw>()(
  "fastmcp-effect/client/ClientHandlers/RawHandler"
) {}

/** @category layers @since 0.1.0 */
export const raw = <R = never>(handler: Raw<R>): Layer.Layer<RawHandler, never, R> =>
  Layer.effect(
    RawHandler,
    Effect.contextWith((context: Context.Context<R>) => {
      const { capabilities, notification, request } = handler
      return Effect.succeed(
        {
          ...(capabilities === undefined ? undefined : { capabilities }),
          ...(request === undefined ? undefined : {
            request: (method: string, params: JsonObject) => Effect.provideContext(request(method, params), context)
          }),
          ...(notification === undefined ? undefined : {
            notification: (message: Notification) => Effect.provideContext(notification(message), context)
          })
        } satisfies Raw
      )
    })
  )
