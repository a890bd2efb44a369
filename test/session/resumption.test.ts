/** What the event stores are for: a client that is cut off again and again and comes back elsewhere misses nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as EventStore from "fastmcp-effect/session/EventStore"
import * as EventStoreRedis from "fastmcp-effect/session/EventStoreRedis"
import * as EventStoreSql from "fastmcp-effect/session/EventStoreSql"
import { needing, redis } from "../support/services.ts"
import { connect } from "./contract/EventStore.ts"
import { type Backend, memory, onDatabases, onRedis, onSql } from "./places.ts"

/** `RESUMPTION_STREAMS=1000 npx vitest run test/session/resumption` takes its time. */
const streams = Number(process.env["RESUMPTION_STREAMS"] ?? 20)

const length = 200

const resumes = (name: string, { isShared, place }: Backend<EventStore.EventStore>) =>
  it.live(`on ${name}, ${streams} streams of ${length} events`, () =>
    Effect.scoped(Effect.gen(function*() {
      const process = yield* place
      const one = yield* connect(process())
      const nodes = [one, isShared ? yield* connect(process()) : one] as const
      const start = performance.now()
      let [cuts, switches] = [0, 0]

      const produce = Effect.fnUntraced(function*(key: EventStore.StreamKey) {
        let node = yield* Random.nextIntBetween(0, 1)
        for (let position = 1; position <= length; position++) {
          if ((yield* Random.next) < 0.05) node = 1 - node
          assert.strictEqual(yield* nodes[node]!.append(key, `${key.stream}: ${position}`), position)
          if ((yield* Random.next) < 0.1) yield* Effect.sleep("1 millis")
        }
        yield* nodes[node]!.end(key)
      })

      const consume = Effect.fnUntraced(function*(key: EventStore.StreamKey) {
        const told: Array<EventStore.Event> = []
        let node = yield* Random.nextIntBetween(0, 1)
        while (true) {
          const most = yield* Random.nextIntBetween(1, 40)
          const before = told.length
          yield* nodes[node]!.follow(key, before).pipe(
            Stream.take(most),
            Stream.runForEach((event) => Effect.sync(() => told.push(event)))
          )
          if (told.length < before + most) return told
          cuts++
          if ((yield* Random.next) < 0.5) {
            node = 1 - node
            switches++
          }
        }
      })

      const told = yield* Effect.forEach(Array(streams).keys(), (index) => {
        const key = { session: `session ${index % 7}`, stream: `stream ${index}` }
        return Effect.andThen(one.create(key), Effect.all([consume(key), produce(key)], { concurrency: 2 })).pipe(
          Effect.map(([told]) => told),
          Random.withSeed(`${name} ${index}`)
        )
      }, { concurrency: "unbounded" })

      const took = performance.now() - start
      for (const [index, events] of told.entries()) {
        const expected = Array.from({ length }, (_, at) => ({ position: at + 1, data: `stream ${index}: ${at + 1}` }))
        assert.deepStrictEqual(events, expected)
      }
      assert.isAbove(cuts, streams)
      console.log(
        `${name}: ${streams * length} events of ${streams} streams, each once and in order; ` +
          `${cuts} disconnects, ${switches} of them to the other node; ${(took / 1000).toFixed(1)} s`
      )
    })), 300_000)

describe("every event is told once and in order, whatever is cut and wherever the client comes back", () => {
  resumes("memory", memory(() => EventStore.layerMemory()))
  onDatabases((name, database) => resumes(name, onSql(database, (prefix) => EventStoreSql.layer({ prefix }))))
  needing(redis, () => resumes("Redis", onRedis((prefix) => EventStoreRedis.layer({ prefix }))))
})
