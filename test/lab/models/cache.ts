/**
 * Two servers keep results in one cache. Nobody is shown what was made for somebody else, nothing that was forgotten
 * before one asked, and nothing that is older than it may be.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as Caching from "fastmcp-effect/middleware/Caching"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import { assert } from "vitest"
import type { Model } from "../model.ts"

const ttl = 200

const people = ["ada", "bob"] as const

const step = Arbitrary.schema(Schema.Struct({
  /** Somebody reads, or what is read is another one from now on. */
  who: Schema.Literals(["ada", "ada", "bob", "writer"]),
  server: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  pause: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
  /** Now and then somebody gives up, also one whose result others wait for. */
  patience: Schema.Literals([15, 40, 2000, 2000])
}))

const Price = Schema.Struct({ of: Schema.String, version: Schema.Int })

/** What is found was kept less than its time ago, by the clock of the store. */
const watched = (wrong: Array<string>) =>
  Layer.effect(
    CacheStore.CacheStore,
    Effect.gen(function*() {
      const store = yield* CacheStore.CacheStore
      const keptAt = new Map<string, number>()
      return {
        ...store,
        get: (key) =>
          Effect.gen(function*() {
            const found = yield* store.get(key)
            const at = keptAt.get(key)
            const now = yield* Clock.currentTimeMillis
            if (found.text !== undefined && at !== undefined && now - at >= ttl) {
              wrong.push(`what is found was kept ${now - at} ms ago`)
            }
            return found
          }),
        invalidate: (...tags) => Effect.andThen(Effect.sync(() => keptAt.clear()), store.invalidate(...tags)),
        put: (key, entry, epoch) =>
          Effect.gen(function*() {
            yield* store.put(key, entry, epoch)
            if ((yield* store.get(key)).epoch === epoch) keptAt.set(key, yield* Clock.currentTimeMillis)
          })
      }
    })
  ).pipe(Layer.provide(CacheStore.layerMemory()))

const system = Effect.gen(function*() {
  let version = 1
  let forgotten = 0
  const wrong: Array<string> = []
  const price = Tool.make("price", {
    success: Price,
    cache: ttl,
    handler: () =>
      Effect.gen(function*() {
        const { subject } = yield* Identity.CurrentIdentity
        const read = { of: subject ?? "nobody", version }
        yield* Effect.sleep(30)
        return read
      })
  })
  const { layer, node: store } = yield* Lab.store(watched(wrong), {
    name: "cache",
    service: CacheStore.CacheStore,
    skew: 60_000
  })
  const server = McpServer.layer({
    name: "acme",
    version: "1.0.0",
    tools: [price],
    middleware: [Caching.make({ tags: () => ["prices"] })]
  })
  const servers = yield* Effect.forEach(
    ["s0", "s1"],
    (name, index) => Lab.node(name, Layer.provide(server, layer), { skew: index * -90_000 })
  )
  const reader = (who: string, index: number) => {
    const context = Identity.context(Identity.make({ subject: who }))
    return Lab.client(`${who}${index}`, Lab.link(servers[index]!, { context }), { requestTimeout: 2000 })
  }
  const clients = yield* Effect.forEach(people, (who) => Effect.forEach([0, 1], (index) => reader(who, index)))
  const writer = yield* Lab.node("writer", layer)

  const write = Effect.gen(function*() {
    const next = ++version
    const { invalidate } = yield* CacheStore.CacheStore
    yield* invalidate("prices")
    forgotten = Math.max(forgotten, next)
  })
  const read = (who: typeof people[number], index: number, patience: number) =>
    Effect.gen(function*() {
      const least = forgotten
      const got = yield* Effect.timeout(clients[people.indexOf(who)]![index]!.call(price, {}), patience)
      if (got.of !== who) wrong.push(`${who} is shown what is for ${got.of}`)
      if (got.version < least) wrong.push(`version ${got.version} is shown after ${least} was announced`)
    })

  yield* Effect.forEach(
    yield* Lab.steps("step", step, 14),
    ({ patience, pause, server, who }, index) =>
      Effect.andThen(
        Effect.sleep(index * 30 + pause),
        who === "writer" ? Effect.ignore(writer.run(write)) : Effect.ignore(read(who, server, patience))
      ),
    { concurrency: "unbounded" }
  )
  assert(wrong.length === 0, wrong[0])
  const { entries } = yield* store.run(Effect.flatMap(CacheStore.CacheStore, ({ statistics }) => statistics))
  assert.isAtMost(entries, people.length, "who asks for the same has one entry")
})

export const cache: Model = {
  name: "cache",
  holds: "a cache shows nobody what is another's, or what it was told to forget",
  options: {
    spans: false,
    journal: { fibers: false },
    faults: [
      Faults.delay({ link: "*>cache", chance: 0.1, max: 50 }),
      Faults.reorder({ link: "*>s1", chance: 0.05, by: 40 }),
      Faults.freeze("s0", { every: 800, until: 500, for: 100 })
    ]
  },
  system
}
