/**
 * How a request asks its client. In stateful revisions each question is a request on the connection, and the handler
 * waits. From 2026-07-28 a server sends no requests: what has no answer yet ends the request with `input_required`, and
 * when the client sends it again the handler runs from its start, with the earlier answers and the results of its
 * steps out of the sealed state.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
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
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"
import type * as Revision from "../protocol/Revision.ts"
import * as askedTask from "./askedTask.ts"
import * as canonicalJson from "./internal/canonicalJson.ts"
import * as capabilities from "./internal/capabilities.ts"
import * as fingerprint from "./internal/fingerprint.ts"
import type * as RequestState from "./RequestState.ts"

export interface BackChannel {
  /** `address` is what a key is called beyond its handler, which may be one of several in the request. */
  readonly ask: (
    questions: Questions,
    address: (key: string) => string
  ) => Effect.Effect<{ readonly [key: string]: unknown }, AskError.AskError>
  readonly once: <E, R>(
    address: string,
    step: Effect.Effect<JsonRpc.Json, E, R>
  ) => Effect.Effect<JsonRpc.Json, E | AskError.AskError, R>
}

/**
 * Sends a request to the client, on the stream of the one that is being answered, and waits for its response: not
 * beyond the end of that one.
 */
export type Send = (
  method: string,
  params: JsonRpc.JsonObject
) => Effect.Effect<JsonRpc.Response, AskError.AskError>

export type Questions = { readonly [key: string]: Ask.Question<unknown> }

export interface Asker {
  readonly revision: Revision.Revision
  readonly client: RequestContext.Client
}

// ----------------------------------------------------------------------------
// stateful
// ----------------------------------------------------------------------------

/** `timeout` is how long a client may take over one question; `wait` stands around the time it takes. */
export const onConnection = (
  asker: Asker,
  options: {
    readonly send: Send
    readonly timeout: Duration.Duration
    readonly wait: <A, E>(answers: Effect.Effect<A, E>) => Effect.Effect<A, E>
  }
): BackChannel => {
  const texts = new Map<string, string>()
  const results: Shared<unknown, AskError.AskError> = new Map()
  const steps: Shared<JsonRpc.Json, unknown> = new Map()

  const send = (
    key: string,
    { asTask, method, params }: Ask.Question<unknown>
  ): Effect.Effect<unknown, AskError.AskError> => {
    const { lift, project } = asker.revision.serverRequests[method]!
    const projected = project(params) as JsonRpc.JsonObject
    const answered = asTask === true && askedTask.isSupported(asker, method)
      ? askedTask.send(asker, options.send, method, projected, { ttl: Duration.toMillis(options.timeout) })
      : options.send(method, projected)
    return answered.pipe(
      Effect.timeoutOption(options.timeout),
      Effect.flatMap((response) =>
        Option.isNone(response)
          ? fail(new AskError.NoAnswer({ key, waited: Duration.toMillis(options.timeout) }))
          : response.value.error === undefined
          ? Effect.succeed(lift === undefined ? response.value.result : lift(response.value.result, params))
          : fail(refusal(key, method, response.value.error))
      )
    )
  }

  const answer = (
    key: string,
    address: string,
    question: Ask.Question<unknown>
  ): Effect.Effect<unknown, AskError.AskError> =>
    Effect.suspend(() => {
      const text = textOf(question)
      const earlier = texts.get(address)
      if (earlier !== undefined && earlier !== text) return fail(new AskError.KeyReused({ key }))
      texts.set(address, text)
      return share(results, address, send(key, question))
    })

  return {
    ask: (questions, address) =>
      Effect.suspend(() => {
        const refused = refuse(questions, asker, asker.revision.serverRequests)
        if (refused !== undefined) return Effect.fail(refused)
        return options.wait(Budget.hold(Effect.forEach(
          Object.entries(questions),
          ([key, question]) =>
            Effect.map(
              Effect.flatMap(answer(key, address(key), question), (result) => question.decode(key, result)),
              (decoded) => [key, decoded] as const
            ),
          { concurrency: "unbounded" }
        ))).pipe(Effect.map(Object.fromEntries))
      }),
    once: (address, step) => share(steps as Shared<JsonRpc.Json, any>, address, step)
  }
}

