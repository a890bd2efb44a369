/** The laws of a `DocketStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as DocketError from "fastmcp-effect/docket/DocketError"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as Execution from "fastmcp-effect/docket/Execution"
import type { Backend } from "../session/places.ts"

export type Store = DocketStore.DocketStore["Service"]
type Law = Effect.Effect<void, DocketError.DocketError, Scope.Scope>

export const hour = 3_600_000

/** Milliseconds; long enough that a busy machine does not let it pass. */
const life = 800

/** The tests of virtual time begin here, so that times are as long as they are in life. */
const birth = 1_800_000_000_000

export const execution = (
  id: string,
  now: number,
  fields: Partial<Execution.Execution> = {}
): Execution.Execution => ({
  id,
  task: "mail",
  payload: JSON.stringify(`the payload of ${id}`),
  priority: 0,
  status: "Scheduled",
  generation: 1,
  createdAt: now,
  dueAt: now,
  attempt: 0,
  lapses: 0,
  ...fields
})

export const after = (execution: Execution.Execution, transition: Execution.Transition): Execution.Execution =>
  Result.getOrThrow(Execution.apply(execution, transition))

export const claimed = (execution: Execution.Execution, now: number, leaseMillis = hour): Execution.Execution =>
  after(execution, { _tag: "Claim", worker: "w", now, leaseMillis })

const holderOf = ({ run = 0, worker = "w" }: Execution.Execution): Execution.Holder => ({ worker, run })

export const succeeded = (execution: Execution.Execution, now: number, keepMillis = hour): Execution.Execution =>
  after(execution, { _tag: "Succeed", holder: holderOf(execution), result: "\"done\"", now, keepMillis })

const awkward = ["", "\"", "\"a\"", "a\0b", "\ud800", "\ud801", "%", "ä:{}", "'; --", "a".repeat(300), "\\ud800"]

export interface Lawful extends Backend<DocketStore.DocketStore> {
  /** Whether `find` looks for a more urgent one. */
  readonly looksForUrgent: boolean
  /** Whether it finds and claims in one step. */
  readonly claims: boolean
  /** Whether what has been done in a transaction that fails has not. */
  readonly undoes: boolean
}

