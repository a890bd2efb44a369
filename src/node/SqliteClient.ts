/**
 * SQLite as an Effect `SqlClient`, on the `node:sqlite` that comes with Node: what is durable without a server beside
 * the program. The file is in WAL mode, and any number of programs may have it open.
 *
 * A client is one connection, and one fiber at a time uses it; a stream of rows has it until its end. Every transaction is
 * a write transaction from its start (`BEGIN IMMEDIATE`), so it never finds at its end that somebody else wrote first.
 * Single statements that write at the same moment are committed together, and fail each by itself. Where another
 * connection writes, a statement waits without holding up the process; SQLite's own `busy_timeout` would stop every fiber,
 * also the one that is about to commit.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import * as SqlTemplate from "../storage/SqlTemplate.ts"
import * as groupCommit from "./internal/groupCommit.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** A file, made if it is not there; `:memory:` for a database of this client alone. */
  readonly filename: string
  /** How long a statement waits while another connection writes, before it fails with `LockTimeoutError`. 5 seconds. */
  readonly busyTimeout?: Duration.Input
  /**
   * Whether a commit waits until the disk has it. With `normal` it does not, which is several times as fast; when the
   * machine (not the program) breaks down, the last commits may then be lost, and the file is whole all the same. `full`.
   */
  readonly synchronous?: "full" | "normal"
  /** Prepared statements that are kept; those not used of late go first. 128. */
  readonly statementCacheSize?: number
  /** From names in the program to names in the database. */
  readonly transformQueryNames?: (name: string) => string
  /** And back. */
  readonly transformResultNames?: (name: string) => string
}

/**
 * Open for as long as the layer lives.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.provide(Layer.effect(SqlClient.SqlClient, make(options)), Reactivity.layer)

/**
 * Open for as long as the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<SqlClient.SqlClient, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function*() {
    const { filename, statementCacheSize = 128, synchronous = "full", transformQueryNames, transformResultNames } =
      options
    const patience = Duration.toMillis(Duration.fromInputUnsafe(options.busyTimeout ?? "5 seconds"))
    const database = yield* Effect.acquireRelease(
      attempt("open", () => new DatabaseSync(filename)),
      (database) => Effect.sync(() => database.close())
    )
    const statements = prepared(database, statementCacheSize)
    const connection = connect(statements, patience)
    yield* connection.executeUnprepared("PRAGMA journal_mode = WAL", [], undefined)
    yield* connection.executeUnprepared(`PRAGMA synchronous = ${synchronous}`, [], undefined)
    // Pages that are written again before the log is copied into the file are copied once; the log has 16 MiB then.
    yield* connection.executeUnprepared("PRAGMA wal_autocheckpoint = 4000", [], undefined)
    const { shortcut, ...acquirers } = lend(statements, connection)
    const client = yield* SqlClient.make({
      driver: "node-sqlite",
      compiler: Statement.makeCompilerSqlite(transformQueryNames),
      ...acquirers,
      beginTransaction: "BEGIN IMMEDIATE",
      releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
      prepareTransactionControls: true,
      spanAttributes: [["db.system.name", "sqlite"], ["db.namespace", filename]],
      ...transformResultNames && { transformRows: Statement.defaultTransforms(transformResultNames).array }
    })
    return Object.assign(client, { [SqlTemplate.shortcut]: shortcut })
  })

interface Statements {
  readonly database: DatabaseSync
  readonly cached: (sql: string) => StatementSync
  readonly fresh: (sql: string) => StatementSync
}

interface Kept {
  readonly statement: StatementSync
  wasUsed: boolean
}

const prepared = (database: DatabaseSync, cacheSize: number): Statements => {
  // In the order in which they came. Who was used since it came to the front goes to the end instead.
  const cache = new Map<string, Kept>()

  const makeRoom = (): void => {
    for (const [sql, kept] of cache) {
      if (cache.size <= cacheSize) return
      cache.delete(sql)
      if (!kept.wasUsed) continue
      kept.wasUsed = false
      cache.set(sql, kept)
    }
  }

  const cached = (sql: string): StatementSync => {
    const found = cache.get(sql)
    if (found !== undefined) {
      found.wasUsed = true
      return found.statement
    }
    const statement = database.prepare(sql)
    cache.set(sql, { statement, wasUsed: false })
    makeRoom()
    return statement
  }

  return { database, cached, fresh: (sql) => database.prepare(sql) }
}

/** One attempt. */
const once = <A>(
  prepare: (sql: string) => StatementSync,
  sql: string,
  safeIntegers: boolean,
  use: (statement: StatementSync) => A
): Exit.Exit<A, SqlError.SqlError> => {
  let operation: Operation = "prepare"
  try {
    const statement = prepare(sql)
    operation = "execute"
    statement.setReadBigInts(safeIntegers)
    return Exit.succeed(use(statement))
  } catch (cause) {
    return Exit.fail(errorOf(cause, operation))
  }
}

type ToRows = (params: ReadonlyArray<unknown>) => (statement: StatementSync) => ReadonlyArray<any>

