/**
 * 100,000 clients that register themselves: none of them is in the memory of the server, and when their time is over they
 * leave the database. A store in memory refuses those for which it has no room, and keeps the others.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as SqlClient from "effect/sql/SqlClient"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreSql from "fastmcp-effect/oauth/server/OAuthStoreSql"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as world from "../oauth/server/world.ts"
import { sqlite } from "../session/places.ts"
import { aheadClock } from "../support/aheadClock.ts"

const clients = Number(process.env["PROOF_CLIENTS"] ?? 100_000)
const days = 24 * 60 * 60 * 1000

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const heap = (): number => {
  for (let round = 0; round < 4; round++) collect()
  return process.memoryUsage().heapUsed / 1e6
}

const options = { registration: { mostAnHour: Infinity, lasts: "90 days" } } as const

const register = ({ send }: world.Caller, index: number) =>
  send("/register", {
    json: { client_name: `Client ${index}`, redirect_uris: [`https://client-${index}.example/callback`] }
  })

const isKnown = ({ send }: world.Caller, id: string) =>
  Effect.map(
    send(world.authorizePath({ client_id: id, redirect_uri: "https://elsewhere.example/" })),
    // Of nobody it would say that the client is not known.
    ({ text }) => text.includes("redirect_uri is none of those of this client")
  )

export const run = async (): Promise<ReadonlyArray<string>> => [
  ...await Effect.runPromise(Effect.scoped(onSqlite)),
  ...await Effect.runPromise(inMemory)
]

const onSqlite = Effect.gen(function*() {
  const failures: Array<string> = []
  const { client, prefix } = yield* sqlite
  let ahead = 0
  const clock = yield* aheadClock(() => ahead)
  const rows = Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ n: number }>`SELECT count(*) AS n FROM ${sql(`${prefix}oauth_entries`)} WHERE kind = 'client'`,
      ([row]) => row!.n
    )).pipe(Effect.provide(client(), { local: true }))
  const store = OAuthStoreSql.layer({ prefix, cleanupInterval: "1 second" }).pipe(Layer.provide(client()))
  yield* world.withServer(
    Effect.gen(function*() {
      const caller = yield* world.caller
      const ids: Array<string> = []
      const some = (count: number) =>
        Effect.forEach(
          Array(count).keys(),
          (index) =>
            Effect.map(register(caller, index), ({ json, status }) => {
              if (status !== 201) failures.push(`a registration is answered with ${status}`)
              if (index % 10_000 === 0) ids.push(json?.client_id)
            }),
          { concurrency: 50, discard: true }
        )
      yield* some(1000)
      const before = heap()
      const begun = performance.now()
      yield* some(clients - 1000)
      const seconds = (performance.now() - begun) / 1000
      const grown = heap() - before
      console.log(
        `${clients} registrations in ${seconds.toFixed(1)} s, ${yield* rows} kept: `
          + `${before.toFixed(1)} MB before, ${grown.toFixed(1)} MB more afterwards`
      )
      if (grown > 10) failures.push(`${grown.toFixed(1)} MB more than before`)
      if ((yield* rows) !== clients) failures.push(`${yield* rows} are kept`)
      for (const id of ids) if (!(yield* isKnown(caller, id))) failures.push(`${id} is not known`)
      ahead = 90 * days
      const over = performance.now()
      for (const id of ids) if (yield* isKnown(caller, id)) failures.push(`${id} is known when its time is over`)
      while ((yield* rows) > 0 && performance.now() - over < 60_000) yield* Effect.sleep("100 millis")
      console.log(`swept in ${((performance.now() - over) / 1000).toFixed(1)} s, ${yield* rows} left`)
      if ((yield* rows) > 0) failures.push(`${yield* rows} are still there`)
    }),
    options,
    { store }
  ).pipe(Effect.provideService(Clock.Clock, clock))
  return failures
})

const inMemory = Effect.gen(function*() {
  const failures: Array<string> = []
  const most = 1000
  yield* world.withServer(
    Effect.gen(function*() {
      const caller = yield* world.caller
      const answers = yield* Effect.forEach(Array(2 * most).keys(), (index) => register(caller, index))
      const taken = answers.filter(({ status }) => status === 201)
      const refused = answers.filter(({ json, status }) => status === 503 && json.error === "temporarily_unavailable")
      console.log(`a store of ${most}: ${taken.length} taken, ${refused.length} refused`)
      // One entry counts those who come.
      if (taken.length !== most - 1) failures.push(`${taken.length} are taken by a store of ${most}`)
      if (taken.length + refused.length !== answers.length) failures.push("some are neither taken nor refused")
      for (const { json } of [taken[0]!, taken.at(-1)!]) {
        if (!(yield* isKnown(caller, json.client_id))) failures.push(`${json.client_id} is not known any more`)
      }
    }),
    options,
    { store: OAuthStore.layerMemory({ maxEntries: most }) }
  ).pipe(
    // It says each time that it is full.
    Effect.provideService(References.MinimumLogLevel, "None")
  )
  return failures
})
