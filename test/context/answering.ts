/** Requests with a client that answers, in place of a server: as far as a handler can tell, both eras. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type Ask, AskError, RequestContext, type SessionState } from "fastmcp-effect/context"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"

type Request = RequestContext.RequestContext["Service"]

type Questions = { readonly [key: string]: Ask.Question<unknown> }

/** What the client's JSON is, or why it has none. */
export type Answers = { readonly [key: string]: unknown }

const noop = Effect.provide(RequestContext.RequestContext, RequestContext.layerNoop)

const provide = <A, E>(handler: Effect.Effect<A, E, RequestContext.RequestContext>, request: Partial<Request>) =>
  Effect.flatMap(noop, (base) => Effect.provideService(handler, RequestContext.RequestContext, { ...base, ...request }))

const decode = (questions: Questions, answers: Answers) =>
  Effect.all(
    Object.fromEntries(
      Object.entries(questions).map(([key, question]) => {
        const answer = answers[key]
        return [
          key,
          answer instanceof AskError.AskError ? Effect.fail(answer) : question.decode(key, answer)
        ] as const
      })
    )
  )

/** The handler runs once; `asked` gets the questions of each round. */
export const onConnection = <A, E>(
  handler: Effect.Effect<A, E, RequestContext.RequestContext>,
  answers: Answers,
  asked: Array<object> = []
): Effect.Effect<A, E> =>
  provide(handler, {
    ask: (questions) => {
      asked.push(questions)
      return decode(questions, answers)
    }
  })

/** The handler runs again for each round; what was kept crosses as text. */
export const inRounds = <A, E>(
  handler: Effect.Effect<A, E, RequestContext.RequestContext>,
  answers: Answers,
  asked: Array<object> = [],
  sealed: Map<string, string> = new Map()
): Effect.Effect<A, E> => {
  const paused = Symbol("paused")
  const known = new Set<string>()
  const request: Partial<Request> = {
    ask: (questions) => {
      const open = Object.keys(questions).filter((key) => !known.has(key))
      if (open.length === 0) return decode(questions, answers)
      asked.push(questions)
      open.forEach((key) => known.add(key))
      return Effect.die(paused)
    },
    once: (key, step) => {
      const kept = sealed.get(key)
      return kept === undefined
        ? Effect.tap(step, (json) => Effect.sync(() => sealed.set(key, JSON.stringify(json))))
        : Effect.succeed(JSON.parse(kept))
    }
  }
  const run: Effect.Effect<A, E> = Effect.flatMap(
    Effect.exit(provide(handler, request)),
    (exit) =>
      Exit.isFailure(exit) && exit.cause.reasons.some((reason) => reason._tag === "Die" && reason.defect === paused)
        ? run
        : exit
  )
  return run
}

/** A session's values, JSON as text. */
export const withSession = (kept: Map<string, string> = new Map()): Layer.Layer<RequestContext.RequestContext> => {
  const session: SessionState.Values = {
    get: (key) => {
      const text = kept.get(key)
      return text === undefined ? undefined : JSON.parse(text) as JsonRpc.Json
    },
    refresh: Effect.void,
    modify: (key, change) =>
      Effect.suspend(() => {
        const text = kept.get(key)
        return Effect.map(change(text === undefined ? undefined : JSON.parse(text)), ({ next, value }) => {
          if (next === undefined) kept.delete(key)
          else kept.set(key, JSON.stringify(next))
          return value
        })
      })
  }
  return Layer.effect(RequestContext.RequestContext, Effect.map(noop, (base) => ({ ...base, session })))
}

/** What `ClientLog` sends. */
export const logged = <A, E>(
  handler: Effect.Effect<A, E, RequestContext.RequestContext>
): Effect.Effect<ReadonlyArray<readonly [level: string, data: unknown]>, E> =>
  Effect.suspend(() => {
    const sent: Array<readonly [string, unknown]> = []
    return Effect.as(
      provide(handler, { log: (level, data) => Effect.sync(() => void sent.push([level, data])) }),
      sent
    )
  })

/** The error of a question or a handler, without its class. */
export const reasonOf = <A>(effect: Effect.Effect<A, AskError.AskError>): Effect.Effect<unknown, A> =>
  Effect.map(Effect.flip(effect), ({ reason }) => ({ ...reason }))
