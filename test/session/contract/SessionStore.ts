/** The laws of a `SessionStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import type * as Session from "fastmcp-effect/session/Session"
import * as SessionError from "fastmcp-effect/session/SessionError"
import * as SessionStore from "fastmcp-effect/session/SessionStore"
import type { Backend } from "../places.ts"

type Store = SessionStore.SessionStore["Service"]

const session = (id: string, principal: string | null = null): Session.Session => ({
  id,
  principal,
  revision: "2025-11-25",
  clientInfo: { name: "tester", version: "1.0.0", title: "Ä \"tester\"" },
  capabilities: { sampling: {}, roots: { listChanged: true } },
  watched: ["file:///a b", "x:\\y"],
  values: { count: 0, nested: { list: [null, true, 1.5, "\u0000 \ud83d\ude00 %s $1 '"] } }
})

/** Long enough that a busy machine does not let it pass. */
const idle = Duration.millis(800)

const options: SessionStore.CreateOptions = { idle, maxSessions: 100, maxSessionsPerCaller: 100 }

const refused = (
  limit: SessionError.Full["limit"],
  maximum: number,
  effect: Effect.Effect<void, SessionError.SessionError>
) =>
  Effect.match(effect, {
    onSuccess: () => assert.fail("there was room"),
    onFailure: ({ reason }) => assert.deepStrictEqual(reason, new SessionError.Full({ limit, maximum }))
  })

const count = (session: Session.Session) => session.values["count"] as number

const withCount = (session: Session.Session, count: number): Session.Session => ({
  ...session,
  values: { ...session.values, count }
})

