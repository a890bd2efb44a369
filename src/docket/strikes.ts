/** Work that is not to start for now: rules, kept as notes in the store, and looked up by each worker every second. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as JsonPointer from "effect/JsonPointer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as DocketError from "./DocketError.ts"
import type * as DocketStore from "./DocketStore.ts"
import type * as Execution from "./Execution.ts"
import type * as Sealing from "./sealing.ts"

export const kind = "strike"

/**
 * All that it says must be so: the name of the task, and what stands at a place of the payload's JSON (JSON Pointer,
 * RFC 6901, as `/customer/id`). A strike of neither holds everything.
 *
 * @category models
 * @since 0.1.0
 */
export const Strike = Schema.Struct({
  task: Schema.optionalKey(Schema.String),
  where: Schema.optionalKey(Schema.Struct({ at: Schema.String, equals: Schema.Json }))
})

/** @category models @since 0.1.0 */
export type Strike = typeof Strike.Type

const json = Schema.fromJsonString(Strike)
const encode = Schema.encodeEffect(json)
const decode = Schema.decodeEffect(json)

/** Of the document itself, or of what is in it (RFC 6901, 3). */
export const isPointer = (text: string): boolean => text === "" || text.startsWith("/")

/** One that says the same has the same id. */
export const toNote = ({ task, where }: Strike): Effect.Effect<DocketStore.Note> =>
  Effect.map(
    Effect.orDie(encode({ ...task !== undefined && { task }, ...where !== undefined && { where } })),
    (data) => ({ kind, id: data, data })
  )

export const fromNotes = (notes: ReadonlyArray<DocketStore.Note>): Effect.Effect<ReadonlyArray<Strike>> =>
  Effect.map(
    Effect.forEach(notes, ({ data }) => Effect.catch(decode(data), () => Effect.undefined)),
    (strikes) => strikes.filter((strike) => strike !== undefined)
  )

export interface Strikes {
  /** By the rules as they were at most a second ago. */
  readonly isStruck: (execution: Execution.Execution) => Effect.Effect<boolean, DocketError.DocketError>
  /** By the rules as they are. */
  readonly isStruckNow: (execution: Execution.Execution) => Effect.Effect<boolean, DocketError.DocketError>
}

export const make = (
  store: DocketStore.DocketStore["Service"],
  sealing: Sealing.Sealing,
  clock: Clock.Clock
): Strikes => {
  let known: { readonly at: number; readonly strikes: ReadonlyArray<Strike> } | undefined
  // As old as the question: the answer may have waited while this process was frozen.
  const fresh = Effect.suspend(() => {
    const at = clock.currentTimeMillisUnsafe()
    return Effect.map(Effect.flatMap(store.notes(kind), fromNotes), (strikes) => {
      known = { at, strikes }
      return strikes
    })
  })
  const current = () => {
    const now = clock.currentTimeMillisUnsafe()
    return known !== undefined && now >= known.at && now - known.at < maxAge ? Effect.succeed(known.strikes) : fresh
  }

  const judge = (strikes: ReadonlyArray<Strike>, execution: Execution.Execution): Effect.Effect<boolean> => {
    const rules = strikes.filter(({ task }) => task === undefined || task === execution.task)
    if (rules.length === 0) return Effect.succeed(false)
    if (rules.some(({ where }) => where === undefined)) return Effect.succeed(true)
    return Effect.map(
      Effect.orElseSucceed(sealing.readJson(execution.payload, "payload", execution), () => undefined),
      (payload) =>
        rules.some(({ where }) => where !== undefined && Equal.equals(valueAt(payload, where.at), where.equals))
    )
  }

  return {
    isStruck: (execution) => Effect.flatMapEager(current(), (strikes) => judge(strikes, execution)),
    isStruckNow: (execution) => Effect.flatMap(fresh, (strikes) => judge(strikes, execution))
  }
}

const maxAge = 1000

const valueAt = (value: unknown, pointer: string): unknown =>
  pointer.split("/").slice(1).reduce<unknown>((inside, token) => {
    const key = JsonPointer.unescapeToken(token)
    return Predicate.isObjectOrArray(inside) && Object.hasOwn(inside, key)
      ? (inside as { readonly [key: string]: unknown })[key]
      : undefined
  }, value)
