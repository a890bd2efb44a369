/** What the runs of an execution keep for those after them, and who waits in between. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Crew from "./crew.ts"
import type * as Docket from "./Docket.ts"
import * as DocketError from "./DocketError.ts"
import type * as DocketRecords from "./DocketRecords.ts"
import type * as DocketTask from "./DocketTask.ts"
import type * as Execution from "./Execution.ts"

/** As it is kept, and undefined for what has kept nothing. */
export const read = (
  { sealing }: DocketRecords.DocketRecords["Service"],
  execution: Execution.Execution
): Effect.Effect<Schema.Json | undefined, DocketError.DocketError> =>
  execution.data === undefined ? Effect.undefined : Effect.mapError(
    sealing.read(Schema.Json, execution.data, "data", execution),
    (problem) =>
      DocketError.make(
        new DocketError.Unreadable({
          id: execution.id,
          issue: problem._tag === "Invalid" ? problem.issue : "It is too large."
        })
      )
  ) as Effect.Effect<Schema.Json, DocketError.DocketError>

export const write = (
  { sealing }: DocketRecords.DocketRecords["Service"],
  execution: Pick<Execution.Execution, "id" | "schedule" | "task">,
  data: Schema.Json
): Effect.Effect<string, DocketError.DocketError> =>
  Effect.mapError(
    sealing.write(Schema.Json, data, "data", execution),
    (problem) =>
      DocketError.make(
        problem._tag === "TooLarge"
          ? new DocketError.DataTooLarge({ id: execution.id, bytes: problem.bytes, maximum: problem.maximum })
          : new DocketError.InvalidPayload({ task: execution.task, issue: problem.issue })
      )
  )

/** What a run can do with it. `put` writes a transition of its holder, and says whether it still is that. */
export const ofRun = (
  records: DocketRecords.DocketRecords["Service"],
  run: Crew.Run,
  options: {
    readonly put: (transition: Execution.Transition) => Effect.Effect<boolean, DocketError.DocketError>
    readonly end: (why: Crew.Ending) => void
  }
): Pick<DocketTask.Run, "data" | "save" | "wait"> => ({
  data: Effect.suspend(() => read(records, run.execution)),
  save: (value) =>
    Effect.gen(function*() {
      const data = yield* write(records, run.execution, value)
      if (yield* options.put({ _tag: "Save", holder: run.holder, data })) return
      // It is somebody else's by now, and what goes on here has no say.
      options.end("Lost")
      return yield* Effect.never
    }),
  wait: (value, until) =>
    Effect.gen(function*() {
      const data = yield* write(records, run.execution, value)
      options.end({ _tag: "Waits", data, until: until.getTime() })
      return yield* Effect.never
    })
})

export const make = (
  records: DocketRecords.DocketRecords["Service"]
): Pick<Docket.Docket["Service"], "data" | "amend"> => ({
  data: (execution) => read(records, execution),
  amend: Effect.fnUntraced(function*(id, change) {
    while (true) {
      const found = yield* records.store.find(id)
      if (found === undefined) return undefined
      const { execution } = found
      if (execution.status !== "Scheduled") return execution
      const amendment = change(yield* read(records, execution))
      if (amendment === undefined) return execution
      const changed = yield* records.changeOnly(execution, {
        _tag: "Amend",
        data: yield* write(records, execution, amendment.data),
        isReady: amendment.isReady
      })
      if (changed !== undefined) return changed
    }
  })
})
