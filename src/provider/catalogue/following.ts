/**
 * What a store has, as definitions, from now on: those whose rows have not changed stay the very same, so that a server
 * tells of no list that is as it was.
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Provider from "../../definition/Provider.ts"
import * as Persistently from "../../storage/Persistently.ts"
import type * as CatalogueError from "../CatalogueError.ts"
import type * as CatalogueHandler from "../CatalogueHandler.ts"
import type * as CatalogueStore from "../CatalogueStore.ts"
import * as building from "./building.ts"
import * as entryText from "./entryText.ts"

interface Held {
  readonly position: number
  /** Of the newest row, also where it is not what is served. */
  readonly revision: number
  /** The last good one, undefined where there was none. */
  readonly definition: Provider.AnyDefinition | undefined
  readonly reading: Reading
}

/** Which revision of a row those who watch its URIs know of. */
class Reading {
  current = 0
  readonly seen = new Map<string, number>()

  /** Emits at once where another revision was watched until this one took its place. */
  updates(uri: string): Stream.Stream<unknown> {
    return Stream.unwrap(Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const [before, revision] = [this.seen.get(uri), this.current]
          this.seen.set(uri, revision)
          return { isLate: before !== undefined && before !== revision, revision }
        }),
        ({ revision }) =>
          Effect.sync(() => {
            // Nobody watches any more; what is replaced is watched on.
            if (this.current === revision) this.seen.delete(uri)
          })
      ),
      ({ isLate }) => isLate ? Stream.concat(Stream.succeed(undefined), Stream.never) : Stream.never
    ))
  }
}

export interface Options {
  readonly store: CatalogueStore.CatalogueStore["Service"]
  readonly handlers: CatalogueHandler.Handlers
  readonly pollInterval: Duration.Input
}

/** Rows read at once. */
const portion = 1000

const keyOf = ({ kind, name }: CatalogueStore.Row) => `${kind} ${name}`

export const open = (
  { handlers, pollInterval, store }: Options
): Effect.Effect<Stream.Stream<Provider.Catalogue>, CatalogueError.CatalogueError, Scope.Scope> =>
  Effect.gen(function*() {
    const text = entryText.make()
    const { build } = building.make()
    const catalogues = yield* Queue.sliding<Provider.Catalogue, Cause.Done>(1)
    const written = Latch.makeUnsafe()
    let rows = new Map<string, Held>()
    let at = 0

    const made = (row: CatalogueStore.Row, stored: string, reading: Reading) => {
      const entry = text.decode(row, stored)
      return Result.isFailure(entry)
        ? Effect.succeed(Result.fail(entry.failure))
        : build(entry.success, handlers, (uri) => reading.updates(uri))
    }

    /** What becomes of the row: a definition, the one before it, or none. */
    const take = Effect.fnUntraced(function*(into: Map<string, Held>, row: CatalogueStore.Row) {
      const key = keyOf(row)
      const before = rows.get(key)
      if (row.text === undefined) return void into.delete(key)
      if (before?.revision === row.revision) return void into.set(key, before)
      const { position, revision } = row
      const reading = before?.reading ?? new Reading()
      const result = yield* made(row, row.text, reading)
      if (Result.isSuccess(result)) {
        reading.current = revision
        return void into.set(key, { position, revision, definition: result.success, reading })
      }
      into.set(key, { position, revision, definition: before?.definition, reading })
      const what = before?.definition === undefined ? "is left out" : "stays as it was"
      yield* Effect.logWarning(
        `The ${row.kind} ${JSON.stringify(row.name)} of the catalogue ${what}: ${result.failure}`
      )
    })

    const read = Effect.fnUntraced(function*(into: Map<string, Held>, after: number) {
      let last = after
      while (true) {
        const some = yield* store.since(last, portion)
        for (const row of some) {
          yield* take(into, row)
          last = row.revision
        }
        if (some.length < portion) return last
      }
    })

    const readAll = Effect.gen(function*() {
      const all = new Map<string, Held>()
      at = yield* read(all, 0)
      rows = all
    })

    /** Whether there is anything new. */
    const look = Effect.gen(function*() {
      // Each second, of nobody's request, and nearly always for nothing: no trace is to be full of it.
      const revision = yield* Effect.withTracerEnabled(store.revision, false)
      if (revision === at) return false
      // A database that was put back to an earlier state.
      if (revision < at) yield* readAll
      else {
        at = yield* read(rows, at)
        const state = yield* store.state
        if (state.revision === at && state.size !== rows.size) yield* readAll
      }
      return true
    })

    const offer = Effect.sync(() => {
      const served = [...rows.values()].toSorted((a, b) => a.position - b.position)
      Queue.offerUnsafe(catalogues, served.flatMap(({ definition }) => definition === undefined ? [] : [definition]))
    })

    yield* Effect.forkScoped(
      Stream.runForEach(store.written, () => Effect.sync(() => written.openUnsafe())),
      { startImmediately: true }
    )
    yield* look
    yield* offer
    yield* Effect.forkScoped(Persistently.run("reading of the catalogue", () =>
      Effect.gen(function*() {
        yield* Effect.race(written.await, Effect.sleep(pollInterval))
        // Before the look, so that what is written after it is noticed.
        written.closeUnsafe()
        if (yield* look) yield* offer
      })))
    return Stream.fromQueue(catalogues)
  })
