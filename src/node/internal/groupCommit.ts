/**
 * Statements that write, each a transaction of its own, and that come in the same turn of the event loop: they are
 * committed together, for a commit takes longer than most statements, and where the disk is waited for, much longer.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as SqlError from "effect/sql/SqlError"

export interface Group<A> {
  /** One statement: `once` runs it, and `alone` as well, when and however it can. */
  readonly run: (once: Once<A>, alone: () => Effect.Effect<A, SqlError.SqlError>) => Effect.Effect<A, SqlError.SqlError>
  /** Several, which have to be in a transaction whether others come or not. */
  readonly runSeveral: Group<A>["run"]
}

/** Undefined where a part of it has been done, and has to be undone. */
export type Once<A> = () => Exit.Exit<A, SqlError.SqlError> | undefined

export interface Database {
  /** Whether the connection is nobody's, and there is no transaction. */
  readonly isFree: () => boolean
  readonly begin: () => Exit.Exit<unknown, SqlError.SqlError>
  readonly commit: () => Exit.Exit<unknown, SqlError.SqlError>
  /** Whatever there is to undo. */
  readonly rollback: () => void
  /** Whether a statement that failed has left the transaction as it was before. */
  readonly isTransaction: () => boolean
}

interface Waiting<A> {
  readonly isSeveral: boolean
  readonly once: Once<A>
  readonly alone: () => Effect.Effect<A, SqlError.SqlError>
  readonly resume: (result: Effect.Effect<A, SqlError.SqlError>) => void
}

export const make = <A>({ begin, commit, isFree, isTransaction, rollback }: Database): Group<A> => {
  let waiting = new Set<Waiting<A>>()

  /** Undefined where not all of it has been done, and so nothing. */
  const together = (
    all: ReadonlyArray<Waiting<A>>
  ): ReadonlyArray<Exit.Exit<A, SqlError.SqlError>> | undefined => {
    if (!isFree() || Exit.isFailure(begin())) return undefined
    const exits: Array<Exit.Exit<A, SqlError.SqlError>> = []
    for (const { once } of all) {
      const exit = once()
      if (exit === undefined || !isTransaction()) {
        rollback()
        return undefined
      }
      exits.push(exit)
    }
    if (Exit.isSuccess(commit())) return exits
    rollback()
    return undefined
  }

  const flush = () => {
    const all = [...waiting]
    waiting = new Set()
    const exits = all.length > 1 || all[0]?.isSeveral === true ? together(all) : undefined
    for (const [index, { alone, resume }] of all.entries()) resume(exits?.[index] ?? Effect.suspend(alone))
  }

  const wait = (isSeveral: boolean): Group<A>["run"] => (once, alone) =>
    Effect.callback((resume) => {
      const one: Waiting<A> = { isSeveral, once, alone, resume }
      if (waiting.size === 0) setImmediate(flush)
      waiting.add(one)
      return Effect.sync(() => waiting.delete(one))
    })

  return { run: wait(false), runSeveral: wait(true) }
}
