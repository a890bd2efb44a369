/**
 * Letters between processes that have Redis in common: one Redis Stream, which gives each its place. A process that
 * listens holds one reserved connection, waits on it for letters, and after an interruption reads on from the last it
 * has told; old letters leave when new ones come.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Millis from "../storage/Millis.ts"
import * as RedisScript from "../storage/RedisScript.ts"
import * as Listening from "./internal/listening.ts"
import { unavailable } from "./internal/unavailable.ts"
import * as SessionMailbox from "./SessionMailbox.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What every key begins with. `fastmcp:`. */
  readonly prefix?: string
  /** How long a letter is kept for whoever cannot reach Redis just now; never less than a minute. 5 minutes. */
  readonly retention?: Duration.Input
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<SessionMailbox.SessionMailbox, never, Redis.Redis> =>
  Layer.effect(
    SessionMailbox.SessionMailbox,
    Effect.gen(function*() {
      const { prefix = "fastmcp:" } = options
      const retention = Math.max(Millis.of(options.retention ?? "5 minutes"), Millis.of("1 minute"))
      const redis = yield* Redis.Redis
      const ask = yield* RedisScript.available("session mailbox", unavailable)
      const key = `${prefix}letters`

      const newest = ({ send }: Pick<Redis.Connection, "send">) =>
        Effect.map(
          ask(send<ReadonlyArray<RawEntry>>("XREVRANGE", key, "+", "-", "COUNT", "1")),
          ([newest]) => newest?.[0] ?? "0-0"
        )

      const next = ({ send }: Redis.Connection) => (after: string) =>
        Effect.map(
          ask(send<Reply>("XREAD", "COUNT", "500", "BLOCK", String(block), "STREAMS", key, after)),
          entriesOf
        )

      const listen = yield* Listening.make<string>({
        name: "session mailbox",
        newest: newest(redis),
        connect: Effect.map(
          ask(redis.reserve),
          (connection) => ({ newest: newest(connection), next: next(connection) })
        ),
        isAfter
      })

      return {
        post: ({ session, text }) => ask(redis.eval(post)({ keys: [key], args: [retention, session, text] })),
        listen
      }
    })
  )

/**
 * How long one question for new letters waits for them, in milliseconds: less than we wait for an answer, so that a
 * server that is gone without a word is noticed.
 */
const block = 2000

const post = RedisScript.make<void>(`
${RedisScript.luaNow}
local retention = tonumber(ARGV[1])
local oldest = string.format('%.0f', now - retention)
redis.call('XADD', KEYS[1], 'MINID', '~', oldest, '*', 'session', ARGV[2], 'text', ARGV[3])
redis.call('PEXPIRE', KEYS[1], retention * 2)
`)

/** An id, and names and values by turns. */
type RawEntry = readonly [id: string, fields: ReadonlyArray<string>]

/** What RESP 2 has as pairs, RESP 3 has as a map. */
type Reply =
  | ReadonlyArray<readonly [key: string, entries: ReadonlyArray<RawEntry>]>
  | Record<string, ReadonlyArray<RawEntry>>
  | null

const entriesOf = (reply: Reply): ReadonlyArray<Listening.Entry<string>> =>
  (reply === null ? [] : Array.isArray(reply) ? reply.flatMap(([, entries]) => entries) : Object.values(reply).flat())
    .map(([position, [, session, , text]]) => ({ position, letter: { session, text } }))

/** Ids are two numbers, `<milliseconds>-<count>`. */
const isAfter = (position: string, other: string): boolean => {
  const [time, count] = position.split("-").map(Number) as [number, number]
  const [otherTime, otherCount] = other.split("-").map(Number) as [number, number]
  return time > otherTime || (time === otherTime && count > otherCount)
}
