/** Statements that run often: the text is made once, and each run gives the values alone. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Tracer from "effect/Tracer"

/**
 * Under this a client may have ways that are shorter than a `Statement`, which makes a span each time. They are taken
 * outside of transactions, where nobody sees spans and nobody changes statements. Their rows may have no prototype.
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
     * The rows of the first, which writes. The second is run if there are any, in the same transaction; where it fails
     * neither has been. `otherwise` does the same, when and however it can.
     */
    readonly two: (first: Step, second: Step, otherwise: Rows) => Rows
  }
}

class Slot {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

type Client = SqlClient.SqlClient & Partial<Shortcut>

type Values = { readonly [name: string]: unknown }

type MakeStatement<V extends Values, A extends object> = (
  slot: (name: keyof V & string) => unknown
) => Statement.Statement<A>

const compile = <V extends Values, A extends object>(statement: MakeStatement<V, A>): (values: V) => Step => {
  const [text, parameters] = statement((name) => new Slot(name)).compile(true)
  return (values) => [
    text,
    parameters.map((parameter) => parameter instanceof Slot ? values[parameter.name] : parameter)
  ]
}

const mayBeShort = (fiber: Fiber.Fiber<unknown, unknown>, { transactionService }: Client): boolean =>
  fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer
  && fiber.getRef(Statement.CurrentTransformer) === undefined
  && Context.getOrUndefined(fiber.context, transactionService) === undefined

/**
 * `slot` stands in the statement where a value of this name goes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <V extends Values, A extends object = object>(
  sql: Client,
  statement: MakeStatement<V, A>
): (values: V) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> => {
  const stepOf = compile(statement)
  const { [shortcut]: short } = sql
  return (values) => {
    const step = stepOf(values)
    if (short === undefined) return sql.unsafe<A>(...step)
    return Effect.withFiber((fiber) => mayBeShort(fiber, sql) ? short.one(step) : sql.unsafe<A>(...step))
  }
}

/**
 * Two in one transaction: the second is run if the first, which writes, has rows, and those are the rows there are.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeTwo = <V extends Values, A extends object = object>(
  sql: Client,
  transaction: (rows: Rows) => Rows,
  first: MakeStatement<V, A>,
  second: MakeStatement<V, object>
): (values: V) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> => {
  const [firstOf, secondOf] = [compile(first), compile(second)]
  const { [shortcut]: short } = sql
  return (values) => {
    const [one, two] = [firstOf(values), secondOf(values)]
    const both = transaction(
      Effect.tap(sql.unsafe<A>(...one), (rows) => Effect.when(sql.unsafe(...two), Effect.succeed(rows.length > 0)))
    )
    if (short === undefined) return both
    return Effect.withFiber((fiber) => mayBeShort(fiber, sql) ? short.two(one, two, both) : both)
  }
}
