/**
 * Does the work: answers the rings of the engine, starts what the records say is to be started, and writes how it ended.
 *
 * A ring is not a run. Answering one is to look at the record, to claim it, and to hand it to a fiber of the worker; the
 * fiber goes on when the worker stops answering, so a stop lets the work that was begun end, and gives the rest back.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Persistently from "../storage/Persistently.ts"
import * as answering from "./answering.ts"
import type * as Crew from "./crew.ts"
import type * as DocketError from "./DocketError.ts"
import * as DocketRecords from "./DocketRecords.ts"
import type * as DocketTask from "./DocketTask.ts"
import * as running from "./running.ts"
import * as schedules from "./schedules.ts"
import * as Slots from "./slots.ts"
import * as strikes from "./strikes.ts"
import * as sweeping from "./sweeping.ts"
import * as workers from "./workers.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /**
   * Handlers that run at a time; how those before them ended may still be being written. Where they take less than 50
   * milliseconds, as many may be claimed ahead, and are given back when they have waited for 200. 10.
   */
  readonly concurrency?: number | undefined
  /**
   * How long nobody else starts what this worker runs, should it disappear; it is renewed after each third of it. As the
   * engine has it.
   */
  readonly lease?: Duration.Input | undefined
  /** When it stops, how long it lets runs go on before it interrupts them and gives them back. 30 seconds. */
  readonly drain?: Duration.Input | undefined
  /** How often a worker may disappear with an execution before that is its end. 10. */
  readonly maxLapses?: number | undefined
  /** How often it looks for leases that are over and rings that were lost. 15 seconds. */
  readonly sweepInterval?: Duration.Input | undefined
}

/** Works until the scope closes. Dies when two handlers have tasks of one name. @category constructors @since 0.1.0 */
export const make = <R>(
  handlers: ReadonlyArray<DocketTask.Handled<R>>,
  options: Options = {}
): Effect.Effect<void, never, DocketRecords.DocketRecords | R | Scope.Scope> =>
  Effect.gen(function*() {
    const records = yield* DocketRecords.DocketRecords
    const { engine, store } = records
    const context = yield* Effect.context<R>()
    const clock = yield* Clock.Clock
    const crew: Crew.Crew<R> = {
      name: yield* records.newId,
      startedAt: clock.currentTimeMillisUnsafe(),
      clock,
      settings: {
        concurrency: options.concurrency ?? 10,
        leaseMillis: Duration.toMillis(Duration.fromInputUnsafe(options.lease ?? engine.lease)),
        drain: Duration.fromInputUnsafe(options.drain ?? "30 seconds"),
        maxLapses: options.maxLapses ?? 10,
        sweepMillis: Duration.toMillis(Duration.fromInputUnsafe(options.sweepInterval ?? "15 seconds"))
      },
      records,
      handlers: handlersByName(handlers),
      running: new Set(),
      pace: new Slots.Pace()
    }
    const { drain, leaseMillis, sweepMillis } = crew.settings
    const struck = strikes.make(store, records.sealing, clock)
    const answers = answering.make(crew, struck)
    const { perform } = yield* running.make(crew, context)
    const planted = schedules.make(store, records.add)

    const every = (name: string, millis: number, effect: Effect.Effect<void, DocketError.DocketError>) =>
      Effect.forkScoped(Persistently.run(name, () =>
        Effect.flatMap(Random.next, (share) =>
          // Not all workers at once.
          Effect.andThen(Effect.sleep(Duration.millis(Math.ceil(millis * (0.75 + share / 4)))), effect))))

    yield* workers.register(crew)
    yield* every("renewing of leases", leaseMillis / 3, sweeping.renew(crew))
    yield* every("tending of a docket", tendMillis, sweeping.tend(crew, struck, planted))

    const runs = yield* FiberSet.make<void>()
    let turns = 0
    const slots = new Slots.Slots(crew.settings.concurrency)
    /** Runs whose handlers have ended, and that others have started in the places of. */
    let ended = 0
    /** In its place, or ahead of it; the run leaves that, for it goes on when the answer does not. */
    const start = (
      id: string,
      release: Effect.Effect<void>,
      place: Slots.Place
    ): Effect.Effect<Fiber.Fiber<void> | undefined> =>
      Effect.suspend(() => {
        let isEnded = false
        const onHandled = Effect.suspend(() => {
          if (ended === crew.settings.concurrency) return Effect.void
          ended++
          isEnded = true
          place.leave()
          return release
        })
        const onWritten = Effect.sync(() => {
          if (isEnded) ended--
          place.leave()
        })
        return Effect.onError(
          Effect.flatMap(answers.answer(id, `${crew.name}/${++turns}`), (claimed) => {
            if (claimed === undefined) {
              place.leave()
              return Effect.undefined
            }
            return FiberSet.run(runs, Effect.ensuring(perform(claimed, place, onHandled), onWritten))
          }),
          () => Effect.sync(() => place.leave())
        )
      })
    const startIfFree = (id: string): Effect.Effect<unknown> =>
      Effect.uninterruptible(Effect.suspend(() => {
        const place = new Slots.Place(slots)
        return place.enterIfFree() ? start(id, Effect.void, place) : Effect.undefined
      }))
    const answer = (id: string, release: Effect.Effect<void>): Effect.Effect<void> =>
      Effect.flatMap(
        Effect.uninterruptibleMask((restore) => {
          const place = new Slots.Place(slots)
          return place.enterIfFree() || crew.pace.isShort()
            ? start(id, release, place)
            : Effect.andThen(
              // What is taken and cannot be begun rings elsewhere.
              Effect.onInterrupt(
                Effect.timeoutOrElse(restore(entered(place)), {
                  duration: Duration.millis(Slots.patience),
                  orElse: () => Effect.interrupt
                }),
                () => Effect.sync(() => place.leave())
              ),
              start(id, release, place)
            )
        }),
        (fiber) => fiber === undefined ? Effect.void : Effect.asVoid(Fiber.await(fiber))
      )

    // Finalizers run from the last: no more rings are answered, then runs may end, then they are given back.
    yield* Effect.addFinalizer(() => {
      for (const run of crew.running) run.end("Stopped")
      return Effect.ignore(Effect.timeout(FiberSet.awaitEmpty(runs), patience))
    })
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(FiberSet.awaitEmpty(runs), drain)))
    yield* every("sweep of a worker", sweepMillis, sweeping.sweep(crew, startIfFree))
    const { concurrency } = crew.settings
    yield* Effect.forkScoped(engine.consume(answer, {
      concurrency,
      ahead: () => crew.pace.isShort() ? concurrency : 0
    }))
  })

const entered = (place: Slots.Place) =>
  Effect.callback<void>((resume) => {
    const forgo = place.enter(() => resume(Effect.void))
    return Effect.sync(forgo)
  })

/** Between the looks for what only mistakes and disappearances leave behind. */
const tendMillis = 60_000

/** For giving back to a store that may be down. */
const patience = Duration.seconds(10)

const handlersByName = <R>(
  handlers: ReadonlyArray<DocketTask.Handled<R>>
): ReadonlyMap<string, DocketTask.Handled<R>> => {
  const byName = new Map(handlers.map((handled) => [handled.task.name, handled]))
  if (byName.size < handlers.length) throw new Error("Two handlers of a worker have tasks of one name.")
  return byName
}
