/** How work gets into a docket. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Tracer from "effect/Tracer"
import * as Millis from "../storage/Millis.ts"
import type * as Docket from "./Docket.ts"
import * as DocketError from "./DocketError.ts"
import * as DocketRecords from "./DocketRecords.ts"
import type * as DocketTask from "./DocketTask.ts"
import * as Execution from "./Execution.ts"
import * as keeping from "./keeping.ts"
import type * as Sealing from "./sealing.ts"

/** What the limits of a task make of a payload. */
export const limitsOf = (
  { name, options: { concurrency, rateLimit } }: DocketTask.Any,
  payload: unknown
): Pick<Execution.Execution, "slot" | "rate"> => ({
  ...concurrency !== undefined && {
    slot: { key: `${name} ${concurrency.key(payload)}`, limit: concurrency.limit }
  },
  ...rateLimit !== undefined && {
    rate: {
      key: `${name} ${rateLimit.key(payload)}`,
      limit: rateLimit.limit,
      windowMillis: Millis.of(rateLimit.window)
    }
  }
})

/** As it is kept for this owner. */
export const sealedPayload = (
  { sealing }: DocketRecords.DocketRecords["Service"],
  task: DocketTask.Any,
  payload: unknown,
  owner: Sealing.Owner
): Effect.Effect<string, DocketError.DocketError> =>
  Effect.mapErrorEager(sealing.write(task.payload, payload, "payload", owner), (problem) =>
    DocketError.make(
      problem._tag === "Invalid"
        ? new DocketError.InvalidPayload({ task: task.name, issue: problem.issue })
        : new DocketError.PayloadTooLarge({ task: task.name, bytes: problem.bytes, maximum: problem.maximum })
    ))

/** Of the fiber, for `Effect.currentSpan` makes an error, with its stack, where there is none. */
const traceparentOf = ({ context }: Fiber.Fiber<unknown, unknown>): string | undefined => {
  const span = Context.getOrUndefined(context, Tracer.ParentSpan)
  return span?._tag === "Span" ? HttpTraceContext.toHeaders(span).traceparent : undefined
}

