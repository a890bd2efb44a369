/**
 * Who waits for a change of an execution, here or in another process. What changes here is told to the watchers at once; for
 * the rest, one fiber asks the store for all of them together, every interval and only while somebody watches.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Persistently from "../storage/Persistently.ts"
import type * as DocketError from "./DocketError.ts"
import type * as DocketStore from "./DocketStore.ts"

export interface Watch {
  /** The generation the watcher knows; it writes it, and is told when there is another, or none. */
  seen: number
}

/** With the generation there is, if there is one. */
export type OnChange = (generation: number | undefined) => void

export interface Watching {
  /** From a generation; 0 for whatever there is. Until `unwatch`; maybe more often than there are changes. */
  readonly watch: (id: string, seen: number, onChange: OnChange) => Watch
  readonly unwatch: (id: string, watch: Watch) => void
  /** It is at this generation now. */
  readonly changed: (id: string, generation: number) => void
}

class Watcher implements Watch {
  seen: number
  readonly onChange: OnChange
  constructor(seen: number, onChange: OnChange) {
    this.seen = seen
    this.onChange = onChange
  }
}

export const make = (
  store: DocketStore.DocketStore["Service"],
  interval: Duration.Duration
): Effect.Effect<Watching, never, Scope.Scope> =>
  Effect.gen(function*() {
    const watchers = new Map<string, Set<Watcher>>()
    const isWatched = Latch.makeUnsafe(false)

    const look: Effect.Effect<void, DocketError.DocketError> = Effect.suspend(() => {
      const ids = [...watchers.keys()]
      return Effect.map(store.generations(ids), (found) => {
        const generations = new Map(found.map(({ generation, id }) => [id, generation]))
        for (const id of ids) wakeAll(id, generations.get(id))
      })
    })

    const wakeAll = (id: string, generation: number | undefined) => {
      for (const watcher of watchers.get(id) ?? []) if (watcher.seen !== generation) watcher.onChange(generation)
    }

    yield* Effect.forkScoped(Persistently.run(
      "watching of executions",
      () => Effect.andThen(Effect.andThen(isWatched.await, Effect.sleep(interval)), look)
    ))

    return {
      watch: (id, seen, onChange) => {
        const watcher = new Watcher(seen, onChange)
        const others = watchers.get(id)
        if (others === undefined) watchers.set(id, new Set([watcher]))
        else others.add(watcher)
        isWatched.openUnsafe()
        return watcher
      },
      unwatch: (id, watch) => {
        const others = watchers.get(id)
        others?.delete(watch as Watcher)
        if (others?.size === 0) watchers.delete(id)
        if (watchers.size === 0) isWatched.closeUnsafe()
      },
      changed: wakeAll
    }
  })