/** What is asked or done once, under whatever asked for it first. */
export type Shared<A, E> = Map<string, Deferred.Deferred<A, E>>

/** One run for all who want it at a time. Who waits for one that is interrupted takes over, and a failure is not kept. */
export const share = <A, E, R>(
  all: Shared<A, E>,
  address: string,
  run: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend((): Effect.Effect<A, E, R> => {
    const earlier = all.get(address)
    if (earlier !== undefined) {
      return Effect.flatMap(
        Effect.exit(Deferred.await(earlier)),
        (exit) => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? share(all, address, run) : exit
      )
    }
    const result = Deferred.makeUnsafe<A, E>()
    all.set(address, result)
    return Effect.onExit(run, (exit) => {
      if (Exit.isFailure(exit)) all.delete(address)
      return Deferred.done(result, exit)
    })
  })

/** How a client of these revisions says that its user rejected a sampling. */
const rejected = -1

export const refusal = (key: string, method: string, { code, message }: JsonRpc.ErrorObject): AskError.Reason =>
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
  /** What there is to go on with elsewhere, once the steps that have begun are through. */
  readonly leave: Effect.Effect<Recorded>
}

/** What was asked and done for a request so far. */
export interface Recorded {
  readonly answers: State["a"]
  readonly steps: State["s"]
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
    readonly pause: (result: McpSchema.InputRequiredResult) => Effect.Effect<never, AskError.AskError>
  }
): Rounds => {
  const { requestState } = options
  let state = start
  let responses: { readonly [key: string]: unknown } = {}
  // Beside what the state brought: of this run.
  const running: Shared<JsonRpc.Json, unknown> = new Map()
  const steps = new Map<string, JsonRpc.Json>()
  const asked = new Map<string, string>()

  const binding = Effect.map(Identity.CurrentIdentity, ({ issuer, subject, tenant }) => {
    const { _meta, inputResponses: _, requestState: __, ...params } = asker.params
    return canonicalJson.canonical({
      server: options.server,
      state: shape,
      method: asker.method,
      params,
      principal: subject === undefined ? null : [issuer ?? null, subject],
      ...(tenant === undefined ? undefined : { tenant })
    })
  })

  /** The client's answer to a question, out of an earlier round or out of this one. */
  const answered = (
    key: string,
    address: string,
    fingerprint: string
  ): Exit.Exit<JsonRpc.Json | undefined, AskError.AskError> => {
    const earlier = own(state.a, address)
    const expected = earlier?.[0] ?? own(state.q, address) ?? asked.get(address)
    if (expected !== undefined && expected !== fingerprint) {
      return Exit.fail(AskError.make(new AskError.KeyReused({ key })))
    }
    return Exit.succeed(earlier === undefined ? own(responses, address) as JsonRpc.Json | undefined : earlier[1])
  }

  /** What came with this request, whether or not this run has asked for it. */
  const answers = (): State["a"] => {
    const fresh = [...Object.entries(state.q), ...asked].flatMap(([address, fingerprint]) => {
      const response = own(responses, address)
      return response === undefined ? [] : [[address, [fingerprint, response as JsonRpc.Json] as const] as const]
    })
    return { ...Object.fromEntries(fresh), ...state.a }
  }

  // A step that has begun is not cut off by a question beside it, unless the question is its own.
  const begun = (within: ReadonlySet<string>) =>
    [...running].filter(([address]) => !steps.has(address) && !within.has(address))

  const recorded = (): Recorded => ({ answers: answers(), steps: { ...state.s, ...Object.fromEntries(steps) } })

  const pause = Effect.fnUntraced(function*(questions: ReadonlyArray<readonly [string, Ask.Question<unknown>]>) {
    if (state.n + 1 > requestState.maxRounds) {
      return yield* fail(new AskError.LimitReached({ limit: "rounds", maximum: requestState.maxRounds }))
    }
    const within = yield* Within
    const q = Object.fromEntries(questions.map(([address, question]) => [address, fingerprintOf(question)]))
    let sealed: string
    let kept: number
    // What stands beside the question gets to begin, too.
    yield* Effect.yieldNow
    do {
      for (const [, step] of begun(within)) yield* Effect.exit(Deferred.await(step))
      kept = steps.size
      const { answers: a, steps: s } = recorded()
      const next: State = { n: state.n + 1, q, a, s }
      sealed = yield* requestState.seal(next as unknown as JsonRpc.Json, yield* binding)
    } while (begun(within).length > 0 || steps.size > kept)
    return yield* options.pause({
      resultType: "input_required",
      inputRequests: Object.fromEntries(
        questions.map(([address, { method, params }]) => [
          address,
          { method, params: asker.revision.inputRequests[method]!.project(params) as JsonRpc.JsonObject }
        ])
      ),
      requestState: sealed
    })
  })

  return {
    leave: Effect.gen(function*() {
      const within = yield* Within
      while (begun(within).length > 0) {
        for (const [, step] of begun(within)) yield* Effect.exit(Deferred.await(step))
      }
      return recorded()
    }),
    open: ({ inputResponses, requestState: token }) =>
      Effect.gen(function*() {
        responses = inputResponses ?? {}
        const malformed = Object.keys(responses).find((key) => !JsonRpc.isObject(responses[key] as JsonRpc.Json))
        if (malformed !== undefined) {
          return yield* McpError.invalidParams(`inputResponses has ${JSON.stringify(malformed)}, which is no result.`)
        }
        if (token !== undefined) state = (yield* requestState.open(token, yield* binding)) as unknown as State
      }),
    ask: (questions, address) =>
      Effect.suspend(() => {
        const refused = refuse(questions, asker, asker.revision.inputRequests)
        if (refused !== undefined) return Effect.fail(refused)
        const decoded: Array<readonly [string, unknown]> = []
        const open: Array<readonly [string, Ask.Question<unknown>]> = []
        for (const [key, question] of Object.entries(questions)) {
          const at = address(key)
          const fingerprint = fingerprintOf(question)
          const found = answered(key, at, fingerprint)
          if (Exit.isFailure(found)) return Effect.failCause(found.cause)
          asked.set(at, fingerprint)
          if (found.value === undefined) {
            open.push([at, question])
            continue
          }
          const answer = question.decode(key, found.value)
          if (Exit.isFailure(answer)) return Effect.failCause(answer.cause)
          decoded.push([key, answer.value])
        }
        return open.length === 0 ? Effect.succeed(Object.fromEntries(decoded)) : pause(open)
      }),
    once: <E, R>(address: string, step: Effect.Effect<JsonRpc.Json, E, R>) =>
      Effect.suspend((): Effect.Effect<JsonRpc.Json, E, R> => {
        const earlier = own(state.s, address)
        if (earlier !== undefined) return Effect.succeed(earlier)
        const kept = Effect.tap(
          Effect.updateService(step, Within, (within) => new Set([...within, address])),
          (json) => Effect.sync(() => steps.set(address, json))
        )
        return share(running as Shared<JsonRpc.Json, E>, address, kept)
      })
  }
}

