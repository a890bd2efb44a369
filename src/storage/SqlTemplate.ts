/** Statements that run often: the text is made once, and each run gives the values alone. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import type * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Tracer from "effect/Tracer"

/**
 * Under this a client may have ways that are shorter than a `Statement`, which makes a span each time. They are taken
 * where nobody sees spans and nobody changes statements; within a transaction its connection is asked straight then, of
 * any client. Rows may have no prototype, and have the names that the database has.
 *
 * @category models
 * @since 0.1.0
 */
export const shortcut = "~fastmcp-effect/storage/SqlTemplate/shortcut"

type Rows = Effect.Effect<ReadonlyArray<any>, SqlError.SqlError>

/** A statement with its values. @category models @since 0.1.0 */
export type Step = readonly [text: string, parameters: ReadonlyArray<unknown>]

/** @category models @since 0.1.0 */
export interface Shortcut {
  readonly [shortcut]: {
    readonly one: (step: Step) => Rows
    /**
     * The rows of the first, which writes. The others are run if there are any, in the same transaction; where one fails
     * nothing has been done. `otherwise` does the same, when and however it can.
     */
    readonly followed: (first: Step, others: ReadonlyArray<Step>, otherwise: () => Rows) => Rows
    /**
     * How many rows each run of a statement that writes has changed, in one transaction; where one fails nothing has been
     * done. `otherwise` does the same, when and however it can.
     */
    readonly each: <A>(
      text: string,
      runs: Runs,
      otherwise: Otherwise<A>
    ) => Effect.Effect<Counts | A, SqlError.SqlError>
  }
}

/** What a connection may have under it, for whoever is in a transaction of it. @category models @since 0.1.0 */
export interface ConnectionShortcut {
  readonly [shortcut]: {
    /** Where a run fails, those before it have been done. */
    readonly each: (text: string, runs: Runs) => Effect.Effect<Counts, SqlError.SqlError>
  }
}

type Runs = ReadonlyArray<Step[1]>

type Counts = ReadonlyArray<number>

type Otherwise<A> = () => Effect.Effect<A, SqlError.SqlError>

class Slot {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

type Client = SqlClient.SqlClient & Partial<Shortcut>

type MakeStatement<Values, A extends object> = (
  slot: (name: keyof Values & string) => unknown
) => Statement.Statement<A>

const compile = <Values extends object, A extends object>(statement: MakeStatement<Values, A>) => {
  const [text, parameters] = statement((name) => new Slot(name)).compile()
  const parametersOf = (values: Values): ReadonlyArray<unknown> =>
    parameters.map((parameter) => parameter instanceof Slot ? values[parameter.name as keyof Values] : parameter)
  return { text, parametersOf, stepOf: (values: Values): Step => [text, parametersOf(values)] }
}

const mayBeShort = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer && fiber.getRef(Statement.CurrentTransformer) === undefined

/** Of the transaction it is in. */
const connectionOf = (
  fiber: Fiber.Fiber<unknown, unknown>,
  { transactionService }: Client
): (SqlConnection.Connection & Partial<ConnectionShortcut>) | undefined =>
  Context.getOrUndefined(fiber.context, transactionService)?.[0]

/**
 * `slot` stands in the statement where a value of this name goes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Values extends object, A extends object = object>(
  sql: Client,
  statement: MakeStatement<Values, A>
): (values: Values) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> => {
  const { stepOf } = compile(statement)
  const { [shortcut]: short } = sql
  return (values) => {
    const step = stepOf(values)
    return Effect.withFiber((fiber) => {
      if (!mayBeShort(fiber)) return sql.unsafe<A>(...step)
      const connection = connectionOf(fiber, sql)
      if (connection !== undefined) return connection.execute(...step, undefined)
      return short === undefined ? sql.unsafe<A>(...step) : short.one(step)
    })
  }
}

/**
 * In one transaction: if the first, which writes, has rows, the second is run for each of `others`. The rows are those of
 * the first.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeFollowed = <First extends object, Second extends object, A extends object = object>(
  sql: Client,
  transaction: (rows: Rows) => Rows,
  first: MakeStatement<First, A>,
  second: MakeStatement<Second, object>
): (values: First, others: ReadonlyArray<Second>) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> => {
  const [firstOf, secondOf] = [compile(first).stepOf, compile(second).stepOf]
  const { [shortcut]: short } = sql
  return (values, others) => {
    const [step, steps] = [firstOf(values), others.map(secondOf)]
    const otherwise = () => {
      const alone = sql.unsafe<A>(...step)
      return steps.length === 0 ? alone : transaction(
        Effect.tap(
          alone,
          (rows) => rows.length === 0 ? Effect.void : Effect.forEach(steps, (step) => sql.unsafe(...step))
        )
      )
    }
    if (short === undefined) return otherwise()
    return Effect.withFiber((fiber) =>
      !mayBeShort(fiber) || connectionOf(fiber, sql) !== undefined
        ? otherwise()
        : steps.length === 0
        ? short.one(step)
        : short.followed(step, steps, otherwise)
    )
  }
}

/**
 * A statement that writes, for each of several values, of which none has to do with another; the answer is how many rows
 * each has changed. A client that has a way to runs it over and over, and else it is done `otherwise`, as with one
 * statement for all of them, which has the answer it has. All is done or nothing; within a transaction of the caller,
 * where one fails, those before it have been done, and the transaction is to be undone.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeEach = <Values extends object>(sql: Client, statement: MakeStatement<Values, object>) => {
  const { parametersOf, text } = compile(statement)
  const { [shortcut]: short } = sql
  return <A>(all: ReadonlyArray<Values>, otherwise: Otherwise<A>): Effect.Effect<Counts | A, SqlError.SqlError> =>
    short === undefined ? otherwise() : Effect.withFiber<Counts | A, SqlError.SqlError>((fiber) => {
      if (!mayBeShort(fiber)) return otherwise()
      const runs = all.map(parametersOf)
      const connection = connectionOf(fiber, sql)
      return connection === undefined
        ? short.each(text, runs, otherwise)
        : connection[shortcut]?.each(text, runs) ?? otherwise()
    })
}
