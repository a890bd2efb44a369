/**
 * What a docket keeps, in Redis, for every process that has it. Each operation is one script, which Redis runs as one
 * step, and the time is that of the server. In a cluster the prefix has to hold a hash tag, as `{docket}:`, for a script
 * uses many keys.
 *
 * Redis lets go of what has expired by itself; the processes then take it out of the indexes. It should evict nothing
 * else for want of memory (`noeviction`): an execution that is evicted is lost.
 *
 * `find` looks for no other execution that is more urgent: engines on Redis have an order of their own. A page of `list`
 * may hold fewer than its limit, none even, where many had to be looked at; its cursor leads on. A hash this version of
 * the program cannot read is left to those that can: it is not listed and not overdue, with a warning, and to `find` it,
 * to `claim` it or to `add` another one fails. What turns out to be one when it is claimed is another worker's when that
 * lease is over. It can be removed.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import * as Gathered from "../storage/Gathered.ts"
import * as Persistently from "../storage/Persistently.ts"
import * as RedisScript from "../storage/RedisScript.ts"
import * as StoredText from "../storage/StoredText.ts"
import type * as DocketError from "./DocketError.ts"
import * as DocketStore from "./DocketStore.ts"
import * as Execution from "./Execution.ts"
import * as scripts from "./redisScripts.ts"
import * as StoreText from "./storeText.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What every key begins with. `{fastmcp:docket}:`. */
  readonly prefix?: string
  /** How often what has expired is taken out of the indexes; `Duration.infinity` for never. 1 minute. */
  readonly cleanupInterval?: Duration.Input
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<DocketStore.DocketStore, never, Redis.Redis> =>
  Layer.effect(
    DocketStore.DocketStore,
    Effect.gen(function*() {
      const { prefix = "{fastmcp:docket}:" } = options
      const cleanupInterval = Duration.fromInputUnsafe(options.cleanupInterval ?? "1 minute")
      const redis = yield* Redis.Redis
      const available = yield* RedisScript.available("store of the docket", StoreText.unavailable)
      const read = StoreText.make()

      /** Of executions and their indexes. */
      const run = <A>(
        script: RedisScript.Script<A>,
        args: scripts.Args
      ): Effect.Effect<A, DocketError.DocketError> =>
        available(redis.eval(script)({ keys: [`${prefix}facts`], args: [prefix, ...args] }))

      /** A script for many; of two with the same id the later waits. */
      const gathered = <A>(script: RedisScript.Script<ReadonlyArray<A>>, id: number) =>
        Gathered.make<scripts.Args, A, DocketError.DocketError>({
          one: (args) => Effect.map(run(script, args), ([answer]) => answer!),
          many: (items) => Effect.map(run(script, items.flat()), (answers) => answers.map(Exit.succeed)),
          key: (args) => String(args[id]),
          isAlone: (args) => args.some((arg) => typeof arg === "string" && arg.length > StoreText.short),
          most
        })
      const changeAll = yield* gathered(scripts.changeGoingOn, 1)
      const claimEach = (requests: ReadonlyArray<DocketStore.ClaimRequest>) =>
        Effect.map(
          run(scripts.claim, scripts.argsOfClaims(requests)),
          ([now, rows]) => rows.map((row) => ({ now, row }))
        )
      const claimAll = yield* Gathered.make({
        one: (request: DocketStore.ClaimRequest) => Effect.map(claimEach([request]), ([answer]) => answer!),
        many: (requests) => Effect.map(claimEach(requests), (answers) => answers.map(Exit.succeed)),
        key: ({ id }) => id,
        most
      })
      const findAll = yield* Gathered.make({
        one: (id: string) => Effect.map(run(scripts.find, [id]), ([now, [row]]) => ({ now, row })),
        many: (ids) =>
          Effect.map(run(scripts.find, ids), ([now, rows]) =>
            ids.map((id) => Exit.succeed({ now, row: rows.find((row) => row[scripts.idAt] === id) }))),
        most
      })

      const slotsOf = (key: string) =>
        `${prefix}slots:${StoredText.of(key)}`
      const notesOf = (kind: string) => `${prefix}${scripts.notesOf(kind)}`

      const cleanAll: Effect.Effect<void, DocketError.DocketError> = Effect.flatMap(
        run(scripts.clean, [portion]),
        (count) => count < portion ? Effect.void : cleanAll
      )

      if (Duration.isFinite(cleanupInterval)) {
        yield* Effect.forkScoped(Persistently.run(
          "cleaning of the store of the docket",
          () => Effect.andThen(cleanAll, Effect.sleep(cleanupInterval))
        ))
      }

      const thereOf = (
        there: scripts.Fields | null
      ): Effect.Effect<Execution.Execution | undefined, DocketError.DocketError> =>
        there === null ? Effect.undefined : read.one(scripts.storedOf(there))

      const addAll = (executions: ReadonlyArray<Execution.Execution>, then: DocketStore.Ringing["many"]) =>
        Effect.flatMap(run(scripts.add, executions.flatMap(scripts.argsOf)), (all) =>
          Effect.flatMap(
            then(executions.filter((_, index) => all[index] === null)),
            () => Effect.forEach(all, (there) => Effect.exit(thereOf(there)))
          ))

      const overdue = (
        options: { readonly graceMillis: number; readonly limit: number }
      ): Effect.Effect<{ executions: ReadonlyArray<Execution.Execution>; now: number }, DocketError.DocketError> =>
        Effect.gen(function*() {
          const { graceMillis, limit } = options
          const known = read.unreadable.size
          const most = limit + known
          const [now, rows] = yield* run(scripts.findOverdue, [graceMillis, most])
          const readable = yield* read.all(rows.map(scripts.storedOf))
          // Those met for the first time were in the way of others.
          if (rows.length === most && readable.length < limit && read.unreadable.size > known) {
            return yield* overdue(options)
          }
          return { executions: readable.slice(0, limit), now }
        })

      return {
        add: (execution) => Effect.flatMap(run(scripts.add, scripts.argsOf(execution)), ([there]) => thereOf(there!)),
        adder: ({ many, one }) =>
          Gathered.make<Execution.Execution, Execution.Execution | undefined, DocketError.DocketError>({
            one: (execution) =>
              Effect.tap(
                Effect.flatMap(run(scripts.add, scripts.argsOf(execution)), ([there]) => thereOf(there!)),
                (there) => there === undefined ? one(execution) : Effect.void
              ),
            // What has been added stays, so that none of them may be tried once more.
            many: (executions) =>
              Effect.catch(
                addAll(executions, many),
                (error) => Effect.succeed(executions.map(() => Exit.fail(error)))
              ),
            key: ({ id }) => id,
            isAlone: ({ payload }) => payload.length > StoreText.short,
            most
          }),
        find: (id) =>
          Effect.flatMap(findAll(StoredText.of(id)), ({ now, row }) =>
            row === undefined
              ? Effect.undefined
              : Effect.map(read.one(scripts.storedOf(row)), (execution) => ({ execution, now, urgent: undefined }))),
        claim: (request) =>
          Effect.flatMap(claimAll(request), ({ now, row }) =>
            row === null
              ? Effect.undefined
              : Effect.map(read.one(scripts.storedOf(row)), (execution) => ({
                execution,
                now,
                isClaimed: row[scripts.claimedAt] !== undefined
              }))),
        change: (execution, condition) => {
          const args = [Number(condition?.isLeaseOver === true), ...scripts.argsOf(execution)]
          return Effect.map(
            StoreText.isAnew(execution)
              ? Effect.map(run(scripts.changeAnew, args), ([count]) => count)
              : changeAll(args.slice(0, scripts.changing + 1)),
            (count) => count === 1
          )
        },
        renew: (holds, leaseMillis) =>
          holds.length === 0 ? Effect.succeed([]) : Effect.map(
            run(scripts.renew, [
              leaseMillis,
              ...holds.flatMap(({ generation, id }) => [StoredText.of(id), generation])
            ]),
            (ids) => ids.map(StoredText.to)
          ),
        generations: (ids) =>
          ids.length === 0 ? Effect.succeed([]) : Effect.map(
            run(scripts.generations, ids.map(StoredText.of)),
            (found) => found.map(([id, generation]) => ({ id: StoredText.to(id), generation: Number(generation) }))
          ),
        overdue,
        list: ({ cursor, isHeld, limit, owner, schedule, status, task }) =>
          Effect.gen(function*() {
            const before = StoreText.positionOf(cursor)
            if (limit < 1 || before === undefined) return { executions: [], cursor: undefined }
            const [next, rows] = yield* run(scripts.list, [
              before,
              limit,
              scripts.given(status),
              scripts.given(task && StoredText.of(task)),
              scripts.given(schedule && StoredText.of(schedule)),
              scripts.given(isHeld === undefined ? undefined : String(isHeld)),
              scripts.given(owner && StoredText.of(owner))
            ])
            return { executions: yield* read.all(rows.map(scripts.storedOf)), cursor: next === "" ? undefined : next }
          }),
        counts: Effect.andThen(
          cleanAll,
          Effect.map(run(scripts.counts, []), (found) =>
            found.flatMap(([task, status, count]) =>
              isStatus(status) ? [{ task: StoredText.to(task), status, count }] : []
            ))
        ),
        remove: (id) =>
          Effect.map(run(scripts.remove, [StoredText.of(id)]), (count) =>
            count === 1),
        acquire: ({ holder, key, lifeMillis, limit }) =>
          Effect.map(
            available(
              redis.eval(scripts.acquire)({
                keys: [slotsOf(key)],
                args: [StoredText.of(holder), limit, lifeMillis]
              })
            ),
            (freeAt) =>
              freeAt === null ? undefined : { freeAt: Number(freeAt) }
          ),
        release: ({ holder, key }) => Effect.asVoid(available(redis.send("ZREM", slotsOf(key), StoredText.of(holder)))),
        note: ({ data, id, kind }) =>
          Effect.asVoid(available(redis.send("HSET", notesOf(kind), StoredText.of(id), StoredText.of(data)))),
        withdraw: ({ id, kind }) =>
          Effect.map(available(redis.send<number>("HDEL", notesOf(kind), StoredText.of(id))), (count) => count === 1),
        notes: (kind) =>
          Effect.map(
            available(redis.eval(scripts.notes)({ keys: [notesOf(kind)], args: [] })),
            (fields) => fields.map(([id, data]) => ({ kind, id: StoredText.to(id), data: StoredText.to(data) }))
          ),
        transaction: (effect) => effect
      }
    })
  )

/** Entries of indexes removed in one script. */
const portion = 500

const isStatus = Schema.is(Execution.Status)

/** In one script. */
const most = 64
