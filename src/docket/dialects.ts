/** What SQLite and Postgres say differently where a docket is kept in SQL: the time, and tables made of JSON. */
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"

export interface Dialect {
  /** Epoch milliseconds. The time of the process counts where the database has none. */
  readonly now: (process: unknown) => Statement.Fragment
  /** The texts of a JSON array. */
  readonly each: (json: unknown) => Statement.Fragment
  /** The pairs of a JSON array of ids and generations. */
  readonly eachHold: (json: unknown) => Statement.Fragment
  /** New rows, of a JSON array of arrays. */
  readonly eachNew: (json: unknown) => Statement.Fragment
  /** What changes of rows, of a JSON array of arrays. */
  readonly eachRow: (json: unknown) => Statement.Fragment
}

export const make = (sql: SqlClient.SqlClient): Dialect =>
  sql.onDialectOrElse({
    pg: (): Dialect => ({
      now: () => sql`CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS BIGINT)`,
      each: (json) =>
        // As an array it counts for ten rows to the planner, and else for a hundred: enough to have what is asked compiled.
        sql`
          SELECT value FROM unnest(ARRAY(
            SELECT jsonb_array_elements_text(CAST(CAST(${json} AS TEXT) AS JSONB))
          )) t (value)`,
      eachHold: (json) =>
        sql`
          SELECT value ->> 0 AS id, CAST(value ->> 1 AS BIGINT) AS generation
          FROM jsonb_array_elements(CAST(CAST(${json} AS TEXT) AS JSONB)) t (value)`,
      eachNew: (json) =>
        sql`
          SELECT value ->> 0 AS id, value ->> 1 AS task, CAST(value ->> 2 AS BIGINT) AS priority, value ->> 3 AS status,
            CAST(value ->> 4 AS BIGINT) AS generation, CAST(value ->> 5 AS BIGINT) AS next_at, value ->> 6 AS schedule,
            value ->> 7 AS state, value ->> 8 AS payload, value ->> 9 AS result, value ->> 10 AS error,
            value ->> 11 AS owner, CAST(value ->> 12 AS INTEGER) AS is_at_once
          FROM json_array_elements(CAST(CAST(${json} AS TEXT) AS JSON)) t (value)`,
      eachRow: (json) =>
        sql`
          SELECT value ->> 0 AS key, value ->> 1 AS status, CAST(value ->> 2 AS BIGINT) AS generation,
            CAST(value ->> 3 AS BIGINT) AS next_at, value ->> 4 AS state, value ->> 5 AS result, value ->> 6 AS error,
            CAST(value ->> 7 AS INTEGER) AS is_at_once, CAST(value ->> 8 AS INTEGER) AS is_lease_over
          FROM unnest(ARRAY(SELECT json_array_elements(CAST(CAST(${json} AS TEXT) AS JSON)))) t (value)`
    }),
    orElse: (): Dialect => ({
      now: (process) => sql`CAST(${process} AS BIGINT)`,
      each: (json) => sql`SELECT value FROM json_each(${json})`,
      eachHold: (json) =>
        sql`
          SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS generation
          FROM json_each(${json})`,
      eachNew: (json) =>
        sql`
          SELECT value ->> 0 AS id, value ->> 1 AS task,
            value ->> 2 AS priority, value ->> 3 AS status,
            value ->> 4 AS generation, value ->> 5 AS next_at,
            value ->> 6 AS schedule, value ->> 7 AS state,
            value ->> 8 AS payload, value ->> 9 AS result,
            value ->> 10 AS error, value ->> 11 AS owner,
            value ->> 12 AS is_at_once
          FROM json_each(${json})`,
      eachRow: (json) =>
        sql`
          SELECT json_extract(value, '$[0]') AS key, json_extract(value, '$[1]') AS status,
            json_extract(value, '$[2]') AS generation, json_extract(value, '$[3]') AS next_at,
            json_extract(value, '$[4]') AS state, json_extract(value, '$[5]') AS result,
            json_extract(value, '$[6]') AS error, json_extract(value, '$[7]') AS is_at_once,
            json_extract(value, '$[8]') AS is_lease_over
          FROM json_each(${json})`
    })
  })
