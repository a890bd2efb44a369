/**
 * One request of a client, whole: its rounds of questions, and what extensions make of it and of its result.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as Meta from "../protocol/Meta.ts"
import * as Authorization from "../transport/Authorization.ts"
import type * as ClientTransport from "../transport/ClientTransport.ts"
import type * as answering from "./answering.ts"
import type * as ClientHandlers from "./ClientHandlers.ts"
import type * as conversation from "./conversation.ts"
import type * as Extension from "./Extension.ts"
import type * as hearing from "./hearing.ts"
import * as inputRounds from "./inputRounds.ts"
import type * as knownTools from "./internal/knownTools.ts"
import * as results from "./internal/results.ts"
import type * as lifecycle from "./lifecycle.ts"
import type * as link from "./link.ts"
import type { CallError, RequestOptions } from "./McpClient.ts"
import * as McpClientError from "./McpClientError.ts"

export interface Options {
  readonly talk: conversation.Conversation
  readonly extensions: ReadonlyArray<Extension.Extension>
  readonly answer: answering.Answer
  readonly maxRounds: number
  readonly isAskingUser: ClientTransport.ClientTransport["Service"]["isAskingUser"]
  /** Milliseconds. */
  readonly requestTimeout: number
  readonly maxRequestTimeout: number | undefined
  readonly progress: ClientHandlers.Progress | undefined
  readonly heard: hearing.Hearing
  readonly tools: knownTools.KnownTools
}

/** Only what came at once may be kept. */
export type Send = (
  method: string,
  params: JsonObject,
  options?: RequestOptions,
  target?: string,
  keep?: (result: JsonObject) => void
) => Effect.Effect<JsonObject, CallError>

type Next = (params: JsonObject) => Effect.Effect<JsonObject, CallError>

