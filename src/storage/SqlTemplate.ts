/** Statements that run often: the text is made once, and each run gives the values alone. */
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"

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
  sql: SqlClient.SqlClient,
  statement: (slot: (name: keyof Values & string) => unknown) => Statement.Statement<A>
): (values: Values) => Statement.Statement<A> => {
  const [text, parameters] = statement((name) => new Slot(name)).compile(true)
  return (values) =>
    sql.unsafe<A>(text, parameters.map((parameter) => parameter instanceof Slot ? values[parameter.name] : parameter))
}
