/**
 * The doorbell of a docket on BullMQ, over Redis: rings that wait come by priority, and another process hears one within
 * milliseconds. BullMQ has the rings and nothing of what they are for.
 *
 * Redis has to keep what it is given (`maxmemory-policy noeviction`) and should write it down (`appendonly yes`); a ring
 * it loses comes when a worker finds the execution overdue. Delays are counted by the clocks of the processes.
 */
import { DelayedError, type Job, Queue, WaitingError, Worker } from "bullmq"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { ClientOfflineError, createClient, type RedisClientOptions, SocketClosedUnexpectedlyError } from "redis"
import * as Deadlines from "../core/Deadlines.ts"
import * as DocketEngine from "../docket/DocketEngine.ts"
import * as DocketError from "../docket/DocketError.ts"
import * as Persistently from "../storage/Persistently.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** `redis://127.0.0.1:6379`. */
  readonly url?: string
  /** What else the `redis` client takes; each process has one connection to ring, and two for each `consume`. */
  readonly connection?: RedisClientOptions
  /** Without colons. `fastmcp-docket`. */
  readonly queue?: string
  /** What every key begins with, before a colon. In a cluster it has to hold a hash tag, `{fastmcp}`. `fastmcp`. */
  readonly prefix?: string
  /** 30 seconds. */
  readonly lease?: Duration.Input
}

const part = "engine of the docket"

const unavailable = (cause: unknown): DocketError.DocketError =>
  DocketError.make(new DocketError.Unavailable({ part, cause }))

const patience = Duration.seconds(5)

/** For BullMQ to leave in good order, and then to leave, in milliseconds. */
const farewell = 3000

/** BullMQ knows 1 to 2^21 - 1, lowest first, and 0, which comes before all of them and has no order. */
const middle = 2 ** 20

const priorityOf = (priority: number): number => Math.min(Math.max(middle - priority, 1), 2 * middle - 1)

/** A colon has a meaning in BullMQ's ids, and so has a number. */
const jobIdOf = (ring: string): string => JSON.stringify(ring).replaceAll(":", "\\u003a")

/**
 * Fails if Redis does not answer within 5 seconds; one that goes away later is waited for, and meanwhile `ring` fails
 * after 5 seconds. Rings more than 2^20 from priority 0 count as that far.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<DocketEngine.DocketEngine, DocketError.DocketError> =>
  Layer.effect(DocketEngine.DocketEngine, Effect.mapError(make(options), DocketError.atStart))

const make = (options: Options) =>
  Effect.gen(function*() {
    const { prefix = "fastmcp", queue: name = "fastmcp-docket" } = options
    const lease = Duration.fromInputUnsafe(options.lease ?? "30 seconds")
    const complain = Persistently.complainer(part)
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const onError = (error: unknown) => void run(complain(error))

    const { client, lastError } = yield* connect(options, { disableOfflineQueue: true }, onError)
    yield* Effect.tryPromise({ try: () => client.connect(), catch: unavailable }).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () =>
          Effect.fail(unavailable(lastError() ?? new Error(`No answer within ${Duration.format(patience)}.`)))
      })
    )
    const deadlines = yield* Deadlines.make
    const ask = <A>(command: () => Promise<A>): Effect.Effect<A, DocketError.DocketError> =>
      Deadlines.timeoutOrElse(
        // The client keeps no commands for the next connection, so none of them is done later by surprise.
        Effect.retry(Effect.tryPromise({ try: command, catch: unavailable }), {
          while: ({ reason }) => reason._tag === "Unavailable" && isOffline(reason.cause),
          schedule: Schedule.spaced("50 millis")
        }),
        {
          deadlines,
          duration: patience,
          orElse: () => Effect.fail(unavailable(new Error(`No answer within ${Duration.format(patience)}.`)))
        }
      )

    const policy = /^maxmemory_policy:(\S+)/m.exec(yield* ask(() => client.info("memory")))?.[1]
    if (policy !== undefined && policy !== "noeviction") {
      yield* Effect.logWarning(
        `The Redis of the docket has the maxmemory-policy ${policy}, and may lose rings; it should be noeviction.`
      )
    }

    const queue = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new Queue<string, void, "ring">(name, {
          connection: client,
          prefix,
          skipVersionCheck: true,
          streams: { events: { maxLen: 100 } },
          defaultJobOptions: {
            removeOnComplete: true,
            removeOnFail: true,
            attempts: Number.MAX_SAFE_INTEGER,
            backoff: { type: "fixed", delay: Duration.toMillis(lease) }
          }
        }).on("error", onError)
      ),
      (queue) => Effect.promise(() => within(farewell, queue.close()))
    )
    yield* ask(() => queue.waitUntilReady())

    return {
      ring: ({ at, id, priority, ring }) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.asVoid(ask(() =>
            queue.add("ring", id, {
              jobId: jobIdOf(ring),
              timestamp: now,
              delay: Math.min(Math.max(Math.ceil(at) - now, 0), longest),
              priority: priorityOf(priority)
            })
          ))),
      consume: (answer, { concurrency }) =>
        Persistently.run(
          `consuming of the ${part}`,
          (works) =>
            consumeOnce(answer, {
              ...options,
              name,
              prefix,
              lease,
              concurrency,
              onError,
              works
            })
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
          const due = Math.min(await client.zCount(queue.toKey("delayed"), "-inf", (now + 1) * 0x1000 - 1), delayed)
          return { waiting: wait + prioritized + due, delayed: delayed - due, active }
        })),
      lease,
      ordersByPriority: true
    } satisfies DocketEngine.DocketEngine["Service"]
  })

/** All that is asked may be asked again. */
const isOffline = (cause: unknown): boolean =>
  cause instanceof ClientOfflineError || cause instanceof SocketClosedUnexpectedlyError

