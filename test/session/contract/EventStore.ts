/** The laws of an `EventStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EventStore from "fastmcp-effect/session/EventStore"
import * as SessionError from "fastmcp-effect/session/SessionError"
import type { Backend } from "../places.ts"

type Store = EventStore.EventStore["Service"]

export const connect = (process: Layer.Layer<EventStore.EventStore, unknown>) =>
  Effect.map(Layer.build(process), Context.get(EventStore.EventStore))

/** Long enough that a busy machine does not let them pass. */
const idle = Duration.millis(1400)

const timeToLive = Duration.millis(700)

const key: EventStore.StreamKey = { session: "one", stream: "a" }

const unknown = (stream = "a") => new SessionError.UnknownStream({ stream })

const trimmed = (after: number) => new SessionError.Trimmed({ stream: "a", after })

const fails = <A>(reason: SessionError.Reason, effect: Effect.Effect<A, SessionError.SessionError>) =>
  Effect.match(effect, {
    onSuccess: () => assert.fail("it has not failed"),
    onFailure: (error) => assert.deepStrictEqual(error.reason, reason)
  })

const appendAll = (store: Store, texts: ReadonlyArray<string>, to = key) =>
  Effect.forEach(texts, (text) => store.append(to, text))

const numbered = (label: string, count: number) => Array.from({ length: count }, (_, index) => `${label}${index + 1}`)

/** As events from a position on. */
const events = (texts: ReadonlyArray<string>, from = 1): ReadonlyArray<EventStore.Event> =>
  texts.map((data, index) => ({ position: from + index, data }))

const collect = (store: Store, after: number, of = key) => Stream.runCollect(store.follow(of, after))

