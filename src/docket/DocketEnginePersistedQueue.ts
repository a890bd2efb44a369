/**
 * The doorbell of a docket on Effect's `PersistedQueue`: in memory, or in a table of SQLite or Postgres, whose store of
 * authorizations, sessions or executions needs no other server then. Rings that wait come in the order of their times.
 *
 * A database counts delays in seconds, and rings come to the millisecond all the same: they are put in a little early, and
 * whoever takes one early keeps it until it is time. Meanwhile it answers others.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Deadlines from "../core/Deadlines.ts"
import * as Database from "../storage/Database.ts"
import * as Millis from "../storage/Millis.ts"
import * as Persistently from "../storage/Persistently.ts"
import * as SqlTemplate from "../storage/SqlTemplate.ts"
import * as DocketEngine from "./DocketEngine.ts"
import * as DocketError from "./DocketError.ts"

const part = "engine of the docket"

const unavailable = (cause: unknown): DocketError.DocketError =>
  DocketError.make(new DocketError.Unavailable({ part, cause }))

/** The time it is for, and the id of the execution. SQL reads the time, which is first for that. */
const Element = Schema.Tuple([Schema.Int, Schema.String])

type Queue = PersistedQueue.PersistedQueue<typeof Element.Type>

const queueName = "docket"

/** As often as it takes: how often a ring may be lost is for the docket to say. It has to fit 32 bits. */
const maxAttempts = 2 ** 31 - 1

const makeQueue = (store: PersistedQueue.PersistedQueueStore["Service"], lease: Duration.Duration) =>
  PersistedQueue.makeFactory.pipe(
    Effect.flatMap((factory) =>
      factory.make({ name: queueName, schema: Element, maxAttempts, retrySchedule: Schedule.spaced(lease) })
    ),
    Effect.provideService(PersistedQueue.PersistedQueueStore, store)
  )

const timeOf = (at: number): number => Math.min(Math.ceil(at), Millis.of(Duration.infinity))

// ----------------------------------------------------------------------------
// answering
// ----------------------------------------------------------------------------

/** Rings a consumer keeps until it is time for them, beside those it answers. */
const mostEarly = 100

/** Its ring comes again after a lease, and the log has it already. */
const died = "The answer died."

interface Answering {
  readonly queue: Queue
  /** What to do about a ring that is taken; `answer` says what it is for. */
  readonly on: (ring: string, answer: Effect.Effect<void, string>) => Effect.Effect<void, string>
  readonly complain: (cause: unknown) => Effect.Effect<void>
  /** Around a take. */
  readonly quietly: Around
  /** Around what is done about a ring, which is within the take. */
  readonly loudly: Around
  /**
   * Whether others are taken in the places of rings that are answered and not yet off the queue, as many at most, and
   * ahead of those that have a slot.
   */
  readonly isAhead: boolean
  /** That wait for a ring at a time, in this process. */
  readonly mostWaiting: number
}

type Around = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const waitUntil = (at: number): Effect.Effect<void> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => now >= at ? Effect.void : Effect.andThen(Effect.sleep(Duration.millis(at - now)), waitUntil(at))
  )

/**
 * A fiber takes one ring and is there until it is answered. As many wait for one as there are free slots, or as are of use
 * to the queue, and who comes to an end waits again or is gone. A ring that was taken early leaves its place to another one
 * until it is time; if all slots are in use then it is given back, for another process may have one.
 */
