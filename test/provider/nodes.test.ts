/** Several nodes and one database: who hears of what, and what becomes of nodes that were away. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as CatalogueStore from "fastmcp-effect/provider/CatalogueStore"
import * as CatalogueStoreSql from "fastmcp-effect/provider/CatalogueStoreSql"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { type Database, onDatabases, pg, pgLayer } from "../session/places.ts"
import { door } from "../support/door.ts"
import { needing, postgres } from "../support/services.ts"
import { prompt, resource, tool } from "./entries.ts"
import { heardAfter, node, until } from "./nodes.ts"
import { toolNames } from "./support.ts"

const storeOf = ({ client, prefix }: Database, options: CatalogueStoreSql.Options = {}) =>
  CatalogueStoreSql.layer({ prefix, ...options }).pipe(Layer.provideMerge(client()))

/** A node with a client of its own. */
const start = (
  place: Database,
  { pollInterval, ...options }: CatalogueStoreSql.Options & { readonly pollInterval?: Duration.Input } = {}
) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(storeOf(place, options))
    const begun = yield* node(Layer.succeedContext(services), pollInterval === undefined ? {} : { pollInterval })
    const sql = Context.get(services, SqlClient.SqlClient)
    return { ...begun, sql, table: sql(`${place.prefix}catalogue`) }
  })

const has = (client: McpTest.Client, ...names: ReadonlyArray<string>) =>
  Effect.map(toolNames(client), (found) => JSON.stringify(found) === JSON.stringify(names))

/** One look of every node and, in real time, what the database does with it. */
const looked = Effect.andThen(
  TestClock.adjust("1 second"),
  Effect.andThen(TestClock.withLive(Effect.sleep("30 millis")), McpTest.settle)
)

const logging = (logged: Array<string>) =>
  Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))]))

