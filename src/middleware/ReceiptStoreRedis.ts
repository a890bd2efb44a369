/**
 * Receipts in Redis, for every process that has it, by the clock of Redis, which itself lets go of them when their time is
 * over. Each operation is one script of one key. Results are kept as they are, as JSON. A Redis that may lose what it has
 * taken, or makes room by eviction, may have a call run twice.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as RedisScript from "../storage/RedisScript.ts"
import * as ReceiptStore from "./ReceiptStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What every key begins with. `fastmcp:`. */
  readonly prefix?: string
  /** Of one result, as JSON in UTF-8. 1 MiB. */
  readonly maxItemBytes?: number
}

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options = {}
): Layer.Layer<ReceiptStore.ReceiptStore, ReceiptStore.ReceiptsUnavailable, Redis.Redis> =>
  Layer.effect(
    ReceiptStore.ReceiptStore,
    Effect.gen(function*() {
      const { prefix = "fastmcp:" } = options
      const redis = yield* Redis.Redis
      const ask = yield* RedisScript.available(
        "receipts",
        (_, cause) => new ReceiptStore.ReceiptsUnavailable({ cause })
      )
      const keyOf = (key: string) => `${prefix}receipt:${key}`

      return yield* ReceiptStore.make({
        id: (candidate) => ask(redis.eval(id)({ keys: [`${prefix}receipts`], args: [candidate] })),
        begin: (key, { fingerprint, isHarmless, leaseMillis, round, ttlMillis }, run) =>
          Effect.map(
            ask(
              redis.eval(begin)({
                keys: [keyOf(key)],
                args: [
                  fingerprint,
                  run,
                  Math.ceil(leaseMillis),
                  Math.ceil(Math.max(ttlMillis, leaseMillis)),
                  isHarmless ? 1 : 0,
                  ...round === undefined ? [] : [round]
                ]
              })
            ),
            ([tag, text]): ReceiptStore.Begun =>
              tag === "Begun"
                ? { _tag: tag, run }
                : tag === "Done"
                ? { _tag: tag, text: text ?? undefined }
                : { _tag: tag }
          ),
        renew: (key, run, leaseMillis) =>
          Effect.map(
            ask(redis.eval(renew)({ keys: [keyOf(key)], args: [run, Math.ceil(leaseMillis)] })),
            (count) => count === 1
          ),
        end: (key, run, ended, ttlMillis) =>
          Effect.map(
            ask(
              redis.eval(end)({
                keys: [keyOf(key)],
                args: [
                  run,
                  ended._tag,
                  Math.ceil(ttlMillis),
                  ended._tag === "Asked" ? ended.next : "",
                  ..."text" in ended && ended.text !== undefined ? [ended.text] : []
                ]
              })
            ),
            (count) => count === 1
          )
      }, options.maxItemBytes)
    })
  )

const id = RedisScript.make<string>(`
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
`)

// The same as `internal/receipts.ts`.
const begin = RedisScript.make<readonly [tag: ReceiptStore.Begun["_tag"], text?: string | null]>(`
local key = KEYS[1]
local fingerprint, run, lease, life, harmless, round = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], ARGV[6]
${RedisScript.luaNow}
local found = redis.call('HMGET', key, 'fingerprint', 'state', 'until', 'text', 'next')
local state = found[2]
if state then
  if found[1] ~= fingerprint then return {'Conflict'} end
  if state == 'done' then return {'Done', found[4]} end
  if state == 'asked' then
    if round ~= found[5] then return {'Done', found[4]} end
  else
    if state == 'running' and tonumber(found[3]) > now then return {'Running'} end
    if harmless ~= '1' then return {'Unknown'} end
  end
end
redis.call('HSET', key, 'fingerprint', fingerprint, 'state', 'running', 'run', run, 'until', now + lease)
redis.call('PEXPIRE', key, life)
return {'Begun'}
`)

const renew = RedisScript.make<number>(`
local key, run, lease = KEYS[1], ARGV[1], tonumber(ARGV[2])
${RedisScript.luaNow}
local found = redis.call('HMGET', key, 'run', 'state')
if found[1] ~= run or found[2] ~= 'running' then return 0 end
redis.call('HSET', key, 'until', now + lease)
if redis.call('PTTL', key) < lease then redis.call('PEXPIRE', key, lease) end
return 1
`)

const end = RedisScript.make<number>(`
local key, run, tag, ttl, next, text = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local found = redis.call('HMGET', key, 'run', 'state', 'next')
if found[1] ~= run or found[2] ~= 'running' then return 0 end
if tag == 'Undone' then
  if not found[3] then
    redis.call('DEL', key)
    return 1
  end
  redis.call('HSET', key, 'state', 'asked')
else
  redis.call('HDEL', key, 'text', 'next')
  redis.call('HSET', key, 'state', string.lower(tag))
  if text then redis.call('HSET', key, 'text', text) end
  if tag == 'Asked' then redis.call('HSET', key, 'next', next) end
end
redis.call('PEXPIRE', key, ttl)
return 1
`)