const consume = (
  { complain, isAhead, loudly, mostWaiting, on, queue, quietly }: Answering
): DocketEngine.DocketEngine["Service"]["consume"] =>
(answer, { ahead = () => 0, concurrency }) =>
  Effect.scoped(Effect.gen(function*() {
    const takers = yield* FiberSet.make<void>()
    const isFree = Latch.makeUnsafe(true)
    let waiting = 0
    let busy = 0
    let early = 0
    let over = 0
    let isFilling = false

    /** Rings it may answer at a time. */
    const slots = () => isAhead ? concurrency + ahead() : concurrency

    const isShort = () => waiting < Math.min(mostWaiting, slots() - busy)

    /** Whether there should be another one that waits, and then there is. */
    const isWanted = () => {
      if (!isShort()) return false
      waiting++
      return true
    }

    const fillNow: Effect.Effect<void> = Effect.suspend(() => {
      isFilling = false
      return Effect.whileLoop({ while: isWanted, body: () => FiberSet.run(takers, loop), step: () => {} })
    })

    /** When those that run have come to a halt: one that is done at once waits again itself. */
    const fill = Effect.suspend(() => {
      if (isFilling) return Effect.void
      isFilling = true
      return Effect.asVoid(FiberSet.run(takers, fillNow, { startImmediately: false }))
    })

    const answered = (id: string, release: Effect.Effect<void>): Effect.Effect<void, string> =>
      Effect.catchCause(Effect.suspend(() => answer(id, release)), (cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause)
          : Effect.andThen(Effect.logError("The answer to a ring of the docket died.", cause), Effect.fail(died)))

    const inSlot = (id: string, onReleased: () => void) => {
      if (busy >= slots()) return Effect.interrupt
      if (++busy >= slots()) isFree.closeUnsafe()
      let isIn = true
      const leave = () => {
        if (!isIn) return
        isIn = false
        busy--
        if (busy < slots()) isFree.openUnsafe()
      }
      /** What is left to do for a ring is a trip or two, and no other has to wait for it. */
      const release = Effect.suspend(() => {
        if (!isIn || over === concurrency) return Effect.void
        over++
        onReleased()
        leave()
        return fill
      })
      const done = answered(id, isAhead ? release : Effect.void)
      const answer = Effect.ensuring(isAhead ? Effect.andThen(done, release) : done, Effect.sync(leave))
      return isShort() ? Effect.andThen(fill, answer) : answer
    }

    const onTaken = (at: number, id: string, onReleased: () => void) =>
      Effect.clockWith((clock) => {
        if (at <= clock.currentTimeMillisUnsafe()) return inSlot(id, onReleased)
        const answer = Effect.suspend(() => inSlot(id, onReleased))
        if (early >= mostEarly) return Effect.andThen(waitUntil(at), answer)
        early++
        const isOver = Effect.sync(() => {
          early--
        })
        return Effect.andThen(Effect.ensuring(Effect.andThen(fill, waitUntil(at)), isOver), answer)
      })

    const loop: Effect.Effect<void> = Effect.suspend(() => {
      let [isTaken, isOver] = [false, false]
      const onReleased = () => {
        isOver = true
      }
      const take = quietly(queue.take(([at, id], { id: ring }) => {
        isTaken = true
        waiting--
        return loudly(on(ring, onTaken(at, id, onReleased)))
      }))
      const failed = (cause: Cause.Cause<unknown>) => {
        const why = Cause.squash(cause)
        if (isTaken && (Cause.hasInterruptsOnly(cause) || why === died)) return Effect.void
        return Effect.andThen(complain(why), Effect.sleep("500 millis"))
      }
      return isFree.await.pipe(
        Effect.andThen(take),
        Effect.catchCause(failed),
        Effect.flatMap(() => {
          if (isOver) over--
          return isTaken && !isWanted() ? Effect.void : loop
        })
      )
    })

    yield* fillNow
    return yield* Effect.never
  }))

// ----------------------------------------------------------------------------
// in memory
// ----------------------------------------------------------------------------

const asItIs: Around = (effect) => effect

/** How long the queue remembers what is over, and a second ring of the same id is none. */
const retention = Duration.minutes(1)

const memoryLease = Duration.seconds(30)