onDatabases((name, database) => {
  describe(`nodes on one ${name}`, () => {
    it.effect("list what one of them has written with their next look, and say so once and of that list alone", () =>
      Effect.gen(function*() {
        const place = yield* database
        const [a, b] = [yield* start(place), yield* start(place)]
        yield* a.store.write([{ put: tool("one") }, { put: prompt("p") }, { put: resource("acme:///r") }])
        yield* until(has(a.client, "one"))
        yield* looked
        yield* until(has(b.client, "one"))
        yield* looked
        const before = (yield* heardAfter(b.client, 0)).length
        assert.strictEqual(before, 3)

        yield* a.store.put(tool("one", { title: "One" }))
        const title = Effect.map(b.client.listTools, ([tool]) => tool?.title)
        assert.isUndefined(yield* title)
        yield* TestClock.adjust("1 second")
        yield* until(Effect.map(title, (title) => title === "One"))
        for (let i = 0; i < 3; i++) yield* looked
        for (const { client } of [a, b]) {
          assert.deepStrictEqual(yield* heardAfter(client, before), ["tools list_changed"])
        }
      }))

    it.effect("go on from where they were after a time without the database, with what they had meanwhile", () => {
      const logged: Array<string> = []
      return Effect.gen(function*() {
        const place = yield* database
        const [a, b] = [yield* start(place), yield* start(place)]
        yield* a.store.put(tool("one"))
        yield* looked
        yield* until(has(b.client, "one"))
        const before = (yield* heardAfter(b.client, 0)).length

        const aside = a.sql(`${place.prefix}aside`)
        yield* a.sql`ALTER TABLE ${a.table} RENAME TO ${aside}`
        while (logged.length < 2) yield* looked
        assert.match(logged.join(), /reading of the catalogue is interrupted and tried again/u)
        assert.isTrue(yield* has(b.client, "one"))
        const { reason } = yield* Effect.flip(a.store.put(tool("two")))
        assert(reason._tag === "Unavailable")
        yield* a.sql`ALTER TABLE ${aside} RENAME TO ${a.table}`

        yield* a.store.put(tool("two"))
        for (let i = 0; i < 5; i++) yield* looked
        yield* until(has(b.client, "one", "two"))
        assert.deepStrictEqual(yield* heardAfter(b.client, before), ["tools list_changed"])
      }).pipe(logging(logged))
    })

    it.effect("keep or leave out a row that was written badly by hand, and name it", () => {
      const logged: Array<string> = []
      return Effect.gen(function*() {
        const { client, sql, store, table } = yield* start(yield* database)
        yield* store.write([{ put: tool("one") }, { put: tool("two") }])
        yield* until(has(client, "one", "two"))
        const texts = ["no JSON", "[]", `{"handler":"say","inputSchema":{"type":7}}`, `{"handler":1}`]
        for (const [index, text] of texts.entries()) {
          yield* sql`UPDATE ${table} SET data = ${text}, revision = ${10 + index} WHERE name = 'one'`
          yield* TestClock.adjust("1 second")
          yield* until(Effect.sync(() => logged.length > index))
          assert.match(logged[index]!, /^The tool "one" of the catalogue stays as it was: /u)
          assert.isTrue(yield* has(client, "one", "two"))
        }
        const kept = yield* store.get({ kind: "tool", name: "one" })
        assert.match(kept?.fault ?? "", /^handler: /u)
        const row = { revision: 20, position: 20, data: "{}", written_at: 0 }
        yield* sql`INSERT INTO ${table} ${sql.insert([{ kind: "toll", name: "x", ...row }])}`
        yield* TestClock.adjust("1 second")
        yield* until(Effect.sync(() => logged.length > texts.length))
        assert.match(logged.at(-1)!, /^The toll "x" of the catalogue is left out: There is no kind "toll"/u)
        // It is no use to anybody, and can be taken away and written anew.
        assert.isTrue(yield* store.remove({ kind: "tool", name: "one" }, { version: 13 }))
        yield* until(has(client, "two"))
      }).pipe(logging(logged))
    })

    it.effect("read all again where the trace of what is gone is no longer kept", () =>
      Effect.gen(function*() {
        const place = yield* database
        const options = { retention: "1 second", cleanupInterval: "1 second", pollInterval: "5 seconds" } as const
        const a = yield* start(place, options)
        yield* a.store.write(["one", "two", "three"].map((name) => ({ put: tool(name) })))
        const b = yield* start(place, options)
        assert.isTrue(yield* has(b.client, "one", "two", "three"))
        yield* a.store.remove({ kind: "tool", name: "one" })
        yield* a.store.remove({ kind: "tool", name: "two" })
        const traces = Effect.map(
          a.sql<{ n: number }>`SELECT count(*) AS n FROM ${a.table} WHERE data IS NULL`,
          ([row]) => Number(row!.n)
        )
        assert.strictEqual(yield* traces, 2)
        yield* TestClock.adjust("2 seconds")
        // That of the last change stays, for its number.
        yield* until(Effect.map(traces, (traces) => traces === 1))
        yield* a.store.put(tool("four"))
        yield* until(Effect.andThen(looked, has(b.client, "three", "four")))
      }))

    it.effect("never give out one number twice, whatever a writer takes for the newest", () =>
      Effect.gen(function*() {
        const { sql, store, table } = yield* start(yield* database)
        yield* store.write([{ put: tool("one") }, { put: tool("two") }])
        const { reason } = yield* Effect.flip(sql`UPDATE ${table} SET revision = 2 WHERE name = 'one'`)
        assert.match(reason._tag, /Unique|Constraint/u)
      }))

    it.effect("follow a database that was put back to an earlier state", () =>
      Effect.gen(function*() {
        const { client, sql, store, table } = yield* start(yield* database)
        yield* store.write(["one", "two"].map((name) => ({ put: tool(name) })))
        yield* until(has(client, "one", "two"))
        yield* sql`DELETE FROM ${table} WHERE name = 'two'`
        yield* looked
        yield* until(has(client, "one"))
      }))

    it.effect("hear of nothing that was rolled back, and of all that was committed with other writes", () =>
      Effect.gen(function*() {
        const { client, sql, store } = yield* start(yield* database)
        const writing = Effect.andThen(store.put(tool("one")), store.put(tool("two")))
        yield* Effect.flip(sql.withTransaction(Effect.andThen(writing, Effect.fail("no"))))
        for (let i = 0; i < 2; i++) yield* looked
        assert.deepStrictEqual(yield* heardAfter(client, 0), [])
        yield* sql.withTransaction(writing)
        yield* until(has(client, "one", "two"))
        assert.deepStrictEqual(yield* heardAfter(client, 0), ["tools list_changed"])
      }))

    it.live("load ten thousand rows in pages, and after a change the row that changed", () =>
      Effect.scoped(Effect.gen(function*() {
        const place = yield* database
        const services = yield* Layer.build(storeOf(place))
        const store = Context.get(services, CatalogueStore.CatalogueStore)
        let read = 0
        const counting: typeof store = {
          ...store,
          since: (revision, most) =>
            Effect.tap(store.since(revision, most), (rows) =>
              Effect.sync(() => {
                read += rows.length
              }))
        }
        const sql = Context.get(services, SqlClient.SqlClient)
        const rows = Arr.makeBy(10_000, (index) => ({
          kind: "resource",
          name: `acme:///${index}`,
          revision: index + 1,
          position: index + 1,
          data: `{"text":"${index}"}`,
          written_at: 0
        }))
        for (const some of Arr.chunksOf(rows, 2000)) {
          yield* sql`INSERT INTO ${sql(`${place.prefix}catalogue`)} ${sql.insert(some)}`
        }
        const { client } = yield* node(Layer.succeed(CatalogueStore.CatalogueStore, counting))
        assert.strictEqual(read, 10_000)
        assert.strictEqual((yield* client.listResources).length, 10_000)
        yield* store.put(resource("acme:///5000", { text: "changed" }))
        const changed = Effect.map(
          client.readResource("acme:///5000"),
          ({ contents: [content] }) => content !== undefined && "text" in content && content.text === "changed"
        )
        while (!(yield* changed)) yield* Effect.sleep("10 millis")
        assert.strictEqual(read, 10_001)
      })))
  })
})

