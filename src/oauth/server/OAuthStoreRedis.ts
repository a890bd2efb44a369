/**
 * What an authorization server keeps, in Redis, for every process that has it. Redis itself lets go of what is over, by
 * its own clock; each operation is one script, which Redis runs as one step. In a cluster the prefix has to hold a hash
 * tag, `{fastmcp}:`, for an entry and its grant are looked at together.
 *
 * What Redis evicts for want of memory, or loses with a machine, can be used once more: it should do neither. What
 * belonged to a grant that has ended is never seen again, and leaves when its own time is over.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Millis from "../../storage/Millis.ts"
import * as RedisScript from "../../storage/RedisScript.ts"
import * as OAuthStore from "./OAuthStore.ts"
import * as StoreText from "./storeText.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** What every key begins with. `fastmcp:`. */
  readonly prefix?: string
}

/** @category layers @since 0.1.0 */
export const layer = (options: Options = {}): Layer.Layer<OAuthStore.OAuthStore, never, Redis.Redis> =>
  Layer.effect(
    OAuthStore.OAuthStore,
    Effect.gen(function*() {
      const { prefix = "fastmcp:" } = options
      const redis = yield* Redis.Redis
      const ask = yield* RedisScript.available("store of the authorization server", StoreText.unavailable)
      const nameOf = ({ id, kind }: OAuthStore.Key) => `${encodeURIComponent(kind)}:${StoreText.ofId(id)}`
      const keyOf = (key: OAuthStore.Key) => `${prefix}oauth:${nameOf(key)}`
      /** The key of a grant but for its id. */
      const grants = keyOf({ kind: OAuthStore.grantKind, id: "" })

      /** With the key of the grant, which is empty for none. */
      const argsOf = (key: OAuthStore.Key, entry: OAuthStore.Entry, now: number) => {
        const grant = StoreText.ofGrant(key, entry)
        const expiresAt = StoreText.ofTime(entry.expiresAt)
        return [entry.data, grant === undefined ? "" : grants + grant, expiresAt, Math.ceil(expiresAt - now)]
      }

      const grantOf = (key: string) => key === "" ? null : key.slice(grants.length)

      const describe = (answer: Answer): OAuthStore.Found => {
        if (answer === null) return OAuthStore.absent
        const [used, grantKey, data, expiresAt, grantData, grantExpiresAt] = answer
        const grant = grantOf(grantKey)
        if (used === "1") return { _tag: "Used", grant: grant === null ? undefined : StoreText.toId(grant) }
        const entry = StoreText.entryOf({ data, grant, expiresAt: Number(expiresAt) })
        return grantData === undefined
          ? { _tag: "Live", entry }
          : {
            _tag: "Live",
            entry,
            grantEntry: StoreText.entryOf({ data: grantData, grant: null, expiresAt: Number(grantExpiresAt) })
          }
      }

      return {
        isShared: true,
        putOnce: (key, entry) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            return (yield* ask(redis.eval(putOnce)({ keys: [keyOf(key)], args: argsOf(key, entry, now) }))) === 1
          }),
        get: (key) => Effect.map(ask(redis.eval(get)({ keys: [keyOf(key)], args: [] })), describe),
        takeOnce: (key, next = []) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            const answer = yield* ask(
              redis.eval(takeOnce)({
                keys: [keyOf(key), ...next.map(([key]) => keyOf(key))],
                args: next.flatMap(([key, entry]) => argsOf(key, entry, now))
              })
            )
            return answer === "taken" ? yield* StoreText.taken : describe(answer)
          }),
        replace: (key, data, entry) =>
          Effect.gen(function*() {
            const now = yield* Clock.currentTimeMillis
            const args = [...argsOf(key, entry, now), data]
            return (yield* ask(redis.eval(replace)({ keys: [keyOf(key)], args }))) === 1
          }),
        remove: (key) => Effect.map(ask(redis.eval(remove)({ keys: [keyOf(key)], args: [] })), (count) => count === 1),
        endGrant: (id) => Effect.asVoid(ask(redis.send("DEL", grants + StoreText.ofId(id)))),
        count: (key, windowMillis) =>
          ask(redis.eval(count)({ keys: [`${prefix}oauth-count:${nameOf(key)}`], args: [Millis.of(windowMillis)] }))
      }
    })
  )

type Answer =
  | readonly [
    used: "0" | "1",
    grantKey: string,
    data: string,
    expiresAt: string,
    grantData?: string,
    grantExpiresAt?: string
  ]
  | null

/** An entry is a hash, and there for as long as its grant is. */
const luaEntry = `
local function read(key)
  local entry = redis.call('HMGET', key, 'used', 'grant', 'data', 'expiresAt')
  if not entry[1] then return false end
  if entry[2] ~= '' and redis.call('EXISTS', entry[2]) == 0 then return false end
  return entry
end
local function write(key, first)
  redis.call('DEL', key)
  redis.call('HSET', key, 'used', 0, 'data', ARGV[first], 'grant', ARGV[first + 1], 'expiresAt', ARGV[first + 2])
  redis.call('PEXPIRE', key, ARGV[first + 3])
end
`

const putOnce = RedisScript.make<number>(`
${luaEntry}
if read(KEYS[1]) then return 0 end
if ARGV[2] ~= '' and redis.call('EXISTS', ARGV[2]) == 0 then return 0 end
write(KEYS[1], 1)
return 1
`)

const get = RedisScript.make<Answer>(`
${luaEntry}
local entry = read(KEYS[1])
if not entry or entry[2] == '' then return entry end
local grant = redis.call('HMGET', entry[2], 'data', 'expiresAt')
return {entry[1], entry[2], entry[3], entry[4], grant[1], grant[2]}
`)

const takeOnce = RedisScript.make<Answer | "taken">(`
${luaEntry}
local entry = read(KEYS[1])
if not entry or entry[1] == '1' then return entry end
local seen = {}
for i = 2, #KEYS do
  if seen[KEYS[i]] or read(KEYS[i]) then return 'taken' end
  seen[KEYS[i]] = true
end
redis.call('HSET', KEYS[1], 'used', 1)
for i = 2, #KEYS do write(KEYS[i], (i - 2) * 4 + 1) end
return entry
`)

const replace = RedisScript.make<number>(`
${luaEntry}
local entry = read(KEYS[1])
if not entry or entry[1] == '1' or entry[3] ~= ARGV[5] then return 0 end
write(KEYS[1], 1)
return 1
`)

const remove = RedisScript.make<number>(`
${luaEntry}
local isThere = read(KEYS[1])
redis.call('DEL', KEYS[1])
return isThere and 1 or 0
`)

const count = RedisScript.make<number>(`
local uses = redis.call('INCR', KEYS[1])
if uses == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return uses
`)
