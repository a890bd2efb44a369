/**
 * Where the entries of a catalogue are kept, and how they are written: by several at once, each of whom says what they
 * have seen. In memory a catalogue is one process's; in a database (`CatalogueStoreSql`) every node serves the same.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import * as writing from "./catalogue/writing.ts"
import type * as CatalogueEntry from "./CatalogueEntry.ts"
import type * as CatalogueError from "./CatalogueError.ts"

/**
 * An entry as it is kept, with the number of its version; or what is wrong with it, where something else than a store
 * has written it, or a version of this program that knows more.
 *
 * @category models
 * @since 0.1.0
 */
export type Kept =
  & CatalogueEntry.Key
  & { readonly version: number }
  & (
    | { readonly entry: CatalogueEntry.Entry; readonly fault?: never }
    | { readonly entry?: never; readonly fault: string }
  )

/** @category models @since 0.1.0 */
export interface Seen {
  /** What the caller takes to be the entry's version, 0 for none; whatever it is when left out. */
  readonly version?: number | undefined
}

/** @category models @since 0.1.0 */
export type Write =
  | Seen & { readonly put: CatalogueEntry.Entry; readonly remove?: never }
  | Seen & { readonly remove: CatalogueEntry.Key; readonly put?: never }

/** An entry as a change left it, undecoded; without `text` it has been removed. @category models @since 0.1.0 */
export interface Row extends CatalogueEntry.Key {
  /** Of its last change, and its version. */
  readonly revision: number
  /** In the order of lists. */
  readonly position: number
  readonly text: string | undefined
}

/** @category models @since 0.1.0 */
export interface State {
  /** The number of the last change; each change of an entry has one of its own. */
  readonly revision: number
  /** How many entries there are. */
  readonly size: number
}

/** @category services @since 0.1.0 */
export class CatalogueStore extends Context.Service<CatalogueStore, {
  /**
   * Writes an entry in the place of the one of its name, or as a new one, and gives its version. What is the same already
   * stays, with its version, and nobody hears of it. `Conflict` when somebody else was first; `Invalid` for what no
   * server could serve, whatever its handlers.
   */
  readonly put: (entry: CatalogueEntry.Entry, seen?: Seen) => Effect.Effect<number, CatalogueError.CatalogueError>
  /** Whether it was there. */
  readonly remove: (key: CatalogueEntry.Key, seen?: Seen) => Effect.Effect<boolean, CatalogueError.CatalogueError>
  /** All of them or, if one is refused, none; gives the version of each, 0 of what is gone. */
  readonly write: (
    writes: ReadonlyArray<Write>
  ) => Effect.Effect<ReadonlyArray<number>, CatalogueError.CatalogueError>
  readonly get: (key: CatalogueEntry.Key) => Effect.Effect<Kept | undefined, CatalogueError.CatalogueError>
  /** In the order of lists. */
  readonly list: (options?: {
    readonly kind?: CatalogueEntry.Kind
  }) => Stream.Stream<Kept, CatalogueError.CatalogueError>
  /** `state` alone costs more. */
  readonly revision: Effect.Effect<number, CatalogueError.CatalogueError>
  readonly state: Effect.Effect<State, CatalogueError.CatalogueError>
  /**
   * What has changed since a revision, in the order of changes, at most so many. What is gone may be left out: whoever
   * then has more than the `size` of the same revision reads all again.
   */
  readonly since: (
    revision: number,
    most: number
  ) => Effect.Effect<ReadonlyArray<Row>, CatalogueError.CatalogueError>
  /** Something was written, here or wherever the store hears of it; or it may have been. */
  readonly written: Stream.Stream<unknown>
}>()("fastmcp-effect/provider/CatalogueStore") {}

/** Traces of removed entries that memory keeps. */
const maxGone = 1000

/**
 * In the memory of this process, for as long as the layer lives.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<CatalogueStore> = Layer.effect(
  CatalogueStore,
  Effect.gen(function*() {
    const rows = new Map<string, Row>()
    // The last one removed comes last.
    const gone = new Map<string, Row>()
    const written = yield* PubSub.sliding<void>(1)
    let revision = 0

    const keyOf = ({ kind, name }: CatalogueEntry.Key) => `${kind} ${name}`

    const keep = (row: Row) => {
      const key = keyOf(row)
      const [into, from] = row.text === undefined ? [gone, rows] : [rows, gone]
      from.delete(key)
      into.set(key, row)
      const [oldest] = gone.keys()
      if (gone.size > maxGone && oldest !== undefined) gone.delete(oldest)
    }

    const { read, ...writer } = writing.make((changes) =>
      Effect.suspend(() => {
        const before = changes.map(({ key }) => rows.get(keyOf(key)))
        const conflict = writing.conflictOf(changes, before)
        if (conflict !== undefined) return Effect.fail(conflict)
        const changed = changes.map(({ key, text }, index) => {
          const row = before[index]
          if (row?.text === text) return { version: writing.versionOf(row), isOther: false }
          revision++
          keep({ ...key, revision, position: row?.position ?? revision, text })
          return { version: text === undefined ? 0 : revision, isOther: true }
        })
        return Effect.as(PubSub.publish(written, undefined), changed)
      })
    )

    return {
      ...writer,
      get: (key) =>
        Effect.sync(() => {
          const row = rows.get(keyOf(key))
          return row === undefined ? undefined : read(row)
        }),
      list: ({ kind } = {}) =>
        Stream.suspend(() =>
          Stream.fromIterable(
            [...rows.values()].filter((row) => kind === undefined || row.kind === kind)
              .toSorted((a, b) => a.position - b.position).map(read)
          )
        ),
      revision: Effect.sync(() => revision),
      state: Effect.sync(() => ({ revision, size: rows.size })),
      since: (after, most) =>
        Effect.sync(() =>
          [...rows.values(), ...gone.values()].filter(({ revision }) => revision > after)
            .toSorted((a, b) => a.revision - b.revision).slice(0, most)
        ),
      written: Stream.fromPubSub(written)
    }
  })
)
