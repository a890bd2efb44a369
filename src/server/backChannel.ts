/**
 * How a request asks its client. In stateful revisions each question is a request on the connection, and the handler
 * waits. From 2026-07-28 a server sends no requests: what has no answer yet ends the request with `input_required`, and
 * when the client sends it again the handler runs from its start, with the earlier answers and the results of its
 * steps out of the sealed state.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Ask from "../context/Ask.ts"
import * as AskError from "../context/AskError.ts"
import * as Identity from "../context/Identity.ts"
import type * as RequestContext from "../context/RequestContext.ts"
import * as Budget from "../core/Budget.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as canonicalJson from "./internal/canonicalJson.ts"
import * as capabilities from "./internal/capabilities.ts"
import type * as RequestState from "./RequestState.ts"

export interface BackChannel {
  readonly ask: RequestContext.RequestContext["Service"]["ask"]
  readonly once: RequestContext.RequestContext["Service"]["once"]
}

/** Sends a request to the client, on the stream of the one that is being answered, and waits for its response. */
export type Send = (method: string, params: JsonRpc.JsonObject) => Effect.Effect<JsonRpc.Response>

type Questions = { readonly [key: string]: Ask.Question<unknown> }

interface Asker {
  readonly revision: Revision.Revision
  readonly client: RequestContext.Client
}

// ----------------------------------------------------------------------------
// stateful
// ----------------------------------------------------------------------------

/** `timeout` is how long a client may take over one question. */
export const onConnection = (
  asker: Asker,
  options: { readonly send: Send; readonly timeout: Duration.Duration }
): BackChannel => {
  const asked = new Map<
    string,
    { readonly text: string; readonly result: Deferred.Deferred<unknown, AskError.AskError> }
  >()
  const steps = new Map<string, Deferred.Deferred<JsonRpc.Json, unknown>>()

  const send = (key: string, { method, params }: Ask.Question<unknown>): Effect.Effect<unknown, AskError.AskError> => {
    const { lift, project } = asker.revision.serverRequests[method]!
    return options.send(method, project(params) as JsonRpc.JsonObject).pipe(
      Effect.timeoutOption(options.timeout),
      Budget.hold,
      Effect.flatMap((response) =>
        Option.isNone(response)
          ? fail(new AskError.NoAnswer({ key, waited: Duration.toMillis(options.timeout) }))
          : response.value.error === undefined
          ? Effect.succeed(lift === undefined ? response.value.result : lift(response.value.result, params))
          : fail(refusal(key, method, response.value.error))
      )
    )
  }

  const answer = (key: string, question: Ask.Question<unknown>): Effect.Effect<unknown, AskError.AskError> =>
    Effect.suspend(() => {
      const text = textOf(question)
      const earlier = asked.get(key)
      if (earlier !== undefined) {
        return earlier.text === text ? Deferred.await(earlier.result) : fail(new AskError.KeyReused({ key }))
      }
      const result = Deferred.makeUnsafe<unknown, AskError.AskError>()
      asked.set(key, { text, result })
      return Effect.onExit(send(key, question), (exit) => {
        if (Exit.isFailure(exit)) asked.delete(key)
        return Deferred.done(result, exit)
      })
    })

  return {
    ask: (questions) =>
      Effect.suspend(() => {
        const refused = refuse(questions, asker, asker.revision.serverRequests)
        if (refused !== undefined) return Effect.fail(refused)
        return Effect.all(
          Object.fromEntries(
            Object.entries(questions).map(([key, question]) =>
              [key, Effect.flatMap(answer(key, question), (result) => question.decode(key, result))] as const
            )
          ),
          { concurrency: "unbounded" }
        )
      }),
    once: <E, R>(key: string, step: Effect.Effect<JsonRpc.Json, E, R>) =>
      Effect.suspend((): Effect.Effect<JsonRpc.Json, E, R> => {
        const earlier = steps.get(key) as Deferred.Deferred<JsonRpc.Json, E> | undefined
        if (earlier !== undefined) return Deferred.await(earlier)
        const result = Deferred.makeUnsafe<JsonRpc.Json, E>()
        steps.set(key, result as Deferred.Deferred<JsonRpc.Json, unknown>)
        return Effect.onExit(step, (exit) => {
          if (Exit.isFailure(exit)) steps.delete(key)
          return Deferred.done(result, exit)
        })
      })
  }
}