export const make = (options: Options): Send => {
  const { answer, extensions, isAskingUser, maxRounds, progress, requestTimeout, talk, tools } = options
  const maxRequestTimeout = options.maxRequestTimeout ?? Math.max(requestTimeout, 600_000)
  const faultOf = results.makeFaultOf()
  const resultHandlers = new Map(extensions.flatMap(({ results = {} }) => Object.entries(results)))
  const wraps = extensions.flatMap(({ wrap }) => wrap === undefined ? [] : [wrap])

  const finish = (
    method: string,
    result: JsonObject,
    keep?: (result: JsonObject) => void,
    unchecked?: boolean
  ): Effect.Effect<JsonObject, CallError> => {
    const fault = unchecked === true ? undefined : faultOf(talk.lifecycle().revision, method, result)
    if (fault !== undefined) return Effect.fail(invalidResponse(method, fault))
    keep?.(result)
    return Effect.succeed(result)
  }

  const send: Send = (method, params, callOptions = {}, target, keep) => {
    const timeout = callOptions.timeout === undefined ? requestTimeout : millis(callOptions.timeout)
    const maxTimeout = callOptions.maxTimeout === undefined
      ? callOptions.timeout === undefined ? maxRequestTimeout : Math.max(timeout, maxRequestTimeout)
      : millis(callOptions.maxTimeout)
    const { keepsErrors, onNotification, onProgress, onTold, raw = false, rounds = true, unchecked } = callOptions
    const { idempotencyKey, idempotent } = callOptions
    const key = method === "tools/call" ? idempotencyKey : undefined
    const meta = key === undefined ? callOptions.meta : { ...callOptions.meta, [Meta.idempotencyKey]: key }
    const isHarmless = () =>
      idempotent ?? (method === "tools/call" ? tools.isIdempotent(params.name) : repeatable.has(method))
    const hear = progress === undefined ? onProgress : (message: ClientHandlers.ProgressMessage) => {
      onProgress?.(message)
      options.heard.inOrder(() => progress.receive(message, { method, params }))
    }
    const once = (params: JsonObject, onSent?: (id: number) => void) =>
      Effect.suspend(() => {
        const call: link.Call = {
          method,
          params,
          target,
          meta,
          timeout: Math.min(timeout, maxTimeout),
          maxTimeout,
          onProgress: hear,
          ...(onSent === undefined ? undefined : { onSent }),
          ...(onNotification === undefined ? undefined : { onNotification }),
          answer: callOptions.answer,
          onTold,
          caller: callOptions.caller,
          keepsErrors
        }
        const store = key === undefined || idempotent === false ? undefined : storeOf(talk.lifecycle().server)
        return talk.request(call, () =>
          store !== undefined
            ? { ...call, meta: { ...meta, [Meta.idempotencyStore]: store } }
            : isHarmless()
            ? call
            : undefined)
      })
    const conclude = (
      result: JsonObject,
      keep?: (result: JsonObject) => void
    ): Effect.Effect<JsonObject, CallError> => {
      const { resultType } = result
      if (resultType === "input_required" && inputRounds.asking.has(method)) {
        if (!rounds) return Effect.succeed(result)
        return Effect.flatMap(
          inputRounds.drive(result, {
            method,
            params,
            send: once,
            answer: callOptions.answer ?? answer,
            maxRounds
          }),
          (result) => conclude(result)
        )
      }
      if (raw) return Effect.succeed(result)
      if (resultType === undefined || resultType === "complete") return finish(method, result, keep, unchecked)
      const own = resultHandlers.get(String(resultType))
      return own === undefined
        ? unchecked === true
          ? Effect.succeed(result)
          : Effect.fail(invalidResponse(method, `its type is ${JSON.stringify(resultType)}, which is unknown here`))
        : Effect.flatMap(
          within(own(result, { method, params }, (method, params = {}) => send(method, params))),
          (made) => finish(method, made, undefined, unchecked)
        )
    }
    /** What goes on without the request takes as long as it likes, if its caller has not said otherwise. */
    const within = <A>(effect: Effect.Effect<A, CallError>): Effect.Effect<A, CallError> => {
      const after = callOptions.maxTimeout === undefined ? Infinity : maxTimeout
      return after === Infinity ? effect : effect.pipe(Authorization.timeoutOrElse({
        duration: Duration.millis(after),
        isAskingUser,
        orElse: () => Effect.fail(McpClientError.make(new McpClientError.Timeout({ method, after })))
      }))
    }
    if (wraps.length === 0 || raw) return Effect.flatMap(once(params), (result) => conclude(result, keep))
    const wrapped = (once: Next) =>
      within(
        wraps.reduceRight<Next>((next, wrap) => (params: JsonObject) => wrap({ method, params }, next), once)(params)
      )
    return Effect.flatMap(
      hear === undefined ? wrapped(once) : stillHearing(options.heard, hear, once, wrapped),
      (result) => conclude(result, keep)
    )
  }

  return send
}

/** What goes on behind an answer has its progress under the token of the request that was answered. */
const stillHearing = (
  heard: hearing.Hearing,
  hear: (progress: ClientHandlers.ProgressMessage) => void,
  once: (params: JsonObject, onSent: (id: number) => void) => Effect.Effect<JsonObject, CallError>,
  wrapped: (once: Next) => Effect.Effect<JsonObject, CallError>
): Effect.Effect<JsonObject, CallError> =>
  Effect.suspend(() => {
    let token: number | undefined
    let answered: number | undefined
    const stop = heard.listen(({ method, params = {} }) => {
      const { progress, progressToken, ...rest } = params
      if (method !== "notifications/progress" || answered === undefined || progressToken !== answered) return
      if (typeof progress === "number") hear({ ...rest, progress })
    })
    const next = (params: JsonObject) =>
      Effect.tap(
        once(params, (id) => {
          token = id
        }),
        () =>
          Effect.sync(() => {
            answered = token
          })
      )
    return Effect.ensuring(wrapped(next), Effect.sync(stop))
  })

const millis = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

const invalidResponse = (method: string, message: string) =>
  McpClientError.make(new McpClientError.InvalidResponse({ method, message }))

/** Where the server keeps what became of calls that have a key; to other servers a call that is sent twice is two. */
const storeOf = ({ capabilities }: lifecycle.Server): string | undefined => {
  const { store } = capabilities.experimental?.[Meta.idempotency] ?? {}
  return typeof store === "string" ? store : undefined
}

/** Methods that only read, or do the same the second time. */
const repeatable: ReadonlySet<string> = new Set([
  "server/discover",
  "ping",
  "logging/setLevel",
  "tools/list",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "completion/complete"
])