/** A thousand years: later times would not be whole numbers to BullMQ, which counts in 4096ths of a millisecond. */
const longest = 3e13

interface Consuming extends Options {
  readonly name: string
  readonly prefix: string
  readonly lease: Duration.Duration
  readonly concurrency: number
  readonly onError: (error: unknown) => void
  readonly works: () => void
}

/** Until the worker comes to an end, which it does if it does not come to a beginning. */
const consumeOnce = (
  answer: (id: string, release: Effect.Effect<void>) => Effect.Effect<void>,
  { concurrency, lease, name, onError, prefix, works, ...options }: Consuming
): Effect.Effect<void, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    // A lock that is not renewed is over after three quarters, and found to be so by the next look but one.
    const stalledInterval = Math.max(Duration.toMillis(lease) / 4, 50)
    const lockDuration = Math.max(Duration.toMillis(lease) - stalledInterval, 50)
    const answers = yield* FiberSet.make<void>()
    const run = yield* FiberSet.runtime(answers)()
    const { client, destroy } = yield* connect(options, {}, onError)
    let isClosing = false
    let released = 0

    const exitOf = (fiber: Fiber.Fiber<void>) =>
      new Promise<Exit.Exit<void>>((resolve) => {
        fiber.addObserver(resolve)
      })

    const putBack = async (job: Job<string>, token: string): Promise<never> => {
      await job.moveToWait(token)
      throw new WaitingError()
    }

    const answered = async (job: Job<string>, token = ""): Promise<void> => {
      if (isClosing) return putBack(job, token)
      let isReleased = false
      const release = Effect.sync(() => {
        if (isReleased || released === concurrency) return
        isReleased = true
        worker.concurrency = concurrency + ++released
      })
      const exit = await exitOf(run(Effect.suspend(() => answer(job.data, release))))
      if (isReleased) worker.concurrency = concurrency + --released
      if (exit._tag === "Success") return
      if (Cause.hasInterruptsOnly(exit.cause)) return putBack(job, token)
      run(Effect.logError("The answer to a ring of the docket died.", exit.cause))
      await job.moveToDelayed(Date.now() + Duration.toMillis(lease), token)
      throw new DelayedError()
    }

    const worker = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new Worker<string, void, "ring">(name, answered, {
          connection: client,
          prefix,
          autorun: false,
          concurrency,
          lockDuration,
          stalledInterval,
          maxStalledCount: Number.MAX_SAFE_INTEGER,
          drainDelay: longestWait,
          runRetryDelay: 1000
        }).on("error", onError)
      ),
      (worker) =>
        Effect.gen(function*() {
          isClosing = true
          const closed = worker.close()
          yield* FiberSet.clear(answers)
          if (yield* Effect.promise(() => within(farewell, closed))) return
          destroy()
          yield* Effect.promise(() => within(farewell, closed))
        })
    )
    yield* Effect.tryPromise(() => worker.waitUntilReady())
    works()
    wakeInTime(worker, client, onError)
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
  client: Connection["client"],
  onError: (error: unknown) => void
): void => {
  const backend = worker.getBackend()
  const waitForJob = backend.waitForJob.bind(backend)
  backend.waitForJob = async (seconds) => {
    if (seconds >= longestWait) return waitForJob(seconds)
    const wake = () => void client.zAdd(backend.toKey("marker"), { score: 0, value: "0" }).catch(onError)
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
  readonly isOpen: boolean
  readonly destroy: () => void
  readonly duplicate: (...args: Array<never>) => Line
  readonly on: (event: "error", listener: (error: unknown) => void) => unknown
  readonly removeAllListeners: (event: "error") => unknown
}

interface Connection {
  readonly client: ReturnType<typeof createClient>
  /** Ends it and the others made of it, whatever they are waiting for. */
  readonly destroy: () => void
  readonly lastError: () => unknown
}

/** Not open yet. It and those that are made of it, which are BullMQ's, come back whenever Redis does. */
const connect = (
  { connection, url }: Options,
  own: RedisClientOptions,
  onError: (error: unknown) => void
): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const clients: Array<Line> = []
      let last: unknown
      const watched = <A extends Line>(client: A): A => {
        clients.push(client)
        client.on("error", (error) => {
          last = error
          onError(error)
        })
        const duplicate = client.duplicate.bind(client)
        return Object.assign(client, { duplicate: (...args: Array<never>) => watched(duplicate(...args)) })
      }
      const client = watched(createClient({
        ...connection,
        ...own,
        // A timer for each command, where whoever asks has a patience of their own.
        commandOptions: { timeout: 0, ...connection?.commandOptions },
        ...url !== undefined && { url },
        socket: {
          connectTimeout: Duration.toMillis(patience),
          reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 2000),
          ...connection?.socket
        }
      }))
      const destroy = () => {
        for (const client of clients) {
          // Whoever listened for BullMQ may have nobody to tell any more.
          client.removeAllListeners("error")
          client.on("error", () => {})
          if (client.isOpen) client.destroy()
        }
      }
      return { client, destroy, lastError: () => last }
    }),
    ({ destroy }) => Effect.sync(destroy)
  )