/** How a client of these revisions says that its user rejected a sampling. */
const rejected = -1

const refusal = (key: string, method: string, { code, message }: JsonRpc.ErrorObject): AskError.Reason =>
  code === rejected && method === "sampling/createMessage"
    ? new AskError.Declined({ key })
    : new AskError.Refused({ key, code, text: message })

// ----------------------------------------------------------------------------
// stateless
// ----------------------------------------------------------------------------

/** What a request carries from one round to the next. */
interface State {
  /** Rounds so far. */
  readonly n: number
  /** The questions that were asked last, each with its fingerprint. */
  readonly q: { readonly [key: string]: string }
  /** Earlier answers, each with the fingerprint of its question. */
  readonly a: { readonly [key: string]: readonly [fingerprint: string, result: JsonRpc.Json] }
  /** What the steps ended with. */
  readonly s: { readonly [key: string]: JsonRpc.Json }
}

/** Of `State`; a release that changes it refuses what the one before has sealed. */
const shape = 1

const start: State = { n: 0, q: {}, a: {}, s: {} }

/** The rounds of one request, `open`ed before its handler runs. */
export interface Rounds extends BackChannel {
  /** Takes up what the client sent again with. */
  readonly open: (params: {
    readonly inputResponses?: { readonly [key: string]: unknown }
    readonly requestState?: string
  }) => Effect.Effect<void, McpError.McpError>
}

/**
 * `pause` ends the request with this result. `params` are the request's own, which the state is bound to together with
 * its method and its caller.
 */