/** The steps that are being run, innermost last. */
export const Within: Context.Reference<ReadonlySet<string>> = Context.Reference<ReadonlySet<string>>(
  "fastmcp-effect/server/backChannel/Within",
  { defaultValue: () => new Set() }
)

// ----------------------------------------------------------------------------
// both
// ----------------------------------------------------------------------------

/** For requests whose revision gives them no way to ask. */
export const closed = (method: string): BackChannel => {
  const error = AskError.make(new AskError.Unavailable({ text: `${method} cannot ask the client.` }))
  return { ask: () => Effect.fail(error), once: (_address, step) => step }
}

const fail = (reason: AskError.Reason) => Effect.fail(AskError.make(reason))

/** What the client cannot be asked. */
export const refuse = (
  questions: Questions,
  { client, revision }: Asker,
  known: { readonly [method: string]: unknown }
): AskError.AskError | undefined => {
  for (const [key, { method, requires }] of Object.entries(questions)) {
    if (key === "__proto__") {
      return AskError.make(
        new AskError.InvalidQuestion({ key, text: "no client could answer under this key; choose another." })
      )
    }
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

export const fingerprintOf = (question: Ask.Question<unknown>): string => fingerprint.of(textOf(question))

export const own = <A>(record: { readonly [key: string]: A }, key: string): A | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined
