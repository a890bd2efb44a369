/** What a run of a task knows of it and writes to it, one change after the other. */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type * as DocketError from "../docket/DocketError.ts"
import type * as DocketTask from "../docket/DocketTask.ts"
import type * as JsonRpc from "../protocol/JsonRpc.ts"
import type * as Extension from "../server/Extension.ts"
import * as taskRecord from "./taskRecord.ts"

export type Change = (data: taskRecord.Data) => taskRecord.Data

export interface State {
  readonly current: () => taskRecord.Data
  /** Not written before the next change is. */
  readonly note: (change: Change) => void
  readonly save: (run: DocketTask.Run) => (change: Change) => Effect.Effect<void, DocketError.DocketError>
}

export const make = (first: taskRecord.Data): State => {
  let current = first
  const turn = Semaphore.makeUnsafe(1)
  return {
    current: () => current,
    note: (change) => {
      current = change(current)
    },
    save: (run) => (change) =>
      turn.withPermits(1)(Effect.suspend(() => {
        const next = change(current)
        return Effect.andThen(
          run.save(next),
          Effect.sync(() => {
            current = change(current)
          })
        )
      }))
  }
}

const without = (names: ReadonlyArray<string>, name: string): ReadonlyArray<string> =>
  names.filter((other) => other !== name)

export const beyond: Change = (data) => ({ ...data, isBeyond: true })

export const begin = (key: string): Change => (data) => ({ ...data, begun: [...without(data.begun, key), key] })

export const end = (key: string): Change => (data) => ({ ...data, begun: without(data.begun, key) })

export const keep = (key: string, result: JsonRpc.Json): Change => (data) => ({
  ...data,
  steps: { ...data.steps, [key]: taskRecord.toJson({ result }).result! },
  begun: without(data.begun, key)
})

/** The run ends in good order, and what it was answered is old. */
export const wait =
  (questions: { readonly [key: string]: Extension.RecordedQuestion }, now: number): Change =>
  ({ isBeyond: _, ...data }) => ({
    ...data,
    updatedAt: now,
    open: Object.fromEntries(
      Object.entries(questions).map(([key, { fingerprint, method, params }]) => [
        key,
        { fingerprint, method, params: taskRecord.toJson(params) }
      ])
    ),
    answers: Object.fromEntries(
      Object.entries(data.answers).map(([key, { isFresh: _, ...answer }]) => [key, answer])
    )
  })

/** Those that are asked for, and only once each; undefined when none is. */
export const answer = (
  data: taskRecord.Data,
  answers: { readonly [key: string]: Omit<Extension.RecordedAnswer, "fingerprint"> },
  now: number
): taskRecord.Data | undefined => {
  const fitting = Object.entries(answers).filter(([key]) => Object.hasOwn(data.open, key))
  if (fitting.length === 0) return undefined
  const open = Object.fromEntries(Object.entries(data.open).filter(([key]) => !Object.hasOwn(answers, key)))
  return {
    ...data,
    open,
    answers: {
      ...data.answers,
      ...Object.fromEntries(fitting.map(([key, given]) => [
        key,
        { ...taskRecord.toJson(given), fingerprint: data.open[key]!.fingerprint, isFresh: true as const }
      ]))
    },
    updatedAt: now
  }
}

/** When it is looked at if nobody answers: at its end, and within a week, for longer is not waited in one go. */
export const until = (data: taskRecord.Data, now: number): Date =>
  new Date(Math.min(taskRecord.expiryOf(data), now + week))

const week = 7 * 24 * 3_600_000