export const suite = (name: string, { isShared, place, time }: Backend<SessionStore.SessionStore>): void => {
  const run = time === "virtual" ? it.effect : it.live
  const wait = (part: number) => (time === "virtual" ? TestClock.adjust : Effect.sleep)(Duration.times(idle, part))

  const connect = (process: Layer.Layer<SessionStore.SessionStore, unknown>) =>
    Effect.map(Layer.build(process), Context.get(SessionStore.SessionStore))

  const law = (title: string, body: (store: Store) => Effect.Effect<void, SessionError.SessionError>) =>
    run(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        yield* body(yield* connect(process()))
      })))

  /** Several of one place, or one several times. */
  const race = (title: string, body: (stores: [Store, Store]) => Effect.Effect<void, SessionError.SessionError>) =>
    it.live(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const one = yield* connect(process())
        yield* body([one, isShared ? yield* connect(process()) : one])
      })))

  /** The results of as many fibers at once, on one store and the other by turns. */
  const atOnce = <A>(
    fibers: number,
    stores: [Store, Store],
    body: (store: Store, index: number) => Effect.Effect<A, SessionError.SessionError>
  ) =>
    Effect.all(Array.from({ length: fibers }, (_, index) => body(stores[index % 2]!, index)), {
      concurrency: "unbounded"
    })

  describe(`SessionStore, ${name}`, () => {
    law("says whether it is shared", (store) => Effect.sync(() => assert.strictEqual(store.isShared, isShared)))

    law("gives back what was kept, as version 1", (store) =>
      Effect.gen(function*() {
        const one = session("one", "ada")
        const two: Session.Session = { ...session("two"), logLevel: "warning" }
        yield* store.create(one, options)
        yield* store.create(two, options)
        assert.deepStrictEqual(yield* store.get("one"), { version: 1, session: one })
        assert.deepStrictEqual(yield* store.get("two"), { version: 1, session: two })
        assert.strictEqual(yield* store.size, 2)
      }))

    law("knows nothing of an id it was not given", (store) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* store.get("nobody"), undefined)
        assert.isFalse(yield* store.replace(1, session("nobody")))
        assert.isFalse(yield* store.remove("nobody"))
        assert.strictEqual(yield* store.size, 0)
      }))

    law("starts the idle time anew whenever somebody asks", (store) =>
      Effect.gen(function*() {
        yield* store.create(session("one"), options)
        for (let turn = 0; turn < 3; turn++) {
          yield* wait(0.7)
          assert.isDefined(yield* store.get("one"))
        }
        yield* wait(1.1)
        assert.isUndefined(yield* store.get("one"))
      }))

    law("does not start it anew when the session is written, or asked for in vain", (store) =>
      Effect.gen(function*() {
        yield* store.create(session("one"), options)
        yield* wait(0.7)
        assert.isTrue(yield* store.replace(1, session("one")))
        assert.isFalse(yield* store.replace(1, session("one")))
        assert.strictEqual(yield* store.size, 1)
        yield* wait(0.5)
        assert.isUndefined(yield* store.get("one"))
      }))

    law("takes an expired session for one that has ended", (store) =>
      Effect.gen(function*() {
        yield* store.create(session("one", "ada"), options)
        yield* store.create(session("two", "ada"), options)
        yield* wait(1.1)
        assert.strictEqual(yield* store.size, 0)
        assert.isFalse(yield* store.replace(1, session("one", "ada")))
        assert.isFalse(yield* store.remove("one"))
        assert.isUndefined(yield* store.get("two"))
      }))

    law("keeps each for its own time", (store) =>
      Effect.gen(function*() {
        yield* store.create(session("long"), { ...options, idle: Duration.hours(1) })
        yield* store.create(session("short"), options)
        yield* wait(1.1)
        assert.strictEqual(yield* store.size, 1)
        assert.isDefined(yield* store.get("long"))
      }))

    law("replaces the newest version and no other", (store) =>
      Effect.gen(function*() {
        const one = session("one")
        yield* store.create(one, options)
        assert.isFalse(yield* store.replace(2, withCount(one, 9)))
        assert.isTrue(yield* store.replace(1, withCount(one, 1)))
        assert.isFalse(yield* store.replace(1, withCount(one, 9)))
        assert.deepStrictEqual(yield* store.get("one"), { version: 2, session: withCount(one, 1) })
        assert.isTrue(yield* store.replace(2, withCount(one, 2)))
        assert.strictEqual((yield* store.get("one"))?.version, 3)
      }))

    law("does not change what it has given to somebody", (store) =>
      Effect.gen(function*() {
        const one = session("one")
        yield* store.create(one, options)
        const before = yield* store.get("one")
        yield* store.replace(1, withCount(one, 1))
        assert.deepStrictEqual(before, { version: 1, session: one })
      }))

    law("ends a session once", (store) =>
      Effect.gen(function*() {
        yield* store.create(session("one", "ada"), options)
        assert.isTrue(yield* store.remove("one"))
        assert.isFalse(yield* store.remove("one"))
        assert.isUndefined(yield* store.get("one"))
        assert.isFalse(yield* store.replace(1, session("one", "ada")))
        assert.strictEqual(yield* store.size, 0)
      }))

    law(
      "dies when an id comes twice, and keeps the first; an id that has expired is free",
      (store) =>
        Effect.gen(function*() {
          yield* store.create(session("one", "ada"), options)
          const exit = yield* Effect.exit(store.create(session("one", "eve"), options))
          assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause) && !Cause.hasFails(exit.cause))
          assert.strictEqual((yield* store.get("one"))?.session.principal, "ada")
          yield* wait(1.1)
          yield* store.create(session("one", "eve"), options)
          assert.deepStrictEqual(yield* store.get("one"), { version: 1, session: session("one", "eve") })
        })
    )

    law("is full for all at the one limit, for one caller at the other", (store) =>
      Effect.gen(function*() {
        const limits = { ...options, maxSessions: 4, maxSessionsPerCaller: 2 }
        yield* store.create(session("1", "ada"), limits)
        yield* store.create(session("2", "ada"), limits)
        yield* refused("caller", 2, store.create(session("3", "ada"), limits))
        // Another, though its name begins alike, and a caller whose name is empty.
        yield* store.create(session("4", "ad"), limits)
        yield* store.create(session("5", ""), limits)
        for (const [id, principal] of [["6", "bob"], ["7", "ada"], ["8", null]] as const) {
          yield* refused("server", 4, store.create(session(id, principal), limits))
        }
        assert.strictEqual(yield* store.size, 4)
        for (const id of ["3", "6", "7", "8"]) assert.isUndefined(yield* store.get(id))
      }))

    law("counts callers nobody knows for none", (store) =>
      Effect.gen(function*() {
        const limits = { ...options, maxSessionsPerCaller: 1 }
        yield* store.create(session("1"), limits)
        yield* store.create(session("2"), limits)
        yield* store.create(session("3", ""), limits)
        yield* refused("caller", 1, store.create(session("4", ""), limits))
      }))

    law("has room again when a session ends or expires", (store) =>
      Effect.gen(function*() {
        const limits = { ...options, maxSessions: 2, maxSessionsPerCaller: 1 }
        yield* store.create(session("1", "ada"), limits)
        yield* store.remove("1")
        yield* store.create(session("2", "ada"), limits)
        yield* store.create(session("3", "bob"), limits)
        yield* wait(1.1)
        yield* store.create(session("4", "ada"), limits)
        yield* store.create(session("5", "bob"), limits)
        assert.strictEqual(yield* store.size, 2)
      }))

    law("counts a session that is in use for as long as it lives", (store) =>
      Effect.gen(function*() {
        const limits = { ...options, maxSessions: 3, maxSessionsPerCaller: 1 }
        yield* store.create(session("1", "ada"), limits)
        yield* store.create(session("2"), limits)
        yield* store.create(session("3", "bob"), limits)
        yield* wait(0.7)
        yield* store.get("1")
        yield* store.get("2")
        yield* wait(0.7)
        assert.strictEqual(yield* store.size, 2)
        yield* refused("caller", 1, store.create(session("4", "ada"), limits))
        yield* store.create(session("5", "bob"), limits)
        yield* refused("server", 3, store.create(session("6"), limits))
      }))

    law(
      "counts a session for the principal it was created for, whatever is written",
      (store) =>
        Effect.gen(function*() {
          const limits = { ...options, maxSessionsPerCaller: 1 }
          yield* store.create(session("1", "ada"), limits)
          yield* store.replace(1, session("1", "eve"))
          yield* refused("caller", 1, store.create(session("2", "ada"), limits))
          yield* store.create(session("3", "eve"), limits)
          yield* store.remove("1")
          yield* store.create(session("4", "ada"), limits)
        })
    )

    race("keeps the limits when 50 come at once", (stores) =>
      Effect.gen(function*() {
        const limits = { ...options, idle: Duration.minutes(1), maxSessions: 20, maxSessionsPerCaller: 7 }
        const create = (principal: (index: number) => string | null, label: string) => (store: Store, index: number) =>
          store.create(session(`${label}${index}`, principal(index)), limits).pipe(
            Effect.as("kept"),
            Effect.catch(({ reason }) => Effect.succeed(reason._tag === "Full" ? reason.limit : reason._tag))
          )
        const ofAda = yield* atOnce(50, stores, create(() => "ada", "a"))
        assert.deepStrictEqual(ofAda.toSorted(), [...Array(43).fill("caller"), ...Array(7).fill("kept")])
        const ofAll = yield* atOnce(50, stores, create((index) => `other ${index}`, "b"))
        assert.deepStrictEqual(ofAll.toSorted(), [...Array(13).fill("kept"), ...Array(37).fill("server")])
        assert.strictEqual(yield* stores[0].size, 20)
      }))

    race("lets one of many replace a version", (stores) =>
      Effect.gen(function*() {
        const one = session("one")
        yield* stores[0].create(one, { ...options, idle: Duration.minutes(1) })
        const won = yield* atOnce(20, stores, (store, index) => store.replace(1, withCount(one, index + 1)))
        assert.strictEqual(won.filter(Boolean).length, 1)
        const now = yield* stores[1].get("one")
        assert.deepStrictEqual(now, { version: 2, session: withCount(one, won.indexOf(true) + 1) })
      }))

    race("loses no change when everybody tries until it works", (stores) =>
      Effect.gen(function*() {
        yield* stores[0].create(session("one"), { ...options, idle: Duration.minutes(1) })
        const add = (store: Store): Effect.Effect<void, SessionError.SessionError> =>
          Effect.flatMap(store.get("one"), (found) =>
            Effect.flatMap(
              store.replace(found!.version, withCount(found!.session, count(found!.session) + 1)),
              (isDone) => isDone ? Effect.void : add(store)
            ))
        yield* atOnce(20, stores, add)
        const now = yield* stores[1].get("one")
        assert.deepStrictEqual([now?.version, now && count(now.session)], [21, 20])
      }))

    race("tells one of many that it has ended the session, which stays ended", (stores) =>
      Effect.gen(function*() {
        yield* stores[0].create(session("one", "ada"), { ...options, idle: Duration.minutes(1) })
        const removed = yield* atOnce(20, stores, (store, index) =>
          index % 3 === 2
            ? Effect.as(Effect.andThen(store.replace(1, session("one", "ada")), store.get("one")), false)
            : store.remove("one"))
        assert.strictEqual(removed.filter(Boolean).length, 1)
        assert.isUndefined(yield* stores[0].get("one"))
        assert.strictEqual(yield* stores[1].size, 0)
      }))

    if (isShared) {
      race("shows one process what another has done", ([one, other]) =>
        Effect.gen(function*() {
          const limits = { ...options, idle: Duration.minutes(1), maxSessionsPerCaller: 1 }
          const ada = session("one", "ada")
          yield* one.create(ada, limits)
          assert.deepStrictEqual(yield* other.get("one"), { version: 1, session: ada })
          yield* refused("caller", 1, other.create(session("two", "ada"), limits))
          assert.isTrue(yield* other.replace(1, withCount(ada, 5)))
          assert.deepStrictEqual(yield* one.get("one"), { version: 2, session: withCount(ada, 5) })
          assert.isTrue(yield* other.remove("one"))
          assert.isUndefined(yield* one.get("one"))
        }))
    }
  })
}
