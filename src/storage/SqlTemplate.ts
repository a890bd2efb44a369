/** Statements that run often: the text is made once, and each run gives the values alone. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Tracer from "effect/Tracer"

/**
 * Under this a client may have a way that is shorter than a `Statement`, which makes a span each time. It is taken outside
 * of transactions, where nobody sees spans and nobody changes statements. Its rows may have no prototype.
 *
 * @category models
 * @since 0.1.0
 */
export const shortcut = "~fastmcp-effect/storage/SqlTemplate/shortcut"

/** @category models @since 0.1.0 */
export interface Shortcut {
  readonly [shortcut]: (
    text: string,
    parameters: ReadonlyArray<unknown>
  ) => Effect.Effect<ReadonlyArray<any>, SqlError.SqlError>
}

class Slot {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/**
 * `slot` stands in the statement where a value of this name goes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Values extends { readonly [name: string]: unknown }, A extends object = object>(
  sql: SqlClient.SqlClient & Partial<Shortcut>,
  statement: (slot: (name: keyof Values & string) => unknown) => Statement.Statement<A>
): (values: Values) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError> => {
  const [text, parameters] = statement((name) => new Slot(name)).compile(true)
  const { [shortcut]: short, transactionService } = sql
  return (values) => {
    const given = parameters.map((parameter) => parameter instanceof Slot ? values[parameter.name] : parameter)
    if (short === undefined) return sql.unsafe<A>(text, given)
    return Effect.withFiber((fiber) =>
      fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer
        && fiber.getRef(Statement.CurrentTransformer) === undefined
        && Context.getOrUndefined(fiber.context, transactionService) === undefined
        ? short(text, given)
        : sql.unsafe<A>(text, given)
    )
  }
}
