/**
 * Tokens that have been verified a moment ago, so that a caller with a hundred requests is verified once. It keeps the
 * hash of a token, never a token; for a minute at most, and never beyond the token's own end.
 *
 * What is revoked in this program is to be dropped here, and is asked about again. What is revoked elsewhere is noticed
 * within `timeToLive`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Identity from "../context/Identity.ts"
import type * as AuthError from "./AuthError.ts"
import type * as Caller from "./Caller.ts"
import * as hashing from "./internal/hashing.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Most tokens; one more, and the one that was not used for longest is dropped. 10,000. */
  readonly capacity?: number
  /** 60 seconds, which is also the most. */
  readonly timeToLive?: Duration.Input
}

/** @category services @since 0.1.0 */
export class TokenCache extends Context.Service<TokenCache, {
  /** The caller of a token, by `verify` where that is not known. `purpose` keeps apart what it was verified for. */
  readonly find: (
    token: Redacted.Redacted,
    purpose: string,
    verify: Effect.Effect<Caller.Caller, AuthError.AuthError>
  ) => Effect.Effect<Caller.Caller, AuthError.AuthError>
  /** Forgets a token. */
  readonly drop: (token: Redacted.Redacted) => Effect.Effect<void>
  /** Forgets the tokens of some callers: of a user who was locked out, of a client that was removed. */
  readonly dropWhere: (predicate: (identity: Identity.Identity) => boolean) => Effect.Effect<void>
}>()("fastmcp-effect/auth/TokenCache") {}

/** @category constructors @since 0.1.0 */
export const make = (options: Options = {}): Effect.Effect<TokenCache["Service"]> =>
  Effect.gen(function*() {
    const { capacity = 10_000 } = options
    const life = Math.min(Duration.toMillis(Duration.fromInputUnsafe(options.timeToLive ?? "60 seconds")), 60_000)
    const clock = yield* Clock.Clock
    const hash = yield* hashing.make
    const entries = new Map<string, Entry>()
    /** Counts what was dropped: what began to be verified before that is not kept. */
    let drops = 0

    const keep = (key: string, caller: Caller.Caller) => {
      const now = clock.currentTimeMillisUnsafe()
      const until = Math.min(now + life, caller.expiresAt)
      if (until <= now) return
      entries.delete(key)
      entries.set(key, { caller, until })
      if (entries.size > capacity) entries.delete(entries.keys().next().value!)
    }

    const dropIf = (predicate: (key: string, entry: Entry) => boolean) => {
      drops++
      for (const [key, entry] of entries) if (predicate(key, entry)) entries.delete(key)
    }

    return {
      find: (token, purpose, verify) =>
        Effect.flatMap(hash(token), (hashed) => {
          const key = `${hashed} ${purpose}`
          const found = entries.get(key)
          if (found !== undefined) {
            entries.delete(key)
            if (clock.currentTimeMillisUnsafe() < found.until) {
              entries.set(key, found)
              return Effect.succeed(found.caller)
            }
          }
          const before = drops
          return Effect.map(verify, (caller) => {
            if (drops === before) keep(key, caller)
            return caller
          })
        }),
      drop: (token) =>
        Effect.flatMap(hash(token), (hashed) => Effect.sync(() => dropIf((key) => key.startsWith(`${hashed} `)))),
      dropWhere: (predicate) => Effect.sync(() => dropIf((_, { caller }) => predicate(caller.identity)))
    }
  })

/** @category layers @since 0.1.0 */
export const layer = (options?: Options): Layer.Layer<TokenCache> => Layer.effect(TokenCache, make(options))

interface Entry {
  readonly caller: Caller.Caller
  readonly until: number
}
