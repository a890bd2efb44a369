/**
 * One request of a client, whole: its rounds of questions, and what extensions make of it and of its result.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
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
  keep?: Keep
) => Effect.Effect<JsonObject, CallError>

type Keep = (result: JsonObject) => void

/** The same for who is at it already, `fiber`: in fewer steps where nothing here makes something of the result. */
export type Forward = <A, E>(
  method: string,
  params: JsonObject,
  options: RequestOptions,
  then: conversation.Then<A, E>,
  fiber: Fiber.Fiber<unknown, unknown>
) => Effect.Effect<A, E>

type Next = (params: JsonObject) => Effect.Effect<JsonObject, CallError>

export const make = (options: Options): { readonly send: Send; readonly forward: Forward } => {
  const { answer, extensions, isAskingUser, maxRounds, talk } = options
  const faultOf = results.makeFaultOf()
  const resultHandlers = new Map(extensions.flatMap(({ results = {} }) => Object.entries(results)))
  const wraps = extensions.flatMap(({ wrap }) => wrap === undefined ? [] : [wrap])

  const send: Send = (method, params, callOptions = noOptions, target, keep) => {
    const sent = new Sent(options, method, params, callOptions, target)
    return wraps.length === 0 || callOptions.raw === true
      ? talk.request(sent, (result) => conclude(sent, result, keep))
      : wrapped(sent, keep)
  }

  const forward: Forward = (method, params, callOptions, then, fiber) =>
    extensions.length === 0 && callOptions.unchecked === true && callOptions.rounds === false
      ? talk.forward(new Sent(options, method, params, callOptions, undefined), then, fiber)
      : Effect.matchEffect(send(method, params, callOptions), then)

  const wrapped = (sent: Sent, keep: Keep | undefined): Effect.Effect<JsonObject, CallError> => {
    const { method, onProgress, params } = sent
    const through = (once: Next) =>
      within(
        sent,
        wraps.reduceRight<Next>((next, wrap) => (params: JsonObject) => wrap({ method, params }, next), once)(params)
      )
    const once = (params: JsonObject, onSent?: OnSent) => talk.request(sent.with(params, onSent), Effect.succeed)
    return Effect.flatMap(
      onProgress === undefined ? through(once) : stillHearing(options.heard, onProgress, once, through),
      (result) => conclude(sent, result, keep)
    )
  }

  const conclude = (sent: Sent, result: JsonObject, keep?: Keep): Effect.Effect<JsonObject, CallError> => {
    const { method, params } = sent
    const { raw, rounds, unchecked } = sent.options
    const { resultType } = result
    if (resultType === "input_required" && inputRounds.asking.has(method)) {
      if (rounds === false) return Effect.succeed(result)
      return Effect.flatMap(
        inputRounds.drive(result, {
          method,
          params,
          send: (params) => talk.request(sent.with(params), Effect.succeed),
          answer: sent.answer ?? answer,
          maxRounds
        }),
        (result) => conclude(sent, result)
      )
    }
    if (raw === true) return Effect.succeed(result)
    if (resultType === undefined || resultType === "complete") return finish(method, result, keep, unchecked)
    const own = resultHandlers.get(String(resultType))
    return own === undefined
      ? unchecked === true
        ? Effect.succeed(result)
        : Effect.fail(invalidResponse(method, `its type is ${JSON.stringify(resultType)}, which is unknown here`))
      : Effect.flatMap(
        within(sent, own(result, { method, params }, (method, params = {}) => send(method, params))),
        (made) => finish(method, made, undefined, unchecked)
      )
  }

  const finish = (
    method: string,
    result: JsonObject,
    keep: Keep | undefined,
    unchecked: boolean | undefined
  ): Effect.Effect<JsonObject, CallError> => {
    const fault = unchecked === true ? undefined : faultOf(talk.lifecycle().revision, method, result)
    if (fault !== undefined) return Effect.fail(invalidResponse(method, fault))
    keep?.(result)
    return Effect.succeed(result)
  }

  /** What goes on without the request takes as long as it likes, if its caller has not said otherwise. */
  const within = <A>(
    { maxTimeout, method, options }: Sent,
    effect: Effect.Effect<A, CallError>
  ): Effect.Effect<A, CallError> => {
    const after = options.maxTimeout === undefined ? Infinity : maxTimeout
    return after === Infinity ? effect : effect.pipe(Authorization.timeoutOrElse({
      duration: Duration.millis(after),
      isAskingUser,
      orElse: () => Effect.fail(McpClientError.make(new McpClientError.Timeout({ method, after })))
    }))
  }

  return { send, forward }
}

