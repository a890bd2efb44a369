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
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Identity from "../context/Identity.ts"
import type * as Admission from "../transport/Admission.ts"
import type * as AuthError from "./AuthError.ts"
import type * as Caller from "./Caller.ts"
import * as hashing from "./internal/hashing.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Most tokens of one purpose; one more, and one that was not used for long is dropped. 10,000. */
  readonly capacity?: number
  /** 60 seconds, which is also the most. */
  readonly timeToLive?: Duration.Input
}

/** @category models @since 0.1.0 */
export interface Question {
  /** As it was sent. */
  readonly token: string
  /** What it is verified for; what is good for one purpose is not known for another. */
  readonly purpose: string
  /** Asked where nothing is known. */
  readonly verify: (token: Redacted.Redacted) => Effect.Effect<Caller.Caller, AuthError.AuthError>
  readonly sha256?: Admission.Sha256 | undefined
}

/** @category services @since 0.1.0 */
export class TokenCache extends Context.Service<TokenCache, {
  /** The caller of a token. One that is known is there at once, as an `Exit`, where there is a `sha256`. */
  readonly find: (question: Question) => Effect.Effect<Caller.Caller, AuthError.AuthError>
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
    const purposes = new Map<string, Map<string, Entry>>()
    /** Counts what was dropped: what began to be verified before that is not kept. */
    let drops = 0

    const keep = (purpose: string, hashed: string, caller: Caller.Caller) => {
      const now = clock.currentTimeMillisUnsafe()
      const until = Math.min(now + life, caller.expiresAt)
      if (until <= now) return
      let entries = purposes.get(purpose)
      if (entries === undefined) purposes.set(purpose, entries = new Map())
      entries.delete(hashed)
      entries.set(hashed, { known: Exit.succeed(caller), identity: caller.identity, until, usedAt: now })
      if (entries.size > capacity) entries.delete(entries.keys().next().value!)
    }

    const look = (
      { purpose, token, verify }: Question,
      hashed: string
    ): Effect.Effect<Caller.Caller, AuthError.AuthError> => {
      const entries = purposes.get(purpose)
      const entry = entries?.get(hashed)
      if (entry !== undefined) {
        const now = clock.currentTimeMillisUnsafe()
        if (now < entry.until) {
          if (now - entry.usedAt >= 1000) {
            entry.usedAt = now
            entries!.delete(hashed)
            entries!.set(hashed, entry)
          }
          return entry.known
        }
        entries!.delete(hashed)
      }
      const before = drops
      return Effect.map(verify(Redacted.make(token, { label: "token" })), (caller) => {
        if (drops === before) keep(purpose, hashed, caller)
        return caller
      })
    }

    const dropIf = (predicate: (hashed: string, identity: Identity.Identity) => boolean) => {
      drops++
      for (const entries of purposes.values()) {
        for (const [hashed, { identity }] of entries) if (predicate(hashed, identity)) entries.delete(hashed)
      }
    }

    return {
      find: (question) => {
        const { sha256, token } = question
        return sha256 === undefined
          ? Effect.flatMap(hash(token), (hashed) => look(question, hashed))
          : look(question, sha256(token))
      },
      drop: (token) =>
        Effect.flatMap(hash(Redacted.value(token)), (dropped) =>
          Effect.sync(() => dropIf((hashed) => hashed === dropped))),
      dropWhere: (predicate) =>
        Effect.sync(() => dropIf((_, identity) => predicate(identity)))
    }
  })

/** @category layers @since 0.1.0 */
export const layer = (options?: Options): Layer.Layer<TokenCache> => Layer.effect(TokenCache, make(options))

interface Entry {
  readonly known: Exit.Exit<Caller.Caller>
  readonly identity: Identity.Identity
  readonly until: number
  /** To the second: among so many tokens nothing finer is worth the move. */
  usedAt: number
}
