/** What the tests of the docket share: tasks, and a docket in memory with a worker. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketError from "../../src/docket/DocketError.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import type * as Worker from "../../src/docket/Worker.ts"

/** A worker with these handlers, on a docket in memory. */
export const withWorker = (
  handlers: ReadonlyArray<DocketTask.Handled<never>>,
  options?: Worker.Options & Docket.Options
) => Effect.provide(Layer.provideMerge(Docket.layerWorker(handlers, options), Docket.layerMemory(options)))

export const double = DocketTask.make("double", { payload: Schema.Int, success: Schema.Int })

export const doubled = DocketTask.handle(double, (n) => Effect.succeed(2 * n))

/** When each payload was started, in order. */
export const starts = Effect.map(Ref.make<ReadonlyArray<readonly [string, number]>>([]), (ref) => ({
  all: Ref.get(ref),
  payloads: Effect.map(Ref.get(ref), (all) => all.map(([payload]) => payload)),
  note: (payload: string) =>
    Effect.clockWith((clock) =>
      Effect.flatMap(clock.currentTimeMillis, (now) => Ref.update(ref, (all) => [...all, [payload, now] as const]))
    )
}))

export const reasonOf = <A, E>(exit: Exit.Exit<A, E>): DocketError.Reason["_tag"] | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const [reason] = exit.cause.reasons
  return reason?._tag === "Fail" && reason.error instanceof DocketError.DocketError
    ? reason.error.reason._tag
    : undefined
}
