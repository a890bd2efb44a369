/** What can be asked and wanted of the work that is there. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import type * as Docket from "./Docket.ts"
import * as DocketError from "./DocketError.ts"
import * as DocketRecords from "./DocketRecords.ts"
import type * as DocketTask from "./DocketTask.ts"
import * as Execution from "./Execution.ts"

export const make = (
  records: DocketRecords.DocketRecords["Service"]
): Pick<
  Docket.Docket["Service"],
  "cancel" | "get" | "payload" | "result" | "outcome" | "observe" | "events" | "list" | "retry"
> => {
  const { events, sealing, store, watching } = records

  const get = (id: string) => Effect.map(store.find(id), (found) => found?.execution)

  const change = Effect.fnUntraced(function*(id: string, transition: Execution.Transition) {
    const changed = yield* records.change(id, transition)
    if (changed._tag === "Gone") return yield* DocketError.make(new DocketError.NotFound({ id }))
    return changed
  })

  const observe = (id: string): Stream.Stream<Execution.Execution, DocketError.DocketError> =>
    Stream.unwrap(Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const hasChanged = Latch.makeUnsafe(false)
          return { hasChanged, watch: watching.watch(id, 0, () => hasChanged.openUnsafe()) }
        }),
        ({ watch }) => Effect.sync(() => watching.unwatch(id, watch))
      ),
      ({ hasChanged, watch }) => {
        let before: Execution.Execution | undefined
        const next: Effect.Effect<Execution.Execution, DocketError.DocketError> = Effect.gen(function*() {
          while (true) {
            hasChanged.closeUnsafe()
            const execution = yield* get(id)
            if (execution === undefined) return yield* DocketError.make(new DocketError.NotFound({ id }))
            watch.seen = execution.generation
            if (execution.generation !== before?.generation) return before = execution
            yield* hasChanged.await
          }
        })
        return Stream.takeUntil(Stream.fromEffectRepeat(next), Execution.isFinished)
      }
    ))

  const readPart = (
    execution: Execution.Execution,
    schema: DocketTask.Codec,
    text: string,
    part: "payload" | "result" | "error"
  ) =>
    Effect.mapError(sealing.read(schema, text, part, execution), (problem) =>
      DocketError.make(
        new DocketError.Unreadable({
          id: execution.id,
          issue: problem._tag === "Invalid" ? problem.issue : "It is too large."
        })
      ))

  const resultOf = Effect.fnUntraced(function*(task: DocketTask.Any, execution: Execution.Execution) {
    const { cancelRequested, error, failure, id, result, status } = execution
    const read = (schema: DocketTask.Codec, text: string, part: "result" | "error") =>
      readPart(execution, schema, text, part)
    if (status === "Succeeded") return yield* read(task.success, result!, "result")
    if (status === "Cancelled") {
      return yield* DocketError.make(
        new DocketError.ExecutionCancelled({ id, reason: cancelRequested ?? noReason })
      )
    }
    if (error !== undefined) {
      return yield* Effect.flatMap(read(task.error, error, "error"), (error) => Effect.fail(error))
    }
    return yield* DocketError.make(new DocketError.ExecutionFailed({ id, failure: failure! }))
  })

  return {
    get,
    payload: Effect.fnUntraced(function*(task, id) {
      const execution = yield* get(id)
      if (execution === undefined) return yield* DocketError.make(new DocketError.NotFound({ id }))
      return yield* readPart(execution, task.payload, execution.payload, "payload")
    }),
    observe,
    cancel: Effect.fnUntraced(function*(id, reason = noReason) {
      const { keepMillis = DocketRecords.keepMillis(undefined, false) } = (yield* get(id)) ?? {}
      const now = yield* Clock.currentTimeMillis
      const changed = yield* change(id, { _tag: "Cancel", reason, now, keepMillis })
      return changed._tag === "Changed" || changed.refusal === "NotApplicable"
    }),
    result: (task, id) =>
      Effect.flatMap(
        Stream.runLast(observe(id)),
        (last) => Effect.flatMap(Effect.orDie(Effect.fromOption(last)), (execution) => resultOf(task, execution))
      ),
    outcome: resultOf,
    events: Stream.fromPubSub(events),
    list: ({ limit = 100, ...query } = {}) => store.list({ ...query, limit }),
    retry: (id) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => Effect.map(change(id, { _tag: "Retry", now }), (changed) => changed._tag === "Changed")
      )
  }
}

const noReason = "No reason was given."
