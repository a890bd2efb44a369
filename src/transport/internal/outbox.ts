/**
 * Frames on their way out of one connection. Writers never wait; the reader side asks `congested` before it takes in
 * more, and one fiber takes everything that has gathered as one batch.
 */
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Scheduler from "effect/Scheduler"

/** All that had gathered, oldest first. */
export type Batch = Arr.NonEmptyReadonlyArray<string>

export interface Outbox {
  readonly write: (frame: string) => void
  /** Holds frames back until `uncork`, so that the replies of one chunk leave together. */
  readonly cork: () => void
  readonly uncork: () => void
  readonly congested: () => boolean
  readonly drained: Effect.Effect<void>
  /** All that has gathered; waits for the first. `undefined` after `end`. */
  readonly take: Effect.Effect<Batch | undefined>
  /** No frame after this one. */
  readonly end: () => void
}

/** So many frames leave before the turn is over: whoever reads them works while the rest is being made. */
const early = 32

export const make = (options: { readonly highWaterMark: number }): Outbox => {
  let frames: Array<string> = []
  let size = 0
  let corked = false
  let ended = false
  let taker: ((effect: Effect.Effect<Batch | undefined>) => void) | undefined
  let dispatcher: Scheduler.SchedulerDispatcher | undefined
  let isScheduled = false
  let drainers: Array<() => void> = []

  const congested = () => size > options.highWaterMark

  const collect = (): Batch | undefined => {
    if (frames.length === 0) return undefined
    const batch = frames as unknown as Batch
    frames = []
    size = 0
    if (drainers.length > 0) {
      const resumed = drainers
      drainers = []
      for (const resume of resumed) resume()
    }
    return batch
  }

  const wake = (effect: Effect.Effect<Batch | undefined>) => {
    const resume = taker
    taker = undefined
    resume?.(effect)
  }

  const flush = () => {
    isScheduled = false
    if (frames.length > 0 && !corked) wake(Effect.sync(collect))
  }

  return {
    write: (frame) => {
      if (ended) return
      frames.push(frame)
      size += frame.length + 1
      if (taker === undefined || corked) return
      if (frames.length >= early) return wake(Effect.sync(collect))
      if (isScheduled) return
      // What else becomes ready in this turn leaves in the same batch.
      isScheduled = true
      dispatcher!.scheduleTask(flush, 0)
    },
    cork: () => {
      corked = true
    },
    uncork: () => {
      corked = false
      if (frames.length > 0 && taker !== undefined) wake(Effect.sync(collect))
    },
    congested,
    drained: Effect.callback<void>((resume) => {
      if (!congested()) return resume(Effect.void)
      const done = () => resume(Effect.void)
      drainers.push(done)
      return Effect.sync(() => {
        drainers = drainers.filter((drainer) => drainer !== done)
      })
    }),
    take: Effect.callback<Batch | undefined>(function(resume) {
      dispatcher ??= this.makeDispatcher()
      if (frames.length > 0 && !corked) return resume(Effect.succeed(collect()))
      if (ended) return resume(Effect.succeed(collect()))
      taker = resume
      return Effect.sync(() => {
        taker = undefined
      })
    }),
    end: () => {
      ended = true
      corked = false
      wake(Effect.sync(collect))
    }
  }
}
