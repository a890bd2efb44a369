/**
 * Resumable streams in Redis, for every process that has it: each a Redis Stream, whose ids are the positions, beside a
 * hash that says how far it has come. What is appended is told on one channel, to which each process subscribes once,
 * however many streams are followed in it; what gets lost there is found by one look at all of them from time to time.
 * Redis itself lets go of streams when their time is over, by its own clock.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Queue from "effect/Queue"
import * as Persistently from "../storage/Persistently.ts"
import * as RedisScript from "../storage/RedisScript.ts"
import * as EventStore from "./EventStore.ts"
import * as Following from "./internal/following.ts"
import * as Limits from "./internal/limits.ts"
import { unavailable } from "./internal/unavailable.ts"

/** @category models @since 0.1.0 */
export interface Options extends EventStore.Limits {
  /** What every key and the channel begin with. `fastmcp:`. */
  readonly prefix?: string
  /** How often a process in which streams are followed looks whether it has missed something. 1 second. */
  readonly pollInterval?: Duration.Input
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<EventStore.EventStore, never, Redis.Redis> =>
  Layer.effect(
    EventStore.EventStore,
    Effect.gen(function*() {
      const { pollInterval = "1 second", prefix = "fastmcp:" } = options
      const { idle, maxEvents, maxSize, timeToLive } = Limits.resolve(options)
      const redis = yield* Redis.Redis
      const ask = yield* RedisScript.available("event store", unavailable)
      const channel = `${prefix}appended`
      const hashPrefix = `${prefix}stream:`
      const eventsPrefix = `${prefix}events:`

      /** The stream's hash, its events, and the index of its session; then what scripts tell about it. */
      const keysOf = (key: EventStore.StreamKey) => {
        const name = Following.nameOf(key)
        return [hashPrefix + name, eventsPrefix + name, indexOf(key.session)]
      }
      const indexOf = (session: string) => `${prefix}streams-of:${session}`

      const following = yield* Following.make({
        name: "event store",
        interval: pollInterval,
        view: (key, after) =>
          Effect.map(ask(redis.eval(view)({ keys: keysOf(key), args: [after + 1] })), (found) =>
            found === null ? undefined : {
              ...stateOf(found),
              events: found[3].map(([id, [, data]]) => ({ position: Number.parseInt(id), data }))
            }),
        glance: (followed) =>
          Effect.map(
            ask(
              redis.eval(glance)({
                keys: followed.map(({ key }) =>
                  keysOf(key)[0]!
                ),
                args: []
              })
            ),
            (states) => states.map(stateOf)
          )
      })

      yield* Effect.forkScoped(Persistently.run("event store", (works) =>
        Effect.scoped(Effect.gen(function*() {
          const told = yield* redis.subscribe(channel)
          // What was told before is not heard any more.
          following.wakeAll()
          while (true) {
            const { message } = yield* Queue.take(told)
            works()
            following.wake(message)
          }
        }))))

      /** Runs a script that changes a stream. Who follows it here need not wait for the channel. */
      const change = <A>(
        lua: RedisScript.Script<A>,
        key: EventStore.StreamKey,
        ...args: ReadonlyArray<string | number>
      ) => {
        const name = Following.nameOf(key)
        return Effect.tap(
          ask(redis.eval(lua)({ keys: keysOf(key), args: [channel, name, ...args] })),
          () => Effect.sync(() => following.wake(name))
        )
      }

      return {
        isShared: true,
        create: (key) => Effect.asVoid(change(create, key, idle)),
        append: (key, ...data) =>
          Effect.flatMap(
            change(append, key, idle, maxEvents, maxSize, ...data.flatMap((each) => [each, each.length])),
            (position) => position === null ? Following.unknown(key) : Effect.succeed(position)
          ),
        last: (key) =>
          Effect.flatMap(
            ask(redis.send<string | null>("HGET", keysOf(key)[0]!, "last")),
            (last) => last === null ? Following.unknown(key) : Effect.succeed(Number(last))
          ),
        hasEnded: (key) =>
          Effect.flatMap(
            ask(redis.send<string | null>("HGET", keysOf(key)[0]!, "ended")),
            (ended) => ended === null ? Following.unknown(key) : Effect.succeed(ended === "1")
          ),
        read: following.read,
        follow: following.follow,
        end: (key) => Effect.asVoid(change(end, key, timeToLive)),
        drop: (session) =>
          Effect.map(
            ask(redis.eval(drop)({ keys: [indexOf(session)], args: [channel, hashPrefix, eventsPrefix] })),
            (names) => {
              for (const name of names) following.wake(name)
            }
          )
      }
    })
  )

type RawState = readonly [incarnation: string, last: string, ended: string]

const stateOf = ([incarnation, last, ended]: readonly [string, string, string, ...ReadonlyArray<unknown>]) => ({
  incarnation,
  last: Number(last),
  hasEnded: ended === "1"
})

/** For scripts that change a stream: its life goes on, and so does that of the index that names it. */
const luaLive = `
local hash, events, index, channel, name, life = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], tonumber(ARGV[3])
${RedisScript.luaNow}${RedisScript.luaOutlive}
local function live()
  redis.call('PEXPIRE', hash, life)
  redis.call('PEXPIRE', events, life)
  redis.call('ZADD', index, now + life, name)
  outlive(index, life)
end
`

const create = RedisScript.make<null>(`
${luaLive}
local ended = redis.call('HGET', hash, 'ended')
if ended then
  if ended == '0' then live() end
  return false
end
redis.call('DEL', events)
redis.call('HSET', hash, 'id', time[1] .. '.' .. time[2], 'last', 0, 'total', 0, 'ended', 0)
redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
live()
return false
`)

// Each entry says how much came before it, so that what is kept is told by a difference.
const append = RedisScript.make<number | null>(`
${luaLive}
local maxEvents, maxSize = ARGV[4], tonumber(ARGV[5])
if redis.call('HGET', hash, 'ended') ~= '0' then return false end
local last, total
for i = 6, #ARGV, 2 do
  local data, size = ARGV[i], tonumber(ARGV[i + 1])
  last = redis.call('HINCRBY', hash, 'last', 1)
  total = redis.call('HINCRBY', hash, 'total', size)
  if size > maxSize then
    redis.call('DEL', events)
  else
    local before = string.format('%.0f', total - size)
    redis.call('XADD', events, 'MAXLEN', '=', maxEvents, string.format('%.0f-0', last), 'data', data, 'before', before)
  end
end
while true do
  local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
  if not oldest or total - tonumber(oldest[2][4]) <= maxSize then break end
  redis.call('XDEL', events, oldest[1])
end
live()
redis.call('PUBLISH', channel, name)
return last
`)

const end = RedisScript.make<null>(`
${luaLive}
if redis.call('HGET', hash, 'ended') ~= '0' then return false end
redis.call('HSET', hash, 'ended', 1)
live()
redis.call('PUBLISH', channel, name)
return false
`)

const view = RedisScript.make<
  readonly [...RawState, events: ReadonlyArray<readonly [id: string, fields: readonly [string, string]]>] | null
>(`
local state = redis.call('HMGET', KEYS[1], 'id', 'last', 'ended')
if not state[1] then return false end
state[4] = redis.call('XRANGE', KEYS[2], ARGV[1] .. '-0', '+')
return state
`)

const glance = RedisScript.make<ReadonlyArray<RawState>>(`
local states = {}
for _, hash in ipairs(KEYS) do
  local state = redis.call('HMGET', hash, 'id', 'last', 'ended')
  if state[1] then states[#states + 1] = state end
end
return states
`)

const drop = RedisScript.make<ReadonlyArray<string>>(`
local names = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, name in ipairs(names) do
  redis.call('DEL', ARGV[2] .. name, ARGV[3] .. name)
  redis.call('PUBLISH', ARGV[1], name)
end
redis.call('DEL', KEYS[1])
return names
`)
