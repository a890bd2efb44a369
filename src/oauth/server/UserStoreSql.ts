/** Users in a table of SQLite or Postgres, for every process that has the database. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Database from "../../storage/Database.ts"
import * as OAuthStoreError from "./OAuthStoreError.ts"
import * as UserStore from "./UserStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What the name of the table, `users`, begins with. `fastmcp_`. */
  readonly prefix?: string
}

interface Row {
  readonly subject: string
  readonly username: string
  readonly password_hash: string
  readonly name: string | null
  readonly claims: string | null
}

/**
 * Creates its table if it is missing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  { prefix = "fastmcp_" }: Options = {}
): Layer.Layer<
  UserStore.UserStore | UserStore.UserEditor,
  OAuthStoreError.OAuthStoreError,
  SqlClient.SqlClient
> =>
  Layer.effectContext(Effect.gen(function*() {
    const { available, ensure, lock, sql, transaction } = yield* Database.make(
      "user store",
      (_, cause) => OAuthStoreError.make(new OAuthStoreError.Unavailable({ cause }))
    )
    const table = `${prefix}users`
    const users = sql(table)

    yield* available(ensure([{
      name: table,
      columns: sql`
        subject TEXT PRIMARY KEY,
        folded TEXT NOT NULL UNIQUE,
        username TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        name TEXT,
        claims TEXT`
    }]))

    return Context.make(UserStore.UserStore, {
      find: (username) =>
        isText(username)
          ? Effect.map(sql<Row>`SELECT * FROM ${users} WHERE folded = ${UserStore.fold(username)}`, userOf).pipe(
            available
          )
          : Effect.succeed(undefined),
      get: (subject) =>
        isText(subject)
          ? Effect.map(sql<Row>`SELECT * FROM ${users} WHERE subject = ${subject}`, userOf).pipe(available)
          : Effect.succeed(undefined),
      rehash: ({ passwordHash, subject }, next) =>
        sql`
          UPDATE ${users} SET password_hash = ${next}
          WHERE subject = ${subject} AND password_hash = ${passwordHash}`.pipe(Effect.asVoid, available)
    }).pipe(Context.add(UserStore.UserEditor, {
      add: (user) =>
        Effect.gen(function*() {
          // Of two that want one name, the second must see what the first has written.
          yield* lock(table)
          const written = yield* sql`
            INSERT INTO ${users} ${sql.insert(rowOf(user))} ON CONFLICT DO NOTHING RETURNING subject`
          return written.length > 0
        }).pipe(transaction, available),
      replace: (user) =>
        Effect.gen(function*() {
          yield* lock(table)
          const { claims, folded, name, password_hash, subject, username } = rowOf(user)
          const written = yield* sql`
            UPDATE ${users}
            SET folded = ${folded}, username = ${username}, password_hash = ${password_hash},
              name = ${name}, claims = ${claims}
            WHERE subject = ${subject}
              AND NOT EXISTS (SELECT 1 FROM ${users} WHERE folded = ${folded} AND subject <> ${subject})
            RETURNING subject`
          return written.length > 0
        }).pipe(transaction, available),
      remove: (subject) =>
        Effect.map(sql`DELETE FROM ${users} WHERE subject = ${subject} RETURNING subject`, ({ length }) => length > 0)
          .pipe(available)
    }))
  }))

/** Postgres takes no other, and it can be nobody's name. */
const isText = (text: string): boolean => !text.includes("\0") && text.isWellFormed()

const rowOf = ({ claims, name, passwordHash, subject, username }: UserStore.User) => ({
  subject,
  folded: UserStore.fold(username),
  username,
  password_hash: passwordHash,
  name: name ?? null,
  claims: claims === undefined ? null : JSON.stringify(claims)
})

const userOf = ([row]: ReadonlyArray<Row>): UserStore.User | undefined =>
  row && {
    subject: row.subject,
    username: row.username,
    passwordHash: row.password_hash,
    ...row.name !== null && { name: row.name },
    ...row.claims !== null && { claims: JSON.parse(row.claims) as { readonly [claim: string]: unknown } }
  }
