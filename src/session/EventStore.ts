/**
 * The events of streams that a client may resume (up to 2025-11-25; from 2026-07-28 no stream is resumed). A stream
 * belongs to a session and has events at the positions 1, 2, 3 and so on; whoever reads gets all after a position in
 * their order, or an error, never some.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as SessionError from "./SessionError.ts"

/** Two sessions may use the same name of a stream and never meet. @category models @since 0.1.0 */
export interface StreamKey {
  readonly session: string
  readonly stream: string
}

/** @category models @since 0.1.0 */
export interface Event {
  readonly position: number
  readonly data: string
}

/** @category services @since 0.1.0 */
export class EventStore extends Context.Service<EventStore, {
  /** Whether other processes see what is appended here. */
  readonly isShared: boolean
  /**
   * Begins a stream, so that it can be read from position 0; one that exists stays as it is, and if it has not ended its
   * idle time starts anew.
   */
  readonly create: (key: StreamKey) => Effect.Effect<void, SessionError.SessionError>
  /**
   * Adds events, all or none, and succeeds with the position of the last. `UnknownStream` where there is no such stream,
   * or it has ended. What has gathered costs a database little more in one call than an event alone.
   */
  readonly append: (
    key: StreamKey,
    ...data: readonly [string, ...ReadonlyArray<string>]
  ) => Effect.Effect<number, SessionError.SessionError>
  /** The position of the newest event; 0 before the first. */
  readonly last: (key: StreamKey) => Effect.Effect<number, SessionError.SessionError>
  /** Whether it has ended, so that no event follows those that can be read afterwards. */
  readonly hasEnded: (key: StreamKey) => Effect.Effect<boolean, SessionError.SessionError>
  /**
   * The events after a position that are there by now. `Trimmed` when one of them is not kept any more, `UnknownStream`
   * when there is no such stream or it has not come to that position.
   */
  readonly read: (key: StreamKey, after: number) => Effect.Effect<ReadonlyArray<Event>, SessionError.SessionError>
  /** The events after a position and those to come; ends when the stream has ended and all is told. Fails as `read`. */
  readonly follow: (key: StreamKey, after: number) => Stream.Stream<Event, SessionError.SessionError>
  /** No event follows. The stream can still be read for a while. */
  readonly end: (key: StreamKey) => Effect.Effect<void, SessionError.SessionError>
  /** Forgets all streams of a session, and ends whoever follows one. */
  readonly drop: (session: string) => Effect.Effect<void, SessionError.SessionError>
}>()("fastmcp-effect/session/EventStore") {}

/** How much is kept, alike in every store unless it says otherwise. @category models @since 0.1.0 */
export interface Limits {
  /** Events of one stream; the oldest go first. 256. */
  readonly maxEvents?: number
  /**
   * UTF-16 code units of one stream; the oldest events go first, and an event larger than all of it is not kept: reading
   * over it fails with `Trimmed`. 1 Mi.
   */
  readonly maxSize?: number
  /** How long a stream can be read after its end. 5 minutes. */
  readonly timeToLive?: Duration.Input
  /** How long a stream that has not ended is kept without an event, or being begun again. 1 hour. */
  readonly idle?: Duration.Input
}

/** @category models @since 0.1.0 */
export interface MemoryOptions extends Limits {
  /** UTF-16 code units of all streams together; ended ones go first, the oldest before the others. 64 Mi. */
  readonly maxTotalSize?: number
}

/** @category constants @since 0.1.0 */
export const defaultLimits = {
  maxEvents: 256,
  maxSize: 1 << 20,
  timeToLive: Duration.minutes(5),
  idle: Duration.hours(1)
} as const

/** What one event costs beside its text. */
const overhead = 64

/** What a stream costs beside its events and its names. */
const streamOverhead = 512

class Entry {
  readonly key: StreamKey
  /** The newest events, the last of them at `last`. */
  events: Array<string> = []
  last = 0
  /** Of the events' texts. */
  size = 0
  hasEnded = false
  usedAt: number
  private waiting: Array<() => void> = []

  constructor(key: StreamKey, now: number) {
    this.key = key
    this.usedAt = now
  }

  /** Where the events that are kept begin. */
  get first(): number {
    return this.last - this.events.length
  }

  /** What it takes of the memory for all. */
  get cost(): number {
    const { session, stream } = this.key
    return streamOverhead + session.length + stream.length + this.size + overhead * this.events.length
  }

  wake(): void {
    const woken = this.waiting
    this.waiting = []
    for (const resume of woken) resume()
  }

  /** Waits for the next event, or the end; what else comes in the same turn is read with it. */
  get changed(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const done = () => resume(Effect.yieldNow)
      this.waiting.push(done)
      return Effect.sync(() => {
        this.waiting = this.waiting.filter((waiting) => waiting !== done)
      })
    })
  }
}

