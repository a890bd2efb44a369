/** What the stores in Redis have in common. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redis from "effect/persistence/Redis"
import * as SessionError from "../SessionError.ts"

/** Lua that names the time of the server in milliseconds `now`: the clocks of the processes have no say. */
export const luaNow = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** Lua that gives an index of keys the life of the longest of them. */
export const luaOutlive = `
local function outlive(key, life)
  if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, life) end
end
`

export interface Call {
  readonly keys: ReadonlyArray<string>
  readonly args: ReadonlyArray<string | number>
}

export type Script<A> = Redis.Script<{ readonly params: [Call]; readonly result: A }>

export const script = <A>(lua: string): Script<A> =>
  Redis.script(({ args, keys }: Call) => [...keys, ...args], { numberOfKeys: ({ keys }) => keys.length, lua })
    .withReturnType<A>()

/** A client that has lost its connection keeps commands for the next one, however long that takes. */
const patience = Duration.seconds(5)

/** What Redis does not do, or not in time, is `Unavailable`; in the second case it may still do it. */
export const available = (store: string) => <A, R>(effect: Effect.Effect<A, Redis.RedisError, R>) =>
  effect.pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () =>
        Effect.fail(new Redis.RedisError({ cause: new Error(`No answer within ${Duration.format(patience)}.`) }))
    }),
    Effect.mapError((cause) => SessionError.make(new SessionError.Unavailable({ store, cause })))
  )
