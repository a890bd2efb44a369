/**
 * What a docket asks of Redis over one connection, so that what is asked at one moment leaves in one piece; others are only
 * for what has to be alone.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redis from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"
import { createClient, type RedisClientOptions } from "redis"
import * as DocketError from "../../docket/DocketError.ts"
import * as Persistently from "../../storage/Persistently.ts"

export interface Options {
  readonly url?: string | undefined
  readonly connection?: RedisClientOptions | undefined
}

export type Client = ReturnType<typeof createClient>

export interface Connection {
  readonly client: Client
  /** Fails if Redis does not answer in time; when it goes away later the connection comes back with it. */
  readonly another: (own: RedisClientOptions) => Effect.Effect<Client, DocketError.DocketError, Scope.Scope>
  /** What goes wrong is logged once, until it goes well again. */
  readonly onError: (error: unknown) => void
}

/** For an answer. */
export const patience = Duration.seconds(5)

/** It keeps what it is asked for while Redis is away. Fails if that does not answer in time. */
export const make = (
  part: string,
  { connection, url }: Options
): Effect.Effect<Connection, DocketError.DocketError, Scope.Scope> =>
  Effect.gen(function*() {
    const complain = Persistently.complainer(part)
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const onError = (error: unknown) => void run(complain(error))
    const unavailable = (cause: unknown) => DocketError.make(new DocketError.Unavailable({ part, cause }))

    const another: Connection["another"] = (own) =>
      Effect.suspend(() => {
        let last: unknown
        const opened = Effect.acquireRelease(
          Effect.sync(() =>
            createClient({
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
            }).on("error", (error) => {
              last = error
              onError(error)
            })
          ),
          destroy
        )
        return Effect.tap(opened, (client) =>
          Effect.tryPromise({ try: () => client.connect(), catch: unavailable }).pipe(
            Effect.timeoutOrElse({
              duration: patience,
              orElse: () =>
                Effect.fail(unavailable(last ?? new Error(`No answer within ${Duration.format(patience)}.`)))
            })
          ))
      })

    return { client: yield* another({}), another, onError }
  })

/** Whatever it is waiting for. */
const destroy = (client: Client) => Effect.sync(() => void (client.isOpen && client.destroy()))

/** The same, as stores ask for it. */
export const redis = (
  { another, client }: Connection
): Effect.Effect<Redis.Redis["Service"], never, Scope.Scope> => {
  const attempt = <A>(ask: () => Promise<A>) =>
    Effect.tryPromise({ try: ask, catch: (cause) => new Redis.RedisError({ cause }) })
  const sendTo = (client: Client) => <A = unknown>(command: string, ...args: ReadonlyArray<string>) =>
    attempt(() => client.sendCommand<A>([command, ...args]))
  return Redis.make({
    send: sendTo(client),
    subscribe: (channel, onMessage) =>
      Effect.mapError(another({}), (cause) => new Redis.RedisError({ cause })).pipe(
        Effect.tap((subscriber) =>
          attempt(() => subscriber.subscribe(channel, (message) => onMessage({ channel, message })))
        ),
        // It comes back, and subscribes again, as often as need be.
        Effect.as(Effect.never)
      ),
    connect: Effect.suspend(() => {
      const reserved = client.duplicate({ socket: { reconnectStrategy: false } })
      return Effect.as(attempt(() => reserved.connect()), { send: sendTo(reserved), close: destroy(reserved) })
    })
  })
}
