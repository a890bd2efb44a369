/**
 * What changes on the server, as one stream in either era: from 2026-07-28 on a stream the client asks for
 * (`subscriptions/listen`), before that on the connection, where resources are subscribed to one by one.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { JsonObject, Notification } from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as conversation from "./conversation.ts"
import type { Change, ChangesOptions } from "./McpClient.ts"
import type * as McpClientError from "./McpClientError.ts"

type Failure = McpError.McpError | McpClientError.McpClientError

export interface Options {
  readonly talk: conversation.Conversation
  readonly send: (method: string, params: JsonObject) => Effect.Effect<JsonObject, Failure>
  /** Hears every notification until it calls what it is given. */
  readonly listen: (hear: (notification: Notification) => void) => () => void
  /** Hears that changes may have been missed, before whoever reads them does. */
  readonly missed: () => void
  /** Called each time the conversation has begun again, until it calls what it is given. */
  readonly onReopened: (resume: () => void) => () => void
}

/** Changes a slow reader may be behind; then it misses the oldest. */
const maxBehind = 1024

type Changes = Queue.Enqueue<Change>

export const make = (options: Options) => {
  const watched = new Map<string, number>()

  return (wanted: ChangesOptions = {}): Stream.Stream<Change, Failure> =>
    Stream.callback<Change, Failure>(
      (queue) =>
        Effect.suspend(() =>
          options.talk.lifecycle().revision.era === "Stateless"
            ? onStream(options, complete(wanted), queue)
            : onConnection(options, complete(wanted), watched, queue)
        ),
      { bufferSize: maxBehind, strategy: "sliding" }
    )
}

interface Wanted {
  readonly tools: boolean
  readonly prompts: boolean
  readonly resources: boolean
  readonly uris: ReadonlyArray<string>
}

/** Without a word on lists, all of them. */
const complete = ({ prompts, resources, tools, uris = [] }: ChangesOptions): Wanted => {
  const all = tools === undefined && prompts === undefined && resources === undefined && uris.length === 0
  return { tools: tools ?? all, prompts: prompts ?? all, resources: resources ?? all, uris }
}

const changeOf = ({ method, params }: Notification, wanted: Wanted): Change | undefined => {
  switch (method) {
    case "notifications/tools/list_changed":
      return wanted.tools ? { _tag: "ToolsListChanged" } : undefined
    case "notifications/prompts/list_changed":
      return wanted.prompts ? { _tag: "PromptsListChanged" } : undefined
    case "notifications/resources/list_changed":
      return wanted.resources ? { _tag: "ResourcesListChanged" } : undefined
    case "notifications/resources/updated":
      return typeof params?.uri === "string" && wanted.uris.some((uri) => covers(uri, params.uri as string))
        ? { _tag: "ResourceUpdated", uri: params.uri }
        : undefined
    default:
      return undefined
  }
}

/** A server may tell of a part of what is watched. */
const covers = (watched: string, uri: string): boolean =>
  uri === watched || uri.startsWith(watched.endsWith("/") ? watched : `${watched}/`)

// ----------------------------------------------------------------------------
// the stateless era
// ----------------------------------------------------------------------------

/** Asks for the stream again whenever it ends, for as long as there is a server. */
const onStream = (options: Options, wanted: Wanted, queue: Changes): Effect.Effect<void, Failure> =>
  Effect.gen(function*() {
    const notifications = {
      ...(wanted.tools ? { toolsListChanged: true } : undefined),
      ...(wanted.prompts ? { promptsListChanged: true } : undefined),
      ...(wanted.resources ? { resourcesListChanged: true } : undefined),
      ...(wanted.uris.length > 0 ? { resourceSubscriptions: wanted.uris } : undefined)
    }
    let isAcknowledged = false
    let pause = firstPause
    const listen = options.talk.request({
      method: "subscriptions/listen",
      params: { notifications },
      target: undefined,
      meta: undefined,
      timeout: Infinity,
      maxTimeout: Infinity,
      onProgress: undefined,
      onNotification: (notification) => {
        if (notification.method === "notifications/subscriptions/acknowledged") {
          if (isAcknowledged) {
            options.missed()
            Queue.offerUnsafe(queue, { _tag: "Missed" })
          }
          isAcknowledged = true
          return
        }
        const change = changeOf(notification, wanted)
        if (change !== undefined) Queue.offerUnsafe(queue, change)
      }
    }, Effect.succeed)
    while (true) {
      const since = yield* Clock.currentTimeMillis
      const lost = yield* Effect.match(listen, {
        onSuccess: () => undefined,
        onFailure: (error) => error
      })
      // What it cannot do at all it will not do the next time.
      if (lost !== undefined && !mayReturn(lost)) return yield* Effect.fail(lost)
      if ((yield* Clock.currentTimeMillis) - since > goodAfter) pause = firstPause
      yield* Effect.sleep(pause)
      pause = Math.min(pause * 2, 10_000)
    }
  })

/** A stream that lasted so long was a good one: it is asked for again as if it were the first. */
const goodAfter = 1000

const firstPause = 100

const mayReturn = (error: Failure): boolean =>
  error._tag === "McpClientError" && (error.reason._tag === "OutcomeUnknown" || error.reason._tag === "Transport" &&
      (error.reason.error.isRetryable || error.reason.error.reason._tag === "Lost"))

// ----------------------------------------------------------------------------
// the stateful era
// ----------------------------------------------------------------------------

const onConnection = (
  { listen, missed, onReopened, send }: Options,
  wanted: Wanted,
  watched: Map<string, number>,
  queue: Changes
): Effect.Effect<void, Failure, Scope.Scope> =>
  Effect.gen(function*() {
    const stop = listen((notification) => {
      const change = changeOf(notification, wanted)
      if (change !== undefined) Queue.offerUnsafe(queue, change)
    })
    yield* Effect.addFinalizer(() => Effect.sync(stop))
    const failed = yield* Deferred.make<never, Failure>()
    const subscribe = Effect.forEach(wanted.uris, (uri) => send("resources/subscribe", { uri }), { discard: true })
    const again = yield* Queue.sliding<void>(1)
    const forget = onReopened(() => {
      missed()
      Queue.offerUnsafe(queue, { _tag: "Missed" })
      Queue.offerUnsafe(again, undefined)
    })
    yield* Effect.addFinalizer(() => Effect.sync(forget))
    yield* Effect.addFinalizer(() =>
      Effect.forEach(wanted.uris, (uri) => {
        const others = watched.get(uri)! - 1
        if (others > 0) {
          watched.set(uri, others)
          return Effect.void
        }
        watched.delete(uri)
        return Effect.ignore(Effect.timeoutOption(send("resources/unsubscribe", { uri }), "1 second"))
      }, { discard: true })
    )
    for (const uri of wanted.uris) watched.set(uri, (watched.get(uri) ?? 0) + 1)
    yield* subscribe
    // Nothing of it is left on a new connection; where that is lost, too, there will be another.
    yield* Effect.forkScoped(Effect.catch(
      Effect.forever(Effect.andThen(Queue.take(again), Effect.catchIf(subscribe, mayReturn, () => Effect.void))),
      (error) => Deferred.fail(failed, error)
    ))
    return yield* Deferred.await(failed)
  })