needing(postgres, () => {
  it.effect("nodes on Postgres that listen hear of a change at once, also of one that came while they did not", () => {
    const logged: Array<string> = []
    return Effect.gen(function*() {
      const { prefix } = yield* pg
      const { close: _, ...gate } = yield* door(postgres.url)
      const listening = yield* Layer.build(PgClient.layer({ url: Redacted.make(gate.url) }))
      const { listen } = Context.get(listening, PgClient.PgClient)
      const a = yield* start({ prefix, client: () => pgLayer() })
      const b = yield* start({ prefix, client: () => pgLayer() }, { listen, pollInterval: "1 day" })
      yield* a.store.put(tool("one"))
      yield* until(has(b.client, "one"))
      yield* gate.shut
      yield* until(Effect.sync(() => logged.some((line) => line.includes("listening of the catalogue store"))))
      yield* a.store.put(tool("two"))
      yield* TestClock.withLive(Effect.sleep("50 millis"))
      assert.isTrue(yield* has(b.client, "one"))
      yield* gate.open
      yield* TestClock.adjust("5 seconds")
      yield* until(Effect.andThen(TestClock.adjust("1 second"), has(b.client, "one", "two")))
    }).pipe(logging(logged))
  })

  it.effect("nodes on Postgres outlive its connections", () => {
    const logged: Array<string> = []
    return Effect.gen(function*() {
      const { prefix } = yield* pg
      const gate = yield* door(postgres.url)
      const a = yield* start({ prefix, client: () => pgLayer() })
      const b = yield* start({ prefix, client: () => pgLayer({ url: Redacted.make(gate.url) }) })
      yield* a.store.put(tool("one"))
      yield* looked
      yield* until(has(b.client, "one"))
      yield* gate.shut
      while (logged.length === 0) yield* looked
      assert.isTrue(yield* has(b.client, "one"))
      yield* a.store.put(tool("two"))
      yield* gate.open
      yield* until(Effect.andThen(looked, has(b.client, "one", "two")))
    }).pipe(logging(logged))
  })
})
