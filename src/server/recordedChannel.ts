/**
 * The way to the client of a handler that works for no connection: what was answered and done stands in a record, which
 * outlives the process. A question without an answer ends the run; when it is answered the handler runs again from its
 * start, as it does from round to round (`backChannel.ts`). A step is in the record before the handler goes on.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Ask from "../context/Ask.ts"
import * as AskError from "../context/AskError.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import * as backChannel from "./backChannel.ts"
import type * as Extension from "./Extension.ts"

export const make = (asker: backChannel.Asker, record: Extension.Record): backChannel.BackChannel => {
  const known = asker.revision.era === "Stateful" ? asker.revision.serverRequests : asker.revision.inputRequests
  const running: backChannel.Shared<JsonRpc.Json, unknown> = new Map()
  const steps = new Map<string, JsonRpc.Json>()
  const asked = new Map<string, string>()
  const open = new Map<string, Extension.RecordedQuestion>()
  let isBeyond = false
  let isPausing = false

  const resultOf = (
    key: string,
    question: Ask.Question<unknown>,
    answer: Extension.RecordedAnswer
  ): Exit.Exit<unknown, AskError.AskError> =>
    answer.error === undefined
      ? question.decode(key, answer.result)
      : Exit.fail(AskError.make(backChannel.refusal(key, question.method, answer.error)))

  /** All that stands open by then is asked together; whoever asks after the first waits for the end of the run. */
  const pause = Effect.fnUntraced(function*() {
    if (isPausing) return yield* Effect.never
    isPausing = true
    const within = yield* backChannel.Within
    const begun = () => [...running].filter(([address]) => !steps.has(address) && !within.has(address))
    // What stands beside the question gets to begin, too, and a step that has begun is not cut off.
    yield* Effect.yieldNow
    while (begun().length > 0) {
      for (const [, step] of begun()) yield* Effect.exit(Deferred.await(step))
    }
    return yield* record.wait(Object.fromEntries(open))
  })

  return {
    ask: (questions, address) =>
      Effect.suspend(() => {
        const refused = backChannel.refuse(questions, asker, known)
        if (refused !== undefined) return Effect.fail(refused)
        const decoded: Array<readonly [string, unknown]> = []
        let isNew = false
        for (const [key, question] of Object.entries(questions)) {
          const at = address(key)
          const fingerprint = backChannel.fingerprintOf(question)
          const answer = backChannel.own(record.answers, at)
          const expected = answer?.fingerprint ?? asked.get(at)
          if (expected !== undefined && expected !== fingerprint) {
            return Effect.fail(AskError.make(new AskError.KeyReused({ key })))
          }
          asked.set(at, fingerprint)
          if (answer === undefined) {
            open.set(at, { fingerprint, method: question.method, params: question.params })
            isNew = true
            continue
          }
          const result = resultOf(key, question, answer)
          if (Exit.isFailure(result)) return Effect.failCause(result.cause)
          decoded.push([key, result.value])
        }
        if (isNew) return pause()
        const answers = Object.fromEntries(decoded)
        if (isBeyond || !Object.keys(questions).some((key) => record.isFresh(address(key)))) {
          return Effect.succeed(answers)
        }
        // From here the handler may do what it has not done before.
        isBeyond = true
        return Effect.as(record.beyond, answers)
      }),
    once: <E, R>(address: string, step: Effect.Effect<JsonRpc.Json, E, R>) =>
      Effect.suspend((): Effect.Effect<JsonRpc.Json, E | AskError.AskError, R> => {
        const earlier = backChannel.own(record.steps, address)
        if (earlier !== undefined) return Effect.succeed(earlier)
        const kept = Effect.updateService(
          step,
          backChannel.Within,
          (within) => new Set([...within, address])
        ).pipe(
          // A step that failed has ended, and may be run again.
          Effect.tapError(() => record.failed(address)),
          Effect.tap((json) => record.keep(address, json)),
          Effect.tap((json) => Effect.sync(() => steps.set(address, json)))
        )
        return backChannel.share(
          running as backChannel.Shared<JsonRpc.Json, E | AskError.AskError>,
          address,
          Effect.andThen(record.begin(address), kept)
        )
      })
  }
}