const bareRowsOf: ToRows = (params) => (statement) => {
  statement.setReturnArrays(false)
  return statement.all(...bind(params))
}

const rowsOf: ToRows = (params) => (statement) => bareRowsOf(params)(statement).map(toObject)

/** Without rows, which take longer than many a change. */
const runEach = (runs: ReadonlyArray<ReadonlyArray<unknown>>) => (statement: StatementSync): ReadonlyArray<number> =>
  runs.map((params) => Number(statement.run(...bind(params)).changes))

type Rows = Effect.Effect<ReadonlyArray<any>, SqlError.SqlError>

const transformed = (rows: Rows, transform: Parameters<SqlConnection.Connection["execute"]>[2]): Rows =>
  transform === undefined ? rows : Effect.map(rows, transform)

const connect = (
  { cached, fresh }: Statements,
  patience: number
): SqlConnection.Connection & SqlTemplate.ConnectionShortcut => {
  const run = <A>(
    prepare: (sql: string) => StatementSync,
    sql: string,
    use: (statement: StatementSync) => A
  ): Effect.Effect<A, SqlError.SqlError> =>
    Effect.withFiber((fiber) => {
      const safeIntegers = fiber.getRef(SqlClient.SafeIntegers)
      const exit = once(prepare, sql, safeIntegers, use)
      return Exit.isSuccess(exit) ? exit : patiently(patience, exit, () => once(prepare, sql, safeIntegers, use))
    })

  const values = (prepare: (sql: string) => StatementSync, sql: string, params: ReadonlyArray<unknown>) =>
    run(prepare, sql, (statement) => {
      statement.setReturnArrays(true)
      // `all` is typed for objects alone.
      return statement.all(...bind(params)) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
    })

  return {
    // Only the first can find the file locked, and then none has been done.
    [SqlTemplate.shortcut]: { each: (sql, runs) => run(cached, sql, runEach(runs)) },
    execute: (sql, params, transform) => transformed(run(cached, sql, rowsOf(params)), transform),
    executeUnprepared: (sql, params, transform) => transformed(run(fresh, sql, rowsOf(params)), transform),
    executeValues: (sql, params) => values(cached, sql, params),
    executeValuesUnprepared: (sql, params) => values(fresh, sql, params),
    executeRaw: (sql, params) =>
      run(
        fresh,
        sql,
        (statement): unknown =>
          statement.columns().length === 0 ? statement.run(...bind(params)) : statement.all(...bind(params))
      ),
    executeStream: (sql, params, transform) =>
      Stream.unwrap(Effect.map(
        // Its own, for a kept statement may run again before this one has come to its end.
        Effect.acquireRelease(
          run(fresh, sql, (statement) => statement.iterate(...bind(params))),
          (iterator) => Effect.sync(() => iterator.return?.())
        ),
        (iterator) =>
          Stream.fromPull(Effect.succeed(
            Effect.flatMap(attempt("execute", () => take(iterator, streamChunk)), (taken) => {
              const [first, ...rest] = transform === undefined ? taken : transform(taken)
              return first === undefined ? Cause.done() : Effect.succeed([first, ...rest] as const)
            })
          ))
      ))
  }
}

/** What can be one of several statements in a transaction, and alone is one itself. */
const writes = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b/iu

/**
 * The connection for those who need it for longer, and for single statements. Those need not wait in turn while nobody
 * has it: they run at once, or with others that write.
 */
