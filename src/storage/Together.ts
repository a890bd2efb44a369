/** Transactions that are wanted at the same moment, in one: to begin and to commit takes longer than what most of them do. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
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

/** Works in the scope. @category constructors @since 0.1.0 */
export const make = <Unavailable>(
  { sql: { transactionService }, transaction }: Database.Database<Unavailable>
): Effect.Effect<Together, never, Scope.Scope> =>
  Effect.map(
    // What an effect comes to and fails with is for its caller to know.
    Gathered.make<Effect.Effect<any, any>, any, any>({
      one: transaction,
      many: (effects) => transaction(Effect.forEach(effects, (effect) => Effect.map(effect, Exit.succeed))),
      most
    }),
    (run) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.contextWith((context: Context.Context<R>) => {
        if (Context.getOrUndefined(context, transactionService) !== undefined) return transaction(effect)
        const inTransaction = Effect.contextWith((around: Context.Context<never>) =>
          Effect.provideContext(
            effect,
            Context.add(context, transactionService, Context.getUnsafe(around, transactionService))
          )
        )
        return run(inTransaction) as Effect.Effect<A, E | SqlError.SqlError>
      })
  )
