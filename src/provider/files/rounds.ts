/** Looks at a folder again whenever something in it may have changed, and from time to time all the same. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as GuardedFiles from "../GuardedFiles.ts"

/** Whether everything is due, or only what somebody waits for. */
export type Due = "rung" | "all"

export interface Round {
  readonly due: Due
  /** What to watch from now on. */
  readonly keep: (listing: GuardedFiles.Listing) => Effect.Effect<void>
}

export interface Options {
  readonly folder: GuardedFiles.Folder
  readonly poll: Duration.Input
  /** Says in how many milliseconds the next one is due, if that is sooner. */
  readonly round: (round: Round) => Effect.Effect<number | undefined | void, unknown>
}

/** Several changes at once, as of an editor that saves, are one. */
const pause = Duration.millis(50)

/** Runs until it is interrupted. A round that fails changes nothing; the log says so, once until one succeeds. */
export const run = ({ folder, poll, round }: Options) =>
  Effect.scoped(Effect.gen(function*() {
    const bell = yield* Queue.sliding<void>(1)
    const watcher = yield* folder.watch(() => void Queue.offerUnsafe(bell, undefined))
    const keep: Round["keep"] = ({ folders }) => watcher.keep(folders)
    const every = Math.max(Duration.toMillis(Duration.fromInputUnsafe(poll)), Duration.toMillis(pause))
    let last = yield* Clock.currentTimeMillis
    let isFailing = false
    const perform = (due: Due) =>
      Effect.matchCauseEffect(round({ due, keep }), {
        onFailure: (cause) => {
          if (isFailing) return Effect.undefined
          isFailing = true
          return Effect.as(
            Effect.logError(`The folder ${folder.path} cannot be looked at; what was found last is served`, cause),
            undefined
          )
        },
        onSuccess: (soon) => {
          isFailing = false
          return Effect.succeed(soon ?? undefined)
        }
      })
    let soon = yield* perform("rung")
    while (true) {
      const left = Math.max(last + every - (yield* Clock.currentTimeMillis), 0)
      const rung = yield* Effect.timeoutOption(Queue.take(bell), Duration.millis(Math.min(left, soon ?? left)))
      if (rung._tag === "Some") {
        yield* Effect.sleep(pause)
        yield* Queue.clear(bell)
      }
      const now = yield* Clock.currentTimeMillis
      const isDue = now - last >= every
      if (isDue) last = now
      soon = yield* perform(isDue ? "all" : "rung")
    }
  }))
