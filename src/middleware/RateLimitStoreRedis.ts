/**
 * Rate limits that are counted in Redis, together by every process that has it, by the clock of Redis. Each take is one
 * script, which Redis runs as one step, of one key.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as RedisScript from "../storage/RedisScript.ts"
import * as StoredText from "../storage/StoredText.ts"
import { parts } from "./internal/rules.ts"
import * as RateLimitStore from "./RateLimitStore.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What every key begins with. `fastmcp:`. */
  readonly prefix?: string
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<RateLimitStore.RateLimitStore, never, Redis.Redis> =>
  Layer.effect(
    RateLimitStore.RateLimitStore,
    Effect.gen(function*() {
      const { prefix = "fastmcp:" } = options
      const redis = yield* Redis.Redis
      const ask = yield* RedisScript.available(
        "rate limits",
        (_, cause) => new RateLimitStore.RateLimitUnavailable({ cause })
      )
      return {
        take: (key, { algorithm, burst, limit, windowMillis }, cost) =>
          Effect.map(
            ask(
              redis.eval(scripts[algorithm])({
                keys: [`${prefix}rate:${StoredText.of(key)}`],
                args: [limit, windowMillis, cost, burst]
              })
            ),
            ([isTaken, remaining, retryAfter]) => ({ isTaken: isTaken === 1, remaining, retryAfter })
          )
      }
    })
  )

type Answer = readonly [isTaken: number, remaining: number, retryAfter: number]

const script = (lua: string) =>
  RedisScript.make<Answer>(`
local key = KEYS[1]
local limit, window, cost, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
${lua}`)

// The same as `internal/rules.ts`.
const scripts: { readonly [algorithm in RateLimitStore.Algorithm]: RedisScript.Script<Answer> } = {
  "fixed-window": script(`
local count = tonumber(redis.call('GET', key) or 0)
if count + cost > limit then
  return {0, math.max(0, limit - count), math.max(1, redis.call('PTTL', key))}
end
redis.call('INCRBY', key, cost)
if count == 0 then redis.call('PEXPIRE', key, window) end
return {1, limit - count - cost, 0}
`),
  "sliding-window": script(`
${RedisScript.luaNow}
local part = math.ceil(window / ${parts})
local found = redis.call('HGETALL', key)
local current = math.floor(now / part)
local sum, counts = 0, {}
for index = 1, #found, 2 do
  local number = tonumber(found[index])
  current = math.max(current, number)
  counts[number] = tonumber(found[index + 1])
end
for number, count in pairs(counts) do
  if number < current - ${parts} then redis.call('HDEL', key, number) else sum = sum + count end
end
if sum + cost <= limit then
  redis.call('HINCRBY', key, current, cost)
  redis.call('PEXPIRE', key, (current + ${parts + 1}) * part - now)
  return {1, limit - sum - cost, 0}
end
local left, number = sum, current - ${parts + 1}
while left + cost > limit do
  number = number + 1
  left = left - (counts[number] or 0)
end
return {0, math.max(0, limit - sum), math.max(1, (number + ${parts + 1}) * part - now)}
`),
  "token-bucket": script(`
${RedisScript.luaNow}
local found = redis.call('HMGET', key, 'at', 'used')
local last = tonumber(found[1] or now)
local at = math.max(last, now)
local used = math.max(0, tonumber(found[2] or 0) - (at - last) * limit / window)
if used + cost > burst + 0.000001 then
  return {0, math.max(0, math.floor(burst - used + 0.000001)), math.max(1, math.ceil((used + cost - burst) * window / limit))}
end
used = math.min(burst, used + cost)
redis.call('HSET', key, 'at', at, 'used', string.format('%.17g', used))
redis.call('PEXPIRE', key, math.ceil(used * window / limit) + at - now + 1)
return {1, math.floor(burst - used + 0.000001), 0}
`)
}
