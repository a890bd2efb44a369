/** The rings of a docket on BullMQ, over a connection that others may use as well. */
import { createNodeRedisClient, DelayedError, type IRedisClient, type Job, Queue, WaitingError, Worker } from "bullmq"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { hash } from "node:crypto"
import { ClientOfflineError, SocketClosedUnexpectedlyError } from "redis"
import * as Deadlines from "../../core/Deadlines.ts"
import type * as DocketEngine from "../../docket/DocketEngine.ts"
import * as DocketError from "../../docket/DocketError.ts"
import * as Persistently from "../../storage/Persistently.ts"
import * as RedisConnection from "./redisConnection.ts"

export interface Options {
  readonly queue?: string | undefined
  readonly prefix?: string | undefined
  readonly lease?: Duration.Input | undefined
}

export const part = "engine of the docket"

const unavailable = (cause: unknown): DocketError.DocketError =>
  DocketError.make(new DocketError.Unavailable({ part, cause }))

/** For BullMQ to leave in good order, and then to leave, in milliseconds. */
const farewell = 3000

/** BullMQ knows 1 to 2^21 - 1, lowest first, and 0, which comes before all of them and has no order. */
const middle = 2 ** 20

const priorityOf = (priority: number): number => Math.min(Math.max(middle - priority, 1), 2 * middle - 1)

/**
 * 114 bits of its hash: Redis keeps a hash in one piece where no member has more than 64 bytes, and the options of a job
 * that waits for no time have 64 with this id. A colon would have a meaning in BullMQ's ids, and so would a number.
 */
const jobIdOf = (ring: string): string => `r${hash("sha256", ring, "base64url").slice(0, 19)}`

/** Its words are told in the name of the engine. */
export const make = (
  connection: RedisConnection.Connection,
  options: Options
): Effect.Effect<DocketEngine.DocketEngine["Service"], DocketError.DocketError, Scope.Scope> =>
  Effect.gen(function*() {
    const { prefix = "fastmcp", queue: name = "fastmcp-docket" } = options
    const lease = Duration.fromInputUnsafe(options.lease ?? "30 seconds")
    const { another, onError } = connection
    const line = lineOf(connection)
    // It keeps nothing for its next connection, so that nothing that has failed is done later by surprise.
    const ringing = yield* another({ disableOfflineQueue: true })
    const deadlines = yield* Deadlines.make
    const ask = <A>(command: () => Promise<A>): Effect.Effect<A, DocketError.DocketError> =>
      Deadlines.timeoutOrElse(
        Effect.retry(Effect.tryPromise({ try: command, catch: unavailable }), {
          while: ({ reason }) => reason._tag === "Unavailable" && isOffline(reason.cause),
          schedule: Schedule.spaced("50 millis")
        }),
        {
          deadlines,
          duration: RedisConnection.patience,
          orElse: () =>
            Effect.fail(unavailable(new Error(`No answer within ${Duration.format(RedisConnection.patience)}.`)))
        }
      )

    const policy = /^maxmemory_policy:(\S+)/m.exec(yield* ask(() => ringing.info("memory")))?.[1]
    if (policy !== undefined && policy !== "noeviction") {
      yield* Effect.logWarning(
        `The Redis of the docket has the maxmemory-policy ${policy}, and may lose rings; it should be noeviction.`
      )
    }

    const queue = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new Queue<string, void, "ring">(name, {
          connection: ringing,
          prefix,
          skipVersionCheck: true,
          streams: { events: { maxLen: 100 } }
        }).on("error", onError)
      ),
      (queue) => Effect.promise(() => within(farewell, queue.close()))
    )
    yield* ask(() => queue.waitUntilReady())

    return {
      ring: (ring) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const { data, name, opts } = jobOf(ring, now)
          return Effect.asVoid(ask(() => queue.add(name, data, opts)))
        }),
      ringAll: (rings) =>
        Effect.flatMap(
          Clock.currentTimeMillis,
          (now) => Effect.asVoid(ask(() => queue.addBulk(rings.map((ring) => jobOf(ring, now)))))
        ),
      consume: (answer, { ahead = () => 0, concurrency }) =>
        Persistently.run(
          `consuming of the ${part}`,
          (works) => consumeOnce(answer, { line, name, prefix, lease, concurrency, ahead, onError, works })
        ),
      cancel: ({ ring }) => Effect.asVoid(ask(() => queue.remove(jobIdOf(ring)))),
      stats: Effect.flatMap(Clock.currentTimeMillis, (now) =>
        ask(async () => {
          const { active = 0, delayed = 0, prioritized = 0, wait = 0 } = await queue.getJobCounts(
            "active",
            "delayed",
            "prioritized",
            "wait"
          )
          // The next who looks for rings moves these.
          const due = Math.min(await ringing.zCount(queue.toKey("delayed"), "-inf", (now + 1) * 0x1000 - 1), delayed)
          return { waiting: wait + prioritized + due, delayed: delayed - due, active }
        })),
      lease,
      ordersByPriority: true
    } satisfies DocketEngine.DocketEngine["Service"]
  })

const jobOf = ({ at, id, priority, ring }: DocketEngine.Ring, now: number) => {
  const delay = Math.min(Math.max(Math.ceil(at) - now, 0), longest)
  return {
    name: "ring" as const,
    data: id,
    opts: { jobId: jobIdOf(ring), priority: priorityOf(priority), ...delay > 0 && { timestamp: now, delay } }
  }
}

/** All that is asked may be asked again. */
const isOffline = (cause: unknown): boolean =>
  cause instanceof ClientOfflineError || cause instanceof SocketClosedUnexpectedlyError

