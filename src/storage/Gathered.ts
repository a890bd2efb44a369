/** What is wanted of a database at the same moment, asked for together: a statement for many costs little more than for one. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"

/** @category models @since 0.1.0 */
export interface Options<Item, A, E> {
  readonly one: (item: Item) => Effect.Effect<A, E>
  /** For two and more, one answer for each; where it fails each is done by `one`. */
  readonly many: (items: ReadonlyArray<Item>) => Effect.Effect<ReadonlyArray<Exit.Exit<A, E>>, unknown>
  /** Of two items of one key the later waits until the next time. */
  readonly key?: (item: Item) => string
  /** Better asked for by itself. */
  readonly isAlone?: (item: Item) => boolean
  /** So many together. */
  readonly most: number
  /** So many times under way; what comes meanwhile is for the next. No limit when left out. */
  readonly flights?: number
}

interface Waiting<Item, A, E> {
  readonly item: Item
  readonly resume: (exit: Exit.Exit<A, E>) => void
}

/**
 * Items that come before the fibers that are about to run have run. Until it is begun an item can be called off by
 * interruption; after that its answer is lost. Works in the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Item, A, E>(
  { flights = Infinity, isAlone, key, many, most, one }: Options<Item, A, E>
): Effect.Effect<(item: Item) => Effect.Effect<A, E>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const fork = yield* FiberSet.makeRuntime()
    let waiting = new Set<Waiting<Item, A, E>>()
    let flying = 0

    /** Those of the next time; the rest stays. */
    const next = (): ReadonlyArray<Waiting<Item, A, E>> => {
      const [taken, left] = [new Array<Waiting<Item, A, E>>(), new Set<Waiting<Item, A, E>>()]
      const keys = new Set<string>()
      for (const each of waiting) {
        const known = key?.(each.item)
        if (taken.length >= most || (known !== undefined && keys.has(known))) left.add(each)
        else taken.push(each)
        if (known !== undefined) keys.add(known)
      }
      waiting = left
      return taken
    }

    const alone = ({ item, resume }: Waiting<Item, A, E>) => Effect.map(Effect.exit(one(item)), resume)

    const flush: Effect.Effect<void> = Effect.suspend(() => {
      const taken = next()
      if (taken.length === 0) return landed
      if (waiting.size > 0) depart()
      return Effect.andThen(fly(taken), landed)
    })

    const fly = (taken: ReadonlyArray<Waiting<Item, A, E>>): Effect.Effect<void> =>
      taken.length === 1 ? alone(taken[0]!) : Effect.matchCauseEffect(many(taken.map(({ item }) => item)), {
        onFailure: () => Effect.forEach(taken, alone, { discard: true, concurrency: "unbounded" }),
        onSuccess: (exits) =>
          Effect.sync(() => {
            for (const [index, { resume }] of taken.entries()) resume(exits[index]!)
          })
      })

    const landed = Effect.sync(() => {
      flying--
      if (waiting.size > 0) depart()
    })

    const later = Effect.andThen(Effect.yieldNow, flush)

    const depart = () => {
      if (flying >= flights) return
      flying++
      fork(later)
    }

    const together = (item: Item) =>
      Effect.callback<A, E>((resume) => {
        const one = { item, resume }
        waiting.add(one)
        if (waiting.size === 1) depart()
        return Effect.sync(() => waiting.delete(one))
      })

    return (item) => isAlone?.(item) === true ? one(item) : together(item)
  })
