/** What is the same of all stores of entries: what may be written, who was first, and how a row is read. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as CatalogueEntry from "../CatalogueEntry.ts"
import * as CatalogueError from "../CatalogueError.ts"
import type * as CatalogueStore from "../CatalogueStore.ts"
import * as building from "./building.ts"
import * as entryText from "./entryText.ts"

/** A write that may be done, as far as its entry goes. */
export interface Change {
  readonly key: CatalogueEntry.Key
  /** What is to be there, undefined for nothing. */
  readonly text: string | undefined
  readonly expected: number | undefined
}

/** What came of a change. */
export interface Changed {
  /** 0 of what is gone. */
  readonly version: number
  /** Whether anything is other than it was. */
  readonly isOther: boolean
}

/** Does all of them or none. */
export type Apply = (
  changes: ReadonlyArray<Change>
) => Effect.Effect<ReadonlyArray<Changed>, CatalogueError.CatalogueError>

/** A row as it was; what has been removed may be one without text. */
export type Before = Pick<CatalogueStore.Row, "revision" | "text"> | undefined

/** Who was too late, if anybody. */
export const conflictOf = (
  changes: ReadonlyArray<Change>,
  before: ReadonlyArray<Before>
): CatalogueError.CatalogueError | undefined => {
  for (const [index, { expected, key }] of changes.entries()) {
    const found = versionOf(before[index])
    if (expected === undefined || expected === found) continue
    return CatalogueError.make(new CatalogueError.Conflict({ ...key, expected, found }))
  }
  return undefined
}

export const versionOf = (row: Before): number => row?.text === undefined ? 0 : row.revision

type Service = CatalogueStore.CatalogueStore["Service"]

export interface Writer extends Pick<Service, "put" | "remove" | "write"> {
  readonly read: (row: Pick<CatalogueStore.Row, "kind" | "name" | "revision" | "text">) => CatalogueStore.Kept
}

export const make = (apply: Apply): Writer => {
  const text = entryText.make()
  const builder = building.make()

  const changeOf = Effect.fnUntraced(function*({ put, remove, version }: CatalogueStore.Write) {
    if (put === undefined) return { key: { kind: remove.kind, name: remove.name }, text: undefined, expected: version }
    const key = CatalogueEntry.keyOf(put)
    const refuse = (fault: string) => CatalogueError.make(new CatalogueError.Invalid({ ...key, fault }))
    const encoded = text.encode(put)
    if (Result.isFailure(encoded)) return yield* refuse(encoded.failure)
    const built = yield* builder.build(put, undefined)
    if (Result.isFailure(built)) return yield* refuse(built.failure)
    return { key, text: encoded.success, expected: version }
  })

  const write = Effect.fnUntraced(function*(writes: ReadonlyArray<CatalogueStore.Write>) {
    const changes = yield* Effect.forEach(writes, changeOf)
    const seen = new Set<string>()
    for (const { key } of changes) {
      const name = `${key.kind} ${key.name}`
      if (seen.has(name)) {
        return yield* CatalogueError.make(new CatalogueError.Invalid({ ...key, fault: "it is written twice at once" }))
      }
      seen.add(name)
    }
    return changes.length === 0 ? [] : yield* apply(changes)
  })

  return {
    write: (writes) => Effect.map(write(writes), (changed) => changed.map(({ version }) => version)),
    put: (entry, seen) => Effect.map(write([{ ...seen, put: entry }]), ([changed]) => changed!.version),
    remove: (key, seen) => Effect.map(write([{ ...seen, remove: key }]), ([changed]) => changed!.isOther),
    read: ({ kind, name, revision, text: stored }) => {
      const entry = text.decode({ kind, name }, stored ?? "")
      const kept = { kind, name, version: revision }
      return Result.isSuccess(entry) ? { ...kept, entry: entry.success } : { ...kept, fault: entry.failure }
    }
  }
}