export const make = (
  records: DocketRecords.DocketRecords["Service"]
): Pick<Docket.Docket["Service"], "add" | "replace"> => {
  const draft = (
    task: DocketTask.Any,
    payload: unknown,
    id: string,
    options: Docket.AddOptions
  ): Effect.Effect<Execution.Execution, DocketError.DocketError> =>
    Effect.withFiber((fiber) => {
      const { at, delay, owner, priority = task.options.priority } = options
      const wrong = problemOf(options)
      if (wrong !== undefined) return Effect.fail(DocketError.make(new DocketError.InvalidOption(wrong)))
      const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
      const traceparent = traceparentOf(fiber)
      const execution = (sealed: string): Execution.Execution => ({
        id,
        task: task.name,
        payload: sealed,
        priority,
        status: "Scheduled",
        generation: 1,
        createdAt: now,
        dueAt: at?.getTime() ?? (delay === undefined ? now : now + Millis.of(delay)),
        attempt: 0,
        lapses: 0,
        keepMillis: DocketRecords.keepMillis(task, false),
        ...owner !== undefined && { owner },
        ...options.keepUntil !== undefined && { keepUntil: options.keepUntil.getTime() },
        ...limitsOf(task, payload),
        ...traceparent !== undefined && { traceparent }
      })
      const drafted = Effect.mapEager(sealedPayload(records, task, payload, { id, task: task.name }), execution)
      return options.data === undefined ? drafted : Effect.zipWith(
        keeping.write(records, { id, task: task.name }, options.data),
        drafted,
        (data, execution) => ({ ...execution, data })
      )
    })

  const replace: Docket.Docket["Service"]["replace"] = Effect.fnUntraced(function*(task, key, payload, options = {}) {
    const by = yield* draft(task, payload, idOf(task, key), options)
    let isThere = false
    do {
      isThere = (yield* records.add(by)) !== undefined
    } while (isThere && (yield* records.change(by.id, { _tag: "Replace", by }))._tag === "Gone")
    return { id: by.id }
  })

  const cool = Effect.fnUntraced(function*(
    task: DocketTask.Any,
    payload: unknown,
    { key, window }: { readonly key: DocketTask.Key<unknown>; readonly window: Duration.Input },
    options: Docket.AddOptions
  ) {
    return yield* inTurn(
      task,
      `cooldown ${key(payload)}`,
      Effect.fnUntraced(function*(id) {
        const by = yield* draft(task, payload, id, options)
        const there = yield* records.add(by)
        if (there === undefined) return { id, outcome: "Added", status: "Scheduled" } as const
        if (by.createdAt < there.createdAt + Millis.of(window)) {
          return { id, outcome: "Cooling", status: there.status } as const
        }
        return Execution.isFinished(there) ? yield* takeOver(there, by, "Added") : undefined
      })
    )
  })

  const debounce = Effect.fnUntraced(function*(
    task: DocketTask.Any,
    payload: unknown,
    { key, maxWait = Duration.infinity, wait }: NonNullable<DocketTask.Options<unknown, unknown>["debounce"]>,
    options: Docket.AddOptions
  ) {
    return yield* inTurn(
      task,
      `debounce ${key(payload)}`,
      Effect.fnUntraced(function*(id) {
        const first = yield* draft(task, payload, id, { ...options, at: undefined, delay: wait })
        const there = yield* records.add(first)
        if (there === undefined) return { id, outcome: "Added", status: "Scheduled" } as const
        if (there.status === "Running") return undefined
        if (Execution.isFinished(there)) return yield* takeOver(there, first, "Added")
        const dueAt = Math.min(first.dueAt, there.createdAt + Millis.of(maxWait))
        return yield* takeOver(there, { ...first, createdAt: there.createdAt, dueAt }, "Debounced")
      })
    )
  })

  const addPlainly = (task: DocketTask.Any, payload: unknown, id: string, options: Docket.AddOptions) =>
    Effect.flatMap(
      draft(task, payload, id, options),
      (execution) =>
        Effect.map(records.add(execution), (there): Docket.Added =>
          there === undefined
            ? { id, outcome: "Added", status: "Scheduled" }
            : { id, outcome: "Exists", status: there.status })
    )

  /** Only over what was seen: undefined when that is not so any more. */
  const takeOver = Effect.fnUntraced(function*(
    there: Execution.Execution,
    by: Execution.Execution,
    outcome: Docket.AddOutcome
  ) {
    const changed = yield* records.changeOnly(there, { _tag: "Replace", by })
    return changed === undefined ? "Again" as const : { id: by.id, outcome, status: changed.status }
  })

  /** The first of the ids of a key that is not taken by a run. */
  const inTurn = Effect.fnUntraced(function*(
    task: DocketTask.Any,
    key: string,
    attempt: (id: string) => Effect.Effect<Docket.Added | "Again" | undefined, DocketError.DocketError>
  ) {
    let turn = 0
    while (true) {
      const added = yield* attempt(idOf(task, turn === 0 ? key : `${key} ${turn}`))
      if (added === undefined) turn++
      else if (added !== "Again") return added
    }
  })

  return {
    add: (task: DocketTask.Any, payload?: unknown, options: Docket.AddOptions = {}) => {
      const { cooldown, debounce: quiet } = task.options
      const wrong = unfit(task, options)
      if (wrong !== undefined) return Effect.fail(DocketError.make(new DocketError.InvalidOption(wrong)))
      if (cooldown !== undefined) return cool(task, payload, cooldown, options)
      if (quiet !== undefined) return debounce(task, payload, quiet, options)
      return Effect.flatMapEager(
        options.key === undefined ? records.newId : Effect.succeed(options.key),
        (key) => addPlainly(task, payload, idOf(task, key), options)
      )
    },
    replace
  }
}

interface Wrong {
  readonly option: string
  readonly issue: string
}

const problemOf = ({ at, delay, keepUntil, priority }: Docket.AddOptions): Wrong | undefined =>
  at !== undefined && delay !== undefined
    ? { option: "delay", issue: "There is an `at` as well." }
    : at !== undefined && Number.isNaN(at.getTime())
    ? { option: "at", issue: "It is no date." }
    : keepUntil !== undefined && Number.isNaN(keepUntil.getTime())
    ? { option: "keepUntil", issue: "It is no date." }
    : priority !== undefined && !Number.isSafeInteger(priority)
    ? { option: "priority", issue: `${priority} is no whole number.` }
    : undefined

const unfit = ({ options: { cooldown, debounce } }: DocketTask.Any, { at, delay, key }: Docket.AddOptions) =>
  key !== undefined && (cooldown !== undefined || debounce !== undefined)
    ? { option: "key", issue: "The task makes its keys itself, by its cooldown or debounce." }
    : debounce !== undefined && (at !== undefined || delay !== undefined)
    ? { option: at === undefined ? "delay" : "at", issue: "The debounce of the task says when." }
    : undefined

const idOf = ({ name }: DocketTask.Any, key: string): string => `${name}:${key}`
