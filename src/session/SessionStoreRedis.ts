/**
 * Sessions in Redis, for every process that has it. Redis itself lets go of them when their time is over, by its own
 * clock; each operation is one script, which Redis runs as one step.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Millis from "../storage/Millis.ts"
import * as RedisScript from "../storage/RedisScript.ts"
import * as SessionText from "./internal/sessionText.ts"
import { unavailable } from "./internal/unavailable.ts"
import * as SessionError from "./SessionError.ts"
import * as SessionStore from "./SessionStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What every key begins with. `fastmcp:`. */
  readonly prefix?: string
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<SessionStore.SessionStore, never, Redis.Redis> =>
  Layer.effect(
    SessionStore.SessionStore,
    Effect.gen(function*() {
      const { prefix = "fastmcp:" } = options
      const redis = yield* Redis.Redis
      const { decode, encode } = SessionText.make()
      const ask = yield* RedisScript.available("session store", unavailable)
      const keyOf = (id: string) => `${prefix}session:${id}`
      /** Every session by the time it expires; the same for each principal that has some. */
      const all = `${prefix}sessions`
      const own = `${prefix}sessions-of:`

      return {
        isShared: true,
        create: (session, { idle, maxSessions, maxSessionsPerCaller }) =>
          Effect.gen(function*() {
            const { id, principal } = session
            const data = yield* encode(session)
            const answer = yield* ask(
              redis.eval(create)({
                keys: [keyOf(id), all, own + (principal ?? "")],
                args: [
                  id,
                  data,
                  Millis.of(idle),
                  maxSessions,
                  ...principal === null ? [] : [maxSessionsPerCaller, principal]
                ]
              })
            )
            switch (answer) {
              case "server":
                return yield* SessionError.make(new SessionError.Full({ limit: "server", maximum: maxSessions }))
              case "caller":
                return yield* SessionError.make(
                  new SessionError.Full({ limit: "caller", maximum: maxSessionsPerCaller })
                )
              case "taken":
                return yield* Effect.die(new Error("There is a session of this id."))
              case "kept":
                return
            }
          }),
        get: (id) =>
          Effect.gen(function*() {
            const found = yield* ask(redis.eval(get)({ keys: [keyOf(id), all], args: [id, own] }))
            if (found === null) return undefined
            const session = yield* decode(id, found[1])
            return session && { version: Number(found[0]), session }
          }),
        replace: (version, session) =>
          Effect.gen(function*() {
            const data = yield* encode(session)
            return (yield* ask(redis.eval(replace)({ keys: [keyOf(session.id)], args: [version, data] }))) === 1
          }),
        remove: (id) =>
          Effect.map(ask(redis.eval(remove)({ keys: [keyOf(id), all], args: [id, own] })), (count) => count === 1),
        size: ask(redis.eval(size)({ keys: [all], args: [] }))
      }
    })
  )

const create = RedisScript.make<"server" | "caller" | "taken" | "kept">(`
local key, all, own = KEYS[1], KEYS[2], KEYS[3]
local id, data, idle, most, mostOwn, principal = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], ARGV[6]
${RedisScript.luaNow}${RedisScript.luaOutlive}
redis.call('ZREMRANGEBYSCORE', all, '-inf', now)
if redis.call('ZCARD', all) >= most then return 'server' end
if principal then
  redis.call('ZREMRANGEBYSCORE', own, '-inf', now)
  if redis.call('ZCARD', own) >= tonumber(mostOwn) then return 'caller' end
end
if redis.call('EXISTS', key) == 1 then return 'taken' end
redis.call('HSET', key, 'version', 1, 'data', data, 'idle', idle)
redis.call('PEXPIRE', key, idle)
redis.call('ZADD', all, now + idle, id)
outlive(all, idle)
if principal then
  redis.call('HSET', key, 'principal', principal)
  redis.call('ZADD', own, now + idle, id)
  outlive(own, idle)
end
return 'kept'
`)

const get = RedisScript.make<readonly [version: string, data: string] | null>(`
local key, all, id = KEYS[1], KEYS[2], ARGV[1]
local found = redis.call('HMGET', key, 'version', 'data', 'idle', 'principal')
if not found[1] then return false end
${RedisScript.luaNow}${RedisScript.luaOutlive}
local idle = tonumber(found[3])
redis.call('PEXPIRE', key, idle)
redis.call('ZADD', all, now + idle, id)
outlive(all, idle)
if found[4] then
  redis.call('ZADD', ARGV[2] .. found[4], now + idle, id)
  outlive(ARGV[2] .. found[4], idle)
end
return {found[1], found[2]}
`)

const replace = RedisScript.make<number>(`
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', tonumber(ARGV[1]) + 1, 'data', ARGV[2])
return 1
`)

const remove = RedisScript.make<number>(`
local principal = redis.call('HGET', KEYS[1], 'principal')
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if principal then redis.call('ZREM', ARGV[2] .. principal, ARGV[1]) end
return 1
`)

const size = RedisScript.make<number>(`
${RedisScript.luaNow}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZCARD', KEYS[1])
`)
