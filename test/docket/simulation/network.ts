/** What lies between a process and the store or the engine: calls take their time, and some have no answer. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as DocketError from "../../../src/docket/DocketError.ts"
import type { Random } from "./random.ts"
import type { Process, World } from "./world.ts"

export interface Faults {
  /** Of a call that nobody receives, and of one whose answer is lost. */
  readonly lost: number
}

export interface Network {
  /** Calm, or with these faults. */
  readonly have: (faults: Faults) => void
  /** Nobody receives anything until then. */
  readonly fail: (until: number) => void
  /** Whether a call may have been lost within the time before now. */
  readonly wasLossy: (millis: number) => boolean
  /** Done elsewhere, whatever becomes of the process meanwhile. */
  readonly call: <A>(
    process: Process,
    effect: Effect.Effect<A, DocketError.DocketError>
  ) => Effect.Effect<A, DocketError.DocketError>
  /** A message nobody answers, which arrives. */
  readonly send: (action: () => void) => void
}

export const make = (world: World, random: Random): Network => {
  let faults: Faults = { lost: 0 }
  let outage = 0
  const delay = () => (random.chance(0.02) ? random.between(50, 500) : random.between(0, 8))
  const lost = () => world.now() < outage || (faults.lost > 0 && random.chance(faults.lost))
  const unavailable = Exit.fail(DocketError.make(new DocketError.Unavailable({ part: "store or engine" })))

  return {
    have: (next) => {
      faults = next
    },
    fail: (until) => {
      outage = until
    },
    wasLossy: (millis) => faults.lost > 0 || outage > world.now() - millis,
    call: (process, effect) =>
      Effect.callback((resume) => {
        let isAwaited = true
        const reply = (exit: typeof effect) =>
          world.at(world.now() + delay(), () => process.post(() => isAwaited && resume(exit)))
        if (lost()) {
          reply(unavailable)
        } else {
          world.at(world.now() + delay(), () => {
            Effect.runForkWith(Context.empty())(effect).addObserver((exit) => {
              reply(lost() ? unavailable : exit)
            })
          })
        }
        return Effect.sync(() => {
          isAwaited = false
        })
      }),
    send: (action) => {
      world.at(world.now() + delay(), action)
    }
  }
}
