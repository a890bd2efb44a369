import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redis from "effect/persistence/Redis"
import type * as Session from "fastmcp-effect/session/Session"
import type * as SessionError from "fastmcp-effect/session/SessionError"
import * as SessionStore from "fastmcp-effect/session/SessionStore"
import * as SessionStoreRedis from "fastmcp-effect/session/SessionStoreRedis"
import { needing, redis } from "../support/services.ts"
import { suite } from "./contract/SessionStore.ts"
import { keys, onRedis } from "./places.ts"

const session = (id: string, principal: string | null = null): Session.Session => ({
  id,
  principal,
  revision: "2025-11-25",
  clientInfo: { name: "tester", version: "1.0.0" },
  capabilities: {},
  watched: [],
  values: {}
})

const options: SessionStore.CreateOptions = { idle: Duration.minutes(1), maxSessions: 100, maxSessionsPerCaller: 100 }

const start = Effect.gen(function*() {
  const { client, prefix } = yield* keys
  const services = yield* Layer.build(SessionStoreRedis.layer({ prefix }).pipe(Layer.provideMerge(client())))
  return {
    prefix,
    send: Context.get(services, Redis.Redis).send,
    store: Context.get(services, SessionStore.SessionStore)
  }
})

needing(redis, () => {
  suite("on Redis", onRedis((prefix) => SessionStoreRedis.layer({ prefix })))

  describe("SessionStoreRedis", () => {
    it.live("takes what it cannot read for no session, and warns without naming it", () => {
      const logged: Array<string> = []
      return Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        yield* store.create(session("0123456789a"), options)
        yield* send("HSET", `${prefix}session:0123456789a`, "data", "{}")
        assert.isUndefined(yield* store.get("0123456789a"))
        assert.include(logged.at(-1), "session 01234567...")
        assert.notInclude(logged.join(), "0123456789a")
        assert.isTrue(yield* store.remove("0123456789a"))
      })).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])))
    })

    it.live("keeps nothing for ever, and nothing of a session that has ended", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        yield* store.create(session("1", "ada"), options)
        yield* store.create(session("2", "ada"), { ...options, idle: Duration.hours(1) })
        const all = Effect.map(send<Array<string>>("KEYS", `${prefix}*`), (all) => all.toSorted())
        const names = ["session:1", "session:2", "sessions", "sessions-of:ada"].map((name) => prefix + name)
        assert.deepStrictEqual(yield* all, names)
        const [first, ...others] = yield* Effect.forEach(names, (name) => send<number>("PTTL", name))
        assert.isTrue(first! > 50_000 && first! <= 60_000)
        for (const life of others) assert.isTrue(life > 3_500_000 && life <= 3_600_000)
        // Whoever is asked for keeps the index alive with it.
        for (const name of names.slice(2)) yield* send("PEXPIRE", name, "1000")
        yield* store.get("2")
        for (const name of names.slice(2)) assert.isAbove(yield* send<number>("PTTL", name), 3_500_000)
        yield* store.remove("1")
        yield* store.remove("2")
        assert.deepStrictEqual(yield* all, [])
      })))

    it.live("is unavailable when Redis refuses", () =>
      Effect.scoped(Effect.gen(function*() {
        const { prefix, send, store } = yield* start
        yield* send("SET", `${prefix}session:1`, "not a hash")
        yield* send("SET", `${prefix}sessions`, "not an index")
        const calls = [
          store.create(session("2"), options),
          store.get("1"),
          store.replace(1, session("1")),
          store.remove("1"),
          store.size
        ]
        for (const call of calls) {
          const { reason } = yield* Effect.flip(call as Effect.Effect<never, SessionError.SessionError>)
          assert.deepInclude(reason, { _tag: "Unavailable", store: "session store" } as const)
        }
      })))
  })
})