export const suite = (name: string, { claims, isShared, looksForUrgent, place, time, undoes }: Lawful): void => {
  const run = time === "virtual" ? it.effect : it.live
  const wait = (lives: number) => (time === "virtual" ? TestClock.adjust : Effect.sleep)(Duration.millis(lives * life))
  const begin = time === "virtual" ? TestClock.setTime(birth) : Effect.void

  const connect = (process: Layer.Layer<DocketStore.DocketStore, unknown>) =>
    Effect.map(Layer.build(process), Context.get(DocketStore.DocketStore))

  /** Two processes of one place, or one twice. */
  const stores = Effect.gen(function*() {
    yield* begin
    const process = yield* place
    const one = yield* connect(process())
    return [one, isShared ? yield* connect(process()) : one] as const
  })

  const law = (title: string, body: (store: Store, other: Store, now: number) => Law) =>
    run(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const [store, other] = yield* stores
        yield* body(store, other, yield* Clock.currentTimeMillis)
      })), 30_000)

  /** The results of as many fibers at once, on one store and the other by turns. */
  const race = <A>(
    title: string,
    body: (store: Store, index: number, now: number) => Effect.Effect<A, DocketError.DocketError>,
    check: (results: ReadonlyArray<A>, store: Store, now: number) => Law,
    before: (store: Store, now: number) => Law = () => Effect.void
  ) =>
    it.live(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const one = yield* connect(process())
        const both = [one, isShared ? yield* connect(process()) : one]
        const now = yield* Clock.currentTimeMillis
        yield* before(one, now)
        const results = yield* Effect.forEach(Arr.range(0, 49), (index) => body(both[index % 2]!, index, now), {
          concurrency: "unbounded"
        })
        yield* check(results, one, now)
      })), 60_000)

  const idsOf = (executions: ReadonlyArray<Execution.Execution>) => executions.map(({ id }) => id)

  const get = (store: Store, id: string) => Effect.map(store.find(id), (found) => found?.execution)

  const addAll = (store: Store, executions: ReadonlyArray<Execution.Execution>) =>
    Effect.forEach(executions, (one) => Effect.map(store.add(one), (there) => assert.isUndefined(there)), {
      discard: true
    })

  const adderOf = (store: Store, ring: (id: string) => Effect.Effect<void, DocketError.DocketError>) =>
    DocketStore.makeAdder(store, {
      one: ({ id }) => ring(id),
      many: (executions) => Effect.forEach(executions, ({ id }) => ring(id), { discard: true })
    })

  /** Adds it and makes it what it is to be by these changes. */
  const lead = (
    store: Store,
    first: Execution.Execution,
    ...steps: ReadonlyArray<(before: Execution.Execution) => Execution.Execution>
  ) =>
    Effect.gen(function*() {
      yield* addAll(store, [first])
      let current = first
      for (const step of steps) {
        current = step(current)
        assert.isTrue(yield* store.change(current))
      }
      return current
    })

  const allPages = (store: Store, query: DocketStore.Query) =>
    Effect.gen(function*() {
      const all: Array<Execution.Execution> = []
      let cursor: string | undefined
      do {
        const page: DocketStore.Page = yield* store.list({ ...query, cursor })
        assert.isAtMost(page.executions.length, query.limit)
        all.push(...page.executions)
        cursor = page.cursor
      } while (cursor !== undefined)
      return all
    })

  describe(`DocketStore, ${name}`, () => {
    law("gives back what was added, to other processes too", (store, other, now) =>
      Effect.gen(function*() {
        const full: Execution.Execution = execution("full", now, {
          payload: JSON.stringify("ä\0\ud800\"'".repeat(5000)),
          priority: -3,
          dueAt: now + 5,
          attempt: 2,
          lapses: 1,
          isHeld: true,
          cancelRequested: "no\0 \ud800 more",
          progress: { current: 0.5, total: 3, message: "half" },
          slot: { key: "k\0", limit: 3 },
          rate: { key: "r", limit: 3, windowMillis: 1000 },
          schedule: "every\0 day",
          owner: "so\0 meone",
          keepUntil: now + hour,
          data: JSON.stringify("kept\0\ud800"),
          cancelRequestedAt: now,
          traceparent: "00-1-2-3"
        })
        yield* addAll(store, [full, execution("least", now)])
        for (const each of [store, other]) {
          const found = (yield* each.find("full"))!
          assert.deepStrictEqual(found.execution, full)
          assert.isTrue(Number.isInteger(found.now) && Math.abs(found.now - now) < 20_000)
          assert.isUndefined(found.urgent)
          assert.deepStrictEqual(yield* get(each, "least"), execution("least", now))
          assert.isUndefined(yield* each.find("other"))
        }
      }))

    law("keeps apart what is called alike, whatever it is called", (store, other, now) =>
      Effect.gen(function*() {
        const all = awkward.map((name, index) =>
          execution(name, now, { task: name, schedule: name, owner: name, dueAt: now + index })
        )
        yield* addAll(store, all)
        for (const one of all) {
          assert.deepStrictEqual(yield* get(other, one.id), one)
          assert.deepStrictEqual((yield* store.list({ task: one.task, limit: 9 })).executions, [one])
          assert.deepStrictEqual((yield* store.list({ schedule: one.id, limit: 9 })).executions, [one])
          assert.deepStrictEqual((yield* store.list({ owner: one.id, limit: 9 })).executions, [one])
          assert.isUndefined(yield* store.acquire({ key: one.id, holder: one.id, limit: 1, lifeMillis: hour }))
          yield* store.note({ kind: one.id, id: one.id, data: one.id })
        }
        for (const { id } of all) {
          assert.isDefined(yield* store.acquire({ key: id, holder: "other", limit: 1, lifeMillis: hour }))
          yield* store.release({ key: id, holder: id })
          assert.isUndefined(yield* store.acquire({ key: id, holder: "other", limit: 1, lifeMillis: hour }))
          assert.deepStrictEqual(yield* store.notes(id), [{ kind: id, id, data: id }])
          assert.isTrue(yield* store.withdraw({ kind: id, id }))
        }
        const generations = yield* store.generations(awkward)
        assert.sameDeepMembers([...generations], awkward.map((id) => ({ id, generation: 1 })))
        assert.sameMembers((yield* store.counts).map(({ task }) => task), awkward)
        for (const id of awkward) assert.isTrue(yield* store.remove(id))
      }))

    law("answers an add with what there is, and leaves it as it is", (store, other, now) =>
      Effect.gen(function*() {
        const first = execution("1", now)
        yield* addAll(store, [first])
        const second = execution("1", now + 1, { payload: "2", priority: 5 })
        assert.deepStrictEqual(yield* other.add(second), first)
        const running = claimed(first, now)
        yield* store.change(running)
        assert.deepStrictEqual(yield* other.add(second), running)
        const done = succeeded(running, now)
        yield* store.change(done)
        assert.deepStrictEqual(yield* other.add(second), done)
        assert.deepStrictEqual(yield* get(store, "1"), done)
        assert.strictEqual((yield* store.list({ limit: 10 })).executions.length, 1)
      }))

    race(
      "keeps one of 50 that are added at once, and tells the others which",
      (store, index, now) => store.add(execution("1", now, { payload: String(index) })),
      (answers, store) =>
        Effect.gen(function*() {
          const kept = yield* get(store, "1")
          assert.strictEqual(answers.filter((answer) => answer === undefined).length, 1)
          assert.strictEqual(answers.indexOf(undefined), Number(kept!.payload))
          for (const answer of answers) if (answer !== undefined) assert.deepStrictEqual(answer, kept)
        })
    )

    race(
      "adds what 50 transactions of one moment have, each once, and tells the others which, whatever else they do",
      (store, index, now) => {
        const one = execution(String(index % 20), now, {
          payload: `${index} \ud83d\ude00 "\\n`,
          ...(index % 3 === 0 ? { schedule: "s", owner: "o" } : undefined)
        })
        const added = store.add(one)
        const slot = store.acquire({ key: "k", holder: String(index), limit: 100, lifeMillis: hour })
        return store.transaction(index % 25 === 7 ? Effect.tap(added, slot) : added)
      },
      (answers, store) =>
        Effect.gen(function*() {
          for (let id = 0; id < 20; id++) {
            const kept = (yield* get(store, String(id)))!
            const own = answers.flatMap((answer, index) => index % 20 === id ? [answer] : [])
            assert.strictEqual(own.filter((answer) => answer === undefined).length, 1)
            assert.strictEqual(own.indexOf(undefined) * 20 + id, Number.parseInt(kept.payload))
            for (const answer of own) if (answer !== undefined) assert.deepStrictEqual(answer, kept)
          }
        })
    )

    law(
      "adds what comes at one moment together, rings for what is new, and tells the others what is there",
      (store, _, now) =>
        Effect.scoped(Effect.gen(function*() {
          const rung: Array<string> = []
          const add = yield* adderOf(store, (id) => Effect.sync(() => void rung.push(id)))
          yield* addAll(store, [execution("0", now, { payload: "before" })])
          const answers = yield* Effect.forEach(Arr.range(0, 49), (index) =>
            add(execution(String(index % 20), now, {
              payload: `${index} \ud83d\ude00 "\\n${index === 30 ? "x".repeat(20_000) : ""}`,
              ...(index % 3 === 0 ? { schedule: "s", owner: "o" } : undefined)
            })), { concurrency: "unbounded" })
          for (let id = 0; id < 20; id++) {
            const kept = (yield* get(store, String(id)))!
            const own = answers.filter((_, index) => index % 20 === id)
            assert.strictEqual(own.filter((answer) => answer === undefined).length, id === 0 ? 0 : 1)
            for (const answer of own) if (answer !== undefined) assert.deepStrictEqual(answer, kept)
          }
          assert.deepStrictEqual(rung.toSorted(), Arr.range(1, 19).map(String).toSorted())
        }))
    )

    law(
      "tells who adds when nothing can be rung",
      (store, _, now) =>
        Effect.scoped(Effect.gen(function*() {
          const failure = DocketError.make(new DocketError.Unavailable({ part: "bell", cause: "none" }))
          const add = yield* adderOf(store, () => Effect.fail(failure))
          const reasons = yield* Effect.forEach(["1", "2", "3"], (id) =>
            Effect.map(
              Effect.result(add(execution(id, now))),
              (answer) => answer._tag === "Failure" ? answer.failure.reason : answer.success
            ), { concurrency: "unbounded" })
          assert.deepStrictEqual(reasons, [failure.reason, failure.reason, failure.reason])
          if (undoes) assert.deepStrictEqual((yield* store.list({ limit: 9 })).executions, [])
        }))
    )

    law(
      "writes each change over the generation before it, and nothing else",
      (store, other, now) =>
        Effect.gen(function*() {
          const first = execution("1", now)
          assert.isFalse(yield* store.change(claimed(first, now)))
          yield* addAll(store, [first])
          const running = claimed(first, now)
          assert.isTrue(yield* other.change(running))
          assert.isFalse(yield* other.change(running))
          assert.isFalse(yield* other.change({ ...running, generation: 4 }))
          assert.isFalse(yield* other.change({ ...running, generation: 1 }))
          assert.deepStrictEqual(yield* get(store, "1"), running)
        })
    )

    law("keeps whatever becomes of an execution", (store, other, now) =>
      Effect.gen(function*() {
        const failure: Execution.Failure = { kind: "Error", message: "no" }
        let current = execution("1", now, { schedule: "s", slot: { key: "k", limit: 1 } })
        yield* addAll(store, [current])
        const end = { now, keepMillis: hour }
        const transitions: ReadonlyArray<() => Execution.Transition> = [
          () => ({ _tag: "Hold" }),
          () => ({ _tag: "Restore" }),
          () => ({ _tag: "Postpone", until: now + 5 }),
          () => ({
            _tag: "Replace",
            by: execution("1", now, { payload: "2", task: "other", priority: 3, owner: "o" })
          }),
          () => ({ _tag: "Claim", worker: "w", now, leaseMillis: hour }),
          () => ({ _tag: "Advance", holder: holderOf(current), progress: { current: 1 } }),
          () => ({ _tag: "Save", holder: holderOf(current), data: "\"a\"" }),
          () => ({ _tag: "Wait", holder: holderOf(current), data: "\"b\"", until: now + hour, ...end }),
          () => ({ _tag: "Amend", data: "\"c\"", isReady: false }),
          () => ({ _tag: "Amend", data: "\"d\"", isReady: true }),
          () => ({ _tag: "Claim", worker: "w", now, leaseMillis: hour }),
          () => ({ _tag: "Release", holder: holderOf(current), ...end }),
          () => ({ _tag: "Claim", worker: "w", now, leaseMillis: hour }),
          () => ({ _tag: "Fail", holder: holderOf(current), failure, retryAt: now - 1, ...end }),
          () => ({ _tag: "Replace", by: execution("1", now, { schedule: "other" }) }),
          () => ({ _tag: "Claim", worker: "w", now, leaseMillis: 0 }),
          () => ({ _tag: "Lapse", maxLapses: 3, ...end }),
          () => ({ _tag: "Claim", worker: "w", now, leaseMillis: hour }),
          () => ({ _tag: "Cancel", reason: "enough", ...end }),
          () => ({ _tag: "Stop", holder: holderOf(current), ...end }),
          () => ({ _tag: "Retry", now }),
          () => ({ _tag: "Claim", worker: "w", now, leaseMillis: hour }),
          () => ({ _tag: "Fail", holder: holderOf(current), failure, error: "\"sealed\"", ...end }),
          () => ({ _tag: "Retry", now }),
          () => ({ _tag: "Claim", worker: "w", now, leaseMillis: hour }),
          () => ({ _tag: "Refuse", holder: holderOf(current), failure, ...end }),
          () => ({ _tag: "Replace", by: execution("1", now, { dueAt: now + 9 }) }),
          () => ({ _tag: "Cancel", reason: "enough", ...end }),
          () => ({ _tag: "Retry", now }),
          () => ({ _tag: "Claim", worker: "w", now, leaseMillis: hour }),
          () => ({ _tag: "Succeed", holder: holderOf(current), result: "[1]", ...end })
        ]
        for (const [index, transition] of transitions.entries()) {
          const [writer, reader] = index % 2 === 0 ? [store, other] : [other, store]
          current = after(current, transition())
          assert.isTrue(yield* writer.change(current))
          assert.deepStrictEqual(yield* get(reader, "1"), current, transition()._tag)
          const owned = current.owner === undefined ? [] : [{ owner: current.owner }]
          for (const query of [{ task: current.task }, { status: current.status }, {}, ...owned]) {
            assert.deepStrictEqual((yield* reader.list({ ...query, limit: 5 })).executions, [current])
          }
          assert.deepStrictEqual(yield* reader.counts, [{ task: current.task, status: current.status, count: 1 }])
        }
      }))

    law(
      "makes of what comes at one moment what each would be by itself",
      (store, other, now) =>
        Effect.gen(function*() {
          const atOnce = { concurrency: "unbounded" } as const
          const ahead = now + hour
          const lapse = (one: Execution.Execution, time: number) =>
            after(one, { _tag: "Lapse", now: time, maxLapses: 9, keepMillis: hour })
          const [fresh, stale] = [execution("fresh", now), execution("stale", now)]
          yield* addAll(store, [fresh, stale])
          const running = (id: string, leaseMillis: number, createdAt = now) =>
            lead(store, execution(id, createdAt), (one) => claimed(one, now, leaseMillis))
          const held = yield* running("held", hour)
          const lapsed = yield* running("lapsed", -1)
          const early = yield* running("early", -1, ahead)
          const gone = yield* lead(store, execution("gone", now), (one) =>
            claimed(one, now), (one) =>
            succeeded(one, now, 0))
          const renewed = yield* running("renewed", hour)
          yield* store.renew([{ id: "renewed", generation: 2 }], 2 * hour)
          const { leaseUntil } = (yield* get(store, "renewed"))!
          const advanced = after(renewed, { _tag: "Advance", holder: holderOf(renewed), progress: { current: 1 } })
          const isLeaseOver = { isLeaseOver: true }
          const changed = yield* Effect.all([
            store.change(claimed(fresh, now)),
            store.change({ ...claimed(stale, now), generation: 3 }),
            store.change(lapse(held, now + 2 * hour), isLeaseOver),
            store.change(lapse(lapsed, now), isLeaseOver),
            store.change(lapse(early, now), isLeaseOver),
            store.change({ ...gone, generation: gone.generation + 1 }),
            store.change(advanced)
          ], atOnce)
          assert.deepStrictEqual(changed, [true, false, false, true, true, false, true])
          for (const one of [claimed(fresh, now), stale, held, lapse(lapsed, now), lapse(early, now)]) {
            assert.deepStrictEqual(yield* get(other, one.id), one)
          }
          assert.deepStrictEqual(yield* get(other, "renewed"), { ...advanced, leaseUntil: leaseUntil! })
          assert.isUndefined(yield* other.find("gone"))
          const add = yield* adderOf(store, () =>
            Effect.void)
          yield* Effect.all(
            ["new 1", "new 2", "new 3"].map((id) =>
              add(execution(id, ahead))
            ),
            atOnce
          )
          // What is to start at once is due, though the clock it was added by is ahead; in one process there is one clock.
          const atOnceAhead = isShared ? ["early", "new 1", "new 2", "new 3"] : []
          assert.sameMembers(
            idsOf((yield* other.overdue({ graceMillis: 0, limit: 99 })).executions),
            ["stale", "lapsed", ...atOnceAhead]
          )
        })
    )

    if (looksForUrgent) {
      law(
        "knows the most urgent of what is due, and of these the one due the longest",
        (store, other, now) =>
          Effect.gen(function*() {
            const at = (id: string, priority: number, dueAt: number, fields: Partial<Execution.Execution> = {}) =>
              execution(id, now - hour, { priority, dueAt, ...fields })
            const urgentTo = (id: string, ...tasks: ReadonlyArray<string>) =>
              Effect.map(other.find(id, tasks), (found) => found!.urgent?.id)
            const past = now - 1000
            yield* addAll(store, [
              at("plain", 0, past),
              at("alike", 0, past - 9),
              at("low", -1, past - 9),
              at("later", 9, now + hour),
              at("later still", 3, now + hour),
              at("held", 9, past, { isHeld: true }),
              at("other", 8, past, { task: "other" })
            ])
            assert.isUndefined(yield* urgentTo("plain", "mail"))
            assert.strictEqual(yield* urgentTo("low", "mail"), "alike")
            assert.strictEqual(yield* urgentTo("plain", "mail", "other", "none"), "other")
            assert.isUndefined(yield* urgentTo("plain"))
            assert.isUndefined((yield* other.find("plain"))!.urgent)
            assert.isUndefined(yield* other.find("none", ["mail"]))
            yield* addAll(store, [at("second", 2, past), at("first", 2, past - 5), at("less", 1, past - 9)])
            assert.strictEqual(yield* urgentTo("plain", "mail"), "first")
            assert.strictEqual(yield* urgentTo("less", "mail"), "first")
            assert.isUndefined(yield* urgentTo("second", "mail"))
            assert.deepStrictEqual((yield* other.find("plain", ["mail"]))!.urgent, at("first", 2, past - 5))
            // What runs, and what has ended.
            const running = claimed(at("first", 2, past - 5), now)
            yield* store.change(running)
            assert.strictEqual(yield* urgentTo("plain", "mail"), "second")
            yield* store.change(succeeded(running, now))
            assert.strictEqual(yield* urgentTo("plain", "mail"), "second")
            yield* store.change(after(at("second", 2, past), { _tag: "Hold" }))
            assert.strictEqual(yield* urgentTo("plain", "mail"), "less")
            yield* store.change(after(at("less", 1, past - 9), { _tag: "Postpone", until: now + hour }))
            assert.isUndefined(yield* urgentTo("plain", "mail"))
            // At once, though added by a clock that is ahead.
            yield* addAll(store, [execution("ahead", now + hour, { priority: 1 })])
            assert.strictEqual(yield* urgentTo("plain", "mail"), "ahead")
            yield* store.change(
              after(after(at("second", 2, past), { _tag: "Hold" }), { _tag: "Restore" })
            )
            assert.strictEqual(yield* urgentTo("plain", "mail"), "second")
          })
      )
    } else {
      law("leaves it to the engine who is the most urgent", (store, other, now) =>
        Effect.gen(function*() {
          yield* addAll(store, [execution("1", now), execution("2", now, { priority: 1 })])
          assert.isUndefined((yield* other.find("1", ["mail"]))!.urgent)
        }))
    }

    if (claims) {
      const claim = (store: Store, id: string, request: Partial<DocketStore.ClaimRequest> = {}) =>
        store.claim!({ id, worker: "w", leaseMillis: hour, tasks: ["mail"], unless: "strike", ...request })

      law(
        "claims as `Execution.apply` says, what nobody else has a say in",
        (store, other, now) =>
          Effect.gen(function*() {
            const failure: Execution.Failure = { kind: "Error", message: "no" }
            const end = { now, keepMillis: hour }
            const by =
              (change: (before: Execution.Execution) => Execution.Transition) => (before: Execution.Execution) =>
                after(before, change(before))
            const claim1 = by(() => ({ _tag: "Claim", worker: "w", now, leaseMillis: hour }))
            const hold = by(() => ({ _tag: "Hold" }))
            const cancel = by(() => ({ _tag: "Cancel", reason: "no", ...end }))
            const replace = (fields: Partial<Execution.Execution>) =>
              by(({ id }) => ({ _tag: "Replace", by: execution(id, now - hour, fields) }))
            const slot = { key: "k", limit: 9 }
            const rate = { key: "k", limit: 9, windowMillis: 1000 }
            const data = JSON.stringify("\"attempt\":7")
            const steps: ReadonlyArray<
              readonly [
                isClaimed: boolean,
                fields: Partial<Execution.Execution>,
                ...Array<(before: Execution.Execution) => Execution.Execution>
              ]
            > = [
              [true, {}],
              [true, { schedule: "s", owner: "o", data, keepUntil: now + hour, traceparent: "00-1-2-3", priority: 3 }],
              [true, { dueAt: now - hour }],
              [true, { createdAt: now + hour, dueAt: now + hour }],
              [false, { dueAt: now + hour }],
              [false, { slot }],
              [false, { rate }],
              [false, { task: "other" }],
              [false, {}, hold],
              [true, {}, hold, by(() => ({ _tag: "Restore" }))],
              [true, {}, by(() => ({ _tag: "Postpone", until: now - 1000 }))],
              [false, {}, by(() => ({ _tag: "Postpone", until: now + hour }))],
              [false, {}, claim1],
              [true, {}, claim1, by((one) => ({ _tag: "Release", holder: holderOf(one), ...end }))],
              [
                true,
                {},
                claim1,
                by((one) => ({ _tag: "Fail", holder: holderOf(one), failure, retryAt: now - 9, ...end }))
              ],
              [false, {}, claim1, by((one) => ({ _tag: "Fail", holder: holderOf(one), failure, ...end }))],
              [
                true,
                {},
                claim1,
                by((one) => ({ _tag: "Wait", holder: holderOf(one), data, until: now - 9, ...end }))
              ],
              [
                false,
                {},
                claim1,
                by((one) => ({ _tag: "Wait", holder: holderOf(one), data, until: now + hour, ...end }))
              ],
              [
                true,
                {},
                claim1,
                by((one) => ({ _tag: "Wait", holder: holderOf(one), data, until: now + hour, ...end })),
                by(() => ({ _tag: "Amend", data, isReady: true }))
              ],
              [false, {}, claim1, cancel],
              [false, {}, cancel],
              [true, {}, cancel, by(() => ({ _tag: "Retry", now }))],
              [false, {}, claim1, (one) => succeeded(one, now)],
              [true, { slot }, replace({})],
              [false, {}, replace({ slot })],
              [false, {}, replace({ rate })],
              [true, { task: "other" }, replace({})],
              [false, {}, replace({ task: "other" })]
            ]
            for (const [index, [isClaimed, fields, ...changes]] of steps.entries()) {
              const id = `${index}`
              const before = yield* lead(store, execution(id, now - hour, fields), ...changes)
              const answer = (yield* claim(other, id, { worker: "x \"\u{1f600}", leaseMillis: 5000 + index }))!
              const { execution: found, now: at } = answer
              assert.strictEqual(answer.isClaimed, isClaimed, id)
              assert.isTrue(Number.isInteger(at) && Math.abs(at - now) < 20_000)
              const expected = isClaimed
                ? after(before, { _tag: "Claim", worker: "x \"\u{1f600}", now: at, leaseMillis: 5000 + index })
                : before
              assert.deepStrictEqual(found, expected, id)
              assert.deepStrictEqual(yield* get(store, id), expected, id)
              const { status, task } = expected
              assert.deepStrictEqual((yield* store.list({ status, task, limit: 1 })).executions, [expected])
              if (!isClaimed) continue
              // What is written next has it all.
              const saved = after(expected, { _tag: "Save", holder: holderOf(expected), data })
              assert.isTrue(yield* store.change(saved))
              assert.deepStrictEqual(yield* get(other, id), saved)
              const released = after(saved, { _tag: "Release", holder: holderOf(saved), ...end })
              assert.isTrue(yield* store.change(released))
              const again = (yield* claim(store, id))!
              const run = after(released, { _tag: "Claim", worker: "w", now: again.now, leaseMillis: hour })
              assert.deepStrictEqual(again, { execution: run, now: again.now, isClaimed: true })
              const advanced = after(run, { _tag: "Advance", holder: holderOf(run), progress: { current: 1 } })
              assert.isTrue(yield* other.change(advanced))
              assert.deepStrictEqual(yield* get(store, id), advanced)
              assert.isTrue(yield* store.change(succeeded(advanced, now)))
            }
            assert.isUndefined(yield* claim(other, "none"))
            const counts = yield* store.counts
            for (const { count, status, task } of counts) {
              assert.strictEqual(count, (yield* allPages(other, { status, task, limit: 50 })).length)
            }
          })
      )

      law(
        "claims nothing while there is a note of the kind that forbids it",
        (store, other, now) =>
          Effect.gen(function*() {
            yield* addAll(store, ["1", "2", "3"].map((id) => execution(id, now)))
            const isClaimed = (id: string, unless: string) =>
              Effect.map(claim(other, id, { unless }), (answer) => answer?.isClaimed)
            yield* store.note({ kind: "no", id: "a", data: "" })
            yield* store.note({ kind: "no", id: "b", data: "" })
            assert.isFalse(yield* isClaimed("1", "no"))
            const both = Effect.all([isClaimed("2", "no"), isClaimed("3", "other")], { concurrency: "unbounded" })
            assert.deepStrictEqual(yield* both, [false, true])
            assert.deepStrictEqual(yield* get(store, "1"), execution("1", now))
            yield* store.withdraw({ kind: "no", id: "a" })
            assert.isFalse(yield* isClaimed("1", "no"))
            yield* store.withdraw({ kind: "no", id: "b" })
            assert.isTrue(yield* isClaimed("1", "no"))
          })
      )

      law("leases what it has claimed, and gives none that has expired", (store, other, now) =>
        Effect.gen(function*() {
          yield* addAll(store, [execution("1", now), execution("2", now)])
          for (const id of ["1", "2"]) yield* claim(other, id, { leaseMillis: 2 * life })
          const overdue = Effect.map(
            store.overdue({ graceMillis: 0, limit: 9 }),
            ({ executions }) => idsOf(executions)
          )
          assert.deepStrictEqual(yield* overdue, [])
          assert.deepStrictEqual(yield* store.renew([{ id: "1", generation: 2 }], hour), ["1"])
          yield* wait(2.5)
          assert.deepStrictEqual(yield* overdue, ["2"])
          const lapsed = (yield* get(other, "2"))!
          const lapse = { _tag: "Lapse", now: now + hour, maxLapses: 9, keepMillis: life } as const
          assert.isTrue(yield* store.change(after(lapsed, lapse), { isLeaseOver: true }))
          const ended = succeeded((yield* claim(store, "2"))!.execution, now, -1)
          assert.isTrue(yield* other.change(ended))
          assert.isUndefined(yield* claim(store, "2"))
        }))

      race(
        "gives each to one of 50 that claim at once, who know different tasks",
        (store, index) =>
          Effect.forEach(["a", "b", "c", "d"], (id) =>
            claim(store, id, {
              worker: `${index}`,
              leaseMillis: hour + index,
              tasks: [["a"], ["b", "a"], ["c", "b"], []][index % 4]!
            }), { concurrency: "unbounded" }),
        (answers, store) =>
          Effect.gen(function*() {
            for (
              const [at, [id, knowing]] of ([["a", [0, 1]], ["b", [1, 2]], ["c", [2]], ["d", []]] as const).entries()
            ) {
              const kept = yield* get(store, id)
              const winners = answers.flatMap((all, index) => all[at]!.isClaimed ? [index] : [])
              assert.strictEqual(winners.length, knowing.length > 0 ? 1 : 0)
              assert.strictEqual(kept!.status, knowing.length > 0 ? "Running" : "Scheduled")
              for (const winner of winners) {
                assert.include(knowing, winner % 4)
                assert.strictEqual(kept!.worker, `${winner}`)
                assert.strictEqual(kept!.leaseUntil! - kept!.startedAt!, hour + winner)
              }
            }
          }),
        (store, now) => addAll(store, ["a", "b", "c", "d"].map((id) => execution(id, now, { task: id })))
      )
    } else {
      law("does not claim without a look", (store) => Effect.sync(() => assert.isUndefined(store.claim)))
    }

    law(
      "leases the runs anew that are at their generation, and tells which",
      (store, other, now) =>
        Effect.gen(function*() {
          yield* addAll(store, ["1", "2", "3", "4"].map((id) => execution(id, now)))
          for (const id of ["1", "2", "3"]) yield* store.change(claimed(execution(id, now), now, life))
          const advanced = after(claimed(execution("3", now), now, life), {
            _tag: "Advance",
            holder: { worker: "w", run: 2 },
            progress: { current: 1 }
          })
          yield* store.change(advanced)
          const holds = ["1", "2", "3", "none"].map((id) => ({ id, generation: 2 }))
          const renewed = yield* other.renew([...holds, { id: "4", generation: 1 }], hour)
          assert.sameMembers([...renewed], ["1", "2"])
          for (const id of ["1", "2"]) {
            const { leaseUntil, ...rest } = (yield* get(store, id))!
            const { leaseUntil: _, ...before } = claimed(execution(id, now), now, life)
            assert.deepStrictEqual(rest, before)
            assert.isTrue(leaseUntil! >= now + hour && leaseUntil! < now + hour + 20_000)
          }
          assert.deepStrictEqual(yield* get(store, "3"), advanced)
          assert.deepStrictEqual(yield* get(store, "4"), execution("4", now))
          assert.deepStrictEqual(yield* other.renew([], hour), [])
          // What was read before a lease became longer may still be written.
          assert.isTrue(yield* store.change(succeeded(claimed(execution("1", now), now, life), now)))
          assert.deepStrictEqual(yield* other.renew([{ id: "1", generation: 3 }], hour), [])
          yield* wait(2)
          assert.deepStrictEqual(idsOf((yield* other.overdue({ graceMillis: hour, limit: 9 })).executions), ["3"])
        })
    )

    law(
      "keeps the lease of a run that goes on, and lets none lapse that was renewed",
      (store, other, now) =>
        Effect.gen(function*() {
          const run = claimed(execution("1", now), now, life)
          yield* addAll(store, [execution("1", now)])
          yield* store.change(run)
          const lapse = { _tag: "Lapse", now: now + hour, maxLapses: 9, keepMillis: hour } as const
          assert.isFalse(yield* other.change(after(run, lapse), { isLeaseOver: true }))
          yield* other.renew([{ id: "1", generation: 2 }], 2 * life)
          const advanced = after(run, { _tag: "Advance", holder: holderOf(run), progress: { current: 1 } })
          assert.isTrue(yield* store.change(advanced))
          const { leaseUntil, ...rest } = (yield* get(other, "1"))!
          assert.isAtLeast(leaseUntil!, now + 2 * life)
          assert.deepStrictEqual({ ...rest, leaseUntil: advanced.leaseUntil! }, advanced)
          yield* wait(1.2)
          assert.isFalse(yield* other.change(after(advanced, lapse), { isLeaseOver: true }))
          yield* wait(1.2)
          assert.isTrue(yield* other.change(after(advanced, lapse), { isLeaseOver: true }))
          assert.deepStrictEqual(yield* get(store, "1"), after(advanced, lapse))
        })
    )

    law("knows at which generation they are", (store, other, now) =>
      Effect.gen(function*() {
        yield* addAll(store, ["1", "2", "3"].map((id) => execution(id, now)))
        yield* store.change(claimed(execution("2", now), now))
        assert.sameDeepMembers([...yield* other.generations(["3", "2", "none"])], [
          { id: "3", generation: 1 },
          { id: "2", generation: 2 }
        ])
        assert.deepStrictEqual(yield* other.generations([]), [])
        const many = Arr.range(1, 1000).map((index) => `many ${index}`)
        assert.deepStrictEqual(yield* other.generations(many), [])
      }))

    law("finds lapsed runs, and after them what is long due, and nothing that ends, is held or has time", (
      store,
      other,
      now
    ) =>
      Effect.gen(function*() {
        const due = (id: string, ago: number, fields: Partial<Execution.Execution> = {}) =>
          execution(id, now - hour, { dueAt: now - ago, ...fields })
        const ids = (graceMillis: number, limit: number) =>
          Effect.map(other.overdue({ graceMillis, limit }), ({ executions }) => idsOf(executions))
        const empty = yield* other.overdue({ graceMillis: 0, limit: 5 })
        assert.deepStrictEqual(empty.executions, [])
        assert.isTrue(Math.abs(empty.now - now) < 20_000)
        yield* addAll(store, [
          due("b", 200_000),
          due("a", 300_000),
          due("c", 100_000),
          due("later", -hour),
          due("held", 400_000, { isHeld: true })
        ])
        yield* lead(store, due("run 2", 1000), (one) => claimed(one, now, -10_000))
        yield* lead(store, due("run 1", 500), (one) => claimed(one, now, -20_000))
        yield* lead(store, due("runs", 500_000), (one) => claimed(one, now, hour))
        yield* lead(store, due("ended", 500_000), (one) => claimed(one, now, -1), (one) => succeeded(one, now))
        assert.deepStrictEqual(yield* ids(0, 9), ["run 1", "run 2", "a", "b", "c"])
        assert.deepStrictEqual(yield* ids(150_000, 9), ["run 1", "run 2", "a", "b"])
        assert.deepStrictEqual(yield* ids(2 * hour, 9), ["run 1", "run 2"])
        assert.deepStrictEqual(yield* ids(0, 3), ["run 1", "run 2", "a"])
        assert.deepStrictEqual(yield* ids(0, 1), ["run 1"])
        const found = yield* other.overdue({ graceMillis: 0, limit: 1 })
        assert.deepStrictEqual(found.executions, [claimed(due("run 1", 500), now, -20_000)])
        assert.isTrue(Math.abs(found.now - now) < 20_000)
      }))

    law("judges leases by its time", (store, other, now) =>
      Effect.gen(function*() {
        yield* lead(store, execution("1", now), (one) => claimed(one, now, 2 * life))
        const overdue = Effect.map(
          other.overdue({ graceMillis: hour, limit: 9 }),
          ({ executions }) => idsOf(executions)
        )
        assert.deepStrictEqual(yield* overdue, [])
        yield* wait(1)
        assert.deepStrictEqual(yield* other.renew([{ id: "1", generation: 2 }], 2 * life), ["1"])
        yield* wait(1.5)
        assert.deepStrictEqual(yield* overdue, [])
        yield* wait(1)
        assert.deepStrictEqual(yield* overdue, ["1"])
      }))

    law(
      "lists in the order of adding, newest first, by pages and by what is asked for",
      (store, other, now) =>
        Effect.gen(function*() {
          const all = Arr.range(1, 9).map((index) =>
            execution(`${index}`, now, {
              task: index % 3 === 0 ? "third" : "mail",
              ...index % 4 === 0 && { schedule: "fourth" },
              ...index % 2 === 0 && { owner: "even" },
              ...index === 5 && { isHeld: true },
              dueAt: now + 1 + (index * 7) % 5
            })
          )
          yield* addAll(store, all)
          const run2 = claimed({ ...all[1]!, dueAt: now }, now)
          yield* store.change({ ...run2, dueAt: all[1]!.dueAt })
          const ids = (query: Omit<DocketStore.Query, "limit">, limit = 9) =>
            Effect.map(allPages(other, { ...query, limit }), idsOf)
          for (const limit of [1, 2, 3, 8, 9, 10]) {
            assert.deepStrictEqual(yield* ids({}, limit), ["9", "8", "7", "6", "5", "4", "3", "2", "1"])
            assert.deepStrictEqual(yield* ids({ task: "third" }, limit), ["9", "6", "3"])
          }
          assert.deepStrictEqual(yield* ids({ status: "Running" }), ["2"])
          assert.deepStrictEqual(yield* ids({ status: "Failed" }), [])
          assert.deepStrictEqual(yield* ids({ status: "Scheduled", task: "third" }), ["9", "6", "3"])
          assert.deepStrictEqual(yield* ids({ schedule: "fourth" }), ["8", "4"])
          assert.deepStrictEqual(yield* ids({ schedule: "fourth", task: "third" }), [])
          for (const limit of [1, 2, 9]) {
            assert.deepStrictEqual(yield* ids({ owner: "even" }, limit), ["8", "6", "4", "2"])
          }
          assert.deepStrictEqual(yield* ids({ owner: "even", task: "third" }), ["6"])
          assert.deepStrictEqual(yield* ids({ owner: "nobody" }), [])
          assert.deepStrictEqual(yield* ids({ isHeld: true }), ["5"])
          assert.deepStrictEqual(yield* ids({ isHeld: false, status: "Scheduled" }, 3), [
            "9",
            "8",
            "7",
            "6",
            "4",
            "3",
            "1"
          ])
          assert.deepStrictEqual(yield* ids({ isHeld: true, task: "third" }), [])
          const page = yield* other.list({ limit: 4 })
          assert.deepStrictEqual(page.executions, all.slice(5).reverse())
          assert.isUndefined((yield* other.list({ limit: 9 })).cursor)
          // What is added or removed meanwhile does not move the others.
          yield* addAll(store, [execution("10", now)])
          yield* store.remove("4")
          assert.deepStrictEqual(idsOf((yield* other.list({ limit: 2, cursor: page.cursor })).executions), ["5", "3"])
          for (const cursor of ["", "nonsense", "-1", "1e3", "9".repeat(40)]) {
            assert.deepStrictEqual(yield* other.list({ limit: 2, cursor }), { executions: [], cursor: undefined })
          }
          assert.deepStrictEqual(yield* other.list({ limit: 0 }), { executions: [], cursor: undefined })
        })
    )

    law("counts by task and status", (store, other, now) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* other.counts, [])
        yield* addAll(store, ["1", "2", "3"].map((id) => execution(id, now)))
        yield* addAll(store, [execution("4", now, { task: "other", isHeld: true })])
        yield* store.change(claimed(execution("1", now), now))
        assert.sameDeepMembers([...yield* other.counts], [
          { task: "mail", status: "Scheduled", count: 2 },
          { task: "mail", status: "Running", count: 1 },
          { task: "other", status: "Scheduled", count: 1 }
        ])
      }))

    law("removes, and tells whether there was something", (store, other, now) =>
      Effect.gen(function*() {
        assert.isFalse(yield* store.remove("1"))
        yield* addAll(store, [execution("1", now)])
        yield* store.change(claimed(execution("1", now), now, -1))
        assert.isTrue(yield* other.remove("1"))
        assert.isFalse(yield* other.remove("1"))
        assert.isUndefined(yield* store.find("1"))
        assert.isFalse(yield* store.change(succeeded(claimed(execution("1", now), now), now)))
        assert.deepStrictEqual(yield* store.counts, [])
        assert.deepStrictEqual((yield* store.overdue({ graceMillis: 0, limit: 1 })).executions, [])
        assert.deepStrictEqual((yield* store.list({ limit: 1 })).executions, [])
        yield* addAll(store, [execution("1", now)])
      }))

    law(
      "gives a slot to as many holders as there may be, and to each once",
      (store, other, now) =>
        Effect.gen(function*() {
          const ask = (holder: string, limit = 2, lifeMillis = hour, key = "k") =>
            store.acquire({ key, holder, limit, lifeMillis })
          assert.isUndefined(yield* ask("a", 2, hour))
          assert.isUndefined(yield* ask("b", 2, 2 * hour))
          const refused = yield* other.acquire({ key: "k", holder: "c", limit: 2, lifeMillis: hour })
          assert.isTrue(refused!.freeAt >= now + hour && refused!.freeAt < now + hour + 20_000)
          assert.isUndefined(yield* ask("b", 2, 3 * hour))
          assert.isUndefined(yield* ask("c", 2, hour, "other"))
          assert.isUndefined(yield* ask("c", 3))
          // With a lower limit, so many have to go first.
          const lower = (yield* ask("d", 1))!
          assert.isTrue(lower.freeAt >= now + 3 * hour && lower.freeAt < now + 3 * hour + 20_000)
          assert.isUndefined(yield* ask("a", 1))
          yield* other.release({ key: "k", holder: "a" })
          yield* other.release({ key: "k", holder: "none" })
          yield* other.release({ key: "none", holder: "a" })
          assert.isDefined(yield* ask("d", 2))
          assert.isUndefined(yield* ask("d", 3))
          assert.isDefined(yield* ask("a", 3))
        })
    )

    law(
      "takes a slot back when its time is over, unless it was asked for again",
      (store, other) =>
        Effect.gen(function*() {
          const ask = (holder: string) => store.acquire({ key: "k", holder, limit: 1, lifeMillis: 2 * life })
          assert.isUndefined(yield* ask("a"))
          yield* wait(1)
          assert.isUndefined(yield* ask("a"))
          yield* wait(1.5)
          assert.isDefined(yield* other.acquire({ key: "k", holder: "b", limit: 1, lifeMillis: life }))
          yield* wait(1)
          assert.isUndefined(yield* other.acquire({ key: "k", holder: "b", limit: 1, lifeMillis: hour }))
          assert.isDefined(yield* ask("a"))
        })
    )

    race(
      "gives 3 slots to 50 who ask at once",
      (store, index) => store.acquire({ key: "k", holder: String(index), limit: 3, lifeMillis: hour }),
      (answers) =>
        Effect.sync(() => {
          assert.strictEqual(answers.filter((answer) => answer === undefined).length, 3)
        })
    )

    law("remembers notes until they are withdrawn", (store, other) =>
      Effect.gen(function*() {
        const strike = { kind: "strike", id: "1", data: "{}" }
        yield* store.note(strike)
        yield* store.note({ ...strike, id: "2" })
        yield* store.note({ ...strike, kind: "schedule" })
        yield* other.note({ ...strike, data: "other" })
        assert.sameDeepMembers([...yield* other.notes("strike")], [{ ...strike, data: "other" }, {
          ...strike,
          id: "2"
        }])
        assert.deepStrictEqual(yield* other.notes("none"), [])
        assert.isTrue(yield* other.withdraw(strike))
        assert.isFalse(yield* store.withdraw(strike))
        assert.deepStrictEqual(yield* store.notes("strike"), [{ ...strike, id: "2" }])
        assert.deepStrictEqual(yield* store.notes("schedule"), [{ ...strike, kind: "schedule" }])
      }))

    law("does all of a transaction, or nothing where it can", (store, other, now) =>
      Effect.gen(function*() {
        const body = Effect.gen(function*() {
          yield* store.add(execution("1", now))
          yield* store.change(claimed(execution("1", now), now))
          yield* store.acquire({ key: "k", holder: "a", limit: 1, lifeMillis: hour })
          assert.strictEqual((yield* get(store, "1"))?.status, "Running")
          return "done"
        })
        const failure = { _tag: "Mine" } as const
        const failed = yield* Effect.flip(store.transaction(Effect.andThen(body, Effect.fail(failure))))
        assert.strictEqual(failed, failure)
        if (undoes) {
          assert.isUndefined(yield* other.find("1"))
          assert.isUndefined(yield* other.acquire({ key: "k", holder: "b", limit: 1, lifeMillis: hour }))
          yield* other.release({ key: "k", holder: "b" })
          assert.strictEqual(yield* store.transaction(body), "done")
        }
        assert.strictEqual((yield* get(other, "1"))?.status, "Running")
        assert.isDefined(yield* other.acquire({ key: "k", holder: "b", limit: 1, lifeMillis: hour }))
      }))

    run.prop(
      "answers as the store in memory does, whatever is done to it",
      [Arbitrary.array(Arbitrary.schema(Step), { minLength: 1, maxLength: 40 })],
      ([steps]) =>
        Effect.scoped(Effect.gen(function*() {
          yield* begin
          const process = yield* place
          const store = yield* connect(process())
          const model = yield* connect(Layer.fresh(DocketStore.layerMemory()))
          yield* compare(store, model, steps, { looksForUrgent, claims }, allPages)
        })),
      { arbitrary: { runs: 40 }, timeout: 120_000 }
    )
  })
}

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const tags = [
  "Claim",
  "Succeed",
  "Fail",
  "Retry later",
  "Release",
  "Lapse",
  "Postpone",
  "Hold",
  "Restore",
  "Cancel",
  "Replace",
  "Retry",
  "Advance"
] as const