/** A thousand years: later times would not be whole numbers to BullMQ, which counts in 4096ths of a millisecond. */
const longest = 3e13

interface Consuming {
  readonly line: Line
  readonly name: string
  readonly prefix: string
  readonly lease: Duration.Duration
  readonly concurrency: number
  readonly ahead: () => number
  readonly onError: (error: unknown) => void
  readonly works: () => void
}

/** Until the worker comes to an end, which it does if it does not come to a beginning. */
const consumeOnce = (
  answer: (id: string, release: Effect.Effect<void>) => Effect.Effect<void>,
  { ahead, concurrency, lease, line, name, onError, prefix, works }: Consuming
): Effect.Effect<void, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    // A lock that is not renewed is over after three quarters, and found to be so by the next look but one.
    const stalledInterval = Math.max(Duration.toMillis(lease) / 4, 50)
    const lockDuration = Math.max(Duration.toMillis(lease) - stalledInterval, 50)
    const answers = yield* FiberSet.make<void>()
    const run = yield* FiberSet.runtime(answers)()
    let isClosing = false
    let released = 0

    const exitOf = (fiber: Fiber.Fiber<void>) =>
      new Promise<Exit.Exit<void>>((resolve) => {
        fiber.addObserver(resolve)
      })

    // What cannot be moved now comes again when its lock is over. What fails for BullMQ would be gone, for it has no other
    // attempt, and none is kept in each job.
    const putBack = async (job: Job<string>, token: string): Promise<never> => {
      await job.moveToWait(token).catch(onError)
      throw new WaitingError()
    }

    // With the same room for each, the end of one job brings the next, which otherwise has to be asked for.
    const makeRoom = () => {
      worker.concurrency = concurrency + Math.max(released, ahead())
    }

    const answered = async (job: Job<string>, token = ""): Promise<void> => {
      if (isClosing) return putBack(job, token)
      let isReleased = false
      const release = Effect.sync(() => {
        if (isReleased || released === concurrency) return
        isReleased = true
        released++
        makeRoom()
      })
      const exit = await exitOf(run(Effect.suspend(() => answer(job.data, release))))
      if (isReleased) released--
      makeRoom()
      if (exit._tag === "Success") return
      if (Cause.hasInterruptsOnly(exit.cause)) return putBack(job, token)
      run(Effect.logError("The answer to a ring of the docket died.", exit.cause))
      await job.moveToDelayed(Date.now() + Duration.toMillis(lease), token).catch(onError)
      throw new DelayedError()
    }

    const { made: worker } = yield* Effect.acquireRelease(
      Effect.sync(() =>
        line.lend((connection) =>
          new Worker<string, void, "ring">(name, answered, {
            connection,
            prefix,
            autorun: false,
            // Not in the options of each job, which are short without.
            removeOnComplete: { count: 0 },
            removeOnFail: { count: 0 },
            concurrency,
            lockDuration,
            stalledInterval,
            maxStalledCount: Number.MAX_SAFE_INTEGER,
            drainDelay: longestWait,
            runRetryDelay: 1000
          }).on("error", onError)
        )
      ),
      ({ end, made: worker }) =>
        Effect.gen(function*() {
          isClosing = true
          const closed = worker.close()
          yield* FiberSet.clear(answers)
          if (yield* Effect.promise(() => within(farewell, closed))) return
          end()
          yield* Effect.promise(() => within(farewell, closed))
        })
    )
    yield* Effect.tryPromise(() => worker.waitUntilReady())
    works()
    wakeInTime(worker, line, onError)
    yield* Effect.tryPromise(() => worker.run())
  }))

/** For a ring to come, in seconds; then BullMQ looks whether it is still connected. */
const longestWait = 10

/**
 * A command of Redis that waits comes to its end up to a tenth of a second late, where nobody asks for anything else. So
 * the worker that waits for the time of a ring has itself woken as a ring at once would wake it.
 */
const wakeInTime = (
  worker: Worker<string, void, "ring">,
  { raw }: Line,
  onError: (error: unknown) => void
): void => {
  const backend = worker.getBackend()
  const waitForJob = backend.waitForJob.bind(backend)
  backend.waitForJob = async (seconds) => {
    if (seconds >= longestWait) return waitForJob(seconds)
    const wake = () => void raw.zAdd(backend.toKey("marker"), { score: 0, value: "0" }).catch(onError)
    const timer = setTimeout(wake, Math.ceil(seconds * 1000))
    try {
      return await waitForJob(seconds + 1)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Whether it came to an end in time; how is of no interest. */
const within = async (millis: number, promise: Promise<unknown>): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), millis)
  })
  try {
    return await Promise.race([promise.then(() => true, () => true), late])
  } finally {
    clearTimeout(timer)
  }
}

interface Line {
  readonly raw: RedisConnection.Client
  /** What it makes may wait on connections of its own, which `end` cuts. */
  readonly lend: <A>(make: (client: IRedisClient) => A) => { readonly made: A; readonly end: () => void }
}

/** The connection as BullMQ speaks to it. */
const lineOf = ({ client, onError }: RedisConnection.Connection): Line => {
  const listened = (one: IRedisClient) => one.on("error", onError)
  let duplicates: Array<IRedisClient> = []
  const line = createNodeRedisClient(client)
  const duplicate = line.duplicate.bind(line)
  listened(line).duplicate = (...args) => {
    const another = listened(duplicate(...args))
    duplicates.push(another)
    return another
  }
  return {
    raw: client,
    lend: (make) => {
      duplicates = []
      const [made, own] = [make(line), duplicates]
      return {
        made,
        end: () => {
          for (const one of own) one.disconnect()
        }
      }
    }
  }
}
