import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as SessionMailbox from "fastmcp-effect/session/SessionMailbox"
import * as SessionMailboxSql from "fastmcp-effect/session/SessionMailboxSql"
import { needing, postgres } from "../support/services.ts"
import { arrived, collect, suite } from "./contract/SessionMailbox.ts"
import { type Database, onDatabases, onSql, pg, pgLayer } from "./places.ts"

const layer = (prefix: string) => SessionMailboxSql.layer({ prefix, pollInterval: "20 millis" })

const letter = (text: string): SessionMailbox.Letter => ({ session: "one", text })

/** A process with its client in hand. */
const start = ({ client, prefix }: Database, options: SessionMailboxSql.Options = {}) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(
      SessionMailboxSql.layer({ prefix, pollInterval: "20 millis", ...options }).pipe(Layer.provideMerge(client()))
    )
    const sql = Context.get(services, SqlClient.SqlClient)
    const letters = sql(`${prefix}letters`)
    const kept = Effect.map(sql<{ text: string }>`SELECT text FROM ${letters} ORDER BY id`, (rows) =>
      rows.map(({ text }) => text))
    return { sql, letters, kept, mailbox: Context.get(services, SessionMailbox.SessionMailbox) }
  })

const moment = TestClock.withLive(Effect.sleep("20 millis"))

onDatabases((name, database) => {
  suite(`on ${name}`, onSql(database, layer))

  describe(`SessionMailboxSql on ${name}`, () => {
    it.effect("asks at its interval for what others post, and at once for what it posts itself", () =>
      Effect.gen(function*() {
        const place = yield* database
        const one = yield* start(place, { pollInterval: "10 seconds" })
        const other = yield* start(place)
        const texts = yield* collect(one.mailbox)
        yield* moment
        yield* one.mailbox.post(letter("own"))
        while (texts.length < 1) yield* moment
        yield* other.mailbox.post(letter("foreign"))
        yield* TestClock.adjust("9 seconds")
        yield* moment
        assert.deepStrictEqual(texts, ["own"])
        yield* TestClock.adjust("1 second")
        while (texts.length < 2) yield* moment
        assert.deepStrictEqual(texts, ["own", "foreign"])
      }))

    const step = Effect.andThen(TestClock.adjust("10 seconds"), moment)

    const keeps = (retention: Duration.Input, seconds: number) =>
      it.effect(`deletes letters after ${seconds} seconds with a retention of ${String(retention)}, and goes on`, () =>
        Effect.gen(function*() {
          const place = yield* database
          const { kept, mailbox } = yield* start(place, { retention, cleanupInterval: "10 seconds" })
          const steps = seconds / 10 - 1
          const texts = yield* collect(mailbox)
          yield* mailbox.post(letter("old"))
          // In steps, for whoever asks a database begins the next wait after an answer in real time.
          for (let count = 0; count < steps; count++) yield* step
          assert.deepStrictEqual(yield* kept, ["old"])
          yield* mailbox.post(letter("new"))
          for (let count = 0; count < steps && (yield* kept).length === 2; count++) yield* step
          assert.deepStrictEqual(yield* kept, ["new"])
          while ((yield* kept).length > 0) yield* step
          // Numbers are not given again, or those who have seen them would pass over what comes with them.
          yield* mailbox.post(letter("later"))
          while (texts.length < 3) yield* Effect.andThen(TestClock.adjust("100 millis"), moment)
          assert.deepStrictEqual(texts, ["old", "new", "later"])
        }))

    keeps("3 minutes", 180)
    keeps("1 second", 60)

    it.live("brings a letter when the transaction it was posted in is done, and not if it is undone", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const { mailbox, sql } = yield* start(place)
        const other = yield* start(place)
        const all = [yield* collect(mailbox), yield* collect(other.mailbox)]
        yield* Effect.flip(sql.withTransaction(Effect.andThen(mailbox.post(letter("undone")), Effect.fail("no"))))
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* mailbox.post(letter("1"))
          yield* mailbox.post(letter("2"))
          yield* Effect.sleep("50 millis")
          assert.deepStrictEqual(all, [[], []])
        }))
        yield* Effect.forEach(all, (texts) => arrived(texts, 2))
        assert.deepStrictEqual(all, [["1", "2"], ["1", "2"]])
      })))

    it.live("reads on after a time without the database", () => {
      const logged: Array<string> = []
      return Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const fresh = { ...place, prefix: `${place.prefix}gone_` }
        const { letters, mailbox, sql } = yield* start(fresh)
        const texts = yield* collect(mailbox)
        yield* mailbox.post(letter("1"))
        yield* arrived(texts, 1)
        yield* sql`ALTER TABLE ${letters} RENAME TO ${sql(`${fresh.prefix}away`)}`
        while (logged.length === 0) yield* Effect.sleep("10 millis")
        const error = yield* Effect.flip(mailbox.post(letter("nowhere")))
        assert.deepInclude(error.reason, { _tag: "Unavailable", store: "session mailbox" } as const)
        yield* Effect.sleep("300 millis")
        yield* sql`ALTER TABLE ${sql(`${fresh.prefix}away`)} RENAME TO ${letters}`
        yield* mailbox.post(letter("2"))
        yield* arrived(texts, 2)
        assert.deepStrictEqual(texts, ["1", "2"])
        assert.deepStrictEqual(logged.filter((line) => line.includes("session mailbox")).length, 1)
      })).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])))
    })
  })
})

needing(postgres, () => {
  it.live("passes no letter over whose transaction takes longer than that of the next", () =>
    Effect.scoped(Effect.gen(function*() {
      const place = yield* pg
      const [slow, quick, listening] = [yield* start(place), yield* start(place), yield* start(place)]
      const texts = yield* collect(listening.mailbox)
      const hasPosted = yield* Latch.make()
      const goesOn = yield* Latch.make()
      const first = yield* Effect.forkChild(slow.sql.withTransaction(
        Effect.andThen(Effect.andThen(slow.mailbox.post(letter("slow")), hasPosted.open), goesOn.await)
      ))
      yield* hasPosted.await
      const second = yield* Effect.forkChild(quick.mailbox.post(letter("quick")))
      yield* Effect.sleep("100 millis")
      assert.isUndefined(second.pollUnsafe())
      assert.deepStrictEqual(texts, [])
      yield* goesOn.open
      yield* Effect.all([Fiber.join(first), Fiber.join(second)])
      yield* arrived(texts, 2)
      assert.deepStrictEqual(texts, ["slow", "quick"])
    })))

  it.live("brings everything once though its connections are cut again and again", () =>
    Effect.scoped(
      Effect.gen(function*() {
        const { client, prefix } = yield* pg
        const application = `${prefix}cut`
        const posting = yield* start({ client, prefix })
        const listening = yield* start({ client: () => pgLayer({ applicationName: application }), prefix })
        const texts = yield* collect(listening.mailbox)
        const posted = Array.from({ length: 60 }, (_, index) => String(index))
        for (const [index, text] of posted.entries()) {
          yield* posting.mailbox.post(letter(text))
          if (index % 20 === 10) {
            yield* posting
              .sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ${application}`
          }
        }
        yield* arrived(texts, posted.length)
        assert.deepStrictEqual(texts, posted)
      }).pipe(Effect.provide(Logger.layer([])))
    ))
})
