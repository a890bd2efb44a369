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

type Step = readonly [
  effect: Effect.Effect<number | void, SessionError.SessionError>,
  done: (exit: Exit.Exit<number | void, SessionError.SessionError>) => void
]

export interface Options {
  readonly events: EventStore.EventStore["Service"]
  readonly runner: runner.Runner
  readonly key: EventStore.StreamKey
  /** Milliseconds its client is told to wait before it comes back; undefined where it knows no event without data. */
  readonly retry: number | undefined
  /** Where events go once they are kept. */
  readonly write: (text: string) => void
}

export class KeptStream {
  readonly options: Options
  private readonly steps: Array<Step> = []
  private isBusy = false
  private isWorking = false
  private waiting: Array<() => void> = []

  constructor(options: Options) {
    this.options = options
    const { events, key, retry, write } = options
    this.add(events.create(key), (exit) => {
      if (retry !== undefined && Exit.isSuccess(exit)) write(sse.priming(eventId(key.stream, 0), retry))
    })
  }

  /** An event that cannot be kept is written all the same, without an id to resume from. */
  push(frame: string): void {
    const { events, key, write } = this.options
    this.add(events.append(key, frame), (exit) =>
      write(
        Exit.isSuccess(exit) ? sse.messageWithId(eventId(key.stream, exit.value as number), frame) : sse.message(frame)
      ))
  }

  /** Once all before it is written, and whoever resumes will know that nothing follows. */
  end(onEnded: () => void): void {
    const { events, key } = this.options
    this.add(events.end(key), onEnded)
  }

  /** Once all before it is written. */
  after(then: () => void): void {
    this.add(Effect.void, then)
  }

  /** Whether the store is slower than what is pushed. */
  isBehind(): boolean {
    return this.steps.length > maxBehind
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

  private add(effect: Step[0], done: Step[1]): void {
    this.steps.push([effect, done])
    this.work()
  }

  private work(): void {
    if (this.isWorking) return
    this.isWorking = true
    for (let step; !this.isBusy && (step = this.steps.shift()) !== undefined;) {
      const [effect, done] = step
      this.isBusy = true
      this.options.runner.run(effect, (exit) => {
        this.isBusy = false
        done(exit)
        if (this.waiting.length > 0 && !this.isBehind()) { for (const resume of this.waiting.splice(0)) resume() }
        this.work()
      })
    }
    this.isWorking = false
  }
}

/** Events that may wait for the store before whoever pushes them waits, too. */
const maxBehind = 64

/** Names an event among all of its session. */
export const eventId = (stream: string, position: number): string => `${stream}.${position}`

/** The stream and the position an event id stands for. */
export const parseEventId = (id: string): { readonly stream: string; readonly position: number } | undefined => {
  const match = /^([\dA-Za-z-]{1,64})\.(\d{1,15})$/u.exec(id)
  return match === null ? undefined : { stream: match[1]!, position: Number(match[2]) }
}