const noOptions: RequestOptions = {}

type OnSent = (id: number) => void

/** A request as it is sent: each round of its questions is another, in the same way. */
class Sent implements link.Call {
  private readonly client: Options
  readonly options: RequestOptions
  readonly method: string
  readonly params: JsonObject
  readonly target: string | undefined
  readonly meta: JsonObject | undefined
  readonly timeout: number
  readonly maxTimeout: number
  readonly onProgress: link.Call["onProgress"]
  readonly onSent: OnSent | undefined
  readonly onNotification: link.Call["onNotification"]
  readonly answer: link.Call["answer"]
  readonly onTold: link.Call["onTold"]
  readonly caller: lifecycle.Caller | undefined
  readonly keepsErrors: boolean | undefined
  readonly bringsTrace: boolean | undefined

  constructor(
    client: Options,
    method: string,
    params: JsonObject,
    options: RequestOptions,
    target: string | undefined,
    meta: JsonObject | undefined = metaOf(method, options),
    onProgress: link.Call["onProgress"] = hearingOf(client, method, params, options),
    onSent?: OnSent
  ) {
    const { requestTimeout } = client
    const timeout = options.timeout === undefined ? requestTimeout : millis(options.timeout)
    const maxRequestTimeout = client.maxRequestTimeout ?? Math.max(requestTimeout, 600_000)
    this.client = client
    this.options = options
    this.method = method
    this.params = params
    this.target = target
    this.meta = meta
    this.maxTimeout = options.maxTimeout === undefined
      ? options.timeout === undefined ? maxRequestTimeout : Math.max(timeout, maxRequestTimeout)
      : millis(options.maxTimeout)
    this.timeout = Math.min(timeout, this.maxTimeout)
    this.onProgress = onProgress
    this.onSent = onSent
    this.onNotification = options.onNotification
    this.answer = options.answer
    this.onTold = options.onTold
    this.caller = options.caller
    this.keepsErrors = options.keepsErrors
    this.bringsTrace = options.bringsTrace
  }

  with(params: JsonObject, onSent?: OnSent, meta = this.meta): Sent {
    return new Sent(this.client, this.method, params, this.options, this.target, meta, this.onProgress, onSent)
  }

  repeat(first: lifecycle.Server): link.Call | undefined {
    const { meta, method, onSent, params } = this
    const { idempotencyKey, idempotent } = this.options
    const store = method !== "tools/call" || idempotencyKey === undefined || idempotent === false
      ? undefined
      : storeOf(first)
    if (store !== undefined) return this.with(params, onSent, { ...meta, [Meta.idempotencyStore]: store })
    const isHarmless = idempotent ??
      (method === "tools/call" ? this.client.tools.isIdempotent(params.name) : repeatable.has(method))
    return isHarmless ? this : undefined
  }
}

const metaOf = (method: string, { idempotencyKey, meta }: RequestOptions): JsonObject | undefined =>
  method !== "tools/call" || idempotencyKey === undefined ? meta : { ...meta, [Meta.idempotencyKey]: idempotencyKey }

/** The handler of the client's progress hears of each request beside who has asked for it. */
const hearingOf = (
  { heard, progress }: Options,
  method: string,
  params: JsonObject,
  { onProgress }: RequestOptions
): link.Call["onProgress"] =>
  progress === undefined ? onProgress : (message) => {
    onProgress?.(message)
    heard.inOrder(() => progress.receive(message, { method, params }))
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
