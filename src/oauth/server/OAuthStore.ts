/**
 * What an authorization server keeps: codes, refresh tokens, logins, clients that registered. Each operation is one step,
 * also between processes, for what may be used once must not be used twice by two that come at the same moment.
 *
 * Secrets are known to the store by their hashes alone, so whoever reads it cannot use what is in it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as OAuthStoreError from "./OAuthStoreError.ts"

/** @category models @since 0.1.0 */
export interface Key {
  /** What it is: `code`, `refresh`, `client`, ... Kinds do not see each other. */
  readonly kind: string
  /** Which one: the hash of a secret, or an id that is none. One that is kept has at most 500 characters. */
  readonly id: string
}

/** @category models @since 0.1.0 */
export interface Entry {
  /** JSON or the like: without U+0000 and lone surrogates, which not every database keeps. */
  readonly data: string
  /**
   * The id of the grant it belongs to: the entry is gone when that one is (a `grant` entry of this id, which itself
   * belongs to none). Such an id must not be used again.
   */
  readonly grant?: string | undefined
  /** Unix milliseconds; `Infinity` for never. */
  readonly expiresAt: number
}

/**
 * `Used`: somebody has taken it, and its time is not over. That it comes a second time says that it was stolen, and the
 * grant says what has to end for it. With what `get` finds comes the entry of its grant.
 *
 * @category models
 * @since 0.1.0
 */
export type Found =
  | { readonly _tag: "Live"; readonly entry: Entry; readonly grantEntry?: Entry }
  | { readonly _tag: "Used"; readonly grant: string | undefined }
  | { readonly _tag: "Absent" }

/** @category models @since 0.1.0 */
export const absent: Found = { _tag: "Absent" }

/** The kind of entry that others belong to. @category models @since 0.1.0 */
export const grantKind = "grant"

/** @category services @since 0.1.0 */
export class OAuthStore extends Context.Service<OAuthStore, {
  /** Whether other processes see what is written here. */
  readonly isShared: boolean
  /** Keeps it, unless there is one of this key whose time is not over (used ones count), or its grant is no more: false. */
  readonly putOnce: (key: Key, entry: Entry) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
  readonly get: (key: Key) => Effect.Effect<Found, OAuthStoreError.OAuthStoreError>
  /**
   * Uses it up: `Live` for the one who did, once. In the same step the entries of `next` are kept, and only then. Where
   * there is one of their keys already nothing is done at all, which is a defect, for keys are not chosen by anybody.
   */
  readonly takeOnce: (
    key: Key,
    next?: ReadonlyArray<readonly [key: Key, entry: Entry]>
  ) => Effect.Effect<Found, OAuthStoreError.OAuthStoreError>
  /** Writes another entry in its place if its data still is `data`; false otherwise. */
  readonly replace: (key: Key, data: string, entry: Entry) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
  /** Leaves no trace of it, used or not; false where there was none, of two that race for one of them. */
  readonly remove: (key: Key) => Effect.Effect<boolean, OAuthStoreError.OAuthStoreError>
  /**
   * Ends a grant, and with it all that belongs to it, also what is being written at this moment: that is kept in vain.
   * What was about to be taken may still be, so whoever takes asks for the grant afterwards.
   */
  readonly endGrant: (id: string) => Effect.Effect<void, OAuthStoreError.OAuthStoreError>
  /** How often this key has been counted since its window began, this time included; the first time begins it. */
  readonly count: (key: Key, windowMillis: number) => Effect.Effect<number, OAuthStoreError.OAuthStoreError>
}>()("fastmcp-effect/oauth/server/OAuthStore") {}

/** @category models @since 0.1.0 */
export interface MemoryOptions {
  /** Entries at one time; one more is refused with `Full`, for letting another go might be what somebody is after. 100,000. */
  readonly maxEntries?: number
}

interface Kept {
  readonly entry: Entry
  isUsed: boolean
}

const grantOf = ({ kind }: Key, { grant }: Entry): string | undefined => kind === grantKind ? undefined : grant

