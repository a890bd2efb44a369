/**
 * One stream that its client may resume: each event is kept before it is written, and in the order in which it was
 * pushed, however long the store takes.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as EventStore from "../../session/EventStore.ts"
import type * as SessionError from "../../session/SessionError.ts"
import type * as runner from "./runner.ts"
import * as sse from "./sse.ts"

type Step =
  /** Frames that are kept together, for none of them was written when the last came. */
  | { readonly frames: [string, ...Array<string>] }
  | {
    readonly frames?: undefined
    readonly effect: Effect.Effect<void, SessionError.SessionError>
    readonly done: (exit: Exit.Exit<void, SessionError.SessionError>) => void
  }

export interface Options {
  readonly events: EventStore.EventStore["Service"]
  readonly runner: runner.Runner
  readonly key: EventStore.StreamKey
  /** Milliseconds its client is told to wait before it comes back; undefined where it knows no event without data. */
  readonly retry: number | undefined
  /** Where events go once they are kept. */
  readonly write: (text: string) => void
  /** Its end is kept: whoever resumes from here on is told so. */
  readonly onEnded: () => void
}

/** A connection that follows a stream by what is kept of it. */
export interface Reader {
  /** Whether it is too far behind an event. */
  readonly isBehind: (position: number) => boolean
}

export class KeptStream {
  readonly options: Options
  private readonly steps: Array<Step> = []
  /** Frames that wait. */
  private pending = 0
  private isBusy = false
  private isWorking = false
  private isBegun = false
  private last = 0
  private reader: Reader | undefined
  private waiting: Array<() => void> = []

  constructor(options: Options) {
    this.options = options
    const { events, key, retry, write } = options
    this.add(events.create(key), (exit) => {
      this.isBegun = Exit.isSuccess(exit)
      if (retry !== undefined && this.isBegun) write(sse.priming(eventId(key.stream, 0), retry))
    })
  }

  /** Whether there is a position to come back to. */
  isKept(): boolean {
    return this.isBegun
  }

  /** An event that cannot be kept is written all the same, without an id to resume from. */
  push(frame: string): void {
    this.pending++
    const newest = this.steps.at(-1)
    if (newest?.frames !== undefined) newest.frames.push(frame)
    else {
      this.steps.push({ frames: [frame] })
      this.work()
    }
  }

  private keep(frames: readonly [string, ...Array<string>]): void {
    const { events, key, write } = this.options
    this.run(events.append(key, ...frames), (exit) => {
      this.pending -= frames.length
      if (Exit.isFailure(exit)) {
        for (const frame of frames) write(sse.message(frame))
        return
      }
      this.last = exit.value
      const before = this.last - frames.length
      frames.forEach((frame, index) => write(sse.messageWithId(eventId(key.stream, before + index + 1), frame)))
    })
  }

  /** Once all before it is written, and whoever resumes will know that nothing follows. */
  end(then: () => void): void {
    const { events, key, onEnded } = this.options
    this.add(events.end(key), () => {
      onEnded()
      then()
    })
  }

  /** Once all before it is written. */
  after(then: () => void): void {
    this.add(Effect.void, then)
  }

  /** Waits until all before it is written. */
  readonly written: Effect.Effect<void> = Effect.callback<void>((resume) => this.after(() => resume(Effect.void)))

  /** Who follows it is held against it, until they are gone or another does. */
  follow(reader: Reader): void {
    this.reader = reader
    this.wake()
  }

  unfollow(reader: Reader): void {
    if (this.reader !== reader) return
    this.reader = undefined
    this.wake()
  }

  /** Whether the store, or who follows the stream, is slower than what is pushed. */
  isBehind(): boolean {
    return this.pending > maxBehind || this.reader?.isBehind(this.last) === true
  }

  /** Waits until it is not. */
  get caughtUp(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (!this.isBehind()) return resume(Effect.void)
      const done = () => resume(Effect.void)
      this.waiting.push(done)
      return Effect.sync(() => {
        this.waiting = this.waiting.filter((waiting) => waiting !== done)
      })
    })
  }

  /** Lets those go on who wait for no reason any more. */
  wake(): void {
    if (this.waiting.length > 0 && !this.isBehind()) { for (const resume of this.waiting.splice(0)) resume() }
  }

  private add(
    effect: Effect.Effect<void, SessionError.SessionError>,
    done: (exit: Exit.Exit<void, SessionError.SessionError>) => void
  ): void {
    this.steps.push({ effect, done })
    this.work()
  }

  private work(): void {
    if (this.isWorking) return
    this.isWorking = true
    for (let step; !this.isBusy && (step = this.steps.shift()) !== undefined;) {
      if (step.frames === undefined) this.run(step.effect, step.done)
      else this.keep(step.frames)
    }
    this.isWorking = false
  }

  private run<A>(
    effect: Effect.Effect<A, SessionError.SessionError>,
    done: (exit: Exit.Exit<A, SessionError.SessionError>) => void
  ): void {
    this.isBusy = true
    this.options.runner.run(effect, (exit) => {
      this.isBusy = false
      done(exit)
      this.wake()
      this.work()
    })
  }
}

/** Events that may wait for the store, or for who follows, before whoever pushes them waits, too. */
export const maxBehind = 64

/** Names an event among all of its session. */
export const eventId = (stream: string, position: number): string => `${stream}.${position}`

/** The stream and the position an event id stands for. */
export const parseEventId = (id: string): { readonly stream: string; readonly position: number } | undefined => {
  const match = /^([\dA-Za-z-]{1,64})\.(\d{1,15})$/u.exec(id)
  return match === null ? undefined : { stream: match[1]!, position: Number(match[2]) }
}
