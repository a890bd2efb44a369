/**
 * Results in Redis, shared by every process that has it: what one of them forgets, all of them have forgotten when it is
 * done. While Redis does not answer there is nothing in the cache. Times are by the clock of Redis, and each operation is
 * one script, which Redis runs as one step.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as RedisScript from "../storage/RedisScript.ts"
import * as CacheStore from "./CacheStore.ts"
import * as limits from "./internal/limits.ts"
import * as sharedCache from "./internal/sharedCache.ts"

/** @category models @since 0.1.0 */
export interface Options extends CacheStore.Options {
  /**
   * What every key begins with. Of one server: those that differ would answer with each other's results. In a Redis
   * Cluster it has a part in braces, for all keys must be in one place. `fastmcp:`.
   */
  readonly prefix?: string
}

/**
 * Of all results the least recently used has to make room; hits, misses and evictions are counted for this process. Where
 * Redis itself makes room and takes a part of the cache, nothing of the cache is used any more.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<CacheStore.CacheStore, never, Redis.Redis> =>
  Layer.effect(
    CacheStore.CacheStore,
    Effect.gen(function*() {
      const { prefix = "fastmcp:" } = options
      const most = limits.of(options)
      const redis = yield* Redis.Redis
      const keys = ["texts", "about", "used", "ends", "tags", "state"].map((part) => `${prefix}cache:${part}`)
      const run = <A>(script: RedisScript.Script<A>, ...args: ReadonlyArray<string | number>) =>
        redis.eval(script)({ keys, args })

      return yield* sharedCache.make("in Redis", most, {
        get: (id, key) =>
          Effect.map(run(get, id, key), ([epoch, age = 0, text]) => ({ text, age, epoch: Number(epoch) })),
        put: ({ id, key, size, tags, text, ttlMillis }, epoch) =>
          run(
            put,
            id,
            key,
            text,
            size,
            Math.ceil(Math.min(ttlMillis, longest)),
            epoch,
            most.maxEntries,
            most.maxBytes,
            ...tags
          ),
        invalidate: (tags) => Effect.asVoid(run(invalidate, ...tags)),
        statistics: Effect.map(run(statistics), ([entries, bytes]) => ({ entries, bytes }))
      })
    })
  )

/** Milliseconds: ten years. */
const longest = 315_360_000_000

/**
 * An entry is in all of the first five: its text, what else there is to know of it, when it was used last, when it is
 * over, and its tags, each with the entry's name behind it.
 */
const script = <A>(lua: string) =>
  RedisScript.make<A>(`
local texts, about, used, ends, tags, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
${RedisScript.luaNow}${RedisScript.luaOutlive}
local function reset()
  redis.call('DEL', texts, about, used, ends, tags)
  redis.call('HSET', state, 'bytes', 0)
end

local function epoch()
  local found = redis.call('HGET', state, 'epoch')
  if found then return found end
  found = string.format('%.0f', now)
  redis.call('HSET', state, 'epoch', found)
  return found
end

-- Never one that has been: the state may have been lost meanwhile.
local function begin()
  redis.call('HSET', state, 'epoch', string.format('%.0f', math.max(tonumber(epoch()) + 1, now)))
end

local function forget(id)
  local found = redis.call('HGET', about, id)
  if not found then return end
  local entry = cjson.decode(found)
  redis.call('HDEL', texts, id)
  redis.call('HDEL', about, id)
  redis.call('ZREM', used, id)
  redis.call('ZREM', ends, id)
  for _, tag in ipairs(entry.tags) do redis.call('ZREM', tags, tag .. ' ' .. id) end
  redis.call('HINCRBY', state, 'bytes', -entry.size)
end

local function use(id)
  redis.call('ZADD', used, redis.call('HINCRBY', state, 'uses', 1), id)
end

local parts = redis.call('EXISTS', texts, about, used, ends, tags)
if parts == 0 then
  redis.call('HSET', state, 'bytes', 0)
elseif parts < 5 or not redis.call('HGET', state, 'bytes') then
  reset()
  begin()
end
${lua}`)

const get = script<readonly [epoch: string, age?: number, text?: string]>(`
local id, key = ARGV[1], ARGV[2]
local found = redis.call('HGET', about, id)
if not found then return {epoch()} end
local entry = cjson.decode(found)
if entry.key ~= key then return {epoch()} end
if tonumber(redis.call('ZSCORE', ends, id)) <= now then
  forget(id)
  return {epoch()}
end
use(id)
return {epoch(), math.max(0, now - entry.at), redis.call('HGET', texts, id)}
`)

const put = script<number>(`
local id, key, text = ARGV[1], ARGV[2], ARGV[3]
local size, ttl, begun = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local maxEntries, maxBytes = tonumber(ARGV[7]), tonumber(ARGV[8])
if epoch() ~= begun then return 0 end
forget(id)
for _, over in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 100)) do forget(over) end
local evicted = 0
while redis.call('ZCARD', used) >= maxEntries or tonumber(redis.call('HGET', state, 'bytes')) + size > maxBytes do
  local oldest = redis.call('ZRANGE', used, 0, 0)[1]
  if not oldest then break end
  forget(oldest)
  evicted = evicted + 1
end
local own = {}
-- Without any it has one that nobody asks for, so that it is in all parts.
for index = 9, math.max(9, #ARGV) do own[#own + 1] = ARGV[index] or '' end
redis.call('HSET', texts, id, text)
redis.call('HSET', about, id, cjson.encode({key = key, at = now, size = size, tags = own}))
redis.call('ZADD', ends, now + ttl, id)
for _, tag in ipairs(own) do redis.call('ZADD', tags, 0, tag .. ' ' .. id) end
use(id)
redis.call('HINCRBY', state, 'bytes', size)
for _, part in ipairs({texts, about, used, ends, tags}) do outlive(part, ttl) end
return evicted
`)

const invalidate = script<null>(`
begin()
if #ARGV == 0 then reset() end
for _, tag in ipairs(ARGV) do
  for _, member in ipairs(redis.call('ZRANGEBYLEX', tags, '[' .. tag .. ' ', '(' .. tag .. '!')) do
    forget(string.sub(member, #tag + 2))
  end
end
`)

const statistics = script<readonly [entries: number, bytes: number]>(`
for _, over in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now)) do forget(over) end
return {redis.call('ZCARD', used), tonumber(redis.call('HGET', state, 'bytes'))}
`)
