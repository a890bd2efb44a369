/**
 * The executions of a docket, as those who add them and those who run them see them: each change is decided by
 * `Execution.apply`, written over the generation it was made from, rung for if it is to start again, and told.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as DocketEngine from "./DocketEngine.ts"
import type * as DocketError from "./DocketError.ts"
import type * as DocketEvent from "./DocketEvent.ts"
import * as DocketMetrics from "./DocketMetrics.ts"
import * as DocketStore from "./DocketStore.ts"
import type * as DocketTask from "./DocketTask.ts"
import * as Execution from "./Execution.ts"
import type * as Sealing from "./sealing.ts"
import * as Watching from "./watching.ts"

/** What became of a change that was wanted. @category models @since 0.1.0 */
export type Changed =
  | { readonly _tag: "Changed"; readonly execution: Execution.Execution }
  | { readonly _tag: "Refused"; readonly refusal: Execution.Refusal; readonly execution: Execution.Execution }
  | { readonly _tag: "Gone" }

/** @category services @since 0.1.0 */
export class DocketRecords extends Context.Service<DocketRecords, {
  readonly store: DocketStore.DocketStore["Service"]
  readonly engine: DocketEngine.DocketEngine["Service"]
  readonly sealing: Sealing.Sealing
  readonly watching: Watching.Watching
  readonly events: PubSub.PubSub<DocketEvent.DocketEvent>
  /** How long it may take until a change of another process is seen. */
  readonly pollInterval: Duration.Duration
  /** Keeps it and rings for it, unless there is one of this id; that is then the answer. */
  readonly add: (
    execution: Execution.Execution
  ) => Effect.Effect<Execution.Execution | undefined, DocketError.DocketError>
  /**
   * Changes the execution as it is then, again when somebody else was faster. `known` is what the caller believes it to
   * be, and saves a look.
   */
  readonly change: (
    id: string,
    transition: Execution.Transition,
    known?: Execution.Execution
  ) => Effect.Effect<Changed, DocketError.DocketError>
  /** Changes it only as it is known: undefined when it is otherwise by now, or the transition is refused. */
  readonly changeOnly: (
    known: Execution.Execution,
    transition: Execution.Transition
  ) => Effect.Effect<Execution.Execution | undefined, DocketError.DocketError>
  /** Rings for it when it is due; with `again` once, however often it is asked for the same reason. */
  readonly ring: (
    execution: Execution.Execution,
    again?: { readonly why: string; readonly at: number }
  ) => Effect.Effect<void, DocketError.DocketError>
  /** Nobody can guess it: 128 bits of it are random. Later ones come later in order. */
  readonly newId: Effect.Effect<string>
  readonly publish: (tag: DocketEvent.DocketEvent["_tag"], execution: Execution.Execution) => void
}>()("fastmcp-effect/docket/DocketRecords") {}

/** @category models @since 0.1.0 */
export interface Options {
  readonly store: DocketStore.DocketStore["Service"]
  readonly engine: DocketEngine.DocketEngine["Service"]
  readonly sealing: Sealing.Sealing
  readonly pollInterval: Duration.Duration
  readonly newId: Effect.Effect<string>
  /** Before an execution ends: the schedule it is a run of plans the next one. */
  readonly beforeEnd: (execution: Execution.Execution) => Effect.Effect<void, DocketError.DocketError>
}

/** @category constructors @since 0.1.0 */
export const make = (options: Options): Effect.Effect<DocketRecords["Service"], never, Scope.Scope> =>
  Effect.gen(function*() {
    const { beforeEnd, engine, newId, pollInterval, sealing, store } = options
    const watching = yield* Watching.make(store, pollInterval)
    const events = yield* PubSub.sliding<DocketEvent.DocketEvent>(1024)

    const mark = yield* newId
    let rings = 0
    const context = yield* Effect.context<never>()
    const count = DocketMetrics.makeCounter(context)

    const publish: DocketRecords["Service"]["publish"] = (_tag, execution) => {
      count(execution.task, _tag)
      watching.changed(execution.id, execution.generation)
      const { data: _data, error: _error, payload: _payload, result: _result, ...told } = execution
      PubSub.publishUnsafe(events, { _tag, execution: told })
    }

    const ringOf = (
      { createdAt, dueAt, generation, id, priority }: Execution.Execution,
      again?: { readonly why: string; readonly at: number }
    ): DocketEngine.Ring => ({
      id,
      // An id that was forgotten may come again, from its first generation.
      ring: again === undefined ? `${id}#${mark}.${++rings}` : `${id}#${createdAt}.${generation}~${again.why}`,
      at: again?.at ?? (Execution.isDue({ createdAt, dueAt }, -Infinity) ? 0 : dueAt),
      priority
    })

    const ring: DocketRecords["Service"]["ring"] = (execution, again) =>
      Effect.suspend(() => engine.ring(ringOf(execution, again)))

    const { ringAll } = engine
    const addAndRing = yield* DocketStore.makeAdder(store, {
      one: (execution) => ring(execution),
      many: (executions) =>
        ringAll === undefined
          ? Effect.forEach(executions, (execution) => ring(execution), { discard: true })
          : Effect.suspend(() => ringAll(executions.map((execution) => ringOf(execution))))
    })

    const add: DocketRecords["Service"]["add"] = (execution) =>
      Effect.map(addAndRing(execution), (there) => {
        if (there === undefined) publish("Add", execution)
        return there
      })

    const write = (
      changed: Execution.Execution,
      isLapse: boolean
    ): Effect.Effect<boolean, DocketError.DocketError> => {
      const change = store.change(changed, { isLeaseOver: isLapse })
      return changed.status === "Scheduled" && changed.isHeld !== true
        ? store.transaction(Effect.tap(change, (isChanged) => isChanged ? ring(changed) : Effect.void))
        : change
    }

    const writeAndTell = (
      before: Execution.Execution,
      transition: Execution.Transition,
      after: Execution.Execution
    ): Effect.Effect<boolean, DocketError.DocketError> => {
      const written = Effect.map(write(after, transition._tag === "Lapse"), (isWritten) => {
        if (isWritten) publish(transition._tag, after)
        return isWritten
      })
      return before.schedule !== undefined && Execution.isFinished(after)
        ? Effect.andThen(beforeEnd(before), written)
        : written
    }

    const changeOnly: DocketRecords["Service"]["changeOnly"] = (known, transition) =>
      Effect.suspend(() => {
        const result = Execution.apply(known, transition)
        return Result.isFailure(result)
          ? Effect.undefined
          : Effect.map(
            writeAndTell(known, transition, result.success),
            (isWritten) => isWritten ? result.success : undefined
          )
      })

    const changeFound = Effect.fnUntraced(function*(id: string, transition: Execution.Transition) {
      while (true) {
        const found = yield* store.find(id)
        if (found === undefined) return { _tag: "Gone" } as const
        const { execution } = found
        const result = Execution.apply(execution, transition)
        if (Result.isFailure(result)) return { _tag: "Refused", refusal: result.failure, execution } as const
        if (yield* writeAndTell(execution, transition, result.success)) {
          return { _tag: "Changed", execution: result.success } as const
        }
      }
    })

    const change: DocketRecords["Service"]["change"] = (id, transition, known) =>
      known === undefined ? changeFound(id, transition) : Effect.flatMap(
        changeOnly(known, transition),
        // What was only believed may be otherwise.
        (execution): Effect.Effect<Changed, DocketError.DocketError> =>
          execution === undefined ? changeFound(id, transition) : Effect.succeed({ _tag: "Changed", execution })
      )

    return { store, engine, sealing, watching, events, pollInterval, newId, add, change, changeOnly, ring, publish }
  })

/** How long it is kept when it has ended. @category accessors @since 0.1.0 */
export const keepMillis = (task: DocketTask.Any | undefined, isFailure: boolean): number => {
  const { keep = defaults.keep, keepFailed = defaults.keepFailed } = task?.options ?? {}
  return Math.min(Duration.toMillis(isFailure ? keepFailed : keep), forEver)
}

const defaults = { keep: Duration.days(1), keepFailed: Duration.days(30) }

/** As integers of a database have it: three thousand years. */
const forEver = 1e14