/**
 * For one process, and gone with it. Its time is that of the `Clock`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<DocketEngine.DocketEngine> = Layer.effect(
  DocketEngine.DocketEngine,
  Effect.gen(function*() {
    const store = yield* PersistedQueue.PersistedQueueStore
    const queue = yield* makeQueue(store, memoryLease)
    const deadlines = yield* Deadlines.make
    const run = yield* FiberSet.makeRuntime()
    const delayed = new Map<string, Deadlines.Entry>()
    /** What the queue knows them by. */
    const waiting = new Map<string, string>()
    let active = 0
    let offered = 0

    yield* Effect.forkScoped(Effect.forever(Effect.andThen(
      Effect.sleep(retention),
      Effect.orDie(store.cleanup({ timeToLive: Duration.zero, failedTimeToLive: Duration.zero }))
    )))

    const offer = ({ at, id, ring }: Omit<DocketEngine.Ring, "priority">) =>
      Effect.suspend(() => {
        if (waiting.has(ring)) return Effect.void
        const key = `${offered++} ${ring}`
        waiting.set(ring, key)
        return Effect.asVoid(Effect.orDie(queue.offer([at, id], { id: key })))
      })

    const on: Answering["on"] = (key, answer) =>
      Effect.suspend(() => {
        const ring = key.slice(key.indexOf(" ") + 1)
        if (waiting.get(ring) !== key) return Effect.void
        waiting.delete(ring)
        active++
        return Effect.onExit(answer, (exit) =>
          Effect.sync(() => {
            active--
            if (exit._tag === "Failure" && !waiting.has(ring)) waiting.set(ring, key)
          }))
      })

    return {
      ring: ({ id, ring, ...options }) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const at = timeOf(options.at)
          if (delayed.has(ring)) return Effect.void
          if (at <= now) return offer({ at, id, ring })
          const onDue = () => {
            delayed.delete(ring)
            run(offer({ at, id, ring }))
          }
          return Effect.sync(() => void delayed.set(ring, deadlines.add(at, onDue)))
        }),
      consume: consume({
        queue,
        on,
        complain: Persistently.complainer(part),
        quietly: asItIs,
        loudly: asItIs,
        isAhead: false,
        // Whatever comes wakes all that wait.
        mostWaiting: 1
      }),
      cancel: ({ ring }) =>
        Effect.sync(() => {
          waiting.delete(ring)
          const entry = delayed.get(ring)
          if (entry === undefined) return
          deadlines.remove(entry)
          delayed.delete(ring)
        }),
      stats: Effect.sync(() => ({ waiting: waiting.size, delayed: delayed.size, active })),
      lease: memoryLease,
      ordersByPriority: false
    }
  })
).pipe(Layer.provide(PersistedQueue.layerStoreMemory))

// ----------------------------------------------------------------------------
// in SQL
// ----------------------------------------------------------------------------