/**
 * In the memory of this process, for as long as the layer lives.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: MemoryOptions = {}): Layer.Layer<EventStore> =>
  Layer.effect(
    EventStore,
    Effect.gen(function*() {
      const { maxEvents = defaultLimits.maxEvents, maxSize = defaultLimits.maxSize, maxTotalSize = 1 << 26 } = options
      const timeToLive = Duration.toMillis(Duration.fromInputUnsafe(options.timeToLive ?? defaultLimits.timeToLive))
      const idle = Duration.toMillis(Duration.fromInputUnsafe(options.idle ?? defaultLimits.idle))
      const clock = yield* Clock.Clock
      const sessions = new Map<string, Map<string, Entry>>()
      // Both in the order in which they were last written to.
      const open = new Set<Entry>()
      const ended = new Set<Entry>()
      let total = 0

      const forget = (entry: Entry) => {
        const streams = sessions.get(entry.key.session)
        streams?.delete(entry.key.stream)
        if (streams?.size === 0) sessions.delete(entry.key.session)
        open.delete(entry)
        ended.delete(entry)
        total -= entry.cost
        entry.wake()
      }

      const forgetOld = (now: number) => {
        for (const entry of ended) {
          if (entry.usedAt + timeToLive > now && total <= maxTotalSize) break
          forget(entry)
        }
        for (const entry of open) {
          if (entry.usedAt + idle > now && total <= maxTotalSize) break
          forget(entry)
        }
      }

      const find = (key: StreamKey): Entry | undefined => {
        const entry = sessions.get(key.session)?.get(key.stream)
        if (entry === undefined) return undefined
        if (entry.usedAt + (entry.hasEnded ? timeToLive : idle) > clock.currentTimeMillisUnsafe()) return entry
        forget(entry)
        return undefined
      }

      const fail = (reason: SessionError.Reason) => Effect.fail(SessionError.make(reason))
      const unknown = ({ stream }: StreamKey) => fail(new SessionError.UnknownStream({ stream }))

      const keep = (entry: Entry, data: string) => {
        const before = entry.cost
        entry.last++
        if (data.length > maxSize) {
          entry.events = []
          entry.size = 0
        } else {
          entry.events.push(data)
          entry.size += data.length
          while (entry.events.length > maxEvents || entry.size > maxSize) entry.size -= entry.events.shift()!.length
        }
        total += entry.cost - before
      }

      const use = (entry: Entry, now: number) => {
        entry.usedAt = now
        const order = entry.hasEnded ? ended : open
        order.delete(entry)
        order.add(entry)
      }

      const eventsAfter = (entry: Entry, after: number): ReadonlyArray<Event> | SessionError.Reason => {
        const { stream } = entry.key
        if (!Number.isSafeInteger(after) || after < 0 || after > entry.last) {
          return new SessionError.UnknownStream({ stream })
        }
        if (after < entry.first) return new SessionError.Trimmed({ stream, after })
        return entry.events.slice(after - entry.first).map((data, index) => ({ position: after + index + 1, data }))
      }

      return {
        isShared: false,
        create: (key) =>
          Effect.sync(() => {
            const now = clock.currentTimeMillisUnsafe()
            const found = find(key)
            if (found !== undefined) {
              if (!found.hasEnded) use(found, now)
              return
            }
            const entry = new Entry(key, now)
            let streams = sessions.get(key.session)
            if (streams === undefined) sessions.set(key.session, streams = new Map())
            streams.set(key.stream, entry)
            open.add(entry)
            total += entry.cost
            forgetOld(now)
          }),
        append: (key, ...data) =>
          Effect.suspend(() => {
            const entry = find(key)
            if (entry === undefined || entry.hasEnded) return unknown(key)
            for (const each of data) keep(entry, each)
            const now = clock.currentTimeMillisUnsafe()
            use(entry, now)
            forgetOld(now)
            entry.wake()
            return Effect.succeed(entry.last)
          }),
        last: (key) =>
          Effect.suspend(() => {
            const entry = find(key)
            return entry === undefined ? unknown(key) : Effect.succeed(entry.last)
          }),
        hasEnded: (key) =>
          Effect.suspend(() => {
            const entry = find(key)
            return entry === undefined ? unknown(key) : Effect.succeed(entry.hasEnded)
          }),
        read: (key, after) =>
          Effect.suspend(() => {
            const entry = find(key)
            if (entry === undefined) return unknown(key)
            const events = eventsAfter(entry, after)
            return Array.isArray(events)
              ? Effect.succeed(events as ReadonlyArray<Event>)
              : fail(events as SessionError.Reason)
          }),
        follow: (key, after) =>
          Stream.fromPull(Effect.sync(() => {
            let at = after
            let followed: Entry | undefined
            const next: Effect.Effect<
              readonly [Event, ...Array<Event>],
              SessionError.SessionError | Cause.Done
            > = Effect.suspend(() => {
              followed ??= find(key)
              if (followed === undefined) return unknown(key)
              if (find(key) !== followed) return Cause.done()
              const events = eventsAfter(followed, at)
              if (!Array.isArray(events)) return fail(events as SessionError.Reason)
              if (events.length > 0) {
                at += events.length
                return Effect.succeed(events as unknown as readonly [Event, ...Array<Event>])
              }
              if (followed.hasEnded) return Cause.done()
              const rest = Duration.millis(followed.usedAt + idle - clock.currentTimeMillisUnsafe())
              return Effect.andThen(Effect.timeoutOption(followed.changed, rest), next)
            })
            return next
          })),
        end: (key) =>
          Effect.sync(() => {
            const entry = find(key)
            if (entry === undefined || entry.hasEnded) return
            open.delete(entry)
            entry.hasEnded = true
            use(entry, clock.currentTimeMillisUnsafe())
            entry.wake()
          }),
        drop: (session) =>
          Effect.sync(() => {
            for (const entry of [...sessions.get(session)?.values() ?? []]) forget(entry)
          })
      }
    })
  )
