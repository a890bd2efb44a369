/** What the stores in Redis have in common: each operation is a script, and an answer is not waited for without end. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redis from "effect/persistence/Redis"
import type * as Scope from "effect/Scope"
import * as Deadlines from "../core/Deadlines.ts"

/** Lua that names the time of the server in milliseconds `now`: the clocks of the processes have no say. @category scripts @since 0.1.0 */
export const luaNow = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** Lua that gives an index of keys the life of the longest of them. @category scripts @since 0.1.0 */
export const luaOutlive = `
local function outlive(key, life)
  if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, life) end
end
`

/** @category models @since 0.1.0 */
export interface Call {
  readonly keys: ReadonlyArray<string>
  readonly args: ReadonlyArray<string | number>
}

/** @category models @since 0.1.0 */
export type Script<A> = Redis.Script<{ readonly params: [Call]; readonly result: A }>

/** @category constructors @since 0.1.0 */
export const make = <A>(lua: string): Script<A> =>
  Redis.script(({ args, keys }: Call) => [...keys, ...args], { numberOfKeys: ({ keys }) => keys.length, lua })
    .withReturnType<A>()

/** A client that has lost its connection keeps commands for the next one, however long that takes. */
const patience = Duration.seconds(5)

/**
 * What Redis does not do, or not in time, becomes the error of the store; in the second case it may still do it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const available = <Unavailable>(
  store: string,
  unavailable: (store: string, cause: Redis.RedisError) => Unavailable
): Effect.Effect<
  <A, R>(effect: Effect.Effect<A, Redis.RedisError, R>) => Effect.Effect<A, Unavailable, R>,
  never,
  Scope.Scope
> =>
  Effect.map(Deadlines.make, (deadlines) => (effect) =>
    Effect.mapError(
      Deadlines.timeoutOrElse(effect, {
        deadlines,
        duration: patience,
        orElse: () =>
          Effect.fail(new Redis.RedisError({ cause: new Error(`No answer within ${Duration.format(patience)}.`) }))
      }),
      (cause) => unavailable(store, cause)
    ))