export const inRounds = (
  asker: Asker & { readonly method: string; readonly params: JsonRpc.JsonObject },
  options: {
    readonly requestState: RequestState.RequestState["Service"]
    /** Its name: servers that share a key do not share states. */
    readonly server: string
    readonly pause: (result: McpSchema.InputRequiredResult) => void
  }
): Rounds => {
  const { requestState } = options
  let state = start
  let responses: { readonly [key: string]: unknown } = {}
  // Beside what the state brought: of this run.
  const fresh = new Map<string, Deferred.Deferred<JsonRpc.Json, unknown>>()
  const steps: { [key: string]: JsonRpc.Json } = {}
  const asked = new Map<string, string>()

  const binding = Effect.map(Identity.CurrentIdentity, ({ issuer, subject }) => {
    const { _meta, inputResponses: _, requestState: __, ...params } = asker.params
    return canonicalJson.canonical({
      server: options.server,
      state: shape,
      method: asker.method,
      params,
      principal: subject === undefined ? null : [issuer ?? null, subject]
    })
  })

  /** The client's answer to a question, out of an earlier round or out of this one. */
  const answered = (key: string, fingerprint: string): Exit.Exit<JsonRpc.Json | undefined, AskError.AskError> => {
    const earlier = own(state.a, key)
    const expected = earlier?.[0] ?? own(state.q, key) ?? asked.get(key)
    if (expected !== undefined && expected !== fingerprint) {
      return Exit.fail(AskError.make(new AskError.KeyReused({ key })))
    }
    return Exit.succeed(earlier === undefined ? own(responses, key) as JsonRpc.Json | undefined : earlier[1])
  }

  const pause = Effect.fnUntraced(function*(questions: Questions) {
    const entries = Object.entries(questions)
    if (state.n + 1 > requestState.maxRounds) {
      return yield* fail(new AskError.LimitReached({ limit: "rounds", maximum: requestState.maxRounds }))
    }
    const answers: { [key: string]: readonly [string, JsonRpc.Json] } = { ...state.a }
    for (const [key, fingerprint] of asked) {
      const response = own(responses, key)
      if (response !== undefined && own(answers, key) === undefined) {
        answers[key] = [fingerprint, response as JsonRpc.Json]
      }
    }
    const next: State = {
      n: state.n + 1,
      q: Object.fromEntries(entries.map(([key, question]) => [key, fingerprintOf(question)])),
      a: answers,
      s: { ...state.s, ...steps }
    }
    const sealed = yield* requestState.seal(next as unknown as JsonRpc.Json, yield* binding)
    options.pause({
      resultType: "input_required",
      inputRequests: Object.fromEntries(
        entries.map(([key, { method, params }]) => [
          key,
          { method, params: asker.revision.inputRequests[method]!.project(params) as JsonRpc.JsonObject }
        ])
      ),
      requestState: sealed
    })
    return yield* Effect.interruptible(Effect.never)
  })

  return {
    open: ({ inputResponses, requestState: token }) =>
      Effect.gen(function*() {
        responses = inputResponses ?? {}
        if (token !== undefined) state = (yield* requestState.open(token, yield* binding)) as unknown as State
      }),
    ask: (questions) =>
      Effect.suspend(() => {
        const refused = refuse(questions, asker, asker.revision.inputRequests)
        if (refused !== undefined) return Effect.fail(refused)
        const answers: { [key: string]: unknown } = {}
        const open: { [key: string]: Ask.Question<unknown> } = {}
        for (const [key, question] of Object.entries(questions)) {
          const fingerprint = fingerprintOf(question)
          const found = answered(key, fingerprint)
          if (Exit.isFailure(found)) return Effect.failCause(found.cause)
          asked.set(key, fingerprint)
          if (found.value === undefined) {
            open[key] = question
            continue
          }
          const decoded = question.decode(key, found.value)
          if (Exit.isFailure(decoded)) return Effect.failCause(decoded.cause)
          answers[key] = decoded.value
        }
        return Object.keys(open).length === 0
          ? Effect.succeed(answers)
          : pause(open)
      }),
    once: <E, R>(key: string, step: Effect.Effect<JsonRpc.Json, E, R>) =>
      Effect.suspend((): Effect.Effect<JsonRpc.Json, E, R> => {
        const earlier = own(state.s, key)
        if (earlier !== undefined) return Effect.succeed(earlier)
        const running = fresh.get(key) as Deferred.Deferred<JsonRpc.Json, E> | undefined
        if (running !== undefined) return Deferred.await(running)
        const result = Deferred.makeUnsafe<JsonRpc.Json, E>()
        fresh.set(key, result as Deferred.Deferred<JsonRpc.Json, unknown>)
        return Effect.onExit(step, (exit) => {
          if (Exit.isSuccess(exit)) steps[key] = exit.value
          else fresh.delete(key)
          return Deferred.done(result, exit)
        })
      })
  }
}

// ----------------------------------------------------------------------------
// both
// ----------------------------------------------------------------------------

/** For requests whose revision gives them no way to ask. */
export const closed = (method: string): BackChannel => {
  const error = AskError.make(new AskError.Unavailable({ text: `${method} cannot ask the client.` }))
  return { ask: () => Effect.fail(error), once: (_key, step) => step }
}

const fail = (reason: AskError.Reason) => Effect.fail(AskError.make(reason))

/** What the client cannot be asked. */
const refuse = (
  questions: Questions,
  { client, revision }: Asker,
  known: { readonly [method: string]: unknown }
): AskError.AskError | undefined => {
  for (const [key, { method, requires }] of Object.entries(questions)) {
    const lacking = capabilities.missing(client.capabilities, requires)
    if (lacking !== undefined) {
      return AskError.make(new AskError.Unsupported({ key, capability: capabilities.nameOf(lacking) }))
    }
    if (known[method] === undefined) {
      return AskError.make(
        new AskError.Unavailable({ text: `Clients of ${revision.version} cannot be asked for ${method}.` })
      )
    }
  }
  return undefined
}

const textOf = ({ method, params }: Ask.Question<unknown>): string => canonicalJson.canonical({ method, params })

/** Tells an honest program that it asks something else under an old key; it guards no secret. */
const fingerprintOf = (question: Ask.Question<unknown>): string => {
  const text = textOf(question)
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return `${(hash >>> 0).toString(36)}.${text.length.toString(36)}`
}

const own = <A>(record: { readonly [key: string]: A }, key: string): A | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined
