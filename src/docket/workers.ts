/** Which workers there are: each keeps a note of itself, and one whose note is old has gone. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Crew from "./crew.ts"
import type * as DocketStore from "./DocketStore.ts"

const kind = "worker"

/** @category models @since 0.1.0 */
export const Worker = Schema.Struct({
  id: Schema.String,
  tasks: Schema.Array(Schema.String),
  concurrency: Schema.Int,
  /** Executions it runs. */
  running: Schema.Int,
  /** Epoch milliseconds by its own clock. */
  startedAt: Schema.Int,
  /** At its start, and once a minute. */
  seenAt: Schema.Int
})

/** @category models @since 0.1.0 */
export type Worker = typeof Worker.Type

const json = Schema.fromJsonString(Worker)
const encode = Schema.encodeEffect(json)
const decode = Schema.decodeEffect(json)

/** From now until the scope closes; a note that cannot be written now is written with the next beat. */
export const register = <R>(crew: Crew.Crew<R>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.ignore(report(crew)),
    () => Effect.ignore(Effect.timeout(crew.records.store.withdraw({ kind, id: crew.name }), "1 second"))
  ))

export const report = Effect.fnUntraced(function*<R>(crew: Crew.Crew<R>) {
  const { handlers, name, records, running, settings, startedAt } = crew
  const data = yield* Effect.orDie(encode({
    id: name,
    tasks: [...handlers.keys()],
    concurrency: settings.concurrency,
    running: running.size,
    startedAt,
    seenAt: yield* Clock.currentTimeMillis
  }))
  yield* records.store.note({ kind, id: name, data })
})

/** Those that have been seen of late. */
export const present = Effect.fnUntraced(function*(store: DocketStore.DocketStore["Service"]) {
  const now = yield* Clock.currentTimeMillis
  const found = yield* Effect.forEach(
    yield* store.notes(kind),
    ({ data }) => Effect.catch(decode(data), () => Effect.undefined)
  )
  return found.filter((worker) => worker !== undefined && now - worker.seenAt < gone) as ReadonlyArray<
    Worker
  >
})

/** Withdraws the notes of workers that have long gone. */
export const forget = Effect.fnUntraced(function*(store: DocketStore.DocketStore["Service"]) {
  const now = yield* Clock.currentTimeMillis
  for (const { data, id } of yield* store.notes(kind)) {
    const worker = yield* Effect.catch(decode(data), () => Effect.undefined)
    if (worker === undefined || now - worker.seenAt > forgetting) yield* store.withdraw({ kind, id })
  }
})

const gone = 150_000

/** Long after any clock's error. */
const forgetting = 3_600_000
