/**
 * Whoever follows a stream of events in this process. They are woken by what happens here, by what a store hears from
 * other processes, and by one query for all of them from time to time.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Persistently from "../../storage/Persistently.ts"
import type * as EventStore from "../EventStore.ts"
import * as SessionError from "../SessionError.ts"

export interface State {
  /** Another one for a stream that was forgotten and begun again. */
  readonly incarnation: string
  readonly last: number
  readonly hasEnded: boolean
}

/** A stream at one moment, with all its events after a position that are kept. */
export interface View extends State {
  readonly events: ReadonlyArray<EventStore.Event>
}

export interface Followed {
  readonly key: EventStore.StreamKey
  readonly incarnation: string
}

export interface Source {
  readonly name: string
  readonly view: (
    key: EventStore.StreamKey,
    after: number
  ) => Effect.Effect<View | undefined, SessionError.SessionError>
  /** The streams that are still there, of at most `maxGlance` that are followed. */
  readonly glance: (
    followed: ReadonlyArray<Followed>
  ) => Effect.Effect<ReadonlyArray<State>, SessionError.SessionError>
  readonly interval: Duration.Input
}

export interface Following {
  readonly read: EventStore.EventStore["Service"]["read"]
  readonly follow: EventStore.EventStore["Service"]["follow"]
  /** Has those who follow the stream look again. */
  readonly wake: (name: string) => void
  readonly wakeAll: () => void
}

/** One text for two that may contain anything. */
export const nameOf = ({ session, stream }: EventStore.StreamKey): string => `${nameOfSession(session)}${stream}`

export const nameOfSession = (session: string): string => `${session.length}:${session}:`

export const unknown = ({ stream }: EventStore.StreamKey): Effect.Effect<never, SessionError.SessionError> =>
  Effect.fail(SessionError.make(new SessionError.UnknownStream({ stream })))

const maxGlance = 500

interface Follower extends Followed {
  readonly latch: Latch.Latch
  at: number
}

export const make = ({ glance, interval, name, view }: Source): Effect.Effect<Following, never, Scope.Scope> =>
  Effect.gen(function*() {
    const followers = new Map<string, Set<Follower>>()
    const isFollowed = Latch.makeUnsafe()

    const look = (
      key: EventStore.StreamKey,
      after: number
    ): Effect.Effect<View, SessionError.SessionError> => {
      if (!Number.isSafeInteger(after) || after < 0) return unknown(key)
      return Effect.flatMap(view(key, after), (seen) => {
        if (seen === undefined || after > seen.last) return unknown(key)
        return seen.events.length < seen.last - after
          ? Effect.fail(SessionError.make(new SessionError.Trimmed({ stream: key.stream, after })))
          : Effect.succeed(seen)
      })
    }

    const join = (follower: Follower): Effect.Effect<Follower, never, Scope.Scope> => {
      const place = nameOf(follower.key)
      return Effect.acquireRelease(
        Effect.sync(() => {
          const others = followers.get(place)
          if (others === undefined) followers.set(place, new Set([follower]))
          else others.add(follower)
          isFollowed.openUnsafe()
          return follower
        }),
        () =>
          Effect.sync(() => {
            const others = followers.get(place)
            others?.delete(follower)
            if (others?.size === 0) followers.delete(place)
            if (followers.size === 0) isFollowed.closeUnsafe()
          })
      )
    }

    const follow: Following["follow"] = (key, after) =>
      Stream.unwrap(Effect.gen(function*() {
        const begun = yield* look(key, after)
        const { incarnation } = begun
        // Open, for what happened between the two lines nobody has told this follower.
        const follower = yield* join({ key, incarnation, at: after, latch: Latch.makeUnsafe(true) })
        let seen: View | undefined = begun
        const next: Effect.Effect<
          readonly [EventStore.Event, ...ReadonlyArray<EventStore.Event>],
          SessionError.SessionError | Cause.Done
        > = Effect.suspend(() => {
          if (seen === undefined) {
            // Before the look, so that what happens after it is noticed.
            follower.latch.closeUnsafe()
            return Effect.flatMap(view(key, follower.at), (now) => {
              if (now === undefined || now.incarnation !== incarnation) return Cause.done()
              seen = now
              return next
            })
          }
          const { events, hasEnded, last } = seen
          if (events.length < last - follower.at) {
            return Effect.fail(
              SessionError.make(new SessionError.Trimmed({ stream: key.stream, after: follower.at }))
            )
          }
          const [first, ...rest] = events
          if (first !== undefined) {
            follower.at = last
            seen = hasEnded ? { ...seen, events: [] } : undefined
            return Effect.succeed([first, ...rest] as const)
          }
          if (hasEnded) return Cause.done()
          seen = undefined
          return Effect.andThen(follower.latch.await, next)
        })
        return Stream.fromPull(Effect.succeed(next))
      }))

    const wakeChanged = (some: ReadonlyArray<Follower>) =>
      Effect.map(glance(some), (states) => {
        const there = new Map(states.map((state) => [state.incarnation, state]))
        for (const { at, incarnation, latch } of some) {
          const state = there.get(incarnation)
          if (state === undefined || state.hasEnded || state.last > at) latch.openUnsafe()
        }
      })

    yield* Effect.forkScoped(Persistently.run(name, () =>
      Effect.gen(function*() {
        yield* isFollowed.await
        yield* Effect.sleep(interval)
        const all = [...followers.values()].flatMap((some) => [...some])
        for (let from = 0; from < all.length; from += maxGlance) {
          yield* wakeChanged(all.slice(from, from + maxGlance))
        }
      })))

    const wakeThose = (some: Iterable<Follower>) => {
      for (const { latch } of some) latch.openUnsafe()
    }

    return {
      read: (key, after) => Effect.map(look(key, after), ({ events }) => events),
      follow,
      wake: (place) => wakeThose(followers.get(place) ?? []),
      wakeAll: () => {
        for (const some of followers.values()) wakeThose(some)
      }
    }
  })
