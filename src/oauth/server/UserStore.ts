/** The users that log in with a password, and how they are changed. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as OAuthStoreError from "./OAuthStoreError.ts"

/** @category models @since 0.1.0 */
export interface User {
  /** The same for all time, and nobody else's, also when they are gone: no name and no mail address. */
  readonly subject: string
  /** What they type. Small and capital letters are the same. */
  readonly username: string
  /** Of `PasswordHash`. */
  readonly passwordHash: string
  /** What to call them. */
  readonly name?: string
  /** What else is told of them, as OpenID Connect names it: `email`, `picture`, ... */
  readonly claims?: { readonly [claim: string]: unknown }
}

/** What a login needs; a directory that the company has already can be it. @category services @since 0.1.0 */
export class UserStore extends Context.Service<UserStore, {
  readonly find: (username: string) => Effect.Effect<User | undefined, OAuthStoreError.OAuthStoreError>
  readonly get: (subject: string) => Effect.Effect<User | undefined, OAuthStoreError.OAuthStoreError>
  /** Another hash of the same password, unless the user has another password since. */
  readonly rehash: (user: User, passwordHash: string) => Effect.Effect<void, OAuthStoreError.OAuthStoreError>
}>()("fastmcp-effect/oauth/server/UserStore") {}

/** For whoever looks after the users. @category services @since 0.1.0 */
export class UserEditor extends Context.Service<UserEditor, {
  /** False where the subject or the username is taken. */
  readonly add: (user: User) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
  /** Whoever has this subject; false where nobody has, or the username is somebody else's. */
  readonly replace: (user: User) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
  /** Ends no login: what they have let in stays in until its time is over. False where there is nobody. */
  readonly remove: (subject: string) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
}>()("fastmcp-effect/oauth/server/UserStore/UserEditor") {}

/** A username as it is compared. @category comparing @since 0.1.0 */
export const fold = (username: string): string => username.trim().normalize("NFKC").toLowerCase().normalize("NFKC")

/**
 * Two of the same subject or username are a defect. What is changed lasts as long as the layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (users: ReadonlyArray<User> = []): Layer.Layer<UserStore | UserEditor> =>
  Layer.effectContext(Effect.gen(function*() {
    const kept = new Map<string, User>()
    const find = (username: string) => {
      const folded = fold(username)
      return [...kept.values()].find((user) => fold(user.username) === folded)
    }
    const add = (user: User) => {
      if (kept.has(user.subject) || find(user.username) !== undefined) return false
      kept.set(user.subject, user)
      return true
    }
    for (const user of users) {
      if (!add(user)) return yield* Effect.die(new Error(`There are two users ${user.username}, or two of a subject.`))
    }
    return Context.make(UserStore, {
      find: (username) => Effect.sync(() => find(username)),
      get: (subject) => Effect.sync(() => kept.get(subject)),
      rehash: ({ passwordHash, subject }, next) =>
        Effect.sync(() => {
          const user = kept.get(subject)
          if (user?.passwordHash === passwordHash) kept.set(subject, { ...user, passwordHash: next })
        })
    }).pipe(Context.add(UserEditor, {
      add: (user) => Effect.sync(() => add(user)),
      replace: (user) =>
        Effect.sync(() => {
          const other = find(user.username)
          if (!kept.has(user.subject) || (other !== undefined && other.subject !== user.subject)) return false
          kept.set(user.subject, user)
          return true
        }),
      remove: (subject) => Effect.sync(() => kept.delete(subject))
    }))
  }))