/** @category models @since 0.1.0 */
export interface Options {
  /** What the name of the table, `docket_rings`, begins with, as that of the table of its migrations. `fastmcp_`. */
  readonly prefix?: string
  /**
   * How often a process that has a slot looks for rings; one that comes from another process waits for that. Each look
   * is a statement. 250 milliseconds.
   */
  readonly pollInterval?: Duration.Input | undefined
  /** Whole seconds; a database that is down for longer may have rings come twice. 30 seconds. */
  readonly lease?: Duration.Input | undefined
  /** How often rings that are over are deleted. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

interface Counted {
  readonly kind: "waiting" | "delayed" | "active"
  readonly count: number | bigint | string
}

/** To be put in the queue. */
interface Offered extends Pick<DocketEngine.Ring, "at" | "id"> {
  /** What the queue is to know it by; it makes an id itself where there is none. */
  readonly key: string | undefined
  readonly delay: Duration.Duration
}

/** To be put into its table without the queue, for it needs nothing that the queue makes. */
interface Plain extends Offered {
  readonly key: string
}

/** In the column for ids; a longer ring is nobody's double, and cannot be called off. */
const longest = 255

/** Milliseconds before a ring is due at which a look that found nothing may end, for what is slow. */
const margin = 50

/**
 * Creates its tables if they are missing, and the role has to be allowed to; where it cannot, it fails at once. The
 * database's clock and time zone have to go steadily while rings wait: a delay is counted by them.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSql = (
  options: Options = {}
): Layer.Layer<DocketEngine.DocketEngine, DocketError.DocketError, SqlClient.SqlClient> =>
  Layer.effect(
    DocketEngine.DocketEngine,
    Effect.gen(function*() {
      const { cleanupInterval = "1 minute", pollInterval = "250 millis", prefix = "fastmcp_" } = options
      const lease = Duration.seconds(Math.max(Math.ceil(Duration.toSeconds(options.lease ?? "30 seconds")), 1))
      const pollMillis = Millis.of(pollInterval)
      const tableName = `${prefix}docket_rings`
      const { available, lock, sql, transaction } = yield* Database.make(part, (_, cause) => unavailable(cause))
      const table = sql(tableName)
      const context = yield* Effect.context<never>()
      const complain = Persistently.complainer(part)

      // The store logs each failure of each try, which is several a second.
      const quiet: ReadonlySet<Logger.Logger<unknown, unknown>> = new Set([
        Logger.make<unknown, void>(({ cause, logLevel, message }) => {
          if (logLevel !== "Warn" && logLevel !== "Error" && logLevel !== "Fatal") return
          const why = cause.reasons.length > 0 ? Cause.squash(cause) : message
          Effect.runForkWith(context)(complain(why))
        })
      ])
      const quietly = Effect.provideService(Logger.CurrentLoggers, quiet)
      const loudly = Effect.provideService(Logger.CurrentLoggers, yield* Logger.CurrentLoggers)

      const makeStore = PersistedQueue.makeStoreSql({
        tableName,
        pollInterval,
        lockExpiration: lease,
        lockRefreshInterval: Duration.divideUnsafe(lease, 3)
      })
      const store = yield* Effect.catchCause(
        quietly(makeStore),
        // Tables that cannot be made are a defect to the store.
        (cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Effect.interrupt
            : Effect.fail(DocketError.atStart(unavailable(Cause.squash(cause))))
      )
      const queue = yield* makeQueue(store, lease)

      // Cleaning looks for these columns, and the store has no index for it.
      const index = sql(`idx_${tableName}_over`)
      yield* Effect.mapError(
        available(transaction(Effect.andThen(
          lock("fastmcp-effect tables"),
          sql`CREATE INDEX IF NOT EXISTS ${index} ON ${table} (state, updated_at)`
        ))),
        DocketError.atStart
      )

      yield* Effect.forkScoped(Persistently.run(`cleaning of the ${part}`, () =>
        Effect.andThen(
          store.cleanup({ timeToLive: retention, failedTimeToLive: retention }),
          Effect.sleep(Duration.fromInputUnsafe(cleanupInterval))
        )))

      const { added, eachRing, isLeased, now, timeIn } = sql.onDialectOrElse({
        pg: () => ({
          eachRing: (json: unknown) =>
            sql`
              SELECT value ->> 0 AS id, value ->> 1 AS element
              FROM json_array_elements(CAST(CAST(${json} AS TEXT) AS JSON)) t (value)`,
          now: sql.literal("NOW()"),
          isLeased: sql.literal(`acquired_at >= NOW() - INTERVAL '${Duration.toSeconds(lease)} seconds'`),
          timeIn: sql.literal("CAST(split_part(substr(element, 2), ',', 1) AS BIGINT)"),
          added: 0
        }),
        orElse: () => ({
          eachRing: (json: unknown) =>
            sql`
              SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS element
              FROM json_each(${json})`,
          now: sql.literal("CURRENT_TIMESTAMP"),
          isLeased: sql.literal(
            `acquired_at >= datetime(CURRENT_TIMESTAMP, '-${Duration.toSeconds(lease)} seconds')`
          ),
          timeIn: sql.literal("CAST(substr(element, 2) AS INTEGER)"),
          added: 1
        })
      })

      /** So that it is found before its time by whoever looks at every interval: the store adds to whole seconds. */
      const delayFor = (wait: number): Duration.Duration =>
        Duration.seconds(Math.max(Math.floor((wait - pollMillis - margin) / 1000) - added, 0))

      const keyOf = (ring: string): string | undefined => {
        const key = JSON.stringify(ring)
        return key.length > longest ? undefined : key
      }