const lend = ({ cached, database }: Statements, connection: SqlConnection.Connection) => {
  const { acquirer, borrower: inTurn, ...others } = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connection),
    semaphore: Semaphore.makeUnsafe(1),
    isTransaction: () => database.isTransaction
  })

  let leases = 0
  const lease = Effect.uninterruptibleMask((restore) =>
    Effect.tap(restore(acquirer), () => {
      leases++
      return Effect.addFinalizer(() => Effect.sync(() => leases--))
    })
  )
  const isFree = () => leases === 0 && database.isOpen && !database.isTransaction

  const control = (sql: string) => () => once(cached, sql, false, (statement) => statement.run())
  const group = groupCommit.make<any>({
    isFree,
    isTransaction: () => database.isTransaction,
    begin: control("BEGIN IMMEDIATE"),
    commit: control("COMMIT"),
    rollback: control("ROLLBACK")
  })

  const singly = (rowsOf: ToRows) => (sql: string, params: ReadonlyArray<unknown>): Rows =>
    Effect.withFiber((fiber) => {
      const attempt = () => once(cached, sql, safeIntegers, rowsOf(params))
      const alone = () => inTurn(({ execute }) => execute(sql, params, undefined))
      if (!isFree()) return alone()
      const safeIntegers = fiber.getRef(SqlClient.SafeIntegers)
      if (writes.test(sql)) return group.run(attempt, alone)
      const exit = attempt()
      return Exit.isSuccess(exit) ? exit : Effect.catchIf(exit, mayWait, alone)
    })

  const followed: SqlTemplate.Shortcut[typeof SqlTemplate.shortcut]["followed"] = (first, others, otherwise) =>
    Effect.withFiber((fiber) => {
      const safeIntegers = fiber.getRef(SqlClient.SafeIntegers)
      const run = ([sql, params]: SqlTemplate.Step) => once(cached, sql, safeIntegers, bareRowsOf(params))
      return group.runSeveral(() => {
        const exit = run(first)
        if (Exit.isFailure(exit) || exit.value.length === 0) return exit
        return others.every((step) => Exit.isSuccess(run(step))) ? exit : undefined
      }, otherwise)
    })

  const each: SqlTemplate.Shortcut[typeof SqlTemplate.shortcut]["each"] = (sql, runs, otherwise) =>
    group.runSeveral(() => {
      const exit = once(cached, sql, false, runEach(runs))
      return Exit.isSuccess(exit) ? exit : undefined
    }, otherwise)

  const [execute, bareSingly] = [singly(rowsOf), singly(bareRowsOf)]
  const single: SqlConnection.Connection = {
    ...connection,
    execute: (sql, params, transform) => transformed(execute(sql, params), transform),
    executeUnprepared: (...given) => inTurn(({ executeUnprepared }) => executeUnprepared(...given)),
    executeValues: (...given) => inTurn(({ executeValues }) => executeValues(...given)),
    executeValuesUnprepared: (...given) => inTurn(({ executeValuesUnprepared }) => executeValuesUnprepared(...given)),
    executeRaw: (...given) => inTurn(({ executeRaw }) => executeRaw(...given))
  }
  return {
    ...others,
    acquirer: lease,
    transactionAcquirer: lease,
    shortcut: { one: ([sql, params]: SqlTemplate.Step) => bareSingly(sql, params), followed, each },
    borrower: <A, E, R>(use: (connection: SqlConnection.Connection) => Effect.Effect<A, E, R>) =>
      Effect.suspend(() => use(single))
  }
}

const streamChunk = 128

const take = (iterator: Iterator<object>, count: number): ReadonlyArray<object> => {
  const taken: Array<object> = []
  while (taken.length < count) {
    const next = iterator.next()
    if (next.done === true) break
    taken.push(toObject(next.value))
  }
  return taken
}

/** Rows come without a prototype, which `deepStrictEqual` and some libraries mind. */
const toObject = (row: object): object => ({ ...row })

const bind = (params: ReadonlyArray<unknown>): Array<SQLInputValue> =>
  params.map((param, index) => {
    if (typeof param === "boolean") return Number(param)
    // An object that comes first would be taken for names and values, and any that has none for nothing.
    if (typeof param === "object" && param !== null && !ArrayBuffer.isView(param)) {
      throw new TypeError(`Provided value cannot be bound to SQLite parameter ${index + 1}.`)
    }
    // What else it cannot bind, it refuses itself.
    return (param ?? null) as SQLInputValue
  })

type Operation = "open" | "prepare" | "execute"

const attempt = <A>(operation: Operation, evaluate: () => A): Effect.Effect<A, SqlError.SqlError> =>
  Effect.try({ try: evaluate, catch: (cause) => errorOf(cause, operation) })

const errorOf = (cause: unknown, operation: Operation): SqlError.SqlError =>
  new SqlError.SqlError({ reason: reasonOf(cause, operation) })

const SQLITE_ERROR = 1

const reasonOf = (cause: unknown, operation: Operation): SqlError.SqlErrorReason => {
  const message = cause instanceof Error ? cause.message : undefined
  if (cause instanceof Error && "errcode" in cause) {
    // SQLite has one code for whatever is wrong with the text of a statement, and nothing else fails before it runs.
    if (cause.errcode === SQLITE_ERROR && operation === "prepare") {
      return new SqlError.SqlSyntaxError({ cause, message, operation })
    }
    // The name Effect knows the code by.
    Object.assign(cause, { errno: cause.errcode })
  }
  return SqlError.classifySqliteError(cause, { message, operation })
}

/** The transaction reads what is no longer the newest: waiting does not help it. */
const SQLITE_BUSY_SNAPSHOT = 517

const mayWait = ({ reason }: SqlError.SqlError): boolean =>
  reason._tag === "LockTimeoutError" &&
  (reason.cause as { readonly errcode?: number }).errcode !== SQLITE_BUSY_SNAPSHOT

/**
 * A statement that finds the file locked has done nothing and may be tried again. Waits in real time, which is what the
 * other process has.
 */
const patiently = <A>(
  patience: number,
  failed: Effect.Effect<A, SqlError.SqlError>,
  again: () => Effect.Effect<A, SqlError.SqlError>
): Effect.Effect<A, SqlError.SqlError> => {
  const until = performance.now() + patience
  const wait = (effect: Effect.Effect<A, SqlError.SqlError>, pause: number): Effect.Effect<A, SqlError.SqlError> =>
    Effect.catchIf(effect, mayWait, (error) =>
      performance.now() + pause > until
        ? Effect.fail(error)
        : Effect.andThen(realSleep(pause), wait(Effect.suspend(again), Math.min(2 * pause, 20))))
  return wait(failed, 1)
}

const realSleep = (millis: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), millis)
    return Effect.sync(() => clearTimeout(timer))
  })