export const suite = (
  name: string,
  { isShared, place, time }: Backend<EventStore.EventStore, EventStore.Limits>
): void => {
  const run = time === "virtual" ? it.effect : it.live
  const wait = (duration: Duration.Duration, part: number) =>
    (time === "virtual" ? TestClock.adjust : Effect.sleep)(Duration.times(duration, part))
  /** For what is on its way. */
  const moment = (time === "virtual" ? TestClock.withLive : (effect: Effect.Effect<void>) => effect)(
    Effect.sleep("30 millis")
  )
  /** While time goes on. */
  const joined = <A, E>(fiber: Fiber.Fiber<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() =>
      fiber.pollUnsafe() === undefined
        ? Effect.andThen(Effect.andThen(wait(idle, 0.1), moment), joined(fiber))
        : Fiber.join(fiber)
    )

  const law = (
    title: string,
    body: (store: Store) => Effect.Effect<void, SessionError.SessionError>,
    limits: EventStore.Limits = { idle, timeToLive }
  ) =>
    run(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        yield* body(yield* connect(process(limits)))
      })))

  /** Of two processes, or of one as two. */
  const between = (
    title: string,
    body: (one: Store, other: Store) => Effect.Effect<void, SessionError.SessionError>,
    limits: EventStore.Limits = {}
  ) =>
    it.live(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const one = yield* connect(process(limits))
        yield* body(one, isShared ? yield* connect(process(limits)) : one)
      })))

  describe(`EventStore, ${name}`, () => {
    law("says whether it is shared", (store) => Effect.sync(() => assert.strictEqual(store.isShared, isShared)))

    law("counts positions from 1, and can be read from each", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        assert.strictEqual(yield* store.last(key), 0)
        assert.deepStrictEqual(yield* store.read(key, 0), [])
        const texts = numbered("", 5)
        assert.deepStrictEqual(yield* appendAll(store, texts), [1, 2, 3, 4, 5])
        assert.strictEqual(yield* store.last(key), 5)
        for (let after = 0; after <= 5; after++) {
          assert.deepStrictEqual(yield* store.read(key, after), events(texts.slice(after), after + 1))
        }
      }))

    law("keeps an event as it is", (store) =>
      Effect.gen(function*() {
        const texts = [
          "",
          JSON.stringify({ text: "\u0000 \ud83d\ude00 \r\n %s $1 ' \" \\" }),
          "line\nline\r\n\ud83d\ude00'\"\\",
          "x".repeat(300_000)
        ]
        yield* store.create(key)
        yield* appendAll(store, texts)
        assert.deepStrictEqual(yield* store.read(key, 0), events(texts))
      }))

    law(
      "leaves a stream that exists as it is when it is created again, ended or not",
      (store) =>
        Effect.gen(function*() {
          yield* store.create(key)
          yield* store.append(key, "1")
          yield* store.create(key)
          assert.strictEqual(yield* store.append(key, "2"), 2)
          yield* store.end(key)
          yield* store.create(key)
          yield* fails(unknown(), store.append(key, "3"))
          assert.deepStrictEqual(yield* store.read(key, 0), events(["1", "2"]))
        })
    )

    law("knows no stream that was not created, and none of another session", (store) =>
      Effect.gen(function*() {
        yield* store.create({ session: "other", stream: "a" })
        yield* store.append({ session: "other", stream: "a" }, "secret")
        yield* store.create({ session: "one", stream: "b" })
        yield* fails(unknown(), store.append(key, "1"))
        yield* fails(unknown(), store.last(key))
        yield* fails(unknown(), store.read(key, 0))
        yield* fails(unknown(), collect(store, 0))
        yield* store.end(key)
        yield* store.drop("nobody")
        assert.deepStrictEqual(
          yield* store.read({ session: "other", stream: "a" }, 0),
          events(["secret"])
        )
      }))

    law("keeps names apart that are alike when put together", (store) =>
      Effect.gen(function*() {
        const names = [["a:b", "c"], ["a", "b:c"], ["", "a:b:c"], ["a:b:c", ""], ["1:a", "b"], ["1", "a:b"], [
          "A",
          "b:c"
        ]]
        const all = names.map(([session, stream]) => ({ session: session!, stream: stream! }))
        for (const key of all) {
          yield* store.create(key)
          yield* store.append(key, JSON.stringify(key))
        }
        for (const key of all) {
          assert.deepStrictEqual(yield* store.read(key, 0), events([JSON.stringify(key)]))
        }
        yield* store.drop("a")
        yield* fails(unknown("b:c"), store.read({ session: "a", stream: "b:c" }, 0))
        for (const key of all.filter(({ session }) => session !== "a")) {
          assert.strictEqual(yield* store.last(key), 1)
        }
      }))

    law("knows no position it has not come to", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        yield* fails(unknown(), store.read(key, 1))
        yield* store.append(key, "1")
        for (const after of [2, 1000, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
          yield* fails(unknown(), store.read(key, after))
          yield* fails(unknown(), collect(store, after))
        }
      }))

    law(
      "keeps the newest events up to their number, and says so when an older one is asked for",
      (store) =>
        Effect.gen(function*() {
          yield* store.create(key)
          const texts = numbered("", 12)
          for (const [index, text] of texts.entries()) {
            yield* store.append(key, text)
            const first = Math.max(0, index + 1 - 5)
            assert.deepStrictEqual(yield* store.read(key, first), events(texts.slice(first, index + 1), first + 1))
            if (first > 0) {
              yield* fails(trimmed(first - 1), store.read(key, first - 1))
              yield* fails(trimmed(0), store.read(key, 0))
              yield* fails(trimmed(first - 1), collect(store, first - 1))
            }
          }
          assert.deepStrictEqual(yield* store.read(key, 12), [])
          assert.strictEqual(yield* store.last(key), 12)
        }),
      { maxEvents: 5 }
    )

    law("keeps the newest events up to their size", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        // The last of them count two each.
        yield* appendAll(store, ["aaaa", "bbbb", "\ud83d\ude00"])
        assert.strictEqual((yield* store.read(key, 0)).length, 3)
        yield* store.append(key, "c")
        yield* fails(trimmed(0), store.read(key, 0))
        assert.deepStrictEqual(yield* store.read(key, 1), events(["bbbb", "\ud83d\ude00", "c"], 2))
        yield* appendAll(store, ["", "dddddd"])
        yield* fails(trimmed(1), store.read(key, 1))
        assert.deepStrictEqual(yield* store.read(key, 2), events(["\ud83d\ude00", "c", "", "dddddd"], 3))
        yield* store.append(key, "e".repeat(10))
        yield* fails(trimmed(5), store.read(key, 5))
        assert.deepStrictEqual(yield* store.read(key, 6), events(["e".repeat(10)], 7))
      }), { maxSize: 10 })

    law("appends several as it does one after the other", (store) =>
      Effect.gen(function*() {
        const together = { session: "one", stream: "together" }
        yield* store.create(key)
        yield* store.create(together)
        const x = (size: number) => "x".repeat(size)
        const batches: ReadonlyArray<[string, ...ReadonlyArray<string>]> = [
          ["a", "b", "c"],
          ["d", "e", "f", "g", "h", "i"],
          [x(4), x(4), x(4)],
          ["", x(11), "j"],
          ["k", x(11)],
          ["l", x(10)],
          [x(10), "m", ""]
        ]
        for (const batch of batches) {
          yield* appendAll(store, batch)
          const last = yield* store.last(key)
          assert.strictEqual(yield* store.append(together, ...batch), last)
          for (let after = 0; after <= last; after++) {
            const one = yield* Effect.result(store.read(key, after))
            const all = yield* Effect.result(store.read(together, after))
            assert.strictEqual(all._tag, one._tag)
            if (all._tag === "Success" && one._tag === "Success") assert.deepStrictEqual(all.success, one.success)
          }
        }
        yield* store.end(together)
        yield* fails(unknown("together"), store.append(together, "1", "2"))
      }), { maxEvents: 5, maxSize: 10 })

    law("does not keep an event larger than all of a stream, and goes on after it", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        yield* store.append(key, "1")
        assert.strictEqual(yield* store.append(key, "x".repeat(11)), 2)
        assert.strictEqual(yield* store.last(key), 2)
        yield* fails(trimmed(1), store.read(key, 1))
        yield* fails(trimmed(0), store.read(key, 0))
        assert.deepStrictEqual(yield* store.read(key, 2), [])
        yield* appendAll(store, ["3", "4"])
        yield* fails(trimmed(1), store.read(key, 1))
        assert.deepStrictEqual(yield* store.read(key, 2), events(["3", "4"], 3))
      }), { maxSize: 10 })

    law(
      "takes no event after the end, and can be read for its time to live from there",
      (store) =>
        Effect.gen(function*() {
          yield* fails(unknown(), store.hasEnded(key))
          yield* store.create(key)
          yield* store.append(key, "1")
          assert.isFalse(yield* store.hasEnded(key))
          yield* store.end(key)
          assert.isTrue(yield* store.hasEnded(key))
          yield* fails(unknown(), store.append(key, "2"))
          yield* wait(timeToLive, 0.6)
          // Neither a second end nor whoever reads makes it longer.
          yield* store.end(key)
          assert.deepStrictEqual(yield* store.read(key, 0), events(["1"]))
          assert.strictEqual(yield* store.last(key), 1)
          assert.deepStrictEqual(yield* collect(store, 0), events(["1"]))
          yield* wait(timeToLive, 0.6)
          yield* fails(unknown(), store.read(key, 0))
          yield* fails(unknown(), store.last(key))
          yield* fails(unknown(), store.hasEnded(key))
          yield* fails(unknown(), collect(store, 0))
        })
    )

    law("forgets a stream that has had no event for a while, and begins it anew", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        yield* wait(idle, 0.7)
        yield* store.append(key, "1")
        yield* wait(idle, 0.7)
        yield* store.append(key, "2")
        yield* wait(idle, 0.7)
        assert.strictEqual(yield* store.last(key), 2)
        yield* wait(idle, 0.4)
        yield* fails(unknown(), store.append(key, "3"))
        yield* fails(unknown(), store.read(key, 0))
        yield* store.create(key)
        assert.deepStrictEqual(yield* store.read(key, 0), [])
        assert.strictEqual(yield* store.append(key, "new"), 1)
        assert.deepStrictEqual(yield* store.read(key, 0), events(["new"]))
      }))

    law(
      "keeps a stream that is begun again as it is, for as long as one that is new",
      (store) =>
        Effect.gen(function*() {
          yield* store.create(key)
          yield* store.append(key, "1")
          yield* wait(idle, 0.7)
          yield* store.create(key)
          yield* wait(idle, 0.7)
          assert.deepStrictEqual(yield* store.read(key, 0), events(["1"]))
          assert.strictEqual(yield* store.append(key, "2"), 2)
        })
    )

    law("forgets all streams of a session that is dropped, and can begin them anew", (store) =>
      Effect.gen(function*() {
        const second = { session: "one", stream: "b" }
        const other = { session: "two", stream: "a" }
        for (const each of [key, second, other]) {
          yield* store.create(each)
          yield* store.append(each, "1")
        }
        yield* store.end(second)
        yield* store.drop("one")
        yield* fails(unknown(), store.read(key, 0))
        yield* fails(unknown(), store.append(key, "2"))
        yield* fails(unknown("b"), store.last(second))
        assert.deepStrictEqual(yield* store.read(other, 0), events(["1"]))
        yield* store.create(key)
        assert.strictEqual(yield* store.append(key, "new"), 1)
        assert.deepStrictEqual(yield* store.read(key, 0), events(["new"]))
        yield* store.drop("one")
        yield* store.drop("one")
        yield* fails(unknown(), store.last(key))
      }))

    law(
      "tells a follower what is there and what comes, from each position, and ends with the stream",
      (store) =>
        Effect.gen(function*() {
          yield* store.create(key)
          const texts = numbered("", 6)
          yield* appendAll(store, texts.slice(0, 3))
          const fibers = yield* Effect.forEach([0, 1, 2, 3, 3], (after) => Effect.forkChild(collect(store, after)))
          for (const text of texts.slice(3)) {
            yield* store.append(key, text)
            yield* Effect.yieldNow
          }
          yield* store.end(key)
          const told = yield* Effect.forEach(fibers, Fiber.join)
          assert.deepStrictEqual(told, [0, 1, 2, 3, 3].map((after) => events(texts.slice(after), after + 1)))
          assert.deepStrictEqual(yield* collect(store, 6), [])
        })
    )

    law("has a follower wait for the first event and for the end", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        const fiber = yield* Effect.forkChild(collect(store, 0), { startImmediately: true })
        yield* store.append(key, "1")
        yield* moment
        assert.isUndefined(fiber.pollUnsafe())
        yield* store.end(key)
        assert.deepStrictEqual(yield* Fiber.join(fiber), events(["1"]))
      }))

    law("fails a follower that is too slow for what is kept", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        yield* store.append(key, "1")
        const told: Array<string> = []
        const slow = Stream.runForEach(store.follow(key, 0), ({ data }) =>
          Effect.suspend(() => {
            told.push(data)
            return data === "1" ? appendAll(store, numbered("x", 8)) : Effect.void
          }))
        yield* fails(trimmed(1), slow)
        assert.deepStrictEqual(told, ["1"])
      }), { maxEvents: 5 })

    law("fails a follower at an event that is not kept, after all before it", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        yield* store.append(key, "1")
        const told: Array<EventStore.Event> = []
        const fiber = yield* Effect.forkChild(
          Effect.flip(Stream.runForEach(store.follow(key, 0), (event) => Effect.sync(() => told.push(event)))),
          { startImmediately: true }
        )
        yield* moment
        yield* store.append(key, "x".repeat(11))
        const error = yield* Fiber.join(fiber) as Effect.Effect<SessionError.SessionError>
        assert.deepStrictEqual(error.reason, trimmed(1))
        assert.deepStrictEqual(told, events(["1"]))
      }), { maxSize: 10 })

    law(
      "ends followers of a session that is dropped, who never see a stream begun after it",
      (store) =>
        Effect.gen(function*() {
          const other = { session: "two", stream: "a" }
          yield* Effect.forEach([key, other], store.create)
          yield* appendAll(store, ["1", "2"])
          const fiber = yield* Effect.forkChild(collect(store, 1), { startImmediately: true })
          const staying = yield* Effect.forkChild(collect(store, 0, other), { startImmediately: true })
          yield* moment
          yield* store.drop("one")
          yield* store.create(key)
          yield* appendAll(store, ["new", "new", "new"])
          assert.deepStrictEqual(yield* Fiber.join(fiber), events(["2"], 2))
          yield* store.append(other, "1")
          yield* store.end(other)
          assert.deepStrictEqual(yield* Fiber.join(staying), events(["1"]))
        })
    )

    law("ends a follower when the stream is forgotten", (store) =>
      Effect.gen(function*() {
        yield* store.create(key)
        yield* store.append(key, "1")
        const told: Array<EventStore.Event> = []
        const fiber = yield* Effect.forkChild(
          Stream.runForEach(store.follow(key, 0), (event) => Effect.sync(() => told.push(event)))
        )
        while (told.length === 0) yield* moment
        yield* joined(fiber)
        assert.deepStrictEqual(told, events(["1"]))
        yield* fails(unknown(), store.last(key))
      }))

    between("gives positions without a gap when many append at once", (one, other) =>
      Effect.gen(function*() {
        yield* one.create(key)
        const texts = numbered("", 60)
        const positions = yield* Effect.forEach(
          texts,
          (text, index) => (index % 2 === 0 ? one : other).append(key, text),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(positions.toSorted((a, b) => a - b), texts.map((_, index) => index + 1))
        const kept = yield* other.read(key, 0)
        assert.deepStrictEqual(
          kept,
          texts.map((data, index) => ({ position: positions[index]!, data })).toSorted((a, b) =>
            a.position - b.position
          )
        )
      }))

    between("begins a stream once when many create it at once", (one, other) =>
      Effect.gen(function*() {
        yield* Effect.forEach(Array(20).keys(), (index) => (index % 2 === 0 ? one : other).create(key), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual([yield* one.append(key, "1"), yield* other.append(key, "2")], [1, 2])
      }))

    between("has as many events as were taken, when the end comes in between", (one, other) =>
      Effect.gen(function*() {
        yield* one.create(key)
        const fiber = yield* Effect.forkChild(collect(other, 0), { startImmediately: true })
        const taken = yield* Effect.forEach(
          Array(30).keys(),
          (index) =>
            index === 15
              ? Effect.as(other.end(key), 0)
              : Effect.match(one.append(key, String(index)), { onSuccess: () => 1, onFailure: () => 0 }),
          { concurrency: "unbounded" }
        )
        const told = yield* Fiber.join(fiber)
        assert.strictEqual(told.length, taken.filter((one) => one === 1).length)
        assert.deepStrictEqual(told, yield* one.read(key, 0))
        assert.strictEqual(yield* other.last(key), told.length)
      }))

    between("tells everything once and in order while another appends", (one, other) =>
      Effect.gen(function*() {
        yield* one.create(key)
        const texts = numbered("", 100)
        const fibers = yield* Effect.forEach([one, other, other], (store) =>
          Effect.forkChild(collect(store, 0), { startImmediately: true }))
        for (const text of texts) {
          yield* one.append(key, text)
        }
        yield* one.end(key)
        for (const fiber of fibers) {
          assert.deepStrictEqual(yield* Fiber.join(fiber), events(texts))
        }
      }))

    between("ends a follower whose session another drops", (one, other) =>
      Effect.gen(function*() {
        yield* one.create(key)
        yield* one.append(key, "1")
        const fiber = yield* Effect.forkChild(collect(other, 0), { startImmediately: true })
        yield* Effect.sleep("50 millis")
        yield* one.drop("one")
        assert.deepStrictEqual(yield* Fiber.join(fiber), events(["1"]))
        yield* fails(unknown(), other.read(key, 0))
      }))
  })
}