/**
 * In the memory of this process, for as long as the layer lives: a restart ends all logins. For tests, and for trying
 * things out.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = ({ maxEntries = 100_000 }: MemoryOptions = {}): Layer.Layer<OAuthStore> =>
  Layer.effect(
    OAuthStore,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const kept = new Map<string, Kept>()
      const ofGrant = new Map<string, Set<string>>()
      const counts = new Map<string, { count: number; readonly until: number }>()
      /** Nothing is over before. */
      let earliest = Infinity

      const nameOf = ({ id, kind }: Key) => `${encodeURIComponent(kind)} ${id}`
      const nameOfGrant = (id: string) => nameOf({ kind: grantKind, id })
      const isOver = (until: number) => until <= clock.currentTimeMillisUnsafe()

      const drop = (name: string) => {
        const { grant } = kept.get(name)!.entry
        kept.delete(name)
        if (grant === undefined) return
        const siblings = ofGrant.get(grant)!
        siblings.delete(name)
        if (siblings.size === 0) ofGrant.delete(grant)
      }

      const dropGrant = (id: string) => {
        for (const sibling of [...ofGrant.get(id) ?? []]) drop(sibling)
        const name = nameOfGrant(id)
        if (kept.has(name)) drop(name)
      }

      /** One whose time is not over and whose grant is there. */
      const find = (name: string): Kept | undefined => {
        const found = kept.get(name)
        if (found === undefined) return undefined
        const { expiresAt, grant } = found.entry
        if (!isOver(expiresAt) && (grant === undefined || hasGrant(grant))) return found
        drop(name)
        return undefined
      }

      const hasGrant = (id: string): boolean => find(nameOfGrant(id)) !== undefined

      const write = (key: Key, entry: Entry) => {
        const name = nameOf(key)
        if (kept.has(name)) drop(name)
        const { data, expiresAt } = entry
        const grant = grantOf(key, entry)
        kept.set(name, { entry: { data, ...grant !== undefined && { grant }, expiresAt }, isUsed: false })
        earliest = Math.min(earliest, grant === undefined || hasGrant(grant) ? expiresAt : 0)
        if (grant === undefined) return
        const siblings = ofGrant.get(grant)
        if (siblings === undefined) ofGrant.set(grant, new Set([name]))
        else siblings.add(name)
      }

      const forgetOver = () => {
        earliest = Infinity
        for (const name of [...kept.keys()]) {
          earliest = Math.min(earliest, find(name)?.entry.expiresAt ?? Infinity)
        }
        for (const [name, { until }] of counts) {
          if (isOver(until)) counts.delete(name)
          else earliest = Math.min(earliest, until)
        }
      }

      /**
       * Runs `change` where there is room for so many more. What was found before is so still: a fiber gives way between
       * effects, and there is none in between.
       */
      const withRoom = <A>(count: number, change: () => A): Effect.Effect<A, OAuthStoreError.OAuthStoreError> => {
        const isFull = () => kept.size + counts.size + count > maxEntries
        // Not each time somebody is refused: that would be work for nothing, as much as there are entries.
        if (isFull() && isOver(earliest)) forgetOver()
        return isFull()
          ? Effect.fail(OAuthStoreError.make(new OAuthStoreError.Full({ maximum: maxEntries })))
          : Effect.succeed(change())
      }

      const describe = ({ entry, isUsed }: Kept): Found =>
        isUsed ? { _tag: "Used", grant: entry.grant } : { _tag: "Live", entry }

      return {
        isShared: false,
        putOnce: (key, entry) =>
          Effect.suspend(() => {
            const name = nameOf(key)
            const grant = grantOf(key, entry)
            if (find(name) !== undefined || (grant !== undefined && !hasGrant(grant))) return Effect.succeed(false)
            return withRoom(1, () => {
              write(key, entry)
              return true
            })
          }),
        get: (key) =>
          Effect.sync(() => {
            const found = find(nameOf(key))
            if (found === undefined) return absent
            const { grant } = found.entry
            const was = describe(found)
            return was._tag === "Live" && grant !== undefined
              ? { ...was, grantEntry: find(nameOfGrant(grant))!.entry }
              : was
          }),
        takeOnce: (key, next = []) =>
          Effect.suspend(() => {
            const found = find(nameOf(key))
            if (found === undefined) return Effect.succeed(absent)
            const was = describe(found)
            if (found.isUsed) return Effect.succeed(was)
            const names = next.map(([key]) => nameOf(key))
            if (names.some((name, index) => find(name) !== undefined || names.indexOf(name) < index)) {
              return Effect.die(new Error("There is an entry of this key."))
            }
            return withRoom(next.length, () => {
              found.isUsed = true
              for (const [key, entry] of next) write(key, entry)
              return was
            })
          }),
        replace: (key, data, entry) =>
          Effect.sync(() => {
            const found = find(nameOf(key))
            if (found === undefined || found.isUsed || found.entry.data !== data) return false
            write(key, entry)
            return true
          }),
        remove: (key) =>
          Effect.sync(() => {
            const name = nameOf(key)
            if (find(name) === undefined) return false
            if (key.kind === grantKind) dropGrant(key.id)
            else drop(name)
            return true
          }),
        endGrant: (id) => Effect.sync(() => dropGrant(id)),
        count: (key, windowMillis) =>
          Effect.suspend(() => {
            const name = nameOf(key)
            const found = counts.get(name)
            if (found !== undefined && !isOver(found.until)) return Effect.succeed(++found.count)
            return withRoom(found === undefined ? 1 : 0, () => {
              const until = clock.currentTimeMillisUnsafe() + windowMillis
              counts.set(name, { count: 1, until })
              earliest = Math.min(earliest, until)
              return 1
            })
          })
      }
    })
  )