const Step = Schema.Struct({
  what: Schema.Union([
    Schema.Literals(["add", "change", "change", "change", "claim", "find", "renew", "remove"]),
    Schema.Literals(["overdue", "list", "acquire", "release", "note", "withdraw", "counts", "generations"])
  ]),
  id: upTo(4),
  other: upTo(5),
  tag: Schema.Literals(tags),
  isStale: Schema.Literals([false, false, false, true])
})

/** Does the same to both, and sees that the answers are the same. Times are so far apart that no moment matters. */
const compare = (
  store: Store,
  model: Store,
  steps: ReadonlyArray<typeof Step.Type>,
  { claims, looksForUrgent }: Pick<Lawful, "claims" | "looksForUrgent">,
  allPages: (store: Store, query: DocketStore.Query) => Effect.Effect<
    ReadonlyArray<Execution.Execution>,
    DocketError.DocketError
  >
) =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const known = new Map<string, Execution.Execution>()
    let turn = 0

    /** Each is given one by its own clock. */
    const plain = (execution: Execution.Execution | undefined) =>
      execution?.leaseUntil === undefined ? execution : { ...execution, leaseUntil: 0 }

    const both = <A>(
      title: string,
      operation: (store: Store) => Effect.Effect<A, DocketError.DocketError>,
      view: (answer: A) => unknown = (answer) => answer
    ) =>
      Effect.gen(function*() {
        const expected = yield* operation(model)
        assert.deepStrictEqual(view(yield* operation(store)), view(expected), `${turn} ${title}`)
        return expected
      })

    const sorted = (answers: ReadonlyArray<unknown>) => answers.map((answer) => JSON.stringify(answer)).toSorted()

    const make = (id: string, other: number): Execution.Execution => {
      const createdAt = now - 10 * hour + turn
      return execution(id, createdAt, {
        task: `task ${other % 2}`,
        priority: other % 3,
        payload: String(turn),
        dueAt: other % 4 === 3 ? now + hour : createdAt - (other % 2),
        ...other > 3 && { schedule: "s" },
        ...other < 3 && { owner: "o" }
      })
    }

    const transitionOf = ({ other, tag }: typeof Step.Type, current: Execution.Execution): Execution.Transition => {
      const holder = holderOf(current)
      const end = { now, keepMillis: other === 0 ? -1000 : hour }
      const failure: Execution.Failure = { kind: "Error", message: "no" }
      switch (tag) {
        case "Claim":
          return { _tag: tag, worker: "w", now, leaseMillis: other % 2 === 0 ? hour : -(turn + 1) * 1000 }
        case "Succeed":
          return { _tag: tag, holder, result: "1", ...end }
        case "Fail":
          return { _tag: tag, holder, failure, error: "2", ...end }
        case "Retry later":
          return { _tag: "Fail", holder, failure, retryAt: now - hour + turn, ...end }
        case "Release":
          return { _tag: tag, holder, ...end }
        case "Lapse":
          return { _tag: tag, maxLapses: 1, ...end }
        case "Postpone":
          return { _tag: tag, until: other < 3 ? now - 2 * hour + turn : now + hour }
        case "Hold":
        case "Restore":
          return { _tag: tag }
        case "Cancel":
          return { _tag: tag, reason: "no", ...end }
        case "Replace":
          return { _tag: tag, by: make(current.id, other) }
        case "Retry":
          return { _tag: tag, now }
        case "Advance":
          return { _tag: tag, holder, progress: { current: turn } }
      }
    }

    for (const step of steps) {
      turn++
      const { isStale, other } = step
      const id = `id ${step.id}`
      switch (step.what) {
        case "add": {
          const one = make(id, other)
          yield* both("add", (store) => store.add(one), plain)
          known.set(id, one)
          break
        }
        case "change": {
          const current = isStale ? known.get(id) : (yield* model.find(id))?.execution
          if (current === undefined) break
          const changed = Execution.apply(current, transitionOf(step, current))
          if (Result.isFailure(changed)) break
          yield* both(`change ${step.tag}`, (store) => store.change(changed.success))
          known.set(id, changed.success)
          break
        }
        case "claim": {
          if (!claims) break
          const request = {
            id,
            worker: `${turn}`,
            leaseMillis: hour,
            tasks: ["none", `task ${other % 2}`],
            unless: "0"
          }
          const answer = yield* both(
            "claim",
            (store) => store.claim!(request),
            (answer) =>
              answer && { isClaimed: answer.isClaimed, execution: { ...plain(answer.execution), startedAt: 0 } }
          )
          if (answer?.isClaimed === true) known.set(id, answer.execution)
          break
        }
        case "find": {
          const tasks = [undefined, [], ["task 0"], ["task 1"], ["task 0", "task 1"], ["task 1", "none"]][other]
          yield* both(`find ${tasks}`, (store) => store.find(id, tasks), (found) => [
            plain(found?.execution),
            looksForUrgent && found?.urgent
          ])
          break
        }
        case "renew": {
          const holds = [...known.values()].map(({ generation, id }) => ({ id, generation }))
          const leaseMillis = other % 2 === 0 ? hour : -turn * 100_000
          const ids = other < 2 ? holds : holds.filter((hold) => hold.id === id)
          // One at a time, so that no two leases end at once.
          for (const hold of ids) yield* both("renew", (store) => store.renew([hold], leaseMillis - hold.id.length))
          break
        }
        case "remove":
          yield* both("remove", (store) => store.remove(id))
          break
        case "overdue":
          yield* both(
            "overdue",
            (store) => store.overdue({ graceMillis: other % 2 === 0 ? 0 : 5 * hour, limit: 1 + other }),
            ({ executions }) => executions.filter(({ status }) => status === "Scheduled").map(plain)
          )
          break
        case "list":
          for (const limit of [1, 2, 9]) {
            for (const query of queries) {
              yield* both(
                `list ${JSON.stringify(query)}`,
                (store) => allPages(store, { ...query, limit }),
                (executions) => executions.map(plain)
              )
            }
          }
          break
        case "acquire":
          yield* both(
            "acquire",
            (store) => store.acquire({ key: id, holder: `${other}`, limit: 1 + turn % 2, lifeMillis: turn * hour }),
            (answer) => answer && Math.round((answer.freeAt - now) / hour)
          )
          break
        case "release":
          yield* both("release", (store) => store.release({ key: id, holder: `${other}` }))
          break
        case "note":
          yield* both("note", (store) => store.note({ kind: `${other % 2}`, id, data: String(turn) }))
          yield* both("notes", (store) => store.notes(`${other % 2}`), sorted)
          break
        case "withdraw":
          yield* both("withdraw", (store) => store.withdraw({ kind: `${other % 2}`, id }))
          yield* both("notes", (store) => store.notes(`${other % 2}`), sorted)
          break
        case "counts":
          yield* both("counts", (store) => store.counts, sorted)
          break
        case "generations":
          yield* both("generations", (store) => store.generations([...known.keys(), "none"]), sorted)
          break
      }
    }
    turn++
    yield* both("all", (store) => allPages(store, { limit: 2 }), (executions) => executions.map(plain))
    yield* both("counts at last", (store) => store.counts, sorted)
  })

const queries: ReadonlyArray<Omit<DocketStore.Query, "limit">> = [
  {},
  { status: "Scheduled" },
  { status: "Failed", task: "task 0" },
  { task: "task 1" },
  { schedule: "s" },
  { schedule: "s", isHeld: false },
  { owner: "o" },
  { owner: "o", status: "Scheduled" },
  { isHeld: true },
  { isHeld: false, status: "Running" }
]
