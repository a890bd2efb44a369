/** The laws of an `OAuthStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import type * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import type { Backend } from "../../../session/places.ts"

type Store = OAuthStore.OAuthStore["Service"]
type Result<A> = Effect.Effect<A, OAuthStoreError.OAuthStoreError>

/** Milliseconds; long enough that a busy machine does not let it pass. */
const life = 800

/** Parts of a life that are over last. */
const entry = (data: string, grant?: string, lives = 1): Effect.Effect<OAuthStore.Entry> =>
  Effect.map(
    Clock.currentTimeMillis,
    (now) => ({ data, ...grant !== undefined && { grant }, expiresAt: now + lives * life })
  )

const long = (data: string, grant?: string) => entry(data, grant, 100)

const code = (id: string): OAuthStore.Key => ({ kind: "code", id })
const refresh = (id: string): OAuthStore.Key => ({ kind: "refresh", id })
const grant = (id: string): OAuthStore.Key => ({ kind: OAuthStore.grantKind, id })

const live = (entry: OAuthStore.Entry): OAuthStore.Found => ({ _tag: "Live", entry })
/** What comes with it has laws of its own. */
const withoutGrant = (found: OAuthStore.Found): OAuthStore.Found => found._tag === "Live" ? live(found.entry) : found

const used = (grant?: string): OAuthStore.Found => ({ _tag: "Used", grant })

const isDefect = (effect: Result<unknown>) =>
  Effect.map(
    Effect.exit(effect),
    (exit) => assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause) && !Cause.hasFails(exit.cause))
  )

