/** Transactions that are wanted at the same moment, in one: to begin and to commit takes longer than what most of them do. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as SqlError from "effect/sql/SqlError"
import type * as Database from "./Database.ts"
import * as Gathered from "./Gathered.ts"

/**
 * Where one of them fails nothing of it stands, and each is done alone: `effect` may run twice, the first time without
 * effect on the database, and what it does beside that has to bear it. Within a transaction of the caller it is part of
 * that one.
 *
 * @category models
 * @since 0.1.0
 */
export type Together = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError.SqlError, R>

/** So many in one: whoever is first waits for the last. */
const most = 64

/** So many under way: what comes meanwhile goes together, and takes one connection of a pool. */
const flights = 1

/** A transaction of several, and what is done in it for all of them at once. */
class Shared extends Context.Service<Shared, {
  readonly scope: Scope.Scope
  readonly gathered: Map<object, (item: any) => Effect.Effect<any, any>>
  readonly left: Map<Left<any, any>, Array<any>>
}>()("fastmcp-effect/storage/Together/Shared") {}

/**
 * Around what takes back a part of a transaction, which in a shared one would take back what others have done: those that
 * share it are done alone then.
 *
 * @category combinators
 * @since 0.1.0
 */
export const unshared = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) =>
    Context.getOrUndefined(context, Shared) === undefined
      ? effect
      : Effect.die("This is done again, in a transaction of its own.")
  )

/**
 * Does an item of each of the transactions that are one by a single statement, where they come to it at the same moment;
 * alone elsewhere.
 *
 * @category combinators
 * @since 0.1.0
 */
export const alike = <Item, A, E>(options: Gathered.Options<Item, A, E>) => (item: Item): Effect.Effect<A, E> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const shared = Context.getOrUndefined(context, Shared)
    if (shared === undefined) return options.one(item)
    const known = shared.gathered.get(options)
    if (known !== undefined) return known(item)
    return Effect.flatMap(Scope.provide(Gathered.make(options), shared.scope), (run) => {
      shared.gathered.set(options, run)
      return run(item)
    })
  })

/** @category models @since 0.1.0 */
export interface Left<Item, E> {
  readonly one: (item: Item) => Effect.Effect<void, E>
  readonly many: (items: ReadonlyArray<Item>) => Effect.Effect<void, unknown>
  /** Better done by itself. */
  readonly isAlone: (item: Item) => boolean
}

/**
 * Leaves an item of each of the transactions that are one to their end, where a single statement does all of them; nobody
 * waits for it, and where it fails nothing of the transactions stands. At once and alone elsewhere.
 *
 * @category combinators
 * @since 0.1.0
 */
export const atEnd = <Item, E>(options: Left<Item, E>) => (item: Item): Effect.Effect<void, E> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const shared = Context.getOrUndefined(context, Shared)
    if (shared === undefined || options.isAlone(item)) return options.one(item)
    const others = shared.left.get(options)
    if (others === undefined) shared.left.set(options, [item])
    else others.push(item)
    return Effect.void
  })

const end = ({ left }: Shared["Service"]) =>
  Effect.forEach(
    left,
    ([{ many, one }, items]) => items.length === 1 ? one(items[0]) : many(items),
    { discard: true }
  )

/** Works in the scope. @category constructors @since 0.1.0 */
export const make = <Unavailable>(
  { sql: { transactionService }, transaction }: Database.Database<Unavailable>
): Effect.Effect<Together, never, Scope.Scope> =>
  Effect.map(
    // What an effect comes to and fails with is for its caller to know.
    Gathered.make<Effect.Effect<any, any>, any, any>({
      one: transaction,
      many: (effects) =>
        transaction(Effect.scoped(Effect.flatMap(Effect.scope, (scope) => {
          const shared: Shared["Service"] = { scope, gathered: new Map(), left: new Map() }
          const exits = Effect.forEach(effects, (effect) => Effect.map(effect, Exit.succeed), {
            concurrency: "unbounded"
          })
          return Effect.tap(Effect.provideService(exits, Shared, shared), () => end(shared))
        }))),
      most,
      flights
    }),
    (run) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.contextWith((context: Context.Context<R>) => {
        if (Context.getOrUndefined(context, transactionService) !== undefined) return unshared(transaction(effect))
        const inTransaction = Effect.contextWith((around: Context.Context<never>) => {
          const own = Context.add(context, transactionService, Context.getUnsafe(around, transactionService))
          const shared = Context.getOrUndefined(around, Shared)
          return Effect.provideContext(effect, shared === undefined ? own : Context.add(own, Shared, shared))
        })
        return run(inTransaction) as Effect.Effect<A, E | SqlError.SqlError>
      })
  )