      const offer = ({ at, delay, id, key }: Offered): Effect.Effect<void, DocketError.DocketError> =>
        Effect.asVoid(queue.offer([at, id], { id: key, delay })).pipe(
          Effect.catchTag("SchemaError", Effect.die),
          Effect.mapError(({ cause }) => unavailable(Cause.isCause(cause) ? Cause.squash(cause) : cause))
        )

      // As the store does it.
      const columns = sql.literal("id, queue_name, element, state, attempts, visible_at, created_at, updated_at")
      const rest = sql`'pending', 0, ${now}, ${now}, ${now}`
      const unlessThere = sql.literal("ON CONFLICT (id, queue_name) DO NOTHING")
      const insertMany = SqlTemplate.make<{ readonly rings: string }>(sql, (slot) =>
        sql`
          INSERT INTO ${table} (${columns})
          SELECT id, ${queueName}, element, ${rest} FROM (${eachRing(slot("rings"))}) r WHERE 1 = 1 ${unlessThere}`)
      const insertEach = SqlTemplate.makeEach<{ readonly key: string; readonly element: string }>(sql, (slot) =>
        sql`
          INSERT INTO ${table} (${columns})
          VALUES (${slot("key")}, ${queueName}, ${slot("element")}, ${rest}) ${unlessThere}`)

      const insert = (plain: ReadonlyArray<Plain>) => {
        const rings = plain.map(({ at, id, key }) => ({ key, element: JSON.stringify([at, id]) }))
        return insertEach(rings, () =>
          insertMany({ rings: JSON.stringify(rings.map(({ element, key }) => [key, element])) }))
      }

      const offeredOf = ({ at, id, ring }: DocketEngine.Ring, millis: number): Offered => {
        const time = timeOf(at)
        return { at: time, delay: delayFor(time - millis), id, key: keyOf(ring) }
      }

      const isPlain = (offered: Offered): offered is Plain =>
        !Duration.isPositive(offered.delay) && offered.key !== undefined

      /** The first by way of the queue, which has its takers look then. */
      const offerAll = ([first, ...others]: ReadonlyArray<Plain>): Effect.Effect<void, DocketError.DocketError> =>
        first === undefined ? Effect.void : others.length === 0 ? offer(first) : Effect.andThen(
          offer(first),
          available(insert(others))
        )

      return {
        ring: (ring) =>
          Effect.clockWith((clock) => offer(offeredOf(ring, clock.currentTimeMillisUnsafe()))),
        ringAll: (rings) =>
          Effect.clockWith((clock) => {
            const all = rings.map((ring) => offeredOf(ring, clock.currentTimeMillisUnsafe()))
            const alone = all.filter((offered) => !isPlain(offered))
            return Effect.andThen(offerAll(all.filter(isPlain)), Effect.forEach(alone, offer, { discard: true }))
          }),
        consume: consume({
          queue,
          on: (_, answer) => answer,
          complain,
          quietly,
          loudly,
          isAhead: true,
          // For so many are asked.
          mostWaiting: Infinity
        }),
        cancel: ({ ring }) =>
          Effect.suspend(() => {
            const key = keyOf(ring)
            return key === undefined ? Effect.void : Effect.asVoid(available(sql`
              DELETE FROM ${table} WHERE id = ${key} AND queue_name = ${queueName} AND state = 'pending'
                AND (acquired_at IS NULL OR NOT ${isLeased})`))
          }),
        stats: Effect.flatMap(Clock.currentTimeMillis, (millis) =>
          Effect.map(
            available(sql<Counted>`
              SELECT kind, count(*) AS count FROM (
                SELECT CASE
                  WHEN visible_at > ${now} THEN 'delayed'
                  WHEN ${timeIn} > ${millis} THEN 'delayed'
                  WHEN ${isLeased} THEN 'active'
                  ELSE 'waiting' END AS kind
                FROM ${table} WHERE queue_name = ${queueName} AND state = 'pending'
              ) AS rings GROUP BY kind`),
            (rows): DocketEngine.Stats => ({
              waiting: 0,
              delayed: 0,
              active: 0,
              ...Object.fromEntries(rows.map(({ count, kind }) => [kind, Number(count)]))
            })
          )),
        lease,
        ordersByPriority: false
      }
    })
  )