export const suite = (name: string, { isShared, place, time }: Backend<OAuthStore.OAuthStore>): void => {
  const run = time === "virtual" ? it.effect : it.live
  const wait = (lives: number) => (time === "virtual" ? TestClock.adjust : Effect.sleep)(Duration.millis(lives * life))

  const connectWhole = (process: Layer.Layer<OAuthStore.OAuthStore, unknown>) =>
    Effect.map(Layer.build(process), Context.get(OAuthStore.OAuthStore))

  const connect = (process: Layer.Layer<OAuthStore.OAuthStore, unknown>) =>
    Effect.map(connectWhole(process), (store): Store => ({
      ...store,
      get: (key) => Effect.map(store.get(key), withoutGrant)
    }))

  const law = (title: string, body: (store: Store) => Result<void>) =>
    run(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        yield* body(yield* connect(process()))
      })))

  /** Two processes of one place, or one twice. */
  const race = (title: string, body: (stores: [Store, Store]) => Result<void>) =>
    it.live(title, () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const one = yield* connect(process())
        yield* body([one, isShared ? yield* connect(process()) : one])
      })), 60_000)

  /** The results of as many fibers at once, on one store and the other by turns. */
  const atOnce = <A>(
    fibers: number,
    stores: [Store, Store],
    body: (store: Store, index: number) => Result<A>
  ) =>
    Effect.all(Array.from({ length: fibers }, (_, index) => body(stores[index % 2]!, index)), {
      concurrency: "unbounded"
    })

  const rounds = (count: number, body: (round: number) => Result<void>) =>
    Effect.forEach(Array.from({ length: count }).keys(), body, { discard: true })

  describe(`OAuthStore, ${name}`, () => {
    law("says whether it is shared", (store) => Effect.sync(() => assert.strictEqual(store.isShared, isShared)))

    law("gives back what was kept", (store) =>
      Effect.gen(function*() {
        const one = yield* entry("one")
        const ofGrant = yield* entry("", "g")
        assert.isTrue(yield* store.putOnce(code("1"), one))
        assert.isTrue(yield* store.putOnce(grant("g"), yield* entry("the grant")))
        assert.isTrue(yield* store.putOnce(code("2"), ofGrant))
        assert.deepStrictEqual(yield* store.get(code("1")), live(one))
        assert.deepStrictEqual(yield* store.get(code("2")), live(ofGrant))
      }))

    run(
      "gives the entry of a grant with what belongs to it, as it is then",
      () =>
        Effect.scoped(Effect.gen(function*() {
          const store = yield* connectWhole((yield* place)())
          const [first, second, ofGrant] = [yield* entry("first"), yield* long("second"), yield* entry("", "g")]
          yield* store.putOnce(grant("g"), first)
          yield* store.putOnce(code("1"), ofGrant)
          yield* store.putOnce(code("2"), first)
          assert.deepStrictEqual(yield* store.get(code("1")), { _tag: "Live", entry: ofGrant, grantEntry: first })
          assert.isTrue(yield* store.replace(grant("g"), "first", second))
          assert.deepStrictEqual(yield* store.get(code("1")), { _tag: "Live", entry: ofGrant, grantEntry: second })
          assert.deepStrictEqual(yield* store.get(grant("g")), live(second))
          assert.deepStrictEqual(yield* store.get(code("2")), live(first))
          yield* store.takeOnce(code("1"))
          assert.deepStrictEqual(yield* store.get(code("1")), used("g"))
        }))
    )

    law("knows nothing of a key it was not given", (store) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* store.get(code("1")), OAuthStore.absent)
        assert.deepStrictEqual(
          yield* store.takeOnce(code("1"), [[refresh("1"), yield* entry("next")]]),
          OAuthStore.absent
        )
        assert.deepStrictEqual(yield* store.get(refresh("1")), OAuthStore.absent)
        assert.isFalse(yield* store.replace(code("1"), "", yield* entry("")))
        assert.isFalse(yield* store.remove(code("1")))
        yield* store.endGrant("g")
        assert.deepStrictEqual(yield* store.get(code("1")), OAuthStore.absent)
      }))

    law("keeps one of a key until it is over, used or not", (store) =>
      Effect.gen(function*() {
        const first = yield* entry("first")
        assert.isTrue(yield* store.putOnce(code("1"), first))
        assert.isTrue(yield* store.putOnce(code("2"), first))
        yield* store.takeOnce(code("2"))
        assert.isFalse(yield* store.putOnce(code("1"), yield* long("second")))
        assert.isFalse(yield* store.putOnce(code("2"), yield* long("second")))
        assert.deepStrictEqual(yield* store.get(code("1")), live(first))
        yield* wait(1.1)
        const second = yield* entry("second")
        for (const key of [code("1"), code("2")]) {
          assert.isTrue(yield* store.putOnce(key, second))
          assert.deepStrictEqual(yield* store.get(key), live(second))
        }
      }))

    law("takes what is over for what never was", (store) =>
      Effect.gen(function*() {
        const one = yield* entry("one")
        yield* store.putOnce(code("1"), one)
        yield* store.putOnce(code("2"), yield* long("long"))
        yield* wait(1.1)
        const next = [[refresh("1"), yield* entry("next")]] as const
        assert.deepStrictEqual(yield* store.get(code("1")), OAuthStore.absent)
        assert.deepStrictEqual(yield* store.takeOnce(code("1"), next), OAuthStore.absent)
        assert.deepStrictEqual(yield* store.get(refresh("1")), OAuthStore.absent)
        assert.isFalse(yield* store.replace(code("1"), "one", yield* long("two")))
        assert.isFalse(yield* store.remove(code("1")))
        assert.strictEqual((yield* store.get(code("2")))._tag, "Live")
      }))

    law("keeps what is over from the start for nobody, and what never is for ever", (store) =>
      Effect.gen(function*() {
        const forEver = { data: "", expiresAt: Infinity }
        assert.isTrue(yield* store.putOnce(code("1"), yield* entry("", undefined, 0)))
        assert.isTrue(yield* store.putOnce(code("2"), forEver))
        assert.deepStrictEqual(yield* store.get(code("1")), OAuthStore.absent)
        yield* wait(time === "virtual" ? 1000 : 1)
        assert.deepStrictEqual(yield* store.get(code("2")), live(forEver))
      }))

    law("uses an entry up once, and says of which grant it was until it is over", (store) =>
      Effect.gen(function*() {
        const [one, two] = [yield* entry("one", "g"), yield* entry("two")]
        yield* store.putOnce(grant("g"), yield* long(""))
        yield* store.putOnce(code("1"), one)
        yield* store.putOnce(code("2"), two)
        assert.deepStrictEqual(yield* store.takeOnce(code("1")), live(one))
        assert.deepStrictEqual(yield* store.takeOnce(code("2")), live(two))
        yield* wait(0.5)
        for (const found of [store.get, store.takeOnce]) {
          assert.deepStrictEqual(yield* found(code("1")), used("g"))
          assert.deepStrictEqual(yield* found(code("2")), used())
        }
        assert.isFalse(yield* store.replace(code("1"), "one", yield* long("three")))
        yield* wait(0.6)
        for (const found of [store.get, store.takeOnce]) {
          assert.deepStrictEqual(yield* found(code("1")), OAuthStore.absent)
        }
      }))

    law(
      "keeps what comes next in the same step, for the one who takes and for nobody else",
      (store) =>
        Effect.gen(function*() {
          const [one, two, more] = [yield* entry("one"), yield* long("two"), yield* long("more", "g")]
          const theGrant = yield* long("grant")
          yield* store.putOnce(code("1"), one)
          assert.deepStrictEqual(
            yield* store.takeOnce(code("1"), [[refresh("2"), two], [grant("g"), theGrant], [refresh("more"), more]]),
            live(one)
          )
          assert.deepStrictEqual(yield* store.get(refresh("2")), live(two))
          assert.deepStrictEqual(yield* store.get(grant("g")), live(theGrant))
          assert.deepStrictEqual(yield* store.get(refresh("more")), live(more))
          assert.deepStrictEqual(yield* store.takeOnce(code("1"), [[refresh("3"), two]]), used())
          assert.deepStrictEqual(yield* store.get(refresh("3")), OAuthStore.absent)
          assert.deepStrictEqual(yield* store.takeOnce(refresh("2")), live(two))
        })
    )

    law(
      "dies, and has done nothing, where there is an entry of a key that comes next",
      (store) =>
        Effect.gen(function*() {
          const [one, there, next] = [yield* entry("one"), yield* entry("there"), yield* long("next")]
          yield* store.putOnce(code("1"), one)
          yield* store.putOnce(refresh("there"), there)
          yield* store.putOnce(refresh("used"), there)
          yield* store.takeOnce(refresh("used"))
          for (const key of [refresh("there"), refresh("used"), code("1"), refresh("free")]) {
            yield* isDefect(store.takeOnce(code("1"), [[refresh("free"), next], [key, next]]))
            assert.deepStrictEqual(yield* store.get(code("1")), live(one))
            assert.deepStrictEqual(yield* store.get(refresh("free")), OAuthStore.absent)
            assert.deepStrictEqual(yield* store.get(refresh("there")), live(there))
            assert.deepStrictEqual(yield* store.get(refresh("used")), used())
          }
          assert.deepStrictEqual(yield* store.takeOnce(code("1"), [[refresh("free"), next]]), live(one))
          // There is nothing to do.
          assert.deepStrictEqual(yield* store.takeOnce(code("1"), [[refresh("there"), next]]), used())
          assert.deepStrictEqual(yield* store.takeOnce(code("2"), [[refresh("there"), next]]), OAuthStore.absent)
        })
    )

    law("undoes for one alone what many do at the same moment", (store) =>
      Effect.gen(function*() {
        const [one, next] = [yield* entry("one"), yield* long("next")]
        const ids = ["1", "2", "3", "4"]
        for (const id of ids) yield* store.putOnce(code(id), one)
        yield* store.putOnce(refresh("2"), next)
        const exits = yield* Effect.forEach(
          ids,
          (id) => Effect.exit(store.takeOnce(code(id), [[refresh(`first ${id}`), next], [refresh(id), next]])),
          { concurrency: "unbounded" }
        )
        for (const [index, exit] of exits.entries()) {
          const [id, isTaken] = [ids[index]!, index !== 1]
          assert.deepStrictEqual(yield* store.get(code(id)), isTaken ? used() : live(one))
          assert.deepStrictEqual(yield* store.get(refresh(`first ${id}`)), isTaken ? live(next) : OAuthStore.absent)
          assert.strictEqual(Exit.isSuccess(exit), isTaken)
          if (Exit.isSuccess(exit)) assert.deepStrictEqual(exit.value, live(one))
        }
      }))

    law("takes the key of an entry that is over, or whose grant is, for a free one", (store) =>
      Effect.gen(function*() {
        const [one, next] = [yield* long("one"), yield* long("next")]
        yield* store.putOnce(grant("g"), yield* entry(""))
        yield* store.putOnce(code("1"), one)
        yield* store.putOnce(refresh("over"), yield* entry(""))
        yield* store.putOnce(refresh("of grant"), yield* long("", "g"))
        yield* store.putOnce(refresh("of grant, too"), yield* long("", "g"))
        yield* wait(1.1)
        assert.deepStrictEqual(
          yield* store.takeOnce(code("1"), [[refresh("over"), next], [refresh("of grant"), next]]),
          live(one)
        )
        assert.isTrue(yield* store.putOnce(refresh("of grant, too"), next))
        for (const id of ["over", "of grant", "of grant, too"]) {
          assert.deepStrictEqual(yield* store.get(refresh(id)), live(next))
        }
      }))

    law("replaces what it was told to, and nothing that has become something else", (store) =>
      Effect.gen(function*() {
        yield* store.putOnce(grant("g"), yield* long(""))
        yield* store.putOnce(code("1"), yield* entry("one"))
        const two = yield* long("two", "g")
        assert.isFalse(yield* store.replace(code("1"), "two", two))
        assert.isFalse(yield* store.replace(code("1"), "", two))
        assert.isTrue(yield* store.replace(code("1"), "one", two))
        assert.isFalse(yield* store.replace(code("1"), "one", two))
        yield* wait(1.1)
        assert.deepStrictEqual(yield* store.get(code("1")), live(two))
        const three = yield* entry("three")
        assert.isTrue(yield* store.replace(code("1"), "two", three))
        yield* store.endGrant("g")
        assert.deepStrictEqual(yield* store.get(code("1")), live(three))
        yield* wait(1.1)
        assert.deepStrictEqual(yield* store.get(code("1")), OAuthStore.absent)
      }))

    law("removes an entry once, used or not", (store) =>
      Effect.gen(function*() {
        yield* store.putOnce(code("1"), yield* entry(""))
        yield* store.putOnce(code("2"), yield* entry(""))
        yield* store.takeOnce(code("2"))
        for (const key of [code("1"), code("2")]) {
          assert.isTrue(yield* store.remove(key))
          assert.isFalse(yield* store.remove(key))
          assert.deepStrictEqual(yield* store.get(key), OAuthStore.absent)
          assert.isTrue(yield* store.putOnce(key, yield* entry("")))
        }
      }))

    for (const ends of ["endGrant", "remove"] as const) {
      law(
        `has nothing of a grant that has ended (${ends}), and keeps nothing of it`,
        (store) =>
          Effect.gen(function*() {
            const [one, two] = [yield* entry("one", "g"), yield* entry("two", "other")]
            for (const id of ["g", "other"]) yield* store.putOnce(grant(id), yield* entry(""))
            yield* store.putOnce(code("1"), one)
            yield* store.putOnce(refresh("1"), one)
            yield* store.putOnce(code("used"), one)
            yield* store.takeOnce(code("used"))
            yield* store.putOnce(code("2"), two)
            yield* store.putOnce(code("g"), yield* entry("named alike"))
            yield* ends === "endGrant" ? store.endGrant("g") : store.remove(grant("g"))
            const free = yield* entry("")
            for (const key of [code("1"), refresh("1"), code("used"), grant("g")]) {
              assert.deepStrictEqual(yield* store.get(key), OAuthStore.absent)
              assert.deepStrictEqual(yield* store.takeOnce(key, [[code("next"), free]]), OAuthStore.absent)
              assert.isFalse(yield* store.replace(key, "one", free))
              assert.isFalse(yield* store.remove(key))
            }
            assert.deepStrictEqual(yield* store.get(code("next")), OAuthStore.absent)
            assert.isFalse(yield* store.putOnce(code("3"), one))
            assert.isFalse(yield* store.putOnce(code("1"), one))
            assert.isFalse(yield* store.putOnce(code("3"), { ...one, grant: "never was" }))
            assert.deepStrictEqual(yield* store.get(code("3")), OAuthStore.absent)
            assert.deepStrictEqual(yield* store.get(code("2")), live(two))
            assert.strictEqual((yield* store.get(code("g")))._tag, "Live")
            assert.strictEqual((yield* store.get(grant("other")))._tag, "Live")
            // Ended before it was written: kept in vain.
            assert.strictEqual((yield* store.takeOnce(code("2"), [[refresh("2"), one]]))._tag, "Live")
            assert.deepStrictEqual(yield* store.get(refresh("2")), OAuthStore.absent)
            yield* store.endGrant("g")
          })
      )
    }

    law("has nothing of a grant that is over, however long it was to last itself", (store) =>
      Effect.gen(function*() {
        yield* store.putOnce(grant("g"), yield* entry(""))
        yield* store.putOnce(code("1"), yield* long("", "g"))
        yield* store.putOnce(code("2"), yield* long("", "g"))
        yield* store.takeOnce(code("2"))
        yield* wait(1.1)
        for (const key of [code("1"), code("2")]) assert.deepStrictEqual(yield* store.get(key), OAuthStore.absent)
        assert.isFalse(yield* store.putOnce(code("3"), yield* long("", "g")))
      }))

    law("takes a used grant for one that is there", (store) =>
      Effect.gen(function*() {
        yield* store.putOnce(grant("g"), yield* entry(""))
        yield* store.takeOnce(grant("g"))
        const one = yield* entry("one", "g")
        assert.isTrue(yield* store.putOnce(code("1"), one))
        assert.deepStrictEqual(yield* store.get(code("1")), live(one))
      }))

    law("has grants belong to none", (store) =>
      Effect.gen(function*() {
        for (const [id, of] of [["g", "g"], ["h", "never was"]] as const) {
          const { data, expiresAt } = yield* entry("")
          assert.isTrue(yield* store.putOnce(grant(id), { data, expiresAt, grant: of }))
          assert.deepStrictEqual(yield* store.get(grant(id)), live({ data, expiresAt }))
        }
      }))

    law("keeps apart what is not the same, and takes anything for an id", (store) =>
      Effect.gen(function*() {
        const kinds = ["a", "A", "a:b", "a b", "a%20b", "ä", "grant", "code"]
        const ids = [
          ..."b:c|c| c|c |C|%s $1 ? '|\"|\\|\"\"|*|{x}|é|e\u0301|\ud83d\ude00|grant|null|\u007f\t\r\n".split("|"),
          ...["", "\0", "\0\0", "\"\\u0000\"", "\ud800", "\udc00", "\ufffd", "\"\ud800", "\"\\ud800\""],
          "長".repeat(500),
          `${"長".repeat(499)}短`
        ]
        const all = kinds.flatMap((kind) => ids.map((id) => ({ kind, id })))
        const keptOf = (index: number) => entry(`${index} \u0001 \ud83d\ude00 %s $1 '`)
        for (const [index, key] of all.entries()) {
          assert.deepStrictEqual(yield* store.get(key), OAuthStore.absent, JSON.stringify(key))
          assert.isTrue(yield* store.putOnce(key, { ...yield* keptOf(index), expiresAt: 1e13 }), JSON.stringify(key))
          assert.strictEqual(yield* store.count(key, 60_000), 1)
        }
        for (const [index, key] of all.entries()) {
          const found = live({ ...yield* keptOf(index), expiresAt: 1e13 })
          assert.deepStrictEqual(yield* store.get(key), found, JSON.stringify(key))
        }
        for (const [index, id] of ids.entries()) {
          const one = { data: "", grant: id, expiresAt: 1e13 }
          assert.isTrue(yield* store.putOnce(code(`of grant ${index}`), one))
          assert.deepStrictEqual(yield* store.takeOnce(code(`of grant ${index}`)), live(one))
          assert.deepStrictEqual(yield* store.get(code(`of grant ${index}`)), used(id))
        }
        for (const id of ids) yield* store.endGrant(id)
        for (const key of all) {
          assert.strictEqual((yield* store.get(key))._tag, key.kind === "grant" ? "Absent" : "Live")
        }
      }))

    law("keeps 64 KB of any characters", (store) =>
      Effect.gen(function*() {
        const pattern = "\u0001\t\n\\ \"'%s$1;--\u00e4\u9577\ud83d\ude00\u2028\ufffe{}[]"
        const data = pattern.repeat(Math.ceil(65_536 / pattern.length)).slice(0, 65_536).replace(/\ud83d$/, "x")
        const one = yield* long(data)
        yield* store.putOnce(code("1"), one)
        assert.deepStrictEqual(yield* store.get(code("1")), live(one))
        const two = { ...one, data: `${data}.` }
        assert.isFalse(yield* store.replace(code("1"), `${data}..`, two))
        assert.isTrue(yield* store.replace(code("1"), data, two))
        assert.deepStrictEqual(yield* store.takeOnce(code("1"), [[code("2"), one]]), live(two))
        assert.deepStrictEqual(yield* store.get(code("2")), live(one))
      }))

    law(
      "counts each key from the first time, and anew when that is long enough ago",
      (store) =>
        Effect.gen(function*() {
          const key = { kind: "attempts", id: "ada" }
          assert.strictEqual(yield* store.count(key, life), 1)
          yield* wait(0.5)
          assert.strictEqual(yield* store.count(key, life), 2)
          // The window is the one of the first time.
          assert.strictEqual(yield* store.count(key, 100 * life), 3)
          assert.strictEqual(yield* store.count({ ...key, id: "bob" }, life), 1)
          assert.strictEqual(yield* store.count({ ...key, kind: "logins" }, 100 * life), 1)
          yield* wait(0.6)
          assert.strictEqual(yield* store.count(key, 100 * life), 1)
          yield* wait(1.1)
          assert.strictEqual(yield* store.count(key, life), 2)
          assert.strictEqual(yield* store.count({ ...key, kind: "logins" }, life), 2)
        })
    )

    law("does not take counts for entries, nor entries for counts", (store) =>
      Effect.gen(function*() {
        yield* store.count(code("1"), life)
        assert.deepStrictEqual(yield* store.get(code("1")), OAuthStore.absent)
        assert.isTrue(yield* store.putOnce(code("1"), yield* entry("")))
        assert.strictEqual(yield* store.count(code("1"), life), 2)
        assert.isTrue(yield* store.remove(code("1")))
        assert.strictEqual(yield* store.count(code("1"), life), 3)
      }))

    race(
      "lets one of 50 take an entry, and keeps what comes next for that one",
      (stores) =>
        rounds(20, (round) =>
          Effect.gen(function*() {
            const key = refresh(`${round}`)
            const one = yield* long("one", `${round}`)
            yield* stores[0].putOnce(grant(`${round}`), yield* long(""))
            yield* stores[0].putOnce(key, one)
            const nextOf = (index: number) => refresh(`${round}, ${index}`)
            const found = yield* atOnce(50, stores, (store, index) =>
              round % 2 === 0
                ? store.takeOnce(key)
                : store.takeOnce(key, [[nextOf(index), { ...one, data: `${index}` }]]))
            const winner = found.findIndex(({ _tag }) => _tag === "Live")
            assert.deepStrictEqual(
              found,
              Array.from(found, (_, index) => index === winner ? live(one) : used(`${round}`))
            )
            if (round % 2 === 0) return
            const next = yield* atOnce(50, stores, (store, index) => store.get(nextOf(index)))
            assert.deepStrictEqual(
              next,
              Array.from(next, (_, index) => index === winner ? live({ ...one, data: `${index}` }) : OAuthStore.absent)
            )
          }))
    )

    race(
      "has nothing left of a grant that ends while its entries are taken and kept",
      (stores) =>
        Effect.gen(function*() {
          const tags = new Set<string>()
          yield* rounds(30, (round) =>
            Effect.gen(function*() {
              const id = `${round}`
              const one = yield* long("one", id)
              yield* stores[0].putOnce(grant(id), yield* long(""))
              const keys = Array.from({ length: 12 }, (_, index) => code(`${id}, ${index}`))
              yield* Effect.forEach(keys, (key) => stores[0].putOnce(key, one))
              const nextOf = ({ id }: OAuthStore.Key, kind: string) => ({ kind, id })
              const found = yield* atOnce(14, stores, (store, index) =>
                index === round % 14 || index === (round + 5) % 14
                  ? Effect.as(store.endGrant(id), OAuthStore.absent)
                  : index >= 12
                  ? Effect.as(store.putOnce(code(`${id}, late`), one), OAuthStore.absent)
                  : store.takeOnce(keys[index]!, [[nextOf(keys[index]!, "refresh"), one], [
                    nextOf(keys[index]!, "access"),
                    one
                  ]]))
              for (const { _tag } of found) tags.add(_tag)
              const left = yield* Effect.forEach(
                [...keys, ...keys.map((key) => nextOf(key, "refresh")), ...keys.map((key) => nextOf(key, "access"))],
                (key, index) => stores[index % 2]!.get(key)
              )
              assert.deepStrictEqual(left, left.map(() => OAuthStore.absent))
              assert.deepStrictEqual(yield* stores[1].get(code(`${id}, late`)), OAuthStore.absent)
            }))
          // Both came first, some time.
          assert.deepStrictEqual([...tags].toSorted(), ["Absent", "Live"])
        })
    )

    race(
      "keeps one of 50 of one key, also where there was one that is over",
      (stores) =>
        rounds(10, (round) =>
          Effect.gen(function*() {
            const key = code(`${round}`)
            if (round % 2 === 1) yield* stores[0].putOnce(key, yield* entry("over", undefined, 0))
            const one = yield* long("")
            const kept = yield* atOnce(50, stores, (store, index) => store.putOnce(key, { ...one, data: `${index}` }))
            assert.strictEqual(kept.filter(Boolean).length, 1)
            assert.deepStrictEqual(yield* stores[1].get(key), live({ ...one, data: `${kept.indexOf(true)}` }))
          }))
    )

    race(
      "lets one of many replace, one remove, and one either take or remove",
      (stores) =>
        rounds(10, (round) =>
          Effect.gen(function*() {
            const [one, two, three] = ["one", "two", "three"].map((name) => code(`${name} ${round}`)) as [
              OAuthStore.Key,
              OAuthStore.Key,
              OAuthStore.Key
            ]
            const kept = yield* long("one")
            for (const key of [one, two, three]) yield* stores[0].putOnce(key, kept)
            const replaced = yield* atOnce(
              20,
              stores,
              (store, index) => store.replace(one, "one", { ...kept, data: `${index}` })
            )
            assert.strictEqual(replaced.filter(Boolean).length, 1)
            assert.deepStrictEqual(yield* stores[1].get(one), live({ ...kept, data: `${replaced.indexOf(true)}` }))
            const removed = yield* atOnce(20, stores, (store) => store.remove(two))
            assert.strictEqual(removed.filter(Boolean).length, 1)
            const both = yield* atOnce(20, stores, (store, index) =>
              index % 4 < 2
                ? Effect.map(store.remove(three), (isDone) => isDone ? "removed" : "")
                : Effect.map(store.takeOnce(three), ({ _tag }) => _tag))
            assert.strictEqual(both.filter((result) => result === "removed").length, 1)
            assert.isAtMost(both.filter((result) => result === "Live").length, 1)
            assert.deepStrictEqual(yield* stores[0].get(three), OAuthStore.absent)
          }))
    )

    race("counts everybody", (stores) =>
      rounds(5, (round) =>
        Effect.gen(function*() {
          const key = { kind: "attempts", id: `${round}` }
          if (round % 2 === 1) yield* stores[0].count(key, 0)
          const counts = yield* atOnce(50, stores, (store) => store.count(key, 60_000))
          assert.deepStrictEqual(counts.toSorted((a, b) => a - b), Array.from(counts, (_, index) => index + 1))
        })))

    if (isShared) {
      race("shows one process what another has done", ([one, other]) =>
        Effect.gen(function*() {
          const first = yield* long("first", "g")
          yield* one.putOnce(grant("g"), yield* long(""))
          assert.isTrue(yield* other.putOnce(code("1"), first))
          assert.deepStrictEqual(yield* one.get(code("1")), live(first))
          assert.isTrue(yield* one.replace(code("1"), "first", { ...first, data: "second" }))
          assert.deepStrictEqual(yield* other.takeOnce(code("1")), live({ ...first, data: "second" }))
          assert.deepStrictEqual(yield* one.takeOnce(code("1")), used("g"))
          yield* one.endGrant("g")
          assert.deepStrictEqual(yield* other.get(code("1")), OAuthStore.absent)
          assert.isFalse(yield* other.putOnce(code("1"), first))
        }))
    }
  })
}
